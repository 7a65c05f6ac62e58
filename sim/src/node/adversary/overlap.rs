//! Fragments that overlap (RFC 1858, RFC 5722).

use std::net::SocketAddr;

use tickwire_core::wire::ipv4::{IpProtocol, Ipv4Header};
use tickwire_core::wire::ipv6::Ipv6Header;
use tickwire_core::wire::ipv6_ext::{FRAGMENT_HEADER_LEN, Fragment};
use tickwire_core::wire::udp;

use crate::draw::{Lots, Purpose};
use crate::node::Outbox;
use crate::node::frames::{self, HOPS, Stations};

/// Bytes of the datagram that is cut: a header, and a payload that counts.
const DATAGRAM: u16 = 48;

/// Where the fragments of a datagram of 48 bytes lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// 0 to 24, then 16 to 48: the second begins before the first ends.
    Across,
    /// 0 to 40, 40 to 48, and 8 to 16 within the first.
    Within,
    /// 0 to 24 twice, with other bytes the second time, then 24 to 48.
    Again,
}

impl Shape {
    /// First and past byte of each fragment, and those of it that lie: first and past byte.
    const fn cuts(self) -> &'static [(u16, u16, (u16, u16))] {
        match self {
            Shape::Across => &[(0, 24, (0, 0)), (16, 48, (16, 24))],
            Shape::Within => &[(0, 40, (0, 0)), (8, 16, (8, 16)), (40, 48, (0, 0))],
            // The ports of a first fragment stay.
            Shape::Again => &[(0, 24, (0, 0)), (0, 24, (8, 24)), (24, 48, (0, 0))],
        }
    }
}

/// A UDP datagram in fragments that overlap and do not agree. The checksum is right whichever of the bytes are
/// taken: who puts them together without care delivers it. Of [`Shape::Within`] and [`Shape::Again`] the datagram
/// is whole without the fragment that lies, should that one be lost or late.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlap {
    /// Who sends the frames, and the victim's hardware address, or its router's.
    pub stations: Stations,
    /// Who sends the datagram, as it says.
    pub from: SocketAddr,
    /// Whom it is for; of the same family.
    pub to: SocketAddr,
    /// Where the fragments lie.
    pub shape: Shape,
}

impl Overlap {
    pub(super) fn forge(&self, lots: &mut Lots<'_>, out: &mut Outbox) {
        let id = lots.below(Purpose::Forge, 1 << 32) as u32;
        let payload: Vec<u8> = (0x61..).take(usize::from(DATAGRAM) - udp::HEADER_LEN).collect();
        let datagram = frames::datagram((self.from, self.to), &payload);
        for &(start, end, (lie, truth)) in self.shape.cuts() {
            let mut bytes = datagram.clone();
            // The same words in another order have the same sum.
            bytes[usize::from(lie)..usize::from(truth)].rotate_left(if lie < truth { 2 } else { 0 });
            let bytes = bytes[usize::from(start)..usize::from(end)].to_vec();
            out.push((0, frames::around(self.stations, &self.fragment(id, start, end, &bytes))));
        }
    }

    fn fragment(&self, id: u32, start: u16, end: u16, bytes: &[u8]) -> Vec<u8> {
        let (more, mut packet) = (end < DATAGRAM, Vec::new());
        match (self.from, self.to) {
            (SocketAddr::V4(from), SocketAddr::V4(to)) => Ipv4Header {
                tos: 0,
                payload_len: end - start,
                id: id as u16,
                dont_fragment: false,
                more_fragments: more,
                fragment_offset: start,
                ttl: HOPS,
                protocol: IpProtocol::UDP,
                src: *from.ip(),
                dst: *to.ip(),
            }
            .emit(&mut packet),
            (from, to) => {
                Ipv6Header {
                    traffic_class: 0,
                    flow_label: 0,
                    payload_len: end - start + FRAGMENT_HEADER_LEN as u16,
                    next_header: IpProtocol::FRAGMENT,
                    hop_limit: HOPS,
                    src: frames::v6(from.ip()),
                    dst: frames::v6(to.ip()),
                }
                .emit(&mut packet);
                Fragment { offset: start, more, id }.emit(IpProtocol::UDP, &mut packet);
            }
        }
        packet.extend_from_slice(bytes);
        packet
    }
}
