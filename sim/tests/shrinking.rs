//! What `tickwire-sim shrink` prints fails by `tickwire-sim run` as it says: whoever has the file has the bug.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rstest::rstest;
use tickwire_sim::shrink::Shrunk;

/// A box on the way changes text and mends the checksum, in a network with much else.
const SPOILED: &str = r#"
title = "text is changed on the way, and the checksum is right"
heal = "20s"

[[host]]
name = "server"
interfaces = [["10.0.0.1/16", "2001:db8::1/64"]]
gateways = ["10.0.0.254", "2001:db8::fe"]

[[host]]
name = "client"
interfaces = [["10.1.0.1/16", "2001:db8:1::1/64"]]
gateways = ["10.1.0.254", "2001:db8:1::fe"]
options = { "tcp.socket.mss_max" = 536 }

[[host]]
name = "router"
interfaces = [["10.0.0.254/16", "2001:db8::fe/64"], ["10.1.0.254/16", "2001:db8:1::fe/64"]]
router = true

[[link]]
name = "near"
ends = ["server", "router.0"]
path = { a-to-b = [{ corrupt.keep-checksum = "2%" }, { loss.bernoulli = "1%" }], b-to-a = [] }

[[link]]
name = "far"
ends = ["router.1", "client"]
path.preset = "wifi"

[[fault]]
what = "cut"
link = "far"
at = "1s"
lasts = "2s"

[[flow]]
from = "client"
to = "server"
ip = "v6"
response = "1MiB"
expect = "any"

[[flow]]
from = "server"
to = "client"
request = "1MiB"
expect = "any"
"#;

/// A hop whose errors over IPv6 come from nowhere, so that routers do not pass them on.
const OTHERWISE: &str = r#"
title = "what works over IPv4 does not over IPv6"
heal = "1s"
oracles_off = ["delivery"]

[[host]]
name = "a"
interfaces = [["10.0.0.1/16", "2001:db8::1/64"]]
gateways = ["10.0.0.254", "2001:db8::fe"]

[[host]]
name = "b"
interfaces = [["10.1.0.1/16", "2001:db8:1::1/64"]]
gateways = ["10.1.0.254", "2001:db8:1::fe"]

[[host]]
name = "r"
interfaces = [["10.0.0.254/16", "2001:db8::fe/64"], ["10.1.0.254/16", "2001:db8:1::fe/64"]]
router = true

[[link]]
name = "near"
ends = ["a", "r.0"]

[[link]]
name = "far"
ends = ["r.1", "b"]

[[link.path.a-to-b]]
mtu = { steps = [{ mtu = 1300 }], router = { ipv4 = "10.1.0.200", ipv6 = "2001:db8:99::c8" } }

[[flow]]
from = "a"
to = "b"
request = "100KiB"
expect = "any"

[[flow]]
from = "b"
to = "a"
request = "20KiB"
expect = "any"
"#;

fn simulator(arguments: &[&str], file: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tickwire-sim"));
    command.arg(arguments[0]).arg(file).args(&arguments[1..]).args(["--seed", "3"]).output().unwrap()
}

fn written(name: &str, text: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("shrinking-{name}.toml"));
    std::fs::write(&path, text).unwrap();
    path
}

#[rstest]
#[case::a_run("run", SPOILED, "stream-bytes", 10, &["run"])]
#[case::a_pair_of_runs("pair", OTHERWISE, "metamorphic", 100, &["run", "--metamorphic"])]
fn what_is_printed_fails_as_it_says(
    #[case] name: &str,
    #[case] text: &str,
    #[case] oracle: &str,
    #[case] frames: u64,
    #[case] run: &[&str],
) {
    let file = written(name, text);
    let shrunk: Shrunk = serde_json::from_slice(&simulator(&["shrink", "--json"], &file).stdout).unwrap();
    assert_eq!(shrunk.after.failed.oracle, oracle);
    assert_eq!(shrunk.after.failed.signature, shrunk.before.failed.signature);
    assert!(shrunk.after.frames <= frames && shrunk.after.frames * 4 < shrunk.before.frames, "{shrunk:?}");
    assert!(shrunk.runs <= 2_000);
    let small = simulator(&["shrink"], &file);
    let small = written(&format!("{name}-small"), &String::from_utf8(small.stdout).unwrap());
    let told = simulator(run, &small);
    let told = (told.status.success(), String::from_utf8(told.stdout).unwrap());
    let said = format!("FAILED {oracle}: {}", shrunk.after.failed.text);
    assert!(!told.0 && told.1.contains(&said), "{}\nexpected {said}", told.1);
    if oracle == "stream-bytes" {
        let noticed = format!("after {} frames on all links", shrunk.after.frames);
        assert!(told.1.contains(&noticed), "{}\nexpected {noticed}", told.1);
    }
}

#[test]
fn what_does_not_fail_is_told() {
    let file = written("sound", &SPOILED.replace("2%", "0%"));
    let told = simulator(&["shrink"], &file);
    let said = String::from_utf8(told.stderr).unwrap();
    assert!(!told.status.success() && said.contains("does not fail with seed 3"), "{said}");
}
