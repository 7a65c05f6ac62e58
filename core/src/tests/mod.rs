//! Frame-level tests: the whole stack, driven by frames and virtual time.
//!
//! - [`rig`]: a stack with one interface, and the peer's side of the wire

pub(crate) mod rig;
