//! `devres-gen explore`

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::cover::cover;
use super::{BAD_INPUT, Done, NOT_WELL, WELL, fail, print, report, say};
use crate::cli::{Explorations, Explore as Args, Merge};
use devres_gen::compile::bricks;
use devres_gen::diagnostic::has_errors;
use devres_gen::explore::{
    self, Asked, Checkpoint, Covered, Explored, FOUND, Finding, Limits, Progress, Question,
    all_kinds, scenarios,
};
use devres_gen::ir::{KindUse, Unit};
use devres_gen::output;
use devres_gen::sim::{Fix, Model};

/// How long a search may say nothing.
const TELL_EVERY: Duration = Duration::from_secs(2);

/// Points of a search, if nothing is said.
const POINTS: usize = 2_000_000;

/// Whether somebody wants it to stop.
static STOP: AtomicBool = AtomicBool::new(false);

pub(super) fn explore(args: &Args) -> Done {
    if let Some(Explorations::Merge(args)) = &args.command {
        return merge(args);
    }
    free_to_write(args.write.as_deref())?;
    let (unit, kinds) = unit(&args.paths, &args.bricks, &args.on)?;
    let room = args
        .memory
        .map(|mib| Limits::points_in(mib.saturating_mul(1 << 20)));
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let limits = Limits {
        depth: args.depth,
        points: room
            .or(args.points)
            .unwrap_or(POINTS)
            .clamp(1, u32::MAX as usize),
        threads: args.threads.unwrap_or(processors).max(1),
        wanted: 0,
    };
    stop_when_told()?;
    let until = args
        .time
        .and_then(|time| Instant::now().checked_add(Duration::from_secs(time)));
    let go_on = || {
        let in_time = until.is_none_or(|until| Instant::now() < until);
        in_time && !STOP.load(Ordering::Relaxed)
    };
    let question = Question {
        unit: &unit,
        kinds: &kinds,
        models: [args.model],
        limits,
        reduced: !args.full,
    };
    if let Some(paths) = &args.cover {
        return cover(paths, &question, args.write.as_deref(), &go_on);
    }
    let models = args.diff.clone().unwrap_or_else(|| vec![args.model]);
    let asked = asked(args, &models, question.digest());
    let checkpoint = match &args.checkpoint {
        Some(folder) => match Checkpoint::open(folder, &asked) {
            Ok(checkpoint) => Some(checkpoint),
            Err(why) => return fail(&why, BAD_INPUT),
        },
        None => None,
    };
    if question.is_empty() {
        let why = "none of these bricks can be built from on any of these kinds";
        return fail(why, BAD_INPUT);
    }
    let mut told = Instant::now();
    let mut progress = |progress: &Progress<'_>| {
        if progress.done || told.elapsed() >= TELL_EVERY {
            told = Instant::now();
            say(&format!(
                "explore: {}: {}; {} findings",
                progress.name,
                how_far(progress.covered),
                progress.findings
            ));
        }
        go_on()
    };
    let (shard, kept, go_on) = (args.shard, checkpoint.as_ref(), &mut progress);
    let explored = match models[..] {
        [one, other] => question.of([one, other]).explore(shard, kept, go_on),
        _ => question.explore(shard, kept, go_on),
    };
    let explored = explored.or_else(|why| fail(&why, NOT_WELL))?;
    tell(&unit, explored, &models, args.write.as_deref())?;
    Ok(match STOP.load(Ordering::Relaxed) {
        true => ExitCode::from(NOT_WELL),
        false => WELL,
    })
}

/// What explorations have come to together, by their checkpoints.
fn merge(args: &Merge) -> Done {
    free_to_write(args.write.as_deref())?;
    let mut asked: Option<Asked> = None;
    for folder in &args.checkpoints {
        match Checkpoint::asked(folder) {
            Err(why) => return fail(&why, BAD_INPUT),
            Ok(None) => {
                let why = format!("`{}` is no checkpoint of an exploration", folder.display());
                return fail(&why, BAD_INPUT);
            }
            Ok(Some(new)) if asked.as_ref().is_some_and(|known| *known != new) => {
                let why = format!(
                    "`{}` and `{}` hold what different questions came to",
                    args.checkpoints[0].display(),
                    folder.display()
                );
                return fail(&why, BAD_INPUT);
            }
            Ok(new) => asked = new,
        }
    }
    let Some(mut asked) = asked else {
        return fail("there is nothing to join", BAD_INPUT);
    };
    let (unit, kinds) = unit(&asked.paths, &asked.bricks, &asked.on)?;
    let models = asked.models().unwrap_or_default();
    let question = Question {
        unit: &unit,
        kinds: &kinds,
        models: [Model::ALL],
        limits: Limits {
            depth: asked.depth,
            points: POINTS,
            threads: 1,
            wanted: 0,
        },
        reduced: !asked.full,
    };
    asked.version = version();
    asked.digest = question.digest();
    let open = |folder: &PathBuf| Checkpoint::open(folder, &asked);
    let checkpoints: Result<Vec<Checkpoint>, String> = args.checkpoints.iter().map(open).collect();
    let checkpoints = checkpoints.or_else(|_| {
        fail(
            "this is another devres-gen, or it has other kinds, than the checkpoints are of",
            BAD_INPUT,
        )
    })?;
    let checkpoints: Vec<&Checkpoint> = checkpoints.iter().collect();
    let explored = match models[..] {
        [one, other] => question.of([one, other]).merge(&checkpoints),
        [one] => question.of([one]).merge(&checkpoints),
        _ => Err("the checkpoints are of kernels that are not known here".to_owned()),
    };
    let explored = explored.or_else(|why| fail(&why, BAD_INPUT))?;
    let missing = explored.missing.clone();
    tell(&unit, explored, &models, args.write.as_deref())?;
    if missing.is_empty() {
        return Ok(WELL);
    }
    fail(
        &format!("nobody has searched {}", missing.join(", ")),
        NOT_WELL,
    )
}

fn asked(args: &Args, models: &[Model], digest: String) -> Asked {
    let lacks = |model: &Model| model.lacks().map(|fix| fix.commit().to_owned()).collect();
    Asked {
        version: version(),
        lacks: models.iter().map(lacks).collect(),
        depth: args.depth,
        full: args.full,
        on: args.on.clone(),
        bricks: args.bricks.clone(),
        paths: args.paths.clone(),
        digest,
    }
}

fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

/// Stops at the next good place when interrupted; at once when interrupted again.
fn stop_when_told() -> Result<(), u8> {
    let told = || {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        say("explore: stopping; once more to stop at once");
    };
    ctrlc::set_handler(told).or_else(|why| fail(&why.to_string(), NOT_WELL))
}

/// The bricks and the kinds that are asked about.
pub(super) fn unit(
    paths: &[PathBuf],
    names: &[String],
    on: &[String],
) -> Result<(Unit, Vec<KindUse>), u8> {
    let front = bricks(paths);
    report(&front.diagnostics, &front.unit.sources);
    if has_errors(&front.diagnostics) {
        return Err(BAD_INPUT);
    }
    let mut unit = front.unit;
    if !names.is_empty() {
        keep_bricks(&mut unit, names)?;
    }
    let kinds = kinds(&unit, on)?;
    Ok((unit, kinds))
}

fn tell(
    unit: &Unit,
    mut explored: Explored,
    models: &[Model],
    file: Option<&Path>,
) -> Result<(), u8> {
    if let [one, other] = *models {
        name_the_fix(unit, &mut explored, one, other);
    }
    print(&text(unit, &explored))?;
    write(file, unit, &explored.findings)
}

/// Findings as people read them.
pub(super) fn told(unit: &Unit, findings: &[Finding]) -> String {
    let told = findings.iter().map(|finding| {
        let kinds = finding.kinds.join(", ");
        let program = explore::text_of(unit, finding);
        format!("{}\n    on {kinds}\n{program}\n", finding.cause)
    });
    told.collect()
}

fn for_faults(path: &Path) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}_faults.devres"))
}

/// Whether what stands in the place of the files may go. Asked before a search that may take long.
fn free_to_write(file: Option<&Path>) -> Result<(), u8> {
    let Some(path) = file else {
        return Ok(());
    };
    for path in [path.to_owned(), for_faults(path)] {
        let found = |text: Vec<u8>| text.starts_with(FOUND.as_bytes());
        if path.exists() && !std::fs::read(&path).is_ok_and(found) {
            let why = format!(
                "`{}` is in the way: explore did not write it",
                path.display()
            );
            return fail(&why, BAD_INPUT);
        }
    }
    Ok(())
}

/// Writes findings as scenarios. Those that run into a fault get a file of their own, since who
/// compiles that is told so, and of nothing else.
pub(super) fn write(file: Option<&Path>, unit: &Unit, findings: &[Finding]) -> Result<(), u8> {
    let Some(path) = file else {
        return Ok(());
    };
    if findings.is_empty() {
        say(&format!(
            "explore: nothing was found, and {} is not written",
            path.display()
        ));
        return Ok(());
    }
    let is_fault =
        |finding: &&Finding| matches!(finding.shown.broken, Some(explore::Broken::Fault(_)));
    let (faults, others): (Vec<&Finding>, Vec<&Finding>) = findings.iter().partition(is_fault);
    let of_faults = for_faults(path);
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    for (path, name, findings) in [
        (path, "found", others),
        (&of_faults, "found_faults", faults),
    ] {
        if findings.is_empty() {
            continue;
        }
        let text = scenarios(unit, name, &findings, folder);
        output::replace(path, &text)
            .or_else(|why| fail(&format!("`{}`: {why}", path.display()), NOT_WELL))?;
        say(&format!("explore: {} written", path.display()));
    }
    Ok(())
}

fn keep_bricks(unit: &mut Unit, names: &[String]) -> Result<(), u8> {
    let known: Vec<String> = unit
        .suites
        .iter()
        .flat_map(|suite| &suite.scenarios)
        .map(|scenario| scenario.name.clone())
        .collect();
    if let Some(name) = names.iter().find(|name| !known.contains(name)) {
        let why = format!(
            "no bricks are called `{name}`; there are {}",
            known.join(", ")
        );
        return fail(&why, BAD_INPUT);
    }
    for suite in &mut unit.suites {
        suite
            .scenarios
            .retain(|scenario| names.contains(&scenario.name));
    }
    Ok(())
}

fn kinds(unit: &Unit, on: &[String]) -> Result<Vec<KindUse>, u8> {
    let all = all_kinds(unit);
    if on.is_empty() {
        return Ok(all);
    }
    on.iter()
        .map(|name| {
            let label = name.split_whitespace().collect::<Vec<_>>().join("_");
            let found = all.iter().find(|used| used.label(unit) == label);
            found.copied().map_or_else(
                || {
                    let all: Vec<String> = all.iter().map(|used| used.spelled(unit)).collect();
                    let all = all.join(", ");
                    let why = format!("there is no kind `{name}` to try; there are {all}");
                    fail(&why, BAD_INPUT)
                },
                Ok,
            )
        })
        .collect()
}

fn how_far(covered: &Covered) -> String {
    let [from, to] = covered.level;
    let cut = match (covered.cut, covered.tried - from) {
        (false, 0) => String::new(),
        (false, tried) => format!(
            " and {:.0}% of one more",
            100.0 * tried as f64 / (to - from) as f64
        ),
        (true, 0) => " (cut short)".to_owned(),
        (true, tried) => format!(
            " and {:.0}% of one more (cut short)",
            100.0 * tried as f64 / (to - from) as f64
        ),
    };
    format!(
        "{} statements{cut}, {} points, {} transitions, {:.2} s, {:.0} a second",
        covered.depth,
        covered.points,
        covered.transitions,
        covered.took.as_secs_f64(),
        covered.rate()
    )
}

/// Where two kernels differ by one fix, and the contract breaks without it, a finding can say
/// so as an expectation.
fn name_the_fix(unit: &Unit, explored: &mut Explored, one: Model, other: Model) {
    let differ: Vec<Fix> = Fix::ALL
        .into_iter()
        .filter(|&fix| one.has(fix) != other.has(fix))
        .collect();
    let [fix] = differ[..] else { return };
    for finding in &mut explored.findings {
        let ops = &finding.shown.ops;
        let on = |model| explore::replay(unit, &finding.bricks, [model], ops);
        let without = Model::ALL.without(fix);
        if let (None, Some(shown)) = (on(Model::ALL), on(without)) {
            finding.shown = shown;
            finding.without = Some(fix);
        }
    }
}

fn text(unit: &Unit, explored: &Explored) -> String {
    let mut text = told(unit, &explored.findings);
    let points: usize = explored
        .covered
        .iter()
        .map(|(_, covered)| covered.points)
        .sum();
    let transitions: u64 = explored
        .covered
        .iter()
        .map(|(_, covered)| covered.transitions)
        .sum();
    let most = explored
        .covered
        .iter()
        .map(|(_, covered)| covered.collision());
    let cut = explored
        .covered
        .iter()
        .filter(|(_, covered)| covered.cut)
        .count();
    let cut = match cut {
        0 => String::new(),
        cut => format!(", {cut} of them cut short"),
    };
    let missing = match explored.missing.len() {
        0 => String::new(),
        missing => format!(", {missing} more not begun"),
    };
    text += &format!(
        "{} findings; {points} points and {transitions} transitions in {} searches{cut}{missing}; \
         two points were taken for one with a probability of {:.0e}\n",
        explored.findings.len(),
        explored.covered.len(),
        most.sum::<f64>()
    );
    text
}
