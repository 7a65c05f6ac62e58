//! The rules of the house, held over the sources of all crates from the first day.
//!
//! There is no list of exceptions. A finding says file and line, what is there, and what would be right.
//! Each rule is a function from sources to findings, and beside the test that runs it over this
//! repository stands one that feeds it bad snippets: a rule that cannot fail is no rule.
//!
//! - `source`: a file as tokens, and which of them are tests
//! - `size`: lines of a file and of a function
//! - `map`: every folder explains itself at the head of its `mod.rs` or `lib.rs`
//! - `words`: what may not be named, and where
//! - `recording`: which methods a recording has to know
//! - `safety`: where `unsafe` may stand, and the attributes that crates open with
//! - `docs`: no sample and no test is ignored, the README names its two commands
//! - `arrows`: which crate may depend on which
#![forbid(unsafe_code)]

mod arrows;
mod docs;
mod map;
mod recording;
mod safety;
mod size;
mod source;
mod words;

use std::fmt;
use std::path::{Path, PathBuf};

/// The crates of the workspace, by folder.
const CRATES: [&str; 5] = ["core", "backends", "sim", "conformance", "examples"];

/// The repository's root.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A place where a rule is broken.
#[derive(Debug)]
struct Finding {
    path: String,
    line: usize,
    what: String,
    right: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}; right would be: {}", self.path, self.line, self.what, self.right)
    }
}

/// Fails with all findings, one a line.
#[track_caller]
fn assert_tidy(findings: &[Finding]) {
    let lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
    assert!(lines.is_empty(), "{} untidy:\n{}", lines.len(), lines.join("\n"));
}

/// Fails unless the findings are at exactly these lines of their files.
#[track_caller]
fn assert_found(findings: &[Finding], lines: &[usize]) {
    let found: Vec<usize> = findings.iter().map(|finding| finding.line).collect();
    assert_eq!(found, lines, "{findings:#?}");
}

#[test]
fn a_finding_says_where_what_and_what_would_be_right() {
    let finding = Finding { path: "a.rs".into(), line: 7, what: "`x` is named".into(), right: "`y`" };
    assert_eq!(finding.to_string(), "a.rs:7: `x` is named; right would be: `y`");
}
