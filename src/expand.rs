//! From scenarios to cases: each scenario on each kind of its suite, on one kernel,
//! with what the state of the kind and the end of the scenario add to its operations.

use crate::ir::{
    Device, Expectation, FaultExpectation, KindId, KindUse, Scenario, StepKind, Suite, Unit,
};
use crate::sim::{self, DeviceId, Errno, Holdings, Model, Op, Program};
use crate::source::Span;

/// One scenario on one kind and one kernel.
#[derive(Clone, Copy, Debug)]
pub struct Case<'u> {
    /// Everything.
    pub unit: &'u Unit,
    /// The suite of the scenario.
    pub suite: &'u Suite,
    /// The scenario.
    pub scenario: &'u Scenario,
    /// The kind and its state.
    pub kind_use: KindUse,
    /// The kernel.
    pub model: Model,
}

impl Case<'_> {
    /// `suite/scenario/kind`, the name of the case everywhere.
    pub fn name(&self) -> String {
        let kind = self.kind_use.label(self.unit);
        format!("{}/{}/{kind}", self.suite.name, self.scenario.name)
    }
}

/// Every case of a unit on one kernel, in the order of names and of the text.
pub fn cases(unit: &Unit, model: Model) -> impl Iterator<Item = Case<'_>> {
    unit.suites.iter().flat_map(move |suite| {
        suite
            .scenarios
            .iter()
            .flat_map(move |scenario| cases_of(unit, suite, scenario, model))
    })
}

/// The cases of one scenario on one kernel.
pub fn cases_of<'u>(
    unit: &'u Unit,
    suite: &'u Suite,
    scenario: &'u Scenario,
    model: Model,
) -> impl Iterator<Item = Case<'u>> {
    let case = move |&kind_use| Case {
        unit,
        suite,
        scenario,
        kind_use,
        model,
    };
    scenario.kinds.iter().map(case)
}

/// What a scenario amounts to on a kind, in the simulator's terms.
pub fn with_program<R>(
    unit: &Unit,
    scenario: &Scenario,
    used: KindUse,
    f: impl FnOnce(&Program<'_>) -> R,
) -> R {
    // Of all kinds a case needs one or two.
    let wanted = scenario.devices.iter().map(|device| device.kind);
    let wanted = wanted.chain([used.parent]).flatten();
    let wanted = std::iter::once(used.kind).chain(wanted);
    let mut kinds: Vec<(KindId, sim::Kind<'_>)> = Vec::with_capacity(1);
    for id in wanted {
        if kinds.iter().all(|&(known, _)| known != id) {
            kinds.push((id, unit.kind(id).in_simulator()));
        }
    }
    let kind = |id: KindId| {
        let at = kinds.iter().position(|&(known, _)| known == id);
        &kinds[at.unwrap_or_default()].1
    };
    let devices: Vec<_> = scenario
        .devices
        .iter()
        .map(|device| sim::Device {
            parent: device.parent,
            ..sim::Device::new(&device.name, kind(device.kind.unwrap_or(used.kind)))
        })
        .collect();
    let probes: Vec<Vec<sim::Probe<'_>>> = scenario
        .drivers
        .iter()
        .map(|driver| {
            let probes = driver.probes.iter().map(|probe| sim::Probe {
                attempt: probe.attempt,
                body: &probe.body,
                error: probe.error,
            });
            probes.collect()
        })
        .collect();
    let declared = scenario
        .drivers
        .iter()
        .zip(&probes)
        .map(|(driver, probes)| {
            sim::Driver::of(&driver.name, driver.devices)
                .probes(probes)
                .remove(&driver.remove)
        });
    let names: Vec<(String, DeviceId)> = bound_devices(scenario)
        .map(|(id, device)| (bound_driver(&device.name), id))
        .collect();
    let bound = names
        .iter()
        .map(|(name, device)| sim::Driver::new(name, *device).set_up());
    let drivers: Vec<_> = declared.chain(bound).collect();
    let actions: Vec<_> = scenario
        .actions
        .iter()
        .map(|action| sim::Action {
            sort: action.sort,
            ..sim::Action::new(&action.name, action.on, &action.body)
        })
        .collect();
    let handles: Vec<_> = scenario
        .handles
        .iter()
        .map(|handle| sim::Handle::new(&handle.name, handle.device))
        .collect();
    let groups: Vec<_> = scenario
        .groups
        .iter()
        .map(|group| sim::Group::new(&group.name, group.on))
        .collect();
    let case = sim::Case {
        kind: kind(used.kind),
        bound: used.bound,
        parent: used.parent.map(kind),
        model: Model::ALL,
    };
    f(&Program {
        devices: &case.devices(&devices),
        drivers: &case.drivers(&drivers),
        actions: &actions,
        handles: &handles,
        groups: &groups,
    })
}

/// The devices that the scenario declares in the state bound.
pub fn bound_devices(scenario: &Scenario) -> impl Iterator<Item = (DeviceId, &Device)> {
    let ids = (0..).map(DeviceId);
    ids.zip(&scenario.devices)
        .filter(|(_, device)| device.bound)
}

/// The name of the driver that keeps a device in the state bound.
pub fn bound_driver(device: &str) -> String {
    format!("{device}.driver")
}

/// A point of a case's time line.
#[derive(Clone, Copy, Debug)]
pub struct CaseStep<'u> {
    /// What in the scenario asks for it.
    pub span: Span,
    /// What it is.
    pub kind: CaseStepKind<'u>,
}

/// What a point of a case's time line is.
#[derive(Clone, Copy, Debug)]
pub enum CaseStepKind<'u> {
    /// An operation, and the error that it has to return.
    Op(Op, Option<Errno>),
    /// An expectation of the scenario.
    Expect(&'u Expectation),
    /// What the operation before has to run into.
    Fault(&'u FaultExpectation),
    /// The test gives up here.
    GiveUp,
}

/// The time line: what the kind's state wants to be set up, the scenario, and the
/// operations by which it gives up what it owns. [`finally`] comes after it.
pub fn time_line<'u>(
    suite: &Suite,
    scenario: &'u Scenario,
    program: &Program<'_>,
) -> Vec<CaseStep<'u>> {
    let mut holdings = Holdings::new();
    let set_up = program.set_up().into_iter().map(|op| CaseStep {
        span: suite.span,
        kind: CaseStepKind::Op(op, None),
    });
    let own = scenario.steps.iter().filter_map(|step| {
        let kind = match &step.kind {
            StepKind::Op(op, fails) => CaseStepKind::Op(*op, *fails),
            StepKind::Expect(expectation) => CaseStepKind::Expect(expectation),
            StepKind::Fault(fault) => CaseStepKind::Fault(fault),
            StepKind::Finally(_) => return None,
        };
        Some(CaseStep {
            span: step.span,
            kind,
        })
    });
    // And some to give up what is left.
    let mut steps = Vec::with_capacity(scenario.steps.len() + 8);
    steps.extend(set_up.chain(own));
    for step in &steps {
        if let CaseStepKind::Op(op, fails) = step.kind {
            // A reference that is not there was reported by `check`.
            let _ = holdings.apply(program, op, fails);
        }
    }
    holdings.each_given_up(program, |op| {
        let span = if program.is_set_up(op) {
            suite.span
        } else {
            scenario.span
        };
        steps.push(CaseStep {
            span,
            kind: CaseStepKind::Op(op, None),
        });
    });
    if let Some(count) = scenario.gives_up_after {
        let own = own_operations(&steps, program);
        let last = undone_from(&steps, program);
        let here = CaseStep {
            span: scenario.span,
            kind: CaseStepKind::GiveUp,
        };
        steps.insert(own.get(count).copied().unwrap_or(last), here);
    }
    steps
}

/// From where on a time line does nothing but undo what was set up, behind the test: its length if there
/// is something to be judged behind that.
pub fn undone_from(steps: &[CaseStep<'_>], program: &Program<'_>) -> usize {
    let is_set_up = |step: &&CaseStep<'_>| match step.kind {
        CaseStepKind::Op(op, _) => program.is_set_up(op),
        _ => false,
    };
    let last = steps.len() - steps.iter().rev().take_while(is_set_up).count();
    last.max(program.set_up().len())
}

/// Where in a time line the operations stand that are not for the kind's state.
pub fn own_operations(steps: &[CaseStep<'_>], program: &Program<'_>) -> Vec<usize> {
    let own = |step: &CaseStep<'_>| match step.kind {
        CaseStepKind::Op(op, _) => !program.is_set_up(op),
        _ => false,
    };
    let steps = steps.iter().enumerate();
    steps
        .filter_map(|(at, step)| own(step).then_some(at))
        .collect()
}

/// What is judged when the scenario has given up what it owns, and where it stands.
pub fn finally(scenario: &Scenario) -> impl Iterator<Item = (Span, &Expectation)> {
    scenario.steps.iter().filter_map(|step| match &step.kind {
        StepKind::Finally(expectation) => Some((step.span, expectation)),
        StepKind::Op(..) | StepKind::Expect(_) | StepKind::Fault(_) => None,
    })
}
