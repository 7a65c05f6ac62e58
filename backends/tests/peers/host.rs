//! The host as a whole, started with one command on a bridge, against what a real network has: dnsmasq
//! (DHCP and router advertisements), radvd, Linux as a neighbor, arping, ndisc6 and rdisc6. What a flood does
//! to it is in `peers_flood.rs`.
//!
//! Where one of them, a namespace or a TAP is not to be had, a test says so and passes, unless
//! `TICKWIRE_REQUIRE_PEERS=1`.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv6Addr, TcpStream};
use std::time::{Duration, Instant};

use crate::command::bridge::{BRIDGE, Bridge, KERNEL_V4, KERNEL_V6, TAP, ask, pings};
use crate::command::peer::{Folder, Server, addresses, stats};
use crate::command::{Running, connect, in_namespace, tickwire};
use rustix::process::Signal;
use serde_json::Value;
use tickwire_backends::capture::read_frames;
use tickwire_backends::net_setup::Ip;
use tickwire_core::wire::ethernet::EthernetAddress;

/// What the routers of the tests say of IPv6: form an address yourselves, or ask for one.
const SLAAC: &str = "--dhcp-range=2001:db8:1::,ra-only,64";
const LEASES: &str = "--dhcp-range=2001:db8:1::1000,2001:db8:1::1fff,64,2m";

/// dnsmasq: DHCPv4 without a ping before each offer, and router advertisements with `ip6`.
fn dnsmasq(folder: &Folder, ip6: &str) -> Option<Server> {
    let (leases, pid) = (folder.path("leases"), folder.path("pid"));
    let arguments = [
        "--no-daemon",
        "--conf-file=/dev/null",
        "--port=0",
        "--interface=br0",
        "--bind-interfaces",
        "--no-ping",
        "--dhcp-authoritative",
        "--dhcp-range=192.0.2.100,192.0.2.199,2m",
        "--enable-ra",
        ip6,
        &format!("--dhcp-leasefile={leases}"),
        &format!("--pid-file={pid}"),
    ];
    Server::start(folder, "dnsmasq", &arguments)
}

fn radvd(folder: &Folder) -> Option<Server> {
    let configuration = "interface br0 {
        AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4;
        prefix 2001:db8:1::/64 { AdvOnLink on; AdvAutonomous on; };
    };";
    fs::write(folder.path("radvd.conf"), configuration).expect("written");
    let (conf, pid) = (folder.path("radvd.conf"), folder.path("radvd.pid"));
    Server::start(folder, "radvd", &["-n", "-m", "stderr", "-C", &conf, "-p", &pid])
}

/// Each address that the `ready` line names answers a ping at this moment.
fn assert_all_answer(running: &Running) {
    for address in addresses(&running.ready) {
        assert!(pings(address), "{address} answers no ping: {}", running.ready);
    }
}

/// Starts with addresses from servers; what it took until it was ready, and each address answered.
fn ready_after(arguments: &[&str]) -> Option<Duration> {
    let folder = Folder::new(&format!("ready{}", arguments.len()));
    let _bridge = Bridge::new();
    let server = dnsmasq(&folder, SLAAC)?;
    let began = Instant::now();
    let all = [&["--tap", TAP, "--ip4", "dhcp", "--ip6", "slaac"], arguments].concat();
    let running = Running::start_with(&all);
    let ready = began.elapsed();
    assert_all_answer(&running);
    let named = addresses(&running.ready);
    assert!(named.iter().any(IpAddr::is_ipv4) && named.iter().any(IpAddr::is_ipv6), "{}", running.ready);
    running.stop();
    drop(server);
    Some(ready)
}

#[test]
fn ready_within_three_seconds() {
    in_namespace(|| {
        let Some(ready) = ready_after(&[]) else { return };
        println!("ready after {ready:?}");
        assert!(ready < Duration::from_secs(3), "ready after {ready:?}");
    });
}

#[test]
fn ready_within_ten_seconds_at_the_pace_of_the_rfc() {
    in_namespace(|| {
        let Some(ready) = ready_after(&["--acd", "rfc5227"]) else { return };
        println!("--acd rfc5227: ready after {ready:?}");
        assert!(ready < Duration::from_secs(10), "ready after {ready:?}");
    });
}

/// With the link-local address, once routers have been asked three times.
#[test]
fn ready_without_a_router() {
    in_namespace(|| {
        let _bridge = Bridge::new();
        let began = Instant::now();
        let running = Running::start_within(&["--tap", TAP, "--ip6", "slaac"], Duration::from_secs(20));
        let ready = began.elapsed();
        println!("--ip6 slaac without a router: ready after {ready:?}");
        assert!((12..15).contains(&ready.as_secs()), "ready after {ready:?}");
        let named = addresses(&running.ready);
        let is_link_local = |address: &IpAddr| matches!(address, IpAddr::V6(it) if it.is_unicast_link_local());
        assert!(named.len() == 1 && named.iter().all(is_link_local), "{}", running.ready);
        assert_all_answer(&running);
        running.stop();
    });
}

fn routers(value: &Value) -> usize {
    value["routers"].as_array().map_or(0, Vec::len)
}

/// Its last words withdraw it; the addresses live on, and it is found when it is back.
#[test]
fn a_router_goes_and_returns() {
    in_namespace(|| {
        let folder = Folder::new("returns");
        let _bridge = Bridge::new();
        let Some(router) = radvd(&folder) else { return };
        let file = folder.path("stats.json");
        let running = Running::start_with(&["--tap", TAP, "--ip6", "slaac", "--stats", &file]);
        assert_all_answer(&running);
        stats(&running, &file, |value| routers(value) == 1);
        router.stop();
        stats(&running, &file, |value| routers(value) == 0);
        assert_all_answer(&running);
        let began = Instant::now();
        let router = radvd(&folder).expect("it was there before");
        stats(&running, &file, |value| routers(value) == 1);
        println!("found again after {:?}", began.elapsed());
        assert_all_answer(&running);
        running.stop();
        drop(router);
    });
}

#[test]
fn the_interface_goes_down_and_comes_up() {
    goes_and_returns("down", "up");
}

#[test]
fn the_carrier_goes_and_returns() {
    goes_and_returns("carrier off", "carrier on");
}

/// `ip link set tap7 down`, and up again: it is noticed, the addresses are looked after and kept, and
/// connections go on.
fn goes_and_returns(down: &str, up: &str) {
    let set = |state: &str| {
        let arguments = ["link", "set", "dev", TAP].into_iter().chain(state.split(' '));
        Ip::default().run(&arguments.collect::<Vec<_>>()).expect("it is there");
    };
    in_namespace(|| {
        let folder = Folder::new(&format!("flap-{}", down.replace(' ', "-")));
        let bridge = Bridge::new();
        let Some(server) = dnsmasq(&folder, SLAAC) else { return };
        let file = folder.path("stats.json");
        let running = Running::start_with(&[
            "--tap",
            TAP,
            "--ip4",
            "dhcp",
            "--ip6",
            "slaac",
            "--service",
            "echo",
            "--stats",
            &file,
        ]);
        let named = addresses(&running.ready);
        let mut connections: Vec<_> = named.iter().map(|address| connect(*address, 7)).collect();
        let write = |connections: &mut [TcpStream], text: &[u8]| {
            for connection in connections {
                connection.write_all(text).expect("connected");
            }
        };
        let echoed = |connections: &mut [TcpStream], text: &[u8]| {
            for connection in connections {
                let mut back = vec![0; text.len()];
                connection.read_exact(&mut back).expect("it comes back");
                assert_eq!(back, text);
            }
        };
        write(&mut connections, b"before");
        echoed(&mut connections, b"before");
        let is_bound = |value: &Value| value["interfaces"][0]["dhcpv4"]["state"] == "BOUND";
        stats(&running, &file, is_bound);

        set(down);
        stats(&running, &file, |value| value["interfaces"][0]["up"] == false);
        write(&mut connections, b"during");
        set(up);
        let began = Instant::now();
        // What was written while the link was down comes back too.
        echoed(&mut connections, b"during");
        println!("connections go on {:?} after the link came up", began.elapsed());
        let value = stats(&running, &file, |value| value["interfaces"][0]["up"] == true && is_bound(value));
        let leased = value["interfaces"][0]["dhcpv4"]["lease"]["address"].as_str().expect("a lease").to_owned();
        assert!(named.contains(&leased.parse().expect("an address")), "{leased}: {}", running.ready);
        assert_all_answer(&running);
        let (_, stderr) = {
            running.signal(Signal::TERM);
            running.wait()
        };
        assert!(stderr.contains("tap7 is down") && stderr.contains("tap7 is up again"), "{stderr}");
        drop((server, bridge));
    });
}

/// A stack with an address of each family that an operator has set.
fn fixed() -> Running {
    Running::start_with(&["--tap", TAP, "--ip4", "192.0.2.2/24", "--ip6", "2001:db8:1::2/64"])
}

/// `arping -D` asks as a host that is about to use the address (RFC 5227 section 2.1.1).
#[test]
fn arping_finds_the_duplicate() {
    in_namespace(|| {
        let _bridge = Bridge::new();
        let running = fixed();
        let Some(taken) = ask("arping", &["-D", "-I", BRIDGE, "-c", "2", "-w", "3", "192.0.2.2"]) else { return };
        assert_eq!(taken.status.code(), Some(1), "{taken:?}");
        let free = ask("arping", &["-D", "-I", BRIDGE, "-c", "1", "-w", "1", "192.0.2.77"]).expect("it is there");
        assert_eq!(free.status.code(), Some(0), "{free:?}");
        running.stop();
    });
}

/// Linux gives up an address that the stack has (RFC 4862 section 5.4.3).
#[test]
fn linux_finds_the_duplicate() {
    in_namespace(|| {
        let _bridge = Bridge::new();
        let running = fixed();
        fs::write("/proc/sys/net/ipv6/conf/br0/accept_dad", "1").expect("root in this namespace");
        Ip::default().run(&["-6", "addr", "add", "2001:db8:1::2/64", "dev", BRIDGE]).expect("a second one");
        let began = Instant::now();
        while !Bridge::shows("-6", "dadfailed") {
            assert!(began.elapsed() < crate::command::PATIENCE, "Linux has not noticed");
            std::thread::sleep(Duration::from_millis(50));
        }
        running.stop();
    });
}

/// The stack does not use what Linux has.
#[test]
fn addresses_of_linux_are_not_used() {
    in_namespace(|| {
        let _bridge = Bridge::new();
        for (option, address, len) in [("--ip4", KERNEL_V4, 24), ("--ip6", KERNEL_V6, 64)] {
            let wanted = format!("{address}/{len}");
            let output = tickwire().args(["run", "--tap", TAP, option, &wanted]).output().expect("it was built");
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(!output.status.success() && stderr.contains("another host"), "{stderr}");
            assert!(stderr.contains(address), "{stderr}");
        }
    });
}

/// ndisc6 resolves all our addresses; rdisc6 asks for routers, which a host is not.
#[test]
fn ndisc6_and_rdisc6() {
    in_namespace(|| {
        let folder = Folder::new("ndisc6");
        let _bridge = Bridge::new();
        let file = folder.path("stats.json");
        let arguments = ["--tap", TAP, "--ip6", "2001:db8:1::2/64", "--ip6", "fe80::2/64", "--stats", &file];
        let running = Running::start_with(&arguments);
        let mac = running.hardware_address();
        for address in ["2001:db8:1::2", "fe80::2"] {
            let Some(answer) = ask("ndisc6", &["-1", "-q", address, BRIDGE]) else { return };
            let told = String::from_utf8_lossy(&answer.stdout).trim().to_lowercase();
            assert_eq!(told, mac, "{answer:?}");
        }
        let nobody =
            ask("ndisc6", &["-1", "-q", "-r", "1", "-w", "300", "2001:db8:1::77", BRIDGE]).expect("it is there");
        assert!(!nobody.status.success(), "{nobody:?}");
        let routers = ask("rdisc6", &["-1", "-q", "-r", "1", "-w", "300", BRIDGE]).expect("it comes with ndisc6");
        assert!(!routers.status.success(), "a host has answered: {routers:?}");
        running.stop();
    });
}

/// Without `--state` the host is another one at its next start: both leases are given back.
#[test]
fn leases_are_given_back_at_the_end() {
    in_namespace(|| {
        let folder = Folder::new("release");
        let _bridge = Bridge::new();
        let leases = folder.path("leases");
        let Some(server) = dnsmasq(&folder, LEASES) else { return };
        let running = Running::start_with(&["--tap", TAP, "--ip4", "dhcp", "--ip6", "dhcp"]);
        // A line of its own names the server.
        let held = || {
            let text = fs::read_to_string(&leases).unwrap_or_default();
            text.lines().filter(|line| line.contains("192.0.2.") || line.contains("2001:db8:1::")).count()
        };
        let until = |count: usize| {
            let began = Instant::now();
            while held() != count {
                assert!(began.elapsed() < crate::command::PATIENCE, "{} leases, not {count}", held());
                std::thread::sleep(Duration::from_millis(20));
            }
        };
        until(2);
        running.stop();
        until(0);
        drop(server);
    });
}

/// The stack solicits Linux at one of the groups that it is in, as `ip maddr` lists them (RFC 2464 section 7,
/// RFC 4291 section 2.7.1).
#[test]
fn linux_is_solicited_at_its_group() {
    in_namespace(|| {
        let folder = Folder::new("maddr");
        let _bridge = Bridge::new();
        let file = folder.path("run.pcapng");
        let running = Running::start_with(&["--tap", TAP, "--ip6", "2001:db8:1::2/64", "--pcap", &file]);
        // Linux knows us, and tells nothing of itself by asking.
        let arguments =
            ["-6", "neigh", "replace", "2001:db8:1::2", "lladdr", running.hardware_address(), "dev", BRIDGE];
        Ip::default().run(&arguments).expect("it is there");
        assert!(pings("2001:db8:1::2".parse().expect("an address")));
        let groups = ask("ip", &["maddr", "show", "dev", BRIDGE]).expect("iproute2");
        let groups = String::from_utf8_lossy(&groups.stdout).into_owned();
        running.stop();
        let frames = read_frames(fs::File::open(&file).expect("it was written")).expect("pcapng").frames;
        let kernel: Ipv6Addr = KERNEL_V6.parse().expect("an address");
        let solicits = |frame: &[u8]| frame.get(54) == Some(&135) && frame.get(62..78) == Some(&kernel.octets());
        let solicitation = frames.iter().find(|frame| solicits(&frame.data)).expect("it had to ask");
        let to = EthernetAddress(*solicitation.data.first_chunk().expect("a header")).to_string();
        assert!(groups.contains(&to), "{to} is none of {groups}");
    });
}
