//! HMAC-MD5 (RFC 1321, RFC 2104): what a Reconfigure is authenticated with (RFC 8415 section 20.4).
//! MD5 is good for nothing else any more; no other place may use it.

use alloc::vec::Vec;

const BLOCK: usize = 64;

/// How far each step rotates (RFC 1321 section 3.4): four amounts per round, over and over.
const ROTATIONS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];

/// The table T: the integer part of 4294967296 times abs(sin(i)), i from 1 in radians.
const TABLE: [u32; 64] = [
    0xd76a_a478,
    0xe8c7_b756,
    0x2420_70db,
    0xc1bd_ceee,
    0xf57c_0faf,
    0x4787_c62a,
    0xa830_4613,
    0xfd46_9501,
    0x6980_98d8,
    0x8b44_f7af,
    0xffff_5bb1,
    0x895c_d7be,
    0x6b90_1122,
    0xfd98_7193,
    0xa679_438e,
    0x49b4_0821,
    0xf61e_2562,
    0xc040_b340,
    0x265e_5a51,
    0xe9b6_c7aa,
    0xd62f_105d,
    0x0244_1453,
    0xd8a1_e681,
    0xe7d3_fbc8,
    0x21e1_cde6,
    0xc337_07d6,
    0xf4d5_0d87,
    0x455a_14ed,
    0xa9e3_e905,
    0xfcef_a3f8,
    0x676f_02d9,
    0x8d2a_4c8a,
    0xfffa_3942,
    0x8771_f681,
    0x6d9d_6122,
    0xfde5_380c,
    0xa4be_ea44,
    0x4bde_cfa9,
    0xf6bb_4b60,
    0xbebf_bc70,
    0x289b_7ec6,
    0xeaa1_27fa,
    0xd4ef_3085,
    0x0488_1d05,
    0xd9d4_d039,
    0xe6db_99e5,
    0x1fa2_7cf8,
    0xc4ac_5665,
    0xf429_2244,
    0x432a_ff97,
    0xab94_23a7,
    0xfc93_a039,
    0x655b_59c3,
    0x8f0c_cc92,
    0xffef_f47d,
    0x8584_5dd1,
    0x6fa8_7e4f,
    0xfe2c_e6e0,
    0xa301_4314,
    0x4e08_11a1,
    0xf753_7e82,
    0xbd3a_f235,
    0x2ad7_d2bb,
    0xeb86_d391,
];

/// The keyed digest of `parts`, one behind the other.
pub(super) fn hmac(key: &[u8; 16], parts: &[&[u8]]) -> [u8; 16] {
    let pad = |byte: u8| {
        let mut block = [byte; BLOCK];
        block.iter_mut().zip(key).for_each(|(block, key)| *block ^= key);
        block
    };
    let mut inner = pad(0x36).to_vec();
    for part in parts {
        inner.extend_from_slice(part);
    }
    let mut outer = pad(0x5c).to_vec();
    outer.extend_from_slice(&md5(inner));
    md5(outer)
}

fn md5(mut message: Vec<u8>) -> [u8; 16] {
    let bits = (message.len() as u64).wrapping_mul(8);
    message.push(0x80);
    while message.len() % BLOCK != BLOCK - 8 {
        message.push(0);
    }
    message.extend_from_slice(&bits.to_le_bytes());
    let mut state = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    for block in message.as_chunks::<BLOCK>().0 {
        let mut words = [0; 16];
        words.iter_mut().zip(block.as_chunks::<4>().0).for_each(|(word, bytes)| *word = u32::from_le_bytes(*bytes));
        mix(&mut state, &words);
    }
    let mut digest = [0; 16];
    digest.as_chunks_mut::<4>().0.iter_mut().zip(state).for_each(|(bytes, word)| *bytes = word.to_le_bytes());
    digest
}

fn mix(state: &mut [u32; 4], words: &[u32; 16]) {
    let [mut a, mut b, mut c, mut d] = *state;
    for (step, constant) in TABLE.iter().enumerate() {
        let (mixed, word) = match step / 16 {
            0 => (b & c | !b & d, step),
            1 => (d & b | !d & c, 5 * step + 1),
            2 => (b ^ c ^ d, 3 * step + 5),
            _ => (c ^ (b | !d), 7 * step),
        };
        let sum = a.wrapping_add(mixed).wrapping_add(*constant).wrapping_add(words[word % 16]);
        let turned = sum.rotate_left(ROTATIONS[step / 16][step % 4]);
        (a, d, c, b) = (d, c, b, b.wrapping_add(turned));
    }
    for (state, value) in state.iter_mut().zip([a, b, c, d]) {
        *state = state.wrapping_add(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// RFC 1321 appendix A.5.
    #[rstest]
    #[case("", 0xd41d_8cd9_8f00_b204_e980_0998_ecf8_427e)]
    #[case("abc", 0x9001_5098_3cd2_4fb0_d696_3f7d_28e1_7f72)]
    #[case(
        "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
        0x57ed_f4a2_2be3_c955_ac49_da2e_2107_b67a
    )]
    fn digests(#[case] message: &str, #[case] digest: u128) {
        assert_eq!(u128::from_be_bytes(md5(message.as_bytes().to_vec())), digest);
    }

    /// RFC 2104, appendix: test vectors 1 and 3.
    #[test]
    fn keyed_digests() {
        let digest = hmac(&[0x0b; 16], &[b"Hi ", b"There"]);
        assert_eq!(u128::from_be_bytes(digest), 0x9294_727a_3638_bb1c_13f4_8ef8_158b_fc9d);
        let digest = hmac(&[0xaa; 16], &[&[0xdd; 50]]);
        assert_eq!(u128::from_be_bytes(digest), 0x56be_3452_1d14_4c88_dbb8_c733_f0e8_b3f6);
    }
}
