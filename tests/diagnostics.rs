//! Diagnostics, by fixture: a folder a phase, and the expected message stands as a
//! comment `//~ CODE: message` on the line of its primary label, or above a line of C,
//! which cannot have comments of ours, as `//~v CODE: message`. What is missing and
//! what is unexpected is reported together. Beside each fixture, `.stderr` is how the
//! whole looks to a user.
//!
//! `BLESS=1 cargo test --test diagnostics` writes both anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use devres_gen::compile::{Front, load};
use devres_gen::diagnostic::Report;
use miette::{GraphicalReportHandler, GraphicalTheme};

const MARKER: &str = "//~";
const ABOVE: &str = "//~v";

#[test]
fn syntax() {
    check_folder("syntax");
}

#[test]
fn resolve() {
    check_folder("resolve");
}

#[test]
fn check() {
    check_folder("check");
}

#[test]
fn lifetime() {
    check_folder("lifetime");
}

/// A code that no fixture shows is a code nobody has seen.
#[test]
fn every_code_about_a_source_is_shown_by_a_fixture() {
    use devres_gen::codes::Code;
    if std::env::var_os("BLESS").is_some() {
        return; // The fixtures are being written.
    }
    // These are about files and about `run`, which tests/cli.rs shows.
    let elsewhere = [
        Code::Expectation,
        Code::Unreadable,
        Code::NotUtf8,
        Code::NoScenarios,
    ];
    let shown: BTreeSet<Code> = ["syntax", "resolve", "check", "lifetime"]
        .iter()
        .flat_map(|folder| fixtures(folder))
        .flat_map(|path| load(&[path]).diagnostics)
        .map(|diagnostic| diagnostic.code)
        .collect();
    let missing: Vec<_> = Code::ALL
        .iter()
        .filter(|code| !shown.contains(code) && !elsewhere.contains(code))
        .collect();
    assert!(missing.is_empty(), "no fixture shows {missing:?}");
}

fn fixtures(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new("tests/fixtures").join(folder);
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "devres"))
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "no fixture in {}", folder.display());
    paths
}

fn check_folder(folder: &str) {
    let bless = std::env::var_os("BLESS").is_some();
    let mut complaints = String::new();
    for path in fixtures(folder) {
        let front = load(std::slice::from_ref(&path));
        let text = fs::read_to_string(&path).unwrap();
        let found = found(&front);
        let rendered = render(&front);
        let golden = path.with_extension("stderr");
        if bless {
            fs::write(&path, annotate(&text, &found)).unwrap();
            // The comments have become part of what is shown.
            fs::write(&golden, render(&load(std::slice::from_ref(&path)))).unwrap();
            continue;
        }
        let expected = expected(&text);
        for (line, message) in expected.difference(&found) {
            complaints += &format!("{}:{line}: missing: {message}\n", path.display());
        }
        for (line, message) in found.difference(&expected) {
            complaints += &format!("{}:{line}: unexpected: {message}\n", path.display());
        }
        if fs::read_to_string(&golden).unwrap_or_default() != rendered {
            complaints += &format!(
                "{}: is rendered differently:\n{rendered}\n",
                golden.display()
            );
        }
    }
    assert!(
        complaints.is_empty(),
        "\n{complaints}\nBLESS=1 takes this as right"
    );
}

type Messages = BTreeSet<(u32, String)>;

fn found(front: &Front) -> Messages {
    let message = |diagnostic: &devres_gen::diagnostic::Diagnostic| {
        let line = diagnostic
            .labels
            .first()
            .map_or(0, |(span, _)| front.unit.line(*span));
        (line, format!("{}: {}", diagnostic.code, diagnostic.message))
    };
    front.diagnostics.iter().map(message).collect()
}

fn expected(text: &str) -> Messages {
    let lines = text.lines().zip(1u32..);
    lines
        .flat_map(|(line, number)| {
            let above = line.trim_start().starts_with(ABOVE);
            let marker = if above { ABOVE } else { MARKER };
            let messages = line.split(marker).skip(1);
            messages.map(move |message| (number + u32::from(above), message.trim().to_owned()))
        })
        .collect()
}

fn annotate(text: &str, found: &Messages) -> String {
    let mut annotated = String::new();
    for (line, number) in text.lines().zip(1u32..) {
        if line.trim_start().starts_with(ABOVE) {
            continue;
        }
        let code = line.split(MARKER).next().unwrap_or_default().trim_end();
        let messages: Vec<&str> = found
            .iter()
            .filter(|(line, _)| *line == number)
            .map(|(_, text)| text.as_str())
            .collect();
        let join = |marker: &str| -> String {
            messages
                .iter()
                .map(|message| format!(" {marker} {message}"))
                .collect()
        };
        if code.contains('|') && !messages.is_empty() {
            annotated += &format!("       {}\n{code}\n", join(ABOVE));
        } else {
            annotated += &format!("{code}{}\n", join(MARKER));
        }
    }
    annotated
}

fn render(front: &Front) -> String {
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::none())
        .with_links(false)
        .with_width(80)
        .with_context_lines(1);
    let mut text = String::new();
    for diagnostic in &front.diagnostics {
        let report = Report::new(diagnostic, &front.unit.sources);
        handler.render_report(&mut text, &report).unwrap();
        text.push('\n');
    }
    text
}
