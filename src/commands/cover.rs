//! `devres-gen explore --cover`

use std::path::{Path, PathBuf};

use super::explore::{told, write};
use super::{Done, WELL, load_or_report, print};
use devres_gen::explore::Question;
use devres_gen::explore::cover::{self, Cover};
use devres_gen::select::Selection;
use devres_gen::sim::Point;

/// What a corpus does not reach, and how it could.
pub(super) fn cover(
    paths: &[PathBuf],
    question: &Question<'_, 1>,
    file: Option<&Path>,
    go_on: &dyn Fn() -> bool,
) -> Done {
    let corpus = load_or_report(paths, &Selection::default())?;
    let reached = cover::reached(&corpus);
    let all = Point::ALL.iter().fold(0, |set, point| set | point.bit());
    let Cover {
        chosen,
        searches,
        cut,
    } = cover::cover(question, all & !reached, go_on);
    let mut text = told(question.unit, &chosen);
    let by_programs = chosen
        .iter()
        .fold(0, |set, finding| set | finding.shown.points);
    let nobody: Vec<Point> = cover::points(all & !reached & !by_programs).collect();
    let tried = match cut {
        0 => format!("of {} statements", question.limits.depth),
        _ => "that was tried".to_owned(),
    };
    for point in &nobody {
        text += &format!("no program {tried} reaches {point:?}:{}\n", point.doc());
    }
    let cut = match cut {
        0 => String::new(),
        cut => format!("; {cut} of {searches} searches were cut short or not begun"),
    };
    text += &format!(
        "{} of {} points are reached by the scenarios, {} more by {} programs{cut}\n",
        cover::points(reached).count(),
        Point::ALL.len(),
        cover::points(by_programs & !reached).count(),
        chosen.len()
    );
    print(&text)?;
    write(file, question.unit, &chosen)?;
    Ok(WELL)
}
