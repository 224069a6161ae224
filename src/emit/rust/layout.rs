//! Expressions laid out as rustfmt does it, as far as generated Rust needs it.

/// rustfmt's `array_width` and `fn_call_width`.
pub(super) const SHORT: usize = 60;

/// rustfmt's `chain_width`, and the semicolon.
const CHAIN: usize = 61;

/// The longest line, within a function within a module.
const LINE: usize = 92;

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
    /// `head[items]tail`, such as `&[a, b]` or `f(&[a, b])`.
    Array {
        /// All before the items, with the bracket.
        open: String,
        /// The items.
        items: Vec<Expr>,
        /// All after the items, with the bracket.
        close: String,
    },
    /// `function(arguments)`, which fits a line, if there is one for it.
    Call {
        /// What is called.
        function: String,
        /// The arguments, each on one line.
        arguments: Vec<String>,
    },
    /// `Name { field: value, ..rest }`, which stands on lines of its own.
    Struct {
        /// Its type.
        name: String,
        /// Its fields.
        fields: Vec<(String, Expr)>,
        /// What the other fields are taken from.
        rest: Option<String>,
    },
}

impl Expr {
    /// `&[items]`
    pub(super) fn slice(items: Vec<Expr>) -> Expr {
        Expr::call_with_slice("", items, "")
    }

    /// `head&[items]tail`
    pub(super) fn call_with_slice(head: &str, items: Vec<Expr>, tail: &str) -> Expr {
        Expr::Array {
            open: format!("{head}&["),
            items,
            close: format!("]{tail}"),
        }
    }

    /// `function(arguments, last)`, if rustfmt leaves that on one line.
    ///
    /// # Errors
    /// The last argument back, if it does not.
    pub(super) fn call(
        function: &str,
        mut arguments: Vec<String>,
        last: Expr,
    ) -> Result<Expr, Expr> {
        let Some(flat) = last.flat() else {
            return Err(last);
        };
        arguments.push(flat);
        if arguments.join(", ").len() > SHORT {
            return Err(last);
        }
        Ok(Expr::Call {
            function: function.to_owned(),
            arguments,
        })
    }

    fn flat(&self) -> Option<String> {
        match self {
            Expr::Text(text) => Some(text.clone()),
            Expr::Call {
                function,
                arguments,
            } => Some(format!("{function}({})", arguments.join(", "))),
            Expr::Array { open, items, close } => {
                let items: Option<Vec<String>> = items.iter().map(Expr::flat).collect();
                let items = items?.join(", ");
                (items.len() <= SHORT).then(|| format!("{open}{items}{close}"))
            }
            Expr::Struct { .. } => None,
        }
    }

    /// The lines, the first of them without its indent, the others indented further by
    /// `indent` blanks. `before` columns are taken on the first line.
    pub(super) fn lines(&self, indent: usize, before: usize) -> Vec<String> {
        const WIDTH: usize = 100;
        let pad = " ".repeat(indent + 4);
        match self {
            Expr::Text(text) => vec![text.clone()],
            Expr::Call { .. } => self.flat().into_iter().collect(),
            Expr::Array { open, items, close } => {
                let flat = self.flat().filter(|flat| before + flat.len() < WIDTH);
                if let Some(flat) = flat {
                    return vec![flat];
                }
                // A single item shares its lines with the brackets.
                if let [only @ (Expr::Struct { .. } | Expr::Array { .. })] = items.as_slice() {
                    let mut lines = only.lines(indent, before + open.len());
                    lines[0].insert_str(0, open);
                    if let Some(last) = lines.last_mut() {
                        last.push_str(close);
                    }
                    return lines;
                }
                if let [
                    Expr::Call {
                        function,
                        arguments,
                    },
                ] = items.as_slice()
                {
                    let mut lines = vec![format!("{open}{function}(")];
                    lines.extend(arguments.iter().map(|argument| format!("{pad}{argument},")));
                    lines.push(format!("{}){close}", " ".repeat(indent)));
                    return lines;
                }
                let mut lines = vec![open.clone()];
                for item in items {
                    let mut inner = item.lines(indent + 4, indent + 4);
                    inner[0].insert_str(0, &pad);
                    if let Some(last) = inner.last_mut() {
                        last.push(',');
                    }
                    lines.extend(inner);
                }
                lines.push(format!("{}{close}", " ".repeat(indent)));
                lines
            }
            Expr::Struct { name, fields, rest } => {
                let mut lines = vec![format!("{name} {{")];
                for (field, value) in fields {
                    let head = format!("{pad}{field}: ");
                    let mut inner = value.lines(indent + 4, head.len());
                    inner[0].insert_str(0, &head);
                    if let Some(last) = inner.last_mut() {
                        last.push(',');
                    }
                    lines.extend(inner);
                }
                lines.extend(rest.iter().map(|rest| format!("{pad}..{rest}")));
                lines.push(format!("{}}}", " ".repeat(indent)));
                lines
            }
        }
    }
}
