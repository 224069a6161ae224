//! What a scenario expects, in C: a claim, and what holds instead of it on some kernels and kinds.

use super::condition::{Reach, branch};
use super::scenario::Emitter;
use super::uses::may_never_be;
use crate::emit::Broken;
use crate::emit::lines::Lines;
use crate::emit::names::{self, Joined};
use crate::ir::{Deviation, Expectation};
use crate::sim::{Callback, Claim, Sort};

impl<'e> Emitter<'e, '_> {
    pub(super) fn expect(&mut self, lines: &mut Lines, expectation: &Expectation) {
        let negated = expectation.negated;
        let mut otherwise = expectation.claim;
        let mut branches = false;
        for deviation in &expectation.deviations {
            let reach = self.deviates(deviation);
            if self.options.broken != Broken::Expect || reach == Reach::None {
                continue;
            }
            let Some(condition) = reach.condition() else {
                otherwise = deviation.claim;
                break;
            };
            let open = if branches { "\t} else if" } else { "\tif" };
            branch(lines, open, condition, ") {");
            branches = true;
            lines.line(format_args!("\t\t/* without {} */", deviation.fix));
            self.claim(lines, "\t\t", deviation.claim, negated);
        }
        if !branches {
            return self.claim(lines, "\t", otherwise, negated);
        }
        lines.text("\t} else {\n");
        self.claim(lines, "\t\t", otherwise, negated);
        lines.text("\t}\n");
    }

    /// How often a callback ran.
    fn count(&self, callback: Callback) -> Joined<'e> {
        match callback {
            Callback::Action(id) => self.ran(id),
            Callback::Probe(id) => self.driver(id).between("ctx.", ".counts.probes"),
            Callback::Remove(id) => self.driver(id).between("ctx.", ".counts.removes"),
            Callback::ProbeOf(id) => self.device(id).between("ctx.", ".counts.probes"),
            Callback::RemoveOf(id) => self.device(id).between("ctx.", ".counts.removes"),
        }
    }

    /// When a callback last ran.
    fn last(&self, callback: Callback) -> Joined<'e> {
        match callback {
            Callback::Action(id) => {
                names::c_ran_at(self.program.action(id).name).between("ctx.", "")
            }
            Callback::Probe(id) => self.driver(id).between("ctx.", ".counts.probed_at"),
            Callback::Remove(id) => self.driver(id).between("ctx.", ".counts.removed_at"),
            Callback::ProbeOf(id) => self.device(id).between("ctx.", ".counts.probed_at"),
            Callback::RemoveOf(id) => self.device(id).between("ctx.", ".counts.removed_at"),
        }
    }

    /// One expectation in C.
    fn claim(&mut self, lines: &mut Lines, tabs: &str, claim: Claim, negated: bool) {
        let equal = if negated {
            "KUNIT_EXPECT_NE"
        } else {
            "KUNIT_EXPECT_EQ"
        };
        let truth = |wanted| {
            if wanted {
                "KUNIT_EXPECT_TRUE"
            } else {
                "KUNIT_EXPECT_FALSE"
            }
        };
        let test = Joined::from("test");
        let mut ran = |callback, times: u8| {
            let times = times.to_string();
            let args = [test, self.count(callback), times.as_str().into()];
            lines.call(tabs, equal, &args, ";");
        };
        match claim {
            Claim::Ran(callback) => ran(callback, 1),
            Claim::RanTimes(callback, times) => ran(callback, times),
            Claim::NotRun(callback) => ran(callback, 0),
            Claim::RanAsAdded(id) => {
                let name = self.program.action(id).name;
                let added = match self.program.action(id).sort {
                    Sort::Resource => names::c_memory(name).between("ctx.", ".added"),
                    _ => names::c_added(name).between("ctx.", ""),
                };
                lines.call(tabs, equal, &[test, self.ran(id), added], ";");
            }
            Claim::GivenUp(id) => {
                let memory = names::c_memory(self.program.action(id).name);
                let owned = memory.between("ctx.", ".owned");
                lines.call(tabs, truth(negated), &[test, owned], ";");
            }
            Claim::Before(first, second) => {
                let order = ("ran_before", [self.last(first), self.last(second)]);
                lines.nested(tabs, truth(!negated), "test", order, ";");
            }
            Claim::Refs(id, more) => {
                self.file.uses.refs = true;
                let refs = self.device(id).between("more_refs(&ctx.", ")");
                let more = more.to_string();
                lines.call(tabs, equal, &[test, refs, more.as_str().into()], ";");
            }
            Claim::Bound(id) | Claim::Unbound(id) => {
                self.file.uses.bound = true;
                let bound = self.device(id).between("is_bound(&ctx.", ")");
                let wanted = matches!(claim, Claim::Bound(_)) != negated;
                lines.call(tabs, truth(wanted), &[test, bound], ";");
            }
            // One that was never there is not alive, and not freed.
            Claim::Alive(id) | Claim::Gone(id) if may_never_be(self.scenario, id) => {
                self.file.uses.alive = true;
                let alive = self.device(id).between("is_alive(&ctx.", ")");
                let wanted = matches!(claim, Claim::Alive(_)) != negated;
                lines.call(tabs, truth(wanted), &[test, alive], ";");
            }
            Claim::Warned | Claim::NotWarned => {
                let wanted = matches!(claim, Claim::Warned) != negated;
                lines.call(tabs, truth(wanted), &[test, "has_warned()".into()], ";");
            }
            Claim::Freed(id) | Claim::Gone(id) | Claim::Alive(id) => {
                self.file.uses.observed = true;
                let freed = self.device(id).between("ctx.", ".freed");
                let wanted = !matches!(claim, Claim::Alive(_)) != negated;
                lines.call(tabs, truth(wanted), &[test, freed], ";");
            }
        }
    }

    /// On which kinds of the scenario the kernel at hand deviates so.
    pub(super) fn deviates(&mut self, deviation: &Deviation) -> Reach {
        let model = self.options.model();
        self.reach(|used| deviation.applies(model, used))
    }
}
