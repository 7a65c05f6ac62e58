//! A packet in transit (RFC 1812 section 5): which ones a router passes on, and how they leave: with one
//! hop less to live, and in fragments where the next link is too narrow for an IPv4 packet that allows it.

use bytes::{BufMut, Bytes, BytesMut};
use core::net::IpAddr;

use super::output::LinkHeader;
use crate::digest::Digest;
use crate::frame::{RxChecksum, TxBatch, TxChecksum};
use crate::link::InterfaceId;
use crate::wire::checksum::{self, Sum};
use crate::wire::ethernet::{EtherType, EthernetHeader};
use crate::wire::ipv4::{self, IpProtocol, Ipv4Packet};

/// Where the time to live stands in an IPv4 header, and the hop limit in an IPv6 one.
const TTL_OFFSET: usize = 8;
const HOP_LIMIT_OFFSET: usize = 7;
/// Likewise the protocol, and the next header.
const PROTOCOL_OFFSET: usize = 9;
const NEXT_HEADER_OFFSET: usize = 6;
/// The bit of an option's type that has it copied into every fragment (RFC 791 section 3.1).
const COPIED: u8 = 0x80;

/// Whether a router passes on a packet with these addresses, as far as they alone tell (RFC 1812 sections
/// 4.2.2.11 and 5.3.7, RFC 3927 section 7, RFC 4291 sections 2.5.2 and 2.5.3, RFC 6890). Groups are another
/// matter; that the source may be answered has been seen to.
pub(crate) fn may_be_forwarded(src: IpAddr, dst: IpAddr) -> bool {
    let possible = match dst {
        IpAddr::V4(v4) => {
            let first = v4.octets()[0];
            first != 0 && first < 240 && !v4.is_loopback() && !v4.is_multicast() && !v4.is_link_local()
        }
        IpAddr::V6(v6) => {
            !v6.is_unspecified()
                && !v6.is_loopback()
                && !v6.is_multicast()
                && !v6.is_unicast_link_local()
                && v6.to_ipv4_mapped().is_none()
        }
    };
    possible && !src.is_unspecified() && !matches!(src, IpAddr::V4(src) if src.is_link_local())
}

/// A packet in transit, as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Transit {
    pub(crate) bytes: Bytes,
    /// Where the sender left its transport checksum to a device, counted from the packet's first byte.
    pub(crate) unsummed: Option<(u16, u16)>,
    pub(crate) arrived_on: InterfaceId,
    /// Bytes of payload that have left in fragments.
    pub(crate) sent: usize,
}

impl Transit {
    pub(crate) fn new(bytes: Bytes, checksum: RxChecksum, link_len: usize, arrived_on: InterfaceId) -> Transit {
        let unsummed = match checksum {
            RxChecksum::Partial { start, offset } => Some((start.saturating_sub(link_len as u16), offset)),
            RxChecksum::Unverified | RxChecksum::Verified => None,
        };
        Transit { bytes, unsummed, arrived_on, sent: 0 }
    }

    fn is_v4(&self) -> bool {
        self.bytes.first().is_some_and(|first| first >> 4 == 4)
    }

    /// What it carries, or its first extension header.
    pub(crate) fn protocol(&self) -> IpProtocol {
        let at = if self.is_v4() { PROTOCOL_OFFSET } else { NEXT_HEADER_OFFSET };
        IpProtocol(self.bytes.get(at).copied().unwrap_or_default())
    }

    /// Whether it may leave in pieces.
    pub(crate) fn may_be_fragmented(&self) -> bool {
        Ipv4Packet::parse(&self.bytes).is_ok_and(|packet| !packet.dont_fragment())
    }

    /// Appends up to `room` frames to `batch`; whether that was all.
    pub(crate) fn emit(&mut self, link: LinkHeader, mtu: usize, room: usize, batch: &mut TxBatch) -> bool {
        if let Some((start, offset)) = self.unsummed.take() {
            self.bytes = summed(&self.bytes, usize::from(start), usize::from(offset));
        }
        if self.bytes.len() <= mtu || !self.is_v4() {
            let start = begin(link, self.is_v4(), batch);
            let head = batch.out().len();
            batch.out().extend_from_slice(&self.bytes);
            take_hop(batch.out().get_mut(head..).unwrap_or_default());
            batch.commit(start, self.bytes.len() as u32, None, TxChecksum::Complete);
            return true;
        }
        for _ in 0..room {
            if !self.emit_fragment(link, mtu, batch) {
                return true;
            }
        }
        false
    }

    /// Builds the next fragment (RFC 791 section 3.2, "an example fragmentation procedure"); whether more follow.
    fn emit_fragment(&mut self, link: LinkHeader, mtu: usize, batch: &mut TxBatch) -> bool {
        let Ok(packet) = Ipv4Packet::parse(&self.bytes) else { return false };
        let first = self.sent == 0;
        let options = if first { OptionBytes::all(packet.option_bytes()) } else { OptionBytes::copied(&packet) };
        let header_len = ipv4::HEADER_LEN + options.as_slice().len();
        let payload = packet.payload();
        let room = (mtu.saturating_sub(header_len) & !7).max(8);
        let end = payload.len().min(self.sent + room);
        let more = end < payload.len();
        let mut header = packet.header();
        header.payload_len = (end - self.sent) as u16;
        header.fragment_offset += self.sent as u16;
        header.more_fragments |= more;
        header.ttl = header.ttl.saturating_sub(1);
        let start = begin(link, true, batch);
        header.emit_with_options(options.as_slice(), batch.out());
        batch.out().extend_from_slice(payload.get(self.sent..end).unwrap_or_default());
        batch.commit(start, (end - self.sent) as u32, None, TxChecksum::Complete);
        self.sent = end;
        more
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.counted(&self.bytes);
        digest.option(self.unsummed, |digest, (start, offset)| {
            digest.u16(start);
            digest.u16(offset);
        });
        digest.u16(self.arrived_on.0);
        digest.count(self.sent);
    }
}

fn begin(link: LinkHeader, is_v4: bool, batch: &mut TxBatch) -> crate::frame::FrameStart {
    let start = batch.begin();
    if let LinkHeader::Ethernet { src, dst } = link {
        let ethertype = if is_v4 { EtherType::Ipv4 } else { EtherType::Ipv6 };
        EthernetHeader { dst, src, ethertype }.emit(batch.out());
    }
    start
}

/// One hop less to live, and an IPv4 header's checksum brought up to that (RFC 1812 section 5.3.1).
fn take_hop(packet: &mut [u8]) {
    let is_v4 = packet.first().is_some_and(|first| first >> 4 == 4);
    let at = if is_v4 { TTL_OFFSET } else { HOP_LIMIT_OFFSET };
    if let Some(ttl) = packet.get_mut(at) {
        *ttl = ttl.saturating_sub(1);
    }
    if is_v4 {
        ipv4::fill_checksum(packet);
    }
}

/// The packet with the checksum that its sender had left to a device.
fn summed(bytes: &Bytes, start: usize, offset: usize) -> Bytes {
    let mut whole = BytesMut::with_capacity(bytes.len());
    whole.put_slice(bytes);
    if let Some(upper) = whole.get_mut(start..).filter(|upper| upper.len() >= offset + 2) {
        let mut sum = Sum::new();
        sum.add_bytes(upper);
        // For UDP zero would mean that there is none; for TCP both forms of zero are equal.
        let value = match sum.finish() {
            0 => u16::MAX,
            value => value,
        };
        checksum::store(upper, offset, value);
    }
    whole.freeze()
}

/// The options of a fragment.
struct OptionBytes {
    bytes: [u8; ipv4::MAX_HEADER_LEN - ipv4::HEADER_LEN],
    len: usize,
}

impl OptionBytes {
    fn all(options: &[u8]) -> OptionBytes {
        let mut all = OptionBytes { bytes: [0; _], len: 0 };
        all.push(options);
        all
    }

    /// Those that every fragment has, padded to whole words.
    fn copied(packet: &Ipv4Packet<'_>) -> OptionBytes {
        let mut copied = OptionBytes { bytes: [0; _], len: 0 };
        for option in packet.options().flatten().filter(|option| option.kind & COPIED != 0) {
            copied.push(&[option.kind, option.data.len() as u8 + 2]);
            copied.push(option.data);
        }
        copied.len = copied.len.next_multiple_of(4);
        copied
    }

    fn push(&mut self, part: &[u8]) {
        if let Some(place) = self.bytes.get_mut(self.len..self.len + part.len()) {
            place.copy_from_slice(part);
            self.len += part.len();
        }
    }

    fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}
