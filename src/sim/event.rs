//! What an observer is told, and how a lifetime can go wrong.

use super::program::{ActionId, DeviceId, DriverId, Op, Program};
use super::state::State;

/// Something that happened inside an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A device-managed action begins.
    Action(ActionId),
    /// A driver's probe begins (`really_probe()` calls it).
    Probe(DriverId, DeviceId),
    /// A driver's remove begins (`device_remove()` calls it).
    Remove(DriverId, DeviceId),
    /// The device's release function is called (`device_release()` calls it).
    Released(DeviceId),
}

impl Event {
    /// The event in one line, as the trace words it.
    pub fn describe(self, program: &Program<'_>) -> String {
        match self {
            Event::Action(id) => format!("action {}", program.action(id).name),
            Event::Probe(id, dev) => {
                format!(
                    "probe {} {}",
                    program.driver(id).name,
                    program.device(dev).name
                )
            }
            Event::Remove(id, dev) => {
                format!(
                    "remove {} {}",
                    program.driver(id).name,
                    program.device(dev).name
                )
            }
            Event::Released(id) => format!("release {}", program.device(id).name),
        }
    }
}

/// The moment of an event: the event, the state at it, and how the kernel got there.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'m> {
    /// What happens.
    pub event: Event,
    /// The state as the callback would see it.
    pub state: &'m State,
    /// The kernel functions on the way here, outermost first.
    pub path: &'m [&'static str],
}

/// Somebody who is told of each event. `()` is nobody, and costs nothing.
pub trait Observer {
    /// Whether the call path is wanted; keeping it takes a little time.
    const PATHS: bool;

    /// Called at each event, in order.
    fn event(&mut self, moment: Moment<'_>);

    /// Called when an operation returns, those in the body of an action included.
    fn returned(&mut self, op: Op, ret: i32, state: &State);
}

impl Observer for () {
    const PATHS: bool = false;

    fn event(&mut self, _: Moment<'_>) {}

    fn returned(&mut self, _: Op, _: i32, _: &State) {}
}

/// A lifetime gone wrong: what the kernel would answer with undefined behaviour,
/// a BUG or a refcount warning. It ends the case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// The device's memory is used after its release.
    UseAfterFree(DeviceId),
    /// A reference is dropped that nobody holds any more: the count is already 0.
    Underflow(DeviceId),
    /// The device is used before it is registered.
    NotInitialized(DeviceId),
    /// `device_register()` on a device that already is, or was.
    RegisteredTwice(DeviceId),
    /// `device_del()` on a device that is not added: `dev->p` is NULL, or the
    /// lists were left before.
    NotAdded(DeviceId),
    /// The last reference goes while the device is still registered.
    FreedWhileRegistered(DeviceId),
    /// `driver_unregister()` on a driver that is not registered.
    DriverNotRegistered(DriverId),
    /// More than the simulator has room for: [`super::MAX_ACTIONS`] resources of a
    /// device, 65,535 references.
    Limit(DeviceId),
}

impl Fault {
    /// The fault in one sentence.
    pub fn describe(self, program: &Program<'_>) -> String {
        match self {
            Fault::UseAfterFree(id) => {
                format!("`{}` is used after it was freed", program.device(id).name)
            }
            Fault::Underflow(id) => {
                format!(
                    "a reference of `{}` is dropped that nobody holds",
                    program.device(id).name
                )
            }
            Fault::NotInitialized(id) => {
                format!(
                    "`{}` is used before it is registered",
                    program.device(id).name
                )
            }
            Fault::RegisteredTwice(id) => {
                format!("`{}` is registered a second time", program.device(id).name)
            }
            Fault::NotAdded(id) => {
                format!(
                    "`{}` is unregistered while it is not registered",
                    program.device(id).name
                )
            }
            Fault::FreedWhileRegistered(id) => {
                format!(
                    "`{}` is freed while it is still registered",
                    program.device(id).name
                )
            }
            Fault::DriverNotRegistered(id) => {
                format!("driver `{}` is not registered", program.driver(id).name)
            }
            Fault::Limit(id) => {
                format!(
                    "`{}` has more than the simulator has room for",
                    program.device(id).name
                )
            }
        }
    }
}
