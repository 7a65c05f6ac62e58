//! IGMP and MLD.

use core::fmt;

use crate::time::Duration;
use crate::wire::membership::{Addresses, Message, Query};

/// A message behind `name`, its protocol: `igmp3 report to_ex 233.252.0.1 {}`.
pub(super) fn message(f: &mut fmt::Formatter<'_>, name: &str, newest: u8, message: &Message<'_>) -> fmt::Result {
    match message {
        Message::Query(asked) => query(f, name, newest, asked),
        Message::Report { version, group } => write!(f, "{name}{version} report {group}"),
        Message::Leave { group } => write!(f, "{name}{} leave {group}", newest - 1),
        Message::Records(records) => {
            write!(f, "{name}{newest} report")?;
            for (at, record) in records.iter().enumerate() {
                f.write_str(if at == 0 { " " } else { ", " })?;
                match record.kind {
                    Some(kind) => f.write_str(kind.name())?,
                    None => f.write_str("unknown")?,
                }
                write!(f, " {} ", record.group)?;
                sources(f, &record.sources)?;
            }
            Ok(())
        }
    }
}

fn query(f: &mut fmt::Formatter<'_>, name: &str, newest: u8, query: &Query<'_>) -> fmt::Result {
    write!(f, "{name}{} query ", query.version)?;
    match query.group {
        Some(group) => write!(f, "{group}")?,
        None => f.write_str("general")?,
    }
    if !query.sources.is_empty() {
        f.write_str(" ")?;
        sources(f, &query.sources)?;
    }
    f.write_str(" within ")?;
    seconds(f, query.max_response)?;
    if query.version == newest {
        write!(f, " robustness {} interval ", query.robustness)?;
        seconds(f, query.interval)?;
    }
    if query.suppress { f.write_str(" suppress") } else { Ok(()) }
}

fn seconds(f: &mut fmt::Formatter<'_>, time: Duration) -> fmt::Result {
    match time.subsec_millis() {
        0 => write!(f, "{} s", time.as_secs()),
        millis => write!(f, "{}.{millis:03} s", time.as_secs()),
    }
}

fn sources(f: &mut fmt::Formatter<'_>, sources: &Addresses<'_>) -> fmt::Result {
    f.write_str("{")?;
    for (at, source) in sources.iter().enumerate() {
        let separator = if at == 0 { "" } else { "," };
        write!(f, "{separator}{source}")?;
    }
    f.write_str("}")
}
