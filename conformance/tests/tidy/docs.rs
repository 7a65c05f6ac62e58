//! Samples and tests run, all of them, and the README tells the two commands that do everything.

use std::fs;

use crate::source::{SOURCES, Source};
use crate::{Finding, assert_found, assert_tidy, root};

/// What a newcomer types.
const COMMANDS: [&str; 2] = ["cargo run --release", "cargo test --workspace"];

/// Code fences in docs that rustdoc would skip. `text` is for what is not Rust.
fn ignored_samples(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_start();
        let line = line.strip_prefix("///").or_else(|| line.strip_prefix("//!")).unwrap_or(line).trim_start();
        let Some(info) = line.strip_prefix("```") else { continue };
        if info.split([',', ' ']).any(|word| word.starts_with("ignore")) {
            findings.push(Finding {
                path: path.to_owned(),
                line: number + 1,
                what: "a sample that is neither compiled nor run".to_owned(),
                right: "a sample that runs (hidden `# ` lines hold the set-up), or `text` if it is no Rust",
            });
        }
    }
    findings
}

fn ignored_tests(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        for at in source.find(&["#", "["]) {
            let inside = &source.tokens[at + 2..source.tokens[at + 1].closes];
            let first = inside.first().map_or("", |token| token.text.as_str());
            let ignored = first == "ignore" || first == "cfg_attr" && inside.iter().any(|token| token.text == "ignore");
            if ignored {
                findings.push(Finding {
                    path: source.path.clone(),
                    line: source.tokens[at].line,
                    what: "an ignored test".to_owned(),
                    right: "a test that runs, or one that prints why it skips what this machine cannot do",
                });
            }
        }
    }
    findings
}

fn missing_commands(readme: &str) -> Vec<Finding> {
    let missing = COMMANDS.into_iter().filter(|command| !readme.contains(command));
    missing
        .map(|command| Finding {
            path: "README.md".to_owned(),
            line: 1,
            what: format!("`{command}` is not named"),
            right: "the two commands that run the demo and all tests, near the top",
        })
        .collect()
}

#[test]
fn no_sample_is_ignored() {
    let mut findings: Vec<Finding> =
        SOURCES.iter().flat_map(|source| ignored_samples(&source.path, &source.text)).collect();
    let readme = fs::read_to_string(root().join("README.md")).unwrap_or_default();
    findings.extend(ignored_samples("README.md", &readme));
    assert_tidy(&findings);
}

#[test]
fn no_test_is_ignored() {
    assert_tidy(&ignored_tests(&SOURCES));
}

#[test]
fn the_readme_names_the_two_commands() {
    assert_tidy(&missing_commands(&fs::read_to_string(root().join("README.md")).unwrap_or_default()));
}

#[test]
fn an_ignored_sample_is_found() {
    for fence in ["/// ```ignore", "    //! ``` rust,ignore", "```ignore-windows", "/// ```rust ignore"] {
        assert_found(&ignored_samples("core/src/a.rs", &format!("/// Text.\n{fence}\n")), &[2]);
    }
    assert_found(&ignored_samples("core/src/a.rs", "/// ```text\n/// ignore\n/// ```\n"), &[]);
}

#[test]
fn an_ignored_test_is_found() {
    let text =
        "#[test]\n#[ignore = \"slow\"]\nfn f() {}\n#[cfg_attr(debug_assertions, ignore)]\nfn g() {}\nfn ignore() {}";
    assert_found(&ignored_tests(&[Source::new("sim/tests/a.rs", text)]), &[2, 4]);
}

#[test]
fn a_missing_command_is_found() {
    assert_found(&missing_commands("`cargo run --release`"), &[1]);
    assert_found(&missing_commands(&COMMANDS.join(" and ")), &[]);
}
