//! The core links into a program without std, and would not if a dependency pulled std in.
#![forbid(unsafe_code)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// Runs cargo in `conformance/no_std`, offline and with the workspace's own versions.
fn cargo(arguments: &[&str]) -> Output {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("no_std");
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
    fs::copy(lock, package.join("Cargo.lock")).expect("the workspace's Cargo.lock can be copied to conformance/no_std");
    Command::new(env!("CARGO"))
        .args(arguments)
        .arg("--offline")
        .arg("--target-dir")
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("no_std"))
        .current_dir(package)
        // A coverage or sanitizer run of the workspace is none of this program.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .output()
        .expect("cargo runs")
}

#[test]
fn core_links_without_std_and_a_dependency_on_std_is_found() {
    let proof = cargo(&["run"]);
    assert!(proof.status.success(), "{}", String::from_utf8_lossy(&proof.stderr));

    let spoiled = cargo(&["build", "--features", "spoiled"]);
    let said = String::from_utf8_lossy(&spoiled.stderr);
    assert!(!spoiled.status.success() && said.contains("duplicate lang item"), "std went in unnoticed: {said}");
}
