//! Redirects that arrive (RFC 792, RFC 1122 section 3.2.2.2, RFC 4861 section 8). Off by default: whoever
//! can send one can take over what we send; `ip.redirects` lets them count.

use core::net::{IpAddr, Ipv4Addr};

use super::Stack;
use crate::error::DropReason;
use crate::icmp::{self, QuotedFlow};
use crate::ip::input::Received;
use crate::ip::route::{Hop, Query};
use crate::link::InterfaceId;
use crate::wire::icmpv4::Icmpv4Message;
use crate::wire::ipv6::Ipv6Packet;
use crate::wire::ndp;
use crate::wire::ndp_router::Redirect;

/// The codes of an ICMPv4 redirect: for network or host, whatever the type of service. All are taken to be
/// for the host (RFC 1122 section 3.2.2.2).
const CODES_V4: core::ops::RangeInclusive<u8> = 0..=3;

/// A first hop that a router has named, as [`Stack::redirected`] lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RedirectInfo {
    /// The destination.
    pub destination: IpAddr,
    /// The interface that leads there.
    pub interface: InterfaceId,
    /// The better first hop: a router, or the destination itself.
    pub first_hop: IpAddr,
}

impl Stack {
    /// The destinations for which routers have named a better first hop.
    pub fn redirected(&self) -> impl Iterator<Item = RedirectInfo> + '_ {
        let redirects = self.redirects.iter();
        redirects.map(|(destination, interface, first_hop)| RedirectInfo { destination, interface, first_hop })
    }

    pub(super) fn receive_redirect_v4(
        &mut self,
        id: InterfaceId,
        received: &Received,
        message: &Icmpv4Message<'_>,
        gateway: Ipv4Addr,
    ) -> Result<(), DropReason> {
        let quoted = message.quoted().ok_or(DropReason::Icmpv4Truncated)?;
        let flow = icmp::quoted_v4(&quoted).filter(|_| CODES_V4.contains(&message.code()));
        self.redirect(id, received, flow, quoted.dst().into(), gateway.into())
    }

    /// RFC 4861 section 8.1, beside what the message itself tells.
    pub(super) fn receive_redirect_v6(
        &mut self,
        id: InterfaceId,
        received: &Received,
        message: &[u8],
    ) -> Result<(), DropReason> {
        let redirect = Redirect::parse(message)?;
        let from_router = matches!(received.src, IpAddr::V6(src) if src.is_unicast_link_local());
        if received.hop_limit != ndp::HOP_LIMIT || !from_router {
            return Err(DropReason::NdpInvalid);
        }
        let quoted = Ipv6Packet::parse_quoted(redirect.redirected).ok();
        let flow = quoted.and_then(|packet| icmp::quoted_v6(&packet));
        self.redirect(id, received, flow, redirect.destination.into(), redirect.target.into())?;
        if let Some(hardware) = redirect.target_link_layer {
            // RFC 4861 section 8.3: as a solicitation would tell it.
            self.learn_neighbor(id, redirect.target.into(), hardware, false, true);
        }
        Ok(())
    }

    /// A redirect counts if it comes from the first hop that the destination has now, quotes a packet that a
    /// socket of ours can have sent there, and names a neighbor on that link other than ourselves.
    fn redirect(
        &mut self,
        id: InterfaceId,
        received: &Received,
        flow: Option<QuotedFlow>,
        destination: IpAddr,
        target: IpAddr,
    ) -> Result<(), DropReason> {
        // A router goes by its routes (RFC 1812 section 5.2.7.2, RFC 4861 section 8.2).
        if !self.config.ip.redirects || self.config.router.forwarding {
            return Err(DropReason::IcmpRedirect);
        }
        let flow = flow.filter(|flow| flow.src == received.dst && flow.dst == destination);
        let flow = flow.ok_or(DropReason::IcmpRedirect)?;
        self.sender_of(id, &flow).ok_or(DropReason::IcmpRedirect)?;
        let query = Query { src: Some(flow.src), ports: (flow.src_port, flow.dst_port), ..Query::to(destination) };
        let told_by = Hop { interface: id, next_hop: received.src };
        if self.way(&query)?.hop != told_by || !self.is_neighbor(id, destination, target) || target == received.src {
            return Err(DropReason::IcmpRedirect);
        }
        // Where a router redirects again, its word replaces what the one before it has told.
        let first = Hop { next_hop: self.routed(&query)?.hop.next_hop, ..told_by };
        let limit = self.config.limits.redirects as usize;
        let evicted = self.redirects.insert(self.now, destination, first, target, limit);
        self.counters.redirects_accepted += 1;
        self.counters.redirects_evicted += u64::from(evicted);
        Ok(())
    }

    /// Whether `target` can be a first hop on the link of `id`: in the prefix of one of our addresses there, or
    /// for IPv6 link-local or the destination, which a router's word puts on the link (RFC 4861 section 8.1).
    fn is_neighbor(&self, id: InterfaceId, destination: IpAddr, target: IpAddr) -> bool {
        let Some(interface) = self.interfaces.get(id.index()) else { return false };
        let on_link = match target {
            IpAddr::V4(v4) => {
                !v4.is_multicast()
                    && !interface.is_broadcast(v4)
                    && interface.addresses.iter().any(|own| own.is_on_link(target))
            }
            IpAddr::V6(v6) => v6.is_unicast_link_local() || target == destination,
        };
        on_link && !self.is_assigned(target)
    }
}
