//! Random scenarios: what comes of a seed is what `verify` can ask a kernel for.

use devres_gen::compile::{library, load_text};
use devres_gen::diagnostic::has_errors;
use devres_gen::expand;
use devres_gen::explore::all_kinds;
use devres_gen::random::Wanted;
use devres_gen::run::{Run, judge_on};
use devres_gen::sim::Model;

fn made(seed: u64, count: usize, on: Option<&str>) -> String {
    let unit = library();
    let mut kinds = all_kinds(&unit);
    kinds.retain(|kind| on.is_none_or(|on| kind.spelled(&unit) == on));
    let wanted = Wanted {
        unit: &unit,
        kinds: &kinds,
        files: &[],
        seed,
    };
    wanted.scenarios(count)
}

/// They are understood, nothing is wrong with them, and what they expect is so on every kernel.
#[test]
fn random_scenarios_say_what_is_so() {
    let text = made(7, 8, None);
    let front = load_text("random.devres", &text);
    assert!(!has_errors(&front.diagnostics), "{text}");
    assert_eq!(front.unit.suites.len(), 8);
    for case in expand::cases(&front.unit, Model::ALL) {
        let runs = judge_on(&case, Model::known());
        assert!(runs.iter().all(Run::passed), "{}", case.name());
    }
}

#[test]
fn a_seed_leads_to_the_same_and_another_to_others() {
    let once = made(3, 2, Some("bus bound"));
    assert_eq!(once, made(3, 2, Some("bus bound")));
    assert_ne!(once, made(4, 2, Some("bus bound")));
    assert_eq!(once.matches(" on bus bound {").count(), 2);
}
