//! A simulation as it is at an event. A world whose applications are data is copied; tasks cannot be, so with them
//! the simulation is made once more, and run up to the same event.

use std::error::Error;
use std::fmt;
use std::rc::Rc;

use tickwire_core::Instant;

use super::simulation::Simulation;
use crate::world::World;

/// Makes a simulation: a scenario, with its seed and its tape.
pub(super) type Make = Rc<dyn Fn() -> Simulation>;

/// A simulation at an event, from [`Simulation::snapshot`].
#[derive(Clone)]
pub struct Snapshot(Kept);

#[derive(Clone)]
enum Kept {
    Copy(Box<World>),
    Replay { make: Make, events: u64, at: Instant, hash: u128 },
}

impl Snapshot {
    pub(super) fn copy(world: &World) -> Snapshot {
        Snapshot(Kept::Copy(Box::new(world.clone())))
    }

    pub(super) fn replay(make: Make, world: &World) -> Snapshot {
        Snapshot(Kept::Replay { make, events: world.events(), at: world.now(), hash: world.hash() })
    }

    /// The simulation as it was: it goes on as that one did, or does.
    ///
    /// # Errors
    ///
    /// [`RestoreError`]: run once more, it came to be another. Either something was done to it from outside after it
    /// was made, or something in it [reaches past the simulation](super).
    ///
    /// # Panics
    ///
    /// As [`Simulation::run_until`].
    pub fn restore(&self) -> Result<Simulation, RestoreError> {
        match &self.0 {
            Kept::Copy(world) => Ok(Simulation::new(World::clone(world))),
            Kept::Replay { make, events, at, hash } => {
                let mut sim = Simulation::made_by_shared(make);
                sim.run_events(*events, *at);
                if sim.world().now() < *at {
                    // Nothing is left to happen by then.
                    let _ = sim.run_until(*at);
                }
                let same = sim.world().events() == *events && sim.world().hash() == *hash;
                if same { Ok(sim) } else { Err(RestoreError { events: *events, at: *at }) }
            }
        }
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kept::Copy(world) => f.debug_tuple("Copy").field(&world.now()).finish(),
            Kept::Replay { events, at, .. } => f.debug_tuple("Replay").field(at).field(events).finish(),
        }
    }
}

/// Run once more, a simulation came to be another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestoreError {
    /// After so many events.
    pub events: u64,
    /// At that time.
    pub at: Instant,
}

impl fmt::Display for RestoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RestoreError { events, at } = self;
        write!(
            f,
            "made and run once more, the simulation is another one after {events} events, at {at}: it was changed from \
             outside since it was made, or it is not deterministic (the determinism check says where)"
        )
    }
}

impl Error for RestoreError {}
