//! `--only` and `--skip`: the part of a unit that a command is about.

use glob::{MatchOptions, Pattern};

use crate::diagnostic::nearest;
use crate::ir::{Scenario, Suite, Unit};

/// Which cases are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// None of them: all cases.
    pub only: Vec<Filter>,
    /// Cases that are left out.
    pub skip: Vec<Filter>,
}

/// A pattern for the names of cases: `SUITE`, `SUITE/SCENARIO` or `SUITE/SCENARIO/KIND`,
/// each part with `*`, `?` and `[...]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    text: String,
    parts: Vec<Pattern>,
}

impl Filter {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Filter, String> {
        let parts = text
            .split('/')
            .map(|part| Pattern::new(part).map_err(|why| why.to_string()));
        let parts = parts.collect::<Result<Vec<_>, _>>()?;
        if parts.len() > 3 {
            return Err("a case is called SUITE/SCENARIO/KIND".to_owned());
        }
        Ok(Filter {
            text: text.to_owned(),
            parts,
        })
    }

    /// Parts that are left out match anything.
    fn matches(&self, case: [&str; 3]) -> bool {
        let options = MatchOptions::new();
        let mut pairs = self.parts.iter().zip(case);
        pairs.all(|(part, name)| part.matches_with(name, options))
    }
}

impl Selection {
    /// Whether all cases are wanted.
    pub fn is_everything(&self) -> bool {
        self.only.is_empty() && self.skip.is_empty()
    }

    /// The options that make this selection, as they are typed.
    pub fn arguments(&self) -> String {
        let said = |word: &'static str| move |filter: &Filter| format!(" {word} '{}'", filter.text);
        let only = self.only.iter().map(said("--only"));
        only.chain(self.skip.iter().map(said("--skip"))).collect()
    }

    fn wants(&self, case: [&str; 3]) -> bool {
        let any = |filters: &[Filter]| filters.iter().any(|filter| filter.matches(case));
        (self.only.is_empty() || any(&self.only)) && !any(&self.skip)
    }
}

/// The part of the unit that is wanted: kinds, scenarios and suites without a case are
/// left out.
///
/// # Errors
/// A pattern that matches no case at all, and so is likely to be a slip.
pub fn select(mut unit: Unit, selection: &Selection) -> Result<Unit, String> {
    if selection.is_everything() {
        return Ok(unit);
    }
    let names = names(&unit);
    for filter in selection.only.iter().chain(&selection.skip) {
        let matches = |name: &[String; 3]| filter.matches([&name[0], &name[1], &name[2]]);
        if !names.iter().any(matches) {
            return Err(format!(
                "no case matches `{}`; {}",
                filter.text,
                hint(filter, &names)
            ));
        }
    }
    let mut suites = std::mem::take(&mut unit.suites);
    for suite in &mut suites {
        let label = |used: &crate::ir::KindUse| used.label(&unit);
        let wants =
            |scenario: &Scenario, kind: &str| selection.wants([&suite.name, &scenario.name, kind]);
        for scenario in &mut suite.scenarios {
            let mut kinds = std::mem::take(&mut scenario.kinds);
            kinds.retain(|used| wants(scenario, &label(used)));
            scenario.kinds = kinds;
        }
        suite
            .scenarios
            .retain(|scenario| !scenario.kinds.is_empty());
        let scenarios = &suite.scenarios;
        let is_used = |used: &crate::ir::KindUse| {
            let mut kinds = scenarios.iter().flat_map(|scenario| &scenario.kinds);
            kinds.any(|kind| kind.is(used))
        };
        suite.kinds.retain(is_used);
    }
    suites.retain(|suite: &Suite| !suite.scenarios.is_empty());
    unit.suites = suites;
    if unit.suites.is_empty() {
        return Err("`--only` and `--skip` together leave no case".to_owned());
    }
    Ok(unit)
}

fn names(unit: &Unit) -> Vec<[String; 3]> {
    let mut names = Vec::new();
    for suite in &unit.suites {
        for scenario in &suite.scenarios {
            for used in &scenario.kinds {
                names.push([suite.name.clone(), scenario.name.clone(), used.label(unit)]);
            }
        }
    }
    names
}

/// What may have been meant: names of as many parts as the pattern has.
fn hint(filter: &Filter, names: &[[String; 3]]) -> String {
    let parts = filter.parts.len();
    let known: Vec<String> = names.iter().map(|name| name[..parts].join("/")).collect();
    match nearest(&filter.text, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`run` lists the cases as SUITE/SCENARIO/KIND".to_owned(),
    }
}
