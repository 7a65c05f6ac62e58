//! The command `tickwire-sim`.
//!
//! | module | job |
//! |---|---|
//! | `campaign` | `tickwire-sim campaign` and `merge`: random scenarios by their numbers |
//! | `mutants` | `tickwire-sim mutants`: planted bugs, and whether they are found |
//! | `random` | `tickwire-sim random`: one of them, as TOML |
//! | `shrink` | `tickwire-sim shrink`: one that fails, made small |
//! | `run` | `tickwire-sim run`: one scenario, one seed |
//! | `replay` | `tickwire-sim replay`: what a stack did on a real interface, again |
//! | `told` | what came of a run, for people |
//! | `relay` | `tickwire-sim relay`: a modelled link between two real interfaces (Linux) |

mod campaign;
mod mutants;
mod random;
#[cfg(target_os = "linux")]
mod relay;
mod replay;
mod run;
mod shrink;
mod told;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Networks on a virtual clock: real stacks, modelled links and faults, one seed. And the same links
/// between real interfaces, in real time.
#[derive(Parser)]
#[command(name = "tickwire-sim", version, about, max_term_width = 80)]
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
    Mutants(mutants::Options),
    Shrink(shrink::Options),
    /// Play what a stack did on a real interface again, call by call
    #[command(long_about = replay::ABOUT, after_help = replay::EXAMPLES)]
    Replay(replay::Options),
    /// Join two TAP interfaces by a modelled link, in real time
    #[cfg(target_os = "linux")]
    #[command(long_about = relay::ABOUT, after_help = relay::EXAMPLES)]
    Relay(relay::Options),
}

/// Reads the command line and does what it says.
pub fn main() -> ExitCode {
    let ended = match Cli::parse().command {
        Command::Run(options) => run::run(&options),
        Command::Campaign(options) => campaign::run(&options),
        Command::Merge(options) => campaign::run_merge(&options),
        Command::Random(options) => random::run(&options),
        Command::Mutants(options) => mutants::run(&options),
        Command::Shrink(options) => shrink::run(&options),
        Command::Replay(options) => replay::run(&options),
        #[cfg(target_os = "linux")]
        Command::Relay(options) => relay::run(&options),
    };
    ended.unwrap_or_else(|failure| {
        eprintln!("tickwire-sim: {failure}");
        ExitCode::FAILURE
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
