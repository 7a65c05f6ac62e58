//! `tickwire`, the command: a TCP/IP stack on a TAP interface, and a demonstration of it.
//!
//! All of it is in `command`.
#![forbid(unsafe_code)]

#[cfg(target_os = "linux")]
mod command;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    command::main()
}

#[cfg(not(target_os = "linux"))]
fn main() -> std::process::ExitCode {
    eprintln!("tickwire: TAP interfaces are a thing of Linux; the libraries and the simulator run here");
    std::process::ExitCode::FAILURE
}
