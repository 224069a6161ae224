//! What changes while a program runs, as one small value.

use super::list::List;
use super::program::{
    ActionId, DeviceId, DriverId, GroupId, HandleId, MAX_ACTIONS, MAX_DEVICES, MAX_DRIVERS,
    MAX_HANDLES, MAX_LINKS, Program,
};

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

/// `dev->links.status`: what device links need to know of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum LinksStatus {
    NoDriver,
    Probing,
    DriverBound,
    Unbinding,
}

/// `link->status`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum LinkStatus {
    /// Drivers are of no matter to it: DL_STATE_NONE.
    #[default]
    None,
    Dormant,
    Available,
    ConsumerProbe,
    Active,
    SupplierUnbind,
}

/// A node of `dev->devres_head`: a resource, or an end of a group of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Node {
    Action(ActionId),
    Open(GroupId),
    Close(GroupId),
}

impl Default for Node {
    fn default() -> Self {
        Node::Action(ActionId(0))
    }
}

impl Node {
    /// The group that a bus opens around a driver.
    pub(super) const BUS: GroupId = GroupId(u8::MAX);
}

/// Room on the list of a device: actions, and a few groups around them.
pub(super) const MAX_NODES: usize = MAX_ACTIONS + 8;

/// Where memory is in its life; of a managed thing that has none it stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Memory {
    /// Not yet there.
    #[default]
    Absent,
    /// On the list of its device, or on its way from there.
    Managed,
    /// On no list: its owner has to free it.
    Owned,
    /// It is gone.
    Freed,
}

/// With whose driver a managed link goes: DL_FLAG_AUTOREMOVE_CONSUMER or _SUPPLIER.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Autoremove {
    #[default]
    Never,
    Consumer,
    Supplier,
}

/// The two ends of a device link, of both of which it holds a reference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Ends {
    pub(super) consumer: DeviceId,
    pub(super) supplier: DeviceId,
}

/// One `struct device_link`: there is one for two ends, however often they are linked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Link {
    pub(super) ends: Ends,
    pub(super) status: LinkStatus,
    /// `link->kref`: one of its being managed, and one of each time that it was made stateless.
    pub(super) refs: u8,
    pub(super) managed: bool,
    pub(super) stateless: bool,
    pub(super) autoremove: Autoremove,
    pub(super) autoprobe: bool,
}

impl Link {
    const NONE: Link = Link {
        ends: Ends::NONE,
        status: LinkStatus::None,
        refs: 0,
        managed: false,
        stateless: false,
        autoremove: Autoremove::Never,
        autoprobe: false,
    };
}

impl Ends {
    const NONE: Ends = Ends {
        consumer: DeviceId(0),
        supplier: DeviceId(0),
    };
}

/// One `struct device`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceState {
    pub(super) phase: Phase,
    /// `dev->kobj.kref`
    pub(super) refs: u16,
    /// `dev->driver`
    pub(super) driver: Option<DriverId>,
    /// `dev->kobj.state_in_sysfs`, which is what `device_is_registered()` asks.
    pub(super) in_sysfs: bool,
    /// Its directory in sysfs is there: it goes with that of a parent, at the latest.
    pub(super) has_dir: bool,
    /// `dev->power.in_dpm_list`, which is what `device_pm_initialized()` asks where the kernel
    /// has CONFIG_PM_SLEEP.
    pub(super) in_dpm_list: bool,
    /// `device_lock()` is held.
    pub(super) locked: bool,
    /// On the parent's list, `knode_parent`: a holder of a reference.
    pub(super) knode_parent: bool,
    /// On the class's list, `knode_class`: a holder of a reference.
    pub(super) knode_class: bool,
    pub(super) links: LinksStatus,
    /// `dev->can_match`: a driver was about to probe it once.
    pub(super) can_match: bool,
    /// `dev->devres_head`, oldest first.
    pub(super) devres: List<Node, MAX_NODES>,
    /// References of its cdev, or of the object that it belongs to: one of its registration,
    /// and one of each open file. As long as there are any, that holds the device.
    pub(super) cdev: u8,
    /// What could not be added has put its cdev for good: a second try would put it again.
    pub(super) cdev_gone: bool,
    /// The managed resources of that object, oldest first.
    pub(super) of_object: List<ActionId, MAX_ACTIONS>,
}

impl DeviceState {
    pub(super) const ABSENT: DeviceState = DeviceState {
        phase: Phase::Absent,
        refs: 0,
        driver: None,
        in_sysfs: false,
        has_dir: false,
        in_dpm_list: false,
        locked: false,
        knode_parent: false,
        knode_class: false,
        links: LinksStatus::NoDriver,
        can_match: false,
        devres: List::new(Node::Action(ActionId(0))),
        cdev: 0,
        cdev_gone: false,
        of_object: List::new(ActionId(0)),
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

    /// `dev->driver`; [`DriverId::OF_BUS`] is none of the program's.
    pub fn driver(&self) -> Option<DriverId> {
        self.driver
    }

    /// Whether its release function was called.
    pub fn is_released(&self) -> bool {
        self.phase == Phase::Released
    }

    /// Whether it is added, and not deleted yet.
    pub fn is_registered(&self) -> bool {
        self.phase == Phase::Added
    }

    /// Whether it exists: initialised and not yet released.
    pub fn is_alive(&self) -> bool {
        !matches!(self.phase, Phase::Absent | Phase::Released)
    }
}

/// One `struct device_driver`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct DriverState {
    /// How often its probe was called.
    pub(super) probes: u8,
    /// How many probes of its are going on.
    pub(super) probing: u8,
    /// Whether it is being unregistered: its name is still taken.
    pub(super) leaving: bool,
}

impl DriverState {
    const NEW: DriverState = DriverState {
        probes: 0,
        probing: 0,
        leaving: false,
    };
}

/// Everything that changes. Cheap to clone, to compare and to hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct State {
    pub(super) devices: [DeviceState; MAX_DEVICES],
    /// How often each action ran.
    pub(super) runs: [u8; MAX_ACTIONS],
    /// Where the memory of each is in its life.
    pub(super) memory: [Memory; MAX_ACTIONS],
    pub(super) driver_states: [DriverState; MAX_DRIVERS],
    /// Registered drivers, oldest first, as on the lists of their buses.
    pub(super) drivers: List<DriverId, MAX_DRIVERS>,
    /// Devices on a bus, oldest first, as on its list.
    pub(super) on_bus: List<DeviceId, MAX_DEVICES>,
    /// Bound devices, in the order in which they were, as on the lists of their drivers.
    pub(super) bound: List<DeviceId, MAX_DEVICES>,
    /// Which handles are open.
    pub(super) open: [bool; MAX_HANDLES],
    /// Device links, oldest first.
    pub(super) links: List<Link, MAX_LINKS>,
    /// Links whose removal is queued on `device_link_wq`.
    pub(super) link_removals: List<Ends, MAX_LINKS>,
    /// `deferred_probe_pending_list`
    pub(super) pending: List<DeviceId, MAX_DEVICES>,
    /// `deferred_probe_active_list`, whose work is queued.
    pub(super) active: List<DeviceId, MAX_DEVICES>,
    /// Whether deferred probes were triggered since the probe at hand began.
    pub(super) triggered: bool,
    /// Whether an operation in the body of a callback returned an error.
    pub(super) failed: bool,
}

impl State {
    /// Before the first operation: no device is there, no driver is registered.
    pub const fn new() -> Self {
        State {
            devices: [DeviceState::ABSENT; MAX_DEVICES],
            runs: [0; MAX_ACTIONS],
            memory: [Memory::Absent; MAX_ACTIONS],
            driver_states: [DriverState::NEW; MAX_DRIVERS],
            drivers: List::new(DriverId(0)),
            on_bus: List::new(DeviceId(0)),
            bound: List::new(DeviceId(0)),
            open: [false; MAX_HANDLES],
            links: List::new(Link::NONE),
            link_removals: List::new(Ends::NONE),
            pending: List::new(DeviceId(0)),
            active: List::new(DeviceId(0)),
            triggered: false,
            failed: false,
        }
    }

    /// Becomes a copy of another state of the same program: less to copy than all that there
    /// is room for.
    pub fn copy_from(&mut self, other: &State, program: &Program<'_>) {
        let (devices, actions) = (program.devices.len(), program.actions.len());
        self.devices[..devices].copy_from_slice(&other.devices[..devices]);
        self.runs[..actions].copy_from_slice(&other.runs[..actions]);
        self.memory[..actions].copy_from_slice(&other.memory[..actions]);
        let drivers = program.drivers.len();
        self.driver_states[..drivers].copy_from_slice(&other.driver_states[..drivers]);
        self.drivers = other.drivers;
        self.on_bus = other.on_bus;
        self.bound = other.bound;
        self.open = other.open;
        self.links = other.links;
        self.link_removals = other.link_removals;
        self.pending = other.pending;
        self.active = other.active;
        self.triggered = other.triggered;
        self.failed = other.failed;
    }

    /// The device with that id.
    pub fn device(&self, id: DeviceId) -> &DeviceState {
        &self.devices[usize::from(id.0)]
    }

    pub(super) fn device_mut(&mut self, id: DeviceId) -> &mut DeviceState {
        &mut self.devices[usize::from(id.0)]
    }

    /// Whether it is on a list of deferred probes.
    pub fn is_deferred(&self, id: DeviceId) -> bool {
        self.pending.contains(id) || self.active.contains(id)
    }

    /// Whether a device that exists points to it as its parent.
    pub fn has_children(&self, program: &Program<'_>, id: DeviceId) -> bool {
        let mut ids = program.device_ids();
        ids.any(|child| program.device(child).parent == Some(id) && self.device(child).is_alive())
    }

    /// Whether there is memory of that name: of a resource, or of nothing else.
    pub fn has_memory(&self, id: ActionId) -> bool {
        matches!(self.memory(id), Memory::Managed | Memory::Owned)
    }

    /// Whether the memory is there and on no list: somebody has to free it.
    pub fn is_owned(&self, id: ActionId) -> bool {
        self.memory(id) == Memory::Owned
    }

    pub(super) fn memory(&self, id: ActionId) -> Memory {
        self.memory[usize::from(id.0)]
    }

    pub(super) fn set_memory(&mut self, id: ActionId, memory: Memory) {
        self.memory[usize::from(id.0)] = memory;
    }

    pub(super) fn driver_mut(&mut self, id: DriverId) -> &mut DriverState {
        &mut self.driver_states[usize::from(id.0)]
    }

    /// How often the action has run.
    pub fn runs(&self, id: ActionId) -> u8 {
        self.runs[usize::from(id.0)]
    }

    /// How often the driver's probe was called.
    pub fn probes(&self, id: DriverId) -> u8 {
        self.driver_states[usize::from(id.0)].probes
    }

    /// Whether the driver is registered.
    pub fn is_registered(&self, id: DriverId) -> bool {
        self.drivers.contains(id)
    }

    /// Whether the handle is open.
    pub fn is_open(&self, id: HandleId) -> bool {
        self.open[usize::from(id.0)]
    }

    /// Whether a group is on the list of its device.
    pub fn is_open_group(&self, program: &Program<'_>, id: GroupId) -> bool {
        let on = program.group(id).on;
        self.device(on).devres.contains(Node::Open(id))
    }

    /// Whether its end is as well.
    pub fn is_closed_group(&self, program: &Program<'_>, id: GroupId) -> bool {
        let on = program.group(id).on;
        self.device(on).devres.contains(Node::Close(id))
    }

    /// Whether the driver core has queued work that is not yet done, so that what comes
    /// of it is known only after [`super::Op::Settle`].
    pub fn has_queued_work(&self) -> bool {
        !self.active.is_empty() || !self.link_removals.is_empty()
    }

    /// Whether an operation in the body of an action or a driver returned an error,
    /// which nobody is there to see.
    pub fn failed_in_a_body(&self) -> bool {
        self.failed
    }
}

impl Default for State {
    fn default() -> Self {
        State::new()
    }
}
