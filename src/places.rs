//! Where something is so: on which of a scenario's kinds, on which kernels. And how that is said,
//! in words and in the language.

use crate::codes::Code;
use crate::diagnostic::Diagnostic;
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
        groups.is_empty().then(|| kernels(&models))
    }

    /// On which kinds and kernels, in words: a line for each set of kinds.
    pub fn describe(&self, unit: &Unit, scenario: &Scenario) -> String {
        let line = |(kinds, models): &(Vec<usize>, Vec<Model>)| {
            let kinds = labels(unit, scenario, kinds);
            format!("on {kinds}, {}", kernels(models))
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
fn kernels(models: &[Model]) -> String {
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

/// What is wrong in several orders of one scenario, once: the first is told, and which they are.
pub fn by_order(unit: &Unit, diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let scenarios = unit.suites.iter().flat_map(|suite| &suite.scenarios);
    let orders: Vec<(&str, &str)> = scenarios
        .filter_map(|scenario| Some((scenario.name.as_str(), scenario.order_of.as_deref()?)))
        .collect();
    let mut told: Vec<(Diagnostic, Option<Told<'_>>)> = Vec::new();
    for diagnostic in diagnostics {
        let of_a_run = matches!(
            diagnostic.code,
            Code::Fault | Code::Expectation | Code::Race | Code::NoFault
        );
        let new = Told::of(&orders, &diagnostic.message);
        let Some(new) = new.filter(|_| of_a_run) else {
            told.push((diagnostic, None));
            continue;
        };
        let known = told.iter_mut().find_map(|(known, told)| {
            let told = told.as_mut()?;
            // What came before may differ from order to order.
            let place = |diagnostic: &Diagnostic| diagnostic.labels.first().map(|label| label.0);
            let same = told.message == new.message && place(known) == place(&diagnostic);
            (same && known.code == diagnostic.code).then_some(told)
        });
        match known {
            Some(known) => known.orders.extend(new.orders),
            None => told.push((diagnostic, Some(new))),
        }
    }
    let all_told = told.into_iter().map(|(mut diagnostic, told)| {
        if let Some(told) = told {
            let all = orders.iter().filter(|order| order.1 == told.of).count();
            if told.orders.len() < all {
                diagnostic.hint = None;
            }
            let help = diagnostic.help.get_or_insert_default();
            let (count, names) = (told.orders.len(), told.orders.join(", "));
            *help += &format!("\nin {count} of {all} orders: {names}");
        }
        diagnostic
    });
    all_told.collect()
}

/// What is told of a scenario's orders.
struct Told<'u> {
    /// The message without the order.
    message: String,
    /// The scenario that they are orders of.
    of: &'u str,
    /// The orders: which strand is next.
    orders: Vec<&'u str>,
}

impl<'u> Told<'u> {
    /// Messages name a scenario in backticks, or behind its suite.
    fn of(orders: &[(&'u str, &'u str)], message: &str) -> Option<Self> {
        let ways = [("`", "`"), ("/", " "), ("/", "/")];
        let named = |name: &str| ways.map(|(before, behind)| format!("{before}{name}{behind}"));
        let is_in = |name: &str| named(name).iter().any(|named| message.contains(named));
        let &(name, of) = orders.iter().find(|(name, _)| is_in(name))?;
        let renamed = named(name).into_iter().zip(named(of));
        Some(Told {
            message: renamed.fold(message.to_owned(), |message, (from, to)| {
                message.replace(&from, &to)
            }),
            of,
            orders: vec![&name[of.len() + 1..]],
        })
    }
}
