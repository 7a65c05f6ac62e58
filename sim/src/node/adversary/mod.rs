//! Adversaries: nodes that send what they should not. Each is bounded, in rate and in number, and all that
//! is random in it is drawn by name, so that a run can be had again and a tape tells what was forged.
//!
//! Two kinds stand in different places:
//!
//! ```text
//!   victim -- link -- switch -- link -- peer        Forger, RogueDhcp: one port, sees what a switch lets it see
//!                       |
//!                     forger
//!
//!   host -- link -- tamperer -- link -- victim      Tamperer: two ports, in the way of all of a host's segments
//! ```
//!
//! | module | what |
//! |---|---|
//! | `forger` | [`Forger`]: forged frames at a rate, off the path |
//! | `blind` | [`BlindSegment`], [`SynFlood`]: TCP segments in another's name |
//! | `claim` | [`ArpClaim`], [`NeighborClaim`], [`RouterClaim`]: false news about the link |
//! | `garble` | [`Garble`]: packets of every protocol, nearly right |
//! | `overlap` | [`Overlap`]: fragments that overlap |
//! | `rogue_dhcp` | [`RogueDhcp`]: a DHCP server that nobody has set up |
//! | `tamperer` | [`Tamperer`]: a receiver that plays by other rules; segments slipped in behind a peer's |

mod blind;
mod claim;
mod forger;
mod garble;
mod overlap;
mod rogue_dhcp;
mod tamperer;

pub use self::blind::{BlindSegment, Blow, Guess, SynFlood};
pub use self::claim::{ArpClaim, NeighborClaim, RouterClaim};
pub use self::forger::{Forger, ForgerCounters, Forgery, Schedule};
pub use self::garble::Garble;
pub use self::overlap::{Overlap, Shape};
pub use self::rogue_dhcp::{RogueDhcp, RogueDhcpConfig, RogueDhcpCounters};
pub use self::tamperer::{Injection, Tamperer, TampererCounters, Tampering};
