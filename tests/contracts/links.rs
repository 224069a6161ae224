//! Device links come and go: managed ones, without flags (`device_link_add()` in `core.c`).

use crate::pair::*;
use crate::util::*;

const EINVAL: i32 = -22;

/// A link holds both its ends, once for each pair: `device_link_add()` returns the same
/// link the second time.
#[test]
fn device_link_add_takes_a_reference_of_both_ends() {
    let run = Run::of(&PAIR).ops(&LINKED);
    assert_eq!((run.refs(SUPPLIER), run.refs(CONSUMER)), (4, 4));
    let run = run.ops(&LINKED[2..]);
    assert_eq!((run.refs(SUPPLIER), run.refs(CONSUMER)), (4, 4));
}

/// When an end is unregistered the link goes, but its references are dropped by work on a
/// queue: `device_links_purge()`, `device_link_release_fn()`.
#[test]
fn device_links_purge_drops_the_references_later() {
    for (gone, left) in [(SUPPLIER, CONSUMER), (CONSUMER, SUPPLIER)] {
        let mut run = Run::of(&PAIR).ops(&LINKED);
        assert_eq!(run.events(Unregister(gone)), []);
        assert_eq!((run.refs(gone), run.refs(left)), (1, 4));
        assert!(run.state().has_queued_work());
        assert_eq!(run.events(Settle), [Event::Released(gone)]);
        assert_eq!(run.refs(left), 3);
    }
}

/// After that the other end is linked to nothing any more: `device_links_purge()`.
#[test]
fn device_links_purge_frees_the_consumer_of_its_supplier() {
    let mut run = Run::of(&PAIR).ops(&LINKED).ops(&[RegisterDriver(CDRV)]);
    assert_eq!(run.driver(CONSUMER), None);
    assert_eq!(run.op(Unregister(SUPPLIER)), 0);
    assert_eq!(run.op(Attach(CONSUMER)), 1);
}

/// A device is no consumer of itself: `device_link_add()`.
#[test]
fn device_link_add_refuses_a_device_and_itself() {
    let mut run = Run::of(&PAIR).ops(&LINKED[..1]);
    assert_eq!(run.op(Link(SUPPLIER, SUPPLIER, Managed)), EINVAL);
    assert_eq!(run.refs(SUPPLIER), 3);
}

static THREE: Program<'static> = Program {
    devices: &[
        Device::new("one", &PLATFORM),
        Device::new("two", &PLATFORM),
        Device::new("three", &PLATFORM),
    ],
    ..Program::EMPTY
};

/// Nor of its own consumers, whether directly or over others: `device_is_dependent()`.
#[test]
fn device_link_add_refuses_a_circle() {
    let run = Run::of(&THREE).ops(&[Register(DEV), Register(OTHER), Register(THIRD)]);
    let mut run = run.ops(&[Link(OTHER, DEV, Managed), Link(THIRD, OTHER, Managed)]);
    assert_eq!(run.op(Link(DEV, OTHER, Managed)), EINVAL);
    assert_eq!(run.op(Link(DEV, THIRD, Managed)), EINVAL);
    assert_eq!(run.refs(DEV), 4);
    assert_eq!(run.op(Link(THIRD, DEV, Managed)), 0);
}

/// Nor of what hangs below it; the other way round is allowed: `device_is_dependent()`.
#[test]
fn device_link_add_refuses_a_parent_that_consumes_its_child() {
    static PROGRAM: Program<'static> = Program {
        devices: &[
            Device::new("parent", &ROOT),
            Device::new("child", &ROOT).below(DEV),
            Device::new("grandchild", &ROOT).below(OTHER),
        ],
        ..Program::EMPTY
    };
    let mut run = Run::of(&PROGRAM).ops(&[Register(DEV), Register(OTHER), Register(THIRD)]);
    assert_eq!(run.op(Link(DEV, OTHER, Managed)), EINVAL);
    assert_eq!(run.op(Link(DEV, THIRD, Managed)), EINVAL);
    assert_eq!(run.op(Link(THIRD, DEV, Managed)), 0);
}

/// Links and parents count together: what hangs below a consumer depends on the supplier
/// (`device_is_dependent()`).
#[test]
fn device_link_add_refuses_a_circle_over_a_child() {
    static PROGRAM: Program<'static> = Program {
        devices: &[
            Device::new("supplier", &ROOT),
            Device::new("consumer", &ROOT),
            Device::new("child", &ROOT).below(OTHER),
        ],
        ..Program::EMPTY
    };
    let run = Run::of(&PROGRAM).ops(&[Register(DEV), Register(OTHER), Register(THIRD)]);
    let mut run = run.ops(&[Link(OTHER, DEV, Managed)]);
    assert_eq!(run.op(Link(DEV, THIRD, Managed)), EINVAL);
}

/// Both ends are held, so neither may be gone, and the consumer has to be initialised:
/// `device_link_add()`, `device_is_dependent()`.
#[test]
fn device_link_add_uses_both_ends() {
    for (one, other) in [(SUPPLIER, CONSUMER), (CONSUMER, SUPPLIER)] {
        let ops = [Register(one), Register(other), Unregister(other)];
        let mut run = Run::of(&PAIR).ops(&ops);
        assert_eq!(run.fault(LINKED[2]), Fault::UseAfterFree(other));
    }
    let mut run = Run::of(&PAIR).ops(&[Register(SUPPLIER)]);
    assert_eq!(run.fault(LINKED[2]), Fault::NotInitialized(CONSUMER));
}

/// Only the supplier has to be registered: `device_link_add()`.
#[test]
fn device_link_add_takes_a_consumer_that_is_only_initialised() {
    let mut run = Run::of(&PAIR).ops(&[Register(SUPPLIER), Init(CONSUMER)]);
    assert_eq!(run.op(Link(CONSUMER, SUPPLIER, Managed)), 0);
    assert_eq!((run.refs(SUPPLIER), run.refs(CONSUMER)), (4, 2));
    let run = run.ops(&[RegisterDriver(CDRV), Add(CONSUMER)]);
    assert_eq!(run.state().probes(CDRV), 0);
}

/// A consumer whose probe makes a link to a supplier without a driver and succeeds is
/// active all the same; `device_links_purge()` warns when such a supplier goes.
#[test]
fn device_links_purge_warns_of_a_supplier_that_still_counts() {
    static PROGRAM: Program<'static> = Program {
        devices: DEVICES,
        drivers: &[Driver::new("driver", CONSUMER)
            .probes(&[Probe::new(&[Link(CONSUMER, SUPPLIER, Managed)])])],
        ..Program::EMPTY
    };
    let run = Run::of(&PROGRAM).ops(&BOTH_BOUND[..2]);
    let mut run = run.ops(&[RegisterDriver(DRV)]);
    assert_eq!(run.driver(CONSUMER), Some(DRV));
    assert_eq!(
        run.events(Unregister(SUPPLIER)),
        [Event::Warning(Warning::DeviceLinksPurge)]
    );
}

static CHAIN: Program<'static> = Program {
    devices: &[
        Device::new("dev", &PLATFORM),
        Device::new("supplier", &BUS),
        Device::new("next", &BUS),
        Device::new("its", &BUS),
    ],
    actions: &[
        Action::new("adds", DEV, &[AddAction(B)]),
        Action::new("last", DEV, &[Unregister(THIRD)]),
    ],
    ..Program::EMPTY
};

/// What a link was the last to hold goes with it, and what that takes down may be linked as well:
/// `flush_workqueue()` does not wait for what is queued meanwhile, so whoever settles waits again.
/// Measured on 6.1 and 6.12.
#[test]
fn settling_waits_for_what_is_queued_meanwhile() {
    const ITS: DeviceId = DeviceId(3);
    let run = Run::of(&CHAIN).ops(&[Register(DEV), Register(OTHER), Register(THIRD)]);
    let run = run.ops(&[
        Register(ITS),
        Link(DEV, OTHER, Managed),
        Link(THIRD, ITS, Managed),
    ]);
    let mut run = run.ops(&[AddAction(A), Unregister(DEV)]);
    let released = [
        Event::Action(B),
        Event::Released(DEV),
        Event::Released(THIRD),
    ];
    assert_eq!(run.events(Settle), released);
    assert!(!run.state().has_queued_work());
}

/// Whoever was removed does not hold its parent any more, and has a pointer to it: that is followed
/// from what hangs below it (`device_is_ancestor()`), and KASAN tells of it. Measured on 6.12.
#[test]
fn device_link_add_follows_what_is_above_a_removed_parent() {
    const TOP: DeviceId = DeviceId(3);
    static BELOW: Program<'static> = Program {
        devices: &[
            Device::new("dev", &PLATFORM),
            Device::new("supplier", &BUS).below(THIRD),
            Device::new("removed", &BARE).below(TOP),
            Device::new("freed", &ROOT),
        ],
        ..Program::EMPTY
    };
    let removed = || {
        let run = Run::of(&BELOW).ops(&[Register(TOP), Register(THIRD), Register(OTHER)]);
        run.ops(&[Register(DEV), Unregister(THIRD)])
    };
    assert_eq!(removed().op(Link(DEV, OTHER, Managed)), 0);
    let mut run = removed().ops(&[Unregister(TOP)]);
    assert!(run.state().device(TOP).is_released());
    assert_eq!(
        run.fault(Link(DEV, OTHER, Managed)),
        Fault::UseAfterFree(TOP)
    );
}
