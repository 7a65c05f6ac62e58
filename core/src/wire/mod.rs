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
//! | [`tcp`] | segments | 9293 |
//! | [`tcp_options`] | MSS, window scale, SACK, timestamps | 9293, 7323, 2018 |
//! | [`checksum`] | the Internet checksum | 1071, 1624 |

pub mod arp;
pub mod checksum;
mod cursor;
pub mod ethernet;
pub mod ipv4;
pub mod tcp;
pub mod tcp_options;
