//! The C of a kind: complete, balanced, and without what we do not know.
//!
//! C exists in kinds only, and kinds are trusted; this is about mistakes.

use std::collections::BTreeMap;

use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Sink};
use crate::emit::kunit::is_name;
use crate::emit::{OLDEST_TARGET, TARGET};
use crate::ir::{CKey, CPart, Kind, KindC, Linux};
use crate::sim::Handles;
use crate::source::{Span, Spanned};
use crate::syntax::ast::Release;

pub(super) fn check(kind: &Kind, sink: &mut Sink) {
    let Some(c) = &kind.c else { return };
    for CPart { key, lines, .. } in &c.parts {
        let idle = idle(kind, *key).filter(|_| kind.whole);
        if let (Some(why), Some(line)) = (idle, lines.first()) {
            let message = format!(
                "section `{}` of kind `{}` is of no use without {why}",
                key.as_str(),
                kind.name
            );
            report(sink, message, line.span, "nothing calls it");
        }
        if let Some((problem, span)) = problem(kind, *key, lines) {
            let message = format!(
                "section `{}` of kind `{}` has {problem}",
                key.as_str(),
                kind.name
            );
            report(sink, message, span, "here");
        }
    }
    // What is missing on one version is likely to be missing on others too.
    let oldest = kind.since.unwrap_or(OLDEST_TARGET).max(OLDEST_TARGET);
    let mut versions = vec![TARGET.max(oldest), oldest];
    let boundaries = c.parts.iter().filter_map(|part| part.versions.map(|v| v.1));
    versions.extend(boundaries.filter(|&linux| linux > oldest));
    let has_versions = versions.len() > 2;
    for linux in versions {
        let on = c.on(linux);
        let when = if has_versions {
            format!(" on Linux {linux}")
        } else {
            String::new()
        };
        let before = sink.count();
        twice(kind, c, linux, &when, sink);
        let needed = if kind.whole {
            needed(kind, &on)
        } else {
            vec![]
        };
        let missing: Vec<String> = needed
            .into_iter()
            .filter(|key| !on.sections.contains_key(key))
            .map(|key| format!("`{}`", key.as_str()))
            .collect();
        if !missing.is_empty() {
            let message = format!(
                "the C of kind `{}` lacks {}{when}",
                kind.name,
                missing.join(", ")
            );
            report(sink, message, kind.span, "this kind");
        }
        if sink.count() > before {
            break;
        }
    }
}

/// Only headers and definitions may stand in several sections of one key.
fn twice(kind: &Kind, c: &KindC, linux: Linux, when: &str, sink: &mut Sink) {
    let mut seen: BTreeMap<CKey, Span> = BTreeMap::new();
    for part in c.parts.iter().filter(|part| part.is_for(linux)) {
        let many = matches!(part.key, CKey::Include | CKey::Global | CKey::DriverGlobal);
        let Some(line) = part.lines.first().filter(|_| !many) else {
            continue;
        };
        if let Some(first) = seen.insert(part.key, line.span) {
            let word = part.key.as_str();
            sink.report(
                Diagnostic::new(
                    Code::KindSection,
                    format!("kind `{}` has two sections `{word}`{when}", kind.name),
                )
                .label(line.span, "the second")
                .label(first, "the first")
                .help("a section goes on as long as lines begin with `|`; `since` and `until` keep versions apart"),
            );
        }
    }
}

fn needed(kind: &Kind, c: &KindC) -> Vec<CKey> {
    let mut needed = vec![CKey::Create, CKey::Destroy];
    if kind.release == Release::Owned {
        needed.push(CKey::Release);
    }
    if kind.on_bus && !kind.driverless {
        needed.extend([CKey::Driver, CKey::Probe, CKey::Device]);
        if !kind.drivers.any {
            needed.push(CKey::Match);
        }
        needed.extend([CKey::RegisterDriver, CKey::UnregisterDriver]);
    }
    if kind.handles != Handles::None {
        needed.push(CKey::Devt);
    }
    if kind.handles == Handles::Object {
        needed.push(CKey::ObjectAction);
    }
    if kind.halves {
        needed.extend([CKey::Init, CKey::Add, CKey::Del]);
    }
    let pairs = [
        (CKey::Setup, CKey::Teardown),
        (CKey::KunitCreate, CKey::KunitDestroy),
    ];
    for (one, other) in pairs {
        if c.sections.contains_key(&one) {
            needed.push(other);
        }
        if c.sections.contains_key(&other) {
            needed.push(one);
        }
    }
    needed
}

/// What a kind would have to say for a section to be used.
fn idle(kind: &Kind, key: CKey) -> Option<&'static str> {
    match key {
        CKey::Init | CKey::Add | CKey::Del if !kind.halves => Some("`halves`"),
        CKey::ObjectAction if kind.handles != Handles::Object => Some("`handles object`"),
        CKey::Devt if kind.handles == Handles::None => Some("`handles`"),
        CKey::Release if kind.release != Release::Owned => Some("`release owned`"),
        CKey::DriverGlobal
        | CKey::Driver
        | CKey::Match
        | CKey::Remove
        | CKey::Probe
        | CKey::ProbeMember
        | CKey::Device
        | CKey::RegisterDriver
        | CKey::UnregisterDriver
            if !kind.on_bus || kind.driverless =>
        {
            Some("a bus that takes drivers")
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
        let include = matches!(key, CKey::Include | CKey::KunitInclude);
        if include && !quoted('<', '>') && !quoted('"', '"') {
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
    let inside = matches!(
        key,
        CKey::Driver | CKey::Remove | CKey::Probe | CKey::ProbeMember | CKey::Device | CKey::Devt
    );
    if let (true, Some(second)) = (inside, lines.get(1)) {
        return Some(("more than one line".to_owned(), second.span));
    }
    // A bare name is the function itself; with a semicolon it would be a statement without effect.
    if let [line] = lines
        && let Some(statement) = line.value.trim().strip_suffix(';')
        && is_name(statement)
        && statement != "return"
    {
        return Some((
            "a name with a `;`, which does nothing: a function stands there without it, or is called"
                .to_owned(),
            first,
        ));
    }
    let text: Vec<&str> = lines.iter().map(|line| line.value.as_str()).collect();
    unbalanced(&text.join("\n")).map(|problem| (problem, first.to(last)))
}

/// What a test does with devices and drivers.
const RUN_BY_TESTS: [CKey; 9] = [
    CKey::Create,
    CKey::Destroy,
    CKey::KunitCreate,
    CKey::KunitDestroy,
    CKey::Init,
    CKey::Add,
    CKey::Del,
    CKey::RegisterDriver,
    CKey::UnregisterDriver,
];

fn placeholders(kind: &Kind, key: CKey, line: &Spanned<String>) -> Option<(String, Span)> {
    for (at, _) in line.value.match_indices('$') {
        let rest = &line.value[at + 1..];
        let letter = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
        let word = &rest[..rest.bytes().take_while(letter).count()];
        let problem = match word {
            "name" | "parent" if matches!(key, CKey::Create | CKey::KunitCreate | CKey::Init) => {
                continue;
            }
            "name" | "parent" => {
                format!("`${word}`, which is only there where a device is made")
            }
            "init" if key == CKey::Create && kind.halves => continue,
            "init" if key == CKey::Create => "`$init`, which needs `halves`".to_owned(),
            "init" => "`$init`, which is only there in `create`".to_owned(),
            "release" if kind.release == Release::Owned && key != CKey::Release => continue,
            "release" => "`$release`, which is only there for `release owned`".to_owned(),
            "device" if key == CKey::Match => continue,
            "test" if RUN_BY_TESTS.contains(&key) => continue,
            "test" => "`$test`, which is only there where a test does something".to_owned(),
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
