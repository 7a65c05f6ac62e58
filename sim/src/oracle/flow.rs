//! One TCP connection as its host's tap shows it: both ends' sequence numbers, windows and options. All
//! oracles about segments read it; none of them changes it. A frame is judged first and then taken in.
//!
//! ```text
//!   local.una      local.nxt            remote.edge
//!       |-- sent ------|                     |      what the tap's host sends
//!       +--------------+---------------------+---> sequence numbers
//!
//!   local.ack   received.next    local.edge
//!       |----------|                 |              what it receives
//! ```
//!
//! The tap may know more than its host: a frame that has arrived may still wait to be taken. So what was heard
//! only widens what a host may do.

use bytes::Bytes;
use smallvec::SmallVec;
use tickwire_core::Instant;
use tickwire_core::tcp::seq::SeqNumber;
use tickwire_core::wire::tcp::TcpFlags;

use super::packet::Segment;
use super::received::Received;
use super::sent::Sent;
use super::verdict::Mark;

/// The largest shift count (RFC 7323 section 2.3).
const SHIFT_MAX: u8 = 14;
/// Segments heard last that a RST may answer.
const HEARD: usize = 16;

/// What a SYN told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Syn {
    pub(super) seq: SeqNumber,
    window: u16,
    pub(super) mss: Option<u16>,
    pub(super) window_scale: Option<u8>,
    pub(super) sack_permitted: bool,
    pub(super) timestamp: Option<u32>,
}

impl Syn {
    fn of(segment: &Segment<'_>) -> Syn {
        let options = &segment.options;
        Syn {
            seq: segment.seq,
            window: segment.view.window(),
            mss: options.mss,
            window_scale: options.window_scale,
            sack_permitted: options.sack_permitted,
            timestamp: options.timestamps.map(|timestamps| timestamps.value),
        }
    }
}

/// A number that has gone furthest, and the frame that took it there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Furthest {
    pub(super) value: SeqNumber,
    pub(super) mark: Mark,
}

/// One end of a connection.
#[derive(Clone, Debug, Default)]
pub(super) struct End {
    /// Its SYN, once it is known.
    pub(super) syn: Option<Syn>,
    /// The end of all that it has sent.
    pub(super) nxt: SeqNumber,
    /// What it has acknowledged.
    pub(super) ack: Option<Furthest>,
    /// The furthest right edge that it has offered.
    pub(super) edge: Option<Furthest>,
    /// The largest window that it has offered (MAX.SND.WND of the other end, RFC 5961 section 5.2).
    pub(super) window_max: u32,
    /// The largest TSval that it has sent.
    pub(super) timestamp: Option<(u32, Mark)>,
    /// The number behind its FIN.
    pub(super) fin: Option<SeqNumber>,
}

/// A segment heard, as far as a RST answers it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard {
    pub(super) end: SeqNumber,
    pub(super) ack: Option<SeqNumber>,
}

/// Text that waits for its acknowledgment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unacknowledged {
    /// The segment that brought it.
    pub(super) mark: Mark,
    /// Its end.
    pub(super) end: SeqNumber,
}

/// A connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Flow {
    /// The end at the tap.
    pub(super) local: End,
    /// The other end.
    pub(super) remote: End,
    /// SND.UNA of the local end: the furthest acknowledgment heard.
    pub(super) una: SeqNumber,
    /// What the local end sent and `una` does not cover.
    pub(super) sent: Sent,
    /// What the local end received.
    pub(super) received: Received,
    /// The end of what came in order behind what the local end has acknowledged.
    in_order: SeqNumber,
    /// The first text received that the local end has not acknowledged.
    pub(super) unacknowledged: Option<Unacknowledged>,
    /// The host was kept from working: what it answers may be long past.
    pub(super) disturbed: bool,
    /// The place of the frame heard last, plus one.
    pub(super) heard_number: u64,
    /// The segments heard last, RSTs left out, the most recent at `heard_next - 1`.
    heard: SmallVec<[Heard; HEARD]>,
    heard_next: usize,
    /// A SYN that the local end has not answered.
    syn_heard: Option<Syn>,
    /// The timestamp of the last copy of it.
    syn_repeated: Option<u32>,
    /// The tap cannot tell any more what its host knows: part of it came in fragments, or the numbers make
    /// no sense.
    blind: bool,
    /// The peer's SYN came more than once before the local end answered it.
    pub(super) syn_again: bool,
    /// It goes through the host, or within it: both ends' frames were seen to leave.
    pub(super) transit: bool,
    /// It was reset, or both ends have closed.
    pub(super) over: bool,
    /// The local end is foreign: it need not keep what arrives beyond a hole (RFC 9293 SHLD-31), as smoltcp does not
    /// keep a FIN; it may round its window, go back to what is unacknowledged, and take no text that overtaken
    /// acknowledgments come with, as smoltcp does (RFC 9293 section 3.10.7.4 ignores the acknowledgment only), and leave
    /// out the FIN of a segment of whose text it has everything, as smoltcp does, which does not count the FIN when it
    /// judges whether a segment is acceptable (section 3.10.7.4 does, in SEG.LEN): the FIN comes again alone.
    pub(super) forgetful: bool,
}

impl Flow {
    /// Begins anew, for a connection of which nothing was seen. Memory is kept.
    pub(super) fn reset(&mut self) {
        let mut sent = std::mem::take(&mut self.sent);
        sent.clear();
        *self = Flow { sent, ..Flow::default() };
    }

    /// Both SYNs, if the connection was seen from them on and all of it can be told.
    #[inline]
    pub(super) fn syns(&self) -> Option<(&Syn, &Syn)> {
        if self.blind || self.transit {
            return None;
        }
        Some((self.local.syn.as_ref()?, self.remote.syn.as_ref()?))
    }

    /// Whether timestamps are in every segment (RFC 7323 section 3.2); `None` if that is not known.
    pub(super) fn timestamps(&self) -> Option<bool> {
        self.syns().map(|(local, remote)| local.timestamp.is_some() && remote.timestamp.is_some())
    }

    /// The shift count of the windows of `of`, one of both SYNs.
    fn shift(&self, of: Option<&Syn>) -> u32 {
        let scales = |end: &End| end.syn.is_some_and(|syn| syn.window_scale.is_some());
        let both = scales(&self.local) && scales(&self.remote);
        of.and_then(|syn| syn.window_scale).filter(|_| both).map_or(0, |shift| shift.min(SHIFT_MAX).into())
    }

    /// The unit of the windows that the local end offers, in bytes (RFC 7323 section 2.2).
    pub(super) fn unit(&self) -> u32 {
        1 << self.shift(self.local.syn.as_ref())
    }

    /// The right edge that a segment of the local end offers.
    #[inline]
    pub(super) fn edge_offered(&self, segment: &Segment<'_>) -> Option<SeqNumber> {
        self.edge(segment, self.local.syn.as_ref())
    }

    /// The window of a SYN is never scaled (RFC 7323 section 2.2).
    #[inline]
    fn edge(&self, segment: &Segment<'_>, syn: Option<&Syn>) -> Option<SeqNumber> {
        let shift = if segment.has(TcpFlags::SYN) { 0 } else { self.shift(syn) };
        let ack = segment.ack.filter(|_| !segment.has(TcpFlags::RST))?;
        Some(ack + (u32::from(segment.view.window()) << shift))
    }

    /// The SYN that a SYN-ACK of the local end answers.
    pub(super) fn answered_by(&self, segment: &Segment<'_>) -> Option<Syn> {
        let answered = |syn: &Syn| segment.ack == Some(syn.seq + 1);
        [self.remote.syn, self.syn_heard].into_iter().flatten().find(answered).filter(|_| !self.transit)
    }

    /// The segments heard last that a RST may answer.
    pub(super) fn heard(&self) -> &[Heard] {
        &self.heard
    }

    /// A part of the connection passed in fragments: what was received is not known any more.
    pub(super) fn blind(&mut self) {
        self.blind = true;
        self.unacknowledged = None;
    }

    /// Whether the local end has sent before what a segment begins with.
    #[inline]
    pub(super) fn has_sent(&self, segment: &Segment<'_>) -> bool {
        let of_this = |syn: Syn| !segment.has(TcpFlags::SYN) || syn.seq == segment.seq;
        self.local.syn.is_some_and(of_this) && segment.seq < self.local.nxt
    }

    /// Takes in a segment that the local end sent. `path_news` is the number, plus one, of the last ICMP
    /// message heard.
    #[inline]
    pub(super) fn send(&mut self, segment: &Segment<'_>, frame: &Bytes, text: (u32, u32), mark: Mark, path_news: u64) {
        if self.transit {
            return;
        }
        if segment.has(TcpFlags::SYN) {
            self.send_syn(segment);
        }
        if segment.has(TcpFlags::RST) {
            self.unacknowledged = None;
            self.over = true;
            return;
        }
        if self.local.syn.is_none() {
            return;
        }
        if segment.len() > 0 {
            if segment.seq >= self.local.nxt {
                self.sent.push(segment.seq, segment.end, frame, text, mark);
            } else {
                self.sent.sent_again(segment.seq, segment.end, mark, self.heard_number.max(path_news));
                if segment.end > self.local.nxt {
                    self.sent.push(self.local.nxt, segment.end, frame, self.tail(segment, text), mark);
                }
            }
            self.local.nxt = self.local.nxt.max(segment.end);
            if segment.has(TcpFlags::FIN) {
                self.local.fin = Some(segment.end);
            }
        }
        if let Some(edge) = self.edge_offered(segment)
            && self.local.edge.is_none_or(|furthest| edge > furthest.value)
        {
            self.local.edge = Some(Furthest { value: edge, mark });
        }
        if let Some(ack) = segment.ack {
            self.send_ack(ack, mark);
        }
        if let Some(timestamps) = segment.options.timestamps {
            self.local.timestamp = Some((timestamps.value, mark));
        }
    }

    /// Where the part of a segment's text begins that is sent for the first time.
    fn tail(&self, segment: &Segment<'_>, text: (u32, u32)) -> (u32, u32) {
        (text.0 + self.local.nxt.bytes_since(segment.seq).min(text.1 - text.0), text.1)
    }

    fn send_ack(&mut self, ack: SeqNumber, mark: Mark) {
        if self.local.ack.is_none_or(|furthest| ack > furthest.value) {
            self.local.ack = Some(Furthest { value: ack, mark });
        }
        if self.unacknowledged.is_some_and(|unacknowledged| ack >= unacknowledged.end) {
            // Of what came after it, this frame is the first that is sure not to have come earlier.
            let rest = self.in_order;
            let owed = rest > ack && !self.forgetful;
            self.unacknowledged = owed.then_some(Unacknowledged { mark, end: rest });
        }
        self.over |= self.local.fin.is_some() && self.remote.fin.is_some_and(|fin| ack >= fin);
    }

    fn send_syn(&mut self, segment: &Segment<'_>) {
        let syn = Syn::of(segment);
        match self.local.syn {
            Some(known) if known.seq == syn.seq => {
                // Sent again with other options: which of them the peer has heard, the tap cannot tell.
                self.blind |= Syn { timestamp: None, window: 0, ..known } != Syn { timestamp: None, window: 0, ..syn }
                    || known.timestamp.is_some() != syn.timestamp.is_some();
            }
            known => {
                let answered = self.answered_by(segment);
                let heard = (std::mem::take(&mut self.heard), self.heard_next, self.heard_number, self.syn_again);
                if known.is_some() || self.over {
                    self.reset();
                }
                (self.heard, self.heard_next, self.heard_number, self.syn_again) = heard;
                self.local.syn = Some(syn);
                self.local.nxt = syn.seq;
                self.una = syn.seq;
                match (answered, segment.ack) {
                    (Some(answered), _) => self.begin_remote(answered),
                    (None, Some(_)) => self.blind = true,
                    (None, None) => self.remote = End::default(),
                }
            }
        }
    }

    fn begin_remote(&mut self, syn: Syn) {
        let next = syn.seq + 1;
        let mark = Mark::new(0, Instant::ZERO);
        let timestamp = self.syn_repeated.take().or(syn.timestamp).map(|value| (value, mark));
        let window_max = u32::from(syn.window);
        self.remote = End { syn: Some(syn), nxt: next, timestamp, window_max, ..End::default() };
        self.received = Received::starting(next);
        self.in_order = next;
        if let Some(local) = self.local.syn {
            self.remote.edge = Some(Furthest { value: local.seq + 1 + u32::from(syn.window), mark });
        }
    }

    /// Takes in a segment that the local end received.
    #[inline]
    pub(super) fn hear(&mut self, segment: &Segment<'_>, mark: Mark) {
        self.heard_number = mark.order + 1;
        let acceptable = self.is_acceptable(segment);
        if segment.has(TcpFlags::RST) {
            if acceptable {
                self.unacknowledged = None;
                self.over = true;
            }
            return;
        }
        self.keep_heard(Heard { end: segment.end, ack: segment.ack });
        if segment.has(TcpFlags::SYN) {
            self.hear_syn(segment);
        }
        if !acceptable || self.syns().is_none() || !self.is_believed(segment) {
            return;
        }
        if let Some(ack) = segment.ack {
            self.una = self.una.max(ack);
            self.sent.acknowledge(ack);
            let window = self.edge(segment, self.remote.syn.as_ref()).map_or(0, |edge| edge.bytes_since(ack));
            self.remote.window_max = self.remote.window_max.max(window);
            if let Some(edge) = self.edge(segment, self.remote.syn.as_ref())
                && self.remote.edge.is_none_or(|furthest| edge > furthest.value)
            {
                self.remote.edge = Some(Furthest { value: edge, mark });
            }
        }
        // RFC 7323 section 4.3 (2): what lies beyond a hole says nothing.
        let next = self.local.ack.map_or(self.received.next, |ack| ack.value.max(self.received.next));
        if let Some(timestamps) = segment.options.timestamps
            && segment.seq <= next
            && self.remote.timestamp.is_none_or(|(last, _)| is_later(timestamps.value, last))
        {
            self.remote.timestamp = Some((timestamps.value, mark));
        }
        if segment.len() > 0 {
            self.hear_text(segment, mark);
        }
    }

    /// Whether a segment lies in the window (RFC 9293 section 3.10.7.4). If not, it may be anybody's, and the
    /// host believes nothing of it.
    #[inline]
    fn is_acceptable(&self, segment: &Segment<'_>) -> bool {
        let (Some(ack), Some(edge)) = (self.local.ack, self.local.edge) else { return true };
        segment.end >= ack.value && segment.seq <= edge.value
    }

    /// Whether a segment in the window may be the peer's. What has no acknowledgment, a senseless one or a SYN in the
    /// middle of a connection is anybody's (RFC 9293 section 3.10.7.4, RFC 5961 sections 4 and 5), and what is older than
    /// the connection is of another (RFC 7323 section 5).
    fn is_believed(&self, segment: &Segment<'_>) -> bool {
        let first = self.remote.syn.and_then(|syn| syn.timestamp).filter(|_| self.timestamps() == Some(true));
        if let (Some(first), Some(own)) = (first, segment.options.timestamps)
            && is_later(first, own.value)
        {
            return false;
        }
        let opens = self.local.ack.is_none();
        match (segment.has(TcpFlags::SYN), segment.ack) {
            (true, None) => opens,
            (false, None) => false,
            (syn, Some(ack)) => ack <= self.local.nxt && (opens || !syn && !self.is_stale(segment)),
        }
    }

    #[inline]
    fn keep_heard(&mut self, heard: Heard) {
        match self.heard.get_mut(self.heard_next % HEARD) {
            Some(slot) => *slot = heard,
            None => self.heard.push(heard),
        }
        self.heard_next = (self.heard_next + 1) % HEARD;
    }

    fn hear_syn(&mut self, segment: &Segment<'_>) {
        let syn = Syn::of(segment);
        if self.remote.syn.is_some_and(|known| known.seq == syn.seq) {
            return;
        }
        if self.syn_heard.is_some_and(|known| known.seq == syn.seq) {
            (self.syn_repeated, self.syn_again) = (syn.timestamp, true);
            return;
        }
        (self.syn_heard, self.syn_repeated, self.syn_again) = (Some(syn), None, false);
        // The answer to our SYN, or one that crosses it. Whom a listener takes, its SYN-ACK tells.
        let opens = match segment.ack {
            Some(ack) => self.local.syn.is_some_and(|local| ack == local.seq + 1),
            None => self.local.syn.is_some(),
        };
        if opens && self.local.ack.is_none() && !self.over {
            self.begin_remote(syn);
        }
    }

    fn hear_text(&mut self, segment: &Segment<'_>, mark: Mark) {
        // What begins beyond the window is not taken, nor believed.
        if self.local.edge.is_some_and(|edge| segment.seq > edge.value) {
            return;
        }
        self.remote.nxt = self.remote.nxt.max(segment.end);
        if segment.has(TcpFlags::FIN) {
            self.remote.fin = Some(segment.end);
        }
        let before = self.received.next;
        self.received.add(segment.seq, segment.end);
        // A host need not keep what comes out of order: only what follows what it has acknowledged is sure to be
        // there.
        let acked = self.local.ack.map_or(before, |ack| ack.value);
        let edge = self.local.edge.map(|edge| edge.value - self.slack());
        let ignored = self.forgetful && self.is_left_out(segment, self.in_order.max(acked));
        let taken = !ignored && self.is_fresh(segment) && edge.is_some_and(|edge| segment.end <= edge);
        let in_order = taken && segment.seq <= self.in_order.max(acked);
        let owed = in_order
            && segment.end > acked
            && segment.seq <= acked
            && !self.over
            && self.unacknowledged.is_none()
            && !segment.has(TcpFlags::SYN)
            && segment.ack.is_some_and(|ack| self.local.syn.is_some_and(|syn| ack > syn.seq));
        if in_order {
            self.in_order = self.in_order.max(segment.end);
        }
        if owed {
            self.unacknowledged = Some(Unacknowledged { mark, end: segment.end });
        }
    }

    /// Whether a foreign host may leave out what a segment brings: the acknowledgment is an overtaken one, or all but the
    /// FIN lies before `next`.
    fn is_left_out(&self, segment: &Segment<'_>, next: SeqNumber) -> bool {
        let overtaken = segment.ack.is_some_and(|ack| ack < self.una);
        overtaken || segment.has(TcpFlags::FIN) && !segment.text.is_empty() && segment.end - 1 <= next
    }

    /// By how much a foreign host may have moved its right edge left, in rounding it.
    fn slack(&self) -> u32 {
        if self.forgetful { self.unit() - 1 } else { 0 }
    }

    /// Whether its acknowledgment is so old that its text need not be taken (RFC 5961 section 5.2).
    fn is_stale(&self, segment: &Segment<'_>) -> bool {
        segment.ack.is_some_and(|ack| ack < self.una - self.remote.window_max)
    }

    /// Whether PAWS lets it pass (RFC 7323 section 5.3).
    fn is_fresh(&self, segment: &Segment<'_>) -> bool {
        let last = self.remote.timestamp.map(|(last, _)| last);
        match (self.timestamps(), segment.options.timestamps) {
            (Some(true), Some(own)) => last.is_none_or(|last| !is_later(last, own.value)),
            (Some(true), None) => false,
            _ => true,
        }
    }
}

/// Whether timestamp `a` is later than `b` (RFC 7323 section 5.2).
#[inline]
pub(super) const fn is_later(a: u32, b: u32) -> bool {
    a.wrapping_sub(b).cast_signed() > 0
}
