//! What the page is about, put together from the world.

use std::collections::{BTreeMap, BTreeSet};

use tickwire_core::Instant;

use super::Report;
use super::flow::{Flow, flows};
use crate::oracle::Verdict;
use crate::scenario::Failed;
use crate::world::LinkId;
use crate::{Failure, World};

/// A moment that all graphs mark.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    pub(super) at: Instant,
    /// A fault's number begins with F, a verdict's with V.
    pub(super) name: String,
    pub(super) is_verdict: bool,
}

/// What the page is about.
#[derive(Clone, Debug)]
pub(super) struct Matter<'a> {
    pub(super) report: Report<'a>,
    pub(super) world: &'a World,
    pub(super) flows: Vec<Flow>,
    /// The rules that hosts broke, with the host's name, by the frame's number.
    pub(super) verdicts: Vec<(String, Verdict)>,
    /// What else went wrong.
    pub(super) failures: Vec<Failed>,
    /// Faults and verdicts, in order.
    pub(super) moments: Vec<Moment>,
    /// When the last frame passed.
    pub(super) end: Instant,
}

impl<'a> Matter<'a> {
    pub(super) fn new(report: &Report<'a>) -> Matter<'a> {
        let world = &report.built.world;
        let verdicts = world.failures().into_iter().filter_map(|failure| match failure {
            Failure::Oracle { host, verdict } => Some((host, verdict)),
            _ => None,
        });
        Matter::with_verdicts(report, verdicts.collect())
    }

    /// As if the oracles had found `verdicts`.
    pub(super) fn with_verdicts(report: &Report<'a>, mut verdicts: Vec<(String, Verdict)>) -> Matter<'a> {
        let world = &report.built.world;
        verdicts.sort_by_key(|(_, verdict)| verdict.frame.number);
        let told: BTreeSet<String> = verdicts.iter().map(|(host, verdict)| format!("{host}: {verdict}")).collect();
        let failures = report.outcome.failures.iter().filter(|failed| !told.contains(&failed.text));
        let frames = world.trace().frames();
        let mut matter = Matter {
            report: *report,
            world,
            flows: flows(world),
            failures: failures.cloned().collect(),
            moments: Vec::new(),
            end: frames.last().map_or(Instant::from_millis(1), |passed| passed.at),
            verdicts,
        };
        matter.moments = matter.moments();
        matter
    }

    fn moments(&self) -> Vec<Moment> {
        let times: BTreeMap<u64, Instant> = self.frame_times();
        let faults = (1..).zip(self.world.trace().faults());
        let faults = faults.map(|(number, (at, _))| Moment { at: *at, name: format!("F{number}"), is_verdict: false });
        let verdicts = (1..).zip(&self.verdicts).filter_map(|(number, (_, verdict))| {
            let at = *times.get(&verdict.frame.number)?;
            Some(Moment { at, name: format!("V{number}"), is_verdict: true })
        });
        faults.chain(verdicts).collect()
    }

    /// When the frames that verdicts name passed, by the world's clock.
    fn frame_times(&self) -> BTreeMap<u64, Instant> {
        let named: BTreeSet<u64> = self.verdicts.iter().map(|(_, verdict)| verdict.frame.number).collect();
        let frames = self.world.trace().frames().iter();
        frames.filter(|passed| named.contains(&passed.number)).map(|passed| (passed.number, passed.at)).collect()
    }

    /// A node's name.
    pub(super) fn node(&self, number: usize) -> &'a str {
        self.world.trace().nodes().get(number).map_or("?", String::as_str)
    }

    /// A link's name in the scenario.
    pub(super) fn link(&self, link: LinkId) -> String {
        let place = self.report.built.links.iter().position(|known| *known == link);
        let spec = place.and_then(|place| self.report.scenario.link.get(place));
        spec.map_or_else(|| format!("link {}", link.index()), |spec| spec.name.clone())
    }
}
