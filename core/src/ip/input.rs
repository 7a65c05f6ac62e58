//! The checks on a received packet before an upper layer sees it (RFC 1122 section 3.2.1, RFC 8200).

use core::net::IpAddr;
use core::ops::Range;

use super::address::{Delivery, classify, classify_v4, is_legal_source, is_legal_source_v4};
use crate::config::Medium;
use crate::error::DropReason;
use crate::link::Interface;
use crate::wire::ipv4::{IpProtocol, Ipv4Option, Ipv4Packet};
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
    /// Whether an ICMP error or a reset may be sent in answer, as far as the addresses tell: both
    /// ends are single hosts, on the link too (RFC 1122 section 3.2.2, RFC 4443 section 2.4 (e)).
    pub(crate) fn may_be_answered(&self) -> bool {
        matches!(self.delivery, Delivery::Unicast | Delivery::Transit) && !self.link_group && !self.src.is_unspecified()
    }
}

impl Interface {
    /// Whether a packet's source may be answered. On the loopback interface it is our own, which it is nowhere else.
    fn is_legal_source(&self, src: IpAddr) -> bool {
        self.medium == Medium::Loopback || is_legal_source(&self.addresses, src)
    }

    /// To whom a packet goes. `is_ours` is asked about what is no address of this interface: by the host
    /// model it may be for us all the same.
    fn delivery(&self, dst: IpAddr, is_ours: impl Fn(IpAddr) -> bool) -> Option<Delivery> {
        let ours = classify(&self.addresses, dst).or_else(|| self.to_group(dst));
        ours.or_else(|| is_ours(dst).then_some(Delivery::Unicast))
    }

    /// What is for a group that is listened to on this interface.
    fn to_group(&self, dst: IpAddr) -> Option<Delivery> {
        self.groups.hears(dst).then_some(Delivery::Multicast)
    }

    /// RFC 1122 section 3.2.1.
    #[inline]
    pub(crate) fn ipv4_input(
        &self,
        packet: &Ipv4Packet<'_>,
        link_group: bool,
        is_ours: impl Fn(IpAddr) -> bool,
    ) -> Result<Received, DropReason> {
        if !packet.verify_checksum() {
            return Err(DropReason::Ipv4Checksum);
        }
        let (src, dst) = (IpAddr::V4(packet.src()), IpAddr::V4(packet.dst()));
        // A querier may have no address of its own (RFC 3376 section 4.2.13, RFC 4541 section 2.1.1).
        let is_query = || packet.src().is_unspecified() && packet.protocol() == IpProtocol::IGMP;
        if self.medium != Medium::Loopback && !is_legal_source_v4(&self.addresses, packet.src()) && !is_query() {
            return Err(DropReason::Ipv4Source);
        }
        let ours = classify_v4(&self.addresses, packet.dst()).or_else(|| self.to_group(dst));
        let delivery = ours.or_else(|| is_ours(dst).then_some(Delivery::Unicast)).ok_or(DropReason::Ipv4NotOurs)?;
        if link_group && delivery == Delivery::Unicast {
            // RFC 1122 section 3.3.6: a link-layer broadcast must carry an IP broadcast or multicast.
            return Err(DropReason::Ipv4NotOurs);
        }
        let is_alert =
            |option: Result<Ipv4Option<'_>, _>| option.is_ok_and(|option| option.kind == Ipv4Option::ROUTER_ALERT);
        let router_alert = !packet.option_bytes().is_empty() && packet.options().any(is_alert);
        let start = self.medium.header_len();
        let whole = start..start + packet.total_len();
        let upper = start + packet.header_len()..whole.end;
        Ok(Received {
            src,
            dst,
            delivery,
            hop_limit: packet.ttl(),
            traffic_class: packet.tos(),
            protocol: packet.protocol(),
            packet: whole,
            upper,
            link_group,
            router_alert,
        })
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
        if !packet.src().is_unspecified() && !self.is_legal_source(src) {
            return Err(DropReason::Ipv6Source);
        }
        let delivery = self.delivery(dst, is_ours).ok_or(DropReason::Ipv6NotOurs)?;
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
