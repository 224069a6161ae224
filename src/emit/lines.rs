//! Text that grows line by line, as it will stand in a file.

use std::fmt::{self, Write as _};

/// Lines of a file, each with its end.
#[derive(Clone, Debug)]
pub(crate) struct Lines(pub(super) String);

impl Default for Lines {
    /// None yet, and room for what most functions have.
    fn default() -> Self {
        Lines(String::with_capacity(1024))
    }
}

impl Lines {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The lines, the last one without its end.
    pub(crate) fn without_end(mut self) -> String {
        self.0.pop();
        self.0
    }

    /// Puts these before all others.
    pub(crate) fn begin_with(&mut self, lines: &str) {
        self.0.insert_str(0, lines);
    }

    /// Takes in a line, which has no end yet.
    pub(crate) fn line(&mut self, line: fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.0.write_fmt(line);
        self.0.push('\n');
    }

    /// Takes in lines as they are.
    pub(crate) fn text(&mut self, lines: &str) {
        self.0.push_str(lines);
    }

    /// Takes in lines, indented by one tab more.
    pub(crate) fn indented(&mut self, lines: &Lines) {
        for line in lines.0.split_inclusive('\n') {
            self.0.push('\t');
            self.0.push_str(line);
        }
    }
}

/// With the end of the last one: in a template nothing stands behind it on its line.
impl fmt::Display for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
