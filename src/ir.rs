//! The resolved program: every name is an id, every operation the simulator's own.
//!
//! All back ends start here. Operations and claims are those of [`crate::sim`], so
//! that what a statement means is said once.

use std::collections::BTreeMap;

use crate::sim::{self, Claim, DeviceId, Errno, Fix, Model, Op};
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
    /// Whether it hangs below a device that is always there.
    pub has_parent: bool,
    /// Whose its release function is.
    pub release: Release,
    /// How C makes it, if it says so.
    pub c: Option<KindC>,
}

impl Kind {
    /// The kind as far as the simulator is concerned.
    pub fn in_simulator(&self) -> sim::Kind<'_> {
        sim::Kind {
            name: &self.name,
            on_bus: self.on_bus,
            has_parent: self.has_parent,
        }
    }
}

/// The C of a kind, by section.
#[derive(Clone, Debug, Default)]
pub struct KindC {
    /// The lines of each section, each with its place.
    pub sections: BTreeMap<CKey, Vec<Spanned<String>>>,
}

impl KindC {
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
    /// The body of a function that makes and registers the device.
    Create,
    /// The body of a function that unregisters `dev` and drops its first reference.
    Destroy,
    /// What frees `dev`, for `release owned`.
    Release,
    /// The type of the bus's driver structure.
    Driver,
    /// The parameter of the driver's probe and remove.
    Probe,
    /// The `struct device *` in that parameter.
    Device,
    /// The body of a function that registers `$driver`.
    RegisterDriver,
    /// The body of a function that unregisters `$driver`.
    UnregisterDriver,
}

impl CKey {
    /// Every section, in the order of the documentation.
    pub const ALL: [CKey; 9] = [
        CKey::Include,
        CKey::Create,
        CKey::Destroy,
        CKey::Release,
        CKey::Driver,
        CKey::Probe,
        CKey::Device,
        CKey::RegisterDriver,
        CKey::UnregisterDriver,
    ];

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            CKey::Include => "include",
            CKey::Create => "create",
            CKey::Destroy => "destroy",
            CKey::Release => "release",
            CKey::Driver => "driver",
            CKey::Probe => "probe",
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
    /// The scenarios, in the order of the text.
    pub scenarios: Vec<Scenario>,
}

/// A kind in a state.
#[derive(Clone, Copy, Debug)]
pub struct KindUse {
    /// The kind.
    pub kind: KindId,
    /// Whether a driver is registered before the device and unregistered last.
    pub bound: bool,
    /// Where the suite asks for it.
    pub span: Span,
}

impl KindUse {
    /// The kind and its state as one name, as it stands in the names of cases.
    pub fn label(&self, unit: &Unit) -> String {
        let name = &unit.kind(self.kind).name;
        if self.bound {
            format!("{name}_bound")
        } else {
            name.clone()
        }
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
    /// The devices; the first is `dev`, of the suite's kind.
    pub devices: Vec<Device>,
    /// The actions.
    pub actions: Vec<Action>,
    /// The time line.
    pub steps: Vec<Step>,
}

impl Scenario {
    /// Every expectation, in the order of the text.
    pub fn expectations(&self) -> impl Iterator<Item = &Expectation> {
        self.steps.iter().filter_map(|step| match &step.kind {
            StepKind::Expect(expectation) | StepKind::Finally(expectation) => Some(expectation),
            StepKind::Op(..) => None,
        })
    }

    /// Whether something is judged when the scenario has given up what it owns.
    pub fn has_finally(&self) -> bool {
        self.steps
            .iter()
            .any(|step| matches!(step.kind, StepKind::Finally(_)))
    }
}

/// A device of a scenario.
#[derive(Clone, Debug)]
pub struct Device {
    /// Its name.
    pub name: String,
}

/// The implicit device, of the suite's kind.
pub const DEV: DeviceId = DeviceId(0);

/// An action of a scenario.
#[derive(Clone, Debug)]
pub struct Action {
    /// Its name, unique in the scenario.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// The device on whose list it goes.
    pub on: DeviceId,
    /// What it does.
    pub body: Vec<Op>,
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
    /// On bound or on unbound kinds only.
    pub bound: Option<bool>,
    /// Where it stands.
    pub span: Span,
}

impl Deviation {
    /// Whether it is what holds on that kernel for a kind in that state.
    pub fn applies(&self, model: Model, bound: bool) -> bool {
        !model.has(self.fix) && self.bound.is_none_or(|wanted| wanted == bound)
    }
}

impl Expectation {
    /// What holds, as the scenario states it, on that kernel for a kind in that state.
    pub fn stated(&self, model: Model, bound: bool) -> Claim {
        let deviation = self.deviations.iter().find(|d| d.applies(model, bound));
        deviation.map_or(self.claim, |d| d.claim)
    }
}
