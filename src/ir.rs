//! The resolved program: every name is an id, every operation the simulator's own.
//!
//! All back ends start here. Operations and claims are those of [`crate::sim`], so
//! that what a statement means is said once.

use std::collections::BTreeMap;

use crate::sim::{self, Claim, DeviceId, Errno, Fault, Fix, Model, Op};
use crate::source::{SourceId, Sources, Span, Spanned};
use crate::syntax::ast::Release;

/// A kind: an index into [`Unit::kinds`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KindId(pub usize);

/// Everything that one run compiles.
#[derive(Clone, Debug, Default)]
pub struct Unit {
    /// The texts that it was made from.
    pub sources: Sources,
    /// Every kind that a file declares or uses.
    pub kinds: Vec<Kind>,
    /// Every suite, by name.
    pub suites: Vec<Suite>,
}

impl Unit {
    /// The kind with that id.
    pub fn kind(&self, id: KindId) -> &Kind {
        &self.kinds[id.0]
    }

    /// These suites of it, and the C of its kinds for one version of Linux.
    pub fn on(&self, linux: Linux, suites: Vec<Suite>) -> Unit {
        let mut kinds = self.kinds.clone();
        for kind in &mut kinds {
            kind.c = kind.c.as_ref().map(|c| c.on(linux));
        }
        Unit {
            sources: self.sources.clone(),
            kinds,
            suites,
        }
    }

    /// Its kinds alone, with the C for tests that do not look at the release of devices.
    pub fn unobserved(&self) -> Unit {
        let mut kinds = self.kinds.clone();
        for kind in &mut kinds {
            kind.c = kind.c.as_ref().map(KindC::unobserved);
        }
        Unit {
            kinds,
            ..Unit::default()
        }
    }

    /// The line, counted from 1, that a span begins on.
    pub fn line(&self, span: Span) -> u32 {
        self.sources.line(span)
    }
}

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

/// A version of Linux: `6.12`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Linux(pub u32, pub u32);

impl Linux {
    /// Reads `MAJOR.MINOR`.
    pub fn parse(text: &str) -> Option<Linux> {
        let (major, minor) = text.split_once('.')?;
        Some(Linux(major.parse().ok()?, minor.parse().ok()?))
    }
}

impl Linux {
    /// Whether `__fput_sync()` is for any thread (fs/file_table.c): on 6.1 it is a BUG in any but a
    /// kernel thread, and what cleans up behind an assertion that failed is none; on 6.12 it is not.
    pub fn has_fput_for_all(self) -> bool {
        self >= Linux(6, 12)
    }

    /// Whether `KUNIT_ARRAY_PARAM_DESC` is there (include/kunit/test.h).
    pub fn has_array_param_desc(self) -> bool {
        self >= Linux(6, 8)
    }
}

impl std::fmt::Display for Linux {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
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
    fn unobserved(&self) -> KindC {
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

/// Scenarios and the kinds that they run on.
#[derive(Clone, Debug)]
pub struct Suite {
    /// The text it stands in.
    pub source: SourceId,
    /// Its doc comment.
    pub doc: Vec<String>,
    /// Its name, unique in the unit.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// What each scenario runs on.
    pub kinds: Vec<KindUse>,
    /// What tells it from others of its name in C: set by [`parts`](crate::emit::parts), and
    /// by no source.
    pub part: Option<String>,
    /// The scenarios, in the order of the text.
    pub scenarios: Vec<Scenario>,
}

impl Suite {
    /// Every kind that one of its devices is of, or may hang below, and where it is named.
    pub fn kinds_of_devices(&self) -> impl Iterator<Item = (KindId, Span)> {
        let uses = self.kinds.iter().flat_map(|used| {
            let kinds = [Some(used.kind), used.parent].into_iter().flatten();
            kinds.map(|kind| (kind, used.span))
        });
        let scenarios = self.scenarios.iter();
        let devices = scenarios.flat_map(|scenario| &scenario.devices);
        uses.chain(devices.filter_map(|device| Some((device.kind?, device.span))))
    }
}

/// A kind in a state.
#[derive(Clone, Copy, Debug)]
pub struct KindUse {
    /// The kind.
    pub kind: KindId,
    /// Whether a driver is registered before the device and unregistered last.
    pub bound: bool,
    /// Whether its bus binds it to a driver of its own.
    pub own: bool,
    /// The kind of the device that it hangs below, which is there before and after.
    pub parent: Option<KindId>,
    /// Where the suite asks for it.
    pub span: Span,
}

impl KindUse {
    /// The kind and its state as one name, as it stands in the names of cases.
    pub fn label(&self, unit: &Unit) -> String {
        let mut label = unit.kind(self.kind).name.clone();
        if self.bound {
            label += "_bound";
        }
        if let Some(parent) = self.parent {
            label += &format!("_below_{}", unit.kind(parent).name);
        }
        label
    }

    /// The same as suites spell it: `platform bound`.
    pub fn spelled(&self, unit: &Unit) -> String {
        let bound = if self.bound { " bound" } else { "" };
        let parent = self.parent.map(|parent| &unit.kind(parent).name);
        let parent = parent.map_or(String::new(), |parent| format!(" parent {parent}"));
        format!("{}{bound}{parent}", unit.kind(self.kind).name)
    }

    /// Whether both are the same, wherever they stand.
    pub fn is(&self, other: &KindUse) -> bool {
        (self.kind, self.bound, self.parent) == (other.kind, other.bound, other.parent)
    }
}

/// One program with its expectations.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its doc comment.
    pub doc: Vec<String>,
    /// Its name, unique in the suite.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// The kinds of its suite on which it runs.
    pub kinds: Vec<KindUse>,
    /// The devices; the first is `dev`, of the suite's kind.
    pub devices: Vec<Device>,
    /// The drivers that it declares.
    pub drivers: Vec<Driver>,
    /// The actions.
    pub actions: Vec<Action>,
    /// The handles.
    pub handles: Vec<Handle>,
    /// The groups of resources.
    pub groups: Vec<Group>,
    /// The time line.
    pub steps: Vec<Step>,
    /// Where the operations stand that bodies of actions and drivers carry out.
    pub in_bodies: Vec<(Op, Span)>,
    /// Whether nothing of it was left out, so that it can be judged as a whole.
    pub whole: bool,
    /// After how many operations the test gives up, by an assertion that fails: set by
    /// [`give_up`](crate::give_up), and by no source.
    pub gives_up_after: Option<usize>,
}

impl Scenario {
    /// Every expectation, in the order of the text.
    pub fn expectations(&self) -> impl Iterator<Item = &Expectation> {
        self.steps.iter().filter_map(|step| match &step.kind {
            StepKind::Expect(expectation) | StepKind::Finally(expectation) => Some(expectation),
            StepKind::Op(..) | StepKind::Fault(_) => None,
        })
    }

    /// Every fault that it announces.
    pub fn faults(&self) -> impl Iterator<Item = &FaultExpectation> {
        self.steps.iter().filter_map(|step| match &step.kind {
            StepKind::Fault(fault) => Some(fault),
            _ => None,
        })
    }

    /// Whether something is judged when the scenario has given up what it owns.
    pub fn has_finally(&self) -> bool {
        self.steps
            .iter()
            .any(|step| matches!(step.kind, StepKind::Finally(_)))
    }

    /// Every operation, those of actions and drivers after those of the time line.
    pub fn operations(&self) -> impl Iterator<Item = Op> {
        let own = self.steps.iter().filter_map(|step| match step.kind {
            StepKind::Op(op, _) => Some(op),
            _ => None,
        });
        own.chain(self.bodies())
    }

    /// The operations that actions and drivers carry out.
    pub fn bodies(&self) -> impl Iterator<Item = Op> {
        let actions = self.actions.iter().flat_map(|action| &action.body);
        let probes = self.drivers.iter().flat_map(|driver| &driver.probes);
        let removes = self.drivers.iter().flat_map(|driver| &driver.remove);
        actions
            .chain(probes.flat_map(|probe| &probe.body))
            .chain(removes)
            .copied()
    }
}

/// A device of a scenario.
#[derive(Clone, Debug)]
pub struct Device {
    /// Its name.
    pub name: String,
    /// Where the name stands.
    pub name_span: Span,
    /// Where it is said what it is.
    pub span: Span,
    /// What it is; `None` is the suite's kind.
    pub kind: Option<KindId>,
    /// Whether a driver is registered before the scenario begins and unregistered last.
    pub bound: bool,
    /// The device that it hangs below.
    pub parent: Option<DeviceId>,
}

/// The implicit device, of the suite's kind.
pub const DEV: DeviceId = DeviceId(0);

/// A driver of a scenario.
#[derive(Clone, Debug)]
pub struct Driver {
    /// Its name.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// The device that it is for.
    pub device: DeviceId,
    /// What its probe does.
    pub probes: Vec<Probe>,
    /// What its remove does.
    pub remove: Vec<Op>,
}

/// What a driver's probe does.
#[derive(Clone, Debug)]
pub struct Probe {
    /// In which attempt, counted from 1; `None` in all that no other one is for.
    pub attempt: Option<u8>,
    /// What it does.
    pub body: Vec<Op>,
    /// The error that it returns in the end.
    pub error: Option<Errno>,
}

/// What a scenario has managed: an action, or one of its like.
#[derive(Clone, Debug)]
pub struct Action {
    /// Its name, unique in the scenario.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// The device on whose list it goes.
    pub on: DeviceId,
    /// Which of them it is.
    pub sort: sim::Sort,
    /// What it does.
    pub body: Vec<Op>,
}

/// A handle of a scenario.
#[derive(Clone, Debug)]
pub struct Handle {
    /// Its name.
    pub name: String,
    /// The device that it holds while it is open.
    pub device: DeviceId,
}

/// A group of managed resources of a scenario.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// The device on whose list it is.
    pub on: DeviceId,
}

/// A point of a scenario's time line.
#[derive(Clone, Debug)]
pub struct Step {
    /// The statement.
    pub span: Span,
    /// What it asks for.
    pub kind: StepKind,
}

/// What a statement asks for.
#[derive(Clone, Debug)]
pub enum StepKind {
    /// An operation of the driver core, and the error that it has to return.
    Op(Op, Option<Errno>),
    /// Something that has to be true here.
    Expect(Expectation),
    /// Something that has to be true when the scenario has given up what it owns.
    Finally(Expectation),
    /// What the operation before has to run into.
    Fault(FaultExpectation),
}

/// Something that has to be true at a point of the time line.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// The contract.
    pub claim: Claim,
    /// What holds instead on some kernels.
    pub deviations: Vec<Deviation>,
    /// Whether the opposite is wanted: how tests see that it can fail.
    pub negated: bool,
}

/// What a kernel without a fix does instead.
#[derive(Clone, Debug)]
pub struct Deviation {
    /// What holds instead.
    pub claim: Claim,
    /// The fix that is absent.
    pub fix: Fix,
    /// On what.
    pub condition: Condition,
    /// Where it stands.
    pub span: Span,
}

/// A lifetime fault that a scenario announces.
#[derive(Clone, Debug)]
pub struct FaultExpectation {
    /// The fault.
    pub fault: Fault,
    /// The fix that is absent where it happens; `None` is everywhere.
    pub without: Option<Fix>,
    /// On what.
    pub condition: Condition,
    /// The fix without which it does not happen, and on what.
    pub absent: Option<(Fix, Condition)>,
}

/// The kinds of a suite on which something is so.
#[derive(Clone, Debug, Default)]
pub enum Condition {
    /// All.
    #[default]
    Always,
    /// Those in the state bound, or those that are not.
    Bound(bool),
    /// These.
    On(Vec<KindUse>),
}

impl Condition {
    /// Whether it is so on that kind.
    pub fn applies(&self, used: &KindUse) -> bool {
        match self {
            Condition::Always => true,
            Condition::Bound(bound) => (used.bound || used.own) == *bound,
            Condition::On(kinds) => kinds.iter().any(|kind| kind.is(used)),
        }
    }
}

impl Deviation {
    /// Whether it is what holds on that kernel for that kind.
    pub fn applies(&self, model: Model, used: &KindUse) -> bool {
        !model.has(self.fix) && self.condition.applies(used)
    }
}

impl FaultExpectation {
    /// Whether it happens on every kernel and every kind.
    pub fn is_certain(&self) -> bool {
        let always = matches!(self.condition, Condition::Always);
        always && self.without.is_none() && self.absent.is_none()
    }

    /// Whether it happens on that kernel for that kind.
    pub fn applies(&self, model: Model, used: &KindUse) -> bool {
        let absent =
            |(fix, condition): &(Fix, Condition)| !model.has(*fix) && condition.applies(used);
        self.without.is_none_or(|fix| !model.has(fix))
            && self.condition.applies(used)
            && !self.absent.as_ref().is_some_and(absent)
    }
}

impl Expectation {
    /// What holds, as the scenario states it, on that kernel for that kind.
    pub fn stated(&self, model: Model, used: &KindUse) -> Claim {
        let deviation = self.deviation(model, used);
        deviation.map_or(self.claim, |deviation| deviation.claim)
    }

    /// The deviation that says what holds there, if the contract does not.
    pub fn deviation(&self, model: Model, used: &KindUse) -> Option<&Deviation> {
        self.deviations.iter().find(|d| d.applies(model, used))
    }
}
