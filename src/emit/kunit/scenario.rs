//! The C of a scenario: the functions of its actions and drivers, and the test itself.

use std::collections::HashSet;

use super::condition::{Reach, branch};
use super::uses::may_never_be;
use super::{File, Function, MemoryField, comment_block};
use crate::emit::lines::Lines;
use crate::emit::names::{self, Joined};
use crate::emit::{Broken, Options};
use crate::expand::{self, Case, CaseStep, CaseStepKind};
use crate::ir::{DEV, Expectation, FaultExpectation, KindUse, Scenario, Suite, Unit};
use crate::run::{self, Run};
use crate::sim::{
    Action, ActionId, Callback, Claim, DeviceId, DriverId, Fix, Holdings, Op, Probe, Program, Sort,
};

pub(super) struct Emitter<'e, 's> {
    pub(super) unit: &'e Unit,
    pub(super) suite: &'e Suite,
    pub(super) scenario: &'s Scenario,
    pub(super) program: &'e Program<'e>,
    pub(super) options: &'e Options,
    pub(super) shared: &'e Shared<'s>,
    pub(super) file: &'e mut File<'s>,
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

impl<'e, 's: 'e> Emitter<'e, 's> {
    pub(super) fn emit(mut self) {
        self.fields_and_callbacks();
        let test = self.test();
        self.file.functions.push(test);
        let name = names::c_test(self.scenario);
        let params = Joined::new(&self.file.kunit_name, "_gen_params", "");
        let args = [name.as_str().into(), params];
        self.file.tests.call("\t", "KUNIT_CASE_PARAM", &args, ",");
    }

    /// What the scenario declares: fields of the recorder, and what callbacks do.
    pub(super) fn fields_and_callbacks(&mut self) {
        let scenario = self.scenario;
        let File {
            devices,
            drivers,
            handles,
            groups,
            known,
            ..
        } = &mut *self.file;
        let name = |name: &'s str| Joined::from(name);
        for device in &scenario.devices {
            known.field(devices, name(&device.name), names::c_device(&device.name));
        }
        for driver in &scenario.drivers {
            known.field(drivers, name(&driver.name), names::c_driver(&driver.name));
        }
        for (_, device) in expand::bound_devices(scenario) {
            let name = Joined::new(&device.name, ".driver", "");
            known.field(drivers, name, names::c_driver_of(&device.name));
        }
        for handle in &scenario.handles {
            known.field(handles, name(&handle.name), names::c_file_of(&handle.name));
        }
        for group in &scenario.groups {
            known.field(groups, name(&group.name), names::c_group(&group.name));
        }
        for action in &scenario.actions {
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
            if self.file.known.fields.insert(field) {
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
    fn own_drivers(&self) -> impl Iterator<Item = DriverId> + use<> {
        let bound = expand::bound_devices(self.scenario).count();
        (0..)
            .map(DriverId)
            .take(self.scenario.drivers.len() + bound)
    }

    pub(super) fn ran(&self, id: ActionId) -> Joined<'e> {
        names::c_ran(self.program.action(id).name).between("ctx.", "")
    }

    pub(super) fn action_function(&self, id: ActionId) -> Joined<'e> {
        let scenario: &'e Scenario = self.scenario;
        let action = &scenario.actions[usize::from(id.0)];
        self.shared.actions.function(scenario, action)
    }

    /// The function of an action, which runs in whatever context the driver core
    /// calls it: it records, and asserts nothing.
    fn action(&mut self, id: ActionId) {
        let action = self.program.action(id);
        if !action.runs() {
            return;
        }
        let name = self.scenario.actions[usize::from(id.0)].name.as_str();
        self.file.counter(names::c_ran(name));
        let head = self.action_head(id);
        // Without a body it only counts, and one does for all scenarios.
        let is_new = !self.file.known.heads.contains(&head);
        if action.body.is_empty() && !is_new {
            return;
        }
        let mut expectations = self.scenario.expectations();
        let is_asked = |expectation: &Expectation| expectation.claim == Claim::RanAsAdded(id);
        if action.sort == Sort::Action && expectations.any(is_asked) {
            self.file.counter(names::c_added(name));
        }
        self.file.known.heads.insert(head.clone());
        let mut lines = self.ret(action.body);
        lines.line(format_args!("\t{}++;", self.ran(id)));
        if self.shared.ordered.contains(name) {
            let at = names::c_ran_at(name);
            self.file.counter(at);
            lines.line(format_args!("\tctx.{at} = ++ctx.clock;"));
        }
        if self.options.trace {
            let word = match action.sort {
                Sort::Resource => "\"resource\"",
                _ => "\"action\"",
            };
            let name = Joined::new("\"", name, "\"");
            lines.call("\t", "log_event", &[word.into(), name, "NULL".into()], ";");
        }
        for &op in action.body {
            self.declare_callee(op, &head);
        }
        let body = self.body(action.body);
        match body.as_str().lines().count() {
            0 => {}
            1 => {
                lines.text("\tif (!ctx.over)\n");
                lines.indented(&body);
            }
            _ => {
                lines.text("\tif (ctx.over)\n\t\treturn;\n");
                lines.text(body.as_str());
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
    fn ret(&self, body: &[Op]) -> Lines {
        let mut lines = Lines::default();
        if body.iter().any(|&op| self.wants_ret(op)) {
            lines.text(RET);
        }
        lines
    }

    fn body(&self, ops: &[Op]) -> Lines {
        let mut lines = Lines::default();
        ops.iter().for_each(|&op| self.body_op(&mut lines, op));
        lines
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
            lines.text(self.body(driver.remove).as_str());
            let name = names::c_callback(self.scenario, driver.name, "remove");
            let head = format!("static void {name}(void)");
            self.file.functions.push(Function::new(head, lines));
        }
    }

    fn probe(&self, id: DriverId, probes: &[Probe<'_>]) -> Lines {
        let bodies: Vec<Op> = probes
            .iter()
            .flat_map(|probe| probe.body)
            .copied()
            .collect();
        let mut lines = self.ret(&bodies);
        let one = |probe: &Probe<'_>| {
            let mut lines = self.body(probe.body);
            match probe.error {
                Some(errno) => lines.line(format_args!("\treturn -{};", errno.name())),
                None => lines.text("\treturn 0;\n"),
            }
            lines
        };
        if let [only @ Probe { attempt: None, .. }] = probes {
            lines.text(one(only).as_str());
            return lines;
        }
        let mut sorted: Vec<&Probe<'_>> = probes.iter().collect();
        sorted.sort_by_key(|probe| (probe.attempt.is_none(), probe.attempt));
        lines.line(format_args!(
            "\tswitch ({}.counts.probes) {{",
            self.driver(id)
        ));
        let otherwise = Probe::new(&[]);
        if sorted.iter().all(|probe| probe.attempt.is_some()) {
            sorted.push(&otherwise);
        }
        for probe in sorted {
            match probe.attempt {
                Some(attempt) => lines.line(format_args!("\tcase {attempt}:")),
                None => lines.text("\tdefault:\n"),
            }
            lines.indented(&one(probe));
        }
        lines.text("\t}\n");
        lines
    }

    fn test(&mut self) -> Function {
        let mut lines = Lines::default();
        if self.options.trace {
            lines.line(format_args!("\tlog_scenario = \"{}\";", self.scenario.name));
        }
        self.skip(&mut lines);
        self.set_up(&mut lines);
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
                    // From itself nothing is unlinked, and nobody looks at it.
                    let touches =
                        !matches!(op, Op::Unlink(consumer, supplier) if consumer == supplier);
                    for dev in touched(self.program, op) {
                        if touches && !runs_into_it && !holdings.keeps(dev) && !sure.contains(&dev)
                        {
                            self.is_there(&mut lines, dev);
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
                        lines.line(format_args!("\tlog_step({});", self.unit.line(step.span)));
                    }
                    self.test_op(&mut lines, op, fails);
                }
                CaseStepKind::Expect(expectation) => self.expect(&mut lines, expectation),
                // The case was skipped where it happens, or ends here.
                CaseStepKind::Fault(fault) => match self.told_by_kasan(fault) {
                    Reach::None => {}
                    Reach::All => {
                        lines.text("\t/* KASAN has told of it by now. */\n");
                        over = true;
                        break;
                    }
                    Reach::If(when) => {
                        lines.text("\t/* There KASAN has told of it by now. */\n");
                        branch(&mut lines, "\tif", &when, ")");
                        lines.text("\t\treturn;\n");
                    }
                },
                CaseStepKind::GiveUp => lines.text("\tKUNIT_ASSERT_TRUE(test, false);\n"),
            }
        }
        if !over {
            self.end(&mut lines);
        }
        if lines.as_str().contains("ret = ") {
            lines.begin_with(RET);
        }
        Function {
            doc: comment_block(&self.scenario.doc),
            head: format!(
                "static void {}_test(struct kunit *test)",
                self.scenario.name
            ),
            lines,
        }
    }

    /// What is judged when the scenario has given up what it owns.
    fn end(&mut self, lines: &mut Lines) {
        if self.options.trace {
            lines.text("\tlog_ended = true;\n");
        }
        if self.scenario.has_finally() && self.file.uses.tear_down {
            lines.text("\ttear_down();\n");
        }
        for (_, expectation) in expand::finally(self.scenario) {
            self.expect(lines, expectation);
        }
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
                driver.set_up && driver.devices.contains(DEV)
            }
            _ => false,
        }
    }

    /// What the scenario declares.
    pub(super) fn set_up(&self, lines: &mut Lines) {
        let before = lines.as_str().len();
        for (index, device) in self.scenario.devices.iter().enumerate().skip(1) {
            let id = DeviceId(index as u8);
            let kind = device.kind.map(|kind| {
                let name = &self.unit.kind(kind).name;
                format!("&{}", names::c_kind_object(name))
            });
            let address = |id| self.device(id).between("&ctx.", "");
            let name = names::c_device_name(&device.name);
            let mut arguments = vec![
                address(id),
                Joined::new("\"", &name, "\""),
                kind.as_deref().unwrap_or("ctx.kind").into(),
            ];
            if self.file.uses.below {
                arguments.push(device.parent.map_or("NULL".into(), address));
            }
            lines.call("\t", "setup_test_device", &arguments, ";");
        }
        for id in self.own_drivers() {
            let driver = self.program.driver(id);
            let devices = self.program.names(driver.devices);
            let slot = names::c_driver_slot(driver.name, &devices);
            let arguments = [
                self.driver(id).between("&ctx.", ""),
                self.device(driver.devices.first()).between("&ctx.", ""),
                slot.as_str().into(),
            ];
            lines.call("\t", "setup_test_driver", &arguments, ";");
            let mut set = |callback: &str| {
                let function = names::c_callback(self.scenario, driver.name, callback);
                lines.line(format_args!(
                    "\t{}.{callback} = {function};",
                    self.driver(id)
                ));
            };
            if !driver.probes.is_empty() {
                set("probe");
            }
            if !driver.remove.is_empty() {
                set("remove");
            }
        }
        if lines.as_str().len() > before {
            lines.text("\n");
        }
    }

    /// A check that the memory of a device may be touched.
    fn is_there(&mut self, lines: &mut Lines, dev: DeviceId) {
        let test = Joined::from("test");
        if may_never_be(self.scenario, dev) {
            self.file.uses.alive = true;
            let alive = self.device(dev).between("is_alive(&ctx.", ")");
            return lines.call("\t", "KUNIT_ASSERT_TRUE", &[test, alive], ";");
        }
        self.file.uses.observed = true;
        let freed = self.device(dev).between("ctx.", ".freed");
        lines.call("\t", "KUNIT_ASSERT_FALSE", &[test, freed], ";");
    }

    pub(super) fn reach(&mut self, is: impl Fn(&KindUse) -> bool) -> Reach {
        let reach = Reach::of(self.unit, &self.scenario.kinds, is);
        if let Some(condition) = reach.condition() {
            self.file.uses.kind_names |= condition.contains("is_kind");
        }
        reach
    }

    /// The first statements of a test that not every kind, or not every kernel, can run.
    fn skip(&mut self, lines: &mut Lines) {
        let mut say = |reach: &Reach, reason: &str| {
            let tabs = match reach.condition() {
                Some(condition) => {
                    branch(lines, "\tif", condition, ")");
                    "\t\t"
                }
                None => "\t",
            };
            let reason = Joined::new("\"", reason, "\"");
            lines.call(tabs, "kunit_skip", &["test".into(), reason], ";");
            lines.text("\n");
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
    }
}

/// The variable for what operations return.
const RET: &str = "\tint ret;\n\n";

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
        Op::Link(consumer, supplier, _) => vec![consumer, supplier],
        // The consumer is told from others by where it is.
        Op::Unlink(_, supplier) => vec![supplier],
        Op::Register(id) | Op::Init(id) => program.device(id).parent.into_iter().collect(),
        Op::OpenGroup(id) | Op::CloseGroup(id) | Op::ReleaseGroup(id) | Op::RemoveGroup(id) => {
            vec![program.group(id).on]
        }
        // Of a device only its number is opened.
        Op::Open(_) | Op::Close(_) | Op::UseHandle(_) => vec![],
        Op::UseMemory(_) | Op::Settle => vec![],
        Op::RegisterDriver(_) | Op::UnregisterDriver(_) => vec![],
    }
}
