//! What README and docs/ say is true: their examples compile, and the reference leaves
//! no word of the language out.

use std::fs;

use devres_gen::compile::{compile, load_text};
use devres_gen::emit::Options;
use devres_gen::sim::Fix;

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

#[test]
fn every_example_compiles_and_holds() {
    let mut count = 0;
    for path in ["README.md", "docs/language.md"] {
        for (line, example) in examples(path) {
            let front = load_text(path, &example);
            assert!(
                front.diagnostics.is_empty(),
                "{path}:{line}: {:?}",
                front.diagnostics
            );
            compile(&front.unit, &Options::default()).unwrap();
            for model in [devres_gen::sim::Model::ALL]
                .into_iter()
                .chain(Fix::ALL.map(|fix| devres_gen::sim::Model::ALL.without(fix)))
            {
                for case in devres_gen::expand::cases(&front.unit, model) {
                    let run = devres_gen::run::run(&case);
                    assert!(run.passed(), "{path}:{line}: {} {model}", case.name());
                }
            }
            count += 1;
        }
    }
    assert!(count >= 6, "only {count} examples were found");
}

/// Every keyword of the grammar stands in the reference, as code.
#[test]
fn the_reference_has_every_word_of_the_grammar() {
    let grammar = fs::read_to_string("grammar/devres.pest").unwrap();
    let reference = fs::read_to_string("docs/language.md").unwrap();
    let mut code = String::new();
    for (index, piece) in reference.split('`').enumerate() {
        if index % 2 == 1 {
            code += piece;
            code.push(' ');
        }
    }
    let words: Vec<&str> = code
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .collect();
    let mut count = 0;
    for line in grammar.lines().filter(|line| line.starts_with("kw_")) {
        let keyword = line.split('"').nth(1).unwrap();
        assert!(
            words.contains(&keyword),
            "docs/language.md does not mention `{keyword}`"
        );
        count += 1;
    }
    assert!(count > 20);
    for fix in Fix::ALL {
        assert!(reference.contains(fix.commit()) && reference.contains(fix.title()));
    }
}

/// The example of docs/trace.md is what `run --trace` prints first.
#[test]
fn the_example_of_a_trace_is_real() {
    let front = devres_gen::compile::load(&["scenarios/unregister.devres".into()]);
    let case = devres_gen::expand::cases(&front.unit, devres_gen::sim::Model::ALL)
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
    use devres_gen::codes::Code;
    // What no small example of a source can show.
    let without = [
        Code::TooDeep,
        Code::Limit,
        Code::Expectation,
        Code::Unreadable,
        Code::NotUtf8,
        Code::NoScenarios,
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
        let codes: Vec<Code> = load_text("errors.md", example)
            .diagnostics
            .iter()
            .map(|d| d.code)
            .collect();
        assert!(
            !codes.is_empty() && codes.iter().all(|&shown| shown == code),
            "{code}: {codes:?}"
        );
    }
}
