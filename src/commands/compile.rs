//! `devres-gen compile`

use super::{BAD_INPUT, Done, NOT_WELL, WELL, fail, load_or_report, print, report};
use crate::cli::Compile;
use devres_gen::{compile, output};

pub(super) fn compile(args: &Compile) -> Done {
    let unit = load_or_report(&args.paths, &args.select.selection())?;
    let options = args
        .kernel
        .options(args.emit.target, &args.select, args.broken, args.trace);
    let files = compile::compile(&unit, &options).map_err(|diagnostics| {
        report(&diagnostics, &unit.sources);
        BAD_INPUT
    })?;
    if args.check {
        let differences = output::check(&args.out, &files).or_else(|why| fail(&why, NOT_WELL))?;
        if differences.is_empty() {
            print(&format!("{}: up to date\n", args.out.display()))?;
            return Ok(WELL);
        }
        print(&differences.concat())?;
        let why = format!(
            "{} files below `{}` are out of date; `compile` without --check mends them",
            differences.len(),
            args.out.display()
        );
        return fail(&why, NOT_WELL);
    }
    let done = output::write(&args.out, &files).or_else(|why| fail(&why, NOT_WELL))?;
    print(&format!(
        "{}: {} files written, {} unchanged, {} removed\n",
        args.out.display(),
        done.written,
        done.unchanged,
        done.removed
    ))?;
    Ok(WELL)
}
