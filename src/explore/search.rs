//! The search: every program up to a length, shortest first, each point that programs can
//! reach once.
//!
//! Level by level, so that what is found first is as short as can be. A level is cut into
//! pieces that threads work on; what they find is put together in the order of the pieces, so
//! that it does not depend on how many threads there are.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};
use std::time::{Duration, Instant};

use super::bricks::Bricks;
use super::node::{Next, Node};
use super::watch::Broken;
use crate::sim::{Model, Op, Packed, Program};

/// Fingerprints are hashes already.
#[derive(Default)]
pub struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 = u64::from_ne_bytes(word);
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = word;
    }
}

type Seen = HashSet<u64, BuildHasherDefault<Identity>>;

/// How far to search.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Operations of a program at most, less those by which it gives up what it owns.
    pub depth: usize,
    /// Points at most that are kept.
    pub points: usize,
    /// When to stop.
    pub until: Option<Instant>,
    /// Threads.
    pub threads: usize,
    /// Points of the simulator that are looked for, a bit each.
    pub wanted: u64,
}

/// A program that shows something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its operations, less those by which it gives up what it owns.
    pub ops: Vec<Op>,
    /// What is broken; `None` where two kernels part.
    pub broken: Option<Broken>,
    /// Whether it shows only when the program gives up what it owns.
    pub at_end: bool,
    /// The points that it reaches, of those that are looked for, a bit each.
    pub points: u64,
}

/// How far a search came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Covered {
    /// Points that differ.
    pub points: usize,
    /// Operations that were carried out, by which a point was reached or not.
    pub transitions: u64,
    /// The length of the programs that were all tried.
    pub depth: usize,
    /// Whether it ended before the depth that was asked for, for want of room or time.
    pub cut: bool,
    /// How long it took.
    pub took: Duration,
}

impl Covered {
    /// How likely it is that two points were taken for one, and something overlooked.
    pub fn collision(&self) -> f64 {
        let points = self.points as f64;
        points * points / 2.0 / 2f64.powi(64)
    }
}

/// One step on the way to a point.
#[derive(Clone, Copy)]
struct From {
    point: u32,
    op: u8,
}

/// What a thread found in its piece of a level.
struct Piece<const N: usize> {
    nodes: Vec<(u64, From, Node<N>)>,
    shown: Vec<(From, Shown)>,
    transitions: u64,
}

/// Searches, and hands every program that shows something to `found`, shortest first. It says
/// whether to go on.
pub fn search<const N: usize>(
    bricks: &Bricks,
    program: &Program<'_>,
    models: [Model; N],
    limits: &Limits,
    found: &mut dyn FnMut(Shown) -> bool,
) -> Covered {
    let start = Instant::now();
    let mut covered = Covered::default();
    // A kind that cannot even be set up has nothing to show.
    let Ok(first) = Node::new(program, models) else {
        return covered;
    };
    let mut packed = Packed::new();
    let mut seen = Seen::default();
    seen.insert(first.fingerprint(program, &mut packed));
    let mut from: Vec<From> = vec![From { point: 0, op: 0 }];
    let mut level: Vec<(u32, Node<N>)> = vec![(0, first)];
    covered.points = 1;
    while !level.is_empty() && covered.depth < limits.depth {
        let size = level.len().div_ceil(limits.threads.max(1)).max(1);
        let pieces: Vec<Piece<N>> = std::thread::scope(|scope| {
            let seen = &seen;
            let work = |piece| move || expand(bricks, program, models, piece, seen, limits.wanted);
            let threads: Vec<_> = level
                .chunks(size)
                .map(|piece| scope.spawn(work(piece)))
                .collect();
            let joined = threads.into_iter().map(|thread| thread.join());
            // A thread that panics takes the program along.
            joined
                .map(|piece| piece.unwrap_or_else(|why| std::panic::resume_unwind(why)))
                .collect()
        });
        let mut next = Vec::new();
        let mut go_on = true;
        for piece in pieces {
            covered.transitions += piece.transitions;
            for (last, shown) in piece.shown {
                let ops = way(bricks, &from, last);
                go_on &= found(Shown { ops, ..shown });
            }
            for (fingerprint, last, node) in piece.nodes {
                if from.len() < limits.points && seen.insert(fingerprint) {
                    next.push((from.len() as u32, node));
                    from.push(last);
                } else {
                    covered.cut |= from.len() >= limits.points;
                }
            }
        }
        level = next;
        covered.depth += 1;
        covered.points = from.len();
        if !go_on {
            break;
        }
        if covered.cut || limits.until.is_some_and(|until| Instant::now() >= until) {
            covered.cut = true;
            break;
        }
    }
    covered.took = start.elapsed();
    covered
}

fn expand<const N: usize>(
    bricks: &Bricks,
    program: &Program<'_>,
    models: [Model; N],
    level: &[(u32, Node<N>)],
    seen: &Seen,
    wanted: u64,
) -> Piece<N> {
    let mut packed = Packed::new();
    let mut own = Seen::default();
    let mut reached = 0;
    let mut piece = Piece {
        nodes: vec![],
        shown: vec![],
        transitions: 0,
    };
    for (point, node) in level {
        for (index, &op) in bricks.alphabet.iter().enumerate() {
            let last = From {
                point: *point,
                op: index as u8,
            };
            let mut show = |broken| piece.shown.push((last, shown(broken, false, 0)));
            let next = match node.next(bricks, program, models, op) {
                Next::Illegal => continue,
                Next::Node(next) => next,
                Next::Parted => {
                    show(None);
                    continue;
                }
                Next::Broken(broken) => {
                    show(Some(broken));
                    continue;
                }
            };
            piece.transitions += 1;
            if wanted & next.points & !reached != 0
                && let Next::Node(_) = next.end(program, models)
            {
                reached |= next.points;
                let points = next.points & wanted;
                piece.shown.push((last, shown(None, false, points)));
            }
            let fingerprint = next.fingerprint(program, &mut packed);
            if seen.contains(&fingerprint) || !own.insert(fingerprint) {
                continue;
            }
            match next.end(program, models) {
                Next::Parted => piece.shown.push((last, shown(None, true, 0))),
                Next::Broken(broken) => piece.shown.push((last, shown(Some(broken), true, 0))),
                Next::Node(end) if wanted & end.points & !reached != 0 => {
                    reached |= end.points;
                    let points = end.points & wanted;
                    piece.shown.push((last, shown(None, true, points)));
                }
                Next::Node(_) | Next::Illegal => {}
            }
            piece.nodes.push((fingerprint, last, *next));
        }
    }
    piece
}

fn shown(broken: Option<Broken>, at_end: bool, points: u64) -> Shown {
    Shown {
        ops: vec![],
        broken,
        at_end,
        points,
    }
}

/// The operations that lead to a point, and one more.
fn way(bricks: &Bricks, from: &[From], last: From) -> Vec<Op> {
    let mut ops = vec![bricks.alphabet[usize::from(last.op)]];
    let mut point = last.point;
    while point > 0 {
        let step = from[point as usize];
        ops.push(bricks.alphabet[usize::from(step.op)]);
        point = step.point;
    }
    ops.reverse();
    ops
}
