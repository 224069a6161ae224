//! To initialise, add, delete and release a device: `drivers/base/core.c`.

use crate::util::*;

static PARENT: Program<'static> = Program {
    devices: &[
        Device::new("parent", &ROOT),
        Device::new("child", &ROOT).below(DEV),
    ],
    actions: &[Action::new("a", OTHER, &[])],
    ..Program::EMPTY
};

/// `device_register()` is `device_initialize()` and `device_add()`, and
/// `device_unregister()` is `device_del()` and `put_device()`.
#[test]
fn device_register_and_device_unregister_are_two_halves_each() {
    for (kind, _) in KINDS {
        let program = alone(kind, &[]);
        let whole = Run::of(program).ops(&[Register(DEV)]);
        let halves = Run::of(program).ops(&[Init(DEV), Add(DEV)]);
        assert_eq!(whole.state(), halves.state(), "{kind:?}");
        let whole = whole.ops(&[Unregister(DEV)]);
        let halves = halves.ops(&[Del(DEV), Put(DEV)]);
        assert_eq!(whole.state(), halves.state(), "{kind:?}");
        assert!(whole.is_released(DEV), "{kind:?}");
    }
}

/// A device that was released leaves nothing to the next one of its name. While it is still there,
/// its memory would be initialised under whoever holds it: `device_initialize()`. Measured on 6.1, 6.12 and 7.2.
#[test]
fn a_device_is_made_anew_once_it_was_released() {
    for (kind, _) in KINDS {
        let program = alone(kind, const { &[Action::new("a", DEV, &[])] });
        let once = Run::of(program).ops(&[Register(DEV), Get(DEV)]);
        let removed = [Register(DEV), AddAction(A), Get(DEV), Unregister(DEV)];
        let mut kept = Run::of(program).ops(&removed);
        assert_eq!(kept.fault(Register(DEV)), Fault::RegisteredTwice(DEV));
        let gone = Run::of(program).ops(&removed).ops(&[Put(DEV)]);
        let mut again = gone.ops(&[Register(DEV), Get(DEV)]);
        assert_eq!(
            once.state().device(DEV),
            again.state().device(DEV),
            "{kind:?}"
        );
        assert_eq!(again.events(Unregister(DEV)), [], "{kind:?}");
        assert_eq!(again.events(Put(DEV)), [Event::Released(DEV)], "{kind:?}");
    }
}

/// What cannot be registered leaves the former one as gone as it was. Measured on 6.1, 6.12 and 7.2.
#[test]
fn device_register_that_fails_leaves_a_former_device_released() {
    let family = [Register(DEV), Register(OTHER), Unregister(OTHER)];
    let run = Run::of(&PARENT).ops(&family);
    let mut run = run.ops(&[Get(DEV), Unregister(DEV)]);
    assert_eq!(run.op(Register(OTHER)), -2);
    assert!(run.is_released(OTHER));
}

/// A child that is held points to its parent, whose reference it has dropped: `device_del()`. What
/// goes on with one device would go on with another.
#[test]
fn a_parent_is_not_made_anew_above_an_old_child() {
    let family = [Register(DEV), Register(OTHER), Get(OTHER)];
    let mut run = Run::of(&PARENT).ops(&family);
    assert_eq!(run.events(Unregister(OTHER)), []);
    assert_eq!(run.events(Unregister(DEV)), [Event::Released(DEV)]);
    assert_eq!(run.fault(Register(DEV)), Fault::RegisteredTwice(DEV));
    let run = Run::of(&PARENT).ops(&family);
    let run = run.ops(&[Unregister(OTHER), Unregister(DEV), Put(OTHER)]);
    assert_eq!(run.ops(&[Register(DEV), Register(OTHER)]).refs(OTHER), 2);
}

/// A device that was never added is released like any other, its actions first:
/// `device_release()`. The fix is about `device_del()` and changes nothing here.
#[test]
fn put_device_without_device_add_runs_actions_and_releases() {
    for (kind, _) in KINDS {
        for model in [FIXED, UNFIXED] {
            let program = alone(kind, const { &[Action::new("a", DEV, &[])] });
            let mut run = Run::on(model, program).ops(&[Init(DEV), AddAction(A)]);
            assert_eq!(
                run.counted(Put(DEV)),
                [(Event::Action(A), 0), (Event::Released(DEV), 0)]
            );
        }
    }
}

/// Whether the probe succeeds is nothing that `device_add()` would tell.
#[test]
fn device_add_succeeds_although_the_probe_fails() {
    static PROGRAM: Program<'static> = driven(
        &[Driver::new("driver", DEV).probes(&[Probe::new(&[]).fails(Errno::EIO)])],
        &[],
    );
    let mut run = Run::of(&PROGRAM).ops(&[RegisterDriver(DRV), Init(DEV)]);
    assert_eq!(run.op(Add(DEV)), 0);
    assert_eq!(run.state().probes(DRV), 1);
    assert_eq!((run.driver(DEV), run.refs(DEV)), (None, 3));
}

/// Nothing is released as long as somebody holds a reference: `put_device()`.
#[test]
fn device_release_waits_for_the_last_reference() {
    for (kind, _) in KINDS {
        let ops = [Register(DEV), Get(DEV), Get(DEV), Unregister(DEV)];
        let mut run = Run::of(alone(kind, &[])).ops(&ops);
        assert_eq!(run.events(Put(DEV)), []);
        assert_eq!(run.state().device(DEV).phase(), Phase::Deleted);
        assert_eq!(run.events(Put(DEV)), [Event::Released(DEV)]);
    }
}

/// After `device_del()` the device is the same as before it to whoever holds it.
#[test]
fn device_del_releases_nothing() {
    let mut run = Run::of(&PARENT).ops(&[Register(DEV)]);
    assert_eq!(run.events(Del(DEV)), []);
    assert_eq!(run.state().device(DEV).phase(), Phase::Deleted);
    assert_eq!(run.events(Put(DEV)), [Event::Released(DEV)]);
}

/// `device_del()` gives the parent back at its very end: actions still see it held twice.
#[test]
fn device_del_puts_the_parent_after_the_actions() {
    let mut run = Run::of(&PARENT).ops(&[Register(DEV), Register(OTHER), AddAction(A)]);
    let records = run.records(Unregister(OTHER));
    assert_eq!(event(&records[0]), Event::Action(A));
    assert_eq!(records[0].devices[0].refs, 3);
    assert_eq!(event(&records[1]), Event::Released(OTHER));
    assert_eq!(records[1].devices[0].refs, 1);
}

/// The child keeps an unregistered parent, and lets go of it in `device_del()`: before its
/// own last reference is dropped.
#[test]
fn a_child_keeps_its_parent_until_its_own_device_del() {
    let mut run = Run::of(&PARENT).ops(&[Register(DEV), Register(OTHER)]);
    assert_eq!(run.events(Unregister(DEV)), []);
    assert_eq!(run.refs(DEV), 2);
    assert_eq!(
        run.events(Unregister(OTHER)),
        [Event::Released(DEV), Event::Released(OTHER)]
    );
}

/// The driver goes before the resources that nobody bound: `bus_remove_device()` comes
/// before `devres_release_all()` in `device_del()`.
#[test]
fn device_del_unbinds_before_it_releases_what_is_left() {
    static PROGRAM: Program<'static> = driven(
        &[Driver::new("driver", DEV).remove(&[AddAction(B)])],
        &[
            Action::new("a", DEV, &[AddAction(C)]),
            Action::new("b", DEV, &[]),
            Action::new("c", DEV, &[]),
        ],
    );
    let mut run = Run::of(&PROGRAM).ops(&[RegisterDriver(DRV), Register(DEV), AddAction(A)]);
    assert_eq!(
        run.events(Del(DEV)),
        [
            Event::Remove(DRV, DEV),
            Event::Action(B),
            Event::Action(A),
            Event::Action(C),
        ]
    );
}

/// A probe may register devices below the one it probes, and remove may unregister them:
/// each has a lock of its own (`device_add()`, `device_del()`).
#[test]
fn device_add_and_device_del_of_a_child_in_the_parents_callbacks() {
    static PROGRAM: Program<'static> = Program {
        devices: &[
            Device::new("parent", &PLATFORM),
            Device::new("child", &PLATFORM).below(DEV),
        ],
        drivers: &[
            Driver::new("parent_driver", DEV)
                .probes(&[Probe::new(&[Register(OTHER)])])
                .remove(&[Unregister(OTHER)]),
            Driver::new("child_driver", OTHER),
        ],
        ..Program::EMPTY
    };
    let mut run = Run::of(&PROGRAM).ops(&[RegisterDriver(DRV), RegisterDriver(NEXT)]);
    assert_eq!(
        run.counted(Register(DEV)),
        [(Event::Probe(DRV, DEV), 3), (Event::Probe(NEXT, OTHER), 3)]
    );
    assert_eq!(run.refs(DEV), 5);
    assert_eq!(
        run.counted(Unregister(DEV)),
        [
            (Event::Remove(DRV, DEV), 3),
            (Event::Remove(NEXT, OTHER), 1),
            (Event::Released(OTHER), 0),
            (Event::Released(DEV), 0)
        ]
    );
}
