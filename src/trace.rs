//! The trace of a case as JSON lines, in the one form that the simulator and the
//! emitted C both print. docs/trace.md is its description.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::sim::{Happening, Program, Record};

/// The version of the form.
pub const VERSION: u32 = 1;

/// What stands before each line of a trace within a KTAP log.
pub const PREFIX: &str = "devres-trace: ";

/// What stands before the name of a device that a case has left behind.
pub const LEFT: &str = "devres-left: ";

/// What stands where a test begins to clean up what its case has leaked, and where it is done:
/// what the kernel says in between is not about the case.
pub const CLEANUP: [&str; 2] = ["devres-cleanup: begins", "devres-cleanup: done"];

/// The first line of a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// [`VERSION`]
    pub trace: u32,
    /// `suite/scenario/kind`
    pub case: String,
}

/// Each further line: an operation that returned or an event within one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The operation of the case that was going on, counted from 1.
    pub step: u32,
    /// The line of the scenario's file that asked for that operation.
    pub line: u32,
    /// The operation that returned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub op: Option<String>,
    /// What it returned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ret: Option<i32>,
    /// The event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// Every device of the scenario at that moment.
    pub devices: BTreeMap<String, Device>,
    /// The kernel functions on the way to an event; only the simulator knows them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<String>,
}

/// A device at the moment of a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Its reference count, 0 before and after its life.
    pub refs: u16,
    /// The driver that is bound to it.
    pub driver: Option<String>,
}

impl Line {
    /// A record of the simulator as a line.
    pub fn new(record: &Record, program: &Program<'_>) -> Self {
        let (op, ret, event) = match record.happening {
            Happening::Returned(op, ret) => (Some(program.describe(op)), Some(ret), None),
            Happening::Event(event) => (None, None, Some(event.describe(program))),
        };
        let devices = program
            .devices
            .iter()
            .zip(record.devices.iter())
            .map(|(device, now)| {
                let driver = now.driver.map(|id| program.driver(id).name.to_owned());
                (
                    device.name.to_owned(),
                    Device {
                        refs: now.refs,
                        driver,
                    },
                )
            });
        Line {
            step: record.step,
            line: record.line,
            op,
            ret,
            event,
            devices: devices.collect(),
            path: record.path.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    /// The kernel function that warns, if the line is about that.
    pub fn warning(&self) -> Option<&str> {
        self.event.as_deref()?.strip_prefix("warning ")
    }

    /// Whether both say the same of what a kernel can say.
    pub fn agrees(&self, kernel: &Line) -> bool {
        // Where it stands in the source is of no matter: a comment more changes that.
        let Line {
            step,
            line: _,
            op,
            ret,
            event,
            devices,
            path: _,
        } = self;
        (step, op, ret, event, devices)
            == (
                &kernel.step,
                &kernel.op,
                &kernel.ret,
                &kernel.event,
                &kernel.devices,
            )
    }

    /// The same where the kernel delays releases, and what else an operation drops goes
    /// before them: at a release counts are what they are by then.
    pub fn agrees_but_for_the_delay(&self, kernel: &Line) -> bool {
        let release = |line: &Line| line.event.as_deref()?.strip_prefix("release ").map(|_| ());
        if release(self).is_none() {
            return self.agrees(kernel);
        }
        let devices = kernel.devices.clone();
        let then = Line {
            devices,
            ..self.clone()
        };
        then.agrees(kernel)
    }

    /// The line as JSON.
    pub fn to_json(&self) -> String {
        json(self)
    }
}

impl Header {
    /// The header of a case's trace.
    pub fn new(case: String) -> Self {
        Header {
            trace: VERSION,
            case,
        }
    }

    /// The header as JSON.
    pub fn to_json(&self) -> String {
        json(self)
    }
}

/// Strings, numbers and maps with string keys: nothing in them that JSON cannot say.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
