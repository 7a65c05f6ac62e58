//! DHCP in a random scenario: which hosts lease their addresses, from whom, and whether a server goes away, or a client and
//! comes back.

use std::mem::swap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use arbitrary::{Result, Unstructured};
use tickwire_core::InterfaceAddress;

use super::features::Features;
use super::{join, millis};
use crate::scenario::{Family, FaultSpec, HostSpec, LeaseServerSpec, LinkSpec, MachineSpec, Prefix, Scenario, What};
use crate::topology::v4;

/// In how many runs of a hundred hosts lease addresses, if they can.
const OF_A_HUNDRED: u8 = 25;
/// The numbers of servers on network 0, and where the pool of each begins: what one gives, the other does not.
const SERVERS: [(u16, u16); 2] = [(250, 0x1001), (251, 0x2001)];
/// The last address of a pool, counted from its first: so many that none is given to two clients in a run.
const POOL: u16 = 99;
/// The longest lease, in seconds: most runs see it renewed.
const LEASE_MAX: u64 = 60;

/// Draws clients and servers, last of all, so that other runs are as they would be. Nobody who forges frames sits beside
/// clients: he would have to know their addresses. Returns whether there are any.
pub(super) fn leases(u: &mut Unstructured<'_>, features: &Features, scenario: &mut Scenario) -> Result<bool> {
    let unfit = features.has_outsiders() || features.damage_unnoticed || features.optimistic_acks;
    if unfit || !u.ratio(OF_A_HUNDRED, 100_u8)? {
        return Ok(false);
    }
    let Some((client, router)) = clients(u, scenario)? else { return Ok(false) };
    let lease = Duration::from_secs(u.int_in_range(8..=LEASE_MAX)?);
    let (rapid_commit, authoritative) = (u.ratio(1, 4)?, u.arbitrary()?);
    let count = if u.ratio(1, 3)? { 2 } else { 1 };
    for (number, (own, pool)) in SERVERS.into_iter().take(count).enumerate() {
        let name = format!("dhcp{number}");
        let address = Prefix(InterfaceAddress::v4(v4(0, own), 16));
        let server = LeaseServerSpec::new(&name, address, [v4(0, pool), v4(0, pool + POOL)], lease);
        // The second is the backup.
        let authoritative = authoritative && number > 0;
        scenario.lease_server.push(LeaseServerSpec { router, rapid_commit, authoritative, ..server });
        let cable = seat(&name, &client, scenario);
        if number == 0 && u.ratio(1, 2)? {
            let at = millis(u, 1, scenario.heal.as_millis() as u64)?;
            let lasts = millis(u, 1_000, LEASE_MAX * 2_000)?;
            scenario.fault.push(FaultSpec { link: Some(cable), lasts: Some(lasts), ..FaultSpec::new(at, What::Cut) });
        }
    }
    if rapid_commit && count > 1 && !features.foreign {
        // Both have given it an address at once: when it comes back, one confirms what the other refuses.
        let at = millis(u, 1, scenario.heal.as_millis() as u64)?;
        let (host, lasts) = (Some(format!("{client}.0")), Some(millis(u, 5, 15_000)?));
        scenario.fault.push(FaultSpec { host, lasts, ..FaultSpec::new(at, What::InterfaceDown) });
    }
    Ok(true)
}

/// Has hosts of network 0 lease their addresses, who talk over IPv4 to others that don't: they begin. Returns the name
/// of one, and its router; `None` if nobody was chosen.
fn clients(u: &mut Unstructured<'_>, scenario: &mut Scenario) -> Result<Option<(String, Option<Ipv4Addr>)>> {
    let mut one = None;
    for place in 0..scenario.host.len() {
        let name = scenario.host[place].name.clone();
        if !is_plain(&scenario.host[place]) || talks_to_a_client(&name, scenario) || !u.ratio(2, 3)? {
            continue;
        }
        for flow in scenario.flow.iter_mut().filter(|flow| flow.ip == Family::V4 && flow.to == name) {
            swap(&mut flow.from, &mut flow.to);
        }
        for datagrams in scenario.datagrams.iter_mut().filter(|series| series.ip == Family::V4 && series.to == name) {
            swap(&mut datagrams.from, &mut datagrams.to);
        }
        let host = &mut scenario.host[place];
        host.dhcp = true;
        host.interfaces[0].retain(|prefix| prefix.0.address.is_ipv6());
        let mut router = None;
        host.gateways.retain(|gateway| match gateway {
            IpAddr::V4(gateway) => {
                router = Some(*gateway);
                false
            }
            IpAddr::V6(_) => true,
        });
        one.get_or_insert((name, router));
    }
    Ok(one)
}

/// Whether a host has one interface, on network 0.
fn is_plain(host: &HostSpec) -> bool {
    let [own] = &host.interfaces[..] else { return false };
    let is_first = |prefix: &Prefix| matches!(prefix.0.address, IpAddr::V4(own) if own.octets()[1] == 0);
    !host.router && own.iter().any(is_first)
}

/// Whether a host talks over IPv4 to one whose address nobody knows.
fn talks_to_a_client(name: &str, scenario: &Scenario) -> bool {
    let leases = |other: &String| scenario.host.iter().any(|host| host.name == *other && host.dhcp);
    let between = |from: &String, to: &String| (from == name && leases(to)) || (to == name && leases(from));
    let flows = scenario.flow.iter().filter(|flow| flow.ip == Family::V4);
    let series = scenario.datagrams.iter().filter(|series| series.ip == Family::V4);
    flows.into_iter().any(|flow| between(&flow.from, &flow.to))
        || series.into_iter().any(|series| between(&series.from, &series.to))
}

/// Joins a server to the first hub or switch, by a port more. Where there is none, a switch is put on the link of a
/// client. Returns the name of the server's cable.
fn seat(server: &str, client: &str, scenario: &mut Scenario) -> String {
    if scenario.hub.is_empty() && scenario.switch.is_empty() {
        scenario.switch.push(MachineSpec { name: "office".to_owned(), ports: 2 });
        let link = scenario.link.iter_mut().find(|link| link.ends.iter().any(|end| end == client));
        if let Some(LinkSpec { ends: [a, b], .. }) = link {
            let far = if a == client { b } else { a };
            let behind = std::mem::replace(far, "office.0".to_owned());
            join("office.1", &behind, scenario);
        }
    }
    let Some(middle) = scenario.hub.first_mut().or(scenario.switch.first_mut()) else { return String::new() };
    let port = format!("{}.{}", middle.name, middle.ports);
    middle.ports += 1;
    join(server, &port, scenario)
}
