//! The program: parses the command line, calls the library, renders, and says by its
//! exit code how it went: 0 well, 1 something is not as it should be, 2 the command or
//! its input cannot be understood.

mod cli;
mod commands;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    commands::run(&cli::Cli::parse())
}
