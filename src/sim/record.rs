//! An observer that keeps what happened, record by record: the trace of a case.

use super::core::step;
use super::event::{Event, Fault, Moment, Observer};
use super::fixes::Model;
use super::program::{ActionId, DeviceId, DriverId, Op, Program};
use super::state::State;

/// What a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// An operation of the scenario returned, with this value.
    Returned(Op, i32),
    /// Something happened inside an operation.
    Event(Event),
}

/// A device at the moment of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Its reference count, 0 before and after its life.
    pub refs: u16,
    /// `dev->driver`.
    pub driver: Option<DriverId>,
}

/// One line of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The operation of the case that was going on, counted from 1.
    pub step: u32,
    /// The line of the scenario's source that asked for that operation.
    pub line: u32,
    /// What happened.
    pub happening: Happening,
    /// Every device of the program, in order, at that moment.
    pub devices: Vec<Snapshot>,
    /// The kernel functions on the way to an event, outermost first.
    pub path: Vec<&'static str>,
}

impl Record {
    /// The record in one line for people.
    pub fn describe(&self, program: &Program<'_>) -> String {
        let mut text = match self.happening {
            Happening::Returned(op, ret) => format!("{} = {ret}", program.describe(op)),
            Happening::Event(event) => format!("  {}", event.describe(program)),
        };
        for (device, now) in program.devices.iter().zip(&self.devices) {
            text += &format!(", {} refs {}", device.name, now.refs);
            if let Some(driver) = now.driver {
                text += &format!(" driver {}", program.driver(driver).name);
            }
        }
        if !self.path.is_empty() {
            text += &format!(" ({})", self.path.join(" > "));
        }
        text
    }
}

/// Runs operations and keeps the trace.
#[derive(Clone, Debug)]
pub struct Recorder<'a> {
    program: &'a Program<'a>,
    model: Model,
    state: State,
    records: Vec<Record>,
    step: u32,
}

impl<'a> Recorder<'a> {
    /// A case before its first operation.
    pub fn new(program: &'a Program<'a>, model: Model) -> Self {
        Recorder {
            program,
            model,
            state: State::new(),
            records: Vec::new(),
            step: 0,
        }
    }

    /// Carries out the operation that stands on that line.
    ///
    /// # Errors
    /// The [`Fault`] that the operation runs into.
    pub fn run(&mut self, line: u32, op: Op) -> Result<i32, Fault> {
        self.step += 1;
        let mut tape = Tape {
            program: self.program,
            records: &mut self.records,
            step: self.step,
            line,
        };
        step(self.program, self.model, &mut self.state, op, &mut tape)
    }

    /// The state after the operations so far.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// How many references the device had when its registration returned.
    pub fn refs_when_registered(&self, device: DeviceId) -> Option<u16> {
        let registered = |happening| matches!(happening, Happening::Returned(Op::Register(id), 0) if id == device);
        let record = self
            .records
            .iter()
            .find(|record| registered(record.happening))?;
        record
            .devices
            .get(usize::from(device.0))
            .map(|now| now.refs)
    }

    /// Which record the action's last run is.
    pub fn last_run(&self, action: ActionId) -> Option<usize> {
        let ran = Happening::Event(Event::Action(action));
        self.records
            .iter()
            .rposition(|record| record.happening == ran)
    }

    /// What happened so far.
    pub fn records(&self) -> &[Record] {
        &self.records
    }
}

struct Tape<'t> {
    program: &'t Program<'t>,
    records: &'t mut Vec<Record>,
    step: u32,
    line: u32,
}

impl Tape<'_> {
    fn keep(&mut self, happening: Happening, state: &State, path: &[&'static str]) {
        let snapshot = |id| {
            let device = state.device(id);
            Snapshot {
                refs: device.refs(),
                driver: device.driver(),
            }
        };
        self.records.push(Record {
            step: self.step,
            line: self.line,
            happening,
            devices: self.program.device_ids().map(snapshot).collect(),
            path: path.to_vec(),
        });
    }
}

impl Observer for Tape<'_> {
    const PATHS: bool = true;

    fn event(&mut self, moment: Moment<'_>) {
        self.keep(Happening::Event(moment.event), moment.state, moment.path);
    }

    fn returned(&mut self, op: Op, ret: i32, state: &State) {
        self.keep(Happening::Returned(op, ret), state, &[]);
    }
}
