//! What one search comes to: the first program for each cause. It is searched for, or taken from a
//! checkpoint, or begun in one session and ended in another.

use std::collections::BTreeSet;

use super::bricks::Bricks;
use super::checkpoint::{Checkpoint, Saved};
use super::search::{Covered, Search, Shown};
use super::{Progress, Question, cause, replay};
use crate::ir::Unit;
use crate::sim::{Op, Program};

/// What a search came to.
#[derive(Clone, Debug, Default)]
pub(super) struct Searched {
    pub(super) covered: Covered,
    /// The first program for each cause, in the order in which they were found.
    pub(super) found: Vec<(String, Shown)>,
}

impl Searched {
    /// Keeps a program if it is the first for its cause.
    fn keep<const N: usize>(
        &mut self,
        program: &Program<'_>,
        question: &Question<'_, N>,
        shown: Shown,
    ) -> bool {
        let cause = cause::cause(program, question.models, &shown);
        let new = self.found.iter().all(|(known, _)| *known != cause);
        if new {
            self.found.push((cause, shown));
        }
        new
    }

    /// Keeps the programs that a checkpoint has.
    fn keep_saved<const N: usize>(
        &mut self,
        question: &Question<'_, N>,
        bricks: &Bricks,
        program: &Program<'_>,
        saved: &Saved,
    ) -> Result<(), String> {
        let unit = question.unit;
        for ops in &saved.shown {
            let op = |&number: &u8| bricks.alphabet.get(usize::from(number)).copied();
            let ops: Option<Vec<Op>> = ops.iter().map(op).collect();
            let shown = ops.and_then(|ops| replay(unit, bricks, question.models, &ops));
            let shown = shown.ok_or_else(|| another_simulator(unit, bricks))?;
            self.keep(program, question, shown);
        }
        Ok(())
    }
}

fn another_simulator(unit: &Unit, bricks: &Bricks) -> String {
    format!(
        "the checkpoint of {} is that of another simulator: take another folder",
        bricks.search_name(unit)
    )
}

/// What checkpoints have of a search; the one that came farthest counts.
pub(super) fn saved<const N: usize>(
    question: &Question<'_, N>,
    bricks: &Bricks,
    checkpoints: &[&Checkpoint],
) -> Result<Option<Searched>, String> {
    let unit = question.unit;
    let mut farthest: Option<Saved> = None;
    for checkpoint in checkpoints {
        let Some(saved) = checkpoint.load(&bricks.search_name(unit))? else {
            continue;
        };
        let so_far = |saved: &Saved| (saved.done, saved.covered.tried);
        if farthest
            .as_ref()
            .is_none_or(|known| so_far(known) < so_far(&saved))
        {
            farthest = Some(saved);
        }
    }
    let Some(saved) = farthest else {
        return Ok(None);
    };
    let mut searched = Searched {
        covered: Covered {
            cut: !saved.done,
            ..saved.covered
        },
        found: vec![],
    };
    bricks.with_program(unit, |program| {
        searched.keep_saved(question, bricks, program, &saved)
    })?;
    Ok(Some(searched))
}

/// Searches, from where a checkpoint left it if there is one, and keeps there how far it came.
/// `causes` are those that other searches found.
pub(super) fn search<const N: usize>(
    question: &Question<'_, N>,
    bricks: &Bricks,
    checkpoint: Option<&Checkpoint>,
    causes: &mut BTreeSet<String>,
    go_on: &mut dyn FnMut(&Progress<'_>) -> bool,
) -> Result<Searched, String> {
    let unit = question.unit;
    let name = bricks.search_name(unit);
    let mut journal = None;
    let mut saved = Saved::default();
    if let Some(checkpoint) = checkpoint {
        let taken = checkpoint.take_up(&name)?;
        (journal, saved) = (Some(taken.0), taken.1);
    }
    let numbers = |ops: &[Op]| -> Vec<u8> {
        let number = |op: &Op| bricks.alphabet.iter().position(|known| known == op);
        ops.iter().filter_map(number).map(|at| at as u8).collect()
    };
    let mut searched = Searched::default();
    bricks.with_program(unit, |program| {
        searched.keep_saved(question, bricks, program, &saved)?;
        searched.covered = saved.covered;
        if saved.done {
            return Ok(());
        }
        // A kind that cannot even be set up has nothing to show.
        if let Ok(mut search) = Search::new(bricks, program, question.models, question.limits) {
            if saved.covered.points > 0 && !search.restore(saved.covered, &saved.points) {
                return Err(another_simulator(unit, bricks));
            }
            while !search.is_done() {
                let batch = search.batch();
                let before = searched.found.len();
                for shown in batch.shown {
                    searched.keep(program, question, shown);
                }
                let new = &searched.found[before..];
                if let Some(journal) = journal.as_mut().filter(|_| !search.covered().cut) {
                    let shown = new.iter().map(|(_, shown)| numbers(&shown.ops)).collect();
                    journal.append(search.covered(), shown, &batch.new)?;
                }
                causes.extend(new.iter().map(|(cause, _)| cause.clone()));
                let progress = Progress {
                    name: &name,
                    covered: search.covered(),
                    done: search.is_done(),
                    findings: causes.len(),
                };
                if !go_on(&progress) && !progress.done {
                    search.cut_short();
                }
            }
            searched.covered = *search.covered();
        }
        if let Some(journal) = journal.filter(|_| !searched.covered.cut) {
            let shown = searched.found.iter();
            let shown = shown.map(|(_, shown)| numbers(&shown.ops));
            journal.finish(&searched.covered, shown.collect())?;
        }
        Ok(())
    })?;
    causes.extend(searched.found.iter().map(|(cause, _)| cause.clone()));
    Ok(searched)
}
