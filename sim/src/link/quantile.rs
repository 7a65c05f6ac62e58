//! Laws of chance as tables of their quantiles, computed in fixed point when the program is compiled:
//! no floating-point number takes part, so they are the same on every machine.
//!
//! Random bits choose a cell of a table and a point in it, between whose ends the quantile is taken
//! to be linear.

/// One: results are in units of 2^-16.
pub(super) const ONE: u32 = 1 << 16;

const NORMAL_CELLS: usize = 2048;
const PARETO_CELLS: usize = 4096;

/// Quantiles of the upper half of the standard normal law, from probability 1/2 to 1. The law has no
/// end, the table has: 4 standard deviations.
static NORMAL: [u32; NORMAL_CELLS + 1] = normal_table();

/// Quantiles of the Pareto law of shape 3 and minimum 1: the inverse cube root of what is left of the
/// probability. It ends at 32.
static PARETO: [u32; PARETO_CELLS + 1] = pareto_table();

/// A draw of the standard normal law, in units of 2^-16, from -4 to 4; the mean is 0.
pub(super) fn normal(bits: u64) -> i64 {
    let size = i64::from(at(&NORMAL, (bits >> 53) as usize, (bits >> 21) as u32));
    if bits & 1 == 0 { size } else { -size }
}

/// By how much a draw of the Pareto law of shape 3 exceeds its minimum, in units of 2^-16 of that:
/// from 0 to 31, on average 1/2.
pub(super) fn pareto_excess(bits: u64) -> u64 {
    u64::from(at(&PARETO, (bits >> 52) as usize, (bits >> 20) as u32) - ONE)
}

/// The point `within` (of 2^32) of a cell.
fn at(table: &[u32], cell: usize, within: u32) -> u32 {
    let (from, to) = (table[cell], table[cell + 1]);
    from + ((u64::from(to - from) * u64::from(within)) >> 32) as u32
}

const FIXED: u32 = 60;

/// e^-(2^-shift) in units of 2^-60, by its series.
const fn exp_minus_power(shift: u32) -> u128 {
    let mut term: i128 = 1 << FIXED;
    let mut sum = term;
    let mut k = 1;
    while k < 8 {
        term = -(term >> shift) / k;
        sum += term;
        k += 1;
    }
    sum.cast_unsigned()
}

/// The density e^(-x^2/2) is followed in steps of h = 1/256: from one step to the next it falls by
/// e^(-xh - h^2/2), a factor that itself falls by e^(-h^2). Its integral, taken by trapezoids and
/// divided by the whole, is the probability; the quantiles are read off it.
#[expect(clippy::large_stack_arrays, reason = "the compiler computes it, no stack holds it")]
const fn normal_table() -> [u32; NORMAL_CELLS + 1] {
    const STEPS_PER_ONE: usize = 256;
    const STEPS: usize = 8 * STEPS_PER_ONE;
    let second = exp_minus_power(16);
    let mut first = exp_minus_power(17);
    let mut density: u128 = 1 << FIXED;
    let mut integral = [0_u128; STEPS + 1];
    let mut step = 0;
    while step < STEPS {
        let next = (density * first) >> FIXED;
        integral[step + 1] = integral[step] + u128::midpoint(density, next);
        first = (first * second) >> FIXED;
        density = next;
        step += 1;
    }
    let mut table = [4 * ONE; NORMAL_CELLS + 1];
    let (mut cell, mut step) = (0, 0);
    while cell < NORMAL_CELLS {
        let wanted = integral[STEPS] * cell as u128 / NORMAL_CELLS as u128;
        while integral[step + 1] <= wanted {
            step += 1;
        }
        let unit = ONE as u128 / STEPS_PER_ONE as u128;
        let into = (wanted - integral[step]) * unit / (integral[step + 1] - integral[step]);
        table[cell] = (step as u128 * unit + into) as u32;
        cell += 1;
    }
    table
}

#[expect(clippy::large_stack_arrays, reason = "the compiler computes it, no stack holds it")]
const fn pareto_table() -> [u32; PARETO_CELLS + 1] {
    let mut table = [32 * ONE; PARETO_CELLS + 1];
    let mut cell = 0;
    while cell < PARETO_CELLS {
        // The cube root of (1 / left) in units of 2^-16.
        let cube = ((PARETO_CELLS as u128) << 48) / (PARETO_CELLS - cell) as u128;
        let mut root: u128 = 0;
        let mut bit = 1 << 21;
        while bit > 0 {
            let more = root + bit;
            if more * more * more <= cube {
                root = more;
            }
            bit >>= 1;
        }
        table[cell] = root as u32;
        cell += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the standard normal law: probability in units of 10^-7, quantile in units of 10^-4 (from
    /// printed tables).
    const NORMAL_QUANTILES: [(u64, i64); 6] = [
        (5_000_000, 0),
        (7_500_000, 6_745),
        (8_413_447, 10_000),
        (9_750_000, 19_600),
        (9_772_499, 20_000),
        (9_986_501, 30_000),
    ];

    #[test]
    fn the_normal_table_is_the_normal_law() {
        for (probability, quantile) in NORMAL_QUANTILES {
            // The upper half of the law, as bits with the sign bit clear.
            let upper = u128::from(probability - 5_000_000) * (1 << 63) / 5_000_000;
            let found = normal((upper as u64) << 1);
            let wanted = quantile * i64::from(ONE) / 10_000;
            assert!((found - wanted).abs() <= 100, "{probability}: {found}, not {wanted}");
            assert_eq!(normal((upper as u64) << 1 | 1), -found);
        }
        assert_eq!(normal(u64::MAX - 1), i64::from(4 * ONE - 1));
    }

    #[test]
    fn the_pareto_table_is_the_pareto_law() {
        // 1 - (1/2)^3, 1 - (1/4)^3, 1 - (1/8)^3 of the probability lies below 2, 4, 8.
        for (left, minimum_times) in [(1, 1), (8, 2), (64, 4), (512, 8)] {
            let bits = ((1 << 64) - (1_u128 << 64) / left) as u64;
            let found = pareto_excess(bits) + u64::from(ONE);
            assert_eq!(found, minimum_times * u64::from(ONE));
        }
        let draws = 1_u64 << 16;
        let sum: u64 = (0..draws).map(|n| pareto_excess(n << 48 | 1 << 47)).sum();
        let mean = sum / draws;
        // 1/2, less the tail beyond 32, more what the linear cells are above the curve.
        assert!((32_700..=32_800).contains(&mean), "{mean}");
    }
}
