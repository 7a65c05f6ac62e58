use alloc::vec::Vec;

use proptest::prelude::*;
use rstest::rstest;
use smallvec::smallvec;

use crate::tcp::seq::SeqNumber;
use crate::wire::tcp_options::{SackRange, TcpOptions, Timestamps};

fn range(start: u32, end: u32) -> SackRange {
    SackRange { start: SeqNumber(start), end: SeqNumber(end) }
}

fn emitted(options: &TcpOptions) -> Vec<u8> {
    let mut out = Vec::new();
    options.emit(&mut out);
    assert_eq!(out.len(), options.emitted_len());
    assert!(out.len() <= 40 && out.len() % 4 == 0);
    out
}

const TIMESTAMPS: Timestamps = Timestamps { value: 1, echo: 2 };

#[rstest]
#[case::none(&[], TcpOptions::default())]
#[case::syn(
    &[2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7],
    TcpOptions { mss: Some(1460), sack_permitted: true, timestamps: Some(TIMESTAMPS), window_scale: Some(7), ..TcpOptions::default() }
)]
#[case::sack_permitted_alone(&[1, 1, 4, 2], TcpOptions { sack_permitted: true, ..TcpOptions::default() })]
#[case::data(&[1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2], TcpOptions { timestamps: Some(TIMESTAMPS), ..TcpOptions::default() })]
#[case::sack(
    &[1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1, 5, 18, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4],
    TcpOptions { timestamps: Some(TIMESTAMPS), sack: smallvec![range(1, 2), range(3, 4)], ..TcpOptions::default() }
)]
fn customary_layouts_round_trip(#[case] bytes: &[u8], #[case] options: TcpOptions) {
    assert_eq!(TcpOptions::parse(bytes), options);
    assert_eq!(emitted(&options), bytes);
}

// RFC 9293 MUST-6 and MUST-7: unknown options are ignored, illegal lengths are coped with.
#[rstest]
#[case::unknown_kind_before(&[254, 4, 1, 2, 2, 4, 5, 0xb4])]
#[case::unknown_kind_without_data(&[254, 2, 2, 4, 5, 0xb4])]
#[case::length_0(&[2, 4, 5, 0xb4, 3, 0, 7, 0])]
#[case::length_1(&[2, 4, 5, 0xb4, 3, 1, 7, 0])]
#[case::length_beyond_the_header(&[2, 4, 5, 0xb4, 8, 10, 0, 0])]
#[case::kind_in_the_last_byte(&[2, 4, 5, 0xb4, 1, 1, 1, 3])]
#[case::end_of_list(&[2, 4, 5, 0xb4, 0, 3, 3, 7])]
#[case::mss_of_wrong_length(&[2, 3, 9, 2, 4, 5, 0xb4, 0])]
#[case::window_scale_of_wrong_length(&[3, 4, 1, 1, 2, 4, 5, 0xb4])]
#[case::sack_permitted_of_wrong_length(&[4, 3, 1, 2, 4, 5, 0xb4, 0])]
#[case::sack_of_half_a_block(&[5, 6, 0, 0, 0, 1, 2, 4, 5, 0xb4, 0, 0])]
#[case::sack_without_block(&[5, 2, 2, 4, 5, 0xb4])]
#[case::timestamps_of_wrong_length(&[8, 6, 0, 0, 0, 1, 2, 4, 5, 0xb4, 0, 0])]
fn hostile_options_are_coped_with(#[case] bytes: &[u8]) {
    let mss_only = TcpOptions { mss: Some(1460), ..TcpOptions::default() };
    assert_eq!(TcpOptions::parse(bytes), mss_only);
}

#[test]
fn an_mss_of_zero_is_told_as_it_is() {
    assert_eq!(TcpOptions::parse(&[2, 4, 0, 0]).mss, Some(0));
}

#[test]
fn as_many_sack_blocks_as_fit() {
    let blocks: Vec<SackRange> = (0..6).map(|n| range(n * 10, n * 10 + 5)).collect();
    let mut options = TcpOptions { sack: blocks.clone().into(), ..TcpOptions::default() };
    assert_eq!(TcpOptions::parse(&emitted(&options)).sack[..], blocks[..4]);
    options.timestamps = Some(TIMESTAMPS);
    assert_eq!(TcpOptions::parse(&emitted(&options)).sack[..], blocks[..3]);
    options.mss = Some(1460);
    options.window_scale = Some(7);
    assert_eq!(TcpOptions::parse(&emitted(&options)).sack[..], blocks[..2]);
}

prop_compose! {
    fn any_options()(
        mss in any::<Option<u16>>(),
        window_scale in any::<Option<u8>>(),
        sack_permitted in any::<bool>(),
        timestamps in any::<Option<(u32, u32)>>(),
        sack in proptest::collection::vec(any::<(u32, u32)>(), 0..=2),
    ) -> TcpOptions {
        TcpOptions {
            mss,
            window_scale,
            sack_permitted,
            sack: sack.into_iter().map(|(start, end)| range(start, end)).collect(),
            timestamps: timestamps.map(|(value, echo)| Timestamps { value, echo }),
        }
    }
}

proptest! {
    #[test]
    fn what_is_emitted_parses_to_the_same(options in any_options()) {
        prop_assert_eq!(TcpOptions::parse(&emitted(&options)), options);
    }

    #[test]
    fn any_bytes_parse_and_what_comes_of_them_round_trips(
        bytes in proptest::collection::vec(any::<u8>(), 0..=40),
    ) {
        let options = TcpOptions::parse(&bytes);
        prop_assert!(options.sack.len() <= 4);
        emitted(&options);
    }
}
