//! The checks on a received packet before an upper layer sees it (RFC 1122 section 3.2.1, RFC 8200).

use core::net::IpAddr;
use core::ops::Range;

use super::address::{Delivery, classify_v4, is_legal_source, is_legal_source_v4};
use crate::config::Medium;
use crate::error::DropReason;
use crate::link::Interface;
use crate::wire::ipv4::{IpProtocol, Ipv4Packet};
use crate::wire::ipv6::{self, Ipv6Packet};

/// A packet that passed the checks.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) src: IpAddr,
    pub(crate) dst: IpAddr,
    pub(crate) delivery: Delivery,
    pub(crate) hop_limit: u8,
    pub(crate) traffic_class: u8,
    pub(crate) protocol: IpProtocol,
    /// The whole packet within the frame.
    pub(crate) packet: Range<usize>,
    /// The upper layer's part within the frame.
    pub(crate) upper: Range<usize>,
    /// Whether the link-layer destination was a group: such a packet gets no ICMP error either.
    pub(crate) link_group: bool,
    /// Routers on its way are asked to look at it (RFC 2113, RFC 2711).
    pub(crate) router_alert: bool,
}

impl Received {
    /// A packet that begins at `start` in its frame, as [`Interface::ipv4_input`] has judged it. Its options are not
    /// looked at.
    #[inline]
    pub(crate) fn of_ipv4(packet: &Ipv4Packet<'_>, start: usize, delivery: Delivery, link_group: bool) -> Received {
        let end = start + packet.total_len();
        Received {
            src: IpAddr::V4(packet.src()),
            dst: IpAddr::V4(packet.dst()),
            delivery,
            hop_limit: packet.ttl(),
            traffic_class: packet.tos(),
            protocol: packet.protocol(),
            packet: start..end,
            upper: start + packet.header_len()..end,
            link_group,
            router_alert: false,
        }
    }

    /// Whether an ICMP error or a reset may be sent in answer, as far as the addresses tell: both
    /// ends are single hosts, on the link too (RFC 1122 section 3.2.2, RFC 4443 section 2.4 (e)).
    pub(crate) fn may_be_answered(&self) -> bool {
        matches!(self.delivery, Delivery::Unicast | Delivery::Transit) && !self.link_group && !self.src.is_unspecified()
    }
}

impl Interface {
    /// Of what is to none of the addresses here: to a group that is listened to on this interface, or, as `is_ours` is
    /// asked, by the host model for us all the same.
    #[inline(never)]
    fn delivery_elsewhere(&self, dst: IpAddr, is_ours: impl Fn(IpAddr) -> bool) -> Option<Delivery> {
        let group = self.groups.hears(dst).then_some(Delivery::Multicast);
        group.or_else(|| is_ours(dst).then_some(Delivery::Unicast))
    }

    /// To whom a packet goes, if it passes the checks of RFC 1122 section 3.2.1. What is made of it then is
    /// [`Received::of_ipv4`].
    #[inline]
    pub(crate) fn ipv4_input(
        &self,
        packet: &Ipv4Packet<'_>,
        link_group: bool,
        is_ours: impl Fn(IpAddr) -> bool,
    ) -> Result<Delivery, DropReason> {
        if !packet.verify_checksum() {
            return Err(DropReason::Ipv4Checksum);
        }
        let [of_src, of_dst] = self.addresses.relations([packet.src(), packet.dst()]);
        // A querier may have no address of its own (RFC 3376 section 4.2.13, RFC 4541 section 2.1.1).
        let is_query = || packet.src().is_unspecified() && packet.protocol() == IpProtocol::IGMP;
        if !is_legal_source_v4(packet.src(), of_src) && self.medium != Medium::Loopback && !is_query() {
            return Err(DropReason::Ipv4Source);
        }
        let delivery = match classify_v4(packet.dst(), of_dst) {
            Some(delivery) => delivery,
            None => self.delivery_elsewhere(packet.dst().into(), is_ours).ok_or(DropReason::Ipv4NotOurs)?,
        };
        if link_group && delivery == Delivery::Unicast {
            // RFC 1122 section 3.3.6: a link-layer broadcast must carry an IP broadcast or multicast.
            return Err(DropReason::Ipv4NotOurs);
        }
        Ok(delivery)
    }

    /// RFC 8200 section 3, up to the extension headers: `upper` still begins with those.
    pub(crate) fn ipv6_input(
        &self,
        packet: &Ipv6Packet<'_>,
        link_group: bool,
        is_ours: impl Fn(IpAddr) -> bool,
    ) -> Result<Received, DropReason> {
        let (src, dst) = (IpAddr::V6(packet.src()), IpAddr::V6(packet.dst()));
        // The unspecified source is duplicate address detection's (RFC 4862 section 5.4); Neighbor Discovery checks it.
        // On the loopback interface it is our own, which it is nowhere else.
        let is_own = self.medium == Medium::Loopback;
        if !packet.src().is_unspecified() && !is_own && !is_legal_source(&self.addresses, src) {
            return Err(DropReason::Ipv6Source);
        }
        let ours = self.addresses.has(dst).then_some(Delivery::Unicast);
        let delivery = ours.or_else(|| self.delivery_elsewhere(dst, is_ours)).ok_or(DropReason::Ipv6NotOurs)?;
        let start = self.medium.header_len();
        let whole = start..start + ipv6::HEADER_LEN + packet.payload_len();
        let upper = start + ipv6::HEADER_LEN..whole.end;
        Ok(Received {
            src,
            dst,
            delivery,
            hop_limit: packet.hop_limit(),
            traffic_class: packet.traffic_class(),
            protocol: packet.next_header(),
            packet: whole,
            upper,
            link_group,
            router_alert: false,
        })
    }
}
