//! TCP: the rules of all connections, and the settings of one.

use crate::link::InterfaceId;
use crate::time::Duration;
use crate::wire::ipv4_options::IpOptions;

/// TCP's times and switches, for all connections of a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TcpConfig {
    /// The smallest RTO; default 200 ms (as Linux; RFC 6298 section 2.4 recommends 1 s).
    pub rto_min: Duration,
    /// The largest RTO; default 120 s (RFC 6298 section 2.5: at least 60 s).
    pub rto_max: Duration,
    /// The RTO before a round trip was measured; default 1 s (RFC 6298 section 2.1).
    pub rto_initial: Duration,
    /// The longest that an acknowledgment is delayed; default 40 ms (RFC 9293 MUST-40: under 500 ms).
    pub ack_delay: Duration,
    /// Maximum segment lifetime; default 30 s, so TIME-WAIT lasts 60 s (as Linux; RFC 9293 names 2 minutes and leaves the choice).
    pub msl: Duration,
    /// R2 for data: after this long without an acknowledgment the connection is given up; default 15 min (RFC 9293 SHLD-11 asks for at least 100 s).
    pub retransmit_timeout: Duration,
    /// R2 for a SYN or SYN-ACK; default 3 min (RFC 9293 MUST-23).
    pub syn_timeout: Duration,
    /// How long an orphan may stay in FIN-WAIT-2; default 60 s (as Linux).
    pub fin_wait_2_timeout: Duration,
    /// Challenge ACKs sent per second on one connection; default 10 (RFC 5961 section 7).
    pub challenge_acks_per_second: u32,
    /// Where initial sequence numbers begin, instead of at a keyed hash of the connection (RFC 6528 section 3): the
    /// clock and 16 bits of the hash are added to it. **For tests alone**, that sequence numbers wrap: what can be
    /// guessed can be forged. Default none.
    pub initial_sequence: Option<u32>,
    /// Whether window scaling is offered and accepted; default true (RFC 7323).
    pub window_scaling: bool,
    /// Whether timestamps are offered and accepted; default true (RFC 7323).
    pub timestamps: bool,
    /// Whether SACK is offered and accepted; default true (RFC 2018).
    pub sack: bool,
    /// What a new socket is set to.
    pub socket: TcpSettings,
}

impl Default for TcpConfig {
    fn default() -> TcpConfig {
        TcpConfig {
            rto_min: Duration::from_millis(200),
            rto_max: Duration::from_mins(2),
            rto_initial: Duration::from_secs(1),
            ack_delay: Duration::from_millis(40),
            msl: Duration::from_secs(30),
            retransmit_timeout: Duration::from_mins(15),
            syn_timeout: Duration::from_mins(3),
            fin_wait_2_timeout: Duration::from_mins(1),
            challenge_acks_per_second: 10,
            initial_sequence: None,
            window_scaling: true,
            timestamps: true,
            sack: true,
            socket: TcpSettings::default(),
        }
    }
}

/// What is set per TCP socket. A connection that a listener accepts inherits the listener's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TcpSettings {
    /// The most bytes that wait to be sent or acknowledged; default 1 MiB. Memory grows on demand.
    pub send_buffer: u32,
    /// The most bytes that wait to be received; default 1 MiB. It bounds the window offered.
    pub receive_buffer: u32,
    /// Whether small segments leave at once, without Nagle's algorithm; default false (RFC 9293 MUST-17).
    pub no_delay: bool,
    /// Keep-alives after this long without traffic; default none (RFC 9293 MUST-25; where on, at least 2 hours is the usual value, MUST-28).
    pub keep_alive: Option<Duration>,
    /// The user timeout (RFC 9293 section 3.10.2): how long sent data may stay unacknowledged; default `TcpConfig::retransmit_timeout`.
    pub user_timeout: Option<Duration>,
    /// What `close` does with data that is unsent or unacknowledged: `None` sends it in the
    /// background, zero resets the connection at once, a duration gives it that long; default `None`.
    pub linger: Option<Duration>,
    /// The time to live (hop limit) of this socket's packets; default `Config::hop_limit`.
    pub hop_limit: Option<u8>,
    /// The differentiated services codepoint of this socket's packets, 0 to 63; default 0 (RFC 2474).
    /// The ECN bits beside it are TCP's own.
    pub dscp: u8,
    /// An upper bound on the segment size sent and announced; default none.
    pub mss_max: Option<u16>,
    /// The interface that this socket's packets leave through, and that alone it hears; default any (as
    /// `SO_BINDTODEVICE`).
    pub interface: Option<InterfaceId>,
    /// A number that policy rules choose tables by; default 0 (as `SO_MARK`).
    pub mark: u32,
    /// The options of its IPv4 packets; default none (RFC 791 section 3.1, RFC 9293 section 3.9.2). A
    /// connection over IPv6 has none.
    pub ip_options: IpOptions,
}

impl Default for TcpSettings {
    fn default() -> TcpSettings {
        TcpSettings {
            send_buffer: 1024 * 1024,
            receive_buffer: 1024 * 1024,
            no_delay: false,
            keep_alive: None,
            user_timeout: None,
            linger: None,
            hop_limit: None,
            dscp: 0,
            mss_max: None,
            interface: None,
            mark: 0,
            ip_options: IpOptions::NONE,
        }
    }
}
