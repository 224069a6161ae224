//! Answers as scenarios: what was asked, and behind it what is so.

use super::{Answer, Group, deviations};
use crate::ir::{StepKind, Unit};
use crate::places::on_kernels;
use crate::question;
use crate::sim::{Errno, Fix};
use crate::story::{Ends, Story};
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
                Err(why) => {
                    let why = format!("{kinds}: {why}");
                    if !left_out.contains(&why) {
                        left_out.push(why);
                    }
                }
            }
        }
    }
    if suites.is_empty() {
        uses = "";
    }
    (format(&(uses.to_owned() + &suites.concat())), left_out)
}

/// An operation that was asked: where it ends, and the error that it is said to return.
type Asked = (usize, Option<Errno>);

/// What is put into the text, and where.
type PutIn = (usize, String);

impl Group {
    /// The statements, with the errors that they return, and what is so then.
    fn body(
        &self,
        answer: &Answer<'_>,
        asked: &question::Statements<'_>,
    ) -> Result<String, String> {
        let story = &self.usual;
        let why = match story.ends {
            Ends::Well | Ends::Faulted => "",
            Ends::Racy => "it depends on when queued work is done: `settle` waits for it",
            Ends::Refused => "no scenario may do that: see what `ask` tells of it",
        };
        if !why.is_empty() {
            return Err(why.to_owned());
        }
        let steps = answer.scenario.steps.iter();
        let ops = steps.filter_map(|step| match step.kind {
            StepKind::Op(_, fails) => Some((step.span.end as usize - asked.start, fails)),
            _ => None,
        });
        let ops: Vec<Asked> = ops.collect();
        // Nothing can be said of what stands behind a fault.
        let last = match (story.ends, ops.get(story.errors.len())) {
            (Ends::Faulted, Some(&(end, _))) => end,
            (Ends::Faulted, None) => {
                return Err("it goes wrong at its end, where no statement stands".to_owned());
            }
            _ => asked.text.len(),
        };
        let mut put_in = errors(story, &ops)?;
        put_in.extend(self.faults_elsewhere(&ops)?);
        put_in.sort_by_key(|(at, _)| *at);
        let mut text = lines(&asked.text[..last], &put_in);
        if story.settles {
            text += "settle\n";
        }
        for (outcomes, word) in [(&story.then, "expect"), (&story.finally, "finally expect")] {
            for outcome in outcomes {
                let but = match self.brought_by() {
                    Some(fix) => format!(" but no fault without {fix}"),
                    None => deviations(outcome, &self.others, word != "expect"),
                };
                text += &format!("{word} {outcome}{but}\n");
            }
        }
        Ok(text)
    }

    /// The fix without which it does not go wrong, if there is one.
    fn brought_by(&self) -> Option<Fix> {
        let [(models, other)] = self.others.as_slice() else {
            return None;
        };
        match (self.usual.ends, other.ends, models.as_slice()) {
            (Ends::Faulted, Ends::Well, [model]) => model.lacks().next(),
            _ => None,
        }
    }

    /// The faults that end it on other kernels only.
    fn faults_elsewhere(&self, ops: &[Asked]) -> Result<Vec<PutIn>, String> {
        let mut faults = Vec::new();
        for (models, other) in &self.others {
            let fixes = models.iter().filter_map(|model| model.lacks().next());
            let ends = (self.usual.ends, other.ends);
            match (ends, ops.get(other.errors.len()), other.then.as_slice()) {
                ((Ends::Well, Ends::Well), ..) => {}
                ((Ends::Well, Ends::Faulted), Some(&(end, _)), [fault]) => {
                    faults
                        .extend(fixes.map(|fix| (end, format!("\nexpect {fault} without {fix}"))));
                }
                // Nothing is told of what comes of it there.
                ((Ends::Faulted, Ends::Well), None, _) if self.brought_by().is_some() => {}
                _ if self.usual.ends_as(other) => {}
                _ => {
                    let kernels = on_kernels(models);
                    return Err(format!(
                        "{kernels} it ends otherwise than a scenario could say"
                    ));
                }
            }
        }
        Ok(faults)
    }
}

/// The errors that operations return and are not said to.
fn errors(story: &Story, ops: &[Asked]) -> Result<Vec<PutIn>, String> {
    let mut errors = Vec::new();
    for ((end, said), error) in ops.iter().zip(&story.errors) {
        match (said, error) {
            (said, error) if said == error => {}
            (None, Some(errno)) => errors.push((*end, format!(" fails {}", errno.name()))),
            _ => return Err("an error is asked for that is not returned".to_owned()),
        }
    }
    Ok(errors)
}

/// Statements, a line each where they stand in no braces, with texts that are put in at some places.
fn lines(statements: &str, put_in: &[PutIn]) -> String {
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
