//! The directory of a campaign: a JSON line for each number, and several directories made one.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use super::many::Summary;
use super::one::SeedReport;

/// The file of a campaign's results.
const RESULTS: &str = "results.jsonl";

/// Why a campaign's files cannot be written or read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilesError(String);

impl FilesError {
    fn new(what: &str, path: &Path, cause: impl fmt::Display) -> FilesError {
        FilesError(format!("cannot {what} {}: {cause}", path.display()))
    }
}

impl fmt::Display for FilesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for FilesError {}

/// Writes results as they come.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Writer {
    /// Writes into a directory, which is made.
    pub fn create(dir: &Path) -> Result<Writer, FilesError> {
        std::fs::create_dir_all(dir).map_err(|error| FilesError::new("make", dir, error))?;
        let path = dir.join(RESULTS);
        let file = File::create(&path).map_err(|error| FilesError::new("write", &path, error))?;
        Ok(Writer { path, file: BufWriter::new(file) })
    }

    /// Writes a line.
    pub fn write(&mut self, report: &SeedReport) -> Result<(), FilesError> {
        let line = serde_json::to_string(report).map_err(|error| FilesError::new("write", &self.path, error))?;
        writeln!(self.file, "{line}").map_err(|error| FilesError::new("write", &self.path, error))
    }

    /// Sees to it that everything is written.
    pub fn finish(mut self) -> Result<(), FilesError> {
        self.file.flush().map_err(|error| FilesError::new("write", &self.path, error))
    }
}

/// What several campaigns have come to together. A number that is in two of them is an error.
pub fn merge(dirs: &[PathBuf]) -> Result<Summary, FilesError> {
    let mut summary = Summary::default();
    let mut seen = BTreeSet::new();
    for dir in dirs {
        let path = dir.join(RESULTS);
        let file = File::open(&path).map_err(|error| FilesError::new("read", &path, error))?;
        for (number, line) in (1..).zip(BufReader::new(file).lines()) {
            let line = line.map_err(|error| FilesError::new("read", &path, error))?;
            let report: SeedReport = serde_json::from_str(&line)
                .map_err(|error| FilesError::new("read", &path, format!("line {number}: {error}")))?;
            if !seen.insert(report.seed) {
                let twice = format!("line {number}: seed {} was there before; shards do not overlap", report.seed);
                return Err(FilesError::new("merge", &path, twice));
            }
            summary.add(&report);
        }
    }
    Ok(summary)
}
