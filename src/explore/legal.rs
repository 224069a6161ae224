//! What a program may do next: what a driver's author may do, who does nothing wrong by himself.

use super::bricks::Bricks;
use super::node::Node;
use crate::sim::{ActionId, DeviceId, Op, Phase, Program, Sort};

/// References of a device that a program owns at a time at most.
const MOST_REFS: u16 = 2;

impl<const N: usize> Node<N> {
    pub(super) fn is_legal(&self, bricks: &Bricks, program: &Program<'_>, op: Op) -> bool {
        let state = &self.states[0];
        let phase = |id: DeviceId| state.device(id).phase();
        let keeps = |id| self.holdings.keeps(id);
        let due = |id: ActionId| self.tally.of(id) > 0;
        // On any of the kernels: one of them may have freed it earlier.
        let is_there = |id| self.states.iter().any(|state| state.has_memory(id));
        let is_memory = |id| program.action(id).sort == Sort::Memory;
        let is_listed = |id: ActionId| {
            let there = due(id) && self.holdings.is_queued(id);
            there && keeps(program.action(id).on) && program.action(id).sort != Sort::OfObject
        };
        match op {
            Op::Register(id) | Op::Init(id) => {
                let parent = program.device(id).parent;
                let may_be = match phase(id) {
                    Phase::Absent => true,
                    // What is still due of one that is gone is told already.
                    Phase::Released => {
                        !self.has_due(program, id) && !state.has_children(program, id)
                    }
                    Phase::Initialized | Phase::Added | Phase::Deleted => false,
                };
                may_be && parent.is_none_or(|parent| phase(parent) == Phase::Added && keeps(parent))
            }
            Op::Add(id) => phase(id) == Phase::Initialized && self.holdings.refs(id) > 0,
            Op::Unregister(id) | Op::Del(id) => {
                phase(id) == Phase::Added
                    && self.holdings.gives_up(Op::Unregister(id))
                    && !self.is_needed(program, id)
                    && !(program.device(id).kind.waits && self.is_held(program, id))
            }
            Op::Get(id) => keeps(id) && self.holdings.refs(id) < MOST_REFS,
            Op::Put(id) => {
                let last =
                    self.holdings.refs(id) == 1 && !self.holdings.gives_up(Op::Unregister(id));
                self.holdings.refs(id) > 0 && !(last && self.is_needed(program, id))
            }
            Op::Attach(id) => {
                keeps(id) && phase(id) == Phase::Added && state.device(id).driver().is_none()
            }
            Op::Unbind(id) => keeps(id) && state.device(id).driver().is_some(),
            Op::Bind(id, drv) => {
                keeps(id)
                    && phase(id) == Phase::Added
                    && state.is_registered(drv)
                    && state.device(id).driver().is_none()
            }
            Op::AddAction(id) => {
                let twin = bricks.twins.get(usize::from(id.0)).copied().flatten();
                keeps(program.action(id).on)
                    && phase(program.action(id).on) != Phase::Absent
                    && !due(id)
                    && !is_there(id)
                    && twin.is_none_or(|twin| self.used >> twin.0 & 1 == 1)
                    && self.can_do(program, program.action(id).body)
            }
            Op::RemoveAction(id) => is_listed(id) && !is_memory(id),
            Op::ReleaseAction(id) | Op::DestroyResource(id) => {
                is_listed(id) && !is_memory(id) && !self.is_used(program, id)
            }
            // One that is on no list is put on it, where there may be what uses it.
            Op::GetResource(id) => {
                is_listed(id)
                    || (keeps(program.action(id).on)
                        && phase(program.action(id).on) != Phase::Absent
                        && !is_there(id)
                        && !self.is_used(program, id)
                        && self.can_do(program, program.action(id).body))
            }
            Op::AddResource(id) => {
                keeps(program.action(id).on)
                    && self.holdings.gives_up(Op::Free(id))
                    && !self.is_used(program, id)
                    && self.can_do(program, program.action(id).body)
            }
            Op::FindResource(id) => {
                keeps(program.action(id).on) && phase(program.action(id).on) != Phase::Absent
            }
            Op::Free(id) => {
                let there = is_memory(id) && is_listed(id) || self.holdings.gives_up(op);
                there && !self.is_used(program, id)
            }
            Op::Realloc(id) => is_listed(id) || self.holdings.gives_up(Op::Free(id)),
            Op::UseMemory(id) => self.has_memory(id),
            Op::OpenGroup(id) => {
                let on = program.group(id).on;
                let mut states = self.states.iter();
                let there = states.any(|state| state.is_open_group(program, id));
                keeps(on) && phase(on) != Phase::Absent && !there
            }
            Op::CloseGroup(id) => {
                let open = state.is_open_group(program, id) && !state.is_closed_group(program, id);
                keeps(program.group(id).on) && open
            }
            Op::ReleaseGroup(id) | Op::RemoveGroup(id) => {
                keeps(program.group(id).on) && state.is_open_group(program, id)
            }
            Op::Link(one, other, _) | Op::Unlink(one, other) => {
                let there = |id| keeps(id) && phase(id) == Phase::Added;
                there(one) && there(other)
            }
            Op::Open(id) => phase(program.handle(id).device) != Phase::Absent && !state.is_open(id),
            Op::Close(id) => self.holdings.gives_up(Op::Close(id)),
            Op::Settle => self.has_queued_work(),
            Op::RegisterDriver(id) => !state.is_registered(id),
            Op::UnregisterDriver(id) => self.holdings.gives_up(op) && state.is_registered(id),
            // Of a device that is gone a file says so; it is no brick yet.
            Op::UseHandle(_) => false,
        }
    }

    /// Whether an action of the device has still to run.
    fn has_due(&self, program: &Program<'_>, id: DeviceId) -> bool {
        let mut actions = program.actions.iter().zip(self.tally.due(program));
        actions.any(|(action, &due)| due > 0 && action.on == id)
    }

    /// Whether the program holds the device, or a child may: who waits for its release would wait for
    /// that.
    fn is_held(&self, program: &Program<'_>, id: DeviceId) -> bool {
        self.holdings.refs(id) > 0 || self.states[0].has_children(program, id)
    }

    fn has_memory(&self, id: ActionId) -> bool {
        self.states.iter().all(|state| state.has_memory(id))
    }

    /// Whether an action that has still to run uses the memory, so that it has to stay where it
    /// is.
    fn is_used(&self, program: &Program<'_>, id: ActionId) -> bool {
        let mut actions = program.actions.iter().zip(self.tally.due(program));
        actions.any(|(action, &due)| due > 0 && uses(program, action.body, id))
    }

    /// Whether what a body gives up is the program's to give.
    fn can_do(&self, program: &Program<'_>, body: &[Op]) -> bool {
        body.iter().all(|&op| match op {
            Op::Unregister(_) | Op::Close(_) => self.holdings.gives_up(op),
            Op::Link(one, other, _) | Op::Unlink(one, other) => {
                self.holdings.keeps(one) && self.holdings.keeps(other)
            }
            // One that is still to run could not be told from this one.
            Op::AddAction(id) => {
                self.tally.of(id) == 0 && self.can_do(program, program.action(id).body)
            }
            Op::UseMemory(id) | Op::Realloc(id) => self.has_memory(id),
            // A scenario cannot name a group before it opens it.
            Op::CloseGroup(id) | Op::ReleaseGroup(id) | Op::RemoveGroup(id) => {
                let mut states = self.states.iter();
                states.all(|state| state.is_open_group(program, id))
            }
            _ => true,
        })
    }

    /// Whether an action that has still to run does something with a device that is not its
    /// own, and does not hold it.
    pub(super) fn is_needed(&self, program: &Program<'_>, id: DeviceId) -> bool {
        let needs = |op: &Op| match *op {
            Op::Link(one, other, _) | Op::Unlink(one, other) => one == id || other == id,
            _ => false,
        };
        let mut actions = program.actions.iter().zip(self.tally.due(program));
        actions.any(|(action, &due)| due > 0 && action.on != id && action.body.iter().any(needs))
    }
}

/// Whether a body, or what it adds, uses memory.
fn uses(program: &Program<'_>, body: &[Op], id: ActionId) -> bool {
    body.iter().any(|&op| match op {
        Op::UseMemory(used) | Op::Realloc(used) => used == id,
        Op::AddAction(added) => uses(program, program.action(added).body, id),
        _ => false,
    })
}
