//! A comparison for programs: JSON, and the XML that CI systems read.

use askama::Template;
use serde_json::{Value, json};

use super::compare::{Comparison, Difference};
use crate::ktap::Status;

/// The version of the JSON form.
const FORMAT: u32 = 1;

/// `devres-gen verify --format json`
pub fn json(comparison: &Comparison) -> Value {
    let lacks = |model: crate::sim::Model| -> Vec<&str> {
        model.lacks().map(crate::sim::Fix::commit).collect()
    };
    let cases = comparison.cases.iter().map(|judged| {
        let differences = comparison.differences.iter();
        let differences = differences.filter(|d| d.case == judged.case);
        json!({
            "case": judged.case,
            "content": judged.content,
            "kernel": word(judged.status),
            "compared": judged.agreed,
            "differences": differences.map(|d| d.what.as_str()).collect::<Vec<_>>(),
        })
    });
    json!({
        "format": FORMAT,
        "linux": comparison.kernel,
        "without": lacks(comparison.model),
        "explained_by": comparison.explanations.iter().map(|&m| lacks(m)).collect::<Vec<_>>(),
        "compared": comparison.agreed(),
        "cases": cases.collect::<Vec<_>>(),
        "differences": elsewhere(comparison).map(|d| d.what.as_str()).collect::<Vec<_>>(),
    })
}

/// The differences that are of none of the cases: those of the whole log, and of what the log
/// calls by a name that nobody knows.
fn elsewhere(comparison: &Comparison) -> impl Iterator<Item = &Difference> {
    let of_a_case = |d: &Difference| comparison.cases.iter().any(|judged| judged.case == d.case);
    let differences = comparison.differences.iter();
    differences.filter(move |difference| !of_a_case(difference))
}

/// How a case ended, as all reports word it.
pub fn word(status: Option<Status>) -> &'static str {
    match status {
        Some(Status::Passed) => "ok",
        Some(Status::Failed) => "not ok",
        Some(Status::Skipped) => "skip",
        None => "lost",
    }
}

#[derive(Template)]
#[template(path = "junit.xml")]
struct Junit {
    suites: Vec<Suite>,
    tests: usize,
    failures: usize,
    skipped: usize,
}

struct Suite {
    name: String,
    cases: Vec<Case>,
    failures: usize,
    skipped: usize,
}

struct Case {
    name: String,
    differences: Vec<String>,
    skipped: bool,
}

/// `devres-gen verify --format junit`: a case fails where the kernel and the simulator
/// differ. That a contract breaks where the simulator says so is no failure.
pub fn junit(comparison: &Comparison) -> String {
    let of = |name: &str| -> Vec<String> {
        let differences = comparison.differences.iter().filter(|d| d.case == name);
        differences.map(|d| printable(&d.what)).collect()
    };
    let mut suites: Vec<Suite> = Vec::new();
    let mut add = |suite: &str, case: Case| {
        if suites.last().is_none_or(|last| last.name != suite) {
            suites.push(Suite {
                name: suite.to_owned(),
                cases: vec![],
                failures: 0,
                skipped: 0,
            });
        }
        if let Some(last) = suites.last_mut() {
            last.failures += usize::from(!case.differences.is_empty());
            last.skipped += usize::from(case.skipped);
            last.cases.push(case);
        }
    };
    for judged in &comparison.cases {
        let (suite, name) = judged.case.split_once('/').unwrap_or(("", &judged.case));
        let case = Case {
            name: name.to_owned(),
            differences: of(&judged.case),
            skipped: judged.status == Some(Status::Skipped),
        };
        add(suite, case);
    }
    let differences: Vec<String> = elsewhere(comparison).map(|d| printable(&d.what)).collect();
    if !differences.is_empty() {
        let case = Case {
            name: "whole".to_owned(),
            differences,
            skipped: false,
        };
        add("log", case);
    }
    let template = Junit {
        tests: suites.iter().map(|suite| suite.cases.len()).sum(),
        failures: suites.iter().map(|suite| suite.failures).sum(),
        skipped: suites.iter().map(|suite| suite.skipped).sum(),
        suites,
    };
    // Rendering into a string fails only if a template says so, and none does.
    template.render().unwrap_or_default() + "\n"
}

/// What XML cannot say, not even escaped, is replaced.
fn printable(text: &str) -> String {
    let odd = |c: char| {
        c.is_control() && !matches!(c, '\n' | '\t') || matches!(c, '\u{fffe}' | '\u{ffff}')
    };
    text.chars().map(|c| if odd(c) { '?' } else { c }).collect()
}
