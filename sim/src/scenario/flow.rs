//! What hosts say to each other, as it is written.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::link::text as quantity;
use crate::workload::{Closes, SlowReader, Talk};

/// Connections from one host to another, and what is said on them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flow {
    /// The host that connects.
    pub from: String,
    /// The host that listens.
    pub to: String,
    /// Over which family.
    #[serde(default)]
    pub ip: Family,
    /// The port that it listens on; by default 7000 and the flow's place in the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The port that it connects from; by default its stack chooses. While one connection has it, there is no second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_port: Option<u16>,
    /// When the first connection is opened.
    #[serde(default, with = "quantity::duration")]
    pub at: Duration,
    /// How many connections, in all.
    #[serde(default = "one")]
    pub connections: u64,
    /// How many at once.
    #[serde(default = "one_at_once")]
    pub parallel: u32,
    /// How many requests on each.
    #[serde(default = "one_at_once")]
    pub rounds: u32,
    /// The length of a request.
    #[serde(default = "name_len", with = "quantity::bytes")]
    pub request: u64,
    /// The length of a response.
    #[serde(default, with = "quantity::bytes")]
    pub response: u64,
    /// Whether requests and responses flow at once, instead of by turns.
    #[serde(default)]
    pub overlapped: bool,
    /// How long the client waits before each request but the first.
    #[serde(default, with = "quantity::duration")]
    pub pause: Duration,
    /// Who closes first.
    #[serde(default)]
    pub closes: Closes,
    /// How the server reads, if not at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reader: Option<Reader>,
    /// What is to become of the connections.
    #[serde(default)]
    pub expect: Expected,
    /// How long it may take, from `at` until its last byte has arrived.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "quantity::optional_duration")]
    pub within: Option<Duration>,
}

const fn one() -> u64 {
    1
}

const fn one_at_once() -> u32 {
    1
}

const fn name_len() -> u64 {
    8
}

/// A reader that takes its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reader {
    /// How much it reads each time, at most.
    #[serde(with = "quantity::bytes")]
    pub bytes: u64,
    /// How long it waits in between.
    #[serde(with = "quantity::duration")]
    pub every: Duration,
}

/// Over which family of addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// IPv4.
    #[default]
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// Whether an address is of it.
    pub(super) const fn is_of(self, address: IpAddr) -> bool {
        matches!((self, address), (Family::V4, IpAddr::V4(_)) | (Family::V6, IpAddr::V6(_)))
    }

    /// As it is called.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Family::V4 => "IPv4",
            Family::V6 => "IPv6",
        }
    }
}

/// What is to become of a flow's connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expected {
    /// Every one delivers everything.
    #[default]
    Complete,
    /// Every one is lost.
    Lost,
    /// Each delivers everything, or is lost for a legal cause.
    Any,
}

/// Datagrams from one host to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Datagrams {
    /// The host that sends.
    pub from: String,
    /// The host that receives.
    pub to: String,
    /// Over which family.
    #[serde(default)]
    pub ip: Family,
    /// When the first is sent.
    #[serde(default, with = "quantity::duration")]
    pub at: Duration,
    /// How many.
    pub count: u64,
    /// Bytes in each; at least 8.
    pub len: u32,
    /// How long the sender waits before each but the first.
    #[serde(with = "quantity::duration")]
    pub every: Duration,
}

impl Flow {
    /// One connection that says the least.
    pub fn new(from: &str, to: &str) -> Flow {
        Flow {
            from: from.to_owned(),
            to: to.to_owned(),
            ip: Family::V4,
            port: None,
            from_port: None,
            at: Duration::ZERO,
            connections: 1,
            parallel: 1,
            rounds: 1,
            request: name_len(),
            response: 0,
            overlapped: false,
            pause: Duration::ZERO,
            closes: Closes::Client,
            reader: None,
            expect: Expected::Complete,
            within: None,
        }
    }

    /// What is said on each connection.
    pub fn talk(&self) -> Talk {
        let slow = |reader: Reader| SlowReader {
            bytes: u32::try_from(reader.bytes).unwrap_or(u32::MAX).max(1),
            every: reader.every,
        };
        Talk {
            rounds: self.rounds,
            request: self.request,
            response: self.response,
            overlapped: self.overlapped,
            pause: self.pause,
            closes: self.closes,
            reader: self.reader.map(slow),
        }
    }
}
