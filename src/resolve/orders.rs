//! `in any order { ... }`: a scenario for each order in which its strands can be carried out.
//!
//! A strand is a statement, or some in braces, which stay one behind the other. What comes of it are
//! scenarios like any others: nothing behind this has to know of orders.

use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Sink};
use crate::source::{Sources, Span, Spanned};
use crate::syntax::MAX_NAME;
use crate::syntax::ast::{Expected, Order, Scenario, Statement, Strand};

/// Orders of one scenario at most: those of five statements.
const MAX_ORDERS: usize = 120;

/// Which strand is next, again and again.
type Sequence = Vec<usize>;

/// A statement, and the fault that it is expected to run into: nothing comes between.
type Piece<'s> = &'s [Spanned<Statement>];

/// The scenarios that a scenario stands for, if it is more than one.
pub(super) fn orders(
    scenario: &Scenario,
    sources: &Sources,
    sink: &mut Sink,
) -> Option<Vec<Scenario>> {
    let blocks: Vec<(&[Strand], Span)> = scenario.body.iter().filter_map(strands).collect();
    let mut count = 0;
    for &(block, span) in &blocks {
        if !is_well_formed(block, span, sink) {
            return Some(vec![]);
        }
        let lengths: Vec<usize> = block.iter().map(|strand| pieces(strand).len()).collect();
        count = usize::max(count, 1).saturating_mul(ways(&lengths));
        if count > MAX_ORDERS {
            sink.report(
                Diagnostic::new(Code::Limit, "there are too many orders")
                    .label(span, format!("{MAX_ORDERS} of a scenario at most"))
                    .help("what need not change places stands in braces, or outside"),
            );
            return Some(vec![]);
        }
    }
    if count == 0 {
        return None;
    }
    let order = Order {
        scenario: scenario.name.span,
        of: scenario.name.value.clone(),
        which: String::new(),
        count,
        blocks: blocks.iter().map(|block| block.1).collect(),
    };
    let mut all = vec![Scenario {
        body: vec![],
        order: Some(order),
        ..scenario.clone()
    }];
    for statement in &scenario.body {
        match strands(statement) {
            None => all
                .iter_mut()
                .for_each(|one| one.body.push(statement.clone())),
            Some((block, _)) => {
                let block: Vec<Vec<Piece<'_>>> =
                    block.iter().map(|strand| pieces(strand)).collect();
                let lengths: Vec<usize> = block.iter().map(Vec::len).collect();
                let orders = interleaved(&lengths);
                let each = all.iter().flat_map(|one| {
                    let with = |order| in_order(one, &block, order, sources);
                    orders.iter().map(with)
                });
                all = each.collect();
            }
        }
    }
    let name = &all[0].name;
    if name.value.len() > MAX_NAME {
        sink.report(
            Diagnostic::new(Code::BadName, format!("`{}` is too long", name.value))
                .label(name.span, format!("{MAX_NAME} characters at most, its orders included"))
                .help("a scenario in any order is one for each, called by its strands: `NAME_ab`, `NAME_ba`"),
        );
        return Some(vec![]);
    }
    Some(all)
}

fn strands(statement: &Spanned<Statement>) -> Option<(&[Strand], Span)> {
    match &statement.value {
        Statement::AnyOrder(strands) => Some((strands, statement.span)),
        _ => None,
    }
}

/// Whether there is something to change places, and nothing that cannot.
fn is_well_formed(block: &[Strand], span: Span, sink: &mut Sink) -> bool {
    let mut well = true;
    for statement in block.iter().flatten() {
        let what = match &statement.value {
            Statement::Device { .. } | Statement::Driver { .. } => "declared",
            Statement::Finally(_) => "expected at the end",
            Statement::AnyOrder(_) => "in any order within another order",
            Statement::Return(_) => "returned",
            Statement::Broken(_) => {
                well = false;
                continue;
            }
            _ => continue,
        };
        well = false;
        sink.report(
            Diagnostic::new(Code::WrongSort, format!("nothing is {what} here"))
                .label(statement.span, "it has no order")
                .help("what is done in any order are operations and expectations"),
        );
    }
    let alone = block.iter().filter_map(|strand| strand.first());
    for statement in alone.filter(|statement| is_fault(statement)) {
        well = false;
        sink.report(
            Diagnostic::new(Code::WrongSort, "nothing comes before this fault")
                .label(statement.span, "it may stand behind any statement here")
                .help("put it into braces with what runs into it: `{ use m; expect fault ... }`"),
        );
    }
    if well && block.len() < 2 {
        well = false;
        sink.report(
            Diagnostic::new(Code::WrongSort, "there is only one order")
                .label(span, "nothing can change places")
                .help("each statement between the braces is one, and so are those in braces of their own"),
        );
    }
    well
}

/// Whether a statement says that the one before it runs into a fault.
fn is_fault(statement: &Spanned<Statement>) -> bool {
    let Statement::Expect(expected) = &statement.value else {
        return false;
    };
    expected
        .iter()
        .any(|expected| matches!(expected, Expected::Fault(_)))
}

fn pieces(strand: &Strand) -> Vec<Piece<'_>> {
    let chunks = strand.chunk_by(|_, next| is_fault(next));
    chunks.collect()
}

/// The same scenario, so far, with a block in one order.
fn in_order(
    one: &Scenario,
    block: &[Vec<Piece<'_>>],
    order: &Sequence,
    sources: &Sources,
) -> Scenario {
    let mut one = one.clone();
    let mut strands: Vec<_> = block.iter().map(|strand| strand.iter()).collect();
    let pieces = order.iter().filter_map(|&strand| strands[strand].next());
    let statements: Vec<_> = pieces.copied().flatten().collect();
    if let Some(known) = &mut one.order {
        if !known.which.is_empty() {
            known.which.push('_');
        }
        let letters = order.iter().map(|&strand| char::from(b'a' + strand as u8));
        known.which.extend(letters);
        one.name.value = known.name();
    }
    let texts = statements
        .iter()
        .map(|statement| text(sources, statement.span));
    let texts: Vec<String> = texts.collect();
    one.doc
        .push(format!("In this order: {}.", texts.join("; ")));
    one.body.extend(statements.into_iter().cloned());
    one
}

/// A statement as it is written, on one line.
fn text(sources: &Sources, span: Span) -> String {
    let text = &sources.get(span.source).text[span.start as usize..span.end as usize];
    let lines = text.lines().map(|line| crate::syntax::code_of(line).trim());
    lines
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// How many orders there are of strands of such lengths.
fn ways(lengths: &[usize]) -> usize {
    let mut ways = 1_usize;
    let mut placed = 0;
    for &length in lengths {
        for at in 1..=length {
            placed += 1;
            // A binomial at each step, so that it comes out even.
            ways = match ways.checked_mul(placed) {
                Some(product) => product / at,
                None => return usize::MAX,
            };
        }
    }
    ways
}

/// Every order, the first one as it is written.
fn interleaved(lengths: &[usize]) -> Vec<Sequence> {
    fn go(left: &mut [usize], order: &mut Sequence, all: &mut Vec<Sequence>) {
        if left.iter().all(|&left| left == 0) {
            return all.push(order.clone());
        }
        for strand in 0..left.len() {
            if left[strand] > 0 {
                left[strand] -= 1;
                order.push(strand);
                go(left, order, all);
                order.pop();
                left[strand] += 1;
            }
        }
    }
    let mut all = Vec::new();
    go(&mut lengths.to_vec(), &mut Vec::new(), &mut all);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_orders_are_made_as_are_counted() {
        for lengths in [
            vec![1, 1],
            vec![2, 1],
            vec![1, 1, 1],
            vec![2, 2],
            vec![3, 1, 2],
            vec![1; 5],
        ] {
            let orders = interleaved(&lengths);
            assert_eq!(orders.len(), ways(&lengths), "{lengths:?}");
            let mut sorted = orders.clone();
            sorted.sort();
            sorted.dedup();
            assert_eq!(sorted, orders, "{lengths:?}");
        }
        assert_eq!(ways(&[5, 4]), 126);
        assert!(ways(&[60; 60]) > MAX_ORDERS);
    }
}
