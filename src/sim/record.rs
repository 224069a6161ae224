//! An observer that keeps what happened, record by record: the trace of a case.

use std::ops::Deref;

use super::claim::Callback;
use super::core::step;
use super::event::{Devres, Event, Fault, Observer};
use super::fixes::{Fix, Fixes, Model};
use super::list::List;
use super::points::Point;
use super::program::{ActionId, DeviceId, DriverId, MAX_DEVICES, Op, Program};
use super::state::State;
use super::story::{Freed, StoryLine, story};
use super::work::Work;

/// What a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// An operation of the scenario returned, with this value.
    Returned(Op, i32),
    /// Something happened inside an operation.
    Event(Event),
}

/// A device at the moment of a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Its reference count, 0 before and after its life.
    pub refs: u16,
    /// Whether it has a driver.
    pub bound: bool,
    /// Whether its probe was put off and is to be tried again.
    pub deferred: bool,
    /// `dev->driver`, if it is one of the program's.
    pub driver: Option<DriverId>,
}

/// Every device of a program at the moment of a record, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshots(List<Snapshot, MAX_DEVICES>);

impl Snapshots {
    fn of(program: &Program<'_>, state: &State) -> Self {
        let mut devices = List::new(Snapshot::default());
        for id in program.device_ids() {
            let device = state.device(id);
            // A program has no more devices than there is room for.
            let _ = devices.push(Snapshot {
                refs: device.refs(),
                bound: device.driver().is_some(),
                deferred: state.is_deferred(id),
                driver: device.driver().filter(|&driver| driver != DriverId::OF_BUS),
            });
        }
        Snapshots(devices)
    }
}

impl Deref for Snapshots {
    type Target = [Snapshot];

    fn deref(&self) -> &[Snapshot] {
        self.0.as_slice()
    }
}

/// One line of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The operation of the case that was going on, counted from 1.
    pub step: u32,
    /// The line of the scenario's source that asked for that operation.
    pub line: u32,
    /// In how many callbacks: 0 of what the scenario does itself.
    pub within: u8,
    /// What happened.
    pub happening: Happening,
    /// Every device of the program at that moment.
    pub devices: Snapshots,
    /// The kernel functions on the way to an event, outermost first, if they are kept.
    pub path: Vec<&'static str>,
}

/// Runs operations and keeps the trace.
#[derive(Clone, Debug)]
pub struct Recorder<'a> {
    program: &'a Program<'a>,
    model: Model,
    state: State,
    records: Vec<Record>,
    devres: Vec<(Devres, ActionId)>,
    /// The operations that ran into a fault, innermost first.
    faulted: Vec<Op>,
    /// The kernel functions that were under way then, if paths are kept.
    broken_in: Vec<&'static str>,
    /// Memory that was freed, if paths are kept.
    freed: Vec<Freed>,
    points: u64,
    matter: Fixes,
    step: u32,
    work: Work,
    /// At how many moments others might have done queued work.
    queued: u32,
    keeps_paths: bool,
}

impl<'a> Recorder<'a> {
    /// A case before its first operation.
    pub fn new(program: &'a Program<'a>, model: Model) -> Self {
        Recorder {
            program,
            model,
            state: State::new(),
            records: Vec::with_capacity(16),
            devres: Vec::new(),
            faulted: Vec::new(),
            broken_in: Vec::new(),
            freed: Vec::new(),
            points: 0,
            matter: Fixes::default(),
            step: 0,
            work: Work::default(),
            queued: 0,
            keeps_paths: true,
        }
    }

    /// The same on a kernel that makes this of its work.
    pub fn at_work(self, work: Work) -> Self {
        Recorder { work, ..self }
    }

    /// The same for who only judges a case: records have no path.
    pub fn without_paths(self) -> Self {
        Recorder {
            keeps_paths: false,
            ..self
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
            devres: &mut self.devres,
            faulted: &mut self.faulted,
            broken_in: &mut self.broken_in,
            freed: &mut self.freed,
            points: &mut self.points,
            matter: &mut self.matter,
            work: self.work,
            queued: &mut self.queued,
            step: self.step,
            line,
            keeps_path: self.keeps_paths,
            path: Vec::new(),
            within: 0,
        };
        step(self.program, self.model, &mut self.state, op, &mut tape)
    }

    /// At how many moments others might have done queued work.
    pub fn queued(&self) -> u32 {
        self.queued
    }

    /// The state after the operations so far.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The case as it will be when all queued work is done.
    ///
    /// # Errors
    /// The [`Fault`] that the work runs into.
    pub fn settled(&self) -> Result<Self, Fault> {
        let mut later = self.clone();
        later.run(0, Op::Settle)?;
        Ok(later)
    }

    /// What goes at once, where it matters in which order the kernel does the work that it has
    /// queued and promises none: each removal of a device link is a work of its own, and deferred
    /// probes are another one (`device_link_wq` in drivers/base/core.c, `deferred_probe_work` in
    /// drivers/base/dd.c, Linux 6.12).
    pub fn order_of_work_matters(&self) -> Option<&'static str> {
        let events = |mut later: Recorder<'a>| {
            let from = later.records.len();
            let ended = later.run(0, Op::Settle);
            let seen = |record: Record| (record.happening, record.devices);
            let events = later.records.into_iter().skip(from).map(seen);
            (ended, events.collect::<Vec<_>>())
        };
        let count = self.state.link_removals.as_slice().len();
        let probes = !self.state.active.is_empty();
        if count == 0 || count < 2 && !probes {
            return None;
        }
        let as_queued = events(self.clone());
        if probes {
            // Counts differ wherever a link is still there for a probe, or not any more.
            let happened = |(ended, events): &(_, Vec<(Happening, _)>)| {
                let happened = events.iter().map(|&(happening, _)| happening);
                (*ended, happened.collect::<Vec<_>>())
            };
            let links_first = self.clone().at_work(Work {
                links_first: true,
                ..self.work
            });
            if happened(&events(links_first)) != happened(&as_queued) {
                return Some("a deferred probe and a link go at once");
            }
        }
        // Each of them may be the first to be done, or the last.
        let others = (0..count).flat_map(|at| {
            let [mut first, mut last] = [self.clone(), self.clone()];
            first.state.link_removals.as_mut_slice()[..=at].rotate_right(1);
            last.state.link_removals.as_mut_slice()[at..].rotate_left(1);
            [first, last]
        });
        let mut others = others.map(events);
        let matters = count > 1 && others.any(|other| other != as_queued);
        matters.then_some("two links go at once")
    }

    /// How many references the device had when its registration returned, or for want
    /// of one its initialisation.
    pub fn refs_when_registered(&self, device: DeviceId) -> Option<u16> {
        let after = |ops: &[Op]| {
            let record = self.records.iter().find(|record| {
                matches!(record.happening, Happening::Returned(op, 0) if ops.contains(&op))
            })?;
            record
                .devices
                .get(usize::from(device.0))
                .map(|now| now.refs)
        };
        after(&[Op::Register(device), Op::Add(device)]).or_else(|| after(&[Op::Init(device)]))
    }

    fn calls(&self, callback: Callback) -> impl Iterator<Item = usize> {
        let is = move |happening| match (callback, happening) {
            (Callback::Action(id), Happening::Event(Event::Action(ran))) => id == ran,
            (Callback::Probe(id), Happening::Event(Event::Probe(ran, _)))
            | (Callback::Remove(id), Happening::Event(Event::Remove(ran, _))) => id == ran,
            (Callback::ProbeOf(id), Happening::Event(Event::Probe(_, on)))
            | (Callback::RemoveOf(id), Happening::Event(Event::Remove(_, on))) => id == on,
            _ => false,
        };
        let records = self.records.iter().enumerate();
        records.filter_map(move |(index, record)| is(record.happening).then_some(index))
    }

    /// How often the callback ran.
    pub fn runs(&self, callback: Callback) -> usize {
        self.calls(callback).count()
    }

    /// Which record the callback's last run is.
    pub fn last_run(&self, callback: Callback) -> Option<usize> {
        self.calls(callback).last()
    }

    /// What happened so far.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Whether the kernel has warned so far.
    pub fn has_warned(&self) -> bool {
        let mut records = self.records.iter();
        records.any(|record| matches!(record.happening, Happening::Event(Event::Warning(_))))
    }

    /// The points of the simulator that were reached, a bit each.
    pub fn points(&self) -> u64 {
        self.points
    }

    /// The fixes that may have made a difference so far: on a kernel that differs in others, all
    /// would have been the same.
    pub fn what_matters(&self) -> Fixes {
        self.matter
    }

    /// The operation that ran into a fault, the innermost one if it was in a callback.
    pub fn faulted(&self) -> Option<Op> {
        self.faulted.first().copied()
    }

    /// The kernel functions that were under way when a fault ended the case, outermost first, if paths
    /// are kept and there were any.
    pub fn broken_in(&self) -> &[&'static str] {
        &self.broken_in
    }

    /// What happened, in words, from a record on at which an operation of the scenario begins.
    pub fn story(&self, from: usize) -> Vec<StoryLine> {
        story(
            self.program,
            &self.records,
            from,
            &self.freed,
            &self.faulted,
        )
    }

    /// Where what a fault uses was freed, if it was and paths are kept: in which step, and by which
    /// functions, outermost first.
    pub fn freed(&self, fault: Fault) -> Option<(u32, &[&'static str])> {
        match fault {
            Fault::UseAfterFree(dev) => {
                let released = Happening::Event(Event::Released(dev));
                let mut records = self.records.iter().rev();
                let record = records.find(|record| record.happening == released)?;
                Some((record.step, &record.path))
            }
            Fault::UsedAfterFree(memory) => {
                let mut freed = self.freed.iter().rev();
                let freed = freed.find(|freed| freed.memory == memory)?;
                Some((freed.step, &freed.path))
            }
            _ => None,
        }
    }

    /// How often the action was added.
    pub(super) fn adds(&self, action: ActionId) -> usize {
        let is_add = |known: &&(Devres, ActionId)| **known == (Devres::Add, action);
        self.devres.iter().filter(is_add).count()
    }

    /// What became of managed resources so far.
    pub fn devres(&self) -> &[(Devres, ActionId)] {
        &self.devres
    }
}

struct Tape<'t> {
    program: &'t Program<'t>,
    records: &'t mut Vec<Record>,
    devres: &'t mut Vec<(Devres, ActionId)>,
    faulted: &'t mut Vec<Op>,
    broken_in: &'t mut Vec<&'static str>,
    freed: &'t mut Vec<Freed>,
    points: &'t mut u64,
    matter: &'t mut Fixes,
    work: Work,
    queued: &'t mut u32,
    step: u32,
    line: u32,
    keeps_path: bool,
    path: Vec<&'static str>,
    /// Operations that are going on.
    within: u8,
}

impl Tape<'_> {
    fn keep(&mut self, happening: Happening, state: &State, path: Vec<&'static str>) {
        self.records.push(Record {
            step: self.step,
            line: self.line,
            within: self.within.saturating_sub(1),
            happening,
            devices: Snapshots::of(self.program, state),
            path,
        });
    }
}

impl Observer for Tape<'_> {
    fn event(&mut self, event: Event, state: &State) {
        self.keep(Happening::Event(event), state, self.path.clone());
    }

    fn enter(&mut self, function: &'static str) {
        if self.keeps_path {
            self.path.push(function);
        }
    }

    fn breaks(&mut self) {
        if self.keeps_path && self.broken_in.is_empty() {
            self.broken_in.clone_from(&self.path);
        }
    }

    fn leave(&mut self) {
        self.path.pop();
    }

    fn begins(&mut self) {
        self.within += 1;
    }

    fn returned(&mut self, op: Op, ret: i32, state: &State) {
        self.keep(Happening::Returned(op, ret), state, vec![]);
        self.within -= 1;
    }

    fn overtakes(&mut self) -> bool {
        *self.queued += 1;
        self.work.overtakes(*self.queued - 1)
    }

    fn links_first(&self) -> bool {
        self.work.links_first
    }

    fn point(&mut self, point: Point) {
        *self.points |= point.bit();
    }

    fn matters(&mut self, fix: Fix) {
        *self.matter = self.matter.and(fix);
    }

    fn freed(&mut self, memory: ActionId) {
        if self.keeps_path {
            self.freed.push(Freed {
                memory,
                step: self.step,
                path: self.path.clone(),
                within: self.within.saturating_sub(1),
                at: self.records.len(),
            });
        }
    }

    fn faulted(&mut self, op: Op) {
        self.within -= 1;
        self.faulted.push(op);
    }

    fn devres(&mut self, what: Devres, action: ActionId) {
        self.devres.push((what, action));
    }
}
