//! Groups of managed resources: `drivers/base/devres.c`. Measured on 6.1, 6.12 and 7.2.

use crate::util::*;

const OUTER: GroupId = GroupId(0);
const INNER: GroupId = GroupId(1);
static PROGRAM: Program<'static> = Program {
    devices: &[Device::new("dev", &ROOT)],
    actions: &[
        Action::new("a", DEV, &[]),
        Action::new("b", DEV, &[]),
        Action::new("c", DEV, &[]),
    ],
    groups: &[Group::new("outer", DEV), Group::new("inner", DEV)],
    ..Program::EMPTY
};

fn overlapping() -> Run {
    Run::of(&PROGRAM).ops(&[
        Register(DEV),
        OpenGroup(OUTER),
        AddAction(A),
        OpenGroup(INNER),
        AddAction(B),
        CloseGroup(OUTER),
        AddAction(C),
        CloseGroup(INNER),
    ])
}

/// `devres_release_group()` returns how many resources it released, groups not counted.
#[test]
fn an_overlapping_group_stays() {
    let mut run = overlapping();
    assert_eq!(
        run.events(ReleaseGroup(OUTER)),
        [Event::Action(B), Event::Action(A)]
    );
    assert_eq!(run.op(ReleaseGroup(INNER)), 1);
    let mut run = overlapping();
    assert_eq!(run.op(ReleaseGroup(OUTER)), 2);
}

/// A group that was not closed reaches to the end of the list (`remove_nodes()`).
#[test]
fn an_open_group_has_no_end() {
    let mut run = Run::of(&PROGRAM).ops(&[
        Register(DEV),
        AddAction(A),
        OpenGroup(OUTER),
        AddAction(B),
        OpenGroup(INNER),
        AddAction(C),
    ]);
    assert_eq!(run.op(ReleaseGroup(OUTER)), 2);
    // The inner one lay within, and went with it.
    assert_eq!(
        run.events(RemoveGroup(INNER)),
        [Event::Warning(Warning::RemoveGroup)]
    );
}

/// On an empty list `devres_release_group()` is silent (8e1ddfada453); the other two warn.
#[test]
fn releasing_says_nothing_of_an_empty_list() {
    let mut run = Run::of(&PROGRAM).ops(&[Register(DEV)]);
    assert_eq!(run.events(ReleaseGroup(OUTER)), []);
    let warning = |warning| [Event::Warning(warning)];
    assert_eq!(run.events(CloseGroup(OUTER)), warning(Warning::CloseGroup));
    assert_eq!(
        run.events(RemoveGroup(OUTER)),
        warning(Warning::RemoveGroup)
    );
    let mut run = run.ops(&[AddAction(A)]);
    assert_eq!(
        run.events(ReleaseGroup(OUTER)),
        warning(Warning::ReleaseGroup)
    );
}

/// `add_dr()` has a BUG_ON() for a node that is on a list.
#[test]
fn a_group_is_closed_once() {
    let mut run = Run::of(&PROGRAM).ops(&[Register(DEV), OpenGroup(OUTER), CloseGroup(OUTER)]);
    assert_eq!(run.fault(CloseGroup(OUTER)), Fault::ClosedTwice(DEV));
}
