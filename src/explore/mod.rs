//! The tool writes the scenarios: all programs up to a length are tried on the simulator, and
//! the shortest that matter are told, one for each cause.
//!
//! `bricks` says what programs are built from, `node` what may come next and what comes of it,
//! `watch` what has to hold meanwhile, `search` tries them all; `cause` and `write` tell of it.

mod bricks;
mod cause;
pub mod cover;
mod node;
mod search;
mod watch;
mod write;

use std::collections::BTreeMap;

pub use bricks::Bricks;
pub use node::{Next, Node};
pub use search::{Covered, Limits, Shown, search};
pub use watch::Broken;

use crate::ir::{KindId, KindUse, Unit};
use crate::sim::{Fix, Model, Op, Point};

/// A kind in a state, for `dev`.
fn use_of(unit: &Unit, kind: KindId, bound: bool) -> KindUse {
    KindUse {
        kind,
        bound,
        own: unit.kind(kind).drivers.own,
        parent: None,
        span: unit.kind(kind).span,
    }
}

/// Every kind that there is, and where it has drivers also bound.
pub fn all_kinds(unit: &Unit) -> Vec<KindUse> {
    let kinds = unit.kinds.iter().zip(0..);
    kinds
        .flat_map(|(kind, id)| {
            let can_be_bound = kind.on_bus && !kind.driverless;
            let states: &[bool] = if can_be_bound {
                &[false, true]
            } else {
                &[false]
            };
            states
                .iter()
                .map(move |&bound| use_of(unit, KindId(id), bound))
        })
        .collect()
}

/// Of those kinds the first ones of each sort that the simulator can tell from others.
pub fn distinct(unit: &Unit, kinds: &[KindUse]) -> Vec<KindUse> {
    let mut known: Vec<(String, bool)> = Vec::new();
    let is_new = |used: &&KindUse| {
        let kind = unit.kind(used.kind);
        let mut semantics = kind.in_simulator();
        semantics.name = "";
        let key = (
            format!("{semantics:?} {} {}", kind.halves, kind.driverless),
            used.bound,
        );
        let new = !known.contains(&key);
        known.push(key);
        new
    };
    kinds.iter().filter(is_new).copied().collect()
}

/// A program that is the shortest for its cause.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Why, in the kernel's functions.
    pub cause: String,
    /// What it was built from.
    pub bricks: Bricks,
    /// The program.
    pub shown: Shown,
    /// The kinds, with their states, on which it is so.
    pub kinds: Vec<String>,
    /// The fix without which it is so, if that is what was asked for.
    pub without: Option<Fix>,
}

/// What an exploration came to.
#[derive(Clone, Debug, Default)]
pub struct Explored {
    /// The findings, shortest first.
    pub findings: Vec<Finding>,
    /// How far it came, by bricks and kind.
    pub covered: Vec<(String, Covered)>,
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<const N: usize> {
    /// The kernels: one whose contract is examined, or two that are to be told apart.
    pub models: [Model; N],
    /// How far to go with each kind.
    pub limits: Limits,
    /// Whether programs that differ by names only are tried once.
    pub reduced: bool,
}

/// Tries all programs of the bricks on these kinds.
pub fn explore<const N: usize>(
    unit: &Unit,
    kinds: &[KindUse],
    question: &Question<N>,
    said: &mut dyn FnMut(&str, &Covered, usize),
) -> Explored {
    let mut found: BTreeMap<String, Finding> = BTreeMap::new();
    let mut explored = Explored::default();
    for used in distinct(unit, kinds) {
        for (suite, scenario) in unit.suites.iter().flat_map(|suite| {
            suite
                .scenarios
                .iter()
                .map(move |scenario| (suite, scenario))
        }) {
            let Some(mut bricks) = Bricks::of(unit, suite, scenario, used) else {
                continue;
            };
            if !question.reduced {
                bricks = bricks.unreduced();
            }
            let covered = bricks.with_program(unit, |program| {
                search(
                    &bricks,
                    program,
                    question.models,
                    &question.limits,
                    &mut |shown| {
                        let cause = cause::cause(unit, &bricks, question.models, &shown);
                        let shorter = |known: &Finding| shown.ops.len() < known.shown.ops.len();
                        if found.get(&cause).is_none_or(shorter) {
                            let bricks = bricks.clone();
                            let finding = Finding {
                                cause: cause.clone(),
                                bricks,
                                shown,
                                kinds: vec![],
                                without: None,
                            };
                            found.insert(cause, finding);
                        }
                        true
                    },
                )
            });
            let name = format!("{} on {}", bricks.name, used.label(unit));
            said(&name, &covered, found.len());
            explored.covered.push((name, covered));
        }
    }
    explored.findings = found.into_values().collect();
    for finding in &mut explored.findings {
        finding.kinds = on_which(unit, kinds, finding, question.models);
    }
    explored
        .findings
        .sort_by_key(|finding| (finding.shown.ops.len(), finding.cause.clone()));
    explored
}

/// The kinds on which a finding's program shows the same.
fn on_which<const N: usize>(
    unit: &Unit,
    kinds: &[KindUse],
    finding: &Finding,
    models: [Model; N],
) -> Vec<String> {
    let same = |used: &&KindUse| {
        let Some(bricks) = finding.bricks.on(unit, **used, &finding.shown.ops) else {
            return false;
        };
        let shown = replay(unit, &bricks, models, &finding.shown.ops);
        shown.is_some_and(|shown| cause::cause(unit, &bricks, models, &shown) == finding.cause)
    };
    let kinds = kinds.iter().filter(same);
    kinds.map(|used| used.label(unit)).collect()
}

/// What a program shows, if it is one for that kind.
pub fn replay<const N: usize>(
    unit: &Unit,
    bricks: &Bricks,
    models: [Model; N],
    ops: &[Op],
) -> Option<Shown> {
    // Twins are of no matter to a program that is there.
    let bricks = &bricks.clone().unreduced();
    bricks.with_program(unit, |program| {
        let mut node = Node::new(program, models).ok()?;
        let shown = |count: usize, broken, at_end| Shown {
            ops: ops[..count].to_vec(),
            broken,
            at_end,
            points: 0,
        };
        for (index, &op) in ops.iter().enumerate() {
            match node.next(bricks, program, models, op) {
                Next::Illegal => return None,
                Next::Parted => return Some(shown(index + 1, None, false)),
                Next::Broken(broken) => return Some(shown(index + 1, Some(broken), false)),
                Next::Node(next) => node = *next,
            }
        }
        match node.end(program, models) {
            Next::Parted => Some(shown(ops.len(), None, true)),
            Next::Broken(broken) => Some(shown(ops.len(), Some(broken), true)),
            Next::Node(_) | Next::Illegal => None,
        }
    })
}

/// A file of scenarios, one for each finding.
pub fn scenarios(unit: &Unit, name: &str, findings: &[Finding]) -> String {
    let mut text = "use kinds\n".to_owned();
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    for (index, finding) in findings.iter().enumerate() {
        let base = scenario_name(finding);
        let count = names.entry(base.clone()).or_default();
        *count += 1;
        let scenario = match *count {
            1 => base,
            count => format!("{base}_{count}"),
        };
        let doc = [format!("{}.", sentence(&finding.cause))];
        let written = write::Written {
            name: &scenario,
            doc: &doc,
            without: finding.without,
        };
        text += &format!(
            "\nsuite {name}_{} on {} {{\n\n{}}}\n",
            index + 1,
            write::on(unit, &finding.bricks),
            write::scenario(unit, &finding.bricks, &finding.shown, &written)
        );
    }
    text
}

/// A finding as a scenario alone, in the language.
pub fn text_of(unit: &Unit, finding: &Finding) -> String {
    let name = scenario_name(finding);
    let written = write::Written {
        name: &name,
        doc: &[],
        without: finding.without,
    };
    write::scenario(unit, &finding.bricks, &finding.shown, &written)
}

fn scenario_name(finding: &Finding) -> String {
    let word = match finding.shown.broken {
        None if finding.shown.points != 0 => return snake(cover::points(finding.shown.points)),
        None => "parts",
        Some(Broken::Nothing) => "nothing",
        Some(Broken::Fault(_)) => "goes_wrong",
        Some(Broken::OutOfOrder(_)) => "out_of_order",
        Some(Broken::ReleasedWhileHeld(_)) => "released_while_held",
        Some(Broken::ReleasedTwice(_)) => "released_twice",
        Some(Broken::NeverRan(_)) => "never_runs",
        Some(Broken::RanTwice(_)) => "runs_too_often",
        Some(Broken::NotReleased(_)) => "never_released",
        Some(Broken::WorkLeft) => "work_left",
    };
    format!("{word}_{}", finding.bricks.name)
}

/// The first of some points as a name of the language.
fn snake(mut points: impl Iterator<Item = Point>) -> String {
    let name = points
        .next()
        .map_or(String::new(), |point| format!("{point:?}"));
    let mut text = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| {
        first.to_uppercase().chain(chars).collect()
    })
}
