//! Words that may not stand in code. The core's come from its rules (no operating system, no hash
//! order, no panic on what arrives, one behaviour for tests and for life), the others from the naming rules.

use crate::source::{SOURCES, Source};
use crate::{Finding, assert_found, assert_tidy};

const NO_OS: &str = "`core::` or `alloc::`; time, frames and randomness come in as arguments";
const NO_PANIC: &str = "a verdict, an error, or a type in which the case does not exist";
const NO_SHARING: &str = "`&mut self`: a stack has no interior mutability, so that a clone of it is an exact branch";
const NO_HASH_ORDER: &str = "`KeyedMap` of keyed.rs, or a list or `BTreeMap` where order matters";

/// What may not stand in core/src outside tests: the tokens, and what would be right.
const CORE: [(&[&str], &str); 24] = [
    (&["std"], NO_OS),
    (&["thread"], NO_OS),
    (&["SystemTime"], NO_OS),
    (&["print", "!"], NO_OS),
    (&["println", "!"], NO_OS),
    (&["eprint", "!"], NO_OS),
    (&["eprintln", "!"], NO_OS),
    (&["dbg", "!"], NO_OS),
    (&[".", "unwrap", "("], NO_PANIC),
    (&[".", "expect", "("], NO_PANIC),
    (&[".", "unwrap_err", "("], NO_PANIC),
    (&[".", "expect_err", "("], NO_PANIC),
    (&["panic", "!"], NO_PANIC),
    (&["unreachable", "!"], NO_PANIC),
    (&["todo", "!"], "the finished thing"),
    (&["unimplemented", "!"], "the finished thing"),
    (&["HashMap"], NO_HASH_ORDER),
    (&["HashSet"], NO_HASH_ORDER),
    (&["HashTable"], NO_HASH_ORDER),
    (&["hashbrown"], NO_HASH_ORDER),
    (&["Cell"], NO_SHARING),
    (&["RefCell"], NO_SHARING),
    (&["UnsafeCell"], NO_SHARING),
    (&["static", "mut"], "a field of the stack"),
];

/// What `derive(Arbitrary)` needs, and the crate arbitrary is itself a user of std: the one feature of
/// the core is for fuzzing on a host.
const FUZZING: [&str; 12] = ["#", "[", "cfg", "(", "feature", "=", "\"arbitrary\"", ")", "]", "extern", "crate", "std"];

/// The one file that may name a hash table.
const KEYED: &str = "core/src/keyed.rs";

fn core_words(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| source.path.starts_with("core/src/")) {
        for (texts, right) in CORE {
            if right == NO_HASH_ORDER && source.path == KEYED {
                continue;
            }
            let fuzzing =
                |at: usize| at.checked_sub(FUZZING.len() - 1).is_some_and(|start| source.matches(start, &FUZZING));
            let places = source.find(texts).filter(|&at| !source.tokens[at].test && !fuzzing(at));
            findings
                .extend(places.map(|at| finding(source, at, format!("the core names `{}`", texts.concat()), right)));
        }
    }
    findings.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    findings
}

/// `cfg(test)` may stand before a test module only: what is tested is what runs.
fn test_behaviour(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        for at in 0..source.tokens.len() {
            let open = match source.tokens[at].text.as_str() {
                "cfg" | "cfg_attr" if source.matches(at + 1, &["("]) => at + 1,
                "cfg" if source.matches(at + 1, &["!", "("]) => at + 2,
                _ => continue,
            };
            let inside = &source.tokens[open..source.tokens[open].closes];
            if !source.tokens[at].test && inside.iter().any(|token| token.text == "test") {
                let what = "`cfg(test)` on something other than a test module".to_owned();
                findings.push(finding(
                    source,
                    at,
                    what,
                    "one behaviour; a helper of tests goes into a `#[cfg(test)] mod`",
                ));
            }
        }
    }
    findings
}

/// Names that say nothing, in all code. `get_mut` is std's own name for what it does.
fn names(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        if source.path.split('/').any(|part| matches!(part.trim_end_matches(".rs"), "utils" | "util")) {
            let what = "a file of utilities".to_owned();
            findings.push(Finding {
                path: source.path.clone(),
                line: 1,
                what,
                right: "a file named after its one job",
            });
        }
        for (at, token) in source.tokens.iter().enumerate() {
            let named = at > 0 && source.matches(at - 1, &["fn"]);
            if named && token.text.starts_with("get_") && token.text != "get_mut" {
                findings.push(finding(source, at, format!("function `{}`", token.text), "the noun without `get_`"));
            }
            if token.text.contains("Manager") && !token.text.starts_with(['"', 'r', 'b']) {
                findings.push(finding(source, at, format!("`{}`", token.text), "the RFC's noun for what it is"));
            }
        }
    }
    findings
}

fn finding(source: &Source, at: usize, what: String, right: &'static str) -> Finding {
    Finding { path: source.path.clone(), line: source.tokens[at].line, what, right }
}

#[test]
fn the_core_names_no_banned_word() {
    assert_tidy(&core_words(&SOURCES));
}

#[test]
fn nothing_behaves_otherwise_in_tests() {
    assert_tidy(&test_behaviour(&SOURCES));
}

#[test]
fn names_say_what_things_are() {
    assert_tidy(&names(&SOURCES));
}

#[test]
fn each_banned_word_is_found_in_the_core_and_only_there() {
    for (texts, _) in CORE {
        let closing = if texts.ends_with(&["("]) { ")" } else { "" };
        let text = format!("fn f() {{\n    {} {closing}\n}}", texts.join(" "));
        let found = core_words(&[Source::new("core/src/a.rs", &text)]);
        assert!(found.iter().any(|finding| finding.line == 2), "{texts:?} was not found in {text}");
        assert_found(&core_words(&[Source::new("sim/src/a.rs", &text)]), &[]);
        assert_found(&core_words(&[Source::new("core/src/tcp/tests/a.rs", &text)]), &[]);
    }
}

#[test]
fn banned_words_are_no_matter_in_tests_comments_and_strings() {
    let text = "/// `x.unwrap()`\nfn f() { g(\"panic!\") } // std::\n#[cfg(test)]\nmod tests { fn g() { x.unwrap() } }";
    assert_found(&core_words(&[Source::new("core/src/a.rs", text)]), &[]);
    assert_found(&core_words(&[Source::new("core/src/a.rs", "fn f() { x.unwrap_or(0).unexpected() }")]), &[]);
    let fuzzing = "#[cfg(feature = \"arbitrary\")]\nextern crate std;\nextern crate std as other;";
    assert_found(&core_words(&[Source::new("core/src/lib.rs", fuzzing)]), &[3]);
    let hash = "use hashbrown::HashMap;\nfn f() { std::process::exit(0) }";
    assert_found(&core_words(&[Source::new(KEYED, hash)]), &[2]);
}

#[test]
fn test_behaviour_is_found() {
    let bad = [
        "#[cfg(test)] fn f() {}",
        "#[cfg(not(test))] fn f() {}",
        "#[cfg_attr(test, derive(Debug))] struct A;",
        "#[cfg(any(test, feature = \"arbitrary\"))] mod a {}",
        "fn f() { if cfg!(test) {} }",
        "#![cfg_attr(not(test), no_std)]",
    ];
    for text in bad {
        assert_found(&test_behaviour(&[Source::new("sim/src/a.rs", text)]), &[1]);
    }
    let good = "#[cfg(test)]\nmod tests { #[cfg(test)] fn f() {} }\n#[cfg(feature = \"arbitrary\")]\nfn g() {}";
    assert_found(&test_behaviour(&[Source::new("core/src/a.rs", good)]), &[]);
}

#[test]
fn empty_names_are_found() {
    let text = "fn get_mtu() {}\nstruct SocketManager;\nfn get_mut() { x.get_or_insert(0) }\n// Manager\n";
    assert_found(&names(&[Source::new("backends/src/a.rs", text)]), &[1, 2]);
    assert_found(&names(&[Source::new("backends/src/utils.rs", "")]), &[1]);
}
