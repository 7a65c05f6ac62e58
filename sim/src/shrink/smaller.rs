//! Scenarios that are one step smaller.

use std::net::IpAddr;
use std::time::Duration;

use tickwire_core::InterfaceAddress;

use crate::link::Link;
use crate::node::adversary::Tamperer;
use crate::scenario::{Flow, LinkSpec, Prefix, Scenario};

/// The scenario that is smaller by the step of a number; `None` beyond the last one.
pub(super) fn step(scenario: &Scenario, number: usize) -> Option<Scenario> {
    steps(scenario).nth(number)
}

fn steps(scenario: &Scenario) -> impl Iterator<Item = Scenario> + '_ {
    let faults = without(scenario, scenario.fault.len(), |smaller, place| drop(smaller.fault.remove(place)));
    let flows = without(scenario, scenario.flow.len(), |smaller, place| drop(smaller.flow.remove(place)));
    let datagrams = without(scenario, scenario.datagrams.len(), |smaller, place| drop(smaller.datagrams.remove(place)));
    let hosts = (0..scenario.host.len()).filter_map(|place| without_host(scenario, place));
    let stages = (0..scenario.link.len()).flat_map(move |link| without_stages(scenario, link));
    let options = (0..scenario.host.len()).flat_map(move |host| {
        let names: Vec<String> = scenario.host[host].options.keys().cloned().collect();
        names.into_iter().map(move |name| {
            let mut smaller = scenario.clone();
            smaller.host[host].options.remove(&name);
            smaller
        })
    });
    let amounts = (0..scenario.flow.len()).flat_map(move |place| {
        let less = lessened(&scenario.flow[place]);
        less.into_iter().map(move |flow| {
            let mut smaller = scenario.clone();
            smaller.flow[place] = flow;
            smaller
        })
    });
    let sooner =
        (scenario.heal > Duration::from_secs(1)).then(|| Scenario { heal: scenario.heal / 2, ..scenario.clone() });
    let adversaries = (0..scenario.adversary.len()).filter_map(|place| without_adversary(scenario, place));
    let fixed = (0..scenario.host.len()).filter_map(|place| with_fixed_addresses(scenario, place));
    let servers = (0..scenario.lease_server.len()).filter_map(|place| without_lease_server(scenario, place));
    let nodes = adversaries.chain(hosts).chain(fixed).chain(servers);
    flows.chain(datagrams).chain(faults).chain(nodes).chain(stages).chain(options).chain(amounts).chain(sooner)
}

fn without<'a>(
    scenario: &'a Scenario,
    count: usize,
    remove: impl Fn(&mut Scenario, usize) + 'a,
) -> impl Iterator<Item = Scenario> + 'a {
    (0..count).map(move |place| {
        let mut smaller = scenario.clone();
        remove(&mut smaller, place);
        smaller
    })
}

/// Without a host that nobody talks to and nothing befalls, and without its links.
fn without_host(scenario: &Scenario, place: usize) -> Option<Scenario> {
    let name = &scenario.host[place].name;
    let is_it = |end: &str| end.split('.').next() == Some(name);
    let talks = scenario.flow.iter().any(|flow| is_it(&flow.from) || is_it(&flow.to))
        || scenario.datagrams.iter().any(|datagrams| is_it(&datagrams.from) || is_it(&datagrams.to));
    let befallen = scenario.fault.iter().any(|fault| fault.host.as_deref().is_some_and(is_it));
    let cut = |link: &str| scenario.fault.iter().any(|fault| fault.link.as_deref() == Some(link));
    let links = scenario.link.iter().filter(|link| link.ends.iter().any(|end| is_it(end)));
    if talks || befallen || scenario.host[place].router || links.into_iter().any(|link| cut(&link.name)) {
        return None;
    }
    let mut smaller = scenario.clone();
    smaller.host.remove(place);
    smaller.link.retain(|link| !link.ends.iter().any(|end| is_it(end)));
    Some(smaller)
}

/// Without an adversary: whom it stood before is joined to its link again.
fn without_adversary(scenario: &Scenario, place: usize) -> Option<Scenario> {
    let mut smaller = scenario.clone();
    let adversary = smaller.adversary.remove(place);
    let port = |number: usize| format!("{}.{number}", adversary.name);
    let is_own = |end: &String| *end == adversary.name || *end == port(Tamperer::HOST);
    let cable = smaller.link.iter().position(|link| link.ends.iter().any(is_own))?;
    let LinkSpec { name, ends: [a, b], .. } = smaller.link.remove(cable);
    if scenario.fault.iter().any(|fault| fault.link.as_ref() == Some(&name)) {
        return None;
    }
    let behind = if is_own(&a) { b } else { a };
    let mut ends = smaller.link.iter_mut().flat_map(|link| &mut link.ends);
    if let Some(end) = ends.find(|end| **end == port(Tamperer::LINK)) {
        *end = behind;
    }
    Some(smaller)
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

/// Without a DHCP server from which nobody leases anything, or that is not the only one, and without its link.
fn without_lease_server(scenario: &Scenario, place: usize) -> Option<Scenario> {
    let mut smaller = scenario.clone();
    let name = smaller.lease_server.remove(place).name;
    let is_needed = smaller.lease_server.is_empty() && scenario.host.iter().any(|host| host.dhcp);
    let is_its = |link: &LinkSpec| link.ends.iter().any(|end| end.split('.').next() == Some(&name));
    let is_cut = |link: &LinkSpec| scenario.fault.iter().any(|fault| fault.link.as_ref() == Some(&link.name));
    if is_needed || scenario.link.iter().any(|link| is_its(link) && is_cut(link)) {
        return None;
    }
    smaller.link.retain(|link| !is_its(link));
    Some(smaller)
}

/// Without each stage of a link.
fn without_stages(scenario: &Scenario, link: usize) -> impl Iterator<Item = Scenario> + '_ {
    let Link { a_to_b, b_to_a } = &scenario.link[link].path;
    let forth = (0..a_to_b.len()).map(move |stage| (true, stage));
    let back = (0..b_to_a.len()).map(move |stage| (false, stage));
    forth.chain(back).map(move |(toward_b, stage)| {
        let mut smaller = scenario.clone();
        let path = &mut smaller.link[link].path;
        let stages = if toward_b { &mut path.a_to_b } else { &mut path.b_to_a };
        stages.remove(stage);
        smaller
    })
}

/// A flow with half of each amount, and without what is not by default.
fn lessened(flow: &Flow) -> Vec<Flow> {
    let plain = Flow::new(&flow.from, &flow.to);
    let all = [
        Flow { request: (flow.request / 2).max(plain.request), ..flow.clone() },
        Flow { response: flow.response / 2, ..flow.clone() },
        Flow { connections: flow.connections.div_ceil(2), ..flow.clone() },
        Flow { rounds: flow.rounds.div_ceil(2), ..flow.clone() },
        Flow { parallel: 1, ..flow.clone() },
        Flow { pause: Duration::ZERO, ..flow.clone() },
        Flow { at: flow.at / 2, ..flow.clone() },
        Flow { reader: None, ..flow.clone() },
        Flow { ip: plain.ip, ..flow.clone() },
        Flow { overlapped: false, ..flow.clone() },
        Flow { closes: plain.closes, ..flow.clone() },
    ];
    all.into_iter().filter(|less| less != flow).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::scenario::Expectations;
    use crate::swarm;

    /// A host that leases its address keeps it without a server.
    #[test]
    fn without_leases_a_scenario_is_whole() {
        let text = include_str!("../../scenarios/dhcp-renewal.toml");
        let scenario = Scenario { expect: Expectations::default(), ..text.parse().unwrap() };
        assert_eq!(without_lease_server(&scenario, 0), None);
        let client = scenario.host.iter().position(|host| host.dhcp).unwrap();
        let fixed = with_fixed_addresses(&scenario, client).unwrap();
        assert_eq!(with_fixed_addresses(&fixed, client), None);
        let smaller = without_lease_server(&fixed, 0).unwrap();
        assert_eq!(smaller.link.len() + 1, scenario.link.len());
        assert_eq!(smaller.run(&swarm::seed(1)).failures, []);
    }

    /// One that stands between a host and its link, and one beside them.
    #[rstest]
    #[case::between(include_str!("../../scenarios/misbehaving-receiver.toml"))]
    #[case::beside(include_str!("../../scenarios/garbled.toml"))]
    fn without_its_adversary_a_scenario_is_whole(#[case] text: &str) {
        let scenario: Scenario = text.parse().unwrap();
        let smaller = without_adversary(&scenario, 0).unwrap();
        assert_eq!(smaller.adversary.len() + 1, scenario.adversary.len());
        assert_eq!(smaller.link.len() + 1, scenario.link.len());
        assert_eq!(smaller.run(&swarm::seed(1)).failures, []);
    }
}
