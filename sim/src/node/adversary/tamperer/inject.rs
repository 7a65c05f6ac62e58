//! Segments in a peer's name that are slipped in behind its own. Whoever sends them knows which connection there
//! is and guesses its window, but not the number that counts: what they say is in the window and beside the
//! point, so that a host that keeps to RFC 5961 and RFC 7323 loses nothing by them.
//!
//! ```text
//!   host's window   RCV.NXT ... reached |------- a forged segment begins here -------| right edge
//! ```

use bytes::Bytes;
use tickwire_core::tcp::seq::SeqNumber;
use tickwire_core::wire::tcp::{TcpFlags, TcpHeader};
use tickwire_core::wire::tcp_options::{TcpOptions, Timestamps};

use super::flow::{Flow, Part};
use crate::draw::{Lots, Purpose};

/// Bytes of `0x66` in a forged segment that has text.
const TEXT: usize = 100;
/// The largest window, and so the distance beyond which an acknowledgment is neither old nor new (RFC 5961
/// section 5.2).
const WINDOW_MAX: u32 = 1 << 30;

/// What is slipped in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Injection {
    /// A RST that is not at RCV.NXT (RFC 5961 section 3).
    Reset,
    /// A SYN (RFC 5961 section 4).
    Syn,
    /// Text that acknowledges nothing that can be acknowledged (RFC 5961 section 5).
    Data,
    /// Text that was sent when the sequence numbers were last at this place, with a timestamp older than the
    /// connection (RFC 7323 section 5); without timestamps nothing is slipped in.
    OldDuplicate,
}

impl Flow {
    /// A forged segment in the image of the peer's latest, if the host's window has room for one.
    pub(super) fn inject(&self, injection: Injection, image: &Part, lots: &mut Lots<'_>) -> Option<Bytes> {
        let (sent, reached, edge) = self.window()?;
        let room = edge.bytes_since(reached).checked_sub(1).filter(|room| *room > 0)?;
        let mut below = |bound: u32| lots.below(Purpose::Forge, bound.into()) as u32;
        let seq = reached + 1 + below(room);
        let drawn = image.options.timestamps.map(|_| Timestamps { value: below(u32::MAX), echo: below(u32::MAX) });
        let window = image.header.window;
        let (flags, ack, timestamps) = match injection {
            Injection::Reset => (TcpFlags::RST, SeqNumber(0), None),
            Injection::Syn => (TcpFlags::SYN, SeqNumber(0), drawn),
            Injection::Data => (TcpFlags::ACK | TcpFlags::PSH, sent + WINDOW_MAX + below(1 << 31), drawn),
            Injection::OldDuplicate => {
                let value = self.first_timestamp()?.wrapping_sub(1 + below(1 << 30));
                let echo = image.options.timestamps?.echo;
                (TcpFlags::ACK | TcpFlags::PSH, image.header.ack, Some(Timestamps { value, echo }))
            }
        };
        let header = TcpHeader { seq, ack, flags, window, ..TcpHeader::default() };
        let options = TcpOptions { timestamps, ..TcpOptions::default() };
        let text = if flags.contains(TcpFlags::ACK) { &[0x66; TEXT][..] } else { &[] };
        Some(image.forged(&header, &options, text))
    }
}
