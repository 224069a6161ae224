//! A private copy of a kernel source tree, kept and brought up to date, so that the
//! user's own is only read.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use walkdir::{DirEntry, WalkDir};

use crate::identity::hex;
use crate::platform;

/// How the names of build folders within a tree begin.
const BUILDS: &str = ".kunit";

/// `6.12` of a tree whose Makefile says VERSION = 6 and PATCHLEVEL = 12.
pub(super) fn version(tree: &Path) -> Result<String, String> {
    let path = tree.join("Makefile");
    let text = fs::read_to_string(&path).map_err(|why| {
        format!(
            "`{}` is no kernel tree: {}: {why}",
            tree.display(),
            path.display()
        )
    })?;
    let value = |name: &str| {
        let mut lines = text.lines().filter_map(|line| line.split_once('='));
        lines
            .find(|(key, _)| key.trim() == name)
            .map(|(_, value)| value.trim().to_owned())
    };
    match (
        value("VERSION"),
        value("PATCHLEVEL"),
        tree.join("tools/testing/kunit/kunit.py").is_file(),
    ) {
        (Some(version), Some(patch), true) => Ok(format!("{version}.{patch}")),
        _ => Err(format!(
            "`{}` is no kernel tree with kunit.py",
            tree.display()
        )),
    }
}

/// A copy, locked against other runs for as long as it lives.
pub(super) struct Copy {
    path: PathBuf,
    _lock: File,
}

/// Makes or updates the copy of a tree.
pub(super) fn private_copy(
    tree: &Path,
    build_dir: &Path,
    say: &dyn Fn(&str),
) -> Result<Copy, String> {
    let tree = tree.canonicalize().map_err(|why| failed(tree, &why))?;
    let digest = Sha256::digest(tree.as_os_str().as_encoded_bytes());
    let folder = super::cache()?.join("verify").join(hex(&digest[..8]));
    fs::create_dir_all(&folder).map_err(|why| failed(&folder, &why))?;
    let lock_path = folder.join("lock");
    let lock = File::create(&lock_path).map_err(|why| failed(&lock_path, &why))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::Error(why)) => return Err(failed(&lock_path, &why)),
        Err(TryLockError::WouldBlock) => {
            say("waiting for another run, which has the copy of this tree");
            lock.lock().map_err(|why| failed(&lock_path, &why))?;
        }
    }
    let copy = Copy {
        path: folder.join("linux"),
        _lock: lock,
    };
    say(&format!(
        "copying {} to {}",
        tree.display(),
        copy.path.display()
    ));
    copy.update(&tree, build_dir)?;
    Ok(copy)
}

impl Copy {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A build folder of the tree's is taken over once: from then on the copy's is ahead.
    fn update(&self, tree: &Path, build_dir: &Path) -> Result<(), String> {
        let seeded = self.path.join(build_dir).exists();
        let is_build = |inside: &Path| inside.starts_with(build_dir);
        let wanted = |entry: &DirEntry| {
            let inside = entry.path().strip_prefix(tree).unwrap_or(entry.path());
            if is_build(inside) {
                !seeded
            } else {
                is_source(inside)
            }
        };
        for entry in WalkDir::new(tree).into_iter().filter_entry(wanted) {
            let entry = entry.map_err(|why| why.to_string())?;
            let inside = entry.path().strip_prefix(tree).unwrap_or(entry.path());
            let to = self.path.join(inside);
            copy_entry(&entry, &to).map_err(|why| failed(&to, &why))?;
        }
        // What the tree no longer has.
        let kept = |entry: &DirEntry| {
            let path = entry.path();
            let inside = path.strip_prefix(&self.path).unwrap_or(path);
            !is_build(inside) && !is_build_folder(inside)
        };
        for entry in WalkDir::new(&self.path).into_iter().filter_entry(kept) {
            let entry = entry.map_err(|why| why.to_string())?;
            let inside = entry
                .path()
                .strip_prefix(&self.path)
                .unwrap_or(entry.path());
            let gone = tree.join(inside).symlink_metadata().is_err();
            if gone && !entry.file_type().is_dir() {
                fs::remove_file(entry.path()).map_err(|why| failed(entry.path(), &why))?;
            }
        }
        Ok(())
    }
}

/// History and what builds leave in a tree stay behind: kbuild refuses a build folder
/// of its own when the source was built in place.
fn is_source(inside: &Path) -> bool {
    let name = inside.file_name().unwrap_or_default().to_string_lossy();
    let generated = inside.ends_with("include/generated") || inside.ends_with("include/config");
    let built = [".o", ".ko", ".a", ".cmd", ".pyc"]
        .iter()
        .any(|end| name.ends_with(end));
    let top = inside.components().count() == 1;
    let result = top && [".git", ".config", "vmlinux"].contains(&&*name);
    !(generated || built || result || is_build_folder(inside))
}

fn is_build_folder(inside: &Path) -> bool {
    let first = inside.components().next();
    first.is_some_and(|first| first.as_os_str().to_string_lossy().starts_with(BUILDS))
}

fn copy_entry(entry: &DirEntry, to: &Path) -> io::Result<()> {
    let from = entry.path();
    if entry.file_type().is_dir() {
        return fs::create_dir_all(to);
    }
    if entry.file_type().is_symlink() {
        let target = fs::read_link(from)?;
        if fs::read_link(to).is_ok_and(|known| known == target) {
            return Ok(());
        }
        let _ = fs::remove_file(to);
        return platform::symlink(&target, to);
    }
    let now = entry.metadata()?;
    let modified = now.modified()?;
    let same = fs::symlink_metadata(to).is_ok_and(|known| {
        known.is_file()
            && known.len() == now.len()
            && known.modified().is_ok_and(|known| known == modified)
    });
    if same || !entry.file_type().is_file() {
        return Ok(());
    }
    fs::copy(from, to)?;
    // kbuild goes by time stamps.
    File::options().write(true).open(to)?.set_modified(modified)
}

fn failed(path: &Path, why: &io::Error) -> String {
    format!("`{}`: {why}", path.display())
}
