//! Mistakes in the simulator, switched on one at a time: `explore --diff` has to find each of
//! them, by a program of which no statement can be left out.

use devres_gen::compile::bricks;
use devres_gen::explore::{Finding, Limits, Question, all_kinds, replay};
use devres_gen::ir::{KindUse, Unit};
use devres_gen::sim::{Defect, Model};

fn limits(depth: usize) -> Limits {
    Limits {
        depth,
        points: 1_000_000,
        threads: 2,
        wanted: 0,
    }
}

fn kinds(unit: &Unit, labels: &[&str]) -> Vec<KindUse> {
    let all = all_kinds(unit);
    let kinds: Vec<_> = all
        .into_iter()
        .filter(|used| labels.contains(&used.label(unit).as_str()))
        .collect();
    assert_eq!(kinds.len(), labels.len());
    kinds
}

fn diff(
    unit: &Unit,
    kinds: &[KindUse],
    defect: Defect,
    depth: usize,
    reduced: bool,
) -> Vec<Finding> {
    let question = Question {
        unit,
        kinds,
        models: models(defect),
        limits: limits(depth),
        reduced,
    };
    question
        .explore(None, None, &mut |_| true)
        .unwrap()
        .findings
}

fn models(defect: Defect) -> [Model; 2] {
    [Model::ALL, Model::ALL.with_defect(defect)]
}

#[test]
fn each_defect_is_found_by_a_program_without_a_word_too_many() {
    let unit = bricks(&[]).unit;
    let kinds = kinds(&unit, &["bare", "platform", "platform_bound", "chardev"]);
    assert!(Defect::ALL.len() >= 20);
    for &defect in Defect::ALL {
        // No deeper than it takes.
        let mut findings = (1..=5).map(|depth| diff(&unit, &kinds, defect, depth, true));
        let findings = findings.find(|findings| !findings.is_empty());
        let findings = findings.unwrap_or_else(|| panic!("{defect:?} is not found"));
        let shortest = &findings[0];
        let ops = &shortest.shown.ops;
        for left_out in 0..ops.len() {
            let mut fewer = ops.clone();
            fewer.remove(left_out);
            let shown = replay(&unit, &shortest.bricks, models(defect), &fewer);
            assert_eq!(shown, None, "{defect:?}: {left_out} of {ops:?}");
        }
    }
}

/// Programs that differ by names only find nothing that others do not.
#[test]
fn what_is_left_out_finds_nothing_more() {
    let unit = bricks(&[]).unit;
    let kinds = kinds(&unit, &["platform", "bus_bound"]);
    let causes = |findings: Vec<Finding>| -> Vec<_> {
        let told = findings.into_iter();
        told.map(|found| (found.cause, found.shown.ops.len()))
            .collect()
    };
    for &defect in Defect::ALL {
        let reduced = causes(diff(&unit, &kinds, defect, 4, true));
        assert_eq!(
            reduced,
            causes(diff(&unit, &kinds, defect, 4, false)),
            "{defect:?}"
        );
    }
}

/// What is found does not depend on how many threads look for it.
#[test]
fn threads_change_nothing_but_the_time() {
    let unit = bricks(&[]).unit;
    let kinds = kinds(&unit, &["platform", "bare"]);
    let found = |threads| {
        let question = Question {
            unit: &unit,
            kinds: &kinds,
            models: [Model::ALL],
            limits: Limits {
                threads,
                ..limits(5)
            },
            reduced: true,
        };
        let explored = question.explore(None, None, &mut |_| true).unwrap();
        let points: Vec<_> = explored
            .covered
            .iter()
            .map(|(_, covered)| covered.points)
            .collect();
        let findings = explored.findings.into_iter();
        let findings: Vec<_> = findings.map(|found| (found.cause, found.shown)).collect();
        (points, findings)
    };
    let alone = found(1);
    assert!(!alone.1.is_empty());
    assert_eq!(alone, found(2));
    assert_eq!(alone, found(5));
}
