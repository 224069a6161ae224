//! What an observer is told, and how a lifetime can go wrong.

use super::fixes::Fix;
use super::points::Point;
use super::program::{Action, ActionId, DeviceId, DriverId, HandleId, Op, Program, Sort};
use super::state::State;

/// Something that happened inside an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A device-managed action begins, or the release function of a resource.
    Action(ActionId),
    /// A driver's probe begins (`really_probe()` calls it).
    Probe(DriverId, DeviceId),
    /// A driver's remove begins (`device_remove()` calls it).
    Remove(DriverId, DeviceId),
    /// The device's release function is called (`device_release()` calls it).
    Released(DeviceId),
    /// The kernel answers with `WARN()` and goes on.
    Warning(Warning),
}

/// A call that the kernel answers with `WARN()`: legal, and wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Warning {
    /// `devm_remove_action()` finds no such action on the list.
    RemoveAction,
    /// `devm_release_action()` finds no such action on the list.
    ReleaseAction,
    /// `devm_kfree()` finds no such memory on the list.
    Kfree,
    /// `devm_krealloc()` finds no such memory on the list.
    Krealloc,
    /// `devres_close_group()` finds no such group on the list.
    CloseGroup,
    /// `devres_remove_group()` finds no such group on the list.
    RemoveGroup,
    /// `devres_release_group()` finds no such group on a list with something on it.
    ReleaseGroup,
    /// A device goes while a link of its still counts on it.
    DeviceLinksPurge,
    /// A device binds, and a link is not in the state that this wants.
    DeviceLinksDriverBound,
    /// A consumer is without driver, and a supplier was not bound.
    DeviceLinksNoDriver,
    /// A supplier's driver is gone, and a link does not know.
    DeviceLinksDriverCleanup,
    /// A probe was refused for a missing supplier, and another one was not bound.
    DeviceLinksMissingSupplier,
    /// A link is removed by hand that is the driver core's.
    DeviceLinkPut,
    /// A device is to be unlinked from itself.
    DeviceLinkRemove,
}

impl Warning {
    /// Every one.
    pub const ALL: [Warning; 14] = [
        Warning::RemoveAction,
        Warning::ReleaseAction,
        Warning::Kfree,
        Warning::Krealloc,
        Warning::CloseGroup,
        Warning::RemoveGroup,
        Warning::ReleaseGroup,
        Warning::DeviceLinksPurge,
        Warning::DeviceLinksDriverBound,
        Warning::DeviceLinksNoDriver,
        Warning::DeviceLinksDriverCleanup,
        Warning::DeviceLinksMissingSupplier,
        Warning::DeviceLinkPut,
        Warning::DeviceLinkRemove,
    ];

    /// The kernel function that warns, as its report names it.
    pub const fn function(self) -> &'static str {
        match self {
            Warning::RemoveAction => "devm_remove_action",
            Warning::ReleaseAction => "devm_release_action",
            Warning::Kfree => "devm_kfree",
            Warning::Krealloc => "devm_krealloc",
            Warning::CloseGroup => "devres_close_group",
            Warning::RemoveGroup => "devres_remove_group",
            Warning::ReleaseGroup => "devres_release_group",
            Warning::DeviceLinksPurge => "device_links_purge",
            Warning::DeviceLinksDriverBound => "device_links_driver_bound",
            Warning::DeviceLinksNoDriver => "__device_links_no_driver",
            Warning::DeviceLinksDriverCleanup => "device_links_driver_cleanup",
            Warning::DeviceLinksMissingSupplier => "device_links_missing_supplier",
            Warning::DeviceLinkPut => "device_link_put_kref",
            Warning::DeviceLinkRemove => "device_link_remove",
        }
    }

    /// The file that it stands in, which a report names more reliably: a compiler may put
    /// one function into another. There are several where it has moved from one version to
    /// the next (6.1, 6.12, 7.2).
    pub const fn files(self) -> &'static [&'static str] {
        match self {
            Warning::RemoveAction => &[
                "drivers/base/devres.c",
                "include/linux/device.h",
                "include/linux/device/devres.h",
            ],
            Warning::ReleaseAction
            | Warning::Kfree
            | Warning::Krealloc
            | Warning::CloseGroup
            | Warning::RemoveGroup
            | Warning::ReleaseGroup => &["drivers/base/devres.c"],
            _ => &["drivers/base/core.c"],
        }
    }

    /// The warning of that function.
    pub fn from_function(name: &str) -> Option<Warning> {
        Warning::ALL
            .into_iter()
            .find(|warning| warning.function() == name)
    }
}

impl Event {
    /// The event in one line, as the trace words it.
    pub fn describe(self, program: &Program<'_>) -> String {
        match self {
            Event::Action(id) => {
                let Action { name, sort, .. } = *program.action(id);
                match sort {
                    Sort::Resource => format!("resource {name}"),
                    _ => format!("action {name}"),
                }
            }
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
            Event::Warning(warning) => format!("warning {}", warning.function()),
        }
    }
}

/// Somebody who is told of each event. `()` is nobody, and costs nothing.
pub trait Observer {
    /// Called at each event, in order, with the state as the callback would see it.
    fn event(&mut self, event: Event, state: &State);

    /// Called when the kernel function of that name begins ...
    fn enter(&mut self, _function: &'static str) {}

    /// ... when the one that began last runs into a fault, before it returns ...
    fn breaks(&mut self) {}

    /// ... and when it returns.
    fn leave(&mut self) {}

    /// Called when an operation returns, those in the body of an action included.
    fn returned(&mut self, op: Op, ret: i32, state: &State);

    /// Called when resources of a device that are off its list begin to be released, newest
    /// first, and when all of them are (`release_nodes()`).
    fn pass(&mut self, _: DeviceId, _begins: bool) {}

    /// Called at each of the simulator's named points.
    fn point(&mut self, _: Point) {}

    /// Called where a kernel with that fix and one without it may part.
    fn matters(&mut self, _: Fix) {}

    /// Called when an operation begins: those of a callback's body are within another one.
    fn begins(&mut self) {}

    /// Asked where work is queued that others may do, and they may come in: when an operation is about
    /// to return, and between the devices of a driver and the actions of a device. Whether it is done
    /// by then.
    fn overtakes(&mut self) -> bool {
        false
    }

    /// Asked when all that is queued is to be done: whether links that go are removed before deferred
    /// probes are tried again.
    fn links_first(&self) -> bool {
        false
    }

    /// Called when an operation runs into a fault, the innermost one first.
    fn faulted(&mut self, _: Op) {}

    /// Called when memory is freed.
    fn freed(&mut self, _: ActionId) {}

    /// Called when an action is added or leaves the list, with the word for that.
    fn devres(&mut self, _: Devres, _: ActionId) {}
}

/// What `devres_log()` says of a managed resource (drivers/base/devres.c, Linux 6.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Devres {
    /// It is added: `devres_add()`.
    Add,
    /// It is taken off the list: `devres_remove()`.
    Remove,
    /// It goes with all others: `release_nodes()`.
    Release,
    /// Something larger takes its place: `replace_dr()`.
    Replace,
}

impl Devres {
    /// The kernel's word.
    pub const fn word(self) -> &'static str {
        match self {
            Devres::Add => "ADD",
            Devres::Remove => "REM",
            Devres::Release => "REL",
            Devres::Replace => "REPLACE",
        }
    }
}

impl Observer for () {
    fn event(&mut self, _: Event, _: &State) {}

    fn returned(&mut self, _: Op, _: i32, _: &State) {}
}

/// A lifetime gone wrong: what the kernel would answer with undefined behaviour,
/// a BUG, a refcount warning or a hang. It ends the case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// The device's memory is used after its release.
    UseAfterFree(DeviceId),
    /// A reference is dropped that nobody holds any more: the count is already 0.
    Underflow(DeviceId),
    /// The device is used before it is initialised.
    NotInitialized(DeviceId),
    /// `device_initialize()` or `device_add()` on a device that already was.
    RegisteredTwice(DeviceId),
    /// `device_del()` on a device that is not added: `dev->p` is NULL, or the
    /// lists were left before.
    NotAdded(DeviceId),
    /// The last reference goes while the device is still registered.
    FreedWhileRegistered(DeviceId),
    /// A group of resources is closed that is closed already.
    ClosedTwice(DeviceId),
    /// The device's lock is wanted by somebody who holds it, or `misc_mtx` by an action of a misc
    /// device that goes: the task waits for itself.
    Deadlock(DeviceId),
    /// A device that is waited for as it is unregistered is held by somebody who cannot let go of it
    /// meanwhile.
    WaitsForever(DeviceId),
    /// `driver_unregister()` of a driver while it probes a device: it waits for the probe
    /// to end.
    DriverDeadlock(DriverId),
    /// Queued work wants a lock that is held, or waits for a probe that is going on, where it was to
    /// be done within an operation: it waits, and overtakes nothing.
    WorkWaits(DeviceId),
    /// A probe is deferred and triggers its own retry: the kernel's work never ends.
    Livelock(DeviceId),
    /// Children and consumers of the device lead back to it, and are walked for ever: the stack
    /// ends (`device_is_dependent()` in drivers/base/core.c, Linux 6.12).
    EndlessLinks(DeviceId),
    /// A driver is bound or unregistered while it is not registered: what
    /// `driver_unregister()` freed is used again (`drv->p`, which it leaves as it is).
    DriverNotRegistered(DriverId),
    /// A handle is closed that is not open.
    NotOpen(HandleId),
    /// A handle is opened that is open.
    OpenTwice(HandleId),
    /// Memory is used after it was freed.
    UsedAfterFree(ActionId),
    /// Memory is used that was not allocated yet.
    NotAllocated(ActionId),
    /// A resource is put on a list that is on one already.
    AddedTwice(ActionId),
    /// A resource is freed that is still on a list.
    FreedWhileAdded(ActionId),
    /// Memory is allocated under a name that stands for some which is there.
    AllocatedTwice(ActionId),
    /// More than the simulator has room for: [`super::MAX_ACTIONS`] resources of a
    /// device and a few groups around them, 65,535 references, callbacks nested too deep or
    /// without end.
    Limit(DeviceId),
}

/// What a fault is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Culprit {
    /// A device.
    Device(DeviceId),
    /// A driver.
    Driver(DriverId),
    /// A handle.
    Handle(HandleId),
    /// Memory, or a resource.
    Memory(ActionId),
}

impl Fault {
    const ON_DEVICES: [fn(DeviceId) -> Fault; 11] = [
        Fault::UseAfterFree,
        Fault::Underflow,
        Fault::NotInitialized,
        Fault::RegisteredTwice,
        Fault::NotAdded,
        Fault::FreedWhileRegistered,
        Fault::ClosedTwice,
        Fault::Deadlock,
        Fault::WaitsForever,
        Fault::Livelock,
        Fault::EndlessLinks,
    ];

    const ON_DRIVERS: [fn(DriverId) -> Fault; 2] =
        [Fault::DriverDeadlock, Fault::DriverNotRegistered];

    const ON_MEMORY: [fn(ActionId) -> Fault; 4] = [
        Fault::UsedAfterFree,
        Fault::NotAllocated,
        Fault::AddedTwice,
        Fault::FreedWhileAdded,
    ];

    /// Its name, if it has one, by which scenarios announce it.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Fault::UseAfterFree(_) | Fault::UsedAfterFree(_) => "use_after_free",
            Fault::Underflow(_) => "underflow",
            Fault::NotInitialized(_) => "not_initialized",
            Fault::RegisteredTwice(_) => "registered_twice",
            Fault::NotAdded(_) => "not_added",
            Fault::FreedWhileRegistered(_) => "freed_while_registered",
            Fault::ClosedTwice(_) => "closed_twice",
            Fault::Deadlock(_) | Fault::DriverDeadlock(_) => "deadlock",
            Fault::WaitsForever(_) => "waits_forever",
            Fault::Livelock(_) => "livelock",
            Fault::EndlessLinks(_) => "endless_links",
            Fault::DriverNotRegistered(_) => "not_registered",
            Fault::NotAllocated(_) => "not_allocated",
            Fault::AddedTwice(_) => "added_twice",
            Fault::FreedWhileAdded(_) => "freed_while_added",
            Fault::NotOpen(_)
            | Fault::OpenTwice(_)
            | Fault::AllocatedTwice(_)
            | Fault::WorkWaits(_)
            | Fault::Limit(_) => return None,
        })
    }

    /// All faults on a device that have a name.
    pub fn on_device(id: DeviceId) -> impl Iterator<Item = Fault> {
        Fault::ON_DEVICES.into_iter().map(move |fault| fault(id))
    }

    /// The same on a driver.
    pub fn on_driver(id: DriverId) -> impl Iterator<Item = Fault> {
        Fault::ON_DRIVERS.into_iter().map(move |fault| fault(id))
    }

    /// The same on memory or a resource.
    pub fn on_memory(id: ActionId) -> impl Iterator<Item = Fault> {
        Fault::ON_MEMORY.into_iter().map(move |fault| fault(id))
    }

    /// What the fault is about.
    pub const fn culprit(self) -> Culprit {
        match self {
            Fault::UseAfterFree(id)
            | Fault::Underflow(id)
            | Fault::NotInitialized(id)
            | Fault::RegisteredTwice(id)
            | Fault::NotAdded(id)
            | Fault::FreedWhileRegistered(id)
            | Fault::ClosedTwice(id)
            | Fault::Deadlock(id)
            | Fault::WorkWaits(id)
            | Fault::WaitsForever(id)
            | Fault::Livelock(id)
            | Fault::EndlessLinks(id)
            | Fault::Limit(id) => Culprit::Device(id),
            Fault::DriverDeadlock(id) | Fault::DriverNotRegistered(id) => Culprit::Driver(id),
            Fault::NotOpen(id) | Fault::OpenTwice(id) => Culprit::Handle(id),
            Fault::UsedAfterFree(id)
            | Fault::NotAllocated(id)
            | Fault::AddedTwice(id)
            | Fault::FreedWhileAdded(id)
            | Fault::AllocatedTwice(id) => Culprit::Memory(id),
        }
    }

    /// The name of what the fault is about.
    fn on<'p>(self, program: &Program<'p>) -> &'p str {
        match self.culprit() {
            Culprit::Device(id) => program.device(id).name,
            Culprit::Driver(id) => program.driver(id).name,
            Culprit::Handle(id) => program.handle(id).name,
            Culprit::Memory(id) => program.action(id).name,
        }
    }

    /// How a scenario announces it, if it can.
    pub fn announced(self, program: &Program<'_>) -> Option<String> {
        let name = self.name()?;
        Some(format!("expect fault {name} on {}", self.on(program)))
    }

    /// The fault in one sentence.
    pub fn describe(self, program: &Program<'_>) -> String {
        let name = match self.culprit() {
            Culprit::Driver(_) => format!("driver `{}`", self.on(program)),
            _ => format!("`{}`", self.on(program)),
        };
        match self {
            Fault::UseAfterFree(_) | Fault::UsedAfterFree(_) => {
                format!("{name} is used after it was freed")
            }
            Fault::Underflow(_) => format!("a reference of {name} is dropped that nobody holds"),
            Fault::NotInitialized(_) => {
                format!("{name} is used before it is registered or initialized")
            }
            Fault::RegisteredTwice(_) => format!("{name} is registered a second time"),
            Fault::NotAdded(_) => format!("{name} is unregistered while it is not registered"),
            Fault::FreedWhileRegistered(_) => {
                format!("{name} is freed while it is still registered")
            }
            Fault::ClosedTwice(_) => {
                format!("a group of {name} is closed that is closed already")
            }
            Fault::Deadlock(_) => {
                format!("{name} is waited for by who holds it up: a deadlock")
            }
            Fault::WaitsForever(_) => {
                format!(
                    "whoever unregisters {name} waits for its last reference, which nobody drops meanwhile"
                )
            }
            Fault::WorkWaits(_) => format!("{name} is held when queued work wants it"),
            Fault::Livelock(_) => format!("{name} is probed again and again, without end"),
            Fault::EndlessLinks(_) => {
                format!("children and consumers of {name} lead back to it: a walk without end")
            }
            Fault::DriverDeadlock(_) => {
                format!("{name} is unregistered while it probes: a deadlock")
            }
            Fault::DriverNotRegistered(_) => format!("{name} is not registered"),
            Fault::NotOpen(_) => format!("{name} is closed or used, and is not open"),
            Fault::OpenTwice(_) => format!("{name} is opened a second time"),
            Fault::NotAllocated(_) => format!("{name} is used before it is allocated"),
            Fault::AddedTwice(_) => format!("{name} is added to a list, and is on one already"),
            Fault::FreedWhileAdded(_) => format!("{name} is freed while it is on a list"),
            Fault::AllocatedTwice(_) => {
                format!("{name} is allocated again, and the simulator keeps one of a name")
            }
            Fault::Limit(_) => format!("{name} has more than the simulator has room for"),
        }
    }
}
