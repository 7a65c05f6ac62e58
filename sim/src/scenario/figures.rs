//! Figures of a run, as people read them.

use super::Population;

impl Population {
    /// What is known of it but the goodputs, each with its name.
    pub(crate) fn told(&self) -> Vec<[String; 2]> {
        let mut told = Vec::new();
        if let Some(bottleneck) = &self.bottleneck {
            let used = share(bottleneck.utilisation_ppm);
            let waited = time(bottleneck.queue_p99_nanos);
            let text = format!(
                "{} towards {}: {used} of the time in use; 99% of frames wait {waited} or less",
                bottleneck.link, bottleneck.toward
            );
            told.push(["bottleneck".to_owned(), text]);
        }
        if let Some(again) = self.retransmissions_ppm {
            told.push(["sent again".to_owned(), format!("{} of segments", share(again))]);
        }
        if let Some(jain) = self.jain_ppm {
            let index = format!("{}.{:03}", jain / 1_000_000, jain / 1_000 % 1_000);
            told.push(["fairness".to_owned(), format!("{index} (Jain's index of the flows' goodputs)")]);
        }
        told
    }
}

/// Bits per second with three digits or so.
pub(crate) fn rate(bps: u64) -> String {
    match bps {
        0..1_000 => format!("{bps} bit/s"),
        1_000..1_000_000 => format!("{} kbit/s", hundredths(bps, 1_000)),
        1_000_000..1_000_000_000 => format!("{} Mbit/s", hundredths(bps, 1_000_000)),
        _ => format!("{} Gbit/s", hundredths(bps, 1_000_000_000)),
    }
}

/// A time with three digits or so.
pub(crate) fn time(nanos: u64) -> String {
    match nanos {
        0..1_000 => format!("{nanos} ns"),
        1_000..1_000_000 => format!("{} us", hundredths(nanos, 1_000)),
        1_000_000..1_000_000_000 => format!("{} ms", hundredths(nanos, 1_000_000)),
        _ => format!("{} s", hundredths(nanos, 1_000_000_000)),
    }
}

fn hundredths(value: u64, unit: u64) -> String {
    format!("{}.{:02}", value / unit, value % unit / (unit / 100))
}

/// A share in parts of a million as `12.3%`.
pub(crate) fn share(ppm: u32) -> String {
    format!("{}.{}%", ppm / 10_000, ppm / 1_000 % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_short() {
        assert_eq!(
            [999, 1_500, 12_345_678, 2_000_000_000].map(rate),
            ["999 bit/s", "1.50 kbit/s", "12.34 Mbit/s", "2.00 Gbit/s"]
        );
        assert_eq!([0, 61_520_000, 1_999_999_999].map(time), ["0 ns", "61.52 ms", "1.99 s"]);
        assert_eq!([0, 525_678, 1_000_000].map(share), ["0.0%", "52.5%", "100.0%"]);
    }
}
