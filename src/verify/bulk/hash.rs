//! The hash that a kernel prints of programs, on the simulator's side.

use std::collections::HashMap;

use super::programs::QUIET;
use crate::sim::{Action, DriverId, Event, Fault, Model, Observer, Op, Program, Sort, State, step};

/// What the names of a program are to its trace, made once.
pub(super) struct Words {
    ops: HashMap<Op, String>,
}

impl Words {
    pub(super) fn of(program: &Program<'_>, numbers: &[Op]) -> Words {
        let actions = program.actions.iter().flat_map(|action| action.body);
        let probes = program.drivers.iter().flat_map(|driver| driver.probes);
        let probes = probes.flat_map(|probe| probe.body);
        let removes = program.drivers.iter().flat_map(|driver| driver.remove);
        let bodies = actions.chain(probes).chain(removes).copied();
        let all = numbers.iter().copied().chain(bodies);
        let known = all.filter(|&op| program.has(op));
        Words {
            ops: known.map(|op| (op, program.describe(op))).collect(),
        }
    }

    fn op(&self, op: Op) -> &str {
        self.ops.get(&op).map_or("", String::as_str)
    }
}

/// The hash that the emitted C keeps of what happens: FNV-1a.
pub(super) struct Fnv<'f> {
    program: &'f Program<'f>,
    words: &'f Words,
    pub(super) hash: u64,
    quiet: bool,
}

impl<'f> Fnv<'f> {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;

    pub(super) fn new(program: &'f Program<'f>, words: &'f Words) -> Self {
        Fnv {
            program,
            words,
            hash: Fnv::BASIS,
            quiet: false,
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(Fnv::PRIME);
        }
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
        self.bytes(&[0]);
    }

    fn devices(&mut self, state: &State) {
        for id in self.program.device_ids() {
            let device = state.device(id);
            self.bytes(&u32::from(device.refs()).to_le_bytes());
            let driver = device.driver().filter(|&id| id != DriverId::OF_BUS);
            self.text(driver.map_or("", |id| self.program.driver(id).name));
        }
    }
}

impl Observer for Fnv<'_> {
    fn event(&mut self, event: Event, state: &State) {
        let device = |id| self.program.device(id).name;
        let driver = |id| self.program.driver(id).name;
        let [what, first, second] = match event {
            Event::Action(id) => {
                let Action { name, sort, .. } = *self.program.action(id);
                match sort {
                    Sort::Resource => ["resource", name, ""],
                    _ => ["action", name, ""],
                }
            }
            Event::Probe(drv, dev) => ["probe", driver(drv), device(dev)],
            Event::Remove(drv, dev) => ["remove", driver(drv), device(dev)],
            Event::Released(dev) => ["release", device(dev), ""],
            // The kernel says so on its own.
            Event::Warning(_) => return,
        };
        self.text(what);
        self.text(first);
        self.text(second);
        self.devices(state);
    }

    fn returned(&mut self, op: Op, ret: i32, state: &State) {
        if self.quiet {
            return;
        }
        let words = self.words;
        self.text(words.op(op));
        self.bytes(&ret.to_le_bytes());
        self.devices(state);
    }
}

/// Carries out a program, and hashes what happens.
pub(super) fn run(
    program: &Program<'_>,
    model: Model,
    numbers: &[Op],
    bytes: &[u8],
    fnv: &mut Fnv<'_>,
) -> Result<(), Fault> {
    let mut state = State::new();
    for &byte in bytes {
        fnv.quiet = byte & QUIET != 0;
        let op = numbers[usize::from(byte & !QUIET)];
        step(program, model, &mut state, op, fnv)?;
    }
    Ok(())
}
