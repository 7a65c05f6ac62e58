use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::samples::naive_sum;
use crate::wire::checksum::{self, Sum};
use crate::wire::ipv4::IpProtocol;

/// 0 and 0xffff are the same number in ones' complement.
fn same(a: u16, b: u16) -> bool {
    a == b || (a.is_multiple_of(0xffff) && b.is_multiple_of(0xffff))
}

#[test]
fn rfc_1071_section_3_example() {
    let mut sum = Sum::new();
    sum.add_bytes(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
    assert_eq!(sum.fold(), 0xddf2);
    assert_eq!(sum.finish(), !0xddf2);
}

#[test]
fn rfc_1624_section_4_example() {
    assert_eq!(checksum::update(0xdd2f, 0x5555, 0x3285), 0x0000);
}

#[test]
fn sum_of_nothing() {
    assert_eq!(Sum::new().fold(), 0);
    assert_eq!(Sum::new().finish(), 0xffff);
    assert_eq!(checksum::of(&[]), 0xffff);
}

#[test]
fn no_carry_is_lost() {
    let ones = alloc::vec![0xff; 65_536];
    for len in [0, 1, 2, 3, 31, 32, 33, 1459, 1460, 65_535, 65_536] {
        let mut sum = Sum::new();
        sum.add_bytes(&ones[..len]);
        assert!(same(sum.fold(), naive_sum(&ones[..len])), "{len} bytes of 0xff");
    }
}

#[test]
fn pseudo_headers_are_those_of_the_rfcs() {
    let (src, dst) = (Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(198, 51, 100, 2));
    let header = [192, 0, 2, 1, 198, 51, 100, 2, 0, 6, 0x12, 0x34];
    let sum = Sum::pseudo_header_v4(src, dst, IpProtocol::TCP, 0x1234);
    assert_eq!(sum.fold(), naive_sum(&header));

    let (src, dst): (Ipv6Addr, Ipv6Addr) = ("2001:db8::1".parse().unwrap(), "fe80::ff:1".parse().unwrap());
    let mut header = src.octets().to_vec();
    header.extend_from_slice(&dst.octets());
    header.extend_from_slice(&[0, 1, 0x23, 0x45, 0, 0, 0, 58]);
    let sum = Sum::pseudo_header_v6(src, dst, IpProtocol::ICMPV6, 0x12345);
    assert_eq!(sum.fold(), naive_sum(&header));
}

#[test]
fn a_field_beyond_the_end_is_not_written() {
    let mut bytes = [1, 2, 3];
    checksum::store(&mut bytes, 2, 0xffff);
    checksum::store(&mut bytes, 9, 0xffff);
    assert_eq!(bytes, [1, 2, 3]);
}

proptest! {
    #[test]
    fn pieces_of_any_length_sum_like_the_whole(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        cuts in proptest::collection::vec(0usize..300, 0..6),
    ) {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.sort_unstable();
        let mut sum = Sum::new();
        let mut start = 0;
        for cut in cuts {
            sum.add_bytes(&bytes[start..cut]);
            start = cut;
        }
        sum.add_bytes(&bytes[start..]);
        prop_assert!(same(sum.fold(), naive_sum(&bytes)));
    }

    #[test]
    fn what_is_copied_is_summed(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        cut in 0usize..300,
    ) {
        let cut = cut.min(bytes.len());
        let mut copy = alloc::vec![0; bytes.len()];
        let mut sum = Sum::new();
        sum.add_copied(&bytes[..cut], &mut copy[..cut]);
        sum.add_copied(&bytes[cut..], &mut copy[cut..]);
        prop_assert!(same(sum.fold(), naive_sum(&bytes)));
        prop_assert_eq!(copy, bytes);
    }

    #[test]
    fn words_go_on_where_bytes_ended(
        bytes in proptest::collection::vec(any::<u8>(), 0..80),
        word in any::<u16>(),
    ) {
        let mut sum = Sum::new();
        sum.add_bytes(&bytes);
        sum.add_u16(word);
        let mut whole = bytes;
        whole.extend_from_slice(&word.to_be_bytes());
        prop_assert!(same(sum.fold(), naive_sum(&whole)));
    }

    #[test]
    fn a_filled_checksum_verifies_and_a_folded_sum_goes_on(
        mut bytes in proptest::collection::vec(any::<u8>(), 20..90),
        start in any::<u16>(),
    ) {
        let start = Sum::from_folded(start);
        checksum::fill(start, &mut bytes, 16);
        let mut sum = start;
        sum.add_bytes(&bytes);
        prop_assert_eq!(sum.finish(), 0);
    }

    #[test]
    fn an_update_is_a_recomputation(
        mut bytes in proptest::collection::vec(any::<u8>(), 40),
        word in any::<u16>(),
    ) {
        bytes[0] = 1; // not all zero, as no header is: RFC 1624 section 3 excludes a sum of +0
        let before = checksum::of(&bytes);
        let old = u16::from_be_bytes([bytes[4], bytes[5]]);
        bytes[4..6].copy_from_slice(&word.to_be_bytes());
        prop_assert_eq!(checksum::update(before, old, word), checksum::of(&bytes));
    }
}
