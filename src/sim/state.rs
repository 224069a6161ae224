//! What changes while a program runs, as one small value.

use super::list::List;
use super::program::{ActionId, DeviceId, DriverId, MAX_ACTIONS, MAX_DEVICES};

/// Where a device is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Not yet there.
    #[default]
    Absent,
    /// After `device_initialize()`.
    Initialized,
    /// After `device_add()`.
    Added,
    /// After `device_del()`; somebody may still hold a reference.
    Deleted,
    /// After `device_release()`: the memory is gone.
    Released,
}

/// One `struct device`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceState {
    pub(super) phase: Phase,
    /// `dev->kobj.kref`
    pub(super) refs: u16,
    /// `dev->driver`
    pub(super) driver: Option<DriverId>,
    /// On the bus's list, `knode_bus`: a holder of a reference.
    pub(super) knode_bus: bool,
    /// On the parent's list, `knode_parent`: a holder of a reference.
    pub(super) knode_parent: bool,
    /// On the driver's list, `knode_driver`: holds no reference.
    pub(super) knode_driver: bool,
    /// `dev->devres_head`, oldest first.
    pub(super) devres: List<MAX_ACTIONS>,
}

impl DeviceState {
    const ABSENT: DeviceState = DeviceState {
        phase: Phase::Absent,
        refs: 0,
        driver: None,
        knode_bus: false,
        knode_parent: false,
        knode_driver: false,
        devres: List::new(),
    };

    /// Where the device is in its life.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The reference count, `kref_read(&dev->kobj.kref)`; 0 before and after the
    /// device's life.
    pub fn refs(&self) -> u16 {
        self.refs
    }

    /// `dev->driver`.
    pub fn driver(&self) -> Option<DriverId> {
        self.driver
    }

    /// Whether its release function was called.
    pub fn is_released(&self) -> bool {
        self.phase == Phase::Released
    }

    /// Whether it exists: initialised and not yet released.
    pub fn is_alive(&self) -> bool {
        !matches!(self.phase, Phase::Absent | Phase::Released)
    }
}

/// Everything that changes. Cheap to clone, to compare and to hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct State {
    pub(super) devices: [DeviceState; MAX_DEVICES],
    /// How often each action ran.
    pub(super) runs: [u8; MAX_ACTIONS],
    /// Which drivers are registered, a bit each, by [`DriverId`].
    pub(super) drivers: u8,
}

impl State {
    /// Before the first operation: no device is there, no driver is registered.
    pub const fn new() -> Self {
        State {
            devices: [DeviceState::ABSENT; MAX_DEVICES],
            runs: [0; MAX_ACTIONS],
            drivers: 0,
        }
    }

    /// The device with that id.
    pub fn device(&self, id: DeviceId) -> &DeviceState {
        &self.devices[usize::from(id.0)]
    }

    pub(super) fn device_mut(&mut self, id: DeviceId) -> &mut DeviceState {
        &mut self.devices[usize::from(id.0)]
    }

    /// How often the action has run.
    pub fn runs(&self, id: ActionId) -> u8 {
        self.runs[usize::from(id.0)]
    }

    /// Whether the driver is registered.
    pub fn is_registered(&self, id: DriverId) -> bool {
        self.drivers & (1 << id.0) != 0
    }
}

impl Default for State {
    fn default() -> Self {
        State::new()
    }
}
