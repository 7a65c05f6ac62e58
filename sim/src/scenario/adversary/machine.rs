//! The nodes that adversaries are in a world.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tickwire_core::Instant;
use tickwire_core::wire::ethernet::EthernetAddress;

use super::{AdversaryKind, AdversarySpec, ClaimSpec, ConnectionSpec, ShapeSpec};
use crate::draw::PPM;
use crate::node::Machine;
use crate::node::adversary::{
    ArpClaim, BlindSegment, Blow, Forger, Forgery, Garble, Guess, Injection, NeighborClaim, Overlap, RogueDhcp,
    RogueDhcpConfig, RouterClaim, Schedule, Shape, SynFlood, Tamperer, Tampering,
};
use crate::node::frames::Stations;
use crate::scenario::names::Names;
use crate::scenario::nodes::hardware;
use crate::scenario::text::ScenarioError;
use crate::scenario::{Family, Scenario};
use crate::world::{NodeId, World};

/// How long one that sends of its own accord waits, if that is not said.
const EVERY: Duration = Duration::from_millis(10);
/// Bytes of text in a segment that is to get into a connection blindly.
const TEXT: u16 = 100;
/// The port from which fragments that overlap are said to come.
const FRAGMENT_PORT: u16 = 9;

/// Adds all of them. Returns their nodes, in the scenario's order.
pub(in crate::scenario) fn add<'a>(
    scenario: &'a Scenario,
    world: &mut World,
    names: &mut Names<'a>,
) -> Result<Vec<NodeId>, ScenarioError> {
    let mut nodes = Vec::new();
    for (place, spec) in scenario.adversary.iter().enumerate() {
        let key = format!("adversary.{place}");
        let machine = Making { key: &key, place, spec, names }.machine(scenario.heal)?;
        let ports = machine.ports();
        let id = world.add_node(&spec.name, machine);
        names.add_node(&format!("{key}.name"), &spec.name, id, ports)?;
        nodes.push(id);
    }
    Ok(nodes)
}

/// An adversary that is being made.
struct Making<'a, 'n> {
    key: &'a str,
    place: usize,
    spec: &'a AdversarySpec,
    names: &'a Names<'n>,
}

/// A host that an adversary has to do with.
struct Known {
    hardware: EthernetAddress,
    address: IpAddr,
}

impl Making<'_, '_> {
    fn wrong(&self, field: &str, what: impl Into<String>) -> ScenarioError {
        ScenarioError::at(format!("{}.{field}", self.key), what)
    }

    fn machine(&self, heal: Duration) -> Result<Machine, ScenarioError> {
        if self.spec.kind.is_in_the_way() {
            return self.tamperer(heal).map(Machine::from);
        }
        if self.spec.chance != PPM {
            let what = format!("{} sends of its own accord: write `every`, as in every = \"10ms\"", self.name());
            return Err(self.wrong("chance", what));
        }
        if let AdversaryKind::RogueDhcp { server, gives, lease, refuses } = self.spec.kind {
            let (hardware, answers) = (self.hardware(), self.spec.count);
            let config =
                RogueDhcpConfig { hardware, server, gives, lease_seconds: lease, refuses, sees: true, answers };
            return Ok(RogueDhcp::new(config).between(self.begins(heal), Instant::ZERO + heal).into());
        }
        let interval = self.spec.every.unwrap_or(EVERY);
        if interval.is_zero() {
            return Err(self.wrong("every", "a frame every 0s has no end: write at least \"1ns\""));
        }
        let room = heal.saturating_sub(self.spec.at).as_nanos().div_ceil(interval.as_nanos());
        let count = u32::try_from(room).unwrap_or(u32::MAX).min(self.spec.count);
        let schedule = Schedule { begins: self.begins(heal), interval, count };
        Ok(Forger::new(self.forgery()?, schedule).into())
    }

    fn name(&self) -> &'static str {
        self.spec.kind.name()
    }

    fn begins(&self, heal: Duration) -> Instant {
        Instant::ZERO + self.spec.at.min(heal)
    }

    /// Its own address.
    fn hardware(&self) -> EthernetAddress {
        let [high, low] = (self.place as u16).to_be_bytes();
        EthernetAddress([2, 0, 2, 0, high, low])
    }

    /// The host that a key names, on the link of its interface.
    fn known(&self, field: &str, end: &str, ip: Family) -> Result<Known, ScenarioError> {
        let key = format!("{}.kind.{}.{field}", self.key, self.name());
        let (id, interface) = self.names.interface(&key, end)?;
        let host = end.rsplit_once('.').map_or(end, |(host, _)| host);
        let (_, spec) = self.names.host(&key, host)?;
        let mut addresses = spec.interfaces[interface].iter().map(|prefix| prefix.0.address);
        let address =
            addresses.find(|address| ip.is_of(*address)).ok_or_else(|| ScenarioError::at(key, spec.lacks(ip)))?;
        Ok(Known { hardware: hardware(id.index(), interface), address })
    }

    fn forgery(&self) -> Result<Forgery, ScenarioError> {
        Ok(match &self.spec.kind {
            AdversaryKind::BlindReset(of) => self.blind(of, Blow::Reset)?,
            AdversaryKind::BlindSyn(of) => self.blind(of, Blow::Syn)?,
            AdversaryKind::BlindData(of) => self.blind(of, Blow::Data(TEXT))?,
            AdversaryKind::SynFlooder { to, ip, port, sources } => {
                let to = self.known("to", to, *ip)?;
                if sources.0.address.is_ipv4() != to.address.is_ipv4() {
                    let what = format!("{sources} is of the other family than {}", to.address);
                    return Err(self.wrong("kind.syn-flooder.sources", what));
                }
                let stations = self.to(&to);
                Forgery::Syn(SynFlood { stations, sources: sources.0, to: SocketAddr::new(to.address, *port) })
            }
            AdversaryKind::ArpSpoofer(claim) => self.arp(claim)?,
            AdversaryKind::NdSpoofer(claim) => self.neighbor(claim)?,
            AdversaryKind::RaSpoofer { prefix, lifetime } => Forgery::Router(RouterClaim {
                router: Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0x66, self.place as u16),
                hardware: self.hardware(),
                hops: u8::MAX,
                router_lifetime: *lifetime,
                prefix: Some(prefix.0),
                prefix_lifetime: (*lifetime).into(),
            }),
            AdversaryKind::FragmentOverlapper { from, to, ip, port, shape } => {
                let (from, to) = (self.known("from", from, *ip)?, self.known("to", to, *ip)?);
                let shape = match shape {
                    ShapeSpec::Across => Shape::Across,
                    ShapeSpec::Within => Shape::Within,
                    ShapeSpec::Again => Shape::Again,
                };
                let ends = (SocketAddr::new(from.address, FRAGMENT_PORT), SocketAddr::new(to.address, *port));
                Forgery::Overlap(Overlap { stations: self.to(&to), from: ends.0, to: ends.1, shape })
            }
            AdversaryKind::Garbler { to, from, port } => Forgery::Garble(self.garble(to, from, *port)?),
            kind => return Err(self.wrong("kind", format!("{} forges no frames", kind.name()))),
        })
    }

    fn garble(&self, to: &str, from: &[IpAddr], port: u16) -> Result<Garble, ScenarioError> {
        let mut garble = Garble {
            stations: Stations { src: self.hardware(), dst: EthernetAddress::UNSPECIFIED },
            v4: None,
            v6: None,
            port,
        };
        for own in from {
            let victim = self.known("to", to, if own.is_ipv4() { Family::V4 } else { Family::V6 })?;
            garble.stations = self.to(&victim);
            match (*own, victim.address) {
                (IpAddr::V4(own), IpAddr::V4(victim)) => garble.v4 = Some((own, victim)),
                (IpAddr::V6(own), IpAddr::V6(victim)) => garble.v6 = Some((own, victim)),
                _ => {}
            }
        }
        if from.is_empty() {
            let what = "a garbler needs an address of its own: write from = [\"192.0.2.99\"]";
            return Err(self.wrong("kind.garbler.from", what));
        }
        Ok(garble)
    }

    fn to(&self, host: &Known) -> Stations {
        Stations { src: self.hardware(), dst: host.hardware }
    }

    /// All sequence numbers are swept, evenly.
    fn blind(&self, of: &ConnectionSpec, blow: Blow) -> Result<Forgery, ScenarioError> {
        let (from, to) = (self.known("from", &of.from, of.ip)?, self.known("to", &of.to, of.ip)?);
        let step = u32::MAX / self.spec.count.max(1);
        Ok(Forgery::Segment(BlindSegment {
            stations: self.to(&to),
            from: SocketAddr::new(from.address, of.from_port),
            to: SocketAddr::new(to.address, of.port),
            blow,
            guess: Guess::Sweep { step: step.max(1) },
            timestamps: blow != Blow::Reset,
        }))
    }

    fn arp(&self, claim: &ClaimSpec) -> Result<Forgery, ScenarioError> {
        let v4 = |field, end: &str| match self.known(field, end, Family::V4)? {
            Known { hardware, address: IpAddr::V4(address) } => Ok((hardware, address)),
            Known { address, .. } => Err(self.wrong(field, format!("{address} is no IPv4 address"))),
        };
        let told = claim.to.as_deref().map(|to| v4("to", to)).transpose()?;
        Ok(Forgery::Arp(ArpClaim { claimed: v4("of", &claim.of)?.1, hardware: self.hardware(), told }))
    }

    fn neighbor(&self, claim: &ClaimSpec) -> Result<Forgery, ScenarioError> {
        let v6 = |field, end: &str| match self.known(field, end, Family::V6)? {
            Known { hardware, address: IpAddr::V6(address) } => Ok((hardware, address)),
            Known { address, .. } => Err(self.wrong(field, format!("{address} is no IPv6 address"))),
        };
        let told = claim.to.as_deref().map(|to| v6("to", to)).transpose()?;
        Ok(Forgery::Neighbor(NeighborClaim { claimed: v6("of", &claim.of)?.1, hardware: self.hardware(), told }))
    }

    fn tamperer(&self, heal: Duration) -> Result<Tamperer, ScenarioError> {
        if self.spec.every.is_some() {
            let what = format!("{} waits for segments: write `chance`, as in chance = \"10%\"", self.name());
            return Err(self.wrong("every", what));
        }
        let bytes = |ahead: u64| {
            let what = || format!("{ahead} bytes are beyond any window: at most 1GiB");
            u32::try_from(ahead).ok().filter(|ahead| *ahead <= 1 << 30).ok_or_else(|| self.wrong("kind", what()))
        };
        let tampering = match self.spec.kind {
            AdversaryKind::OptimisticAcker { ahead } => Tampering::Optimistic { ahead: bytes(ahead)? },
            AdversaryKind::AckDivider { pieces } => Tampering::Divide { pieces },
            AdversaryKind::SackReneger { segments } => Tampering::Renege { segments },
            AdversaryKind::SackInventor { ahead } => Tampering::Invent { ahead: bytes(ahead)? },
            AdversaryKind::WindowShrinker { divisor } => Tampering::Shrink { divisor },
            AdversaryKind::ResetInjector => Tampering::Inject(Injection::Reset),
            AdversaryKind::SynInjector => Tampering::Inject(Injection::Syn),
            AdversaryKind::DataInjector => Tampering::Inject(Injection::Data),
            _ => Tampering::Inject(Injection::OldDuplicate),
        };
        let AdversarySpec { chance, count, .. } = *self.spec;
        Ok(Tamperer::new(tampering, chance, count).between(self.begins(heal), Instant::ZERO + heal))
    }
}
