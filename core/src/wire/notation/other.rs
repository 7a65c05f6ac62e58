//! ARP, fragments, IPv4 options, and what is not spoken.

use core::fmt;
use core::net::Ipv4Addr;

use super::print::Packet;
use crate::wire::arp::{ArpOperation, ArpPacket};
use crate::wire::ipv4::Ipv4Option;
use crate::wire::ipv4_options::spans;
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

/// The options of an IPv4 header but for Router Alert, without which no group message is: what has been recorded,
/// and how many more entries there is room for; of a source route the hops to come behind `>>`.
pub(super) fn ip_options(f: &mut fmt::Formatter<'_>, options: &[u8]) -> fmt::Result {
    for (_, option) in spans(options) {
        match option {
            [Ipv4Option::ROUTER_ALERT, ..] => {}
            [Ipv4Option::RECORD_ROUTE, _, pointer, room @ ..] => {
                f.write_str(" {record-route")?;
                let (recorded, free) =
                    room.split_at_checked(usize::from(*pointer).saturating_sub(4)).unwrap_or((room, &[]));
                addresses(f, recorded)?;
                write!(f, " +{}}}", free.len() / 4)?;
            }
            [Ipv4Option::TIMESTAMP, _, pointer, flags, room @ ..] => {
                f.write_str(" {timestamp")?;
                let (recorded, free) =
                    room.split_at_checked(usize::from(*pointer).saturating_sub(5)).unwrap_or((room, &[]));
                let entry = if flags << 4 == 0 { 4 } else { 8 };
                for entry in recorded.chunks_exact(entry) {
                    let (address, time) = entry.split_at(entry.len() - 4);
                    addresses(f, address)?;
                    let time = time.first_chunk::<4>().map_or(0, |time| u32::from_be_bytes(*time));
                    write!(f, " 0x{time:08x}")?;
                }
                write!(f, " +{} overflow {}}}", free.len() / entry, flags >> 4)?;
            }
            [kind @ (Ipv4Option::LOOSE_SOURCE_ROUTE | Ipv4Option::STRICT_SOURCE_ROUTE), _, pointer, route @ ..] => {
                let kind = if *kind == Ipv4Option::LOOSE_SOURCE_ROUTE { "loose" } else { "strict" };
                write!(f, " {{{kind} source route")?;
                let at = usize::from(*pointer).saturating_sub(4);
                let (recorded, to_come) = route.split_at_checked(at).unwrap_or((route, &[]));
                addresses(f, recorded)?;
                f.write_str(" >>")?;
                addresses(f, to_come)?;
                f.write_str("}")?;
            }
            [kind, _, data @ ..] => write!(f, " {{option {kind} ({})}}", data.len())?,
            _ => {}
        }
    }
    Ok(())
}

fn addresses(f: &mut fmt::Formatter<'_>, list: &[u8]) -> fmt::Result {
    let (list, _) = list.as_chunks::<4>();
    list.iter().try_for_each(|address| write!(f, " {}", Ipv4Addr::from(*address)))
}

pub(super) fn unspoken(f: &mut fmt::Formatter<'_>, packet: &Packet<'_>) -> fmt::Result {
    write!(f, "{} ({})", packet.protocol, packet.payload.len())
}
