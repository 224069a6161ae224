//! What `ask` tells, and that it is so. `UPDATE_EXPECT=1 cargo test --test ask` blesses the texts.

use devres_gen::ask::{answers, scenarios};
use devres_gen::compile::{Front, load_text};
use devres_gen::diagnostic::has_errors;
use devres_gen::expand;
use devres_gen::ir::Scenario;
use devres_gen::question::{askable, of_statements};
use devres_gen::run::{run, run_as};
use devres_gen::select::Selection;
use devres_gen::sim::{Fix, Model};
use devres_gen::story::{Ends, Story};
use expect_test::{Expect, expect};

/// Questions of all sorts.
const QUESTIONS: &[&str] = &[
    "register dev; get dev; action cleanup on dev { put dev }; unregister dev",
    "register dev; get dev; action a on dev; action b on dev { action c on dev }; unregister dev",
    "register dev; action a on dev; remove a; resource r on dev { get dev }; unbind dev",
    "init dev; action a on dev; put dev",
    "register dev; open dev as f; action a on dev; unregister dev; open dev as g",
    "driver drv for dev {\nprobe 1 { action a on dev; return EIO }\nprobe { action b on dev }\n}
     register dev; register drv; attach dev; attach dev",
    "device sup: bus; driver s for sup { }; driver d for dev { probe 1 { return EPROBE_DEFER } }
     register dev; register sup; link dev to sup; register d; register s",
    "device child: platform bound parent dev
     register dev; register child; get child; action a on child; unregister child; unregister dev",
    "register dev; group g on dev; action a on dev; close g; release g; action b on dev; remove b; remove b",
    "register dev; memory m; action a on dev { free m }; resource r on dev; destroy r",
];

fn ask(asked: &str, kinds: &[&str]) -> Front {
    let kinds: Vec<String> = kinds.iter().map(|&kind| kind.to_owned()).collect();
    of_statements(asked, &kinds, &[], &Selection::default()).unwrap()
}

/// The lines of an answer that can stand in a scenario, without those about other kernels.
fn pasted(told: &str) -> String {
    let usual = told.split("\non a kernel ").next().unwrap();
    let lines = usual.lines().map(str::trim_start);
    let claims = |line: &&str| line.starts_with("expect ") || line.starts_with("finally expect ");
    lines
        .filter(claims)
        .map(|line| format!("{line}\n"))
        .collect()
}

/// A scenario that a question was made into is accepted, and holds on each kernel; and of each case that may
/// stand in one there is one.
#[test]
fn questions_become_scenarios() {
    let models: Vec<Model> = Model::known().collect();
    let mut suites = 0;
    for asked in QUESTIONS {
        let unit = ask(asked, &[]).unit;
        let (text, left_out) =
            scenarios(&answers(&unit, &models), &unit, "suite_of", "scenario_of");
        let made = match text.as_str() {
            "" => vec![],
            text => {
                let Front { unit, diagnostics } = load_text("<scenario>", text);
                assert!(!has_errors(&diagnostics), "{text}\n{diagnostics:?}");
                for model in &models {
                    for case in expand::cases(&unit, *model) {
                        let run = run(&case);
                        assert!(
                            run.passed(),
                            "{} {model}: {:?}\n{text}",
                            case.name(),
                            run.failures
                        );
                    }
                }
                unit.suites
            }
        };
        let kinds: usize = made.iter().map(|suite| suite.kinds.len()).sum();
        let lost: usize = left_out
            .iter()
            .map(|why| why.split(':').next().unwrap().split(", ").count())
            .sum();
        assert_eq!(
            kinds + lost,
            unit.suites[0].kinds.len(),
            "{text}\n{left_out:?}"
        );
        suites += made.len();
    }
    assert!(suites > 20, "{suites}");
}

#[test]
fn what_no_scenario_may_do_is_left_out() {
    let why = |asked: &str| {
        let unit = ask(asked, &["platform"]).unit;
        let (text, left_out) = scenarios(&answers(&unit, &[Model::ALL]), &unit, "s", "t");
        assert_eq!(text, "");
        left_out.concat()
    };
    assert!(why("register dev; put dev").contains("no scenario may do that"));
    assert!(why("register dev; attach dev fails EIO").contains("not returned"));
    assert!(why("in any order { register dev; init dev }").contains("every order"));
    let racy = "device t like dev; driver d for dev { probe 1 { return EPROBE_DEFER } }; driver e for t { }
        register dev; register t; register d; register e; unregister dev";
    assert!(why(racy).contains("queued work"));
}

/// What is said to be so on a kind can stand in a scenario on it, and holds on each kernel.
#[test]
fn what_can_be_expected_holds() {
    let models: Vec<Model> = Model::known().collect();
    let (mut cases, mut deviations) = (0, 0);
    for asked in QUESTIONS {
        let unit = ask(asked, &[]).unit;
        for kind in &unit.suites[0].kinds {
            let kind = kind.spelled(&unit);
            let unit = ask(asked, &[&kind]).unit;
            let well = askable(&unit, Model::ALL);
            // What fails has to be said, and is not in what was asked.
            let fails = |story: &Story| story.own.iter().any(|line| line.text.contains(" fails "));
            let mut stories = expand::cases(&unit, Model::ALL).map(|case| Story::of(&case));
            if well.suites.is_empty() || stories.any(|story| fails(&story)) {
                continue;
            }
            let told = answers(&unit, &models)[0].tell(&unit, false);
            let pasted = pasted(&told);
            deviations += usize::from(pasted.contains(" but "));
            let text = format!(
                "use kinds\nsuite s on {kind} {{\nscenario x {{\n{asked}\nsettle\n{pasted}}}\n}}\n"
            );
            let front = load_text("told.devres", &text);
            for &model in &models {
                // Where it goes wrong there is nothing to paste.
                let story = expand::cases(&unit, model)
                    .next()
                    .map(|case| Story::of(&case));
                if story.is_some_and(|story| story.ends != Ends::Well) {
                    continue;
                }
                for case in expand::cases(&front.unit, model) {
                    let stated = run_as(&case, model);
                    assert!(
                        stated.passed() && stated.races.is_empty(),
                        "{text} {model}: {:?} {:?}",
                        front.diagnostics,
                        stated.failures
                    );
                    cases += 1;
                }
            }
        }
    }
    assert!(
        cases > 300 && deviations > 20,
        "{cases} cases, {deviations} deviations"
    );
}

fn told(asked: &str, kinds: &[&str], expected: &Expect) {
    let front = ask(asked, kinds);
    assert!(front.diagnostics.is_empty(), "{:?}", front.diagnostics);
    let models: Vec<Model> = Model::known().collect();
    let answers = answers(&front.unit, &models);
    let told = answers.iter().map(|answer| answer.tell(&front.unit, false));
    expected.assert_eq(&told.collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_kernel_is_told_of_where_it_parts() {
    told(
        "register dev; action a on dev; unregister dev; expect a ran, dev freed",
        &["root", "bare", "platform bound"],
        &expect![[r#"
            on root, bare:
              register dev    dev refs 0 -> 1
              action a on dev
              unregister dev  dev refs 1 -> 0
                a runs (device_unregister > device_del > devres_release_all)
                dev is released (device_unregister > put_device > device_release)
              expect a ran: yes
              expect dev freed: yes
              expect a ran, dev freed
            on a kernel without 699fb50d9903:
              unregister dev  dev refs 1 -> 0
                a runs (device_unregister > put_device > device_release > devres_release_all)
                dev is released (device_unregister > put_device > device_release)
              expect a ran: yes
              expect dev freed: yes
              expect a ran, dev freed

            on platform bound:
              register dev    dev refs 0 -> 3, dev is bound
                dev.probe runs (device_register > device_add > bus_probe_device > device_initial_probe > really_probe)
              action a on dev
              unregister dev  dev refs 3 -> 0, dev is unbound
                dev.remove runs (device_unregister > device_del > bus_remove_device > device_release_driver)
                a runs (device_unregister > device_del > bus_remove_device > device_release_driver > device_unbind_cleanup > devres_release_all)
                dev is released (device_unregister > put_device > device_release)
              expect a ran: yes
              expect dev freed: yes
              expect a ran, dev freed
        "#]],
    );
}

#[test]
fn a_fault_ends_the_story() {
    told(
        "register dev; memory priv on dev; action late on dev { use priv }; free priv; unbind dev",
        &["platform bound"],
        &expect![[r#"
            on platform bound:
              register dev  dev refs 0 -> 3, dev is bound
                dev.probe runs (device_register > device_add > bus_probe_device > device_initial_probe > really_probe)
              memory priv on dev
              action late on dev
              free priv
                priv is freed (devm_kfree)
              unbind dev
                dev.remove runs (device_release_driver)
                late runs (device_release_driver > device_unbind_cleanup > devres_release_all)
                  use priv
              !! `priv` is used after it was freed (in device_release_driver > device_unbind_cleanup > devres_release_all; freed in devm_kfree)
              expect fault use_after_free on priv
        "#]],
    );
}

#[test]
fn work_that_is_queued_is_waited_for() {
    told(
        "device sup: bus
         driver of_sup for sup { }
         driver of_dev for dev {
             probe 1 { action a on dev; return EPROBE_DEFER }
         }
         register dev; register sup; register of_dev; register of_sup",
        &["platform"],
        &expect![[r#"
            on platform:
              register dev     dev refs 0 -> 3
              register sup     sup refs 0 -> 2
              register of_dev  dev is deferred
                of_dev.probe runs (driver_register > driver_attach > really_probe)
                  action a on dev
                a runs (driver_register > driver_attach > really_probe > device_unbind_cleanup > devres_release_all)
              register of_sup  sup is bound
                of_sup.probe runs (driver_register > driver_attach > really_probe)
              (work is queued, so that it has to be said:)
              settle           dev is bound
                of_dev.probe runs (deferred_probe_work_func > bus_probe_device_deferred > device_initial_probe > really_probe)
              expect a ran, of_sup.probe ran, of_sup.remove not run, of_dev.probe ran 2 times, of_dev.remove not run, dev bound, sup bound
              at its end:
              unregister sup   sup refs 2 -> 0, sup is unbound
                of_sup.remove runs (device_unregister > device_del > bus_remove_device > device_release_driver)
                sup is released (device_unregister > put_device > device_release)
              unregister dev   dev refs 3 -> 0, dev is unbound
                of_dev.remove runs (device_unregister > device_del > bus_remove_device > device_release_driver)
                dev is released (device_unregister > put_device > device_release)
              unregister of_sup
              unregister of_dev
              finally expect of_sup.remove ran, of_dev.remove ran, dev freed, sup freed
        "#]],
    );
}

#[test]
fn orders_that_lead_to_the_same_are_told_once() {
    told(
        "register dev; get dev
         action a on dev
         in any order {
             unregister dev
             { put dev; expect dev alive }
             remove a
         }",
        &["root"],
        &expect![[r#"
            in 2 of 12 orders: abbc, babc; this is abbc

            on root:
              register dev    dev refs 0 -> 1
              get dev         dev refs 1 -> 2
              action a on dev
              unregister dev  dev refs 2 -> 1
                a runs (device_unregister > device_del > devres_release_all)
              put dev         dev refs 1 -> 0
                dev is released (put_device > device_release)
              expect dev alive: no, it is freed
              remove a
              !! `dev` is used after it was freed (in devm_remove_action; freed in put_device > device_release)
              expect fault use_after_free on dev
            on a kernel without 699fb50d9903:
              unregister dev  dev refs 2 -> 1
              put dev         dev refs 1 -> 0
                a runs (put_device > device_release > devres_release_all)
                dev is released (put_device > device_release)
              expect dev alive: no, it is freed
              remove a
              !! `dev` is used after it was freed (in devm_remove_action; freed in put_device > device_release)
              expect fault use_after_free on dev

            in 2 of 12 orders: abcb, bacb; this is abcb

            on root:
              register dev    dev refs 0 -> 1
              get dev         dev refs 1 -> 2
              action a on dev
              unregister dev  dev refs 2 -> 1
                a runs (device_unregister > device_del > devres_release_all)
              put dev         dev refs 1 -> 0
                dev is released (put_device > device_release)
              remove a
              !! `dev` is used after it was freed (in devm_remove_action; freed in put_device > device_release)
              expect fault use_after_free on dev
            on a kernel without 699fb50d9903:
              unregister dev  dev refs 2 -> 1
              put dev         dev refs 1 -> 0
                a runs (put_device > device_release > devres_release_all)
                dev is released (put_device > device_release)
              remove a
              !! `dev` is used after it was freed (in devm_remove_action; freed in put_device > device_release)
              expect fault use_after_free on dev

            in 1 of 12 orders: acbb

            on root:
              register dev    dev refs 0 -> 1
              get dev         dev refs 1 -> 2
              action a on dev
              unregister dev  dev refs 2 -> 1
                a runs (device_unregister > device_del > devres_release_all)
              remove a
                WARN() in devm_remove_action() (devm_remove_action)
              put dev         dev refs 1 -> 0
                dev is released (put_device > device_release)
              expect dev alive: no, it is freed
              expect a ran but not run without 699fb50d9903, dev freed, warning
            on a kernel without 699fb50d9903:
              unregister dev  dev refs 2 -> 1
              remove a
              put dev         dev refs 1 -> 0
                dev is released (put_device > device_release)
              expect dev alive: no, it is freed
              expect a not run, dev freed

            in 1 of 12 orders: bbac

            on root:
              register dev    dev refs 0 -> 1
              get dev         dev refs 1 -> 2
              action a on dev
              put dev         dev refs 2 -> 1
              expect dev alive: yes
              unregister dev  dev refs 1 -> 0
                a runs (device_unregister > device_del > devres_release_all)
                dev is released (device_unregister > put_device > device_release)
              remove a
              !! `dev` is used after it was freed (in devm_remove_action; freed in device_unregister > put_device > device_release)
              expect fault use_after_free on dev
            on a kernel without 699fb50d9903:
              unregister dev  dev refs 1 -> 0
                a runs (device_unregister > put_device > device_release > devres_release_all)
                dev is released (device_unregister > put_device > device_release)
              remove a
              !! `dev` is used after it was freed (in devm_remove_action; freed in device_unregister > put_device > device_release)
              expect fault use_after_free on dev

            in 3 of 12 orders: bbca, bcba, cbba; this is bbca

            on root:
              register dev    dev refs 0 -> 1
              get dev         dev refs 1 -> 2
              action a on dev
              put dev         dev refs 2 -> 1
              expect dev alive: yes
              remove a
              unregister dev  dev refs 1 -> 0
                dev is released (device_unregister > put_device > device_release)
              expect a not run, dev freed

            in 3 of 12 orders: bcab, cabb, cbab; this is bcab

            on root:
              register dev    dev refs 0 -> 1
              get dev         dev refs 1 -> 2
              action a on dev
              put dev         dev refs 2 -> 1
              remove a
              unregister dev  dev refs 1 -> 0
                dev is released (device_unregister > put_device > device_release)
              expect dev alive: no, it is freed
              expect a not run, dev freed
        "#]],
    );
}

#[test]
fn what_a_kind_cannot_do_is_not_asked_of_it() {
    let front = ask("register dev; open dev as f", &[]);
    let kinds = &front.unit.suites[0].kinds;
    let kinds: Vec<String> = kinds.iter().map(|kind| kind.spelled(&front.unit)).collect();
    assert_eq!(kinds, ["chardev", "misc", "iio", "drm"]);
    assert!(front.diagnostics.is_empty());
    let front = ask("register dev; open dev as f", &["root"]);
    assert_eq!(front.diagnostics.len(), 1);
}

/// A fault that a fix brings is announced with it, if nothing stands behind that.
#[test]
fn a_fault_that_a_fix_brings_is_said() {
    let asked = "device c: misc parent dev; register dev; register c
        action a on c { unregister dev }
        unregister c";
    let unit = ask(asked, &["i2c_adapter"]).unit;
    let models: Vec<Model> = Model::known().collect();
    let (text, left_out) = scenarios(&answers(&unit, &models), &unit, "s", "t");
    let fault = "expect fault waits_forever on dev but no fault without 699fb50d9903\n";
    assert!(left_out.is_empty() && text.contains(fault), "{text}");
}

/// A kernel is asked for what goes well only, and told which errors to expect: a test would end there.
#[test]
fn a_kernel_is_asked_for_what_goes_well() {
    let asked = "driver drv for dev { probe { return EIO } }
        register dev; register drv; bind dev to drv
        action grab on dev { get dev }
        unregister dev";
    let unit = ask(asked, &["platform", "platform bound", "bus"]).unit;
    let asked_on = |model| {
        let well = askable(&unit, model);
        let of = |scenario: &Scenario| {
            let kinds = scenario.kinds.iter().map(|kind| kind.spelled(&well));
            format!(
                "{} on {}",
                scenario.name,
                kinds.collect::<Vec<_>>().join(", ")
            )
        };
        for case in expand::cases(&well, model) {
            assert!(run_as(&case, Model::ALL).passed(), "{}", case.name());
        }
        let all = well.suites.iter().flat_map(|suite| &suite.scenarios);
        all.map(of).collect::<Vec<_>>()
    };
    assert_eq!(
        asked_on(Model::ALL),
        ["asked on platform, bus", "asked_2 on platform bound"]
    );
    assert_eq!(
        asked_on(Model::ALL.without(Fix::DelReleasesDevres)),
        ["asked on platform bound"]
    );
}

fn told_of(asked: &str, kinds: &[&str]) -> String {
    let unit = ask(asked, kinds).unit;
    let models: Vec<Model> = Model::known().collect();
    let answers = answers(&unit, &models);
    answers
        .iter()
        .map(|answer| answer.tell(&unit, false))
        .collect()
}

/// Whoever is asked again may say otherwise, and a kernel is not asked.
#[test]
fn what_depends_on_queued_work_is_told_so() {
    let asked = "device sup: bus
        register sup; register dev; link dev to sup; unregister sup; get sup";
    let told = told_of(asked, &["bus"]);
    assert!(
        told.contains("?? this depends on when queued work is done"),
        "{told}"
    );
    assert!(!told.contains("expect "), "{told}");
    assert!(
        askable(&ask(asked, &["bus"]).unit, Model::ALL)
            .suites
            .is_empty()
    );
}

/// Orders and kinds are the same only if errors, verdicts and drivers are.
#[test]
fn what_differs_is_told_apart() {
    let told = told_of(
        "register dev; open dev as h; in any order { unregister dev; use h }",
        &["drm"],
    );
    assert!(told.contains("in 1 of 2 orders: ab\n"), "{told}");
    assert!(told.contains("in 1 of 2 orders: ba\n"), "{told}");
    let told = told_of("register dev; unbind dev", &["platform", "faux"]);
    assert!(
        told.contains("on platform:") && told.contains("on faux:"),
        "{told}"
    );
}

/// A scenario is held against what it states of that kernel.
#[test]
fn what_is_stated_of_a_kernel_is_judged_there() {
    let told = told_of(
        "register dev; get dev; action a on dev; unregister dev
         expect a ran but not run without 699fb50d9903",
        &["platform"],
    );
    assert!(told.contains("expect a ran: yes"), "{told}");
    assert!(told.contains("expect a not run: yes"), "{told}");
    assert!(!told.contains(": no"), "{told}");
}
