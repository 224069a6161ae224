//! The emitted text: goldens of what generated/ does not show, and that nothing of a
//! scenario's can break out of its place. `UPDATE_EXPECT=1 cargo test --test emit` blesses.

use devres_gen::compile::{compile, load, load_text};
use devres_gen::emit::{Broken, Options, OutputFile};
use devres_gen::ir::{Linux, Unit};
use devres_gen::sim::Fix;
use expect_test::expect_file;

fn corpus() -> Unit {
    let front = load(&["scenarios".into()]);
    assert!(front.diagnostics.is_empty());
    front.unit
}

fn text(path: &str, source: &str) -> Unit {
    let front = load_text(path, source);
    assert!(front.diagnostics.is_empty(), "{:?}", front.diagnostics);
    front.unit
}

fn find<'f>(files: &'f [OutputFile], end: &str) -> &'f str {
    &files
        .iter()
        .find(|file| file.path.ends_with(end))
        .unwrap()
        .text
}

fn c(options: &Options) -> String {
    let files = compile(&corpus(), options).unwrap();
    find(&files, "devres-unregister-test.c").to_owned()
}

fn without(broken: Broken) -> Options {
    Options {
        without: vec![Fix::DelReleasesDevres],
        broken,
        ..Options::default()
    }
}

/// What is imported follows from what a test does, not from how its file is called.
#[test]
fn the_name_of_a_file_imports_nothing() {
    let source = "use kinds\nsuite s on root {\nscenario x {\nregister dev\nunregister dev\n}\n}\n";
    let emitted = |path| {
        let files = compile(&text(path, source), &Options::default()).unwrap();
        find(&files, "rust/s.rs").replace(path, "FILE")
    };
    assert_eq!(emitted("Fix/Op, DEV Claim.devres"), emitted("a.devres"));
}

#[test]
fn c_with_trace() {
    expect_file!["golden/trace.c"].assert_eq(&c(&Options {
        trace: true,
        ..Options::default()
    }));
}

/// What KASAN can tell of is run into, and by what is announced behind it the test ends.
#[test]
fn c_with_faults() {
    let options = Options {
        faults: true,
        ..Options::default()
    };
    let files = compile(&corpus(), &options).unwrap();
    expect_file!["golden/faults.c"].assert_eq(find(&files, "devres-memory-test.c"));
    let resources = find(&files, "devres-resources-test.c").to_owned();
    // What is done to another device lives on behind a callback that uses a device too late; what is
    // done to that device does not.
    let by_two = find(&files, "devres-put-by-two-test.c");
    assert!(by_two.contains("only KASAN can tell: 'ctlr'"));
    let in_del = "use kinds\nsuite s on bus {\n    scenario in_del {\n        register dev\n        put dev\n        \
                  action late on dev { get dev }\n        unregister dev\n        \
                  expect fault use_after_free on dev\n    }\n}\n";
    let in_del = compile(&text("s.devres", in_del), &options).unwrap();
    assert!(!find(&in_del, "devres-s-test.c").contains("only KASAN can tell"));
    // A reference that is taken during the release is one to what is still there: of that only
    // the count tells, without a word from KASAN.
    let files = compile(
        &corpus(),
        &Options {
            without: vec![Fix::DelReleasesDevres],
            ..options
        },
    );
    let faults = files.unwrap();
    let faults = find(&faults, "devres-faults-test.c");
    let (_, late) = faults.split_once("taken_too_late_test(").unwrap();
    assert!(
        late.trim_start_matches(|c| c != '{')
            .starts_with("{\n\tkunit_skip(")
    );
    // What a kernel does not survive it is not asked, with KASAN or without.
    assert!(resources.contains("a kernel must not be asked: 'res' is added to a list"));
    assert!(!resources.contains("CONFIG_KASAN"));
}

/// Other versions, where a class and a skipped parameter are written in another way, and
/// where KUnit can own a platform device at whose release nobody looks.
#[test]
fn c_for_other_versions() {
    for (target, golden) in [
        (Linux(6, 1), expect_file!["golden/order-6.1.c"]),
        (Linux(7, 2), expect_file!["golden/order-7.2.c"]),
    ] {
        let files = compile(
            &corpus(),
            &Options {
                target,
                ..Options::default()
            },
        )
        .unwrap();
        golden.assert_eq(find(&files, "devres-order-test.c"));
        // What is looked at has to be the test's own.
        assert!(!find(&files, "devres-unregister-test.c").contains("kunit_platform_device"));
        // On 6.1 only a kernel thread may close a file at once.
        let handles = find(&files, "devres-handles-test.c");
        assert_eq!(handles.contains("schedule_work"), target < Linux(6, 12));
    }
}

/// A patch says nothing of where it comes from.
#[test]
fn c_for_upstream() {
    let upstream = c(&Options {
        upstream: true,
        ..Options::default()
    });
    let ours = c(&Options::default());
    let without_header = |text: &str| text.split_once("#include").unwrap().1.to_owned();
    assert_eq!(without_header(&upstream), without_header(&ours));
    assert!(!upstream.contains("devres-gen"), "{upstream}");
    assert!(!upstream.contains("Content: "), "{upstream}");
}

#[test]
fn c_that_skips_what_the_kernel_breaks() {
    expect_file!["golden/skip.c"].assert_eq(&c(&without(Broken::Skip)));
}

#[test]
fn c_that_expects_what_the_kernel_breaks() {
    expect_file!["golden/expect.c"].assert_eq(&c(&without(Broken::Expect)));
}

/// The contract is asserted whatever the kernel: only the named command differs.
#[test]
fn c_that_asserts_the_contract_is_that_for_a_kernel_with_all_fixes() {
    let body = |text: String| text.split_once("#include").unwrap().1.to_owned();
    assert_eq!(
        body(c(&without(Broken::Assert))),
        body(c(&Options::default()))
    );
}

/// Memory of the test's own, and an action that adds another.
#[test]
fn a_kind_of_ones_own() {
    let unit = text("own_kind.devres", include_str!("own_kind.devres"));
    let files = compile(
        &unit,
        &Options {
            trace: true,
            ..Options::default()
        },
    )
    .unwrap();
    expect_file!["golden/own_kind.c"].assert_eq(find(&files, "devres-nested-test.c"));
    expect_file!["golden/own_kind.rs"].assert_eq(find(&files, "nested.rs"));
}

#[test]
fn doc_comments_and_names_cannot_break_out() {
    let source = "\
use kinds

/// Ends */ here /* and there \\
/// \u{202e}backwards \u{0007}bell
suite match on root {
    /// */ int x; /*
    scenario self {
        register dev
        action current on dev
        unregister dev
        expect current ran
    }
}
";
    let files = compile(&text("x.devres", source), &Options::default()).unwrap();
    let c = find(&files, ".c");
    let doc = "// Ends * / here / * and there ? ?backwards ?bell\n";
    assert!(c.contains(doc), "{c}");
    assert!(c.contains("/* * / int x; / * */\n"), "{c}");
    assert!(c.is_ascii());
    let rust = find(&files, "match.rs");
    assert!(rust.contains("mod self_ {"), "{rust}");
    assert!(find(&files, "main.rs").contains("mod r#match;"));
    let plain = |c: char| c == '\n' || c.is_ascii_graphic() || c == ' ';
    assert!(rust.chars().all(plain), "{rust}");
}

#[test]
fn a_suite_on_a_kind_without_c_is_refused_with_the_place() {
    let source = "kind bare {\n}\n\nsuite s on bare {\n    scenario t { register dev }\n}\n";
    let unit = text("bare.devres", source);
    let errors = compile(&unit, &Options::default()).unwrap_err();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].message, "kind `bare` has no C");
    assert_eq!(unit.line(errors[0].labels[0].0), 4);
}

/// A helper is emitted where it is called, and only there: it is static.
#[test]
fn helpers_are_emitted_where_they_are_called() {
    let source = "\
use kinds
suite helpers on platform, platform bound {
    scenario s {
        register dev
        expect dev freed but bound without 699fb50d9903 while unbound
    }
}
";
    let unit = text("x.devres", source);
    let c = |options| find(&compile(&unit, &options).unwrap(), ".c").to_owned();
    assert_eq!(c(Options::default()).matches("is_bound(").count(), 0);
    assert_eq!(c(without(Broken::Expect)).matches("is_bound(").count(), 2);
}
