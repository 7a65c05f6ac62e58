//! Frame-level tests: the whole stack, driven by frames and virtual time. What TCP does once a
//! connection exists is told by the tests of `tcp`.
//!
//! - [`rig`]: a stack with one interface, and the peer's side of the wire
//! - `routers`: a rig that configures itself, and the routers of its link
//! - [`inputs`], `served`, [`world`]: arbitrary inputs, those of routers and servers among them, and what they
//!   are played to
//!
//! | file | topic |
//! |---|---|
//! | `ethernet` | which frames are for us (RFC 894, 1112) |
//! | `addresses` | lifetimes of our own addresses (RFC 4862 section 5.5.4) |
//! | `advertise` | what routers tell (RFC 4861 section 6.2, 4191, 8106) |
//! | `acd` | whether an IPv4 address is ours alone (RFC 5227) |
//! | `dad` | whether an IPv6 address is (RFC 4862 section 5.4, 4429, 7527) |
//! | `link_local` | IPv4 link-local addresses (RFC 3927), links that come up |
//! | `arp` | RFC 826, 5227 |
//! | `ndp` | Neighbor Discovery's messages (RFC 4861 section 7) |
//! | `neighbor` | reachability, parking, eviction (RFC 4861 section 7.3) |
//! | `neighbor_flood` | what strangers cannot do to the neighbor cache |
//! | `router_discovery` | routers, prefixes, routes, name servers (RFC 4861 section 6.3, 4191, 7559, 8106) |
//! | `slaac` | addresses that we form (RFC 4862, 7217, 8981) |
//! | `router_flood` | floods of router advertisements |
//! | `ipv4`, `ipv6` | the checks on a packet (RFC 791, 1122, 8200) |
//! | `ip_options` | IPv4 options, sent and received (RFC 791, 1122, 7126) |
//! | `header_fields` | hop limit, traffic class, flow label (RFC 2474, 6437) |
//! | `reassembly` | fragments received (RFC 791, 1122, 5722, 6946, 7112, 8200), and their limits |
//! | `fragment` | packets sent in fragments (RFC 791, 6864, 7739, 8200) |
//! | `echo` | ping (RFC 792, 4443) |
//! | `icmp_errors` | which errors are sent, and which never are (RFC 1122, 4443) |
//! | `icmp_input` | what an error that arrives does to a socket (RFC 1122, 5927) |
//! | `redirect` | better first hops (RFC 792, 1122 section 3.2.2.2, 4861 section 8) |
//! | `path_mtu` | what the paths take (RFC 1191, RFC 8201) |
//! | `reset` | segments that belong to no connection (RFC 9293 section 3.10.7.1) |
//! | `igmp`, `mld` | what hosts tell routers of groups (RFC 3376, 2236, 3810, 2710) |
//! | `multicast` | groups as sockets know them |
//! | `querier` | what multicast routers ask (RFC 3376 section 6, RFC 3810 section 7) |
//! | `multicast_forward` | packets to groups, from link to link |
//! | `udp` | sockets of datagrams (RFC 768, 1122 section 4.1) |
//! | `dhcpv6` | the DHCPv6 client (RFC 8415) |
//! | `route` | routes and the choice of a source address |
//! | `selection` | default address selection (RFC 6724) |
//! | `policy` | metrics, refusing routes, equal costs, rules and tables (RFC 1812 section 5.2.4, 2992) |
//! | `forward` | the router role (RFC 1812, 4861 section 8) |
//! | `host_model` | strong and weak (RFC 1122 section 3.3.4.2) |
//! | `media` | bare IP packets, and the loopback (RFC 1122 section 3.2.1.3 (g)) |
//! | `link_change` | what waits while a link is down, and which link it is that comes up |
//! | `link_settings` | the MTU and our hardware address, set while the stack runs (RFC 4861 section 7.2.6) |
//! | `link_state` | links that go down and come up |
//! | `interface` | interfaces, addresses, and their limits |
//! | `limits` | the limits on connections, filled |
//! | `lifecycle` | TIME-WAIT that makes room, handles released, listeners closed |
//! | `no_answer` | sources that get no answer of any kind |
//! | `dhcpv4` | the DHCPv4 client (RFC 2131) |
//! | `survives` | frames that stopped other stacks |
//! | `offload` | checksums that the device computes or vouches for |
//! | `time` | deadlines are exact, time does not go back |
//! | `provenance` | serial numbers of frames, and what caused them |
//! | `record` | every call is noted, and what is noted makes the same stack again |
//! | `determinism` | same inputs, same outputs; clones |
//! | `hostile` | arbitrary frames |

// A rig asks whether its test has failed.
extern crate std;

mod acd;
mod addresses;
mod advertise;
mod arp;
mod dad;
mod determinism;
mod dhcpv4;
mod dhcpv6;
mod echo;
mod ethernet;
mod forward;
mod fragment;
mod header_fields;
mod host_model;
mod hostile;
mod icmp_errors;
mod icmp_input;
mod igmp;
mod inputs;
mod interface;
mod ip_options;
mod ipv4;
mod ipv6;
mod lifecycle;
mod limits;
mod link_change;
mod link_local;
mod link_settings;
mod link_state;
mod media;
mod mld;
mod multicast;
mod multicast_forward;
mod ndp;
mod neighbor;
mod neighbor_flood;
mod no_answer;
mod offload;
mod path_mtu;
mod policy;
mod provenance;
mod querier;
mod reassembly;
mod record;
mod redirect;
mod reset;
pub(crate) mod rig;
mod route;
mod router_discovery;
mod router_flood;
pub(crate) mod routers;
mod selection;
mod served;
mod slaac;
mod survives;
mod time;
mod udp;
mod world;
