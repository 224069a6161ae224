//! `drivers/base/dd.c`: a driver binds to a device and lets go of it.
//! Source: Linux 6.12.

use super::core::Core;
use super::event::{Event, Fault, Observer};
use super::program::{DeviceId, DriverId, Errno};
use super::state::Phase;

impl<O: Observer> Core<'_, O> {
    fn matches(&self, drv: DriverId, dev: DeviceId) -> bool {
        self.program.driver(drv).device == dev
    }

    /// `device_initial_probe()`: the device looks for a driver; what comes of it is
    /// nobody's business.
    pub(super) fn device_initial_probe(&mut self, dev: DeviceId) -> Result<(), Fault> {
        self.call("device_initial_probe", |core| {
            core.__device_attach(dev).map(drop)
        })
    }

    /// Returns 1 if the device is bound then, 0 if not, or the error of a driver that
    /// could not be tried.
    pub(super) fn device_attach(&mut self, dev: DeviceId) -> Result<i32, Fault> {
        self.call("device_attach", |core| core.__device_attach(dev))
    }

    fn __device_attach(&mut self, dev: DeviceId) -> Result<i32, Fault> {
        let device = self.state.device(dev);
        if device.phase != Phase::Added {
            return Ok(0);
        }
        if device.driver.is_some() {
            return Ok(1);
        }
        for drv in self.program.driver_ids() {
            if self.state.is_registered(drv) && self.matches(drv, dev) {
                let ret = self.really_probe(dev, drv)?;
                return Ok(if ret == 0 { 1 } else { ret });
            }
        }
        Ok(0)
    }

    /// `driver_attach()`: the driver looks for devices. Errors do not reach the caller.
    pub(super) fn driver_attach(&mut self, drv: DriverId) -> Result<(), Fault> {
        self.call("driver_attach", |core| {
            let dev = core.program.driver(drv).device;
            let device = core.state.device(dev);
            if device.knode_bus && device.driver.is_none() {
                core.really_probe(dev, drv)?;
            }
            Ok(())
        })
    }

    fn really_probe(&mut self, dev: DeviceId, drv: DriverId) -> Result<i32, Fault> {
        self.call("really_probe", |core| {
            if !core.state.device(dev).devres.is_empty() {
                // "Resources present before probing", and nothing is undone.
                return Ok(-Errno::EBUSY.0);
            }
            core.state.device_mut(dev).driver = Some(drv);
            core.event(Event::Probe(drv, dev));
            core.state.device_mut(dev).knode_driver = true;
            Ok(0)
        })
    }

    /// `driver_detach()`: lets go of all devices of a driver, holding a reference
    /// of each meanwhile.
    pub(super) fn driver_detach(&mut self, drv: DriverId) -> Result<(), Fault> {
        self.call("driver_detach", |core| {
            for dev in core.program.device_ids() {
                let device = core.state.device(dev);
                if device.driver == Some(drv) && device.knode_driver {
                    core.get_device(dev)?;
                    core.device_release_driver(dev)?;
                    core.put_device(dev)?;
                }
            }
            Ok(())
        })
    }

    pub(super) fn device_release_driver(&mut self, dev: DeviceId) -> Result<(), Fault> {
        self.call("device_release_driver", |core| {
            let Some(drv) = core.state.device(dev).driver else {
                return Ok(());
            };
            core.event(Event::Remove(drv, dev));
            core.device_unbind_cleanup(dev)?;
            core.state.device_mut(dev).knode_driver = false;
            Ok(())
        })
    }

    /// `dev->driver` is cleared only after the managed resources are gone.
    fn device_unbind_cleanup(&mut self, dev: DeviceId) -> Result<(), Fault> {
        self.call("device_unbind_cleanup", |core| {
            core.devres_release_all(dev)?;
            core.state.device_mut(dev).driver = None;
            Ok(())
        })
    }
}
