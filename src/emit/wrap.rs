//! Line wrapping as the kernel does it: 80 columns, tabs of 8, continuation lines
//! aligned with the open bracket.

const WIDTH: usize = 80;
const TAB: usize = 8;

/// A call, `head(args)tail`, indented by tabs, over as many lines as it takes.
pub(super) fn call(tabs: usize, head: &str, args: &[&str], tail: &str) -> Vec<String> {
    list(
        &format!("{}{head}(", "\t".repeat(tabs)),
        args,
        &format!("){tail}"),
    )
}

/// The same with a call as its last argument, whose own arguments may need lines too.
pub(super) fn nested(
    tabs: usize,
    head: &str,
    first: &str,
    inner: (&str, [&str; 2]),
    tail: &str,
) -> Vec<String> {
    let (function, arguments) = inner;
    let flat = format!("{function}({})", arguments.join(", "));
    let lines = call(tabs, head, &[first, &flat], tail);
    if lines.iter().all(|line| columns(line) <= WIDTH) {
        return lines;
    }
    let open = format!("{}{head}(", "\t".repeat(tabs));
    let aligned = columns(&open);
    let align = "\t".repeat(aligned / TAB) + &" ".repeat(aligned % TAB);
    let mut lines = vec![format!("{open}{first},")];
    lines.extend(list(
        &format!("{align}{function}("),
        &arguments,
        &format!(")){tail}"),
    ));
    lines
}

/// An element of a table, `{ fields },`, over as many lines as it takes.
pub(super) fn braces(fields: &[String]) -> Vec<String> {
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    list("\t{ ", &fields, " },")
}

fn list(open: &str, items: &[&str], close: &str) -> Vec<String> {
    let aligned = columns(open);
    let mut lines = Vec::new();
    let mut line = open.to_owned();
    let mut width = aligned;
    if items.is_empty() {
        line += close;
    }
    for (index, item) in items.iter().enumerate() {
        let end = if index + 1 == items.len() { close } else { "," };
        let added = columns(item) + columns(end);
        if index > 0 && width + 1 + added > WIDTH {
            let align = "\t".repeat(aligned / TAB) + &" ".repeat(aligned % TAB);
            lines.push(std::mem::replace(&mut line, align));
            width = aligned;
        } else if index > 0 {
            line.push(' ');
            width += 1;
        }
        line += item;
        line += end;
        width += added;
    }
    lines.push(line);
    lines
}

fn columns(text: &str) -> usize {
    text.chars().map(|c| if c == '\t' { TAB } else { 1 }).sum()
}

/// Words of a comment, in lines that fit behind ` * `.
pub(crate) fn words(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_call_stays_on_one_line() {
        assert_eq!(call(1, "f", &["a", "b"], ";"), ["\tf(a, b);"]);
    }

    #[test]
    fn a_long_call_is_aligned_with_its_bracket() {
        let long = "x".repeat(50);
        let lines = call(1, "KUNIT_EXPECT_EQ", &["test", &long, "1"], ";");
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
        assert_eq!(call(1, "f", &["a", &arg], ";").len(), 1);
        assert_eq!(call(1, "f", &["a", &format!("{arg}y")], ";").len(), 2);
    }
}
