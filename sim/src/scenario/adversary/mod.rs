//! Adversaries, as they are written.
//!
//! ```toml
//! [[adversary]]
//! name = "mallory"                # a link joins it to the rest, as any node
//! kind.syn-flooder = { to = "server", sources = "192.0.2.128/25" }
//! at = "1s"
//! every = "5ms"
//! count = 400
//! ```
//!
//! | module | what |
//! |---|---|
//! | `machine` | the node that it is in a world |

mod machine;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Family, Prefix};
use crate::link::text as quantity;

pub(super) use machine::add;

/// A node that sends what it should not, from a time until everything is healed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdversarySpec {
    /// Its name, by which links refer to it.
    pub name: String,
    /// When it begins.
    #[serde(default, with = "quantity::duration")]
    pub at: Duration,
    /// How often it acts, in all.
    pub count: u32,
    /// How long it waits after each frame, if it sends of its own accord; 10 ms, if not said.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "quantity::optional_duration")]
    pub every: Option<Duration>,
    /// How often it takes an occasion, if it is in the way of a host's segments; always, if not said.
    #[serde(default = "always", skip_serializing_if = "is_always", with = "quantity::ppm")]
    pub chance: u32,
    /// What it does.
    pub kind: AdversaryKind,
}

const fn always() -> u32 {
    crate::draw::PPM
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_always(chance: &u32) -> bool {
    *chance == always()
}

impl AdversarySpec {
    /// One that begins at once and takes every occasion.
    pub fn new(name: &str, kind: AdversaryKind, count: u32) -> AdversarySpec {
        AdversarySpec { name: name.to_owned(), at: Duration::ZERO, count, every: None, chance: always(), kind }
    }
}

/// What an adversary does. Those up to the DHCP server have one port and send of their own accord; the others stand
/// between a host, at port 0, and its link, at port 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum AdversaryKind {
    /// Sweeps the sequence numbers of a connection with RSTs.
    BlindReset(ConnectionSpec),
    /// Sweeps them with SYNs.
    BlindSyn(ConnectionSpec),
    /// Sweeps them with text.
    BlindData(ConnectionSpec),
    /// Sends SYNs from addresses that do not answer.
    SynFlooder {
        /// The host that listens.
        to: String,
        /// Over which family.
        #[serde(default)]
        ip: Family,
        /// The port that it listens on.
        #[serde(default = "first_port")]
        port: u16,
        /// The addresses that the SYNs come from.
        sources: Prefix,
    },
    /// Claims the IPv4 address of a host, by ARP.
    ArpSpoofer(ClaimSpec),
    /// Claims the IPv6 address of a host, by Neighbor Advertisements.
    NdSpoofer(ClaimSpec),
    /// Advertises itself as a router.
    RaSpoofer {
        /// A prefix to form addresses from.
        prefix: Prefix,
        /// For how many seconds it is a router, and the prefix is valid.
        lifetime: u16,
    },
    /// Sends datagrams in fragments that overlap, in the name of a host.
    FragmentOverlapper {
        /// In whose name.
        from: String,
        /// To whom.
        to: String,
        /// Over which family.
        #[serde(default)]
        ip: Family,
        /// To which port.
        #[serde(default = "first_sink_port")]
        port: u16,
        /// How they overlap.
        shape: ShapeSpec,
    },
    /// Sends packets of every protocol, each with one thing wrong.
    Garbler {
        /// To whom.
        to: String,
        /// Addresses of its own, of one family or of both.
        from: Vec<IpAddr>,
        /// A port on which the host listens.
        #[serde(default = "first_port")]
        port: u16,
    },
    /// Answers what DHCP clients broadcast.
    RogueDhcp {
        /// Its own address.
        server: Ipv4Addr,
        /// The address that it gives away.
        gives: Ipv4Addr,
        /// For how many seconds.
        lease: u32,
        /// Whether it refuses what is requested instead.
        #[serde(default)]
        refuses: bool,
    },
    /// Acknowledges text that the host has not received.
    OptimisticAcker {
        /// How far ahead.
        #[serde(with = "quantity::bytes")]
        ahead: u64,
    },
    /// Acknowledges in small pieces.
    AckDivider {
        /// How many.
        pieces: u8,
    },
    /// Reports text as received, and forgets it.
    SackReneger {
        /// How many segments each time.
        segments: u8,
    },
    /// Reports text as received that was not sent.
    SackInventor {
        /// How far beyond what was, at most.
        #[serde(with = "quantity::bytes")]
        ahead: u64,
    },
    /// Divides the window.
    WindowShrinker {
        /// By what; by 0 it is closed.
        divisor: u16,
    },
    /// Slips a RST in behind a segment for the host, in its window.
    ResetInjector,
    /// Slips in a SYN.
    SynInjector,
    /// Slips in text with a senseless acknowledgment.
    DataInjector,
    /// Slips in text with an old timestamp.
    OldDuplicates,
}

/// A connection of which both ends are known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionSpec {
    /// The host in whose name it sends.
    pub from: String,
    /// That host's port: a flow's `from_port`.
    pub from_port: u16,
    /// The victim.
    pub to: String,
    /// The victim's port.
    #[serde(default = "first_port")]
    pub port: u16,
    /// Over which family.
    #[serde(default)]
    pub ip: Family,
}

/// A claim to an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimSpec {
    /// The host whose address it is.
    pub of: String,
    /// Who is told; everybody on the link, if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// How fragments overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShapeSpec {
    /// The second begins before the first ends.
    Across,
    /// One lies within the first.
    Within,
    /// The first comes again with other bytes.
    Again,
}

const fn first_port() -> u16 {
    super::build::FIRST_PORT
}

const fn first_sink_port() -> u16 {
    super::build::FIRST_SINK_PORT
}

impl AdversaryKind {
    /// The names of all kinds, as they are written.
    pub const NAMES: [&str; 19] = [
        "blind-reset",
        "blind-syn",
        "blind-data",
        "syn-flooder",
        "arp-spoofer",
        "nd-spoofer",
        "ra-spoofer",
        "fragment-overlapper",
        "rogue-dhcp",
        "optimistic-acker",
        "ack-divider",
        "sack-reneger",
        "sack-inventor",
        "window-shrinker",
        "reset-injector",
        "syn-injector",
        "data-injector",
        "old-duplicates",
        "garbler",
    ];

    /// Its name, as it is written.
    pub const fn name(&self) -> &'static str {
        AdversaryKind::NAMES[match self {
            AdversaryKind::BlindReset(_) => 0,
            AdversaryKind::BlindSyn(_) => 1,
            AdversaryKind::BlindData(_) => 2,
            AdversaryKind::SynFlooder { .. } => 3,
            AdversaryKind::ArpSpoofer(_) => 4,
            AdversaryKind::NdSpoofer(_) => 5,
            AdversaryKind::RaSpoofer { .. } => 6,
            AdversaryKind::FragmentOverlapper { .. } => 7,
            AdversaryKind::RogueDhcp { .. } => 8,
            AdversaryKind::OptimisticAcker { .. } => 9,
            AdversaryKind::AckDivider { .. } => 10,
            AdversaryKind::SackReneger { .. } => 11,
            AdversaryKind::SackInventor { .. } => 12,
            AdversaryKind::WindowShrinker { .. } => 13,
            AdversaryKind::ResetInjector => 14,
            AdversaryKind::SynInjector => 15,
            AdversaryKind::DataInjector => 16,
            AdversaryKind::OldDuplicates => 17,
            AdversaryKind::Garbler { .. } => 18,
        }]
    }

    /// Whether it stands between a host and its link.
    pub const fn is_in_the_way(&self) -> bool {
        matches!(
            self,
            AdversaryKind::OptimisticAcker { .. }
                | AdversaryKind::AckDivider { .. }
                | AdversaryKind::SackReneger { .. }
                | AdversaryKind::SackInventor { .. }
                | AdversaryKind::WindowShrinker { .. }
                | AdversaryKind::ResetInjector
                | AdversaryKind::SynInjector
                | AdversaryKind::DataInjector
                | AdversaryKind::OldDuplicates
        )
    }
}
