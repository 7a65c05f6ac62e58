//! Wire formats: zero-copy views of what arrived and emitters of what is sent.
//!
//! A view (`Ipv4Packet`, `TcpSegment`) is made by `parse`, which checks every length; its accessors
//! cannot fail. A header (`Ipv4Header`, `TcpHeader`) is plain data that `emit` appends to a buffer.
//! Checksums are steps of their own, because a device may do them: see [`checksum`].
//!
//! | module | what | RFC |
//! |---|---|---|
//! | [`ethernet`] | frames, addresses, EtherTypes | 894 |
//! | [`arp`] | ARP for IPv4 | 826 |
//! | [`ipv4`] | packets, options, protocol numbers | 791 |
//! | [`ipv4_options`] | the options that a socket sends | 791, 1122 |
//! | [`ipv6`] | packets | 8200 |
//! | [`ipv6_ext`] | the walk over extension headers | 8200, 8504, 5095 |
//! | [`icmpv4`] | echo and errors | 792, 1122 |
//! | [`icmpv6`] | echo and errors | 4443 |
//! | [`icmp_ext`] | what routers add to errors | 4884 |
//! | [`igmp`] | group membership over IPv4 | 1112, 2236, 3376 |
//! | [`mld`] | group membership over IPv6 | 2710, 3810 |
//! | [`membership`] | what the two have in common | 3376, 3810 |
//! | [`ndp`] | neighbor solicitation and advertisement | 4861, 7527 |
//! | [`ndp_router`] | router solicitation and advertisement, redirect | 4861, 4191 |
//! | [`ndp_options`] | prefixes, routes, name servers in a router advertisement | 4861, 4191, 8106 |
//! | [`domain_name`] | domain names in options | 1035 |
//! | [`udp`] | datagrams | 768 |
//! | [`dhcpv4`] | DHCPv4 messages and options | 2131, 2132, 3396 |
//! | [`dhcpv6`] | messages and options of DHCPv6 | 8415, 3646 |
//! | [`tcp`] | segments | 9293 |
//! | [`tcp_options`] | MSS, window scale, SACK, timestamps | 9293, 7323, 2018 |
//! | [`checksum`] | the Internet checksum | 1071, 1624 |
//! | `cursor` | fields of a slice, big-endian; byteorder is named here only | |
//! | [`notation`] | frames as lines of text, and segments read from them | |

pub mod arp;
pub mod checksum;
mod cursor;
pub mod dhcpv4;
pub mod dhcpv6;
pub mod domain_name;
pub mod ethernet;
pub mod icmp_ext;
pub mod icmpv4;
pub mod icmpv6;
pub mod igmp;
pub mod ipv4;
pub mod ipv4_options;
pub mod ipv6;
pub mod ipv6_ext;
pub mod membership;
pub mod mld;
pub mod ndp;
pub mod ndp_options;
pub mod ndp_router;
pub mod notation;
pub mod tcp;
pub mod tcp_options;
pub mod udp;

#[cfg(test)]
mod tests;
