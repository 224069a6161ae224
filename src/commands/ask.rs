//! `devres-gen ask`: what happens, for who has nothing to expect yet.

use std::io::Read as _;

use super::{BAD_INPUT, Done, WELL, fail, print, understood};
use crate::cli::Ask as Args;
use devres_gen::ask::answers;
use devres_gen::compile::{load_question, question};
use devres_gen::sim::Model;

pub(super) fn ask(args: &Args) -> Done {
    let of_files = args.statements.is_empty();
    let selection = args.select.selection();
    let front = match of_files {
        true => load_question(&args.file, &selection),
        false => {
            statements(&args.statements).and_then(|text| question(&text, &args.on, &selection))
        }
    };
    let unit = understood(front.or_else(|why| fail(&why, BAD_INPUT))?)?;
    let models: Vec<Model> = match args.kernel.without.is_empty() {
        true => Model::known().collect(),
        false => vec![args.kernel.model()],
    };
    let answers = answers(&unit, &models);
    let told = answers.iter().map(|answer| answer.tell(&unit, of_files));
    print(&told.collect::<Vec<_>>().join("\n"))?;
    Ok(WELL)
}

/// Statements, a line each, or several with `;` between them.
fn statements(given: &[String]) -> Result<String, String> {
    if given != ["-"] {
        return Ok(given.join("\n"));
    }
    let mut text = String::new();
    match std::io::stdin().read_to_string(&mut text) {
        Ok(_) => Ok(text),
        Err(why) => Err(format!("cannot read standard input: {why}")),
    }
}
