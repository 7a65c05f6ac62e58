//! What a server tells about the network: the options of an offer or acknowledgment, read with care.
//! An option that makes no sense is skipped and counted, and the others are used.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::Ipv4Addr;

use super::Env;
use super::search_list::search_list;
use crate::digest::Digest;
use crate::ip::address::truncate;
use crate::wire::dhcpv4::{Dhcpv4Message, option};

/// The smallest MTU of option 26 that is used: what every IPv4 host can receive (RFC 791 section 3.2).
const MTU_MIN: u16 = 576;

/// A route that a server told of (RFC 3442; RFC 2132 section 5.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Dhcpv4Route {
    /// The destinations: an address of the prefix, bits beyond its length zero.
    pub prefix: Ipv4Addr,
    /// The prefix's length, 0 to 32.
    pub prefix_len: u8,
    /// The router; `None` if the destinations are on the link.
    pub gateway: Option<Ipv4Addr>,
}

/// What a DHCPv4 server has told about the network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Dhcpv4Settings {
    /// The routers on the link, best first (option 3).
    pub routers: Vec<Ipv4Addr>,
    /// The routes in use: the classless ones (option 121) if there are any, else the default route by the
    /// first router and the classful ones (option 33).
    pub routes: Vec<Dhcpv4Route>,
    /// The DNS servers, best first (option 6).
    pub dns_servers: Vec<Ipv4Addr>,
    /// The NTP servers, best first (option 42).
    pub ntp_servers: Vec<Ipv4Addr>,
    /// The domain (option 15).
    pub domain: Option<String>,
    /// The domains to search (option 119, RFC 3397).
    pub search: Vec<String>,
    /// The interface's MTU in bytes (option 26); 576 or more.
    pub mtu: Option<u16>,
}

impl Dhcpv4Settings {
    /// The settings in a message.
    pub(super) fn read(message: &Dhcpv4Message<'_>, env: &mut Env<'_>) -> Dhcpv4Settings {
        env.counters.dhcpv4_options_malformed += message.malformed_fields() as u64;
        let routers = addresses(message, option::ROUTER, env);
        let routes = routes(message, &routers, env);
        Dhcpv4Settings {
            routes,
            routers,
            dns_servers: addresses(message, option::DNS_SERVER, env),
            ntp_servers: addresses(message, option::NTP_SERVER, env),
            domain: read(message, option::DOMAIN_NAME, env, domain),
            search: read(message, option::DOMAIN_SEARCH, env, search_list)
                .map(|names| bounded(names, env))
                .unwrap_or_default(),
            mtu: read(message, option::INTERFACE_MTU, env, |value| {
                let mtu = u16::from_be_bytes(value.try_into().ok()?);
                (mtu >= MTU_MIN).then_some(mtu)
            }),
        }
    }

    pub(super) fn digest(&self, digest: &mut Digest) {
        for list in [&self.routers, &self.dns_servers, &self.ntp_servers] {
            digest.count(list.len());
            for address in list {
                digest.bytes(&address.octets());
            }
        }
        digest.count(self.routes.len());
        for route in &self.routes {
            digest.bytes(&route.prefix.octets());
            digest.u8(route.prefix_len);
            digest.option(route.gateway, |digest, gateway| digest.bytes(&gateway.octets()));
        }
        digest.option(self.domain.as_deref(), |digest, domain| digest.counted(domain.as_bytes()));
        digest.count(self.search.len());
        for name in &self.search {
            digest.counted(name.as_bytes());
        }
        digest.option(self.mtu, Digest::u16);
    }
}

/// An option as `interpret` understands it; one that it does not understand is counted.
pub(super) fn read<T>(
    message: &Dhcpv4Message<'_>,
    code: u8,
    env: &mut Env<'_>,
    interpret: impl FnOnce(&[u8]) -> Option<T>,
) -> Option<T> {
    let value = message.option(code)?;
    let read = interpret(&value);
    env.counters.dhcpv4_options_malformed += u64::from(read.is_none());
    read
}

/// The prefix length of a subnet mask whose ones are contiguous, 1 to 32.
pub(super) fn mask_len(value: &[u8]) -> Option<u8> {
    let mask = u32::from_be_bytes(value.try_into().ok()?);
    (mask != 0 && mask.leading_ones() + mask.trailing_zeros() == 32).then_some(mask.leading_ones() as u8)
}

/// The prefix length of an address's class (RFC 791 section 3.2), for want of a mask.
pub(super) const fn class_len(address: Ipv4Addr) -> u8 {
    match address.octets()[0] {
        0..128 => 8,
        128..192 => 16,
        _ => 24,
    }
}

/// Whether a host can have this address, whatever its subnet (RFC 6890; 169.254/16 is nobody's to give,
/// RFC 3927 section 1.6).
pub(super) const fn is_host(address: Ipv4Addr) -> bool {
    let [first, ..] = address.octets();
    first != 0 && first < 224 && !address.is_loopback() && !address.is_link_local()
}

/// At most `Limits::dhcpv4_entries` of them.
fn bounded<T>(mut entries: Vec<T>, env: &mut Env<'_>) -> Vec<T> {
    let limit = usize::from(env.limits.dhcpv4_entries);
    env.counters.dhcpv4_entries_refused += entries.len().saturating_sub(limit) as u64;
    entries.truncate(limit);
    entries
}

/// A list of hosts. An entry that can be none is left out; a length that is no multiple of 4 spoils all.
fn addresses(message: &Dhcpv4Message<'_>, code: u8, env: &mut Env<'_>) -> Vec<Ipv4Addr> {
    let hosts = read(message, code, env, |value| {
        let (octets, rest) = value.as_chunks::<4>();
        let hosts = octets.iter().map(|octets| Ipv4Addr::from(*octets)).filter(|host| is_host(*host));
        (rest.is_empty() && !octets.is_empty()).then(|| hosts.collect())
    });
    hosts.map(|hosts| bounded(hosts, env)).unwrap_or_default()
}

/// RFC 3442: where there are classless routes, routers and classful routes are ignored.
fn routes(message: &Dhcpv4Message<'_>, routers: &[Ipv4Addr], env: &mut Env<'_>) -> Vec<Dhcpv4Route> {
    if let Some(routes) = read(message, option::CLASSLESS_ROUTE, env, classless) {
        return bounded(routes, env);
    }
    let classful = read(message, option::STATIC_ROUTE, env, classful).unwrap_or_default();
    let default =
        |gateway: &Ipv4Addr| Dhcpv4Route { prefix: Ipv4Addr::UNSPECIFIED, prefix_len: 0, gateway: Some(*gateway) };
    bounded(routers.first().map(default).into_iter().chain(classful).collect(), env)
}

/// Destination descriptors and routers (RFC 3442).
fn classless(mut rest: &[u8]) -> Option<Vec<Dhcpv4Route>> {
    let mut routes = Vec::new();
    while let Some((&prefix_len, after)) = rest.split_first() {
        let significant = usize::from(prefix_len.min(33).div_ceil(8));
        let (number, after) = after.split_at_checked(significant).filter(|_| prefix_len <= 32)?;
        let (gateway, after) = after.split_first_chunk::<4>()?;
        rest = after;
        let mut octets = [0; 4];
        octets.get_mut(..significant)?.copy_from_slice(number);
        routes.push(route(Ipv4Addr::from(octets), prefix_len, Ipv4Addr::from(*gateway)));
    }
    (!routes.is_empty()).then_some(routes)
}

/// Pairs of destination and router; the default route is none of them (RFC 2132 section 5.8).
fn classful(value: &[u8]) -> Option<Vec<Dhcpv4Route>> {
    let (pairs, rest) = value.as_chunks::<8>();
    let pair = |pair: &[u8; 8]| {
        let [a, b, c, d, router @ ..] = *pair;
        let destination = Ipv4Addr::new(a, b, c, d);
        let class = class_len(destination);
        let is_subnet = truncated(destination, class) == destination;
        let gateway = Ipv4Addr::from(router);
        is_host(destination).then(|| route(destination, if is_subnet { class } else { 32 }, gateway))
    };
    (rest.is_empty() && !pairs.is_empty()).then(|| pairs.iter().filter_map(pair).collect())
}

/// A router of 0.0.0.0 means that the destinations are on the link (RFC 3442, "Local Subnet Routes").
fn route(prefix: Ipv4Addr, prefix_len: u8, gateway: Ipv4Addr) -> Dhcpv4Route {
    let gateway = (!gateway.is_unspecified()).then_some(gateway);
    Dhcpv4Route { prefix: truncated(prefix, prefix_len), prefix_len, gateway }
}

fn truncated(address: Ipv4Addr, len: u8) -> Ipv4Addr {
    match truncate(address.into(), len) {
        core::net::IpAddr::V4(address) => address,
        core::net::IpAddr::V6(_) => address,
    }
}

/// A domain as text: letters, digits, hyphens, underscores and dots, at most 253 of them; a trailing
/// dot or zero byte, which some servers send, is cut off.
fn domain(value: &[u8]) -> Option<String> {
    let value = value.strip_suffix(&[0]).unwrap_or(value);
    let value = value.strip_suffix(b".").unwrap_or(value);
    let is_legal = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    let text = core::str::from_utf8(value).ok()?;
    (!value.is_empty() && value.len() <= 253 && value.iter().all(is_legal)).then(|| text.into())
}
