//! Who looks on while an operation is carried out: a hash of what happens, for two kernels to
//! be compared by, and the contract of the driver core.

use std::hash::Hasher as _;

use foldhash::quality::FixedState;
use foldhash::quality::FoldHasher;

use super::node::Node;
use crate::sim::{
    ActionId, DeviceId, Event, Fault, MAX_ACTIONS, Moment, Observer, Op, Point, Program, State,
};

/// Passes within passes that are looked at.
const MAX_PASSES: usize = 16;

/// What the driver core promises, and did not keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// Nothing that this is about.
    Nothing,
    /// A lifetime went wrong, in a program that does nothing wrong.
    Fault(Fault),
    /// An action ran before one that was added later, in one pass.
    OutOfOrder(ActionId),
    /// A device was released while the program owned a reference of it.
    ReleasedWhileHeld(DeviceId),
    /// A device was released twice, or has references left.
    ReleasedTwice(DeviceId),
    /// When everything was given up, an action had neither run nor been taken off its list.
    NeverRan(ActionId),
    /// An action ran more often than it was added.
    RanTwice(ActionId),
    /// When everything was given up, a device was still there.
    NotReleased(DeviceId),
    /// Work is queued that nobody will do.
    WorkLeft,
}

/// What is to be told of an operation when it has returned.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    /// A hash of all that happened, and of every device after it.
    pub trace: u64,
    pub(super) due: [i8; MAX_ACTIONS],
    pub(super) added_at: [u16; MAX_ACTIONS],
    pub(super) clock: u16,
    pub(super) points: u64,
    /// Whether the operation returned an error that a program has to speak of.
    pub(super) failed: bool,
}

pub struct Watch<'w, const N: usize> {
    program: &'w Program<'w>,
    before: &'w Node<N>,
    hash: FoldHasher<'static>,
    told: Told,
    /// What was taken off its list by an operation on it alone.
    taken_off: Option<ActionId>,
    /// Of each pass under way: when the action that ran last was added.
    passes: [u16; MAX_PASSES],
    depth: usize,
    broken: Option<Broken>,
}

impl<'w, const N: usize> Watch<'w, N> {
    pub(super) fn new(program: &'w Program<'w>, before: &'w Node<N>) -> Self {
        Watch {
            program,
            before,
            hash: std::hash::BuildHasher::build_hasher(&FixedState::with_seed(0)),
            told: Told {
                trace: 0,
                due: before.due,
                added_at: before.added_at,
                clock: before.clock,
                points: 0,
                failed: false,
            },
            taken_off: None,
            passes: [0; MAX_PASSES],
            depth: 0,
            broken: None,
        }
    }

    fn break_with(&mut self, broken: Broken) {
        self.broken.get_or_insert(broken);
    }

    fn state(&mut self, state: &State) {
        for id in self.program.device_ids() {
            let device = state.device(id);
            let driver = device.driver().map_or(0xff, |id| id.0);
            self.hash
                .write_u32(u32::from(device.refs()) << 8 | u32::from(driver));
        }
    }

    /// What came of the operation.
    pub(super) fn judge(
        mut self,
        op: Op,
        ended: Result<i32, Fault>,
        state: &State,
    ) -> Result<Told, Broken> {
        match ended {
            Err(fault) => return Err(Broken::Fault(fault)),
            // A program says that it fails, and nothing changes hands.
            Ok(ret) => self.told.failed = ret < 0 && op.ends_a_case(None),
        }
        // Nor what a callback must not do: nobody is there to look at what it returns.
        if state.failed_in_a_body() {
            return Err(Broken::Nothing);
        }
        for id in self.program.device_ids() {
            let device = state.device(id);
            if device.is_released() && device.refs() > 0 {
                self.break_with(Broken::ReleasedTwice(id));
            }
        }
        self.told.trace = self.hash.finish();
        match self.broken {
            Some(broken) => Err(broken),
            None => Ok(self.told),
        }
    }
}

impl<const N: usize> Observer for Watch<'_, N> {
    const PATHS: bool = false;

    fn event(&mut self, moment: Moment<'_>) {
        let (what, id) = match moment.event {
            Event::Action(id) => {
                if self.taken_off.take() != Some(id) {
                    self.told.due[usize::from(id.0)] -= 1;
                }
                (1, u32::from(id.0))
            }
            Event::Probe(drv, dev) => (2, u32::from(drv.0) << 8 | u32::from(dev.0)),
            Event::Remove(drv, dev) => (3, u32::from(drv.0) << 8 | u32::from(dev.0)),
            Event::Released(dev) => {
                let was = self.before.states.first().map(|state| state.device(dev));
                if was.is_some_and(|device| device.is_released()) {
                    self.break_with(Broken::ReleasedTwice(dev));
                }
                (4, u32::from(dev.0))
            }
            Event::Warning(warning) => (5, warning as u32),
        };
        self.hash.write_u32(what << 16 | id);
        self.state(moment.state);
    }

    fn returned(&mut self, op: Op, ret: i32, state: &State) {
        self.hash.write_i32(ret);
        self.state(state);
        match op {
            Op::AddAction(id) if ret == 0 => {
                self.told.due[usize::from(id.0)] += 1;
                self.told.clock += 1;
                self.told.added_at[usize::from(id.0)] = self.told.clock;
            }
            Op::RemoveAction(_) => self.taken_off = None,
            _ => {}
        }
    }

    fn point(&mut self, point: Point) {
        self.told.points |= point.bit();
    }

    fn devres(&mut self, what: crate::sim::Devres, action: ActionId) {
        let at = self.told.added_at[usize::from(action.0)];
        match what {
            crate::sim::Devres::Release => {
                if let Some(last) = self.passes[..self.depth.min(MAX_PASSES)].last_mut() {
                    let wrong = at > *last;
                    *last = at;
                    if wrong {
                        self.break_with(Broken::OutOfOrder(action));
                    }
                }
            }
            crate::sim::Devres::Remove => {
                self.told.due[usize::from(action.0)] -= 1;
                self.taken_off = Some(action);
            }
            crate::sim::Devres::Add | crate::sim::Devres::Replace => {}
        }
    }

    fn pass(&mut self, _: DeviceId, begins: bool) {
        if begins {
            if let Some(last) = self.passes.get_mut(self.depth) {
                *last = u16::MAX;
            }
            self.depth += 1;
        } else {
            self.depth -= 1;
        }
    }
}
