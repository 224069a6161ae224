//! Operations as calls in C.

use super::scenario::Emitter;
use crate::emit::lines::Lines;
use crate::emit::names::{self, Joined};
use crate::ir::{Expectation, Scenario};
use crate::sim::{Action, ActionId, Claim, DeviceId, DriverId, Errno, LinkFlags, Op, Sort};

/// A call of a function.
pub(super) struct Call<'e> {
    function: Joined<'e>,
    arguments: Vec<Joined<'e>>,
}

impl<'e> Call<'e> {
    fn new(function: impl Into<Joined<'e>>, arguments: Vec<Joined<'e>>) -> Self {
        Call {
            function: function.into(),
            arguments,
        }
    }

    fn statement(&self, lines: &mut Lines, before: &str) {
        lines.call(before, self.function, &self.arguments, ";");
    }

    fn expression(&self) -> String {
        let mut text = String::with_capacity(NESTED);
        self.function.push_to(&mut text);
        text.push('(');
        for (index, argument) in self.arguments.iter().enumerate() {
            text.push_str(if index == 0 { "" } else { ", " });
            argument.push_to(&mut text);
        }
        text.push(')');
        text
    }
}

/// Whether an operation is a call of something that returns an error.
pub(crate) fn is_fallible(scenario: &Scenario, op: Op) -> bool {
    match op {
        // An action is taken off without a word.
        Op::RemoveAction(id) | Op::ReleaseAction(id) => {
            scenario.actions[usize::from(id.0)].sort == Sort::Resource
        }
        Op::Realloc(_)
        | Op::GetResource(_)
        | Op::FindResource(_)
        | Op::DestroyResource(_)
        | Op::UseHandle(_) => true,
        Op::AddResource(_) | Op::Free(_) | Op::UseMemory(_) => false,
        Op::Init(_)
        | Op::Add(_)
        | Op::Register(_)
        | Op::Attach(_)
        | Op::Bind(..)
        | Op::AddAction(_)
        | Op::Link(..)
        | Op::Open(_)
        | Op::OpenGroup(_)
        | Op::ReleaseGroup(_)
        | Op::RegisterDriver(_) => true,
        Op::Del(_)
        | Op::Unregister(_)
        | Op::Get(_)
        | Op::Put(_)
        | Op::Unbind(_)
        | Op::Unlink(..)
        | Op::Close(_)
        | Op::CloseGroup(_)
        | Op::RemoveGroup(_)
        | Op::Settle
        | Op::UnregisterDriver(_) => false,
    }
}

/// Columns that the innermost arguments of an assertion may have.
const NESTED: usize = 80 - 24 - ", 0);".len();

impl<'e> Emitter<'e, '_> {
    /// The field of a device.
    pub(super) fn device(&self, id: DeviceId) -> Joined<'e> {
        names::c_device(self.program.device(id).name).between("ctx.", "")
    }

    /// The field of a driver.
    pub(super) fn driver(&self, id: DriverId) -> Joined<'e> {
        names::c_driver(self.program.driver(id).name).between("ctx.", "")
    }

    /// What the driver core knows of a device.
    fn dev(&self, id: DeviceId) -> Joined<'e> {
        self.device(id).between("ctx.", ".dev")
    }

    fn call(&self, op: Op) -> Call<'e> {
        let device = |id| self.device(id).between("&ctx.", "");
        let dev = |id| self.dev(id);
        let driver = |id| self.driver(id).between("&ctx.", "");
        let file = |id| names::c_file_of(self.program.handle(id).name);
        let handle = |id| file(id).between("&ctx.", "");
        let group = |id| {
            let group = self.program.group(id);
            let field = names::c_group(group.name);
            vec![dev(group.on), field.between("&ctx.", "")]
        };
        match op {
            Op::Init(id) => Call::new("init_test_device", vec![device(id)]),
            Op::Add(id) => Call::new("add_test_device", vec![device(id)]),
            Op::Del(id) => Call::new("del_test_device", vec![device(id)]),
            Op::Register(id) => Call::new("register_test_device", vec![device(id)]),
            Op::Unregister(id) => Call::new("unregister_test_device", vec![device(id)]),
            Op::Get(id) => Call::new("get_test_device", vec![device(id)]),
            Op::Put(id) => Call::new("put_test_device", vec![device(id)]),
            Op::Attach(id) => Call::new("device_attach", vec![dev(id)]),
            Op::Bind(id, drv) => {
                let arguments = vec![self.driver(drv).between("ctx.", ".driver"), dev(id)];
                Call::new("device_driver_attach", arguments)
            }
            Op::Unbind(id) => Call::new("device_release_driver", vec![dev(id)]),
            Op::AddAction(id) | Op::RemoveAction(id) | Op::ReleaseAction(id) => {
                self.managed(op, id)
            }
            Op::AddResource(id)
            | Op::GetResource(id)
            | Op::FindResource(id)
            | Op::DestroyResource(id) => self.managed(op, id),
            Op::Free(id) | Op::Realloc(id) | Op::UseMemory(id) => self.of_memory(op, id),
            Op::Link(consumer, supplier, flags) => {
                let flags = match flags {
                    LinkFlags::Managed => "0",
                    LinkFlags::WhileSupplierBound => "DL_FLAG_AUTOREMOVE_SUPPLIER",
                    LinkFlags::WhileConsumerBound => "DL_FLAG_AUTOREMOVE_CONSUMER",
                    LinkFlags::Autoprobe => "DL_FLAG_AUTOPROBE_CONSUMER",
                    LinkFlags::Stateless => "DL_FLAG_STATELESS",
                };
                let arguments = vec![device(consumer), device(supplier), flags.into()];
                Call::new("link_test_devices", arguments)
            }
            Op::Unlink(consumer, supplier) => {
                Call::new("device_link_remove", vec![dev(consumer), dev(supplier)])
            }
            Op::Open(id) => {
                let on = device(self.program.handle(id).device);
                Call::new("open_test_device", vec![on, handle(id)])
            }
            Op::UseHandle(id) => {
                let on = self.device(self.program.handle(id).device);
                Call::new(
                    on.between("ctx.", ".kind->use"),
                    vec![file(id).between("ctx.", "")],
                )
            }
            Op::Close(id) => Call::new("close_test_file", vec![handle(id)]),
            Op::OpenGroup(id) => Call::new("open_test_group", group(id)),
            Op::CloseGroup(id) => Call::new("devres_close_group", group(id)),
            Op::ReleaseGroup(id) => Call::new("devres_release_group", group(id)),
            Op::RemoveGroup(id) => Call::new("devres_remove_group", group(id)),
            Op::Settle => Call::new("settle", vec![]),
            Op::RegisterDriver(id) => Call::new("register_test_driver", vec![driver(id)]),
            Op::UnregisterDriver(id) => Call::new("unregister_test_driver", vec![driver(id)]),
        }
    }

    /// The memory of a resource, or what is nothing but memory.
    fn memory(&self, id: ActionId) -> Joined<'e> {
        names::c_memory(self.program.action(id).name).between("&ctx.", "")
    }

    /// What is done to the place of something on a list.
    fn managed(&self, op: Op, id: ActionId) -> Call<'e> {
        let Action { on, sort, .. } = *self.program.action(id);
        let memory = || self.memory(id);
        let function = || self.action_function(id);
        let null = || "NULL".into();
        match (op, sort) {
            (Op::AddAction(_), Sort::Unmanaged) => Call::new("alloc_test_memory", vec![memory()]),
            (Op::AddAction(_), Sort::Memory) => {
                Call::new("devm_alloc_test_memory", vec![self.dev(on), memory()])
            }
            (Op::AddAction(_), Sort::OfObject) => {
                let kind = self.device(on).between("ctx.", ".kind->object_action");
                Call::new(kind, vec![self.dev(on), function()])
            }
            (_, Sort::Resource) => {
                let ours = |name| {
                    let name: &'static str = name;
                    Call::new(name, vec![self.dev(on), memory(), function()])
                };
                let direct = |name| {
                    let name: &'static str = name;
                    Call::new(name, vec![self.dev(on), function(), null(), null()])
                };
                match op {
                    Op::AddAction(_) => ours("new_test_resource"),
                    Op::GetResource(_) => ours("get_test_resource"),
                    Op::RemoveAction(_) => ours("remove_test_resource"),
                    Op::ReleaseAction(_) => direct("devres_release"),
                    Op::DestroyResource(_) => direct("devres_destroy"),
                    Op::FindResource(_) => {
                        Call::new("find_test_resource", vec![self.dev(on), function()])
                    }
                    _ => Call::new("add_test_resource", vec![self.dev(on), memory()]),
                }
            }
            (op, _) => {
                let name = match op {
                    Op::RemoveAction(_) => "devm_remove_action",
                    Op::ReleaseAction(_) => "devm_release_action",
                    _ => "devm_add_action",
                };
                Call::new(name, vec![self.dev(on), function(), null()])
            }
        }
    }

    /// What is done to memory.
    fn of_memory(&self, op: Op, id: ActionId) -> Call<'e> {
        let Action { on, sort, .. } = *self.program.action(id);
        let memory = self.memory(id);
        match (op, sort) {
            (Op::Free(_), Sort::Resource) => Call::new("free_test_resource", vec![memory]),
            (Op::Free(_), Sort::Memory) => {
                let data = memory.between("ctx.", ".data");
                Call::new("devm_kfree", vec![self.dev(on), data])
            }
            (Op::Free(_), _) => Call::new("free_test_memory", vec![memory]),
            (Op::Realloc(_), Sort::Memory) => {
                Call::new("devm_realloc_test_memory", vec![self.dev(on), memory])
            }
            (Op::Realloc(_), _) => Call::new("realloc_test_memory", vec![memory]),
            _ => Call::new("use_test_memory", vec![memory]),
        }
    }

    /// A call of something that returns nothing.
    fn void(&self, lines: &mut Lines, op: Op, called: &Call<'_>) {
        called.statement(lines, "\t");
        self.log_return(lines, op, "0");
    }

    /// An operation of a body: what it returns is for later.
    pub(super) fn body_op(&self, lines: &mut Lines, op: Op) {
        self.body_call(lines, op);
        self.counted(lines, op);
    }

    /// What counts how often an action is added, where something is expected of that.
    fn counted(&self, lines: &mut Lines, op: Op) {
        let Op::AddAction(id) = op else {
            return;
        };
        // A resource counts itself.
        let counts = self.program.action(id).sort == Sort::Action;
        let is_asked =
            |expectation: &Expectation| counts && expectation.claim == Claim::RanAsAdded(id);
        if self.scenario.expectations().any(is_asked) {
            let added = names::c_added(self.program.action(id).name);
            lines.line(format_args!("\tctx.{added}++;"));
        }
    }

    fn body_call(&self, lines: &mut Lines, op: Op) {
        let called = self.call(op);
        if !is_fallible(self.scenario, op) {
            return self.void(lines, op, &called);
        }
        // What a callback asserts would end the thread that it is called by.
        let check = match op {
            _ if may_be_positive(op) => "KUNIT_EXPECT_GE",
            _ => "KUNIT_EXPECT_EQ",
        };
        let test = Joined::from("ctx.test");
        if !self.wants_ret(op) {
            let nested = called.expression();
            return lines.call(
                "\t",
                check,
                &[test, nested.as_str().into(), "0".into()],
                ";",
            );
        }
        called.statement(lines, "\tret = ");
        self.log_return(lines, op, "ret");
        if self.options.bulk.is_none() {
            lines.call("\t", check, &[test, "ret".into(), "0".into()], ";");
        }
    }

    /// Whether what an operation of a body returns goes through a variable.
    pub(super) fn wants_ret(&self, op: Op) -> bool {
        // Behind two tabs and the assertion, and before the comma.
        const LONGEST: usize = 100 - 32 - 1;
        is_fallible(self.scenario, op)
            && (self.options.trace || self.call(op).expression().len() > LONGEST)
    }

    /// An operation of the test's own, which has to return that error or none.
    pub(super) fn test_op(&self, lines: &mut Lines, op: Op, fails: Option<Errno>) {
        self.test_call(lines, op, fails);
        self.counted(lines, op);
    }

    fn test_call(&self, lines: &mut Lines, op: Op, fails: Option<Errno>) {
        let called = self.call(op);
        if !is_fallible(self.scenario, op) {
            return self.void(lines, op, &called);
        }
        let zero = Joined::from("0");
        let (check, wanted) = match (op, fails) {
            (_, Some(errno)) => ("KUNIT_EXPECT_EQ", Joined::new("-", errno.name(), "")),
            (op, None) if may_be_positive(op) => ("KUNIT_EXPECT_GE", zero),
            (_, None) => ("KUNIT_ASSERT_EQ", zero),
        };
        let test = Joined::from("test");
        let nested = called.expression();
        if !self.options.trace && nested.len() <= NESTED {
            return lines.call("\t", check, &[test, nested.as_str().into(), wanted], ";");
        }
        called.statement(lines, "\tret = ");
        self.log_return(lines, op, "ret");
        lines.call("\t", check, &[test, "ret".into(), wanted], ";");
    }

    fn log_return(&self, lines: &mut Lines, op: Op, ret: &str) {
        if self.options.trace {
            let op = self.program.describe(op);
            let op = Joined::from(op.as_str()).between("\"", "\"");
            lines.call("\t", "log_return", &[op, ret.into()], ";");
        }
    }
}

/// Whether an operation that goes well may return more than 0: whether a driver was found, or how much
/// there was to release.
fn may_be_positive(op: Op) -> bool {
    matches!(op, Op::Attach(_) | Op::ReleaseGroup(_) | Op::GetResource(_))
}
