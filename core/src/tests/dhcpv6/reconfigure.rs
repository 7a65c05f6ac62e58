//! Reconfigure, authenticated or refused (RFC 8415 sections 16.11, 18.2.11, 20.3, 20.4).

use alloc::vec::Vec;
use rstest::rstest;

use super::rig::*;
use crate::autoconf::dhcpv6::Dhcpv6State;
use crate::tests::rig::{PEER_MAC, ethernet, socket, udp_packet};
use crate::wire::dhcpv6::{Authentication, Dhcpv6Option, MessageType};
use crate::wire::ethernet::EthernetAddress;
use crate::{DropReason, Verdict};

const REFUSED: Verdict = Verdict::Dropped(DropReason::Dhcpv6Reconfigure);

fn authentication(replay: u64, kind: u8, value: [u8; 16]) -> Vec<u8> {
    let mut information = Vec::from([kind]);
    information.extend(value);
    emitted(Dhcpv6Option::Authentication(Authentication {
        protocol: 3,
        algorithm: 1,
        rdm: 0,
        replay,
        information: &information,
    }))
}

/// A client whose server has given it the key `0b 0b ..` and the replay counter 10.
fn keyed() -> Client {
    let mut client = Client::new(ADDRESSES);
    client.pass(seconds(1));
    client.advertise(&ONE, Some(255), &lease(LEASED, 60, 100));
    client.sent();
    let key = [emitted(Dhcpv6Option::ReconfigureAccept), authentication(10, 1, [0x0b; 16])].concat();
    client.reply(&ONE, &[lease(LEASED, 60, 100), key].concat());
    client
}

/// A Reconfigure of `ONE`, its digest as given.
fn reconfigure(kind: u8, replay: u64, digest: [u8; 16]) -> Vec<u8> {
    let mut bytes = message(
        MessageType::Reconfigure,
        0,
        &[Dhcpv6Option::ClientId(&CLIENT), Dhcpv6Option::ServerId(&ONE), Dhcpv6Option::ReconfigureMessage(kind)],
    );
    bytes.extend(authentication(replay, 2, digest));
    bytes
}

/// HMAC-MD5 with the key `0b 0b ..` of `reconfigure(kind, 11, [0; 16])`, worked out apart from the code.
fn digest(kind: u8) -> [u8; 16] {
    match kind {
        5 => DIGEST_RENEW,
        6 => DIGEST_REBIND,
        11 => DIGEST_INFORM,
        _ => DIGEST_SOLICIT,
    }
    .to_be_bytes()
}
const DIGEST_RENEW: u128 = 0x90e6_3954_4ed3_70e9_777c_c386_c948_fcda;
const DIGEST_REBIND: u128 = 0x4ba6_d396_944e_2068_e9d2_4043_2ffb_1610;
const DIGEST_INFORM: u128 = 0x3ef8_00ab_d742_af74_cfc0_7760_548f_1422;
const DIGEST_SOLICIT: u128 = 0x69c9_9bbd_6e29_5fed_15bb_25b3_878f_8276;

#[rstest]
#[case::renew(5, Dhcpv6State::Renewing, "dhcp6 renew")]
#[case::rebind(6, Dhcpv6State::Rebinding, "dhcp6 rebind")]
fn the_server_may_ask(#[case] kind: u8, #[case] state: Dhcpv6State, #[case] line: &str) {
    let mut client = keyed();
    assert_eq!(client.receive_bytes(&reconfigure(kind, 11, digest(kind))), Verdict::Accepted);
    assert_eq!(client.info().state, state);
    assert!(client.sent().contains(line));
    client.reply(&ONE, &lease(LEASED, 60, 100));
    assert_eq!(client.info().state, Dhcpv6State::Bound);
    // Section 20.3: the same counter again.
    assert_eq!(client.receive_bytes(&reconfigure(kind, 11, digest(kind))), REFUSED);
}

/// Section 18.2.6: the Information-request names the server, after up to a second.
#[test]
fn the_server_may_ask_for_an_information_request() {
    let mut client = keyed();
    assert_eq!(client.receive_bytes(&reconfigure(11, 11, digest(11))), Verdict::Accepted);
    insta::assert_snapshot!(client.pass(seconds(1)), @"+715ms > [fe80::2]:546 > [ff02::1:2]:547 dhcp6 information-request xid a0a112 <client 00030001020000000002, server 00020001, elapsed 0ms, reconfigure-accept, oro dns domains refresh inf-max-rt>");
    client.reply(&ONE, &name_servers(1));
    assert_eq!(client.info().state, Dhcpv6State::Bound);
    assert!(client.pass(seconds(50)).contains("dhcp6 renew"), "T1 has not moved");
}

/// Section 18.2.11: "While the transaction is in progress, the client discards any Reconfigure messages".
#[test]
fn not_while_an_exchange_goes_on() {
    let mut client = keyed();
    client.pass(seconds(51));
    let unexpected = Verdict::Dropped(DropReason::Dhcpv6Unexpected);
    assert_eq!(client.receive_bytes(&reconfigure(5, 11, digest(5))), unexpected);
}

#[test]
fn what_is_refused() {
    let mut client = keyed();
    let mut wrong = digest(5);
    wrong[15] ^= 1;
    assert_eq!(client.receive_bytes(&reconfigure(5, 11, wrong)), REFUSED, "another digest");
    assert_eq!(client.receive_bytes(&reconfigure(5, 10, digest(5))), REFUSED, "an old counter");
    assert_eq!(client.receive_bytes(&reconfigure(6, 11, digest(5))), REFUSED, "another question");
    assert_eq!(client.receive_bytes(&reconfigure(1, 11, digest(1))), REFUSED, "no such question");
    let bare = &reconfigure(5, 11, digest(5));
    assert_eq!(client.receive_bytes(&bare[..bare.len() - 32]), REFUSED, "no authentication");
    let group: core::net::Ipv6Addr = "ff02::1".parse().unwrap();
    let packet = udp_packet(socket("[fe80::1]:547"), socket("[ff02::1]:546"), bare);
    let frame = ethernet(EthernetAddress::multicast_v6(group), PEER_MAC, &packet);
    assert_eq!(client.rig.receive(&frame), REFUSED, "section 16.11: not unicast");
    assert_eq!(client.info().state, Dhcpv6State::Bound);
    assert_eq!(client.rig.drops(DropReason::Dhcpv6Reconfigure), 6);
}

#[test]
fn without_a_key_all_are_refused() {
    let mut client = Client::bound(ADDRESSES);
    assert_eq!(client.receive_bytes(&reconfigure(5, 11, digest(5))), REFUSED);
    assert_eq!(client.sent(), "");
}
