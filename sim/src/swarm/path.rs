//! What is on a link of a random scenario.

use std::time::Duration;

use arbitrary::{Result, Unstructured};

use super::features::Features;
use super::{magnitude, millis};
use crate::Instant;
use crate::link::{
    CoDel, Corrupt, Delay, Flap, FqCoDel, GilbertElliott, Law, Link, Loss, Mtu, Order, Outage, Pattern, Queue, Rate,
    Red, Room, Router, Stage, Step,
};
use crate::topology::{v4, v6};

/// A path, and its rate.
pub(super) struct Path {
    pub(super) link: Link,
    pub(super) bps: Option<u64>,
}

/// Draws what is on a link of a network; both directions are alike in half of the cases.
pub(super) fn path(u: &mut Unstructured<'_>, features: &Features, network: u8) -> Result<Path> {
    let (a_to_b, bps) = direction(u, features, network)?;
    let (b_to_a, other) = if u.ratio(1, 2)? { (a_to_b.clone(), bps) } else { direction(u, features, network)? };
    let bps = match (bps, other) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    Ok(Path { link: Link { a_to_b, b_to_a }, bps })
}

fn direction(u: &mut Unstructured<'_>, features: &Features, network: u8) -> Result<(Vec<Stage>, Option<u64>)> {
    let mut stages = Vec::new();
    let mut bps = None;
    if features.rates && u.ratio(3, 4)? {
        let rate = rate(u, features)?;
        bps = Some(rate.bps);
        stages.push(Stage::Rate(rate));
    }
    losses(u, features, &mut stages)?;
    if features.duplicates && u.ratio(2, 3)? {
        stages.push(Stage::Duplicate { ppm: magnitude(u, 100, 50_000)? as u32 });
    }
    changes(u, features, &mut stages)?;
    if features.flaps && u.ratio(1, 2)? {
        stages.push(Stage::Flap(flap(u)?));
    }
    if features.mtu && u.ratio(1, 3)? {
        let router = Router { ipv4: v4(network, 200), ipv6: v6(network, 200) };
        stages.push(Stage::Mtu(Mtu::constant(u.int_in_range(1_280..=1_499)?, Some(router))));
    }
    if features.black_hole && u.ratio(1, 3)? {
        stages.push(Stage::Mtu(Mtu::constant(u.int_in_range(1_280..=1_499)?, None)));
    }
    stages.push(Stage::Delay(delay(u, features)?));
    Ok((stages, bps))
}

fn rate(u: &mut Unstructured<'_>, features: &Features) -> Result<Rate> {
    let bps = magnitude(u, 200_000, 1_000_000_000)?;
    let room = if u.ratio(1, 2)? {
        Room::Frames(magnitude(u, 4, 400)? as u32)
    } else {
        Room::Bytes(magnitude(u, 8 << 10, 1 << 20)?)
    };
    let queue = if features.queues {
        match u.int_in_range(0..=5)? {
            0 => Queue::HeadDrop,
            1 => Queue::CoDel(CoDel { ecn: u.arbitrary()?, ..CoDel::default() }),
            2 => Queue::FqCoDel(FqCoDel::default()),
            3 => Queue::Red(Red::new(match room {
                Room::Frames(frames) => u64::from(frames / 4 + 1),
                Room::Bytes(bytes) => bytes / 4 + 1,
            })),
            4 => Queue::Step(Step { threshold: half(room), drop_not_ect: u.arbitrary()? }),
            _ => Queue::TailDrop,
        }
    } else {
        Queue::TailDrop
    };
    Ok(Rate::new(bps, room, queue))
}

/// Half the room.
fn half(room: Room) -> Room {
    match room {
        Room::Frames(frames) => Room::Frames(frames / 2 + 1),
        Room::Bytes(bytes) => Room::Bytes(bytes / 2 + 1),
    }
}

fn losses(u: &mut Unstructured<'_>, features: &Features, stages: &mut Vec<Stage>) -> Result<()> {
    if features.loss && u.ratio(2, 3)? {
        stages.push(Stage::Loss(Loss::Bernoulli { ppm: magnitude(u, 500, 100_000)? as u32 }));
    }
    if features.bursts && u.ratio(2, 3)? {
        let models = [GilbertElliott::WIRELESS, GilbertElliott::FADING, GilbertElliott::BURSTY];
        stages.push(Stage::Loss(Loss::GilbertElliott(*u.choose(&models)?)));
    }
    if features.chosen && u.ratio(2, 3)? {
        stages.push(Stage::Loss(match u.int_in_range(0..=2)? {
            0 => Loss::EveryNth(magnitude(u, 5, 500)?),
            1 => Loss::Ordinals(ordinals(u, 200)?),
            _ => Loss::Matching { pattern: pattern(u)?, ordinals: ordinals(u, 5)? },
        }));
    }
    Ok(())
}

fn ordinals(u: &mut Unstructured<'_>, most: u64) -> Result<Vec<u64>> {
    let count = u.int_in_range(1..=6)?;
    (0..count).map(|_| u.int_in_range(1..=most)).collect()
}

fn pattern(u: &mut Unstructured<'_>) -> Result<Pattern> {
    let patterns =
        [Pattern::Syn, Pattern::SynAck, Pattern::Data, Pattern::PureAck, Pattern::Fin, Pattern::Arp, Pattern::Icmp];
    u.choose(&patterns).copied()
}

fn changes(u: &mut Unstructured<'_>, features: &Features, stages: &mut Vec<Stage>) -> Result<()> {
    let mut change = |has: bool, kind: fn(u32) -> Corrupt| -> Result<()> {
        if has && u.ratio(2, 3)? {
            stages.push(Stage::Corrupt(kind(magnitude(u, 200, 20_000)? as u32)));
        }
        Ok(())
    };
    change(features.damage, |ppm| Corrupt::BreakChecksum { ppm })?;
    change(features.damage_unnoticed, |ppm| Corrupt::KeepChecksum { ppm })?;
    change(features.truncation, |ppm| Corrupt::Truncate { ppm })
}

fn flap(u: &mut Unstructured<'_>) -> Result<Flap> {
    if u.ratio(1, 2)? {
        let from = Instant::ZERO + millis(u, 10, 20_000)?;
        return Ok(Flap::Periodic { from, down: millis(u, 10, 2_000)?, up: millis(u, 100, 10_000)? });
    }
    let count = u.int_in_range(1..=3)?;
    let outage = |u: &mut Unstructured<'_>| -> Result<Outage> {
        Ok(Outage { from: Instant::ZERO + millis(u, 1, 30_000)?, down: millis(u, 10, 10_000)? })
    };
    Ok(Flap::Outages((0..count).map(|_| outage(u)).collect::<Result<_>>()?))
}

fn delay(u: &mut Unstructured<'_>, features: &Features) -> Result<Delay> {
    let calm = Duration::from_micros(magnitude(u, 10, 150_000)?);
    let spread = calm / u.int_in_range(1..=10)?;
    let law = if features.jitter {
        match u.int_in_range(0..=3)? {
            0 => Law::Constant(calm),
            1 => Law::Uniform { min: calm, max: calm + spread },
            2 => Law::Normal { mean: calm, deviation: spread },
            _ => Law::Pareto { min: calm, scale: spread },
        }
    } else {
        Law::Constant(calm)
    };
    let law = match law {
        Law::Constant(_) if features.overtaking => Law::Uniform { min: calm, max: calm + spread },
        law => law,
    };
    let order = if features.overtaking { Order::Overtake } else { Order::Keep };
    Ok(Delay { order, ..Delay::new(law) })
}
