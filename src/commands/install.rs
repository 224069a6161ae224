//! `devres-gen install` and `uninstall`

use super::{BAD_INPUT, Done, NOT_WELL, WELL, fail, left_out, load_or_report, print, report};
use crate::cli::{Install, Uninstall};
use devres_gen::emit::Options;
use devres_gen::{compile, install, verify};

pub(super) fn install(args: &Install) -> Done {
    let unit = load_or_report(&args.paths, &args.select.selection())?;
    let known = verify::known(&args.tree).or_else(|why| fail(&why, BAD_INPUT))?;
    let options = Options {
        target: known.target,
        without: known.model.lacks().collect(),
        broken: args.broken.into(),
        trace: args.trace,
        faults: false,
        bulk: None,
        upstream: false,
        selection: args.select.selection(),
    };
    left_out(&unit, options.target);
    let files = compile::compile(&unit, &options).map_err(|diagnostics| {
        report(&diagnostics, &unit.sources);
        BAD_INPUT
    })?;
    install::tests_of(&args.tree).or_else(|why| fail(&why, BAD_INPUT))?;
    let done = install::install(&args.tree, &files).or_else(|why| fail(&why, NOT_WELL))?;
    print(&format!(
        "{}: Linux {} {}: {} files written, {} unchanged, {} removed\n\
         now: tools/testing/kunit/kunit.py run --kunitconfig=drivers/base/test/devres\n",
        args.tree.display(),
        known.target,
        known.model,
        done.written,
        done.unchanged,
        done.removed
    ))?;
    Ok(WELL)
}

pub(super) fn uninstall(args: &Uninstall) -> Done {
    install::tests_of(&args.tree).or_else(|why| fail(&why, BAD_INPUT))?;
    let done = install::uninstall(&args.tree).or_else(|why| fail(&why, NOT_WELL))?;
    print(&format!(
        "{}: {} files written, {} removed\n",
        args.tree.display(),
        done.written,
        done.removed
    ))?;
    Ok(WELL)
}
