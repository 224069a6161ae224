//! Texts that are large, deep, or without an end, in a time that is linear in their length.

use crate::util::{GOOD, folder, refuses_text, succeeds};

/// What has no braces behind it.
const HEAD: &str = "use kinds\nsuite s on root {\nscenario t {\nregister dev\n";

#[test]
fn five_megabytes_in_one_line() {
    let word = "x".repeat(5_000_000);
    refuses_text(&word, &["E0101", "`xxx", "...`", "x.devres:1:1"]);
    refuses_text(
        &"x ".repeat(2_500_000),
        &["E0101", "`x` is not expected here"],
    );
    let comment = folder(&format!("{} // {word}", GOOD.trim_end()));
    succeeds(comment.path(), &["run", "x.devres"]);
    let statements = "get dev; put dev; ".repeat(1_000);
    let line = folder(&GOOD.replace("register dev", &format!("register dev; {statements}")));
    succeeds(line.path(), &["run", "x.devres"]);
}

#[test]
fn a_hundred_thousand_scenarios_in_one_file() {
    let scenarios: String = (0..100_000)
        .map(|i| format!("scenario s{i} {{}}\n"))
        .collect();
    let many = folder(&format!("use kinds\nsuite s on root {{\n{scenarios}}}\n"));
    let told = succeeds(many.path(), &["run", "x.devres", "--only", "s/s77777/root"]);
    assert!(told.contains("s/s77777/root"), "{told}");
}

#[test]
fn twenty_thousand_levels() {
    let deep = [
        "E0104",
        "deeper than 64",
        "one too many",
        "is a `}` missing above?",
    ];
    let braces = "{".repeat(20_000);
    let within = format!(
        "{HEAD}{}{}}}}}\n",
        "action a on dev {\n".repeat(20_000),
        "}\n".repeat(20_000)
    );
    refuses_text(&within, &deep);
    refuses_text(&braces, &deep);
    refuses_text(
        &format!("{HEAD}{braces}{}}}}}\n", "}".repeat(20_000)),
        &deep,
    );
    refuses_text(&"scenario a {\n".repeat(20_000), &["E0104"]);
    refuses_text(&"suite a on root {\n".repeat(20_000), &["E0104"]);
    // What looks like a line of C, and stands where none can.
    refuses_text(&format!("x | {braces}"), &deep);
    refuses_text(&format!("{HEAD}x since 6.1 | {braces}\n}}\n}}\n"), &deep);
    // Other brackets are no nesting.
    refuses_text(&"(".repeat(20_000), &["E0101"]);
    refuses_text(
        &"}\n".repeat(20_000),
        &["E0101", "`}` is not expected here"],
    );
}

/// Comments, doc comments, quotes and lines of C that nothing ends.
#[test]
fn a_megabyte_without_an_end() {
    let much = "word ".repeat(200_000);
    refuses_text(&format!("use \"{much}"), &["E0101", "x.devres:1:5"]);
    refuses_text(
        &format!("use \"{much}\""),
        &["E0204", "is no scenario file", "..."],
    );
    refuses_text(
        &format!("/* {much}"),
        &["E0101", "a comment begins with `//`"],
    );
    refuses_text(
        &format!("{HEAD}/* {much} */\n}}\n}}\n"),
        &["E0101", "a comment begins with `//`"],
    );
    refuses_text(
        &format!("/// {much}"),
        &["E0101", "a doc comment stands before"],
    );
    refuses_text(
        &format!("{HEAD}/// {much}\n}}\n}}\n"),
        &["E0101", "a doc comment stands before"],
    );
    refuses_text(
        &"/// word\n".repeat(20_000),
        &["E0101", "something is missing here"],
    );
    let kind = "use kinds\nkind k {\nc {\ncreate | ";
    refuses_text(
        &format!("{kind}{much}"),
        &["E0101", "this `{` is never closed"],
    );
    refuses_text(
        &format!("{kind}{}", "x\n| ".repeat(10_000)),
        &["E0101", "this `{` is never closed"],
    );
    let doc = folder(
        &format!("/// {much}\n{GOOD}")
            .replace("use kinds\n", "")
            .replace("///", "use kinds\n///"),
    );
    // And once more: the mark of what was generated stands behind it.
    succeeds(doc.path(), &["compile", "x.devres"]);
    assert!(succeeds(doc.path(), &["compile", "x.devres"]).contains("0 files written"));
    succeeds(doc.path(), &["compile", "x.devres", "--check"]);
}

/// However much is wrong, what is said of it can be read.
#[test]
fn thousands_of_errors_are_counted() {
    let statements = "bogus nobody\nregister nobody\nregister register\n".repeat(3_000);
    refuses_text(
        &format!("{HEAD}{statements}}}\n}}\n"),
        &["E0102", "... and 5900 more", "6000 errors"],
    );
}

/// The grammar has names of 64 characters; what is longer is told from slips of the pen by
/// its length, not letter by letter.
#[test]
fn long_names() {
    let most = "n".repeat(64);
    let fits = folder(
        &GOOD
            .replace(" s ", &format!(" {most} "))
            .replace(" t ", &format!(" {most} ")),
    );
    succeeds(fits.path(), &["compile", "x.devres"]);
    for length in [65, 300, 200_000] {
        let long = "n".repeat(length);
        let words = [
            "E0103",
            "this name is too long",
            &format!("{length} characters"),
            "at most 64",
        ];
        refuses_text(&GOOD.replace(" s ", &format!(" {long} ")), &words);
        refuses_text(&GOOD.replace(" t ", &format!(" {long} ")), &words);
        let use_of_both = format!("action a{long} on dev; expect b{long} ran");
        refuses_text(
            &GOOD.replace("register dev", &format!("register dev; {use_of_both}")),
            &["E0103"],
        );
    }
}

/// Names are small letters, so macros and constants of the kernel are none. Those that it
/// has in small letters are names like others: see places.rs.
#[test]
fn words_of_the_kernel_in_large_letters_are_no_names() {
    for word in ["NULL", "__FILE__", "EINVAL", "_", "I386", "Linux"] {
        for place in [" s ", " t "] {
            let text = GOOD.replace(place, &format!(" {word} "));
            refuses_text(
                &text,
                &[
                    "E0103",
                    "cannot be a name",
                    "begin with a small letter",
                    "[x.devres:2:",
                ],
            );
        }
        let action = GOOD.replace(
            "register dev",
            &format!("register dev; action {word} on dev"),
        );
        refuses_text(&action, &["E0103"]);
    }
}
