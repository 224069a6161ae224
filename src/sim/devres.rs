//! `drivers/base/devres.c`: the list of managed resources of a device.
//! Source: Linux 6.12.

use super::core::Core;
use super::defects::Defect;
use super::errno::Errno;
use super::event::{Devres, Event, Fault, Observer, Warning};
use super::fixes::Fix;
use super::list::List;
use super::points::Point;
use super::program::{Action, ActionId, DeviceId, GroupId, Sort};
use super::state::{Memory, Node};

impl<O: Observer> Core<'_, O> {
    /// `devm_add_action()` and its like.
    pub(super) fn devm_add_action(&mut self, action: ActionId) -> Result<i32, Fault> {
        let Action { on: dev, sort, .. } = *self.program.action(action);
        if sort == Sort::Unmanaged {
            self.allocate(action, Memory::Owned)?;
            return Ok(0);
        }
        self.in_use(dev)?;
        if sort == Sort::OfObject {
            return self.add_action_of_object(dev, action);
        }
        if sort != Sort::Action {
            self.allocate(action, Memory::Managed)?;
        }
        self.devres_add(dev, action)?;
        Ok(0)
    }

    pub(super) fn devres_add(&mut self, dev: DeviceId, action: ActionId) -> Result<(), Fault> {
        self.queue(dev, Node::Action(action))?;
        self.observer.devres(Devres::Add, action);
        Ok(())
    }

    fn queue(&mut self, dev: DeviceId, node: Node) -> Result<(), Fault> {
        if self.in_a_pass(dev) {
            self.observer.point(Point::AddedInAPass);
        }
        let list = &mut self.state.device_mut(dev).devres;
        list.push(node).map_err(|_| Fault::Limit(dev))
    }

    /// Takes it off the list, for its caller.
    pub(super) fn remove(&mut self, action: ActionId) -> Result<i32, Fault> {
        if self.program.action(action).sort == Sort::Resource {
            if !self.devres_remove(action)? {
                return Ok(Errno::ENOENT.negative());
            }
            self.state.set_memory(action, Memory::Owned);
            return Ok(0);
        }
        self.call("devm_remove_action", |core| {
            if !core.devres_remove(action)? {
                core.observer.point(Point::RemovedMissing);
                core.event(Event::Warning(Warning::RemoveAction));
            } else if core.model.is(Defect::RemovedRuns) {
                core.run_action(action)?;
            }
            Ok(0)
        })
    }

    /// The same, and runs it now.
    pub(super) fn release(&mut self, action: ActionId) -> Result<i32, Fault> {
        if self.program.action(action).sort == Sort::Resource {
            return self.call("devres_release", |core| {
                if !core.devres_remove(action)? {
                    return Ok(Errno::ENOENT.negative());
                }
                core.run_action(action)?;
                core.memory_goes(action);
                Ok(0)
            });
        }
        self.call("devm_release_action", |core| {
            let before = core.state.device(core.program.action(action).on).devres;
            if core.devres_remove(action)? {
                if core.model.is(Defect::ReleasedStaysListed) {
                    let on = core.program.action(action).on;
                    core.state.device_mut(on).devres = before;
                }
                core.run_action(action)?;
            } else {
                core.observer.point(Point::ReleasedMissing);
                core.event(Event::Warning(Warning::ReleaseAction));
            }
            Ok(0)
        })
    }

    pub(super) fn devres_remove(&mut self, action: ActionId) -> Result<bool, Fault> {
        let dev = self.program.action(action).on;
        self.in_use(dev)?;
        let list = &mut self.state.device_mut(dev).devres;
        let found = list.remove_newest(Node::Action(action));
        if found {
            self.observer.devres(Devres::Remove, action);
        }
        Ok(found)
    }

    /// Takes everything off the list first and runs it then, newest first: what a
    /// callback adds is left for the next pass, and a callback finds no sibling.
    pub(super) fn devres_release_all(&mut self, dev: DeviceId) -> Result<(), Fault> {
        self.call("devres_release_all", |core| {
            let first = usize::from(core.model.is(Defect::FirstNodeStays));
            core.release_nodes(dev, first, usize::MAX).map(drop)
        })
    }

    pub(super) fn devres_open_group(&mut self, group: GroupId) -> Result<(), Fault> {
        let dev = self.program.group(group).on;
        self.in_use(dev)?;
        // The kernel could tell two of them apart, as it finds the newest.
        if self.find(dev, Node::Open(group)).is_some() {
            return Err(Fault::Limit(dev));
        }
        self.queue(dev, Node::Open(group))
    }

    pub(super) fn devres_close_group(&mut self, group: GroupId) -> Result<(), Fault> {
        let dev = self.program.group(group).on;
        self.in_use(dev)?;
        self.call("devres_close_group", |core| {
            if core.find(dev, Node::Open(group)).is_none() {
                core.observer.point(Point::GroupNotClosed);
                core.event(Event::Warning(Warning::CloseGroup));
                return Ok(());
            }
            // Its end is on the list already: add_dr() has a BUG_ON() for that.
            if core.find(dev, Node::Close(group)).is_some() {
                return Err(Fault::ClosedTwice(dev));
            }
            core.queue(dev, Node::Close(group))
        })
    }

    /// Its ends go, what is between them stays.
    pub(super) fn devres_remove_group(&mut self, group: GroupId) -> Result<(), Fault> {
        let dev = self.program.group(group).on;
        self.in_use(dev)?;
        self.call("devres_remove_group", |core| {
            let list = &mut core.state.device_mut(dev).devres;
            if !core.model.is(Defect::EndOfGroupStays) {
                list.remove_newest(Node::Close(group));
            }
            if !list.remove_newest(Node::Open(group)) {
                core.observer.point(Point::GroupNotClosed);
                core.event(Event::Warning(Warning::RemoveGroup));
            }
            Ok(())
        })
    }

    /// How many resources it released.
    pub(super) fn devres_release_group(&mut self, group: GroupId) -> Result<i32, Fault> {
        let dev = self.program.group(group).on;
        self.in_use(dev)?;
        self.call("devres_release_group", |core| {
            let Some(first) = core.find(dev, Node::Open(group)) else {
                // On an empty list it may just have been released with everything else.
                let dying = core.state.device(dev).devres.is_empty();
                core.observer.point(match dying {
                    true => Point::GroupGone,
                    false => Point::GroupMissing,
                });
                if dying {
                    core.observer.matters(Fix::GroupMayBeGone);
                }
                if !(dying && core.model.has(Fix::GroupMayBeGone)) {
                    core.event(Event::Warning(Warning::ReleaseGroup));
                }
                return Ok(0);
            };
            let end = core.find(dev, Node::Close(group));
            core.observer.point(match end {
                Some(_) => Point::GroupClosed,
                None => Point::GroupOpen,
            });
            let end = end.filter(|_| !core.model.is(Defect::GroupHasNoEnd));
            core.release_nodes(dev, first, end.unwrap_or(usize::MAX))
        })
    }

    /// The group that a bus opens before a driver's probe (`i2c_device_probe()`).
    pub(super) fn open_group_of_bus(&mut self, dev: DeviceId) -> Result<(), Fault> {
        self.queue(dev, Node::Open(Node::BUS))
    }

    /// Its end, after a probe that failed and after remove (`i2c_device_remove()`).
    pub(super) fn release_group_of_bus(&mut self, dev: DeviceId) -> Result<(), Fault> {
        self.call("devres_release_group", |core| {
            match core.find(dev, Node::Open(Node::BUS)) {
                Some(first) => core.release_nodes(dev, first, usize::MAX).map(drop),
                None => Ok(()),
            }
        })
    }

    pub(super) fn find(&self, dev: DeviceId, node: Node) -> Option<usize> {
        let list = self.state.device(dev).devres;
        list.as_slice().iter().rposition(|&known| known == node)
    }

    /// `remove_nodes()`, then `release_nodes()`, of what stands from `first` to `last`, both
    /// of them included. A group that is only partly there stays, with both its ends.
    fn release_nodes(&mut self, dev: DeviceId, first: usize, last: usize) -> Result<i32, Fault> {
        let before = self.state.device(dev).devres;
        let nodes = before.as_slice();
        if nodes.is_empty() {
            return Ok(0);
        }
        let last = last.min(nodes.len().saturating_sub(1));
        let inside = |node: Node| nodes.iter().position(|&n| n == node);
        let within = |at: usize| (first..=last).contains(&at);
        let mut left = List::new(Node::default());
        let mut todo = List::new(Node::default());
        for (at, &node) in nodes.iter().enumerate() {
            let goes = within(at)
                && match node {
                    Node::Action(_) => true,
                    // One that is still open has no end that could stand elsewhere.
                    Node::Open(group) => inside(Node::Close(group)).is_none_or(within),
                    Node::Close(group) => inside(Node::Open(group)).is_some_and(within),
                };
            if !goes && within(at) {
                self.observer.point(Point::GroupOverlaps);
            }
            let list = match (goes, node) {
                (true, Node::Action(_)) => &mut todo,
                (true, _) => continue,
                (false, _) => &mut left,
            };
            list.push(node).map_err(|_| Fault::Limit(dev))?;
        }
        self.state.device_mut(dev).devres = left;
        let todo: List<Node, { super::state::MAX_NODES }> = todo;
        self.observer.pass(dev, true);
        let outer = self.releasing;
        self.releasing |= 1 << dev.0;
        let mut todo = todo;
        if self.model.is(Defect::OldestFirst) {
            todo.as_mut_slice().reverse();
        }
        for &node in todo.as_slice().iter().rev() {
            if let Node::Action(action) = node {
                self.meanwhile()?;
                self.observer.devres(Devres::Release, action);
                let Action { sort, .. } = *self.program.action(action);
                if sort != Sort::Memory {
                    self.run_action(action)?;
                }
                if sort != Sort::Action {
                    self.memory_goes(action);
                }
            }
        }
        self.releasing = outer;
        self.observer.pass(dev, false);
        Ok(todo.as_slice().len() as i32)
    }

    pub(super) fn run_action(&mut self, id: ActionId) -> Result<(), Fault> {
        let runs = &mut self.state.runs[usize::from(id.0)];
        *runs = runs.saturating_add(1);
        self.event(Event::Action(id));
        let action = self.program.action(id);
        self.body(action.on, action.body)
    }
}
