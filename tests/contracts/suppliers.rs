//! What device links are for: a consumer is bound after its supplier and unbound before it
//! (`dd.c`, `core.c`).

use crate::pair::*;
use crate::util::*;

/// A consumer is not probed before its supplier is bound; it is deferred, and retried when
/// the supplier binds: `device_links_check_suppliers()`.
#[test]
fn a_consumer_waits_for_its_supplier() {
    let mut run = Run::of(&PAIR).ops(&LINKED);
    assert_eq!(run.events(RegisterDriver(CDRV)), []);
    assert_eq!(
        run.events(RegisterDriver(SDRV)),
        [Event::Probe(SDRV, SUPPLIER)]
    );
    assert_eq!(run.driver(CONSUMER), None);
    assert_eq!(run.counted(Settle), [(Event::Probe(CDRV, CONSUMER), 5)]);
    assert_eq!(run.driver(CONSUMER), Some(CDRV));
}

/// That deferral is no driver's error: no probe is called, it stays negative, and the caller
/// gets it (`device_attach()`). `device_driver_attach()` makes -EAGAIN of it.
#[test]
fn device_attach_returns_eprobe_defer_while_the_supplier_is_missing() {
    let mut run = Run::of(&PAIR).ops(&LINKED).ops(&[RegisterDriver(CDRV)]);
    assert_eq!(run.op(Attach(CONSUMER)), EPROBE_DEFER);
    assert_eq!(run.op(Bind(CONSUMER, CDRV)), -11);
    assert_eq!(run.state().probes(CDRV), 0);
}

/// Suppliers are asked for before resources are: `really_probe()`.
#[test]
fn a_missing_supplier_counts_before_resources_on_the_list() {
    let run = Run::of(&PAIR).ops(&BOTH_BOUND);
    let mut run = run.ops(&[Unbind(SUPPLIER), AddAction(B)]);
    assert_eq!(run.op(Attach(CONSUMER)), EPROBE_DEFER);
    let run = Run::of(&PAIR).ops(&BOTH_BOUND);
    let mut run = run.ops(&[Unbind(CONSUMER), AddAction(B)]);
    assert_eq!(run.op(Attach(CONSUMER)), EBUSY);
}

/// All suppliers have to be there: `device_links_check_suppliers()`. Those that are stay
/// available meanwhile, so that they can be unbound.
#[test]
fn a_consumer_waits_for_all_its_suppliers() {
    static PROGRAM: Program<'static> = Program {
        devices: &[
            Device::new("one", &PLATFORM),
            Device::new("consumer", &PLATFORM),
            Device::new("two", &PLATFORM),
        ],
        drivers: &[
            Driver::new("one_driver", DEV),
            Driver::new("consumer_driver", CONSUMER),
            Driver::new("two_driver", THIRD),
        ],
        ..Program::EMPTY
    };
    const TWO: DriverId = DriverId(2);
    let ops = [
        Register(DEV),
        Register(CONSUMER),
        Register(THIRD),
        Link(CONSUMER, DEV, Managed),
        Link(CONSUMER, THIRD, Managed),
        RegisterDriver(CDRV),
        RegisterDriver(DRV),
    ];
    let mut run = Run::of(&PROGRAM).ops(&ops);
    assert_eq!(run.events(Settle), []);
    assert_eq!(run.events(Unbind(DEV)), [Event::Remove(DRV, DEV)]);
    let mut run = run.ops(&[Attach(DEV), RegisterDriver(TWO)]);
    assert_eq!(run.events(Settle), [Event::Probe(CDRV, CONSUMER)]);
}

/// Before the supplier's driver goes, consumers are unbound, their resources included, each
/// of them held meanwhile: `device_links_unbind_consumers()`.
#[test]
fn device_release_driver_unbinds_consumers_first() {
    let run = Run::of(&PAIR).ops(&BOTH_BOUND);
    let mut run = run.ops(&[AddAction(A), AddAction(B)]);
    assert_eq!(
        run.counted(Unbind(SUPPLIER)),
        [
            (Event::Remove(CDRV, CONSUMER), 5),
            (Event::Action(B), 5),
            (Event::Remove(SDRV, SUPPLIER), 4),
            (Event::Action(A), 4)
        ]
    );
    assert_eq!((run.driver(SUPPLIER), run.driver(CONSUMER)), (None, None));
    assert_eq!((run.refs(SUPPLIER), run.refs(CONSUMER)), (4, 4));
}

/// The same however the supplier loses its driver: `driver_unregister()`, `device_del()`.
#[test]
fn consumers_are_unbound_first_whoever_unbinds_the_supplier() {
    for op in [UnregisterDriver(SDRV), Unregister(SUPPLIER)] {
        let mut run = Run::of(&PAIR).ops(&BOTH_BOUND);
        assert_eq!(
            run.events(op),
            [Event::Remove(CDRV, CONSUMER), Event::Remove(SDRV, SUPPLIER)]
        );
        assert_eq!(run.driver(CONSUMER), None);
    }
}

/// It goes down the whole chain: the last consumer is unbound first
/// (`device_links_unbind_consumers()`).
#[test]
fn device_release_driver_unbinds_consumers_of_consumers_first() {
    static PROGRAM: Program<'static> = Program {
        devices: &[
            Device::new("one", &PLATFORM),
            Device::new("two", &PLATFORM),
            Device::new("three", &PLATFORM),
        ],
        drivers: &[
            Driver::new("one_driver", DEV),
            Driver::new("two_driver", OTHER),
            Driver::new("three_driver", THIRD),
        ],
        ..Program::EMPTY
    };
    const LAST: DriverId = DriverId(2);
    let run = Run::of(&PROGRAM).ops(&[Register(DEV), Register(OTHER), Register(THIRD)]);
    let run = run.ops(&[Link(OTHER, DEV, Managed), Link(THIRD, OTHER, Managed)]);
    let mut run = run.ops(&[
        RegisterDriver(DRV),
        RegisterDriver(NEXT),
        RegisterDriver(LAST),
    ]);
    assert_eq!(
        run.events(Unbind(DEV)),
        [
            Event::Remove(LAST, THIRD),
            Event::Remove(NEXT, OTHER),
            Event::Remove(DRV, DEV)
        ]
    );
}

/// A consumer that goes does not touch its supplier, and can come back:
/// `__device_links_no_driver()`.
#[test]
fn unbinding_a_consumer_leaves_its_supplier_alone() {
    let mut run = Run::of(&PAIR).ops(&BOTH_BOUND);
    assert_eq!(
        run.events(Unbind(CONSUMER)),
        [Event::Remove(CDRV, CONSUMER)]
    );
    assert_eq!(run.driver(SUPPLIER), Some(SDRV));
    assert_eq!(run.op(Attach(CONSUMER)), 1);
}

/// Neither does a consumer whose probe fails: `device_links_no_driver()` makes the supplier
/// available again.
#[test]
fn a_failed_probe_of_the_consumer_leaves_the_link_as_it_was() {
    static PROGRAM: Program<'static> = Program {
        devices: DEVICES,
        drivers: &[
            Driver::new("supplier_driver", SUPPLIER),
            Driver::new("consumer_driver", CONSUMER)
                .probes(&[Probe::new(&[]).attempt(1).fails(Errno::EIO)]),
        ],
        ..Program::EMPTY
    };
    let mut run = Run::of(&PROGRAM).ops(&BOTH_BOUND);
    assert_eq!(run.driver(CONSUMER), None);
    assert_eq!(
        run.events(Unbind(SUPPLIER)),
        [Event::Remove(SDRV, SUPPLIER)]
    );
    let mut run = run.ops(&[Attach(SUPPLIER)]);
    assert_eq!(run.op(Attach(CONSUMER)), 1);
}

/// A consumer that was unbound with its supplier does not come back by itself: nobody put
/// it on the deferred list (`device_links_driver_bound()`).
#[test]
fn a_consumer_does_not_come_back_with_its_supplier() {
    let run = Run::of(&PAIR).ops(&BOTH_BOUND);
    let mut run = run.ops(&[Unbind(SUPPLIER), Attach(SUPPLIER)]);
    assert_eq!(run.events(Settle), []);
    assert_eq!(run.driver(CONSUMER), None);
    assert_eq!(run.op(Attach(CONSUMER)), 1);
}

/// While the supplier is being unbound no consumer can bind, not even in its remove or in
/// its actions: `device_links_busy()` and, after the resources, only then
/// `device_links_driver_cleanup()`.
#[test]
fn a_consumer_cannot_bind_while_its_supplier_is_being_unbound() {
    static PROGRAM: Program<'static> = Program {
        devices: DEVICES,
        drivers: &[
            Driver::new("supplier_driver", SUPPLIER).remove(&[Attach(CONSUMER)]),
            Driver::new("consumer_driver", CONSUMER),
        ],
        actions: &[Action::new("a", SUPPLIER, &[Attach(CONSUMER)])],
        ..Program::EMPTY
    };
    let mut run = Run::of(&PROGRAM).ops(&BOTH_BOUND).ops(&[AddAction(A)]);
    assert_eq!(
        run.events(Unbind(SUPPLIER)),
        [
            Event::Remove(CDRV, CONSUMER),
            Event::Remove(SDRV, SUPPLIER),
            Event::Action(A)
        ]
    );
    // Both attempts were deferred.
    assert!(run.state().failed_in_a_body());
    let mut run = run.ops(&[Attach(SUPPLIER)]);
    assert_eq!(run.events(Settle), [Event::Probe(CDRV, CONSUMER)]);
}

/// Nor can one that was not bound before, nor one that is linked only then:
/// `device_links_busy()`, `device_link_init_status()`.
#[test]
fn no_other_consumer_can_bind_while_the_supplier_is_being_unbound() {
    static ATTACHES: Program<'static> = Program {
        devices: DEVICES,
        drivers: &[
            Driver::new("supplier_driver", SUPPLIER).remove(&[Attach(CONSUMER)]),
            Driver::new("consumer_driver", CONSUMER),
        ],
        ..Program::EMPTY
    };
    let run = Run::of(&ATTACHES).ops(&BOTH_BOUND).ops(&[Unbind(CONSUMER)]);
    let run = run.ops(&[Unbind(SUPPLIER)]);
    assert_eq!(run.state().probes(CDRV), 1);

    static LINKS: Program<'static> = Program {
        devices: DEVICES,
        drivers: &[
            Driver::new("supplier_driver", SUPPLIER)
                .remove(&[Link(CONSUMER, SUPPLIER, Managed), Attach(CONSUMER)]),
            Driver::new("consumer_driver", CONSUMER),
        ],
        ..Program::EMPTY
    };
    let run = Run::of(&LINKS).ops(&BOTH_BOUND[..2]);
    let run = run.ops(&[RegisterDriver(SDRV), RegisterDriver(CDRV), Unbind(CONSUMER)]);
    let run = run.ops(&[Unbind(SUPPLIER)]);
    assert_eq!(run.state().probes(CDRV), 1);
}

/// The supplier's lock is let go of while its consumers are unbound, so a consumer's remove
/// may unbind the supplier itself. That is then not done a second time:
/// `__device_release_driver()`.
#[test]
fn a_consumer_that_is_being_unbound_may_unbind_its_supplier() {
    static PROGRAM: Program<'static> = Program {
        devices: DEVICES,
        drivers: &[
            Driver::new("supplier_driver", SUPPLIER),
            Driver::new("consumer_driver", CONSUMER).remove(&[Unbind(SUPPLIER)]),
        ],
        ..Program::EMPTY
    };
    let mut run = Run::of(&PROGRAM).ops(&BOTH_BOUND);
    assert_eq!(
        run.events(Unbind(SUPPLIER)),
        [Event::Remove(CDRV, CONSUMER), Event::Remove(SDRV, SUPPLIER)]
    );
}

/// Resources are released before links are told (2e84dc379200): an action of the consumer
/// still finds its supplier bound, and the link holds (`__device_release_driver()`).
#[test]
fn an_action_of_the_consumer_finds_its_supplier_bound() {
    let mut run = Run::of(&PAIR).ops(&BOTH_BOUND).ops(&[AddAction(B)]);
    let records = run.records(Unbind(SUPPLIER));
    assert_eq!(event(&records[1]), Event::Action(B));
    assert_eq!(records[1].devices[0].driver, Some(SDRV));
}

/// A link made by the consumer's probe counts at once, and its end unbinds the consumer:
/// `device_link_init_status()`.
#[test]
fn a_link_made_in_probe_unbinds_the_consumer_first() {
    static PROGRAM: Program<'static> = Program {
        devices: DEVICES,
        drivers: &[
            Driver::new("supplier_driver", SUPPLIER),
            Driver::new("consumer_driver", CONSUMER)
                .probes(&[Probe::new(&[Link(CONSUMER, SUPPLIER, Managed)])]),
        ],
        ..Program::EMPTY
    };
    let run = Run::of(&PROGRAM).ops(&BOTH_BOUND[..2]);
    let mut run = run.ops(&[RegisterDriver(SDRV), RegisterDriver(CDRV)]);
    assert_eq!(run.driver(CONSUMER), Some(CDRV));
    assert_eq!(
        run.events(Unbind(SUPPLIER)),
        [Event::Remove(CDRV, CONSUMER), Event::Remove(SDRV, SUPPLIER)]
    );
}

/// It counts while that probe still runs: to unbind the supplier there is to wait for
/// oneself (`device_link_init_status()`, `device_links_unbind_consumers()`).
#[test]
fn a_link_made_in_probe_keeps_the_supplier_during_the_probe() {
    static PROGRAM: Program<'static> = Program {
        devices: DEVICES,
        drivers: &[
            Driver::new("supplier_driver", SUPPLIER),
            Driver::new("consumer_driver", CONSUMER).probes(&[Probe::new(&[
                Link(CONSUMER, SUPPLIER, Managed),
                Unbind(SUPPLIER),
            ])]),
        ],
        ..Program::EMPTY
    };
    let run = Run::of(&PROGRAM).ops(&BOTH_BOUND[..2]);
    let mut run = run.ops(&[RegisterDriver(SDRV)]);
    assert_eq!(run.fault(RegisterDriver(CDRV)), Fault::Deadlock(CONSUMER));
}

/// A supplier that is only being probed itself will do for a link made in the probe of a
/// child that it registers, and the child is unbound first like any other consumer:
/// `device_link_init_status()`, `device_links_driver_bound()`.
#[test]
fn a_child_may_consume_its_parent_while_both_are_being_probed() {
    static PROGRAM: Program<'static> = Program {
        devices: &[
            Device::new("supplier", &PLATFORM),
            Device::new("consumer", &PLATFORM).below(SUPPLIER),
        ],
        drivers: &[
            Driver::new("supplier_driver", SUPPLIER).probes(&[Probe::new(&[Register(CONSUMER)])]),
            Driver::new("consumer_driver", CONSUMER)
                .probes(&[Probe::new(&[Link(CONSUMER, SUPPLIER, Managed)])]),
        ],
        ..Program::EMPTY
    };
    let run = Run::of(&PROGRAM).ops(&[RegisterDriver(SDRV), RegisterDriver(CDRV)]);
    let mut run = run.ops(&[Register(SUPPLIER)]);
    assert_eq!(run.driver(CONSUMER), Some(CDRV));
    assert_eq!(
        run.events(Unbind(SUPPLIER)),
        [Event::Remove(CDRV, CONSUMER), Event::Remove(SDRV, SUPPLIER)]
    );
}

/// A supplier that is bound already makes the link available at once:
/// `device_link_init_status()`.
#[test]
fn a_link_to_a_bound_supplier_lets_the_consumer_bind() {
    let run = Run::of(&PAIR)
        .ops(&BOTH_BOUND[..2])
        .ops(&[RegisterDriver(SDRV)]);
    let mut run = run.ops(&[Link(CONSUMER, SUPPLIER, Managed)]);
    assert_eq!(
        run.events(RegisterDriver(CDRV)),
        [Event::Probe(CDRV, CONSUMER)]
    );
    assert_eq!(run.driver(CONSUMER), Some(CDRV));
}

/// So does one between two devices that are bound: `device_link_init_status()`.
#[test]
fn a_link_between_bound_devices_unbinds_the_consumer_first() {
    let run = Run::of(&PAIR).ops(&BOTH_BOUND[..2]);
    let run = run.ops(&[RegisterDriver(SDRV), RegisterDriver(CDRV)]);
    let mut run = run.ops(&[Link(CONSUMER, SUPPLIER, Managed)]);
    assert_eq!(
        run.events(Unbind(SUPPLIER)),
        [Event::Remove(CDRV, CONSUMER), Event::Remove(SDRV, SUPPLIER)]
    );
}

/// A consumer that was bound before its supplier, with the link made in between, is none
/// that the supplier would unbind: the link is dormant and becomes available, never active
/// (`device_link_init_status()`, `device_links_driver_bound()`).
#[test]
fn a_consumer_that_was_bound_before_its_supplier_stays() {
    let run = Run::of(&PAIR)
        .ops(&BOTH_BOUND[..2])
        .ops(&[RegisterDriver(CDRV)]);
    let run = run.ops(&[Link(CONSUMER, SUPPLIER, Managed), RegisterDriver(SDRV)]);
    let mut run = run.ops(&[Settle]);
    assert_eq!(
        run.events(Unbind(SUPPLIER)),
        [Event::Remove(SDRV, SUPPLIER)]
    );
    assert_eq!(run.driver(CONSUMER), Some(CDRV));
}

/// "Resources present before probing" leaves the consumer as if it were being probed, and
/// the supplier's end waits for that probe for ever: `really_probe()`,
/// `device_links_unbind_consumers()`.
#[test]
fn a_consumer_with_resources_keeps_its_supplier_from_being_unbound() {
    let run = Run::of(&PAIR).ops(&LINKED).ops(&[AddAction(B)]);
    let mut run = run.ops(&[RegisterDriver(SDRV), RegisterDriver(CDRV)]);
    assert_eq!(run.driver(CONSUMER), None);
    assert_eq!(run.fault(Unbind(SUPPLIER)), Fault::Deadlock(CONSUMER));
}

/// One that is to be tried again is, by the work for which the supplier's end waits, and finds the
/// supplier going: `wait_for_device_probe()`, `device_links_missing_supplier()`. Nobody tries one
/// that is only put off.
#[test]
fn a_refused_consumer_that_is_tried_again_lets_its_supplier_go() {
    let run = Run::of(&PAIR).ops(&LINKED).ops(&[RegisterDriver(CDRV)]);
    let mut run = run.ops(&[AddAction(B), RegisterDriver(SDRV)]);
    assert_eq!(run.op(Attach(CONSUMER)), EBUSY);
    assert_eq!(
        run.events(Unbind(SUPPLIER)),
        [
            Event::Warning(Warning::DeviceLinksMissingSupplier),
            Event::Remove(SDRV, SUPPLIER)
        ]
    );
    let mut run = run.ops(&[ReleaseAction(B), Attach(SUPPLIER)]);
    assert_eq!(run.events(Settle), [Event::Probe(CDRV, CONSUMER)]);

    static PUT_OFF: Program<'static> = Program {
        drivers: &[
            Driver::new("supplier_driver", SUPPLIER),
            Driver::new("consumer_driver", CONSUMER)
                .probes(&[Probe::new(&[]).attempt(1).fails(Errno::EPROBE_DEFER)]),
        ],
        ..PAIR
    };
    let mut run = Run::of(&PUT_OFF).ops(&BOTH_BOUND).ops(&[AddAction(B)]);
    assert_eq!(run.op(Attach(CONSUMER)), EBUSY);
    assert_eq!(run.fault(Unbind(SUPPLIER)), Fault::Deadlock(CONSUMER));
}

/// Whoever waits in a probe waits for itself, but in that of `device_driver_attach()`, which is not
/// counted; and so does the work that tries again: `wait_for_device_probe()`.
#[test]
fn a_probe_and_deferred_work_wait_for_themselves() {
    static PROGRAM: Program<'static> = Program {
        devices: &[
            Device::new("supplier", &PLATFORM),
            Device::new("consumer", &PLATFORM),
            Device::new("third", &PLATFORM),
        ],
        drivers: &[
            Driver::new("supplier_driver", SUPPLIER),
            Driver::new("consumer_driver", CONSUMER),
            Driver::new("third_driver", THIRD).probes(&[
                Probe::new(&[]).attempt(1).fails(Errno::EIO),
                Probe::new(&[Unbind(SUPPLIER)]),
            ]),
            Driver::new("deferred_driver", THIRD).probes(&[
                Probe::new(&[]).attempt(1).fails(Errno::EPROBE_DEFER),
                Probe::new(&[Unbind(SUPPLIER)]),
            ]),
        ],
        actions: &[
            Action::new("a", SUPPLIER, &[]),
            Action::new("b", CONSUMER, &[]),
        ],
        ..Program::EMPTY
    };
    const THIRD_DRV: DriverId = DriverId(2);
    const DEFERRED: DriverId = DriverId(3);
    let refused = |drv| {
        let run = Run::of(&PROGRAM).ops(&LINKED).ops(&[Register(THIRD)]);
        let run = run.ops(&[RegisterDriver(drv), RegisterDriver(CDRV), AddAction(B)]);
        let mut run = run.ops(&[RegisterDriver(SDRV)]);
        assert_eq!(run.op(Attach(CONSUMER)), EBUSY);
        run
    };
    let mut run = refused(THIRD_DRV);
    assert_eq!(run.fault(Attach(THIRD)), Fault::Deadlock(CONSUMER));
    let mut run = refused(THIRD_DRV);
    assert_eq!(run.op(Bind(THIRD, THIRD_DRV)), 0);
    assert_eq!(run.driver(SUPPLIER), None);
    let mut run = refused(DEFERRED);
    assert_eq!(run.fault(Settle), Fault::Deadlock(CONSUMER));
}

/// The consumer's lock is held by its own callbacks, so a supplier that is unbound there
/// waits for itself, in an action as well: links are told only after the resources
/// (`device_links_unbind_consumers()`).
#[test]
fn unbinding_the_supplier_in_the_consumers_callbacks_is_a_deadlock() {
    static IN_REMOVE: Program<'static> = Program {
        devices: DEVICES,
        drivers: &[
            Driver::new("supplier_driver", SUPPLIER),
            Driver::new("consumer_driver", CONSUMER).remove(&[Unbind(SUPPLIER)]),
        ],
        ..Program::EMPTY
    };
    let mut run = Run::of(&IN_REMOVE).ops(&BOTH_BOUND);
    assert_eq!(run.fault(Unbind(CONSUMER)), Fault::Deadlock(CONSUMER));

    static IN_ACTION: Program<'static> = Program {
        devices: DEVICES,
        drivers: DRIVERS,
        actions: &[Action::new("a", CONSUMER, &[Unbind(SUPPLIER)])],
        ..Program::EMPTY
    };
    let mut run = Run::of(&IN_ACTION).ops(&BOTH_BOUND).ops(&[AddAction(A)]);
    assert_eq!(run.fault(Unbind(CONSUMER)), Fault::Deadlock(CONSUMER));

    // The probe that waits for itself.
    static IN_PROBE: Program<'static> = Program {
        devices: DEVICES,
        drivers: &[
            Driver::new("supplier_driver", SUPPLIER),
            Driver::new("consumer_driver", CONSUMER).probes(&[Probe::new(&[Unbind(SUPPLIER)])]),
        ],
        ..Program::EMPTY
    };
    let mut run = Run::of(&IN_PROBE).ops(&BOTH_BOUND[..4]);
    assert_eq!(run.fault(RegisterDriver(CDRV)), Fault::Deadlock(CONSUMER));
}
