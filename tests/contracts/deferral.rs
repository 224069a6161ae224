//! Probes that are put off until some driver has bound: `deferred_probe_work_func()` and
//! what fills its lists.

use crate::util::*;

const TWO_DEVICES: Program<'static> = Program {
    devices: const {
        &[
            Device::new("dev", &PLATFORM),
            Device::new("other", &PLATFORM),
        ]
    },
    ..Program::EMPTY
};

/// A device whose driver defers at first, and another with a driver of its own.
static DEFERS: Program<'static> = Program {
    drivers: &[
        Driver::new("driver", DEV).probes(&[Probe::new(&[AddAction(A)])
            .attempt(1)
            .fails(Errno::EPROBE_DEFER)]),
        Driver::new("next", OTHER),
    ],
    actions: &[Action::new("a", DEV, &[])],
    ..TWO_DEVICES
};

const DEFERRED: [Op; 2] = [RegisterDriver(DRV), Register(DEV)];
const TRIGGER: [Op; 2] = [RegisterDriver(NEXT), Register(OTHER)];

/// A deferral is a failed probe like any other to the resources: `device_unbind_cleanup()`.
#[test]
fn a_deferred_probe_releases_what_it_added() {
    let mut run = Run::of(&DEFERS).ops(&DEFERRED[..1]);
    assert_eq!(
        run.counted(Register(DEV)),
        [(Event::Probe(DRV, DEV), 3), (Event::Action(A), 3)]
    );
    assert_eq!(run.driver(DEV), None);
}

/// `driver_deferred_probe_add()` takes no reference of the device that waits.
#[test]
fn a_deferred_device_costs_no_reference() {
    let run = Run::of(&DEFERS).ops(&DEFERRED);
    assert_eq!(run.refs(DEV), 3);
    let run = run.ops(&TRIGGER);
    assert!(run.state().has_queued_work());
    assert_eq!(run.refs(DEV), 3);
}

/// It waits until a driver binds anywhere: with nothing else happening, it is not retried
/// (`driver_deferred_probe_trigger()`).
#[test]
fn a_deferred_probe_waits_for_another_driver_to_bind() {
    let mut run = Run::of(&DEFERS).ops(&DEFERRED);
    assert!(!run.state().has_queued_work());
    assert_eq!(run.events(Settle), []);
    // A driver without a device binds nothing.
    let mut run = run.ops(&TRIGGER[..1]);
    assert_eq!(run.events(Settle), []);
    assert_eq!(run.state().probes(DRV), 1);
}

/// Once a driver binds, the retry is queued, and is done on a work queue that holds the
/// device meanwhile: `deferred_probe_work_func()`.
#[test]
fn deferred_probe_work_func_retries_and_holds_a_reference() {
    let mut run = Run::of(&DEFERS).ops(&DEFERRED).ops(&TRIGGER[..1]);
    assert_eq!(run.events(TRIGGER[1]), [Event::Probe(NEXT, OTHER)]);
    assert_eq!(
        (run.driver(DEV), run.state().has_queued_work()),
        (None, true)
    );
    assert_eq!(run.counted(Settle), [(Event::Probe(DRV, DEV), 4)]);
    assert_eq!((run.driver(DEV), run.refs(DEV)), (Some(DRV), 3));
    assert!(!run.state().has_queued_work());
}

/// The same device binding again is a binding as well: `driver_bound()` triggers.
#[test]
fn driver_bound_triggers_whoever_binds() {
    let mut run = Run::of(&DEFERS).ops(&TRIGGER).ops(&DEFERRED);
    assert_eq!(run.events(Settle), []);
    let mut run = run.ops(&[Unbind(OTHER)]);
    assert_eq!(run.events(Settle), []);
    let mut run = run.ops(&[Bind(OTHER, NEXT)]);
    assert_eq!(run.events(Settle), [Event::Probe(DRV, DEV)]);
}

/// A device that another driver has taken is off the list: `driver_bound()` calls
/// `driver_deferred_probe_del()`.
#[test]
fn driver_bound_takes_the_device_off_the_deferred_list() {
    let run = Run::of(&DEFERS).ops(&DEFERRED).ops(&[Attach(DEV)]);
    assert_eq!(run.driver(DEV), Some(DRV));
    assert!(!run.state().has_queued_work());
    let mut run = run.ops(&[Unbind(DEV)]).ops(&TRIGGER);
    assert_eq!(run.events(Settle), []);
    assert_eq!(run.driver(DEV), None);
}

/// So is one that was deleted, even when its retry is queued already: `device_del()`.
#[test]
fn device_del_takes_the_device_off_the_deferred_list() {
    let run = Run::of(&DEFERS).ops(&DEFERRED).ops(&TRIGGER);
    assert!(run.state().has_queued_work());
    let mut run = run.ops(&[Get(DEV), Unregister(DEV)]);
    assert!(!run.state().has_queued_work());
    assert_eq!(run.events(Settle), []);
    let run = Run::of(&DEFERS).ops(&DEFERRED).ops(&[Unregister(DEV)]);
    let mut run = run.ops(&TRIGGER);
    assert_eq!(run.events(Settle), []);
}

/// A probe that is deferred again waits again: `deferred_probe_work_func()`.
#[test]
fn a_retry_may_be_deferred_again() {
    static PROGRAM: Program<'static> = Program {
        drivers: &[
            Driver::new("driver", DEV).probes(&[
                Probe::new(&[]).attempt(1).fails(Errno::EPROBE_DEFER),
                Probe::new(&[]).attempt(2).fails(Errno::EPROBE_DEFER),
            ]),
            Driver::new("next", OTHER),
        ],
        ..TWO_DEVICES
    };
    let mut run = Run::of(&PROGRAM).ops(&DEFERRED).ops(&TRIGGER);
    assert_eq!(run.events(Settle), [Event::Probe(DRV, DEV)]);
    assert_eq!(run.events(Settle), []);
    let mut run = run.ops(&[Unbind(OTHER), Attach(OTHER)]);
    assert_eq!(run.events(Settle), [Event::Probe(DRV, DEV)]);
    assert_eq!(run.driver(DEV), Some(DRV));
}

/// Any other error is final: `driver_probe_device()` defers only what asks for it.
#[test]
fn only_a_deferral_is_retried() {
    static PROGRAM: Program<'static> = Program {
        drivers: &[
            Driver::new("driver", DEV).probes(&[Probe::new(&[]).fails(Errno::EIO)]),
            Driver::new("next", OTHER),
        ],
        ..TWO_DEVICES
    };
    let mut run = Run::of(&PROGRAM).ops(&DEFERRED).ops(&TRIGGER);
    assert_eq!(run.events(Settle), []);
}

/// What `device_driver_attach()` could not bind is not put on the list: -EAGAIN tells the
/// caller to try again.
#[test]
fn device_driver_attach_defers_nothing() {
    // The resource keeps the driver away until then.
    let ops = [
        RegisterDriver(DRV),
        Init(DEV),
        AddAction(A),
        Add(DEV),
        RemoveAction(A),
    ];
    let mut run = Run::of(&DEFERS).ops(&ops);
    assert_eq!(run.state().probes(DRV), 0);
    assert_eq!(run.op(Bind(DEV, DRV)), -11);
    let mut run = run.ops(&TRIGGER);
    assert_eq!(run.events(Settle), []);
}

/// If a driver binds in the middle of a probe that is then deferred, the retry is queued at
/// once, lest it be missed: `driver_probe_device()` compares the trigger count.
#[test]
fn driver_probe_device_retries_if_a_driver_bound_meanwhile() {
    static PROGRAM: Program<'static> = Program {
        drivers: &[
            Driver::new("driver", DEV).probes(&[Probe::new(&[Register(OTHER)])
                .attempt(1)
                .fails(Errno::EPROBE_DEFER)]),
            Driver::new("next", OTHER),
        ],
        ..TWO_DEVICES
    };
    let mut run = Run::of(&PROGRAM).ops(&[RegisterDriver(NEXT), RegisterDriver(DRV)]);
    assert_eq!(
        run.events(Register(DEV)),
        [Event::Probe(DRV, DEV), Event::Probe(NEXT, OTHER)]
    );
    assert!(run.state().has_queued_work());
    assert_eq!(run.events(Settle), [Event::Probe(DRV, DEV)]);
}

/// A failed probe in between does not make it forget: `driver_probe_device()` of the outer
/// device compares with the count from before all of it.
#[test]
fn driver_probe_device_remembers_who_bound_before_another_probe_failed() {
    static PROGRAM: Program<'static> = Program {
        devices: &[
            Device::new("dev", &PLATFORM),
            Device::new("other", &PLATFORM),
            Device::new("third", &PLATFORM),
        ],
        drivers: &[
            Driver::new("driver", DEV).probes(&[Probe::new(&[Register(OTHER), Register(THIRD)])
                .attempt(1)
                .fails(Errno::EPROBE_DEFER)]),
            Driver::new("next", OTHER),
            Driver::new("last", THIRD).probes(&[Probe::new(&[]).fails(Errno::EIO)]),
        ],
        ..Program::EMPTY
    };
    const LAST: DriverId = DriverId(2);
    let ops = [
        RegisterDriver(DRV),
        RegisterDriver(NEXT),
        RegisterDriver(LAST),
    ];
    let mut run = Run::of(&PROGRAM).ops(&ops).ops(&[Register(DEV)]);
    assert_eq!((run.driver(OTHER), run.driver(THIRD)), (Some(NEXT), None));
    assert_eq!(run.events(Settle), [Event::Probe(DRV, DEV)]);
}

/// Devices are retried in the order in which they were deferred: the lists are queues
/// (`driver_deferred_probe_add()`, `deferred_probe_work_func()`).
#[test]
fn deferred_probe_work_func_retries_the_oldest_first() {
    static PROGRAM: Program<'static> = Program {
        devices: &[
            Device::new("dev", &PLATFORM),
            Device::new("other", &PLATFORM),
            Device::new("third", &PLATFORM),
        ],
        drivers: &[
            Driver::new("driver", DEV)
                .probes(&[Probe::new(&[]).attempt(1).fails(Errno::EPROBE_DEFER)]),
            Driver::new("next", OTHER)
                .probes(&[Probe::new(&[]).attempt(1).fails(Errno::EPROBE_DEFER)]),
            Driver::new("last", THIRD),
        ],
        ..Program::EMPTY
    };
    const LAST: DriverId = DriverId(2);
    let ops = [
        RegisterDriver(DRV),
        RegisterDriver(NEXT),
        RegisterDriver(LAST),
    ];
    let run = Run::of(&PROGRAM).ops(&ops);
    let mut run = run.ops(&[Register(OTHER), Register(DEV), Register(THIRD)]);
    assert_eq!(
        run.events(Settle),
        [Event::Probe(NEXT, OTHER), Event::Probe(DRV, DEV)]
    );
}

/// That work is another thread's: it may be done before an operation returns that an action calls.
/// Seen on 7.2 in some boots and not in others, when the caller was a worker itself.
#[test]
fn a_retry_may_overtake_the_operation_of_a_callback() {
    static PROGRAM: Program<'static> = Program {
        devices: &[
            Device::new("dev", &PLATFORM),
            Device::new("other", &PLATFORM),
            Device::new("third", &ROOT),
        ],
        actions: &[
            Action::new("a", DEV, &[]),
            Action::new("b", THIRD, &[Register(OTHER)]),
        ],
        ..DEFERS
    };
    let mut ops = DEFERRED.to_vec();
    ops.extend([RegisterDriver(NEXT), Register(THIRD), AddAction(B)]);
    let happens = |quick| {
        let work = Work {
            quick,
            ..Work::default()
        };
        let mut run = Run::of(&PROGRAM).at_work(work).ops(&ops);
        let before = run.recorder().records().len();
        run.op(Unregister(THIRD));
        let records = run.recorder().records()[before..].iter();
        let all: Vec<Happening> = records.map(|record| record.happening).collect();
        all
    };
    let registered = Happening::Returned(Register(OTHER), 0);
    let unregistered = Happening::Returned(Unregister(THIRD), 0);
    let retried = Happening::Event(Event::Probe(DRV, DEV));
    let end = |quick| {
        let all = happens(quick).into_iter();
        let known = [registered, unregistered, retried];
        all.filter(|happening| known.contains(happening))
            .collect::<Vec<_>>()
    };
    assert_eq!(end(0), [registered, unregistered]);
    assert_eq!(end(0b01), [retried, registered, unregistered]);
    assert_eq!(end(0b10), [registered, retried, unregistered]);
}

/// Not while the lock that it wants is held: `device_initial_probe()` waits for `device_attach()`.
#[test]
fn a_retry_does_not_overtake_who_holds_the_device() {
    static PROGRAM: Program<'static> = Program {
        drivers: &[
            Driver::new("driver", DEV).probes(&[
                Probe::new(&[]).attempt(1).fails(Errno::EPROBE_DEFER),
                Probe::new(&[Register(OTHER)])
                    .attempt(2)
                    .fails(Errno::EPROBE_DEFER),
            ]),
            Driver::new("next", OTHER),
        ],
        ..TWO_DEVICES
    };
    let ops = [RegisterDriver(DRV), RegisterDriver(NEXT), Register(DEV)];
    let mut run = Run::of(&PROGRAM).ops(&ops);
    assert_eq!(run.op(Attach(DEV)), 0);
    assert_eq!(run.events(Settle), [Event::Probe(DRV, DEV)]);
    let mut run = Run::of(&PROGRAM)
        .at_work(Work {
            quick: 1,
            ..Work::default()
        })
        .ops(&ops);
    assert_eq!(run.fault(Attach(DEV)), Fault::WorkWaits(DEV));
}
