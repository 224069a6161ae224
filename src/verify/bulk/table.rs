//! Programs by bricks and kind, as they are built into the kernel: a table for each.

use std::collections::BTreeMap;

use super::hash::{Fnv, Words, run};
use super::programs::{Maker, QUIET, make};
use super::{BATCH, Bulk};
use crate::explore::{Bricks, Node};
use crate::ir::{KindUse, Scenario, Suite, Unit};
use crate::sim::{Handles, Model, Op};

/// The programs of one kind, built from one scenario's bricks.
pub(super) struct Table {
    pub(super) suite: String,
    pub(super) bricks: Bricks,
    /// Every operation, by the number that programs know it by.
    pub(super) numbers: Vec<Op>,
    pub(super) programs: Vec<Vec<u8>>,
    pub(super) hashes: Vec<u64>,
    pub(super) all_up_to: usize,
}

impl Table {
    pub(super) fn name(&self, unit: &Unit) -> String {
        format!("{} on {}", self.bricks.name, self.bricks.used.label(unit))
    }

    pub(super) fn operations(&self) -> usize {
        self.programs.iter().map(Vec::len).sum()
    }

    /// Whether things go of which the kernel waits until nobody reads them: links, and objects of a
    /// framework.
    pub(super) fn waits_for_readers(&self, unit: &Unit) -> bool {
        let Bricks { used, scenario, .. } = &self.bricks;
        scenario.makes_links() || unit.kind(used.kind).handles == Handles::Object
    }

    /// Its programs as the kernel reads them.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; 4];
        for program in &self.programs {
            bytes.push(program.len() as u8);
            bytes.extend(program);
        }
        let size = (bytes.len() - 4) as u32;
        bytes[..4].copy_from_slice(&size.to_le_bytes());
        bytes
    }

    /// The hash of some of its programs, one behind the other.
    pub(super) fn hash(&self, unit: &Unit, model: Model, programs: std::ops::Range<usize>) -> u64 {
        self.bricks.with_program(unit, |program| {
            let words = Words::of(program, &self.numbers);
            let mut fnv = Fnv::new(program, &words);
            for bytes in &self.programs[programs] {
                let _ = run(program, model, &self.numbers, bytes, &mut fnv);
            }
            fnv.hash
        })
    }
}

/// Every operation of a suite, whatever the kind, those included that set up the kind's state
/// and give up.
pub(super) fn numbers(unit: &Unit, suite: &Suite) -> Vec<Op> {
    let mut ops = BTreeMap::new();
    let mut add = |op: Op| _ = ops.insert(format!("{op:?}"), op);
    for scenario in &suite.scenarios {
        for &used in &suite.kinds {
            let Some(bricks) = Bricks::of(unit, suite, scenario, used) else {
                continue;
            };
            bricks.alphabet.iter().copied().for_each(&mut add);
            bricks.with_program(unit, |program| {
                for op in program.set_up() {
                    add(op);
                    if let Op::RegisterDriver(id) = op {
                        add(Op::UnregisterDriver(id));
                    }
                }
            });
        }
    }
    ops.into_values().collect()
}

/// The programs that are asked for, shared out among bricks and kinds.
pub(super) fn tables(unit: &Unit, model: Model, asked: Bulk<'_>) -> Vec<Table> {
    // Who waits for readers takes a kernel longer than anything else here: a device of a
    // framework's object when it goes, and a device link.
    let links = |suite: &Suite| suite.scenarios.iter().any(Scenario::makes_links);
    let weight = |suite: &Suite, used: &KindUse| match unit.kind(used.kind).handles {
        Handles::Object => 1,
        _ if links(suite) => 4,
        _ => 16,
    };
    let uses = unit.suites.iter();
    let uses = uses.flat_map(|suite| suite.kinds.iter().map(|used| weight(suite, used)));
    let mut weights: usize = uses.sum();
    let mut left = asked.programs;
    let mut tables = Vec::new();
    for suite in &unit.suites {
        let numbers = numbers(unit, suite);
        for &used in &suite.kinds {
            let share = (left * weight(suite, &used)).div_ceil(weights.max(1));
            weights -= weight(suite, &used);
            let Some(bricks) = suite
                .scenarios
                .first()
                .and_then(|scenario| Bricks::of(unit, suite, scenario, used))
            else {
                continue;
            };
            let seed = asked.seed.wrapping_add(tables.len() as u64);
            let made = make(unit, &bricks, model, &numbers, share, seed);
            left -= made.0.len().min(left);
            tables.push(Table {
                suite: suite.name.clone(),
                bricks,
                numbers: numbers.clone(),
                programs: made.0,
                hashes: vec![],
                all_up_to: made.1,
            });
        }
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let size = tables.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        for tables in tables.chunks_mut(size) {
            scope.spawn(move || {
                for table in tables {
                    let count = table.programs.len();
                    let starts = (0..count).step_by(BATCH);
                    table.hashes = starts
                        .map(|first| table.hash(unit, model, first..(first + BATCH).min(count)))
                        .collect();
                }
            });
        }
    });
    tables
}

impl Table {
    pub(super) fn with(&self, programs: Vec<Vec<u8>>) -> Table {
        Table {
            suite: self.suite.clone(),
            bricks: self.bricks.clone(),
            numbers: self.numbers.clone(),
            programs,
            hashes: vec![],
            all_up_to: 0,
        }
    }

    /// The operations that a program has of its own.
    pub(super) fn own_ops(&self, unit: &Unit, model: Model, bytes: &[u8]) -> Vec<Op> {
        let ops = bytes
            .iter()
            .map(|&byte| self.numbers[usize::from(byte & !QUIET)]);
        let ops: Vec<Op> = ops.filter(|&op| op != Op::Settle).collect();
        let bricks = self.bricks.clone().unreduced();
        bricks.with_program(unit, |program| {
            let maker = Maker {
                bricks: &bricks,
                program,
                model,
                numbers: &self.numbers,
            };
            let before = program.set_up().len();
            let Ok(mut node) = Node::<1>::new(program, [model]) else {
                return ops;
            };
            // Behind them stands what they give up.
            for end in before..ops.len() {
                let rest = node.gives_up(program);
                let rest = rest.iter().filter(|&&op| op != Op::Settle);
                if rest.eq(ops[end..].iter()) {
                    return ops[before..end].to_vec();
                }
                match maker.step(&node, ops[end]) {
                    Some(next) => node = next,
                    None => break,
                }
            }
            ops[before..].to_vec()
        })
    }

    /// The programs with one or two operations less.
    pub(super) fn fewer(&self, unit: &Unit, model: Model, ops: &[Op]) -> Vec<(Vec<u8>, Vec<Op>)> {
        self.bricks.with_program(unit, |program| {
            let maker = Maker {
                bricks: &self.bricks.clone().unreduced(),
                program,
                model,
                numbers: &self.numbers,
            };
            let Ok(first) = Node::<1>::new(program, [model]) else {
                return vec![];
            };
            let whole = |ops: Vec<Op>| {
                let node = ops
                    .iter()
                    .try_fold(first, |node, &op| maker.step(&node, op))?;
                Some((maker.whole(&ops, &node)?, ops))
            };
            let without = |left_out: &[usize]| -> Vec<Op> {
                let kept = ops
                    .iter()
                    .enumerate()
                    .filter(|(at, _)| !left_out.contains(at));
                kept.map(|(_, &op)| op).collect()
            };
            let one = (0..ops.len()).map(|a| without(&[a]));
            let two = (0..ops.len()).flat_map(|a| (0..a).map(move |b| [a, b]));
            let two = two.map(|pair| without(&pair));
            one.chain(two).filter_map(whole).collect()
        })
    }
}
