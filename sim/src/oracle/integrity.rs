//! Lengths and checksums.

use tickwire_core::DropReason;
use tickwire_core::wire::ipv4::IpProtocol;
use tickwire_core::wire::udp::UdpDatagram;

use super::name::Oracle;
use super::packet::Packet;
use super::verdict::Bench;

/// A frame that does not parse.
pub(super) fn malformed(reason: DropReason, bench: &mut Bench) {
    if bench.judges(Oracle::Lengths) {
        bench.fail(Oracle::Lengths, None, "a frame that can be parsed".into(), format!("{reason:?}"));
    }
}

#[inline]
pub(super) fn lengths(packet: &Packet<'_>, bench: &mut Bench) {
    if !bench.judges(Oracle::Lengths) {
        return;
    }
    if packet.trailing > 0 {
        let found = format!("{} bytes behind it", packet.trailing);
        bench.fail(Oracle::Lengths, None, "a frame that ends with its packet".into(), found);
    }
    if let Some(segment) = &packet.segment {
        if !are_options_whole(segment.view.option_bytes()) {
            let expected = "TCP options that end within the header".into();
            bench.fail(Oracle::Lengths, None, expected, format!("{:02x?}", segment.view.option_bytes()));
        }
    } else if packet.protocol == IpProtocol::UDP && packet.part.is_none() {
        let found = match UdpDatagram::parse(packet.upper) {
            Ok(datagram) if datagram.total_len() == packet.upper.len() => return,
            Ok(datagram) => format!("a UDP length of {}", datagram.total_len()),
            Err(reason) => format!("{reason:?}"),
        };
        bench.fail(Oracle::Lengths, None, format!("a UDP length of {}", packet.upper.len()), found);
    }
}

/// Whether each option has a length of at least 2 and ends within the header (RFC 9293 section 3.1).
#[inline]
fn are_options_whole(mut options: &[u8]) -> bool {
    const ALIGNED_TIMESTAMPS: [u8; 4] = [1, 1, 8, 10];
    if options.len() == 12 && options.starts_with(&ALIGNED_TIMESTAMPS) {
        return true;
    }
    while let [kind, rest @ ..] = options {
        options = match (kind, rest) {
            (0, _) => return true,
            (1, rest) => rest,
            (_, &[len, ..]) if (2..=options.len()).contains(&len.into()) => &options[len.into()..],
            _ => return false,
        };
    }
    true
}

/// `offloaded`: the device completes transport checksums.
#[inline]
pub(super) fn checksums(packet: &Packet<'_>, offloaded: bool, bench: &mut Bench) {
    if !bench.judges(Oracle::Checksums) {
        return;
    }
    if packet.v4.as_ref().is_some_and(|v4| !v4.verify_checksum()) {
        bench.fail(Oracle::Checksums, None, "a right IPv4 header checksum".into(), "a wrong one".into());
        return;
    }
    if packet.part.is_some() || offloaded {
        bench.abstains(Oracle::Checksums);
        return;
    }
    let right = match packet.protocol {
        IpProtocol::TCP | IpProtocol::ICMPV6 => packet.upper_sum_is_right(),
        IpProtocol::UDP => match packet.upper.get(6..8) {
            // None was sent: RFC 768; over IPv6 there is always one (RFC 8200 section 8.1).
            Some([0, 0]) => packet.v4.is_some(),
            _ => packet.upper_sum_is_right(),
        },
        IpProtocol::ICMP | IpProtocol::IGMP => tickwire_core::wire::checksum::of(packet.upper) == 0,
        _ => return,
    };
    if !right {
        let name = packet.protocol;
        bench.fail(Oracle::Checksums, None, format!("a right checksum of {name}"), "a wrong one".into());
    }
}
