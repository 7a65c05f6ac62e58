//! Opening a connection, and what the options of the two SYNs agree on.

use super::congestion::Congestion;
use super::pending_ack::PendingAck;
use super::recovery::Recovery;
use super::recv::{ReceiveSpace, SCALE_MAX};
use super::rtt::Rtt;
use super::segment::Segment;
use super::send::{Fin, SendSpace};
use super::seq::SeqNumber;
use super::timeout::{TimerCause, Timers};
use super::{ChallengeLimit, Env, State, Tcb, TimestampClock};
use crate::config::TcpSettings;
use crate::event::Readiness;
use crate::wire::tcp_options::{TcpOptions, Timestamps};

/// The smallest segment size that is believed: with less, headers would be all that is sent. Room for
/// the options of a data segment remains.
const MSS_MIN: u16 = 48;
/// What a segment carries at least, whatever options take.
const TEXT_MIN: u16 = 8;
/// The timestamps option with its padding, in every data segment (RFC 7323 appendix A).
const TIMESTAMPS_LEN: u16 = 12;
/// What a receive buffer may be set to: a window of at most 2^30 keeps sequence numbers comparable
/// (RFC 7323 section 2.3), and without room nothing could ever arrive.
const RECEIVE_BUFFER_MAX: u32 = 1 << 30;

/// What a connection is opened with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Open<'a> {
    pub(crate) iss: SeqNumber,
    pub(crate) timestamp_offset: u32,
    /// The largest segment that our link takes: its MTU without the fixed headers.
    pub(crate) mss_local: u16,
    /// SendMSS where the peer says nothing: 536 or 1,220 (RFC 9293 section 3.7.1).
    pub(crate) mss_default: u16,
    pub(crate) settings: &'a TcpSettings,
}

impl Tcb {
    /// Active OPEN: SYN-SENT, with the SYN owed.
    pub(crate) fn connect(env: &mut Env<'_>, open: Open<'_>) -> Tcb {
        env.counters.active_opens += 1;
        Tcb::new(env, open, State::SynSent, false)
    }

    /// A listener accepts the SYN `segment`: SYN-RECEIVED, with the SYN-ACK owed. Text and controls
    /// beside the SYN are left to be sent again.
    pub(crate) fn accept(env: &mut Env<'_>, open: Open<'_>, segment: &Segment<'_>) -> Tcb {
        env.counters.passive_opens += 1;
        let mut tcb = Tcb::new(env, open, State::SynReceived, true);
        tcb.synchronize(env, segment);
        tcb
    }

    fn new(env: &mut Env<'_>, open: Open<'_>, state: State, passive: bool) -> Tcb {
        let settings = open.settings.clone();
        let mss_local = open.mss_local.min(settings.mss_max.unwrap_or(u16::MAX)).max(MSS_MIN);
        let mut rcv = ReceiveSpace::new(receive_limit(&settings), mss_local);
        if env.config.window_scaling {
            rcv.scale = ReceiveSpace::scale_for(rcv.limit);
        }
        let mut tcb = Tcb {
            state,
            passive,
            orphan: false,
            closed_by_user: false,
            sack: false,
            scaling: false,
            progress: false,
            readiness: Readiness::default(),
            snd: SendSpace::new(open.iss, open.mss_default.min(mss_local)),
            rcv,
            timestamps: TimestampClock { on: false, offset: open.timestamp_offset, recent: 0, recent_at: env.now },
            ack: PendingAck::default(),
            rtt: Rtt::default(),
            congestion: Congestion::new(open.mss_default.min(mss_local)),
            recovery: Recovery::default(),
            timers: Timers::default(),
            challenge: ChallengeLimit { since: env.now, sent: 0 },
            settings,
            failure: None,
            error: None,
            soft_error: None,
            reset: None,
        };
        // R2 counts from the OPEN, not from the first SYN: a neighbor may not even be known yet.
        let give_up = env.now + tcb.user_timeout(env);
        tcb.timers.arm(TimerCause::UserTimeout, give_up);
        tcb
    }

    /// Takes the peer's SYN: its sequence number, its window and what its options agree to.
    pub(super) fn synchronize(&mut self, env: &Env<'_>, segment: &Segment<'_>) {
        let (header, options) = (&segment.header, segment.options);
        // RFC 7323 section 2.2: both sides must have sent the option.
        self.scaling = env.config.window_scaling && options.window_scale.is_some();
        self.snd.scale = if self.scaling { options.window_scale.unwrap_or(0).min(SCALE_MAX) } else { 0 };
        self.rcv.scale = if self.scaling { ReceiveSpace::scale_for(self.rcv.limit) } else { 0 };
        self.rcv.synchronize(header.seq);
        self.sack = env.config.sack && options.sack_permitted;
        self.recovery.sack = self.sack;
        if let (true, Some(timestamps)) = (env.config.timestamps, options.timestamps) {
            self.timestamps.on = true;
            self.timestamps.recent = timestamps.value;
            self.timestamps.recent_at = env.now;
        }
        // RFC 9293 section 3.7.1, MUST-15 and MUST-16.
        let announced = options.mss.unwrap_or(self.snd.mss_peer).max(MSS_MIN);
        self.snd.mss_peer = announced.min(self.rcv.mss);
        self.snd.mss = self.effective_mss();
        // The window of a SYN is never scaled (RFC 7323 section 2.2).
        self.set_window(segment, u32::from(header.window));
    }

    /// Eff.snd.MSS (RFC 9293 section 3.7.1): what peer and path take, without the options of a data segment.
    pub(super) fn effective_mss(&self) -> u16 {
        let options = if self.timestamps.on { TIMESTAMPS_LEN } else { 0 };
        // RFC 9293 section 3.7.1: Eff.snd.MSS = min(SendMSS + 20, MMS_S) - TCPhdrsize - IPoptionsize.
        let options = options + self.settings.ip_options.len() as u16;
        self.snd.mss_peer.min(self.snd.mss_path.max(MSS_MIN)).saturating_sub(options).max(TEXT_MIN)
    }

    /// SND.WND <- SEG.WND, SND.WL1 <- SEG.SEQ, SND.WL2 <- SEG.ACK.
    pub(super) fn set_window(&mut self, segment: &Segment<'_>, window: u32) {
        self.snd.wnd = window;
        self.snd.wl1 = segment.header.seq;
        self.snd.wl2 = segment.header.ack;
        self.snd.max_wnd = self.snd.max_wnd.max(window);
    }

    /// Our SYN was acknowledged: ESTABLISHED; FIN-WAIT-1 if the application has closed already.
    pub(super) fn establish(&mut self, env: &mut Env<'_>) {
        self.state = if self.snd.fin == Fin::None { State::Established } else { State::FinWait1 };
        self.snd.syn_owed = false;
        self.timers.stop(TimerCause::Retransmission);
        self.timers.stop(TimerCause::UserTimeout);
        self.congestion.on_established(self.snd.mss, self.rtt.syn_was_lost());
        self.rtt.on_established();
        self.recovery.on_established(self.snd.una);
        self.readiness |= Readiness::CONNECTED | Readiness::WRITABLE;
        env.counters.established += 1;
    }

    /// The options of our SYN or SYN-ACK: in the first SYN what the configuration offers, after the
    /// peer's SYN what both have.
    pub(super) fn syn_options(&self, env: &Env<'_>) -> TcpOptions {
        let first = self.state == State::SynSent;
        let scaling = if first { env.config.window_scaling } else { self.scaling };
        let timestamps = if first { env.config.timestamps } else { self.timestamps.on };
        TcpOptions {
            mss: Some(self.rcv.mss),
            window_scale: scaling.then_some(self.rcv.scale),
            sack_permitted: if first { env.config.sack } else { self.sack },
            timestamps: timestamps
                .then(|| Timestamps { value: self.timestamps.value(env.now), echo: self.timestamps.recent }),
            ..TcpOptions::default()
        }
    }
}

/// The bound on the window that the settings ask for.
pub(super) fn receive_limit(settings: &TcpSettings) -> u32 {
    settings.receive_buffer.clamp(1, RECEIVE_BUFFER_MAX)
}
