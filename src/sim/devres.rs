//! `drivers/base/devres.c`: the list of managed resources of a device.
//! Source: Linux 6.12.

use super::core::Core;
use super::event::{Event, Fault, Observer};
use super::list::List;
use super::program::{ActionId, DeviceId};

impl<O: Observer> Core<'_, O> {
    pub(super) fn devm_add_action(&mut self, action: ActionId) -> Result<i32, Fault> {
        let dev = self.program.action(action).on;
        self.in_use(dev)?;
        let list = &mut self.state.device_mut(dev).devres;
        list.push(action.0).map_err(|_| Fault::Limit(dev))?;
        Ok(0)
    }

    /// Takes everything off the list first and runs it then, newest first: what a
    /// callback adds is left for the next pass, and a callback finds no sibling.
    pub(super) fn devres_release_all(&mut self, dev: DeviceId) -> Result<(), Fault> {
        self.call("devres_release_all", |core| {
            let todo = std::mem::replace(&mut core.state.device_mut(dev).devres, List::new());
            todo.as_slice()
                .iter()
                .rev()
                .try_for_each(|&action| core.run_action(ActionId(action)))
        })
    }

    fn run_action(&mut self, action: ActionId) -> Result<(), Fault> {
        let runs = &mut self.state.runs[usize::from(action.0)];
        *runs = runs.saturating_add(1);
        self.event(Event::Action(action));
        self.body(self.program.action(action).body)
    }
}
