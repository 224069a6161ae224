//! The suites of a unit as one version of Linux can have them: without the kinds that it
//! does not have, and apart where subsystems are needed that not every kernel is built
//! with. One scenario source makes one C file for each set of subsystems.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::codes::Code;
use crate::diagnostic::Diagnostic;
use crate::ir::{Kind, KindId, KindUse, Linux, Scenario, Suite, Unit};

/// Symbols of Kconfig that a suite needs: what users can ask for, and what has to be
/// selected for them.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Needs {
    /// What users can ask for.
    pub depends: BTreeSet<String>,
    /// What has to be selected.
    pub selects: BTreeSet<String>,
    /// What must not be set.
    pub unset: BTreeSet<String>,
}

impl Needs {
    fn of(kind: &Kind) -> Needs {
        Needs {
            depends: kind.needs.iter().cloned().collect(),
            selects: kind.selects.iter().cloned().collect(),
            unset: kind.unset.iter().cloned().collect(),
        }
    }

    fn and(mut self, other: Needs) -> Needs {
        self.depends.extend(other.depends);
        self.selects.extend(other.selects);
        self.unset.extend(other.unset);
        self
    }

    /// All that have to be set, in order.
    pub fn symbols(&self) -> BTreeSet<&str> {
        let all = self.depends.iter().chain(&self.selects);
        all.map(String::as_str).collect()
    }

    /// The symbol that builds the suites which need just these.
    pub fn symbol(&self) -> String {
        let mut symbol = "DEVRES_".to_owned();
        for need in self.symbols() {
            symbol += &format!("{need}_");
        }
        symbol + "KUNIT_TEST"
    }
}

/// A suite, or those of its kinds that need the same.
#[derive(Debug)]
pub struct Part<'u> {
    /// The suite that it is of.
    pub whole: &'u Suite,
    /// The same with what is in this part.
    pub suite: Cow<'u, Suite>,
    /// What its C needs.
    pub needs: Needs,
}

/// The unit with its suites as they are on that version: what it does not have is left
/// out, and a suite on kinds with different needs is several, each but the first with the
/// name of what it needs besides. Cases keep their names.
pub fn of(unit: &Unit, linux: Linux) -> Unit {
    let parts = parts(unit, linux);
    let suites = parts.map(|part| part.suite.into_owned());
    unit.on(linux, suites.collect())
}

/// The suites of that unit.
pub fn parts(unit: &Unit, linux: Linux) -> impl Iterator<Item = Part<'_>> {
    let suites = unit.suites.iter();
    suites.flat_map(move |suite| of_suite(unit, suite, linux))
}

fn of_suite<'u>(unit: &Unit, suite: &'u Suite, linux: Linux) -> Vec<Part<'u>> {
    let has = |id: KindId| unit.kind(id).is_on(linux);
    let scenarios: Vec<&Scenario> = suite
        .scenarios
        .iter()
        .filter(|scenario| declared(scenario).all(has))
        .collect();
    // What scenarios declare, all of them need.
    let common: BTreeSet<KindId> = scenarios
        .iter()
        .flat_map(|scenario| declared(scenario))
        .collect();
    let common = common
        .into_iter()
        .map(|id| Needs::of(unit.kind(id)))
        .fold(Needs::default(), Needs::and);
    let mut by_needs: BTreeMap<Needs, Vec<KindUse>> = BTreeMap::new();
    for used in suite
        .kinds
        .iter()
        .filter(|used| is_use_on(unit, used, linux))
    {
        let parent = used.parent.map(|id| Needs::of(unit.kind(id)));
        let needs = Needs::of(unit.kind(used.kind))
            .and(parent.unwrap_or_default())
            .and(common.clone());
        by_needs.entry(needs).or_default().push(*used);
    }
    let several = by_needs.len() > 1;
    let is_whole = scenarios.len() == suite.scenarios.len()
        && scenarios.iter().all(|scenario| !scenario.kinds.is_empty());
    let parts = by_needs.into_iter().map(|(needs, kinds)| {
        if is_whole && kinds.len() == suite.kinds.len() {
            let (whole, suite) = (suite, Cow::Borrowed(suite));
            return Part {
                whole,
                suite,
                needs,
            };
        }
        let common = common.symbols();
        let besides = needs.symbols();
        let besides = besides.difference(&common);
        let name: Vec<String> = besides.map(|need| need.to_ascii_lowercase()).collect();
        let scenarios = scenarios.iter().map(|scenario| {
            let mut scenario = (*scenario).clone();
            scenario
                .kinds
                .retain(|used| kinds.iter().any(|kind| kind.is(used)));
            scenario
        });
        let suite_here = Suite {
            source: suite.source,
            doc: suite.doc.clone(),
            name: suite.name.clone(),
            span: suite.span,
            part: (several && !name.is_empty()).then(|| name.join("_")),
            scenarios: scenarios
                .filter(|scenario| !scenario.kinds.is_empty())
                .collect(),
            kinds,
        };
        Part {
            whole: suite,
            suite: Cow::Owned(suite_here),
            needs,
        }
    });
    parts
        .filter(|part| !part.suite.scenarios.is_empty())
        .collect()
}

/// Whether that version has a kind and what it is asked to hang below.
fn is_use_on(unit: &Unit, used: &KindUse, linux: Linux) -> bool {
    let has = |id: KindId| unit.kind(id).is_on(linux);
    has(used.kind) && used.parent.is_none_or(has)
}

fn declared(scenario: &Scenario) -> impl Iterator<Item = KindId> {
    scenario.devices.iter().filter_map(|device| device.kind)
}

/// The unit with what a version of Linux has of it, in one piece.
pub fn available_on(unit: &Unit, linux: Linux) -> Unit {
    let has = |id: KindId| unit.kind(id).is_on(linux);
    let mut had = unit.clone();
    for suite in &mut had.suites {
        for scenario in &mut suite.scenarios {
            let kinds = &mut scenario.kinds;
            kinds.retain(|used| is_use_on(unit, used, linux));
        }
        suite
            .scenarios
            .retain(|scenario| !scenario.kinds.is_empty() && declared(scenario).all(has));
    }
    had.suites.retain(|suite| !suite.scenarios.is_empty());
    had
}

/// What that version of Linux does not have of a suite, in the words of a note.
pub fn left_out(unit: &Unit, suite: &Suite, linux: Linux) -> Vec<String> {
    let since = |id: KindId| {
        let kind = unit.kind(id);
        kind.since.filter(|&since| since > linux)
    };
    let mut notes = Vec::new();
    for used in &suite.kinds {
        let ids = [Some(used.kind), used.parent];
        let newest = ids.into_iter().flatten().filter_map(since).max();
        if let Some(since) = newest {
            notes.push(format!("`{}` ({since})", used.label(unit)));
        }
    }
    for scenario in &suite.scenarios {
        if let Some(since) = declared(scenario).filter_map(since).max() {
            notes.push(format!("scenario `{}` ({since})", scenario.name));
        }
    }
    notes
}

/// The same of all suites, as warnings.
pub fn warnings(unit: &Unit, linux: Linux) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    for suite in &unit.suites {
        let notes = left_out(unit, suite, linux);
        if notes.is_empty() {
            continue;
        }
        let what = notes.join(", ");
        warnings.push(
            Diagnostic::new(
                Code::LeftOut,
                format!(
                    "suite `{}` is not all there on Linux {linux}: {what}",
                    suite.name
                ),
            )
            .label(suite.span, "its C leaves these out, which are newer")
            .help("`run`, the generated Rust and C for a newer version have them"),
        );
    }
    warnings
}
