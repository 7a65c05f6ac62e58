//! What an ARP packet means (RFC 826, RFC 1122 section 2.3.2).

use core::net::{IpAddr, Ipv4Addr};

use super::{Control, Interface};
use crate::error::DropReason;
use crate::ip::address::is_legal_source;
use crate::wire::arp::{ArpOperation, ArpPacket};
use crate::wire::ethernet::EthernetAddress;

/// What the sender has told us, and what it is owed.
#[derive(Clone, Debug)]
pub(crate) struct ArpInput {
    pub(crate) sender: IpAddr,
    pub(crate) hardware: EthernetAddress,
    /// It answers our request: the entry is confirmed.
    pub(crate) solicited: bool,
    /// It was addressed to us: worth an entry if there is none.
    pub(crate) to_us: bool,
    pub(crate) reply: Option<Control>,
}

impl Interface {
    /// RFC 826 "packet reception". `to_us_alone`: the frame's destination is our own address, as that
    /// of an answer to our request is.
    pub(crate) fn arp_input(&self, packet: &ArpPacket<'_>, to_us_alone: bool) -> Result<ArpInput, DropReason> {
        let (sender, hardware) = (packet.sender_protocol(), packet.sender_hardware());
        if !hardware.is_unicast() || hardware == self.hardware_address {
            return Err(DropReason::ArpSender);
        }
        let target = packet.target_protocol();
        let to_us = self.has_address(IpAddr::V4(target));
        if sender == Ipv4Addr::UNSPECIFIED {
            // A probe (RFC 5227 section 2.1.1): it tells nothing, but the address is ours to defend.
            let reply = (to_us && packet.operation() == ArpOperation::Request).then(|| arp_reply(packet));
            return Ok(ArpInput { sender: IpAddr::V4(sender), hardware, solicited: false, to_us: false, reply });
        }
        if !is_legal_source(&self.addresses, IpAddr::V4(sender)) {
            return Err(DropReason::ArpSender);
        }
        let (solicited, reply) = match packet.operation() {
            ArpOperation::Request => (false, to_us.then(|| arp_reply(packet))),
            ArpOperation::Reply => (to_us && to_us_alone, None),
        };
        Ok(ArpInput { sender: IpAddr::V4(sender), hardware, solicited, to_us, reply })
    }
}

/// The answer that the request asks for.
pub(crate) fn arp_reply(request: &ArpPacket<'_>) -> Control {
    Control::Arp {
        operation: ArpOperation::Reply,
        to: request.sender_hardware(),
        target_hardware: request.sender_hardware(),
        source: request.target_protocol(),
        target: request.sender_protocol(),
    }
}
