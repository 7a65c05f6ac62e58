//! A world, and the programs of its hosts.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::rc::Rc;

use tickwire_core::Instant;

use super::handle::HostHandle;
use super::life::{Life, Outcome, Task};
use super::snapshot::{Make, Snapshot};
use crate::determinism::Run;
use crate::failure::Failure;
use crate::fault::Fault;
use crate::programs::{Programs, Turn};
use crate::world::{Ended, HostId, World};

/// A world whose hosts run asynchronous programs; see [the module](super).
pub struct Simulation {
    world: World,
    hosts: Hosts,
    /// How it can be made once more.
    make: Option<Make>,
}

impl Simulation {
    /// The world goes on with programs. What else it has (links, scripts, faults) works as before.
    pub fn new(world: World) -> Simulation {
        Simulation { world, hosts: Hosts { members: BTreeMap::new(), has_ticks: true }, make: None }
    }

    /// What `make` makes, which can be made once more: for a [`Simulation::snapshot`] with programs. `make` must
    /// make the same thing each time: worlds of one seed, with the same nodes, links, scripts, faults and programs.
    pub fn made_by(make: impl Fn() -> Simulation + 'static) -> Simulation {
        Simulation::made_by_shared(&(Rc::new(make) as Make))
    }

    pub(super) fn made_by_shared(make: &Make) -> Simulation {
        Simulation { make: Some(Rc::clone(make)), ..make() }
    }

    /// The simulation as it is now. Without programs it is copied; with them it is to be made and run once more:
    /// `None` unless it was [made so](Simulation::made_by).
    pub fn snapshot(&self) -> Option<Snapshot> {
        if self.hosts.members.is_empty() {
            return Some(Snapshot::copy(&self.world));
        }
        let make = self.make.clone()?;
        Some(Snapshot::replay(make, &self.world))
    }

    /// Does without tokio's own timers, in lives that begin after this: whoever uses `tokio::time` panics then, and
    /// must use [`time`](super::time). In return hosts that wait for the network only cost nothing, and a run ends
    /// as soon as nothing is left to happen: [`Ended::Quiescent`].
    #[must_use]
    pub fn without_tokio_time(mut self) -> Simulation {
        self.hosts.has_ticks = false;
        self
    }

    /// Starts a program on a host, at the present time, and again whenever the host starts again after a crash:
    /// with a new handle, for it has a new stack. One that is started while the host is down begins with its
    /// next life.
    ///
    /// `tokio::spawn` in it stays on the host. Its error is a [`Failure::Program`]; its panic ends the simulation.
    ///
    /// # Panics
    ///
    /// If `host` is of another world and not in this one.
    pub fn start<F>(&mut self, host: HostId, program: impl Fn(HostHandle) -> F + 'static)
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let name = self.world.trace().nodes()[host.index()].clone();
        let member = self.hosts.members.entry(host).or_insert_with(|| Member::new(name));
        member.programs.push(Box::new(move |handle| Box::pin(program(handle))));
        // Its turn is now.
        self.world.with_stack(host, |_, _| ());
    }

    /// The world.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The world, to be changed: faults scheduled, links cut, scripts started. Run by itself it would leave the
    /// programs out.
    pub fn world_mut(&mut self) -> &mut World {
        &mut self.world
    }

    /// As [`World::run_until`]. With tokio's own timers the run does not end before `limit` while a host has a
    /// task, for tokio tells nobody when the next of them is due.
    ///
    /// # Panics
    ///
    /// If a program does; if this is called by a task of a tokio runtime.
    pub fn run_until(&mut self, limit: Instant) -> Ended {
        self.world.run_until_with(limit, &mut self.hosts)
    }

    /// As [`World::run_events`].
    ///
    /// # Panics
    ///
    /// As [`Simulation::run_until`].
    pub fn run_events(&mut self, events: u64, limit: Instant) -> u64 {
        self.world.run_events_with(events, limit, &mut self.hosts)
    }

    /// How many programs of a host have neither ended nor crashed.
    pub fn running(&self, host: HostId) -> usize {
        self.hosts.members.get(&host).map_or(0, Member::running)
    }

    /// [`World::failures`], and the programs that ended with an error.
    pub fn failures(&self) -> Vec<Failure> {
        let programs = self.hosts.members.values().flat_map(|member| member.failures.iter().cloned());
        self.world.failures().into_iter().chain(programs).collect()
    }
}

impl fmt::Debug for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let programs = self.hosts.members.values().map(|member| (&member.name, member.running()));
        f.debug_struct("Simulation")
            .field("world", &self.world)
            .field("programs", &programs.collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl Run for Simulation {
    fn run_events(&mut self, events: u64, limit: Instant) -> u64 {
        Simulation::run_events(self, events, limit)
    }

    fn world(&self) -> &World {
        &self.world
    }

    fn world_mut(&mut self) -> &mut World {
        &mut self.world
    }
}

/// Makes a program for each life of its host.
type Program = Box<dyn Fn(HostHandle) -> Task>;

/// The hosts that have programs.
struct Hosts {
    members: BTreeMap<HostId, Member>,
    /// Whether tokio's own timers work.
    has_ticks: bool,
}

struct Member {
    name: String,
    programs: Vec<Program>,
    /// How many of them were started in the present life.
    started: usize,
    /// `None` before its first turn, and while the host is down.
    life: Option<Life>,
    /// When it is to run next though nothing happens, by the host's clock.
    wakes_at: Option<Instant>,
    failures: Vec<Failure>,
}

impl Member {
    fn new(name: String) -> Member {
        Member { name, programs: Vec::new(), started: 0, life: None, wakes_at: None, failures: Vec::new() }
    }

    fn running(&self) -> usize {
        self.programs.len() - self.started + self.life.as_ref().map_or(0, Life::running)
    }

    /// Its life ends. Of the programs, the next one begins with those from number `started` on.
    fn end(&mut self, started: usize) {
        self.life = None;
        self.wakes_at = None;
        self.started = started;
    }

    fn run(&mut self, turn: Turn<'_>, has_ticks: bool) {
        let now = turn.moment.monotonic;
        let life = self.life.get_or_insert_with(|| Life::new(&self.name, now, has_ticks));
        let handle = life.handle();
        let new = (self.started..).zip(&self.programs[self.started..]);
        let new = new.map(|(number, program)| (number, program(handle.clone())));
        let ended = life.run(turn, new);
        self.started = self.programs.len();
        self.wakes_at = life.wakes_at(now);
        for (number, outcome) in ended {
            if let Err(error) = outcome {
                let (host, what) = (self.name.clone(), error.to_string());
                self.failures.push(Failure::Program { host, number, what });
            }
        }
    }
}

impl Programs for Hosts {
    fn run(&mut self, host: HostId, turn: Turn<'_>) -> Option<Instant> {
        let member = self.members.get_mut(&host)?;
        let is_due = member.wakes_at.is_some_and(|at| at <= turn.moment.monotonic);
        if is_due || !turn.events.is_empty() || member.started < member.programs.len() {
            member.run(turn, self.has_ticks);
        }
        member.wakes_at
    }

    fn befall(&mut self, fault: Fault) {
        let Some(member) = fault.host().and_then(|host| self.members.get_mut(&host)) else { return };
        match fault {
            Fault::Crash(_) => member.end(member.programs.len()),
            Fault::Restart(_) => member.end(0),
            _ => {}
        }
    }
}
