//! Lifetime faults have one judge: the simulator. Each case runs once on a kernel
//! with all fixes and once without each; what it stumbles over is an error.

use std::collections::BTreeMap;

use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Freed, Sink};
use crate::expand::{self, Case};
use crate::ir::{KindUse, Scenario, Suite, Unit};
use crate::places::{Places, when};
use crate::run::{self, Failure, FaultAt, Run};
use crate::sim::{Fault, Model, Work};
use crate::source::Span;

/// What goes wrong somewhere, and how the first case gets there.
struct Found {
    places: Places,
    story: Vec<String>,
    fault: Option<FaultAt>,
    /// The first case, in words, where there are others.
    first: String,
    /// The kernel functions that were under way, if they are the same for all.
    path: String,
    /// Where what is used was freed, as far as it is the same for all.
    freed: Option<Freed>,
    /// What was not as stated even before a fault.
    earlier: Option<Failure>,
    /// What is announced there and is not what happens.
    instead: Option<Failure>,
}

/// One diagnostic for each place and fault, with the cases in which it happens.
pub(super) fn check(unit: &Unit, suite: &Suite, scenario: &Scenario, sink: &mut Sink) {
    let mut found: BTreeMap<(Span, Code, String), Found> = BTreeMap::new();
    let runs: Vec<Vec<Run>> = expand::cases_of(unit, suite, scenario, Model::ALL)
        .map(|case| {
            let mut runs = run::judge_on(&case, Model::known());
            for (model, run) in Model::known().zip(&mut runs) {
                depends_on_work(&Case { model, ..case }, run);
            }
            runs
        })
        .collect();
    for (index, model) in Model::known().enumerate() {
        for (used, runs) in scenario.kinds.iter().zip(&runs) {
            let run = &runs[index];
            let fault = run.fault.as_ref().filter(|fault| !fault.announced);
            // Of one operation both are said at once.
            let is_instead =
                |missing: &&Failure| fault.is_some() && missing.after == run.trace.len();
            let mut keep = |(span, code, text), after: usize, fault: Option<&FaultAt>| {
                let freed = fault.and_then(|fault| fault.freed.clone());
                let path = fault.map_or(String::new(), |fault| fault.path.clone());
                let first = || Found {
                    path: path.clone(),
                    places: Places::default(),
                    first: first_case(unit, scenario, used, model),
                    freed: freed.clone(),
                    story: run.story_until(after),
                    fault: fault.cloned(),
                    earlier: fault.and(run.failures.first().cloned()),
                    instead: fault.and(run.missing.iter().find(is_instead).cloned()),
                };
                let found = found.entry((span, code, text)).or_insert_with(first);
                found.places.push(model, *used);
                if found.path != path {
                    found.path.clear();
                }
                let known = found.freed.take();
                found.freed = known.and_then(|known| known.and(freed.as_ref()));
            };
            if let Some(fault) = fault {
                let problem = (fault.span, Code::Fault, fault.text.clone());
                keep(problem, run.trace.len(), Some(fault));
            }
            let missing = run.missing.iter().filter(|missing| !is_instead(missing));
            let missing = missing.map(|failure| (Code::NoFault, failure));
            let races = run.races.iter().map(|failure| (Code::Race, failure));
            for (code, failure) in missing.chain(races) {
                let problem = (failure.span, code, failure.wanted.clone());
                keep(problem, failure.after, None);
            }
        }
    }
    for ((span, code, text), found) in found {
        let text = format!("in scenario `{}`, {text}", scenario.name);
        let mut diagnostic = Diagnostic::new(code, text);
        let mut help = found.places.describe(unit, scenario);
        diagnostic = diagnostic.places(help.clone());
        let at_end = span == scenario.span;
        let mut hint = None;
        if code == Code::Race {
            let waits = match at_end {
                true => "unregister what is left in the scenario, with `settle` behind each",
                false => "say `settle` earlier, after what queues the work",
            };
            let in_callbacks = match scenario.in_bodies.is_empty() {
                true => "",
                false => "; what a callback does cannot be waited for, until the scenario does it",
            };
            hint = Some(format!(
                "{waits}: it waits until that is done{in_callbacks}"
            ));
        }
        if !found.story.is_empty() {
            help += &format!("\nwhat happened before{}:\n  ", found.first);
            help += &found.story.join("\n  ");
        }
        let here = match found.path.is_empty() {
            true => "here".to_owned(),
            false => format!("here, in {}", found.path),
        };
        let mut label = match at_end {
            true => "at its end, when it gives up what it owns".to_owned(),
            false => here.clone(),
        };
        if let Some(fault) = &found.fault {
            if at_end {
                label += &format!(": `{}`", fault.op);
            }
            if let Some((inner, text)) = &fault.within {
                let mut places = scenario.in_bodies.iter().filter(|(op, _)| op == inner);
                match (places.next(), places.next()) {
                    (Some(&(_, place)), None) => {
                        diagnostic = diagnostic.label(place, here);
                        if !at_end {
                            label = "in a callback that this calls".to_owned();
                        }
                    }
                    _ => label += &format!(", in a callback: `{text}`"),
                }
            }
            if let Some(earlier) = &found.earlier {
                let what = format!("before that: expected {}", earlier.wanted);
                diagnostic = diagnostic.label(earlier.span, what);
            }
            help += &fault.meant_instead(scenario);
            hint = found.hint(scenario, span);
        }
        diagnostic = diagnostic.label(span, label);
        if let Some(instead) = &found.instead {
            diagnostic = diagnostic.label(instead.span, "and another fault is announced");
        }
        let mut diagnostic = diagnostic.help(help).hint(hint);
        diagnostic.freed = found.freed;
        sink.report(diagnostic);
    }
}

/// Looks whether what comes of a case depends on when a kernel does what is queued, and makes that a
/// race.
fn depends_on_work(case: &Case<'_>, run: &mut Run) {
    if run.queued == 0 || !run.races.is_empty() {
        return;
    }
    let mut others = run::other_works(case, run.queued, Work::FEW);
    let is_other = |other: &Run| wrong_in(other, run).is_some() || wrong_in(run, other).is_some();
    let Some((work, _)) = others.find(|(_, other)| is_other(other)) else {
        return;
    };
    let [usual, other] =
        [Work::default(), work].map(|work| run::run_at_work(case, case.model, work));
    // The story is the one that goes wrong.
    let race = match wrong_in(&other, &usual) {
        Some(race) => Some((race, other)),
        None => wrong_in(&usual, &other).map(|race| (race, usual)),
    };
    if let Some((race, story)) = race {
        *run = Run {
            races: vec![race],
            failures: vec![],
            missing: vec![],
            fault: None,
            ..story
        };
    }
}

/// What goes wrong in one run of a case and not in another.
fn wrong_in(run: &Run, other: &Run) -> Option<Failure> {
    let differs = |at: &&FaultAt| match &other.fault {
        // It is wrong in either way, which is said as it is.
        Some(other) => other.fault != at.fault && (at.announced || other.announced),
        None => true,
    };
    if let Some(at) = run.fault.as_ref().filter(differs) {
        let wanted = format!("whether {} depends on when queued work is done", at.text);
        return Some(Failure::new(at.span, wanted, run.trace.len()));
    }
    let what = |failure: &Failure| (failure.span, failure.wanted.clone());
    let in_both = |failure: &Failure| other.failures.iter().any(|o| what(o) == what(failure));
    let failure = run.failures.iter().find(|failure| !in_both(failure))?;
    let wanted = match failure.found {
        Some(_) => format!("`{}` depends on when queued work is done", failure.wanted),
        None => format!(
            "{}: that depends on when queued work is done",
            failure.wanted
        ),
    };
    Some(Failure::new(failure.span, wanted, failure.after))
}

/// Which case a story is of, if there are others.
fn first_case(unit: &Unit, scenario: &Scenario, used: &KindUse, model: Model) -> String {
    let mut first = String::new();
    if scenario.kinds.len() > 1 {
        first += &format!(" on {}", used.label(unit));
    }
    if model != Model::ALL {
        first += &format!(" {model}");
    }
    first
}

impl FaultAt {
    /// What may have been meant instead.
    fn meant_instead(&self, scenario: &Scenario) -> String {
        let op = self.within.as_ref().map_or(&self.op, |(_, text)| text);
        match self.fault {
            Fault::NotInitialized(dev) => super::nothing_is_left(scenario, dev).to_owned(),
            Fault::RegisteredTwice(dev) if !op.starts_with("add") => {
                let name = &scenario.devices[usize::from(dev.0)].name;
                format!(
                    "\nbeside `{name}`, as long as it or a child of its is there, another device needs a \
                     name of its own"
                )
            }
            _ => String::new(),
        }
    }
}

impl Found {
    /// What to write where, if the fault is what the scenario is about.
    fn hint(&self, scenario: &Scenario, span: Span) -> Option<String> {
        let line = self.announcement(scenario)?;
        let fault = self.fault.as_ref()?;
        let at_end = span == scenario.span;
        let mut blocks = scenario.order.iter().flat_map(|order| &order.blocks);
        let place = match &fault.within {
            _ if self.instead.is_some() => "instead".to_owned(),
            _ if at_end => format!("`{}` in it, and behind it", fault.op),
            Some(_) => format!("behind `{}`", fault.op),
            None if blocks.any(|block| (block.start..block.end).contains(&span.start)) => {
                "behind it, in braces with it".to_owned()
            }
            None => "behind it".to_owned(),
        };
        Some(format!(
            "if this is what it is about, say {place}:\n  {line}"
        ))
    }

    /// What announces the fault where it happens, and nowhere else, if one line can.
    fn announcement(&self, scenario: &Scenario) -> Option<String> {
        let fault = self.fault.as_ref()?.announce.as_ref()?;
        let kinds = |model| self.places.kinds(scenario, model);
        let when = |some: &[usize], all: &[usize]| when(scenario, some, all);
        let all: Vec<usize> = (0..scenario.kinds.len()).collect();
        let usual = kinds(Model::ALL);
        let mut others = Model::known().filter(|&model| kinds(model) != usual);
        let (odd, None) = (others.next(), others.next()) else {
            return None;
        };
        let Some(odd) = odd else {
            return Some(format!("{fault}{}", when(&usual, &all)?));
        };
        let (fix, on) = (odd.lacks().next()?, kinds(odd));
        if usual.is_empty() {
            return Some(format!("{fault} without {fix}{}", when(&on, &all)?));
        }
        let (same, absent): (Vec<usize>, Vec<usize>) =
            usual.iter().partition(|kind| on.contains(kind));
        (same == on).then_some(())?;
        let (usually, not) = (when(&usual, &all)?, when(&absent, &usual)?);
        Some(format!("{fault}{usually} but no fault without {fix}{not}"))
    }
}
