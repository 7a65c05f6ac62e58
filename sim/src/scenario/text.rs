//! Scenarios as TOML, and what is said about a mistake: the line, the key, and what would be right.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Scenario;

/// Why a text is no scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioError {
    /// The line, from 1; `None` of a scenario that was not read from a text.
    pub line: Option<usize>,
    /// The key, as in `link.2.ends` (places in lists count from 0).
    pub key: String,
    /// What is wrong with it, and what would be right.
    pub what: String,
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.what)
    }
}

impl std::error::Error for ScenarioError {}

impl ScenarioError {
    /// A mistake at a key of a value.
    pub(super) fn at(key: impl Into<String>, what: impl Into<String>) -> ScenarioError {
        ScenarioError { line: None, key: key.into(), what: what.into() }
    }

    fn found(text: &str, error: &toml::de::Error) -> ScenarioError {
        let offset = error.span().map_or(0, |span| span.start);
        let mut key = String::new();
        if let Ok(table) = DeTable::parse(text) {
            path_to(table.get_ref(), offset, &mut key);
        }
        ScenarioError { line: Some(line_at(text, offset)), key, what: error.message().to_owned() }
    }

    /// The same, with the line where its key stands.
    fn located(self, text: &str) -> ScenarioError {
        let line = DeTable::parse(text).ok().map(|table| line_at(text, place_of(table.get_ref(), &self.key)));
        ScenarioError { line, ..self }
    }
}

fn line_at(text: &str, offset: usize) -> usize {
    1 + text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count()
}

/// The key whose value is at `offset`, as far as there is one.
fn path_to(table: &DeTable<'_>, offset: usize, path: &mut String) {
    let holds = |span: Range<usize>| span.contains(&offset);
    for (key, value) in table {
        if holds(key.span()) || holds(value.span()) || within(value, offset) {
            push(path, key.get_ref());
            path_into(value, offset, path);
            return;
        }
    }
}

fn path_into(value: &Spanned<DeValue<'_>>, offset: usize, path: &mut String) {
    match value.get_ref() {
        DeValue::Table(table) => path_to(table, offset, path),
        DeValue::Array(items) => {
            let found =
                items.iter().enumerate().find(|(_, item)| item.span().contains(&offset) || within(item, offset));
            if let Some((place, item)) = found {
                push(path, &place.to_string());
                path_into(item, offset, path);
            }
        }
        _ => {}
    }
}

/// Whether something in a value is at `offset`. The tables of `[[name]]` do not count as part of its span.
fn within(value: &Spanned<DeValue<'_>>, offset: usize) -> bool {
    match value.get_ref() {
        DeValue::Table(table) => table.iter().any(|(key, value)| {
            key.span().contains(&offset) || value.span().contains(&offset) || within(value, offset)
        }),
        DeValue::Array(items) => items.iter().any(|item| item.span().contains(&offset) || within(item, offset)),
        _ => false,
    }
}

fn push(path: &mut String, part: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(part);
}

/// Where the value of a key stands, as far as the key leads.
fn place_of(table: &DeTable<'_>, key: &str) -> usize {
    let mut place = 0;
    let mut at: Option<&DeValue<'_>> = None;
    for part in key.split('.') {
        let next = match at {
            None => table.iter().find(|(key, _)| key.get_ref() == part).map(|(key, value)| (key.span(), value)),
            Some(DeValue::Table(table)) => {
                table.iter().find(|(key, _)| key.get_ref() == part).map(|(key, value)| (key.span(), value))
            }
            Some(DeValue::Array(items)) => {
                let item = part.parse().ok().and_then(|place: usize| items.get(place));
                item.map(|item| (item.span(), item))
            }
            Some(_) => None,
        };
        let Some((span, value)) = next else { break };
        place = span.start;
        at = Some(value.get_ref());
    }
    place
}

impl FromStr for Scenario {
    type Err = ScenarioError;

    fn from_str(text: &str) -> Result<Scenario, ScenarioError> {
        let scenario: Scenario = toml::from_str(text).map_err(|error| ScenarioError::found(text, &error))?;
        // What refers to something that is not there shows only in the world that it is to be.
        scenario.build(&tickwire_core::Seed([0; 32])).map_err(|error| error.located(text))?;
        Ok(scenario)
    }
}

impl fmt::Display for Scenario {
    /// As it can be read again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&toml::to_string(self).map_err(|_| fmt::Error)?)
    }
}
