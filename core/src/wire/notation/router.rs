//! Router solicitations and advertisements, with their options in the order of the wire.

use core::fmt;

use super::print;
use crate::wire::ndp_options::{INFINITE, PrefixInformation, RouterOption};
use crate::wire::ndp_router::{RouterAdvertisement, RouterAdvertisementHeader, RouterPreference, RouterSolicitation};

pub(super) fn solicitation(f: &mut fmt::Formatter<'_>, message: &[u8]) -> fmt::Result {
    let solicitation = match RouterSolicitation::parse(message) {
        Ok(solicitation) => solicitation,
        Err(reason) => return print::malformed(f, reason),
    };
    f.write_str("router solicitation")?;
    match solicitation.source_link_layer {
        Some(address) => write!(f, " source {address}"),
        None => Ok(()),
    }
}

pub(super) fn advertisement(f: &mut fmt::Formatter<'_>, message: &[u8]) -> fmt::Result {
    let advertisement = match RouterAdvertisement::parse(message) {
        Ok(advertisement) => advertisement,
        Err(reason) => return print::malformed(f, reason),
    };
    f.write_str("router advertisement")?;
    header(f, &advertisement.header())?;
    for item in advertisement.options() {
        f.write_str(", ")?;
        option(f, &item)?;
    }
    Ok(())
}

/// What is zero has not been told, and is left out.
fn header(f: &mut fmt::Formatter<'_>, header: &RouterAdvertisementHeader) -> fmt::Result {
    write!(f, " lifetime {}", header.router_lifetime)?;
    preference(f, header.preference)?;
    for (set, name) in [(header.managed, " managed"), (header.other, " other")] {
        if set {
            f.write_str(name)?;
        }
    }
    let values = [
        ("hop limit", u32::from(header.hop_limit)),
        ("reachable", header.reachable_time),
        ("retrans", header.retrans_timer),
    ];
    for (name, value) in values {
        if value > 0 {
            write!(f, " {name} {value}")?;
        }
    }
    Ok(())
}

fn preference(f: &mut fmt::Formatter<'_>, preference: RouterPreference) -> fmt::Result {
    if preference == RouterPreference::Medium { Ok(()) } else { write!(f, " {}", preference.name()) }
}

fn option(f: &mut fmt::Formatter<'_>, option: &RouterOption<'_>) -> fmt::Result {
    match option {
        RouterOption::SourceLinkLayer(address) => write!(f, "source {address}"),
        RouterOption::Mtu(mtu) => write!(f, "mtu {mtu}"),
        RouterOption::Prefix(information) => prefix(f, information),
        RouterOption::Route(route) => {
            write!(f, "route {}/{}", route.prefix, route.prefix_len)?;
            preference(f, route.preference)?;
            lifetime(f, " lifetime", route.lifetime)
        }
        RouterOption::RecursiveServers(servers) => {
            f.write_str("rdnss")?;
            for address in servers.addresses() {
                write!(f, " {address}")?;
            }
            lifetime(f, " lifetime", servers.lifetime)
        }
        RouterOption::SearchList(list) => {
            f.write_str("dnssl")?;
            for name in list.domains().flatten() {
                write!(f, " {name}")?;
            }
            lifetime(f, " lifetime", list.lifetime)
        }
        RouterOption::Unknown(option) => write!(f, "option {} ({})", option.kind, option.data.len()),
        RouterOption::Malformed(option) => write!(f, "option {} malformed ({})", option.kind, option.data.len()),
    }
}

fn prefix(f: &mut fmt::Formatter<'_>, prefix: &PrefixInformation) -> fmt::Result {
    write!(f, "prefix {}/{}", prefix.prefix, prefix.prefix_len)?;
    for (set, name) in [(prefix.on_link, " on-link"), (prefix.autonomous, " autonomous")] {
        if set {
            f.write_str(name)?;
        }
    }
    lifetime(f, " valid", prefix.valid_lifetime)?;
    lifetime(f, " preferred", prefix.preferred_lifetime)
}

fn lifetime(f: &mut fmt::Formatter<'_>, name: &str, seconds: u32) -> fmt::Result {
    if seconds == INFINITE { write!(f, "{name} infinite") } else { write!(f, "{name} {seconds}") }
}
