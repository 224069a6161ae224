//! What the simulator predicts of each case, against what a kernel's log says.

use crate::emit::{Broken, Options, names, parts};
use crate::expand::{self, Case};
use crate::identity;
use crate::ir::{Deviation, Linux, Unit};
use crate::ktap::{Devres, Log, Status, TestResult};
use crate::run::{self, FaultAt, Run};
use crate::sim::{Model, Warning};
use crate::trace;

use super::witness;

/// What came of holding a log against the simulator.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// What the kernel calls itself, if its banner is in the log.
    pub kernel: Option<String>,
    /// The kernel that the simulator was asked about.
    pub model: Model,
    /// Each case.
    pub cases: Vec<Judged>,
    /// Everything in which the two differ.
    pub differences: Vec<Difference>,
    /// The kernels that would have printed the same; of a kernel's own run only looked for
    /// when it differs.
    pub explanations: Vec<Model>,
}

/// A case on the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// `suite/scenario/kind`
    pub case: String,
    /// [`identity::case`]
    pub content: String,
    /// How it ended, if it ended.
    pub status: Option<Status>,
    /// Why, where that is as it should be and not plain.
    pub why: Option<String>,
    /// Operations, events, warnings and entries of the kernel's own log that agree.
    pub agreed: usize,
}

/// Something in which a kernel and the simulator differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// `suite/scenario/kind`
    pub case: String,
    /// What differs, perhaps over several lines.
    pub what: String,
}

/// Holds a log of the C that was emitted with these options against what the simulator
/// predicts of that kernel.
pub fn compare(unit: &Unit, options: &Options, model: Model, log: &Log) -> Comparison {
    let mut comparison = Comparison {
        kernel: log.kernel.clone(),
        model,
        cases: vec![],
        differences: vec![],
        explanations: vec![],
    };
    let mut alarms = log.alarms.clone();
    for case in expand::cases(&parts::of(unit, options.target), model) {
        for told in comparison.case(&case, options, log) {
            if let Some(at) = alarms.iter().position(|alarm| alarm == told) {
                alarms.remove(at);
            }
        }
    }
    if let Some(panic) = &log.panic {
        comparison.differ("(any)", format!("the kernel died: {panic}"));
    }
    for (case, device) in &log.left {
        comparison.differ(case, format!("it leaves `{device}` behind"));
    }
    for alarm in &alarms {
        comparison.differ("(any)", format!("the kernel complains: {alarm}"));
    }
    for garbled in &log.garbled {
        comparison.differ("(any)", format!("a line of a trace is garbled: {garbled}"));
    }
    comparison
}

impl Comparison {
    /// Operations, events, warnings and entries of the kernel's own log that agree.
    pub fn agreed(&self) -> usize {
        self.cases.iter().map(|case| case.agreed).sum()
    }

    /// The kernel's own log of managed resources was asked for, and is not there.
    pub(super) fn no_witness(&mut self) {
        let what = "the kernel keeps no log of managed resources: is CONFIG_DEBUG_DEVRES set?";
        self.differ("(any)", what.to_owned());
    }

    /// The fingerprints of the kernel's fixes are not in its log.
    pub(super) fn no_answer(&mut self) {
        let what = "the kernel did not say which fixes it has: it printed no fingerprints";
        self.differ("(any)", what.to_owned());
    }

    fn differ(&mut self, case: &str, what: String) {
        self.differences.push(Difference {
            case: case.to_owned(),
            what,
        });
    }

    /// Judges one case, and returns what KASAN had to say of it and should.
    fn case<'l>(&mut self, case: &Case<'_>, options: &Options, log: &'l Log) -> Vec<&'l str> {
        let name = case.name();
        let path = vec![
            names::suite(case.suite),
            names::c_test(case.scenario),
            case.kind_use.label(case.unit),
        ];
        let result = log.results.get(&path);
        if log.contradictions.contains(&path) {
            let what = "the log has more than one result of it, and they differ";
            self.differ(&name, what.to_owned());
        }
        self.cases.push(Judged {
            case: name.clone(),
            content: identity::case(case.unit, case.scenario, &case.kind_use),
            status: result.map(|result| result.status),
            why: None,
            agreed: 0,
        });
        let Some(result) = result else {
            let what = "the kernel's log has no result of it".to_owned();
            self.differ(&name, what);
            return vec![];
        };
        let content = self.cases.last().map_or("", |case| &case.content);
        let mut said = result.said.iter();
        if let Some(other) = said
            .find_map(|line| line.split_once(": content "))
            .map(|known| known.1)
            && other != content
        {
            let what =
                format!("the log is of another one of that name: content {other}, not {content}");
            self.differ(&name, what);
            return vec![];
        }
        let Some((predicted, run)) = predict(case, options) else {
            return vec![];
        };
        let faults = options.faults && run.fault.is_some();
        // A kernel without KASAN has nobody to tell.
        let predicted = match predicted {
            Status::Failed if faults && log.is_without_kasan() => Status::Skipped,
            _ => predicted,
        };
        let told_by_kasan: Vec<&str> = match faults && predicted == Status::Failed {
            true => result.alarms().filter(|alarm| is_of_freed(alarm)).collect(),
            false => vec![],
        };
        if faults && predicted == Status::Failed && told_by_kasan.is_empty() {
            self.differ(&name, "KASAN has nothing to say of it".to_owned());
        }
        // Before 6.12 (seen on 6.1) a skipped parameter is reported as one that passed.
        let told = match (predicted, result.status) {
            (Status::Skipped, Status::Passed) if options.target < Linux(6, 12) => Status::Skipped,
            // KUnit hears what KASAN tells of its own thread, and not of a worker.
            (Status::Failed, Status::Passed) if !told_by_kasan.is_empty() => Status::Failed,
            (_, told) => told,
        };
        if let Some(case) = self.cases.last_mut() {
            case.status = Some(told);
            case.why = match (told, told_by_kasan.first()) {
                (Status::Skipped, _) if faults && log.is_without_kasan() => {
                    Some("it announces a fault, and this kernel has no KASAN".to_owned())
                }
                (Status::Skipped, _) if run.fault.is_some() => {
                    Some("it announces a fault, which no kernel is asked for".to_owned())
                }
                (Status::Failed, Some(alarm)) => Some(format!("as announced: {alarm}")),
                _ => None,
            };
        }
        if predicted != told {
            let said = result.said.join("\n    ");
            let what = format!("{told} on the kernel, {predicted} on the simulator");
            self.differ(&name, format!("{what}\n    {said}"));
        }
        if !options.trace || predicted == Status::Skipped {
            return told_by_kasan;
        }
        let told = Told {
            after_a_fault: faults,
            ..Told::of(&name, case, result, log)
        };
        let agreed = told.compare(&run).or_else(|differences| {
            // A kernel may have been quicker than that, or done it in another order.
            let others = run::other_works(case, run.queued, OVERTAKEN);
            let mut others = others.map(|(work, _)| run::run_at_work(case, case.model, work));
            others
                .find_map(|other| told.compare(&other).ok())
                .ok_or(differences)
        });
        match agreed {
            Ok(agreed) => {
                if let Some(case) = self.cases.last_mut() {
                    case.agreed = agreed;
                }
            }
            Err(differences) => {
                for what in differences {
                    self.differ(&name, what);
                }
            }
        }
        told_by_kasan
    }
}

/// Whether KASAN speaks of memory that was freed: in one of its words for it.
fn is_of_freed(alarm: &str) -> bool {
    let words = ["use-after-free", "double-free", "invalid-free"];
    alarm.starts_with("BUG: KASAN: ") && words.iter().any(|word| alarm.contains(word))
}

/// Moments for queued work of which every subset is tried.
const OVERTAKEN: u32 = 6;

/// What a kernel's log tells of a case.
struct Told<'l> {
    trace: &'l [trace::Line],
    warnings: Vec<&'l str>,
    devres: Option<&'l [Devres]>,
    agree: fn(&trace::Line, &trace::Line) -> bool,
    /// Whether the case goes on behind a fault, where nothing is predicted.
    after_a_fault: bool,
}

impl<'l> Told<'l> {
    fn of(name: &str, case: &Case<'_>, result: &'l TestResult, log: &'l Log) -> Self {
        let mut warnings = result.warnings();
        if case.scenario.gives_up_after.is_some() {
            warnings.truncate(log.warned.get(name).copied().unwrap_or(0));
        }
        // What sysfs says of an entry that went with its directory differs between versions,
        // and is not about lifetimes.
        warnings.retain(|file| !file.starts_with("fs/sysfs/"));
        let devres = log.devres.get(name).map_or(&[][..], Vec::as_slice);
        Told {
            trace: log.traces.get(name).map_or(&[][..], Vec::as_slice),
            warnings,
            devres: log.is_witness().then_some(devres),
            agree: if log.delayed_releases {
                trace::Line::agrees_but_for_the_delay
            } else {
                trace::Line::agrees
            },
            after_a_fault: false,
        }
    }

    /// How much agrees with a prediction, or every way in which they differ.
    fn compare(&self, run: &Run) -> Result<usize, Vec<String>> {
        let all = (run.trace.len(), run.devres.len());
        let (lines, devres) = run.leaves.unwrap_or(all);
        // A kernel warns on its own, and not in the trace.
        let warns = |line: &&trace::Line| line.warning().is_some();
        let (warnings, lines): (Vec<_>, Vec<_>) = run.trace[..lines].iter().partition(warns);
        let goes_on = run.goes_on || run.leaves.is_some() || self.after_a_fault;
        let parts = [
            self.trace(&lines, goes_on),
            self.warnings(&warnings, goes_on),
            self.devres
                .filter(|_| !self.after_a_fault)
                .map_or(Ok(0), |kernel| {
                    witness::compare(&run.devres[..devres], kernel)
                }),
        ];
        let differences: Vec<String> = parts.iter().filter_map(|p| p.clone().err()).collect();
        if differences.is_empty() {
            Ok(parts.into_iter().flatten().sum())
        } else {
            Err(differences)
        }
    }

    /// Line by line, up to the first difference: all that follows would only follow. What
    /// goes on behind the end of a case may be in the kernel's trace, and need not.
    fn trace(&self, simulator: &[&trace::Line], goes_on: bool) -> Result<usize, String> {
        let longest = if goes_on {
            simulator.len()
        } else {
            simulator.len().max(self.trace.len())
        };
        for index in 0..longest {
            match (simulator.get(index), self.trace.get(index)) {
                (Some(simulator), Some(kernel)) if (self.agree)(simulator, kernel) => {}
                (simulator, kernel) => {
                    let show = |line: Option<&trace::Line>| {
                        line.map_or("nothing".to_owned(), trace::Line::to_json)
                    };
                    return Err(format!(
                        "the traces part at line {}\n    kernel:    {}\n    simulator: {}",
                        index + 1,
                        show(kernel),
                        show(simulator.copied()),
                    ));
                }
            }
        }
        Ok(longest)
    }

    /// By file: which function a report names depends on what the compiler inlined.
    fn warnings(&self, simulator: &[&trace::Line], goes_on: bool) -> Result<usize, String> {
        let ours = simulator.iter();
        let ours = ours.filter_map(|line| Warning::from_function(line.warning()?));
        let ours: Vec<Warning> = ours.collect();
        let same = |(warning, file): (&Warning, &&str)| warning.files().contains(file);
        let as_many = match goes_on {
            true => ours.len() <= self.warnings.len(),
            false => ours.len() == self.warnings.len(),
        };
        if as_many && ours.iter().zip(&self.warnings).all(same) {
            return Ok(ours.len());
        }
        let say = |files: &[&str]| match files {
            [] => "of nothing".to_owned(),
            files => format!("in {}", files.join(", ")),
        };
        let files: Vec<&str> = ours.iter().map(|warning| warning.files()[0]).collect();
        Err(format!(
            "the kernel warns {}, the simulator {}",
            say(&self.warnings),
            say(&files)
        ))
    }
}

/// How a case of the emitted C should end, and its trace. Nothing can be said of a case
/// that runs into a fault on this kernel, and was not emitted for it.
fn predict(case: &Case<'_>, options: &Options) -> Option<(Status, Run)> {
    let asserted = match options.broken {
        Broken::Assert => Model::ALL,
        Broken::Skip | Broken::Expect => options.model(),
    };
    let run = run::run_as(case, asserted);
    // What is skipped was decided when the C was emitted.
    let emitted_for = options.model();
    let fault = |model| {
        let mut faults = case.scenario.faults();
        faults.any(|fault| fault.applies(model, &case.kind_use))
    };
    let applies = |d: &Deviation| d.applies(emitted_for, &case.kind_use);
    let deviates = case
        .scenario
        .expectations()
        .any(|e| e.deviations.iter().any(applies));
    let told_by_kasan = |fault: &FaultAt| options.faults && fault.told_by_kasan;
    let status = if run.fault.as_ref().is_some_and(told_by_kasan) {
        Status::Failed
    } else if fault(emitted_for) || options.broken == Broken::Skip && deviates {
        Status::Skipped
    } else if fault(case.model) {
        return None;
    } else if run.passed() {
        Status::Passed
    } else {
        Status::Failed
    };
    Some((status, run))
}
