//! Building and running a kernel, by the tree's own kunit.py.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Instant;

use super::tree::BUILD;

/// Seconds that a boot may take.
const TIMEOUT: u32 = 300;

/// Builds the kernel with the generated tests, boots it, and returns what it printed.
pub(super) fn run(tree: &Path, say: &dyn Fn(&str)) -> Result<String, String> {
    say("building the kernel (minutes for the first time, seconds later)");
    let start = Instant::now();
    let kernel = tree.join(BUILD).join("linux");
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let built = kunit(tree, "build", &[&format!("--jobs={jobs}")])?;
    if !built.status.success() || !kernel.exists() {
        return Err(format!("the kernel does not build:\n{}", text(&built)));
    }
    say(&format!(
        "built in {} s; running",
        start.elapsed().as_secs()
    ));
    let ran = kunit(
        tree,
        "exec",
        &[
            "--raw_output=all",
            &format!("--timeout={TIMEOUT}"),
            "devres_*",
        ],
    )?;
    let log = text(&ran);
    if !log.contains("KTAP version 1") {
        return Err(format!("the kernel ran no test:\n{log}"));
    }
    Ok(log)
}

fn kunit(tree: &Path, verb: &str, args: &[&str]) -> Result<Output, String> {
    let build = tree.join(BUILD);
    fs::create_dir_all(&build).map_err(|why| format!("`{}`: {why}", build.display()))?;
    let mut command = Command::new("python3");
    command
        .current_dir(tree)
        .args(["tools/testing/kunit/kunit.py", verb])
        .arg(format!("--build_dir={BUILD}"))
        .arg("--kunitconfig=drivers/base/test/devres")
        .args(args)
        .stdin(std::process::Stdio::null());
    command
        .output()
        .map_err(|why| format!("cannot run python3: {why}"))
}

fn text(output: &Output) -> String {
    let both = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8_lossy(&both).into_owned()
}
