//! What a case is made of: devices, drivers, actions and operations.
//!
//! All of it is plain borrowed data, so that a test can spell it out as a constant
//! and an exploration can share one program among millions of states.

use super::Recorder;

/// Devices in one program at most.
pub const MAX_DEVICES: usize = 8;
/// Drivers in one program at most.
pub const MAX_DRIVERS: usize = 8;
/// Actions in one program at most; each can be queued once at a time.
pub const MAX_ACTIONS: usize = 32;

/// A device of the program: an index into [`Program::devices`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(pub u8);

/// A driver of the program: an index into [`Program::drivers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DriverId(pub u8);

/// An action of the program: an index into [`Program::actions`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActionId(pub u8);

/// How a device comes to be, as far as the driver core can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Kind<'a> {
    /// The name under which scenarios ask for it.
    pub name: &'a str,
    /// Whether it sits on a bus (`dev->bus`), so that drivers can bind to it.
    pub on_bus: bool,
    /// Whether it hangs below a device that is always there, such as `platform_bus`.
    pub has_parent: bool,
}

impl<'a> Kind<'a> {
    /// A device without bus and without parent, as `root_device_register()` makes it.
    pub const fn new(name: &'a str) -> Self {
        Kind {
            name,
            on_bus: false,
            has_parent: false,
        }
    }

    /// The same on a bus.
    pub const fn on_bus(self) -> Self {
        Kind {
            on_bus: true,
            ..self
        }
    }

    /// The same below a device that outlives every scenario.
    pub const fn with_parent(self) -> Self {
        Kind {
            has_parent: true,
            ..self
        }
    }
}

/// A device that the program may register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Device<'a> {
    /// Its name in the scenario.
    pub name: &'a str,
    /// What it is.
    pub kind: &'a Kind<'a>,
}

impl<'a> Device<'a> {
    /// A device of a kind.
    pub const fn new(name: &'a str, kind: &'a Kind<'a>) -> Self {
        Device { name, kind }
    }
}

/// A driver that the program may register. Its probe succeeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Driver<'a> {
    /// Its name in the scenario.
    pub name: &'a str,
    /// The device that its bus matches it with.
    pub device: DeviceId,
}

impl<'a> Driver<'a> {
    /// A driver for one device.
    pub const fn new(name: &'a str, device: DeviceId) -> Self {
        Driver { name, device }
    }
}

/// A device-managed action, as `devm_add_action()` queues it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Action<'a> {
    /// Its name in the scenario.
    pub name: &'a str,
    /// The device on whose list it is queued.
    pub on: DeviceId,
    /// What it does when it runs.
    pub body: &'a [Op],
}

impl<'a> Action<'a> {
    /// An action on a device.
    pub const fn new(name: &'a str, on: DeviceId, body: &'a [Op]) -> Self {
        Action { name, on, body }
    }
}

/// One operation on the driver core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// `device_register()`, or what a kind's framework makes of it.
    Register(DeviceId),
    /// `device_unregister()`.
    Unregister(DeviceId),
    /// `get_device()`.
    Get(DeviceId),
    /// `put_device()`.
    Put(DeviceId),
    /// `device_attach()`: 1 if a driver is bound to the device then, 0 if none is.
    Attach(DeviceId),
    /// `device_release_driver()`.
    Unbind(DeviceId),
    /// `devm_add_action()`.
    AddAction(ActionId),
    /// `driver_register()`.
    RegisterDriver(DriverId),
    /// `driver_unregister()`.
    UnregisterDriver(DriverId),
}

/// An error that a kernel function returns, as a positive number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Errno(pub i32);

impl Errno {
    /// "Device or resource busy".
    pub const EBUSY: Errno = Errno(16);

    /// Those that functions of the driver core return, by name.
    pub const NAMES: [(&'static str, Errno); 1] = [("EBUSY", Errno::EBUSY)];

    /// The error of that name.
    pub fn from_name(name: &str) -> Option<Errno> {
        Errno::NAMES
            .into_iter()
            .find(|(known, _)| *known == name)
            .map(|(_, errno)| errno)
    }

    /// Its name in the kernel.
    pub fn name(self) -> &'static str {
        let known = Errno::NAMES.into_iter().find(|(_, errno)| *errno == self);
        known.map_or("an unknown error", |(name, _)| name)
    }

    /// Whether a function that may fail returned what is wanted: this error, or with
    /// `None` no error.
    pub fn is_returned(wanted: Option<Errno>, ret: i32) -> bool {
        wanted.map_or(ret >= 0, |errno| ret == -errno.0)
    }
}

/// Something that can be known of a case at a point of its time line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Claim {
    /// The action ran, exactly once.
    Ran(ActionId),
    /// The action ran exactly that often.
    RanTimes(ActionId, u8),
    /// The action did not run.
    NotRun(ActionId),
    /// Both actions ran, and the first one's last run was before the second one's.
    Before(ActionId, ActionId),
    /// The device is there, and has so many references more than when its registration
    /// returned. Absolute counts are the business of lists, and of traces.
    Refs(DeviceId, i16),
    /// The device's release function was called.
    Freed(DeviceId),
    /// The device exists and was not released.
    Alive(DeviceId),
    /// The device has a driver, `dev->driver`.
    Bound(DeviceId),
    /// The device has none, or is gone.
    Unbound(DeviceId),
}

impl Claim {
    /// The device that the claim is about, if it is about one.
    pub fn device(self) -> Option<DeviceId> {
        match self {
            Claim::Refs(device, _)
            | Claim::Freed(device)
            | Claim::Alive(device)
            | Claim::Bound(device)
            | Claim::Unbound(device) => Some(device),
            Claim::Ran(_) | Claim::RanTimes(..) | Claim::NotRun(_) | Claim::Before(..) => None,
        }
    }

    /// Whether the claim is true of what has been recorded so far.
    pub fn holds(self, so_far: &Recorder<'_>) -> bool {
        let state = so_far.state();
        match self {
            Claim::Before(first, second) => {
                matches!((so_far.last_run(first), so_far.last_run(second)), (Some(first), Some(second)) if first < second)
            }
            Claim::Ran(action) => state.runs(action) == 1,
            Claim::RanTimes(action, times) => state.runs(action) == times,
            Claim::NotRun(action) => state.runs(action) == 0,
            Claim::Refs(device, more) => {
                let registered = so_far.refs_when_registered(device);
                let now = state.device(device).refs();
                state.device(device).is_alive()
                    && registered
                        .is_some_and(|then| i32::from(now) == i32::from(then) + i32::from(more))
            }
            Claim::Freed(device) => state.device(device).is_released(),
            Claim::Alive(device) => state.device(device).is_alive(),
            Claim::Bound(device) => state.device(device).driver().is_some(),
            Claim::Unbound(device) => state.device(device).driver().is_none(),
        }
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
}

impl<'a> Program<'a> {
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

    /// Every device's id, in order.
    pub fn device_ids(&self) -> impl Iterator<Item = DeviceId> {
        (0..self.devices.len()).map(|i| DeviceId(i as u8))
    }

    /// Every driver's id, in order.
    pub fn driver_ids(&self) -> impl Iterator<Item = DriverId> {
        (0..self.drivers.len()).map(|i| DriverId(i as u8))
    }

    /// An operation in the words of the language.
    pub fn describe(&self, op: Op) -> String {
        match op {
            Op::Register(id) => format!("register {}", self.device(id).name),
            Op::Unregister(id) => format!("unregister {}", self.device(id).name),
            Op::Get(id) => format!("get {}", self.device(id).name),
            Op::Put(id) => format!("put {}", self.device(id).name),
            Op::Attach(id) => format!("attach {}", self.device(id).name),
            Op::Unbind(id) => format!("unbind {}", self.device(id).name),
            Op::AddAction(id) => {
                let action = self.action(id);
                format!("action {} on {}", action.name, self.device(action.on).name)
            }
            Op::RegisterDriver(id) => format!("register {}", self.driver(id).name),
            Op::UnregisterDriver(id) => format!("unregister {}", self.driver(id).name),
        }
    }

    /// A claim in the words of the language.
    pub fn describe_claim(&self, claim: Claim) -> String {
        match claim {
            Claim::Ran(id) => format!("{} ran", self.action(id).name),
            Claim::RanTimes(id, times) => format!("{} ran {times} times", self.action(id).name),
            Claim::NotRun(id) => format!("{} not run", self.action(id).name),
            Claim::Before(first, second) => {
                format!(
                    "order {} < {}",
                    self.action(first).name,
                    self.action(second).name
                )
            }
            Claim::Refs(id, more) => format!("refs {} {more:+}", self.device(id).name),
            Claim::Freed(id) => format!("{} freed", self.device(id).name),
            Claim::Alive(id) => format!("{} alive", self.device(id).name),
            Claim::Bound(id) => format!("{} bound", self.device(id).name),
            Claim::Unbound(id) => format!("{} unbound", self.device(id).name),
        }
    }
}
