//! Configuration without leases (RFC 8415 sections 18.2.6, 21.23, 21.25).

use alloc::string::ToString as _;
use alloc::vec::Vec;
use rstest::rstest;

use super::rig::*;
use crate::autoconf::dhcpv6::{Dhcpv6Request, Dhcpv6State};
use crate::wire::dhcpv6::{Dhcpv6Option, INFINITY};
use crate::{Event, Verdict};

const NOTHING: Dhcpv6Request = Dhcpv6Request { addresses: false, prefixes: None };

#[test]
fn information_only() {
    let mut client = Client::new(NOTHING);
    assert_eq!(client.info().state, Dhcpv6State::Informing);
    insta::assert_snapshot!(client.pass(seconds(1)), @"+864ms > [fe80::2]:546 > [ff02::1:2]:547 dhcp6 information-request xid e1cc74 <client 00030001020000000002, elapsed 0ms, reconfigure-accept, oro dns domains refresh inf-max-rt>");
    assert_eq!(client.hear_reply(&ONE, &name_servers(1)), Verdict::Accepted);
    assert_eq!((client.info().state, client.info().dns_servers), (Dhcpv6State::Informed, [NAME_SERVER].into()));
    assert!(client.rig.events().contains(&Event::Configuration(client.rig.interface)));
}

/// Section 21.23: `IRT_DEFAULT` without the option, at least `IRT_MINIMUM`, and never for infinity.
#[rstest]
#[case::absent(None, Some(86_400))]
#[case::short(Some(60), Some(600))]
#[case::told(Some(7200), Some(7200))]
#[case::never(Some(INFINITY), None)]
fn refreshed(#[case] told: Option<u32>, #[case] after: Option<u64>) {
    let mut client = Client::new(NOTHING);
    client.pass(seconds(1));
    let refresh = told.map(|told| emitted(Dhcpv6Option::InformationRefreshTime(told))).unwrap_or_default();
    client.reply(&ONE, &[name_servers(1), refresh].concat());
    assert_eq!(client.info().refresh_at, after.map(|after| client.rig.now + seconds(after)));
    let Some(after) = after else { return assert_eq!(client.pass(seconds(1_000_000)), "") };
    assert_eq!(client.pass(seconds(after)), "", "the first message waits for up to a second");
    let lines = client.pass(seconds(1));
    assert!(lines.contains("dhcp6 information-request"), "{lines}");
    client.rig.events();
    // What is not told any more is not so any more.
    client.reply(&ONE, &[]);
    assert!(client.info().dns_servers.is_empty());
    assert!(client.rig.events().contains(&Event::Configuration(client.rig.interface)));
}

/// A name server of the same address is no news.
#[test]
fn the_same_again_is_no_event() {
    let mut client = Client::new(NOTHING);
    client.pass(seconds(1));
    client.reply(&ONE, &name_servers(2));
    client.pass(seconds(86_401));
    client.rig.events();
    client.reply(&ONE, &name_servers(2));
    assert_eq!(client.rig.events(), []);
}

/// What cannot be read, or would be no host's name, ends the list.
#[rstest]
#[case::two(b"\x01a\x01b\0\x01c\0", &["a.b", "c"])]
#[case::root(b"\x01c\0\0\x01d\0", &["c"])]
#[case::strange(b"\x01c\0\x02a\n\0\x01d\0", &["c"])]
#[case::pointer(b"\x01c\0\xc0\x00", &["c"])]
#[case::label_cut(b"\x01c\0\x05ab", &["c"])]
#[case::no_end(b"\x01c\0\x01a", &["c"])]
#[case::empty(b"", &[])]
fn domains(#[case] names: &[u8], #[case] expected: &[&str]) {
    let mut client = Client::new(NOTHING);
    client.pass(seconds(1));
    client.reply(&ONE, &emitted(Dhcpv6Option::DomainList(names)));
    let domains: Vec<_> = client.info().domains.iter().map(|name| name.as_str().to_string()).collect();
    assert_eq!(domains, expected);
}

/// A router's O flag is followed by its M flag.
#[test]
fn leases_are_wanted_after_all() {
    let mut client = Client::new(NOTHING);
    client.pass(seconds(1));
    client.reply(&ONE, &name_servers(1));
    client.rig.stack.dhcpv6_start(client.rig.now, client.rig.interface, ADDRESSES).unwrap();
    assert!(client.pass(seconds(1)).contains("dhcp6 solicit"));
}
