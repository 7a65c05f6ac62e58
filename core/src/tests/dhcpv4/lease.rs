//! From the first message to a lease (RFC 2131 sections 3.1 and 4.4.1), the short way (RFC 4039), and
//! giving it back (section 4.4.6).

use core::net::Ipv4Addr;
use core::time::Duration;
use rstest::rstest;

use super::*;
use crate::error::Dhcpv4Error;
use crate::event::AddressChange;
use crate::wire::dhcpv4::Dhcpv4Kind::{Ack, Offer};
use crate::{DropReason, Event};

/// RFC 2131 tables 1 and 5; RFC 4361 section 6.1 for the identifier: type 255, IAID, DUID-LL.
#[test]
fn the_first_message_leaves_at_once() {
    let mut host = Host::new();
    host.rig.stack.dhcpv4_start(host.rig.now, host.rig.interface, Dhcpv4Config::default()).unwrap();
    let frames = host.rig.clone().frames();
    assert_eq!(frames.len(), 1);
    assert_eq!(stations(&frames[0]), (EthernetAddress::BROADCAST, OUR_MAC));
    let header = Dhcpv4Message::parse(&frames[0][42..]).unwrap().header();
    assert!(!header.broadcast && header.chaddr == OUR_MAC && header.giaddr.is_unspecified());
    let line = host.rig.sent().replace(&alloc::format!("{:08x}", header.xid), "X");
    insta::assert_snapshot!(line, @"> 0.0.0.0:68 > 255.255.255.255:67 dhcp discover xid X <client ff0000000200030001020000000002, max 1500, wants 1 121 3 33 6 15 119 26 42 51 58 59, rapid-commit>");
    assert_eq!(host.state(), Dhcpv4State::Selecting);
    assert_eq!(host.rig.counter("dhcpv4.sent"), 1);
}

#[test]
fn four_messages_to_a_lease() {
    let mut host = Host::started();
    let discover = host.last.unwrap();
    host.rig.now += Duration::from_millis(1500);
    assert_eq!(host.answer(Offer, LEASED, &USUAL), Verdict::Accepted);
    assert_eq!(host.state(), Dhcpv4State::Requesting);
    assert_eq!(host.addresses().len(), 0);
    assert_eq!(
        host.sent_one(),
        "0.0.0.0:68 > 255.255.255.255:67 dhcp request <requested 192.0.2.50, server 192.0.2.1>"
    );
    // Table 5 and section 3.1, 3: number and seconds are those of the offer's question.
    let request = host.last.unwrap();
    assert_eq!((request.xid, request.secs), (discover.xid, discover.secs));

    let asked = host.rig.now;
    host.rig.now += Duration::from_millis(10);
    host.rig.events();
    assert_eq!(host.answer(Ack, LEASED, &USUAL), Verdict::Accepted);
    assert_eq!(host.state(), Dhcpv4State::Bound);
    host.settle();
    assert_eq!(host.addresses(), ["192.0.2.50/24"]);
    assert_eq!(host.routes(), ["0.0.0.0/0 via 192.0.2.1", "192.0.2.0/24"]);
    let info = host.rig.stack.dhcpv4(host.rig.interface).unwrap();
    let lease = info.lease.unwrap();
    assert_eq!((lease.address, lease.prefix_len, lease.server, lease.usable), (LEASED, 24, SERVER, true));
    // Section 4.4.1: the lease counts from the request.
    assert_eq!(lease.expires_at, Some(asked + Duration::from_hours(1)));
    assert_eq!(info.settings.unwrap().routers, [SERVER]);
    assert_eq!(info.retransmit_at, None);
}

#[test]
fn the_application_is_told() {
    let mut host = Host::started();
    host.rig.events();
    let _ = host.answer(Offer, LEASED, &USUAL);
    host.sent();
    let _ = host.answer(Ack, LEASED, &USUAL);
    let mut events = host.rig.events();
    host.rig.discard();
    while let Some(wakeup) = host.rig.stack.poll_timeout().filter(|_| !host.has_address()) {
        host.rig.run_to(wakeup.at);
        host.rig.discard();
        events.extend(host.rig.events());
    }
    let interface = host.rig.interface;
    let change = AddressChange::Assigned;
    assert!(events.contains(&Event::Address { interface, address: LEASED.into(), change }), "{events:?}");
    assert!(events.contains(&Event::Configuration(interface)), "{events:?}");
}

/// RFC 2131 section 4.1: to the address that is given, to our station, before it is ours; or broadcast.
#[rstest]
#[case::to_our_station(OUR_MAC, LEASED)]
#[case::broadcast(EthernetAddress::BROADCAST, Ipv4Addr::BROADCAST)]
#[case::broadcast_to_our_station(OUR_MAC, Ipv4Addr::BROADCAST)]
fn answers_are_heard_without_an_address(#[case] station: EthernetAddress, #[case] dst: Ipv4Addr) {
    let mut host = Host::started();
    let offer = host.reply(Offer, LEASED, &USUAL);
    assert_eq!(host.deliver_to(&offer, station, dst), Verdict::Accepted);
    assert_eq!(host.state(), Dhcpv4State::Requesting);
}

#[rstest]
#[case::another_station(EthernetAddress([2, 0, 0, 0, 0, 9]), LEASED, DropReason::EthernetNotOurs)]
#[case::a_group(EthernetAddress::BROADCAST, LEASED, DropReason::Ipv4NotOurs)]
fn answers_to_others_are_not_heard(
    #[case] station: EthernetAddress,
    #[case] dst: Ipv4Addr,
    #[case] reason: DropReason,
) {
    let mut host = Host::started();
    let offer = host.reply(Offer, LEASED, &USUAL);
    assert_eq!(host.deliver_to(&offer, station, dst), Verdict::Dropped(reason));
}

/// Nothing but answers from a DHCP server comes to an address that is not ours.
#[test]
fn other_packets_to_an_address_not_yet_ours_are_refused() {
    let mut host = Host::started();
    let to = |port| SocketAddr::new(LEASED.into(), port);
    let packet = udp_packet(SocketAddr::new(SERVER.into(), 67), to(69), b"other port");
    assert_eq!(host.rig.receive_packet(&packet), Verdict::Dropped(DropReason::Ipv4NotOurs));
    let packet = tcp_packet(SocketAddr::new(SERVER.into(), 68), to(68), "< S 0:0(0) win 1000", b"");
    assert_eq!(host.rig.receive_packet(&packet), Verdict::Dropped(DropReason::Ipv4NotOurs));
    let mut damaged = udp_packet(SocketAddr::new(SERVER.into(), 67), to(68), &host.reply(Offer, LEASED, &USUAL));
    damaged[60] ^= 1;
    assert_eq!(host.rig.receive_packet(&damaged), Verdict::Dropped(DropReason::UdpChecksum));
    assert_eq!(host.sent().len(), 0);
}

/// RFC 4039 section 3.1: the acknowledgment comes at once, and says that it is one of these.
#[test]
fn two_messages_to_a_lease() {
    let mut host = Host::started();
    let options = [&USUAL[..], &[(80, &[])]].concat();
    assert_eq!(host.answer(Ack, LEASED, &options), Verdict::Accepted);
    host.settle();
    assert_eq!(host.state(), Dhcpv4State::Bound);
}

#[test]
fn an_acknowledgment_out_of_turn_is_discarded() {
    let mut host = Host::started();
    assert_eq!(host.answer(Ack, LEASED, &USUAL), Verdict::Dropped(DropReason::Dhcpv4Unexpected), "no rapid commit");
    let config = Dhcpv4Config { rapid_commit: false, ..Dhcpv4Config::default() };
    let mut host = Host::started_with(config);
    let options = [&USUAL[..], &[(80, &[])]].concat();
    assert_eq!(host.answer(Ack, LEASED, &options), Verdict::Dropped(DropReason::Dhcpv4Unexpected), "not offered");
}

#[test]
fn what_is_configured_is_sent() {
    let mut host = Host::new();
    let config = Dhcpv4Config {
        rapid_commit: false,
        host_name: Some("west".into()),
        requested_address: Some(LEASED),
        client_id: Some(Vec::from([0, b'x'])),
        ipv6_only_capable: true,
        ..Dhcpv4Config::default()
    };
    host.rig.stack.dhcpv4_start(host.rig.now, host.rig.interface, config).unwrap();
    let line = host.rig.sent();
    assert!(line.ends_with(
        "<client 0078, requested 192.0.2.50, host west, max 1500, wants 1 121 3 33 6 15 119 26 42 51 58 59 108>"
    ));
}

/// RFC 2131 section 4.4.1: "the DHCPOFFER message from the previously used server" may be waited for.
#[test]
fn the_former_server_is_preferred_where_it_is_waited_for() {
    let wait = Duration::from_secs(1);
    let config = Dhcpv4Config { former_server_wait: wait, ..Dhcpv4Config::default() };
    let mut host = Host::started_with(config.clone());
    assert_eq!(host.answer(Offer, LEASED, &USUAL), Verdict::Accepted);
    assert_eq!(host.sent().len(), 1, "no server is the former one: the first is taken");
    let _ = host.answer(Ack, LEASED, &USUAL);
    host.settle();
    host.rig.stack.dhcpv4_release(host.rig.now, host.rig.interface).unwrap();
    host.sent();

    let others = [&[(54, &[192, 0, 2, 9][..])], &USUAL[1..]].concat();
    let other = Ipv4Addr::new(192, 0, 2, 90);
    for former_answers in [true, false] {
        host.rig.stack.dhcpv4_start(host.rig.now, host.rig.interface, config.clone()).unwrap();
        host.sent();
        assert_eq!(host.answer(Offer, other, &others), Verdict::Accepted);
        assert_eq!(host.sent().len(), 0);
        if former_answers {
            let _ = host.answer(Offer, LEASED, &USUAL);
            assert!(host.sent_one().ends_with("<requested 192.0.2.50, server 192.0.2.1>"));
        } else {
            let sent = host.during(wait);
            assert!((sent[0].0 - 1.0).abs() < 1e-9 && sent[0].1.line.contains("requested 192.0.2.90"), "{sent:?}");
        }
        host.rig.stack.dhcpv4_release(host.rig.now, host.rig.interface).unwrap();
        host.sent();
    }
}

/// Section 4.4.6 and table 5: to the server that gave it, with our address, no other options. It goes to
/// the station that the lease came from: with the address, ARP has gone.
#[test]
fn a_lease_is_given_back() {
    let mut host = Host::bound();
    host.rig.stack.dhcpv4_release(host.rig.now, host.rig.interface).unwrap();
    let frame = host.rig.clone().frames().pop().unwrap();
    assert_eq!(stations(&frame), (PEER_MAC, OUR_MAC));
    let sent = host.sent_one();
    assert_eq!(sent, "192.0.2.50:68 > 192.0.2.1:67 dhcp release ciaddr 192.0.2.50 <server 192.0.2.1>");
    assert_eq!((host.addresses().len(), host.routes().len()), (0, 0));
    assert_eq!(host.state(), Dhcpv4State::Stopped);
    assert_eq!(host.during(Duration::from_hours(2)).len(), 0);
    let again = host.rig.stack.dhcpv4_release(host.rig.now, host.rig.interface);
    assert_eq!(again, Err(Dhcpv4Error::NotRunning));
}

#[test]
fn a_client_that_has_no_lease_stops_silently() {
    let mut host = Host::started();
    let _ = host.answer(Offer, LEASED, &USUAL);
    host.rig.stack.dhcpv4_release(host.rig.now, host.rig.interface).unwrap();
    assert_eq!(host.sent().len(), 0, "the request was not built, for nobody wants its answer");
    let late = host.reply(Ack, LEASED, &USUAL);
    assert_eq!(host.deliver(&late), Verdict::Dropped(DropReason::Ipv4NotOurs));
    assert_eq!(host.during(Duration::from_mins(5)).len(), 0);
}

#[test]
fn commands_that_cannot_be_followed_say_why() {
    let mut host = Host::new();
    let Rig { now, interface, .. } = host.rig;
    let nowhere = crate::InterfaceId(7);
    let config = Dhcpv4Config::default();
    assert_eq!(host.rig.stack.dhcpv4_release(now, interface), Err(Dhcpv4Error::NotRunning));
    assert_eq!(host.rig.stack.dhcpv4_inform(now, interface, config.clone()), Err(Dhcpv4Error::NoAddress));
    assert_eq!(host.rig.stack.dhcpv4_start(now, nowhere, config.clone()), Err(Dhcpv4Error::NoInterface));
    for bad in [
        Dhcpv4Config { host_name: Some("x".repeat(256)), ..config.clone() },
        Dhcpv4Config { client_id: Some(Vec::from([1])), ..config.clone() },
    ] {
        assert_eq!(host.rig.stack.dhcpv4_start(now, interface, bad), Err(Dhcpv4Error::BadConfig));
    }
    host.start(config.clone());
    assert_eq!(host.rig.stack.dhcpv4_start(now, interface, config), Err(Dhcpv4Error::Running));
}

/// A lease counts from the request that it answers (RFC 2131 section 4.4.1): of one of five seconds nothing is
/// left after five.
#[test]
fn a_lease_that_ended_on_its_way_is_none() {
    let five: [(u8, &[u8]); 2] = [(54, &[192, 0, 2, 1]), (51, &[0, 0, 0, 5])];
    for (late, verdict) in [(4_999, Verdict::Accepted), (5_000, Verdict::Dropped(DropReason::Dhcpv4Unusable))] {
        let mut host = Host::started();
        let _ = host.answer(Offer, LEASED, &five);
        host.sent();
        host.rig.now += Duration::from_millis(late);
        assert_eq!(host.answer(Ack, LEASED, &five), verdict, "{late} ms");
    }
}
