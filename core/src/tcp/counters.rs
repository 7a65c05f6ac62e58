//! What TCP counts, over all connections.

use crate::counters::counters;

counters! {
    /// What TCP did.
    pub(crate) TcpCounters {
        /// Connections opened from this side.
        active_opens = "tcp.active_opens",
        /// Connections opened through a listener.
        passive_opens = "tcp.passive_opens",
        /// Handshakes completed.
        established = "tcp.established",
        /// Segments that reached a connection.
        segments_received = "tcp.segments_received",
        /// Segments sent, the pieces of super-segments counted each.
        segments_sent = "tcp.segments_sent",
        /// Segments sent again.
        retransmissions = "tcp.retransmissions",
        /// Retransmission timeouts.
        timeouts = "tcp.timeouts",
        /// Times fast retransmit began.
        fast_retransmits = "tcp.fast_retransmits",
        /// Times that all in flight was sent again in smaller segments, because the path takes no larger ones.
        path_mtu_resends = "tcp.path_mtu_resends",
        /// Segments that arrived out of order.
        out_of_order = "tcp.out_of_order",
        /// Segments of which a part had arrived before.
        duplicates = "tcp.duplicates",
        /// Duplicate ranges reported (RFC 2883).
        dsacks_sent = "tcp.dsacks_sent",
        /// Zero-window probes sent.
        window_probes = "tcp.window_probes",
        /// Keep-alive probes sent.
        keep_alive_probes = "tcp.keep_alive_probes",
        /// Challenge ACKs and other rate-limited answers owed (RFC 5961).
        challenge_acks = "tcp.challenge_acks",
        /// Resets that ended a connection.
        resets_received = "tcp.resets_received",
        /// Connections given up for want of an answer.
        timed_out = "tcp.timed_out",
    }
}
