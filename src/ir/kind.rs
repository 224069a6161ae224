//! A kind of device: what the simulator knows of it, and its C.

use std::collections::BTreeMap;

use super::Linux;
use crate::sim;
use crate::source::{Span, Spanned};
use crate::syntax::ast::Release;

/// How a kind of device comes to be.
#[derive(Clone, Debug)]
pub struct Kind {
    /// Its doc comment.
    pub doc: Vec<String>,
    /// Its name.
    pub name: String,
    /// Where it is declared.
    pub span: Span,
    /// Whether it sits on a bus.
    pub on_bus: bool,
    /// Whether it belongs to a class of its own.
    pub in_class: bool,
    /// What it hangs below.
    pub parent: Parent,
    /// Whether its registration can be done by halves: init, add and del.
    pub halves: bool,
    /// Whether who unregisters it waits until it is released.
    pub waits: bool,
    /// How its bus deals with drivers.
    pub drivers: sim::Drivers,
    /// Whether no driver can be declared for it: its bus has none, or its own.
    pub driverless: bool,
    /// Whether its bus matches a driver without a table of devices by name.
    pub named: bool,
    /// What an open file of it holds, if user space can open it.
    pub handles: sim::Handles,
    /// What C wants of the configuration: symbols of Kconfig.
    pub needs: Vec<String>,
    /// The same of what no user can ask for, so that it has to be selected.
    pub selects: Vec<String>,
    /// What must not be set there.
    pub unset: Vec<String>,
    /// The first version of Linux that has it, if not all have.
    pub since: Option<Linux>,
    /// Whose its release function is.
    pub release: Release,
    /// How C makes it, if it says so.
    pub c: Option<KindC>,
    /// Whether nothing of it was left out.
    pub whole: bool,
}

/// What devices of a kind hang below.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Parent {
    /// Nothing, unless they are given a parent.
    #[default]
    Given,
    /// Nothing ever.
    None,
    /// A device that is always there, unless they are given another parent.
    Always,
}

impl Kind {
    /// The kind as far as the simulator is concerned.
    pub fn in_simulator(&self) -> sim::Kind<'_> {
        sim::Kind {
            name: &self.name,
            on_bus: self.on_bus,
            in_class: self.in_class,
            has_parent: self.parent == Parent::Always,
            drivers: self.drivers,
            handles: self.handles,
            waits: self.waits,
        }
    }

    /// Whether it can be given a parent: its C, if it has any, makes use of one.
    pub fn takes_parent(&self) -> bool {
        let makers = [CKey::Create, CKey::Init];
        let uses_it = |c: &KindC| {
            let parts = c.parts.iter().filter(|part| makers.contains(&part.key));
            let mut lines = parts.flat_map(|part| &part.lines);
            lines.any(|line| line.value.contains("$parent"))
        };
        self.parent != Parent::None && self.c.as_ref().is_none_or(uses_it)
    }

    /// Whether that version of Linux has it.
    pub fn is_on(&self, linux: Linux) -> bool {
        self.since.is_none_or(|since| since <= linux)
    }
}

/// The C of a kind.
#[derive(Clone, Debug, Default)]
pub struct KindC {
    /// Every section, in the order of the text.
    pub parts: Vec<CPart>,
    /// The lines of each section on one version of Linux, each with its place:
    /// [`crate::emit::TARGET`], or what [`KindC::on`] was asked for.
    pub sections: BTreeMap<CKey, Vec<Spanned<String>>>,
}

/// A section of C as it stands in the text.
#[derive(Clone, Debug)]
pub struct CPart {
    /// What it is for.
    pub key: CKey,
    /// From which version on, or else (`false`) before which one; `None` is all.
    pub versions: Option<(bool, Linux)>,
    /// The lines.
    pub lines: Vec<Spanned<String>>,
}

impl CPart {
    /// Whether it is for that version.
    pub fn is_for(&self, linux: Linux) -> bool {
        self.versions
            .is_none_or(|(since, version)| (linux >= version) == since)
    }
}

impl KindC {
    /// The C for one version of Linux.
    pub fn on(&self, linux: Linux) -> KindC {
        let mut sections: BTreeMap<CKey, Vec<Spanned<String>>> = BTreeMap::new();
        for part in self.parts.iter().filter(|part| part.is_for(linux)) {
            let section = sections.entry(part.key).or_default();
            let apart = matches!(part.key, CKey::Global | CKey::DriverGlobal);
            if let (true, Some(last)) = (apart, section.last()) {
                // Definitions stand apart.
                let (value, span) = (String::new(), last.span);
                section.push(Spanned { value, span });
            }
            section.extend(part.lines.iter().cloned());
        }
        KindC {
            parts: self.parts.clone(),
            sections,
        }
    }

    /// The same where nobody looks at the release of a device, with what KUnit has for that.
    pub(super) fn unobserved(&self) -> KindC {
        let mut c = self.clone();
        for (key, instead) in [
            (CKey::Create, CKey::KunitCreate),
            (CKey::Destroy, CKey::KunitDestroy),
        ] {
            if let Some(lines) = c.sections.get(&instead).cloned() {
                c.sections.insert(key, lines);
            }
        }
        let includes = c.sections.get(&CKey::KunitInclude).cloned();
        let known = c.sections.entry(CKey::Include).or_default();
        known.extend(includes.unwrap_or_default());
        c
    }

    /// The lines of a section, none if it is absent.
    pub fn lines(&self, key: CKey) -> impl Iterator<Item = &str> {
        self.sections
            .get(&key)
            .into_iter()
            .flatten()
            .map(|line| line.value.as_str())
    }

    /// The only line of a section of one line, or nothing.
    pub fn line(&self, key: CKey) -> &str {
        self.lines(key).next().unwrap_or_default()
    }
}

/// What a section of C is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CKey {
    /// Headers.
    Include,
    /// Types, objects and functions that the other sections use.
    Global,
    /// The body of a function that is called before the first case.
    Setup,
    /// The body of a function that is called after the last case.
    Teardown,
    /// The body of a function that makes and registers the device.
    Create,
    /// The body of a function that unregisters `dev` and drops its first reference.
    Destroy,
    /// What is included for the two that follow.
    KunitInclude,
    /// Instead of [`Create`](Self::Create) where nobody looks at the device's release: makes
    /// and registers one that KUnit owns as well.
    KunitCreate,
    /// What unregisters that one.
    KunitDestroy,
    /// The body of a function that makes the device and does not register it.
    Init,
    /// The body of a function that registers `dev`, which is made.
    Add,
    /// The body of a function that unregisters `dev` and leaves its first reference.
    Del,
    /// What frees `dev`, for `release owned`.
    Release,
    /// Types, objects and functions that only the sections of drivers use.
    DriverGlobal,
    /// The type of the bus's driver structure.
    Driver,
    /// The member of that structure that says which device it is for.
    Match,
    /// The member of that structure that remove goes into, if it is not `remove`.
    Remove,
    /// The parameters of the driver's probe; the first one is that of remove.
    Probe,
    /// The member of that structure that probe goes into, if it is not `probe`.
    ProbeMember,
    /// The `dev_t` of `dev`, for user space to open.
    Devt,
    /// The body of a function by which user space asks something of an open `file`.
    Use,
    /// The body of a function that queues `action` on the object that `dev` belongs to.
    ObjectAction,
    /// The `struct device *` in that parameter.
    Device,
    /// The body of a function that registers `$driver`.
    RegisterDriver,
    /// The body of a function that unregisters `$driver`.
    UnregisterDriver,
}

impl CKey {
    /// Every section, in the order of the documentation.
    pub const ALL: [CKey; 25] = [
        CKey::Include,
        CKey::Global,
        CKey::Setup,
        CKey::Teardown,
        CKey::Create,
        CKey::Destroy,
        CKey::KunitInclude,
        CKey::KunitCreate,
        CKey::KunitDestroy,
        CKey::Init,
        CKey::Add,
        CKey::Del,
        CKey::Release,
        CKey::Devt,
        CKey::Use,
        CKey::ObjectAction,
        CKey::DriverGlobal,
        CKey::Driver,
        CKey::Match,
        CKey::Remove,
        CKey::Probe,
        CKey::ProbeMember,
        CKey::Device,
        CKey::RegisterDriver,
        CKey::UnregisterDriver,
    ];

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            CKey::Include => "include",
            CKey::Global => "global",
            CKey::Setup => "setup",
            CKey::Teardown => "teardown",
            CKey::Create => "create",
            CKey::Destroy => "destroy",
            CKey::KunitInclude => "kunit_include",
            CKey::KunitCreate => "kunit_create",
            CKey::KunitDestroy => "kunit_destroy",
            CKey::Init => "init",
            CKey::Add => "add",
            CKey::Del => "del",
            CKey::Release => "release",
            CKey::ObjectAction => "object_action",
            CKey::DriverGlobal => "driver_global",
            CKey::Driver => "driver",
            CKey::Match => "match",
            CKey::Remove => "remove",
            CKey::Probe => "probe",
            CKey::ProbeMember => "probe_member",
            CKey::Devt => "devt",
            CKey::Use => "use",
            CKey::Device => "device",
            CKey::RegisterDriver => "register_driver",
            CKey::UnregisterDriver => "unregister_driver",
        }
    }
}
