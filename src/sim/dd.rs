//! `drivers/base/dd.c`: a driver binds to a device and lets go of it, now or later.
//! Source: Linux 6.12.

use super::core::Core;
use super::defects::Defect;
use super::errno::Errno;
use super::event::{Event, Fault, Observer};
use super::fixes::Fix;
use super::list::List;
use super::points::Point;
use super::program::{DeviceId, DriverId};
use super::state::{Ends, Phase};

/// What became of a probe, as `really_probe()` returns it: drivers' own errors are
/// positive there, so that callers can tell them from those that end their search.
const BOUND: i32 = 0;

/// Deferred probes that one settling may retry before it counts as endless.
const MAX_RETRIES: u16 = 1000;

impl<O: Observer> Core<'_, O> {
    fn matches(&self, drv: DriverId, dev: DeviceId) -> bool {
        let (device, its) = (self.program.device(dev), self.program.driver(drv).devices);
        let other = self.program.device(its.first());
        its.contains(dev) || device.kind.drivers.any && other.kind == device.kind
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
        self.call("device_attach", |core| {
            match core.state.device(dev).phase {
                // `dev->p` is NULL.
                Phase::Absent | Phase::Initialized => Err(Fault::NotInitialized(dev)),
                // There is no bus to go through.
                Phase::Added if !core.program.device(dev).kind.on_bus => {
                    Ok(Errno::EINVAL.negative())
                }
                Phase::Added | Phase::Deleted | Phase::Released => core.__device_attach(dev),
            }
        })
    }

    fn __device_attach(&mut self, dev: DeviceId) -> Result<i32, Fault> {
        self.locked(dev, |core| {
            let device = core.state.device(dev);
            if device.phase != Phase::Added {
                return Ok(0);
            }
            if device.driver.is_some() {
                core.observer.point(Point::AttachedBound);
                return Ok(1);
            }
            let mut drivers = core.state.drivers;
            if core.program.device(dev).kind.drivers.own {
                drivers = List::new(DriverId::OF_BUS);
                let _ = drivers.push(DriverId::OF_BUS);
            }
            for &drv in drivers.as_slice() {
                let of_program = drv != DriverId::OF_BUS;
                if of_program && !(core.state.is_registered(drv) && core.matches(drv, dev)) {
                    continue;
                }
                match core.driver_probe_device(drv, dev)? {
                    BOUND => return Ok(1),
                    error if error < 0 => return Ok(error),
                    _ if core.model.is(Defect::FirstDriverOnly) => return Ok(0),
                    // The next driver may try its luck.
                    _ => core.observer.point(Point::NextDriver),
                }
            }
            Ok(0)
        })
    }

    /// `driver_attach()`: the driver looks for devices, those as well that come to the bus
    /// meanwhile. Errors do not reach the caller.
    pub(super) fn driver_attach(&mut self, drv: DriverId) -> Result<(), Fault> {
        self.call("driver_attach", |core| {
            let mut seen = 0_u8;
            loop {
                let mut devices = core.state.on_bus.as_slice().iter().copied();
                let Some(dev) = devices.find(|dev| seen & 1 << dev.0 == 0) else {
                    return Ok(());
                };
                seen |= 1 << dev.0;
                if core.matches(drv, dev) {
                    core.meanwhile()?;
                    core.locked(dev, |core| core.driver_probe_device(drv, dev))?;
                }
            }
        })
    }

    /// The way of sysfs's `bind`: this driver and no other, and its error comes back.
    pub(super) fn device_driver_attach(
        &mut self,
        drv: DriverId,
        dev: DeviceId,
    ) -> Result<i32, Fault> {
        self.call("device_driver_attach", |core| {
            if core.state.device(dev).phase == Phase::Initialized {
                return Err(Fault::NotInitialized(dev));
            }
            let ret = core.locked(dev, |core| core.__driver_probe_device(drv, dev))?;
            Ok(match -ret.abs() {
                defer if defer == Errno::EPROBE_DEFER.negative() => Errno::EAGAIN.negative(),
                ret => ret,
            })
        })
    }

    /// A probe that is deferred is tried again when any driver has bound; at once if
    /// one did meanwhile.
    fn driver_probe_device(&mut self, drv: DriverId, dev: DeviceId) -> Result<i32, Fault> {
        let before = std::mem::take(&mut self.state.triggered);
        self.probe_count += 1;
        let ret = self.__driver_probe_device(drv, dev)?;
        if ret.abs() == Errno::EPROBE_DEFER.0 {
            self.driver_deferred_probe_add(dev)?;
            self.observer.point(Point::Deferred);
            if self.state.triggered {
                self.observer.point(Point::DeferredAtOnce);
                self.driver_deferred_probe_trigger()?;
            }
        }
        self.probe_count -= 1;
        self.state.triggered |= before;
        Ok(ret)
    }

    fn __driver_probe_device(&mut self, drv: DriverId, dev: DeviceId) -> Result<i32, Fault> {
        let device = self.state.device(dev);
        if device.phase != Phase::Added {
            self.observer.point(Point::BoundDeleted);
            return Ok(Errno::ENODEV.negative());
        }
        if device.driver.is_some() {
            self.observer.point(Point::BoundTwice);
            return Ok(Errno::EBUSY.negative());
        }
        self.state.device_mut(dev).can_match = true;
        if drv == DriverId::OF_BUS {
            return self.really_probe(dev, drv);
        }
        if !self.state.is_registered(drv) && !self.state.driver_mut(drv).leaving {
            return Err(Fault::DriverNotRegistered(drv));
        }
        self.state.driver_mut(drv).probing += 1;
        let ret = self.really_probe(dev, drv)?;
        self.state.driver_mut(drv).probing -= 1;
        Ok(ret)
    }

    fn really_probe(&mut self, dev: DeviceId, drv: DriverId) -> Result<i32, Fault> {
        self.call("really_probe", |core| {
            if !core.device_links_check_suppliers(dev) {
                core.observer.point(Point::ProbeWaits);
                return Ok(Errno::EPROBE_DEFER.negative());
            }
            let has_resources = !core.state.device(dev).devres.is_empty();
            if has_resources && !core.model.is(Defect::ProbesWithResources) {
                // "Resources present before probing", and nothing is undone.
                core.observer.point(Point::ProbeRefused);
                return Ok(Errno::EBUSY.negative());
            }
            core.state.device_mut(dev).driver = Some(drv);
            // driver_sysfs_add() comes before the probe; its error stays negative.
            let error = if core.state.device(dev).has_dir {
                core.call_driver_probe(dev, drv)?.map(|errno| errno.0)
            } else {
                core.observer.point(Point::ProbeWithoutDirectory);
                Some(Errno::ENOENT.negative())
            };
            if let Some(error) = error {
                core.device_links_no_driver(dev)?;
                if core.model.is(Defect::FailedProbeLeavesResources) {
                    core.state.device_mut(dev).driver = None;
                } else {
                    core.device_unbind_cleanup(dev)?;
                }
                return Ok(error);
            }
            core.driver_bound(dev)?;
            Ok(BOUND)
        })
    }

    fn call_driver_probe(&mut self, dev: DeviceId, drv: DriverId) -> Result<Option<Errno>, Fault> {
        if drv == DriverId::OF_BUS {
            return Ok(None);
        }
        self.before_driver(dev)?;
        let state = self.state.driver_mut(drv);
        state.probes = state.probes.saturating_add(1);
        let attempt = state.probes;
        self.event(Event::Probe(drv, dev));
        let Some(probe) = self.program.driver(drv).probe(attempt) else {
            return Ok(None);
        };
        self.body(dev, probe.body)?;
        if probe.error.is_some() {
            self.after_driver(dev)?;
        }
        Ok(probe.error)
    }

    /// What the bus's own probe does before it calls the driver's.
    fn before_driver(&mut self, dev: DeviceId) -> Result<(), Fault> {
        let bus = self.program.device(dev).kind.drivers;
        if bus.held {
            self.get_device(dev)?;
        }
        if bus.grouped {
            self.open_group_of_bus(dev)?;
        }
        Ok(())
    }

    /// What it does when the driver's has failed, and after the driver's remove.
    fn after_driver(&mut self, dev: DeviceId) -> Result<(), Fault> {
        let bus = self.program.device(dev).kind.drivers;
        if bus.grouped {
            self.release_group_of_bus(dev)?;
        }
        if bus.held {
            self.put_device(dev)?;
        }
        Ok(())
    }

    fn driver_bound(&mut self, dev: DeviceId) -> Result<(), Fault> {
        let full = |_| Fault::Limit(dev);
        self.state.bound.push(dev).map_err(full)?;
        self.device_links_driver_bound(dev)?;
        self.driver_deferred_probe_del(dev);
        if self.model.is(Defect::DeferredForGood) {
            return Ok(());
        }
        self.driver_deferred_probe_trigger()
    }

    pub(super) fn driver_deferred_probe_add(&mut self, dev: DeviceId) -> Result<(), Fault> {
        if !self.state.device(dev).can_match {
            return Ok(());
        }
        if self.state.pending.contains(dev) || self.state.active.contains(dev) {
            return Ok(());
        }
        self.state.pending.push(dev).map_err(|_| Fault::Limit(dev))
    }

    pub(super) fn driver_deferred_probe_del(&mut self, dev: DeviceId) {
        let waited = self.state.pending.remove_newest(dev);
        if self.state.active.remove_newest(dev) || waited {
            self.observer.point(Point::WaitsNoLonger);
        }
    }

    /// All that waits is to be tried again, on a work queue.
    fn driver_deferred_probe_trigger(&mut self) -> Result<(), Fault> {
        self.state.triggered = true;
        let pending = std::mem::replace(&mut self.state.pending, List::new(DeviceId(0)));
        for &dev in pending.as_slice() {
            self.state.active.push(dev).map_err(|_| Fault::Limit(dev))?;
        }
        Ok(())
    }

    /// Everything that is queued: deferred probes, then removals of device links or the other way
    /// round; and what these queue, as they release devices.
    pub(super) fn settle(&mut self) -> Result<(), Fault> {
        loop {
            let links_first = self.observer.links_first();
            if !links_first {
                self.deferred_probe_work()?;
            }
            // Those that are there: `flush_workqueue()` waits for no others.
            let removals = self.state.link_removals.as_slice().len();
            for _ in 0..removals {
                if let Some(link) = self.state.link_removals.remove(0) {
                    self.device_link_release(link)?;
                }
            }
            if links_first {
                self.deferred_probe_work()?;
            }
            if removals == 0 && !self.others_have_work() {
                return Ok(());
            }
        }
    }

    /// One piece of work for who waits for the device: what may hold it, and before that whatever
    /// the kernel may do first. Whether there was any.
    pub(super) fn work_on(&mut self, dev: DeviceId) -> Result<bool, Fault> {
        if !self.state.active.is_empty() {
            self.meanwhile()?;
        }
        let removals = self.state.link_removals;
        let removals = removals.as_slice();
        let of_dev = |link: &Ends| link.consumer == dev || link.supplier == dev;
        // Each is a work of its own, so that any of them may come first.
        let last = removals.iter().rposition(of_dev);
        let mut others = 0..last.unwrap_or(0);
        let first = others.find(|&at| of_dev(&removals[at]) != self.observer.overtakes());
        let at = first.or(last).unwrap_or(0);
        if let Some(link) = self.state.link_removals.remove(at) {
            let is_chosen = first.is_some() && !of_dev(&link);
            return match self.device_link_release(link) {
                // Others need not wait for it.
                Err(fault) if is_chosen => Err(self.as_overtaking(fault, true)),
                ended => ended.map(|()| true),
            };
        }
        if !self.others_have_work() {
            return Ok(false);
        }
        self.settle().map(|()| true)
    }

    /// Whether there is work that other threads can begin: not that of `deferred_probe_work_func()` while it
    /// is at work.
    pub(super) fn others_have_work(&self) -> bool {
        !self.state.link_removals.is_empty()
            || !self.state.active.is_empty() && !self.in_deferred_work
    }

    /// For the probe of `consumer`, which may be none any more: what is queued is done, and nothing
    /// else would happen. A probe waits for itself, and so does that work.
    pub(super) fn wait_for_device_probe(&mut self, consumer: DeviceId) -> Result<(), Fault> {
        self.call("wait_for_device_probe", |core| {
            if core.state.active.is_empty() || core.in_deferred_work {
                return Err(Fault::Deadlock(consumer));
            }
            core.observer.point(Point::ConsumerWaitedFor);
            core.deferred_probe_work()?;
            match core.probe_count {
                0 => Ok(()),
                _ => Err(Fault::Deadlock(consumer)),
            }
        })
    }

    fn deferred_probe_work(&mut self) -> Result<(), Fault> {
        if self.in_deferred_work {
            return Ok(());
        }
        self.call("deferred_probe_work_func", |core| {
            core.in_deferred_work = true;
            let mut retries = 0;
            while let Some(dev) = core.state.active.remove(0) {
                retries += 1;
                if retries > MAX_RETRIES {
                    return Err(Fault::Livelock(dev));
                }
                core.observer.point(Point::TriedAgain);
                core.get_device(dev)?;
                core.call("bus_probe_device_deferred", |core| {
                    core.device_initial_probe(dev)
                })?;
                core.put_device(dev)?;
            }
            core.in_deferred_work = false;
            Ok(())
        })
    }

    /// `driver_detach()`: lets go of all devices of a driver, holding a reference
    /// of each meanwhile.
    pub(super) fn driver_detach(&mut self, drv: DriverId) -> Result<(), Fault> {
        self.call("driver_detach", |core| {
            // The device that was bound last goes first.
            let last = |core: &Self| {
                let bound = core.state.bound.as_slice().iter().copied();
                bound
                    .rev()
                    .find(|&dev| core.state.device(dev).driver == Some(drv))
            };
            while let Some(dev) = last(core) {
                core.meanwhile()?;
                core.observer.point(Point::Detached);
                let holds = !core.model.is(Defect::DetachHoldsNothing);
                if holds {
                    core.get_device(dev)?;
                }
                core.device_release_driver(dev)?;
                if holds {
                    core.put_device(dev)?;
                }
            }
            Ok(())
        })
    }

    pub(super) fn device_release_driver(&mut self, dev: DeviceId) -> Result<(), Fault> {
        self.call("device_release_driver", |core| {
            core.locked(dev, |core| core.__device_release_driver(dev))
        })
    }

    /// The lock is let go of while consumers are unbound, who come first.
    fn __device_release_driver(&mut self, dev: DeviceId) -> Result<(), Fault> {
        let Some(drv) = self.state.device(dev).driver else {
            self.observer.point(Point::UnboundAlready);
            return Ok(());
        };
        while self.device_links_busy(dev) {
            self.state.device_mut(dev).locked = false;
            self.device_links_unbind_consumers(dev)?;
            self.lock(dev)?;
            if self.state.device(dev).driver != Some(drv) {
                return Ok(());
            }
        }
        if drv != DriverId::OF_BUS {
            self.event(Event::Remove(drv, dev));
            self.body(dev, self.program.driver(drv).remove)?;
            self.after_driver(dev)?;
        }
        self.observer.matters(Fix::UnbindReleasesDevresFirst);
        if self.model.has(Fix::UnbindReleasesDevresFirst) {
            self.device_unbind_cleanup(dev)?;
            self.device_links_driver_cleanup(dev)?;
        } else {
            self.device_links_driver_cleanup(dev)?;
            self.device_unbind_cleanup(dev)?;
        }
        self.state.bound.remove_newest(dev);
        Ok(())
    }

    /// `dev->driver` is cleared only after the managed resources are gone.
    fn device_unbind_cleanup(&mut self, dev: DeviceId) -> Result<(), Fault> {
        self.call("device_unbind_cleanup", |core| {
            core.point_of_a_pass(dev, Point::PassOfUnbind);
            if core.model.is(Defect::DriverClearedFirst) {
                core.state.device_mut(dev).driver = None;
            }
            core.devres_release_all(dev)?;
            core.state.device_mut(dev).driver = None;
            Ok(())
        })
    }
}
