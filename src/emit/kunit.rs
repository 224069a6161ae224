//! C: one KUnit file a suite, each program once, its kinds as parameters.
//!
//! What is decided here: which helper a suite needs, in which words a statement is
//! C, where lines break. The templates only put it in order.

use askama::Template;

use super::wrap::{braces, call, words};
use super::{Broken, MARK, Options, OutputFile, names};
use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Sink};
use crate::expand::{self, CaseStepKind};
use crate::ir::{CKey, Deviation, Expectation, Kind, KindC, KindUse, Scenario, Suite, Unit};
use crate::sim::{ActionId, Claim, DeviceId, Holdings, Op, Program};
use crate::syntax::ast::Release;

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
    /// The suite's name in the language; the prefix of its functions.
    name: String,
    kunit_name: String,
    /// The line of the source that the suite begins on.
    line: u32,
    /// Device fields of the recorder.
    devices: Vec<DeviceField>,
    /// Counter fields of the recorder.
    counters: Vec<String>,
    kind_functions: Vec<Function>,
    drivers: Vec<DriverObject>,
    /// The lines of the table of kinds.
    rows: Vec<String>,
    /// Those of the actions and of the scenarios.
    functions: Vec<Function>,
    /// The cases: the names of those of the scenarios.
    tests: Vec<String>,
    uses: Uses,
    trace: bool,
}

/// Which helpers the file needs.
#[derive(Default)]
struct Uses {
    get: bool,
    actions: bool,
    wrapped: bool,
    owned: bool,
    drivers: bool,
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
    for release in kinds.iter().map(|(_, kind, _)| kind.release) {
        file.uses.wrapped |= release == Release::Wrapped;
        file.uses.owned |= release == Release::Owned;
    }
    for (used, kind, c) in &kinds {
        file.kind(unit, *used, kind, c);
    }
    for scenario in &suite.scenarios {
        let Some(&used) = suite.kinds.first() else {
            continue;
        };
        expand::with_program(unit, scenario, used, |program| {
            ScenarioEmitter {
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

/// Doc comments and paths are the user's text: nothing in them may end a comment, nor
/// carry it on to the next line.
fn harmless(text: &str) -> String {
    let plain = |c: char| {
        if (c.is_ascii_graphic() && c != '\\') || c == ' ' {
            c
        } else {
            '?'
        }
    };
    text.chars()
        .map(plain)
        .collect::<String>()
        .replace("*/", "* /")
        .replace("/*", "/ *")
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

/// The lines of a function's body.
fn indent(lines: Vec<String>) -> Vec<String> {
    let indent = |line: String| {
        if line.is_empty() {
            line
        } else {
            format!("\t{line}")
        }
    };
    lines.into_iter().map(indent).collect()
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

impl File {
    fn kind(&mut self, unit: &Unit, used: KindUse, kind: &Kind, c: &KindC) {
        let mixed = self.uses.wrapped && self.uses.owned;
        let name = |what: &str| names::c_kind(&kind.name, what);
        let known = self
            .kind_functions
            .iter()
            .any(|f| f.head.contains(&name("create")));
        let mut row = vec![format!("\"{}\"", used.label(unit))];
        for (key, what, head) in [
            (
                CKey::Release,
                "release",
                "static void @(struct device *dev)",
            ),
            (CKey::Create, "create", "static struct device *@(void)"),
            (
                CKey::Destroy,
                "destroy",
                "static void @(struct device *dev)",
            ),
        ] {
            let mut lines = filled(kind, c, key);
            if key == CKey::Release {
                if kind.release == Release::Wrapped {
                    continue;
                }
                if self.trace {
                    lines.insert(0, "log_event(\"release dev\");".to_owned());
                }
                lines.insert(0, "ctx.device.freed = true;".to_owned());
            }
            let function = bare_name(&lines).map_or_else(|| name(what), str::to_owned);
            if !known && bare_name(&lines).is_none() {
                let head = head.replace('@', &function);
                self.kind_functions.push(Function::new(head, indent(lines)));
            }
            if key != CKey::Release {
                row.push(function);
            }
        }
        if used.bound {
            self.driver(kind, c);
            row.push(name("register_driver"));
            row.push(name("unregister_driver"));
        }
        if kind.release == Release::Wrapped && mixed {
            row.push(".wrap_release = true".to_owned());
        }
        self.rows.extend(braces(&row));
    }

    fn driver(&mut self, kind: &Kind, c: &KindC) {
        self.uses.drivers = true;
        let name = |what: &str| names::c_kind(&kind.name, what);
        let argument = c.line(CKey::Probe);
        // The driver core is content with a driver that has neither.
        if self.trace {
            self.kind_functions.push(Function::new(
                format!("static int {}({argument})", name("probe")),
                vec![
                    format!("\tctx.device.dev = {};", c.line(CKey::Device)),
                    "\tlog_event(\"probe driver dev\");".to_owned(),
                    "\treturn 0;".to_owned(),
                ],
            ));
            self.kind_functions.push(Function::new(
                format!("static void {}({argument})", name("remove")),
                vec!["\tlog_event(\"remove driver dev\");".to_owned()],
            ));
        }
        self.drivers.push(DriverObject {
            object_type: c.line(CKey::Driver).to_owned(),
            object: name("driver"),
            probe: name("probe"),
            remove: name("remove"),
            functions: vec![
                Function::new(
                    format!("static int {}(void)", name("register_driver")),
                    indent(filled(kind, c, CKey::RegisterDriver)),
                ),
                Function::new(
                    format!("static void {}(void)", name("unregister_driver")),
                    indent(filled(kind, c, CKey::UnregisterDriver)),
                ),
            ],
        });
    }
}

/// A section of a kind's C, with its placeholders filled in.
fn filled(kind: &Kind, c: &KindC, key: CKey) -> Vec<String> {
    let fill = |line: &str| {
        line.replace("$name", "KBUILD_MODNAME")
            .replace("$release", &names::c_kind(&kind.name, "release"))
            .replace("$driver", &names::c_kind(&kind.name, "driver"))
    };
    c.lines(key).map(fill).collect()
}

/// A section that is one bare name is no function's body, but that function.
fn bare_name(lines: &[String]) -> Option<&str> {
    let [line] = lines else { return None };
    let is_name = !line.is_empty() && line.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    is_name.then_some(line)
}

struct ScenarioEmitter<'e> {
    unit: &'e Unit,
    suite: &'e Suite,
    scenario: &'e Scenario,
    program: &'e Program<'e>,
    options: &'e Options,
    file: &'e mut File,
}

impl ScenarioEmitter<'_> {
    fn emit(mut self) {
        for device in &self.scenario.devices {
            if !self
                .file
                .devices
                .iter()
                .any(|known| known.name == device.name)
            {
                let field = names::c_device(&device.name);
                self.file.devices.push(DeviceField {
                    name: device.name.clone(),
                    field,
                });
            }
        }
        for index in 0..self.scenario.actions.len() {
            self.action(ActionId(index as u8));
        }
        let test = self.test();
        self.file.functions.push(test);
        self.file.tests.push(names::c_test(self.scenario));
    }

    fn device(&self, id: DeviceId) -> String {
        format!("ctx.{}", names::c_device(self.program.device(id).name))
    }

    fn ran(&self, id: ActionId) -> String {
        format!("ctx.{}", names::c_ran(self.program.action(id).name))
    }

    fn action_function(&self, id: ActionId) -> String {
        names::c_action(self.scenario, &self.scenario.actions[usize::from(id.0)])
    }

    /// The function of an action, which runs in whatever context the driver core
    /// calls it: it records, and asserts nothing.
    fn action(&mut self, id: ActionId) {
        let action = self.program.action(id);
        let counter = names::c_ran(action.name);
        if !self.file.counters.contains(&counter) {
            self.file.counters.push(counter);
        }
        let name = self.action_function(id);
        let head = format!("static void {name}(void *data)");
        if self.file.functions.iter().any(|known| known.head == head) {
            return;
        }
        let mut lines = Vec::new();
        lines.push(format!("\t{}++;", self.ran(id)));
        if self.options.trace {
            lines.push(format!("\tlog_event(\"action {}\");", action.name));
        }
        for &op in action.body {
            lines.extend(self.body_op(op));
        }
        self.file.functions.push(Function::new(head, lines));
    }

    fn body_op(&mut self, op: Op) -> Vec<String> {
        let mut lines = match op {
            Op::AddAction(id) => {
                self.file.uses.nested = true;
                let device = format!("{}.dev", self.device(self.program.action(id).on));
                let function = self.action_function(id);
                let mut lines = call(1, "if (devm_add_action", &[&device, &function, "NULL"], ")");
                lines.push("\t\tctx.failed = true;".to_owned());
                lines
            }
            op => self.plain_op(op),
        };
        self.log_return(op, &mut lines);
        lines
    }

    /// An operation that returns nothing, as a call of a helper.
    fn plain_op(&mut self, op: Op) -> Vec<String> {
        let (helper, dev) = match op {
            Op::Register(dev) => return self.register(dev),
            Op::Unregister(dev) => ("unregister_test_device", dev),
            Op::Get(dev) => {
                self.file.uses.get = true;
                ("get_test_device", dev)
            }
            Op::Put(dev) => ("put_test_device", dev),
            // Drivers of kinds are registered by init and unregistered by exit.
            Op::AddAction(_) | Op::RegisterDriver(_) | Op::UnregisterDriver(_) => return vec![],
        };
        call(1, helper, &[&format!("&{}", self.device(dev))], ";")
    }

    fn register(&self, dev: DeviceId) -> Vec<String> {
        call(
            1,
            "register_test_device",
            &["test", &format!("&{}", self.device(dev))],
            ";",
        )
    }

    fn log_return(&self, op: Op, lines: &mut Vec<String>) {
        if self.options.trace {
            let text = format!("\"{}\"", self.program.describe(op));
            lines.extend(call(1, "log_return", &[&text, "0"], ";"));
        }
    }

    fn test(&mut self) -> Function {
        let mut lines = Vec::new();
        if self.options.trace {
            lines.push(format!("\tlog_scenario = \"{}\";", self.scenario.name));
        }
        lines.extend(self.skip());
        // The device whose last reference may be gone by now.
        let mut holdings = Holdings::new();
        let mut maybe_freed = None;
        for step in expand::time_line(self.suite, self.scenario, self.program) {
            match step.kind {
                CaseStepKind::Op(Op::RegisterDriver(_) | Op::UnregisterDriver(_)) => {}
                CaseStepKind::Op(op) => {
                    if let Some(dev) = maybe_freed.filter(|&dev| touches(self.program, op, dev)) {
                        let freed = format!("{}.freed", self.device(dev));
                        lines.extend(call(1, "KUNIT_ASSERT_FALSE", &["test", &freed], ";"));
                        maybe_freed = None;
                    }
                    let _ = holdings.apply(self.program, op);
                    if let Op::Put(dev) | Op::Unregister(dev) = op {
                        maybe_freed = (!holdings.keeps(dev)).then_some(dev);
                    }
                    if self.options.trace {
                        lines.push(format!("\tlog_step({});", self.unit.line(step.span)));
                    }
                    lines.extend(self.test_op(op));
                }
                CaseStepKind::Expect(expectation) => lines.extend(self.expect(expectation)),
            }
        }
        Function {
            doc: comment_block(&self.scenario.doc),
            head: format!(
                "static void {}(struct kunit *test)",
                names::c_test(self.scenario)
            ),
            lines,
        }
    }

    fn test_op(&mut self, op: Op) -> Vec<String> {
        let mut lines = match op {
            Op::AddAction(id) => {
                self.file.uses.actions = true;
                let device = format!("&{}", self.device(self.program.action(id).on));
                let function = self.action_function(id);
                call(1, "add_test_action", &["test", &device, &function], ";")
            }
            op => self.plain_op(op),
        };
        self.log_return(op, &mut lines);
        lines
    }

    fn deviations(&self) -> impl Iterator<Item = &Deviation> {
        let steps = self.scenario.steps.iter();
        let expectations = steps.filter_map(|step| match &step.kind {
            crate::ir::StepKind::Expect(expectation) => Some(expectation),
            crate::ir::StepKind::Op(_) => None,
        });
        expectations.flat_map(|expectation| &expectation.deviations)
    }

    /// On which kinds of the suite the kernel at hand deviates so.
    fn reach(&self, deviation: &Deviation) -> Reach {
        let model = self.options.model();
        let applies = |bound| deviation.applies(model, bound);
        let kinds = |bound| self.suite.kinds.iter().any(|used| used.bound == bound);
        match (kinds(true) && applies(true), kinds(false) && applies(false)) {
            (false, false) => Reach::None,
            (true, false) if kinds(false) => Reach::Bound,
            (false, true) if kinds(true) => Reach::Unbound,
            _ => Reach::All,
        }
    }

    fn skip(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.options.broken != Broken::Skip {
            return lines;
        }
        let mut said: Vec<(crate::sim::Fix, Reach)> = Vec::new();
        for deviation in self.deviations() {
            let reach = self.reach(deviation);
            if reach == Reach::None || said.contains(&(deviation.fix, reach)) {
                continue;
            }
            said.push((deviation.fix, reach));
            let tabs = match reach.condition() {
                Some(condition) => {
                    lines.push(format!("\tif ({condition})"));
                    2
                }
                None => 1,
            };
            let reason = format!(
                "\"needs {} (\\\"{}\\\")\"",
                deviation.fix,
                deviation.fix.title()
            );
            lines.extend(call(tabs, "kunit_skip", &["test", &reason], ";"));
            lines.push(String::new());
        }
        lines
    }

    fn expect(&self, expectation: &Expectation) -> Vec<String> {
        let contract = |tabs| self.claim(tabs, expectation.claim, expectation.negated);
        if self.options.broken != Broken::Expect {
            return contract(1);
        }
        let mut lines = Vec::new();
        for deviation in &expectation.deviations {
            let broken = |tabs| self.claim(tabs, deviation.claim, expectation.negated);
            match self.reach(deviation).condition() {
                Some(condition) => {
                    let open = if lines.is_empty() {
                        "\tif"
                    } else {
                        "\t} else if"
                    };
                    lines.push(format!("{open} ({condition}) {{"));
                    lines.push(format!("\t\t/* without {} */", deviation.fix));
                    lines.extend(broken(2));
                }
                None if self.reach(deviation) == Reach::All => return broken(1),
                None => {}
            }
        }
        if lines.is_empty() {
            return contract(1);
        }
        lines.push("\t} else {".to_owned());
        lines.extend(contract(2));
        lines.push("\t}".to_owned());
        lines
    }

    fn claim(&self, tabs: usize, claim: Claim, negated: bool) -> Vec<String> {
        let equal = if negated {
            "KUNIT_EXPECT_NE"
        } else {
            "KUNIT_EXPECT_EQ"
        };
        let truth = |wanted| {
            if wanted {
                "KUNIT_EXPECT_TRUE"
            } else {
                "KUNIT_EXPECT_FALSE"
            }
        };
        match claim {
            Claim::Ran(id) => call(tabs, equal, &["test", &self.ran(id), "1"], ";"),
            Claim::NotRun(id) => call(tabs, equal, &["test", &self.ran(id), "0"], ";"),
            Claim::Freed(id) | Claim::Alive(id) => {
                let freed = format!("{}.freed", self.device(id));
                let wanted = matches!(claim, Claim::Freed(_)) != negated;
                call(tabs, truth(wanted), &["test", &freed], ";")
            }
        }
    }
}

/// The kinds of a suite that something is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    None,
    Bound,
    Unbound,
    All,
}

impl Reach {
    fn condition(self) -> Option<&'static str> {
        match self {
            Reach::None | Reach::All => None,
            Reach::Bound => Some("ctx.kind->register_driver"),
            Reach::Unbound => Some("!ctx.kind->register_driver"),
        }
    }
}

/// Whether an operation uses the device's memory.
fn touches(program: &Program<'_>, op: Op, dev: DeviceId) -> bool {
    match op {
        Op::Unregister(d) | Op::Get(d) | Op::Put(d) => d == dev,
        Op::AddAction(id) => program.action(id).on == dev,
        Op::Register(_) | Op::RegisterDriver(_) | Op::UnregisterDriver(_) => false,
    }
}
