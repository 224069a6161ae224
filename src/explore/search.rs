//! One search: every program up to a length, shortest first, each point that programs can
//! reach once.
//!
//! Level by level, so that what is found first is as short as can be. A level is worked through
//! in batches, and a batch in pieces that threads take; what they find is put together in the
//! order of the pieces, so that it does not depend on how many threads there are. Between two
//! batches a search can be left, and taken up again from what the batches brought.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::bricks::Bricks;
use super::node::{Next, Node};
use super::seen::{BYTES_A_POINT, Fingerprints, Seen};
use super::watch::Broken;
use super::way::{Step, Walker, Ways};
use crate::sim::{Fault, Model, Op, Packed, Program};

/// Points that a thread takes at a time.
const PIECE: usize = 256;

/// Points of a batch, if there is room for what they lead to.
const BATCH: usize = 1 << 15;

/// New points that one point leads to: few lead to more.
const FANS_OUT: usize = 16;

/// How far to search.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Operations of a program at most, less those by which it gives up what it owns.
    pub depth: usize,
    /// Points at most that are kept.
    pub points: usize,
    /// Threads.
    pub threads: usize,
    /// Points of the simulator that are looked for, a bit each.
    pub wanted: u64,
}

impl Limits {
    /// Points for which there is room in so many bytes.
    pub fn points_in(bytes: usize) -> usize {
        bytes / BYTES_A_POINT
    }
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Covered {
    /// Points that differ.
    pub points: usize,
    /// Operations that were carried out, by which a point was reached or not.
    pub transitions: u64,
    /// The length of the programs that were all tried.
    pub depth: usize,
    /// Points from which longer programs were tried.
    pub tried: usize,
    /// The points to which programs of that length lead first, by number, and not shorter ones.
    pub level: [usize; 2],
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

    /// Transitions in a second.
    pub fn rate(&self) -> f64 {
        self.transitions as f64 / self.took.as_secs_f64().max(1e-9)
    }
}

/// What a batch brought.
#[derive(Debug, Default)]
pub struct Batch {
    /// The programs that show something, in order.
    pub shown: Vec<Shown>,
    /// The points that are new, in order, each with its fingerprint.
    pub new: Vec<(u64, Step)>,
}

/// A search under way.
pub struct Search<'s, const N: usize> {
    bricks: &'s Bricks,
    program: &'s Program<'s>,
    models: [Model; N],
    limits: Limits,
    first: Node<N>,
    seen: Seen,
    ways: Ways,
    covered: Covered,
}

impl<'s, const N: usize> Search<'s, N> {
    /// A search of which nothing is done yet.
    ///
    /// # Errors
    /// What a kind runs into before its programs begin.
    pub fn new(
        bricks: &'s Bricks,
        program: &'s Program<'s>,
        models: [Model; N],
        limits: Limits,
    ) -> Result<Self, Fault> {
        let first = Node::new(program, models)?;
        let mut seen = Seen::default();
        seen.insert(first.fingerprint(program, &mut Packed::new()));
        Ok(Search {
            bricks,
            program,
            models,
            limits,
            first,
            seen,
            ways: Ways::new(),
            covered: Covered {
                points: 1,
                level: [0, 1],
                ..Covered::default()
            },
        })
    }

    /// Takes up a search that came as far as that, by the points that its batches brought, and
    /// says whether they are those that it would have reached itself.
    pub fn restore(&mut self, covered: Covered, new: &[(u64, Step)]) -> bool {
        /// As many are looked at.
        const SAMPLES: usize = 64;
        let alphabet = self.bricks.alphabet.len();
        for (&(fingerprint, step), number) in new.iter().zip(1u32..) {
            if step.from >= number || usize::from(step.op) >= alphabet {
                return false;
            }
            self.seen.insert(fingerprint);
            self.ways.push(step);
        }
        // There may be more room now.
        self.covered = Covered {
            cut: false,
            ..covered
        };
        let mut sampled = (0..new.len()).rev();
        let mut sampled = sampled.by_ref().step_by(new.len().div_ceil(SAMPLES).max(1));
        covered.points == self.ways.len()
            && sampled.all(|at| self.fingerprint(at as u32 + 1) == Some(new[at].0))
    }

    /// The fingerprint of a point, by the way to it.
    fn fingerprint(&self, point: u32) -> Option<u64> {
        let mut node = self.first;
        let mut next = self.first;
        for op in self.ways.ops_to(self.bricks, point) {
            if node.next(self.bricks, self.program, self.models, op, &mut next) != Next::Node {
                return None;
            }
            node = next;
        }
        Some(node.fingerprint(self.program, &mut Packed::new()))
    }

    /// How far it came.
    pub fn covered(&self) -> &Covered {
        &self.covered
    }

    /// Bytes that it keeps of its points.
    pub fn bytes(&self) -> usize {
        self.seen.bytes() + self.ways.bytes()
    }

    /// Whether there is nothing left to try, or no room for it.
    pub fn is_done(&self) -> bool {
        let Covered {
            cut, depth, level, ..
        } = self.covered;
        cut || depth >= self.limits.depth || level[0] == level[1]
    }

    /// Leaves it for want of time.
    pub fn cut_short(&mut self) {
        self.covered.cut = true;
    }

    /// Tries all programs that are longer by one than those to some points of a level. If there
    /// is no room for what is new, nothing is, and that was the last batch.
    pub fn batch(&mut self) -> Batch {
        let start = Instant::now();
        let room = self.limits.points.saturating_sub(self.ways.len());
        let size = (room / FANS_OUT).clamp(PIECE, BATCH);
        let first = self.covered.tried;
        let end = self.covered.level[1].min(first + size);
        let pieces = self.expand(first, end);
        let found: Vec<(u64, Step)> = pieces.iter().flat_map(|p| &p.reached).copied().collect();
        // Some of them may be the same; but what there is no room for is not even tried.
        self.covered.cut = found.len() > room;
        let new = match self.covered.cut {
            true => vec![],
            false => self.seen.insert_all(&found, self.limits.threads),
        };
        let mut batch = Batch::default();
        let mut before = 0;
        for piece in &pieces {
            for told in &piece.told {
                let is_new = |&at: &u32| new.binary_search(&(before + at)).is_ok();
                if told.reached.as_ref().is_none_or(is_new) {
                    batch.shown.push(Shown {
                        ops: self.ways.ops(self.bricks, told.last),
                        broken: told.broken,
                        at_end: told.reached.is_some(),
                        points: told.points,
                    });
                }
            }
            before += piece.reached.len() as u32;
        }
        let covered = &mut self.covered;
        covered.took += start.elapsed();
        if covered.cut {
            return batch;
        }
        batch.new = new.iter().map(|&at| found[at as usize]).collect();
        batch.new.iter().for_each(|&(_, step)| self.ways.push(step));
        covered.transitions += pieces.iter().map(|piece| piece.transitions).sum::<u64>();
        covered.points = self.ways.len();
        covered.tried = end;
        if end == covered.level[1] {
            covered.depth += 1;
            covered.level = [end, covered.points];
        }
        batch
    }

    /// What one operation more leads to, from some points of one level.
    fn expand(&self, first: usize, end: usize) -> Vec<Piece> {
        let pieces = (end - first).div_ceil(PIECE);
        let taken = AtomicUsize::new(0);
        let work = || {
            let mut worker = Worker::new(self);
            let mut done = Vec::new();
            loop {
                let piece = taken.fetch_add(1, Ordering::Relaxed);
                if piece >= pieces {
                    return done;
                }
                let from = first + piece * PIECE;
                done.push((piece, worker.expand(from, end.min(from + PIECE))));
            }
        };
        let threads = self.limits.threads.clamp(1, pieces);
        let mut done: Vec<(usize, Piece)> = if threads == 1 {
            work()
        } else {
            std::thread::scope(|scope| {
                let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
                let joined = threads.into_iter().map(|thread| thread.join());
                // A thread that panics takes the program along.
                joined
                    .flat_map(|done| done.unwrap_or_else(|why| std::panic::resume_unwind(why)))
                    .collect()
            })
        };
        done.sort_by_key(|&(piece, _)| piece);
        done.into_iter().map(|(_, piece)| piece).collect()
    }
}

/// What some points lead to.
#[derive(Default)]
struct Piece {
    /// Points that were not known before the batch, each once.
    reached: Vec<(u64, Step)>,
    told: Vec<Told>,
    transitions: u64,
}

/// That a program shows something.
struct Told {
    last: Step,
    broken: Option<Broken>,
    points: u64,
    /// Where it does so at its end: the place of its point in `reached`. Another piece may have
    /// reached that, too.
    reached: Option<u32>,
}

/// A thread at work, with the room that it needs.
struct Worker<'w, const N: usize> {
    search: &'w Search<'w, N>,
    walker: Walker<'w, N>,
    own: Fingerprints,
    packed: Packed,
    next: Node<N>,
    last: Node<N>,
}

impl<'w, const N: usize> Worker<'w, N> {
    fn new(search: &'w Search<'_, N>) -> Self {
        Worker {
            search,
            walker: Walker::new(
                search.bricks,
                search.program,
                search.models,
                &search.ways,
                &search.first,
                search.covered.depth,
            ),
            own: Fingerprints::default(),
            packed: Packed::new(),
            next: search.first,
            last: search.first,
        }
    }

    fn expand(&mut self, first: usize, end: usize) -> Piece {
        let Search {
            bricks,
            program,
            models,
            limits,
            seen,
            ..
        } = self.search;
        let (next, last) = (&mut self.next, &mut self.last);
        self.own.clear();
        let mut piece = Piece::default();
        // The points of the simulator that the piece has told of.
        let mut known = 0;
        for point in first as u32..end as u32 {
            let node = self.walker.go(point);
            for (op, number) in bricks.alphabet.iter().zip(0..) {
                let mut told = Told {
                    last: Step {
                        from: point,
                        op: number,
                    },
                    broken: None,
                    points: 0,
                    reached: None,
                };
                match node.next(bricks, program, *models, *op, next) {
                    Next::Illegal => continue,
                    Next::Node => {}
                    Next::Parted => {
                        piece.told.push(told);
                        continue;
                    }
                    Next::Broken(broken) => {
                        told.broken = Some(broken);
                        piece.told.push(told);
                        continue;
                    }
                }
                piece.transitions += 1;
                let step = told.last;
                let of_use = limits.wanted & !known;
                if of_use & next.points != 0 && next.end(program, *models, last) == Next::Node {
                    known |= next.points;
                    told.points = limits.wanted & next.points;
                    piece.told.push(Told { ..told });
                }
                let fingerprint = next.fingerprint(program, &mut self.packed);
                if seen.contains(fingerprint) || !self.own.insert(fingerprint) {
                    continue;
                }
                told.reached = Some(piece.reached.len() as u32);
                piece.reached.push((fingerprint, step));
                match next.end(program, *models, last) {
                    Next::Parted => piece.told.push(told),
                    Next::Broken(broken) => {
                        told.broken = Some(broken);
                        piece.told.push(told);
                    }
                    Next::Node if limits.wanted & !known & last.points != 0 => {
                        known |= last.points;
                        told.points = limits.wanted & last.points;
                        piece.told.push(told);
                    }
                    Next::Node | Next::Illegal => {}
                }
            }
        }
        piece
    }
}
