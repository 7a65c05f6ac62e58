//! What a tamperer knows of a connection that passes.

use std::net::SocketAddr;

use bytes::Bytes;
use smallvec::smallvec;
use tickwire_core::tcp::seq::SeqNumber;
use tickwire_core::wire::ethernet::EthernetFrame;
use tickwire_core::wire::tcp::{TcpFlags, TcpHeader};
use tickwire_core::wire::tcp_options::{SackRange, TcpOptions};

use super::renege::Claim;
use crate::node::frames::{self, Stations};
use crate::segment::tcp_segment;

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
    pub(super) fn of(frame: &Bytes) -> Option<Part> {
        let flow = tcp_segment(frame)?;
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

    pub(super) fn has_sack(&self) -> bool {
        self.sack == [true; 2]
    }
}
