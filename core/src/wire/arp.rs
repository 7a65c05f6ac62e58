//! ARP for IPv4 over Ethernet (RFC 826).
//!
//! ```text
//!  0      2       4    5    6     8               14          18              24          28
//! +------+-------+----+----+-----+---------------+-----------+---------------+-----------+
//! | hrd  | pro   |hln |pln | op  | sender        | sender    | target        | target    |
//! | 1    |0x0800 | 6  | 4  |     | hardware      | protocol  | hardware      | protocol  |
//! +------+-------+----+----+-----+---------------+-----------+---------------+-----------+
//! ```

use bytes::BufMut;
use core::net::Ipv4Addr;

use super::cursor::Fields;
use super::ethernet::EthernetAddress;
use crate::error::DropReason;

/// Length of an ARP packet for IPv4 over Ethernet, in bytes.
pub const PACKET_LEN: usize = 28;

/// Up to and with the operation: what is there whatever the address lengths are.
const FIXED_LEN: usize = 8;
/// Hardware type Ethernet, protocol type IPv4, their address lengths.
const ETHERNET_IPV4: [u8; 6] = [0, 1, 8, 0, 6, 4];

const OPERATION: usize = 6;
const SENDER_HARDWARE: usize = 8;
const SENDER_PROTOCOL: usize = 14;
const TARGET_HARDWARE: usize = 18;
const TARGET_PROTOCOL: usize = 24;

/// What an ARP packet does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub enum ArpOperation {
    /// Asks for the hardware address of the target protocol address.
    Request,
    /// Tells the sender's hardware address.
    Reply,
}

/// A received ARP packet.
#[derive(Clone, Copy, Debug)]
pub struct ArpPacket<'a> {
    packet: &'a [u8; PACKET_LEN],
    operation: ArpOperation,
}

impl<'a> ArpPacket<'a> {
    /// A view of `bytes`, an Ethernet frame's payload; padding after the packet is ignored.
    ///
    /// Errors: [`DropReason::ArpTruncated`], [`DropReason::ArpType`], [`DropReason::ArpOperation`].
    pub fn parse(bytes: &'a [u8]) -> Result<ArpPacket<'a>, DropReason> {
        let fixed = bytes.first_chunk::<FIXED_LEN>().ok_or(DropReason::ArpTruncated)?;
        if fixed.array_at::<0, 6>() != ETHERNET_IPV4 {
            return Err(DropReason::ArpType);
        }
        let operation = match fixed.u16_at::<OPERATION>() {
            1 => ArpOperation::Request,
            2 => ArpOperation::Reply,
            _ => return Err(DropReason::ArpOperation),
        };
        let packet = bytes.first_chunk::<PACKET_LEN>().ok_or(DropReason::ArpTruncated)?;
        Ok(ArpPacket { packet, operation })
    }

    /// Request or reply.
    pub const fn operation(&self) -> ArpOperation {
        self.operation
    }

    /// The sender's hardware address.
    pub fn sender_hardware(&self) -> EthernetAddress {
        EthernetAddress(self.packet.array_at::<SENDER_HARDWARE, 6>())
    }

    /// The sender's IPv4 address; unspecified in a probe (RFC 5227 section 1.1).
    pub fn sender_protocol(&self) -> Ipv4Addr {
        Ipv4Addr::from(self.packet.array_at::<SENDER_PROTOCOL, 4>())
    }

    /// The target's hardware address; without meaning in a request.
    pub fn target_hardware(&self) -> EthernetAddress {
        EthernetAddress(self.packet.array_at::<TARGET_HARDWARE, 6>())
    }

    /// The IPv4 address asked for, or that of the asker in a reply.
    pub fn target_protocol(&self) -> Ipv4Addr {
        Ipv4Addr::from(self.packet.array_at::<TARGET_PROTOCOL, 4>())
    }

    /// The packet's fields.
    pub fn header(&self) -> ArpHeader {
        ArpHeader {
            operation: self.operation,
            sender_hardware: self.sender_hardware(),
            sender_protocol: self.sender_protocol(),
            target_hardware: self.target_hardware(),
            target_protocol: self.target_protocol(),
        }
    }
}

/// The fields of an ARP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct ArpHeader {
    /// Request or reply.
    pub operation: ArpOperation,
    /// The sender's hardware address.
    pub sender_hardware: EthernetAddress,
    /// The sender's IPv4 address; unspecified in a probe (RFC 5227 section 1.1).
    pub sender_protocol: Ipv4Addr,
    /// The target's hardware address; all zero in a request.
    pub target_hardware: EthernetAddress,
    /// The IPv4 address asked for, or that of the asker in a reply.
    pub target_protocol: Ipv4Addr,
}

impl ArpHeader {
    /// Appends the 28 bytes of the packet.
    pub fn emit(&self, out: &mut impl BufMut) {
        let mut packet = [0; PACKET_LEN];
        packet.put_array::<0, 6>(ETHERNET_IPV4);
        packet.put_u16::<OPERATION>(match self.operation {
            ArpOperation::Request => 1,
            ArpOperation::Reply => 2,
        });
        packet.put_array::<SENDER_HARDWARE, 6>(self.sender_hardware.0);
        packet.put_array::<SENDER_PROTOCOL, 4>(self.sender_protocol.octets());
        packet.put_array::<TARGET_HARDWARE, 6>(self.target_hardware.0);
        packet.put_array::<TARGET_PROTOCOL, 4>(self.target_protocol.octets());
        out.put_slice(&packet);
    }
}
