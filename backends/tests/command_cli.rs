//! What the command says about a mistake: the option, the value, and what would be right.
#![cfg(target_os = "linux")]

mod command;

use command::tickwire;
use rstest::rstest;

const GOOD: [&str; 3] = ["run", "--ip4", "192.0.2.2/24"];

#[rstest]
#[case::no_prefix(&["run", "--ip4", "192.0.2.2"], &["--ip4", "'192.0.2.2'", "192.0.2.2/24"])]
#[case::long_prefix(&["run", "--ip4", "192.0.2.2/33"], &["--ip4", "\"33\"", "0 to 32"])]
#[case::long_prefix_v6(&["run", "--ip6", "2001:db8::2/129"], &["--ip6", "\"129\"", "0 to 128"])]
#[case::other_family(&["run", "--ip6", "192.0.2.2/24"], &["--ip6", "\"192.0.2.2\"", "2001:db8::2/64"])]
#[case::no_such_way(&["run", "--ip6", "dchp"], &["--ip6", "'dchp'", "slaac, dhcp"])]
#[case::multicast(&["run", "--ip4", "224.0.0.1/24"], &["--ip4", "224.0.0.1", "unicast"])]
#[case::no_address(&["run"], &["--ip4 dhcp", "--ip4 192.0.2.2/24", "--ip6 2001:db8::2/64", "--ip6 slaac"])]
#[case::misspelt(&["run", "--ip4", "dhpc"], &["--ip4", "dhcp", "link-local", "192.0.2.2/24"])]
#[case::gateway_with_dhcp(&["run", "--ip4", "dhcp", "--gw4", "192.0.2.1"], &["--gw4", "192.0.2.1", "ADDR/LEN"])]
#[case::gateway_without_network(&["run", "--ip6", "slaac", "--gw6", "2001:db8::1"], &["--gw6 2001:db8::1", "fe80::1"])]
#[case::gateway_alone(&["run", "--gw4", "192.0.2.1"], &["--gw4", "--ip4"])]
#[case::bad_gateway(&["run", "--ip4", "192.0.2.2/24", "--gw4", "192.0.2.1/24"], &["--gw4", "'192.0.2.1/24'", "192.0.2.1"])]
#[case::far_gateway(&["run", "--ip4", "192.0.2.2/24", "--gw4", "198.51.100.1"], &["--gw4", "198.51.100.1", "192.0.2.2/24"])]
#[case::own_gateway(&["run", "--ip6", "2001:db8::2/64", "--gw6", "2001:db8::2"], &["--gw6", "2001:db8::2", "another"])]
fn mistakes_with_addresses(#[case] arguments: &[&str], #[case] named: &[&str]) {
    assert_refused(arguments, named);
}

#[rstest]
#[case::mtu_text(&["--mtu", "big"], &["--mtu", "'big'", "576 to 65521"])]
#[case::mtu_small(&["--mtu", "575"], &["--mtu", "'575'", "576 to 65521"])]
#[case::mtu_for_ip6(&["--ip6", "2001:db8::2/64", "--mtu", "1279"], &["--mtu", "1279", "1280"])]
#[case::mac_group(&["--mac", "01:00:5e:00:00:01"], &["--mac", "'01:00:5e:00:00:01'", "02:00:00:00:00:02"])]
#[case::mac_text(&["--mac", "02:00"], &["--mac", "'02:00'", "six hexadecimal bytes"])]
#[case::seed_text(&["--seed", "xyz"], &["--seed", "'xyz'", "1 to 64 hexadecimal digits"])]
#[case::service(&["--service", "ehco"], &["--service", "'ehco'", "echo, discard, daytime"])]
#[case::service_port(&["--service", "echo:0"], &["--service", "'echo:0'", "1 to 65535"])]
#[case::service_bytes(&["--service", "echo=1"], &["--service", "'echo=1'", "source=1000000"])]
#[case::services_collide(&["--service", "echo", "--service", "discard:7"], &["--service discard:7", "echo:7"])]
#[case::option_value(&["--option", "ip.hop_limit=0"], &["--option", "ip.hop_limit is 0", "1 to 255"])]
#[case::option_name(&["--option", "tcp.sak=true"], &["--option", "tcp.sak", "tcp.sack"])]
#[case::option_without_value(&["--option", "tcp.sack"], &["--option", "'tcp.sack'", "tcp.ack_delay_ms=25"])]
#[case::acd(&["--acd", "slow"], &["--acd", "'slow'", "fast, rfc5227"])]
#[case::unknown(&["--ipv4", "192.0.2.2/24"], &["--ipv4", "--ip4"])]
fn mistakes_with_other_options(#[case] arguments: &[&str], #[case] named: &[&str]) {
    assert_refused(&[&GOOD, arguments].concat(), named);
}

#[rstest]
#[case::unknown_command(&["rum"], &["'rum'", "run"])]
#[case::unknown_option(&["demo", "--fast"], &["'--fast'"])]
fn mistakes_with_commands(#[case] arguments: &[&str], #[case] named: &[&str]) {
    assert_refused(arguments, named);
}

#[track_caller]
fn assert_refused(arguments: &[&str], named: &[&str]) {
    let output = tickwire().args(arguments).output().expect("the command that was built");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(output.stdout.is_empty());
    for word in named {
        assert!(stderr.contains(word), "{word} is missing: {stderr}");
    }
}

#[test]
fn an_impossible_interface_name_is_named() {
    let arguments = [&GOOD[..], &["--tap", "sixteen-letters-"]].concat();
    let output = tickwire().args(arguments).output().expect("the command that was built");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && stderr.contains("sixteen-letters-") && stderr.contains("15 bytes"), "{stderr}");
}

#[rstest]
#[case(&["--help"], "Usage: tickwire")]
#[case(&["run", "--help"], "tickwire run --ip4 192.0.2.2/24")]
#[case(&["demo", "--help"], "64 MiB")]
#[case(&["options"], "tcp.ack_delay_ms\n    default 40; from 0 to 499 (milliseconds)\n    source: RFC 9293 MUST-40")]
#[case(&["--version"], env!("CARGO_PKG_VERSION"))]
fn help_and_version_go_to_standard_output(#[case] arguments: &[&str], #[case] contains: &str) {
    let output = tickwire().args(arguments).output().expect("the command that was built");
    assert!(output.status.success());
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.contains(contains), "{stdout}");
    assert!(stdout.lines().all(|line| line.chars().count() <= 80), "{stdout}");
}
