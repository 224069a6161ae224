//! The program, called in a folder, and what it leaves there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub fn program(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_devres-gen"))
        .current_dir(folder)
        .args(args)
        .output()
        .unwrap()
}

pub fn here(args: &[&str]) -> Output {
    program(Path::new(env!("CARGO_MANIFEST_DIR")), args)
}

pub fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A folder with the corpus in it.
pub fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("scenarios")).unwrap();
    fs::copy(
        "scenarios/unregister.devres",
        folder.path().join("scenarios/unregister.devres"),
    )
    .unwrap();
    folder
}

pub fn tree(root: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let files = walkdir::WalkDir::new(root)
        .sort_by_file_name()
        .into_iter()
        .map(Result::unwrap);
    files
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let inside = entry.path().strip_prefix(root).unwrap().to_owned();
            (inside, fs::read(entry.path()).unwrap())
        })
        .collect()
}
