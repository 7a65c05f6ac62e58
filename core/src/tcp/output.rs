//! Which segment is next, and what sending it commits.
//!
//! [`Tcb::plan`] decides from the state alone; `next_segment` carries the plan out. The order:
//!
//! 1. the SYN or SYN-ACK
//! 2. acknowledgments that must stand alone (`pending_ack`)
//! 3. a zero-window probe, while the window is closed
//! 4. what is lost, as CWND allows
//! 5. new text, as CWND, the peer's window, Nagle and silly-window avoidance allow; then what is
//!    only doubtful
//! 6. a keep-alive probe
//! 7. a plain acknowledgment
//!
//! Text carries a plain acknowledgment along, but no SACK blocks: these would take the room of text.

use super::segment::Outgoing;
use super::send::Fin;
use super::seq::SeqNumber;
use super::timeout::TimerCause;
use super::{Env, State, Tcb};
use crate::wire::tcp::TcpFlags;
use crate::wire::tcp_options::{MAX_SACK_BLOCKS, TcpOptions, Timestamps};

/// The next segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    Syn,
    /// A duplicate, selective or duplicate-selective acknowledgment.
    SpecialAck,
    Probe,
    /// Octets sent before.
    Retransmission(SeqNumber, SeqNumber),
    /// New text of at most this many bytes; 0 for a FIN alone.
    Text(u32),
    KeepAlive,
    Ack,
}

impl Tcb {
    /// Whether `next_segment` would give one now.
    pub(crate) fn wants_transmit(&self, _env: &Env<'_>) -> bool {
        self.plan().is_some()
    }

    /// Decides on the next segment and takes it as sent. `max_payload` is the most text, in bytes,
    /// that it may carry: with more than an MSS, whole segments in a row.
    pub(crate) fn next_segment(&mut self, env: &mut Env<'_>, max_payload: usize) -> Option<Outgoing> {
        self.restart_after_idle(env);
        let plan = self.plan()?;
        env.counters.segments_sent += 1;
        let segment = match plan {
            Plan::Syn => self.send_syn(env),
            Plan::SpecialAck => self.send_special_ack(env),
            Plan::Probe => self.send_probe(env),
            Plan::Retransmission(start, end) => self.send_again(env, start, end, max_payload),
            Plan::Text(len) => self.send_text(env, len, max_payload),
            Plan::KeepAlive => {
                self.snd.keep_alive_owed = false;
                env.counters.keep_alive_probes += 1;
                // RFC 9293 section 3.8.4: SND.NXT - 1, so that the peer answers.
                self.send_ack(env, self.snd.nxt - 1)
            }
            Plan::Ack => self.send_ack(env, self.snd.acceptable_seq()),
        };
        self.settle(env);
        Some(segment)
    }

    fn plan(&self) -> Option<Plan> {
        match self.state {
            State::SynSent | State::SynReceived if self.snd.syn_owed => return Some(Plan::Syn),
            State::Closed | State::SynSent => return None,
            _ => {}
        }
        if self.ack.is_special() {
            return Some(Plan::SpecialAck);
        }
        if self.state.sends_text()
            && self.snd.has_text_or_fin()
            && let Some(plan) = self.plan_text()
        {
            return Some(plan);
        }
        if self.snd.keep_alive_owed {
            return Some(Plan::KeepAlive);
        }
        self.ack.due.then_some(Plan::Ack)
    }

    fn plan_text(&self) -> Option<Plan> {
        let snd = &self.snd;
        if self.window_is_closed() {
            return snd.probe_owed.then_some(Plan::Probe);
        }
        if snd.in_flight()
            && let Some((start, end)) = self.recovery.next_lost(snd.una, snd.nxt, u32::from(snd.mss))
            && let Some(plan) = self.plan_again(start, end)
        {
            return Some(plan);
        }
        if let Some(len) = self.new_text() {
            return Some(Plan::Text(len));
        }
        let (start, end) = self.recovery.next_doubtful(snd.una, snd.nxt, u32::from(snd.mss))?;
        self.plan_again(start, end)
    }

    /// Sending `start..end` again, if CWND has room for a segment and the peer has not shrunk its
    /// window below it (RFC 9293 section 3.8.6).
    fn plan_again(&self, start: SeqNumber, end: SeqNumber) -> Option<Plan> {
        let end = end.min(self.snd.edge());
        let allowed = self.recovery.force || self.congestion_room() >= u32::from(self.snd.mss);
        (allowed && start < end).then_some(Plan::Retransmission(start, end))
    }

    /// What CWND leaves.
    fn congestion_room(&self) -> u32 {
        let window = self.congestion.cwnd().saturating_add(self.recovery.limited_transmit(u32::from(self.snd.mss)));
        window.saturating_sub(self.recovery.pipe(self.snd.una, self.snd.nxt))
    }

    /// How much new text may leave; 0 for a FIN alone. RFC 9293 section 3.8.6.2.1, with D the text
    /// unsent and U the usable window; all text counts as pushed.
    fn new_text(&self) -> Option<u32> {
        let snd = &self.snd;
        let unsent = snd.unsent();
        let usable = snd.usable();
        if unsent == 0 {
            return (snd.fin_unsent() && usable > 0).then_some(0);
        }
        let room = self.congestion_room();
        let len = unsent.min(usable).min(room);
        // (1) A full segment.
        if len >= u32::from(snd.mss) {
            return Some(len);
        }
        // A small segment because CWND is nearly full: the next acknowledgment makes room.
        if len == 0 || (len == room && len < unsent.min(usable)) {
            return None;
        }
        // Nagle (section 3.7.4): one small segment in flight at a time. Nothing follows the last
        // text before a FIN, so it need not wait.
        let may_be_small = !snd.in_flight() || self.settings.no_delay;
        // (2) All there is.
        if len == unsent && (may_be_small || snd.fin == Fin::Queued) {
            return Some(len);
        }
        // (3) Half the largest window the peer ever offered. (4) The override timer.
        let worthwhile = u64::from(len) * 2 >= u64::from(snd.max_wnd);
        ((may_be_small && worthwhile) || snd.override_owed).then_some(len)
    }

    /// Whether silly-window avoidance alone keeps text from leaving, with nothing in flight whose
    /// acknowledgment would change that.
    pub(super) fn is_held_back(&self) -> bool {
        let snd = &self.snd;
        self.state.sends_text()
            && !snd.in_flight()
            && !snd.override_owed
            // With nothing in flight CWND leaves at least a segment: all that the window takes may leave.
            && snd.usable() > 0
            && snd.unsent() > snd.usable()
            && self.new_text().is_none()
    }

    /// Nothing was sent for longer than an RTO: CWND says nothing about the path any more (RFC 5681 section 4.1).
    fn restart_after_idle(&mut self, env: &Env<'_>) {
        if !self.snd.in_flight()
            && self.snd.unsent() > 0
            && let Some(last) = self.snd.last_sent
            && env.now.since(last) > self.rtt.rto(env.config)
        {
            self.congestion.on_idle();
        }
    }

    /// `<SEQ=seq><ACK=RCV.NXT><CTL=ACK>` with `window`, and what any segment with an ACK commits.
    fn acknowledging(&mut self, env: &Env<'_>, seq: SeqNumber, window: u16) -> Outgoing {
        let timestamps = &self.timestamps;
        let options = TcpOptions {
            timestamps: timestamps.on.then(|| Timestamps { value: timestamps.value(env.now), echo: timestamps.recent }),
            ..TcpOptions::default()
        };
        self.rcv.offer(window);
        self.timers.stop(TimerCause::DelayedAck);
        self.ack.due = false;
        Outgoing {
            seq,
            ack: self.rcv.nxt,
            flags: TcpFlags::ACK,
            window,
            urgent: 0,
            options,
            payload_offset: 0,
            payload_len: 0,
            segment_size: self.snd.mss,
        }
    }

    fn send_ack(&mut self, env: &Env<'_>, seq: SeqNumber) -> Outgoing {
        let mut segment = self.acknowledging(env, seq, self.rcv.window());
        self.add_sack_blocks(&mut segment, 0);
        segment
    }

    /// One of the acknowledgments that must stand alone.
    #[cold]
    fn send_special_ack(&mut self, env: &mut Env<'_>) -> Outgoing {
        if self.ack.duplicates > 0 {
            // A plain acknowledgment that is owed for an advance goes first, with the same window,
            // or the first duplicate would pass for it.
            let advanced = self.ack.due && self.rcv.nxt != self.rcv.last_ack_sent;
            self.ack.duplicates -= u8::from(!advanced);
            let duplicate = self.acknowledging(env, self.snd.acceptable_seq(), self.ack.duplicate_window);
            // The application may have read since: the window of now is told behind the duplicates (RFC 9293 section
            // 3.8.6.2.2).
            self.ack.due = self.state.receives_text() && self.rcv.update_is_due();
            return duplicate;
        }
        let duplicate = if self.ack.dsack.is_empty() { None } else { Some(self.ack.dsack.remove(0)) };
        let mut segment = self.acknowledging(env, self.snd.acceptable_seq(), self.rcv.window());
        if let Some(duplicate) = duplicate {
            env.counters.dsacks_sent += 1;
            segment.options.sack.push(duplicate);
            if let Some(assembler) = &mut self.rcv.assembler {
                // RFC 2883 section 4: the block after it is the range that it is part of.
                assembler.report_around(duplicate.start, &mut segment.options.sack);
            }
        }
        self.add_sack_blocks(&mut segment, usize::from(duplicate.is_some()));
        segment
    }

    /// Adds what is held out of order, as far as it fits (RFC 2018 section 4), behind `duplicates`
    /// blocks that report something else.
    fn add_sack_blocks(&mut self, segment: &mut Outgoing, duplicates: usize) {
        if !self.sack {
            return;
        }
        let blocks = &mut segment.options.sack;
        let room = if segment.options.timestamps.is_some() { MAX_SACK_BLOCKS - 1 } else { MAX_SACK_BLOCKS };
        if let Some(assembler) = &mut self.rcv.assembler {
            assembler.report(room.saturating_sub(blocks.len()), duplicates, blocks);
            self.ack.sack_due = assembler.has_news();
        } else {
            self.ack.sack_due = false;
        }
    }

    #[cold]
    fn send_syn(&mut self, env: &mut Env<'_>) -> Outgoing {
        let again = self.snd.in_flight();
        env.counters.retransmissions += u64::from(again);
        self.snd.syn_owed = false;
        self.snd.nxt = self.snd.nxt.max(self.snd.iss + 1);
        // Karn (RFC 6298 section 3): a SYN sent twice is not timed.
        self.snd.timed = if again { None } else { Some((self.snd.nxt, env.now)) };
        self.start_timers(env);
        let window = self.rcv.syn_window();
        let options = self.syn_options(env);
        let (ack, flags) = if self.state == State::SynReceived {
            self.ack.due = false;
            self.rcv.last_ack_sent = self.rcv.nxt;
            (self.rcv.nxt, TcpFlags::SYN | TcpFlags::ACK)
        } else {
            (SeqNumber(0), TcpFlags::SYN)
        };
        Outgoing {
            seq: self.snd.iss,
            ack,
            flags,
            window,
            urgent: 0,
            options,
            payload_offset: 0,
            payload_len: 0,
            segment_size: self.snd.mss,
        }
    }

    /// What sending something that will be acknowledged starts (RFC 6298 section 5.1, RFC 9293 section 3.8.3).
    fn start_timers(&mut self, env: &Env<'_>) {
        if !self.window_is_closed() {
            let at = env.now + self.rtt.rto(env.config);
            self.timers.arm_if_idle(TimerCause::Retransmission, at);
        }
        let at = env.now + self.user_timeout(env);
        self.timers.arm_if_idle(TimerCause::UserTimeout, at);
        self.snd.last_sent = Some(env.now);
    }

    /// A segment of `start..end`, which lies within what is queued and its FIN. SND.NXT advances if
    /// it goes beyond.
    fn send_range(&mut self, env: &mut Env<'_>, start: SeqNumber, end: SeqNumber, segment_size: u16) -> Outgoing {
        let window = self.rcv.window();
        let mut segment = self.acknowledging(env, start, window);
        let queue_end = self.snd.queue_end();
        segment.payload_offset = start.bytes_since(self.snd.queue_start()) as usize;
        segment.payload_len = end.min(queue_end).bytes_since(start) as usize;
        segment.segment_size = segment_size;
        if end > queue_end {
            segment.flags |= TcpFlags::FIN;
        }
        if segment.payload_len > 0 && end >= queue_end {
            // RFC 9293 MUST-61: the last of what is queued is pushed.
            segment.flags |= TcpFlags::PSH;
        }
        let pieces = segment.payload_len.div_ceil(usize::from(segment_size.max(1)));
        env.counters.segments_sent += pieces.saturating_sub(1) as u64;
        self.snd.nxt = self.snd.nxt.max(end);
        self.start_timers(env);
        segment
    }

    fn send_text(&mut self, env: &mut Env<'_>, len: u32, max_payload: usize) -> Outgoing {
        let size = usize::from(self.snd.mss).min(max_payload).max(1);
        let mut len = len as usize;
        if len > size {
            // Whole segments: what remains is judged by the next plan.
            len = len.min(max_payload) / size * size;
        }
        self.snd.override_owed = false;
        let start = self.snd.nxt;
        let mut end = start + len as u32;
        if self.snd.fin_unsent() && end == self.snd.queue_end() && end < self.snd.edge() {
            end += 1;
        }
        let segment = self.send_range(env, start, end, size as u16);
        // One segment at a time is timed (RFC 6298 section 3).
        self.snd.timed.get_or_insert((end, env.now));
        let wanted = self.snd.unsent().min(self.snd.usable()).min(u32::from(self.snd.mss));
        if self.congestion_room() < wanted {
            self.snd.limited = Some(end);
        }
        segment
    }

    #[cold]
    fn send_again(&mut self, env: &mut Env<'_>, start: SeqNumber, end: SeqNumber, max_payload: usize) -> Outgoing {
        let size = usize::from(self.snd.mss).min(max_payload).max(1);
        let mut end = end.min(start + size as u32);
        let queue_end = self.snd.queue_end();
        if end == self.snd.nxt && end <= queue_end {
            // The last of what was sent may go with new text, as much as fits the segment.
            end = (start + size as u32).min(queue_end).min(self.snd.edge()).max(end);
            if end == queue_end && self.snd.fin_unsent() && end < self.snd.edge() {
                end += 1;
            }
        }
        // Karn: from here on acknowledgments are ambiguous.
        self.snd.timed = None;
        self.recovery.on_retransmission(end);
        env.counters.retransmissions += 1;
        self.send_range(env, start, end, size as u16)
    }

    /// One octet beyond the closed window: text, or the FIN (RFC 9293 section 3.8.6.1).
    #[cold]
    fn send_probe(&mut self, env: &mut Env<'_>) -> Outgoing {
        self.snd.probe_owed = false;
        self.snd.timed = None;
        env.counters.window_probes += 1;
        let start = self.snd.una;
        self.send_range(env, start, start + 1, self.snd.mss)
    }
}
