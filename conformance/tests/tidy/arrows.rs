//! Which crate may depend on which, read from their manifests; and the lint settings, of which
//! clippy reads the nearest file only.

use std::fs;

use toml::{Table, Value};

use crate::{CRATES, Finding, assert_found, assert_tidy, root};

/// The crates of the workspace that `name` may depend on, in tests and benches too.
fn allowed(name: &str) -> &'static [&'static str] {
    match name {
        "backends" => &["core"],
        "sim" => &["core", "backends"],
        "conformance" => &["core", "sim"],
        "examples" => &["core", "backends", "sim", "conformance"],
        _ => &[],
    }
}

fn arrows(name: &str, manifest: &str) -> Vec<Finding> {
    let manifest: Table = manifest.parse().unwrap_or_else(|error| panic!("{name}/Cargo.toml: {error}"));
    let mut named = Vec::new();
    dependencies(&manifest, &mut named);
    for target in manifest.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values) {
        target.as_table().into_iter().for_each(|target| dependencies(target, &mut named));
    }
    let ours = named.iter().filter_map(|package| package.strip_prefix("tickwire-"));
    let wrong = ours.filter(|package| !allowed(name).contains(package));
    wrong
        .map(|package| Finding {
            path: format!("{name}/Cargo.toml"),
            line: 1,
            what: format!("{name} depends on {package}"),
            right: "backends -> core; sim -> backends, core; conformance -> sim, core; examples -> all",
        })
        .collect()
}

/// The packages that the dependency tables of `table` name.
fn dependencies(table: &Table, named: &mut Vec<String>) {
    for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
        for (key, value) in table.get(kind).and_then(Value::as_table).into_iter().flatten() {
            let renamed = value.get("package").and_then(Value::as_str);
            named.push(renamed.unwrap_or(key).to_owned());
        }
    }
}

/// A crate's own clippy.toml hides the root's, so each must repeat the limit on functions.
fn clippy_limits(path: &str, text: &str) -> Vec<Finding> {
    let settings: Table = text.parse().unwrap_or_else(|error| panic!("{path}: {error}"));
    if settings.get("too-many-lines-threshold").and_then(Value::as_integer) == Some(70) {
        return Vec::new();
    }
    let what = "the limit on a function's lines is not 70".to_owned();
    vec![Finding { path: path.to_owned(), line: 1, what, right: "too-many-lines-threshold = 70" }]
}

#[test]
fn arrows_point_one_way() {
    let read = |name| fs::read_to_string(root().join(name).join("Cargo.toml")).unwrap();
    let findings: Vec<Finding> = CRATES.into_iter().flat_map(|name| arrows(name, &read(name))).collect();
    assert_tidy(&findings);
}

#[test]
fn clippy_files_agree() {
    let mut findings = Vec::new();
    for folder in ["."].into_iter().chain(CRATES) {
        let path = format!("{folder}/clippy.toml");
        if let Ok(text) = fs::read_to_string(root().join(&path)) {
            findings.extend(clippy_limits(&path, &text));
        }
    }
    assert_tidy(&findings);
}

#[test]
fn an_arrow_the_wrong_way_is_found() {
    let sim = "[dependencies]\ntickwire-sim.workspace = true\nbytes = \"1\"";
    assert_found(&arrows("core", sim), &[1]);
    assert_found(&arrows("backends", sim), &[1]);
    assert_found(&arrows("conformance", sim), &[]);
    assert_found(&arrows("core", "[dev-dependencies]\nx = { package = \"tickwire-backends\", path = \"\" }"), &[1]);
    assert_found(&arrows("sim", "[target.'cfg(unix)'.build-dependencies]\ntickwire-examples = \"1\""), &[1]);
}

#[test]
fn a_different_limit_is_found() {
    assert_found(&clippy_limits("core/clippy.toml", "disallowed-types = []"), &[1]);
    assert_found(&clippy_limits("core/clippy.toml", "too-many-lines-threshold = 80"), &[1]);
    assert_found(&clippy_limits("core/clippy.toml", "too-many-lines-threshold = 70"), &[]);
}
