//! C: one KUnit file a suite, each program once, its kinds as parameters.
//!
//! What is decided here: which helper a suite needs, in which words a statement is
//! C, where lines break. The templates only put it in order.

mod kind;
mod scenario;

use askama::Template;

use super::wrap::words;
use super::{MARK, Options, OutputFile, harmless, names};
use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Sink};
use crate::expand;
use crate::ir::{CKey, Scenario, Suite, Unit};

/// Where the C goes, below the output folder; dropped in as `drivers/base/test/devres`.
pub const FOLDER: &str = "kunit/devres";

/// The symbol that builds the suites whose kinds need nothing special.
pub const SYMBOL: &str = "DEVRES_KUNIT_TEST";

/// Emits the C of a unit. Suites on a kind without C are reported.
pub fn emit(unit: &Unit, options: &Options, sink: &mut Sink) -> Vec<OutputFile> {
    let mut files = Vec::new();
    let mut objects = Vec::new();
    for suite in &unit.suites {
        if let Some(file) = suite_file(unit, suite, options, sink) {
            let name = names::c_file(suite);
            files.push(output(&format!("{name}.c"), &file));
            objects.push(format!("{name}.o"));
        }
    }
    files.push(output(
        "Makefile",
        &Makefile {
            mark: MARK,
            symbol: SYMBOL,
            objects,
        },
    ));
    files.push(output(
        "Kconfig",
        &Kconfig {
            mark: MARK,
            symbol: SYMBOL,
        },
    ));
    files.push(output(
        ".kunitconfig",
        &Kunitconfig {
            mark: MARK,
            symbol: SYMBOL,
        },
    ));
    files
}

fn output(name: &str, template: &impl Template) -> OutputFile {
    // Rendering into a string fails only if a template says so, and none does.
    let text = template.render().unwrap_or_default();
    let text = format!("{}\n", text.trim_end());
    OutputFile {
        path: format!("{FOLDER}/{name}"),
        text,
    }
}

#[derive(Template)]
#[template(path = "Makefile.txt")]
struct Makefile {
    mark: &'static str,
    symbol: &'static str,
    objects: Vec<String>,
}

#[derive(Template)]
#[template(path = "Kconfig.txt")]
struct Kconfig {
    mark: &'static str,
    symbol: &'static str,
}

#[derive(Template)]
#[template(path = "kunitconfig.txt")]
struct Kunitconfig {
    mark: &'static str,
    symbol: &'static str,
}

/// A C file, fully named and wrapped.
#[derive(Template)]
#[template(path = "suite.c")]
struct File {
    header: Vec<String>,
    includes: Vec<String>,
    /// The suite's name in the language.
    name: String,
    /// The KUnit suite, and the prefix of the file's functions.
    kunit_name: String,
    /// The line of the source that the suite begins on.
    line: u32,
    /// Device fields of the recorder.
    devices: Vec<DeviceField>,
    /// Counter fields of the recorder.
    counters: Vec<String>,
    kind_functions: Vec<Function>,
    /// Drivers of the kinds that are there in the state bound.
    drivers: Vec<DriverObject>,
    /// The lines of the table of kinds.
    rows: Vec<String>,
    /// The functions of the actions and of the scenarios.
    functions: Vec<Function>,
    /// The lines of the table of cases.
    tests: Vec<String>,
    uses: Uses,
    trace: bool,
}

/// Which helpers the file needs.
#[derive(Default)]
struct Uses {
    get: bool,
    actions: bool,
    attach: bool,
    /// Something is expected of the number of references.
    refs: bool,
    /// Something is expected of the order of actions.
    order: bool,
    /// Something is expected of `dev->driver`.
    bound: bool,
    wrapped: bool,
    owned: bool,
    drivers: bool,
    /// A driver is unregistered by the test itself, which judges what comes of it.
    finally: bool,
    /// An action adds an action.
    nested: bool,
}

struct DeviceField {
    name: String,
    field: String,
}

struct Function {
    doc: Vec<String>,
    head: String,
    lines: Vec<String>,
}

impl Function {
    fn new(head: String, lines: Vec<String>) -> Self {
        Function {
            doc: vec![],
            head,
            lines,
        }
    }
}

struct DriverObject {
    object_type: String,
    object: String,
    probe: String,
    remove: String,
    functions: Vec<Function>,
}

fn suite_file(unit: &Unit, suite: &Suite, options: &Options, sink: &mut Sink) -> Option<File> {
    let mut kinds = Vec::new();
    for used in &suite.kinds {
        let kind = unit.kind(used.kind);
        match &kind.c {
            Some(c) => kinds.push((*used, kind, c)),
            None => sink.report(
                Diagnostic::new(Code::Inability, format!("kind `{}` has no C", kind.name))
                    .label(used.span, "C is emitted for every suite")
                    .label(kind.span, "declared here, without `c { ... }`")
                    .help("docs/language.md shows how a kind says what its C is"),
            ),
        }
    }
    if kinds.len() < suite.kinds.len() {
        return None;
    }
    let source = unit.sources.get(suite.source).name.clone();
    let mut includes: Vec<String> = kinds
        .iter()
        .flat_map(|(_, _, c)| c.lines(CKey::Include).map(str::to_owned))
        .collect();
    includes.push("<linux/device.h>".to_owned());
    includes.sort();
    includes.dedup();
    let mut file = File {
        header: header(&suite.doc, &options.command(&source)),
        includes,
        name: suite.name.clone(),
        kunit_name: names::suite(suite),
        line: unit.line(suite.span),
        devices: vec![],
        counters: vec![],
        kind_functions: vec![],
        drivers: vec![],
        rows: vec![],
        functions: vec![],
        tests: vec![],
        uses: Uses::default(),
        trace: options.trace,
    };
    file.kinds(unit, &kinds);
    let judged_at_the_end = suite.scenarios.iter().any(Scenario::has_finally);
    file.uses.finally = file.uses.drivers && judged_at_the_end;
    for scenario in &suite.scenarios {
        let Some(&used) = suite.kinds.first() else {
            continue;
        };
        expand::with_program(unit, scenario, used, |program| {
            scenario::Emitter {
                unit,
                suite,
                scenario,
                program,
                options,
                file: &mut file,
            }
            .emit();
        });
    }
    Some(file)
}

/// What the suite is about, and what it was made from.
fn header(doc: &[String], command: &str) -> Vec<String> {
    let mut lines = comment(doc);
    lines.extend(words(
        &harmless(&format!("Generated by {command}, do not edit.")),
        77,
    ));
    lines
}

fn comment(doc: &[String]) -> Vec<String> {
    let doc: Vec<String> = doc.iter().map(|line| harmless(line)).collect();
    words(&doc.join(" "), 76)
}

/// A comment of its own, on one line if it fits.
fn comment_block(doc: &[String]) -> Vec<String> {
    match comment(doc).as_slice() {
        [] => vec![],
        [line] if line.len() <= 74 => vec![format!("/* {line} */")],
        lines => {
            let inner = lines.iter().map(|line| format!(" * {line}"));
            let first = std::iter::once("/*".to_owned());
            first.chain(inner).chain([" */".to_owned()]).collect()
        }
    }
}
