//! A kernel against the simulator in bulk: programs by the million in one boot, of which the
//! kernel prints a hash a batch, and everything only of what differs.
//!
//! `programs` are built from the bricks of explorations: all up to a length, then random ones.
//! Each gives up what it owns, so that nothing is left of it for the next. They stand in a `table`
//! for each of the bricks on each kind; `hash` says what the kernel should print of them.

mod hash;
mod programs;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::kernel;
use super::{Known, Setup, known, model, tree, with_questions};
use crate::compile::Error;
use crate::emit::kunit::{self, Programs};
use crate::emit::{Options, names, parts};
use crate::explore::Bricks;
use crate::identity::hex;
use crate::install;
use crate::ir::{KindUse, Linux, Suite, Unit};
use crate::ktap;
use crate::sim::{Model, Op, Program};
use table::{Table, numbers, tables};

/// How long a boot may take besides the programs.
const ALONE: Duration = Duration::from_secs(60);

/// Programs that a kernel has to run in a second: a tenth of what user-mode Linux does.
const A_SECOND: usize = 3000;

/// The same of those that wait for readers, which is longest on 7.2 (`--explore N --bricks links`).
const A_SECOND_WAITING: usize = 100;

/// Who waits for readers, as drm_dev_unplug() does, waits shorter: with 7.2 that is most of the
/// time otherwise.
const EXPEDITED: &str = "rcupdate.rcu_expedited=1";

/// Programs that have one hash.
const BATCH: usize = 1024;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Bulk<'b> {
    /// The kinds on which they run, those of them that the kernel has.
    pub kinds: &'b [KindUse],
    /// How many programs.
    pub programs: usize,
    /// What the random ones begin with.
    pub seed: u64,
    /// Where all that kernels print is kept, if it is.
    pub keep_log: Option<&'b Path>,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Answered {
    /// Programs that ran on the kernel.
    pub programs: usize,
    /// Their operations, those included by which they give up what they own.
    pub operations: usize,
    /// By bricks and kind: how many programs, and up to which length all of them.
    pub by_kind: Vec<(String, usize, usize)>,
    /// Programs whose hash differs, shortest first.
    pub differ: Vec<Differs>,
    /// Programs from which the kernel did not come back.
    pub hangs: Vec<Differs>,
    /// Batches that differed once, and did not when asked again.
    pub once: usize,
    /// What the kernel complained of.
    pub alarms: Vec<String>,
    /// What the kernel calls itself.
    pub kernel: Option<String>,
}

/// A program on which the two differ.
#[derive(Clone, Debug)]
pub struct Differs {
    /// What it was built from, and the kind.
    pub of: String,
    /// Its operations in the words of the language.
    pub program: Vec<String>,
}

/// Runs programs on a kernel, and compares.
///
/// # Errors
/// Why there is nothing to compare.
pub fn verify(
    unit: &Unit,
    tree_path: &Path,
    setup: &Setup,
    asked: Bulk<'_>,
    say: &dyn Fn(&str),
) -> Result<Answered, Error> {
    let Known { target, model } = known(tree_path)?;
    say(&format!("Linux {target}, by its source {model}"));
    let unit = &suites(unit, asked.kinds, target);
    if unit.suites.is_empty() {
        let why = "none of these bricks can be built from on any of these kinds, for this kernel";
        return Err(why.to_owned().into());
    }
    let copy = tree::private_copy(tree_path, &setup.build_dir(), say)?;
    let kernel = Kernel {
        unit,
        copy: copy.path(),
        setup,
        target,
        model,
        keep_log: asked.keep_log,
        say,
    };
    if let Some(place) = asked.keep_log {
        fs::write(place, "").map_err(|why| format!("`{}`: {why}", place.display()))?;
    }
    let tables = tables(unit, model, asked);
    let mut answered = Answered {
        programs: tables.iter().map(|table| table.programs.len()).sum(),
        operations: tables.iter().map(Table::operations).sum(),
        by_kind: tables
            .iter()
            .map(|table| (table.name(unit), table.programs.len(), table.all_up_to))
            .collect(),
        ..Answered::default()
    };
    let Heard { wrong, ended } = kernel.ask(&tables, BATCH, &mut answered)?;
    if wrong.is_empty() && ended {
        return Ok(answered);
    }
    say(&format!(
        "{} batches differ; asking again, one by one",
        wrong.len()
    ));
    let again = narrowed(&tables, &wrong);
    let heard = kernel.ask(&again, 1, &mut answered)?;
    if !answered.hangs.is_empty() {
        return Ok(answered);
    }
    if !ended || !heard.ended {
        let why = "the kernel did not come back, and when what it was at was asked again, it was not that";
        return Err(Error::Other(why.to_owned()));
    }
    answered.once = wrong.len().saturating_sub(batches_of(&heard.wrong, &wrong));
    answered.differ = kernel.shrink(&again, &heard.wrong, &mut answered)?;
    Ok(answered)
}

/// The bricks on every kind that has C for that version, each a suite of its own.
fn suites(unit: &Unit, kinds: &[KindUse], target: Linux) -> Unit {
    let kinds: Vec<KindUse> = kinds
        .iter()
        .copied()
        .filter(|used| unit.kind(used.kind).c.is_some() && unit.kind(used.kind).is_on(target))
        .collect();
    let mut bulk = unit.clone();
    bulk.suites.clear();
    for suite in &unit.suites {
        for scenario in &suite.scenarios {
            let mut scenario = scenario.clone();
            let able = |used: &&KindUse| Bricks::of(unit, suite, &scenario, **used).is_some();
            let kinds: Vec<KindUse> = kinds.iter().filter(able).copied().collect();
            if kinds.is_empty() {
                continue;
            }
            scenario.kinds.clone_from(&kinds);
            bulk.suites.push(Suite {
                name: format!("gen_bulk_{}", scenario.name),
                kinds,
                scenarios: vec![scenario],
                ..suite.clone()
            });
        }
    }
    bulk
}

/// A batch of a table that differs: which table, which programs.
type Wrong = (usize, std::ops::Range<usize>);

/// What a kernel said of the programs that it was asked.
#[derive(Debug)]
struct Heard {
    /// The batches that differ; where it did not come to its end, that among them from which it
    /// did not come back.
    wrong: Vec<Wrong>,
    ended: bool,
}

struct Kernel<'k> {
    unit: &'k Unit,
    copy: &'k Path,
    setup: &'k Setup,
    target: Linux,
    model: Model,
    keep_log: Option<&'k Path>,
    say: &'k dyn Fn(&str),
}

impl Kernel<'_> {
    /// Builds the programs in, boots, and says which batches differ.
    fn ask(&self, tables: &[Table], batch: usize, answered: &mut Answered) -> Result<Heard, Error> {
        let unit = parts::of(self.unit, self.target);
        let folder = self.copy.join(install::PLACE);
        let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        for suite in &unit.suites {
            let bytes = files.entry(names::c_file(suite)).or_default();
            for used in &suite.kinds {
                let is = |table: &&Table| table.suite == suite.name && table.bricks.used.is(used);
                // A kind of which nothing is asked has no programs.
                bytes.extend(tables.iter().find(is).map_or(vec![0; 4], Table::bytes));
            }
        }
        let mut digest = Sha256::new();
        files.values().for_each(|bytes| digest.update(bytes));
        let digest = hex(&digest.finalize()[..8]);
        let ops = self.unit.suites.iter();
        let ops = ops.map(|suite| (suite.name.clone(), numbers(self.unit, suite)));
        let options = Options {
            target: self.target,
            without: self.model.lacks().collect(),
            bulk: Some(Programs {
                folder: folder.display().to_string(),
                batch,
                digest,
                ops: ops.collect(),
            }),
            ..Options::default()
        };
        let mut sink = crate::diagnostic::Sink::default();
        let emitted = kunit::emit(self.unit, &options, &mut sink);
        if sink.has_errors() {
            return Err(Error::Source(sink.into_sorted()));
        }
        let questions = model::questions(&Options {
            bulk: None,
            ..options.clone()
        });
        let questions = questions.map_err(Error::Source)?;
        install::install(self.copy, &with_questions(emitted, questions))?;
        for (name, bytes) in files {
            let path = folder.join(format!("{name}.bin"));
            fs::write(&path, bytes).map_err(|why| format!("`{}`: {why}", path.display()))?;
        }
        let seconds = |table: &Table| match table.waits_for_readers(self.unit) {
            true => table.programs.len() / A_SECOND_WAITING,
            false => table.programs.len() / A_SECOND,
        };
        let seconds: usize = tables.iter().map(seconds).sum();
        let timeout = ALONE + Duration::from_secs(seconds as u64);
        let args = &[EXPEDITED];
        let (log, ended) = kernel::run_within(self.copy, self.setup, args, timeout, self.say)?;
        if let Some(place) = self.keep_log {
            let mut file = fs::OpenOptions::new();
            file.append(true)
                .open(place)
                .and_then(|mut file| file.write_all(log.as_bytes()))
                .map_err(|why| format!("`{}`: {why}", place.display()))?;
        }
        let read = ktap::parse(&log);
        if let Some(other) = model::by_answers(&read).filter(|&other| other != self.model) {
            return Err(Error::Other(format!(
                "by what it does this is a kernel {other}"
            )));
        }
        answered.kernel.clone_from(&read.kernel);
        for alarm in read.alarms.iter().chain(&read.panic) {
            if !answered.alarms.contains(alarm) {
                answered.alarms.push(alarm.clone());
            }
        }
        let ended = ended && read.panic.is_none();
        let (wrong, hangs) = self.judge(tables, batch, &log, ended);
        if let (Some((index, range)), 1) = (&hangs, batch) {
            let table = &tables[*index];
            let ops = table.own_ops(self.unit, self.model, &table.programs[range.start]);
            answered.hangs.push(self.differs(table, &ops));
        }
        Ok(Heard { wrong, ended })
    }

    /// Where the kernel was when it was last heard of.
    fn hangs(&self, tables: &[Table], log: &str) -> Option<(usize, usize)> {
        let line = log
            .lines()
            .rev()
            .find_map(|line| line.split_once("devres-bulk: "))?
            .1;
        let words: Vec<&str> = line.split_whitespace().collect();
        let [suite, kind, first, count, ..] = words[..] else {
            return None;
        };
        let next = first.parse::<usize>().ok()? + count.parse::<usize>().ok()?;
        let is = |table: &Table| table.suite == suite && table.bricks.used.label(self.unit) == kind;
        let index = tables.iter().position(is)?;
        // Behind the last program of a kind comes the next kind's first.
        Some(match next < tables[index].programs.len() {
            true => (index, next),
            false => (index + 1, 0),
        })
    }

    fn differs(&self, table: &Table, ops: &[Op]) -> Differs {
        let words = |program: &Program<'_>| ops.iter().map(|&op| program.describe(op)).collect();
        Differs {
            of: table.name(self.unit),
            program: table.bricks.with_program(self.unit, words),
        }
    }

    /// The batches that differ; and if the kernel did not come to its end, the one from which it did
    /// not come back, if that is known. Of others of which it says nothing nothing is known then.
    fn judge(
        &self,
        tables: &[Table],
        batch: usize,
        log: &str,
        ended: bool,
    ) -> (Vec<Wrong>, Option<Wrong>) {
        let mut told: BTreeMap<(String, String, usize), (usize, u64)> = BTreeMap::new();
        for line in log.lines() {
            let Some((_, line)) = line.split_once("devres-bulk: ") else {
                continue;
            };
            let mut words = line.split_whitespace();
            let mut word = || words.next().unwrap_or_default();
            let (suite, kind) = (word().to_owned(), word().to_owned());
            let (first, count) = (word().parse().ok(), word().parse().ok());
            let hash = u64::from_str_radix(word(), 16).ok();
            if let (Some(first), Some(count), Some(hash)) = (first, count, hash) {
                told.insert((suite, kind, first), (count, hash));
            }
        }
        let (mut wrong, mut untold): (Vec<Wrong>, Vec<Wrong>) = (vec![], vec![]);
        for (index, table) in tables.iter().enumerate() {
            let kind = table.bricks.used.label(self.unit);
            let count = table.programs.len();
            for first in (0..count).step_by(batch) {
                let range = first..(first + batch).min(count);
                let expected = match batch {
                    BATCH => table.hashes[first / BATCH],
                    _ => table.hash(self.unit, self.model, range.clone()),
                };
                let place = (table.suite.clone(), kind.clone(), first);
                match told.get(&place) {
                    Some(&said) if said == (range.len(), expected) => {}
                    Some(_) => wrong.push((index, range)),
                    None => untold.push((index, range)),
                }
            }
        }
        if ended {
            wrong.extend(untold);
            return (wrong, None);
        }
        let last = self.hangs(tables, log);
        let is_there = |(index, range): &&Wrong| {
            last.is_some_and(|(table, at)| *index == table && range.contains(&at))
        };
        let hangs = untold.iter().find(is_there).cloned();
        wrong.extend(hangs.clone().or_else(|| untold.into_iter().next()));
        (wrong, hangs)
    }

    /// The shortest programs that differ: of each that does, whatever is left of it when
    /// operations are left out is asked for.
    fn shrink(
        &self,
        tables: &[Table],
        wrong: &[Wrong],
        answered: &mut Answered,
    ) -> Result<Vec<Differs>, Error> {
        const KEPT: usize = 8;
        let mut found: Vec<(usize, Vec<Op>)> = Vec::new();
        let mut seen = BTreeSet::new();
        for (index, range) in wrong {
            let table = &tables[*index];
            if seen.insert((*index, range.start)) && found.len() < KEPT {
                found.push((
                    *index,
                    table.own_ops(self.unit, self.model, &table.programs[range.start]),
                ));
            }
        }
        for _ in 0..4 {
            let mut candidates: Vec<Table> = Vec::new();
            let mut ops: Vec<Vec<Vec<Op>>> = Vec::new();
            for (index, program) in &found {
                let table = &tables[*index];
                let fewer = table.fewer(self.unit, self.model, program);
                let (bytes, list): (Vec<_>, Vec<_>) = fewer.into_iter().unzip();
                match candidates.iter().position(|known| {
                    known.suite == table.suite && known.bricks.used.is(&table.bricks.used)
                }) {
                    Some(at) => {
                        candidates[at].programs.extend(bytes);
                        ops[at].extend(list);
                    }
                    None => {
                        candidates.push(table.with(bytes));
                        ops.push(list);
                    }
                }
            }
            let Heard { wrong, .. } = self.ask(&candidates, 1, answered)?;
            let mut shorter: Vec<(usize, Vec<Op>)> = Vec::new();
            for (at, range) in wrong {
                let is = |table: &Table| {
                    table.suite == candidates[at].suite
                        && table.bricks.used.is(&candidates[at].bricks.used)
                };
                let index = tables.iter().position(is).unwrap_or_default();
                shorter.push((index, ops[at][range.start].clone()));
            }
            shorter.sort_by_key(|(_, ops)| ops.len());
            shorter.truncate(KEPT);
            if shorter.is_empty() {
                break;
            }
            found = shorter;
        }
        found.sort_by_key(|(_, ops)| ops.len());
        let told = found
            .into_iter()
            .map(|(index, ops)| self.differs(&tables[index], &ops));
        Ok(told.collect())
    }
}

/// The tables with the programs of those batches alone.
fn narrowed(tables: &[Table], wrong: &[Wrong]) -> Vec<Table> {
    let of = |index: usize, table: &Table| {
        let ranges = wrong.iter().filter(|(at, _)| *at == index);
        let programs = ranges.flat_map(|(_, range)| table.programs[range.clone()].to_vec());
        table.with(programs.collect())
    };
    let tables = tables.iter().enumerate();
    tables.map(|(index, table)| of(index, table)).collect()
}

/// How many of the batches that differed still do.
fn batches_of(again: &[Wrong], wrong: &[Wrong]) -> usize {
    let mut still = BTreeSet::new();
    for (index, range) in again {
        let mut start = 0;
        for (number, (at, batch)) in wrong.iter().enumerate() {
            if at != index {
                continue;
            }
            if (start..start + batch.len()).contains(&range.start) {
                still.insert(number);
            }
            start += batch.len();
        }
    }
    still.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::all_kinds;

    /// What a kernel says of the first batches, and then nothing, is no agreement.
    #[test]
    fn who_does_not_come_back_does_not_agree() {
        let target = Linux(6, 12);
        let unit = &crate::compile::bricks(&[]).unit;
        let kinds = &all_kinds(unit);
        let unit = &suites(unit, kinds, target);
        let model = Model::ALL;
        let asked = Bulk {
            kinds,
            programs: 3000,
            seed: 1,
            keep_log: None,
        };
        let tables = tables(unit, model, asked);
        let kernel = Kernel {
            unit,
            copy: Path::new(""),
            setup: &Setup::default(),
            target,
            model,
            keep_log: None,
            say: &|_| {},
        };
        let line = |index: usize, hash: u64| {
            let table: &Table = &tables[index];
            let kind = table.bricks.used.label(unit);
            let count = table.programs.len();
            assert!(count < BATCH);
            format!("devres-bulk: {} {kind} 0 {count} {hash:x}\n", table.suite)
        };
        let all = |index: usize| (index, 0..tables[index].programs.len());
        let right = |index: usize| line(index, tables[index].hashes[0]);
        let judge = |log: &str, ended| kernel.judge(&tables, BATCH, log, ended);
        let whole: String = (0..tables.len()).map(right).collect();
        assert_eq!(judge(&whole, true), (vec![], None));
        assert_eq!(judge("", false), (vec![all(0)], None));
        assert_eq!(judge(&right(0), false), (vec![all(1)], Some(all(1))));
        let wrong = right(0) + &line(1, 0);
        assert_eq!(judge(&wrong, false), (vec![all(1), all(2)], Some(all(2))));
        let left_out = whole.replace(&right(1), "");
        assert_eq!(judge(&left_out, true), (vec![all(1)], None));
    }
}
