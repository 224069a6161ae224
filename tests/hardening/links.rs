//! Links among scenarios: what they lead to is read, and each file once.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::util::{GOOD, refuses, succeeds};

/// Folders `in`, which is asked about, and `out`, with a scenario file of a suite in it.
fn folders() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for name in ["in", "out"] {
        fs::create_dir(root.path().join(name)).unwrap();
    }
    fs::write(root.path().join("out/x.devres"), GOOD).unwrap();
    root
}

fn cases(root: &Path, path: &str) -> Vec<String> {
    let told = succeeds(root, &["run", path]);
    let lines = told.lines().filter_map(|line| line.strip_prefix("ok "));
    lines.map(|line| line.trim().to_owned()).collect()
}

#[test]
fn a_link_to_a_scenario_is_one() {
    let root = folders();
    symlink("../out/x.devres", root.path().join("in/y.devres")).unwrap();
    assert_eq!(cases(root.path(), "in"), ["s/t/root"]);
    assert_eq!(cases(root.path(), "in/y.devres"), ["s/t/root"]);
    // The same file twice, by two names.
    symlink("y.devres", root.path().join("in/z.devres")).unwrap();
    assert_eq!(cases(root.path(), "in"), ["s/t/root"]);
    assert_eq!(cases(root.path(), "."), ["s/t/root"]);
}

#[test]
fn a_link_to_a_folder_is_followed() {
    let root = folders();
    symlink("../out", root.path().join("in/more")).unwrap();
    assert_eq!(cases(root.path(), "in"), ["s/t/root"]);
    assert_eq!(cases(root.path(), "in/more"), ["s/t/root"]);
    // Generated text says how the file was reached.
    succeeds(root.path(), &["compile", "in"]);
    let c = root.path().join("generated/kunit/devres/devres-s-test.c");
    assert!(
        fs::read_to_string(c)
            .unwrap()
            .contains("compile in/more/x.devres")
    );
}

/// A folder that is within itself holds no more than it does.
#[test]
fn a_loop_of_links_ends() {
    let root = folders();
    for (to, from) in [
        (".", "in/self"),
        ("..", "in/up"),
        ("../in", "out/other"),
        ("../out", "in/other"),
    ] {
        symlink(to, root.path().join(from)).unwrap();
    }
    assert_eq!(cases(root.path(), "in"), ["s/t/root"]);
    assert_eq!(cases(root.path(), "."), ["s/t/root"]);
    // Each of 12 folders is in all others: more ways than could ever be walked.
    for name in 0..12 {
        let folder = root.path().join(format!("in/{name}"));
        fs::create_dir(&folder).unwrap();
        for other in 0..12 {
            symlink(format!("../{other}"), folder.join(format!("to{other}"))).unwrap();
        }
    }
    assert_eq!(cases(root.path(), "in"), ["s/t/root"]);
}

/// A scenario that is missed, and not the lock of an editor.
#[test]
fn a_link_to_nowhere_is_an_error_if_it_should_be_a_scenario() {
    let root = folders();
    fs::write(root.path().join("in/x.devres"), GOOD).unwrap();
    symlink("me@host:1", root.path().join("in/.#x.devres")).unwrap();
    symlink("nowhere", root.path().join("in/notes")).unwrap();
    assert_eq!(cases(root.path(), "in"), ["s/t/root"]);
    symlink("nowhere", root.path().join("in/y.devres")).unwrap();
    refuses(
        root.path(),
        &["in"],
        &["E0501", "in/y.devres", "No such file"],
    );
    let itself = root.path().join("out/itself.devres");
    symlink("itself.devres", &itself).unwrap();
    refuses(
        root.path(),
        &["out"],
        &["E0501", "itself.devres", "symbolic links"],
    );
    refuses(
        root.path(),
        &["out/itself.devres"],
        &["E0501", "symbolic links"],
    );
}
