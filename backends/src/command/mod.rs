//! The command `tickwire`.
//!
//! | module | job |
//! |---|---|
//! | `cli` | what can be typed, and what is said about a mistake |
//! | `configure` | `--ip4`, `--ip6`: how the stack gets its addresses, and when it has them |
//! | `options` | `--option`, and `tickwire options` |
//! | `state` | `--state`: who this host is, from one start to the next |
//! | `run` | `tickwire run`: a stack with services on a TAP interface, until a signal |
//! | `files` | `--pcap`, `--record`: what is written while the stack runs |
//! | `interface` | the TAP interface of `run`: attached to or created, its MTU, up |
//! | `notice` | signals, and the driver's end, as messages |
//! | `demo` | `tickwire demo`: the kernel talks to the stack, in a namespace of its own |
//! | `services` | what the stack serves |
//! | `figures` | numbers as people read them |
//! | `stats` | counters, sockets and memory as JSON |

mod cli;
mod configure;
mod demo;
mod figures;
mod files;
mod interface;
mod notice;
mod options;
mod run;
mod services;
mod state;
mod stats;

use std::fmt;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser as _};

/// Reads the command line and does what it says.
pub(crate) fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match cli.command {
        Some(cli::Command::Run(options)) => {
            if let Err(text) = options.check() {
                cli::Cli::command().error(ErrorKind::ValueValidation, text).exit();
            }
            match run::run(&options) {
                Ok(()) => ExitCode::SUCCESS,
                Err(failure) => {
                    eprintln!("tickwire: {failure}");
                    ExitCode::FAILURE
                }
            }
        }
        Some(cli::Command::Demo(options)) => demo::demo(&options),
        Some(cli::Command::Options) => match options::list() {
            Ok(()) => ExitCode::SUCCESS,
            // Who closes the pipe early has read enough.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("tickwire: {}", Failure::step("write to standard output", error));
                ExitCode::FAILURE
            }
        },
        None => demo::demo(&cli::DemoOptions::default()),
    }
}

/// Why the command ended without having done what was asked: what was being done, what the system
/// said, and what helps.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Failure {
        Failure(text.into())
    }

    /// `cannot STEP: CAUSE`.
    pub(crate) fn step(step: &str, cause: impl fmt::Display) -> Failure {
        Failure(format!("cannot {step}: {cause}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}
