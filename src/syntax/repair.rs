//! Braces, before the grammar sees them.
//!
//! A missing `}` would make everything behind it part of the block it should have
//! ended, and hide all errors there. But a line that begins with `scenario`, `suite`
//! or `kind` tells how deep it stands, and so does every line by its indent, where that agrees
//! with the braces; so the brace is put where the line before ends, into blanks: what the grammar
//! reads has every span where the text has it.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memchr2, memchr2_iter, memrchr};

/// A text in which every block is closed.
pub(super) struct Repaired<'t> {
    pub(super) text: Cow<'t, str>,
    /// The braces that nothing closes, in order.
    pub(super) unclosed: Vec<usize>,
    /// Behind each line that ends a block of the outermost level.
    ends: Vec<usize>,
}

impl Repaired<'_> {
    /// The text in pieces of at least that many bytes, each of which ends where a block of the
    /// outermost level does: what stands between them belongs to no other. One in which a block
    /// is never closed is one piece.
    pub(super) fn pieces(&self, size: usize) -> Vec<Range<usize>> {
        let mut pieces = Vec::new();
        let mut start = 0;
        for &end in self.ends.iter().filter(|_| self.unclosed.is_empty()) {
            if end - start >= size {
                pieces.push(start..end);
                start = end;
            }
        }
        if start < self.text.len() || pieces.is_empty() {
            pieces.push(start..self.text.len());
        }
        pieces
    }
}

/// Closes blocks that are open where they cannot be.
pub(super) fn close_braces(text: &str) -> Repaired<'_> {
    let mut scanned = scan(text, false);
    if scanned.unclosed.is_empty() {
        return Repaired {
            text: Cow::Borrowed(text),
            unclosed: vec![],
            ends: scanned.ends,
        };
    }
    // Indentation tells more, if it agrees with the braces that are there.
    let indented = scan(text, true);
    if !indented.has_more {
        scanned = indented;
    }
    let Scanned {
        unclosed,
        fills,
        open,
        ends,
        ..
    } = scanned;
    let mut repaired = text.to_owned();
    for (at, count) in fills {
        let braces = "}".repeat(count);
        let line = text[at..].find('\n').unwrap_or(text.len() - at);
        let rest = text[at..].trim_start_matches([' ', '\t', '\r', '\n']);
        let blanks = text.len() - at - rest.len();
        if line >= count {
            // A comment may be lost to it, which nobody misses.
            repaired.replace_range(at..at + line, &format!("{braces:<line$}"));
        } else if blanks > count {
            repaired.replace_range(at..=at + count, &(braces + "\n"));
        }
    }
    repaired.push('\n');
    repaired.push_str(&"}".repeat(open));
    Repaired {
        text: Cow::Owned(repaired),
        unclosed,
        ends,
    }
}

/// What braces say, line by line.
struct Scanned {
    /// The braces that nothing closes, in order.
    unclosed: Vec<usize>,
    /// Behind which code how many are missing.
    fills: Vec<(usize, usize)>,
    /// How many are missing at the end.
    open: usize,
    /// Whether more are closed than were open.
    has_more: bool,
    /// Behind each line that ends a block of the outermost level.
    ends: Vec<usize>,
}

/// Goes over the braces. A line that is indented no more than the one that opened a block is taken
/// to be behind it, if that is wanted.
fn scan(text: &str, by_indent: bool) -> Scanned {
    let mut scanned = Scanned {
        unclosed: vec![],
        fills: vec![],
        open: 0,
        has_more: false,
        ends: vec![],
    };
    // Each with the indent of its line.
    let mut open: Vec<(usize, usize)> = Vec::new();
    // The last line that is not empty, and where it begins.
    let mut before = (0, "");
    let mut base = 0;
    while base < text.len() {
        let line = &text[base..end_of_line(text, base)];
        let code = code_of(line);
        let indent = indent_of(code);
        let words = &code[indent..];
        let mut depth = depth_of(code, words).unwrap_or(open.len()).min(open.len());
        if by_indent && !words.is_empty() {
            let closes = usize::from(words.starts_with('}'));
            let is_over = |opened: &&(usize, usize)| opened.1 >= indent + closes;
            depth = depth.min(open.len() - open.iter().rev().take_while(is_over).count());
        }
        if depth < open.len() {
            let missing = open.split_off(depth);
            let end_of_code = before.0 + before.1.trim_end().len();
            scanned.fills.push((end_of_code, missing.len()));
            scanned.unclosed.extend(missing.iter().map(|(at, _)| at));
        }
        for at in memchr2_iter(b'{', b'}', code.as_bytes()) {
            if code.as_bytes()[at] == b'{' {
                open.push((base + at, indent));
            } else {
                scanned.has_more |= open.pop().is_none();
            }
        }
        if !words.is_empty() {
            before = (base, code);
        }
        base += line.len();
        if open.is_empty() && words.trim_end() == "}" && line.ends_with('\n') {
            scanned.ends.push(base);
        }
    }
    scanned.open = open.len();
    scanned.unclosed.extend(open.iter().map(|(at, _)| at));
    scanned.unclosed.sort_unstable();
    scanned
}

/// How many bytes of white space a line begins with. It is mostly blanks, of which there are many.
fn indent_of(code: &str) -> usize {
    let blanks = code.bytes().take_while(|&byte| byte == b' ').count();
    code.len() - code[blanks..].trim_start().len()
}

/// In how many blocks a line stands, which its first words may tell.
fn depth_of(code: &str, words: &str) -> Option<usize> {
    let says = |word: &str| words.starts_with(word);
    if !["suite", "kind", "use", "scenario"].into_iter().any(says) {
        return None;
    }
    let mut words = words.split_whitespace();
    match words.next()? {
        "suite" | "kind" => Some(0),
        // An indented one is a statement, about memory or a handle of that name.
        "use" if code.starts_with("use") && words.next().is_some_and(is_library) => Some(0),
        "scenario" => Some(1),
        _ => None,
    }
}

/// What stands behind the `use` of a file, and not behind the statement.
fn is_library(word: &str) -> bool {
    word == "kinds" || word.starts_with('"')
}

/// Where the braces get nested deeper than that, if they do. A linear scan: the
/// grammar's own recursion never sees such a text. Where a line looks like C and is none
/// the grammar sees the braces behind the bar as well, so these count as if they were closed
/// at its end.
pub(super) fn too_deep(text: &str, max: usize) -> Option<usize> {
    let mut depth = 0usize;
    let mut base = 0;
    // Lines without braces are passed over.
    while let Some(brace) = memchr2(b'{', b'}', &text.as_bytes()[base..]) {
        base = memrchr(b'\n', &text.as_bytes()[..base + brace]).map_or(0, |at| at + 1);
        let end = end_of_line(text, base);
        let line = &text[base..end];
        let code = code_of(line).len();
        let mut within = depth;
        for (at, byte) in line.bytes().enumerate() {
            match byte {
                b'{' => within += 1,
                b'}' => within = within.saturating_sub(1),
                b'/' if line[at..].starts_with("//") => break,
                _ => {}
            }
            if at < code {
                depth = within;
            }
            if within > max {
                return Some(base + at);
            }
        }
        base = end;
    }
    None
}

/// Where the line that begins at a byte ends, its newline included.
fn end_of_line(text: &str, start: usize) -> usize {
    memchr(b'\n', &text.as_bytes()[start..]).map_or(text.len(), |at| start + at + 1)
}

/// A line without its comment or its C. Before the bar of a line of C stands nothing
/// but the name of its section, and since or until which version it is for.
pub fn code_of(line: &str) -> &str {
    // Most have neither.
    if memchr2(b'/', b'|', line.as_bytes()).is_none() {
        return line;
    }
    let code = line.find("//").map_or(line, |at| &line[..at]);
    let Some(bar) = code.find('|') else {
        return code;
    };
    let is_word = |word: &str| word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let words: Vec<&str> = code[..bar].split_whitespace().collect();
    let is_section = match words.as_slice() {
        [] => true,
        [name] => is_word(name),
        [name, "since" | "until", _] => is_word(name),
        _ => false,
    };
    if is_section { &code[..bar] } else { code }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_brace_is_put_where_the_line_before_ends() {
        let text = "suite s on root {\n    scenario a { // why\n        get dev // here\n    scenario b { }\n}\n\nkind k {\n";
        let repaired = close_braces(text);
        let braces: Vec<_> = repaired
            .unclosed
            .iter()
            .map(|&at| &text[at - 2..=at])
            .collect();
        assert_eq!(braces, ["a {", "k {"]);
        let text_of_it = repaired.text.into_owned();
        assert!(text_of_it.contains("get dev}       \n"), "{text_of_it}");
        assert!(text_of_it.starts_with(&text[..40]));
        assert_eq!(text_of_it.find("scenario b"), text.find("scenario b"));
        assert!(text_of_it.ends_with("kind k {\n\n}"));
    }

    #[test]
    fn what_is_balanced_is_left_alone() {
        let text = "kind k {\n    c {\n        create | if (x) {\n    }\n}\n";
        let repaired = close_braces(text);
        assert!(matches!(repaired.text, Cow::Borrowed(_)) && repaired.unclosed.is_empty());
    }
}
