//! What happens in a case, for somebody who does not know it yet: each operation and what is called
//! within it, as it happens, and what could be expected then.
//!
//! What does not hold ends nothing, and an operation that returns an error changes no hands, whether
//! the scenario says so or not.

use std::fmt;

use crate::expand::{self, Case};
use crate::ir::{FaultExpectation, StepKind};
use crate::sim::{
    ActionId, Callback, Claim, Devres, Errno, Fault, Holdings, Op, Program, Recorder, StoryLine,
    Work,
};

/// What happens in a case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Story {
    /// What the scenario does.
    pub own: Vec<StoryLine>,
    /// What is so then.
    pub then: Vec<Outcome>,
    /// What it does at its end, when it gives up what it owns.
    pub end: Vec<StoryLine>,
    /// What is so then, and was not before.
    pub finally: Vec<Outcome>,
    /// How it ends.
    pub ends: Ends,
    /// The error that each of the scenario's operations returned, if it did.
    pub errors: Vec<Option<Errno>>,
    /// Whether work was queued at the end of its statements, which was waited for.
    pub settles: bool,
    /// What errors and expectations came to, in words, in order of the words.
    verdicts: Vec<String>,
}

/// How a story ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ends {
    /// Well: what is so can be expected.
    #[default]
    Well,
    /// Well, but in a way that is refused of a scenario.
    Refused,
    /// With a fault.
    Faulted,
    /// In one way or another, as queued work is done earlier or later.
    Racy,
}

/// Something that is so, as the language says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Of what; nothing for what is about the kernel.
    pub subject: String,
    /// What.
    pub outcome: String,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.subject.is_empty() {
            write!(f, "{} ", self.subject)?;
        }
        f.write_str(&self.outcome)
    }
}

impl Outcome {
    /// What a claim says that is true.
    fn of(claim: Claim, program: &Program<'_>) -> Self {
        let words = claim.describe(program);
        let (subject, outcome) = words.split_once(' ').unwrap_or(("", &words));
        Outcome::new(subject, outcome)
    }

    fn new(subject: impl Into<String>, outcome: impl Into<String>) -> Self {
        Outcome {
            subject: subject.into(),
            outcome: outcome.into(),
        }
    }
}

/// How much alike two lines have to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alike {
    /// The same happens.
    What,
    /// And by the same functions, with the same counts.
    Exactly,
}

impl Alike {
    /// Whether both are.
    pub fn are(self, one: &StoryLine, other: &StoryLine) -> bool {
        let what = (one.depth, &one.text, &one.bound) == (other.depth, &other.text, &other.bound);
        what && (self == Alike::What || (&one.path, &one.counts) == (&other.path, &other.counts))
    }
}

/// Lines of a story, with what happens again and again told once: where that makes it shorter by a screenful.
pub fn folded(lines: Vec<String>) -> Vec<String> {
    const SCREENFUL: usize = 24;
    const LONGEST: usize = 64;
    let mut told = Vec::new();
    let mut rest = lines.as_slice();
    while let Some(first) = rest.first() {
        let times = |length: usize| {
            let mut blocks = rest.chunks_exact(length);
            let block = blocks.next();
            1 + blocks.take_while(|&other| Some(other) == block).count()
        };
        let mut lengths = (1..=LONGEST.min(rest.len())).map(|length| (length, times(length)));
        let saves = |&(length, times): &(usize, usize)| length * (times - 1) > SCREENFUL;
        let Some((length, times)) = lengths.find(saves) else {
            told.push(first.clone());
            rest = &rest[1..];
            continue;
        };
        told.extend_from_slice(&rest[..length]);
        let indent = first.len() - first.trim_start().len();
        told.push(format!("{:indent$}... the same again and again", ""));
        rest = &rest[length * times..];
    }
    told
}

impl Story {
    /// What happens in a case.
    pub fn of(case: &Case<'_>) -> Story {
        expand::with_program(case.unit, case.scenario, case.kind_use, |program| {
            let mut telling = Telling::new(case, program, Work::default());
            let mut story = telling.tell();
            let goes_wrong = |story: &Story| story.ends == Ends::Faulted;
            let queued = telling.recorder.queued();
            let mut others = Work::others(queued, Work::FEW).filter(|_| queued > 0);
            if others.any(|work| {
                let mut telling = Telling::new(case, program, work);
                let other = telling.tell();
                let same = other.ends_as(&story) || goes_wrong(&other) && goes_wrong(&story);
                !same && !telling.impossible
            }) {
                story.ends = Ends::Racy;
            }
            story
        })
    }

    /// Whether the same happens.
    pub fn is_like(&self, other: &Story, alike: Alike) -> bool {
        let same = |one: &[StoryLine], other: &[StoryLine]| {
            let mut pairs = one.iter().zip(other);
            one.len() == other.len() && pairs.all(|(one, other)| alike.are(one, other))
        };
        same(&self.own, &other.own) && same(&self.end, &other.end) && self.ends_as(other)
    }

    /// Whether the same comes of it.
    pub fn ends_as(&self, other: &Story) -> bool {
        self.ends == other.ends
            && self.verdicts == other.verdicts
            && (&self.then, &self.finally) == (&other.then, &other.finally)
    }
}

/// A case under way.
struct Telling<'t> {
    case: &'t Case<'t>,
    program: &'t Program<'t>,
    recorder: Recorder<'t>,
    holdings: Holdings,
    story: Story,
    lines: Vec<StoryLine>,
    /// No kernel does its queued work like that.
    impossible: bool,
}

impl<'t> Telling<'t> {
    fn new(case: &'t Case<'_>, program: &'t Program<'t>, work: Work) -> Self {
        Telling {
            case,
            program,
            recorder: Recorder::new(program, case.model).at_work(work),
            holdings: Holdings::new(),
            story: Story::default(),
            lines: Vec::new(),
            impossible: false,
        }
    }

    fn tell(&mut self) -> Story {
        let ended = self.does_its_own();
        self.story.own = std::mem::take(&mut self.lines);
        self.story.then = match ended {
            Err(fault) => announced(self.program, fault),
            Ok(()) => self.outcomes(false),
        };
        // Who drops what nobody gave him has nothing to give up that could be known.
        if ended.is_ok() && self.story.ends == Ends::Well {
            match self.gives_up() {
                Ok(()) => self.story.finally = self.outcomes(true),
                // A fault is expected behind an operation, and none of these stands in the scenario.
                Err(_) => self.story.ends = Ends::Faulted,
            }
        }
        let mut story = std::mem::take(&mut self.story);
        story.end = std::mem::take(&mut self.lines);
        story
            .finally
            .retain(|outcome| !story.then.contains(outcome));
        if story.ends == Ends::Well && self.recorder.state().failed_in_a_body() {
            story.ends = Ends::Refused;
        }
        if ended.is_err() {
            story.ends = Ends::Faulted;
        }
        story.verdicts.sort_unstable();
        story
    }

    fn does_its_own(&mut self) -> Result<(), Fault> {
        for op in self.program.set_up() {
            self.carry_out(op)?;
        }
        // That is said by the name of the kind's state.
        self.lines.clear();
        for step in &self.case.scenario.steps {
            match &step.kind {
                StepKind::Op(op, fails) => {
                    let ret = self.carry_out(*op)?;
                    let error = (ret < 0).then_some(Errno(-ret));
                    self.story.errors.push(error);
                    if let Some(wanted) = fails.filter(|wanted| Some(*wanted) != error) {
                        self.verdict(format!("fails {}: no", wanted.name()));
                    }
                }
                StepKind::Expect(expectation) => {
                    let claim = expectation.stated(self.case.model, &self.case.kind_use);
                    self.judge("expect", claim);
                }
                // It would have ended the case.
                StepKind::Fault(fault) => self.no_fault(fault),
                StepKind::Finally(_) => {}
            }
        }
        if self.recorder.state().has_queued_work() {
            self.note(0, "(work is queued, so that it has to be said:)".to_owned());
            self.story.settles = true;
            self.carry_out(Op::Settle)?;
        }
        Ok(())
    }

    fn gives_up(&mut self) -> Result<(), Fault> {
        for op in self.holdings.give_up(self.program) {
            let from = self.lines.len();
            self.carry_out(op)?;
            let is_quiet = self.lines.len() == from + 1;
            if is_quiet && (op == Op::Settle || self.program.is_set_up(op)) {
                self.lines.truncate(from);
            }
        }
        for step in &self.case.scenario.steps {
            if let StepKind::Finally(expectation) = &step.kind {
                let claim = expectation.stated(self.case.model, &self.case.kind_use);
                self.judge("finally expect", claim);
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
        self.verdict(format!("{word} {claim}: {so}"));
    }

    /// A fault is announced, and did not happen.
    fn no_fault(&mut self, fault: &FaultExpectation) {
        if fault.applies(self.case.model, &self.case.kind_use) {
            let announced = fault.fault.announced(self.program).unwrap_or_default();
            self.verdict(format!("{announced}: no"));
        }
    }

    fn verdict(&mut self, text: String) {
        self.story.verdicts.push(text.clone());
        self.note(0, text);
    }

    fn note(&mut self, depth: usize, text: String) {
        self.lines.push(StoryLine {
            depth,
            text,
            path: String::new(),
            bound: String::new(),
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
                self.changes_hands(op, ret);
                Ok(ret)
            }
            Err(fault) => {
                self.impossible = matches!(fault, Fault::WorkWaits(_));
                self.goes_wrong(op, fault);
                Err(fault)
            }
        }
    }

    fn changes_hands(&mut self, op: Op, ret: i32) {
        if ret < 0 {
            let op = self.program.describe(op);
            self.story.verdicts.push(format!("{op} = {ret}"));
        }
        let failed = (ret < 0 && op.ends_a_case(None)).then_some(Errno(-ret));
        let not_owned = match op {
            Op::Put(dev) if self.holdings.owns_none(self.program, dev) => Some(dev),
            _ => self.holdings.apply(self.program, op, failed).err(),
        };
        if let Some(dev) = not_owned {
            let name = self.program.device(dev).name;
            self.note(
                1,
                format!("(the scenario owns no reference of {name} for that)"),
            );
            self.story.ends = Ends::Refused;
        }
    }

    fn goes_wrong(&mut self, op: Op, fault: Fault) {
        let what = fault.describe(self.program);
        let op = self.program.describe(op);
        self.story.verdicts.push(format!("{op}: {what}"));
        self.note(0, format!("!! {what}"));
        let freed = self.recorder.freed(fault).map_or(&[][..], |(_, path)| path);
        let paths = [("in", self.recorder.broken_in()), ("freed in", freed)];
        let paths = paths.into_iter().filter(|(_, path)| !path.is_empty());
        let paths = paths.map(|(word, path)| format!("{word} {}", path.join(" > ")));
        let paths: Vec<String> = paths.collect();
        if let Some(line) = self.lines.last_mut() {
            line.path = paths.join("; ");
        }
    }

    /// What is so now.
    fn outcomes(&self, at_end: bool) -> Vec<Outcome> {
        let program = self.program;
        let outcome = |claim: Claim| Outcome::of(claim, program);
        let runs = |callback| Claim::ran_so_often(callback, self.recorder.runs(callback));
        let mut all = Vec::new();
        for (action, id) in program.actions.iter().zip((0..).map(ActionId)) {
            if !action.runs() {
                continue;
            }
            let came = |wanted: &[Devres]| {
                let devres = self.recorder.devres().iter();
                let came = devres.filter(|(what, of)| *of == id && wanted.contains(what));
                came.count()
            };
            let is_due = came(&[Devres::Add]) > came(&[Devres::Release, Devres::Remove]);
            all.push(match runs(id.into()) {
                Claim::NotRun(_) if at_end && is_due => Outcome::new(action.name, "leaked"),
                claim => outcome(claim),
            });
        }
        for id in program.driver_ids() {
            if !program.driver(id).set_up {
                let probes = runs(Callback::Probe(id));
                all.push(outcome(probes));
                if probes != Claim::NotRun(Callback::Probe(id)) {
                    all.push(outcome(runs(Callback::Remove(id))));
                }
            }
        }
        for id in program
            .device_ids()
            .filter(|&id| !program.device(id).set_up)
        {
            let device = self.recorder.state().device(id);
            all.push(match device.is_alive() {
                true if at_end => Outcome::new(program.device(id).name, "leaked"),
                true if device.driver().is_some() => outcome(Claim::Bound(id)),
                true => outcome(Claim::Alive(id)),
                false if device.is_released() => outcome(Claim::Freed(id)),
                false => continue,
            });
        }
        if self.recorder.has_warned() {
            all.push(outcome(Claim::Warned));
        }
        all
    }
}

/// How a scenario expects a fault.
fn announced(program: &Program<'_>, fault: Fault) -> Vec<Outcome> {
    let announced = fault.announced(program);
    let words = announced
        .iter()
        .map(|line| line.trim_start_matches("expect "));
    words.map(|words| Outcome::new("", words)).collect()
}
