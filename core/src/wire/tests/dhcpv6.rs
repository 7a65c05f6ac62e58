//! DHCPv6 messages, written by hand from the drawings of RFC 8415.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv6Addr, SocketAddr};

use proptest::prelude::*;
use rstest::rstest;

use crate::error::DropReason;
use crate::tests::rig::udp_packet;
use crate::wire::dhcpv6::{
    Authentication, Dhcpv6Message, Dhcpv6Option, Dhcpv6Options, IaAddress, IaPrefix, IdentityAssociation, List,
    MessageType, Status, code,
};
use crate::wire::notation::Notation;

/// A Reply with an address, a delegated prefix, a name server and a domain.
pub(super) fn reply() -> Vec<u8> {
    let mut bytes = Vec::from([7, 0x12, 0x34, 0x56]);
    bytes.extend([0, 1, 0, 10, 0, 3, 0, 1, 2, 0, 0, 0, 0, 2]); // client: DUID-LL of 02:00:00:00:00:02
    bytes.extend([0, 2, 0, 6, 0, 2, 0, 0, 0, 9]); // server: DUID-EN
    bytes.extend([0, 3, 0, 40, 0, 0, 0, 2, 0, 0, 0, 50, 0, 0, 0, 80]); // IA_NA 2, T1 50, T2 80
    bytes.extend([0, 5, 0, 24, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 100, 0, 0, 0, 200]);
    bytes.extend([0, 25, 0, 41, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0]); // IA_PD 2, T1 and T2 the client's choice
    bytes.extend([0, 26, 0, 25, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 56]);
    bytes.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    bytes.extend([0, 13, 0, 4, 0, 0, b'o', b'k']);
    bytes.extend([0, 23, 0, 16, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x53]);
    bytes.extend([0, 24, 0, 5, 3, b'l', b'a', b'n', 0]);
    bytes.extend([0, 82, 0, 4, 0, 0, 0, 60]);
    bytes
}

fn line(message: &[u8]) -> String {
    let address = IpAddr::V6(Ipv6Addr::LOCALHOST);
    let packet = udp_packet(SocketAddr::new(address, 547), SocketAddr::new(address, 546), message);
    Notation::default().packet(&packet).to_string()
}

#[test]
fn a_reply_is_read() {
    let bytes = reply();
    let message = Dhcpv6Message::parse(&bytes).unwrap();
    assert_eq!((message.kind, message.transaction), (MessageType::Reply, 0x12_3456));
    assert_eq!(message.options.client_id().unwrap(), [0, 3, 0, 1, 2, 0, 0, 0, 0, 2]);
    assert_eq!(message.options.server_id().unwrap(), [0, 2, 0, 0, 0, 9]);
    assert_eq!(message.options.status(), Status::SUCCESS);
    insta::assert_snapshot!(line(&bytes), @"dhcp6 reply xid 123456 <client 00030001020000000002, server 000200000009, ia-na 00000002 t1 50s t2 80s <addr 2001:db8::7 pref 100s valid 200s>, ia-pd 00000002 t1 0 t2 0 <prefix 2001:db8:0:ff00::/56 pref forever valid forever>, status Success \"ok\", dns 2001:db8::53, domains 036c616e00, sol-max-rt 60s>");
}

/// All that a message can hold, emitted and read again.
#[test]
fn every_option_round_trips() {
    let mut status = Vec::new();
    Dhcpv6Option::Status { status: Status::NO_ADDRS_AVAIL, message: b"none \"left\"" }.emit(&mut status);
    let options = Dhcpv6Options::parse(&status).unwrap();
    let address = IaAddress { address: Ipv6Addr::LOCALHOST, preferred: 1, valid: u32::MAX, options };
    let prefix = IaPrefix { prefix: Ipv6Addr::UNSPECIFIED, prefix_len: 60, preferred: 0, valid: 0, options };
    let (mut addresses, mut prefixes) = (Vec::new(), Vec::new());
    Dhcpv6Option::IaAddress(address).emit(&mut addresses);
    Dhcpv6Option::IaPrefix(prefix).emit(&mut prefixes);
    let association =
        |bytes| IdentityAssociation { iaid: 7, t1: 8, t2: 9, options: Dhcpv6Options::parse(bytes).unwrap() };
    let authentication = Authentication { protocol: 3, algorithm: 1, rdm: 0, replay: 1 << 60, information: &[2, 0xab] };
    let all = [
        Dhcpv6Option::ClientId(&[0, 4, 1]),
        Dhcpv6Option::ServerId(&[0, 3, 2]),
        Dhcpv6Option::IaNa(association(&addresses)),
        Dhcpv6Option::IaPd(association(&prefixes)),
        Dhcpv6Option::OptionRequest(List::parse(&[0, 23, 0, 82, 1, 0]).unwrap()),
        Dhcpv6Option::Preference(255),
        Dhcpv6Option::ElapsedTime(0xffff),
        Dhcpv6Option::Authentication(authentication),
        Dhcpv6Option::ServerUnicast(Ipv6Addr::LOCALHOST),
        Dhcpv6Option::RapidCommit,
        Dhcpv6Option::ReconfigureMessage(5),
        Dhcpv6Option::ReconfigureMessage(77),
        Dhcpv6Option::ReconfigureAccept,
        Dhcpv6Option::DnsServers(List::parse(&[0; 32]).unwrap()),
        Dhcpv6Option::DomainList(&[1, b'x', 0]),
        Dhcpv6Option::InformationRefreshTime(86_400),
        Dhcpv6Option::SolMaxRt(60),
        Dhcpv6Option::InfMaxRt(u32::MAX),
        Dhcpv6Option::Other { code: 999, data: &[1, 2] },
        Dhcpv6Option::Malformed { code: code::RAPID_COMMIT, data: &[1] },
    ];
    let mut bytes = Vec::new();
    Dhcpv6Message::emit_header(MessageType::Solicit, 0xff00_0001, &mut bytes);
    for option in &all {
        option.emit(&mut bytes);
    }
    let message = Dhcpv6Message::parse(&bytes).unwrap();
    assert_eq!((message.kind, message.transaction), (MessageType::Solicit, 1));
    assert_eq!(message.options.iter().collect::<Vec<_>>(), all);
    insta::assert_snapshot!(line(&bytes), @r#"dhcp6 solicit xid 000001 <client 000401, server 000302, ia-na 00000007 t1 8s t2 9s <addr ::1 pref 1s valid forever <status NoAddrsAvail "none \"left\"">>, ia-pd 00000007 t1 8s t2 9s <prefix ::/60 pref 0 valid 0 <status NoAddrsAvail "none \"left\"">>, oro dns sol-max-rt 256, preference 255, elapsed 655350ms, auth 3/1 rdm 0 replay 1152921504606846976 02ab, unicast ::1, rapid-commit, reconfigure renew, reconfigure 77, reconfigure-accept, dns :: ::, domains 017800, refresh 86400s, sol-max-rt 60s, inf-max-rt forever, option 999 (2), malformed 14 (1)>"#);
}

#[test]
fn an_option_that_does_not_fit_is_left_out() {
    let long = alloc::vec![0; 65_536];
    let mut out = Vec::new();
    Dhcpv6Option::DomainList(&long).emit(&mut out);
    Dhcpv6Option::Status { status: Status::SUCCESS, message: &long[2..] }.emit(&mut out);
    assert_eq!(out, []);
}

/// Cut anywhere but between two options, the whole is refused.
#[test]
fn every_truncation() {
    let bytes = reply();
    let borders = [4, 18, 28, 72, 117, 125, 145, 154, 162];
    assert_eq!(bytes.len(), 162);
    for len in 0..bytes.len() {
        let outcome = Dhcpv6Message::parse(&bytes[..len]).map(|_| ());
        let expected = if borders.contains(&len) { Ok(()) } else { Err(DropReason::Dhcpv6Truncated) };
        assert_eq!(outcome, expected, "{len} bytes");
    }
}

#[rstest]
#[case::zero(0)]
#[case::relay_forward(12)]
#[case::relay_reply(13)]
#[case::unknown(255)]
fn types_that_no_client_takes(#[case] kind: u8) {
    assert_eq!(Dhcpv6Message::parse(&[kind, 0, 0, 1]).err(), Some(DropReason::Dhcpv6Type));
}

/// Lengths that no section allows, the last beyond what one allows too: one such option is not there,
/// and the next one is.
#[rstest]
#[case::client_of_nothing(code::CLIENT_ID, 2)]
#[case::client_too_long(code::CLIENT_ID, 131)]
#[case::server_of_nothing(code::SERVER_ID, 0)]
#[case::association_short(code::IA_NA, 11)]
#[case::association_with_half_an_option(code::IA_NA, 15)]
#[case::delegation_short(code::IA_PD, 11)]
#[case::address_short(code::IA_ADDRESS, 23)]
#[case::address_with_half_an_option(code::IA_ADDRESS, 25)]
#[case::prefix_short(code::IA_PREFIX, 24)]
#[case::prefix_with_half_an_option(code::IA_PREFIX, 27)]
#[case::request_odd(code::OPTION_REQUEST, 3)]
#[case::preference_empty(code::PREFERENCE, 0)]
#[case::preference_long(code::PREFERENCE, 2)]
#[case::elapsed_short(code::ELAPSED_TIME, 1)]
#[case::elapsed_long(code::ELAPSED_TIME, 3)]
#[case::authentication_short(code::AUTHENTICATION, 10)]
#[case::unicast_short(code::SERVER_UNICAST, 15)]
#[case::unicast_long(code::SERVER_UNICAST, 17)]
#[case::status_short(code::STATUS, 1)]
#[case::rapid_commit_long(code::RAPID_COMMIT, 1)]
#[case::reconfigure_empty(code::RECONFIGURE_MESSAGE, 0)]
#[case::reconfigure_long(code::RECONFIGURE_MESSAGE, 2)]
#[case::accept_long(code::RECONFIGURE_ACCEPT, 1)]
#[case::dns_empty(code::DNS_SERVERS, 0)]
#[case::dns_and_a_half(code::DNS_SERVERS, 24)]
#[case::refresh_short(code::INFORMATION_REFRESH_TIME, 3)]
#[case::sol_max_rt_long(code::SOL_MAX_RT, 5)]
#[case::inf_max_rt_short(code::INF_MAX_RT, 3)]
fn every_lie_about_a_length(#[case] code: u16, #[case] len: usize) {
    let mut bytes = Vec::from([7, 0, 0, 1]);
    bytes.extend(code.to_be_bytes());
    bytes.extend((len as u16).to_be_bytes());
    bytes.extend(core::iter::repeat_n(0, len));
    bytes.extend([0, 7, 0, 1, 9]);
    let message = Dhcpv6Message::parse(&bytes).unwrap();
    let options: Vec<_> = message.options.iter().collect();
    let data = &bytes[8..8 + len];
    assert_eq!(options, [Dhcpv6Option::Malformed { code, data }, Dhcpv6Option::Preference(9)]);
    assert!(line(&bytes).contains("malformed"));
}

#[test]
fn a_prefix_longer_than_an_address_is_none() {
    let mut data = [0; 25];
    data[8] = 129;
    assert!(matches!(Dhcpv6Option::parse(code::IA_PREFIX, &data), Dhcpv6Option::Malformed { .. }));
    data[8] = 128;
    assert!(matches!(Dhcpv6Option::parse(code::IA_PREFIX, &data), Dhcpv6Option::IaPrefix(_)));
}

proptest! {
    /// What can be read is emitted to the same bytes again.
    #[test]
    fn arbitrary_messages_round_trip(mut bytes in proptest::collection::vec(0..40u8, 0..200), at in 0..162usize, byte in any::<u8>()) {
        let mut damaged = reply();
        damaged[at] = byte;
        if let Some(first) = bytes.first_mut() {
            *first = *first % 11 + 1;
        }
        for bytes in [bytes, damaged] {
            if let Ok(message) = Dhcpv6Message::parse(&bytes) {
                let mut again = Vec::new();
                Dhcpv6Message::emit_header(message.kind, message.transaction, &mut again);
                message.options.iter().for_each(|option| option.emit(&mut again));
                prop_assert_eq!(&again, &bytes);
                prop_assert!(!line(&bytes).is_empty());
            }
        }
    }
}
