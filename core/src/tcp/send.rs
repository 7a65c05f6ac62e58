//! The send sequence space (RFC 9293 section 3.3.1) and the queue under it.

use crate::buffer::ByteQueue;
use crate::digest::Digest;
use crate::time::Instant;

use super::Env;
use super::seq::SeqNumber;

/// How far our FIN has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Fin {
    /// The application may still send.
    #[default]
    None,
    /// It follows the last byte of the queue; sent if SND.NXT is behind it.
    Queued,
    /// It was acknowledged.
    Acknowledged,
}

#[derive(Clone, Debug)]
pub(super) struct SendSpace {
    pub(super) iss: SeqNumber,
    pub(super) una: SeqNumber,
    /// One past the highest sequence number sent. It never goes back.
    pub(super) nxt: SeqNumber,
    /// SND.WND, scaled up.
    pub(super) wnd: u32,
    pub(super) wl1: SeqNumber,
    pub(super) wl2: SeqNumber,
    /// MAX.SND.WND: the largest window the peer has offered (RFC 5961 section 5.2, RFC 9293 section 3.8.6.2.1).
    pub(super) max_wnd: u32,
    /// Snd.Wind.Shift (RFC 7323 section 2.3).
    pub(super) scale: u8,
    /// Our SYN was acknowledged.
    pub(super) syn_acked: bool,
    /// A SYN or SYN-ACK is to be sent, for the first time or again.
    pub(super) syn_owed: bool,
    /// A zero-window probe is to be sent.
    pub(super) probe_owed: bool,
    /// A keep-alive probe is to be sent.
    pub(super) keep_alive_owed: bool,
    /// The override timer expired: text leaves although silly-window avoidance holds it.
    pub(super) override_owed: bool,
    pub(super) fin: Fin,
    /// `send` found the queue full and the application waits for room.
    pub(super) waiting: bool,
    /// Eff.snd.MSS (RFC 9293 section 3.7.1): what fits beside the options of a data segment.
    pub(super) mss: u16,
    /// SendMSS: what the peer takes, not above what our link takes.
    pub(super) mss_peer: u16,
    /// What the path takes beside the fixed headers (RFC 1191, RFC 8201).
    pub(super) mss_path: u16,
    /// Octets below this may have been sent in segments that the path has since turned out not to take.
    pub(super) oversized: Option<SeqNumber>,
    /// CWND was full when SND.NXT was here: acknowledgments of data below it may grow the window.
    pub(super) limited: Option<SeqNumber>,
    pub(super) last_sent: Option<Instant>,
    /// The segment being timed: its end and when it left (RFC 6298 section 3).
    pub(super) timed: Option<(SeqNumber, Instant)>,
    /// From the first byte that is not acknowledged, or from the first after our SYN.
    pub(super) queue: ByteQueue,
}

impl SendSpace {
    pub(super) fn new(iss: SeqNumber, mss: u16) -> SendSpace {
        SendSpace {
            iss,
            una: iss,
            nxt: iss,
            wnd: 0,
            wl1: SeqNumber(0),
            wl2: SeqNumber(0),
            max_wnd: 0,
            scale: 0,
            syn_acked: false,
            syn_owed: true,
            probe_owed: false,
            keep_alive_owed: false,
            override_owed: false,
            fin: Fin::None,
            waiting: false,
            mss,
            mss_peer: mss,
            mss_path: u16::MAX,
            oversized: None,
            limited: None,
            last_sent: None,
            timed: None,
            queue: ByteQueue::default(),
        }
    }

    /// Something is in flight, or waits to be sent.
    pub(super) fn has_text_or_fin(&self) -> bool {
        self.in_flight() || self.fin == Fin::Queued || !self.queue.is_empty()
    }

    pub(super) fn in_flight(&self) -> bool {
        self.una != self.nxt
    }

    /// FlightSize (RFC 5681 section 2).
    pub(super) fn flight(&self) -> u32 {
        self.nxt.bytes_since(self.una)
    }

    /// The sequence number of the first byte queued.
    pub(super) fn queue_start(&self) -> SeqNumber {
        if self.syn_acked { self.una } else { self.iss + 1 }
    }

    /// The sequence number after the last byte queued: that of the FIN, if there is one to come.
    pub(super) fn queue_end(&self) -> SeqNumber {
        self.queue_start() + self.queue.len() as u32
    }

    /// Bytes never sent.
    pub(super) fn unsent(&self) -> u32 {
        self.queue_end().bytes_since(self.nxt.max(self.queue_start()))
    }

    /// Whether the FIN was never sent and is to be.
    pub(super) fn fin_unsent(&self) -> bool {
        self.fin == Fin::Queued && self.nxt <= self.queue_end()
    }

    /// The right edge of the peer's window.
    pub(super) fn edge(&self) -> SeqNumber {
        self.una + self.wnd
    }

    /// SND.UNA + SND.WND - SND.NXT (U of RFC 9293 section 3.8.6.2.1); 0 if the peer has shrunk its window
    /// below what is in flight.
    pub(super) fn usable(&self) -> u32 {
        self.edge().bytes_since(self.nxt)
    }

    /// The sequence number of a segment without text: SND.NXT, unless the peer has closed its window
    /// below it. There a segment at SND.NXT would not be acceptable, so two sides that probe each
    /// other's closed windows would never hear that one has opened (RFC 9293 appendix A.2).
    pub(super) fn acceptable_seq(&self) -> SeqNumber {
        if self.syn_acked { self.nxt.min(self.edge()) } else { self.nxt }
    }

    /// SND.UNA advances to `ack`. Returns how many bytes of text that acknowledges.
    pub(super) fn acknowledge(&mut self, ack: SeqNumber, env: &mut Env<'_>) -> u32 {
        let mut acked = ack.bytes_since(self.una);
        self.una = ack;
        if !self.syn_acked {
            self.syn_acked = true;
            acked = acked.saturating_sub(1);
        }
        let text = acked.min(self.queue.len() as u32);
        self.queue.advance(text as usize, env.chunks);
        if acked > text && self.fin == Fin::Queued {
            self.fin = Fin::Acknowledged;
        }
        text
    }

    /// Takes the window of a segment if it is not older than the last one taken (RFC 9293 section 3.10.7.4, fifth check).
    /// What acknowledges more is not older, whatever its sequence number: else the old window would stand on a new
    /// SND.UNA, and reach beyond what the peer has ever offered.
    pub(super) fn update_window(&mut self, seq: SeqNumber, ack: SeqNumber, window: u32) {
        if self.wl2 < ack || self.wl1 <= seq {
            self.wnd = window;
            self.wl1 = seq;
            self.wl2 = ack;
            self.max_wnd = self.max_wnd.max(window);
        }
    }

    /// Nothing will be sent any more.
    pub(super) fn flush(&mut self, env: &mut Env<'_>) {
        self.queue.clear(env.chunks);
        self.syn_owed = false;
        self.probe_owed = false;
        self.keep_alive_owed = false;
        self.override_owed = false;
        self.timed = None;
        self.waiting = false;
    }

    pub(super) fn check(&self) -> Result<(), &'static str> {
        if self.nxt < self.una {
            return Err("SND.NXT is before SND.UNA");
        }
        let end = self.queue_end() + u32::from(self.fin == Fin::Queued);
        if self.nxt > end {
            return Err("SND.NXT is beyond what was queued");
        }
        if self.wnd > self.max_wnd {
            return Err("SND.WND is above MAX.SND.WND");
        }
        Ok(())
    }

    pub(super) fn digest(&self, digest: &mut Digest) {
        for seq in [self.iss, self.una, self.nxt, self.wl1, self.wl2] {
            digest.u32(seq.0);
        }
        digest.u32(self.wnd);
        digest.u32(self.max_wnd);
        digest.u8(self.scale);
        for flag in
            [self.syn_acked, self.syn_owed, self.probe_owed, self.keep_alive_owed, self.override_owed, self.waiting]
        {
            digest.bool(flag);
        }
        digest.u8(self.fin as u8);
        digest.u16(self.mss);
        digest.u16(self.mss_peer);
        digest.u16(self.mss_path);
        digest.option(self.oversized, |digest, seq| digest.u32(seq.0));
        digest.option(self.limited, |digest, limited| digest.u32(limited.0));
        digest.option(self.last_sent, Digest::instant);
        digest.option(self.timed, |digest, (end, at)| {
            digest.u32(end.0);
            digest.instant(at);
        });
        digest.count(self.queue.len());
        for run in self.queue.runs(0, self.queue.len()) {
            digest.bytes(run);
        }
    }
}
