//! Adversaries of a random scenario: who they are, where they stand, and whom they attack.

use std::time::Duration;

use arbitrary::{Result, Unstructured};
use tickwire_core::InterfaceAddress;

use super::features::Features;
use super::{join, magnitude, millis};
use crate::draw::PPM;
use crate::scenario::{
    AdversaryKind, AdversarySpec, ClaimSpec, ConnectionSpec, Family, Flow, Prefix, Scenario, ShapeSpec,
};
use crate::topology::{v4, v6};

/// From here on clients connect whose port an adversary knows.
const KNOWN_PORT: u16 = 40_000;

/// Draws those that sit beside the hosts, if there is a place for them, and those in the way of one of them.
pub(super) fn adversaries(u: &mut Unstructured<'_>, features: &Features, scenario: &mut Scenario) -> Result<()> {
    beside(u, features, scenario)?;
    in_the_way(u, features, scenario)
}

fn beside(u: &mut Unstructured<'_>, features: &Features, scenario: &mut Scenario) -> Result<()> {
    type Draw = fn(&mut Unstructured<'_>, &mut Scenario) -> Result<AdversaryKind>;
    let draws: [(bool, Draw); 7] = [
        (features.blind_segments, blind),
        (features.syn_floods, syn_flood),
        (features.arp_spoofers, |u, scenario| Ok(AdversaryKind::ArpSpoofer(claim(u, scenario)?))),
        (features.nd_spoofers, |u, scenario| Ok(AdversaryKind::NdSpoofer(claim(u, scenario)?))),
        (features.ra_spoofers, router),
        (features.overlaps, overlap),
        (features.garbled, garbled),
    ];
    for (_, draw) in draws.iter().filter(|(has, _)| *has) {
        let kind = draw(u, scenario)?;
        let mut spec = AdversarySpec::new(&name(scenario), kind, magnitude(u, 20, 3_000)? as u32);
        spec.at = millis(u, 1, 5_000)?;
        spec.every = Some(Duration::from_micros(magnitude(u, 100, 100_000)?));
        seat(spec, scenario);
    }
    Ok(())
}

fn name(scenario: &Scenario) -> String {
    format!("adversary{}", scenario.adversary.len())
}

/// Joins one to the first hub or switch, by a port more.
fn seat(spec: AdversarySpec, scenario: &mut Scenario) {
    let Some(middle) = scenario.hub.first_mut().or(scenario.switch.first_mut()) else { return };
    let end = format!("{}.{}", middle.name, middle.ports);
    middle.ports += 1;
    join(&spec.name.clone(), &end, scenario);
    scenario.adversary.push(spec);
}

fn flow<'a>(u: &mut Unstructured<'_>, scenario: &'a mut Scenario) -> Result<(usize, &'a mut Flow)> {
    let place = u.choose_index(scenario.flow.len())?;
    Ok((place, &mut scenario.flow[place]))
}

fn listens_on(place: usize, flow: &mut Flow) -> u16 {
    *flow.port.get_or_insert(7_000 + place as u16)
}

fn blind(u: &mut Unstructured<'_>, scenario: &mut Scenario) -> Result<AdversaryKind> {
    let (place, flow) = flow(u, scenario)?;
    (flow.connections, flow.parallel) = (1, 1);
    let from_port = *flow.from_port.get_or_insert(KNOWN_PORT + place as u16);
    let spec = ConnectionSpec {
        from: flow.from.clone(),
        from_port,
        to: flow.to.clone(),
        port: listens_on(place, flow),
        ip: flow.ip,
    };
    Ok(match u.int_in_range(0..=2)? {
        0 => AdversaryKind::BlindReset(spec),
        1 => AdversaryKind::BlindSyn(spec),
        _ => AdversaryKind::BlindData(spec),
    })
}

fn syn_flood(u: &mut Unstructured<'_>, scenario: &mut Scenario) -> Result<AdversaryKind> {
    let (place, flow) = flow(u, scenario)?;
    // Addresses of the link that nobody has.
    let sources = Prefix(match flow.ip {
        Family::V4 => InterfaceAddress::v4(v4(0, 0x8000), 17),
        Family::V6 => InterfaceAddress::v6((v6(0, 0).to_bits() | 1 << 48).into(), 80),
    });
    Ok(AdversaryKind::SynFlooder { to: flow.to.clone(), ip: flow.ip, port: listens_on(place, flow), sources })
}

fn claim(u: &mut Unstructured<'_>, scenario: &Scenario) -> Result<ClaimSpec> {
    let of = u.choose(&scenario.host)?.name.clone();
    let to = u.choose(&scenario.host)?.name.clone();
    let to = Some(to).filter(|to| *to != of);
    Ok(ClaimSpec { of, to })
}

fn router(u: &mut Unstructured<'_>, scenario: &mut Scenario) -> Result<AdversaryKind> {
    for host in &mut scenario.host {
        host.autoconfiguration = u.arbitrary()?;
    }
    let prefix_len = u.int_in_range(48..=64)?;
    let prefix = Prefix(InterfaceAddress::v6((v6(0, 0).to_bits() | 0x66 << 64).into(), prefix_len));
    Ok(AdversaryKind::RaSpoofer { prefix, lifetime: magnitude(u, 1, 9_000)? as u16 })
}

fn garbled(u: &mut Unstructured<'_>, scenario: &mut Scenario) -> Result<AdversaryKind> {
    let to = u.choose(&scenario.host)?.name.clone();
    let serving = scenario.flow.iter().position(|flow| flow.to == to).unwrap_or_default();
    let port = scenario.flow.get_mut(serving).map_or(0, |flow| listens_on(serving, flow));
    // No single octet makes an address of a host of these.
    let own = [v4(0, 0x6362).into(), v6(0, 0x6362).into()];
    Ok(AdversaryKind::Garbler { to, from: own.into(), port })
}

fn overlap(u: &mut Unstructured<'_>, scenario: &mut Scenario) -> Result<AdversaryKind> {
    // Of the other shapes what does not lie is a whole datagram, should the rest be lost.
    let shape = ShapeSpec::Across;
    let (_, flow) = flow(u, scenario)?;
    let of_flow = (flow.from.clone(), flow.to.clone(), flow.ip);
    // The first sink, if there is one.
    let sink = scenario.datagrams.first().map(|datagrams| (datagrams.from.clone(), datagrams.to.clone(), datagrams.ip));
    let (from, to, ip) = sink.unwrap_or(of_flow);
    Ok(AdversaryKind::FragmentOverlapper { from, to, ip, port: 9_000, shape })
}

fn in_the_way(u: &mut Unstructured<'_>, features: &Features, scenario: &mut Scenario) -> Result<()> {
    let kinds = [
        (features.optimistic_acks, AdversaryKind::OptimisticAcker { ahead: magnitude(u, 100, 1 << 20)? }),
        (features.divided_acks, AdversaryKind::AckDivider { pieces: u.int_in_range(2..=64)? }),
        (features.reneging, AdversaryKind::SackReneger { segments: u.int_in_range(1..=20)? }),
        (features.invented_blocks, AdversaryKind::SackInventor { ahead: magnitude(u, 1, 1 << 20)? }),
        (features.shrinking_windows, AdversaryKind::WindowShrinker { divisor: u.int_in_range(0..=8)? }),
        (features.injected_resets, AdversaryKind::ResetInjector),
        (features.injected_syns, AdversaryKind::SynInjector),
        (features.injected_data, AdversaryKind::DataInjector),
        (features.old_duplicates, AdversaryKind::OldDuplicates),
    ];
    for (_, kind) in kinds.into_iter().filter(|(has, _)| *has) {
        let mut spec = AdversarySpec::new(&name(scenario), kind, magnitude(u, 5, 1_000)? as u32);
        spec.chance = magnitude(u, 1_000, PPM.into())? as u32;
        let (_, flow) = flow(u, scenario)?;
        let host = if u.arbitrary()? { flow.from.clone() } else { flow.to.clone() };
        stand(spec, &host, scenario);
    }
    Ok(())
}

/// Puts one between a host and its link.
fn stand(spec: AdversarySpec, host: &str, scenario: &mut Scenario) {
    let Some(end) = scenario.link.iter_mut().flat_map(|link| &mut link.ends).find(|end| *end == host) else { return };
    *end = format!("{}.1", spec.name);
    join(host, &format!("{}.0", spec.name), scenario);
    scenario.adversary.push(spec);
}
