//! A frame, parsed once for all oracles: views of its bytes, nothing copied.

use std::net::IpAddr;

use tickwire_core::DropReason;
use tickwire_core::config::Medium;
use tickwire_core::tcp::seq::SeqNumber;
use tickwire_core::wire::checksum::Sum;
use tickwire_core::wire::ethernet::{EtherType, EthernetFrame};
use tickwire_core::wire::ipv4::{IpProtocol, Ipv4Packet};
use tickwire_core::wire::ipv6::{self, Ipv6Packet};
use tickwire_core::wire::ipv6_ext::{self, ExtensionLimits};
use tickwire_core::wire::tcp::{TcpFlags, TcpSegment};
use tickwire_core::wire::tcp_options::TcpOptions;

/// The shortest Ethernet frame without its check sequence, in bytes: what is shorter is padded.
const ETHERNET_MIN: usize = 60;
/// As many extension headers as fit: the sender is judged, not a receiver's patience.
const EXTENSIONS: ExtensionLimits = ExtensionLimits { headers: 64, options: 256, padding: 256 };

/// A frame that is no IP packet.
pub(super) enum NoPacket {
    /// A question for a neighbor's hardware address by ARP, or its answer.
    Arp,
    /// What no oracle judges.
    Other,
    /// A receiver drops it for this.
    Malformed(DropReason),
}

impl From<DropReason> for NoPacket {
    fn from(reason: DropReason) -> NoPacket {
        NoPacket::Malformed(reason)
    }
}

/// The part of a fragmented packet that a packet is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    /// Where it starts in the whole, in bytes.
    pub(super) offset: u32,
    /// Not the last.
    pub(super) more: bool,
    /// Which packet it is of.
    pub(super) id: u32,
}

/// An IP packet.
pub(super) struct Packet<'a> {
    pub(super) src: u128,
    pub(super) dst: u128,
    /// The IPv4 header; `None` in IPv6.
    pub(super) v4: Option<Ipv4Packet<'a>>,
    pub(super) protocol: IpProtocol,
    /// What follows the IP headers.
    pub(super) upper: &'a [u8],
    /// Where that begins, in bytes from the frame's first.
    pub(super) upper_at: usize,
    /// How many bytes of IPv4 options or IPv6 extension headers there are.
    pub(super) options_len: usize,
    /// `None`: a whole packet without a fragment header.
    pub(super) part: Option<Part>,
    /// Bytes behind the packet that are no padding of a short frame.
    pub(super) trailing: usize,
    pub(super) segment: Option<Segment<'a>>,
}

/// A whole TCP segment.
pub(super) struct Segment<'a> {
    pub(super) view: TcpSegment<'a>,
    pub(super) flags: TcpFlags,
    pub(super) seq: SeqNumber,
    /// SEG.SEQ + SEG.LEN.
    pub(super) end: SeqNumber,
    /// `None` without the ACK bit.
    pub(super) ack: Option<SeqNumber>,
    pub(super) options: TcpOptions,
    pub(super) text: &'a [u8],
}

impl Segment<'_> {
    pub(super) fn has(&self, flags: TcpFlags) -> bool {
        self.flags.contains(flags)
    }

    /// SEG.LEN.
    pub(super) fn len(&self) -> u32 {
        self.end.0.wrapping_sub(self.seq.0)
    }
}

/// An address as a number; IPv4 in its IPv6-mapped form.
pub(super) fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => 0xffff_0000_0000 | u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// Parses a frame.
#[inline]
pub(super) fn parse(medium: Medium, frame: &[u8]) -> Result<Packet<'_>, NoPacket> {
    let (version, bytes) = match medium {
        Medium::Ethernet => {
            let ethernet = EthernetFrame::parse(frame)?;
            match ethernet.ethertype() {
                EtherType::Ipv4 => (4, ethernet.payload()),
                EtherType::Ipv6 => (6, ethernet.payload()),
                EtherType::Arp => return Err(NoPacket::Arp),
                _ => return Err(NoPacket::Other),
            }
        }
        Medium::Ip | Medium::Loopback => (frame.first().map_or(0, |first| first >> 4), frame),
    };
    let padded = matches!(medium, Medium::Ethernet) && frame.len() <= ETHERNET_MIN;
    let mut packet = if version == 6 { ipv6(bytes)? } else { ipv4(bytes)? };
    packet.upper_at += frame.len() - bytes.len();
    if padded {
        packet.trailing = 0;
    }
    // A fragment that is the whole packet (RFC 6946) is looked into like one without a fragment header.
    let whole = packet.part.is_none_or(|part| part.offset == 0 && !part.more);
    if packet.protocol == IpProtocol::TCP && whole {
        packet.segment = Some(segment(packet.upper)?);
    }
    Ok(packet)
}

#[inline]
fn ipv4(bytes: &[u8]) -> Result<Packet<'_>, DropReason> {
    let view = Ipv4Packet::parse(bytes)?;
    let part = view.is_fragment().then(|| Part {
        offset: view.fragment_offset().into(),
        more: view.more_fragments(),
        id: view.id().into(),
    });
    Ok(Packet {
        src: number(view.src().into()),
        dst: number(view.dst().into()),
        v4: Some(view),
        protocol: view.protocol(),
        upper: view.payload(),
        upper_at: view.header_len(),
        options_len: view.option_bytes().len(),
        part,
        trailing: bytes.len() - view.total_len(),
        segment: None,
    })
}

#[inline]
fn ipv6(bytes: &[u8]) -> Result<Packet<'_>, DropReason> {
    let view = Ipv6Packet::parse(bytes)?;
    let upper = ipv6_ext::walk(view.dst(), view.next_header(), view.payload(), &EXTENSIONS).map_err(|e| e.reason)?;
    let part =
        upper.fragment.map(|fragment| Part { offset: fragment.offset.into(), more: fragment.more, id: fragment.id });
    Ok(Packet {
        src: number(view.src().into()),
        dst: number(view.dst().into()),
        v4: None,
        protocol: upper.protocol,
        upper: view.payload().get(upper.offset..).unwrap_or_default(),
        upper_at: ipv6::HEADER_LEN + upper.offset,
        options_len: upper.offset,
        part,
        trailing: bytes.len() - ipv6::HEADER_LEN - view.payload().len(),
        segment: None,
    })
}

#[inline]
fn segment(bytes: &[u8]) -> Result<Segment<'_>, DropReason> {
    let view = TcpSegment::parse(bytes)?;
    let flags = view.flags();
    let seq = view.seq();
    Ok(Segment {
        view,
        flags,
        seq,
        end: seq + view.seg_len(),
        ack: flags.contains(TcpFlags::ACK).then(|| view.ack()),
        options: view.options(),
        text: view.payload(),
    })
}

impl Packet<'_> {
    /// Where in the frame the text of its segment begins and ends.
    #[inline]
    pub(super) fn text_range(&self) -> (u32, u32) {
        let header_len = self.segment.as_ref().map_or(0, |segment| segment.view.header_len());
        ((self.upper_at + header_len) as u32, (self.upper_at + self.upper.len()) as u32)
    }

    /// The sum of the pseudo-header for `len` bytes.
    pub(super) fn pseudo_header(&self, len: usize) -> Sum {
        match &self.v4 {
            Some(v4) => Sum::pseudo_header_v4(v4.src(), v4.dst(), self.protocol, len),
            None => Sum::pseudo_header_v6(self.src.into(), self.dst.into(), self.protocol, len),
        }
    }

    /// Whether the checksum over pseudo-header and all of the upper layer is right.
    #[inline]
    pub(super) fn upper_sum_is_right(&self) -> bool {
        let mut sum = self.pseudo_header(self.upper.len());
        sum.add_bytes(self.upper);
        sum.finish() == 0
    }
}
