//! A case as a test: run the operations, judge the expectations, and fail with
//! the scenario's own lines and everything that happened.

use std::fmt::Write;
use std::panic;

use super::claim::Claim;
use super::errno::Errno;
use super::event::Fault;
use super::fixes::{Fix, Model};
use super::holdings::Holdings;
use super::program::{
    ActionId, Device, DeviceId, Driver, DriverId, GroupId, HandleId, Kind, LinkFlags, Op, Program,
};
use super::record::Recorder;
use super::story::StoryLine;

/// What one scenario is run on: a kind of device, bound or not, and a kernel.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The kind of the device that the scenario does not declare itself.
    pub kind: &'a Kind<'a>,
    /// Whether a driver is bound to it.
    pub bound: bool,
    /// The kind of the device that it hangs below, if it does.
    pub parent: Option<&'a Kind<'a>>,
    /// The kernel.
    pub model: Model,
}

impl<'a> Case<'a> {
    /// The driver of a device in the state bound: registered before the device and
    /// unregistered last.
    pub const DRIVER: Driver<'static> = Driver::new("dev.driver", DeviceId(0)).set_up();

    /// A device without a driver, on a kernel with all fixes.
    pub const fn unbound(kind: &'a Kind<'a>) -> Self {
        Case {
            kind,
            bound: false,
            parent: None,
            model: Model::ALL,
        }
    }

    /// A device with a driver bound to it, on a kernel with all fixes.
    pub const fn bound(kind: &'a Kind<'a>) -> Self {
        Case {
            bound: true,
            ..Case::unbound(kind)
        }
    }

    /// The same below a device of another kind, which is there before and after.
    pub const fn below(self, parent: &'a Kind<'a>) -> Self {
        Case {
            parent: Some(parent),
            ..self
        }
    }

    /// The same on a kernel that lacks a fix.
    pub const fn without(self, fix: Fix) -> Self {
        Case {
            model: self.model.without(fix),
            ..self
        }
    }

    /// Tries a scenario with this case on each kernel of [`Model::known`].
    ///
    /// # Panics
    /// When it fails on any of them, after it was tried on all: what went wrong on each is
    /// then printed already.
    #[track_caller]
    pub fn on_every_kernel(self, scenario: fn(&Case<'_>)) {
        let fails = |model: &Model| {
            let case = Case {
                model: *model,
                ..self
            };
            panic::catch_unwind(|| scenario(&case)).is_err()
        };
        let failed: Vec<String> = Model::known()
            .filter(fails)
            .map(|model| model.to_string())
            .collect();
        assert!(
            failed.is_empty(),
            "failed on a kernel {}",
            failed.join(", on one ")
        );
    }

    /// Whether a driver is bound to it: one of the case's, or its bus's own.
    pub const fn is_bound(&self) -> bool {
        self.bound || self.kind.drivers.own
    }

    /// Whether the kernel lacks a fix.
    pub const fn lacks(&self, fix: Fix) -> bool {
        !self.model.has(fix)
    }

    /// Whether the case is on one of these kinds, in the same state.
    pub fn is_on(&self, others: &[Case<'_>]) -> bool {
        let state = (self.kind, self.bound, self.parent);
        let same = |other: &Case<'_>| state == (other.kind, other.bound, other.parent);
        others.iter().any(same)
    }

    /// The devices of a scenario, of which the first is the case's, and the one that it
    /// hangs below, if it does.
    pub fn devices<'d>(&self, own: &[Device<'d>]) -> Vec<Device<'d>>
    where
        'a: 'd,
    {
        let mut devices = own.to_vec();
        if let (Some(kind), Some(dev)) = (self.parent, devices.first_mut()) {
            *dev = dev.below(DeviceId(own.len() as u8));
            devices.push(Device::new("parent", kind).set_up());
        }
        devices
    }

    /// The drivers of a scenario, and the one that keeps the case's device bound, if
    /// one does.
    pub fn drivers<'d>(&self, own: &[Driver<'d>]) -> Vec<Driver<'d>> {
        let mut drivers = own.to_vec();
        drivers.extend(self.bound.then_some(Self::DRIVER));
        drivers
    }
}

/// The environment variable that makes each case print what happened in it, also when
/// it passes: `DEVRES_GEN_TRACE=1 cargo test -- --nocapture`.
const TRACE: &str = "DEVRES_GEN_TRACE";
const TRACE_HEAD: &str = "devres-trace of ";
const TRACE_INDENT: &str = "  ";

/// A case in progress.
///
/// Expectations that fail are collected; [`Session::finish`] panics with all of
/// them, and has to be called. A fault ends the case at once, and fails it unless it
/// was announced. With `DEVRES_GEN_TRACE` in the environment, [`Session::finish`] prints
/// everything that happened.
#[derive(Debug)]
pub struct Session<'a> {
    source: &'a str,
    program: &'a Program<'a>,
    model: Model,
    recorder: Recorder<'a>,
    holdings: Holdings,
    set_up: u32,
    line: u32,
    /// The fault that the next operation has to run into.
    announced: Option<Fault>,
    /// It did: nothing can be said of what follows.
    over: bool,
    failures: String,
    given_up: bool,
    finished: bool,
}

impl<'a> Session<'a> {
    /// Begins a case of the program; `source` is the scenario's file, `line` the line
    /// that asks for what is set up before it, which is done.
    pub fn new(source: &'a str, line: u32, program: &'a Program<'a>, model: Model) -> Self {
        let mut session = Session {
            source,
            program,
            model,
            recorder: Recorder::new(program, model),
            holdings: Holdings::new(),
            set_up: line,
            line,
            announced: None,
            over: false,
            failures: String::new(),
            given_up: false,
            finished: false,
        };
        for op in program.set_up() {
            session.run(op);
        }
        session
    }

    /// The line of the scenario that the next call is about.
    pub fn at(&mut self, line: u32) -> &mut Self {
        self.line = line;
        self
    }

    /// Carries out an operation, which must not return an error.
    pub fn run(&mut self, op: Op) {
        self.returns(op, None);
    }

    /// Carries out an operation, which has to return that error.
    pub fn fails(&mut self, op: Op, errno: Errno) {
        self.returns(op, Some(errno));
    }

    /// `device_initialize()`, or what the kind's framework makes of it.
    pub fn init(&mut self, dev: DeviceId) {
        self.run(Op::Init(dev));
    }

    /// `device_add()`.
    pub fn add(&mut self, dev: DeviceId) {
        self.run(Op::Add(dev));
    }

    /// `device_del()`.
    pub fn del(&mut self, dev: DeviceId) {
        self.run(Op::Del(dev));
    }

    /// `device_register()`.
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

    /// `driver_register()`.
    pub fn register_driver(&mut self, drv: DriverId) {
        self.run(Op::RegisterDriver(drv));
    }

    /// `driver_unregister()`.
    pub fn unregister_driver(&mut self, drv: DriverId) {
        self.run(Op::UnregisterDriver(drv));
    }

    /// `device_attach()`.
    pub fn attach(&mut self, dev: DeviceId) {
        self.run(Op::Attach(dev));
    }

    /// `device_driver_attach()`.
    pub fn bind(&mut self, dev: DeviceId, drv: DriverId) {
        self.run(Op::Bind(dev, drv));
    }

    /// `device_release_driver()`.
    pub fn unbind(&mut self, dev: DeviceId) {
        self.run(Op::Unbind(dev));
    }

    /// `devm_add_action()`.
    pub fn add_action(&mut self, action: ActionId) {
        self.run(Op::AddAction(action));
    }

    /// `devm_remove_action()`.
    pub fn remove_action(&mut self, action: ActionId) {
        self.run(Op::RemoveAction(action));
    }

    /// `devm_release_action()`.
    pub fn release_action(&mut self, action: ActionId) {
        self.run(Op::ReleaseAction(action));
    }

    /// `devres_add()` of a resource that was taken off its list.
    pub fn add_resource(&mut self, resource: ActionId) {
        self.run(Op::AddResource(resource));
    }

    /// `devres_get()`
    pub fn get_resource(&mut self, resource: ActionId) {
        self.run(Op::GetResource(resource));
    }

    /// `devres_find()`
    pub fn find_resource(&mut self, resource: ActionId) {
        self.run(Op::FindResource(resource));
    }

    /// `devres_destroy()`
    pub fn destroy_resource(&mut self, resource: ActionId) {
        self.run(Op::DestroyResource(resource));
    }

    /// `devm_kfree()`, `kfree()` or `devres_free()`.
    pub fn free(&mut self, memory: ActionId) {
        self.run(Op::Free(memory));
    }

    /// `devm_krealloc()` or `krealloc()`.
    pub fn realloc(&mut self, memory: ActionId) {
        self.run(Op::Realloc(memory));
    }

    /// Reads memory.
    pub fn use_memory(&mut self, memory: ActionId) {
        self.run(Op::UseMemory(memory));
    }

    /// `devres_open_group()`
    pub fn open_group(&mut self, group: GroupId) {
        self.run(Op::OpenGroup(group));
    }

    /// `devres_close_group()`
    pub fn close_group(&mut self, group: GroupId) {
        self.run(Op::CloseGroup(group));
    }

    /// `devres_release_group()`
    pub fn release_group(&mut self, group: GroupId) {
        self.run(Op::ReleaseGroup(group));
    }

    /// `devres_remove_group()`
    pub fn remove_group(&mut self, group: GroupId) {
        self.run(Op::RemoveGroup(group));
    }

    /// `device_link_add()` of a consumer to a supplier.
    pub fn link(&mut self, consumer: DeviceId, supplier: DeviceId, flags: LinkFlags) {
        self.run(Op::Link(consumer, supplier, flags));
    }

    /// `device_link_remove()` of a consumer and a supplier.
    pub fn unlink(&mut self, consumer: DeviceId, supplier: DeviceId) {
        self.run(Op::Unlink(consumer, supplier));
    }

    /// Opens a file of a device, say.
    pub fn open(&mut self, handle: HandleId) {
        self.run(Op::Open(handle));
    }

    /// Asks something of it.
    pub fn use_handle(&mut self, handle: HandleId) {
        self.run(Op::UseHandle(handle));
    }

    /// Closes it.
    pub fn close(&mut self, handle: HandleId) {
        self.run(Op::Close(handle));
    }

    /// Waits until all queued work is done.
    pub fn settle(&mut self) {
        self.run(Op::Settle);
    }

    /// The next operation has to run into this fault, which ends the case.
    pub fn announce(&mut self, fault: Fault) {
        self.announced = Some(fault);
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
        if self.over || std::mem::replace(&mut self.given_up, true) {
            return;
        }
        let line = self.line;
        for op in self.holdings.give_up(self.program) {
            if self.program.is_set_up(op) {
                self.line = self.set_up;
            }
            self.run(op);
        }
        self.line = line;
    }

    /// Gives up what the scenario still owns, if it did not yet, and ends the case.
    ///
    /// # Panics
    /// When an expectation of the case did not hold, with the scenario's lines and
    /// the events that led there.
    pub fn finish(&mut self) {
        self.give_up();
        self.finished = true;
        if std::env::var_os(TRACE).is_some() {
            println!("{}", self.trace());
        }
        if self.recorder.state().failed_in_a_body() {
            self.note("an operation in the body of an action or a driver returned an error");
        }
        if !self.failures.is_empty() {
            self.fail();
        }
    }

    fn returns(&mut self, op: Op, wanted: Option<Errno>) {
        if self.over {
            return;
        }
        if let Err(dev) = self.holdings.apply(self.program, op, wanted) {
            let name = self.program.device(dev).name;
            self.note(&format!(
                "no reference of `{name}` is left for the action to take over"
            ));
            self.fail();
        }
        let announced = self.announced.take();
        let ret = match self.recorder.run(self.line, op) {
            Ok(ret) => ret,
            Err(fault) if Some(fault) == announced => {
                self.over = true;
                return;
            }
            Err(fault) => self.fault(op, fault),
        };
        let ends = op.ends_a_case(wanted);
        let op = self.program.describe(op);
        if let Some(fault) = announced {
            let fault = fault.describe(self.program);
            self.note(&format!("expected a fault in `{op}`: {fault}"));
        }
        if !Errno::is_returned(wanted, ret) {
            let wanted = wanted.map_or("no error", Errno::name);
            self.note(&format!(
                "expected {wanted} from `{op}`, which returned {ret}"
            ));
            if ends {
                self.fail();
            }
        }
    }

    fn fault(&mut self, op: Op, fault: Fault) -> ! {
        let what = fault.describe(self.program);
        self.note(&format!("fault in `{}`: {what}", self.program.describe(op)));
        self.fail()
    }

    fn judge(&mut self, claim: Claim, wanted: bool) {
        if !self.over && claim.holds(&self.recorder) != wanted {
            let not = if wanted { "" } else { "not " };
            self.note(&format!("expected {not}`{}`", claim.describe(self.program)));
        }
    }

    fn note(&mut self, what: &str) {
        let _ = writeln!(self.failures, "{}:{}: {what}", self.source, self.line);
    }

    /// The name of the test, the kernel, and everything that happened.
    fn trace(&self) -> String {
        let thread = std::thread::current();
        let story = self.recorder.story(0);
        let column = StoryLine::column(&story);
        let lines = story.iter();
        let lines = lines.map(|line| format!("{TRACE_INDENT}{}\n", line.lay_out(column)));
        let lines: String = lines.collect();
        let name = thread.name().unwrap_or_default();
        format!("{TRACE_HEAD}{name} on a kernel {}\n{lines}", self.model)
    }

    fn fail(&self) -> ! {
        let mut events = String::new();
        let story = self.recorder.story(0);
        let column = StoryLine::column(&story);
        for line in story {
            let record = self.recorder.records().get(line.begin);
            let at = record.map_or(self.line, |record| record.line);
            let _ = writeln!(events, "{at:5}: {}", line.lay_out(column));
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
