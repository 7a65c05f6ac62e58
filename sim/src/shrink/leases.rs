//! Steps that leave out DHCP: addresses are fixed, and servers gone.

use std::net::IpAddr;

use tickwire_core::InterfaceAddress;

use super::parts::without_links_at;
use crate::scenario::{Prefix, Scenario};

/// Each host with addresses of its own, and without each server, one by one.
pub(super) fn steps(scenario: &Scenario) -> impl Iterator<Item = Scenario> + '_ {
    let fixed = (0..scenario.host.len()).filter_map(|place| with_fixed_addresses(scenario, place));
    fixed.chain((0..scenario.lease_server.len()).filter_map(|place| without_server(scenario, place)))
}

/// With addresses of its own instead of leases, where a host has them: from the end of the pool of the first DHCP
/// server. Its routes are then the server's.
fn with_fixed_addresses(scenario: &Scenario, place: usize) -> Option<Scenario> {
    let server = scenario.lease_server.first().filter(|_| scenario.host[place].dhcp)?;
    let mut smaller = scenario.clone();
    let host = &mut smaller.host[place];
    host.dhcp = false;
    for (number, own) in (0_u32..).zip(&mut host.interfaces) {
        if !own.iter().any(|prefix| prefix.0.address.is_ipv4()) {
            let address = server.pool[1].to_bits().checked_sub(place as u32 * 8 + number)?;
            own.push(Prefix(InterfaceAddress::v4(address.into(), server.address.0.prefix_len)));
        }
    }
    host.gateways.extend(server.router.map(IpAddr::from));
    Some(smaller)
}

/// Without a DHCP server, its links and what befalls them. The last one is needed while somebody leases an address.
fn without_server(scenario: &Scenario, place: usize) -> Option<Scenario> {
    let mut smaller = scenario.clone();
    let name = smaller.lease_server.remove(place).name;
    let is_needed = smaller.lease_server.is_empty() && scenario.host.iter().any(|host| host.dhcp);
    if is_needed {
        return None;
    }
    without_links_at(&mut smaller, &name);
    Some(smaller)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Expectations;
    use crate::swarm;

    /// A host that leases its address keeps it without a server.
    #[test]
    fn without_leases_a_scenario_is_whole() {
        let text = include_str!("../../scenarios/dhcp-renewal.toml");
        let scenario = Scenario { expect: Expectations::default(), ..text.parse().unwrap() };
        assert_eq!(without_server(&scenario, 0), None);
        let client = scenario.host.iter().position(|host| host.dhcp).unwrap();
        let fixed = with_fixed_addresses(&scenario, client).unwrap();
        assert_eq!(with_fixed_addresses(&fixed, client), None);
        let smaller = without_server(&fixed, 0).unwrap();
        assert_eq!(smaller.link.len() + 1, scenario.link.len());
        assert_eq!(smaller.run(&swarm::seed(1)).failures, []);
    }
}
