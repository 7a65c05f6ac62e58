//! Every folder of sources explains itself: its `mod.rs`, `lib.rs` or `main.rs` opens with `//!`
//! lines that name each module of the folder.

use std::collections::BTreeSet;

use crate::source::{SOURCES, Source};
use crate::{Finding, assert_found, assert_tidy};

const HEADS: [&str; 3] = ["mod.rs", "lib.rs", "main.rs"];

fn maps(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut folders = BTreeSet::new();
    let mut heads = BTreeSet::new();
    for source in sources.iter().filter(|source| source.tokens.iter().any(|token| !token.test)) {
        let (folder, file) = source.path.rsplit_once('/').unwrap_or(("", &source.path));
        // Each file of `src/bin` is a program of its own.
        if folder.contains("/src") && !folder.ends_with("/src/bin") {
            folders.insert(folder);
        }
        if HEADS.contains(&file) {
            heads.insert(folder);
            findings.extend(unnamed(source));
        }
    }
    findings.extend(folders.difference(&heads).map(|folder| Finding {
        path: (*folder).to_owned(),
        line: 1,
        what: "the folder has neither mod.rs nor lib.rs".to_owned(),
        right: "a mod.rs that opens with the folder's map (not a file beside the folder)",
    }));
    findings
}

/// The modules that `source` declares and its head does not name.
fn unnamed(source: &Source) -> Vec<Finding> {
    let head: String = source.text.lines().filter(|line| line.starts_with("//!")).collect::<Vec<_>>().join("\n");
    let words: BTreeSet<&str> = head.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let declared = source.find(&["mod"]).filter(|&at| source.matches(at + 2, &[";"]) && !source.tokens[at].test);
    let missing = declared.filter(|&at| !words.contains(source.tokens[at + 1].text.as_str()));
    missing
        .map(|at| Finding {
            path: source.path.clone(),
            line: source.tokens[at].line,
            what: format!("module `{}` is missing from the map", source.tokens[at + 1].text),
            right: "a line in the //! head that names the module and says what its one job is",
        })
        .collect()
}

#[test]
fn every_folder_has_a_map() {
    assert_tidy(&maps(&SOURCES));
}

#[test]
fn a_module_missing_from_the_map_is_found() {
    let text = "//! TCP.\n//!\n//! - `seq`: sequence numbers\nmod seq;\npub mod send;\n#[cfg(test)]\nmod tests;\n";
    assert_found(&maps(&[Source::new("core/src/tcp/mod.rs", text)]), &[5]);
    assert_found(&maps(&[Source::new("core/src/lib.rs", "mod seq;")]), &[1]);
}

#[test]
fn a_folder_without_a_head_is_found() {
    let sources = [
        Source::new("core/src/lib.rs", "//! The `tcp`.\nmod tcp;"),
        Source::new("core/src/tcp.rs", "//! `seq`\nmod seq;"),
        Source::new("core/src/tcp/seq.rs", "fn f() {}"),
        Source::new("core/src/tcp/tests/seq.rs", "fn f() {}"),
    ];
    assert_found(&maps(&sources), &[1]);
}
