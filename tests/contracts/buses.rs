//! What buses do with drivers, each in its own way. Measured on 6.1, 6.12 and 7.2 (faux on
//! 7.2, kunit not on 6.1).

use crate::util::*;

static I2C: Kind<'static> = Kind::new("i2c").on_bus().with_parent().grouped();
static PCI: Kind<'static> = Kind::new("pci").on_bus().with_parent().held().late();
static KUNIT: Kind<'static> = Kind::new("kunit").on_bus().with_parent().any();
static FAUX: Kind<'static> = Kind::new("faux").on_bus().with_parent().own();

/// A bound device with an action that adds another one.
fn bound_to(kind: &'static Kind<'static>) -> Run {
    let program = Box::leak(Box::new(Program {
        devices: vec![Device::new("dev", kind)].leak(),
        drivers: const { &[Driver::new("drv", DEV)] },
        actions: const {
            &[
                Action::new("a", DEV, &[AddAction(B)]),
                Action::new("b", DEV, &[]),
            ]
        },
        ..Program::EMPTY
    }));
    Run::of(program).ops(&[RegisterDriver(DRV), Register(DEV), AddAction(A)])
}

/// `i2c_device_remove()` releases its group, and what an action adds goes in the pass of
/// `device_unbind_cleanup()`; a platform device keeps it, and is probed no more.
#[test]
fn a_group_around_the_driver_leaves_nothing() {
    let mut i2c = bound_to(&I2C).ops(&[Unbind(DEV)]);
    assert_eq!(i2c.op(Attach(DEV)), 1);
    let mut platform = bound_to(&PLATFORM).ops(&[Unbind(DEV)]);
    assert_eq!(platform.op(Attach(DEV)), EBUSY);
}

/// `pci_device_probe()` takes a reference; `pci_stop_dev()` unbinds before `device_del()`.
#[test]
fn the_pci_bus_holds_a_bound_device() {
    let run = bound_to(&PCI);
    assert_eq!(run.refs(DEV), 4);
    let run = run.ops(&[Unbind(DEV)]);
    assert_eq!(run.refs(DEV), 3);
    let mut run = bound_to(&PCI);
    assert_eq!(
        run.events(Unregister(DEV)),
        [
            Event::Remove(DRV, DEV),
            Event::Action(A),
            Event::Action(B),
            Event::Released(DEV)
        ]
    );
}

/// KUnit's bus has no match function: the first driver gets every device.
#[test]
fn any_driver_binds_where_nothing_is_matched() {
    static TWO: Program<'static> = Program {
        devices: &[Device::new("dev", &KUNIT), Device::new("other", &KUNIT)],
        drivers: &[Driver::new("drv", OTHER), Driver::new("next", DEV)],
        ..Program::EMPTY
    };
    let mut run = Run::of(&TWO).ops(&[RegisterDriver(DRV), RegisterDriver(NEXT)]);
    assert_eq!(run.events(Register(DEV)), [Event::Probe(DRV, DEV)]);
    assert_eq!(run.events(Register(OTHER)), [Event::Probe(DRV, OTHER)]);
}

/// A faux device is bound to the driver of its bus, which nobody sees.
#[test]
fn the_faux_bus_binds_by_itself() {
    let mut run = Run::of(alone(&FAUX, &[])).ops(&[Register(DEV)]);
    assert_eq!(run.state().device(DEV).driver(), Some(DriverId::OF_BUS));
    assert_eq!(run.events(Unbind(DEV)), []);
    assert_eq!(run.state().device(DEV).driver(), None);
    assert_eq!(run.op(Attach(DEV)), 1);
}

/// `drm_dev_release()`: managed resources, the device, the parent.
#[test]
fn an_object_outlives_its_registration() {
    static DRM: Kind<'static> = Kind::new("drm").in_class().object();
    static CARD: Program<'static> = Program {
        devices: &[
            Device::new("dev", &DRM).below(OTHER),
            Device::new("root", &ROOT),
        ],
        actions: &[Action::new("a", DEV, &[]).of_object()],
        handles: &[Handle::new("file", DEV)],
        ..Program::EMPTY
    };
    const FILE: HandleId = HandleId(0);
    let mut run = Run::of(&CARD).ops(&[Register(OTHER), Register(DEV)]);
    assert_eq!((run.refs(DEV), run.refs(OTHER)), (3, 4));
    run = run.ops(&[AddAction(A), Open(FILE)]);
    assert_eq!(run.events(Unregister(DEV)), []);
    assert_eq!((run.refs(DEV), run.refs(OTHER)), (1, 2));
    assert_eq!(
        run.events(Close(FILE)),
        [Event::Action(A), Event::Released(DEV)]
    );
    assert_eq!(run.refs(OTHER), 1);
}
