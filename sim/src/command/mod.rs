//! The command `tickwire-sim`.
//!
//! | module | job |
//! |---|---|
//! | `relay` | `tickwire-sim relay`: a modelled link between two real interfaces |
//! | `seed` | how seeds are typed |

#[cfg(target_os = "linux")]
mod relay;
mod seed;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

const ABOUT: &str = "\
Whole networks on a virtual clock, from one seed; and the same links between real
interfaces, in real time.";

/// The command line.
#[derive(Debug, Parser)]
#[command(name = "tickwire-sim", version, about = ABOUT, max_term_width = 80)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Join two TAP interfaces by a modelled link, in real time
    #[cfg(target_os = "linux")]
    #[command(long_about = relay::ABOUT, after_help = relay::EXAMPLES)]
    Relay(relay::RelayOptions),
}

/// Reads the command line and does what it says.
pub fn main() -> ExitCode {
    match Cli::parse().command {
        #[cfg(target_os = "linux")]
        Command::Relay(options) => finish(relay::run(&options)),
    }
}

/// The exit code, and on standard error why it is not 0.
fn finish(outcome: Result<(), String>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("tickwire-sim: {text}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
