//! What is said on standard error: for people, or for programs that show it elsewhere.

use std::io::{IsTerminal as _, Write as _};
use std::sync::OnceLock;

use miette::{GraphicalReportHandler, GraphicalTheme};
use serde_json::{Value, json};

use crate::cli::MessageFormat;
use devres_gen::diagnostic::{Diagnostic, Report};
use devres_gen::source::{Sources, Span};

/// Diagnostics that people are shown; more would help nobody.
const SHOWN: usize = 100;

/// What was asked for, once and for the whole process.
static FORMAT: OnceLock<MessageFormat> = OnceLock::new();

/// Chooses the format of everything that is said from now on.
pub(super) fn choose(format: MessageFormat) {
    let _ = FORMAT.set(format);
}

fn format() -> MessageFormat {
    FORMAT.get().copied().unwrap_or(MessageFormat::Human)
}

/// Says what is wrong with sources, if anything is.
pub(super) fn report(diagnostics: &[Diagnostic], sources: &Sources) {
    if diagnostics.is_empty() {
        return;
    }
    match format() {
        MessageFormat::Human => for_people(diagnostics, sources),
        MessageFormat::Short => {
            for diagnostic in diagnostics {
                say(&short(diagnostic, sources));
            }
        }
        MessageFormat::Json => {
            for diagnostic in diagnostics {
                say(&whole(diagnostic, sources).to_string());
            }
        }
    }
}

/// Says what is wrong that no place in a source is to blame for.
pub(super) fn error(why: &str) {
    say(&match format() {
        MessageFormat::Human | MessageFormat::Short => format!("error: {why}"),
        MessageFormat::Json => json!({
            "severity": "error",
            "code": null,
            "message": why,
            "help": null,
            "labels": [],
        })
        .to_string(),
    });
}

/// Writes a line to standard error; if that is closed there is nobody to tell.
pub(super) fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn for_people(diagnostics: &[Diagnostic], sources: &Sources) {
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    let colours =
        std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none() && !dumb;
    let theme = if colours {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_links(false)
        .with_context_lines(1);
    for diagnostic in diagnostics.iter().take(SHOWN) {
        let mut text = String::new();
        // Writing into a string cannot fail.
        let _ = handler.render_report(&mut text, &Report::new(diagnostic, sources));
        say(text.trim_end());
    }
    let count = diagnostics.len();
    if count > SHOWN {
        say(&format!("... and {} more", count - SHOWN));
    }
    let warnings = diagnostics.iter().filter(|d| d.code.is_warning()).count();
    let counted = |count: usize, what: &str| match count {
        0 => None,
        1 => Some(format!("1 {what}")),
        _ => Some(format!("{count} {what}s")),
    };
    let counts = [
        counted(count - warnings, "error"),
        counted(warnings, "warning"),
    ];
    say(&counts.into_iter().flatten().collect::<Vec<_>>().join(", "));
}

fn severity(diagnostic: &Diagnostic) -> &'static str {
    if diagnostic.code.is_warning() {
        "warning"
    } else {
        "error"
    }
}

/// One line, as compilers have it.
fn short(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let report = Report::new(diagnostic, sources);
    let message = report.to_string().replace('\n', " ");
    let said = format!("{}: {message} [{}]", severity(diagnostic), diagnostic.code);
    match diagnostic.labels.first() {
        Some((span, _)) => {
            let Place { file, line, column } = Place::of(*span, sources);
            // A terminal is not to act on the name of a file.
            let file = file.replace(char::is_control, "?");
            format!("{file}:{line}:{column}: {said}")
        }
        None => said,
    }
}

/// All that there is, in one object.
fn whole(diagnostic: &Diagnostic, sources: &Sources) -> Value {
    let labels = diagnostic.labels.iter().map(|(span, text)| {
        let from = Place::of(*span, sources);
        let end = Span {
            start: span.end,
            ..*span
        };
        let end = Place::of(end, sources);
        json!({
            "file": from.file,
            "line": from.line,
            "column": from.column,
            "end_line": end.line,
            "end_column": end.column,
            "start": span.start,
            "end": span.end,
            "text": text,
        })
    });
    json!({
        "severity": severity(diagnostic),
        "code": diagnostic.code.as_str(),
        "message": diagnostic.message,
        "help": diagnostic.way_out(),
        "labels": labels.collect::<Value>(),
    })
}

/// Where a span begins, for people: lines and characters are counted from 1.
struct Place<'s> {
    file: &'s str,
    line: u32,
    column: usize,
}

impl<'s> Place<'s> {
    fn of(span: Span, sources: &'s Sources) -> Self {
        let source = sources.get(span.source);
        Place {
            file: &source.path,
            line: source.line(span.start),
            column: source.column(span.start),
        }
    }
}
