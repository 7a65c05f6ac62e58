//! Loss: when it is declared and what is sent again.
//!
//! Three phases. *Open*: nothing is known to be lost. *Fast*: duplicate acknowledgments have shown a
//! loss (RFC 5681 section 3.2, RFC 6582 without SACK, RFC 6675 with it). *Loss*: the retransmission
//! timer expired, and all that was in flight then is taken as lost, except what is SACKed.
//! In Fast and Loss, `point` is RecoveryPoint: the phase ends when it is acknowledged.
//!
//! One account serves all: octets below `lost_edge` that are not SACKed have left the network, those
//! below `high_rxt` have been sent again. Congestion control bounds their sum, `pipe` (RFC 6675 section 4).

use alloc::boxed::Box;

use super::sack::{DUP_THRESH, Scoreboard};
use super::seq::SeqNumber;
use crate::digest::Digest;
use crate::wire::tcp_options::SackRange;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Phase {
    #[default]
    Open,
    Fast,
    Loss,
}

/// What an acknowledgment of new data did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing is being recovered.
    Open,
    /// Fast recovery goes on: a partial acknowledgment.
    FastPartial,
    /// Fast recovery is over.
    Recovered,
    /// What timed out is still being sent again, or the last of it was just acknowledged.
    Loss,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Recovery {
    pub(super) phase: Phase,
    /// SACK was agreed on: recovery goes by RFC 6675, else by RFC 6582.
    pub(super) sack: bool,
    /// Consecutive duplicate acknowledgments in Open.
    pub(super) dup_acks: u32,
    /// FlightSize at the first of them: what limited transmit adds does not count (RFC 5681 section 3.2 step 2).
    pub(super) flight: u32,
    /// A retransmission at SND.UNA is owed, whatever the congestion window.
    pub(super) force: bool,
    /// RecoveryPoint: SND.NXT when the phase began.
    point: SeqNumber,
    /// `recover` of RFC 6582: without SACK, no fast retransmit until more than this is acknowledged.
    recover: Option<SeqNumber>,
    high_rxt: SeqNumber,
    lost_edge: SeqNumber,
    scoreboard: Option<Box<Scoreboard>>,
}

impl Recovery {
    /// The connection is established and nothing is in flight: every number kept here is compared
    /// with, and has to lie near, SND.UNA.
    pub(super) fn on_established(&mut self, una: SeqNumber) {
        (self.point, self.high_rxt, self.lost_edge) = (una, una, una);
    }

    /// Takes the SACK blocks of a segment; true if one told something new.
    pub(super) fn on_sack(&mut self, una: SeqNumber, nxt: SeqNumber, blocks: &[SackRange], limit: usize) -> bool {
        let scoreboard = self.scoreboard.get_or_insert_default();
        let mut news = false;
        for &block in blocks {
            news |= scoreboard.add(una, nxt, block, limit);
        }
        if scoreboard.is_empty() {
            self.scoreboard = None;
        }
        news
    }

    /// The scoreboard changed: moves the edge below which octets are lost.
    pub(super) fn update_lost_edge(&mut self, una: SeqNumber, smss: u32) {
        let edge = self.scoreboard.as_ref().and_then(|scoreboard| scoreboard.lost_edge(smss));
        self.lost_edge = match self.phase {
            Phase::Open => edge.unwrap_or(una),
            Phase::Fast | Phase::Loss => self.lost_edge.max(edge.unwrap_or(una)).max(una),
        };
    }

    /// A duplicate acknowledgment arrived in Open; true if loss is to be declared: DupThresh of
    /// them, or the scoreboard says so (RFC 6675 section 5 steps 1 and 2).
    pub(super) fn on_duplicate(&mut self, una: SeqNumber, nxt: SeqNumber) -> bool {
        if self.dup_acks == 0 {
            self.flight = nxt.bytes_since(una);
        }
        self.dup_acks += 1;
        if self.sack {
            return self.dup_acks >= DUP_THRESH || self.lost_edge > una;
        }
        // RFC 6582 section 3.2 step 2: what a timeout or recovery has already sent again may come
        // back as duplicates.
        self.dup_acks >= DUP_THRESH && self.recover.is_none_or(|recover| una > recover)
    }

    /// Loss is declared: fast recovery begins with the segment at SND.UNA (RFC 5681 section 3.2 steps 2 and 3).
    pub(super) fn enter_fast(&mut self, una: SeqNumber, nxt: SeqNumber) {
        self.phase = Phase::Fast;
        self.point = nxt;
        self.recover = Some(nxt);
        self.high_rxt = una;
        self.lost_edge = self.lost_edge.max(una);
        self.force = true;
    }

    /// The retransmission timer expired. True if this is the first time for what is in flight.
    pub(super) fn on_timeout(&mut self, una: SeqNumber, nxt: SeqNumber) -> bool {
        let first = self.phase != Phase::Loss;
        // RFC 2018 section 8 has all blocks forgotten here; enough is to do so where the peer has
        // evidently dropped what it had reported, or where sending the rest again did not help.
        let reneged = self.scoreboard.as_ref().is_some_and(|scoreboard| scoreboard.is_reneged(una));
        if reneged || !first {
            self.scoreboard = None;
        }
        self.resend_all(una, nxt);
        first
    }

    /// All that is in flight is taken as lost, without a word about congestion if the caller knows
    /// that a closed window or the size of the segments was the reason.
    pub(super) fn resend_all(&mut self, una: SeqNumber, nxt: SeqNumber) {
        self.phase = Phase::Loss;
        self.dup_acks = 0;
        self.point = nxt;
        self.recover = Some(nxt);
        self.high_rxt = una;
        self.lost_edge = nxt;
        self.force = true;
    }

    /// SND.UNA advanced.
    pub(super) fn on_advance(&mut self, una: SeqNumber, smss: u32) -> Progress {
        self.dup_acks = 0;
        if let Some(scoreboard) = &mut self.scoreboard {
            scoreboard.acknowledge(una);
            if scoreboard.is_empty() {
                self.scoreboard = None;
            }
        }
        if self.recover.is_some_and(|recover| una > recover) {
            self.recover = None;
        }
        if self.phase == Phase::Open {
            self.high_rxt = una;
            self.update_lost_edge(una, smss);
            return Progress::Open;
        }
        self.high_rxt = self.high_rxt.max(una);
        self.lost_edge = self.lost_edge.max(una);
        let was = self.phase;
        if una >= self.point {
            self.phase = Phase::Open;
            self.force = false;
            self.high_rxt = una;
            self.update_lost_edge(una, smss);
            return if was == Phase::Fast { Progress::Recovered } else { Progress::Loss };
        }
        match was {
            Phase::Fast => {
                // Without SACK a partial acknowledgment is what tells of the next loss (RFC 6582
                // section 3.2 step 3).
                self.force |= !self.sack;
                Progress::FastPartial
            }
            Phase::Open | Phase::Loss => Progress::Loss,
        }
    }

    /// Whether this is fast recovery by RFC 6582, without a scoreboard.
    pub(super) fn is_blind_fast(&self) -> bool {
        self.phase == Phase::Fast && !self.sack
    }

    /// The octets thought to be in the network (SetPipe of RFC 6675 section 4). Without
    /// SACK, fast recovery inflates the window instead and this is FlightSize.
    pub(super) fn pipe(&self, una: SeqNumber, nxt: SeqNumber) -> u32 {
        if (self.phase == Phase::Open && self.scoreboard.is_none()) || self.is_blind_fast() {
            return nxt.bytes_since(una);
        }
        let edge = self.lost_edge.max(una);
        self.outstanding(edge, nxt) + if self.phase == Phase::Open { 0 } else { self.outstanding(una, self.high_rxt) }
    }

    /// The octets of `start..end` that are not SACKed.
    fn outstanding(&self, start: SeqNumber, end: SeqNumber) -> u32 {
        let sacked = self.scoreboard.as_ref().map_or(0, |scoreboard| scoreboard.sacked(start, end));
        end.bytes_since(start) - sacked.min(end.bytes_since(start))
    }

    /// What limited transmit adds to the window: a segment for each of the first two duplicate
    /// acknowledgments (RFC 3042). With SACK, `pipe` has already shrunk by what they reported.
    pub(super) fn limited_transmit(&self, smss: u32) -> u32 {
        if self.phase == Phase::Open && !self.sack { self.dup_acks.min(2) * smss } else { 0 }
    }

    /// The next lost range to send again, at most `smss` octets: rule (1) of NextSeg (RFC 6675 section 4).
    pub(super) fn next_lost(&self, una: SeqNumber, nxt: SeqNumber, smss: u32) -> Option<(SeqNumber, SeqNumber)> {
        if self.force {
            return self.hole(una, nxt, smss);
        }
        if self.phase == Phase::Open || self.is_blind_fast() {
            return None;
        }
        self.hole(self.high_rxt.max(una), nxt, smss).filter(|&(start, _)| start < self.lost_edge)
    }

    /// A range that is not known to be lost but lies below one that has arrived: rule (3) of NextSeg,
    /// for when there is nothing new to send.
    pub(super) fn next_doubtful(&self, una: SeqNumber, nxt: SeqNumber, smss: u32) -> Option<(SeqNumber, SeqNumber)> {
        let highest = self.scoreboard.as_ref().and_then(|scoreboard| scoreboard.highest())?;
        if self.phase == Phase::Open {
            return None;
        }
        self.hole(self.high_rxt.max(una), nxt, smss).filter(|&(start, _)| start < highest)
    }

    fn hole(&self, from: SeqNumber, nxt: SeqNumber, smss: u32) -> Option<(SeqNumber, SeqNumber)> {
        let (start, next) = self.scoreboard.as_ref().map_or((from, None), |scoreboard| scoreboard.hole(from));
        let end = (start + smss).min(next.unwrap_or(nxt)).min(nxt);
        (start < end).then_some((start, end))
    }

    /// Octets up to `end` were sent again.
    pub(super) fn on_retransmission(&mut self, end: SeqNumber) {
        self.force = false;
        if self.phase != Phase::Open {
            self.high_rxt = self.high_rxt.max(end);
        }
    }

    pub(super) fn check(&self, una: SeqNumber, nxt: SeqNumber) -> Result<(), &'static str> {
        if let Some(scoreboard) = &self.scoreboard {
            scoreboard.check(una, nxt)?;
        }
        if self.phase != Phase::Open {
            if self.point <= una || self.point > nxt {
                return Err("RecoveryPoint is not in flight");
            }
            if self.high_rxt < una || self.high_rxt > nxt || self.lost_edge > nxt {
                return Err("HighRxt or the lost edge is not in flight");
            }
        }
        if self.force && una == nxt {
            return Err("a retransmission is owed and nothing is in flight");
        }
        Ok(())
    }

    pub(super) fn digest(&self, digest: &mut Digest) {
        digest.u8(self.phase as u8);
        digest.u32(self.dup_acks);
        digest.u32(self.flight);
        digest.bool(self.sack);
        digest.bool(self.force);
        for seq in [self.point, self.high_rxt, self.lost_edge] {
            digest.u32(seq.0);
        }
        digest.option(self.recover, |digest, recover| digest.u32(recover.0));
        digest.option(self.scoreboard.as_ref(), |digest, scoreboard| scoreboard.digest(digest));
    }
}
