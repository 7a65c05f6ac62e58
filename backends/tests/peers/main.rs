//! The stack on real interfaces against what others have made: the kernel's sockets, routers and bridges, and the
//! servers that Linux systems have. Each test has a network namespace of its own; two run side by side.
//!
//! Where a test cannot have its namespace, TAP or server, it says so and passes, unless `TICKWIRE_REQUIRE_TAP=1` or
//! `TICKWIRE_REQUIRE_PEERS=1`.
//!
//! | module | what |
//! |---|---|
//! | `advertisements` | router advertisements of ours, as the kernel takes them |
//! | `asynchronous` | asynchronous sockets against the kernel's |
//! | `dhcp4`, `dhcp6` | leases of dnsmasq and ISC dhcpd |
//! | `flood` | what a flood on the link does |
//! | `fragments` | large pings and datagrams |
//! | `host` | the host as a whole, started with one command |
//! | `multicast` | groups of ours, with a bridge as querier |
//! | `nd` | routers and neighbors, with radvd |
//! | `options` | IPv4 options |
//! | `pmtu` | narrow paths behind a router of the kernel's |
//! | `querier` | groups of the kernel, with us as querier |
//! | `router` | the stack as a router between two bridges |
//! | `sockets` | TCP, UDP and echo with the kernel's sockets |
//! | `tun` | the same on a TUN, and over the loopback |
#![cfg(target_os = "linux")]

#[path = "../command/mod.rs"]
mod command;
#[path = "../support/mod.rs"]
mod support;

mod advertisements;
#[cfg(feature = "tokio")]
mod asynchronous;
mod dhcp4;
mod dhcp6;
mod flood;
mod fragments;
mod host;
mod multicast;
mod nd;
mod options;
mod pmtu;
mod querier;
mod router;
mod sockets;
mod tun;
