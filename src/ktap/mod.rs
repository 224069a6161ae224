//! What a kernel printed: KTAP results, and the traces between them.
//!
//! The reader takes logs as kernels really print them: boot messages around and
//! between, printk time stamps, results of tests that are not ours.

use std::collections::BTreeMap;

use crate::trace;

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// `ok`
    Passed,
    /// `not ok`
    Failed,
    /// `ok ... # SKIP`
    Skipped,
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Status::Passed => "passes",
            Status::Failed => "fails",
            Status::Skipped => "is skipped",
        })
    }
}

/// A result line with what was said before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestResult {
    /// How it ended.
    pub status: Status,
    /// Diagnostic lines since the result before, traces left out.
    pub said: Vec<String>,
}

impl TestResult {
    /// The source files in which the kernel warned meanwhile, in order:
    /// `WARNING: CPU: 0 PID: 17 at FILE:LINE FUNCTION+0x1c/0x30`.
    pub fn warnings(&self) -> Vec<&str> {
        let reports = self
            .said
            .iter()
            .filter(|line| line.starts_with("WARNING: "));
        reports.filter_map(|line| file(line)).collect()
    }
}

fn file(report: &str) -> Option<&str> {
    report.split_once(" at ")?.1.split(':').next()
}

/// What a log says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// Results, by the names from the suite down to the case and its parameter.
    pub results: BTreeMap<Vec<String>, TestResult>,
    /// Traces, by the name of the case.
    pub traces: BTreeMap<String, Vec<trace::Line>>,
    /// Trace lines that could not be read.
    pub garbled: Vec<String>,
    /// What the kernel said when it died, if it did.
    pub panic: Option<String>,
}

/// Reads a log.
pub fn parse(log: &str) -> Log {
    let mut reader = Reader::default();
    for line in log.lines() {
        reader.line(without_time_stamp(line.trim_end_matches('\r')));
    }
    reader.log
}

/// `[    0.123456] text` or `[    0.123456][  T12] text`, as printk.time=1 prints it.
fn without_time_stamp(line: &str) -> &str {
    let stamp = |text: &str| {
        let inside = text.strip_prefix('[')?;
        let (inside, rest) = inside.split_once(']')?;
        let plain = inside
            .chars()
            .all(|c| c.is_ascii_digit() || " .TC".contains(c));
        (plain && inside.contains(|c: char| c.is_ascii_digit())).then_some(rest.len())
    };
    let mut rest = line;
    while let Some(length) = stamp(rest) {
        rest = &rest[rest.len() - length..];
    }
    if rest.len() == line.len() {
        line
    } else {
        rest.strip_prefix(' ').unwrap_or(rest)
    }
}

#[derive(Default)]
struct Reader {
    log: Log,
    /// The subtests that are open, with the indent of their results.
    open: Vec<(usize, String)>,
    said: Vec<String>,
    case: Option<String>,
}

impl Reader {
    fn line(&mut self, line: &str) {
        let text = line.trim_start_matches(' ');
        let indent = line.len() - text.len();
        if let Some(name) = text.strip_prefix("# Subtest: ") {
            // What was said before is about something else.
            self.said.clear();
            self.open.retain(|&(known, _)| known < indent);
            self.open.push((indent, name.trim_end().to_owned()));
        } else if let Some((_, json)) = text.split_once(trace::PREFIX) {
            self.trace(json);
        } else if let Some((status, name)) = result(text) {
            self.open.retain(|&(known, _)| known <= indent);
            let mut path: Vec<String> = self.open.iter().map(|(_, name)| name.clone()).collect();
            path.push(name.to_owned());
            let said = std::mem::take(&mut self.said);
            self.log.results.insert(path, TestResult { status, said });
        } else if !text.is_empty() {
            if text.contains("Kernel panic - not syncing") {
                self.log.panic.get_or_insert(text.to_owned());
            }
            self.said.push(text.to_owned());
        }
    }

    fn trace(&mut self, json: &str) {
        let header = serde_json::from_str::<trace::Header>(json);
        if let Some(header) = header.ok().filter(|header| header.trace == trace::VERSION) {
            self.log.traces.insert(header.case.clone(), Vec::new());
            self.case = Some(header.case);
            return;
        }
        let lines = self
            .case
            .as_ref()
            .and_then(|case| self.log.traces.get_mut(case));
        match (lines, serde_json::from_str::<trace::Line>(json)) {
            (Some(lines), Ok(line)) => lines.push(line),
            _ => self.log.garbled.push(json.to_owned()),
        }
    }
}

/// `ok 1 name`, `not ok 2 - name`, `ok 3 name # SKIP why`
fn result(text: &str) -> Option<(Status, &str)> {
    let (passed, rest) = match text.strip_prefix("not ok ") {
        Some(rest) => (false, rest),
        None => (true, text.strip_prefix("ok ")?),
    };
    let (number, rest) = rest.split_once(' ')?;
    number.parse::<u32>().ok()?;
    let (name, directive) = rest.split_once('#').unwrap_or((rest, ""));
    let name = name.trim().trim_start_matches("- ");
    let status = match (passed, directive.trim_start().starts_with("SKIP")) {
        (_, true) => Status::Skipped,
        (true, false) => Status::Passed,
        (false, false) => Status::Failed,
    };
    Some((status, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
random: crng init done
[    0.100000] KTAP version 1
[    0.100001] 1..1
[    0.100002]     KTAP version 1
[    0.100003]     # Subtest: devres_unregister
[    0.100004]     1..2
[    0.100005]         KTAP version 1
[    0.100006]         # Subtest: plain_test
[    0.100007]     # plain_test: devres-trace: {\"trace\":1,\"case\":\"unregister/plain/root\"}
[    0.100007]     # plain_test: devres-trace: {\"step\":1,\"line\":9,\"op\":\"register dev\",\"ret\":0,\"devices\":{\"dev\":{\"refs\":1,\"driver\":null}}}
[    0.100007]     # plain_test: devres-trace: {\"step\":
[    0.100008]         ok 1 root
[    0.100009]     # plain_test: EXPECTATION FAILED at x.c:3
[    0.100010]         not ok 2 platform
[    0.100011]     not ok 1 plain_test
[    0.100012]     ok 2 - other_test # SKIP not today
[    0.100013] not ok 1 devres_unregister
";

    fn path(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn results_are_found_by_their_place() {
        let log = parse(LOG);
        let status = |names: &[&str]| log.results[&path(names)].status;
        assert_eq!(
            status(&["devres_unregister", "plain_test", "root"]),
            Status::Passed
        );
        assert_eq!(
            status(&["devres_unregister", "plain_test", "platform"]),
            Status::Failed
        );
        assert_eq!(status(&["devres_unregister", "plain_test"]), Status::Failed);
        assert_eq!(
            status(&["devres_unregister", "other_test"]),
            Status::Skipped
        );
        assert_eq!(status(&["devres_unregister"]), Status::Failed);
        assert_eq!(log.results.len(), 5);
        let said = &log.results[&path(&["devres_unregister", "plain_test", "platform"])].said;
        assert_eq!(said, &["# plain_test: EXPECTATION FAILED at x.c:3"]);
    }

    #[test]
    fn a_trace_is_kept_by_case_and_what_is_garbled_is_not_lost() {
        let log = parse(LOG);
        assert_eq!(log.traces["unregister/plain/root"].len(), 1);
        assert_eq!(log.garbled, ["{\"step\":"]);
    }
}
