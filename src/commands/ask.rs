//! `devres-gen ask`: what happens, for who has nothing to expect yet; and whether a kernel does the
//! same.

use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::{BAD_INPUT, Done, NOT_WELL, WELL, fail, fail_with, print, say, understood};
use crate::cli::{Ask as Args, AskFormat};
use devres_gen::ask::{Answer, answers, scenarios};
use devres_gen::compile::load_text;
use devres_gen::emit::parts::{available_on, left_out};
use devres_gen::emit::{Broken, Options};
use devres_gen::expand::{self, Case};
use devres_gen::explore::all_kinds;
use devres_gen::ir::Unit;
use devres_gen::question;
use devres_gen::run::{Run, judge_on};
use devres_gen::sim::Model;
use devres_gen::verify::compare::Comparison;
use devres_gen::verify::{self, Request, Setup};

/// The version of `--format json`.
const FORMAT: u32 = 1;

pub(super) fn ask(args: &Args) -> Done {
    let of_files = args.statements.is_empty();
    let selection = args.select.selection();
    let front = match of_files {
        true => question::load(&args.file, &selection),
        false => statements(&args.statements)
            .and_then(|text| question::of_statements(&text, &args.on, &args.uses, &selection)),
    };
    let mut unit = understood(front.or_else(|why| fail(&why, BAD_INPUT))?)?;
    let of_all = !of_files && args.on.is_empty() && selection.is_everything();
    let rest = match of_all {
        true => not_asked(&unit),
        false => vec![],
    };
    let models: Vec<Model> = match &args.tree {
        Some(tree) => {
            let known = verify::known(tree).or_else(|why| fail(&why, BAD_INPUT))?;
            for suite in &unit.suites {
                let missing = left_out(&unit, suite, known.target);
                if !missing.is_empty() {
                    let missing = missing.join(", ");
                    say(&format!(
                        "ask: Linux {} does not have {missing}",
                        known.target
                    ));
                }
            }
            unit = available_on(&unit, known.target);
            vec![known.model]
        }
        None if args.kernel.without.is_empty() => Model::known().collect(),
        None => vec![args.kernel.model()],
    };
    let answers = answers(&unit, &models);
    if let Some((suite, scenario)) = &args.scenario {
        return as_scenarios(&answers, &unit, suite, scenario);
    }
    let asked = |tree| on_tree(&unit, models[0], tree);
    if args.format == AskFormat::Json {
        let answers = answers.iter().map(|answer| answer.to_json(&unit));
        let mut document = json!({
            "format": FORMAT,
            "answers": answers.collect::<Vec<_>>(),
            "not_on": rest,
        });
        let asked = args.tree.as_deref().map(asked).transpose()?;
        if let Some(asked) = &asked {
            document["asked"] = asked.to_json();
        }
        print(&format!("{document:#}\n"))?;
        return Ok(asked.map_or(WELL, |asked| asked.exit()));
    }
    let told = answers.iter().map(|answer| answer.tell(&unit, of_files));
    print(&told.collect::<Vec<_>>().join("\n"))?;
    if !rest.is_empty() {
        let rest = rest.join(", ");
        print(&format!("\nnot on {rest}: they cannot do that\n"))?;
    }
    let Some(asked) = args.tree.as_deref().map(asked).transpose()? else {
        return Ok(WELL);
    };
    print(&asked.tell())?;
    Ok(asked.exit())
}

/// The kinds that cannot do what is asked.
fn not_asked(unit: &Unit) -> Vec<String> {
    let asked: Vec<String> = expand::cases(unit, Model::ALL)
        .map(|case| case.kind_use.spelled(unit))
        .collect();
    let all = all_kinds(unit);
    let all = all.iter().map(|kind| kind.spelled(unit));
    all.filter(|kind| !asked.contains(kind)).collect()
}

/// Prints scenarios, and says what is wrong with them if anything is.
fn as_scenarios(answers: &[Answer<'_>], unit: &Unit, suite: &str, scenario: &str) -> Done {
    let (text, left_out) = scenarios(answers, unit, suite, scenario);
    for why in &left_out {
        say(&format!("ask: no scenario on {why}"));
    }
    if text.is_empty() {
        return Err(NOT_WELL);
    }
    print(&text)?;
    let unit = understood(load_text("<scenario>", &text))?;
    let mut cases = expand::cases(&unit, Model::ALL);
    let holds = |case: &Case<'_>| {
        let runs = judge_on(case, Model::known());
        runs.iter().all(Run::passed)
    };
    if let Some(case) = cases.find(|case| !holds(case)) {
        let why = format!(
            "not all of that is so on each kernel: {} has to be put right (`devres-gen run` says how)",
            case.name()
        );
        return fail(&why, NOT_WELL);
    }
    Ok(match left_out.is_empty() {
        true => WELL,
        false => NOT_WELL.into(),
    })
}

/// What a kernel did that was asked.
struct Asked {
    comparison: Comparison,
    /// Cases that may go wrong, for which it was not asked.
    left_out: usize,
}

/// Whether a kernel does what was told.
fn on_tree(asked: &Unit, model: Model, tree: &Path) -> Result<Asked, u8> {
    let unit = &question::askable(asked, model);
    if unit.suites.is_empty() {
        let why = match asked.suites.is_empty() {
            true => "that kernel has none of these kinds",
            false => "a kernel must not be asked for what may go wrong, and here all does",
        };
        return fail(why, NOT_WELL);
    }
    let request = Request {
        tree,
        setup: Setup::default(),
        witness: false,
        keep_log: None,
    };
    let options = Options {
        trace: true,
        broken: Broken::Assert,
        ..Options::default()
    };
    let progress = |what: &str| say(&format!("ask: {what}"));
    let comparison = verify::verify(unit, &request, &options, &progress)
        .or_else(|why| fail_with(why, unit, NOT_WELL))?;
    let cases = |unit| expand::cases(unit, model).count();
    Ok(Asked {
        comparison,
        left_out: cases(asked) - cases(unit),
    })
}

impl Asked {
    fn exit(&self) -> ExitCode {
        match self.comparison.differences.is_empty() {
            true => WELL,
            false => NOT_WELL.into(),
        }
    }

    fn tell(&self) -> String {
        let compared = &self.comparison;
        let kernel = compared.kernel.as_deref().unwrap_or("the kernel");
        let mut text = String::from("\n");
        for difference in &compared.differences {
            text += &format!("differs: {}: {}\n", difference.case, difference.what);
        }
        let (agreed, count) = (compared.agreed(), compared.cases.len());
        let cases = if count == 1 { "case" } else { "cases" };
        let left = match self.left_out {
            0 => String::new(),
            1 => "; one more may go wrong, and it was not asked for that".to_owned(),
            left => format!("; {left} more may go wrong, and it was not asked for these"),
        };
        text += &match compared.differences.len() {
            0 => format!(
                "Linux {kernel} does just that: {agreed} operations and events in {count} {cases}{left}\n"
            ),
            count => format!("Linux {kernel} does something else: {count} differences\n"),
        };
        text
    }

    fn to_json(&self) -> Value {
        let differences = self.comparison.differences.iter();
        let differences = differences.map(|d| json!({ "case": d.case, "what": d.what }));
        json!({
            "linux": self.comparison.kernel,
            "cases": self.comparison.cases.len(),
            "compared": self.comparison.agreed(),
            "left_out": self.left_out,
            "differences": differences.collect::<Vec<_>>(),
        })
    }
}

/// Statements, a line each, or several with `;` between them.
fn statements(given: &[String]) -> Result<String, String> {
    if given != ["-"] {
        return Ok(given.join("\n"));
    }
    let mut text = String::new();
    match std::io::stdin().read_to_string(&mut text) {
        Ok(_) => Ok(text.trim_start_matches('\u{feff}').to_owned()),
        Err(why) => Err(format!("cannot read standard input: {why}")),
    }
}
