//! Device links, in `drivers/base/core.c`: a consumer does not outlive its supplier's
//! driver. How links come and go; what drivers make of them is in `suppliers`.
//! Source: Linux 6.12.

use super::core::Core;
use super::defects::Defect;
use super::errno::Errno;
use super::event::{Event, Fault, Observer, Warning};
use super::points::Point;
use super::program::{DeviceId, LinkFlags};
use super::state::{Autoremove, Ends, Link, LinkStatus, LinksStatus};

impl Link {
    /// The first one of its two ends.
    fn new(ends: Ends, flags: LinkFlags, status: LinkStatus) -> Link {
        let stateless = flags == LinkFlags::Stateless;
        Link {
            ends,
            status: if stateless { LinkStatus::None } else { status },
            refs: 1,
            managed: !stateless,
            stateless,
            autoremove: autoremove(flags),
            autoprobe: flags == LinkFlags::Autoprobe,
        }
    }

    /// What it becomes where it is there already: a managed one lasts the longer of two lives. `None`
    /// if it was there too often.
    fn add_again(&mut self, flags: LinkFlags, status: LinkStatus) -> Option<()> {
        if flags == LinkFlags::Stateless {
            self.refs = self.refs.checked_add(1)?;
            self.stateless = true;
            return Some(());
        }
        match autoremove(flags) {
            Autoremove::Never => self.autoremove = Autoremove::Never,
            // Of a link without either it is no news.
            Autoremove::Supplier if self.autoremove == Autoremove::Consumer => {
                self.autoremove = Autoremove::Supplier;
            }
            Autoremove::Supplier | Autoremove::Consumer => {}
        }
        if !self.managed {
            self.refs = self.refs.checked_add(1)?;
            self.managed = true;
            self.status = status;
        }
        Some(())
    }
}

fn autoremove(flags: LinkFlags) -> Autoremove {
    match flags {
        LinkFlags::WhileSupplierBound => Autoremove::Supplier,
        LinkFlags::WhileConsumerBound => Autoremove::Consumer,
        LinkFlags::Managed | LinkFlags::Autoprobe | LinkFlags::Stateless => Autoremove::Never,
    }
}

impl<O: Observer> Core<'_, O> {
    /// -EINVAL stands for the NULL that the kernel returns.
    pub(super) fn device_link_add(
        &mut self,
        consumer: DeviceId,
        supplier: DeviceId,
        flags: LinkFlags,
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
        let ends = Ends { consumer, supplier };
        let status = self.device_link_init_status(ends);
        let known = self.links(|link| link.ends == ends).next();
        if let Some(added) = known.map(|link| link.add_again(flags, status)) {
            self.observer.point(Point::LinkThere);
            return added.map(|()| 0).ok_or(Fault::Limit(supplier));
        }
        if !self.model.is(Defect::SupplierNotHeld) {
            self.get_device(supplier)?;
        }
        self.get_device(consumer)?;
        let full = |_| Fault::Limit(supplier);
        let link = Link::new(ends, flags, status);
        self.state.links.push(link).map_err(full)?;
        Ok(0)
    }

    /// What is managed stays as long as its consumer is registered.
    pub(super) fn device_link_remove(
        &mut self,
        consumer: DeviceId,
        supplier: DeviceId,
    ) -> Result<(), Fault> {
        self.call("device_link_remove", |core| {
            if consumer == supplier {
                core.event(Event::Warning(Warning::DeviceLinkRemove));
                return Ok(());
            }
            core.in_use(supplier)?;
            let ends = Ends { consumer, supplier };
            let Some(link) = core.links(|link| link.ends == ends).next().copied() else {
                core.observer.point(Point::NoLinkToRemove);
                return Ok(());
            };
            if link.stateless {
                core.observer.point(Point::LinkRemoved);
                core.device_link_put(ends)
            } else if core.state.device(consumer).in_sysfs {
                core.observer.point(Point::LinkNotRemoved);
                core.warn(Warning::DeviceLinkPut, 1);
                Ok(())
            } else {
                core.device_link_del(ends)
            }
        })
    }

    fn device_link_init_status(&self, ends: Ends) -> LinkStatus {
        let status = |dev| self.state.device(dev).links;
        match (status(ends.supplier), status(ends.consumer)) {
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
            .filter(|link| link.ends.supplier == dev)
            .map(|link| link.ends.consumer);
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

    pub(super) fn managed_to_suppliers(
        &mut self,
        dev: DeviceId,
    ) -> impl Iterator<Item = &mut Link> {
        self.links(move |link| link.managed && link.ends.consumer == dev)
    }

    pub(super) fn managed_to_consumers(
        &mut self,
        dev: DeviceId,
    ) -> impl Iterator<Item = &mut Link> {
        self.links(move |link| link.managed && link.ends.supplier == dev)
    }

    pub(super) fn links_status(&mut self, dev: DeviceId, status: LinksStatus) {
        self.state.device_mut(dev).links = status;
    }

    /// The links of a device that goes are removed, by work on a queue.
    pub(super) fn device_links_purge(&mut self, dev: DeviceId) -> Result<(), Fault> {
        let links = self.state.links;
        for link in links.as_slice().iter().rev() {
            if link.ends.consumer == dev {
                self.observer.point(Point::LinkPurged);
                let warns = link.status == LinkStatus::Active;
                self.warn(Warning::DeviceLinksPurge, u8::from(warns));
                self.device_link_del(link.ends)?;
            }
        }
        for link in links.as_slice().iter().rev() {
            if link.ends.supplier == dev {
                let warns = !matches!(link.status, LinkStatus::Dormant | LinkStatus::None);
                self.warn(Warning::DeviceLinksPurge, u8::from(warns));
                self.device_link_del(link.ends)?;
            }
        }
        Ok(())
    }

    /// Drivers are of no matter to it any more, and that may have been all that it was there for.
    pub(super) fn device_link_drop_managed(&mut self, ends: Ends) -> Result<(), Fault> {
        for link in self.links(|link| link.ends == ends) {
            link.managed = false;
            link.status = LinkStatus::None;
        }
        self.device_link_put(ends)
    }

    fn device_link_put(&mut self, ends: Ends) -> Result<(), Fault> {
        let link = self.links(|link| link.ends == ends).next();
        let left = link.map(|link| {
            link.refs -= 1;
            link.refs
        });
        match left {
            Some(0) => self.device_link_del(ends),
            _ => Ok(()),
        }
    }

    /// `__device_link_del()`, whoever else may count on it.
    fn device_link_del(&mut self, ends: Ends) -> Result<(), Fault> {
        self.state.links.retain(|link| link.ends != ends);
        let full = |_| Fault::Limit(ends.supplier);
        self.state.link_removals.push(ends).map_err(full)
    }

    pub(super) fn warn(&mut self, warning: Warning, times: u8) {
        for _ in 0..times {
            self.observer.enter(warning.function());
            self.event(Event::Warning(warning));
            self.observer.leave();
        }
    }

    /// What the work does.
    pub(super) fn device_link_release(&mut self, link: Ends) -> Result<(), Fault> {
        self.call("device_link_release_fn", |core| {
            core.put_device(link.consumer)?;
            core.put_device(link.supplier)
        })
    }
}
