//! The canary: a run with something planted in it, outside the stacks, that the oracles must find.

use crate::link::{Corrupt, Delay, Link, Stage};
use crate::oracle::Oracle;
use crate::scenario::{Flow, HostSpec, LinkSpec, Prefix, Scenario};
use crate::topology::v4;
use crate::{InterfaceAddress, Seed};

use std::time::Duration;

/// What is planted: a box on the way that changes text and mends the checksum.
fn planted() -> Scenario {
    let mut scenario = Scenario::empty("canary: text is changed on the way, and the checksum is right");
    scenario.heal = Duration::from_secs(20);
    for (name, number) in [("a", 1), ("b", 2)] {
        let address = Prefix(InterfaceAddress::v4(v4(0, number), 16));
        scenario.host.push(HostSpec::new(name, vec![address]));
    }
    let changes = Stage::Corrupt(Corrupt::KeepChecksum { ppm: 20_000 });
    let path = Link::symmetric(vec![changes, Stage::Delay(Delay::constant(Duration::from_millis(1)))]);
    scenario.link.push(LinkSpec { name: "link".to_owned(), ends: ["a".to_owned(), "b".to_owned()], path });
    scenario.flow.push(Flow { response: 1 << 20, ..Flow::new("a", "b") });
    scenario
}

/// Whether the planted bug is found, and nothing else.
pub fn canary_is_found(seed: &Seed) -> bool {
    let outcome = super::one::run(&planted(), seed).outcome;
    let found: Vec<&str> = outcome.failures.iter().map(|failed| failed.oracle.as_str()).collect();
    !found.is_empty() && found.iter().all(|oracle| *oracle == Oracle::StreamBytes.name())
}
