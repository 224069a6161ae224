//! examples/own-crate: somebody else's crate, with kinds of its own and the simulator
//! alone as a dependency, is built and its tests pass; what it has generated is up to date.

use std::path::Path;
use std::process::{Command, Output};

fn crate_folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/own-crate"))
}

fn succeeds(output: &Output) -> String {
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let text = said(&output.stdout);
    assert!(output.status.success(), "{text}{}", said(&output.stderr));
    text
}

#[test]
fn what_it_has_generated_is_up_to_date() {
    let output = Command::new(env!("CARGO_BIN_EXE_devres-gen"))
        .current_dir(crate_folder())
        .args(["compile", "scenarios", "--out", "generated", "--check"])
        .output()
        .unwrap();
    succeeds(&output);
}

#[test]
fn its_tests_build_without_any_dependency_and_pass() {
    let output = Command::new(env!("CARGO"))
        .current_dir(crate_folder())
        .args(["test", "--offline", "--quiet"])
        .env(
            "CARGO_TARGET_DIR",
            concat!(env!("CARGO_TARGET_TMPDIR"), "/own-crate"),
        )
        // What the outer cargo says of its own crate is none of the inner one's business.
        .env_remove("RUSTFLAGS")
        .output()
        .unwrap();
    let text = succeeds(&output);
    assert_eq!(text.matches("test result: ok").count(), 4, "{text}");
    let lock = std::fs::read_to_string(crate_folder().join("Cargo.lock")).unwrap();
    assert_eq!(lock.matches("[[package]]").count(), 2, "{lock}");
}
