//! A case as a test, written by hand: `Session`, `Case` and what they give up at the end.

use crate::util::*;

const FILE: &str = "mine.devres";
static ONE: Program<'static> = bound(&[
    Action::new("a", DEV, &[]),
    Action::new("puts", DEV, &[Put(DEV)]),
]);
const PUTS: ActionId = B;

fn session() -> Session<'static> {
    Session::new(FILE, 1, &ONE, FIXED)
}

/// The claims about one small case, at each point of it.
#[test]
fn a_session_judges_claims_at_its_own_time() {
    let mut s = session();
    s.at(2).register(DEV);
    s.at(3).register_driver(DRV);
    s.at(4).expect(Claim::Bound(DEV));
    s.at(5).expect(Claim::Refs(DEV, 0));
    s.at(6).add_action(A);
    s.at(7).get(DEV);
    s.at(8).expect(Claim::not_run(A));
    s.at(9).expect(Claim::Refs(DEV, 1));
    s.at(10).unregister(DEV);
    s.at(11).expect(Claim::ran(A));
    s.at(12).expect(Claim::before(Callback::Remove(DRV), A));
    s.at(13).expect(Claim::before(
        Callback::ProbeOf(DEV),
        Callback::RemoveOf(DEV),
    ));
    s.at(14).expect_not(Claim::before(A, Callback::Remove(DRV)));
    s.at(15).expect(Claim::Unbound(DEV));
    s.at(16).expect(Claim::Alive(DEV));
    s.at(17).expect_not(Claim::Freed(DEV));
    s.at(18).put(DEV);
    s.at(19).expect(Claim::Freed(DEV));
    s.at(20).expect(Claim::ran_times(A, 1));
    s.finish();
}

/// A claim that does not hold fails the case with its line and its words.
#[test]
#[should_panic(expected = "mine.devres:3: expected `a ran`")]
fn a_session_fails_with_the_line_of_the_expectation() {
    let mut s = session();
    s.at(1).register(DEV);
    s.at(2).add_action(A);
    s.at(3).expect(Claim::ran(A));
    s.at(4).finish();
}

/// So does one that holds and must not.
#[test]
#[should_panic(expected = "mine.devres:2: expected not `dev alive`")]
fn a_session_fails_for_what_must_not_hold() {
    let mut s = session();
    s.at(1).register(DEV);
    s.at(2).expect_not(Claim::Alive(DEV));
    s.at(3).finish();
}

/// All failures are told, not only the first.
#[test]
#[should_panic(
    expected = "mine.devres:2: expected `dev freed`\nmine.devres:3: expected `dev bound`\n"
)]
fn a_session_collects_failures() {
    let mut s = session();
    s.at(1).register(DEV);
    s.at(2).expect(Claim::Freed(DEV));
    s.at(3).expect(Claim::Bound(DEV));
    s.at(4).finish();
}

/// A session that nobody finishes would pass whatever happened in it.
#[test]
#[should_panic(expected = "without `finish`")]
fn a_session_has_to_be_finished() {
    session().register(DEV);
}

/// An operation must not return an error unless that is asked for: here
/// `driver_register()` returns -EBUSY.
#[test]
#[should_panic(
    expected = "mine.devres:2: expected no error from `register driver`, which returned -16"
)]
fn a_session_fails_for_an_error_that_was_not_asked_for() {
    let mut s = session();
    s.at(1).register_driver(DRV);
    s.at(2).register_driver(DRV);
    s.at(3).finish();
}

/// And has to return it if it is: here `device_driver_attach()`.
#[test]
#[should_panic(
    expected = "mine.devres:3: expected EAGAIN from `bind dev to driver`, which returned -16"
)]
fn a_session_fails_for_another_error() {
    let mut s = session();
    s.at(1).register_driver(DRV);
    s.at(2).register(DEV);
    s.at(3).fails(Bind(DEV, DRV), Errno::EAGAIN);
    s.at(4).finish();
}

/// What failed changes nothing of what there is to give up: the driver that was registered
/// once is unregistered once.
#[test]
fn a_session_gives_up_nothing_for_what_failed() {
    let mut s = session();
    s.register_driver(DRV);
    s.fails(RegisterDriver(DRV), Errno::EBUSY);
    s.finish();
}

/// A fault that was announced ends the case well: nothing after it is carried out or judged.
#[test]
fn an_announced_fault_ends_the_session() {
    let mut s = session();
    s.register(DEV);
    s.unregister(DEV);
    s.announce(Fault::UseAfterFree(DEV));
    s.put(DEV);
    s.expect(Claim::Alive(DEV));
    s.get(DEV);
    s.finish();
}

/// One that was not fails it, with what happened until then.
#[test]
#[should_panic(expected = "mine.devres:3: fault in `put dev`: `dev` is used after it was freed")]
fn a_fault_fails_the_session() {
    let mut s = session();
    s.at(1).register(DEV);
    s.at(2).unregister(DEV);
    s.at(3).put(DEV);
}

/// So does another fault than the announced one.
#[test]
#[should_panic(expected = "fault in `put dev`")]
fn another_fault_than_the_announced_one_fails_the_session() {
    let mut s = session();
    s.register(DEV);
    s.unregister(DEV);
    s.announce(Fault::Underflow(DEV));
    s.put(DEV);
}

/// And an announced one that does not come.
#[test]
#[should_panic(
    expected = "mine.devres:2: expected a fault in `unregister dev`: `dev` is used after it was freed"
)]
fn an_announced_fault_has_to_come() {
    let mut s = session();
    s.at(1).register(DEV);
    s.announce(Fault::UseAfterFree(DEV));
    s.at(2).unregister(DEV);
    s.at(3).finish();
}

/// What a callback's operation returns nobody sees, so the end tells.
#[test]
#[should_panic(expected = "an operation in the body of an action or a driver returned an error")]
fn an_error_in_a_body_fails_the_session() {
    static PROGRAM: Program<'static> = bound(&[Action::new("a", DEV, &[RegisterDriver(DRV)])]);
    let mut s = Session::new(FILE, 1, &PROGRAM, FIXED);
    s.register_driver(DRV);
    s.register(DEV);
    s.add_action(A);
    s.unregister(DEV);
    s.finish();
}

/// `put_device()` in an action needs a reference that the scenario took.
#[test]
#[should_panic(
    expected = "mine.devres:2: no reference of `dev` is left for the action to take over"
)]
fn an_action_takes_over_a_reference_that_there_is() {
    let mut s = session();
    s.at(1).register(DEV);
    s.at(2).add_action(PUTS);
}

/// References that an action took over are the action's; what it gives back is the
/// scenario's again, and dropped at the end.
#[test]
fn a_session_gives_up_what_it_still_owns() {
    let mut s = session();
    s.register(DEV);
    s.get(DEV);
    s.add_action(PUTS);
    s.give_up();
    s.expect(Claim::Freed(DEV));
    s.expect(Claim::ran(PUTS));
    s.finish();

    let mut s = session();
    s.register(DEV);
    s.get(DEV);
    s.add_action(PUTS);
    s.remove_action(PUTS);
    s.give_up();
    s.expect(Claim::Freed(DEV));
    s.expect(Claim::not_run(PUTS));
    s.finish();
}

/// On a kernel without the fix the reference that the action never dropped is nobody's,
/// and the device leaks: `device_del()`.
#[test]
fn a_session_drops_no_reference_of_an_action_that_never_ran() {
    static PROGRAM: Program<'static> = root(&[Action::new("puts", DEV, &[Put(DEV)])]);
    let mut s = Session::new(FILE, 1, &PROGRAM, UNFIXED);
    s.register(DEV);
    s.get(DEV);
    s.add_action(A);
    s.give_up();
    s.expect(Claim::Alive(DEV));
    s.expect(Claim::not_run(A));
    s.finish();
}

/// Handles are closed, then devices unregistered, newest first, then references dropped,
/// then drivers unregistered, newest first.
#[test]
fn holdings_are_given_up_in_the_order_of_their_dependence() {
    static PROGRAM: Program<'static> = Program {
        devices: &[
            Device::new("dev", &PLATFORM),
            Device::new("other", &PLATFORM),
        ],
        drivers: &[Driver::new("driver", DEV), Driver::new("next", OTHER)],
        handles: &[Handle::new("file", DEV)],
        ..Program::EMPTY
    };
    const HANDLE: HandleId = HandleId(0);
    let ops = [
        RegisterDriver(DRV),
        RegisterDriver(NEXT),
        Register(DEV),
        Register(OTHER),
        Get(DEV),
        Open(HANDLE),
    ];
    let mut holdings = Holdings::new();
    for op in ops {
        assert_eq!(holdings.apply(&PROGRAM, op, None), Ok(()));
    }
    assert_eq!(
        holdings.give_up(&PROGRAM),
        [
            Close(HANDLE),
            Put(DEV),
            Unregister(OTHER),
            Unregister(DEV),
            UnregisterDriver(NEXT),
            UnregisterDriver(DRV),
        ]
    );
}

/// The two halves are owned as the kernel means them: `device_initialize()` leaves a
/// reference to drop, `device_add()` a registration to undo, `device_del()` the reference.
#[test]
fn holdings_know_the_halves_of_registration() {
    let after = |ops: &[Op]| {
        let mut holdings = Holdings::new();
        for &op in ops {
            assert_eq!(holdings.apply(&ONE, op, None), Ok(()));
        }
        holdings.give_up(&ONE)
    };
    assert_eq!(after(&[Init(DEV)]), [Put(DEV)]);
    assert_eq!(after(&[Init(DEV), Add(DEV)]), [Unregister(DEV)]);
    assert_eq!(after(&[Init(DEV), Add(DEV), Del(DEV)]), [Put(DEV)]);
    assert_eq!(after(&[Init(DEV), Add(DEV), Del(DEV), Put(DEV)]), []);
}

/// Links drop their references later, so that the end has to wait for them:
/// `device_link_wait_removal()`.
#[test]
fn a_session_waits_for_queued_work_at_the_end() {
    static PROGRAM: Program<'static> = Program {
        devices: &[
            Device::new("dev", &PLATFORM),
            Device::new("other", &PLATFORM),
        ],
        ..Program::EMPTY
    };
    let mut s = Session::new(FILE, 1, &PROGRAM, FIXED);
    s.register(DEV);
    s.register(OTHER);
    s.link(OTHER, DEV, LinkFlags::Managed);
    s.give_up();
    s.expect(Claim::Freed(DEV));
    s.expect(Claim::Freed(OTHER));
    s.finish();
}

/// `Recorder::settled` shows what queued work will do, without doing it.
#[test]
fn a_settled_recorder_is_a_look_ahead() {
    static PROGRAM: Program<'static> = Program {
        devices: &[
            Device::new("dev", &PLATFORM),
            Device::new("other", &PLATFORM),
        ],
        ..Program::EMPTY
    };
    let ops = [
        Register(DEV),
        Register(OTHER),
        Link(OTHER, DEV, Managed),
        Unregister(DEV),
    ];
    let run = Run::of(&PROGRAM).ops(&ops);
    let later = run.recorder().settled().unwrap();
    assert!(later.state().device(DEV).is_released());
    assert!(!run.is_released(DEV));
}

/// A bound case has a driver that is there before the device and after it, and a case below
/// another device has that one from the beginning to the end.
#[test]
fn a_case_sets_up_what_the_scenario_does_not_mention() {
    let case = Case::bound(&PLATFORM).below(&ROOT);
    let devices = case.devices(&[Device::new("dev", &PLATFORM)]);
    let drivers = case.drivers(&[]);
    let program = Program {
        devices: &devices,
        drivers: &drivers,
        ..Program::EMPTY
    };
    let mut s = Session::new(FILE, 1, &program, case.model);
    s.at(2).expect(Claim::Alive(OTHER));
    s.at(3).expect(Claim::Refs(OTHER, 0));
    s.at(4).register(DEV);
    s.at(5).expect(Claim::Bound(DEV));
    s.at(6).expect(Claim::Refs(OTHER, 2));
    s.at(7).give_up();
    s.at(8).expect(Claim::Freed(DEV));
    s.at(9).expect(Claim::Freed(OTHER));
    s.at(10).finish();
}

/// An unbound case has no driver, and a case without a fix names the fix.
#[test]
fn a_case_is_a_kind_and_a_kernel() {
    let case = Case::unbound(&ROOT).without(Fix::DelReleasesDevres);
    assert!(case.lacks(Fix::DelReleasesDevres));
    assert!(!Case::bound(&ROOT).lacks(Fix::DelReleasesDevres));
    assert_eq!(case.drivers(&[]), []);
    assert_eq!(case.model, UNFIXED);
    assert_eq!(case.model.to_string(), "without 699fb50d9903");
}

fn of_the_first_fix(case: &Case<'_>) {
    let program = Program {
        devices: &case.devices(&[Device::new("dev", case.kind)]),
        actions: &[Action::new("a", DEV, &[])],
        ..Program::EMPTY
    };
    let mut s = Session::new(FILE, 1, &program, case.model);
    s.at(2).register(DEV);
    s.at(3).add_action(A);
    s.at(4).get(DEV);
    s.at(5).unregister(DEV);
    s.at(6).expect(Claim::ran(A));
    s.at(7).finish();
}

/// A scenario is tried on every kernel, and the ones on which it fails are told.
#[test]
#[should_panic(expected = "failed on a kernel without 699fb50d9903")]
fn a_scenario_has_to_hold_on_every_kernel() {
    Case::unbound(&ROOT).on_every_kernel(of_the_first_fix);
}

/// With that fix put in it holds on all of them.
#[test]
fn a_scenario_may_hold_on_every_kernel() {
    fn scenario(case: &Case<'_>) {
        of_the_first_fix(&Case {
            model: case.model.with(Fix::DelReleasesDevres),
            ..*case
        });
    }
    Case::unbound(&ROOT).on_every_kernel(scenario);
}
