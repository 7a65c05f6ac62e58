//! Claims to other hosts' addresses.

use std::time::Duration;

use rstest::rstest;
use tickwire_core::wire::ethernet::EthernetAddress;
use tickwire_core::{AddressSettings, Defense};
use tickwire_sim::node::adversary::{ArpClaim, Forgery, NeighborClaim};
use tickwire_sim::topology::{v4, v6};
use tickwire_sim::{Ended, Instant};

use super::{ADVERSARY, LIMIT, Lan, host, lan, lan_of};

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

/// RFC 5227 section 2.4, (a) to (c): what the owner of an address does when it is claimed, ten times a second. Who
/// keeps it announces it once in ten seconds, and its connection goes on.
#[rstest]
#[case::it_is_given_up_at_once(Defense::Never, 1, 0, false)]
#[case::it_is_defended_once(Defense::Once, 1, 1, true)]
#[case::a_second_claim_takes_it(Defense::Once, 2, 1, false)]
#[case::it_is_never_given_up(Defense::Always, 50, 1, true)]
fn the_victims_own_address_is_claimed(
    #[case] defense: Defense,
    #[case] claims: u32,
    #[case] defended: u64,
    #[case] kept: bool,
) {
    let mut victim = host("victim", 1);
    victim.interfaces[0].address_settings = Some(AddressSettings { defense, ..AddressSettings::default() });
    let mut lan = lan_of(victim, host("peer", 2));
    // By then the address is verified.
    assert_eq!(lan.world.run_until(Instant::from_millis(5_000)), Ended::TimeLimit);
    lan.talk(false, Duration::from_millis(500), 100_000);
    let claim = ArpClaim { claimed: v4(0, 1), hardware: ADVERSARY, told: None };
    let forger = lan.forge(Forgery::Arp(claim), Duration::from_millis(100), claims);
    let _ = lan.world.run_until(LIMIT);
    assert_eq!(lan.sent(forger), u64::from(claims));
    assert_eq!(lan.world.failures().is_empty(), kept, "{:?}", lan.world.failures());
    assert_eq!(lan.counted(lan.victim, "address.defended"), defended);
    let interface = lan.world.stack(lan.victim).interfaces().next().unwrap();
    assert_eq!(interface.addresses.iter().any(|own| own.address == v4(0, 1)), kept);
    assert_eq!(lan.world.stack(lan.victim).tcp_sockets().count(), 0, "nothing is left");
}
