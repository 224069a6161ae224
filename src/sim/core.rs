//! `drivers/base/core.c`: initialise, add, delete and release a device.
//! Source: Linux 6.12.

use super::defects::Defect;
use super::errno::Errno;
use super::event::{Event, Fault, Observer};
use super::fixes::{Fix, Model};
use super::points::Point;
use super::program::{DeviceId, Handles, Op, Program};
use super::state::{DeviceState, Phase, State};

/// Callbacks within callbacks: deeper than any scenario, and shallow enough for the
/// stack of a thread.
const MAX_NESTING: u8 = 32;

/// Operations in callbacks of one operation: more than any scenario has, and few enough that
/// callbacks which each run another one twice come to an end.
const MAX_IN_CALLBACKS: u16 = 2048;

/// Carries out one operation and returns what the kernel function returns, 0 for
/// those that return nothing.
///
/// # Errors
/// The [`Fault`] that the operation runs into; the state is then of no use any more.
pub fn step<O: Observer>(
    program: &Program<'_>,
    model: Model,
    state: &mut State,
    op: Op,
    observer: &mut O,
) -> Result<i32, Fault> {
    let mut core = Core {
        program,
        model,
        state,
        observer,
        nesting: 0,
        in_callbacks: 0,
        releasing: 0,
        deleting: 0,
        awaited: 0,
        misc_mtx: None,
        probe_count: 0,
        in_deferred_work: false,
    };
    let ret = core.operation(op)?;
    core.state.triggered = false;
    Ok(ret)
}

/// The driver core at work on one operation.
pub(super) struct Core<'a, O> {
    pub(super) program: &'a Program<'a>,
    pub(super) model: Model,
    pub(super) state: &'a mut State,
    pub(super) observer: &'a mut O,
    nesting: u8,
    /// How many operations callbacks have done so far.
    in_callbacks: u16,
    /// The devices whose resources are being released, a bit each.
    pub(super) releasing: u8,
    /// The devices that `device_del()` or the release of their object is at work on, a bit each.
    pub(super) deleting: u8,
    /// The devices that are gone, and whose release is waited for, a bit each.
    awaited: u8,
    /// `misc_mtx`: the device for which it is held.
    pub(super) misc_mtx: Option<DeviceId>,
    /// `probe_count`: probes that `wait_for_device_probe()` waits for.
    pub(super) probe_count: u8,
    /// Whether `deferred_probe_work_func()` is at work.
    pub(super) in_deferred_work: bool,
}

impl<O: Observer> Core<'_, O> {
    fn operation(&mut self, op: Op) -> Result<i32, Fault> {
        self.observer.begins();
        let returns = self.dispatch(op).and_then(|ret| {
            self.overtaken(self.nesting > 0)?;
            Ok(ret)
        });
        match returns {
            Ok(ret) => {
                self.observer.returned(op, ret, self.state);
                Ok(ret)
            }
            Err(fault) => {
                self.observer.faulted(op);
                Err(fault)
            }
        }
    }

    /// What the kernel may do of its queued work here, `within` an operation that goes on.
    fn overtaken(&mut self, within: bool) -> Result<(), Fault> {
        if !self.others_have_work() || !self.observer.overtakes() {
            return Ok(());
        }
        self.settle()
            .map_err(|fault| self.as_overtaking(fault, within))
    }

    /// What a fault is to work that was begun before it had to be, `within` an operation that goes on.
    pub(super) fn as_overtaking(&self, fault: Fault, within: bool) -> Fault {
        match fault {
            // Who is at work on the operation holds locks, and lets go of them later.
            Fault::Deadlock(dev) if within => Fault::WorkWaits(dev),
            Fault::DriverDeadlock(drv) if within => {
                Fault::WorkWaits(self.program.driver(drv).devices.first())
            }
            // So may who holds the device, between operations too.
            Fault::WaitsForever(dev) => Fault::WorkWaits(dev),
            fault => fault,
        }
    }

    /// The same between two of an operation's parts.
    pub(super) fn meanwhile(&mut self) -> Result<(), Fault> {
        self.overtaken(true)
    }

    fn dispatch(&mut self, op: Op) -> Result<i32, Fault> {
        if let Op::Get(dev) | Op::Put(dev) | Op::Attach(dev) | Op::Unbind(dev) | Op::Bind(dev, _) =
            op
        {
            self.in_use(dev)?;
        }
        match op {
            Op::Init(dev) => self.device_initialize(dev).map(|()| 0),
            Op::Add(dev) => {
                self.in_use(dev)?;
                self.with_misc_mtx(dev, |core| core.add(dev))
            }
            Op::Del(dev) => {
                self.with_misc_mtx(dev, |core| core.del(dev))?;
                Ok(0)
            }
            Op::Register(dev) => self.device_register(dev),
            Op::Unregister(dev) => self.device_unregister(dev).map(|()| 0),
            Op::Get(dev) => self.get_device(dev).map(|()| 0),
            Op::Put(dev) => self.put_device(dev).map(|()| 0),
            Op::Attach(dev) => self.device_attach(dev),
            Op::Bind(dev, drv) => self.device_driver_attach(drv, dev),
            Op::Unbind(dev) => self.device_release_driver(dev).map(|()| 0),
            Op::AddAction(action) => self.devm_add_action(action),
            Op::RemoveAction(action) => self.remove(action),
            Op::ReleaseAction(action) => self.release(action),
            Op::AddResource(resource) => self.add_resource(resource).map(|()| 0),
            Op::GetResource(resource) => self.devres_get(resource),
            Op::FindResource(resource) => self.devres_find(resource),
            Op::DestroyResource(resource) => self.devres_destroy(resource),
            Op::Free(memory) => self.free(memory).map(|()| 0),
            Op::Realloc(memory) => self.realloc(memory),
            Op::UseMemory(memory) => self.use_memory(memory).map(|()| 0),
            Op::OpenGroup(group) => self.devres_open_group(group).map(|()| 0),
            Op::CloseGroup(group) => self.devres_close_group(group).map(|()| 0),
            Op::ReleaseGroup(group) => self.devres_release_group(group),
            Op::RemoveGroup(group) => self.devres_remove_group(group).map(|()| 0),
            Op::Link(consumer, supplier, flags) => self.device_link_add(consumer, supplier, flags),
            Op::Unlink(consumer, supplier) => {
                self.device_link_remove(consumer, supplier).map(|()| 0)
            }
            Op::Open(handle) => self.open(handle),
            Op::UseHandle(handle) => self.use_handle(handle),
            Op::Close(handle) => self.close(handle).map(|()| 0),
            Op::Settle => self.settle().map(|()| 0),
            Op::RegisterDriver(drv) => self.driver_register(drv),
            Op::UnregisterDriver(drv) => self.driver_unregister(drv).map(|()| 0),
        }
    }

    /// The operations of an action's or a driver's body. Nobody looks at what they
    /// return, so an error is kept for the end.
    pub(super) fn body(&mut self, dev: DeviceId, ops: &[Op]) -> Result<(), Fault> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return Err(Fault::Limit(dev));
        }
        for &op in ops {
            self.in_callbacks += 1;
            if self.in_callbacks > MAX_IN_CALLBACKS {
                return Err(Fault::Limit(dev));
            }
            self.state.failed |= self.operation(op)? < 0;
        }
        self.nesting -= 1;
        Ok(())
    }

    /// Runs `f` as the body of the kernel function `name`.
    pub(super) fn call<R>(
        &mut self,
        name: &'static str,
        f: impl FnOnce(&mut Self) -> Result<R, Fault>,
    ) -> Result<R, Fault> {
        self.observer.enter(name);
        let result = f(self);
        if result.is_err() {
            self.observer.breaks();
        }
        self.observer.leave();
        result
    }

    /// A point that is one only if there is something to release.
    pub(super) fn point_of_a_pass(&mut self, dev: DeviceId, point: Point) {
        if !self.state.device(dev).devres.is_empty() {
            self.observer.point(point);
        }
    }

    /// Whether resources of the device are being released.
    pub(super) fn in_a_pass(&self, dev: DeviceId) -> bool {
        self.releasing & 1 << dev.0 != 0
    }

    pub(super) fn event(&mut self, event: Event) {
        self.observer.event(event, self.state);
    }

    /// Refuses a device that is not there (any more).
    pub(super) fn in_use(&self, dev: DeviceId) -> Result<(), Fault> {
        match self.state.device(dev).phase {
            Phase::Absent => Err(Fault::NotInitialized(dev)),
            Phase::Released => Err(Fault::UseAfterFree(dev)),
            Phase::Initialized | Phase::Added | Phase::Deleted => Ok(()),
        }
    }

    /// `device_lock()`, which is no recursive lock, around `f`.
    pub(super) fn locked<R>(
        &mut self,
        dev: DeviceId,
        f: impl FnOnce(&mut Self) -> Result<R, Fault>,
    ) -> Result<R, Fault> {
        self.lock(dev)?;
        let result = f(self)?;
        self.state.device_mut(dev).locked = false;
        Ok(result)
    }

    pub(super) fn lock(&mut self, dev: DeviceId) -> Result<(), Fault> {
        if std::mem::replace(&mut self.state.device_mut(dev).locked, true) {
            return Err(Fault::Deadlock(dev));
        }
        Ok(())
    }

    /// Whoever registers a device has to drop its reference when that fails, and every
    /// framework does: nothing is left.
    fn device_register(&mut self, dev: DeviceId) -> Result<i32, Fault> {
        self.call("device_register", |core| {
            let phase = core.state.device(dev).phase;
            core.device_initialize(dev)?;
            let ret = core.with_misc_mtx(dev, |core| core.add(dev))?;
            if ret < 0 {
                // A former one stays what it was.
                *core.state.device_mut(dev) = DeviceState {
                    phase,
                    ..DeviceState::ABSENT
                };
                // faux_device_create() says no more than that.
                if core.program.device(dev).kind.drivers.own {
                    return Ok(Errno::ENODEV.negative());
                }
            }
            Ok(ret)
        })
    }

    /// `device_add()`, and what the framework does around it: a character device is there
    /// before the device, and a late driver after.
    fn add(&mut self, dev: DeviceId) -> Result<i32, Fault> {
        let kind = self.program.device(dev).kind;
        let device = self.state.device(dev);
        if device.phase != Phase::Initialized || device.cdev_gone {
            return Err(Fault::RegisteredTwice(dev));
        }
        self.cdev_add(dev)?;
        let ret = self.device_add(dev)?;
        if ret < 0 {
            self.cdev_del_unused(dev)?;
        } else if kind.drivers.late {
            self.device_attach(dev)?;
        }
        Ok(ret)
    }

    /// `device_del()`, and what the framework does around it.
    fn del(&mut self, dev: DeviceId) -> Result<(), Fault> {
        let kind = self.program.device(dev).kind;
        if kind.drivers.late {
            self.in_use(dev)?;
            self.device_release_driver(dev)?;
        }
        self.deleting |= 1 << dev.0;
        self.device_del(dev)?;
        self.deleting &= !(1 << dev.0);
        match kind.handles {
            Handles::None | Handles::Misc => Ok(()),
            _ => self.cdev_put(dev),
        }
    }

    fn device_initialize(&mut self, dev: DeviceId) -> Result<(), Fault> {
        // Its pointer is taken now, and followed by `add`.
        if let Some(parent) = self.program.device(dev).parent {
            self.in_use(parent)?;
        }
        if self.state.device(dev).is_alive() || self.is_pointed_to(dev) {
            return Err(Fault::RegisteredTwice(dev));
        }
        // One that was released is another one from here on.
        *self.state.device_mut(dev) = DeviceState {
            phase: Phase::Initialized,
            refs: 1,
            ..DeviceState::ABSENT
        };
        Ok(())
    }

    /// Whether something still goes on with a device that was released, rightly or too early, and
    /// would go on with the next one of its name.
    fn is_pointed_to(&self, dev: DeviceId) -> bool {
        let device = self.state.device(dev);
        let is_at_work =
            device.locked || (self.releasing | self.deleting | self.awaited) & 1 << dev.0 != 0;
        let mut links = self.state.links.as_slice().iter();
        is_at_work
            || device.cdev > 0
            || self.state.has_children(self.program, dev)
            || links.any(|link| link.ends.consumer == dev || link.ends.supplier == dev)
    }

    /// The order matters: probe sees the references of the kobject and of the bus's
    /// list, but not yet those of the parent's and of the class's.
    fn device_add(&mut self, dev: DeviceId) -> Result<i32, Fault> {
        self.call("device_add", |core| {
            let device = *core.program.device(dev);
            if core.state.device(dev).phase != Phase::Initialized {
                return Err(Fault::RegisteredTwice(dev));
            }
            core.get_device(dev)?;
            if let Some(parent) = device.parent {
                core.in_use(parent)?;
                if !core.model.is(Defect::ParentNotHeld) {
                    core.get_device(parent)?;
                }
            }
            if !core.kobject_add(dev)? {
                if let Some(parent) = device.parent {
                    core.put_device(parent)?;
                }
                core.put_device(dev)?;
                core.observer.point(Point::AddedNowhere);
                return Ok(Errno::ENOENT.negative());
            }
            core.state.device_mut(dev).phase = Phase::Added;
            core.bus_add_device(dev)?;
            // device_set_pm_not_required(): nothing is there to be powered.
            core.state.device_mut(dev).in_dpm_list = !device.kind.drivers.own;
            if !device.kind.drivers.late {
                core.bus_probe_device(dev)?;
            }
            if device.kind.has_parent || device.parent.is_some() {
                core.state.device_mut(dev).knode_parent = true;
                core.get_device(dev)?;
            }
            if device.kind.in_class {
                core.state.device_mut(dev).knode_class = true;
                core.get_device(dev)?;
            }
            if !core.model.is(Defect::AddKeepsReference) {
                core.put_device(dev)?;
            }
            Ok(0)
        })
    }

    fn device_unregister(&mut self, dev: DeviceId) -> Result<(), Fault> {
        let unregister = |core: &mut Self| {
            core.call("device_unregister", |core| {
                core.del(dev)?;
                // An object has dropped it, or keeps it.
                match core.program.device(dev).kind.handles {
                    Handles::Object => Ok(()),
                    _ => core.put_device(dev),
                }
            })
        };
        let kind = self.program.device(dev).kind;
        match kind.handles {
            Handles::Misc => {
                self.with_misc_mtx(dev, |core| core.call("misc_deregister", unregister))?;
            }
            _ => unregister(self)?,
        }
        match kind.waits {
            true => self.wait_for_release(dev),
            false => Ok(()),
        }
    }

    /// Only what is queued can drop the last reference meanwhile: there is no other task.
    fn wait_for_release(&mut self, dev: DeviceId) -> Result<(), Fault> {
        self.call("wait_for_completion", |core| {
            core.awaited |= 1 << dev.0;
            while core.state.device(dev).phase != Phase::Released {
                if !core.work_on(dev)? {
                    return Err(Fault::WaitsForever(dev));
                }
                core.observer.point(Point::ReleaseWaitedFor);
            }
            core.awaited &= !(1 << dev.0);
            Ok(())
        })
    }

    fn device_del(&mut self, dev: DeviceId) -> Result<(), Fault> {
        self.call("device_del", |core| {
            core.in_use(dev)?;
            if core.state.device(dev).phase != Phase::Added {
                return Err(Fault::NotAdded(dev));
            }
            // kill_device(): no driver binds from here on.
            core.locked(dev, |core| {
                core.state.device_mut(dev).phase = Phase::Deleted;
                Ok(())
            })?;
            let listed = std::mem::take(&mut core.state.device_mut(dev).knode_parent);
            if listed && !core.model.is(Defect::ListOfParentKeeps) {
                core.put_device(dev)?;
            }
            if std::mem::take(&mut core.state.device_mut(dev).knode_class) {
                core.put_device(dev)?;
            }
            if core.model.is(Defect::ResourcesBeforeDriver) {
                core.devres_release_all(dev)?;
            }
            core.bus_remove_device(dev)?;
            core.in_use(dev)?;
            core.state.device_mut(dev).in_dpm_list = false;
            if !core.model.is(Defect::DeferredAfterDel) {
                core.driver_deferred_probe_del(dev);
            }
            core.device_links_purge(dev)?;
            if !core.state.device(dev).devres.is_empty() {
                core.observer.matters(Fix::DelReleasesDevres);
            }
            if core.model.has(Fix::DelReleasesDevres) {
                core.point_of_a_pass(dev, Point::PassOfDel);
                core.devres_release_all(dev)?;
            }
            core.in_use(dev)?;
            core.kobject_del(dev)?;
            match core.program.device(dev).parent {
                Some(parent) if !core.model.is(Defect::ParentKept) => core.put_device(parent),
                _ => Ok(()),
            }
        })
    }

    /// Called by `kobject_cleanup()` when the last reference is gone.
    pub(super) fn device_release(&mut self, dev: DeviceId) -> Result<(), Fault> {
        self.call("device_release", |core| {
            if core.state.device(dev).phase == Phase::Added {
                return Err(Fault::FreedWhileRegistered(dev));
            }
            if core.state.device(dev).phase == Phase::Initialized {
                core.observer.point(Point::ReleasedBeforeAdd);
            }
            core.point_of_a_pass(dev, Point::PassOfRelease);
            if !core.model.is(Defect::RestNotReleased) {
                core.devres_release_all(dev)?;
            }
            core.event(Event::Released(dev));
            core.state.device_mut(dev).phase = Phase::Released;
            Ok(())
        })
    }
}
