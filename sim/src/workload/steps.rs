//! A talk as steps, for an end that runs scripts: the bytes are those of the workload, and so is their order.

use bytes::Bytes;

use super::stream::Stream;
use super::talk::{Closes, Side, Talk};
use crate::script::Step;

/// The steps of one end of the first connection, which `opens` opens. Without a slow reader, and not at once what is
/// overlapped: all is sent, then all is read.
pub(crate) fn steps(talk: &Talk, side: Side, key: u64, opens: Step) -> Vec<Step> {
    let (sent, received) = match side {
        Side::Client => (stream(talk, Side::Client, key), stream(talk, Side::Server, key)),
        Side::Server => (stream(talk, Side::Server, key), stream(talk, Side::Client, key)),
    };
    let rounds = if talk.overlapped { 1 } else { talk.rounds.max(1) as usize };
    let part = |whole: &Bytes, round: usize| {
        let each = whole.len() / rounds;
        whole.slice(round * each..(round + 1) * each)
    };
    let mut steps = vec![opens];
    for round in 0..rounds {
        let (send, expect) = (Step::Send(part(&sent, round)), Step::Expect(part(&received, round)));
        if side == Side::Client && round > 0 {
            steps.push(Step::Wait(talk.pause));
        }
        let closes = (talk.closes == Closes::Both && round + 1 == rounds).then_some(Step::Shutdown);
        if side == Side::Client || talk.overlapped {
            steps.extend([send].into_iter().chain(closes).chain([expect]));
        } else {
            steps.extend([expect, send].into_iter().chain(closes));
        }
    }
    let first = matches!((talk.closes, side), (Closes::Client, Side::Client) | (Closes::Server, Side::Server));
    steps.extend(first.then_some(Step::Shutdown));
    steps.extend([Step::ExpectEnd, Step::Close]);
    steps.retain(|step| !matches!(step, Step::Send(bytes) | Step::Expect(bytes) if bytes.is_empty()));
    steps
}

/// All bytes that an end sends.
fn stream(talk: &Talk, side: Side, key: u64) -> Bytes {
    let mut bytes = vec![0; talk.sends(side) as usize];
    Stream::new(key, u64::from(side == Side::Server)).fill(0, &mut bytes);
    if side == Side::Client {
        // The name of connection 0.
        bytes.iter_mut().zip(key.to_le_bytes()).for_each(|(byte, name)| *byte = name);
    }
    bytes.into()
}

#[cfg(test)]
mod tests {
    use tickwire_core::time::Duration;

    use super::*;

    /// What the steps do, and how many bytes they have to do with.
    fn told(talk: &Talk, side: Side) -> String {
        let steps = steps(talk, side, 7, Step::Wait(Duration::ZERO));
        let lines: Vec<String> = steps[1..].iter().map(ToString::to_string).collect();
        lines.join(", ")
    }

    #[test]
    fn by_turns_and_at_once() {
        let talk = Talk { rounds: 2, request: 10, response: 20, ..Talk::default() };
        let client = "send 10 bytes, expect 20 bytes, wait 0 ns, send 10 bytes, expect 20 bytes, shutdown, expect the end, close";
        assert_eq!(told(&talk, Side::Client), client);
        let server = "expect 10 bytes, send 20 bytes, expect 10 bytes, send 20 bytes, expect the end, close";
        assert_eq!(told(&talk, Side::Server), server);
        let both = Talk { overlapped: true, closes: Closes::Both, ..talk };
        let whole = "send 20 bytes, shutdown, expect 40 bytes, expect the end, close";
        assert_eq!(told(&both, Side::Client), whole);
    }

    /// What one end sends is what the other expects.
    #[test]
    fn both_ends_know_the_same_bytes() {
        let talk = Talk { request: 100, response: 50, ..Talk::default() };
        let of = |side| steps(&talk, side, 7, Step::Wait(Duration::ZERO));
        let bytes = |steps: Vec<Step>, sent: bool| {
            steps.into_iter().find_map(|step| match step {
                Step::Send(bytes) if sent => Some(bytes),
                Step::Expect(bytes) if !sent => Some(bytes),
                _ => None,
            })
        };
        assert_eq!(bytes(of(Side::Client), true), bytes(of(Side::Server), false));
        assert_eq!(bytes(of(Side::Server), true), bytes(of(Side::Client), false));
    }
}
