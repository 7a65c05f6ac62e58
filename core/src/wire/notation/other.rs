//! ARP, fragments, and what is not spoken.

use core::fmt;

use super::print::Packet;
use crate::wire::arp::{ArpOperation, ArpPacket};
use crate::wire::ipv6_ext::Fragment;

pub(super) fn arp(f: &mut fmt::Formatter<'_>, packet: &ArpPacket<'_>) -> fmt::Result {
    let (sender, target) = (packet.sender_protocol(), packet.target_protocol());
    match packet.operation() {
        ArpOperation::Request => write!(f, "arp who-has {target} tell {sender}"),
        ArpOperation::Reply => write!(f, "arp {sender} is-at {}", packet.sender_hardware()),
    }
}

pub(super) fn fragment(f: &mut fmt::Formatter<'_>, packet: &Packet<'_>, fragment: Fragment) -> fmt::Result {
    let more = if fragment.more { " more" } else { "" };
    write!(
        f,
        "fragment id {} offset {}{more} {} ({})",
        fragment.id,
        fragment.offset,
        packet.protocol,
        packet.payload.len()
    )
}

pub(super) fn unspoken(f: &mut fmt::Formatter<'_>, packet: &Packet<'_>) -> fmt::Result {
    write!(f, "{} ({})", packet.protocol, packet.payload.len())
}
