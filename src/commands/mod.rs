//! The subcommands, and what they share: loading sources and saying what is wrong.

mod ask;
mod compile;
mod cover;
mod explore;
mod fmt;
mod install;
mod list;
mod matrix;
mod messages;
mod random;
mod run;
mod verify;

use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use crate::cli::{Cli, Command};
use devres_gen::codes::Code;
use devres_gen::compile::{Error, Front, load_part};
use devres_gen::diagnostic::has_errors;
use devres_gen::emit::parts;
use devres_gen::ir::{Linux, Unit};
use devres_gen::select::Selection;
use messages::{report, say};

/// Everything is as it should be.
const WELL: ExitCode = ExitCode::SUCCESS;
/// Something is not as it should be: a case, a file, a kernel.
const NOT_WELL: u8 = 1;
/// The input cannot be understood.
const BAD_INPUT: u8 = 2;

/// Runs the command.
pub fn run(cli: &Cli) -> ExitCode {
    messages::choose(cli.message_format);
    let done = match &cli.command {
        Command::Compile(args) => compile::compile(args),
        Command::Fmt(args) => fmt::fmt(args),
        Command::Ask(args) => ask::ask(args),
        Command::Run(args) => run::run(args),
        Command::Matrix(args) => matrix::matrix(args),
        Command::Explore(args) => explore::explore(args),
        Command::Random(args) => random::random(args),
        Command::Verify(args) => verify::verify(args),
        Command::Install(args) => install::install(args),
        Command::Uninstall(args) => install::uninstall(args),
        Command::Explain(args) => list::explain(args),
        Command::Kinds(args) => list::kinds(args),
        Command::Fixes => list::fixes(),
    };
    done.unwrap_or_else(ExitCode::from)
}

/// The exit code of a command that could not do its work.
type Done = Result<ExitCode, u8>;

/// Reads and understands sources, or says what is wrong with them.
fn load_or_report(paths: &[PathBuf], selection: &Selection) -> Result<Unit, u8> {
    understood(load_part(paths, selection).or_else(|why| fail(&why, BAD_INPUT))?)
}

/// What was understood, or what is wrong with it is said.
fn understood(front: Front) -> Result<Unit, u8> {
    let Front { unit, diagnostics } = front;
    report(&diagnostics, &unit.sources);
    if has_errors(&diagnostics) {
        return Err(BAD_INPUT);
    }
    Ok(unit)
}

/// The same for who runs it: where nothing is wrong but what comes of single scenarios, which are
/// marked, that is no reason not to run the others. Of that only what is `told` is said.
fn load_to_run(
    paths: &[PathBuf],
    selection: &Selection,
    told: impl Fn(Code) -> bool,
) -> Result<Unit, u8> {
    let mut front = load_part(paths, selection).or_else(|why| fail(&why, BAD_INPUT))?;
    let stops = |code: Code| !code.is_warning() && !code.is_of_a_run();
    if front.diagnostics.iter().any(|found| stops(found.code)) {
        return understood(front);
    }
    front.diagnostics.retain(|found| told(found.code));
    report(&front.diagnostics, &front.unit.sources);
    Ok(front.unit)
}

/// Says what a version of Linux does not have.
fn left_out(unit: &Unit, linux: Linux) {
    report(&parts::warnings(unit, linux), &unit.sources);
}

/// An error that is not about a place in a source.
fn fail<T>(why: &str, code: u8) -> Result<T, u8> {
    messages::error(why);
    Err(code)
}

/// Why nothing came of a unit, with the code for what is not the sources' fault.
fn fail_with<T>(why: Error, unit: &Unit, code: u8) -> Result<T, u8> {
    match why {
        Error::Source(diagnostics) => {
            report(&diagnostics, &unit.sources);
            Err(BAD_INPUT)
        }
        Error::Other(why) => fail(&why, code),
    }
}

/// Writes to standard output. A reader that has seen enough is no error to speak of.
fn print(text: &str) -> Result<(), u8> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(why) if why.kind() == ErrorKind::BrokenPipe => Err(NOT_WELL),
        Err(why) => fail(&format!("cannot write to standard output: {why}"), NOT_WELL),
    }
}
