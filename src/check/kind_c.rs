//! The C of a kind: complete, balanced, and without what we do not know.
//!
//! C exists in kinds only, and kinds are trusted; this is about mistakes.

use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Sink};
use crate::ir::{CKey, Kind, KindC};
use crate::source::{Span, Spanned};
use crate::syntax::ast::Release;

pub(super) fn check(kind: &Kind, sink: &mut Sink) {
    let Some(c) = &kind.c else { return };
    let missing: Vec<String> = needed(kind, c)
        .into_iter()
        .filter(|key| !c.sections.contains_key(key))
        .map(|key| format!("`{}`", key.as_str()))
        .collect();
    for (key, lines) in &c.sections {
        if let (Some(why), Some(line)) = (idle(kind, *key), lines.first()) {
            let message = format!(
                "section `{}` of kind `{}` is of no use without {why}",
                key.as_str(),
                kind.name
            );
            report(sink, message, line.span, "nothing calls it");
        }
    }
    if !missing.is_empty() {
        let message = format!("the C of kind `{}` lacks {}", kind.name, missing.join(", "));
        report(sink, message, kind.span, "this kind");
    }
    for (key, lines) in &c.sections {
        if let Some((problem, span)) = problem(kind, *key, lines) {
            let message = format!(
                "section `{}` of kind `{}` has {problem}",
                key.as_str(),
                kind.name
            );
            report(sink, message, span, "here");
        }
    }
}

fn needed(kind: &Kind, c: &KindC) -> Vec<CKey> {
    let mut needed = vec![CKey::Create, CKey::Destroy];
    if kind.release == Release::Owned {
        needed.push(CKey::Release);
    }
    if kind.on_bus {
        needed.extend([CKey::Driver, CKey::Match, CKey::Probe, CKey::Device]);
        needed.extend([CKey::RegisterDriver, CKey::UnregisterDriver]);
    }
    if kind.halves {
        needed.extend([CKey::Init, CKey::Add, CKey::Del]);
    }
    if c.sections.contains_key(&CKey::Setup) {
        needed.push(CKey::Teardown);
    }
    if c.sections.contains_key(&CKey::Teardown) {
        needed.push(CKey::Setup);
    }
    needed
}

/// What a kind would have to say for a section to be used.
fn idle(kind: &Kind, key: CKey) -> Option<&'static str> {
    match key {
        CKey::Init | CKey::Add | CKey::Del if !kind.halves => Some("`halves`"),
        CKey::Release if kind.release != Release::Owned => Some("`release owned`"),
        CKey::Driver
        | CKey::Match
        | CKey::Probe
        | CKey::Device
        | CKey::RegisterDriver
        | CKey::UnregisterDriver
            if !kind.on_bus =>
        {
            Some("`: bus`")
        }
        _ => None,
    }
}

fn report(sink: &mut Sink, message: String, span: Span, label: &str) {
    sink.report(
        Diagnostic::new(Code::KindSection, message)
            .label(span, label)
            .help("docs/language.md lists the sections and placeholders of a kind's C"),
    );
}

fn problem(kind: &Kind, key: CKey, lines: &[Spanned<String>]) -> Option<(String, Span)> {
    for line in lines {
        let text = line.value.trim();
        if text.starts_with('#') {
            return Some(("a preprocessor line".to_owned(), line.span));
        }
        if text.ends_with('\\') {
            return Some(("a line that goes on with `\\`".to_owned(), line.span));
        }
        let quoted =
            |open, close| text.starts_with(open) && text.ends_with(close) && text.len() > 2;
        if key == CKey::Include && !quoted('<', '>') && !quoted('"', '"') {
            return Some((
                "something else than a header, `<linux/...>`".to_owned(),
                line.span,
            ));
        }
        if let Some(problem) = placeholders(kind, key, line) {
            return Some(problem);
        }
    }
    let (first, last) = (lines.first()?.span, lines.last()?.span);
    if lines.iter().all(|line| line.value.trim().is_empty()) {
        return Some(("nothing".to_owned(), first));
    }
    // These stand inside of a line.
    let inside = [CKey::Driver, CKey::Probe, CKey::Device].contains(&key);
    if let (true, Some(second)) = (inside, lines.get(1)) {
        return Some(("more than one line".to_owned(), second.span));
    }
    let text: Vec<&str> = lines.iter().map(|line| line.value.as_str()).collect();
    unbalanced(&text.join("\n")).map(|problem| (problem, first.to(last)))
}

fn placeholders(kind: &Kind, key: CKey, line: &Spanned<String>) -> Option<(String, Span)> {
    for (at, _) in line.value.match_indices('$') {
        let rest = &line.value[at + 1..];
        let letter = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
        let word = &rest[..rest.bytes().take_while(letter).count()];
        let problem = match word {
            "name" | "parent" if matches!(key, CKey::Create | CKey::Init) => continue,
            "name" | "parent" => {
                format!("`${word}`, which is only there where a device is made")
            }
            "init" if key == CKey::Create && kind.halves => continue,
            "init" if key == CKey::Create => "`$init`, which needs `halves`".to_owned(),
            "init" => "`$init`, which is only there in `create`".to_owned(),
            "release" if kind.release == Release::Owned && key != CKey::Release => continue,
            "release" => "`$release`, which is only there for `release owned`".to_owned(),
            "device" if key == CKey::Match => continue,
            "device" => "`$device`, which is only there in `match`".to_owned(),
            _ => format!("an unknown placeholder `${word}`"),
        };
        let start = line.span.start + at as u32;
        let end = start + 1 + word.len() as u32;
        return Some((
            problem,
            Span {
                start,
                end,
                ..line.span
            },
        ));
    }
    None
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
            '/' if rest.peek() == Some(&'/') => drop(rest.by_ref().find(|&c| c == '\n')),
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
