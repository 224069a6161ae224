//! What the names alone do not tell: whether kinds can do what is asked of them,
//! whether references are there to be taken over, and whether lifetimes go wrong.

mod collisions;
mod kind_c;
mod lifetime;

use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Sink};
use crate::expand;
use crate::ir::{Expectation, Scenario, Step, StepKind, Suite, Unit};
use crate::sim::{Claim, Holdings, Op};

/// Checks a unit. What would only follow from an earlier error is not looked at: the
/// references of a scenario of which a statement is missing, say.
pub fn check(unit: &Unit, sink: &mut Sink) {
    let whole = sink.is_empty();
    if whole {
        unit.kinds.iter().for_each(|kind| kind_c::check(kind, sink));
    }
    collisions::check(unit, sink);
    for suite in &unit.suites {
        abilities(unit, suite, sink);
        for scenario in &suite.scenarios {
            deviations(scenario, sink);
            bus_operations(unit, suite, scenario, sink);
            too_early(scenario, sink);
            if whole {
                references(unit, suite, scenario, sink);
            }
        }
    }
    if sink.is_empty() {
        lifetime::check(unit, sink);
    }
}

fn abilities(unit: &Unit, suite: &Suite, sink: &mut Sink) {
    for used in &suite.kinds {
        let kind = unit.kind(used.kind);
        if used.bound && !kind.on_bus {
            sink.report(
                Diagnostic::new(
                    Code::Inability,
                    format!("a `{}` device cannot be bound", kind.name),
                )
                .label(used.span, "it sits on no bus, so no driver can bind to it")
                .label(kind.span, "declared here, without `: bus`")
                .help(format!(
                    "say `{}` alone, or take a kind with a bus",
                    kind.name
                )),
            );
        }
    }
}

/// Expectations about a device that is not there: nothing can be known of it.
fn too_early(scenario: &Scenario, sink: &mut Sink) {
    let registers = |step: &Step| match step.kind {
        StepKind::Op(Op::Register(device), _) => Some(device),
        _ => None,
    };
    for (index, step) in scenario.steps.iter().enumerate() {
        let (expectation, before) = match &step.kind {
            StepKind::Expect(expectation) => (expectation, &scenario.steps[..index]),
            StepKind::Finally(expectation) => (expectation, &scenario.steps[..]),
            StepKind::Op(..) => continue,
        };
        let claims = expectation
            .deviations
            .iter()
            .map(|d| d.claim)
            .chain([expectation.claim]);
        let is_there = |device| {
            before
                .iter()
                .filter_map(registers)
                .any(|known| known == device)
        };
        if let Some(device) = claims
            .filter_map(Claim::device)
            .find(|&device| !is_there(device))
        {
            let name = &scenario.devices[usize::from(device.0)].name;
            sink.report(
                Diagnostic::new(Code::WrongSort, format!("`{name}` is not there yet"))
                    .label(
                        step.span,
                        "before it is registered, nothing can be known of it",
                    )
                    .help(format!("expect it after `register {name}`")),
            );
        }
    }
}

/// Operations that need a bus, on a suite with a kind that has none.
fn bus_operations(unit: &Unit, suite: &Suite, scenario: &Scenario, sink: &mut Sink) {
    let Some(used) = suite.kinds.iter().find(|used| !unit.kind(used.kind).on_bus) else {
        return;
    };
    let kind = unit.kind(used.kind);
    for step in &scenario.steps {
        let word = match step.kind {
            StepKind::Op(Op::Attach(_), _) => "attached",
            StepKind::Op(Op::Unbind(_), _) => "unbound",
            _ => continue,
        };
        sink.report(
            Diagnostic::new(
                Code::Inability,
                format!("a `{}` device cannot be {word}", kind.name),
            )
            .label(step.span, "it sits on no bus, so it never has a driver")
            .label(used.span, "the suite asks for it here")
            .help("put the scenario into a suite of kinds with a bus"),
        );
    }
}

fn references(unit: &Unit, suite: &Suite, scenario: &Scenario, sink: &mut Sink) {
    let Some(&used) = suite.kinds.first() else {
        return;
    };
    expand::with_program(unit, scenario, used, |program| {
        let mut holdings = Holdings::new();
        for step in &scenario.steps {
            let StepKind::Op(op, _) = step.kind else {
                continue;
            };
            if let Err(dev) = holdings.apply(program, op) {
                let name = program.device(dev).name;
                sink.report(
                    Diagnostic::new(
                        Code::NoReference,
                        format!("the action puts `{name}`, but there is no reference for it"),
                    )
                    .label(
                        step.span,
                        "takes over one of the scenario's references when it is added",
                    )
                    .help(format!(
                        "`get {name}` before it; the reference of `register` goes with `unregister`"
                    )),
                );
            }
        }
    });
}

fn deviations(scenario: &Scenario, sink: &mut Sink) {
    scenario
        .expectations()
        .for_each(|expectation| each_deviation(expectation, sink));
}

fn each_deviation(expectation: &Expectation, sink: &mut Sink) {
    for (index, deviation) in expectation.deviations.iter().enumerate() {
        if deviation.claim == expectation.claim {
            sink.report(
                Diagnostic::new(
                    Code::Deviation,
                    "the deviation says the same as the contract",
                )
                .label(deviation.span, "no different")
                .help("leave it out, or say what a kernel without the fix does instead"),
            );
        }
        let overlaps = |other: &&crate::ir::Deviation| {
            other.fix == deviation.fix
                && (other.bound.is_none()
                    || deviation.bound.is_none()
                    || other.bound == deviation.bound)
        };
        if let Some(first) = expectation.deviations[..index].iter().find(overlaps) {
            sink.report(
                Diagnostic::new(
                    Code::Deviation,
                    format!(
                        "two deviations speak of the same kernels without {}",
                        deviation.fix
                    ),
                )
                .label(deviation.span, "the second")
                .label(first.span, "the first"),
            );
        }
    }
}
