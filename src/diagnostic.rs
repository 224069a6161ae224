//! What is wrong with a source, and the sink that collects it.
//!
//! Stages report and go on; the conductor asks the sink between stages whether it
//! makes sense to go further. Nothing is printed here: the program renders.

use miette::{LabeledSpan, NamedSource, SourceCode};

use crate::codes::Code;
use crate::source::{Sources, Span};

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
}

impl Diagnostic {
    /// A diagnostic without a place; most want [`Diagnostic::label`] as well.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Diagnostic {
            code,
            message: message.into(),
            labels: Vec::new(),
            help: None,
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

    /// Says which of the known names is near the unknown one, or else names them all.
    pub fn suggest<'n>(self, unknown: &str, known: impl IntoIterator<Item = &'n str>) -> Self {
        let mut known: Vec<&str> = known.into_iter().collect();
        known.sort_unstable();
        known.dedup();
        match nearest(unknown, known.iter().copied()) {
            Some(name) => self.help(format!("did you mean `{name}`?")),
            None if known.is_empty() => self,
            None => self.help(format!("known here: {}", known.join(", "))),
        }
    }
}

/// The one of the known names that the unknown one is likely to be a slip of.
pub fn nearest<'n>(unknown: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let distances = known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(unknown, name), name));
    let near = distances.filter(|&(distance, name)| {
        distance > 0 && distance <= 1 + unknown.len().min(name.len()) / 4 && distance < name.len()
    });
    near.min().map(|(_, name)| name)
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

    /// Whether nothing was reported.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
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
    code: &'static str,
    message: String,
    help: Option<String>,
    labels: Vec<LabeledSpan>,
    source: Option<NamedSource<String>>,
}

impl Report {
    /// Joins a diagnostic with its texts.
    pub fn new(diagnostic: &Diagnostic, sources: &Sources) -> Self {
        let first = diagnostic.labels.first().map(|label| label.0.source);
        let mut help = diagnostic.help.clone();
        let mut labels = Vec::new();
        for (index, (span, text)) in diagnostic.labels.iter().enumerate() {
            let source = sources.get(span.source);
            if Some(span.source) != first {
                let note = format!("{text}: {}:{}", source.path, source.line(span.start));
                help = Some(help.map_or_else(|| note.clone(), |help| format!("{help}\n{note}")));
                continue;
            }
            labels.push(clamped(source.text.len(), *span, text, index == 0));
        }
        Report {
            code: diagnostic.code.as_str(),
            message: diagnostic.message.clone(),
            help,
            labels,
            source: first.map(|id| {
                let source = sources.get(id);
                NamedSource::new(&source.path, source.text.clone())
            }),
        }
    }
}

/// A label past the end panics in miette, and one at the end disappears.
fn clamped(len: usize, span: Span, text: &str, primary: bool) -> LabeledSpan {
    let start = (span.start as usize).min(len.saturating_sub(1));
    let end = (span.end as usize).clamp(start, len);
    let range = (start, (end - start).max(usize::from(len > 0)));
    let text = Some(text.to_owned());
    if primary {
        LabeledSpan::new_primary_with_span(text, range)
    } else {
        LabeledSpan::new_with_span(text, range)
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
        Some(Box::new(self.code))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as _)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as _)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        (!self.labels.is_empty()).then(|| Box::new(self.labels.iter().cloned()) as _)
    }
}
