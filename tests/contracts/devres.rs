//! The list of managed resources itself: `drivers/base/devres.c`.

use crate::util::*;

static THREE: Program<'static> = root(&[
    Action::new("a", DEV, &[]),
    Action::new("b", DEV, &[]),
    Action::new("c", DEV, &[]),
]);

/// The newest one is run first: `release_nodes()`.
#[test]
fn devres_release_all_runs_the_newest_first() {
    let ops = [Register(DEV), AddAction(B), AddAction(A), AddAction(C)];
    let mut run = Run::of(&THREE).ops(&ops);
    assert_eq!(
        run.events(Del(DEV)),
        [Event::Action(C), Event::Action(A), Event::Action(B)]
    );
}

/// `devm_add_action()` does not look whether the same one is queued already: it runs as
/// often as it was added.
#[test]
fn devm_add_action_queues_the_same_action_again() {
    let ops = [Register(DEV), AddAction(A), AddAction(B), AddAction(A)];
    let mut run = Run::of(&THREE).ops(&ops);
    assert_eq!(
        run.events(Del(DEV)),
        [Event::Action(A), Event::Action(B), Event::Action(A)]
    );
}

/// What `devm_remove_action()` takes off the list does not run, neither then nor later.
#[test]
fn devm_remove_action_runs_nothing() {
    let mut run = Run::of(&THREE).ops(&[Register(DEV), AddAction(A), AddAction(B)]);
    assert_eq!(run.events(RemoveAction(A)), []);
    assert_eq!(
        run.events(Unregister(DEV)),
        [Event::Action(B), Event::Released(DEV)]
    );
}

/// Of two that are the same it takes the newer one: `devres_remove()` searches from the end.
#[test]
fn devm_remove_action_takes_the_newest() {
    let ops = [Register(DEV), AddAction(A), AddAction(B), AddAction(A)];
    let mut run = Run::of(&THREE).ops(&ops).ops(&[RemoveAction(A)]);
    assert_eq!(run.events(Del(DEV)), [Event::Action(B), Event::Action(A)]);
}

/// `devm_release_action()` runs the action at once, and it does not run again.
#[test]
fn devm_release_action_runs_the_action_now() {
    let mut run = Run::of(&THREE).ops(&[Register(DEV), AddAction(A), AddAction(B)]);
    assert_eq!(run.counted(ReleaseAction(A)), [(Event::Action(A), 1)]);
    assert_eq!(
        run.events(Unregister(DEV)),
        [Event::Action(B), Event::Released(DEV)]
    );
}

/// It takes the newer of two that are the same as well: `devres_release()`.
#[test]
fn devm_release_action_takes_the_newest() {
    let ops = [Register(DEV), AddAction(A), AddAction(B), AddAction(A)];
    let mut run = Run::of(&THREE).ops(&ops).ops(&[ReleaseAction(A)]);
    assert_eq!(run.events(Del(DEV)), [Event::Action(B), Event::Action(A)]);
}

/// Each of the two warns if there is no such action, and does nothing else:
/// `devm_remove_action()`, `devm_release_action()`.
#[test]
fn an_action_that_is_not_queued_is_a_warning() {
    let searches = [
        (RemoveAction(A), Warning::RemoveAction),
        (ReleaseAction(A), Warning::ReleaseAction),
    ];
    for (search, warning) in searches {
        let mut run = Run::of(&THREE).ops(&[Register(DEV), AddAction(B)]);
        assert_eq!(run.events(search), [Event::Warning(warning)]);
        assert_eq!(run.state().runs(A), 0);
        // Once there, it is found once.
        let mut run = run.ops(&[AddAction(A), search]);
        assert_eq!(run.events(search), [Event::Warning(warning)]);
        assert_eq!(run.events(Del(DEV)), [Event::Action(B)]);
    }
}

/// The list has been left before the action is called, so it does not find itself:
/// `devres_release()`.
#[test]
fn devm_release_action_takes_the_action_off_the_list_first() {
    static PROGRAM: Program<'static> = root(&[Action::new("a", DEV, &[RemoveAction(A)])]);
    let mut run = Run::of(&PROGRAM).ops(&[Register(DEV), AddAction(A)]);
    assert_eq!(
        run.events(ReleaseAction(A)),
        [Event::Action(A), Event::Warning(Warning::RemoveAction)]
    );
}

/// But a sibling is found: this is no pass, and nothing else left the list
/// (`devm_release_action()`).
#[test]
fn devm_release_action_leaves_the_siblings_on_the_list() {
    static PROGRAM: Program<'static> = root(&[
        Action::new("a", DEV, &[]),
        Action::new("b", DEV, &[ReleaseAction(A)]),
    ]);
    let mut run = Run::of(&PROGRAM).ops(&[Register(DEV), AddAction(A), AddAction(B)]);
    assert_eq!(
        run.events(ReleaseAction(B)),
        [Event::Action(B), Event::Action(A)]
    );
    assert_eq!(run.events(Unregister(DEV)), [Event::Released(DEV)]);
}

/// What an action adds while `devm_release_action()` runs it stays on the list.
#[test]
fn an_action_added_by_devm_release_action_is_queued() {
    static PROGRAM: Program<'static> = root(&[
        Action::new("a", DEV, &[AddAction(B)]),
        Action::new("b", DEV, &[]),
    ]);
    let mut run = Run::of(&PROGRAM).ops(&[Register(DEV), AddAction(A), ReleaseAction(A)]);
    assert_eq!(run.counted(Del(DEV)), [(Event::Action(B), 1)]);
}

/// Each device has a list of its own: `dev->devres_head`.
#[test]
fn a_device_releases_only_what_is_on_its_own_list() {
    static PROGRAM: Program<'static> = Program {
        devices: &[Device::new("dev", &ROOT), Device::new("other", &ROOT)],
        actions: &[Action::new("a", DEV, &[]), Action::new("b", OTHER, &[])],
        ..Program::EMPTY
    };
    let ops = [Register(DEV), Register(OTHER), AddAction(A), AddAction(B)];
    let mut run = Run::of(&PROGRAM).ops(&ops);
    assert_eq!(
        run.events(Unregister(DEV)),
        [Event::Action(A), Event::Released(DEV)]
    );
    assert_eq!(
        run.events(Unregister(OTHER)),
        [Event::Action(B), Event::Released(OTHER)]
    );
}

/// `devm_add_action()` asks for no more than an initialised list, so it works before
/// `device_add()` and after `device_del()` as well.
#[test]
fn devm_add_action_works_before_device_add_and_after_device_del() {
    let ops = [Init(DEV), AddAction(A), Add(DEV), Del(DEV)];
    let mut run = Run::of(&THREE).ops(&ops);
    assert_eq!(run.state().runs(A), 1);
    assert_eq!(run.op(AddAction(B)), 0);
    assert_eq!(
        run.counted(Put(DEV)),
        [(Event::Action(B), 0), (Event::Released(DEV), 0)]
    );
}

/// `devres_log()`: what a kernel with CONFIG_DEBUG_DEVRES and `devres.log=1` prints, measured
/// on 6.1, 6.12 and 7.2.
#[test]
fn devres_log_says_add_remove_and_release() {
    use Devres::{Add as Added, Release, Remove};
    let ops = [
        Register(DEV),
        AddAction(A),
        AddAction(B),
        AddAction(C),
        RemoveAction(A),
        ReleaseAction(B),
        // There is none any more, so that there is nothing to say.
        RemoveAction(B),
        Unregister(DEV),
    ];
    let run = Run::of(&THREE).ops(&ops);
    assert_eq!(
        run.devres(),
        [
            (Added, A),
            (Added, B),
            (Added, C),
            (Remove, A),
            (Remove, B),
            (Release, C)
        ]
    );
}
