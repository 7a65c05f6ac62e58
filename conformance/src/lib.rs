//! What the RFCs demand, as cases that are replayed against the stack.
//!
//! A case is a folder of `conformance/cases`:
//!
//! | file | what it is |
//! |---|---|
//! | `case.toml` | what the case shows, from which RFC section; the stack's addresses, its applications, what is compared |
//! | `case.pcapng` | the frames with their times: inbound ones are fed to the stack, outbound ones are what must leave it |
//! | `case.script` | what `case.pcapng` was made from, in the notation; the expectation is written from the RFC |
//!
//! A replay hands each inbound frame to a stack on virtual time and compares each frame that leaves
//! with the next outbound one. What a stack chooses by itself (its initial sequence numbers, ephemeral
//! ports and timestamps) is told apart from what the RFC decides: numbers are compared relative to the
//! initial ones, and inbound frames are made to speak of the numbers that were really chosen.
//!
//! | module | job |
//! |---|---|
//! | [`case`] | a folder read |
//! | [`mod@replay`] | a case run, up to the first difference |
//! | `choices` | what the stack chose, and inbound frames made to fit |
//! | `compare` | two frames held against each other |
//! | [`script`] | from a script to the frames of a capture |
//!
//! Beside the cases, `conformance/tests` holds the workspace's own rules (`tidy`) and the proof that the
//! core needs no operating system (`no_std`).
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod case;
mod choices;
mod compare;
pub mod replay;
pub mod script;

pub use case::{Case, CaseError};
pub use compare::Compare;
pub use replay::{Difference, replay};
