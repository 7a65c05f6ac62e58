//! An interface: its medium, its addresses, and how it makes sure that they are its own alone.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use smallvec::SmallVec;

use crate::autoconf::advertise::config::AdvertiseConfig;
use crate::frame::Capabilities;

use crate::wire::ethernet::{self, EthernetAddress};

/// An address with the length of its on-link prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct InterfaceAddress {
    /// The address.
    pub address: IpAddr,
    /// The prefix length: 0 to 32 for IPv4, 0 to 128 for IPv6.
    pub prefix_len: u8,
}

impl InterfaceAddress {
    /// An IPv4 address and its prefix length (0 to 32).
    pub const fn v4(address: Ipv4Addr, prefix_len: u8) -> InterfaceAddress {
        InterfaceAddress { address: IpAddr::V4(address), prefix_len }
    }

    /// An IPv6 address and its prefix length (0 to 128).
    pub const fn v6(address: Ipv6Addr, prefix_len: u8) -> InterfaceAddress {
        InterfaceAddress { address: IpAddr::V6(address), prefix_len }
    }
}

/// How an IPv4 address is probed for before it is used (RFC 5227).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Acd {
    /// It is used at once, and not defended.
    Off,
    /// One probe, 300 ms of listening, then it is announced, used and defended.
    Fast,
    /// The times of RFC 5227 section 1.1: three probes, 4 to 7 s in all.
    Rfc5227,
}

/// What is done when another host claims an IPv4 address that is in use (RFC 5227 section 2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Defense {
    /// The address is given up (a).
    Never,
    /// It is announced once more; if it is claimed again within 10 s, it is given up (b).
    Once,
    /// It is announced once more, at most every 10 s, and never given up (c). A link-local address is
    /// defended once all the same (RFC 3927 section 2.5).
    Always,
}

/// How it is verified that no other host has an IPv6 address (RFC 4862 section 5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Dad {
    /// It is used at once, unverified.
    Off,
    /// It is used after it has been verified.
    Normal,
    /// It is verified while it is used, with the care of RFC 4429; one that was set by hand, before.
    Optimistic,
    /// As [`Dad::Optimistic`], and a nonce tells solicitations of ours that the link brings back from
    /// those of other hosts (RFC 7527).
    Enhanced,
}

/// How an interface makes sure that its addresses are its own alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AddressSettings {
    /// How an IPv4 address is probed for; default [`Acd::Fast`].
    pub acd: Acd,
    /// What is done when an IPv4 address in use is claimed by another host; default [`Defense::Once`].
    pub defense: Defense,
    /// How an IPv6 address is verified; default [`Dad::Optimistic`].
    pub dad: Dad,
    /// Solicitations sent to verify an IPv6 address, 0 to 255; default 1 (RFC 4862 section 5.1,
    /// `DupAddrDetectTransmits`). 0 is the same as [`Dad::Off`].
    pub dad_transmits: u8,
}

impl AddressSettings {
    /// Addresses are used at once: on links whose addresses are known to be unique.
    pub const UNVERIFIED: AddressSettings =
        AddressSettings { acd: Acd::Off, defense: Defense::Once, dad: Dad::Off, dad_transmits: 1 };
}

impl Default for AddressSettings {
    fn default() -> AddressSettings {
        AddressSettings { acd: Acd::Fast, defense: Defense::Once, dad: Dad::Optimistic, dad_transmits: 1 }
    }
}

/// What an interface's frames look like, and who is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[repr(u8)]
pub enum Medium {
    /// Ethernet frames (RFC 894, RFC 2464): neighbors are resolved by ARP and Neighbor Discovery.
    Ethernet,
    /// Bare IPv4 and IPv6 packets, as on a TUN device or a point-to-point link: no link header, nobody to
    /// resolve. Whatever is routed here leaves here.
    Ip,
    /// No device: what is sent here arrives here. With such an interface the stack reaches its own
    /// addresses, those of the other interfaces too, and 127.0.0.0/8 (RFC 1122 section 3.2.1.3 (g)) and `::1`.
    Loopback,
}

impl Medium {
    /// The largest MTU, in bytes: the largest packet, and on Ethernet the largest frame, have 65,535.
    pub const fn mtu_max(self) -> u16 {
        u16::MAX - self.header_len() as u16
    }

    /// Bytes of the link header before each packet.
    pub const fn header_len(self) -> usize {
        match self {
            Medium::Ethernet => ethernet::HEADER_LEN,
            Medium::Ip | Medium::Loopback => 0,
        }
    }
}

/// One interface. The constructors name what each medium needs; the other fields can be set behind them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct InterfaceConfig {
    /// What its frames look like.
    pub medium: Medium,
    /// Our station address: an individual one for Ethernet, without meaning elsewhere.
    pub hardware_address: EthernetAddress,
    /// What the device can do.
    pub capabilities: Capabilities,
    /// The addresses, each usable as source.
    pub addresses: SmallVec<[InterfaceAddress; 4]>,
    /// Whether it configures itself for IPv6: it forms a link-local address, looks for routers and
    /// believes them (RFC 4861 section 6.3, RFC 4862); default false.
    pub ipv6_autoconfiguration: bool,
    /// How it makes sure that its addresses are its own alone; default [`Config::address`](super::Config::address).
    pub address_settings: Option<AddressSettings>,
    /// Whether it answers ARP for hosts that are forwarded to through other interfaces; default false (RFC 1027).
    pub proxy_arp: bool,
    /// What it advertises as a router; default nothing, unless
    /// [`Config::send_advertisements`](super::Config::send_advertisements) is set. It can be changed by
    /// [`Stack::advertise`](crate::Stack::advertise).
    pub advertise: Option<AdvertiseConfig>,
    /// Whether it asks, as a multicast router, which groups hosts listen to; default what
    /// [`Config::querier`](super::Config::querier) says, but never on the loopback interface.
    pub querier: Option<bool>,
}

impl InterfaceConfig {
    /// An Ethernet interface with `addresses`, all else as by default.
    pub fn new(
        hardware_address: EthernetAddress,
        capabilities: Capabilities,
        addresses: impl IntoIterator<Item = InterfaceAddress>,
    ) -> InterfaceConfig {
        InterfaceConfig {
            medium: Medium::Ethernet,
            hardware_address,
            capabilities,
            addresses: addresses.into_iter().collect(),
            ipv6_autoconfiguration: false,
            address_settings: None,
            proxy_arp: false,
            advertise: None,
            querier: None,
        }
    }

    /// The same, but its addresses are used at once: nobody else on the link has them.
    #[must_use]
    pub fn unverified(self) -> InterfaceConfig {
        InterfaceConfig { address_settings: Some(AddressSettings::UNVERIFIED), ..self }
    }

    /// An interface of bare IP packets with `addresses`, which are used at once.
    pub fn ip(capabilities: Capabilities, addresses: impl IntoIterator<Item = InterfaceAddress>) -> InterfaceConfig {
        InterfaceConfig {
            medium: Medium::Ip,
            ..InterfaceConfig::new(EthernetAddress::UNSPECIFIED, capabilities, addresses).unverified()
        }
    }

    /// The loopback interface, with 127.0.0.1/8 and `::1/128` and the largest MTU.
    pub fn loopback() -> InterfaceConfig {
        // Nothing can damage what never leaves: no checksum is computed.
        let capabilities = Capabilities { tx_checksum: true, rx_checksum: true, ..Capabilities::plain(u16::MAX) };
        let addresses = [InterfaceAddress::v4(Ipv4Addr::LOCALHOST, 8), InterfaceAddress::v6(Ipv6Addr::LOCALHOST, 128)];
        InterfaceConfig {
            medium: Medium::Loopback,
            ..InterfaceConfig::new(EthernetAddress::UNSPECIFIED, capabilities, addresses).unverified()
        }
    }
}
