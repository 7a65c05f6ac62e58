use alloc::string::ToString;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddr};

use rstest::rstest;

use crate::error::DropReason;
use crate::tests::rig::udp_packet;
use crate::wire::dhcpv4::{Dhcpv4Header, Dhcpv4Kind, Dhcpv4Message, Dhcpv4Op, HEADER_LEN, MESSAGE_MIN, option};
use crate::wire::ethernet::EthernetAddress;
use crate::wire::notation::Notation;

const HEADER: Dhcpv4Header = Dhcpv4Header {
    op: Dhcpv4Op::Reply,
    xid: 0x1234_5678,
    secs: 9,
    broadcast: true,
    ciaddr: Ipv4Addr::new(192, 0, 2, 1),
    yiaddr: Ipv4Addr::new(192, 0, 2, 2),
    siaddr: Ipv4Addr::new(192, 0, 2, 3),
    giaddr: Ipv4Addr::new(192, 0, 2, 4),
    chaddr: EthernetAddress([2, 0, 0, 0, 0, 9]),
};

fn message(options: &[(u8, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    HEADER.emit(options.iter().copied(), &mut bytes);
    bytes
}

/// RFC 2131 section 2, figure 1, field by field.
#[test]
fn the_fixed_part_stands_where_the_rfc_draws_it() {
    let bytes = message(&[(53, &[2])]);
    assert_eq!(bytes[..4], [2, 1, 6, 0]);
    assert_eq!(bytes[4..12], [0x12, 0x34, 0x56, 0x78, 0, 9, 0x80, 0]);
    assert_eq!(bytes[12..28], [192, 0, 2, 1, 192, 0, 2, 2, 192, 0, 2, 3, 192, 0, 2, 4]);
    assert_eq!(bytes[28..34], [2, 0, 0, 0, 0, 9]);
    assert!(bytes[34..236].iter().all(|byte| *byte == 0));
    assert_eq!(bytes[236..244], [99, 130, 83, 99, 53, 1, 2, 255]);
    assert_eq!(bytes.len(), MESSAGE_MIN);
    let view = Dhcpv4Message::parse(&bytes).unwrap();
    assert_eq!((view.header(), view.kind()), (HEADER, Some(Dhcpv4Kind::Offer)));
}

#[test]
fn every_truncation_of_the_fixed_part_is_refused() {
    let bytes = message(&[]);
    for len in 0..HEADER_LEN {
        assert_eq!(Dhcpv4Message::parse(&bytes[..len]).err(), Some(DropReason::Dhcpv4Truncated), "{len} bytes");
    }
    assert!(Dhcpv4Message::parse(&bytes[..HEADER_LEN]).is_ok(), "no options at all");
}

#[rstest]
#[case::operation(0, 3)]
#[case::hardware_type(1, 6)]
#[case::hardware_length(2, 16)]
#[case::cookie(236, 0)]
fn another_format_is_refused(#[case] at: usize, #[case] byte: u8) {
    let mut bytes = message(&[]);
    bytes[at] = byte;
    assert_eq!(Dhcpv4Message::parse(&bytes).err(), Some(DropReason::Dhcpv4Format));
}

/// What stands before an option that does not fit is good.
#[test]
fn every_truncation_of_the_options_is_survived() {
    let bytes = message(&[(54, &[192, 0, 2, 1]), (51, &[0, 0, 0, 60]), (53, &[5])]);
    for len in HEADER_LEN..HEADER_LEN + 15 {
        let view = Dhcpv4Message::parse(&bytes[..len]).unwrap();
        let fits = len - HEADER_LEN;
        assert_eq!(view.option(54).is_some(), fits >= 6, "{len}");
        assert_eq!(view.option(51).is_some(), fits >= 12, "{len}");
        assert_eq!(view.kind().is_some(), fits >= 15, "{len}");
        assert_eq!(view.malformed_fields(), usize::from(![0, 6, 12, 15].contains(&fits)), "{len}");
    }
}

#[rstest]
#[case(5, 0)]
#[case(57, 1)]
#[case(255, 1)]
fn a_length_that_lies_ends_the_field(#[case] len: u8, #[case] malformed: usize) {
    let mut bytes = message(&[(53, &[5]), (12, b"host")]);
    bytes[HEADER_LEN + 4] = len;
    let view = Dhcpv4Message::parse(&bytes).unwrap();
    assert_eq!((view.kind(), view.malformed_fields()), (Some(Dhcpv4Kind::Ack), malformed));
}

/// RFC 3396: pieces of one option are one value, whatever stands between them.
#[test]
fn a_long_option_is_split_and_put_together() {
    let long: Vec<u8> = (0..700_u32).map(|at| at as u8).collect();
    let bytes = message(&[(121, &long), (53, &[5])]);
    assert_eq!((bytes[240], bytes[241], bytes[497], bytes[498]), (121, 255, 121, 255));
    let view = Dhcpv4Message::parse(&bytes).unwrap();
    assert_eq!(view.option(121).unwrap(), long);
    assert_eq!(view.options().count(), 4);
    assert_eq!(view.option(80), None);
}

/// RFC 2131 section 4.1: `options`, then `file`, then `sname`, as option 52 says.
#[rstest]
#[case::neither(0, b"a")]
#[case::file(1, b"ab")]
#[case::sname(2, b"ac")]
#[case::both(3, b"abc")]
fn overload(#[case] fields: u8, #[case] name: &[u8]) {
    let mut bytes = message(&[(52, &[fields]), (12, b"a")]);
    bytes[108..112].copy_from_slice(&[12, 1, b'b', 255]);
    bytes[44..48].copy_from_slice(&[12, 1, b'c', 255]);
    assert_eq!(Dhcpv4Message::parse(&bytes).unwrap().option(12).unwrap(), name);
}

/// A field that is full to its end needs no end option; one that lies spoils only itself.
#[test]
fn a_malformed_overloaded_field_spoils_only_itself() {
    let mut bytes = message(&[(52, &[3]), (53, &[5])]);
    bytes[108..111].copy_from_slice(&[12, 200, b'x']);
    bytes[44] = 12;
    bytes[45] = 62;
    let view = Dhcpv4Message::parse(&bytes).unwrap();
    assert_eq!((view.malformed_fields(), view.option(12).unwrap().len()), (1, 62));
}

#[test]
fn overload_inside_an_overloaded_field_means_nothing() {
    let mut bytes = message(&[(52, &[1])]);
    bytes[108..112].copy_from_slice(&[52, 1, 3, 255]);
    bytes[44..47].copy_from_slice(&[12, 1, b'c']);
    assert_eq!(Dhcpv4Message::parse(&bytes).unwrap().option(12), None);
}

#[test]
fn options_without_a_value_and_padding() {
    let bytes = message(&[(80, &[]), (0, &[]), (53, &[1])]);
    // Padding has no length: what was written as one is padding twice.
    let view = Dhcpv4Message::parse(&bytes).unwrap();
    assert!(view.option(80).unwrap().is_empty());
    assert_eq!(view.kind(), Some(Dhcpv4Kind::Discover));
}

#[rstest]
#[case(&[], None)]
#[case(&[1, 2], None)]
#[case(&[0], None)]
#[case(&[9], None)]
#[case(&[8], Some(Dhcpv4Kind::Inform))]
fn kinds(#[case] value: &[u8], #[case] kind: Option<Dhcpv4Kind>) {
    let bytes = message(&[(53, value)]);
    assert_eq!(Dhcpv4Message::parse(&bytes).unwrap().kind(), kind);
}

#[test]
fn the_notation_of_a_message() {
    let options: [(u8, &[u8]); 14] = [
        (53, &[2]),
        (1, &[255, 255, 255, 0]),
        (3, &[192, 0, 2, 1, 192, 0, 2, 3]),
        (option::LEASE_TIME, &[0, 0, 0, 120]),
        (58, &[0, 0, 0, 60]),
        (59, &[0, 0, 0, 105]),
        (54, &[192, 0, 2, 1]),
        (15, b"example.org\n"),
        (61, &[255, 1, 2]),
        (55, &[1, 3]),
        (80, &[]),
        (121, &[0, 192, 0, 2, 1]),
        (6, &[192, 0, 2, 1, 7]),
        (26, &[5, 220]),
    ];
    let mut bytes = message(&options);
    let to_client = |bytes: &[u8]| {
        let port = |port| SocketAddr::new([192, 0, 2, 1].into(), port);
        let packet = udp_packet(port(67), port(68), bytes);
        Notation { full: true, ..Notation::default() }.packet(&packet).to_string()
    };
    insta::assert_snapshot!(to_client(&bytes), @r"192.0.2.1:67 > 192.0.2.1:68 dhcp offer xid 12345678 secs 9 broadcast ciaddr 192.0.2.1 yiaddr 192.0.2.2 siaddr 192.0.2.3 giaddr 192.0.2.4 <mask 255.255.255.0, router 192.0.2.1 192.0.2.3, lease 120, T1 60, T2 105, server 192.0.2.1, domain example.org\n, client ff0102, wants 1 3, rapid-commit, option 121 (5), dns 192.0.2.1 (1 more), mtu 1500>");
    bytes.truncate(HEADER_LEN);
    assert!(to_client(&bytes).ends_with(
        "dhcp bootp xid 12345678 secs 9 broadcast ciaddr 192.0.2.1 yiaddr 192.0.2.2 siaddr 192.0.2.3 giaddr 192.0.2.4"
    ));
    bytes.extend_from_slice(&[53, 1, 6, 12, 200]);
    assert!(to_client(&bytes).contains("dhcp nak "));
    assert!(to_client(&bytes).ends_with(" <malformed: dhcpv4.option>"));
    bytes.truncate(HEADER_LEN - 1);
    assert!(to_client(&bytes).ends_with("udp (239)"));
}
