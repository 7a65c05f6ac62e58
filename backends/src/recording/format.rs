//! The bytes of a recording. All numbers are little-endian.
//!
//! ```text
//!   8   "tickwire"
//!   4   format version
//!   24  version of the program that wrote it, padded with zeros
//!       then records:
//!   4   length of what follows the checks
//!   4   check of the length
//!   4   check of what follows
//!   n   the record, as postcard has it
//! ```
//!
//! A file that ends within a record was cut there; where a check does not hold it is damaged. The check
//! of the length tells one from the other.

use std::io::{self, Write};

use twox_hash::XxHash3_64;

use super::Record;

/// The version of the format. It is raised whenever a record's bytes change: a test holds them.
pub const VERSION: u32 = 2;

const MAGIC: [u8; 8] = *b"tickwire";
const PROGRAM_LEN: usize = 24;

/// What stands before the first record, in bytes.
pub const PREFACE_LEN: usize = MAGIC.len() + 4 + PROGRAM_LEN;
/// What stands before each record.
pub(super) const HEAD_LEN: usize = 12;

/// What is before the records of a file that is written now.
pub(super) fn preface() -> [u8; PREFACE_LEN] {
    let mut preface = [0; PREFACE_LEN];
    let (magic, rest) = preface.split_at_mut(MAGIC.len());
    let (version, program) = rest.split_at_mut(4);
    magic.copy_from_slice(&MAGIC);
    version.copy_from_slice(&VERSION.to_le_bytes());
    for (byte, known) in program.iter_mut().zip(env!("CARGO_PKG_VERSION").bytes()) {
        *byte = known;
    }
    preface
}

/// The format's version and the program's; `None` if it is no recording.
pub(super) fn versions(preface: &[u8; PREFACE_LEN]) -> Option<(u32, String)> {
    let rest = preface.strip_prefix(&MAGIC)?;
    let (version, program) = rest.split_first_chunk()?;
    let program = String::from_utf8_lossy(program).trim_end_matches('\0').to_owned();
    Some((u32::from_le_bytes(*version), program))
}

/// Appends a record.
pub(super) fn append(record: &Record, out: &mut Vec<u8>) -> io::Result<()> {
    let start = out.len();
    out.extend_from_slice(&[0; HEAD_LEN]);
    postcard::to_io(record, &mut *out).map_err(io::Error::other)?;
    let (head, body) = out[start..].split_at_mut(HEAD_LEN);
    let len = u32::try_from(body.len()).map_err(io::Error::other)?;
    head[..4].copy_from_slice(&len.to_le_bytes());
    head[4..8].copy_from_slice(&check(&len.to_le_bytes()).to_le_bytes());
    head[8..].copy_from_slice(&check(body).to_le_bytes());
    Ok(())
}

/// Writes a whole recording.
///
/// # Errors
///
/// `sink` could not be written.
pub fn write_records<'a>(mut sink: impl Write, records: impl IntoIterator<Item = &'a Record>) -> io::Result<()> {
    let mut bytes = preface().to_vec();
    for record in records {
        append(record, &mut bytes)?;
        sink.write_all(&bytes)?;
        bytes.clear();
    }
    sink.flush()
}

/// What the head of a record says: the length of its body, and the body's check; `None` if it is damaged.
pub(super) fn head(bytes: [u8; HEAD_LEN]) -> Option<(u32, u32)> {
    let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    (check(&bytes[..4]) == word(4)).then(|| (word(0), word(8)))
}

/// The record of a body; `None` if it is damaged.
pub(super) fn record(body: &[u8], expected: u32) -> Option<Record> {
    if check(body) != expected {
        return None;
    }
    let (record, rest) = postcard::take_from_bytes(body).ok()?;
    rest.is_empty().then_some(record)
}

/// Not against forgery, but against disks.
fn check(bytes: &[u8]) -> u32 {
    XxHash3_64::oneshot(bytes) as u32
}
