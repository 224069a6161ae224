//! The texts that are compiled, and places in them.
//!
//! Every later stage speaks of text by [`Span`] only; this is where a span becomes
//! a file, a line and the words themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::codes::Code;
use crate::diagnostic::{Diagnostic, Sink};
use crate::syntax::ast::Name;

/// The ending of a scenario file's name.
pub const EXTENSION: &str = "devres";

/// The largest file that is read, in MiB, and in bytes: a span counts with 32 bits, and who
/// has more than that did not write it.
const MAX_MIB: u64 = 64;
pub(crate) const MAX_BYTES: u64 = MAX_MIB << 20;

/// A text: an index into [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(u32);

/// A piece of a text, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The text.
    pub source: SourceId,
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

impl Span {
    /// From the beginning of this span to the end of the other.
    pub fn to(self, end: Span) -> Span {
        Span {
            end: end.end,
            ..self
        }
    }
}

/// Something and the place it stands at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// What stands there.
    pub value: T,
    /// Where.
    pub span: Span,
}

/// One text.
#[derive(Clone, Debug)]
pub struct Source {
    /// As the user calls it, for messages.
    pub path: String,
    /// The folder's name and the path in it: the same wherever the folder lies. It
    /// stands in what is generated.
    pub name: String,
    /// The text itself.
    pub text: String,
    line_starts: Vec<u32>,
}

impl Source {
    fn new(path: String, name: String, text: String) -> Self {
        let newlines = memchr::memchr_iter(b'\n', text.as_bytes());
        let line_starts = std::iter::once(0)
            .chain(newlines.map(|at| at as u32 + 1))
            .collect();
        Source {
            path,
            name,
            text,
            line_starts,
        }
    }

    /// The line, counted from 1, that a byte stands on.
    pub fn line(&self, at: u32) -> u32 {
        self.line_starts.partition_point(|&start| start <= at) as u32
    }

    /// Which character of its line a byte is, counted from 1.
    pub fn column(&self, at: u32) -> usize {
        let start = self.line_range(self.line(at)).start;
        let before = self.text.get(start..at as usize);
        1 + before.map_or(0, |before| before.chars().count())
    }

    /// How many lines there are.
    pub fn lines(&self) -> u32 {
        self.line_starts.len() as u32
    }

    /// The bytes of a line, counted from 1, less its newline.
    pub fn line_range(&self, line: u32) -> std::ops::Range<usize> {
        let starts = &self.line_starts;
        let start = starts
            .get(line as usize - 1)
            .map_or(self.text.len(), |&at| at as usize);
        let end = starts
            .get(line as usize)
            .map_or(self.text.len(), |&at| at as usize - 1);
        start..end.max(start)
    }
}

/// All texts of one run.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    all: Vec<Source>,
    /// Those that are files, by their whole paths.
    files: BTreeMap<PathBuf, SourceId>,
}

impl Sources {
    /// Takes in a text that is no file of the user's.
    pub fn add(&mut self, path: &str, text: &str) -> SourceId {
        self.push(Source::new(
            path.to_owned(),
            path.to_owned(),
            text.to_owned(),
        ))
    }

    fn push(&mut self, source: Source) -> SourceId {
        self.all.push(source);
        SourceId(self.all.len() as u32 - 1)
    }

    /// The text with that id.
    pub fn get(&self, id: SourceId) -> &Source {
        &self.all[id.0 as usize]
    }

    /// The line, counted from 1, that a span begins on.
    pub fn line(&self, span: Span) -> u32 {
        self.get(span.source).line(span.start)
    }

    /// Reads scenario files, and every scenario file below folders, sorted by name.
    /// What cannot be read is reported to the sink; the rest is read all the same.
    pub fn load(&mut self, paths: &[PathBuf], sink: &mut Sink) -> Vec<SourceId> {
        let mut files = Vec::new();
        for path in paths {
            match find(path) {
                Ok((found, errors)) => {
                    if found.is_empty() && errors.is_empty() {
                        let message = format!("no scenario below `{}`", path.display());
                        sink.report(
                            Diagnostic::new(Code::NoScenarios, message)
                                .help(format!("scenario files end in `.{EXTENSION}`")),
                        );
                    }
                    errors
                        .iter()
                        .for_each(|why| sink.report(unreadable(path, why)));
                    files.extend(found);
                }
                Err(why) => sink.report(unreadable(path, &why)),
            }
        }
        files.sort_by(|a, b| (&a.name, &a.path).cmp(&(&b.name, &b.path)));
        // A file may be named twice, by itself and by its folder.
        let mut seen = BTreeSet::new();
        files.retain(|file| seen.insert(file.path.canonicalize().unwrap_or_default()));
        files
            .into_iter()
            .filter_map(|file| self.read(file, sink))
            .collect()
    }

    /// The file that another one names, relative to itself; read, unless it was already.
    pub fn load_beside(
        &mut self,
        from: SourceId,
        name: &Name,
        sink: &mut Sink,
    ) -> Option<SourceId> {
        if !name.value.ends_with(&format!(".{EXTENSION}")) {
            sink.report(
                Diagnostic::new(
                    Code::UnknownLibrary,
                    format!("`{}` is no scenario file", name.value),
                )
                .label(name.span, "used here")
                .help(format!("scenario files end in `.{EXTENSION}`")),
            );
            return None;
        }
        let folder = Path::new(&self.get(from).path).parent();
        let path = folder.unwrap_or(Path::new("")).join(&name.value);
        let whole = match path.canonicalize() {
            Ok(whole) if whole.is_file() => whole,
            Ok(_) => {
                sink.report(unreadable(&path, "not a file").label(name.span, "used here"));
                return None;
            }
            Err(why) => {
                let why = why.to_string();
                sink.report(unreadable(&path, &why).label(name.span, "used here"));
                return None;
            }
        };
        if let Some(&known) = self.files.get(&whole) {
            return Some(known);
        }
        let name = name.value.clone();
        self.read(Found { path, name }, sink)
    }

    fn read(&mut self, file: Found, sink: &mut Sink) -> Option<SourceId> {
        let path = file.path.display().to_string();
        let bytes = match read_whole(&file.path) {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(size)) => {
                sink.report(
                    Diagnostic::new(
                        Code::TooLarge,
                        format!("`{path}` is too large: {size} bytes"),
                    )
                    .help(format!(
                        "a scenario file has at most {MAX_MIB} MiB ({MAX_BYTES} bytes); suites may \
                         stand in several files"
                    )),
                );
                return None;
            }
            Err(why) => {
                sink.report(unreadable(&file.path, &why.to_string()));
                return None;
            }
        };
        match String::from_utf8(bytes) {
            Ok(text) => {
                let text = text
                    .strip_prefix('\u{feff}')
                    .map(str::to_owned)
                    .unwrap_or(text);
                let id = self.push(Source::new(path, file.name, text));
                if let Ok(whole) = file.path.canonicalize() {
                    self.files.insert(whole, id);
                }
                Some(id)
            }
            Err(why) => {
                let at = why.utf8_error().valid_up_to();
                let message = format!("`{path}` is not UTF-8: byte {at} begins no character");
                sink.report(
                    Diagnostic::new(Code::NotUtf8, message).help("scenario files are UTF-8 text"),
                );
                None
            }
        }
    }
}

/// The bytes of a file, or how many there are if that is too many to be read.
fn read_whole(path: &Path) -> io::Result<Result<Vec<u8>, u64>> {
    let mut bytes = Vec::new();
    if path == Path::new(STDIN) {
        io::stdin()
            .lock()
            .take(MAX_BYTES + 1)
            .read_to_end(&mut bytes)?;
    } else {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        if size > MAX_BYTES {
            return Ok(Err(size));
        }
        // Some files are longer than they say, or still grow.
        bytes.reserve_exact(size as usize);
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    }
    let size = bytes.len() as u64;
    Ok(if size > MAX_BYTES {
        Err(size)
    } else {
        Ok(bytes)
    })
}

/// The path that stands for standard input.
pub const STDIN: &str = "-";

struct Found {
    path: PathBuf,
    name: String,
}

/// The scenario files below a path, and what could not be read of it.
fn find(path: &Path) -> Result<(Vec<Found>, Vec<String>), String> {
    if path == Path::new(STDIN) {
        let (path, name) = (path.to_owned(), "stdin".to_owned());
        return Ok((vec![Found { path, name }], vec![]));
    }
    let whole = path.canonicalize().map_err(|why| why.to_string())?;
    let root = if whole.is_dir() {
        whole.as_path()
    } else {
        whole.parent().unwrap_or(&whole)
    };
    let root_name = root
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let named = |file: &Path| {
        let inside = file.strip_prefix(root).unwrap_or(file);
        let parts = inside
            .iter()
            .map(|part| part.to_string_lossy().into_owned());
        root_name
            .clone()
            .into_iter()
            .chain(parts)
            .collect::<Vec<_>>()
            .join("/")
    };
    if whole.is_file() {
        return Ok((
            vec![Found {
                path: path.to_owned(),
                name: named(&whole),
            }],
            vec![],
        ));
    }
    if !whole.is_dir() {
        return Err("neither a file nor a folder".to_owned());
    }
    let mut found = Vec::new();
    let mut errors = Vec::new();
    // Links are followed; what several of them lead to is read once.
    let mut walked = BTreeSet::new();
    let walk = WalkDir::new(&whole).follow_links(true).sort_by_file_name();
    let walk = walk.into_iter().filter_entry(|entry| {
        !entry.file_type().is_dir()
            || (entry.path().canonicalize()).is_ok_and(|folder| walked.insert(folder))
    });
    for entry in walk {
        match entry {
            Ok(entry) => {
                if is_scenario(entry.path()) && entry.path().is_file() {
                    let inside = entry.path().strip_prefix(&whole).unwrap_or(entry.path());
                    found.push(Found {
                        path: path.join(inside),
                        name: named(entry.path()),
                    });
                }
            }
            // A folder within itself: all of it is read already.
            Err(why) if why.loop_ancestor().is_some() => {}
            // A link to nowhere is missed only if it should be a scenario.
            Err(why) if leads_nowhere(&why) && !why.path().is_some_and(is_scenario) => {}
            Err(why) => errors.push(why.to_string()),
        }
    }
    Ok((found, errors))
}

/// Whether a file is a scenario by its name. Hidden ones are editors' and other systems', such as
/// locks that are links to nowhere.
fn is_scenario(path: &Path) -> bool {
    let is_hidden = |name: &OsStr| name.as_encoded_bytes().starts_with(b".");
    path.extension().is_some_and(|end| end == EXTENSION) && !path.file_name().is_some_and(is_hidden)
}

fn leads_nowhere(why: &walkdir::Error) -> bool {
    why.io_error()
        .is_some_and(|why| why.kind() == io::ErrorKind::NotFound)
}

fn unreadable(path: &Path, why: &str) -> Diagnostic {
    Diagnostic::new(
        Code::Unreadable,
        format!("cannot read `{}`: {why}", path.display()),
    )
}
