//! The programs: all up to a length, and random ones, as the bytes by which the kernel knows their
//! operations.

use crate::explore::{Bricks, Next, Node};
use crate::ir::Unit;
use crate::sim::{Model, Op, Program, State, step};

/// Operations of a random program at most, less those by which it gives up what it owns.
const LONGEST: usize = 13;

/// What a byte says besides its operation: that it leaves work queued, after which counts
/// depend on how quick a worker is.
pub(super) const QUIET: u8 = 0x80;

/// All programs up to a length, as long as they are no more than half of what is wanted, and
/// random ones; and that length.
pub(super) fn make(
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

pub(super) struct Maker<'m> {
    pub(super) bricks: &'m Bricks,
    pub(super) program: &'m Program<'m>,
    pub(super) model: Model,
    pub(super) numbers: &'m [Op],
}

impl Maker<'_> {
    /// One operation more, and what it queues is waited for.
    pub(super) fn step(&self, node: &Node<1>, op: Op) -> Option<Node<1>> {
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
    pub(super) fn whole(&self, ops: &[Op], node: &Node<1>) -> Option<Vec<u8>> {
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
