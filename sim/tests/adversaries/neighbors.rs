//! Claims to other hosts' addresses.

use std::time::Duration;

use rstest::rstest;
use tickwire_core::wire::ethernet::EthernetAddress;
use tickwire_sim::node::adversary::{ArpClaim, Forgery, NeighborClaim};
use tickwire_sim::topology::{v4, v6};

use super::{ADVERSARY, Lan, lan};

const VICTIM: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 1]);

fn during(forgery: Forgery, ipv6: bool) -> Lan {
    let mut lan = lan();
    lan.talk(ipv6, Duration::from_millis(500), 200_000);
    let forger = lan.forge(forgery, Duration::from_millis(100), 50);
    lan.finish();
    assert_eq!(lan.sent(forger), 50);
    lan
}

/// A neighbor in use that is claimed to have moved is asked first (docs/decisions.md; RFC 826 would believe
/// it). It answers, and stays.
#[rstest]
#[case::told_by_a_reply(Some((VICTIM, v4(0, 1))))]
#[case::told_to_all(None)]
fn the_peers_ipv4_address_is_claimed(#[case] told: Option<(EthernetAddress, std::net::Ipv4Addr)>) {
    let lan = during(Forgery::Arp(ArpClaim { claimed: v4(0, 2), hardware: ADVERSARY, told }), false);
    assert!(lan.counted(lan.victim, "neighbor.contested") > 0);
    assert_eq!(lan.counted(lan.victim, "neighbor.moved"), 0);
}

/// RFC 4861 section 7.2.5 would believe it, and Neighbor Unreachability Detection find out.
#[rstest]
#[case::told_as_if_asked(Some((VICTIM, v6(0, 1))))]
#[case::told_to_all(None)]
fn the_peers_ipv6_address_is_claimed(#[case] told: Option<(EthernetAddress, std::net::Ipv6Addr)>) {
    let lan = during(Forgery::Neighbor(NeighborClaim { claimed: v6(0, 2), hardware: ADVERSARY, told }), true);
    assert!(lan.counted(lan.victim, "neighbor.contested") > 0);
    assert_eq!(lan.counted(lan.victim, "neighbor.moved"), 0);
}
