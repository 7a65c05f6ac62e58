//! The router's side of router discovery as it acts on the stack: commands, solicitations answered,
//! advertisements sent, and those of other routers looked at (RFC 4861 section 6.2, RFC 4191, RFC 8106).

use alloc::boxed::Box;
use alloc::vec::Vec;
use bytes::BytesMut;
use core::net::{IpAddr, Ipv6Addr};

use super::Stack;
use super::interfaces::numbered;
use super::transmit::transmit_ndp;
use crate::autoconf::advertise::config::{AdvertiseConfig, PREFIX_LEN, own_prefix};
use crate::autoconf::advertise::{Advertisement, Advertiser, Inconsistency, contradiction};
use crate::autoconf::truncate;
use crate::config::Medium;
use crate::error::{AdvertiseError, DropReason};
use crate::frame::TxBatch;
use crate::ip::address::ALL_NODES;
use crate::ip::input::Received;
use crate::ip::own_address::{AddressOrigin, AddressState};
use crate::link::{Control, Interface, InterfaceId};
use crate::record::Call;
use crate::time::{Duration, Instant};
use crate::wire::ethernet::EthernetAddress;
use crate::wire::ipv6;
use crate::wire::ndp;
use crate::wire::ndp_options::{self, PrefixInformation, RouteInformation, RouterOption};
use crate::wire::ndp_router::{RouterAdvertisement, RouterAdvertisementHeader, RouterSolicitation};

/// What an interface advertises, as [`Stack::advertising`] tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AdvertiserInfo {
    /// What is advertised, with the prefixes named; the router lifetime is 0 while the stack does not forward.
    pub config: AdvertiseConfig,
    /// Whether it goes on; else only final advertisements are left to be sent (RFC 4861 section 6.2.5).
    pub active: bool,
    /// When the next advertisement is sent, unless a solicitation asks for one earlier.
    pub next_at: Option<Instant>,
    /// What another router was last found to say otherwise (RFC 4861 section 6.2.7).
    pub inconsistency: Option<Inconsistency>,
}

impl Stack {
    /// Makes an interface an advertising one (RFC 4861 section 6.2.2), or changes what it advertises. It
    /// needs a link-local address that was verified, and forms one if it has none.
    ///
    /// # Errors
    ///
    /// [`AdvertiseError`] names the value that is not possible.
    pub fn advertise(&mut self, now: Instant, id: InterfaceId, config: AdvertiseConfig) -> Result<(), AdvertiseError> {
        self.record(|_| Call::Advertise { now, interface: id, config: Box::new(config.clone()) });
        let now = self.advance(now);
        self.commanded("interface.advertise", numbered(id));
        let interface = self.interfaces.get(id.index()).ok_or(AdvertiseError::NoInterface)?;
        check_link(interface.medium, interface.autoconf.router_discovery.enabled)?;
        config.check(interface.capabilities.mtu)?;
        self.start_advertising(id, now, config);
        Ok(())
    }

    /// What is advertised has been checked.
    pub(super) fn start_advertising(&mut self, id: InterfaceId, now: Instant, config: AdvertiseConfig) {
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
        match &mut interface.autoconf.advertiser {
            Some(advertiser) => advertiser.change(now, config, &mut self.random.advertisements),
            none => *none = Some(Box::new(Advertiser::new(config))),
        }
        let has_link_local = interface.addresses.iter().any(|own| is_link_local_v6(own.address));
        if !has_link_local {
            self.form_link_local(id);
        }
        self.join_groups_of_addresses(id);
        self.settle_advertiser(id);
    }

    /// Ends an interface's advertising. Hosts are told three times, 3 s apart, that neither the router nor
    /// its routes and name servers are to be used any more (RFC 4861 section 6.2.5).
    ///
    /// # Errors
    ///
    /// [`AdvertiseError::NoInterface`], [`AdvertiseError::NotAdvertising`].
    pub fn cease_advertising(&mut self, now: Instant, id: InterfaceId) -> Result<(), AdvertiseError> {
        self.record(|_| Call::CeaseAdvertising { now, interface: id });
        let now = self.advance(now);
        self.commanded("interface.cease_advertising", numbered(id));
        let interface = self.interfaces.get_mut(id.index()).ok_or(AdvertiseError::NoInterface)?;
        let advertiser = interface.autoconf.advertiser.as_mut().filter(|advertiser| advertiser.is_active());
        advertiser.ok_or(AdvertiseError::NotAdvertising)?.cease(now);
        self.join_groups_of_addresses(id);
        self.settle_advertiser(id);
        Ok(())
    }

    /// What an interface advertises; `None` if it is no advertising interface.
    pub fn advertising(&self, id: InterfaceId) -> Option<AdvertiserInfo> {
        let interface = self.interfaces.get(id.index())?;
        let advertiser = interface.autoconf.advertiser.as_deref()?;
        Some(AdvertiserInfo {
            config: self.advertised(interface, advertiser).0,
            active: advertiser.is_active(),
            next_at: advertiser.deadline(),
            inconsistency: advertiser.inconsistency,
        })
    }

    /// What is really told: the prefixes of our own addresses where none are set, and no router lifetime
    /// while we do not forward (RFC 4861 section 6.2.5); and how many prefixes there is no room for.
    fn advertised(&self, interface: &Interface, advertiser: &Advertiser) -> (AdvertiseConfig, usize) {
        let mut config = advertiser.config().clone();
        config.mtu = config.mtu.map(|told| told.min(interface.capabilities.mtu));
        let mut left_out = 0;
        if !self.config.router.forwarding {
            config.router_lifetime = Some(Duration::ZERO);
        }
        if config.prefixes.is_none() {
            let room =
                usize::from(interface.capabilities.mtu) - ipv6::HEADER_LEN.min(interface.capabilities.mtu.into());
            let most = room.saturating_sub(config.message_len()) / PREFIX_LEN;
            let mut prefixes = own_prefixes(interface);
            left_out = prefixes.len().saturating_sub(most);
            prefixes.truncate(most);
            config.prefixes = Some(prefixes);
        }
        (config, left_out)
    }

    /// The addresses of an interface have changed, its link, or its time has come: what it does as a router.
    pub(super) fn settle_router(&mut self, id: InterfaceId) {
        self.settle_advertiser(id);
        self.settle_querier(id);
    }

    fn settle_advertiser(&mut self, id: InterfaceId) {
        let now = self.now;
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
        let source = known_by(interface).filter(|_| interface.up);
        let random = &mut self.random.advertisements;
        let Some(advertiser) = interface.autoconf.advertiser.as_mut() else { return };
        advertiser.speak_from(now, source, interface.up, random);
        while let Some(interface) = self.interfaces.get_mut(id.index())
            && let Some(advertiser) = interface.autoconf.advertiser.as_mut()
            && let Some((source, is_final)) = advertiser.take_due(now, &mut self.random.advertisements)
        {
            self.queue_advertisement(id, source, is_final);
        }
        if let Some(interface) = self.interfaces.get_mut(id.index())
            && interface.autoconf.advertiser.as_ref().is_some_and(|advertiser| advertiser.is_over())
        {
            interface.autoconf.advertiser = None;
        }
        self.arm_interface(id);
    }

    fn queue_advertisement(&mut self, id: InterfaceId, source: Ipv6Addr, is_final: bool) {
        let Some(interface) = self.interfaces.get(id.index()) else { return };
        let Some(advertiser) = interface.autoconf.advertiser.as_deref() else { return };
        let (config, left_out) = self.advertised(interface, advertiser);
        self.counters.advertised_prefixes_left_out += left_out as u64;
        if config.message_len() + ipv6::HEADER_LEN > usize::from(interface.capabilities.mtu) {
            // The MTU has become smaller since it was looked at.
            return self.drop_on(id, DropReason::FrameTooLong);
        }
        let advertisement = Box::new(Advertisement { source, config, is_final });
        if let Err(reason) = self.queue_control(id, Control::RouterAdvertisement(advertisement)) {
            self.drop_on(id, reason);
        }
    }

    /// A Router Solicitation (RFC 4861 sections 6.1.1 and 6.2.6).
    pub(super) fn receive_router_solicitation(
        &mut self,
        id: InterfaceId,
        received: &Received,
        message: &[u8],
    ) -> Result<(), DropReason> {
        let now = self.now;
        let solicitation = RouterSolicitation::parse(message)?;
        let nameless = received.src.is_unspecified() && solicitation.source_link_layer.is_some();
        if received.hop_limit != ndp::HOP_LIMIT || nameless {
            return Err(DropReason::NdpInvalid);
        }
        let interface = self.interfaces.get_mut(id.index()).ok_or(DropReason::InterfaceUnknown)?;
        if solicitation.source_link_layer.is_some_and(|hardware| !interface.is_anothers(hardware)) {
            return Err(DropReason::NdpInvalid);
        }
        let advertiser = interface.autoconf.advertiser.as_mut().filter(|advertiser| advertiser.is_active());
        advertiser.ok_or(DropReason::NdpNotAdvertising)?.on_solicitation(now, &mut self.random.advertisements);
        self.counters.ndp_received += 1;
        if let Some(hardware) = solicitation.source_link_layer {
            self.learn_neighbor(id, received.src, hardware, false, true);
        }
        self.on_neighbor_is_host(id, received.src);
        self.settle_advertiser(id);
        Ok(())
    }

    /// Another router on a link on which we are one (RFC 4861 section 6.2.7): whether what it says agrees with what we
    /// do. Nothing else follows from it.
    pub(super) fn compare_advertisement(
        &mut self,
        id: InterfaceId,
        router: Ipv6Addr,
        theirs: &RouterAdvertisement<'_>,
    ) -> Result<(), DropReason> {
        let interface = self.interfaces.get(id.index()).ok_or(DropReason::InterfaceUnknown)?;
        let advertiser = interface.autoconf.advertiser.as_deref().filter(|advertiser| advertiser.is_active());
        let (ours, _) = self.advertised(interface, advertiser.ok_or(DropReason::NdpRouterDiscoveryOff)?);
        self.counters.ndp_received += 1;
        let Some(about) = contradiction(&ours, theirs) else { return Ok(()) };
        self.counters.advertisements_inconsistent += 1;
        if let Some(advertiser) =
            self.interfaces.get_mut(id.index()).and_then(|interface| interface.autoconf.advertiser.as_mut())
        {
            advertiser.inconsistency = Some(Inconsistency { router, about });
        }
        Ok(())
    }

    pub(super) fn transmit_advertisement(&mut self, id: InterfaceId, told: &Advertisement, batch: &mut TxBatch) {
        let Some(interface) = self.interfaces.get(id.index()) else { return };
        let link = interface.link_to_group(EthernetAddress::multicast_v6(ALL_NODES));
        let hardware = (interface.medium == Medium::Ethernet).then_some(interface.hardware_address);
        let mut message = BytesMut::new();
        emit(told, hardware, &mut message);
        transmit_ndp(batch, link, (told.source, ALL_NODES), message.len(), |out| out.extend_from_slice(&message));
        self.counters.router_advertisements_sent += 1;
        self.counters.ipv6_sent += 1;
    }
}

impl Interface {
    /// Whether we are a router to the hosts of its link, which hears what is for all routers (RFC 4861 section 6.2.2).
    pub(crate) fn is_advertising(&self) -> bool {
        self.autoconf.advertiser.as_ref().is_some_and(|advertiser| advertiser.is_active())
    }
}

/// The link-local address that routers are known by: one that is ours without a doubt (RFC 4429 section 3).
pub(super) fn known_by(interface: &Interface) -> Option<Ipv6Addr> {
    interface.addresses.assigned().find_map(|own| match own.address {
        IpAddr::V6(address) if address.is_unicast_link_local() && own.state != AddressState::Optimistic => {
            Some(address)
        }
        _ => None,
    })
}

fn is_link_local_v6(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
}

/// The prefixes of the addresses that were set by hand and are on the link, each once.
fn own_prefixes(interface: &Interface) -> Vec<PrefixInformation> {
    let mut prefixes: Vec<PrefixInformation> = Vec::new();
    for own in interface.addresses.assigned().filter(|own| own.origin == AddressOrigin::Static) {
        let IpAddr::V6(address) = own.address else { continue };
        if address.is_unicast_link_local() || own.prefix_len == 128 {
            continue;
        }
        let told = own_prefix(truncate(address, own.prefix_len), own.prefix_len);
        if !prefixes.contains(&told) {
            prefixes.push(told);
        }
    }
    prefixes
}

/// The message, in the order of RFC 4861 section 4.2. A final one tells only what is to be forgotten: the
/// router, its routes (RFC 4191 section 4), its name servers and domains; the prefixes live on.
fn emit(told: &Advertisement, hardware: Option<EthernetAddress>, out: &mut BytesMut) {
    let Advertisement { config, is_final, .. } = told;
    let header = config.header();
    let router_lifetime = if *is_final { 0 } else { header.router_lifetime };
    RouterAdvertisementHeader { router_lifetime, ..header }.emit(out);
    if let Some(hardware) = hardware {
        RouterOption::SourceLinkLayer(hardware).emit(out);
    }
    if let Some(mtu) = config.mtu {
        RouterOption::Mtu(mtu.into()).emit(out);
    }
    for prefix in config.prefixes.iter().flatten().filter(|_| !is_final) {
        RouterOption::Prefix(*prefix).emit(out);
    }
    for route in &config.routes {
        let lifetime = if *is_final { 0 } else { route.lifetime };
        RouterOption::Route(RouteInformation { lifetime, ..*route }).emit(out);
    }
    let resolvers = if *is_final { 0 } else { config.resolver_seconds() };
    if !config.name_servers.is_empty() {
        ndp_options::emit_recursive_servers(resolvers, &config.name_servers, out);
    }
    if !config.search_domains.is_empty() {
        ndp_options::emit_search_list(resolvers, &config.search_domains, out);
    }
}

/// Whether an interface can advertise at all.
pub(super) fn check_link(medium: Medium, autoconfigured: bool) -> Result<(), AdvertiseError> {
    if medium == Medium::Loopback {
        return Err(AdvertiseError::NoLink);
    }
    if autoconfigured { Err(AdvertiseError::Autoconfigured) } else { Ok(()) }
}
