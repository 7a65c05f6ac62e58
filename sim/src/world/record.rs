//! What passes an interface is hashed, judged and kept.

use bytes::Bytes;
use tickwire_core::Stack;
use tickwire_core::config::Medium;
use tickwire_core::provenance::Provenance;

use super::found::Found;
use super::hash::Entry;
use super::{EVENTS_PER_DIGEST, HostId, NodeId, NodeState, Port, World};
use crate::link::Fate;
use crate::node::Node;
use crate::node::host::Arrived;
use crate::oracle::{FlowKey, Mark, Sighting};
use crate::trace::{Direction, Passed};

impl World {
    /// Records a frame that passes an interface. Returns its number in the trace: its name on a link.
    pub(super) fn record(
        &mut self,
        port: Port,
        direction: Direction,
        frame: &Bytes,
        provenance: Option<Provenance>,
        fate: Option<Fate>,
    ) -> u64 {
        let number = self.trace.next_number();
        let (now, node) = (self.now, port.node.0);
        // What a link brings as it was sent is known by its name.
        let (entry, name) = match (&fate, direction) {
            (_, Direction::Outbound) => (Entry::Outbound, None),
            (Some(fate), _) => (Entry::Inbound, fate.acts.is_empty().then_some(fate.frame)),
            (None, Direction::Inbound) => (Entry::Inbound, None),
        };
        self.hash.entry(entry, now, node, [port.interface as u64, name.map_or(frame.len() as u64, |name| !name)]);
        if name.is_none() {
            self.hash.bytes(frame);
        }
        // What a host takes later is shown then; a machine takes everything at once.
        if direction == Direction::Outbound || matches!(self.nodes[node].node, Node::Machine(_)) {
            self.show(port, number, direction, frame);
        }
        self.trace.pass(|number| Passed {
            number,
            at: now,
            port,
            direction,
            frame: frame.clone(),
            provenance,
            fates: fate.into_iter().collect(),
            lost: false,
        });
        number
    }

    /// Shows a frame to the oracles of a host. Their tap is inside the host: it goes by the host's clock, and
    /// what arrives passes it when the stack takes it.
    fn show(&mut self, port: Port, number: u64, direction: Direction, frame: &Bytes) {
        let NodeState { node, tap: Some(tap), .. } = &mut self.nodes[port.node.0] else { return };
        let at = match node {
            Node::Host(host) => host.clock.at(self.now),
            Node::Machine(_) => self.now,
        };
        let medium = tap.media.get(port.interface).copied().unwrap_or(Medium::Ethernet);
        let before = tap.oracles.verdicts().len();
        tap.oracles.observe(Sighting { number, at, medium, direction, frame });
        let found = before..tap.oracles.verdicts().len();
        self.found.extend(found.map(|place| Found::Wire(port.node, place)));
    }

    /// Shows the oracles of a host what its stack has taken in its turn.
    pub(super) fn show_taken(&mut self, id: NodeId) {
        let Node::Host(host) = &mut self.nodes[id.0].node else { return };
        let mut taken = std::mem::take(&mut host.taken);
        let held_back = host.is_held_back(self.now);
        for Arrived { number, port, frame } in taken.drain(..) {
            self.show(Port::new(id, port), number, Direction::Inbound, &frame);
        }
        let state = &mut self.nodes[id.0];
        if let (true, Some(tap)) = (held_back, &mut state.tap) {
            tap.oracles.disturbed();
        }
        if let Node::Host(host) = &mut state.node {
            host.taken = taken;
        }
    }

    /// Records a frame that arrives where nobody takes it.
    pub(super) fn record_lost(&mut self, port: Port, frame: &Bytes, fate: Option<Fate>) {
        self.hash.entry(Entry::Lost, self.now, port.node.0, [port.interface as u64, frame.len() as u64]);
        let at = self.now;
        self.trace.pass(|number| Passed {
            number,
            at,
            port,
            direction: Direction::Inbound,
            frame: frame.clone(),
            provenance: None,
            fates: fate.into_iter().collect(),
            lost: true,
        });
    }

    /// What a host's connections looked like during its turn, and whether they might.
    pub(super) fn examine(&mut self, id: NodeId) {
        let state = &mut self.nodes[id.0];
        let (Node::Host(host), Some(tap)) = (&mut state.node, &mut state.tap) else { return };
        let mark = Mark::new(self.trace.count().saturating_sub(1), host.clock.at(self.now));
        // Mostly several of one connection follow each other, and no frame is seen meanwhile.
        let (mut last, before) = (None, tap.white_box.verdicts().len());
        for examination in host.stack.examinations() {
            let offered = match last {
                Some((handle, offered)) if handle == examination.handle => offered,
                _ => tap.oracles.offered(FlowKey::of(examination.local, examination.remote)),
            };
            last = Some((examination.handle, offered));
            tap.white_box.observe(examination, mark, offered);
        }
        let found = before..tap.white_box.verdicts().len();
        self.found.extend(found.map(|place| Found::WhiteBox(id, place)));
        let kept = if self.details.is_some() { host.stack.examinations().to_vec() } else { Vec::new() };
        host.stack.forget_examinations();
        for examination in kept {
            self.keep_examination(HostId(id.0), examination);
        }
    }

    /// What the turn of a host has done to its stack.
    pub(super) fn hash_turn(&mut self, id: NodeId) {
        if let Node::Host(host) = &self.nodes[id.0].node {
            let digest = host.stack.trace_digest().unwrap_or_default();
            self.hash.entry(Entry::Turn, self.now, id.0, [digest, 0]);
        }
    }

    /// The whole state of all stacks.
    pub(super) fn hash_stacks(&mut self) {
        let mut work = 0;
        for (number, state) in self.nodes.iter().enumerate() {
            if let Node::Host(host) = &state.node {
                self.hash.entry(Entry::Digest, self.now, number, [host.stack.digest(), self.events]);
                work += digest_work(&host.stack);
            }
        }
        self.next_digest = self.events + if self.dense { 1 } else { work.max(EVENTS_PER_DIGEST) };
    }
}

/// What it takes to digest a stack, about: in units of a connection without data.
fn digest_work(stack: &Stack) -> u64 {
    let connections = stack.tcp_sockets().map(|tcp| 1 + (tcp.received + tcp.unsent) as u64 / 1_024);
    32 + connections.sum::<u64>()
}
