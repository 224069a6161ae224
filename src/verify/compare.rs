//! What the simulator predicts of each case, against what a kernel's log says.

use crate::emit::{Broken, Options, names};
use crate::expand::{self, Case};
use crate::ir::{Deviation, FaultExpectation, Unit};
use crate::ktap::{Log, Status};
use crate::run::{self, Judge};
use crate::sim::{Model, Warning};
use crate::trace;

/// What came of holding a log against the simulator.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    /// Each case with how it ended on the kernel, if it ended.
    pub cases: Vec<(String, Option<Status>)>,
    /// Operations and events that were compared and agree.
    pub agreed: usize,
    /// Everything in which the two differ.
    pub differences: Vec<Difference>,
    /// Other kernels that would have printed the same, when this one would not.
    pub explanations: Vec<Model>,
}

/// Something in which a kernel and the simulator differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// `suite/scenario/kind`
    pub case: String,
    /// What differs, perhaps over several lines.
    pub what: String,
}

/// Holds a log of the C that was emitted with these options against the simulator.
pub fn compare(unit: &Unit, options: &Options, log: &Log) -> Comparison {
    let mut comparison = Comparison::default();
    for case in expand::cases(unit, options.model()) {
        comparison.case(&case, options, log);
    }
    for garbled in &log.garbled {
        comparison.differ("(any)", format!("a line of a trace is garbled: {garbled}"));
    }
    comparison
}

impl Comparison {
    fn differ(&mut self, case: &str, what: String) {
        self.differences.push(Difference {
            case: case.to_owned(),
            what,
        });
    }

    fn case(&mut self, case: &Case<'_>, options: &Options, log: &Log) {
        let name = case.name();
        let path = vec![
            names::suite(case.suite),
            names::c_test(case.scenario),
            case.kind_use.label(case.unit),
        ];
        let result = log.results.get(&path);
        self.cases
            .push((name.clone(), result.map(|result| result.status)));
        let Some(result) = result else {
            let what = "the kernel's log has no result of it".to_owned();
            return self.differ(&name, what);
        };
        let (predicted, lines) = predict(case, options.broken);
        if predicted != result.status {
            let said = result.said.join("\n    ");
            let what = format!(
                "{} on the kernel, {predicted} on the simulator",
                result.status
            );
            self.differ(&name, format!("{what}\n    {said}"));
        }
        if options.trace && predicted != Status::Skipped {
            let kernel = log.traces.get(&name).map_or(&[][..], Vec::as_slice);
            // A kernel warns on its own, and not in the trace.
            let (warnings, lines): (Vec<_>, Vec<_>) =
                lines.into_iter().partition(|line| line.warning().is_some());
            self.trace(&name, &lines, kernel);
            let warnings: Vec<&str> = warnings
                .iter()
                .filter_map(|line| Some(Warning::from_function(line.warning()?)?.file()))
                .collect();
            self.warnings(&name, &warnings, &result.warnings());
        }
    }

    /// By file: which function a report names depends on what the compiler inlined.
    fn warnings(&mut self, case: &str, simulator: &[&str], kernel: &[&str]) {
        if simulator == kernel {
            self.agreed += kernel.len();
            return;
        }
        let say = |files: &[&str]| match files {
            [] => "of nothing".to_owned(),
            files => format!("in {}", files.join(", ")),
        };
        let what = format!(
            "the kernel warns {}, the simulator {}",
            say(kernel),
            say(simulator)
        );
        self.differ(case, what);
    }

    /// Line by line, up to the first difference: all that follows would only follow.
    fn trace(&mut self, case: &str, simulator: &[trace::Line], kernel: &[trace::Line]) {
        let longest = simulator.len().max(kernel.len());
        for index in 0..longest {
            match (simulator.get(index), kernel.get(index)) {
                (Some(simulator), Some(kernel)) if simulator.agrees(kernel) => self.agreed += 1,
                (simulator, kernel) => {
                    let show = |line: Option<&trace::Line>| {
                        line.map_or("nothing".to_owned(), trace::Line::to_json)
                    };
                    let what = format!(
                        "the traces part at line {}\n    kernel:    {}\n    simulator: {}",
                        index + 1,
                        show(kernel),
                        show(simulator),
                    );
                    return self.differ(case, what);
                }
            }
        }
    }
}

/// How a case of the emitted C should end, and its trace.
fn predict(case: &Case<'_>, broken: Broken) -> (Status, Vec<trace::Line>) {
    let judge = match broken {
        Broken::Assert => Judge::Contract,
        Broken::Skip | Broken::Expect => Judge::Stated,
    };
    let run = run::run_by(case, judge);
    let applies = |d: &Deviation| d.applies(case.model, &case.kind_use);
    let deviates = case
        .scenario
        .expectations()
        .any(|e| e.deviations.iter().any(applies));
    let fault = |fault: &FaultExpectation| fault.applies(case.model, &case.kind_use);
    let must_not_be_asked = case.scenario.faults().any(fault);
    let status = if must_not_be_asked || broken == Broken::Skip && deviates {
        Status::Skipped
    } else if run.passed() {
        Status::Passed
    } else {
        Status::Failed
    };
    (status, run.trace)
}
