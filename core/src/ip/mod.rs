//! The internet layer.
//!
//! - [`packet`]: a packet that waits to be built, described, not encoded
//! - [`address`]: what an address is, whether it is ours
//! - [`own_address`]: the addresses of an interface, their states and lifetimes
//! - [`selection`]: which address to send from, which destination to try first (RFC 6724)
//! - [`route`]: where packets go next: tables of routes, longest prefix first
//! - [`rule`]: which tables are looked at
//! - [`forward`]: packets in transit
//! - [`input`]: the checks on a received packet before an upper layer sees it
//! - [`redirect`]: better first hops, as routers have told
//! - [`pmtu`]: the largest packet that reaches a destination (RFC 1191, RFC 8201)
//! - [`reassembly`]: fragments that wait for the rest of their packet
//! - [`fragment`]: a packet larger than its path takes, cut into fragments; identifications
//! - [`options`]: IPv4 options on their way out, and for which ones a packet is dropped
//! - [`multicast`]: groups and their listeners, IGMP and MLD
//! - [`output`]: headers of layer 2 and 3 in front of a payload, checksums behind it

pub(crate) mod address;
pub(crate) mod forward;
pub(crate) mod fragment;
pub(crate) mod input;
pub(crate) mod multicast;
pub(crate) mod options;
pub(crate) mod output;
pub(crate) mod own_address;
pub(crate) mod packet;
pub(crate) mod pmtu;
pub(crate) mod reassembly;
pub(crate) mod redirect;
pub(crate) mod route;
pub(crate) mod rule;
pub(crate) mod selection;
