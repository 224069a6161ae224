//! What happens, told to who asks: the stories of a scenario's cases, each once for all kinds on which
//! it is the same, and of other kernels only where these part.

mod json;
mod scenario;

use crate::expand::Case;
use crate::ir::{KindUse, Scenario, Suite, Unit};
use crate::places::on_kernels;
use crate::sim::{Fix, Model, StoryLine};
use crate::story::{Alike, Ends, Outcome, Story, folded};

pub use scenario::scenarios;

/// What is said of a scenario, or of orders of one that lead to the same.
#[derive(Clone, Debug)]
pub struct Answer<'u> {
    suite: &'u Suite,
    /// The first of its orders, or the scenario itself.
    scenario: &'u Scenario,
    /// Those orders, by name.
    orders: Vec<&'u str>,
    groups: Vec<Group>,
}

/// Kinds on which the same happens.
#[derive(Clone, Debug)]
struct Group {
    kinds: Vec<KindUse>,
    /// Whether the counts of references and the functions are the same on all of them.
    is_same: bool,
    model: Model,
    usual: Story,
    /// What happens on other kernels, where that is something else.
    others: Vec<(Vec<Model>, Story)>,
}

/// What happens in each scenario, on these kernels: others are told of where they part from the first.
pub fn answers<'u>(unit: &'u Unit, models: &[Model]) -> Vec<Answer<'u>> {
    let mut all: Vec<Answer<'u>> = Vec::new();
    for suite in &unit.suites {
        for scenario in &suite.scenarios {
            let new = Answer {
                suite,
                scenario,
                orders: scenario.order.iter().map(|order| &*order.which).collect(),
                groups: groups(unit, suite, scenario, models),
            };
            match all.iter_mut().find(|known| known.ends_as(&new)) {
                Some(known) => known.orders.extend(new.orders),
                None => all.push(new),
            }
        }
    }
    all
}

fn groups(unit: &Unit, suite: &Suite, scenario: &Scenario, models: &[Model]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let Some((&first, rest)) = models.split_first() else {
        return groups;
    };
    for &kind_use in &scenario.kinds {
        let story = |model| {
            Story::of(&Case {
                unit,
                suite,
                scenario,
                kind_use,
                model,
            })
        };
        let mut new = Group {
            kinds: vec![kind_use],
            is_same: true,
            model: first,
            usual: story(first),
            others: Vec::new(),
        };
        for &model in rest {
            let story = story(model);
            if story.is_like(&new.usual, Alike::Exactly) {
                continue;
            }
            match new
                .others
                .iter_mut()
                .find(|(_, known)| known.is_like(&story, Alike::Exactly))
            {
                Some((models, _)) => models.push(model),
                None => new.others.push((vec![model], story)),
            }
        }
        match groups
            .iter_mut()
            .find(|known| known.agree(&new, |one, other| one.is_like(other, Alike::What)))
        {
            Some(known) => {
                known.is_same &= known.agree(&new, |one, other| one.is_like(other, Alike::Exactly));
                known.kinds.push(kind_use);
            }
            None => groups.push(new),
        }
    }
    groups
}

impl Group {
    /// Whether both are alike on each kernel.
    fn agree(&self, other: &Group, are_alike: fn(&Story, &Story) -> bool) -> bool {
        let mut others = self.others.iter().zip(&other.others);
        are_alike(&self.usual, &other.usual)
            && self.others.len() == other.others.len()
            && others.all(|(one, other)| one.0 == other.0 && are_alike(&one.1, &other.1))
    }

    /// The kinds, as suites spell them.
    fn spelled(&self, unit: &Unit) -> Vec<String> {
        self.kinds.iter().map(|kind| kind.spelled(unit)).collect()
    }

    /// The kinds and the kernel, as a headline.
    fn headline(&self, unit: &Unit) -> String {
        let mut text = format!("on {}", self.spelled(unit).join(", "));
        if self.model != Model::ALL {
            text += &format!(", {}", on_kernels(&[self.model]));
        }
        if let (false, [first, ..]) = (self.is_same, self.kinds.as_slice()) {
            text += &format!(
                " (counts and functions are those of {})",
                first.spelled(unit)
            );
        }
        text
    }

    fn tell(&self, unit: &Unit) -> String {
        let mut text = format!("{}:\n", self.headline(unit));
        let width = self.column();
        self.usual.tell(None, width, &self.others, &mut text);
        for (models, story) in &self.others {
            text += &format!("{}:\n", on_kernels(models));
            story.tell(Some(&self.usual), width, &[], &mut text);
        }
        text
    }

    /// The column from which on counts stand.
    fn column(&self) -> usize {
        let others = self.others.iter().map(|(_, story)| story);
        let stories = others.chain([&self.usual]);
        StoryLine::column(stories.flat_map(|story| story.own.iter().chain(&story.end)))
    }
}

impl Story {
    /// The story, or of another kernel's the part behind what both have in common.
    fn tell(
        &self,
        known: Option<&Story>,
        width: usize,
        others: &[(Vec<Model>, Story)],
        text: &mut String,
    ) {
        let parts = [
            (&self.own, &self.then, "expect"),
            (&self.end, &self.finally, "finally expect"),
        ];
        let known = known.map(|known| [(&known.own, &known.then), (&known.end, &known.finally)]);
        for (at, (lines, outcomes, word)) in parts.into_iter().enumerate() {
            let from = match known.map(|known| known[at]) {
                None => 0,
                Some((known, known_outcomes)) => match parts_at(lines, known) {
                    None if outcomes == known_outcomes => continue,
                    at => at.unwrap_or(lines.len()),
                },
            };
            if at > 0 && from < lines.len() {
                *text += "  at its end:\n";
            }
            let lines = lines[from..].iter().map(|line| line.lay_out(width));
            for line in folded(lines.collect()) {
                *text += &format!("  {line}\n");
            }
            if outcomes.is_empty() {
                continue;
            }
            // What is no contract is told all the same.
            let word = match self.ends {
                Ends::Well => word,
                Ends::Faulted if at == 0 && self.end.is_empty() => word,
                _ if at == 0 => "then",
                _ => "finally",
            };
            let outcomes = outcomes.iter().map(|outcome| match known {
                None => outcome.to_string() + &deviations(outcome, others, at > 0),
                Some(_) => outcome.to_string(),
            });
            *text += &format!("  {word} {}\n", outcomes.collect::<Vec<_>>().join(", "));
        }
        if self.ends == Ends::Racy {
            *text += "  ?? this depends on when queued work is done: `settle` waits for it\n";
        }
    }
}

/// What else is so on kernels without a fix, as a scenario says it.
fn deviations(outcome: &Outcome, others: &[(Vec<Model>, Story)], at_end: bool) -> String {
    let instead = |story: &Story| {
        let same = |other: &&Outcome| other.subject == outcome.subject;
        let finally = at_end.then_some(&story.finally).into_iter().flatten();
        let other = &finally.chain(&story.then).find(same)?.outcome;
        match (outcome.outcome.as_str(), other.as_str()) {
            (usual, other) if usual == other => None,
            // One does not exclude the other.
            ("alive", "bound") => None,
            ("bound", "alive") => Some("unbound".to_owned()),
            _ => Some(other.clone()),
        }
    };
    let mut text = String::new();
    for (models, story) in others.iter().filter(|(_, story)| story.ends == Ends::Well) {
        let fixes = models.iter().filter_map(|model| model.lacks().next());
        if let Some(instead) = instead(story) {
            text.extend(fixes.map(|fix: Fix| format!(" but {instead} without {fix}")));
        }
    }
    text
}

/// The operation in which both stop being the same, if they do.
fn parts_at(lines: &[StoryLine], known: &[StoryLine]) -> Option<usize> {
    let same = lines.iter().zip(known);
    let same = same
        .take_while(|(line, known)| Alike::Exactly.are(line, known))
        .count();
    if same == lines.len().max(known.len()) {
        return None;
    }
    let is_within = |all: &[StoryLine]| all.get(same).is_some_and(|line| line.depth > 0);
    match is_within(lines) || is_within(known) {
        true => lines[..same].iter().rposition(|line| line.depth == 0),
        false => Some(same),
    }
}

impl Answer<'_> {
    /// Whether another order of the same scenario leads to the same.
    fn ends_as(&self, other: &Answer<'_>) -> bool {
        let of = |answer: &Answer<'_>| Some(answer.scenario.order.as_ref()?.scenario);
        let same = |one: &Group, other: &Group| {
            let kinds = one
                .kinds
                .iter()
                .zip(&other.kinds)
                .all(|(one, other)| one.is(other));
            kinds && one.kinds.len() == other.kinds.len() && one.agree(other, Story::ends_as)
        };
        let mut groups = self.groups.iter().zip(&other.groups);
        of(self).is_some()
            && of(self) == of(other)
            && self.groups.len() == other.groups.len()
            && groups.all(|(one, other)| same(one, other))
    }

    /// The answer in words; `named` with the name of the scenario.
    pub fn tell(&self, unit: &Unit, named: bool) -> String {
        let mut heads = Vec::new();
        if named {
            let name = match &self.scenario.order {
                Some(order) => &order.of,
                None => &self.scenario.name,
            };
            heads.push(format!("{}/{name}", self.suite.name));
        }
        if let Some(order) = &self.scenario.order {
            let which = match self.orders.len() {
                count if count == order.count => format!("in each of {count} orders"),
                count => format!(
                    "in {count} of {} orders: {}",
                    order.count,
                    self.orders.join(", ")
                ),
            };
            heads.push(match self.orders.len() {
                1 => which,
                _ => format!("{which}; this is {}", order.which),
            });
        }
        let mut text = match heads.is_empty() {
            true => String::new(),
            false => format!("{}\n\n", heads.join(", ")),
        };
        let groups = self.groups.iter().map(|group| group.tell(unit));
        text += &groups.collect::<Vec<_>>().join("\n");
        text
    }
}
