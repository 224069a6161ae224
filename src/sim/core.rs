//! `drivers/base/core.c`: initialise, add, delete and release a device.
//! Source: Linux 6.12.

use super::event::{Event, Fault, Moment, Observer};
use super::fixes::{Fix, Model};
use super::program::{DeviceId, Op, Program};
use super::state::{Phase, State};

/// The longest call path that is kept; deeper frames are left out of it.
const MAX_PATH: usize = 48;

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
    Core {
        program,
        model,
        state,
        observer,
        path: [""; MAX_PATH],
        depth: 0,
    }
    .operation(op)
}

/// The driver core at work on one operation.
pub(super) struct Core<'a, O> {
    pub(super) program: &'a Program<'a>,
    pub(super) model: Model,
    pub(super) state: &'a mut State,
    observer: &'a mut O,
    path: [&'static str; MAX_PATH],
    depth: usize,
}

impl<O: Observer> Core<'_, O> {
    fn operation(&mut self, op: Op) -> Result<i32, Fault> {
        let ret = self.dispatch(op)?;
        self.observer.returned(op, ret, self.state);
        Ok(ret)
    }

    fn dispatch(&mut self, op: Op) -> Result<i32, Fault> {
        match op {
            Op::Register(dev) => self.device_register(dev),
            Op::Unregister(dev) => self.device_unregister(dev).map(|()| 0),
            Op::Get(dev) => {
                self.in_use(dev)?;
                self.get_device(dev).map(|()| 0)
            }
            Op::Put(dev) => {
                self.in_use(dev)?;
                self.put_device(dev).map(|()| 0)
            }
            Op::Attach(dev) => {
                self.in_use(dev)?;
                self.device_attach(dev)
            }
            Op::Unbind(dev) => {
                self.in_use(dev)?;
                self.device_release_driver(dev).map(|()| 0)
            }
            Op::AddAction(action) => self.devm_add_action(action),
            Op::RegisterDriver(drv) => self.driver_register(drv),
            Op::UnregisterDriver(drv) => self.driver_unregister(drv).map(|()| 0),
        }
    }

    /// The operations of an action's or a driver's body.
    pub(super) fn body(&mut self, ops: &[Op]) -> Result<(), Fault> {
        ops.iter().try_for_each(|&op| self.operation(op).map(drop))
    }

    /// Runs `f` as the body of the kernel function `name`.
    pub(super) fn call<R>(&mut self, name: &'static str, f: impl FnOnce(&mut Self) -> R) -> R {
        if !O::PATHS {
            return f(self);
        }
        if let Some(frame) = self.path.get_mut(self.depth) {
            *frame = name;
        }
        self.depth += 1;
        let result = f(self);
        self.depth -= 1;
        result
    }

    pub(super) fn event(&mut self, event: Event) {
        let path = &self.path[..self.depth.min(MAX_PATH)];
        self.observer.event(Moment {
            event,
            state: self.state,
            path,
        });
    }

    /// Refuses a device that is not there (any more).
    pub(super) fn in_use(&self, dev: DeviceId) -> Result<(), Fault> {
        match self.state.device(dev).phase {
            Phase::Absent => Err(Fault::NotInitialized(dev)),
            Phase::Released => Err(Fault::UseAfterFree(dev)),
            Phase::Initialized | Phase::Added | Phase::Deleted => Ok(()),
        }
    }

    fn device_register(&mut self, dev: DeviceId) -> Result<i32, Fault> {
        self.call("device_register", |core| {
            core.device_initialize(dev)?;
            core.device_add(dev)
        })
    }

    fn device_initialize(&mut self, dev: DeviceId) -> Result<(), Fault> {
        let device = self.state.device_mut(dev);
        if device.phase != Phase::Absent {
            return Err(Fault::RegisteredTwice(dev));
        }
        device.phase = Phase::Initialized;
        device.refs = 1;
        Ok(())
    }

    /// The order matters: probe sees the reference of the bus's list, but not yet
    /// that of the parent's.
    fn device_add(&mut self, dev: DeviceId) -> Result<i32, Fault> {
        self.call("device_add", |core| {
            core.get_device(dev)?;
            core.state.device_mut(dev).phase = Phase::Added;
            core.bus_add_device(dev)?;
            core.bus_probe_device(dev)?;
            if core.program.device(dev).kind.has_parent {
                core.state.device_mut(dev).knode_parent = true;
                core.get_device(dev)?;
            }
            core.put_device(dev)?;
            Ok(0)
        })
    }

    fn device_unregister(&mut self, dev: DeviceId) -> Result<(), Fault> {
        self.call("device_unregister", |core| {
            core.device_del(dev)?;
            core.put_device(dev)
        })
    }

    fn device_del(&mut self, dev: DeviceId) -> Result<(), Fault> {
        self.call("device_del", |core| {
            core.in_use(dev)?;
            let device = core.state.device_mut(dev);
            if device.phase != Phase::Added {
                return Err(Fault::NotAdded(dev));
            }
            // kill_device(): no driver binds from here on.
            device.phase = Phase::Deleted;
            if std::mem::take(&mut device.knode_parent) {
                core.put_device(dev)?;
            }
            core.bus_remove_device(dev)?;
            if core.model.has(Fix::DelReleasesDevres) {
                core.devres_release_all(dev)?;
            }
            Ok(())
        })
    }

    /// Called by `kobject_cleanup()` when the last reference is gone.
    pub(super) fn device_release(&mut self, dev: DeviceId) -> Result<(), Fault> {
        self.call("device_release", |core| {
            if core.state.device(dev).phase == Phase::Added {
                return Err(Fault::FreedWhileRegistered(dev));
            }
            core.devres_release_all(dev)?;
            core.event(Event::Released(dev));
            core.state.device_mut(dev).phase = Phase::Released;
            Ok(())
        })
    }
}
