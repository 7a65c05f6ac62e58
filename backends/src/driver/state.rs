//! What the driver and all socket calls share under one lock, and what each of them does before it
//! lets go of it: tell of events, send what there is, note the next deadline.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tickwire_core::event::Event;
use tickwire_core::frame::{Frame, TxBatch};
use tickwire_core::link::InterfaceId;
use tickwire_core::{Instant, Stack};

use super::DriverError;
use super::clock::Clock;
use super::owners::Owners;
use super::port::Port;
use crate::capture::Capture;
use crate::device::DeviceCounters;
use crate::recording::Recording;
use crate::signal::Signal;
use crate::sockets::{Handle, Socket, Waiters};

/// Under the lock.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) stack: Stack,
    pub(crate) clock: Clock,
    /// By [`InterfaceId::index`]; the loopback has none.
    pub(crate) ports: Vec<Option<Port>>,
    pub(crate) owners: Owners,
    pub(crate) waiters: Waiters,
    pub(crate) capture: Option<Capture>,
    pub(crate) recording: Option<Recording>,
    /// Events for services, which only the driver runs.
    pub(crate) service_events: VecDeque<(usize, Event)>,
    /// When there is next something to do without news from outside.
    pub(crate) deadline: Option<Instant>,
    /// Set while the driver waits: what it waits for at the latest.
    pub(crate) sleeping: Option<Sleep>,
    /// A device broke in a socket call; the driver will report it.
    pub(crate) failure: Option<DriverError>,
    /// How long the driver may take to close connections, once it is stopping.
    pub(crate) close_within: Duration,
    ready: Vec<InterfaceId>,
}

/// What the driver waits for beside devices.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sleep {
    pub(crate) until: Option<Instant>,
}

impl State {
    pub(crate) fn new(stack: Stack, clock: Clock) -> State {
        State {
            stack,
            clock,
            ports: Vec::new(),
            owners: Owners::default(),
            waiters: Waiters::default(),
            capture: None,
            recording: None,
            service_events: VecDeque::new(),
            deadline: None,
            sleeping: None,
            failure: None,
            close_within: Duration::ZERO,
            ready: Vec::new(),
        }
    }

    /// Hands a batch of received frames to the stack.
    pub(crate) fn handle_frames(&mut self, now: Instant, interface: InterfaceId, frames: &mut Vec<Frame>) {
        for frame in frames.drain(..) {
            if let Some(capture) = &self.capture {
                capture.inbound(interface.index() as u32, now, self.stack.next_serial(), &frame.data);
            }
            // What was dropped, and why, the stack has counted.
            let _ = self.stack.handle_frame(now, interface, frame);
        }
    }

    /// Hands each event to the service that it is for, or to who waits. An event that is for nobody is of a
    /// connection that nobody has accepted yet; who does will find its state.
    pub(crate) fn route_events(&mut self) {
        while let Some(event) = self.stack.poll_event() {
            let Some(socket) = Socket::of(event) else {
                self.service_events.extend(self.owners.watchers.iter().map(|service| (*service, event)));
                continue;
            };
            match self.owners.service(socket) {
                Some(service) => self.service_events.push_back((service, event)),
                None => self.waiters.tell(event),
            }
        }
    }

    /// Sends at most one batch per interface, and first what was kept of the last one.
    pub(crate) fn transmit(&mut self, now: Instant) {
        self.ready.clear();
        self.ready.extend(self.stack.interfaces_ready());
        for interface in &self.ready {
            let Some(Some(port)) = self.ports.get_mut(interface.index()) else {
                // What the stack sends to itself arrives within the call.
                self.stack.poll_transmit(now, *interface, &mut TxBatch::new());
                continue;
            };
            let Some(batch) = port.batch() else { continue };
            self.stack.poll_transmit(now, *interface, batch);
            if let Some(capture) = &self.capture {
                for (number, frame) in batch.frames().enumerate() {
                    capture.outbound(interface.index() as u32, now, frame, batch.provenance(number));
                }
            }
            Self::flush(port, &mut self.failure);
        }
    }

    /// Offers devices again what they refused.
    pub(crate) fn retry_blocked(&mut self) {
        for port in self.ports.iter_mut().flatten() {
            Self::flush(port, &mut self.failure);
        }
    }

    fn flush(port: &mut Port, failure: &mut Option<DriverError>) {
        if let Err(source) = port.flush() {
            *failure = Some(DriverError::Device { name: port.device.name().to_owned(), source });
        }
    }

    /// What ends every turn and every call.
    pub(crate) fn settle(&mut self, now: Instant) {
        self.transmit(now);
        self.route_events();
        // What waits for a device that takes no frames is not to be done at once, but once it does.
        let wakeup = if self.is_stalled() { self.stack.next_timer() } else { self.stack.poll_timeout() };
        self.deadline = wakeup.map(|wakeup| wakeup.at);
        self.record();
    }

    /// Hands on what the stack has noted of the calls on it.
    pub(crate) fn record(&mut self) {
        if let Some(recording) = &mut self.recording
            && !recording.take(&mut self.stack)
        {
            // Its writer tells why.
            self.stack.stop_recording();
            self.recording = None;
        }
    }

    pub(crate) fn is_blocked(&self) -> bool {
        self.ports.iter().flatten().any(Port::is_blocked)
    }

    /// Whether all that there is to send is for devices that take no frames.
    fn is_stalled(&self) -> bool {
        let port = |interface: InterfaceId| self.ports.get(interface.index())?.as_ref();
        let stalled = |interface| port(interface).is_some_and(Port::is_blocked);
        self.is_blocked() && self.stack.interfaces_ready().all(stalled)
    }

    /// Whether the driver, if it waits, has to be woken: there is something for it to do earlier
    /// than it knows.
    fn wakes_driver(&mut self) -> bool {
        let Some(sleep) = self.sleeping else { return false };
        let earlier = match (self.deadline, sleep.until) {
            (Some(deadline), Some(until)) => deadline < until,
            (deadline, None) => deadline.is_some(),
            (None, Some(_)) => false,
        };
        let blocked = self.ports.iter().flatten().any(|port| port.is_blocked() && !port.awaited);
        let wakes = earlier || !self.service_events.is_empty() || self.failure.is_some() || blocked;
        if wakes {
            // Once is enough until it has been awake.
            self.sleeping = None;
        }
        wakes
    }
}

/// One stack and everything around it.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    pub(crate) wake: Signal,
    /// Someone asked the driver's thread to end.
    pub(crate) stopping: AtomicBool,
}

impl Shared {
    pub(crate) fn new(state: State) -> io::Result<Shared> {
        Ok(Shared { state: Mutex::new(state), wake: Signal::new()?, stopping: AtomicBool::new(false) })
    }

    /// Takes the lock, also after a panic in a service: the stack itself has none, and who waits
    /// has to be told that the driver ended.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends a call that may have changed the stack.
    pub(crate) fn finish(&self, mut state: MutexGuard<'_, State>, now: Instant) {
        state.settle(now);
        let wakes_driver = state.wakes_driver();
        let mut wakeups = state.waiters.take_wakeups();
        drop(state);
        if wakes_driver {
            self.wake.raise();
        }
        wakeups.wake();
    }

    /// Has every call that waits return with an error, and every later one fail.
    pub(crate) fn end_calls(&self) {
        let mut state = self.lock();
        // After a panic the call that it was in is the last.
        state.record();
        state.waiters.end();
        let mut wakeups = state.waiters.take_wakeups();
        drop(state);
        wakeups.wake();
    }
}

/// Access to a driven stack, from any thread. Clones speak of the same stack.
#[derive(Clone, Debug)]
pub struct StackHandle {
    pub(crate) shared: Arc<Shared>,
}

impl StackHandle {
    /// Calls `f` with the stack and the time. What `f` gave the stack to send leaves before this
    /// returns, up to one batch per interface. Not for waiting: the driver stands still meanwhile.
    pub fn with<R>(&self, f: impl FnOnce(&mut Stack, Instant) -> R) -> R {
        self.call(|state, now| f(&mut state.stack, now))
    }

    pub(crate) fn call<R>(&self, f: impl FnOnce(&mut State, Instant) -> R) -> R {
        let mut state = self.shared.lock();
        let now = state.clock.now();
        let result = f(&mut state, now);
        self.shared.finish(state, now);
        result
    }

    /// What has passed through each device, with its name, in the order of the interfaces that have one.
    pub fn device_counters(&self) -> Vec<(String, DeviceCounters)> {
        let state = self.shared.lock();
        state.ports.iter().flatten().map(|port| (port.device.name().to_owned(), port.device.counters())).collect()
    }

    /// Frames that devices refused and that wait for them, in the order of the interfaces.
    pub fn frames_kept(&self) -> Vec<usize> {
        self.shared.lock().ports.iter().flatten().map(Port::kept).collect()
    }

    /// Ends the capture that [`Loop::set_capture`](super::Loop::set_capture) began: its writer can
    /// [finish](crate::capture::CaptureWriter::finish). Without a capture it does nothing.
    pub fn end_capture(&self) {
        self.shared.lock().capture = None;
    }

    /// Ends the recording that [`Loop::recorded`](super::Loop::recorded) began: its writer can
    /// [finish](crate::recording::RecordingWriter::finish). Without one it does nothing.
    pub fn end_recording(&self) {
        let mut state = self.shared.lock();
        if let Some(recording) = state.recording.take() {
            recording.end(&mut state.stack);
        }
    }

    /// Whether the stack is still driven. Once it is not, every socket call fails with `ENETDOWN`.
    pub fn is_running(&self) -> bool {
        !self.shared.lock().waiters.has_ended() && !self.shared.stopping.load(Ordering::Relaxed)
    }

    /// The wall time, since 1970, at which the stack's clock stood at zero.
    pub fn unix_offset(&self) -> Duration {
        self.shared.lock().clock.unix_offset()
    }
}

impl Handle for StackHandle {
    fn enter<R>(&self, f: impl FnOnce(&mut Stack, &mut Waiters, Instant) -> R) -> R {
        self.call(|state, now| f(&mut state.stack, &mut state.waiters, now))
    }
}
