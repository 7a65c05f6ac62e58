//! A DHCP server that nobody has set up.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use rstest::rstest;
use tickwire_core::{Acd, AddressSettings, Dhcpv4Config, DropReason, InterfaceConfig};
use tickwire_sim::node::Machine;
use tickwire_sim::node::adversary::{RogueDhcp, RogueDhcpConfig, RogueDhcpCounters};
use tickwire_sim::topology::v4;
use tickwire_sim::{Ended, Host};

use super::{ADVERSARY, Lan, host, lan_of};

const CONFIG: RogueDhcpConfig = RogueDhcpConfig {
    hardware: ADVERSARY,
    server: v4(0, 66),
    gives: v4(0, 77),
    lease_seconds: 3_600,
    refuses: false,
    sees: true,
    answers: 20,
};

/// A victim without an address asks for one. Returns what the server has done within five minutes.
fn asked(config: RogueDhcpConfig) -> (Lan, RogueDhcpCounters) {
    let mut victim = Host::new("victim", 1, &[]);
    let settings = AddressSettings { acd: Acd::Fast, ..AddressSettings::default() };
    victim.interfaces[0] = InterfaceConfig { address_settings: Some(settings), ..victim.interfaces[0].clone() };
    let mut lan = lan_of(victim, host("peer", 2));
    let rogue = lan.attack(RogueDhcp::new(config));
    lan.world.with_stack(lan.victim, |stack, now| {
        let interface = stack.interfaces().next().unwrap().id;
        stack.dhcpv4_start(now, interface, Dhcpv4Config::default()).unwrap();
    });
    let until = lan.world.now() + Duration::from_mins(5);
    assert_eq!(lan.world.run_until(until), Ended::TimeLimit);
    assert_eq!(lan.world.failures(), []);
    let Some(Machine::RogueDhcp(rogue)) = lan.world.node(rogue) else { panic!("no server") };
    let counters = *rogue.counters();
    (lan, counters)
}

/// The addresses that the victim was given; a link-local one it has given itself (RFC 3927).
fn given(lan: &Lan) -> Vec<Ipv4Addr> {
    let interface = lan.world.stack(lan.victim).interfaces().next().unwrap();
    let addresses = interface.addresses.iter().filter_map(|own| match own.address {
        IpAddr::V4(address) => Some(address).filter(|address| !address.is_link_local()),
        IpAddr::V6(_) => None,
    });
    addresses.collect()
}

/// RFC 2131 section 7: nothing tells a rogue server from another. Who sees the question is believed; who guesses
/// the transaction is not.
#[rstest]
#[case::it_sees_the_question(true)]
#[case::it_guesses(false)]
fn who_is_believed(#[case] sees: bool) {
    let (lan, counters) = asked(RogueDhcpConfig { sees, ..CONFIG });
    assert_eq!(given(&lan), if sees { vec![CONFIG.gives] } else { vec![] });
    assert_eq!(lan.dropped(lan.victim, DropReason::Dhcpv4NotOurs) > 0, !sees);
    assert!(counters.answered >= 2, "{counters:?}");
}

/// RFC 2131 section 3.1, step 5: the client checks that nobody has the address, and declines one that somebody has.
#[test]
fn an_address_of_another_is_declined() {
    let (lan, counters) = asked(RogueDhcpConfig { gives: v4(0, 2), ..CONFIG });
    assert_eq!(given(&lan), [Ipv4Addr::UNSPECIFIED; 0]);
    let declined = lan.counted(lan.victim, "dhcpv4.declined");
    assert!(declined >= 2 && counters.answered >= 2 * declined, "{declined} declined, {counters:?}");
}

/// RFC 2131 section 3.1, step 4: a refusal begins everything anew, and not in a storm.
#[test]
fn a_refusal_begins_everything_anew() {
    let (lan, counters) = asked(RogueDhcpConfig { refuses: true, ..CONFIG });
    assert_eq!(given(&lan), [Ipv4Addr::UNSPECIFIED; 0]);
    assert!(lan.counted(lan.victim, "dhcpv4.refused") >= 2, "{counters:?}");
    let sent = lan.counted(lan.victim, "dhcpv4.sent");
    assert!(sent < 100, "{sent} messages in five minutes");
}
