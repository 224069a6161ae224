//! Rust: one module a suite, one function a scenario, one `#[test]` a case, each on
//! a kernel with all fixes and on one without each.

use std::collections::BTreeSet;

use askama::Template;

use super::wrap::words;
use super::{MARK, Options, OutputFile, harmless, names};
use crate::expand::{self, CaseStepKind};
use crate::ir::{Expectation, Scenario, Suite, Unit};
use crate::sim::{Claim, Errno, Fix, Op, Program};

/// Where the Rust goes, below the output folder.
pub const FOLDER: &str = "rust";

/// Emits the Rust of a unit.
pub fn emit(unit: &Unit) -> Vec<OutputFile> {
    let module_name = |suite: &Suite| names::rust_module(&suite.name);
    let modules = unit.suites.iter().map(module_name).collect();
    let mut files = vec![output(
        "main",
        &Main {
            mark: MARK,
            modules,
        },
    )];
    files.extend(
        unit.suites
            .iter()
            .map(|suite| output(names::rust_file(&module_name(suite)), &module(unit, suite))),
    );
    files
}

fn output(name: &str, template: &impl Template) -> OutputFile {
    // Rendering into a string fails only if a template says so, and none does.
    let text = template.render().unwrap_or_default();
    let text = format!("{}\n", text.trim_end());
    OutputFile {
        path: format!("{FOLDER}/{name}.rs"),
        text,
    }
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
struct Module {
    /// The lines of the file's doc comment.
    header: Vec<String>,
    kinds: Vec<KindConstant>,
    scenarios: Vec<ScenarioModule>,
}

struct KindConstant {
    doc: Vec<String>,
    name: String,
    value: String,
}

struct ScenarioModule {
    doc: Vec<String>,
    name: String,
    imports: String,
    constants: Vec<String>,
    program: Vec<String>,
    source: String,
    set_up: u32,
    steps: Vec<String>,
    tests: Vec<Test>,
}

struct Test {
    name: String,
    case: String,
}

fn module(unit: &Unit, suite: &Suite) -> Module {
    let source = unit.sources.get(suite.source).name.clone();
    let mut kinds: Vec<_> = suite.kinds.iter().map(|used| used.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let kinds = kinds.into_iter().map(|id| {
        let kind = unit.kind(id);
        let mut value = format!("Kind::new({:?})", kind.name);
        if kind.on_bus {
            value += ".on_bus()";
        }
        if kind.has_parent {
            value += ".with_parent()";
        }
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
        harmless(&Options::default().command(&source))
    ));
    Module {
        header,
        kinds: kinds.collect(),
        scenarios: suite
            .scenarios
            .iter()
            .filter_map(|scenario| scenario_module(unit, suite, scenario, &source))
            .collect(),
    }
}

fn scenario_module(
    unit: &Unit,
    suite: &Suite,
    scenario: &Scenario,
    source: &str,
) -> Option<ScenarioModule> {
    let used = *suite.kinds.first()?;
    Some(expand::with_program(unit, scenario, used, |program| {
        let mut imports =
            BTreeSet::from(["Case", "Device", "DeviceId", "Fix", "Program", "Session"]);
        let mut steps = Vec::new();
        for step in expand::time_line(suite, scenario, program) {
            let line = unit.line(step.span);
            match step.kind {
                CaseStepKind::Op(op, fails) if step.span != suite.span => {
                    // What the scenario gives up at its end, `finish` does.
                    if step.span != scenario.span {
                        if fails.is_some() {
                            imports.insert("Errno");
                        }
                        steps.push(format!("s.at({line}).{};", operation(program, op, fails)));
                    }
                }
                CaseStepKind::Op(..) => {}
                CaseStepKind::Expect(expectation) => {
                    imports.insert("Claim");
                    steps.extend(expect(program, line, expectation));
                }
            }
        }
        if scenario.has_finally() {
            steps.push(format!("s.at({}).give_up();", unit.line(scenario.span)));
        }
        for (span, expectation) in expand::finally(scenario) {
            imports.insert("Claim");
            steps.extend(expect(program, unit.line(span), expectation));
        }
        steps.push(format!("s.at({}).finish();", unit.line(scenario.span)));
        if !scenario.actions.is_empty() {
            imports.extend(["Action", "ActionId"]);
        }
        if scenario
            .actions
            .iter()
            .any(|action| !action.body.is_empty())
        {
            imports.insert("Op");
        }
        ScenarioModule {
            doc: comment(&scenario.doc),
            name: names::rust_module(&scenario.name),
            imports: imports_line(&imports),
            constants: constants(scenario),
            program: program_lines(program),
            source: format!("{source:?}"),
            set_up: unit.line(suite.span),
            steps,
            tests: tests(unit, suite),
        }
    }))
}

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
    for name in names {
        if line.is_empty() {
            line = format!("        {name},");
        } else if line.len() + name.len() + 2 <= 98 {
            line += &format!(" {name},");
        } else {
            text += &format!("\n{line}");
            line = format!("        {name},");
        }
    }
    text + &format!("\n{line}\n    }};")
}

fn constants(scenario: &Scenario) -> Vec<String> {
    let devices = scenario.devices.iter().enumerate().map(|(index, device)| {
        format!(
            "const {}: DeviceId = DeviceId({index});",
            constant(&device.name)
        )
    });
    let actions = scenario.actions.iter().enumerate().map(|(index, action)| {
        format!(
            "const {}: ActionId = ActionId({index});",
            constant(&action.name)
        )
    });
    devices.chain(actions).collect()
}

fn program_lines(program: &Program<'_>) -> Vec<String> {
    let devices = program
        .devices
        .iter()
        .map(|device| format!("Device::new({:?}, case.kind)", device.name));
    let actions = program.actions.iter().map(|action| {
        let on = constant(program.device(action.on).name);
        let body = action
            .body
            .iter()
            .map(|&op| body_op(program, op))
            .collect::<Vec<_>>();
        format!(
            "Action::new({:?}, {on}, &[{}])",
            action.name,
            body.join(", ")
        )
    });
    let mut lines = list("devices", &devices.collect::<Vec<_>>());
    lines.push("    drivers: case.drivers,".to_owned());
    lines.extend(list("actions", &actions.collect::<Vec<_>>()));
    lines
}

/// A field that is a list, on one line if rustfmt would put it there.
fn list(field: &str, items: &[String]) -> Vec<String> {
    let joined = items.join(", ");
    if joined.len() <= 60 || items.len() == 1 && joined.len() <= 75 {
        return vec![format!("    {field}: &[{joined}],")];
    }
    let mut lines = vec![format!("    {field}: &[")];
    lines.extend(items.iter().map(|item| format!("        {item},")));
    lines.push("    ],".to_owned());
    lines
}

fn body_op(program: &Program<'_>, op: Op) -> String {
    match op {
        Op::Register(id) => format!("Op::Register({})", constant(program.device(id).name)),
        Op::Unregister(id) => format!("Op::Unregister({})", constant(program.device(id).name)),
        Op::Get(id) => format!("Op::Get({})", constant(program.device(id).name)),
        Op::Put(id) => format!("Op::Put({})", constant(program.device(id).name)),
        Op::Attach(id) => format!("Op::Attach({})", constant(program.device(id).name)),
        Op::Unbind(id) => format!("Op::Unbind({})", constant(program.device(id).name)),
        Op::AddAction(id) => format!("Op::AddAction({})", constant(program.action(id).name)),
        Op::RegisterDriver(id) => format!("Op::RegisterDriver(DriverId({}))", id.0),
        Op::UnregisterDriver(id) => format!("Op::UnregisterDriver(DriverId({}))", id.0),
    }
}

fn operation(program: &Program<'_>, op: Op, fails: Option<Errno>) -> String {
    let device = |id| constant(program.device(id).name);
    match op {
        Op::Register(id) => format!("register({})", device(id)),
        Op::Unregister(id) => format!("unregister({})", device(id)),
        Op::Get(id) => format!("get({})", device(id)),
        Op::Put(id) => format!("put({})", device(id)),
        Op::Attach(id) => match fails {
            Some(errno) => format!("attach_fails({}, Errno::{})", device(id), errno.name()),
            None => format!("attach({})", device(id)),
        },
        Op::Unbind(id) => format!("unbind({})", device(id)),
        Op::AddAction(id) => format!("add_action({})", constant(program.action(id).name)),
        Op::RegisterDriver(_) | Op::UnregisterDriver(_) => String::new(),
    }
}

fn expect(program: &Program<'_>, line: u32, expectation: &Expectation) -> Vec<String> {
    let word = if expectation.negated {
        "expect_not"
    } else {
        "expect"
    };
    let device = |id| constant(program.device(id).name);
    let action = |id| constant(program.action(id).name);
    let say = |claim: Claim| {
        let claim = match claim {
            Claim::Ran(id) => format!("Ran({})", action(id)),
            Claim::RanTimes(id, times) => format!("RanTimes({}, {times})", action(id)),
            Claim::NotRun(id) => format!("NotRun({})", action(id)),
            Claim::Before(first, second) => {
                format!("Before({}, {})", action(first), action(second))
            }
            Claim::Refs(id, more) => format!("Refs({}, {more})", device(id)),
            Claim::Freed(id) => format!("Freed({})", device(id)),
            Claim::Alive(id) => format!("Alive({})", device(id)),
            Claim::Bound(id) => format!("Bound({})", device(id)),
            Claim::Unbound(id) => format!("Unbound({})", device(id)),
        };
        format!("s.at({line}).{word}(Claim::{claim});")
    };
    let mut lines = Vec::new();
    for deviation in &expectation.deviations {
        let bound = match deviation.bound {
            None => "",
            Some(true) => " && case.is_bound()",
            Some(false) => " && !case.is_bound()",
        };
        let open = if lines.is_empty() { "if" } else { "} else if" };
        lines.push(format!(
            "{open} case.lacks(Fix::{:?}){bound} {{",
            deviation.fix
        ));
        lines.push(format!("    {}", say(deviation.claim)));
    }
    if lines.is_empty() {
        return vec![say(expectation.claim)];
    }
    lines.push("} else {".to_owned());
    lines.push(format!("    {}", say(expectation.claim)));
    lines.push("}".to_owned());
    lines
}

/// A case on each kind, on a kernel with all fixes and without each: what a scenario
/// does not except holds everywhere.
fn tests(unit: &Unit, suite: &Suite) -> Vec<Test> {
    let models = std::iter::once(None).chain(Fix::ALL.map(Some));
    let mut tests = Vec::new();
    for fix in models {
        for used in &suite.kinds {
            let kind = constant(&unit.kind(used.kind).name);
            let state = if used.bound { "bound" } else { "unbound" };
            let mut case = format!("Case::{state}(&super::{kind})");
            let mut name = format!("on_{}", used.label(unit));
            if let Some(fix) = fix {
                case += &format!(".without(Fix::{fix:?})");
                name += &format!("_without_{fix}");
            }
            tests.push(Test { name, case });
        }
    }
    tests
}

fn constant(name: &str) -> String {
    name.to_ascii_uppercase()
}

fn comment(doc: &[String]) -> Vec<String> {
    let doc: Vec<String> = doc.iter().map(|line| harmless(line)).collect();
    words(&doc.join(" "), 90)
}
