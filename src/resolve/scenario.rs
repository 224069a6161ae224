//! One scenario: its devices, drivers, actions and handles, and the operations on them.

use std::collections::BTreeMap;

use super::names::Entity;
use super::{Scope, duplicate};
use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Sink};
use crate::ir;
use crate::sim::{
    ActionId, DeviceId, DeviceSet, DriverId, Errno, GroupId, HandleId, MAX_ACTIONS, MAX_DEVICES,
    MAX_DRIVERS, MAX_GROUPS, MAX_HANDLES, Op, Sort,
};
use crate::source::{Span, Spanned};
use crate::syntax::ast::{self, DriverEntry, Name, Statement};

/// Where a statement stands, and so what it may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Scenario,
    Action,
    Probe,
    Remove,
}

pub(super) struct ScenarioResolver<'s> {
    pub(super) sink: &'s mut Sink,
    pub(super) scope: Scope<'s>,
    pub(super) scenario: ir::Scenario,
    pub(super) names: BTreeMap<String, (Entity, Span)>,
    /// What the scenario declares, wherever: a name may be used too early.
    pub(super) declared: Vec<&'s Name>,
    /// Whether the expectation at hand is one of `finally`.
    pub(super) finally: bool,
    /// Where `no leaks` stands: what it means is known at the end.
    pub(super) no_leaks: Vec<Span>,
    /// Where the statement at hand stands.
    place: Place,
    /// Whether an operation was left out since the last one that was not.
    pub(super) dropped: bool,
}

impl<'s> ScenarioResolver<'s> {
    pub(super) fn new(sink: &'s mut Sink, scope: Scope<'s>, scenario: &'s ast::Scenario) -> Self {
        let dev = "dev".to_owned();
        let span = scenario.name.span;
        ScenarioResolver {
            sink,
            scope,
            finally: false,
            no_leaks: vec![],
            place: Place::Scenario,
            dropped: false,
            declared: scenario
                .body
                .iter()
                .filter_map(|statement| statement.value.declares())
                .collect(),
            names: BTreeMap::from([(dev.clone(), (Entity::Device(ir::DEV), span))]),
            scenario: ir::Scenario {
                doc: scenario.doc.clone(),
                name: scenario.name.value.clone(),
                order: scenario.order.clone(),
                span,
                kinds: scope.uses.to_vec(),
                devices: vec![ir::Device {
                    name: dev,
                    name_span: span,
                    span,
                    kind: None,
                    bound: false,
                    parent: None,
                }],
                drivers: vec![],
                actions: vec![],
                handles: vec![],
                groups: vec![],
                steps: vec![],
                in_bodies: vec![],
                whole: scenario.whole,
                refused: None,
                gives_up_after: None,
            },
        }
    }

    pub(super) fn resolve(mut self, scenario: &ast::Scenario) -> ir::Scenario {
        for statement in &scenario.body {
            match &statement.value {
                Statement::Device {
                    name,
                    kind,
                    is_like,
                } => self.declare_device(name, kind, *is_like),
                Statement::Driver {
                    name,
                    devices,
                    entries,
                } => self.declare_driver(name, devices, entries),
                Statement::Expect(expectations) => {
                    expectations
                        .iter()
                        .for_each(|expected| self.expected(expected));
                }
                Statement::Finally(expectations) => {
                    self.finally = true;
                    expectations
                        .iter()
                        .for_each(|expected| self.expected(expected));
                    self.finally = false;
                }
                _ => match self.op(statement) {
                    Some((op, fails)) => {
                        self.dropped = false;
                        self.step(statement.span, ir::StepKind::Op(op, fails));
                    }
                    None => self.dropped = true,
                },
            }
        }
        for span in std::mem::take(&mut self.no_leaks) {
            self.expand_no_leaks(span);
        }
        self.scenario
    }

    pub(super) fn step(&mut self, span: Span, kind: ir::StepKind) {
        self.scenario.steps.push(ir::Step { span, kind });
    }

    fn declare_device(&mut self, name: &Name, kind: &ast::KindUse, is_like: bool) {
        let id = if is_like {
            let like = self.device(&kind.name);
            like.map(|id| self.scenario.devices[usize::from(id.0)].kind)
        } else {
            self.scope.kind(&kind.name, self.sink).map(Some)
        };
        let parent = kind.parent.as_ref().map(|parent| self.device(parent));
        let index = self.scenario.devices.len();
        // One place is the suite's, and one is kept for what its kind may hang below.
        let most = MAX_DEVICES - 2;
        if !self.is_new(name) || !self.fits(name, index - 1, most, "devices besides `dev`") {
            return;
        }
        if id.is_none() || parent == Some(None) {
            return self.declare(name, Entity::Broken);
        }
        self.declare(name, Entity::Device(DeviceId(index as u8)));
        self.scenario.devices.push(ir::Device {
            name: name.value.clone(),
            name_span: name.span,
            span: kind.span,
            // What is not known was reported, and nothing is done with the unit then.
            kind: id.flatten(),
            bound: kind.bound.is_some(),
            parent: parent.flatten(),
        });
    }

    /// `None` if one of them is none, or stands there twice.
    fn devices_of_driver(&mut self, names: &[Name]) -> Option<DeviceSet> {
        let mut known: Option<DeviceSet> = None;
        let mut is_whole = true;
        for name in names {
            let Some(device) = self.device(name) else {
                is_whole = false;
                continue;
            };
            if known.is_some_and(|devices| devices.contains(device)) {
                let message = format!("it is for `{}` already", name.value);
                self.sink.report(
                    Diagnostic::new(Code::Duplicate, message).label(name.span, "the second time"),
                );
                is_whole = false;
            }
            known = Some(known.map_or(DeviceSet::of(device), |devices| devices.and(device)));
        }
        known.filter(|_| is_whole)
    }

    fn declare_driver(&mut self, name: &Name, devices: &[Name], entries: &[Spanned<DriverEntry>]) {
        let devices = self.devices_of_driver(devices);
        let index = self.scenario.drivers.len();
        // Each device may have one more, which keeps it bound.
        let most = MAX_DRIVERS - MAX_DEVICES;
        if !self.is_new(name) || !self.fits(name, index, most, "drivers") {
            return;
        }
        // Known in its own body.
        self.declare(
            name,
            match devices {
                Some(_) => Entity::Driver(DriverId(index as u8)),
                None => Entity::Broken,
            },
        );
        self.scenario.drivers.push(ir::Driver {
            name: name.value.clone(),
            span: name.span,
            devices: devices.unwrap_or(DeviceSet::of(ir::DEV)),
            probes: vec![],
            remove: vec![],
        });
        let mut said: BTreeMap<(bool, Option<u8>), Span> = BTreeMap::new();
        for entry in entries {
            let (is_probe, attempt) = match &entry.value {
                DriverEntry::Probe { attempt, .. } => (true, attempt.map(|n| n.value)),
                DriverEntry::Remove(_) => (false, None),
            };
            if let Some(first) = said.insert((is_probe, attempt), entry.span) {
                self.sink.report(
                    Diagnostic::new(
                        Code::Duplicate,
                        format!("driver `{}` says the same twice", name.value),
                    )
                    .label(entry.span, "the second time")
                    .label(first, "the first time"),
                );
            }
            match &entry.value {
                DriverEntry::Probe {
                    attempt: Some(zero),
                    ..
                } if zero.value == 0 => self.sink.report(
                    Diagnostic::new(Code::WrongSort, "attempts are counted from 1")
                        .label(zero.span, "there is no attempt 0"),
                ),
                DriverEntry::Probe { body, .. } => {
                    let error = self.probe_error(body);
                    let body = match body.split_last() {
                        Some((last, before)) if matches!(last.value, Statement::Return(_)) => {
                            self.body(before, Place::Probe)
                        }
                        _ => self.body(body, Place::Probe),
                    };
                    self.scenario.drivers[index].probes.push(ir::Probe {
                        attempt,
                        body,
                        error,
                    });
                }
                DriverEntry::Remove(body) => {
                    let body = self.body(body, Place::Remove);
                    self.scenario.drivers[index].remove = body;
                }
            }
        }
    }

    /// The error that stands at the end of a probe.
    fn probe_error(&mut self, body: &[Spanned<Statement>]) -> Option<Errno> {
        match &body.last()?.value {
            Statement::Return(name) => self.errno(name),
            _ => None,
        }
    }

    fn op(&mut self, statement: &Spanned<Statement>) -> Option<(Op, Option<Errno>)> {
        match &statement.value {
            Statement::Op { verb, names, fails } => {
                let error = fails.as_ref().map(|name| self.errno(name));
                let op = self.verb(*verb, names)?;
                match error {
                    Some(error) => Some((op, Some(error?))),
                    None => Some((op, None)),
                }
            }
            Statement::Broken(words) => {
                for word in words {
                    let broken = (Entity::Broken, statement.span);
                    self.names.entry(word.clone()).or_insert(broken);
                }
                None
            }
            Statement::Action {
                name,
                on,
                of_object,
                body,
            } => {
                let sort = match of_object {
                    Some(_) => Sort::OfObject,
                    None => Sort::Action,
                };
                let op = self.action(sort, name, Some(on), body);
                op.map(|op| (op, None))
            }
            Statement::Resource { name, on, body } => {
                let op = self.action(Sort::Resource, name, Some(on), body);
                op.map(|op| (op, None))
            }
            Statement::Memory { name, on } => {
                let sort = match on {
                    Some(_) => Sort::Memory,
                    None => Sort::Unmanaged,
                };
                let op = self.action(sort, name, on.as_ref(), &[]);
                op.map(|op| (op, None))
            }
            Statement::Group { name, on } => self.group(name, on).map(|op| (op, None)),
            Statement::Return(_) => {
                self.sink.report(match self.place {
                    Place::Probe => {
                        Diagnostic::new(Code::WrongSort, "statements follow a `return`")
                            .label(statement.span, "the probe would end here")
                            .help("`return` is the last statement of a probe")
                    }
                    _ => Diagnostic::new(Code::WrongSort, "nothing is returned here")
                        .label(statement.span, "only a probe returns something")
                        .help("`driver NAME for NAME { probe { return ENODEV } }`"),
                });
                None
            }
            Statement::Device { .. } | Statement::Driver { .. } => {
                self.not_here(
                    statement.span,
                    "declare anything",
                    "declare it in the scenario",
                );
                None
            }
            Statement::AnyOrder(_) => {
                self.not_here(
                    statement.span,
                    "leave an order open",
                    "write an action for each order, or leave the order of what calls them open",
                );
                None
            }
            Statement::Expect(_) | Statement::Finally(_) => {
                self.not_here(
                    statement.span,
                    "expect anything",
                    "expect it in the scenario, after the operation that calls this",
                );
                None
            }
        }
    }

    fn not_here(&mut self, span: Span, what: &str, help: &str) {
        let (who, place) = match self.place {
            Place::Scenario => return,
            Place::Action => ("an action", "inside of an action"),
            Place::Probe => ("a driver", "inside of its probe"),
            Place::Remove => ("a driver", "inside of its remove"),
        };
        self.sink.report(
            Diagnostic::new(Code::WrongSort, format!("{who} cannot {what}"))
                .label(span, place)
                .help(help),
        );
    }

    /// The handle of that name on that device: a new one, unless it was closed before.
    pub(super) fn handle_of(&mut self, name: &Name, device: DeviceId) -> Option<HandleId> {
        if let Some(&(Entity::Handle(id), first)) = self.names.get(&name.value) {
            if self.scenario.handles[usize::from(id.0)].device == device {
                return Some(id);
            }
            duplicate(self.sink, "handle", name, first);
            return None;
        }
        let index = self.scenario.handles.len();
        if !self.is_new(name) || !self.fits(name, index, MAX_HANDLES, "handles") {
            return None;
        }
        let id = HandleId(index as u8);
        self.declare(name, Entity::Handle(id));
        self.scenario.handles.push(ir::Handle {
            name: name.value.clone(),
            device,
        });
        Some(id)
    }

    fn errno(&mut self, name: &Name) -> Option<Errno> {
        let found = Errno::from_name(&name.value);
        if found.is_none() {
            let text = &name.value;
            self.sink.report(
                Diagnostic::new(Code::UnknownName, format!("no error is known as `{text}`"))
                    .label(name.span, "unknown error")
                    .suggest(text, Errno::NAMES.map(|(name, _)| name)),
            );
        }
        found
    }

    /// The statements of a body. Nobody is there to look at what they return, so that
    /// they must not fail.
    fn body(&mut self, body: &[Spanned<Statement>], place: Place) -> Vec<Op> {
        let before = std::mem::replace(&mut self.place, place);
        let ops = body
            .iter()
            .filter_map(|statement| self.body_op(statement))
            .collect();
        self.place = before;
        ops
    }

    fn body_op(&mut self, statement: &Spanned<Statement>) -> Option<Op> {
        let (op, fails) = self.op(statement)?;
        if fails.is_some() {
            self.not_here(
                statement.span,
                "say what fails",
                "in a callback nothing may fail: do it in the scenario, or leave `fails` out",
            );
            return None;
        }
        if op == Op::Settle {
            self.not_here(
                statement.span,
                "wait for queued work",
                "the work may wait for this very callback; settle in the scenario",
            );
            return None;
        }
        self.scenario.in_bodies.push((op, statement.span));
        Some(op)
    }

    /// An action or one of its like, and what puts it where it belongs.
    fn action(
        &mut self,
        sort: Sort,
        name: &Name,
        on: Option<&Name>,
        body: &[Spanned<Statement>],
    ) -> Option<Op> {
        // What is on no list is on no device either.
        let on = match on {
            Some(on) => self.device(on),
            None => Some(ir::DEV),
        };
        if let Some(known) = self.known_memory(sort, name, on) {
            return known.map(Op::AddAction);
        }
        let index = self.scenario.actions.len();
        if !self.is_new(name) || !self.fits(name, index, MAX_ACTIONS, "actions") {
            self.body(body, Place::Action);
            return None;
        }
        // Known from here on, even if its own declaration has an error, and in its own body.
        let id = ActionId(index as u8);
        self.declare(
            name,
            match sort {
                Sort::Action | Sort::OfObject => Entity::Action(id),
                Sort::Resource => Entity::Resource(id),
                Sort::Memory | Sort::Unmanaged => Entity::Memory(id),
            },
        );
        self.scenario.actions.push(ir::Action {
            name: name.value.clone(),
            span: name.span,
            on: on.unwrap_or(ir::DEV),
            sort,
            body: vec![],
        });
        let body = self.body(body, Place::Action);
        self.scenario.actions[index].body = body;
        on.map(|_| Op::AddAction(id))
    }

    /// Memory of that name in the same place, which may be allocated anew once it is gone.
    fn known_memory(
        &mut self,
        sort: Sort,
        name: &Name,
        on: Option<DeviceId>,
    ) -> Option<Option<ActionId>> {
        let Some(&(Entity::Memory(id), first)) = self.names.get(&name.value) else {
            return None;
        };
        let known = &self.scenario.actions[usize::from(id.0)];
        if Some(known.on) == on && known.sort == sort {
            return Some(Some(id));
        }
        duplicate(self.sink, "memory", name, first);
        Some(None)
    }

    /// The group of that name on that device: a new one, unless it was there before.
    fn group(&mut self, name: &Name, on: &Name) -> Option<Op> {
        let Some(on) = self.device(on) else {
            self.names
                .entry(name.value.clone())
                .or_insert((Entity::Broken, name.span));
            return None;
        };
        if let Some(&(Entity::Group(id), first)) = self.names.get(&name.value) {
            if self.scenario.groups[usize::from(id.0)].on == on {
                return Some(Op::OpenGroup(id));
            }
            duplicate(self.sink, "group", name, first);
            return None;
        }
        let index = self.scenario.groups.len();
        if !self.is_new(name) || !self.fits(name, index, MAX_GROUPS, "groups") {
            return None;
        }
        let id = GroupId(index as u8);
        self.declare(name, Entity::Group(id));
        self.scenario.groups.push(ir::Group {
            name: name.value.clone(),
            on,
        });
        Some(Op::OpenGroup(id))
    }
}
