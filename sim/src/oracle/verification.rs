//! Addresses that are to be verified: none is used before the host has asked whether another has it.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr};

use tickwire_core::wire::arp::{ArpOperation, ArpPacket};
use tickwire_core::wire::ndp::{self, NeighborSolicitation};

use super::name::Oracle;
use super::packet::Packet;
use super::verdict::Bench;

/// Addresses that are remembered; with more of them nothing is judged.
const ADDRESSES: usize = 256;

/// Which of a host's addresses are to be verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Verifies {
    /// The IPv4 addresses, by ARP probes.
    pub ipv4: bool,
    /// The IPv6 addresses, by Neighbor Solicitations; an optimistic one is used meanwhile (RFC 4429).
    pub ipv6: bool,
}

/// The addresses that a host has asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Verification {
    probed: BTreeSet<u128>,
}

impl Verification {
    /// The host has lost what it knew.
    pub(super) fn restarted(&mut self) {
        self.probed.clear();
    }

    /// The host sends ARP: a probe has no sender (RFC 5227 section 1.1), all else uses its sender's address.
    pub(super) fn arp(&mut self, packet: &ArpPacket<'_>, verifies: Verifies, bench: &mut Bench) {
        let mapped = |address: std::net::Ipv4Addr| address.to_ipv6_mapped().to_bits();
        if !packet.sender_protocol().is_unspecified() {
            self.judge(mapped(packet.sender_protocol()), verifies, bench);
        } else if packet.operation() == ArpOperation::Request {
            self.probe(mapped(packet.target_protocol()));
        }
    }

    /// The host sends a packet: one that asks for an address has no source (RFC 4862 section 5.4.2).
    #[inline]
    pub(super) fn packet(&mut self, packet: &Packet<'_>, verifies: Verifies, bench: &mut Bench) {
        if packet.src != 0 {
            self.judge(packet.src, verifies, bench);
        } else if packet.upper.first() == Some(&ndp::NEIGHBOR_SOLICITATION)
            && let Ok(solicitation) = NeighborSolicitation::parse(packet.upper)
        {
            self.probe(solicitation.target.to_bits());
        }
    }

    fn probe(&mut self, address: u128) {
        if self.probed.len() < ADDRESSES {
            self.probed.insert(address);
        }
    }

    #[inline]
    fn judge(&mut self, src: u128, verifies: Verifies, bench: &mut Bench) {
        let address = Ipv6Addr::from_bits(src).to_canonical();
        let judged = match address {
            IpAddr::V4(address) => verifies.ipv4 && !address.is_unspecified(),
            IpAddr::V6(_) => verifies.ipv6,
        };
        if judged && self.probed.len() < ADDRESSES && bench.judges(Oracle::Verification) && !self.probed.contains(&src)
        {
            let expected = format!("a question who has {address}, before it is used");
            bench.fail(Oracle::Verification, None, expected, "none".to_owned());
            // Once is enough.
            self.probe(src);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use rstest::rstest;
    use tickwire_core::wire::arp::ArpHeader;
    use tickwire_core::wire::ethernet::EthernetAddress;

    use super::*;
    use crate::oracle::Switches;

    const NOBODY: Ipv4Addr = Ipv4Addr::UNSPECIFIED;
    const OURS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
    const OTHER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

    /// ARP requests by sender and target.
    #[rstest]
    #[case::probed(&[(NOBODY, OURS), (OURS, OURS)], true, 0)]
    #[case::not_probed(&[(OURS, OTHER)], true, 1)]
    #[case::told_once(&[(OURS, OTHER), (OURS, OTHER)], true, 1)]
    #[case::another_was_probed(&[(NOBODY, OTHER), (OURS, OTHER)], true, 1)]
    #[case::unverified(&[(OURS, OTHER)], false, 0)]
    fn an_address_is_probed_before_it_is_used(
        #[case] requests: &[(Ipv4Addr, Ipv4Addr)],
        #[case] ipv4: bool,
        #[case] broken: usize,
    ) {
        let (mut verification, mut bench) = (Verification::default(), Bench::new(Switches::ALL));
        for &(sender_protocol, target_protocol) in requests {
            let header = ArpHeader {
                operation: ArpOperation::Request,
                sender_hardware: EthernetAddress([2; 6]),
                sender_protocol,
                target_hardware: EthernetAddress::UNSPECIFIED,
                target_protocol,
            };
            let mut bytes = Vec::new();
            header.emit(&mut bytes);
            let packet = ArpPacket::parse(&bytes).unwrap();
            verification.arp(&packet, Verifies { ipv4, ipv6: false }, &mut bench);
        }
        assert_eq!(bench.found.len(), broken);
    }
}
