//! Text to tree by the grammar, and the grammar's complaints in words.
//!
//! This file and complain.rs are the only ones that name pest.

use pest::Parser;
use pest::iterators::Pair;

use super::ast::{
    CSection, Deviation, Expectation, Expected, File, Kind, KindEntry, KindUse, Name, Outcome,
    Release, Scenario, Statement, Suite,
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
const MAX_NAME: usize = 64;

/// Words that the language uses or means to use, and so cannot be names.
const KEYWORDS: &[&str] = &[
    "action",
    "add",
    "alive",
    "and",
    "around",
    "attach",
    "bind",
    "bound",
    "but",
    "bus",
    "close",
    "del",
    "device",
    "driver",
    "expect",
    "fails",
    "fault",
    "finally",
    "fix",
    "for",
    "freed",
    "get",
    "group",
    "init",
    "kind",
    "language",
    "leaked",
    "leaks",
    "link",
    "no",
    "not",
    "on",
    "open",
    "order",
    "parent",
    "probe",
    "put",
    "ran",
    "refs",
    "register",
    "release",
    "remove",
    "return",
    "run",
    "scenario",
    "settle",
    "suite",
    "times",
    "to",
    "unbind",
    "unbound",
    "unregister",
    "use",
    "while",
    "without",
];

/// Parses one file. Everything that is wrong goes to the sink; the tree holds what
/// was right.
pub fn parse(sources: &Sources, source: SourceId, sink: &mut Sink) -> File {
    let text = &sources.get(source).text;
    let mut parser = TreeBuilder {
        source,
        sink,
        base: 0,
    };
    let mut file = File {
        source,
        uses: vec![],
        kinds: vec![],
        suites: vec![],
    };
    if let Some(at) = repair::too_deep(text, MAX_DEPTH) {
        parser.report_too_deep(at);
        return file;
    }
    let repaired = repair::close_braces(text);
    for open in repaired.unclosed {
        parser.sink.report(
            Diagnostic::new(Code::Syntax, "this `{` is never closed")
                .label(parser.at(open, open + 1), "a `}` is missing for it"),
        );
    }
    let text = repaired.text.as_ref();
    match Grammar::parse(Rule::file, text) {
        Ok(mut pairs) => {
            for part in pairs.next().into_iter().flat_map(Pair::into_inner) {
                match part.as_rule() {
                    Rule::language => parser.language(part),
                    Rule::item => parser.item(part, &mut file),
                    _ => {}
                }
            }
        }
        Err(error) => parser.syntax_error(text, error),
    }
    file
}

pub(super) struct TreeBuilder<'s> {
    pub(super) source: SourceId,
    pub(super) sink: &'s mut Sink,
    /// Where the text that pest was given begins in the file.
    pub(super) base: usize,
}

type Pairs<'i> = pest::iterators::Pairs<'i, Rule>;

impl TreeBuilder<'_> {
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
            return self.bad(item, Rule::alone_item);
        }
        let mut doc = Vec::new();
        for part in item.into_inner() {
            match part.as_rule() {
                Rule::use_item => file.uses.extend(self.names(part)),
                Rule::doc => doc = doc_lines(part),
                Rule::kind => file.kinds.push(self.kind(part, std::mem::take(&mut doc))),
                Rule::suite => file.suites.push(self.suite(part, std::mem::take(&mut doc))),
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
            entries: vec![],
        };
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::name => kind.name = self.name(part),
                Rule::kind_bus => kind.on_bus = true,
                Rule::kind_entry => {
                    let entry = only(part);
                    if entry.as_rule() == Rule::bad_entry {
                        self.bad(entry, Rule::alone_kind_entry);
                        continue;
                    }
                    let entry = only(entry);
                    let span = self.span(&entry);
                    let value = match entry.as_rule() {
                        Rule::kind_parent => {
                            self.names(entry).into_iter().next().map(KindEntry::Parent)
                        }
                        Rule::kind_release => Some(KindEntry::Release(release(entry))),
                        _ => Some(KindEntry::C(self.c_sections(entry))),
                    };
                    kind.entries
                        .extend(value.map(|value| Spanned { value, span }));
                }
                _ => {}
            }
        }
        kind
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
                lines: vec![],
            };
            for part in entry.into_inner() {
                match part.as_rule() {
                    // Keys are no names: `release` may be one.
                    Rule::name => section.key = self.word(&part),
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
                Rule::kind_use => {
                    let mut parts = part.into_inner();
                    if let Some(name) = parts.next() {
                        let name = self.name(name);
                        let bound = parts.next().map(|word| self.span(&word));
                        suite.kinds.push(KindUse { name, bound });
                    }
                }
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
            let body = parts.next().map(|body| self.body(body)).unwrap_or_default();
            scenario = Some(Scenario {
                doc: std::mem::take(&mut doc),
                name,
                body,
            });
        }
        scenario
    }

    fn body(&mut self, pair: Pair<'_, Rule>) -> Vec<Spanned<Statement>> {
        let mut statements = Vec::new();
        for statement in pair
            .into_inner()
            .filter(|part| part.as_rule() == Rule::statement)
        {
            let statement = only(statement);
            if statement.as_rule() == Rule::bad_statement {
                self.bad_statement(statement);
                continue;
            }
            let statement = only(statement);
            let span = self.span(&statement);
            let value = self.statement(statement);
            statements.extend(value.map(|value| Spanned { value, span }));
        }
        statements
    }

    fn statement(&mut self, pair: Pair<'_, Rule>) -> Option<Statement> {
        let rule = pair.as_rule();
        if rule == Rule::finally {
            let expect = pair.into_inner().last()?;
            return Some(Statement::Finally(self.expectations(expect)));
        }
        if rule == Rule::expect {
            return Some(Statement::Expect(self.expectations(pair)));
        }
        let mut names = Vec::new();
        let mut fails = None;
        let mut body = Vec::new();
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::name => names.push(self.name(part)),
                Rule::fails => fails = part.into_inner().last().map(|errno| self.word(&errno)),
                Rule::body => body = self.body(part),
                _ => {}
            }
        }
        let mut names = names.into_iter();
        let name = names.next()?;
        match rule {
            Rule::register => Some(Statement::Register(name)),
            Rule::unregister => Some(Statement::Unregister(name)),
            Rule::get => Some(Statement::Get(name)),
            Rule::put => Some(Statement::Put(name)),
            Rule::attach => Some(Statement::Attach(name, fails)),
            Rule::unbind => Some(Statement::Unbind(name)),
            Rule::action => Some(Statement::Action {
                name,
                on: names.next()?,
                body,
            }),
            _ => None,
        }
    }

    fn expectations(&mut self, pair: Pair<'_, Rule>) -> Vec<Expected> {
        let all = pair
            .into_inner()
            .filter(|part| part.as_rule() == Rule::expectation);
        all.filter_map(|part| self.expectation(part)).collect()
    }

    fn expectation(&mut self, pair: Pair<'_, Rule>) -> Option<Expected> {
        let span = self.span(&pair);
        let mut parts = pair.into_inner();
        let first = parts.next()?;
        if first.as_rule() == Rule::order {
            return Some(Expected::Order(self.names(first)));
        }
        if first.as_rule() == Rule::no_leaks {
            return Some(Expected::NoLeaks(span));
        }
        if first.as_rule() == Rule::refs {
            return self.refs(first);
        }
        let subject = self.name(first);
        let outcome = self.outcome(parts.next()?);
        let deviations = parts.filter_map(|part| self.deviation(part)).collect();
        Some(Expected::Outcome(Expectation {
            subject,
            outcome,
            deviations,
            span,
        }))
    }

    fn outcome(&mut self, pair: Pair<'_, Rule>) -> Spanned<Outcome> {
        let span = self.span(&pair);
        let said = only(pair);
        let value = match said.as_rule() {
            Rule::kw_freed => Outcome::Freed,
            Rule::kw_alive => Outcome::Alive,
            Rule::kw_bound => Outcome::Bound,
            Rule::kw_unbound => Outcome::Unbound,
            Rule::kw_leaked => Outcome::Leaked,
            Rule::ran => self.times(said).map_or(Outcome::Ran, Outcome::RanTimes),
            _ => Outcome::NotRun,
        };
        Spanned { value, span }
    }

    fn refs(&mut self, pair: Pair<'_, Rule>) -> Option<Expected> {
        let mut parts = pair.into_inner().skip(1);
        let name = self.name(parts.next()?);
        let more = parts.next()?;
        let Ok(value) = more.as_str().parse() else {
            self.sink.report(
                Diagnostic::new(Code::Limit, "nobody holds that many references")
                    .label(self.span(&more), format!("{} at most", i16::MAX)),
            );
            return None;
        };
        Some(Expected::Refs(name, value))
    }

    /// The number of `ran N times`, if it stands there.
    fn times(&mut self, ran: Pair<'_, Rule>) -> Option<u8> {
        let times = ran
            .into_inner()
            .find(|part| part.as_rule() == Rule::times)?;
        let number = only(times);
        let times = number.as_str().parse().ok();
        if times.is_none() {
            self.sink.report(
                Diagnostic::new(Code::Limit, "nothing runs that often in a scenario")
                    .label(self.span(&number), format!("{} at most", u8::MAX)),
            );
        }
        times
    }

    fn deviation(&mut self, pair: Pair<'_, Rule>) -> Option<Deviation> {
        let mut outcome = None;
        let mut fix = None;
        let mut bound = None;
        let mut span = None;
        for part in pair.into_inner() {
            let here = self.span(&part);
            span = Some(span.map_or(here, |span: Span| span.to(here)));
            match part.as_rule() {
                Rule::outcome => outcome = Some(self.outcome(part)),
                Rule::commit => fix = Some(self.word(&part)),
                Rule::condition => {
                    bound = part
                        .into_inner()
                        .last()
                        .map(|word| word.as_rule() == Rule::kw_bound);
                }
                _ => {}
            }
        }
        Some(Deviation {
            outcome: outcome?,
            fix: fix?,
            bound,
            span: span?,
        })
    }

    fn names(&mut self, pair: Pair<'_, Rule>) -> Vec<Name> {
        let names = pair
            .into_inner()
            .filter(|part| part.as_rule() == Rule::name);
        names.map(|name| self.name(name)).collect()
    }

    fn word(&self, pair: &Pair<'_, Rule>) -> Name {
        Spanned {
            value: pair.as_str().to_owned(),
            span: self.span(pair),
        }
    }

    /// A name that statements use, and so none of the language's own words.
    fn name(&mut self, pair: Pair<'_, Rule>) -> Name {
        let name = self.title(pair);
        let text = name.value.as_str();
        if KEYWORDS.contains(&text) {
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

    fn span(&self, pair: &Pair<'_, Rule>) -> Span {
        let span = pair.as_span();
        self.at(span.start(), span.end())
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

fn only(pair: Pair<'_, Rule>) -> Pair<'_, Rule> {
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
    let mut words: Pairs<'_> = pair.into_inner();
    if words.any(|word| word.as_rule() == Rule::kw_owned) {
        Release::Owned
    } else {
        Release::Wrapped
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
