//! Neighbor Discovery: solicitations and advertisements of neighbors (RFC 4861 sections 4.3, 4.4).
//! Those of routers, and redirects: [`ndp_router`](super::ndp_router).
//!
//! ```text
//!  0               1               2               3
//! +---------------+---------------+-------------------------------+
//! |     Type      |     Code      |           Checksum            |
//! +-+-+-+---------+---------------+-------------------------------+
//! |R|S|O|                       Reserved                          |
//! +-+-+-+---------------------------------------------------------+
//! |                   Target Address, 16 bytes                    |
//! +---------------------------------------------------------------+
//! |             Options: type, length in 8 bytes, data            |
//! +---------------------------------------------------------------+
//! ```
//!
//! Both are ICMPv6 messages: their checksum is [`icmpv6::fill_checksum`]'s. What RFC 4861 section
//! 7.1 demands of the IPv6 header (hop limit 255, addresses) is for whoever holds that header.
//!
//! [`icmpv6::fill_checksum`]: super::icmpv6::fill_checksum

use bytes::BufMut;
use core::net::Ipv6Addr;

use super::cursor::Fields;
use super::ethernet::EthernetAddress;
use crate::error::DropReason;

/// Type of a Router Solicitation.
pub const ROUTER_SOLICITATION: u8 = 133;
/// Type of a Router Advertisement.
pub const ROUTER_ADVERTISEMENT: u8 = 134;
/// Type of a Neighbor Solicitation.
pub const NEIGHBOR_SOLICITATION: u8 = 135;
/// Type of a Neighbor Advertisement.
pub const NEIGHBOR_ADVERTISEMENT: u8 = 136;
/// Type of a Redirect.
pub const REDIRECT: u8 = 137;

/// The hop limit that every ND message is sent with and must arrive with (RFC 4861 section 7.1).
pub const HOP_LIMIT: u8 = 255;

/// Length of a neighbor message without options, in bytes.
const MESSAGE_LEN: usize = 24;
const CODE: usize = 1;
const FLAGS: usize = 4;
const TARGET: usize = 8;

const ROUTER: u8 = 0x80;
const SOLICITED: u8 = 0x40;
const OVERRIDE: u8 = 0x20;

pub(super) const SOURCE_LINK_LAYER: u8 = 1;
pub(super) const TARGET_LINK_LAYER: u8 = 2;
const NONCE: u8 = 14;
/// Length of a link-layer address option or of our nonce option, in bytes.
const OPTION_LEN: usize = 8;

/// The solicited-node group of an address: `ff02::1:ff` and its low 24 bits (RFC 4291 section 2.7.1).
pub const fn solicited_node(address: Ipv6Addr) -> Ipv6Addr {
    let octets = address.octets();
    Ipv6Addr::from_octets([0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, octets[13], octets[14], octets[15]])
}

/// Asks for a neighbor's link-layer address, or whether it is still reachable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct NeighborSolicitation {
    /// Whose link-layer address is asked for.
    pub target: Ipv6Addr,
    /// The asker's own; absent if it asks from the unspecified address.
    pub source_link_layer: Option<EthernetAddress>,
    /// What tells our own looped-back probe from another's (RFC 7527). A nonce of another length than
    /// ours cannot be ours, and reads as none.
    pub nonce: Option<[u8; 6]>,
}

impl NeighborSolicitation {
    /// Reads a whole ICMPv6 message of type [`NEIGHBOR_SOLICITATION`].
    ///
    /// Errors: [`DropReason::NdpInvalid`] (type, code, length below 24, multicast target),
    /// [`DropReason::NdpOption`].
    pub fn parse(message: &[u8]) -> Result<NeighborSolicitation, DropReason> {
        let parts = NeighborMessage::parse(NEIGHBOR_SOLICITATION, SOURCE_LINK_LAYER, message)?;
        Ok(NeighborSolicitation { target: parts.target, source_link_layer: parts.link_layer, nonce: parts.nonce })
    }

    /// Length of the message that [`NeighborSolicitation::emit`] appends, in bytes.
    pub fn message_len(&self) -> usize {
        let options = usize::from(self.source_link_layer.is_some()) + usize::from(self.nonce.is_some());
        MESSAGE_LEN + options * OPTION_LEN
    }

    /// Appends the message, checksum 0.
    pub fn emit(&self, out: &mut impl BufMut) {
        let parts =
            NeighborMessage { flags: 0, target: self.target, link_layer: self.source_link_layer, nonce: self.nonce };
        parts.emit(NEIGHBOR_SOLICITATION, SOURCE_LINK_LAYER, out);
    }
}

/// Tells a neighbor's link-layer address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct NeighborAdvertisement {
    /// The sender is a router (R).
    pub router: bool,
    /// In answer to a solicitation (S); must not be set in a message to a multicast address.
    pub solicited: bool,
    /// Overrides what is cached (O).
    pub overrides: bool,
    /// Whose link-layer address is told.
    pub target: Ipv6Addr,
    /// The link-layer address; may be absent in answer to a unicast solicitation.
    pub target_link_layer: Option<EthernetAddress>,
}

impl NeighborAdvertisement {
    /// Reads a whole ICMPv6 message of type [`NEIGHBOR_ADVERTISEMENT`].
    ///
    /// Errors: those of [`NeighborSolicitation::parse`].
    pub fn parse(message: &[u8]) -> Result<NeighborAdvertisement, DropReason> {
        let parts = NeighborMessage::parse(NEIGHBOR_ADVERTISEMENT, TARGET_LINK_LAYER, message)?;
        Ok(NeighborAdvertisement {
            router: parts.flags & ROUTER != 0,
            solicited: parts.flags & SOLICITED != 0,
            overrides: parts.flags & OVERRIDE != 0,
            target: parts.target,
            target_link_layer: parts.link_layer,
        })
    }

    /// Length of the message that [`NeighborAdvertisement::emit`] appends, in bytes.
    pub fn message_len(&self) -> usize {
        MESSAGE_LEN + if self.target_link_layer.is_some() { OPTION_LEN } else { 0 }
    }

    /// Appends the message, checksum 0.
    pub fn emit(&self, out: &mut impl BufMut) {
        let mut flags = 0;
        for (set, flag) in [(self.router, ROUTER), (self.solicited, SOLICITED), (self.overrides, OVERRIDE)] {
            if set {
                flags |= flag;
            }
        }
        let parts = NeighborMessage { flags, target: self.target, link_layer: self.target_link_layer, nonce: None };
        parts.emit(NEIGHBOR_ADVERTISEMENT, TARGET_LINK_LAYER, out);
    }
}

/// What the two messages have in common.
struct NeighborMessage {
    flags: u8,
    target: Ipv6Addr,
    link_layer: Option<EthernetAddress>,
    nonce: Option<[u8; 6]>,
}

impl NeighborMessage {
    /// The validation of RFC 4861 sections 7.1.1 and 7.1.2, as far as the message itself goes.
    fn parse(kind: u8, link_layer: u8, message: &[u8]) -> Result<NeighborMessage, DropReason> {
        let (fixed, options) = message.split_first_chunk::<MESSAGE_LEN>().ok_or(DropReason::NdpInvalid)?;
        let target = Ipv6Addr::from(fixed.array_at::<TARGET, 16>());
        if fixed[0] != kind || fixed[CODE] != 0 || target.is_multicast() {
            return Err(DropReason::NdpInvalid);
        }
        let (mut address, mut nonce) = (None, None);
        for option in NdpOptions::new(options) {
            let option = option?;
            if option.kind == link_layer {
                address = option.link_layer().or(address);
            } else if option.kind == NONCE {
                nonce = option.data.try_into().ok().or(nonce);
            }
        }
        Ok(NeighborMessage { flags: fixed[FLAGS], target, link_layer: address, nonce })
    }

    fn emit(&self, kind: u8, link_layer: u8, out: &mut impl BufMut) {
        let mut fixed = [0; MESSAGE_LEN];
        fixed[0] = kind;
        fixed[FLAGS] = self.flags;
        fixed.put_array::<TARGET, 16>(self.target.octets());
        out.put_slice(&fixed);
        if let Some(address) = self.link_layer {
            put_option(link_layer, address.0, out);
        }
        if let Some(nonce) = self.nonce {
            put_option(NONCE, nonce, out);
        }
    }
}

/// Appends an option of eight bytes.
pub(super) fn put_option(kind: u8, data: [u8; 6], out: &mut impl BufMut) {
    let mut option = [kind, 1, 0, 0, 0, 0, 0, 0];
    option.put_array::<2, 6>(data);
    out.put_slice(&option);
}

/// One option of an ND message (RFC 4861 section 4.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NdpOption<'a> {
    /// The option's type.
    pub kind: u8,
    /// The bytes after type and length.
    pub data: &'a [u8],
}

impl NdpOption<'_> {
    /// The data as the address of an Ethernet station; `None` if it has another length.
    pub(super) fn link_layer(&self) -> Option<EthernetAddress> {
        self.data.try_into().ok().map(EthernetAddress)
    }
}

/// Walks the options of an ND message. An option of length 0 or beyond the message is one `Err`,
/// after which the walk ends: the whole message is then to be dropped (RFC 4861 section 4.6).
#[derive(Clone, Debug)]
pub struct NdpOptions<'a> {
    rest: &'a [u8],
}

impl<'a> NdpOptions<'a> {
    /// Starts at the first byte behind the message's fixed part.
    pub const fn new(bytes: &'a [u8]) -> NdpOptions<'a> {
        NdpOptions { rest: bytes }
    }
}

impl<'a> Iterator for NdpOptions<'a> {
    type Item = Result<NdpOption<'a>, DropReason>;

    fn next(&mut self) -> Option<Self::Item> {
        let &kind = self.rest.first()?;
        // A length of 0 fails at `get(2..)`.
        let option = self.rest.get(1).and_then(|&len| {
            let (option, rest) = self.rest.split_at_checked(usize::from(len) * 8)?;
            Some((option.get(2..)?, rest))
        });
        let Some((data, rest)) = option else {
            self.rest = &[];
            return Some(Err(DropReason::NdpOption));
        };
        self.rest = rest;
        Some(Ok(NdpOption { kind, data }))
    }
}
