//! Rust: one module a suite, one function a scenario, one `#[test]` a kind, which is about
//! a kernel with all fixes and about one without each.

mod layout;
mod program;
mod steps;

use std::borrow::Cow;
use std::collections::BTreeSet;

use askama::Template;
use rayon::prelude::*;

use super::lines::Lines;
use super::wrap::words;
use super::{MARK, Options, OutputFile, harmless, names};
use crate::expand;
use crate::ir::{Kind, KindId, KindUse, Scenario, Suite, Unit};
use crate::sim::Handles;
use program::Constants;

/// Where the Rust goes, below the output folder.
pub const FOLDER: &str = "rust";

/// Emits the Rust of a unit.
pub fn emit(unit: &Unit, options: &Options) -> Vec<OutputFile> {
    let module_name = |suite: &Suite| names::rust_module(&suite.name);
    let modules = unit.suites.iter().map(module_name).collect();
    let mut files = vec![output(
        "main",
        &Main {
            mark: MARK,
            modules,
        },
    )];
    let suites = unit.suites.par_iter().map(|suite| {
        let tests = tests(unit, suite);
        output(
            names::rust_file(&module_name(suite)),
            &module(unit, suite, &tests, options),
        )
    });
    files.par_extend(suites);
    files
}

fn output(name: &str, template: &impl Template) -> OutputFile {
    OutputFile::rendered(format!("{FOLDER}/{name}.rs"), template)
}

#[derive(Template)]
#[template(path = "main.rs")]
struct Main {
    mark: &'static str,
    modules: Vec<String>,
}

/// A Rust file, fully named and wrapped.
#[derive(Template)]
#[template(path = "suite.rs")]
struct Module<'t> {
    /// The lines of the file's doc comment.
    header: Vec<String>,
    kinds: Vec<KindConstant>,
    scenarios: Vec<ScenarioModule<'t>>,
}

struct KindConstant {
    doc: Vec<String>,
    name: String,
    value: String,
}

struct ScenarioModule<'t> {
    doc: Vec<String>,
    name: String,
    imports: String,
    /// The body of its function.
    constants: Lines,
    session: Lines,
    tests: Vec<&'t Test>,
}

struct Test {
    on: KindUse,
    name: String,
    call: Vec<String>,
}

fn module<'t>(unit: &Unit, suite: &Suite, tests: &'t [Test], options: &Options) -> Module<'t> {
    let source = unit.sources.get(suite.source).name.clone();
    let kinds: BTreeSet<KindId> = suite.kinds_of_devices().map(|(id, _)| id).collect();
    let kinds = kinds.into_iter().map(|id| {
        let kind = unit.kind(id);
        let semantics = kind.in_simulator();
        let mut value = format!("Kind::new({:?})", kind.name);
        if semantics.on_bus {
            value += ".on_bus()";
        }
        if semantics.in_class {
            value += ".in_class()";
        }
        if semantics.has_parent {
            value += ".with_parent()";
        }
        value += &drivers_and_handles(kind);
        KindConstant {
            doc: comment(&kind.doc),
            name: constant(&kind.name),
            value,
        }
    });
    let mut header = comment(&suite.doc);
    if !header.is_empty() {
        header.push(String::new());
    }
    header.push(format!("{MARK} from {}, do not edit:", harmless(&source)));
    header.push(format!(
        "`{}`",
        harmless(&options.for_rust().command(&source))
    ));
    Module {
        header,
        kinds: kinds.collect(),
        scenarios: suite
            .scenarios
            .iter()
            .filter_map(|scenario| scenario_module(unit, suite, scenario, tests, &source))
            .collect(),
    }
}

/// What a kind says of its bus and its files, as the rest of a constant's value.
fn drivers_and_handles(kind: &Kind) -> String {
    let said = [
        (".grouped()", kind.drivers.grouped),
        (".held()", kind.drivers.held),
        (".late()", kind.drivers.late),
        (".any()", kind.drivers.any),
        (".own()", kind.drivers.own),
        (".cdev()", kind.handles == Handles::Cdev),
        (".object()", kind.handles == Handles::Object),
        (".held_cdev()", kind.handles == Handles::CdevAndDevice),
        (".misc()", kind.handles == Handles::Misc),
        (".waits()", kind.waits),
    ];
    let said = said.iter().filter(|(_, says)| *says);
    said.map(|&(call, _)| call).collect()
}

/// Every kind that the suite or a scenario of it speaks of.
fn scenario_module<'t>(
    unit: &Unit,
    suite: &Suite,
    scenario: &Scenario,
    tests: &'t [Test],
    source: &str,
) -> Option<ScenarioModule<'t>> {
    let used = *scenario.kinds.first()?;
    Some(expand::with_program(unit, scenario, used, |program| {
        let names = Constants::of(program);
        let mut session = Lines::default();
        program::literal(unit, scenario, program, &names, &mut session.0);
        let literal = session.as_str().len();
        begin_session(source, unit.line(suite.span), &mut session);
        let begun = session.as_str().len();
        steps::steps(unit, suite, scenario, program, &names, &mut session);
        // What stands anywhere in the text has to be imported, and nothing else; the name of the
        // source is no part of it.
        let texts = [&session.as_str()[..literal], &session.as_str()[begun..]];
        let mut used: Vec<&str> = vec!["Case", "Program", "Session"];
        for word in texts.into_iter().flat_map(imported_words) {
            if !used.contains(&word) {
                used.push(word);
            }
        }
        let mut drivers = scenario.drivers.iter();
        if drivers.any(|driver| !driver.probes.is_empty()) {
            used.push("Probe");
        }
        let mut constants = Lines::default();
        for (sort, index, name) in names.declared(scenario) {
            if used.contains(&name) {
                used.push(sort);
                let value = format_args!("{INDENT}const {name}: {sort} = {sort}({index});");
                constants.line(value);
            }
        }
        ScenarioModule {
            doc: comment(&scenario.doc),
            name: names::rust_module(&scenario.name),
            imports: imports(&used),
            constants,
            session,
            tests: tests
                .iter()
                .filter(|test| scenario.kinds.iter().any(|used| used.is(&test.on)))
                .collect(),
        }
    }))
}

/// The indent of what stands in a function within a module.
const INDENT: &str = "        ";

/// The beginning of a session, as rustfmt breaks it (`fn_call_width`).
fn begin_session(source: &str, set_up: u32, lines: &mut Lines) {
    let (source, set_up) = (format!("{source:?}"), set_up.to_string());
    let arguments = [&source, &set_up, "&program", "case.model"];
    let flat = arguments.join(", ");
    if flat.len() <= layout::SHORT {
        return lines.line(format_args!("{INDENT}let mut s = Session::new({flat});"));
    }
    lines.line(format_args!("{INDENT}let mut s = Session::new("));
    for argument in arguments {
        lines.line(format_args!("{INDENT}    {argument},"));
    }
    lines.line(format_args!("{INDENT});"));
}

/// The words of Rust that may be those of a type or a constant, less `Probe`: that is a variant as
/// well, which is imported with its type.
fn imported_words(text: &str) -> impl Iterator<Item = &str> {
    let bytes = text.as_bytes();
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let begins =
        move |&at: &usize| bytes[at].is_ascii_uppercase() && !(at > 0 && is_part(bytes[at - 1]));
    let words = (0..bytes.len()).filter(begins).map(move |at| {
        let end = bytes[at..].iter().position(|&byte| !is_part(byte));
        &text[at..end.map_or(text.len(), |end| at + end)]
    });
    words.filter(|&word| word != "Probe")
}

/// What a scenario may need of the simulator, sorted.
const IMPORTS: &[&str] = &[
    "Action",
    "ActionId",
    "Callback",
    "Case",
    "Claim",
    "Device",
    "DeviceId",
    "Driver",
    "DriverId",
    "Errno",
    "Fault",
    "Fix",
    "Group",
    "GroupId",
    "Handle",
    "HandleId",
    "LinkFlags",
    "Op",
    "Probe",
    "Program",
    "Session",
    "Sort",
];

/// The import of those words that are the simulator's.
fn imports(used: &[&str]) -> String {
    let names = IMPORTS.iter().filter(|name| used.contains(name));
    let names: Vec<&str> = names.copied().collect();
    let mut text = String::with_capacity(256);
    text.push_str("    use ::devres_gen::sim::{");
    let widths: usize = names.iter().map(|name| name.len() + ", ".len()).sum();
    // rustfmt breaks a list of imports a column or two before its line is full.
    if text.len() + widths + "};".len() - ", ".len() <= 98 {
        for (index, name) in names.iter().enumerate() {
            text.extend([if index == 0 { "" } else { ", " }, name]);
        }
        return text + "};";
    }
    // As rustfmt fills the lines of an import.
    let mut width = usize::MAX;
    for (index, name) in names.iter().enumerate() {
        let most = if index + 1 == names.len() { 100 } else { 99 };
        if width.saturating_add(name.len() + 2) <= most {
            text.extend([" ", name, ","]);
            width += name.len() + 2;
        } else {
            text.extend(["\n        ", name, ","]);
            width = 8 + name.len() + 1;
        }
    }
    text + "\n    };"
}

/// A test for each kind, the same for each scenario that is on it. It is on every kernel, since
/// what a scenario does not except holds everywhere; and in one function, since those are what the
/// compiler takes time for.
fn tests(unit: &Unit, suite: &Suite) -> Vec<Test> {
    let tests = suite.kinds.iter().map(|used| {
        let mut chain = case_chain(unit, used);
        chain.push(".on_every_kernel(scenario);".to_owned());
        Test {
            on: *used,
            name: format!("on_{}", used.label(unit)),
            call: layout::chain(chain),
        }
    });
    tests.collect()
}

/// A kind in a state, as the simulator's `Case`.
fn case(unit: &Unit, used: &KindUse) -> String {
    case_chain(unit, used).concat()
}

fn case_chain(unit: &Unit, used: &KindUse) -> Vec<String> {
    let kind = |id| format!("&super::{}", constant(&unit.kind(id).name));
    let state = if used.bound { "bound" } else { "unbound" };
    let below = used.parent.map(|id| format!(".below({})", kind(id)));
    let mut chain = vec![format!("Case::{state}({})", kind(used.kind))];
    chain.extend(below);
    chain
}

fn constant(name: &str) -> String {
    name.to_ascii_uppercase()
}

fn comment(doc: &[String]) -> Vec<String> {
    let doc: Vec<Cow<'_, str>> = doc.iter().map(|line| harmless(line)).collect();
    words(&doc.join(" "), 90)
}
