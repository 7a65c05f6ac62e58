//! What an application can ask about a connection.

use super::{State, Tcb};
use crate::config::TcpConfig;
use crate::time::Duration;

/// A connection's state in numbers, in the manner of Linux's `TCP_INFO`. Sizes are bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TcpInfo {
    /// The state (RFC 9293 section 3.3.2).
    pub state: State,
    /// The most text per segment sent: Eff.snd.MSS (RFC 9293 section 3.7.1).
    pub snd_mss: u16,
    /// The segment size announced to the peer.
    pub rcv_mss: u16,
    /// SND.WND, scaled up.
    pub snd_wnd: u32,
    /// RCV.WND as last offered and not used up.
    pub rcv_wnd: u32,
    /// The shift of the peer's window; `None` if scaling was not agreed on (RFC 7323 section 2).
    pub snd_scale: Option<u8>,
    /// The shift of our window; `None` if scaling was not agreed on.
    pub rcv_scale: Option<u8>,
    /// Whether timestamps are in use (RFC 7323 section 3).
    pub timestamps: bool,
    /// Whether SACK is in use (RFC 2018).
    pub sack: bool,
    /// The congestion window (RFC 5681).
    pub cwnd: u32,
    /// The slow start threshold; `u32::MAX` before the first loss.
    pub ssthresh: u32,
    /// SRTT (RFC 6298); `None` before the first measurement.
    pub srtt: Option<Duration>,
    /// RTTVAR; `None` before the first measurement.
    pub rttvar: Option<Duration>,
    /// The shortest round trip measured; `None` before the first measurement.
    pub min_rtt: Option<Duration>,
    /// How often the RTO is doubled at the moment.
    pub backoff: u8,
    /// Sent and not acknowledged (FlightSize).
    pub in_flight: u32,
    /// Queued and not yet sent.
    pub unsent: u32,
    /// Received and not yet read.
    pub unread: u32,
    /// How many bytes ahead of the reader urgent data ends (RFC 9293 section 3.8.5); `None` if there is none.
    pub urgent: Option<u32>,
}

impl Tcb {
    /// The RTO in force.
    pub(crate) fn rto(&self, config: &TcpConfig) -> Duration {
        self.rtt.rto(config)
    }

    pub(crate) fn info(&self) -> TcpInfo {
        TcpInfo {
            state: self.state,
            snd_mss: self.snd.mss,
            rcv_mss: self.rcv.mss,
            snd_wnd: self.snd.wnd,
            rcv_wnd: self.rcv.wnd(),
            snd_scale: self.scaling.then_some(self.snd.scale),
            rcv_scale: self.scaling.then_some(self.rcv.scale),
            timestamps: self.timestamps.on,
            sack: self.sack,
            cwnd: self.congestion.cwnd(),
            ssthresh: self.congestion.ssthresh(),
            srtt: self.rtt.srtt(),
            rttvar: self.rtt.rttvar(),
            min_rtt: self.rtt.min(),
            backoff: self.rtt.backoff(),
            in_flight: self.snd.flight(),
            unsent: self.snd.unsent(),
            unread: self.rcv.queue.len() as u32,
            urgent: self.rcv.up.map(|up| up.bytes_since(self.rcv.consumed())),
        }
    }
}
