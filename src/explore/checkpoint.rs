//! What an exploration has come to so far, in a folder: what was asked, and a file for each
//! search.
//!
//! Such a file is only ever appended to, a record for each batch: a line that says how far the
//! search is, then the points that the batch brought. Whoever is killed leaves at most a record
//! that is not whole, and that is cut off. A search that has come to its end is one record
//! without points, put there by rename.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::search::Covered;
use super::way::Step;
use crate::identity::hex;
use crate::output;
use crate::sim::{Fix, Model};

/// The file that says what was asked.
const ASKED: &str = "explore.json";

/// Bytes of a point: its fingerprint, the point before, the operation.
const POINT: usize = 8 + 4 + 1;

/// A question, as the command line asks it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The devres-gen that was asked.
    pub version: String,
    /// Of each kernel the commits of the fixes that it lacks.
    pub lacks: Vec<Vec<String>>,
    /// Statements of a program at most.
    pub depth: usize,
    /// Whether programs that differ only by names are tried as well.
    pub full: bool,
    /// The kinds, as the command line spells them; all if there are none.
    pub on: Vec<String>,
    /// The bricks; all if there are none.
    pub bricks: Vec<String>,
    /// Files with kinds.
    pub paths: Vec<PathBuf>,
    /// What tells the bricks and kinds from others of these names.
    pub digest: String,
}

impl Asked {
    /// The kernels, if their fixes are all known.
    pub fn models(&self) -> Option<Vec<Model>> {
        let without =
            |model: Model, commit: &String| Some(model.without(Fix::from_commit(commit)?));
        let model = |lacks: &Vec<String>| lacks.iter().try_fold(Model::ALL, without);
        self.lacks.iter().map(model).collect()
    }
}

/// A folder with what an exploration has come to.
#[derive(Debug)]
pub struct Checkpoint {
    folder: PathBuf,
}

/// How far a search came.
#[derive(Debug, Default)]
pub(super) struct Saved {
    pub(super) covered: Covered,
    /// The programs that show something, by the places of their operations in the alphabet.
    pub(super) shown: Vec<Vec<u8>>,
    pub(super) points: Vec<(u64, Step)>,
    pub(super) done: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Record {
    covered: Covered,
    shown: Vec<Vec<u8>>,
    points: usize,
    sum: String,
    done: bool,
}

impl Checkpoint {
    /// The folder for that question; it is made if there is none.
    ///
    /// # Errors
    /// It holds what another question has come to, or cannot be used.
    pub fn open(folder: &Path, asked: &Asked) -> Result<Checkpoint, String> {
        if let Some(before) = Checkpoint::asked(folder)? {
            if before != *asked {
                return Err(format!(
                    "`{}` holds what another question came to; take another folder, or remove it",
                    folder.display()
                ));
            }
        } else {
            let text = serde_json::to_string_pretty(asked).map_err(|why| why.to_string())?;
            let path = folder.join(ASKED);
            output::replace(&path, &(text + "\n")).map_err(failed(&path))?;
        }
        Ok(Checkpoint {
            folder: folder.to_owned(),
        })
    }

    /// What was asked when the folder was made, if it was.
    ///
    /// # Errors
    /// It cannot be read, or is something else.
    pub fn asked(folder: &Path) -> Result<Option<Asked>, String> {
        let path = folder.join(ASKED);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(why) if why.kind() == ErrorKind::NotFound => return Ok(None),
            Err(why) => return Err(failed(&path)(why)),
        };
        let asked = serde_json::from_str(&text);
        asked
            .map(Some)
            .map_err(|why| format!("`{}` is no question of devres-gen: {why}", path.display()))
    }

    fn path(&self, search: &str) -> PathBuf {
        self.folder.join(search.replace(' ', "_"))
    }

    /// How far a search came, if it was begun.
    ///
    /// # Errors
    /// What the file system answers.
    pub(super) fn load(&self, search: &str) -> Result<Option<Saved>, String> {
        let path = self.path(search);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(parse(&bytes).0)),
            Err(why) if why.kind() == ErrorKind::NotFound => Ok(None),
            Err(why) => Err(failed(&path)(why)),
        }
    }

    /// Takes up a search, or begins it: nobody else may while it is under way.
    ///
    /// # Errors
    /// Somebody else does, or the file cannot be written.
    pub(super) fn take_up(&self, search: &str) -> Result<(Journal, Saved), String> {
        let path = self.path(search);
        let mut options = OpenOptions::new();
        let file = options.create(true).append(true).read(true).open(&path);
        let file = file.map_err(failed(&path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(format!(
                    "`{}` is being written by another exploration",
                    path.display()
                ));
            }
            Err(TryLockError::Error(why)) => return Err(failed(&path)(why)),
        }
        let bytes = fs::read(&path).map_err(failed(&path))?;
        let (saved, whole) = parse(&bytes);
        file.set_len(whole as u64).map_err(failed(&path))?;
        Ok((Journal { path, file }, saved))
    }
}

/// The file of a search under way.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Appends what a batch brought.
    pub(super) fn append(
        &mut self,
        covered: &Covered,
        shown: Vec<Vec<u8>>,
        points: &[(u64, Step)],
    ) -> Result<(), String> {
        let mut bytes = Vec::with_capacity(points.len() * POINT);
        for (fingerprint, step) in points {
            bytes.extend(fingerprint.to_le_bytes());
            bytes.extend(step.from.to_le_bytes());
            bytes.push(step.op);
        }
        let mut whole = line(&Record {
            covered: *covered,
            shown,
            points: points.len(),
            sum: sum(&bytes),
            done: false,
        })?;
        whole.extend(bytes);
        self.file.write_all(&whole).map_err(failed(&self.path))
    }

    /// Says that there is nothing left to try, and what came of it all.
    pub(super) fn finish(self, covered: &Covered, shown: Vec<Vec<u8>>) -> Result<(), String> {
        let whole = line(&Record {
            covered: *covered,
            shown,
            points: 0,
            sum: sum(&[]),
            done: true,
        })?;
        let text = String::from_utf8_lossy(&whole);
        output::replace(&self.path, &text).map_err(failed(&self.path))
    }
}

fn line(record: &Record) -> Result<Vec<u8>, String> {
    let mut line = serde_json::to_vec(record).map_err(|why| why.to_string())?;
    line.push(b'\n');
    Ok(line)
}

/// What the records say that are whole, and where the last of them ends.
fn parse(bytes: &[u8]) -> (Saved, usize) {
    let mut saved = Saved::default();
    let mut whole = 0;
    while let Some((record, points, end)) = record(bytes, whole) {
        whole = end;
        saved.covered = record.covered;
        saved.done = record.done;
        saved.shown.extend(record.shown);
        saved.points.extend(points.chunks_exact(POINT).map(point));
    }
    (saved, whole)
}

fn record(bytes: &[u8], from: usize) -> Option<(Record, &[u8], usize)> {
    let rest = &bytes[from..];
    let line = rest.iter().position(|&byte| byte == b'\n')?;
    let record: Record = serde_json::from_slice(&rest[..line]).ok()?;
    let size = record.points.checked_mul(POINT)?;
    let points = rest[line + 1..].get(..size)?;
    (sum(points) == record.sum).then_some((record, points, from + line + 1 + size))
}

fn point(bytes: &[u8]) -> (u64, Step) {
    let number = |bytes: &[u8]| {
        let bytes = bytes.iter().rev();
        bytes.fold(0, |number, &byte| number << 8 | u64::from(byte))
    };
    let step = Step {
        from: number(&bytes[8..12]) as u32,
        op: bytes[12],
    };
    (number(&bytes[..8]), step)
}

fn sum(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes)[..8])
}

fn failed(path: &Path) -> impl Fn(std::io::Error) -> String {
    let path = path.display().to_string();
    move |why| format!("`{path}`: {why}")
}
