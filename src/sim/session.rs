//! A case as a test: run the operations, judge the expectations, and fail with
//! the scenario's own lines and everything that happened.

use std::fmt::Write;

use super::event::Fault;
use super::fixes::{Fix, Model};
use super::holdings::Holdings;
use super::program::{ActionId, Claim, DeviceId, Driver, DriverId, Errno, Kind, Op, Program};
use super::record::Recorder;

/// What one scenario is run on: a kind of device, bound or not, and a kernel.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The kind of the device that the scenario does not declare itself.
    pub kind: &'a Kind<'a>,
    /// The driver that binds to it, for a kind in the state bound; else none.
    pub drivers: &'a [Driver<'a>],
    /// The kernel.
    pub model: Model,
}

impl<'a> Case<'a> {
    /// The driver of a device in the state bound: registered before the device and
    /// unregistered last.
    pub const DRIVER: Driver<'static> = Driver::new("driver", DeviceId(0));

    /// A device without a driver, on a kernel with all fixes.
    pub const fn unbound(kind: &'a Kind<'a>) -> Self {
        Case {
            kind,
            drivers: &[],
            model: Model::ALL,
        }
    }

    /// A device with a driver bound to it, on a kernel with all fixes.
    pub const fn bound(kind: &'a Kind<'a>) -> Self {
        Case {
            kind,
            drivers: &[Self::DRIVER],
            model: Model::ALL,
        }
    }

    /// The same on a kernel that lacks a fix.
    pub const fn without(self, fix: Fix) -> Self {
        Case {
            model: self.model.without(fix),
            ..self
        }
    }

    /// Whether the kernel lacks a fix.
    pub const fn lacks(&self, fix: Fix) -> bool {
        !self.model.has(fix)
    }

    /// Whether a driver binds to the device when it is registered.
    pub const fn is_bound(&self) -> bool {
        !self.drivers.is_empty()
    }
}

/// A case in progress.
///
/// Expectations that fail are collected; [`Session::finish`] panics with all of
/// them, and has to be called. A fault ends the case at once.
#[derive(Debug)]
pub struct Session<'a> {
    source: &'a str,
    program: &'a Program<'a>,
    model: Model,
    recorder: Recorder<'a>,
    holdings: Holdings,
    set_up: u32,
    line: u32,
    failures: String,
    finished: bool,
}

impl<'a> Session<'a> {
    /// Begins a case of the program, which must declare the case's kind and drivers;
    /// `source` is the scenario's file, `line` the line that asks for the drivers, which
    /// are registered.
    pub fn new(source: &'a str, line: u32, program: &'a Program<'a>, model: Model) -> Self {
        let mut session = Session {
            source,
            program,
            model,
            recorder: Recorder::new(program, model),
            holdings: Holdings::new(),
            set_up: line,
            line,
            failures: String::new(),
            finished: false,
        };
        program.driver_ids().for_each(|drv: DriverId| {
            session.run(Op::RegisterDriver(drv));
        });
        session
    }

    /// The line of the scenario that the next call is about.
    pub fn at(&mut self, line: u32) -> &mut Self {
        self.line = line;
        self
    }

    /// `device_register()`, or what the kind's framework makes of it.
    pub fn register(&mut self, dev: DeviceId) {
        self.run(Op::Register(dev));
    }

    /// `device_unregister()`.
    pub fn unregister(&mut self, dev: DeviceId) {
        self.run(Op::Unregister(dev));
    }

    /// `get_device()`.
    pub fn get(&mut self, dev: DeviceId) {
        self.run(Op::Get(dev));
    }

    /// `put_device()`.
    pub fn put(&mut self, dev: DeviceId) {
        self.run(Op::Put(dev));
    }

    /// `device_attach()`, which must not fail.
    pub fn attach(&mut self, dev: DeviceId) {
        self.returns(Op::Attach(dev), None);
    }

    /// `device_attach()`, which has to fail so.
    pub fn attach_fails(&mut self, dev: DeviceId, errno: Errno) {
        self.returns(Op::Attach(dev), Some(errno));
    }

    /// `device_release_driver()`.
    pub fn unbind(&mut self, dev: DeviceId) {
        self.run(Op::Unbind(dev));
    }

    /// `devm_add_action()`.
    pub fn add_action(&mut self, action: ActionId) {
        self.run(Op::AddAction(action));
    }

    /// The claim has to be true now.
    pub fn expect(&mut self, claim: Claim) {
        self.judge(claim, true);
    }

    /// The claim must not be true now.
    pub fn expect_not(&mut self, claim: Claim) {
        self.judge(claim, false);
    }

    /// Gives up what the scenario still owns: what is expected from then on is about
    /// the very end.
    pub fn give_up(&mut self) {
        for op in self.holdings.give_up() {
            if let Op::UnregisterDriver(_) = op {
                self.line = self.set_up;
            }
            self.run(op);
        }
    }

    /// Gives up what the scenario still owns, if it did not yet, and ends the case.
    ///
    /// # Panics
    /// When an expectation of the case did not hold, with the scenario's lines and
    /// the events that led there.
    pub fn finish(&mut self) {
        self.give_up();
        self.finished = true;
        if !self.failures.is_empty() {
            self.fail();
        }
    }

    fn returns(&mut self, op: Op, wanted: Option<Errno>) {
        let ret = self.run(op);
        if !Errno::is_returned(wanted, ret) {
            let op = self.program.describe(op);
            let wanted = wanted.map_or("no error".to_owned(), |errno| errno.name().to_owned());
            self.note(&format!(
                "expected {wanted} from `{op}`, which returned {ret}"
            ));
        }
    }

    fn run(&mut self, op: Op) -> i32 {
        if let Err(dev) = self.holdings.apply(self.program, op) {
            let name = self.program.device(dev).name;
            self.note(&format!(
                "no reference of `{name}` is left for the action to take over"
            ));
            self.fail();
        }
        match self.recorder.run(self.line, op) {
            Ok(ret) => ret,
            Err(fault) => self.fault(op, fault),
        }
    }

    fn fault(&mut self, op: Op, fault: Fault) -> ! {
        let what = fault.describe(self.program);
        self.note(&format!("fault in `{}`: {what}", self.program.describe(op)));
        self.fail()
    }

    fn judge(&mut self, claim: Claim, wanted: bool) {
        if claim.holds(&self.recorder) != wanted {
            let not = if wanted { "" } else { "not " };
            self.note(&format!(
                "expected {not}`{}`",
                self.program.describe_claim(claim)
            ));
        }
    }

    fn note(&mut self, what: &str) {
        let _ = writeln!(self.failures, "{}:{}: {what}", self.source, self.line);
    }

    fn fail(&self) -> ! {
        let mut events = String::new();
        for record in self.recorder.records() {
            let _ = writeln!(
                events,
                "{:5}: {}",
                record.line,
                record.describe(self.program)
            );
        }
        panic!(
            "on a kernel {}:\n{}what happened:\n{events}",
            self.model, self.failures
        );
    }
}

/// A case that is never finished would pass whatever happened in it.
impl Drop for Session<'_> {
    fn drop(&mut self) {
        if !self.finished && !std::thread::panicking() {
            panic!(
                "{}:{}: the case ends without `finish`",
                self.source, self.line
            );
        }
    }
}
