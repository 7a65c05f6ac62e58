//! A host: a stack, what it has to receive, and the scripts that use it. Its turn is the loop of
//! every driver, with the device and the clock left out.
//!
//! ```text
//!   handle_frame, at most rx_batch times
//!   handle_timeout if due
//!   drain events, run the scripts that they are for
//!   drain transmits of every ready interface
//!   poll_timeout
//! ```

use std::collections::{BTreeSet, VecDeque};

use bytes::Bytes;
use smallvec::SmallVec;
use tickwire_core::frame::{Frame, TxBatch};
use tickwire_core::link::InterfaceId;
use tickwire_core::provenance::Provenance;
use tickwire_core::{Instant, Stack};

use crate::application::Applications;

/// A frame that left.
pub(crate) struct Sent {
    pub(crate) interface: usize,
    pub(crate) frame: Bytes,
    pub(crate) provenance: Option<Provenance>,
}

/// A host of a world.
#[derive(Clone, Debug)]
pub(crate) struct HostState {
    pub(crate) stack: Stack,
    pub(crate) interfaces: Vec<InterfaceId>,
    /// What arrived and was not taken yet, with the number of its interface.
    inbox: VecDeque<(usize, Frame)>,
    pub(crate) applications: Applications,
    /// What `poll_timeout` said last.
    deadline: Option<Instant>,
    /// When its next turn is to be.
    pub(crate) next_turn: Option<Instant>,
    /// The times of its turns that are in the world's queue.
    pub(crate) queued_turns: BTreeSet<Instant>,
    batch: TxBatch,
}

impl HostState {
    pub(crate) fn new(stack: Stack, interfaces: Vec<InterfaceId>) -> HostState {
        HostState {
            stack,
            interfaces,
            inbox: VecDeque::new(),
            applications: Applications::default(),
            deadline: None,
            next_turn: None,
            queued_turns: BTreeSet::new(),
            batch: TxBatch::new(),
        }
    }

    pub(crate) fn arrive(&mut self, interface: usize, frame: Frame) {
        self.inbox.push_back((interface, frame));
    }

    /// One turn. What it sends goes to `sent`, with the number of its interface. Returns when the next
    /// turn is to be, if nothing arrives before.
    pub(crate) fn turn(&mut self, now: Instant, sent: &mut Vec<Sent>) -> Option<Instant> {
        let rx_batch = usize::from(self.stack.config().rx_batch.max(1));
        for _ in 0..rx_batch {
            let Some((interface, frame)) = self.inbox.pop_front() else { break };
            // What is dropped is counted in the stack.
            let _ = self.stack.handle_frame(now, self.interfaces[interface], frame);
        }
        if self.deadline.is_some_and(|at| at <= now) {
            self.stack.handle_timeout(now);
        }
        self.applications.run(&mut self.stack, now);
        self.transmit(now, sent);
        self.deadline = self.stack.poll_timeout().map(|wakeup| wakeup.at.max(now));
        let more = (!self.inbox.is_empty()).then_some(now);
        [more, self.applications.wakes_at(), self.deadline].into_iter().flatten().min()
    }

    fn transmit(&mut self, now: Instant, sent: &mut Vec<Sent>) {
        let ready: SmallVec<[InterfaceId; 4]> = self.stack.interfaces_ready().collect();
        for interface in ready {
            loop {
                self.batch.clear();
                if self.stack.poll_transmit(now, interface, &mut self.batch) == 0 {
                    break;
                }
                for (number, frame) in self.batch.frames().enumerate() {
                    let mut bytes = Vec::with_capacity(frame.len());
                    frame.copy_to(&mut bytes);
                    let provenance = self.batch.provenance(number);
                    sent.push(Sent { interface: interface.index(), frame: bytes.into(), provenance });
                }
            }
        }
    }
}
