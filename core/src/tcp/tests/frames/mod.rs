//! TCP through the whole stack: frames in, frames out, virtual time. What is expected is written
//! from the RFCs; one file per topic.
//!
//! - [`rig`]: a connection with its peer's side of the wire, in the one notation
//!
//! | file | topic |
//! |---|---|
//! | `handshake` | opening: active, passive, simultaneous; the backlog (RFC 9293 section 3.5) |
//! | `options` | MSS, window scaling, timestamps, PAWS (RFC 9293 section 3.7.1, RFC 7323) |
//! | `acks` | which acknowledgments leave, and when (RFC 5681 section 4.2, RFC 2018, RFC 2883) |
//! | `send` | what leaves: Nagle, segment borders, PSH, urgent data (RFC 9293 sections 3.7.4, 3.8.5) |
//! | `window` | flow control, probes, silly windows (RFC 9293 section 3.8.6) |
//! | `loss` | fast retransmit and recovery, limited transmit (RFC 5681, 6582, 6675, 3042) |
//! | `timeout` | the RTO, R2, keep-alive (RFC 6298, RFC 9293 sections 3.8.3, 3.8.4) |
//! | `close` | FINs in every order, half-close, linger (RFC 9293 section 3.6) |
//! | `time_wait` | 2 MSL, old resets, new connections (RFC 1337, 6191) |
//! | `reset` | resets, challenge ACKs, acknowledgments of what was never sent (RFC 5961) |
//! | `wrap` | sequence numbers across 2^32 |
//! | `path_mtu` | segments that are too big for their path (RFC 1191, RFC 8201, RFC 5927) |
//! | `path` | neighbors, ICMP errors, offloads (RFC 1122 section 4.2.3.9, RFC 5927) |

mod acks;
mod close;
mod handshake;
mod loss;
mod options;
mod path;
mod path_mtu;
mod reset;
mod rig;
mod send;
mod time_wait;
mod timeout;
mod window;
mod wrap;
