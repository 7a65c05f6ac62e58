//! The planted bugs are in order: each says what it breaks, and changes the core and nothing else.

use std::path::Path;

use tickwire_sim::mutants::{Mutant, mutants};

fn tree() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

#[test]
fn each_says_what_it_breaks_and_changes_the_core_alone() {
    let all = mutants(tree()).unwrap();
    assert!(all.len() >= 30, "{}", all.len());
    for Mutant { name, breaks, patch } in &all {
        let source = breaks.starts_with("RFC ") || breaks.starts_with("Rule ");
        assert!(source && breaks.contains(": "), "{name} breaks {breaks:?}: name the clause, and what it says");
        let text = std::fs::read_to_string(patch).unwrap();
        let files: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("+++ b/")).collect();
        assert!(!files.is_empty() && files.iter().all(|file| file.starts_with("core/src/")), "{name}: {files:?}");
        assert!(!text.contains("cfg("), "{name}");
    }
}

#[test]
fn one_that_does_not_say_what_it_breaks_is_refused() {
    let path = std::env::temp_dir().join(format!("tickwire-mutant-{}.patch", std::process::id()));
    std::fs::write(&path, "diff --git a/core/src/lib.rs b/core/src/lib.rs\n").unwrap();
    let error = Mutant::read(&path).unwrap_err().to_string();
    std::fs::remove_file(&path).unwrap();
    assert!(error.ends_with("its first line is to be \"Breaks \" and the clause of an RFC or the rule that it breaks"));
}
