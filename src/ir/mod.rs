//! The resolved program: every name is an id, every operation the simulator's own.
//!
//! All back ends start here. Operations and claims are those of [`crate::sim`], so
//! that what a statement means is said once.

mod expect;
mod kind;
mod linux;

pub use expect::{Condition, Deviation, Expectation, FaultExpectation};
pub use kind::{CKey, CPart, Kind, KindC, Parent};
pub use linux::Linux;

use crate::sim::{self, DeviceId, DeviceSet, Errno, Op};
use crate::source::{SourceId, Sources, Span};
use crate::syntax::ast::Order;

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
    /// Which order it is of a scenario that leaves one open (`in any order`), if it is.
    pub order: Option<Order>,
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
    /// Why nothing may be generated from it, as was found when it was run to be checked.
    pub refused: Option<Refused>,
    /// After how many operations the test gives up, by an assertion that fails: set by
    /// [`give_up`](crate::give_up), and by no source.
    pub gives_up_after: Option<usize>,
}

/// Why a scenario that can be understood is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// A lifetime goes wrong in it, or does not where it says so.
    Lifetime,
    /// Something depends on when queued work is done: there is nothing to be said of it.
    Race,
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

    /// Whether devices are linked in it, by whomever.
    pub fn makes_links(&self) -> bool {
        self.operations().any(|op| matches!(op, Op::Link(..)))
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
    /// The devices that it is for.
    pub devices: DeviceSet,
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
