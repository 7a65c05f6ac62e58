//! [`Stack`]: the one object through which everything goes.
//!
//! Its methods are of three kinds.
//!
//! - **Facts in**: [`Stack::handle_frame`], [`Stack::handle_timeout`]. Something happened. They
//!   change state, and never build a frame.
//! - **Effects out**: [`Stack::poll_event`], [`Stack::poll_transmit`], [`Stack::poll_timeout`]. What the
//!   application is to be told, what is to be sent, when to come back.
//! - **Commands and questions**: sockets, addresses, routes, counters.
//!
//! A caller's loop is always the same: hand in at most `Config::rx_batch` frames; call
//! `handle_timeout` if the deadline has come; drain `poll_event`; for each of
//! [`Stack::interfaces_ready`] drain `poll_transmit`; ask `poll_timeout`; wait for a frame, a command
//! or that instant. Every entry point that can depend on time takes `now`. It never goes back: an
//! earlier value is taken as the latest seen, and counted.
//!
//! The modules, along a frame's way in and out:
//!
//! - `receive`: from a frame to the protocol that it is for
//! - `icmp`: ICMP of both families, and the errors that we send
//! - `icmp_errors`: the errors that arrive, and whose packets they are about
//! - `redirects`: better first hops that routers tell of
//! - `ip_options`: what becomes of a packet for its IPv4 options, which ones a socket may send
//! - `pmtu`: the paths' MTUs, and what a report of a smaller one does
//! - `tcp`: from a segment to its connection, and what follows from any call on a connection
//! - `udp`: from a datagram to its socket
//! - `multicast`: groups: IGMP, MLD, and datagrams to many
//! - `multicast_forward`: packets to groups from one link to others
//! - `querier`: groups as a multicast router knows them
//! - `fragments`: from fragments to a packet, and from a packet to fragments
//! - `router_discovery`: what routers say, and what follows from it
//! - `advertise`: what we tell as a router
//! - `slaac`: the addresses that we form ourselves
//! - `transmit`: what leaves, in which order
//! - `schedule`: timers and events
//! - `commands`: interfaces, sockets
//! - `interfaces`: links that go down and come up, interfaces that go
//! - `link_settings`: the MTU of a link, our hardware address on it
//! - `routing`: the way of a packet, and the commands on routes and rules
//! - `loopback`: what is for ourselves
//! - `forward`: what is for others: the router role
//! - `addresses`: the addresses of the interfaces, from assignment to withdrawal
//! - `dhcpv4`: the DHCPv4 clients of the interfaces
//! - `dhcpv6`: the DHCPv6 clients of the interfaces
//! - `acd`, `dad`: whether an address is ours alone, IPv4 and IPv6
//! - `link_local`: IPv4 link-local addresses
//! - `access`: what the socket views need of the stack
//! - `selection`: the policy table, destinations by preference (RFC 6724)
//! - `neighbors`: neighbors that commands set
//! - `inspect`, `inspect_routers`: counters and tables
//! - `fingerprint`: the digest of all state

use core::net::SocketAddr;

use crate::buffer::ChunkPool;
use crate::config::Config;
use crate::counters::{Counters, Drops};
use crate::error::{DropReason, Verdict};
use crate::frame::Frame;
use crate::identity::Identity;
use crate::ip::fragment::Identifications;
use crate::ip::pmtu::PathMtus;
use crate::ip::reassembly::Reassembly;
use crate::ip::redirect::Redirects;
use crate::ip::route::Routes;
use crate::ip::selection::Preferences;
use crate::keyed::HashKey;
use crate::link::table::InterfaceTable;
use crate::link::{Interface, InterfaceId};
use crate::provenance::{Occasion, Trigger};
use crate::rate_limit::{RateLimit, SourceLimit};
use crate::record::{Call, Outcome, Recorder};
use crate::rng::{RandomStream, Seed};
use crate::socket::table::Sockets;
use crate::tcp::{Examination, TcpCounters};
use crate::time::Instant;
use crate::trace::Trace;
use crate::wire::tcp::TcpFlags;

mod access;
mod acd;
mod addresses;
mod advertise;
mod commands;
mod dad;
mod dhcpv4;
mod dhcpv6;
mod fingerprint;
mod forward;
mod fragments;
mod icmp;
mod icmp_errors;
mod inspect;
mod inspect_routers;
mod interfaces;
mod ip_options;
mod link_local;
mod link_settings;
mod loopback;
mod multicast;
mod multicast_forward;
mod neighbors;
mod pmtu;
mod querier;
mod receive;
mod redirects;
mod router_discovery;
mod routing;
mod schedule;
mod selection;
mod slaac;
mod tcp;
mod transmit;
mod udp;

pub(crate) use addresses::NewAddress;
pub use advertise::AdvertiserInfo;
pub(crate) use commands::canonical;
pub use dhcpv4::{Dhcpv4Info, Dhcpv4LeaseInfo};
pub use inspect::{GroupInfo, InterfaceInfo, NeighborInfo, QueueDepths, TcpEntry, UdpEntry};
pub use inspect_routers::{PrefixInfo, RouterInfo, RouterRouteInfo};
pub use pmtu::PathMtuInfo;
pub(crate) use querier::Queriers;
pub use querier::{LinkGroupInfo, QuerierInfo};
pub use redirects::RedirectInfo;
pub use schedule::{Cause, Wakeup};

/// The rate at which the ISN clock ticks: every 4 us (RFC 9293 section 3.4.1).
const ISN_TICK_NANOS: u64 = 4_000;

/// Redirects that a router sends per second.
const REDIRECTS_PER_SECOND: u32 = 10;

/// Keys that hashes of connection identifiers are made with; never printed.
#[derive(Clone)]
struct Secrets {
    isn: HashKey,
    timestamp: HashKey,
    neighbor: HashKey,
    flow_label: HashKey,
    multipath: HashKey,
}

/// What is drawn for the interfaces, one stream per purpose.
#[derive(Clone)]
struct Random {
    acd: RandomStream,
    dad: RandomStream,
    dhcpv4: RandomStream,
    router_discovery: RandomStream,
    /// When routers advertise.
    advertisements: RandomStream,
    temporary_addresses: RandomStream,
    dhcpv6: RandomStream,
    /// When reports about groups are sent.
    groups: RandomStream,
}

/// The bounds on what strangers can make us send.
#[derive(Clone)]
struct RateLimits {
    icmp_errors: RateLimit,
    icmp_sources: SourceLimit,
    resets: RateLimit,
    group_echoes: RateLimit,
    redirects: RateLimit,
}

/// A TCP/IP stack. See the [module](self) for how it is driven.
///
/// A clone is an exact branch: given the same inputs, both go on alike.
#[derive(Clone)]
pub struct Stack {
    config: Config,
    /// The latest `now` seen.
    now: Instant,
    secrets: Secrets,
    random: Random,
    identity: Identity,
    /// When the first interface was added: what the identity says of time counts from then.
    began: Instant,
    interfaces: InterfaceTable,
    routes: Routes,
    path_mtus: PathMtus,
    redirects: Redirects,
    preferences: Preferences,
    reassembly: Reassembly,
    identifications: Identifications,
    sockets: Sockets,
    timers: schedule::TimerHeap,
    unarmed: schedule::Unarmed,
    events: schedule::EventQueue,
    limits: RateLimits,
    chunks: ChunkPool,
    counters: Counters,
    tcp_counters: TcpCounters,
    drops: Drops,
    trace: Trace,
    pub(crate) recorder: Recorder,
    /// What connections looked like, until somebody asks.
    examinations: alloc::vec::Vec<Examination>,
    /// The control bits of the last segment, and what brought it, if that is asked for.
    examined_segment: Option<(Trigger, TcpFlags)>,
    /// What is being dealt with: of what is queued now, the cause.
    occasion: Occasion,
}

impl core::fmt::Debug for Stack {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Stack")
            .field("now", &self.now)
            .field("interfaces", &self.interfaces.len())
            .field("connections", &self.sockets.tcp.len())
            .finish_non_exhaustive()
    }
}

impl Stack {
    /// A stack without interfaces. All that is random in it follows from `seed`.
    #[allow(clippy::needless_pass_by_value, reason = "a seed is for one stack: it is given away")]
    pub fn new(config: Config, seed: Seed) -> Stack {
        Stack {
            now: Instant::ZERO,
            secrets: Stack::secrets(&seed),
            random: Stack::random(&seed),
            identity: config.identity.clone().unwrap_or_else(|| Identity::new(seed.key("identity.secret"))),
            began: Instant::ZERO,
            interfaces: InterfaceTable::default(),
            routes: Routes::default(),
            path_mtus: PathMtus::default(),
            redirects: Redirects::default(),
            preferences: Preferences::new(config.prefer_temporary),
            reassembly: Reassembly::default(),
            identifications: Identifications::new(&seed, config.shard),
            sockets: Sockets::new(&seed, config.shard),
            timers: schedule::TimerHeap::default(),
            unarmed: schedule::Unarmed::default(),
            events: schedule::EventQueue::default(),
            limits: RateLimits {
                icmp_errors: RateLimit::new(config.icmp_errors_per_second, seed.stream("icmp.errors")),
                resets: RateLimit::new(config.resets_per_second, seed.stream("tcp.resets")),
                icmp_sources: SourceLimit::new(
                    &seed,
                    "icmp.sources",
                    config.limits.icmp_sources,
                    config.icmp_errors_burst,
                    config.icmp_source_interval,
                ),
                group_echoes: RateLimit::new(config.group_echoes_per_second, seed.stream("icmp.group_echoes")),
                redirects: RateLimit::new(REDIRECTS_PER_SECOND, seed.stream("icmp.redirects")),
            },
            chunks: ChunkPool::default(),
            counters: Counters::default(),
            tcp_counters: TcpCounters::default(),
            drops: Drops::default(),
            trace: Trace::new(config.trace),
            recorder: Recorder::default(),
            examinations: alloc::vec::Vec::new(),
            examined_segment: None,
            occasion: Occasion { trigger: Trigger::Call("stack.new"), at: Instant::ZERO },
            config,
        }
    }

    fn secrets(seed: &Seed) -> Secrets {
        Secrets {
            isn: seed.hash_key("tcp.isn"),
            timestamp: seed.hash_key("tcp.timestamp"),
            neighbor: seed.hash_key("neighbor"),
            flow_label: seed.hash_key("ip.flow_label"),
            multipath: seed.hash_key("route.multipath"),
        }
    }

    fn random(seed: &Seed) -> Random {
        Random {
            acd: seed.stream("acd"),
            dad: seed.stream("dad"),
            dhcpv4: seed.stream("dhcpv4"),
            router_discovery: seed.stream("nd.router_discovery"),
            advertisements: seed.stream("nd.advertisements"),
            temporary_addresses: seed.stream("slaac.temporary_addresses"),
            dhcpv6: seed.stream("dhcpv6"),
            groups: seed.stream("ip.multicast"),
        }
    }

    /// Draws new secrets: for a clone that is to face a network of its own. Initial sequence numbers,
    /// timestamp offsets and ports chosen from here on follow from `seed`; connections stay as they are.
    pub fn reseed(&mut self, seed: &Seed) {
        self.record(|_| Call::Reseed { seed: seed.clone() });
        self.secrets = Stack::secrets(seed);
        self.identifications.reseed(seed);
        self.random = Stack::random(seed);
        self.sockets.reseed(seed, self.config.shard);
    }

    /// What is to be kept for the next start, as it is at `now`: given to that stack as
    /// [`Config::identity`], after [`Identity::pass`] was told how long it lay idle.
    pub fn export_identity(&self, now: Instant) -> Identity {
        let now = now.max(self.now);
        Identity { dhcpv6: self.dhcpv6_bindings(now), dhcpv4: self.dhcpv4_bindings(now), ..self.identity.clone() }
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Moves the clock to `now`; an earlier value is taken as the latest seen.
    pub(crate) fn advance(&mut self, now: Instant) -> Instant {
        if now < self.now {
            self.counters.time_regressions += 1;
        } else {
            self.now = now;
        }
        self.now
    }

    /// A socket call at `now`: the clock moves, and the call is traced.
    pub(crate) fn called(&mut self, now: Instant, what: &'static str, handle: impl slotmap::Key, data: &[u8]) {
        let now = self.advance(now);
        self.occasion = Occasion { trigger: Trigger::Call(what), at: now };
        self.trace.call(now, what, handle, data);
    }

    /// Whether connections are checked after each call.
    pub(crate) fn checks(&self) -> bool {
        self.config.checks
    }

    /// Whether calls are traced.
    pub(crate) fn traces(&self) -> bool {
        self.trace.is_on()
    }

    /// What was taken of data that a call offered: what was not makes no difference, however much it is.
    pub(crate) fn took<E>(&mut self, offered: &[u8], taken: &Result<usize, E>) {
        if let Ok(taken) = taken {
            self.trace.data(offered.get(..*taken).unwrap_or_default());
        }
    }

    /// A command about an address: as [`Stack::called`], after the clock has moved.
    fn commanded(&mut self, what: &'static str, address: SocketAddr) {
        self.occasion = Occasion { trigger: Trigger::Call(what), at: self.now };
        self.trace.command(self.now, what, address);
    }

    /// The serial number of the next frame that passes, in or out.
    pub fn next_serial(&self) -> u64 {
        self.counters.frames_received + self.counters.frames_sent + 1
    }

    /// A frame has arrived on `interface` at `now`.
    pub fn handle_frame(&mut self, now: Instant, interface: InterfaceId, mut frame: Frame) -> Verdict {
        self.record(|_| Call::HandleFrame { now, interface, frame: frame.clone() });
        self.advance(now);
        self.occasion = Occasion { trigger: Trigger::Frame(self.next_serial()), at: self.now };
        self.counters.frames_received += 1;
        self.counters.bytes_received += frame.data.len() as u64;
        self.trace.received(self.now, interface.0, &frame.data);
        match self.receive(interface, &mut frame) {
            Ok(()) => Verdict::Accepted,
            Err(reason) => {
                self.drop_on(interface, reason);
                self.record_outcome(|| Some(Outcome::Dropped(reason)));
                Verdict::Dropped(reason)
            }
        }
    }

    /// Counts what came in on an interface, or was to leave there, and was dropped.
    #[cold]
    pub(crate) fn drop_on(&mut self, id: InterfaceId, reason: DropReason) {
        self.drops.count(reason);
        if let Some(interface) = self.interfaces.get_mut(id.index()) {
            interface.drops.count(reason);
        }
    }

    /// The time is `now`: whatever was due until then happens. Call it when the instant that
    /// [`Stack::poll_timeout`] named has come; at any other time it changes nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.record(|_| Call::HandleTimeout { now });
        let now = self.advance(now);
        self.trace.timeout(now);
        for _ in 0..schedule::TIMERS_PER_CALL {
            let Some((cause, owner)) = self.take_due(now) else { return };
            self.occasion = Occasion { trigger: Trigger::Timer(cause), at: now };
            self.on_timeout(owner);
        }
    }

    /// Apart from the question whether anything is due, which is asked far more often.
    #[inline(never)]
    fn on_timeout(&mut self, owner: schedule::TimerOwner) {
        match owner {
            schedule::TimerOwner::Tcp(handle) => self.on_tcp_timeout(handle),
            schedule::TimerOwner::Neighbor(interface, id) => self.on_neighbor_timeout(interface, id),
            schedule::TimerOwner::Interface(id) => self.on_interface_timeout(id),
            schedule::TimerOwner::Reassembly => self.on_reassembly_timeout(),
        }
    }

    /// When to call [`Stack::handle_timeout`] next; `None` if only a frame or a command can bring news.
    ///
    /// Exact once `poll_event` and every interface's `poll_transmit` have returned empty; until then
    /// it is the latest `now`, for there is something to do at once.
    pub fn poll_timeout(&mut self) -> Option<Wakeup> {
        self.record(|_| Call::PollTimeout);
        let undrained = !self.events.is_empty() || self.interfaces.iter().any(Interface::is_ready);
        let wakeup = if undrained {
            Some(Wakeup { at: self.now, cause: Cause::Undrained })
        } else {
            self.earliest().map(|(wakeup, _)| wakeup)
        };
        self.record_outcome(|| wakeup.map(|wakeup| Outcome::Wakeup(wakeup.at)));
        wakeup
    }

    /// The earliest timer, whatever waits to be drained. What to wait for, beside the device, while
    /// that takes no frames: [`Stack::poll_timeout`] would say "at once" until it does. Timers that
    /// start when a frame leaves are not among them yet.
    pub fn next_timer(&mut self) -> Option<Wakeup> {
        self.record(|_| Call::NextTimer);
        let wakeup = self.earliest().map(|(wakeup, _)| wakeup);
        self.record_outcome(|| wakeup.map(|wakeup| Outcome::Wakeup(wakeup.at)));
        wakeup
    }
}
