//! `devres-gen verify`

use std::fs;
use std::path::Path;

use super::{BAD_INPUT, Done, NOT_WELL, WELL, fail, fail_with, load_or_report, print, say};
use crate::cli::{Broken, ReportFormat, Verify as Args};
use devres_gen::emit::Options;
use devres_gen::give_up::give_up;
use devres_gen::ir::Unit;
use devres_gen::ktap::Status;
use devres_gen::negate::negate;
use devres_gen::verify::compare::{Comparison, Judged};
use devres_gen::verify::{self, Request, Setup, report};

pub(super) fn verify(args: &Args) -> Done {
    let mut unit = load_or_report(&args.paths, &args.select.selection())?;
    if args.give_up {
        unit = give_up(&unit);
    }
    // What is negated is what the scenario says of the kernel at hand.
    let broken = if args.negate {
        unit = negate(&unit);
        Broken::Expect
    } else {
        args.broken
    };
    let target = args.emit.target;
    let options = Options {
        faults: args.emit.faults,
        ..args
            .kernel
            .options(target, &args.select, broken, !args.plain)
    };
    let comparison = match (&args.tree, &args.ktap) {
        (Some(tree), _) => on_tree(&unit, tree, &options, args)?,
        (None, Some(log)) => {
            let text = fs::read(log).or_else(|why| {
                fail(
                    &format!("cannot read `{}`: {why}", log.display()),
                    BAD_INPUT,
                )
            })?;
            let text = String::from_utf8_lossy(&text);
            verify::verify_log(&unit, &text, &options, args.model)
        }
        (None, None) => return fail("neither a tree nor a log to verify", BAD_INPUT),
    };
    print(&match args.format {
        ReportFormat::Human => human(&comparison),
        ReportFormat::Json => format!("{:#}\n", report::json(&comparison)),
        ReportFormat::Junit => report::junit(&comparison),
    })?;
    // What is skipped announces a fault, behind which nothing is judged.
    let ended = [Some(Status::Failed), Some(Status::Skipped)];
    let alive = comparison
        .cases
        .iter()
        .filter(|judged| !ended.contains(&judged.status));
    let survivors: Vec<&str> = alive.map(|judged| judged.case.as_str()).collect();
    if args.negate && !survivors.is_empty() {
        return fail(
            &format!(
                "negated, and yet these do not fail: {}",
                survivors.join(", ")
            ),
            NOT_WELL,
        );
    }
    if comparison.differences.is_empty() {
        Ok(WELL)
    } else {
        Ok(NOT_WELL.into())
    }
}

fn on_tree(unit: &Unit, tree: &Path, options: &Options, args: &Args) -> Result<Comparison, u8> {
    let progress = |what: &str| say(&format!("verify: {what}"));
    let arch = args.setup.arch.clone().filter(|arch| arch != "um");
    let request = Request {
        tree,
        setup: Setup {
            arch,
            kconfig_add: args.setup.kconfig_add.clone(),
            build_dir: args.setup.build_dir.clone(),
        },
        witness: args.witness,
        keep_log: args.log.as_deref(),
    };
    verify::verify(unit, &request, options, &progress).or_else(|why| fail_with(why, unit, NOT_WELL))
}

fn human(comparison: &Comparison) -> String {
    let mut text = String::new();
    for Judged { case, status, .. } in &comparison.cases {
        text += &format!("{:<6} {case}\n", report::word(*status));
    }
    for difference in &comparison.differences {
        text += &format!("differs: {}: {}\n", difference.case, difference.what);
    }
    let count = |wanted| {
        comparison
            .cases
            .iter()
            .filter(|judged| judged.status == Some(wanted))
            .count()
    };
    for model in &comparison.explanations {
        if *model != comparison.model || comparison.differences.is_empty() {
            text += &format!("a kernel {model} would print exactly this\n");
        }
    }
    text += &format!(
        "{} cases on the kernel: {} ok, {} not ok, {} skipped; {} operations and events compared, {} differences\n",
        comparison.cases.len(),
        count(Status::Passed),
        count(Status::Failed),
        count(Status::Skipped),
        comparison.agreed(),
        comparison.differences.len()
    );
    text
}
