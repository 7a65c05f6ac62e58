//! The loop: wait, receive, handle, tell, send, ask when to come back.
//!
//! ```text
//!   wait: poll on devices and wake-up    only if the last turn left nothing to do
//!   receive at most rx_batch frames      outside the lock
//!   handle_frame each                    \
//!   handle_timeout if due                 |
//!   drain events, run services            |  under the lock
//!   send one batch per interface          |
//!   poll_timeout                         /
//! ```

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tickwire_core::config::{Config, InterfaceAddress, InterfaceConfig};
use tickwire_core::frame::{Capabilities, Frame};
use tickwire_core::link::InterfaceId;
use tickwire_core::wire::ethernet::EthernetAddress;
use tickwire_core::{Instant, Seed, Stack};

use super::DriverError;
use super::clock::{Clock, random_seed};
use super::inlet::Inlet;
use super::port::Port;
use super::service::{Context, Service};
use super::state::{Shared, Sleep, StackHandle, State};
use super::waiting::{News, Waiting};
use crate::capture::Capture;
use crate::device::Device;
use crate::pool::Pool;
use crate::recording::{Recording, Start};
use crate::signal::Signal;
use crate::sockets::Wakeups;

/// Ethernet header and one VLAN tag.
const LINK_HEADER_MAX: usize = 18;

/// A stack with its devices and services, driven by whoever calls [`Loop::turn`].
///
/// [`Driver::spawn`](super::Driver::spawn) has a thread do it. A program with a single thread calls
/// it itself; it must then not use blocking sockets of this stack in a way that waits.
pub struct Loop {
    pub(super) shared: Arc<Shared>,
    waiting: Waiting,
    inlets: Vec<Inlet>,
    /// Where the search for the next inlet begins, so that a busy one does not starve the others.
    inlet_next: usize,
    frames: Vec<Frame>,
    pub(super) services: Vec<Box<dyn Service>>,
    wakeups: Wakeups,
    rx_batch: usize,
    clock: Clock,
    /// What the last turn left to be done.
    rest: Rest,
}

impl fmt::Debug for Loop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loop").field("inlets", &self.inlets.len()).finish_non_exhaustive()
    }
}

/// What a turn leaves to be done.
#[derive(Clone, Copy, Debug)]
enum Rest {
    /// There is more to do at once.
    Busy,
    /// Nothing until then, or until something happens.
    Until(Option<Instant>),
}

impl Loop {
    /// A loop around a new stack without interfaces. Its seed comes from the system unless one is given.
    ///
    /// # Errors
    ///
    /// [`DriverError::System`]: no entropy, or no eventfd.
    pub fn new(config: Config, seed: Option<Seed>) -> Result<Loop, DriverError> {
        Loop::with_recording(config, seed, None)
    }

    /// As [`Loop::new`], and every call on the stack is recorded.
    ///
    /// # Errors
    ///
    /// As [`Loop::new`].
    pub fn recorded(config: Config, seed: Option<Seed>, recording: Recording) -> Result<Loop, DriverError> {
        Loop::with_recording(config, seed, Some(recording))
    }

    fn with_recording(
        config: Config,
        seed: Option<Seed>,
        mut recording: Option<Recording>,
    ) -> Result<Loop, DriverError> {
        let seed = match seed {
            Some(seed) => seed,
            None => random_seed().map_err(system("get entropy"))?,
        };
        let rx_batch = usize::from(config.rx_batch.max(1));
        let clock = Clock::start();
        let mut stack = Stack::new(config.clone(), seed.clone());
        if let Some(recording) = &mut recording {
            recording.begin(Start { config, seed, unix_offset: clock.unix_offset() }, &mut stack);
        }
        let mut state = State::new(stack, clock);
        state.recording = recording;
        let shared = Shared::new(state).map_err(system("make an eventfd"))?;
        let waiting = Waiting::new().map_err(system("make a timer"))?;
        Ok(Loop {
            shared: Arc::new(shared),
            waiting,
            inlets: Vec::new(),
            inlet_next: 0,
            frames: Vec::with_capacity(rx_batch),
            services: Vec::new(),
            wakeups: Wakeups::default(),
            rx_batch,
            clock,
            rest: Rest::Busy,
        })
    }

    /// Records all frames from here on. Call it before [`Loop::add_device`], which describes the
    /// interface to the capture. The capture has to be made with [`StackHandle::unix_offset`].
    pub fn set_capture(&mut self, capture: Capture) {
        self.shared.lock().capture = Some(capture);
    }

    /// Adds a loopback interface, by which the stack reaches its own addresses, 127.0.0.0/8 and `::1`.
    ///
    /// # Errors
    ///
    /// [`DriverError::Interface`]: the stack refuses it.
    pub fn add_loopback(&mut self) -> Result<InterfaceId, DriverError> {
        const NAME: &str = "lo";
        let mut state = self.shared.lock();
        let now = state.clock.now();
        let config = InterfaceConfig::loopback();
        let (medium, frame_max) = (config.medium, config.capabilities.mtu.into());
        let refused = |source| DriverError::Interface { name: NAME.to_owned(), source };
        let interface = state.stack.add_interface(now, config).map_err(refused)?;
        if let Some(capture) = &state.capture {
            capture.add_interface(NAME, medium, frame_max);
        }
        if let Some(recording) = &mut state.recording {
            recording.name_interface(interface, NAME);
        }
        state.ports.push(None);
        Ok(interface)
    }

    /// Adds an interface on `device`, whose addresses are used at once. The hardware address is for Ethernet only.
    ///
    /// # Errors
    ///
    /// [`DriverError::Interface`]: the stack refuses it.
    pub fn add_device(
        &mut self,
        device: impl Device + 'static,
        hardware_address: EthernetAddress,
        addresses: &[InterfaceAddress],
    ) -> Result<InterfaceId, DriverError> {
        self.add_interface(device, |capabilities| {
            InterfaceConfig::new(hardware_address, capabilities, addresses.iter().copied()).unverified()
        })
    }

    /// Adds an interface on `device`, as `configure` makes it from what the device can do.
    ///
    /// # Errors
    ///
    /// [`DriverError::Interface`]: the stack refuses it.
    pub fn add_interface(
        &mut self,
        device: impl Device + 'static,
        configure: impl FnOnce(Capabilities) -> InterfaceConfig,
    ) -> Result<InterfaceId, DriverError> {
        let device: Arc<dyn Device> = Arc::new(device);
        let capabilities = device.capabilities();
        let frame_max = usize::from(capabilities.mtu) + LINK_HEADER_MAX;
        let config = InterfaceConfig { medium: device.medium(), ..configure(capabilities) };
        let mut state = self.shared.lock();
        let now = state.clock.now();
        let refused = |source| DriverError::Interface { name: device.name().to_owned(), source };
        let interface = state.stack.add_interface(now, config).map_err(refused)?;
        if let Some(capture) = &state.capture {
            capture.add_interface(device.name(), device.medium(), frame_max as u32);
        }
        if let Some(recording) = &mut state.recording {
            recording.name_interface(interface, device.name());
        }
        state.ports.push(Some(Port::new(Arc::clone(&device))));
        drop(state);
        let pool = Pool::new(frame_max);
        // Only now: the numbers of both are the same.
        self.waiting.add(Arc::clone(&device));
        self.inlets.push(Inlet::new(interface, device, pool));
        Ok(interface)
    }

    /// Starts a service.
    ///
    /// # Errors
    ///
    /// What its [`Service::start`] returns.
    pub fn add_service(&mut self, mut service: Box<dyn Service>) -> io::Result<()> {
        let number = self.services.len();
        self.handle().call(|state, now| {
            let State { stack, owners, .. } = state;
            service.start(&mut Context { stack, now, owners, service: number })
        })?;
        self.services.push(service);
        Ok(())
    }

    /// Access to the stack, for sockets and for other threads.
    pub fn handle(&self) -> StackHandle {
        StackHandle { shared: Arc::clone(&self.shared) }
    }

    /// One turn. If the last one left nothing to do, it first waits until a frame arrives, a deadline
    /// comes or a socket call needs it, at most for `longest` (zero: not at all; `None`: without
    /// bound); it may also end early with nothing to do, when a deadline has moved. Then it does what there is to do.
    ///
    /// # Errors
    ///
    /// [`DriverError::Device`] once a device is gone, [`DriverError::System`] if waiting fails. Nobody
    /// need turn the loop again: all socket calls, those that wait too, fail with `ENETDOWN` from then on.
    pub fn turn(&mut self, longest: Option<Duration>) -> Result<(), DriverError> {
        let outcome = self.wait_and_work(longest);
        self.wakeups.wake();
        if outcome.is_err() {
            self.shared.end_calls();
        }
        outcome
    }

    fn wait_and_work(&mut self, longest: Option<Duration>) -> Result<(), DriverError> {
        let mut early = None;
        match self.rest {
            // The other devices are looked at also while there is work.
            Rest::Busy if self.inlets.iter().all(|inlet| inlet.ready) => {}
            Rest::Busy => self.look()?,
            Rest::Until(_) if longest == Some(Duration::ZERO) => self.look()?,
            Rest::Until(until) => {
                early = self.receive_early()?;
                if early.is_none() {
                    let limit = longest.map(|longest| self.clock.now() + longest);
                    self.wait(until.into_iter().chain(limit).min())?;
                }
            }
        }
        let inlet = if early.is_some() { early } else { self.receive()? };
        self.rest = self.process(inlet)?;
        Ok(())
    }

    /// Looks for a frame before it is waited for, where that has paid lately. Of several devices each is to be heard:
    /// there the wait tells.
    fn receive_early(&mut self) -> Result<Option<usize>, DriverError> {
        let [inlet] = &mut self.inlets[..] else { return Ok(None) };
        let there = inlet.receive_early(&mut self.frames)?;
        Ok(there.then_some(0))
    }

    /// Receives a batch from the next device that may have one.
    fn receive(&mut self) -> Result<Option<usize>, DriverError> {
        let count = self.inlets.len();
        let candidates = (self.inlet_next..count).chain(0..self.inlet_next);
        let Some(number) = candidates.into_iter().find(|number| self.inlets[*number].ready) else { return Ok(None) };
        self.inlet_next = (number + 1) % count;
        self.inlets[number].receive(&mut self.frames, self.rx_batch)?;
        Ok(Some(number))
    }

    /// All that happens under the lock.
    fn process(&mut self, inlet: Option<usize>) -> Result<Rest, DriverError> {
        let mut state = self.shared.lock();
        state.sleeping = None;
        let now = state.clock.now();
        if let Some(number) = inlet {
            state.handle_frames(now, self.inlets[number].interface, &mut self.frames);
        }
        if state.deadline.is_some_and(|at| at <= now) {
            state.stack.handle_timeout(now);
        }
        state.route_events();
        run_services(&mut self.services, &mut state, now);
        state.retry_blocked();
        state.settle(now);
        state.waiters.swap_wakeups(&mut self.wakeups);
        if let Some(failure) = state.failure.take() {
            return Err(failure);
        }
        for (number, inlet) in self.inlets.iter().enumerate() {
            let Some(Some(port)) = state.ports.get_mut(inlet.interface.index()) else { continue };
            if port.is_blocked() != port.awaited {
                port.awaited = port.is_blocked();
                self.waiting.set_blocked(number, port.awaited);
            }
        }
        let until = state.deadline;
        let due = until.is_some_and(|at| at <= now);
        if due || self.inlets.iter().any(|inlet| inlet.ready) || !state.service_events.is_empty() {
            return Ok(Rest::Busy);
        }
        state.sleeping = Some(Sleep { until });
        Ok(Rest::Until(until))
    }

    /// Waits for devices, for the wake-up, and at most until `until`.
    fn wait(&mut self, until: Option<Instant>) -> Result<(), DriverError> {
        let (inlets, wake) = (&mut self.inlets, &self.shared.wake);
        let ended = self.waiting.wait(wake, until, &self.clock, |news| hear(news, inlets, wake));
        ended.map_err(system("wait (poll)"))
    }

    /// Whether there is anything from devices, or the wake-up.
    fn look(&mut self) -> Result<(), DriverError> {
        let (inlets, wake) = (&mut self.inlets, &self.shared.wake);
        let ended = self.waiting.look(wake, |news| hear(news, inlets, wake));
        ended.map_err(system("look (poll)"))
    }

    /// The time by the driver's clock.
    pub fn now(&self) -> Instant {
        self.clock.now()
    }
}

/// Whatever ends the loop, a panic on its thread too, nobody goes on waiting for it.
impl Drop for Loop {
    fn drop(&mut self) {
        self.shared.end_calls();
    }
}

fn hear(news: News, inlets: &mut [Inlet], wake: &Signal) {
    match news {
        News::Woken => wake.lower(),
        News::Readable(number) => inlets[number].ready = true,
    }
}

/// Runs the events that were queued when it was called; what they cause waits for the next turn.
fn run_services(services: &mut [Box<dyn Service>], state: &mut State, now: Instant) {
    for _ in 0..state.service_events.len() {
        let Some((number, event)) = state.service_events.pop_front() else { return };
        let State { stack, owners, .. } = state;
        if let Some(service) = services.get_mut(number) {
            service.on_event(&mut Context { stack, now, owners, service: number }, event);
        }
    }
}

fn system(step: &'static str) -> impl Fn(io::Error) -> DriverError {
    move |source| DriverError::System { step, source }
}
