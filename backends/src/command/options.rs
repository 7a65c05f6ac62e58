//! `--option NAME=VALUE`, and `tickwire options`, which lists them.

use std::io::{self, Write as _};

use tickwire_core::{Config, options};

/// One `--option`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    name: String,
    value: String,
}

/// Reads `NAME=VALUE`, and whether the core takes it.
pub(crate) fn setting(text: &str) -> Result<Setting, String> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| "no value; right would be a name and a value, as in tcp.ack_delay_ms=25".to_owned())?;
    options::set(&mut Config::default(), name, value).map_err(|error| match error {
        options::OptionError::UnknownName(name) => {
            let near = nearest(&name).map(|near| format!("did you mean {near}? ")).unwrap_or_default();
            format!("there is no option {name}; {near}`tickwire options` lists them")
        }
        error @ options::OptionError::BadValue { .. } => error.to_string(),
    })?;
    Ok(Setting { name: name.to_owned(), value: value.to_owned() })
}

impl Setting {
    /// Puts it into `config`. That it fits was seen to when it was read.
    pub(crate) fn apply(&self, config: &mut Config) -> Result<(), options::OptionError> {
        options::set(config, &self.name, &self.value)
    }
}

/// The option whose name shares the most with what was typed, if that is most of it.
fn nearest(name: &str) -> Option<&'static str> {
    let shared = |other: &str| name.bytes().zip(other.bytes()).take_while(|(one, two)| one == two).count();
    let shared_end =
        |other: &str| name.bytes().rev().zip(other.bytes().rev()).take_while(|(one, two)| one == two).count();
    let score = |other: &str| shared(other) + shared_end(other);
    let best = options::all().iter().map(|entry| entry.name).max_by_key(|other| score(other))?;
    (score(best) * 3 >= name.len() * 2).then_some(best)
}

/// All options: name, default, what it may be, and where that comes from.
pub(crate) fn list() -> io::Result<()> {
    let config = Config::default();
    let mut out = io::stdout().lock();
    for entry in options::all() {
        let default =
            options::value(&config, entry.name).map_or_else(|error| error.to_string(), |value| value.to_string());
        writeln!(out, "{}", entry.name)?;
        writeln!(out, "    default {default}; {}", entry.kind)?;
        writeln!(out, "    source: {}", entry.source)?;
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_checked_when_they_are_read() {
        let mut config = Config::default();
        setting("ip.hop_limit=9").expect("it is an option").apply(&mut config).expect("it fits");
        assert_eq!(config.hop_limit, 9);
        for (wrong, named) in [
            ("tcp.sack", "no value"),
            ("tcp.sak=true", "did you mean tcp.sack?"),
            ("nonsense=1", "tickwire options"),
            ("ip.hop_limit=0", "from 1 to 255"),
        ] {
            let error = setting(wrong).expect_err(wrong);
            assert!(error.contains(named), "{error}");
        }
    }
}
