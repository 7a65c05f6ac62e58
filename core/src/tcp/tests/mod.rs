//! Tests of connections: against each other over a virtual link, and against segments made by hand.
//!
//! - this file: [`Host`], one side with what a stack would lend it
//! - `pair`: two hosts and the link between them
//! - `acks`: which acknowledgments leave
//! - `bulk`: streams over links that lose, reorder and duplicate
//! - `states`: opening, closing, resets
//! - `windows`: flow control, probes, silly windows
//! - `hostile`: anything that may arrive, in any state
//! - `loss`: fast retransmit, recovery, timeouts
//! - `frames`: the whole stack by frames and virtual time, one file per RFC topic

mod acks;
mod bulk;
mod frames;
mod hostile;
mod loss;
mod pair;
mod states;
mod windows;

use alloc::vec::Vec;
use bytes::Bytes;

use super::segment::{Arrival, Outgoing, Segment};
use super::seq::SeqNumber;
use super::{Env, Open, State, Tcb, TcpCounters};
use crate::buffer::ChunkPool;
use crate::config::{Limits, TcpConfig, TcpSettings};
use crate::event::Readiness;
use crate::time::{Duration, Instant};
use crate::wire::tcp::{TcpFlags, TcpHeader};
use crate::wire::tcp_options::{SackRange, TcpOptions, Timestamps};

const FIN: TcpFlags = TcpFlags::FIN;
const SYN: TcpFlags = TcpFlags::SYN;
const RST: TcpFlags = TcpFlags::RST;
const ACK: TcpFlags = TcpFlags::ACK;

/// A segment as it is on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Wire {
    header: TcpHeader,
    options: TcpOptions,
    text: Bytes,
}

impl Wire {
    fn new(flags: TcpFlags, seq: SeqNumber, ack: SeqNumber, text: &[u8]) -> Wire {
        Wire {
            header: TcpHeader { src_port: 1, dst_port: 2, seq, ack, flags, window: 0xffff, urgent: 0 },
            options: TcpOptions::default(),
            text: Bytes::copy_from_slice(text),
        }
    }

    fn window(mut self, window: u16) -> Wire {
        self.header.window = window;
        self
    }

    fn mss(mut self, mss: u16) -> Wire {
        self.options.mss = Some(mss);
        self
    }

    fn sack_permitted(mut self) -> Wire {
        self.options.sack_permitted = true;
        self
    }

    fn sack(mut self, blocks: &[(SeqNumber, SeqNumber)]) -> Wire {
        self.options.sack = blocks.iter().map(|&(start, end)| SackRange { start, end }).collect();
        self
    }

    fn timestamps(mut self, value: u32, echo: u32) -> Wire {
        self.options.timestamps = Some(Timestamps { value, echo });
        self
    }

    fn has(&self, flags: TcpFlags) -> bool {
        self.header.flags.contains(flags)
    }
}

/// One side of a connection, and what a stack would lend it.
#[derive(Clone)]
struct Host {
    tcb: Option<Tcb>,
    now: Instant,
    config: TcpConfig,
    limits: Limits,
    settings: TcpSettings,
    iss: SeqNumber,
    mss: u16,
    max_payload: usize,
    chunks: ChunkPool,
    counters: TcpCounters,
    readiness: Readiness,
    listens: bool,
}

impl Host {
    fn new(iss: u32) -> Host {
        Host {
            tcb: None,
            now: Instant::from_millis(1000),
            config: TcpConfig::default(),
            limits: Limits::default(),
            settings: TcpSettings::default(),
            iss: SeqNumber(iss),
            mss: 1000,
            max_payload: 1000,
            chunks: ChunkPool::default(),
            counters: TcpCounters::default(),
            readiness: Readiness::default(),
            listens: false,
        }
    }

    /// A host without the options of RFC 7323 and RFC 2018.
    fn plain(iss: u32) -> Host {
        let mut host = Host::new(iss);
        host.config.timestamps = false;
        host.config.window_scaling = false;
        host.config.sack = false;
        host.settings.receive_buffer = 10_000;
        host
    }

    fn with<T>(&mut self, call: impl FnOnce(&mut Tcb, &mut Env<'_>) -> T) -> T {
        let tcb = self.tcb.as_mut().expect("a connection");
        let mut env = Env {
            now: self.now,
            config: &self.config,
            limits: &self.limits,
            chunks: &mut self.chunks,
            counters: &mut self.counters,
        };
        let result = call(tcb, &mut env);
        assert_eq!(tcb.check(), Ok(()), "{:?}: {tcb:?}", self.now);
        self.readiness |= tcb.take_readiness();
        result
    }

    fn open(&mut self, syn: Option<&Wire>) {
        let open = Open {
            iss: self.iss,
            timestamp_offset: 77,
            mss_local: self.mss,
            mss_default: 536,
            settings: &self.settings,
        };
        let mut env = Env {
            now: self.now,
            config: &self.config,
            limits: &self.limits,
            chunks: &mut self.chunks,
            counters: &mut self.counters,
        };
        self.tcb = Some(match syn {
            None => Tcb::connect(&mut env, open),
            Some(syn) => {
                let segment = Segment { header: syn.header, options: &syn.options, text: &mut syn.text.clone() };
                Tcb::accept(&mut env, open, &segment)
            }
        });
        self.with(|_, _| ());
    }

    fn state(&self) -> State {
        self.tcb.as_ref().map_or(State::Closed, Tcb::state)
    }

    fn arrive(&mut self, wire: &Wire) -> Arrival {
        if self.tcb.is_none() {
            assert!(self.listens && wire.has(SYN) && !wire.has(ACK), "{wire:?} to nobody");
            self.open(Some(wire));
            return Arrival::Accepted;
        }
        self.with(|tcb, env| {
            let text = &mut wire.text.clone();
            tcb.on_segment(env, &mut Segment { header: wire.header, options: &wire.options, text })
        })
    }

    /// The next segment, if one is due.
    fn pull_one(&mut self) -> Option<(Outgoing, Bytes)> {
        let max_payload = self.max_payload;
        self.with(|tcb, env| {
            let wanted = tcb.wants_transmit(env);
            let outgoing = tcb.next_segment(env, max_payload);
            assert_eq!(wanted, outgoing.is_some());
            let outgoing = outgoing?;
            let (offset, len) = (outgoing.payload_offset, outgoing.payload_len);
            let text: Vec<u8> = tcb.send_queue().runs(offset, len).flatten().copied().collect();
            assert_eq!(text.len(), len);
            assert!(len <= max_payload);
            Some((outgoing, Bytes::from(text)))
        })
    }

    /// All that leaves now, resets included, super-segments cut up as the stack would.
    fn pull(&mut self) -> Vec<Wire> {
        let mut wires = Vec::new();
        if let Some(reset) = self.tcb.as_mut().and_then(Tcb::take_reset) {
            let flags = if reset.ack.is_some() { RST | ACK } else { RST };
            wires.push(Wire::new(flags, reset.seq, reset.ack.unwrap_or_default(), b"").window(0));
        }
        while let Some((outgoing, text)) = self.pull_one() {
            let size = usize::from(outgoing.segment_size).max(1);
            let pieces = text.len().div_ceil(size).max(1);
            for piece in 0..pieces {
                let (from, to) = (piece * size, ((piece + 1) * size).min(text.len()));
                let last = piece + 1 == pieces;
                let flags = if last { outgoing.flags } else { outgoing.flags - FIN - TcpFlags::PSH };
                let mut wire = Wire::new(flags, outgoing.seq + from as u32, outgoing.ack, &text[from..to]);
                wire.header.window = outgoing.window;
                wire.options = outgoing.options.clone();
                wires.push(wire);
            }
            assert!(wires.len() < 20_000, "it never stops sending: {:?}", &wires[19_990..]);
        }
        wires
    }

    fn deadline(&self) -> Option<Instant> {
        Some(self.tcb.as_ref()?.deadline()?.0)
    }

    /// Lets time pass to the next deadline and runs it: a nanosecond before, nothing may happen.
    fn run_timer(&mut self) {
        let at = self.deadline().expect("a timer");
        if at > self.now {
            self.now = (at - Duration::from_nanos(1)).max(self.now);
            let before = self.digest();
            self.with(Tcb::on_timeout);
            assert_eq!(before, self.digest(), "something happened before the deadline");
        }
        self.now = self.now.max(at);
        self.with(Tcb::on_timeout);
    }

    fn digest(&self) -> u64 {
        let mut digest = crate::digest::Digest::new();
        if let Some(tcb) = &self.tcb {
            tcb.digest(&mut digest);
        }
        digest.finish()
    }

    fn send(&mut self, data: &[u8]) -> usize {
        self.with(|tcb, env| tcb.send(env, data)).expect("send")
    }

    /// All that has arrived.
    fn read(&mut self) -> Vec<u8> {
        let mut out = alloc::vec![0; 1 << 21];
        let len = self.with(|tcb, env| tcb.recv(env, &mut out)).unwrap_or(0);
        out.truncate(len);
        out
    }
}

/// Distinguishable bytes.
fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i % 251) as u8 ^ (i / 251) as u8).collect()
}
