//! What the flows of a run came to together: how they shared, how well the bottleneck was used, how long frames
//! waited for it, and how much was sent again. Measured in every run; judged by laws, and by what the scenario
//! expects.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tickwire_core::{DropReason, Stack};

use super::build::{Built, FlowEnd};
use super::expect::{Bound, Kind};
use super::judge::Judge;
use super::{Expectations, Scenario};
use crate::link::{Counters, Load, Rate, Stage, StageKind};
use crate::node::Machine;
use crate::oracle::Oracle;
use crate::world::{LinkId, NodeId};

/// The share of frames whose wait is told, in a thousand.
const PERMILLE: u64 = 990;

/// What the flows of a run came to together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Population {
    /// The goodput of each flow in bits per second, in the scenario's order: what both ends received, by the time
    /// from the opening of its first connection until its last byte.
    pub goodputs_bps: Vec<u64>,
    /// Jain's index of the goodputs, in parts of a million: a million if all are the same, as many over the number of
    /// flows if one has everything. `None` of fewer than two flows, and if nothing was received.
    pub jain_ppm: Option<u32>,
    /// The rate that was sending for the longest time; `None` if no link has a rate, or nobody said anything.
    pub bottleneck: Option<Bottleneck>,
    /// Of the segments with SYN, text or FIN that hosts sent, those that were sent again, in parts of a million.
    /// `None` if there was none.
    pub retransmissions_ppm: Option<u32>,
}

/// The rate that was sending for the longest time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bottleneck {
    /// The name of its link.
    pub link: String,
    /// The node towards which it sends.
    pub toward: String,
    /// In how much of the time it was sending, in parts of a million: from the first frame with TCP or UDP to the last.
    pub utilisation_ppm: u32,
    /// How long 99 in a hundred of its frames waited at most, in nanoseconds; up to 1/32 too long.
    pub queue_p99_nanos: u64,
}

/// A rate of a link, and where it stands.
struct Placed<'a> {
    place: usize,
    toward_b: bool,
    rate: Rate,
    load: &'a Load,
}

impl Population {
    /// What the flows of a run have come to by now.
    pub(super) fn of(scenario: &Scenario, built: &Built) -> Population {
        let goodputs_bps: Vec<u64> = built.flows.iter().map(|ends| goodput(built, *ends)).collect();
        let busiest = rates(built).max_by_key(|placed| {
            // Of equals the first.
            (placed.load.busy(placed.rate.bps), std::cmp::Reverse((placed.place, placed.toward_b)))
        });
        Population {
            jain_ppm: jain(&goodputs_bps),
            bottleneck: busiest.and_then(|placed| placed.told(scenario)),
            retransmissions_ppm: retransmissions(scenario, built),
            goodputs_bps,
        }
    }
}

impl Placed<'_> {
    fn told(&self, scenario: &Scenario) -> Option<Bottleneck> {
        let utilisation_ppm = self.load.utilisation(self.rate.bps)?;
        let waited = self.load.waits.permille(PERMILLE).as_nanos();
        let link = scenario.link.get(self.place)?;
        Some(Bottleneck {
            link: link.name.clone(),
            toward: link.ends[usize::from(self.toward_b)].clone(),
            utilisation_ppm,
            queue_p99_nanos: u64::try_from(waited).unwrap_or(u64::MAX),
        })
    }
}

/// All rates of all links.
fn rates(built: &Built) -> impl Iterator<Item = Placed<'_>> {
    let loads = |id: &LinkId| built.world.link_loads(*id);
    built.links.iter().enumerate().flat_map(move |(place, id)| {
        let ways = [true, false].into_iter().zip(loads(id));
        ways.flat_map(move |(toward_b, loads)| {
            loads.into_iter().map(move |(rate, load)| Placed { place, toward_b, rate, load })
        })
    })
}

/// What both ends of a flow received, in bits per second.
fn goodput(built: &Built, ends: [FlowEnd; 2]) -> u64 {
    // A foreign end keeps no ledger.
    let ledgers = || ends.iter().filter_map(|end| built.world.ledger(end.ours()?));
    let began = ledgers().filter_map(|ledger| ledger.began).min();
    let (Some(began), Some(last)) = (began, ledgers().filter_map(|ledger| ledger.last).max()) else { return 0 };
    let bits = u128::from(ledgers().map(|ledger| ledger.received).sum::<u64>()) * 8;
    let bps = bits * 1_000_000_000 / last.since(began).as_nanos().max(1);
    u64::try_from(bps).unwrap_or(u64::MAX)
}

/// `(sum x)^2 / (n sum x^2)` (Jain, Chiu and Hawe, "A Quantitative Measure of Fairness and Discrimination", 1984).
fn jain(goodputs: &[u64]) -> Option<u32> {
    // Forty bits of each keep the squares of a million flows within the range.
    let most = goodputs.iter().max().copied().unwrap_or_default();
    let scale = (most >> 40).max(1);
    let values = || goodputs.iter().map(|value| u128::from(value / scale));
    let (sum, squares) = (values().sum::<u128>(), values().map(|value| value * value).sum::<u128>());
    let index = (sum * sum).checked_mul(1_000_000)?.checked_div(squares * goodputs.len() as u128)?;
    u32::try_from(index).ok().filter(|_| goodputs.len() > 1)
}

/// What hosts sent again; routers send nothing of their own.
fn retransmissions(scenario: &Scenario, built: &Built) -> Option<u32> {
    let hosts = scenario.host.iter().zip(&built.hosts).filter(|(spec, _)| !spec.router);
    let counted = hosts.map(|(_, id)| built.world.oracles(*id).segments());
    let (sent, again) = counted.fold((0, 0), |(sent, again), host| (sent + host.sent, again + host.again));
    let ppm = (u128::from(again) * 1_000_000).checked_div(sent.into())?;
    u32::try_from(ppm).ok()
}

/// Judges the population of a run: by what no rate and no queue can do, and by what the scenario expects.
pub(super) fn judge(scenario: &Scenario, built: &Built, population: &Population, judge: &mut Judge) {
    for placed in rates(built) {
        placed.judge(scenario, judge);
    }
    if let Some(again) = population.retransmissions_ppm.filter(|_| is_calm(scenario, built))
        && judge.judges(Oracle::RetransmissionRatio)
        && again > 0
    {
        let text = "something is sent again, and nothing was lost, changed or late".to_owned();
        judge.fail(Oracle::RetransmissionRatio, text);
    }
    let Expectations { jain, utilisation, queue_delay, retransmission_ratio, .. } = &scenario.expect;
    let busiest = population.bottleneck.as_ref();
    let used = busiest.map(|bottleneck| bottleneck.utilisation_ppm.into());
    let waited = busiest.map(|bottleneck| bottleneck.queue_p99_nanos);
    let fair = population.jain_ppm.map(u64::from);
    let again = population.retransmissions_ppm.map(u64::from);
    expect(judge, Oracle::Jain, *jain, fair, "Jain's index of the flows' goodputs");
    expect(judge, Oracle::Utilisation, *utilisation, used, "the utilisation of the bottleneck");
    expect(judge, Oracle::QueueDelay, *queue_delay, waited, "the 99th percentile of the wait for the bottleneck");
    expect(judge, Oracle::RetransmissionRatio, *retransmission_ratio, again, "the share of segments sent again");
}

impl Placed<'_> {
    /// The laws of a rate: it sends no more than it can, and nobody waits longer than a full queue takes.
    fn judge(&self, scenario: &Scenario, judge: &mut Judge) {
        let Placed { place, toward_b, rate, load } = self;
        let Some(spec) = scenario.link.get(*place) else { return };
        let name = || format!("{} towards {}", spec.name, spec.ends[usize::from(*toward_b)]);
        if let Some([first, last]) = load.span
            && judge.judges(Oracle::Utilisation)
            && load.busy(rate.bps) > last.since(first)
        {
            let (bits, bps) = (load.bits, rate.bps);
            judge.fail(Oracle::Utilisation, format!("{}: {bits} bits from {first} to {last}, at {bps} bit/s", name()));
        }
        if let Some(most) = load.longest_wait(rate)
            && judge.judges(Oracle::QueueDelay)
            && load.waits.longest() > most
        {
            let longest = load.waits.longest();
            judge.fail(
                Oracle::QueueDelay,
                format!("{}: a frame waited {longest:?}, and all that there is room for takes {most:?}", name()),
            );
        }
    }
}

/// Whether nobody has a reason to send anything again: nothing was lost, changed or overtaken, nobody was disturbed, no
/// window closed, and every acknowledgment came before the shortest RTO.
fn is_calm(scenario: &Scenario, built: &Built) -> bool {
    let lossless = |counters: &&Counters| {
        let only_took_time = |kind: &StageKind| matches!(kind, StageKind::Rate | StageKind::Constant);
        counters.dropped.is_empty() && counters.acted.keys().all(only_took_time)
    };
    let not_for_it = |reason: DropReason| reason.name().ends_with("not_ours");
    let stacks = || built.hosts.iter().map(|id| built.world.stack(*id));
    // What else stands between hosts may drop on purpose: a NAT forgets, an adversary disturbs.
    let takes_all = |number: usize| {
        let machine = built.world.node(NodeId(number));
        machine.is_none_or(|machine| matches!(machine, Machine::Hub(_) | Machine::Switch(_) | Machine::LeaseServer(_)))
    };
    scenario.fault.is_empty()
        && (0..built.world.trace().nodes().len()).all(takes_all)
        && scenario.flow.iter().all(|flow| flow.reader.is_none())
        && built.links.iter().flat_map(|link| built.world.link_counters(*link)).all(|counters| lossless(&counters))
        && stacks().flat_map(Stack::drops).all(|(reason, count)| count == 0 || not_for_it(reason))
        && round_trip(scenario, built) < stacks().map(|stack| stack.config().tcp.rto_min).min().unwrap_or_default()
}

/// The longest round trip that there may have been, over all links, with an acknowledgment that is delayed.
fn round_trip(scenario: &Scenario, built: &Built) -> Duration {
    let stages = scenario.link.iter().flat_map(|spec| spec.path.a_to_b.iter().chain(&spec.path.b_to_a));
    let delays = stages.map(|stage| if let Stage::Delay(delay) = stage { delay.law.calm() } else { Duration::ZERO });
    let sent = rates(built).map(|Placed { rate, load, .. }| {
        let longest = load.lens.map_or(0, |[_, longest]| rate.framing.bytes(longest) * 8);
        load.waits.longest() + Load { bits: longest, ..Load::default() }.busy(rate.bps)
    });
    let delayed = built.hosts.iter().map(|id| built.world.stack(*id).config().tcp.ack_delay).max();
    delays.sum::<Duration>() + sent.sum::<Duration>() + delayed.unwrap_or_default()
}

fn expect<K: Kind>(judge: &mut Judge, oracle: Oracle, bound: Option<Bound<K>>, found: Option<u64>, what: &str) {
    let Some(bound) = bound.filter(|_| judge.judges(oracle)) else { return };
    if !found.is_some_and(|value| bound.holds(value)) {
        let found = found.map_or_else(|| "nothing that could be measured".to_owned(), K::written);
        judge.fail(oracle, format!("{what}: expected {bound}, found {found}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A rate that has sent more than it can, and a frame that waited for longer than a full queue takes.
    #[test]
    fn laws_of_rates_are_judged() {
        use crate::link::{Queue, Room};
        use tickwire_core::Instant;

        let scenario: Scenario = include_str!("../../scenarios/cut.toml").parse().unwrap();
        let rate = Rate::new(8_000_000, Room::Frames(10), Queue::TailDrop);
        let found = |bits, micros| {
            let span = Some([Instant::ZERO, Instant::from_millis(1)]);
            let mut load = Load { bits, span, lens: Some([1_000, 1_000]), ..Load::default() };
            load.waits.add(Duration::from_micros(micros));
            let mut judge = Judge::new(&scenario);
            Placed { place: 0, toward_b: true, rate, load: &load }.judge(&scenario, &mut judge);
            judge.failures.into_iter().map(|failed| failed.text).collect::<Vec<_>>()
        };
        // A frame takes 1,024 us with what is around it: eleven of them, and a nanosecond for rounding.
        assert_eq!(found(8_000, 11_264), [""; 0]);
        assert_eq!(
            found(8_001, 11_264),
            ["cable towards server: 8001 bits from 0.000000000 to 0.001000000, at 8000000 bit/s"]
        );
        let late = "cable towards server: a frame waited 11.265ms, and all that there is room for takes 11.264001ms";
        assert_eq!(found(8_000, 11_265), [late]);
    }

    /// What is sent again where nothing was lost or late is a failure; after a loss it is none.
    #[test]
    fn nothing_is_sent_again_for_nothing() {
        let calm = r#"title = "t"
            heal = "1s"
            host = [{ name = "a", interfaces = [["192.0.2.1/24"]] }, { name = "b", interfaces = [["192.0.2.2/24"]] }]
            flow = [{ from = "a", to = "b", response = "20KiB" }]
            link = [{ name = "l", ends = ["a", "b"], path.both = [{ delay.law.constant = "5ms" }] }]"#;
        let found = |text: &str| {
            let scenario: Scenario = text.parse().unwrap();
            let (outcome, built) = scenario.run_built(scenario.build(&crate::swarm::seed(1)).unwrap());
            let again = Population { retransmissions_ppm: Some(1), ..outcome.population };
            let mut judged = Judge::new(&scenario);
            judge(&scenario, &built, &again, &mut judged);
            judged.failures.into_iter().map(|failed| failed.oracle).collect::<Vec<_>>()
        };
        assert_eq!(found(calm), ["retransmission-ratio"]);
        assert_eq!(found(&calm.replace("5ms", "100ms")), [""; 0]);
        assert_eq!(found(&calm.replace("{ delay", "{ loss.ordinals = [9] }, { delay")), [""; 0]);
    }

    #[test]
    fn jain_s_index() {
        assert_eq!(jain(&[5, 5, 5, 5]), Some(1_000_000));
        assert_eq!(jain(&[7, 0, 0, 0]), Some(250_000));
        // (1 + 2 + 3)^2 / (3 * 14) = 6/7.
        assert_eq!(jain(&[1, 2, 3]), Some(857_142));
        assert_eq!(jain(&[u64::MAX, u64::MAX]), Some(1_000_000));
        assert_eq!([jain(&[]), jain(&[5]), jain(&[0, 0])], [None; 3]);
    }
}
