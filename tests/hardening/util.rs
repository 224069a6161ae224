//! The program, with bounds on how long it may take and how much memory it may have.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use wait_timeout::ChildExt as _;

/// What takes longer hangs, or takes time that is not linear in its input.
const LIMIT: Duration = Duration::from_secs(120);

/// The most memory that the program may ask for, in KiB: a hundred times what it is given.
const MEMORY: u32 = 4 << 20;

/// A scenario file with nothing wrong in it.
pub const GOOD: &str = "use kinds\nsuite s on root { scenario t { register dev } }\n";

/// How a run of the program ended, and what it said.
pub struct Said {
    pub status: ExitStatus,
    pub out: String,
    pub err: String,
}

/// The program, called in a folder.
pub fn program(folder: &Path, args: &[&str]) -> Said {
    let scratch = tempfile::tempdir().unwrap();
    let [out, err] = ["out", "err"].map(|name| scratch.path().join(name));
    let mut child = Command::new("sh")
        .args(["-c", &format!("ulimit -v {MEMORY}; exec \"$0\" \"$@\"")])
        .arg(env!("CARGO_BIN_EXE_devres-gen"))
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(File::create(&out).unwrap())
        .stderr(File::create(&err).unwrap())
        .spawn()
        .unwrap();
    let status = child.wait_timeout(LIMIT).unwrap().unwrap_or_else(|| {
        child.kill().unwrap();
        panic!("{args:?} takes longer than {LIMIT:?}");
    });
    let [out, err] = [out, err].map(|path| fs::read(path).unwrap());
    Said {
        status,
        out: String::from_utf8(out).unwrap(),
        err: String::from_utf8(err).unwrap(),
    }
}

/// That the input is refused: with that code and these words, briefly, in letters that do
/// nothing to a terminal; and that nothing is written.
#[track_caller]
pub fn refuses(folder: &Path, args: &[&str], words: &[&str]) {
    let said = program(folder, &[&["compile"], args].concat());
    let err = &said.err;
    assert_eq!(said.status.code(), Some(2), "{args:?}: {err}");
    for word in words {
        assert!(err.contains(word), "{args:?}: no `{word}` in: {err}");
    }
    assert!(err.len() < 50_000, "{args:?}: {} bytes", err.len());
    let odd = |c: char| c.is_control() && c != '\n';
    assert!(!err.contains(odd), "{args:?}: {err:?}");
    assert_eq!(said.out, "", "{args:?}");
    assert!(!folder.join("generated").exists(), "{args:?}");
}

/// The same of a text, as a file of its own.
#[track_caller]
pub fn refuses_text(text: &str, words: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("x.devres"), text).unwrap();
    refuses(folder.path(), &["x.devres"], words);
}

/// That the program does its work, and what it says of it.
#[track_caller]
pub fn succeeds(folder: &Path, args: &[&str]) -> String {
    let said = program(folder, args);
    assert!(said.status.success(), "{args:?}: {}{}", said.out, said.err);
    said.out
}

/// A folder with a scenario file in it.
pub fn folder(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("x.devres"), text).unwrap();
    folder
}

/// As many suites, each of which becomes files; the words stand in all of them.
pub fn large(words: &str, suites: usize) -> String {
    let suite = |i| {
        format!("/// A suite. {words}\nsuite s{i} on root {{ scenario t {{ register dev }} }}\n")
    };
    let suites: String = (0..suites).map(suite).collect();
    format!("use kinds\n{suites}")
}

/// Everything below a folder that is a file or a link, with what is in it.
pub fn files(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = walkdir::WalkDir::new(root).into_iter().map(Result::unwrap);
    let files = entries.filter(|entry| !entry.file_type().is_dir());
    let read = files.map(|entry| {
        let text = if entry.file_type().is_file() {
            fs::read(entry.path()).unwrap()
        } else {
            format!("{:?}", entry.file_type()).into_bytes()
        };
        (entry.into_path(), text)
    });
    read.collect()
}
