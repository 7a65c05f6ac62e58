//! Default address selection (RFC 6724). The cases are those of its section 10, and one per rule.

use alloc::vec::Vec;
use core::net::IpAddr;
use rstest::rstest;

use super::rig::*;
use crate::error::PolicyError;
use crate::stack::NewAddress;
use crate::{
    AddressOrigin, AddressPolicy, AddressSettings, Config, ConnectOptions, InterfaceConfig, Limits, Route, Seed, Stack,
};

/// A rig with these addresses, and a way to everywhere. In a name, `d:` is a deprecated address and `t:`
/// a temporary one.
fn rig(own: &[&str], config: Config) -> Rig {
    let mut rig = Rig::new();
    rig.stack = Stack::new(config, Seed([7; 32]));
    let capabilities = crate::Capabilities::plain(1500);
    let config = InterfaceConfig::new(OUR_MAC, capabilities, []);
    let config = InterfaceConfig { address_settings: Some(AddressSettings::UNVERIFIED), ..config };
    rig.interface = rig.stack.add_interface(rig.now, config).unwrap();
    for text in own {
        let (kind, address) =
            text.split_at_checked(2).filter(|(kind, _)| ["d:", "t:"].contains(kind)).unwrap_or(("", text));
        let address: IpAddr = address.parse().unwrap();
        let new = NewAddress {
            address,
            prefix_len: if address.is_ipv4() { 24 } else { 64 },
            origin: if kind == "t:" { AddressOrigin::Temporary } else { AddressOrigin::Static },
            preferred_until: (kind == "d:").then_some(rig.now),
            valid_until: None,
        };
        rig.stack.assign_address(rig.interface, new).unwrap();
    }
    for prefix in ["0.0.0.0", "::"] {
        let prefix = prefix.parse().unwrap();
        rig.stack.add_route(Route::on_link(prefix, 0, rig.interface)).unwrap();
    }
    rig.events();
    rig
}

fn source(rig: &mut Rig, dst: &str) -> IpAddr {
    let remote = core::net::SocketAddr::new(dst.parse().unwrap(), 7);
    let handle = rig.stack.tcp_connect(rig.now, remote, ConnectOptions::default()).unwrap();
    rig.stack.tcp(handle).unwrap().local().unwrap().ip()
}

#[rstest]
#[case::rule_2_scope("2001:db8:1::1", &["fe80::1", "2001:db8:3::1"], "2001:db8:3::1")]
#[case::rule_2_link_local("fe80::1", &["d:fe80::2", "2001:db8:1::1"], "fe80::2")]
#[case::rule_2_larger("fec0::1", &["fe80::2", "2001:db8:1::1"], "2001:db8:1::1")]
#[case::rule_3_deprecated("2001:db8:1::1", &["d:2001:db8:1::2", "2001:db8:2::2"], "2001:db8:2::2")]
#[case::rule_6_label("2002:c633:6401::1", &["2001:db8:1::2", "t:2002:c633:6401::d5e3:7953:13eb:22e8"], "2002:c633:6401::d5e3:7953:13eb:22e8")]
#[case::rule_7_temporary("2001:db8:1::d5e3:0:0:1", &["2001:db8:1::2", "t:2001:db8:1::d5e3:7953:13eb:22e8"], "2001:db8:1::d5e3:7953:13eb:22e8")]
#[case::rule_8_longest_prefix("2001:db8:1::1", &["2001:db8:3::2", "2001:db8:1::2"], "2001:db8:1::2")]
#[case::the_prefix_ends_at_64_bits("2001:db8:1::1:1", &["2001:db8:1::2", "2001:db8:1::1:2"], "2001:db8:1::2")]
#[case::the_first_of_equal_ones("2001:db8:9::1", &["2001:db8:1::2", "2001:db8:1::3"], "2001:db8:1::2")]
#[case::ipv4_scope("198.51.100.1", &["169.254.1.1", "203.0.113.2"], "203.0.113.2")]
#[case::ipv4_link_local("169.254.9.9", &["203.0.113.2", "169.254.1.1"], "169.254.1.1")]
#[case::ipv4_on_link("203.0.113.9", &["198.51.100.2", "203.0.113.2"], "203.0.113.2")]
#[case::ipv4_deprecated("198.51.100.9", &["d:198.51.100.2", "203.0.113.2"], "203.0.113.2")]
fn sources(#[case] dst: &str, #[case] own: &[&str], #[case] expected: IpAddr) {
    assert_eq!(source(&mut rig(own, Config::default()), dst), expected);
}

/// A multicast destination has the scope that its address names: section 3.1.
#[rstest]
#[case("ff02::fb", "fe80::2")]
#[case("ff05::1", "2001:db8:3::1")]
#[case("ff0e::1", "2001:db8:3::1")]
fn sources_for_groups(#[case] group: &str, #[case] expected: &str) {
    let mut rig = rig(&["2001:db8:3::1", "fe80::2"], Config::default());
    let handle = rig.udp_bind("[::]:5000");
    rig.udp_send(handle, b"hello", &alloc::format!("[{group}]:7")).unwrap();
    assert!(rig.sent().contains(&alloc::format!("[{expected}]:5000 >")));
}

#[test]
fn public_addresses_can_be_preferred() {
    let config = Config { prefer_temporary: false, ..Config::default() };
    let mut rig = rig(&["t:2001:db8:1::7", "2001:db8:1::2"], config);
    assert_eq!(source(&mut rig, "2001:db8:1::1"), "2001:db8:1::2".parse::<IpAddr>().unwrap());
}

fn sorted(rig: &Rig, destinations: &[&str]) -> Vec<IpAddr> {
    let mut addresses = addresses(destinations);
    rig.stack.sort_destinations(&mut addresses);
    addresses
}

fn addresses(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// The examples of section 10.2, each in both orders.
#[rstest]
#[case::scope(&["2001:db8:1::2", "fe80::1", "169.254.13.78"], &["2001:db8:1::1", "198.51.100.121"])]
#[case::scope_of_ipv4(&["fe80::1", "198.51.100.117"], &["198.51.100.121", "2001:db8:1::1"])]
#[case::precedence(&["2001:db8:1::2", "fe80::1", "10.1.2.4"], &["2001:db8:1::1", "10.1.2.3"])]
#[case::smaller_scope(&["2001:db8:1::2", "fe80::2"], &["fe80::1", "2001:db8:1::1"])]
#[case::deprecated(&["2001:db8:1::2", "d:fe80::2"], &["2001:db8:1::1", "fe80::1"])]
#[case::longest_prefix(&["2001:db8:1::2", "2001:db8:3f44::2", "fe80::2"], &["2001:db8:1::1", "2001:db8:3ffe::1"])]
#[case::label(&["2002:c633:6401::2", "fe80::2"], &["2002:c633:6401::1", "2001:db8:1::1"])]
#[case::precedence_of_6to4(&["2002:c633:6401::2", "2001:db8:1::2", "fe80::2"], &["2001:db8:1::1", "2002:c633:6401::1"])]
#[case::no_source(&["10.1.2.4"], &["10.1.2.3", "2001:db8:1::1"])]
fn destinations(#[case] own: &[&str], #[case] expected: &[&str]) {
    let rig = rig(own, Config::default());
    let reversed: Vec<&str> = expected.iter().rev().copied().collect();
    for given in [expected, &reversed] {
        assert_eq!(sorted(&rig, given), addresses(expected));
    }
}

/// Rule 10.
#[test]
fn equal_destinations_stay_in_their_order() {
    let rig = rig(&["10.1.2.4"], Config::default());
    for order in [["203.0.113.1", "203.0.113.2"], ["203.0.113.2", "203.0.113.1"]] {
        assert_eq!(sorted(&rig, &order), addresses(&order));
    }
}

/// Section 10.3: IPv4 before IPv6.
#[test]
fn the_policy_table_can_be_edited() {
    let mut rig = rig(&["2001:db8::2", "fe80::1", "10.1.2.4"], Config::default());
    assert_eq!(rig.stack.policies(), AddressPolicy::DEFAULT);
    let mut policies = AddressPolicy::DEFAULT;
    policies[2].precedence = 100;
    rig.stack.set_policies(&policies).unwrap();
    let expected = ["10.1.2.3", "2001:db8::1"];
    assert_eq!(sorted(&rig, &["2001:db8::1", "10.1.2.3"]), addresses(&expected));
}

/// Section 10.5: a site with a line of its own to another.
#[test]
fn a_label_of_ones_own() {
    let mut rig = rig(&["2001:db8:1aaa::a", "2001:db8:70aa::a", "fe80::a"], Config::default());
    let destinations = ["2001:db8:1bbb::b", "2001:db8:70bb::b"];
    assert_eq!(sorted(&rig, &destinations), addresses(&["2001:db8:70bb::b", "2001:db8:1bbb::b"]));
    let own =
        |prefix: &str| AddressPolicy { prefix: prefix.parse().unwrap(), prefix_len: 48, precedence: 43, label: 6 };
    let mut policies = AddressPolicy::DEFAULT.to_vec();
    policies.extend([own("2001:db8:1aaa::"), own("2001:db8:1bbb::")]);
    rig.stack.set_policies(&policies).unwrap();
    assert_eq!(sorted(&rig, &destinations), addresses(&destinations));
    assert_eq!(source(&mut rig, "2001:db8:1bbb::b"), "2001:db8:1aaa::a".parse::<IpAddr>().unwrap());
}

#[test]
fn policies_that_are_refused() {
    let config = Config { limits: Limits { address_policies: 9, ..Limits::default() }, ..Config::default() };
    let mut rig = rig(&[], config);
    let row = AddressPolicy { prefix: OUR_V6, prefix_len: 129, precedence: 1, label: 1 };
    assert_eq!(rig.stack.set_policies(&[row]), Err(PolicyError::BadPrefix));
    assert_eq!(rig.stack.set_policies(&[AddressPolicy { prefix_len: 128, ..row }; 10]), Err(PolicyError::LimitReached));
    assert_eq!(rig.stack.policies(), AddressPolicy::DEFAULT);
}
