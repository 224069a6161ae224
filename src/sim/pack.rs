//! A state as few bytes: what an exploration knows it by.
//!
//! Only what a program can reach is in it, and nothing that makes no difference to what may
//! happen: how often an action ran is the business of who counts.

use super::holdings::{self, Holdings};
use super::list::List;
use super::program::Program;
use super::state::{DeviceState, Ends, Node, State};

/// Bytes, up to a limit that no state comes near.
#[derive(Clone, Debug)]
pub struct Packed {
    len: usize,
    bytes: [u8; Packed::MOST],
}

impl Packed {
    const MOST: usize = 2048;

    /// No bytes.
    pub const fn new() -> Self {
        Packed {
            len: 0,
            bytes: [0; Packed::MOST],
        }
    }

    /// Takes them out again.
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// One more.
    pub fn byte(&mut self, byte: u8) {
        self.all([byte]);
    }

    /// Some more, at once.
    fn all<const N: usize>(&mut self, bytes: [u8; N]) {
        // More than there is room for would only make two states look the same.
        if let Some(places) = self.bytes.get_mut(self.len..self.len + N) {
            places.copy_from_slice(&bytes);
            self.len += N;
        }
    }

    fn list<T: Copy + Default + PartialEq, const N: usize>(
        &mut self,
        list: &List<T, N>,
        byte: impl Fn(T) -> u8,
    ) {
        let items = list.as_slice();
        self.byte(items.len() as u8);
        if let Some(places) = self.bytes.get_mut(self.len..self.len + items.len()) {
            for (place, &item) in places.iter_mut().zip(items) {
                *place = byte(item);
            }
            self.len += items.len();
        }
    }
}

impl Default for Packed {
    fn default() -> Self {
        Packed::new()
    }
}

/// A node in one byte: there are at most 32 actions and 8 groups, and that of the bus.
fn node(node: Node) -> u8 {
    match node {
        Node::Action(id) => id.0,
        Node::Open(id) => 0x80 | id.0 & 0x1f,
        Node::Close(id) => 0xc0 | id.0 & 0x1f,
    }
}

fn ends(ends: Ends) -> u8 {
    ends.consumer.0 << 4 | ends.supplier.0
}

/// At most eight of them.
fn bits<const N: usize>(flags: [bool; N]) -> u8 {
    flags
        .iter()
        .fold(0, |bits, &flag| bits << 1 | u8::from(flag))
}

impl State {
    /// Appends what tells the state from others of the same program.
    pub fn pack(&self, program: &Program<'_>, out: &mut Packed) {
        for device in &self.devices[..program.devices.len()] {
            pack_device(device, out);
        }
        for memory in &self.memory[..program.actions.len()] {
            out.byte(*memory as u8);
        }
        for (state, driver) in self.driver_states.iter().zip(program.drivers) {
            let last = driver.probes.iter().filter_map(|probe| probe.attempt).max();
            // Behind the last attempt that is another one they are all the same.
            out.byte(state.probes.min(last.unwrap_or(0)));
            out.byte(state.probing << 1 | u8::from(state.leaving));
        }
        out.list(&self.drivers, |id| id.0);
        out.list(&self.on_bus, |id| id.0);
        out.list(&self.bound, |id| id.0);
        for open in &self.open[..program.handles.len()] {
            out.byte(u8::from(*open));
        }
        out.byte(self.links.as_slice().len() as u8);
        for link in self.links.as_slice() {
            let flags = [link.managed, link.stateless, link.autoprobe];
            let kept = (link.status as u8) << 2 | link.autoremove as u8;
            out.all([ends(link.ends), bits(flags), kept, link.refs]);
        }
        out.list(&self.link_removals, ends);
        out.list(&self.pending, |id| id.0);
        out.list(&self.active, |id| id.0);
        out.byte(u8::from(self.triggered) << 1 | u8::from(self.failed));
    }
}

fn pack_device(device: &DeviceState, out: &mut Packed) {
    let flags = [
        device.in_sysfs,
        device.has_dir,
        device.in_dpm_list,
        device.locked,
        device.knode_parent,
        device.knode_class,
        device.cdev_gone,
        device.can_match,
    ];
    let [low, high] = device.refs.to_le_bytes();
    let phase = (device.phase as u8) << 3 | device.links as u8;
    let driver = device.driver.map_or(0xfe, |id| id.0);
    out.all([phase, low, high, driver, bits(flags), device.cdev]);
    out.list(&device.devres, node);
    out.list(&device.of_object, |id| id.0);
}

impl Holdings {
    /// Appends what tells the holdings from others of the same program.
    pub fn pack(&self, program: &Program<'_>, out: &mut Packed) {
        for &refs in &self.refs[..program.devices.len()] {
            out.all(refs.to_le_bytes());
        }
        out.list(&self.devices, |id| id.0);
        out.list(&self.drivers, |id| id.0);
        out.list(&self.handles, |id| id.0);
        out.list(&self.memory, |id| id.0);
        // In which order what is on lists of several devices came there is of no matter.
        let queued = self.queued.as_slice();
        let on = |queued: Node| holdings::on(program, queued);
        let devices = queued.iter().fold(0_u8, |set, &node| set | 1 << on(node).0);
        for dev in program.device_ids() {
            if devices & 1 << dev.0 != 0 {
                let of_dev = queued.iter().filter(|&&queued| on(queued) == dev);
                of_dev.for_each(|&queued| out.byte(node(queued)));
                out.byte(0xff);
            }
        }
        out.byte(u8::from(self.linked));
    }
}
