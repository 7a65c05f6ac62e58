//! The TCP segment of a frame, and the initial sequence numbers from which its line is told.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use tickwire_core::tcp::seq::SeqNumber;
use tickwire_core::wire::ethernet::{self, EtherType, EthernetFrame};
use tickwire_core::wire::ipv4::{IpProtocol, Ipv4Packet};
use tickwire_core::wire::ipv6::{self, Ipv6Packet};
use tickwire_core::wire::ipv6_ext::{self, ExtensionLimits};
use tickwire_core::wire::notation::{Notation, Relative};
use tickwire_core::wire::tcp::{TcpFlags, TcpSegment};

/// A segment with its two ends.
#[derive(Clone, Copy, Debug)]
pub struct FlowSegment<'a> {
    /// Who sent it.
    pub from: SocketAddr,
    /// Who is to receive it.
    pub to: SocketAddr,
    /// The segment.
    pub segment: TcpSegment<'a>,
    /// Where its header begins, in bytes from the frame's first.
    pub offset: usize,
}

/// The TCP segment in an Ethernet frame; `None` if there is something else in it, or a fragment.
pub fn tcp_segment(frame: &[u8]) -> Option<FlowSegment<'_>> {
    let frame = EthernetFrame::parse(frame).ok()?;
    let (src, dst, header_len, payload): (IpAddr, IpAddr, _, _) = match frame.ethertype() {
        EtherType::Ipv4 => {
            let packet = Ipv4Packet::parse(frame.payload()).ok()?;
            let whole = packet.protocol() == IpProtocol::TCP && !packet.is_fragment();
            whole.then(|| (packet.src().into(), packet.dst().into(), packet.header_len(), packet.payload()))?
        }
        EtherType::Ipv6 => {
            let packet = Ipv6Packet::parse(frame.payload()).ok()?;
            let limits = ExtensionLimits::default();
            let upper = ipv6_ext::walk(packet.dst(), packet.next_header(), packet.payload(), &limits).ok()?;
            let whole = upper.protocol == IpProtocol::TCP && upper.fragment.is_none();
            whole.then_some(())?;
            let header_len = ipv6::HEADER_LEN + upper.offset;
            (packet.src().into(), packet.dst().into(), header_len, packet.payload().get(upper.offset..)?)
        }
        _ => return None,
    };
    let segment = TcpSegment::parse(payload).ok()?;
    let (from, to) = (SocketAddr::new(src, segment.src_port()), SocketAddr::new(dst, segment.dst_port()));
    Some(FlowSegment { from, to, segment, offset: ethernet::HEADER_LEN + header_len })
}

/// The initial sequence numbers that SYNs have shown, by sender and receiver.
#[derive(Clone, Debug, Default)]
pub struct InitialSeqs(BTreeMap<(SocketAddr, SocketAddr), Sent>);

/// What one end of a connection has sent.
#[derive(Clone, Copy, Debug)]
struct Sent {
    iss: SeqNumber,
    /// A FIN, or either end a RST: a SYN may begin anew.
    ended: bool,
}

impl InitialSeqs {
    /// Takes note of a frame that passed. A SYN begins a direction, unless both directions have begun
    /// and have not ended: it is then retransmitted or forged.
    pub fn observe(&mut self, frame: &[u8]) {
        let Some(FlowSegment { from, to, segment, .. }) = tcp_segment(frame) else { return };
        let flags = segment.flags();
        let (own, other) = ((from, to), (to, from));
        if flags.contains(TcpFlags::SYN) {
            let open = |ends| self.0.get(&ends).map(|sent| !sent.ended);
            let begins = match (open(own), open(other)) {
                (Some(own), Some(other)) => !own && !other,
                _ => true,
            };
            if begins {
                self.0.insert(own, Sent { iss: segment.seq(), ended: false });
            }
        }
        for (flag, ends) in [(TcpFlags::FIN, own), (TcpFlags::RST, own), (TcpFlags::RST, other)] {
            if flags.contains(flag)
                && let Some(sent) = self.0.get_mut(&ends)
            {
                sent.ended = true;
            }
        }
    }

    /// The initial sequence number of what `from` sends to `to`.
    pub fn of(&self, from: SocketAddr, to: SocketAddr) -> Option<SeqNumber> {
        self.0.get(&(from, to)).map(|sent| sent.iss)
    }

    /// What to tell the sequence numbers of `frame` relative to; a direction that has shown no SYN
    /// is told in absolute numbers.
    pub fn relative(&self, frame: &[u8]) -> Relative {
        tcp_segment(frame).map_or(Relative::default(), |FlowSegment { from, to, .. }| Relative {
            seq: self.of(from, to).unwrap_or_default(),
            ack: self.of(to, from).unwrap_or_default(),
        })
    }

    /// The frame's line in the notation, behind `prefix`; `full` names addresses and ports.
    pub fn line(&self, frame: &[u8], prefix: &'static str, full: bool) -> String {
        Notation { prefix, relative: self.relative(frame), full }.frame(frame).to_string()
    }
}
