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
//! | [`world`] | [`World`]: nodes, links, and the order in which things happen |
//! | [`node`] | what stands at the ends of links: hosts, and machines that are none |
//! | [`fault`] | what goes wrong with hosts and links at a chosen moment |
//! | `clock` | a host's clock: it may drift, jump and stand still |
//! | [`link`] | what happens to frames between two interfaces: rate, queue, loss, delay |
//! | `caught` | panics of what is simulated: failures as any other |
//! | [`campaign`] | random scenarios by their numbers, on many threads and machines |
//! | [`command`] | the command `tickwire-sim` |
//! | [`draw`] | every random decision, by name: from a seed, or from a tape |
//! | `application` | [`Program`]: what runs on a host, and who is woken by what |
//! | [`replay`] | a stack that ran on a real interface, again, from a recording of every call |
//! | [`report`] | a run as one HTML page: ladder, graphs, verdicts |
//! | [`scenario`] | a network, its faults and its workload as one value, as TOML, and run |
//! | [`script`] | applications as steps: connect, send, expect, close |
//! | [`shrink`] | a scenario that fails is made smaller |
//! | [`swarm`] | random scenarios |
//! | [`workload`] | applications that transfer streams of known bytes, and verify them |
//! | [`asynchronous`] | hosts that run asynchronous programs: real code, on real sockets, on the world's time. Feature `tokio`, on by default |
//! | [`mutants`] | planted bugs, and whether they are found |
//! | `programs` | what a world needs of who runs programs on its hosts |
//! | [`determinism`] | two runs of one thing, compared event by event |
//! | `failure` | what went wrong: a script that could not go on, a rule that was broken |
//! | [`oracle`] | rules that every run must keep, judged by the frames of each host |
//! | [`topology`] | networks that come up again and again: a pair, a star, a dumbbell, a chain |
//! | [`trace`] | every frame that passed an interface, in the notation and as pcapng |
//! | [`segment`] | the TCP segment of a frame, its flow, and sequence numbers told from 0 |
//! | `relay` | a link of the same kind between two real interfaces, in real time (Linux) |
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

mod application;
#[cfg(feature = "tokio")]
pub mod asynchronous;
pub mod campaign;
mod caught;
mod clock;
pub mod command;
pub mod determinism;
pub mod draw;
mod failure;
pub mod fault;
pub mod link;
pub mod mutants;
pub mod node;
pub mod oracle;
#[cfg_attr(not(feature = "tokio"), expect(dead_code, reason = "only `asynchronous` runs programs"))]
mod programs;
#[cfg(target_os = "linux")]
pub mod relay;
pub mod replay;
pub mod report;
pub mod scenario;
pub mod script;
pub mod segment;
pub mod shrink;
pub mod swarm;
pub mod topology;
pub mod trace;
pub mod workload;
pub mod world;

pub use application::{ApplicationId, Program};
#[cfg(feature = "tokio")]
pub use asynchronous::{Simulation, time};
pub use bytes;
pub use failure::Failure;
pub use link::{Link, Partition};
pub use script::Step;
pub use tickwire_backends::capture;
pub use tickwire_core::{Config, Instant, InterfaceAddress, Seed};
pub use trace::{Direction, Passed, Trace};
pub use world::{Ended, Host, HostError, HostId, HostRoute, LinkId, NodeId, Port, World};
