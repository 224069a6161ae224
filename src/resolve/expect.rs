//! What a scenario expects: of whom, and on which kernels.

use super::names::Entity;
use super::scenario::ScenarioResolver;
use crate::codes::Code;
use crate::diagnostic::Diagnostic;
use crate::ir;
use crate::sim::{ActionId, Callback, Claim, DeviceId, Fault, Fix, Op, Sort};
use crate::source::{Span, Spanned};
use crate::syntax::ast::{self, Expected, Member, Name, Outcome, Subject};

/// What an expectation can be about.
#[derive(Clone, Copy)]
enum Topic {
    Device(DeviceId),
    Callback(Callback),
    /// The kernel as a whole.
    Kernel,
}

impl ScenarioResolver<'_> {
    fn expect(&mut self, span: Span, expectation: ir::Expectation) {
        let kind = if self.finally {
            ir::StepKind::Finally
        } else {
            ir::StepKind::Expect
        };
        self.step(span, kind(expectation));
    }

    /// An expectation that holds on every kernel.
    fn claimed(&mut self, span: Span, claim: Claim) {
        self.expect(
            span,
            ir::Expectation {
                claim,
                deviations: vec![],
                negated: false,
            },
        );
    }

    pub(super) fn expected(&mut self, expected: &Expected) {
        match expected {
            Expected::Outcome(expectation) => {
                if let Some(resolved) = self.expectation(expectation) {
                    self.expect(expectation.span, resolved);
                }
            }
            Expected::NoLeaks(span) if self.finally => self.no_leaks.push(*span),
            Expected::NoLeaks(span) => self.too_early(*span, "`no leaks`"),
            Expected::Refs(name, more, span) => {
                if let Some(device) = self.device(name) {
                    self.claimed(*span, Claim::Refs(device, *more));
                }
            }
            // Each pair is an expectation of its own: one may fail and another not.
            Expected::Order(subjects) => {
                let topics: Vec<_> = subjects
                    .iter()
                    .map(|subject| self.callback(subject))
                    .collect();
                for (topics, subjects) in topics.windows(2).zip(subjects.windows(2)) {
                    if let (&[Some(first), Some(second)], [from, to]) = (topics, subjects) {
                        self.before(first, second, from.span.to(to.span), &from.text());
                    }
                }
            }
            Expected::Fault(fault) => self.fault(fault),
        }
    }

    /// Every device that came to be is released, every action ran as often as it was added, and
    /// memory on no list is freed, each on its own. An action that is taken off its list is the
    /// scenario's affair.
    pub(super) fn expand_no_leaks(&mut self, span: Span) {
        self.finally = true;
        let ops: Vec<Op> = self.scenario.operations().collect();
        let bodies: Vec<Op> = self.scenario.bodies().collect();
        for device in (0..self.scenario.devices.len()).map(|id| DeviceId(id as u8)) {
            let made = |ops: &[Op]| {
                [Op::Register(device), Op::Init(device)]
                    .iter()
                    .any(|op| ops.contains(op))
            };
            if made(&bodies) {
                // Which may never have run.
                self.claimed(span, Claim::Gone(device));
            } else if made(&ops) {
                self.claimed(span, Claim::Freed(device));
            }
        }
        for action in (0..self.scenario.actions.len()).map(|id| ActionId(id as u8)) {
            let taken_off = [Op::RemoveAction(action), Op::DestroyResource(action)];
            let taken_off = taken_off.iter().any(|op| ops.contains(op));
            // A body may add it any number of times, and to get it may be to add it.
            let again = [Op::AddAction(action), Op::GetResource(action)];
            let again = again.iter().any(|op| bodies.contains(op));
            let again = again || ops.contains(&Op::GetResource(action));
            let claim = match self.scenario.actions[usize::from(action.0)].sort {
                Sort::Memory => continue,
                Sort::Unmanaged => Claim::GivenUp(action),
                Sort::Resource if ops.contains(&Op::RemoveAction(action)) => Claim::GivenUp(action),
                _ if taken_off => continue,
                Sort::Action | Sort::Resource if again => Claim::RanAsAdded(action),
                Sort::Action | Sort::Resource | Sort::OfObject => Claim::ran(action),
            };
            self.claimed(span, claim);
        }
        self.finally = false;
    }

    fn too_early(&mut self, span: Span, what: &str) {
        self.sink.report(
            Diagnostic::new(Code::WrongSort, format!("{what} is not known before the end"))
                .label(span, "what is still held may yet be given up")
                .help("say `finally expect ...`: it is judged when the scenario has given up what it owns"),
        );
    }

    fn before(&mut self, first: Callback, second: Callback, span: Span, name: &str) {
        if first == second {
            self.sink.report(
                Diagnostic::new(
                    Code::WrongSort,
                    format!("`{name}` cannot run before itself"),
                )
                .label(span, "twice the same"),
            );
            return;
        }
        self.claimed(span, Claim::Before(first, second));
    }

    fn callback(&mut self, subject: &Subject) -> Option<Callback> {
        match self.topic(subject)? {
            Topic::Callback(callback) => Some(callback),
            Topic::Device(_) | Topic::Kernel => {
                let name = &subject.name.value;
                self.sink.report(
                    Diagnostic::new(Code::WrongSort, format!("`{name}` is a device"))
                        .label(subject.span, "something that runs is wanted here")
                        .help(format!(
                            "an action, `{name}.probe` or `{name}.remove` can run"
                        )),
                );
                None
            }
        }
    }

    fn topic(&mut self, subject: &Subject) -> Option<Topic> {
        let (entity, name) = self.entity(&subject.name)?;
        let topic = match (entity, subject.member) {
            (Entity::Device(id), None) => Topic::Device(id),
            (Entity::Device(id), Some(Member::Probe)) => Topic::Callback(Callback::ProbeOf(id)),
            (Entity::Device(id), Some(Member::Remove)) => Topic::Callback(Callback::RemoveOf(id)),
            (Entity::Driver(id), Some(Member::Probe)) => Topic::Callback(Callback::Probe(id)),
            (Entity::Driver(id), Some(Member::Remove)) => Topic::Callback(Callback::Remove(id)),
            (Entity::Action(id) | Entity::Resource(id), None) => {
                Topic::Callback(Callback::Action(id))
            }
            (Entity::Memory(_), None) => {
                let text = &name.value;
                self.sink.report(
                    Diagnostic::new(Code::WrongSort, format!("`{text}` is memory"))
                        .label(subject.span, "nobody can see whether it is still there")
                        .help(format!(
                            "`use {text}`, and `expect fault use_after_free on {text}` behind it where it is gone"
                        )),
                );
                return None;
            }
            (Entity::Driver(_), None) => {
                let text = &name.value;
                self.sink.report(
                    Diagnostic::new(Code::WrongSort, format!("`{text}` is a driver"))
                        .label(subject.span, "nothing is known of a driver itself")
                        .help(format!("say `{text}.probe` or `{text}.remove`")),
                );
                return None;
            }
            (Entity::Action(_) | Entity::Resource(_) | Entity::Memory(_), Some(_)) => {
                let (text, whole) = (&name.value, subject.text());
                self.sink.report(
                    Diagnostic::new(Code::WrongSort, format!("there is no `{whole}`"))
                        .label(subject.span, "only drivers and devices have callbacks")
                        .help(match entity {
                            Entity::Memory(_) => format!("`{text}` is memory, which does nothing"),
                            _ => format!("`{text}` is {}: say `{text} ran`", entity.sort()),
                        }),
                );
                return None;
            }
            (other @ (Entity::Handle(_) | Entity::Group(_) | Entity::Broken), _) => {
                self.wrong_sort(
                    name,
                    other,
                    "a device, a callback or an action is wanted here",
                );
                return None;
            }
        };
        Some(topic)
    }

    fn expectation(&mut self, expectation: &ast::Expectation) -> Option<ir::Expectation> {
        let topic = match &expectation.subject {
            Some(subject) => self.topic(subject)?,
            None => Topic::Kernel,
        };
        let claim = self.claim(expectation, topic, expectation.outcome)?;
        let mut deviations = Vec::new();
        for deviation in &expectation.deviations {
            let fix = self.fix(&deviation.fix);
            let claim = self.claim(expectation, topic, deviation.outcome);
            let condition = self.condition(deviation.condition.as_ref());
            if let (Some(fix), Some(claim), Some(condition)) = (fix, claim, condition) {
                let span = deviation.span;
                deviations.push(ir::Deviation {
                    claim,
                    fix,
                    condition,
                    span,
                });
            }
        }
        Some(ir::Expectation {
            claim,
            deviations,
            negated: false,
        })
    }

    fn claim(
        &mut self,
        expectation: &ast::Expectation,
        topic: Topic,
        outcome: Spanned<Outcome>,
    ) -> Option<Claim> {
        let claim = match (topic, outcome.value) {
            (_, Outcome::Leaked) if !self.finally => {
                self.too_early(outcome.span, "`leaked`");
                return None;
            }
            (Topic::Callback(callback), Outcome::Ran) => Claim::Ran(callback),
            (Topic::Callback(callback), Outcome::RanTimes(times)) => {
                Claim::RanTimes(callback, times)
            }
            (Topic::Callback(callback), Outcome::NotRun) => Claim::NotRun(callback),
            (Topic::Callback(callback @ Callback::Action(_)), Outcome::Leaked) => {
                Claim::NotRun(callback)
            }
            (Topic::Device(id), Outcome::Freed) => Claim::Freed(id),
            (Topic::Device(id), Outcome::Alive | Outcome::Leaked) => Claim::Alive(id),
            (Topic::Device(id), Outcome::Bound) => Claim::Bound(id),
            (Topic::Device(id), Outcome::Unbound) => Claim::Unbound(id),
            (Topic::Kernel, Outcome::Warned) => Claim::Warned,
            (Topic::Kernel, Outcome::NotWarned) => Claim::NotWarned,
            (Topic::Kernel, _) => {
                self.sink.report(
                    Diagnostic::new(Code::WrongSort, "a warning is there or not")
                        .label(outcome.span, "`warning` or `no warning` is wanted here"),
                );
                return None;
            }
            (Topic::Device(_) | Topic::Callback(_), _) => {
                let ran = "`ran`, `ran N times` or `not run`";
                let (can, sort) = match topic {
                    Topic::Device(_) => ("`freed`, `alive`, `bound` or `unbound`", "a device"),
                    Topic::Callback(Callback::Action(id)) => {
                        let sort = self.scenario.actions[usize::from(id.0)].sort;
                        let is_resource = sort == Sort::Resource;
                        (
                            ran,
                            if is_resource {
                                "a resource"
                            } else {
                                "an action"
                            },
                        )
                    }
                    Topic::Callback(_) | Topic::Kernel => (ran, "a callback"),
                };
                if let Some(subject) = &expectation.subject {
                    let name = subject.text();
                    self.sink.report(
                        Diagnostic::new(Code::WrongSort, format!("`{name}` is {sort}"))
                            .label(outcome.span, format!("{sort} is {can}"))
                            .label(subject.span, format!("this is {sort}")),
                    );
                }
                return None;
            }
        };
        Some(claim)
    }

    fn condition(&mut self, condition: Option<&ast::Condition>) -> Option<ir::Condition> {
        let kinds = match condition {
            None => return Some(ir::Condition::Always),
            Some(ast::Condition::While(bound)) => {
                let condition = ir::Condition::Bound(bound.value);
                let meets = |used| condition.applies(used);
                if !self.scope.uses.is_empty() && !self.scope.uses.iter().any(meets) {
                    let word = if bound.value { "bound" } else { "unbound" };
                    self.says_nothing(
                        &format!("the suite runs on no kind that is {word}"),
                        bound.span,
                    );
                    return None;
                }
                return Some(condition);
            }
            Some(ast::Condition::On(kinds)) => kinds,
        };
        let mut resolved = Vec::new();
        for kind in kinds {
            let used = self.scope.kind_use(kind, self.sink)?;
            if !self.scope.uses.iter().any(|known| known.is(&used)) {
                self.says_nothing("the suite does not run on this kind", kind.span);
                return None;
            }
            resolved.push(used);
        }
        Some(ir::Condition::On(resolved))
    }

    /// A condition that no kind of the suite meets.
    fn says_nothing(&mut self, why: &str, span: Span) {
        let mut diagnostic =
            Diagnostic::new(Code::UnknownKind, why).label(span, "so this says nothing");
        if let Some(first) = self.scope.uses.first() {
            diagnostic = diagnostic.label(first.span, "it runs on these");
        }
        self.sink.report(diagnostic);
    }

    fn fault(&mut self, expected: &ast::FaultExpected) {
        let Some((entity, on)) = self.entity(&expected.on) else {
            return;
        };
        let name = &expected.fault.value;
        let known: Vec<Fault> = match entity {
            Entity::Device(id) => Fault::on_device(id).collect(),
            Entity::Driver(id) => Fault::on_driver(id).collect(),
            Entity::Resource(id) | Entity::Memory(id) => Fault::on_memory(id).collect(),
            other => {
                let wanted = "a device, a driver, memory or a resource is wanted here";
                return self.wrong_sort(on, other, wanted);
            }
        };
        let fault = known.iter().copied();
        let Some(fault) = fault.clone().find(|fault| fault.name() == Some(name)) else {
            return self.sink.report(
                Diagnostic::new(Code::UnknownName, format!("no fault is known as `{name}`"))
                    .label(expected.fault.span, "unknown fault")
                    .suggest(name, fault.filter_map(Fault::name)),
            );
        };
        if self.finally {
            return self.sink.report(
                Diagnostic::new(Code::WrongSort, "a fault is expected where it happens")
                    .label(
                        expected.span,
                        "after everything, nothing goes wrong any more",
                    )
                    .help("say `expect fault ...` right after the operation that runs into it"),
            );
        }
        let follows_an_operation = matches!(
            self.scenario.steps.last(),
            Some(ir::Step {
                kind: ir::StepKind::Op(..) | ir::StepKind::Fault(_),
                ..
            })
        );
        if self.dropped {
            return;
        }
        if !follows_an_operation {
            return self.sink.report(
                Diagnostic::new(Code::WrongSort, "a fault is expected where it happens")
                    .label(expected.span, "the statement before is no operation")
                    .help("say `expect fault ...` right after the operation that runs into it"),
            );
        }
        let without = match &expected.without {
            Some(name) => match self.fix(name) {
                Some(fix) => Some(fix),
                None => return,
            },
            None => None,
        };
        let absent = match &expected.absent {
            Some((name, when)) => match (self.fix(name), self.condition(when.as_ref())) {
                (Some(fix), Some(condition)) => Some((fix, condition)),
                _ => return,
            },
            None => None,
        };
        if let Some(condition) = self.condition(expected.condition.as_ref()) {
            self.step(
                expected.span,
                ir::StepKind::Fault(ir::FaultExpectation {
                    fault,
                    without,
                    condition,
                    absent,
                }),
            );
        }
    }

    fn fix(&mut self, name: &Name) -> Option<Fix> {
        let found = Fix::from_commit(&name.value);
        if found.is_none() {
            let text = &name.value;
            let unknown = Diagnostic::new(Code::UnknownFix, format!("no fix is known as `{text}`"))
                .label(name.span, "unknown fix");
            self.sink.report(match Fix::from_digits(text) {
                Some(fix) => unknown.help(format!("`{fix}`: the first 12 digits of its commit")),
                None => unknown.suggest(text, Fix::ALL.map(Fix::commit)),
            });
        }
        found
    }
}
