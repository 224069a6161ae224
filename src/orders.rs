//! What is wrong in several orders of one scenario, once: which of them are in the same boat, and
//! what may be said of all of them.

use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::syntax::ast::Order;

/// Orders that are named one by one; of more, so many are.
const NAMED: usize = 24;

/// What is said of some orders.
struct Told {
    diagnostic: Diagnostic,
    /// Its scenario, and the orders that it is about; none where a scenario leaves none open.
    orders: Option<(Order, Vec<String>)>,
}

/// Folds diagnostics that differ in nothing but the order, and makes each whole.
pub fn fold(diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    // What was refused was not run: it may go wrong in other ways as well.
    let refused: Vec<Span> = diagnostics
        .iter()
        .filter(|diagnostic| !diagnostic.code.is_of_a_run())
        .filter_map(|diagnostic| Some(diagnostic.order.as_ref()?.scenario))
        .collect();
    let mut all: Vec<Told> = Vec::new();
    for mut diagnostic in diagnostics {
        let Some(order) = diagnostic.order.take() else {
            all.push(Told {
                diagnostic,
                orders: None,
            });
            continue;
        };
        match all.iter_mut().find(|told| told.is_as(&diagnostic, &order)) {
            Some(told) => told.add(&diagnostic, order),
            None => all.push(Told {
                diagnostic,
                orders: Some((order.clone(), vec![order.which])),
            }),
        }
    }
    all.into_iter().map(|told| told.whole(&refused)).collect()
}

/// A message without the order in the name of its scenario.
fn of_any_order(diagnostic: &Diagnostic, order: &Order) -> String {
    diagnostic.message.replace(&order.name(), &order.of)
}

impl Told {
    fn is_as(&self, other: &Diagnostic, order: &Order) -> bool {
        let Some((known, _)) = &self.orders else {
            return false;
        };
        known.scenario == order.scenario
            && self.diagnostic.code == other.code
            && self.diagnostic.labels == other.labels
            && self.diagnostic.places == other.places
            && of_any_order(&self.diagnostic, known) == of_any_order(other, order)
    }

    fn add(&mut self, other: &Diagnostic, order: Order) {
        let Some((_, orders)) = &mut self.orders else {
            return;
        };
        if !orders.contains(&order.which) {
            orders.push(order.which);
        }
        let known = &mut self.diagnostic;
        known.freed = known
            .freed
            .take()
            .and_then(|freed| freed.and(other.freed.as_ref()));
        if known.hint != other.hint {
            known.hint = None;
        }
    }

    fn whole(self, refused: &[Span]) -> Diagnostic {
        let mut diagnostic = self.diagnostic;
        diagnostic.show_freed();
        let Some((order, orders)) = self.orders else {
            return diagnostic;
        };
        let of_a_run = diagnostic.code.is_of_a_run();
        if orders.len() < order.count {
            diagnostic.hint = None;
        } else if !of_a_run {
            return diagnostic;
        }
        let mut names = orders[..orders.len().min(NAMED)].join(", ");
        if orders.len() > NAMED {
            names += " ...";
        }
        let help = match orders.len() {
            count if count == order.count => format!("in each of {count} orders"),
            count if of_a_run && refused.contains(&order.scenario) => {
                format!("in {count} orders at least: {names}")
            }
            count => format!("in {count} of {} orders: {names}", order.count),
        };
        diagnostic.also(&help);
        diagnostic
    }
}
