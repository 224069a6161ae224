//! What happened, for people: each operation with what was called within it below it, and what became
//! of devices. A record is made when an operation returns; a story tells it where it began.

use super::errno::Errno;
use super::event::Event;
use super::program::{ActionId, DeviceId, DriverId, Op, Program, Sort};
use super::record::{Happening, Record, Snapshot};

/// One line of a story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoryLine {
    /// Within how many others.
    pub depth: usize,
    /// What happened.
    pub text: String,
    /// The kernel functions that lead there, outermost first.
    pub path: String,
    /// What became of devices meanwhile: counts of references differ from kind to kind.
    pub counts: String,
    /// How many records there were when it began.
    pub begin: usize,
}

/// Memory that was freed.
#[derive(Clone, Debug)]
pub(super) struct Freed {
    pub(super) memory: ActionId,
    pub(super) step: u32,
    pub(super) path: Vec<&'static str>,
    /// In how many callbacks.
    pub(super) within: u8,
    /// How many records there were.
    pub(super) at: usize,
}

impl StoryLine {
    /// Columns that it takes, less its path and its counts.
    pub fn width(&self) -> usize {
        2 * self.depth + self.text.chars().count()
    }

    /// The line, with counts from that column on.
    pub fn lay_out(&self, width: usize) -> String {
        let mut line = format!("{:1$}{2}", "", 2 * self.depth, self.text);
        if !self.path.is_empty() {
            line += &format!(" ({})", self.path);
        }
        if !self.counts.is_empty() {
            let rest = width.saturating_sub(self.width());
            line += &format!("{:rest$}  {}", "", self.counts);
        }
        line
    }

    /// The column from which on counts of these lines can stand.
    pub fn column<'l>(lines: impl IntoIterator<Item = &'l StoryLine>) -> usize {
        let counted = lines.into_iter().filter(|line| !line.counts.is_empty());
        counted.map(StoryLine::width).max().unwrap_or(0)
    }
}

/// The story of what a recorder has, from a record on at which an operation of the scenario begins.
pub(super) fn story(
    program: &Program<'_>,
    records: &[Record],
    from: usize,
    freed: &[Freed],
    faulted: &[Op],
) -> Vec<StoryLine> {
    let mut teller = Teller {
        program,
        records,
        at: from,
        freed: freed.iter().skip_while(|freed| freed.at < from).peekable(),
        unfinished: faulted.iter().copied().rev().collect(),
        told: 0,
        lines: Vec::new(),
    };
    while teller.at < records.len() || teller.told < teller.unfinished.len() {
        teller.operation(0);
    }
    teller.lines
}

struct Teller<'t, F: Iterator<Item = &'t Freed>> {
    program: &'t Program<'t>,
    records: &'t [Record],
    /// The record that is next.
    at: usize,
    freed: std::iter::Peekable<F>,
    /// The operations that ran into a fault, outermost first, and how many of them are told.
    unfinished: Vec<Op>,
    told: usize,
    lines: Vec<StoryLine>,
}

impl<'t, F: Iterator<Item = &'t Freed>> Teller<'t, F> {
    fn line(&mut self, depth: usize, text: String, path: &[&str]) {
        self.lines.push(StoryLine {
            depth,
            text,
            path: path.join(" > "),
            counts: String::new(),
            begin: self.at,
        });
    }

    /// The next record, if it is of an operation within so many callbacks.
    fn next(&mut self, within: usize) -> Option<&'t Record> {
        let here = self.at;
        while let Some(freed) = self.freed.next_if(|freed| freed.at <= here) {
            let action = self.program.action(freed.memory);
            // An operation that does nothing else says so itself.
            let is_told = !freed.path.is_empty();
            if is_told && matches!(action.sort, Sort::Memory | Sort::Unmanaged) {
                let depth = 2 * usize::from(freed.within) + 1;
                self.line(depth, format!("{} is freed", action.name), &freed.path);
            }
        }
        let record = self.records.get(self.at)?;
        (usize::from(record.within) >= within).then_some(record)
    }

    /// An operation, with all that happens within it.
    fn operation(&mut self, within: usize) {
        let (line, begin) = (self.lines.len(), self.at);
        self.line(2 * within, String::new(), &[]);
        while let Some(record) = self.next(within) {
            match record.happening {
                _ if usize::from(record.within) > within => self.operation(within + 1),
                Happening::Event(event) => {
                    let text = self.event(event);
                    self.line(2 * within + 1, text, &record.path);
                    self.at += 1;
                }
                Happening::Returned(op, ret) => {
                    self.at += 1;
                    let mut text = self.program.describe(op);
                    if ret != 0 {
                        text += &format!(" = {}", Errno::from_return(ret));
                    }
                    let told = &mut self.lines[line];
                    told.text = text;
                    told.counts = since(self.program, self.records, begin, &record.devices);
                    return;
                }
            }
        }
        // It did not return.
        self.told = self.told.max(within + 1);
        match self.unfinished.get(within) {
            Some(&op) => {
                let told = &mut self.lines[line];
                told.text = self.program.describe(op);
                // It belongs to what was recorded last.
                told.begin = told.begin.min(self.records.len().saturating_sub(1));
            }
            None => _ = self.lines.remove(line),
        }
        if self.told < self.unfinished.len() {
            self.operation(within + 1);
        }
    }

    fn event(&self, event: Event) -> String {
        let program = self.program;
        match event {
            Event::Action(id) => format!("{} runs", program.action(id).name),
            Event::Probe(driver, dev) => self.callback(driver, dev, "probe"),
            Event::Remove(driver, dev) => self.callback(driver, dev, "remove"),
            Event::Released(dev) => format!("{} is released", program.device(dev).name),
            Event::Warning(warning) => format!("WARN() in {}()", warning.function()),
        }
    }

    fn callback(&self, driver: DriverId, dev: DeviceId, what: &str) -> String {
        let driver = self.program.driver(driver);
        let name = match driver.set_up {
            true => self.program.device(dev).name,
            false => driver.name,
        };
        format!("{name}.{what} runs")
    }
}

/// What became of devices since that record was made.
fn since(program: &Program<'_>, records: &[Record], begin: usize, now: &[Snapshot]) -> String {
    let before = begin.checked_sub(1).and_then(|last| records.get(last));
    let mut all = Vec::new();
    for (id, (device, now)) in program.devices.iter().zip(now).enumerate() {
        let before = before.and_then(|record| record.devices.get(id).copied());
        let before = before.unwrap_or_default();
        let name = device.name;
        if before.refs != now.refs {
            all.push(format!("{name} refs {} -> {}", before.refs, now.refs));
        }
        match (before.driver, now.driver) {
            (None, Some(_)) => all.push(format!("{name} is bound")),
            (Some(_), None) => all.push(format!("{name} is unbound")),
            _ => {}
        }
    }
    all.join(", ")
}
