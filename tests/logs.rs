//! Logs of real kernels, held against the simulator: `verify --ktap` without a kernel.
//!
//! tests/logs/ is what user-mode Linux printed for scenarios/unregister.devres, from the
//! first line of KTAP on: `devres-gen verify --tree TREE --log FILE scenarios/unregister.devres`.

use devres_gen::compile::{load, load_text};
use devres_gen::emit::{Broken, Options, names};
use devres_gen::expand;
use devres_gen::ir::{Linux, Unit};
use devres_gen::run::{run, run_at_work};
use devres_gen::sim::{Fix, Model, Work};
use devres_gen::trace::{CLEANUP, Header, Line, PREFIX};
use devres_gen::verify::compare::{Comparison, Difference};
use devres_gen::verify::{report, verify_log};

const FIXED: Model = Model::ALL;
const UNFIXED: Model = Model::ALL.without(Fix::DelReleasesDevres);

fn unit() -> Unit {
    load(&["scenarios/unregister.devres".into()]).unit
}

fn log(name: &str) -> String {
    std::fs::read_to_string(format!("tests/logs/{name}.log")).unwrap()
}

/// How the C of that log was emitted: for its own kernel, asserting the contract.
fn options(name: &str) -> Options {
    let (version, model) = match name.split_once("-without-") {
        Some((version, _)) => (version, UNFIXED),
        None => (name, FIXED),
    };
    Options {
        target: Linux::parse(version).unwrap(),
        without: model.lacks().collect(),
        broken: Broken::Assert,
        trace: true,
        ..Options::default()
    }
}

fn judged(name: &str, text: &str, model: Option<Model>) -> Comparison {
    verify_log(&unit(), text, &options(name), model).unwrap()
}

/// Those of 7.2 are of kernels that kept a log of managed resources of their own:
/// `verify --witness`.
const LOGS: [(&str, Model, usize); 6] = [
    ("7.2", FIXED, 87),
    ("7.2-without-699fb50d9903", UNFIXED, 79),
    ("6.12", FIXED, 69),
    ("6.12-without-699fb50d9903", UNFIXED, 63),
    ("6.1", FIXED, 69),
    ("6.1-without-699fb50d9903", UNFIXED, 63),
];

/// By its own kernel, and at most by others that differ in what none of the scenarios does.
fn is_explained(found: &Comparison, model: Model) -> bool {
    let fix = Fix::DelReleasesDevres;
    let same = |other: &Model| other.has(fix) == model.has(fix);
    found.explanations.contains(&model) && found.explanations.iter().all(same)
}

#[test]
fn each_log_is_explained_by_its_own_kernel_and_no_other() {
    for (name, model, compared) in LOGS {
        let found = judged(name, &log(name), None);
        assert_eq!(found.differences, [], "{name}");
        assert_eq!((found.model, found.agreed()), (model, compared), "{name}");
        assert!(
            is_explained(&found, model),
            "{name}: {:?}",
            found.explanations
        );
        let other = if model == FIXED { UNFIXED } else { FIXED };
        let wrong = judged(name, &log(name), Some(other));
        let cases: Vec<&str> = wrong.differences.iter().map(|d| d.case.as_str()).collect();
        assert!(cases.contains(&"unregister/get_devm_put/root"), "{cases:?}");
        assert!(
            !cases.contains(&"unregister/plain/platform_bound"),
            "{cases:?}"
        );
        assert!(is_explained(&wrong, model), "{name}");
    }
}

/// Time stamps, carriage returns, messages between the lines, and another test's document
/// before and after change nothing.
#[test]
fn noise_does_not_matter() {
    let other = "KTAP version 1\n1..1\n    KTAP version 1\n    # Subtest: other\n    1..1\n    ok 1 works\nok 1 other\n";
    for (name, model, _) in LOGS {
        let mut noisy = other.to_owned();
        for (number, line) in log(name).lines().enumerate() {
            noisy += &format!("[{:5}.{:06}][  T{number}] {line}\r\n", number / 7, number);
            if number % 5 == 0 {
                noisy += "[    1.000000] random: crng init done\n";
            }
        }
        noisy += other;
        let found = judged(name, &noisy, None);
        assert_eq!(found.differences, [], "{name}");
        assert!(
            is_explained(&found, model),
            "{name}: {:?}",
            found.explanations
        );
    }
}

/// A log that ends in the middle loses what comes after, and nothing before.
#[test]
fn a_cut_log_says_what_is_lost() {
    let text = log("6.12");
    let lines: Vec<&str> = text.lines().collect();
    assert!(verify_log(&unit(), "", &options("6.12"), Some(FIXED)).is_err());
    for end in (1..lines.len()).step_by(7) {
        let cut = lines[..end].join("\n");
        let found = judged("6.12", &cut, Some(FIXED));
        let lost = found.cases.iter().filter(|judged| judged.status.is_none());
        let lost: Vec<&str> = lost.map(|judged| judged.case.as_str()).collect();
        let differ: Vec<&str> = found.differences.iter().map(|d| d.case.as_str()).collect();
        assert_eq!(differ, lost, "after line {end}");
    }
}

#[test]
fn a_crash_is_reported_with_what_the_kernel_said() {
    let text = log("6.12");
    let (before, _) = text.split_once("        # Subtest: get_put_test").unwrap();
    let crashed =
        format!("{before}Kernel panic - not syncing: Segfault with no mm\nCPU: 0 PID: 1\n");
    let found = judged("6.12", &crashed, Some(FIXED));
    let whole = found
        .differences
        .iter()
        .find(|d| d.case == "(any)")
        .unwrap();
    assert!(whole.what.contains("Segfault with no mm"), "{}", whole.what);
    let lost = found.cases.iter().filter(|judged| judged.status.is_none());
    assert_eq!(lost.count(), 6);
}

/// A single event less is a difference, on its case and no other.
#[test]
fn a_missing_event_is_seen() {
    let text = log("6.12");
    let event = text
        .lines()
        .find(|line| line.contains("action cleanup\"") && line.contains("get_put_test"))
        .unwrap();
    let found = judged(
        "6.12",
        &text.replacen(&format!("{event}\n"), "", 1),
        Some(FIXED),
    );
    let cases: Vec<&str> = found.differences.iter().map(|d| d.case.as_str()).collect();
    assert_eq!(cases, ["unregister/get_put/root"]);
}

/// What the kernel itself says of managed resources counts as much as what the C says.
#[test]
fn the_witness_is_heard() {
    let text = log("7.2");
    let (before, case) = text.split_once("# Subtest: get_put_test").unwrap();
    let released = case
        .lines()
        .find(|line| line.contains("DEVRES REL"))
        .unwrap();
    for instead in [
        "",
        &released.replace(" REL ", " REM "),
        &format!("{released}\n{released}"),
    ] {
        let wrong = case.replacen(released, instead, 1);
        let found = judged(
            "7.2",
            &format!("{before}# Subtest: get_put_test{wrong}"),
            Some(FIXED),
        );
        let [difference] = found.differences.as_slice() else {
            panic!("{:?}", found.differences);
        };
        assert_eq!(difference.case, "unregister/get_put/root");
        assert!(difference.what.contains("own log of managed resources"));
    }
}

/// Where releases are delayed, a release may find other devices further than the simulator
/// does, and nothing else may differ.
#[test]
fn a_kernel_that_delays_releases_is_known_by_its_word() {
    let text = log("6.12");
    let release = text
        .lines()
        .find(|line| line.contains("release dev\""))
        .unwrap();
    let later = text.replacen(release, &release.replace("\"refs\":0", "\"refs\":7"), 1);
    assert_eq!(judged("6.12", &later, Some(FIXED)).differences.len(), 1);
    let word = "kobject: 'devres-dev' (00000000c6415f74): kobject_release, parent 0 (delayed 300)";
    let delayed = format!("{word}\n{later}");
    assert_eq!(judged("6.12", &delayed, Some(FIXED)).differences, []);
    let wrong = delayed.replacen("release dev\"", "release other\"", 1);
    assert_eq!(judged("6.12", &wrong, Some(FIXED)).differences.len(), 1);
}

/// A word of KASAN's, and a device left behind, are differences where every result is right.
#[test]
fn complaints_and_leftovers_are_seen() {
    let text = log("6.12");
    let kasan = format!("{text}BUG: KASAN: slab-use-after-free in put_device+0x1/0x2\n");
    let found = judged("6.12", &kasan, Some(FIXED));
    assert!(found.differences[0].what.contains("slab-use-after-free"));
    let (before, after) = text.split_once("        ok 1 root").unwrap();
    let left = format!("{before}    # plain_test: devres-left: dev\n        ok 1 root{after}");
    let found = judged("6.12", &left, Some(FIXED));
    assert_eq!(found.differences[0].case, "unregister/plain/root");
    assert!(found.differences[0].what.contains("leaves `dev` behind"));
}

/// A warning is a difference, but for one of what a case has leaked while the test cleans up after it.
#[test]
fn warnings_count_while_the_case_runs() {
    let text = log("6.12");
    let (before, after) = text.split_once("        ok 1 root").unwrap();
    let warning = "WARNING: CPU: 0 PID: 17 at lib/refcount.c:28 kobject_put+0x1c/0x30\n";
    let judged = |said: &str| {
        let text = format!("{before}{said}        ok 1 root{after}");
        judged("6.12", &text, Some(FIXED)).differences.len()
    };
    let [begins, done] = CLEANUP.map(|line| format!("    # plain_test: {line}\n"));
    assert_eq!(judged(warning), 1);
    assert_eq!(judged(&format!("{begins}{warning}{done}")), 0);
    assert_eq!(judged(&format!("{begins}{done}{warning}")), 1);
}

/// A log as a kernel would print it of the cases of a file, with these traces.
fn printed(unit: &Unit, trace: impl Fn(&expand::Case<'_>) -> Vec<Line>) -> String {
    let mut text = "KTAP version 1\n1..1\n".to_owned();
    for suite in &unit.suites {
        text += &format!("    # Subtest: {}\n", names::suite(suite));
        for scenario in &suite.scenarios {
            let test = names::c_test(scenario);
            text += &format!("        # Subtest: {test}\n");
            for case in expand::cases(unit, FIXED) {
                if case.suite.name != suite.name || case.scenario.name != scenario.name {
                    continue;
                }
                text += &format!("{PREFIX}{}\n", Header::new(case.name()).to_json());
                for line in trace(&case) {
                    text += &format!("{PREFIX}{}\n", line.to_json());
                }
                text += &format!("        ok 1 {}\n", case.kind_use.label(unit));
            }
            text += &format!("    ok 1 {test}\n");
        }
    }
    text
}

/// A kernel that is as quick as that.
fn work(quick: u32) -> Work {
    Work {
        quick,
        ..Work::default()
    }
}

/// Seen on 7.2 under load: the worker that probes again was done before the registration
/// that woke it up returned. That is no difference, and anything else is one.
#[test]
fn queued_work_may_be_done_before_its_operation_returns() {
    let unit = load(&["scenarios/deferral.devres".into()]).unit;
    let options = Options {
        trace: true,
        ..Options::default()
    };
    let judged = |log: &str| {
        verify_log(&unit, log, &options, Some(FIXED))
            .unwrap()
            .differences
    };
    for quick in 0..4 {
        let log = printed(&unit, |case| run_at_work(case, FIXED, work(quick)).trace);
        assert_eq!(judged(&log), [], "{quick}");
    }
    let quick = |case: &expand::Case<'_>| run_at_work(case, FIXED, work(1)).trace;
    let slow = |case: &expand::Case<'_>| run_at_work(case, FIXED, work(0)).trace;
    let differ: Vec<String> = expand::cases(&unit, FIXED)
        .filter(|case| quick(case) != slow(case))
        .map(|case| case.name())
        .collect();
    assert!(differ.len() > 4, "{differ:?}");
    let twice = printed(&unit, |case| {
        let mut lines = quick(case);
        if differ.contains(&case.name()) {
            lines.extend(slow(case).pop());
        }
        lines
    });
    let found: Vec<String> = judged(&twice).into_iter().map(|d| d.case).collect();
    assert_eq!(found, differ);
}

/// Seen on 7.2: a deferred probe was done before the registration returned that woke it up, in an
/// action that the worker of a link ran.
#[test]
fn queued_work_may_be_done_before_the_operation_of_a_callback_returns() {
    let unit = load(&["scenarios/links.devres".into()]).unit;
    let is_asked = |case: &&expand::Case<'_>| {
        case.suite.name == "settled_with_what_follows" && case.scenario.name == "a_deferred_probe"
    };
    let trace = |case: &expand::Case<'_>, quick| {
        let lines = run_at_work(case, FIXED, work(quick)).trace;
        let line = |line: &Line| line.op.clone().or(line.event.clone());
        lines.iter().filter_map(line).collect::<Vec<_>>()
    };
    let cases: Vec<_> = expand::cases(&unit, FIXED).collect();
    let asked: Vec<_> = cases.iter().filter(is_asked).collect();
    assert!(!asked.is_empty());
    for case in asked {
        let queued = run(case).queued;
        let traces: Vec<Vec<String>> = (0..1 << queued).map(|quick| trace(case, quick)).collect();
        let probed_first = |trace: &&Vec<String>| {
            let at = |what: &str| trace.iter().rposition(|line| line == what).unwrap();
            at("probe waits waiting") < at("register binds")
        };
        assert!(
            traces.iter().any(|trace| probed_first(&trace)),
            "{traces:?}"
        );
        assert!(!probed_first(&&traces[0]));
    }
}

#[test]
fn reports_for_programs_say_the_same() {
    let name = "6.12-without-699fb50d9903";
    let right = judged(name, &log(name), None);
    let value = report::json(&right);
    assert_eq!(value["compared"], 63);
    assert_eq!(value["without"][0], "699fb50d9903");
    assert_eq!(value["cases"].as_array().unwrap().len(), 9);
    assert_eq!(value["cases"][6]["kernel"], "not ok");
    let junit = report::junit(&right);
    assert!(
        junit.contains("tests=\"9\" failures=\"0\" skipped=\"0\""),
        "{junit}"
    );
    let wrong = report::junit(&judged(name, &log(name), Some(FIXED)));
    assert!(wrong.contains("<failure message="), "{wrong}");
    assert!(
        wrong.contains("&#34;") || wrong.contains("&quot;"),
        "{wrong}"
    );
}

/// What is told before any case has a name is in the reports as well.
#[test]
fn a_difference_of_no_case_is_in_the_reports() {
    let text = log("6.12");
    let early = text.replacen(
        "KTAP version 1\n",
        "KTAP version 1\n    # plain_test: devres-left: \u{fffe}dev\n",
        1,
    );
    let found = judged("6.12", &early, Some(FIXED));
    assert_eq!(found.differences.len(), 1, "{:?}", found.differences);
    let known = |d: &Difference| found.cases.iter().any(|judged| judged.case == d.case);
    assert!(!found.differences.iter().any(known));
    let value = report::json(&found);
    assert_eq!(value["differences"].as_array().unwrap().len(), 1);
    let junit = report::junit(&found);
    assert!(junit.contains("failures=\"1\""), "{junit}");
    assert!(!junit.contains('\u{fffe}'));
}

/// What a case has left registered a kernel's test cleans up before it undoes what was set up: from there on
/// nothing is compared.
#[test]
fn what_is_cleaned_up_first_is_not_compared() {
    let text = "use kinds\nsuite s on bus bound {\n    scenario leaks {\n        device other: bare\n        \
                init other\n        register dev\n        get other\n        \
                action keeps on other { put other }\n        \
                action never on other { unregister dev }\n    }\n}\n";
    let unit = load_text("s.devres", text).unit;
    let options = Options {
        trace: true,
        ..Options::default()
    };
    let judged = |log: &str| {
        let found = verify_log(&unit, log, &options, Some(FIXED));
        found.unwrap().differences.len()
    };
    let whole = |case: &expand::Case<'_>| run(case).trace;
    let until = |less: usize| {
        let unit = &unit;
        printed(unit, move |case| {
            let run = run(case);
            let (lines, _) = run.leaves.unwrap();
            assert!((1..run.trace.len()).contains(&lines));
            run.trace[..lines - less].to_vec()
        })
    };
    assert_eq!(judged(&until(0)), 0);
    assert_eq!(judged(&until(1)), 1);
    assert_eq!(judged(&printed(&unit, whole)), 0);
}
