//! Every scenario of `scenarios/` runs as it says, and again alike; mistakes in one are told with line and key.

use std::net::IpAddr;
use std::path::PathBuf;

use rstest::rstest;
use tickwire_sim::node::Machine;
use tickwire_sim::scenario::{Expected, Scenario, metamorphic};
use tickwire_sim::{Seed, swarm};

fn read(path: &PathBuf) -> Scenario {
    let text = std::fs::read_to_string(path).unwrap();
    text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[rstest]
fn runs_as_it_says(#[files("scenarios/*.toml")] path: PathBuf) {
    let scenario = read(&path);
    let outcome = scenario.run(&Seed([1; 32]));
    assert_eq!(outcome.failures, []);
    assert!(outcome.frames > 0);
    // What is written of it is the same scenario.
    assert_eq!(scenario.to_string().parse::<Scenario>(), Ok(scenario));
}

/// What random scenarios have found once, made small; the seed is the number at the end of the name.
#[rstest]
fn found_once(#[files("regressions/*.toml")] path: PathBuf) {
    let stem = path.file_stem().unwrap().to_string_lossy();
    let number = stem.rsplit('-').next().unwrap().parse().unwrap();
    assert_eq!(read(&path).run(&swarm::seed(number)).failures, []);
}

/// Applications see the same with other ports, addresses, sequence numbers and over the other family.
#[rstest]
fn the_same_in_other_words(#[files("scenarios/*.toml")] path: PathBuf) {
    let (scenario, seed) = (read(&path), Seed([1; 32]));
    let told = scenario.run(&seed);
    let variants = metamorphic::compare(&scenario, &told, &seed);
    assert_eq!(metamorphic::failures(&variants, &told), []);
    assert_eq!(variants.is_empty(), !scenario.adversary.is_empty());
}

/// RFC 5227 section 2.4: an address that another host claims is given up at once (a), after it was defended once (b),
/// or never (c).
#[rstest]
#[case::never("never", false)]
#[case::once("once", false)]
#[case::always("always", true)]
fn an_address_is_defended(#[case] defense: &str, #[case] kept: bool) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/address-conflict.toml");
    let text = std::fs::read_to_string(path).unwrap().replace("\"always\"", &format!("\"{defense}\""));
    let mut scenario: Scenario = text.parse().unwrap();
    scenario.flow.iter_mut().for_each(|flow| flow.expect = Expected::Any);
    let (outcome, built) = scenario.run_built(scenario.build(&Seed([1; 32])).unwrap());
    assert_eq!(outcome.failures, []);
    let address: IpAddr = "192.0.2.1".parse().unwrap();
    let mut own = built.world.stack(built.hosts[0]).interfaces().flat_map(|interface| interface.addresses);
    assert_eq!(own.any(|own| own.address == address && own.state.is_assigned()), kept);
    assert_eq!(outcome.flows[0].completed, u64::from(kept));
}

/// What was lost with an address had its cause, though after a crash the host has the address again.
#[test]
fn an_address_given_up_is_back_after_a_crash() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/address-conflict.toml");
    let text = std::fs::read_to_string(path).unwrap().replace("\"always\"", "\"once\"");
    let crash = "[[fault]]\nwhat = \"crash\"\nhost = \"server\"\nat = \"25s\"\nlasts = \"1s\"\n";
    let mut scenario: Scenario = format!("{text}\n{crash}").parse().unwrap();
    scenario.flow.iter_mut().for_each(|flow| flow.expect = Expected::Any);
    let (outcome, built) = scenario.run_built(scenario.build(&Seed([1; 32])).unwrap());
    assert_eq!(outcome.failures, []);
    let address: IpAddr = "192.0.2.1".parse().unwrap();
    let mut own = built.world.stack(built.hosts[0]).interfaces().flat_map(|interface| interface.addresses);
    assert!(own.any(|own| own.address == address && own.state.is_assigned()));
    assert_eq!(outcome.flows[0].completed, 0);
}

/// Two runs with one seed are one run; another seed is another.
#[test]
fn one_seed_one_run() {
    let scenario = read(&PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/wifi.toml")));
    let [first, again, other] = [1, 1, 2].map(|seed| scenario.run(&Seed([seed; 32])).hash);
    assert_eq!(first, again);
    assert_ne!(first, other);
}

/// What is expected of a run as a whole, and is not so, is told with what was found.
#[rstest]
#[case(
    "[expect]\njain = \"<= 0.5\"",
    "jain",
    "Jain's index of the flows' goodputs: expected <= 0.5, found nothing that could be measured"
)]
#[case(
    "[expect]\nutilisation = \">= 1%\"",
    "utilisation",
    "the utilisation of the bottleneck: expected >= 1%, found nothing that could be measured"
)]
#[case(
    "[expect]\nretransmission_ratio = \">= 1%\"",
    "retransmission-ratio",
    "the share of segments sent again: expected >= 1%, found 0%"
)]
#[case("[expect.counters.a]\n\"tcp.timeouts\" = \">= 1\"", "expect", "tcp.timeouts of a: expected >= 1, found 0")]
fn what_is_expected_is_judged(#[case] expect: &str, #[case] oracle: &str, #[case] told: &str) {
    let judged = |oracles_off: &str| {
        let expecting = format!("heal = \"1s\"\n{oracles_off}\n{expect}\n");
        let scenario: Scenario = SCENARIO.replacen("heal = \"1s\"", &expecting, 1).parse().unwrap();
        scenario.run(&Seed([1; 32])).failures
    };
    let found: Vec<[String; 2]> = judged("").into_iter().map(|failed| [failed.oracle, failed.text]).collect();
    assert_eq!(found, [[oracle.to_owned(), told.to_owned()]]);
    if oracle != "expect" {
        assert_eq!(judged(&format!("oracles_off = [{oracle:?}]")), []);
    }
}

/// A flow whose last byte comes too late: the link takes 10 ms, so the request is there after 50: 20 for ARP, 20 for the handshake.
#[rstest]
#[case("50ms", None)]
#[case("49ms", Some("flow 0: expected its last byte within 49ms: it came at 0.050000000"))]
fn a_flow_has_its_time(#[case] within: &str, #[case] told: Option<&str>) {
    let slow = SCENARIO.replacen(
        "ends = [\"a\", \"b\"]",
        "ends = [\"a\", \"b\"]\npath.both = [{ delay.law.constant = \"10ms\" }]",
        1,
    );
    let scenario: Scenario = format!("{slow}within = {within:?}\n").parse().unwrap();
    let failures = scenario.run(&Seed([1; 32])).failures;
    assert_eq!(failures.first().map(|failed| failed.text.as_str()), told);
}

const SCENARIO: &str = r#"title = "t"
heal = "1s"

[[host]]
name = "a"
interfaces = [["192.0.2.1/24"]]

[[host]]
name = "b"
interfaces = [["192.0.2.2/24"]]

[[link]]
name = "l"
ends = ["a", "b"]

[[flow]]
from = "a"
to = "b"
"#;

#[rstest]
#[case(
    "\"1s\"",
    "\"1 parsec\"",
    "line 2: heal: \"1 parsec\" is no duration: write a number with one of the units ns, us, ms, s, min, h, as in \"5ms\""
)]
#[case(
    "heal",
    "heel",
    "line 2: heel: unknown field `heel`, expected one of `title`, `heal`, `oracles_off`, `tape`, `expect`, `host`, `foreign`, `hub`, `switch`, `nat`, `lease-server`, `adversary`, `link`, `fault`, `flow`, `datagrams`"
)]
#[case(
    "192.0.2.2/24",
    "192.0.2.2",
    "line 10: host.1.interfaces.0: \"192.0.2.2\" is no address with a prefix length: write \"192.0.2.1/24\" or \"2001:db8::1/64\""
)]
#[case("name = \"b\"", "name = \"a\"", "line 9: host.1.name: there are two nodes \"a\"; names must differ")]
#[case("\"b\"]", "\"c\"]", "line 14: link.0.ends.1: there is no node \"c\"; there are a, b")]
#[case(
    "\"b\"]",
    "\"b.1\"]",
    "line 14: link.0.ends.1: \"b.1\" is not there: b has 1 of them, counted from 0, as in \"b.0\""
)]
#[case("to = \"b\"", "to = \"b\"\nip = \"v6\"", "line 19: flow.0.ip: b has no IPv6 address")]
#[case(
    "to = \"b\"",
    "to = \"b\"\nrequest = \"7B\"",
    "line 19: flow.0.request: 7 bytes are too few: at least 8, which name the connection"
)]
#[case(
    "to = \"b\"",
    "to = \"b\"\nrequest = 9",
    "line 19: flow.0.request: invalid type: integer `9`, expected a string"
)]
#[case(
    "name = \"b\"",
    "name = \"b\"\noptions.\"tcp.sock\" = true",
    "line 10: host.1.options.tcp.sock: there is no option tcp.sock; options::all() lists them"
)]
#[case(
    "heal = \"1s\"",
    "heal = \"1s\"\ntape = [\"link 0 stage 1 loss 17 = 1\"]",
    "line 3: tape: \"link 0 stage 1 loss 17 = 1\" is no draw: write \"link 0 a>b stage 1 loss 17 = 1\" or \"node 3 forge 0 = 4711\": who draws, what for, how many times it has done so before, and the outcome"
)]
#[case(
    "heal = \"1s\"",
    "heal = \"1s\"\ntape = [\"node 1 forge 0 = 1\", \"node 1 forge 0 = 2\"]",
    "line 3: tape: node 1 forge 0 is there twice: a draw has one outcome"
)]
#[case(
    "heal = \"1s\"",
    "heal = \"1s\"\ntape = [\"link 1 a>b stage 0 loss 17 = 1\"]",
    "line 3: tape: link 1 a>b stage 0 loss 17: link 1 is not there: the scenario has 1 of them, counted from 0"
)]
#[case(
    "heal = \"1s\"",
    "heal = \"1s\"\ntape = [\"link 0 b>a stage 0 loss 17 = 1\"]",
    "line 3: tape: link 0 b>a stage 0 loss 17: stage 0 is not there: l has 0 of them this way, counted from 0"
)]
#[case(
    "heal = \"1s\"",
    "heal = \"1s\"\ntape = [\"node 2 forge 0 = 1\"]",
    "line 3: tape: node 2 forge 0: node 2 is not there: the scenario has 2 of them, counted from 0, hosts first"
)]
#[case(
    "heal = \"1s\"",
    "heal = \"1s\"\ntape = [\"node 1 forge 0 = 1\"]",
    "line 3: tape: node 1 forge 0: b is a host, and hosts do not draw: they have a seed"
)]
#[case(
    "heal = \"1s\"",
    "heal = \"1s\"\nexpect.jain = \"0.9\"",
    "line 3: expect.jain: \"0.9\" is no bound of an index: write \">= 0.9\" or \"<= 0.5\", with at most 6 digits behind the point"
)]
#[case(
    "heal = \"1s\"",
    "heal = \"1s\"\nexpect.queue_delay = \"<= 20\"",
    "line 3: expect.queue_delay: \"<= 20\" is no bound of a time: write \"<= 20ms\" or \">= 1s\""
)]
#[case(
    "heal = \"1s\"",
    "heal = \"1s\"\nexpect.counters.c.x = \">= 1\"",
    "line 3: expect.counters.c: there is no host \"c\"; there are a, b"
)]
fn mistakes_are_told(#[case] right: &str, #[case] wrong: &str, #[case] told: &str) {
    assert!(SCENARIO.parse::<Scenario>().is_ok());
    let error = SCENARIO.replacen(right, wrong, 1).parse::<Scenario>().unwrap_err();
    assert_eq!(error.to_string(), told);
}

const ADVERSARY: &str = r#"title = "t"
heal = "1s"

[[host]]
name = "a"
interfaces = [["192.0.2.1/24"]]

[[adversary]]
name = "m"
count = 5
kind.syn-flooder = { to = "a", sources = "192.0.2.128/25" }

[[link]]
name = "l"
ends = ["a", "m"]
"#;

#[rstest]
#[case("to = \"a\"", "to = \"b\"", "line 11: adversary.0.kind.syn-flooder.to: there is no host \"b\"; there are a")]
#[case(
    "192.0.2.128/25",
    "2001:db8::/64",
    "line 11: adversary.0.kind.syn-flooder.sources: 2001:db8::/64 is of the other family than 192.0.2.1"
)]
#[case("to = \"a\",", "", "line 11: adversary.0.kind.syn-flooder: missing field `to`")]
#[case(
    "count = 5",
    "count = 5\nchance = \"1%\"",
    "line 11: adversary.0.chance: syn-flooder sends of its own accord: write `every`, as in every = \"10ms\""
)]
#[case(
    "count = 5",
    "count = 5\nevery = \"0ns\"",
    "line 11: adversary.0.every: a frame every 0s has no end: write at least \"1ns\""
)]
#[case(
    "kind.syn-flooder = { to = \"a\", sources = \"192.0.2.128/25\" }",
    "kind.ack-divider = { pieces = 2 }\nevery = \"1s\"",
    "line 12: adversary.0.every: ack-divider waits for segments: write `chance`, as in chance = \"10%\""
)]
#[case(
    "kind.syn-flooder = { to = \"a\", sources = \"192.0.2.128/25\" }",
    "kind.arp-spoofer = { of = \"a\", to = \"m\" }",
    "line 11: adversary.0.kind.arp-spoofer.to: there is no host \"m\"; there are a"
)]
#[case(
    "kind.syn-flooder = { to = \"a\", sources = \"192.0.2.128/25\" }",
    "kind.nd-spoofer = { of = \"a\" }",
    "line 11: adversary.0.kind.nd-spoofer.of: a has no IPv6 address"
)]
#[case(
    "\"m\"]",
    "\"m.1\"]",
    "line 15: link.0.ends.1: \"m.1\" is not there: m has 1 of them, counted from 0, as in \"m.0\""
)]
fn mistakes_about_adversaries_are_told(#[case] right: &str, #[case] wrong: &str, #[case] told: &str) {
    assert!(ADVERSARY.parse::<Scenario>().is_ok());
    let error = ADVERSARY.replacen(right, wrong, 1).parse::<Scenario>().unwrap_err();
    assert_eq!(error.to_string(), told);
}

const LEASE: &str = r#"title = "t"
heal = "1s"

[[host]]
name = "a"
interfaces = [[]]
dhcp = true

[[host]]
name = "b"
interfaces = [["192.0.2.2/24"]]

[[hub]]
name = "h"
ports = 3

[[lease-server]]
name = "d"
address = "192.0.2.1/24"
pool = ["192.0.2.10", "192.0.2.19"]
lease = "40s"

[[link]]
name = "la"
ends = ["a", "h.0"]

[[link]]
name = "lb"
ends = ["b", "h.1"]

[[link]]
name = "ld"
ends = ["d", "h.2"]

[[flow]]
from = "a"
to = "b"
"#;

#[rstest]
#[case(
    "from = \"a\"\nto = \"b\"",
    "from = \"b\"\nto = \"a\"",
    "line 35: flow.0.ip: a leases its IPv4 address, which nobody knows beforehand: it can only be `from`, or give it a fixed one in `interfaces`"
)]
#[case(
    "interfaces = [[]]",
    "interfaces = [[\"192.0.2.3/24\"]]",
    "line 7: host.0.dhcp: each of its interfaces has an IPv4 address already: leave out that of one, or `dhcp`"
)]
#[case(
    "192.0.2.1/24",
    "2001:db8::1/64",
    "line 19: lease-server.0.address: 2001:db8::1/64 is no IPv4 address: DHCPv4 has only those"
)]
#[case(
    "\"192.0.2.19\"",
    "\"192.0.3.19\"",
    "line 20: lease-server.0.pool.1: 192.0.3.19 is not on the network of 192.0.2.1/24"
)]
#[case(
    "\"192.0.2.19\"",
    "\"192.0.2.9\"",
    "line 20: lease-server.0.pool: from 192.0.2.10 to 192.0.2.9 there are not 1 to 4096 addresses"
)]
#[case(
    "\"40s\"",
    "\"1500ms\"",
    "line 21: lease-server.0.lease: 1.5s is no time of a lease: whole seconds, from \"1s\""
)]
#[case(
    "\"40s\"",
    "\"40s\"\nrenew = \"35s\"",
    "line 22: lease-server.0.renew: T1 (`renew`, or half of the lease) must be before T2 (`rebind`, or seven eighths), and T2 before the end"
)]
#[case(
    "\"40s\"",
    "\"40s\"\nrouter = \"198.51.100.1\"",
    "line 22: lease-server.0.router: 198.51.100.1 is not on the network of 192.0.2.1/24"
)]
#[case(
    "[[lease-server]]\nname = \"d\"\naddress = \"192.0.2.1/24\"\npool = [\"192.0.2.10\", \"192.0.2.19\"]\nlease = \"40s\"",
    "[[host]]\nname = \"d\"\ninterfaces = [[\"192.0.2.1/24\"]]",
    "line 7: host.0.dhcp: there is nobody to lease an address from: write a [[lease-server]], and a link to it"
)]
fn mistakes_about_leases_are_told(#[case] right: &str, #[case] wrong: &str, #[case] told: &str) {
    assert!(LEASE.parse::<Scenario>().is_ok());
    let error = LEASE.replacen(right, wrong, 1).parse::<Scenario>().unwrap_err();
    assert_eq!(error.to_string(), told);
}

/// RFC 2131 section 3.2: who comes back asks for the address that he had, and has it at once. What he began before is
/// lost; the server is not asked for another lease.
#[test]
fn a_host_that_crashes_has_its_lease_again() {
    let crash = "[[fault]]\nwhat = \"crash\"\nhost = \"a\"\nat = \"500ms\"\nlasts = \"100ms\"\n";
    let scenario: Scenario = format!("{LEASE}{crash}").parse().unwrap();
    let (outcome, built) = scenario.run_built(scenario.build(&Seed([1; 32])).unwrap());
    assert_eq!(outcome.failures, []);
    let Some(Machine::LeaseServer(server)) = built.world.node(built.lease_servers[0]) else { panic!("no server") };
    let counters = server.counters();
    assert_eq!((counters.given, counters.confirmed, counters.refused), (1, 1, 0));
}

#[cfg(feature = "smoltcp")]
const FOREIGN: &str = r#"title = "t"
heal = "1s"

[[host]]
name = "a"
interfaces = [["192.0.2.1/24"]]

[[foreign]]
name = "f"
addresses = ["192.0.2.2/24"]

[[link]]
name = "l"
ends = ["a", "f"]

[[flow]]
from = "a"
to = "f"
"#;

#[cfg(feature = "smoltcp")]
#[rstest]
#[case("from = \"a\"", "from = \"f\"", "line 18: flow.0.to: one end of a flow must be a `host`: both are foreign")]
#[case(
    "to = \"f\"",
    "to = \"f\"\nconnections = 2",
    "line 19: flow.0.connections: with a foreign host there is one: leave it out"
)]
#[case(
    "to = \"f\"",
    "to = \"f\"\nreader = { bytes = \"1KiB\", every = \"1s\" }",
    "line 19: flow.0.reader: a foreign host reads at once: leave it out"
)]
#[case("to = \"f\"", "to = \"f\"\nip = \"v6\"", "line 19: flow.0.ip: f has no IPv6 address")]
#[case(
    "192.0.2.2/24\"",
    "192.0.2.2/24\", \"192.0.2.3/24\"",
    "line 10: foreign.0.addresses.1: a foreign host has one address of each family"
)]
#[case("name = \"f\"", "name = \"g\"", "line 14: link.0.ends.1: there is no node \"f\"; there are a, g")]
fn mistakes_about_foreign_hosts_are_told(#[case] right: &str, #[case] wrong: &str, #[case] told: &str) {
    assert!(FOREIGN.parse::<Scenario>().is_ok());
    let error = FOREIGN.replacen(right, wrong, 1).parse::<Scenario>().unwrap_err();
    assert_eq!(error.to_string(), told);
}
