//! Sizes, in lines of code: blank lines, comments and docs are free, so that nobody saves on them.

use crate::source::{SOURCES, Source};
use crate::{Finding, assert_found, assert_tidy};

/// The most lines of code in a file, its tests apart.
const FILE_LINES: usize = 600;
/// The most lines of code in a function, from `fn` to the closing brace; tests are functions too.
const FUNCTION_LINES: usize = 70;

fn files(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        let lines = Source::code_lines(source.tokens.iter().filter(|token| !token.test));
        if lines > FILE_LINES {
            findings.push(Finding {
                path: source.path.clone(),
                line: 1,
                what: format!("the file has {lines} lines of code, the limit is {FILE_LINES}"),
                right: "two files with one job each",
            });
        }
    }
    findings
}

fn functions(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        // `fn (` is a type, not a function.
        for start in source.find(&["fn"]).filter(|start| !source.matches(start + 1, &["("])) {
            let Some(body) = source.body(start) else { continue };
            let lines = Source::code_lines(source.tokens[start..=source.tokens[body].closes].iter());
            if lines > FUNCTION_LINES {
                findings.push(Finding {
                    path: source.path.clone(),
                    line: source.tokens[start].line,
                    what: format!(
                        "function `{}` has {lines} lines of code, the limit is {FUNCTION_LINES}",
                        source.tokens[start + 1].text
                    ),
                    right: "functions that each do one step, called from this one",
                });
            }
        }
    }
    findings
}

#[test]
fn no_file_is_too_long() {
    assert_tidy(&files(&SOURCES));
}

#[test]
fn no_function_is_too_long() {
    assert_tidy(&functions(&SOURCES));
}

#[test]
fn a_long_file_is_found_and_its_tests_do_not_count() {
    let code = "const A: u8 = 0;\n".repeat(FILE_LINES);
    let tests = format!("// why\n\n#[cfg(test)]\nmod tests {{\n{code}}}\n");
    let fits = Source::new("core/src/a.rs", &format!("{code}{tests}"));
    let long = Source::new("core/src/a.rs", &format!("{code}const B: u8 = 0;\n{tests}"));
    let test = Source::new("core/tests/a.rs", &format!("{code}{code}"));
    assert_found(&files(&[fits, long, test]), &[1]);
}

#[test]
fn a_long_function_is_found_also_within_a_macro_call() {
    let body = "    g();\n    // why\n\n".repeat(FUNCTION_LINES - 2);
    let fits = format!("fn f(a: [u8; 2]) {{\n{body}}}\ntype F = fn();\n");
    let long = format!("\nfn f() {{\n{body}    g();\n}}\n");
    let in_macro = format!("proptest! {{\n{long}}}\n");
    for (text, lines) in [(&fits, &[][..]), (&long, &[2]), (&in_macro, &[3])] {
        assert_found(&functions(&[Source::new("sim/src/a.rs", text)]), lines);
    }
}
