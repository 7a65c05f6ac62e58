//! Nodes and links, as they are written.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tickwire_core::InterfaceAddress;

use super::Family;
use crate::link::Link;

/// A host: a stack with its interfaces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostSpec {
    /// Its name, by which links, faults and flows refer to it.
    pub name: String,
    /// The addresses of each interface.
    pub interfaces: Vec<Vec<Prefix>>,
    /// Whether each of its interfaces that has no IPv4 address here leases one from a DHCP server (a `lease-server` on
    /// its link), by its stack's own client, as its options `dhcpv4.*` say. Nobody knows that address beforehand, so
    /// the host is the client of flows over IPv4. Its connections wait until it has an address and a route, a second
    /// longer at most; its datagrams do not, and are lost until then.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dhcp: bool,
    /// Its default routers, each on the link of one of its interfaces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gateways: Vec<IpAddr>,
    /// Whether it is a router: forwards what is not for itself.
    #[serde(default, skip_serializing_if = "is_false")]
    pub router: bool,
    /// Whether its addresses are verified before they are used, as its options `address.*` say.
    #[serde(default, skip_serializing_if = "is_false")]
    pub verified: bool,
    /// Whether it believes routers, and forms IPv6 addresses as they say.
    #[serde(default, skip_serializing_if = "is_false")]
    pub autoconfiguration: bool,
    /// The MTU of its interfaces, in bytes.
    #[serde(default = "mtu", skip_serializing_if = "is_mtu")]
    pub mtu: u16,
    /// Options of its stack, by their dotted names (`tickwire options` lists them).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, Setting>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

const fn mtu() -> u16 {
    1500
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_mtu(value: &u16) -> bool {
    *value == mtu()
}

impl HostSpec {
    /// A host with one interface.
    pub fn new(name: &str, addresses: Vec<Prefix>) -> HostSpec {
        HostSpec {
            name: name.to_owned(),
            interfaces: vec![addresses],
            dhcp: false,
            gateways: Vec::new(),
            router: false,
            verified: false,
            autoconfiguration: false,
            mtu: mtu(),
            options: BTreeMap::new(),
        }
    }
}

impl HostSpec {
    /// The numbers of its interfaces that lease their IPv4 address.
    pub(super) fn leases(&self) -> impl Iterator<Item = usize> + '_ {
        let has_none = |own: &Vec<Prefix>| !own.iter().any(|prefix| prefix.0.address.is_ipv4());
        let numbers = self.interfaces.iter().enumerate().filter(move |(_, own)| self.dhcp && has_none(own));
        numbers.map(|(number, _)| number)
    }

    /// That it has no address of a family, or none that is known beforehand.
    pub(super) fn lacks(&self, family: Family) -> String {
        let title = family.title();
        if family == Family::V4 && self.dhcp {
            return format!(
                "{} leases its {title} address, which nobody knows beforehand: it can only be `from`, or give it a \
                 fixed one in `interfaces`",
                self.name
            );
        }
        format!("{} has no {title} address", self.name)
    }
}

/// A hub or a switch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MachineSpec {
    /// Its name.
    pub name: String,
    /// How many ports it has.
    pub ports: usize,
}

/// A NAT. Its interface 0 is the inside, 1 the outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NatSpec {
    /// Its name.
    pub name: String,
    /// Its IPv4 address towards the hosts that it hides.
    pub inside: Prefix,
    /// Its IPv4 address towards the world.
    pub outside: Prefix,
    /// The router outside that leads to what is on neither side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<Ipv4Addr>,
}

/// A link between two interfaces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkSpec {
    /// Its name, by which faults refer to it.
    pub name: String,
    /// What it links: a node's name, for its first interface or port, or with its number behind a dot.
    pub ends: [String; 2],
    /// What frames go through, from the first end to the second and back; by default nothing: a wire of no
    /// length.
    #[serde(default)]
    pub path: Link,
}

/// An address and the length of its prefix, written `192.0.2.1/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix(pub InterfaceAddress);

impl FromStr for Prefix {
    type Err = String;

    fn from_str(text: &str) -> Result<Prefix, String> {
        let parts = text.split_once('/').and_then(|(address, len)| Some((address.parse().ok()?, len.parse().ok()?)));
        let fits = |address: IpAddr, len| len <= if address.is_ipv4() { 32 } else { 128 };
        let (address, prefix_len) = parts.filter(|(address, len)| fits(*address, *len)).ok_or_else(|| {
            format!("{text:?} is no address with a prefix length: write \"192.0.2.1/24\" or \"2001:db8::1/64\"")
        })?;
        Ok(Prefix(InterfaceAddress { address, prefix_len }))
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.0.address, self.0.prefix_len)
    }
}

impl Serialize for Prefix {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Prefix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Prefix, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// The value of an option, as text; it may be written as a string, a number or `true` and `false`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting(pub String);

impl Serialize for Setting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Setting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Setting, D::Error> {
        struct Scalar;
        impl Visitor<'_> for Scalar {
            type Value = Setting;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string, a whole number, true or false")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Setting, E> {
                Ok(Setting(value.to_string()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Setting, E> {
                Ok(Setting(value.to_string()))
            }

            fn visit_str<E>(self, value: &str) -> Result<Setting, E> {
                Ok(Setting(value.to_owned()))
            }
        }
        deserializer.deserialize_any(Scalar)
    }
}
