//! Memory and resources: `drivers/base/devres.c`. Measured on 6.1, 6.12 and 7.2; that memory is
//! gone, with KASAN on 6.12.

use crate::util::*;

const ENOENT: i32 = -2;

const MEM: ActionId = A;
const RES: ActionId = A;
const NEWER: ActionId = B;

static MEMORY: Program<'static> = root(&[
    Action::memory("mem", DEV),
    Action::new("newer", DEV, &[UseMemory(MEM)]),
    Action::memory("other", DEV),
]);
static RESOURCE: Program<'static> = root(&[
    Action::resource("res", DEV, &[UseMemory(RES)]),
    Action::new("newer", DEV, &[UseMemory(RES)]),
]);

fn memory() -> Run {
    Run::of(&MEMORY).ops(&[Register(DEV), AddAction(MEM)])
}

fn resource() -> Run {
    Run::of(&RESOURCE).ops(&[Register(DEV), AddAction(RES)])
}

/// `release_nodes()` frees each node at its place, newest first.
#[test]
fn memory_is_freed_at_its_place_on_the_list() {
    let mut run = memory().ops(&[AddAction(NEWER), Get(DEV), Unregister(DEV)]);
    assert_eq!(run.fault(UseMemory(MEM)), Fault::UsedAfterFree(MEM));
}

#[test]
fn what_is_older_than_memory_runs_after_it_is_gone() {
    static PROGRAM: Program<'static> = root(&[
        Action::new("older", DEV, &[UseMemory(B)]),
        Action::memory("mem", DEV),
    ]);
    let mut run = Run::of(&PROGRAM).ops(&[Register(DEV), AddAction(A), AddAction(B)]);
    assert_eq!(run.fault(Unregister(DEV)), Fault::UsedAfterFree(B));
}

/// Without the fix that waits for `device_release()`, and with it the memory does.
#[test]
fn memory_lives_as_long_as_the_list() {
    let mut run = Run::on(UNFIXED, &MEMORY).ops(&[
        Register(DEV),
        Get(DEV),
        AddAction(MEM),
        Unregister(DEV),
        UseMemory(MEM),
        Put(DEV),
    ]);
    assert_eq!(run.fault(UseMemory(MEM)), Fault::UsedAfterFree(MEM));
}

/// `replace_dr()` puts what `devm_krealloc()` allocates into the old one's place.
#[test]
fn devm_krealloc_keeps_the_place() {
    memory().ops(&[
        AddAction(NEWER),
        Realloc(MEM),
        Realloc(MEM),
        Unregister(DEV),
    ]);
}

/// `devm_kfree()` has a WARN_ON() for what is not on the list.
#[test]
fn devm_kfree_warns_of_what_is_gone() {
    let mut run = memory().ops(&[Free(MEM)]);
    assert_eq!(run.events(Free(MEM)), [Event::Warning(Warning::Kfree)]);
    assert_eq!(run.fault(Realloc(MEM)), Fault::UsedAfterFree(MEM));
}

/// It goes by the address, which may by then be that of other memory.
#[test]
fn devm_kfree_of_what_is_gone_may_free_something_else() {
    let mut run = memory().ops(&[Free(MEM), AddAction(C)]);
    assert_eq!(run.fault(Free(MEM)), Fault::UsedAfterFree(MEM));
}

/// What is just being released is on no list.
#[test]
fn memory_is_not_found_while_the_list_is_released() {
    static PROGRAM: Program<'static> = root(&[
        Action::memory("mem", DEV),
        Action::new("newer", DEV, &[Free(A), UseMemory(A)]),
    ]);
    let mut run = Run::of(&PROGRAM).ops(&[Register(DEV), AddAction(A), AddAction(B)]);
    assert_eq!(
        run.events(Unregister(DEV)),
        [
            Event::Action(B),
            Event::Warning(Warning::Kfree),
            Event::Released(DEV)
        ]
    );
}

/// `kmalloc()` asks no device.
#[test]
fn unmanaged_memory_goes_when_it_is_freed() {
    static PROGRAM: Program<'static> = root(&[Action::unmanaged("mem")]);
    let mut run =
        Run::of(&PROGRAM).ops(&[AddAction(A), Register(DEV), Unregister(DEV), UseMemory(A)]);
    run.op(Free(A));
    assert_eq!(run.fault(Free(A)), Fault::UsedAfterFree(A));
    let mut run = Run::of(&PROGRAM);
    assert_eq!(run.fault(UseMemory(A)), Fault::NotAllocated(A));
    let mut run = Run::of(&PROGRAM).ops(&[AddAction(A)]);
    assert_eq!(run.fault(AddAction(A)), Fault::AllocatedTwice(A));
}

/// A resource's memory is there until its release function has returned.
#[test]
fn a_release_function_sees_the_memory() {
    let mut run = resource().ops(&[AddAction(NEWER), Get(DEV)]);
    assert_eq!(
        run.events(Unregister(DEV)),
        [Event::Action(NEWER), Event::Action(RES)]
    );
    assert_eq!(run.fault(UseMemory(RES)), Fault::UsedAfterFree(RES));
}

/// `devres_release()`, `devres_destroy()` and `devres_remove()` return -ENOENT or NULL for what
/// is not there, without a word.
#[test]
fn what_is_not_on_the_list_is_an_error_and_no_warning() {
    for gone in [ReleaseAction(RES), DestroyResource(RES)] {
        let mut run = resource().ops(&[FindResource(RES), gone]);
        for op in [
            FindResource(RES),
            ReleaseAction(RES),
            DestroyResource(RES),
            RemoveAction(RES),
        ] {
            assert_eq!(run.op(op), ENOENT);
            assert!(!run.recorder().has_warned());
        }
        let ran = u8::from(gone == ReleaseAction(RES));
        assert_eq!(run.state().runs(RES), ran);
    }
}

/// What `devres_remove()` returns is its caller's, until `devres_add()` or `devres_free()`.
#[test]
fn a_resource_that_was_taken_off_is_its_takers() {
    let mut run = resource().ops(&[RemoveAction(RES), UseMemory(RES), AddResource(RES)]);
    // add_dr() has a BUG_ON() for what is on a list, and so has devres_free().
    assert_eq!(run.fault(AddResource(RES)), Fault::AddedTwice(RES));
    let mut run = resource();
    assert_eq!(run.fault(Free(RES)), Fault::FreedWhileAdded(RES));
    let mut run = resource().ops(&[RemoveAction(RES), Free(RES)]);
    assert_eq!(run.fault(AddResource(RES)), Fault::UsedAfterFree(RES));
}

/// `devres_get()` gives the one that is there, or adds the new one.
#[test]
fn devres_get_adds_one_where_there_is_none() {
    let mut run = resource();
    assert_eq!(run.op(GetResource(RES)), 1);
    run.op(ReleaseAction(RES));
    assert_eq!(run.op(GetResource(RES)), 0);
    assert_eq!(
        run.events(Unregister(DEV)),
        [Event::Action(RES), Event::Released(DEV)]
    );
}

/// 8e1ddfada453: a group that is just going with everything else is none to warn of.
#[test]
fn devres_release_group_looks_whether_the_list_is_empty() {
    static PROGRAM: Program<'static> = Program {
        devices: &[Device::new("dev", &ROOT)],
        actions: &[
            Action::new("last", DEV, &[ReleaseGroup(GroupId(0))]),
            Action::new("more", DEV, &[]),
        ],
        groups: &[Group::new("rest", DEV)],
        ..Program::EMPTY
    };
    let unfixed = Model::ALL.without(Fix::GroupMayBeGone);
    for (model, warns) in [(Model::ALL, false), (unfixed, true)] {
        let mut run =
            Run::on(model, &PROGRAM).ops(&[Register(DEV), OpenGroup(GroupId(0)), AddAction(A)]);
        let warning = Event::Warning(Warning::ReleaseGroup);
        assert_eq!(run.events(Unregister(DEV)).contains(&warning), warns);
        // With something else on the list it is one, on every kernel.
        let mut run = Run::on(model, &PROGRAM).ops(&[Register(DEV), AddAction(B)]);
        assert_eq!(run.events(ReleaseGroup(GroupId(0))), [warning]);
    }
}
