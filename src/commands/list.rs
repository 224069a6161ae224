//! `devres-gen explain`, `kinds` and `fixes`: what there is, without any input.

use super::{BAD_INPUT, Done, WELL, fail, print};
use crate::cli::{Explain, Kinds, KindsFormat};
use devres_gen::codes::Code;
use devres_gen::compile;
use devres_gen::diagnostic::nearest;
use devres_gen::kinds;
use devres_gen::reference;
use devres_gen::sim::{Fix, Handles};
use devres_gen::syntax::words::{self, OPERATIONS};

pub(super) fn explain(args: &Explain) -> Done {
    let what = args.what.trim_end_matches("()");
    if what.is_empty() {
        return fail(
            "an empty word says nothing; `explain words` lists the operations",
            BAD_INPUT,
        );
    }
    if let Some(code) = Code::from_name(what) {
        print(&format!("{}\n", code.explanation().trim_end()))?;
        return Ok(WELL);
    }
    if what == "words" {
        let forms = OPERATIONS.iter().flat_map(|(_, forms)| *forms);
        print(&forms.map(|form| format!("{form}\n")).collect::<String>())?;
        return Ok(WELL);
    }
    let here = words::here(what);
    if let Some(here) = here {
        print(&format!("`{what}` is `{here}` here.\n\n"))?;
    }
    let what = here.or_else(|| words::with_phrase(what)).unwrap_or(what);
    let said = reference::of(what);
    if !said.is_empty() {
        let forms = words::forms(what).unwrap_or_default();
        print(
            &forms
                .iter()
                .map(|form| format!("{form}\n"))
                .collect::<String>(),
        )?;
        if !forms.is_empty() {
            print("\n")?;
        }
        print(&format!("{}\n", said.join("\n")))?;
        return Ok(WELL);
    }
    if let Some(why) = words::not_here(what) {
        print(&format!("`{what}`: {why}.\n"))?;
        return Ok(WELL);
    }
    let codes = Code::ALL.iter().map(|code| code.as_str());
    let words = OPERATIONS.iter().map(|(word, _)| *word);
    let near = nearest(&what.to_ascii_uppercase(), codes).or_else(|| nearest(what, words));
    let hint = near.map_or(
        "`explain words` lists the operations, docs/errors.md the codes".to_owned(),
        |near| format!("did you mean {near}?"),
    );
    fail(
        &format!("there is no code and no word `{what}`; {hint}"),
        BAD_INPUT,
    )
}

/// Each kind with what the simulator derives for it and what C makes it.
pub(super) fn kinds(args: &Kinds) -> Done {
    let unit = compile::library();
    if args.format == KindsFormat::Markdown {
        print(&kinds::page(&unit))?;
        return Ok(WELL);
    }
    let mut text = String::new();
    for kind in &unit.kinds {
        text += &format!("{}\n", kind.name);
        for line in &kind.doc {
            text += &format!("    {line}\n");
        }
        let yes = |is| if is { "yes" } else { "no" };
        text += &format!("    bound:      {}\n", kinds::bound(kind));
        text += &format!("    class:      {}\n", yes(kind.in_class));
        text += &format!("    parent:     {}\n", kinds::parent(kind));
        text += &format!("    halves:     {}\n", yes(kind.halves));
        text += &format!("    handles:    {}\n", yes(kind.handles != Handles::None));
        text += &format!("    waits:      {}\n", yes(kind.waits));
        let counts = kinds::counts(kind);
        for count in counts
            .iter()
            .filter(|count| count.step == kinds::REGISTERED)
        {
            let references = count.refs.unwrap_or_default();
            text += &format!(
                "    references: {references} {}\n",
                kinds::REGISTERED.replace('`', "")
            );
        }
        let needs = kind.needs.iter().chain(&kind.selects).cloned();
        let unset = kind.unset.iter().map(|need| format!("not {need}"));
        let needs: Vec<String> = needs.chain(unset).collect();
        if !needs.is_empty() {
            text += &format!("    needs:      {}\n", needs.join(", "));
        }
        text += &format!("    C:          {}\n", kinds::versions(kind));
    }
    print(&text)?;
    Ok(WELL)
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
