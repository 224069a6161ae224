//! What a scenario owns while it runs, and how it gives that up at the end.
//!
//! The scenario owns the references it took, less those it dropped; and whatever it registered,
//! opened or allocated. What a body gives up and has not made itself (`gives.rs`) is no longer the
//! scenario's: an action takes it over when it is put on a list, a driver when it is registered.
//! Since a scenario is a straight line, all this is known without running it.

use super::errno::Errno;
use super::gives::{Bodies, Given};
use super::list::List;
use super::program::{
    ActionId, DeviceId, DriverId, GroupId, HandleId, MAX_ACTIONS, MAX_DEVICES, MAX_DRIVERS,
    MAX_HANDLES, Op, Program, Sort,
};
use super::state::{MAX_NODES, Node};

/// What the scenario owns at a point of its time line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holdings {
    /// Less the one that a registered device keeps until it is unregistered.
    pub(super) refs: [u16; MAX_DEVICES],
    /// Registered devices, oldest first.
    pub(super) devices: List<DeviceId, MAX_DEVICES>,
    /// Registered drivers, oldest first.
    pub(super) drivers: List<DriverId, MAX_DRIVERS>,
    /// Open handles, oldest first.
    pub(super) handles: List<HandleId, MAX_HANDLES>,
    /// Memory on no list, oldest first.
    pub(super) memory: List<ActionId, MAX_ACTIONS>,
    /// What was put on lists of resources, and nothing has released or taken off since.
    pub(super) queued: List<Node, MAX_QUEUED>,
    /// Whether devices have been linked.
    pub(super) linked: bool,
}

/// Room for what a scenario has put on the lists of all its devices: more than they have
/// room for is a fault of the simulator's, which comes first.
const MAX_QUEUED: usize = 2 * MAX_NODES;

impl Default for Holdings {
    fn default() -> Self {
        Holdings::new()
    }
}

impl Holdings {
    /// Nothing.
    pub fn new() -> Self {
        Holdings {
            refs: [0; MAX_DEVICES],
            devices: List::new(DeviceId(0)),
            drivers: List::new(DriverId(0)),
            handles: List::new(HandleId(0)),
            memory: List::new(ActionId(0)),
            queued: List::new(Node::Action(ActionId(0))),
            linked: false,
        }
    }

    /// How many references of the device the scenario owns.
    pub fn refs(&self, dev: DeviceId) -> u16 {
        self.refs[usize::from(dev.0)]
    }

    /// Whether the device cannot be gone: it is registered, or a reference is owned.
    pub fn keeps(&self, dev: DeviceId) -> bool {
        self.refs(dev) > 0 || self.devices.contains(dev)
    }

    /// Whether giving up what the scenario owns would do that.
    pub fn gives_up(&self, op: Op) -> bool {
        match op {
            Op::Unregister(dev) => self.devices.contains(dev),
            Op::Put(dev) => self.refs(dev) > 0,
            Op::Close(handle) => self.handles.contains(handle),
            Op::UnregisterDriver(drv) => self.drivers.contains(drv),
            Op::Free(memory) => self.memory.contains(memory),
            _ => false,
        }
    }

    /// Whether an action is on a list, as far as a straight line can tell: whatever lets a driver
    /// go counts as if there were one.
    pub fn is_queued(&self, action: ActionId) -> bool {
        self.queued.contains(Node::Action(action))
    }

    /// Whether a `put` would drop a reference that is somebody else's: the scenario owns none, and no body
    /// takes one.
    pub fn owns_none(&self, program: &Program<'_>, dev: DeviceId) -> bool {
        self.refs(dev) == 0 && !program.is_anybodys(dev)
    }

    /// What the scenario owns after one of its operations, which has to return that
    /// error: then nothing changes hands.
    ///
    /// # Errors
    /// The device of which an action would take over a reference that is nobody's.
    pub fn apply(
        &mut self,
        program: &Program<'_>,
        op: Op,
        fails: Option<Errno>,
    ) -> Result<(), DeviceId> {
        if fails.is_some() {
            return Ok(());
        }
        match op {
            Op::Register(dev) => self.keep(program, Given::Device(dev)),
            Op::Unregister(dev) => _ = take(&mut self.devices, dev),
            Op::Init(dev) | Op::Get(dev) => self.get(dev),
            // More puts than gets are a fault, which only the simulator judges.
            Op::Put(dev) => _ = self.put(dev),
            // The reference of `init` is the registration's, until `del` hands it back.
            Op::Add(dev) => {
                self.put(dev);
                self.keep(program, Given::Device(dev));
            }
            Op::Del(dev) => {
                if take(&mut self.devices, dev) {
                    self.get(dev);
                }
            }
            Op::AddAction(action) if program.action(action).sort == Sort::Unmanaged => {
                self.keep(program, Given::Memory(action));
            }
            Op::AddAction(action) => self.queue(program, action)?,
            Op::AddResource(resource) => {
                take(&mut self.memory, resource);
                self.queue(program, resource)?;
            }
            Op::GetResource(resource) => {
                if !self.is_queued(resource) {
                    self.queue(program, resource)?;
                }
            }
            Op::ReleaseAction(action) => self.released(program, action, 0),
            Op::Link(..) => self.linked = true,
            Op::Open(handle) => self.keep(program, Given::Handle(handle)),
            Op::Close(handle) => _ = take(&mut self.handles, handle),
            Op::RegisterDriver(drv) => {
                self.keep(program, Given::Driver(drv));
                // What is not the scenario's is no mistake: the driver may never be bound. Nor can
                // it unregister itself.
                Bodies::new(program).driver(drv, &mut |given| {
                    if given != Given::Driver(drv) {
                        self.give(given);
                    }
                });
            }
            Op::UnregisterDriver(drv) => _ = take(&mut self.drivers, drv),
            Op::RemoveAction(_) | Op::DestroyResource(_) | Op::Free(_) => {}
            Op::OpenGroup(_) | Op::CloseGroup(_) | Op::RemoveGroup(_) | Op::ReleaseGroup(_) => {}
            Op::FindResource(_) | Op::Realloc(_) | Op::UseMemory(_) | Op::UseHandle(_) => {}
            Op::Attach(_) | Op::Bind(..) | Op::Unbind(_) | Op::Unlink(..) | Op::Settle => {}
        }
        self.on_lists(program, op);
        Ok(())
    }

    /// What becomes of that which is on lists, whoever carries the operation out.
    fn on_lists(&mut self, program: &Program<'_>, op: Op) {
        match op {
            Op::Unregister(dev) | Op::Del(dev) => self.runs(program, dev),
            Op::Put(dev) => {
                if !self.keeps(dev) {
                    self.runs(program, dev);
                }
            }
            // Where nothing can be bound, nothing happens.
            Op::Unbind(dev) => {
                let mut drivers = self.drivers.as_slice().iter().map(|&id| program.driver(id));
                let may_be_bound =
                    drivers.any(|driver| driver.devices.contains(dev) && driver.may_bind());
                if may_be_bound || program.device(dev).kind.drivers.own {
                    self.runs(program, dev);
                }
            }
            Op::UnregisterDriver(drv) => {
                let driver = program.driver(drv);
                if driver.may_bind() {
                    driver
                        .devices
                        .iter()
                        .for_each(|dev| self.runs(program, dev));
                }
            }
            Op::RemoveAction(action) => {
                if self.taken_off(program, action) && program.action(action).sort == Sort::Resource
                {
                    keep(&mut self.memory, action);
                }
            }
            Op::DestroyResource(resource) => _ = self.taken_off(program, resource),
            Op::Free(memory) => {
                take(&mut self.memory, memory);
                take(&mut self.queued, Node::Action(memory));
            }
            Op::OpenGroup(group) => keep(&mut self.queued, Node::Open(group)),
            Op::CloseGroup(group) => {
                if self.queued.contains(Node::Open(group)) {
                    keep(&mut self.queued, Node::Close(group));
                }
            }
            Op::RemoveGroup(group) => {
                take(&mut self.queued, Node::Open(group));
                take(&mut self.queued, Node::Close(group));
            }
            Op::ReleaseGroup(group) => self.releases(program, group),
            Op::Init(_) | Op::Add(_) | Op::Register(_) | Op::Get(_) | Op::RegisterDriver(_) => {}
            Op::AddAction(_) | Op::AddResource(_) | Op::GetResource(_) | Op::ReleaseAction(_) => {}
            Op::FindResource(_) | Op::Realloc(_) | Op::UseMemory(_) => {}
            Op::Open(_) | Op::UseHandle(_) | Op::Close(_) => {}
            Op::Attach(_) | Op::Bind(..) | Op::Settle => {}
            Op::Link(..) | Op::Unlink(..) => {}
        }
    }

    /// It is on a list, and what its body will give up is its own.
    fn queue(&mut self, program: &Program<'_>, action: ActionId) -> Result<(), DeviceId> {
        let mut missing = None;
        Bodies::new(program).action(action, &mut |given| {
            if !self.give(given)
                && let Given::Ref(dev) = given
                && !program.is_anybodys(dev)
            {
                missing.get_or_insert(dev);
            }
        });
        keep(&mut self.queued, Node::Action(action));
        missing.map_or(Ok(()), Err)
    }

    /// Whether it was on a list; then what its body would have given up is the scenario's again.
    fn taken_off(&mut self, program: &Program<'_>, action: ActionId) -> bool {
        let was = take(&mut self.queued, Node::Action(action));
        if was {
            Bodies::new(program).action(action, &mut |given| self.receive(given));
        }
        was
    }

    /// It has run, and so have those that it released; those that it added are on a list. `outer`
    /// are those that release it, a bit each.
    fn released(&mut self, program: &Program<'_>, action: ActionId, outer: u32) {
        let inner = outer | 1 << action.0;
        if !take(&mut self.queued, Node::Action(action)) || inner == outer {
            return;
        }
        for &op in program.action(action).body {
            match op {
                Op::AddAction(id) if program.action(id).sort == Sort::Unmanaged => {}
                Op::AddAction(id) => keep(&mut self.queued, Node::Action(id)),
                Op::AddResource(id) => {
                    take(&mut self.memory, id);
                    keep(&mut self.queued, Node::Action(id));
                }
                Op::GetResource(id) => {
                    if !self.is_queued(id) {
                        keep(&mut self.queued, Node::Action(id));
                    }
                }
                Op::ReleaseAction(id) => self.released(program, id, inner),
                // What it gives up was given to it.
                op => self.on_lists(program, op),
            }
        }
    }

    /// It is the scenario's, unless a driver that is registered will give it up.
    fn keep(&mut self, program: &Program<'_>, made: Given) {
        let mut is_drivers = false;
        for &drv in self.drivers.as_slice() {
            Bodies::new(program).driver(drv, &mut |given| is_drivers |= given == made);
        }
        if !is_drivers {
            self.receive(made);
        }
    }

    /// It becomes the scenario's.
    fn receive(&mut self, given: Given) {
        match given {
            Given::Ref(dev) => self.get(dev),
            Given::Device(dev) => keep(&mut self.devices, dev),
            Given::Handle(handle) => keep(&mut self.handles, handle),
            Given::Memory(memory) => keep(&mut self.memory, memory),
            Given::Driver(drv) => keep(&mut self.drivers, drv),
        }
    }

    /// The scenario gives it away, and had it, if that comes back.
    fn give(&mut self, given: Given) -> bool {
        match given {
            Given::Ref(dev) => self.put(dev),
            Given::Device(dev) => take(&mut self.devices, dev),
            Given::Handle(handle) => take(&mut self.handles, handle),
            Given::Memory(memory) => take(&mut self.memory, memory),
            Given::Driver(drv) => take(&mut self.drivers, drv),
        }
    }

    /// The actions on a device run, so that nothing of them can be handed back.
    fn runs(&mut self, program: &Program<'_>, dev: DeviceId) {
        self.queued.retain(|&node| on(program, node) != dev);
    }

    /// The same of those in a group, and groups go with it that lie within: those whose ends do,
    /// or that have no end yet (`remove_nodes()` in drivers/base/devres.c, Linux 6.12).
    fn releases(&mut self, program: &Program<'_>, group: GroupId) {
        let nodes = self.queued;
        let at = |node| nodes.as_slice().iter().rposition(|&known| known == node);
        let Some(first) = at(Node::Open(group)) else {
            return;
        };
        let last = at(Node::Close(group)).unwrap_or(MAX_QUEUED);
        let dev = program.group(group).on;
        let within = |node| at(node).is_some_and(|at| (first..=last).contains(&at));
        self.queued.retain(|&node| {
            let goes = match node {
                Node::Action(_) => within(node),
                Node::Open(id) => {
                    within(node) && (within(Node::Close(id)) || at(Node::Close(id)).is_none())
                }
                Node::Close(id) => within(node) && within(Node::Open(id)),
            };
            !(goes && on(program, node) == dev)
        });
    }

    fn get(&mut self, dev: DeviceId) {
        let refs = &mut self.refs[usize::from(dev.0)];
        *refs = refs.saturating_add(1);
    }

    /// Whether there was one to drop.
    fn put(&mut self, dev: DeviceId) -> bool {
        let refs = &mut self.refs[usize::from(dev.0)];
        let owned = *refs > 0;
        *refs = refs.saturating_sub(1);
        owned
    }

    /// The operations by which the scenario gives up what it owns: handles are closed,
    /// references dropped; devices unregistered, newest first; drivers unregistered,
    /// newest first; memory freed; and at last what was set up before the scenario began. References
    /// that belong to actions which never ran are not dropped. Where work may be queued,
    /// it is waited for before, and after what was given up.
    pub fn give_up(&self, program: &Program<'_>) -> Vec<Op> {
        let mut ops = Vec::new();
        self.each_given_up(program, |op| ops.push(op));
        ops
    }

    /// The same, one by one.
    pub fn each_given_up(&self, program: &Program<'_>, mut f: impl FnMut(Op)) {
        let settles = self.may_have_queued_work(program);
        if settles {
            f(Op::Settle);
        }
        let devices = self.devices.as_slice().iter().rev();
        let devices = devices.map(|&dev| Op::Unregister(dev));
        let drivers = self.drivers.as_slice().iter().rev();
        let drivers = drivers.map(|&drv| Op::UnregisterDriver(drv));
        let own = |op: &Op| !program.is_set_up(*op);
        let of_set_up = |op: &Op| program.is_set_up(*op);
        let mut given = false;
        let mut give = |op| {
            given = true;
            f(op);
        };
        for &handle in self.handles.as_slice().iter().rev() {
            give(Op::Close(handle));
        }
        // Before devices go, since some are waited for by who unregisters them.
        for (dev, &count) in self.refs.iter().enumerate() {
            for _ in 0..count {
                give(Op::Put(DeviceId(dev as u8)));
            }
        }
        devices.clone().filter(own).for_each(&mut give);
        drivers.clone().filter(own).for_each(&mut give);
        if settles && given {
            f(Op::Settle);
        }
        for &memory in self.memory.as_slice().iter().rev() {
            f(Op::Free(memory));
        }
        // Drivers before the devices that others hang below.
        drivers.filter(of_set_up).for_each(&mut f);
        devices.filter(of_set_up).for_each(&mut f);
    }

    fn may_have_queued_work(&self, program: &Program<'_>) -> bool {
        let links = |body: &[Op]| body.iter().any(|op| matches!(op, Op::Link(..)));
        self.linked
            || program.actions.iter().any(|action| links(action.body))
            || program.drivers.iter().any(|driver| {
                let defers = |errno| errno == Some(Errno::EPROBE_DEFER);
                let mut probes = driver.probes.iter();
                links(driver.remove) || probes.any(|probe| defers(probe.error) || links(probe.body))
            })
    }
}

/// The device on whose list a node is.
pub(super) fn on(program: &Program<'_>, node: Node) -> DeviceId {
    match node {
        Node::Action(action) => program.action(action).on,
        Node::Open(group) | Node::Close(group) => program.group(group).on,
    }
}

/// Takes the newest one out, and says whether there was one.
fn take<T: Copy + Default + PartialEq, const N: usize>(list: &mut List<T, N>, item: T) -> bool {
    list.remove_newest(item)
}

/// Appends it. What does not fit is more than the simulator has room for, which it says itself.
fn keep<T: Copy + Default + PartialEq, const N: usize>(list: &mut List<T, N>, item: T) {
    let _ = list.push(item);
}
