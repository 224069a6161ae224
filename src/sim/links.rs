//! Device links, in `drivers/base/core.c`: a consumer does not outlive its supplier's
//! driver. Managed links without flags, which last as long as both ends are registered.
//! Source: Linux 6.12.

use super::core::Core;
use super::defects::Defect;
use super::errno::Errno;
use super::event::{Event, Fault, Observer, Warning};
use super::list::List;
use super::points::Point;
use super::program::{DeviceId, MAX_LINKS};
use super::state::{Link, LinkStatus, LinksStatus};

impl<O: Observer> Core<'_, O> {
    /// -EINVAL stands for the NULL that the kernel returns.
    pub(super) fn device_link_add(
        &mut self,
        consumer: DeviceId,
        supplier: DeviceId,
        while_bound: bool,
    ) -> Result<i32, Fault> {
        self.in_use(consumer)?;
        self.in_use(supplier)?;
        // device_pm_initialized(): no longer when what is left on a list is released.
        let refused = !self.state.device(supplier).in_dpm_list
            || self.device_is_dependent(consumer, supplier, 0)?;
        if refused {
            self.observer.point(Point::LinkRefused);
            return Ok(Errno::EINVAL.negative());
        }
        let same = move |link: &Link| link.consumer == consumer && link.supplier == supplier;
        // The longer life of the two.
        let known = self.links(same).next();
        if known.map(|link| link.while_bound &= while_bound).is_some() {
            self.observer.point(Point::LinkThere);
            return Ok(0);
        }
        if !self.model.is(Defect::SupplierNotHeld) {
            self.get_device(supplier)?;
        }
        self.get_device(consumer)?;
        let link = Link {
            consumer,
            supplier,
            status: self.device_link_init_status(consumer, supplier),
            while_bound,
        };
        let full = |_| Fault::Limit(supplier);
        self.state.links.push(link).map_err(full)?;
        Ok(0)
    }

    fn device_link_init_status(&self, consumer: DeviceId, supplier: DeviceId) -> LinkStatus {
        let status = |dev| self.state.device(dev).links;
        match (status(supplier), status(consumer)) {
            (LinksStatus::Probing, LinksStatus::Probing) => LinkStatus::ConsumerProbe,
            (LinksStatus::Probing, _) | (LinksStatus::NoDriver, _) => LinkStatus::Dormant,
            (LinksStatus::DriverBound, LinksStatus::Probing) => LinkStatus::ConsumerProbe,
            (LinksStatus::DriverBound, LinksStatus::DriverBound) => LinkStatus::Active,
            (LinksStatus::DriverBound, _) => LinkStatus::Available,
            (LinksStatus::Unbinding, _) => LinkStatus::SupplierUnbind,
        }
    }

    /// Whether `target` depends on `dev`: it is `dev`, hangs below it, or consumes it. `above` are
    /// the devices from which the walk came here, a bit each: it has no other end than their number.
    fn device_is_dependent(
        &self,
        dev: DeviceId,
        target: DeviceId,
        above: u8,
    ) -> Result<bool, Fault> {
        if dev == target || self.walk_up_to(dev, target)? {
            return Ok(true);
        }
        if above & 1 << dev.0 != 0 {
            return Err(Fault::EndlessLinks(dev));
        }
        let children = self.program.device_ids().filter(|&child| {
            self.program.device(child).parent == Some(dev) && self.state.device(child).knode_parent
        });
        let links = self.state.links.as_slice().iter();
        let consumers = links
            .filter(|link| link.supplier == dev)
            .map(|link| link.consumer);
        for next in children.chain(consumers) {
            if self.device_is_dependent(next, target, above | 1 << dev.0)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// `device_is_ancestor()` as the kernel does it: a device that was removed does not hold what
    /// is above it any more, and is still asked for it.
    fn walk_up_to(&self, dev: DeviceId, target: DeviceId) -> Result<bool, Fault> {
        let mut above = self.program.device(target).parent;
        while let Some(parent) = above {
            if parent == dev {
                return Ok(true);
            }
            self.in_use(parent)?;
            above = self.program.device(parent).parent;
        }
        Ok(false)
    }

    /// Whether `target` hangs below `dev`, however deep, registered or not.
    pub(super) fn device_is_ancestor(&self, dev: DeviceId, target: DeviceId) -> bool {
        let mut above = self.program.device(target).parent;
        while let Some(parent) = above {
            if parent == dev {
                return true;
            }
            above = self.program.device(parent).parent;
        }
        false
    }

    fn links(&mut self, is: impl Fn(&Link) -> bool) -> impl Iterator<Item = &mut Link> {
        let links = self.state.links.as_mut_slice().iter_mut();
        links.filter(move |link| is(link))
    }

    fn links_status(&mut self, dev: DeviceId, status: LinksStatus) {
        self.state.device_mut(dev).links = status;
    }

    /// Whether all suppliers are there; if so, the consumer is being probed.
    pub(super) fn device_links_check_suppliers(&mut self, dev: DeviceId) -> bool {
        let mut missing = false;
        for link in self.links(|link| link.consumer == dev) {
            missing = link.status != LinkStatus::Available;
            if missing {
                break;
            }
            link.status = LinkStatus::ConsumerProbe;
        }
        if missing {
            self.device_links_missing_supplier(dev);
        }
        self.links_status(dev, LinksStatus::Probing);
        !missing
    }

    fn device_links_missing_supplier(&mut self, dev: DeviceId) {
        let devices = self.state.devices;
        let mut warnings = 0;
        for link in self.links(|link| link.consumer == dev) {
            if link.status != LinkStatus::ConsumerProbe {
                continue;
            }
            let supplier = &devices[usize::from(link.supplier.0)];
            if supplier.links == LinksStatus::DriverBound {
                link.status = LinkStatus::Available;
            } else {
                link.status = LinkStatus::Dormant;
                warnings += 1;
            }
        }
        self.warn(Warning::DeviceLinksMissingSupplier, warnings);
    }

    fn warn(&mut self, warning: Warning, times: u8) {
        for _ in 0..times {
            self.call(warning.function(), |core| {
                core.event(Event::Warning(warning))
            });
        }
    }

    pub(super) fn device_links_driver_bound(&mut self, dev: DeviceId) {
        let mut warnings = 0;
        for link in self.links(|link| link.supplier == dev) {
            if matches!(link.status, LinkStatus::ConsumerProbe | LinkStatus::Active) {
                continue;
            }
            warnings += u8::from(link.status != LinkStatus::Dormant);
            link.status = LinkStatus::Available;
        }
        for link in self.links(|link| link.consumer == dev) {
            warnings += u8::from(link.status != LinkStatus::ConsumerProbe);
            link.status = LinkStatus::Active;
        }
        self.warn(Warning::DeviceLinksDriverBound, warnings);
        self.links_status(dev, LinksStatus::DriverBound);
    }

    pub(super) fn device_links_no_driver(&mut self, dev: DeviceId) {
        self.links(|link| link.supplier == dev)
            .filter(|link| matches!(link.status, LinkStatus::ConsumerProbe | LinkStatus::Active))
            .for_each(|link| link.status = LinkStatus::Dormant);
        self.__device_links_no_driver(dev);
    }

    fn __device_links_no_driver(&mut self, dev: DeviceId) {
        let devices = self.state.devices;
        let mut warnings = 0;
        for link in self.links(|link| link.consumer == dev) {
            if !matches!(link.status, LinkStatus::ConsumerProbe | LinkStatus::Active) {
                continue;
            }
            let supplier = &devices[usize::from(link.supplier.0)];
            if supplier.links == LinksStatus::DriverBound {
                link.status = LinkStatus::Available;
            } else {
                link.status = LinkStatus::Dormant;
                warnings += u8::from(supplier.links != LinksStatus::Unbinding);
            }
        }
        self.warn(Warning::DeviceLinksNoDriver, warnings);
        self.links_status(dev, LinksStatus::NoDriver);
    }

    pub(super) fn device_links_driver_cleanup(&mut self, dev: DeviceId) -> Result<(), Fault> {
        let mut warnings = 0;
        let mut gone: List<Link, MAX_LINKS> = List::new(Link::default());
        for link in self.links(|link| link.supplier == dev) {
            warnings += u8::from(link.status != LinkStatus::SupplierUnbind);
            if link.while_bound && link.status == LinkStatus::SupplierUnbind {
                gone.push(*link).map_err(|_| Fault::Limit(dev))?;
                continue;
            }
            link.status = LinkStatus::Dormant;
        }
        self.warn(Warning::DeviceLinksDriverCleanup, warnings);
        for &link in gone.as_slice() {
            self.observer.point(Point::LinkGoes);
            self.device_link_del(link, false)?;
        }
        self.__device_links_no_driver(dev);
        Ok(())
    }

    /// Whether a consumer is bound, or being so; those before it cannot bind any more.
    pub(super) fn device_links_busy(&mut self, dev: DeviceId) -> bool {
        let mut busy = false;
        for link in self.links(|link| link.supplier == dev) {
            if matches!(link.status, LinkStatus::ConsumerProbe | LinkStatus::Active) {
                busy = true;
                break;
            }
            link.status = LinkStatus::SupplierUnbind;
        }
        self.links_status(dev, LinksStatus::Unbinding);
        busy && !self.model.is(Defect::ConsumersStay)
    }

    pub(super) fn device_links_unbind_consumers(&mut self, dev: DeviceId) -> Result<(), Fault> {
        self.call("device_links_unbind_consumers", |core| {
            loop {
                let mut active = None;
                for link in core.links(|link| link.supplier == dev) {
                    let consumer = link.consumer;
                    match std::mem::replace(&mut link.status, LinkStatus::SupplierUnbind) {
                        // The kernel waits for a probe that waits for it.
                        LinkStatus::ConsumerProbe => return Err(Fault::Deadlock(consumer)),
                        LinkStatus::Active => active = Some(consumer),
                        _ => {}
                    }
                    if active.is_some() {
                        break;
                    }
                }
                let Some(consumer) = active else {
                    return Ok(());
                };
                core.observer.point(Point::ConsumerUnbound);
                core.get_device(consumer)?;
                core.device_release_driver(consumer)?;
                core.put_device(consumer)?;
            }
        })
    }

    /// The links of a device that goes are removed, by work on a queue.
    pub(super) fn device_links_purge(&mut self, dev: DeviceId) -> Result<(), Fault> {
        let links = self.state.links;
        for link in links.as_slice().iter().rev() {
            if link.consumer == dev {
                self.observer.point(Point::LinkPurged);
                self.device_link_del(*link, link.status == LinkStatus::Active)?;
            }
        }
        for link in links.as_slice().iter().rev() {
            if link.supplier == dev {
                self.device_link_del(*link, link.status != LinkStatus::Dormant)?;
            }
        }
        Ok(())
    }

    fn device_link_del(&mut self, link: Link, warns: bool) -> Result<(), Fault> {
        self.warn(Warning::DeviceLinksPurge, u8::from(warns));
        self.state.links.remove_newest(link);
        let full = |_| Fault::Limit(link.supplier);
        self.state.link_removals.push(link).map_err(full)
    }

    /// What the work does.
    pub(super) fn device_link_release(&mut self, link: Link) -> Result<(), Fault> {
        self.call("device_link_release_fn", |core| {
            core.put_device(link.consumer)?;
            core.put_device(link.supplier)
        })
    }
}
