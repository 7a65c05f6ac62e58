//! The network of a random scenario: hosts, what joins them, and how they are set.

use arbitrary::{Result, Unstructured};
use tickwire_core::InterfaceAddress;

use super::features::Features;
use super::magnitude;
use super::path::path;
use crate::scenario::{ForeignSpec, HostSpec, LinkSpec, MachineSpec, NatSpec, Prefix, Scenario, Setting};
use crate::topology::{v4, v6};

/// What the rest of the scenario has to know of its network.
pub(super) struct Shape {
    pub(super) name: &'static str,
    /// Who may open a connection to whom: hosts' names.
    pub(super) pairs: Vec<(String, String)>,
    /// Whether there is IPv6 all the way.
    pub(super) ipv6: bool,
    /// The smallest rate, in bits per second.
    pub(super) bottleneck_bps: Option<u64>,
}

/// The addresses of host `number` on network `network`.
fn addresses(network: u8, number: u16) -> Vec<Prefix> {
    let v4 = InterfaceAddress::v4(v4(network, number), 16);
    let v6 = InterfaceAddress::v6(v6(network, number), 64);
    vec![Prefix(v4), Prefix(v6)]
}

/// A host that is yet to be linked.
fn host(u: &mut Unstructured<'_>, features: &Features, name: &str, network: u8, number: u16) -> Result<HostSpec> {
    let mut host = HostSpec::new(name, addresses(network, number));
    if features.options {
        options(u, &mut host)?;
    }
    if features.small_buffers && u.ratio(2, 3)? {
        for buffer in ["tcp.socket.send_buffer", "tcp.socket.receive_buffer"] {
            let size = magnitude(u, 2 << 10, 256 << 10)?;
            host.options.insert(buffer.to_owned(), Setting(size.to_string()));
        }
    }
    Ok(host)
}

/// Values of options, by name, of which a host may have any.
const OPTIONS: [(&str, &[&str]); 15] = [
    ("tcp.initial_sequence", &["2147418112", "4294901760"]),
    ("tcp.sack", &["false"]),
    ("tcp.timestamps", &["false"]),
    ("tcp.window_scaling", &["false"]),
    ("tcp.socket.no_delay", &["true"]),
    ("tcp.ack_delay_ms", &["0", "1", "200", "499"]),
    ("tcp.rto_min_ms", &["10", "50", "1000"]),
    ("tcp.rto_initial_ms", &["1500", "3000"]),
    ("tcp.socket.mss_max", &["536", "100", "1220"]),
    ("tcp.socket.keep_alive_ms", &["1000", "20000"]),
    ("tcp.msl_ms", &["1000", "5000"]),
    ("tcp.socket.user_timeout_ms", &["60000", "200000"]),
    ("tcp.syn_timeout_ms", &["20000", "60000"]),
    ("tcp.retransmit_timeout_ms", &["100000"]),
    ("tcp.challenge_acks_per_second", &["1"]),
];

fn options(u: &mut Unstructured<'_>, host: &mut HostSpec) -> Result<()> {
    for (name, values) in OPTIONS {
        if u.ratio(1, 6)? {
            let value = u.choose(values)?;
            host.options.insert(name.to_owned(), Setting((*value).to_owned()));
        }
    }
    Ok(())
}

/// A network that is being made.
struct Making<'a, 'b> {
    u: &'a mut Unstructured<'b>,
    features: &'a Features,
    scenario: &'a mut Scenario,
    bottleneck_bps: Option<u64>,
}

impl Making<'_, '_> {
    fn host(&mut self, name: &str, network: u8, number: u16) -> Result<&mut HostSpec> {
        let host = host(self.u, self.features, name, network, number)?;
        self.scenario.host.push(host);
        let last = self.scenario.host.len() - 1;
        Ok(&mut self.scenario.host[last])
    }

    /// A router on networks `first` and `second`: host 254 of each.
    fn router(&mut self, name: &str, first: u8, second: u8) {
        let mut router = HostSpec::new(name, addresses(first, 254));
        router.interfaces.push(addresses(second, 254));
        router.router = true;
        self.scenario.host.push(router);
    }

    /// Links two nodes; `network` is the one that they are on.
    fn link(&mut self, network: u8, a: &str, b: &str) -> Result<()> {
        let number = self.scenario.link.len();
        // Two damages may cancel each other in a checksum: there is one link at most that damages.
        let spoils = number == 0;
        let features = Features { damage: self.features.damage && spoils, ..*self.features };
        let drawn = path(self.u, &features, network)?;
        self.bottleneck_bps = match (self.bottleneck_bps, drawn.bps) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self.scenario.link.push(LinkSpec {
            name: format!("link{number}"),
            ends: [a.to_owned(), b.to_owned()],
            path: drawn.link,
        });
        Ok(())
    }
}

/// Draws a network.
pub(super) fn network(u: &mut Unstructured<'_>, features: &Features, scenario: &mut Scenario) -> Result<Shape> {
    let which = if features.has_outsiders() { *u.choose(&[4, 5, 6, 8])? } else { u.int_in_range(0..=9)? };
    let mut making = Making { u, features, scenario, bottleneck_bps: None };
    let (name, ends, ipv6) = match which {
        0..=3 => pair(&mut making)?,
        4 => shared(&mut making, true)?,
        5 | 6 => shared(&mut making, false)?,
        7 => chain(&mut making)?,
        8 => dumbbell(&mut making)?,
        _ => nat(&mut making)?,
    };
    let bottleneck_bps = making.bottleneck_bps;
    Ok(Shape { name, pairs: ends, ipv6, bottleneck_bps })
}

type Drawn = Result<(&'static str, Vec<(String, String)>, bool)>;

fn both_ways(a: &str, b: &str) -> Vec<(String, String)> {
    vec![(a.to_owned(), b.to_owned()), (b.to_owned(), a.to_owned())]
}

fn pair(making: &mut Making<'_, '_>) -> Drawn {
    making.host("a", 0, 1)?;
    making.host("b", 0, 2)?;
    making.link(0, "a", "b")?;
    Ok(("pair", both_ways("a", "b"), true))
}

/// Hosts on a hub or a switch; all talk to the first.
fn shared(making: &mut Making<'_, '_>, hub: bool) -> Drawn {
    let hosts = making.u.int_in_range(3..=5_u16)?;
    let machine = MachineSpec { name: "middle".to_owned(), ports: usize::from(hosts) };
    if hub {
        making.scenario.hub.push(machine);
    } else {
        making.scenario.switch.push(machine);
    }
    let mut ends = Vec::new();
    for number in 1..=hosts {
        let name = format!("h{number}");
        making.host(&name, 0, number)?;
        making.link(0, &name, &format!("middle.{}", number - 1))?;
        if number > 1 {
            ends.extend(both_ways("h1", &name));
        }
    }
    Ok((if hub { "hub" } else { "switch" }, ends, true))
}

/// Two hosts with a router between them.
fn chain(making: &mut Making<'_, '_>) -> Drawn {
    for (name, network) in [("a", 0), ("b", 1)] {
        making.host(name, network, 1)?.gateways = vec![v4(network, 254).into(), v6(network, 254).into()];
    }
    making.router("r", 0, 1);
    making.link(0, "a", "r.0")?;
    making.link(1, "r.1", "b")?;
    Ok(("chain", both_ways("a", "b"), true))
}

/// Two pairs of hosts that share the link between two switches.
fn dumbbell(making: &mut Making<'_, '_>) -> Drawn {
    for name in ["left", "right"] {
        making.scenario.switch.push(MachineSpec { name: name.to_owned(), ports: 3 });
    }
    for (number, name) in (1..).zip(["a", "b", "c", "d"]) {
        making.host(name, 0, number)?;
    }
    making.link(0, "a", "left.0")?;
    making.link(0, "b", "left.1")?;
    making.link(0, "left.2", "right.2")?;
    making.link(0, "right.0", "c")?;
    making.link(0, "right.1", "d")?;
    Ok(("dumbbell", vec![("a".to_owned(), "c".to_owned()), ("d".to_owned(), "b".to_owned())], true))
}

/// A host behind a NAT, and a server.
fn nat(making: &mut Making<'_, '_>) -> Drawn {
    making.host("inside", 0, 1)?.gateways = vec![v4(0, 254).into()];
    making.host("outside", 1, 1)?;
    let side = |network| Prefix(InterfaceAddress::v4(v4(network, 254), 16));
    making.scenario.nat.push(NatSpec { name: "nat".to_owned(), inside: side(0), outside: side(1), gateway: None });
    making.link(0, "inside", "nat.0")?;
    making.link(1, "nat.1", "outside")?;
    Ok(("nat", vec![("inside".to_owned(), "outside".to_owned())], false))
}

/// Gives one of the hosts that talk another stack. The other end of each of its flows stays ours: of two hosts that
/// talk to each other it is one.
pub(super) fn make_foreign(u: &mut Unstructured<'_>, shape: &Shape, scenario: &mut Scenario) -> Result<()> {
    let (from, to) = u.choose(&shape.pairs)?;
    let chosen = if u.arbitrary()? { from } else { to };
    if let Some(place) = scenario.host.iter().position(|host| host.name == *chosen) {
        let host = scenario.host.remove(place);
        let addresses = host.interfaces.into_iter().flatten().collect();
        scenario.foreign.push(ForeignSpec { gateways: host.gateways, ..ForeignSpec::new(&host.name, addresses) });
    }
    Ok(())
}
