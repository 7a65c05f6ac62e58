//! The times of section 15, with the parameters of section 7.6.

use alloc::vec::Vec;
use rstest::rstest;

use super::rig::*;
use crate::autoconf::dhcpv6::Dhcpv6Request;
use crate::wire::dhcpv6::{Dhcpv6Option, Status};

/// Holds the gaps between messages, in milliseconds, to RT = IRT + RAND*IRT, then 2*RTprev + RAND*RTprev,
/// bounded by MRT + RAND*MRT.
fn assert_paced(sent: &[u64], irt: u64, mrt: u64) {
    let gaps: Vec<u64> = sent.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let mut previous = None;
    for gap in gaps {
        let (low, high) =
            previous.map_or((irt * 9 / 10, irt * 11 / 10), |previous: u64| (previous * 19 / 10, previous * 21 / 10));
        let bounded = mrt != 0 && high > mrt;
        let in_range = (low..=high + 1).contains(&gap) || bounded && (mrt * 9 / 10..=mrt * 11 / 10 + 1).contains(&gap);
        assert!(in_range, "{gap} ms after {previous:?} ms: {sent:?}");
        previous = Some(gap);
    }
}

#[test]
fn solicit() {
    let mut client = Client::new(ADDRESSES);
    let sent = times(&client.pass(seconds(40_000)));
    assert!(sent[0] <= 1000, "SOL_MAX_DELAY");
    assert!(sent[1] - sent[0] > 1000, "section 18.2.1: the first timeout is strictly greater than IRT");
    assert_paced(&sent, 1000, 3_600_000);
    assert!(sent.len() >= 20, "there is no end to it");
}

#[test]
fn request() {
    let mut client = Client::new(ADDRESSES);
    client.pass(seconds(1));
    client.advertise(&ONE, Some(255), &lease(LEASED, 60, 100));
    let lines = client.pass(seconds(400));
    let requests: Vec<&str> = lines.lines().filter(|line| line.contains("dhcp6 request")).collect();
    assert_eq!(requests.len(), 10, "REQ_MAX_RC");
    assert_paced(&times(&requests.join("\n")), 1000, 30_000);
    // Section 21.9: hundredths of a second since the first.
    assert!(requests[0].contains("elapsed 0ms"));
    let elapsed = times(&requests.join("\n"))[9] / 10 * 10;
    assert!(requests[9].contains(&alloc::format!("elapsed {elapsed}ms")), "{}", requests[9]);
}

/// Section 21.9: what is longer than can be told is 0xffff.
#[test]
fn elapsed_time_is_bounded() {
    let mut client = Client::new(ADDRESSES);
    let lines = client.pass(seconds(4000));
    assert!(lines.lines().last().unwrap().contains("elapsed 655350ms"));
}

#[test]
fn renew_and_rebind() {
    let mut client = Client::new(ADDRESSES);
    client.pass(seconds(1));
    let long = ia_na(1000, 10_000, &address(LEASED, 15_000, 20_000));
    client.advertise(&ONE, Some(255), &long);
    client.sent();
    client.reply(&ONE, &long);
    let lines = client.pass(seconds(19_999));
    let of = |kind| lines.lines().filter(|line| line.contains(kind)).collect::<Vec<_>>().join("\n");
    let (renews, rebinds) = (times(&of("dhcp6 renew")), times(&of("dhcp6 rebind")));
    assert_eq!((renews[0], rebinds[0]), (1_000_000, 10_000_000));
    assert_paced(&renews, 10_000, 600_000);
    assert_paced(&rebinds, 10_000, 600_000);
}

/// `CNF_TIMEOUT` 1 s, `CNF_MAX_RT` 4 s, `CNF_MAX_RD` 10 s; the same for the Rebind in its place.
#[rstest]
#[case::confirm(lease(LEASED, 6000, 10_000))]
#[case::verify([lease(LEASED, 6000, 10_000), delegation(6000, 10_000)].concat())]
fn confirm(#[case] leases: Vec<u8>) {
    let mut client = Client::new(BOTH);
    client.pass(seconds(1));
    client.advertise(&ONE, Some(255), &leases);
    client.sent();
    client.reply(&ONE, &leases);
    client.rig.stack.dhcpv6_check_link(client.rig.now, client.rig.interface).unwrap();
    let sent = times(&client.pass(seconds(60)));
    assert!(sent[0] <= 1000, "CNF_MAX_DELAY");
    assert!(sent.last().unwrap() - sent[0] < 10_000, "CNF_MAX_RD");
    assert!((4..=5).contains(&sent.len()), "{sent:?}");
    assert_paced(&sent, 1000, 4000);
}

#[test]
fn information_request() {
    let mut client = Client::new(Dhcpv6Request::default());
    let sent = times(&client.pass(seconds(40_000)));
    assert!(sent[0] <= 1000, "INF_MAX_DELAY");
    assert_paced(&sent, 1000, 3_600_000);
}

#[test]
fn release() {
    let mut client = Client::bound(ADDRESSES);
    client.rig.stack.dhcpv6_release(client.rig.now, client.rig.interface).unwrap();
    let sent = times(&client.pass(seconds(60)));
    assert_eq!(sent.len(), 4, "REL_MAX_RC");
    assert_paced(&sent, 1000, 0);
}

/// Section 21.24: from 60 to 86,400 s; others are ignored. Section 18.2.9: an Advertise of no use tells it too.
#[rstest]
#[case::least(60, true)]
#[case::too_small(59, false)]
#[case::too_large(86_401, false)]
fn sol_max_rt(#[case] told: u32, #[case] counts: bool) {
    let mut client = Client::new(ADDRESSES);
    client.pass(seconds(1));
    let useless = [status(Status::NO_ADDRS_AVAIL), emitted(Dhcpv6Option::SolMaxRt(told))].concat();
    let _ = client.hear_advertise(&ONE, None, &useless);
    let sent = times(&client.pass(seconds(2000)));
    let last = sent[sent.len() - 1] - sent[sent.len() - 2];
    assert_eq!(last <= 66_000, counts, "{sent:?}");
}

/// Section 18.2.9: servers that don't agree leave the default.
#[test]
fn sol_max_rt_disputed() {
    let mut client = Client::new(ADDRESSES);
    client.pass(seconds(1));
    for (server, told) in [(&ONE, 60), (&TWO, 70)] {
        let useless = [status(Status::NO_ADDRS_AVAIL), emitted(Dhcpv6Option::SolMaxRt(told))].concat();
        let _ = client.hear_advertise(server, None, &useless);
    }
    let sent = times(&client.pass(seconds(2000)));
    assert!(sent[sent.len() - 1] - sent[sent.len() - 2] > 77_000, "{sent:?}");
}

/// Section 21.25.
#[test]
fn inf_max_rt() {
    let mut client = Client::new(Dhcpv6Request::default());
    client.pass(seconds(1));
    client.reply(&ONE, &emitted(Dhcpv6Option::InfMaxRt(60)));
    client.pass(seconds(86_400));
    let sent = times(&client.pass(seconds(2000)));
    assert!(sent[sent.len() - 1] - sent[sent.len() - 2] <= 66_000, "{sent:?}");
}
