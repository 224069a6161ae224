//! On which kinds of its suite something in a test is so, as a condition in C.

use crate::emit::lines::Lines;
use crate::ir::{KindUse, Unit};

/// The kinds of a scenario that something is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// None: it need not be said.
    None,
    /// All: there is nothing to ask.
    All,
    /// Those for which this is true.
    If(String),
}

impl Reach {
    /// The kinds for which `is` holds, among those of a scenario.
    pub(super) fn of(unit: &Unit, kinds: &[KindUse], is: impl Fn(&KindUse) -> bool) -> Reach {
        let chosen = |used: &&KindUse| is(used);
        let same = |other: &dyn Fn(&KindUse) -> bool| kinds.iter().all(|u| is(u) == other(u));
        if same(&|_| false) {
            return Reach::None;
        }
        if same(&|_| true) {
            return Reach::All;
        }
        if same(&|used| used.bound) {
            return Reach::If("ctx.kind->driver".to_owned());
        }
        if same(&|used| !used.bound) {
            return Reach::If("!ctx.kind->driver".to_owned());
        }
        let names = kinds.iter().filter(chosen);
        let asks = names.map(|used| format!("is_kind(\"{}\")", used.label(unit)));
        Reach::If(asks.collect::<Vec<_>>().join(" || "))
    }

    /// What has to be asked, if anything.
    pub(super) fn condition(&self) -> Option<&str> {
        match self {
            Reach::None | Reach::All => None,
            Reach::If(condition) => Some(condition),
        }
    }
}

/// `if (a || b)`, with a line for each alternative, aligned with the first.
pub(super) fn branch(lines: &mut Lines, open: &str, condition: &str, close: &str) {
    let blanks = open.trim_start_matches('\t').len() + " (".len();
    let indent = format!("\t{}", " ".repeat(blanks));
    let indent = indent.replace("        ", "\t");
    let mut parts = condition.split(" || ").peekable();
    let mut open = format!("{open} (");
    while let Some(part) = parts.next() {
        let close = if parts.peek().is_some() { " ||" } else { close };
        lines.line(format_args!("{open}{part}{close}"));
        open.clone_from(&indent);
    }
}
