//! Random scenarios over the whole language: what nobody thought of, for a kernel to be asked about.
//! Explorations try all programs of a few bricks; these have drivers whose probes register devices,
//! actions within actions, links, files, groups and memory, all at once.

mod draft;

use std::path::PathBuf;

use fastrand::Rng;

use crate::ask::{answers, scenarios};
use crate::compile::load_text;
use crate::diagnostic::has_errors;
use crate::expand::{Case, cases};
use crate::ir::{KindUse, Unit};
use crate::question;
use crate::select::Selection;
use crate::sim::Model;
use crate::story::{Ends, Story};
use draft::Draft;

/// Statements that a scenario has at most, less its declarations and what stands in bodies.
const LONGEST: usize = 14;

/// Statements that are tried for each one that is wanted.
const TRIES: usize = 4;

/// Beginnings that may come to nothing, for each scenario that is wanted.
const BEGINNINGS: u64 = 100;

/// What scenarios are wanted.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The standard kinds and those of the files.
    pub unit: &'a Unit,
    /// The kinds of `dev`.
    pub kinds: &'a [KindUse],
    /// Files with kinds, which the scenarios use.
    pub files: &'a [PathBuf],
    /// What they begin with: the same seed leads to the same scenarios.
    pub seed: u64,
}

impl Wanted<'_> {
    /// So many scenarios, as the text of a file: each does nothing that a kernel must not be asked
    /// for, and expects what the simulator says. There are fewer if on these kinds nothing else comes
    /// of it.
    pub fn scenarios(&self, count: usize) -> String {
        let first = self.seed.wrapping_mul(1 << 32);
        let seeds = 0..BEGINNINGS.saturating_mul(count as u64);
        let made = seeds.filter_map(|number| self.scenario(first.wrapping_add(number)));
        let mut text = String::new();
        for (number, made) in made.take(count).enumerate() {
            let Some((uses, suite)) = made.split_once("suite one ") else {
                continue;
            };
            text += match number {
                0 => uses,
                _ => "\n",
            };
            text += &format!("suite random_{} {suite}", number + 1);
        }
        text
    }

    /// A scenario in a suite of its own, if something comes of that beginning.
    fn scenario(&self, seed: u64) -> Option<String> {
        let mut random = Rng::with_seed(seed);
        let used = random.choice(self.kinds)?;
        let mut draft = Draft::begin(self.unit, *used, &mut random);
        if !self.is_well(*used, &draft) {
            return None;
        }
        let wanted = random.usize(3..=LONGEST);
        let mut made = 0;
        for _ in 0..TRIES * LONGEST {
            if made == wanted {
                break;
            }
            let mut longer = draft.clone();
            longer.go_on(&mut random);
            if self.is_well(*used, &longer) {
                draft = longer;
                made += 1;
            }
        }
        self.told(*used, &draft)
    }

    /// The draft as a question, if nothing is wrong with it.
    fn question(&self, used: KindUse, draft: &Draft<'_>) -> Option<Unit> {
        let on = [used.spelled(self.unit)];
        let all = Selection::default();
        let front = question::of_statements(draft.text(), &on, self.files, &all).ok()?;
        (!has_errors(&front.diagnostics)).then_some(front.unit)
    }

    /// Whether a kernel can be asked for that: nothing goes wrong, or depends on when work is done.
    fn is_well(&self, used: KindUse, draft: &Draft<'_>) -> bool {
        let ends_well = |case: Case<'_>| Story::of(&case).ends == Ends::Well;
        self.question(used, draft)
            .is_some_and(|unit| cases(&unit, Model::ALL).all(ends_well))
    }

    /// With what is so behind it, on every kernel, if that can be said.
    fn told(&self, used: KindUse, draft: &Draft<'_>) -> Option<String> {
        let unit = self.question(used, draft)?;
        let models: Vec<Model> = Model::known().collect();
        let (text, left_out) = scenarios(&answers(&unit, &models), &unit, "one", "random");
        let is_whole = left_out.is_empty() && !text.is_empty();
        let found = is_whole.then(|| load_text("<random>", &text))?;
        (!has_errors(&found.diagnostics)).then_some(text)
    }
}
