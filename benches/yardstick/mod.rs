//! Scenarios by the thousand, as alike and as different as those that people write.

use std::fmt::Write as _;

/// How many of them a suite has, if there is nothing to say about that.
pub const A_SUITE: usize = 100;

/// What scenarios do, by turns.
const BODIES: [&[&str]; 8] = [
    &[
        "register dev",
        "action res on dev",
        "unregister dev",
        "expect res ran, dev freed",
    ],
    &[
        "register dev",
        "get dev",
        "action res on dev { put dev }",
        "unregister dev",
        "expect res ran but not run without 699fb50d9903",
        "finally expect dev freed but leaked without 699fb50d9903",
    ],
    &[
        "register dev",
        "action one on dev",
        "action two on dev",
        "unregister dev",
        "expect order two < one",
    ],
    &[
        "register dev",
        "group box on dev",
        "action one on dev",
        "close box",
        "release box",
        "expect one ran",
        "unregister dev",
    ],
    &[
        "register dev",
        "action res on dev",
        "remove res",
        "unregister dev",
        "expect res not run",
    ],
    &[
        "register dev",
        "get dev",
        "unregister dev",
        "expect dev alive",
        "put dev",
        "expect dev freed",
    ],
    &[
        "register dev",
        "action res on dev",
        "action more on dev",
        "get dev",
        "put dev",
        "unregister dev",
        "expect res ran, more ran",
    ],
    &[
        "register dev",
        "action res on dev",
        "release res",
        "expect res ran 1 times",
        "unregister dev",
    ],
];

/// The text of that many scenarios, so many of them in a suite, each on all of the kinds.
pub fn yardstick(scenarios: usize, a_suite: usize, kinds: &str) -> String {
    let mut text = "use kinds\n".to_owned();
    for suite in 0..scenarios / a_suite {
        let _ = write!(text, "\nsuite y{suite} on {kinds} {{\n");
        for number in suite * a_suite..(suite + 1) * a_suite {
            let _ = write!(
                text,
                "\n    /// Number {number}.\n    scenario s{number} {{\n"
            );
            for line in BODIES[number % BODIES.len()] {
                let _ = writeln!(text, "        {line}");
            }
            text += "    }\n";
        }
        text += "}\n";
    }
    text
}
