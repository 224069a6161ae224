//! `devres-gen run`

use serde_json::{Value, json};

use super::{Done, NOT_WELL, WELL, load_or_report, print, report, say};
use crate::cli::{Format, Run as Args};
use devres_gen::codes::Code;
use devres_gen::diagnostic::Diagnostic;
use devres_gen::emit::names;
use devres_gen::expand::{self, Case};
use devres_gen::identity;
use devres_gen::ir::Unit;
use devres_gen::run::{self, Run};
use devres_gen::sim::Model;
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
    let passed = runs.iter().filter(|(_, run)| run.passed()).count();
    let summary = format!(
        "{} cases on a kernel {model}: {passed} as stated",
        runs.len()
    );
    print(&match args.format {
        Format::Human => human(&runs, args.trace),
        Format::Json => format!("{:#}\n", document(&runs, model, args.trace)),
        Format::Ktap => ktap(&unit, &runs, args.trace),
    })?;
    let failed = failures(&runs);
    if !failed.is_empty() {
        report(&failed, &unit.sources);
    }
    match args.format {
        Format::Human => print(&format!("{summary}\n"))?,
        Format::Json | Format::Ktap => say(&summary),
    }
    if passed == runs.len() {
        Ok(WELL)
    } else {
        Ok(NOT_WELL.into())
    }
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
        let failures = run
            .failures
            .iter()
            .map(|failure| json!({ "line": line(failure.span), "expected": failure.wanted }));
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

/// Each expectation that did not hold, in each case.
fn failures<'r>(runs: &'r [(Case<'r>, Run)]) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = Vec::new();
    for (case, run) in runs {
        let cure = cure(case);
        for failure in &run.failures {
            let mut events = String::new();
            for text in run.story_until(failure.after) {
                events += &format!("\n  {text}");
            }
            let diagnostic = Diagnostic::new(
                Code::Expectation,
                format!("{}: expected {}", case.name(), failure.wanted),
            )
            .label(failure.span, "does not hold here")
            .help(format!(
                "on a kernel {}, this is what happened:{events}{cure}",
                case.model
            ));
            found.push(diagnostic);
        }
        for missing in &run.missing {
            found.push(
                Diagnostic::new(
                    Code::NoFault,
                    format!("{}: {}", case.name(), missing.wanted),
                )
                .label(missing.span, "here")
                .help(format!("on a kernel {}", case.model)),
            );
        }
        if let Some(fault) = run.fault.iter().find(|fault| !fault.announced) {
            found.push(
                Diagnostic::new(Code::Fault, format!("{}: {}", case.name(), fault.text))
                    .label(fault.span, "here")
                    .help(format!("on a kernel {}{cure}", case.model)),
            );
        }
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
