//! A change of files as a patch that `git am` takes, and that reads well before that.

use similar::TextDiff;

use crate::emit::OutputFile;

/// What a file was and becomes.
pub(super) struct Change {
    /// Below the root of the tree.
    pub(super) path: String,
    /// Nothing if it is new.
    pub(super) old: Option<String>,
    pub(super) new: String,
}

/// Who sends patches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// `NAME <MAIL>`
    pub address: String,
    /// Whether each patch bears a Signed-off-by of theirs.
    pub signs_off: bool,
}

/// A mail of the series.
pub(super) struct Mail<'m> {
    pub(super) author: &'m Author,
    /// `[PATCH 1/2]` and what it is about.
    pub(super) subject: String,
    pub(super) body: Vec<String>,
    pub(super) changes: &'m [Change],
    /// The cover letter shows what changes, and changes nothing.
    pub(super) is_cover: bool,
}

impl Mail<'_> {
    /// `0001-subject-in-short.patch` and what is in it.
    pub(super) fn file(&self, number: usize) -> OutputFile {
        let title = self.subject.split_once("] ").map_or("", |(_, title)| title);
        let name = if self.is_cover {
            "cover-letter".to_owned()
        } else {
            let words = title.split(|c: char| !c.is_ascii_alphanumeric());
            let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
            words.join("-").chars().take(52).collect()
        };
        OutputFile {
            path: format!("{number:04}-{name}.patch"),
            text: self.text(),
        }
    }

    fn text(&self) -> String {
        let mut text = format!(
            "From {} Mon Sep 17 00:00:00 2001\nFrom: {}\nSubject: {}\n{}\n\n",
            "0".repeat(40),
            self.author.address,
            self.subject,
            super::MAILER,
        );
        for line in &self.body {
            text += &format!("{}\n", harmless(line));
        }
        if self.author.signs_off && !self.is_cover {
            text += &format!("\nSigned-off-by: {}\n", self.author.address);
        }
        if !self.is_cover {
            text += "---\n";
        } else {
            text += "\n";
        }
        text += &diffstat(self.changes);
        text += "\n";
        if !self.is_cover {
            self.changes.iter().for_each(|change| text += &diff(change));
        }
        text + concat!("-- \ndevres-gen ", env!("CARGO_PKG_VERSION"), "\n")
    }
}

/// No line of a message may look as if the message were over.
fn harmless(line: &str) -> String {
    let over = ["---", "diff ", "Index: ", "From ", "-- "];
    if over.iter().any(|head| line.starts_with(head)) {
        format!(" {line}")
    } else {
        line.to_owned()
    }
}

fn diff(change: &Change) -> String {
    let Change { path, old, new } = change;
    let (mode, from) = match old {
        Some(_) => ("", format!("a/{path}")),
        None => ("new file mode 100644\n", "/dev/null".to_owned()),
    };
    let diff = TextDiff::from_lines(old.as_deref().unwrap_or_default(), new);
    let hunks = diff
        .unified_diff()
        .header(&from, &format!("b/{path}"))
        .to_string();
    format!("diff --git a/{path} b/{path}\n{mode}{hunks}")
}

fn diffstat(changes: &[Change]) -> String {
    let counts: Vec<(usize, usize)> = changes.iter().map(count).collect();
    let longest = changes.iter().map(|change| change.path.len()).max();
    let longest = longest.unwrap_or_default();
    let mut text = String::new();
    for (change, (more, less)) in changes.iter().zip(&counts) {
        text += &format!(" {:longest$} | {:>4} ", change.path, more + less);
        text += match (more, less) {
            (_, 0) => "+\n",
            (0, _) => "-\n",
            _ => "+-\n",
        };
    }
    let (more, less) = counts
        .iter()
        .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    let counted = |count: usize, one: &str| match count {
        1 => format!("1 {one}"),
        _ => format!("{count} {one}s"),
    };
    text += &format!(" {} changed", counted(changes.len(), "file"));
    if more > 0 {
        text += &format!(", {}(+)", counted(more, "insertion"));
    }
    if less > 0 {
        text += &format!(", {}(-)", counted(less, "deletion"));
    }
    text + "\n"
}

fn count(change: &Change) -> (usize, usize) {
    let old = change.old.as_deref().unwrap_or_default();
    let diff = TextDiff::from_lines(old, &change.new);
    let of = |tag| {
        diff.iter_all_changes()
            .filter(|change| change.tag() == tag)
            .count()
    };
    (
        of(similar::ChangeTag::Insert),
        of(similar::ChangeTag::Delete),
    )
}
