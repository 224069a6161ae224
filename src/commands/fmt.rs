//! `devres-gen fmt`

use std::path::Path;

use super::{BAD_INPUT, Done, NOT_WELL, WELL, fail, print, report};
use crate::cli::Fmt;
use devres_gen::compile::{Texts, texts};
use devres_gen::source::STDIN;
use devres_gen::{output, syntax};

pub(super) fn fmt(args: &Fmt) -> Done {
    let Texts {
        sources,
        ids,
        diagnostics,
    } = texts(&args.paths);
    if !diagnostics.is_empty() {
        report(&diagnostics, &sources);
        return Err(BAD_INPUT);
    }
    let mut changed = 0;
    for &id in &ids {
        let source = sources.get(id);
        let formatted = with_ends_of(&source.text, syntax::format(&source.text));
        let is_filter = source.path == STDIN && !args.check;
        if formatted == source.text && !is_filter {
            continue;
        }
        if !same_but_for_white_space(&source.text, &formatted) {
            let why = format!("`{}` would lose something; please report this", source.path);
            return fail(&why, NOT_WELL);
        }
        if is_filter {
            print(&formatted)?;
            continue;
        }
        changed += 1;
        if args.check {
            print(&output::diff(
                &source.path,
                &source.text,
                "in canonical form",
                &formatted,
            ))?;
        } else {
            // A link stays one: what it points to is replaced.
            let path = Path::new(&source.path).canonicalize();
            path.and_then(|path| output::replace(&path, &formatted))
                .or_else(|why| fail(&format!("`{}`: {why}", source.path), NOT_WELL))?;
        }
    }
    if ids.len() == 1 && sources.get(ids[0]).path == STDIN && !args.check {
        return Ok(WELL);
    }
    let verb = if args.check {
        "would change"
    } else {
        "changed"
    };
    print(&format!("{changed} of {} files {verb}\n", ids.len()))?;
    if args.check && changed > 0 {
        Ok(NOT_WELL.into())
    } else {
        Ok(WELL)
    }
}

/// A text whose lines end as those of another one do: a checkout may have turned them into CR LF.
fn with_ends_of(known: &str, text: String) -> String {
    match known.contains("\r\n") {
        true => text.replace('\n', "\r\n"),
        false => text,
    }
}

fn same_but_for_white_space(before: &str, after: &str) -> bool {
    let seen = |c: &char| !c.is_whitespace();
    before.chars().filter(seen).eq(after.chars().filter(seen))
}
