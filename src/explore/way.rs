//! The way to each point that was reached: the point before it, and the operation. A node is
//! large and there are many points, so none is kept: it is made again by going the way.

use super::bricks::Bricks;
use super::node::{Next, Node};
use crate::sim::{Model, Op, Program};

/// The point before, and the number of the operation.
pub const BYTES_A_STEP: usize = size_of::<u32>() + size_of::<u8>();

/// A step on the way to a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The point that it starts from.
    pub from: u32,
    /// Its operation, by its place in the alphabet of the bricks.
    pub op: u8,
}

/// The ways to all points, by number. Point 0 is where every program begins.
#[derive(Clone, Debug)]
pub(super) struct Ways {
    from: Vec<u32>,
    ops: Vec<u8>,
}

impl Ways {
    pub(super) fn new() -> Self {
        Ways {
            from: vec![0],
            ops: vec![0],
        }
    }

    /// How many points there are.
    pub(super) fn len(&self) -> usize {
        self.from.len()
    }

    /// Bytes that they take.
    pub(super) fn bytes(&self) -> usize {
        self.from.capacity() * size_of::<u32>() + self.ops.capacity()
    }

    pub(super) fn push(&mut self, step: Step) {
        self.from.push(step.from);
        self.ops.push(step.op);
    }

    pub(super) fn step(&self, point: u32) -> Step {
        Step {
            from: self.from[point as usize],
            op: self.ops[point as usize],
        }
    }

    /// The operations that lead to a point, and one more.
    pub(super) fn ops(&self, bricks: &Bricks, last: Step) -> Vec<Op> {
        let mut ops = self.ops_to(bricks, last.from);
        ops.push(bricks.alphabet[usize::from(last.op)]);
        ops
    }

    /// The operations that lead to a point.
    pub(super) fn ops_to(&self, bricks: &Bricks, mut point: u32) -> Vec<Op> {
        let mut ops = Vec::new();
        while point > 0 {
            let step = self.step(point);
            ops.push(bricks.alphabet[usize::from(step.op)]);
            point = step.from;
        }
        ops.reverse();
        ops
    }
}

/// Goes from point to point of one level. What two ways begin with in common is gone once, and
/// neighbours of a level have nearly all of it in common.
pub(super) struct Walker<'w, const N: usize> {
    bricks: &'w Bricks,
    program: &'w Program<'w>,
    models: [Model; N],
    ways: &'w Ways,
    /// The points on the way to the one at hand, and the nodes that they are.
    points: Vec<u32>,
    nodes: Vec<Node<N>>,
}

impl<'w, const N: usize> Walker<'w, N> {
    /// Starts out for points to which `depth` steps lead.
    pub(super) fn new(
        bricks: &'w Bricks,
        program: &'w Program<'w>,
        models: [Model; N],
        ways: &'w Ways,
        first: &Node<N>,
        depth: usize,
    ) -> Self {
        Walker {
            bricks,
            program,
            models,
            ways,
            points: vec![0; depth + 1],
            nodes: vec![*first; depth + 1],
        }
    }

    /// The node that a point is.
    pub(super) fn go(&mut self, point: u32) -> &Node<N> {
        let depth = self.points.len() - 1;
        let (mut at, mut known) = (point, depth);
        // Number 0 stands for a place where it has not been yet, too.
        while known > 0 && self.points[known] != at {
            self.points[known] = at;
            at = self.ways.step(at).from;
            known -= 1;
        }
        for place in known + 1..=depth {
            let step = self.ways.step(self.points[place]);
            let op = self.bricks.alphabet[usize::from(step.op)];
            let (before, after) = self.nodes.split_at_mut(place);
            let next =
                before[place - 1].next(self.bricks, self.program, self.models, op, &mut after[0]);
            debug_assert_eq!(next, Next::Node);
        }
        &self.nodes[depth]
    }
}
