//! `lib/kobject.c` and `get_device()` / `put_device()`: the reference count.
//! Source: Linux 6.12.

use super::core::Core;
use super::event::{Fault, Observer};
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
}
