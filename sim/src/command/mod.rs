//! The command `tickwire-sim`.
//!
//! | module | job |
//! |---|---|
//! | `campaign` | `tickwire-sim campaign` and `merge`: random scenarios by their numbers |
//! | `random` | `tickwire-sim random`: one of them, as TOML |
//! | `run` | `tickwire-sim run`: one scenario, one seed |

mod campaign;
mod random;
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
    Campaign(campaign::Options),
    Merge(campaign::MergeOptions),
    Random(random::Options),
}

/// Reads the command line and does what it says.
pub fn main() -> ExitCode {
    let ended = match Cli::parse().command {
        Command::Run(options) => run::run(&options),
        Command::Campaign(options) => campaign::run(&options),
        Command::Merge(options) => campaign::run_merge(&options),
        Command::Random(options) => random::run(&options),
    };
    ended.unwrap_or_else(|failure| {
        eprintln!("tickwire-sim: {failure}");
        ExitCode::FAILURE
    })
}
