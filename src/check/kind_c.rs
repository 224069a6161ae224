//! The C of a kind: complete, balanced, and without what we do not know.
//!
//! C exists in kinds only, and kinds are trusted; this is about mistakes.

use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Sink};
use crate::ir::{CKey, Kind, KindC};
use crate::syntax::ast::Release;

/// What may follow a `$`.
const PLACEHOLDERS: [&str; 3] = ["name", "release", "driver"];

pub(super) fn check(kind: &Kind, sink: &mut Sink) {
    let Some(c) = &kind.c else { return };
    for (needed, why) in needed(kind) {
        for &key in needed {
            if !c.sections.contains_key(&key) {
                report(
                    kind,
                    sink,
                    format!("has no section `{}`, which {why} needs", key.as_str()),
                );
            }
        }
    }
    for (key, lines) in &c.sections {
        if let Some(problem) = problem(lines) {
            report(
                kind,
                sink,
                format!("has {problem} in section `{}`", key.as_str()),
            );
        }
    }
    one_line(kind, c, sink);
}

fn needed(kind: &Kind) -> Vec<(&'static [CKey], &'static str)> {
    use CKey::{
        Create, Destroy, Device, Driver, Probe, RegisterDriver, Release as Free, UnregisterDriver,
    };
    let mut needed: Vec<(&'static [CKey], &'static str)> = vec![(&[Create, Destroy], "each kind")];
    if kind.release == Release::Owned {
        needed.push((&[Free], "`release owned`"));
    }
    if kind.on_bus {
        needed.push((
            &[Driver, Probe, Device, RegisterDriver, UnregisterDriver],
            "a kind on a bus",
        ));
    }
    needed
}

/// Sections that stand inside of a line cannot have two.
fn one_line(kind: &Kind, c: &KindC, sink: &mut Sink) {
    for key in [CKey::Driver, CKey::Probe, CKey::Device] {
        if c.lines(key).len() > 1 {
            report(
                kind,
                sink,
                format!("has more than one line in section `{}`", key.as_str()),
            );
        }
    }
}

fn report(kind: &Kind, sink: &mut Sink, what: String) {
    sink.report(
        Diagnostic::new(
            Code::KindSection,
            format!("the C of kind `{}` {what}", kind.name),
        )
        .label(kind.span, "this kind")
        .help("docs/language.md lists the sections and placeholders of a kind's C"),
    );
}

fn problem(lines: &[String]) -> Option<String> {
    if lines.iter().any(|line| line.trim_start().starts_with('#')) {
        return Some("a preprocessor line".to_owned());
    }
    for line in lines {
        for (at, _) in line.match_indices('$') {
            let rest = &line[at + 1..];
            let word = &rest[..rest.bytes().take_while(u8::is_ascii_lowercase).count()];
            if !PLACEHOLDERS.contains(&word) {
                return Some(format!("an unknown placeholder `${word}`"));
            }
        }
    }
    unbalanced(&lines.join("\n"))
}

/// Brackets, quotes and comments have to end in the section that they begin in.
fn unbalanced(text: &str) -> Option<String> {
    let mut open = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '(' => open.push(')'),
            '[' => open.push(']'),
            '{' => open.push('}'),
            ')' | ']' | '}' if open.pop() != Some(c) => return Some(format!("an unmatched `{c}`")),
            '"' | '\'' => loop {
                match rest.next() {
                    Some('\\') => drop(rest.next()),
                    Some(end) if end == c => break,
                    Some('\n') | None => return Some(format!("an unterminated {c}")),
                    Some(_) => {}
                }
            },
            '/' if rest.peek() == Some(&'*') => {
                let mut before = ' ';
                rest.next();
                loop {
                    match rest.next() {
                        Some('/') if before == '*' => break,
                        Some(c) => before = c,
                        None => return Some("an unterminated comment".to_owned()),
                    }
                }
            }
            _ => {}
        }
    }
    open.pop().map(|missing| format!("a missing `{missing}`"))
}
