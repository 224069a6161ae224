//! `devres-gen run`

use serde_json::{Value, json};

use super::{Done, NOT_WELL, WELL, load_to_run, print, report, say};
use crate::cli::{Format, Run as Args};
use devres_gen::codes::Code;
use devres_gen::diagnostic::Diagnostic;
use devres_gen::emit::names;
use devres_gen::expand::{self, Case};
use devres_gen::identity;
use devres_gen::ir::{Deviation, Step, StepKind, Unit};
use devres_gen::orders;
use devres_gen::places::{Places, when};
use devres_gen::run::{self, Run};
use devres_gen::sim::Model;
use devres_gen::source::Span;
use devres_gen::trace::{Header, PREFIX};

/// The version of `--format json`.
const FORMAT: u32 = 2;

/// What became of the cases on one kernel.
struct Kernel<'u> {
    model: Model,
    runs: Vec<(Case<'u>, Run)>,
}

pub(super) fn run(args: &Args) -> Done {
    let unit = load_to_run(&args.paths, &args.select.selection(), |_| true)?;
    let judge = if args.trace { run::run } else { run::judge };
    // Who names no kernel gets what the generated tests ask: whether it is so on each.
    let models: Vec<Model> = match args.kernel.without.is_empty() {
        true => Model::known().collect(),
        false => vec![args.kernel.model()],
    };
    let of_kernel = |&model: &Model| Kernel {
        model,
        runs: expand::cases(&unit, model)
            .map(|case| (case, judge(&case)))
            .collect(),
    };
    let kernels: Vec<Kernel<'_>> = models.iter().map(of_kernel).collect();
    print(&match args.format {
        Format::Human => human(&kernels, args.trace),
        Format::Json => format!("{:#}\n", document(&kernels, args.trace)),
        Format::Ktap => ktap(&unit, &kernels, args.trace),
    })?;
    let failed = orders::fold(failures(&kernels));
    report(&failed, &unit.sources);
    let all = kernels[0].runs.len();
    let passed = (0..all).filter(|&at| passed(&kernels, at)).count();
    let cases = match (all, kernels.as_slice()) {
        (1, _) => "1 case".to_owned(),
        (all, _) => format!("{all} cases"),
    };
    let on = match kernels.as_slice() {
        [kernel] => format!("a kernel {}", kernel.model),
        _ => "kernels with all fixes and without each".to_owned(),
    };
    let summary = format!("{cases} on {on}: {passed} as stated");
    match args.format {
        Format::Human => print(&format!("{summary}\n"))?,
        Format::Json | Format::Ktap => say(&summary),
    }
    Ok(if passed == all { WELL } else { NOT_WELL.into() })
}

/// Whether a case was as stated on every kernel, by its number.
fn passed(kernels: &[Kernel<'_>], at: usize) -> bool {
    let mut runs = kernels.iter().map(|kernel| &kernel.runs[at]);
    runs.all(|(case, run)| is_as_stated(case, run))
}

/// Of a case whose scenario was refused nothing can be told by one run.
fn is_as_stated(case: &Case<'_>, run: &Run) -> bool {
    run.passed() && case.scenario.refused.is_none()
}

/// The traces are those of the first kernel, which has all fixes if there are others.
fn human(kernels: &[Kernel<'_>], trace: bool) -> String {
    let mut text = String::new();
    for (at, (case, run)) in kernels[0].runs.iter().enumerate() {
        if trace {
            text += &format!("{}\n", Header::new(case.name()).to_json());
            text.extend(run.trace.iter().map(|line| line.to_json() + "\n"));
        }
        let word = if passed(kernels, at) { "ok" } else { "FAILED" };
        text += &format!("{word:<6} {}\n", case.name());
    }
    text
}

fn document(kernels: &[Kernel<'_>], trace: bool) -> Value {
    let kernels = kernels.iter().map(|Kernel { model, runs }| {
        let without: Vec<_> = model.lacks().map(|fix| fix.commit()).collect();
        let cases = runs.iter().map(|(case, run)| of_case(case, run, trace));
        json!({ "without": without, "cases": cases.collect::<Vec<_>>() })
    });
    json!({ "format": FORMAT, "kernels": kernels.collect::<Vec<_>>() })
}

fn of_case(case: &Case<'_>, run: &Run, trace: bool) -> Value {
    let line = |span| case.unit.line(span);
    let failures = run.failures.iter().map(|failure| {
        json!({
            "line": line(failure.span),
            "expected": failure.wanted,
            "found": failure.found,
        })
    });
    let mut value = json!({
        "case": case.name(),
        "content": identity::case(case.unit, case.scenario, &case.kind_use),
        "file": case.unit.sources.get(case.suite.source).name,
        "line": line(case.scenario.span),
        "passed": is_as_stated(case, run),
        "failures": failures.collect::<Vec<_>>(),
    });
    if case.scenario.refused.is_some() {
        value["refused"] = true.into();
    }
    if let Some(fault) = &run.fault {
        value["fault"] = json!({ "line": line(fault.span), "text": fault.text });
    }
    if trace {
        value["trace"] = json!(run.trace);
    }
    value
}

/// The same nesting and the same names as the emitted C prints on a kernel.
fn ktap(unit: &Unit, kernels: &[Kernel<'_>], trace: bool) -> String {
    let ok = |all: bool| if all { "ok" } else { "not ok" };
    let mut text = format!("KTAP version 1\n1..{}\n", unit.suites.len());
    for (number, suite) in unit.suites.iter().enumerate() {
        let name = names::suite(suite);
        text += &format!("    KTAP version 1\n    # Subtest: {name}\n");
        text += &format!("    1..{}\n", suite.scenarios.len());
        let mut suite_passed = true;
        for (number, scenario) in suite.scenarios.iter().enumerate() {
            let cases = kernels[0].runs.iter().enumerate();
            let cases = cases.filter(|(_, (case, _))| std::ptr::eq(case.scenario, scenario));
            let test = names::c_test(scenario);
            text += &format!("        KTAP version 1\n        # Subtest: {test}\n");
            text += &format!("        1..{}\n", scenario.kinds.len());
            let mut all_passed = true;
            for (number, (at, (case, run))) in cases.enumerate() {
                if trace {
                    let header = Header::new(case.name()).to_json();
                    text += &format!("    # {test}: {PREFIX}{header}\n");
                    for line in &run.trace {
                        text += &format!("    # {test}: {PREFIX}{}\n", line.to_json());
                    }
                }
                let label = case.kind_use.label(unit);
                let content = identity::case(unit, scenario, &case.kind_use);
                text += &format!("    # {test}: {label}: content {content}\n");
                if scenario.refused.is_some() {
                    text += &format!("    # {test}: {label}: refused: standard error says why\n");
                }
                for Kernel { model, runs } in kernels {
                    for failure in &runs[at].1.failures {
                        let (line, what) = (unit.line(failure.span), failure.told());
                        text += &format!("    # {test}: {label}: {model}: line {line}: {what}\n");
                    }
                }
                let passed = passed(kernels, at);
                text += &format!("        {} {} {label}\n", ok(passed), number + 1);
                all_passed &= passed;
            }
            text += &format!("    {} {} {test}\n", ok(all_passed), number + 1);
            suite_passed &= all_passed;
        }
        text += &format!("{} {} {name}\n", ok(suite_passed), number + 1);
    }
    text
}

/// Something that went wrong at a place, the same in one case or in several of a scenario.
struct Failed<'r> {
    /// The first of them, and what happened there.
    first: &'r Case<'r>,
    story: Vec<String>,
    places: Places,
    code: Code,
    span: Span,
    label: &'static str,
    what: String,
    /// The `but` that says so, and is wrong: the contract holds there.
    wrong: Option<&'r Deviation>,
    /// The outcome that is so instead.
    instead: Option<&'static str>,
}

impl<'r> Failed<'r> {
    fn new(case: &'r Case<'r>, code: Code, span: Span, what: String) -> Self {
        let mut places = Places::default();
        places.push(case.model, case.kind_use);
        Failed {
            first: case,
            story: vec![],
            places,
            code,
            span,
            label: "here",
            what,
            wrong: None,
            instead: None,
        }
    }

    /// Whether both are the same, in cases of one scenario.
    fn is_as(&self, other: &Failed<'_>) -> bool {
        std::ptr::eq(self.first.scenario, other.first.scenario)
            && (self.code, self.span, &self.what, self.wrong.is_some())
                == (other.code, other.span, &other.what, other.wrong.is_some())
    }

    fn diagnostic(self) -> Diagnostic {
        let Case {
            unit,
            suite,
            scenario,
            kind_use,
            model,
        } = self.first;
        let kinds = self.places.all_kinds(unit, scenario);
        let sep = match kinds == kind_use.label(unit) {
            true => "/",
            false => " on ",
        };
        let mut help = match self.places.kernels(scenario) {
            Some(kernels) => kernels,
            None => self.places.describe(unit, scenario),
        };
        if !self.story.is_empty() {
            help += &match help.contains('\n') {
                false => String::from(", this is what happened"),
                true => format!("\nthis is what happened {model}"),
            };
            if sep != "/" {
                help += &format!(" on {}", kind_use.label(unit));
            }
            help += &format!(":\n  {}", self.story.join("\n  "));
        }
        // What cures one that goes wrong cures others that go wrong in that way.
        let hint = match self.wrong {
            Some(deviation) => Some(self.without_it(deviation)),
            None => {
                help += &cure(self.first);
                self.deviation()
            }
        };
        let (suite, scenario) = (&suite.name, &scenario.name);
        let what = format!("{suite}/{scenario}{sep}{kinds}: {}", self.what);
        let mut diagnostic = Diagnostic::new(self.code, what)
            .label(self.span, self.label)
            .help(help)
            .hint(hint)
            .places(self.places.describe(unit, self.first.scenario));
        diagnostic.order.clone_from(&self.first.scenario.order);
        diagnostic
    }

    /// What to say instead of a `but` that is wrong.
    fn without_it(&self, deviation: &Deviation) -> String {
        let scenario = self.first.scenario;
        let wrong = self
            .places
            .kinds(scenario, Model::ALL.without(deviation.fix));
        let right = (0..scenario.kinds.len())
            .filter(|at| !wrong.contains(at) && deviation.condition.applies(&scenario.kinds[*at]));
        let right: Vec<usize> = right.collect();
        if right.is_empty() {
            return "the contract holds there: leave this `but` out".to_owned();
        }
        format!(
            "the contract holds there, and is broken elsewhere: say `without {}{}`",
            deviation.fix,
            self.when(&right)
        )
    }

    /// How to say of what one kernel does that it is known, where others do as the scenario says.
    fn deviation(&self) -> Option<String> {
        let scenario = self.first.scenario;
        let mut broken = Model::known().filter_map(|model| {
            let kinds = self.places.kinds(scenario, model);
            (!kinds.is_empty()).then_some((model, kinds))
        });
        let (Some((model, kinds)), None) = (broken.next(), broken.next()) else {
            return None;
        };
        let (fix, instead) = (model.lacks().next()?, self.instead?);
        let is_last =
            |step: &Step| step.span == self.span && matches!(step.kind, StepKind::Finally(_));
        let instead = match instead {
            "alive" if scenario.steps.iter().any(is_last) => "leaked",
            instead => instead,
        };
        let when = self.when(&kinds);
        Some(format!(
            "if that is known, say `but {instead} without {fix}{when}`"
        ))
    }

    /// The condition that these of the scenario's kinds meet, and no others.
    fn when(&self, kinds: &[usize]) -> String {
        let Case { unit, scenario, .. } = self.first;
        let on = || {
            let spelled = kinds.iter().map(|&at| scenario.kinds[at].spelled(unit));
            format!(" on {}", spelled.collect::<Vec<_>>().join(" and "))
        };
        let all: Vec<usize> = (0..scenario.kinds.len()).collect();
        when(scenario, kinds, &all).map_or_else(on, str::to_owned)
    }
}

/// What did not hold or went wrong, each once for all cases of a scenario.
fn failures<'r>(kernels: &'r [Kernel<'r>]) -> Vec<Diagnostic> {
    let mut found: Vec<Failed<'r>> = Vec::new();
    let runs = kernels.iter().flat_map(|kernel| &kernel.runs);
    // What was refused was told already.
    for (case, run) in runs.filter(|(case, _)| case.scenario.refused.is_none()) {
        for new in of_run(case, run) {
            match found.iter_mut().find(|known| known.is_as(&new)) {
                Some(known) => known.places.extend(new.places),
                None => found.push(new),
            }
        }
    }
    // In the order of the scenarios, whatever the kernels.
    found.sort_by_key(|failed| (failed.first.scenario.span, &failed.first.scenario.name));
    found.into_iter().map(Failed::diagnostic).collect()
}

fn of_run<'r>(case: &'r Case<'r>, run: &'r Run) -> Vec<Failed<'r>> {
    let mut found: Vec<Failed<'r>> = Vec::new();
    for failure in &run.failures {
        let told = failure.told();
        // One statement may expect several things.
        match found.last_mut().filter(|last| last.span == failure.span) {
            Some(last) => {
                last.what += &format!("\n{told}");
                last.instead = None;
            }
            None => found.push(Failed {
                label: "does not hold here",
                story: run.story_until(failure.after),
                wrong: failure.wrong.as_ref(),
                instead: failure.instead,
                ..Failed::new(case, Code::Expectation, failure.span, told)
            }),
        }
    }
    for missing in &run.missing {
        let told = missing.wanted.clone();
        found.push(Failed::new(case, Code::NoFault, missing.span, told));
    }
    if let Some(fault) = run.fault.iter().find(|fault| !fault.announced) {
        found.push(Failed::new(
            case,
            Code::Fault,
            fault.span,
            fault.text.clone(),
        ));
    }
    found
}

/// What would make the case's contract hold, in words.
fn cure(case: &Case<'_>) -> String {
    run::cures(case)
        .iter()
        .map(|fix| format!("\n{fix} (\"{}\") cures it", fix.title()))
        .collect()
}
