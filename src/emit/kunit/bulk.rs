//! C that runs programs from a table: one operation of each a byte. What an operation is in C is
//! what it is in a test; what happens is hashed instead of printed.

use super::scenario::{Emitter, Shared};
use super::{Bulk, File};
use crate::emit::lines::Lines;
use crate::emit::{Options, names};
use crate::expand;
use crate::ir::{Suite, Unit};
use crate::sim::Op;

/// Programs for the C to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programs {
    /// The folder of the table of each suite, `NAME.bin` by the name of its C file.
    pub folder: String,
    /// How many programs have one hash.
    pub batch: usize,
    /// What tells the tables from others, so that they are built in anew.
    pub digest: String,
    /// The operations by suite, in the order of their numbers.
    pub ops: Vec<(String, Vec<Op>)>,
}

impl Programs {
    /// The operations of a suite.
    pub fn ops(&self, suite: &Suite) -> &[Op] {
        let mut known = self.ops.iter();
        known
            .find(|(name, _)| *name == suite.name)
            .map_or(&[], |(_, ops)| ops)
    }
}

/// Puts the interpreter into a file in the place of its tests.
pub(super) fn interpreter<'s>(
    unit: &Unit,
    suite: &'s Suite,
    table: &Programs,
    options: &Options,
    file: &mut File<'s>,
) {
    let Some((scenario, &used)) = suite.scenarios.first().and_then(|scenario| {
        // The driver of the state bound is one of a program's on such a kind only.
        let bound = scenario.kinds.iter().find(|used| used.bound);
        Some((scenario, bound.or(scenario.kinds.first())?))
    }) else {
        return;
    };
    let options = &Options {
        trace: true,
        ..options.clone()
    };
    let (cases, set_up) = expand::with_program(unit, scenario, used, |program| {
        let mut emitter = Emitter {
            unit,
            suite,
            scenario,
            program,
            options,
            shared: &Shared::of(suite),
            file,
        };
        emitter.fields_and_callbacks();
        let mut cases = Lines::default();
        for (number, &op) in table.ops(suite).iter().enumerate() {
            if !program.has(op) {
                continue;
            }
            emitter.file.uses.note(op);
            emitter.file.uses.note_memory(scenario, op);
            emitter.file.uses.halves |= matches!(op, Op::Init(_) | Op::Add(_) | Op::Del(_));
            cases.line(format_args!(
                "\tcase {number}: /* {} */",
                program.describe(op)
            ));
            let mut lines = Lines::default();
            emitter.body_op(&mut lines, op);
            cases.indented(&lines);
            cases.text("\t\tbreak;\n");
        }
        let mut set_up = Lines::default();
        emitter.set_up(&mut set_up);
        (cases, set_up)
    });
    let c_file = names::c_file(suite);
    file.bulk = Some(Bulk {
        programs: format!("{}/{c_file}.bin", table.folder),
        digest: table.digest.clone(),
        batch: table.batch,
        cases,
        set_up,
    });
    file.tests.text("\tKUNIT_CASE_PARAM(bulk_test,\n");
    let params = format_args!("\t\t\t {}_gen_params),", file.kunit_name);
    file.tests.line(params);
    // It comes and goes with the programs.
    file.uses.tear_down = false;
    file.uses.bodies = true;
}
