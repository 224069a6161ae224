//! `run` and the generated Rust are the same test: what happens in a case, event for
//! event, does not depend on who drives the simulator.

use std::collections::BTreeMap;
use std::process::Command;

use devres_gen::compile::load;
use devres_gen::emit::names;
use devres_gen::expand;
use devres_gen::run;
use devres_gen::sim::{Model, StoryLine};

/// The generated tests once more, in this binary, so that it can run them by itself.
#[path = "../generated/rust/main.rs"]
mod generated;

/// What each generated test said of each kernel, by its name and that.
fn traces() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--nocapture", "--test-threads=1", "generated::"])
        .env("DEVRES_GEN_TRACE", "1")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    let mut traces: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut name = String::new();
    for line in text.lines() {
        if let Some((_, case)) = line.split_once("devres-trace of generated::") {
            name = case.to_owned();
            traces.insert(name.clone(), vec![]);
        } else if let (Some(event), Some(trace)) = (line.strip_prefix("  "), traces.get_mut(&name))
        {
            trace.push(event.to_owned());
        }
    }
    traces
}

#[test]
fn run_and_the_generated_rust_tell_the_same_story() {
    let mut traces = traces();
    let front = load(&["scenarios".into()]);
    for model in Model::known() {
        for case in expand::cases(&front.unit, model) {
            let name = format!(
                "{}::{}::on_{} on a kernel {model}",
                names::rust_module(&case.suite.name),
                names::rust_module(&case.scenario.name),
                case.kind_use.label(&front.unit)
            );
            let trace = traces.remove(&name);
            let story = run::run(&case).story;
            let column = StoryLine::column(&story);
            let story = story.iter().map(|line| line.lay_out(column));
            assert_eq!(trace, Some(story.collect()), "{name}");
        }
    }
    assert!(traces.is_empty(), "nobody asked for {:?}", traces.keys());
}
