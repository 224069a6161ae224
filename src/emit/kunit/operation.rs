//! Operations as calls in C.

use std::borrow::Cow;

use super::scenario::Emitter;
use crate::emit::names;
use crate::emit::wrap::call;
use crate::sim::{DeviceId, DriverId, Errno, Op};

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
pub(super) fn is_fallible(op: Op) -> bool {
    match op {
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
        | Op::RemoveAction(_)
        | Op::ReleaseAction(_)
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
        let action = |id| {
            let on = self.program.action(id).on;
            vec![dev(on), self.action_function(id), "NULL".to_owned()]
        };
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
            Op::AddAction(id) if self.program.action(id).of_object => {
                let on = self.program.action(id).on;
                let kind = format!("{}.kind->object_action", self.device(on));
                Call::new(kind, vec![dev(on), self.action_function(id)])
            }
            Op::AddAction(id) => Call::new("devm_add_action", action(id)),
            Op::RemoveAction(id) => Call::new("devm_remove_action", action(id)),
            Op::ReleaseAction(id) => Call::new("devm_release_action", action(id)),
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
        let called = self.call(op);
        if !is_fallible(op) {
            return self.void(op, &called);
        }
        let text = self.program.describe(op);
        if !self.options.trace {
            // A comparison binds tighter than `|=`.
            return called.statement("ctx.failed |= ", " < 0;");
        }
        let mut lines = called.statement("ret = ", ";");
        lines.extend(log_return(&text, "ret"));
        lines.push("\tctx.failed |= ret < 0;".to_owned());
        lines
    }

    /// An operation of the test's own, which has to return that error or none.
    pub(super) fn test_op(&self, op: Op, fails: Option<Errno>) -> Vec<String> {
        let called = self.call(op);
        if !is_fallible(op) {
            return self.void(op, &called);
        }
        let text = self.program.describe(op);
        let (check, wanted) = match (op, fails) {
            (_, Some(errno)) => ("KUNIT_EXPECT_EQ", format!("-{}", errno.name())),
            // Whether a driver was found, or how much there was to release, is another question.
            (Op::Attach(_) | Op::ReleaseGroup(_), None) => ("KUNIT_EXPECT_GE", "0".to_owned()),
            (_, None) => ("KUNIT_ASSERT_EQ", "0".to_owned()),
        };
        let nested = called.expression();
        if !self.options.trace && nested.len() <= NESTED {
            return call(1, check, &["test", &nested, &wanted], ";");
        }
        let mut lines = called.statement("ret = ", ";");
        if self.options.trace {
            lines.extend(log_return(&text, "ret"));
        }
        lines.extend(call(1, check, &["test", "ret", &wanted], ";"));
        lines
    }
}

fn log_return(op: &str, ret: &str) -> Vec<String> {
    call(1, "log_return", &[&format!("\"{op}\""), ret], ";")
}
