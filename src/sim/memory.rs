//! `drivers/base/devres.c`, the part of it that is about memory: what `devm_kmalloc()` gives,
//! and resources as their owners handle them. Source: Linux 6.12.
//!
//! The simulator keeps one piece of memory a name, so that a name always tells which.

use super::core::Core;
use super::defects::Defect;
use super::errno::Errno;
use super::event::{Devres, Event, Fault, Observer, Warning};
use super::program::{Action, ActionId, Sort};
use super::state::{Memory, Node};

impl<O: Observer> Core<'_, O> {
    /// New memory, which nothing has used yet.
    pub(super) fn allocate(&mut self, id: ActionId, whose: Memory) -> Result<(), Fault> {
        if matches!(self.state.memory(id), Memory::Managed | Memory::Owned) {
            return Err(Fault::AllocatedTwice(id));
        }
        self.state.set_memory(id, whose);
        Ok(())
    }

    /// It is gone, for good.
    pub(super) fn memory_goes(&mut self, id: ActionId) {
        self.state.set_memory(id, Memory::Freed);
        self.observer.freed(id);
    }

    /// Refuses memory that is not there (any more).
    fn allocated(&self, id: ActionId) -> Result<Memory, Fault> {
        match self.state.memory(id) {
            Memory::Absent => Err(Fault::NotAllocated(id)),
            Memory::Freed => Err(Fault::UsedAfterFree(id)),
            there => Ok(there),
        }
    }

    pub(super) fn use_memory(&mut self, id: ActionId) -> Result<(), Fault> {
        self.allocated(id).map(drop)
    }

    /// `devres_add()` of what is on no list: add_dr() has a BUG_ON() for anything else.
    pub(super) fn add_resource(&mut self, id: ActionId) -> Result<(), Fault> {
        let dev = self.program.action(id).on;
        self.in_use(dev)?;
        if self.allocated(id)? == Memory::Managed {
            return Err(Fault::AddedTwice(id));
        }
        self.state.set_memory(id, Memory::Managed);
        self.devres_add(dev, id)
    }

    fn is_listed(&self, id: ActionId) -> Result<bool, Fault> {
        let dev = self.program.action(id).on;
        self.in_use(dev)?;
        Ok(self.find(dev, Node::Action(id)).is_some())
    }

    pub(super) fn devres_find(&mut self, id: ActionId) -> Result<i32, Fault> {
        Ok(match self.is_listed(id)? {
            true => 0,
            false => Errno::ENOENT.negative(),
        })
    }

    /// Where there is one the new one is freed again, and nobody has seen it.
    pub(super) fn devres_get(&mut self, id: ActionId) -> Result<i32, Fault> {
        if self.is_listed(id)? && !self.model.is(Defect::GetAddsAnother) {
            return Ok(1);
        }
        self.allocate(id, Memory::Managed)?;
        self.devres_add(self.program.action(id).on, id)?;
        Ok(0)
    }

    pub(super) fn devres_destroy(&mut self, id: ActionId) -> Result<i32, Fault> {
        if !self.devres_remove(id)? {
            return Ok(Errno::ENOENT.negative());
        }
        if self.model.is(Defect::DestroyedRuns) {
            self.run_action(id)?;
        }
        self.memory_goes(id);
        Ok(0)
    }

    pub(super) fn free(&mut self, id: ActionId) -> Result<(), Fault> {
        if self.program.action(id).sort == Sort::Memory {
            return self.devm_kfree(id);
        }
        // devres_free() has a BUG_ON() for what is on a list.
        if self.allocated(id)? == Memory::Managed {
            return Err(Fault::FreedWhileAdded(id));
        }
        self.memory_goes(id);
        Ok(())
    }

    /// It looks for an address on the list, and does not look at the memory.
    fn devm_kfree(&mut self, id: ActionId) -> Result<(), Fault> {
        if self.state.memory(id) == Memory::Absent {
            return Err(Fault::NotAllocated(id));
        }
        self.call("devm_kfree", |core| {
            if core.devres_remove(id)? && !core.model.is(Defect::FreedIsMissed) {
                core.memory_goes(id);
                return Ok(());
            }
            // What came later may be where this was, and would be freed in its stead.
            if core.state.memory(id) == Memory::Freed && core.has_other_memory(id) {
                return Err(Fault::UsedAfterFree(id));
            }
            core.event(Event::Warning(Warning::Kfree));
            Ok(())
        })
    }

    fn has_other_memory(&self, id: ActionId) -> bool {
        let dev = self.program.action(id).on;
        let is_memory = |node: &Node| match *node {
            Node::Action(other) => {
                let Action { sort, .. } = *self.program.action(other);
                other != id && sort == Sort::Memory
            }
            Node::Open(_) | Node::Close(_) => false,
        };
        let list = self.state.device(dev).devres;
        list.as_slice().iter().any(is_memory)
    }

    /// What is on its way from the list is not found there: -ENOMEM stands for the NULL that
    /// this returns.
    pub(super) fn realloc(&mut self, id: ActionId) -> Result<i32, Fault> {
        let Action { on: dev, sort, .. } = *self.program.action(id);
        if sort == Sort::Unmanaged {
            return self.allocated(id).map(|_| 0);
        }
        self.in_use(dev)?;
        self.allocated(id)?;
        self.call("devm_krealloc", |core| {
            if core.find(dev, Node::Action(id)).is_some() {
                core.observer.devres(Devres::Replace, id);
                return Ok(0);
            }
            core.event(Event::Warning(Warning::Krealloc));
            Ok(Errno::ENOMEM.negative())
        })
    }
}
