//! Devices that are waited for by who unregisters them: `i2c_del_adapter()` in
//! drivers/i2c/i2c-core-base.c. Measured on 6.1, 6.12 and 7.2, where what waits for ever did not come
//! back.

use crate::util::*;

static ADAPTER: Kind<'static> = Kind::new("i2c_adapter").on_bus().waits();
static CHARDEV: Kind<'static> = Kind::new("chardev").in_class().cdev();
static CARD: Kind<'static> = Kind::new("drm").in_class().object();
const FILE: HandleId = HandleId(0);
const TRIGGER: DeviceId = DeviceId(3);
const CARDS: HandleId = HandleId(1);
static PROGRAM: Program<'static> = Program {
    devices: &[
        Device::new("dev", &ADAPTER),
        Device::new("port", &CHARDEV).below(DEV),
        Device::new("card", &CARD).below(DEV),
    ],
    handles: &[Handle::new("file", OTHER), Handle::new("cards", THIRD)],
    actions: &[
        Action::new("drops", DEV, &[Put(DEV)]),
        Action::new("adds", DEV, &[AddAction(A)]),
        Action::new("takes along", DEV, &[Unregister(OTHER)]),
    ],
    ..Program::EMPTY
};

static LINKED: Program<'static> = Program {
    devices: &[
        Device::new("dev", &ADAPTER),
        Device::new("client", &BUS),
        Device::new("third", &BUS),
    ],
    ..Program::EMPTY
};

/// It has a place on the bus of its clients, and no driver.
#[test]
fn an_adapter_goes_with_its_last_reference() {
    let mut run = Run::of(&PROGRAM).ops(&[Register(DEV)]);
    assert_eq!(run.refs(DEV), 2);
    assert_eq!(run.events(Unregister(DEV)), [Event::Released(DEV)]);
    let run = run.ops(&[Register(DEV)]);
    assert_eq!(run.refs(DEV), 2);
}

#[test]
fn who_holds_it_waits_for_himself() {
    let mut run = Run::of(&PROGRAM).ops(&[Register(DEV), Get(DEV)]);
    assert_eq!(run.fault(Unregister(DEV)), Fault::WaitsForever(DEV));
}

/// What an action drops is dropped in time with 699fb50d9903, and without it never.
#[test]
fn an_action_drops_it_in_time() {
    let ops = [Register(DEV), Get(DEV), AddAction(A)];
    let mut run = Run::of(&PROGRAM).ops(&ops);
    let goes = [Event::Action(A), Event::Released(DEV)];
    assert_eq!(run.events(Unregister(DEV)), goes);
    let mut run = Run::on(UNFIXED, &PROGRAM).ops(&ops);
    assert_eq!(run.fault(Unregister(DEV)), Fault::WaitsForever(DEV));
    let mut run = Run::of(&PROGRAM).ops(&[Register(DEV), Get(DEV), AddAction(B)]);
    assert_eq!(run.fault(Unregister(DEV)), Fault::WaitsForever(DEV));
}

/// A child holds it while it is added, and the object of one until that goes.
#[test]
fn children_hold_it() {
    let ready = [Register(DEV), Register(OTHER), Open(FILE)];
    let mut run = Run::of(&PROGRAM).ops(&ready);
    assert_eq!(run.fault(Unregister(DEV)), Fault::WaitsForever(DEV));
    let mut run = Run::of(&PROGRAM).ops(&ready).ops(&[Unregister(OTHER)]);
    assert_eq!(run.events(Unregister(DEV)), [Event::Released(DEV)]);
    let mut run = Run::of(&PROGRAM).ops(&ready).ops(&[AddAction(C)]);
    let goes = [Event::Action(C), Event::Released(DEV)];
    assert_eq!(run.events(Unregister(DEV)), goes);
    let ready = [
        Register(DEV),
        Register(THIRD),
        Open(CARDS),
        Unregister(THIRD),
    ];
    let mut run = Run::of(&PROGRAM).ops(&ready);
    assert_eq!(run.fault(Unregister(DEV)), Fault::WaitsForever(DEV));
    let mut run = Run::of(&PROGRAM).ops(&ready).ops(&[Close(CARDS)]);
    assert_eq!(run.events(Unregister(DEV)), [Event::Released(DEV)]);
}

/// The removal of a device link is work on a queue, and done before: no more of it than that.
#[test]
fn the_removal_of_a_link_is_waited_for() {
    let ready = [
        Register(DEV),
        Register(OTHER),
        Register(THIRD),
        Link(OTHER, DEV, LinkFlags::Managed),
        Link(THIRD, OTHER, LinkFlags::Managed),
        Unregister(THIRD),
    ];
    let mut run = Run::of(&LINKED).ops(&ready);
    assert_eq!((run.refs(OTHER), run.refs(THIRD)), (4, 1));
    assert_eq!(run.events(Unregister(DEV)), [Event::Released(DEV)]);
    assert_eq!((run.refs(OTHER), run.refs(THIRD)), (3, 1));
    assert!(run.state().has_queued_work());
}

/// Each removal is a work of its own, so that the kernel may do any of them first; one that has
/// nothing to do with the device may come before, and need not.
#[test]
fn removals_come_in_any_order() {
    let ready = [
        Register(DEV),
        Register(OTHER),
        Register(THIRD),
        Link(OTHER, DEV, LinkFlags::Managed),
        Link(THIRD, DEV, LinkFlags::Managed),
        Unregister(OTHER),
        Unregister(THIRD),
    ];
    // The first two moments are those at which the links begin to go.
    let released = |quick| {
        let work = Work {
            quick,
            ..Work::default()
        };
        let mut run = Run::of(&LINKED).ops(&ready).at_work(work);
        run.events(Unregister(DEV))
    };
    let all = [OTHER, THIRD, DEV].map(Event::Released);
    assert_eq!(released(0), all);
    let others = (1..16).map(released);
    let [other, third, dev] = all;
    assert!(others.clone().any(|events| events == [third, other, dev]));
    assert!(others.clone().all(|events| events.len() == 3));
}

/// Kinds of one's own that wait as well: with the lock of misc devices, and with a file, which is not
/// to be opened any more when `device_del()` has returned.
#[test]
fn whatever_waits_waits() {
    static MISC: Kind<'static> = Kind::new("misc").in_class().misc().waits();
    static FILES: Kind<'static> = Kind::new("files").in_class().cdev().waits();
    static PROGRAM: Program<'static> = Program {
        devices: &[
            Device::new("dev", &MISC),
            Device::new("other", &FILES),
            Device::new("third", &BUS),
            Device::new("trigger", &BUS),
        ],
        drivers: &[
            Driver::new("driver", THIRD).probes(&[
                Probe::new(&[]).attempt(1).fails(Errno::EPROBE_DEFER),
                Probe::new(&[Open(FILE), Put(OTHER)]),
            ]),
            Driver::new("next", TRIGGER),
        ],
        handles: &[Handle::new("file", OTHER)],
        ..Program::EMPTY
    };
    let mut run = Run::of(&PROGRAM).ops(&[Register(DEV), Get(DEV)]);
    assert_eq!(run.fault(Unregister(DEV)), Fault::WaitsForever(DEV));
    let ready = [
        RegisterDriver(DRV),
        RegisterDriver(NEXT),
        Register(OTHER),
        Get(OTHER),
        Register(THIRD),
        Register(TRIGGER),
    ];
    let mut run = Run::of(&PROGRAM).ops(&ready);
    let went = [Event::Probe(DRV, THIRD), Event::Released(OTHER)];
    assert_eq!(run.events(Unregister(OTHER)), went);
    assert!(!run.state().is_open(FILE));
}
