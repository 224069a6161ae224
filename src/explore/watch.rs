//! Who looks on while an operation is carried out: a hash of what happens, for two kernels to
//! be compared by, and the contract of the driver core.

use std::hash::Hasher as _;

use foldhash::quality::FixedState;
use foldhash::quality::FoldHasher;

use crate::sim::{
    ActionId, DeviceId, Devres, Event, Fault, MAX_ACTIONS, Observer, Op, Phase, Point, Program,
    Sort, State,
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

/// How often each action has still to run, or to be taken off its list, and in which order they
/// were added.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tally {
    due: [i8; MAX_ACTIONS],
    /// When each action was last added; the time is that of `clock`.
    added_at: [u16; MAX_ACTIONS],
    clock: u16,
}

impl Tally {
    pub(super) const fn new() -> Self {
        Tally {
            due: [0; MAX_ACTIONS],
            added_at: [0; MAX_ACTIONS],
            clock: 0,
        }
    }

    /// How often each of a program's actions is due.
    pub(super) fn due(&self, program: &Program<'_>) -> &[i8] {
        &self.due[..program.actions.len()]
    }

    /// How often an action is due.
    pub(super) fn of(&self, id: ActionId) -> i8 {
        self.due[usize::from(id.0)]
    }

    pub(super) fn copy_from(&mut self, other: &Tally, program: &Program<'_>) {
        let actions = program.actions.len();
        self.due[..actions].copy_from_slice(&other.due[..actions]);
        self.added_at[..actions].copy_from_slice(&other.added_at[..actions]);
        self.clock = other.clock;
    }
}

/// What is to be told of an operation when it has returned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    /// A hash of all that happened, and of every device after it, where there are kernels to
    /// compare.
    pub(super) trace: u64,
    /// The points of the simulator that were reached, a bit each.
    pub(super) points: u64,
    /// Whether the operation returned an error that a program has to speak of.
    pub(super) failed: bool,
}

/// Looks on with one of `N` kernels.
pub(super) struct Watch<'w, const N: usize> {
    program: &'w Program<'w>,
    tally: &'w mut Tally,
    /// The devices that were released before, a bit each.
    released: u8,
    hash: FoldHasher<'static>,
    points: u64,
    /// What was taken off its list by an operation on it alone.
    taken_off: Option<ActionId>,
    /// Of each pass under way: when the action that ran last was added.
    passes: [u16; MAX_PASSES],
    depth: usize,
    broken: Option<Broken>,
}

impl<'w, const N: usize> Watch<'w, N> {
    pub(super) fn new(program: &'w Program<'w>, before: &State, tally: &'w mut Tally) -> Self {
        let released = program
            .device_ids()
            .filter(|&id| before.device(id).is_released());
        Watch {
            program,
            tally,
            released: released.fold(0, |bits, id| bits | 1 << id.0),
            hash: std::hash::BuildHasher::build_hasher(&FixedState::with_seed(0)),
            points: 0,
            taken_off: None,
            passes: [0; MAX_PASSES],
            depth: 0,
            broken: None,
        }
    }

    fn break_with(&mut self, broken: Broken) {
        self.broken.get_or_insert(broken);
    }

    /// Only what is compared is hashed.
    fn hash(&mut self, what: u32, state: &State) {
        if N == 1 {
            return;
        }
        self.hash.write_u32(what);
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
        // A program says that it fails.
        let failed = match ended {
            Err(fault) => return Err(Broken::Fault(fault)),
            Ok(ret) => ret < 0 && op.ends_a_case(None),
        };
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
        match self.broken {
            Some(broken) => Err(broken),
            None => Ok(Told {
                trace: self.hash.finish(),
                points: self.points,
                failed,
            }),
        }
    }
}

impl<const N: usize> Observer for Watch<'_, N> {
    fn event(&mut self, event: Event, state: &State) {
        let (what, id) = match event {
            Event::Action(id) => {
                if self.taken_off.take() != Some(id) {
                    self.tally.due[usize::from(id.0)] -= 1;
                }
                (1, u32::from(id.0))
            }
            Event::Probe(drv, dev) => (2, u32::from(drv.0) << 8 | u32::from(dev.0)),
            Event::Remove(drv, dev) => (3, u32::from(drv.0) << 8 | u32::from(dev.0)),
            Event::Released(dev) => {
                if self.released >> dev.0 & 1 == 1 {
                    self.break_with(Broken::ReleasedTwice(dev));
                }
                (4, u32::from(dev.0))
            }
            Event::Warning(warning) => (5, warning as u32),
        };
        self.hash(what << 16 | id, state);
    }

    fn returned(&mut self, op: Op, ret: i32, state: &State) {
        self.hash(ret as u32, state);
        match op {
            // What nobody manages is not called and not freed by anybody else.
            Op::AddAction(id) if self.program.action(id).sort == Sort::Unmanaged => {}
            Op::AddAction(id) | Op::AddResource(id) | Op::GetResource(id) if ret == 0 => {
                self.tally.due[usize::from(id.0)] += 1;
                self.tally.clock += 1;
                self.tally.added_at[usize::from(id.0)] = self.tally.clock;
            }
            // A device may have no name before it is added, and on 6.1 devlink_add_symlinks()
            // takes the length of it.
            Op::Link(consumer, ..) if state.device(consumer).phase() == Phase::Initialized => {
                self.break_with(Broken::Nothing);
            }
            Op::RemoveAction(_) | Op::DestroyResource(_) | Op::Free(_) => self.taken_off = None,
            // It is another one from here on.
            Op::Register(id) | Op::Init(id) if ret == 0 => self.released &= !(1 << id.0),
            _ => {}
        }
    }

    fn point(&mut self, point: Point) {
        self.points |= point.bit();
    }

    fn devres(&mut self, what: Devres, action: ActionId) {
        let at = self.tally.added_at[usize::from(action.0)];
        match what {
            Devres::Release => {
                // It goes, and nothing is called.
                if self.program.action(action).sort == Sort::Memory {
                    self.tally.due[usize::from(action.0)] -= 1;
                }
                if let Some(last) = self.passes[..self.depth.min(MAX_PASSES)].last_mut() {
                    let wrong = at > *last;
                    *last = at;
                    if wrong {
                        self.break_with(Broken::OutOfOrder(action));
                    }
                }
            }
            Devres::Remove => {
                self.tally.due[usize::from(action.0)] -= 1;
                self.taken_off = Some(action);
            }
            Devres::Add | Devres::Replace => {}
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
