//! Kinds of frames, as rules name them: "the third SYN-ACK".

use std::fmt;

use serde::{Deserialize, Serialize};
use tickwire_core::wire::ethernet::{self, EtherType, EthernetFrame};
use tickwire_core::wire::ipv4::{IpProtocol, Ipv4Packet};
use tickwire_core::wire::ipv6::{self, Ipv6Packet};
use tickwire_core::wire::ipv6_ext::{self, ExtensionLimits};
use tickwire_core::wire::tcp::TcpFlags;

use crate::segment::tcp_segment;

/// A kind of frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pattern {
    /// Any frame.
    Any,
    /// Any TCP segment.
    Tcp,
    /// A TCP segment with SYN and without ACK.
    Syn,
    /// A TCP segment with SYN and ACK.
    SynAck,
    /// A TCP segment with text.
    Data,
    /// A TCP segment without text, SYN, FIN and RST: an acknowledgment.
    PureAck,
    /// A TCP segment with FIN.
    Fin,
    /// A TCP segment with RST.
    Rst,
    /// A UDP datagram.
    Udp,
    /// An `ICMPv4` or ICMPv6 message, Neighbor Discovery included.
    Icmp,
    /// An ARP packet.
    Arp,
    /// A fragment of an IPv4 or IPv6 packet.
    Fragment,
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Pattern::Any => "frame",
            Pattern::Tcp => "TCP segment",
            Pattern::Syn => "SYN",
            Pattern::SynAck => "SYN-ACK",
            Pattern::Data => "data segment",
            Pattern::PureAck => "pure ACK",
            Pattern::Fin => "FIN",
            Pattern::Rst => "RST",
            Pattern::Udp => "UDP datagram",
            Pattern::Icmp => "ICMP message",
            Pattern::Arp => "ARP packet",
            Pattern::Fragment => "fragment",
        })
    }
}

impl Pattern {
    /// Whether an Ethernet frame is of this kind.
    pub fn matches(self, frame: &[u8]) -> bool {
        match self {
            Pattern::Any => true,
            Pattern::Arp => EthernetFrame::parse(frame).is_ok_and(|frame| frame.ethertype() == EtherType::Arp),
            Pattern::Udp => upper_layer(frame).is_some_and(|upper| upper.protocol == IpProtocol::UDP),
            Pattern::Icmp => {
                upper_layer(frame).is_some_and(|upper| [IpProtocol::ICMP, IpProtocol::ICMPV6].contains(&upper.protocol))
            }
            Pattern::Fragment => upper_layer(frame).is_some_and(|upper| upper.fragment),
            Pattern::Tcp
            | Pattern::Syn
            | Pattern::SynAck
            | Pattern::Data
            | Pattern::PureAck
            | Pattern::Fin
            | Pattern::Rst => self.matches_tcp(frame),
        }
    }

    fn matches_tcp(self, frame: &[u8]) -> bool {
        let Some(flow) = tcp_segment(frame) else { return false };
        let flags = flow.segment.flags();
        let text = !flow.segment.payload().is_empty();
        match self {
            Pattern::Syn => flags.contains(TcpFlags::SYN) && !flags.contains(TcpFlags::ACK),
            Pattern::SynAck => flags.contains(TcpFlags::SYN | TcpFlags::ACK),
            Pattern::Data => text,
            Pattern::PureAck => {
                !text
                    && flags.contains(TcpFlags::ACK)
                    && !flags.intersects(TcpFlags::SYN | TcpFlags::FIN | TcpFlags::RST)
            }
            Pattern::Fin => flags.contains(TcpFlags::FIN),
            Pattern::Rst => flags.contains(TcpFlags::RST),
            _ => true,
        }
    }
}

/// What an IP packet carries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Upper {
    pub(super) protocol: IpProtocol,
    pub(super) fragment: bool,
    /// Where the upper layer begins, in bytes from the frame's first.
    pub(super) offset: usize,
    /// Where the packet ends: padding may follow.
    pub(super) end: usize,
}

/// The upper layer of the packet in an Ethernet frame; `None` if it is no whole IP packet.
pub(super) fn upper_layer(frame: &[u8]) -> Option<Upper> {
    let frame = EthernetFrame::parse(frame).ok()?;
    match frame.ethertype() {
        EtherType::Ipv4 => {
            let packet = Ipv4Packet::parse(frame.payload()).ok()?;
            Some(Upper {
                protocol: packet.protocol(),
                fragment: packet.is_fragment(),
                offset: ethernet::HEADER_LEN + packet.header_len(),
                end: ethernet::HEADER_LEN + packet.total_len(),
            })
        }
        EtherType::Ipv6 => {
            let packet = Ipv6Packet::parse(frame.payload()).ok()?;
            let limits = ExtensionLimits::default();
            let upper = ipv6_ext::walk(packet.dst(), packet.next_header(), packet.payload(), &limits).ok()?;
            let payload = ethernet::HEADER_LEN + ipv6::HEADER_LEN;
            Some(Upper {
                protocol: upper.protocol,
                fragment: upper.fragment.is_some(),
                offset: payload + upper.offset,
                end: payload + packet.payload().len(),
            })
        }
        _ => None,
    }
}
