//! Diagnostics, by fixture: a folder a phase, and the expected message stands as a
//! comment `//~ CODE: message` on the line of its primary label, or above a line of C,
//! which cannot have comments of ours, as `//~v CODE: message`. What is missing and
//! what is unexpected is reported together. Beside each fixture, `.stderr` is how the
//! whole looks to a user.
//!
//! What only the program says, about files, about what cannot be emitted and about
//! expectations that do not hold, is shown by its standard error in the folders `files`,
//! `emit` and `run`.
//!
//! `BLESS=1 cargo test --test diagnostics` writes all of it anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use devres_gen::codes::Code;
use devres_gen::compile::{Front, load, load_text};
use devres_gen::diagnostic::{Report, has_errors};
use devres_gen::source::EXTENSION;
use miette::{GraphicalReportHandler, GraphicalTheme};

const MARKER: &str = "//~";
const ABOVE: &str = "//~v";

#[test]
fn syntax() {
    check_folder("syntax");
}

#[test]
fn resolve() {
    check_folder("resolve");
}

#[test]
fn check() {
    check_folder("check");
}

#[test]
fn lifetime() {
    check_folder("lifetime");
}

/// The line that E0401 gives to announce a fault does so, on those kinds and kernels where it happens.
#[test]
fn a_fault_is_announced_by_the_line_that_its_help_gives() {
    let programs = [
        ("get dev", "on dev"),
        ("register dev; register dev", "on dev"),
        (
            "register dev; get dev; action a on dev { put dev }; unregister dev; get dev",
            "on dev but no fault without 699fb50d9903 while unbound",
        ),
        (
            "driver drv for dev { probe { unregister dev } }; register drv; register dev",
            "on dev while unbound",
        ),
        (
            "memory p; register dev; action a on dev { use p }; free p; unregister dev",
            "on p",
        ),
    ];
    for (program, on) in programs {
        let text = |program: &str| {
            format!(
                "use kinds\nsuite s on bus, platform, platform bound {{\nscenario t {{\n{}\n}}\n}}\n",
                program.replace("; ", "\n")
            )
        };
        let found = load_text("t.devres", &text(program)).diagnostics;
        let help = found.iter().find(|known| known.code == Code::Fault);
        let help = help.and_then(|known| known.way_out()).unwrap_or_default();
        let line = help.lines().last().unwrap_or_default().trim();
        assert!(
            line.starts_with("expect fault ") && line.ends_with(on),
            "{program}: {help}"
        );
        let announced = load_text("t.devres", &text(&format!("{program}; {line}")));
        assert!(
            !has_errors(&announced.diagnostics),
            "{program}: {:?}",
            announced.diagnostics
        );
    }
}

/// What cannot be read, or has nothing to run in it.
#[test]
fn files() {
    let shown = [
        ("missing", "tests/fixtures/files/missing.devres"),
        ("not_utf8", "tests/fixtures/files/not_utf8.devres"),
        ("no_scenario", "tests/fixtures/files/no_scenario.devres"),
        ("nothing", "tests/fixtures/files/nothing"),
    ];
    let mut complaints = String::new();
    for (name, path) in shown {
        let golden = format!("tests/fixtures/files/{name}.stderr");
        complaints += &compare(Path::new(&golden), &program(&["compile", path], 2));
    }
    // Nothing but its size.
    let folder = tempfile::tempdir().unwrap();
    let large = fs::File::create(folder.path().join("too_large.devres")).unwrap();
    large.set_len(65 << 20).unwrap();
    let golden = Path::new("tests/fixtures/files/too_large.stderr");
    let said = program_in(folder.path(), &["compile", "too_large.devres"], 2);
    complaints += &compare(golden, &said);
    judge(&complaints);
}

/// What cannot be emitted, or not all of it.
#[test]
fn emit() {
    let mut complaints = String::new();
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("diagnostics");
    for path in fixtures("emit") {
        let warns = path.file_stem().is_some_and(|name| name == "left_out");
        let args = ["compile", path.to_str().unwrap()];
        let args = [
            &args[..],
            &["--target", "6.1", "--out", out.to_str().unwrap()],
        ];
        let said = program(&args.concat(), if warns { 0 } else { 2 });
        complaints += &compare(&path.with_extension("stderr"), &said);
    }
    judge(&complaints);
}

/// Expectations that do not hold.
#[test]
fn run() {
    let shown: [(&str, &[&str]); 3] = [
        ("expectations", &[]),
        ("leaks", &[]),
        ("without", &["--without", "699fb50d9903"]),
    ];
    let mut complaints = String::new();
    for (name, options) in shown {
        let path = format!("tests/fixtures/run/{name}.devres");
        let args = [&["run", &path], options].concat();
        let golden = format!("tests/fixtures/run/{name}.stderr");
        complaints += &compare(Path::new(&golden), &program(&args, 1));
    }
    judge(&complaints);
}

/// A code that no golden shows is a code nobody has seen.
#[test]
fn every_code_is_shown() {
    if is_blessing() {
        return; // The goldens are being written.
    }
    let folders = [
        "syntax", "resolve", "check", "lifetime", "emit", "run", "files",
    ];
    let goldens = folders.iter().flat_map(|folder| all(folder, "stderr"));
    let shown: String = goldens
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let shown: BTreeSet<&str> = shown.lines().collect();
    let missing: Vec<_> = Code::ALL
        .iter()
        .filter(|code| !shown.contains(code.as_str()))
        .collect();
    assert!(missing.is_empty(), "no fixture shows {missing:?}");
}

fn is_blessing() -> bool {
    std::env::var_os("BLESS").is_some()
}

/// What the program says on standard error, and that it ends so.
fn program(args: &[&str], code: i32) -> String {
    program_in(Path::new(env!("CARGO_MANIFEST_DIR")), args, code)
}

fn program_in(folder: &Path, args: &[&str], code: i32) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_devres-gen"))
        .current_dir(folder)
        .args(args)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
    said
}

/// Takes the rendered text as golden, or says that it differs from it.
fn compare(golden: &Path, rendered: &str) -> String {
    if is_blessing() {
        fs::write(golden, rendered).unwrap();
    }
    if fs::read_to_string(golden).unwrap_or_default() == rendered {
        return String::new();
    }
    let golden = golden.display();
    format!("{golden}: is rendered differently:\n{rendered}\n")
}

fn judge(complaints: &str) {
    assert!(
        complaints.is_empty(),
        "\n{complaints}\nBLESS=1 takes this as right"
    );
}

fn fixtures(folder: &str) -> Vec<PathBuf> {
    let paths = all(folder, EXTENSION);
    assert!(!paths.is_empty(), "no fixture in {folder}");
    paths
}

/// The files of a folder of fixtures whose names end so.
fn all(folder: &str, extension: &str) -> Vec<PathBuf> {
    let folder = Path::new("tests/fixtures").join(folder);
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == extension))
        .collect();
    paths.sort();
    paths
}

fn check_folder(folder: &str) {
    let mut complaints = String::new();
    for path in fixtures(folder) {
        let front = load(std::slice::from_ref(&path));
        let text = fs::read_to_string(&path).unwrap();
        let found = found(&front, &path);
        let mut rendered = render(&front);
        if is_blessing() {
            fs::write(&path, annotate(&text, &found)).unwrap();
            // The comments have become part of what is shown.
            rendered = render(&load(std::slice::from_ref(&path)));
        } else {
            let expected = expected(&text);
            for (line, message) in expected.difference(&found) {
                complaints += &format!("{}:{line}: missing: {message}\n", path.display());
            }
            for (line, message) in found.difference(&expected) {
                complaints += &format!("{}:{line}: unexpected: {message}\n", path.display());
            }
        }
        complaints += &compare(&path.with_extension("stderr"), &rendered);
    }
    judge(&complaints);
}

type Messages = BTreeSet<(u32, String)>;

/// What is said of lines of this very file, and so stands in its comments.
fn found(front: &Front, path: &Path) -> Messages {
    let said = front.diagnostics.iter().filter_map(|diagnostic| {
        let (span, _) = diagnostic.labels.first()?;
        let here = Path::new(&front.unit.sources.get(span.source).path) == path;
        let message = format!("{}: {}", diagnostic.code, diagnostic.message);
        here.then(|| (front.unit.line(*span), message))
    });
    said.collect()
}

fn expected(text: &str) -> Messages {
    let lines = text.lines().zip(1u32..);
    lines
        .flat_map(|(line, number)| {
            let above = line.trim_start().starts_with(ABOVE);
            let marker = if above { ABOVE } else { MARKER };
            let messages = line.split(marker).skip(1);
            messages.map(move |message| (number + u32::from(above), message.trim().to_owned()))
        })
        .collect()
}

fn annotate(text: &str, found: &Messages) -> String {
    let mut annotated = String::new();
    for (line, number) in text.lines().zip(1u32..) {
        if line.trim_start().starts_with(ABOVE) {
            continue;
        }
        let code = line.split(MARKER).next().unwrap_or_default().trim_end();
        let messages: Vec<&str> = found
            .iter()
            .filter(|(line, _)| *line == number)
            .map(|(_, text)| text.as_str())
            .collect();
        let join = |marker: &str| -> String {
            messages
                .iter()
                .map(|message| format!(" {marker} {message}"))
                .collect()
        };
        if code.contains('|') && !messages.is_empty() {
            annotated += &format!("       {}\n{code}\n", join(ABOVE));
        } else {
            annotated += &format!("{code}{}\n", join(MARKER));
        }
    }
    annotated
}

fn render(front: &Front) -> String {
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::none())
        .with_links(false)
        .with_width(80)
        .with_context_lines(1);
    let mut text = String::new();
    for diagnostic in &front.diagnostics {
        let report = Report::new(diagnostic, &front.unit.sources);
        handler.render_report(&mut text, &report).unwrap();
        text.push('\n');
    }
    text
}
