//! Hosts, links, and the order in which things happen.
//!
//! Whatever happens is an entry in one queue, ordered by time and then by the order in which it was
//! decided: something arrives or changes on a link, or a host takes its turn. A host that something arrived
//! at takes its turn at that same instant, after all else that was already to happen then: frames
//! that arrive together are received together.
//!
//! | module | what |
//! |---|---|
//! | `applications` | applications are started, looked at and ended |

mod applications;

use std::hash::Hasher as _;

use bytes::Bytes;
use siphasher::sip::SipHasher24;
use siphasher::sip128::{Hasher128 as _, SipHasher24 as SipHasher24x128};
use smallvec::SmallVec;
use tickwire_core::config::Medium;
use tickwire_core::error::AddInterfaceError;
use tickwire_core::frame::{Capabilities, Frame};
use tickwire_core::provenance::Provenance;
use tickwire_core::wire::ethernet::EthernetAddress;
use tickwire_core::{Config, Instant, InterfaceAddress, InterfaceConfig, Seed, Stack};

use crate::application::ApplicationId;
use crate::draw::{Draws, Tape};
use crate::failure::Failure;
use crate::host::{HostState, Sent};
use crate::link::{Answer, Counters, Fate, Link, Partition};
use crate::oracle::{self, Oracle, Sighting, Switches, WireOracles};
use crate::queue::Queue;
use crate::trace::{Direction, Passed, Trace};
use crate::wiring::{LinkId, Way, Wiring};

/// Turns that one instant may see before the world is taken to be caught in a loop.
const TURNS_PER_INSTANT_MAX: u32 = 1 << 20;

/// What a host is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its name in traces and captures.
    pub name: String,
    /// What its stack is set to. `checks` and `trace` are on in a world, whatever this says.
    pub config: Config,
    /// Its interfaces.
    pub interfaces: Vec<InterfaceConfig>,
}

impl Host {
    /// A host with the default configuration and one plain Ethernet interface of MTU 1500. The
    /// interface has the hardware address `02:00:00:00:xx:xx`, with `station` in the last two octets.
    pub fn new(name: &str, station: u16, addresses: &[InterfaceAddress]) -> Host {
        let [high, low] = station.to_be_bytes();
        let interface = InterfaceConfig::new(
            EthernetAddress([2, 0, 0, 0, high, low]),
            Capabilities::plain(1500),
            addresses.iter().copied(),
        )
        .unverified();
        Host { name: name.to_owned(), config: Config::default(), interfaces: vec![interface] }
    }
}

/// A host of a world, numbered from 0 in the order of [`World::add_host`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(usize);

impl HostId {
    /// The host's number.
    pub const fn index(self) -> usize {
        self.0
    }
}

/// An interface of a host. A [`HostId`] stands for its first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port {
    /// The host.
    pub host: HostId,
    /// The interface's number, from 0.
    pub interface: usize,
}

impl From<HostId> for Port {
    fn from(host: HostId) -> Port {
        Port { host, interface: 0 }
    }
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Ended {
    /// Nothing is left to happen.
    Quiescent,
    /// The time limit came first.
    TimeLimit,
    /// A host asked for a turn at one instant again and again: a defect in its stack.
    Livelock(HostId),
}

#[derive(Clone, Debug)]
enum Happening {
    Injection(Port, Bytes),
    Link(Way),
    Partition(LinkId, Partition),
    Turn(HostId),
}

/// Hosts and links on a virtual clock. It keeps every frame that passed, for [`World::trace`]. A clone is an exact branch: given the same calls, both go on
/// alike.
#[derive(Clone, Debug)]
pub struct World {
    seed: Seed,
    now: Instant,
    queue: Queue<Happening>,
    hosts: Vec<HostState>,
    wiring: Wiring,
    draws: Draws,
    trace: Trace,
    taps: Vec<Tap>,
    /// The oracles of hosts still to come.
    switches: Switches,
    digest: SipHasher24,
    turns_at_now: u32,
}

/// What watches the frames of a host.
#[derive(Clone, Debug)]
struct Tap {
    oracles: WireOracles,
    /// What each interface carries.
    media: Vec<Medium>,
}

impl World {
    /// A world without hosts, at time 0. All that is random in it follows from `seed`.
    pub fn new(seed: Seed) -> World {
        World {
            draws: Draws::seeded(&seed),
            seed,
            now: Instant::ZERO,
            queue: Queue::new(),
            hosts: Vec::new(),
            wiring: Wiring::default(),
            trace: Trace::default(),
            taps: Vec::new(),
            switches: Switches::ALL,
            digest: SipHasher24::new(),
            turns_at_now: 0,
        }
    }

    /// A world in which what is random in links is as on `tape`, and calm where the tape says nothing;
    /// stacks have their seeds from `seed`, as ever. An empty tape: nothing goes wrong by chance.
    pub fn replay(seed: Seed, tape: Tape) -> World {
        World { draws: Draws::replay(tape), ..World::new(seed) }
    }

    /// Writes down, from now on, the draws that make a difference: see [`World::tape`].
    pub fn record_draws(&mut self) {
        self.draws.record();
    }

    /// The draws that made a difference, since [`World::record_draws`].
    pub fn tape(&self) -> &Tape {
        self.draws.tape()
    }

    /// Adds a host. Its seed follows from the world's and its number.
    ///
    /// # Errors
    ///
    /// As [`Stack::add_interface`], for the first interface that the stack refuses.
    pub fn add_host(&mut self, host: Host) -> Result<HostId, AddInterfaceError> {
        let id = HostId(self.hosts.len());
        let config = Config { checks: true, trace: true, ..host.config };
        let settings = oracle::Settings {
            foreign: false,
            forwarding: config.router.forwarding,
            offloaded: host.interfaces.iter().any(|interface| is_offloaded(&interface.capabilities)),
            rto_min: config.tcp.rto_min,
            switches: self.switches,
        };
        let media = host.interfaces.iter().map(|interface| interface.medium).collect();
        let mut stack = Stack::new(config, self.host_seed(id));
        let mut interfaces = Vec::new();
        for interface in host.interfaces {
            interfaces.push(stack.add_interface(self.now, interface)?);
        }
        self.trace.hosts.push(host.name);
        self.trace.ports.extend((0..interfaces.len()).map(|interface| Port { host: id, interface }));
        self.hosts.push(HostState::new(stack, interfaces));
        self.taps.push(Tap { oracles: WireOracles::new(settings), media });
        Ok(id)
    }

    fn host_seed(&self, id: HostId) -> Seed {
        let mut seed = [0; 32];
        for (half, out) in (0_u64..).zip(seed.chunks_exact_mut(16)) {
            let mut hasher = SipHasher24x128::new();
            hasher.write(&self.seed.0);
            hasher.write(&(id.0 as u64).to_le_bytes());
            hasher.write(&half.to_le_bytes());
            out.copy_from_slice(&hasher.finish128().as_bytes());
        }
        Seed(seed)
    }

    /// Links two interfaces. What an interface without a link sends goes nowhere; a second link on
    /// one interface takes the place of the first, on which arrives what is on its way.
    pub fn connect(&mut self, a: impl Into<Port>, b: impl Into<Port>, link: Link) -> LinkId {
        self.wiring.connect(a.into(), b.into(), link)
    }

    /// Cuts a link, in one direction or both, or mends it. What is sent into a cut direction is dropped;
    /// what is on its way arrives.
    ///
    /// # Panics
    ///
    /// If `link` is of another world and not in this one.
    pub fn partition(&mut self, link: LinkId, partition: Partition) {
        self.wiring.set_partition(link, partition);
    }

    /// Cuts a link or mends it, as [`World::partition`], at `at`; at once if that is past.
    pub fn partition_at(&mut self, at: Instant, link: LinkId, partition: Partition) {
        self.queue.push(at.max(self.now), Happening::Partition(link, partition));
    }

    /// Ends all faults of a link for good, in both directions ([`link::Direction::heal`](crate::link::Direction::heal)):
    /// from now on it only takes its time.
    ///
    /// # Panics
    ///
    /// If `link` is of another world and not in this one.
    pub fn heal(&mut self, link: LinkId) {
        self.wiring.heal(link);
    }

    /// What a link has done so far: from its first end to its second, and back.
    ///
    /// # Panics
    ///
    /// If `link` is of another world and not in this one.
    pub fn link_counters(&self, link: LinkId) -> [&Counters; 2] {
        self.wiring.counters(link)
    }

    /// Has a frame arrive at an interface at `at`, as if a link had brought it; at once if that is past.
    pub fn inject(&mut self, at: Instant, port: impl Into<Port>, frame: Bytes) {
        self.queue.push(at.max(self.now), Happening::Injection(port.into(), frame));
    }

    /// Calls `f` with a host's stack and the present time; what follows from it happens next.
    ///
    /// # Panics
    ///
    /// If `host` is of another world and not in this one.
    pub fn with_stack<R>(&mut self, host: HostId, f: impl FnOnce(&mut Stack, Instant) -> R) -> R {
        let result = f(&mut self.hosts[host.0].stack, self.now);
        self.schedule_turn(host, self.now);
        result
    }

    /// A host's stack, to be looked at.
    ///
    /// # Panics
    ///
    /// If `host` is of another world and not in this one.
    pub fn stack(&self, host: HostId) -> &Stack {
        &self.hosts[host.0].stack
    }

    /// The present time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Lets everything happen that is due by `limit`. The time is then `limit`, unless nothing was left
    /// to happen: then it is that of the last thing that did.
    pub fn run_until(&mut self, limit: Instant) -> Ended {
        while let Some((at, happening)) = self.queue.pop(limit) {
            self.advance(at);
            match happening {
                Happening::Injection(port, frame) => self.arrive(port, frame, None),
                Happening::Partition(link, partition) => self.partition(link, partition),
                Happening::Link(way) => {
                    self.wiring.wire(way).dequeued(at);
                    self.deliver(way);
                }
                Happening::Turn(host) => {
                    let state = &mut self.hosts[host.0];
                    state.queued_turns.remove(&at);
                    if state.next_turn.is_some_and(|next| next <= at) {
                        self.turn(host);
                    } else {
                        self.queue_turn(host);
                    }
                    if self.turns_at_now > TURNS_PER_INSTANT_MAX {
                        return Ended::Livelock(host);
                    }
                }
            }
        }
        if self.queue.is_empty() {
            return Ended::Quiescent;
        }
        self.advance(limit);
        Ended::TimeLimit
    }

    fn advance(&mut self, at: Instant) {
        if at > self.now {
            self.now = at;
            self.turns_at_now = 0;
        }
    }

    /// Lets everything arrive that a link has brought by now.
    fn deliver(&mut self, way: Way) {
        while let Some(outgoing) = self.wiring.wire(way).direction.pop(self.now, &mut self.draws) {
            let to = self.wiring.wire(way).to;
            self.arrive(to, outgoing.frame, Some(outgoing.fate));
        }
        self.settle(way);
    }

    /// Takes note of what a link has dropped, and of when it is to be looked at next.
    fn settle(&mut self, way: Way) {
        let wire = self.wiring.wire(way);
        while let Some(fate) = wire.direction.pop_dropped() {
            self.digest.write(&fate.frame.to_le_bytes());
            self.digest.write(&fate.at.as_nanos().to_le_bytes());
            self.trace.dropped(fate);
        }
        let answers: SmallVec<[Answer; 1]> = std::iter::from_fn(|| wire.direction.pop_answer()).collect();
        if let Some(at) = wire.next_look() {
            self.queue.push(at, Happening::Link(way));
        }
        if !answers.is_empty() {
            let back = &mut self.wiring.wire(way.back()).direction;
            for answer in answers {
                back.push_answer(self.now, answer, &mut self.draws);
            }
            self.settle(way.back());
        }
    }

    fn arrive(&mut self, port: Port, frame: Bytes, fate: Option<Fate>) {
        self.record(port, Direction::Inbound, frame.clone(), None, fate);
        self.hosts[port.host.0].arrive(port.interface, Frame::from(frame));
        self.schedule_turn(port.host, self.now);
    }

    fn turn(&mut self, id: HostId) {
        self.turns_at_now += 1;
        let host = &mut self.hosts[id.0];
        host.next_turn = None;
        let mut sent = Vec::new();
        let next = host.turn(self.now, &mut sent);
        if let Some(at) = next {
            self.schedule_turn(id, at);
        }
        for Sent { interface, frame, provenance } in sent {
            let port = Port { host: id, interface };
            let name = self.record(port, Direction::Outbound, frame.clone(), provenance, None);
            if let Some(way) = self.wiring.way(port) {
                self.wiring.wire(way).direction.push(self.now, name, frame, &mut self.draws);
                self.settle(way);
            }
        }
    }

    /// Has a host take its turn at `at`, or before.
    fn schedule_turn(&mut self, id: HostId, at: Instant) {
        let host = &mut self.hosts[id.0];
        host.next_turn = Some(host.next_turn.map_or(at, |next| next.min(at)));
        self.queue_turn(id);
    }

    /// Sees to it that the queue holds an entry no later than the host's next turn. One that comes too
    /// early looks again: deadlines mostly move away, and each move would leave an entry behind.
    fn queue_turn(&mut self, id: HostId) {
        let host = &mut self.hosts[id.0];
        let Some(at) = host.next_turn else { return };
        if host.queued_turns.first().is_none_or(|first| *first > at) {
            host.queued_turns.insert(at);
            self.queue.push(at, Happening::Turn(id));
        }
    }

    /// Records a frame that passes an interface. Returns its number in the trace: its name on a link.
    fn record(
        &mut self,
        port: Port,
        direction: Direction,
        frame: Bytes,
        provenance: Option<Provenance>,
        fate: Option<Fate>,
    ) -> u64 {
        let digest = &mut self.digest;
        digest.write(&self.now.as_nanos().to_le_bytes());
        digest.write(&(port.host.0 as u64).to_le_bytes());
        digest.write(&(port.interface as u64).to_le_bytes());
        digest.write(&[u8::from(direction == Direction::Outbound)]);
        digest.write(&(frame.len() as u64).to_le_bytes());
        digest.write(&frame);
        let number = self.trace.passed.len() as u64;
        let tap = &mut self.taps[port.host.0];
        let medium = tap.media.get(port.interface).copied().unwrap_or(Medium::Ethernet);
        tap.oracles.observe(Sighting { number, at: self.now, medium, direction, frame: &frame });
        let fates = fate.into_iter().collect();
        self.trace.passed.push(Passed { at: self.now, port, direction, frame, provenance, fates });
        number
    }

    /// What passed so far.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// A digest of every frame that passed, its time and its interface, and of what each stack
    /// says about its own inputs and outputs.
    pub fn trace_digest(&self) -> u64 {
        let mut digest = self.digest;
        for host in &self.hosts {
            digest.write(&host.stack.trace_digest().unwrap_or_default().to_le_bytes());
        }
        digest.finish()
    }

    /// Switches an oracle on or off, for all hosts; all are on in a new world.
    pub fn switch_oracle(&mut self, oracle: Oracle, on: bool) {
        self.switches.set(oracle, on);
        for tap in &mut self.taps {
            tap.oracles.switch(oracle, on);
        }
        for host in &mut self.hosts {
            host.applications.switch(self.switches);
        }
    }

    /// A host's name.
    ///
    /// # Panics
    ///
    /// If `host` is of another world and not in this one.
    pub fn name(&self, host: HostId) -> &str {
        &self.trace.hosts[host.0]
    }

    /// The wire oracles of a host, to be looked at.
    ///
    /// # Panics
    ///
    /// If `host` is of another world and not in this one.
    pub fn oracles(&self, host: HostId) -> &WireOracles {
        &self.taps[host.0].oracles
    }

    /// The scripts that failed, those that have not finished, and the rules that hosts broke. Empty at the
    /// end of a run in which all went as written.
    pub fn failures(&self) -> Vec<Failure> {
        let hosts = self.hosts.iter().enumerate();
        let scripts = hosts.flat_map(|(number, host)| {
            let failed = host.applications.failures().iter().cloned().chain(host.applications.unfinished());
            failed.map(move |(index, step, what)| Failure::Script {
                application: ApplicationId { host: HostId(number), index },
                step,
                what,
            })
        });
        let verdicts = self.taps.iter().zip(&self.trace.hosts).flat_map(|(tap, host)| {
            tap.oracles
                .verdicts()
                .iter()
                .map(|verdict| Failure::Oracle { host: host.clone(), verdict: verdict.clone() })
        });
        let findings = self.hosts.iter().enumerate().flat_map(|(number, host)| {
            host.applications.ledgers().flat_map(move |(index, ledger)| {
                let application = ApplicationId { host: HostId(number), index };
                let findings = ledger.findings.iter().cloned();
                findings.map(move |finding| Failure::Application { application, finding })
            })
        });
        scripts.chain(verdicts).chain(findings).collect()
    }
}

/// Whether the device does part of a sender's work.
fn is_offloaded(capabilities: &Capabilities) -> bool {
    capabilities.gso_max_segments > 1 || capabilities.tx_checksum
}
