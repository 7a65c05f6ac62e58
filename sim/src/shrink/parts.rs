//! Steps that leave something out.

use crate::draw::PPM;
use crate::link::{Delay, Law, Link, Stage};
use crate::node::adversary::Tamperer;
use crate::scenario::{AdversaryKind, Expectations, Family, Flow, HostSpec, LinkSpec, Scenario};

use super::network::is_at;

/// Whole kinds of things at once.
pub(super) fn leaps(scenario: &Scenario) -> impl Iterator<Item = Scenario> + '_ {
    let alone = (0..scenario.flow.len()).map(|place| Scenario {
        flow: vec![scenario.flow[place].clone()],
        datagrams: Vec::new(),
        ..scenario.clone()
    });
    let datagrams = (!scenario.datagrams.is_empty()).then(|| Scenario { flow: Vec::new(), ..scenario.clone() });
    let unfaulty = Scenario { fault: Vec::new(), ..scenario.clone() };
    let mut plain = scenario.clone();
    plain.host.iter_mut().for_each(|host| host.options.clear());
    let mut wires = scenario.clone();
    wires.link.iter_mut().for_each(|link| link.path = Link::default());
    let mut calm = scenario.clone();
    for stages in calm.link.iter_mut().flat_map(|link| [&mut link.path.a_to_b, &mut link.path.b_to_a]) {
        stages.retain(|stage| matches!(stage, Stage::Delay(_)));
    }
    let unexpecting = Scenario { expect: Expectations::default(), ..scenario.clone() };
    alone.chain(datagrams).chain([unfaulty, wires, calm, plain, unexpecting])
}

/// Each flow, fault and node, one by one.
pub(super) fn left_out(scenario: &Scenario) -> impl Iterator<Item = Scenario> + '_ {
    let flows = without(scenario, scenario.flow.len(), |smaller, place| drop(smaller.flow.remove(place)));
    let datagrams = without(scenario, scenario.datagrams.len(), |smaller, place| drop(smaller.datagrams.remove(place)));
    let faults = without(scenario, scenario.fault.len(), |smaller, place| drop(smaller.fault.remove(place)));
    let adversaries = without(scenario, scenario.adversary.len(), without_adversary);
    let ours = scenario.host.iter().map(|host| &host.name);
    let hosts = ours.chain(scenario.foreign.iter().map(|host| &host.name)).map(|name| without_host(scenario, name));
    let native = without(scenario, scenario.foreign.len(), with_our_stack);
    flows.chain(datagrams).chain(faults).chain(adversaries).chain(hosts).chain(native)
}

/// Each stage, option and address, one by one.
pub(super) fn trimmed(scenario: &Scenario) -> impl Iterator<Item = Scenario> + '_ {
    let stages = (0..scenario.link.len()).flat_map(move |link| without_stages(scenario, link));
    let hosts = (0..scenario.host.len()).flat_map(move |place| {
        let smaller = plainer(&scenario.host[place]);
        smaller.into_iter().map(move |host| {
            let mut smaller = scenario.clone();
            smaller.host[place] = host;
            smaller
        })
    });
    let oracles = without(scenario, scenario.oracles_off.len(), |smaller, place| {
        drop(smaller.oracles_off.remove(place));
    });
    let flows = (0..scenario.flow.len()).flat_map(move |place| {
        let smaller = plainer_flows(&scenario.flow[place]);
        smaller.into_iter().map(move |flow| {
            let mut smaller = scenario.clone();
            smaller.flow[place] = flow;
            smaller
        })
    });
    let datagrams =
        without(scenario, scenario.datagrams.len(), |smaller, place| smaller.datagrams[place].ip = Family::default());
    let always = without(scenario, scenario.adversary.len(), |smaller, place| smaller.adversary[place].chance = PPM);
    let to_all = without(scenario, scenario.adversary.len(), |smaller, place| {
        if let AdversaryKind::ArpSpoofer(claim) | AdversaryKind::NdSpoofer(claim) = &mut smaller.adversary[place].kind {
            claim.to = None;
        }
    });
    stages.chain(hosts).chain(flows).chain(datagrams).chain(always).chain(to_all).chain(oracles)
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

/// Without a host of ours or another's, and without all that is about it.
fn without_host(scenario: &Scenario, name: &str) -> Scenario {
    let mut smaller = scenario.clone();
    smaller.host.retain(|host| host.name != name);
    smaller.foreign.retain(|host| host.name != name);
    smaller.flow.retain(|flow| flow.from != name && flow.to != name);
    smaller.datagrams.retain(|datagrams| datagrams.from != name && datagrams.to != name);
    smaller.expect.counters.remove(name);
    without_links_at(&mut smaller, name);
    smaller.fault.retain(|fault| fault.host.as_deref().is_none_or(|host| !is_at(host, name)));
    smaller
}

/// Without the links of a node, and what befalls them.
pub(super) fn without_links_at(scenario: &mut Scenario, node: &str) {
    scenario.link.retain(|link| !link.ends.iter().any(|end| is_at(end, node)));
    let links: Vec<&String> = scenario.link.iter().map(|link| &link.name).collect();
    scenario.fault.retain(|fault| fault.link.as_ref().is_none_or(|link| links.contains(&link)));
}

/// A foreign host becomes one of ours.
fn with_our_stack(scenario: &mut Scenario, place: usize) {
    let foreign = scenario.foreign.remove(place);
    scenario.host.push(HostSpec { gateways: foreign.gateways, ..HostSpec::new(&foreign.name, foreign.addresses) });
}

/// Without an adversary: whom it stood before is joined to its link again.
pub(super) fn without_adversary(scenario: &mut Scenario, place: usize) {
    let name = scenario.adversary.remove(place).name;
    let port = |number: usize| format!("{name}.{number}");
    let cable = scenario.link.iter().position(|link| link.ends.contains(&port(Tamperer::HOST)));
    if let Some(cable) = cable {
        let LinkSpec { ends: [a, b], .. } = scenario.link[cable].clone();
        let behind = if is_at(&a, &name) { b } else { a };
        let mut ends = scenario.link.iter_mut().flat_map(|link| &mut link.ends);
        if let Some(end) = ends.find(|end| **end == port(Tamperer::LINK)) {
            *end = behind;
            scenario.link.remove(cable);
        }
    }
    without_links_at(scenario, &name);
}

/// Without each stage of a link, and with each delay always the same.
fn without_stages(scenario: &Scenario, link: usize) -> impl Iterator<Item = Scenario> + '_ {
    let Link { a_to_b, b_to_a } = &scenario.link[link].path;
    let forth = (0..a_to_b.len()).map(move |stage| (true, stage));
    let back = (0..b_to_a.len()).map(move |stage| (false, stage));
    forth.chain(back).flat_map(move |(toward_b, stage)| {
        let changed = |change: &dyn Fn(&mut Vec<Stage>)| {
            let mut smaller = scenario.clone();
            let path = &mut smaller.link[link].path;
            change(if toward_b { &mut path.a_to_b } else { &mut path.b_to_a });
            smaller
        };
        let removed = changed(&|stages| drop(stages.remove(stage)));
        let steady = changed(&|stages| {
            if let Stage::Delay(delay) = &mut stages[stage] {
                *delay = Delay { law: Law::Constant(delay.law.calm()), correlation_ppm: 0, ..delay.clone() };
            }
        });
        [removed, steady]
    })
}

/// A host without each of what it need not have.
fn plainer(host: &HostSpec) -> Vec<HostSpec> {
    let mut all = Vec::new();
    for name in host.options.keys() {
        let mut plainer = host.clone();
        plainer.options.remove(name);
        all.push(plainer);
    }
    for (interface, addresses) in host.interfaces.iter().enumerate() {
        for address in 0..addresses.len() {
            let mut plainer = host.clone();
            plainer.interfaces[interface].remove(address);
            all.push(plainer);
        }
    }
    all.push(HostSpec { verified: false, ..host.clone() });
    all.push(HostSpec { autoconfiguration: false, ..host.clone() });
    all.push(HostSpec { gateways: Vec::new(), ..host.clone() });
    all
}

/// A flow without each of what is not by default.
fn plainer_flows(flow: &Flow) -> [Flow; 6] {
    let plain = Flow::new(&flow.from, &flow.to);
    [
        Flow { pause: plain.pause, ..flow.clone() },
        Flow { reader: plain.reader, ..flow.clone() },
        Flow { ip: plain.ip, ..flow.clone() },
        Flow { overlapped: plain.overlapped, ..flow.clone() },
        Flow { closes: plain.closes, ..flow.clone() },
        Flow { within: plain.within, ..flow.clone() },
    ]
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::swarm;

    /// One that stands between a host and its link, and one beside them.
    #[rstest]
    #[case::between(include_str!("../../scenarios/misbehaving-receiver.toml"))]
    #[case::beside(include_str!("../../scenarios/garbled.toml"))]
    fn without_its_adversary_a_scenario_is_whole(#[case] text: &str) {
        let scenario: Scenario = text.parse().unwrap();
        let mut smaller = scenario.clone();
        without_adversary(&mut smaller, 0);
        assert_eq!(smaller.adversary.len() + 1, scenario.adversary.len());
        assert_eq!(smaller.link.len() + 1, scenario.link.len());
        assert_eq!(smaller.run(&swarm::seed(1)).failures, []);
    }

    #[test]
    fn a_host_goes_with_all_that_is_about_it() {
        let scenario: Scenario = include_str!("../../scenarios/dumbbell.toml").parse().unwrap();
        let name = scenario.flow[0].from.clone();
        let smaller = without_host(&scenario, &name);
        assert!(smaller.host.len() < scenario.host.len() && !smaller.to_string().contains(&format!("\"{name}\"")));
        assert!(smaller.build(&swarm::seed(1)).is_ok());
    }

    #[cfg(feature = "smoltcp")]
    #[test]
    fn a_foreign_host_becomes_one_of_ours() {
        let mut scenario: Scenario = include_str!("../../scenarios/foreign-host.toml").parse().unwrap();
        let foreign = scenario.foreign.len();
        with_our_stack(&mut scenario, 0);
        assert_eq!(scenario.foreign.len() + 1, foreign);
        assert_eq!(scenario.run(&swarm::seed(1)).failures, []);
    }
}
