//! The emitted C in a kernel tree of the user's, and out of it again: the only part of
//! the program that changes a tree.
//!
//! The files go into a folder of their own, and one line into each of two files of the
//! kernel's, between marks. What was not written here is neither overwritten nor removed.

use std::fs;
use std::path::Path;

use crate::emit::{OutputFile, kunit};
use crate::output::{self, Written};

/// Where the files go, below the root of a tree.
pub const PLACE: &str = "drivers/base/test/devres";

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
        let text = text.and_then(|text| with_block(&path, &text, line));
        text.map(|text| (path, text))
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

/// A file of the kernel's that has to name our folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Below the root of the tree.
    pub path: String,
    /// What it is, less what was installed.
    pub old: String,
    /// What it becomes, as a kernel developer would write it.
    pub new: String,
}

/// What has to change in a tree besides the files that are added.
///
/// # Errors
/// A tree without tests of the driver core, and what the file system answers.
pub fn hooks(tree: &Path) -> Result<Vec<Hook>, String> {
    let tests = tests_of(tree)?;
    let hook = |(name, line): (&str, &str)| {
        let path = tests.join(name);
        let text = fs::read_to_string(&path);
        let text = text.map_err(|why| format!("`{}`: {why}", path.display()))?;
        let mut old = without_block(&path, &text)?;
        let mut new = old.clone();
        for text in [&mut old, &mut new] {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
        }
        if name == "Kconfig" {
            new.push('\n');
        }
        Ok(Hook {
            path: format!("{TESTS}/{name}"),
            old,
            new: format!("{new}{line}\n"),
        })
    };
    LINES.into_iter().map(hook).collect()
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
        put(&path, &without_block(&path, &text)?, &mut done)?;
    }
    let folder = tests.join(FOLDER);
    for name in output::ours_in(&folder, |_| true)? {
        let path = folder.join(name);
        fs::remove_file(&path).map_err(|why| format!("`{}`: {why}", path.display()))?;
        done.removed += 1;
    }
    // It stays if there is something in it that is not ours.
    let _ = fs::remove_dir(&folder);
    Ok(done)
}

/// Where a tree has its tests of the driver core.
///
/// # Errors
/// What a folder lacks to be such a tree.
pub fn tests_of(tree: &Path) -> Result<std::path::PathBuf, String> {
    let tests = tree.join(TESTS);
    let lacks = LINES.iter().find(|(name, _)| !tests.join(name).is_file());
    match lacks {
        None => Ok(tests),
        Some((name, _)) => Err(format!(
            "`{}` is no kernel tree with tests of the driver core: there is no `{TESTS}/{name}`",
            tree.display()
        )),
    }
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

fn with_block(path: &Path, text: &str, line: &str) -> Result<String, String> {
    let mut text = without_block(path, text)?;
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(format!("{text}{BEGIN}\n{line}\n{END}\n"))
}

fn without_block(path: &Path, text: &str) -> Result<String, String> {
    let mut inside = false;
    let mut kept = String::new();
    for line in text.split_inclusive('\n') {
        match (inside, line.trim_end()) {
            (false, BEGIN) => inside = true,
            (true, END) => inside = false,
            // Nothing else was ever put between the marks.
            (true, line) if LINES.iter().any(|(_, ours)| *ours == line) => {}
            (true, _) => return Err(torn(path)),
            (false, END) => return Err(torn(path)),
            (false, _) => kept += line,
        }
    }
    if inside {
        return Err(torn(path));
    }
    Ok(kept)
}

fn torn(path: &Path) -> String {
    format!(
        "`{}`: between `{BEGIN}` and `{END}` is what was not put there, or one of them is missing; \
         mend it by hand",
        path.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_put_in_once_and_taken_out_whole() {
        let path = Path::new("Kconfig");
        let line = LINES[0].1;
        let text = "config A\n\nconfig B\n";
        let once = with_block(path, text, line).unwrap();
        assert_eq!(once, format!("{text}{BEGIN}\n{line}\n{END}\n"));
        assert_eq!(with_block(path, &once, line).unwrap(), once);
        assert_eq!(without_block(path, &once).unwrap(), text);
        assert_eq!(without_block(path, text).unwrap(), text);
    }

    /// What others wrote between the marks, or behind one that lost its fellow, is theirs.
    #[test]
    fn torn_marks_are_left_to_their_owner() {
        let path = Path::new("Kconfig");
        for text in [
            "# devres-gen begin\nsource \"x\"\nconfig MINE\n",
            "# devres-gen begin\nconfig MINE\n# devres-gen end\n",
            "config MINE\n# devres-gen end\n",
        ] {
            assert!(without_block(path, text).unwrap_err().contains("by hand"));
        }
    }
}
