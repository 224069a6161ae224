//! Where something is so: on which of a scenario's kinds, on which kernels. And how that is said,
//! in words and in the language.

use crate::ir::{Condition, KindUse, Scenario, Unit};
use crate::sim::Model;

/// The kinds and kernels on which something is so, in the order in which they were found.
#[derive(Clone, Debug, Default)]
pub struct Places(Vec<(Model, KindUse)>);

impl Places {
    /// One more.
    pub fn push(&mut self, model: Model, used: KindUse) {
        self.0.push((model, used));
    }

    /// The same of other places as well.
    pub fn extend(&mut self, other: Places) {
        self.0.extend(other.0);
    }

    /// Which of the scenario's kinds, by their places there, on a kernel.
    pub fn kinds(&self, scenario: &Scenario, model: Model) -> Vec<usize> {
        let is = |used: &KindUse| {
            self.0
                .iter()
                .any(|place| place.0 == model && place.1.is(used))
        };
        let kinds = scenario.kinds.iter().enumerate();
        kinds
            .filter_map(|(at, used)| is(used).then_some(at))
            .collect()
    }

    /// Which of them on any kernel, in words.
    pub fn all_kinds(&self, unit: &Unit, scenario: &Scenario) -> String {
        let is = |used: &KindUse| self.0.iter().any(|place| place.1.is(used));
        let kinds = scenario.kinds.iter().enumerate();
        let kinds: Vec<usize> = kinds
            .filter_map(|(at, used)| is(used).then_some(at))
            .collect();
        labels(unit, scenario, &kinds)
    }

    /// On which kernels, in words, where the kinds are the same on each of them.
    pub fn kernels(&self, scenario: &Scenario) -> Option<String> {
        let mut groups = self.groups(scenario);
        let (_, models) = groups.pop()?;
        groups.is_empty().then(|| on_kernels(&models))
    }

    /// On which kinds and kernels, in words: a line for each set of kinds.
    pub fn describe(&self, unit: &Unit, scenario: &Scenario) -> String {
        let line = |(kinds, models): &(Vec<usize>, Vec<Model>)| {
            let kinds = labels(unit, scenario, kinds);
            format!("on {kinds}, {}", on_kernels(models))
        };
        let groups = self.groups(scenario);
        match groups.as_slice() {
            [(kinds, models)] if kinds.len() == scenario.kinds.len() && is_every_kernel(models) => {
                "on every kind and every kernel".to_owned()
            }
            groups => groups.iter().map(line).collect::<Vec<_>>().join("\n"),
        }
    }

    /// The kernels on which the kinds are the same, together.
    fn groups(&self, scenario: &Scenario) -> Vec<(Vec<usize>, Vec<Model>)> {
        let mut groups: Vec<(Vec<usize>, Vec<Model>)> = Vec::new();
        for (model, _) in &self.0 {
            let kinds = self.kinds(scenario, *model);
            match groups.iter_mut().find(|group| group.0 == kinds) {
                Some((_, models)) if models.contains(model) => {}
                Some((_, models)) => models.push(*model),
                None => groups.push((kinds, vec![*model])),
            }
        }
        groups
    }
}

fn is_every_kernel(models: &[Model]) -> bool {
    Model::known().all(|model| models.contains(&model))
}

/// Kernels in words: `on every kernel`, `on a kernel with 699fb50d9903`.
pub fn on_kernels(models: &[Model]) -> String {
    let mut missing = Model::known().filter(|model| !models.contains(model));
    let only_without = match (missing.next(), missing.next()) {
        (None, _) => return "on every kernel".to_owned(),
        (Some(model), None) if models.contains(&Model::ALL) => model.lacks().next(),
        _ => None,
    };
    match only_without {
        Some(fix) => format!("on a kernel with {fix}"),
        None => {
            let models: Vec<String> = models.iter().map(Model::to_string).collect();
            format!("on a kernel {}", models.join(", or "))
        }
    }
}

fn labels(unit: &Unit, scenario: &Scenario, kinds: &[usize]) -> String {
    if kinds.len() > 1 && kinds.len() == scenario.kinds.len() {
        return "every kind".to_owned();
    }
    let label = |&at: &usize| scenario.kinds[at].label(unit);
    kinds.iter().map(label).collect::<Vec<_>>().join(", ")
}

/// The condition that some of all kinds of a scenario meet and the others do not, if there is one
/// of few words; by their places in the scenario.
pub fn when(scenario: &Scenario, some: &[usize], all: &[usize]) -> Option<&'static str> {
    let meets = |bound| {
        let condition = Condition::Bound(bound);
        let meet = all.iter().copied();
        meet.filter(|&kind| condition.applies(&scenario.kinds[kind]))
            .eq(some.iter().copied())
    };
    if some.len() == all.len() {
        Some("")
    } else if meets(true) {
        Some(" while bound")
    } else {
        meets(false).then_some(" while unbound")
    }
}
