//! What holds of every input. The fuzz targets and `cargo test` share it: tests/fuzz_corpus.rs.

#![allow(dead_code, reason = "each target has one of them")]

use std::sync::OnceLock;

use devres_gen::compile::{Front, compile as emit, load_text};
use devres_gen::diagnostic::{Diagnostic, Report, Sink, has_errors};
use devres_gen::emit::{Broken, OLDEST_TARGET, Options, OutputFile};
use devres_gen::ir::Unit;
use devres_gen::ktap;
use devres_gen::sim::{Fix, Model};
use devres_gen::source::Sources;
use devres_gen::syntax;
use devres_gen::verify::{report, verify_log};
use miette::{GraphicalReportHandler, GraphicalTheme};

/// There is no such folder, so that no `use "FILE"` finds anything.
const PATH: &str = "nowhere/input.devres";

/// Diagnostics that are rendered, as by the program.
const SHOWN: usize = 100;

/// Any text compiles or is refused, and the same text always in the same way.
pub fn compile(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let once = compiled(text);
    // It takes as long again; what depends on a hasher's seed shows soon enough.
    if input.len().is_multiple_of(4) {
        assert_eq!(compiled(text), once);
    }
}

/// All that becomes of a text.
#[derive(Debug, PartialEq)]
struct Compiled {
    /// What is said of it, as a user sees it.
    said: String,
    /// What is emitted, with each of some options.
    emitted: Vec<Result<Vec<OutputFile>, Vec<Diagnostic>>>,
}

fn compiled(text: &str) -> Compiled {
    let Front { unit, diagnostics } = load_text(PATH, text);
    let said = rendered(&diagnostics, &unit.sources);
    let traced = Options {
        trace: true,
        ..Options::default()
    };
    // What differs most from the rest.
    let old = Options {
        target: OLDEST_TARGET,
        without: Fix::ALL.to_vec(),
        broken: Broken::Expect,
        faults: true,
        ..Options::default()
    };
    let mut emitted = vec![];
    if !has_errors(&diagnostics) {
        let options = [Options::default(), traced, old];
        emitted.extend(options.map(|options| emit(&unit, &options)));
    }
    Compiled { said, emitted }
}

fn rendered(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor());
    let mut text = String::new();
    for diagnostic in diagnostics.iter().take(SHOWN) {
        let report = Report::new(diagnostic, sources);
        handler.render_report(&mut text, &report).unwrap();
    }
    text
}

/// What the grammar accepts has one canonical form, which differs in nothing but white space and
/// means the same.
pub fn format(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    if !is_accepted(text) {
        return;
    }
    let once = syntax::format(text);
    assert_eq!(syntax::format(&once), once, "formatted twice");
    let seen = |text: &str| -> String { text.split_whitespace().collect() };
    assert_eq!(seen(&once), seen(text), "something is lost");
    assert!(is_accepted(&once), "no longer accepted: {once}");
    let (before, after) = (load_text(PATH, text), load_text(PATH, &once));
    assert_eq!(messages(&before), messages(&after));
    if !has_errors(&before.diagnostics) {
        assert_eq!(emitted_c(&before.unit), emitted_c(&after.unit));
    }
}

fn is_accepted(text: &str) -> bool {
    let (mut sources, mut sink) = (Sources::default(), Sink::default());
    let id = sources.add(PATH, text);
    syntax::parse(&sources, id, &mut sink);
    sink.count() == 0
}

fn messages(front: &Front) -> Vec<(&str, &str)> {
    let diagnostics = front.diagnostics.iter();
    diagnostics
        .map(|d| (d.code.as_str(), d.message.as_str()))
        .collect()
}

/// Without traces the C names no lines. What cannot be emitted stays so.
fn emitted_c(unit: &Unit) -> Option<Vec<OutputFile>> {
    let files = emit(unit, &Options::default()).ok()?;
    let c = files.into_iter().filter(|file| file.path.ends_with(".c"));
    Some(c.collect())
}

/// Any log is read and judged, as a kernel prints it and as a serial console hands it on.
pub fn ktap(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let log = ktap::parse(&text);
    for result in log.results.values() {
        result.warnings();
        result.alarms().count();
    }
    let lines = text.lines().map(|line| line.to_owned() + "\r\n");
    assert_eq!(ktap::parse(&lines.collect::<String>()), log);
    // Without a trace there is little to judge.
    if log.traces.is_empty() {
        return;
    }
    static UNIT: OnceLock<Unit> = OnceLock::new();
    let unit = UNIT.get_or_init(|| load_text(PATH, JUDGED).unit);
    let options = Options {
        trace: true,
        ..Options::default()
    };
    if let Ok(found) = verify_log(unit, &text, &options, Some(Model::ALL)) {
        report::json(&found);
        report::junit(&found);
    }
}

/// What the logs are held against: those of tests/logs/ are of it.
const JUDGED: &str = include_str!("../scenarios/unregister.devres");
