//! Two services without an RFC: one that sends as fast as it can, one that never reads.

use bytes::Bytes;

use super::stream::{Handler, Input, Next, Output, Stream};

/// The octets sent are `position % 251`: a prime, so that a lost or repeated block shows.
const PERIOD: usize = 251;
/// Turns of the pattern that are queued at a time: about 64 KiB.
const TURNS: usize = 261;

/// Sends a number of bytes and closes, or sends until the peer closes.
pub(super) struct Source {
    pattern: Bytes,
    bytes: Option<u64>,
}

/// How far a connection is.
pub(super) struct Sent {
    /// What is left of the block being sent.
    rest: Bytes,
    /// What is to be sent beyond that; `None` for no end.
    left: Option<u64>,
}

impl Source {
    pub(super) fn new(bytes: Option<u64>) -> Source {
        let pattern = (0..PERIOD * TURNS).map(|at| (at % PERIOD) as u8).collect();
        Source { pattern, bytes }
    }

    /// The next block: whole turns of the pattern but for the last one.
    fn block(&self, left: &mut Option<u64>) -> Bytes {
        let Some(left) = left else { return self.pattern.clone() };
        let len = self.pattern.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
        *left -= len as u64;
        self.pattern.slice(..len)
    }
}

impl Handler for Source {
    type Progress = Sent;

    fn open(&mut self) -> Sent {
        Sent { rest: Bytes::new(), left: self.bytes }
    }

    fn go_on(&mut self, stream: &mut Stream<'_, '_>, sent: &mut Sent) -> Next {
        let peer = stream.drain();
        // Who asked for a number of bytes may have closed its direction at once, and gets them all.
        if peer == Next::Close && (self.bytes.is_none() || matches!(stream.read(), Input::Gone)) {
            return Next::Close;
        }
        loop {
            if sent.rest.is_empty() {
                sent.rest = self.block(&mut sent.left);
            }
            if sent.rest.is_empty() {
                stream.finish();
                return peer;
            }
            match stream.write(&mut sent.rest) {
                Output::Done => {}
                Output::Full => return Next::Wait,
                Output::Gone => return Next::Close,
            }
        }
    }
}

/// Accepts and never reads: the peer meets a window that closes and stays closed.
pub(super) struct Stall;

impl Handler for Stall {
    type Progress = ();

    fn open(&mut self) {}

    /// Once the peer has closed it is told, by a reset, that nothing was read (RFC 9293 section 3.6.1).
    fn go_on(&mut self, stream: &mut Stream<'_, '_>, (): &mut ()) -> Next {
        if stream.peer_finished() { Next::Close } else { Next::Wait }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_make_up_the_number_of_bytes_without_a_seam() {
        let source = Source::new(Some(200_000));
        let mut left = source.bytes;
        let mut all = Vec::new();
        loop {
            let block = source.block(&mut left);
            if block.is_empty() {
                break;
            }
            all.extend_from_slice(&block);
        }
        assert_eq!((all.len(), left), (200_000, Some(0)));
        assert!(all.iter().enumerate().all(|(at, octet)| usize::from(*octet) == at % PERIOD));
    }
}
