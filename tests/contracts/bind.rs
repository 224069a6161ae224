//! A driver binds to a device and lets go of it: `drivers/base/dd.c`, `driver.c`.

use crate::util::*;

static ONE: &[Action<'static>] = &[Action::new("a", DEV, &[])];
static BOUND: Program<'static> = bound(ONE);

/// Errors of a probe, all of which are the driver's own.
const ERRORS: [Errno; 5] = [
    Errno::EIO,
    Errno::ENODEV,
    Errno::ENXIO,
    Errno::EBUSY,
    Errno::EPROBE_DEFER,
];

/// A device, a driver whose probe fails with that error, and one whose probe succeeds.
fn first_fails(errno: Errno) -> &'static Program<'static> {
    let probes = vec![Probe::new(&[]).fails(errno)].leak();
    let first = Driver::new("driver", DEV).probes(probes);
    let drivers = vec![first, Driver::new("next", DEV)].leak();
    Box::leak(Box::new(driven(drivers, &[])))
}

/// A driver that comes later finds a device that is there: `driver_attach()`.
#[test]
fn driver_attach_finds_a_device_that_was_there_before() {
    let mut run = Run::of(&BOUND).ops(&[Register(DEV)]);
    assert_eq!(run.events(RegisterDriver(DRV)), [Event::Probe(DRV, DEV)]);
    assert_eq!(run.driver(DEV), Some(DRV));
}

/// Only devices that are registered are on the bus: `bus_add_device()`,
/// `bus_remove_device()`.
#[test]
fn driver_attach_finds_no_device_before_device_add_or_after_device_del() {
    let mut run = Run::of(&BOUND).ops(&[Init(DEV)]);
    assert_eq!(run.events(RegisterDriver(DRV)), []);
    let mut run = Run::of(&BOUND).ops(&[Register(DEV), Get(DEV), Unregister(DEV)]);
    assert_eq!(run.events(RegisterDriver(DRV)), []);
}

/// A driver probes what its bus matches it with, and nothing else: `__driver_attach()`.
#[test]
fn driver_attach_probes_only_what_matches() {
    static PROGRAM: Program<'static> = Program {
        devices: &[
            Device::new("dev", &PLATFORM),
            Device::new("other", &PLATFORM),
        ],
        drivers: &[Driver::new("driver", OTHER)],
        ..Program::EMPTY
    };
    let mut run = Run::of(&PROGRAM).ops(&[Register(DEV), Register(OTHER)]);
    assert_eq!(run.events(RegisterDriver(DRV)), [Event::Probe(DRV, OTHER)]);
    assert_eq!(run.driver(DEV), None);
}

/// `dev->driver` is set when probe is called, and cleared when it fails: `really_probe()`.
#[test]
fn really_probe_sets_the_driver_before_probe() {
    let program = first_fails(Errno::EIO);
    let mut run = Run::of(program).ops(&[RegisterDriver(DRV)]);
    let records = run.records(Register(DEV));
    assert_eq!(event(&records[0]), Event::Probe(DRV, DEV));
    assert_eq!(records[0].devices[0].driver, Some(DRV));
    assert_eq!(run.driver(DEV), None);
}

/// A second registration under the same name is refused: `driver_register()`.
#[test]
fn driver_register_refuses_a_driver_that_is_registered() {
    let mut run = Run::of(&BOUND).ops(&[RegisterDriver(DRV)]);
    assert_eq!(run.op(RegisterDriver(DRV)), EBUSY);
    assert_eq!(run.op(UnregisterDriver(DRV)), 0);
    assert_eq!(run.op(RegisterDriver(DRV)), 0);
}

/// What becomes of the probes is not told to the caller: `__driver_attach()` drops it.
#[test]
fn driver_register_succeeds_although_the_probe_fails() {
    for errno in ERRORS {
        let mut run = Run::of(first_fails(errno)).ops(&[Register(DEV)]);
        assert_eq!(run.op(RegisterDriver(DRV)), 0, "{errno:?}");
        assert_eq!(run.state().probes(DRV), 1);
        assert!(run.state().is_registered(DRV));
        assert_eq!(run.driver(DEV), None);
    }
}

/// Nor that a device was refused for its resources: `driver_register()`, `really_probe()`.
#[test]
fn driver_register_succeeds_although_the_device_has_resources() {
    let mut run = Run::of(&BOUND).ops(&[Register(DEV), AddAction(A)]);
    assert_eq!(run.op(RegisterDriver(DRV)), 0);
    assert_eq!(run.state().probes(DRV), 0);
    assert_eq!(run.driver(DEV), None);
}

/// Probe errors come back positive, so that the next driver may try, in the order of
/// registration. That goes for a driver's own -EBUSY and for a deferral as well:
/// `really_probe()`, `__device_attach_driver()`.
#[test]
fn device_attach_tries_the_next_driver_after_a_failed_probe() {
    for errno in ERRORS {
        let run = Run::of(first_fails(errno));
        let mut run = run.ops(&[RegisterDriver(DRV), RegisterDriver(NEXT)]);
        assert_eq!(
            run.events(Register(DEV)),
            [Event::Probe(DRV, DEV), Event::Probe(NEXT, DEV)],
            "{errno:?}"
        );
        assert_eq!(run.driver(DEV), Some(NEXT));
        let mut run = run.ops(&[Unbind(DEV)]);
        assert_eq!(run.op(Attach(DEV)), 1);
    }
}

/// The drivers of a bus are asked in the order of their registration, and the first that
/// binds ends it: `bus_for_each_drv()`.
#[test]
fn device_attach_stops_at_the_first_driver_that_binds() {
    let run = Run::of(first_fails(Errno::EIO));
    let mut run = run.ops(&[RegisterDriver(NEXT), RegisterDriver(DRV)]);
    assert_eq!(run.events(Register(DEV)), [Event::Probe(NEXT, DEV)]);
}

/// Resources on the list are no driver's error: -EBUSY stays negative, no other driver is
/// tried, and it comes back (`really_probe()`, `device_attach()`).
#[test]
fn device_attach_returns_ebusy_for_a_device_with_resources() {
    static PROGRAM: Program<'static> =
        driven(&[Driver::new("driver", DEV), Driver::new("next", DEV)], ONE);
    let ops = [
        RegisterDriver(DRV),
        RegisterDriver(NEXT),
        Init(DEV),
        AddAction(A),
    ];
    let mut run = Run::of(&PROGRAM).ops(&ops);
    assert_eq!(run.events(Add(DEV)), []);
    assert_eq!(run.op(Attach(DEV)), EBUSY);
    let probes = [DRV, NEXT].map(|drv| run.state().probes(drv));
    assert_eq!(probes, [0, 0]);
    // Nothing of it was undone either: the action is still there.
    assert_eq!(run.events(ReleaseAction(A)), [Event::Action(A)]);
    assert_eq!(run.op(Attach(DEV)), 1);
}

/// 1 for a device that is bound then, be it by this call or before: `device_attach()`.
#[test]
fn device_attach_returns_1_for_a_bound_device() {
    let mut run = Run::of(&BOUND).ops(&[RegisterDriver(DRV), Register(DEV), Unbind(DEV)]);
    assert_eq!(run.op(Attach(DEV)), 1);
    assert_eq!(run.state().probes(DRV), 2);
    assert_eq!(run.op(Attach(DEV)), 1);
    assert_eq!(run.state().probes(DRV), 2);
}

/// 0 where there is no driver, where none of them wants the device, and where the device
/// is deleted: `device_attach()`.
#[test]
fn device_attach_returns_0_where_nothing_binds() {
    let mut run = Run::of(&BOUND).ops(&[Register(DEV)]);
    assert_eq!(run.op(Attach(DEV)), 0);
    let program = first_fails(Errno::EIO);
    let mut run = Run::of(program).ops(&[RegisterDriver(DRV), Register(DEV)]);
    assert_eq!(run.op(Attach(DEV)), 0);
    assert_eq!(run.state().probes(DRV), 2);
    let ops = [
        RegisterDriver(DRV),
        Register(DEV),
        Get(DEV),
        Unregister(DEV),
    ];
    let mut run = Run::of(&BOUND).ops(&ops);
    assert_eq!(run.op(Attach(DEV)), 0);
    assert_eq!(run.state().probes(DRV), 1);
}

/// `device_driver_attach()` binds one driver, whether the bus would match it or not, and
/// returns 0.
#[test]
fn device_driver_attach_binds_that_driver() {
    static PROGRAM: Program<'static> = Program {
        devices: &[
            Device::new("dev", &PLATFORM),
            Device::new("other", &PLATFORM),
        ],
        drivers: &[Driver::new("driver", DEV), Driver::new("next", OTHER)],
        ..Program::EMPTY
    };
    let ops = [
        RegisterDriver(DRV),
        RegisterDriver(NEXT),
        Register(DEV),
        Unbind(DEV),
    ];
    let mut run = Run::of(&PROGRAM).ops(&ops);
    assert_eq!(run.op(Bind(DEV, NEXT)), 0);
    assert_eq!(run.driver(DEV), Some(NEXT));
}

/// Its errors are those of the probe, negative, and no other driver is tried:
/// `device_driver_attach()`. A deferral becomes -EAGAIN.
#[test]
fn device_driver_attach_returns_the_error_of_the_probe() {
    for (errno, ret) in ERRORS.into_iter().zip([-5, -19, -6, EBUSY, -11]) {
        let run = Run::of(first_fails(errno));
        let ops = [
            RegisterDriver(DRV),
            RegisterDriver(NEXT),
            Register(DEV),
            Unbind(DEV),
        ];
        let mut run = run.ops(&ops);
        assert_eq!(run.op(Bind(DEV, DRV)), ret);
        assert_eq!(run.driver(DEV), None);
    }
}

/// -EBUSY for a device that has a driver, the same or another, and for one with resources:
/// `__driver_probe_device()`, `really_probe()`.
#[test]
fn device_driver_attach_returns_ebusy_for_a_device_that_is_taken() {
    let mut run = Run::of(&BOUND).ops(&[RegisterDriver(DRV), Register(DEV)]);
    assert_eq!(run.op(Bind(DEV, DRV)), EBUSY);
    let mut run = run.ops(&[Unbind(DEV), AddAction(A)]);
    assert_eq!(run.op(Bind(DEV, DRV)), EBUSY);
    assert_eq!(run.state().probes(DRV), 1);
}

/// -ENODEV for a device that was deleted, however many references there are:
/// `__driver_probe_device()`.
#[test]
fn device_driver_attach_returns_enodev_for_a_deleted_device() {
    let ops = [
        RegisterDriver(DRV),
        Register(DEV),
        Get(DEV),
        Unregister(DEV),
    ];
    let mut run = Run::of(&BOUND).ops(&ops);
    assert_eq!(run.op(Bind(DEV, DRV)), -19);
}

/// Whatever the probe added goes when it fails, before the next driver is tried, and
/// while `dev->driver` is still set: `device_unbind_cleanup()`. Remove is not called.
#[test]
fn a_failed_probe_releases_what_it_added() {
    static PROGRAM: Program<'static> = driven(
        &[
            Driver::new("driver", DEV)
                .probes(&[Probe::new(&[AddAction(A), AddAction(B)]).fails(Errno::EIO)]),
            Driver::new("next", DEV),
        ],
        &[Action::new("a", DEV, &[]), Action::new("b", DEV, &[])],
    );
    let mut run = Run::of(&PROGRAM).ops(&[RegisterDriver(DRV), RegisterDriver(NEXT)]);
    let records = run.records(Register(DEV));
    let events: Vec<Event> = records.iter().map(event).collect();
    assert_eq!(
        events,
        [
            Event::Probe(DRV, DEV),
            Event::Action(B),
            Event::Action(A),
            Event::Probe(NEXT, DEV)
        ]
    );
    assert_eq!(records[2].devices[0].driver, Some(DRV));
}

/// First remove, then the actions, newest first, then `dev->driver` is cleared:
/// `__device_release_driver()`.
#[test]
fn device_release_driver_calls_remove_before_the_actions() {
    static PROGRAM: Program<'static> = driven(
        &[Driver::new("driver", DEV).probes(&[Probe::new(&[AddAction(A)])])],
        &[Action::new("a", DEV, &[]), Action::new("b", DEV, &[])],
    );
    let ops = [RegisterDriver(DRV), Register(DEV), AddAction(B)];
    let mut run = Run::of(&PROGRAM).ops(&ops);
    let records = run.records(Unbind(DEV));
    let events: Vec<Event> = records.iter().map(event).collect();
    assert_eq!(
        events,
        [Event::Remove(DRV, DEV), Event::Action(B), Event::Action(A)]
    );
    assert!(records.iter().all(|now| now.devices[0].driver == Some(DRV)));
    assert_eq!(run.driver(DEV), None);
}

/// Without a driver there is nothing to release: `__device_release_driver()`.
#[test]
fn device_release_driver_of_an_unbound_device_does_nothing() {
    let mut run = Run::of(&BOUND).ops(&[Register(DEV), AddAction(A)]);
    assert_eq!(run.events(Unbind(DEV)), []);
    assert_eq!(run.events(ReleaseAction(A)), [Event::Action(A)]);
}

/// Unbinding does not bring the device to another driver, nor to the same again:
/// `device_release_driver()`.
#[test]
fn device_release_driver_leaves_the_device_unbound() {
    let run = Run::of(first_fails(Errno::EIO));
    let mut run = run.ops(&[RegisterDriver(NEXT), RegisterDriver(DRV), Register(DEV)]);
    assert_eq!(run.events(Unbind(DEV)), [Event::Remove(NEXT, DEV)]);
    assert_eq!(run.events(Settle), []);
    assert_eq!(run.driver(DEV), None);
}

/// `driver_unregister()` lets go of the devices of that driver, and of no others.
#[test]
fn driver_unregister_unbinds_its_own_devices() {
    static PROGRAM: Program<'static> = Program {
        devices: &[
            Device::new("dev", &PLATFORM),
            Device::new("other", &PLATFORM),
        ],
        drivers: &[Driver::new("driver", DEV), Driver::new("next", OTHER)],
        ..Program::EMPTY
    };
    let ops = [
        RegisterDriver(DRV),
        RegisterDriver(NEXT),
        Register(DEV),
        Register(OTHER),
    ];
    let mut run = Run::of(&PROGRAM).ops(&ops);
    assert_eq!(
        run.events(UnregisterDriver(NEXT)),
        [Event::Remove(NEXT, OTHER)]
    );
    assert_eq!((run.driver(DEV), run.driver(OTHER)), (Some(DRV), None));
    assert_eq!(run.op(Attach(OTHER)), 0);
}

/// A driver that is not registered cannot be unregistered: `driver_unregister()` leaves
/// `drv->p` as it is, so that the next one uses what the last one freed (measured with a
/// driver that earlier cases had registered).
#[test]
fn driver_unregister_of_a_driver_that_is_not_registered_is_a_fault() {
    let mut run = Run::of(&BOUND).ops(&[Register(DEV)]);
    let fault = Fault::DriverNotRegistered(DRV);
    assert_eq!(run.fault(UnregisterDriver(DRV)), fault);
}
