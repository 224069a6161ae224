//! A kernel against the simulator: the emitted C runs in a private copy of a tree,
//! and what the kernel prints is held against what the simulator predicts.

pub mod compare;
mod kernel;
mod tree;

use std::path::{Path, PathBuf};

use crate::compile;
use crate::diagnostic::Diagnostic;
use crate::emit::{OLDEST_TARGET, Options, kunit};
use crate::ir::{Linux, Unit};
use crate::ktap;
use crate::sim::{Fix, Model};
use compare::Comparison;

/// Why a kernel could not be asked.
#[derive(Debug)]
pub enum Error {
    /// The program cannot be emitted.
    Source(Vec<Diagnostic>),
    /// The tree, its build or its run.
    Kernel(String),
}

impl From<String> for Error {
    fn from(why: String) -> Self {
        Error::Kernel(why)
    }
}

/// Emits the unit for the tree's version, builds it into a copy of the tree, runs it, and
/// compares.
///
/// `say` is told what goes on. The tree itself is only read.
///
/// # Errors
/// Why there is nothing to compare.
pub fn verify(
    unit: &Unit,
    tree: &Path,
    options: &Options,
    say: &dyn Fn(&str),
) -> Result<Comparison, Error> {
    let version = tree::version(tree)?;
    let target = Linux::parse(&version).filter(|&linux| linux >= OLDEST_TARGET);
    let Some(target) = target else {
        return Err(Error::Kernel(format!(
            "`{}` is Linux {version}; C can be emitted for {OLDEST_TARGET} and later",
            tree.display()
        )));
    };
    let options = &Options {
        target,
        ..options.clone()
    };
    let files = compile::compile(unit, options).map_err(Error::Source)?;
    let copy = tree::private_copy(tree, say)?;
    let c = files.iter().filter_map(|file| {
        let name = file.path.strip_prefix(kunit::FOLDER)?.strip_prefix('/')?;
        Some((name, file.text.as_str()))
    });
    copy.install(&c.collect::<Vec<_>>())?;
    let log = kernel::run(copy.path(), say)?;
    let log_read = ktap::parse(&log);
    let model = options.model();
    let mut comparison = compare::compare(unit, options, model, &log_read);
    if !comparison.differences.is_empty() {
        let place = copy.path().join("devres-gen.log");
        std::fs::write(&place, &log).map_err(|why| format!("`{}`: {why}", place.display()))?;
        say(&format!("the kernel's log is in {}", place.display()));
        comparison.explanations = explanations(unit, options, &log_read);
    }
    Ok(comparison)
}

/// The kernels that would have printed that log.
fn explanations(unit: &Unit, options: &Options, log: &ktap::Log) -> Vec<Model> {
    let without = Fix::ALL.map(|fix| Model::ALL.without(fix));
    let models = std::iter::once(Model::ALL).chain(without);
    let explains = |model: &Model| {
        let comparison = compare::compare(unit, options, *model, log);
        comparison.differences.is_empty()
    };
    models.filter(explains).collect()
}

/// Where kernels and private copies are kept: `$DEVRES_GEN_CACHE`, else `devres-gen`
/// below `$XDG_CACHE_HOME` or `~/.cache`.
///
/// # Errors
/// When none of them is set.
pub fn cache() -> Result<PathBuf, String> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(cache) = set("DEVRES_GEN_CACHE") {
        return Ok(cache.into());
    }
    let base = set("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| set("HOME").map(|home| PathBuf::from(home).join(".cache")));
    base.map(|base| base.join("devres-gen")).ok_or_else(|| {
        "no place for a cache: none of DEVRES_GEN_CACHE, XDG_CACHE_HOME and HOME is set".to_owned()
    })
}
