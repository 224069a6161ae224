//! What a case is made of: devices, drivers, actions and operations.
//!
//! All of it is plain borrowed data, so that a test can spell it out as a constant
//! and an exploration can share one program among millions of states.

use super::errno::Errno;
pub use super::kind::{Drivers, Handles, Kind};
pub use super::op::{LinkFlags, Op};

/// Devices in one program at most.
pub const MAX_DEVICES: usize = 8;
/// Drivers in one program at most.
pub const MAX_DRIVERS: usize = 16;
/// Actions in one program at most, and actions queued on one device at a time.
pub const MAX_ACTIONS: usize = 32;
/// Handles in one program at most.
pub const MAX_HANDLES: usize = 8;
/// Device links at a time at most.
pub const MAX_LINKS: usize = 8;
/// Groups of resources in one program at most.
pub const MAX_GROUPS: usize = 8;

/// A device of the program: an index into [`Program::devices`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(pub u8);

/// Devices of the program, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DeviceSet(u8);

impl DeviceSet {
    /// One.
    pub const fn of(device: DeviceId) -> Self {
        DeviceSet(1 << device.0)
    }

    /// The same with another one.
    pub const fn and(self, device: DeviceId) -> Self {
        DeviceSet(self.0 | 1 << device.0)
    }

    /// Whether it is one of them.
    pub const fn contains(self, device: DeviceId) -> bool {
        self.0 & 1 << device.0 != 0
    }

    /// Whether there is no other.
    pub const fn is_one(self) -> bool {
        self.0.is_power_of_two()
    }

    /// The first one.
    pub const fn first(self) -> DeviceId {
        DeviceId(self.0.trailing_zeros() as u8)
    }

    /// All of them, in order.
    pub fn iter(self) -> impl Iterator<Item = DeviceId> {
        (0..u8::BITS as u8)
            .map(DeviceId)
            .filter(move |&device| self.contains(device))
    }
}

/// A driver of the program: an index into [`Program::drivers`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DriverId(pub u8);

impl DriverId {
    /// The driver that a bus has for all its devices, which no program declares.
    pub const OF_BUS: DriverId = DriverId(u8::MAX);
}

/// An action of the program: an index into [`Program::actions`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActionId(pub u8);

/// A group of managed resources of the program: an index into [`Program::groups`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub u8);

/// A handle of the program: an index into [`Program::handles`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HandleId(pub u8);

/// A device that the program may register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Device<'a> {
    /// Its name in the scenario.
    pub name: &'a str,
    /// What it is.
    pub kind: &'a Kind<'a>,
    /// The device of the program that it hangs below.
    pub parent: Option<DeviceId>,
    /// Whether it is there before the scenario begins and goes after it.
    pub set_up: bool,
}

impl<'a> Device<'a> {
    /// A device of a kind.
    pub const fn new(name: &'a str, kind: &'a Kind<'a>) -> Self {
        Device {
            name,
            kind,
            parent: None,
            set_up: false,
        }
    }

    /// The same below another device of the program.
    pub const fn below(self, parent: DeviceId) -> Self {
        Device {
            parent: Some(parent),
            ..self
        }
    }

    /// The same, there before the scenario begins and gone after it.
    pub const fn set_up(self) -> Self {
        Device {
            set_up: true,
            ..self
        }
    }
}

/// What a driver's probe does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Probe<'a> {
    /// In which attempt, counted from 1; `None` in all that no other one is for.
    pub attempt: Option<u8>,
    /// The operations.
    pub body: &'a [Op],
    /// The error that it returns in the end.
    pub error: Option<Errno>,
}

impl<'a> Probe<'a> {
    /// A probe that succeeds, in every attempt that no other one is for.
    pub const fn new(body: &'a [Op]) -> Self {
        Probe {
            attempt: None,
            body,
            error: None,
        }
    }

    /// The same in one attempt only, counted from 1.
    pub const fn attempt(self, attempt: u8) -> Self {
        Probe {
            attempt: Some(attempt),
            ..self
        }
    }

    /// The same, but it returns an error in the end.
    pub const fn fails(self, errno: Errno) -> Self {
        Probe {
            error: Some(errno),
            ..self
        }
    }
}

/// A driver that the program may register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Driver<'a> {
    /// Its name in the scenario.
    pub name: &'a str,
    /// The devices that its bus matches it with, all of one kind.
    pub devices: DeviceSet,
    /// What probe does; attempts that are not mentioned succeed.
    pub probes: &'a [Probe<'a>],
    /// What remove does.
    pub remove: &'a [Op],
    /// Whether it is registered before the scenario begins and unregistered after it.
    pub set_up: bool,
}

impl<'a> Driver<'a> {
    /// A driver for one device, whose probe succeeds.
    pub const fn new(name: &'a str, device: DeviceId) -> Self {
        Driver::of(name, DeviceSet::of(device))
    }

    /// The same for several.
    pub const fn of(name: &'a str, devices: DeviceSet) -> Self {
        Driver {
            name,
            devices,
            probes: &[],
            remove: &[],
            set_up: false,
        }
    }

    /// The same for another device as well.
    pub const fn and(self, device: DeviceId) -> Self {
        Driver {
            devices: self.devices.and(device),
            ..self
        }
    }

    /// The same with what probe does.
    pub const fn probes(self, probes: &'a [Probe<'a>]) -> Self {
        Driver { probes, ..self }
    }

    /// The same with what remove does.
    pub const fn remove(self, remove: &'a [Op]) -> Self {
        Driver { remove, ..self }
    }

    /// The same, registered before the scenario begins and unregistered after it: what
    /// keeps a device in the state bound.
    pub const fn set_up(self) -> Self {
        Driver {
            set_up: true,
            ..self
        }
    }

    /// Whether a probe of its can succeed.
    pub(super) fn may_bind(&self) -> bool {
        let always = self.probes.iter().any(|probe| probe.attempt.is_none());
        !always || self.probes.iter().any(|probe| probe.error.is_none())
    }

    /// What probe does in an attempt, counted from 1.
    pub(super) fn probe(&self, attempt: u8) -> Option<&'a Probe<'a>> {
        let is = |wanted| move |probe: &&Probe<'_>| probe.attempt == wanted;
        let probes = self.probes;
        let own = probes.iter().find(is(Some(attempt)));
        own.or_else(|| probes.iter().find(is(None)))
    }
}

/// What is managed for a device: an action, as `devm_add_action()` queues it, or one of its
/// like. Memory that nobody manages is one too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Action<'a> {
    /// Its name in the scenario.
    pub name: &'a str,
    /// The device on whose list it is queued.
    pub on: DeviceId,
    /// What it does when it runs.
    pub body: &'a [Op],
    /// Which of them it is.
    pub sort: Sort,
}

/// What a managed thing is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sort {
    /// `devm_add_action()`
    #[default]
    Action,
    /// `drmm_add_action()`: queued on the object that the device belongs to.
    OfObject,
    /// `devres_alloc()` and `devres_add()`: memory with a release function, which is the body.
    Resource,
    /// `devm_kmalloc()`: memory that is freed at its place on the list.
    Memory,
    /// `kmalloc()`: memory that is on no list.
    Unmanaged,
}

impl<'a> Action<'a> {
    /// An action on a device.
    pub const fn new(name: &'a str, on: DeviceId, body: &'a [Op]) -> Self {
        Action {
            name,
            on,
            body,
            sort: Sort::Action,
        }
    }

    /// A resource on a device, and what its release function does.
    pub const fn resource(name: &'a str, on: DeviceId, body: &'a [Op]) -> Self {
        let sort = Sort::Resource;
        Action {
            sort,
            ..Action::new(name, on, body)
        }
    }

    /// Memory on a device.
    pub const fn memory(name: &'a str, on: DeviceId) -> Self {
        let sort = Sort::Memory;
        Action {
            sort,
            ..Action::new(name, on, &[])
        }
    }

    /// Memory that nobody manages.
    pub const fn unmanaged(name: &'a str) -> Self {
        let sort = Sort::Unmanaged;
        Action {
            sort,
            ..Action::new(name, DeviceId(0), &[])
        }
    }

    /// The same on the object that the device belongs to (`drmm_add_action()`).
    pub const fn of_object(self) -> Self {
        let sort = Sort::OfObject;
        Action { sort, ..self }
    }

    /// Whether something is called when its time comes.
    pub const fn runs(&self) -> bool {
        !matches!(self.sort, Sort::Memory | Sort::Unmanaged)
    }

    /// Whether it has memory that can be used, and used too late.
    pub const fn is_memory(&self) -> bool {
        !matches!(self.sort, Sort::Action | Sort::OfObject)
    }
}

/// Something by which user space holds a device: an open file, say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Handle<'a> {
    /// Its name in the scenario.
    pub name: &'a str,
    /// The device that it holds while it is open.
    pub device: DeviceId,
}

impl<'a> Handle<'a> {
    /// A handle of a device.
    pub const fn new(name: &'a str, device: DeviceId) -> Self {
        Handle { name, device }
    }
}

/// A group of managed resources, as `devres_open_group()` begins it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Group<'a> {
    /// Its name in the scenario.
    pub name: &'a str,
    /// The device on whose list it is.
    pub on: DeviceId,
}

impl<'a> Group<'a> {
    /// A group on a device.
    pub const fn new(name: &'a str, on: DeviceId) -> Self {
        Group { name, on }
    }
}

/// A case: everything that its operations may refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Program<'a> {
    /// Up to [`MAX_DEVICES`] devices.
    pub devices: &'a [Device<'a>],
    /// Up to [`MAX_DRIVERS`] drivers.
    pub drivers: &'a [Driver<'a>],
    /// Up to [`MAX_ACTIONS`] actions.
    pub actions: &'a [Action<'a>],
    /// Up to [`MAX_HANDLES`] handles.
    pub handles: &'a [Handle<'a>],
    /// Up to [`MAX_GROUPS`] groups of resources.
    pub groups: &'a [Group<'a>],
}

impl<'a> Program<'a> {
    /// Nothing at all.
    pub const EMPTY: Program<'static> = Program {
        devices: &[],
        drivers: &[],
        actions: &[],
        handles: &[],
        groups: &[],
    };

    /// The device with that id.
    pub fn device(&self, id: DeviceId) -> &'a Device<'a> {
        &self.devices[usize::from(id.0)]
    }

    /// The driver with that id.
    pub fn driver(&self, id: DriverId) -> &'a Driver<'a> {
        &self.drivers[usize::from(id.0)]
    }

    /// The action with that id.
    pub fn action(&self, id: ActionId) -> &'a Action<'a> {
        &self.actions[usize::from(id.0)]
    }

    /// The handle with that id.
    pub fn handle(&self, id: HandleId) -> &'a Handle<'a> {
        &self.handles[usize::from(id.0)]
    }

    /// The group with that id.
    pub fn group(&self, id: GroupId) -> &'a Group<'a> {
        &self.groups[usize::from(id.0)]
    }

    /// What these devices are called, in order.
    pub fn names(&self, devices: DeviceSet) -> Vec<&'a str> {
        devices.iter().map(|id| self.device(id).name).collect()
    }

    /// Every device's id, in order.
    pub fn device_ids(&self) -> impl Iterator<Item = DeviceId> + use<> {
        (0..self.devices.len()).map(|i| DeviceId(i as u8))
    }

    /// Every driver's id, in order.
    pub fn driver_ids(&self) -> impl Iterator<Item = DriverId> + use<> {
        (0..self.drivers.len()).map(|i| DriverId(i as u8))
    }

    /// Whether what an operation of the set-up is done to exists: on another kind, the same
    /// scenario can have a device or a driver more.
    pub fn has(&self, op: Op) -> bool {
        match op {
            Op::Register(id) | Op::Unregister(id) => usize::from(id.0) < self.devices.len(),
            Op::RegisterDriver(id) | Op::UnregisterDriver(id) => {
                usize::from(id.0) < self.drivers.len()
            }
            _ => true,
        }
    }

    /// What is done before the scenario begins: the device that its first one hangs below
    /// is registered, then the driver that keeps its first one bound, then those of others.
    pub fn set_up(&self) -> Vec<Op> {
        let devices = self.device_ids().filter(|&id| self.device(id).set_up);
        let drivers = self.driver_ids().filter(|&id| self.driver(id).set_up);
        let mut drivers: Vec<DriverId> = drivers.collect();
        drivers.sort_by_key(|&id| (self.driver(id).devices.first(), id));
        devices
            .map(Op::Register)
            .chain(drivers.into_iter().map(Op::RegisterDriver))
            .collect()
    }

    /// Whether a body takes references of the device: who drops them is not known.
    pub fn is_anybodys(&self, dev: DeviceId) -> bool {
        let actions = self.actions.iter().map(|action| action.body);
        let drivers = self.drivers.iter().flat_map(|driver| {
            let probes = driver.probes.iter().map(|probe| probe.body);
            probes.chain([driver.remove])
        });
        let takes = [Op::Get(dev), Op::Init(dev), Op::Del(dev)];
        let mut bodies = actions.chain(drivers).flatten();
        bodies.any(|op| takes.contains(op))
    }

    /// Whether an operation belongs to the set-up and its end, not to the scenario.
    pub fn is_set_up(&self, op: Op) -> bool {
        match op {
            Op::Register(id) | Op::Unregister(id) => self.device(id).set_up,
            Op::RegisterDriver(id) | Op::UnregisterDriver(id) => self.driver(id).set_up,
            _ => false,
        }
    }
}
