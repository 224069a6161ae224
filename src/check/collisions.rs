//! Names that differ in the source and would be one in what is generated, after suite,
//! scenario, kind and action names have been joined.

use std::collections::{BTreeSet, HashMap};
use std::fmt::{Display, Write as _};

use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Sink};
use crate::emit::names::{self, Joined};
use crate::expand;
use crate::ir::{Action, KindId, Scenario, Suite, Unit};
use crate::sim::{DeviceId, Sort};
use crate::source::Span;

/// Functions of the kernel that tests, probes and removes could be called like: what headers of
/// generated C declare, of Linux 6.1 to 7.2.
const OF_THE_KERNEL: [&str; 14] = [
    "atomic_dec_and_test",
    "device_initial_probe",
    "device_link_remove",
    "devres_remove",
    "idr_remove",
    "kunit_fail_current_test",
    "kunit_get_current_test",
    "kunit_init_test",
    "pci_host_probe",
    "pci_lock_rescan_remove",
    "pci_unlock_rescan_remove",
    "platform_driver_probe",
    "wait_for_device_probe",
    "wait_for_init_devices_probe",
];

/// The suite by which `verify` asks a kernel for its fixes, and where it stands.
const FINGERPRINTS: &str = "gen_fingerprints";
const FINGERPRINTS_FILE: &str = "fingerprints.devres";

pub(super) fn check(unit: &Unit, sink: &mut Sink) {
    let mut modules = Taken::new("module of the generated Rust", sink);
    // `verify` runs a suite of its own beside these.
    for suite in &unit.suites {
        if suite.name == FINGERPRINTS && unit.sources.get(suite.source).name != FINGERPRINTS_FILE {
            modules.sink.report(
                Diagnostic::new(
                    Code::Duplicate,
                    format!("`{FINGERPRINTS}` is a suite of the program's own"),
                )
                .label(suite.span, "no other can be called so")
                .help("call it otherwise"),
            );
        }
        modules.take(names::rust_module(&suite.name), suite.span);
    }
    for suite in &unit.suites {
        cases(unit, suite, sink);
        functions(unit, suite, sink);
        members(suite, sink);
    }
}

fn cases(unit: &Unit, suite: &Suite, sink: &mut Sink) {
    let mut labels = Taken::new("name of a case", sink);
    for used in &suite.kinds {
        labels.take(used.label(unit), used.span);
    }
    let mut modules = Taken::new("module of the generated Rust", sink);
    for scenario in &suite.scenarios {
        modules.take(names::rust_module(&scenario.name), scenario.span);
    }
}

fn functions(unit: &Unit, suite: &Suite, sink: &mut Sink) {
    let mut functions = Taken::new("function of the generated C", sink);
    let kinds: BTreeSet<KindId> = suite.kinds_of_devices().map(|(id, _)| id).collect();
    for kind in kinds.into_iter().map(|id| unit.kind(id)) {
        for key in crate::ir::CKey::ALL {
            functions.take(names::c_kind(&kind.name, key.as_str()), kind.span);
        }
    }
    let actions = names::Actions::of(suite);
    for scenario in &suite.scenarios {
        functions.take(names::c_test(scenario), scenario.span);
        for driver in &scenario.drivers {
            for callback in ["probe", "remove"] {
                let name = names::c_callback(scenario, &driver.name, callback);
                functions.take(name, driver.span);
            }
        }
        let runs = scenario.actions.iter();
        for action in runs.filter(|action| sort(action) != "memory") {
            let name = actions.function(scenario, action);
            if action.body.is_empty() {
                // Shared by the scenarios on purpose, if they mean the same.
                functions.share_by(name, of_sort(action), action.span);
            } else {
                functions.take(name, action.span);
            }
        }
    }
}

/// What makes two of one name the same in C.
fn sort(action: &Action) -> &'static str {
    match action.sort {
        Sort::Memory | Sort::Unmanaged => "memory",
        Sort::Resource => "resource",
        Sort::Action | Sort::OfObject => "action",
    }
}

/// The name of an action with its sort: what a field or a function that scenarios share is for.
fn of_sort(action: &Action) -> Joined<'_> {
    Joined::new(sort(action), " ", &action.name)
}

/// The fields of the recorder and the places of drivers. Scenarios share those that have
/// the same names; what has other names must not become the same.
fn members(suite: &Suite, sink: &mut Sink) {
    let mut members = Taken::new("field of the generated C", sink);
    for scenario in &suite.scenarios {
        for device in &scenario.devices {
            let name = device.name.as_str();
            members.share_by(names::c_device(name), name.into(), device.span);
        }
        for action in &scenario.actions {
            let sort = sort(action);
            let name = of_sort(action);
            if sort != "action" {
                members.share_by(names::c_memory(&action.name), name, action.span);
            }
            if sort == "memory" {
                continue;
            }
            members.share_by(names::c_ran(&action.name), name, action.span);
            members.share_by(names::c_added(&action.name), name, action.span);
            members.share_by(names::c_ran_at(&action.name), name, action.span);
        }
        for driver in drivers(scenario) {
            let name = driver.name.between("driver ", "");
            members.share_by(driver.field, name, driver.span);
        }
    }
    let mut called = Taken::new("name of a device on the kernel", sink);
    for scenario in &suite.scenarios {
        called.names.clear();
        for device in &scenario.devices {
            called.take(names::c_device_name(&device.name), device.name_span);
        }
    }
    let mut called = Taken::new("name of a driver on the kernel", sink);
    for scenario in &suite.scenarios {
        called.names.clear();
        for driver in &scenario.drivers {
            called.take(names::c_device_name(&driver.name), driver.span);
        }
    }
    let mut slots = Taken::shared("constant of the generated C", sink);
    for scenario in &suite.scenarios {
        for driver in drivers(scenario) {
            let slot = names::c_driver_slot(&driver.name.to_string(), &driver.devices);
            slots.share_by(slot, (driver.name, driver.devices), driver.span);
        }
    }
}

/// A driver of a scenario, or one that keeps a device bound.
struct Driver<'s> {
    name: Joined<'s>,
    /// The field of the recorder.
    field: Joined<'s>,
    /// The devices that it is for.
    devices: Vec<&'s str>,
    span: Span,
}

fn drivers(scenario: &Scenario) -> impl Iterator<Item = Driver<'_>> {
    let declared = scenario.drivers.iter().map(|driver| {
        let device = |id: DeviceId| scenario.devices[usize::from(id.0)].name.as_str();
        Driver {
            name: driver.name.as_str().into(),
            field: names::c_driver(&driver.name),
            devices: driver.devices.iter().map(device).collect(),
            span: driver.span,
        }
    });
    let bound = expand::bound_devices(scenario).map(|(_, device)| {
        let name = Joined::new(&device.name, ".driver", "");
        Driver {
            name,
            field: names::c_driver_of(&device.name),
            devices: vec![&device.name],
            span: device.span,
        }
    });
    declared.chain(bound)
}

/// Names that are in use, with what uses them first.
struct Taken<'s, What = Joined<'s>> {
    what: &'static str,
    /// By name: where it is first used, and what for if it may be used again for the same.
    names: HashMap<String, (Span, Option<What>)>,
    /// The name at hand.
    name: String,
    sink: &'s mut Sink,
}

impl<'s> Taken<'s> {
    fn new(what: &'static str, sink: &'s mut Sink) -> Self {
        Taken::shared(what, sink)
    }
}

impl<'s, What: PartialEq> Taken<'s, What> {
    fn shared(what: &'static str, sink: &'s mut Sink) -> Self {
        Taken {
            what,
            names: HashMap::new(),
            name: String::new(),
            sink,
        }
    }

    fn take(&mut self, name: impl Display, span: Span) {
        self.called(name);
        let name = self.name.as_str();
        if OF_THE_KERNEL.contains(&name) {
            self.sink.report(
                Diagnostic::new(
                    Code::Duplicate,
                    format!("a {} would be one of the kernel's", self.what),
                )
                .label(span, format!("this would be `{name}`"))
                .help("call it otherwise"),
            );
        }
        self.insert(span, None);
    }

    /// The same name again is no collision if it is for the same.
    fn share_by(&mut self, name: impl Display, what: What, span: Span) {
        self.called(name);
        self.insert(span, Some(what));
    }

    fn called(&mut self, name: impl Display) {
        self.name.clear();
        // Writing to a string cannot fail.
        let _ = write!(self.name, "{name}");
    }

    fn insert(&mut self, span: Span, what: Option<What>) {
        match self.names.get(&self.name) {
            Some((_, known)) if known.is_some() && *known == what => {}
            Some((first, _)) => self.sink.report_once(
                Diagnostic::new(
                    Code::Duplicate,
                    format!("two names would become one {}", self.what),
                )
                .label(span, format!("this would be `{}`", self.name))
                .label(*first, "and this as well")
                .help("call one of them otherwise"),
            ),
            None => drop(self.names.insert(self.name.clone(), (span, what))),
        }
    }
}
