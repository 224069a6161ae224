//! What is wrong with a source, and the sink that collects it.
//!
//! Stages report and go on; the conductor asks the sink between stages whether it
//! makes sense to go further. Nothing is printed here: the program renders.

use miette::{
    LabeledSpan, MietteError, MietteSpanContents, Severity, SourceCode, SourceSpan, SpanContents,
};

use crate::codes::Code;
use crate::source::{Source, Sources, Span};
use crate::syntax::ast::Order;

/// One thing that is wrong, with the places that show it and a way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of error it is.
    pub code: Code,
    /// What is wrong, in one sentence.
    pub message: String,
    /// The places, the primary one first. Those of other files than the first
    /// label's come as a note.
    pub labels: Vec<(Span, String)>,
    /// What to do about it.
    pub help: Option<String>,
    /// What to write if that is known: of a scenario in several orders only where it is so in each.
    pub hint: Option<String>,
    /// Of which order of a scenario it is.
    pub order: Option<Order>,
    /// On which kinds and kernels it is so, in words.
    pub places: Option<String>,
    /// Where what is used was freed.
    pub freed: Option<Freed>,
}

/// Where something was freed, and by which kernel functions, as far as that is the same wherever a
/// diagnostic is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freed {
    /// The statement.
    pub span: Span,
    /// The functions, outermost first; none if they differ.
    pub by: String,
}

impl Freed {
    /// What is so here and there.
    pub fn and(self, other: Option<&Freed>) -> Option<Freed> {
        let other = other.filter(|other| other.span == self.span)?;
        let by = match other.by == self.by {
            true => self.by,
            false => String::new(),
        };
        Some(Freed { by, ..self })
    }
}

impl Diagnostic {
    /// A diagnostic without a place; most want [`Diagnostic::label`] as well.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Diagnostic {
            code,
            message: message.into(),
            labels: Vec::new(),
            help: None,
            hint: None,
            order: None,
            places: None,
            freed: None,
        }
    }

    /// Adds a place; the first one is the primary one.
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push((span, text.into()));
        self
    }

    /// Says what to do.
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Says what to write if that is known.
    pub fn hint(mut self, text: Option<String>) -> Self {
        self.hint = text;
        self
    }

    /// Says on which kinds and kernels it is so.
    pub fn places(mut self, text: String) -> Self {
        self.places = Some(text);
        self
    }

    /// Adds a line to its help.
    pub fn also(&mut self, text: &str) {
        match &mut self.help {
            Some(help) => *help += &format!("\n{text}"),
            help => *help = Some(text.to_owned()),
        }
    }

    /// Shows where what is used was freed: a place more, unless that is one already.
    pub fn show_freed(&mut self) {
        let Some(Freed { span, by }) = self.freed.take() else {
            return;
        };
        let known = self.labels.iter().any(|label| label.0 == span);
        match (known, by.is_empty()) {
            (true, true) => {}
            (true, false) => self.also(&format!("freed in {by}")),
            (false, true) => self.labels.push((span, "freed here".to_owned())),
            (false, false) => self.labels.push((span, format!("freed here, in {by}"))),
        }
    }

    /// All that there is to be done about it.
    pub fn way_out(&self) -> Option<String> {
        let all: Vec<&str> = [&self.help, &self.hint]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        (!all.is_empty()).then(|| all.join("\n"))
    }

    /// Says which of the known names is near the unknown one, or else names them all.
    pub fn suggest<'n>(self, unknown: &str, known: impl IntoIterator<Item = &'n str>) -> Self {
        let mut known: Vec<&str> = known.into_iter().collect();
        if known.is_empty() || known.len() > MAX_KNOWN {
            return self;
        }
        known.sort_unstable();
        known.dedup();
        match nearest(unknown, known.iter().copied()) {
            Some(name) => self.help(format!("did you mean `{name}`?")),
            None if known.len() > MAX_LISTED => {
                let listed = known[..MAX_LISTED].join(", ");
                self.help(format!(
                    "known here: {listed} and {} more",
                    known.len() - MAX_LISTED
                ))
            }
            None => self.help(format!("known here: {}", known.join(", "))),
        }
    }
}

/// Names among which a slip is looked for; among more it would take too long.
const MAX_KNOWN: usize = 500;
/// Longer names are no slips: to compare two takes the product of their lengths.
const MAX_SLIP: usize = 100;
/// Names that are listed when none is near.
const MAX_LISTED: usize = 32;

/// The one of the known names that the unknown one is likely to be a slip of.
pub fn nearest<'n>(unknown: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    if unknown.len() > MAX_SLIP {
        return None;
    }
    // Words of four letters that differ in two have nothing in common.
    let allowed = |name: &str| 1 + unknown.len().min(name.len()).saturating_sub(1) / 4;
    let near = known
        .into_iter()
        .filter(|name| unknown.len().abs_diff(name.len()) <= allowed(name))
        .map(|name| (strsim::damerau_levenshtein(unknown, name), name))
        .filter(|&(distance, name)| distance > 0 && distance <= allowed(name))
        .filter(|&(distance, name)| distance < name.len());
    near.min().map(|(_, name)| name)
}

/// Whether there is an error among diagnostics; warnings stop nothing.
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|d| !d.code.is_warning())
}

/// Collects diagnostics of a run.
#[derive(Clone, Debug, Default)]
pub struct Sink {
    all: Vec<Diagnostic>,
}

impl Sink {
    /// Takes in one more.
    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.all.push(diagnostic);
    }

    /// Takes in one more, unless another one of its code is about the same places.
    pub fn report_once(&mut self, diagnostic: Diagnostic) {
        let places = |d: &Diagnostic| d.labels.iter().map(|label| label.0).collect::<Vec<_>>();
        let same = |known: &Diagnostic| {
            known.code == diagnostic.code && places(known) == places(&diagnostic)
        };
        if !self.all.iter().any(same) {
            self.all.push(diagnostic);
        }
    }

    /// Takes in all that another one has, after its own.
    pub fn append(&mut self, other: Sink) {
        self.all.extend(other.all);
    }

    /// Says of all that were reported since then of which order they are.
    pub fn are_of(&mut self, since: usize, order: Option<&Order>) {
        for diagnostic in &mut self.all[since..] {
            diagnostic.order = order.cloned();
        }
    }

    /// How many were reported so far.
    pub fn count(&self) -> usize {
        self.all.len()
    }

    /// Whether an error was reported; warnings stop nothing.
    pub fn has_errors(&self) -> bool {
        has_errors(&self.all)
    }

    /// Whether there is one of that code.
    pub fn has(&self, code: Code) -> bool {
        self.all.iter().any(|found| found.code == code)
    }

    /// Everything that was reported, by file and place, each once.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        let place = |d: &Diagnostic| (d.labels.first().map(|label| label.0), d.code);
        self.all.sort_by(|a, b| {
            place(a)
                .cmp(&place(b))
                .then_with(|| a.message.cmp(&b.message))
        });
        self.all.dedup();
        self.all
    }
}

/// A diagnostic together with the text it speaks of, as miette wants it.
#[derive(Debug)]
pub struct Report {
    code: Code,
    message: String,
    help: Option<String>,
    labels: Vec<LabeledSpan>,
    excerpt: Option<Excerpt>,
}

impl Report {
    /// Joins a diagnostic with its texts.
    pub fn new(diagnostic: &Diagnostic, sources: &Sources) -> Self {
        let first = diagnostic.labels.first().map(|label| label.0);
        let excerpt = first.map(|span| {
            let near = diagnostic.labels.iter().map(|label| label.0);
            Excerpt::new(
                sources.get(span.source),
                near.filter(|s| s.source == span.source),
            )
        });
        let help = diagnostic.way_out().as_deref().map(shown);
        let mut notes: Vec<String> = help.into_iter().collect();
        let mut labels = Vec::new();
        for (index, (span, text)) in diagnostic.labels.iter().enumerate() {
            let text = &shown(text);
            let source = sources.get(span.source);
            match &excerpt {
                Some(excerpt) if Some(span.source) == first.map(|first| first.source) => {
                    match excerpt.label(*span, text, index == 0) {
                        Some(label) => labels.push(label),
                        None => notes.push(format!("{text}: {}", place(source, *span))),
                    }
                }
                _ => notes.push(format!("{text}: {}", place(source, *span))),
            }
        }
        Report {
            code: diagnostic.code,
            message: shown(&diagnostic.message),
            help: (!notes.is_empty()).then(|| notes.join("\n")),
            excerpt: excerpt.filter(|_| !labels.is_empty()),
            labels,
        }
    }
}

fn place(source: &Source, span: Span) -> String {
    let line = source.line(span.start);
    let column = source.column(span.start);
    shown(&format!("{}:{line}:{column}", source.path))
}

/// A message as it can be shown. What it quotes may be anything: of what nobody could read
/// the beginning will do, and a terminal is not to act on it.
fn shown(text: &str) -> String {
    let mut shown = String::new();
    let mut quoted = false;
    let mut length = 0;
    for c in text.chars() {
        quoted ^= c == '`';
        let ends = c == '`' || c.is_whitespace() && !quoted;
        length = if ends { 0 } else { length + 1 };
        match c {
            _ if length == MAX_LINE + 1 => shown.push_str("..."),
            _ if length > MAX_LINE => {}
            '\n' => shown.push(c),
            c if c.is_control() || invisible(c) => shown.push('?'),
            c => shown.push(c),
        }
    }
    shown
}

/// The lines around the labels, which is all that miette needs to read of a text that
/// may be large. What cannot be seen, or would move a terminal's cursor, is replaced.
#[derive(Debug)]
struct Excerpt {
    path: String,
    text: String,
    /// Where it begins in the source: bytes and lines.
    start: usize,
    lines_before: usize,
}

/// Lines that are shown before and after a label.
const CONTEXT: u32 = 1;
/// Labels further apart than this are not shown in one excerpt.
const MAX_LINES: u32 = 40;
/// A longer line is not shown at all, and of a longer word its beginning: nobody could
/// read it.
const MAX_LINE: usize = 500;

impl Excerpt {
    fn new(source: &Source, spans: impl Iterator<Item = Span>) -> Self {
        let mut spans = spans.map(|span| (source.line(span.start), source.line(span.end)));
        let (mut first, mut last) = spans.next().unwrap_or((1, 1));
        for (start, end) in spans {
            let (low, high) = (first.min(start), last.max(end));
            if high - low <= MAX_LINES {
                (first, last) = (low, high);
            }
        }
        let first = first.saturating_sub(CONTEXT).max(1);
        let last = (last + CONTEXT).min(source.lines()).max(first);
        let range = source.line_range(first).start..source.line_range(last).end;
        let seen = |c: char| c == '\n' || c == '\t' || !(c.is_control() || invisible(c));
        let mut text = String::new();
        for c in source.text[range.clone()].chars() {
            match c {
                '\r' => text.push(' '),
                c if seen(c) => text.push(c),
                c => text.extend(std::iter::repeat_n('?', c.len_utf8())),
            }
        }
        Excerpt {
            path: shown(&source.path),
            text,
            start: range.start,
            lines_before: first as usize - 1,
        }
    }

    /// The span within the excerpt, if it is there and can be shown. A label past the
    /// end panics in miette, and one at the end disappears.
    fn label(&self, span: Span, text: &str, primary: bool) -> Option<LabeledSpan> {
        let start = (span.start as usize).checked_sub(self.start)?;
        let end = (span.end as usize).checked_sub(self.start)?;
        if start > self.text.len() || self.text.lines().any(|line| line.len() > MAX_LINE) {
            return None;
        }
        let start = start.min(self.text.len().saturating_sub(1));
        let end = end
            .clamp(start, self.text.len())
            .max((start + 1).min(self.text.len()));
        let range = (start, end - start);
        let text = Some(text.to_owned());
        Some(if primary {
            LabeledSpan::new_primary_with_span(text, range)
        } else {
            LabeledSpan::new_with_span(text, range)
        })
    }
}

/// Characters without a width, and those that turn the direction of the text.
fn invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let inner = self.text.read_span(span, before, after)?;
        Ok(Box::new(MietteSpanContents::new_named(
            self.path.clone(),
            inner.data(),
            *inner.span(),
            inner.line() + self.lines_before,
            inner.column(),
            inner.line_count(),
        )))
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Report {}

impl miette::Diagnostic for Report {
    fn code<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        Some(Box::new(self.code.as_str()))
    }

    fn severity(&self) -> Option<Severity> {
        self.code.is_warning().then_some(Severity::Warning)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as _)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.excerpt.as_ref().map(|excerpt| excerpt as _)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        (!self.labels.is_empty()).then(|| Box::new(self.labels.iter().cloned()) as _)
    }
}
