//! TCP options: maximum segment size (RFC 9293 section 3.7.1), window scale and timestamps
//! (RFC 7323), selective acknowledgment (RFC 2018).

use bytes::BufMut;

use smallvec::SmallVec;

use super::cursor::Fields;
use crate::tcp::seq::SeqNumber;

/// The most that a header has room for, in bytes.
pub const MAX_LEN: usize = 40;
/// The most SACK blocks that fit, without any other option (RFC 2018 section 3).
pub const MAX_SACK_BLOCKS: usize = 4;

const END_OF_LIST: u8 = 0;
const NO_OPERATION: u8 = 1;
const MSS: u8 = 2;
const WINDOW_SCALE: u8 = 3;
const SACK_PERMITTED: u8 = 4;
const SACK: u8 = 5;
const TIMESTAMPS: u8 = 8;

const MSS_LEN: u8 = 4;
const WINDOW_SCALE_LEN: u8 = 3;
const SACK_PERMITTED_LEN: u8 = 2;
const SACK_BLOCK_LEN: usize = 8;
const TIMESTAMPS_LEN: u8 = 10;

/// One block of the SACK option: bytes received from `start` up to, not with, `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct SackRange {
    /// The first sequence number of the block.
    pub start: SeqNumber,
    /// The sequence number after its last.
    pub end: SeqNumber,
}

/// The timestamps option (RFC 7323 section 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct Timestamps {
    /// TSval: the sender's clock.
    pub value: u32,
    /// TSecr: the value echoed; without meaning unless the ACK bit is set.
    pub echo: u32,
}

/// The options of one segment. A kind that stands twice counts with its last value.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct TcpOptions {
    /// Maximum segment size in bytes, as it was sent: 0 is possible. Valid in SYN segments.
    pub mss: Option<u16>,
    /// Shift count of the sender's window, as it was sent: above 14 is possible (RFC 7323
    /// section 2.3 has it taken as 14). Valid in SYN segments.
    pub window_scale: Option<u8>,
    /// The sender takes SACK. Valid in SYN segments.
    pub sack_permitted: bool,
    /// Blocks received beyond the acknowledgment, the most recent first.
    pub sack: SmallVec<[SackRange; MAX_SACK_BLOCKS]>,
    /// TSval and TSecr.
    pub timestamps: Option<Timestamps>,
}

#[cfg(feature = "arbitrary")]
impl<'a> arbitrary::Arbitrary<'a> for TcpOptions {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<TcpOptions> {
        let mut sack = SmallVec::new();
        for _ in 0..u.int_in_range(0..=MAX_SACK_BLOCKS)? {
            sack.push(SackRange::arbitrary(u)?);
        }
        Ok(TcpOptions {
            mss: Option::arbitrary(u)?,
            window_scale: Option::arbitrary(u)?,
            sack_permitted: bool::arbitrary(u)?,
            sack,
            timestamps: Option::arbitrary(u)?,
        })
    }
}

impl TcpOptions {
    /// Decodes the bytes between header and text. Never fails (RFC 9293 MUST-6, MUST-7): unknown
    /// kinds are passed over by their length, known kinds of the wrong length are ignored, and
    /// where a length is illegal the rest is given up and what came before it is kept.
    #[inline]
    pub fn parse(bytes: &[u8]) -> TcpOptions {
        // The layout that RFC 7323 appendix A recommends, that of nearly every data segment.
        if let Ok(only) = <&[u8; 12]>::try_from(bytes)
            && only.array_at::<0, 4>() == ALIGNED_TIMESTAMPS
        {
            let timestamps = Timestamps { value: only.u32_at::<4>(), echo: only.u32_at::<8>() };
            return TcpOptions { timestamps: Some(timestamps), ..TcpOptions::default() };
        }
        if bytes.is_empty() {
            return TcpOptions::default();
        }
        TcpOptions::parse_any(bytes)
    }

    fn parse_any(bytes: &[u8]) -> TcpOptions {
        let mut options = TcpOptions::default();
        for option in TcpOptionWalk::new(bytes) {
            match option {
                TcpOption::Mss(mss) => options.mss = Some(mss),
                TcpOption::WindowScale(shift) => options.window_scale = Some(shift),
                TcpOption::SackPermitted => options.sack_permitted = true,
                TcpOption::Sack(blocks) => options.sack = sack_ranges(blocks).collect(),
                TcpOption::Timestamps(timestamps) => options.timestamps = Some(timestamps),
                TcpOption::NoOperation | TcpOption::Other { .. } => {}
            }
        }
        options
    }

    /// Whether there is no option at all.
    pub fn is_empty(&self) -> bool {
        self.emitted_len() == 0
    }

    /// How many bytes [`TcpOptions::emit`] appends: a multiple of 4, at most 40.
    #[inline]
    pub fn emitted_len(&self) -> usize {
        match self.emitted_sack_blocks() {
            0 => self.len_without_sack(),
            blocks => self.len_without_sack() + 4 + blocks * SACK_BLOCK_LEN,
        }
    }

    #[inline]
    fn len_without_sack(&self) -> usize {
        let mss = if self.mss.is_some() { 4 } else { 0 };
        // SACK-permitted takes the place of the two NOPs before the timestamps.
        let timestamps = match (self.timestamps, self.sack_permitted) {
            (Some(_), _) => 12,
            (None, true) => 4,
            (None, false) => 0,
        };
        let window_scale = if self.window_scale.is_some() { 4 } else { 0 };
        mss + timestamps + window_scale
    }

    /// How many SACK blocks fit beside the other options.
    #[inline]
    fn emitted_sack_blocks(&self) -> usize {
        if self.sack.is_empty() {
            return 0;
        }
        let room = (MAX_LEN - 4 - self.len_without_sack()) / SACK_BLOCK_LEN;
        self.sack.len().min(room)
    }

    /// Appends the options in the customary order, each aligned to 4 bytes with NOPs before it. Of
    /// the SACK blocks as many are written as fit.
    #[inline]
    pub fn emit(&self, out: &mut impl BufMut) {
        if let Some(mss) = self.mss {
            let mut option = [MSS, MSS_LEN, 0, 0];
            option.put_u16::<2>(mss);
            out.put_slice(&option);
        }
        if let Some(timestamps) = self.timestamps {
            let mut option = [0; 12];
            option.put_array::<0, 4>(if self.sack_permitted {
                [SACK_PERMITTED, SACK_PERMITTED_LEN, TIMESTAMPS, TIMESTAMPS_LEN]
            } else {
                ALIGNED_TIMESTAMPS
            });
            option.put_u32::<4>(timestamps.value);
            option.put_u32::<8>(timestamps.echo);
            out.put_slice(&option);
        } else if self.sack_permitted {
            let option = [NO_OPERATION, NO_OPERATION, SACK_PERMITTED, SACK_PERMITTED_LEN];
            out.put_slice(&option);
        }
        if let Some(shift) = self.window_scale {
            out.put_slice(&[NO_OPERATION, WINDOW_SCALE, WINDOW_SCALE_LEN, shift]);
        }
        let blocks = self.emitted_sack_blocks();
        if blocks > 0 {
            let len = 2 + blocks * SACK_BLOCK_LEN;
            out.put_slice(&[NO_OPERATION, NO_OPERATION, SACK, len as u8]);
            for range in self.sack.iter().take(blocks) {
                let mut block = [0; SACK_BLOCK_LEN];
                block.put_u32::<0>(range.start.0);
                block.put_u32::<4>(range.end.0);
                out.put_slice(&block);
            }
        }
    }
}

/// NOP, NOP, kind and length of timestamps.
const ALIGNED_TIMESTAMPS: [u8; 4] = [NO_OPERATION, NO_OPERATION, TIMESTAMPS, TIMESTAMPS_LEN];

/// One option as it stands on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpOption<'a> {
    /// Padding between options.
    NoOperation,
    /// Maximum segment size.
    Mss(u16),
    /// Shift count of the window.
    WindowScale(u8),
    /// The sender takes SACK.
    SackPermitted,
    /// One or more blocks of 8 bytes: see [`sack_ranges`].
    Sack(&'a [[u8; 8]]),
    /// TSval and TSecr.
    Timestamps(Timestamps),
    /// A kind not known here, or a known one of the wrong length.
    Other {
        /// The option's kind.
        kind: u8,
        /// The bytes after kind and length.
        data: &'a [u8],
    },
}

/// The ranges of a SACK option's blocks.
pub fn sack_ranges(blocks: &[[u8; 8]]) -> impl Iterator<Item = SackRange> {
    blocks.iter().map(|block| SackRange { start: SeqNumber(block.u32_at::<0>()), end: SeqNumber(block.u32_at::<4>()) })
}

/// Walks the options in the order of the wire. Ends at end-of-list, at the end, or before an option
/// whose length is illegal.
#[derive(Clone, Debug)]
pub struct TcpOptionWalk<'a> {
    rest: &'a [u8],
}

impl<'a> TcpOptionWalk<'a> {
    /// Starts at the first of the bytes between header and text.
    pub const fn new(bytes: &'a [u8]) -> TcpOptionWalk<'a> {
        TcpOptionWalk { rest: bytes }
    }
}

impl<'a> Iterator for TcpOptionWalk<'a> {
    type Item = TcpOption<'a>;

    #[inline]
    fn next(&mut self) -> Option<TcpOption<'a>> {
        let (&kind, after) = self.rest.split_first()?;
        match kind {
            END_OF_LIST => {
                self.rest = &[];
                None
            }
            NO_OPERATION => {
                self.rest = after;
                Some(TcpOption::NoOperation)
            }
            kind => {
                // A length below 2 fails at `get(2..)`, one beyond the header at the split. Either
                // way there is no telling where the next option would start.
                let (option, rest) = self.rest.split_at_checked(usize::from(*after.first()?))?;
                let data = option.get(2..)?;
                self.rest = rest;
                Some(decode(kind, data))
            }
        }
    }
}

fn decode(kind: u8, data: &[u8]) -> TcpOption<'_> {
    match (kind, data) {
        (MSS, &[high, low]) => TcpOption::Mss([high, low].u16_at::<0>()),
        (WINDOW_SCALE, &[shift]) => TcpOption::WindowScale(shift),
        (SACK_PERMITTED, []) => TcpOption::SackPermitted,
        (SACK, data) => match data.as_chunks::<8>() {
            (blocks @ [_, ..], []) => TcpOption::Sack(blocks),
            _ => TcpOption::Other { kind, data },
        },
        (TIMESTAMPS, data) => match <&[u8; 8]>::try_from(data) {
            Ok(data) => TcpOption::Timestamps(Timestamps { value: data.u32_at::<0>(), echo: data.u32_at::<4>() }),
            Err(_) => TcpOption::Other { kind, data },
        },
        (kind, data) => TcpOption::Other { kind, data },
    }
}
