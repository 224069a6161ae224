//! `devres-gen compile`

use std::fs;
use std::path::Path;

use super::{
    BAD_INPUT, Done, NOT_WELL, WELL, fail, fail_with, left_out, load_or_report, print, report, say,
};
use crate::cli::Compile;
use devres_gen::emit::{self, Options, OutputFile};
use devres_gen::ir::{Linux, Unit};
use devres_gen::series::{self, Author};
use devres_gen::sim::Fix;
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
    if options.target != emit::TARGET {
        say_backports(&unit, &options);
    }
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
    if !args.prune {
        let others = of_others(args, &unit, out, &files).or_else(|why| fail(&why, NOT_WELL))?;
        if !others.is_empty() {
            let why = format!(
                "`{}` has what was generated from other scenarios than these: {}\n  \
                 help: `--out DIR` writes to another folder; name all scenarios to keep both; \
                 `--prune` removes what is not generated now",
                out.display(),
                several(&others)
            );
            return fail(&why, BAD_INPUT);
        }
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

/// Says on what of its kernel the C relies that is newer than its version: who asks for one by name
/// has a tree that may not have it.
fn say_backports(unit: &Unit, options: &Options) {
    let scenarios = unit.suites.iter().flat_map(|suite| &suite.scenarios);
    let expectations = scenarios.flat_map(|scenario| scenario.expectations());
    let named: Vec<Fix> = expectations
        .flat_map(|expectation| expectation.deviations.iter().map(|deviation| deviation.fix))
        .collect();
    for fix in Fix::ALL.into_iter().filter(|fix| named.contains(fix)) {
        let newer = Linux::parse(fix.since()).is_some_and(|since| since > options.target);
        if newer && options.model().has(fix) {
            say(&format!(
                "note: Linux {} has {fix} as a backport, if at all (mainline: {}); where it is not, say \
                 `--without {fix}`",
                options.target,
                fix.since()
            ));
        }
    }
}

/// The scenario files of which suites would be removed, though they may still be there: they were
/// not looked for, or not all of them is wanted.
fn of_others(
    args: &Compile,
    unit: &Unit,
    out: &Path,
    files: &[OutputFile],
) -> Result<Vec<String>, String> {
    let folders: Vec<String> = args
        .paths
        .iter()
        .filter_map(|path| path.canonicalize().ok().filter(|path| path.is_dir()))
        .filter_map(|path| Some(format!("{}/", path.file_name()?.to_string_lossy())))
        .collect();
    let is_part = !(args.select.only.is_empty() && args.select.skip.is_empty());
    let is_loaded = |name: &str| {
        let mut suites = unit.suites.iter();
        suites.any(|suite| unit.sources.get(suite.source).name == name)
    };
    let is_seen = |name: &String| {
        let looked_for = folders.iter().any(|folder| name.starts_with(folder));
        (looked_for || is_loaded(name)) && !is_part
    };
    let mut others = output::sources_of_stale(out, files)?;
    others.retain(|name| !is_seen(name));
    Ok(others.into_iter().collect())
}

/// The first of them, and how many more there are.
fn several(names: &[String]) -> String {
    const SHOWN: usize = 3;
    let shown = names[..names.len().min(SHOWN)].join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
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
