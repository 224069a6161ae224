//! The canonical form, over every scenario file of this repository: to format twice is
//! to format once, and a formatted file means the same.

use devres_gen::compile::{compile, load_text};
use devres_gen::emit::{Options, OutputFile};
use devres_gen::syntax::format;

fn files() -> Vec<(String, String)> {
    let files = ["scenarios", "library", "tests"].iter().flat_map(|folder| {
        walkdir::WalkDir::new(folder)
            .into_iter()
            .map(Result::unwrap)
    });
    let files = files.filter(|entry| entry.path().extension().is_some_and(|end| end == "devres"));
    // One fixture is no text, on purpose.
    files
        .filter_map(|entry| {
            let text = String::from_utf8(std::fs::read(entry.path()).unwrap()).ok()?;
            Some((entry.path().display().to_string(), text))
        })
        .collect()
}

/// A text as a careless hand would have left it: the same lines, without their blanks.
fn careless(text: &str) -> String {
    text.lines()
        .map(|line| line.trim_start().to_owned() + "\n\n\n")
        .collect()
}

#[test]
fn to_format_twice_is_to_format_once() {
    let files = files();
    assert!(files.len() > 10);
    for (path, text) in files {
        for text in [text.clone(), careless(&text)] {
            let once = format(&text);
            assert_eq!(format(&once), once, "{path}");
        }
    }
}

/// Without traces the C names no lines, so it is the same to the letter.
#[test]
fn a_formatted_file_means_the_same() {
    let mut count = 0;
    for (path, text) in files() {
        let before = load_text("x", &text);
        if !before.diagnostics.is_empty() {
            continue;
        }
        // Kinds without C are refused, and simulated all the same.
        let Ok(files) = compile(&before.unit, &Options::default()) else {
            continue;
        };
        let c = |file: &OutputFile| file.path.ends_with(".c");
        let after = load_text("x", &format(&careless(&text)));
        assert!(
            after.diagnostics.is_empty(),
            "{path}: {:?}",
            after.diagnostics
        );
        let again = compile(&after.unit, &Options::default()).unwrap();
        let (files, again) = (files.iter(), again.iter());
        assert!(files.filter(|f| c(f)).eq(again.filter(|f| c(f))), "{path}");
        count += 1;
    }
    assert!(count >= 5, "only {count} files were compared");
}
