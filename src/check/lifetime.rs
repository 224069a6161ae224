//! Lifetime faults have one judge: the simulator. Each case runs once on a kernel
//! with all fixes and once without each; what it stumbles over is an error.

use std::collections::BTreeMap;

use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Sink};
use crate::expand;
use crate::ir::{Scenario, Suite, Unit};
use crate::run::{self, Failure, Run};
use crate::sim::Model;
use crate::source::Span;

/// What goes wrong somewhere, and how the first case gets there.
struct Found {
    places: Vec<(Model, String)>,
    story: Vec<String>,
}

/// One diagnostic for each place and fault, with the cases in which it happens.
pub(super) fn check(unit: &Unit, suite: &Suite, scenario: &Scenario, sink: &mut Sink) {
    let mut found: BTreeMap<(Span, Code, String), Found> = BTreeMap::new();
    let runs: Vec<Vec<Run>> = expand::cases_of(unit, suite, scenario, Model::ALL)
        .map(|case| run::judge_on(&case, Model::known()))
        .collect();
    for (index, model) in Model::known().enumerate() {
        for (used, runs) in scenario.kinds.iter().zip(&runs) {
            let run = &runs[index];
            let fault = run.fault.iter().filter(|fault| !fault.announced);
            let fault = fault.map(|f| (f.span, Code::Fault, f.text.clone(), run.trace.len()));
            let of = |code| move |f: &Failure| (f.span, code, f.wanted.clone(), f.after);
            let missing = run.missing.iter().map(of(Code::NoFault));
            let races = run.races.iter().map(of(Code::Race));
            for (span, code, text, after) in fault.chain(missing).chain(races) {
                let problem = (span, code, text);
                let first = || Found {
                    places: vec![],
                    story: run.story_until(after),
                };
                let found = found.entry(problem).or_insert_with(first);
                found.places.push((model, used.label(unit)));
            }
        }
    }
    let all = Model::known().count() * scenario.kinds.len();
    for ((span, code, text), found) in found {
        let mut help = if found.places.len() == all {
            "on every kind and every kernel".to_owned()
        } else {
            let on = |model: Model| {
                let kinds = found.places.iter().filter(|place| place.0 == model);
                let kinds: Vec<&str> = kinds.map(|place| place.1.as_str()).collect();
                (!kinds.is_empty()).then(|| format!("on {}, {model}", kinds.join(", ")))
            };
            Model::known().filter_map(on).collect::<Vec<_>>().join("\n")
        };
        if code == Code::Race {
            help +=
                "\nsay `settle` earlier, after what queues the work: it waits until that is done";
        }
        if !found.story.is_empty() {
            help += "\nwhat happened before:\n  ";
            help += &found.story.join("\n  ");
        }
        sink.report(
            Diagnostic::new(code, format!("in scenario `{}`, {text}", scenario.name))
                .label(
                    span,
                    if span == scenario.span {
                        "at its end, when it gives up what it owns"
                    } else {
                        "here"
                    },
                )
                .help(help),
        );
    }
}
