//! `devres-gen compile`

use super::{BAD_INPUT, Done, NOT_WELL, WELL, fail, load_or_report, report};
use crate::cli::Compile;
use devres_gen::{compile, output};

pub(super) fn compile(args: &Compile) -> Done {
    let unit = load_or_report(&args.paths)?;
    let options = args.kernel.options(&args.emit, args.broken, args.trace);
    let files = compile::compile(&unit, &options).map_err(|diagnostics| {
        report(&diagnostics, &unit.sources);
        BAD_INPUT
    })?;
    if args.check {
        let differences = output::check(&args.out, &files).or_else(|why| fail(&why, NOT_WELL))?;
        if differences.is_empty() {
            println!("{}: up to date", args.out.display());
            return Ok(WELL);
        }
        differences
            .iter()
            .for_each(|difference| print!("{difference}"));
        let count = differences.len();
        return fail(
            &format!(
                "{count} files below `{}` are out of date; `compile` without --check mends them",
                args.out.display()
            ),
            NOT_WELL,
        );
    }
    let done = output::write(&args.out, &files).or_else(|why| fail(&why, NOT_WELL))?;
    println!(
        "{}: {} files written, {} unchanged, {} removed",
        args.out.display(),
        done.written,
        done.unchanged,
        done.removed
    );
    Ok(WELL)
}
