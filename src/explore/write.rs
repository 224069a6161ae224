//! A program as a scenario, in the language: what it uses is declared, and what it should keep
//! is expected.

use super::bricks::Bricks;
use super::search::Shown;
use super::watch::Broken;
use crate::emit::kunit::touched;
use crate::ir::{Scenario, Unit};
use crate::sim::{ActionId, DeviceId, DriverId, Errno, Fix, Model, Op, Program, Recorder};

/// What a program is written as.
#[derive(Clone, Debug)]
pub struct Written<'w> {
    /// The scenario's name.
    pub name: &'w str,
    /// The lines of its doc comment.
    pub doc: &'w [String],
    /// The fix without which its contract breaks, if it is that what it shows.
    pub without: Option<Fix>,
}

/// The scenario, indented as it stands in a suite.
pub fn scenario(unit: &Unit, bricks: &Bricks, shown: &Shown, written: &Written<'_>) -> String {
    bricks.with_program(unit, |program| {
        let writer = Writer {
            unit,
            scenario: &bricks.scenario,
            program,
        };
        let mut text = String::new();
        for line in written.doc {
            text += &format!("    /// {line}\n");
        }
        text += &format!("    scenario {} {{\n", written.name);
        for line in writer.lines(shown, written.without) {
            text += &format!("        {line}\n");
        }
        text + "    }\n"
    })
}

struct Writer<'w> {
    unit: &'w Unit,
    scenario: &'w Scenario,
    program: &'w Program<'w>,
}

impl Writer<'_> {
    fn lines(&self, shown: &Shown, without: Option<Fix>) -> Vec<String> {
        let mut lines = self.declarations(&shown.ops);
        lines.extend(self.statements(&shown.ops));
        lines.extend(self.expectation(shown, without));
        lines
    }

    /// The devices and drivers that the operations speak of.
    fn declarations(&self, ops: &[Op]) -> Vec<String> {
        let mut all: Vec<Op> = Vec::new();
        ops.iter().for_each(|&op| self.with_bodies(op, &mut all));
        let mut lines = Vec::new();
        for (index, device) in self.scenario.devices.iter().enumerate().skip(1) {
            let id = DeviceId(index as u8);
            if !all.iter().any(|&op| self.devices(op).contains(&id)) {
                continue;
            }
            let kind = device.kind.map(|kind| self.unit.kind(kind).name.as_str());
            let kind = kind.map_or(" like dev".to_owned(), |kind| format!(": {kind}"));
            let mut line = format!("device {}{kind}", device.name);
            if device.bound {
                line += " bound";
            }
            if let Some(parent) = device.parent {
                line += &format!(" parent {}", self.program.device(parent).name);
            }
            lines.push(line);
        }
        for index in 0..self.scenario.drivers.len() {
            let id = DriverId(index as u8);
            if all.contains(&Op::RegisterDriver(id)) {
                lines.extend(self.driver(id));
            }
        }
        lines
    }

    fn with_bodies(&self, op: Op, all: &mut Vec<Op>) {
        all.push(op);
        match op {
            Op::AddAction(id) => {
                let body = self.program.action(id).body;
                body.iter().for_each(|&op| self.with_bodies(op, all));
            }
            Op::RegisterDriver(id) => {
                let driver = self.program.driver(id);
                let probes = driver.probes.iter().flat_map(|probe| probe.body);
                probes
                    .chain(driver.remove)
                    .for_each(|&op| self.with_bodies(op, all));
            }
            _ => {}
        }
    }

    /// The devices that an operation names.
    fn devices(&self, op: Op) -> Vec<DeviceId> {
        match op {
            Op::Register(id) | Op::Init(id) => vec![id],
            Op::RegisterDriver(id) => self.program.driver(id).devices.iter().collect(),
            Op::Open(id) => vec![self.program.handle(id).device],
            _ => touched(self.program, op),
        }
    }

    fn driver(&self, id: DriverId) -> Vec<String> {
        let driver = self.program.driver(id);
        let devices = self.program.names(driver.devices).join(", ");
        let mut lines = vec![format!("driver {} for {devices} {{", driver.name)];
        for probe in driver.probes {
            let attempt = probe
                .attempt
                .map_or(String::new(), |number| format!(" {number}"));
            let mut body: Vec<String> = probe.body.iter().map(|&op| self.statement(op)).collect();
            body.extend(probe.error.map(|errno| format!("return {}", errno.name())));
            lines.push(format!("    probe{attempt} {}", braces(&body)));
        }
        if !driver.remove.is_empty() {
            let body: Vec<String> = driver.remove.iter().map(|&op| self.statement(op)).collect();
            lines.push(format!("    remove {}", braces(&body)));
        }
        lines.push("}".to_owned());
        if lines.len() == 2 {
            return vec![format!("driver {} for {devices} {{ }}", driver.name)];
        }
        lines
    }

    /// The time line, with the errors that operations return.
    fn statements(&self, ops: &[Op]) -> Vec<String> {
        let mut recorder = Recorder::new(self.program, Model::ALL);
        for op in self.program.set_up() {
            let _ = recorder.run(0, op);
        }
        let statement = |&op: &Op| {
            let fails = match recorder.run(0, op) {
                Ok(ret) if ret < 0 => format!(" fails {}", Errno(-ret).name()),
                _ => String::new(),
            };
            self.statement(op) + &fails
        };
        ops.iter().map(statement).collect()
    }

    fn statement(&self, op: Op) -> String {
        let text = self.program.describe(op);
        match op {
            Op::AddAction(id) if !self.program.action(id).body.is_empty() => {
                let body = self.program.action(id).body;
                let body: Vec<String> = body.iter().map(|&op| self.statement(op)).collect();
                format!("{text} {}", braces(&body))
            }
            _ => text,
        }
    }

    /// The invariant that is broken. A fault needs none: that nothing goes wrong is what every
    /// scenario states.
    fn expectation(&self, shown: &Shown, without: Option<Fix>) -> Vec<String> {
        let deviates = |outcome: &str| {
            without.map_or(String::new(), |fix| format!(" but {outcome} without {fix}"))
        };
        let action = |id: ActionId| self.program.action(id).name;
        let device = |id: DeviceId| self.program.device(id).name;
        match shown.broken {
            Some(Broken::NeverRan(id)) => {
                let mut lines = vec![format!(
                    "finally expect {} ran{}",
                    action(id),
                    deviates("leaked")
                )];
                if without.is_none() {
                    lines = vec!["finally expect no leaks".to_owned()];
                }
                lines
            }
            Some(Broken::NotReleased(id)) => match without {
                None => vec!["finally expect no leaks".to_owned()],
                Some(_) => vec![format!(
                    "finally expect {} freed{}",
                    device(id),
                    deviates("leaked")
                )],
            },
            Some(Broken::RanTwice(id)) => vec![format!("finally expect {} ran", action(id))],
            Some(Broken::ReleasedWhileHeld(id)) => vec![format!("expect {} alive", device(id))],
            Some(Broken::Fault(fault)) if let Some(fix) = without => {
                let announced = fault.announced(self.program).into_iter();
                announced
                    .map(|line| format!("{line} without {fix}"))
                    .collect()
            }
            None if shown.points != 0 => {
                let ids = self.program.device_ids();
                let made = ids.filter(|&id| {
                    shown.ops.contains(&Op::Register(id)) || shown.ops.contains(&Op::Init(id))
                });
                let freed: Vec<String> = made.map(|id| format!("{} freed", device(id))).collect();
                vec![format!("finally expect {}", freed.join(", "))]
            }
            _ => vec![],
        }
    }
}

fn braces(body: &[String]) -> String {
    if body.is_empty() {
        return "{ }".to_owned();
    }
    format!("{{ {} }}", body.join("; "))
}

/// The kind that a suite of found programs runs on, as it is written.
pub fn on(unit: &Unit, bricks: &Bricks) -> String {
    bricks.used.spelled(unit)
}
