//! Numbers as people read them.

use tickwire_core::Instant;

/// Seconds, for a picture.
pub(super) fn seconds(at: Instant) -> f64 {
    at.as_nanos() as f64 / 1e9
}

/// A count with its thousands apart: `1,234,567`.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of an axis that is `span` long, with as many decimals as it needs.
pub(super) fn tick(value: f64, span: f64) -> String {
    let decimals = (0..9).find(|decimals| span * 10_f64.powi(*decimals) >= 999.0).unwrap_or(9) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// The numbers of an axis from `from` to `to`: 1, 2 or 5 times a power of ten apart, at most about `count` of them.
pub(super) fn ticks(from: f64, to: f64, count: f64) -> Vec<f64> {
    let rough = ((to - from) / count).max(1e-9);
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|times| times * power).into_iter().find(|step| *step >= rough);
    let step = step.unwrap_or(power * 10.0);
    let first = (from / step).ceil() as i64;
    let last = (to / step).floor() as i64;
    (first..=last).map(|number| number as f64 * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        let counts = [0, 999, 1_000, 1_234_567].map(grouped);
        assert_eq!(counts, ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn axes_have_round_numbers() {
        let written: Vec<String> = ticks(0.0, 4.7, 10.0).iter().map(|number| tick(*number, 4.7)).collect();
        assert_eq!(written, ["0", "0.5", "1", "1.5", "2", "2.5", "3", "3.5", "4", "4.5"]);
        assert_eq!(tick(300.0, 1_200.0), "300");
    }
}
