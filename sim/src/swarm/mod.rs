//! Random scenarios: each is a value that `arbitrary` makes of bytes that follow from a number.
//!
//! They are a *swarm*: a run first draws which features and faults it has at all, and then each of them at
//! random. So there are runs with nothing but reordering, and runs with everything, where picking each thing each
//! time would make all runs alike.
//!
//! | module | what |
//! |---|---|
//! | `features` | which features and faults a run has |
//! | `network` | hosts, what joins them, and how they are set |
//! | `path` | what is on a link |
//! | `load` | what the hosts say to each other |
//! | `trouble` | faults, and when |
//! | `adversaries` | who sends what he should not |
//! | `leases` | who leases his address, and from whom |

mod adversaries;
mod features;
mod leases;
mod load;
mod network;
mod path;
mod trouble;

use std::hash::Hasher as _;
use std::time::Duration;

use arbitrary::{Arbitrary, Result, Unstructured};
use siphasher::sip::SipHasher13;

use crate::Seed;
use crate::link::Link;
use crate::scenario::{LinkSpec, Scenario};

use features::Features;

/// Bytes that a scenario is made of: more than the largest takes.
const BYTES: usize = 1 << 14;

/// The random scenario of a number.
pub fn scenario(number: u64) -> Scenario {
    let mut bytes = Vec::with_capacity(BYTES);
    for block in 0..BYTES as u64 / 8 {
        let mut hasher = SipHasher13::new_with_keys(number, 0x7377_6172_6d00);
        hasher.write_u64(block.to_le());
        bytes.extend(hasher.finish().to_le_bytes());
    }
    // Bytes that run out are zeros, not an error.
    let scenario = Scenario::arbitrary(&mut Unstructured::new(&bytes));
    scenario.unwrap_or_else(|_| Scenario::empty("nothing"))
}

/// The seed of a number: of the world in which its scenario runs.
pub fn seed(number: u64) -> Seed {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    Seed(seed)
}

impl<'a> Arbitrary<'a> for Scenario {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Scenario> {
        let mut features = Features::arbitrary(u)?;
        features.foreign &= cfg!(feature = "smoltcp");
        if features.foreign {
            features = features.peaceful();
            // It goes on with no other bytes, and knows no path but the one with its MTU.
            (features.damage_unnoticed, features.mtu, features.black_hole) = (false, false, false);
        }
        if features.optimistic_acks {
            features = features.lossless();
        }
        let mut scenario = Scenario::empty("");
        scenario.heal = heal(u, &features)?;
        let shape = network::network(u, &features, &mut scenario)?;
        if features.foreign {
            network::make_foreign(u, &shape, &mut scenario)?;
        }
        load::load(u, &features, &shape, &mut scenario)?;
        adversaries::adversaries(u, &features, &mut scenario)?;
        trouble::trouble(u, &features, &mut scenario)?;
        let dhcp = if leases::leases(u, &features, &mut scenario)? { " dhcp" } else { "" };
        scenario.title = format!("{}: {features}{dhcp}", shape.name);
        if features.damage_unnoticed {
            let spoiled = ["stream-bytes", "stream-end", "datagram-bytes"];
            scenario.oracles_off = spoiled.map(str::to_owned).into();
        }
        Ok(scenario)
    }
}

/// When everything is healed: mostly within a minute, sometimes so late that connections are given up.
fn heal(u: &mut Unstructured<'_>, features: &Features) -> Result<Duration> {
    let seconds = if features.long { 120..=1_200 } else { 10..=60 };
    Ok(Duration::from_secs(u.int_in_range(seconds)?))
}

/// A number whose magnitude is as likely to be small as large.
fn magnitude(u: &mut Unstructured<'_>, low: u64, high: u64) -> Result<u64> {
    let bits = u.int_in_range(low.max(1).ilog2()..=high.max(1).ilog2())?;
    let (least, most) = (1_u64 << bits, (1_u64 << bits).saturating_mul(2) - 1);
    u.int_in_range(least.max(low)..=most.min(high).max(least.max(low)))
}

/// A short cable. Returns its name.
fn join(a: &str, b: &str, scenario: &mut Scenario) -> String {
    let name = format!("link{}", scenario.link.len());
    let path = Link::constant(Duration::from_micros(10));
    scenario.link.push(LinkSpec { name: name.clone(), ends: [a.to_owned(), b.to_owned()], path });
    name
}

fn millis(u: &mut Unstructured<'_>, low: u64, high: u64) -> Result<Duration> {
    magnitude(u, low, high).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_makes_one_scenario_that_can_be_written() {
        for number in 0..200 {
            let scenario = scenario(number);
            assert_eq!(scenario, super::scenario(number));
            let text = scenario.to_string();
            assert_eq!(text.parse(), Ok(scenario), "{number}\n{text}");
        }
    }

    #[test]
    fn magnitudes_are_within_their_bounds() {
        let bytes: Vec<u8> = (0..4_000_u32).map(|n| (n.wrapping_mul(0x9e37_79b1) >> 24) as u8).collect();
        let mut u = Unstructured::new(&bytes);
        for (low, high) in [(1, 1), (3, 5), (10, 1_000), (7, 1 << 40)] {
            for _ in 0..50 {
                let drawn = magnitude(&mut u, low, high).unwrap();
                assert!((low..=high).contains(&drawn), "{drawn} is not from {low} to {high}");
            }
        }
    }
}
