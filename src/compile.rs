//! The conductor: the whole way from sources to output, in one screen.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::check::check;
use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Sink};
use crate::emit::{self, Options, OutputFile};
use crate::ir::Unit;
use crate::orders;
use crate::resolve::{Files, resolve};
use crate::select::{Selection, select};
use crate::source::{SourceId, Sources};
use crate::syntax::ast::File;
use crate::syntax::parse;

/// What explorations build programs from, if nothing else is given.
const BRICKS: &str = include_str!("../library/bricks.devres");

/// The standard kinds, behind `use kinds`.
const LIBRARY: &str = include_str!("../library/kinds.devres");

/// Why nothing came of a unit.
#[derive(Debug)]
pub enum Error {
    /// The program cannot be emitted.
    Source(Vec<Diagnostic>),
    /// Something outside of it: a tree, a kernel, a report, a file in the way.
    Other(String),
}

impl From<String> for Error {
    fn from(why: String) -> Self {
        Error::Other(why)
    }
}

/// What the front end made of the sources.
#[derive(Debug)]
pub struct Front {
    /// The program, as far as it could be understood.
    pub unit: Unit,
    /// What is wrong with it, sorted; nothing may be emitted if there is an error in it.
    pub diagnostics: Vec<Diagnostic>,
}

/// Source to AST to IR: loads scenario files and folders, parses, resolves, checks.
pub fn load(paths: &[PathBuf]) -> Front {
    let mut sink = Sink::default();
    let mut sources = Sources::default();
    let ids = sources.load(paths, &mut sink);
    front(sources, &ids, sink)
}

/// The same of the cases that are wanted: others have to be understood, and are not checked.
///
/// # Errors
/// A pattern that matches no case.
pub fn load_part(paths: &[PathBuf], selection: &Selection) -> Result<Front, String> {
    let mut sink = Sink::default();
    let mut sources = Sources::default();
    let ids = sources.load(paths, &mut sink);
    let mut unit = resolved(sources, &ids, &mut sink);
    if !sink.has_errors() {
        unit = select(unit, selection)?;
    }
    Ok(checked(unit, sink))
}

/// The same for a text that is no file.
pub fn load_text(path: &str, text: &str) -> Front {
    let mut sources = Sources::default();
    let id = sources.add(path, text);
    front(sources, &[id], Sink::default())
}

/// The texts of files and folders, and what the grammar has to say of them.
#[derive(Debug)]
pub struct Texts {
    /// The texts.
    pub sources: Sources,
    /// Those that could be read.
    pub ids: Vec<SourceId>,
    /// What is wrong with them, sorted.
    pub diagnostics: Vec<Diagnostic>,
}

/// Source to AST only: what a formatter needs to know.
pub fn texts(paths: &[PathBuf]) -> Texts {
    let mut sink = Sink::default();
    let mut sources = Sources::default();
    let ids = sources.load(paths, &mut sink);
    for &id in &ids {
        parse(&sources, id, &mut sink);
    }
    Texts {
        sources,
        ids,
        diagnostics: sink.into_sorted(),
    }
}

/// The standard kinds alone.
pub fn library() -> Unit {
    load_text("<nothing>", "").unit
}

/// The bricks of explorations, with the kinds of these files beside the standard ones; what
/// suites stand in the files is of no matter. They are resolved and not checked: what stands in
/// bricks is no time line.
pub fn bricks(paths: &[PathBuf]) -> Front {
    let mut sink = Sink::default();
    let mut sources = Sources::default();
    let mut ids = match paths {
        [] => vec![],
        paths => sources.load(paths, &mut sink),
    };
    let own = sources.add("<bricks>", BRICKS);
    ids.push(own);
    let mut unit = resolved(sources, &ids, &mut sink);
    unit.suites.retain(|suite| suite.source == own);
    Front {
        unit,
        diagnostics: sink.into_sorted(),
    }
}

fn front(sources: Sources, ids: &[SourceId], mut sink: Sink) -> Front {
    let unit = resolved(sources, ids, &mut sink);
    checked(unit, sink)
}

fn checked(mut unit: Unit, mut sink: Sink) -> Front {
    check(&mut unit, &mut sink);
    whole(unit, sink)
}

/// A unit with what is wrong with it; one without any scenario is.
pub(crate) fn whole(unit: Unit, mut sink: Sink) -> Front {
    if !sink.has_errors() && unit.suites.iter().all(|suite| suite.scenarios.is_empty()) {
        sink.report(
            Diagnostic::new(Code::NoScenarios, "there is no scenario in any file")
                .help("a scenario stands in a suite: suite NAME on KIND { scenario NAME { ... } }"),
        );
    }
    let diagnostics = orders::fold(sink.into_sorted());
    Front { unit, diagnostics }
}

/// Source to AST to IR, as far as the names tell.
pub(crate) fn resolved(mut sources: Sources, ids: &[SourceId], sink: &mut Sink) -> Unit {
    let library = sources.add("<kinds>", LIBRARY);
    let library = parse(&sources, library, sink);
    let wanted: Vec<_> = ids.iter().map(|&id| parse(&sources, id, sink)).collect();
    let (used, uses, broken) = used_files(&mut sources, &wanted, sink);
    let files = Files {
        library: &library,
        wanted: &wanted,
        used: &used,
        uses: &uses,
        broken: &broken,
    };
    resolve(sources, &files, sink)
}

/// The files that others name with `use "FILE"`, less those that are wanted anyway; which
/// file names which; and which names one that cannot be read. Only kinds are taken from
/// them, so that nothing follows from their own `use`.
fn used_files(
    sources: &mut Sources,
    wanted: &[File],
    sink: &mut Sink,
) -> (
    Vec<File>,
    BTreeMap<SourceId, Vec<SourceId>>,
    BTreeSet<SourceId>,
) {
    let mut broken = BTreeSet::new();
    let mut used: Vec<File> = Vec::new();
    let mut uses: BTreeMap<SourceId, Vec<SourceId>> = BTreeMap::new();
    for file in wanted {
        for name in &file.files {
            let Some(id) = sources.load_beside(file.source, name, sink) else {
                broken.insert(file.source);
                continue;
            };
            uses.entry(file.source).or_default().push(id);
            let known = |known: &File| known.source == id;
            if !wanted.iter().any(known) && !used.iter().any(known) {
                used.push(parse(sources, id, sink));
            }
        }
    }
    (used, uses, broken)
}

/// IR to output: everything that is generated, by path below the output folder.
///
/// # Errors
/// What a back end cannot do with the program.
pub fn compile(unit: &Unit, options: &Options) -> Result<Vec<OutputFile>, Vec<Diagnostic>> {
    let mut sink = Sink::default();
    let (mut files, rust) = rayon::join(
        || emit::kunit::emit(unit, options, &mut sink),
        || emit::rust::emit(unit, options),
    );
    files.extend(rust);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    if sink.has_errors() {
        Err(sink.into_sorted())
    } else {
        Ok(files)
    }
}
