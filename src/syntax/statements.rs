//! Statements and expectations, from the grammar's pairs to the tree.

use pest::iterators::{Pair, Pairs};

use super::ast::{
    Condition, Deviation, DriverEntry, Expectation, Expected, FaultExpected, Member, Name, Outcome,
    Statement, Strand, Subject, Verb,
};
use super::parse::{Rule, TreeBuilder, only};
use crate::codes::Code;
use crate::diagnostic::Diagnostic;
use crate::source::{Span, Spanned};

impl TreeBuilder<'_> {
    pub(super) fn body(&mut self, pair: Pair<'_, Rule>) -> Vec<Spanned<Statement>> {
        let parts = pair.into_inner();
        let mut statements = Vec::with_capacity(parts.len());
        // A frame less than an iterator's: bodies nest.
        for part in parts {
            statements.extend(self.one_of_a_body(part));
        }
        statements
    }

    fn one_of_a_body(&mut self, part: Pair<'_, Rule>) -> Option<Spanned<Statement>> {
        match part.as_rule() {
            Rule::good_statement => {
                let span = self.trimmed(&part);
                let value = self.statement(part)?;
                Some(Spanned { value, span })
            }
            Rule::bad_statement => {
                let span = self.span(&part);
                let value = Statement::Broken(words(part.as_str()));
                self.bad_statement(part);
                Some(Spanned { value, span })
            }
            _ => None,
        }
    }

    fn strands(&mut self, parts: Pairs<'_, Rule>) -> Vec<Strand> {
        let mut strands = Vec::new();
        for part in parts {
            match part.as_rule() {
                Rule::strand => strands.push(self.body(only(part))),
                _ => strands.extend(self.one_of_a_body(part).map(|alone| vec![alone])),
            }
        }
        strands.retain(|strand| !strand.is_empty());
        strands
    }

    /// What a statement is its first word says.
    fn statement(&mut self, pair: Pair<'_, Rule>) -> Option<Statement> {
        let mut parts = pair.into_inner();
        let word = parts.next()?;
        let verb = match word.as_rule() {
            Rule::kw_expect => return Some(Statement::Expect(self.expectations(parts))),
            Rule::kw_finally => return Some(Statement::Finally(self.expectations(parts))),
            Rule::kw_in => return Some(Statement::AnyOrder(self.strands(parts))),
            Rule::kw_device => return self.device(parts),
            Rule::kw_driver => return self.driver(parts),
            Rule::kw_action => return self.action(parts),
            Rule::kw_resource => return self.resource(parts),
            Rule::kw_memory => {
                let mut names = self.names(parts).into_iter();
                let (name, on) = (names.next()?, names.next());
                return Some(Statement::Memory { name, on });
            }
            Rule::kw_group => {
                let mut names = self.names(parts).into_iter();
                let (name, on) = (names.next()?, names.next()?);
                return Some(Statement::Group { name, on });
            }
            Rule::kw_return => {
                let errno = parts.next()?;
                return Some(Statement::Return(self.word(&errno)));
            }
            Rule::kw_bind => Verb::Bind,
            Rule::kw_link => Verb::Link,
            Rule::kw_unlink => Verb::Unlink,
            Rule::kw_open => Verb::Open,
            Rule::kw_settle => Verb::Settle,
            Rule::kw_init => Verb::Init,
            Rule::kw_add => Verb::Add,
            Rule::kw_del => Verb::Del,
            Rule::kw_register => Verb::Register,
            Rule::kw_unregister => Verb::Unregister,
            Rule::kw_get => Verb::Get,
            Rule::kw_put => Verb::Put,
            Rule::kw_attach => Verb::Attach,
            Rule::kw_unbind => Verb::Unbind,
            Rule::kw_close => Verb::Close,
            Rule::kw_remove => Verb::Remove,
            Rule::kw_release => Verb::Release,
            Rule::kw_use => Verb::Use,
            Rule::kw_find => Verb::Find,
            Rule::kw_destroy => Verb::Destroy,
            Rule::kw_realloc => Verb::Realloc,
            Rule::kw_free => Verb::Free,
            _ => return None,
        };
        self.operation(verb, parts)
    }

    fn operation(&mut self, mut verb: Verb, parts: Pairs<'_, Rule>) -> Option<Statement> {
        let mut names = Vec::with_capacity(parts.len().min(2));
        let mut fails = None;
        for part in parts {
            match part.as_rule() {
                Rule::name => names.push(self.name(part)),
                Rule::fails => fails = part.into_inner().last().map(|errno| self.word(&errno)),
                Rule::while_bound => {
                    verb = Verb::LinkWhileBound;
                    let span = self.span(&part);
                    let mut parts = part.into_inner();
                    match parts.find(|part| part.as_rule() == Rule::name) {
                        Some(name) => names.push(self.name(name)),
                        None => self.whose_driver(&names, span),
                    }
                }
                Rule::kw_autoprobe => verb = Verb::LinkAutoprobe,
                Rule::kw_stateless => verb = Verb::LinkStateless,
                _ => {}
            }
        }
        Some(Statement::Op { verb, names, fails })
    }

    /// Without the name of an end, a link could go with the driver of either.
    fn whose_driver(&mut self, ends: &[Name], span: Span) {
        let [consumer, supplier] = ends else { return };
        let help = format!(
            "`while {} bound` if the link goes with the supplier's driver, `while {} bound` if with the \
             consumer's",
            supplier.value, consumer.value
        );
        self.sink.report(
            Diagnostic::new(Code::Syntax, "`while bound` does not say whose driver")
                .label(span, "which end of the link is bound?")
                .help(help),
        );
    }

    fn device(&mut self, parts: Pairs<'_, Rule>) -> Option<Statement> {
        let (mut name, mut kind, mut is_like) = (None, None, false);
        for part in parts {
            match part.as_rule() {
                Rule::name => name = Some(self.name(part)),
                Rule::kw_like => is_like = true,
                Rule::kind_use => kind = self.kind_use(part),
                _ => {}
            }
        }
        Some(Statement::Device {
            name: name?,
            kind: kind?,
            is_like,
        })
    }

    fn driver(&mut self, parts: Pairs<'_, Rule>) -> Option<Statement> {
        let mut names = Vec::new();
        let mut entries = Vec::new();
        for part in parts {
            match part.as_rule() {
                Rule::name => names.push(self.name(part)),
                Rule::driver_entry => {
                    let entry = only(part);
                    if entry.as_rule() == Rule::bad_driver_entry {
                        self.bad(entry, Rule::alone_driver_entry);
                        continue;
                    }
                    let entry = only(entry);
                    let span = self.span(&entry);
                    let value = self.driver_entry(entry);
                    entries.push(Spanned { value, span });
                }
                _ => {}
            }
        }
        let mut names = names.into_iter();
        Some(Statement::Driver {
            name: names.next()?,
            devices: names.collect(),
            entries,
        })
    }

    fn driver_entry(&mut self, entry: Pair<'_, Rule>) -> DriverEntry {
        let is_remove = entry.as_rule() == Rule::on_remove;
        let mut attempt = None;
        let mut body = Vec::new();
        for part in entry.into_inner() {
            match part.as_rule() {
                Rule::number => attempt = self.small(&part, "nothing is probed that often"),
                Rule::body => body = self.body(part),
                _ => {}
            }
        }
        if is_remove {
            DriverEntry::Remove(body)
        } else {
            DriverEntry::Probe { attempt, body }
        }
    }

    fn action(&mut self, parts: Pairs<'_, Rule>) -> Option<Statement> {
        let (mut name, mut on, mut of_object) = (None, None, None);
        let mut body = Vec::new();
        for part in parts {
            match part.as_rule() {
                Rule::name if name.is_none() => name = Some(self.name(part)),
                Rule::name => on = Some(self.name(part)),
                Rule::of_object => of_object = Some(self.trimmed(&part)),
                Rule::body => body = self.body(part),
                _ => {}
            }
        }
        Some(Statement::Action {
            name: name?,
            on: on?,
            of_object,
            body,
        })
    }

    fn resource(&mut self, parts: Pairs<'_, Rule>) -> Option<Statement> {
        let mut names = Vec::new();
        let mut body = Vec::new();
        for part in parts {
            match part.as_rule() {
                Rule::name => names.push(self.name(part)),
                Rule::body => body = self.body(part),
                _ => {}
            }
        }
        let mut names = names.into_iter();
        Some(Statement::Resource {
            name: names.next()?,
            on: names.next()?,
            body,
        })
    }

    fn expectations(&mut self, parts: Pairs<'_, Rule>) -> Vec<Expected> {
        let mut all = Vec::with_capacity(parts.len() / 2 + 1);
        for part in parts {
            if part.as_rule() == Rule::expectation {
                all.extend(self.expectation(part));
            }
        }
        all
    }

    fn expectation(&mut self, pair: Pair<'_, Rule>) -> Option<Expected> {
        let span = self.trimmed(&pair);
        let mut parts = pair.into_inner();
        let first = parts.next()?;
        match first.as_rule() {
            Rule::order => {
                let subjects = first.into_inner();
                let subjects = subjects.filter(|part| part.as_rule() == Rule::subject);
                return Some(Expected::Order(
                    subjects.filter_map(|part| self.subject(part)).collect(),
                ));
            }
            Rule::no_leaks => return Some(Expected::NoLeaks(span)),
            Rule::refs => return self.refs(first),
            Rule::fault => return self.fault(first).map(Expected::Fault),
            _ => {}
        }
        let (subject, outcome) = if first.as_rule() == Rule::warning {
            (None, self.warning(first))
        } else {
            (Some(self.subject(first)?), self.outcome(parts.next()?))
        };
        let deviations = parts.filter_map(|part| self.deviation(part)).collect();
        Some(Expected::Outcome(Expectation {
            subject,
            outcome,
            deviations,
            span,
        }))
    }

    fn subject(&mut self, pair: Pair<'_, Rule>) -> Option<Subject> {
        let span = self.trimmed(&pair);
        let mut parts = pair.into_inner();
        let name = self.name(parts.next()?);
        let member = parts.last().map(|word| match word.as_rule() {
            Rule::kw_probe => Member::Probe,
            _ => Member::Remove,
        });
        Some(Subject { name, member, span })
    }

    fn fault(&mut self, pair: Pair<'_, Rule>) -> Option<FaultExpected> {
        let span = self.trimmed(&pair);
        let mut names = Vec::new();
        let mut without = None;
        let mut condition = None;
        let mut absent = None;
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::name => names.push(part),
                Rule::no_fault => {
                    let (mut fix, mut when) = (None, None);
                    for part in part.into_inner() {
                        match part.as_rule() {
                            Rule::commit => fix = Some(self.word(&part)),
                            Rule::condition => when = Some(self.condition(part)),
                            _ => {}
                        }
                    }
                    absent = fix.map(|fix| (fix, when));
                }
                Rule::fault_when => {
                    for part in part.into_inner() {
                        match part.as_rule() {
                            Rule::commit => without = Some(self.word(&part)),
                            Rule::condition => condition = Some(self.condition(part)),
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        let mut names = names.into_iter();
        Some(FaultExpected {
            // A fault is no name of the scenario's: any word will do.
            fault: self.word(&names.next()?),
            on: self.name(names.next()?),
            without,
            condition,
            absent,
            span,
        })
    }

    fn outcome(&mut self, pair: Pair<'_, Rule>) -> Spanned<Outcome> {
        let span = self.span(&pair);
        let said = only(pair);
        let value = match said.as_rule() {
            Rule::warning => return self.warning(said),
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

    fn warning(&mut self, pair: Pair<'_, Rule>) -> Spanned<Outcome> {
        let span = self.trimmed(&pair);
        let none = pair.into_inner().any(|word| word.as_rule() == Rule::kw_no);
        let value = if none {
            Outcome::NotWarned
        } else {
            Outcome::Warned
        };
        Spanned { value, span }
    }

    fn refs(&mut self, pair: Pair<'_, Rule>) -> Option<Expected> {
        let span = self.trimmed(&pair);
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
        Some(Expected::Refs(name, value, span))
    }

    /// The number of `ran N times`, if it stands there.
    fn times(&mut self, ran: Pair<'_, Rule>) -> Option<u8> {
        let times = ran
            .into_inner()
            .find(|part| part.as_rule() == Rule::times)?;
        let number = only(times);
        self.small(&number, "nothing runs that often in a scenario")
            .map(|number| number.value)
    }

    fn small(&mut self, number: &Pair<'_, Rule>, complaint: &str) -> Option<Spanned<u8>> {
        let span = self.span(number);
        let value = number.as_str().parse().ok();
        if value.is_none() {
            self.sink.report(
                Diagnostic::new(Code::Limit, complaint).label(span, format!("{} at most", u8::MAX)),
            );
        }
        value.map(|value| Spanned { value, span })
    }

    fn deviation(&mut self, pair: Pair<'_, Rule>) -> Option<Deviation> {
        let mut outcome = None;
        let mut fix = None;
        let mut condition = None;
        let mut span = None;
        let parts = pair.into_inner();
        for part in parts.filter(|part| part.as_rule() != Rule::comment) {
            let here = self.span(&part);
            span = Some(span.map_or(here, |span: Span| span.to(here)));
            match part.as_rule() {
                Rule::outcome => outcome = Some(self.outcome(part)),
                Rule::commit => fix = Some(self.word(&part)),
                Rule::condition => condition = Some(self.condition(part)),
                _ => {}
            }
        }
        Some(Deviation {
            outcome: outcome?,
            fix: fix?,
            condition,
            span: span?,
        })
    }

    fn condition(&mut self, pair: Pair<'_, Rule>) -> Condition {
        let mut kinds = Vec::new();
        for part in pair.into_inner() {
            match part.as_rule() {
                rule @ (Rule::kw_bound | Rule::kw_unbound) => {
                    let bound = rule == Rule::kw_bound;
                    return Condition::While(Spanned {
                        value: bound,
                        span: self.span(&part),
                    });
                }
                Rule::kind_use => kinds.extend(self.kind_use(part)),
                _ => {}
            }
        }
        Condition::On(kinds)
    }
}

/// The words of a statement that the grammar could not read.
fn words(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let is_name = |word: &&str| word.starts_with(|c: char| c.is_ascii_lowercase());
    let words = words.filter(|word| is_name(word) && !super::is_keyword(word));
    words.map(str::to_owned).collect()
}
