//! Answers as scenarios: what was asked, and behind it what is so.

use super::{Answer, Group, deviations};
use crate::ir::{Step, StepKind, Unit};
use crate::places::on_kernels;
use crate::question;
use crate::story::Ends;
use crate::syntax::format;

/// A scenario file of what was asked in statements, with a suite for each group of kinds on which the
/// same happens, or nothing if there is none; and for which kinds, and why.
pub fn scenarios(
    answers: &[Answer<'_>],
    unit: &Unit,
    suite: &str,
    scenario: &str,
) -> (String, Vec<String>) {
    let mut uses = "";
    let mut suites: Vec<String> = Vec::new();
    let mut left_out = Vec::new();
    for answer in answers {
        let source = &unit.sources.get(answer.suite.source).text;
        let asked = question::statements_in(source);
        uses = asked.uses;
        for group in &answer.groups {
            let kinds = group.spelled(unit).join(", ");
            let body = match answers.len() {
                1 => group.body(answer, &asked),
                _ => Err("it is not the same in every order: ask for one".to_owned()),
            };
            match body {
                Ok(body) => {
                    let suite = match suites.len() {
                        0 => suite.to_owned(),
                        before => format!("{suite}_{}", before + 1),
                    };
                    suites.push(format!(
                        "\nsuite {suite} on {kinds} {{\nscenario {scenario} {{\n{body}}}\n}}\n"
                    ));
                }
                Err(why) => left_out.push(format!("{kinds}: {why}")),
            }
        }
    }
    if suites.is_empty() {
        uses = "";
    }
    (format(&(uses.to_owned() + &suites.concat())), left_out)
}

impl Group {
    /// The statements, with the errors that they return, and what is so then.
    fn body(
        &self,
        answer: &Answer<'_>,
        asked: &question::Statements<'_>,
    ) -> Result<String, String> {
        let story = &self.usual;
        match story.ends {
            Ends::Well | Ends::Faulted => {}
            Ends::Racy => {
                return Err("it depends on when queued work is done: `settle` waits for it".into());
            }
            Ends::Refused => {
                return Err("no scenario may do that: see what `ask` tells of it".into());
            }
        }
        let steps = answer.scenario.steps.iter();
        let ops: Vec<&Step> = steps
            .filter(|step| matches!(step.kind, StepKind::Op(..)))
            .collect();
        let end = |step: &Step| step.span.end as usize - asked.start;
        let mut put_in: Vec<(usize, String)> = Vec::new();
        for (step, error) in ops.iter().zip(&story.errors) {
            match (&step.kind, error) {
                (StepKind::Op(_, said), error) if said == error => {}
                (StepKind::Op(_, None), Some(errno)) => {
                    put_in.push((end(step), format!(" fails {}", errno.name())));
                }
                _ => return Err("an error is asked for that is not returned".into()),
            }
        }
        for (models, other) in &self.others {
            let fixes = models.iter().filter_map(|model| model.lacks().next());
            match (ops.get(other.errors.len()), other.then.as_slice()) {
                _ if (story.ends, other.ends) == (Ends::Well, Ends::Well) => {}
                (Some(step), [fault])
                    if (story.ends, other.ends) == (Ends::Well, Ends::Faulted) =>
                {
                    put_in.extend(
                        fixes.map(|fix| (end(step), format!("\nexpect {fault} without {fix}"))),
                    );
                }
                _ if story.ends_as(other) => {}
                _ => {
                    let kernels = on_kernels(models);
                    return Err(format!(
                        "{kernels} it ends otherwise than a scenario could say"
                    ));
                }
            }
        }
        put_in.sort_by_key(|(at, _)| *at);
        // Nothing can be said of what stands behind a fault.
        let last = match (story.ends, ops.get(story.errors.len())) {
            (Ends::Faulted, Some(step)) => end(step),
            (Ends::Faulted, None) => {
                return Err("it goes wrong at its end, where no statement stands".into());
            }
            _ => asked.text.len(),
        };
        let mut text = lines(&asked.text[..last], &put_in);
        if story.settles {
            text += "settle\n";
        }
        for (outcomes, word) in [(&story.then, "expect"), (&story.finally, "finally expect")] {
            for outcome in outcomes {
                let but = deviations(outcome, &self.others, word != "expect");
                text += &format!("{word} {outcome}{but}\n");
            }
        }
        Ok(text)
    }
}

/// Statements, a line each where they stand in no braces, with texts that are put in at some places.
fn lines(statements: &str, put_in: &[(usize, String)]) -> String {
    let mut text = String::new();
    let mut put_in = put_in.iter().peekable();
    let (mut depth, mut in_comment) = (0_usize, false);
    for (at, c) in statements.char_indices() {
        if let Some((_, what)) = put_in.next_if(|(place, _)| *place == at) {
            text += what;
        }
        in_comment |= statements[at..].starts_with("//");
        in_comment &= c != '\n';
        match c {
            '{' if !in_comment => depth += 1,
            '}' if !in_comment => depth = depth.saturating_sub(1),
            _ => {}
        }
        match c {
            ';' if depth == 0 && !in_comment => text.push('\n'),
            c => text.push(c),
        }
    }
    text.extend(put_in.map(|(_, what)| what.as_str()));
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_have_a_line_each() {
        let asked = "get dev; action a on dev { put dev; get dev } // a; b\nput dev;put dev";
        let put_in = [(7, " fails EIO".to_owned()), (asked.len(), "!".to_owned())];
        assert_eq!(
            lines(asked, &put_in),
            "get dev fails EIO\n action a on dev { put dev; get dev } // a; b\nput dev\nput dev!\n"
        );
    }
}
