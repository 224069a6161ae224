//! The emitted C as it is posted: a series of patches against a kernel tree. Tests come
//! first, what the kernel is known to break skipped with its reason; then, for each fix,
//! the change that removes the skip.

mod patch;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use askama::Template;
use serde_json::Value;

use crate::compile::Error;
use crate::diagnostic::Sink;
use crate::emit::wrap::words;
use crate::emit::{self, Broken, Options, OutputFile, kunit};
use crate::identity;
use crate::install;
use crate::ir::{FaultExpectation, KindUse, Scenario, Suite, Unit};
use crate::output;
use crate::sim::{Fix, Model};
pub use patch::Author;
use patch::{Change, Mail};

/// A header that tells our patches from somebody else's.
const MAILER: &str = "X-Mailer: devres-gen";

/// Columns of a commit message.
const WIDTH: usize = 72;

/// Files of a tree by their path in it.
type Tree = BTreeMap<String, String>;

/// The mails of the series against a tree. The options say for which version the C is, and
/// which fixes that kernel lacks; the reports are those of `verify --format json`.
///
/// # Errors
/// What cannot be emitted, a tree without tests of the driver core, and a report that is
/// about something else.
pub fn series(
    unit: &Unit,
    tree: &Path,
    options: &Options,
    author: &Author,
    reports: &[(String, Value)],
) -> Result<Vec<OutputFile>, Error> {
    let hooks = install::hooks(tree)?;
    let unit = &asked(unit);
    let tested = tested(unit, reports)?;
    let skipping = Options {
        broken: Broken::Skip,
        trace: false,
        upstream: true,
        ..options.clone()
    };
    let mut steps: Vec<(String, Vec<String>, Vec<Change>)> = Vec::new();
    let before: Tree = hooks
        .iter()
        .map(|hook| (hook.path.clone(), hook.old.clone()))
        .collect();
    let mut now = before.clone();
    for count in 1..=unit.suites.len() {
        let part = Unit {
            suites: unit.suites[..count].to_vec(),
            ..unit.clone()
        };
        let mut next = emitted(&part, &skipping)?;
        next.extend(
            hooks
                .iter()
                .map(|hook| (hook.path.clone(), hook.new.clone())),
        );
        let suite = &unit.suites[count - 1];
        let title = format!("drivers: base: test: Add devres tests: {}", suite.name);
        steps.push((title, about(unit, suite, options), changes(&now, &next)));
        now = next;
    }
    let mut lacks = skipping.without.clone();
    while let Some(fix) = (!lacks.is_empty()).then(|| lacks.remove(0)) {
        let better = Options {
            without: lacks.clone(),
            ..skipping.clone()
        };
        let mut next = now.clone();
        next.extend(emitted(unit, &better)?);
        let changes = changes(&now, &next);
        if !changes.is_empty() {
            let title = format!("drivers: base: test: Run what {fix} fixes");
            let body = wrapped(&format!(
                "Commit {fix} (\"{}\") is there now, so that there is no reason any more to skip \
                 the tests that need it.",
                fix.title()
            ));
            steps.push((title, body, changes));
        }
        now = next;
    }
    let count = steps.len();
    let digits = count.to_string().len();
    let all = changes(&before, &now);
    let cover = Mail {
        author,
        subject: format!(
            "[PATCH {:0digits$}/{count}] drivers: base: Add KUnit tests for device lifetimes",
            0
        ),
        body: cover(unit, &skipping, tested),
        changes: &all,
        is_cover: true,
    };
    let mut files = vec![cover.file(0)];
    for (number, (title, body, changes)) in (1..).zip(steps) {
        let mail = Mail {
            author,
            subject: format!("[PATCH {number:0digits$}/{count}] {title}"),
            body,
            changes: &changes,
            is_cover: false,
        };
        files.push(mail.file(number));
    }
    Ok(files)
}

/// What a kernel is asked: without the scenarios that every case of runs into a fault, and would
/// only be skipped.
fn asked(unit: &Unit) -> Unit {
    let mut asked = unit.clone();
    for suite in &mut asked.suites {
        let ends = |scenario: &Scenario| scenario.faults().any(FaultExpectation::is_certain);
        suite.scenarios.retain(|scenario| !ends(scenario));
    }
    asked.suites.retain(|suite| !suite.scenarios.is_empty());
    asked
}

/// The C by its path in the tree.
fn emitted(unit: &Unit, options: &Options) -> Result<Tree, Error> {
    let mut sink = Sink::default();
    let files = emit::kunit::emit(unit, options, &mut sink);
    if sink.has_errors() {
        return Err(Error::Source(sink.into_sorted()));
    }
    let place = |file: OutputFile| {
        let name = file.path.strip_prefix(kunit::FOLDER)?.strip_prefix('/')?;
        Some((format!("{}/{name}", install::PLACE), file.text))
    };
    Ok(files.into_iter().filter_map(place).collect())
}

fn changes(old: &Tree, new: &Tree) -> Vec<Change> {
    let changed = new
        .iter()
        .filter(|(path, text)| old.get(*path) != Some(text));
    changed
        .map(|(path, text)| Change {
            path: path.clone(),
            old: old.get(path).cloned(),
            new: text.clone(),
        })
        .collect()
}

/// The message of the patch that adds a suite.
fn about(unit: &Unit, suite: &Suite, options: &Options) -> Vec<String> {
    let mut body = wrapped(&suite.doc.join(" "));
    let kinds: Vec<String> = suite.kinds.iter().map(|used| used.label(unit)).collect();
    if !body.is_empty() {
        body.push(String::new());
    }
    body.extend(wrapped(&format!("On {}:", kinds.join(", "))));
    body.push(String::new());
    for scenario in &suite.scenarios {
        let doc = scenario.doc.join(" ");
        let text = format!("{}: {doc}", scenario.name);
        let mut lines = words(text.trim_end_matches([' ', ':']), WIDTH - 2).into_iter();
        body.extend(lines.next().map(|line| format!("- {line}")));
        body.extend(lines.map(|line| format!("  {line}")));
    }
    let lacking = options.model().lacks();
    let skipped = lacking.filter(|&fix| !skipped(unit, suite, fix).is_empty());
    for fix in skipped {
        body.push(String::new());
        let places = self::skipped(unit, suite, fix).join("; ");
        body.extend(wrapped(&format!(
            "Without commit {fix} (\"{}\") not all of them pass. Skipped, with that as the reason: \
             {places}.",
            fix.title()
        )));
    }
    body
}

/// What the scenarios of a suite state otherwise of a kernel without the fix: each with the
/// kinds on which it does.
fn skipped(unit: &Unit, suite: &Suite, fix: Fix) -> Vec<String> {
    let model = Model::ALL.without(fix);
    let places = suite.scenarios.iter().filter_map(|scenario| {
        let deviates = |used: &&KindUse| {
            let mut deviations = scenario.expectations().flat_map(|e| &e.deviations);
            deviations.any(|deviation| deviation.applies(model, used))
        };
        let kinds = scenario.kinds.iter().filter(deviates);
        let kinds: Vec<String> = kinds.map(|used| used.label(unit)).collect();
        (!kinds.is_empty()).then(|| format!("{} on {}", scenario.name, kinds.join(", ")))
    });
    places.collect()
}

#[derive(Template)]
#[template(path = "cover-letter.txt")]
struct Cover<'c> {
    suites: Vec<Vec<String>>,
    fixes: Vec<Vec<String>>,
    sources: Vec<String>,
    tested: Vec<String>,
    folder: &'c str,
}

fn cover(unit: &Unit, options: &Options, tested: Vec<String>) -> Vec<String> {
    let suites = unit.suites.iter().map(|suite| {
        let text = format!("{}: {}", suite.name, suite.doc.join(" "));
        words(text.trim_end_matches([' ', ':']), WIDTH - 4)
    });
    let fixes = options.without.iter().map(|fix| {
        wrapped(&format!(
            "The tree is taken to be without commit {fix} (\"{}\"). What needs it is skipped, with that as the \
             reason; the patch that removes the skip is behind the tests, to be applied when the fix \
             is.",
            fix.title()
        ))
    });
    let mut sources: Vec<String> = unit
        .suites
        .iter()
        .map(|suite| unit.sources.get(suite.source).name.clone())
        .collect();
    sources.sort_unstable();
    sources.dedup();
    let cover = Cover {
        suites: suites.collect(),
        fixes: fixes.collect(),
        sources: wrapped(&format!(
            "The C was emitted by devres-gen {} from {}, where the same stands in fewer words.",
            env!("CARGO_PKG_VERSION"),
            sources.join(", ")
        )),
        tested,
        folder: install::PLACE,
    };
    // Rendering into a string fails only if a template says so, and none does.
    let text = cover.render().unwrap_or_default();
    text.trim_end().lines().map(str::to_owned).collect()
}

/// A line for each report, all of which have to be about the cases of the series.
fn tested(unit: &Unit, reports: &[(String, Value)]) -> Result<Vec<String>, Error> {
    let mut wanted: Vec<(String, String)> = Vec::new();
    for suite in &unit.suites {
        for scenario in &suite.scenarios {
            for used in &scenario.kinds {
                let name = format!("{}/{}/{}", suite.name, scenario.name, used.label(unit));
                wanted.push((name, identity::case(unit, scenario, used)));
            }
        }
    }
    let mut lines = Vec::new();
    for (name, report) in reports {
        let cases: Vec<&Value> = report["cases"].as_array().into_iter().flatten().collect();
        let kernel = report["linux"].as_str().ok_or_else(|| {
            format!("`{name}` is no report of a kernel: `verify --format json` prints one")
        })?;
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        let (mut compared, mut differences) = (0, 0);
        for (case, content) in &wanted {
            let known = cases.iter().find(|known| known["case"] == case.as_str());
            let known = known.filter(|known| known["content"] == content.as_str());
            let known = known.ok_or_else(|| {
                format!("`{name}` does not say what became of {case} as it is now")
            })?;
            *counts
                .entry(known["kernel"].as_str().unwrap_or("lost"))
                .or_default() += 1;
            compared += known["compared"].as_u64().unwrap_or_default();
            differences += known["differences"].as_array().map_or(0, Vec::len);
        }
        let lacks = report["without"].as_array().into_iter().flatten();
        let lacks: Vec<&str> = lacks.filter_map(Value::as_str).collect();
        let without = if lacks.is_empty() {
            String::new()
        } else {
            format!(" without {}", lacks.join(", "))
        };
        let counts = ["ok", "not ok", "skip", "lost"].iter().filter_map(|word| {
            let count = counts.get(word)?;
            Some(format!("{count} {word}"))
        });
        let counts = counts.collect::<Vec<_>>().join(", ");
        lines.push(format!("Linux {kernel}{without}: {counts};"));
        lines.push(format!(
            "  {compared} operations and events compared, {differences} differences"
        ));
    }
    Ok(lines)
}

fn wrapped(text: &str) -> Vec<String> {
    words(text, WIDTH)
}

/// Writes the mails into a folder that is empty or holds an older series of ours.
///
/// # Errors
/// Something else in the folder, and what the file system answers.
pub fn write(out: &Path, files: &[OutputFile]) -> Result<(), String> {
    let failed = |path: &Path, why: std::io::Error| format!("`{}`: {why}", path.display());
    fs::create_dir_all(out).map_err(|why| failed(out, why))?;
    let mut old = Vec::new();
    for entry in fs::read_dir(out).map_err(|why| failed(out, why))? {
        let path = entry.map_err(|why| failed(out, why))?.path();
        let text = fs::read_to_string(&path).unwrap_or_default();
        if !text.lines().take(8).any(|line| line == MAILER) {
            return Err(format!(
                "`{}` is in the way: a series goes into a folder of its own",
                path.display()
            ));
        }
        old.push(path);
    }
    for file in files {
        let path = out.join(&file.path);
        output::replace(&path, &file.text).map_err(|why| failed(&path, why))?;
    }
    let stale =
        |path: &&std::path::PathBuf| !files.iter().any(|file| out.join(&file.path) == **path);
    for path in old.iter().filter(stale) {
        fs::remove_file(path).map_err(|why| failed(path, why))?;
    }
    Ok(())
}
