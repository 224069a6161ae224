//! What a scenario owns while it runs, and how it gives that up at the end.
//!
//! The scenario owns the references it took, less those it dropped and those an
//! action took over; and whatever it registered and did not unregister. Since a
//! scenario is a straight line, this is known without running it.

use super::program::{DeviceId, DriverId, MAX_DEVICES, Op, Program};

/// What the scenario owns at a point of its time line.
#[derive(Clone, Debug)]
pub struct Holdings {
    refs: [u16; MAX_DEVICES],
    /// Registered devices, oldest first.
    devices: Vec<DeviceId>,
    /// Registered drivers, oldest first.
    drivers: Vec<DriverId>,
}

impl Holdings {
    /// Nothing.
    pub fn new() -> Self {
        Holdings {
            refs: [0; MAX_DEVICES],
            devices: Vec::new(),
            drivers: Vec::new(),
        }
    }

    /// How many references of the device the scenario owns.
    pub fn refs(&self, dev: DeviceId) -> u16 {
        self.refs[usize::from(dev.0)]
    }

    /// Whether the device cannot be gone: it is registered, or a reference is owned.
    pub fn keeps(&self, dev: DeviceId) -> bool {
        self.refs(dev) > 0 || self.devices.contains(&dev)
    }

    /// What the scenario owns after one of its operations.
    ///
    /// # Errors
    /// The device of which an action would take over a reference that the scenario
    /// does not own.
    pub fn apply(&mut self, program: &Program<'_>, op: Op) -> Result<(), DeviceId> {
        let refs = |dev: DeviceId| usize::from(dev.0);
        match op {
            Op::Register(dev) => self.devices.push(dev),
            Op::Unregister(dev) => self.devices.retain(|&d| d != dev),
            Op::Get(dev) => self.refs[refs(dev)] = self.refs[refs(dev)].saturating_add(1),
            // More puts than gets are a fault, which only the simulator judges.
            Op::Put(dev) => self.refs[refs(dev)] = self.refs[refs(dev)].saturating_sub(1),
            Op::AddAction(action) => {
                for &op in program.action(action).body {
                    match op {
                        Op::Put(dev) => {
                            let left = self.refs[refs(dev)].checked_sub(1).ok_or(dev)?;
                            self.refs[refs(dev)] = left;
                        }
                        // What the inner one will drop is taken over now as well.
                        Op::AddAction(_) => self.apply(program, op)?,
                        _ => {}
                    }
                }
            }
            Op::Attach(_) | Op::Unbind(_) => {}
            Op::RegisterDriver(drv) => self.drivers.push(drv),
            Op::UnregisterDriver(drv) => self.drivers.retain(|&d| d != drv),
        }
        Ok(())
    }

    /// The operations by which the scenario gives up what it owns: devices are
    /// unregistered, newest first; references dropped; drivers unregistered, newest
    /// first. References that belong to actions which never ran are not dropped.
    pub fn give_up(&self) -> Vec<Op> {
        let devices = self.devices.iter().rev().map(|&dev| Op::Unregister(dev));
        let refs = self.refs.iter().enumerate().flat_map(|(dev, &count)| {
            std::iter::repeat_n(Op::Put(DeviceId(dev as u8)), usize::from(count))
        });
        let drivers = self
            .drivers
            .iter()
            .rev()
            .map(|&drv| Op::UnregisterDriver(drv));
        devices.chain(refs).chain(drivers).collect()
    }
}

impl Default for Holdings {
    fn default() -> Self {
        Holdings::new()
    }
}
