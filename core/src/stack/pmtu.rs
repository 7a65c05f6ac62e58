//! The paths' MTUs (RFC 1191, RFC 8201): what a packet may measure, and what a report of less does.

use core::net::IpAddr;

use super::Stack;
use super::icmp_errors::Sender;
use crate::error::DropReason;
use crate::icmp::QuotedFlow;
use crate::ip::pmtu::{Outcome, PathMtu, TooBig};
use crate::ip::route::Query;
use crate::link::InterfaceId;
use crate::socket::TcpHandle;
use crate::wire::ipv4::IpProtocol;
use crate::wire::ipv6;

/// The path to a destination, as [`Stack::path_mtus`] lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathMtuInfo {
    /// The destination.
    pub destination: IpAddr,
    /// The largest packet that reaches it in one piece, in bytes.
    pub mtu: u16,
    /// Whether packets forbid routers to fragment them. Not so on an IPv4 path of which less than 552 was told.
    pub dont_fragment: bool,
}

impl Stack {
    /// The largest packet, in bytes, that reaches `dst` in one piece, as far as is known; `None` without a route.
    pub fn path_mtu(&self, dst: IpAddr) -> Option<u16> {
        let hop = self.way(&Query::to(dst)).ok()?.hop;
        Some(self.path(hop.interface, dst).mtu)
    }

    /// The paths of which less than their link's MTU was told, and not too long ago.
    pub fn path_mtus(&self) -> impl Iterator<Item = PathMtuInfo> + '_ {
        let paths = self.path_mtus.iter(self.now, self.config.ip.path_mtu_raise);
        paths.map(|(destination, mtu, dont_fragment)| PathMtuInfo { destination, mtu, dont_fragment })
    }

    /// The path to `dst` through an interface: what all that is sent goes by.
    pub(super) fn path(&self, id: InterfaceId, dst: IpAddr) -> PathMtu {
        let link_mtu =
            self.interfaces.get(id.index()).map_or(ipv6::MIN_MTU as u16, |interface| interface.mtu(dst.is_ipv6()));
        self.path_mtus.path(self.now, dst, link_mtu, self.config.ip.path_mtu_raise)
    }

    /// The identification of an IPv4 packet that routers may fragment (RFC 6864 section 4.3).
    pub(super) fn identify(&mut self, src: IpAddr, dst: IpAddr, protocol: IpProtocol) -> u16 {
        self.identifications.next(src, dst, protocol) as u16
    }

    /// The identification of a connection's next segment; `None` where its path is not to fragment.
    pub(super) fn identification_of(&mut self, handle: TcpHandle) -> Option<u16> {
        let slot = self.sockets.tcp.get(handle).filter(|slot| !slot.dont_fragment)?;
        let flow = slot.flow;
        Some(self.identify(flow.local, flow.remote, IpProtocol::TCP))
    }

    /// A Datagram Too Big or Packet Too Big message about the packet `quoted` of ours. Returns what its
    /// path takes from here on; a connection has been told.
    pub(super) fn on_too_big(
        &mut self,
        sender: Sender,
        quoted: &QuotedFlow,
        report: TooBig,
    ) -> Result<u16, DropReason> {
        let hop = match sender {
            Sender::Tcp(handle) => self.hop_of(handle)?,
            Sender::Udp(handle) => {
                let slot = self.sockets.udp.get(handle).ok_or(DropReason::NoRoute)?;
                self.way(&slot.state.query(Some(quoted.src), quoted.remote()))?.hop
            }
        };
        let current = self.path(hop.interface, quoted.dst);
        let limit = self.config.limits.path_mtus as usize;
        let outcome = self.path_mtus.on_too_big(self.now, quoted.dst, current, report, limit);
        self.counters.path_mtus_lowered += u64::from(outcome != Outcome::Ignored);
        self.counters.path_mtus_evicted += u64::from(outcome == Outcome::LoweredInPlaceOfAnother);
        let path = self.path(hop.interface, quoted.dst);
        // A packet that fits what the path is known to take was not too big.
        if outcome == Outcome::Ignored && report.packet_len <= u32::from(path.mtu) {
            return Err(DropReason::IcmpTooBig);
        }
        if let Sender::Tcp(handle) = sender {
            self.hop_of(handle)?;
        }
        Ok(path.mtu)
    }
}
