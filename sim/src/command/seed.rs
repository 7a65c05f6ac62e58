//! Seeds as they are typed: numbers, from 0 to 2^64 - 1.

use tickwire_core::Seed;

/// The seed of a number.
pub(crate) fn seed(text: &str) -> Result<Seed, String> {
    let number: u64 = text.parse().map_err(|_| "right would be a number from 0 to 18446744073709551615".to_owned())?;
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    Ok(Seed(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_numbers() {
        let mut bytes = [0; 32];
        bytes[..2].copy_from_slice(&[0x2a, 1]);
        assert_eq!(seed("298"), Ok(Seed(bytes)));
        for wrong in ["", "-1", "2a", "18446744073709551616"] {
            assert!(seed(wrong).is_err(), "{wrong}");
        }
    }
}
