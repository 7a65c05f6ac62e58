//! Nodes, links, and the order in which things happen.
//!
//! Whatever happens is an entry in one queue, ordered by time and then by the order in which it was
//! decided: something arrives or changes on a link, a node takes its turn, a fault begins or ends. A node that
//! something arrived at takes its turn at that same instant, after all else that was already to happen then:
//! frames that arrive together are received together.
//!
//! | module | what |
//! |---|---|
//! | `id` | [`NodeId`], [`HostId`], [`Port`] |
//! | `build` | hosts, other nodes, links; what is scheduled |
//! | `applications` | applications are started, looked at and ended |
//! | `inspect` | what there is to see: stacks, oracles, failures, the trace, the hash |
//! | `fault` | faults befall hosts and links |
//! | `found` | rules that were found broken, in that order |
//! | `detail` | what a report shows beside the frames |
//! | `record` | what passes an interface is hashed, judged and kept |
//! | `hash` | the hash of a run |
//! | `queue` | what is to happen, by time and then by the order in which it was decided |
//! | `wiring` | which ports are linked |

mod applications;
mod build;
mod detail;
mod fault;
mod found;
mod hash;
mod id;
mod inspect;
mod queue;
mod record;
mod wiring;

use std::collections::BTreeSet;

use bytes::Bytes;
use smallvec::SmallVec;
use tickwire_core::config::Medium;
use tickwire_core::frame::TxBatch;
use tickwire_core::{Instant, Seed};

pub use self::build::{Host, HostError, HostRoute};
pub use self::detail::{DETAILS_MAX, Depth, Details, Examined};
pub use self::id::{HostId, NodeId, Port};
pub use self::wiring::LinkId;

use self::found::Found;
use self::hash::{Entry, RunHash};
use self::queue::Queue;
use self::wiring::{Way, Wiring};
use crate::application::Program;
use crate::draw::{Dice, Draws, Lots};
use crate::fault::Fault;
use crate::link::{Answer, Fate};
use crate::node::host::{Arrived, HostState, Sent};
use crate::node::{Node, Outbox};
use crate::oracle::white_box::WhiteBox;
use crate::oracle::{Switches, WireOracles};
use crate::programs::{NoPrograms, Programs};
use crate::trace::{Direction, Trace};

/// Turns, and frames that are sent in them, that one instant may see before the world is taken to be caught in a
/// loop.
const WORK_PER_INSTANT_MAX: u32 = 1 << 20;

/// After so many events the state of every stack goes into the hash, whole: after more where there are many stacks,
/// connections and data in them, so that a network of any size spends a like part of its time on it.
const EVENTS_PER_DIGEST: u64 = 1_024;

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Ended {
    /// Nothing is left to happen.
    Quiescent,
    /// The time limit came first.
    TimeLimit,
    /// A node asked for a turn at one instant again and again: a defect in its stack.
    Livelock(NodeId),
}

/// What came of looking at the queue.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Done,
    NothingDue,
    Livelock(NodeId),
}

#[derive(Clone, Debug)]
enum Happening {
    Injection(Port, Bytes),
    Link(Way),
    Turn(NodeId),
    Fault(Fault),
    /// What kept a host from working is over.
    Relief(HostId),
    Start(HostId, usize, Program),
}

/// Nodes and links on a virtual clock. It keeps every frame that passed, for [`World::trace`]. A clone is an
/// exact branch: given the same calls, both go on alike.
#[derive(Clone, Debug)]
pub struct World {
    seed: Seed,
    now: Instant,
    queue: Queue<Happening>,
    nodes: Vec<NodeState>,
    wiring: Wiring,
    draws: Draws,
    trace: Trace,
    /// What a report shows beside the frames, if it was asked for.
    details: Option<Box<Details>>,
    /// The oracles of hosts still to come.
    switches: Switches,
    hash: RunHash,
    /// The rules that were found broken, scripts apart.
    found: Vec<Found>,
    /// Things that have happened.
    events: u64,
    /// Whether the stacks' state goes into the hash after each event.
    dense: bool,
    /// After which event it does so next.
    next_digest: u64,
    work_at_now: u32,
    /// Used again at each turn.
    batch: TxBatch,
    sent: Vec<Sent>,
    outbox: Outbox,
}

/// A node, when its turn is, and who watches it.
#[derive(Clone, Debug)]
struct NodeState {
    node: Node,
    /// What watches the frames of a host.
    tap: Option<Tap>,
    /// Its random decisions.
    dice: Dice,
    /// How many times a host has started.
    lives: u32,
    /// When its next turn is to be.
    next_turn: Option<Instant>,
    /// The times of its turns that are in the world's queue.
    queued_turns: BTreeSet<Instant>,
}

/// What watches the frames of a host.
#[derive(Clone, Debug)]
struct Tap {
    oracles: Box<WireOracles>,
    white_box: WhiteBox,
    /// What each interface carries.
    media: Vec<Medium>,
}

impl World {
    /// The present time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Lets everything happen that is due by `limit`. The time is then `limit`, unless nothing was left
    /// to happen: then it is that of the last thing that did.
    pub fn run_until(&mut self, limit: Instant) -> Ended {
        self.run_until_with(limit, &mut NoPrograms)
    }

    /// As [`World::run_until`], with programs.
    pub(crate) fn run_until_with(&mut self, limit: Instant, programs: &mut dyn Programs) -> Ended {
        loop {
            match self.step(limit, programs) {
                Step::Done => {}
                Step::Livelock(node) => return Ended::Livelock(node),
                Step::NothingDue if self.queue.is_empty() => return Ended::Quiescent,
                Step::NothingDue => break,
            }
        }
        self.advance(limit);
        Ended::TimeLimit
    }

    /// Lets at most `events` things happen that are due by `limit`. Returns how many did: less if nothing
    /// more was due, or a node is caught in a loop. The time does not go on to `limit`.
    pub fn run_events(&mut self, events: u64, limit: Instant) -> u64 {
        self.run_events_with(events, limit, &mut NoPrograms)
    }

    /// As [`World::run_events`], with programs.
    pub(crate) fn run_events_with(&mut self, events: u64, limit: Instant, programs: &mut dyn Programs) -> u64 {
        for done in 0..events {
            if self.step(limit, programs) != Step::Done {
                return done;
            }
        }
        events
    }

    /// Lets the next thing happen, if it is due by `limit`.
    fn step(&mut self, limit: Instant, programs: &mut dyn Programs) -> Step {
        let Some((at, happening)) = self.queue.pop(limit) else { return Step::NothingDue };
        self.advance(at);
        self.events += 1;
        match happening {
            Happening::Injection(port, frame) => self.arrive(port, frame, None),
            Happening::Link(way) => {
                self.wiring.wire(way).dequeued(at);
                self.deliver(way);
            }
            Happening::Turn(node) => {
                self.take_turn(node, programs);
                if self.work_at_now > WORK_PER_INSTANT_MAX {
                    return Step::Livelock(node);
                }
            }
            Happening::Fault(fault) => {
                self.befall(fault);
                programs.befall(fault);
            }
            Happening::Relief(host) => self.relieve(host),
            Happening::Start(host, index, program) => self.begin(host, index, program),
        }
        if self.events >= self.next_digest {
            self.hash_stacks();
        }
        Step::Done
    }

    fn advance(&mut self, at: Instant) {
        if at > self.now {
            self.now = at;
            self.work_at_now = 0;
        }
    }

    /// Lets everything arrive that a link has brought by now.
    fn deliver(&mut self, way: Way) {
        while let Some(outgoing) = self.wiring.wire(way).direction.pop(self.now, &mut self.draws) {
            let to = self.wiring.wire(way).to;
            self.arrive(to, outgoing.frame, Some(outgoing.fate));
        }
        self.settle(way);
    }

    /// Takes note of what a link has dropped, and of when it is to be looked at next.
    fn settle(&mut self, way: Way) {
        self.keep_depth(way);
        let wire = self.wiring.wire(way);
        while let Some(fate) = wire.direction.pop_dropped() {
            self.hash.entry(Entry::Dropped, self.now, way.link.index(), [fate.frame, fate.at.as_nanos()]);
            self.trace.dropped(fate);
        }
        let answers: SmallVec<[Answer; 1]> = std::iter::from_fn(|| wire.direction.pop_answer()).collect();
        if let Some(at) = wire.next_look() {
            self.queue.push(at, Happening::Link(way));
        }
        if !answers.is_empty() {
            let back = &mut self.wiring.wire(way.back()).direction;
            for answer in answers {
                back.push_answer(self.now, answer, &mut self.draws);
            }
            self.settle(way.back());
        }
    }

    fn arrive(&mut self, port: Port, frame: Bytes, fate: Option<Fate>) {
        if !self.nodes[port.node.0].node.takes_frames() {
            return self.record_lost(port, &frame, fate);
        }
        let number = self.record(port, Direction::Inbound, &frame, None, fate);
        let state = &mut self.nodes[port.node.0];
        match &mut state.node {
            Node::Host(host) => {
                host.arrive(Arrived { number, port: port.interface, frame });
                self.schedule_turn(port.node, self.now);
            }
            Node::Machine(machine) => {
                let mut outbox = std::mem::take(&mut self.outbox);
                let lots = &mut Lots::new(&mut self.draws, &mut state.dice);
                machine.receive(self.now, port.interface, frame, lots, &mut outbox);
                self.send_all(port.node, outbox);
            }
        }
    }

    /// What a machine has put into its outbox leaves; its deadline may be another one now.
    fn send_all(&mut self, id: NodeId, mut outbox: Outbox) {
        for (interface, frame) in outbox.drain(..) {
            self.send(Sent { interface, frame, provenance: None }, id);
        }
        self.outbox = outbox;
        if let Node::Machine(machine) = &self.nodes[id.0].node
            && let Some(at) = machine.deadline()
        {
            self.schedule_turn(id, at.max(self.now));
        }
    }

    /// The entry for a turn has come up: it is taken, unless the turn was put off.
    fn take_turn(&mut self, id: NodeId, programs: &mut dyn Programs) {
        let state = &mut self.nodes[id.0];
        state.queued_turns.remove(&self.now);
        if state.next_turn.is_some_and(|next| next <= self.now) {
            self.turn(id, programs);
        } else {
            self.queue_turn(id);
        }
    }

    fn turn(&mut self, id: NodeId, programs: &mut dyn Programs) {
        self.work_at_now += 1;
        let state = &mut self.nodes[id.0];
        state.next_turn = None;
        let (mut sent, next);
        match &mut state.node {
            Node::Host(host) => {
                sent = std::mem::take(&mut self.sent);
                next = host.turn(self.now, &mut self.batch, &mut sent, |turn| programs.run(HostId(id.0), turn));
            }
            Node::Machine(machine) => {
                let mut outbox = std::mem::take(&mut self.outbox);
                let lots = &mut Lots::new(&mut self.draws, &mut state.dice);
                machine.expire(self.now, lots, &mut outbox);
                return self.send_all(id, outbox);
            }
        }
        self.work_at_now = self.work_at_now.saturating_add(sent.len() as u32);
        self.note_findings(id);
        self.show_taken(id);
        if let Some(at) = next {
            self.schedule_turn(id, at);
        }
        for sent in sent.drain(..) {
            self.send(sent, id);
        }
        self.sent = sent;
        self.examine(id);
        self.hash_turn(id);
    }

    /// A frame leaves a node.
    fn send(&mut self, sent: Sent, node: NodeId) {
        let Sent { interface, frame, provenance } = sent;
        let port = Port { node, interface };
        let name = self.record(port, Direction::Outbound, &frame, provenance, None);
        if let Some(way) = self.wiring.way(port) {
            self.wiring.wire(way).direction.push(self.now, name, frame, &mut self.draws);
            self.settle(way);
        }
    }

    /// Has a node take its turn at `at`, or before.
    fn schedule_turn(&mut self, id: NodeId, at: Instant) {
        let state = &mut self.nodes[id.0];
        state.next_turn = Some(state.next_turn.map_or(at, |next| next.min(at)));
        self.queue_turn(id);
    }

    /// Sees to it that the queue holds an entry no later than the node's next turn. One that comes too
    /// early looks again: deadlines mostly move away, and each move would leave an entry behind.
    fn queue_turn(&mut self, id: NodeId) {
        let state = &mut self.nodes[id.0];
        let Some(at) = state.next_turn else { return };
        if state.queued_turns.first().is_none_or(|first| *first > at) {
            state.queued_turns.insert(at);
            self.queue.push(at, Happening::Turn(id));
        }
    }

    fn host(&self, id: HostId) -> &HostState {
        match &self.nodes[id.0].node {
            Node::Host(host) => host,
            other @ Node::Machine(_) => panic!("node {} is no host: {other:?}", id.0),
        }
    }

    fn host_mut(&mut self, id: HostId) -> &mut HostState {
        match &mut self.nodes[id.0].node {
            Node::Host(host) => host,
            other @ Node::Machine(_) => panic!("node {} is no host: {other:?}", id.0),
        }
    }
}
