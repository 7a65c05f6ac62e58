//! Router Advertisements of somebody who is no router, or in the name of one who is.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use rstest::rstest;
use tickwire_sim::node::adversary::{Forgery, RouterClaim};
use tickwire_sim::{Ended, InterfaceAddress};

use super::{ADVERSARY, Lan, host, lan_of};

const LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x66);
const PREFIX: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0x66, 0, 0, 0, 0, 0);

/// A victim that believes routers.
fn lan() -> Lan {
    let mut victim = host("victim", 1);
    victim.interfaces[0].ipv6_autoconfiguration = true;
    lan_of(victim, host("peer", 2))
}

/// A router that advertises a prefix for so many seconds.
fn claim(prefix_len: u8, prefix_lifetime: u32) -> RouterClaim {
    RouterClaim {
        router: LINK_LOCAL,
        hardware: ADVERSARY,
        hops: 255,
        router_lifetime: 1_800,
        prefix: Some(InterfaceAddress::v6(PREFIX, prefix_len)),
        prefix_lifetime,
    }
}

/// The victim's addresses of the prefix's first 48 bits.
fn formed(lan: &Lan) -> usize {
    let interface = lan.world.stack(lan.victim).interfaces().next().unwrap();
    let ours =
        |address: IpAddr| matches!(address, IpAddr::V6(address) if address.octets()[..6] == PREFIX.octets()[..6]);
    interface.addresses.iter().filter(|own| ours(own.address)).count()
}

fn run_for(lan: &mut Lan, duration: Duration) {
    let until = lan.world.now() + duration;
    assert_eq!(lan.world.run_until(until), Ended::TimeLimit);
    assert_eq!(lan.world.failures().len(), 0);
}

/// RFC 4861 section 6.1.2: the hop limit is 255, so that nobody beyond the link is heard; the source is
/// link-local.
#[rstest]
#[case::from_the_link(claim(64, 7_200), true)]
#[case::from_beyond(RouterClaim { hops: 254, ..claim(64, 7_200) }, false)]
#[case::from_a_global_address(RouterClaim { router: PREFIX, ..claim(64, 7_200) }, false)]
fn who_is_believed(#[case] claim: RouterClaim, #[case] believed: bool) {
    let mut lan = lan();
    let forger = lan.forge(Forgery::Router(claim), Duration::from_millis(100), 5);
    run_for(&mut lan, Duration::from_secs(10));
    assert_eq!(lan.sent(forger), 5);
    assert_eq!(formed(&lan) > 0, believed);
    assert_eq!(lan.world.stack(lan.victim).default_routers().count() > 0, believed);
}

/// A flood of prefixes: what is kept of them is bounded, and a connection goes on.
#[test]
fn a_flood_of_prefixes() {
    let mut lan = lan();
    lan.talk(true, Duration::from_secs(2), 100_000);
    let forger = lan.forge(Forgery::Router(claim(48, 7_200)), Duration::from_millis(2), 2_000);
    run_for(&mut lan, Duration::from_mins(1));
    assert_eq!(lan.sent(forger), 2_000);
    let stack = lan.world.stack(lan.victim);
    let limits = &stack.config().limits;
    let (prefixes, addresses) = (stack.prefixes().count(), formed(&lan));
    assert!((1..=usize::from(limits.prefixes)).contains(&prefixes), "{prefixes} prefixes");
    assert!((1..=usize::from(limits.addresses)).contains(&addresses), "{addresses} addresses");
    let refused = lan.counted(lan.victim, "ndp.prefixes_refused") + lan.counted(lan.victim, "ndp.prefixes_evicted");
    assert!(refused > 1_000, "{refused} refused");
    assert_eq!(stack.tcp_sockets().count(), 0, "all is said");
}

/// RFC 4862 section 5.5.3 e: a lifetime of 0 for a prefix that holds for longer takes the address away in
/// two hours, and not at once.
#[test]
fn an_address_is_not_taken_away_at_once() {
    let mut lan = lan();
    lan.forge(Forgery::Router(claim(64, 86_400)), Duration::from_secs(1), 1);
    run_for(&mut lan, Duration::from_secs(10));
    let addresses = formed(&lan);
    assert!(addresses > 0);
    lan.forge(Forgery::Router(claim(64, 0)), Duration::from_secs(1), 10);
    run_for(&mut lan, Duration::from_mins(119));
    assert_eq!(formed(&lan), addresses);
    run_for(&mut lan, Duration::from_mins(2));
    assert_eq!(formed(&lan), 0);
}
