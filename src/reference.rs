//! What the reference of the language says of a word: `devres-gen explain WORD`.

use crate::syntax::words;

const LANGUAGE: &str = include_str!("../docs/language.md");

/// What stands behind a paragraph or a row that is about a rule of the grammar.
const MARK: &str = "<!-- rule: ";

/// The rows and paragraphs of docs/language.md that are about a word of the language, in order.
pub fn of(word: &str) -> Vec<String> {
    let mark = format!("{MARK}{word} -->");
    let mut said = Vec::new();
    for paragraph in LANGUAGE.split("\n\n") {
        if let Some((heads, rows)) = paragraph
            .strip_prefix('|')
            .and_then(|_| paragraph.split_once('\n'))
        {
            let rows = rows.lines().filter(|row| is_of(row, word));
            said.extend(rows.map(|row| by_heads(heads, &without_marks(row))));
        } else if paragraph.contains(&mark) || is_of(paragraph, word) {
            said.push(without_marks(paragraph).trim().to_owned());
        }
    }
    said
}

/// A row of a table, a line for each cell that has something in it, behind what its column is of.
fn by_heads(heads: &str, row: &str) -> String {
    let cells = |row: &str| -> Vec<String> {
        let inner = row.trim().trim_matches('|');
        inner
            .split(" |")
            .map(|cell| cell.trim().to_owned())
            .collect()
    };
    let mut lines = Vec::new();
    for (head, cell) in cells(heads).iter().zip(cells(row)) {
        match lines.is_empty() {
            true => lines.push(format!("{head} {cell}")),
            false if cell.is_empty() => {}
            false => lines.push(format!("  {head}: {cell}")),
        }
    }
    lines.join("\n")
}

/// Whether a row of a table, or a paragraph, begins with a statement of that word.
fn is_of(row: &str, word: &str) -> bool {
    let first = row.trim_start_matches(['|', ' ']);
    let rest = first
        .strip_prefix('`')
        .and_then(|rest| rest.strip_prefix(word));
    rest.is_some_and(|rest| {
        // What is to be filled in is in capitals; the list of reserved words is not.
        let form = rest.strip_prefix(' ').unwrap_or_default();
        let is_form = |known: &&str| first[1..].starts_with(known);
        rest.starts_with('`')
            || form.starts_with(|c: char| c.is_ascii_uppercase())
            || words::forms(word).is_some_and(|forms| forms.iter().any(is_form))
    })
}

fn without_marks(text: &str) -> String {
    let mut rest = text;
    let mut out = String::new();
    while let Some((before, after)) = rest.split_once(MARK) {
        out += before;
        rest = after.split_once("-->").map_or("", |(_, rest)| rest);
    }
    out + rest
}
