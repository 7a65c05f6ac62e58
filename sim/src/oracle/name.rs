//! The oracles by name: what each one holds a host to, and what it must have seen to judge. From
//! [`Oracle::StreamBytes`] on they judge applications and whole runs, before that frames and connections; from
//! [`Oracle::Jain`] on what the flows of a run came to together, and from [`Oracle::Metamorphic`] on several runs.

use std::fmt;

/// A rule that every run must keep. The wire oracles judge what a host sends by nothing but the frames that it
/// sends and receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Oracle {
    /// Every length field agrees with what is there, TCP options included.
    Lengths,
    /// Every checksum is right: IPv4 header, TCP, UDP, ICMP, IGMP.
    Checksums,
    /// Text and FIN sent again at a sequence number are what was sent there first. Judged as far as what was
    /// sent first is still unacknowledged and remembered.
    Retransmission,
    /// The acknowledgment number never goes back, except on RST.
    AckMonotone,
    /// Nothing is acknowledged that was not received, in order and without a hole.
    AckUnsent,
    /// Nothing is sent beyond the furthest right edge that the peer has offered, but for a probe of one byte.
    Window,
    /// The right edge of the offered window never moves left of the furthest one offered. A foreign host may
    /// round: by less than the unit of a scaled window.
    RightEdge,
    /// SACK blocks are not empty, lie above the acknowledgment (the first may be a DSACK), do not overlap,
    /// and tell of nothing that was not received.
    Sack,
    /// Once negotiated, timestamps are in every segment but RST, never go back, and echo one received.
    Timestamps,
    /// Text and options together are no longer than the MSS that the peer has announced.
    Mss,
    /// Options stand where they may: MSS, window scale and SACK-permitted on SYN only, on SYN-ACK what the SYN
    /// had, SACK and timestamps only where negotiated.
    Options,
    /// A RST has the sequence number that the segment it answers demands, or SND.NXT.
    Reset,
    /// The RTO is at least the minimum and doubles: what is sent again while the peer is silent waits twice as
    /// long as the time before.
    Backoff,
    /// New text is acknowledged within 0.5 s.
    DelayedAck,
    /// Fragments are cut at multiples of 8, do not overlap, fit 65,535 bytes, are more than one, and the first
    /// has all headers.
    Fragments,
    /// No two IPv4 packets that may be fragmented share an identification within two minutes, nor do two
    /// fragmented IPv6 packets. Judged against the last [`IDENTIFICATIONS`](super::IDENTIFICATIONS) of them.
    Identification,
    /// A neighbor from whom nothing is heard is asked whether it is still there.
    Reachability,
    /// An address that is to be verified is asked for before it is used.
    Verification,
    /// A leased address is asked for anew in time: its server by T2, and then anybody before the lease is over; once it
    /// is, or was refused or given back, the address is not used.
    DhcpRenewal,
    /// No two connections in a row begin with the same sequence number.
    InitialSequence,
    /// A connection goes from state to state as RFC 9293 allows.
    Transition,
    /// SND.UNA is at most SND.NXT, that at most one beyond the furthest right edge ever offered, nothing new
    /// beyond the present one, which is what the wire says; none of the numbers goes back.
    SendSequence,
    /// What is in flight is watched by exactly one timer; nothing, by none.
    RetransmissionTimer,
    /// A closed window with something to send behind it is probed, an open one is not.
    Persist,
    /// Every other timer runs only in the states that it is for, and in those that need it.
    Timers,
    /// The congestion window grows and shrinks as `NewReno`'s laws say; fast recovery lasts until its point.
    CongestionWindow,
    /// The round trip of what was sent again is not measured.
    Karn,
    /// A window whose text has all been read is opened at once, if it is closed or less than half of what it has been.
    WindowUpdate,
    /// No more challenge ACKs are sent per second than the limit says.
    ChallengeLimit,
    /// Each byte that an application receives is the one that was sent at its place, and there are no more.
    StreamBytes,
    /// A stream ends behind its last byte, and not before: the end is told only after a FIN in order.
    StreamEnd,
    /// A connection that is lost tells its application why, exactly once.
    OneError,
    /// Each datagram that an application receives is one of those that were sent.
    DatagramBytes,
    /// Once everything is healed, each connection that neither end has lost delivers everything, in time.
    Delivery,
    /// Each connection that is lost has a legal cause: a reset with a reason, R2, the user timeout, a crash, a
    /// hard ICMP error.
    Cause,
    /// When all applications are done and 2 MSL have passed, a stack holds nothing any more.
    Quiescence,
    /// Flows share as fairly as their scenario expects, by Jain's index of their goodputs.
    Jain,
    /// No rate sends more than it can; and the busiest is used as well as the scenario expects.
    Utilisation,
    /// No frame waits longer than a full queue takes to be sent; and at the busiest rate 99 in a hundred wait no
    /// longer than the scenario expects.
    QueueDelay,
    /// Nothing is sent again where nothing was lost, changed or late; and of the segments with SYN, text or FIN no
    /// more than the scenario expects.
    RetransmissionRatio,
    /// The same run with other ports, addresses and initial sequence numbers, and over the other family, shows its
    /// applications the same.
    Metamorphic,
}

impl Oracle {
    /// Rules whose subject the core does not have yet: each one's name and where it stands. Reports tell them, so
    /// that nobody takes their silence for consent.
    pub const NOT_YET_IN_CORE: [(&str, &str); 4] = [
        ("cwnd-cubic", "RFC 9438 section 4"),
        ("cwnd-bbr", "draft-ietf-ccwg-bbr section 5"),
        ("ecn-response", "RFC 3168 section 6.1.2"),
        ("memory-budget", "own: no stack holds more than it was given"),
    ];

    /// All of them.
    pub const ALL: [Oracle; 41] = [
        Oracle::Lengths,
        Oracle::Checksums,
        Oracle::Retransmission,
        Oracle::AckMonotone,
        Oracle::AckUnsent,
        Oracle::Window,
        Oracle::RightEdge,
        Oracle::Sack,
        Oracle::Timestamps,
        Oracle::Mss,
        Oracle::Options,
        Oracle::Reset,
        Oracle::Backoff,
        Oracle::DelayedAck,
        Oracle::Fragments,
        Oracle::Identification,
        Oracle::Reachability,
        Oracle::Verification,
        Oracle::DhcpRenewal,
        Oracle::InitialSequence,
        Oracle::Transition,
        Oracle::SendSequence,
        Oracle::RetransmissionTimer,
        Oracle::Persist,
        Oracle::Timers,
        Oracle::CongestionWindow,
        Oracle::Karn,
        Oracle::WindowUpdate,
        Oracle::ChallengeLimit,
        Oracle::StreamBytes,
        Oracle::StreamEnd,
        Oracle::OneError,
        Oracle::DatagramBytes,
        Oracle::Delivery,
        Oracle::Cause,
        Oracle::Quiescence,
        Oracle::Jain,
        Oracle::Utilisation,
        Oracle::QueueDelay,
        Oracle::RetransmissionRatio,
        Oracle::Metamorphic,
    ];

    /// Its name in reports and switches.
    pub const fn name(self) -> &'static str {
        match self {
            Oracle::Lengths => "lengths",
            Oracle::Checksums => "checksums",
            Oracle::Retransmission => "retransmission",
            Oracle::AckMonotone => "ack-monotone",
            Oracle::AckUnsent => "ack-unsent",
            Oracle::Window => "window",
            Oracle::RightEdge => "right-edge",
            Oracle::Sack => "sack",
            Oracle::Timestamps => "timestamps",
            Oracle::Mss => "mss",
            Oracle::Options => "options",
            Oracle::Reset => "reset",
            Oracle::Backoff => "backoff",
            Oracle::DelayedAck => "delayed-ack",
            Oracle::Fragments => "fragments",
            Oracle::Identification => "identification",
            Oracle::Reachability => "reachability",
            Oracle::Verification => "verification",
            Oracle::DhcpRenewal => "dhcp-renewal",
            Oracle::InitialSequence => "initial-sequence",
            Oracle::Transition => "transition",
            Oracle::SendSequence => "send-sequence",
            Oracle::RetransmissionTimer => "retransmission-timer",
            Oracle::Persist => "persist",
            Oracle::Timers => "timers",
            Oracle::CongestionWindow => "cwnd",
            Oracle::Karn => "karn",
            Oracle::WindowUpdate => "window-update",
            Oracle::ChallengeLimit => "challenge-limit",
            Oracle::StreamBytes => "stream-bytes",
            Oracle::StreamEnd => "stream-end",
            Oracle::OneError => "one-error",
            Oracle::DatagramBytes => "datagram-bytes",
            Oracle::Delivery => "delivery",
            Oracle::Cause => "cause",
            Oracle::Quiescence => "quiescence",
            Oracle::Jain => "jain",
            Oracle::Utilisation => "utilisation",
            Oracle::QueueDelay => "queue-delay",
            Oracle::RetransmissionRatio => "retransmission-ratio",
            Oracle::Metamorphic => "metamorphic",
        }
    }

    /// Where its rule stands.
    pub const fn section(self) -> &'static str {
        match self {
            Oracle::Lengths => "RFC 791 section 3.1, RFC 8200 section 3, RFC 9293 section 3.1, RFC 768",
            Oracle::Checksums => "RFC 1071, RFC 9293 MUST-2, RFC 8200 section 8.1",
            Oracle::Retransmission | Oracle::AckMonotone => "RFC 9293 section 3.4",
            Oracle::AckUnsent => "RFC 9293 section 3.3.1",
            Oracle::Window => "RFC 9293 section 3.8.6",
            Oracle::RightEdge => "RFC 9293 SHLD-14, RFC 7323 section 2.4",
            Oracle::Sack => "RFC 2018 section 4, RFC 2883 section 4",
            Oracle::Timestamps => "RFC 7323 sections 3.2 and 5.4",
            Oracle::Mss => "RFC 9293 MUST-16, RFC 6691",
            Oracle::Options => "RFC 9293 MUST-65, RFC 7323 sections 2.2 and 3.2, RFC 2018 section 2",
            Oracle::Reset => "RFC 9293 section 3.5.2",
            Oracle::Backoff => "RFC 6298 sections 2.4 and 5.5",
            Oracle::DelayedAck => "RFC 9293 MUST-40",
            Oracle::Fragments => "RFC 791 section 3.2, RFC 8200 section 4.5, RFC 8021, RFC 7112",
            Oracle::Identification => "RFC 6864 section 4.3, RFC 8200 section 4.5",
            Oracle::Reachability => "RFC 4861 section 7.3.3, RFC 1122 section 2.3.2.1",
            Oracle::Verification => "RFC 5227 section 2.1, RFC 4862 section 5.4",
            Oracle::DhcpRenewal => "RFC 2131 sections 3.2, 4.4.5 and 4.4.6",
            Oracle::Transition => "RFC 9293 section 3.3.2",
            Oracle::SendSequence => "RFC 9293 sections 3.4 and 3.8.6",
            Oracle::RetransmissionTimer => "RFC 6298 section 5",
            Oracle::Persist => "RFC 9293 section 3.8.6.1",
            Oracle::Timers => "RFC 9293 section 3.10",
            Oracle::Karn => "RFC 6298 section 3",
            Oracle::WindowUpdate => "RFC 9293 section 3.8.6.2.2",
            Oracle::ChallengeLimit => "RFC 5961 section 7",
            Oracle::InitialSequence => "RFC 6528 section 3",
            Oracle::CongestionWindow => "RFC 5681 section 3, RFC 6582 section 3.2, RFC 6675 section 5",
            Oracle::StreamBytes => "RFC 9293 section 2.2",
            Oracle::StreamEnd => "RFC 9293 section 3.6",
            Oracle::OneError => "RFC 9293 section 3.9.1",
            Oracle::DatagramBytes => "RFC 768",
            Oracle::Delivery => "RFC 9293 sections 3.8.1 and 3.8.6.1",
            Oracle::Cause => "RFC 9293 sections 3.5, 3.8.3 and 3.9.2.2",
            Oracle::Quiescence => "RFC 9293 sections 3.6 and 3.10.8",
            Oracle::Jain => "RFC 5166 section 2.3",
            Oracle::Utilisation => "RFC 5166 section 2.1.1",
            Oracle::QueueDelay => "RFC 5166 section 2.1.2",
            Oracle::RetransmissionRatio => "RFC 5166 section 2.1.3",
            Oracle::Metamorphic => "RFC 9293 sections 3.4 and 3.8.1",
        }
    }

    /// Whether what it finds is that something was due, or the time for it over: the frame that has shown this is any,
    /// and tells nothing of what is wrong.
    pub(crate) const fn is_about_time(self) -> bool {
        matches!(self, Oracle::DelayedAck | Oracle::DhcpRenewal)
    }

    /// The oracle of that name.
    pub fn by_name(name: &str) -> Option<Oracle> {
        Oracle::ALL.into_iter().find(|oracle| oracle.name() == name)
    }
}

impl fmt::Display for Oracle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of oracles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switches(u64);

impl Switches {
    /// All of them.
    pub const ALL: Switches = Switches((1 << Oracle::ALL.len()) - 1);
    /// None.
    pub const NONE: Switches = Switches(0);

    /// Puts an oracle in, or takes it out.
    pub fn set(&mut self, oracle: Oracle, on: bool) {
        let bit = 1 << oracle as u64;
        self.0 = if on { self.0 | bit } else { self.0 & !bit };
    }

    /// Whether an oracle is in.
    #[inline]
    pub const fn contains(self, oracle: Oracle) -> bool {
        self.0 & 1 << oracle as u64 != 0
    }
}
