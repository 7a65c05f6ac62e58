//! Two hosts on a link: transfers are byte-exact, and a run can be had again.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use rstest::rstest;
use tickwire_sim::bytes::Bytes;
use tickwire_sim::capture::read_frames;
use tickwire_sim::{Direction, Ended, Host, HostId, Instant, InterfaceAddress, Link, Seed, Step, World};

const MIB: usize = 1 << 20;
/// Longer than any run here takes, TIME-WAIT included.
const LIMIT: Instant = Instant::from_millis(3_600_000);

struct Pair {
    world: World,
    server: HostId,
    client: HostId,
}

/// A server at .1 and a client at .2, `delay_ns` apart.
fn pair(seed: u8, delay_ns: u64) -> Pair {
    let mut world = World::new(Seed([seed; 32]));
    let mut host = |name, station: u8| {
        let v4 = InterfaceAddress::v4(Ipv4Addr::new(192, 0, 2, station), 24);
        let v6 = InterfaceAddress::v6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, station.into()), 64);
        world.add_host(Host::new(name, station.into(), &[v4, v6])).unwrap()
    };
    let (server, client) = (host("server", 1), host("client", 2));
    world.connect(server, client, Link::constant(Duration::from_nanos(delay_ns)));
    Pair { world, server, client }
}

fn server_address(ip: &str, port: u16) -> SocketAddr {
    SocketAddr::new(ip.parse().unwrap(), port)
}

/// Bytes in which no stretch repeats early: a counter stretched by a multiplicative hash.
fn data(len: usize, salt: u32) -> Bytes {
    (0..len as u32).map(|at| ((at ^ salt).wrapping_mul(0x9e37_79b1) >> 24) as u8).collect()
}

fn run(world: &mut World) {
    assert_eq!(world.run_until(LIMIT), Ended::Quiescent);
    assert_eq!(world.failures(), [], "\n{}", tail(world));
}

/// The end of the trace, for a failed run.
fn tail(world: &World) -> String {
    let lines = world.trace().lines();
    let from = lines.lines().count().saturating_sub(40);
    lines.lines().skip(from).collect::<Vec<_>>().join("\n")
}

/// The client sends a line, the server sends it back, both close.
fn echo(seed: u8) -> Pair {
    let mut pair = pair(seed, 5_000_000);
    let (at, line) = (server_address("192.0.2.1", 7), Bytes::from_static(b"hello\n"));
    let serve =
        vec![Step::Listen(at), Step::Expect(line.clone()), Step::Send(line.clone()), Step::ExpectEnd, Step::Close];
    pair.world.start(pair.server, serve);
    let ask = vec![
        Step::Connect(at),
        Step::Send(line.clone()),
        Step::Expect(line),
        Step::Shutdown,
        Step::ExpectEnd,
        Step::Close,
    ];
    pair.world.start(pair.client, ask);
    pair
}

#[rstest]
fn a_mebibyte_each_way(#[values("192.0.2.1", "2001:db8::1")] ip: &str, #[values(0, 1_000, 20_000_000)] delay_ns: u64) {
    let Pair { mut world, server, client } = pair(1, delay_ns);
    let (at, up, down) = (server_address(ip, 80), data(MIB, 1), data(MIB, 2));
    // Both send first: the transfers meet.
    let mut serve = vec![Step::Listen(at), Step::Send(down.clone()), Step::Expect(up.clone())];
    let mut ask = vec![Step::Connect(at), Step::Send(up), Step::Expect(down)];
    for steps in [&mut serve, &mut ask] {
        steps.extend([Step::Shutdown, Step::ExpectEnd, Step::Close]);
    }
    world.start(server, serve);
    world.start(client, ask);
    run(&mut world);
}

#[test]
fn bytes_that_differ_are_told() {
    let Pair { mut world, server, client } = pair(1, 1_000);
    let at = server_address("192.0.2.1", 7);
    world.start(server, vec![Step::Listen(at), Step::Expect(Bytes::from_static(b"help\n"))]);
    world.start(client, vec![Step::Connect(at), Step::Send(Bytes::from_static(b"hello\n")), Step::ExpectEnd]);
    let ended = world.run_until(LIMIT);
    let failures: Vec<String> = world.failures().iter().map(ToString::to_string).collect();
    assert_eq!(ended, Ended::Quiescent);
    assert_eq!(
        failures,
        ["step 1: expect 5 bytes: byte 3 is 0x6c, expected 0x70", "step 2: expect the end: still waiting",]
    );
}

#[test]
fn a_refused_connection_is_told() {
    let Pair { mut world, client, .. } = pair(1, 1_000);
    world.start(client, vec![Step::Connect(server_address("192.0.2.1", 7))]);
    assert_eq!(world.run_until(LIMIT), Ended::Quiescent);
    let failures: Vec<String> = world.failures().iter().map(ToString::to_string).collect();
    assert_eq!(failures, ["step 0: connect 192.0.2.1:7: connection refused"]);
}

#[rstest]
fn udp_echo(#[values("192.0.2.1", "2001:db8::1")] ip: &str) {
    let Pair { mut world, server, client } = pair(1, 250_000);
    let (at, datagram) = (server_address(ip, 7), data(1_000, 3));
    let any =
        SocketAddr::new(if at.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() }, 0);
    world.start(server, vec![Step::Bind(at), Step::ExpectFrom(datagram.clone()), Step::Reply(datagram.clone())]);
    world.start(
        client,
        vec![
            Step::Wait(Duration::from_millis(1)),
            Step::Bind(any),
            Step::SendTo(at, datagram.clone()),
            Step::ExpectFrom(datagram),
        ],
    );
    run(&mut world);
}

#[test]
fn a_frame_takes_the_delay_of_its_link() {
    let Pair { mut world, .. } = echo(1);
    run(&mut world);
    let frames = world.trace().frames();
    let (sent, received): (Vec<_>, Vec<_>) = frames.iter().partition(|passed| passed.direction == Direction::Outbound);
    assert_eq!(sent.len(), received.len());
    for passed in sent {
        let arrives = passed.at + Duration::from_millis(5);
        let arrived = received
            .iter()
            .any(|other| other.at == arrives && other.port.node != passed.port.node && other.frame == passed.frame);
        assert!(arrived, "sent at {} and not received at {arrives}", passed.at);
    }
}

#[test]
fn one_seed_one_run() {
    let digests = [1, 1, 2].map(|seed| {
        let Pair { mut world, .. } = echo(seed);
        run(&mut world);
        world.hash()
    });
    assert_eq!(digests[0], digests[1]);
    assert_ne!(digests[0], digests[2]);
}

#[test]
fn both_branches_of_a_clone_go_on_alike() {
    let Pair { mut world, .. } = echo(1);
    // In the middle of the handshake, after it, and while closing.
    for millis in [7, 22, 38] {
        assert_eq!(world.run_until(Instant::from_millis(millis)), Ended::TimeLimit);
        let mut branch = world.clone();
        run(&mut branch);
        let mut other = world.clone();
        run(&mut other);
        assert_eq!(branch.hash(), other.hash());
        assert_eq!(branch.trace(), other.trace());
    }
}

/// The trace and the digest of one run are held here, so that a machine, a profile or a change that
/// makes it another run is noticed. Where a change of behaviour is meant, the new ones take their place.
/// What leaves first tells which groups the hosts have joined: for the call that added their interface.
#[test]
fn the_first_frames_come_from_the_calls_that_added_interfaces() {
    let Pair { mut world, .. } = echo(1);
    run(&mut world);
    let first = &world.trace().frames()[..2];
    let causes = first.iter().map(|passed| passed.provenance.unwrap().describe(passed.at).to_string());
    assert_eq!(causes.collect::<Vec<_>>(), ["frame 1 by call interface.add, 0ns later"; 2]);
}

#[test]
fn this_run_is_the_same_everywhere() {
    let Pair { mut world, .. } = echo(1);
    run(&mut world);
    insta::assert_snapshot!(world.trace().lines(), @"
    0.000000000 server > :: > ff02::16 icmp6 mld2 report to_ex ff02::1:ff00:1 {}
    0.000000000 client > :: > ff02::16 icmp6 mld2 report to_ex ff02::1:ff00:2 {}
    0.000000000 client > arp who-has 192.0.2.1 tell 192.0.2.2
    0.005000000 client < :: > ff02::16 icmp6 mld2 report to_ex ff02::1:ff00:1 {}
    0.005000000 server < :: > ff02::16 icmp6 mld2 report to_ex ff02::1:ff00:2 {}
    0.005000000 server < arp who-has 192.0.2.1 tell 192.0.2.2
    0.005000000 server > arp 192.0.2.1 is-at 02:00:00:00:00:01
    0.010000000 client < arp 192.0.2.1 is-at 02:00:00:00:00:01
    0.010000000 client > 192.0.2.2:39577 > 192.0.2.1:7 tcp S 0:0(0) win 65535 <mss 1460,sackOK,TS val 2048851767 ecr 0,nop,wscale 5>
    0.015000000 server < 192.0.2.2:39577 > 192.0.2.1:7 tcp S 0:0(0) win 65535 <mss 1460,sackOK,TS val 2048851767 ecr 0,nop,wscale 5>
    0.015000000 server > 192.0.2.1:7 > 192.0.2.2:39577 tcp S. 0:0(0) ack 1 win 65535 <mss 1460,sackOK,TS val 2296473745 ecr 2048851767,nop,wscale 5>
    0.020000000 client < 192.0.2.1:7 > 192.0.2.2:39577 tcp S. 0:0(0) ack 1 win 65535 <mss 1460,sackOK,TS val 2296473745 ecr 2048851767,nop,wscale 5>
    0.020000000 client > 192.0.2.2:39577 > 192.0.2.1:7 tcp P. 1:7(6) ack 1 win 32768 <nop,nop,TS val 2048851777 ecr 2296473745>
    0.023928000 client > :: > ff02::16 icmp6 mld2 report to_ex ff02::1:ff00:2 {}
    0.025000000 server < 192.0.2.2:39577 > 192.0.2.1:7 tcp P. 1:7(6) ack 1 win 32768 <nop,nop,TS val 2048851777 ecr 2296473745>
    0.025000000 server > 192.0.2.1:7 > 192.0.2.2:39577 tcp P. 1:7(6) ack 7 win 32768 <nop,nop,TS val 2296473755 ecr 2048851777>
    0.028928000 server < :: > ff02::16 icmp6 mld2 report to_ex ff02::1:ff00:2 {}
    0.030000000 client < 192.0.2.1:7 > 192.0.2.2:39577 tcp P. 1:7(6) ack 7 win 32768 <nop,nop,TS val 2296473755 ecr 2048851777>
    0.030000000 client > 192.0.2.2:39577 > 192.0.2.1:7 tcp F. 7:7(0) ack 7 win 32768 <nop,nop,TS val 2048851787 ecr 2296473755>
    0.035000000 server < 192.0.2.2:39577 > 192.0.2.1:7 tcp F. 7:7(0) ack 7 win 32768 <nop,nop,TS val 2048851787 ecr 2296473755>
    0.035000000 server > 192.0.2.1:7 > 192.0.2.2:39577 tcp F. 7:7(0) ack 8 win 32768 <nop,nop,TS val 2296473765 ecr 2048851787>
    0.040000000 client < 192.0.2.1:7 > 192.0.2.2:39577 tcp F. 7:7(0) ack 8 win 32768 <nop,nop,TS val 2296473765 ecr 2048851787>
    0.040000000 client > 192.0.2.2:39577 > 192.0.2.1:7 tcp . 8:8(0) ack 8 win 32768 <nop,nop,TS val 2048851797 ecr 2296473765>
    0.045000000 server < 192.0.2.2:39577 > 192.0.2.1:7 tcp . 8:8(0) ack 8 win 32768 <nop,nop,TS val 2048851797 ecr 2296473765>
    0.185270000 server > :: > ff02::16 icmp6 mld2 report to_ex ff02::1:ff00:1 {}
    0.190270000 client < :: > ff02::16 icmp6 mld2 report to_ex ff02::1:ff00:1 {}
    ");
    assert_eq!(format!("{:032x}", world.hash()), "06ad6f90e851fb7c62646e5e924d1579");
}

#[test]
fn the_capture_holds_what_passed() {
    let Pair { mut world, .. } = echo(1);
    run(&mut world);
    let mut file = Vec::new();
    world.trace().write_capture(&mut file).unwrap();
    let captured = read_frames(&file[..]).unwrap();
    let names: Vec<_> = captured.interfaces.values().map(|interface| interface.name.as_deref().unwrap()).collect();
    assert_eq!(names, ["server", "client"]);
    assert_eq!(captured.frames.len(), world.trace().frames().len());
    for (captured, passed) in captured.frames.iter().zip(world.trace().frames()) {
        assert_eq!(captured.data, passed.frame);
        assert_eq!(captured.unix_nanos, passed.at.as_nanos());
        assert_eq!(captured.direction, Some(passed.direction));
        assert_eq!(captured.interface as usize, passed.port.node.index());
    }
}
