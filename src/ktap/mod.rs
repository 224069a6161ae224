//! What a kernel printed: KTAP results, and the traces between them.
//!
//! The reader takes logs as kernels really print them: boot messages around and
//! between, printk time stamps, results of tests that are not ours.

mod line;

use std::collections::BTreeMap;

use crate::trace;
use line::Line;

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
    /// `WARNING: CPU: 0 PID: 17 at FILE:LINE FUNCTION+0x1c/0x30`, or as of 7.2
    /// `WARNING: FILE:LINE at FUNCTION+0x1c/0x30, CPU#0: NAME/17`.
    pub fn warnings(&self) -> Vec<&str> {
        warnings(&self.said)
    }

    /// What else the kernel complained of meanwhile: see [`Log::alarms`].
    pub fn alarms(&self) -> impl Iterator<Item = &str> {
        let said = self.said.iter().map(String::as_str);
        said.filter(|line| is_alarm(line))
    }
}

fn is_alarm(text: &str) -> bool {
    // A warning of a file is in its place, and may be expected.
    text.starts_with("BUG: ") || text.starts_with("WARNING: ") && file(text).is_none()
}

/// The files that warn, but for what a case has leaked and how that is cleaned up.
fn warnings(said: &[String]) -> Vec<&str> {
    let mut cleans_up = false;
    let mut files = Vec::new();
    for line in said {
        if let Some(begins) = cleanup(line) {
            cleans_up = begins;
        } else if !cleans_up && line.starts_with("WARNING: ") {
            files.extend(file(line));
        }
    }
    files
}

/// Whether a line says that a test begins to clean up what its case has leaked, or has done so.
fn cleanup(line: &str) -> Option<bool> {
    let at = trace::CLEANUP
        .iter()
        .position(|said| line.ends_with(said))?;
    Some(at == 0)
}

fn file(report: &str) -> Option<&str> {
    let mut words = report.split_whitespace();
    let place = words.find_map(|word| {
        let (file, line) = word.split_once(':')?;
        line.parse::<u32>().ok().map(|_| file)
    });
    place.filter(|file| file.contains('.'))
}

/// A line of the kernel's own log of managed resources: `devres_log()` in
/// drivers/base/devres.c (Linux 6.12), with CONFIG_DEBUG_DEVRES and `devres.log=1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Devres {
    /// `dev_name()`
    pub device: String,
    /// `ADD`, `REM` or `REL`.
    pub what: String,
    /// The address of the resource, hashed.
    pub address: String,
    /// What the kernel calls it.
    pub name: String,
}

/// What a log says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// Results, by the names from the suite down to the case and its parameter.
    pub results: BTreeMap<Vec<String>, TestResult>,
    /// `6.12.117`, as the kernel's banner says.
    pub kernel: Option<String>,
    /// Tests that the log has more than once, and not with the same result.
    pub contradictions: Vec<Vec<String>>,
    /// Traces, by the name of the case.
    pub traces: BTreeMap<String, Vec<trace::Line>>,
    /// How many warnings come before each trace, by the name of the case: of a case that
    /// gave up the others are about its clean-up.
    pub warned: BTreeMap<String, usize>,
    /// The kernel's own log up to each case's trace, by the name of the case.
    pub devres: BTreeMap<String, Vec<Devres>>,
    /// Whether the kernel delays releases: `kobject_release()` in lib/kobject.c (Linux 6.12)
    /// says so with CONFIG_DEBUG_KOBJECT_RELEASE.
    pub delayed_releases: bool,
    /// Devices that a case left behind, with its name.
    pub left: Vec<(String, String)>,
    /// Trace lines that could not be read.
    pub garbled: Vec<String>,
    /// Whether tests are heard of.
    pub begun: bool,
    /// What the kernel said when it died, if it did.
    pub panic: Option<String>,
    /// What else the kernel had to complain about: KASAN, lockdep and the like.
    pub alarms: Vec<String>,
}

impl Log {
    /// Whether KASAN is not heard of in it.
    pub fn is_without_kasan(&self) -> bool {
        !self.alarms.iter().any(|alarm| alarm.contains("KASAN"))
    }

    /// Whether the kernel kept a log of managed resources of its own.
    pub fn is_witness(&self) -> bool {
        self.devres.values().any(|entries| !entries.is_empty())
    }
}

/// Reads a log.
pub fn parse(log: &str) -> Log {
    let mut reader = Reader::default();
    for line in log.lines() {
        reader.line(line::bare(line));
    }
    reader.log()
}

/// A test with subtests, known by its number: its name may only come with its result.
struct Open {
    indent: usize,
    test: usize,
}

#[derive(Default)]
struct Reader {
    log: Log,
    open: Vec<Open>,
    /// The names of tests with subtests.
    names: Vec<Option<String>>,
    /// Results in order, below the tests that they are subtests of.
    results: Vec<(Vec<usize>, String, TestResult)>,
    said: Vec<String>,
    devres: Vec<Devres>,
    /// Whether a test cleans up what its case has leaked.
    cleans_up: bool,
    case: Option<String>,
}

impl Reader {
    fn line(&mut self, line: &str) {
        let text = line.trim_start_matches(' ');
        let indent = line.len() - text.len();
        match line::classify(text) {
            Line::Version => self.begin(indent),
            Line::Subtest(name) => {
                // What was said before is about something else.
                self.said.clear();
                self.devres.clear();
                // A version line has begun it, or was lost, or comes from before KTAP.
                let begun = self
                    .open
                    .last()
                    .is_some_and(|open| open.indent == indent && self.names[open.test].is_none());
                if !begun {
                    self.begin(indent);
                }
                if let Some(open) = self.open.last() {
                    self.names[open.test] = Some(name.to_owned());
                }
            }
            Line::Trace(json) => self.trace(json),
            Line::Result(status, name) => self.result(indent, status, name),
            Line::Devres(_) if self.cleans_up => {}
            Line::Devres(entry) => self.devres.push(entry),
            Line::Other => self.other(text),
        }
    }

    fn begin(&mut self, indent: usize) {
        self.log.begun = true;
        self.open.retain(|open| open.indent < indent);
        // Of the document itself nothing is a subtest.
        if indent > 0 {
            self.open.push(Open {
                indent,
                test: self.names.len(),
            });
            self.names.push(None);
        }
    }

    fn result(&mut self, indent: usize, status: Status, name: &str) {
        // The result of what was open closes it, and names it if nothing else has.
        let closed = self.open.iter().position(|open| open.indent > indent);
        if let Some(closed) = closed {
            let test = self.open[closed].test;
            self.names[test].get_or_insert_with(|| name.to_owned());
            self.open.truncate(closed);
        }
        let above = self.open.iter().map(|open| open.test).collect();
        let said = std::mem::take(&mut self.said);
        self.devres.clear();
        self.cleans_up = false;
        self.results
            .push((above, name.to_owned(), TestResult { status, said }));
    }

    fn other(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if let Some(begins) = cleanup(text) {
            self.cleans_up = begins;
        } else if let Some((_, device)) = text.split_once(trace::LEFT) {
            let case = self.case.clone().unwrap_or_default();
            self.log.left.push((case, device.to_owned()));
        } else if let Some(version) = text.strip_prefix("Linux version ") {
            let version = version.split_whitespace().next().map(str::to_owned);
            self.log.kernel = self.log.kernel.take().or(version);
        } else if text.contains(": kobject_release, parent ") && text.contains(" (delayed ") {
            self.log.delayed_releases = true;
        } else if text.contains("Kernel panic - not syncing") {
            self.log.panic.get_or_insert(text.to_owned());
        } else if is_alarm(text) {
            self.log.alarms.push(text.to_owned());
        }
        self.said.push(text.to_owned());
    }

    fn trace(&mut self, json: &str) {
        let header = serde_json::from_str::<trace::Header>(json);
        if let Some(header) = header.ok().filter(|header| header.trace == trace::VERSION) {
            let devres = std::mem::take(&mut self.devres);
            self.log.traces.insert(header.case.clone(), Vec::new());
            self.log.devres.insert(header.case.clone(), devres);
            let warned = warnings(&self.said).len();
            self.log.warned.insert(header.case.clone(), warned);
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

    fn log(mut self) -> Log {
        for (above, name, result) in self.results {
            let above = above.iter().map(|&test| self.names[test].clone());
            let mut path: Vec<String> = above.map(Option::unwrap_or_default).collect();
            path.push(name);
            match self.log.results.get(&path) {
                Some(known) if known.status != result.status => {
                    self.log.contradictions.push(path);
                }
                Some(_) => {}
                None => {
                    self.log.results.insert(path, result);
                }
            }
        }
        self.log
    }
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

    /// The examples of Documentation/dev-tools/ktap.rst in our words: two blanks a level, and
    /// the name of a test only with its result.
    #[test]
    fn subtests_may_be_named_by_their_result_alone() {
        let log = parse(
            "\
TAP version 14
1..2
  KTAP version 1
  1..3
    KTAP version 1
    1..1
    # test_1: begins
    ok 1 test_1
  ok 1 first
    KTAP version 1
    1..2
    ok 1 test_1 # SKIP not today
    not ok 2 test_2
  # test_2 failed
  not ok 2 second
  ok 3
not ok 1 main
  1..0
ok 2 empty # SKIP
",
        );
        let statuses: Vec<(String, Status)> = log
            .results
            .iter()
            .map(|(path, result)| (path.join("/"), result.status))
            .collect();
        let expected = [
            ("empty", Status::Skipped),
            ("main", Status::Failed),
            ("main/", Status::Passed),
            ("main/first", Status::Passed),
            ("main/first/test_1", Status::Passed),
            ("main/second", Status::Failed),
            ("main/second/test_1", Status::Skipped),
            ("main/second/test_2", Status::Failed),
        ];
        assert_eq!(
            statuses,
            expected.map(|(path, status)| (path.to_owned(), status))
        );
    }

    /// A log of two boots: what agrees is one, what does not is told.
    #[test]
    fn two_documents_may_not_contradict_each_other() {
        let other = LOG.replace("ok 1 root", "not ok 1 root");
        assert!(parse(&[LOG, LOG].concat()).contradictions.is_empty());
        assert_eq!(
            parse(&[LOG, &other].concat()).contradictions,
            [path(&["devres_unregister", "plain_test", "root"])]
        );
    }

    #[test]
    fn complaints_of_the_kernel_are_kept() {
        let log = parse(
            "BUG: KASAN: slab-use-after-free in x+0x1/0x2\n\
             WARNING: possible recursive locking detected\n\
             WARNING: CPU: 0 PID: 7 at drivers/base/core.c:12 x+0x1/0x2\n",
        );
        assert_eq!(log.alarms.len(), 2);
    }
}
