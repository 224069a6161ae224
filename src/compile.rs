//! The conductor: the whole way from sources to output, in one screen.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::check::{self, check};
use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Sink, has_errors};
use crate::emit::{self, Options, OutputFile};
use crate::explore::all_kinds;
use crate::ir::{KindUse, StepKind, Unit};
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

/// The same of cases of which nobody knows yet what comes of them: whether kinds can do what is asked
/// is checked, and nothing else.
///
/// # Errors
/// A pattern that matches no case.
pub fn load_question(paths: &[PathBuf], selection: &Selection) -> Result<Front, String> {
    let mut sink = Sink::default();
    let mut sources = Sources::default();
    let ids = sources.load(paths, &mut sink);
    asked(sources, &ids, sink, selection, false)
}

/// The same of statements that stand in no scenario, on kinds as suites spell them; if there are none,
/// on every standard kind that can do that.
///
/// # Errors
/// What is no statement and no kind, and as above.
pub fn question(
    statements: &str,
    kinds: &[String],
    selection: &Selection,
) -> Result<Front, String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || " _".contains(c);
    if let Some(kind) = kinds
        .iter()
        .find(|kind| kind.trim().is_empty() || !kind.chars().all(is_word))
    {
        let kind = kind.escape_debug();
        return Err(format!(
            "`{kind}` is no kind: suites spell them as `platform bound`"
        ));
    }
    let begins = |word: &str| {
        statements
            .lines()
            .any(|line| line.trim_start().starts_with(word))
    };
    if begins("suite ") || begins("scenario ") {
        return Err("statements stand in no suite and no scenario; a file goes to `--file`".into());
    }
    if closes_too_much(statements) {
        return Err("there is a `}` too many in what is asked".into());
    }
    let every = library();
    let on: Vec<String> = match kinds {
        [] => all_kinds(&every)
            .iter()
            .map(|kind| kind.spelled(&every))
            .collect(),
        kinds => kinds.to_vec(),
    };
    let on = on.join(", ");
    // Errors show a line before and behind.
    let text = format!(
        "use kinds\nsuite question on {on} {{ scenario asked {{\n\n{statements}\n\n}}\n}}\n"
    );
    let mut sources = Sources::default();
    let id = sources.add("<question>", &text);
    let front = asked(sources, &[id], Sink::default(), selection, kinds.is_empty())?;
    let scenarios = front.unit.suites.iter().flat_map(|suite| &suite.scenarios);
    let mut steps = scenarios.flat_map(|scenario| &scenario.steps);
    if !has_errors(&front.diagnostics) && !steps.any(|step| matches!(step.kind, StepKind::Op(..))) {
        return Err(
            "nothing is done: say statements, such as 'register dev; unregister dev'".into(),
        );
    }
    Ok(front)
}

/// Whether a brace is closed that these statements have not opened.
fn closes_too_much(statements: &str) -> bool {
    let code = statements
        .lines()
        .filter_map(|line| line.split("//").next());
    let mut braces = code.flat_map(str::chars).filter(|c| "{}".contains(*c));
    let mut open = 0_usize;
    braces.any(|brace| match brace {
        '{' => {
            open += 1;
            false
        }
        _ => match open.checked_sub(1) {
            Some(fewer) => {
                open = fewer;
                false
            }
            None => true,
        },
    })
}

fn asked(
    sources: Sources,
    ids: &[SourceId],
    mut sink: Sink,
    selection: &Selection,
    of_any_kind: bool,
) -> Result<Front, String> {
    let mut unit = resolved(sources, ids, &mut sink);
    if !sink.has_errors() {
        unit = select(unit, selection)?;
        if of_any_kind {
            keep_those_that_can(&mut unit);
        }
        check::question(&unit, &mut sink);
    }
    Ok(whole(unit, sink))
}

/// Leaves the kinds out that cannot do what is asked of them, if there are any that can.
fn keep_those_that_can(unit: &mut Unit) {
    let can = |kind: &KindUse| {
        let mut alone = unit.clone();
        for suite in &mut alone.suites {
            suite.kinds = vec![*kind];
        }
        let mut sink = Sink::default();
        check::question(&alone, &mut sink);
        !sink.has_errors()
    };
    let kinds = unit.suites.iter().flat_map(|suite| &suite.kinds);
    let able: Vec<KindUse> = kinds.copied().filter(can).collect();
    if able.is_empty() {
        return;
    }
    for suite in &mut unit.suites {
        suite.kinds.clone_from(&able);
        for scenario in &mut suite.scenarios {
            scenario.kinds.clone_from(&able);
        }
    }
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

fn checked(unit: Unit, mut sink: Sink) -> Front {
    check(&unit, &mut sink);
    whole(unit, sink)
}

/// A unit with what is wrong with it; one without any scenario is.
fn whole(unit: Unit, mut sink: Sink) -> Front {
    if !sink.has_errors() && unit.suites.iter().all(|suite| suite.scenarios.is_empty()) {
        sink.report(
            Diagnostic::new(Code::NoScenarios, "there is no scenario in any file")
                .help("a scenario stands in a suite: suite NAME on KIND { scenario NAME { ... } }"),
        );
    }
    let diagnostics = orders::fold(sink.into_sorted());
    Front { unit, diagnostics }
}

fn resolved(mut sources: Sources, ids: &[SourceId], sink: &mut Sink) -> Unit {
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
