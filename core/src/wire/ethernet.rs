//! Ethernet II frames (RFC 894; RFC 1122 section 2.3.3).
//!
//! ```text
//!  0          6          12     14
//! +----------+----------+------+-----------
//! |   dst    |   src    | type | payload
//! +----------+----------+------+-----------
//! ```

use alloc::string::{String, ToString};
use bytes::BufMut;
use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};
use core::str::FromStr;

use super::cursor::Fields;
use crate::error::DropReason;

/// Length of an Ethernet II header in bytes, without a VLAN tag.
pub const HEADER_LEN: usize = 14;

const DST: usize = 0;
const SRC: usize = 6;
const ETHERTYPE: usize = 12;

/// The lowest value of the type field that is a type; below it is an IEEE 802.3 length.
const LOWEST_ETHERTYPE: u16 = 0x0600;

/// A 48-bit station or group address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct EthernetAddress(pub [u8; 6]);

impl EthernetAddress {
    /// All stations: `ff:ff:ff:ff:ff:ff`.
    pub const BROADCAST: EthernetAddress = EthernetAddress([0xff; 6]);
    /// All zero: no address, as in an ARP request's target field.
    pub const UNSPECIFIED: EthernetAddress = EthernetAddress([0; 6]);

    /// A group address: the group bit is set. Broadcast is one.
    pub const fn is_multicast(self) -> bool {
        self.0[0] & 1 == 1
    }

    /// The broadcast address.
    pub fn is_broadcast(self) -> bool {
        self == EthernetAddress::BROADCAST
    }

    /// An address that one station can have: neither a group nor all zero.
    pub fn is_unicast(self) -> bool {
        !self.is_multicast() && self != EthernetAddress::UNSPECIFIED
    }

    /// The group address for an IPv4 multicast group: its low 23 bits (RFC 1112 section 6.4).
    pub const fn multicast_v4(group: Ipv4Addr) -> EthernetAddress {
        let [_, b, c, d] = group.octets();
        EthernetAddress([0x01, 0x00, 0x5e, b & 0x7f, c, d])
    }

    /// The group address for an IPv6 multicast group: its low 32 bits (RFC 2464 section 7).
    pub const fn multicast_v6(group: Ipv6Addr) -> EthernetAddress {
        let octets = group.octets();
        EthernetAddress([0x33, 0x33, octets[12], octets[13], octets[14], octets[15]])
    }
}

impl fmt::Display for EthernetAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, octet) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { ":" };
            write!(f, "{separator}{octet:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for EthernetAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no Ethernet address; names the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseAddressError(String);

impl fmt::Display for ParseAddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" is no Ethernet address (expected six hexadecimal bytes, as in 02:00:00:00:00:01)", self.0)
    }
}

impl core::error::Error for ParseAddressError {}

impl FromStr for EthernetAddress {
    type Err = ParseAddressError;

    /// Six bytes of one or two hexadecimal digits, with `:` or `-` between them.
    fn from_str(text: &str) -> Result<EthernetAddress, ParseAddressError> {
        let error = || ParseAddressError(text.to_string());
        let separator = if text.contains('-') { '-' } else { ':' };
        let mut parts = text.split(separator);
        let mut octets = [0; 6];
        for octet in &mut octets {
            let part = parts.next().ok_or_else(error)?;
            // from_str_radix would also take a sign.
            if part.len() > 2 || !part.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(error());
            }
            *octet = u8::from_str_radix(part, 16).map_err(|_| error())?;
        }
        if parts.next().is_some() {
            return Err(error());
        }
        Ok(EthernetAddress(octets))
    }
}

/// The protocol that a frame carries.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct EtherType(pub u16);

#[allow(non_upper_case_globals)] // named as an enum's variants would be; the set is open
impl EtherType {
    /// IPv4 (RFC 894).
    pub const Ipv4: EtherType = EtherType(0x0800);
    /// ARP (RFC 826).
    pub const Arp: EtherType = EtherType(0x0806);
    /// IPv6 (RFC 2464).
    pub const Ipv6: EtherType = EtherType(0x86dd);
}

impl fmt::Debug for EtherType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            EtherType::Ipv4 => f.write_str("Ipv4"),
            EtherType::Arp => f.write_str("Arp"),
            EtherType::Ipv6 => f.write_str("Ipv6"),
            EtherType(other) => write!(f, "0x{other:04x}"),
        }
    }
}

/// A received Ethernet II frame.
#[derive(Clone, Copy, Debug)]
pub struct EthernetFrame<'a> {
    header: &'a [u8; HEADER_LEN],
    payload: &'a [u8],
}

impl<'a> EthernetFrame<'a> {
    /// A view of `bytes`, a frame without preamble and frame check sequence. The payload may end in
    /// padding: the network layer's length says where.
    ///
    /// Errors: [`DropReason::EthernetTruncated`], [`DropReason::EthernetLength`].
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<EthernetFrame<'a>, DropReason> {
        let (header, payload) = bytes.split_first_chunk::<HEADER_LEN>().ok_or(DropReason::EthernetTruncated)?;
        let frame = EthernetFrame { header, payload };
        if frame.ethertype().0 < LOWEST_ETHERTYPE {
            return Err(DropReason::EthernetLength);
        }
        Ok(frame)
    }

    /// Whom the frame is for.
    #[inline]
    pub fn dst(&self) -> EthernetAddress {
        EthernetAddress(self.header.array_at::<DST, 6>())
    }

    /// Who sent it.
    #[inline]
    pub fn src(&self) -> EthernetAddress {
        EthernetAddress(self.header.array_at::<SRC, 6>())
    }

    /// What it carries.
    #[inline]
    pub fn ethertype(&self) -> EtherType {
        EtherType(self.header.u16_at::<ETHERTYPE>())
    }

    /// The bytes after the header.
    #[inline]
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// The header's fields.
    #[inline]
    pub fn header(&self) -> EthernetHeader {
        EthernetHeader { dst: self.dst(), src: self.src(), ethertype: self.ethertype() }
    }
}

/// The fields of an Ethernet II header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct EthernetHeader {
    /// Whom the frame is for.
    pub dst: EthernetAddress,
    /// Who sends it.
    pub src: EthernetAddress,
    /// What it carries.
    pub ethertype: EtherType,
}

impl EthernetHeader {
    /// Appends the 14 bytes of the header.
    #[inline]
    pub fn emit(&self, out: &mut impl BufMut) {
        let mut header = [0; HEADER_LEN];
        header.put_array::<DST, 6>(self.dst.0);
        header.put_array::<SRC, 6>(self.src.0);
        header.put_u16::<ETHERTYPE>(self.ethertype.0);
        out.put_slice(&header);
    }
}
