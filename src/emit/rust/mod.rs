//! Rust: one module a suite, one function a scenario, one `#[test]` a kind, which is about
//! a kernel with all fixes and about one without each.

mod layout;
mod program;
mod steps;

use std::collections::{BTreeSet, HashSet};

use askama::Template;
use rayon::prelude::*;

use super::wrap::words;
use super::{MARK, Options, OutputFile, harmless, names};
use crate::expand;
use crate::ir::{Kind, KindId, KindUse, Scenario, Suite, Unit};
use crate::sim::Handles;

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
    constants: Vec<String>,
    program: Vec<String>,
    source: String,
    set_up: u32,
    steps: Vec<String>,
    tests: Vec<&'t Test>,
}

impl ScenarioModule<'_> {
    /// The beginning of a session, as rustfmt breaks it (`fn_call_width`).
    fn session(&self) -> Vec<String> {
        let set_up = self.set_up.to_string();
        let arguments = [&self.source, &set_up, "&program", "case.model"];
        let flat = arguments.join(", ");
        if flat.len() <= layout::SHORT {
            return vec![format!("let mut s = Session::new({flat});")];
        }
        let mut lines = vec!["let mut s = Session::new(".to_owned()];
        lines.extend(arguments.map(|argument| format!("    {argument},")));
        lines.push(");".to_owned());
        lines
    }
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
        let program_lines = program::literal(unit, scenario, program);
        let steps = steps::steps(unit, suite, scenario, program);
        let mut imports = BTreeSet::from(["Case", "Program", "Session"]);
        // What stands anywhere in the text has to be imported, and nothing else.
        let lines = program_lines.iter().chain(&steps).map(String::as_str);
        let mut used: HashSet<&str> = lines.flat_map(imported_words).collect();
        let mut constants = program::constants(scenario);
        let name = |constant: &str| constant.split([' ', ':']).nth(1).map(str::to_owned);
        constants.retain(|constant| name(constant).is_some_and(|name| used.contains(&*name)));
        used.extend(
            constants
                .iter()
                .flat_map(|constant| imported_words(constant)),
        );
        imports.extend(IMPORTS.iter().filter(|name| used.contains(**name)));
        ScenarioModule {
            doc: comment(&scenario.doc),
            name: names::rust_module(&scenario.name),
            imports: imports_line(&imports),
            constants,
            program: program_lines,
            source: format!("{source:?}"),
            set_up: unit.line(suite.span),
            steps,
            tests: tests
                .iter()
                .filter(|test| scenario.kinds.iter().any(|used| used.is(&test.on)))
                .collect(),
        }
    }))
}

/// The words of a line of Rust that may be those of a type or a constant.
fn imported_words(line: &str) -> impl Iterator<Item = &str> {
    let words = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words
        .filter(|word| word.starts_with(|c: char| c.is_ascii_uppercase()))
        // A variant is imported with its type: `Callback::Probe`.
        .filter(|&word| word != "Probe" || !line.contains("::Probe("))
}

/// What a scenario may need of the simulator.
const IMPORTS: &[&str] = &[
    "Action", "ActionId", "Callback", "Claim", "Device", "DeviceId", "Driver", "DriverId", "Errno",
    "Fault", "Fix", "Group", "GroupId", "Handle", "HandleId", "Op", "Probe", "Sort",
];

fn imports_line(imports: &BTreeSet<&str>) -> String {
    let names: Vec<&str> = imports.iter().copied().collect();
    let one = format!("    use ::devres_gen::sim::{{{}}};", names.join(", "));
    // rustfmt breaks a list of imports a column or two before its line is full.
    if one.len() <= 98 {
        return one;
    }
    // As rustfmt fills the lines of an import.
    let mut text = "    use ::devres_gen::sim::{".to_owned();
    let mut line = String::new();
    for (index, name) in names.iter().enumerate() {
        let width = if index + 1 == names.len() { 100 } else { 99 };
        if line.is_empty() {
            line = format!("        {name},");
        } else if line.len() + name.len() + 2 <= width {
            line += &format!(" {name},");
        } else {
            text += &format!("\n{line}");
            line = format!("        {name},");
        }
    }
    text + &format!("\n{line}\n    }};")
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
    let doc: Vec<String> = doc.iter().map(|line| harmless(line)).collect();
    words(&doc.join(" "), 90)
}
