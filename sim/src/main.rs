//! `tickwire-sim`, the command: all of it is in the library's `command`.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    tickwire_sim::command::main()
}
