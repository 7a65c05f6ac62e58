//! The server against RFC 2131 section 4.3: what it answers to each message of a client, and where to.

use rstest::rstest;
use tickwire_core::wire::dhcpv4::{CLIENT_PORT, Dhcpv4Message, SERVER_PORT};
use tickwire_core::wire::ipv4::{IpProtocol, Ipv4Packet};
use tickwire_core::wire::udp::UdpDatagram;

use super::*;
use crate::node::frames::{HOPS, Hosts, Stations};

const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const OTHER_SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 9);
const NOBODY: Ipv4Addr = Ipv4Addr::UNSPECIFIED;
const CONFIG: LeaseServerConfig = LeaseServerConfig {
    hardware: EthernetAddress([2, 0, 5, 0, 0, 1]),
    address: SERVER,
    prefix_len: 24,
    pool: [host(100), host(102)],
    lease: 40,
    renew: None,
    rebind: Some(30),
    router: Some(host(254)),
    rapid_commit: false,
    authoritative: false,
};

const fn host(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2, last)
}

const fn station(client: u8) -> EthernetAddress {
    EthernetAddress([2, 0, 0, 0, 0, client])
}

/// What a client says.
#[derive(Clone, Copy)]
struct Said {
    client: u8,
    kind: Dhcpv4Kind,
    ciaddr: Ipv4Addr,
    wish: Option<Ipv4Addr>,
    server: Option<Ipv4Addr>,
    dst: Ipv4Addr,
}

fn said(client: u8, kind: Dhcpv4Kind) -> Said {
    Said { client, kind, ciaddr: NOBODY, wish: None, server: None, dst: Ipv4Addr::BROADCAST }
}

fn discover(client: u8) -> Said {
    said(client, Dhcpv4Kind::Discover)
}

/// SELECTING.
fn select(client: u8, wish: Ipv4Addr) -> Said {
    Said { wish: Some(wish), server: Some(SERVER), ..said(client, Dhcpv4Kind::Request) }
}

/// INIT-REBOOT.
fn reboot(client: u8, wish: Ipv4Addr) -> Said {
    Said { wish: Some(wish), ..said(client, Dhcpv4Kind::Request) }
}

/// REBINDING.
fn rebind(client: u8, ciaddr: Ipv4Addr) -> Said {
    Said { ciaddr, ..said(client, Dhcpv4Kind::Request) }
}

/// RENEWING.
fn renew(client: u8, ciaddr: Ipv4Addr) -> Said {
    Said { dst: SERVER, ..rebind(client, ciaddr) }
}

fn release(client: u8, ciaddr: Ipv4Addr) -> Said {
    Said { ciaddr, server: Some(SERVER), dst: SERVER, ..said(client, Dhcpv4Kind::Release) }
}

fn decline(client: u8, wish: Ipv4Addr) -> Said {
    Said { wish: Some(wish), server: Some(SERVER), ..said(client, Dhcpv4Kind::Decline) }
}

fn frame(said: Said, edit: impl FnOnce(&mut Dhcpv4Header)) -> Bytes {
    let mut header = Dhcpv4Header {
        op: Dhcpv4Op::Request,
        xid: 7,
        secs: 3,
        broadcast: false,
        ciaddr: said.ciaddr,
        yiaddr: NOBODY,
        siaddr: NOBODY,
        giaddr: NOBODY,
        chaddr: station(said.client),
    };
    edit(&mut header);
    let kind = [said.kind as u8];
    let [wish, server] = [said.wish, said.server].map(|address| address.map(|address| address.octets()));
    let identifier = [0, said.client];
    let mut options: Vec<(u8, &[u8])> = vec![(option::MESSAGE_TYPE, &kind), (option::CLIENT_ID, &identifier)];
    options.extend(wish.as_ref().map(|wish| (option::REQUESTED_ADDRESS, &wish[..])));
    options.extend(server.as_ref().map(|server| (option::SERVER_ID, &server[..])));
    if said.kind == Dhcpv4Kind::Discover {
        options.push((option::RAPID_COMMIT, &[]));
    }
    let mut message = Vec::new();
    header.emit(options, &mut message);
    let ends = ((said.ciaddr, CLIENT_PORT).into(), (said.dst, SERVER_PORT).into());
    let hosts = Hosts { src: said.ciaddr.into(), dst: said.dst.into() };
    let packet = frames::packet(hosts, IpProtocol::UDP, HOPS, &frames::datagram(ends, &message));
    let dst = if said.dst.is_broadcast() { EthernetAddress::BROADCAST } else { CONFIG.hardware };
    frames::around(Stations { src: station(said.client), dst }, &packet)
}

fn at(seconds: u64) -> Instant {
    Instant::ZERO + Duration::from_secs(seconds)
}

/// The answer to a frame, if there is one.
fn heard(server: &mut LeaseServer, seconds: u64, frame: &Bytes) -> Option<Bytes> {
    let mut out = Outbox::new();
    server.receive(at(seconds), frame, &mut out);
    assert!(out.len() <= 1);
    out.pop().map(|(_, frame)| frame)
}

/// The kind of the answer, and the address in it.
fn asked(server: &mut LeaseServer, seconds: u64, what: Said) -> Option<(Dhcpv4Kind, Ipv4Addr)> {
    let answer = heard(server, seconds, &frame(what, |_| {}))?;
    Some(with_message(&answer, |_, message| (message.kind().unwrap(), message.header().yiaddr)))
}

fn with_message<R>(frame: &Bytes, f: impl FnOnce(Ipv4Packet<'_>, Dhcpv4Message<'_>) -> R) -> R {
    let frame = EthernetFrame::parse(frame).unwrap();
    let packet = Ipv4Packet::parse(frame.payload()).unwrap();
    let datagram = UdpDatagram::parse(packet.payload()).unwrap();
    assert_eq!((datagram.src_port(), datagram.dst_port()), (SERVER_PORT, CLIENT_PORT));
    f(packet, Dhcpv4Message::parse(datagram.payload()).unwrap())
}

fn dropped(server: &LeaseServer) -> Vec<(LeaseDrop, u64)> {
    server.counters().dropped.iter().map(|(reason, count)| (*reason, *count)).collect()
}

const ACK: Dhcpv4Kind = Dhcpv4Kind::Ack;
const NAK: Option<(Dhcpv4Kind, Ipv4Addr)> = Some((Dhcpv4Kind::Nak, NOBODY));
const OFFER: Dhcpv4Kind = Dhcpv4Kind::Offer;

/// Section 4.3.1: the client's own address, the one that it wishes, one that was never given, the one that is free longest.
#[test]
fn an_address_is_chosen() {
    let mut server = LeaseServer::new(CONFIG);
    let wishing = |client, wish| Said { wish: Some(wish), ..discover(client) };
    assert_eq!(asked(&mut server, 0, wishing(1, host(101))), Some((OFFER, host(101))));
    assert_eq!(asked(&mut server, 0, select(1, host(101))), Some((ACK, host(101))));
    // Not what another has.
    assert_eq!(asked(&mut server, 1, wishing(2, host(101))), Some((OFFER, host(100))));
    assert_eq!(asked(&mut server, 1, select(2, host(100))), Some((ACK, host(100))));
    // The own one, also when it is over, and whatever is wished.
    assert_eq!(asked(&mut server, 50, wishing(1, host(102))), Some((OFFER, host(101))));
    assert_eq!(asked(&mut server, 50, discover(3)), Some((OFFER, host(102))));
    // What is offered is kept for a minute; what is free longest is given to somebody new.
    assert_eq!(asked(&mut server, 51, discover(4)), Some((OFFER, host(100))));
    assert_eq!(asked(&mut server, 52, discover(5)), None);
    assert_eq!(dropped(&server), [(LeaseDrop::Exhausted, 1)]);
    // Whose address is another's now has none.
    assert_eq!(asked(&mut server, 53, discover(2)), None);
    assert_eq!(asked(&mut server, 110, discover(5)), Some((OFFER, host(101))));
}

/// Section 4.3.1: what was offered again is given to nobody else before its client could answer.
#[test]
fn an_offer_counts_from_the_last() {
    let mut server = LeaseServer::new(LeaseServerConfig { pool: [host(100), host(100)], ..CONFIG });
    for seconds in [0, 59] {
        assert_eq!(asked(&mut server, seconds, discover(1)), Some((OFFER, host(100))));
    }
    assert_eq!(asked(&mut server, 60, discover(2)), None);
    assert_eq!(asked(&mut server, 61, select(1, host(100))), Some((ACK, host(100))));
    // A lease goes on while it is offered again.
    assert_eq!(asked(&mut server, 62, discover(1)), Some((OFFER, host(100))));
    assert_eq!(asked(&mut server, 100, discover(2)), None);
    assert_eq!(asked(&mut server, 101, discover(2)), Some((OFFER, host(100))));
}

/// An answer that was lost is no lease more.
#[rstest]
#[case::in_four_messages(CONFIG, select(1, host(100)))]
#[case::in_two(LeaseServerConfig { rapid_commit: true, ..CONFIG }, discover(1))]
fn a_lease_is_counted_once(#[case] config: LeaseServerConfig, #[case] what: Said) {
    let mut server = LeaseServer::new(config);
    for seconds in [0, 4] {
        assert_eq!(asked(&mut server, seconds, what), Some((ACK, host(100))));
    }
    assert_eq!(server.counters().given, 1);
    assert_eq!(asked(&mut server, 44, what), Some((ACK, host(100))));
    assert_eq!(server.counters().given, 2);
}

/// Neither its own address nor the router's, though they are in the pool.
#[test]
fn what_is_kept_is_not_given() {
    let mut server = LeaseServer::new(LeaseServerConfig { pool: [host(0), host(2)], router: Some(host(0)), ..CONFIG });
    assert_eq!(asked(&mut server, 0, discover(1)), Some((OFFER, host(2))));
    assert_eq!(asked(&mut server, 0, select(2, host(1))), NAK);
    assert_eq!(asked(&mut server, 0, discover(2)), None);
}

/// A client with a lease of host 100 from second 0 on, of 40 s, and what it, or another, says later.
#[rstest]
#[case::renewed(20, renew(1, host(100)), Some((ACK, host(100))))]
#[case::renewed_late(50, renew(1, host(100)), Some((ACK, host(100))))]
#[case::renewed_and_free(20, renew(2, host(101)), Some((ACK, host(101))))]
#[case::renewed_by_another(20, renew(2, host(100)), NAK)]
#[case::renewed_elsewhere(20, renew(1, host(101)), NAK)]
#[case::renewed_out_of_the_pool(20, renew(2, host(200)), NAK)]
#[case::rebound(35, rebind(1, host(100)), Some((ACK, host(100))))]
#[case::rebound_mistaken(35, rebind(1, host(101)), NAK)]
#[case::rebound_after_its_time(45, rebind(1, host(101)), None)]
#[case::rebound_unknown(35, rebind(2, host(101)), None)]
#[case::rebooted(10, reboot(1, host(100)), Some((ACK, host(100))))]
#[case::rebooted_late(45, reboot(1, host(100)), Some((ACK, host(100))))]
#[case::rebooted_mistaken(10, reboot(1, host(102)), NAK)]
#[case::rebooted_unknown(10, reboot(2, host(100)), None)]
#[case::rebooted_from_elsewhere(10, reboot(2, Ipv4Addr::new(198, 51, 100, 1)), NAK)]
#[case::selected_what_another_has(10, select(2, host(100)), NAK)]
#[case::selected_another_server(10, Said { server: Some(OTHER_SERVER), ..select(1, host(100)) }, None)]
#[case::released(10, release(1, host(100)), None)]
#[case::declined(10, decline(1, host(100)), None)]
fn requests_are_answered_as_the_state_demands(
    #[case] seconds: u64,
    #[case] what: Said,
    #[case] answer: Option<(Dhcpv4Kind, Ipv4Addr)>,
) {
    let mut server = LeaseServer::new(CONFIG);
    assert_eq!(asked(&mut server, 0, discover(1)), Some((OFFER, host(100))));
    assert_eq!(asked(&mut server, 0, select(1, host(100))), Some((ACK, host(100))));
    assert_eq!(asked(&mut server, seconds, what), answer);
}

/// A backup extends what it has not given, unless another has it; and refuses what cannot be.
#[rstest]
#[case(rebind(2, host(50)), Some((ACK, host(50))))]
#[case(reboot(2, host(50)), Some((ACK, host(50))))]
#[case(renew(2, host(50)), Some((ACK, host(50))))]
#[case(rebind(2, host(100)), NAK)]
#[case(reboot(2, host(100)), NAK)]
#[case(rebind(2, SERVER), NAK)]
#[case(rebind(2, Ipv4Addr::new(198, 51, 100, 1)), NAK)]
fn a_backup_takes_over(#[case] what: Said, #[case] answer: Option<(Dhcpv4Kind, Ipv4Addr)>) {
    let mut server = LeaseServer::new(LeaseServerConfig { authoritative: true, ..CONFIG });
    asked(&mut server, 0, discover(1));
    asked(&mut server, 0, select(1, host(100)));
    assert_eq!(asked(&mut server, 10, what), answer);
}

/// Sections 4.3.3 and 4.3.4: what was declined is given to nobody for the length of a lease; what was released is
/// free, but its client's first.
#[test]
fn what_is_given_back() {
    let mut server = LeaseServer::new(LeaseServerConfig { pool: [host(100), host(100)], ..CONFIG });
    asked(&mut server, 0, discover(1));
    asked(&mut server, 0, select(1, host(100)));
    assert_eq!(asked(&mut server, 1, decline(2, host(100))), None);
    assert_eq!(asked(&mut server, 1, release(2, host(100))), None);
    assert_eq!(dropped(&server), [(LeaseDrop::Unknown, 2)]);
    assert_eq!(asked(&mut server, 2, discover(2)), None);
    asked(&mut server, 3, release(1, host(100)));
    assert_eq!(asked(&mut server, 4, discover(2)), Some((OFFER, host(100))));
    asked(&mut server, 4, decline(2, host(100)));
    for (client, seconds, free) in [(1, 43, false), (2, 43, false), (1, 44, true)] {
        assert_eq!(asked(&mut server, seconds, discover(client)).is_some(), free, "{client} {seconds}");
    }
    let LeaseServerCounters { released, declined, .. } = *server.counters();
    assert_eq!((released, declined), (1, 1));
}

/// An offer is taken back when its client takes another server's.
#[test]
fn an_offer_is_withdrawn() {
    let mut server = LeaseServer::new(LeaseServerConfig { pool: [host(100), host(100)], ..CONFIG });
    asked(&mut server, 0, discover(1));
    assert_eq!(asked(&mut server, 1, discover(2)), None);
    asked(&mut server, 2, Said { server: Some(OTHER_SERVER), ..select(1, host(7)) });
    assert_eq!(asked(&mut server, 2, discover(2)), Some((OFFER, host(100))));
}

/// RFC 4039: given at once, with the option in the answer.
#[test]
fn rapid_commit() {
    let mut server = LeaseServer::new(LeaseServerConfig { rapid_commit: true, ..CONFIG });
    let answer = heard(&mut server, 0, &frame(discover(1), |_| {})).unwrap();
    with_message(&answer, |_, message| {
        assert_eq!(message.kind(), Some(ACK));
        assert!(message.option(option::RAPID_COMMIT).is_some());
    });
    assert_eq!(asked(&mut server, 1, renew(1, host(100))), Some((ACK, host(100))));
}

/// Table 3, section 4.1 and RFC 6842: fields and options, and where the answer goes.
#[rstest]
#[case::offer(discover(1), false, host(100), station(1))]
#[case::offer_broadcast(discover(1), true, Ipv4Addr::BROADCAST, EthernetAddress::BROADCAST)]
#[case::refusal(reboot(1, Ipv4Addr::new(198, 51, 100, 1)), false, Ipv4Addr::BROADCAST, EthernetAddress::BROADCAST)]
#[case::renewed(renew(1, host(100)), true, host(100), station(1))]
#[case::informed(Said { ciaddr: host(7), ..said(1, Dhcpv4Kind::Inform) }, false, host(7), station(1))]
fn answers_say_what_they_must(
    #[case] what: Said,
    #[case] broadcast: bool,
    #[case] dst: Ipv4Addr,
    #[case] to: EthernetAddress,
) {
    let mut server = LeaseServer::new(CONFIG);
    let answer = heard(&mut server, 0, &frame(what, |header| header.broadcast = broadcast)).unwrap();
    let link = EthernetFrame::parse(&answer).unwrap();
    assert_eq!((link.src(), link.dst()), (CONFIG.hardware, to));
    with_message(&answer, |packet, message| {
        assert_eq!((packet.src(), packet.dst()), (SERVER, dst));
        let header = message.header();
        assert_eq!((header.op, header.xid, header.secs), (Dhcpv4Op::Reply, 7, 0));
        assert_eq!((header.broadcast, header.chaddr, header.giaddr), (broadcast, station(1), NOBODY));
        let kind = message.kind().unwrap();
        assert_eq!(header.ciaddr, if kind == ACK { what.ciaddr } else { NOBODY });
        let has = |code, value: &[u8]| message.option(code).is_some_and(|found| *found == *value);
        assert!(has(option::SERVER_ID, &SERVER.octets()) && has(option::CLIENT_ID, &[0, 1]));
        let leases = kind != Dhcpv4Kind::Nak && what.kind != Dhcpv4Kind::Inform;
        assert_eq!(has(option::LEASE_TIME, &40_u32.to_be_bytes()), leases);
        assert_eq!(has(option::REBINDING_TIME, &30_u32.to_be_bytes()), leases);
        assert_eq!(message.option(option::RENEWAL_TIME), None);
        let settings = kind != Dhcpv4Kind::Nak;
        assert_eq!(has(option::SUBNET_MASK, &[255, 255, 255, 0]), settings);
        assert_eq!(has(option::ROUTER, &host(254).octets()), settings);
    });
}

/// What is not answered is counted, by reason.
#[test]
fn drops_have_reasons() {
    let mut server = LeaseServer::new(CONFIG);
    let plain = frame(discover(1), |_| {});
    let damaged = |at: usize| -> Bytes {
        let mut bytes = plain.to_vec();
        bytes[at] ^= 1;
        bytes.into()
    };
    let cases = [
        // The IPv4 header, the datagram, too little of it.
        (damaged(20), LeaseDrop::Malformed),
        (damaged(60), LeaseDrop::Malformed),
        (plain.slice(..40), LeaseDrop::Malformed),
        (frame(said(1, Dhcpv4Kind::Inform), |_| {}), LeaseDrop::Malformed),
        (frame(Said { server: Some(SERVER), ..said(1, Dhcpv4Kind::Decline) }, |_| {}), LeaseDrop::Malformed),
        (frame(said(1, Dhcpv4Kind::Release), |_| {}), LeaseDrop::Malformed),
        (frame(said(1, Dhcpv4Kind::Offer), |_| {}), LeaseDrop::NotForUs),
        (frame(discover(1), |header| header.op = Dhcpv4Op::Reply), LeaseDrop::NotForUs),
        (frame(Said { dst: host(7), ..discover(1) }, |_| {}), LeaseDrop::NotForUs),
        (frame(discover(1), |header| header.giaddr = host(254)), LeaseDrop::Relayed),
        (frame(Said { server: Some(OTHER_SERVER), ..release(1, host(100)) }, |_| {}), LeaseDrop::OtherServer),
        (frame(release(1, host(100)), |_| {}), LeaseDrop::Unknown),
    ];
    for (place, (frame, reason)) in cases.into_iter().enumerate() {
        let before = server.counters().dropped.get(&reason).copied().unwrap_or_default();
        assert_eq!(heard(&mut server, 0, &frame), None, "{place}");
        assert_eq!(server.counters().dropped.get(&reason), Some(&(before + 1)), "{place}");
    }
}

/// RFC 826: for its own address only.
#[rstest]
#[case(SERVER, true)]
#[case(host(100), false)]
fn its_address_is_resolved(#[case] target: Ipv4Addr, #[case] answers: bool) {
    let request = ArpHeader {
        operation: ArpOperation::Request,
        sender_hardware: station(1),
        sender_protocol: host(100),
        target_hardware: EthernetAddress::UNSPECIFIED,
        target_protocol: target,
    };
    let answer = heard(&mut LeaseServer::new(CONFIG), 0, &frames::arp(EthernetAddress::BROADCAST, &request));
    assert_eq!(answer.is_some(), answers);
    if let Some(answer) = answer {
        let link = EthernetFrame::parse(&answer).unwrap();
        let reply = ArpPacket::parse(link.payload()).unwrap();
        assert_eq!((link.dst(), reply.operation()), (station(1), ArpOperation::Reply));
        assert_eq!((reply.sender_hardware(), reply.sender_protocol()), (CONFIG.hardware, SERVER));
    }
}

/// A flood of clients: no more is remembered than there are addresses.
#[test]
fn the_table_is_bounded() {
    let mut server = LeaseServer::new(CONFIG);
    for client in 0..=u8::MAX {
        asked(&mut server, 0, discover(client));
    }
    assert_eq!(server.counters().offered, 3);
    assert_eq!(dropped(&server), [(LeaseDrop::Exhausted, 253)]);
    let whole = [Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 255, 255, 254)];
    let mut server = LeaseServer::new(LeaseServerConfig { pool: whole, ..CONFIG });
    let beyond = Ipv4Addr::from_bits(whole[0].to_bits() + LeaseServer::POOL_MAX as u32);
    assert_eq!(asked(&mut server, 0, select(1, beyond)), NAK);
}

/// A backup remembers as many leases of others as of its own pool, and no more, whatever the pool has left.
#[test]
fn leases_taken_over_are_bounded() {
    let [pool, beside] = [Ipv4Addr::new(10, 0, 0, 0), Ipv4Addr::new(10, 1, 0, 0)].map(Ipv4Addr::to_bits);
    let most = LeaseServer::POOL_MAX as u32;
    let mut bindings = Bindings::new([pool, pool + most - 1].map(Ipv4Addr::from_bits), &[]);
    for first in [beside, pool] {
        for address in first..first + most {
            assert!(bindings.may_take_over(at(0), address.into()));
            bindings.lease(address.into(), address.to_be_bytes().to_vec(), Some(at(1)));
        }
        assert!(!bindings.may_take_over(at(0), first.into()));
        assert!(!bindings.may_take_over(at(0), (beside + most).into()));
    }
    // What is nobody's any more is known already.
    assert!(bindings.may_take_over(at(1), beside.into()));
}
