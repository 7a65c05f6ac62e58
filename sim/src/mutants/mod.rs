//! Planted bugs: patches of the core, each of which breaks a clause of an RFC or a rule of the design. A simulator
//! whose oracles miss one of them is not to be believed about those that nobody planted.
//!
//! A mutant is a file `sim/mutants/NAME.patch`: a line "Breaks ..." that says what it breaks, an empty line, and the
//! difference. It is built in a copy of the sources, so the tree that it comes from is never touched.
//!
//! | module | what |
//! |---|---|
//! | `list` | [`Mutant`]: what there is |
//! | `copy` | the sources, copied |
//! | `hunt` | [`Hunt`]: a mutant is built, and random scenarios are run on it until one fails |
//! | `table` | which oracle found which |

mod copy;
mod hunt;
mod list;
mod table;

use std::fmt;
use std::path::Path;

pub use hunt::{Caught, Hunt};
pub use list::{Mutant, mutants};
pub use table::Table;

/// Why a hunt cannot go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MutantError(String);

impl MutantError {
    fn new(what: &str, path: &Path, cause: impl fmt::Display) -> MutantError {
        MutantError(format!("cannot {what} {}: {cause}", path.display()))
    }
}

impl fmt::Display for MutantError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for MutantError {}
