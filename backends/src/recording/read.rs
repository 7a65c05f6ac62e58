//! Reading a recording, record by record, and from any place again.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use thiserror::Error;

use super::format::{self, HEAD_LEN, PREFACE_LEN, VERSION};
use super::{Record, Start};

/// Why a recording cannot be read, or not further.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The system refused.
    #[error("cannot read it: {0}")]
    Io(#[from] io::Error),
    /// It is something else.
    #[error("not a recording of tickwire")]
    NotARecording,
    /// It was written in another format.
    #[error(
        "a recording of format {found}, made by tickwire {program}; this program reads format {VERSION} only: \
         right would be the tickwire-sim of the same version"
    )]
    Version {
        /// The format's version.
        found: u32,
        /// The version of the program that wrote it.
        program: String,
    },
    /// A check does not hold, or it says what no recording says.
    #[error("damaged at byte {at}, record {record}")]
    Damaged {
        /// Where the record begins, in bytes from the file's first.
        at: u64,
        /// The record's number, from 0.
        record: u64,
    },
}

/// A place between two records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// In bytes from the file's first.
    pub at: u64,
    /// The number of the record that follows, from 0.
    pub record: u64,
}

/// A recording that is read.
#[derive(Debug)]
pub struct Reader<R> {
    source: R,
    start: Start,
    program: String,
    position: Position,
    body: Vec<u8>,
    /// Where the file turned out to end within a record: that record's place, and the file's length.
    cut: Option<(Position, u64)>,
}

impl Reader<BufReader<File>> {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        Reader::new(BufReader::with_capacity(1 << 18, File::open(path)?))
    }
}

impl<R: Read + Seek> Reader<R> {
    /// Reads what the stack was made of.
    ///
    /// # Errors
    ///
    /// [`ReadError`]. A file that was cut before the first record's end is no recording yet.
    pub fn new(mut source: R) -> Result<Reader<R>, ReadError> {
        let mut preface = [0; PREFACE_LEN];
        if fill(&mut source, &mut preface)? < PREFACE_LEN {
            return Err(ReadError::NotARecording);
        }
        let (found, program) = format::versions(&preface).ok_or(ReadError::NotARecording)?;
        if found != VERSION {
            return Err(ReadError::Version { found, program });
        }
        let position = Position { at: PREFACE_LEN as u64, record: 0 };
        let (body, cut) = (Vec::new(), None);
        let Some((Record::Start(start), position, body)) = next(&mut source, position, body, &mut None)? else {
            return Err(ReadError::NotARecording);
        };
        Ok(Reader { source, start: *start, program, position, body, cut })
    }

    /// What the stack was made of.
    pub fn start(&self) -> &Start {
        &self.start
    }

    /// The version of the program that wrote it.
    pub fn program(&self) -> &str {
        &self.program
    }

    /// The next record; `None` at the end of the file. If that is within a record, [`Reader::cut`] tells where.
    ///
    /// # Errors
    ///
    /// [`ReadError::Io`], [`ReadError::Damaged`].
    pub fn next_record(&mut self) -> Result<Option<Record>, ReadError> {
        let body = std::mem::take(&mut self.body);
        let Some((record, position, body)) = next(&mut self.source, self.position, body, &mut self.cut)? else {
            return Ok(None);
        };
        (self.position, self.body) = (position, body);
        Ok(Some(record))
    }

    /// Where the next record begins.
    pub fn position(&self) -> Position {
        self.position
    }

    /// The place of the record that the file was cut in, once that was met, and the file's length in bytes.
    pub fn cut(&self) -> Option<(Position, u64)> {
        self.cut
    }

    /// Goes to a place that [`Reader::position`] told.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn seek(&mut self, to: Position) -> io::Result<()> {
        self.source.seek(SeekFrom::Start(to.at))?;
        self.position = to;
        Ok(())
    }
}

/// The record at `position`, and the place behind it.
fn next(
    source: &mut impl Read,
    position: Position,
    mut body: Vec<u8>,
    cut: &mut Option<(Position, u64)>,
) -> Result<Option<(Record, Position, Vec<u8>)>, ReadError> {
    let Position { at, record } = position;
    let damaged = || ReadError::Damaged { at, record };
    let mut head = [0; HEAD_LEN];
    let got = fill(source, &mut head)?;
    if got < HEAD_LEN {
        *cut = (got > 0).then_some((position, at + got as u64));
        return Ok(None);
    }
    let (len, check) = format::head(head).ok_or_else(damaged)?;
    body.clear();
    // The length is not believed before there are as many bytes.
    let got = source.take(len.into()).read_to_end(&mut body)?;
    if got < len as usize {
        *cut = Some((position, at + (HEAD_LEN + got) as u64));
        return Ok(None);
    }
    let decoded = format::record(&body, check).ok_or_else(damaged)?;
    let behind = Position { at: at + (HEAD_LEN + got) as u64, record: record + 1 };
    Ok(Some((decoded, behind, body)))
}

/// Reads until `into` is full or the source ends; returns how much.
fn fill(source: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < into.len() {
        match source.read(&mut into[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
