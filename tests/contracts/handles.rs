//! Open files of a character device, whose cdev holds the device: `fs/char_dev.c`.

use crate::util::*;

static CHARDEV: Kind<'static> = Kind::new("chardev").in_class().cdev();
/// An IIO device.
static HELD: Kind<'static> = Kind::new("iio").on_bus().with_parent().held_cdev();

const FILE: HandleId = HandleId(0);
static PROGRAM: Program<'static> = Program {
    devices: &[Device::new("dev", &CHARDEV)],
    handles: &[Handle::new("file", DEV)],
    ..Program::EMPTY
};

/// It is the cdev that holds the device, from its registration on; an open file holds the
/// cdev. Measured on 6.1, 6.12 and 7.2.
#[test]
fn an_open_file_holds_the_cdev() {
    let run = Run::of(&PROGRAM).ops(&[Init(DEV)]);
    assert_eq!(run.refs(DEV), 1);
    let run = run.ops(&[Add(DEV)]);
    assert_eq!(run.refs(DEV), 3);
    let run = run.ops(&[Open(FILE)]);
    assert_eq!((run.refs(DEV), run.state().is_open(FILE)), (3, true));
    let run = run.ops(&[Close(FILE)]);
    assert_eq!((run.refs(DEV), run.state().is_open(FILE)), (3, false));
    let run = run.ops(&[Del(DEV)]);
    assert_eq!(run.refs(DEV), 1);
}

/// IIO's open takes a reference of the device as well: `iio_chrdev_open()`. Measured on 6.1,
/// 6.12 and 7.2.
#[test]
fn an_open_file_of_iio_holds_the_device_too() {
    static IIO: Program<'static> = Program {
        devices: &[Device::new("dev", &HELD)],
        handles: &[Handle::new("file", DEV)],
        ..Program::EMPTY
    };
    let run = Run::of(&IIO).ops(&[Register(DEV)]);
    assert_eq!(run.refs(DEV), 4);
    let run = run.ops(&[Open(FILE)]);
    assert_eq!(run.refs(DEV), 5);
    let run = run.ops(&[Unregister(DEV)]);
    assert_eq!(run.refs(DEV), 2);
    let mut run = run;
    assert_eq!(run.events(Close(FILE)), [Event::Released(DEV)]);
}

/// The device outlives its registration as long as the file is open: `cdev_default_release()`.
#[test]
fn an_open_file_keeps_the_device() {
    let mut run = Run::of(&PROGRAM).ops(&[Register(DEV), Open(FILE)]);
    assert_eq!(run.events(Unregister(DEV)), []);
    assert_eq!(run.events(Close(FILE)), [Event::Released(DEV)]);
}

/// A device that is gone for user space, or not there yet, has no file to open, whoever
/// else holds it: `chrdev_open()` returns -ENXIO.
#[test]
fn chrdev_open_returns_enxio_without_a_registered_device() {
    let mut run = Run::of(&PROGRAM).ops(&[Init(DEV)]);
    assert_eq!(run.op(Open(FILE)), -6);
    let mut run = run.ops(&[Add(DEV), Get(DEV), Unregister(DEV)]);
    assert_eq!(run.op(Open(FILE)), -6);
    assert_eq!((run.refs(DEV), run.state().is_open(FILE)), (1, false));
    let mut run = run.ops(&[Put(DEV)]);
    assert!(run.is_released(DEV));
    assert_eq!(run.op(Open(FILE)), -6);
    // Before it ever was, there is no number that user space could know.
    assert_eq!(
        Run::of(&PROGRAM).fault(Open(FILE)),
        Fault::NotInitialized(DEV)
    );
}

/// `cdev_device_del()` deletes the device, and only then the cdev: what `device_del()` runs last, when it
/// lets go of the parent, still finds a file to open. Measured on 6.1, 6.12 and 7.2.
#[test]
fn the_cdev_goes_when_device_del_has_returned() {
    static BELOW: Program<'static> = Program {
        devices: &[
            Device::new("dev", &CHARDEV).below(OTHER),
            Device::new("parent", &PLATFORM),
        ],
        actions: &[Action::new("last", OTHER, &[Open(FILE), Close(FILE)])],
        handles: &[Handle::new("file", DEV)],
        ..Program::EMPTY
    };
    let mut run = Run::of(&BELOW).ops(&[Register(OTHER), Register(DEV)]);
    run = run.ops(&[Unregister(OTHER), AddAction(A)]);
    let released = [
        Event::Action(A),
        Event::Released(OTHER),
        Event::Released(DEV),
    ];
    assert_eq!(run.events(Unregister(DEV)), released);
    assert!(!run.state().failed_in_a_body());
}

/// A handle is one open file: it is closed once, and opened again only after that.
#[test]
fn a_handle_is_opened_and_closed_in_turn() {
    let mut run = Run::of(&PROGRAM).ops(&[Register(DEV)]);
    assert_eq!(run.fault(Close(FILE)), Fault::NotOpen(FILE));
    let mut run = Run::of(&PROGRAM).ops(&[Register(DEV), Open(FILE)]);
    assert_eq!(run.fault(Open(FILE)), Fault::OpenTwice(FILE));
    let run = Run::of(&PROGRAM).ops(&[Register(DEV), Open(FILE), Close(FILE)]);
    let mut run = run.ops(&[Open(FILE), Close(FILE)]);
    assert_eq!(run.fault(Close(FILE)), Fault::NotOpen(FILE));
}

/// What user space asks of an open file reaches the driver, also when the device is gone; a
/// framework may look first (`drm_dev_enter()`). Measured on 6.12.
#[test]
fn a_file_can_be_used_when_the_device_is_gone() {
    static DRM: Kind<'static> = Kind::new("drm").in_class().object();
    const ENODEV: i32 = -19;
    static OF_DRM: Program<'static> = Program {
        devices: &[Device::new("dev", &DRM)],
        handles: &[Handle::new("file", DEV)],
        ..Program::EMPTY
    };
    for (program, ret) in [(&PROGRAM, 0), (&OF_DRM, ENODEV)] {
        let mut run = Run::of(program).ops(&[Register(DEV), Open(FILE), UseHandle(FILE)]);
        run.op(Unregister(DEV));
        assert_eq!(run.op(UseHandle(FILE)), ret);
        run.op(Close(FILE));
        assert_eq!(run.fault(UseHandle(FILE)), Fault::NotOpen(FILE));
    }
}

const SECOND: HandleId = HandleId(1);
const CLOSES: ActionId = ActionId(3);
static MISC: Kind<'static> = Kind::new("misc").in_class().misc();
static MISCS: Program<'static> = Program {
    devices: &[Device::new("dev", &MISC), Device::new("other", &MISC)],
    handles: &[Handle::new("file", DEV), Handle::new("second", OTHER)],
    actions: &[
        Action::new("opens", DEV, &[Open(SECOND)]),
        Action::new("registers", DEV, &[Register(OTHER)]),
        Action::new("unregisters", DEV, &[Unregister(OTHER)]),
        Action::new("closes", DEV, &[Close(SECOND)]),
    ],
    ..Program::EMPTY
};

/// A file of a misc device holds nothing of it: `misc_open()`. Measured on 6.1, 6.12 and 7.2.
#[test]
fn an_open_file_of_a_misc_device_holds_nothing() {
    let mut run = Run::of(&MISCS).ops(&[Register(DEV), Open(FILE)]);
    assert_eq!(run.refs(DEV), 2);
    assert_eq!(run.events(Unregister(DEV)), [Event::Released(DEV)]);
    assert!(run.state().is_open(FILE));
    assert_eq!(run.op(UseHandle(FILE)), 0);
    assert_eq!(run.events(Close(FILE)), []);
}

/// What `misc_deregister()` has taken off the list is not found. Measured on 6.1, 6.12 and 7.2.
#[test]
fn a_misc_device_that_is_gone_is_not_found() {
    let mut run = Run::of(&MISCS).ops(&[Register(DEV), Get(DEV), Unregister(DEV)]);
    assert_eq!(run.op(Open(FILE)), -19);
    let mut run = run.ops(&[Put(DEV)]);
    assert_eq!(run.op(Open(FILE)), -19);
}

/// `misc_deregister()` holds `misc_mtx` while the device goes, and `misc_register()`, `misc_open()`
/// and another `misc_deregister()` want it. Measured on 6.12, which hangs; to close a file it does
/// not.
#[test]
fn misc_devices_have_one_lock() {
    let there: &[Op] = &[Register(OTHER)];
    for (action, ops) in [(A, there), (B, &[]), (C, there)] {
        let run = Run::of(&MISCS).ops(&[Register(DEV), AddAction(action)]);
        let mut run = run.ops(ops);
        assert_eq!(run.fault(Unregister(DEV)), Fault::Deadlock(DEV));
    }
    let ready = [
        Register(DEV),
        Register(OTHER),
        Open(SECOND),
        AddAction(CLOSES),
    ];
    let mut run = Run::of(&MISCS).ops(&ready);
    assert_eq!(
        run.events(Unregister(DEV)),
        [Event::Action(CLOSES), Event::Released(DEV)]
    );
}
