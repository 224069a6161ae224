//! `devres-gen run`

use serde_json::{Value, json};

use super::{Done, NOT_WELL, WELL, load_or_report, report};
use crate::cli::{Format, Run as Args};
use devres_gen::codes::Code;
use devres_gen::diagnostic::Diagnostic;
use devres_gen::emit::names;
use devres_gen::expand::{self, Case};
use devres_gen::ir::Unit;
use devres_gen::run::{self, Run};
use devres_gen::sim::Model;
use devres_gen::trace::{Header, PREFIX};

/// The version of `--format json`.
const FORMAT: u32 = 1;

pub(super) fn run(args: &Args) -> Done {
    let unit = load_or_report(&args.paths)?;
    let model = args.kernel.model();
    let runs: Vec<(Case<'_>, Run)> = expand::cases(&unit, model)
        .map(|case| (case, run::run(&case)))
        .collect();
    match args.format {
        Format::Human => human(&runs, args.trace),
        Format::Json => println!("{:#}", document(&runs, model, args.trace)),
        Format::Ktap => ktap(&unit, &runs, args.trace),
    }
    let failed = failures(&runs);
    report_failures(&unit, &failed);
    let passed = runs.iter().filter(|(_, run)| run.passed()).count();
    let summary = format!(
        "{} cases on a kernel {model}: {passed} as stated",
        runs.len()
    );
    match args.format {
        Format::Human => println!("{summary}"),
        Format::Json | Format::Ktap => eprintln!("{summary}"),
    }
    if passed == runs.len() {
        Ok(WELL)
    } else {
        Ok(NOT_WELL.into())
    }
}

fn human(runs: &[(Case<'_>, Run)], trace: bool) {
    for (case, run) in runs {
        if trace {
            println!("{}", Header::new(case.name()).to_json());
            run.trace
                .iter()
                .for_each(|line| println!("{}", line.to_json()));
        }
        println!(
            "{:<6} {}",
            if run.passed() { "ok" } else { "FAILED" },
            case.name()
        );
    }
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
fn ktap(unit: &Unit, runs: &[(Case<'_>, Run)], trace: bool) {
    let ok = |all: bool| if all { "ok" } else { "not ok" };
    println!("KTAP version 1\n1..{}", unit.suites.len());
    for (number, suite) in unit.suites.iter().enumerate() {
        println!("    KTAP version 1\n    # Subtest: {}", names::suite(suite));
        println!("    1..{}", suite.scenarios.len());
        let mut suite_passed = true;
        for (number, scenario) in suite.scenarios.iter().enumerate() {
            let test = names::c_test(scenario);
            println!("        KTAP version 1\n        # Subtest: {test}");
            println!("        1..{}", suite.kinds.len());
            let mut scenario_passed = true;
            let cases = runs
                .iter()
                .filter(|(case, _)| std::ptr::eq(case.scenario, scenario));
            for (number, (case, run)) in cases.enumerate() {
                if trace {
                    println!(
                        "    # {test}: {PREFIX}{}",
                        Header::new(case.name()).to_json()
                    );
                    for line in &run.trace {
                        println!("    # {test}: {PREFIX}{}", line.to_json());
                    }
                }
                let label = case.kind_use.label(unit);
                println!("        {} {} {label}", ok(run.passed()), number + 1);
                scenario_passed &= run.passed();
            }
            println!("    {} {} {test}", ok(scenario_passed), number + 1);
            suite_passed &= scenario_passed;
        }
        println!(
            "{} {} {}",
            ok(suite_passed),
            number + 1,
            names::suite(suite)
        );
    }
}

/// Each expectation that did not hold, once, with every case in which it did not.
fn failures<'r>(runs: &'r [(Case<'r>, Run)]) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = Vec::new();
    for (case, run) in runs {
        for failure in &run.failures {
            let mut events = String::new();
            for text in &run.story[..failure.after] {
                events += &format!("\n  {text}");
            }
            let diagnostic = Diagnostic::new(
                Code::Expectation,
                format!("{}: expected {}", case.name(), failure.wanted),
            )
            .label(failure.span, "does not hold here")
            .help(format!(
                "on a kernel {}, this is what happened:{events}",
                case.model
            ));
            found.push(diagnostic);
        }
        if let Some(fault) = &run.fault {
            found.push(
                Diagnostic::new(Code::Fault, format!("{}: {}", case.name(), fault.text))
                    .label(fault.span, "here")
                    .help(format!("on a kernel {}", case.model)),
            );
        }
    }
    found
}

fn report_failures(unit: &Unit, failures: &[Diagnostic]) {
    if !failures.is_empty() {
        report(failures, &unit.sources);
    }
}
