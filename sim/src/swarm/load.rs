//! What the hosts of a random scenario say to each other.

use arbitrary::{Result, Unstructured};

use super::features::Features;
use super::network::Shape;
use super::{magnitude, millis};
use crate::scenario::{Datagrams, Expected, Family, Flow, ForeignSpec, Reader, Scenario};
use crate::workload::Closes;

/// How long all bytes would take the bottleneck, at most.
const SECONDS: u64 = 20;
/// Bytes of a run, at most.
const BYTES_MAX: u64 = 6 << 20;

/// Draws flows and datagrams.
pub(super) fn load(
    u: &mut Unstructured<'_>,
    features: &Features,
    shape: &Shape,
    scenario: &mut Scenario,
) -> Result<()> {
    let flows = u.int_in_range(2..=4_u64)?;
    let bytes = shape.bottleneck_bps.map_or(BYTES_MAX, |bps| (bps / 8 * SECONDS).min(BYTES_MAX));
    for _ in 0..flows {
        let flow = flow(u, features, shape, bytes / flows, scenario)?;
        scenario.flow.push(flow);
    }
    if features.datagrams || features.overlaps {
        let ours = |name: &String| scenario.host.iter().any(|host| host.name == *name);
        let pairs: Vec<_> = shape.pairs.iter().filter(|(from, to)| ours(from) && ours(to)).collect();
        // A foreign host speaks TCP only.
        if pairs.is_empty() {
            return Ok(());
        }
        let (from, to) = (*u.choose(&pairs)?).clone();
        let len = magnitude(u, 8, 3_000)? as u32;
        let (count, every) = (magnitude(u, 10, 2_000)?, millis(u, 1, 200)?);
        let (ip, at) = (family(u, features, shape)?, millis(u, 1, 5_000)?);
        scenario.datagrams.push(Datagrams { from, to, ip, at, count, len, every });
    }
    Ok(())
}

fn family(u: &mut Unstructured<'_>, features: &Features, shape: &Shape) -> Result<Family> {
    Ok(if features.ipv6 && shape.ipv6 && u.ratio(1, 2)? { Family::V6 } else { Family::V4 })
}

fn flow(u: &mut Unstructured<'_>, features: &Features, shape: &Shape, bytes: u64, scenario: &Scenario) -> Result<Flow> {
    let (heal, foreign) = (scenario.heal, &scenario.foreign);
    let (from, to) = u.choose(&shape.pairs)?.clone();
    let mut flow = Flow { expect: Expected::Any, ip: family(u, features, shape)?, ..Flow::new(&from, &to) };
    flow.at = millis(u, 1, heal.as_millis() as u64 / 2)?;
    flow.closes = *u.choose(&[Closes::Client, Closes::Server, Closes::Both])?;
    match u.int_in_range(0..=3)? {
        0 if features.short_connections => {
            flow.connections = magnitude(u, 10, 200)?;
            flow.parallel = u.int_in_range(1..=16)?;
            flow.request = magnitude(u, 8, 2_000)?;
            flow.response = magnitude(u, 1, 10_000)?.min(bytes / flow.connections);
        }
        1 => {
            flow.rounds = magnitude(u, 2, 100)? as u32;
            flow.request = magnitude(u, 8, 5_000)?;
            flow.response = magnitude(u, 1, 100_000)?.min(bytes / u64::from(flow.rounds));
        }
        2 => {
            flow.request = u.int_in_range(bytes / 4..=bytes)?.max(8);
            flow.response = u.int_in_range(bytes / 4..=bytes)?;
            flow.overlapped = true;
        }
        _ => {
            let (up, down) = if u.arbitrary()? { (bytes, 0) } else { (8, bytes) };
            (flow.request, flow.response) = (up.max(8), down);
        }
    }
    let speaks = |host: &ForeignSpec| host.name == flow.from || host.name == flow.to;
    let has_foreign = foreign.iter().any(speaks);
    if has_foreign {
        (flow.connections, flow.parallel) = (1, 1);
    }
    if features.idle && flow.rounds > 1 && u.ratio(1, 2)? {
        flow.pause = millis(u, 10, 5_000)?;
        flow.rounds = flow.rounds.min(20);
    }
    if features.slow_readers && !has_foreign && u.ratio(1, 2)? {
        flow.reader = Some(Reader { bytes: magnitude(u, 1_000, 100_000)?, every: millis(u, 1, 500)? });
    }
    Ok(flow)
}
