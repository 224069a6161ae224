//! Files that are no scenarios: what is wrong is said, and what to do.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use crate::util::{GOOD, folder, refuses, refuses_text, succeeds};

fn fifo(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
}

#[test]
fn what_says_nothing_has_no_scenario() {
    let hint = "a scenario stands in a suite";
    for text in ["", "\u{feff}", " \t\r\n\n", "// nothing\n", "use kinds\n"] {
        refuses_text(text, &["E0503", "there is no scenario", hint]);
    }
    let empty = tempfile::tempdir().unwrap();
    let words = ["E0503", "no scenario below `.`", "end in `.devres`"];
    refuses(empty.path(), &["."], &words);
}

#[test]
fn what_is_not_there_is_named() {
    let empty = tempfile::tempdir().unwrap();
    let words = ["E0501", "cannot read `x.devres`", "No such file"];
    refuses(empty.path(), &["x.devres"], &words);
    refuses(
        empty.path(),
        &[""],
        &["a value is required for '<PATHS>...'"],
    );
    let long = "x".repeat(5000);
    refuses(
        empty.path(),
        &[&long],
        &["E0501", "cannot read", "`xxx", "...`: File name too long"],
    );
}

#[test]
fn what_is_not_text_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let utf16: Vec<u8> = "\u{feff}use kinds"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for (bytes, at) in [
        (&b"use kinds\n\xc3\x28"[..], "byte 10"),
        (b"\xff\xfe", "byte 0"),
        (&utf16, "byte 0"),
        // A surrogate, and a character of one byte in two.
        (b"\xed\xa0\x80", "byte 0"),
        (b"// \xc0\xaf", "byte 3"),
    ] {
        fs::write(folder.path().join("x.devres"), bytes).unwrap();
        refuses(
            folder.path(),
            &["x.devres"],
            &["E0502", at, "scenario files are UTF-8 text"],
        );
    }
}

/// What cannot be seen is shown as something that can.
#[test]
fn odd_characters_are_refused_where_they_stand() {
    let inside = |odd: &str| GOOD.replace("register", &format!("reg{odd}ister"));
    refuses_text(
        &inside("\0"),
        &[
            "E0102",
            "no operation `reg`",
            "[x.devres:2:32]",
            "reg?ister",
        ],
    );
    refuses_text(&inside("\x1b[2J"), &["E0102", "reg?[2Jister"]);
    refuses_text(&inside("\u{202e}"), &["E0102", "reg???ister"]);
    refuses_text(
        &format!("\0{GOOD}"),
        &["E0101", "`U+0000` is not expected here", "[x.devres:1:1]"],
    );
    // The line ends of old Macs are none.
    refuses_text(
        &GOOD.replace('\n', "\r"),
        &["E0101", "the end of the statement"],
    );
    let named = folder(&format!("use \"\x1b[2J\u{202e}\"\n{GOOD}"));
    refuses(
        named.path(),
        &["x.devres"],
        &["E0204", "`?[2J?` is no scenario file"],
    );
}

#[test]
fn a_byte_order_mark_and_carriage_returns_change_nothing() {
    let text = GOOD.replace("suite", "/// Said.\nsuite");
    let odd = format!("\u{feff}{}", text.replace('\n', "\r\n"));
    let compiled = |text: &str| {
        let folder = folder(text);
        succeeds(folder.path(), &["compile", "x.devres"]);
        let generated = folder.path().join("generated");
        // The folder's name stands in the others.
        let read = |name: &str| fs::read_to_string(generated.join(name)).unwrap();
        let name = folder.path().file_name().unwrap().to_str().unwrap();
        read("kunit/devres/devres-s-test.c").replace(name, "")
    };
    assert_eq!(compiled(&text), compiled(&odd));
}

/// By its size, and not by reading it.
#[test]
fn what_is_too_large_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let large = File::create(folder.path().join("x.devres")).unwrap();
    for size in [(64 << 20) + 1, 1 << 40] {
        large.set_len(size).unwrap();
        let words = [
            "E0504",
            "`x.devres` is too large",
            &format!("{size} bytes"),
            "64 MiB",
        ];
        refuses(folder.path(), &["x.devres"], &words);
        refuses(folder.path(), &["."], &["E0504"]);
    }
    fs::write(
        folder.path().join("y.devres"),
        format!("use \"x.devres\"\n{GOOD}"),
    )
    .unwrap();
    refuses(folder.path(), &["y.devres"], &["E0504"]);
}

#[test]
fn what_has_no_end_is_not_waited_for() {
    let here = folder(GOOD);
    let here = here.path();
    let words = ["E0501", "neither a file nor a folder"];
    refuses(here, &["/dev/zero"], &words);
    fifo(&here.join("fifo.devres"));
    refuses(here, &["fifo.devres"], &words);
    std::os::unix::fs::symlink("/dev/zero", here.join("zero.devres")).unwrap();
    refuses(here, &["zero.devres"], &words);
    fs::write(
        here.join("y.devres"),
        format!("use \"zero.devres\"\n{GOOD}"),
    )
    .unwrap();
    let words = ["E0501", "`zero.devres`: not a file", "[y.devres:1:5]"];
    refuses(here, &["y.devres"], &words);
    // Files of /proc say that they are empty.
    refuses(
        here,
        &["/proc/self/maps"],
        &["E0101", "is not expected here"],
    );
    fs::remove_file(here.join("y.devres")).unwrap();
    // Beside scenarios they are no scenarios.
    succeeds(here, &["compile", "."]);
}

/// One of them in one file, the rest in the other: both may say so, and only kinds are taken.
#[test]
fn files_may_use_each_other() {
    let here = tempfile::tempdir().unwrap();
    let file = |name: &str, other: &str| {
        let text = format!(
            "use kinds\nuse \"{other}.devres\"\nkind k_{name} : bus {{ }}\nsuite s_{name} on \
             k_{other} {{ scenario t {{ register dev }} }}\n"
        );
        fs::write(here.path().join(format!("{name}.devres")), text).unwrap();
    };
    file("a", "b");
    file("b", "a");
    let told = succeeds(here.path(), &["run", "."]);
    assert!(
        told.contains("s_a/t/k_b") && told.contains("s_b/t/k_a"),
        "{told}"
    );
    // A file that uses itself sees its kinds once.
    let text = format!(
        "use \"x.devres\"\nkind own {{ }}\n{}",
        GOOD.replace("root", "own")
    );
    let own = folder(&text);
    assert!(succeeds(own.path(), &["run", "x.devres"]).contains("s/t/own"));
}

#[test]
fn nothing_is_used_but_scenario_files() {
    let root = "../".repeat(40);
    for (name, words) in [
        (
            format!("{root}etc/passwd"),
            ["E0204", "is no scenario file", "[x.devres:1:5]"],
        ),
        (
            "/etc/passwd".to_owned(),
            ["E0204", "is no scenario file", "[x.devres:1:5]"],
        ),
        (
            format!("{root}no.devres"),
            ["E0501", "No such file", "[x.devres:1:5]"],
        ),
        (
            ".devres".to_owned(),
            ["E0501", "No such file", "[x.devres:1:5]"],
        ),
        (
            "sub.devres".to_owned(),
            ["E0501", "not a file", "[x.devres:1:5]"],
        ),
        (
            format!("{}.devres", "x".repeat(300)),
            ["E0501", "too long", "[x.devres:1:5]"],
        ),
    ] {
        let here = folder(&format!("use \"{name}\"\n{GOOD}"));
        fs::create_dir(here.path().join("sub.devres")).unwrap();
        refuses(here.path(), &["x.devres"], &words);
    }
}

#[test]
fn two_sources_of_one_output_are_an_error() {
    let here = tempfile::tempdir().unwrap();
    for name in ["a", "b"] {
        fs::create_dir(here.path().join(name)).unwrap();
        fs::write(here.path().join(name).join("x.devres"), GOOD).unwrap();
    }
    let words = ["E0202", "suite `s` is declared twice", "a/x.devres:2:7"];
    refuses(here.path(), &["."], &words);
    // By its folder and by itself it is one.
    succeeds(here.path(), &["compile", "a", "a/x.devres", "a/../a"]);
}
