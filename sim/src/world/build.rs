//! What a world is made of, and what is to happen in it.

use std::collections::BTreeSet;
use std::fmt;
use std::hash::Hasher as _;
use std::net::IpAddr;

use bytes::Bytes;
use siphasher::sip128::{Hasher128 as _, SipHasher24};
use tickwire_core::config::Medium;
use tickwire_core::error::{AddInterfaceError, Dhcpv4Error, RouteError};
use tickwire_core::frame::{Capabilities, TxBatch};
use tickwire_core::wire::ethernet::EthernetAddress;
use tickwire_core::{Config, Instant, InterfaceAddress, InterfaceConfig, Seed, Stack};

use super::hash::RunHash;
use super::queue::Queue;
use super::wiring::{LinkId, Wiring};
use super::{EVENTS_PER_DIGEST, Happening, HostId, NodeId, NodeState, Port, Tap, World};
use crate::draw::{Dice, Draws, Entity, Tape};
use crate::fault::Fault;
use crate::link::{Counters, Link, Load, Partition, Rate};
use crate::node::host::HostState;
use crate::node::{Machine, Node};
use crate::oracle::white_box::WhiteBox;
use crate::oracle::{self, Switches, WireOracles};
use crate::trace::Trace;

/// What a host is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its name in traces and captures.
    pub name: String,
    /// What its stack is set to. `checks`, `examine` and `trace` are on in a world, whatever this says.
    pub config: Config,
    /// Its interfaces.
    pub interfaces: Vec<InterfaceConfig>,
    /// Its static routes, those of a router as well: set `config.router.forwarding` too.
    pub routes: Vec<HostRoute>,
    /// The numbers of the interfaces, from 0, that lease their IPv4 address from a DHCP server, as `config.dhcpv4` says.
    pub leases: Vec<usize>,
}

/// A static route of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostRoute {
    /// The destinations: an address of theirs, and how long their prefix is.
    pub destinations: InterfaceAddress,
    /// The router that leads there.
    pub gateway: IpAddr,
    /// The number of the interface on whose link the router is, from 0.
    pub interface: usize,
}

/// Why a host cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostError {
    /// The stack refuses an interface: its number, from 0.
    Interface(usize, AddInterfaceError),
    /// The stack refuses a route: its number, from 0.
    Route(usize, RouteError),
    /// An interface cannot lease an address: its number, from 0.
    Lease(usize, Dhcpv4Error),
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HostError::Interface(number, error) => write!(f, "interface {number}: {error}"),
            HostError::Route(number, error) => write!(f, "route {number}: {error}"),
            HostError::Lease(number, error) => write!(f, "the lease of interface {number}: {error}"),
        }
    }
}

impl std::error::Error for HostError {}

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
        let (config, interfaces) = (Config::default(), vec![interface]);
        Host { name: name.to_owned(), config, interfaces, routes: Vec::new(), leases: Vec::new() }
    }
}

impl World {
    /// A world without nodes, at time 0. All that is random in it follows from `seed`.
    pub fn new(seed: Seed) -> World {
        World {
            draws: Draws::seeded(&seed),
            seed,
            now: Instant::ZERO,
            queue: Queue::new(),
            nodes: Vec::new(),
            wiring: Wiring::default(),
            trace: Trace::default(),
            details: None,
            switches: Switches::ALL,
            hash: RunHash::new(),
            found: Vec::new(),
            events: 0,
            dense: false,
            next_digest: EVENTS_PER_DIGEST,
            work_at_now: 0,
            batch: TxBatch::new(),
            sent: Vec::new(),
            outbox: Vec::new(),
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

    /// Whether frames are kept for [`World::trace`], from now on; in a new world they are. A long run
    /// whose verdict alone is of interest is quicker, and smaller, without.
    pub fn keep_trace(&mut self, keep: bool) {
        self.trace.keep = keep;
    }

    /// From now on the state of all stacks goes into the hash after every event: slow, and exact about when
    /// two runs part.
    pub fn hash_every_event(&mut self) {
        self.dense = true;
        self.next_digest = self.events + 1;
    }

    /// Adds a host. Its seed follows from the world's and its number.
    ///
    /// # Errors
    ///
    /// As [`Stack::add_interface`], [`Stack::add_route`] and [`Stack::dhcpv4_start`], for the first interface, route
    /// or lease that the stack refuses.
    pub fn add_host(&mut self, host: Host) -> Result<HostId, HostError> {
        let id = HostId(self.nodes.len());
        let config = Config { checks: true, examine: true, trace: true, ..host.config };
        let settings = oracle::Settings::of(&config, &host.interfaces, self.switches);
        let media = host.interfaces.iter().map(|interface| interface.medium).collect();
        let (oracles, white_box) = (Box::new(WireOracles::new(settings)), white_box_of(&config, self.switches));
        let tap = Tap { oracles, white_box, media };
        let name = host.name.clone();
        let state = HostState::new(Host { config, ..host }, self.host_seed(id, 0), self.now)?;
        self.add(&name, Node::Host(Box::new(state)), Some(tap));
        Ok(id)
    }

    /// Adds a node that is no host: a hub, a switch, a NAT.
    pub fn add_node(&mut self, name: &str, machine: impl Into<Machine>) -> NodeId {
        let machine = machine.into();
        let deadline = machine.deadline();
        let settings = machine.settings(self.switches);
        let tap = settings.map(|settings| Tap {
            oracles: Box::new(WireOracles::new(settings)),
            // Nobody looks into it.
            white_box: white_box_of(&Config::default(), Switches::NONE),
            media: vec![Medium::Ethernet],
        });
        let id = self.add(name, Node::Machine(machine), tap);
        if let Some(at) = deadline {
            self.schedule_turn(id, at.max(self.now));
        }
        id
    }

    fn add(&mut self, name: &str, node: Node, tap: Option<Tap>) -> NodeId {
        let id = NodeId(self.nodes.len());
        self.trace.nodes.push(name.to_owned());
        self.trace.ports.extend((0..node.ports()).map(|interface| Port { node: id, interface }));
        let dice = Dice::new(Entity::Node { node: id.0 as u32 });
        self.nodes.push(NodeState { node, tap, dice, lives: 0, next_turn: None, queued_turns: BTreeSet::new() });
        id
    }

    /// The seed of a host's stack, in each of its lives another.
    pub(super) fn host_seed(&self, id: HostId, life: u32) -> Seed {
        let mut seed = [0; 32];
        for (half, out) in (0_u64..).zip(seed.chunks_exact_mut(16)) {
            let mut hasher = SipHasher24::new();
            hasher.write(&self.seed.0);
            hasher.write(&(id.0 as u64).to_le_bytes());
            hasher.write(&(u64::from(life) << 1 | half).to_le_bytes());
            out.copy_from_slice(&hasher.finish128().as_bytes());
        }
        Seed(seed)
    }

    /// Links two ports. What a port without a link sends goes nowhere; a second link on one port takes
    /// the place of the first, on which arrives what is on its way.
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
        self.befall(Fault::Partition(link, partition));
    }

    /// Ends all faults of a link for good, in both directions ([`link::Direction::heal`](crate::link::Direction::heal)):
    /// from now on it only takes its time.
    ///
    /// # Panics
    ///
    /// If `link` is of another world and not in this one.
    pub fn heal(&mut self, link: LinkId) {
        self.befall(Fault::Heal(link));
    }

    /// What a link has done so far: from its first end to its second, and back.
    ///
    /// # Panics
    ///
    /// If `link` is of another world and not in this one.
    pub fn link_counters(&self, link: LinkId) -> [&Counters; 2] {
        self.wiring.counters(link)
    }

    /// The rates of a link, in the order of its stages, and what each has done so far: from its first end to its
    /// second, and back.
    ///
    /// # Panics
    ///
    /// If `link` is of another world and not in this one.
    pub fn link_loads(&self, link: LinkId) -> [Vec<(Rate, &Load)>; 2] {
        self.wiring.loads(link)
    }

    /// Has a fault befall a host or a link at `at`; at once if that is past.
    pub fn schedule(&mut self, at: Instant, fault: Fault) {
        self.queue.push(at.max(self.now), Happening::Fault(fault));
    }

    /// Has a frame arrive at a port at `at`, as if a link had brought it; at once if that is past.
    pub fn inject(&mut self, at: Instant, port: impl Into<Port>, frame: Bytes) {
        self.queue.push(at.max(self.now), Happening::Injection(port.into(), frame));
    }

    /// Calls `f` with a host's stack and the time that the host's clock shows; what follows from it happens
    /// next.
    ///
    /// # Panics
    ///
    /// If `host` is of another world and not in this one.
    pub fn with_stack<R>(&mut self, host: HostId, f: impl FnOnce(&mut Stack, Instant) -> R) -> R {
        let now = self.now;
        let state = self.host_mut(host);
        let local = state.clock.at(now);
        let result = f(&mut state.stack, local);
        self.schedule_turn(host.into(), now);
        result
    }
}

fn white_box_of(config: &Config, switches: Switches) -> WhiteBox {
    WhiteBox::new(switches, config.tcp.challenge_acks_per_second)
}
