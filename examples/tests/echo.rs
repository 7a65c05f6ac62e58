//! The programs run, and do what they say.
#![cfg(target_os = "linux")]

use std::process::Command;

#[test]
fn the_echo_comes_back() {
    let output = Command::new(env!("CARGO_BIN_EXE_echo")).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(printed.contains("client: echoed\nhello\nfrom one stack\nto another\n"), "{printed}");
}

#[test]
fn the_echo_comes_back_to_tasks() {
    let output = Command::new(env!("CARGO_BIN_EXE_async_echo")).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for line in ["hello", "from three tasks", "on one thread"] {
        assert!(printed.contains(&format!("client: echoed {line}\n")), "{printed}");
    }
}

#[test]
fn without_a_tap_the_server_says_what_it_needs() {
    let output = Command::new(env!("CARGO_BIN_EXE_echo_server")).output().unwrap();
    assert!(!output.status.success());
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("echo_server tap7 192.0.2.2/24"), "{told}");
}
