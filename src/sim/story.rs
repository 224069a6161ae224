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
    /// Which devices were bound meanwhile, unbound, or put off.
    pub bound: String,
    /// What became of references meanwhile: counts differ from kind to kind.
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
    /// Columns that it takes, less its path and its changes.
    pub fn width(&self) -> usize {
        2 * self.depth + self.text.chars().count()
    }

    /// The line, with changes from that column on.
    pub fn lay_out(&self, width: usize) -> String {
        let mut line = format!("{:1$}{2}", "", 2 * self.depth, self.text);
        if !self.path.is_empty() {
            line += &format!(" ({})", self.path);
        }
        let changes = [self.counts.as_str(), &self.bound];
        let changes = changes.into_iter().filter(|what| !what.is_empty());
        let changes = changes.collect::<Vec<_>>().join(", ");
        if !changes.is_empty() {
            let rest = width.saturating_sub(self.width());
            line += &format!("{:rest$}  {changes}", "");
        }
        line
    }

    /// The column from which on changes of these lines can stand.
    pub fn column<'l>(lines: impl IntoIterator<Item = &'l StoryLine>) -> usize {
        let changes = |line: &&StoryLine| !line.counts.is_empty() || !line.bound.is_empty();
        let changes = lines.into_iter().filter(changes);
        changes.map(StoryLine::width).max().unwrap_or(0)
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
        known: 0,
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
    /// How many kernel functions lead to the callback at hand, which has them.
    known: usize,
    lines: Vec<StoryLine>,
}

impl<'t, F: Iterator<Item = &'t Freed>> Teller<'t, F> {
    fn line(&mut self, depth: usize, text: String, path: &[&str]) {
        self.lines.push(StoryLine {
            depth,
            text,
            path: path.get(self.known..).unwrap_or_default().join(" > "),
            bound: String::new(),
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
        let mut called = self.known;
        self.line(2 * within, String::new(), &[]);
        while let Some(record) = self.next(within) {
            match record.happening {
                _ if usize::from(record.within) > within => {
                    let outer = std::mem::replace(&mut self.known, called);
                    self.operation(within + 1);
                    self.known = outer;
                }
                Happening::Event(event) => {
                    let text = self.event(event);
                    self.line(2 * within + 1, text, &record.path);
                    called = record.path.len();
                    self.at += 1;
                }
                Happening::Returned(op, ret) => {
                    self.at += 1;
                    let mut text = self.program.describe(op);
                    text += &match ret {
                        0 => String::new(),
                        1.. => format!(" = {ret}"),
                        // As a scenario says it.
                        _ => format!(" fails {}", Errno::from_return(ret).trim_start_matches('-')),
                    };
                    let told = &mut self.lines[line];
                    told.text = text;
                    self.changes(line, begin, &record.devices);
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
            self.known = called;
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
        let device = self.program.device(dev).name;
        match driver.set_up {
            true => format!("{device}.{what} runs"),
            false if driver.devices.is_one() => format!("{}.{what} runs", driver.name),
            false => format!("{}.{what} runs for {device}", driver.name),
        }
    }

    /// Writes down what became of devices since there were so many records.
    fn changes(&mut self, line: usize, begin: usize, now: &[Snapshot]) {
        let before = begin.checked_sub(1).and_then(|last| self.records.get(last));
        let (mut counts, mut bound) = (Vec::new(), Vec::new());
        for (id, (device, now)) in self.program.devices.iter().zip(now).enumerate() {
            let before = before.and_then(|record| record.devices.get(id).copied());
            let before = before.unwrap_or_default();
            let name = device.name;
            if before.refs != now.refs {
                counts.push(format!("{name} refs {} -> {}", before.refs, now.refs));
            }
            match (before.bound, now.bound) {
                (false, true) => bound.push(format!("{name} is bound")),
                (true, false) => bound.push(format!("{name} is unbound")),
                _ => {}
            }
            if now.deferred && !before.deferred {
                bound.push(format!("{name} is deferred"));
            }
        }
        let told = &mut self.lines[line];
        (told.counts, told.bound) = (counts.join(", "), bound.join(", "));
    }
}
