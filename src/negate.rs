//! Every expectation turned into its opposite, one at a time: a program of which
//! each case must fail. This is how tests see that expectations can fail at all.

use crate::ir::{Scenario, StepKind, Suite, Unit};

/// The unit in which each scenario stands once for each of its expectations, with
/// that one negated and the others left out.
pub fn negate(unit: &Unit) -> Unit {
    let suites = unit.suites.iter().map(|suite| Suite {
        scenarios: suite.scenarios.iter().flat_map(negations).collect(),
        ..suite.clone()
    });
    // Where nothing is expected there is nothing to negate.
    let suites = suites.filter(|suite| !suite.scenarios.is_empty());
    Unit {
        suites: suites.collect(),
        ..unit.clone()
    }
}

fn negations(scenario: &Scenario) -> Vec<Scenario> {
    let expectations = scenario
        .steps
        .iter()
        .enumerate()
        .filter_map(|(index, step)| {
            let judged = matches!(step.kind, StepKind::Expect(_) | StepKind::Finally(_));
            judged.then_some(index)
        });
    expectations
        .enumerate()
        .map(|(count, chosen)| {
            let mut negated = scenario.clone();
            negated.name = format!("{}_negated_{}", scenario.name, count + 1);
            let mut index = 0;
            negated.steps.retain_mut(|step| {
                let here = index;
                index += 1;
                match &mut step.kind {
                    StepKind::Expect(expectation) | StepKind::Finally(expectation) => {
                        expectation.negated = !expectation.negated;
                        here == chosen
                    }
                    StepKind::Op(..) | StepKind::Fault(_) => true,
                }
            });
            negated
        })
        .collect()
}
