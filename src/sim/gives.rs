//! What bodies give up that they have not made themselves: whoever puts them in place gives
//! it away.

use super::program::{ActionId, DeviceId, DriverId, HandleId, MAX_DEVICES, Op, Program, Sort};

/// Something that can be given up once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Given {
    /// A reference of a device.
    Ref(DeviceId),
    /// That a device is registered.
    Device(DeviceId),
    /// An open file.
    Handle(HandleId),
    /// Memory on no list.
    Memory(ActionId),
    /// That a driver is registered.
    Driver(DriverId),
}

/// What the bodies that were looked at have made and not given up yet.
pub(super) struct Bodies<'p> {
    program: &'p Program<'p>,
    refs: [u16; MAX_DEVICES],
    devices: u32,
    handles: u32,
    memory: u32,
    drivers: u32,
    /// The actions that were looked at: one that adds itself again has given what it will.
    actions: u32,
}

impl<'p> Bodies<'p> {
    pub(super) fn new(program: &'p Program<'p>) -> Self {
        Bodies {
            program,
            refs: [0; MAX_DEVICES],
            devices: 0,
            handles: 0,
            memory: 0,
            drivers: 0,
            actions: 0,
        }
    }

    /// The same for an action, and those that its body adds.
    pub(super) fn action(&mut self, action: ActionId, f: &mut dyn FnMut(Given)) {
        if set(&mut self.actions, action.0) {
            self.body(self.program.action(action).body, f);
        }
    }

    /// The same for a driver, in the order of its life.
    pub(super) fn driver(&mut self, driver: DriverId, f: &mut dyn FnMut(Given)) {
        let driver = self.program.driver(driver);
        for probe in driver.probes {
            self.body(probe.body, f);
        }
        self.body(driver.remove, f);
    }

    /// Calls `f` with what a body gives up and none of those before it has made.
    fn body(&mut self, body: &[Op], f: &mut dyn FnMut(Given)) {
        for &op in body {
            match op {
                Op::Get(dev) | Op::Init(dev) => *self.refs(dev) += 1,
                Op::Put(dev) => self.put(dev, f),
                Op::Register(dev) => _ = set(&mut self.devices, dev.0),
                // The reference of `init` is the registration's, until `del` hands it back.
                Op::Add(dev) => {
                    self.put(dev, f);
                    set(&mut self.devices, dev.0);
                }
                Op::Unregister(dev) => self.unregister(dev, f),
                Op::Del(dev) => {
                    self.unregister(dev, f);
                    *self.refs(dev) += 1;
                }
                Op::Open(handle) => _ = set(&mut self.handles, handle.0),
                Op::Close(handle) if clear(&mut self.handles, handle.0) => {}
                Op::Close(handle) => f(Given::Handle(handle)),
                Op::AddAction(id) if self.program.action(id).sort == Sort::Unmanaged => {
                    set(&mut self.memory, id.0);
                }
                Op::Free(id) if clear(&mut self.memory, id.0) => {}
                Op::Free(id) => f(Given::Memory(id)),
                Op::RegisterDriver(drv) => _ = set(&mut self.drivers, drv.0),
                Op::UnregisterDriver(drv) if clear(&mut self.drivers, drv.0) => {}
                Op::UnregisterDriver(drv) => f(Given::Driver(drv)),
                // What the inner one will give up is given away now as well.
                Op::AddAction(id) | Op::GetResource(id) => self.action(id, f),
                Op::AddResource(id) => {
                    if !clear(&mut self.memory, id.0) {
                        f(Given::Memory(id));
                    }
                    self.action(id, f);
                }
                // A resource that is on no list is memory.
                Op::RemoveAction(id) => {
                    if self.program.action(id).sort == Sort::Resource {
                        set(&mut self.memory, id.0);
                    }
                }
                Op::Attach(_) | Op::Bind(..) | Op::Unbind(_) => {}
                Op::Link(..) | Op::Unlink(..) | Op::Settle => {}
                Op::ReleaseAction(_) | Op::DestroyResource(_) | Op::FindResource(_) => {}
                Op::OpenGroup(_) | Op::CloseGroup(_) => {}
                Op::ReleaseGroup(_) | Op::RemoveGroup(_) => {}
                Op::Realloc(_) | Op::UseMemory(_) | Op::UseHandle(_) => {}
            }
        }
    }

    fn refs(&mut self, dev: DeviceId) -> &mut u16 {
        &mut self.refs[usize::from(dev.0)]
    }

    fn put(&mut self, dev: DeviceId, f: &mut dyn FnMut(Given)) {
        let refs = self.refs(dev);
        if *refs > 0 {
            *refs -= 1;
        } else {
            f(Given::Ref(dev));
        }
    }

    fn unregister(&mut self, dev: DeviceId, f: &mut dyn FnMut(Given)) {
        if !clear(&mut self.devices, dev.0) {
            f(Given::Device(dev));
        }
    }
}

/// Sets a bit, and says whether it was not.
fn set(bits: &mut u32, bit: u8) -> bool {
    let before = *bits;
    *bits |= 1 << bit;
    *bits != before
}

/// Clears a bit, and says whether it was set.
fn clear(bits: &mut u32, bit: u8) -> bool {
    let before = *bits;
    *bits &= !(1 << bit);
    *bits != before
}
