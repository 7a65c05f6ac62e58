//! Two stacks with drivers and threads of their own, on devices in memory.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr};
use std::thread;
use std::time::Duration;

use tickwire_backends::capture::Direction;
use tickwire_backends::driver::{Driver, Loop};
use tickwire_backends::net::{TcpListener, TcpStream, UdpSocket};
use tickwire_backends::pair::{PairDevice, pair};
use tickwire_backends::recording::Reader;
use tickwire_core::wire::ethernet::EthernetAddress;
use tickwire_core::{
    AddressOrigin, AddressState, AdvertiseConfig, Config, InterfaceAddress, InterfaceConfig, OwnAddress, RouterConfig,
    Stack,
};
use tickwire_sim::replay::{Replay, describe_stack};

use super::support::{Recorded, Recorder};

pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) fn v4(last: u8) -> IpAddr {
    Ipv4Addr::new(192, 0, 2, last).into()
}

pub(crate) fn v6(last: u16) -> IpAddr {
    Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last).into()
}

fn add(turns: &mut Loop, device: PairDevice, last: u8) {
    let addresses = [
        InterfaceAddress { address: v4(last), prefix_len: 24 },
        InterfaceAddress { address: v6(last.into()), prefix_len: 64 },
    ];
    turns.add_device(device, EthernetAddress([2, 0, 0, 0, 0, last]), &addresses).expect("a valid interface");
}

/// `traffic` between west (`.1`) and east (`.2`); both are recorded.
pub(crate) fn recorded(traffic: impl FnOnce(&Driver, &Driver)) -> [Recorded; 2] {
    let (west, east) = pair(1500).expect("eventfds");
    let ends = [(west, 1), (east, 2)].map(|(device, last)| {
        let (recorder, mut turns) = Recorder::start(Config::default());
        add(&mut turns, device, last);
        turns.add_loopback().expect("a valid interface");
        (recorder, Driver::spawn(turns).expect("a thread"))
    });
    traffic(&ends[0].1, &ends[1].1);
    ends.map(|(recorder, driver)| recorder.finish(driver))
}

pub(crate) fn connected(west: &Driver, east: &Driver, to: SocketAddr) -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind(&east.handle(), to).expect("a free port");
    let client = TcpStream::connect(&west.handle(), to).expect("it listens");
    let (server, _) = listener.accept().expect("it connected");
    for stream in [&client, &server] {
        stream.set_read_timeout(Some(PATIENCE)).expect("not zero");
        stream.set_write_timeout(Some(PATIENCE)).expect("not zero");
    }
    (client, server)
}

/// So many bytes from one end to the other.
pub(crate) fn transfer(mut from: &TcpStream, mut to: &TcpStream, bytes: usize) {
    thread::scope(|scope| {
        scope.spawn(move || {
            let block: Vec<u8> = (0..50_021_u32).map(|at| (at * 7) as u8).collect();
            let mut left = bytes;
            while left > 0 {
                let part = left.min(block.len());
                from.write_all(&block[..part]).expect("connected");
                left -= part;
            }
            from.shutdown(Shutdown::Write).expect("connected");
        });
        let received = io::copy(&mut to, &mut io::sink()).expect("connected");
        assert_eq!(received, bytes as u64);
    });
}

/// A byte to and fro, so many times.
pub(crate) fn exchange(mut client: &TcpStream, mut server: &TcpStream, rounds: usize) {
    let mut byte = [7];
    for _ in 0..rounds {
        client.write_all(&byte).expect("connected");
        server.read_exact(&mut byte).expect("sent");
        server.write_all(&byte).expect("connected");
        client.read_exact(&mut byte).expect("sent");
    }
}

#[test]
fn both_ends_of_bulk_transfers_in_both_families_and_directions() {
    let recorded = recorded(|west, east| {
        for to in [SocketAddr::new(v4(2), 9), SocketAddr::new(v6(2), 9)] {
            let (client, server) = connected(west, east, to);
            transfer(&client, &server, 3 << 20);
            transfer(&server, &client, 3 << 20);
        }
    });
    for end in &recorded {
        let frames = end.check();
        assert!(frames.len() > 8 * 1024, "{} frames", frames.len());
    }
}

/// Datagrams, a port that is closed, options, groups, a connection to itself, reads that time out, a reset.
#[test]
fn whatever_sockets_do() {
    let recorded = recorded(|west, east| {
        let (near, far) = (
            UdpSocket::bind(&west.handle(), (v4(1), 0)).expect("a port"),
            UdpSocket::bind(&east.handle(), (v4(2), 53)).expect("a port"),
        );
        near.connect((v4(2), 53)).expect("a path");
        near.set_ttl(9).expect("valid");
        for len in [0, 1, 1472, 9000] {
            near.send(&vec![7; len]).expect("sent");
            assert_eq!(far.recv_from(&mut [0; 9000]).expect("received").0, len);
        }
        near.connect((v4(2), 54)).expect("a path");
        near.set_read_timeout(Some(PATIENCE)).expect("not zero");
        near.send(b"x").expect("sent");
        assert_eq!(near.recv(&mut [0]).expect_err("nobody is there").kind(), io::ErrorKind::ConnectionRefused);
        let refused = TcpStream::connect(&west.handle(), (v6(2), 81)).expect_err("nobody listens");
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        let itself = SocketAddr::new(v4(1), 8);
        let (client, server) = connected(west, west, itself);
        transfer(&client, &server, 100_000);
        let (mut client, server) = connected(west, east, SocketAddr::new(v4(2), 10));
        client.set_nodelay(true).expect("connected");
        client.set_read_timeout(Some(Duration::from_millis(20))).expect("not zero");
        client.read(&mut [0]).expect_err("nothing comes");
        client.write_all(b"hello").expect("connected");
        // Unread data: the connection is reset.
        thread::sleep(Duration::from_millis(20));
        drop(server);
        thread::sleep(Duration::from_millis(20));
        drop(client);
    });
    for end in &recorded {
        end.check();
    }
}

/// A router tells prefixes, and a host forms its addresses from them and verifies them.
#[test]
fn a_router_and_a_host_that_configures_itself() {
    let (router, host) = pair(1500).expect("eventfds");
    let config = Config { router: RouterConfig { forwarding: true, ..RouterConfig::default() }, ..Config::default() };
    let (of_router, mut turns) = Recorder::start(config);
    let own = InterfaceAddress { address: v6(1), prefix_len: 64 };
    let advertise = AdvertiseConfig { max_interval: Duration::from_secs(4), ..AdvertiseConfig::default() };
    let advertising = |capabilities| InterfaceConfig {
        advertise: Some(advertise),
        ..InterfaceConfig::new(EthernetAddress([2, 0, 0, 0, 0, 1]), capabilities, [own])
    };
    turns.add_interface(router, advertising).expect("a valid interface");
    let router = Driver::spawn(turns).expect("a thread");
    let (of_host, mut turns) = Recorder::start(Config::default());
    let configuring = |capabilities| InterfaceConfig {
        ipv6_autoconfiguration: true,
        ..InterfaceConfig::new(EthernetAddress([2, 0, 0, 0, 0, 2]), capabilities, [])
    };
    turns.add_interface(host, configuring).expect("a valid interface");
    let host = Driver::spawn(turns).expect("a thread");
    let has_address = |stack: &mut Stack| {
        let is_formed = |own: &OwnAddress| own.origin == AddressOrigin::Slaac && own.prefix_len == 64;
        let mut formed = stack.interfaces().flat_map(|own| own.addresses.iter()).filter(|own| is_formed(own));
        formed.any(|own| own.state == AddressState::Preferred && !own.address.is_unspecified())
    };
    let formed = (0..1500).any(|_| {
        thread::sleep(Duration::from_millis(10));
        host.handle().with(|stack, _| has_address(stack) && stack.default_routers().count() == 1)
    });
    assert!(formed, "within 15 s");
    for end in [of_host.finish(host), of_router.finish(router)] {
        assert!(end.check().len() >= 4);
    }
}

/// Back and forth, wherever one goes, the stack there is the same.
#[test]
fn going_back_is_going_there() {
    let [west, _] = recorded(|west, east| {
        let (client, server) = connected(west, east, SocketAddr::new(v4(2), 9));
        exchange(&client, &server, 400);
        transfer(&client, &server, 1 << 20);
    });
    let mut replay = Replay::new(Reader::open(&west.recording.0).expect("a recording"));
    let mut states = Vec::new();
    while let Some(step) = replay.step().expect("as recorded") {
        states.push((step, replay.stack().digest()));
    }
    let calls = states.len() as u64;
    assert!(calls > 4000, "{calls} calls");
    let whole = describe_stack(replay.stack());
    for place in [calls - 1, 0, 1, 1023, 1024, 1025, calls / 2, calls, 2050, 2048] {
        replay.go_to(place).expect("as recorded");
        assert_eq!(replay.calls(), place);
        if let Some((step, digest)) = usize::try_from(place).ok().and_then(|place| states.get(place)) {
            assert_eq!(replay.step().expect("as recorded").as_ref(), Some(step));
            assert_eq!(replay.stack().digest(), *digest);
        }
    }
    replay.go_to(u64::MAX).expect("as recorded");
    assert_eq!((replay.calls(), describe_stack(replay.stack())), (calls, whole));
}

/// A capture of a replay has the directions of the original.
#[test]
fn frames_go_in_and_out() {
    let [west, east] = recorded(|west, east| drop(connected(west, east, SocketAddr::new(v4(2), 9))));
    let of = |recorded: &Recorded, direction| {
        let frames = recorded.check().into_iter().filter(|frame| frame.direction == Some(direction));
        frames.map(|frame| frame.data).collect::<Vec<_>>()
    };
    assert_eq!(of(&west, Direction::Outbound), of(&east, Direction::Inbound));
    assert!(of(&east, Direction::Outbound).len() >= 3);
}
