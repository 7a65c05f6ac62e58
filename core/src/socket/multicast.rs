//! The groups that a UDP socket listens to, and how it sends to groups: `IPMulticastListen` (RFC 3376
//! section 2, RFC 3810 section 3) and the calls that sockets know it by.
//!
//! A socket hears the datagrams sent to its port and to a group that it listens to, on the interface on
//! which it listens, from the sources that its filter lets through. The groups that every host is in
//! (`224.0.0.1`, `ff02::1`) need no joining.

use core::net::IpAddr;

use super::UdpSocket;
use crate::error::MembershipError;
use crate::ip::multicast::filter::{FilterMode, SourceFilter};
use crate::link::InterfaceId;
use crate::record::UdpCall;
use crate::time::Instant;

/// A group that a socket listens to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// On which interface.
    pub interface: InterfaceId,
    /// The group.
    pub group: IpAddr,
    /// Whose datagrams are wanted.
    pub filter: SourceFilter,
}

impl UdpSocket<'_> {
    /// Listens to `group` on `interface` with this filter, whatever it was before;
    /// [`SourceFilter::NONE`] leaves. Without an interface: for a group that the socket is a member of,
    /// the one on which it is; else the one that the routes name, or the first of the family.
    ///
    /// Errors: [`MembershipError`], but neither `AlreadyMember`, `NotMember` nor `WrongMode`.
    pub fn listen_to_group(
        &mut self,
        now: Instant,
        interface: Option<InterfaceId>,
        group: IpAddr,
        filter: SourceFilter,
    ) -> Result<(), MembershipError> {
        self.record(|| UdpCall::ListenToGroup { now, interface, group, filter: filter.clone() });
        if !filter.sources().iter().all(|source| is_source(*source, group)) {
            return Err(MembershipError::BadSource);
        }
        self.change_filter(now, interface, group, |_| Ok(filter))
    }

    /// Joins `group` for all sources (as `IP_ADD_MEMBERSHIP`). The interface as for
    /// [`UdpSocket::listen_to_group`].
    pub fn join_group(
        &mut self,
        now: Instant,
        interface: Option<InterfaceId>,
        group: IpAddr,
    ) -> Result<(), MembershipError> {
        self.record(|| UdpCall::JoinGroup { now, interface, group });
        self.change_filter(now, interface, group, |filter| {
            if filter.is_none() { Ok(SourceFilter::ALL) } else { Err(MembershipError::AlreadyMember) }
        })
    }

    /// Leaves `group`, for all sources (as `IP_DROP_MEMBERSHIP`).
    pub fn leave_group(
        &mut self,
        now: Instant,
        interface: Option<InterfaceId>,
        group: IpAddr,
    ) -> Result<(), MembershipError> {
        self.record(|| UdpCall::LeaveGroup { now, interface, group });
        self.change_filter(now, interface, group, |filter| {
            if filter.is_none() { Err(MembershipError::NotMember) } else { Ok(SourceFilter::NONE) }
        })
    }

    /// Joins `group` for one more source (as `IP_ADD_SOURCE_MEMBERSHIP`): source-specific multicast.
    pub fn join_source(
        &mut self,
        now: Instant,
        interface: Option<InterfaceId>,
        group: IpAddr,
        source: IpAddr,
    ) -> Result<(), MembershipError> {
        self.record(|| UdpCall::JoinSource { now, interface, group, source });
        self.change_source(now, interface, group, source, FilterMode::Include, true)
    }

    /// Leaves `group` for one source (as `IP_DROP_SOURCE_MEMBERSHIP`); with the last one, altogether.
    pub fn leave_source(
        &mut self,
        now: Instant,
        interface: Option<InterfaceId>,
        group: IpAddr,
        source: IpAddr,
    ) -> Result<(), MembershipError> {
        self.record(|| UdpCall::LeaveSource { now, interface, group, source });
        self.change_source(now, interface, group, source, FilterMode::Include, false)
    }

    /// Refuses the datagrams of one source in a group joined for all (as `IP_BLOCK_SOURCE`).
    pub fn block_source(
        &mut self,
        now: Instant,
        interface: Option<InterfaceId>,
        group: IpAddr,
        source: IpAddr,
    ) -> Result<(), MembershipError> {
        self.record(|| UdpCall::BlockSource { now, interface, group, source });
        self.change_source(now, interface, group, source, FilterMode::Exclude, true)
    }

    /// Undoes [`UdpSocket::block_source`] (as `IP_UNBLOCK_SOURCE`).
    pub fn unblock_source(
        &mut self,
        now: Instant,
        interface: Option<InterfaceId>,
        group: IpAddr,
        source: IpAddr,
    ) -> Result<(), MembershipError> {
        self.record(|| UdpCall::UnblockSource { now, interface, group, source });
        self.change_source(now, interface, group, source, FilterMode::Exclude, false)
    }

    /// The groups that it listens to, in the order of joining.
    pub fn memberships(&self) -> impl Iterator<Item = Membership> + '_ {
        let state = self.slot().map(|slot| &slot.state);
        state.into_iter().flat_map(move |state| {
            state.memberships.iter().map(move |(interface, group)| Membership {
                interface: *interface,
                group: *group,
                filter: self.stack.group_filter(*interface, *group, state.local.port(), self.handle),
            })
        })
    }

    /// By which interface datagrams to groups leave (as `IP_MULTICAST_IF`); default `None`: the one that
    /// the routes name, or the first of the family.
    ///
    /// Errors: [`MembershipError::NoInterface`], [`MembershipError::Stale`].
    pub fn set_multicast_interface(&mut self, interface: Option<InterfaceId>) -> Result<(), MembershipError> {
        self.record(|| UdpCall::SetMulticastInterface { interface });
        if interface.is_some_and(|id| !self.stack.has_interface(id)) {
            return Err(MembershipError::NoInterface);
        }
        let slot = self.stack.udp_slot_mut(self.handle).ok_or(MembershipError::Stale)?;
        slot.state.multicast.interface = interface;
        Ok(())
    }

    /// By which interface datagrams to groups leave, if one was named.
    pub fn multicast_interface(&self) -> Option<InterfaceId> {
        self.slot()?.state.multicast.interface
    }

    /// The time to live (hop limit) of datagrams to groups, 0 to 255; default 1 (RFC 1112 section 6.1).
    /// With 0 they reach members on this host only.
    pub fn set_multicast_hops(&mut self, hops: u8) {
        self.record(|| UdpCall::SetMulticastHops { hops });
        if let Some(slot) = self.stack.udp_slot_mut(self.handle) {
            slot.state.multicast.hops = hops;
        }
    }

    /// The time to live (hop limit) of datagrams to groups.
    pub fn multicast_hops(&self) -> u8 {
        self.slot().map_or(0, |slot| slot.state.multicast.hops)
    }

    /// Whether datagrams to groups are also heard by members on this host, this socket included;
    /// default true (as `IP_MULTICAST_LOOP`).
    pub fn set_multicast_loop(&mut self, looped: bool) {
        self.record(|| UdpCall::SetMulticastLoop { looped });
        if let Some(slot) = self.stack.udp_slot_mut(self.handle) {
            slot.state.multicast.looped = looped;
        }
    }

    /// Whether datagrams to groups are also heard by members on this host.
    pub fn multicast_loop(&self) -> bool {
        self.slot().is_some_and(|slot| slot.state.multicast.looped)
    }

    fn change_source(
        &mut self,
        now: Instant,
        interface: Option<InterfaceId>,
        group: IpAddr,
        source: IpAddr,
        mode: FilterMode,
        listed: bool,
    ) -> Result<(), MembershipError> {
        if !is_source(source, group) {
            return Err(MembershipError::BadSource);
        }
        self.change_filter(now, interface, group, |filter| match filter {
            _ if filter.is_none() && !(listed && mode == FilterMode::Include) => Err(MembershipError::NotMember),
            _ if filter.mode() != mode => Err(MembershipError::WrongMode),
            _ if filter.lists(source) == listed && listed => Err(MembershipError::AlreadyMember),
            _ if filter.lists(source) == listed => Err(MembershipError::NotMember),
            _ => Ok(filter.listing(source, listed)),
        })
    }

    fn change_filter(
        &mut self,
        now: Instant,
        interface: Option<InterfaceId>,
        group: IpAddr,
        change: impl FnOnce(SourceFilter) -> Result<SourceFilter, MembershipError>,
    ) -> Result<(), MembershipError> {
        let group = group.to_canonical();
        self.stack.called(now, "udp.listen", self.handle, &[]);
        self.slot().ok_or(MembershipError::Stale)?;
        if !group.is_multicast() || !self.speaks_to(group) {
            return Err(MembershipError::NotAGroup);
        }
        self.stack.listen_to_group(self.handle, interface, group, change)
    }
}

/// Whether `source` can send to `group`.
fn is_source(source: IpAddr, group: IpAddr) -> bool {
    source.is_ipv4() == group.is_ipv4() && !source.is_multicast() && !source.is_unspecified()
}
