//! placeholder
use std::process::ExitCode;
pub(crate) fn demo(_options: &super::cli::DemoOptions) -> ExitCode { ExitCode::FAILURE }
