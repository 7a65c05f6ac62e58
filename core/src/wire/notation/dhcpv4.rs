//! DHCPv4: the message, what its fixed part says, and its options in the order of the wire.

use core::fmt;
use core::net::Ipv4Addr;

use crate::wire::dhcpv4::{Dhcpv4Kind, Dhcpv4Message, option};

pub(super) fn message(f: &mut fmt::Formatter<'_>, message: &Dhcpv4Message<'_>) -> fmt::Result {
    let name = match message.kind() {
        Some(Dhcpv4Kind::Discover) => "discover",
        Some(Dhcpv4Kind::Offer) => "offer",
        Some(Dhcpv4Kind::Request) => "request",
        Some(Dhcpv4Kind::Decline) => "decline",
        Some(Dhcpv4Kind::Ack) => "ack",
        Some(Dhcpv4Kind::Nak) => "nak",
        Some(Dhcpv4Kind::Release) => "release",
        Some(Dhcpv4Kind::Inform) => "inform",
        None => "bootp",
    };
    let header = message.header();
    write!(f, "dhcp {name} xid {:08x}", header.xid)?;
    if header.secs != 0 {
        write!(f, " secs {}", header.secs)?;
    }
    if header.broadcast {
        f.write_str(" broadcast")?;
    }
    for (name, address) in
        [("ciaddr", header.ciaddr), ("yiaddr", header.yiaddr), ("siaddr", header.siaddr), ("giaddr", header.giaddr)]
    {
        if !address.is_unspecified() {
            write!(f, " {name} {address}")?;
        }
    }
    let mut separator = " <";
    for read in message.options() {
        match read {
            Ok((option::MESSAGE_TYPE, _)) => continue,
            Ok((code, value)) => {
                f.write_str(separator)?;
                option(f, code, value)?;
            }
            Err(reason) => write!(f, "{separator}malformed: {reason}")?,
        }
        separator = ", ";
    }
    f.write_str(if separator == ", " { ">" } else { "" })
}

fn option(f: &mut fmt::Formatter<'_>, code: u8, value: &[u8]) -> fmt::Result {
    match code {
        option::SUBNET_MASK => addresses(f, "mask", value),
        option::ROUTER => addresses(f, "router", value),
        option::DNS_SERVER => addresses(f, "dns", value),
        option::NTP_SERVER => addresses(f, "ntp", value),
        option::REQUESTED_ADDRESS => addresses(f, "requested", value),
        option::SERVER_ID => addresses(f, "server", value),
        option::LEASE_TIME => number(f, "lease", value),
        option::RENEWAL_TIME => number(f, "T1", value),
        option::REBINDING_TIME => number(f, "T2", value),
        option::INTERFACE_MTU => number(f, "mtu", value),
        option::MAX_MESSAGE_SIZE => number(f, "max", value),
        option::IPV6_ONLY_PREFERRED => number(f, "ipv6-only", value),
        option::OVERLOAD => number(f, "overload", value),
        option::HOST_NAME => text(f, "host", value),
        option::DOMAIN_NAME => text(f, "domain", value),
        option::MESSAGE => text(f, "message", value),
        option::CLIENT_ID => {
            f.write_str("client ")?;
            value.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
        }
        option::PARAMETER_LIST => {
            f.write_str("wants")?;
            value.iter().try_for_each(|code| write!(f, " {code}"))
        }
        option::RAPID_COMMIT => f.write_str("rapid-commit"),
        code => write!(f, "option {code} ({})", value.len()),
    }
}

fn addresses(f: &mut fmt::Formatter<'_>, name: &str, value: &[u8]) -> fmt::Result {
    f.write_str(name)?;
    let (addresses, rest) = value.as_chunks::<4>();
    addresses.iter().try_for_each(|octets| write!(f, " {}", Ipv4Addr::from(*octets)))?;
    if rest.is_empty() { Ok(()) } else { write!(f, " ({} more)", rest.len()) }
}

fn number(f: &mut fmt::Formatter<'_>, name: &str, value: &[u8]) -> fmt::Result {
    if value.len() > 4 {
        return write!(f, "{name} ({})", value.len());
    }
    let number = value.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    write!(f, "{name} {number}")
}

/// Text as it came; what is no printable ASCII is escaped.
fn text(f: &mut fmt::Formatter<'_>, name: &str, value: &[u8]) -> fmt::Result {
    write!(f, "{name} {}", value.escape_ascii())
}
