//! The time line of a scenario as calls of a session.

use super::case;
use super::layout::{SHORT, chain};
use super::program::{claim_path, errno_path, fault_path, method, op_path};
use crate::expand::{self, CaseStep, CaseStepKind};
use crate::ir::{Condition, Expectation, FaultExpectation, KindUse, Scenario, Suite, Unit};
use crate::sim::{Claim, Errno, Op, Program};

/// The lines of the function's body, from the first operation of the scenario on.
pub(super) fn steps(
    unit: &Unit,
    suite: &Suite,
    scenario: &Scenario,
    program: &Program<'_>,
) -> Vec<String> {
    let writer = Writer { unit, program };
    let mut lines = Vec::new();
    let time_line = expand::time_line(suite, scenario, program);
    for (index, step) in time_line.iter().enumerate() {
        // What is set up, and what the scenario gives up at its end, the session does.
        if step.span == suite.span || step.span == scenario.span {
            continue;
        }
        let line = unit.line(step.span);
        match step.kind {
            CaseStepKind::Op(op, fails) => {
                lines.extend(writer.announcements(&time_line[index + 1..]));
                lines.extend(writer.operation(line, op, fails));
            }
            CaseStepKind::Expect(expectation) => lines.extend(writer.expect(line, expectation)),
            CaseStepKind::Fault(_) | CaseStepKind::GiveUp => {}
        }
    }
    let end = unit.line(scenario.span);
    if scenario.has_finally() {
        lines.push(format!("s.at({end}).give_up();"));
    }
    for (span, expectation) in expand::finally(scenario) {
        lines.extend(writer.expect(unit.line(span), expectation));
    }
    lines.push(format!("s.at({end}).finish();"));
    lines
}

struct Writer<'w> {
    unit: &'w Unit,
    program: &'w Program<'w>,
}

impl Writer<'_> {
    fn operation(&self, line: u32, op: Op, fails: Option<Errno>) -> Vec<String> {
        let call = match fails {
            Some(errno) => {
                let (op, errno) = (op_path(self.program, op), errno_path(errno));
                format!(".fails({op}, {errno});")
            }
            None => format!(".{};", method(self.program, op)),
        };
        chain(vec![format!("s.at({line})"), call])
    }

    /// Faults are announced before the operation that runs into them.
    fn announcements(&self, rest: &[CaseStep<'_>]) -> Vec<String> {
        let mut lines = Vec::new();
        for step in rest {
            let CaseStepKind::Fault(fault) = step.kind else {
                break;
            };
            let line = self.unit.line(step.span);
            let what = fault_path(self.program, fault.fault);
            let call = chain(vec![format!("s.at({line})"), format!(".announce({what});")]);
            match self.fault_condition(fault) {
                Some(condition) => {
                    lines.push(format!("if {condition} {{"));
                    lines.extend(indented(call));
                    lines.push("}".to_owned());
                }
                None => lines.extend(call),
            }
        }
        lines
    }

    fn fault_condition(&self, fault: &FaultExpectation) -> Option<String> {
        let lacks = fault.without.map(|fix| format!("case.lacks(Fix::{fix:?})"));
        let absent = fault.absent.as_ref().map(|(fix, when)| {
            let lacks = format!("case.lacks(Fix::{fix:?})");
            match self.condition(when) {
                Some(when) => format!("!({lacks} && {when})"),
                None => format!("!{lacks}"),
            }
        });
        let parts: Vec<String> = lacks
            .into_iter()
            .chain(self.condition(&fault.condition))
            .chain(absent)
            .collect();
        (!parts.is_empty()).then(|| parts.join(" && "))
    }

    fn condition(&self, condition: &Condition) -> Option<String> {
        let case = |used: &KindUse| case(self.unit, used);
        match condition {
            Condition::Always => None,
            Condition::Bound(true) => Some("case.is_bound()".to_owned()),
            Condition::Bound(false) => Some("!case.is_bound()".to_owned()),
            Condition::On(kinds) => {
                let cases: Vec<String> = kinds.iter().map(case).collect();
                Some(format!("case.is_on(&[{}])", cases.join(", ")))
            }
        }
    }

    fn expect(&self, line: u32, expectation: &Expectation) -> Vec<String> {
        let word = if expectation.negated {
            "expect_not"
        } else {
            "expect"
        };
        let say = |claim: Claim| {
            let claim = claim_path(self.program, claim);
            let arguments = claim.split_once('(').and_then(|(head, rest)| {
                let (first, second) = rest.strip_suffix(')')?.split_once(", ")?;
                Some((head, first, second))
            });
            match arguments {
                // rustfmt's `fn_call_width`: the claim's arguments get lines of their own.
                Some((head, first, second)) if claim.len() > SHORT => vec![
                    format!("s.at({line}).{word}({head}("),
                    format!("    {first},"),
                    format!("    {second},"),
                    "));".to_owned(),
                ],
                _ => chain(vec![format!("s.at({line})"), format!(".{word}({claim});")]),
            }
        };
        let mut lines = Vec::new();
        for deviation in &expectation.deviations {
            let condition = self.condition(&deviation.condition);
            let condition = condition.map_or(String::new(), |also| format!(" && {also}"));
            let open = if lines.is_empty() { "if" } else { "} else if" };
            lines.push(format!(
                "{open} case.lacks(Fix::{:?}){condition} {{",
                deviation.fix
            ));
            lines.extend(indented(say(deviation.claim)));
        }
        if lines.is_empty() {
            return say(expectation.claim);
        }
        lines.push("} else {".to_owned());
        lines.extend(indented(say(expectation.claim)));
        lines.push("}".to_owned());
        lines
    }
}

fn indented(lines: Vec<String>) -> impl Iterator<Item = String> {
    lines.into_iter().map(|line| format!("    {line}"))
}
