//! The C of a scenario: the functions of its actions, and the test itself.

use super::{DeviceField, File, Function, comment_block};
use crate::emit::wrap::call;
use crate::emit::{Broken, Options, names};
use crate::expand::{self, CaseStepKind};
use crate::ir::{Deviation, Expectation, Scenario, Suite, Unit};
use crate::sim::{ActionId, Claim, DeviceId, Errno, Holdings, Op, Program};

pub(super) struct Emitter<'e> {
    pub(super) unit: &'e Unit,
    pub(super) suite: &'e Suite,
    pub(super) scenario: &'e Scenario,
    pub(super) program: &'e Program<'e>,
    pub(super) options: &'e Options,
    pub(super) file: &'e mut File,
}

impl Emitter<'_> {
    pub(super) fn emit(mut self) {
        for device in &self.scenario.devices {
            let known = |known: &DeviceField| known.name == device.name;
            if !self.file.devices.iter().any(known) {
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
        let name = names::c_test(self.scenario);
        let params = format!("{}_gen_params", self.file.kunit_name);
        self.file
            .tests
            .extend(call(1, "KUNIT_CASE_PARAM", &[&name, &params], ","));
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
        // Without a body it only counts, and one does for all scenarios.
        if action.body.is_empty() && self.file.functions.iter().any(|known| known.head == head) {
            return;
        }
        let mut lines = Vec::new();
        lines.push(format!("\t{}++;", self.ran(id)));
        if self.is_ordered(action.name) {
            let at = names::c_ran_at(action.name);
            if !self.file.counters.contains(&at) {
                self.file.counters.push(at.clone());
                self.file.uses.order = true;
            }
            lines.push(format!("\tctx.{at} = ++ctx.clock;"));
        }
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
                let args = [device.as_str(), &function, "NULL"];
                let mut lines = if self.options.trace {
                    let mut lines = call(1, "log_ret = devm_add_action", &args, ";");
                    lines.push("\tif (log_ret)".to_owned());
                    lines
                } else {
                    call(1, "if (devm_add_action", &args, ")")
                };
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
            Op::Unbind(dev) => {
                let device = format!("{}.dev", self.device(dev));
                return call(1, "device_release_driver", &[&device], ";");
            }
            // Drivers of kinds are registered by init and unregistered by exit.
            Op::Attach(_) | Op::AddAction(_) | Op::RegisterDriver(_) | Op::UnregisterDriver(_) => {
                return vec![];
            }
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
            lines.extend(call(1, "log_return", &[&text], ";"));
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
                CaseStepKind::Op(Op::RegisterDriver(_) | Op::UnregisterDriver(_), _) => {}
                CaseStepKind::Op(op, fails) => {
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
                    lines.extend(self.test_op(op, fails));
                }
                CaseStepKind::Expect(expectation) => lines.extend(self.expect(expectation)),
            }
        }
        if self.scenario.has_finally() && self.file.uses.drivers {
            lines.push("\tunregister_test_driver();".to_owned());
        }
        for (_, expectation) in expand::finally(self.scenario) {
            lines.extend(self.expect(expectation));
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

    fn test_op(&mut self, op: Op, fails: Option<Errno>) -> Vec<String> {
        let mut lines = match op {
            Op::AddAction(id) => {
                self.file.uses.actions = true;
                let device = format!("&{}", self.device(self.program.action(id).on));
                let function = self.action_function(id);
                call(1, "add_test_action", &["test", &device, &function], ";")
            }
            Op::Attach(dev) => {
                self.file.uses.attach = true;
                let device = format!("&{}", self.device(dev));
                let error = fails.map_or("0".to_owned(), |errno| format!("-{}", errno.name()));
                call(1, "attach_test_device", &["test", &device, &error], ";")
            }
            op => self.plain_op(op),
        };
        self.log_return(op, &mut lines);
        lines
    }

    /// Whether the suite says something of when an action of that name runs. Actions
    /// without a body are shared by its scenarios, so it is the name that counts.
    fn is_ordered(&self, action: &str) -> bool {
        self.suite.scenarios.iter().any(|scenario| {
            let named = |id: ActionId| scenario.actions[usize::from(id.0)].name == action;
            scenario
                .expectations()
                .any(|expectation| match expectation.claim {
                    Claim::Before(first, second) => named(first) || named(second),
                    _ => false,
                })
        })
    }

    fn deviations(&self) -> impl Iterator<Item = &Deviation> {
        self.scenario
            .expectations()
            .flat_map(|expectation| &expectation.deviations)
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

    fn expect(&mut self, expectation: &Expectation) -> Vec<String> {
        let negated = expectation.negated;
        let mut lines = Vec::new();
        let mut otherwise = expectation.claim;
        for deviation in &expectation.deviations {
            let reach = self.reach(deviation);
            if self.options.broken != Broken::Expect || reach == Reach::None {
                continue;
            }
            let Some(condition) = reach.condition() else {
                otherwise = deviation.claim;
                break;
            };
            let open = if lines.is_empty() {
                "\tif"
            } else {
                "\t} else if"
            };
            lines.push(format!("{open} ({condition}) {{"));
            lines.push(format!("\t\t/* without {} */", deviation.fix));
            lines.extend(self.claim(2, deviation.claim, negated));
        }
        if lines.is_empty() {
            return self.claim(1, otherwise, negated);
        }
        lines.push("\t} else {".to_owned());
        lines.extend(self.claim(2, otherwise, negated));
        lines.push("\t}".to_owned());
        lines
    }

    /// One expectation in C; the helper that it calls is emitted as well.
    fn claim(&mut self, tabs: usize, claim: Claim, negated: bool) -> Vec<String> {
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
            Claim::RanTimes(id, times) => call(
                tabs,
                equal,
                &["test", &self.ran(id), &times.to_string()],
                ";",
            ),
            Claim::Before(first, second) => {
                let at = |id| format!("ctx.{}", names::c_ran_at(self.program.action(id).name));
                let (first, second) = (at(first), at(second));
                let order = format!("{first} && {first} < {second}");
                call(tabs, truth(!negated), &["test", &order], ";")
            }
            Claim::Refs(id, more) => {
                self.file.uses.refs = true;
                let refs = format!("more_refs(&{})", self.device(id));
                call(tabs, equal, &["test", &refs, &more.to_string()], ";")
            }
            Claim::Bound(id) | Claim::Unbound(id) => {
                self.file.uses.bound = true;
                let bound = format!("is_bound(&{})", self.device(id));
                let wanted = matches!(claim, Claim::Bound(_)) != negated;
                call(tabs, truth(wanted), &["test", &bound], ";")
            }
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
        Op::Unregister(d) | Op::Get(d) | Op::Put(d) | Op::Attach(d) | Op::Unbind(d) => d == dev,
        Op::AddAction(id) => program.action(id).on == dev,
        Op::Register(_) | Op::RegisterDriver(_) | Op::UnregisterDriver(_) => false,
    }
}
