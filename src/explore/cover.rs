//! Which of the simulator's named points a corpus reaches, and the shortest programs that reach
//! the others.

use super::bricks::Bricks;
use super::search::{Limits, Search, Shown};
use super::{Finding, Question};
use crate::expand;
use crate::ir::Unit;
use crate::run;
use crate::sim::{Model, Point};

/// The points that cases of a corpus reach, on every kernel that is known, a bit each.
pub fn reached(corpus: &Unit) -> u64 {
    Model::known()
        .flat_map(|model| expand::cases(corpus, model))
        .fold(0, |points, case| points | run::judge(&case).points)
}

/// The points of a set.
pub fn points(set: u64) -> impl Iterator<Item = Point> {
    let all = Point::ALL.iter().copied();
    all.filter(move |point| set & point.bit() != 0)
}

/// What there is to reach some points.
#[derive(Debug)]
pub struct Cover {
    /// As few programs as do.
    pub chosen: Vec<Finding>,
    /// How many searches there are.
    pub searches: usize,
    /// How many of them were cut short, or not begun.
    pub cut: usize,
}

/// As few programs as reach those points that programs of the bricks can reach: each time the
/// one that reaches most of what is left, the shortest of those.
pub fn cover(question: &Question<'_, 1>, missing: u64, go_on: &dyn Fn() -> bool) -> Cover {
    let (unit, models) = (question.unit, question.models);
    let limits = Limits {
        wanted: missing,
        ..question.limits
    };
    let mut found: Vec<(Bricks, Shown)> = Vec::new();
    let all = question.searches();
    let mut cut = 0;
    for bricks in &all {
        if !go_on() {
            cut += 1;
            continue;
        }
        let mut known = 0;
        bricks.with_program(unit, |program| {
            let Ok(mut search) = Search::new(bricks, program, models, limits) else {
                return;
            };
            while !search.is_done() {
                for shown in search.batch().shown {
                    if shown.points & !known != 0 {
                        known |= shown.points;
                        found.push((bricks.clone(), shown));
                    }
                }
                if !search.is_done() && !go_on() {
                    search.cut_short();
                }
            }
            cut += usize::from(search.covered().cut);
        });
    }
    Cover {
        chosen: fewest(unit, &found, missing),
        searches: all.len(),
        cut,
    }
}

fn fewest(unit: &Unit, found: &[(Bricks, Shown)], missing: u64) -> Vec<Finding> {
    let mut left = missing;
    let mut chosen = Vec::new();
    loop {
        let gain = |shown: &Shown| (shown.points & left).count_ones();
        let best = found
            .iter()
            .filter(|(_, shown)| gain(shown) > 0)
            .max_by_key(|(_, shown)| (gain(shown), std::cmp::Reverse(shown.ops.len())));
        let Some((bricks, shown)) = best else {
            return chosen;
        };
        let new = points(shown.points & left);
        let told = new.map(|point| point.doc().trim().trim_end_matches('.'));
        let told: Vec<&str> = told.collect();
        let reached = shown.points & left;
        left &= !shown.points;
        chosen.push(Finding {
            cause: told.join("; "),
            kinds: vec![bricks.used.label(unit)],
            bricks: bricks.clone(),
            shown: Shown {
                points: reached,
                ..shown.clone()
            },
            without: None,
        });
    }
}
