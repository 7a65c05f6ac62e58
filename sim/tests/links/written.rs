//! Links as TOML.

use insta::assert_snapshot;
use proptest::prelude::*;
use rstest::rstest;
use tickwire_sim::Link;
use tickwire_sim::link::{Delay, Law, Loss, Pattern, Queue, Rate, Room, Stage};

use crate::millis;
use crate::whole::stage;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read_back(
        a_to_b in prop::collection::vec(stage(), 0..4), b_to_a in prop::collection::vec(stage(), 0..4),
    ) {
        let link = Link { a_to_b, b_to_a };
        let text = link.to_string();
        prop_assert_eq!(text.parse::<Link>(), Ok(link), "{}", text);
    }
}

#[test]
fn a_link_is_written_like_this() {
    let link = Link {
        a_to_b: vec![
            Stage::Rate(Rate::new(10_000_000, Room::Frames(50), Queue::CoDel(tickwire_sim::link::CoDel::default()))),
            Stage::Delay(Delay::new(Law::Normal { mean: millis(20), deviation: millis(2) }).reordering()),
        ],
        b_to_a: vec![
            Stage::Loss(Loss::Matching { pattern: Pattern::SynAck, ordinals: vec![3] }),
            Stage::Duplicate { ppm: 2_500 },
        ],
    };
    assert_snapshot!(link, @r#"
    [[a-to-b]]

    [a-to-b.rate]
    bps = "10Mbit/s"
    framing = "ethernet"
    room = "50frames"

    [a-to-b.rate.queue.codel]
    target = "5ms"
    interval = "100ms"
    floor-bytes = 1514
    ecn = false

    [[a-to-b]]

    [a-to-b.delay]
    correlation = "0ppm"
    order = "overtake"
    in-flight-max = 1048576

    [a-to-b.delay.law.normal]
    mean = "20ms"
    deviation = "2ms"

    [[b-to-a]]

    [b-to-a.loss.matching]
    pattern = "syn-ack"
    ordinals = [3]

    [[b-to-a]]
    duplicate = "2500ppm"
    "#);
}

#[test]
fn presets_come_before_what_is_added() {
    let link: Link = "preset = 'lan'\n[[a-to-b]]\nloss.bernoulli = '1%'".parse().unwrap();
    let lan = Link::lan();
    assert_eq!(link.b_to_a, lan.b_to_a);
    assert_eq!(link.a_to_b, [lan.a_to_b, vec![Stage::Loss(Loss::Bernoulli { ppm: 10_000 })]].concat());
    for (name, preset) in
        [("wifi", Link::wifi()), ("lte", Link::lte()), ("satellite", Link::satellite()), ("dialup", Link::dialup())]
    {
        assert_eq!(format!("preset = '{name}'").parse::<Link>().unwrap(), preset);
    }
}

/// A mistake is answered with the line, the text that is wrong, and what would be right.
#[rstest]
#[case("preset = 'lann'", &["line 1", "`lann`", "`lan`", "`dialup`"])]
#[case("[[both]]\nlosss.bernoulli = '1%'", &["line 2", "`losss`", "`loss`", "`delay`"])]
#[case("[[both]]\nloss.bernouli = '1%'", &["line 2", "`bernouli`", "`bernoulli`"])]
#[case("[[both]]\nloss.bernoulli = '101%'", &["line 2", "loss.bernoulli", "101%", "0% to 100%"])]
#[case("[[both]]\nloss.bernoulli = 1", &["line 2", "loss.bernoulli", "integer `1`", "string"])]
#[case("[[both]]\nrate.bps = '10Mb'", &["line 2", "rate.bps", "\"10Mb\" is no rate", "Mbit/s"])]
#[case("[[both]]\nrate.bps = '10Mbit/s'", &["line 2", "missing field `room`"])]
#[case("[[both]]\nrate = { bps = '10Mbit/s', room = '50 packets' }", &["line 2", "50 packets", "frames", "KiB"])]
#[case("[[both]]\ndelay.law.constant = '5 lightyears'", &["line 2", "delay.law.constant", "5 lightyears", "ms"])]
#[case("[[both]]\ndelay.law.constant = '5ms'\ndelay.correllation = '1%'", &["line 3", "correllation", "`correlation`"])]
#[case("[[both]]\nduplicate = '1%'\n[[both]]\nrate = { bps = '1Mbit/s', room = '9frames', queue.red = { min = 5, max = 5 } }",
    &["both.1.rate.queue.red.max is 5", "more than min"])]
#[case("[[both]]\ndelay.law.uniform = { min = '2ms', max = '1ms' }", &["both.0.delay.law.uniform.max is 1ms", "min, which is 2ms"])]
#[case("[[a-to-b]]\nmtu.steps = []", &["a-to-b.0.mtu.steps is empty", "{ mtu = 1400 }"])]
#[case("[[ab]]\nduplicate = '1%'", &["line 1", "`ab`", "`a-to-b`"])]
#[case("[[both]]\nmtu = { steps = [{ mtu = 70000 }] }", &["line 2", "70000", "u16"])]
fn mistakes(#[case] text: &str, #[case] told: &[&str]) {
    let error = text.parse::<Link>().unwrap_err().to_string();
    assert!(told.iter().all(|part| error.contains(part)), "{error}");
}
