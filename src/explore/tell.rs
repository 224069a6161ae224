//! Findings as scenarios, with names of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::watch::Broken;
use super::{Finding, cover, write};
use crate::ir::Unit;
use crate::sim::Point;

/// The first line of such a file: what has it may be written anew.
pub const FOUND: &str = "// Found by devres-gen explore, which writes it anew.";

/// A file of scenarios, one for each finding, which will stand in that folder.
pub fn scenarios(unit: &Unit, name: &str, findings: &[&Finding], folder: &Path) -> String {
    let mut text = format!("{FOUND}\n\nuse kinds\n");
    for path in files_of_kinds(unit, findings, folder) {
        text += &format!("use \"{path}\"\n");
    }
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    for (index, finding) in findings.iter().enumerate() {
        let base = scenario_name(finding);
        let count = names.entry(base.clone()).or_default();
        *count += 1;
        let scenario = match *count {
            1 => base,
            count => format!("{base}_{count}"),
        };
        let doc = [format!("{}.", sentence(&finding.cause))];
        let written = write::Written {
            name: &scenario,
            doc: &doc,
            without: finding.without,
        };
        text += &format!(
            "\nsuite {name}_{} on {} {{\n\n{}}}\n",
            index + 1,
            write::on(unit, &finding.bricks),
            write::scenario(unit, &finding.bricks, &finding.shown, &written)
        );
    }
    text
}

/// The files that declare kinds of the user's own: from the folder, if they lie in it.
fn files_of_kinds(unit: &Unit, findings: &[&Finding], folder: &Path) -> BTreeSet<String> {
    let folder = folder.canonicalize().unwrap_or_default();
    let kinds = findings.iter().flat_map(|finding| {
        let devices = finding.bricks.scenario.devices.iter();
        let declared = devices.filter_map(|device| device.kind);
        declared.chain([finding.bricks.used.kind])
    });
    let paths = kinds.filter_map(|id| {
        let source = unit.sources.get(unit.kind(id).span.source);
        // The standard ones are no file.
        let path = Path::new(&source.path).canonicalize().ok()?;
        let path = path.strip_prefix(&folder).unwrap_or(&path);
        Some(path.display().to_string())
    });
    paths.collect()
}

/// A finding as a scenario alone, in the language.
pub fn text_of(unit: &Unit, finding: &Finding) -> String {
    let name = scenario_name(finding);
    let written = write::Written {
        name: &name,
        doc: &[],
        without: finding.without,
    };
    write::scenario(unit, &finding.bricks, &finding.shown, &written)
}

fn scenario_name(finding: &Finding) -> String {
    let word = match finding.shown.broken {
        None if finding.shown.points != 0 => return snake(cover::points(finding.shown.points)),
        None => "parts",
        Some(Broken::Nothing) => "nothing",
        Some(Broken::Fault(_)) => "goes_wrong",
        Some(Broken::OutOfOrder(_)) => "out_of_order",
        Some(Broken::ReleasedWhileHeld(_)) => "released_while_held",
        Some(Broken::ReleasedTwice(_)) => "released_twice",
        Some(Broken::NeverRan(_)) => "never_runs",
        Some(Broken::RanTwice(_)) => "runs_too_often",
        Some(Broken::NotReleased(_)) => "never_released",
        Some(Broken::WorkLeft) => "work_left",
    };
    format!("{word}_{}", finding.bricks.name)
}

/// The first of some points as a name of the language.
fn snake(mut points: impl Iterator<Item = Point>) -> String {
    let name = points
        .next()
        .map_or(String::new(), |point| format!("{point:?}"));
    let mut text = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| {
        first.to_uppercase().chain(chars).collect()
    })
}
