//! DHCPv4 against dnsmasq, on a bridge that the stack's TAP is a port of.
//!
//! Where there is no dnsmasq, no namespace or no TAP, a test says so and passes, unless
//! `TICKWIRE_REQUIRE_PEERS=1`. The two that wait for a lease of two minutes to be half over take a
//! minute each, side by side.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::thread;
use std::time::{Duration, Instant};

use crate::command::peer::{Folder, Server, addresses, stats};
use crate::command::{Running, assert_replays, in_namespace, ping};
use serde_json::Value;
use tickwire_backends::net_setup::Ip;

const BRIDGE: &str = "br0";
const TAP: &str = "tap7";
/// How long half of a lease of two minutes may take, to be asked for and extended.
const HALF_LEASE: Duration = Duration::from_secs(75);

/// The bridge, with the server's address and the TAP.
fn link() {
    let ip = Ip::default();
    ip.add_bridge(BRIDGE).expect("root in this namespace");
    ip.add_tap(TAP, "root").expect("root in this namespace");
    ip.link_up(TAP).expect("it is there");
    ip.join_bridge(TAP, BRIDGE).expect("both are there");
    ip.add_address(BRIDGE, IpAddr::from([192, 0, 2, 1]), 24).expect("it is there");
}

/// dnsmasq with leases of two minutes (its least), of addresses that end in `range`.
fn dnsmasq(folder: &Folder, range: (u8, u8), more: &[&str]) -> Option<Server> {
    let leases = format!("--dhcp-leasefile={}", folder.path("leases"));
    let pid = format!("--pid-file={}", folder.path("pid"));
    let range = format!("--dhcp-range=192.0.2.{},192.0.2.{},2m", range.0, range.1);
    let fixed = [
        "--no-daemon",
        "--conf-file=/dev/null",
        "--port=0",
        "--interface=br0",
        "--bind-interfaces",
        "--no-ping",
        "--dhcp-authoritative",
        "--dhcp-option=option:dns-server,192.0.2.53",
        "--dhcp-option=option:domain-name,lan.example",
        "--dhcp-option=option:domain-search,lan.example,example.org",
        "--dhcp-option=121,198.51.100.0/24,192.0.2.9,0.0.0.0/0,192.0.2.1",
        "--log-dhcp",
        &range,
        &leases,
        &pid,
    ];
    Server::start(folder, "dnsmasq", &[&fixed[..], more].concat())
}

/// The one IPv4 address of a `ready` line.
fn leased(ready: &str) -> Ipv4Addr {
    match addresses(ready)[..] {
        [IpAddr::V4(address)] => address,
        _ => panic!("one IPv4 address: {ready}"),
    }
}

fn count(value: &Value, name: &str) -> u64 {
    value["counters"]["dhcpv4"][name].as_u64().unwrap_or_else(|| panic!("no counter {name}: {value}"))
}

/// As [`stats`], over a time that is longer than any test's patience.
fn within(patience: Duration, running: &Running, file: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let value = stats(running, file, |_| true);
        if holds(&value) {
            return value;
        }
        assert!(began.elapsed() < patience, "not so in time: {value}");
        thread::sleep(Duration::from_millis(500));
    }
}

/// The bar: ready within 3 s, and the address named answers a ping then. A restart asks for the lease of
/// before, in one message.
#[test]
fn dnsmasq_gives_a_lease_and_a_restart_keeps_it() {
    in_namespace(|| {
        let folder = Folder::new("dhcp4-lease");
        link();
        let Some(server) = dnsmasq(&folder, (100, 110), &[]) else { return };
        let (state, file) = (folder.path("state.json"), folder.path("stats.json"));
        let recording = folder.path("run.twr");
        let arguments = ["--tap", TAP, "--ip4", "dhcp", "--state", &state, "--stats", &file, "--record", &recording];
        let began = Instant::now();
        let running = Running::start_with(&arguments);
        assert!(began.elapsed() < Duration::from_secs(3), "ready after {:?}", began.elapsed());
        let address = leased(&running.ready);
        assert!((100..=110).contains(&address.octets()[3]), "{}", running.ready);
        assert!(ping(address.into()), "no answer: {}", running.ready);

        let value = stats(&running, &file, |_| true);
        let dhcpv4 = &value["interfaces"][0]["dhcpv4"];
        assert_eq!(dhcpv4["state"], "BOUND");
        assert_eq!(dhcpv4["settings"]["name_servers"][0], "192.0.2.53");
        assert_eq!(dhcpv4["settings"]["domain"], "lan.example");
        assert_eq!(dhcpv4["settings"]["search"][1], "example.org");
        let has = |prefix: &str, gateway: &str| {
            let routes = value["routes"].as_array().expect("a list").iter();
            routes.filter(|route| route["prefix"] == prefix && route["gateway"] == gateway).count() == 1
        };
        assert!(has("0.0.0.0", "192.0.2.1") && has("198.51.100.0", "192.0.2.9"), "{}", value["routes"]);
        assert_eq!(count(&value, "options_malformed"), 0);
        running.stop();
        assert_replays(&recording);

        let again = Running::start_with(&arguments);
        assert_eq!(leased(&again.ready), address);
        assert!(ping(address.into()));
        let value = stats(&again, &file, |value| value["interfaces"][0]["dhcpv4"]["state"] == "BOUND");
        assert_eq!(count(&value, "sent"), 1, "one request");
        again.stop();
        assert_replays(&recording);
        drop(server);
    });
}

/// A host that keeps no state gives its lease back.
#[test]
fn a_lease_is_given_back_at_the_end() {
    in_namespace(|| {
        let folder = Folder::new("dhcp4-release");
        link();
        let Some(server) = dnsmasq(&folder, (100, 110), &[]) else { return };
        let running = Running::start_with(&["--tap", TAP, "--ip4", "dhcp"]);
        let address = leased(&running.ready).to_string();
        let leases = || fs::read_to_string(folder.path("leases")).unwrap_or_default();
        assert!(leases().contains(&address), "{}", leases());
        running.stop();
        let began = Instant::now();
        while leases().contains(&address) {
            assert!(began.elapsed() < Duration::from_secs(3), "{}", leases());
            thread::sleep(Duration::from_millis(50));
        }
        drop(server);
    });
}

/// Two messages instead of four (RFC 4039).
#[test]
fn rapid_commit() {
    in_namespace(|| {
        let folder = Folder::new("dhcp4-rapid");
        link();
        let Some(server) = dnsmasq(&folder, (100, 110), &["--dhcp-rapid-commit"]) else { return };
        let file = folder.path("stats.json");
        let running = Running::start_with(&["--tap", TAP, "--ip4", "dhcp", "--stats", &file]);
        assert!(ping(leased(&running.ready).into()));
        let value = stats(&running, &file, |_| true);
        assert_eq!((count(&value, "sent"), count(&value, "received")), (1, 1));
        running.stop();
        drop(server);
    });
}

#[test]
fn a_lease_of_two_minutes_is_renewed() {
    in_namespace(|| {
        let folder = Folder::new("dhcp4-renew");
        link();
        let Some(server) = dnsmasq(&folder, (100, 110), &[]) else { return };
        let file = folder.path("stats.json");
        let running = Running::start_with(&["--tap", TAP, "--ip4", "dhcp", "--stats", &file]);
        let address = leased(&running.ready);
        let value = within(HALF_LEASE, &running, &file, |value| count(value, "acknowledged") >= 2);
        let lease = &value["interfaces"][0]["dhcpv4"]["lease"];
        assert!(lease["valid_seconds"].as_u64().is_some_and(|left| left > 100), "{lease}");
        assert_eq!((count(&value, "refused"), count(&value, "expired")), (0, 0));
        assert!(ping(address.into()));
        running.stop();
        drop(server);
    });
}

/// Another server in the place of the first knows nothing of the lease, and says so.
#[test]
fn a_server_that_refuses_takes_over() {
    in_namespace(|| {
        let folder = Folder::new("dhcp4-refusal");
        link();
        let Some(first) = dnsmasq(&folder, (100, 110), &[]) else { return };
        let file = folder.path("stats.json");
        let running = Running::start_with(&["--tap", TAP, "--ip4", "dhcp", "--stats", &file]);
        let before = leased(&running.ready);
        drop(first);
        let second = Folder::new("dhcp4-second");
        let Some(server) = dnsmasq(&second, (150, 160), &[]) else { return };
        let usable = |value: &Value| value["interfaces"][0]["dhcpv4"]["lease"]["usable"] == true;
        let value = within(HALF_LEASE, &running, &file, |value| count(value, "refused") >= 1 && usable(value));
        let lease = &value["interfaces"][0]["dhcpv4"]["lease"];
        let address: Ipv4Addr = lease["address"].as_str().expect("told").parse().expect("an address");
        assert!((150..=160).contains(&address.octets()[3]), "{lease}");
        assert!(ping(address.into()) && !ping(before.into()));
        running.stop();
        drop(server);
    });
}

/// Nobody answers: the host finds itself an address for the link, and takes a lease when a server comes.
#[test]
fn without_a_server_there_is_a_link_local_address() {
    in_namespace(|| {
        let folder = Folder::new("dhcp4-alone");
        link();
        Ip::default().add_address(BRIDGE, IpAddr::from([169, 254, 9, 9]), 16).expect("it is there");
        let file = folder.path("stats.json");
        let soon = ["--option", "dhcpv4.link_local_after_ms=500"];
        let running = Running::start_with(&[&["--tap", TAP, "--ip4", "dhcp", "--stats", &file][..], &soon].concat());
        let alone = leased(&running.ready);
        assert!(alone.is_link_local() && ping(alone.into()), "{}", running.ready);
        let Some(server) = dnsmasq(&folder, (100, 110), &[]) else { return };
        let usable = |value: &Value| value["interfaces"][0]["dhcpv4"]["lease"]["usable"] == true;
        let value = within(Duration::from_secs(30), &running, &file, usable);
        let own = value["interfaces"][0]["addresses"].as_array().expect("a list");
        assert!(own.iter().all(|own| own["address"] != alone.to_string()), "{own:?}");
        running.stop();
        drop(server);
    });
}

#[test]
fn a_link_local_address_of_its_own_accord() {
    in_namespace(|| {
        link();
        Ip::default().add_address(BRIDGE, IpAddr::from([169, 254, 9, 9]), 16).expect("it is there");
        let running = Running::start_with(&["--tap", TAP, "--ip4", "link-local", "--ip4", "192.0.2.2/24"]);
        let named = addresses(&running.ready);
        assert_eq!(named.len(), 2, "{}", running.ready);
        for address in named {
            assert!(ping(address), "{address} answers no ping: {}", running.ready);
        }
        running.stop();
    });
}
