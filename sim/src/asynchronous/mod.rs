//! Hosts that run asynchronous programs: unmodified services, real sockets, on the world's time.
//!
//! | module | job |
//! |---|---|
//! | `simulation` | [`Simulation`]: a world, and the programs of its hosts |
//! | `life` | one life of a host: a tokio runtime, left when none of its tasks can go on |
//! | `handle` | [`HostHandle`]: a host as its programs see it |
//! | [`time`] | sleep, timeout, interval and the clocks, exact to the nanosecond |
//! | `snapshot` | [`Snapshot`]: a simulation as it is at an event, had again by running it up to there |
//! | `hyper` | `Timer`: hyper's timeouts on the host's time (feature `hyper`) |
//!
//! ```
//! use tickwire_sim::asynchronous::net::{TcpListener, TcpStream};
//! use tickwire_sim::{Ended, Host, Instant, InterfaceAddress, Link, Seed, Simulation, World, time};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
//! use std::time::Duration;
//!
//! let mut world = World::new(Seed([1; 32]));
//! let address = |last| InterfaceAddress::v4([192, 0, 2, last].into(), 24);
//! let server = world.add_host(Host::new("server", 1, &[address(1)]))?;
//! let client = world.add_host(Host::new("client", 2, &[address(2)]))?;
//! world.connect(server, client, Link::constant(Duration::from_millis(5)));
//!
//! let mut sim = Simulation::new(world).without_tokio_time();
//! sim.start(server, |host| async move {
//!     let listener = TcpListener::bind(&host, ([192, 0, 2, 1], 7))?;
//!     loop {
//!         let (mut stream, _) = listener.accept().await?;
//!         tokio::spawn(async move {
//!             let (mut reading, mut writing) = stream.split();
//!             copy(&mut reading, &mut writing).await
//!         });
//!     }
//! });
//! sim.start(client, |host| async move {
//!     let mut stream = TcpStream::connect(&host, ([192, 0, 2, 1], 7)).await?;
//!     let began = time::now();
//!     stream.write_all(b"hello").await?;
//!     stream.read_exact(&mut [0; 5]).await?;
//!     assert_eq!(time::now().since(began), Duration::from_millis(10));
//!     Ok(())
//! });
//! assert_eq!(sim.run_until(Instant::from_millis(600_000)), Ended::Quiescent);
//! assert_eq!(sim.failures(), []);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How it runs
//!
//! Each host has a tokio runtime of its own, without threads and without I/O. In the host's turn the runtime
//! runs until none of its tasks can go on; no time passes meanwhile. `tokio::spawn` stays on its host. A crash is the
//! drop of the runtime, and of every task with it; when the host starts again so do its programs, with a new handle.
//!
//! Nothing but the world moves a host's clocks: [`time`] is exact, and `tokio::time` shows the same time, with timers
//! that fire at the next whole millisecond of the host's clock (tokio's own resolution). As tokio tells nobody when its next
//! timer is due, a host with tasks is entered at every millisecond for it, about a microsecond of work, and is
//! never quiescent; [`Simulation::without_tokio_time`] spares that.
//!
//! A program's error is a failure of the simulation, its panic ends it. A panic in another task is that task's
//! `JoinError`, as everywhere, unless it is the stack's.
//!
//! A host goes on when its network or its clock says so. What else wakes a task (a channel whose other end is
//! outside) is noticed in the host's next turn only.
//!
//! # What reaches past the simulation
//!
//! Everything that a program sees of its host follows from the world's seed. What it asks of others does not, and then
//! two runs differ. [`determinism::check`](crate::determinism::check) finds that, and names the first frame that does
//! (each of the first three has a test in which it does):
//!
//! | leak | remedy |
//! |---|---|
//! | the system's clocks (`std::time`), as in the `Date` header of hyper's servers | [`time::now`], [`time::unix_time`]; `auto_date_header(false)`, or a `Date` of one's own, which hyper leaves alone (axum's `serve` has no switch) |
//! | the order of a `HashMap` or `HashSet` with `RandomState` | a `BTreeMap`, or a hasher with a fixed key |
//! | `select!` without `biased` draws which branch is first | `select! { biased; .. }` |
//! | the system's randomness (`getrandom`, thread-local generators) | a generator that is seeded from what the program is given |
//! | threads | none: see below |
//!
//! `spawn_blocking`, and what is made of it (`tokio::fs`, names looked up), panics in the task that calls it. A thread of
//! the program's own finds every socket's call failing with `NetworkDown`, and no clock. Sockets of `tokio::net` panic, for
//! the runtime has no I/O. A task that never waits (a loop of `yield_now`) keeps its host from ever ending its turn.

mod handle;
#[cfg(feature = "hyper")]
mod hyper;
mod life;
mod simulation;
mod snapshot;
pub mod time;

pub use self::handle::HostHandle;
#[cfg(feature = "hyper")]
pub use self::hyper::Timer;
pub use self::simulation::Simulation;
pub use self::snapshot::{RestoreError, Snapshot};
/// The sockets, for a [`HostHandle`].
pub use tickwire_backends::async_net as net;
