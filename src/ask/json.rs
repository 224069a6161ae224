//! Answers for programs.

use serde_json::{Value, json};

use super::{Answer, Group};
use crate::ir::Unit;
use crate::sim::{Model, StoryLine};
use crate::story::{Ends, Story};

impl Answer<'_> {
    /// The answer as JSON: for each group of kinds what happens on the first kernel, and then on each
    /// that does something else.
    pub fn to_json(&self, unit: &Unit) -> Value {
        let mut value = json!({
            "suite": self.suite.name,
            "scenario": self.scenario.name,
            "groups": self.groups.iter().map(|group| group.to_json(unit)).collect::<Vec<_>>(),
        });
        if let Some(order) = &self.scenario.order {
            value["scenario"] = json!(order.of);
            value["orders"] = json!(self.orders);
        }
        value
    }
}

impl Group {
    fn to_json(&self, unit: &Unit) -> Value {
        let others = self.others.iter();
        let others = others.flat_map(|(models, story)| models.iter().map(move |m| (*m, story)));
        let kernels = std::iter::once((self.model, &self.usual)).chain(others);
        json!({
            "kinds": self.spelled(unit),
            "counts_of_first": !self.is_same,
            "kernels": kernels.map(|(model, story)| on_kernel(model, story)).collect::<Vec<_>>(),
        })
    }
}

fn on_kernel(model: Model, story: &Story) -> Value {
    let lines = |lines: &[StoryLine]| lines.iter().map(line).collect::<Vec<_>>();
    let words = |outcomes: &[super::Outcome]| {
        let words = outcomes.iter().map(ToString::to_string);
        words.collect::<Vec<_>>()
    };
    json!({
        "without": model.lacks().map(|fix| fix.commit()).collect::<Vec<_>>(),
        "ends": match story.ends {
            Ends::Well => "well",
            Ends::Refused => "refused",
            Ends::Faulted => "faulted",
            Ends::Racy => "racy",
        },
        "story": lines(&story.own),
        "expect": words(&story.then),
        "at_end": lines(&story.end),
        "finally": words(&story.finally),
    })
}

fn line(line: &StoryLine) -> Value {
    let parts = |text: &str, between: &str| -> Vec<String> {
        let parts = text.split(between).filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect()
    };
    json!({
        "within": line.depth,
        "text": line.text,
        "path": parts(&line.path, " > "),
        "counts": parts(&line.counts, ", "),
        "bound": parts(&line.bound, ", "),
    })
}
