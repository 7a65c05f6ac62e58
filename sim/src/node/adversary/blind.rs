//! TCP segments in another's name, by somebody who does not see the connection (RFC 5961, RFC 4987).

use std::net::{IpAddr, SocketAddr};

use tickwire_core::InterfaceAddress;
use tickwire_core::tcp::seq::SeqNumber;
use tickwire_core::wire::tcp::{TcpFlags, TcpHeader};
use tickwire_core::wire::tcp_options::{TcpOptions, Timestamps};

use crate::draw::{Lots, Purpose};
use crate::node::Outbox;
use crate::node::frames::{self, Stations};

/// As many as there are sequence numbers.
const SPACE: u64 = 1 << 32;

/// What a forged segment is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blow {
    /// End the connection: a RST (RFC 5961 section 3).
    Reset,
    /// End it by a SYN (section 4).
    Syn,
    /// Put so many bytes of `0x66` into its stream (section 5), with a guessed acknowledgment.
    Data(u16),
}

/// How sequence numbers are guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guess {
    /// Each is drawn from all.
    Anywhere,
    /// Each is drawn from the next so many: with a step below the victim's window, one of `2^32 / step`
    /// is in it.
    Sweep {
        /// How many.
        step: u32,
    },
}

/// A segment in the name of one end of a connection, to the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlindSegment {
    /// Who sends the frame, and the victim's hardware address, or its router's.
    pub stations: Stations,
    /// The end in whose name it is sent.
    pub from: SocketAddr,
    /// The victim.
    pub to: SocketAddr,
    /// What it is to do.
    pub blow: Blow,
    /// How its sequence number is guessed.
    pub guess: Guess,
    /// Whether it has timestamps, drawn: a connection that has negotiated them drops what has none (RFC 7323
    /// section 3.2), but for a RST.
    pub timestamps: bool,
}

impl BlindSegment {
    /// The segment number `n`.
    pub(super) fn forge(&self, n: u32, lots: &mut Lots<'_>, out: &mut Outbox) {
        let seq = match self.guess {
            Guess::Anywhere => lots.below(Purpose::Forge, SPACE) as u32,
            Guess::Sweep { step } => n.wrapping_mul(step).wrapping_add(lots.below(Purpose::Forge, step.into()) as u32),
        };
        let mut drawn = || lots.below(Purpose::Forge, SPACE) as u32;
        let (flags, ack, text) = match self.blow {
            Blow::Reset => (TcpFlags::RST, 0, 0),
            Blow::Syn => (TcpFlags::SYN, 0, 0),
            Blow::Data(len) => (TcpFlags::ACK | TcpFlags::PSH, drawn(), len),
        };
        let timestamps = self.timestamps.then(|| Timestamps { value: drawn(), echo: drawn() });
        let header =
            TcpHeader { seq: SeqNumber(seq), ack: SeqNumber(ack), flags, window: u16::MAX, ..TcpHeader::default() };
        let options = TcpOptions { timestamps, ..TcpOptions::default() };
        let text = vec![0x66; text.into()];
        out.push((0, frames::segment(self.stations, (self.from, self.to), &header, &options, &text)));
    }
}

/// SYNs from addresses that do not answer (RFC 4987).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SynFlood {
    /// Who sends the frames, and the victim's hardware address, or its router's.
    pub stations: Stations,
    /// An address of the sources' prefix and how long it is; the other bits are drawn, as are the ports.
    pub sources: InterfaceAddress,
    /// The listener.
    pub to: SocketAddr,
}

impl SynFlood {
    pub(super) fn forge(&self, lots: &mut Lots<'_>, out: &mut Outbox) {
        let mut drawn = |bound| lots.below(Purpose::Forge, bound);
        let host = u128::from(drawn(u64::MAX));
        let port = 1_024 + drawn(u64::from(u16::MAX) - 1_023) as u16;
        let seq = SeqNumber(drawn(SPACE) as u32);
        let header = TcpHeader { seq, flags: TcpFlags::SYN, window: u16::MAX, ..TcpHeader::default() };
        let options = TcpOptions { mss: Some(1_460), sack_permitted: true, ..TcpOptions::default() };
        let from = SocketAddr::new(within(self.sources, host), port);
        out.push((0, frames::segment(self.stations, (from, self.to), &header, &options, &[])));
    }
}

/// The address of a prefix whose other bits are those of `host`.
fn within(prefix: InterfaceAddress, host: u128) -> IpAddr {
    let mask = |bits: u32| u128::MAX.checked_shl(bits.saturating_sub(prefix.prefix_len.into())).unwrap_or_default();
    match prefix.address {
        IpAddr::V4(address) => {
            let mask = mask(32) as u32;
            IpAddr::V4((address.to_bits() & mask | host as u32 & !mask).into())
        }
        IpAddr::V6(address) => {
            let mask = mask(128);
            IpAddr::V6((address.to_bits() & mask | host & !mask).into())
        }
    }
}
