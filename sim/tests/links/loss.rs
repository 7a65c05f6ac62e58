//! Losses against their laws, in whole numbers.

use rstest::rstest;
use tickwire_sim::link::{Cause, GilbertElliott, Loss, Stage};

use crate::{Bench, frame};

const FRAMES: u64 = 100_000;

/// Which of `FRAMES` frames are lost.
fn losses(seed: u8, loss: Loss) -> Vec<bool> {
    let mut bench = Bench::seeded(seed, vec![Stage::Loss(loss)]);
    (0..FRAMES)
        .map(|name| {
            bench.push(name, name, frame(60));
            bench.pop(name).is_none()
        })
        .collect()
}

fn count(losses: &[bool]) -> u64 {
    losses.iter().filter(|lost| **lost).count() as u64
}

/// Within 3 sigma of the mean n p: (k - n p)^2 <= 9 n p (1 - p), times 10^12.
fn assert_binomial(found: u64, n: u64, ppm: u64) {
    let off = i128::from(found) * 1_000_000 - i128::from(n) * i128::from(ppm);
    let variance = i128::from(n) * i128::from(ppm) * i128::from(1_000_000 - ppm);
    assert!(off * off <= 9 * variance, "{found} of {n} at {ppm} ppm");
}

#[rstest]
fn each_frame_for_itself(#[values(1, 2, 3)] seed: u8, #[values(100, 10_000, 500_000, 990_000)] ppm: u32) {
    let losses = losses(seed, Loss::Bernoulli { ppm });
    assert_binomial(count(&losses), FRAMES, ppm.into());
    // A loss tells nothing about the next frame.
    let lost = count(&losses[..losses.len() - 1]);
    let both = losses.windows(2).filter(|pair| pair[0] && pair[1]).count() as u64;
    assert_binomial(both, lost, ppm.into());
}

#[rstest]
#[case(GilbertElliott::BURSTY)]
#[case(GilbertElliott { good_to_bad_ppm: 100_000, bad_to_good_ppm: 500_000, ..GilbertElliott::BURSTY })]
fn bursts_have_the_length_of_the_bad_state(#[case] model: GilbertElliott) {
    for seed in 1..=3 {
        let losses = losses(seed, Loss::GilbertElliott(model));
        // All is lost in the bad state and nothing in the good one: what follows a loss tells the chance
        // of leaving it, what follows none the chance of entering it.
        let after = |state: bool| losses.windows(2).filter(move |pair| pair[0] == state);
        let left = after(true).filter(|pair| !pair[1]).count() as u64;
        assert_binomial(left, after(true).count() as u64, model.bad_to_good_ppm.into());
        let entered = after(false).filter(|pair| pair[1]).count() as u64;
        assert_binomial(entered, after(false).count() as u64, model.good_to_bad_ppm.into());
    }
}

/// In the long run p / (p + r) of the frames meet the bad state. They come in bursts, so the mean
/// scatters more than a binomial one: by the factor (2 - p - r) / (p + r).
#[rstest]
#[case(GilbertElliott::WIRELESS)]
#[case(GilbertElliott::FADING)]
#[case(GilbertElliott::BURSTY)]
fn the_presets_lose_what_they_say(#[case] model: GilbertElliott) {
    let (p, r) = (u64::from(model.good_to_bad_ppm), u64::from(model.bad_to_good_ppm));
    let bad = (0..3)
        .flat_map(|seed| {
            losses(seed, Loss::GilbertElliott(GilbertElliott { bad_loss_ppm: 1_000_000, good_loss_ppm: 0, ..model }))
        })
        .filter(|lost| *lost)
        .count() as u64;
    let n = 3 * FRAMES;
    let ppm = p * 1_000_000 / (p + r);
    let off = i128::from(bad) * 1_000_000 - i128::from(n) * i128::from(ppm);
    let variance = i128::from(n) * i128::from(ppm) * i128::from(1_000_000 - ppm);
    let factor = (i128::from(2_000_000 - p - r), i128::from(p + r));
    assert!(off * off * factor.1 <= 9 * variance * factor.0, "{bad} of {n}, not {ppm} ppm");
}

#[test]
fn by_number() {
    let lost = |loss| {
        let lost = losses(1, loss).into_iter().enumerate().filter(|(_, lost)| *lost);
        lost.map(|(place, _)| place as u64 + 1).take(4).collect::<Vec<_>>()
    };
    assert_eq!(lost(Loss::EveryNth(7)), [7, 14, 21, 28]);
    assert_eq!(lost(Loss::EveryNth(0)), [0_u64; 0]);
    assert_eq!(lost(Loss::Ordinals(vec![1, 5, 6])), [1, 5, 6]);
}

#[test]
fn causes_name_the_state() {
    let model = GilbertElliott {
        good_to_bad_ppm: 500_000,
        bad_to_good_ppm: 500_000,
        good_loss_ppm: 1_000_000,
        bad_loss_ppm: 1_000_000,
    };
    let mut bench = Bench::new(vec![Stage::Loss(Loss::GilbertElliott(model))]);
    (0..100).for_each(|name| bench.push(0, name, frame(60)));
    let dropped = bench.dropped();
    for cause in [Cause::LossInGood, Cause::LossInBad] {
        assert!(dropped.iter().any(|(_, other)| *other == cause), "{cause}");
    }
}
