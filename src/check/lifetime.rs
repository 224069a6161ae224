//! Lifetime faults have one judge: the simulator. Each case runs once on a kernel
//! with all fixes and once without each; what it stumbles over is an error.

use std::collections::BTreeMap;

use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Sink};
use crate::expand;
use crate::ir::{Scenario, Suite, Unit};
use crate::run;
use crate::sim::{Fix, Model};
use crate::source::Span;

pub(super) fn check(unit: &Unit, sink: &mut Sink) {
    for suite in &unit.suites {
        for scenario in &suite.scenarios {
            scenario_faults(unit, suite, scenario, sink);
        }
    }
}

/// One diagnostic for each place and fault, with the cases in which it happens.
fn scenario_faults(unit: &Unit, suite: &Suite, scenario: &Scenario, sink: &mut Sink) {
    let mut found: BTreeMap<(Span, String), Vec<String>> = BTreeMap::new();
    for model in models() {
        for case in expand::cases_of(unit, suite, scenario, model) {
            let run = run::run(&case);
            if let Some(fault) = run.fault {
                let place = format!("{} {model}", case.kind_use.label(unit));
                found
                    .entry((fault.span, fault.text))
                    .or_default()
                    .push(place);
            }
        }
    }
    for ((span, text), places) in found {
        sink.report(
            Diagnostic::new(
                Code::Fault,
                format!("in scenario `{}`, {text}", scenario.name),
            )
            .label(span, "here")
            .help(format!("on {}", places.join(", "))),
        );
    }
}

/// The kernels on which cases are tried when they are compiled.
fn models() -> impl Iterator<Item = Model> {
    std::iter::once(Model::ALL).chain(Fix::ALL.into_iter().map(|fix| Model::ALL.without(fix)))
}
