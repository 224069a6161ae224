//! Every scenario that gives up in the middle, after each of its operations in turn, and
//! then the scenario itself: what a failed assertion leaves for the next case has to be
//! nothing. `verify --give-up` asks a kernel.

use crate::expand;
use crate::ir::{Scenario, Suite, Unit};

/// The unit in which each scenario comes after all the ways in which it could give up.
pub fn give_up(unit: &Unit) -> Unit {
    let suites = unit.suites.iter().map(|suite| Suite {
        scenarios: suite
            .scenarios
            .iter()
            .flat_map(|scenario| ways(unit, suite, scenario))
            .collect(),
        ..suite.clone()
    });
    Unit {
        suites: suites.collect(),
        ..unit.clone()
    }
}

fn ways(unit: &Unit, suite: &Suite, scenario: &Scenario) -> Vec<Scenario> {
    let operations = scenario.kinds.first().map(|&used| {
        expand::with_program(unit, scenario, used, |program| {
            let steps = expand::time_line(suite, scenario, program);
            expand::own_operations(&steps, program).len()
        })
    });
    let given_up = (0..=operations.unwrap_or(0)).map(|after| Scenario {
        name: format!("{}_given_up_{after}", scenario.name),
        gives_up_after: Some(after),
        ..scenario.clone()
    });
    given_up.chain([scenario.clone()]).collect()
}
