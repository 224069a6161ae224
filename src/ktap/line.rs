//! A single line of a log: what stands before it is taken off, and what it is is told.

use super::Status;
use crate::trace;

/// What a line is, as far as a reader of results cares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line<'l> {
    /// `KTAP version 1`, or one of its forerunners.
    Version,
    /// `# Subtest: NAME`
    Subtest(&'l str),
    /// `ok 1 NAME # SKIP WHY`
    Result(Status, &'l str),
    /// A line of a trace, less its prefix.
    Trace(&'l str),
    /// A line of `devres_log()`.
    Devres(super::Devres),
    /// Anything else: diagnostics, plans, and what the kernel says besides.
    Other,
}

pub(super) fn classify(text: &str) -> Line<'_> {
    if ["KTAP version ", "TAP version "]
        .iter()
        .any(|head| text.starts_with(head))
    {
        Line::Version
    } else if let Some(name) = text.trim_start_matches("# ").strip_prefix("Subtest: ") {
        Line::Subtest(name.trim())
    } else if let Some((_, json)) = text.split_once(trace::PREFIX) {
        Line::Trace(json)
    } else if let Some((status, name)) = result(text) {
        Line::Result(status, name)
    } else if let Some(entry) = devres(text) {
        Line::Devres(entry)
    } else {
        Line::Other
    }
}

/// `ok 1 name`, `not ok 2 - name`, `ok 3 name # SKIP why`, `ok 4`: the description is
/// optional, and any directive but SKIP leaves the result as it stands
/// (Documentation/dev-tools/ktap.rst, Linux 7.2).
fn result(text: &str) -> Option<(Status, &str)> {
    let (passed, rest) = match text.strip_prefix("not ok ") {
        Some(rest) => (false, rest),
        None => (true, text.strip_prefix("ok ")?),
    };
    let (number, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    number.parse::<u32>().ok()?;
    let (name, directive) = rest.split_once('#').unwrap_or((rest, ""));
    let name = name.trim().trim_start_matches("- ");
    let directive = directive.split_whitespace().next().unwrap_or_default();
    let status = match passed {
        _ if directive.eq_ignore_ascii_case("SKIP") => Status::Skipped,
        true => Status::Passed,
        false => Status::Failed,
    };
    Some((status, name))
}

/// `DRIVER DEVICE: DEVRES ADD ADDRESS NAME (16 bytes)`, with the bus, the class or nothing
/// where there is no driver.
fn devres(text: &str) -> Option<super::Devres> {
    let (head, entry) = text.split_once(": DEVRES ")?;
    let mut words = entry.split_whitespace();
    let mut word = || words.next().map(str::to_owned);
    Some(super::Devres {
        device: head.rsplit(' ').next()?.to_owned(),
        what: word()?,
        address: word()?,
        name: word()?,
    })
}

/// The line less what consoles and loggers put before it: `<6>`, `[    0.123456][  T12] `,
/// `Nov 23 08:00:00 host kernel: `.
pub(super) fn bare(line: &str) -> &str {
    let line = line.trim_end_matches('\r');
    let line = line.split_once(" kernel: ").map_or(line, |(head, rest)| {
        if head.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            rest
        } else {
            line
        }
    });
    let level = line
        .strip_prefix('<')
        .and_then(|rest| rest.split_once('>'))
        .filter(|(level, _)| level.len() <= 3 && level.bytes().all(|c| c.is_ascii_digit()));
    without_time_stamp(level.map_or(line, |(_, rest)| rest))
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_told_from_other_lines() {
        for (text, expected) in [
            ("ok 1 works", Some((Status::Passed, "works"))),
            ("ok 1 - works", Some((Status::Passed, "works"))),
            ("not ok 12 works", Some((Status::Failed, "works"))),
            (
                "ok 1 works # SKIP not today",
                Some((Status::Skipped, "works")),
            ),
            ("not ok 1 works # skip", Some((Status::Skipped, "works"))),
            ("ok 1 # SKIP", Some((Status::Skipped, ""))),
            (
                "ok 5 two words # rcode=0",
                Some((Status::Passed, "two words")),
            ),
            (
                "not ok 1 works # XFAIL known",
                Some((Status::Failed, "works")),
            ),
            (
                "not ok 1 works # TIMEOUT 30 seconds",
                Some((Status::Failed, "works")),
            ),
            ("ok 7", Some((Status::Passed, ""))),
            ("okay 1 works", None),
            ("ok works", None),
            ("# ok 1 works", None),
        ] {
            assert_eq!(result(text), expected, "{text}");
        }
    }

    #[test]
    fn what_stands_before_a_line_is_taken_off() {
        for line in [
            "    ok 1 works",
            "[    0.100000]     ok 1 works",
            "[    0.100000][   T12]     ok 1 works\r",
            "<6>[    0.100000]     ok 1 works",
            "Nov 23 08:00:00 host kernel: [    0.100000]     ok 1 works",
            "Nov 23 08:00:00 host kernel:     ok 1 works",
        ] {
            assert_eq!(bare(line), "    ok 1 works", "{line}");
        }
        assert_eq!(bare("[drm] ready"), "[drm] ready");
    }

    #[test]
    fn the_kernels_own_log_is_read() {
        let entry = devres("class devres-dev: DEVRES REL 00000000a1b2c3d4 record_x (16 bytes)");
        assert_eq!(
            entry,
            Some(super::super::Devres {
                device: "devres-dev".to_owned(),
                what: "REL".to_owned(),
                address: "00000000a1b2c3d4".to_owned(),
                name: "record_x".to_owned(),
            })
        );
        assert_eq!(devres("devres-dev: said DEVRES"), None);
    }
}
