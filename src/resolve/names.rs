//! The names of one scenario: what each stands for, and what is wrong with one that is not known,
//! taken, or of something else.

use super::duplicate;
use super::scenario::ScenarioResolver;
use crate::codes::Code;
use crate::diagnostic::Diagnostic;
use crate::ir;
use crate::sim::{ActionId, DeviceId, DriverId, GroupId, HandleId, Op};
use crate::syntax::ast::Name;
use crate::syntax::is_keyword;

/// What a name of a scenario stands for.
#[derive(Clone, Copy)]
pub(super) enum Entity {
    Device(DeviceId),
    Driver(DriverId),
    Action(ActionId),
    Handle(HandleId),
    Group(GroupId),
    Resource(ActionId),
    Memory(ActionId),
    /// Something whose declaration has an error: nothing more is said of it.
    Broken,
}

impl Entity {
    pub(super) fn sort(self) -> &'static str {
        match self {
            Entity::Device(_) => "a device",
            Entity::Driver(_) => "a driver",
            Entity::Action(_) => "an action",
            Entity::Handle(_) => "a handle",
            Entity::Group(_) => "a group",
            Entity::Resource(_) => "a resource",
            Entity::Memory(_) => "memory",
            Entity::Broken => "broken",
        }
    }
}

impl ScenarioResolver<'_> {
    pub(super) fn is_new(&mut self, name: &Name) -> bool {
        let Some(&(first, span)) = self.names.get(&name.value) else {
            return true;
        };
        if matches!(first, Entity::Broken) {
            return true;
        }
        if is_dev(first) {
            self.sink.report(
                Diagnostic::new(
                    Code::Duplicate,
                    format!("`{}` is the suite's device", name.value),
                )
                .label(name.span, "nothing else can be called so as well"),
            );
        } else {
            duplicate(self.sink, "name", name, span);
        }
        false
    }

    pub(super) fn fits(&mut self, name: &Name, index: usize, most: usize, what: &str) -> bool {
        if index == most {
            self.sink.report(
                Diagnostic::new(
                    Code::Limit,
                    format!("more than {most} {what} in a scenario"),
                )
                .label(name.span, "one too many")
                .help("split the scenario"),
            );
            self.declare(name, Entity::Broken);
        }
        index < most
    }

    pub(super) fn declare(&mut self, name: &Name, entity: Entity) {
        self.names.insert(name.value.clone(), (entity, name.span));
    }

    pub(super) fn device(&mut self, name: &Name) -> Option<DeviceId> {
        match self.entity(name)? {
            (Entity::Device(id), _) => Some(id),
            (other, name) => {
                self.wrong_sort(name, other, "a device is wanted here");
                None
            }
        }
    }

    pub(super) fn driver(&mut self, name: &Name) -> Option<DriverId> {
        match self.entity(name)? {
            (Entity::Driver(id), _) => Some(id),
            (other, name) => {
                self.wrong_sort(name, other, "a driver is wanted here");
                None
            }
        }
    }

    pub(super) fn entity<'n>(&mut self, name: &'n Name) -> Option<(Entity, &'n Name)> {
        let found = self.names.get(&name.value).map(|&(entity, _)| entity);
        if matches!(found, Some(Entity::Broken)) {
            return None;
        }
        // A word of the language was reported as such.
        if found.is_none() && !is_keyword(&name.value) {
            let text = &name.value;
            let diagnostic = Diagnostic::new(
                Code::UnknownName,
                format!("nothing is called `{text}` here"),
            );
            let is_later = |known: &&&Name| known.value == *text && known.span > name.span;
            let mut later = self.declared.iter().filter(is_later);
            self.sink.report(match later.next() {
                Some(later) => diagnostic
                    .label(name.span, "not known yet")
                    .label(later.span, "declared here")
                    .help("what is used is declared before: let that stand first"),
                None => diagnostic
                    .label(name.span, "unknown name")
                    .suggest(text, self.names.keys().map(String::as_str)),
            });
        }
        found.map(|entity| (entity, name))
    }

    pub(super) fn wrong_sort(&mut self, name: &Name, found: Entity, wanted: &str) {
        let message = format!("`{}` is {}", name.value, found.sort());
        let mut diagnostic = Diagnostic::new(Code::WrongSort, message).label(name.span, wanted);
        // The suite's device is declared nowhere.
        let declared = self.names.get(&name.value);
        if let Some(&(_, declared)) = declared.filter(|_| !is_dev(found)) {
            diagnostic = diagnostic.label(declared, "declared here");
        }
        self.sink.report(diagnostic);
    }

    /// What is done to what has that name, if it is something that this can be done to.
    pub(super) fn one_of(
        &mut self,
        name: &Name,
        wanted: &str,
        op: impl FnOnce(Entity) -> Option<Op>,
    ) -> Option<Op> {
        let (entity, name) = self.entity(name)?;
        let op = op(entity);
        if op.is_none() {
            self.wrong_sort(name, entity, &format!("{wanted} is wanted here"));
        }
        op
    }
}

fn is_dev(entity: Entity) -> bool {
    matches!(entity, Entity::Device(ir::DEV))
}
