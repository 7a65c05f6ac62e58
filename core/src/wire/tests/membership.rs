//! IGMP and MLD messages: fields, round trips, truncations and lies.

use alloc::vec;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use rstest::rstest;

use crate::error::DropReason;
use crate::time::Duration;
use crate::wire::membership::{GroupRecord, Message, RecordKind};
use crate::wire::{igmp, mld};

const GROUP_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(233, 252, 0, 1));
const GROUP_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0xff0e, 0, 0, 0, 0, 0, 0, 0x1234));

fn source(v6: bool, n: u8) -> IpAddr {
    if v6 { Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, n.into()).into() } else { Ipv4Addr::new(192, 0, 2, n).into() }
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

/// A query of IGMPv3 about a group and two sources.
fn igmp_query() -> Vec<u8> {
    let mut bytes = vec![0x11, 20, 0, 0];
    bytes.extend(octets(GROUP_V4));
    bytes.extend([0x0a, 125, 0, 2]);
    bytes.extend([octets(source(false, 1)), octets(source(false, 2))].concat());
    bytes
}

/// A query of MLDv2 about a group and two sources.
fn mld_query() -> Vec<u8> {
    let mut bytes = vec![130, 0, 0, 0, 0x27, 0x10, 0, 0];
    bytes.extend(octets(GROUP_V6));
    bytes.extend([0x02, 0x8f, 0, 2]);
    bytes.extend([octets(source(true, 1)), octets(source(true, 2))].concat());
    bytes
}

/// Two records, of which the first has a word of auxiliary data.
fn report(v6: bool) -> Vec<u8> {
    let mut bytes = vec![if v6 { 143 } else { 0x22 }, 0, 0, 0, 0, 0, 0, 2];
    let group = octets(if v6 { GROUP_V6 } else { GROUP_V4 });
    bytes.extend([6, 1, 0, 1]);
    bytes.extend([&group[..], &octets(source(v6, 1)), b"aux."].concat());
    bytes.extend([4, 0, 0, 0]);
    bytes.extend(group);
    bytes
}

fn parse(v6: bool, bytes: &[u8]) -> Result<Message<'_>, DropReason> {
    if v6 { mld::parse(bytes) } else { igmp::parse(bytes) }
}

#[test]
fn an_igmp_query_s_fields() {
    let bytes = igmp_query();
    let Ok(Message::Query(query)) = igmp::parse(&bytes) else { panic!("a query") };
    assert_eq!((query.version, query.group), (3, Some(GROUP_V4)));
    assert_eq!((query.max_response, query.interval), (Duration::from_secs(2), Duration::from_secs(125)));
    assert_eq!((query.suppress, query.robustness), (true, 2));
    assert!(query.sources.iter().eq([source(false, 1), source(false, 2)]));
    let mut out = Vec::new();
    igmp::emit_query(&query, &mut out);
    assert_eq!(out, bytes);
    igmp::fill_checksum(&mut out);
    assert!(igmp::verify_checksum(&out));
    out[4] ^= 1;
    assert!(!igmp::verify_checksum(&out));
}

#[test]
fn an_mld_query_s_fields() {
    let bytes = mld_query();
    let Ok(Message::Query(query)) = mld::parse(&bytes) else { panic!("a query") };
    assert_eq!((query.version, query.group), (2, Some(GROUP_V6)));
    // 0x8f: mantissa 15, exponent 0 (RFC 3810 section 5.1.9).
    assert_eq!((query.max_response, query.interval), (Duration::from_secs(10), Duration::from_secs(248)));
    assert_eq!((query.suppress, query.robustness), (false, 2));
    let mut out = Vec::new();
    mld::emit_query(&query, &mut out);
    assert_eq!(out, bytes);
}

/// RFC 3376 section 4.1.1, RFC 3810 section 5.1.3: above the linear range a mantissa and an exponent.
#[rstest]
#[case(0x00, 0)]
#[case(0x7f, 127)]
#[case(0x80, 128)]
#[case(0x8f, 248)]
#[case(0x90, 256)]
#[case(0xff, 31_744)]
fn igmp_codes(#[case] code: u8, #[case] tenths: u64) {
    let mut bytes = igmp_query();
    (bytes[1], bytes[9]) = (code, code);
    let Ok(Message::Query(query)) = igmp::parse(&bytes) else { panic!("a query") };
    assert_eq!(query.max_response, Duration::from_millis(tenths * 100));
    assert_eq!(query.interval, Duration::from_secs(tenths));
    let mut out = Vec::new();
    igmp::emit_query(&query, &mut out);
    assert_eq!(out, bytes);
}

#[rstest]
#[case(0x0000, 0)]
#[case(0x7fff, 32_767)]
#[case(0x8000, 32_768)]
#[case(0x8fff, 65_528)]
#[case(0x9000, 65_536)]
#[case(0xffff, 8_387_584)]
fn mld_codes(#[case] code: u16, #[case] millis: u64) {
    let mut bytes = mld_query();
    bytes[4..6].copy_from_slice(&code.to_be_bytes());
    let Ok(Message::Query(query)) = mld::parse(&bytes) else { panic!("a query") };
    assert_eq!(query.max_response, Duration::from_millis(millis));
    let mut out = Vec::new();
    mld::emit_query(&query, &mut out);
    assert_eq!(out, bytes);
}

/// A time between two codes is rounded down, and one beyond the last is that.
#[rstest]
#[case(24_900, 24_800)]
#[case(u64::from(u32::MAX), 3_174_400)]
fn times_that_no_code_tells(#[case] millis: u64, #[case] told: u64) {
    let bytes = igmp_query();
    let Ok(Message::Query(mut query)) = igmp::parse(&bytes) else { panic!("a query") };
    query.max_response = Duration::from_millis(millis);
    let mut out = Vec::new();
    igmp::emit_query(&query, &mut out);
    let Ok(Message::Query(query)) = igmp::parse(&out) else { panic!("a query") };
    assert_eq!(query.max_response, Duration::from_millis(told));
}

/// RFC 3376 section 7.1, RFC 3810 section 8.1.
#[rstest]
#[case::igmp1(false, vec![0x11, 0, 0, 0, 0, 0, 0, 0], 1, 10_000)]
#[case::igmp2(false, vec![0x11, 100, 0, 0, 0, 0, 0, 0], 2, 10_000)]
#[case::igmp2_has_no_exponent(false, vec![0x11, 255, 0, 0, 0, 0, 0, 0], 2, 25_500)]
#[case::igmp3(false, vec![0x11, 100, 0, 0, 0, 0, 0, 0, 2, 125, 0, 0], 3, 10_000)]
#[case::mld1(true, [&[130, 0, 0, 0, 0xff, 0xff, 0, 0][..], &[0; 16]].concat(), 1, 65_535)]
#[case::mld2(true, [&[130, 0, 0, 0, 0x27, 0x10, 0, 0][..], &[0; 16], &[2, 125, 0, 0]].concat(), 2, 10_000)]
fn versions_of_general_queries(#[case] v6: bool, #[case] bytes: Vec<u8>, #[case] version: u8, #[case] millis: u64) {
    let Ok(Message::Query(query)) = parse(v6, &bytes) else { panic!("a query") };
    assert_eq!((query.version, query.group, query.max_response), (version, None, Duration::from_millis(millis)));
    let mut out = Vec::new();
    if v6 {
        mld::emit_query(&query, &mut out);
    } else {
        igmp::emit_query(&query, &mut out);
    }
    assert_eq!(out, bytes);
}

#[rstest]
fn reports_of_records(#[values(false, true)] v6: bool) {
    let bytes = report(v6);
    let Ok(Message::Records(records)) = parse(v6, &bytes) else { panic!("records") };
    let group = if v6 { GROUP_V6 } else { GROUP_V4 };
    let read: Vec<_> = records.iter().map(|record| (record.kind, record.group, record.sources.len())).collect();
    assert_eq!(read, [(Some(RecordKind::Block), group, 1), (Some(RecordKind::ToExclude), group, 0)]);

    let records = [RecordKind::IsInclude, RecordKind::Allow].map(|kind| GroupRecord {
        kind,
        group,
        sources: vec![source(v6, 7), source(v6, 9)],
    });
    let mut out = Vec::new();
    if v6 {
        mld::emit_records(&records, &mut out);
    } else {
        igmp::emit_records(&records, &mut out);
    }
    assert_eq!(out.len(), 8 + records.iter().map(GroupRecord::wire_len).sum::<usize>());
    let Ok(Message::Records(again)) = parse(v6, &out) else { panic!("records") };
    let again: Vec<_> = again
        .iter()
        .map(|record| GroupRecord {
            kind: record.kind.unwrap(),
            group: record.group,
            sources: record.sources.iter().collect(),
        })
        .collect();
    assert_eq!(again, records);
}

#[rstest]
#[case::igmp1(false, 0x12, Message::Report { version: 1, group: GROUP_V4 })]
#[case::igmp2(false, 0x16, Message::Report { version: 2, group: GROUP_V4 })]
#[case::igmp2_leave(false, 0x17, Message::Leave { group: GROUP_V4 })]
#[case::mld1(true, 131, Message::Report { version: 1, group: GROUP_V6 })]
#[case::mld1_done(true, 132, Message::Leave { group: GROUP_V6 })]
fn messages_of_older_versions(#[case] v6: bool, #[case] kind: u8, #[case] message: Message<'_>) {
    let mut out = Vec::new();
    match (message, v6) {
        (Message::Report { version, group }, false) => igmp::emit_report(version, group, &mut out),
        (Message::Report { group, .. }, true) => mld::emit_report(group, &mut out),
        (Message::Leave { group }, false) => igmp::emit_leave(group, &mut out),
        (Message::Leave { group }, true) => mld::emit_done(group, &mut out),
        _ => panic!("not of an older version"),
    }
    assert_eq!((out[0], out.len()), (kind, if v6 { 24 } else { 8 }));
    assert_eq!(parse(v6, &out), Ok(message));
}

#[test]
fn every_truncation_of_a_query() {
    for (v6, bytes, older) in [(false, igmp_query(), 8), (true, mld_query(), 24)] {
        for len in 0..bytes.len() {
            let (truncated, invalid) = if v6 {
                (DropReason::MldTruncated, DropReason::MldInvalid)
            } else {
                (DropReason::IgmpTruncated, DropReason::IgmpInvalid)
            };
            let expected = match len {
                _ if len < older => Some(truncated),
                _ if len == older => None,
                _ if len < older + 4 => Some(invalid),
                _ => Some(truncated),
            };
            assert_eq!(parse(v6, &bytes[..len]).err(), expected, "{len} bytes");
        }
        let longer = [&bytes[..], b"what is ignored"].concat();
        assert_eq!(parse(v6, &longer), parse(v6, &bytes));
    }
}

#[rstest]
fn every_truncation_of_a_report(#[values(false, true)] v6: bool) {
    let bytes = report(v6);
    for len in 0..bytes.len() {
        let truncated = if v6 { DropReason::MldTruncated } else { DropReason::IgmpTruncated };
        assert_eq!(parse(v6, &bytes[..len]).err(), Some(truncated), "{len} bytes");
    }
}

#[rstest]
#[case::query_sources(false, igmp_query(), 11, 3, DropReason::IgmpTruncated)]
#[case::query_sources_6(true, mld_query(), 27, 3, DropReason::MldTruncated)]
#[case::query_about_a_host(false, igmp_query(), 4, 192, DropReason::IgmpInvalid)]
#[case::query_about_a_host_6(true, mld_query(), 8, 0x20, DropReason::MldInvalid)]
#[case::records(false, report(false), 7, 3, DropReason::IgmpTruncated)]
#[case::records_6(true, report(true), 6, 255, DropReason::MldTruncated)]
#[case::record_sources(false, report(false), 11, 200, DropReason::IgmpTruncated)]
#[case::record_sources_6(true, report(true), 10, 255, DropReason::MldTruncated)]
#[case::auxiliary_data(false, report(false), 9, 255, DropReason::IgmpTruncated)]
#[case::auxiliary_data_6(true, report(true), 9, 255, DropReason::MldTruncated)]
#[case::type_unknown(false, igmp_query(), 0, 0x13, DropReason::IgmpType)]
#[case::type_of_another(true, mld_query(), 0, 133, DropReason::MldInvalid)]
fn lies(
    #[case] v6: bool,
    #[case] mut bytes: Vec<u8>,
    #[case] at: usize,
    #[case] value: u8,
    #[case] reason: DropReason,
) {
    bytes[at] = value;
    assert_eq!(parse(v6, &bytes).err(), Some(reason));
}

/// RFC 3376 section 4.2.12: "unrecognized Record Type values MUST be silently ignored".
#[test]
fn a_record_of_an_unknown_type_is_passed_over() {
    let mut bytes = report(false);
    bytes[8] = 7;
    let Ok(Message::Records(records)) = igmp::parse(&bytes) else { panic!("records") };
    assert!(records.iter().map(|record| record.kind).eq([None, Some(RecordKind::ToExclude)]));
}
