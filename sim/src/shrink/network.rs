//! Steps that take a node out of the network: one that only passes on, and its two links become one.

use crate::InterfaceAddress;
use crate::link::Link;
use crate::scenario::{LinkSpec, Prefix, Scenario};
use crate::topology::{v4, v6};

/// Two links that become one, the first of the scenario.
#[derive(Clone, Copy, Debug)]
pub(super) struct Joint {
    /// Their places: of the one whose end is the first end of both, then of the other.
    places: [usize; 2],
    /// Whether each is told from its other end.
    turned: [bool; 2],
}

impl Joint {
    /// Of two links that meet at a node: one leads to it, the other on.
    fn at(node: &str, scenario: &Scenario, places: [usize; 2]) -> Joint {
        let [first, second] = places.map(|place| is_at(&scenario.link[place].ends[0], node));
        Joint { places, turned: [first, !second] }
    }

    /// The link that they become: frames go through what they went through.
    fn link(&self, scenario: &Scenario) -> LinkSpec {
        let told = |which: usize| {
            let link = scenario.link[self.places[which]].clone();
            if self.turned[which] { turned(link) } else { link }
        };
        let LinkSpec { name, ends: [near, _], path: toward } = told(0);
        let LinkSpec { ends: [_, far], path: from, .. } = told(1);
        let path = Link {
            a_to_b: toward.a_to_b.into_iter().chain(from.a_to_b).collect(),
            b_to_a: from.b_to_a.into_iter().chain(toward.b_to_a).collect(),
        };
        LinkSpec { name, ends: [near, far], path }
    }

    /// Where a stage of one of the two is in what they become: in which direction, and its place there. `None` of
    /// another link.
    pub(super) fn stage(
        &self,
        scenario: &Scenario,
        link: usize,
        toward_b: bool,
        stage: usize,
    ) -> Option<(bool, usize)> {
        let which = self.places.iter().position(|place| *place == link)?;
        let toward_b = toward_b != self.turned[which];
        // Towards the second end the first link comes first, and on the way back the second.
        let comes_first = toward_b == (which == 0);
        let other = 1 - which;
        let others = scenario.link[self.places[other]].path.stages(toward_b != self.turned[other]).len();
        Some((toward_b, if comes_first { stage } else { others + stage }))
    }
}

/// Without each node that passes on; with the two links that became one, if it had two.
pub(super) fn steps(scenario: &Scenario) -> impl Iterator<Item = (Scenario, Option<Joint>)> + '_ {
    let machines = scenario.hub.iter().chain(&scenario.switch).map(|machine| &machine.name);
    let routers = scenario.host.iter().filter(|host| host.router).map(|host| &host.name);
    let nats = scenario.nat.iter().map(|nat| &nat.name);
    machines.chain(routers).chain(nats).filter_map(|name| without(scenario, name))
}

/// Whether an end of a link, or what a fault befalls, is at a node.
pub(super) fn is_at(end: &str, node: &str) -> bool {
    end.split('.').next() == Some(node)
}

/// Without a node that has two links, or less. If it joined two networks, they are one afterwards.
fn without(scenario: &Scenario, name: &str) -> Option<(Scenario, Option<Joint>)> {
    let is_its_own = |link: &LinkSpec| link.ends.iter().any(|end| is_at(end, name));
    let own: Vec<usize> = (0..scenario.link.len()).filter(|place| is_its_own(&scenario.link[*place])).collect();
    let mut smaller = scenario.clone();
    smaller.link.retain(|link| !is_its_own(link));
    let joint = match own[..] {
        [first, second] => {
            let joint = Joint::at(name, scenario, [first, second]);
            let joined = joint.link(scenario);
            for fault in
                smaller.fault.iter_mut().filter(|fault| fault.link.as_ref() == Some(&scenario.link[second].name))
            {
                fault.link = Some(joined.name.clone());
            }
            smaller.link.insert(0, joined);
            Some(joint)
        }
        [] | [_] => None,
        _ => return None,
    };
    smaller.hub.retain(|hub| hub.name != name);
    smaller.switch.retain(|switch| switch.name != name);
    let between = smaller.nat.len() + smaller.host.iter().filter(|host| host.router).count();
    smaller.nat.retain(|nat| nat.name != name);
    smaller.host.retain(|host| host.name != name);
    let left = smaller.nat.len() + smaller.host.iter().filter(|host| host.router).count();
    if left == 0 && between > 0 {
        in_one_network(&mut smaller);
    }
    Some((smaller, joint))
}

/// A link, told from its other end.
fn turned(link: LinkSpec) -> LinkSpec {
    let LinkSpec { name, ends: [a, b], path } = link;
    LinkSpec { name, ends: [b, a], path: Link { a_to_b: path.b_to_a, b_to_a: path.a_to_b } }
}

/// Gives all hosts addresses of one network, and no routers.
fn in_one_network(scenario: &mut Scenario) {
    let ours = scenario.host.iter_mut().map(|host| (&mut host.gateways, &mut host.interfaces[..]));
    let foreign = scenario.foreign.iter_mut();
    let foreign = foreign.map(|host| (&mut host.gateways, std::slice::from_mut(&mut host.addresses)));
    for (number, (gateways, interfaces)) in (1..).zip(ours.chain(foreign)) {
        gateways.clear();
        for Prefix(address) in interfaces.iter_mut().flatten() {
            *address = if address.address.is_ipv4() {
                InterfaceAddress::v4(v4(0, number), 16)
            } else {
                InterfaceAddress::v6(v6(0, number), 64)
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::swarm;

    /// Two hosts with something between them: without it they still talk.
    #[rstest]
    #[case::router(include_str!("../../scenarios/router.toml"))]
    #[case::nat(include_str!("../../scenarios/nat-keep-alive.toml"))]
    fn two_links_become_one(#[case] text: &str) {
        let mut scenario: Scenario = text.parse().unwrap();
        scenario.expect = crate::scenario::Expectations::default();
        let links = scenario.link.len();
        loop {
            let Some((smaller, _)) = steps(&scenario).next() else { break };
            scenario = smaller;
        }
        assert!(scenario.link.len() < links, "{scenario}");
        assert!(scenario.nat.is_empty() && scenario.host.iter().all(|host| !host.router));
        assert_eq!(scenario.run(&swarm::seed(1)).failures, []);
    }

    /// What a frame goes through on its way from left to right, and back.
    #[test]
    fn stages_keep_their_order() {
        let link = |text: &str| toml::from_str::<LinkSpec>(text).unwrap();
        let mut scenario = Scenario::empty("");
        scenario.link.push(link(
            "name = 'first'\nends = ['m.0', 'a']\npath.a-to-b = [{duplicate = '1ppm'}]\npath.b-to-a = [{duplicate = '2ppm'}]",
        ));
        scenario.link.push(link(
            "name = 'second'\nends = ['m.1', 'b']\npath.a-to-b = [{duplicate = '3ppm'}]\npath.b-to-a = [{duplicate = '4ppm'}]",
        ));
        let joined = Joint::at("m", &scenario, [0, 1]).link(&scenario);
        assert_eq!((joined.name.as_str(), joined.ends), ("first", ["a".to_owned(), "b".to_owned()]));
        let ppm = |stages: &[crate::link::Stage]| -> Vec<u32> {
            let ppm = stages.iter().map(|stage| match stage {
                crate::link::Stage::Duplicate { ppm } => *ppm,
                other => panic!("{other:?}"),
            });
            ppm.collect()
        };
        assert_eq!((ppm(&joined.path.a_to_b), ppm(&joined.path.b_to_a)), (vec![2, 3], vec![4, 1]));
    }
}
