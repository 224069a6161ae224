//! The three places where `devres_release_all()` is called, and what each of them sees.

use crate::util::*;

static ONE: &[Action<'static>] = &[Action::new("a", DEV, &[])];
static CHAIN: &[Action<'static>] = &[
    Action::new("a", DEV, &[AddAction(B)]),
    Action::new("b", DEV, &[AddAction(C)]),
    Action::new("c", DEV, &[]),
];
fn snapshot(refs: u16, driver: Option<DriverId>) -> Snapshot {
    Snapshot {
        refs,
        driver,
        bound: driver.is_some(),
        deferred: false,
    }
}

/// Two actions of which the one that runs first looks for the other.
static REMOVES_SIBLING: &[Action<'static>] = &[
    Action::new("a", DEV, &[]),
    Action::new("b", DEV, &[RemoveAction(A)]),
];
static RELEASES_SIBLING: &[Action<'static>] = &[
    Action::new("a", DEV, &[]),
    Action::new("b", DEV, &[ReleaseAction(A)]),
];

/// Pass 1 is `device_unbind_cleanup()`: `dev->driver` is cleared only afterwards.
#[test]
fn device_unbind_cleanup_runs_actions_while_the_driver_is_still_set() {
    static PROGRAM: Program<'static> = bound(ONE);
    let mut run = Run::of(&PROGRAM).ops(&[RegisterDriver(DRV), Register(DEV), AddAction(A)]);
    let records = run.records(Unregister(DEV));
    assert_eq!(event(&records[1]), Event::Action(A));
    let driver = Some(DRV);
    assert_eq!(records[1].devices[0], snapshot(1, driver));
    let path = [
        "device_unregister",
        "device_del",
        "bus_remove_device",
        "device_release_driver",
        "device_unbind_cleanup",
        "devres_release_all",
    ];
    assert_eq!(records[1].path, path);
    assert_eq!(event(&records[2]), Event::Released(DEV));
    assert_eq!(records[2].devices[0].driver, None);
}

/// Pass 2 is `device_del()` itself, with a reference left and no driver.
#[test]
fn device_del_runs_the_actions_of_an_unbound_device() {
    for (kind, _) in KINDS {
        let mut run = Run::of(alone(kind, ONE)).ops(&[Register(DEV), AddAction(A)]);
        let records = run.records(Del(DEV));
        assert_eq!(records.len(), 1, "{kind:?}");
        let driver = None;
        assert_eq!(records[0].devices[0], snapshot(1, driver));
        assert_eq!(records[0].path, ["device_del", "devres_release_all"]);
    }
}

/// Pass 3 is `device_release()`, with neither; without the fix it is the first one that an
/// unbound device goes through.
#[test]
fn without_the_fix_device_release_runs_the_actions_of_an_unbound_device() {
    for (kind, _) in KINDS {
        let run = Run::on(UNFIXED, alone(kind, ONE));
        let mut run = run.ops(&[Register(DEV), AddAction(A)]);
        assert_eq!(run.events(Del(DEV)), [], "{kind:?}");
        let records = run.records(Put(DEV));
        assert_eq!(event(&records[0]), Event::Action(A));
        let driver = None;
        assert_eq!(records[0].devices[0], snapshot(0, driver));
        let path = ["put_device", "device_release", "devres_release_all"];
        assert_eq!(records[0].path, path);
        assert_eq!(event(&records[1]), Event::Released(DEV));
    }
}

/// The bug of 2023: the reference that the action would drop keeps `device_release()` from
/// being called, which would run the action.
#[test]
fn without_the_fix_an_action_that_drops_the_last_reference_never_runs() {
    let ops = [Register(DEV), Get(DEV), AddAction(A), Unregister(DEV)];
    for (kind, _) in KINDS {
        let program = alone(kind, const { &[Action::new("a", DEV, &[Put(DEV)])] });
        let mut with = Run::of(program).ops(&ops[..3]);
        assert_eq!(
            with.counted(ops[3]),
            [(Event::Action(A), 2), (Event::Released(DEV), 0)]
        );
        let mut without = Run::on(UNFIXED, program).ops(&ops[..3]);
        assert_eq!(without.counted(ops[3]), []);
        assert_eq!(without.refs(DEV), 1);
    }
}

/// The fix is about devices without a driver: of a bound one `device_unbind_cleanup()` has
/// released everything already.
#[test]
fn a_bound_device_is_the_same_without_the_fix() {
    static PROGRAM: Program<'static> = bound(&[Action::new("a", DEV, &[Put(DEV)])]);
    let ops = [
        RegisterDriver(DRV),
        Register(DEV),
        Get(DEV),
        AddAction(A),
        Unregister(DEV),
        UnregisterDriver(DRV),
    ];
    let with = Run::of(&PROGRAM).ops(&ops);
    let without = Run::on(UNFIXED, &PROGRAM).ops(&ops);
    assert_eq!(with.recorder().records(), without.recorder().records());
    assert!(with.is_released(DEV));
}

/// An unbound device of a bus is no different from one without: what matters to
/// `device_del()` is that no driver is bound at that moment.
#[test]
fn an_unbound_device_is_as_one_that_was_never_bound() {
    static PROGRAM: Program<'static> = bound(ONE);
    let ops = [
        RegisterDriver(DRV),
        Register(DEV),
        Unbind(DEV),
        AddAction(A),
    ];
    let mut with = Run::of(&PROGRAM).ops(&ops);
    assert_eq!(with.counted(Del(DEV)), [(Event::Action(A), 1)]);
    let mut without = Run::on(UNFIXED, &PROGRAM).ops(&ops);
    assert_eq!(without.counted(Del(DEV)), []);
}

/// `remove_nodes()` takes everything off the list first: what a callback of pass 1 adds is
/// left for pass 2, or without the fix for pass 3.
#[test]
fn an_action_added_in_pass_1_by_unregister_runs_in_the_next_pass() {
    static PROGRAM: Program<'static> = bound(CHAIN);
    let ops = [RegisterDriver(DRV), Register(DEV), AddAction(A)];
    let mut run = Run::of(&PROGRAM).ops(&ops);
    assert_eq!(
        run.counted(Unregister(DEV)),
        [
            (Event::Remove(DRV, DEV), 1),
            (Event::Action(A), 1),
            (Event::Action(B), 1),
            (Event::Action(C), 0),
            (Event::Released(DEV), 0)
        ]
    );
    let mut run = Run::on(UNFIXED, &PROGRAM).ops(&ops);
    assert_eq!(
        run.counted(Unregister(DEV)),
        [
            (Event::Remove(DRV, DEV), 1),
            (Event::Action(A), 1),
            (Event::Action(B), 0),
            (Event::Released(DEV), 0)
        ]
    );
}

/// Added in pass 1 by unbinding alone, it stays on the list, and `really_probe()` refuses
/// the device ("Resources present before probing") until it is gone.
#[test]
fn an_action_added_in_pass_1_by_unbinding_keeps_drivers_away() {
    static PROGRAM: Program<'static> = bound(CHAIN);
    let ops = [
        RegisterDriver(DRV),
        Register(DEV),
        AddAction(A),
        Unbind(DEV),
    ];
    let mut run = Run::of(&PROGRAM).ops(&ops);
    assert_eq!(run.state().runs(B), 0);
    assert_eq!(run.op(Attach(DEV)), EBUSY);
    assert_eq!(run.driver(DEV), None);
    assert_eq!(run.op(RemoveAction(B)), 0);
    assert_eq!(run.op(Attach(DEV)), 1);
}

/// The same when pass 1 is that of a failed probe: `device_unbind_cleanup()` is called
/// there as well.
#[test]
fn an_action_added_in_pass_1_by_a_failed_probe_keeps_drivers_away() {
    static PROGRAM: Program<'static> = driven(
        &[Driver::new("driver", DEV)
            .probes(&[Probe::new(&[AddAction(A)]).attempt(1).fails(Errno::EIO)])],
        CHAIN,
    );
    let mut run = Run::of(&PROGRAM).ops(&[RegisterDriver(DRV)]);
    assert_eq!(
        run.counted(Register(DEV)),
        [(Event::Probe(DRV, DEV), 3), (Event::Action(A), 3)]
    );
    assert_eq!(run.op(Attach(DEV)), EBUSY);
}

/// Added in pass 2, it runs in pass 3; without the fix there is no pass after it.
#[test]
fn an_action_added_in_pass_2_runs_in_pass_3() {
    static ACTIONS: &[Action<'static>] = &[
        Action::new("a", DEV, &[AddAction(B)]),
        Action::new("b", DEV, &[]),
    ];
    for (kind, _) in KINDS {
        let program = alone(kind, ACTIONS);
        let mut run = Run::of(program).ops(&[Register(DEV), AddAction(A)]);
        assert_eq!(
            run.counted(Unregister(DEV)),
            [
                (Event::Action(A), 1),
                (Event::Action(B), 0),
                (Event::Released(DEV), 0)
            ]
        );
        let mut run = Run::on(UNFIXED, program).ops(&[Register(DEV), AddAction(A)]);
        assert_eq!(
            run.counted(Unregister(DEV)),
            [(Event::Action(A), 0), (Event::Released(DEV), 0)]
        );
    }
}

/// Added in pass 3, it is lost: `device_release()` does not look again.
#[test]
fn an_action_added_in_pass_3_never_runs() {
    for (kind, _) in KINDS {
        let program = alone(kind, CHAIN);
        let run = Run::of(program).ops(&[Register(DEV), AddAction(A), Unregister(DEV)]);
        let runs = [A, B, C].map(|action| run.state().runs(action));
        assert_eq!(runs, [1, 1, 0], "{kind:?}");
        assert!(run.is_released(DEV));
    }
}

/// In each pass the list is empty while callbacks run, so that a callback finds none of its
/// siblings, and they run all the same: `remove_nodes()`, `devm_remove_action()`,
/// `devm_release_action()`.
#[test]
fn a_callback_finds_no_sibling() {
    let searches = [
        (REMOVES_SIBLING, Warning::RemoveAction),
        (RELEASES_SIBLING, Warning::ReleaseAction),
    ];
    for (actions, warning) in searches {
        let expected = [Event::Action(B), Event::Warning(warning), Event::Action(A)];
        let added = [Register(DEV), AddAction(A), AddAction(B)];
        // Pass 2.
        let mut run = Run::of(alone(&ROOT, actions)).ops(&added);
        assert_eq!(run.events(Del(DEV)), expected);
        // Pass 3.
        let mut run = Run::on(UNFIXED, alone(&ROOT, actions)).ops(&added);
        assert_eq!(run.events(Del(DEV)), []);
        assert_eq!(run.events(Put(DEV))[..3], expected);
    }
}

/// The same in pass 1.
#[test]
fn a_callback_of_device_unbind_cleanup_finds_no_sibling() {
    static PROGRAM: Program<'static> = bound(REMOVES_SIBLING);
    let added = [Register(DEV), AddAction(A), AddAction(B)];
    let mut run = Run::of(&PROGRAM).ops(&[RegisterDriver(DRV)]).ops(&added);
    assert_eq!(
        run.events(Unbind(DEV))[1..],
        [
            Event::Action(B),
            Event::Warning(Warning::RemoveAction),
            Event::Action(A)
        ]
    );
}

/// Remove comes before the passes and finds everything still on the list:
/// `__device_release_driver()`.
#[test]
fn remove_finds_the_actions_on_the_list() {
    static PROGRAM: Program<'static> = driven(
        &[Driver::new("driver", DEV).remove(&[ReleaseAction(A), RemoveAction(B)])],
        &[
            Action::new("a", DEV, &[]),
            Action::new("b", DEV, &[]),
            Action::new("c", DEV, &[]),
        ],
    );
    let ops = [
        RegisterDriver(DRV),
        Register(DEV),
        AddAction(A),
        AddAction(B),
        AddAction(C),
    ];
    let mut run = Run::of(&PROGRAM).ops(&ops);
    assert_eq!(
        run.events(Unbind(DEV)),
        [Event::Remove(DRV, DEV), Event::Action(A), Event::Action(C)]
    );
}
