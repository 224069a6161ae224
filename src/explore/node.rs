//! A point of a search: what the simulator knows, on one kernel or on two, and what the
//! program so far owns; and one operation from there.

use std::hash::Hasher as _;

use foldhash::quality::FixedState;

use super::bricks::Bricks;
use super::watch::{Broken, Tally, Watch};
use crate::sim::{ActionId, DeviceId, Fault, Holdings, Model, Op, Packed, Program, State, step};

/// The programs that lead here, as far as it makes a difference what comes next. The same
/// operations were carried out on each of `N` kernels, with the same result.
#[derive(Clone, Copy, Debug)]
pub struct Node<const N: usize> {
    pub(super) states: [State; N],
    pub(super) holdings: Holdings,
    pub(super) tally: Tally,
    /// Which actions were ever added, of those that have a twin.
    pub(super) used: u32,
    /// The points of the simulator that the last operation reached, a bit each.
    pub(super) points: u64,
}

/// What came of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// No program would do that here.
    Illegal,
    /// The kernels part here.
    Parted,
    /// The contract is broken.
    Broken(Broken),
    /// There is more to try from there.
    Node,
}

impl Next {
    fn of(broken: Broken) -> Next {
        match broken {
            Broken::Nothing => Next::Illegal,
            broken => Next::Broken(broken),
        }
    }
}

impl<const N: usize> Node<N> {
    /// Before the first operation, with what the kind's state wants set up.
    ///
    /// # Errors
    /// What goes wrong with that.
    pub fn new(program: &Program<'_>, models: [Model; N]) -> Result<Self, Fault> {
        let mut node = Node {
            states: [State::new(); N],
            holdings: Holdings::new(),
            tally: Tally::new(),
            used: 0,
            points: 0,
        };
        for op in program.set_up() {
            for (state, model) in node.states.iter_mut().zip(models) {
                step(program, model, state, op, &mut ())?;
            }
            let _ = node.holdings.apply(program, op, None);
        }
        Ok(node)
    }

    /// Whether work is queued on one of the kernels.
    pub fn has_queued_work(&self) -> bool {
        self.states.iter().any(State::has_queued_work)
    }

    /// The operations by which a program that ends here gives up what it owns.
    pub fn gives_up(&self, program: &Program<'_>) -> Vec<Op> {
        self.holdings.give_up(program)
    }

    /// Appends what tells the point from others of the same program: two that have the same bytes
    /// have the same to come.
    pub fn pack(&self, program: &Program<'_>, packed: &mut Packed) {
        for state in &self.states {
            state.pack(program, packed);
        }
        self.holdings.pack(program, packed);
        for (index, due) in self.tally.due(program).iter().enumerate() {
            let used = (self.used >> index & 1) as u8;
            packed.byte((*due as u8) << 1 | used);
        }
    }

    /// What the point is known by. Two that differ may have the same one, with a chance of one
    /// in 2^64 for each pair.
    pub fn fingerprint(&self, program: &Program<'_>, packed: &mut Packed) -> u64 {
        packed.clear();
        self.pack(program, packed);
        let mut hasher = std::hash::BuildHasher::build_hasher(&FixedState::with_seed(0));
        hasher.write(packed.as_slice());
        hasher.finish()
    }

    /// Becomes a copy of another one of the same program; what that does not have is left out.
    fn copy_from(&mut self, other: &Self, program: &Program<'_>) {
        for (state, other) in self.states.iter_mut().zip(&other.states) {
            state.copy_from(other, program);
        }
        self.holdings = other.holdings;
        self.tally.copy_from(&other.tally, program);
        self.used = other.used;
        self.points = 0;
    }

    /// Carries out an operation, if a program may do so here. `next` is a node of the same
    /// program; it is where that leads if [`Next::Node`] comes back, and of no use otherwise.
    pub fn next(
        &self,
        bricks: &Bricks,
        program: &Program<'_>,
        models: [Model; N],
        op: Op,
        next: &mut Self,
    ) -> Next {
        if !self.is_legal(bricks, program, op) {
            return Next::Illegal;
        }
        next.copy_from(self, program);
        if next.holdings.apply(program, op, None).is_err() {
            return Next::Illegal;
        }
        if let Op::AddAction(id) = op {
            next.used |= bricks.has_twin(id) << id.0;
        }
        match next.step(program, models, op) {
            Err(broken) => broken,
            Ok(failed) => {
                // An operation that returns an error changes no hands.
                if failed {
                    next.holdings = self.holdings;
                }
                next.released_while_held(program)
                    .map_or(Next::Node, Next::Broken)
            }
        }
    }

    /// What is broken when the program ends here, if anything is: it gives up what it owns.
    /// `last` is where that leads, as with [`Self::next`].
    pub fn end(&self, program: &Program<'_>, models: [Model; N], last: &mut Self) -> Next {
        // What an action needs would be given up before it runs.
        if program.device_ids().any(|id| self.is_needed(program, id)) {
            return Next::Illegal;
        }
        last.copy_from(self, program);
        let mut stopped = None;
        self.holdings.each_given_up(program, |op| {
            if stopped.is_none() {
                stopped = last.step(program, models, op).err();
            }
        });
        match (stopped, last.left(program)) {
            (Some(next), _) => next,
            (None, Some(broken)) if N == 1 => Next::Broken(broken),
            (None, _) => Next::Node,
        }
    }

    /// Carries out an operation on each kernel, and says whether it returned an error.
    ///
    /// # Errors
    /// What there is instead of a way on.
    fn step(&mut self, program: &Program<'_>, models: [Model; N], op: Op) -> Result<bool, Next> {
        let before = if N > 1 { self.tally } else { Tally::new() };
        let [first, others @ ..] = self.states.as_mut_slice() else {
            return Err(Next::Illegal);
        };
        let mut watch = Watch::<N>::new(program, first, &mut self.tally);
        let ended = step(program, models[0], first, op, &mut watch);
        let judged = watch.judge(op, ended, first);
        if N == 1 {
            let told = judged.map_err(Next::of)?;
            self.points |= told.points;
            return Ok(told.failed);
        }
        for (state, model) in others.iter_mut().zip(&models[1..]) {
            let mut tally = before;
            let mut watch = Watch::<N>::new(program, state, &mut tally);
            let ended = step(program, *model, state, op, &mut watch);
            let other = watch.judge(op, ended, state);
            if judged.map(|told| told.trace) != other.map(|told| told.trace) {
                return Err(Next::Parted);
            }
        }
        // Where all of them fail alike there is nothing to tell.
        let told = judged.map_err(|_| Next::Illegal)?;
        self.points |= told.points;
        Ok(told.failed)
    }

    fn released_while_held(&self, program: &Program<'_>) -> Option<Broken> {
        let gone = |id: &DeviceId| {
            let mut states = self.states.iter();
            self.holdings.keeps(*id) && states.any(|state| state.device(*id).is_released())
        };
        program
            .device_ids()
            .find(gone)
            .map(Broken::ReleasedWhileHeld)
    }

    /// What is not as it should be when everything was given up.
    fn left(&self, program: &Program<'_>) -> Option<Broken> {
        for (index, due) in self.tally.due(program).iter().enumerate() {
            let id = ActionId(index as u8);
            match due.signum() {
                0 => {}
                1 => return Some(Broken::NeverRan(id)),
                _ => return Some(Broken::RanTwice(id)),
            }
        }
        let state = &self.states[0];
        let mut devices = program.device_ids();
        if let Some(id) = devices.find(|&id| state.device(id).is_alive()) {
            return Some(Broken::NotReleased(id));
        }
        state.has_queued_work().then_some(Broken::WorkLeft)
    }
}
