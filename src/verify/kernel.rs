//! Building a kernel, by the tree's own kunit.py, and booting it.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use wait_timeout::ChildExt as _;
use walkdir::WalkDir;

use crate::identity::hex;

/// What the kernel printed, in the copy of the tree.
pub(super) const LOG: &str = "devres-gen.log";

/// How long a boot may take.
const TIMEOUT: Duration = Duration::from_secs(300);

/// How often to say how far the build is.
const PROGRESS: Duration = Duration::from_secs(30);

/// Which kernel is made of a tree: what is handed on to kunit.py.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// `--arch`; user-mode Linux if there is none.
    pub arch: Option<String>,
    /// `--kconfig_add`, each.
    pub kconfig_add: Vec<String>,
    /// `--build_dir`: one within the copy of the tree, or an absolute path. If there is
    /// none, each architecture and configuration gets one of its own.
    pub build_dir: Option<PathBuf>,
}

impl Setup {
    /// kunit.py's own default for a stock kernel. It lies within the tree, for kbuild then
    /// uses relative paths only, and a copy needs no rebuild.
    pub(super) fn build_dir(&self) -> PathBuf {
        let mut what = self.kconfig_add.clone();
        what.extend(self.arch.clone());
        match &self.build_dir {
            Some(folder) => folder.clone(),
            None if what.is_empty() => ".kunit".into(),
            None => {
                let digest = Sha256::digest(what.join("\n"));
                format!(".kunit-{}", hex(&digest[..4])).into()
            }
        }
    }

    fn kunit(&self, tree: &Path, verb: &str) -> Command {
        let mut command = Command::new("python3");
        command
            .current_dir(tree)
            .args(["tools/testing/kunit/kunit.py", verb])
            .arg(format!("--build_dir={}", self.build_dir().display()))
            .args(self.arch.iter().map(|arch| format!("--arch={arch}")));
        command
    }
}

/// Builds the kernel with the generated tests, boots it, and returns what it printed.
pub(super) fn run(
    tree: &Path,
    setup: &Setup,
    args: &[&str],
    say: &dyn Fn(&str),
) -> Result<String, String> {
    run_within(tree, setup, args, TIMEOUT, say).map(|(log, _)| log)
}

/// The same within that time, and whether the kernel came back by itself.
pub(super) fn run_within(
    tree: &Path,
    setup: &Setup,
    args: &[&str],
    timeout: Duration,
    say: &dyn Fn(&str),
) -> Result<(String, bool), String> {
    build(tree, setup, say)?;
    let log = tree.join(LOG);
    let ended = if setup.arch.is_some() {
        let mut command = setup.kunit(tree, "exec");
        let args = args.iter().map(|arg| format!("--kernel_args={arg}"));
        command
            .arg("--raw_output=all")
            .arg(format!("--timeout={}", timeout.as_secs()))
            .args(args);
        record(&mut command, &log, 2 * timeout)
    } else {
        // As kunit.py does, but with a file as the console: through a pipe user-mode Linux
        // loses lines, without a word, when the reader is slower than the kernel.
        let mut command = Command::new(tree.join(setup.build_dir()).join("linux"));
        command
            .current_dir(tree)
            .args(["kunit.enable=1", "kunit_shutdown=halt", "mem=1G"])
            .arg("console=tty")
            .args(args);
        record(&mut command, &log, timeout)
    }?;
    if !ended {
        say(&format!(
            "the kernel did not halt within {} s, and was killed",
            timeout.as_secs()
        ));
    }
    let log = text(&log)?;
    if !log.contains("KTAP version 1") {
        return Err(format!("the kernel ran no test:\n{log}"));
    }
    Ok((log, ended))
}

/// Whether the kernel was built with that line of a configuration.
pub(super) fn is_configured(tree: &Path, setup: &Setup, option: &str) -> Result<bool, String> {
    let config = text(&tree.join(setup.build_dir()).join(".config"))?;
    Ok(config.lines().any(|line| line == option))
}

/// Tells how far it is, and of each warning about the emitted C.
fn build(tree: &Path, setup: &Setup, say: &dyn Fn(&str)) -> Result<(), String> {
    let folder = tree.join(setup.build_dir());
    fs::create_dir_all(&folder).map_err(|why| format!("`{}`: {why}", folder.display()))?;
    let place = folder.join("devres-gen-build.log");
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let options = setup.kconfig_add.iter();
    let mut command = setup.kunit(tree, "build");
    command
        .arg(format!("--jobs={jobs}"))
        .arg("--kunitconfig=drivers/base/test/devres")
        .args(options.map(|option| format!("--kconfig_add={option}")));
    say("building the kernel (minutes for the first time, seconds later)");
    let start = Instant::now();
    let mut running = start_into(&mut command, &place)?;
    let built = loop {
        let ended = running.wait_timeout(PROGRESS);
        if let Some(status) = ended.map_err(|why| format!("python3: {why}"))? {
            break status;
        }
        say(&format!(
            "{} s, {} objects",
            start.elapsed().as_secs(),
            objects(&folder)
        ));
    };
    let said = text(&place)?;
    if !built.success() {
        return Err(format!("the kernel does not build:\n{said}"));
    }
    let ours = |line: &&str| line.contains("warning:") && line.contains("base/test/devres/");
    said.lines().filter(ours).for_each(say);
    say(&format!(
        "built in {} s; running",
        start.elapsed().as_secs()
    ));
    Ok(())
}

fn objects(folder: &Path) -> usize {
    let files = WalkDir::new(folder).into_iter().flatten();
    let object = |path: &Path| path.extension() == Some(OsStr::new("o"));
    files.filter(|entry| object(entry.path())).count()
}

/// Whether the program ended by itself within that time; what it said is in the file.
fn record(command: &mut Command, place: &Path, within: Duration) -> Result<bool, String> {
    let mut running = start_into(command, place)?;
    if matches!(running.wait_timeout(within), Ok(Some(_))) {
        return Ok(true);
    }
    let _ = running.kill();
    let _ = running.wait();
    Ok(false)
}

fn start_into(command: &mut Command, place: &Path) -> Result<std::process::Child, String> {
    let failed = |why: std::io::Error| format!("`{}`: {why}", place.display());
    let log = File::create(place).map_err(failed)?;
    command
        .stdin(Stdio::null())
        .stderr(log.try_clone().map_err(failed)?)
        .stdout(log)
        .spawn()
        .map_err(|why| format!("cannot run {}: {why}", command.get_program().display()))
}

fn text(place: &Path) -> Result<String, String> {
    let bytes = fs::read(place).map_err(|why| format!("`{}`: {why}", place.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Changing back and forth between configurations must rebuild nothing.
    #[test]
    fn each_configuration_has_a_build_folder_of_its_own() {
        let with = |arch: Option<&str>, options: &[&str]| {
            let setup = Setup {
                arch: arch.map(str::to_owned),
                kconfig_add: options.iter().map(|&option| option.to_owned()).collect(),
                build_dir: None,
            };
            setup.build_dir()
        };
        let stock = with(None, &[]);
        let kasan = with(None, &["CONFIG_KASAN=y"]);
        let other = with(Some("x86_64"), &["CONFIG_KASAN=y"]);
        assert_eq!(stock, PathBuf::from(".kunit"));
        assert_eq!(kasan, with(None, &["CONFIG_KASAN=y"]));
        assert!(stock != kasan && kasan != other && stock != other);
        let named = Setup {
            build_dir: Some("here".into()),
            ..Setup::default()
        };
        assert_eq!(named.build_dir(), PathBuf::from("here"));
    }
}
