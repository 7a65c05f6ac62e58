//! The options of a Router Advertisement: prefixes and MTU (RFC 4861 section 4.6), routes (RFC 4191
//! section 2.3), name servers and search lists (RFC 8106 section 5).
//!
//! An option that is not known, or whose content makes no sense, is passed over and the rest of the
//! message used: [`RouterOption::Unknown`], [`RouterOption::Malformed`].

use bytes::BufMut;
use core::net::Ipv6Addr;

use super::cursor::Fields;
use super::domain_name::{DomainName, DomainNames};
use super::ethernet::EthernetAddress;
use super::ndp::{self, NdpOption, NdpOptions, SOURCE_LINK_LAYER};
use super::ndp_router::RouterPreference;

/// A lifetime of all one bits: it never ends.
pub const INFINITE: u32 = u32::MAX;

const PREFIX_INFORMATION: u8 = 3;
const MTU: u8 = 5;
const ROUTE_INFORMATION: u8 = 24;
const RECURSIVE_SERVERS: u8 = 25;
const SEARCH_LIST: u8 = 31;

const ON_LINK: u8 = 0x80;
const AUTONOMOUS: u8 = 0x40;

/// A prefix of the link (RFC 4861 section 4.6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PrefixInformation {
    /// The prefix. Bits beyond its length mean nothing.
    pub prefix: Ipv6Addr,
    /// Its length: 0 to 128.
    pub prefix_len: u8,
    /// The prefix's addresses are on the link (L).
    pub on_link: bool,
    /// Addresses may be formed from the prefix (A).
    pub autonomous: bool,
    /// For how many seconds the prefix is valid; [`INFINITE`] for ever.
    pub valid_lifetime: u32,
    /// For how many seconds addresses formed from it are preferred; [`INFINITE`] for ever.
    pub preferred_lifetime: u32,
}

impl PrefixInformation {
    fn parse(data: &[u8]) -> Option<PrefixInformation> {
        let data: &[u8; 30] = data.try_into().ok()?;
        (data[0] <= 128).then(|| PrefixInformation {
            prefix: Ipv6Addr::from(data.array_at::<14, 16>()),
            prefix_len: data[0],
            on_link: data[1] & ON_LINK != 0,
            autonomous: data[1] & AUTONOMOUS != 0,
            valid_lifetime: data.u32_at::<2>(),
            preferred_lifetime: data.u32_at::<6>(),
        })
    }

    fn emit(&self, out: &mut impl BufMut) {
        let mut option = [0; 32];
        option.put_array::<0, 3>([PREFIX_INFORMATION, 4, self.prefix_len]);
        option[3] = if self.on_link { ON_LINK } else { 0 } | if self.autonomous { AUTONOMOUS } else { 0 };
        option.put_u32::<4>(self.valid_lifetime);
        option.put_u32::<8>(self.preferred_lifetime);
        option.put_array::<16, 16>(self.prefix.octets());
        out.put_slice(&option);
    }
}

/// Destinations that are reached through the advertising router (RFC 4191 section 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RouteInformation {
    /// The destinations. Bits beyond the prefix's length mean nothing.
    pub prefix: Ipv6Addr,
    /// The prefix's length: 0 to 128.
    pub prefix_len: u8,
    /// How much this router is preferred for them.
    pub preference: RouterPreference,
    /// For how many seconds; [`INFINITE`] for ever, 0 no longer.
    pub lifetime: u32,
}

impl RouteInformation {
    fn parse(data: &[u8]) -> Option<RouteInformation> {
        let (fixed, rest) = data.split_first_chunk::<6>()?;
        let prefix_len = fixed[0];
        // RFC 4191 section 2.3: no more of the prefix is there than its length needs.
        let needed = match prefix_len {
            0 => 0,
            1..=64 => 8,
            65..=128 => 16,
            _ => return None,
        };
        if rest.len() < needed || rest.len() > 16 {
            return None;
        }
        let mut prefix = [0; 16];
        prefix.get_mut(..rest.len())?.copy_from_slice(rest);
        Some(RouteInformation {
            prefix: Ipv6Addr::from(prefix),
            prefix_len,
            // "If the Reserved (10) value is received, the Route Information Option MUST be ignored."
            preference: RouterPreference::from_flags(fixed[1])?,
            lifetime: fixed.u32_at::<2>(),
        })
    }

    fn emit(&self, out: &mut impl BufMut) {
        let mut option = [0; 24];
        option.put_array::<0, 4>([ROUTE_INFORMATION, 3, self.prefix_len, self.preference.to_flags()]);
        option.put_u32::<4>(self.lifetime);
        option.put_array::<8, 16>(self.prefix.octets());
        out.put_slice(&option);
    }
}

/// Recursive name servers (RDNSS, RFC 8106 section 5.1): at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecursiveServers<'a> {
    /// For how many seconds they may be used; [`INFINITE`] for ever, 0 no longer.
    pub lifetime: u32,
    addresses: &'a [u8],
}

impl<'a> RecursiveServers<'a> {
    fn parse(data: &'a [u8]) -> Option<RecursiveServers<'a>> {
        let (fixed, addresses) = data.split_first_chunk::<6>()?;
        // RFC 8106 section 5.3.1: at least 3 units of 8 bytes, and an odd number of them.
        let whole = !addresses.is_empty() && addresses.len() % 16 == 0;
        whole.then(|| RecursiveServers { lifetime: fixed.u32_at::<2>(), addresses })
    }

    /// The servers' addresses, the first to be asked first.
    pub fn addresses(&self) -> impl Iterator<Item = Ipv6Addr> + use<'a> {
        self.addresses.as_chunks::<16>().0.iter().map(|octets| Ipv6Addr::from(*octets))
    }
}

/// Appends an RDNSS option; at most 127 addresses are written.
pub fn emit_recursive_servers(lifetime: u32, addresses: &[Ipv6Addr], out: &mut impl BufMut) {
    let addresses = addresses.get(..127).unwrap_or(addresses);
    out.put_slice(&[RECURSIVE_SERVERS, (1 + 2 * addresses.len()) as u8, 0, 0]);
    out.put_u32(lifetime);
    for address in addresses {
        out.put_slice(&address.octets());
    }
}

/// Domains to search (DNSSL, RFC 8106 section 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchList<'a> {
    /// For how many seconds they may be used; [`INFINITE`] for ever, 0 no longer.
    pub lifetime: u32,
    names: &'a [u8],
}

impl<'a> SearchList<'a> {
    fn parse(data: &'a [u8]) -> Option<SearchList<'a>> {
        let (fixed, names) = data.split_first_chunk::<6>()?;
        let list = SearchList { lifetime: fixed.u32_at::<2>(), names };
        // Section 5.3.1: at least one name; one that is no name spoils the option.
        let valid = list.domains().next().is_some() && list.domains().all(|name| name.is_ok());
        valid.then_some(list)
    }

    /// The domains, in order.
    pub fn domains(&self) -> DomainNames<'a> {
        DomainNames::new(self.names)
    }
}

/// Appends a DNSSL option. What does not fit its 2,040 bytes is left out.
pub fn emit_search_list(lifetime: u32, domains: &[DomainName], out: &mut impl BufMut) {
    let room = usize::from(u8::MAX) * 8 - 8;
    let mut len = 0;
    let fitting = domains.iter().take_while(|name| {
        len += name.wire_len();
        len <= room
    });
    let fitting = fitting.count();
    let domains = domains.get(..fitting).unwrap_or_default();
    let len: usize = domains.iter().map(DomainName::wire_len).sum();
    let padded = len.next_multiple_of(8);
    out.put_slice(&[SEARCH_LIST, (1 + padded / 8) as u8, 0, 0]);
    out.put_u32(lifetime);
    for name in domains {
        name.emit(out);
    }
    out.put_bytes(0, padded - len);
}

/// One option of a Router Advertisement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouterOption<'a> {
    /// The router's link-layer address.
    SourceLinkLayer(EthernetAddress),
    /// A prefix.
    Prefix(PrefixInformation),
    /// The MTU that all on the link are to use, in bytes.
    Mtu(u32),
    /// A route.
    Route(RouteInformation),
    /// Name servers.
    RecursiveServers(RecursiveServers<'a>),
    /// Domains to search.
    SearchList(SearchList<'a>),
    /// Of a type that is not read here.
    Unknown(NdpOption<'a>),
    /// Of a known type, with a length or content that this type cannot have.
    Malformed(NdpOption<'a>),
}

impl<'a> RouterOption<'a> {
    fn parse(option: NdpOption<'a>) -> RouterOption<'a> {
        let data = option.data;
        let known = match option.kind {
            SOURCE_LINK_LAYER => option.link_layer().map(RouterOption::SourceLinkLayer),
            PREFIX_INFORMATION => PrefixInformation::parse(data).map(RouterOption::Prefix),
            MTU => <&[u8; 6]>::try_from(data).ok().map(|data| RouterOption::Mtu(data.u32_at::<2>())),
            ROUTE_INFORMATION => RouteInformation::parse(data).map(RouterOption::Route),
            RECURSIVE_SERVERS => RecursiveServers::parse(data).map(RouterOption::RecursiveServers),
            SEARCH_LIST => SearchList::parse(data).map(RouterOption::SearchList),
            _ => return RouterOption::Unknown(option),
        };
        known.unwrap_or(RouterOption::Malformed(option))
    }

    /// Appends the option.
    pub fn emit(&self, out: &mut impl BufMut) {
        match self {
            RouterOption::SourceLinkLayer(address) => ndp::put_option(SOURCE_LINK_LAYER, address.0, out),
            RouterOption::Prefix(prefix) => prefix.emit(out),
            RouterOption::Mtu(mtu) => {
                let mut data = [0; 6];
                data.put_u32::<2>(*mtu);
                ndp::put_option(MTU, data, out);
            }
            RouterOption::Route(route) => route.emit(out),
            RouterOption::RecursiveServers(servers) => {
                put_lifetime(RECURSIVE_SERVERS, servers.lifetime, servers.addresses, out);
            }
            RouterOption::SearchList(list) => put_lifetime(SEARCH_LIST, list.lifetime, list.names, out),
            RouterOption::Unknown(option) | RouterOption::Malformed(option) => {
                out.put_slice(&[option.kind, ((option.data.len() + 2) / 8) as u8]);
                out.put_slice(option.data);
            }
        }
    }
}

/// The form that RDNSS and DNSSL share; `rest` is what was received, a multiple of 8 bytes.
fn put_lifetime(kind: u8, lifetime: u32, rest: &[u8], out: &mut impl BufMut) {
    out.put_slice(&[kind, (1 + rest.len() / 8) as u8, 0, 0]);
    out.put_u32(lifetime);
    out.put_slice(rest);
}

/// Walks the options of a Router Advertisement.
#[derive(Clone, Debug)]
pub struct RouterOptions<'a>(NdpOptions<'a>);

impl<'a> RouterOptions<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> RouterOptions<'a> {
        RouterOptions(NdpOptions::new(bytes))
    }
}

impl<'a> Iterator for RouterOptions<'a> {
    type Item = RouterOption<'a>;

    /// Ends at what is no option; the message's own `parse` has seen to it that there is none.
    fn next(&mut self) -> Option<RouterOption<'a>> {
        self.0.next()?.ok().map(RouterOption::parse)
    }
}
