//! What takes two rules at once: callbacks in the middle of something else, and calls in
//! an order that nobody would choose.

use crate::pair::*;
use crate::util::*;

const ENOENT: i32 = -2;
const EINVAL: i32 = -22;
const TWO: &[Device<'static>] = &[
    Device::new("dev", &PLATFORM),
    Device::new("other", &PLATFORM),
];
static FAMILY: Program<'static> = Program {
    devices: &[
        Device::new("parent", &ROOT),
        Device::new("one", &CLASS).below(DEV),
        Device::new("two", &CLASS).below(DEV),
    ],
    actions: &[
        Action::new("a", THIRD, &[Unregister(OTHER)]),
        Action::new("b", OTHER, &[Register(THIRD)]),
    ],
    ..Program::EMPTY
};

/// A sibling that goes while another is being deleted leaves it in the glue directory,
/// which goes with the latter: `cleanup_glue_dir()`.
#[test]
fn the_glue_directory_outlives_a_sibling_deleted_in_an_action() {
    let run = Run::of(&FAMILY).ops(&[Register(DEV), Register(OTHER), Register(THIRD)]);
    let run = run.ops(&[AddAction(A), Unregister(THIRD)]);
    assert_eq!(run.refs(DEV), 1);
}

/// And one that comes meanwhile finds the directory still there: `get_device_parent()`.
#[test]
fn a_sibling_registered_in_an_action_finds_the_glue_directory() {
    let run = Run::of(&FAMILY).ops(&[Register(DEV), Register(OTHER), AddAction(B)]);
    let run = run.ops(&[Unregister(OTHER)]);
    assert_eq!(run.refs(DEV), 3);
    let run = run.ops(&[Unregister(THIRD)]);
    assert_eq!(run.refs(DEV), 1);
}

/// Below a parent that is not in sysfs, not yet or not any more, nothing can be added:
/// `sysfs_create_dir_ns()` returns -ENOENT, and `device_add()` undoes all.
#[test]
fn device_add_returns_enoent_below_a_parent_that_is_not_added() {
    static PROGRAM: Program<'static> = Program {
        devices: &[
            Device::new("parent", &ROOT),
            Device::new("child", &ROOT).below(DEV),
        ],
        ..Program::EMPTY
    };
    for ops in [
        &[Init(DEV)][..],
        &[Register(DEV), Get(DEV), Unregister(DEV)],
    ] {
        let mut run = Run::of(&PROGRAM).ops(ops);
        assert_eq!(run.op(Register(OTHER)), ENOENT);
        assert_eq!((run.refs(DEV), run.refs(OTHER)), (1, 0));
        let mut run = run.ops(&[Init(OTHER)]);
        assert_eq!(run.op(Add(OTHER)), ENOENT);
        assert_eq!((run.refs(DEV), run.refs(OTHER)), (1, 1));
        assert_eq!(run.events(Put(OTHER)), [Event::Released(OTHER)]);
    }
}

/// The device that is used up within its own `device_del()` is used by it after that.
#[test]
fn a_device_freed_within_device_del_is_used_after_that() {
    static ACTION: Program<'static> = root(&[Action::new("a", DEV, &[Put(DEV)])]);
    for op in [Del(DEV), Unregister(DEV)] {
        let mut run = Run::of(&ACTION).ops(&[Register(DEV), AddAction(A)]);
        assert_eq!(run.fault(op), Fault::UseAfterFree(DEV));
    }
    static REMOVE: Program<'static> =
        driven(&[Driver::new("driver", DEV).remove(&[Put(DEV)])], &[]);
    let mut run = Run::of(&REMOVE).ops(&[RegisterDriver(DRV), Register(DEV)]);
    assert_eq!(run.fault(Del(DEV)), Fault::UseAfterFree(DEV));
}

/// When device_del() releases what is left on a list, the device is gone for who would link to
/// it: `device_pm_remove()` came before. Found by `verify --explore`; measured on 6.1, 6.12
/// and 7.2, with CONFIG_PM_SLEEP.
#[test]
fn device_link_add_refuses_a_supplier_that_device_del_is_at() {
    static PROGRAM: Program<'static> = Program {
        devices: &[Device::new("dev", &ROOT), Device::new("sup", &BUS)],
        actions: &[Action::new("makes", OTHER, &[Link(DEV, OTHER, Managed)])],
        ..Program::EMPTY
    };
    let run = Run::of(&PROGRAM).ops(&[
        Register(DEV),
        Register(OTHER),
        AddAction(A),
        Unregister(OTHER),
    ]);
    assert!(run.state().failed_in_a_body());
    assert_eq!(run.refs(DEV), 1);
    assert!(run.is_released(OTHER));
}

/// A faux device is never on that list. Found by `verify --explore`; measured on 7.2.
#[test]
fn device_link_add_refuses_a_faux_device() {
    static FAUX: Kind<'static> = Kind::new("faux").on_bus().own();
    static PROGRAM: Program<'static> = Program {
        devices: &[Device::new("dev", &FAUX), Device::new("other", &BUS)],
        ..Program::EMPTY
    };
    let mut run =
        Run::of(&PROGRAM).ops(&[Register(DEV), Register(OTHER), Link(DEV, OTHER, Managed)]);
    assert_eq!(run.op(Link(OTHER, DEV, Managed)), EINVAL);
    let mut run = Run::of(&PROGRAM).ops(&[Register(DEV), Register(OTHER)]);
    assert_eq!(run.op(Link(OTHER, DEV, Managed)), EINVAL);
}

/// A supplier that is not registered is refused: `device_pm_initialized()`.
#[test]
fn device_link_add_refuses_a_supplier_that_is_not_registered() {
    let mut run = Run::of(&PAIR).ops(&[Init(SUPPLIER), Register(CONSUMER)]);
    assert_eq!(run.op(LINKED[2]), EINVAL);
    let mut run = Run::of(&PAIR)
        .ops(&LINKED[..2])
        .ops(&[Get(SUPPLIER), Unregister(SUPPLIER)]);
    assert_eq!(run.op(LINKED[2]), EINVAL);
    assert_eq!((run.refs(SUPPLIER), run.refs(CONSUMER)), (1, 3));
}

/// A probe that was refused for resources leaves the link as "consumer probe"; the next
/// one is deferred for that and sets it right: `device_links_missing_supplier()`.
#[test]
fn device_links_missing_supplier_sets_links_right() {
    let run = Run::of(&PAIR).ops(&LINKED).ops(&[AddAction(B)]);
    let mut run = run.ops(&[RegisterDriver(SDRV), RegisterDriver(CDRV), RemoveAction(B)]);
    assert_eq!(run.op(Attach(CONSUMER)), EPROBE_DEFER);
    assert_eq!(run.op(Attach(CONSUMER)), 1);
}

/// A consumer that binds with a link to a supplier without a driver: the link is dormant,
/// not "consumer probe", and `device_links_driver_bound()` warns.
#[test]
fn device_links_driver_bound_warns_of_a_link_that_is_dormant() {
    static PROGRAM: Program<'static> = Program {
        devices: DEVICES,
        drivers: &[Driver::new("driver", CONSUMER)
            .probes(&[Probe::new(&[Link(CONSUMER, SUPPLIER, Managed)])])],
        ..Program::EMPTY
    };
    let mut run = Run::of(&PROGRAM).ops(&LINKED[..2]);
    let events = run.events(RegisterDriver(DRV));
    assert!(
        matches!(events[..], [Event::Probe(..), Event::Warning(_)]),
        "{events:?}"
    );
    // __device_links_no_driver() then finds a supplier that is not "unbinding".
    let events = run.events(Unbind(CONSUMER));
    assert!(
        matches!(events[..], [Event::Remove(..), Event::Warning(_)]),
        "{events:?}"
    );
}

/// The same warning of `__device_links_no_driver()` when a child's probe fails that
/// linked itself to the parent that is being probed.
#[test]
fn device_links_no_driver_warns_of_a_supplier_that_is_being_probed() {
    static PROGRAM: Program<'static> = Program {
        devices: &[
            Device::new("supplier", &PLATFORM),
            Device::new("consumer", &PLATFORM).below(SUPPLIER),
        ],
        drivers: &[
            Driver::new("supplier_driver", SUPPLIER).probes(&[Probe::new(&[Register(CONSUMER)])]),
            Driver::new("consumer_driver", CONSUMER)
                .probes(&[Probe::new(&[Link(CONSUMER, SUPPLIER, Managed)]).fails(Errno::EIO)]),
        ],
        ..Program::EMPTY
    };
    let mut run = Run::of(&PROGRAM).ops(&[RegisterDriver(SDRV), RegisterDriver(CDRV)]);
    let events = run.events(Register(SUPPLIER));
    assert!(matches!(events[..], [.., Event::Warning(_)]), "{events:?}");
}

/// A consumer's remove that unbinds the supplier leaves the link as "supplier unbind":
/// `device_links_unbind_consumers()` goes over it once more. The supplier's next
/// `device_links_driver_bound()` warns.
#[test]
fn device_links_driver_bound_warns_of_a_link_that_is_not_dormant() {
    static PROGRAM: Program<'static> = Program {
        devices: DEVICES,
        drivers: &[
            Driver::new("supplier_driver", SUPPLIER),
            Driver::new("consumer_driver", CONSUMER).remove(&[Unbind(SUPPLIER)]),
        ],
        ..Program::EMPTY
    };
    let mut run = Run::of(&PROGRAM).ops(&BOTH_BOUND).ops(&[Unbind(SUPPLIER)]);
    let events = run.events(Attach(SUPPLIER));
    assert!(
        matches!(events[..], [Event::Probe(..), Event::Warning(_)]),
        "{events:?}"
    );
}

/// The device that was bound last is let go of first: `driver_detach()` takes the last
/// entry of the driver's list.
#[test]
fn driver_detach_begins_with_the_device_bound_last() {
    static PROGRAM: Program<'static> = Program {
        devices: TWO,
        drivers: &[Driver::new("driver", DEV).and(OTHER)],
        ..Program::EMPTY
    };
    let [probed, removed] = [Event::Probe, Event::Remove].map(|event| move |dev| event(DRV, dev));
    let ops = [Register(DEV), Register(OTHER)];
    let mut run = Run::of(&PROGRAM).ops(&ops);
    // `driver_attach()` walks the devices of the bus, oldest first.
    let bound = run.events(RegisterDriver(DRV));
    assert_eq!(bound, [probed(DEV), probed(OTHER)]);
    let unbound = run.events(UnregisterDriver(DRV));
    assert_eq!(unbound, [removed(OTHER), removed(DEV)]);
    let mut run = Run::of(&PROGRAM).ops(&ops).ops(&[RegisterDriver(DRV)]);
    run.events(Unbind(DEV));
    run.events(Bind(DEV, DRV));
    let unbound = run.events(UnregisterDriver(DRV));
    assert_eq!(unbound, [removed(DEV), removed(OTHER)]);
}

/// A driver is bound or refused device by device: what a probe returns is nothing to others
/// (`__driver_attach()` goes on).
#[test]
fn a_driver_of_two_may_be_refused_by_one() {
    static PROGRAM: Program<'static> = Program {
        devices: TWO,
        drivers: &[Driver::new("driver", DEV)
            .and(OTHER)
            .probes(&[Probe::new(&[]).attempt(1).fails(Errno::EIO)])],
        ..Program::EMPTY
    };
    let ops = [Register(DEV), Register(OTHER), RegisterDriver(DRV)];
    let run = Run::of(&PROGRAM).ops(&ops);
    assert_eq!((run.driver(DEV), run.driver(OTHER)), (None, Some(DRV)));
    let run = run.ops(&[Attach(DEV)]);
    assert_eq!(run.driver(DEV), Some(DRV));
}

/// An action that a failed probe releases is as much within the walk over the drivers as
/// the probe: `bus_remove_driver()` waits in `klist_remove()`.
#[test]
fn driver_unregister_in_an_action_of_a_failed_probe_is_a_deadlock() {
    static PROGRAM: Program<'static> = driven(
        &[Driver::new("driver", DEV).probes(&[Probe::new(&[AddAction(A)]).fails(Errno::EIO)])],
        &[Action::new("a", DEV, &[UnregisterDriver(DRV)])],
    );
    let mut run = Run::of(&PROGRAM).ops(&[RegisterDriver(DRV)]);
    assert_eq!(run.fault(Register(DEV)), Fault::DriverDeadlock(DRV));
}

/// A driver keeps its name until it has let go of all its devices: `driver_find()`.
#[test]
fn driver_register_refuses_a_driver_that_is_being_unregistered() {
    static PROGRAM: Program<'static> = driven(
        &[Driver::new("driver", DEV).remove(&[RegisterDriver(DRV)])],
        &[],
    );
    let run = Run::of(&PROGRAM).ops(&[RegisterDriver(DRV), Register(DEV)]);
    let run = run.ops(&[UnregisterDriver(DRV)]);
    assert!(run.state().failed_in_a_body());
    assert!(!run.state().is_registered(DRV));
}

/// Without a bus there are no drivers to go through: `bus_for_each_drv()` returns
/// -EINVAL, and `device_attach()` with it.
#[test]
fn device_attach_returns_einval_without_a_bus() {
    let mut run = Run::of(alone(&ROOT, &[])).ops(&[Register(DEV)]);
    assert_eq!(run.op(Attach(DEV)), EINVAL);
}

/// `deferred_probe_work_func()` never ends if each probe binds something and is deferred
/// all the same. Any error will do, but not a test that hangs.
#[test]
fn a_probe_that_binds_something_and_defers_is_retried_for_ever() {
    static PROGRAM: Program<'static> = Program {
        devices: TWO,
        drivers: &[
            Driver::new("driver", DEV)
                .probes(&[Probe::new(&[Attach(OTHER), Unbind(OTHER)]).fails(Errno::EPROBE_DEFER)]),
            Driver::new("next", OTHER),
        ],
        ..Program::EMPTY
    };
    let ops = [
        RegisterDriver(DRV),
        RegisterDriver(NEXT),
        Register(OTHER),
        Unbind(OTHER),
    ];
    let run = Run::of(&PROGRAM).ops(&ops).ops(&[Register(DEV)]);
    let mut state = *run.state();
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let ended = step(&PROGRAM, FIXED, &mut state, Settle, &mut ());
        let _ = sender.send(ended);
    });
    let ended = receiver.recv_timeout(std::time::Duration::from_secs(5));
    assert!(matches!(ended, Ok(Err(_))), "{ended:?}");
}

/// What hangs below the consumer is its dependent over a deleted device as well:
/// `device_is_ancestor()` follows `dev->parent` alone.
#[test]
fn device_link_add_refuses_a_grandchild_whose_parent_is_deleted() {
    static PROGRAM: Program<'static> = Program {
        devices: &[
            Device::new("dev", &ROOT),
            Device::new("child", &ROOT).below(DEV),
            Device::new("grandchild", &ROOT).below(OTHER),
        ],
        ..Program::EMPTY
    };
    let run = Run::of(&PROGRAM).ops(&[Register(DEV), Register(OTHER), Register(THIRD)]);
    let mut run = run.ops(&[Unregister(OTHER)]);
    assert_eq!(run.op(Link(DEV, THIRD, Managed)), EINVAL);
}

/// A device that has a driver is refused before the new one is looked at:
/// `__driver_probe_device()`.
#[test]
fn device_driver_attach_looks_at_the_device_before_the_driver() {
    static PROGRAM: Program<'static> =
        driven(&[Driver::new("driver", DEV), Driver::new("next", DEV)], &[]);
    let mut run = Run::of(&PROGRAM).ops(&[RegisterDriver(DRV), Register(DEV)]);
    assert_eq!(run.op(Bind(DEV, NEXT)), EBUSY);
}

/// `cdev_device_del()` takes the file away only after `device_del()`.
#[test]
fn chrdev_open_still_works_in_remove() {
    static PROGRAM: Program<'static> = Program {
        devices: &[Device::new("dev", &PLATFORM)],
        drivers: &[Driver::new("driver", DEV).remove(&[Open(HandleId(0))])],
        handles: &[Handle::new("file", DEV)],
        ..Program::EMPTY
    };
    let run = Run::of(&PROGRAM).ops(&[RegisterDriver(DRV), Register(DEV), Unregister(DEV)]);
    assert!(run.state().is_open(HandleId(0)));
}

/// An action that is not on the list gives no reference back.
#[test]
fn removing_an_action_that_ran_gives_nothing_back() {
    static PROGRAM: Program<'static> = root(&[Action::new("a", DEV, &[Put(DEV)])]);
    let mut s = Session::new("mine.devres", 1, &PROGRAM, FIXED);
    s.register(DEV);
    s.get(DEV);
    s.add_action(A);
    s.release_action(A);
    s.remove_action(A);
    s.finish();
}

/// A device whose parent is gone from sysfs has no directory any more, and no driver can
/// be bound to it: `driver_sysfs_add()` in `really_probe()` returns -ENOENT (measured).
#[test]
fn really_probe_refuses_a_device_whose_parent_is_gone_from_sysfs() {
    static PROGRAM: Program<'static> = Program {
        devices: &[
            Device::new("parent", &ROOT),
            Device::new("child", &PLATFORM).below(DEV),
        ],
        drivers: &[Driver::new("driver", OTHER)],
        ..Program::EMPTY
    };
    let ops = [Register(DEV), Register(OTHER), RegisterDriver(DRV)];
    let mut run = Run::of(&PROGRAM)
        .ops(&ops)
        .ops(&[Unbind(OTHER), Unregister(DEV)]);
    assert_eq!(run.op(Attach(OTHER)), ENOENT);
    assert_eq!(run.op(Bind(OTHER, DRV)), ENOENT);
    assert_eq!(run.state().probes(DRV), 1);
}
