//! What a tamperer knows of a connection that passes.

use std::net::SocketAddr;

use bytes::Bytes;
use smallvec::smallvec;
use tickwire_core::tcp::seq::SeqNumber;
use tickwire_core::wire::ethernet::EthernetFrame;
use tickwire_core::wire::ipv4::IpProtocol;
use tickwire_core::wire::tcp::{TcpFlags, TcpHeader};
use tickwire_core::wire::tcp_options::{SackRange, TcpOptions};

use super::renege::Claim;
use crate::node::frames::{self, Hosts, Stations};
use crate::segment::tcp_segment;

/// Bytes in a block that was invented.
const INVENTED: u32 = 1_000;
/// The largest shift of a window (RFC 7323 section 2.3).
const SHIFT_MAX: u8 = 14;

/// A segment taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    stations: Stations,
    /// Who sent it, and who is to receive it.
    pub(super) ends: (SocketAddr, SocketAddr),
    pub(super) header: TcpHeader,
    pub(super) options: TcpOptions,
    text: Bytes,
}

impl Part {
    /// `None` if there is no segment in the frame, or a damaged one: to make that whole would be to forge it.
    pub(super) fn of(frame: &Bytes) -> Option<Part> {
        let flow = tcp_segment(frame)?;
        let hosts = Hosts { src: flow.from.ip(), dst: flow.to.ip() };
        let len = flow.segment.header_len() + flow.segment.payload().len();
        if !flow.segment.verify_checksum(frames::pseudo_header(hosts, IpProtocol::TCP, len)) {
            return None;
        }
        let stations = EthernetFrame::parse(frame).ok()?.header();
        Some(Part {
            stations: Stations { src: stations.src, dst: stations.dst },
            ends: (flow.from, flow.to),
            header: flow.segment.header(),
            options: flow.segment.options(),
            text: frame.slice_ref(flow.segment.payload()),
        })
    }

    /// Neither text nor SYN, FIN or RST.
    pub(super) fn is_bare(&self) -> bool {
        self.text.is_empty() && !self.header.flags.intersects(TcpFlags::SYN | TcpFlags::FIN | TcpFlags::RST)
    }

    /// The sequence numbers of its text: the first, and the one behind the last.
    pub(super) fn text(&self) -> Option<SackRange> {
        let start = self.header.seq;
        (!self.text.is_empty()).then(|| SackRange { start, end: start + self.text.len() as u32 })
    }

    /// The same with another acknowledgment and window.
    pub(super) fn with_ack(&self, ack: SeqNumber, window: u16) -> Bytes {
        let header = TcpHeader { ack, window, ..self.header };
        frames::segment(self.stations, self.ends, &header, &self.options, &self.text)
    }

    pub(super) fn with_window(&self, window: u16) -> Bytes {
        self.with_ack(self.header.ack, window)
    }

    /// Another segment between the same ends.
    pub(super) fn forged(&self, header: &TcpHeader, options: &TcpOptions, text: &[u8]) -> Bytes {
        frames::segment(self.stations, self.ends, header, options, text)
    }

    /// The sequence number behind its last one.
    fn end(&self) -> SeqNumber {
        let flags = TcpFlags::SYN | TcpFlags::FIN;
        self.header.seq + self.text.len() as u32 + (self.header.flags & flags).bits().count_ones()
    }
}

/// A host's plain acknowledgment, in whose image others are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Model {
    stations: Stations,
    ends: (SocketAddr, SocketAddr),
    header: TcpHeader,
    timestamps: Option<tickwire_core::wire::tcp_options::Timestamps>,
}

impl Model {
    /// Acknowledges what the host has, and tells of a range beyond it.
    pub(super) fn claiming(&self, range: SackRange) -> Bytes {
        let options = TcpOptions { timestamps: self.timestamps, sack: smallvec![range], ..TcpOptions::default() };
        frames::segment(self.stations, self.ends, &self.header, &options, &[])
    }

    /// What the host waits for next.
    pub(super) fn next(&self) -> SeqNumber {
        self.header.ack
    }
}

/// A connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flow {
    /// The shifts of both ends' windows, the host's first, as their SYNs offer them.
    shifts: [Option<u8>; 2],
    /// Whether their SYNs permit SACK.
    sack: [bool; 2],
    /// Where each end begins.
    first: [Option<SeqNumber>; 2],
    /// How far what each end has sent reaches.
    reached: [Option<SeqNumber>; 2],
    /// The furthest right edge that the host has offered since it is established.
    edge: Option<SeqNumber>,
    /// Whether an end has sent its last byte.
    closing: bool,
    /// The timestamp of the victim's SYN.
    first_timestamp: Option<u32>,
    acknowledged: Option<SeqNumber>,
    pub(super) model: Option<Model>,
    pub(super) claim: Option<Claim>,
}

impl Flow {
    pub(super) fn open_host(&mut self, syn: &Part) {
        self.open(0, syn);
    }

    pub(super) fn open_victim(&mut self, syn: &Part) {
        self.open(1, syn);
    }

    fn open(&mut self, end: usize, syn: &Part) {
        self.shifts[end] = syn.options.window_scale;
        self.sack[end] = syn.options.sack_permitted;
        self.first[end] = Some(syn.header.seq);
        if end == 1 {
            self.first_timestamp = syn.options.timestamps.map(|timestamps| timestamps.value);
        }
    }

    /// Whether the host's SYN answers the victim's, with which this begins.
    pub(super) fn is_answered_by(&self, syn: &Part) -> bool {
        self.reached[1] == Some(syn.header.ack)
    }

    /// Whether an end began with this sequence number.
    pub(super) fn began_at(&self, seq: SeqNumber) -> bool {
        self.first.contains(&Some(seq))
    }

    /// Takes note of how far an end has sent: the host, or the victim.
    pub(super) fn pass(&mut self, part: &Part, of_host: bool) {
        let reached = &mut self.reached[usize::from(!of_host)];
        *reached = Some(reached.map_or(part.end(), |before| before.max(part.end())));
        self.closing |= part.header.flags.contains(TcpFlags::FIN);
        if of_host && part.header.flags.contains(TcpFlags::ACK) && !part.header.flags.contains(TcpFlags::SYN) {
            let edge = part.header.ack + (u32::from(part.header.window) << self.shift());
            self.edge = Some(self.edge.map_or(edge, |before| before.max(edge)));
        }
    }

    /// How far the host has sent, how far the victim has, and the host's right edge; `None` unless the connection
    /// is established and both ends still send.
    pub(super) fn window(&self) -> Option<(SeqNumber, SeqNumber, SeqNumber)> {
        let [host, victim] = self.reached;
        Some((host?, victim?, self.edge?)).filter(|_| !self.closing)
    }

    /// The timestamp of the victim's SYN.
    pub(super) fn first_timestamp(&self) -> Option<u32> {
        self.first_timestamp
    }

    /// How far the host's window is shifted.
    fn shift(&self) -> u8 {
        let [host, victim] = self.shifts;
        host.filter(|_| victim.is_some()).unwrap_or(0).min(SHIFT_MAX)
    }

    /// Takes note of what the host acknowledges. Returns how many bytes are new.
    pub(super) fn acknowledge(&mut self, part: &Part) -> u32 {
        let ack = part.header.ack;
        let advanced = self.acknowledged.map_or(0, |before| ack.bytes_since(before));
        self.acknowledged = Some(self.acknowledged.map_or(ack, |before| before.max(ack)));
        if part.is_bare() {
            let (stations, ends, header, timestamps) = (part.stations, part.ends, part.header, part.options.timestamps);
            self.model = Some(Model { stations, ends, header, timestamps });
        }
        advanced
    }

    /// A segment of the host with another acknowledgment and the same right edge.
    pub(super) fn acknowledging(&self, part: &Part, ack: SeqNumber) -> Bytes {
        let edge = part.header.ack + (u32::from(part.header.window) << self.shift());
        let window = edge.bytes_since(ack) >> self.shift();
        part.with_ack(ack, window as u16)
    }

    /// A segment of the host that tells of text which the victim has not sent yet, `ahead` bytes beyond the
    /// last that it has.
    pub(super) fn inventing(&self, part: &Part, ahead: u32) -> Option<Bytes> {
        let start = self.reached[1].filter(|_| self.has_sack() && !self.closing)? + ahead;
        let range = SackRange { start, end: start + INVENTED };
        let options =
            TcpOptions { timestamps: part.options.timestamps, sack: smallvec![range], ..TcpOptions::default() };
        Some(part.forged(&part.header, &options, &[]))
    }

    pub(super) fn has_sack(&self) -> bool {
        self.sack == [true; 2]
    }
}
