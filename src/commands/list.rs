//! `devres-gen explain`, `kinds` and `fixes`: what there is, without any input.

use super::{BAD_INPUT, Done, WELL, fail, print};
use crate::cli::Explain;
use devres_gen::codes::Code;
use devres_gen::compile;
use devres_gen::diagnostic::nearest;
use devres_gen::expand;
use devres_gen::ir::{Kind, Parent};
use devres_gen::sim::Fix;

pub(super) fn explain(args: &Explain) -> Done {
    let Some(code) = Code::from_name(&args.code) else {
        let known = Code::ALL.iter().map(|code| code.as_str());
        let hint = nearest(&args.code.to_ascii_uppercase(), known)
            .map_or("docs/errors.md lists them all".to_owned(), |near| {
                format!("did you mean {near}?")
            });
        return fail(
            &format!("there is no code `{}`; {hint}", args.code),
            BAD_INPUT,
        );
    };
    print(&format!("{}\n", code.explanation().trim_end()))?;
    Ok(WELL)
}

/// Each kind with what the simulator derives for it and what C makes it.
pub(super) fn kinds() -> Done {
    let unit = compile::library();
    let mut text = String::new();
    for kind in &unit.kinds {
        text += &format!("{}\n", kind.name);
        for line in &kind.doc {
            text += &format!("    {line}\n");
        }
        let yes = |is| if is { "yes" } else { "no" };
        let parent = match kind.parent {
            Parent::Given => "none, unless it is given one",
            Parent::None => "none ever",
            Parent::Always => "always, another if it is given one",
        };
        text += &format!("    bound:      {}\n", yes(kind.on_bus));
        text += &format!("    class:      {}\n", yes(kind.in_class));
        text += &format!("    parent:     {parent}\n");
        text += &format!("    halves:     {}\n", yes(kind.halves));
        text += &format!("    handles:    {}\n", yes(kind.handles));
        let references = expand::references_after_register(kind);
        text += &format!("    references: {references} after register\n");
        text += &format!("    C:          {}\n", c(kind));
    }
    print(&text)?;
    Ok(WELL)
}

fn c(kind: &Kind) -> &'static str {
    if kind.c.is_some() {
        "6.1 and later"
    } else {
        "none"
    }
}

pub(super) fn fixes() -> Done {
    let mut text = String::new();
    for fix in Fix::ALL {
        text += &format!("{} (\"{}\")\n", fix.commit(), fix.title());
        text += &format!(
            "    mainline: {}; stable kernels may have a backport\n",
            fix.since()
        );
    }
    print(&text)?;
    Ok(WELL)
}
