//! In which state connections were met by which event (RFC 9293 section 3.10): what a table of states and events has
//! a cell for.

use std::fmt;

use tickwire_core::Instant;
use tickwire_core::provenance::Trigger;
use tickwire_core::stack::Cause;
use tickwire_core::tcp::{Examination, State, TimerCause};
use tickwire_core::wire::tcp::TcpFlags;

use super::connection::Connection;

/// What may happen to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TcpEvent {
    /// A segment arrives, with these control bits.
    Segment(Bits),
    /// The application calls.
    Call(Call),
    /// A timer expires.
    Timer(TimerCause),
}

/// The control bits that tell segments apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bits {
    Syn,
    SynAck,
    Ack,
    Fin,
    Rst,
    None,
}

/// The calls of RFC 9293 section 3.9.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    Open,
    Send,
    Receive,
    Close,
    Abort,
}

/// How many there are.
const EVENTS: usize = Bits::ALL.len() + Call::ALL.len() + TimerCause::ALL.len();

impl TcpEvent {
    /// All of them.
    pub fn all() -> impl Iterator<Item = TcpEvent> {
        let segments = Bits::ALL.map(TcpEvent::Segment).into_iter();
        segments.chain(Call::ALL.map(TcpEvent::Call)).chain(TimerCause::ALL.map(TcpEvent::Timer))
    }

    /// Why it cannot be in a state, of that name.
    pub fn is_impossible(self, state: &str) -> Option<&'static str> {
        let (closed, listens) = (state == State::Closed.name(), state == LISTEN);
        match self {
            TcpEvent::Segment(Bits::Syn) if listens => None,
            TcpEvent::Segment(_) if closed || listens => Some("a segment for no connection is counted as dropped"),
            TcpEvent::Call(Call::Open) => (!closed).then_some("a connection is opened once"),
            TcpEvent::Call(_) if listens => Some("there is no connection yet"),
            TcpEvent::Timer(cause) => (!runs_in(cause, state)).then_some("the timer does not run in this state"),
            _ => None,
        }
    }

    /// Its place among all.
    const fn index(self) -> usize {
        match self {
            TcpEvent::Segment(bits) => bits as usize,
            TcpEvent::Call(call) => Bits::ALL.len() + call as usize,
            TcpEvent::Timer(cause) => Bits::ALL.len() + Call::ALL.len() + cause as usize,
        }
    }

    /// What a connection was looked at for; `None` if that is none of TCP's events.
    fn of(seen: &Examination) -> Option<TcpEvent> {
        match seen.trigger {
            Trigger::Frame(_) => seen.segment.map(|flags| TcpEvent::Segment(Bits::of(flags))),
            Trigger::Timer(Cause::Tcp(cause)) => Some(TcpEvent::Timer(cause)),
            Trigger::Timer(_) => None,
            Trigger::Call(name) => Call::of(name).map(TcpEvent::Call),
        }
    }
}

/// Whether a timer may expire in a state, of that name; see [`super::timers`].
fn runs_in(cause: TimerCause, state: &str) -> bool {
    use State::{CloseWait, Closing, Established, FinWait1, FinWait2, LastAck, SynReceived, SynSent, TimeWait};
    let states: &[State] = match cause {
        TimerCause::Retransmission | TimerCause::UserTimeout => {
            &[SynSent, SynReceived, Established, FinWait1, CloseWait, Closing, LastAck]
        }
        TimerCause::ZeroWindowProbe | TimerCause::SillyWindowOverride => {
            &[Established, FinWait1, CloseWait, Closing, LastAck]
        }
        // A FIN is acknowledged at once, and in flight once it is sent; but both may wait for a device or a neighbor.
        TimerCause::DelayedAck | TimerCause::KeepAlive => {
            &[Established, FinWait1, FinWait2, CloseWait, Closing, LastAck]
        }
        TimerCause::TimeWait => &[TimeWait],
        TimerCause::FinWait2 => &[FinWait2],
        TimerCause::Linger => &[FinWait1, FinWait2, Closing, LastAck],
    };
    states.iter().any(|may| may.name() == state)
}

impl Bits {
    const ALL: [Bits; 6] = [Bits::Syn, Bits::SynAck, Bits::Ack, Bits::Fin, Bits::Rst, Bits::None];

    fn of(flags: TcpFlags) -> Bits {
        let has = |flag| flags.contains(flag);
        match (has(TcpFlags::SYN), has(TcpFlags::ACK)) {
            _ if has(TcpFlags::RST) => Bits::Rst,
            (true, false) => Bits::Syn,
            (true, true) => Bits::SynAck,
            _ if has(TcpFlags::FIN) => Bits::Fin,
            (false, true) => Bits::Ack,
            (false, false) => Bits::None,
        }
    }
}

impl Call {
    const ALL: [Call; 5] = [Call::Open, Call::Send, Call::Receive, Call::Close, Call::Abort];

    /// Of the stack's name for it.
    fn of(name: &str) -> Option<Call> {
        Some(match name {
            "tcp.connect" => Call::Open,
            "tcp.send" | "tcp.send_bytes" => Call::Send,
            "tcp.recv" | "tcp.recv_bytes" => Call::Receive,
            "tcp.shutdown" | "tcp.close" | "tcp.release" => Call::Close,
            "tcp.abort" | "tcp.abort_all" => Call::Abort,
            _ => return None,
        })
    }
}

impl fmt::Display for TcpEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TcpEvent::Segment(bits) => write!(f, "segment {bits:?}"),
            TcpEvent::Call(call) => write!(f, "call {call:?}"),
            TcpEvent::Timer(cause) => write!(f, "timer {cause:?}"),
        }
    }
}

/// A listener's state, which no connection has.
const LISTEN: &str = "LISTEN";

/// How often connections were met by each event in each state; CLOSED and LISTEN are told apart by whether a call or a
/// segment has made a connection.
#[derive(Clone, Debug)]
pub struct Cells([[u64; EVENTS]; State::ALL.len() + 1]);

impl Default for Cells {
    fn default() -> Cells {
        Cells([[0; EVENTS]; State::ALL.len() + 1])
    }
}

/// The events that a connection has met, as far as they may come again: what they put among what is to be sent is
/// looked at once more as it leaves, and others may have come meanwhile.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard {
    /// The latest frame, by its serial number.
    frame: u64,
    /// When the latest of all events was, and a bit for each timer and call of that instant.
    at: Instant,
    events: u32,
}

impl Heard {
    pub(super) const NOTHING: Heard = Heard { frame: 0, at: Instant::ZERO, events: 0 };

    /// What is known after `seen`, if that is looked at for an event that was not met before.
    fn after(self, seen: &Examination, event: TcpEvent) -> Option<Heard> {
        let events = if seen.at > self.at { 0 } else { self.events };
        match seen.trigger {
            Trigger::Frame(frame) => (frame > self.frame).then(|| Heard { frame, at: self.at.max(seen.at), events }),
            Trigger::Timer(_) | Trigger::Call(_) => {
                let bit = 1 << event.index();
                (seen.at >= self.at && events & bit == 0).then_some(Heard { at: seen.at, events: events | bit, ..self })
            }
        }
    }
}

impl Cells {
    /// Takes in what a connection looks like now, and says what it has met by then. Several looks for one event are one.
    pub(super) fn observe(&mut self, seen: &Examination, before: Option<&Connection>) -> Heard {
        let heard = before.map_or(Heard::NOTHING, |before| before.heard);
        let Some(event) = TcpEvent::of(seen) else { return heard };
        let Some(after) = heard.after(seen, event) else { return heard };
        let state = match (before, event) {
            (Some(before), _) => before.last.state as usize,
            (None, TcpEvent::Segment(_)) => State::ALL.len(),
            (None, _) => State::Closed as usize,
        };
        self.0[state][event.index()] += 1;
        after
    }

    /// Each cell, and how often it was reached: the state's name, the event, the count.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, TcpEvent, u64)> + '_ {
        let states = State::ALL.iter().map(|state| state.name()).chain([LISTEN]);
        states
            .zip(&self.0)
            .flat_map(|(state, counts)| TcpEvent::all().zip(counts).map(move |(event, count)| (state, event, *count)))
    }
}
