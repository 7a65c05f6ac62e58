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

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use smallvec::SmallVec;
use tickwire_core::frame::{Frame, TxBatch};
use tickwire_core::link::InterfaceId;
use tickwire_core::provenance::Provenance;
use tickwire_core::{Event, Instant, Stack};

use crate::script::{Application, Progress, Socket};

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
    applications: Vec<Application>,
    /// Whose socket is whose.
    owners: BTreeMap<Socket, usize>,
    runnable: BTreeSet<usize>,
    /// Scripts that wait for a time.
    sleeping: BTreeSet<(Instant, usize)>,
    /// What `poll_timeout` said last.
    deadline: Option<Instant>,
    /// When its next turn is to be.
    pub(crate) next_turn: Option<Instant>,
    /// The times of its turns that are in the world's queue.
    pub(crate) queued_turns: BTreeSet<Instant>,
    /// Scripts that could not go on: application, step, what happened.
    pub(crate) failures: Vec<(usize, usize, String)>,
    batch: TxBatch,
}

impl HostState {
    pub(crate) fn new(stack: Stack, interfaces: Vec<InterfaceId>) -> HostState {
        HostState {
            stack,
            interfaces,
            inbox: VecDeque::new(),
            applications: Vec::new(),
            owners: BTreeMap::new(),
            runnable: BTreeSet::new(),
            sleeping: BTreeSet::new(),
            deadline: None,
            next_turn: None,
            queued_turns: BTreeSet::new(),
            failures: Vec::new(),
            batch: TxBatch::new(),
        }
    }

    pub(crate) fn start(&mut self, application: Application) -> usize {
        let index = self.applications.len();
        self.applications.push(application);
        self.runnable.insert(index);
        index
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
        while let Some((at, application)) = self.sleeping.pop_first() {
            if at > now {
                self.sleeping.insert((at, application));
                break;
            }
            self.runnable.insert(application);
        }
        self.route_events();
        while let Some(application) = self.runnable.pop_first() {
            self.run(application, now);
            self.route_events();
        }
        self.transmit(now, sent);
        self.deadline = self.stack.poll_timeout().map(|wakeup| wakeup.at.max(now));
        let more = (!self.inbox.is_empty()).then_some(now);
        let wakes = self.sleeping.first().map(|(at, _)| *at);
        [more, wakes, self.deadline].into_iter().flatten().min()
    }

    fn route_events(&mut self) {
        while let Some(event) = self.stack.poll_event() {
            let socket = match event {
                Event::Tcp(handle, _) => Socket::Tcp(handle),
                Event::Listener(handle) => Socket::Listener(handle),
                Event::Udp(handle, _) => Socket::Udp(handle),
                Event::Address { .. } | Event::Configuration(_) => continue,
            };
            // A connection that nobody has accepted yet has no owner, nor has a released one.
            self.runnable.extend(self.owners.get(&socket));
        }
    }

    fn run(&mut self, index: usize, now: Instant) {
        let application = &mut self.applications[index];
        let before = application.socket;
        let progress = application.advance(&mut self.stack, now);
        if let Some(socket) = before {
            self.owners.remove(&socket);
        }
        match progress {
            Progress::Done => return,
            Progress::Failed(what) => {
                self.failures.push((index, application.step, what));
                return;
            }
            Progress::Until(at) => {
                self.sleeping.insert((at, index));
            }
            Progress::Blocked => {}
        }
        if let Some(socket) = application.socket {
            self.owners.insert(socket, index);
        }
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

    /// Scripts that have neither finished nor failed, and the step that each is at.
    pub(crate) fn unfinished(&self) -> impl Iterator<Item = (usize, usize, String)> + '_ {
        let failed = |index| self.failures.iter().any(|(failed, ..)| *failed == index);
        self.applications.iter().enumerate().filter_map(move |(index, application)| {
            let step = application.current()?;
            (!failed(index)).then(|| (index, application.step, format!("{step}: still waiting")))
        })
    }
}
