//! The C of a scenario: the functions of its actions and drivers, and the test itself.

use std::collections::HashSet;

use super::condition::{Reach, branch};
use super::uses::may_never_be;
use super::{File, Function, MemoryField, comment_block};
use crate::emit::wrap::call;
use crate::emit::{Broken, Options, names};
use crate::expand::{self, Case, CaseStep, CaseStepKind};
use crate::ir::{DEV, FaultExpectation, KindUse, Scenario, Suite, Unit};
use crate::run::{self, Run};
use crate::sim::{
    Action, ActionId, Callback, Claim, DeviceId, DriverId, Fix, Holdings, Op, Probe, Program, Sort,
};

pub(super) struct Emitter<'e> {
    pub(super) unit: &'e Unit,
    pub(super) suite: &'e Suite,
    pub(super) scenario: &'e Scenario,
    pub(super) program: &'e Program<'e>,
    pub(super) options: &'e Options,
    pub(super) shared: &'e Shared<'e>,
    pub(super) file: &'e mut File,
}

/// What the scenarios of a suite have in common.
pub(super) struct Shared<'s> {
    actions: names::Actions<'s>,
    /// The names of actions of which something says when they run. Actions without a body are
    /// shared by the scenarios, so it is the name that counts.
    ordered: HashSet<&'s str>,
}

impl<'s> Shared<'s> {
    pub(super) fn of(suite: &'s Suite) -> Self {
        let mut ordered = HashSet::new();
        for scenario in &suite.scenarios {
            for expectation in scenario.expectations() {
                let Claim::Before(first, second) = expectation.claim else {
                    continue;
                };
                for callback in [first, second] {
                    if let Callback::Action(id) = callback {
                        ordered.insert(scenario.actions[usize::from(id.0)].name.as_str());
                    }
                }
            }
        }
        Shared {
            actions: names::Actions::of(suite),
            ordered,
        }
    }
}

impl Emitter<'_> {
    pub(super) fn emit(mut self) {
        self.fields_and_callbacks();
        let test = self.test();
        self.file.functions.push(test);
        let name = names::c_test(self.scenario);
        let params = format!("{}_gen_params", self.file.kunit_name);
        self.file
            .tests
            .extend(call(1, "KUNIT_CASE_PARAM", &[&name, &params], ","));
    }

    /// What the scenario declares: fields of the recorder, and what callbacks do.
    pub(super) fn fields_and_callbacks(&mut self) {
        let own_drivers: Vec<String> = self.own_drivers().map(|(_, name)| name).collect();
        let File {
            devices,
            drivers,
            handles,
            groups,
            known,
            ..
        } = &mut *self.file;
        for device in &self.scenario.devices {
            known.field(devices, &device.name, names::c_device);
        }
        for name in &own_drivers {
            known.field(drivers, name, names::c_driver);
        }
        for handle in &self.scenario.handles {
            known.field(handles, &handle.name, names::c_file_of);
        }
        for group in &self.scenario.groups {
            known.field(groups, &group.name, names::c_group);
        }
        for action in self.scenario.actions.iter() {
            let free = match action.sort {
                Sort::Action | Sort::OfObject => continue,
                // Whose it is when it was taken off the list.
                Sort::Resource => {
                    let remove = self.file.uses.memory.remove;
                    remove.then_some("free_test_resource")
                }
                Sort::Memory => None,
                Sort::Unmanaged => Some("free_test_memory"),
            };
            let field = names::c_memory(&action.name);
            if self.file.known.fields.insert(field.clone()) {
                self.file.memory.push(MemoryField { field, free });
                continue;
            }
            let mut known = self.file.memory.iter_mut();
            if let Some(known) = known.find(|known| known.field == field) {
                known.free = known.free.or(free);
            }
        }
        for id in callees_first(self.scenario) {
            self.action(id);
        }
        for index in 0..self.scenario.drivers.len() {
            self.callbacks(DriverId(index as u8));
        }
    }

    /// Its drivers, less the one that keeps the device under test bound.
    fn own_drivers(&self) -> impl Iterator<Item = (DriverId, String)> + use<> {
        let declared = self
            .scenario
            .drivers
            .iter()
            .map(|driver| driver.name.clone());
        let bound = expand::bound_devices(self.scenario);
        let bound = bound.map(|(_, device)| expand::bound_driver(&device.name));
        let names: Vec<String> = declared.chain(bound).collect();
        (0..).map(DriverId).zip(names)
    }

    pub(super) fn ran(&self, id: ActionId) -> String {
        format!("ctx.{}", names::c_ran(self.program.action(id).name))
    }

    pub(super) fn action_function(&self, id: ActionId) -> String {
        let action = &self.scenario.actions[usize::from(id.0)];
        self.shared.actions.function(self.scenario, action)
    }

    /// The function of an action, which runs in whatever context the driver core
    /// calls it: it records, and asserts nothing.
    fn action(&mut self, id: ActionId) {
        let action = self.program.action(id);
        if !action.runs() {
            return;
        }
        let counter = names::c_ran(action.name);
        self.file.counter(counter);
        let head = self.action_head(id);
        // Without a body it only counts, and one does for all scenarios.
        let is_new = self.file.known.heads.insert(head.clone());
        if action.body.is_empty() && !is_new {
            return;
        }
        let mut expectations = self.scenario.expectations();
        if expectations.any(|expectation| expectation.claim == Claim::RanAsAdded(id)) {
            self.file.counter(names::c_added(action.name));
        }
        let mut lines = self.ret(action.body);
        lines.push(format!("\t{}++;", self.ran(id)));
        if self.shared.ordered.contains(action.name) {
            let at = names::c_ran_at(action.name);
            self.file.counter(at.clone());
            lines.push(format!("\tctx.{at} = ++ctx.clock;"));
        }
        if self.options.trace {
            let word = match action.sort {
                Sort::Resource => "\"resource\"",
                _ => "\"action\"",
            };
            let name = format!("\"{}\"", action.name);
            lines.extend(call(1, "log_event", &[word, &name, "NULL"], ";"));
        }
        for &op in action.body {
            self.declare_callee(op, &head);
        }
        let body: Vec<String> = action
            .body
            .iter()
            .flat_map(|&op| self.body_op(op))
            .collect();
        match body.as_slice() {
            [] => {}
            [only] => lines.extend(["\tif (!ctx.over)".to_owned(), format!("\t{only}")]),
            _ => {
                lines.extend(["\tif (ctx.over)", "\t\treturn;"].map(str::to_owned));
                lines.extend(body);
            }
        }
        self.file.functions.push(Function::new(head, lines));
    }

    /// A function of whose address an operation makes use, and which only comes later.
    fn declare_callee(&mut self, op: Op, own: &str) {
        let (Op::RemoveAction(id)
        | Op::ReleaseAction(id)
        | Op::GetResource(id)
        | Op::FindResource(id)
        | Op::DestroyResource(id)) = op
        else {
            return;
        };
        let head = self.action_head(id);
        let known = &mut self.file.known;
        let is_there = head == own || known.heads.contains(&head);
        if !is_there && known.prototypes.insert(head.clone()) {
            self.file.prototypes.push(head);
        }
    }

    fn action_head(&self, id: ActionId) -> String {
        let parameters = match self.program.action(id).sort {
            Sort::Resource => "struct device *dev, void *res",
            _ => "void *data",
        };
        format!("static void {}({parameters})", self.action_function(id))
    }

    /// The variable that a body may need.
    fn ret(&self, body: &[Op]) -> Vec<String> {
        match body.iter().any(|&op| self.wants_ret(op)) {
            true => vec!["\tint ret;".to_owned(), String::new()],
            false => vec![],
        }
    }

    /// The functions of a driver that do something.
    fn callbacks(&mut self, id: DriverId) {
        let driver = self.program.driver(id);
        if !driver.probes.is_empty() {
            let lines = self.probe(id, driver.probes);
            let name = names::c_callback(self.scenario, driver.name, "probe");
            let head = format!("static int {name}(void)");
            self.file.functions.push(Function::new(head, lines));
        }
        if !driver.remove.is_empty() {
            let mut lines = self.ret(driver.remove);
            lines.extend(driver.remove.iter().flat_map(|&op| self.body_op(op)));
            let name = names::c_callback(self.scenario, driver.name, "remove");
            let head = format!("static void {name}(void)");
            self.file.functions.push(Function::new(head, lines));
        }
    }

    fn probe(&self, id: DriverId, probes: &[Probe<'_>]) -> Vec<String> {
        let bodies: Vec<Op> = probes
            .iter()
            .flat_map(|probe| probe.body)
            .copied()
            .collect();
        let mut lines = self.ret(&bodies);
        let one = |probe: &Probe<'_>| -> Vec<String> {
            let mut lines: Vec<String> = Vec::new();
            lines.extend(probe.body.iter().flat_map(|&op| self.body_op(op)));
            lines.push(match probe.error {
                Some(errno) => format!("\treturn -{};", errno.name()),
                None => "\treturn 0;".to_owned(),
            });
            lines
        };
        if let [only @ Probe { attempt: None, .. }] = probes {
            lines.extend(one(only));
            return lines;
        }
        let mut sorted: Vec<&Probe<'_>> = probes.iter().collect();
        sorted.sort_by_key(|probe| (probe.attempt.is_none(), probe.attempt));
        lines.push(format!("\tswitch ({}.counts.probes) {{", self.driver(id)));
        let otherwise = Probe::new(&[]);
        if sorted.iter().all(|probe| probe.attempt.is_some()) {
            sorted.push(&otherwise);
        }
        for probe in sorted {
            lines.push(match probe.attempt {
                Some(attempt) => format!("\tcase {attempt}:"),
                None => "\tdefault:".to_owned(),
            });
            lines.extend(one(probe).into_iter().map(|line| format!("\t{line}")));
        }
        lines.push("\t}".to_owned());
        lines
    }

    fn test(&mut self) -> Function {
        let mut lines = Vec::new();
        if self.options.trace {
            lines.push(format!("\tlog_scenario = \"{}\";", self.scenario.name));
        }
        lines.extend(self.skip());
        lines.extend(self.set_up());
        let mut holdings = Holdings::new();
        // Devices that are known to be there, since nothing was done meanwhile.
        let mut sure: Vec<DeviceId> = Vec::new();
        let time_line = expand::time_line(self.suite, self.scenario, self.program);
        let mut over = false;
        for (index, step) in time_line.iter().enumerate() {
            match step.kind {
                CaseStepKind::Op(op, _) if self.is_of_the_kind(op) => {}
                CaseStepKind::Op(op, fails) => {
                    // What is gone is used on purpose.
                    let runs_into_it = self.runs_into_a_fault(&time_line[index + 1..]);
                    for dev in touched(self.program, op) {
                        if !runs_into_it && !holdings.keeps(dev) && !sure.contains(&dev) {
                            lines.extend(self.is_there(dev));
                            sure.push(dev);
                        }
                    }
                    // Also where the scenario gives up what it owns.
                    self.file.uses.note(op);
                    self.file.uses.note_memory(self.scenario, op);
                    let _ = holdings.apply(self.program, op, fails);
                    if !matches!(op, Op::Get(_) | Op::AddAction(_)) {
                        sure.clear();
                    }
                    if self.options.trace {
                        lines.push(format!("\tlog_step({});", self.unit.line(step.span)));
                    }
                    lines.extend(self.test_op(op, fails));
                }
                CaseStepKind::Expect(expectation) => lines.extend(self.expect(expectation)),
                // The case was skipped where it happens, or ends here.
                CaseStepKind::Fault(fault) => match self.told_by_kasan(fault) {
                    Reach::None => {}
                    Reach::All => {
                        over = true;
                        break;
                    }
                    Reach::If(when) => {
                        lines.extend(branch("\tif", &when));
                        lines.push("\t\treturn;".to_owned());
                    }
                },
                CaseStepKind::GiveUp => lines.push("\tKUNIT_ASSERT_TRUE(test, false);".to_owned()),
            }
        }
        if !over {
            lines.extend(self.end());
        }
        if lines.iter().any(|line| line.contains("ret = ")) {
            lines.splice(0..0, ["\tint ret;".to_owned(), String::new()]);
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

    /// What is judged when the scenario has given up what it owns.
    fn end(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.options.trace {
            lines.push("\tlog_ended = true;".to_owned());
        }
        if self.scenario.has_finally() && self.file.uses.tear_down {
            lines.push("\ttear_down();".to_owned());
        }
        for (_, expectation) in expand::finally(self.scenario) {
            lines.extend(self.expect(expectation));
        }
        lines
    }

    /// Whether some kind runs into what is announced behind an operation.
    fn runs_into_a_fault(&mut self, rest: &[CaseStep<'_>]) -> bool {
        let announced = rest.iter().map_while(|step| match step.kind {
            CaseStepKind::Fault(fault) => Some(fault),
            _ => None,
        });
        announced
            .into_iter()
            .any(|fault| self.told_by_kasan(fault) != Reach::None)
    }

    /// On which kinds the kernel at hand runs into that fault, and KASAN tells of it.
    fn told_by_kasan(&mut self, fault: &FaultExpectation) -> Reach {
        if !self.options.faults {
            return Reach::None;
        }
        let model = self.options.model();
        let (unit, suite, scenario) = (self.unit, self.suite, self.scenario);
        let reach = self.reach(|used| {
            let case = Case {
                unit,
                suite,
                scenario,
                kind_use: *used,
                model,
            };
            let told = |run: Run| run.fault.is_some_and(|fault| fault.told_by_kasan);
            fault.applies(model, used) && told(run::run(&case))
        });
        self.file.faults |= reach != Reach::None;
        reach
    }

    /// What init and exit do: the driver of a kind in the state bound, and the device that
    /// the one under test is below.
    fn is_of_the_kind(&self, op: Op) -> bool {
        let first = self.scenario.devices.len();
        match op {
            Op::Register(id) | Op::Unregister(id) => usize::from(id.0) >= first,
            Op::RegisterDriver(id) | Op::UnregisterDriver(id) => {
                let driver = self.program.driver(id);
                driver.set_up && driver.device == DEV
            }
            _ => false,
        }
    }

    /// What the scenario declares.
    pub(super) fn set_up(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (index, device) in self.scenario.devices.iter().enumerate().skip(1) {
            let id = DeviceId(index as u8);
            let kind = device.kind.map(|kind| &self.unit.kind(kind).name);
            let kind = kind.map(|name| format!("&{}", names::c_kind_object(name)));
            let parent = device
                .parent
                .map(|parent| format!("&{}", self.device(parent)));
            let mut arguments = vec![
                format!("&{}", self.device(id)),
                format!("\"{}\"", names::c_device_name(&device.name)),
                kind.unwrap_or_default(),
            ];
            if self.file.uses.below {
                arguments.push(parent.unwrap_or("NULL".to_owned()));
            }
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            lines.extend(call(1, "setup_test_device", &arguments, ";"));
        }
        for (id, name) in self.own_drivers() {
            let device = self.program.driver(id).device;
            let slot = names::c_driver_slot(&name, self.program.device(device).name);
            let field = format!("&{}", self.driver(id));
            let device = format!("&{}", self.device(device));
            lines.extend(call(1, "setup_test_driver", &[&field, &device, &slot], ";"));
            let Some(driver) = self.scenario.drivers.get(usize::from(id.0)) else {
                continue;
            };
            let mut set = |callback: &str| {
                let function = names::c_callback(self.scenario, &name, callback);
                lines.push(format!("\t{}.{callback} = {function};", self.driver(id)));
            };
            if !driver.probes.is_empty() {
                set("probe");
            }
            if !driver.remove.is_empty() {
                set("remove");
            }
        }
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines
    }

    /// A check that the memory of a device may be touched.
    fn is_there(&mut self, dev: DeviceId) -> Vec<String> {
        if may_never_be(self.scenario, dev) {
            self.file.uses.alive = true;
            let alive = format!("is_alive(&{})", self.device(dev));
            return call(1, "KUNIT_ASSERT_TRUE", &["test", &alive], ";");
        }
        self.file.uses.observed = true;
        let freed = format!("{}.freed", self.device(dev));
        call(1, "KUNIT_ASSERT_FALSE", &["test", &freed], ";")
    }

    pub(super) fn reach(&mut self, is: impl Fn(&KindUse) -> bool) -> Reach {
        let reach = Reach::of(self.unit, &self.scenario.kinds, is);
        if let Some(condition) = reach.condition() {
            self.file.uses.kind_names |= condition.contains("is_kind");
        }
        reach
    }

    /// The first statements of a test that not every kind, or not every kernel, can run.
    fn skip(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut say = |reach: &Reach, reason: &str| {
            let tabs = match reach.condition() {
                Some(condition) => {
                    lines.extend(branch("\tif", condition));
                    2
                }
                None => 1,
            };
            let reason = format!("\"{reason}\"");
            lines.extend(call(tabs, "kunit_skip", &["test", &reason], ";"));
            lines.push(String::new());
        };
        let unselected: Vec<KindUse> = self
            .suite
            .kinds
            .iter()
            .filter(|used| !self.scenario.kinds.iter().any(|kind| kind.is(used)))
            .copied()
            .collect();
        if !unselected.is_empty() {
            let is = |used: &KindUse| unselected.iter().any(|other| other.is(used));
            let reach = Reach::of(self.unit, &self.suite.kinds, is);
            self.file.uses.kind_names |= reach.condition().is_some_and(|c| c.contains("is_kind"));
            say(&reach, "not selected");
        }
        let model = self.options.model();
        for fault in self.scenario.faults() {
            let what = fault.fault.describe(self.program).replace('`', "'");
            let told = self.told_by_kasan(fault);
            if told != Reach::None {
                let asked = match told.condition() {
                    Some(when) => format!("!IS_ENABLED(CONFIG_KASAN) && ({when})"),
                    None => "!IS_ENABLED(CONFIG_KASAN)".to_owned(),
                };
                say(&Reach::If(asked), &format!("only KASAN can tell: {what}"));
                continue;
            }
            let reach = self.reach(|used| fault.applies(model, used));
            if reach != Reach::None {
                say(&reach, &format!("a kernel must not be asked: {what}"));
            }
        }
        if self.options.broken == Broken::Skip {
            let mut said: Vec<(Fix, Reach)> = Vec::new();
            for expectation in self.scenario.expectations() {
                for deviation in &expectation.deviations {
                    let reach = self.deviates(deviation);
                    let saying = (deviation.fix, reach);
                    if saying.1 == Reach::None || said.contains(&saying) {
                        continue;
                    }
                    let (fix, reach) = &saying;
                    say(reach, &format!("needs {fix} (\\\"{}\\\")", fix.title()));
                    said.push(saying);
                }
            }
        }
        lines
    }
}

/// The actions in an order in which C can define their functions: those first that others
/// put on a list.
fn callees_first(scenario: &Scenario) -> Vec<ActionId> {
    fn visit(scenario: &Scenario, id: ActionId, order: &mut Vec<ActionId>) {
        // Later ones are declared within this one, or refer to it.
        for op in &scenario.actions[usize::from(id.0)].body {
            match *op {
                Op::AddAction(inner) if inner > id && !order.contains(&inner) => {
                    visit(scenario, inner, order);
                }
                _ => {}
            }
        }
        if !order.contains(&id) {
            order.push(id);
        }
    }
    let mut order = Vec::new();
    for index in 0..scenario.actions.len() {
        visit(scenario, ActionId(index as u8), &mut order);
    }
    order
}

/// The devices whose memory an operation uses.
pub(crate) fn touched(program: &Program<'_>, op: Op) -> Vec<DeviceId> {
    match op {
        Op::Add(id)
        | Op::Del(id)
        | Op::Unregister(id)
        | Op::Get(id)
        | Op::Put(id)
        | Op::Attach(id)
        | Op::Bind(id, _)
        | Op::Unbind(id) => vec![id],
        Op::AddAction(id)
        | Op::RemoveAction(id)
        | Op::ReleaseAction(id)
        | Op::AddResource(id)
        | Op::GetResource(id)
        | Op::FindResource(id)
        | Op::DestroyResource(id)
        | Op::Free(id)
        | Op::Realloc(id) => {
            let Action { on, sort, .. } = *program.action(id);
            let unmanaged = match op {
                // Its device may be gone by then.
                Op::Free(_) => sort != Sort::Memory,
                _ => sort == Sort::Unmanaged,
            };
            if unmanaged { vec![] } else { vec![on] }
        }
        Op::Link(consumer, supplier) | Op::LinkWhileBound(consumer, supplier) => {
            vec![consumer, supplier]
        }
        Op::Register(id) | Op::Init(id) => program.device(id).parent.into_iter().collect(),
        Op::OpenGroup(id) | Op::CloseGroup(id) | Op::ReleaseGroup(id) | Op::RemoveGroup(id) => {
            vec![program.group(id).on]
        }
        Op::Open(id) => vec![program.handle(id).device],
        Op::Close(_) | Op::UseHandle(_) | Op::UseMemory(_) | Op::Settle => vec![],
        Op::RegisterDriver(_) | Op::UnregisterDriver(_) => vec![],
    }
}
