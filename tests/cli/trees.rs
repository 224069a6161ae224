//! Kernel trees: what is put into them, taken out of them, and posted against them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::util::*;

/// As much of a kernel tree as `install` looks at.
fn kernel_tree(folder: &Path) -> PathBuf {
    let linux = folder.join("linux");
    let write = |name: &str, text: &str| {
        let path = linux.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("Makefile", "VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 1\n");
    write("tools/testing/kunit/kunit.py", "");
    write(
        "drivers/base/core.c",
        "\nvoid device_del(struct device *dev)\n{\n\tbus_remove_device(dev);\n}\n",
    );
    write(
        "drivers/base/dd.c",
        "\nstatic void __device_release_driver(struct device *dev, struct device *parent)\n{\n\
         \tdevice_unbind_cleanup(dev);\n\tdevice_links_driver_cleanup(dev);\n}\n",
    );
    write(
        "drivers/base/devres.c",
        "\nint devres_release_group(struct device *dev, void *id)\n{\n\
         \tif (!find_group(dev, id) && !list_empty(&dev->devres_head))\n\t\tWARN_ON(1);\n}\n",
    );
    write("drivers/base/test/Kconfig", "config ONE\n\tbool\n");
    write("drivers/base/test/Makefile", "obj-y += one.o\n");
    linux
}

#[test]
fn install_and_uninstall_leave_a_tree_as_it_was() {
    let folder = folder();
    let linux = kernel_tree(folder.path());
    let before = tree(&linux);
    let install = || program(folder.path(), &["install", "--tree", "linux", "scenarios"]);
    let output = install();
    assert!(output.status.success(), "{}", err(&output));
    // What device_del() calls tells which fixes the tree has.
    assert!(out(&output).contains("Linux 6.12 without 699fb50d9903"));
    let tests = linux.join("drivers/base/test");
    let c = fs::read_to_string(tests.join("devres/devres-unregister-test.c")).unwrap();
    assert!(c.contains("--without 699fb50d9903 --broken assert"), "{c}");
    let makefile = fs::read_to_string(tests.join("Makefile")).unwrap();
    assert!(makefile.starts_with("obj-y += one.o\n"));
    assert_eq!(makefile.matches("obj-y += devres/\n").count(), 1);
    let installed = tree(&linux);

    let again = install();
    assert!(out(&again).contains("0 files written"), "{}", out(&again));
    assert_eq!(tree(&linux), installed);

    let output = program(folder.path(), &["uninstall", "--tree", "linux"]);
    assert!(output.status.success(), "{}", err(&output));
    assert_eq!(tree(&linux), before);
    assert!(!tests.join("devres").exists());
}

#[test]
fn install_overwrites_nothing_that_it_did_not_write() {
    let folder = folder();
    let linux = kernel_tree(folder.path());
    let mine = linux.join("drivers/base/test/devres/Kconfig");
    fs::create_dir_all(mine.parent().unwrap()).unwrap();
    fs::write(&mine, "config MINE\n").unwrap();
    let before = tree(&linux);
    let output = program(folder.path(), &["install", "--tree", "linux", "scenarios"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("is in the way"), "{}", err(&output));
    assert_eq!(tree(&linux), before);
    // Nor is it removed.
    let output = program(folder.path(), &["uninstall", "--tree", "linux"]);
    assert!(output.status.success(), "{}", err(&output));
    assert_eq!(tree(&linux), before);
    let output = program(
        folder.path(),
        &["install", "--tree", "scenarios", "scenarios"],
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("no kernel tree"), "{}", err(&output));
}

const AUTHOR: &str = "A Developer <dev@example.org>";

fn series(folder: &Path, more: &[&str]) -> std::process::Output {
    post(folder, AUTHOR, more)
}

fn post(folder: &Path, author: &str, more: &[&str]) -> std::process::Output {
    let args = [
        "compile",
        "scenarios",
        "--for-upstream",
        "linux",
        "--author",
        author,
    ];
    program(folder, &[&args, more].concat())
}

/// Tests first, what the tree is known to break skipped; then what removes the skip.
#[test]
fn a_series_skips_what_is_broken_and_then_no_longer() {
    let folder = folder();
    let linux = kernel_tree(folder.path());
    let before = tree(&linux);
    let output = series(folder.path(), &["--signoff"]);
    assert!(output.status.success(), "{}", err(&output));
    assert_eq!(tree(&linux), before);
    let names = [
        "0000-cover-letter.patch",
        "0001-drivers-base-test-Add-devres-tests-unregister.patch",
        "0002-drivers-base-test-Run-what-699fb50d9903-fixes.patch",
    ];
    let said: String = names
        .iter()
        .map(|name| format!("series/{name}\n"))
        .collect();
    assert_eq!(out(&output), said);
    let read = |name: &str| fs::read_to_string(folder.path().join("series").join(name)).unwrap();
    let [cover, tests, unskip] = names.map(read);
    assert!(cover.contains("Subject: [PATCH 0/2] "), "{cover}");
    assert!(cover.contains("Not yet tested on a kernel."), "{cover}");
    assert!(!cover.contains("Signed-off-by"), "{cover}");
    assert!(tests.contains(&format!("\nSigned-off-by: {AUTHOR}\n---\n")));
    assert!(tests.contains("get_devm_put on root, platform."), "{tests}");
    assert!(tests.contains("+obj-y += devres/\n"), "{tests}");
    assert!(tests.contains("+++ b/drivers/base/test/devres/devres-unregister-test.c\n"));
    assert!(tests.contains("kunit_skip("), "{tests}");
    for patch in [&cover, &tests, &unskip] {
        assert!(!patch.contains("do not edit"), "{patch}");
    }
    // It removes the skip, and adds nothing.
    let (_, diff) = unskip.split_once("\n@@ ").unwrap();
    assert!(diff.contains("\n-\t\tkunit_skip("), "{diff}");
    assert!(!diff.contains("\n+"), "{diff}");

    // A tree with the fix has nothing to skip, and what is no longer there goes.
    let core = linux.join("drivers/base/core.c");
    let text = fs::read_to_string(&core).unwrap();
    fs::write(
        &core,
        text.replace("(dev);\n}", "(dev);\n\tdevres_release_all(dev);\n}"),
    )
    .unwrap();
    assert!(series(folder.path(), &[]).status.success());
    assert_eq!(tree(&folder.path().join("series")).len(), 2);
}

/// A report counts only if it is about the very cases that are posted.
#[test]
fn a_series_names_kernels_that_ran_just_this() {
    let folder = folder();
    kernel_tree(folder.path());
    let log = folder.path().join("log");
    let text = fs::read_to_string("tests/logs/6.12.log").unwrap();
    fs::write(&log, format!("Linux version 6.12.117 (gcc)\n{text}")).unwrap();
    let report = || {
        let args = ["verify", "--ktap", "log", "--format", "json", "scenarios"];
        out(&program(folder.path(), &args))
    };
    fs::write(folder.path().join("report"), report()).unwrap();
    let output = series(folder.path(), &["--tested", "report"]);
    assert!(output.status.success(), "{}", err(&output));
    let cover = fs::read_to_string(folder.path().join("series/0000-cover-letter.patch")).unwrap();
    assert!(cover.contains("  Linux 6.12.117: 9 ok;\n"), "{cover}");
    assert!(
        cover.contains("69 operations and events compared, 0 differences"),
        "{cover}"
    );

    let source = folder.path().join("scenarios/unregister.devres");
    let text = fs::read_to_string(&source).unwrap();
    let changed = text.replacen(
        "register dev\n",
        "register dev\n        get dev\n        put dev\n",
        1,
    );
    fs::write(&source, changed).unwrap();
    let output = series(folder.path(), &["--tested", "report"]);
    assert_eq!(output.status.code(), Some(2));
    let said = err(&output);
    assert!(
        said.contains("what became of unregister/plain/root as it is now"),
        "{said}"
    );
}

#[test]
fn a_series_takes_no_place_that_is_not_its_own() {
    let folder = folder();
    kernel_tree(folder.path());
    let output = series(folder.path(), &["--out", "scenarios"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        err(&output).contains("a folder of its own"),
        "{}",
        err(&output)
    );
    assert_eq!(tree(&folder.path().join("scenarios")).len(), 1);
    let output = post(folder.path(), "me", &[]);
    assert!(err(&output).contains("NAME <MAIL>"), "{}", err(&output));
}
