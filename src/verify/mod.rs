//! A kernel against the simulator: the emitted C runs in a private copy of a tree,
//! and what the kernel prints is held against what the simulator predicts.

pub mod bulk;
pub mod compare;
mod kernel;
mod model;
pub mod report;
mod tree;
mod witness;

use std::path::{Path, PathBuf};

use crate::compile::{self, Error};
use crate::emit::{MARK, OLDEST_TARGET, Options, OutputFile, parts};
use crate::install;
use crate::ir::{Linux, Unit};
use crate::ktap;
use crate::sim::Model;
use compare::Comparison;
pub use kernel::Setup;

/// What a tree says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// Its version.
    pub target: Linux,
    /// The fixes in it.
    pub model: Model,
}

/// Reads a tree's version and the fixes that its source has.
///
/// # Errors
/// A folder that is no kernel tree, or a version that C cannot be emitted for.
pub fn known(tree: &Path) -> Result<Known, String> {
    let version = tree::version(tree)?;
    let target = Linux::parse(&version).filter(|&linux| linux >= OLDEST_TARGET);
    let target = target.ok_or_else(|| {
        format!(
            "`{}` is Linux {version}; C can be emitted for {OLDEST_TARGET} and later",
            tree.display()
        )
    })?;
    let model = model::by_source(tree)?;
    Ok(Known { target, model })
}

/// What is to be asked of which kernel.
#[derive(Clone, Debug)]
pub struct Request<'r> {
    /// The source tree; it is only read.
    pub tree: &'r Path,
    /// What is made of it.
    pub setup: Setup,
    /// Whether the kernel's own log of managed resources is compared as well.
    pub witness: bool,
    /// Where to keep what the kernel prints.
    pub keep_log: Option<&'r Path>,
}

/// Emits the unit for the tree's version, builds it into a copy of the tree, runs it, and
/// compares. `say` is told what goes on.
///
/// # Errors
/// Why there is nothing to compare.
pub fn verify(
    unit: &Unit,
    request: &Request<'_>,
    options: &Options,
    say: &dyn Fn(&str),
) -> Result<Comparison, Error> {
    let tree = request.tree;
    let Known { target, model } = known(tree)?;
    let mut setup = request.setup.clone();
    let mut args = vec![];
    if options.faults {
        args.push("kasan_multi_shot");
    }
    if request.witness {
        setup
            .kconfig_add
            .extend(witness::KCONFIG.map(str::to_owned));
        args.push(witness::KERNEL_ARG);
    }
    if !options.without.is_empty() && options.model() != model {
        return Err(Error::Other(format!(
            "by its source `{}` is a kernel {model}, not one {}",
            tree.display(),
            options.model()
        )));
    }
    say(&format!("Linux {target}, by its source {model}"));
    let options = &Options {
        target,
        without: model.lacks().collect(),
        ..options.clone()
    };
    for warning in parts::warnings(unit, target) {
        say(&warning.message);
    }
    let files = compile::compile(unit, options).map_err(Error::Source)?;
    let copy = tree::private_copy(tree, &setup.build_dir(), say)?;
    let questions = model::questions(options).map_err(Error::Source)?;
    install::install(copy.path(), &with_questions(files, questions))?;
    let log = kernel::run(copy.path(), &setup, &args, say)?;
    if options.faults && !kernel::is_configured(copy.path(), &setup, "CONFIG_KASAN=y")? {
        return Err(Error::Other(
            "the kernel has no KASAN to tell of faults: --kconfig-add CONFIG_KASAN=y".to_owned(),
        ));
    }
    if let Some(place) = request.keep_log {
        std::fs::write(place, &log).map_err(|why| format!("`{}`: {why}", place.display()))?;
    }
    let read = ktap::parse(&log);
    if let Some(answered) = model::by_answers(&read).filter(|&answered| answered != model) {
        return Err(Error::Other(format!(
            "by its source this is a kernel {model}, by what it does one {answered}: the simulator \
             knows too little of one of them"
        )));
    }
    let answered = model::by_answers(&read).is_some();
    let mut comparison = compare::compare(unit, options, options.model(), &read);
    if !answered {
        comparison.no_answer();
    }
    if request.witness && !read.is_witness() {
        comparison.no_witness();
    }
    if !comparison.differences.is_empty() {
        let place = copy.path().join(kernel::LOG);
        say(&format!("the kernel's log is in {}", place.display()));
        comparison.explanations = explanations(unit, options, &read);
    }
    Ok(comparison)
}

/// The files, and what asks the kernel for its fixes before all else.
fn with_questions(mut files: Vec<OutputFile>, questions: OutputFile) -> Vec<OutputFile> {
    let object = questions.path.rsplit('/').next().unwrap_or_default();
    let object = object.replace(".c", ".o");
    if let Some(makefile) = files
        .iter_mut()
        .find(|file| file.path.ends_with("Makefile"))
    {
        // Suites run in the order in which they are linked.
        let rest = std::mem::take(&mut makefile.text);
        makefile.text = format!("# {MARK}.\nobj-$(CONFIG_KUNIT) += {object}\n{rest}");
    }
    files.push(questions);
    files
}

/// Holds a log from anywhere, of C that was emitted with these options, against what the
/// simulator predicts of a kernel; or, when none is named, of the kernels that it knows:
/// the one that explains the log, else the one with the fewest differences.
///
/// # Errors
/// A log that no kernel and no test is heard of in.
pub fn verify_log(
    unit: &Unit,
    log: &str,
    options: &Options,
    model: Option<Model>,
) -> Result<Comparison, String> {
    let read = ktap::parse(log);
    if !read.begun && read.kernel.is_none() && read.panic.is_none() {
        let why = "there is no test in it: what is wanted is KTAP, or all that the kernel printed";
        return Err(why.to_owned());
    }
    let options = &Options {
        trace: options.trace && !read.traces.is_empty(),
        ..options.clone()
    };
    let judge = |model| compare::compare(unit, options, model, &read);
    let mut best = judge(model.unwrap_or(Model::ALL));
    let others = Model::known().filter(|_| model.is_none()).map(judge);
    for other in others {
        if other.differences.len() < best.differences.len() {
            best = other;
        }
    }
    best.explanations = explanations(unit, options, &read);
    Ok(best)
}

/// The kernels that would have printed that log.
fn explanations(unit: &Unit, options: &Options, log: &ktap::Log) -> Vec<Model> {
    let explains = |model: &Model| {
        let comparison = compare::compare(unit, options, *model, log);
        comparison.differences.is_empty()
    };
    Model::known().filter(explains).collect()
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
