//! The devices, drivers and actions of most tests, and a run of operations on them.

pub use devres_gen::sim::LinkFlags::*;
pub use devres_gen::sim::Op::*;
pub use devres_gen::sim::*;

pub const DEV: DeviceId = DeviceId(0);
pub const OTHER: DeviceId = DeviceId(1);
pub const THIRD: DeviceId = DeviceId(2);

pub const DRV: DriverId = DriverId(0);
pub const NEXT: DriverId = DriverId(1);

pub const A: ActionId = ActionId(0);
pub const B: ActionId = ActionId(1);
pub const C: ActionId = ActionId(2);

pub const FIXED: Model = Model::ALL;
pub const UNFIXED: Model = Model::ALL.without(Fix::DelReleasesDevres);

pub const EBUSY: i32 = -16;
pub const EPROBE_DEFER: i32 = -517;

pub static ROOT: Kind<'static> = Kind::new("root");
/// A device of one's own below one of somebody else's.
pub static BARE: Kind<'static> = Kind::new("bare").with_parent();
/// A device on a bus, without a parent.
pub static BUS: Kind<'static> = Kind::new("bus").on_bus();
/// The same to the driver core as an auxiliary or a kunit device.
pub static PLATFORM: Kind<'static> = Kind::new("platform").on_bus().with_parent();
pub static CLASS: Kind<'static> = Kind::new("class").in_class();
pub static CHILD_OF_CLASS: Kind<'static> = Kind::new("child").in_class().with_parent();

/// Every kind, and how many references a device of that kind has when it is registered.
pub const KINDS: [(&Kind<'static>, u16); 6] = [
    (&ROOT, 1),
    (&BARE, 2),
    (&BUS, 2),
    (&PLATFORM, 3),
    (&CLASS, 2),
    (&CHILD_OF_CLASS, 3),
];

/// A device of that kind with actions.
pub fn alone(
    kind: &'static Kind<'static>,
    actions: &'static [Action<'static>],
) -> &'static Program<'static> {
    Box::leak(Box::new(Program {
        devices: vec![Device::new("dev", kind)].leak(),
        actions,
        ..Program::EMPTY
    }))
}

/// A root device with actions.
pub const fn root(actions: &'static [Action<'static>]) -> Program<'static> {
    Program {
        devices: const { &[Device::new("dev", &ROOT)] },
        actions,
        ..Program::EMPTY
    }
}

/// A platform device with actions, and a driver of which nothing special is known.
pub const fn bound(actions: &'static [Action<'static>]) -> Program<'static> {
    driven(const { &[Driver::new("driver", DEV)] }, actions)
}

/// A platform device with drivers and actions.
pub const fn driven(
    drivers: &'static [Driver<'static>],
    actions: &'static [Action<'static>],
) -> Program<'static> {
    Program {
        devices: const { &[Device::new("dev", &PLATFORM)] },
        drivers,
        actions,
        ..Program::EMPTY
    }
}

/// Operations carried out one after the other.
pub struct Run {
    program: &'static Program<'static>,
    recorder: Recorder<'static>,
}

impl Run {
    /// Before the first operation, on a kernel with all fixes.
    pub fn of(program: &'static Program<'static>) -> Self {
        Run::on(FIXED, program)
    }

    /// The same on another kernel.
    pub fn on(model: Model, program: &'static Program<'static>) -> Self {
        let recorder = Recorder::new(program, model);
        Run { program, recorder }
    }

    /// The same on one that makes this of what is queued.
    pub fn at_work(self, work: Work) -> Self {
        Run {
            recorder: self.recorder.at_work(work),
            ..self
        }
    }

    /// Carries out operations of which none may return an error.
    pub fn ops(mut self, ops: &[Op]) -> Self {
        for &op in ops {
            let ret = self.op(op);
            assert!(ret >= 0, "{} = {ret}", self.program.describe(op));
        }
        self
    }

    /// What the kernel function returns.
    pub fn op(&mut self, op: Op) -> i32 {
        let ret = self.recorder.run(0, op);
        ret.unwrap_or_else(|fault| panic!("{}: {fault:?}", self.program.describe(op)))
    }

    /// The fault that the operation runs into.
    pub fn fault(&mut self, op: Op) -> Fault {
        let ret = self.recorder.run(0, op);
        ret.expect_err(&self.program.describe(op))
    }

    /// The records of the events in one operation, which must not return an error.
    pub fn records(&mut self, op: Op) -> Vec<Record> {
        let before = self.recorder.records().len();
        let ret = self.op(op);
        assert!(ret >= 0, "{} = {ret}", self.program.describe(op));
        let records = self.recorder.records()[before..].iter();
        let is_event = |record: &&Record| matches!(record.happening, Happening::Event(_));
        records.filter(is_event).cloned().collect()
    }

    /// The events in one operation.
    pub fn events(&mut self, op: Op) -> Vec<Event> {
        self.records(op).iter().map(event).collect()
    }

    /// The events in one operation, each with the references that the device which it is
    /// about has at that moment.
    pub fn counted(&mut self, op: Op) -> Vec<(Event, u16)> {
        let program = self.program;
        let count = |record: &Record| {
            let dev = match event(record) {
                Event::Action(action) => program.action(action).on,
                Event::Probe(_, dev) | Event::Remove(_, dev) | Event::Released(dev) => dev,
                Event::Warning(warning) => panic!("{warning:?} is about no device"),
            };
            (event(record), record.devices[usize::from(dev.0)].refs)
        };
        self.records(op).iter().map(count).collect()
    }

    /// What became of managed resources so far.
    pub fn devres(&self) -> &[(Devres, ActionId)] {
        self.recorder.devres()
    }

    pub fn state(&self) -> &State {
        self.recorder.state()
    }

    pub fn recorder(&self) -> &Recorder<'static> {
        &self.recorder
    }

    pub fn refs(&self, dev: DeviceId) -> u16 {
        self.state().device(dev).refs()
    }

    pub fn driver(&self, dev: DeviceId) -> Option<DriverId> {
        self.state().device(dev).driver()
    }

    pub fn is_released(&self, dev: DeviceId) -> bool {
        self.state().device(dev).is_released()
    }
}

/// What a record of an event is about.
pub fn event(record: &Record) -> Event {
    match record.happening {
        Happening::Event(event) => event,
        Happening::Returned(..) => panic!("{record:?}"),
    }
}
