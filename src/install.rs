//! The emitted C in a kernel tree of the user's, and out of it again: the only part of
//! the program that changes a tree.
//!
//! The files go into a folder of their own, and one line into each of two files of the
//! kernel's, between marks. What was not written here is neither overwritten nor removed.

use std::fs;
use std::path::Path;

use crate::emit::{OutputFile, kunit};
use crate::output::{self, Written};

/// Where the kernel keeps the tests of the driver core.
const TESTS: &str = "drivers/base/test";
/// Our folder in it.
const FOLDER: &str = "devres";

const BEGIN: &str = "# devres-gen begin";
const END: &str = "# devres-gen end";

/// The lines that make the kernel's build see our folder, by file.
const LINES: [(&str, &str); 2] = [
    ("Kconfig", "source \"drivers/base/test/devres/Kconfig\""),
    ("Makefile", "obj-y += devres/"),
];

/// Puts the C among `files` into the tree, or brings it up to date.
///
/// # Errors
/// A tree without tests of the driver core, a file in the way that is not ours, and what
/// the file system answers. Nothing was written if a file is in the way.
pub fn install(tree: &Path, files: &[OutputFile]) -> Result<Written, String> {
    let tests = tests_of(tree)?;
    let hooks = LINES.map(|(name, line)| {
        let path = tests.join(name);
        let text = fs::read_to_string(&path).map_err(|why| format!("`{}`: {why}", path.display()));
        text.map(|text| (path, with_block(&text, line)))
    });
    let c: Vec<OutputFile> = files
        .iter()
        .filter_map(|file| {
            let name = file.path.strip_prefix(kunit::FOLDER)?.strip_prefix('/')?;
            Some(OutputFile {
                path: name.to_owned(),
                text: file.text.clone(),
            })
        })
        .collect();
    let hooks = hooks.into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut done = output::write(&tests.join(FOLDER), &c)?;
    for (path, text) in hooks {
        put(&path, &text, &mut done)?;
    }
    Ok(done)
}

/// Takes out what [`install`] put into the tree. What else is in the folder stays.
///
/// # Errors
/// A tree without tests of the driver core, and what the file system answers.
pub fn uninstall(tree: &Path) -> Result<Written, String> {
    let tests = tests_of(tree)?;
    let mut done = Written::default();
    for (name, _) in LINES {
        let path = tests.join(name);
        let text =
            fs::read_to_string(&path).map_err(|why| format!("`{}`: {why}", path.display()))?;
        put(&path, &without_block(&text), &mut done)?;
    }
    let folder = tests.join(FOLDER);
    for name in output::ours_in(&folder)? {
        let path = folder.join(name);
        fs::remove_file(&path).map_err(|why| format!("`{}`: {why}", path.display()))?;
        done.removed += 1;
    }
    // It stays if there is something in it that is not ours.
    let _ = fs::remove_dir(&folder);
    Ok(done)
}

fn tests_of(tree: &Path) -> Result<std::path::PathBuf, String> {
    let tests = tree.join(TESTS);
    if LINES.iter().all(|(name, _)| tests.join(name).is_file()) {
        return Ok(tests);
    }
    Err(format!(
        "`{}` is no kernel tree with tests of the driver core: there is no `{TESTS}`",
        tree.display()
    ))
}

fn put(path: &Path, text: &str, done: &mut Written) -> Result<(), String> {
    let failed = |why: std::io::Error| format!("`{}`: {why}", path.display());
    if fs::read_to_string(path).map_err(failed)? == text {
        done.unchanged += 1;
        return Ok(());
    }
    output::replace(path, text).map_err(failed)?;
    done.written += 1;
    Ok(())
}

fn with_block(text: &str, line: &str) -> String {
    let mut text = without_block(text);
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    format!("{text}{BEGIN}\n{line}\n{END}\n")
}

fn without_block(text: &str) -> String {
    let mut inside = false;
    let mut kept = String::new();
    for line in text.split_inclusive('\n') {
        match line.trim_end() {
            BEGIN => inside = true,
            END if inside => inside = false,
            _ if inside => {}
            _ => kept += line,
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_put_in_once_and_taken_out_whole() {
        let text = "config A\n\nconfig B\n";
        let once = with_block(text, "source \"x\"");
        assert_eq!(
            once,
            "config A\n\nconfig B\n# devres-gen begin\nsource \"x\"\n# devres-gen end\n"
        );
        assert_eq!(with_block(&once, "source \"x\""), once);
        assert_eq!(without_block(&once), text);
        assert_eq!(without_block(text), text);
    }
}
