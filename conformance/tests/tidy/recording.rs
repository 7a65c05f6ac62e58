//! Every public method that can change a stack notes itself, first of all, as the call of its name: a
//! recording misses none. And none of them is called within the core, for it would be noted twice.

use crate::source::{SOURCES, Source};
use crate::{Finding, assert_found, assert_tidy};

/// Whose methods.
const TYPES: [&str; 3] = ["Stack", "TcpSocket", "UdpSocket"];

/// Those that need not be noted: they lend a view, or are about recordings and examinations, which no
/// later call depends on.
const NOT_NOTED: [&str; 6] =
    ["tcp", "udp", "forget_examinations", "start_recording", "stop_recording", "take_recorded"];

/// From values to calls.
const APPLY: &str = "core/src/record/apply.rs";

/// A public method with `&mut self`.
struct Method<'a> {
    source: &'a Source,
    of: &'static str,
    name: usize,
}

impl Method<'_> {
    fn name(&self) -> &str {
        &self.source.tokens[self.name].text
    }

    /// Whether it begins with `self.record(..)`, and names the call as it should.
    fn is_noted(&self) -> bool {
        let Some(body) = self.source.body(self.name) else { return false };
        if !self.source.matches(body + 1, &["self", ".", "record", "("]) {
            return false;
        }
        let opens = body + 4;
        let call = &self.source.tokens[opens..self.source.tokens[opens].closes];
        call.iter().any(|token| token.text == variant(self.name()))
    }
}

/// `tcp_listen` is `TcpListen`.
fn variant(method: &str) -> String {
    method.split('_').map(|word| word[..1].to_uppercase() + &word[1..]).collect()
}

fn methods(source: &Source) -> Vec<Method<'_>> {
    let mut methods = Vec::new();
    for at in source.find(&["impl"]).filter(|&at| !source.tokens[at].test) {
        let Some(opens) = source.body(at) else { continue };
        let header = &source.tokens[at..opens];
        let is_of = |of: &&str| header.iter().any(|token| token.text == **of);
        let Some(of) = TYPES.into_iter().find(is_of) else { continue };
        // Of a trait, or an `impl` in a signature.
        if header.iter().any(|token| matches!(token.text.as_str(), "for" | "Fn" | "FnOnce")) {
            continue;
        }
        let inside = opens..source.tokens[opens].closes;
        let named = source.find(&["pub", "fn"]).filter(|at| inside.contains(at)).map(|at| at + 2);
        let changing = named.filter(|name| {
            let body = source.body(*name).unwrap_or(*name);
            (*name..body).any(|at| source.matches(at, &["&", "mut", "self"]))
        });
        methods.extend(changing.map(|name| Method { source, of, name }));
    }
    methods
}

fn unnoted(sources: &[Source]) -> Vec<Finding> {
    let methods = || sources.iter().filter(|source| source.path.starts_with("core/src/")).flat_map(methods);
    let noted = || methods().filter(|method| !NOT_NOTED.contains(&method.name()));
    let mut findings = Vec::new();
    for method in noted().filter(|method| !method.is_noted()) {
        findings.push(Finding {
            path: method.source.path.clone(),
            line: method.source.tokens[method.name].line,
            what: format!("`{}` can change a stack, and no recording knows", method.name()),
            right: "`self.record(|_| Call::ItsName { its arguments })` at its beginning, and that variant in core/src/record",
        });
    }
    for method in noted() {
        let own = |source: &&Source| match method.of {
            "Stack" => source.path != APPLY && source.path.starts_with("core/src/"),
            _ => source.path.starts_with("core/src/socket/") && source.path == method.source.path,
        };
        let owners: &[&str] = if method.of == "Stack" { &["self", "stack"] } else { &["self"] };
        for source in sources.iter().filter(own) {
            let calls = owners.iter().flat_map(|owner| {
                let texts = [*owner, ".", method.name(), "("];
                (0..source.tokens.len()).filter(move |at| source.matches(*at, &texts)).collect::<Vec<_>>()
            });
            findings.extend(calls.filter(|at| !source.tokens[*at].test).map(|at| Finding {
                path: source.path.clone(),
                line: source.tokens[at].line,
                what: format!("`{}`, which notes itself, is called by the core", method.name()),
                right: "a private function that both call: a recording has each call once",
            }));
        }
    }
    findings
}

#[test]
fn no_call_is_missed_and_none_is_noted_twice() {
    assert_tidy(&unnoted(&SOURCES));
    let known: usize = SOURCES.iter().map(|source| methods(source).len()).sum();
    assert!(known > 70, "{known}: the sources are read as they are written");
}

#[test]
fn what_is_not_noted_is_found() {
    let found = |text: &str| unnoted(&[Source::new("core/src/stack/a.rs", text)]);
    let good = "impl Stack {\n pub fn do_it(&mut self) {\n self.record(|_| Call::DoIt);\n }\n}";
    assert_found(&found(good), &[]);
    assert_found(&found(&good.replace("DoIt", "DoThat")), &[2]);
    assert_found(&found(&good.replace("self.record(|_| Call::DoIt);", "")), &[2]);
    assert_found(&found(&good.replace("&mut self", "&self").replace("self.record(|_| Call::DoIt);", "")), &[]);
    let twice = format!("{good}\nimpl Stack {{\n fn other(&mut self) {{\n self.do_it();\n }}\n}}");
    assert_found(&found(&twice), &[8]);
    let socket = "impl<'a> TcpSocket<'a> {\n pub fn close(&mut self, now: Instant) {}\n}";
    assert_found(&found(socket), &[2]);
    assert_found(&found("impl Clone for Stack {\n fn f(&mut self) {}\n}\nimpl Tcb {\n pub fn f(&mut self) {}\n}"), &[]);
}
