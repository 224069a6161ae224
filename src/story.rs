//! What happens in a case, for somebody who does not know it yet: each operation and what is called
//! within it, as it happens, and what could be expected then.
//!
//! What does not hold ends nothing, and an operation that returns an error changes no hands, whether
//! the scenario says so or not.

use crate::expand::{self, Case};
use crate::ir::StepKind;
use crate::sim::{
    ActionId, Callback, Claim, Devres, DriverId, Errno, Fault, Holdings, Op, Program, Recorder,
    StoryLine,
};

/// What happens in a case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Story {
    /// What the scenario does.
    pub own: Vec<StoryLine>,
    /// What it could expect then, in the words of the language.
    pub expected: Vec<String>,
    /// What it does at its end, when it gives up what it owns.
    pub end: Vec<StoryLine>,
    /// What it could expect then, where that is something else.
    pub finally: Vec<String>,
    /// Whether a fault ends it.
    pub goes_wrong: bool,
    /// The error that each of the scenario's operations returned, if it did.
    pub errors: Vec<Option<Errno>>,
}

impl Story {
    /// What happens in a case.
    pub fn of(case: &Case<'_>) -> Story {
        expand::with_program(case.unit, case.scenario, case.kind_use, |program| {
            Telling::new(case, program).tell(case)
        })
    }

    /// Whether the same happens, whatever the counts of references; `by_path` on the same way, too.
    pub fn is_like(&self, other: &Story, by_path: bool) -> bool {
        let same = |one: &[StoryLine], other: &[StoryLine]| {
            let mut pairs = one.iter().zip(other);
            one.len() == other.len() && pairs.all(|(one, other)| are_alike(one, other, by_path))
        };
        same(&self.own, &other.own) && same(&self.end, &other.end) && self.ends_as(other)
    }

    /// Whether the same can be expected.
    pub fn ends_as(&self, other: &Story) -> bool {
        self.expected == other.expected && self.finally == other.finally
    }
}

/// Whether both are the same, whatever the counts of references; `by_path` on the same way, too.
pub fn are_alike(one: &StoryLine, other: &StoryLine, by_path: bool) -> bool {
    (one.depth, &one.text) == (other.depth, &other.text) && (!by_path || one.path == other.path)
}

/// A case under way.
struct Telling<'t> {
    program: &'t Program<'t>,
    recorder: Recorder<'t>,
    holdings: Holdings,
    lines: Vec<StoryLine>,
    errors: Vec<Option<Errno>>,
}

impl<'t> Telling<'t> {
    fn new(case: &Case<'_>, program: &'t Program<'t>) -> Self {
        Telling {
            program,
            recorder: Recorder::new(program, case.model),
            holdings: Holdings::new(),
            lines: Vec::new(),
            errors: Vec::new(),
        }
    }

    fn tell(mut self, case: &Case<'_>) -> Story {
        let mut told = Story::default();
        if let Err(fault) = self.does_its_own(case) {
            told.own = self.lines;
            told.expected = announced(self.program, fault);
            told.goes_wrong = true;
            return told;
        }
        told.own = std::mem::take(&mut self.lines);
        told.errors = std::mem::take(&mut self.errors);
        told.expected = self.expected(false);
        // A fault is expected behind an operation, and none of these stands in the scenario.
        match self.gives_up(case) {
            Ok(()) => told.finally = self.expected(true),
            Err(_) => told.goes_wrong = true,
        }
        told.end = self.lines;
        told.finally.retain(|claim| !told.expected.contains(claim));
        told
    }

    fn does_its_own(&mut self, case: &Case<'_>) -> Result<(), Fault> {
        for op in self.program.set_up() {
            self.carry_out(op)?;
        }
        // That is said by the name of the kind's state.
        self.lines.clear();
        for step in &case.scenario.steps {
            match &step.kind {
                StepKind::Op(op, _) => {
                    let ret = self.carry_out(*op)?;
                    self.errors.push((ret < 0).then_some(Errno(-ret)));
                }
                StepKind::Expect(expectation) => self.judge("expect", expectation.claim),
                StepKind::Fault(_) | StepKind::Finally(_) => {}
            }
        }
        match self.recorder.state().has_queued_work() {
            true => self.carry_out(Op::Settle).map(drop),
            false => Ok(()),
        }
    }

    fn gives_up(&mut self, case: &Case<'_>) -> Result<(), Fault> {
        for op in self.holdings.give_up(self.program) {
            let from = self.lines.len();
            self.carry_out(op)?;
            let is_quiet = self.lines.len() == from + 1;
            if is_quiet && (op == Op::Settle || self.program.is_set_up(op)) {
                self.lines.truncate(from);
            }
        }
        for step in &case.scenario.steps {
            if let StepKind::Finally(expectation) = &step.kind {
                self.judge("finally expect", expectation.claim);
            }
        }
        Ok(())
    }

    /// Whether a claim is true here.
    fn judge(&mut self, word: &str, claim: Claim) {
        let so = match claim.holds(&self.recorder) {
            true => "yes".to_owned(),
            false => format!("no, {}", claim.found(&self.recorder)),
        };
        let claim = claim.describe(self.program);
        self.note(0, format!("{word} {claim}: {so}"));
    }

    fn note(&mut self, depth: usize, text: String) {
        self.lines.push(StoryLine {
            depth,
            text,
            path: String::new(),
            counts: String::new(),
            begin: self.recorder.records().len(),
        });
    }

    fn carry_out(&mut self, op: Op) -> Result<i32, Fault> {
        if op == Op::Settle
            && let Some(what) = self.recorder.order_of_work_matters()
        {
            let text = format!("{what}, in an order that nobody promises; this is one of them");
            self.note(0, text);
        }
        let from = self.recorder.records().len();
        let ended = self.recorder.run(0, op);
        self.lines.extend(self.recorder.story(from));
        match ended {
            Ok(ret) => {
                let failed = (ret < 0 && op.ends_a_case(None)).then_some(Errno(-ret));
                if let Err(dev) = self.holdings.apply(self.program, op, failed) {
                    let name = self.program.device(dev).name;
                    let text = format!("(there is no reference of {name} that it could take over)");
                    self.note(1, text);
                }
                Ok(ret)
            }
            Err(fault) => {
                let text = format!("!! {}", fault.describe(self.program));
                self.note(0, text);
                let freed = self.recorder.freed(fault).map_or(&[][..], |(_, path)| path);
                let paths = [("in", self.recorder.broken_in()), ("freed in", freed)];
                let paths = paths.into_iter().filter(|(_, path)| !path.is_empty());
                let paths = paths.map(|(word, path)| format!("{word} {}", path.join(" > ")));
                let paths: Vec<String> = paths.collect();
                if let Some(line) = self.lines.last_mut() {
                    line.path = paths.join("; ");
                }
                Err(fault)
            }
        }
    }

    /// What is so now, in the words of the language.
    fn expected(&self, at_end: bool) -> Vec<String> {
        let program = self.program;
        let times = |callback: Callback| match self.recorder.runs(callback) {
            0 => "not run".to_owned(),
            1 => "ran".to_owned(),
            times => format!("ran {times} times"),
        };
        let mut all = Vec::new();
        for (action, id) in program.actions.iter().zip((0..).map(ActionId)) {
            if !action.runs() {
                continue;
            }
            let came = |wanted: &[Devres]| {
                let devres = self.recorder.devres().iter();
                devres
                    .filter(|(what, of)| *of == id && wanted.contains(what))
                    .count()
            };
            let is_due = came(&[Devres::Add]) > came(&[Devres::Release, Devres::Remove]);
            match times(id.into()) {
                outcome if at_end && is_due && outcome == "not run" => {
                    all.push(format!("{} leaked", action.name));
                }
                outcome => all.push(format!("{} {outcome}", action.name)),
            }
        }
        for (driver, id) in program.drivers.iter().zip((0..).map(DriverId)) {
            if !driver.set_up {
                all.push(format!(
                    "{}.probe {}",
                    driver.name,
                    times(Callback::Probe(id))
                ));
                if self.recorder.runs(Callback::Probe(id)) > 0 {
                    all.push(format!(
                        "{}.remove {}",
                        driver.name,
                        times(Callback::Remove(id))
                    ));
                }
            }
        }
        for id in program
            .device_ids()
            .filter(|&id| !program.device(id).set_up)
        {
            let (name, device) = (program.device(id).name, self.recorder.state().device(id));
            let outcome = match device.is_alive() {
                true if at_end => "leaked",
                true if device.driver().is_some() => "bound",
                true => "alive",
                false if device.is_released() => "freed",
                false => continue,
            };
            all.push(format!("{name} {outcome}"));
        }
        if self.recorder.has_warned() {
            all.push("warning".to_owned());
        }
        all
    }
}

/// How a scenario expects a fault.
fn announced(program: &Program<'_>, fault: Fault) -> Vec<String> {
    let announced = fault.announced(program);
    let words = announced
        .iter()
        .map(|line| line.trim_start_matches("expect "));
    words.map(str::to_owned).collect()
}
