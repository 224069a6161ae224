//! Questions: scenarios, or statements that stand in none, of which nobody knows yet what comes of
//! them; and what of them a kernel can be asked.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::check;
use crate::compile::{Front, resolved, whole};
use crate::diagnostic::{Sink, has_errors};
use crate::expand::cases_of;
use crate::explore::all_kinds;
use crate::ir::{KindUse, Scenario, StepKind, Suite, Unit};
use crate::select::{Selection, select};
use crate::sim::{Errno, Model};
use crate::source::{SourceId, Sources};
use crate::story::{Ends, Story};

/// What errors call the text that statements are put into.
const QUESTION: &str = "<question>";

/// What stands around them; errors show a line before and behind.
const SUITE: &str = "suite question on ";
const BEFORE: &str = " { scenario asked {\n\n";
const BEHIND: &str = "\n\n}\n}\n";

/// Statements that were asked.
#[derive(Clone, Copy, Debug)]
pub struct Statements<'t> {
    /// What makes kinds known.
    pub uses: &'t str,
    /// The statements.
    pub text: &'t str,
    /// Where they begin in the text of their scenario.
    pub start: usize,
}

/// The statements in the text that [`of_statements`] makes of them.
pub fn statements_in(text: &str) -> Statements<'_> {
    let uses = text.find(&format!("\n{SUITE}")).map_or(0, |at| at + 1);
    let start = text.find(BEFORE).map_or(0, |at| at + BEFORE.len());
    Statements {
        uses: &text[..uses],
        text: text[start..].strip_suffix(BEHIND).unwrap_or(""),
        start,
    }
}

/// The scenarios of files and folders, and whether kinds can do what is asked of them: nothing else is
/// checked.
///
/// # Errors
/// A pattern that matches no case.
pub fn load(paths: &[PathBuf], selection: &Selection) -> Result<Front, String> {
    let mut sink = Sink::default();
    let mut sources = Sources::default();
    let ids = sources.load(paths, &mut sink);
    asked(sources, &ids, sink, selection, false)
}

/// The same of statements, on kinds as suites spell them; if there are none, on every kind that can do
/// that: a standard one, or one of these files.
///
/// # Errors
/// What is no statement, no kind and no file's name, and as above.
pub fn of_statements(
    statements: &str,
    kinds: &[String],
    files: &[PathBuf],
    selection: &Selection,
) -> Result<Front, String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || " _".contains(c);
    let is_kind = |kind: &&String| !kind.trim().is_empty() && kind.chars().all(is_word);
    if let Some(kind) = kinds.iter().find(|kind| !is_kind(kind)) {
        let kind = kind.escape_debug();
        return Err(format!(
            "`{kind}` is no kind: suites spell them as `platform bound`"
        ));
    }
    let mut lines = statements.lines().map(str::trim_start);
    if lines.any(|line| line.starts_with("suite ") || line.starts_with("scenario ")) {
        return Err("statements stand in no suite and no scenario; a file goes to `--file`".into());
    }
    braces_close(statements)?;
    let mut text = "use kinds\n".to_owned();
    for file in files {
        let file = file.to_str().filter(|name| !name.contains(['"', '\n']));
        let file = file.ok_or("the name of a file with kinds is UTF-8 without quotes")?;
        text += &format!("use \"{file}\"\n");
    }
    let on = match kinds {
        [] => {
            let (mut sources, mut sink) = (Sources::default(), Sink::default());
            let id = sources.add(QUESTION, &text);
            let every = resolved(sources, &[id], &mut sink);
            if sink.has_errors() {
                return Ok(whole(every, sink));
            }
            let all = all_kinds(&every);
            all.iter().map(|kind| kind.spelled(&every)).collect()
        }
        kinds => kinds.to_vec(),
    };
    let on = on.join(", ");
    text += &format!("{SUITE}{on}{BEFORE}{statements}{BEHIND}");
    let mut sources = Sources::default();
    let id = sources.add(QUESTION, &text);
    let front = asked(sources, &[id], Sink::default(), selection, kinds.is_empty())?;
    let scenarios = front.unit.suites.iter().flat_map(|suite| &suite.scenarios);
    let mut steps = scenarios.flat_map(|scenario| &scenario.steps);
    if !has_errors(&front.diagnostics) && !steps.any(|step| matches!(step.kind, StepKind::Op(..))) {
        return Err(
            "nothing is done: say statements, such as 'register dev; unregister dev'".into(),
        );
    }
    Ok(front)
}

/// Whether the braces of these statements close each other, and not what is put around them.
fn braces_close(statements: &str) -> Result<(), String> {
    let mut open = Vec::new();
    for line in statements.lines() {
        let code = line.split("//").next().unwrap_or_default();
        for (at, brace) in code.match_indices(['{', '}']) {
            match brace {
                "{" => open.push(&code[..=at]),
                _ if open.pop().is_none() => {
                    return Err("there is a `}` too many in what is asked".to_owned());
                }
                _ => {}
            }
        }
    }
    let Some(last) = open.last() else {
        return Ok(());
    };
    let statement = last.rsplit([';', '}']).next().unwrap_or(last).trim();
    Err(format!(
        "there is a `}}` missing in what is asked: nothing closes `{statement}`"
    ))
}

fn asked(
    sources: Sources,
    ids: &[SourceId],
    mut sink: Sink,
    selection: &Selection,
    of_any_kind: bool,
) -> Result<Front, String> {
    let mut unit = resolved(sources, ids, &mut sink);
    if !sink.has_errors() {
        unit = select(unit, selection)?;
        if of_any_kind {
            keep_those_that_can(&mut unit);
        }
        check::question(&unit, &mut sink);
    }
    Ok(whole(unit, sink))
}

/// Leaves the kinds out that cannot do what is asked of them, if there are any that can.
fn keep_those_that_can(unit: &mut Unit) {
    let can = |kind: &KindUse| {
        let mut alone = unit.clone();
        for suite in &mut alone.suites {
            suite.kinds = vec![*kind];
        }
        let mut sink = Sink::default();
        check::question(&alone, &mut sink);
        !sink.has_errors()
    };
    let kinds = unit.suites.iter().flat_map(|suite| &suite.kinds);
    let able: Vec<KindUse> = kinds.copied().filter(can).collect();
    if able.is_empty() {
        return;
    }
    for suite in &mut unit.suites {
        suite.kinds.clone_from(&able);
        for scenario in &mut suite.scenarios {
            scenario.kinds.clone_from(&able);
        }
    }
}

/// What a kernel can be asked: the cases that go well there, each operation with the error that it
/// returns. Kinds on which these differ make a scenario more.
pub fn askable(unit: &Unit, model: Model) -> Unit {
    let of_scenario = |suite: &Suite, scenario: &Scenario| {
        let mut parts: Vec<(Vec<Option<Errno>>, Scenario)> = Vec::new();
        for case in cases_of(unit, suite, scenario, model) {
            let Story { ends, errors, .. } = Story::of(&case);
            if matches!(ends, Ends::Faulted | Ends::Racy) {
                continue;
            }
            match parts.iter_mut().find(|(known, _)| *known == errors) {
                Some((_, part)) => part.kinds.push(case.kind_use),
                None => {
                    let mut part = scenario.clone();
                    part.kinds = vec![case.kind_use];
                    part.expect_errors(&errors);
                    parts.push((errors, part));
                }
            }
        }
        parts.into_iter().map(|(_, part)| part).collect::<Vec<_>>()
    };
    let mut well = unit.clone();
    for (suite, known) in well.suites.iter_mut().zip(&unit.suites) {
        let scenarios = known.scenarios.iter();
        suite.scenarios = scenarios
            .flat_map(|scenario| of_scenario(known, scenario))
            .collect();
        let mut taken: BTreeSet<String> = known.scenarios.iter().map(|s| s.name.clone()).collect();
        let mut seen = BTreeSet::new();
        for scenario in &mut suite.scenarios {
            if !seen.insert(scenario.name.clone()) {
                let of = scenario.name.clone();
                let mut names = (2..).map(|number| format!("{of}_{number}"));
                let free = names.find(|name| !taken.contains(name));
                scenario.name = free.unwrap_or(of);
                taken.insert(scenario.name.clone());
            }
        }
    }
    well.suites.retain(|suite| !suite.scenarios.is_empty());
    well
}

impl Scenario {
    /// Says of each operation which error it returns.
    fn expect_errors(&mut self, errors: &[Option<Errno>]) {
        let fails = self
            .steps
            .iter_mut()
            .filter_map(|step| match &mut step.kind {
                StepKind::Op(_, fails) => Some(fails),
                _ => None,
            });
        for (fails, error) in fails.zip(errors) {
            *fails = *error;
        }
    }
}
