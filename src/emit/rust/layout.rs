//! Expressions laid out as rustfmt does it, as far as generated Rust needs it.

use std::fmt::{self, Write as _};
use std::iter;

use crate::emit::lines::Lines;

/// rustfmt's `array_width` and `fn_call_width`.
pub(super) const SHORT: usize = 60;

/// rustfmt's `chain_width`, and the semicolon.
const CHAIN: usize = 61;

/// The longest line, within a function within a module.
const LINE: usize = 92;

impl Lines {
    /// Takes in a call of a call's result, indented by blanks.
    pub(super) fn chain(
        &mut self,
        indent: usize,
        first: fmt::Arguments<'_>,
        second: fmt::Arguments<'_>,
    ) {
        let text = &mut self.0;
        text.extend(iter::repeat_n(' ', indent));
        let start = text.len();
        // Writing to a string cannot fail.
        let _ = text.write_fmt(first);
        let end_of_first = text.len();
        let _ = text.write_fmt(second);
        if text.len() - start > CHAIN {
            let second = text.split_off(end_of_first);
            new_line(text, indent + 4);
            text.push_str(&second);
        }
        text.push('\n');
    }
}

/// Calls of a call's result, over several lines if rustfmt would break them: a call of a name's
/// is no chain yet.
pub(super) fn chain(calls: Vec<String>) -> Vec<String> {
    let flat = calls.concat();
    let is_chain = calls.len() > 2 || flat.starts_with(|c: char| c.is_ascii_lowercase());
    if flat.len() <= if is_chain { CHAIN } else { LINE } {
        return vec![flat];
    }
    let later = |(index, call)| match index {
        0 => call,
        _ => format!("    {call}"),
    };
    calls.into_iter().enumerate().map(later).collect()
}

/// An expression.
#[derive(Clone, Debug)]
pub(super) enum Expr {
    /// On one line.
    Text(String),
    /// `open[items]close`, such as `&[a, b]` or `f(&[a, b])`.
    Array {
        /// All before the items, with the bracket.
        open: &'static str,
        /// The items.
        items: Vec<Expr>,
        /// All after the items, with the bracket.
        close: &'static str,
    },
    /// `function(arguments)`, which fits a line, if there is one for it.
    Call {
        /// What is called.
        function: &'static str,
        /// The arguments, each on one line.
        arguments: Vec<String>,
    },
    /// `Name { field: value, ..rest }`, which stands on lines of its own.
    Struct {
        /// Its type.
        name: &'static str,
        /// Its fields.
        fields: Vec<(&'static str, Expr)>,
        /// What the other fields are taken from.
        rest: Option<String>,
    },
}

impl Expr {
    /// `&[items]`
    pub(super) fn slice(items: Vec<Expr>) -> Expr {
        let (open, close) = ("&[", "]");
        Expr::Array { open, items, close }
    }

    /// `function(arguments, last)`, if rustfmt leaves that on one line.
    ///
    /// # Errors
    /// The last argument back, if it does not.
    pub(super) fn call(
        function: &'static str,
        mut arguments: Vec<String>,
        last: Expr,
    ) -> Result<Expr, Expr> {
        let before: usize = arguments.iter().map(|argument| argument.len() + 2).sum();
        match last.width() {
            Some(width) if before + width <= SHORT => {
                let mut flat = String::with_capacity(width);
                last.flat(&mut flat);
                arguments.push(flat);
                Ok(Expr::Call {
                    function,
                    arguments,
                })
            }
            _ => Err(last),
        }
    }

    /// How wide it is on one line, if it may be.
    fn width(&self) -> Option<usize> {
        match self {
            Expr::Text(text) => Some(text.len()),
            Expr::Call {
                function,
                arguments,
            } => {
                let widths = arguments.iter().map(String::len);
                Some(function.len() + "()".len() + widths.sum::<usize>() + commas(arguments))
            }
            Expr::Array { open, items, close } => {
                let widths: Option<usize> = items.iter().map(Expr::width).sum();
                let width = widths? + commas(items);
                (width <= SHORT).then(|| open.len() + width + close.len())
            }
            Expr::Struct { .. } => None,
        }
    }

    /// Writes it on one line.
    fn flat(&self, text: &mut String) {
        match self {
            Expr::Text(value) => text.push_str(value),
            Expr::Call {
                function,
                arguments,
            } => {
                text.extend([function, "("]);
                for (index, argument) in arguments.iter().enumerate() {
                    text.extend([if index == 0 { "" } else { ", " }, argument]);
                }
                text.push(')');
            }
            Expr::Array { open, items, close } => {
                text.push_str(open);
                for (index, item) in items.iter().enumerate() {
                    text.push_str(if index == 0 { "" } else { ", " });
                    item.flat(text);
                }
                text.push_str(close);
            }
            Expr::Struct { .. } => {}
        }
    }

    /// Writes it on the line at hand, of which `before` columns are taken, and more, which are
    /// indented by `indent` blanks.
    pub(super) fn write(&self, text: &mut String, indent: usize, before: usize) {
        const WIDTH: usize = 100;
        if self.width().is_some_and(|width| match self {
            Expr::Array { .. } => before + width < WIDTH,
            _ => true,
        }) {
            return self.flat(text);
        }
        match self {
            Expr::Text(_) | Expr::Call { .. } => {}
            Expr::Array { open, items, close } => {
                text.push_str(open);
                match items.as_slice() {
                    // A single item shares its lines with the brackets.
                    [only @ (Expr::Struct { .. } | Expr::Array { .. })] => {
                        only.write(text, indent, before + open.len());
                    }
                    [
                        Expr::Call {
                            function,
                            arguments,
                        },
                    ] => {
                        text.extend([function, "("]);
                        for argument in arguments {
                            new_line(text, indent + 4);
                            text.extend([argument, ","]);
                        }
                        new_line(text, indent);
                        text.push(')');
                    }
                    items => {
                        for item in items {
                            new_line(text, indent + 4);
                            item.write(text, indent + 4, indent + 4);
                            text.push(',');
                        }
                        new_line(text, indent);
                    }
                }
                text.push_str(close);
            }
            Expr::Struct { name, fields, rest } => {
                text.extend([name, " {"]);
                for (field, value) in fields {
                    new_line(text, indent + 4);
                    text.extend([field, ": "]);
                    value.write(text, indent + 4, indent + 4 + field.len() + ": ".len());
                    text.push(',');
                }
                if let Some(rest) = rest {
                    new_line(text, indent + 4);
                    text.extend(["..", rest]);
                }
                new_line(text, indent);
                text.push('}');
            }
        }
    }
}

/// How wide the commas of a list are.
fn commas<T>(items: &[T]) -> usize {
    items.len().saturating_sub(1) * ", ".len()
}

fn new_line(text: &mut String, indent: usize) {
    text.push('\n');
    text.extend(iter::repeat_n(' ', indent));
}
