//! What a victim must do, by RFC, when an adversary is on its link or at the other end: the connection
//! survives, or ends for a cause that the RFC names, and the counters show that the adversary acted.
//!
//! | module | the adversary | RFC |
//! |---|---|---|
//! | `blind` | guesses a connection's sequence numbers | 5961 |
//! | `flood` | opens connections in the name of nobody | 4987 |
//! | `receiver` | acknowledges as no receiver should | 9293, 2018, 3465 |
//! | `neighbors` | claims addresses of others | 5227, 4861 |
//! | `routers` | advertises itself as a router | 4861, 4862 |
//! | `dhcp` | gives out addresses | 2131 |
//! | `overlap` | sends fragments that overlap | 1858, 5722 |

mod blind;
mod dhcp;
mod flood;
mod neighbors;
mod overlap;
mod receiver;
mod routers;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tickwire_core::DropReason;
use tickwire_core::wire::ethernet::EthernetAddress;
use tickwire_sim::bytes::Bytes;
use tickwire_sim::node::adversary::{Forger, Forgery, Schedule};
use tickwire_sim::node::{Machine, Switch};
use tickwire_sim::topology::{v4, v6};
use tickwire_sim::{Direction, Ended, Host, HostId, Instant, InterfaceAddress, Link, NodeId, Port, Seed, Step, World};

/// Longer than any run here takes, TIME-WAIT included.
const LIMIT: Instant = Instant::from_millis(3_600_000);
/// Where the adversary is.
const ADVERSARY: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0x66, 0x66]);

/// A victim (host 1) and a peer (host 2) at a switch, whose other ports are free for adversaries. Each link
/// takes a millisecond.
struct Lan {
    world: World,
    victim: HostId,
    peer: HostId,
    switch: NodeId,
    ports_taken: usize,
}

fn address(ipv6: bool, host: u16) -> IpAddr {
    if ipv6 { v6(0, host).into() } else { v4(0, host).into() }
}

fn host(name: &str, number: u16) -> Host {
    let addresses = [InterfaceAddress::v4(v4(0, number), 16), InterfaceAddress::v6(v6(0, number), 64)];
    Host::new(name, number, &addresses)
}

fn lan() -> Lan {
    lan_of(host("victim", 1), host("peer", 2))
}

fn lan_of(victim: Host, peer: Host) -> Lan {
    let mut world = World::new(Seed([1; 32]));
    let switch = world.add_node("switch", Switch::new(4));
    let [victim, peer] = [victim, peer].map(|host| world.add_host(host).unwrap());
    for (port, host) in [victim, peer].into_iter().enumerate() {
        world.connect(host, Port::new(switch, port), Link::constant(Duration::from_millis(1)));
    }
    Lan { world, victim, peer, switch, ports_taken: 2 }
}

impl Lan {
    /// Adds an adversary at the present time.
    fn attack(&mut self, adversary: impl Into<Machine>) -> NodeId {
        let node = self.world.add_node("adversary", adversary);
        self.world.connect(node, Port::new(self.switch, self.ports_taken), Link::constant(Duration::from_millis(1)));
        self.ports_taken += 1;
        node
    }

    /// Adds a forger that begins at once.
    fn forge(&mut self, forgery: Forgery, interval: Duration, count: u32) -> NodeId {
        let begins = self.world.now();
        self.attack(Forger::new(forgery, Schedule { begins, interval, count }))
    }

    fn sent(&self, node: NodeId) -> u64 {
        match self.world.node(node) {
            Some(Machine::Forger(forger)) => forger.counters().sent,
            other => panic!("no forger: {other:?}"),
        }
    }

    fn dropped(&self, host: HostId, reason: DropReason) -> u64 {
        let mut drops = self.world.stack(host).drops();
        drops.find(|(other, _)| *other == reason).map_or(0, |(_, times)| times)
    }

    /// What the victim has dropped because its place in the connection was wrong.
    fn dropped_by_tcp(&self) -> u64 {
        let reasons = [DropReason::TcpUnacceptable, DropReason::TcpPaws, DropReason::TcpAck, DropReason::TcpChallenged];
        reasons.iter().map(|reason| self.dropped(self.victim, *reason)).sum()
    }

    fn counted(&self, host: HostId, counter: &str) -> u64 {
        let mut counters = self.world.stack(host).counters();
        counters.find(|(name, _)| *name == counter).unwrap_or_else(|| panic!("no counter {counter}")).1
    }

    /// A connection on which the victim listens: both send ten thousand bytes, and after a pause so many more,
    /// and close. Runs until the first have arrived; returns the ends: the peer's, the victim's.
    fn talk(&mut self, ipv6: bool, pause: Duration, len: usize) -> (SocketAddr, SocketAddr) {
        let at = SocketAddr::new(address(ipv6, 1), 80);
        let exchange = |len, up, down| vec![Step::Send(data(len, up)), Step::Expect(data(len, down))];
        let ends = [(self.victim, Step::Listen(at), 1, 2), (self.peer, Step::Connect(at), 2, 1)];
        for (host, opens, up, down) in ends {
            let steps = [
                vec![opens],
                exchange(10_000, up, down),
                vec![Step::Wait(pause)],
                exchange(len, up, down),
                vec![Step::Shutdown, Step::ExpectEnd, Step::Close],
            ];
            self.world.start(host, steps.concat());
        }
        let soon = self.world.now() + Duration::from_millis(50);
        assert_eq!(self.world.run_until(soon), Ended::TimeLimit);
        let entry = self.world.stack(self.victim).tcp_sockets().next().expect("a connection");
        (entry.remote, entry.local)
    }

    /// Runs to the end: every script has done what it says, and no rule was broken.
    fn finish(&mut self) {
        assert_eq!(self.world.run_until(LIMIT), Ended::Quiescent);
        let failures: Vec<_> = self.world.failures().iter().map(ToString::to_string).collect();
        assert_eq!(failures, [""; 0], "\n{}", self.tail());
    }

    /// Frames that a host has sent and that `wanted` is true of.
    fn frames(&self, host: HostId, direction: Direction, wanted: impl Fn(&Bytes) -> bool) -> usize {
        let frames = self.world.trace().frames().iter();
        let of_host = frames.filter(|passed| passed.port == Port::from(host) && passed.direction == direction);
        of_host.filter(|passed| wanted(&passed.frame)).count()
    }

    /// The end of the trace, for a failed run.
    fn tail(&self) -> String {
        let lines = self.world.trace().lines();
        let from = lines.lines().count().saturating_sub(20);
        lines.lines().skip(from).collect::<Vec<_>>().join("\n")
    }
}

/// Bytes in which no stretch repeats early.
fn data(len: usize, salt: u32) -> Bytes {
    (0..len as u32).map(|at| ((at ^ salt).wrapping_mul(0x9e37_79b1) >> 24) as u8).collect()
}
