//! DHCPv6 against real servers: dnsmasq (with router advertisements) and ISC dhcpd (delegated prefixes,
//! rapid commit), on the kernel's end of a TAP.
//!
//! Where there is no server, no namespace or no TAP, a test says so and passes, unless
//! `TICKWIRE_REQUIRE_PEERS=1`.

use std::fs;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use crate::command::peer::{Folder, Server, addresses, stats};
use crate::command::{Running, assert_replays, in_namespace, ping};
use serde_json::Value;
use tickwire_backends::net_setup::Ip;

const TAP: &str = "tap7";
const SERVER: &str = "2001:db8:1::1";
const GATEWAY: &str = "fe80::1";

/// The TAP, up, with the server's addresses; duplicates are not looked for, so that it can be used at once.
fn link() {
    let ip = Ip::default();
    for (name, value) in [("default/accept_dad", "0"), ("all/forwarding", "1"), ("default/forwarding", "1")] {
        fs::write(format!("/proc/sys/net/ipv6/conf/{name}"), value).expect("root in this namespace");
    }
    ip.add_tap(TAP, "root").expect("root in this namespace");
    ip.link_up(TAP).expect("it is there");
    for address in [SERVER, GATEWAY] {
        ip.add_address(TAP, address.parse().expect("an address"), 64).expect("it is there");
    }
}

/// dnsmasq: stateful DHCPv6 and router advertisements, leases of two minutes (its least).
fn dnsmasq(folder: &Folder) -> Option<Server> {
    let leases = format!("--dhcp-leasefile={}", folder.path("leases"));
    let pid = format!("--pid-file={}", folder.path("pid"));
    let fixed = [
        "--no-daemon",
        "--conf-file=/dev/null",
        "--port=0",
        "--interface=tap7",
        "--bind-interfaces",
        "--enable-ra",
        "--dhcp-range=2001:db8:1::1000,2001:db8:1::1fff,64,2m",
        "--dhcp-option=option6:dns-server,[2001:db8:1::53]",
        "--dhcp-option=option6:domain-search,lan.example",
        "--dhcp-authoritative",
        &leases,
        &pid,
    ];
    Server::start(folder, "dnsmasq", &fixed)
}

/// ISC dhcpd: addresses and prefixes, and two messages instead of four for who asks for that.
fn dhcpd(folder: &Folder) -> Option<Server> {
    let configuration = "
        default-lease-time 120; preferred-lifetime 90;
        option dhcp-renewal-time 5; option dhcp-rebinding-time 60;
        authoritative;
        allow leasequery;
        option dhcp6.rapid-commit;
        option dhcp6.name-servers 2001:db8:1::53;
        subnet6 2001:db8:1::/64 {
            range6 2001:db8:1::2000 2001:db8:1::2fff;
            prefix6 2001:db8:ff00:: 2001:db8:ffff:: /56;
        }";
    fs::write(folder.path("dhcpd.conf"), configuration).expect("written");
    fs::write(folder.path("leases"), "").expect("written");
    let (conf, leases, pid) = (folder.path("dhcpd.conf"), folder.path("leases"), folder.path("pid"));
    Server::start(folder, "dhcpd", &["-6", "-d", "-cf", &conf, "-lf", &leases, "-pf", &pid, "--no-pid", TAP])
}

fn is_in(address: IpAddr, prefix: &str) -> bool {
    let prefix: Ipv6Addr = prefix.parse().expect("an address");
    matches!(address, IpAddr::V6(address) if address.segments()[..4] == prefix.segments()[..4])
}

/// The bar: ready within 3 s, each address named answers a ping then; a restart keeps address and DUID.
#[test]
fn dnsmasq_gives_an_address_and_a_restart_keeps_it() {
    in_namespace(|| {
        let folder = Folder::new("dnsmasq");
        link();
        let Some(server) = dnsmasq(&folder) else { return };
        let (state, file) = (folder.path("state.json"), folder.path("stats.json"));
        let recording = folder.path("run.twr");
        let arguments = ["--tap", TAP, "--ip6", "dhcp", "--state", &state, "--stats", &file, "--record", &recording];
        let began = Instant::now();
        let running = Running::start_with(&arguments);
        assert!(began.elapsed() < Duration::from_secs(4), "ready after {:?}", began.elapsed());
        let named = addresses(&running.ready);
        let leased = *named.iter().find(|address| is_in(**address, "2001:db8:1::")).expect("an address");
        for address in &named {
            assert!(ping(*address), "{address} answers no ping: {}", running.ready);
        }
        let value = stats(&running, &file, |value| value["interfaces"][0]["dhcpv6"]["state"] == "bound");
        let dhcpv6 = &value["interfaces"][0]["dhcpv6"];
        assert_eq!(dhcpv6["name_servers"][0], "2001:db8:1::53");
        assert_eq!(dhcpv6["domains"][0], "lan.example");
        let duid = dhcpv6["duid"].as_str().expect("told").to_owned();
        running.stop();
        assert_replays(&recording);

        let again = Running::start_with(&arguments);
        assert!(addresses(&again.ready).contains(&leased), "{} after {leased}", again.ready);
        let value = stats(&again, &file, |_| true);
        assert_eq!(value["interfaces"][0]["dhcpv6"]["duid"], duid.as_str());
        assert!(ping(leased), "{leased} answers no ping: {}", again.ready);
        again.stop();
        assert_replays(&recording);
        drop(server);
    });
}

/// Routers say M: `--ip6 slaac` gets an address from the server too.
#[test]
fn the_routers_flags_are_followed() {
    in_namespace(|| {
        let folder = Folder::new("flags");
        link();
        let Some(server) = dnsmasq(&folder) else { return };
        let file = folder.path("stats.json");
        let recording = folder.path("run.twr");
        let arguments = ["--tap", TAP, "--ip6", "slaac", "--stats", &file, "--record", &recording];
        let running = Running::start_with(&arguments);
        for address in addresses(&running.ready) {
            assert!(ping(address), "{address} answers no ping: {}", running.ready);
        }
        stats(&running, &file, |value| value["interfaces"][0]["dhcpv6"]["state"] == "bound");
        running.stop();
        assert_replays(&recording);
        drop(server);
    });
}

/// A prefix beside the address, in two messages, renewed after 5 s.
#[test]
fn dhcpd_delegates_a_prefix() {
    in_namespace(|| {
        let folder = Folder::new("dhcpd");
        link();
        let Some(server) = dhcpd(&folder) else { return };
        let file = folder.path("stats.json");
        // No router tells a way back, so that we do.
        let running = Running::start_with(&[
            "--tap",
            TAP,
            "--ip6",
            "dhcp",
            "--gw6",
            GATEWAY,
            "--option",
            "dhcpv6.prefix_delegation=56",
            "--stats",
            &file,
        ]);
        let address = *addresses(&running.ready).first().expect("an address");
        assert!(is_in(address, "2001:db8:1::"), "{}", running.ready);
        assert!(ping(address), "{address} answers no ping: {}", running.ready);
        let bound = |value: &Value| value["interfaces"][0]["dhcpv6"]["prefixes"][0]["prefix_len"] == 56;
        let value = stats(&running, &file, bound);
        let sent = |value: &Value| value["counters"]["dhcpv6"]["sent"].as_u64().expect("a number");
        assert_eq!(sent(&value), 1, "a Solicit, answered by a Reply");
        let blackhole = |route: &Value| route["target"] == "blackhole" && route["prefix_len"] == 56;
        assert!(value["routes"].as_array().expect("a list").iter().any(blackhole));
        stats(&running, &file, |value| sent(value) >= 2 && value["interfaces"][0]["dhcpv6"]["state"] == "bound");
        running.stop();
        drop(server);
    });
}
