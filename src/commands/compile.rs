//! `devres-gen compile`

use std::fs;
use std::path::Path;

use super::{
    BAD_INPUT, Done, NOT_WELL, WELL, fail, fail_with, left_out, load_or_report, print, report,
};
use crate::cli::Compile;
use devres_gen::emit::Options;
use devres_gen::ir::Unit;
use devres_gen::series::{self, Author};
use devres_gen::{compile, output, verify};

pub(super) fn compile(args: &Compile) -> Done {
    let unit = load_or_report(&args.paths, &args.select.selection())?;
    let options = Options {
        faults: args.emit.faults,
        ..args
            .kernel
            .options(args.emit.target, &args.select, args.broken, args.trace)
    };
    if let Some(tree) = &args.for_upstream {
        return for_upstream(args, tree, &unit);
    }
    let out = args.out.as_deref().unwrap_or(Path::new("generated"));
    left_out(&unit, options.target);
    let files = compile::compile(&unit, &options).map_err(|diagnostics| {
        report(&diagnostics, &unit.sources);
        BAD_INPUT
    })?;
    if args.check {
        let differences = output::check(out, &files).or_else(|why| fail(&why, NOT_WELL))?;
        if differences.is_empty() {
            print(&format!("{}: up to date\n", out.display()))?;
            return Ok(WELL);
        }
        print(&differences.concat())?;
        let why = format!(
            "{} files below `{}` are out of date; `compile` without --check mends them",
            differences.len(),
            out.display()
        );
        return fail(&why, NOT_WELL);
    }
    let done = output::write(out, &files).or_else(|why| fail(&why, NOT_WELL))?;
    print(&format!(
        "{}: {} files written, {} unchanged, {} removed\n",
        out.display(),
        done.written,
        done.unchanged,
        done.removed
    ))?;
    Ok(WELL)
}

/// What the tree lacks it says itself; what else the user says is on the way.
fn for_upstream(args: &Compile, tree: &Path, unit: &Unit) -> Done {
    let known = verify::known(tree).or_else(|why| fail(&why, BAD_INPUT))?;
    let mut options = args
        .kernel
        .options(known.target, &args.select, args.broken, false);
    options.without.extend(known.model.lacks());
    options.without.sort_unstable();
    options.without.dedup();
    let author = Author {
        address: args.author.clone().unwrap_or_default(),
        signs_off: args.signoff,
    };
    let mut reports = Vec::new();
    for path in &args.tested {
        let name = path.display().to_string();
        let text = fs::read(path)
            .or_else(|why| fail(&format!("cannot read `{name}`: {why}"), BAD_INPUT))?;
        let report = serde_json::from_slice(&text)
            .or_else(|why| fail(&format!("`{name}` is no JSON: {why}"), BAD_INPUT))?;
        reports.push((name, report));
    }
    left_out(unit, options.target);
    let files = series::series(unit, tree, &options, &author, &reports)
        .or_else(|why| fail_with(why, unit, BAD_INPUT))?;
    let out = args.out.as_deref().unwrap_or(Path::new("series"));
    series::write(out, &files).or_else(|why| fail(&why, NOT_WELL))?;
    for file in &files {
        print(&format!("{}\n", out.join(&file.path).display()))?;
    }
    Ok(WELL)
}
