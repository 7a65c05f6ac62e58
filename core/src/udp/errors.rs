//! The errors of a socket's datagrams, one by one (RFC 1122 section 4.1.3.3): for a sender to many
//! peers a single pending error could not tell which of them it is about.

use alloc::collections::VecDeque;
use bytes::Bytes;
use core::net::{IpAddr, SocketAddr};

use crate::digest::Digest;
use crate::error::SocketError;
use crate::time::Instant;
use crate::wire::icmp_ext::IcmpExtensions;

/// What became of a datagram that a socket has sent, in the manner of Linux's error queue (`IP_RECVERR`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatagramError {
    /// What went wrong.
    pub error: SocketError,
    /// Where the datagram was sent.
    pub destination: SocketAddr,
    /// When the stack learned of it.
    pub at: Instant,
    /// The ICMP error that told; `None` if this host found it out by itself.
    pub report: Option<IcmpReport>,
}

/// An ICMP error, as far as it may matter to an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IcmpReport {
    /// Who sent it: the destination, or a router on the way.
    pub from: IpAddr,
    /// The ICMP type (RFC 792, RFC 4443).
    pub kind: u8,
    /// The ICMP code.
    pub code: u8,
    /// With [`SocketError::MessageTooLong`] what the path takes from now on, in bytes.
    pub mtu: Option<u16>,
    /// The objects that a router has added (RFC 4884), encoded.
    pub(crate) objects: Bytes,
}

impl IcmpReport {
    /// What a router has added: MPLS labels, interfaces (RFC 4884 section 8).
    pub fn extensions(&self) -> IcmpExtensions<'_> {
        IcmpExtensions::of_objects(&self.objects)
    }
}

/// Errors that wait to be told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Errors {
    /// What the next call is told; a connected socket's peer only.
    pub(super) pending: Option<SocketError>,
    queue: VecDeque<DatagramError>,
}

impl Errors {
    /// Queues an error unless there are `limit`; whether there was room.
    pub(super) fn push(&mut self, error: DatagramError, limit: usize) -> bool {
        let has_room = self.queue.len() < limit;
        if has_room {
            self.queue.push_back(error);
        }
        has_room
    }

    pub(super) fn pop(&mut self) -> Option<DatagramError> {
        self.queue.pop_front()
    }

    pub(super) fn digest(&self, digest: &mut Digest) {
        digest.option(self.pending, |digest, error| digest.u8(error as u8));
        digest.count(self.queue.len());
        for error in &self.queue {
            digest.u8(error.error as u8);
            digest.socket_address(error.destination);
            digest.instant(error.at);
            digest.option(error.report.as_ref(), |digest, report| {
                digest.address(report.from);
                digest.u8(report.kind);
                digest.u8(report.code);
                digest.option(report.mtu, Digest::u16);
                digest.counted(&report.objects);
            });
        }
    }
}
