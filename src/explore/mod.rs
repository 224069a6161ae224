//! The tool writes the scenarios: all programs up to a length are tried on the simulator, and
//! the shortest that matter are told, one for each cause.
//!
//! `bricks` says what programs are built from, `node` what may come next and what comes of it,
//! `watch` what has to hold meanwhile; `search` tries them all, and keeps of each point a
//! fingerprint (`seen`) and the way there (`way`); `cause`, `tell` and `write` tell of it.

mod bricks;
mod cause;
pub mod cover;
mod node;
mod search;
mod seen;
mod tell;
mod watch;
mod way;
mod write;

use std::collections::BTreeMap;

pub use bricks::Bricks;
pub use node::{Next, Node};
pub use search::{Batch, Covered, Limits, Search, Shown};
pub use tell::{scenarios, text_of};
pub use watch::Broken;
pub use way::Step;

use crate::ir::{KindId, KindUse, Unit};
use crate::sim::{Fix, Model, Op};

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

/// How an exploration is coming along.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'p> {
    /// What is searched: bricks and a kind.
    pub name: &'p str,
    /// How far that came.
    pub covered: &'p Covered,
    /// Whether there is more to come of it.
    pub done: bool,
    /// Findings so far.
    pub findings: usize,
}

/// What there is to search: all bricks on every kind that can do and be that.
fn searches(unit: &Unit, kinds: &[KindUse], reduced: bool) -> Vec<Bricks> {
    let mut all = Vec::new();
    for used in distinct(unit, kinds) {
        for suite in &unit.suites {
            let scenarios = suite.scenarios.iter();
            let bricks = scenarios.filter_map(|scenario| Bricks::of(unit, suite, scenario, used));
            all.extend(bricks.map(|bricks| match reduced {
                true => bricks,
                false => bricks.unreduced(),
            }));
        }
    }
    all
}

/// Tries all programs of the bricks on these kinds. `go_on` is told how it comes along, and says
/// whether to.
pub fn explore<const N: usize>(
    unit: &Unit,
    kinds: &[KindUse],
    question: &Question<N>,
    go_on: &mut dyn FnMut(&Progress<'_>) -> bool,
) -> Explored {
    let mut found: BTreeMap<String, Finding> = BTreeMap::new();
    let mut explored = Explored::default();
    for bricks in searches(unit, kinds, question.reduced) {
        let name = format!("{} on {}", bricks.name, bricks.used.label(unit));
        let covered = bricks.with_program(unit, |program| {
            // A kind that cannot even be set up has nothing to show.
            let Ok(mut search) = Search::new(&bricks, program, question.models, question.limits)
            else {
                return Covered::default();
            };
            while !search.is_done() {
                for shown in search.batch().shown {
                    let cause = cause::cause(program, question.models, &shown);
                    let shorter = |known: &Finding| shown.ops.len() < known.shown.ops.len();
                    if found.get(&cause).is_none_or(shorter) {
                        let finding = Finding {
                            cause: cause.clone(),
                            bricks: bricks.clone(),
                            shown,
                            kinds: vec![],
                            without: None,
                        };
                        found.insert(cause, finding);
                    }
                }
                let progress = Progress {
                    name: &name,
                    covered: search.covered(),
                    done: search.is_done(),
                    findings: found.len(),
                };
                if !go_on(&progress) && !progress.done {
                    search.cut_short();
                }
            }
            *search.covered()
        });
        explored.covered.push((name, covered));
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
        let cause = |shown: Shown| {
            bricks.with_program(unit, |program| cause::cause(program, models, &shown))
        };
        shown.is_some_and(|shown| cause(shown) == finding.cause)
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
        let mut next = node;
        for (index, &op) in ops.iter().enumerate() {
            match node.next(bricks, program, models, op, &mut next) {
                Next::Illegal => return None,
                Next::Parted => return Some(shown(index + 1, None, false)),
                Next::Broken(broken) => return Some(shown(index + 1, Some(broken), false)),
                Next::Node => node = next,
            }
        }
        match node.end(program, models, &mut next) {
            Next::Parted => Some(shown(ops.len(), None, true)),
            Next::Broken(broken) => Some(shown(ops.len(), Some(broken), true)),
            Next::Node | Next::Illegal => None,
        }
    })
}
