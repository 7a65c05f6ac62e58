//! The command `tickwire-sim`.
//!
//! | module | job |
//! |---|---|
//! | `run` | `tickwire-sim run`: one scenario, one seed |

mod run;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Networks on a virtual clock: real stacks, modelled links and faults, one seed.
#[derive(Parser)]
#[command(name = "tickwire-sim", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Options),
}

/// Reads the command line and does what it says.
pub fn main() -> ExitCode {
    let ended = match Cli::parse().command {
        Command::Run(options) => run::run(&options),
    };
    ended.unwrap_or_else(|failure| {
        eprintln!("tickwire-sim: {failure}");
        ExitCode::FAILURE
    })
}
