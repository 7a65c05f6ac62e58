//! Stacks on virtual links and a virtual clock. Everything that happens follows from one seed and
//! from data: run it twice, in debug or in release, on any machine, and every frame is the same one
//! at the same nanosecond.
//!
//! The core is the very one that drives a TAP interface; what is replaced is the world around it. A
//! [`World`] holds hosts (a stack each), links between their interfaces, and scripts that use their
//! sockets. It goes from one thing that happens to the next; time passes only in between.
//!
//! | module | job |
//! |---|---|
//! | [`world`] | [`World`]: hosts, links, and the order in which things happen |
//! | [`link`] | what happens to frames between two interfaces: rate, queue, loss, delay |
//! | [`draw`] | every random decision, by name: from a seed, or from a tape |
//! | `wiring` | which interfaces are linked |
//! | `host` | one turn of a driver's loop, without a device and without a clock |
//! | [`script`] | applications as data: connect, send, expect, close |
//! | `queue` | what is to happen, by time and then by the order in which it was decided |
//! | `failure` | what went wrong: a script that could not go on, a rule that was broken |
//! | [`oracle`] | rules that every run must keep, judged by the frames of each host |
//! | [`relay`] | a link of the same kind between two real interfaces, in real time |
//! | [`command`] | the command `tickwire-sim` |
//! | [`trace`] | every frame that passed an interface, in the notation and as pcapng |
//! | [`segment`] | the TCP segment of a frame, its flow, and sequence numbers told from 0 |
//!
//! ```
//! use std::{net::Ipv4Addr, time::Duration};
//! use tickwire_sim::{Ended, Host, Instant, InterfaceAddress, Link, Seed, Step, World, bytes::Bytes};
//!
//! let mut world = World::new(Seed([1; 32]));
//! let address = |last| InterfaceAddress::v4(Ipv4Addr::new(192, 0, 2, last), 24);
//! let server = world.add_host(Host::new("server", 1, &[address(1)]))?;
//! let client = world.add_host(Host::new("client", 2, &[address(2)]))?;
//! world.connect(server, client, Link::constant(Duration::from_millis(5)));
//!
//! let line = Bytes::from_static(b"hello\n");
//! let at = "192.0.2.1:7".parse()?;
//! world.start(server, vec![Step::Listen(at), Step::Expect(line.clone()), Step::Send(line.clone()), Step::Close]);
//! world.start(client, vec![Step::Connect(at), Step::Send(line.clone()), Step::Expect(line), Step::Close]);
//! assert_eq!(world.run_until(Instant::from_millis(600_000)), Ended::Quiescent);
//! assert_eq!(world.failures(), []);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! There are no floating-point numbers: their results may differ between machines.
#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic)]
#![warn(missing_docs)]

pub mod command;
pub mod draw;
mod failure;
mod host;
pub mod link;
pub mod oracle;
mod queue;
#[cfg(target_os = "linux")]
pub mod relay;
pub mod script;
pub mod segment;
pub mod trace;
mod wiring;
pub mod world;

pub use bytes;
pub use failure::Failure;
pub use link::{Link, Partition};
pub use script::{ApplicationId, Step};
pub use tickwire_backends::capture;
pub use tickwire_core::{Config, Instant, InterfaceAddress, Seed};
pub use trace::{Direction, Passed, Trace};
pub use wiring::LinkId;
pub use world::{Ended, Host, HostId, Port, World};
