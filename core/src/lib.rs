//! A TCP/IP stack as a pure state machine: `(time, frame)` and socket calls in; frames, one next
//! deadline and socket events out. It has no clock, no thread, no socket of an operating system, and
//! no randomness but what follows from its 32-byte seed, so every run can be replayed bit for bit.
//!
//! Start at [`Stack`]; its module tells how it is driven.
//!
//! # The map
//!
//! | room | what it is about |
//! |---|---|
//! | [`stack`] | [`Stack`]: facts in, effects out, commands, questions |
//! | [`socket`] | handles, demultiplexing, ports, the sockets as an application sees them |
//! | [`tcp`] | the connection (RFC 9293): state machine, recovery, congestion control |
//! | `udp` | datagram sockets (RFC 768) |
//! | `icmp` | what an ICMP error means |
//! | `ip` | addresses, routes, the checks on a packet, headers |
//! | [`link`] | interfaces, Ethernet, ARP, Neighbor Discovery, the neighbor cache |
//! | [`identity`] | what is kept across restarts |
//! | `autoconf` | self-configuration: machines of pure data, one set per interface |
//! | [`wire`] | formats: zero-copy views and emitters; the notation in which frames are printed |
//! | `offload` | from a super-segment to frames |
//! | [`frame`] | frames in, batches of frames out, what a device can do |
//! | `buffer` | bytes that wait, and the memory behind them |
//! | [`config`] | every setting and every limit |
//! | [`options`] | the settings by name |
//! | [`event`] | what an application is told |
//! | [`error`] | why a frame was dropped, why a command was refused |
//! | `counters` | what was done, by layer |
//! | `rate_limit` | how much strangers can make us send |
//! | [`time`] | [`Instant`] |
//! | [`provenance`] | which frame, timer or call caused a frame |
//! | [`record`] | every call that can change a stack, noted and made again |
//! | `rng`, `keyed`, `digest`, `trace` | the seed's streams, the hash table without order, digests |
#![no_std]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

extern crate alloc;
// `Arbitrary`'s derive names `std`.
#[cfg(feature = "arbitrary")]
extern crate std;

pub mod autoconf;
mod buffer;

pub mod config;
mod counters;
mod digest;
pub mod error;
pub mod event;
pub mod frame;
mod icmp;
pub mod identity;
mod ip;
mod keyed;
pub mod link;
mod offload;
pub mod options;
pub mod provenance;
mod rate_limit;
pub mod record;
mod rng;
pub mod socket;
pub mod stack;
pub mod tcp;
pub mod time;
mod trace;
mod udp;
pub mod wire;

#[cfg(test)]
mod tests;

pub use autoconf::advertise::Inconsistency;
pub use autoconf::advertise::config::AdvertiseConfig;
pub use autoconf::dhcpv4::Dhcpv4State;
pub use autoconf::dhcpv4::binding::Dhcpv4Binding;
pub use autoconf::dhcpv4::config::Dhcpv4Config;
pub use autoconf::dhcpv4::settings::{Dhcpv4Route, Dhcpv4Settings};
pub use autoconf::dhcpv6::{Dhcpv6Info, Dhcpv6Lease, Dhcpv6Request, Dhcpv6State, Duid};
pub use autoconf::router_discovery::ManagedFlags;
pub use config::{
    Acd, AddressSettings, Config, Dad, Defense, InterfaceAddress, InterfaceConfig, IpConfig, Limits, Medium,
    MulticastConfig, NdConfig, ReversePath, RouterConfig, SlaacConfig, TcpConfig, TcpSettings,
};
pub use counters::Traffic;
pub use error::{DropReason, Verdict};
pub use event::{AddressChange, Event, Readiness};
pub use frame::{Capabilities, Frame, TxBatch};
pub use identity::{Dhcpv6Binding, Iaid, Identity, SavedAssociation, SavedLease, SavedLinkLocal};
pub use ip::multicast::querier::config::QuerierConfig;
pub use ip::options::DroppedOptions;
pub use ip::own_address::{AddressOrigin, AddressState, OwnAddress};
pub use ip::reassembly::ReassemblyEntry;
pub use ip::route::{Route, RouteOrigin, Target};
pub use ip::rule::Rule;
pub use ip::selection::AddressPolicy;
pub use link::InterfaceId;
pub use rng::Seed;
pub use socket::{
    ConnectOptions, ListenOptions, ListenerHandle, TcpHandle, TcpSocket, UdpHandle, UdpOptions, UdpSocket,
};
pub use stack::{
    AdvertiserInfo, Cause, LinkGroupInfo, PrefixInfo, QuerierInfo, RouterInfo, RouterRouteInfo, Stack, Wakeup,
};
pub use time::{Duration, Instant};
pub use wire::ipv4_options::IpOptions;
