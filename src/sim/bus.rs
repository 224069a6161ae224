//! `drivers/base/bus.c`, `driver.c`: a device's and a driver's place on a bus.
//! Source: Linux 6.12.

use super::core::Core;
use super::defects::Defect;
use super::errno::Errno;
use super::event::{Fault, Observer};
use super::points::Point;
use super::program::{DeviceId, DriverId};

impl<O: Observer> Core<'_, O> {
    fn on_bus(&self, dev: DeviceId) -> bool {
        self.program.device(dev).kind.on_bus
    }

    pub(super) fn bus_add_device(&mut self, dev: DeviceId) -> Result<(), Fault> {
        if !self.on_bus(dev) {
            return Ok(());
        }
        let full = |_| Fault::Limit(dev);
        self.state.on_bus.push(dev).map_err(full)?;
        self.get_device(dev)
    }

    pub(super) fn bus_probe_device(&mut self, dev: DeviceId) -> Result<(), Fault> {
        if !self.on_bus(dev) {
            return Ok(());
        }
        self.call("bus_probe_device", |core| core.device_initial_probe(dev))
    }

    /// The device leaves the bus's list before its driver is told.
    pub(super) fn bus_remove_device(&mut self, dev: DeviceId) -> Result<(), Fault> {
        if !self.on_bus(dev) {
            return Ok(());
        }
        self.call("bus_remove_device", |core| {
            let listed = core.state.on_bus.remove_newest(dev);
            if listed && !core.model.is(Defect::ListOfBusKeeps) {
                core.put_device(dev)?;
            }
            core.device_release_driver(dev)
        })
    }

    pub(super) fn driver_register(&mut self, drv: DriverId) -> Result<i32, Fault> {
        self.call("driver_register", |core| {
            if core.state.is_registered(drv) || core.state.driver_mut(drv).leaving {
                core.observer.point(Point::RegisteredTwice);
                return Ok(Errno::EBUSY.negative());
            }
            let full = |_| Fault::Limit(core.program.driver(drv).devices.first());
            core.state.drivers.push(drv).map_err(full)?;
            // Probe errors do not reach the caller.
            core.driver_attach(drv)?;
            Ok(0)
        })
    }

    /// The driver leaves the bus's list before it lets go of its devices.
    pub(super) fn driver_unregister(&mut self, drv: DriverId) -> Result<(), Fault> {
        self.call("driver_unregister", |core| {
            if core.state.driver_mut(drv).probing > 0 {
                return Err(Fault::DriverDeadlock(drv));
            }
            if !core.state.drivers.remove_newest(drv) {
                return Err(Fault::DriverNotRegistered(drv));
            }
            core.state.driver_mut(drv).leaving = true;
            core.driver_detach(drv)?;
            core.state.driver_mut(drv).leaving = false;
            Ok(())
        })
    }
}
