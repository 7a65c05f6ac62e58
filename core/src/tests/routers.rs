//! A rig whose interface configures itself, and the routers of its link.

use alloc::vec::Vec;
use core::net::Ipv6Addr;

use super::rig::*;
use crate::wire::ethernet::EthernetAddress;
use crate::wire::ndp::NeighborAdvertisement;
use crate::wire::ndp_options::{PrefixInformation, RouterOption};
use crate::wire::ndp_router::{RouterAdvertisementHeader, RouterPreference};
use crate::{Capabilities, Config, InterfaceConfig, Verdict};

pub(super) const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

pub(super) fn ip(text: &str) -> Ipv6Addr {
    text.parse().unwrap()
}

/// The `n`th router: `fe80::n` at `02:00:00:01:..:n`.
pub(super) fn router(n: u16) -> Ipv6Addr {
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, n)
}

pub(super) fn station(n: u16) -> EthernetAddress {
    let [high, low] = n.to_be_bytes();
    EthernetAddress([2, 0, 0, 1, high, low])
}

/// An interface that configures itself, with no address of the operator's.
pub(super) fn autoconfigured(config: Config) -> Rig {
    let interface = InterfaceConfig { ipv6_autoconfiguration: true, ..interface().unverified() };
    Rig::with_interface(Config { checks: true, ..config }, interface)
}

/// The same, but its addresses are verified before they are used without restriction.
pub(super) fn verifying(config: Config) -> Rig {
    let interface = InterfaceConfig { ipv6_autoconfiguration: true, ..interface() };
    Rig::with_interface(Config { checks: true, ..config }, interface)
}

fn interface() -> InterfaceConfig {
    InterfaceConfig::new(OUR_MAC, Capabilities::plain(1500), [])
}

/// A header that makes a default router for half an hour and says nothing else.
pub(super) fn header() -> RouterAdvertisementHeader {
    RouterAdvertisementHeader {
        hop_limit: 0,
        managed: false,
        other: false,
        preference: RouterPreference::Medium,
        router_lifetime: 1800,
        reachable_time: 0,
        retrans_timer: 0,
    }
}

/// A prefix of 64 bits, on the link and autonomous, valid for a day and preferred for four hours.
pub(super) fn prefix(text: &str) -> PrefixInformation {
    PrefixInformation {
        prefix: ip(text),
        prefix_len: 64,
        on_link: true,
        autonomous: true,
        valid_lifetime: 86_400,
        preferred_lifetime: 14_400,
    }
}

pub(super) fn message(header: &RouterAdvertisementHeader, options: &[RouterOption<'_>]) -> Vec<u8> {
    let mut message = Vec::new();
    header.emit(&mut message);
    for option in options {
        option.emit(&mut message);
    }
    message
}

/// The `n`th router's advertisement to all nodes, its link-layer address among the options.
pub(super) fn advertisement(n: u16, header: &RouterAdvertisementHeader, options: &[RouterOption<'_>]) -> Vec<u8> {
    let mut all = Vec::from([RouterOption::SourceLinkLayer(station(n))]);
    all.extend_from_slice(options);
    let packet = icmpv6_packet(router(n), ALL_NODES, 255, message(header, &all));
    ethernet(EthernetAddress::multicast_v6(ALL_NODES), station(n), &packet)
}

impl Rig {
    /// The `n`th router advertises itself.
    pub(super) fn advertise(&mut self, n: u16, options: &[RouterOption<'_>]) {
        let frame = advertisement(n, &header(), options);
        assert_eq!(self.receive(&frame), Verdict::Accepted);
    }

    pub(super) fn advertise_as(
        &mut self,
        n: u16,
        header: &RouterAdvertisementHeader,
        options: &[RouterOption<'_>],
    ) -> Verdict {
        let frame = advertisement(n, header, options);
        self.receive(&frame)
    }

    /// The `n`th router answers a solicitation that it was asked by unicast.
    pub(super) fn router_answers(&mut self, n: u16) {
        let mut message = Vec::new();
        NeighborAdvertisement {
            router: true,
            solicited: true,
            overrides: true,
            target: router(n),
            target_link_layer: Some(station(n)),
        }
        .emit(&mut message);
        let packet = icmpv6_packet(router(n), self.link_local(), 255, message);
        assert_eq!(self.receive(&ethernet(OUR_MAC, station(n), &packet)), Verdict::Accepted);
    }

    /// Our link-local address.
    pub(super) fn link_local(&self) -> Ipv6Addr {
        self.addresses_v6().into_iter().find(Ipv6Addr::is_unicast_link_local).unwrap()
    }

    /// Our addresses of one prefix of 64 bits.
    pub(super) fn addresses_of(&self, prefix: &str) -> Vec<Ipv6Addr> {
        let prefix = ip(prefix);
        let mut addresses = self.addresses_v6();
        addresses.retain(|address| address.segments()[..4] == prefix.segments()[..4]);
        addresses
    }

    /// All our IPv6 addresses.
    pub(super) fn addresses_v6(&self) -> Vec<Ipv6Addr> {
        let all = self.stack.interfaces().flat_map(|interface| interface.addresses.iter());
        all.filter_map(|own| match own.address {
            core::net::IpAddr::V6(address) => Some(address),
            core::net::IpAddr::V4(_) => None,
        })
        .collect()
    }

    /// The routers that a packet to `dst` may take, as the numbers of [`router`].
    pub(super) fn default_routers(&self) -> Vec<u16> {
        self.stack.default_routers().map(|router| router.address.segments()[7]).collect()
    }

    /// The next hop of a datagram to `dst`: the hardware address that it leaves to.
    pub(super) fn next_hop(&mut self, dst: &str) -> Option<EthernetAddress> {
        let mut branch = self.clone();
        branch.discard();
        let handle = branch.udp_bind("[::]:5000");
        branch.udp_send(handle, b"hello", dst).ok()?;
        let frames = branch.frames();
        let datagram = frames.iter().find(|frame| frame.get(20) == Some(&17));
        datagram.map(|frame| stations(frame).0)
    }
}

/// A ping to one of our addresses, from the `n`th router's link-local one.
pub(super) fn ping(n: u16, dst: Ipv6Addr) -> Vec<u8> {
    ethernet(OUR_MAC, station(n), &echo_request(router(n).into(), dst.into(), 8))
}
