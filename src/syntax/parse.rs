//! Text to tree by the grammar, and the grammar's complaints in words.
//!
//! This file, statements.rs and complain.rs are the only ones that name pest.

use std::ops::Range;

use memchr::memrchr3;
use pest::Parser;
use pest::iterators::{Pair, Pairs};
use rayon::prelude::*;

use super::ast::{
    CSection, File, Handles, Kind, KindEntry, KindUse, Name, Release, Scenario, Suite, Versions,
};
use super::repair;
use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Sink};
use crate::source::{SourceId, Sources, Span, Spanned};

#[derive(pest_derive::Parser)]
#[grammar = "../grammar/devres.pest"]
pub(super) struct Grammar;

/// Braces nested deeper than this are refused.
pub(super) const MAX_DEPTH: usize = 64;

/// The longest name.
pub const MAX_NAME: usize = 64;

/// Whether a word cannot be a name that statements use: the language uses it, or means to. Every
/// name is asked, so this is code and no list to look through.
pub fn is_keyword(word: &str) -> bool {
    matches!(
        word,
        "action"
            | "add"
            | "alive"
            | "and"
            | "any"
            | "around"
            | "as"
            | "attach"
            | "autoprobe"
            | "bind"
            | "bound"
            | "bus"
            | "but"
            | "class"
            | "close"
            | "del"
            | "destroy"
            | "device"
            | "driver"
            | "expect"
            | "fails"
            | "fault"
            | "finally"
            | "find"
            | "fix"
            | "for"
            | "free"
            | "freed"
            | "from"
            | "get"
            | "group"
            | "halves"
            | "handles"
            | "in"
            | "init"
            | "kind"
            | "language"
            | "leaked"
            | "leaks"
            | "like"
            | "link"
            | "memory"
            | "no"
            | "not"
            | "on"
            | "open"
            | "order"
            | "parent"
            | "probe"
            | "put"
            | "ran"
            | "realloc"
            | "refs"
            | "register"
            | "release"
            | "remove"
            | "resource"
            | "return"
            | "run"
            | "scenario"
            | "settle"
            | "since"
            | "stateless"
            | "suite"
            | "times"
            | "to"
            | "unbind"
            | "unbound"
            | "unlink"
            | "unregister"
            | "until"
            | "use"
            | "warning"
            | "while"
            | "without"
    )
}

/// Bytes of a text that are parsed at a time. What pest keeps of them is many times as large, and
/// should stay in a processor's cache.
const PIECE: usize = 32 << 10;

/// So many pieces are worth the start of threads.
const SHARED: usize = 4;

/// Parses one file. Everything that is wrong goes to the sink; the tree holds what
/// was right.
pub fn parse(sources: &Sources, source: SourceId, sink: &mut Sink) -> File {
    parse_in_pieces(sources, source, PIECE, sink)
}

fn parse_in_pieces(sources: &Sources, source: SourceId, size: usize, sink: &mut Sink) -> File {
    let text = &sources.get(source).text;
    let mut parser = TreeBuilder {
        source,
        sink,
        base: 0,
    };
    let mut file = File::new(source);
    if let Some(at) = repair::too_deep(text, MAX_DEPTH) {
        parser.report_too_deep(at);
        return file;
    }
    let repaired = repair::close_braces(text);
    for open in &repaired.unclosed {
        parser.sink.report(
            Diagnostic::new(Code::Syntax, "this `{` is never closed")
                .label(parser.at(*open, open + 1), "a `}` is missing for it"),
        );
    }
    let text = repaired.text.as_ref();
    let pieces = repaired.pieces(size);
    let read = |piece: Range<usize>| {
        let mut sink = Sink::default();
        let mut parser = TreeBuilder {
            source,
            sink: &mut sink,
            base: piece.start,
        };
        let file = parser.piece(&text[piece]);
        (file, sink)
    };
    let parsed: Vec<_> = match pieces.len() {
        ..SHARED => pieces.into_iter().map(read).collect(),
        _ => pieces.into_par_iter().map(read).collect(),
    };
    for (piece, found) in parsed {
        sink.append(found);
        file.append(piece);
    }
    file
}

pub(super) struct TreeBuilder<'s> {
    pub(super) source: SourceId,
    pub(super) sink: &'s mut Sink,
    /// Where the text that pest was given begins in the file.
    pub(super) base: usize,
}

impl TreeBuilder<'_> {
    fn piece(&mut self, text: &str) -> File {
        let mut file = File::new(self.source);
        let rule = match self.base {
            0 => Rule::file,
            _ => Rule::more_items,
        };
        match Grammar::parse(rule, text) {
            Ok(mut pairs) => {
                for part in pairs.next().into_iter().flat_map(Pair::into_inner) {
                    match part.as_rule() {
                        Rule::language => self.language(part),
                        Rule::item => self.item(part, &mut file),
                        _ => {}
                    }
                }
            }
            Err(error) => self.syntax_error(text, error),
        }
        file
    }

    fn language(&mut self, pair: Pair<'_, Rule>) {
        let Some(number) = pair.into_inner().last() else {
            return;
        };
        if number.as_str() != "1" {
            let message = format!("there is no language {}", number.as_str());
            self.sink.report(
                Diagnostic::new(Code::Syntax, message)
                    .label(self.span(&number), "the only version is 1")
                    .help("a later devres-gen may know it"),
            );
        }
    }

    fn item(&mut self, item: Pair<'_, Rule>, file: &mut File) {
        let item = only(item);
        if item.as_rule() == Rule::bad_item {
            file.whole = false;
            return self.bad(item, Rule::alone_item);
        }
        let mut doc = Vec::new();
        for part in item.into_inner() {
            match part.as_rule() {
                Rule::use_item => self.use_item(part, file),
                Rule::doc => doc = doc_lines(part),
                Rule::kind => file.kinds.push(self.kind(part, std::mem::take(&mut doc))),
                Rule::suite => file.suites.push(self.suite(part, std::mem::take(&mut doc))),
                _ => {}
            }
        }
    }

    fn use_item(&mut self, pair: Pair<'_, Rule>, file: &mut File) {
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::name => file.uses.push(self.name(part)),
                Rule::quoted => {
                    let mut name = self.word(&part);
                    name.value = name.value.trim_matches('"').to_owned();
                    file.files.push(name);
                }
                _ => {}
            }
        }
    }

    fn kind(&mut self, pair: Pair<'_, Rule>, doc: Vec<String>) -> Kind {
        let whole = self.span(&pair);
        let mut kind = Kind {
            doc,
            name: missing(whole),
            on_bus: false,
            in_class: false,
            entries: vec![],
            whole: true,
        };
        let before = self.sink.count();
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::name => kind.name = self.title(part),
                Rule::kind_bus => {
                    let class = part.into_inner().any(|p| p.as_rule() == Rule::kw_class);
                    kind.in_class = class;
                    kind.on_bus = !class;
                }
                Rule::kind_entry => {
                    let entry = only(part);
                    if entry.as_rule() == Rule::bad_entry {
                        self.bad(entry, Rule::alone_kind_entry);
                        continue;
                    }
                    let entry = only(entry);
                    let span = self.span(&entry);
                    let value = match entry.as_rule() {
                        Rule::kind_parent => self
                            .names(entry.into_inner())
                            .into_iter()
                            .next()
                            .map(KindEntry::Parent),
                        Rule::kind_release => Some(KindEntry::Release(release(entry))),
                        Rule::kw_halves => Some(KindEntry::Halves),
                        Rule::kw_waits => Some(KindEntry::Waits),
                        Rule::kind_driver => Some(KindEntry::Driver(self.words(entry))),
                        Rule::kind_needs => {
                            let parts = entry.clone().into_inner();
                            let unset = parts.filter(|part| part.as_rule() == Rule::unset);
                            let unset = unset.flat_map(|part| self.words(part)).collect();
                            let set = self.words(entry);
                            Some(KindEntry::Needs { set, unset })
                        }
                        Rule::kind_selects => Some(KindEntry::Selects(self.words(entry))),
                        Rule::kind_since => {
                            let linux = entry.into_inner().last();
                            linux.map(|linux| KindEntry::Since(self.word(&linux)))
                        }
                        Rule::kind_handles => {
                            let word = entry.into_inner().last();
                            Some(KindEntry::Handles(match word.map(|word| word.as_rule()) {
                                Some(Rule::kw_get) => Handles::Get,
                                Some(Rule::kw_object) => Handles::Object,
                                Some(Rule::kw_misc) => Handles::Misc,
                                _ => Handles::Plain,
                            }))
                        }
                        _ => Some(KindEntry::C(self.c_sections(entry))),
                    };
                    kind.entries
                        .extend(value.map(|value| Spanned { value, span }));
                }
                _ => {}
            }
        }
        kind.whole = self.sink.count() == before;
        kind
    }

    /// Words of the kind's own, which are no names of the scenario's.
    fn words(&mut self, pair: Pair<'_, Rule>) -> Vec<Name> {
        let parts = pair.into_inner();
        let words = parts.filter(|part| part.as_rule() == Rule::name);
        words.map(|word| self.word(&word)).collect()
    }

    fn c_sections(&mut self, pair: Pair<'_, Rule>) -> Vec<CSection> {
        let mut sections = Vec::new();
        for entry in pair
            .into_inner()
            .filter(|part| part.as_rule() == Rule::c_entry)
        {
            let entry = only(entry);
            if entry.as_rule() == Rule::bad_c_entry {
                self.bad(entry, Rule::alone_c_entry);
                continue;
            }
            let mut section = CSection {
                key: missing(self.span(&entry)),
                versions: None,
                lines: vec![],
            };
            for part in entry.into_inner() {
                match part.as_rule() {
                    // Keys are no names: `release` may be one.
                    Rule::name => section.key = self.word(&part),
                    Rule::c_versions => section.versions = self.versions(part),
                    Rule::c_line => {
                        let text = only(part);
                        let value = text.as_str().trim_end().to_owned();
                        section.lines.push(Spanned {
                            value,
                            span: self.span(&text),
                        });
                    }
                    _ => {}
                }
            }
            sections.push(section);
        }
        sections
    }

    fn versions(&self, pair: Pair<'_, Rule>) -> Option<Versions> {
        let mut parts = pair.into_inner();
        let since = parts.next()?.as_rule() == Rule::kw_since;
        let linux = self.word(&parts.next()?);
        Some(Versions { since, linux })
    }

    fn suite(&mut self, pair: Pair<'_, Rule>, doc: Vec<String>) -> Suite {
        let whole = self.span(&pair);
        let mut suite = Suite {
            doc,
            name: missing(whole),
            kinds: vec![],
            scenarios: vec![],
        };
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::name => suite.name = self.title(part),
                Rule::kind_use => suite.kinds.extend(self.kind_use(part)),
                Rule::suite_entry => {
                    let entry = only(part);
                    if entry.as_rule() == Rule::bad_documented {
                        self.bad(entry, Rule::alone_suite_entry);
                        continue;
                    }
                    suite.scenarios.extend(self.scenario(entry));
                }
                _ => {}
            }
        }
        suite
    }

    pub(super) fn kind_use(&mut self, pair: Pair<'_, Rule>) -> Option<KindUse> {
        let span = self.trimmed(&pair);
        let mut parts = pair.into_inner();
        let name = self.title(parts.next()?);
        let mut used = KindUse {
            name,
            bound: None,
            parent: None,
            span,
        };
        for part in parts {
            match part.as_rule() {
                Rule::kw_bound => used.bound = Some(self.span(&part)),
                Rule::comment => {}
                // A kind or a device, so it may be any word.
                _ => used.parent = part.into_inner().last().map(|name| self.title(name)),
            }
        }
        Some(used)
    }

    fn scenario(&mut self, entry: Pair<'_, Rule>) -> Option<Scenario> {
        let mut doc = Vec::new();
        let mut scenario = None;
        for part in entry.into_inner() {
            if part.as_rule() == Rule::doc {
                doc = doc_lines(part);
                continue;
            }
            let mut parts = part
                .into_inner()
                .filter(|part| part.as_rule() != Rule::kw_scenario);
            let name = self.title(parts.next()?);
            let before = self.sink.count();
            let body = parts.next().map(|body| self.body(body)).unwrap_or_default();
            scenario = Some(Scenario {
                doc: std::mem::take(&mut doc),
                name,
                body,
                whole: self.sink.count() == before,
                order: None,
            });
        }
        scenario
    }

    pub(super) fn names(&mut self, parts: Pairs<'_, Rule>) -> Vec<Name> {
        let names = parts.filter(|part| part.as_rule() == Rule::name);
        names.map(|name| self.name(name)).collect()
    }

    pub(super) fn word(&self, pair: &Pair<'_, Rule>) -> Name {
        Spanned {
            value: pair.as_str().to_owned(),
            span: self.span(pair),
        }
    }

    /// A name that statements use, and so none of the language's own words.
    pub(super) fn name(&mut self, pair: Pair<'_, Rule>) -> Name {
        let name = self.title(pair);
        let text = name.value.as_str();
        if is_keyword(text) {
            self.sink.report(
                Diagnostic::new(Code::BadName, format!("`{text}` is a word of the language"))
                    .label(name.span, "a name is wanted here")
                    .help("take another name; docs/language.md lists the reserved words"),
            );
        }
        name
    }

    /// The name of a suite or a scenario, which stands in no statement.
    fn title(&mut self, pair: Pair<'_, Rule>) -> Name {
        let name = self.word(&pair);
        let text = name.value.as_str();
        let plain = text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if text.len() > MAX_NAME {
            self.sink.report(
                Diagnostic::new(Code::BadName, "this name is too long")
                    .label(name.span, format!("{} characters", text.len()))
                    .help(format!(
                        "names have at most {MAX_NAME}, since they become part of others"
                    )),
            );
        } else if !plain || !text.starts_with(|c: char| c.is_ascii_lowercase()) {
            self.sink.report(
                Diagnostic::new(Code::BadName, format!("`{text}` cannot be a name"))
                    .label(name.span, "not a name")
                    .help("names begin with a small letter and go on with small letters, digits and `_`"),
            );
        }
        name
    }

    pub(super) fn span(&self, pair: &Pair<'_, Rule>) -> Span {
        let span = pair.as_span();
        self.at(span.start(), span.end())
    }

    /// The span of a pair that ends in something optional: what the grammar took on its way to
    /// that, blanks and a comment, is no part of it.
    pub(super) fn trimmed(&self, pair: &Pair<'_, Rule>) -> Span {
        let start = pair.as_span().start();
        let mut text = pair.as_str();
        // Mostly there is nothing on the last line that code could end before.
        let last = memrchr3(b'\n', b'/', b'|', text.as_bytes());
        if last.is_none_or(|at| text[at..].starts_with('\n')) {
            return self.at(start, start + text.trim_end().len());
        }
        loop {
            let line = text.rfind('\n').map_or(0, |at| at + 1);
            let code = repair::code_of(&text[line..]).trim_end();
            if !code.is_empty() || line == 0 {
                return self.at(start, start + line + code.len());
            }
            text = &text[..line - 1];
        }
    }

    pub(super) fn at(&self, start: usize, end: usize) -> Span {
        let place = |at: usize| (self.base + at) as u32;
        Span {
            source: self.source,
            start: place(start),
            end: place(end),
        }
    }
}

pub(super) fn only(pair: Pair<'_, Rule>) -> Pair<'_, Rule> {
    let fallback = pair.clone();
    pair.into_inner().next().unwrap_or(fallback)
}

/// Stands in for a name that the grammar guarantees.
fn missing(span: Span) -> Name {
    Spanned {
        value: String::new(),
        span,
    }
}

fn release(pair: Pair<'_, Rule>) -> Release {
    match pair.into_inner().last().map(|word| word.as_rule()) {
        Some(Rule::kw_owned) => Release::Owned,
        _ => Release::Wrapped,
    }
}

fn doc_lines(pair: Pair<'_, Rule>) -> Vec<String> {
    let lines = pair
        .into_inner()
        .filter(|line| line.as_rule() == Rule::doc_line);
    lines
        .map(|line| line.as_str().trim_start_matches('/').trim().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Piece by piece there is the same in a text as at once, and the same wrong with it.
    #[test]
    fn pieces_are_read_as_the_whole_is() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folders = ["scenarios", "library", "tests/fixtures"].map(|name| here.join(name));
        let mut sources = Sources::default();
        let ids = sources.load(&folders, &mut Sink::default());
        let (mut several, mut wrong) = (0, 0);
        for id in ids {
            let read = |size| {
                let mut sink = Sink::default();
                let file = parse_in_pieces(&sources, id, size, &mut sink);
                (file, format!("{:?}", sink.into_sorted()))
            };
            let whole = read(usize::MAX);
            assert_eq!(read(1), whole, "{}", sources.get(id).name);
            several += usize::from(repair::close_braces(&sources.get(id).text).pieces(1).len() > 2);
            wrong += usize::from(whole.1 != "[]");
        }
        assert!(several > 10 && wrong > 10, "{several} {wrong}");
    }

    /// What pest does not look after: the deepest texts that are let through to it, good ones and
    /// bad ones, need a fraction of the stack of a thread.
    #[test]
    fn the_deepest_nesting_is_not_too_deep_for_a_thread() {
        const STACK: usize = 1 << 19;
        let nested = |before: &str, open: &str, inside: &str| {
            let levels = MAX_DEPTH - before.matches('{').count();
            let (opened, closed) = (open.repeat(levels), "}\n".repeat(MAX_DEPTH));
            format!("{before}{opened}{inside}{closed}")
        };
        let scenario = "use kinds\nsuite s on root {\nscenario x {\n";
        let texts = [
            nested(scenario, "action a on dev {\n", "put dev\n"),
            nested(scenario, "action a on dev {\n", "no such thing\n"),
            nested(scenario, "driver d for dev { probe {\n", ""),
            nested(scenario, "{\n", "x\n"),
            nested("kind k {\nc {\n", "x | y {\n", ""),
            nested("", "{\n", ""),
        ];
        for text in texts {
            let read = move || {
                let mut sources = Sources::default();
                let id = sources.add("deep.devres", &text);
                let mut sink = Sink::default();
                parse(&sources, id, &mut sink);
            };
            let thread = std::thread::Builder::new().stack_size(STACK).spawn(read);
            thread.unwrap().join().unwrap();
        }
    }
}
