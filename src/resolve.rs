//! From tree to IR: every name is looked up, once.
//!
//! A name that is not known is reported where it stands, and the statement around
//! it is left out; nothing that only follows from it is reported later.

use std::collections::BTreeMap;

use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Sink};
use crate::ir;
use crate::sim::{ActionId, Claim, DeviceId, Errno, Fix, MAX_ACTIONS, Op};
use crate::source::{Sources, Span, Spanned};
use crate::syntax::ast::{self, Expected, Name, Outcome, Statement};

/// Resolves the files of one run. `library` is the file behind `use kinds`.
pub fn resolve(
    sources: Sources,
    library: &ast::File,
    files: &[ast::File],
    sink: &mut Sink,
) -> ir::Unit {
    let unit = ir::Unit {
        sources,
        ..ir::Unit::default()
    };
    let mut resolver = Resolver {
        sink,
        unit,
        kinds: BTreeMap::new(),
    };
    for kind in &library.kinds {
        resolver.kind(kind);
    }
    let standard = resolver.kinds.clone();
    for file in files {
        resolver.file(file, &standard);
    }
    let mut unit = resolver.unit;
    unit.suites.sort_by(|a, b| a.name.cmp(&b.name));
    unit
}

type Kinds = BTreeMap<String, ir::KindId>;

struct Resolver<'s> {
    sink: &'s mut Sink,
    unit: ir::Unit,
    /// The kinds that the file at hand can see.
    kinds: Kinds,
}

impl Resolver<'_> {
    fn file(&mut self, file: &ast::File, standard: &Kinds) {
        self.kinds = Kinds::new();
        for library in &file.uses {
            if library.value == "kinds" {
                self.kinds.extend(standard.clone());
                continue;
            }
            let name = &library.value;
            self.sink.report(
                Diagnostic::new(
                    Code::UnknownLibrary,
                    format!("there is no library `{name}`"),
                )
                .label(library.span, "unknown library")
                .suggest(name, ["kinds"]),
            );
        }
        file.kinds.iter().for_each(|kind| self.kind(kind));
        file.suites
            .iter()
            .for_each(|suite| self.suite(file, suite, standard));
    }

    fn kind(&mut self, kind: &ast::Kind) {
        let name = &kind.name.value;
        if let Some(&first) = self.kinds.get(name) {
            let first = self.unit.kind(first).span;
            return self.duplicate("kind", &kind.name, first);
        }
        let mut resolved = ir::Kind {
            doc: kind.doc.clone(),
            name: name.clone(),
            span: kind.name.span,
            on_bus: kind.on_bus,
            has_parent: false,
            release: ast::Release::Wrapped,
            c: None,
        };
        let mut said: BTreeMap<&str, Span> = BTreeMap::new();
        for entry in &kind.entries {
            let word = match &entry.value {
                ast::KindEntry::Parent(_) => "parent",
                ast::KindEntry::Release(_) => "release",
                ast::KindEntry::C(_) => "c",
            };
            if let Some(first) = said.insert(word, entry.span) {
                self.sink.report(
                    Diagnostic::new(
                        Code::KindSection,
                        format!("kind `{name}` says `{word}` twice"),
                    )
                    .label(entry.span, "the second time")
                    .label(first, "the first time"),
                );
            }
            match &entry.value {
                ast::KindEntry::Parent(_) => resolved.has_parent = true,
                ast::KindEntry::Release(release) => resolved.release = *release,
                ast::KindEntry::C(sections) => resolved.c = Some(self.c_sections(name, sections)),
            }
        }
        self.kinds
            .insert(name.clone(), ir::KindId(self.unit.kinds.len()));
        self.unit.kinds.push(resolved);
    }

    fn c_sections(&mut self, kind: &str, sections: &[ast::CSection]) -> ir::KindC {
        let mut c = ir::KindC::default();
        for section in sections {
            let word = &section.key.value;
            let Some(key) = ir::CKey::ALL.into_iter().find(|key| key.as_str() == word) else {
                self.sink.report(
                    Diagnostic::new(
                        Code::KindSection,
                        format!("there is no section `{word}` of C"),
                    )
                    .label(section.key.span, "unknown section")
                    .suggest(word, ir::CKey::ALL.map(ir::CKey::as_str)),
                );
                continue;
            };
            let lines = c.sections.entry(key).or_default();
            if !lines.is_empty() && key != ir::CKey::Include {
                self.sink.report(
                    Diagnostic::new(
                        Code::KindSection,
                        format!("kind `{kind}` has two sections `{word}`"),
                    )
                    .label(section.key.span, "the second")
                    .help("a section goes on as long as lines begin with `|`"),
                );
            }
            lines.extend(section.lines.iter().cloned());
        }
        c
    }

    fn suite(&mut self, file: &ast::File, suite: &ast::Suite, standard: &Kinds) {
        let name = &suite.name;
        if let Some(first) = self
            .unit
            .suites
            .iter()
            .find(|known| known.name == name.value)
        {
            let first = first.span;
            return self.duplicate("suite", name, first);
        }
        let mut resolved = ir::Suite {
            source: file.source,
            doc: suite.doc.clone(),
            name: name.value.clone(),
            span: name.span,
            kinds: vec![],
            scenarios: vec![],
        };
        for kind in &suite.kinds {
            self.kind_use(kind, &mut resolved.kinds, standard);
        }
        for scenario in &suite.scenarios {
            let known = resolved
                .scenarios
                .iter()
                .find(|known| known.name == scenario.name.value);
            if let Some(first) = known {
                let first = first.span;
                self.duplicate("scenario", &scenario.name, first);
                continue;
            }
            resolved
                .scenarios
                .push(ScenarioResolver::new(self.sink, scenario).resolve(scenario));
        }
        self.unit.suites.push(resolved);
    }

    fn kind_use(&mut self, used: &ast::KindUse, uses: &mut Vec<ir::KindUse>, standard: &Kinds) {
        let name = &used.name.value;
        let Some(&kind) = self.kinds.get(name) else {
            let diagnostic =
                Diagnostic::new(Code::UnknownKind, format!("there is no kind `{name}`"))
                    .label(used.name.span, "unknown kind");
            self.sink.report(if standard.contains_key(name) {
                diagnostic.help("it is a standard kind: say `use kinds` at the top of the file")
            } else {
                diagnostic.suggest(name, self.kinds.keys().map(String::as_str))
            });
            return;
        };
        let span = used
            .bound
            .map_or(used.name.span, |bound| used.name.span.to(bound));
        let new = ir::KindUse {
            kind,
            bound: used.bound.is_some(),
            span,
        };
        match uses
            .iter()
            .find(|known| known.kind == new.kind && known.bound == new.bound)
        {
            Some(first) => self.sink.report(
                Diagnostic::new(
                    Code::Duplicate,
                    format!("the suite names kind `{name}` twice"),
                )
                .label(span, "the second time")
                .label(first.span, "the first time"),
            ),
            None => uses.push(new),
        }
    }

    fn duplicate(&mut self, sort: &str, name: &Name, first: Span) {
        duplicate(self.sink, sort, name, first);
    }
}

fn duplicate(sink: &mut Sink, sort: &str, name: &Name, first: Span) {
    sink.report(
        Diagnostic::new(
            Code::Duplicate,
            format!("{sort} `{}` is declared twice", name.value),
        )
        .label(name.span, "the second declaration")
        .label(first, "the first declaration"),
    );
}

/// What a name of a scenario stands for.
#[derive(Clone, Copy)]
enum Entity {
    Device(DeviceId),
    Action(ActionId),
}

impl Entity {
    fn sort(self) -> &'static str {
        match self {
            Entity::Device(_) => "a device",
            Entity::Action(_) => "an action",
        }
    }
}

struct ScenarioResolver<'s> {
    sink: &'s mut Sink,
    scenario: ir::Scenario,
    names: BTreeMap<String, Entity>,
    /// Whether the expectation at hand is one of `finally`.
    finally: bool,
}

impl<'s> ScenarioResolver<'s> {
    fn new(sink: &'s mut Sink, scenario: &ast::Scenario) -> Self {
        let dev = "dev".to_owned();
        ScenarioResolver {
            sink,
            finally: false,
            names: BTreeMap::from([(dev.clone(), Entity::Device(ir::DEV))]),
            scenario: ir::Scenario {
                doc: scenario.doc.clone(),
                name: scenario.name.value.clone(),
                span: scenario.name.span,
                devices: vec![ir::Device { name: dev }],
                actions: vec![],
                steps: vec![],
            },
        }
    }

    fn resolve(mut self, scenario: &ast::Scenario) -> ir::Scenario {
        for statement in &scenario.body {
            if let Statement::Expect(expectations) = &statement.value {
                expectations
                    .iter()
                    .for_each(|expected| self.expected(expected));
            } else if let Statement::Finally(expectations) = &statement.value {
                self.finally = true;
                expectations
                    .iter()
                    .for_each(|expected| self.expected(expected));
                self.finally = false;
            } else if let Some(op) = self.op(statement) {
                let fails = self.fails(&statement.value);
                self.step(statement.span, ir::StepKind::Op(op, fails));
            }
        }
        self.scenario
    }

    fn step(&mut self, span: Span, kind: ir::StepKind) {
        self.scenario.steps.push(ir::Step { span, kind });
    }

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

    fn expected(&mut self, expected: &Expected) {
        match expected {
            Expected::Outcome(expectation) => {
                if let Some(resolved) = self.expectation(expectation) {
                    self.expect(expectation.span, resolved);
                }
            }
            // Every device released and every action run exactly once, each on its own.
            Expected::NoLeaks(span) if self.finally => {
                for device in 0..self.scenario.devices.len() {
                    self.claimed(*span, Claim::Freed(DeviceId(device as u8)));
                }
                for action in 0..self.scenario.actions.len() {
                    self.claimed(*span, Claim::Ran(ActionId(action as u8)));
                }
            }
            Expected::NoLeaks(span) => self.too_early(*span, "`no leaks`"),
            Expected::Refs(name, more) => {
                if let Some(device) = self.device(name) {
                    self.claimed(name.span, Claim::Refs(device, *more));
                }
            }
            // Each pair is an expectation of its own: one may fail and another not.
            Expected::Order(names) => {
                let ids: Vec<_> = names.iter().map(|name| self.action_id(name)).collect();
                for (ids, names) in ids.windows(2).zip(names.windows(2)) {
                    if let (&[Some(first), Some(second)], [from, to]) = (ids, names) {
                        self.before(first, second, from.span.to(to.span));
                    }
                }
            }
        }
    }

    fn too_early(&mut self, span: Span, what: &str) {
        self.sink.report(
            Diagnostic::new(Code::WrongSort, format!("{what} is not known before the end"))
                .label(span, "what is still held may yet be given up")
                .help("say `finally expect ...`: it is judged when the scenario has given up what it owns"),
        );
    }

    fn before(&mut self, first: ActionId, second: ActionId, span: Span) {
        if first == second {
            let name = &self.scenario.actions[usize::from(first.0)].name;
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

    fn action_id(&mut self, name: &Name) -> Option<ActionId> {
        match self.entity(name)? {
            Entity::Action(id) => Some(id),
            other => {
                self.wrong_sort(name, other, "an action is wanted here");
                None
            }
        }
    }

    fn op(&mut self, statement: &Spanned<Statement>) -> Option<Op> {
        match &statement.value {
            Statement::Register(name) => self.device(name).map(Op::Register),
            Statement::Unregister(name) => self.device(name).map(Op::Unregister),
            Statement::Get(name) => self.device(name).map(Op::Get),
            Statement::Put(name) => self.device(name).map(Op::Put),
            Statement::Attach(name, _) => self.device(name).map(Op::Attach),
            Statement::Unbind(name) => self.device(name).map(Op::Unbind),
            Statement::Action { name, on, body } => self.action(name, on, body),
            Statement::Expect(_) | Statement::Finally(_) => {
                self.sink.report(
                    Diagnostic::new(Code::WrongSort, "an action cannot expect anything")
                        .label(statement.span, "inside of an action")
                        .help(
                            "expect it in the scenario, after the operation that runs the action",
                        ),
                );
                None
            }
        }
    }

    /// The error that an operation has to return.
    fn fails(&mut self, statement: &Statement) -> Option<Errno> {
        let Statement::Attach(_, Some(name)) = statement else {
            return None;
        };
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

    /// A statement of an action's body. It runs in whatever context the driver core is
    /// in: with the device's lock held, say, so nothing can be bound or unbound there.
    fn body_op(&mut self, statement: &Spanned<Statement>) -> Option<Op> {
        let what = match statement.value {
            Statement::Register(_) => "register a device",
            Statement::Attach(..) => "attach a device",
            Statement::Unbind(_) => "unbind a device",
            _ => return self.op(statement),
        };
        self.sink.report(
            Diagnostic::new(Code::Inability, format!("an action cannot {what}"))
                .label(statement.span, "inside of an action")
                .help("do it in the scenario"),
        );
        None
    }

    fn action(&mut self, name: &Name, on: &Name, body: &[Spanned<Statement>]) -> Option<Op> {
        let on = self.device(on);
        if let Some(Entity::Device(_)) = self.names.get(&name.value) {
            self.sink.report(
                Diagnostic::new(
                    Code::Duplicate,
                    format!("`{}` is the suite's device", name.value),
                )
                .label(name.span, "an action cannot be called so as well"),
            );
            return None;
        }
        let body: Vec<Option<Op>> = body
            .iter()
            .map(|statement| self.body_op(statement))
            .collect();
        if let Some(first) = self.names.get(&name.value) {
            let first = match *first {
                Entity::Action(id) => self.scenario.actions[usize::from(id.0)].span,
                Entity::Device(_) => self.scenario.span,
            };
            duplicate(self.sink, "name", name, first);
            return None;
        }
        let id = self.scenario.actions.len();
        if id == MAX_ACTIONS {
            self.sink.report(
                Diagnostic::new(
                    Code::Limit,
                    format!("more than {MAX_ACTIONS} actions in a scenario"),
                )
                .label(name.span, "one too many")
                .help("split the scenario"),
            );
        }
        if id >= MAX_ACTIONS {
            return None;
        }
        let id = ActionId(id as u8);
        // Known from here on, even if its own declaration has an error.
        self.names.insert(name.value.clone(), Entity::Action(id));
        self.scenario.actions.push(ir::Action {
            name: name.value.clone(),
            span: name.span,
            on: on.unwrap_or(ir::DEV),
            body: body.into_iter().flatten().collect(),
        });
        on.map(|_| Op::AddAction(id))
    }

    fn device(&mut self, name: &Name) -> Option<DeviceId> {
        match self.entity(name)? {
            Entity::Device(id) => Some(id),
            other => {
                self.wrong_sort(name, other, "a device is wanted here");
                None
            }
        }
    }

    fn entity(&mut self, name: &Name) -> Option<Entity> {
        let found = self.names.get(&name.value).copied();
        if found.is_none() {
            let text = &name.value;
            self.sink.report(
                Diagnostic::new(
                    Code::UnknownName,
                    format!("nothing is called `{text}` here"),
                )
                .label(name.span, "unknown name")
                .suggest(text, self.names.keys().map(String::as_str)),
            );
        }
        found
    }

    fn wrong_sort(&mut self, name: &Name, found: Entity, wanted: &str) {
        let message = format!("`{}` is {}", name.value, found.sort());
        self.sink
            .report(Diagnostic::new(Code::WrongSort, message).label(name.span, wanted));
    }

    fn expectation(&mut self, expectation: &ast::Expectation) -> Option<ir::Expectation> {
        let subject = self.entity(&expectation.subject)?;
        let claim = self.claim(expectation, subject, expectation.outcome)?;
        let mut deviations = Vec::new();
        for deviation in &expectation.deviations {
            let fix = self.fix(&deviation.fix);
            let claim = self.claim(expectation, subject, deviation.outcome);
            if let (Some(fix), Some(claim)) = (fix, claim) {
                let span = deviation.span;
                deviations.push(ir::Deviation {
                    claim,
                    fix,
                    bound: deviation.bound,
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
        subject: Entity,
        outcome: Spanned<Outcome>,
    ) -> Option<Claim> {
        let claim = match (subject, outcome.value) {
            (Entity::Action(id), Outcome::Ran) => Claim::Ran(id),
            (Entity::Action(id), Outcome::NotRun) => Claim::NotRun(id),
            (Entity::Device(id), Outcome::Freed) => Claim::Freed(id),
            (Entity::Device(id), Outcome::Alive) => Claim::Alive(id),
            (_, Outcome::Leaked) if !self.finally => {
                self.too_early(outcome.span, "`leaked`");
                return None;
            }
            (Entity::Device(id), Outcome::Leaked) => Claim::Alive(id),
            (Entity::Action(id), Outcome::Leaked) => Claim::NotRun(id),
            (Entity::Device(id), Outcome::Bound) => Claim::Bound(id),
            (Entity::Device(id), Outcome::Unbound) => Claim::Unbound(id),
            (Entity::Action(id), Outcome::RanTimes(times)) => Claim::RanTimes(id, times),
            (Entity::Device(_) | Entity::Action(_), _) => {
                let (can, sort) = match subject {
                    Entity::Device(_) => ("`freed`, `alive`, `bound` or `unbound`", "a device"),
                    Entity::Action(_) => ("`ran` or `not run`", "an action"),
                };
                let name = &expectation.subject.value;
                self.sink.report(
                    Diagnostic::new(Code::WrongSort, format!("`{name}` is {sort}"))
                        .label(outcome.span, format!("{sort} is {can}"))
                        .label(expectation.subject.span, format!("this is {sort}")),
                );
                return None;
            }
        };
        Some(claim)
    }

    fn fix(&mut self, name: &Name) -> Option<Fix> {
        let found = Fix::from_commit(&name.value);
        if found.is_none() {
            let text = &name.value;
            self.sink.report(
                Diagnostic::new(Code::UnknownFix, format!("no fix is known as `{text}`"))
                    .label(name.span, "unknown fix")
                    .suggest(text, Fix::ALL.map(Fix::commit)),
            );
        }
        found
    }
}
