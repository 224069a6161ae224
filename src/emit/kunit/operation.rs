//! Operations as calls in C.

use std::borrow::Cow;

use super::scenario::Emitter;
use crate::emit::names;
use crate::emit::wrap::call;
use crate::ir::{Expectation, Scenario};
use crate::sim::{Action, ActionId, Claim, DeviceId, DriverId, Errno, Op, Sort};

/// A call of a function.
pub(super) struct Call {
    function: Cow<'static, str>,
    arguments: Vec<String>,
}

impl Call {
    fn new(function: impl Into<Cow<'static, str>>, arguments: Vec<String>) -> Self {
        Call {
            function: function.into(),
            arguments,
        }
    }

    fn statement(&self, before: &str, after: &str) -> Vec<String> {
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        call(1, &format!("{before}{}", self.function), &arguments, after)
    }

    fn expression(&self) -> String {
        format!("{}({})", self.function, self.arguments.join(", "))
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
        | Op::LinkWhileBound(..)
        | Op::Open(_)
        | Op::OpenGroup(_)
        | Op::ReleaseGroup(_)
        | Op::RegisterDriver(_) => true,
        Op::Del(_)
        | Op::Unregister(_)
        | Op::Get(_)
        | Op::Put(_)
        | Op::Unbind(_)
        | Op::Close(_)
        | Op::CloseGroup(_)
        | Op::RemoveGroup(_)
        | Op::Settle
        | Op::UnregisterDriver(_) => false,
    }
}

/// Columns that the innermost arguments of an assertion may have.
const NESTED: usize = 80 - 24 - ", 0);".len();

impl Emitter<'_> {
    pub(super) fn device(&self, id: DeviceId) -> String {
        format!("ctx.{}", names::c_device(self.program.device(id).name))
    }

    pub(super) fn driver(&self, id: DriverId) -> String {
        format!("ctx.{}", names::c_driver(self.program.driver(id).name))
    }

    fn call(&self, op: Op) -> Call {
        let device = |id| format!("&{}", self.device(id));
        let dev = |id| format!("{}.dev", self.device(id));
        let driver = |id| format!("&{}", self.driver(id));
        let handle = |id| format!("&ctx.{}", names::c_file_of(self.program.handle(id).name));
        let group = |id| {
            let group = self.program.group(id);
            let field = names::c_group(group.name);
            vec![dev(group.on), format!("&ctx.{field}")]
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
                let arguments = vec![format!("{}.driver", self.driver(drv)), dev(id)];
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
            Op::Link(consumer, supplier) | Op::LinkWhileBound(consumer, supplier) => {
                let flags = match op {
                    Op::Link(..) => "0",
                    _ => "DL_FLAG_AUTOREMOVE_SUPPLIER",
                };
                let arguments = vec![device(consumer), device(supplier), flags.to_owned()];
                Call::new("link_test_devices", arguments)
            }
            Op::Open(id) => {
                let on = device(self.program.handle(id).device);
                Call::new("open_test_device", vec![on, handle(id)])
            }
            Op::UseHandle(id) => {
                let on = self.device(self.program.handle(id).device);
                let file = format!("ctx.{}", names::c_file_of(self.program.handle(id).name));
                Call::new(format!("{on}.kind->use"), vec![file])
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

    fn dev(&self, id: DeviceId) -> String {
        format!("{}.dev", self.device(id))
    }

    /// The memory of a resource, or what is nothing but memory.
    pub(super) fn memory(&self, id: ActionId) -> String {
        format!("ctx.{}", names::c_memory(self.program.action(id).name))
    }

    /// What is done to the place of something on a list.
    fn managed(&self, op: Op, id: ActionId) -> Call {
        let Action { on, sort, .. } = *self.program.action(id);
        let memory = || format!("&{}", self.memory(id));
        let function = || self.action_function(id);
        let null = || "NULL".to_owned();
        match (op, sort) {
            (Op::AddAction(_), Sort::Unmanaged) => Call::new("alloc_test_memory", vec![memory()]),
            (Op::AddAction(_), Sort::Memory) => {
                Call::new("devm_alloc_test_memory", vec![self.dev(on), memory()])
            }
            (Op::AddAction(_), Sort::OfObject) => {
                let kind = format!("{}.kind->object_action", self.device(on));
                Call::new(kind, vec![self.dev(on), function()])
            }
            (_, Sort::Resource) => {
                let ours = |what: &str| {
                    let name = format!("{what}_test_resource");
                    Call::new(name, vec![self.dev(on), memory(), function()])
                };
                let direct = |name| {
                    let name: &'static str = name;
                    Call::new(name, vec![self.dev(on), function(), null(), null()])
                };
                match op {
                    Op::AddAction(_) => ours("new"),
                    Op::GetResource(_) => ours("get"),
                    Op::RemoveAction(_) => ours("remove"),
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
    fn of_memory(&self, op: Op, id: ActionId) -> Call {
        let Action { on, sort, .. } = *self.program.action(id);
        let memory = format!("&{}", self.memory(id));
        match (op, sort) {
            (Op::Free(_), Sort::Resource) => Call::new("free_test_resource", vec![memory]),
            (Op::Free(_), Sort::Memory) => {
                let data = format!("{}.data", self.memory(id));
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
    fn void(&self, op: Op, called: &Call) -> Vec<String> {
        let mut lines = called.statement("", ";");
        if self.options.trace {
            lines.extend(log_return(&self.program.describe(op), "0"));
        }
        lines
    }

    /// An operation of a body: what it returns is for later.
    pub(super) fn body_op(&self, op: Op) -> Vec<String> {
        let mut lines = self.body_call(op);
        lines.extend(self.counted(op));
        lines
    }

    /// What counts how often an action is added, where something is expected of that.
    fn counted(&self, op: Op) -> Option<String> {
        let Op::AddAction(id) = op else {
            return None;
        };
        let is_asked = |expectation: &Expectation| expectation.claim == Claim::RanAsAdded(id);
        let added = names::c_added(self.program.action(id).name);
        let asked = self.scenario.expectations().any(is_asked);
        asked.then(|| format!("\tctx.{added}++;"))
    }

    fn body_call(&self, op: Op) -> Vec<String> {
        let called = self.call(op);
        if !is_fallible(self.scenario, op) {
            return self.void(op, &called);
        }
        // What a callback asserts would end the thread that it is called by.
        let check = match op {
            _ if may_be_positive(op) => "KUNIT_EXPECT_GE",
            _ => "KUNIT_EXPECT_EQ",
        };
        if !self.wants_ret(op) {
            return call(1, check, &["ctx.test", &called.expression(), "0"], ";");
        }
        let mut lines = called.statement("ret = ", ";");
        if self.options.trace {
            lines.extend(log_return(&self.program.describe(op), "ret"));
        }
        if self.options.bulk.is_none() {
            lines.extend(call(1, check, &["ctx.test", "ret", "0"], ";"));
        }
        lines
    }

    /// Whether what an operation of a body returns goes through a variable.
    pub(super) fn wants_ret(&self, op: Op) -> bool {
        // Behind two tabs and the assertion, and before the comma.
        const LONGEST: usize = 100 - 32 - 1;
        is_fallible(self.scenario, op)
            && (self.options.trace || self.call(op).expression().len() > LONGEST)
    }

    /// An operation of the test's own, which has to return that error or none.
    pub(super) fn test_op(&self, op: Op, fails: Option<Errno>) -> Vec<String> {
        let mut lines = self.test_call(op, fails);
        lines.extend(self.counted(op));
        lines
    }

    fn test_call(&self, op: Op, fails: Option<Errno>) -> Vec<String> {
        let called = self.call(op);
        if !is_fallible(self.scenario, op) {
            return self.void(op, &called);
        }
        let (check, wanted) = match (op, fails) {
            (_, Some(errno)) => ("KUNIT_EXPECT_EQ", format!("-{}", errno.name())),
            (op, None) if may_be_positive(op) => ("KUNIT_EXPECT_GE", "0".to_owned()),
            (_, None) => ("KUNIT_ASSERT_EQ", "0".to_owned()),
        };
        let nested = called.expression();
        if !self.options.trace && nested.len() <= NESTED {
            return call(1, check, &["test", &nested, &wanted], ";");
        }
        let mut lines = called.statement("ret = ", ";");
        if self.options.trace {
            lines.extend(log_return(&self.program.describe(op), "ret"));
        }
        lines.extend(call(1, check, &["test", "ret", &wanted], ";"));
        lines
    }
}

/// Whether an operation that goes well may return more than 0: whether a driver was found, or how much
/// there was to release.
fn may_be_positive(op: Op) -> bool {
    matches!(op, Op::Attach(_) | Op::ReleaseGroup(_) | Op::GetResource(_))
}

fn log_return(op: &str, ret: &str) -> Vec<String> {
    call(1, "log_return", &[&format!("\"{op}\""), ret], ";")
}
