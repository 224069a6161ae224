//! `devres-gen matrix`: the contract of each case, on a kernel with all fixes and on
//! one without each. What fails only on the latter is what that fix cures.

use super::{Done, NOT_WELL, WELL, load_to_run, print};
use crate::cli::Matrix;
use devres_gen::codes::Code;
use devres_gen::expand;
use devres_gen::ir::Refused;
use devres_gen::run::run_as;
use devres_gen::sim::{Fix, Model};

const HOLDS: &str = "holds";
const BREAKS: &str = "breaks";
/// On when queued work is done, as is told beside the table.
const DEPENDS: &str = "depends";

pub(super) fn matrix(args: &Matrix) -> Done {
    // A lifetime that goes wrong on some kernel is what a matrix is for.
    let told = |code| !matches!(code, Code::Fault | Code::NoFault);
    let unit = load_to_run(&args.paths, &args.select.selection(), told)?;
    let title = |model: Model| model.to_string().trim_start_matches("with ").to_owned();
    let models: Vec<(String, Model)> = Model::known().map(|model| (title(model), model)).collect();

    let columns: Vec<Vec<(String, &str)>> = models
        .iter()
        .map(|(_, model)| {
            let cases = expand::cases(&unit, *model);
            cases
                .map(|case| {
                    let word = match case.scenario.refused {
                        Some(Refused::Race) => DEPENDS,
                        _ if run_as(&case, Model::ALL).passed() => HOLDS,
                        _ => BREAKS,
                    };
                    (case.name(), word)
                })
                .collect()
        })
        .collect();
    let rows = columns.first().map_or(0, Vec::len);
    let names = || {
        columns
            .iter()
            .take(1)
            .flatten()
            .map(|(name, _)| name.as_str())
    };
    let width = names().map(str::len).max().unwrap_or(0).max("case".len());

    let mut text = format!("{:width$}", "case");
    for (title, _) in &models {
        text += &format!("  {title}");
    }
    text = format!("{}\n", text.trim_end());
    for (row, name) in names().enumerate() {
        let mut line = format!("{name:width$}");
        for ((title, _), column) in models.iter().zip(&columns) {
            let word = column[row].1;
            line += &format!("  {word:0$}", title.len());
        }
        text += &format!("{}\n", line.trim_end());
    }
    for (index, fix) in Fix::ALL.into_iter().enumerate() {
        let cured = (0..rows)
            .filter(|&row| columns[0][row].1 == HOLDS && columns[index + 1][row].1 == BREAKS);
        text += &format!("{fix} cures {} of {rows} cases\n", cured.count());
    }
    print(&text)?;
    let depends = columns.iter().flatten().any(|&(_, word)| word == DEPENDS);
    Ok(if depends { NOT_WELL.into() } else { WELL })
}
