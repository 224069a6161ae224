//! Whether kinds can do and be what is asked of them.

use std::collections::BTreeSet;

use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Sink};
use crate::emit::kunit::has_room_for_devices;
use crate::ir::{
    CKey, Device, Driver, Kind, KindC, KindId, KindUse, Parent, Scenario, StepKind, Suite, Unit,
};
use crate::sim::{Callback, DeviceId, Handles, Op, Sort};
use crate::source::Span;

/// What a suite asks of the kinds that it runs on.
pub(super) fn of_kinds(unit: &Unit, uses: &[KindUse], sink: &mut Sink) {
    for used in uses {
        let kind = unit.kind(used.kind);
        if !kind.whole {
            continue;
        }
        if used.bound {
            bound(kind, used.span, sink);
        }
        if used.parent.is_some() {
            parent(kind, used.span, sink);
        }
    }
}

fn bound(kind: &Kind, span: Span, sink: &mut Sink) {
    if kind.drivers.own {
        return sink.report(
            Diagnostic::new(
                Code::Inability,
                format!("a `{}` device is always bound", kind.name),
            )
            .label(span, "its bus has a driver for all of them")
            .label(kind.span, "declared here, with `driver own`")
            .help("leave `bound` out"),
        );
    }
    let (why, declared) = match (kind.on_bus, kind.driverless) {
        (true, false) => return,
        (true, true) => (
            "its bus has no drivers",
            "declared here, with `driver none`",
        ),
        (false, _) => (
            "it sits on no bus, so no driver can bind to it",
            "declared here, without `: bus`",
        ),
    };
    sink.report(
        Diagnostic::new(
            Code::Inability,
            format!("a `{}` device cannot be bound", kind.name),
        )
        .label(span, why)
        .label(kind.span, declared)
        .help("leave `bound` out, or take a kind with a bus"),
    );
}

fn parent(kind: &Kind, span: Span, sink: &mut Sink) {
    if kind.parent != Parent::None {
        if !kind.takes_parent() {
            sink.report(
                Diagnostic::new(
                    Code::Inability,
                    format!("the C of kind `{}` makes no use of a parent", kind.name),
                )
                .label(span, "asked for here")
                .label(kind.span, "declared here")
                .help("its `create` can say `$parent`; or else it says `parent none`"),
            );
        }
        return;
    }
    sink.report(
        Diagnostic::new(
            Code::Inability,
            format!("a `{}` device has no parent", kind.name),
        )
        .label(span, "it is made without one, always")
        .label(kind.span, "declared here, with `parent none`")
        .help("take another kind, or leave `parent` out"),
    );
}

/// Each kind that a device of a scenario may be of, and where it is asked for; but for those that
/// could not be read as a whole, which may have said that they can.
fn kinds_of<'u>(unit: &'u Unit, suite: &Suite, device: &Device) -> Vec<(&'u Kind, Span)> {
    let mut known = BTreeSet::new();
    let of_suite = suite.kinds.iter().map(|used| (used.kind, used.span));
    let kinds: Vec<(KindId, Span)> = match device.kind {
        Some(kind) => vec![(kind, device.span)],
        None => of_suite.collect(),
    };
    let new = kinds.into_iter().filter(|&(id, _)| known.insert(id));
    let kinds = new.map(|(id, span)| (unit.kind(id), span));
    kinds.filter(|(kind, _)| kind.whole).collect()
}

/// What a scenario asks of its devices, and of the kinds of its suite.
pub(super) fn of_scenario(unit: &Unit, suite: &Suite, scenario: &Scenario, sink: &mut Sink) {
    for device in &scenario.devices[1..] {
        for (kind, _) in kinds_of(unit, suite, device) {
            if device.bound {
                bound(kind, device.span, sink);
            }
            if device.parent.is_some() {
                parent(kind, device.span, sink);
            }
        }
    }
    let asker = Asker {
        unit,
        suite,
        scenario,
    };
    for driver in &scenario.drivers {
        for dev in driver.devices.iter() {
            asker.ask(dev, driver.span, BUS, "have a driver", sink);
            asker.ask(dev, driver.span, DRIVERS, "have another driver", sink);
        }
        asker.of_several(driver, sink);
    }
    for step in &scenario.steps {
        match &step.kind {
            StepKind::Op(op, _) => asker.operation(*op, step.span, sink),
            StepKind::Expect(expectation) | StepKind::Finally(expectation) => {
                for callback in expectation.claim.callbacks() {
                    if let Callback::ProbeOf(dev) | Callback::RemoveOf(dev) = callback {
                        asker.ask(dev, step.span, CALLBACKS, "tell when its driver runs", sink);
                    }
                }
            }
            StepKind::Fault(_) => {}
        }
    }
    // What bodies do is shown where the body begins.
    for action in &scenario.actions {
        for &op in &action.body {
            asker.operation(op, action.span, sink);
        }
    }
    for driver in &scenario.drivers {
        let probes = driver.probes.iter().flat_map(|probe| &probe.body);
        for &op in probes.chain(&driver.remove) {
            asker.operation(op, driver.span, sink);
        }
    }
}

/// Something that a kind has or lacks.
struct Ability {
    has: fn(&Kind) -> bool,
    lacks: &'static str,
    /// What to do about a kind of the suite, and about a device of the scenario's own.
    help: &'static str,
    help_declared: &'static str,
}

const BUS: Ability = Ability {
    has: |kind| kind.on_bus,
    lacks: "it sits on no bus, so it never has a driver",
    help: "put the scenario into a suite of kinds with a bus",
    help_declared: "declare it with a kind that has a bus: `platform`, `bus`",
};
const DRIVERS: Ability = Ability {
    has: |kind| !kind.driverless,
    lacks: "its bus has no drivers, or one of its own",
    help: "put the scenario into a suite of kinds whose bus takes drivers",
    help_declared: "declare it with a kind whose bus takes drivers: `platform`, `bus`",
};
const CALLBACKS: Ability = Ability {
    has: |kind| !kind.drivers.own,
    lacks: "its driver is its bus's own, and nobody sees what that does",
    ..DRIVERS
};
const HALVES: Ability = Ability {
    has: |kind| kind.halves,
    lacks: "its registration is one call",
    help: "say `register` and `unregister`, or take a kind with `halves`",
    help_declared: "say `register` and `unregister`, or declare it with a kind with `halves`",
};
const HANDLES: Ability = Ability {
    has: |kind| kind.handles != Handles::None,
    lacks: "there is nothing to open",
    help: "take a kind with `handles`",
    help_declared: "declare it with a kind with `handles`: `chardev`",
};

const OBJECT: Ability = Ability {
    has: |kind| kind.handles == Handles::Object,
    lacks: "there is no object that it belongs to",
    help: "take a kind with `handles object`: `drm`",
    help_declared: "declare it with a kind with `handles object`: `drm`",
};

const USE: Ability = Ability {
    has: |kind| {
        let says = |c: &KindC| c.sections.contains_key(&CKey::Use);
        kind.c.as_ref().is_none_or(says)
    },
    lacks: "its C does not say what is asked of an open file",
    help: "take a kind with a section `use`: `chardev`, `misc`, `drm`",
    help_declared: "declare it with a kind with a section `use`: `chardev`, `misc`, `drm`",
};

struct Asker<'a> {
    unit: &'a Unit,
    suite: &'a Suite,
    scenario: &'a Scenario,
}

impl Asker<'_> {
    /// A driver is on one bus, and its C has to name each device.
    fn of_several(&self, driver: &Driver, sink: &mut Sink) {
        let kind_of = |dev: DeviceId, used: &KindUse| {
            let device = &self.scenario.devices[usize::from(dev.0)];
            self.unit.kind(device.kind.unwrap_or(used.kind))
        };
        let problem = self.suite.kinds.iter().find_map(|used| {
            let first = kind_of(driver.devices.first(), used);
            let mut kinds = driver.devices.iter().map(|dev| kind_of(dev, used));
            if let Some(other) = kinds.find(|kind| kind.name != first.name) {
                let kinds = format!("a `{}` and a `{}` device", first.name, other.name);
                let help =
                    "declare one like the other (`device NAME like DEVICE`), or a driver for each";
                return Some((kinds, "a driver is on one bus", help));
            }
            let lines = first.c.iter().flat_map(|c| c.lines(CKey::Match));
            if driver.devices.is_one() || first.drivers.any || has_room_for_devices(lines) {
                return None;
            }
            let kinds = format!("several `{}` devices", first.name);
            let help =
                "its `match` can have an entry for each: `{ $device }, { }`, or `$device, NULL`";
            Some((kinds, "the C of the kind names one", help))
        });
        if let Some((kinds, why, help)) = problem {
            let message = format!("driver `{}` cannot be for {kinds}", driver.name);
            sink.report(
                Diagnostic::new(Code::Inability, message)
                    .label(driver.span, why)
                    .help(help),
            );
        }
    }

    fn operation(&self, op: Op, span: Span, sink: &mut Sink) {
        match op {
            Op::Attach(dev) => self.ask(dev, span, BUS, "be attached", sink),
            Op::Bind(dev, _) => self.ask(dev, span, BUS, "be bound", sink),
            Op::Unbind(dev) => self.ask(dev, span, BUS, "be unbound", sink),
            Op::Init(dev) => self.ask(dev, span, HALVES, "be initialised alone", sink),
            Op::Add(dev) => self.ask(dev, span, HALVES, "be added alone", sink),
            Op::Del(dev) => self.ask(dev, span, HALVES, "be deleted alone", sink),
            Op::AddAction(action) => {
                let action = &self.scenario.actions[usize::from(action.0)];
                if action.sort == Sort::OfObject {
                    self.ask(action.on, span, OBJECT, "have actions of an object", sink);
                }
            }
            Op::RemoveAction(action) | Op::ReleaseAction(action) => {
                let action = &self.scenario.actions[usize::from(action.0)];
                if action.sort == Sort::OfObject {
                    sink.report(
                        Diagnostic::new(
                            Code::Inability,
                            format!("`{}` cannot be taken off its list", action.name),
                        )
                        .label(span, "it is the object's until that goes")
                        .label(action.span, "declared here")
                        .help("queue it on the device, without `.object`"),
                    );
                }
            }
            Op::Open(handle) => {
                let dev = self.scenario.handles[usize::from(handle.0)].device;
                self.ask(dev, span, HANDLES, "be opened", sink);
            }
            Op::UseHandle(handle) => {
                let dev = self.scenario.handles[usize::from(handle.0)].device;
                self.ask(dev, span, USE, "be asked anything", sink);
            }
            _ => {}
        }
    }

    fn ask(&self, dev: DeviceId, span: Span, ability: Ability, what: &str, sink: &mut Sink) {
        let device = &self.scenario.devices[usize::from(dev.0)];
        let mut kinds = kinds_of(self.unit, self.suite, device).into_iter();
        let Some((kind, asked)) = kinds.find(|(kind, _)| !(ability.has)(kind)) else {
            return;
        };
        sink.report(
            Diagnostic::new(
                Code::Inability,
                format!("a `{}` device cannot {what}", kind.name),
            )
            .label(span, ability.lacks)
            .label(
                asked,
                if device.kind.is_none() {
                    "the suite asks for it here"
                } else {
                    "declared here"
                },
            )
            .help(if device.kind.is_none() {
                ability.help
            } else {
                ability.help_declared
            }),
        );
    }
}
