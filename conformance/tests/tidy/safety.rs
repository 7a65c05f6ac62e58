//! Where `unsafe` may stand: in one file of backends, and in no other library or program of ours. (Outside
//! `src` it may: a counting allocator in a test, the allocator of the `no_std` proof.) And the other
//! attributes that the core's rules rest on.

use std::collections::BTreeSet;

use crate::source::{SOURCES, Source};
use crate::{Finding, assert_found, assert_tidy};

/// The crate whose code may hold one unsafe module.
const BACKENDS: &str = "backends";

fn attributes(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        let Some((name, file)) = source.path.split_once("/src/") else { continue };
        let program = file.starts_with("bin/") && (file.ends_with("/main.rs") || file.matches('/').count() == 1);
        if !matches!(file, "lib.rs" | "main.rs") && !program {
            continue;
        }
        let mut wanted: Vec<(&[&str], &str)> = vec![match (name, file) {
            (BACKENDS, "lib.rs") => {
                (&["!", "[", "deny", "(", "unsafe_code"], "`#![deny(unsafe_code)]` and one module that allows it")
            }
            _ => (&["!", "[", "forbid", "(", "unsafe_code"], "`#![forbid(unsafe_code)]` at the head of the crate"),
        }];
        if name == "core" {
            wanted.push((&["!", "[", "no_std", "]"], "`#![no_std]` at the head of the crate"));
            wanted
                .push((&["!", "[", "warn", "(", "missing_docs"], "`#![warn(missing_docs)]` at the head of the crate"));
        }
        for (texts, right) in wanted {
            if source.find(texts).next().is_none() {
                let what = "an attribute is missing at the head of the crate".to_owned();
                findings.push(Finding { path: source.path.clone(), line: 1, what, right });
            }
        }
    }
    findings
}

fn allowances(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut allowing = BTreeSet::new();
    for source in sources {
        for at in source.find(&["unsafe_code"]).filter(|&at| !source.tokens[at].test) {
            // Back to the lint level whose list this is.
            let level =
                source.tokens[..at].iter().rposition(|token| token.text == "(").and_then(|open| open.checked_sub(1));
            if level.is_none_or(|level| matches!(source.tokens[level].text.as_str(), "deny" | "forbid")) {
                continue;
            }
            let first = allowing.is_empty() || allowing.contains(&source.path);
            if source.path.starts_with("backends/src/") && first {
                allowing.insert(source.path.clone());
                continue;
            }
            findings.push(Finding {
                path: source.path.clone(),
                line: source.tokens[at].line,
                what: "`unsafe` is allowed here".to_owned(),
                right: "a call into the one unsafe module of backends",
            });
        }
    }
    findings
}

#[test]
fn crates_open_with_their_promises() {
    assert_tidy(&attributes(&SOURCES));
}

#[test]
fn unsafe_stands_in_one_file_of_backends() {
    assert_tidy(&allowances(&SOURCES));
}

#[test]
fn a_missing_attribute_is_found() {
    assert_found(&attributes(&[Source::new("sim/src/lib.rs", "fn f() {}")]), &[1]);
    assert_found(&attributes(&[Source::new("sim/src/lib.rs", "// #![forbid(unsafe_code)]")]), &[1]);
    assert_found(&attributes(&[Source::new("conformance/src/main.rs", "")]), &[1]);
    assert_found(&attributes(&[Source::new("examples/src/bin/echo.rs", "")]), &[1]);
    assert_found(&attributes(&[Source::new("backends/src/lib.rs", "")]), &[1]);
    assert_found(&attributes(&[Source::new("backends/src/main.rs", "#![deny(unsafe_code)]")]), &[1]);
    assert_found(&attributes(&[Source::new("core/src/lib.rs", "#![forbid(unsafe_code)]")]), &[1, 1]);
    assert_found(&attributes(&[Source::new("backends/src/lib.rs", "#![deny(unsafe_code)]")]), &[]);
    assert_found(&attributes(&[Source::new("sim/src/a.rs", "")]), &[]);
}

#[test]
fn a_second_unsafe_file_is_found() {
    let head = Source::new("backends/src/lib.rs", "#![deny(unsafe_code)]");
    let one =
        Source::new("backends/src/fd.rs", "#![allow(unsafe_code, reason = \"why\")]\n#[allow(unsafe_code)]\nfn f() {}");
    let other = Source::new("backends/src/tap.rs", "\n#[expect(unsafe_code)]\nfn f() {}");
    let core = Source::new("core/src/a.rs", "#[allow(dead_code, unsafe_code)]\nfn f() {}");
    assert_found(&allowances(&[head, one, other, core]), &[2, 1]);
}
