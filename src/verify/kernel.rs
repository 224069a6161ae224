//! Building a kernel, by the tree's own kunit.py, and booting it.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use wait_timeout::ChildExt as _;

use super::tree::BUILD;

/// What the kernel printed, in the copy of the tree.
pub(super) const LOG: &str = "devres-gen.log";

/// How long a boot may take.
const TIMEOUT: Duration = Duration::from_secs(120);

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
    for line in text(&built).lines() {
        if line.contains("warning:") && line.contains("base/test/devres/") {
            say(line);
        }
    }
    say(&format!(
        "built in {} s; running",
        start.elapsed().as_secs()
    ));
    let log = boot(&kernel, tree)?;
    if !log.contains("KTAP version 1") {
        return Err(format!("the kernel ran no test:\n{log}"));
    }
    Ok(log)
}

/// Boots user-mode Linux as kunit.py does, but with a file as its console: through a
/// pipe lines are lost, without a word, when the reader is slower than the kernel.
fn boot(kernel: &Path, tree: &Path) -> Result<String, String> {
    let place = tree.join(LOG);
    let failed = |why: std::io::Error| format!("`{}`: {why}", place.display());
    let log = File::create(&place).map_err(failed)?;
    let mut running = Command::new(kernel)
        .current_dir(tree)
        .args(["kunit.filter_glob=devres_*", "kunit.enable=1"])
        .args(["kunit_shutdown=halt", "mem=1G", "console=tty"])
        .stdin(Stdio::null())
        .stderr(log.try_clone().map_err(failed)?)
        .stdout(log)
        .spawn()
        .map_err(|why| format!("`{}`: {why}", kernel.display()))?;
    let ended = running.wait_timeout(TIMEOUT);
    if !matches!(ended, Ok(Some(_))) {
        // Its log says how far it came.
        let _ = running.kill();
        let _ = running.wait();
    }
    let log = fs::read(&place).map_err(failed)?;
    Ok(String::from_utf8_lossy(&log).into_owned())
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
        .stdin(Stdio::null());
    command
        .output()
        .map_err(|why| format!("cannot run python3: {why}"))
}

fn text(output: &Output) -> String {
    let both = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8_lossy(&both).into_owned()
}
