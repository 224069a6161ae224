//! A kernel against the simulator in bulk: programs by the million in one boot, of which the
//! kernel prints a hash a batch, and everything only of what differs.
//!
//! Programs are built from the bricks of explorations: all up to a length, then random ones.
//! Each gives up what it owns, so that nothing is left of it for the next.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::Path;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::kernel;
use super::{Known, Setup, known, model, tree, with_questions};
use crate::compile::Error;
use crate::emit::kunit::{self, Programs};
use crate::emit::{Options, names, parts};
use crate::explore::{Bricks, Next, Node, all_kinds};
use crate::install;
use crate::ir::{KindUse, Linux, Suite, Unit};
use crate::ktap;
use crate::sim::{
    Action, DriverId, Event, Fault, Handles, Model, Observer, Op, Program, Sort, State, step,
};

/// Operations of a random program at most, less those by which it gives up what it owns.
const LONGEST: usize = 13;

/// How long a boot may take besides the programs.
const ALONE: Duration = Duration::from_secs(60);

/// Programs that a kernel has to run in a second: a tenth of what user-mode Linux does.
const A_SECOND: usize = 3000;

/// Who waits for readers, as drm_dev_unplug() does, waits shorter: with 7.2 that is most of the
/// time otherwise.
const EXPEDITED: &str = "rcupdate.rcu_expedited=1";

/// Programs that have one hash.
const BATCH: usize = 1024;

/// What a byte says besides its operation: that it leaves work queued, after which counts
/// depend on how quick a worker is.
const QUIET: u8 = 0x80;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Bulk {
    /// How many programs.
    pub programs: usize,
    /// What the random ones begin with.
    pub seed: u64,
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
    asked: Bulk,
    say: &dyn Fn(&str),
) -> Result<Answered, Error> {
    let Known { target, model } = known(tree_path)?;
    say(&format!("Linux {target}, by its source {model}"));
    let unit = &suites(unit, target);
    let copy = tree::private_copy(tree_path, &setup.build_dir(), say)?;
    let kernel = Kernel {
        unit,
        copy: copy.path(),
        setup,
        target,
        model,
        say,
    };
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
    let wrong = kernel.ask(&tables, BATCH, &mut answered)?;
    if wrong.is_empty() {
        return Ok(answered);
    }
    say(&format!(
        "{} batches differ; asking again, one by one",
        wrong.len()
    ));
    let again = narrowed(&tables, &wrong);
    let wrong_again = kernel.ask(&again, 1, &mut answered)?;
    answered.once = wrong.len().saturating_sub(batches_of(&wrong_again, &wrong));
    if !answered.hangs.is_empty() {
        return Ok(answered);
    }
    answered.differ = kernel.shrink(&again, &wrong_again, &mut answered)?;
    Ok(answered)
}

/// The bricks on every kind that has C for that version, each a suite of its own.
fn suites(unit: &Unit, target: Linux) -> Unit {
    let kinds: Vec<KindUse> = all_kinds(unit)
        .into_iter()
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

/// The programs of one kind, built from one scenario's bricks.
struct Table {
    suite: String,
    bricks: Bricks,
    /// Every operation, by the number that programs know it by.
    numbers: Vec<Op>,
    programs: Vec<Vec<u8>>,
    hashes: Vec<u64>,
    all_up_to: usize,
}

impl Table {
    fn name(&self, unit: &Unit) -> String {
        format!("{} on {}", self.bricks.name, self.bricks.used.label(unit))
    }

    fn operations(&self) -> usize {
        self.programs.iter().map(Vec::len).sum()
    }

    /// Its programs as the kernel reads them.
    fn bytes(&self) -> Vec<u8> {
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
    fn hash(&self, unit: &Unit, model: Model, programs: std::ops::Range<usize>) -> u64 {
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
fn numbers(unit: &Unit, suite: &Suite) -> Vec<Op> {
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

fn tables(unit: &Unit, model: Model, asked: Bulk) -> Vec<Table> {
    // A device of a framework's object waits for readers when it goes, which takes a kernel
    // longer than anything else here.
    let weight = |used: &KindUse| match unit.kind(used.kind).handles {
        Handles::Object => 1,
        _ => 16,
    };
    let uses = unit.suites.iter().flat_map(|suite| &suite.kinds);
    let mut weights: usize = uses.map(weight).sum();
    let mut left = asked.programs;
    let mut tables = Vec::new();
    for suite in &unit.suites {
        let numbers = numbers(unit, suite);
        for &used in &suite.kinds {
            let share = (left * weight(&used)).div_ceil(weights.max(1));
            weights -= weight(&used);
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

/// All programs up to a length, as long as they are no more than half of what is wanted, and
/// random ones; and that length.
fn make(
    unit: &Unit,
    bricks: &Bricks,
    model: Model,
    numbers: &[Op],
    wanted: usize,
    seed: u64,
) -> (Vec<Vec<u8>>, usize) {
    bricks.with_program(unit, |program| {
        let mut programs = Vec::new();
        let Ok(first) = Node::<1>::new(program, [model]) else {
            return (programs, 0);
        };
        let maker = Maker {
            bricks,
            program,
            model,
            numbers,
        };
        let mut level = vec![(vec![], first)];
        let mut all_up_to = 0;
        while !level.is_empty() && programs.len() + level.len() <= wanted / 2 {
            programs.extend(
                level
                    .iter()
                    .filter_map(|(ops, node)| maker.whole(ops, node)),
            );
            let next = level.iter().flat_map(|(ops, node)| maker.longer(ops, node));
            // One more than there is room for is enough to see.
            level = next.take(wanted / 2 + 1).collect();
            all_up_to += 1;
        }
        let mut random = fastrand::Rng::with_seed(seed);
        let mut failed = 0;
        while programs.len() < wanted && failed < 1000 {
            match maker.random(&first, &mut random) {
                Some(bytes) => programs.push(bytes),
                None => failed += 1,
            }
        }
        (programs, all_up_to - usize::from(all_up_to > 0))
    })
}

struct Maker<'m> {
    bricks: &'m Bricks,
    program: &'m Program<'m>,
    model: Model,
    numbers: &'m [Op],
}

impl Maker<'_> {
    /// One operation more, and what it queues is waited for.
    fn step(&self, node: &Node<1>, op: Op) -> Option<Node<1>> {
        let next = |node: &Node<1>, op| {
            let mut next = *node;
            let came = node.next(self.bricks, self.program, [self.model], op, &mut next);
            (came == Next::Node).then_some(next)
        };
        let stepped = next(node, op)?;
        if stepped.has_queued_work() {
            return next(&stepped, Op::Settle);
        }
        Some(stepped)
    }

    fn longer<'l>(
        &'l self,
        ops: &'l [Op],
        node: &'l Node<1>,
    ) -> impl Iterator<Item = (Vec<Op>, Node<1>)> + 'l {
        let alphabet = self.bricks.alphabet.iter().filter(|&&op| op != Op::Settle);
        alphabet.filter_map(|&op| {
            let node = self.step(node, op)?;
            let mut longer = ops.to_vec();
            longer.push(op);
            Some((longer, node))
        })
    }

    fn random(&self, first: &Node<1>, random: &mut fastrand::Rng) -> Option<Vec<u8>> {
        let length = random.usize(1..=LONGEST);
        let (mut ops, mut node) = (Vec::new(), *first);
        let mut tries = 0;
        while ops.len() < length && tries < 200 {
            tries += 1;
            let op = self.bricks.alphabet[random.usize(..self.bricks.alphabet.len())];
            if op == Op::Settle {
                continue;
            }
            if let Some(next) = self.step(&node, op) {
                node = next;
                ops.push(op);
            }
        }
        self.whole(&ops, &node)
    }

    /// The program with what the kind's state wants, what it queues, and what it gives up, if
    /// nothing is left of it then.
    fn whole(&self, ops: &[Op], node: &Node<1>) -> Option<Vec<u8>> {
        let mut last = *node;
        if node.end(self.program, [self.model], &mut last) != Next::Node {
            return None;
        }
        let mut all = self.program.set_up();
        all.extend(ops);
        all.extend(node.gives_up(self.program));
        encode(self.program, self.model, self.numbers, &all)
    }
}

/// The operations as bytes, with a settling behind each that leaves work queued; nothing if
/// one of them goes wrong, or something is left.
fn encode(program: &Program<'_>, model: Model, numbers: &[Op], ops: &[Op]) -> Option<Vec<u8>> {
    let number = |op: Op| {
        numbers
            .iter()
            .position(|&known| known == op)
            .map(|at| at as u8)
    };
    let mut state = State::new();
    let mut bytes = Vec::new();
    for &op in ops {
        if op == Op::Settle {
            continue;
        }
        step(program, model, &mut state, op, &mut ()).ok()?;
        if !state.has_queued_work() {
            bytes.push(number(op)?);
            continue;
        }
        bytes.push(number(op)? | QUIET);
        bytes.push(number(Op::Settle)?);
        step(program, model, &mut state, Op::Settle, &mut ()).ok()?;
    }
    let mut devices = program.device_ids();
    let left = devices.any(|id| state.device(id).is_alive()) || state.failed_in_a_body();
    (!left && bytes.len() < 256).then_some(bytes)
}

/// What the names of a program are to its trace, made once.
struct Words {
    ops: HashMap<Op, String>,
}

impl Words {
    fn of(program: &Program<'_>, numbers: &[Op]) -> Words {
        let actions = program.actions.iter().flat_map(|action| action.body);
        let probes = program.drivers.iter().flat_map(|driver| driver.probes);
        let probes = probes.flat_map(|probe| probe.body);
        let removes = program.drivers.iter().flat_map(|driver| driver.remove);
        let bodies = actions.chain(probes).chain(removes).copied();
        let all = numbers.iter().copied().chain(bodies);
        let known = all.filter(|&op| program.has(op));
        Words {
            ops: known.map(|op| (op, program.describe(op))).collect(),
        }
    }

    fn op(&self, op: Op) -> &str {
        self.ops.get(&op).map_or("", String::as_str)
    }
}

/// The hash that the emitted C keeps of what happens: FNV-1a.
struct Fnv<'f> {
    program: &'f Program<'f>,
    words: &'f Words,
    hash: u64,
    quiet: bool,
}

impl<'f> Fnv<'f> {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;

    fn new(program: &'f Program<'f>, words: &'f Words) -> Self {
        Fnv {
            program,
            words,
            hash: Fnv::BASIS,
            quiet: false,
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(Fnv::PRIME);
        }
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
        self.bytes(&[0]);
    }

    fn devices(&mut self, state: &State) {
        for id in self.program.device_ids() {
            let device = state.device(id);
            self.bytes(&u32::from(device.refs()).to_le_bytes());
            let driver = device.driver().filter(|&id| id != DriverId::OF_BUS);
            self.text(driver.map_or("", |id| self.program.driver(id).name));
        }
    }
}

impl Observer for Fnv<'_> {
    fn event(&mut self, event: Event, state: &State) {
        let device = |id| self.program.device(id).name;
        let driver = |id| self.program.driver(id).name;
        let [what, first, second] = match event {
            Event::Action(id) => {
                let Action { name, sort, .. } = *self.program.action(id);
                match sort {
                    Sort::Resource => ["resource", name, ""],
                    _ => ["action", name, ""],
                }
            }
            Event::Probe(drv, dev) => ["probe", driver(drv), device(dev)],
            Event::Remove(drv, dev) => ["remove", driver(drv), device(dev)],
            Event::Released(dev) => ["release", device(dev), ""],
            // The kernel says so on its own.
            Event::Warning(_) => return,
        };
        self.text(what);
        self.text(first);
        self.text(second);
        self.devices(state);
    }

    fn returned(&mut self, op: Op, ret: i32, state: &State) {
        if self.quiet {
            return;
        }
        let words = self.words;
        self.text(words.op(op));
        self.bytes(&ret.to_le_bytes());
        self.devices(state);
    }
}

fn run(
    program: &Program<'_>,
    model: Model,
    numbers: &[Op],
    bytes: &[u8],
    fnv: &mut Fnv<'_>,
) -> Result<(), Fault> {
    let mut state = State::new();
    for &byte in bytes {
        fnv.quiet = byte & QUIET != 0;
        let op = numbers[usize::from(byte & !QUIET)];
        step(program, model, &mut state, op, fnv)?;
    }
    Ok(())
}

/// A batch of a table that differs: which table, which programs.
type Wrong = (usize, std::ops::Range<usize>);

fn is_in((index, range): &Wrong, place: &(usize, usize)) -> bool {
    *index == place.0 && range.contains(&place.1)
}

struct Kernel<'k> {
    unit: &'k Unit,
    copy: &'k Path,
    setup: &'k Setup,
    target: Linux,
    model: Model,
    say: &'k dyn Fn(&str),
}

impl Kernel<'_> {
    /// Builds the programs in, boots, and says which batches differ.
    fn ask(
        &self,
        tables: &[Table],
        batch: usize,
        answered: &mut Answered,
    ) -> Result<Vec<Wrong>, Error> {
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
        let digest: String = digest.finalize()[..8]
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
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
        let programs: usize = tables.iter().map(|table| table.programs.len()).sum();
        let timeout = ALONE + Duration::from_secs((programs / A_SECOND) as u64);
        let args = &[EXPEDITED];
        let (log, ended) = kernel::run_within(self.copy, self.setup, args, timeout, self.say)?;
        let read = ktap::parse(&log);
        if let Some(other) = model::by_answers(&read).filter(|&other| other != self.model) {
            return Err(Error::Other(format!(
                "by what it does this is a kernel {other}"
            )));
        }
        answered.kernel.clone_from(&read.kernel);
        answered.alarms.extend(read.alarms.iter().cloned());
        answered.alarms.extend(read.panic.iter().cloned());
        let wrong = self.judge(tables, batch, &log);
        if ended {
            return Ok(wrong);
        }
        // Of what was not run nothing is known: it hangs in the first of them.
        let hangs = self.hangs(tables, &log);
        let hangs = wrong
            .iter()
            .find(|wrong| hangs.as_ref().is_some_and(|hangs| is_in(wrong, hangs)));
        if let (Some((index, range)), 1) = (hangs, batch) {
            let table = &tables[*index];
            let ops = table.own_ops(self.unit, self.model, &table.programs[range.start]);
            answered.hangs.push(self.differs(table, &ops));
        }
        Ok(hangs.cloned().into_iter().collect())
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

    fn judge(&self, tables: &[Table], batch: usize, log: &str) -> Vec<Wrong> {
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
        let mut wrong = Vec::new();
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
                if told.get(&place) != Some(&(range.len(), expected)) {
                    wrong.push((index, range));
                }
            }
        }
        wrong
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
            let wrong = self.ask(&candidates, 1, answered)?;
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

impl Table {
    fn with(&self, programs: Vec<Vec<u8>>) -> Table {
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
    fn own_ops(&self, unit: &Unit, model: Model, bytes: &[u8]) -> Vec<Op> {
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
    fn fewer(&self, unit: &Unit, model: Model, ops: &[Op]) -> Vec<(Vec<u8>, Vec<Op>)> {
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
