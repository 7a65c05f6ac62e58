//! A host: a stack, what it has to receive, and the scripts that use it. Its turn is the loop of
//! every driver, with the device left out and the host's own [`Clock`] in place of a real one.
//!
//! ```text
//!   handle_frame, at most rx_batch times
//!   handle_timeout if due
//!   drain events, run the scripts that they are for; run programs
//!   drain transmits of every ready interface
//!   poll_timeout
//! ```
//!
//! A host may have crashed (there is no stack until it starts again), be paused (frames wait for it), or have a
//! device that takes nothing.

use std::collections::VecDeque;

use bytes::Bytes;
use smallvec::SmallVec;
use tickwire_core::error::{Dhcpv4Error, RouteError};
use tickwire_core::frame::{Frame, TxBatch};
use tickwire_core::link::InterfaceId;
use tickwire_core::provenance::Provenance;
use tickwire_core::{Config, DropReason, Event, Instant, InterfaceAddress, Route, Seed, Stack, Verdict};

use crate::application::Applications;
use crate::clock::Clock;
use crate::programs::{Moment, Turn};
use crate::world::{Host, HostError};

/// Frames that an interface's device holds until its host takes them; what comes on top is lost.
pub(crate) const RECEIVE_RING: usize = 4096;

/// Frames that a host sends in one turn, at most; what is left, it sends in the next one.
const FRAMES_PER_TURN_MAX: usize = 1 << 16;

/// A frame that left.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) interface: usize,
    pub(crate) frame: Bytes,
    pub(crate) provenance: Option<Provenance>,
}

/// A frame that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Arrived {
    /// Its number in the trace.
    pub(crate) number: u64,
    /// At which of the host's interfaces.
    pub(crate) port: usize,
    pub(crate) frame: Bytes,
}

/// A host of a world.
#[derive(Clone, Debug)]
pub(crate) struct HostState {
    /// What it is made of, for the next start.
    made_of: Host,
    pub(crate) clock: Clock,
    pub(crate) stack: Box<Stack>,
    interfaces: Vec<InterfaceId>,
    condition: Condition,
    /// Those of its stack in the present turn.
    events: Vec<Event>,
    /// When it crashed last, by its own clock.
    crashed_at: Instant,
    /// What arrived and was not taken yet, with the number of its interface.
    inbox: VecDeque<Arrived>,
    /// What its stack has taken in its last turn.
    pub(crate) taken: Vec<Arrived>,
    /// Frames lost because the inbox was full, or nobody was there to take them.
    pub(crate) overruns: u64,
    pub(crate) applications: Applications,
    /// What `poll_timeout` said last.
    deadline: Option<Instant>,
}

/// What keeps a host from working. Times are the world's.
#[derive(Clone, Copy, Debug, Default)]
struct Condition {
    crashed: bool,
    /// It takes no turn before.
    paused_until: Option<Instant>,
    /// Its devices take no frame before.
    full_until: Option<Instant>,
}

impl HostState {
    /// A host at its first start, at world time `now`.
    pub(crate) fn new(made_of: Host, seed: Seed, now: Instant) -> Result<HostState, HostError> {
        let config = made_of.config.clone();
        let (stack, interfaces) = boot(&made_of, config, seed, now)?;
        Ok(HostState {
            made_of,
            clock: Clock::new(),
            stack,
            interfaces,
            condition: Condition::default(),
            events: Vec::new(),
            crashed_at: Instant::ZERO,
            inbox: VecDeque::new(),
            taken: Vec::new(),
            overruns: 0,
            applications: Applications::default(),
            deadline: None,
        })
    }

    pub(crate) fn ports(&self) -> usize {
        self.interfaces.len()
    }

    pub(crate) fn is_crashed(&self) -> bool {
        self.condition.crashed
    }

    /// Whether the host is up and there is room for a frame; counted if not.
    pub(crate) fn takes_frames(&mut self) -> bool {
        let takes = !self.condition.crashed && self.inbox.len() < RECEIVE_RING;
        self.overruns += u64::from(!takes);
        takes
    }

    pub(crate) fn arrive(&mut self, arrived: Arrived) {
        self.inbox.push_back(arrived);
    }

    /// Everything that is not on a disk is gone: connections, scripts, what waited. Workloads begin again with
    /// the host.
    pub(crate) fn crash(&mut self, now: Instant) {
        self.made_of.config.identity = Some(self.stack.export_identity(self.clock.at(now)));
        self.crashed_at = self.clock.at(now);
        self.condition = Condition { crashed: true, ..Condition::default() };
        self.overruns += self.inbox.len() as u64;
        self.inbox.clear();
        self.applications.crash();
        self.deadline = None;
    }

    /// Starts again after a crash, on the same addresses, with what the identity kept.
    pub(crate) fn restart(&mut self, seed: Seed, now: Instant) {
        let local = self.clock.at(now);
        if let Some(identity) = &mut self.made_of.config.identity {
            identity.pass(local.since(self.crashed_at));
        }
        // The interfaces and routes were accepted before.
        if let Ok((stack, interfaces)) = boot(&self.made_of, self.made_of.config.clone(), seed, local) {
            self.stack = stack;
            self.interfaces = interfaces;
            self.condition.crashed = false;
            self.applications.restart();
        }
    }

    pub(crate) fn set_interface(&mut self, now: Instant, port: usize, up: bool) {
        let local = self.clock.at(now);
        if let (Some(interface), false) = (self.interfaces.get(port), self.condition.crashed) {
            // The interface exists.
            let _ = self.stack.set_link(local, *interface, up);
        }
    }

    /// Whether what it sends waits for its devices.
    pub(crate) fn is_held_back(&self, now: Instant) -> bool {
        self.condition.full_until.is_some_and(|until| until > now)
    }

    pub(crate) fn pause(&mut self, until: Instant) {
        self.condition.paused_until = self.condition.paused_until.max(Some(until));
    }

    pub(crate) fn fill_device(&mut self, until: Instant) {
        self.condition.full_until = self.condition.full_until.max(Some(until));
    }

    /// One turn at world time `now`. What it sends goes by `batch` to `sent`, with the number of its interface. Returns
    /// when the next turn is to be, in world time, if nothing arrives before. `program` takes the part of the
    /// host's programs in it, and returns when they have one again, by the host's clock.
    pub(crate) fn turn(
        &mut self,
        now: Instant,
        batch: &mut TxBatch,
        sent: &mut Vec<Sent>,
        program: impl FnMut(Turn<'_>) -> Option<Instant>,
    ) -> Option<Instant> {
        if self.condition.crashed {
            return None;
        }
        if let Some(until) = self.condition.paused_until.filter(|until| *until > now) {
            return Some(until);
        }
        let full_until = self.condition.full_until.filter(|until| *until > now);
        let local = self.clock.at(now);
        self.receive(local);
        let moment = Moment { monotonic: local, unix_nanos: self.clock.wall(now) };
        let wakes = self.run_applications(now, moment, full_until.is_none().then_some(&mut *sent), program);
        let timer = if full_until.is_some() {
            self.stack.next_timer()
        } else {
            transmit(&mut self.stack, batch, local, sent);
            self.stack.poll_timeout()
        };
        self.deadline = timer.map(|wakeup| wakeup.at.max(local));
        let more = (!self.inbox.is_empty()).then_some(now);
        let due = [wakes, self.deadline].into_iter().flatten().min();
        let due = due.map(|at| self.clock.reaches(at).max(now));
        [more, due, full_until].into_iter().flatten().min()
    }

    /// Frames and time, as facts.
    fn receive(&mut self, local: Instant) {
        let rx_batch = usize::from(self.stack.config().rx_batch.max(1));
        for _ in 0..rx_batch {
            let Some(arrived) = self.inbox.pop_front() else { break };
            let frame = Frame::from(arrived.frame.clone());
            // What is dropped is counted in the stack. What comes to an interface that is down has not come.
            if self.stack.handle_frame(local, self.interfaces[arrived.port], frame)
                != Verdict::Dropped(DropReason::InterfaceDown)
            {
                self.taken.push(arrived);
            }
        }
        if self.deadline.is_some_and(|at| at <= local) {
            self.stack.handle_timeout(local);
        }
    }

    /// Scripts and workloads, then programs, until no event is left that either brought about. Returns when one
    /// of them has something to do next.
    fn run_applications(
        &mut self,
        world: Instant,
        moment: Moment,
        mut sent: Option<&mut Vec<Sent>>,
        mut program: impl FnMut(Turn<'_>) -> Option<Instant>,
    ) -> Option<Instant> {
        loop {
            self.applications.run(&mut self.stack, moment.monotonic, world, &mut self.events);
            let (stack, events) = (&mut self.stack, &self.events[..]);
            let programs_wake = program(Turn { stack, moment, events, sent: sent.as_deref_mut() });
            self.events.clear();
            self.applications.route_events(&mut self.stack, &mut self.events);
            if self.events.is_empty() {
                return [self.applications.wakes_at(), programs_wake].into_iter().flatten().min();
            }
        }
    }
}

/// Takes everything that a stack has to send.
pub(crate) fn transmit(stack: &mut Stack, batch: &mut TxBatch, now: Instant, sent: &mut Vec<Sent>) {
    let ready: SmallVec<[InterfaceId; 4]> = stack.interfaces_ready().collect();
    for interface in ready {
        // A stack that never has enough would take all memory.
        while sent.len() < FRAMES_PER_TURN_MAX {
            batch.clear();
            if stack.poll_transmit(now, interface, batch) == 0 {
                break;
            }
            let heads = batch.share_heads();
            for (number, transmit) in batch.items.iter().enumerate() {
                let head = heads.slice(transmit.head.start as usize..transmit.head.end as usize);
                let slices = &batch.slices[transmit.slices.start as usize..transmit.slices.end as usize];
                let frame = if slices.is_empty() { head } else { joined(&head, slices) };
                sent.push(Sent { interface: interface.index(), frame, provenance: batch.provenance(number) });
            }
        }
    }
}

/// A frame whose payload was not copied behind its head yet.
fn joined(head: &[u8], slices: &[Bytes]) -> Bytes {
    let mut whole = head.to_vec();
    for slice in slices {
        whole.extend_from_slice(slice);
    }
    whole.into()
}

/// A stack with the host's interfaces and routes, which seeks its leases.
fn boot(made_of: &Host, config: Config, seed: Seed, now: Instant) -> Result<(Box<Stack>, Vec<InterfaceId>), HostError> {
    let mut stack = Box::new(Stack::new(config, seed));
    let mut interfaces = Vec::with_capacity(made_of.interfaces.len());
    for (number, interface) in made_of.interfaces.iter().enumerate() {
        let added = stack.add_interface(now, interface.clone());
        interfaces.push(added.map_err(|error| HostError::Interface(number, error))?);
    }
    for (number, route) in made_of.routes.iter().enumerate() {
        let refused = |error| HostError::Route(number, error);
        let interface = *interfaces.get(route.interface).ok_or(refused(RouteError::NoInterface))?;
        let InterfaceAddress { address, prefix_len } = route.destinations;
        stack.add_route(Route::via(address, prefix_len, route.gateway, interface)).map_err(refused)?;
    }
    for number in &made_of.leases {
        let refused = |error| HostError::Lease(*number, error);
        let interface = *interfaces.get(*number).ok_or(refused(Dhcpv4Error::NoInterface))?;
        let config = stack.config().dhcpv4.clone();
        stack.dhcpv4_start(now, interface, config).map_err(refused)?;
    }
    Ok((stack, interfaces))
}
