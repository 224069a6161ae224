//! What a case is, as a short hash of its content: two cases with the same one are the
//! same test, whatever their names, comments and files.
//!
//! It has two halves, since a case is a scenario on a kind: `SCENARIO.KIND`. The first
//! changes with the operations and expectations, the second with what the simulator
//! knows of the kind and its state.

use sha2::{Digest, Sha256};

use crate::emit::lines::Lines;
use crate::expand;
use crate::ir::{
    Condition, Deviation, Device, Expectation, FaultExpectation, Kind, KindUse, Scenario, StepKind,
    Unit,
};
use crate::sim::{Drivers, Handles, Program, Sort};

/// Hex digits of each half.
const DIGITS: usize = 8;

/// The hash of a case: those of its scenario and its kind.
pub fn case(unit: &Unit, scenario: &Scenario, used: &KindUse) -> String {
    format!("{}.{}", self::scenario(unit, scenario), kind(unit, used))
}

/// The hash of a kind in a state.
pub fn kind(unit: &Unit, used: &KindUse) -> String {
    let mut text = kind_text(unit.kind(used.kind));
    if used.bound {
        text += " bound";
    }
    if let Some(parent) = used.parent {
        text += &format!(" below ({})", kind_text(unit.kind(parent)));
    }
    digest(&text)
}

/// The hash of a scenario, whatever it runs on.
pub fn scenario(unit: &Unit, scenario: &Scenario) -> String {
    let Some(&used) = scenario.kinds.first() else {
        return digest("");
    };
    // The same on every kind: what a kind adds stands behind what the scenario declares.
    let text = expand::with_program(unit, scenario, used, |program| {
        scenario_text(unit, scenario, program)
    });
    digest(&text)
}

fn kind_text(kind: &Kind) -> String {
    let mut text = format!(
        "bus {}, class {}, parent {}",
        kind.on_bus,
        kind.in_class,
        kind.in_simulator().has_parent
    );
    // What a kind leaves out says nothing: so the tests of others keep their names.
    if kind.drivers != Drivers::default() {
        text += &format!(", {:?}", kind.drivers);
    }
    if kind.handles != Handles::None {
        text += &format!(", {:?}", kind.handles);
    }
    if kind.waits {
        text += ", waits";
    }
    text
}

fn scenario_text(unit: &Unit, scenario: &Scenario, program: &Program<'_>) -> String {
    let mut lines = Lines::default();
    let kind = |device: &Device| {
        let kind = device.kind.map(|id| kind_text(unit.kind(id)));
        kind.unwrap_or_else(|| "of the suite".to_owned())
    };
    for device in &scenario.devices {
        let parent = device.parent.map(|id| program.device(id).name);
        lines.line(format_args!(
            "device {} ({}) bound {} below {parent:?}",
            device.name,
            kind(device),
            device.bound
        ));
    }
    let body = |ops: &[crate::sim::Op]| -> Vec<String> {
        ops.iter().map(|&op| program.describe(op)).collect()
    };
    for driver in &scenario.drivers {
        let devices = program.names(driver.devices).join(", ");
        lines.line(format_args!("driver {} for {devices}", driver.name));
        for probe in &driver.probes {
            let error = probe.error.map(|errno| errno.name());
            let (attempt, ops) = (probe.attempt, body(&probe.body));
            lines.line(format_args!("probe {attempt:?} {ops:?} {error:?}"));
        }
        lines.line(format_args!("remove {:?}", body(&driver.remove)));
    }
    for action in &scenario.actions {
        let on = program.device(action.on).name;
        let (name, body) = (&action.name, body(&action.body));
        match action.sort {
            Sort::Action => lines.line(format_args!("action {name} on {on} {body:?}")),
            Sort::OfObject => lines.line(format_args!("action {name} on {on}.object {body:?}")),
            sort => lines.line(format_args!("{sort:?} {name} on {on} {body:?}")),
        }
    }
    let absent = |fault: &FaultExpectation| {
        let absent = fault.absent.as_ref();
        let absent = absent.map(|(fix, when)| format!(" but no {fix} {}", condition(unit, when)));
        absent.unwrap_or_default()
    };
    for step in &scenario.steps {
        match &step.kind {
            StepKind::Op(op, fails) => {
                let fails = fails.map(|errno| errno.name());
                lines.line(format_args!("{} fails {fails:?}", program.describe(*op)));
            }
            StepKind::Expect(expectation) => {
                let expected = expected(unit, program, expectation);
                lines.line(format_args!("expect {expected}"));
            }
            StepKind::Finally(expectation) => {
                let expected = expected(unit, program, expectation);
                lines.line(format_args!("finally {expected}"));
            }
            StepKind::Fault(fault) => lines.line(format_args!(
                "fault {} without {:?} {}{}",
                fault.fault.describe(program),
                fault.without.map(crate::sim::Fix::commit),
                condition(unit, &fault.condition),
                absent(fault)
            )),
        }
    }
    lines.without_end()
}

fn expected(unit: &Unit, program: &Program<'_>, expectation: &Expectation) -> String {
    let deviation = |deviation: &Deviation| {
        format!(
            " but {} without {} {}",
            deviation.claim.describe(program),
            deviation.fix,
            condition(unit, &deviation.condition)
        )
    };
    let deviations: String = expectation.deviations.iter().map(deviation).collect();
    format!(
        "{} {}{deviations}",
        !expectation.negated,
        expectation.claim.describe(program)
    )
}

fn condition(unit: &Unit, condition: &Condition) -> String {
    match condition {
        Condition::Always => String::new(),
        Condition::Bound(bound) => format!("bound {bound}"),
        Condition::On(kinds) => kinds.iter().map(|used| kind(unit, used)).collect(),
    }
}

fn digest(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes())[..DIGITS / 2])
}

/// Bytes as digits: how a digest is written everywhere.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |four: u8| char::from_digit(four.into(), 16);
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits.filter_map(digit).collect()
}
