//! Groups: what sockets ask for, what IGMP and MLD say, and who gets a datagram sent to many.

use bytes::{Bytes, BytesMut};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use smallvec::SmallVec;

use super::Stack;
use super::routing::Way;
use crate::error::{DropReason, MembershipError};
use crate::event::Readiness;
use crate::frame::{Frame, TxBatch, TxChecksum};
use crate::ip::address::{ALL_HOSTS, ALL_NODES, ALL_ROUTERS, is_link_local};
use crate::ip::input::Received;
use crate::ip::multicast::filter::SourceFilter;
use crate::ip::multicast::is_of_all_hosts;
use crate::ip::multicast::member::{Context, Full, Outgoing, Protocol};
use crate::ip::own_address::AddressState;

use crate::ip::packet::Datagram;
use crate::ip::route::Query;
use crate::link::{Control, Interface, InterfaceId};
use crate::provenance::Queued;
use crate::socket::UdpHandle;
use crate::wire::ethernet::EthernetAddress;
use crate::wire::igmp;
use crate::wire::ipv4::{IpProtocol, Ipv4Header};
use crate::wire::ipv6::Ipv6Header;
use crate::wire::membership::Message;
use crate::wire::mld;
use crate::wire::ndp::solicited_node;
use crate::wire::{checksum, icmpv6, ipv4, ipv6};

/// The sockets that get a datagram.
type Hearers = SmallVec<[UdpHandle; 4]>;

impl Stack {
    /// Changes a socket's filter for a group. The group is one that the socket may speak to.
    pub(crate) fn listen_to_group(
        &mut self,
        handle: UdpHandle,
        interface: Option<InterfaceId>,
        group: IpAddr,
        change: impl FnOnce(SourceFilter) -> Result<SourceFilter, MembershipError>,
    ) -> Result<(), MembershipError> {
        let slot = self.sockets.udp.get(handle).ok_or(MembershipError::Stale)?;
        let (port, memberships) = (slot.state.local.port(), &slot.state.memberships);
        let member_on = || memberships.iter().find(|(_, other)| *other == group).map(|(id, _)| *id);
        let query = Query { interface: slot.state.interface, ..Query::to(group) };
        let by_route = || self.way(&query).ok().map(|way| way.hop.interface);
        let id = interface.or_else(member_on).or_else(by_route).ok_or(MembershipError::NoInterface)?;
        let at = memberships.iter().position(|membership| *membership == (id, group));
        if !self.has_interface(id) {
            return Err(MembershipError::NoInterface);
        }
        let filter = change(self.group_filter(id, group, port, handle))?;
        let joins = at.is_none() && !filter.is_none();
        if joins && memberships.len() >= usize::from(self.config.limits.memberships) {
            return Err(MembershipError::MembershipsFull);
        }
        let leaves = filter.is_none();
        let listened = self.with_groups(id, |interface, context| {
            interface.groups.member_for(group).listen(context, group, (port, handle), filter)
        });
        listened.ok_or(MembershipError::NoInterface)?.map_err(|full| match full {
            Full::Groups => MembershipError::GroupsFull,
            Full::Sources => MembershipError::SourcesFull,
        })?;
        if let Some(slot) = self.sockets.udp.get_mut(handle) {
            match at {
                Some(at) if leaves => {
                    slot.state.memberships.remove(at);
                }
                None if joins => slot.state.memberships.push((id, group)),
                _ => {}
            }
        }
        Ok(())
    }

    /// A socket goes: it leaves its groups.
    pub(super) fn leave_all_groups(&mut self, handle: UdpHandle) {
        let Some(slot) = self.sockets.udp.get_mut(handle) else { return };
        let port = slot.state.local.port();
        for (id, group) in core::mem::take(&mut slot.state.memberships) {
            // Leaving needs no room.
            let _ = self.with_groups(id, |interface, context| {
                interface.groups.member_for(group).listen(context, group, (port, handle), SourceFilter::NONE)
            });
        }
    }

    /// A socket's filter for a group on an interface.
    pub(crate) fn group_filter(&self, id: InterfaceId, group: IpAddr, port: u16, handle: UdpHandle) -> SourceFilter {
        let group = self.interfaces.get(id.index()).and_then(|interface| interface.groups.group(group));
        group.and_then(|group| group.filter_of(port, handle)).cloned().unwrap_or(SourceFilter::NONE)
    }

    pub(crate) fn has_interface(&self, id: InterfaceId) -> bool {
        self.interfaces.get(id.index()).is_some()
    }

    /// The addresses of an interface have changed: it is in the solicited-node groups of the IPv6 ones
    /// (RFC 4291 section 2.8), tentative ones included (RFC 4862 section 5.4.2), and in no others on
    /// their account.
    pub(super) fn join_groups_of_addresses(&mut self, id: InterfaceId) {
        self.with_groups(id, |interface, context| {
            let mut wanted: SmallVec<[IpAddr; 8]> = SmallVec::new();
            for own in interface.addresses.iter().filter(|own| own.state != AddressState::Duplicated) {
                if let IpAddr::V6(address) = own.address {
                    let group = IpAddr::V6(solicited_node(address));
                    if !wanted.contains(&group) {
                        wanted.push(group);
                    }
                }
            }
            if interface.is_advertising() {
                wanted.push(IpAddr::V6(ALL_ROUTERS));
            }
            // RFC 3376 section 6, RFC 3810 section 7: where reports go; RFC 2236 and 2710: where hosts take leave.
            let asks = interface.queriers.is_some();
            let of_routers = [mld::V2_ROUTERS, mld::ALL_ROUTERS].map(IpAddr::V6);
            wanted.extend(of_routers.into_iter().filter(|_| asks));
            interface.groups.member_mut(Protocol::Mld).listen_self(context, &wanted);
            let of_routers = [igmp::V3_ROUTERS, igmp::ALL_ROUTERS].map(IpAddr::V4);
            let wanted = if asks { &of_routers[..] } else { &[] };
            interface.groups.member_mut(Protocol::Igmp).listen_self(context, wanted);
            if interface.groups.nameless && interface.link_local().is_some() {
                // RFC 3810 section 5.2.13: what routers were told from nowhere is told again.
                interface.groups.nameless = false;
                interface.groups.member_mut(Protocol::Mld).announce(context);
            }
        });
    }

    /// The link of an interface came up: whoever is there now knows nothing of our groups.
    pub(super) fn announce_groups(&mut self, id: InterfaceId) {
        self.with_groups(id, |interface, context| {
            for protocol in [Protocol::Igmp, Protocol::Mld] {
                interface.groups.member_mut(protocol).announce(context);
            }
        });
    }

    /// Lets `step` change the groups of an interface, and sees to what follows from it.
    pub(super) fn with_groups<R>(
        &mut self,
        id: InterfaceId,
        step: impl FnOnce(&mut Interface, &mut Context<'_>) -> R,
    ) -> Option<R> {
        let interface = self.interfaces.get_mut(id.index())?;
        let mut context = Context {
            now: self.now,
            config: &self.config.multicast,
            limits: &self.config.limits,
            random: &mut self.random.groups,
        };
        let done = step(interface, &mut context);
        self.settle_groups(id);
        Some(done)
    }

    /// Lets the interface be asked for a report if one is due, and wake up for the next.
    pub(super) fn settle_groups(&mut self, id: InterfaceId) {
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
        if interface.up && interface.groups.settle(self.now, &self.config.multicast) {
            // At most one per interface stands in the queue, beyond its limit.
            interface.control.push_back(Queued { what: Control::GroupReport, occasion: self.occasion });
        }
        self.arm_interface(id);
    }

    /// An IGMP message has arrived. Of those of other hosts only queries concern us, and reports while
    /// an older version is spoken.
    #[inline(never)]
    pub(super) fn receive_igmp(
        &mut self,
        id: InterfaceId,
        frame: &Frame,
        received: &Received,
    ) -> Result<(), DropReason> {
        let bytes = frame.data.get(received.upper.clone()).ok_or(DropReason::IgmpTruncated)?;
        let message = igmp::parse(bytes)?;
        if !igmp::verify_checksum(bytes) {
            return Err(DropReason::IgmpChecksum);
        }
        if let Message::Query(query) = &message {
            // RFC 3376 section 9.1; IGMPv1 does not know the option.
            let alerted = received.router_alert || !self.config.multicast.router_alert_required || query.version == 1;
            let to_all = query.group.is_some() || received.dst == IpAddr::V4(ALL_HOSTS);
            let to_one = received.delivery == crate::ip::address::Delivery::Unicast;
            if !alerted || !(to_all || to_one) {
                return Err(DropReason::IgmpInvalid);
            }
        }
        let routed = self.hear_as_router(id, Protocol::Igmp, received, &message)?;
        let heard = self.hear_group_message(id, Protocol::Igmp, &message).is_some();
        if !heard && !routed {
            return Err(DropReason::IgmpForRouters);
        }
        self.counters.igmp_received += 1;
        Ok(())
    }

    /// An MLD message has arrived; its checksum was right. RFC 3810 section 6.2: it must come from a
    /// link-local address, over one hop, with Router Alert.
    pub(super) fn receive_mld(
        &mut self,
        id: InterfaceId,
        received: &Received,
        message: &[u8],
    ) -> Result<(), DropReason> {
        let message = mld::parse(message)?;
        if !is_link_local(received.src) || received.hop_limit != mld::HOP_LIMIT || !received.router_alert {
            return Err(DropReason::MldInvalid);
        }
        let to_all = received.dst == IpAddr::V6(ALL_NODES);
        let to_one = received.delivery == crate::ip::address::Delivery::Unicast;
        if matches!(&message, Message::Query(query) if query.group.is_none()) && !to_all && !to_one {
            return Err(DropReason::MldInvalid);
        }
        let routed = self.hear_as_router(id, Protocol::Mld, received, &message)?;
        let heard = self.hear_group_message(id, Protocol::Mld, &message).is_some();
        if !heard && !routed {
            return Err(DropReason::MldForRouters);
        }
        self.counters.mld_received += 1;
        Ok(())
    }

    fn hear_group_message(&mut self, id: InterfaceId, protocol: Protocol, message: &Message<'_>) -> Option<()> {
        let heard = self.with_groups(id, |interface, context| {
            let member = interface.groups.member_mut(protocol);
            match message {
                Message::Query(query) => {
                    member.on_query(context, query);
                    true
                }
                Message::Report { group, .. } => member.on_report(context.config, *group),
                Message::Leave { .. } | Message::Records(_) => false,
            }
        });
        heard?.then_some(())
    }

    /// Sends the next message about groups that is due.
    pub(super) fn transmit_group_report(&mut self, id: InterfaceId, batch: &mut TxBatch) {
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
        let mut context = Context {
            now: self.now,
            config: &self.config.multicast,
            limits: &self.config.limits,
            random: &mut self.random.groups,
        };
        let mtu = usize::from(interface.mtu(true).min(interface.mtu(false)));
        match interface.groups.next_message(&mut context, mtu) {
            Some((Protocol::Igmp, message)) => {
                transmit_igmp(interface, &message, batch);
                self.counters.igmp_sent += 1;
                self.counters.ipv4_sent += 1;
            }
            Some((Protocol::Mld, message)) => {
                let src = interface.link_local();
                interface.groups.nameless |= src.is_none();
                transmit_mld(interface, src.unwrap_or(Ipv6Addr::UNSPECIFIED), &message, batch);
                self.counters.mld_sent += 1;
                self.counters.ipv6_sent += 1;
            }
            None => {}
        }
        self.settle_groups(id);
    }

    /// Hands a datagram to its sockets; of one sent to many each gets a copy.
    pub(super) fn deliver_to(&mut self, hearers: &[UdpHandle], datagram: Datagram) -> Result<(), DropReason> {
        if let [only] = hearers {
            return self.deliver_datagram(*only, datagram);
        }
        let mut refused = None;
        let mut delivered = false;
        for handle in hearers {
            match self.deliver_datagram(*handle, datagram.clone()) {
                Ok(()) => delivered = true,
                Err(reason) => {
                    // One of them is the frame's verdict, the others are counted here.
                    if let Some(before) = refused.replace(reason) {
                        self.drops.count(before);
                    }
                }
            }
        }
        match refused {
            Some(reason) if !delivered => Err(reason),
            Some(reason) => {
                self.drops.count(reason);
                Ok(())
            }
            None => Ok(()),
        }
    }

    pub(super) fn deliver_datagram(&mut self, handle: UdpHandle, datagram: Datagram) -> Result<(), DropReason> {
        let slot = self.sockets.udp.get_mut(handle).ok_or(DropReason::UdpNoSocket)?;
        slot.state.on_datagram(datagram, &self.config.limits)?;
        self.counters.udp_received += 1;
        self.announce_udp(handle, Readiness::READABLE);
        Ok(())
    }

    /// The sockets that a datagram to many is for. To a broadcast address, and to a group that every
    /// host or the stack itself is in: all that are bound to it. To another group: those that listen to it. Sockets that
    /// listen have a word in it either way (RFC 3376 section 3.2).
    pub(super) fn hearers(
        &self,
        id: InterfaceId,
        to: IpAddr,
        port: u16,
        from: SocketAddr,
    ) -> Result<Hearers, DropReason> {
        let group = self.interfaces.get(id.index()).and_then(|interface| interface.groups.group(to));
        let listeners = group.map_or(&[][..], |group| group.listeners(port));
        let hears = |handle: UdpHandle| {
            self.sockets.udp.get(handle).is_some_and(|slot| {
                let local = slot.state.local.ip();
                let on_this = slot.state.interface.is_none_or(|bound| bound == id);
                on_this && slot.state.hears(from) && (local.is_unspecified() || local == to)
            })
        };
        let accepting = listeners.iter().filter(|listener| listener.filter.accepts(from.ip()));
        let mut hearers: Hearers = accepting.map(|listener| listener.socket).filter(|socket| hears(*socket)).collect();
        if !to.is_multicast() || is_of_all_hosts(to) || group.is_some_and(|group| group.own) {
            let listens = |socket: &UdpHandle| listeners.iter().any(|listener| listener.socket == *socket);
            let bound = self.sockets.demux.datagrams.candidates(to, port, id);
            hearers.extend(bound.filter(|socket| hears(*socket) && !listens(socket)));
        }
        match hearers.is_empty() {
            false => Ok(hearers),
            true if listeners.is_empty() => Err(DropReason::UdpNoSocket),
            true => Err(DropReason::UdpSourceFiltered),
        }
    }

    /// A socket of ours sends to a group: members on this host hear it too, unless it says otherwise.
    pub(crate) fn loop_datagram(&mut self, handle: UdpHandle, to: SocketAddr, src: IpAddr, data: &Bytes) {
        let Some(slot) = self.sockets.udp.get(handle).filter(|slot| slot.state.multicast.looped) else { return };
        let from = SocketAddr::new(src, slot.state.local.port());
        let (hop_limit, traffic_class) = (slot.state.multicast.hops, slot.state.traffic_class);
        let interface = slot.state.interface_towards(to.ip());
        let Ok(Way { hop, .. }) = self.way(&Query { interface, ..slot.state.query(Some(src), to) }) else { return };
        let Ok(hearers) = self.hearers(hop.interface, to.ip(), to.port(), from) else { return };
        for hearer in hearers {
            let at = self.now;
            let (options, data) = (Bytes::new(), data.clone());
            let datagram = Datagram { from, to: to.ip(), at, hop_limit, traffic_class, options, data };
            match self.deliver_datagram(hearer, datagram) {
                Ok(()) => self.counters.udp_looped += 1,
                Err(reason) => self.drops.count(reason),
            }
        }
    }
}

/// From 0.0.0.0 while there is no address (RFC 3376 section 4.2.13).
fn transmit_igmp(interface: &Interface, message: &Outgoing, batch: &mut TxBatch) {
    let v4 = |address| if let IpAddr::V4(address) = address { Some(address) } else { None };
    let dst = match message {
        Outgoing::Records(_) => igmp::V3_ROUTERS,
        Outgoing::Report { group, .. } => v4(*group).unwrap_or(igmp::V3_ROUTERS),
        Outgoing::Leave { .. } => igmp::ALL_ROUTERS,
    };
    let src = interface.addresses.assigned().find_map(|own| v4(own.address)).unwrap_or(Ipv4Addr::UNSPECIFIED);
    transmit_igmp_to(interface, (src, dst), message_len(message, igmp::HEADER_LEN, igmp::HEADER_LEN), batch, |out| {
        match message {
            Outgoing::Records(records) => igmp::emit_records(records, out),
            Outgoing::Report { version, group } => igmp::emit_report(*version, *group, out),
            Outgoing::Leave { group } => igmp::emit_leave(*group, out),
        }
    });
}

/// A message of `len` bytes behind its headers (RFC 3376 section 4): TTL 1, Router Alert.
pub(super) fn transmit_igmp_to(
    interface: &Interface,
    (src, dst): (Ipv4Addr, Ipv4Addr),
    len: usize,
    batch: &mut TxBatch,
    emit: impl FnOnce(&mut BytesMut),
) {
    let start = batch.begin();
    let out = batch.out();
    let link = interface.link_to_group(EthernetAddress::multicast_v4(dst));
    link.emit(true, out);
    let header = Ipv4Header {
        tos: igmp::TOS,
        payload_len: len as u16,
        id: 0,
        dont_fragment: true,
        more_fragments: false,
        fragment_offset: 0,
        ttl: 1,
        protocol: IpProtocol::IGMP,
        src,
        dst,
    };
    header.emit_with_options(&igmp::ROUTER_ALERT, out);
    emit(out);
    let upper = link.len() + ipv4::HEADER_LEN + igmp::ROUTER_ALERT.len();
    igmp::fill_checksum(batch.head_mut(start).get_mut(upper..).unwrap_or_default());
    batch.commit(start, len as u32, None, TxChecksum::Complete);
}

/// From a link-local address, or from `::` while there is none (RFC 3810 section 5.2.13).
fn transmit_mld(interface: &Interface, src: Ipv6Addr, message: &Outgoing, batch: &mut TxBatch) {
    let v6 = |address| if let IpAddr::V6(address) = address { Some(address) } else { None };
    let dst = match message {
        Outgoing::Records(_) => mld::V2_ROUTERS,
        Outgoing::Report { group, .. } => v6(*group).unwrap_or(mld::V2_ROUTERS),
        Outgoing::Leave { .. } => mld::ALL_ROUTERS,
    };
    let len = message_len(message, mld::FIXED_LEN, mld::REPORT_HEADER_LEN);
    transmit_mld_to(interface, (src, dst), len, batch, |out| match message {
        Outgoing::Records(records) => mld::emit_records(records, out),
        Outgoing::Report { group, .. } => mld::emit_report(*group, out),
        Outgoing::Leave { group } => mld::emit_done(*group, out),
    });
}

/// A message of `len` bytes behind its headers (RFC 3810 section 5): hop limit 1, Router Alert.
pub(super) fn transmit_mld_to(
    interface: &Interface,
    (src, dst): (Ipv6Addr, Ipv6Addr),
    len: usize,
    batch: &mut TxBatch,
    emit: impl FnOnce(&mut BytesMut),
) {
    let start = batch.begin();
    let out = batch.out();
    let link = interface.link_to_group(EthernetAddress::multicast_v6(dst));
    link.emit(false, out);
    let payload_len = (mld::ROUTER_ALERT.len() + len) as u16;
    let header = Ipv6Header {
        traffic_class: 0,
        flow_label: 0,
        payload_len,
        next_header: IpProtocol::HOP_BY_HOP,
        hop_limit: mld::HOP_LIMIT,
        src,
        dst,
    };
    header.emit(out);
    out.extend_from_slice(&mld::ROUTER_ALERT);
    emit(out);
    let upper = link.len() + ipv6::HEADER_LEN + mld::ROUTER_ALERT.len();
    let sum = checksum::Sum::pseudo_header_v6(src, dst, IpProtocol::ICMPV6, len);
    icmpv6::fill_checksum(sum, batch.head_mut(start).get_mut(upper..).unwrap_or_default());
    batch.commit(start, len as u32, None, TxChecksum::Complete);
}

/// The length of a message: that of an older version is `older` bytes long, a report of the newest
/// has a header of `newest` bytes.
fn message_len(message: &Outgoing, older: usize, newest: usize) -> usize {
    match message {
        Outgoing::Records(records) => {
            newest + records.iter().map(crate::wire::membership::GroupRecord::wire_len).sum::<usize>()
        }
        Outgoing::Report { .. } | Outgoing::Leave { .. } => older,
    }
}
