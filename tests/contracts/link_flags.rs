//! What the flags of device links come to: `DL_FLAG_AUTOREMOVE_*`, `DL_FLAG_AUTOPROBE_CONSUMER`
//! and `DL_FLAG_STATELESS` (`core.c`). Measured on 6.1, 6.12 and 7.2.

use crate::pair::*;
use crate::util::*;

/// Both registered and bound, then linked so.
fn bound_and_linked(flags: LinkFlags) -> Run {
    let run = Run::of(&PAIR).ops(&[Register(SUPPLIER), Register(CONSUMER)]);
    let run = run.ops(&[RegisterDriver(SDRV), RegisterDriver(CDRV)]);
    run.ops(&[Link(CONSUMER, SUPPLIER, flags)])
}

fn refs(run: &Run) -> (u16, u16) {
    (run.refs(SUPPLIER), run.refs(CONSUMER))
}

/// `__device_links_no_driver()` drops it with the consumer's driver.
#[test]
fn a_link_goes_with_the_consumers_driver() {
    let run = bound_and_linked(WhileConsumerBound);
    assert_eq!(refs(&run), (4, 4));
    let mut run = run.ops(&[Unbind(CONSUMER)]);
    assert_eq!(refs(&run), (4, 4));
    assert_eq!(run.op(Settle), 0);
    assert_eq!(refs(&run), (3, 3));
    assert_eq!(
        run.events(Unbind(SUPPLIER)),
        [Event::Remove(SDRV, SUPPLIER)]
    );
}

/// The same after a probe that failed: `device_links_no_driver()`.
#[test]
fn a_link_goes_with_a_probe_that_fails() {
    static FAILS: Program<'static> = Program {
        devices: DEVICES,
        drivers: &[
            Driver::new("supplier_driver", SUPPLIER),
            Driver::new("consumer_driver", CONSUMER).probes(&[Probe::new(&[Link(
                CONSUMER,
                SUPPLIER,
                WhileConsumerBound,
            )])
            .fails(Errno::EIO)]),
        ],
        ..Program::EMPTY
    };
    let run = Run::of(&FAILS).ops(&[Register(SUPPLIER), Register(CONSUMER)]);
    let run = run.ops(&[RegisterDriver(SDRV), RegisterDriver(CDRV), Settle]);
    assert_eq!(refs(&run), (3, 3));
}

/// With no driver of the consumer to take it along, the supplier's goes and warns:
/// `device_links_driver_cleanup()`.
#[test]
fn device_links_driver_cleanup_warns_of_a_link_that_was_to_go_with_the_consumer() {
    let run = Run::of(&PAIR).ops(&[Register(SUPPLIER), Register(CONSUMER), RegisterDriver(SDRV)]);
    let mut run = run.ops(&[Link(CONSUMER, SUPPLIER, WhileConsumerBound)]);
    assert_eq!(
        run.events(Unbind(SUPPLIER)),
        [
            Event::Remove(SDRV, SUPPLIER),
            Event::Warning(Warning::DeviceLinksDriverCleanup)
        ]
    );
}

/// `device_links_driver_bound()` puts the consumer among the deferred ones, which
/// `driver_bound()` has tried again.
#[test]
fn a_consumer_is_probed_when_its_supplier_binds() {
    let run = bound_and_linked(Autoprobe).ops(&[Unbind(SUPPLIER)]);
    assert_eq!(run.driver(CONSUMER), None);
    let mut run = run.ops(&[Attach(SUPPLIER)]);
    assert_eq!(run.events(Settle), [Event::Probe(CDRV, CONSUMER)]);
}

/// But not one of which no driver knows: `driver_deferred_probe_add()` asks `dev->can_match`, which
/// `__driver_probe_device()` sets.
#[test]
fn driver_deferred_probe_add_wants_a_match() {
    let run = Run::of(&PAIR).ops(&[Register(SUPPLIER), Register(CONSUMER)]);
    let mut run = run.ops(&[Link(CONSUMER, SUPPLIER, Autoprobe), RegisterDriver(SDRV)]);
    assert!(!run.state().has_queued_work());
    assert_eq!(run.events(Settle), []);
}

/// A stateless link keeps no probe waiting and unbinds nobody, and goes when it was removed as often
/// as it was made: `device_link_put_kref()`.
#[test]
fn a_stateless_link_goes_when_it_was_removed_as_often_as_made() {
    let run = Run::of(&PAIR).ops(&[Register(SUPPLIER), Register(CONSUMER)]);
    let link = Link(CONSUMER, SUPPLIER, Stateless);
    let run = run.ops(&[link, link, RegisterDriver(CDRV)]);
    assert_eq!(run.driver(CONSUMER), Some(CDRV));
    let mut run = run.ops(&[RegisterDriver(SDRV)]);
    assert_eq!(
        run.events(Unbind(SUPPLIER)),
        [Event::Remove(SDRV, SUPPLIER)]
    );
    let unlink = Unlink(CONSUMER, SUPPLIER);
    let run = run.ops(&[unlink, Settle]);
    assert_eq!(refs(&run), (4, 4));
    let run = run.ops(&[unlink, Settle]);
    assert_eq!(refs(&run), (3, 3));
    let mut run = run;
    assert_eq!(run.events(unlink), []);
}

/// `device_links_purge()` does not ask how often it was made.
#[test]
fn device_links_purge_takes_a_stateless_link_along() {
    let run = Run::of(&PAIR).ops(&[Register(SUPPLIER), Register(CONSUMER)]);
    let link = Link(CONSUMER, SUPPLIER, Stateless);
    let mut run = run.ops(&[link, link, Unregister(CONSUMER)]);
    assert_eq!(run.events(Settle), [Event::Released(CONSUMER)]);
    assert_eq!(run.refs(SUPPLIER), 3);
    // The consumer is told by where it is; nobody reads it.
    assert_eq!(run.events(Unlink(CONSUMER, SUPPLIER)), []);
    let mut run = run.ops(&[Unregister(SUPPLIER)]);
    assert_eq!(
        run.fault(Unlink(CONSUMER, SUPPLIER)),
        Fault::UseAfterFree(SUPPLIER)
    );
}

/// A managed link is not removed by hand, unless its consumer is not registered:
/// `device_link_put_kref()`.
#[test]
fn device_link_put_kref_warns_of_a_managed_link() {
    let mut run = bound_and_linked(Managed);
    assert_eq!(
        run.events(Unlink(CONSUMER, SUPPLIER)),
        [Event::Warning(Warning::DeviceLinkPut)]
    );
    let run = Run::of(&PAIR).ops(&[Register(SUPPLIER), Init(CONSUMER)]);
    let run = run.ops(&[Link(CONSUMER, SUPPLIER, Managed)]);
    let run = run.ops(&[Unlink(CONSUMER, SUPPLIER), Settle]);
    assert_eq!(refs(&run), (3, 1));
}

/// `device_link_remove()` of a device and itself.
#[test]
fn device_link_remove_warns_of_a_device_and_itself() {
    let mut run = Run::of(&PAIR).ops(&[Register(SUPPLIER)]);
    assert_eq!(
        run.events(Unlink(SUPPLIER, SUPPLIER)),
        [Event::Warning(Warning::DeviceLinkRemove)]
    );
}

/// One that is managed and stateless has one count: `device_link_add()` takes one for each.
#[test]
fn a_link_that_is_both_counts_its_makers_together() {
    let run = bound_and_linked(Managed).ops(&[Link(CONSUMER, SUPPLIER, Stateless)]);
    let run = run.ops(&[Unlink(CONSUMER, SUPPLIER), Settle]);
    assert_eq!(refs(&run), (4, 4));
    let mut run = run.ops(&[Unlink(CONSUMER, SUPPLIER), Settle]);
    assert_eq!(refs(&run), (3, 3));
    assert_eq!(
        run.events(Unbind(SUPPLIER)),
        [Event::Remove(SDRV, SUPPLIER)]
    );
}

/// Of two managed ones the longer life counts, and of one beside a stateless one the longest:
/// `device_link_add()` changes one flag into the other, and adds none.
#[test]
fn device_link_add_lengthens_a_life_and_never_shortens_it() {
    let unbound = |flags: &[LinkFlags]| {
        let mut run = bound_and_linked(flags[0]);
        for &more in &flags[1..] {
            run = run.ops(&[Link(CONSUMER, SUPPLIER, more)]);
        }
        run = run.ops(&[Unbind(CONSUMER), Settle]);
        let consumer = run.refs(SUPPLIER) == 3;
        run = run.ops(&[Unbind(SUPPLIER), Settle]);
        (consumer, run.refs(SUPPLIER) == 3)
    };
    assert_eq!(unbound(&[WhileConsumerBound]), (true, true));
    assert_eq!(unbound(&[WhileSupplierBound]), (false, true));
    assert_eq!(
        unbound(&[WhileConsumerBound, WhileSupplierBound]),
        (false, true)
    );
    assert_eq!(
        unbound(&[WhileSupplierBound, WhileConsumerBound]),
        (false, true)
    );
    assert_eq!(unbound(&[WhileConsumerBound, Managed]), (false, false));
    assert_eq!(unbound(&[Managed, WhileConsumerBound]), (false, false));
    assert_eq!(unbound(&[Stateless, WhileConsumerBound]), (false, false));
    assert_eq!(unbound(&[Stateless, WhileSupplierBound]), (false, false));
}

/// Two queues, and nobody promises which is worked off first (`device_link_wq`, and that of
/// `deferred_probe_work`): what a probe sees of a link that goes is either. Both were seen on 6.12.
#[test]
fn a_link_may_go_before_or_after_a_deferred_probe() {
    static DEFERS: Program<'static> = Program {
        devices: &[
            Device::new("supplier", &PLATFORM),
            Device::new("consumer", &PLATFORM),
            Device::new("trigger", &PLATFORM),
        ],
        drivers: &[
            Driver::new("supplier_driver", SUPPLIER),
            Driver::new("consumer_driver", CONSUMER).probes(&[Probe::new(&[Link(
                CONSUMER,
                SUPPLIER,
                WhileConsumerBound,
            )])
            .fails(Errno::EPROBE_DEFER)
            .attempt(1)]),
            Driver::new("other", THIRD),
        ],
        ..Program::EMPTY
    };
    let seen = |run: Run| {
        let run = run.ops(&[Register(SUPPLIER), Register(CONSUMER), Register(THIRD)]);
        let run = run.ops(&[RegisterDriver(SDRV), RegisterDriver(CDRV)]);
        run.ops(&[RegisterDriver(DriverId(2))]).counted(Settle)
    };
    let probe = Event::Probe(CDRV, CONSUMER);
    assert_eq!(seen(Run::of(&DEFERS)), [(probe, 5)]);
    let links_first = Work {
        links_first: true,
        ..Work::default()
    };
    assert_eq!(seen(Run::of(&DEFERS).at_work(links_first)), [(probe, 4)]);
}
