//! `lib/kobject.c` and `get_device()` / `put_device()`: the reference count, and what
//! a child's place in sysfs costs its parent.
//! Source: Linux 6.12.

use super::core::Core;
use super::defects::Defect;
use super::event::{Fault, Observer};
use super::points::Point;
use super::program::DeviceId;

impl<O: Observer> Core<'_, O> {
    pub(super) fn get_device(&mut self, dev: DeviceId) -> Result<(), Fault> {
        let refs = &mut self.state.device_mut(dev).refs;
        // refcount_inc() on 0 warns: the object is on its way out already.
        if *refs == 0 {
            return Err(Fault::UseAfterFree(dev));
        }
        *refs = refs.checked_add(1).ok_or(Fault::Limit(dev))?;
        Ok(())
    }

    pub(super) fn put_device(&mut self, dev: DeviceId) -> Result<(), Fault> {
        let refs = &mut self.state.device_mut(dev).refs;
        *refs = refs.checked_sub(1).ok_or(Fault::Underflow(dev))?;
        if *refs > 0 {
            return Ok(());
        }
        self.call("put_device", |core| core.device_release(dev))
    }

    /// A kobject holds its parent. Devices of a class below a device without one share
    /// a directory, and it is that which holds (`get_device_parent()`). Below a parent
    /// without a directory nothing can be added (`sysfs_create_dir_ns()`).
    pub(super) fn kobject_add(&mut self, dev: DeviceId) -> Result<bool, Fault> {
        if let Some(parent) = self.program.device(dev).parent {
            if !self.state.device(parent).has_dir {
                return Ok(false);
            }
            if self.shares_glue_dir(dev, parent) {
                self.observer.point(Point::GlueDirShared);
            } else {
                self.get_device(parent)?;
            }
        }
        let device = self.state.device_mut(dev);
        (device.in_sysfs, device.has_dir) = (true, true);
        Ok(true)
    }

    /// The last one leaves the shared directory, and it goes (`cleanup_glue_dir()`).
    pub(super) fn kobject_del(&mut self, dev: DeviceId) -> Result<(), Fault> {
        self.state.device_mut(dev).in_sysfs = false;
        // The directory goes with all that is in it (`sysfs_remove_dir()`).
        for other in self.program.device_ids() {
            if other == dev || self.device_is_ancestor(dev, other) {
                if other != dev && self.state.device(other).has_dir {
                    self.observer.point(Point::DirectoryGone);
                }
                self.state.device_mut(other).has_dir = false;
            }
        }
        match self.program.device(dev).parent {
            _ if self.model.is(Defect::KobjectKeepsParent) => Ok(()),
            Some(parent) if !self.shares_glue_dir(dev, parent) => self.put_device(parent),
            _ => Ok(()),
        }
    }

    /// Whether another device keeps the directory that the device would live in.
    fn shares_glue_dir(&self, dev: DeviceId, parent: DeviceId) -> bool {
        let kind = self.program.device(dev).kind;
        if !kind.in_class || self.program.device(parent).kind.in_class {
            return false;
        }
        self.program.device_ids().any(|other| {
            let sibling = self.program.device(other);
            other != dev
                && sibling.parent == Some(parent)
                && sibling.kind == kind
                && self.state.device(other).in_sysfs
        })
    }
}
