//! What two applications say to each other on one TCP connection, as a value that both ends know.

use serde::{Deserialize, Serialize};
use tickwire_core::time::Duration;

/// The bytes of a connection, in each direction, and in which order they are sent.
///
/// A client sends `request` bytes and the server answers with `response` bytes, `rounds` times. With
/// `overlapped` neither waits for the other: two streams of `rounds` times as many bytes meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Talk {
    /// How many times; at least 1.
    pub rounds: u32,
    /// Bytes that the client sends in each round; at least 8 in the first, which name the connection.
    pub request: u64,
    /// Bytes that the server sends in each round.
    pub response: u64,
    /// Whether both directions flow at once, instead of by turns.
    pub overlapped: bool,
    /// How long the client waits before each round but the first.
    pub pause: Duration,
    /// Who closes.
    pub closes: Closes,
    /// How fast the server reads; `None`: at once.
    pub reader: Option<SlowReader>,
}

/// Who closes first, once it has sent everything and heard all that it was to hear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Closes {
    /// The client; the server when it sees the end of the stream.
    #[default]
    Client,
    /// The server; the client when it sees the end of the stream.
    Server,
    /// Each end as soon as it has sent everything.
    Both,
}

/// An application that reads more slowly than data may come: the window closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlowReader {
    /// Bytes that it reads each time, at most.
    pub bytes: u32,
    /// How long it waits in between.
    pub every: Duration,
}

/// Which end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

impl Default for Talk {
    /// One request of 8 bytes, and no response.
    fn default() -> Talk {
        Talk {
            rounds: 1,
            request: 8,
            response: 0,
            overlapped: false,
            pause: Duration::ZERO,
            closes: Closes::Client,
            reader: None,
        }
    }
}

impl Talk {
    /// All bytes that an end sends.
    pub(crate) fn sends(&self, side: Side) -> u64 {
        let each = match side {
            Side::Client => self.request,
            Side::Server => self.response,
        };
        each.saturating_mul(self.rounds.into())
    }

    /// All bytes that an end receives.
    pub(crate) fn receives(&self, side: Side) -> u64 {
        self.sends(match side {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        })
    }

    /// Bytes of both directions.
    pub fn bytes(&self) -> u64 {
        self.sends(Side::Client).saturating_add(self.sends(Side::Server))
    }

    /// How many bytes in all an end may have sent when it has received so many.
    pub(crate) fn may_send(&self, side: Side, received: u64) -> u64 {
        if self.overlapped {
            return self.sends(side);
        }
        let rounds = match side {
            // A round without a response is over as soon as it is sent.
            Side::Client => received.checked_div(self.response).map_or(self.rounds.into(), |answered| answered + 1),
            Side::Server => received.checked_div(self.request).unwrap_or(self.rounds.into()),
        };
        match side {
            Side::Client => self.request.saturating_mul(rounds.min(self.rounds.into())),
            Side::Server => self.response.saturating_mul(rounds.min(self.rounds.into())),
        }
    }

    /// Whether an end closes its direction of sending, having sent everything.
    pub(crate) fn may_close(&self, side: Side, received: u64, end_seen: bool) -> bool {
        let heard_all = received == self.receives(side);
        match (self.closes, side) {
            (Closes::Both, _) => true,
            (Closes::Client, Side::Client) | (Closes::Server, Side::Server) => heard_all,
            (Closes::Client, Side::Server) | (Closes::Server, Side::Client) => end_seen,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_turns_each_waits_for_the_other() {
        let talk = Talk { rounds: 3, request: 100, response: 1_000, ..Talk::default() };
        let client: Vec<u64> = [0, 999, 1_000, 2_000, 3_000].map(|heard| talk.may_send(Side::Client, heard)).into();
        assert_eq!(client, [100, 100, 200, 300, 300]);
        let server: Vec<u64> = [0, 99, 100, 299, 300].map(|heard| talk.may_send(Side::Server, heard)).into();
        assert_eq!(server, [0, 0, 1_000, 2_000, 3_000]);
    }

    #[test]
    fn overlapped_nobody_waits() {
        let talk = Talk { rounds: 3, request: 100, response: 1_000, overlapped: true, ..Talk::default() };
        assert_eq!((talk.may_send(Side::Client, 0), talk.may_send(Side::Server, 0)), (300, 3_000));
    }

    #[test]
    fn requests_without_response_follow_each_other() {
        let talk = Talk { rounds: 3, request: 100, ..Talk::default() };
        assert_eq!((talk.may_send(Side::Client, 0), talk.may_send(Side::Server, 300)), (300, 0));
    }

    #[test]
    fn who_closes_first() {
        let talk = Talk { response: 5, ..Talk::default() };
        let closes = |closes, side, received, end| Talk { closes, ..talk }.may_close(side, received, end);
        assert!(!closes(Closes::Client, Side::Client, 4, false));
        assert!(closes(Closes::Client, Side::Client, 5, false));
        assert!(!closes(Closes::Client, Side::Server, 8, false));
        assert!(closes(Closes::Client, Side::Server, 8, true));
        assert!(closes(Closes::Server, Side::Server, 8, false));
        assert!(!closes(Closes::Server, Side::Client, 5, false));
        assert!(closes(Closes::Both, Side::Server, 0, false));
    }
}
