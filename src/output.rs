//! Generated files on their way to the disk.
//!
//! Everything is in memory before the first byte is written; each file appears whole,
//! by rename; the manifest comes last, so that an interrupted run shows. Nothing
//! outside of the output folder is touched, not even through a link, and nothing in it
//! that lacks our mark. One run at a time writes to a folder.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;

use rayon::prelude::*;
use similar::TextDiff;
use twox_hash::XxHash3_128;

use crate::emit::{MARK, OutputFile};
use crate::platform;
use crate::source::MAX_BYTES;

/// The list of what was generated, in the output folder.
pub const MANIFEST: &str = "devres-gen.manifest";

/// How the name of a file begins that is still being written, and how many letters follow.
const UNFINISHED: &str = ".devres-gen.";
const UNFINISHED_LETTERS: usize = 6;

/// What writing did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Files that are new or have changed.
    pub written: usize,
    /// Files that were right already.
    pub unchanged: usize,
    /// Files that nothing generates any more.
    pub removed: usize,
}

impl Written {
    fn count(&mut self, is_new: bool) {
        if is_new {
            self.written += 1;
        } else {
            self.unchanged += 1;
        }
    }
}

/// Writes the files below the folder, and the manifest after them.
///
/// # Errors
/// What went wrong, with the path; also a file in the way that is not ours.
pub fn write(out: &Path, files: &[OutputFile]) -> Result<Written, String> {
    refuse_foreign(out, files)?;
    fs::create_dir_all(out).map_err(|why| failed(out, &why))?;
    let _locked = lock(out)?;
    let mut done = Written::default();
    // What was just written is still in a cache when it is read again.
    let written = files
        .par_iter()
        .map(|file| write_one(out, file).map(|is_new| (is_new, manifest_line(file))));
    let mut lines = String::new();
    for one in written.collect::<Vec<_>>() {
        let (is_new, line) = one?;
        done.count(is_new);
        lines += &line;
    }
    for stale in stale(out, files)? {
        fs::remove_file(out.join(&stale)).map_err(|why| failed(&out.join(&stale), &why))?;
        done.removed += 1;
    }
    done.count(write_one(out, &manifest(&lines))?);
    Ok(done)
}

/// The scenario files from which the suites come that [`write()`] would remove.
///
/// # Errors
/// What cannot be read, or is in the way.
pub fn sources_of_stale(out: &Path, files: &[OutputFile]) -> Result<BTreeSet<String>, String> {
    refuse_foreign(out, files)?;
    let mut sources = BTreeSet::new();
    for stale in stale(out, files)? {
        // A suite's Rust says it in one line.
        let text = read(&out.join(stale))?.unwrap_or_default();
        let said = text.lines().find_map(|line| {
            let (_, said) = line.split_once(MARK)?;
            said.strip_prefix(" from ")?.strip_suffix(", do not edit:")
        });
        sources.extend(said.map(str::to_owned));
    }
    Ok(sources)
}

/// Compares the folder with what would be written.
///
/// # Errors
/// The same as for writing, and nothing is written.
pub fn check(out: &Path, files: &[OutputFile]) -> Result<Vec<String>, String> {
    refuse_foreign(out, files)?;
    let lines: Vec<String> = files.par_iter().map(manifest_line).collect();
    let manifest = manifest(&lines.concat());
    let mut differences = Vec::new();
    for file in files.iter().chain([&manifest]) {
        let path = out.join(&file.path);
        match read(&path)? {
            None => differences.push(format!("{}: missing\n", path.display())),
            Some(old) if old == file.text => {}
            Some(old) => {
                let name = path.display().to_string();
                differences.push(diff(&name, &old, "as it would be generated", &file.text));
            }
        }
    }
    for stale in stale(out, files)? {
        differences.push(format!(
            "{}: nothing generates it\n",
            out.join(stale).display()
        ));
    }
    Ok(differences)
}

/// Waits until nobody else writes to the folder, and keeps others out. Whoever ends lets go
/// of it, however it ends, so what is unfinished then is nobody's any more. Where folders
/// cannot be locked (some network file systems), it is up to the user to run one at a time.
fn lock(out: &Path) -> Result<File, String> {
    let folder = File::open(out).map_err(|why| failed(out, &why))?;
    let _ = folder.lock();
    Ok(folder)
}

/// The unified diff of two texts.
pub fn diff(old_name: &str, old: &str, new_name: &str, new: &str) -> String {
    let diff = TextDiff::from_lines(old, new);
    diff.unified_diff().header(old_name, new_name).to_string()
}

/// What the manifest has of a file: as `xxh128sum --check` reads it.
fn manifest_line(file: &OutputFile) -> String {
    let digest = XxHash3_128::oneshot(file.text.as_bytes());
    format!("{digest:032x}  {}\n", file.path)
}

fn manifest(lines: &str) -> OutputFile {
    OutputFile {
        path: MANIFEST.to_owned(),
        text: format!("# {MARK}, do not edit.\n{lines}"),
    }
}

/// Files with our mark, in the folders of those that are generated, that are not among
/// them, and what a run that was killed left unfinished.
fn stale(out: &Path, files: &[OutputFile]) -> Result<Vec<String>, String> {
    let folder_of = |file: &OutputFile| {
        let folder = file.path.rsplit_once('/').map(|(folder, _)| folder);
        folder.unwrap_or_default().to_owned()
    };
    let folders: BTreeSet<String> = files.iter().map(folder_of).collect();
    let known: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let mut stale = Vec::new();
    for folder in folders {
        let path_of = |name: &str| match folder.as_str() {
            "" => name.to_owned(),
            folder => format!("{folder}/{name}"),
        };
        let may_go = |name: &str| {
            let path = path_of(name);
            path != MANIFEST && !known.contains(path.as_str())
        };
        let ours = ours_in(&out.join(&folder), may_go)?;
        stale.extend(ours.iter().map(|name| path_of(name)));
    }
    // Beside the manifest others may keep what is ours elsewhere.
    stale.extend(ours_in(out, is_unfinished)?);
    stale.sort();
    stale.dedup();
    Ok(stale)
}

/// The names of the files in a folder that have our mark, or are ours by their name, of those
/// that are asked for.
///
/// # Errors
/// What cannot be read.
pub fn ours_in(folder: &Path, asked: impl Fn(&str) -> bool) -> Result<Vec<String>, String> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
        Err(why) => return Err(failed(folder, &why)),
    };
    let mut ours = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|why| failed(folder, &why))?;
        let kind = entry.file_type().map_err(|why| failed(folder, &why))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !kind.is_file() || !asked(&name) {
            continue;
        }
        if is_unfinished(&name) || is_ours(&entry.path())? {
            ours.push(name);
        }
    }
    Ok(ours)
}

/// Whether the file is new, or other than it was.
fn write_one(out: &Path, file: &OutputFile) -> Result<bool, String> {
    let path = out.join(&file.path);
    if read(&path)?.is_some_and(|old| old == file.text) {
        return Ok(false);
    }
    replace(&path, &file.text).map_err(|why| failed(&path, &why))?;
    Ok(true)
}

/// Puts a file there whole, or leaves what was there: a new one beside it takes its
/// place by rename. Permissions are those of the old one.
///
/// # Errors
/// What the file system answers.
pub fn replace(path: &Path, text: &str) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let unfinished = || {
        tempfile::Builder::new()
            .prefix(UNFINISHED)
            .rand_bytes(UNFINISHED_LETTERS)
            // What is temporary is otherwise for its owner only.
            .permissions(platform::new_file_permissions())
            .tempfile_in(folder)
    };
    let mut whole = match unfinished() {
        Err(why) if why.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(folder)?;
            unfinished()?
        }
        known => known?,
    };
    whole.write_all(text.as_bytes())?;
    if let Ok(old) = fs::metadata(path) {
        whole.as_file().set_permissions(old.permissions())?;
    }
    whole.persist(path).map_err(|why| why.error)?;
    Ok(())
}

/// Whether a file, or a folder that it is to lie in, is something else that has to stay: of those
/// that are to be written, and of the manifest.
fn refuse_foreign(out: &Path, files: &[OutputFile]) -> Result<(), String> {
    let folder = out.ancestors().find(|folder| folder.exists());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        return in_the_way(folder, "it is no folder");
    }
    let paths = files.iter().map(|file| file.path.as_str());
    paths
        .chain([MANIFEST])
        .try_for_each(|file| refuse_foreign_file(out, file))
}

fn refuse_foreign_file(out: &Path, file: &str) -> Result<(), String> {
    let mut path = out.to_owned();
    let mut parts = Path::new(file).iter().peekable();
    while let Some(part) = parts.next() {
        path.push(part);
        let kind = match fs::symlink_metadata(&path) {
            Ok(there) => there.file_type(),
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(why) => return Err(failed(&path, &why)),
        };
        let is_last = parts.peek().is_none();
        if kind.is_symlink() {
            let why = "it is a link, and nothing is written through one";
            return in_the_way(&path, why);
        } else if !is_last && !kind.is_dir() {
            return in_the_way(&path, "it is no folder");
        } else if is_last && !kind.is_file() {
            return in_the_way(&path, "it is no file");
        } else if is_last && !is_ours(&path)? {
            let why = format!("it was not generated (it does not say \"{MARK}\")");
            return in_the_way(&path, &why);
        }
    }
    Ok(())
}

fn in_the_way(path: &Path, why: &str) -> Result<(), String> {
    Err(format!("`{}` is in the way: {why}", path.display()))
}

/// Whether a file is named like one that was still being written.
fn is_unfinished(name: &str) -> bool {
    let letters = name.strip_prefix(UNFINISHED).unwrap_or_default();
    letters.len() == UNFINISHED_LETTERS && letters.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// The mark stands in the comment that a file begins with, below a licence and the user's
/// own words, which may be many.
fn is_ours(path: &Path) -> Result<bool, String> {
    let file = File::open(path).map_err(|why| failed(path, &why))?;
    for line in BufReader::new(file.take(MAX_BYTES)).split(b'\n') {
        let line = line.map_err(|why| failed(path, &why))?;
        let line = String::from_utf8_lossy(&line);
        let text = line.trim_start_matches(['/', '!', '#', '*', ' ']);
        if text.len() == line.len() && !text.is_empty() {
            return Ok(false);
        }
        if text.starts_with(MARK) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn read(path: &Path) -> Result<Option<String>, String> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(why) => Err(failed(path, &why)),
    }
}

fn failed(path: &Path, why: &io::Error) -> String {
    format!("`{}`: {why}", path.display())
}
