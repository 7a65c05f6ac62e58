//! Tests of the wire formats, one file per format.
//!
//! `samples` holds hand-written packets; `hostile` feeds arbitrary and damaged bytes to every view.

mod checksum;
mod dhcpv4;
mod dhcpv6;
mod ethernet;
mod hostile;
mod icmp;
mod ipv4;
mod ipv6;
mod ipv6_ext;
mod membership;
mod ndp;
mod ndp_router;
mod notation;
mod samples;
mod tcp;
mod tcp_options;
mod udp;
