//! Renewing, rebinding, and the end of a lease (RFC 2131 section 4.4.5).

use core::time::Duration;
use rstest::rstest;

use super::*;
use crate::error::SocketError;
use crate::wire::arp::ArpOperation;
use crate::wire::dhcpv4::Dhcpv4Kind::{Ack, Offer};
use crate::{Acd, DropReason, Instant, UdpOptions};

/// T1, T2 and the end of the lease.
fn times(host: &Host) -> [Option<Instant>; 3] {
    let lease = host.rig.stack.dhcpv4(host.rig.interface).unwrap().lease.unwrap();
    [lease.renew_at, lease.rebind_at, lease.expires_at]
}

/// The seconds from the acknowledgment to T1, T2 and the end; the request left half a second before now.
fn seconds(host: &Host) -> [f64; 3] {
    let start = host.rig.now - Duration::from_millis(500);
    times(host).map(|at| at.unwrap().since(start).as_secs_f64())
}

/// The server's hardware address is told, for as long as the neighbor cache keeps it.
fn introduce_server(host: &mut Host) {
    let reply = arp(ArpOperation::Reply, PEER_MAC, SERVER, OUR_MAC, LEASED, OUR_MAC);
    let _ = host.rig.receive(&reply);
}

#[test]
fn t1_is_half_and_t2_seven_eighths_or_a_little_earlier() {
    let host = Host::bound();
    let [t1, t2, end] = seconds(&host);
    assert!((1800.0 * 15.0 / 16.0..=1800.0).contains(&t1), "{t1}");
    assert!((3150.0 - 1350.0 / 16.0..=3150.0).contains(&t2), "{t2}");
    assert!((end - 3600.0).abs() < 1e-9, "{end}");
}

#[rstest]
#[case::named(600, 900, 600.0, 900.0)]
#[case::t1_after_t2(900, 600, 1800.0, 3150.0)]
#[case::t2_after_the_end(600, 3600, 1800.0, 3150.0)]
#[case::t1_at_once(0, 900, 1800.0, 3150.0)]
#[case::far_beyond(u32::MAX, u32::MAX, 1800.0, 3150.0)]
fn times_that_the_server_names(#[case] t1: u32, #[case] t2: u32, #[case] after_t1: f64, #[case] after_t2: f64) {
    let (t1, t2) = (t1.to_be_bytes(), t2.to_be_bytes());
    let host = Host::bound_with(&[&USUAL[..], &[(58, &t1), (59, &t2)]].concat());
    let [t1, t2, _] = seconds(&host);
    assert!(t1 <= after_t1 && t1 >= after_t1 * 15.0 / 16.0, "{t1}");
    assert!(t2 <= after_t2 && t2 >= after_t2 - (after_t2 - after_t1) / 16.0, "{t2}");
}

#[test]
fn a_lease_for_ever_is_never_renewed() {
    let mut host = Host::bound_with(&[&USUAL[..2], &[(51, &[0xff; 4])]].concat());
    assert_eq!(times(&host), [None; 3]);
    assert_eq!(host.during(Duration::from_hours(24 * 365)).len(), 0);
    assert!(host.has_address());
}

/// Section 4.4.5 and table 4: to the server alone, from our address, which stands in ciaddr; no server
/// identifier, no requested address.
#[test]
fn at_t1_the_server_is_asked() {
    let mut host = Host::bound();
    let [t1, _, old_end] = times(&host).map(Option::unwrap);
    // The announcements of the address are over long before.
    host.during(t1.since(host.rig.now) / 2);
    host.rig.run_to(t1);
    assert_eq!(host.state(), Dhcpv4State::Renewing);
    // The server was no neighbor any more: the request waits for ARP, and leaves with the answer.
    assert_eq!(host.sent().len(), 0);
    let reply = arp(ArpOperation::Reply, PEER_MAC, SERVER, OUR_MAC, LEASED, OUR_MAC);
    assert_eq!(host.rig.receive(&reply), Verdict::Accepted);
    let frame = host.rig.clone().frames().remove(0);
    assert_eq!(stations(&frame), (PEER_MAC, OUR_MAC));
    assert_eq!(host.sent_one(), "192.0.2.50:68 > 192.0.2.1:67 dhcp request ciaddr 192.0.2.50");
    assert_eq!(host.answer(Ack, LEASED, &USUAL), Verdict::Accepted);
    assert_eq!(host.state(), Dhcpv4State::Bound);
    assert!(times(&host)[2] == Some(t1 + Duration::from_hours(1)) && old_end < t1 + Duration::from_hours(1));
    assert!(host.has_address());
    assert_eq!(host.rig.counter("dhcpv4.acknowledged"), 2);
}

/// Each request has a number of its own, and the lease counts from the one that was answered.
#[test]
fn a_renewed_lease_counts_from_the_request_that_was_answered() {
    let mut host = Host::bound();
    let [t1, t2, _] = times(&host).map(Option::unwrap);
    // The announcements of the address are over long before.
    host.during(t1.since(host.rig.now) / 2);
    host.rig.run_to(t1);
    host.sent();
    introduce_server(&mut host);
    let again = host.rig.stack.dhcpv4(host.rig.interface).unwrap().retransmit_at.unwrap();
    // Half of the time until T2.
    assert_eq!(again, t1 + t2.since(t1) / 2);
    let sent = host.during(again.since(t1) + Duration::from_secs(2));
    introduce_server(&mut host);
    let sent = sent.last().cloned().map(|(_, sent)| sent).or_else(|| host.sent().pop()).unwrap();
    host.last = Some(sent.header);
    assert_eq!(host.answer(Ack, LEASED, &USUAL), Verdict::Accepted);
    assert_eq!(times(&host)[2], Some(again + Duration::from_hours(1)));
}

/// "one-half of the remaining time until T2 (in RENEWING state) and one-half of the remaining lease time
/// (in REBINDING state), down to a minimum of 60 seconds".
#[test]
fn nobody_extends_the_lease() {
    let mut host = Host::bound();
    let [t1, t2, end] = times(&host).map(Option::unwrap);
    let start = host.rig.now;
    let after = |at: Instant| at.since(start).as_secs_f64();
    // The server answers ARP, and nothing else.
    let mut sent = Vec::new();
    while host.rig.now < end - Duration::from_nanos(1) {
        let at = host.rig.stack.poll_timeout().unwrap().at.min(end - Duration::from_nanos(1));
        if at > host.rig.now {
            host.rig.now = at;
            host.rig.stack.handle_timeout(at);
        }
        let offset = after(host.rig.now);
        sent.extend(host.sent().into_iter().map(|sent| (offset, sent)));
        introduce_server(&mut host);
        sent.extend(host.sent().into_iter().map(|sent| (offset, sent)));
        host.rig.events();
    }
    assert_eq!(host.state(), Dhcpv4State::Rebinding);
    assert!(host.has_address(), "until the last nanosecond");
    let rebinding: Vec<_> = sent.iter().filter(|(at, _)| *at >= after(t2)).collect();
    assert!((rebinding[0].0 - after(t2)).abs() < 1e-9, "rebinding begins at T2: {rebinding:?}");
    let secs = rebinding[0].1.header.secs;
    assert_eq!(
        rebinding[0].1.line,
        alloc::format!("192.0.2.50:68 > 255.255.255.255:67 dhcp request secs {secs} ciaddr 192.0.2.50")
    );
    assert!((f64::from(secs) - (after(t2) - after(t1))).abs() <= 1.0, "since T1");
    let mut due = rebinding[0].0;
    for (at, _) in &rebinding {
        assert!((at - due).abs() < 1e-6, "{at} instead of {due}");
        due = at + ((after(end) - at) / 2.0).max(60.0);
    }
    assert!(due >= after(end));
}

#[test]
fn at_its_end_the_address_goes_and_all_begins_again() {
    let mut host = Host::bound();
    let udp = host.rig.stack.udp_bind(SocketAddr::new(LEASED.into(), 5000), UdpOptions::default()).unwrap();
    let [.., end] = times(&host);
    let sent = host.during(end.unwrap().since(host.rig.now));
    let last = &sent.last().unwrap().1;
    assert_eq!(last.line, "0.0.0.0:68 > 255.255.255.255:67 dhcp discover <rapid-commit>");
    assert_eq!(host.state(), Dhcpv4State::Selecting);
    assert_eq!((host.addresses().len(), host.routes().len()), (0, 0));
    assert_eq!(host.rig.counter("dhcpv4.expired"), 1);
    assert!(host.rig.stack.dhcpv4(host.rig.interface).unwrap().lease.is_none());
    assert_eq!(host.rig.udp_error(udp), Some(SocketError::AddressLost));
}

#[test]
fn connections_from_an_address_that_is_lost_end() {
    let mut host = Host::bound();
    let remote = SocketAddr::new(PEER_V4.into(), 7);
    let tcp = host.rig.stack.tcp_connect(host.rig.now, remote, crate::ConnectOptions::default()).unwrap();
    introduce_server(&mut host);
    host.rig.discard();
    host.rig.stack.dhcpv4_release(host.rig.now, host.rig.interface).unwrap();
    assert_eq!(host.rig.stack.tcp(tcp).unwrap().take_error(), Some(SocketError::AddressLost));
}

/// Whoever answers while rebinding is the server from then on.
#[test]
fn another_server_takes_over() {
    let mut host = Host::bound();
    let [_, t2, _] = times(&host);
    host.during(t2.unwrap().since(host.rig.now));
    assert_eq!(host.state(), Dhcpv4State::Rebinding);
    let others = [&[(54, &[192, 0, 2, 9][..])], &USUAL[1..]].concat();
    assert_eq!(host.answer(Ack, LEASED, &others), Verdict::Accepted);
    assert_eq!(host.state(), Dhcpv4State::Bound);
    let lease = host.rig.stack.dhcpv4(host.rig.interface).unwrap().lease.unwrap();
    assert_eq!(lease.server, Ipv4Addr::new(192, 0, 2, 9));
}

/// What a renewal says replaces what was said before.
#[test]
fn a_renewal_may_bring_other_routes() {
    let mut host = Host::bound();
    let [_, t2, _] = times(&host);
    host.during(t2.unwrap().since(host.rig.now));
    host.rig.events();
    let moved = [&USUAL[..3], &[(3, &[192, 0, 2, 3][..]), (6, &[192, 0, 2, 3][..])]].concat();
    assert_eq!(host.answer(Ack, LEASED, &moved), Verdict::Accepted);
    assert_eq!(host.routes(), ["0.0.0.0/0 via 192.0.2.3", "192.0.2.0/24"]);
    assert!(host.rig.events().contains(&crate::Event::Configuration(host.rig.interface)));
}

/// "silently discarded": nothing was asked.
#[test]
fn a_bound_client_takes_no_messages() {
    let mut host = Host::bound();
    for kind in [Offer, Ack, Dhcpv4Kind::Nak] {
        let options = [&USUAL[..], &[(80, &[])]].concat();
        assert_eq!(host.answer(kind, LEASED, &options), Verdict::Dropped(DropReason::Dhcpv4Unexpected));
    }
    assert!(host.has_address());
}

/// A host that was asleep learns of the end of its lease and of a question from before together: it does not answer for an
/// address that it has lost (section 4.4.5: "MUST immediately stop any other network processing").
#[test]
fn what_was_asked_before_the_end_is_not_answered_after_it() {
    let mut host = Host::bound();
    let [_, _, end] = times(&host).map(Option::unwrap);
    host.rig.now = end + Duration::from_secs(1);
    let nobody = EthernetAddress::UNSPECIFIED;
    let question = arp(ArpOperation::Request, PEER_MAC, PEER_V4, nobody, LEASED, EthernetAddress::BROADCAST);
    assert_eq!(host.rig.receive(&question), Verdict::Accepted);
    host.rig.stack.handle_timeout(host.rig.now);
    let is_from_it = |frame: &Vec<u8>| frame[12..14] == [8, 6] && frame[28..32] == LEASED.octets();
    assert!(!host.rig.frames().iter().any(is_from_it));
    assert!(host.rig.drops(DropReason::NeighborWithdrawn) >= 1);
}

/// An address is not used before it has been verified (RFC 5227 section 2.1), which takes 4 s at least: until then nobody is
/// asked to extend its lease, even if it is time.
#[test]
fn who_has_not_verified_the_address_asks_later() {
    let settings = AddressSettings { acd: Acd::Rfc5227, ..AddressSettings::default() };
    let mut host = Host { rig: Rig::bare(settings), last: None };
    host.start(Dhcpv4Config { link_local_after: None, ..Dhcpv4Config::default() });
    let short: Options<'_> = &[
        (54, &[192, 0, 2, 1]),
        (1, &[255, 255, 255, 0]),
        (51, &[0, 0, 0, 60]),
        (58, &[0, 0, 0, 1]),
        (59, &[0, 0, 0, 40]),
    ];
    assert_eq!(host.answer(Offer, LEASED, short), Verdict::Accepted);
    assert_eq!(host.sent().len(), 1);
    assert_eq!(host.answer(Ack, LEASED, short), Verdict::Accepted);
    let early = host.during(Duration::from_secs(4));
    assert!(early.is_empty() && !host.has_address(), "{early:?}");
    host.rig.pass(Duration::from_secs(4));
    assert!(host.has_address());
    assert_eq!(host.state(), Dhcpv4State::Renewing);
}
