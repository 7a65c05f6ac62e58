//! How the stack gets its addresses, and whether it has what it was told to get.

use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use tickwire_core::config::{InterfaceAddress, Medium};
use tickwire_core::{AddressOrigin, AddressState, OwnAddress, RouteOrigin, Stack};

use super::cli::{interface_address_v4, interface_address_v6};

/// Without a router for this long, the addresses that are there have to do. Routers are solicited three times
/// in that time (RFC 4861 section 10).
const ROUTER_PATIENCE: Duration = Duration::from_secs(12);

/// One `--ip4`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ip4 {
    /// A DHCP server's lease; a link-local address while no server answers.
    Dhcp,
    /// A link-local address.
    LinkLocal,
    Address(InterfaceAddress),
}

impl FromStr for Ip4 {
    type Err = String;

    fn from_str(text: &str) -> Result<Ip4, String> {
        match text {
            "dhcp" => Ok(Ip4::Dhcp),
            "link-local" => Ok(Ip4::LinkLocal),
            address if !address.contains(['/', ':', '.']) => {
                Err("right would be dhcp, link-local, or an address as in 192.0.2.2/24".to_owned())
            }
            address => interface_address_v4(address).map(Ip4::Address),
        }
    }
}

impl Ip4 {
    pub(crate) const fn address(self) -> Option<InterfaceAddress> {
        match self {
            Ip4::Address(address) => Some(address),
            Ip4::Dhcp | Ip4::LinkLocal => None,
        }
    }
}

/// One `--ip6`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ip6 {
    /// What routers tell: addresses formed from their prefixes, and DHCP if they say so.
    Slaac,
    /// DHCP, whatever routers say.
    Dhcp,
    Address(InterfaceAddress),
}

impl FromStr for Ip6 {
    type Err = String;

    fn from_str(text: &str) -> Result<Ip6, String> {
        match text {
            "slaac" => Ok(Ip6::Slaac),
            "dhcp" => Ok(Ip6::Dhcp),
            address if !address.contains(['/', ':', '.']) => {
                Err("right would be slaac, dhcp, or an address as in 2001:db8::2/64".to_owned())
            }
            address => interface_address_v6(address).map(Ip6::Address),
        }
    }
}

impl Ip6 {
    pub(crate) const fn address(self) -> Option<InterfaceAddress> {
        match self {
            Ip6::Address(address) => Some(address),
            Ip6::Slaac | Ip6::Dhcp => None,
        }
    }
}

/// What stands between the stack and its `ready` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// It takes its time.
    Wait,
    /// Another host has an address that was to be ours.
    Taken(IpAddr),
}

/// What the stack is to have before it is ready.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) fixed: Vec<InterfaceAddress>,
    pub(crate) ip4: Vec<Ip4>,
    pub(crate) ip6: Vec<Ip6>,
}

impl Wanted {
    /// Whether all that was wanted can be used now, `since` the start. Then the addresses to be named:
    /// each answers a ping at this moment.
    pub(crate) fn addresses(&self, stack: &Stack, since: Duration) -> Result<Vec<InterfaceAddress>, Missing> {
        // Not the loopback's: nobody else reaches those.
        let on_links = stack.interfaces().filter(|own| own.medium != Medium::Loopback);
        let all: Vec<OwnAddress> = on_links.flat_map(|own| own.addresses.iter().copied()).collect();
        let usable = |own: &&OwnAddress| own.state.is_assigned();
        for fixed in &self.fixed {
            match all.iter().find(|own| own.address == fixed.address) {
                Some(own) if own.state.is_assigned() => {}
                Some(own) if own.state == AddressState::Duplicated => return Err(Missing::Taken(own.address)),
                _ => return Err(Missing::Wait),
            }
        }
        let has = |origins: &[AddressOrigin]| {
            all.iter().filter(usable).any(|own| own.address.is_ipv6() && origins.contains(&own.origin))
        };
        let has_v4 = |origins: &[AddressOrigin]| {
            all.iter().filter(usable).any(|own| own.address.is_ipv4() && origins.contains(&own.origin))
        };
        for ip4 in &self.ip4 {
            let enough = match ip4 {
                Ip4::Address(_) => true,
                // Without a server, what the host has found itself has to do.
                Ip4::Dhcp => has_v4(&[AddressOrigin::Dhcp, AddressOrigin::LinkLocal]),
                Ip4::LinkLocal => has_v4(&[AddressOrigin::LinkLocal]),
            };
            if !enough {
                return Err(Missing::Wait);
            }
        }
        // A lease says nothing about what is on the link (RFC 5942 section 4): without a router's word or a
        // route of ours, no ping of it could be answered.
        let routed = stack.default_routers().next().is_some()
            || stack.prefixes().any(|prefix| prefix.on_link)
            || stack.routes().any(|route| route.origin == RouteOrigin::Static && route.prefix.is_ipv6());
        for ip6 in &self.ip6 {
            let enough = match ip6 {
                Ip6::Address(_) => true,
                Ip6::Dhcp => has(&[AddressOrigin::Dhcp]) && (routed || since >= ROUTER_PATIENCE),
                Ip6::Slaac => {
                    // Where a router leaves addresses to DHCPv6, there are none to be formed.
                    routed && has(&[AddressOrigin::Slaac, AddressOrigin::Dhcp])
                        || since >= ROUTER_PATIENCE && has(&[AddressOrigin::LinkLocal])
                }
            };
            if !enough {
                return Err(Missing::Wait);
            }
        }
        let mut named: Vec<&OwnAddress> = all.iter().filter(usable).collect();
        if named.iter().any(|own| own.origin != AddressOrigin::LinkLocal) {
            // An IPv4 link-local address is there because it is wanted.
            named.retain(|own| own.origin != AddressOrigin::LinkLocal || own.address.is_ipv4());
        }
        named.sort_by_key(|own| own.address.is_ipv6());
        Ok(named.iter().map(|own| InterfaceAddress { address: own.address, prefix_len: own.prefix_len }).collect())
    }

    /// When to look again though nothing has happened.
    pub(crate) fn next_look(&self, since: Duration) -> Option<Duration> {
        let waits_for_routers = self.ip6.iter().any(|ip6| ip6.address().is_none());
        waits_for_routers.then(|| ROUTER_PATIENCE.saturating_sub(since)).filter(|left| !left.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_typed_for_ipv4() {
        assert_eq!("dhcp".parse(), Ok(Ip4::Dhcp));
        assert_eq!("link-local".parse(), Ok(Ip4::LinkLocal));
        let address = InterfaceAddress::v4([192, 0, 2, 2].into(), 24);
        assert_eq!("192.0.2.2/24".parse(), Ok(Ip4::Address(address)));
        for (wrong, named) in [("dhpc", "dhcp, link-local"), ("192.0.2.2", "prefix length"), ("::1/64", "no IPv4")] {
            let error = wrong.parse::<Ip4>().expect_err(wrong);
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn what_can_be_typed() {
        assert_eq!("slaac".parse(), Ok(Ip6::Slaac));
        assert_eq!("dhcp".parse(), Ok(Ip6::Dhcp));
        let address = InterfaceAddress::v6("2001:db8::2".parse().expect("an address"), 64);
        assert_eq!("2001:db8::2/64".parse(), Ok(Ip6::Address(address)));
        for (wrong, named) in [("slac", "slaac, dhcp"), ("2001:db8::2", "prefix length"), ("192.0.2.1/24", "no IPv6")] {
            let error = wrong.parse::<Ip6>().expect_err(wrong);
            assert!(error.contains(named), "{error}");
        }
    }
}
