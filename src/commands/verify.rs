//! `devres-gen verify`

use super::{BAD_INPUT, Done, NOT_WELL, WELL, fail, load_or_report, print, report, say};
use crate::cli::{Broken, Verify as Args};
use devres_gen::emit::TARGET;
use devres_gen::ktap::Status;
use devres_gen::negate::negate;
use devres_gen::verify::compare::Comparison;
use devres_gen::verify::{self, Error};

pub(super) fn verify(args: &Args) -> Done {
    let mut unit = load_or_report(&args.paths, &args.select.selection())?;
    if args.negate {
        if !args.kernel.without.is_empty() && args.broken != Broken::Expect {
            return fail(
                "--negate on a kernel without a fix needs `--broken expect`: what is negated is \
                 what the scenario says of that kernel",
                BAD_INPUT,
            );
        }
        unit = negate(&unit);
    }
    let options = args
        .kernel
        .options(TARGET, &args.select, args.broken, !args.plain);
    let progress = |what: &str| say(&format!("verify: {what}"));
    let comparison = match verify::verify(&unit, &args.tree, &options, &progress) {
        Ok(comparison) => comparison,
        Err(Error::Source(diagnostics)) => {
            report(&diagnostics, &unit.sources);
            return Err(BAD_INPUT);
        }
        Err(Error::Kernel(why)) => return fail(&why, NOT_WELL),
    };
    print(&describe(&comparison))?;
    let alive = comparison
        .cases
        .iter()
        .filter(|(_, status)| *status != Some(Status::Failed));
    let survivors: Vec<&str> = alive.map(|(case, _)| case.as_str()).collect();
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

fn describe(comparison: &Comparison) -> String {
    let mut text = String::new();
    for (case, status) in &comparison.cases {
        let word = match status {
            Some(Status::Passed) => "ok",
            Some(Status::Failed) => "not ok",
            Some(Status::Skipped) => "skip",
            None => "lost",
        };
        text += &format!("{word:<6} {case}\n");
    }
    for difference in &comparison.differences {
        text += &format!("differs: {}: {}\n", difference.case, difference.what);
    }
    let count = |wanted| {
        comparison
            .cases
            .iter()
            .filter(|(_, status)| *status == Some(wanted))
            .count()
    };
    for model in &comparison.explanations {
        text += &format!("a kernel {model} would print exactly this\n");
    }
    text += &format!(
        "{} cases on the kernel: {} ok, {} not ok, {} skipped; {} operations and events compared, {} differences\n",
        comparison.cases.len(),
        count(Status::Passed),
        count(Status::Failed),
        count(Status::Skipped),
        comparison.agreed,
        comparison.differences.len()
    );
    text
}
