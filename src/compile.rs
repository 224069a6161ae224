//! The conductor: the whole way from sources to output, in one screen.

use std::path::PathBuf;

use crate::check::check;
use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Sink};
use crate::emit::{self, Options, OutputFile};
use crate::ir::Unit;
use crate::resolve::resolve;
use crate::source::{SourceId, Sources};
use crate::syntax::parse;

/// The standard kinds, behind `use kinds`.
const LIBRARY: &str = include_str!("../library/kinds.devres");

/// What the front end made of the sources.
#[derive(Debug)]
pub struct Front {
    /// The program, as far as it could be understood.
    pub unit: Unit,
    /// What is wrong with it, sorted; nothing may be emitted unless this is empty.
    pub diagnostics: Vec<Diagnostic>,
}

/// Source to AST to IR: loads scenario files and folders, parses, resolves, checks.
pub fn load(paths: &[PathBuf]) -> Front {
    let mut sink = Sink::default();
    let mut sources = Sources::default();
    let ids = sources.load(paths, &mut sink);
    front(sources, &ids, sink)
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

fn front(mut sources: Sources, ids: &[SourceId], mut sink: Sink) -> Front {
    let library = sources.add("<kinds>", LIBRARY);
    let library = parse(&sources, library, &mut sink);
    let files: Vec<_> = ids
        .iter()
        .map(|&id| parse(&sources, id, &mut sink))
        .collect();
    let unit = resolve(sources, &library, &files, &mut sink);
    check(&unit, &mut sink);
    if sink.is_empty() && unit.suites.iter().all(|suite| suite.scenarios.is_empty()) {
        sink.report(
            Diagnostic::new(Code::NoScenarios, "there is no scenario in any file")
                .help("a scenario stands in a suite: suite NAME on KIND { scenario NAME { ... } }"),
        );
    }
    Front {
        unit,
        diagnostics: sink.into_sorted(),
    }
}

/// IR to output: everything that is generated, by path below the output folder.
///
/// # Errors
/// What a back end cannot do with the program.
pub fn compile(unit: &Unit, options: &Options) -> Result<Vec<OutputFile>, Vec<Diagnostic>> {
    let mut sink = Sink::default();
    let mut files = emit::kunit::emit(unit, options, &mut sink);
    files.extend(emit::rust::emit(unit));
    files.sort_by(|a, b| a.path.cmp(&b.path));
    if sink.is_empty() {
        Ok(files)
    } else {
        Err(sink.into_sorted())
    }
}
