//! dhcp-renewal: a lease of 40 s, whose T1 is at 20 s, T2 at 35 s, and the middle between that and the end at 37.5 s,
//! all counted from the request (RFC 2131 section 4.4.5).

use std::net::Ipv4Addr;

use rstest::rstest;
use tickwire_core::wire::arp::{ArpHeader, ArpOperation};
use tickwire_core::wire::dhcpv4::{CLIENT_PORT, Dhcpv4Header, Dhcpv4Kind, Dhcpv4Op, SERVER_PORT, option};
use tickwire_core::wire::ipv4::IpProtocol;

use super::*;
use crate::node::frames::{self, HOPS, Hosts, Stations};

const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 99);
/// That of the host whose connections are written.
const LEASED: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 7);
const NOBODY: Ipv4Addr = Ipv4Addr::UNSPECIFIED;
const BOTH: [Stations; 2] = {
    let (client, server) = (EthernetAddress([2, 0, 0, 0, 0, 1]), EthernetAddress([2, 0, 0, 0, 0, 2]));
    [Stations { src: client, dst: server }, Stations { src: server, dst: client }]
};

/// What happens.
#[derive(Clone, Copy, Debug)]
enum What {
    Discover,
    /// A request for what was offered.
    Select,
    /// The same again.
    SelectAgain,
    Renew,
    Rebind,
    Release,
    Decline,
    Ack,
    /// One that commits to what was discovered (RFC 4039).
    RapidAck,
    /// One that is for another question.
    OtherAck,
    /// One of a lease for ever, by this server.
    EndlessAck(Ipv4Addr),
    Nak,
    /// A packet leaves from the address.
    Sent,
    /// Something arrives.
    Heard,
    /// The server's hardware address is asked for, or another's.
    Arp(Ipv4Addr),
    Disturbed,
    Crashed,
}
use What::{
    Ack, Arp, Crashed, Decline, Discover, Disturbed, EndlessAck, Heard, Nak, OtherAck, RapidAck, Rebind, Release,
    Renew, Select, SelectAgain, Sent,
};

/// A client, its server, and the oracles at the client.
struct Link {
    oracles: WireOracles,
    xid: u32,
    /// Lease, T1 and T2, in seconds.
    times: [Option<u32>; 3],
    /// The address that is asked for and given.
    address: Ipv4Addr,
    /// Who asks.
    client: EthernetAddress,
}

impl Link {
    fn new(times: [Option<u32>; 3]) -> Link {
        let oracles = WireOracles::new(Settings::default());
        Link { oracles, xid: 0, times, address: LEASED, client: BOTH[0].src }
    }

    fn happens(&mut self, seconds: u64, what: What) {
        let (direction, frame) = match what {
            Disturbed => return self.oracles.disturbed(),
            Crashed => return self.oracles.restarted(),
            Ack | RapidAck | OtherAck | EndlessAck(_) | Nak => (Direction::Inbound, self.answer(what)),
            Heard => (Direction::Inbound, datagram(BOTH[1], (SERVER, 9), (LEASED, 9), b"news")),
            Sent => (Direction::Outbound, datagram(BOTH[0], (self.address, 9), (SERVER, 9), b"news")),
            Arp(target_protocol) => {
                let request = ArpHeader {
                    operation: ArpOperation::Request,
                    sender_hardware: BOTH[0].src,
                    sender_protocol: LEASED,
                    target_hardware: EthernetAddress::UNSPECIFIED,
                    target_protocol,
                };
                (Direction::Outbound, frames::arp(EthernetAddress::BROADCAST, &request))
            }
            _ => (Direction::Outbound, self.question(what)),
        };
        let at = Instant::from_millis(seconds * 1_000);
        self.oracles.observe(Sighting { number: 0, at, medium: Medium::Ethernet, direction, frame: &frame });
    }

    fn question(&mut self, what: What) -> Bytes {
        self.xid += u32::from(!matches!(what, SelectAgain));
        let (kind, ciaddr, dst) = match what {
            Discover => (Dhcpv4Kind::Discover, NOBODY, Ipv4Addr::BROADCAST),
            Renew => (Dhcpv4Kind::Request, self.address, SERVER),
            Rebind => (Dhcpv4Kind::Request, self.address, Ipv4Addr::BROADCAST),
            Release => (Dhcpv4Kind::Release, LEASED, SERVER),
            Decline => (Dhcpv4Kind::Decline, NOBODY, Ipv4Addr::BROADCAST),
            _ => (Dhcpv4Kind::Request, NOBODY, Ipv4Addr::BROADCAST),
        };
        let (wish, server) = (self.address.octets(), SERVER.octets());
        let named: [(u8, &[u8]); 2] = [(option::REQUESTED_ADDRESS, &wish), (option::SERVER_ID, &server)];
        let options = if kind == Dhcpv4Kind::Request && ciaddr.is_unspecified() { &named[..] } else { &[] };
        let message = self.message(Dhcpv4Op::Request, kind, [ciaddr, NOBODY], options);
        datagram(BOTH[0], (ciaddr, CLIENT_PORT), (dst, SERVER_PORT), &message)
    }

    fn answer(&self, what: What) -> Bytes {
        let (kind, yiaddr) =
            if matches!(what, Nak) { (Dhcpv4Kind::Nak, NOBODY) } else { (Dhcpv4Kind::Ack, self.address) };
        let (server, times) = match what {
            EndlessAck(server) => (server.octets(), [Some(u32::MAX), None, None]),
            _ => (SERVER.octets(), self.times),
        };
        let times = times.map(|time| time.map(u32::to_be_bytes));
        let codes = [option::LEASE_TIME, option::RENEWAL_TIME, option::REBINDING_TIME];
        let mut options: Vec<(u8, &[u8])> =
            vec![(option::SERVER_ID, &server), (option::SUBNET_MASK, &[255, 255, 255, 0])];
        options.extend(codes.iter().zip(&times).filter_map(|(code, time)| Some((*code, &time.as_ref()?[..]))));
        if matches!(what, RapidAck) {
            options.push((option::RAPID_COMMIT, &[]));
        }
        let other =
            Link { oracles: self.oracles.clone(), xid: self.xid + u32::from(matches!(what, OtherAck)), ..*self };
        let message = other.message(Dhcpv4Op::Reply, kind, [NOBODY, yiaddr], &options);
        datagram(BOTH[1], (SERVER, SERVER_PORT), (LEASED, CLIENT_PORT), &message)
    }

    fn message(
        &self,
        op: Dhcpv4Op,
        kind: Dhcpv4Kind,
        [ciaddr, yiaddr]: [Ipv4Addr; 2],
        options: &[(u8, &[u8])],
    ) -> Vec<u8> {
        let chaddr = self.client;
        let (siaddr, giaddr) = (NOBODY, NOBODY);
        let header =
            Dhcpv4Header { op, xid: self.xid, secs: 0, broadcast: false, ciaddr, yiaddr, siaddr, giaddr, chaddr };
        let mut message = Vec::new();
        let kind = [kind as u8];
        header.emit([(option::MESSAGE_TYPE, &kind[..])].into_iter().chain(options.iter().copied()), &mut message);
        message
    }
}

fn datagram(stations: Stations, src: (Ipv4Addr, u16), dst: (Ipv4Addr, u16), payload: &[u8]) -> Bytes {
    let hosts = Hosts { src: src.0.into(), dst: dst.0.into() };
    let datagram = frames::datagram((src.into(), dst.into()), payload);
    frames::around(stations, &frames::packet(hosts, IpProtocol::UDP, HOPS, &datagram))
}

fn broken_by(times: [Option<u32>; 3], events: &[(u64, What)]) -> usize {
    let mut link = Link::new(times);
    for (seconds, what) in events {
        link.happens(*seconds, *what);
    }
    let verdicts = broken(&link.oracles);
    assert!(verdicts.iter().all(|oracle| *oracle == Oracle::DhcpRenewal), "{verdicts:?}");
    verdicts.len()
}

/// After a request at 0 s that was acknowledged at once.
#[rstest]
#[case::renewed(&[(20, Renew), (20, Ack), (54, Sent), (55, Heard)], 0)]
#[case::renewed_early(&[(5, Renew), (35, Rebind), (39, Sent)], 0)]
#[case::silent(&[(36, Heard)], 1)]
#[case::silent_and_told_once(&[(36, Heard), (38, Sent), (39, Rebind)], 1)]
#[case::silent_until_t2(&[(34, Sent), (35, Heard)], 0)]
#[case::silent_once_renewed(&[(20, Renew), (20, Ack), (56, Heard)], 1)]
#[case::anybody_before_the_server(&[(34, Rebind)], 1)]
#[case::server_only(&[(20, Renew), (37, Heard), (38, Heard)], 1)]
#[case::both(&[(20, Renew), (35, Rebind), (40, Sent)], 0)]
#[case::server_resolved(&[(20, Arp(SERVER)), (35, Rebind), (40, Sent)], 0)]
#[case::server_resolved_too_early(&[(1, Arp(SERVER)), (36, Heard)], 1)]
#[case::another_resolved(&[(20, Arp(ELSEWHERE)), (36, Heard)], 1)]
#[case::used_after_the_end(&[(20, Renew), (35, Rebind), (41, Sent)], 1)]
#[case::resolving_after_the_end(&[(20, Renew), (35, Rebind), (41, Arp(ELSEWHERE))], 1)]
#[case::begun_anew(&[(20, Renew), (35, Rebind), (40, Discover), (100, Heard)], 0)]
#[case::begun_anew_and_used(&[(20, Renew), (35, Rebind), (40, Discover), (41, Sent)], 1)]
#[case::leased_again(&[(20, Renew), (35, Rebind), (40, Discover), (41, Select), (41, Ack), (60, Sent)], 0)]
#[case::released(&[(10, Release), (36, Heard), (50, Heard)], 0)]
#[case::declined(&[(1, Decline), (36, Heard), (50, Heard)], 0)]
#[case::refused(&[(20, Renew), (20, Nak), (38, Heard), (50, Heard)], 0)]
#[case::refused_while_some_is_queued(&[(20, Renew), (20, Nak), (21, Sent)], 0)]
#[case::refused_and_used(&[(20, Renew), (20, Nak), (22, Sent)], 1)]
#[case::refused_and_told_once(&[(20, Renew), (20, Nak), (21, Sent), (22, Sent), (23, Sent), (41, Sent)], 1)]
#[case::refused_and_resolving(&[(20, Renew), (20, Nak), (22, Arp(ELSEWHERE))], 1)]
#[case::refused_and_looking(&[(20, Renew), (20, Nak), (20, Discover), (22, Sent)], 1)]
#[case::refused_and_given_again(&[(20, Renew), (20, Nak), (20, Discover), (21, Select), (21, Ack), (30, Sent)], 0)]
#[case::released_and_used(&[(10, Release), (12, Sent)], 1)]
#[case::declined_and_used(&[(10, Decline), (12, Sent)], 1)]
#[case::looked_for_another_and_used(&[(10, Discover), (39, Sent)], 0)]
#[case::for_ever_by_a_stranger(&[(20, Renew), (20, EndlessAck(ELSEWHERE)), (38, Heard)], 1)]
#[case::for_ever_from_now_on(&[(20, Renew), (20, EndlessAck(SERVER)), (1 << 33, Sent)], 0)]
#[case::crashed(&[(10, Crashed), (38, Heard)], 0)]
#[case::crashed_and_used_after_the_end(&[(10, Crashed), (41, Sent)], 1)]
#[case::kept_from_asking(&[(10, Disturbed), (38, Heard)], 0)]
#[case::kept_from_asking_and_used_after_the_end(&[(30, Disturbed), (41, Sent)], 1)]
#[case::kept_from_asking_once(&[(10, Disturbed), (20, Renew), (20, Ack), (56, Heard)], 1)]
fn a_lease_is_renewed(#[case] events: &[(u64, What)], #[case] broken: usize) {
    let events = [&[(0, Select), (0, Ack)], events].concat();
    assert_eq!(broken_by([Some(40), None, None], &events), broken);
}

/// Who has lost his address hears nothing that is sent to it: the text of a connection is not acknowledged any more.
#[rstest]
#[case::not_lost(40, &[], 2)]
#[case::begun_anew(40, &[(1, Discover)], 0)]
#[case::released(40, &[(1, Release)], 0)]
#[case::refused(40, &[(1, Renew), (1, Nak)], 0)]
#[case::over(40, &[(20, Renew), (35, Rebind), (41, Heard)], 0)]
#[case::never_over(u32::MAX, &[(41, Heard)], 1)]
#[case::never_over_and_refused(u32::MAX, &[(1, Renew), (1, Nak)], 0)]
fn without_its_address_a_host_hears_nothing(#[case] lease: u32, #[case] events: &[(u64, What)], #[case] late: usize) {
    let mut link = Link::new([Some(lease), None, None]);
    link.happens(0, Select);
    link.happens(0, Ack);
    observe(&mut link.oracles, PLAIN);
    let lost = events.last().map_or(1, |(seconds, _)| *seconds) * 1_000;
    if lost < 2_000 {
        observe(&mut link.oracles, "900 < . 1:1001(1000) ack 1 win 1000");
    }
    for (seconds, what) in events {
        link.happens(*seconds, *what);
    }
    let [first, again] = [lost + 1_000, lost + 2_000].map(|at| format!("{at} < . 1:1001(1000) ack 1 win 1000"));
    observe(&mut link.oracles, &first);
    observe(&mut link.oracles, &again);
    assert_eq!(broken(&link.oracles), vec![Oracle::DelayedAck; late]);
}

/// What makes a lease, and what its times are.
#[rstest]
#[case::never_acknowledged(40, [None; 2], &[(0, Select), (38, Heard)], 0)]
#[case::another_answer(40, [None; 2], &[(0, Select), (0, OtherAck), (38, Heard)], 0)]
#[case::over_when_it_comes(40, [None; 2], &[(0, Select), (40, Ack), (78, Heard)], 0)]
#[case::from_the_last_request(40, [None; 2], &[(0, Select), (10, SelectAgain), (10, Ack), (45, Heard)], 0)]
#[case::from_no_later(40, [None; 2], &[(0, Select), (10, SelectAgain), (12, Ack), (46, Heard)], 1)]
#[case::an_offer_is_none(40, [None; 2], &[(0, Discover), (0, Ack), (38, Heard)], 0)]
#[case::committed_at_once(40, [None; 2], &[(0, Discover), (0, RapidAck), (36, Heard)], 1)]
#[case::for_ever(u32::MAX, [None; 2], &[(0, Select), (0, Ack), (1 << 33, Sent)], 0)]
#[case::told_times(40, [Some(10), Some(15)], &[(0, Select), (0, Ack), (16, Heard)], 1)]
#[case::told_late_times(40, [Some(30), Some(38)], &[(0, Select), (0, Ack), (38, Heard)], 0)]
#[case::contradicting_times(40, [Some(15), Some(10)], &[(0, Select), (0, Ack), (16, Heard), (35, Heard)], 0)]
fn a_lease_is_what_was_asked_for(
    #[case] lease: u32,
    #[case] times: [Option<u32>; 2],
    #[case] events: &[(u64, What)],
    #[case] broken: usize,
) {
    let [t1, t2] = times;
    assert_eq!(broken_by([Some(lease), t1, t2], events), broken);
}

/// A verdict names the frame at which it was too late, and the acknowledgment that it contradicts.
#[test]
fn a_verdict_tells_what_was_due() {
    let mut link = Link::new([Some(40), None, None]);
    for (seconds, what) in [(0, Select), (1, Ack), (36, Heard)] {
        link.happens(seconds, what);
    }
    let verdict = &link.oracles.verdicts()[0];
    assert_eq!(verdict.frame.at, Instant::from_millis(36_000));
    assert_eq!(verdict.earlier.map(|mark| mark.at), Some(Instant::from_millis(1_000)));
    assert_eq!(verdict.expected, "a request to 192.0.2.99 by now, T2 being 35.000000000");
}

/// What a client was refused another client of the host may be given: then it is used rightly.
#[test]
fn an_address_is_of_who_was_given_it_last() {
    let mut link = Link::new([Some(40), None, None]);
    for (seconds, what) in [(0, Select), (0, Ack), (20, Renew), (20, Nak)] {
        link.happens(seconds, what);
    }
    link.client = BOTH[1].src;
    for (seconds, what) in [(21, Select), (21, Ack), (30, Sent), (41, Renew), (41, Ack), (70, Sent)] {
        link.happens(seconds, what);
    }
    assert_eq!(broken(&link.oracles), []);
    link.happens(90, Sent);
    assert_eq!(broken(&link.oracles), [Oracle::DhcpRenewal; 2]);
}

/// A client that was refused its address and has another: what still comes for the first it does not hear, nor what comes
/// for the second before it has sent from it.
#[test]
fn an_address_of_before_is_not_heard() {
    let mut link = Link::new([Some(40), None, None]);
    for what in [Discover, Select, Ack, Sent, Rebind, Nak] {
        link.happens(20, what);
    }
    link.address = ELSEWHERE;
    for what in [Discover, Select, Ack] {
        link.happens(21, what);
    }
    let lacks = |link: &Link| {
        [LEASED, ELSEWHERE].map(|address| {
            let frame = datagram(BOTH[1], (SERVER, 9), (address, 9), b"news");
            let packet = packet::parse(Medium::Ethernet, &frame).ok().expect("a datagram");
            link.oracles.leases.lacks(&packet, Instant::from_millis(22_000))
        })
    };
    assert_eq!(lacks(&link), [true, true]);
    link.happens(22, Sent);
    assert_eq!(lacks(&link), [true, false]);
}
