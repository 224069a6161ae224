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
        let is_table = paragraph.starts_with('|');
        if is_table {
            let rows = paragraph.lines().filter(|row| is_of(row, word));
            said.extend(rows.map(|row| without_marks(row).replace(" | ", ": ")));
        } else if paragraph.contains(&mark) || is_of(paragraph, word) {
            said.push(without_marks(paragraph));
        }
    }
    for line in &mut said {
        *line = line.trim_matches(['|', ' ', '\n']).replace(": : ", ": ");
    }
    said
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
