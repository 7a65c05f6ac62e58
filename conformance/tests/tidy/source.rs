//! A source file as a flat list of tokens. Comments, doc comments and blank lines are no tokens, and a
//! word in a string is part of one literal, so a rule never mistakes talk for code. Code inside macro
//! calls (`proptest!`, `macro_rules!`) is tokens like any other.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::{CRATES, root};

/// One token: an identifier, a literal, or one character of punctuation or delimiter.
pub(crate) struct Token {
    pub(crate) text: String,
    /// The line of its first character, from 1.
    pub(crate) line: usize,
    /// The line of its last character: a string may span several.
    last_line: usize,
    /// For an opening delimiter the index of the closing one, else the token's own index.
    pub(crate) closes: usize,
    /// Whether it stands in a test: a file or folder of tests, or a `#[cfg(test)] mod`.
    pub(crate) test: bool,
}

/// A Rust source file.
pub(crate) struct Source {
    /// From the repository's root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) tokens: Vec<Token>,
}

/// All sources of the workspace.
pub(crate) static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(|| {
    let mut sources = Vec::new();
    for name in CRATES {
        read_folder(&root().join(name), name, &mut sources);
    }
    mark_test_files(&mut sources);
    sources
});

fn read_folder(folder: &Path, path: &str, sources: &mut Vec<Source>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()).collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().into_string().unwrap();
        let below = format!("{path}/{name}");
        if entry.file_type().unwrap().is_dir() {
            if name != "target" && !name.starts_with('.') {
                read_folder(&entry.path(), &below, sources);
            }
        } else if Path::new(&name).extension().is_some_and(|extension| extension == "rs") {
            sources.push(Source::new(&below, &fs::read_to_string(entry.path()).unwrap()));
        }
    }
}

/// Marks the files that a `#[cfg(test)] mod name;` elsewhere makes tests.
fn mark_test_files(sources: &mut [Source]) {
    let modules: Vec<String> = sources.iter().flat_map(Source::test_modules).collect();
    for source in sources {
        if modules
            .iter()
            .any(|module| source.path == format!("{module}.rs") || source.path.starts_with(&format!("{module}/")))
        {
            source.tokens.iter_mut().for_each(|token| token.test = true);
        }
    }
}

impl Source {
    /// Takes `text` apart. The path decides whether all of it is a test.
    pub(crate) fn new(path: &str, text: &str) -> Source {
        let stream: TokenStream = text.parse().unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut source = Source { path: path.to_owned(), text: text.to_owned(), tokens: Vec::new() };
        flatten(stream, &mut source.tokens);
        let whole = path.split('/').any(|part| part == "tests" || part == "benches" || part == "tests.rs");
        if whole {
            source.tokens.iter_mut().for_each(|token| token.test = true);
        } else {
            source.mark_test_modules();
        }
        source
    }

    fn mark_test_modules(&mut self) {
        for start in 0..self.tokens.len() {
            if let Some(name) = self.test_module_at(start) {
                let end = self.body(name).map_or(self.tokens.len() - 1, |open| self.tokens[open].closes);
                self.tokens[start..=end].iter_mut().for_each(|token| token.test = true);
            }
        }
    }

    /// If `#[cfg(test)]`, then any attributes and visibility, then `mod` stand at `start`: the index of the name.
    fn test_module_at(&self, start: usize) -> Option<usize> {
        if !self.matches(start, &["#", "[", "cfg", "(", "test", ")", "]"]) {
            return None;
        }
        let mut at = start + 7;
        while self.matches(at, &["#", "["]) {
            at = self.tokens[at + 1].closes + 1;
        }
        if self.matches(at, &["pub"]) {
            at += 1;
            if self.matches(at, &["("]) {
                at = self.tokens[at].closes + 1;
            }
        }
        self.matches(at, &["mod"]).then_some(at + 1)
    }

    /// The paths, without `.rs`, of the modules that this file declares as `#[cfg(test)] mod name;`.
    fn test_modules(&self) -> Vec<String> {
        let (folder, file) = self.path.rsplit_once('/').unwrap_or(("", &self.path));
        let own = match file {
            "mod.rs" | "lib.rs" | "main.rs" => folder.to_owned(),
            _ => format!("{folder}/{}", file.trim_end_matches(".rs")),
        };
        let names = (0..self.tokens.len()).filter_map(|start| self.test_module_at(start));
        let outside = names.filter(|&name| self.matches(name + 1, &[";"]));
        outside.map(|name| format!("{own}/{}", self.tokens[name].text)).collect()
    }

    /// Whether the tokens from `start` read as `texts`.
    pub(crate) fn matches(&self, start: usize, texts: &[&str]) -> bool {
        let tokens = self.tokens.get(start..start + texts.len());
        tokens.is_some_and(|tokens| tokens.iter().zip(texts).all(|(token, text)| token.text == *text))
    }

    /// Where the tokens read as `texts`.
    pub(crate) fn find(&self, texts: &[&str]) -> impl Iterator<Item = usize> {
        (0..self.tokens.len()).filter(|&start| self.matches(start, texts))
    }

    /// The body's `{` (or the `;` instead of one) of the item whose name is at `name`.
    pub(crate) fn body(&self, name: usize) -> Option<usize> {
        let mut at = name;
        while let Some(token) = self.tokens.get(at) {
            if token.text == "{" || token.text == ";" {
                return Some(at);
            }
            at = token.closes + 1;
        }
        None
    }

    /// How many lines hold at least one of `tokens`: blank lines and comments do not count.
    pub(crate) fn code_lines<'a>(tokens: impl Iterator<Item = &'a Token>) -> usize {
        tokens.flat_map(|token| token.line..=token.last_line).collect::<BTreeSet<usize>>().len()
    }
}

/// Appends `stream` to `out` without its doc comments, which reach us as `#[doc = ..]`.
fn flatten(stream: TokenStream, out: &mut Vec<Token>) {
    let trees: Vec<TokenTree> = stream.into_iter().collect();
    let mut rest = trees.as_slice();
    while let Some((tree, tail)) = rest.split_first() {
        rest = match tree {
            TokenTree::Punct(punct) if punct.as_char() == '#' && is_doc(tail) => &tail[1..],
            TokenTree::Punct(punct) if punct.as_char() == '#' && is_punct(tail, '!') && is_doc(&tail[1..]) => {
                &tail[2..]
            }
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                let start = out.len();
                push(out, open.to_owned(), group.span_open());
                flatten(group.stream(), out);
                out[start].closes = out.len();
                push(out, close.to_owned(), group.span_close());
                tail
            }
            _ => {
                push(out, tree.to_string(), tree.span());
                tail
            }
        };
    }
}

fn push(out: &mut Vec<Token>, text: String, span: proc_macro2::Span) {
    out.push(Token { text, line: span.start().line, last_line: span.end().line, closes: out.len(), test: false });
}

fn is_punct(trees: &[TokenTree], wanted: char) -> bool {
    matches!(trees.first(), Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

/// Whether `[doc = ..]` comes next.
fn is_doc(trees: &[TokenTree]) -> bool {
    let Some(TokenTree::Group(group)) = trees.first() else { return false };
    let mut inner = group.stream().into_iter();
    let name = inner.next().is_some_and(|tree| tree.to_string() == "doc");
    name && inner.next().is_some_and(|tree| tree.to_string() == "=")
}

#[test]
fn the_sources_are_found() {
    for path in CRATES.map(|name| format!("{name}/src/lib.rs")) {
        assert!(SOURCES.iter().any(|source| source.path == path), "{path} was not read");
    }
}

#[test]
fn comments_strings_and_characters_are_no_code() {
    let text = "//! {\n/// }\nfn f() { // }\n\n    /* { */ let _ = (\"} \\\" {\", '{', r#\"\n}\"#);\n}\n";
    let source = Source::new("core/src/a.rs", text);
    assert_eq!(Source::code_lines(source.tokens.iter()), 4);
    let body = source.body(1).unwrap();
    assert_eq!(source.tokens[body].closes, source.tokens.len() - 1);
}

#[test]
fn test_modules_are_known_inside_and_as_files() {
    let text = "fn f() {}\n#[cfg(test)]\n#[allow(x)]\npub(crate) mod t { fn g() {} }\nfn h() {}";
    let source = Source::new("core/src/a.rs", text);
    let untested: Vec<usize> = source.tokens.iter().filter(|token| !token.test).map(|token| token.line).collect();
    assert_eq!((untested.first(), untested.last()), (Some(&1), Some(&5)));
    assert!(!untested.contains(&4));

    let mut sources = [
        Source::new("core/src/tcp/mod.rs", "#[cfg(test)] mod rig; mod seq;"),
        Source::new("core/src/tcp/rig.rs", "fn f() {}"),
        Source::new("core/src/tcp/seq.rs", "fn f() {}"),
    ];
    mark_test_files(&mut sources);
    assert!(sources[1].tokens.iter().all(|token| token.test));
    assert!(sources[2].tokens.iter().all(|token| !token.test));
}
