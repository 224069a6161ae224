//! Statements and expectations, from the grammar's pairs to the tree.

use pest::iterators::Pair;

use super::ast::{
    Condition, Deviation, DriverEntry, Expectation, Expected, FaultExpected, Member, Outcome,
    Statement, Subject, Verb,
};
use super::parse::{Rule, TreeBuilder, only};
use crate::codes::Code;
use crate::diagnostic::Diagnostic;
use crate::source::{Span, Spanned};

impl TreeBuilder<'_> {
    pub(super) fn body(&mut self, pair: Pair<'_, Rule>) -> Vec<Spanned<Statement>> {
        let mut statements = Vec::new();
        for statement in pair
            .into_inner()
            .filter(|part| part.as_rule() == Rule::statement)
        {
            let statement = only(statement);
            if statement.as_rule() == Rule::bad_statement {
                let span = self.span(&statement);
                let value = Statement::Broken(words(statement.as_str()));
                statements.push(Spanned { value, span });
                self.bad_statement(statement);
                continue;
            }
            let statement = only(statement);
            let span = self.trimmed(&statement);
            let value = self.statement(statement);
            statements.extend(value.map(|value| Spanned { value, span }));
        }
        statements
    }

    fn statement(&mut self, pair: Pair<'_, Rule>) -> Option<Statement> {
        let verb = match pair.as_rule() {
            Rule::finally => {
                let expect = pair.into_inner().last()?;
                return Some(Statement::Finally(self.expectations(expect)));
            }
            Rule::expect => return Some(Statement::Expect(self.expectations(pair))),
            Rule::device => return self.device(pair),
            Rule::driver => return self.driver(pair),
            Rule::action => return self.action(pair),
            Rule::resource => return self.resource(pair),
            Rule::memory => {
                let mut names = self.names(pair).into_iter();
                let (name, on) = (names.next()?, names.next());
                return Some(Statement::Memory { name, on });
            }
            Rule::group => {
                let mut names = self.names(pair).into_iter();
                let (name, on) = (names.next()?, names.next()?);
                return Some(Statement::Group { name, on });
            }
            Rule::return_error => {
                let errno = pair.into_inner().last()?;
                return Some(Statement::Return(self.word(&errno)));
            }
            Rule::init => Verb::Init,
            Rule::add => Verb::Add,
            Rule::del => Verb::Del,
            Rule::register => Verb::Register,
            Rule::unregister => Verb::Unregister,
            Rule::get => Verb::Get,
            Rule::put => Verb::Put,
            Rule::attach => Verb::Attach,
            Rule::bind => Verb::Bind,
            Rule::unbind => Verb::Unbind,
            Rule::link => {
                let mut parts = pair.clone().into_inner();
                if parts.any(|part| part.as_rule() == Rule::while_bound) {
                    Verb::LinkWhileBound
                } else {
                    Verb::Link
                }
            }
            Rule::open => Verb::Open,
            Rule::close => Verb::Close,
            Rule::settle => Verb::Settle,
            Rule::remove => Verb::Remove,
            Rule::release => Verb::Release,
            Rule::r#use => Verb::Use,
            Rule::find => Verb::Find,
            Rule::destroy => Verb::Destroy,
            Rule::realloc => Verb::Realloc,
            Rule::free => Verb::Free,
            _ => return None,
        };
        let mut names = Vec::new();
        let mut fails = None;
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::name => names.push(self.name(part)),
                Rule::fails => fails = part.into_inner().last().map(|errno| self.word(&errno)),
                _ => {}
            }
        }
        Some(Statement::Op { verb, names, fails })
    }

    fn device(&mut self, pair: Pair<'_, Rule>) -> Option<Statement> {
        let (mut name, mut kind) = (None, None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::name => name = Some(self.name(part)),
                Rule::kind_use => kind = self.kind_use(part),
                _ => {}
            }
        }
        Some(Statement::Device {
            name: name?,
            kind: kind?,
        })
    }

    fn driver(&mut self, pair: Pair<'_, Rule>) -> Option<Statement> {
        let mut names = Vec::new();
        let mut entries = Vec::new();
        for part in pair.into_inner() {
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
            device: names.next()?,
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

    fn action(&mut self, pair: Pair<'_, Rule>) -> Option<Statement> {
        let mut names = Vec::new();
        let mut of_object = None;
        let mut body = Vec::new();
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::name => names.push(self.name(part)),
                Rule::of_object => of_object = Some(self.trimmed(&part)),
                Rule::body => body = self.body(part),
                _ => {}
            }
        }
        let mut names = names.into_iter();
        Some(Statement::Action {
            name: names.next()?,
            on: names.next()?,
            of_object,
            body,
        })
    }

    fn resource(&mut self, pair: Pair<'_, Rule>) -> Option<Statement> {
        let bodies = pair.clone().into_inner();
        let mut bodies = bodies.filter(|part| part.as_rule() == Rule::body);
        let mut names = self.names(pair).into_iter();
        Some(Statement::Resource {
            name: names.next()?,
            on: names.next()?,
            body: bodies
                .next()
                .map(|body| self.body(body))
                .unwrap_or_default(),
        })
    }

    fn expectations(&mut self, pair: Pair<'_, Rule>) -> Vec<Expected> {
        let all = pair
            .into_inner()
            .filter(|part| part.as_rule() == Rule::expectation);
        all.filter_map(|part| self.expectation(part)).collect()
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
        for part in pair.into_inner() {
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
