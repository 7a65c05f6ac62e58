//! The sources, copied: only what differs is written, so that what was built of the rest stays good.

use std::fs;
use std::path::{Path, PathBuf};

use super::MutantError;

/// What is no source.
const LEFT_OUT: [&str; 3] = [".git", "target", "mutants"];

/// Makes `to` a copy of the sources in `from`, and nothing else.
pub(super) fn copy_tree(from: &Path, to: &Path) -> Result<(), MutantError> {
    fs::create_dir_all(to).map_err(|error| MutantError::new("make", to, error))?;
    let wanted = entries(from)?;
    for path in entries(to)? {
        if !wanted.iter().any(|entry| entry.file_name() == path.file_name()) {
            remove(&path)?;
        }
    }
    for path in wanted {
        let Some(name) = path.file_name() else { continue };
        let target = to.join(name);
        if path.is_dir() {
            copy_tree(&path, &target)?;
        } else {
            copy_file(&path, &target)?;
        }
    }
    Ok(())
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>, MutantError> {
    let entries = fs::read_dir(dir).map_err(|error| MutantError::new("list", dir, error))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| MutantError::new("list", dir, error))?.path();
        let is_left_out = path.file_name().is_some_and(|name| LEFT_OUT.iter().any(|out| name == *out));
        // A worktree's `.git` is a file; `src/mutants` is a source.
        if !is_left_out || path.parent().is_some_and(|parent| parent.ends_with("src")) {
            paths.push(path);
        }
    }
    Ok(paths)
}

fn copy_file(from: &Path, to: &Path) -> Result<(), MutantError> {
    let bytes = fs::read(from).map_err(|error| MutantError::new("read", from, error))?;
    if fs::read(to).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    fs::write(to, bytes).map_err(|error| MutantError::new("write", to, error))
}

fn remove(path: &Path) -> Result<(), MutantError> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    removed.map_err(|error| MutantError::new("remove", path, error))
}
