//! Drives the simulator through a case and judges its expectations.

use std::ops::ControlFlow;

use crate::diagnostic::Freed;
use crate::expand::{self, Case, CaseStep, CaseStepKind};
use crate::ir::{Deviation, Expectation, FaultExpectation, Scenario};
use crate::sim::{
    Devres, Errno, Fault, Fix, Fixes, HandleId, Happening, Model, Op, Program, Record, Recorder,
    Sort, StoryLine, Work,
};
use crate::source::Span;
use crate::story::folded;
use crate::trace;

/// What became of a case.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// What happened, in order.
    pub trace: Vec<trace::Line>,
    /// The same in words.
    pub story: Vec<StoryLine>,
    /// What became of managed resources, in order.
    pub devres: Vec<Managed>,
    /// The points of the simulator that were reached, a bit each.
    pub points: u64,
    /// The fixes that may have made a difference.
    pub matter: Fixes,
    /// At how many moments work was queued that others might have done.
    pub queued: u32,
    /// How many lines and how much of what became of managed resources come before what was set up is
    /// undone while a device of the case's is still registered or a file still open: a kernel's test
    /// cleans that up first.
    pub leaves: Option<(usize, usize)>,
    /// Whether it was given up while work was queued, which goes on behind its back.
    pub goes_on: bool,
    /// Expectations that did not hold.
    pub failures: Vec<Failure>,
    /// What ended the case early.
    pub fault: Option<FaultAt>,
    /// Faults that are announced and do not happen.
    pub missing: Vec<Failure>,
    /// Expectations about what queued work may yet change.
    pub races: Vec<Failure>,
}

/// Lines of a story that help to understand its end.
const STORY: usize = 20;

impl Run {
    /// What happened up to a record, in words, one line each: the last part of it if it
    /// is long.
    pub fn story_until(&self, until: usize) -> Vec<String> {
        let before = self.story.iter().take_while(|line| line.begin < until);
        let before: Vec<&StoryLine> = before.collect();
        let lay_out = |lines: &[&StoryLine]| -> Vec<String> {
            let column = StoryLine::column(lines.iter().copied());
            lines.iter().map(|line| line.lay_out(column)).collect()
        };
        let all = folded(lay_out(&before));
        if all.len() <= STORY {
            return all;
        }
        let skipped = before.len() - STORY;
        let head = format!("... {skipped} lines before");
        [head]
            .into_iter()
            .chain(lay_out(&before[skipped..]))
            .collect()
    }

    /// Whether there is nothing to tell of it.
    fn is_as_stated(&self) -> bool {
        self.passed() && self.fault.is_none() && self.races.is_empty()
    }

    /// Whether everything was as the scenario states it.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
            && self.missing.is_empty()
            && self.fault.iter().all(|fault| fault.announced)
    }
}

/// What became of a managed resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Managed {
    /// What.
    pub what: Devres,
    /// The action that it is.
    pub action: String,
    /// The device that it belongs to.
    pub device: String,
}

/// An expectation that did not hold, or cannot be judged.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The expectation.
    pub span: Span,
    /// What was wanted, or what is wrong with it, in words.
    pub wanted: String,
    /// What is so instead, in words, of an expectation.
    pub found: Option<String>,
    /// The outcome that is so instead, as the language spells it.
    pub instead: Option<&'static str>,
    /// The deviation that is wrong: the contract holds on this kernel without its fix.
    pub wrong: Option<Deviation>,
    /// How many records had been made by then.
    pub after: usize,
}

/// A lifetime that went wrong.
#[derive(Clone, Debug)]
pub struct FaultAt {
    /// The statement.
    pub span: Span,
    /// The operation that stands there, or that the end of a scenario comes to.
    pub op: String,
    /// The operation of a callback that went wrong within it, in words too.
    pub within: Option<(Op, String)>,
    /// What went wrong.
    pub fault: Fault,
    /// The same in words.
    pub text: String,
    /// The kernel functions that were under way, if there were any.
    pub path: String,
    /// Where what is used was freed, and by which kernel functions.
    pub freed: Option<Freed>,
    /// How the scenario would announce it, if it can.
    pub announce: Option<String>,
    /// Whether the scenario says so itself.
    pub announced: bool,
    /// Whether KASAN tells of it on a kernel that has it, and the kernel lives on: memory is
    /// only read, or it is a matter of a count.
    pub told_by_kasan: bool,
}

/// Runs a case and judges it by what its scenario states for the case's kernel.
pub fn run(case: &Case<'_>) -> Run {
    run_as(case, case.model)
}

/// The same without a trace if all is as the scenario states it: most of the work is to tell it.
pub fn judge(case: &Case<'_>) -> Run {
    prepared(case, |program, steps| judge_steps(case, program, steps))
}

/// Judges a case on each of these kernels, whichever its own is.
pub fn judge_on(case: &Case<'_>, models: impl Iterator<Item = Model>) -> Vec<Run> {
    prepared(case, |program, steps| {
        let stated = stated_of(case.scenario);
        let mut runs: Vec<(Model, Run)> = Vec::with_capacity(Fix::ALL.len() + 1);
        for model in models {
            let is_like =
                |(known, run): &&(Model, Run)| model.is_like(*known, run.matter.or(stated));
            let run = match runs.iter().find(is_like) {
                Some((_, same)) => same.clone(),
                None => judge_steps(&Case { model, ..*case }, program, steps),
            };
            runs.push((model, run));
        }
        runs.into_iter().map(|(_, run)| run).collect()
    })
}

/// The fixes by which a scenario states different things.
fn stated_of(scenario: &Scenario) -> Fixes {
    let deviations = scenario.expectations().flat_map(|known| &known.deviations);
    let without = deviations.map(|deviation| deviation.fix);
    let faults = scenario.faults().flat_map(|fault| {
        let absent = fault.absent.as_ref().map(|&(fix, _)| fix);
        fault.without.into_iter().chain(absent)
    });
    without.chain(faults).fold(Fixes::default(), Fixes::and)
}

fn judge_steps(case: &Case<'_>, program: &Program<'_>, steps: &[CaseStep<'_>]) -> Run {
    let judged = run_steps(case, case.model, Work::default(), false, program, steps);
    if judged.is_as_stated() {
        return judged;
    }
    run_steps(case, case.model, Work::default(), true, program, steps)
}

/// Runs a case and judges it by what its scenario states for another kernel: the contract,
/// say, which is what it states for one with all fixes.
pub fn run_as(case: &Case<'_>, stated_for: Model) -> Run {
    run_at_work(case, stated_for, Work::default())
}

/// What else a kernel may make of its queued work in a case in which there are so many moments for it:
/// [`Work::others`], less what no kernel can do.
pub fn other_works(case: &Case<'_>, queued: u32, few: u32) -> impl Iterator<Item = (Work, Run)> {
    let runs = Work::others(queued, few).map(move |work| (work, judge_at_work(case, work)));
    let waits = |fault: &FaultAt| matches!(fault.fault, Fault::WorkWaits(_));
    runs.filter(move |(_, run)| !run.fault.as_ref().is_some_and(waits))
}

fn judge_at_work(case: &Case<'_>, work: Work) -> Run {
    prepared(case, |program, steps| {
        run_steps(case, case.model, work, false, program, steps)
    })
}

/// Runs a case on a kernel that makes this of its work, and judges it by what its scenario states for
/// another one.
pub fn run_at_work(case: &Case<'_>, stated_for: Model, work: Work) -> Run {
    prepared(case, |program, steps| {
        run_steps(case, stated_for, work, true, program, steps)
    })
}

/// What a case is made of, the same on every kernel: its program and all of its steps.
fn prepared<R>(case: &Case<'_>, f: impl FnOnce(&Program<'_>, &[CaseStep<'_>]) -> R) -> R {
    expand::with_program(case.unit, case.scenario, case.kind_use, |program| {
        let mut steps = expand::time_line(case.suite, case.scenario, program);
        steps.extend(
            expand::finally(case.scenario).map(|(span, expectation)| CaseStep {
                span,
                kind: CaseStepKind::Expect(expectation),
            }),
        );
        f(program, &steps)
    })
}

fn run_steps(
    case: &Case<'_>,
    stated_for: Model,
    work: Work,
    traced: bool,
    program: &Program<'_>,
    steps: &[CaseStep<'_>],
) -> Run {
    let recorder = Recorder::new(program, case.model).at_work(work);
    let mut runner = Runner {
        case,
        stated_for,
        program,
        traced,
        recorder: match traced {
            true => recorder,
            false => recorder.without_paths(),
        },
        spans: Vec::new(),
        run: Run::default(),
    };
    let end = expand::undone_from(steps, program);
    for (index, step) in steps.iter().enumerate() {
        if index == end {
            runner.look_for_leaks();
        }
        match step.kind {
            CaseStepKind::Op(op, fails) => {
                let rest = &steps[index + 1..];
                if runner.operation(op, fails, step.span, rest).is_break() {
                    break;
                }
            }
            CaseStepKind::Expect(expectation) => runner.expect(expectation, step.span),
            CaseStepKind::Fault(_) => {}
            CaseStepKind::GiveUp => {
                runner.fail(step.span, "not to give up".to_owned());
                runner.run.goes_on = runner.recorder.state().has_queued_work();
                break;
            }
        }
    }
    runner.finish()
}

struct Runner<'r> {
    case: &'r Case<'r>,
    stated_for: Model,
    program: &'r Program<'r>,
    /// Whether there will be a trace of it, with lines and paths.
    traced: bool,
    recorder: Recorder<'r>,
    /// Where each step stands.
    spans: Vec<Span>,
    run: Run,
}

impl Failure {
    /// One of which nothing more is known, after so many records.
    pub fn new(span: Span, wanted: String, after: usize) -> Failure {
        Failure {
            span,
            wanted,
            found: None,
            instead: None,
            wrong: None,
            after,
        }
    }

    /// What was wanted, and what is so instead.
    pub fn told(&self) -> String {
        let found = self.found.as_ref();
        let found = found.map_or(String::new(), |found| format!("; {found}"));
        format!("expected {}{found}", self.wanted)
    }
}

impl Runner<'_> {
    fn operation(
        &mut self,
        op: Op,
        fails: Option<Errno>,
        span: Span,
        rest: &[CaseStep<'_>],
    ) -> ControlFlow<()> {
        let line = match self.traced {
            true => self.case.unit.line(span),
            false => 0,
        };
        if op == Op::Settle
            && let Some(what) = self.recorder.order_of_work_matters()
        {
            let wanted = format!("{what}, in an order that nobody promises");
            let race = Failure::new(span, wanted, self.recorder.records().len());
            self.run.races.push(race);
        }
        self.spans.push(span);
        let ended = self.recorder.run(line, op);
        let announced = rest.iter().map_while(|step| match step.kind {
            CaseStepKind::Fault(fault) => Some((step.span, fault)),
            _ => None,
        });
        // One that a fix cures breaks the contract; one that a fix brings is no contract without it.
        let applies = |fault: &FaultExpectation| {
            let mut models = [self.stated_for, self.case.model].into_iter();
            models.all(|model| fault.applies(model, &self.case.kind_use))
        };
        let announced: Vec<_> = announced.filter(|(_, fault)| applies(fault)).collect();
        let missing = announced
            .iter()
            .filter(|(_, known)| ended != Err(known.fault));
        let after = self.recorder.records().len();
        let missing = missing.map(|(span, known)| {
            let what = known.fault.describe(self.program);
            let wanted = format!("a fault is announced that does not happen: {what}");
            Failure::new(*span, wanted, after)
        });
        self.run.missing.extend(missing);
        match ended {
            Ok(ret) if Errno::is_returned(fails, ret) => ControlFlow::Continue(()),
            Ok(ret) => {
                let ends = op.ends_a_case(fails);
                let op = self.program.describe(op);
                let wanted = fails.map_or("no error".to_owned(), |e| e.name().to_owned());
                let returned = Errno::from_return(ret);
                self.fail(
                    span,
                    format!("{wanted} from `{op}`, which returned {returned}"),
                );
                if ends {
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            }
            Err(fault) => {
                let told_by_kasan = self.is_told_by_kasan(op, fault);
                let within = self.recorder.faulted().filter(|&inner| inner != op);
                self.run.fault = Some(FaultAt {
                    span,
                    op: self.program.describe(op),
                    within: within.map(|inner| (inner, self.program.describe(inner))),
                    told_by_kasan,
                    fault,
                    text: fault.describe(self.program),
                    path: self.recorder.broken_in().join(" > "),
                    freed: self.freed(fault),
                    announce: fault.announced(self.program),
                    announced: announced.iter().any(|(_, known)| known.fault == fault),
                });
                ControlFlow::Break(())
            }
        }
    }

    fn freed(&self, fault: Fault) -> Option<Freed> {
        let (step, path) = self.recorder.freed(fault)?;
        let span = *self.spans.get(step as usize - 1)?;
        let by = path.join(" > ");
        Some(Freed { span, by })
    }

    fn look_for_leaks(&mut self) {
        let (program, state) = (self.program, self.recorder.state());
        let mut own = program
            .device_ids()
            .filter(|&id| !program.device(id).set_up);
        let mut handles = (0..program.handles.len()).map(|i| HandleId(i as u8));
        if own.any(|id| state.device(id).is_registered()) || handles.any(|id| state.is_open(id)) {
            let lines = self.recorder.records().len();
            self.run.leaves = Some((lines, self.recorder.devres().len()));
        }
    }

    fn is_told_by_kasan(&self, op: Op, fault: Fault) -> bool {
        match (fault, self.recorder.faulted()) {
            (Fault::UsedAfterFree(_), Some(Op::UseMemory(_) | Op::Realloc(_))) => true,
            // Whoever frees a resource looks at it first, and dies of what is there.
            (Fault::UsedAfterFree(_), Some(Op::Free(id))) => {
                self.program.action(id).sort == Sort::Unmanaged
            }
            // While it is being released its memory is still there: only the count is told of. And what
            // does something to the device does not survive a callback in which it is gone.
            (Fault::UseAfterFree(dev), Some(inner @ (Op::Get(_) | Op::Put(_)))) => {
                let goes_on = !matches!(op, Op::Register(id) | Op::Unregister(id) | Op::Add(id)
                    | Op::Del(id) | Op::Put(id) | Op::Attach(id) | Op::Bind(id, _) | Op::Unbind(id)
                    if id == dev);
                (inner == op || goes_on) && self.recorder.state().device(dev).is_released()
            }
            _ => false,
        }
    }

    fn expect(&mut self, expectation: &Expectation, span: Span) {
        let claim = expectation.stated(self.stated_for, &self.case.kind_use);
        let holds = claim.holds(&self.recorder);
        if holds && expectation.negated {
            self.fail(span, format!("not: {}", claim.describe(self.program)));
        } else if !holds && !expectation.negated {
            let deviation = expectation.deviation(self.stated_for, &self.case.kind_use);
            let wrong = deviation.filter(|_| expectation.claim.holds(&self.recorder));
            self.fail(span, claim.describe(self.program));
            if let Some(failure) = self.run.failures.last_mut() {
                failure.found = Some(claim.found(&self.recorder));
                failure.instead = claim.instead(&self.recorder);
                failure.wrong = wrong.cloned();
            }
        }
        if self.recorder.state().has_queued_work() {
            let settled = self.recorder.settled();
            if settled.is_ok_and(|later| claim.holds(&later) != holds) {
                let claim = claim.describe(self.program);
                let wanted = format!("`{claim}` depends on work that is only queued");
                let race = Failure::new(span, wanted, self.recorder.records().len());
                self.run.races.push(race);
            }
        }
    }

    fn fail(&mut self, span: Span, wanted: String) {
        let failure = Failure::new(span, wanted, self.recorder.records().len());
        self.run.failures.push(failure);
    }

    /// The first operation in the body of a callback that returned an error, where it stands.
    fn failed_in_a_body(&self) -> Failure {
        let records = self.recorder.records();
        let error = |record: &Record| match record.happening {
            Happening::Returned(op, ret) if ret < 0 => Some(op),
            _ => None,
        };
        // What the scenario itself does is the last thing of its step.
        let mut inner = records.windows(2).enumerate();
        let found = inner.find_map(|(at, pair)| match pair {
            [record, next] if record.step == next.step => Some((at + 1, error(record)?)),
            _ => None,
        });
        let scenario = self.case.scenario;
        let Some((after, op)) = found else {
            let wanted = "no error in the bodies of actions and drivers".to_owned();
            return Failure::new(scenario.span, wanted, records.len());
        };
        let mut places = scenario.in_bodies.iter().filter(|(known, _)| *known == op);
        let span = match (places.next(), places.next()) {
            (Some(&(_, span)), None) => span,
            _ => scenario.span,
        };
        let op = self.program.describe(op);
        let wanted = format!("no error from `{op}`, since nobody looks at one in a callback");
        Failure::new(span, wanted, after)
    }

    fn finish(mut self) -> Run {
        if self.recorder.state().failed_in_a_body() {
            let failure = self.failed_in_a_body();
            self.run.failures.push(failure);
        }
        self.run.points = self.recorder.points();
        self.run.queued = self.recorder.queued();
        // What queued work does is tried on copies.
        self.run.matter = match self.run.queued {
            0 => self.recorder.what_matters(),
            _ => Fixes::ALL,
        };
        if !self.traced {
            return self.run;
        }
        let records = self.recorder.records().iter();
        self.run.trace = records
            .map(|record| trace::Line::new(record, self.program))
            .collect();
        self.run.story = self.recorder.story(0);
        let devres = self.recorder.devres().iter();
        self.run.devres = devres
            .map(|&(what, id)| {
                let action = self.program.action(id);
                Managed {
                    what,
                    action: action.name.to_owned(),
                    device: self.program.device(action.on).name.to_owned(),
                }
            })
            .collect();
        self.run
    }
}

/// The fixes any one of which, added to the case's kernel, makes the contract hold.
pub fn cures(case: &Case<'_>) -> Vec<Fix> {
    let cured = |&fix: &Fix| {
        let model = case.model.with(fix);
        run_as(&Case { model, ..*case }, Model::ALL).passed()
    };
    case.model.lacks().filter(cured).collect()
}
