//! Lost messages: asked again after 4, 8, 16, 32 and then 64 s, each with up to a second more or less
//! (RFC 2131 section 4.1).

use core::time::Duration;

use super::*;
use crate::wire::dhcpv4::Dhcpv4Kind::{Ack, Offer};

/// The times between the messages are these, but for a second.
fn assert_delays(sent: &[(f64, Sent)], start: f64, delays: &[f64]) {
    assert_eq!(sent.len(), delays.len(), "{sent:?}");
    let mut last = start;
    for ((at, _), delay) in sent.iter().zip(delays) {
        assert!((at - last - delay).abs() <= 1.0, "{} s instead of {delay}", at - last);
        last = *at;
    }
}

#[test]
fn a_discovery_goes_on_for_ever() {
    let mut host = Host::started();
    let first = host.last.unwrap();
    let sent = host.during(Duration::from_secs(60 + 3 * 64 + 10));
    assert_delays(&sent, 0.0, &[4.0, 8.0, 16.0, 32.0, 64.0, 64.0, 64.0]);
    for (at, sent) in &sent {
        assert!(sent.line.contains("dhcp discover secs ") && sent.line.ends_with("<rapid-commit>"), "{}", sent.line);
        assert_eq!(sent.header.xid, first.xid);
        assert!((f64::from(sent.header.secs) - at.floor()).abs() < 1e-9, "{sent:?}");
    }
    assert_eq!(host.rig.counter("dhcpv4.retransmitted"), 7);
    let delays: Vec<_> = sent.iter().map(|(at, _)| at.fract()).collect();
    assert!(delays.windows(2).any(|pair| (pair[0] - pair[1]).abs() > 1e-3), "at random");
}

#[test]
fn the_answer_to_a_repeated_message_is_taken() {
    let mut host = Host::started();
    host.during(Duration::from_secs(20));
    assert_eq!(host.answer(Offer, LEASED, &USUAL), Verdict::Accepted);
    let secs = host.last.unwrap().secs;
    host.sent();
    let sent = host.during(Duration::from_secs(20));
    assert!(sent.iter().all(|(_, sent)| sent.header.secs == secs), "the discovery's: {sent:?}");
    assert_eq!(host.answer(Ack, LEASED, &USUAL), Verdict::Accepted);
    host.settle();
    // From the first request that this may be the answer to, which left 20 s earlier.
    let lease = host.rig.stack.dhcpv4(host.rig.interface).unwrap().lease.unwrap();
    let whole = lease.expires_at.unwrap().since(host.rig.now);
    assert_eq!(whole, Duration::from_millis(3_600_000 - 20_500));
}

/// A lease of 30 s, offered or committed (RFC 4039) when a server has been sought for a minute: it counts from the request
/// (section 4.4.1), not from when the search began. What was committed so late is asked for once more: it may have been
/// given to the first discovery.
#[rstest::rstest]
#[case(Offer, &[])]
#[case(Ack, &[(80, &[][..])])]
fn a_lease_shorter_than_the_search(#[case] kind: Dhcpv4Kind, #[case] more: Options<'_>) {
    let short: Options<'_> = &[(54, &[192, 0, 2, 1]), (1, &[255, 255, 255, 0]), (51, &[0, 0, 0, 30])];
    let mut host = Host::started();
    host.during(Duration::from_secs(70));
    assert_eq!(host.answer(kind, LEASED, &[short, more].concat()), Verdict::Accepted);
    assert!(host.sent_one().ends_with("<requested 192.0.2.50, server 192.0.2.1>"));
    let asked = host.rig.now;
    assert_eq!(host.answer(Ack, LEASED, short), Verdict::Accepted);
    host.settle();
    let lease = host.rig.stack.dhcpv4(host.rig.interface).unwrap().lease.unwrap();
    assert_eq!(lease.expires_at, Some(asked + Duration::from_secs(30)));
}

/// Section 3.1, 5: four messages, 60 s in all, and everything from the beginning.
#[test]
fn a_request_is_given_up_after_a_minute() {
    let mut host = Host::started();
    let _ = host.answer(Offer, LEASED, &USUAL);
    host.sent();
    let request = host.last.unwrap();
    let mut sent = host.during(Duration::from_secs(64));
    sent.truncate(4);
    assert_delays(&sent, 0.0, &[4.0, 8.0, 16.0, 32.0]);
    assert!(sent[..3].iter().all(|(_, sent)| sent.header.xid == request.xid && sent.line.contains(" request ")));
    assert!(sent[3].1.line.contains(" discover ") && sent[3].1.header.xid != request.xid, "{sent:?}");
    assert_eq!(sent[3].1.header.secs, 0);
    assert_eq!(host.state(), Dhcpv4State::Selecting);
    assert_eq!(host.rig.counter("dhcpv4.unanswered"), 1);
}

/// RFC 3927 section 1.9, RFC 2131 section 4.4.1: nobody answers for 10 s, so the host finds itself an
/// address for the link, and goes on asking. With a lease that address goes.
#[test]
fn without_a_server_there_is_a_link_local_address() {
    let mut host = Host::started_with(Dhcpv4Config::default());
    host.during(Duration::from_millis(10_299));
    assert_eq!(host.addresses().len(), 0);
    host.during(Duration::from_secs(10));
    let own = host.addresses();
    assert!(own.len() == 1 && own[0].starts_with("169.254.") && own[0].ends_with("/16"), "{own:?}");
    assert_eq!(host.state(), Dhcpv4State::Selecting);
    assert!(host.during(Duration::from_mins(5)).len() >= 4);

    assert_eq!(host.answer(Offer, LEASED, &USUAL), Verdict::Accepted);
    host.sent();
    assert_eq!(host.answer(Ack, LEASED, &USUAL), Verdict::Accepted);
    assert_eq!(host.addresses(), own, "until the new one is known to be ours alone");
    host.settle();
    assert_eq!(host.addresses(), ["192.0.2.50/24"]);
}

/// The operator's link-local address stays.
#[test]
fn a_link_local_address_of_another_making_stays() {
    let mut host = Host::new();
    host.rig.stack.start_link_local(host.rig.now, host.rig.interface, None).unwrap();
    host.during(Duration::from_secs(5));
    host.start(Dhcpv4Config::default());
    host.during(Duration::from_secs(30));
    let _ = host.answer(Offer, LEASED, &USUAL);
    host.sent();
    let _ = host.answer(Ack, LEASED, &USUAL);
    host.settle();
    assert_eq!(host.addresses().len(), 2);
}

/// A server that offers and is silent then is asked again, with pauses that grow.
#[test]
fn a_server_that_only_offers() {
    let mut host = Host::started();
    let mut pauses = Vec::new();
    for _ in 0..4 {
        assert_eq!(host.answer(Offer, LEASED, &USUAL), Verdict::Accepted);
        host.sent();
        let given_up = host.rig.now;
        while host.state() != Dhcpv4State::Selecting {
            let at = host.rig.stack.poll_timeout().unwrap().at;
            host.rig.run_to(at);
            host.sent();
        }
        pauses.push(host.rig.now.since(given_up).as_secs_f64());
    }
    for (pause, expected) in pauses.iter().zip([60.0, 64.0, 68.0, 76.0]) {
        assert!((pause - expected).abs() <= 5.0, "{pauses:?}");
    }
}
