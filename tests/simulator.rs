//! The simulator under programs that nobody would write: whatever they do, it answers with a
//! value or a fault, allocates nothing, and answers the same wherever it is asked.

use devres_gen::sim::{
    Action, ActionId, Device, DeviceId, Devres, Driver, DriverId, Errno, Event, Fault, Fix, Group,
    GroupId, Handle, HandleId, Holdings, Kind, LinkFlags, Model, Observer, Op, Point, Probe,
    Program, Recorder, Sort, State, step,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Strategy, any};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

const KINDS: [Kind<'static>; 14] = [
    Kind::new("root"),
    Kind::new("bare").with_parent(),
    Kind::new("class").in_class(),
    Kind::new("chardev").in_class().held_cdev(),
    Kind::new("cdev").on_bus().cdev(),
    Kind::new("platform").on_bus().with_parent(),
    Kind::new("kunit").on_bus().any(),
    Kind::new("faux").on_bus().with_parent().own(),
    Kind::new("i2c").on_bus().with_parent().grouped(),
    Kind::new("pci").on_bus().with_parent().held(),
    Kind::new("late").on_bus().held().late(),
    Kind::new("drm").in_class().object(),
    Kind::new("misc").in_class().misc(),
    Kind::new("i2c_adapter").on_bus().waits(),
];

const SORTS: [Sort; 5] = [
    Sort::Action,
    Sort::OfObject,
    Sort::Resource,
    Sort::Memory,
    Sort::Unmanaged,
];

/// An operation before it is known what there is: numbers are taken modulo how many there are.
type Wish = (u8, u8, u8);

const FLAGS: [LinkFlags; 5] = [
    LinkFlags::Managed,
    LinkFlags::WhileSupplierBound,
    LinkFlags::WhileConsumerBound,
    LinkFlags::Autoprobe,
    LinkFlags::Stateless,
];

/// A program as proptest can make it smaller.
#[derive(Clone, Debug)]
struct Plan {
    /// Kind, and whose child it is.
    devices: Vec<(u8, Option<u8>)>,
    drivers: Vec<DriverPlan>,
    /// Device, sort and body.
    actions: Vec<(u8, u8, Vec<Wish>)>,
    handles: Vec<u8>,
    groups: Vec<u8>,
    ops: Vec<Wish>,
    /// Which fixes the kernel lacks, a bit each.
    lacks: u8,
}

#[derive(Clone, Debug)]
struct DriverPlan {
    device: u8,
    other: Option<u8>,
    /// Attempt, error and body.
    probes: Vec<(Option<u8>, Option<u8>, Vec<Wish>)>,
    remove: Vec<Wish>,
}

fn plans() -> impl Strategy<Value = Plan> {
    let wish = any::<Wish>;
    let probe = (
        option::of(1u8..4),
        option::of(any::<u8>()),
        vec(wish(), 0..4),
    );
    let driver = (
        any::<u8>(),
        option::of(any::<u8>()),
        vec(probe, 0..3),
        vec(wish(), 0..3),
    );
    let driver = driver.prop_map(|(device, other, probes, remove)| DriverPlan {
        device,
        other,
        probes,
        remove,
    });
    let device = (any::<u8>(), option::of(any::<u8>()));
    let action = (any::<u8>(), any::<u8>(), vec(wish(), 0..4));
    let parts = (
        vec(device, 1..=4),
        vec(driver, 0..=3),
        vec(action, 0..=6),
        vec(any::<u8>(), 0..=2),
        vec(any::<u8>(), 0..=2),
        vec(wish(), 1..100),
        any::<u8>(),
    );
    parts.prop_map(
        |(devices, drivers, actions, handles, groups, ops, lacks)| Plan {
            devices,
            drivers,
            actions,
            handles,
            groups,
            ops,
            lacks,
        },
    )
}

impl Plan {
    fn model(&self) -> Model {
        let lacks = |&(bit, _): &(usize, Fix)| self.lacks & 1 << bit != 0;
        let fixes = Fix::ALL.into_iter().enumerate().filter(lacks);
        fixes.fold(Model::ALL, |model, (_, fix)| model.without(fix))
    }

    fn device(&self, number: u8) -> DeviceId {
        DeviceId(number % self.devices.len() as u8)
    }

    /// What a wish comes to, unless it is about something of which there is none.
    fn op(&self, (op, a, b): Wish) -> Option<Op> {
        let of = |count: usize| a.checked_rem(count as u8);
        let action = of(self.actions.len()).map(ActionId);
        let driver = of(self.drivers.len()).map(DriverId);
        let group = of(self.groups.len()).map(GroupId);
        let handle = of(self.handles.len()).map(HandleId);
        let (dev, other) = (self.device(a), self.device(b));
        // What makes things is there more than once, or else nothing would ever be there.
        Some(match op % 40 {
            0 => Op::Init(dev),
            1 => Op::Add(dev),
            2 => Op::Del(dev),
            3..=6 => Op::Register(dev),
            7 => Op::Unregister(dev),
            8 => Op::Get(dev),
            9 => Op::Put(dev),
            10 => Op::Attach(dev),
            11 => Op::Bind(other, driver?),
            12 => Op::Unbind(dev),
            13..=16 => Op::AddAction(action?),
            17 => Op::RemoveAction(action?),
            18 => Op::ReleaseAction(action?),
            19 => Op::AddResource(action?),
            20 => Op::GetResource(action?),
            21 => Op::FindResource(action?),
            22 => Op::DestroyResource(action?),
            23 => Op::Free(action?),
            24 => Op::Realloc(action?),
            25 => Op::UseMemory(action?),
            26 | 27 => Op::OpenGroup(group?),
            28 => Op::CloseGroup(group?),
            29 => Op::ReleaseGroup(group?),
            30 => Op::RemoveGroup(group?),
            31 => Op::Link(dev, other, FLAGS[usize::from(op / 40) % FLAGS.len()]),
            32 => Op::Unlink(dev, other),
            33 => Op::Open(handle?),
            34 => Op::UseHandle(handle?),
            35 => Op::Close(handle?),
            36 => Op::Settle,
            37 | 38 => Op::RegisterDriver(driver?),
            _ => Op::UnregisterDriver(driver?),
        })
    }

    fn ops(&self, wishes: &[Wish]) -> Vec<Op> {
        wishes.iter().filter_map(|&wish| self.op(wish)).collect()
    }

    /// What the program itself does: what would run into a fault is left out, or is the end.
    /// Few programs would get far otherwise.
    fn time_line(&self, program: &Program<'_>) -> Vec<Op> {
        let mut state = State::new();
        let mut ops = Vec::new();
        for &wish in &self.ops {
            let Some(op) = self.op(wish) else { continue };
            let mut next = state;
            let faults = step(program, self.model(), &mut next, op, &mut ()).is_err();
            if !faults {
                state = next;
            } else if wish.2 % 32 > 0 {
                continue;
            }
            ops.push(op);
            if faults {
                break;
            }
        }
        ops
    }

    fn with_program<R>(&self, f: impl FnOnce(&Program<'_>) -> R) -> R {
        let devices = self.devices.iter().enumerate();
        let devices = devices.map(|(at, &(kind, parent))| {
            let device = Device::new("device", &KINDS[usize::from(kind) % KINDS.len()]);
            // Parents are declared before their children.
            let parent = parent.and_then(|parent| parent.checked_rem(at as u8));
            parent.map_or(device, |parent| device.below(DeviceId(parent)))
        });
        let devices: Vec<_> = devices.collect();
        let actions = self.actions.iter();
        let bodies: Vec<_> = actions.map(|(.., body)| self.ops(body)).collect();
        let actions = self.actions.iter().zip(&bodies);
        let actions = actions.map(|(&(on, sort, _), body)| Action {
            sort: SORTS[usize::from(sort) % SORTS.len()],
            ..Action::new("action", self.device(on), body)
        });
        let actions: Vec<_> = actions
            .map(|action| match action.runs() {
                true => action,
                false => Action {
                    body: &[],
                    ..action
                },
            })
            .collect();
        let drivers = self.drivers.iter();
        let bodies = drivers.map(|driver| {
            let probes = driver.probes.iter();
            let probes = probes.map(|(.., body)| self.ops(body));
            (probes.collect::<Vec<_>>(), self.ops(&driver.remove))
        });
        let bodies: Vec<_> = bodies.collect();
        let drivers = self.drivers.iter().zip(&bodies);
        let probes = drivers.map(|(driver, (bodies, _))| {
            let probes = driver.probes.iter().zip(bodies);
            let probes = probes.map(|(&(attempt, error, _), body)| Probe {
                attempt,
                error: error.map(|at| Errno::NAMES[usize::from(at) % Errno::NAMES.len()].1),
                body,
            });
            probes.collect::<Vec<_>>()
        });
        let probes: Vec<_> = probes.collect();
        let drivers = self.drivers.iter().zip(&bodies).zip(&probes);
        let drivers = drivers.map(|((driver, (_, remove)), probes)| {
            let first = Driver::new("driver", self.device(driver.device));
            let other = driver.other.map(|other| first.and(self.device(other)));
            other.unwrap_or(first).probes(probes).remove(remove)
        });
        let drivers: Vec<_> = drivers.collect();
        let handles = self.handles.iter();
        let handles = handles.map(|&on| Handle::new("handle", self.device(on)));
        let groups = self.groups.iter();
        let groups = groups.map(|&on| Group::new("group", self.device(on)));
        f(&Program {
            devices: &devices,
            drivers: &drivers,
            actions: &actions,
            handles: &handles.collect::<Vec<_>>(),
            groups: &groups.collect::<Vec<_>>(),
        })
    }
}

/// Everything that an observer is told.
#[derive(Clone, Debug, PartialEq)]
enum Told {
    Event(Event),
    Enter(&'static str),
    Leave,
    Returned(Op, i32),
    Pass(DeviceId, bool),
    Point(Point),
    Faulted(Op),
    Devres(Devres, ActionId),
}

struct Listener<'l>(&'l mut Vec<Told>);

impl Observer for Listener<'_> {
    fn event(&mut self, event: Event, _: &State) {
        self.0.push(Told::Event(event));
    }

    fn enter(&mut self, function: &'static str) {
        self.0.push(Told::Enter(function));
    }

    fn leave(&mut self) {
        self.0.push(Told::Leave);
    }

    fn returned(&mut self, op: Op, ret: i32, _: &State) {
        self.0.push(Told::Returned(op, ret));
    }

    fn pass(&mut self, dev: DeviceId, begins: bool) {
        self.0.push(Told::Pass(dev, begins));
    }

    fn point(&mut self, point: Point) {
        self.0.push(Told::Point(point));
    }

    fn faulted(&mut self, op: Op) {
        self.0.push(Told::Faulted(op));
    }

    fn devres(&mut self, what: Devres, action: ActionId) {
        self.0.push(Told::Devres(what, action));
    }
}

/// Counts what it is told, and has no need of memory for that.
#[derive(Default)]
struct Counter {
    told: u64,
    depth: i32,
}

impl Observer for Counter {
    fn event(&mut self, _: Event, _: &State) {
        self.told += 1;
    }

    fn enter(&mut self, _: &'static str) {
        self.depth += 1;
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }

    fn returned(&mut self, _: Op, _: i32, _: &State) {
        self.told += 1;
    }
}

/// What a program comes to: the trace, the state, and the fault that ended it.
#[derive(Debug, PartialEq)]
struct Outcome {
    trace: Vec<Told>,
    state: State,
    fault: Option<Fault>,
}

fn outcome(program: &Program<'_>, model: Model, ops: &[Op]) -> Outcome {
    let mut trace = Vec::new();
    let mut state = State::new();
    let mut fault = None;
    for &op in ops {
        let done = step(program, model, &mut state, op, &mut Listener(&mut trace));
        fault = done.err();
        if fault.is_some() {
            break;
        }
    }
    Outcome {
        trace,
        state,
        fault,
    }
}

/// The same programs in every run: what fails today is of today's change.
fn for_each_plan(cases: u32, check: impl Fn(&Program<'_>, Model, &[Op])) {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let done = TestRunner::new_with_rng(config, rng).run(&plans(), |plan| {
        plan.with_program(|program| check(program, plan.model(), &plan.time_line(program)));
        Ok(())
    });
    done.unwrap_or_else(|why| panic!("{why}"));
}

const CASES: u32 = 600;

#[test]
fn the_same_program_comes_to_the_same_everywhere() {
    let (mut ended, mut events) = (0, 0);
    let seen = std::cell::RefCell::new((&mut ended, &mut events));
    for_each_plan(CASES, |program, model, ops| {
        let here = outcome(program, model, ops);
        assert_eq!(outcome(program, model, ops), here);
        let elsewhere = std::thread::scope(|scope| {
            let thread = scope.spawn(|| outcome(program, model, ops));
            thread.join().unwrap()
        });
        assert_eq!(elsewhere, here);
        let mut seen = seen.borrow_mut();
        *seen.0 += u32::from(here.fault.is_some());
        *seen.1 += here.trace.len();
    });
    // Programs that all end at once, or do nothing, would tell nothing.
    assert!(ended > CASES / 4 && ended < CASES, "{ended} end in a fault");
    assert!(events > 10 * CASES as usize, "{events} events");
}

/// So a case need not be run on a kernel that differs from one where it was in nothing else.
#[test]
fn a_fix_that_does_not_matter_makes_no_difference() {
    let (mut alike, mut others) = (0, 0);
    let seen = std::cell::RefCell::new((&mut alike, &mut others));
    for_each_plan(CASES, |program, model, ops| {
        let recorded = |model: Model| {
            let mut recorder = Recorder::new(program, model);
            let fault = ops.iter().find_map(|&op| recorder.run(0, op).err());
            (recorder, fault)
        };
        let (one, fault) = recorded(model);
        for fix in Fix::ALL {
            let other = match model.has(fix) {
                true => model.without(fix),
                false => model.with(fix),
            };
            if !model.is_like(other, one.what_matters()) {
                *seen.borrow_mut().1 += 1;
                continue;
            }
            *seen.borrow_mut().0 += 1;
            let (other, other_fault) = recorded(other);
            assert_eq!(other_fault, fault);
            assert_eq!(other.state(), one.state());
            assert_eq!(other.records(), one.records());
            assert_eq!(other.devres(), one.devres());
            assert_eq!(other.points(), one.points());
            assert_eq!(other.what_matters(), one.what_matters());
        }
    });
    let least = CASES / 4;
    assert!(alike > least && others > least, "{alike} {others}");
}

#[test]
fn an_operation_allocates_nothing() {
    for_each_plan(CASES, |program, model, ops| {
        let mut state = State::new();
        let mut counter = Counter::default();
        let mut faulted = false;
        let allocated = allocation_counter::measure(|| {
            faulted = ops
                .iter()
                .any(|&op| step(program, model, &mut state, op, &mut counter).is_err());
        });
        assert_eq!(allocated.count_total, 0);
        assert_eq!(counter.depth, 0, "each function that begins returns");
        assert!(counter.told > 0 || faulted || ops.is_empty());
    });
}

/// Whatever a program does: a device lives as long as somebody holds it, what can be said of an
/// event can be said, and equal states are equal bytes.
#[test]
fn a_state_makes_sense_whatever_happened() {
    for_each_plan(CASES, |program, model, ops| {
        let mut state = State::new();
        let mut holdings = Holdings::new();
        for &op in ops {
            let mut trace = Vec::new();
            let before = state;
            let done = step(program, model, &mut state, op, &mut Listener(&mut trace));
            for told in &trace {
                match told {
                    Told::Event(event) => assert!(!event.describe(program).is_empty()),
                    Told::Returned(op, _) => assert!(!program.describe(*op).is_empty()),
                    _ => {}
                }
            }
            if let Err(fault) = done {
                assert!(!fault.describe(program).is_empty());
                assert_eq!(
                    trace.last(),
                    Some(&Told::Faulted(op)),
                    "the outermost is last"
                );
                return;
            }
            let mut again = State::new();
            again.copy_from(&before, program);
            assert_eq!(again, before, "a copy is the same");
            for id in program.device_ids() {
                let device = state.device(id);
                assert_eq!(device.is_alive(), device.refs() > 0, "{op:?}");
            }
            // A reference that is not there to be taken over is for the checker to refuse.
            let _ = holdings.apply(program, op, None);
            assert!(holdings.give_up(program).iter().all(|&op| program.has(op)));
        }
    });
}
