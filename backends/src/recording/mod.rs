//! Recordings: every call on a stack, with its `now` and its arguments, in a file. From one the stack can be
//! built anew and be taken through all that it did, call by call; `tickwire-sim replay` does.
//!
//! | module | job |
//! |---|---|
//! | this file | [`Record`], what a file is made of |
//! | `format` | its bytes: lengths, checks, what was cut or damaged |
//! | `write` | [`Recording`], which a driver feeds, and the thread that writes |
//! | `file` | the file that it writes to |
//! | `read` | [`Reader`], the way back |
//!
//! **A recording holds the stack's seed and all that passed, in clear**: whoever has it can continue
//! the connections, and knows the secrets that guard later ones. It is made readable by its owner only.

#[cfg(target_os = "linux")]
mod file;
mod format;
mod read;
#[cfg(target_os = "linux")]
mod write;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tickwire_core::record::Entry;
use tickwire_core::{Config, InterfaceId, Seed};

pub use format::{PREFACE_LEN, VERSION, write_records};
pub use read::{Position, ReadError, Reader};
#[cfg(target_os = "linux")]
pub use write::{Recording, RecordingError, RecordingSummary, RecordingWriter};

/// A record of a file, in the order in which they stand there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Record {
    /// What the stack was made of. The first record, and no other.
    Start(Box<Start>),
    /// The name of an interface's device. It stands before the call that adds the interface.
    Interface(InterfaceId, String),
    /// What the stack noted.
    Entry(Entry),
    /// The recording was ended in order. The last record; a file without it was cut.
    End {
        /// The stack's digest then.
        digest: u64,
    },
}

/// What a stack was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// The configuration.
    pub config: Config,
    /// The seed.
    pub seed: Seed,
    /// The wall time, since 1970, at which the stack's clock stood at zero.
    pub unix_offset: Duration,
}
