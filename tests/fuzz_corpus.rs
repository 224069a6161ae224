//! What fuzzing has kept, and a little more of its kind: fuzz/properties.rs says what holds of
//! every text and every log. CONTRIBUTING.md says how the fuzzers are run.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use devres_gen::compile::library;
use devres_gen::sim::{ActionId, DeviceId, DriverId, Errno, Fault, Fix};
use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_oneof};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

#[path = "../fuzz/properties.rs"]
mod properties;

/// The property holds of each file of a corpus.
fn replay(target: &str, property: fn(&[u8])) {
    let entries = fs::read_dir(format!("fuzz/corpus/{target}")).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() > 50, "{} files", paths.len());
    for path in paths {
        // Shown if the test fails: the last one did.
        println!("{}", path.display());
        property(&fs::read(path).unwrap());
    }
}

#[test]
fn texts_that_fuzzing_found_compile_or_are_refused() {
    replay("compile", properties::compile);
}

#[test]
fn texts_that_fuzzing_found_have_one_form() {
    replay("format", properties::format);
}

#[test]
fn logs_that_fuzzing_found_are_read() {
    replay("ktap", properties::ktap);
}

/// `BLESS=1 cargo test --test fuzz_corpus` writes it anew.
#[test]
fn the_dictionary_has_every_word_of_the_grammar() {
    const PATH: &str = "fuzz/devres.dict";
    let grammar = fs::read_to_string("grammar/devres.pest").unwrap();
    let mut words = BTreeSet::new();
    for line in grammar.lines() {
        // Its tokens alone are rules of one string: `kw_use = @{ "use" ~ !letter }`.
        let Some((_, token)) = line.split_once("{ \"") else {
            continue;
        };
        let Some((token, rest)) = token.split_once('"') else {
            continue;
        };
        match rest.trim_start() {
            "~ !letter }" => _ = words.insert(format!("{token} ")),
            "}" => _ = words.insert(token.to_owned()),
            _ => {}
        }
    }
    assert!(words.contains("unregister ") && words.contains("<") && words.len() > 70);
    let kinds = library().kinds;
    let names = kinds.iter().map(|kind| kind.name.as_str());
    let names = names.chain(Errno::NAMES.map(|(name, _)| name));
    let names = names.chain(Fix::ALL.map(Fix::commit));
    let faults = Fault::on_device(DeviceId(0)).chain(Fault::on_driver(DriverId(0)));
    let faults = faults.chain(Fault::on_memory(ActionId(0)));
    let faults: Vec<&str> = faults.filter_map(Fault::name).collect();
    let names = names.chain(faults).chain(["dev", "kinds"]);
    words.extend(names.map(str::to_owned));
    words.extend(["//", "///", "|", "\"", "+1", "-1", "6.12", "\n"].map(str::to_owned));
    let mut dictionary =
        String::from("# Of grammar/devres.pest: tests/fuzz_corpus.rs writes it.\n");
    for word in words {
        let word = word.replace('"', "\\\"").replace('\n', "\\x0a");
        writeln!(dictionary, "\"{word}\"").unwrap();
    }
    if std::env::var_os("BLESS").is_some() {
        fs::write(PATH, &dictionary).unwrap();
    }
    assert_eq!(fs::read_to_string(PATH).unwrap(), dictionary);
}

/// The same cases in every run: what fails today is of today's change.
fn runner(cases: u32) -> TestRunner {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

/// A slip of a hand, at places of a text that is cut into pieces.
#[derive(Clone, Copy, Debug)]
enum Slip {
    Delete(usize),
    Double(usize),
    Swap(usize, usize),
    /// A piece from elsewhere in the place of another one.
    Replace(usize, usize),
}

fn slips() -> impl Strategy<Value = Vec<Slip>> {
    let at = any::<usize>;
    let slip = prop_oneof![
        at().prop_map(Slip::Delete),
        at().prop_map(Slip::Double),
        (at(), at()).prop_map(|(a, b)| Slip::Swap(a, b)),
        (at(), at()).prop_map(|(a, b)| Slip::Replace(a, b)),
    ];
    vec(slip, 1..4)
}

fn slipped(mut pieces: Vec<&str>, slips: &[Slip]) -> String {
    for &slip in slips {
        let count = pieces.len();
        if count == 0 {
            break;
        }
        match slip {
            Slip::Delete(at) => _ = pieces.remove(at % count),
            Slip::Double(at) => pieces.insert(at % count, pieces[at % count]),
            Slip::Swap(a, b) => pieces.swap(a % count, b % count),
            Slip::Replace(a, b) => pieces[a % count] = pieces[b % count],
        }
    }
    pieces.concat()
}

/// A text as words, marks and the white space between them.
fn tokens(text: &str) -> Vec<&str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (token, behind) = rest.split_at(word.max(if word == 0 { first.len_utf8() } else { 0 }));
        tokens.push(token);
        rest = behind;
    }
    tokens
}

fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// Each scenario of scenarios/, in a file of its own.
fn scenarios() -> Vec<String> {
    let mut all = Vec::new();
    for entry in walkdir::WalkDir::new("scenarios").sort_by_file_name() {
        let entry = entry.unwrap();
        if entry.path().extension().is_none_or(|end| end != "devres") {
            continue;
        }
        let text = fs::read_to_string(entry.path()).unwrap();
        // Their form is the canonical one, so that white space tells where one begins and ends.
        let mut suite = String::new();
        let mut scenario: Option<String> = None;
        for line in text.lines() {
            if line.starts_with("suite ") {
                line.clone_into(&mut suite);
            } else if suite.ends_with(',') {
                suite += line;
            }
            if line.starts_with("    scenario ") {
                scenario = Some(String::new());
            }
            let Some(body) = &mut scenario else { continue };
            *body += line;
            body.push('\n');
            if line == "    }" {
                all.push(format!("use kinds\n{suite}\n{body}}}\n"));
                scenario = None;
            }
        }
    }
    assert!(all.len() > 100, "{} scenarios", all.len());
    all
}

fn check_slips(cases: u32, seeds: Vec<String>, cut: fn(&str) -> Vec<&str>, property: fn(&[u8])) {
    let inputs = (proptest::sample::select(seeds), slips());
    let inputs = inputs.prop_map(|(seed, slips)| slipped(cut(&seed), &slips));
    let done = runner(cases).run(&inputs, |text| {
        property(text.as_bytes());
        Ok(())
    });
    done.unwrap_or_else(|why| panic!("{why}"));
}

#[test]
fn scenarios_with_slips_compile_or_are_refused() {
    check_slips(48, scenarios(), tokens, properties::compile);
}

#[test]
fn scenarios_with_slips_have_one_form() {
    check_slips(48, scenarios(), tokens, properties::format);
}

#[test]
fn logs_with_slips_are_read() {
    let logs = ["6.1", "7.2"].map(|name| fs::read_to_string(format!("tests/logs/{name}.log")));
    let logs: Vec<String> = logs.into_iter().map(Result::unwrap).collect();
    check_slips(16, logs.clone(), lines, properties::ktap);
    check_slips(16, logs, tokens, properties::ktap);
}
