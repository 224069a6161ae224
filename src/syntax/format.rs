//! The one canonical form of a scenario file.
//!
//! Lines stay lines, for a newline ends a statement; what is laid down is the white
//! space within and around them. So comments are kept where they stand, and nothing
//! but white space can change.

use super::repair::code_of;

/// Columns of a level.
const INDENT: usize = 4;

/// Brings a text that the grammar accepts into its canonical form.
pub fn format(text: &str) -> String {
    let mut formatter = Formatter::default();
    for line in text.lines() {
        formatter.line(line);
    }
    formatter.finish()
}

#[derive(Default)]
struct Formatter {
    out: String,
    /// Open braces, and for each whether it is that of a kind's C.
    open: Vec<bool>,
    /// Lines of C that wait for their bars to be aligned: section and text.
    sections: Vec<(String, String)>,
    /// Where the bars of the lines of C before stand.
    width: usize,
    blank: bool,
    /// The statement of the line before goes on.
    continues: bool,
}

impl Formatter {
    fn line(&mut self, line: &str) {
        if let (Some(true), Some((section, text))) = (self.open.last(), line_of_c(line)) {
            self.blank_line();
            self.sections.push((section, text.trim_end().to_owned()));
            return;
        }
        self.flush();
        let code = code_of(line);
        let comment = line[code.len()..].trim();
        let code = spaced(code);
        if code.is_empty() && comment.is_empty() {
            self.blank = !self.out.is_empty();
            return;
        }
        let closes = code.starts_with('}');
        if closes {
            self.blank = false;
        }
        self.blank_line();
        let continued = self.continues
            || ["but ", "without "]
                .iter()
                .any(|word| code.starts_with(word));
        let depth = self.open.len().saturating_sub(usize::from(closes)) + usize::from(continued);
        self.indent(depth);
        self.out += &code;
        if !code.is_empty() && !comment.is_empty() {
            self.out.push(' ');
        }
        self.out += comment;
        self.out.push('\n');
        self.braces(&code);
        if !code.is_empty() {
            self.continues = code.ends_with([',', ':', '<']) || code == "expect";
        }
    }

    fn braces(&mut self, code: &str) {
        let mut before = "";
        for token in code.split(' ') {
            match token {
                "{" => self.open.push(before == "c"),
                "}" | "};" => drop(self.open.pop()),
                _ => {}
            }
            before = token;
        }
    }

    fn indent(&mut self, depth: usize) {
        self.out += &" ".repeat(depth * INDENT);
    }

    /// A blank line, if one is due: never two, never the first.
    fn blank_line(&mut self) {
        if std::mem::take(&mut self.blank) {
            self.flush();
            self.out.push('\n');
        }
    }

    fn flush(&mut self) {
        let sections = std::mem::take(&mut self.sections);
        let widths = sections.iter().map(|(section, _)| section.len());
        // What only goes on with a section, behind a blank line or a comment, stays below it.
        if let Some(width) = widths.max().filter(|&width| width > 0) {
            self.width = width;
        }
        let width = self.width;
        for (section, text) in sections {
            self.indent(self.open.len());
            self.out += &format!("{section:width$} |{text}\n");
        }
    }

    fn finish(mut self) -> String {
        self.flush();
        self.out
    }
}

/// A line of C: the name of its section, if it stands there, and all behind the bar.
fn line_of_c(line: &str) -> Option<(String, &str)> {
    let bar = code_of(line).len();
    let text = line[bar..].strip_prefix('|')?;
    let section = line[..bar].split_whitespace().collect::<Vec<_>>().join(" ");
    Some((section, text))
}

/// Code with one blank between any two words, none before `,` and `;`, before `:` only
/// in the head of a kind.
fn spaced(code: &str) -> String {
    let mut out = String::new();
    // A file's name is left as it is.
    if let Some((before, quoted)) = code.split_once('"') {
        return format!("{} \"{}", spaced(before), quoted.trim_end());
    }
    let is_kind = code.split_whitespace().next() == Some("kind");
    for word in code.split_whitespace() {
        let mut rest = word;
        while !rest.is_empty() {
            let length = match rest.find(['{', '}', ',', ';', ':', '<']) {
                Some(0) => 1,
                Some(at) => at,
                None => rest.len(),
            };
            let token = &rest[..length];
            let sticks = matches!(token, "," | ";") || token == ":" && !is_kind;
            if !out.is_empty() && !sticks {
                out.push(' ');
            }
            out += token;
            rest = &rest[length..];
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_is_laid_down_and_comments_stay() {
        let text = "\n\nuse kinds//x\n\n\n/// doc\nsuite s on root,\nplatform{\n\nscenario t{\n  register dev;get   dev // why\n\n\n // alone\n expect dev alive\nbut freed without 699fb50d9903,\nrefs dev +1\naction a on dev{put dev}\n\n}\n}\n\n";
        let formatted = "use kinds //x\n\n/// doc\nsuite s on root,\n    platform {\n\n    scenario t {\n        register dev; get dev // why\n\n        // alone\n        expect dev alive\n            but freed without 699fb50d9903,\n            refs dev +1\n        action a on dev { put dev }\n    }\n}\n";
        assert_eq!(format(text), formatted);
        assert_eq!(format(formatted), formatted);
    }

    #[test]
    fn bars_of_c_are_aligned_and_c_is_left_alone() {
        let text = "kind k:bus{\nc{\ncreate|  a  ;\n|\n| if (x) {\n\n| }\n// why\n|x\n\ndestroy | b\nregister_driver | c // {\n}\n}\n";
        let formatted = "kind k : bus {\n    c {\n        create |  a  ;\n               |\n               | if (x) {\n\n               | }\n        // why\n               |x\n\n        destroy         | b\n        register_driver | c // {\n    }\n}\n";
        assert_eq!(format(text), formatted);
        assert_eq!(format(formatted), formatted);
    }
}
