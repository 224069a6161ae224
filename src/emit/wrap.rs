//! Line wrapping as the kernel does it: 80 columns, tabs of 8, continuation lines
//! aligned with the open bracket.

use std::iter;

use super::lines::Lines;
use super::names::Joined;

const WIDTH: usize = 80;
const TAB: usize = 8;

impl Lines {
    /// Takes in a call, `head(args)tail` behind what its line begins with, over as many lines as
    /// it takes.
    pub(super) fn call<'a>(
        &mut self,
        before: &str,
        head: impl Into<Joined<'a>>,
        args: &[Joined<'_>],
        tail: &str,
    ) {
        let start = self.0.len();
        self.0.push_str(before);
        head.into().push_to(&mut self.0);
        self.0.push('(');
        self.list(start, args, [")", tail]);
    }

    /// The same with a call as its last argument, whose own arguments may need lines too.
    pub(super) fn nested(
        &mut self,
        before: &str,
        head: &str,
        first: &str,
        inner: (&str, [Joined<'_>; 2]),
        tail: &str,
    ) {
        let start = self.0.len();
        let (function, arguments) = inner;
        let flat = format!("{function}({}, {})", arguments[0], arguments[1]);
        self.call(before, head, &[first.into(), flat.as_str().into()], tail);
        let fits = |line: &str| columns(line) <= WIDTH;
        if self.0[start..].lines().all(fits) {
            return;
        }
        self.0.truncate(start);
        self.0.extend([before, head, "("]);
        let aligned = columns(&self.0[start..]);
        self.0.push_str(first);
        self.0.push_str(",\n");
        let start = self.0.len();
        self.align(aligned);
        self.0.push_str(function);
        self.0.push('(');
        self.list(start, &arguments, ["))", tail]);
    }

    /// Takes in an element of a table, `{ fields },`, over as many lines as it takes.
    pub(super) fn braces(&mut self, fields: &[String]) {
        let fields: Vec<Joined<'_>> = fields.iter().map(|field| field.as_str().into()).collect();
        let start = self.0.len();
        self.0.push_str("\t{ ");
        self.list(start, &fields, [" }", ","]);
    }

    /// The rest of a line that begins there, aligned with what it has so far.
    fn list(&mut self, start: usize, items: &[Joined<'_>], close: [&str; 2]) {
        let aligned = columns(&self.0[start..]);
        let mut width = aligned;
        for (index, item) in items.iter().enumerate() {
            let is_last = index + 1 == items.len();
            let end = if is_last { close } else { [",", ""] };
            let added = item.columns() + end.map(columns).iter().sum::<usize>();
            if index > 0 && width + 1 + added > WIDTH {
                self.0.push('\n');
                self.align(aligned);
                width = aligned;
            } else if index > 0 {
                self.0.push(' ');
                width += 1;
            }
            item.push_to(&mut self.0);
            self.0.extend(end);
            width += added;
        }
        if items.is_empty() {
            self.0.extend(close);
        }
        self.0.push('\n');
    }

    fn align(&mut self, columns: usize) {
        self.0.extend(iter::repeat_n('\t', columns / TAB));
        self.0.extend(iter::repeat_n(' ', columns % TAB));
    }
}

/// How wide a text is.
pub(super) fn columns(text: &str) -> usize {
    let columns = |byte| match byte {
        b'\t' => TAB,
        // The rest of a character.
        0x80..=0xbf => 0,
        _ => 1,
    };
    text.bytes().map(columns).sum()
}

/// Words of a comment, in lines that fit behind ` * `.
pub(crate) fn words(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut taken = 0;
    for word in text.split_whitespace() {
        let added = word.chars().count();
        match lines.last_mut() {
            Some(line) if taken + 1 + added <= width => {
                line.extend([" ", word]);
                taken += 1 + added;
            }
            _ => {
                let mut line = String::with_capacity(text.len().min(width));
                line.push_str(word);
                lines.push(line);
                taken = added;
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(before: &str, head: &str, args: &[&str], tail: &str) -> Vec<String> {
        let args: Vec<Joined<'_>> = args.iter().map(|&arg| arg.into()).collect();
        let mut lines = Lines::default();
        lines.call(before, head, &args, tail);
        lines.as_str().lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_short_call_stays_on_one_line() {
        assert_eq!(call("\t", "f", &["a", "b"], ";"), ["\tf(a, b);"]);
    }

    #[test]
    fn a_long_call_is_aligned_with_its_bracket() {
        let long = "x".repeat(50);
        let lines = call("\t", "KUNIT_EXPECT_EQ", &["test", &long, "1"], ";");
        assert_eq!(
            lines,
            [
                "\tKUNIT_EXPECT_EQ(test,".to_owned(),
                format!("\t\t\t{long}, 1);")
            ]
        );
        assert!(
            lines
                .iter()
                .all(|line| line.replace('\t', "        ").len() <= 80 + 4)
        );
    }

    #[test]
    fn exactly_80_columns_fit() {
        let arg = "y".repeat(80 - 8 - "f(a, );".len());
        assert_eq!(call("\t", "f", &["a", &arg], ";").len(), 1);
        assert_eq!(call("\t", "f", &["a", &format!("{arg}y")], ";").len(), 2);
    }
}
