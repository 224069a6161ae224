//! The tool writes the scenarios: all programs up to a length are tried on the simulator, and
//! the shortest that matter are told, one for each cause.
//!
//! `bricks` says what programs are built from, `legal` what may come next and `node` what comes of it,
//! `watch` what has to hold meanwhile; `search` tries them all, and keeps of each point a
//! fingerprint (`seen`) and the way there (`way`); `checkpoint` keeps what `searched` has come to;
//! `cause`, `tell` and `write` tell of it.

mod bricks;
mod cause;
mod checkpoint;
pub mod cover;
mod legal;
mod node;
mod search;
mod searched;
mod seen;
mod tell;
mod watch;
mod way;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

pub use bricks::Bricks;
pub use checkpoint::{Asked, Checkpoint};
pub use node::{Next, Node};
pub use search::{Batch, Covered, Limits, Search, Shown};
pub use tell::{FOUND, scenarios, text_of};
pub use watch::Broken;
pub use way::Step;

use crate::identity::hex;
use crate::ir::{KindId, KindUse, Unit};
use crate::sim::{Fix, Model, Op};
use searched::Searched;

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
    /// What was to be searched, and nobody began.
    pub missing: Vec<String>,
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'q, const N: usize> {
    /// What programs are built from.
    pub unit: &'q Unit,
    /// The kinds on which they run.
    pub kinds: &'q [KindUse],
    /// The kernels: one whose contract is examined, or two that are to be told apart.
    pub models: [Model; N],
    /// How far to go with each kind.
    pub limits: Limits,
    /// Whether programs that differ by names only are tried once.
    pub reduced: bool,
}

/// Which of several explorations this one is, that share the searches among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Its number, from 1.
    pub number: usize,
    /// How many there are.
    pub of: usize,
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

impl<'q, const N: usize> Question<'q, N> {
    /// The same of other kernels.
    pub fn of<const M: usize>(&self, models: [Model; M]) -> Question<'q, M> {
        Question {
            unit: self.unit,
            kinds: self.kinds,
            models,
            limits: self.limits,
            reduced: self.reduced,
        }
    }

    /// Tries all programs, or what a shard has of them. `go_on` is told how it comes along, and
    /// says whether to. What it has come to is kept in a checkpoint, if there is one, and taken up
    /// there.
    ///
    /// # Errors
    /// What is wrong with the checkpoint.
    pub fn explore(
        &self,
        shard: Option<Shard>,
        checkpoint: Option<&Checkpoint>,
        go_on: &mut dyn FnMut(&Progress<'_>) -> bool,
    ) -> Result<Explored, String> {
        let mut all = self.searches();
        if let Some(shard) = shard {
            all = share(all, shard);
        }
        let mut causes = BTreeSet::new();
        let mut searched = Vec::new();
        let mut stopped = false;
        for bricks in all {
            let done = match (stopped, checkpoint) {
                (true, None) => None,
                (true, Some(checkpoint)) => searched::saved(self, &bricks, &[checkpoint])?,
                (false, checkpoint) => {
                    let mut go_on = |progress: &Progress<'_>| {
                        stopped |= !go_on(progress);
                        !stopped
                    };
                    let causes = &mut causes;
                    Some(searched::search(
                        self, &bricks, checkpoint, causes, &mut go_on,
                    )?)
                }
            };
            searched.push((bricks, done));
        }
        Ok(self.join(searched))
    }

    /// What explorations that shared the searches have come to together, by their checkpoints.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn merge(&self, checkpoints: &[&Checkpoint]) -> Result<Explored, String> {
        let all = self.searches().into_iter().map(|bricks| {
            let saved = searched::saved(self, &bricks, checkpoints)?;
            Ok((bricks, saved))
        });
        Ok(self.join(all.collect::<Result<_, String>>()?))
    }

    /// What tells the searches from others of the same names, whatever the kernels.
    pub fn digest(&self) -> String {
        let mut digest = Sha256::new();
        for bricks in self.searches() {
            digest.update(format!("{:?}{:?}", bricks.alphabet, bricks.twins));
            bricks.with_program(self.unit, |program| digest.update(format!("{program:?}")));
        }
        hex(&digest.finalize()[..8])
    }

    /// Whether there is nothing to search.
    pub fn is_empty(&self) -> bool {
        self.searches().is_empty()
    }

    /// What there is to search: all bricks on every kind that can do and be that.
    fn searches(&self) -> Vec<Bricks> {
        let unit = self.unit;
        let mut all = Vec::new();
        for used in distinct(unit, self.kinds) {
            for suite in &unit.suites {
                let scenarios = suite.scenarios.iter();
                let bricks =
                    scenarios.filter_map(|scenario| Bricks::of(unit, suite, scenario, used));
                all.extend(bricks.map(|bricks| match self.reduced {
                    true => bricks,
                    false => bricks.unreduced(),
                }));
            }
        }
        all
    }

    /// Of all that searches found the shortest for each cause; of those the one of the first search.
    fn join(&self, searched: Vec<(Bricks, Option<Searched>)>) -> Explored {
        let mut found: BTreeMap<String, Finding> = BTreeMap::new();
        let mut explored = Explored::default();
        for (bricks, searched) in searched {
            let name = bricks.search_name(self.unit);
            let Some(searched) = searched else {
                explored.missing.push(name);
                continue;
            };
            explored.covered.push((name, searched.covered));
            for (cause, shown) in searched.found {
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
        }
        explored.findings = found.into_values().collect();
        for finding in &mut explored.findings {
            finding.kinds = self.on_which(finding);
        }
        explored
            .findings
            .sort_by_key(|finding| (finding.shown.ops.len(), finding.cause.clone()));
        explored
    }

    /// The kinds on which a finding's program shows the same.
    fn on_which(&self, finding: &Finding) -> Vec<String> {
        let (unit, models) = (self.unit, self.models);
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
        let kinds = self.kinds.iter().filter(same);
        kinds.map(|used| used.label(unit)).collect()
    }
}

/// What a shard has of all searches: each has as many large ones as the others.
fn share(all: Vec<Bricks>, shard: Shard) -> Vec<Bricks> {
    let mut by_size: Vec<usize> = (0..all.len()).collect();
    by_size.sort_by_key(|&index| std::cmp::Reverse(all[index].alphabet.len()));
    let mine = by_size.into_iter().skip(shard.number - 1).step_by(shard.of);
    let mine: BTreeSet<usize> = mine.collect();
    let numbered = all.into_iter().enumerate();
    let mine = numbered.filter(|(index, _)| mine.contains(index));
    mine.map(|(_, bricks)| bricks).collect()
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
