//! Groups against the kernel: a bridge as querier, in a network namespace of the test's own.
//!
//! Where no namespace, TAP or bridge can be had, the test says so and passes, unless
//! `TICKWIRE_REQUIRE_PEERS=1`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket as KernelSocket};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{ip4, ip6};
use tickwire_backends::driver::{Driver, Loop};
use tickwire_backends::net::UdpSocket;
use tickwire_backends::net_setup::{Ip, NetSetupError, enter_network_namespace};
use tickwire_backends::tap::Tap;
use tickwire_core::wire::ethernet::EthernetAddress;
use tickwire_core::{Config, InterfaceAddress};

const PATIENCE: Duration = Duration::from_secs(20);
const GROUP_V4: Ipv4Addr = Ipv4Addr::new(233, 252, 0, 1);
const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff15, 0, 0, 0, 0, 0, 0, 0x1234);

/// The stack on a port of a bridge, which is `.1` in both families and asks every two seconds.
fn start(igmp: u8, mld: u8) -> Result<Driver, String> {
    enter_network_namespace().map_err(|error| error.to_string())?;
    let tap = Tap::open("tap7", 1500).map_err(|error| error.to_string())?;
    let (igmp, mld) = (igmp.to_string(), mld.to_string());
    let set_up = || -> Result<(), NetSetupError> {
        let ip = Ip::default();
        ip.run(&[
            "link",
            "add",
            "br0",
            "type",
            "bridge",
            "mcast_snooping",
            "1",
            "mcast_igmp_version",
            &igmp,
            "mcast_mld_version",
            &mld,
            "mcast_query_interval",
            "200",
            "mcast_startup_query_interval",
            "100",
            "mcast_query_response_interval",
            "100",
            "mcast_membership_interval",
            "500",
            "mcast_query_use_ifaddr",
            "1",
        ])?;
        ip.add_address("br0", ip4(1), 24)?;
        ip.add_address("br0", ip6(1), 64)?;
        ip.add_address("br0", "fe80::1".parse().expect("an address"), 64)?;
        ip.join_bridge("tap7", "br0")?;
        ip.link_up("lo")?;
        ip.link_up("tap7")?;
        ip.link_up("br0")?;
        ip.run(&["link", "set", "dev", "br0", "type", "bridge", "mcast_querier", "1"])
    };
    set_up().map_err(|error| error.to_string())?;
    bridge_entries()?;
    let mut turns = Loop::new(Config::default(), None).map_err(|error| error.to_string())?;
    let addresses = [
        InterfaceAddress { address: ip4(2), prefix_len: 24 },
        InterfaceAddress { address: ip6(2), prefix_len: 64 },
        InterfaceAddress { address: "fe80::2".parse().expect("an address"), prefix_len: 64 },
    ];
    turns.add_device(tap, EthernetAddress([2, 0, 0, 0, 0, 2]), &addresses).expect("a valid interface");
    Driver::spawn(turns).map_err(|error| error.to_string())
}

/// Runs `test` in a namespace, on a thread of its own, with a bridge that speaks these versions.
fn with_bridge(igmp: u8, mld: u8, test: impl FnOnce(Driver) + Send) {
    let required = std::env::var_os("TICKWIRE_REQUIRE_PEERS").is_some_and(|value| value == "1");
    thread::scope(|scope| {
        let inside = scope.spawn(|| match start(igmp, mld) {
            Ok(driver) => test(driver),
            Err(reason) if required => panic!("a bridge in a namespace is required: {reason}"),
            Err(reason) => println!("skipped: {reason}"),
        });
        if let Err(panic) = inside.join() {
            std::panic::resume_unwind(panic);
        }
    });
}

/// What the bridge knows of the groups behind its ports.
fn bridge_entries() -> Result<String, String> {
    let output = Command::new("bridge").args(["-d", "mdb", "show"]).output();
    let output = output.map_err(|error| format!("cannot run `bridge` (package iproute2): {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn wait_until(what: &str, holds: impl Fn(&str) -> bool) {
    let start = Instant::now();
    loop {
        let entries = bridge_entries().expect("it has run before");
        if holds(&entries) {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "{what}:\n{entries}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// Whether the stack's port has an entry for the group, of which the line also says `with`.
fn has(entries: &str, group: IpAddr, with: &str) -> bool {
    let group = format!("grp {group} ");
    entries.lines().any(|line| line.contains("port tap7") && line.contains(&group) && line.contains(with))
}

/// Joins and leaves as the bridge sees them, and the datagrams that it then lets through.
fn joins_and_leaves(driver: &Driver) {
    let socket = UdpSocket::bind(&driver.handle(), "[::]:5000").expect("a free port");
    socket.join_multicast_v4(&GROUP_V4, &Ipv4Addr::UNSPECIFIED).expect("a group");
    socket.join_multicast_v6(&GROUP_V6, 0).expect("a group");
    wait_until("both groups on the port", |entries| {
        has(entries, GROUP_V4.into(), "") && has(entries, GROUP_V6.into(), "")
    });
    socket.set_read_timeout(Some(PATIENCE)).expect("not zero");
    for (from, group) in [(ip4(1), IpAddr::from(GROUP_V4)), (ip6(1), IpAddr::from(GROUP_V6))] {
        let kernel = KernelSocket::bind((from, 0)).expect("a free port");
        kernel.send_to(b"hello", (group, 5000)).expect("the bridge has a route");
        let (len, sender) = socket.recv_from(&mut [0; 16]).expect("it arrives");
        assert_eq!((len, sender), (5, kernel.local_addr().expect("bound")));
    }
    // Entries live for five seconds: answers to queries keep them.
    thread::sleep(Duration::from_secs(7));
    let entries = bridge_entries().expect("it has run before");
    assert!(has(&entries, GROUP_V4.into(), "") && has(&entries, GROUP_V6.into(), ""), "{entries}");

    socket.leave_multicast_v4(&GROUP_V4, &Ipv4Addr::UNSPECIFIED).expect("joined");
    socket.leave_multicast_v6(&GROUP_V6, 0).expect("joined");
    wait_until("neither group on the port", |entries| {
        !has(entries, GROUP_V4.into(), "") && !has(entries, GROUP_V6.into(), "")
    });
}

#[test]
fn a_bridge_of_igmpv3_and_mldv2_learns_groups_and_sources() {
    with_bridge(3, 2, |driver| {
        wait_until("the solicited-node group of our address", |entries| {
            has(entries, "ff02::1:ff00:2".parse().expect("an address"), "")
        });
        joins_and_leaves(&driver);

        let socket = UdpSocket::bind(&driver.handle(), "0.0.0.0:5001").expect("a free port");
        let IpAddr::V4(wanted) = ip4(1) else { panic!("IPv4") };
        socket.join_source_v4(&GROUP_V4, &wanted, &Ipv4Addr::UNSPECIFIED).expect("a group");
        wait_until("an entry of the source", |entries| {
            has(entries, GROUP_V4.into(), &format!("src {wanted}"))
                || has(entries, GROUP_V4.into(), &format!("{wanted}/"))
        });
    });
}

/// An older querier: the stack falls back to IGMPv2 and MLDv1.
#[test]
fn a_bridge_of_igmpv2_and_mldv1() {
    with_bridge(2, 1, |driver| {
        let version = |ipv6| {
            driver.handle().with(|stack, _| {
                let interface = stack.interfaces().next().expect("it has one").id;
                stack.membership_version(interface, ipv6)
            })
        };
        let start = Instant::now();
        while (version(false), version(true)) != (Some(2), Some(1)) {
            assert!(start.elapsed() < PATIENCE, "queries of the bridge are heard");
            thread::sleep(Duration::from_millis(50));
        }
        joins_and_leaves(&driver);
    });
}
