//! Router advertisements as the kernel takes them: it configures itself from what the stack tells, and
//! `rdisc6` (package ndisc6) prints it.
//!
//! Where there is no namespace, TAP or `rdisc6`, a test says so and passes, unless `TICKWIRE_REQUIRE_PEERS=1`.

use std::fs;
use std::net::Ipv6Addr;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use tickwire_backends::driver::{Driver, Loop};
use tickwire_backends::net_setup::{Ip, enter_network_namespace};
use tickwire_backends::tap::Tap;
use tickwire_core::wire::ethernet::EthernetAddress;
use tickwire_core::wire::ndp_options::RouteInformation;
use tickwire_core::wire::ndp_router::RouterPreference;
use tickwire_core::{AdvertiseConfig, Config, InterfaceAddress, InterfaceConfig, RouterConfig};

const PATIENCE: Duration = Duration::from_secs(20);
const OURS: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 2);

/// The stack as router on a TAP whose other end, the kernel's, configures itself.
fn start() -> Result<Driver, String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    enter_network_namespace().map_err(|error| text(&error))?;
    let settings = [
        ("default/accept_dad", "0"),
        ("default/router_solicitation_delay", "0"),
        ("default/accept_ra_rt_info_max_plen", "64"),
    ];
    for (name, value) in settings {
        let path = format!("/proc/sys/net/ipv6/conf/{name}");
        // The kernel may have been built without routes in advertisements.
        let written = fs::write(&path, value);
        written.or_else(|error| if name.contains("rt_info") { Ok(()) } else { Err(format!("{path}: {error}")) })?;
    }
    let tap = Tap::open("tap7", 1500).map_err(|error| text(&error))?;
    let ip = Ip::default();
    ip.link_up("lo").map_err(|error| text(&error))?;
    ip.link_up("tap7").map_err(|error| text(&error))?;
    output("rdisc6", &["--version"])?;
    let router = RouterConfig { forwarding: true, ..RouterConfig::default() };
    let mut turns = Loop::new(Config { router, ..Config::default() }, None).map_err(|error| text(&error))?;
    let route = RouteInformation {
        prefix: Ipv6Addr::new(0x2001, 0xdb8, 9, 0, 0, 0, 0, 0),
        prefix_len: 48,
        preference: RouterPreference::High,
        lifetime: 1800,
    };
    let advertise = AdvertiseConfig {
        mtu: Some(1400),
        hop_limit: 77,
        preference: RouterPreference::Low,
        routes: vec![route],
        name_servers: vec![Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0x53)],
        search_domains: vec!["example.net".parse().expect("a name")],
        ..AdvertiseConfig::default()
    };
    turns
        .add_interface(tap, |capabilities| InterfaceConfig {
            advertise: Some(advertise),
            ..InterfaceConfig::new(EthernetAddress([2, 0, 0, 0, 0, 2]), capabilities, [InterfaceAddress::v6(OURS, 64)])
        })
        .expect("a valid interface");
    Driver::spawn(turns).map_err(|error| text(&error))
}

/// What a program prints.
fn output(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(arguments).output();
    let output = output.map_err(|error| format!("cannot run {program}: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Waits until what a program prints is as it should be.
fn until(program: &str, arguments: &[&str], what: &str, holds: impl Fn(&str) -> bool) -> String {
    let start = Instant::now();
    loop {
        let printed = output(program, arguments).expect("it has run before");
        if holds(&printed) {
            return printed;
        }
        assert!(start.elapsed() < PATIENCE, "{what}:\n{printed}");
        thread::sleep(Duration::from_millis(50));
    }
}

fn in_a_namespace(test: impl FnOnce(Driver) + Send) {
    let required = std::env::var_os("TICKWIRE_REQUIRE_PEERS").is_some_and(|value| value == "1");
    thread::scope(|scope| {
        let inside = scope.spawn(|| match start() {
            Ok(driver) => test(driver),
            Err(reason) if required => panic!("peers are required: {reason}"),
            Err(reason) => println!("skipped: {reason}"),
        });
        if let Err(panic) = inside.join() {
            std::panic::resume_unwind(panic);
        }
    });
}

#[test]
fn the_kernel_configures_itself() {
    in_a_namespace(|driver| {
        let addresses = ["-6", "addr", "show", "dev", "tap7"];
        until("ip", &addresses, "an address of our prefix", |printed| printed.contains("inet6 2001:db8:1:"));
        let routes = ["-6", "route", "show"];
        let printed = until("ip", &routes, "a default route", |printed| printed.contains("default via fe80::"));
        let default = printed.lines().find(|line| line.starts_with("default")).expect("there is one");
        for part in ["dev tap7", "hoplimit 77", "pref low"] {
            assert!(default.contains(part), "no {part}: {default}");
        }
        assert!(printed.contains("2001:db8:1::/64 dev tap7"), "the prefix is on the link:\n{printed}");
        if fs::exists("/proc/sys/net/ipv6/conf/tap7/accept_ra_rt_info_max_plen").unwrap_or(false) {
            assert!(printed.contains("2001:db8:9::/48 via fe80::"), "{printed}");
        }
        let mtu = fs::read_to_string("/proc/sys/net/ipv6/conf/tap7/mtu").expect("the kernel has it");
        assert_eq!(mtu.trim(), "1400");
        // Asked for, it is answered at once.
        let printed = until("rdisc6", &["-1", "tap7"], "an answer", |printed| printed.contains("2001:db8:1::53"));
        for part in ["example.net", "2001:db8:1::/64", "low", "2001:db8:9::/48", "1400"] {
            assert!(printed.contains(part), "no {part}:\n{printed}");
        }

        let stack = driver.handle();
        stack.with(|stack, now| {
            let id = stack.interfaces().next().expect("there is one").id;
            stack.cease_advertising(now, id).expect("it advertises");
        });
        let printed = until("ip", &routes, "no default route", |printed| !printed.contains("default via"));
        assert!(!printed.contains("2001:db8:9::/48 via"), "nor any other through us:\n{printed}");
        assert!(
            output("ip", &addresses).expect("it has run before").contains("inet6 2001:db8:1:"),
            "addresses live on"
        );
        driver.shutdown(Duration::ZERO).expect("the driver ran to its end");
    });
}
