//! Drives the simulator through a case and judges its expectations.

use crate::expand::{self, Case, CaseStep, CaseStepKind};
use crate::ir::Expectation;
use crate::sim::{Claim, Errno, Recorder};
use crate::source::Span;
use crate::trace;

/// What became of a case.
#[derive(Clone, Debug)]
pub struct Run {
    /// What happened, in order.
    pub trace: Vec<trace::Line>,
    /// The same in words.
    story: Vec<String>,
    /// Expectations that did not hold.
    pub failures: Vec<Failure>,
    /// What ended the case early.
    pub fault: Option<FaultAt>,
}

/// Lines of a story that help to understand its end.
const STORY: usize = 20;

impl Run {
    /// What happened up to a record, in words, one line each: the last part of it if it
    /// is long.
    pub fn story(&self, until: usize) -> Vec<String> {
        let skipped = until.saturating_sub(STORY);
        let before = (skipped > 0).then(|| format!("... {skipped} lines before"));
        before
            .into_iter()
            .chain(self.story[skipped..until].iter().cloned())
            .collect()
    }

    /// Whether everything was as the scenario states it.
    pub fn passed(&self) -> bool {
        self.failures.is_empty() && self.fault.is_none()
    }
}

/// An expectation that did not hold.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The expectation.
    pub span: Span,
    /// What was wanted, in words.
    pub wanted: String,
    /// How many records had been made by then.
    pub after: usize,
}

/// A lifetime that went wrong.
#[derive(Clone, Debug)]
pub struct FaultAt {
    /// The statement.
    pub span: Span,
    /// What went wrong.
    pub text: String,
}

/// What is asked of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judge {
    /// What the scenario states for the case's kernel, deviations included.
    Stated,
    /// The contract, whatever the kernel.
    Contract,
}

/// Runs a case and judges it by what its scenario states.
pub fn run(case: &Case<'_>) -> Run {
    run_by(case, Judge::Stated)
}

/// Runs a case and judges it.
pub fn run_by(case: &Case<'_>, judge: Judge) -> Run {
    expand::with_program(case.unit, case.scenario, case.kind_use, |program| {
        let mut recorder = Recorder::new(program, case.model);
        let mut run = Run {
            trace: vec![],
            story: vec![],
            failures: vec![],
            fault: None,
        };
        let time_line = expand::time_line(case.suite, case.scenario, program).into_iter();
        let finally = expand::finally(case.scenario).map(|(span, expectation)| CaseStep {
            span,
            kind: CaseStepKind::Expect(expectation),
        });
        for step in time_line.chain(finally) {
            match step.kind {
                CaseStepKind::Op(op, fails) => match recorder.run(case.unit.line(step.span), op) {
                    Ok(ret) if Errno::is_returned(fails, ret) => {}
                    Ok(_) => run.failures.push(Failure {
                        span: step.span,
                        wanted: match fails {
                            Some(errno) => {
                                format!("{} fails {}", program.describe(op), errno.name())
                            }
                            None => format!("{} does not fail", program.describe(op)),
                        },
                        after: recorder.records().len(),
                    }),
                    Err(fault) => {
                        let text = fault.describe(program);
                        run.fault = Some(FaultAt {
                            span: step.span,
                            text,
                        });
                        break;
                    }
                },
                CaseStepKind::Expect(expectation) => {
                    let claim = claim(case, expectation, judge);
                    if claim.holds(&recorder) == expectation.negated {
                        let not = if expectation.negated { "not: " } else { "" };
                        run.failures.push(Failure {
                            span: step.span,
                            wanted: format!("{not}{}", program.describe_claim(claim)),
                            after: recorder.records().len(),
                        });
                    }
                }
            }
        }
        let records = recorder.records().iter();
        (run.trace, run.story) = records
            .map(|record| (trace::Line::new(record, program), record.describe(program)))
            .unzip();
        run
    })
}

fn claim(case: &Case<'_>, expectation: &Expectation, judge: Judge) -> Claim {
    match judge {
        Judge::Stated => expectation.stated(case.model, case.kind_use.bound),
        Judge::Contract => expectation.claim,
    }
}
