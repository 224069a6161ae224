//! What a user waits for most: generated code in the hands of compilers. 1,000 scenarios on five
//! kinds, as Rust and as C.
//!
//!     cargo bench -p devres-gen-benches --bench generated [-- LINUX]
//!
//! With a kernel tree, which has to be of the version that C is made for and gets built, the C as
//! well: it is installed there, built, built once more by itself, and uninstalled.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use devres_gen::compile::{compile, load};
use devres_gen::emit::{Options, OutputFile};
use devres_gen::sim::Model;
use devres_gen::{expand, install, output};
use yardstick::{A_SUITE, yardstick};

mod yardstick;

const SCENARIOS: usize = 1000;
const KINDS: &str = "root, bare, class, platform, auxiliary";

fn run(command: &mut Command) -> f64 {
    let start = Instant::now();
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(status.is_ok_and(|status| status.success()), "{command:?}");
    start.elapsed().as_secs_f64()
}

/// The files of a folder that are called like that.
fn files(folder: &Path, is: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).expect("a folder");
    let paths = files.map(|file| file.expect("a file").path());
    let named = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(&is)
    };
    paths.filter(named).collect()
}

/// What `size` says of the code of these files, in bytes.
fn size_of_text(files: &[PathBuf]) -> usize {
    let output = Command::new("size").args(files).output().expect("binutils");
    let table = String::from_utf8(output.stdout).expect("numbers");
    let texts = table.lines().skip(1).map(|line| {
        let text = line.split_whitespace().next();
        text.and_then(|text| text.parse::<usize>().ok())
    });
    texts.map(|text| text.expect("a number")).sum()
}

fn tell(what: &str, seconds: f64, cases: usize, text: usize) {
    println!(
        "{what:24} {seconds:6.1} s, {:.2} ms and {} bytes of code a case",
        seconds * 1e3 / cases as f64,
        text / cases
    );
}

/// A crate that has the generated tests and nothing else, built twice: first with the simulator.
fn rust(folder: &Path, cases: usize) {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let manifest = format!(
        "[package]\nname = \"generated\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [lib]\npath = \"lib.rs\"\n\n\
         [[test]]\nname = \"lifetimes\"\npath = \"rust/main.rs\"\n\n\
         [dev-dependencies]\n\
         devres-gen = {{ path = {root:?}, default-features = false }}\n\n[workspace]\n"
    );
    fs::write(folder.join("Cargo.toml"), manifest).expect("room");
    fs::write(folder.join("lib.rs"), "").expect("room");
    fs::copy(format!("{root}/Cargo.lock"), folder.join("Cargo.lock")).expect("room");
    let cargo = |arguments: &[&str]| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .args(arguments)
            .current_dir(folder)
            .env("CARGO_TARGET_DIR", folder.join("target"))
            .env("CARGO_INCREMENTAL", "0");
        cargo
    };
    let build = ["test", "--offline", "--no-run", "--test", "lifetimes"];
    run(&mut cargo(&build));
    let built = || {
        files(&folder.join("target/debug/deps"), |name| {
            name.starts_with("lifetimes-") && !name.ends_with(".d")
        })
    };
    for file in built() {
        fs::remove_file(file).expect("ours");
    }
    let seconds = run(&mut cargo(&build));
    tell(
        "cargo test --no-run",
        seconds,
        cases,
        size_of_text(&built()),
    );
    let seconds = run(&mut cargo(&["test", "--offline", "--test", "lifetimes"]));
    println!("{:24} {seconds:6.1} s", "cargo test, then");
}

fn c(tree: &Path, generated: &[OutputFile], cases: usize) {
    install::install(tree, generated).expect("a tree");
    let kunit = tree.join("tools/testing/kunit/kunit.py");
    let config = "--kunitconfig=drivers/base/test/devres";
    run(Command::new(kunit)
        .args(["build", "--build_dir=.kunit", config])
        .current_dir(tree));
    let folder = tree.join(".kunit/drivers/base/test/devres");
    let objects = || files(&folder, |name: &str| name.ends_with(".o"));
    for object in objects() {
        fs::remove_file(object).expect("ours");
    }
    let target = ["ARCH=um", "O=.kunit", "drivers/base/test/devres/"];
    let seconds = run(Command::new("make").args(target).current_dir(tree));
    tell(
        "make, one process",
        seconds,
        cases,
        size_of_text(&objects()),
    );
    install::uninstall(tree).expect("what was installed");
}

fn main() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("yardstick.devres");
    fs::write(&path, yardstick(SCENARIOS, A_SUITE, KINDS)).expect("room");
    let unit = load(&[path]).unit;
    let options = Options::default();
    let files = compile(&unit, &options).expect("no errors");
    output::write(folder.path(), &files).expect("room");
    let of_c = expand::cases(&unit, Model::ALL).count();
    let of_rust = Model::known().count() * of_c;
    println!("{SCENARIOS} scenarios on five kinds, {of_rust} cases of Rust, {of_c} of C");
    rust(folder.path(), of_rust);
    let tree = std::env::args()
        .skip(1)
        .find(|argument| argument != "--bench");
    if let Some(tree) = tree {
        c(Path::new(&tree), &files, of_c);
    }
}
