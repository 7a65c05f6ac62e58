//! Workloads: what they transfer is what arrives, and what does not is told.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use rstest::rstest;
use tickwire_sim::oracle::Oracle;
use tickwire_sim::workload::{ClientPlan, Closes, ServerPlan, SinkPlan, SlowReader, SourcePlan, Talk};
use tickwire_sim::{
    ApplicationId, Ended, Failure, Host, HostId, Instant, InterfaceAddress, Link, Program, Seed, World,
};

const LIMIT: Instant = Instant::from_millis(3_600_000);
const KEY: u64 = 0x1234_5678_9abc_def0;

fn pair(delay: Duration) -> (World, HostId, HostId) {
    let mut world = World::new(Seed([1; 32]));
    let mut host = |name, station: u8| {
        let address = InterfaceAddress::v4(Ipv4Addr::new(192, 0, 2, station), 24);
        world.add_host(Host::new(name, station.into(), &[address])).unwrap()
    };
    let (server, client) = (host("server", 1), host("client", 2));
    world.connect(server, client, Link::constant(delay));
    (world, server, client)
}

fn address() -> SocketAddr {
    "192.0.2.1:7000".parse().unwrap()
}

fn client(talk: Talk, connections: u64, parallel: u32) -> Program {
    Program::Client(ClientPlan {
        local_port: None,
        remote: address(),
        talk,
        connections,
        parallel,
        delay: Duration::from_millis(1),
        key: KEY,
    })
}

fn server(talk: Talk, key: u64) -> Program {
    Program::Server(ServerPlan { local: address(), talk, key })
}

/// A world in which both ends have the same plan, run until the client is done, and both applications.
fn run(talk: Talk, connections: u64, parallel: u32) -> (World, [ApplicationId; 2]) {
    let (mut world, at, from) = pair(Duration::from_millis(5));
    let applications = [world.start(at, server(talk, KEY)), world.start(from, client(talk, connections, parallel))];
    assert_eq!(world.run_until(LIMIT), Ended::Quiescent);
    assert!(world.applications_are_done());
    (world, applications)
}

#[rstest]
#[case::one_way(Talk { request: 1 << 20, ..Talk::default() })]
#[case::both_ways(Talk { request: 1 << 20, response: 1 << 19, overlapped: true, closes: Closes::Both, ..Talk::default() })]
#[case::by_turns(Talk { rounds: 50, request: 1_000, response: 20_001, ..Talk::default() })]
#[case::with_pauses(Talk { rounds: 5, request: 100, response: 100, pause: Duration::from_secs(3), ..Talk::default() })]
#[case::the_server_closes(Talk { rounds: 3, request: 8, response: 70_000, closes: Closes::Server, ..Talk::default() })]
#[case::requests_alone(Talk { rounds: 7, request: 99, pause: Duration::from_millis(250), ..Talk::default() })]
#[case::a_slow_reader(Talk {
    request: 3 << 20,
    reader: Some(SlowReader { bytes: 50_000, every: Duration::from_millis(100) }),
    ..Talk::default()
})]
fn everything_arrives(#[case] talk: Talk, #[values((1, 1), (7, 3))] (connections, parallel): (u64, u32)) {
    let (world, applications) = run(talk, connections, parallel);
    assert_eq!(world.failures(), []);
    let [server, client] = applications.map(|application| world.ledger(application).unwrap());
    for ledger in [server, client] {
        assert_eq!((ledger.opened, ledger.completed, ledger.lost), (connections, connections, 0));
        assert_eq!(ledger.tally(Oracle::StreamEnd).judged, connections);
    }
    let rounds = u64::from(talk.rounds) * connections;
    assert_eq!((client.sent, server.received), (talk.request * rounds, talk.request * rounds));
    assert_eq!((server.sent, client.received), (talk.response * rounds, talk.response * rounds));
    assert!(server.tally(Oracle::StreamBytes).judged > 0);
}

/// The window of a slow reader closes, so it is the reader that sets the pace: 3 MiB at 50,000 bytes per 100 ms.
#[test]
fn a_slow_reader_sets_the_pace() {
    let reader = Some(SlowReader { bytes: 50_000, every: Duration::from_millis(100) });
    let (world, _) = run(Talk { request: 3 << 20, reader, ..Talk::default() }, 1, 1);
    let last = world.trace().frames().iter().rfind(|passed| passed.frame.len() > 1_000).unwrap().at;
    // The last MiB waits in the buffer.
    assert!(last > Instant::from_millis(3_900), "{last}");
}

fn oracles(world: &World) -> Vec<Oracle> {
    let failures = world.failures();
    let oracles = failures.iter().filter_map(|failure| match failure {
        Failure::Application { finding, .. } => Some(finding.oracle),
        _ => None,
    });
    oracles.collect()
}

#[test]
fn other_bytes_are_told() {
    let (mut world, at, from) = pair(Duration::from_millis(5));
    let talk = Talk { request: 1_000, ..Talk::default() };
    world.start(at, server(talk, KEY ^ 1 << 40));
    world.start(from, client(talk, 1, 1));
    assert_eq!(world.run_until(LIMIT), Ended::Quiescent);
    assert_eq!(oracles(&world), [Oracle::StreamBytes]);
    world.switch_oracle(Oracle::StreamBytes, false);
}

#[test]
fn a_stream_that_ends_too_early_or_too_late_is_told() {
    for (expected, oracle) in [(1_001, Oracle::StreamEnd), (999, Oracle::StreamBytes)] {
        let (mut world, at, from) = pair(Duration::from_millis(5));
        world.start(at, server(Talk { request: expected, ..Talk::default() }, KEY));
        world.start(from, client(Talk { request: 1_000, ..Talk::default() }, 1, 1));
        let _ = world.run_until(LIMIT);
        assert_eq!(oracles(&world)[0], oracle);
    }
}

#[test]
fn an_oracle_that_is_switched_off_is_silent() {
    let (mut world, at, from) = pair(Duration::from_millis(5));
    world.switch_oracle(Oracle::StreamBytes, false);
    let talk = Talk { request: 1_000, ..Talk::default() };
    let server = world.start(at, server(talk, KEY ^ 1 << 40));
    world.start(from, client(talk, 1, 1));
    assert_eq!(world.run_until(LIMIT), Ended::Quiescent);
    assert_eq!(oracles(&world), []);
    assert_eq!(world.ledger(server).unwrap().tally(Oracle::StreamBytes).judged, 0);
}

#[test]
fn a_connection_that_is_refused_is_lost_once() {
    let (mut world, _, from) = pair(Duration::from_millis(5));
    let client = world.start(from, client(Talk::default(), 3, 1));
    assert_eq!(world.run_until(LIMIT), Ended::Quiescent);
    let ledger = world.ledger(client).unwrap();
    assert_eq!((ledger.opened, ledger.completed, ledger.lost), (3, 0, 3));
    assert_eq!(ledger.tally(Oracle::OneError).judged, 3);
    assert_eq!(world.failures(), []);
}

#[test]
fn datagrams_arrive_and_others_are_told() {
    for (key, received, failures) in [(KEY, 500, 0), (KEY ^ 1, 500, 256)] {
        let (mut world, at, from) = pair(Duration::from_millis(5));
        let local = address();
        let sink = world.start(at, Program::Sink(SinkPlan { local, len: 1_200, key }));
        let every = Duration::from_millis(20);
        let plan = SourcePlan { remote: local, count: 500, len: 1_200, every, delay: every, key: KEY };
        world.start(from, Program::Source(plan));
        assert_eq!(world.run_until(LIMIT), Ended::Quiescent);
        assert!(world.applications_are_done());
        assert_eq!(world.ledger(sink).unwrap().received, received);
        assert_eq!(oracles(&world), vec![Oracle::DatagramBytes; failures]);
    }
}

/// When everything is done and the applications have ended, the stacks hold nothing.
#[test]
fn nothing_is_left_behind() {
    let (mut world, applications) = run(Talk { response: 5, ..Talk::default() }, 20, 4);
    let hosts = applications.map(ApplicationId::host);
    world.stop_applications();
    let _ = world.run_until(LIMIT);
    for host in hosts {
        let stack = world.stack(host);
        assert_eq!(
            (stack.tcp_sockets().count(), stack.tcp_listeners().count(), stack.udp_sockets().count()),
            (0, 0, 0)
        );
    }
}

/// A sender whose buffer is full goes on as soon as there is room in it, not when it is empty: the link, which is so
/// slow that the buffer holds six times what is on its way, is never idle.
#[test]
fn a_full_buffer_is_filled_again() {
    let text = r#"
        title = "t"
        heal = "10s"
        expect.utilisation = ">= 97%"
        host = [
            { name = "a", interfaces = [["192.0.2.1/24"]], options = { "tcp.socket.send_buffer" = 65536 } },
            { name = "b", interfaces = [["192.0.2.2/24"]] },
        ]
        link = [{ name = "l", ends = ["a", "b"], path.both = [
            { rate = { bps = "5Mbit/s", room = "100frames" } },
            { delay.law.constant = "8ms" },
        ] }]
        flow = [{ from = "a", to = "b", request = "1MiB" }]
    "#;
    let scenario: tickwire_sim::scenario::Scenario = text.parse().unwrap();
    assert_eq!(scenario.run(&Seed([1; 32])).failures, []);
}
