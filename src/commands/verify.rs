//! `devres-gen verify`

use std::fs;
use std::path::Path;
use std::time::Instant;

use super::{BAD_INPUT, Done, NOT_WELL, WELL, fail, fail_with, load_or_report, print, say};
use crate::cli::{Broken, ReportFormat, Verify as Args};
use devres_gen::emit::Options;
use devres_gen::give_up::give_up;
use devres_gen::ir::Unit;
use devres_gen::ktap::Status;
use devres_gen::negate::negate;
use devres_gen::verify::bulk::{self, Bulk};
use devres_gen::verify::compare::{Comparison, Judged};
use devres_gen::verify::{self, Request, Setup, report};

pub(super) fn verify(args: &Args) -> Done {
    if let (Some(programs), Some(tree)) = (args.explore, &args.tree) {
        return in_bulk(args, tree, programs);
    }
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
                .or_else(|why| fail(&format!("`{}`: {why}", log.display()), BAD_INPUT))?
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
    verify::known(tree).or_else(|why| fail(&why, BAD_INPUT))?;
    let progress = |what: &str| say(&format!("verify: {what}"));
    let request = Request {
        tree,
        setup: setup(args),
        witness: args.witness,
        keep_log: args.log.as_deref(),
    };
    verify::verify(unit, &request, options, &progress).or_else(|why| fail_with(why, unit, NOT_WELL))
}

/// Programs by the million instead of scenarios.
fn in_bulk(args: &Args, tree: &Path, programs: usize) -> Done {
    let (unit, kinds) = super::explore::unit(&args.paths, &args.bricks, &args.on)?;
    verify::known(tree).or_else(|why| fail(&why, BAD_INPUT))?;
    let asked = Bulk {
        kinds: &kinds,
        programs,
        seed: args.seed,
        keep_log: args.log.as_deref(),
    };
    let progress = |what: &str| say(&format!("verify: {what}"));
    let started = Instant::now();
    let answered = bulk::verify(&unit, tree, &setup(args), asked, &progress)
        .or_else(|why| fail_with(why, &unit, NOT_WELL))?;
    let mut text = String::new();
    for (name, programs, all_up_to) in &answered.by_kind {
        text += &format!("{programs:>8} {name}, all of {all_up_to} statements among them\n");
    }
    for differs in &answered.differ {
        text += &format!("differs: {}\n", differs.of);
        for line in &differs.program {
            text += &format!("    {line}\n");
        }
    }
    for hangs in &answered.hangs {
        text += &format!("differs: the kernel does not come back from {}\n", hangs.of);
        for line in &hangs.program {
            text += &format!("    {line}\n");
        }
    }
    for alarm in &answered.alarms {
        text += &format!("differs: the kernel complains: {alarm}\n");
    }
    if answered.once > 0 {
        text += &format!(
            "{} batches differed once, and not when asked again\n",
            answered.once
        );
    }
    text += &format!(
        "{} programs on Linux {}, {} operations; {} differences; {} s\n",
        answered.programs,
        answered.kernel.as_deref().unwrap_or("?"),
        answered.operations,
        answered.differ.len() + answered.hangs.len() + answered.alarms.len(),
        started.elapsed().as_secs()
    );
    print(&text)?;
    let agree =
        answered.differ.is_empty() && answered.hangs.is_empty() && answered.alarms.is_empty();
    Ok(if agree { WELL } else { NOT_WELL.into() })
}

fn setup(args: &Args) -> Setup {
    let arch = args.setup.arch.clone().filter(|arch| arch != "um");
    Setup {
        arch,
        kconfig_add: args.setup.kconfig_add.clone(),
        build_dir: args.setup.build_dir.clone(),
    }
}

fn human(comparison: &Comparison) -> String {
    let mut text = String::new();
    for judged in &comparison.cases {
        let Judged {
            case, status, why, ..
        } = judged;
        let why = why.as_ref().map(|why| format!(": {why}"));
        let why = why.unwrap_or_default();
        text += &format!("{:<6} {case}{why}\n", report::word(*status));
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
    let compared = comparison.agreed() > 0;
    if !compared && !comparison.explanations.is_empty() {
        text += "the log has no traces (compile --trace): only results were compared\n";
    }
    for model in &comparison.explanations {
        if *model != comparison.model || comparison.differences.is_empty() {
            let what = if compared {
                "print exactly this"
            } else {
                "have these results"
            };
            text += &format!("a kernel {model} would {what}\n");
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
