//! DHCP servers, as they are written. A host with `dhcp = true` on their link leases its IPv4 address from them.
//!
//! ```toml
//! [[lease-server]]
//! name = "dhcp"                   # a link joins it to the rest, as any node
//! address = "192.0.2.1/24"
//! pool = ["192.0.2.100", "192.0.2.199"]
//! lease = "40s"
//! router = "192.0.2.254"
//! ```

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tickwire_core::wire::ethernet::EthernetAddress;

use super::names::Names;
use super::nodes::same_subnet;
use super::text::ScenarioError;
use super::{AdversaryKind, AdversarySpec, Prefix, Scenario};
use crate::link::text as quantity;
use crate::node::LeaseServer;
use crate::node::lease::LeaseServerConfig;
use crate::world::{NodeId, World};

/// A DHCP server. Its times are whole seconds, as they are on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeaseServerSpec {
    /// Its name, by which links refer to it.
    pub name: String,
    /// Its IPv4 address, fixed, and the network of its clients.
    pub address: Prefix,
    /// The first and the last address that it gives.
    pub pool: [Ipv4Addr; 2],
    /// For how long.
    #[serde(with = "quantity::duration")]
    pub lease: Duration,
    /// T1, when clients ask it for more time; half of the lease, if not said.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "quantity::optional_duration")]
    pub renew: Option<Duration>,
    /// T2, when clients ask any server; seven eighths of the lease, if not said.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "quantity::optional_duration")]
    pub rebind: Option<Duration>,
    /// The router that its clients are told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub router: Option<Ipv4Addr>,
    /// Whether it gives an address at once to who wants that (RFC 4039).
    #[serde(default, skip_serializing_if = "is_false")]
    pub rapid_commit: bool,
    /// Whether it extends leases that another server has given on its network, as a backup does.
    #[serde(default, skip_serializing_if = "is_false")]
    pub authoritative: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl LeaseServerSpec {
    /// One that leads nowhere, and asks to be asked at the usual times.
    pub fn new(name: &str, address: Prefix, pool: [Ipv4Addr; 2], lease: Duration) -> LeaseServerSpec {
        LeaseServerSpec {
            name: name.to_owned(),
            address,
            pool,
            lease,
            renew: None,
            rebind: None,
            router: None,
            rapid_commit: false,
            authoritative: false,
        }
    }
}

/// Adds all of them. Returns their nodes, in the scenario's order.
pub(super) fn add<'a>(
    scenario: &'a Scenario,
    world: &mut World,
    names: &mut Names<'a>,
) -> Result<Vec<NodeId>, ScenarioError> {
    let rogue = |adversary: &AdversarySpec| matches!(adversary.kind, AdversaryKind::RogueDhcp { .. });
    if let Some(place) = scenario.host.iter().position(|host| host.dhcp)
        && scenario.lease_server.is_empty()
        && !scenario.adversary.iter().any(rogue)
    {
        let what = "there is nobody to lease an address from: write a [[lease-server]], and a link to it";
        return Err(ScenarioError::at(format!("host.{place}.dhcp"), what));
    }
    let mut nodes = Vec::new();
    for (place, spec) in scenario.lease_server.iter().enumerate() {
        let id = world.add_node(&spec.name, LeaseServer::new(config(place, spec)?));
        names.add_node(&format!("lease-server.{place}.name"), &spec.name, id, 1)?;
        nodes.push(id);
    }
    Ok(nodes)
}

fn config(place: usize, spec: &LeaseServerSpec) -> Result<LeaseServerConfig, ScenarioError> {
    let wrong = |field: &str, what: String| ScenarioError::at(format!("lease-server.{place}.{field}"), what);
    let IpAddr::V4(address) = spec.address.0.address else {
        return Err(wrong("address", format!("{} is no IPv4 address: DHCPv4 has only those", spec.address)));
    };
    let on_link = |field: &str, other: Ipv4Addr| {
        let what = || format!("{other} is not on the network of {}", spec.address);
        same_subnet(spec.address.0, other.into()).then_some(()).ok_or_else(|| wrong(field, what()))
    };
    let [first, last] = spec.pool;
    on_link("pool.0", first)?;
    on_link("pool.1", last)?;
    let len = u64::from(last.to_bits()).checked_sub(first.to_bits().into()).map(|span| span + 1);
    if len.is_none_or(|len| len > LeaseServer::POOL_MAX as u64) {
        let most = LeaseServer::POOL_MAX;
        return Err(wrong("pool", format!("from {first} to {last} there are not 1 to {most} addresses")));
    }
    spec.router.map_or(Ok(()), |router| on_link("router", router))?;
    let seconds = |field: &str, time: Duration| {
        let whole = u32::try_from(time.as_secs()).ok().filter(|whole| *whole > 0 && time.subsec_nanos() == 0);
        whole.ok_or_else(|| wrong(field, format!("{time:?} is no time of a lease: whole seconds, from \"1s\"")))
    };
    let lease = seconds("lease", spec.lease)?;
    let renew = spec.renew.map(|time| seconds("renew", time)).transpose()?;
    let rebind = spec.rebind.map(|time| seconds("rebind", time)).transpose()?;
    let whole = u64::from(lease);
    let (t1, t2) = (renew.map_or(whole * 4, |t1| u64::from(t1) * 8), rebind.map_or(whole * 7, |t2| u64::from(t2) * 8));
    if t1 >= t2 || t2 >= whole * 8 {
        let what =
            "T1 (`renew`, or half of the lease) must be before T2 (`rebind`, or seven eighths), and T2 before the end";
        return Err(wrong(if renew.is_some() { "renew" } else { "rebind" }, what.to_owned()));
    }
    let [high, low] = (place as u16).to_be_bytes();
    let LeaseServerSpec { pool, router, rapid_commit, authoritative, .. } = *spec;
    let (hardware, prefix_len) = (EthernetAddress([2, 0, 5, 0, high, low]), spec.address.0.prefix_len);
    Ok(LeaseServerConfig {
        hardware,
        address,
        prefix_len,
        pool,
        lease,
        renew,
        rebind,
        router,
        rapid_commit,
        authoritative,
    })
}
