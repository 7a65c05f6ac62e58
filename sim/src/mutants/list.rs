//! The mutants that there are.

use std::fs;
use std::path::{Path, PathBuf};

use super::MutantError;

/// Where they are, in the tree.
const MUTANTS: &str = "sim/mutants";

/// A planted bug.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mutant {
    /// Its name: the file's, without `.patch`.
    pub name: String,
    /// What it breaks.
    pub breaks: String,
    /// The file.
    pub patch: PathBuf,
}

impl Mutant {
    /// Reads a patch.
    ///
    /// # Errors
    ///
    /// It cannot be read, or does not begin with a line that says what it breaks.
    pub fn read(patch: &Path) -> Result<Mutant, MutantError> {
        let text = fs::read_to_string(patch).map_err(|error| MutantError::new("read", patch, error))?;
        let first = text.lines().next().unwrap_or_default();
        let breaks = first.strip_prefix("Breaks ").ok_or_else(|| {
            let right = "its first line is to be \"Breaks \" and the clause of an RFC or the rule that it breaks";
            MutantError::new("use", patch, right)
        })?;
        let name = patch.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Mutant { name, breaks: breaks.to_owned(), patch: patch.to_owned() })
    }
}

/// The mutants of a tree, by name.
///
/// # Errors
///
/// There is no directory of them, or one of them cannot be used.
pub fn mutants(tree: &Path) -> Result<Vec<Mutant>, MutantError> {
    let dir = tree.join(MUTANTS);
    let entries = fs::read_dir(&dir).map_err(|error| MutantError::new("list", &dir, error))?;
    let mut mutants = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| MutantError::new("list", &dir, error))?.path();
        if path.extension().is_some_and(|extension| extension == "patch") {
            mutants.push(Mutant::read(&path)?);
        }
    }
    mutants.sort();
    Ok(mutants)
}
