//! `devres-gen run`

use serde_json::{Value, json};

use super::{Done, NOT_WELL, WELL, load_or_report, print, report, say};
use crate::cli::{Format, Run as Args};
use devres_gen::codes::Code;
use devres_gen::diagnostic::Diagnostic;
use devres_gen::emit::names;
use devres_gen::expand::{self, Case};
use devres_gen::identity;
use devres_gen::ir::{Scenario, Unit};
use devres_gen::run::{self, Run};
use devres_gen::sim::{Fix, Model};
use devres_gen::source::Span;
use devres_gen::trace::{Header, PREFIX};

/// The version of `--format json`.
const FORMAT: u32 = 1;

pub(super) fn run(args: &Args) -> Done {
    let unit = load_or_report(&args.paths, &args.select.selection())?;
    let model = args.kernel.model();
    let judge = if args.trace { run::run } else { run::judge };
    let runs: Vec<(Case<'_>, Run)> = expand::cases(&unit, model)
        .map(|case| (case, judge(&case)))
        .collect();
    print(&match args.format {
        Format::Human => human(&runs, args.trace),
        Format::Json => format!("{:#}\n", document(&runs, model, args.trace)),
        Format::Ktap => ktap(&unit, &runs, args.trace),
    })?;
    let mut summaries = vec![summary(&runs, model)];
    let mut passed = runs.iter().all(|(_, run)| run.passed());
    let mut failed = failures(&runs);
    // Who names no kernel wants to know whether what is said of others is so.
    if model == Model::ALL && matches!(args.format, Format::Human) {
        for fix in spoken_of(&unit) {
            let model = Model::ALL.without(fix);
            let runs: Vec<(Case<'_>, Run)> = expand::cases(&unit, model)
                .map(|case| (case, run::judge(&case)))
                .collect();
            summaries.push(summary(&runs, model));
            passed &= runs.iter().all(|(_, run)| run.passed());
            failed.extend(failures(&runs));
        }
    }
    if !failed.is_empty() {
        report(&failed, &unit.sources);
    }
    for summary in summaries {
        match args.format {
            Format::Human => print(&format!("{summary}\n"))?,
            Format::Json | Format::Ktap => say(&summary),
        }
    }
    Ok(if passed { WELL } else { NOT_WELL.into() })
}

fn summary(runs: &[(Case<'_>, Run)], model: Model) -> String {
    let passed = runs.iter().filter(|(_, run)| run.passed()).count();
    format!(
        "{} cases on a kernel {model}: {passed} as stated",
        runs.len()
    )
}

/// The fixes without which something is said to be otherwise, oldest first.
fn spoken_of(unit: &Unit) -> impl Iterator<Item = Fix> {
    let scenarios = || unit.suites.iter().flat_map(|suite| &suite.scenarios);
    let expectations = scenarios().flat_map(Scenario::expectations);
    let deviations = expectations.flat_map(|expectation| &expectation.deviations);
    let of_faults = scenarios().flat_map(Scenario::faults);
    let of_faults = of_faults.flat_map(|fault| {
        let absent = fault.absent.as_ref().map(|(fix, _)| *fix);
        fault.without.into_iter().chain(absent)
    });
    let named: Vec<Fix> = deviations.map(|d| d.fix).chain(of_faults).collect();
    Fix::ALL.into_iter().filter(move |fix| named.contains(fix))
}

fn human(runs: &[(Case<'_>, Run)], trace: bool) -> String {
    let mut text = String::new();
    for (case, run) in runs {
        if trace {
            text += &format!("{}\n", Header::new(case.name()).to_json());
            text.extend(run.trace.iter().map(|line| line.to_json() + "\n"));
        }
        let word = if run.passed() { "ok" } else { "FAILED" };
        text += &format!("{word:<6} {}\n", case.name());
    }
    text
}

fn document(runs: &[(Case<'_>, Run)], model: Model, trace: bool) -> Value {
    let cases = runs.iter().map(|(case, run)| {
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
            "passed": run.passed(),
            "failures": failures.collect::<Vec<_>>(),
        });
        if let Some(fault) = &run.fault {
            value["fault"] = json!({ "line": line(fault.span), "text": fault.text });
        }
        if trace {
            value["trace"] = json!(run.trace);
        }
        value
    });
    let without: Vec<_> = model.lacks().map(|fix| fix.commit()).collect();
    json!({ "format": FORMAT, "without": without, "cases": cases.collect::<Vec<_>>() })
}

/// The same nesting and the same names as the emitted C prints on a kernel.
fn ktap(unit: &Unit, runs: &[(Case<'_>, Run)], trace: bool) -> String {
    let ok = |all: bool| if all { "ok" } else { "not ok" };
    let mut text = format!("KTAP version 1\n1..{}\n", unit.suites.len());
    for (number, suite) in unit.suites.iter().enumerate() {
        let name = names::suite(suite);
        text += &format!("    KTAP version 1\n    # Subtest: {name}\n");
        text += &format!("    1..{}\n", suite.scenarios.len());
        let mut suite_passed = true;
        for (number, scenario) in suite.scenarios.iter().enumerate() {
            let cases = runs
                .iter()
                .filter(|(case, _)| std::ptr::eq(case.scenario, scenario));
            let test = names::c_test(scenario);
            text += &format!("        KTAP version 1\n        # Subtest: {test}\n");
            text += &format!("        1..{}\n", scenario.kinds.len());
            let mut passed = true;
            for (number, (case, run)) in cases.enumerate() {
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
                text += &format!("        {} {} {label}\n", ok(run.passed()), number + 1);
                passed &= run.passed();
            }
            text += &format!("    {} {} {test}\n", ok(passed), number + 1);
            suite_passed &= passed;
        }
        text += &format!("{} {} {name}\n", ok(suite_passed), number + 1);
    }
    text
}

/// Something that went wrong at a place, the same in one case or in several of a scenario.
struct Failed<'r> {
    first: &'r Case<'r>,
    kinds: Vec<String>,
    code: Code,
    span: Span,
    label: &'static str,
    what: String,
    /// What happened in the first case.
    story: String,
    /// What would have cured it.
    cure: String,
}

impl Failed<'_> {
    /// Whether both are the same, in cases of one scenario.
    fn is_as(&self, other: &Failed<'_>) -> bool {
        self.first.model == other.first.model
            && (self.code, self.span, &self.what, &self.cure)
                == (other.code, other.span, &other.what, &other.cure)
    }

    fn diagnostic(self) -> Diagnostic {
        let Case {
            suite,
            scenario,
            model,
            ..
        } = self.first;
        let kinds = match self.kinds.len() {
            several @ 2.. if several == scenario.kinds.len() => "every kind".to_owned(),
            _ => self.kinds.join(", "),
        };
        let (sep, on) = match self.kinds.len() {
            1 => ("/", String::new()),
            _ => (" on ", format!(" on {}", self.kinds[0])),
        };
        let happened = match self.story.is_empty() {
            true => String::new(),
            false => format!(", this is what happened{on}:{}", self.story),
        };
        let (suite, scenario) = (&suite.name, &scenario.name);
        let what = format!("{suite}/{scenario}{sep}{kinds}: {}", self.what);
        Diagnostic::new(self.code, what)
            .label(self.span, self.label)
            .help(format!("on a kernel {model}{happened}{}", self.cure))
    }
}

/// What did not hold or went wrong, each once for all cases of a scenario.
fn failures<'r>(runs: &'r [(Case<'r>, Run)]) -> Vec<Diagnostic> {
    let mut found: Vec<Failed<'r>> = Vec::new();
    let mut add = |new: Failed<'r>| {
        // The cases of a scenario follow each other.
        let of_scenario =
            |known: &&mut Failed<'_>| std::ptr::eq(known.first.scenario, new.first.scenario);
        let mut known = found.iter_mut().rev().take_while(of_scenario);
        match known.find(|known| known.is_as(&new)) {
            Some(known) => known.kinds.extend(new.kinds),
            None => found.push(new),
        }
    };
    for (case, run) in runs {
        let failed = |code, span, what: String| Failed {
            first: case,
            kinds: vec![case.kind_use.label(case.unit)],
            code,
            span,
            label: "here",
            what,
            story: String::new(),
            cure: String::new(),
        };
        let cure = cure(case);
        for failure in &run.failures {
            let lines = run.story_until(failure.after).into_iter();
            add(Failed {
                label: "does not hold here",
                story: lines.map(|line| format!("\n  {line}")).collect(),
                cure: match failure.contract_holds {
                    false => cure.clone(),
                    true => "\nthe contract holds there: leave this `but` out".to_owned(),
                },
                ..failed(Code::Expectation, failure.span, failure.told())
            });
        }
        for missing in &run.missing {
            add(failed(Code::NoFault, missing.span, missing.wanted.clone()));
        }
        if let Some(fault) = run.fault.iter().find(|fault| !fault.announced) {
            add(Failed {
                cure,
                ..failed(Code::Fault, fault.span, fault.text.clone())
            });
        }
    }
    found.into_iter().map(Failed::diagnostic).collect()
}

/// What would make the case's contract hold, in words.
fn cure(case: &Case<'_>) -> String {
    run::cures(case)
        .iter()
        .map(|fix| format!("\n{fix} (\"{}\") cures it", fix.title()))
        .collect()
}
