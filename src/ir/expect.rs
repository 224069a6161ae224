//! What a scenario expects: a contract, what some kernels do instead, and faults.

use super::KindUse;
use crate::sim::{Claim, Fault, Fix, Model};
use crate::source::Span;

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
