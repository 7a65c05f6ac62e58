//! A run as one HTML page that needs nothing else: what was connected to what, every frame with what caused it and
//! what became of it, what TCP did and why, and which rules were broken by which frame.
//!
//! A run is a function of its scenario and seed. Whoever has a run's verdict only runs it once more with everything
//! kept, and reports that:
//!
//! ```
//! use tickwire_sim::Seed;
//! use tickwire_sim::report::Report;
//! use tickwire_sim::scenario::Scenario;
//!
//! fn page(scenario: &Scenario, seed: &Seed) -> Result<String, Box<dyn std::error::Error>> {
//!     let mut built = scenario.build(seed)?;
//!     built.world.keep_details(true);
//!     let (outcome, built) = scenario.run_built(built);
//!     Ok(Report { scenario, seed: "1", outcome: &outcome, built: &built }.html())
//! }
//! ```
//!
//! What is drawn is bounded ([`ROWS_MAX`], [`FLOWS_MAX`], [`CONNECTIONS_MAX`]); the page says what it leaves out.
//! Colors are variables of its style sheet, for light and for dark.
//!
//! A recording of a stack that ran on a real interface has the same page ([`Recorded`]): what the stack saw.
//!
//! | module | what |
//! |---|---|
//! | `run` | [`Report`]: the report of a run |
//! | `recorded` | [`Recorded`]: the report of a recording |
//! | `matter` | what the page is about: what was given to it, and what follows from that |
//! | `inscription` | what a drawing tells of a node: what it is, its addresses |
//! | `troubles` | the failures of a run that are no verdicts, with their frames |
//! | `flow` | what one end of a connection sent, and what it heard of it |
//! | `page` | the page: its parts, in order |
//! | `verdicts` | what went wrong, with links to the frames concerned |
//! | `layout` | where nodes stand in a drawing, and in which order |
//! | `topology` | the network, as a drawing |
//! | `links` | what each link is made of and what it did, as a table |
//! | `graph` | a graph over time: axes, lines, bars, marks |
//! | `sequence` | time-sequence graphs |
//! | `congestion` | congestion window and round-trip time |
//! | `depth` | how full links were |
//! | `states` | the states of connections over time |
//! | `ladder` | the frames, from node to node |
//! | `rung` | a row of the ladder |
//! | `selection` | which frames the ladder shows |
//! | `ink` | colors by what they mean |
//! | `quantity` | numbers as people read them |
#![allow(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "pictures, not models: nothing that happens in a world depends on them"
)]

mod congestion;
mod depth;
mod flow;
mod graph;
mod ink;
mod inscription;
mod ladder;
mod layout;
mod links;
mod matter;
mod page;
mod quantity;
mod recorded;
mod run;
mod rung;
mod selection;
mod sequence;
mod states;
#[cfg(test)]
mod tests;
mod topology;
mod troubles;
mod verdicts;

pub use self::recorded::{BYTES_MAX, Recorded};
pub use self::run::Report;
pub use self::selection::ROWS_MAX;
pub use self::sequence::FLOWS_MAX;
pub use self::states::CONNECTIONS_MAX;
