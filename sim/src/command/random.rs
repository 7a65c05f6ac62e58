//! `tickwire-sim random`: a random scenario of a campaign, as TOML.

use std::process::ExitCode;

use clap::Args;

use crate::swarm;

/// Print the random scenario of a number, as TOML
#[derive(Args)]
pub(super) struct Options {
    /// The number; `tickwire-sim run FILE --seed NUMBER` runs what is printed as the campaign has
    number: u64,
}

pub(super) fn run(options: &Options) -> Result<ExitCode, String> {
    super::run::write_out(&swarm::scenario(options.number).to_string())?;
    Ok(ExitCode::SUCCESS)
}
