//! What a scenario expects, in C: a claim, and what holds instead of it on some kernels and kinds.

use super::condition::{Reach, branch};
use super::scenario::Emitter;
use super::uses::may_never_be;
use crate::emit::wrap::{call, nested};
use crate::emit::{Broken, names};
use crate::ir::{Deviation, Expectation};
use crate::sim::{Callback, Claim};

impl Emitter<'_> {
    pub(super) fn expect(&mut self, expectation: &Expectation) -> Vec<String> {
        let negated = expectation.negated;
        let mut lines = Vec::new();
        let mut otherwise = expectation.claim;
        for deviation in &expectation.deviations {
            let reach = self.deviates(deviation);
            if self.options.broken != Broken::Expect || reach == Reach::None {
                continue;
            }
            let Some(condition) = reach.condition() else {
                otherwise = deviation.claim;
                break;
            };
            let open = if lines.is_empty() {
                "\tif"
            } else {
                "\t} else if"
            };
            lines.extend(branch(open, condition));
            if let Some(last) = lines.last_mut() {
                last.push_str(" {");
            }
            lines.push(format!("\t\t/* without {} */", deviation.fix));
            lines.extend(self.claim(2, deviation.claim, negated));
        }
        if lines.is_empty() {
            return self.claim(1, otherwise, negated);
        }
        lines.push("\t} else {".to_owned());
        lines.extend(self.claim(2, otherwise, negated));
        lines.push("\t}".to_owned());
        lines
    }

    /// How often a callback ran, and when it last did.
    fn counter(&self, callback: Callback) -> (String, String) {
        let counts = |owner: String, what: &str, at: &str| {
            (
                format!("{owner}.counts.{what}"),
                format!("{owner}.counts.{at}"),
            )
        };
        match callback {
            Callback::Action(id) => {
                let at = names::c_ran_at(self.program.action(id).name);
                (self.ran(id), format!("ctx.{at}"))
            }
            Callback::Probe(id) => counts(self.driver(id), "probes", "probed_at"),
            Callback::Remove(id) => counts(self.driver(id), "removes", "removed_at"),
            Callback::ProbeOf(id) => counts(self.device(id), "probes", "probed_at"),
            Callback::RemoveOf(id) => counts(self.device(id), "removes", "removed_at"),
        }
    }

    /// One expectation in C.
    fn claim(&mut self, tabs: usize, claim: Claim, negated: bool) -> Vec<String> {
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
        let ran = |callback, times: u8| {
            let (counter, _) = self.counter(callback);
            call(tabs, equal, &["test", &counter, &times.to_string()], ";")
        };
        match claim {
            Claim::Ran(callback) => ran(callback, 1),
            Claim::RanTimes(callback, times) => ran(callback, times),
            Claim::NotRun(callback) => ran(callback, 0),
            Claim::RanAsAdded(id) => {
                let added = format!("ctx.{}", names::c_added(self.program.action(id).name));
                call(tabs, equal, &["test", &self.ran(id), &added], ";")
            }
            Claim::GivenUp(id) => {
                let owned = format!("{}.owned", self.memory(id));
                call(tabs, truth(negated), &["test", &owned], ";")
            }
            Claim::Before(first, second) => {
                let ((_, first), (_, second)) = (self.counter(first), self.counter(second));
                let order = ("ran_before", [first.as_str(), second.as_str()]);
                nested(tabs, truth(!negated), "test", order, ";")
            }
            Claim::Refs(id, more) => {
                self.file.uses.refs = true;
                let refs = format!("more_refs(&{})", self.device(id));
                call(tabs, equal, &["test", &refs, &more.to_string()], ";")
            }
            Claim::Bound(id) | Claim::Unbound(id) => {
                self.file.uses.bound = true;
                let bound = format!("is_bound(&{})", self.device(id));
                let wanted = matches!(claim, Claim::Bound(_)) != negated;
                call(tabs, truth(wanted), &["test", &bound], ";")
            }
            Claim::Alive(id) if may_never_be(self.scenario, id) => {
                self.file.uses.alive = true;
                let alive = format!("is_alive(&{})", self.device(id));
                call(tabs, truth(!negated), &["test", &alive], ";")
            }
            Claim::Warned | Claim::NotWarned => {
                let wanted = matches!(claim, Claim::Warned) != negated;
                call(tabs, truth(wanted), &["test", "has_warned()"], ";")
            }
            Claim::Freed(id) | Claim::Alive(id) => {
                self.file.uses.observed = true;
                let freed = format!("{}.freed", self.device(id));
                let wanted = matches!(claim, Claim::Freed(_)) != negated;
                call(tabs, truth(wanted), &["test", &freed], ";")
            }
        }
    }

    /// On which kinds of the scenario the kernel at hand deviates so.
    pub(super) fn deviates(&mut self, deviation: &Deviation) -> Reach {
        let model = self.options.model();
        self.reach(|used| deviation.applies(model, used))
    }
}
