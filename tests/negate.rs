//! Every expectation of the corpus, turned into its opposite, makes the simulator's
//! run and the generated Rust fail. (On a kernel, `devres-gen verify --negate` does it.)

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use devres_gen::compile::{compile, load, load_text};
use devres_gen::emit::Options;
use devres_gen::expand::Case;
use devres_gen::give_up::give_up;
use devres_gen::ir::{Step, StepKind, Unit};
use devres_gen::negate::negate;
use devres_gen::sim::Model;
use devres_gen::{expand, run};

fn corpus() -> Unit {
    let front = load(&["scenarios".into()]);
    assert!(front.diagnostics.is_empty());
    front.unit
}

fn expectations(unit: &Unit) -> usize {
    let scenarios = unit.suites.iter().flat_map(|suite| &suite.scenarios);
    scenarios
        .map(|scenario| scenario.expectations().count())
        .sum()
}

/// Whether a negated case gets as far as its expectation: behind an announced fault nothing
/// is judged.
fn is_judged(case: &Case<'_>) -> bool {
    let steps = &case.scenario.steps;
    let announced = |step: &Step| match &step.kind {
        StepKind::Fault(fault) => fault.applies(case.model, &case.kind_use),
        _ => false,
    };
    let Some(end) = steps.iter().position(announced) else {
        return true;
    };
    let expects = |step: &Step| matches!(step.kind, StepKind::Expect(_));
    steps[..end].iter().any(expects)
}

#[test]
fn run_passes_as_stated_and_fails_negated() {
    let unit = corpus();
    let negated = negate(&unit);
    assert_eq!(expectations(&unit), expectations(&negated));
    for model in Model::known() {
        for case in expand::cases(&unit, model) {
            assert!(run::run(&case).passed(), "{} {model}", case.name());
        }
        let mut cases = 0;
        for case in expand::cases(&negated, model) {
            let run = run::run(&case);
            let judged = usize::from(is_judged(&case));
            assert_eq!(run.failures.len(), judged, "{} {model}", case.name());
            cases += judged;
        }
        assert!(cases >= expectations(&unit));
    }
}

/// Each case that gives up fails, and the scenario behind it is as ever.
#[test]
fn what_gives_up_fails_and_nothing_else() {
    let unit = corpus();
    let given_up = give_up(&unit);
    for model in Model::known() {
        let mut cases = 0;
        for case in expand::cases(&given_up, model) {
            let gives_up = case.scenario.gives_up_after.is_some();
            let run = run::run(&case);
            // Unless it ends before that, in a fault that it announces.
            let ends = run.fault.is_some();
            assert_eq!(run.passed(), !gives_up || ends, "{} {model}", case.name());
            cases += usize::from(gives_up);
        }
        assert!(cases > 5 * expand::cases(&unit, model).count());
    }
}

/// A scenario that does nothing gives up behind what sets its kind's state up.
#[test]
fn nothing_is_given_up_before_the_state_is_there() {
    let text = "use kinds\nsuite s on bus bound {\n    scenario nothing { }\n}\n";
    let given_up = give_up(&load_text("s.devres", text).unit);
    let cases: Vec<_> = expand::cases(&given_up, Model::ALL).collect();
    let [first, rest @ ..] = &cases[..] else {
        panic!("no cases");
    };
    let trace = run::run(first).trace;
    assert_eq!(trace[0].op.as_deref(), Some("register dev.driver"));
    assert_eq!(rest.len(), 1);
}

/// A crate of its own, with this one as its only dependency and without its default
/// features, as somebody else's would have it.
#[test]
fn generated_rust_fails_negated() {
    let negated = negate(&corpus());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("negated");
    let _ = fs::remove_dir_all(&folder);
    for file in compile(&negated, &Options::default()).unwrap() {
        if let Some(name) = file.path.strip_prefix("rust/") {
            fs::create_dir_all(folder.join("rust")).unwrap();
            fs::write(folder.join("rust").join(name), file.text).unwrap();
        }
    }
    let manifest = format!(
        "[package]\nname = \"negated\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [lib]\npath = \"lib.rs\"\n\n\
         [[test]]\nname = \"generated\"\npath = \"rust/main.rs\"\n\n\
         [dev-dependencies]\n\
         devres-gen = {{ path = {:?}, default-features = false }}\n\n[workspace]\n",
        env!("CARGO_MANIFEST_DIR")
    );
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::write(folder.join("lib.rs"), "").unwrap();
    fs::copy("Cargo.lock", folder.join("Cargo.lock")).unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["test", "--offline", "--test", "generated"])
        .current_dir(&folder)
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    // A test is about all kernels, and fails on those on which it gets that far.
    let mut tests = BTreeMap::new();
    for model in Model::known() {
        for case in expand::cases(&negated, model) {
            let failed: &mut Vec<_> = tests.entry(case.name()).or_default();
            failed.extend(is_judged(&case).then(|| model.to_string()));
        }
    }
    let (judged, ended): (Vec<_>, Vec<_>) = tests.values().partition(|on| !on.is_empty());
    let all_failed = format!(
        "test result: FAILED. {} passed; {} failed;",
        ended.len(),
        judged.len()
    );
    assert!(judged.len() > 20 * ended.len());
    let mut sentences: BTreeMap<String, usize> = BTreeMap::new();
    for on in judged {
        let sentence = format!("failed on a kernel {}\n", on.join(", on one "));
        *sentences.entry(sentence).or_default() += 1;
    }
    for (sentence, times) in sentences {
        assert_eq!(text.matches(&sentence).count(), times, "{sentence}");
    }
    assert!(text.contains(&all_failed), "{text}\n{errors}");
    // A failure names the scenario's own line and shows what happened.
    assert!(
        text.contains("scenarios/unregister.devres:12: expected not `cleanup ran`"),
        "{text}"
    );
    assert!(text.contains("cleanup runs"), "{text}");
}
