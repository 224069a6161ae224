//! What explorations are asked, and how.

use std::fs;

use devres_gen::compile::bricks;
use devres_gen::explore::all_kinds;

/// Of a file that is given beside the bricks only the kinds are taken.
#[test]
fn scenarios_of_a_file_are_no_bricks() {
    let plain = bricks(&[]);
    let beside = bricks(&["tests/own_kind.devres".into(), "scenarios".into()]);
    assert!(beside.diagnostics.is_empty(), "{:?}", beside.diagnostics);
    let suites = |front: &devres_gen::compile::Front| -> Vec<String> {
        let suites = front.unit.suites.iter();
        suites.map(|suite| suite.name.clone()).collect()
    };
    assert!(!suites(&plain).is_empty());
    assert_eq!(suites(&plain), suites(&beside));
    let own = |unit| all_kinds(unit).iter().any(|used| used.label(unit) == "own");
    assert!(!own(&plain.unit) && own(&beside.unit));
    let text = fs::read_to_string("tests/own_kind.devres").unwrap();
    assert!(text.contains("suite "), "which has suites of its own");
}
