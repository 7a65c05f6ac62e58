//! Asking hosts which groups they listen to: the commands and questions of a multicast router, what reports and other
//! routers' queries do, queries sent (RFC 3376 section 6, RFC 3810 section 7).

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::Stack;
use super::advertise::known_by;
use super::multicast::{transmit_igmp_to, transmit_mld_to};
use crate::config::Medium;
use crate::error::{DropReason, InterfaceError};
use crate::frame::{Frame, TxBatch};
use crate::ip::address::{ALL_HOSTS, ALL_NODES};
use crate::ip::input::Received;
use crate::ip::multicast::filter::SourceFilter;
use crate::ip::multicast::member::Protocol;
use crate::ip::multicast::querier::{Env, OutgoingQuery, Querier};
use crate::link::{Control, Interface, InterfaceId};
use crate::record::Call;
use crate::time::Instant;
use crate::wire::checksum::Sum;
use crate::wire::icmpv6::Icmpv6Message;
use crate::wire::igmp;
use crate::wire::ipv4::IpProtocol;
use crate::wire::ipv6::Ipv6Packet;
use crate::wire::ipv6_ext;
use crate::wire::membership::{Addresses, Message, Query, Version};
use crate::wire::mld;

/// The machines of an interface that asks.
#[derive(Clone, Debug)]
pub(crate) struct Queriers {
    pub(crate) igmp: Querier,
    pub(crate) mld: Querier,
}

impl Queriers {
    pub(crate) const fn new() -> Queriers {
        Queriers { igmp: Querier::new(Protocol::Igmp), mld: Querier::new(Protocol::Mld) }
    }

    pub(crate) fn of(&self, protocol: Protocol) -> &Querier {
        match protocol {
            Protocol::Igmp => &self.igmp,
            Protocol::Mld => &self.mld,
        }
    }

    fn of_mut(&mut self, protocol: Protocol) -> &mut Querier {
        match protocol {
            Protocol::Igmp => &mut self.igmp,
            Protocol::Mld => &mut self.mld,
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.igmp.deadline().into_iter().chain(self.mld.deadline()).min()
    }
}

/// Who asks on an interface, as [`Stack::querier`] tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QuerierInfo {
    /// Our address as a router: the lowest of a link's routers asks. `None` while there is none, or no link.
    pub address: Option<IpAddr>,
    /// Whether it is we who ask.
    pub querying: bool,
    /// The other router that asks, and until when it counts as present unless it asks again.
    pub other: Option<(IpAddr, Instant)>,
}

/// A group that hosts of a link listen to, as [`Stack::link_groups`] lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkGroupInfo {
    /// On which interface.
    pub interface: InterfaceId,
    /// Its address.
    pub group: IpAddr,
    /// Whose packets are wanted (RFC 3376 section 6.3).
    pub filter: SourceFilter,
    /// Until when, unless it is reported again.
    pub until: Option<Instant>,
    /// The oldest version that its members speak (RFC 3376 section 7.3.2).
    pub version: Version,
}

impl Stack {
    /// Has an interface ask, as a multicast router, which groups hosts of its link listen to, or not any more. It
    /// takes part in the election of who asks, with its first IPv4 address and its link-local one.
    ///
    /// # Errors
    ///
    /// [`InterfaceError::NoInterface`]; the loopback interface cannot.
    pub fn set_querier(&mut self, now: Instant, id: InterfaceId, on: bool) -> Result<(), InterfaceError> {
        self.record(|_| Call::SetQuerier { now, interface: id, on });
        self.advance(now);
        let what = if on { "interface.querier" } else { "interface.no_querier" };
        self.commanded(what, SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), id.0));
        let interface = self.interfaces.get_mut(id.index()).ok_or(InterfaceError::NoInterface)?;
        if interface.medium == Medium::Loopback {
            return Err(InterfaceError::NoInterface);
        }
        if on {
            self.start_querier(id);
        } else {
            interface.queriers = None;
            self.join_groups_of_addresses(id);
        }
        Ok(())
    }

    /// The interface asks from now on, if it does not yet.
    pub(super) fn start_querier(&mut self, id: InterfaceId) {
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
        interface.queriers.get_or_insert_with(|| Box::new(Queriers::new()));
        self.join_groups_of_addresses(id);
        self.settle_querier(id);
    }

    /// Who asks for IGMP, or with `ipv6` for MLD, on an interface; `None` if it is no multicast router's.
    pub fn querier(&self, id: InterfaceId, ipv6: bool) -> Option<QuerierInfo> {
        let queriers = self.interfaces.get(id.index())?.queriers.as_deref()?;
        let querier = queriers.of(if ipv6 { Protocol::Mld } else { Protocol::Igmp });
        Some(QuerierInfo { address: querier.source(), querying: querier.is_querying(), other: querier.other() })
    }

    /// The groups that hosts of the links listen to, on interfaces on which we are a multicast router. What
    /// our own sockets listen to is in [`Stack::groups`].
    pub fn link_groups(&self) -> impl Iterator<Item = LinkGroupInfo> + '_ {
        self.interfaces.iter().flat_map(|interface| {
            let protocols = interface.queriers.iter().flat_map(|queriers| {
                let newest = |protocol: Protocol| protocol.newest();
                let igmp = queriers.igmp.groups().iter().map(move |group| (group, newest(Protocol::Igmp)));
                igmp.chain(queriers.mld.groups().iter().map(move |group| (group, newest(Protocol::Mld))))
            });
            protocols.map(move |(group, newest)| LinkGroupInfo {
                interface: interface.id,
                group: group.address,
                filter: group.filter(),
                until: group.until(),
                version: group.version(newest),
            })
        })
    }

    /// Lets `step` change one of an interface's machines, and counts and sends what comes of it. `None` if it has none.
    fn with_querier(
        &mut self,
        id: InterfaceId,
        protocol: Protocol,
        step: impl FnOnce(&mut Querier, &mut Env<'_>),
    ) -> Option<()> {
        let interface = self.interfaces.get_mut(id.index())?;
        let mut env = Env {
            now: self.now,
            config: &self.config.querier,
            limits: &self.config.limits,
            queries: Vec::new(),
            groups_refused: 0,
            sources_refused: 0,
            older_queries: 0,
        };
        step(interface.queriers.as_mut()?.of_mut(protocol), &mut env);
        let Env { queries, groups_refused, sources_refused, older_queries, .. } = env;
        self.counters.querier_groups_refused += groups_refused;
        self.counters.querier_sources_refused += sources_refused;
        self.counters.querier_older_queries += older_queries;
        for query in queries {
            self.queue_query(id, query);
        }
        Some(())
    }

    /// A query of ours is for our own listeners too: other routers, and switches, hear the answer.
    fn queue_query(&mut self, id: InterfaceId, query: OutgoingQuery) {
        let bytes = Addresses::to_bytes(&query.sources);
        let view = view(&query, &bytes);
        let _ = self.with_groups(id, |interface, context| {
            interface.groups.member_mut(query.protocol).on_query(context, &view);
        });
        if let Err(reason) = self.queue_control(id, Control::MembershipQuery(Box::new(query))) {
            self.drops.count(reason);
        }
    }

    /// The addresses of an interface have changed, its link, or its time has come.
    pub(super) fn settle_querier(&mut self, id: InterfaceId) {
        let Some(interface) = self.interfaces.get(id.index()).filter(|it| it.queriers.is_some()) else { return };
        let first_v4 = || interface.addresses.assigned().map(|own| own.address).find(IpAddr::is_ipv4);
        let sources = [
            (Protocol::Igmp, first_v4().filter(|_| interface.up)),
            (Protocol::Mld, known_by(interface).filter(|_| interface.up).map(IpAddr::V6)),
        ];
        for (protocol, source) in sources {
            let _ = self.with_querier(id, protocol, |querier, env| {
                querier.speak_from(env, source);
                querier.advance(env);
            });
        }
        self.arm_interface(id);
    }

    /// A message about groups that was checked as far as hosts care; `alerted` if it carries Router Alert. Returns
    /// whether we are a router that hears it.
    pub(super) fn hear_as_router(
        &mut self,
        id: InterfaceId,
        protocol: Protocol,
        received: &Received,
        message: &Message<'_>,
    ) -> Result<bool, DropReason> {
        let Some(interface) = self.interfaces.get(id.index()) else { return Ok(false) };
        if interface.queriers.is_none() {
            return Ok(false);
        }
        if protocol == Protocol::Igmp && !matches!(message, Message::Query(_)) {
            check_igmp_report(interface, received, message, self.config.multicast.router_alert_required)?;
        }
        let src = received.src;
        let heard = self.with_querier(id, protocol, |querier, env| {
            querier.advance(env);
            querier.on_message(env, src, message);
        });
        self.arm_interface(id);
        Ok(heard.is_some())
    }

    /// An IPv6 packet to a group that we are not in: as a router we hear what MLD says in it. `None` if it is no MLD.
    pub(super) fn receive_mld_as_router(
        &mut self,
        id: InterfaceId,
        frame: &Frame,
        packet: &Ipv6Packet<'_>,
        received: &Received,
    ) -> Option<Result<(), DropReason>> {
        let walked = ipv6_ext::walk(packet.dst(), packet.next_header(), packet.payload(), &self.extension_limits());
        let upper = walked.ok().filter(|upper| upper.protocol == IpProtocol::ICMPV6 && upper.fragment.is_none())?;
        let start = received.upper.start + upper.offset;
        let received =
            Received { upper: start..received.upper.end, router_alert: upper.router_alert, ..received.clone() };
        let bytes = frame.data.get(received.upper.clone())?;
        bytes.first().filter(|kind| mld::is_mld(**kind))?;
        let sum = Sum::pseudo_header_v6(packet.src(), packet.dst(), IpProtocol::ICMPV6, bytes.len());
        Some(match Icmpv6Message::parse(bytes) {
            Ok(message) if message.verify_checksum(sum) => {
                self.counters.ipv6_received += 1;
                self.receive_mld(id, &received, bytes)
            }
            Ok(_) => Err(DropReason::Icmpv6Checksum),
            Err(reason) => Err(reason),
        })
    }

    pub(super) fn transmit_query(&mut self, id: InterfaceId, query: &OutgoingQuery, batch: &mut TxBatch) {
        let Some(interface) = self.interfaces.get(id.index()) else { return };
        let bytes = Addresses::to_bytes(&query.sources);
        let view = view(query, &bytes);
        let tail = if query.version == query.protocol.newest() { view.tail_len() } else { 0 };
        // RFC 3376 section 4.1.12, RFC 3810 section 5.1.15: to all, or to those who are asked about.
        match (query.source, query.group) {
            (IpAddr::V4(src), group) => {
                let dst = if let Some(IpAddr::V4(group)) = group { group } else { ALL_HOSTS };
                transmit_igmp_to(interface, (src, dst), igmp::HEADER_LEN + tail, batch, |out| {
                    igmp::emit_query(&view, out);
                });
                self.counters.igmp_sent += 1;
                self.counters.ipv4_sent += 1;
            }
            (IpAddr::V6(src), group) => {
                let dst = if let Some(IpAddr::V6(group)) = group { group } else { ALL_NODES };
                transmit_mld_to(interface, (src, dst), mld::FIXED_LEN + tail, batch, |out| mld::emit_query(&view, out));
                self.counters.mld_sent += 1;
                self.counters.ipv6_sent += 1;
            }
        }
        self.counters.queries_sent += 1;
    }
}

/// The query as the wire has it; `sources` are its sources there.
fn view<'a>(query: &OutgoingQuery, sources: &'a [u8]) -> Query<'a> {
    Query {
        version: query.version,
        max_response: query.max_response,
        group: query.group,
        suppress: query.suppress,
        robustness: query.robustness,
        interval: query.interval,
        sources: Addresses::new(sources, query.protocol == Protocol::Mld),
    }
}

/// Whether a report can come from a host of the link: over one hop, from its subnet or from nobody (RFC 3376
/// sections 4.2.13 and 9.2), with Router Alert, which IGMPv1 does not know (section 9).
fn check_igmp_report(
    interface: &Interface,
    received: &Received,
    message: &Message<'_>,
    alert_required: bool,
) -> Result<(), DropReason> {
    let is_near = received.src.is_unspecified()
        || interface.medium == Medium::Ip
        || interface.addresses.assigned().any(|own| own.is_on_link(received.src));
    let alerted = received.router_alert || !alert_required || matches!(message, Message::Report { version: 1, .. });
    if received.hop_limit == 1 && is_near && alerted { Ok(()) } else { Err(DropReason::IgmpInvalid) }
}
