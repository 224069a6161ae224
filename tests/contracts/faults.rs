//! What the kernel answers with a crash, a refcount warning or a hang.

use crate::util::*;

static PLAIN: Program<'static> = bound(&[Action::new("a", DEV, &[])]);

/// Every operation on a device that was released reads freed memory: `device_release()`.
#[test]
fn a_device_is_not_to_be_used_after_device_release() {
    let ops = [
        Get(DEV),
        Put(DEV),
        Add(DEV),
        Del(DEV),
        Unregister(DEV),
        Attach(DEV),
        Bind(DEV, DRV),
        Unbind(DEV),
        AddAction(A),
        RemoveAction(A),
        ReleaseAction(A),
    ];
    for op in ops {
        let mut run = Run::of(&PLAIN).ops(&[RegisterDriver(DRV), Register(DEV)]);
        run = run.ops(&[Unregister(DEV)]);
        assert_eq!(run.fault(op), Fault::UseAfterFree(DEV), "{op:?}");
    }
}

/// Nor before `device_initialize()`, which sets up its count, its lock and its list.
#[test]
fn a_device_is_not_to_be_used_before_device_initialize() {
    let ops = [
        Get(DEV),
        Put(DEV),
        Add(DEV),
        Attach(DEV),
        Bind(DEV, DRV),
        Unbind(DEV),
        AddAction(A),
        RemoveAction(A),
        ReleaseAction(A),
        Del(DEV),
        Unregister(DEV),
    ];
    for op in ops {
        let mut run = Run::of(&PLAIN).ops(&[RegisterDriver(DRV)]);
        assert_eq!(run.fault(op), Fault::NotInitialized(DEV), "{op:?}");
    }
}

/// `dev->p` is made by `device_add()`; `device_attach()` and `device_driver_attach()` look
/// into it. `device_release_driver()` does not.
#[test]
fn a_device_is_not_to_be_bound_before_device_add() {
    for op in [Attach(DEV), Bind(DEV, DRV)] {
        let mut run = Run::of(&PLAIN).ops(&[RegisterDriver(DRV), Init(DEV)]);
        assert_eq!(run.fault(op), Fault::NotInitialized(DEV), "{op:?}");
    }
    let mut run = Run::of(&PLAIN).ops(&[Init(DEV)]);
    assert_eq!(run.op(Unbind(DEV)), 0);
}

/// `device_initialize()` of a live kobject is complained about and loses what it had;
/// `device_add()` is meant for once.
#[test]
fn a_device_is_registered_once() {
    for op in [Register(DEV), Init(DEV)] {
        let mut run = Run::of(&PLAIN).ops(&[Init(DEV)]);
        assert_eq!(run.fault(op), Fault::RegisteredTwice(DEV), "{op:?}");
    }
    for op in [Register(DEV), Init(DEV), Add(DEV)] {
        let mut run = Run::of(&PLAIN).ops(&[Register(DEV)]);
        assert_eq!(run.fault(op), Fault::RegisteredTwice(DEV), "{op:?}");
        let mut run = Run::of(&PLAIN).ops(&[Register(DEV), Del(DEV)]);
        assert_eq!(run.fault(op), Fault::RegisteredTwice(DEV), "{op:?}");
    }
}

/// `device_del()` of a device that is not added, or not any more: `dev->p` is NULL, or the
/// lists are left a second time.
#[test]
fn a_device_is_deleted_once_and_only_if_it_was_added() {
    for op in [Del(DEV), Unregister(DEV)] {
        let mut run = Run::of(&PLAIN).ops(&[Init(DEV)]);
        assert_eq!(run.fault(op), Fault::NotAdded(DEV), "{op:?}");
        let mut run = Run::of(&PLAIN).ops(&[Register(DEV), Del(DEV)]);
        assert_eq!(run.fault(op), Fault::NotAdded(DEV), "{op:?}");
    }
}

/// A last reference that goes without `device_del()` leaves a freed device on the kernel's
/// lists: `kobject_cleanup()`.
#[test]
fn put_device_must_not_free_a_registered_device() {
    for (kind, refs) in KINDS {
        let mut run = Run::of(alone(kind, &[])).ops(&[Register(DEV)]);
        for _ in 1..refs {
            run = run.ops(&[Put(DEV)]);
        }
        assert_eq!(run.fault(Put(DEV)), Fault::FreedWhileRegistered(DEV));
    }
}

/// An action of pass 3 runs when there is no reference left: to take one there is a use
/// after free to refcount_t, to drop one an underflow (`device_release()`).
#[test]
fn an_action_without_a_reference_can_neither_take_nor_drop_one() {
    let added = [Init(DEV), AddAction(A)];
    static PUTS: Program<'static> = root(&[Action::new("a", DEV, &[Put(DEV)])]);
    let mut run = Run::of(&PUTS).ops(&added);
    assert_eq!(run.fault(Put(DEV)), Fault::Underflow(DEV));
    static GETS: Program<'static> = root(&[Action::new("a", DEV, &[Get(DEV)])]);
    let mut run = Run::of(&GETS).ops(&added);
    assert_eq!(run.fault(Put(DEV)), Fault::UseAfterFree(DEV));
}

/// Without the fix, an action that drops a reference which nobody took runs when there is
/// none left to drop: `device_release()`.
#[test]
fn put_device_once_too_often_in_an_action_is_an_underflow_without_the_fix() {
    static PROGRAM: Program<'static> = root(&[Action::new("a", DEV, &[Put(DEV)])]);
    let mut run = Run::on(UNFIXED, &PROGRAM).ops(&[Register(DEV), AddAction(A)]);
    assert_eq!(run.fault(Unregister(DEV)), Fault::Underflow(DEV));
}

/// `device_lock()` is held around probe, remove and the actions of pass 1, and is not
/// recursive: whatever wants it for the same device waits for itself.
#[test]
fn the_callbacks_of_a_device_hold_its_lock() {
    const WANTS: [&[Op]; 5] = [
        &[Unregister(DEV)],
        &[Del(DEV)],
        &[Unbind(DEV)],
        &[Attach(DEV)],
        &[Bind(DEV, NEXT)],
    ];
    for body in WANTS {
        let probes = vec![Probe::new(body)].leak();
        let in_probe = Driver::new("driver", DEV).probes(probes);
        let in_remove = Driver::new("driver", DEV).remove(body);
        let in_action = Driver::new("driver", DEV);
        for (driver, actions) in [
            (in_probe, &[][..]),
            (in_remove, &[]),
            (in_action, vec![Action::new("a", DEV, body)].leak()),
        ] {
            let drivers = vec![driver, Driver::new("next", OTHER)].leak();
            let program = Program {
                devices: const {
                    &[
                        Device::new("dev", &PLATFORM),
                        Device::new("other", &PLATFORM),
                    ]
                },
                drivers,
                actions,
                ..Program::EMPTY
            };
            let mut run = Run::of(Box::leak(Box::new(program)));
            run = run.ops(&[RegisterDriver(NEXT), RegisterDriver(DRV)]);
            if !driver.probes.is_empty() {
                assert_eq!(run.fault(Register(DEV)), Fault::Deadlock(DEV), "{body:?}");
                continue;
            }
            run = run.ops(&[Register(DEV)]);
            if !actions.is_empty() {
                run = run.ops(&[AddAction(A)]);
            }
            assert_eq!(run.fault(Unbind(DEV)), Fault::Deadlock(DEV), "{body:?}");
        }
    }
}

/// So is it when a driver for the same device is registered there: `driver_attach()` locks
/// the device before it looks whether it is bound.
#[test]
fn registering_a_driver_for_the_device_that_is_being_probed_is_a_deadlock() {
    static PROGRAM: Program<'static> = driven(
        &[
            Driver::new("driver", DEV).probes(&[Probe::new(&[RegisterDriver(NEXT)])]),
            Driver::new("next", DEV),
        ],
        &[],
    );
    let mut run = Run::of(&PROGRAM).ops(&[RegisterDriver(DRV)]);
    assert_eq!(run.fault(Register(DEV)), Fault::Deadlock(DEV));
}

/// In `device_del()` it is none: the device has left the bus's list by then, so that
/// `driver_attach()` does not come across it.
#[test]
fn registering_a_driver_for_the_device_that_is_being_deleted_is_no_deadlock() {
    static PROGRAM: Program<'static> = driven(
        &[
            Driver::new("driver", DEV).remove(&[RegisterDriver(NEXT)]),
            Driver::new("next", DEV),
        ],
        &[],
    );
    let ops = [RegisterDriver(DRV), Register(DEV), Unregister(DEV)];
    let run = Run::of(&PROGRAM).ops(&ops);
    assert!(run.state().is_registered(NEXT));
    let mut run = Run::of(&PROGRAM).ops(&ops[..2]);
    assert_eq!(run.fault(Unbind(DEV)), Fault::Deadlock(DEV));
}

/// No lock is held in passes 2 and 3, nor when an action is run by `devm_release_action()`:
/// there is just nothing to bind to or to unbind (`device_del()`, `device_release()`).
#[test]
fn device_del_and_device_release_run_actions_without_the_lock() {
    static PROGRAM: Program<'static> = bound(&[Action::new("a", DEV, &[Attach(DEV), Unbind(DEV)])]);
    let ops = [
        Register(DEV),
        AddAction(A),
        RegisterDriver(DRV),
        Unregister(DEV),
    ];
    for model in [FIXED, UNFIXED] {
        let run = Run::on(model, &PROGRAM).ops(&ops);
        assert!(run.is_released(DEV));
        assert_eq!(run.state().probes(DRV), 0);
    }
    let mut run = Run::of(&PROGRAM).ops(&ops[..3]);
    assert_eq!(
        run.events(ReleaseAction(A)),
        [
            Event::Action(A),
            Event::Probe(DRV, DEV),
            Event::Remove(DRV, DEV)
        ]
    );
}

/// A driver that is unregistered in its own remove waits for the lock of the device that
/// it is being removed from: `driver_detach()`.
#[test]
fn driver_unregister_in_its_own_remove_is_a_deadlock() {
    static PROGRAM: Program<'static> = driven(
        &[Driver::new("driver", DEV).remove(&[UnregisterDriver(DRV)])],
        &[],
    );
    let mut run = Run::of(&PROGRAM).ops(&[RegisterDriver(DRV), Register(DEV)]);
    assert_eq!(run.fault(Unbind(DEV)), Fault::Deadlock(DEV));
}

/// In its own probe it waits for the walk over the bus's drivers, which stands at it:
/// `bus_remove_driver()` calls `klist_remove()`, under `bus_for_each_drv()`.
#[test]
fn driver_unregister_in_its_own_probe_is_a_deadlock() {
    static PROGRAM: Program<'static> = driven(
        &[Driver::new("driver", DEV).probes(&[Probe::new(&[UnregisterDriver(DRV)])])],
        &[],
    );
    let mut run = Run::of(&PROGRAM).ops(&[RegisterDriver(DRV)]);
    assert_eq!(run.fault(Register(DEV)), Fault::DriverDeadlock(DRV));
}

/// In an action of pass 1 it waits for the device's lock again: the device is still on the
/// driver's list (`driver_detach()`).
#[test]
fn driver_unregister_in_an_action_of_its_device_is_a_deadlock() {
    static PROGRAM: Program<'static> = bound(&[Action::new("a", DEV, &[UnregisterDriver(DRV)])]);
    let ops = [RegisterDriver(DRV), Register(DEV), AddAction(A)];
    let mut run = Run::of(&PROGRAM).ops(&ops);
    assert_eq!(run.fault(Unbind(DEV)), Fault::Deadlock(DEV));
}

/// `driver_unregister()` frees the driver's private part: nothing may use it after that.
#[test]
fn a_driver_is_not_to_be_used_after_driver_unregister() {
    let ops = [RegisterDriver(DRV), Register(DEV), UnregisterDriver(DRV)];
    for op in [UnregisterDriver(DRV), Bind(DEV, DRV)] {
        let mut run = Run::of(&PLAIN).ops(&ops);
        assert_eq!(run.fault(op), Fault::DriverNotRegistered(DRV), "{op:?}");
    }
}

/// Nor before `driver_register()`, which makes that part: `driver_sysfs_add()` uses it.
#[test]
fn a_driver_is_not_to_be_bound_before_driver_register() {
    let mut run = Run::of(&PLAIN).ops(&[Register(DEV)]);
    assert_eq!(run.fault(Bind(DEV, DRV)), Fault::DriverNotRegistered(DRV));
}

/// A parent that was released is used by `device_add()` of a child: `get_device()`.
#[test]
fn device_add_below_a_released_parent_is_a_use_after_free() {
    static PROGRAM: Program<'static> = Program {
        devices: &[
            Device::new("parent", &ROOT),
            Device::new("child", &ROOT).below(DEV),
        ],
        ..Program::EMPTY
    };
    let mut run = Run::of(&PROGRAM).ops(&[Register(DEV), Unregister(DEV)]);
    assert_eq!(run.fault(Register(OTHER)), Fault::UseAfterFree(DEV));
    // One that was never initialised has no count to raise.
    let mut run = Run::of(&PROGRAM);
    assert_eq!(run.fault(Register(OTHER)), Fault::NotInitialized(DEV));
}

/// An action may outlive what it is about: it drops a reference of another device, which is
/// gone by then (`put_device()`).
#[test]
fn an_action_about_another_device_that_is_gone_is_a_use_after_free() {
    static PROGRAM: Program<'static> = Program {
        devices: &[Device::new("dev", &ROOT), Device::new("other", &ROOT)],
        actions: &[Action::new("a", OTHER, &[Put(DEV)])],
        ..Program::EMPTY
    };
    let ops = [
        Register(DEV),
        Register(OTHER),
        AddAction(A),
        Unregister(DEV),
    ];
    let mut run = Run::of(&PROGRAM).ops(&ops);
    assert_eq!(run.fault(Unregister(OTHER)), Fault::UseAfterFree(DEV));
}

/// A kernel would run out of stack.
#[test]
fn callbacks_within_callbacks_come_to_an_end() {
    let own: &[Op] = &[AddAction(A), ReleaseAction(A)];
    let program = alone(&ROOT, vec![Action::new("a", DEV, own)].leak());
    let mut run = Run::of(program).ops(&[Register(DEV), AddAction(A)]);
    assert_eq!(run.fault(ReleaseAction(A)), Fault::Limit(DEV));
    // What such an action will drop is asked for once.
    assert_eq!(Holdings::new().apply(program, AddAction(A), None), Ok(()));
}

/// Each resource gets and releases the one before it twice, which a kernel would do half a
/// million times.
#[test]
fn callbacks_that_double_come_to_an_end() {
    let twice = |id: u8| -> &'static [Op] {
        let before = ActionId(id - 1);
        let once = [GetResource(before), ReleaseAction(before)];
        vec![once, once].leak().as_flattened()
    };
    let bodies = std::iter::once(&[][..]).chain((1..20).map(twice));
    let actions: Vec<_> = bodies
        .map(|body| Action::resource("res", DEV, body))
        .collect();
    let program = alone(&ROOT, actions.leak());
    let few = [
        Register(DEV),
        GetResource(ActionId(8)),
        ReleaseAction(ActionId(8)),
    ];
    let mut run = Run::of(program).ops(&few).ops(&[GetResource(ActionId(19))]);
    assert_eq!(run.fault(ReleaseAction(ActionId(19))), Fault::Limit(DEV));
}
