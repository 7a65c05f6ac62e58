//! Groups with the kernel as member: the stack asks, on a TAP in a network namespace of the test's own. And with a
//! bridge that asks too: who has the lower address does.
//!
//! Where no namespace, TAP or bridge can be had, a test says so and passes, unless `TICKWIRE_REQUIRE_PEERS=1`.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{ip4, ip6};
use rustix::net::sockopt::set_ip_add_source_membership;
use tickwire_backends::driver::{Driver, Loop};
use tickwire_backends::net_setup::{Ip, NetSetupError, enter_network_namespace};
use tickwire_backends::tap::Tap;
use tickwire_core::wire::ethernet::EthernetAddress;
use tickwire_core::{Config, InterfaceAddress, QuerierConfig, Stack};

const PATIENCE: Duration = Duration::from_secs(20);
const GROUP_V4: Ipv4Addr = Ipv4Addr::new(233, 252, 0, 1);
const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff15, 0, 0, 0, 0, 0, 0, 0x1234);

/// The stack, which is `.2` and asks every two seconds, beside the kernel on a TAP or behind a bridge of it.
fn start(igmp_mld: [u8; 2], bridge: bool) -> Result<Driver, String> {
    enter_network_namespace().map_err(|error| error.to_string())?;
    let tap = Tap::open("tap7", 1500).map_err(|error| error.to_string())?;
    let set_up = || -> Result<(), NetSetupError> {
        let ip = Ip::default();
        let device = if bridge { "br0" } else { "tap7" };
        if bridge {
            let intervals = ["mcast_query_interval", "200", "mcast_startup_query_interval", "100"];
            let versions = ["mcast_igmp_version", "3", "mcast_mld_version", "2", "mcast_query_use_ifaddr", "1"];
            let link = ["link", "add", "br0", "type", "bridge", "mcast_snooping", "1"];
            ip.run(&[&link[..], &intervals, &versions, &["mcast_query_response_interval", "100"]].concat())?;
            // Its queries come from the address that is given below.
            ip.run(&["link", "set", "dev", "br0", "addrgenmode", "none"])?;
            ip.join_bridge("tap7", "br0")?;
        }
        ip.add_address(device, ip4(1), 24)?;
        ip.add_address(device, ip6(1), 64)?;
        ip.add_address(device, "fe80::1".parse().expect("an address"), 64)?;
        ip.link_up("lo")?;
        ip.link_up("tap7")?;
        if bridge {
            ip.link_up("br0")?;
            ip.run(&["link", "set", "dev", "br0", "type", "bridge", "mcast_querier", "1"])?;
        }
        Ok(())
    };
    set_up().map_err(|error| error.to_string())?;
    let device = if bridge { "br0" } else { "tap7" };
    for (path, version) in [("ipv4/conf", "force_igmp_version"), ("ipv6/conf", "force_mld_version")]
        .into_iter()
        .zip(igmp_mld)
        .map(|((path, name), version)| (format!("/proc/sys/net/{path}/{device}/{name}"), version))
    {
        fs::write(&path, version.to_string()).map_err(|error| format!("{path}: {error}"))?;
    }
    let querier = QuerierConfig {
        // A bridge that hears others ask does not begin to: it is to be the first.
        enabled: !bridge,
        query_interval: Duration::from_secs(2),
        response_interval: Duration::from_secs(1),
        // Hosts of IGMPv1 answer within ten seconds, whatever they are asked.
        robustness: if igmp_mld[0] == 1 { 6 } else { 2 },
        ..QuerierConfig::default()
    };
    let mut turns = Loop::new(Config { querier, ..Config::default() }, None).map_err(|error| error.to_string())?;
    let addresses = [
        InterfaceAddress { address: ip4(2), prefix_len: 24 },
        InterfaceAddress { address: "fe80::2".parse().expect("an address"), prefix_len: 64 },
    ];
    turns.add_device(tap, EthernetAddress([2, 0, 0, 0, 0, 2]), &addresses).expect("a valid interface");
    Driver::spawn(turns).map_err(|error| error.to_string())
}

/// Runs `test` in a namespace, on a thread of its own, beside a kernel that speaks these versions (0: the newest).
fn beside_the_kernel(versions: [u8; 2], bridge: bool, test: impl FnOnce(Driver) + Send) {
    let required = std::env::var_os("TICKWIRE_REQUIRE_PEERS").is_some_and(|value| value == "1");
    thread::scope(|scope| {
        let inside = scope.spawn(|| match start(versions, bridge) {
            Ok(driver) => test(driver),
            Err(reason) if required => panic!("peers are required: {reason}"),
            Err(reason) => println!("skipped: {reason}"),
        });
        if let Err(panic) = inside.join() {
            std::panic::resume_unwind(panic);
        }
    });
}

fn until(driver: &Driver, what: &str, holds: impl Fn(&Stack) -> bool) {
    let start = Instant::now();
    while !driver.handle().with(|stack, _| holds(stack)) {
        assert!(start.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Whether hosts listen to a group: the version they speak, and how the filter reads.
fn listened(stack: &Stack, group: impl Into<IpAddr>) -> Option<(u8, String)> {
    let group = group.into();
    let found = stack.link_groups().find(|known| known.group == group)?;
    Some((found.version, format!("{:?} {:?}", found.filter.mode(), found.filter.sources())))
}

/// A kernel that joins, is asked again and again, and leaves.
fn joins_and_leaves(driver: &Driver, igmp: u8, mld: u8) {
    until(driver, "the queries", |stack| {
        let id = stack.interfaces().next().expect("there is one").id;
        [false, true].into_iter().all(|ipv6| stack.querier(id, ipv6).is_some_and(|info| info.querying))
    });
    let (v4, v6) =
        (UdpSocket::bind("0.0.0.0:5000").expect("a free port"), UdpSocket::bind("[::]:5001").expect("a free port"));
    let IpAddr::V4(ours) = ip4(1) else { panic!("IPv4") };
    let index = fs::read_to_string("/sys/class/net/tap7/ifindex");
    let index = index.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    v4.join_multicast_v4(&GROUP_V4, &ours).expect("a group");
    v6.join_multicast_v6(&GROUP_V6, index).expect("a group");
    let all = "Exclude []".to_owned();
    until(driver, "both groups", |stack| {
        listened(stack, GROUP_V4) == Some((igmp, all.clone())) && listened(stack, GROUP_V6) == Some((mld, all.clone()))
    });
    // Memberships last for 5 seconds, those of IGMPv1 for 13: answers keep them.
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(if igmp == 1 { 15 } else { 7 }) {
        let kept =
            driver.handle().with(|stack, _| listened(stack, GROUP_V4).is_some() && listened(stack, GROUP_V6).is_some());
        assert!(kept, "lost after {:?}", start.elapsed());
        thread::sleep(Duration::from_millis(50));
    }
    v4.leave_multicast_v4(&GROUP_V4, &ours).expect("joined");
    v6.leave_multicast_v6(&GROUP_V6, index).expect("joined");
    until(driver, "both groups left", |stack| {
        listened(stack, GROUP_V4).is_none() && listened(stack, GROUP_V6).is_none()
    });
}

#[test]
fn members_of_the_newest_versions() {
    beside_the_kernel([0, 0], false, |driver| {
        joins_and_leaves(&driver, 3, 2);
        // Source-specific multicast.
        let socket = UdpSocket::bind("0.0.0.0:5002").expect("a free port");
        let IpAddr::V4(ours) = ip4(1) else { panic!("IPv4") };
        set_ip_add_source_membership(&socket, &GROUP_V4, &ours, &Ipv4Addr::new(198, 51, 100, 7)).expect("a source");
        until(&driver, "the source", |stack| {
            listened(stack, GROUP_V4) == Some((3, "Include [198.51.100.7]".to_owned()))
        });
        drop(socket);
        until(&driver, "nobody", |stack| listened(stack, GROUP_V4).is_none());
        driver.shutdown(Duration::ZERO).expect("the driver ran to its end");
    });
}

#[test]
fn members_of_igmpv2_and_mldv1() {
    beside_the_kernel([2, 1], false, |driver| {
        joins_and_leaves(&driver, 2, 1);
        driver.shutdown(Duration::ZERO).expect("the driver ran to its end");
    });
}

/// IGMPv1 has no leaving: the group goes once nobody answers.
#[test]
fn members_of_igmpv1() {
    beside_the_kernel([1, 1], false, |driver| {
        joins_and_leaves(&driver, 1, 1);
        driver.shutdown(Duration::ZERO).expect("the driver ran to its end");
    });
}

/// The bridge is `.1` and `fe80::1`: the lower in both families.
#[test]
fn a_bridge_asks_in_our_place() {
    beside_the_kernel([0, 0], true, |driver| {
        until(&driver, "the bridge's first queries", |stack| {
            let heard = |name| stack.counters().any(|(other, count)| other == name && count > 0);
            heard("igmp.received") && heard("mld.received")
        });
        driver.handle().with(|stack, now| {
            let id = stack.interfaces().next().expect("there is one").id;
            stack.set_querier(now, id, true).expect("an interface with a link");
        });
        until(&driver, "the bridge's queries", |stack| {
            let id = stack.interfaces().next().expect("there is one").id;
            [(false, ip4(1)), (true, "fe80::1".parse().expect("an address"))].into_iter().all(|(ipv6, lower)| {
                stack
                    .querier(id, ipv6)
                    .is_some_and(|info| !info.querying && info.other.is_some_and(|(other, _)| other == lower))
            })
        });
        Ip::default().run(&["link", "set", "dev", "br0", "type", "bridge", "mcast_querier", "0"]).expect("a bridge");
        until(&driver, "our own queries again", |stack| {
            let id = stack.interfaces().next().expect("there is one").id;
            [false, true].into_iter().all(|ipv6| stack.querier(id, ipv6).is_some_and(|info| info.querying))
        });
        driver.shutdown(Duration::ZERO).expect("the driver ran to its end");
    });
}
