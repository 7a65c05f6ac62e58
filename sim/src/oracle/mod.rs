//! Oracles: rules that every run must keep, judged without being told what to look for.
//!
//! The *wire oracles* judge a host by nothing but the frames that it sends and receives, so they are good for
//! a capture as well, and for any stack. What it sends is judged; what it receives tells what it may send.
//! [`WireOracles`] is the tap of one host: all its interfaces, every frame with its time and direction.
//!
//! | module | what |
//! |---|---|
//! | `name` | [`Oracle`]: each one's name, rule and RFC section; [`Switches`] |
//! | `verdict` | [`Verdict`]: which rule was broken by which frame; [`Tally`] |
//! | `packet` | a frame parsed once for all |
//! | `flow` | a connection as its host's tap shows it |
//! | `table` | the connections of a tap |
//! | `sent` | what was sent and not acknowledged |
//! | `received` | what was received, with its holes |
//! | `integrity` | lengths, checksums |
//! | `acknowledgment` | ack-monotone, ack-unsent, right-edge, sack |
//! | `text` | retransmission, window, mss |
//! | `options` | options, timestamps, initial-sequence |
//! | `reset` | reset |
//! | `timing` | backoff, delayed-ack |
//! | `fragment` | fragments, identification |
//! | `reachability` | reachability |
//! | `verification` | verification |
//! | `renewal` | dhcp-renewal |
//! | [`white_box`] | the oracles that look into a stack: states, timers, the congestion window |
//!
//! An oracle about a connection judges one that was seen from its SYNs on; of others it abstains, which is
//! counted, as it is where the host's knowledge cannot be told: part of the connection came in fragments, or
//! the connection only passes through the host. The table of connections and all that is kept of one is bounded
//! ([`FLOWS`], [`SEGMENTS`], [`BYTES`]).
//!
//! A capture, judged:
//!
//! ```
//! use tickwire_sim::capture::Captured;
//! use tickwire_sim::oracle::{Settings, Verdict, WireOracles};
//!
//! fn judged(captured: &Captured) -> Vec<Verdict> {
//!     let mut oracles = WireOracles::new(Settings { foreign: true, ..Settings::default() });
//!     oracles.observe_capture(captured);
//!     oracles.verdicts().to_vec()
//! }
//! # assert_eq!(judged(&Captured::default()), []);
//! ```

mod acknowledgment;
mod flow;
mod fragment;
mod integrity;
mod name;
mod options;
mod packet;
mod reachability;
mod received;
mod renewal;
mod reset;
mod sent;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod timing;
mod verdict;
mod verification;
pub mod white_box;

use bytes::Bytes;
use smallvec::SmallVec;
use tickwire_core::config::{Medium, TcpConfig};
use tickwire_core::frame::Capabilities;
use tickwire_core::tcp::seq::SeqNumber;
use tickwire_core::time::Duration;
use tickwire_core::wire::arp::{ArpOperation, ArpPacket};
use tickwire_core::wire::ethernet::{EthernetAddress, EthernetFrame};
use tickwire_core::wire::ipv4::IpProtocol;
use tickwire_core::wire::ndp;
use tickwire_core::wire::notation::Relative;
use tickwire_core::wire::tcp::TcpFlags;
use tickwire_core::{Acd, Config, Dad, DropReason, Instant, InterfaceConfig};

use crate::capture::Captured;
use crate::trace::Direction;

pub use self::fragment::IDENTIFICATIONS;
pub use self::name::{Oracle, Switches};
pub use self::sent::{BYTES, SEGMENTS};
pub use self::table::FLOWS;
pub use self::verdict::{FlowKey, Mark, Tally, VERDICTS, Verdict};
pub use self::verification::Verifies;

use self::flow::Flow;
use self::fragment::Identifications;
use self::packet::{NoPacket, Packet};
use self::reachability::Neighbors;
use self::renewal::Leases;
use self::table::Flows;
use self::verdict::Bench;
use self::verification::Verification;

/// Hardware addresses of a host that are told from others; one that has more is taken to hear everything.
const OWN: usize = 64;

/// What the oracles are to know of a host beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The host is not ours, or the capture may lack frames: what an implementation may do otherwise is let pass.
    pub foreign: bool,
    /// The host forwards: only of connections that end at it can be told what it sent itself.
    pub forwarding: bool,
    /// The device splits super-segments or completes checksums: MSS and transport checksums are not judged.
    pub offloaded: bool,
    /// Which addresses are to be verified before they are used.
    pub verifies: Verifies,
    /// The least RTO; RFC 6298 section 2.4 says 1 s, nearly everybody 200 ms (the default).
    pub rto_min: Duration,
    /// Which oracles judge; by default all.
    pub switches: Switches,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            foreign: false,
            forwarding: false,
            offloaded: false,
            verifies: Verifies::default(),
            rto_min: TcpConfig::default().rto_min,
            switches: Switches::ALL,
        }
    }
}

impl Settings {
    /// For a host whose stack is ours, set to `config`, with these interfaces.
    pub(crate) fn of(config: &Config, interfaces: &[InterfaceConfig], mut switches: Switches) -> Settings {
        if config.tcp.initial_sequence.is_some() {
            // Of numbers near a chosen one only 16 bits differ, and two may well be alike.
            switches.set(Oracle::InitialSequence, false);
        }
        // Whether the device does part of a sender's work.
        let is_offloaded = |device: &Capabilities| device.gso_max_segments > 1 || device.tx_checksum;
        // Nothing ever passes a loopback interface.
        let interfaces = || interfaces.iter().filter(|interface| interface.medium != Medium::Loopback);
        let addresses = || interfaces().map(|interface| interface.address_settings.unwrap_or(config.address));
        Settings {
            foreign: false,
            forwarding: config.router.forwarding,
            offloaded: interfaces().any(|interface| is_offloaded(&interface.capabilities)),
            verifies: Verifies {
                ipv4: addresses().all(|settings| settings.acd != Acd::Off),
                ipv6: addresses().all(|settings| settings.dad == Dad::Normal && settings.dad_transmits > 0),
            },
            rto_min: config.tcp.rto_min,
            switches,
        }
    }
}

/// A frame at the tap.
#[derive(Clone, Copy, Debug)]
pub struct Sighting<'a> {
    /// Its number in the trace or capture.
    pub number: u64,
    /// When it passed: no earlier than any before.
    pub at: Instant,
    /// What the interface carries.
    pub medium: Medium,
    /// Sent or received by the host.
    pub direction: Direction,
    /// Its bytes, all of them.
    pub frame: &'a Bytes,
}

/// Segments with SYN, text or FIN that a host has sent on its own connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Segments {
    /// All of them.
    pub sent: u64,
    /// Those that begin with what was sent before.
    pub again: u64,
}

/// What the oracles about segments are told beside the segment and its connection.
struct Observed {
    mark: Mark,
    foreign: bool,
    offloaded: bool,
    rto_min: Duration,
    /// The place, plus one, of the last ICMP message heard: it may have caused a retransmission (RFC 1191). Or of
    /// the last frame before the host was disturbed, or asked for a neighbor.
    path_news: u64,
}

/// The wire oracles at one host's tap. A clone is an exact branch.
#[derive(Clone, Debug)]
pub struct WireOracles {
    settings: Settings,
    flows: Flows,
    identifications: Identifications,
    neighbors: Neighbors,
    /// The hardware addresses that the host was seen to send from.
    own: SmallVec<[EthernetAddress; 2]>,
    verification: Verification,
    leases: Leases,
    path_news: u64,
    /// How many frames were seen.
    seen: u64,
    /// The flow that began last, and its initial sequence number.
    last_begun: Option<(FlowKey, SeqNumber)>,
    /// When the host last asked for a neighbor's hardware address.
    asked: Option<Mark>,
    segments: Segments,
    bench: Bench,
}

impl WireOracles {
    /// Oracles that have seen nothing yet.
    pub fn new(settings: Settings) -> WireOracles {
        WireOracles {
            settings,
            flows: Flows::default(),
            identifications: Identifications::default(),
            neighbors: Neighbors::default(),
            own: SmallVec::new(),
            verification: Verification::default(),
            leases: Leases::default(),
            path_news: 0,
            seen: 0,
            last_begun: None,
            asked: None,
            segments: Segments::default(),
            bench: Bench::new(settings.switches),
        }
    }

    /// The host is set otherwise from now on; which oracles judge stays.
    pub(crate) fn set(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// Switches an oracle on or off. What it must have seen it has seen also while it was off.
    pub fn switch(&mut self, oracle: Oracle, on: bool) {
        self.bench.switches.set(oracle, on);
    }

    /// Takes in a frame, and judges it if the host sent it.
    pub fn observe(&mut self, sighting: Sighting<'_>) {
        let outbound = sighting.direction == Direction::Outbound;
        self.bench.order = self.seen;
        self.seen += 1;
        if self.leases.judge(sighting.at, &mut self.bench) {
            self.bench.keep(&sighting, None);
        }
        if let (Medium::Ethernet, Ok(frame)) = (sighting.medium, EthernetFrame::parse(sighting.frame))
            && !self.stations(&frame, outbound, sighting.at)
        {
            return;
        }
        match packet::parse(sighting.medium, sighting.frame) {
            Ok(packet) if outbound => self.sent(&sighting, &packet),
            Ok(packet) => self.received(&sighting, &packet),
            Err(NoPacket::Malformed(reason)) if outbound => self.malformed(&sighting, reason),
            Err(NoPacket::Arp) if outbound => self.sent_arp(&sighting),
            // What cannot be parsed tells the host nothing.
            Err(NoPacket::Malformed(_) | NoPacket::Arp | NoPacket::Other) => {}
        }
    }

    /// Takes note of who sends a frame. Returns whether it is the host's, or may be for it: what is for another station
    /// tells it nothing.
    #[inline]
    fn stations(&mut self, frame: &EthernetFrame<'_>, outbound: bool, at: Instant) -> bool {
        if outbound {
            if self.own.last() != Some(&frame.src()) && !self.own.contains(&frame.src()) && self.own.len() < OWN {
                self.own.push(frame.src());
            }
            return true;
        }
        self.neighbors.heard(frame.src(), at);
        self.own.is_empty() || self.own.len() == OWN || frame.dst().is_multicast() || self.own.contains(&frame.dst())
    }

    /// The host was kept from working, or is from now on: what it does late, or sends again after a wait that
    /// cannot be told, is no fault of its stack.
    pub fn disturbed(&mut self) {
        self.path_news = self.seen;
        self.flows.forget_waits();
        self.neighbors.forget();
        self.leases.disturbed();
    }

    /// The host has lost what it knew: nothing binds it to what it did before.
    pub fn restarted(&mut self) {
        self.flows.clear();
        self.identifications = Identifications::default();
        self.neighbors.forget();
        self.verification.restarted();
        self.leases.restarted();
        self.asked = None;
        self.last_begun = None;
    }

    /// Takes in a whole capture of one host with Ethernet interfaces. Frames whose direction it does not tell,
    /// or that it has cut off, are left out.
    pub fn observe_capture(&mut self, captured: &Captured) {
        for (number, frame) in (0..).zip(&captured.frames) {
            let Some(direction) = frame.direction.filter(|_| frame.original_len as usize == frame.data.len()) else {
                continue;
            };
            let at = Instant::from_nanos(frame.unix_nanos);
            self.observe(Sighting { number, at, medium: Medium::Ethernet, direction, frame: &frame.data });
        }
    }

    /// The rules that were broken, in order; the first [`VERDICTS`] of them.
    pub fn verdicts(&self) -> &[Verdict] {
        &self.bench.verdicts
    }

    /// How often an oracle judged, abstained and found its rule broken.
    pub fn tally(&self, oracle: Oracle) -> Tally {
        self.bench.tallies[oracle as usize]
    }

    /// How many segments the host has sent, and how many of them again.
    pub fn segments(&self) -> Segments {
        self.segments
    }

    /// Connections that were forgotten before they were over, because there were more than [`FLOWS`].
    pub fn flows_forgotten(&self) -> u64 {
        self.flows.forgotten
    }

    /// The furthest right edge that the peer of a connection has offered, as it was on the wire; `None` if the tap
    /// has not seen the connection from its SYNs on.
    pub(crate) fn offered(&self, key: FlowKey) -> Option<SeqNumber> {
        let flow = self.flows.look(key)?;
        flow.syns().and(flow.remote.edge).map(|edge| edge.value)
    }

    fn malformed(&mut self, sighting: &Sighting<'_>, reason: DropReason) {
        if !self.settings.forwarding {
            integrity::malformed(reason, &mut self.bench);
            self.bench.keep(sighting, None);
        }
    }

    fn mark(&self, sighting: &Sighting<'_>) -> Mark {
        Mark { number: sighting.number, at: sighting.at, order: self.bench.order }
    }

    /// The host asks for a neighbor: what it holds back until then is late for that reason.
    fn asks(&mut self, sighting: &Sighting<'_>) {
        self.asked = Some(self.mark(sighting));
        self.neighbors.asked(sighting.at);
        self.path_news = self.seen;
    }

    fn sent_arp(&mut self, sighting: &Sighting<'_>) {
        let packet = EthernetFrame::parse(sighting.frame).ok().map(|frame| ArpPacket::parse(frame.payload()));
        if let Some(Ok(packet)) = packet {
            // Who comes back asks the router that he knows, and nobody else, before he verifies (RFC 4436 section 2.1).
            let asks_one = EthernetFrame::parse(sighting.frame).is_ok_and(|frame| frame.dst().is_unicast());
            if !asks_one || packet.operation() != ArpOperation::Request {
                self.verification.arp(&packet, self.settings.verifies, &mut self.bench);
            }
            self.leases.sent_arp(&packet, sighting.at, &mut self.bench);
            self.bench.keep(sighting, None);
        }
        self.asks(sighting);
    }

    fn observed(&self, sighting: &Sighting<'_>) -> Observed {
        Observed {
            mark: self.mark(sighting),
            foreign: self.settings.foreign,
            offloaded: self.settings.offloaded,
            rto_min: self.settings.rto_min,
            path_news: self.path_news,
        }
    }

    fn sent(&mut self, sighting: &Sighting<'_>, packet: &Packet<'_>) {
        let seen = self.observed(sighting);
        // What is forwarded is as its sender made it.
        if !self.settings.forwarding {
            integrity::lengths(packet, &mut self.bench);
            integrity::checksums(packet, seen.offloaded, &mut self.bench);
            self.identifications.judge(&seen, packet, &mut self.bench);
            self.verification.packet(packet, self.settings.verifies, &mut self.bench);
        }
        if self.leases.sent(packet, seen.mark, &mut self.bench) {
            self.flows.forget_waits();
        }
        if is_solicitation(packet) {
            self.asks(sighting);
        } else if let (false, Medium::Ethernet, Ok(frame)) =
            (seen.foreign, sighting.medium, EthernetFrame::parse(sighting.frame))
        {
            self.neighbors.judge(frame.dst(), seen.mark, &mut self.bench);
        }
        let Some(segment) = &packet.segment else {
            return self.bench.keep(sighting, None);
        };
        let view = &segment.view;
        let key = FlowKey::new((packet.src, view.src_port()), (packet.dst, view.dst_port()));
        let flow = self.flows.slot(key);
        flow.forgetful = self.settings.foreign;
        let bench = &mut self.bench;
        if !flow.transit {
            if segment.len() > 0 && !segment.has(TcpFlags::RST) {
                self.segments.sent += 1;
                self.segments.again += u64::from(flow.has_sent(segment));
            }
            acknowledgment::judge(&seen, segment, flow, bench);
            text::judge(&seen, packet, segment, key, flow, bench);
            options::judge(segment, flow, bench);
            options::initial_sequence(segment, key, &mut self.last_begun, bench);
            // While a neighbor is asked for, answers wait, and others are heard meanwhile.
            let waits = self.asked.is_some_and(|asked| asked.at + timing::RESOLVING > sighting.at);
            reset::judge(segment, flow, waits, bench);
            timing::backoff(&seen, segment, flow, bench);
            if timing::delayed_ack(sighting.at, Some(segment), self.asked, flow, bench)
                && segment.ack.zip(flow.unacknowledged).is_none_or(|(ack, waiting)| ack < waiting.end)
            {
                flow.unacknowledged = None;
            }
        }
        if !bench.found.is_empty() {
            let relative = relative_to(flow);
            bench.keep(sighting, Some((key, relative)));
        }
        flow.send(segment, sighting.frame, packet.text_range(), seen.mark, seen.path_news);
    }

    fn received(&mut self, sighting: &Sighting<'_>, packet: &Packet<'_>) {
        if matches!(packet.protocol, IpProtocol::ICMP | IpProtocol::ICMPV6) {
            self.path_news = self.seen;
        }
        let Some(segment) = &packet.segment else {
            if self.leases.received(packet, self.settings.offloaded, self.mark(sighting)) {
                self.flows.forget_waits();
            }
            return self.received_part(packet);
        };
        // What is damaged tells the host nothing.
        let vouched = self.settings.offloaded || packet.upper_sum_is_right();
        if !vouched || packet.v4.as_ref().is_some_and(|v4| !v4.verify_checksum()) {
            return;
        }
        let view = &segment.view;
        let key = FlowKey::new((packet.dst, view.dst_port()), (packet.src, view.src_port()));
        let mark = self.mark(sighting);
        let lacks = self.leases.lacks(packet, sighting.at);
        let flow = self.flows.slot(key);
        flow.forgetful = self.settings.foreign;
        if flow.transit {
            return;
        }
        if timing::delayed_ack(sighting.at, None, self.asked, flow, &mut self.bench) {
            flow.unacknowledged = None;
        }
        if !self.bench.found.is_empty() {
            let relative = relative_to(flow).reversed();
            self.bench.keep(sighting, Some((key, relative)));
        }
        flow.hear(segment, mark);
        if lacks {
            flow.unacknowledged = None;
        }
    }

    /// Of a segment in fragments the first shows the ports.
    fn received_part(&mut self, packet: &Packet<'_>) {
        let first = packet.part.is_some_and(|part| part.offset == 0);
        if let (true, IpProtocol::TCP, Some(&[a, b, c, d])) = (first, packet.protocol, packet.upper.first_chunk::<4>())
        {
            let (src, dst) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            if let Some(flow) = self.flows.known(FlowKey::new((packet.dst, dst), (packet.src, src))) {
                flow.blind();
            }
        }
    }
}

/// What the numbers of a segment that the local end sends are told relative to.
fn relative_to(flow: &Flow) -> Relative {
    let of = |end: &flow::End| end.syn.map(|syn| syn.seq).unwrap_or_default();
    Relative { seq: of(&flow.local), ack: of(&flow.remote) }
}

/// Whether a packet asks for a neighbor's hardware address.
fn is_solicitation(packet: &Packet<'_>) -> bool {
    packet.protocol == IpProtocol::ICMPV6 && packet.upper.first() == Some(&ndp::NEIGHBOR_SOLICITATION)
}
