//! How many references there are, `kref_read(&dev->kobj.kref)`, and what sees them.

use crate::util::*;

static WITH_ACTION: &[Action<'static>] = &[Action::new("a", DEV, &[])];
static BOUND: Program<'static> = bound(WITH_ACTION);

/// The one of whoever initialises the device, whatever it is: `device_initialize()`.
#[test]
fn device_initialize_leaves_one_reference() {
    for (kind, _) in KINDS {
        let run = Run::of(alone(kind, &[])).ops(&[Init(DEV)]);
        assert_eq!(run.refs(DEV), 1, "{kind:?}");
    }
}

/// One more for each list that the device is on: the parent's, the bus's, the class's.
/// What `device_add()` takes for itself it drops again.
#[test]
fn device_add_adds_one_reference_for_each_list() {
    for (kind, refs) in KINDS {
        let run = Run::of(alone(kind, &[])).ops(&[Init(DEV), Add(DEV)]);
        assert_eq!(run.refs(DEV), refs, "{kind:?}");
        let run = Run::of(alone(kind, &[])).ops(&[Register(DEV)]);
        assert_eq!(run.refs(DEV), refs, "{kind:?}");
    }
}

/// `get_device()` and `put_device()` add one and take it away.
#[test]
fn get_device_adds_one_reference_and_put_device_drops_it() {
    for (kind, refs) in KINDS {
        let run = Run::of(alone(kind, &[])).ops(&[Register(DEV), Get(DEV), Get(DEV)]);
        assert_eq!(run.refs(DEV), refs + 2, "{kind:?}");
        let run = run.ops(&[Put(DEV)]);
        assert_eq!(run.refs(DEV), refs + 1, "{kind:?}");
    }
}

/// `device_del()` leaves all lists again: what is left is that of `device_initialize()`.
#[test]
fn device_del_leaves_one_reference() {
    for (kind, _) in KINDS {
        let run = Run::of(alone(kind, &[])).ops(&[Register(DEV), Del(DEV)]);
        assert_eq!(run.refs(DEV), 1, "{kind:?}");
    }
}

/// Called by `device_add()`, probe sees the one that that function takes and the one of the
/// bus's list; the parent's list is joined only after `bus_probe_device()`.
#[test]
fn really_probe_called_by_device_add_sees_three_references() {
    let mut run = Run::of(&BOUND).ops(&[RegisterDriver(DRV)]);
    assert_eq!(run.counted(Register(DEV)), [(Event::Probe(DRV, DEV), 3)]);
    assert_eq!(run.refs(DEV), 3);
}

/// Without a parent the same three are seen, of which only two are left: `device_add()`.
#[test]
fn device_add_drops_its_own_reference_after_the_probe() {
    static PROGRAM: Program<'static> = Program {
        devices: &[Device::new("dev", &BUS)],
        drivers: &[Driver::new("driver", DEV)],
        ..Program::EMPTY
    };
    let mut run = Run::of(&PROGRAM).ops(&[RegisterDriver(DRV)]);
    assert_eq!(run.counted(Register(DEV)), [(Event::Probe(DRV, DEV), 3)]);
    assert_eq!(run.refs(DEV), 2);
}

/// A device that is on a bus and in a class joins the class's list after it was probed:
/// `device_add()`.
#[test]
fn device_add_joins_the_class_after_the_probe() {
    static BOTH: Kind<'static> = Kind::new("both").on_bus().in_class();
    static PROGRAM: Program<'static> = Program {
        devices: &[Device::new("dev", &BOTH)],
        drivers: &[Driver::new("driver", DEV)],
        ..Program::EMPTY
    };
    let mut run = Run::of(&PROGRAM).ops(&[RegisterDriver(DRV), Init(DEV), Get(DEV)]);
    assert_eq!(run.counted(Add(DEV)), [(Event::Probe(DRV, DEV), 4)]);
    assert_eq!(run.refs(DEV), 4);
}

/// Called by `driver_attach()`, probe sees a device that is registered, and no more.
#[test]
fn driver_attach_takes_no_reference() {
    let mut run = Run::of(&BOUND).ops(&[Register(DEV)]);
    assert_eq!(
        run.counted(RegisterDriver(DRV)),
        [(Event::Probe(DRV, DEV), 3)]
    );
}

/// A bound device is on its driver's list, which holds no reference: `driver_bound()`.
#[test]
fn driver_bound_takes_no_reference() {
    let run = Run::of(&BOUND).ops(&[RegisterDriver(DRV), Register(DEV)]);
    assert_eq!((run.refs(DEV), run.driver(DEV)), (3, Some(DRV)));
    let run = Run::of(&BOUND).ops(&[Register(DEV), RegisterDriver(DRV)]);
    assert_eq!((run.refs(DEV), run.driver(DEV)), (3, Some(DRV)));
}

/// The device stays on all lists, so remove and the actions see what the scenario sees,
/// the user's own reference included: `device_release_driver()`.
#[test]
fn device_release_driver_takes_no_reference() {
    let mut run = Run::of(&BOUND).ops(&[RegisterDriver(DRV), Register(DEV), AddAction(A)]);
    assert_eq!(
        run.counted(Unbind(DEV)),
        [(Event::Remove(DRV, DEV), 3), (Event::Action(A), 3)]
    );
    assert_eq!(run.refs(DEV), 3);
    let mut run = run.ops(&[Attach(DEV), AddAction(A), Get(DEV)]);
    assert_eq!(
        run.counted(Unbind(DEV)),
        [(Event::Remove(DRV, DEV), 4), (Event::Action(A), 4)]
    );
}

/// `driver_detach()` holds each device while it lets go of it.
#[test]
fn driver_unregister_holds_a_reference_of_its_own() {
    let registered = [RegisterDriver(DRV), Register(DEV), AddAction(A)];
    let mut run = Run::of(&BOUND).ops(&registered);
    assert_eq!(
        run.counted(UnregisterDriver(DRV)),
        [(Event::Remove(DRV, DEV), 4), (Event::Action(A), 4)]
    );
    assert_eq!(run.refs(DEV), 3);
    let mut run = Run::of(&BOUND).ops(&registered).ops(&[Get(DEV)]);
    assert_eq!(
        run.counted(UnregisterDriver(DRV)),
        [(Event::Remove(DRV, DEV), 5), (Event::Action(A), 5)]
    );
    assert_eq!(run.refs(DEV), 4);
}

/// `device_del()` leaves the lists first, `bus_remove_device()` the bus's, and only then is
/// the driver told.
#[test]
fn device_del_leaves_the_lists_before_device_release_driver() {
    let registered = [RegisterDriver(DRV), Register(DEV), AddAction(A)];
    let mut run = Run::of(&BOUND).ops(&registered);
    assert_eq!(
        run.counted(Del(DEV)),
        [(Event::Remove(DRV, DEV), 1), (Event::Action(A), 1)]
    );
    assert_eq!(run.refs(DEV), 1);
    let mut run = Run::of(&BOUND).ops(&registered).ops(&[Get(DEV)]);
    assert_eq!(
        run.counted(Unregister(DEV)),
        [(Event::Remove(DRV, DEV), 2), (Event::Action(A), 2)]
    );
    assert_eq!(run.refs(DEV), 1);
}

/// An action that is still queued when the last reference goes sees none:
/// `device_release()`.
#[test]
fn device_release_runs_actions_without_a_reference() {
    for (kind, _) in KINDS {
        let ops = [Register(DEV), Get(DEV), Unregister(DEV), AddAction(A)];
        let mut run = Run::of(alone(kind, WITH_ACTION)).ops(&ops);
        assert_eq!(
            run.counted(Put(DEV)),
            [(Event::Action(A), 0), (Event::Released(DEV), 0)],
            "{kind:?}"
        );
    }
}

/// A child holds its parent twice, by `device_add()` and by `kobject_add()`.
#[test]
fn a_child_costs_its_parent_two_references() {
    static PROGRAM: Program<'static> = Program {
        devices: &[
            Device::new("parent", &ROOT),
            Device::new("child", &ROOT).below(DEV),
            Device::new("sibling", &ROOT).below(DEV),
        ],
        ..Program::EMPTY
    };
    let run = Run::of(&PROGRAM).ops(&[Register(DEV)]);
    assert_eq!(run.refs(DEV), 1);
    let run = run.ops(&[Register(OTHER)]);
    assert_eq!((run.refs(DEV), run.refs(OTHER)), (3, 2));
    let run = run.ops(&[Register(THIRD)]);
    assert_eq!((run.refs(DEV), run.refs(THIRD)), (5, 2));
    let run = run.ops(&[Unregister(OTHER)]);
    assert_eq!(run.refs(DEV), 3);
    let run = run.ops(&[Unregister(THIRD)]);
    assert_eq!(run.refs(DEV), 1);
}

/// The child's initialisation costs the parent nothing, and `device_del()` gives both back
/// although the child lives on.
#[test]
fn device_del_gives_the_parents_references_back() {
    static PROGRAM: Program<'static> = Program {
        devices: &[
            Device::new("parent", &ROOT),
            Device::new("child", &ROOT).below(DEV),
        ],
        ..Program::EMPTY
    };
    let run = Run::of(&PROGRAM).ops(&[Register(DEV), Init(OTHER)]);
    assert_eq!(run.refs(DEV), 1);
    let run = run.ops(&[Add(OTHER)]);
    assert_eq!(run.refs(DEV), 3);
    let run = run.ops(&[Del(OTHER)]);
    assert_eq!((run.refs(DEV), run.refs(OTHER)), (1, 1));
}

/// The child's probe, in the middle of `device_add()`, sees the parent held twice already.
#[test]
fn device_add_takes_the_parents_references_before_the_probe() {
    static PROGRAM: Program<'static> = Program {
        devices: &[
            Device::new("parent", &ROOT),
            Device::new("child", &PLATFORM).below(DEV),
        ],
        drivers: &[Driver::new("driver", OTHER)],
        ..Program::EMPTY
    };
    let mut run = Run::of(&PROGRAM).ops(&[Register(DEV), RegisterDriver(DRV)]);
    let records = run.records(Register(OTHER));
    assert_eq!(event(&records[0]), Event::Probe(DRV, OTHER));
    let seen: Vec<u16> = records[0].devices.iter().map(|dev| dev.refs).collect();
    assert_eq!(seen, [3, 3]);
}

static GLUE: Program<'static> = Program {
    devices: &[
        Device::new("parent", &ROOT),
        Device::new("one", &CLASS).below(DEV),
        Device::new("two", &CLASS).below(DEV),
    ],
    ..Program::EMPTY
};

/// Below a device without a class, those of one class share a directory, which holds the
/// parent once for all of them: `get_device_parent()`.
#[test]
fn devices_of_a_class_share_the_reference_of_their_glue_directory() {
    let run = Run::of(&GLUE).ops(&[Register(DEV), Register(OTHER)]);
    assert_eq!((run.refs(DEV), run.refs(OTHER)), (3, 3));
    let run = run.ops(&[Register(THIRD)]);
    assert_eq!((run.refs(DEV), run.refs(THIRD)), (4, 3));
}

/// The directory goes with the last device in it, be it the one that made it or another:
/// `cleanup_glue_dir()`.
#[test]
fn the_glue_directory_goes_with_the_last_of_the_class() {
    for (first, last) in [(OTHER, THIRD), (THIRD, OTHER)] {
        let run = Run::of(&GLUE).ops(&[Register(DEV), Register(OTHER), Register(THIRD)]);
        let run = run.ops(&[Unregister(first)]);
        assert_eq!(run.refs(DEV), 3);
        let run = run.ops(&[Unregister(last)]);
        assert_eq!(run.refs(DEV), 1);
    }
}

/// Each class has a directory of its own: `get_device_parent()`.
#[test]
fn two_classes_have_two_glue_directories() {
    static NET: Kind<'static> = Kind::new("net").in_class();
    static PROGRAM: Program<'static> = Program {
        devices: &[
            Device::new("parent", &ROOT),
            Device::new("one", &CLASS).below(DEV),
            Device::new("two", &NET).below(DEV),
        ],
        ..Program::EMPTY
    };
    let run = Run::of(&PROGRAM).ops(&[Register(DEV), Register(OTHER), Register(THIRD)]);
    assert_eq!(run.refs(DEV), 5);
}

/// And each parent has one of its own for the same class: `get_device_parent()`.
#[test]
fn two_parents_have_two_glue_directories() {
    static PROGRAM: Program<'static> = Program {
        devices: &[
            Device::new("parent", &ROOT),
            Device::new("other_parent", &ROOT),
            Device::new("one", &CLASS).below(DEV),
            Device::new("two", &CLASS).below(OTHER),
        ],
        ..Program::EMPTY
    };
    const LAST: DeviceId = DeviceId(3);
    let run = Run::of(&PROGRAM).ops(&[Register(DEV), Register(OTHER)]);
    let run = run.ops(&[Register(THIRD), Register(LAST)]);
    assert_eq!((run.refs(DEV), run.refs(OTHER)), (3, 3));
    let run = run.ops(&[Unregister(THIRD), Unregister(LAST)]);
    assert_eq!((run.refs(DEV), run.refs(OTHER)), (1, 1));
}

/// Below a device that is in a class itself there is no directory between, so each child
/// costs two: `get_device_parent()`.
#[test]
fn below_a_device_of_a_class_there_is_no_glue_directory() {
    static PROGRAM: Program<'static> = Program {
        devices: &[
            Device::new("parent", &CLASS),
            Device::new("one", &CLASS).below(DEV),
            Device::new("two", &CLASS).below(DEV),
        ],
        ..Program::EMPTY
    };
    let run = Run::of(&PROGRAM).ops(&[Register(DEV)]);
    assert_eq!(run.refs(DEV), 2);
    let run = run.ops(&[Register(OTHER), Register(THIRD)]);
    assert_eq!(run.refs(DEV), 6);
    let run = run.ops(&[Unregister(OTHER), Unregister(THIRD)]);
    assert_eq!(run.refs(DEV), 2);
}
