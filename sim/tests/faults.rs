//! What goes wrong with hosts: what their stacks do about it follows from the RFCs, and the oracles agree.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use rstest::rstest;
use tickwire_sim::bytes::Bytes;
use tickwire_sim::fault::Fault;
use tickwire_sim::node::Hub;
use tickwire_sim::{Ended, Failure, Host, HostId, Instant, InterfaceAddress, Link, Port, Seed, Step, World};

const LIMIT: Instant = Instant::from_millis(3_600_000);
const MIB: usize = 1 << 20;

fn ms(ms: u64) -> Instant {
    Instant::from_millis(ms)
}

fn at_server() -> SocketAddr {
    "192.0.2.1:7".parse().unwrap()
}

fn text(len: usize) -> Bytes {
    (0..len).map(|at| (at * 7 % 251) as u8).collect()
}

fn host(world: &mut World, name: &str, station: u8) -> HostId {
    let address = InterfaceAddress::v4(Ipv4Addr::new(192, 0, 2, station), 24);
    world.add_host(Host::new(name, station.into(), &[address])).unwrap()
}

/// A server and a client, 5 ms apart.
fn pair() -> (World, HostId, HostId) {
    let mut world = World::new(Seed([1; 32]));
    let (server, client) = (host(&mut world, "server", 1), host(&mut world, "client", 2));
    world.connect(server, client, Link::constant(Duration::from_millis(5)));
    (world, server, client)
}

fn serve(text: &Bytes) -> Vec<Step> {
    vec![Step::Listen(at_server()), Step::Expect(text.clone()), Step::ExpectEnd, Step::Close]
}

fn send(text: &Bytes) -> Vec<Step> {
    vec![Step::Connect(at_server()), Step::Send(text.clone()), Step::Shutdown, Step::ExpectEnd, Step::Close]
}

/// A fault that befalls the server or the client.
type Befall = fn(HostId, HostId) -> Fault;

/// A transfer of a mebibyte into which faults fall, at so many milliseconds.
fn transfer(faults: &[(u64, Befall)]) -> World {
    let (mut world, server, client) = pair();
    world.start(server, serve(&text(MIB)));
    world.start(client, send(&text(MIB)));
    for (at, fault) in faults {
        world.schedule(ms(*at), fault(server, client));
    }
    assert_eq!(world.run_until(LIMIT), Ended::Quiescent);
    world
}

/// Each of these delays a transfer and harms nothing; a longer pause than the RTO makes the other side send again.
#[rstest]
#[case::pause(30, |server, _| Fault::Pause(server, Duration::from_secs(3)))]
#[case::pause_of_the_sender(30, |_, client| Fault::Pause(client, Duration::from_secs(3)))]
#[case::full(30, |server, _| Fault::DeviceFull(server, Duration::from_secs(2)))]
#[case::full_of_the_sender(30, |_, client| Fault::DeviceFull(client, Duration::from_secs(2)))]
#[case::drift(10, |_, client| Fault::ClockDrift(client, 500))]
#[case::slow(10, |_, client| Fault::ClockDrift(client, -100_000))]
#[case::jump(30, |_, client| Fault::ClockJump(client, Duration::from_secs(40)))]
#[case::stall(30, |_, client| Fault::ClockStall(client, Duration::from_secs(4)))]
#[case::wall(30, |_, client| Fault::WallClockBack(client, Duration::from_hours(24)))]
fn a_transfer_survives(#[case] at: u64, #[case] fault: Befall) {
    let calm = transfer(&[]);
    let world = transfer(&[(at, fault)]);
    assert_eq!(world.failures(), []);
    let changed = calm.history_hash() != world.history_hash();
    assert!(changed, "the fault is in the hash");
    assert_eq!(world.trace().faults().len(), 1);
}

/// A paused host sends nothing; what arrived is there when it goes on.
#[test]
fn a_paused_host_is_silent() {
    let world = transfer(&[(30, |server, _| Fault::Pause(server, Duration::from_secs(3)))]);
    let silent = ms(30)..ms(3_030);
    let sent = world.trace().frames().iter().filter(|passed| {
        passed.port.node.index() == 0
            && passed.direction == tickwire_sim::Direction::Outbound
            && silent.contains(&passed.at)
    });
    assert_eq!(sent.count(), 0);
}

/// RFC 9293 section 3.10.7.1: a host that knows nothing of a connection answers with a reset; the other end
/// sees its connection reset.
#[test]
fn a_crash_and_a_restart_reset_the_connection() {
    let (mut world, server, client) = pair();
    world.start(server, serve(&text(MIB)));
    world.start(client, send(&text(MIB)));
    world.schedule(ms(40), Fault::Crash(server));
    world.schedule(ms(100), Fault::Restart(server));
    // In its second life it serves again, at the same address.
    world.start_at(ms(100), server, serve(&text(10)));
    assert_eq!(world.run_until(ms(20_000)), Ended::Quiescent);
    let failures: Vec<String> = world.failures().iter().map(ToString::to_string).collect();
    assert_eq!(failures.len(), 2, "{failures:?}");
    assert_eq!(failures[0], "step 0: listen 192.0.2.1:7: still waiting");
    assert!(failures[1].contains("reset by the peer"), "{failures:?}");
    world.start(client, send(&text(10)));
    assert_eq!(world.run_until(LIMIT), Ended::Quiescent);
    let failures = world.failures();
    assert!(matches!(failures.as_slice(), [Failure::Script { .. }]), "{failures:?}");
}

/// RFC 9293 section 3.8.3 (R2): who sends to a host that is no more gives up.
#[test]
fn a_crash_for_good_times_out() {
    let (mut world, server, client) = pair();
    world.start(server, serve(&text(MIB)));
    world.start(client, send(&text(MIB)));
    world.schedule(ms(40), Fault::Crash(server));
    assert_eq!(world.run_until(LIMIT), Ended::Quiescent);
    let failures: Vec<String> = world.failures().iter().map(ToString::to_string).collect();
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert!(world.overruns(server) > 0);
    let lost = world.trace().frames().iter().filter(|passed| passed.lost).count();
    assert_eq!(lost as u64, world.overruns(server));
}

/// In its second life a host has other initial sequence numbers: no segment of the first is taken for its own.
#[test]
fn a_second_life_has_another_seed() {
    let (mut world, server, _) = pair();
    let first = world.stack(server).digest();
    world.schedule(ms(1), Fault::Restart(server));
    let _ = world.run_until(ms(2));
    assert_ne!(world.stack(server).digest(), first);
}

#[test]
fn an_interface_goes_down_and_comes_up() {
    let (mut world, server, client) = pair();
    world.start(server, serve(&text(MIB)));
    world.start(client, send(&text(MIB)));
    world.schedule(ms(40), Fault::InterfaceDown(Port::from(client)));
    world.schedule(ms(5_040), Fault::InterfaceUp(Port::from(client)));
    assert_eq!(world.run_until(LIMIT), Ended::Quiescent);
    assert_eq!(world.failures(), []);
    assert!(world.now() > ms(5_040));
}

/// Timers go by the host's clock: with one that loses a tenth, a wait of 9 s takes 10 s of the world.
#[test]
fn a_slow_clock_makes_waits_longer() {
    let (mut world, server, _) = pair();
    world.schedule(ms(0), Fault::ClockDrift(server, -100_000));
    world.start(server, vec![Step::Wait(Duration::from_secs(9))]);
    let _ = world.run_until(ms(9_999));
    assert_eq!(world.failures().len(), 1);
    let _ = world.run_until(ms(10_000));
    assert_eq!(world.failures(), []);
    assert_eq!(world.clock(server), ms(9_000));
}

/// Three hosts on a hub: who is not meant drops what it hears.
#[test]
fn a_hub_repeats_to_all_others() {
    let mut world = World::new(Seed([1; 32]));
    let hosts = [1, 2, 3].map(|station| host(&mut world, &format!("host{station}"), station));
    let hub = world.add_node("hub", Hub::new(3));
    for (port, host) in hosts.into_iter().enumerate() {
        world.connect(host, Port::new(hub, port), Link::constant(Duration::from_millis(1)));
    }
    world.start(hosts[0], serve(&text(100_000)));
    world.start(hosts[1], send(&text(100_000)));
    assert_eq!(world.run_until(LIMIT), Ended::Quiescent);
    assert_eq!(world.failures(), []);
    let heard = |host: HostId| world.trace().frames().iter().filter(|passed| passed.port.node == host).count();
    assert!(heard(hosts[2]) >= 100_000 / 1_460);
}
