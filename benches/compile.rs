//! `compile` beside what its libraries take at least: 10,000 generated scenarios on three kinds.
//!
//!     cargo bench -p devres-gen-benches --bench compile
//!
//! Each part is run in turn, several times over, and the medians are compared, so that what else
//! the machine does meanwhile is shared by all.

// What pest's parsers name where it does without std, as it does in the tool.
extern crate alloc;

mod yardstick;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use devres_gen::compile::{compile, load, texts};
use devres_gen::emit::{Options, OutputFile};
use devres_gen::ir::Unit;
use devres_gen::sim::Model;
use devres_gen::{expand, output, run};
use pest::Parser as _;
use yardstick::{A_SUITE, yardstick};

/// Scenarios, and what they are on.
const SCENARIOS: usize = 10_000;
const KINDS: &str = "root, bare, platform";

/// How often each part is run; the median counts.
const RUNS: usize = 7;

#[derive(pest_derive::Parser)]
#[grammar = "floor.pest"]
struct Floor;

/// Tokens by the small grammar, each of them looked at.
fn floor(text: &str) -> usize {
    let file = Floor::parse(Rule::file, text).expect("the yardstick is made of tokens");
    file.flatten().map(|pair| pair.as_str().len()).sum()
}

fn write_plainly(folder: &Path, files: &[OutputFile]) {
    for file in files {
        let path = folder.join(&file.path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, &file.text).expect("room");
    }
}

fn cases(unit: &Unit) -> usize {
    let runs = expand::cases(unit, Model::ALL)
        .flat_map(|case| run::judge_on(&case, Model::known()))
        .map(|run| usize::from(run.passed()));
    runs.sum()
}

fn timed<R>(times: &mut Vec<Duration>, f: impl FnOnce() -> R) -> R {
    let start = Instant::now();
    let result = f();
    times.push(start.elapsed());
    result
}

/// Whether it is linear, in scenarios and in suites.
fn shapes(folder: &Path) {
    let path = folder.join("shapes.devres");
    let each = |scenarios: usize, a_suite: usize| {
        fs::write(&path, yardstick(scenarios, a_suite, "root")).expect("room");
        let mut times = Vec::new();
        timed(&mut times, || {
            let unit = load(std::slice::from_ref(&path)).unit;
            compile(&unit, &Options::default()).expect("no errors")
        });
        times[0].as_secs_f64() / scenarios as f64
    };
    const FEW: usize = 1_000;
    const MANY: usize = 8 * FEW;
    for (what, few, many) in [
        ("one suite", each(FEW, FEW), each(MANY, MANY)),
        ("a suite each", each(FEW, 1), each(MANY, 1)),
    ] {
        println!(
            "{what:34} {:7.1} us a scenario of {FEW}, {:.1} us of {MANY}",
            few * 1e6,
            many * 1e6
        );
    }
}

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("yardstick.devres");
    let text = yardstick(SCENARIOS, A_SUITE, KINDS);
    fs::write(&path, &text).expect("room");
    let paths: [PathBuf; 1] = [path];
    let mut parts: [Vec<Duration>; 7] = Default::default();
    let mut sizes = (0, 0);
    for number in 0..RUNS {
        let [small, parse, front, simulate, emit, plain, write] = &mut parts;
        timed(small, || floor(&text));
        let parsed = timed(parse, || texts(&paths));
        assert!(parsed.diagnostics.is_empty());
        let unit = timed(front, || load(&paths)).unit;
        sizes.0 = timed(simulate, || cases(&unit));
        let files = timed(emit, || compile(&unit, &Options::default())).expect("no errors");
        sizes.1 = files.iter().map(|file| file.text.len()).sum();
        let out = |name: &str| folder.path().join(format!("{name}{number}"));
        timed(plain, || write_plainly(&out("plain"), &files));
        timed(write, || output::write(&out("ours"), &files)).expect("room");
        // Or the disk is given more than it takes in time, and everything waits for it.
        for name in ["plain", "ours"] {
            fs::remove_dir_all(out(name)).expect("removed");
        }
    }
    let [small, parse, front, simulate, emit, plain, write] = parts.map(|mut times| {
        times.sort();
        times[RUNS / 2].as_secs_f64()
    });
    let megabytes = |bytes: usize| bytes as f64 / 1e6;
    println!(
        "{SCENARIOS} scenarios, {} cases on all kernels, {:.1} MB in, {:.1} MB out",
        sizes.0,
        megabytes(text.len()),
        megabytes(sizes.1)
    );
    let line =
        |what: &str, time: f64, more: &str| println!("{what:34} {:7.1} ms  {more}", time * 1e3);
    let rate = |bytes: usize, time: f64| format!("{:.0} MB/s", megabytes(bytes) / time);
    line("pest, a small grammar", small, &rate(text.len(), small));
    line(
        "source to AST",
        parse,
        &format!("{:.1} times that", parse / small),
    );
    line("source to IR, checked", front, "");
    let each = format!(
        "{:.2} million cases a second",
        sizes.0 as f64 / simulate / 1e6
    );
    line("every case on the simulator, alone", simulate, &each);
    line("IR to C and Rust", emit, &rate(sizes.1, emit));
    line("the files, written plainly", plain, &rate(sizes.1, plain));
    line(
        "the files, written as ours",
        write,
        &format!("{:.1} times that", write / plain),
    );
    shapes(folder.path());
    let whole = front + emit + write;
    line(
        "the whole",
        whole,
        &format!("{:.1} times pest and writing", whole / (small + plain)),
    );
}
