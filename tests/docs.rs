//! What README and docs/ say is true: their examples compile, and the reference leaves
//! no word and no construct of the language out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use devres_gen::codes::Code;
use devres_gen::compile::{bricks, compile, load_text};
use devres_gen::diagnostic::Diagnostic;
use devres_gen::emit::{Options, TARGET, parts, rust};
use devres_gen::explore::{Limits, Question, all_kinds};
use devres_gen::ir::{CKey, Unit};
use devres_gen::sim::{ActionId, DeviceId, DriverId, Errno, Fault, Fix, Model, Warning};
use devres_gen::{expand, run};

/// The fenced blocks of a document that are scenario files, with their line.
fn examples(path: &str) -> Vec<(usize, String)> {
    let text = fs::read_to_string(path).unwrap();
    let mut examples: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (line, number) in text.lines().zip(1..) {
        match line.trim() {
            "```devres" => {
                open = true;
                examples.push((number, String::new()));
            }
            "```" => open = false,
            _ if open => {
                let example = &mut examples.last_mut().unwrap().1;
                example.push_str(line);
                example.push('\n');
            }
            _ => {}
        }
    }
    examples
}

/// Whether all that the emitter of C complains of is kinds that have none: such an example
/// runs on the simulator only.
fn is_for_want_of_c(unit: &Unit, refused: &[Diagnostic]) -> bool {
    let without: Vec<String> = unit
        .kinds
        .iter()
        .filter(|kind| kind.c.is_none())
        .map(|kind| format!("kind `{}` has no C", kind.name))
        .collect();
    refused
        .iter()
        .all(|why| why.code == Code::Inability && without.contains(&why.message))
}

#[test]
fn every_example_compiles_and_holds() {
    let (mut count, mut without_c) = (0, 0);
    for path in ["README.md", "docs/language.md"] {
        for (line, example) in examples(path) {
            let front = load_text(path, &example);
            assert!(
                front.diagnostics.is_empty(),
                "{path}:{line}: {:?}",
                front.diagnostics
            );
            if let Err(refused) = compile(&front.unit, &Options::default()) {
                assert!(
                    is_for_want_of_c(&front.unit, &refused),
                    "{path}:{line}: {refused:?}"
                );
                rust::emit(&front.unit, &Options::default());
                without_c += 1;
            }
            for model in Model::known() {
                for case in devres_gen::expand::cases(&front.unit, model) {
                    let run = devres_gen::run::run(&case);
                    assert!(run.passed(), "{path}:{line}: {} {model}", case.name());
                }
            }
            count += 1;
        }
    }
    assert!(count >= 20, "only {count} examples were found");
    assert!(without_c <= 2, "{without_c} of {count} examples have no C");
}

/// The examples of the reference show the form that `fmt` lays down.
#[test]
fn the_examples_are_in_canonical_form() {
    for (line, example) in examples("docs/language.md") {
        assert_eq!(
            devres_gen::syntax::format(&example),
            example,
            "docs/language.md:{line}"
        );
    }
}

/// Rules of the grammar that are no construct of their own: white space, punctuation,
/// words, and what the tokens of several constructs are made of.
const TOKENS: &[&str] = &[
    "WHITESPACE",
    "comment",
    "eol",
    "line_end",
    "nl",
    "end",
    "brace_open",
    "brace_close",
    "comma",
    "colon",
    "semicolon",
    "less",
    "dot",
    "letter",
    "without_subject",
    "name",
    "commit",
    "number",
    "more",
    "errno",
    "linux",
    "quoted",
    "doc_line",
    "c_text",
];

/// Rules that only name what may stand in a list, each of which is a construct itself.
const LISTS: &[&str] = &[
    "item",
    "good_item",
    "kind_entry",
    "good_kind_entry",
    "c_entry",
    "suite_entry",
    "good_suite_entry",
    "driver_entry",
    "good_driver_entry",
    "statement",
    "good_statement",
    "rarer_statement",
];

/// Rules by which the parser finds its way after an error.
const RECOVERY: &[&str] = &[
    "more_items",
    "bad_item",
    "bad_entry",
    "bad_c_entry",
    "bad_documented",
    "bad_driver_entry",
    "bad_statement",
    "documented",
    "junk",
    "junk_tail",
    "bad_piece",
    "block_junk",
    "plain_junk",
    "comment_junk",
    "comma_junk",
    "line_string_junk",
    "alone_item",
    "alone_kind_entry",
    "alone_c_entry",
    "alone_suite_entry",
    "alone_driver_entry",
    "alone_statement",
];

/// The rules of the grammar with their definitions.
fn rules() -> BTreeMap<String, String> {
    let grammar = fs::read_to_string("grammar/devres.pest").unwrap();
    let mut rules: BTreeMap<String, String> = BTreeMap::new();
    let mut current = String::new();
    for line in grammar.lines().filter(|line| !line.starts_with("//")) {
        let (name, definition) = match line.split_once('=') {
            Some((name, definition)) if !line.starts_with([' ', '}']) => {
                current = name.trim().to_owned();
                assert!(is_word(&current), "no rule: {line}");
                (&current, definition)
            }
            _ => (&current, line),
        };
        if !name.is_empty() {
            *rules.entry(name.clone()).or_default() += definition;
        }
    }
    rules
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
}

/// The keyword that a rule such as `kw_get` stands for.
fn keyword<'r>(rules: &'r BTreeMap<String, String>, rule: &str) -> &'r str {
    rules[rule].split('"').nth(1).unwrap()
}

/// What stands between backticks, outside of examples.
fn code(text: &str) -> String {
    let inside = text.split('`').skip(1).step_by(2);
    inside.map(|piece| format!("{piece} ")).collect()
}

/// The pieces of the reference that say one thing each, examples left out: the rows of
/// its tables, the items of its lists, and its paragraphs.
fn pieces(path: &str) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let mut pieces = vec![String::new()];
    let mut in_example = false;
    for line in text.lines() {
        if line.starts_with("```") {
            in_example = !in_example;
        }
        if in_example || line.starts_with("```") {
            continue;
        }
        if line.is_empty() || line.starts_with(['|', '-', '#']) {
            pieces.push(String::new());
        }
        let piece = pieces.last_mut().unwrap();
        piece.push_str(line);
        piece.push('\n');
    }
    pieces
}

/// Every keyword of the grammar stands in the reference, as code, and in an example.
#[test]
fn the_reference_has_every_word_of_the_grammar() {
    let rules = rules();
    let reference = pieces("docs/language.md").concat();
    let code = code(&reference);
    let said: BTreeSet<&str> = words(&code).collect();
    let examples: String = examples("docs/language.md")
        .iter()
        .flat_map(|(_, example)| example.lines())
        .map(|line| line.split("//").next().unwrap().split('|').next().unwrap())
        .fold(String::new(), |all, line| all + line + "\n");
    let shown: BTreeSet<&str> = words(&examples).collect();
    let mut count = 0;
    for rule in rules.keys().filter(|rule| rule.starts_with("kw_")) {
        let keyword = keyword(&rules, rule);
        assert!(
            said.contains(keyword),
            "docs/language.md does not mention `{keyword}`"
        );
        assert!(
            shown.contains(keyword),
            "no example of docs/language.md has `{keyword}`"
        );
        count += 1;
    }
    assert!(count > 50);
    for fix in Fix::ALL {
        assert!(reference.contains(fix.commit()) && reference.contains(fix.title()));
    }
}

/// Every construct of the grammar is described in one place of the reference, which says so
/// in a comment, `<!-- rule: NAME -->`, and has the construct's keywords as code.
#[test]
fn the_reference_describes_every_construct_of_the_grammar() {
    let rules = rules();
    let others: Vec<&str> = [TOKENS, LISTS, RECOVERY].concat();
    for &name in &others {
        assert!(rules.contains_key(name), "the grammar has no rule `{name}`");
    }
    let mut constructs: BTreeSet<&str> = rules
        .keys()
        .map(String::as_str)
        .filter(|name| !name.starts_with("kw_") && !others.contains(name))
        .collect();
    let count = constructs.len();
    assert!(count > 50, "only {count} constructs were found");
    for piece in pieces("docs/language.md") {
        let code = code(&piece);
        let said: Vec<&str> = words(&code).collect();
        for comment in piece.split("<!--").skip(1) {
            let name = comment
                .split_once("-->")
                .and_then(|(inside, _)| inside.trim().strip_prefix("rule: "));
            let name = name.unwrap_or_else(|| panic!("which rule? {comment}"));
            assert!(
                constructs.remove(name),
                "docs/language.md: `{name}` is no construct of the grammar, or is described twice"
            );
            for rule in words(&rules[name]).filter(|word| word.starts_with("kw_")) {
                let keyword = keyword(&rules, rule);
                assert!(
                    said.contains(&keyword),
                    "docs/language.md describes `{name}` without `{keyword}`:\n{piece}"
                );
            }
        }
    }
    assert!(
        constructs.is_empty(),
        "docs/language.md does not describe {constructs:?}: say `<!-- rule: NAME -->` where it does"
    );
}

/// The reference lists the words that cannot be names, those and no others.
#[test]
fn the_reference_lists_the_reserved_words() {
    let parser = fs::read_to_string("src/syntax/parse.rs").unwrap();
    let (_, list) = parser.split_once("pub fn is_keyword(").unwrap();
    let (list, _) = list.split_once("\n}").unwrap();
    let reserved: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
    assert!(reserved.len() > 50);
    let reference = fs::read_to_string("docs/language.md").unwrap();
    let (_, listed) = reference
        .split_once("\nThe words that cannot be names")
        .unwrap();
    let listed = listed.split('`').nth(1).unwrap();
    assert_eq!(listed.split_whitespace().collect::<Vec<_>>(), reserved);
}

/// What scenarios can name is listed: errors, faults, kinds, and the sections of a kind's C.
#[test]
fn the_reference_lists_what_scenarios_can_name() {
    let reference = pieces("docs/language.md").concat();
    let row = |first: &str| reference.contains(&format!("\n| `{first}` |"));
    for (name, _) in Errno::NAMES {
        assert!(reference.contains(&format!("`{name}`")), "{name}");
    }
    let on_devices = Fault::on_device(DeviceId(0)).map(|fault| (fault, "device"));
    let on_drivers = Fault::on_driver(DriverId(0)).map(|fault| (fault, "driver"));
    let on_memory = Fault::on_memory(ActionId(0)).map(|fault| (fault, "memory, resource"));
    for (fault, on) in on_devices.chain(on_drivers).chain(on_memory) {
        let name = fault.name().unwrap();
        assert!(
            reference.contains(&format!("\n| `{name}` | {on} |")),
            "{name} on a {on}"
        );
    }
    for warning in Warning::ALL {
        let function = warning.function();
        assert!(reference.contains(&format!("`{function}()`")), "{function}");
    }
    let library = devres_gen::compile::library();
    assert!(!library.kinds.is_empty());
    for kind in &library.kinds {
        assert!(row(&kind.name), "kind {}", kind.name);
    }
    for key in CKey::ALL {
        assert!(row(key.as_str()), "section {}", key.as_str());
    }
}

/// docs/bugs.md has every commit that the corpus of known bugs is about, and every suite of it.
#[test]
fn the_list_of_bugs_is_that_of_the_corpus() {
    let list = fs::read_to_string("docs/bugs.md").unwrap();
    let known = list.split("\n## Not to be").next().unwrap();
    let commits = |text: &str| -> BTreeSet<String> {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric());
        let is_commit = |word: &&str| {
            word.len() == 12
                && word.bytes().all(|b| b.is_ascii_hexdigit())
                && word.contains(|c: char| c.is_ascii_digit())
        };
        words.filter(is_commit).map(str::to_owned).collect()
    };
    let mut files: Vec<_> = fs::read_dir("scenarios/bugs").unwrap().collect();
    files.sort_by_key(|file| file.as_ref().unwrap().path());
    let text: String = files
        .into_iter()
        .map(|file| fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    assert_eq!(commits(&text), commits(known));
    assert!(commits(known).len() >= 15);
    for line in text.lines().filter_map(|line| line.strip_prefix("suite ")) {
        let name = line.split(' ').next().unwrap();
        assert!(known.contains(&format!("`{name}`")), "{name}");
    }
}

/// Each program of docs/findings.md breaks its contract, or runs into a fault, on a kernel with
/// all fixes; and there is a program for each cause that an exploration finds.
#[test]
fn findings_are_as_told() {
    let mut told = 0;
    for (line, text) in examples("docs/findings.md") {
        let front = load_text("findings.devres", &text);
        let faults = front.diagnostics.iter().filter(|d| d.code == Code::Fault);
        let faults = faults.count();
        told += front
            .unit
            .suites
            .iter()
            .map(|suite| suite.scenarios.len())
            .sum::<usize>();
        if faults > 0 {
            assert_eq!(faults, front.unit.suites[0].scenarios.len(), "line {line}");
            continue;
        }
        assert!(
            front.diagnostics.is_empty(),
            "line {line}: {:?}",
            front.diagnostics
        );
        for case in expand::cases(&front.unit, Model::ALL) {
            assert!(!run::run(&case).passed(), "line {line}: {}", case.name());
        }
    }
    let unit = bricks(&[]).unit;
    let question = Question {
        unit: &unit,
        kinds: &all_kinds(&unit),
        models: [Model::ALL],
        limits: Limits {
            depth: 6,
            points: 1_000_000,
            threads: 2,
            wanted: 0,
        },
        reduced: true,
    };
    let found = question.explore(None, None, &mut |_| true).unwrap();
    let causes: Vec<&str> = found
        .findings
        .iter()
        .map(|found| found.cause.as_str())
        .collect();
    assert_eq!(causes.len(), told, "{causes:#?}");
}

/// The example of docs/trace.md is what `run --trace` prints first.
#[test]
fn the_example_of_a_trace_is_real() {
    let front = devres_gen::compile::load(&["scenarios/unregister.devres".into()]);
    let case = devres_gen::expand::cases(&front.unit, Model::ALL)
        .next()
        .unwrap();
    let mut trace = format!(
        "    {}\n",
        devres_gen::trace::Header::new(case.name()).to_json()
    );
    for line in devres_gen::run::run(&case).trace {
        trace += &format!("    {}\n", line.to_json());
    }
    let document = fs::read_to_string("docs/trace.md").unwrap();
    assert!(
        document.ends_with(&trace),
        "docs/trace.md should end with:\n{trace}"
    );
}

/// Each code is explained, and its example shows just that code.
#[test]
fn every_code_is_explained_by_an_example_that_shows_it() {
    // What no small example of a source can show.
    let without = [
        Code::TooDeep,
        Code::Limit,
        Code::Expectation,
        Code::Unreadable,
        Code::NotUtf8,
        Code::NoScenarios,
        Code::TooLarge,
    ];
    for &code in Code::ALL {
        let text = code.explanation();
        assert!(
            text.starts_with(&format!("{code}: ")),
            "docs/errors.md does not explain {code}"
        );
        let example = text
            .split("```devres\n")
            .nth(1)
            .and_then(|rest| rest.split("```").next());
        assert_eq!(example.is_none(), without.contains(&code), "{code}");
        let Some(example) = example else { continue };
        let front = load_text("errors.md", example);
        let emitting = parts::warnings(&front.unit, TARGET);
        let said = front.diagnostics.iter().chain(&emitting);
        let codes: Vec<Code> = said.map(|d| d.code).collect();
        assert!(
            !codes.is_empty() && codes.iter().all(|&shown| shown == code),
            "{code}: {codes:?}"
        );
    }
}

/// docs/kinds.md is what the program says of its kinds: `UPDATE_EXPECT=1 cargo test --test docs`.
#[test]
fn the_page_of_kinds_is_up_to_date() {
    let page = devres_gen::kinds::page(&devres_gen::compile::library());
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/kinds.md");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(path, &page).unwrap();
    }
    assert_eq!(fs::read_to_string(path).unwrap(), page);
}
