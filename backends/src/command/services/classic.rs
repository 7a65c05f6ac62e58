//! The four small services of 1983.

use std::time::Duration;

use bytes::Bytes;
use tickwire_core::Instant;

use super::calendar;
use super::datagram::Answer;
use super::stream::{Handler, Input, Next, Output, Stream};

/// Sends back what it gets (RFC 862), without copying it.
pub(super) struct Echo;

impl Handler for Echo {
    /// What was received and found no room to be sent yet.
    type Progress = Bytes;

    fn open(&mut self) -> Bytes {
        Bytes::new()
    }

    fn go_on(&mut self, stream: &mut Stream<'_, '_>, pending: &mut Bytes) -> Next {
        loop {
            match stream.write(pending) {
                Output::Done => {}
                // Nothing more is read before this is out: the peer's window fills, and it waits.
                Output::Full => return Next::Wait,
                Output::Gone => return Next::Close,
            }
            match stream.read() {
                Input::Data(data) => *pending = data,
                Input::Nothing => return Next::Wait,
                Input::End | Input::Gone => return Next::Close,
            }
        }
    }
}

/// Echo over UDP.
pub(super) struct EchoDatagram;

impl Answer for EchoDatagram {
    fn answer(&mut self, _now: Instant, request: Bytes) -> Option<Bytes> {
        Some(request)
    }
}

/// Throws away what it gets (RFC 863).
pub(super) struct Discard;

impl Handler for Discard {
    type Progress = ();

    fn open(&mut self) {}

    fn go_on(&mut self, stream: &mut Stream<'_, '_>, (): &mut ()) -> Next {
        stream.drain()
    }
}

impl Answer for Discard {
    fn answer(&mut self, _now: Instant, _request: Bytes) -> Option<Bytes> {
        None
    }
}

/// Tells date and time (RFC 867), in UTC.
pub(super) struct Daytime {
    /// The wall time, since 1970, at [`Instant::ZERO`].
    pub(super) unix_offset: Duration,
}

impl Daytime {
    fn line(&self, now: Instant) -> Bytes {
        let unix = self.unix_offset + now.since(Instant::ZERO);
        Bytes::from(calendar::daytime(unix.as_secs()))
    }
}

impl Handler for Daytime {
    /// What is left to be sent; `None` before the first call and after the last byte.
    type Progress = Option<Bytes>;

    fn open(&mut self) -> Option<Bytes> {
        None
    }

    fn go_on(&mut self, stream: &mut Stream<'_, '_>, progress: &mut Option<Bytes>) -> Next {
        let line = progress.get_or_insert_with(|| self.line(stream.context.now));
        match stream.write(line) {
            Output::Done => {
                stream.finish();
                stream.drain()
            }
            Output::Full => Next::Wait,
            Output::Gone => Next::Close,
        }
    }
}

impl Answer for Daytime {
    fn answer(&mut self, now: Instant, _request: Bytes) -> Option<Bytes> {
        Some(self.line(now))
    }
}

/// Sends lines of printable characters, each starting one further (RFC 864).
pub(super) struct Chargen {
    /// Whole turns of the pattern: from its end it goes on at its beginning.
    pattern: Bytes,
}

/// Printable ASCII, space included.
const PRINTABLE: u8 = 95;
/// Characters per line.
const LINE: usize = 72;
/// The most characters in a datagram (RFC 864).
const DATAGRAM_MAX: usize = 512;

impl Chargen {
    pub(super) fn new() -> Chargen {
        let line = |first: u8| {
            let characters = (0..PRINTABLE).cycle().skip(first.into()).take(LINE).map(|at| b' ' + at);
            characters.chain(*b"\r\n")
        };
        Chargen { pattern: (0..PRINTABLE).flat_map(line).collect() }
    }
}

impl Handler for Chargen {
    /// What is left of this turn of the pattern.
    type Progress = Bytes;

    fn open(&mut self) -> Bytes {
        Bytes::new()
    }

    fn go_on(&mut self, stream: &mut Stream<'_, '_>, rest: &mut Bytes) -> Next {
        if stream.drain() == Next::Close {
            return Next::Close;
        }
        loop {
            if rest.is_empty() {
                *rest = self.pattern.clone();
            }
            match stream.write(rest) {
                Output::Done => {}
                Output::Full => return Next::Wait,
                Output::Gone => return Next::Close,
            }
        }
    }
}

impl Answer for Chargen {
    /// RFC 864 leaves the number of characters open, up to 512. It is no more than was sent here, so
    /// that nobody can use it to have a third party flooded.
    fn answer(&mut self, _now: Instant, request: Bytes) -> Option<Bytes> {
        Some(self.pattern.slice(..request.len().min(DATAGRAM_MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pattern_is_the_one_of_rfc_864() {
        let pattern = Chargen::new().pattern;
        let lines: Vec<&[u8]> = pattern.split_inclusive(|byte| *byte == b'\n').collect();
        assert_eq!(lines.len(), 95);
        assert!(lines.iter().all(|line| line.len() == 74 && line.ends_with(b"\r\n")));
        assert!(lines[0].starts_with(b" !\"#$%&'()*+,-./0123456789:;<=>?@ABC"));
        assert!(lines[1].starts_with(b"!\"#") && lines[94].starts_with(b"~ !"));
    }

    #[test]
    fn a_datagram_is_not_answered_by_a_longer_one() {
        let mut chargen = Chargen::new();
        let mut answer = |len| chargen.answer(Instant::ZERO, Bytes::from(vec![0; len])).map(|answer| answer.len());
        assert_eq!((answer(0), answer(10), answer(1400)), (Some(0), Some(10), Some(512)));
    }
}
