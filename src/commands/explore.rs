//! `devres-gen explore`

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::{BAD_INPUT, Done, NOT_WELL, WELL, fail, load_or_report, print, report, say};
use crate::cli::Explore as Args;
use devres_gen::compile::bricks;
use devres_gen::diagnostic::has_errors;
use devres_gen::explore::{
    self, Covered, Explored, Finding, Limits, Question, all_kinds, cover, explore as search,
    scenarios,
};
use devres_gen::ir::{KindUse, Unit};
use devres_gen::select::Selection;
use devres_gen::sim::{Fix, Model, Point};

/// How long a search may say nothing.
const TELL_EVERY: Duration = Duration::from_secs(2);

pub(super) fn explore(args: &Args) -> Done {
    let front = bricks(&args.paths);
    if !front.diagnostics.is_empty() {
        report(&front.diagnostics, &front.unit.sources);
    }
    if has_errors(&front.diagnostics) {
        return Err(BAD_INPUT);
    }
    let mut unit = front.unit;
    if !args.bricks.is_empty() {
        keep_bricks(&mut unit, &args.bricks)?;
    }
    let kinds = kinds(&unit, &args.on)?;
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let limits = Limits {
        depth: args.depth,
        points: args.points.clamp(1, u32::MAX as usize),
        threads: args.threads.unwrap_or(processors).max(1),
        wanted: 0,
    };
    let until = args
        .time
        .map(|time| Instant::now() + Duration::from_secs(time));
    let go_on = || until.is_none_or(|until| Instant::now() < until);
    if let Some(paths) = &args.cover {
        return cover(paths, &unit, &kinds, &limits, args, &go_on);
    }
    let explored = match args.diff.as_deref() {
        Some(&[one, other]) => {
            let mut explored = ask(&unit, &kinds, [one, other], limits, args, &go_on);
            name_the_fix(&unit, &mut explored, one, other);
            explored
        }
        _ => ask(&unit, &kinds, [args.model], limits, args, &go_on),
    };
    print(&text(&unit, &explored))?;
    write(args, &unit, &explored.findings)?;
    Ok(WELL)
}

/// What a corpus does not reach, and how it could.
fn cover(
    paths: &[PathBuf],
    unit: &Unit,
    kinds: &[KindUse],
    limits: &Limits,
    args: &Args,
    go_on: &dyn Fn() -> bool,
) -> Done {
    let corpus = load_or_report(paths, &Selection::default())?;
    let reached = cover::reached(&corpus);
    let all = Point::ALL.iter().fold(0, |set, point| set | point.bit());
    let chosen = cover::cover(unit, kinds, limits, all & !reached, go_on);
    let mut text = String::new();
    for finding in &chosen {
        text += &format!("{}\n    on {}\n", finding.cause, finding.kinds.join(", "));
        text += &explore::text_of(unit, finding);
        text.push('\n');
    }
    let by_programs = chosen
        .iter()
        .fold(0, |set, finding| set | finding.shown.points);
    let nobody: Vec<Point> = cover::points(all & !reached & !by_programs).collect();
    for point in &nobody {
        text += &format!("nothing reaches {point:?}:{}\n", point.doc());
    }
    text += &format!(
        "{} of {} points are reached by the scenarios, {} more by {} programs\n",
        cover::points(reached).count(),
        Point::ALL.len(),
        cover::points(by_programs & !reached).count(),
        chosen.len()
    );
    print(&text)?;
    write(args, unit, &chosen)?;
    Ok(WELL)
}

fn write(args: &Args, unit: &Unit, findings: &[Finding]) -> Result<(), u8> {
    let Some(path) = &args.write else {
        return Ok(());
    };
    let text = scenarios(unit, "found", findings);
    std::fs::write(path, text)
        .or_else(|why| fail(&format!("`{}`: {why}", path.display()), NOT_WELL))
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
                || fail(&format!("there is no kind `{name}`"), BAD_INPUT),
                Ok,
            )
        })
        .collect()
}

fn ask<const N: usize>(
    unit: &Unit,
    kinds: &[KindUse],
    models: [Model; N],
    limits: Limits,
    args: &Args,
    go_on: &dyn Fn() -> bool,
) -> Explored {
    let question = Question {
        models,
        limits,
        reduced: !args.full,
    };
    let mut told = Instant::now();
    search(unit, kinds, &question, &mut |progress| {
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
    })
}

fn how_far(covered: &Covered) -> String {
    format!(
        "{} statements{}, {} points, {} transitions, {:.2} s, {:.0} a second",
        covered.depth,
        if covered.cut { " (cut short)" } else { "" },
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
    let mut text = String::new();
    for Finding { cause, kinds, .. } in &explored.findings {
        let finding = explored.findings.iter().find(|known| known.cause == *cause);
        text += &format!("{cause}\n    on {}\n", kinds.join(", "));
        text += &finding.map_or(String::new(), |finding| explore::text_of(unit, finding));
        text.push('\n');
    }
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
    text += &format!(
        "{} findings; {points} points and {transitions} transitions in {} searches, {cut} of them cut short; \
         two points were taken for one with a probability of {:.0e}\n",
        explored.findings.len(),
        explored.covered.len(),
        most.sum::<f64>()
    );
    text
}
