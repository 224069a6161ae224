//! Names that differ in the source and would be one in what is generated, after suite,
//! scenario, kind and action names have been joined.

use std::collections::BTreeMap;

use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Sink};
use crate::emit::names;
use crate::expand;
use crate::ir::{Scenario, Suite, Unit};
use crate::source::Span;

pub(super) fn check(unit: &Unit, sink: &mut Sink) {
    let mut modules = Taken::new("module of the generated Rust", sink);
    for suite in &unit.suites {
        modules.take(names::rust_module(&suite.name), suite.span);
    }
    for suite in &unit.suites {
        cases(unit, suite, sink);
        functions(unit, suite, sink);
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
    let mut kinds: Vec<_> = suite.kinds.iter().map(|used| used.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    for kind in kinds.into_iter().map(|id| unit.kind(id)) {
        for key in crate::ir::CKey::ALL {
            functions.take(names::c_kind(&kind.name, key.as_str()), kind.span);
        }
    }
    for scenario in &suite.scenarios {
        members(scenario, functions.sink);
        functions.take(names::c_test(scenario), scenario.span);
        for driver in &scenario.drivers {
            for callback in ["probe", "remove"] {
                let name = names::c_callback(scenario, &driver.name, callback);
                functions.take(name, driver.span);
            }
        }
        for action in &scenario.actions {
            let name = names::c_action(suite, scenario, action);
            if action.body.is_empty() {
                // Shared by the scenarios on purpose.
                functions.share(name, action.span);
            } else {
                functions.take(name, action.span);
            }
        }
    }
}

/// The fields of the recorder and the places of drivers. Scenarios share those of one
/// name, so that each is looked at alone.
fn members(scenario: &Scenario, sink: &mut Sink) {
    let mut members = Taken::new("field of the generated C", sink);
    let device = |id: crate::sim::DeviceId| &scenario.devices[usize::from(id.0)];
    for device in &scenario.devices {
        members.take(names::c_device(&device.name), device.span);
    }
    for action in &scenario.actions {
        members.take(names::c_ran(&action.name), action.span);
        members.take(names::c_ran_at(&action.name), action.span);
    }
    let declared = scenario.drivers.iter();
    let declared = declared.map(|driver| (driver.name.clone(), device(driver.device), driver.span));
    let bound = expand::bound_devices(scenario);
    let bound = bound.map(|(_, device)| (expand::bound_driver(&device.name), device, device.span));
    let drivers: Vec<_> = declared.chain(bound).collect();
    for (name, _, span) in &drivers {
        members.take(names::c_driver(name), *span);
    }
    let mut slots = Taken::new("constant of the generated C", sink);
    for (name, device, span) in &drivers {
        slots.take(names::c_driver_slot(name, &device.name), *span);
    }
}

/// Names that are in use, with what uses them first.
struct Taken<'s> {
    what: &'static str,
    names: BTreeMap<String, (Span, bool)>,
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
        self.insert(name, span, false);
    }

    fn share(&mut self, name: String, span: Span) {
        self.insert(name, span, true);
    }

    fn insert(&mut self, name: String, span: Span, shared: bool) {
        match self.names.get(&name) {
            Some((_, true)) if shared => {}
            Some(&(first, _)) => self.sink.report(
                Diagnostic::new(
                    Code::Duplicate,
                    format!("two names would become one {}", self.what),
                )
                .label(span, format!("this would be `{name}`"))
                .label(first, "and this as well")
                .help("call one of them otherwise"),
            ),
            None => drop(self.names.insert(name, (span, shared))),
        }
    }
}
