//! What the driver core does, as measured on user-mode Linux 6.12.117 and written down
//! by hand: the simulator is judged by this, never by itself.

use devres_gen::sim::*;

const DEV: DeviceId = DeviceId(0);
const DRV: DriverId = DriverId(0);
const A: ActionId = ActionId(0);
const B: ActionId = ActionId(1);
const C: ActionId = ActionId(2);

const FIXED: Model = Model::ALL;
const UNFIXED: Model = Model::ALL.without(Fix::DelReleasesDevres);

static ROOT: Kind<'static> = Kind::new("root");
static PLATFORM: Kind<'static> = Kind::new("platform").on_bus().with_parent();

/// Runs a program and returns its recorder.
fn ran<'a>(program: &'a Program<'a>, model: Model, ops: &[Op]) -> Recorder<'a> {
    let mut recorder = Recorder::new(program, model);
    for (&op, line) in ops.iter().zip(1..) {
        assert_eq!(recorder.run(line, op), Ok(0), "{}", program.describe(op));
    }
    recorder
}

/// The events of a trace, each with the reference count that its callback sees.
fn events(recorder: &Recorder<'_>) -> Vec<(Event, u16)> {
    let event = |record: &Record| match record.happening {
        Happening::Event(event) => Some((event, record.devices[0].refs)),
        Happening::Returned(..) => None,
    };
    recorder.records().iter().filter_map(event).collect()
}

/// The reference count after each operation of the scenario.
fn refs(recorder: &Recorder<'_>) -> Vec<u16> {
    let returned = |record: &&Record| matches!(record.happening, Happening::Returned(..));
    recorder
        .records()
        .iter()
        .filter(returned)
        .map(|record| record.devices[0].refs)
        .collect()
}

fn root<'a>(actions: &'a [Action<'a>]) -> Program<'a> {
    Program {
        devices: const { &[Device::new("dev", &ROOT)] },
        drivers: &[],
        actions,
    }
}

fn platform<'a>(actions: &'a [Action<'a>]) -> Program<'a> {
    Program {
        devices: const { &[Device::new("dev", &PLATFORM)] },
        drivers: &[],
        actions,
    }
}

fn bound<'a>(actions: &'a [Action<'a>]) -> Program<'a> {
    let drivers = const { &[Driver::new("driver", DEV)] };
    Program {
        devices: const { &[Device::new("dev", &PLATFORM)] },
        drivers,
        actions,
    }
}

#[test]
fn device_add_leaves_one_reference_on_a_root_device() {
    let program = root(&[]);
    let case = ran(
        &program,
        FIXED,
        &[Op::Register(DEV), Op::Get(DEV), Op::Put(DEV)],
    );
    assert_eq!(refs(&case), [1, 2, 1]);
}

#[test]
fn device_add_adds_those_of_the_parent_and_the_bus_on_a_platform_device() {
    let program = platform(&[]);
    let case = ran(
        &program,
        FIXED,
        &[Op::Register(DEV), Op::Get(DEV), Op::Put(DEV)],
    );
    assert_eq!(refs(&case), [3, 4, 3]);
}

/// In probe, device_add() holds one itself and the bus's list one; the parent's comes
/// after. A driver's list takes none.
#[test]
fn really_probe_called_by_device_add_sees_three_references() {
    let program = bound(&[]);
    let case = ran(
        &program,
        FIXED,
        &[Op::RegisterDriver(DRV), Op::Register(DEV)],
    );
    assert_eq!(events(&case), [(Event::Probe(DRV, DEV), 3)]);
    assert_eq!(refs(&case), [0, 3]);
}

/// The lists are left before the driver is told, so its callbacks see one less than
/// the scenario did for each list.
#[test]
fn device_del_leaves_the_lists_before_device_release_driver() {
    let actions = [Action::new("a", DEV, &[])];
    let program = bound(&actions);
    let ops = [
        Op::RegisterDriver(DRV),
        Op::Register(DEV),
        Op::Get(DEV),
        Op::AddAction(A),
        Op::Unregister(DEV),
    ];
    let case = ran(&program, FIXED, &ops);
    assert_eq!(
        events(&case)[1..],
        [(Event::Remove(DRV, DEV), 2), (Event::Action(A), 2)]
    );
    assert_eq!(refs(&case).last(), Some(&1));
}

#[test]
fn driver_detach_holds_a_reference_of_its_own() {
    let actions = [Action::new("a", DEV, &[])];
    let program = bound(&actions);
    let ops = [
        Op::RegisterDriver(DRV),
        Op::Register(DEV),
        Op::Get(DEV),
        Op::AddAction(A),
        Op::UnregisterDriver(DRV),
    ];
    let case = ran(&program, FIXED, &ops);
    assert_eq!(
        events(&case)[1..],
        [(Event::Remove(DRV, DEV), 5), (Event::Action(A), 5)]
    );
    assert_eq!(case.state().device(DEV).driver(), None);
    assert_eq!(refs(&case).last(), Some(&4));
}

#[test]
fn driver_attach_finds_a_device_that_was_there_before() {
    let program = bound(&[]);
    let case = ran(
        &program,
        FIXED,
        &[Op::Register(DEV), Op::RegisterDriver(DRV)],
    );
    assert_eq!(events(&case), [(Event::Probe(DRV, DEV), 3)]);
    assert_eq!(case.state().device(DEV).driver(), Some(DRV));
}

/// Pass 1, device_unbind_cleanup(): dev->driver is cleared only afterwards.
#[test]
fn device_unbind_cleanup_runs_actions_while_the_driver_is_still_set() {
    let actions = [Action::new("a", DEV, &[])];
    let program = bound(&actions);
    let ops = [
        Op::RegisterDriver(DRV),
        Op::Register(DEV),
        Op::AddAction(A),
        Op::Unregister(DEV),
    ];
    let case = ran(&program, FIXED, &ops);
    let action = |r: &&Record| r.happening == Happening::Event(Event::Action(A));
    let record = case.records().iter().find(action).unwrap();
    assert_eq!(
        record.devices[0],
        Snapshot {
            refs: 1,
            driver: Some(DRV)
        }
    );
    let path = [
        "device_unregister",
        "device_del",
        "bus_remove_device",
        "device_release_driver",
    ];
    assert_eq!(record.path[..4], path);
    assert_eq!(
        record.path[4..],
        ["device_unbind_cleanup", "devres_release_all"]
    );
}

/// Pass 2, device_del(), is the fix; without it pass 3, device_release(), is the first.
#[test]
fn an_unbound_device_runs_actions_in_device_del_or_without_the_fix_at_refs_0() {
    let actions = [Action::new("a", DEV, &[])];
    for program in [root(&actions), platform(&actions)] {
        let ops = [Op::Register(DEV), Op::AddAction(A), Op::Unregister(DEV)];
        let with = events(&ran(&program, FIXED, &ops));
        assert_eq!(with, [(Event::Action(A), 1), (Event::Released(DEV), 0)]);
        let without = events(&ran(&program, UNFIXED, &ops));
        assert_eq!(without, [(Event::Action(A), 0), (Event::Released(DEV), 0)]);
    }
}

/// The bug of 2023: the reference that the action would drop keeps the device from the
/// release that would run the action.
#[test]
fn without_the_fix_an_action_that_drops_the_last_reference_never_runs() {
    let actions = [Action::new("a", DEV, &[Op::Put(DEV)])];
    for program in [root(&actions), platform(&actions)] {
        let ops = [
            Op::Register(DEV),
            Op::Get(DEV),
            Op::AddAction(A),
            Op::Unregister(DEV),
        ];
        let with = ran(&program, FIXED, &ops);
        assert_eq!(
            events(&with),
            [(Event::Action(A), 2), (Event::Released(DEV), 0)]
        );
        let without = ran(&program, UNFIXED, &ops);
        assert_eq!(events(&without), []);
        assert_eq!(without.state().device(DEV).refs(), 1);
    }
}

#[test]
fn a_bound_device_is_the_same_without_the_fix() {
    let actions = [Action::new("a", DEV, &[Op::Put(DEV)])];
    let program = bound(&actions);
    let ops = [
        Op::RegisterDriver(DRV),
        Op::Register(DEV),
        Op::Get(DEV),
        Op::AddAction(A),
        Op::Unregister(DEV),
        Op::UnregisterDriver(DRV),
    ];
    let with = ran(&program, FIXED, &ops);
    assert_eq!(with.records(), ran(&program, UNFIXED, &ops).records());
    assert!(with.state().device(DEV).is_released());
}

#[test]
fn devres_release_all_runs_the_newest_first() {
    let actions = [Action::new("a", DEV, &[]), Action::new("b", DEV, &[])];
    let program = root(&actions);
    let ops = [
        Op::Register(DEV),
        Op::AddAction(A),
        Op::AddAction(B),
        Op::Unregister(DEV),
    ];
    let order = events(&ran(&program, FIXED, &ops));
    assert_eq!(
        order,
        [
            (Event::Action(B), 1),
            (Event::Action(A), 1),
            (Event::Released(DEV), 0)
        ]
    );
}

/// Everything is taken off the list first: what a callback adds waits for the next pass.
#[test]
fn an_action_added_in_pass_1_by_unregister_runs_in_pass_2() {
    let actions = [
        Action::new("a", DEV, &[Op::AddAction(B)]),
        Action::new("b", DEV, &[]),
    ];
    let program = bound(&actions);
    let ops = [
        Op::RegisterDriver(DRV),
        Op::Register(DEV),
        Op::AddAction(A),
        Op::Unregister(DEV),
    ];
    for (model, refs) in [(FIXED, 1), (UNFIXED, 0)] {
        let seen = events(&ran(&program, model, &ops));
        assert_eq!(
            seen[2..],
            [
                (Event::Action(A), 1),
                (Event::Action(B), refs),
                (Event::Released(DEV), 0)
            ]
        );
    }
}

#[test]
fn an_action_added_in_pass_2_runs_in_pass_3_and_without_the_fix_never() {
    let actions = [
        Action::new("a", DEV, &[Op::AddAction(B)]),
        Action::new("b", DEV, &[]),
    ];
    let program = root(&actions);
    let ops = [Op::Register(DEV), Op::AddAction(A), Op::Unregister(DEV)];
    let with = ran(&program, FIXED, &ops);
    assert_eq!(
        events(&with),
        [
            (Event::Action(A), 1),
            (Event::Action(B), 0),
            (Event::Released(DEV), 0)
        ]
    );
    assert_eq!(ran(&program, UNFIXED, &ops).state().runs(B), 0);
}

#[test]
fn an_action_added_in_pass_3_is_lost() {
    let actions = [
        Action::new("a", DEV, &[Op::AddAction(B)]),
        Action::new("b", DEV, &[Op::AddAction(C)]),
        Action::new("c", DEV, &[]),
    ];
    let program = root(&actions);
    let ops = [Op::Register(DEV), Op::AddAction(A), Op::Unregister(DEV)];
    let case = ran(&program, FIXED, &ops);
    assert_eq!((case.state().runs(B), case.state().runs(C)), (1, 0));
    assert!(case.state().device(DEV).is_released());
}

/// "Resources present before probing": really_probe() refuses, and the registration of
/// the driver succeeds all the same.
#[test]
fn really_probe_refuses_a_device_with_resources() {
    let actions = [Action::new("a", DEV, &[])];
    let program = bound(&actions);
    let case = ran(
        &program,
        FIXED,
        &[Op::Register(DEV), Op::AddAction(A), Op::RegisterDriver(DRV)],
    );
    assert_eq!(events(&case), []);
    assert_eq!(case.state().device(DEV).driver(), None);
}

#[test]
fn a_device_lives_as_long_as_its_last_reference() {
    let program = platform(&[]);
    let ops = [Op::Register(DEV), Op::Get(DEV), Op::Unregister(DEV)];
    assert!(ran(&program, FIXED, &ops).state().device(DEV).is_alive());
    let ops = [
        Op::Register(DEV),
        Op::Get(DEV),
        Op::Unregister(DEV),
        Op::Put(DEV),
    ];
    assert!(ran(&program, FIXED, &ops).state().device(DEV).is_released());
}

/// An action that drops a reference which is not there: the kernel's refcount warns of
/// an underflow when the device is already being released.
#[test]
fn a_put_too_many_is_a_fault() {
    let actions = [Action::new("a", DEV, &[Op::Put(DEV)])];
    let program = root(&actions);
    let mut case = ran(&program, UNFIXED, &[Op::Register(DEV), Op::AddAction(A)]);
    assert_eq!(case.run(3, Op::Unregister(DEV)), Err(Fault::Underflow(DEV)));
}

/// device_release_driver() on a device that stays: the count is what it was, and the
/// callbacks see it unchanged.
#[test]
fn device_release_driver_leaves_the_device_and_its_references() {
    let actions = [Action::new("a", DEV, &[])];
    let program = bound(&actions);
    let ops = [
        Op::RegisterDriver(DRV),
        Op::Register(DEV),
        Op::AddAction(A),
        Op::Unbind(DEV),
    ];
    let case = ran(&program, FIXED, &ops);
    assert_eq!(
        events(&case)[1..],
        [(Event::Remove(DRV, DEV), 3), (Event::Action(A), 3)]
    );
    assert_eq!(refs(&case).last(), Some(&3));
    assert_eq!(case.state().device(DEV).driver(), None);
}

/// device_attach() returns 1 for a device that is bound then.
#[test]
fn device_attach_binds_again_and_says_so() {
    let program = bound(&[]);
    let mut case = ran(
        &program,
        FIXED,
        &[Op::RegisterDriver(DRV), Op::Register(DEV), Op::Unbind(DEV)],
    );
    assert_eq!(case.run(4, Op::Attach(DEV)), Ok(1));
    assert_eq!(case.run(5, Op::Attach(DEV)), Ok(1));
    assert_eq!(case.state().device(DEV).driver(), Some(DRV));
}

/// Without a driver that matches, or after device_del(), it returns 0.
#[test]
fn device_attach_returns_0_where_there_is_nothing_to_bind() {
    let program = platform(&[]);
    let mut case = ran(&program, FIXED, &[Op::Register(DEV)]);
    assert_eq!(case.run(2, Op::Attach(DEV)), Ok(0));
    let program = bound(&[]);
    let ops = [
        Op::RegisterDriver(DRV),
        Op::Register(DEV),
        Op::Get(DEV),
        Op::Unregister(DEV),
    ];
    let mut case = ran(&program, FIXED, &ops);
    assert_eq!(case.run(5, Op::Attach(DEV)), Ok(0));
}

/// An action that is added in pass 1 by unbinding stays on the list, and the next
/// device_attach() returns -EBUSY (measured: -16).
#[test]
fn an_action_added_in_pass_1_by_unbinding_keeps_drivers_away() {
    let actions = [
        Action::new("a", DEV, &[Op::AddAction(B)]),
        Action::new("b", DEV, &[]),
    ];
    let program = bound(&actions);
    let ops = [
        Op::RegisterDriver(DRV),
        Op::Register(DEV),
        Op::AddAction(A),
        Op::Unbind(DEV),
    ];
    let mut case = ran(&program, FIXED, &ops);
    assert_eq!(case.state().runs(B), 0);
    assert_eq!(case.run(5, Op::Attach(DEV)), Ok(-16));
    assert_eq!(case.state().device(DEV).driver(), None);
}

/// What a hand-written case looks like, and that it can fail.
#[test]
#[should_panic(expected = "mine.devres:3: expected `a ran`")]
fn a_session_fails_with_the_line_of_the_expectation() {
    let actions = [Action::new("a", DEV, &[])];
    let program = root(&actions);
    let mut s = Session::new("mine.devres", 1, &program, FIXED);
    s.at(1).register(DEV);
    s.at(2).add_action(A);
    s.at(3).expect(Claim::Ran(A));
    s.at(4).finish();
}

#[test]
#[should_panic(expected = "without `finish`")]
fn a_session_has_to_be_finished() {
    let program = root(&[]);
    Session::new("mine.devres", 1, &program, FIXED).register(DEV);
}
