//! Figures as people read them.

use std::time::Duration;

/// A time as people say it: 21.4 us, 3.2 ms, 1.5 s.
pub(crate) fn time(duration: Duration) -> String {
    let micros = duration.as_secs_f64() * 1e6;
    if micros < 1000.0 {
        format!("{micros:.1} us")
    } else if micros < 1e6 {
        format!("{:.1} ms", micros / 1e3)
    } else {
        format!("{:.1} s", micros / 1e6)
    }
}

/// A rate in bits per second.
pub(crate) fn rate(bytes: u64, duration: Duration) -> String {
    let megabits = u128::from(bytes) * 8 * 1000 / duration.as_nanos().max(1);
    if megabits >= 1000 {
        format!("{}.{:02} Gbit/s", megabits / 1000, megabits % 1000 / 10)
    } else {
        format!("{megabits} Mbit/s")
    }
}

/// Thousands apart: 1,234,567.
pub(crate) fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        assert_eq!(time(Duration::from_nanos(21_440)), "21.4 us");
        assert_eq!(time(Duration::from_micros(3_200)), "3.2 ms");
        assert_eq!(time(Duration::from_millis(1_500)), "1.5 s");
        assert_eq!(rate(125_000_000, Duration::from_secs(1)), "1.00 Gbit/s");
        assert_eq!(rate(125_000_000, Duration::from_secs(2)), "500 Mbit/s");
        let groups = [(0, "0"), (999, "999"), (1000, "1,000"), (123_456, "123,456"), (1_234_567, "1,234,567")];
        for (value, text) in groups {
            assert_eq!(grouped(value), text);
        }
    }
}
