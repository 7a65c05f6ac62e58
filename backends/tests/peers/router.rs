//! The stack as a router between two bridges, each with a host of the kernel's on it, and another stack:
//!
//! ```text
//!   west host .9 --+                                        +-- .9 east host
//!                 br0 --tap0 .2-- stack (router) --tap1 .2-- br1
//!   other stack .3-+  192.0.2.0/24, 2001:db8::/64       198.51.100.0/24, 2001:db8:1::/64
//! ```
//!
//! The kernel of the namespace in the middle forwards nothing. Where no namespace or TAP can be had, a test
//! says so and passes, unless `TICKWIRE_REQUIRE_TAP=1`.

use std::fs;
use std::net::{self, IpAddr, Shutdown, SocketAddr};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::far::Far;
use crate::support::lab::{PATIENCE, ping, run_in_namespace};
use crate::support::{assert_pattern, ip4, ip6, pattern, transfer, write_pattern};
use tickwire_backends::driver::{Driver, Loop, StackHandle};
use tickwire_backends::net::{TcpListener, TcpStream, UdpSocket};
use tickwire_backends::net_setup::{Ip, NetSetupError, enter_network_namespace};
use tickwire_backends::tap::Tap;
use tickwire_core::wire::ethernet::EthernetAddress;
use tickwire_core::{Config, DropReason, InterfaceAddress, Route, RouterConfig};

const BULK: u64 = 4 << 20;

fn east4(host: u8) -> IpAddr {
    IpAddr::from([198, 51, 100, host])
}

fn east6(host: u16) -> IpAddr {
    IpAddr::from([0x2001, 0xdb8, 1, 0, 0, 0, 0, host])
}

/// Two bridges, the router between them and a host on each.
struct Lab {
    router: Driver,
    west: Far,
    east: Far,
    ip: Ip,
}

impl Lab {
    /// Runs `test` in a namespace, on a thread of its own; `mtu` is what the router's eastern link takes.
    fn run(mtu: u16, test: impl FnOnce(Lab) + Send) {
        run_in_namespace(|| Lab::start(mtu), test);
    }

    fn start(mtu: u16) -> Result<Lab, String> {
        enter_network_namespace().map_err(|error| error.to_string())?;
        let ip = Ip::default();
        ip.add_bridge("br0").and_then(|()| ip.add_bridge("br1")).map_err(|error| error.to_string())?;
        let router = RouterConfig { forwarding: true, ..RouterConfig::default() };
        let mut turns = Loop::new(Config { router, ..Config::default() }, None).map_err(|error| error.to_string())?;
        add_tap(&mut turns, ip, ("tap0", "br0", 1500), [ip4(2), ip6(2)])?;
        add_tap(&mut turns, ip, ("tap1", "br1", mtu), [east4(2), east6(2)])?;
        let west = host(ip, "br0", [ip4(9), ip6(9)], [ip4(2), ip6(2)]);
        let east = host(ip, "br1", [east4(9), east6(9)], [east4(2), east6(2)]);
        Ok(Lab { router: Driver::spawn(turns).expect("a thread"), west, east, ip })
    }

    /// Another stack on the western bridge, with the router as its way out.
    fn other_stack(&self) -> Driver {
        let mut turns = Loop::new(Config::default(), None).expect("an eventfd");
        add_tap(&mut turns, self.ip, ("tap2", "br0", 1500), [ip4(3), ip6(3)]).expect("root");
        let driver = Driver::spawn(turns).expect("a thread");
        driver.handle().with(|stack, _| {
            let interface = stack.interfaces().map(|interface| interface.id).last().expect("the TAP");
            for (prefix, gateway) in [(IpAddr::from([0; 4]), ip4(2)), (IpAddr::from([0_u16; 8]), ip6(2))] {
                stack.add_route(Route::via(prefix, 0, gateway, interface)).expect("the gateway is on the link");
            }
        });
        driver
    }

    fn counter(&self, name: &str) -> u64 {
        let counter = |(other, value): (&str, u64)| (other == name).then_some(value);
        self.router.handle().with(|stack, _| stack.counters().find_map(counter).expect("a counter"))
    }
}

/// Gives the stack of `turns` a TAP on a bridge, with an address of each family.
fn add_tap(
    turns: &mut Loop,
    ip: Ip,
    (name, bridge, mtu): (&str, &str, u16),
    addresses: [IpAddr; 2],
) -> Result<(), String> {
    let tap = Tap::open(name, mtu).map_err(|error| error.to_string())?;
    let set_up = || {
        ip.set_mtu(name, mtu)?;
        ip.join_bridge(name, bridge)?;
        ip.link_up(name)
    };
    set_up().map_err(|error: NetSetupError| error.to_string())?;
    let [IpAddr::V4(v4), IpAddr::V6(v6)] = addresses else { unreachable!("one of each family") };
    let number = name.as_bytes()[3];
    let hardware_address = EthernetAddress([2, 0, 0, 0, 0, number]);
    let addresses = [InterfaceAddress::v4(v4, 24), InterfaceAddress::v6(v6, 64)];
    turns.add_device(tap, hardware_address, &addresses).map_err(|error| error.to_string())?;
    Ok(())
}

/// A host of the kernel's on a bridge.
fn host(ip: Ip, bridge: &'static str, addresses: [IpAddr; 2], routers: [IpAddr; 2]) -> Far {
    let far = Far::new();
    let here = format!("{bridge}-host");
    far.connect(ip, &here, "eth0");
    ip.join_bridge(&here, bridge).expect("root");
    ip.link_up(&here).expect("it is there");
    far.call(move || {
        ip.link_up("lo").expect("it is there");
        ip.link_up("eth0").expect("it is there");
        for (address, len) in addresses.into_iter().zip([24, 64]) {
            ip.add_address("eth0", address, len).expect("it is there");
        }
        for (router, family) in routers.into_iter().zip(["-4", "-6"]) {
            ip.run(&[family, "route", "add", "default", "via", &router.to_string()]).expect("on link");
        }
    });
    far
}

/// What a program of the kernel's side prints; `None` where it is not installed.
fn said_by(host: &Far, program: &'static str, arguments: &[&str]) -> Option<String> {
    let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
    match host.call(move || Command::new(program).args(arguments).output()) {
        Ok(output) => {
            Some([output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat())
        }
        Err(error) if std::env::var_os("TICKWIRE_REQUIRE_PEERS").is_some_and(|value| value == "1") => {
            panic!("{program} is required: {error}")
        }
        Err(error) => {
            println!("skipped: cannot run {program}: {error}");
            None
        }
    }
}

/// Bulk between two hosts of the kernel's.
fn bulk(from: &Far, to: &Far, address: IpAddr) {
    let listener = to.call(move || net::TcpListener::bind((address, 0)).expect("a free port"));
    let local = listener.local_addr().expect("bound");
    let client = from.call(move || net::TcpStream::connect_timeout(&local, PATIENCE).expect("it listens"));
    let (server, _) = listener.accept().expect("it connected");
    server.set_read_timeout(Some(PATIENCE)).expect("not zero");
    transfer(&client, &server, BULK);
}

#[test]
fn pings_and_bulk_across() {
    Lab::run(1500, |lab| {
        for (west, east) in [(ip4(9), east4(9)), (ip6(9), east6(9))] {
            // The first finds the neighbors; of a larger packet's fragments three could wait.
            for len in [1400, 1400, 20_000, 65_000] {
                lab.west.call(move || ping(east, &pattern(len)));
            }
            lab.east.call(move || ping(west, &pattern(65_000)));
            // The router answers for its far side as well.
            lab.west.call(move || ping(if east.is_ipv4() { east4(2) } else { east6(2) }, &pattern(1400)));
            bulk(&lab.west, &lab.east, east);
            bulk(&lab.east, &lab.west, west);
        }
        assert!(lab.counter("forward.packets") > 4 * BULK / 1460);
        let is_full = |(reason, _): &(DropReason, u64)| *reason == DropReason::ForwardQueueFull;
        let refused = lab.router.handle().with(|stack, _| stack.drops().find(is_full).map(|(_, count)| count));
        assert_eq!(refused, Some(0));
    });
}

/// `traceroute` and `tracepath` name the router as the first hop and the far host as the second.
#[test]
fn the_router_is_a_hop() {
    Lab::run(1500, |lab| {
        for (router, east) in [(ip4(2), east4(9)), (ip6(2), east6(9))] {
            let traced = [
                said_by(&lab.west, "traceroute", &["-n", "-q", "1", "-w", "5", "-m", "4", &east.to_string()]),
                said_by(&lab.west, "tracepath", &["-n", "-m", "4", &east.to_string()]),
            ];
            for text in traced.into_iter().flatten() {
                let hop = |address: IpAddr, number: usize| {
                    let names = |line: &&str| line.split_whitespace().any(|word| word == address.to_string());
                    let numbered = |line: &str| line.trim_start().starts_with(&number.to_string());
                    text.lines().skip(1).filter(names).any(numbered)
                };
                assert!(hop(router, 1) && hop(east, 2), "{text}");
            }
        }
    });
}

/// The eastern link takes 1,400 bytes: what may not be fragmented is told so, what may be is.
#[test]
fn a_narrow_link_behind_the_router() {
    Lab::run(1400, |lab| {
        for (router, east, words) in
            [(ip4(2), east4(9), ["Frag needed", "mtu = 1400"]), (ip6(2), east6(9), ["Packet too big", "mtu=1400"])]
        {
            let arguments = ["-n", "-c", "1", "-W", "5", "-M", "do", "-s", "1440", &east.to_string()];
            if let Some(text) = said_by(&lab.west, "ping", &arguments) {
                let told = text.contains(&format!("From {router}")) && words.iter().all(|word| text.contains(word));
                assert!(told, "{text}");
            }
            if let Some(text) = said_by(&lab.west, "tracepath", &["-n", "-m", "4", &east.to_string()]) {
                assert!(text.contains("pmtu 1400") && text.contains("reached"), "{text}");
            }
            bulk(&lab.west, &lab.east, east);
        }
        // With DF clear.
        let kernel = lab.east.call(|| net::UdpSocket::bind((east4(9), 0)).expect("a free port"));
        kernel.set_read_timeout(Some(PATIENCE)).expect("not zero");
        let to = kernel.local_addr().expect("bound");
        lab.west.call(move || {
            fs::write("/proc/sys/net/ipv4/ip_no_pmtu_disc", "1").expect("root in this namespace");
            lab.ip.run(&["route", "flush", "cache"]).expect("root in this namespace");
            let socket = net::UdpSocket::bind((ip4(9), 0)).expect("a free port");
            for len in [1472, 8000] {
                socket.send_to(&pattern(len), to).expect("it has a route");
            }
        });
        for len in [1472, 8000] {
            let mut buf = vec![0; 9000];
            let (count, _) = kernel.recv_from(&mut buf).expect("it arrives");
            assert!(buf[..count] == pattern(len));
        }
    });
}

/// A host that does not answer: the sender is told.
#[test]
fn a_silent_neighbor() {
    Lab::run(1500, |lab| {
        for (router, silent, word) in [
            (ip4(2), east4(77), "Destination Host Unreachable"),
            (ip6(2), east6(0x77), "Destination unreachable: Address unreachable"),
        ] {
            let arguments = ["-n", "-c", "1", "-W", "9", &silent.to_string()];
            if let Some(text) = said_by(&lab.west, "ping", &arguments) {
                assert!(text.contains(&format!("From {router}")) && text.contains(word), "{text}");
            }
        }
    });
}

/// A connection between stacks, or from a stack to a host, and back.
fn echo_over_tcp(client: &TcpStream, mut server: impl std::io::Read + std::io::Write + Send) {
    const LEN: u64 = 1 << 20;
    client.set_read_timeout(Some(PATIENCE)).expect("not zero");
    thread::scope(|scope| {
        scope.spawn(|| {
            write_pattern(client, LEN).expect("connected");
            client.shutdown(Shutdown::Write).expect("connected");
        });
        assert_pattern(&mut server, LEN);
        server.write_all(b"well received").expect("connected");
        drop(server);
        let mut answer = Vec::new();
        std::io::Read::read_to_end(&mut &*client, &mut answer).expect("the other side closes");
        assert_eq!(answer, b"well received");
    });
}

/// A question and its answer between two stacks.
fn echo_over_udp(asks: &StackHandle, (own, to): (IpAddr, IpAddr), answers: &StackHandle) {
    let [server, client] = [(answers, to), (asks, own)].map(|(stack, address)| {
        let socket = UdpSocket::bind(stack, (address, 0)).expect("a free port");
        socket.set_read_timeout(Some(PATIENCE)).expect("not zero");
        socket
    });
    let mut buf = vec![0; 9000];
    for len in [1, 1400, 8000] {
        client.send_to(&pattern(len), server.local_addr().expect("bound")).expect("it has a route");
        let (count, from) = server.recv_from(&mut buf).expect("it arrives");
        server.send_to(&buf[..count], from).expect("it has a route");
        let (count, _) = client.recv_from(&mut buf).expect("it is answered");
        assert!(buf[..count] == pattern(len));
    }
}

/// Two stacks on one bridge; the one speaks to the other, at both of its addresses, and through it to the host behind.
#[test]
fn two_stacks() {
    Lab::run(1500, |lab| {
        let other = lab.other_stack();
        let (router, stack) = (lab.router.handle(), other.handle());
        for (own, near, far, host) in [(ip4(3), ip4(2), east4(2), east4(9)), (ip6(3), ip6(2), east6(2), east6(9))] {
            for to in [near, far] {
                let listener = TcpListener::bind(&router, (to, 0)).expect("a free port");
                let address = listener.local_addr().expect("bound");
                let client = TcpStream::connect_timeout(&stack, &address, PATIENCE).expect("it listens");
                let (server, from) = listener.accept().expect("it connected");
                assert_eq!(from.ip(), own);
                echo_over_tcp(&client, server);
                echo_over_udp(&stack, (own, to), &router);
            }
            let listener = lab.east.call(move || net::TcpListener::bind((host, 0)).expect("a free port"));
            let address: SocketAddr = listener.local_addr().expect("bound");
            let client = TcpStream::connect_timeout(&stack, &address, PATIENCE).expect("it listens");
            let (server, _) = listener.accept().expect("it connected");
            server.set_read_timeout(Some(PATIENCE)).expect("not zero");
            echo_over_tcp(&client, server);
            // And from the host to the stack, which the neighbor cache of the router has met by now.
            let listener = TcpListener::bind(&stack, (own, 0)).expect("a free port");
            let address = listener.local_addr().expect("bound");
            let start = Instant::now();
            let client =
                lab.east.call(move || net::TcpStream::connect_timeout(&address, PATIENCE).expect("it listens"));
            let (mut server, from) = listener.accept().expect("it connected");
            assert_eq!(from.ip(), host);
            assert!(start.elapsed() < Duration::from_secs(10));
            drop(client);
            assert_eq!(std::io::Read::read(&mut server, &mut [0]).expect("it ends"), 0);
        }
        other.shutdown(Duration::from_millis(200)).expect("the driver ran to its end");
        lab.router.shutdown(Duration::from_millis(200)).expect("the driver ran to its end");
    });
}
