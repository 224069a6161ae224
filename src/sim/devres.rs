//! `drivers/base/devres.c`: the list of managed resources of a device.
//! Source: Linux 6.12.

use super::core::Core;
use super::event::{Devres, Event, Fault, Observer, Warning};
use super::list::List;
use super::program::{ActionId, DeviceId};

impl<O: Observer> Core<'_, O> {
    pub(super) fn devm_add_action(&mut self, action: ActionId) -> Result<i32, Fault> {
        let dev = self.program.action(action).on;
        self.in_use(dev)?;
        let list = &mut self.state.device_mut(dev).devres;
        list.push(action).map_err(|_| Fault::Limit(dev))?;
        self.observer.devres(Devres::Add, action);
        Ok(0)
    }

    /// Takes the newest one of that kind off the list.
    pub(super) fn devm_remove_action(&mut self, action: ActionId) -> Result<(), Fault> {
        self.call("devm_remove_action", |core| {
            if !core.devres_remove(action)? {
                core.event(Event::Warning(Warning::RemoveAction));
            }
            Ok(())
        })
    }

    /// The same, and runs it now.
    pub(super) fn devm_release_action(&mut self, action: ActionId) -> Result<(), Fault> {
        self.call("devm_release_action", |core| {
            if core.devres_remove(action)? {
                return core.run_action(action);
            }
            core.event(Event::Warning(Warning::ReleaseAction));
            Ok(())
        })
    }

    fn devres_remove(&mut self, action: ActionId) -> Result<bool, Fault> {
        let dev = self.program.action(action).on;
        self.in_use(dev)?;
        let found = self.state.device_mut(dev).devres.remove_newest(action);
        if found {
            self.observer.devres(Devres::Remove, action);
        }
        Ok(found)
    }

    /// Takes everything off the list first and runs it then, newest first: what a
    /// callback adds is left for the next pass, and a callback finds no sibling.
    pub(super) fn devres_release_all(&mut self, dev: DeviceId) -> Result<(), Fault> {
        self.call("devres_release_all", |core| {
            let list = &mut core.state.device_mut(dev).devres;
            let todo = std::mem::replace(list, List::new(ActionId(0)));
            todo.as_slice().iter().rev().try_for_each(|&action| {
                core.observer.devres(Devres::Release, action);
                core.run_action(action)
            })
        })
    }

    fn run_action(&mut self, id: ActionId) -> Result<(), Fault> {
        let runs = &mut self.state.runs[usize::from(id.0)];
        *runs = runs.saturating_add(1);
        self.event(Event::Action(id));
        let action = self.program.action(id);
        self.body(action.on, action.body)
    }
}
