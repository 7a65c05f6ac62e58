//! Campaigns: random scenarios by their numbers, many of them, and what they reached.
//!
//! A number stands for one scenario and one seed, so what has failed here fails anywhere else. Whatever goes
//! wrong is a failure: a broken rule, a panic, a loop. Failures are told apart by oracle and signature.
//!
//! A campaign is judged by what it reached, too: see [`Coverage`]. And one run is a canary: a run with something
//! planted in it that the oracles must find, or they are not to be believed.
//!
//! | module | what |
//! |---|---|
//! | `one` | [`SeedReport`]: one number |
//! | `many` | [`Campaign`]: a range of numbers, on several threads |
//! | `groups` | failures by oracle and signature |
//! | `coverage` | [`Coverage`]: what was reached, and how often |
//! | `excused` | what need not be reached, and why |
//! | `canary` | the planted one |
//! | `shard` | [`Shard`]: which part of the numbers is this process's |
//! | `files` | the directory of a campaign, and several made one |

mod canary;
mod coverage;
mod excused;
mod files;
mod groups;
mod many;
mod one;
mod shard;

pub use canary::canary_is_found;
pub use coverage::{Coverage, JUDGED_FROM, Unexpected};
pub use files::{FilesError, Writer, merge};
pub use groups::{Group, Groups};
pub use many::{Campaign, Progress, Summary};
pub use one::{SeedReport, run_seed};
pub use shard::{Shard, ShardError, Variables};
