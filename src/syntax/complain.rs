//! What the grammar complains of, in words.
//!
//! A piece that the grammar set aside as bad is parsed again, alone, to say what is
//! wrong with it and what was expected instead.

use pest::Parser;
use pest::error::{ErrorVariant, InputLocation};
use pest::iterators::Pair;

use super::parse::{Grammar, MAX_DEPTH, Rule, TreeBuilder};
use super::repair;
use super::words::{self, OPERATIONS};
use crate::codes::Code;
use crate::diagnostic::{Diagnostic, nearest};

/// The outcome that another one is the opposite of; only `run` stands behind `not`.
fn opposite(outcome: &str) -> Option<&'static str> {
    match outcome {
        "freed" => Some("alive"),
        "alive" => Some("freed"),
        "bound" => Some("unbound"),
        "unbound" => Some("bound"),
        "ran" => Some("not run"),
        _ => None,
    }
}

/// Whether an expectation begins with what is expected, up to where it goes wrong.
fn is_outcome_first(text: &str) -> bool {
    let mut words = text.split_whitespace();
    words.next() == Some("expect")
        && words.next().is_some_and(|word| opposite(word).is_some())
        && words.next().is_none()
}

fn begins_a_statement(word: &str) -> bool {
    matches!(word, "probe" | "remove") || OPERATIONS.iter().any(|(known, _)| *known == word)
}

fn ends_in_not(text: &str) -> bool {
    text.split_whitespace().next_back() == Some("not")
}

impl TreeBuilder<'_> {
    pub(super) fn bad_statement(&mut self, pair: Pair<'_, Rule>) {
        let text = pair.as_str();
        let word = &text[..text.find(|c| !is_word(c)).unwrap_or(text.len())];
        let is_operation = |word: &str| OPERATIONS.iter().any(|(known, _)| *known == word);
        let rest = text[word.len()..].trim_start();
        let of_driver = rest.starts_with('{') && matches!(word, "probe" | "remove");
        if word.is_empty() || is_operation(word) && !of_driver {
            let form = words::flag_in(pair.as_str()).or_else(|| words::form(word));
            return self.bad_piece(pair, Rule::alone_statement, form);
        }
        let start = pair.as_span().start();
        let diagnostic = Diagnostic::new(
            Code::UnknownOperation,
            format!("there is no operation `{word}`"),
        )
        .label(self.at(start, start + word.len()), "unknown operation");
        let second = rest.split_whitespace().next();
        self.sink.report(match (words::instead_of(word), second) {
            _ if of_driver => diagnostic.help(format!(
                "that is a driver's: `driver NAME for DEVICE {{ {word} {{ ... }} }}`"
            )),
            (Some(instead), _) => diagnostic.help(instead),
            (None, Some(second)) if is_operation(second) => {
                diagnostic.help(format!("the operation stands first: `{second} {word}`"))
            }
            _ => match nearest(word, OPERATIONS.iter().map(|&(known, _)| known)) {
                Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                None => diagnostic.help("`devres-gen explain words` lists what there is"),
            },
        });
    }

    /// Says what is wrong with a piece that the grammar set aside.
    pub(super) fn bad(&mut self, pair: Pair<'_, Rule>, alone: Rule) {
        self.bad_piece(pair, alone, None);
    }

    /// The same of one that is written in such a form.
    fn bad_piece(&mut self, pair: Pair<'_, Rule>, alone: Rule, form: Option<String>) {
        let text = pair.as_str();
        let mut inner = TreeBuilder {
            source: self.source,
            base: self.base + pair.as_span().start(),
            sink: self.sink,
        };
        match Grammar::parse(alone, text) {
            Err(error) => inner.wrong(text, error, form),
            // Right by itself: then what follows it on the line is wrong.
            Ok(_) => inner.unexpected(text, text.len(), &[Rule::end], None),
        }
    }

    pub(super) fn syntax_error(&mut self, text: &str, error: pest::error::Error<Rule>) {
        self.wrong(text, error, None);
    }

    fn wrong(&mut self, text: &str, error: pest::error::Error<Rule>, form: Option<String>) {
        let at = match error.location {
            InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
        };
        match error.variant {
            ErrorVariant::ParsingError { positives, .. } => {
                self.unexpected(text, at, &positives, form);
            }
            ErrorVariant::CustomError { message } => self
                .sink
                .report(Diagnostic::new(Code::Syntax, message).label(self.at(at, at + 1), "here")),
        }
    }

    fn unexpected(&mut self, text: &str, at: usize, wanted: &[Rule], form: Option<String>) {
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
        let is_doc = found.starts_with("///") && !found.starts_with("////");
        let comment = found.starts_with("//") && !is_doc;
        let diagnostic = if found.is_empty() || found.starts_with(['\n', '\r']) || comment {
            // Point at the last token, not at what follows its line or comment.
            let last = last_token(&text[..at]);
            let diagnostic = Diagnostic::new(Code::Syntax, "something is missing here").label(
                self.at(last.start, last.end),
                format!("{expected} after this"),
            );
            match form {
                Some(form) => diagnostic.help(form),
                None => diagnostic,
            }
        } else {
            let start = text.len() - found.len();
            let word = first_word(found);
            let diagnostic = Diagnostic::new(
                Code::Syntax,
                format!("`{}` is not expected here", visible(word)),
            )
            .label(self.at(start, start + word.len()), expected);
            let wants_errno = wanted.contains("an error such as");
            let negated = ends_in_not(&text[..at]).then(|| opposite(word)).flatten();
            match (negated, nearest(word, keywords.iter().copied())) {
                _ if wants_errno && found.starts_with('-') => {
                    diagnostic.help("without the minus: the name says what is wrong")
                }
                _ if wants_errno && word == "0" => {
                    diagnostic.help("what returns no error says nothing: leave it out")
                }
                (Some(opposite), _) => {
                    diagnostic.help(format!("what is not `{word}` is `{opposite}`"))
                }
                _ if wanted.contains("the end of the statement") && begins_a_statement(word) => {
                    diagnostic.help(format!(
                        "`;` or a new line before `{word}` begins a statement"
                    ))
                }
                _ if found.starts_with("/*") || word == "#" => {
                    diagnostic.help("a comment begins with `//`")
                }
                _ if word == "(" && form.is_some() => {
                    diagnostic.help(format!("without parentheses: {}", form.unwrap_or_default()))
                }
                _ if word == "<" && text.starts_with("expect") => {
                    diagnostic.help("say `expect order FIRST < SECOND`")
                }
                _ if wanted.contains("a difference")
                    && !word.starts_with(|c: char| c.is_ascii_digit()) =>
                {
                    diagnostic.help(words::REFS)
                }
                _ if wanted.contains("an outcome") && words::outcome(word).is_some() => {
                    diagnostic.help(words::outcome(word).unwrap_or_default())
                }
                _ if is_outcome_first(&text[..at]) => {
                    diagnostic.help("the subject stands first: `expect SUBJECT OUTCOME`")
                }
                _ if found.starts_with("///") => {
                    diagnostic.help("a doc comment stands before a kind, a suite or a scenario")
                }
                (None, Some(keyword)) => diagnostic.help(format!("did you mean `{keyword}`?")),
                (None, None) => match form {
                    Some(form) => diagnostic.help(form),
                    None => diagnostic,
                },
            }
        };
        self.sink.report(diagnostic);
    }

    pub(super) fn report_too_deep(&mut self, at: usize) {
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
    let mut start = text.len();
    for line in text.split_inclusive('\n').rev() {
        start -= line.len();
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
        Rule::kw_finally | Rule::finally => "`finally`",
        Rule::kw_in | Rule::any_order => "`in any order`",
        Rule::kw_any => "`any`",
        Rule::strand => "`{`",
        Rule::kw_leaked => "`leaked`",
        Rule::kw_leaks => "`leaks`",
        Rule::kw_no | Rule::no_leaks => "`no leaks`",
        Rule::kw_warning | Rule::warning => "`warning`",
        Rule::kw_memory | Rule::memory => "`memory`",
        Rule::kw_resource | Rule::resource => "`resource`",
        Rule::r#use => "`use`",
        Rule::kw_find | Rule::find => "`find`",
        Rule::kw_destroy | Rule::destroy => "`destroy`",
        Rule::kw_realloc | Rule::realloc => "`realloc`",
        Rule::kw_free | Rule::free => "`free`",
        Rule::less => "`<`",
        Rule::more => "a difference such as `+1`",
        Rule::kw_refs | Rule::refs => "`refs`",
        Rule::kw_language | Rule::language => "`language`",
        Rule::kw_order | Rule::order => "`order`",
        Rule::number => "a number",
        Rule::errno => "an error such as `EBUSY`",
        Rule::kw_attach | Rule::attach => "`attach`",
        Rule::kw_unbind | Rule::unbind => "`unbind`",
        Rule::kw_fails | Rule::fails => "`fails`",
        Rule::kw_times => "`times`",
        Rule::kw_device | Rule::device => "`device`",
        Rule::kw_driver | Rule::driver => "`driver`",
        Rule::kw_init | Rule::init => "`init`",
        Rule::kw_add | Rule::add => "`add`",
        Rule::kw_del | Rule::del => "`del`",
        Rule::kw_bind | Rule::bind => "`bind`",
        Rule::kw_link | Rule::link => "`link`",
        Rule::kw_unlink | Rule::unlink => "`unlink`",
        Rule::kw_from => "`from`",
        Rule::kw_autoprobe => "`autoprobe`",
        Rule::kw_stateless => "`stateless`",
        Rule::kw_open | Rule::open => "`open`",
        Rule::kw_close | Rule::close => "`close`",
        Rule::kw_settle | Rule::settle => "`settle`",
        Rule::kw_probe | Rule::probe => "`probe`",
        Rule::kw_fault | Rule::fault => "`fault`",
        Rule::kw_remove | Rule::remove | Rule::on_remove => "`remove`",
        Rule::kw_return | Rule::return_error => "`return`",
        Rule::kw_and => "`and`",
        Rule::kw_as => "`as`",
        Rule::kw_class => "`class`",
        Rule::kw_for => "`for`",
        Rule::kw_like => "`like`",
        Rule::kw_halves => "`halves`",
        Rule::kw_waits => "`waits`",
        Rule::kw_handles | Rule::kind_handles => "`handles`",
        Rule::kw_needs | Rule::kind_needs => "`needs`",
        Rule::kw_selects | Rule::kind_selects => "`selects`",
        Rule::kw_object => "`object`",
        Rule::kw_misc => "`misc`",
        Rule::of_object => "`.`",
        Rule::kw_group | Rule::group => "`group`",
        Rule::kind_driver => "`driver`",
        Rule::kind_since => "`since`",
        Rule::kw_to => "`to`",
        Rule::kw_since => "`since`",
        Rule::kw_until => "`until`",
        Rule::linux => "a version such as `6.12`",
        Rule::c_versions => "`since`, `until`",
        Rule::quoted => "a file in quotes",
        Rule::kind_below => "`parent`",
        Rule::subject => "a name",
        Rule::fault_when => "`without`",
        Rule::no_fault => "`but`",
        Rule::driver_entry | Rule::good_driver_entry => "`probe` or `remove`",
        Rule::times => "how often",
        Rule::ran => "`ran`",
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
        Rule::kw_release | Rule::release => "`release`",
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
        Rule::kw_not | Rule::unset => "`not`",
        Rule::kw_run => "`run`",
        Rule::kw_freed => "`freed`",
        Rule::kw_alive => "`alive`",
        Rule::kw_but => "`but`",
        Rule::kw_without => "`without`",
        Rule::link_flags | Rule::while_bound => "`while`",
        Rule::kw_while => "`while`",
        Rule::end | Rule::EOI => "the end of the statement",
        Rule::doc_line => "`///`",
        Rule::c_line => "`|` and a line of C",
        Rule::outcome | Rule::not_run => {
            "an outcome (`ran`, `not run`, `freed`, `alive`, `bound`, `unbound`, `leaked`)"
        }
        Rule::statement | Rule::good_statement | Rule::rarer_statement => "a statement",
        Rule::scenario | Rule::suite_entry | Rule::good_suite_entry => "`scenario`",
        Rule::kind_entry | Rule::good_kind_entry => {
            "`parent`, `release`, `driver`, `halves`, `handles`, `waits`, `needs`, `selects`, `since` or `c`"
        }
        Rule::c_entry | Rule::good_c_entry => "a section of C",
        Rule::expectation | Rule::without_subject => "an expectation",
        Rule::condition => "`while` or `on`",
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
        | Rule::comment
        | Rule::eol
        | Rule::line_end
        | Rule::nl
        | Rule::letter
        // There are few that could be meant: callbacks of what was named.
        | Rule::dot
        | Rule::doc
        | Rule::file
        | Rule::more_items
        | Rule::bad_item
        | Rule::bad_entry
        | Rule::bad_c_entry
        | Rule::bad_driver_entry
        | Rule::bad_statement
        | Rule::comma_junk
        | Rule::bad_documented
        | Rule::bad_piece
        | Rule::documented
        | Rule::junk
        | Rule::junk_tail
        | Rule::block_junk
        | Rule::plain_junk
        | Rule::comment_junk
        | Rule::line_string_junk
        | Rule::c_text
        | Rule::alone_item
        | Rule::alone_kind_entry
        | Rule::alone_c_entry
        | Rule::alone_driver_entry
        | Rule::alone_suite_entry
        | Rule::alone_statement => return None,
    })
}
