//! NAK, in each state (RFC 2131 sections 3.1, 3.2, 4.4).

use core::time::Duration;

use super::*;
use crate::DropReason;
use crate::wire::dhcpv4::Dhcpv4Kind::{Nak, Offer};

/// NAK is broadcast (section 4.3.2), and has nothing but the server's name and a text.
fn refuse(host: &mut Host, server: [u8; 4]) -> Verdict {
    let bytes = host.reply(Nak, Ipv4Addr::UNSPECIFIED, &[(54, &server), (56, b"wrong network")]);
    host.deliver_to(&bytes, EthernetAddress::BROADCAST, Ipv4Addr::BROADCAST)
}

fn requesting() -> Host {
    let mut host = Host::started();
    let _ = host.answer(Offer, LEASED, &USUAL);
    host.sent();
    host
}

/// Goes to T2: the lease is being rebound.
fn rebinding() -> Host {
    let mut host = Host::bound();
    let t2 = host.rig.stack.dhcpv4(host.rig.interface).unwrap().lease.unwrap().rebind_at.unwrap();
    host.during(t2.since(host.rig.now));
    assert_eq!(host.state(), Dhcpv4State::Rebinding);
    host
}

#[test]
fn the_server_withdraws_its_offer() {
    let mut host = requesting();
    assert_eq!(refuse(&mut host, [192, 0, 2, 1]), Verdict::Accepted);
    assert_eq!(host.sent_one(), "0.0.0.0:68 > 255.255.255.255:67 dhcp discover <rapid-commit>");
    assert_eq!(host.state(), Dhcpv4State::Selecting);
    assert_eq!(host.rig.counter("dhcpv4.refused"), 1);
}

#[test]
fn another_server_has_no_say_in_it() {
    let mut host = requesting();
    assert_eq!(refuse(&mut host, [192, 0, 2, 9]), Verdict::Dropped(DropReason::Dhcpv4Unexpected));
    assert_eq!(host.state(), Dhcpv4State::Requesting);
}

#[test]
fn a_refusal_needs_a_server_and_a_question() {
    let mut host = requesting();
    let nameless = host.reply(Nak, Ipv4Addr::UNSPECIFIED, &[]);
    assert_eq!(host.deliver(&nameless), Verdict::Dropped(DropReason::Dhcpv4Unusable));
    let mut host = Host::started();
    assert_eq!(refuse(&mut host, [192, 0, 2, 1]), Verdict::Dropped(DropReason::Dhcpv4Unexpected), "selecting");
}

#[test]
fn a_lease_that_is_refused_is_left_at_once() {
    let mut host = rebinding();
    assert!(host.has_address());
    assert_eq!(refuse(&mut host, [192, 0, 2, 9]), Verdict::Accepted);
    assert_eq!((host.addresses().len(), host.routes().len()), (0, 0));
    assert_eq!(host.sent_one(), "0.0.0.0:68 > 255.255.255.255:67 dhcp discover <rapid-commit>");
}

#[test]
fn while_renewing_only_the_leasing_server_refuses() {
    let mut host = Host::bound();
    let t1 = host.rig.stack.dhcpv4(host.rig.interface).unwrap().lease.unwrap().renew_at.unwrap();
    // The server is a neighbor already, so that the request leaves at T1.
    let reply = arp(crate::wire::arp::ArpOperation::Request, PEER_MAC, SERVER, OUR_MAC, LEASED, OUR_MAC);
    let _ = host.rig.receive(&reply);
    host.during(t1.since(host.rig.now));
    assert_eq!(host.state(), Dhcpv4State::Renewing);
    assert_eq!(refuse(&mut host, [192, 0, 2, 9]), Verdict::Dropped(DropReason::Dhcpv4Unexpected));
    assert!(host.has_address());
    assert_eq!(refuse(&mut host, [192, 0, 2, 1]), Verdict::Accepted);
    assert_eq!(host.addresses().len(), 0);
    assert_eq!(host.state(), Dhcpv4State::Selecting);
}

/// A server that offers and refuses in turn is asked with pauses that grow: 0, then 4, 8, 16, 32 and 64 s.
#[test]
fn a_server_that_refuses_all_is_not_asked_without_end() {
    let mut host = requesting();
    let mut pauses = Vec::new();
    for _ in 0..7 {
        assert_eq!(refuse(&mut host, [192, 0, 2, 1]), Verdict::Accepted);
        let refused = host.rig.now;
        while host.sent().is_empty() {
            let at = host.rig.stack.poll_timeout().unwrap().at;
            host.rig.run_to(at);
        }
        pauses.push(host.rig.now.since(refused).as_secs_f64());
        assert_eq!(host.answer(Offer, LEASED, &USUAL), Verdict::Accepted);
        host.sent();
    }
    for (pause, expected) in pauses.iter().zip([0.0, 4.0, 8.0, 16.0, 32.0, 64.0, 64.0]) {
        assert!((pause - expected).abs() <= 1.0, "{pauses:?}");
    }
    assert_eq!(host.during(Duration::ZERO).len(), 0);
}

/// An ARP packet of another host that has the leased address.
fn claim_of_another() -> Vec<u8> {
    let other = EthernetAddress([2, 0, 0, 0, 0, 9]);
    arp(crate::wire::arp::ArpOperation::Reply, other, LEASED, OUR_MAC, Ipv4Addr::UNSPECIFIED, OUR_MAC)
}

/// RFC 2131 section 3.1, 5, tables 4 and 5: DECLINE is broadcast, with address and server, and everything
/// begins again 10 s later.
#[test]
fn an_address_that_another_host_has_is_declined() {
    let mut host = requesting();
    assert_eq!(host.answer(Dhcpv4Kind::Ack, LEASED, &USUAL), Verdict::Accepted);
    assert_eq!(host.state(), Dhcpv4State::Bound);
    host.rig.discard();
    let _ = host.rig.receive(&claim_of_another());
    assert_eq!(
        host.sent_one(),
        "0.0.0.0:68 > 255.255.255.255:67 dhcp decline <requested 192.0.2.50, server 192.0.2.1>"
    );
    assert_eq!(host.state(), Dhcpv4State::Init);
    assert_eq!(host.addresses().len(), 0);
    let sent = host.during(Duration::from_secs(10));
    assert_eq!(sent.len(), 1);
    assert!((sent[0].0 - 10.0).abs() < 1e-9 && sent[0].1.line.contains(" discover "), "{sent:?}");
    assert_eq!(host.rig.counter("dhcpv4.declined"), 1);
}

/// RFC 5227 section 2.4: also when it is in use already, and cannot be defended.
#[test]
fn an_address_that_is_lost_later_is_declined_too() {
    let mut host = Host::bound();
    for _ in 0..2 {
        let _ = host.rig.receive(&claim_of_another());
    }
    let sent = host.sent();
    assert!(sent.iter().any(|sent| sent.line.contains(" decline ")), "{sent:?}");
    assert_eq!((host.addresses().len(), host.routes().len()), (0, 0));
}
