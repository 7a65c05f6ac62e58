//! Scenarios: a network, what goes wrong in it and what its hosts do, as one value with a text form (TOML).
//!
//! A run has two phases. Until `heal` faults befall the network; then everything is healed, and each connection
//! that neither end has lost must deliver what is left, in time. At the end nothing may be left in any stack.
//!
//! ```
//! use tickwire_sim::Seed;
//! use tickwire_sim::scenario::Scenario;
//!
//! let scenario: Scenario = r#"
//!     title = "A download while the link is cut for a while"
//!     heal = "10s"
//!
//!     [[host]]
//!     name = "server"
//!     interfaces = [["192.0.2.1/24"]]
//!
//!     [[host]]
//!     name = "client"
//!     interfaces = [["192.0.2.2/24"]]
//!
//!     [[link]]
//!     name = "cable"
//!     ends = ["client", "server"]
//!     path.preset = "lan"
//!
//!     [[fault]]
//!     what = "cut"
//!     link = "cable"
//!     at = "1s"
//!     lasts = "2s"
//!
//!     [[flow]]
//!     from = "client"
//!     to = "server"
//!     response = "1MiB"
//! "#
//! .parse()?;
//! let outcome = scenario.run(&Seed([1; 32]));
//! assert_eq!(outcome.failures, []);
//! # Ok::<(), tickwire_sim::scenario::ScenarioError>(())
//! ```
//!
//! What a run comes to as a whole is measured, too ([`Population`]): how flows shared (Jain's index of their goodputs),
//! how much of the time the busiest rate was in use, how long 99 in a hundred frames waited for it, and how much
//! was sent again. A scenario may say what it expects, and of counters of its hosts:
//!
//! ```toml
//! [expect]
//! jain = ">= 0.9"
//! utilisation = ">= 90%"
//! queue_delay = "<= 20ms"
//! retransmission_ratio = "<= 2%"
//!
//! [expect.counters.client]
//! "tcp.window_probes" = ">= 1"
//! ```
//!
//! A flow may have its time: `within = "5s"`. What is not met is a failure; [`metamorphic`] runs the scenario in other
//! words, of which its applications must not notice anything.
//!
//! | module | what |
//! |---|---|
//! | `topology` | nodes and links |
//! | `adversary` | nodes that send what they should not |
//! | `flow` | what hosts say to each other |
//! | `lease` | DHCP servers |
//! | `foreign` | hosts with another stack, and their ends of flows |
//! | `timeline` | faults, and when |
//! | `tape` | draws that are given instead of drawn |
//! | `text` | TOML, and what is said about a mistake: line, key, what would be right |
//! | `expect` | what a run as a whole is to come to |
//! | `build` | the world of a scenario |
//! | `nodes` | its hosts and other nodes |
//! | `names` | what names stand for in it |
//! | `course` | [`Course`]: both phases, and the end |
//! | `run` | [`Outcome`]: what came of it |
//! | `notice` | [`Noticed`]: when a failure is noticed |
//! | [`metamorphic`] | the same in other words: addresses, ports, sequence numbers, family |
//! | `figures` | figures of a run, as people read them |
//! | `judge` | which oracles about whole runs judge, and what they found |
//! | `verdict` | delivery in time, legal causes, nothing left |
//! | `population` | [`Population`]: fairness, utilisation, queue delay, what was sent again |

mod adversary;
mod build;
mod course;
mod expect;
pub(crate) mod figures;
mod flow;
mod foreign;
mod judge;
mod lease;
pub mod metamorphic;
mod names;
mod nodes;
mod notice;
mod population;
mod run;
mod tape;
mod text;
mod timeline;
mod topology;
mod verdict;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::draw::Tape;
use crate::link::text as quantity;

pub use adversary::{AdversaryKind, AdversarySpec, ClaimSpec, ConnectionSpec, ShapeSpec};
pub(crate) use build::port_of;
pub use build::{Built, FlowEnd};
pub use course::Course;
pub use expect::{Bound, Expectations, Index, Kind, Number, Share, Time};
pub use flow::{Datagrams, Expected, Family, Flow, Reader};
pub use foreign::{ForeignEnd, ForeignSpec};
pub use lease::LeaseServerSpec;
pub use notice::Noticed;
pub(crate) use notice::{Patience, frames_on_links};
pub use population::{Bottleneck, Population};
pub use run::{DatagramsOutcome, Failed, FlowOutcome, Outcome};
pub use text::ScenarioError;
pub use timeline::{FaultSpec, What};
pub use topology::{HostSpec, LinkSpec, MachineSpec, NatSpec, Prefix, Setting};

/// A network, what goes wrong in it, and what its hosts do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it is about, in a line.
    pub title: String,
    /// When everything is healed.
    #[serde(with = "quantity::duration")]
    pub heal: Duration,
    /// Oracles that do not judge, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub oracles_off: Vec<String>,
    /// What is random, if it does not follow from the seed: the draws that are not calm, by name. Stacks have their
    /// seeds all the same.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "tape")]
    pub tape: Option<Tape>,
    /// What a run as a whole is to come to.
    #[serde(default, skip_serializing_if = "Expectations::is_empty")]
    pub expect: Expectations,
    /// The hosts and routers.
    #[serde(default)]
    pub host: Vec<HostSpec>,
    /// Hosts with another stack.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub foreign: Vec<ForeignSpec>,
    /// Hubs: what arrives at a port leaves by all others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hub: Vec<MachineSpec>,
    /// Switches: what arrives leaves by the port of its station.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub switch: Vec<MachineSpec>,
    /// NATs: many hosts behind one address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nat: Vec<NatSpec>,
    /// DHCP servers, from which hosts lease their IPv4 addresses.
    #[serde(default, rename = "lease-server", skip_serializing_if = "Vec::is_empty")]
    pub lease_server: Vec<LeaseServerSpec>,
    /// Adversaries: nodes that send what they should not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adversary: Vec<AdversarySpec>,
    /// The links between all of them.
    #[serde(default)]
    pub link: Vec<LinkSpec>,
    /// What goes wrong, and when.
    #[serde(default)]
    pub fault: Vec<FaultSpec>,
    /// TCP workloads.
    #[serde(default)]
    pub flow: Vec<Flow>,
    /// UDP workloads.
    #[serde(default)]
    pub datagrams: Vec<Datagrams>,
}

impl Scenario {
    /// A scenario without anything, to be filled.
    pub fn empty(title: &str) -> Scenario {
        Scenario {
            title: title.to_owned(),
            heal: Duration::ZERO,
            oracles_off: Vec::new(),
            tape: None,
            expect: Expectations::default(),
            host: Vec::new(),
            foreign: Vec::new(),
            hub: Vec::new(),
            switch: Vec::new(),
            nat: Vec::new(),
            lease_server: Vec::new(),
            adversary: Vec::new(),
            link: Vec::new(),
            fault: Vec::new(),
            flow: Vec::new(),
            datagrams: Vec::new(),
        }
    }
}
