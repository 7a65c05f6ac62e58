//! The one notation for what is on the wire, in tests, traces and reports: packetdrill's manner.
//!
//! ```text
//! > S 0:0(0) win 65535 <mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7>
//! < S. 0:0(0) ack 1 win 65535 <mss 1460>
//! > . 1:1001(1000) ack 1 win 320 <nop,nop,sack 2001:3001>
//! ```
//!
//! A segment is its flags (`S` SYN, `F` FIN, `R` RST, `P` PSH, `.` ACK, `U` URG, `E` ECE, `W` CWR,
//! `A` AE, `-` none), `first:last(length)` of its text (`last` excluded, SYN and FIN not counted),
//! `ack` if the bit is set, the window as it stands in the header, `urg` if the bit is set, and the
//! options in the order of the wire.
//!
//! | module | what |
//! |---|---|
//! | `print` | a frame or packet to one line |
//! | `tcp` | a segment's line |
//! | `icmp` | ICMP and Neighbor Discovery, with the quoted packet |
//! | `dhcpv4` | DHCPv4 messages |
//! | `dhcpv6` | DHCPv6 and its options |
//! | `membership` | IGMP and MLD |
//! | `router` | router solicitations and advertisements, with their options |
//! | `other` | ARP, UDP, fragments and what is not spoken |
//! | `parse` | a segment's line to header, options and length of the text |

mod dhcpv4;
mod dhcpv6;
mod icmp;
mod membership;
mod other;
mod parse;
mod print;
mod router;
mod tcp;

pub use parse::{ParseError, Segment, parse};
pub use print::{Line, Notation};

use crate::tcp::seq::SeqNumber;

/// What sequence numbers are told relative to: the initial ones of both directions, so a SYN is 0
/// and the first byte 1. The default is 0 for both: absolute numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Relative {
    /// The initial sequence number of the segment's sender.
    pub seq: SeqNumber,
    /// The initial sequence number of its receiver, for acknowledgments and SACK blocks.
    pub ack: SeqNumber,
}

impl Relative {
    /// The same connection seen in the other direction.
    #[must_use]
    pub const fn reversed(self) -> Relative {
        Relative { seq: self.ack, ack: self.seq }
    }
}
