//! Neighbor Discovery's messages of routers: solicitation, advertisement and redirect (RFC 4861
//! sections 4.1, 4.2 and 4.5), with the preference of RFC 4191. Their options: [`ndp_options`].
//!
//! ```text
//!  0               1               2               3
//! +---------------+---------------+-------------------------------+
//! |   Type 134    |     Code      |           Checksum            |
//! +---------------+-+-+-+---+-----+-------------------------------+
//! | Cur Hop Limit |M|O|H|Prf| Res |  Router Lifetime in seconds   |
//! +---------------+-+-+-+---+-----+-------------------------------+
//! |                Reachable Time in milliseconds                 |
//! +---------------------------------------------------------------+
//! |                 Retrans Timer in milliseconds                 |
//! +---------------------------------------------------------------+
//! |                           Options                             |
//! +---------------------------------------------------------------+
//! ```
//!
//! What the IPv6 header has to say (hop limit 255, a link-local source, no fragment header) is for
//! whoever holds that header.
//!
//! [`ndp_options`]: super::ndp_options

use bytes::BufMut;
use core::net::Ipv6Addr;

use super::cursor::Fields;
use super::ethernet::EthernetAddress;
use super::ndp::{self, NdpOptions, SOURCE_LINK_LAYER, TARGET_LINK_LAYER};
use super::ndp_options::RouterOptions;
use crate::error::DropReason;

const CODE: usize = 1;
const SOLICITATION_LEN: usize = 8;
/// Length of a Router Advertisement without options, in bytes.
pub const ADVERTISEMENT_LEN: usize = 16;
const REDIRECT_LEN: usize = 40;

const MANAGED: u8 = 0x80;
const OTHER: u8 = 0x40;
const PREFERENCE_SHIFT: u8 = 3;

const REDIRECTED_HEADER: u8 = 4;
/// Bytes of a Redirected Header option before the packet: type, length, reserved.
const REDIRECTED_HEADER_LEN: usize = 8;

/// How much a router, or a route of it, is preferred to others (RFC 4191 section 2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum RouterPreference {
    /// Others are preferred.
    Low,
    /// The default.
    #[default]
    Medium,
    /// Preferred to others.
    High,
}

impl RouterPreference {
    /// From the two bits of a flags field; `None` for the reserved value 10.
    pub(super) const fn from_flags(flags: u8) -> Option<RouterPreference> {
        match (flags >> PREFERENCE_SHIFT) & 3 {
            0 => Some(RouterPreference::Medium),
            1 => Some(RouterPreference::High),
            3 => Some(RouterPreference::Low),
            _ => None,
        }
    }

    pub(super) const fn to_flags(self) -> u8 {
        let bits = match self {
            RouterPreference::Medium => 0,
            RouterPreference::High => 1,
            RouterPreference::Low => 3,
        };
        bits << PREFERENCE_SHIFT
    }

    /// The preference as RFC 4191 names it.
    pub const fn name(self) -> &'static str {
        match self {
            RouterPreference::Low => "low",
            RouterPreference::Medium => "medium",
            RouterPreference::High => "high",
        }
    }
}

/// Asks the routers on the link to advertise themselves at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct RouterSolicitation {
    /// The asker's own; absent if it asks from the unspecified address.
    pub source_link_layer: Option<EthernetAddress>,
}

impl RouterSolicitation {
    /// Reads a whole ICMPv6 message of type [`ndp::ROUTER_SOLICITATION`] (RFC 4861 section 6.1.1).
    ///
    /// Errors: [`DropReason::NdpInvalid`] (type, code, length below 8), [`DropReason::NdpOption`].
    pub fn parse(message: &[u8]) -> Result<RouterSolicitation, DropReason> {
        let (fixed, options) = message.split_first_chunk::<SOLICITATION_LEN>().ok_or(DropReason::NdpInvalid)?;
        if fixed[0] != ndp::ROUTER_SOLICITATION || fixed[CODE] != 0 {
            return Err(DropReason::NdpInvalid);
        }
        let mut source_link_layer = None;
        for option in NdpOptions::new(options) {
            let option = option?;
            if option.kind == SOURCE_LINK_LAYER {
                source_link_layer = option.link_layer().or(source_link_layer);
            }
        }
        Ok(RouterSolicitation { source_link_layer })
    }

    /// Length of the message that [`RouterSolicitation::emit`] appends, in bytes.
    pub fn message_len(&self) -> usize {
        SOLICITATION_LEN + if self.source_link_layer.is_some() { 8 } else { 0 }
    }

    /// Appends the message, checksum 0.
    pub fn emit(&self, out: &mut impl BufMut) {
        let mut fixed = [0; SOLICITATION_LEN];
        fixed[0] = ndp::ROUTER_SOLICITATION;
        out.put_slice(&fixed);
        if let Some(address) = self.source_link_layer {
            ndp::put_option(SOURCE_LINK_LAYER, address.0, out);
        }
    }
}

/// The fixed part of a Router Advertisement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct RouterAdvertisementHeader {
    /// The hop limit to send with; 0: not told.
    pub hop_limit: u8,
    /// Addresses are to be had by `DHCPv6` (M).
    pub managed: bool,
    /// Other configuration is to be had by `DHCPv6` (O).
    pub other: bool,
    /// How much this default router is preferred; the reserved value reads as medium (RFC 4191
    /// section 2.2).
    pub preference: RouterPreference,
    /// For how many seconds it is a default router; 0: it is none.
    pub router_lifetime: u16,
    /// How long a confirmation of reachability holds, in milliseconds; 0: not told.
    pub reachable_time: u32,
    /// The time between solicitations, in milliseconds; 0: not told.
    pub retrans_timer: u32,
}

impl RouterAdvertisementHeader {
    /// Appends the 16 bytes of the fixed part, checksum 0. The options follow it.
    pub fn emit(&self, out: &mut impl BufMut) {
        let mut fixed = [0; ADVERTISEMENT_LEN];
        fixed[0] = ndp::ROUTER_ADVERTISEMENT;
        fixed[4] = self.hop_limit;
        fixed[5] =
            self.preference.to_flags() | if self.managed { MANAGED } else { 0 } | if self.other { OTHER } else { 0 };
        fixed.put_u16::<6>(self.router_lifetime);
        fixed.put_u32::<8>(self.reachable_time);
        fixed.put_u32::<12>(self.retrans_timer);
        out.put_slice(&fixed);
    }
}

/// A received Router Advertisement: a router makes itself, the link and its prefixes known.
#[derive(Clone, Copy, Debug)]
pub struct RouterAdvertisement<'a> {
    header: RouterAdvertisementHeader,
    options: &'a [u8],
}

impl<'a> RouterAdvertisement<'a> {
    /// Reads a whole ICMPv6 message of type [`ndp::ROUTER_ADVERTISEMENT`] (RFC 4861 section 6.1.2).
    ///
    /// Errors: [`DropReason::NdpInvalid`] (type, code, length below 16), [`DropReason::NdpOption`] (an
    /// option of length 0 or beyond the message).
    pub fn parse(message: &'a [u8]) -> Result<RouterAdvertisement<'a>, DropReason> {
        let (fixed, options) = message.split_first_chunk::<ADVERTISEMENT_LEN>().ok_or(DropReason::NdpInvalid)?;
        if fixed[0] != ndp::ROUTER_ADVERTISEMENT || fixed[CODE] != 0 {
            return Err(DropReason::NdpInvalid);
        }
        for option in NdpOptions::new(options) {
            option?;
        }
        let header = RouterAdvertisementHeader {
            hop_limit: fixed[4],
            managed: fixed[5] & MANAGED != 0,
            other: fixed[5] & OTHER != 0,
            preference: RouterPreference::from_flags(fixed[5]).unwrap_or_default(),
            router_lifetime: fixed.u16_at::<6>(),
            reachable_time: fixed.u32_at::<8>(),
            retrans_timer: fixed.u32_at::<12>(),
        };
        Ok(RouterAdvertisement { header, options })
    }

    /// The fixed part.
    pub const fn header(&self) -> RouterAdvertisementHeader {
        self.header
    }

    /// The options, in the order of the wire.
    pub fn options(&self) -> RouterOptions<'a> {
        RouterOptions::new(self.options)
    }
}

/// A Redirect: there is a better first hop for a destination, or it is a neighbor itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redirect<'a> {
    /// The better first hop: a router's link-local address, or the destination.
    pub target: Ipv6Addr,
    /// What is to be sent there from now on.
    pub destination: Ipv6Addr,
    /// The target's link-layer address, if the router knows it.
    pub target_link_layer: Option<EthernetAddress>,
    /// The packet that caused the redirect, as far as it is quoted; maybe with up to 7 bytes of padding.
    pub redirected: &'a [u8],
}

impl<'a> Redirect<'a> {
    /// Reads a whole ICMPv6 message of type [`ndp::REDIRECT`] (RFC 4861 section 8.1, as far as the
    /// message itself goes).
    ///
    /// Errors: [`DropReason::NdpInvalid`] (type, code, length below 40, multicast destination, a target
    /// that is neither link-local nor the destination), [`DropReason::NdpOption`].
    pub fn parse(message: &'a [u8]) -> Result<Redirect<'a>, DropReason> {
        let (fixed, options) = message.split_first_chunk::<REDIRECT_LEN>().ok_or(DropReason::NdpInvalid)?;
        let target = Ipv6Addr::from(fixed.array_at::<8, 16>());
        let destination = Ipv6Addr::from(fixed.array_at::<24, 16>());
        let possible_target = target.is_unicast_link_local() || target == destination;
        if fixed[0] != ndp::REDIRECT || fixed[CODE] != 0 || destination.is_multicast() || !possible_target {
            return Err(DropReason::NdpInvalid);
        }
        let mut redirect = Redirect { target, destination, target_link_layer: None, redirected: &[] };
        for option in NdpOptions::new(options) {
            let option = option?;
            match option.kind {
                TARGET_LINK_LAYER => redirect.target_link_layer = option.link_layer().or(redirect.target_link_layer),
                REDIRECTED_HEADER => {
                    redirect.redirected = option.data.get(REDIRECTED_HEADER_LEN - 2..).unwrap_or_default();
                }
                _ => {}
            }
        }
        Ok(redirect)
    }

    /// Length of the message that [`Redirect::emit`] appends, in bytes.
    pub fn message_len(&self) -> usize {
        let link_layer = if self.target_link_layer.is_some() { 8 } else { 0 };
        let quoted = self.quoted();
        let option = if quoted.is_empty() { 0 } else { REDIRECTED_HEADER_LEN + quoted.len().next_multiple_of(8) };
        REDIRECT_LEN + link_layer + option
    }

    /// What an option can hold of the packet.
    fn quoted(&self) -> &'a [u8] {
        let longest = usize::from(u8::MAX) * 8 - REDIRECTED_HEADER_LEN;
        self.redirected.get(..longest).unwrap_or(self.redirected)
    }

    /// Appends the message, checksum 0. The packet is padded to a multiple of 8 bytes; that the whole
    /// does not exceed 1,280 bytes is for the caller to see to (RFC 4861 section 4.6.3).
    pub fn emit(&self, out: &mut impl BufMut) {
        let mut fixed = [0; REDIRECT_LEN];
        fixed[0] = ndp::REDIRECT;
        fixed.put_array::<8, 16>(self.target.octets());
        fixed.put_array::<24, 16>(self.destination.octets());
        out.put_slice(&fixed);
        if let Some(address) = self.target_link_layer {
            ndp::put_option(TARGET_LINK_LAYER, address.0, out);
        }
        let quoted = self.quoted();
        if !quoted.is_empty() {
            let padded = quoted.len().next_multiple_of(8);
            let units = (REDIRECTED_HEADER_LEN + padded) / 8;
            out.put_slice(&[REDIRECTED_HEADER, units as u8, 0, 0, 0, 0, 0, 0]);
            out.put_slice(quoted);
            out.put_bytes(0, padded - quoted.len());
        }
    }
}
