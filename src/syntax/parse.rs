//! Text to tree by the grammar, and the grammar's complaints in words.
//!
//! The only file that names pest. A piece that the grammar set aside as bad is
//! parsed again alone, to say what is wrong with it.

use pest::Parser;
use pest::error::{ErrorVariant, InputLocation};
use pest::iterators::Pair;

use super::ast::{
    CSection, Deviation, Expectation, File, Kind, KindEntry, KindUse, Name, Outcome, Release,
    Scenario, Statement, Suite,
};
use super::repair;
use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Sink, nearest};
use crate::source::{SourceId, Sources, Span, Spanned};

#[derive(pest_derive::Parser)]
#[grammar = "../grammar/devres.pest"]
struct Grammar;

/// Braces nested deeper than this are refused.
const MAX_DEPTH: usize = 64;

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

const OPERATIONS: [&str; 6] = ["register", "unregister", "get", "put", "action", "expect"];

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
            let items = pairs.next().into_iter().flat_map(Pair::into_inner);
            items
                .filter(|item| item.as_rule() == Rule::item)
                .for_each(|item| {
                    parser.item(item, &mut file);
                });
        }
        Err(error) => parser.syntax_error(text, error),
    }
    file
}

struct TreeBuilder<'s> {
    source: SourceId,
    sink: &'s mut Sink,
    /// Where the text that pest was given begins in the file.
    base: usize,
}

type Pairs<'i> = pest::iterators::Pairs<'i, Rule>;

impl TreeBuilder<'_> {
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
        if rule == Rule::expect {
            let all = pair
                .into_inner()
                .filter(|part| part.as_rule() == Rule::expectation);
            return Some(Statement::Expect(
                all.filter_map(|part| self.expectation(part)).collect(),
            ));
        }
        let mut names = Vec::new();
        let mut body = Vec::new();
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::name => names.push(self.name(part)),
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
            Rule::action => Some(Statement::Action {
                name,
                on: names.next()?,
                body,
            }),
            _ => None,
        }
    }

    fn expectation(&mut self, pair: Pair<'_, Rule>) -> Option<Expectation> {
        let span = self.span(&pair);
        let mut parts = pair.into_inner();
        let subject = self.name(parts.next()?);
        let outcome = self.outcome(parts.next()?);
        let deviations = parts.filter_map(|part| self.deviation(part)).collect();
        Some(Expectation {
            subject,
            outcome,
            deviations,
            span,
        })
    }

    fn outcome(&self, pair: Pair<'_, Rule>) -> Spanned<Outcome> {
        let span = self.span(&pair);
        let value = match only(pair).as_rule() {
            Rule::kw_ran => Outcome::Ran,
            Rule::kw_freed => Outcome::Freed,
            Rule::kw_alive => Outcome::Alive,
            _ => Outcome::NotRun,
        };
        Spanned { value, span }
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

    fn at(&self, start: usize, end: usize) -> Span {
        let place = |at: usize| (self.base + at) as u32;
        Span {
            source: self.source,
            start: place(start),
            end: place(end),
        }
    }

    fn bad_statement(&mut self, pair: Pair<'_, Rule>) {
        let text = pair.as_str();
        let word = &text[..text.find(|c| !is_word(c)).unwrap_or(text.len())];
        if word.is_empty() || OPERATIONS.contains(&word) {
            return self.bad(pair, Rule::alone_statement);
        }
        let start = pair.as_span().start();
        self.sink.report(
            Diagnostic::new(
                Code::UnknownOperation,
                format!("there is no operation `{word}`"),
            )
            .label(self.at(start, start + word.len()), "unknown operation")
            .suggest(word, OPERATIONS),
        );
    }

    /// Says what is wrong with a piece that the grammar set aside.
    fn bad(&mut self, pair: Pair<'_, Rule>, alone: Rule) {
        let text = pair.as_str();
        let mut inner = TreeBuilder {
            source: self.source,
            base: self.base + pair.as_span().start(),
            sink: self.sink,
        };
        match Grammar::parse(alone, text) {
            Err(error) => inner.syntax_error(text, error),
            // Right by itself: then what follows it on the line is wrong.
            Ok(_) => inner.unexpected(text, text.len(), &[Rule::end]),
        }
    }

    fn syntax_error(&mut self, text: &str, error: pest::error::Error<Rule>) {
        let at = match error.location {
            InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
        };
        match error.variant {
            ErrorVariant::ParsingError { positives, .. } => self.unexpected(text, at, &positives),
            ErrorVariant::CustomError { message } => self
                .sink
                .report(Diagnostic::new(Code::Syntax, message).label(self.at(at, at + 1), "here")),
        }
    }

    fn unexpected(&mut self, text: &str, at: usize, wanted: &[Rule]) {
        let mut wanted: Vec<&str> = wanted.iter().copied().filter_map(spelling).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let keywords: Vec<&str> = wanted
            .iter()
            .flat_map(|text| text.split('`').skip(1).step_by(2))
            .collect();
        let wanted = match wanted.split_last() {
            None => "something else".to_owned(),
            Some((last, [])) => (*last).to_owned(),
            Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        };
        let found = text[at..].trim_start_matches([' ', '\t']);
        let expected = format!("expected {wanted}");
        let comment = found.starts_with("//") && !found.starts_with("///");
        let diagnostic = if found.is_empty() || found.starts_with(['\n', '\r']) || comment {
            // Point at the last token, not at what follows its line or comment.
            let last = last_token(&text[..at]);
            Diagnostic::new(Code::Syntax, "something is missing here").label(
                self.at(last.start, last.end),
                format!("{expected} after this"),
            )
        } else {
            let start = text.len() - found.len();
            let word = first_word(found);
            let diagnostic = Diagnostic::new(
                Code::Syntax,
                format!("`{}` is not expected here", visible(word)),
            )
            .label(self.at(start, start + word.len()), expected);
            match nearest(word, keywords.iter().copied()) {
                _ if found.starts_with("/*") => diagnostic.help("a comment begins with `//`"),
                _ if found.starts_with("///") => {
                    diagnostic.help("a doc comment stands before a kind, a suite or a scenario")
                }
                Some(keyword) => diagnostic.help(format!("did you mean `{keyword}`?")),
                None => diagnostic,
            }
        };
        self.sink.report(diagnostic);
    }

    fn report_too_deep(&mut self, at: usize) {
        self.sink.report(
            Diagnostic::new(
                Code::TooDeep,
                format!("braces are nested deeper than {MAX_DEPTH}"),
            )
            .label(self.at(at, at + 1), "one too many")
            .help("actions within actions are rarely deeper than two; is a `}` missing above?"),
        );
    }
}

/// Where the last token of a text stands; its last character if it is no word.
fn last_token(text: &str) -> std::ops::Range<usize> {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    while let Some(line) = lines.pop() {
        let start: usize = lines.iter().map(|line| line.len()).sum();
        let code = repair::code_of(line).trim_end();
        let Some(last) = code.chars().next_back() else {
            continue;
        };
        let length = if is_word(last) {
            code.chars()
                .rev()
                .take_while(|&c| is_word(c))
                .map(char::len_utf8)
                .sum()
        } else {
            last.len_utf8()
        };
        return start + code.len() - length..start + code.len();
    }
    0..text.len().min(1)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The word that a text begins with, or its first character.
fn first_word(text: &str) -> &str {
    let word = text.find(|c| !is_word(c)).unwrap_or(text.len());
    let length = if word > 0 {
        word
    } else {
        text.chars().next().map_or(0, char::len_utf8)
    };
    &text[..length]
}

/// A word as it can be shown: what cannot be seen by its number.
fn visible(word: &str) -> String {
    let show = |c: char| {
        let seen = c.is_alphanumeric() || c.is_ascii_graphic() || c == '_';
        if seen {
            c.to_string()
        } else {
            format!("U+{:04X}", u32::from(c))
        }
    };
    word.chars().map(show).collect()
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

/// How a rule is called in a message; `None` for what no user needs to hear of. The
/// match names every rule, so that a new one has to be given a name here.
fn spelling(rule: Rule) -> Option<&'static str> {
    Some(match rule {
        Rule::brace_open => "`{`",
        Rule::brace_close => "`}`",
        Rule::comma => "`,`",
        Rule::colon => "`:`",
        Rule::semicolon => "`;`",
        Rule::name => "a name",
        Rule::commit => "a fix (the first 12 hex digits of its commit)",
        Rule::kw_use => "`use`",
        Rule::kw_kind => "`kind`",
        Rule::kw_suite => "`suite`",
        Rule::kw_scenario => "`scenario`",
        Rule::kw_on => "`on`",
        Rule::kw_bus => "`bus`",
        Rule::kw_bound => "`bound`",
        Rule::kw_unbound => "`unbound`",
        Rule::kw_parent => "`parent`",
        Rule::kw_release => "`release`",
        Rule::kw_owned => "`owned`",
        Rule::kw_wrapped => "`wrapped`",
        Rule::kw_c => "`c`",
        Rule::kw_register | Rule::register => "`register`",
        Rule::kw_unregister | Rule::unregister => "`unregister`",
        Rule::kw_get | Rule::get => "`get`",
        Rule::kw_put | Rule::put => "`put`",
        Rule::kw_action | Rule::action => "`action`",
        Rule::kw_expect | Rule::expect => "`expect`",
        Rule::kw_ran => "`ran`",
        Rule::kw_not => "`not`",
        Rule::kw_run => "`run`",
        Rule::kw_freed => "`freed`",
        Rule::kw_alive => "`alive`",
        Rule::kw_but => "`but`",
        Rule::kw_without => "`without`",
        Rule::kw_while => "`while`",
        Rule::end | Rule::EOI => "the end of the statement",
        Rule::doc_line => "`///`",
        Rule::c_line => "`|` and a line of C",
        Rule::outcome | Rule::not_run => "an outcome (`ran`, `not run`, `freed`, `alive`)",
        Rule::statement | Rule::good_statement => "a statement",
        Rule::scenario | Rule::suite_entry | Rule::good_suite_entry => "`scenario`",
        Rule::kind_entry | Rule::good_kind_entry => "`parent`, `release` or `c`",
        Rule::c_entry | Rule::good_c_entry => "a section of C",
        Rule::expectation => "an expectation",
        Rule::condition => "`while`",
        Rule::deviation => "`but`",
        Rule::body => "`{`",
        Rule::kind_use => "a kind",
        Rule::item | Rule::good_item => "`use`, `kind` or `suite`",
        Rule::use_item => "`use`",
        Rule::kind => "`kind`",
        Rule::suite => "`suite`",
        Rule::kind_bus => "`:`",
        Rule::kind_parent => "`parent`",
        Rule::kind_release => "`release`",
        Rule::kind_c => "`c`",
        Rule::WHITESPACE
        | Rule::COMMENT
        | Rule::eol
        | Rule::nl
        | Rule::letter
        | Rule::doc
        | Rule::file
        | Rule::bad_item
        | Rule::bad_entry
        | Rule::bad_c_entry
        | Rule::bad_statement
        | Rule::comma_junk
        | Rule::bad_documented
        | Rule::bad_piece
        | Rule::documented
        | Rule::junk
        | Rule::junk_tail
        | Rule::block_junk
        | Rule::comment_junk
        | Rule::line_string_junk
        | Rule::c_text
        | Rule::alone_item
        | Rule::alone_kind_entry
        | Rule::alone_c_entry
        | Rule::alone_suite_entry
        | Rule::alone_statement => return None,
    })
}
