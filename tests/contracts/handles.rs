//! Open files of a character device, whose cdev holds the device: `fs/char_dev.c`.

use crate::util::*;

const FILE: HandleId = HandleId(0);
static PROGRAM: Program<'static> = Program {
    devices: &[Device::new("dev", &CLASS)],
    handles: &[Handle::new("file", DEV)],
    ..Program::EMPTY
};

/// An open file holds the device, and gives it back: `cdev_get()`, `cdev_put()`.
#[test]
fn an_open_file_holds_a_reference() {
    let run = Run::of(&PROGRAM).ops(&[Register(DEV), Open(FILE)]);
    assert_eq!((run.refs(DEV), run.state().is_open(FILE)), (3, true));
    let run = run.ops(&[Close(FILE)]);
    assert_eq!((run.refs(DEV), run.state().is_open(FILE)), (2, false));
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
