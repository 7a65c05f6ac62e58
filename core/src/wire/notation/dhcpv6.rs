//! DHCPv6: the message's type, its transaction and its options in the order of the wire.

use core::fmt;

use crate::wire::dhcpv6::{
    Dhcpv6Message, Dhcpv6Option, Dhcpv6Options, INFINITY, IaAddress, IaPrefix, IdentityAssociation, MessageType, code,
};

pub(super) fn message(f: &mut fmt::Formatter<'_>, message: &Dhcpv6Message<'_>) -> fmt::Result {
    write!(f, "dhcp6 {} xid {:06x}", message.kind.name(), message.transaction)?;
    options(f, message.options)
}

/// ` <first,second>`; nothing if there are none.
fn options(f: &mut fmt::Formatter<'_>, options: Dhcpv6Options<'_>) -> fmt::Result {
    for (number, each) in options.iter().enumerate() {
        f.write_str(if number == 0 { " <" } else { ", " })?;
        option(f, &each)?;
    }
    f.write_str(if options.bytes().is_empty() { "" } else { ">" })
}

fn option(f: &mut fmt::Formatter<'_>, option: &Dhcpv6Option<'_>) -> fmt::Result {
    match *option {
        Dhcpv6Option::ClientId(duid) => hex(f, "client ", duid),
        Dhcpv6Option::ServerId(duid) => hex(f, "server ", duid),
        Dhcpv6Option::IaNa(ia) => association(f, "ia-na", &ia),
        Dhcpv6Option::IaPd(ia) => association(f, "ia-pd", &ia),
        Dhcpv6Option::IaAddress(IaAddress { address, preferred, valid, options: nested }) => {
            write!(f, "addr {address}")?;
            lifetimes(f, preferred, valid)?;
            options(f, nested)
        }
        Dhcpv6Option::IaPrefix(IaPrefix { prefix, prefix_len, preferred, valid, options: nested }) => {
            write!(f, "prefix {prefix}/{prefix_len}")?;
            lifetimes(f, preferred, valid)?;
            options(f, nested)
        }
        Dhcpv6Option::OptionRequest(codes) => {
            f.write_str("oro")?;
            codes.codes().try_for_each(|code| write!(f, " {}", Code(code)))
        }
        Dhcpv6Option::Preference(value) => write!(f, "preference {value}"),
        Dhcpv6Option::ElapsedTime(hundredths) => write!(f, "elapsed {}ms", u32::from(hundredths) * 10),
        Dhcpv6Option::Authentication(auth) => {
            let (protocol, algorithm) = (auth.protocol, auth.algorithm);
            write!(f, "auth {protocol}/{algorithm} rdm {} replay {} ", auth.rdm, auth.replay)?;
            hex(f, "", auth.information)
        }
        Dhcpv6Option::ServerUnicast(address) => write!(f, "unicast {address}"),
        Dhcpv6Option::Status { status, message: [] } => write!(f, "status {status}"),
        Dhcpv6Option::Status { status, message } => write!(f, "status {status} \"{}\"", message.escape_ascii()),
        Dhcpv6Option::RapidCommit => f.write_str("rapid-commit"),
        Dhcpv6Option::ReconfigureMessage(kind) => match MessageType::from_number(kind) {
            Some(kind) => write!(f, "reconfigure {}", kind.name()),
            None => write!(f, "reconfigure {kind}"),
        },
        Dhcpv6Option::ReconfigureAccept => f.write_str("reconfigure-accept"),
        Dhcpv6Option::DnsServers(servers) => {
            f.write_str("dns")?;
            servers.addresses().try_for_each(|server| write!(f, " {server}"))
        }
        Dhcpv6Option::DomainList(names) => hex(f, "domains ", names),
        Dhcpv6Option::InformationRefreshTime(seconds) => write!(f, "refresh {}", Seconds(seconds)),
        Dhcpv6Option::SolMaxRt(seconds) => write!(f, "sol-max-rt {}", Seconds(seconds)),
        Dhcpv6Option::InfMaxRt(seconds) => write!(f, "inf-max-rt {}", Seconds(seconds)),
        Dhcpv6Option::Other { code, data } => write!(f, "option {code} ({})", data.len()),
        Dhcpv6Option::Malformed { code, data } => write!(f, "malformed {} ({})", Code(code), data.len()),
    }
}

fn association(f: &mut fmt::Formatter<'_>, name: &str, ia: &IdentityAssociation<'_>) -> fmt::Result {
    write!(f, "{name} {:08x} t1 {} t2 {}", ia.iaid, Seconds(ia.t1), Seconds(ia.t2))?;
    options(f, ia.options)
}

fn lifetimes(f: &mut fmt::Formatter<'_>, preferred: u32, valid: u32) -> fmt::Result {
    write!(f, " pref {} valid {}", Seconds(preferred), Seconds(valid))
}

fn hex(f: &mut fmt::Formatter<'_>, name: &str, bytes: &[u8]) -> fmt::Result {
    f.write_str(name)?;
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

/// A time of section 7.7.
struct Seconds(u32);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("0"),
            INFINITY => f.write_str("forever"),
            seconds => write!(f, "{seconds}s"),
        }
    }
}

/// An option by its name where one is asked for.
struct Code(u16);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            code::CLIENT_ID => "client",
            code::SERVER_ID => "server",
            code::IA_NA => "ia-na",
            code::IA_ADDRESS => "addr",
            code::IA_PD => "ia-pd",
            code::IA_PREFIX => "prefix",
            code::STATUS => "status",
            code::DNS_SERVERS => "dns",
            code::DOMAIN_LIST => "domains",
            code::INFORMATION_REFRESH_TIME => "refresh",
            code::SOL_MAX_RT => "sol-max-rt",
            code::INF_MAX_RT => "inf-max-rt",
            other => return write!(f, "{other}"),
        };
        f.write_str(name)
    }
}
