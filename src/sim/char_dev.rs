//! `fs/char_dev.c`, and what frameworks make of it: open files, what they hold, and what
//! goes with the last of them; `drivers/char/misc.c`, where they hold nothing. Source: Linux 6.12.

use super::core::Core;
use super::defects::Defect;
use super::errno::Errno;
use super::event::{Fault, Observer};
use super::list::List;
use super::points::Point;
use super::program::{ActionId, DeviceId, HandleId, Handles};
use super::state::Phase;

impl<O: Observer> Core<'_, O> {
    fn handles(&self, dev: DeviceId) -> Handles {
        self.program.device(dev).kind.handles
    }

    /// A cdev's kobject holds the device, as its parent (`cdev_set_parent()` and
    /// `cdev_add()`). An object holds the device's parent (`drm_dev_init()`); the device's
    /// first reference is its own.
    pub(super) fn cdev_add(&mut self, dev: DeviceId) -> Result<(), Fault> {
        match self.handles(dev) {
            Handles::None | Handles::Misc => return Ok(()),
            Handles::Cdev | Handles::CdevAndDevice => self.get_device(dev)?,
            Handles::Object => {
                if let Some(parent) = self.program.device(dev).parent {
                    self.in_use(parent)?;
                    self.get_device(parent)?;
                }
            }
        }
        self.state.device_mut(dev).cdev = 1;
        Ok(())
    }

    /// What was not to be: the device could not be added.
    pub(super) fn cdev_del_unused(&mut self, dev: DeviceId) -> Result<(), Fault> {
        let device = self.state.device_mut(dev);
        let was_there = std::mem::take(&mut device.cdev) > 0;
        device.cdev_gone = was_there;
        match (self.handles(dev), self.program.device(dev).parent) {
            (Handles::Cdev | Handles::CdevAndDevice, _) => self.put_device(dev),
            (Handles::Object, Some(parent)) => self.put_device(parent),
            (Handles::None | Handles::Object | Handles::Misc, _) => Ok(()),
        }
    }

    /// With the last reference of the cdev goes its reference of the device
    /// (`cdev_default_release()`); with that of an object its managed resources, then the
    /// device, then the reference of the parent (`drm_dev_release()`).
    pub(super) fn cdev_put(&mut self, dev: DeviceId) -> Result<(), Fault> {
        let cdev = &mut self.state.device_mut(dev).cdev;
        *cdev -= 1;
        if *cdev > 0 {
            return Ok(());
        }
        if self.handles(dev) != Handles::Object {
            return self.call("cdev_default_release", |core| core.put_device(dev));
        }
        self.call("drm_dev_release", |core| {
            core.deleting |= 1 << dev.0;
            let list = &mut core.state.device_mut(dev).of_object;
            let todo = std::mem::replace(list, List::new(ActionId(0)));
            for &action in todo.as_slice().iter().rev() {
                core.observer.point(Point::PassOfObject);
                core.run_action(action)?;
            }
            core.deleting &= !(1 << dev.0);
            core.put_device(dev)?;
            match core.program.device(dev).parent {
                Some(parent) => core.put_device(parent),
                None => Ok(()),
            }
        })
    }

    /// The lock of all misc devices, which one of them holds while it comes, goes or is opened.
    /// What goes on within that has to do without the others, and would wait for itself.
    pub(super) fn with_misc_mtx<R>(
        &mut self,
        dev: DeviceId,
        f: impl FnOnce(&mut Self) -> Result<R, Fault>,
    ) -> Result<R, Fault> {
        if self.handles(dev) != Handles::Misc {
            return f(self);
        }
        if let Some(holder) = self.misc_mtx {
            return Err(Fault::Deadlock(holder));
        }
        self.misc_mtx = Some(dev);
        let result = f(self)?;
        self.misc_mtx = None;
        Ok(result)
    }

    /// `drmm_add_action()`, which the test reaches by the device, as long as that is there.
    pub(super) fn add_action_of_object(
        &mut self,
        dev: DeviceId,
        action: ActionId,
    ) -> Result<i32, Fault> {
        let device = self.state.device_mut(dev);
        if !device.in_sysfs {
            return Ok(Errno::ENODEV.negative());
        }
        device
            .of_object
            .push(action)
            .map_err(|_| Fault::Limit(dev))?;
        Ok(0)
    }

    /// What user space does with a character device: the file holds the cdev
    /// (`chrdev_open()`). `cdev_device_del()` deletes the device first and the cdev then,
    /// after which there is nothing to open. All that user space has of it is a number, which
    /// outlives it.
    pub(super) fn open(&mut self, handle: HandleId) -> Result<i32, Fault> {
        let dev = self.program.handle(handle).device;
        if self.state.device(dev).phase == Phase::Absent {
            return Err(Fault::NotInitialized(dev));
        }
        if self.state.is_open(handle) {
            return Err(Fault::OpenTwice(handle));
        }
        let held = self.handles(dev);
        if held == Handles::Misc {
            return self.misc_open(handle);
        }
        // `drm_minor_acquire()` asks whether it is unplugged, and that comes first of all.
        if held == Handles::Object && self.state.device(dev).phase != Phase::Added {
            return Ok(Errno::ENODEV.negative());
        }
        // That is when `device_del()` has returned.
        let deleting = self.deleting & 1 << dev.0 != 0;
        if !self.state.device(dev).in_sysfs && !deleting {
            self.observer.point(Point::OpenedTooLate);
            return Ok(Errno::ENXIO.negative());
        }
        // One reader at a time: `iio_chrdev_open()`.
        if held == Handles::CdevAndDevice && self.state.device(dev).cdev > 1 {
            self.observer.point(Point::OpenedTwice);
            return Ok(Errno::EBUSY.negative());
        }
        let full = Fault::Limit(dev);
        let cdev = &mut self.state.device_mut(dev).cdev;
        *cdev = cdev.checked_add(1).ok_or(full)?;
        if held == Handles::CdevAndDevice {
            self.get_device(dev)?;
        }
        self.observer.point(Point::Opened);
        self.state.open[usize::from(handle.0)] = true;
        Ok(0)
    }

    /// The file takes over the driver's functions, and holds its module and nothing of the device:
    /// not even the `struct miscdevice` that it points to.
    fn misc_open(&mut self, handle: HandleId) -> Result<i32, Fault> {
        let dev = self.program.handle(handle).device;
        self.with_misc_mtx(dev, |core| {
            if core.state.device(dev).phase != Phase::Added {
                return Ok(Errno::ENODEV.negative());
            }
            core.observer.point(Point::Opened);
            core.state.open[usize::from(handle.0)] = true;
            Ok(0)
        })
    }

    /// What user space asks of an open file reaches the driver, unless its framework looks
    /// first whether the device is still there (`drm_dev_enter()`). A file does not keep it
    /// from going.
    pub(super) fn use_handle(&mut self, handle: HandleId) -> Result<i32, Fault> {
        if !self.state.is_open(handle) {
            return Err(Fault::NotOpen(handle));
        }
        let dev = self.program.handle(handle).device;
        let gone = self.state.device(dev).phase != Phase::Added;
        Ok(match self.handles(dev) {
            Handles::Object if gone => Errno::ENODEV.negative(),
            _ => 0,
        })
    }

    pub(super) fn close(&mut self, handle: HandleId) -> Result<(), Fault> {
        if !std::mem::take(&mut self.state.open[usize::from(handle.0)]) {
            return Err(Fault::NotOpen(handle));
        }
        let dev = self.program.handle(handle).device;
        match self.handles(dev) {
            // The file's own release function comes first (`__fput()`).
            Handles::CdevAndDevice => self.put_device(dev)?,
            Handles::Misc => return Ok(()),
            Handles::None | Handles::Cdev | Handles::Object => {}
        }
        let device = self.state.device(dev);
        if device.cdev == 1 && device.phase == Phase::Deleted {
            self.observer.point(Point::ClosedLast);
        }
        if self.model.is(Defect::CloseKeeps) {
            return Ok(());
        }
        self.cdev_put(dev)
    }
}
