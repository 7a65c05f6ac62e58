//! What the page is about: what was given to it, and what follows from that.

use std::collections::{BTreeMap, BTreeSet};

use tickwire_core::Instant;

use super::flow::Flow;
use super::selection::selection;
use super::verdicts::groups;
use crate::HostId;
use crate::oracle::{Oracle, Tally, Verdict};
use crate::trace::Trace;
use crate::world::{Details, LinkId, Port};

/// What the page is made from, whether it comes from a world or from a recording.
#[derive(Clone, Debug)]
pub(super) struct Subject<'a> {
    pub(super) title: String,
    pub(super) trace: &'a Trace,
    pub(super) details: Option<&'a Details>,
    pub(super) nodes: Vec<Inscription>,
    /// The nodes that have a stack.
    pub(super) hosts: Vec<HostId>,
    pub(super) wires: Vec<Wire>,
    /// The rules that hosts broke, with the host's name.
    pub(super) verdicts: Vec<(String, Verdict)>,
    /// What else went wrong.
    pub(super) failures: Vec<Trouble>,
    /// How often each oracle judged.
    pub(super) tallies: Vec<(Oracle, Tally)>,
    /// What befell nodes and links, in words, in order.
    pub(super) faults: Vec<(Instant, String)>,
    /// What else happened, in order.
    pub(super) remarks: Vec<Remark>,
    /// What is to be said of a frame, by its number.
    pub(super) notes: BTreeMap<u64, String>,
}

/// What is told of a node beside its name.
#[derive(Clone, Debug, Default)]
pub(super) struct Inscription {
    /// What it is, its addresses.
    pub(super) lines: Vec<String>,
    /// It passes on what it receives, as it is and at once: a hub, a switch.
    pub(super) passes_on: bool,
    /// It is an adversary.
    pub(super) is_hostile: bool,
}

/// What links two nodes.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    pub(super) name: String,
    /// The link of a world; without it what is sent at one end is at the other.
    pub(super) link: Option<LinkId>,
    pub(super) ends: [Port; 2],
}

/// Something that went wrong and is no verdict about a frame.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    pub(super) name: String,
    pub(super) text: String,
    /// The numbers of frames that have to do with it, and what each is.
    pub(super) frames: Vec<(u64, String)>,
}

/// Something that happened between frames.
#[derive(Clone, Debug)]
pub(super) struct Remark {
    /// The place in the trace of the frame after it.
    pub(super) place: usize,
    pub(super) at: Instant,
    /// A line for each thing.
    pub(super) lines: Vec<String>,
    /// The number of the fault that it is.
    pub(super) fault: Option<usize>,
}

/// A moment that all graphs mark.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    pub(super) at: Instant,
    /// A fault's number begins with F, a verdict's with V.
    pub(super) name: String,
    pub(super) what: String,
    pub(super) is_verdict: bool,
}

impl Moment {
    /// Where the page tells more.
    pub(super) fn target(&self) -> String {
        let kind = if self.is_verdict { "verdict" } else { "fault" };
        format!("#{kind}-{}", &self.name[1..])
    }
}

/// What the page is about.
#[derive(Clone, Debug)]
pub(super) struct Matter<'a> {
    pub(super) subject: Subject<'a>,
    pub(super) flows: Vec<Flow>,
    /// Faults and verdicts, in order.
    pub(super) moments: Vec<Moment>,
    /// When the last frame passed.
    pub(super) end: Instant,
    /// The places in the trace of the frames that the ladder shows.
    pub(super) places: BTreeSet<usize>,
    /// Their numbers.
    pub(super) shown: BTreeSet<u64>,
}

impl<'a> Matter<'a> {
    /// Of `subject`, in which there were `flows`.
    pub(super) fn new(mut subject: Subject<'a>, flows: Vec<Flow>) -> Matter<'a> {
        subject.verdicts.sort_by_key(|(_, verdict)| verdict.frame.number);
        let frames = subject.trace.frames();
        let faults = (1..).zip(&subject.faults).map(|(number, (at, what))| Remark {
            place: frames.partition_point(|passed| passed.at < *at),
            at: *at,
            lines: vec![format!("F{number}: {what}")],
            fault: Some(number),
        });
        let faults: Vec<Remark> = faults.collect();
        subject.remarks.extend(faults);
        subject.remarks.sort_by_key(|remark| (remark.place, remark.at));
        let mut matter = Matter {
            flows,
            moments: Vec::new(),
            end: frames.last().map_or(Instant::from_millis(1), |passed| passed.at),
            places: BTreeSet::new(),
            shown: BTreeSet::new(),
            subject,
        };
        matter.moments = matter.moments();
        matter.places = selection(&matter);
        matter.shown = matter.places.iter().map(|place| frames[*place].number).collect();
        matter
    }

    fn moments(&self) -> Vec<Moment> {
        let subject = &self.subject;
        let faults = (1..).zip(&subject.faults);
        let faults = faults.map(|(number, (at, what))| {
            let (name, what) = (format!("F{number}"), what.clone());
            Moment { at: *at, name, what, is_verdict: false }
        });
        // Of many of one kind the first.
        let verdicts = groups(self).into_iter().filter_map(|group| {
            let (host, verdict) = &subject.verdicts[group[0]];
            let at = subject.trace.frames().get(self.place(verdict.frame.number)?)?.at;
            let (name, what) = (format!("V{}", group[0] + 1), format!("{} at {host}", verdict.oracle));
            Some(Moment { at, name, what, is_verdict: true })
        });
        faults.chain(verdicts).collect()
    }

    /// The place of a frame in the trace.
    pub(super) fn place(&self, number: u64) -> Option<usize> {
        self.subject.trace.frames().binary_search_by_key(&number, |passed| passed.number).ok()
    }

    /// A node's name.
    pub(super) fn node(&self, number: usize) -> &'a str {
        self.subject.trace.nodes().get(number).map_or("?", String::as_str)
    }
}
