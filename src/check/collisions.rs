//! Names that differ in the source and would be one in what is generated, after suite,
//! scenario, kind and action names have been joined.

use std::collections::{BTreeMap, BTreeSet};

use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Sink};
use crate::emit::names;
use crate::expand;
use crate::ir::{Action, KindId, Scenario, Suite, Unit};
use crate::sim::Sort;
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
                let what = format!("{} {}", sort(action), action.name);
                functions.share_by(name, &what, action.span);
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

/// The fields of the recorder and the places of drivers. Scenarios share those that have
/// the same names; what has other names must not become the same.
fn members(suite: &Suite, sink: &mut Sink) {
    let mut members = Taken::new("field of the generated C", sink);
    for scenario in &suite.scenarios {
        for device in &scenario.devices {
            members.share_by(names::c_device(&device.name), &device.name, device.span);
        }
        for action in &scenario.actions {
            let sort = sort(action);
            let name = format!("{sort} {}", action.name);
            if sort != "action" {
                members.share_by(names::c_memory(&action.name), &name, action.span);
            }
            if sort == "memory" {
                continue;
            }
            members.share_by(names::c_ran(&action.name), &name, action.span);
            members.share_by(names::c_added(&action.name), &name, action.span);
            members.share_by(names::c_ran_at(&action.name), &name, action.span);
        }
        for (driver, _, span) in drivers(scenario) {
            let name = format!("driver {driver}");
            members.share_by(names::c_driver(&driver), &name, span);
        }
    }
    for scenario in &suite.scenarios {
        let mut called = Taken::new("name of a device on the kernel", sink);
        for device in &scenario.devices {
            called.take(names::c_device_name(&device.name), device.name_span);
        }
        let mut called = Taken::new("name of a driver on the kernel", sink);
        for driver in &scenario.drivers {
            called.take(names::c_device_name(&driver.name), driver.span);
        }
    }
    let mut slots = Taken::new("constant of the generated C", sink);
    for scenario in &suite.scenarios {
        for (driver, device, span) in drivers(scenario) {
            let name = format!("{driver} for {device}");
            slots.share_by(names::c_driver_slot(&driver, &device), &name, span);
        }
    }
}

/// The drivers of a scenario with the names of their devices, those included that keep a
/// device bound.
fn drivers(scenario: &Scenario) -> Vec<(String, String, Span)> {
    let device = |id: crate::sim::DeviceId| scenario.devices[usize::from(id.0)].name.clone();
    let declared = scenario.drivers.iter();
    let declared = declared.map(|driver| (driver.name.clone(), device(driver.device), driver.span));
    let bound = expand::bound_devices(scenario).map(|(_, device)| {
        let driver = expand::bound_driver(&device.name);
        (driver, device.name.clone(), device.span)
    });
    declared.chain(bound).collect()
}

/// Names that are in use, with what uses them first.
struct Taken<'s> {
    what: &'static str,
    /// By name: where it is first used, and what for if it may be used again for the same.
    names: BTreeMap<String, (Span, Option<String>)>,
    sink: &'s mut Sink,
}

impl<'s> Taken<'s> {
    fn new(what: &'static str, sink: &'s mut Sink) -> Self {
        Taken {
            what,
            names: BTreeMap::new(),
            sink,
        }
    }

    fn take(&mut self, name: String, span: Span) {
        if OF_THE_KERNEL.contains(&name.as_str()) {
            self.sink.report(
                Diagnostic::new(
                    Code::Duplicate,
                    format!("a {} would be one of the kernel's", self.what),
                )
                .label(span, format!("this would be `{name}`"))
                .help("call it otherwise"),
            );
        }
        self.insert(name, span, None);
    }

    /// The same name again is no collision if it is for the same.
    fn share_by(&mut self, name: String, what: &str, span: Span) {
        self.insert(name, span, Some(what.to_owned()));
    }

    fn insert(&mut self, name: String, span: Span, what: Option<String>) {
        match self.names.get(&name) {
            Some((_, known)) if known.is_some() && *known == what => {}
            Some((first, _)) => self.sink.report(
                Diagnostic::new(
                    Code::Duplicate,
                    format!("two names would become one {}", self.what),
                )
                .label(span, format!("this would be `{name}`"))
                .label(*first, "and this as well")
                .help("call one of them otherwise"),
            ),
            None => drop(self.names.insert(name, (span, what))),
        }
    }
}
