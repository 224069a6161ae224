//! What the names alone do not tell: whether kinds can do what is asked of them,
//! whether references are there to be taken over, and whether lifetimes go wrong.

mod abilities;
mod collisions;
mod kind_c;
mod lifetime;

use rayon::prelude::*;

use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Sink};
use crate::emit::kunit::is_fallible;
use crate::expand;
use crate::ir::{
    Condition, Deviation, Expectation, Refused, Scenario, Step, StepKind, Suite, Unit,
};
use crate::sim::{ActionId, Callback, Claim, DeviceId, DriverId, Holdings, Op, Sort};

/// Checks a unit. What would only follow from an earlier error is not looked at: the
/// references of a scenario of which a statement is missing, say. Scenarios that were looked at
/// and refused are marked.
pub fn check(unit: &mut Unit, sink: &mut Sink) {
    unit.kinds.iter().for_each(|kind| kind_c::check(kind, sink));
    collisions::check(unit, sink);
    for number in 0..unit.suites.len() {
        let suite = &unit.suites[number];
        let before = sink.count();
        abilities::of_kinds(unit, &suite.kinds, sink);
        let are_whole = suite
            .kinds_of_devices()
            .all(|(kind, _)| unit.kind(kind).whole);
        let kinds_are_able = are_whole && sink.count() == before;
        // Side by side; what is said of them stands in their order.
        let scenarios = suite.scenarios.par_iter();
        let sinks: Vec<Sink> = scenarios
            .map(|scenario| of_scenario(unit, suite, scenario, kinds_are_able))
            .collect();
        for (scenario, found) in unit.suites[number].scenarios.iter_mut().zip(sinks) {
            scenario.refused = if found.has(Code::Race) {
                Some(Refused::Race)
            } else if found.has(Code::Fault) || found.has(Code::NoFault) {
                Some(Refused::Lifetime)
            } else {
                None
            };
            sink.append(found);
        }
    }
}

fn of_scenario(unit: &Unit, suite: &Suite, scenario: &Scenario, kinds_are_able: bool) -> Sink {
    let mut found = Sink::default();
    in_scenario(unit, suite, scenario, kinds_are_able, &mut found);
    found.are_of(0, scenario.order.as_ref());
    found
}

fn in_scenario(
    unit: &Unit,
    suite: &Suite,
    scenario: &Scenario,
    kinds_are_able: bool,
    sink: &mut Sink,
) {
    deviations(scenario, sink);
    if !scenario.whole {
        return;
    }
    abilities::of_scenario(unit, suite, scenario, sink);
    if !kinds_are_able {
        return;
    }
    too_early(scenario, sink);
    // In another order it may be reached.
    if scenario.order.is_none() {
        after_a_fault(scenario, sink);
    }
    references(unit, suite, scenario, sink);
    if sink.count() == 0 {
        lifetime::check(unit, suite, scenario, sink);
    }
    if sink.count() == 0 {
        unused(scenario, sink);
    }
}

/// Whether the kinds of a suite can do and be what a scenario asks of them.
pub fn abilities(unit: &Unit, suite: &Suite, scenario: &Scenario, sink: &mut Sink) {
    abilities::of_kinds(unit, &suite.kinds, sink);
    abilities::of_scenario(unit, suite, scenario, sink);
}

/// Checks a unit of which nobody knows yet what comes of it: only whether kinds can do and be what is
/// asked of them, and whether there can be C.
pub fn question(unit: &Unit, sink: &mut Sink) {
    unit.kinds.iter().for_each(|kind| kind_c::check(kind, sink));
    collisions::check(unit, sink);
    for suite in &unit.suites {
        abilities::of_kinds(unit, &suite.kinds, sink);
        for scenario in suite.scenarios.iter().filter(|scenario| scenario.whole) {
            let mut found = Sink::default();
            abilities::of_scenario(unit, suite, scenario, &mut found);
            found.are_of(0, scenario.order.as_ref());
            sink.append(found);
        }
    }
}

/// Expectations about a device that is not there: nothing can be known of it.
fn too_early(scenario: &Scenario, sink: &mut Sink) {
    let comes = |op: Op| match op {
        Op::Register(device) | Op::Init(device) => Some(device),
        _ => None,
    };
    for (index, step) in scenario.steps.iter().enumerate() {
        let (expectation, before) = match &step.kind {
            StepKind::Expect(expectation) => (expectation, &scenario.steps[..index]),
            StepKind::Finally(expectation) => (expectation, &scenario.steps[..]),
            StepKind::Op(..) | StepKind::Fault(_) => continue,
        };
        let claims = expectation
            .deviations
            .iter()
            .map(|d| d.claim)
            .chain([expectation.claim]);
        let is_there = |device: DeviceId| {
            let op = |step: &Step| match step.kind {
                StepKind::Op(op, _) => comes(op),
                _ => None,
            };
            // What a callback registers may be there at any time.
            let bodies = scenario.bodies().filter_map(comes);
            let steps = before.iter().filter_map(op);
            steps.chain(bodies).any(|known| known == device)
        };
        if let Some(device) = claims
            .filter_map(Claim::device)
            .find(|&device| !is_there(device))
        {
            let name = &scenario.devices[usize::from(device.0)].name;
            let (what, help) = match step.kind {
                StepKind::Finally(_) => (
                    format!("`{name}` is never registered"),
                    format!("say `register {name}`"),
                ),
                _ => (
                    format!("`{name}` is not there yet"),
                    format!("expect it after `register {name}`"),
                ),
            };
            sink.report(
                Diagnostic::new(Code::WrongSort, what)
                    .label(
                        step.span,
                        "before it is registered, nothing can be known of it",
                    )
                    .help(help),
            );
        }
    }
}

fn references(unit: &Unit, suite: &Suite, scenario: &Scenario, sink: &mut Sink) {
    let Some(&used) = suite.kinds.first() else {
        return;
    };
    expand::with_program(unit, scenario, used, |program| {
        let mut holdings = Holdings::new();
        for op in program.set_up() {
            let _ = holdings.apply(program, op, None);
        }
        for (index, step) in scenario.steps.iter().enumerate() {
            let StepKind::Op(op, fails) = step.kind else {
                continue;
            };
            if fails.is_some() && !is_fallible(scenario, op) {
                let op = program.describe(op);
                sink.report(
                    Diagnostic::new(Code::WrongSort, format!("`{op}` returns nothing"))
                        .label(step.span, "so it cannot fail")
                        .help("leave `fails` out; what the kernel says of it is `expect warning`"),
                );
            }
            let next = scenario.steps.get(index + 1).map(|next| &next.kind);
            let faults = matches!(next, Some(StepKind::Fault(_)));
            if let Op::Put(dev) = op
                && !faults
                && holdings.owns_none(program, dev)
            {
                let name = program.device(dev).name;
                sink.report(
                    Diagnostic::new(
                        Code::NoReference,
                        format!("the scenario owns no reference of `{name}`"),
                    )
                    .label(step.span, "so this drops somebody else's")
                    .help(format!(
                        "`get {name}` before it; the reference of `register` goes with `unregister`. \
                         If it is about what goes wrong then, say that behind it: `expect fault use_after_free on {name}`{}",
                        nothing_is_left(scenario, dev)
                    )),
                );
            }
            if let Err(dev) = holdings.apply(program, op, fails) {
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

/// What to say of a device whose registration the scenario has fail.
fn nothing_is_left(scenario: &Scenario, dev: DeviceId) -> &'static str {
    let fails =
        |step: &Step| matches!(step.kind, StepKind::Op(Op::Register(id), Some(_)) if id == dev);
    match scenario.steps.iter().any(fails) {
        true => {
            "\na `register` that fails leaves nothing behind: where device_register() does, say `init` \
             and `add ... fails`"
        }
        false => "",
    }
}

/// What says nothing: actions of which nothing is expected and which do nothing, devices
/// that never come to be, drivers that are never registered.
fn unused(scenario: &Scenario, sink: &mut Sink) {
    let claims = scenario.expectations().flat_map(|expectation| {
        let deviations = expectation.deviations.iter().map(|d| d.claim);
        deviations.chain([expectation.claim])
    });
    let expected: Vec<Callback> = claims.flat_map(Claim::callbacks).collect();
    let ops: Vec<Op> = scenario.operations().collect();
    let mut warn = |what: String, span, why: &str, help: String| {
        sink.report(
            Diagnostic::new(Code::Unused, what)
                .label(span, why)
                .help(help),
        );
    };
    for (action, id) in scenario.actions.iter().zip(0..) {
        let id = ActionId(id);
        let name = &action.name;
        if matches!(action.sort, Sort::Memory | Sort::Unmanaged) {
            let is_used = [Op::UseMemory, Op::Realloc, Op::Free].map(|op| op(id));
            let is_used = is_used.iter().any(|op| ops.contains(op));
            let is_used =
                is_used || action.sort == Sort::Memory && keeps_drivers_away(scenario, id);
            if !is_used {
                warn(
                    format!("`{name}` is never used"),
                    action.span,
                    "it makes no difference",
                    format!("say `use {name}`, or leave it out"),
                );
            }
            continue;
        }
        let does = [
            Op::RemoveAction,
            Op::ReleaseAction,
            Op::DestroyResource,
            Op::FindResource,
            Op::AddResource,
            Op::Free,
            Op::UseMemory,
        ];
        let is_used = expected.contains(&id.into())
            || !action.body.is_empty()
            || keeps_drivers_away(scenario, id)
            || does.map(|op| op(id)).iter().any(|op| ops.contains(op));
        if !is_used {
            warn(
                format!("nothing is expected of `{name}`"),
                action.span,
                "it does nothing either",
                format!("say `expect {name} ran` or `expect {name} not run`, or leave it out"),
            );
        }
    }
    for (device, id) in scenario.devices.iter().zip(0..).skip(1) {
        let id = DeviceId(id);
        if !ops.contains(&Op::Register(id)) && !ops.contains(&Op::Init(id)) {
            let name = &device.name;
            warn(
                format!("`{name}` is never registered"),
                device.name_span,
                "so it is never there",
                format!("say `register {name}`, or leave it out"),
            );
        }
    }
    for (driver, id) in scenario.drivers.iter().zip(0..) {
        if !ops.contains(&Op::RegisterDriver(DriverId(id))) {
            let name = &driver.name;
            warn(
                format!("`{name}` is never registered"),
                driver.span,
                "so nothing is ever bound to it",
                format!("say `register {name}`, or leave it out"),
            );
        }
    }
}

/// Whether an action is on a device before something looks for its driver: that fails then, with
/// resources present before probing.
fn keeps_drivers_away(scenario: &Scenario, id: ActionId) -> bool {
    let ops = scenario.steps.iter().filter_map(|step| match step.kind {
        StepKind::Op(op, _) => Some(op),
        _ => None,
    });
    let dev = scenario.actions[usize::from(id.0)].on;
    let binds = |op| match op {
        Op::Register(on) | Op::Add(on) | Op::Attach(on) | Op::Bind(on, _) => on == dev,
        Op::RegisterDriver(_) => true,
        _ => false,
    };
    ops.skip_while(|&op| op != Op::AddAction(id)).any(binds)
}

/// What comes after a fault that every case runs into is never reached.
fn after_a_fault(scenario: &Scenario, sink: &mut Sink) {
    let ends = |step: &Step| matches!(&step.kind, StepKind::Fault(fault) if fault.is_certain());
    let Some(end) = scenario.steps.iter().position(ends) else {
        return;
    };
    let rest = &scenario.steps[end + 1..];
    if let Some(next) = rest
        .iter()
        .find(|step| !matches!(step.kind, StepKind::Fault(_)))
    {
        sink.report(
            Diagnostic::new(Code::WrongSort, "nothing comes after a fault")
                .label(next.span, "this is never reached")
                .label(scenario.steps[end].span, "every case ends here")
                .help("put it before the operation that runs into the fault, or leave it out"),
        );
    }
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
        } else if !deviation.claim.excludes(expectation.claim) {
            sink.report(
                Diagnostic::new(
                    Code::Deviation,
                    "where the deviation holds the contract may hold as well",
                )
                .label(deviation.span, "does not contradict it")
                .help("say what cannot be where the contract holds, such as `alive` for `freed`"),
            );
        }
        let overlaps = |other: &&Deviation| {
            other.fix == deviation.fix && overlap(&other.condition, &deviation.condition)
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

/// Whether there may be a kind that both speak of.
fn overlap(a: &Condition, b: &Condition) -> bool {
    match (a, b) {
        (Condition::Always, _) | (_, Condition::Always) => true,
        (Condition::Bound(a), Condition::Bound(b)) => a == b,
        (Condition::On(kinds), other) | (other, Condition::On(kinds)) => {
            kinds.iter().any(|kind| other.applies(kind))
        }
    }
}
