//! What drivers make of device links, in `drivers/base/core.c`: a consumer waits for its suppliers,
//! and goes before them. How links come and go is in `links`.
//! Source: Linux 6.12.

use super::core::Core;
use super::defects::Defect;
use super::event::{Fault, Observer, Warning};
use super::list::List;
use super::points::Point;
use super::program::{DeviceId, MAX_LINKS};
use super::state::{Autoremove, Ends, LinkStatus, LinksStatus};

/// What a link is when its consumer has let go of it, by what its supplier is.
fn without_consumer(supplier: LinksStatus) -> LinkStatus {
    match supplier {
        LinksStatus::DriverBound => LinkStatus::Available,
        _ => LinkStatus::Dormant,
    }
}

impl<O: Observer> Core<'_, O> {
    /// Whether all suppliers are there; if so, the consumer is being probed.
    pub(super) fn device_links_check_suppliers(&mut self, dev: DeviceId) -> bool {
        let mut missing = false;
        for link in self.managed_to_suppliers(dev) {
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
        let devices = self.state.devices.each_ref().map(|device| device.links);
        let mut warnings = 0;
        for link in self.managed_to_suppliers(dev) {
            if link.status != LinkStatus::ConsumerProbe {
                continue;
            }
            let supplier = devices[usize::from(link.ends.supplier.0)];
            link.status = without_consumer(supplier);
            warnings += u8::from(link.status == LinkStatus::Dormant);
        }
        self.warn(Warning::DeviceLinksMissingSupplier, warnings);
    }

    pub(super) fn device_links_driver_bound(&mut self, dev: DeviceId) -> Result<(), Fault> {
        let mut warnings = 0;
        let mut probed = List::new(DeviceId(0));
        for link in self.managed_to_consumers(dev) {
            if matches!(link.status, LinkStatus::ConsumerProbe | LinkStatus::Active) {
                continue;
            }
            warnings += u8::from(link.status != LinkStatus::Dormant);
            link.status = LinkStatus::Available;
            if link.autoprobe {
                probed
                    .push(link.ends.consumer)
                    .map_err(|_| Fault::Limit(dev))?;
            }
        }
        let probed: List<DeviceId, MAX_LINKS> = probed;
        for &consumer in probed.as_slice() {
            self.observer.point(Point::ConsumerToBeProbed);
            self.driver_deferred_probe_add(consumer)?;
        }
        for link in self.managed_to_suppliers(dev) {
            warnings += u8::from(link.status != LinkStatus::ConsumerProbe);
            link.status = LinkStatus::Active;
        }
        self.warn(Warning::DeviceLinksDriverBound, warnings);
        self.links_status(dev, LinksStatus::DriverBound);
        Ok(())
    }

    pub(super) fn device_links_no_driver(&mut self, dev: DeviceId) -> Result<(), Fault> {
        self.managed_to_consumers(dev)
            .filter(|link| matches!(link.status, LinkStatus::ConsumerProbe | LinkStatus::Active))
            .for_each(|link| link.status = LinkStatus::Dormant);
        self.__device_links_no_driver(dev)
    }

    fn __device_links_no_driver(&mut self, dev: DeviceId) -> Result<(), Fault> {
        let devices = self.state.devices.each_ref().map(|device| device.links);
        let mut warnings = 0;
        let mut gone = List::new(Ends::default());
        for link in self.managed_to_suppliers(dev) {
            if link.autoremove == Autoremove::Consumer {
                gone.push(link.ends).map_err(|_| Fault::Limit(dev))?;
                continue;
            }
            if !matches!(link.status, LinkStatus::ConsumerProbe | LinkStatus::Active) {
                continue;
            }
            let supplier = devices[usize::from(link.ends.supplier.0)];
            link.status = without_consumer(supplier);
            let dormant = link.status == LinkStatus::Dormant;
            warnings += u8::from(dormant && supplier != LinksStatus::Unbinding);
        }
        self.warn(Warning::DeviceLinksNoDriver, warnings);
        let gone: List<Ends, MAX_LINKS> = gone;
        for &link in gone.as_slice().iter().rev() {
            self.observer.point(Point::LinkGoesWithConsumer);
            self.device_link_drop_managed(link)?;
        }
        self.links_status(dev, LinksStatus::NoDriver);
        Ok(())
    }

    pub(super) fn device_links_driver_cleanup(&mut self, dev: DeviceId) -> Result<(), Fault> {
        let mut warnings = 0;
        let mut gone = List::new(Ends::default());
        for link in self.managed_to_consumers(dev) {
            let unbinds = link.status == LinkStatus::SupplierUnbind;
            // A consumer that lost its driver would have taken it along.
            warnings += u8::from(link.autoremove == Autoremove::Consumer);
            warnings += u8::from(!unbinds);
            if unbinds && link.autoremove == Autoremove::Supplier {
                gone.push(link.ends).map_err(|_| Fault::Limit(dev))?;
            }
            link.status = LinkStatus::Dormant;
        }
        self.warn(Warning::DeviceLinksDriverCleanup, warnings);
        let gone: List<Ends, MAX_LINKS> = gone;
        for &link in gone.as_slice() {
            self.observer.point(Point::LinkGoes);
            self.device_link_drop_managed(link)?;
        }
        self.__device_links_no_driver(dev)
    }

    /// Whether a consumer is bound, or being so; those before it cannot bind any more.
    pub(super) fn device_links_busy(&mut self, dev: DeviceId) -> bool {
        let mut busy = false;
        for link in self.managed_to_consumers(dev) {
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
                let mut busy = None;
                for link in core.managed_to_consumers(dev) {
                    let status = link.status;
                    if matches!(status, LinkStatus::ConsumerProbe | LinkStatus::Active) {
                        busy = Some((link.ends.consumer, status));
                    }
                    if status != LinkStatus::ConsumerProbe {
                        link.status = LinkStatus::SupplierUnbind;
                    }
                    if busy.is_some() {
                        break;
                    }
                }
                let Some((consumer, status)) = busy else {
                    return Ok(());
                };
                if status == LinkStatus::ConsumerProbe {
                    core.wait_for_device_probe(consumer)?;
                    continue;
                }
                core.observer.point(Point::ConsumerUnbound);
                core.get_device(consumer)?;
                core.device_release_driver(consumer)?;
                core.put_device(consumer)?;
            }
        })
    }
}
