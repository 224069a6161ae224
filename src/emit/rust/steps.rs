//! The time line of a scenario as calls of a session.

use std::fmt;

use super::layout::SHORT;
use super::program::{Constants, claim_path, errno_path, fault_path, method, op_path};
use super::{INDENT, case};
use crate::emit::lines::Lines;
use crate::expand::{self, CaseStep, CaseStepKind};
use crate::ir::{Condition, Expectation, FaultExpectation, KindUse, Scenario, Suite, Unit};
use crate::sim::{Claim, Errno, Op, Program};

/// The lines of the function's body, from the first operation of the scenario on.
pub(super) fn steps(
    unit: &Unit,
    suite: &Suite,
    scenario: &Scenario,
    program: &Program<'_>,
    constants: &Constants,
    lines: &mut Lines,
) {
    let mut writer = Writer {
        unit,
        constants,
        lines,
    };
    let time_line = expand::time_line(suite, scenario, program);
    for (index, step) in time_line.iter().enumerate() {
        // What is set up, and what the scenario gives up at its end, the session does.
        if step.span == suite.span || step.span == scenario.span {
            continue;
        }
        let line = unit.line(step.span);
        match step.kind {
            CaseStepKind::Op(op, fails) => {
                writer.announcements(&time_line[index + 1..]);
                writer.operation(line, op, fails);
            }
            CaseStepKind::Expect(expectation) => writer.expect(line, expectation),
            CaseStepKind::Fault(_) | CaseStepKind::GiveUp => {}
        }
    }
    let end = unit.line(scenario.span);
    if scenario.has_finally() {
        writer.at(0, end, format_args!(".give_up();"));
    }
    for (span, expectation) in expand::finally(scenario) {
        writer.expect(unit.line(span), expectation);
    }
    writer.at(0, end, format_args!(".finish();"));
}

struct Writer<'w> {
    unit: &'w Unit,
    constants: &'w Constants,
    lines: &'w mut Lines,
}

impl Writer<'_> {
    /// A call of the session's, which is told the line that it is about.
    fn at(&mut self, deeper: usize, line: u32, call: fmt::Arguments<'_>) {
        let indent = INDENT.len() + deeper;
        self.lines.chain(indent, format_args!("s.at({line})"), call);
    }

    fn operation(&mut self, line: u32, op: Op, fails: Option<Errno>) {
        match fails {
            Some(errno) => {
                let (op, errno) = (op_path(self.constants, op), errno_path(errno));
                self.at(0, line, format_args!(".fails({op}, {errno});"));
            }
            None => {
                let method = method(self.constants, op);
                self.at(0, line, format_args!(".{method};"));
            }
        }
    }

    /// Faults are announced before the operation that runs into them.
    fn announcements(&mut self, rest: &[CaseStep<'_>]) {
        for step in rest {
            let CaseStepKind::Fault(fault) = step.kind else {
                break;
            };
            let line = self.unit.line(step.span);
            let what = fault_path(self.constants, fault.fault);
            let call = format_args!(".announce({what});");
            match self.fault_condition(fault) {
                Some(condition) => {
                    self.lines.line(format_args!("{INDENT}if {condition} {{"));
                    self.at(4, line, call);
                    self.lines.line(format_args!("{INDENT}}}"));
                }
                None => self.at(0, line, call),
            }
        }
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

    fn expect(&mut self, line: u32, expectation: &Expectation) {
        let mut branches = 0;
        for deviation in &expectation.deviations {
            let condition = self.condition(&deviation.condition);
            let condition = condition.map_or(String::new(), |also| format!(" && {also}"));
            let open = if branches == 0 { "if" } else { "} else if" };
            let fix = deviation.fix;
            let branch = format_args!("{INDENT}{open} case.lacks(Fix::{fix:?}){condition} {{");
            self.lines.line(branch);
            self.claim(4, line, deviation.claim, expectation.negated);
            branches += 1;
        }
        if branches == 0 {
            return self.claim(0, line, expectation.claim, expectation.negated);
        }
        self.lines.line(format_args!("{INDENT}}} else {{"));
        self.claim(4, line, expectation.claim, expectation.negated);
        self.lines.line(format_args!("{INDENT}}}"));
    }

    fn claim(&mut self, deeper: usize, line: u32, claim: Claim, negated: bool) {
        let word = if negated { "expect_not" } else { "expect" };
        let claim = claim_path(self.constants, claim);
        let arguments = claim.split_once('(').and_then(|(head, rest)| {
            let (first, second) = rest.strip_suffix(')')?.split_once(", ")?;
            Some((head, first, second))
        });
        match arguments {
            // rustfmt's `fn_call_width`: the claim's arguments get lines of their own.
            Some((head, first, second)) if claim.len() > SHORT => {
                let indent = " ".repeat(INDENT.len() + deeper);
                self.lines
                    .line(format_args!("{indent}s.at({line}).{word}({head}("));
                self.lines.line(format_args!("{indent}    {first},"));
                self.lines.line(format_args!("{indent}    {second},"));
                self.lines.line(format_args!("{indent}));"));
            }
            _ => self.at(deeper, line, format_args!(".{word}({claim});")),
        }
    }
}
