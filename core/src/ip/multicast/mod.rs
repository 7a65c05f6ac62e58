//! Groups: who listens to which, and how routers are told (RFC 1112, 3376, 3810).
//!
//! - [`filter`]: whose packets are wanted of a group
//! - [`group`]: a group on an interface: its listeners, and what is still to be told about it
//! - [`member`]: the group member's machine of IGMP and MLD
//! - [`querier`]: the multicast router's
//!
//! This file holds what an interface keeps: both machines, and the bound on what they send.

use alloc::collections::VecDeque;
use core::net::IpAddr;

use crate::config::MulticastConfig;
use crate::digest::Digest;
use crate::ip::address::{ALL_HOSTS, ALL_NODES, ALL_NODES_INTERFACE};
use crate::time::{Duration, Instant};
use crate::wire::ethernet::EthernetAddress;

pub(crate) mod filter;
pub(crate) mod group;
pub(crate) mod member;
pub(crate) mod querier;

use group::Group;
use member::{Context, Member, Outgoing, Protocol};

/// The groups of an interface.
#[derive(Clone, Debug)]
pub(crate) struct Groups {
    igmp: Member,
    mld: Member,
    per_second: usize,
    /// When the last reports were sent, as many as may be in a second.
    sent: VecDeque<Instant>,
    /// Stands in the control queue, to be asked for its next message.
    queued: bool,
    /// MLD has reported from the unspecified address, to which routers do not listen.
    pub(crate) nameless: bool,
}

impl Groups {
    /// Sends at most `per_second` reports in any second; none where there are no routers to hear them.
    pub(crate) fn new(per_second: u8, reported: bool) -> Groups {
        Groups {
            igmp: Member::new(Protocol::Igmp, reported),
            mld: Member::new(Protocol::Mld, reported),
            per_second: usize::from(per_second),
            sent: VecDeque::new(),
            queued: false,
            nameless: false,
        }
    }

    pub(crate) fn member(&self, protocol: Protocol) -> &Member {
        match protocol {
            Protocol::Igmp => &self.igmp,
            Protocol::Mld => &self.mld,
        }
    }

    pub(crate) fn member_mut(&mut self, protocol: Protocol) -> &mut Member {
        match protocol {
            Protocol::Igmp => &mut self.igmp,
            Protocol::Mld => &mut self.mld,
        }
    }

    /// The machine that answers for a group of this family.
    pub(crate) fn member_for(&mut self, group: IpAddr) -> &mut Member {
        if group.is_ipv4() { &mut self.igmp } else { &mut self.mld }
    }

    pub(crate) fn group(&self, address: IpAddr) -> Option<&Group> {
        let member = if address.is_ipv4() { &self.igmp } else { &self.mld };
        member.group(address)
    }

    /// The groups that are listened to, IPv4 first, by address.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Group> {
        self.igmp.groups().iter().chain(self.mld.groups()).filter(|group| group.is_listened())
    }

    /// Whether packets to `group` are for this interface.
    pub(crate) fn hears(&self, group: IpAddr) -> bool {
        is_of_all_hosts(group) || self.group(group).is_some_and(Group::is_listened)
    }

    /// Whether frames to the group address `station` are for this interface: several groups share one.
    pub(crate) fn hears_station(&self, station: EthernetAddress) -> bool {
        station == STATION_ALL_HOSTS
            || station == STATION_ALL_NODES
            || self.iter().any(|group| station == station_of(group.address))
    }

    /// When something is to be done: a report, or the end of an older querier's presence. While a
    /// report waits to be asked for, no other can become due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let older = self.igmp.older_due().into_iter().chain(self.mld.older_due()).min();
        let report = if self.queued { None } else { self.report_due() };
        report.into_iter().chain(older).min()
    }

    fn report_due(&self) -> Option<Instant> {
        let due = self.igmp.report_due().into_iter().chain(self.mld.report_due()).min()?;
        Some(due.max(self.room_at()))
    }

    /// From when on another report may be sent.
    fn room_at(&self) -> Instant {
        match self.sent.front() {
            Some(oldest) if self.sent.len() >= self.per_second => *oldest + Duration::from_secs(1),
            _ => Instant::ZERO,
        }
    }

    /// The time has come, or something has changed. Whether the interface is now to be asked for a message.
    pub(crate) fn settle(&mut self, now: Instant, config: &MulticastConfig) -> bool {
        self.igmp.expire_older(now, config);
        self.mld.expire_older(now, config);
        let due = !self.queued && self.report_due().is_some_and(|due| due <= now);
        self.queued |= due;
        due
    }

    /// The next message that is due. The interface no longer waits to be asked for one.
    pub(crate) fn next_message(&mut self, context: &mut Context<'_>, mtu: usize) -> Option<(Protocol, Outgoing)> {
        self.queued = false;
        if self.room_at() > context.now {
            return None;
        }
        let next = match self.igmp.next_message(context, mtu.saturating_sub(IGMP_OVERHEAD)) {
            Some(message) => (Protocol::Igmp, message),
            None => (Protocol::Mld, self.mld.next_message(context, mtu.saturating_sub(MLD_OVERHEAD))?),
        };
        while self.sent.len() >= self.per_second {
            self.sent.pop_front();
        }
        self.sent.push_back(context.now);
        Some(next)
    }

    /// The link is gone, and with it whoever asked or was to be told.
    pub(crate) fn on_link_down(&mut self) {
        self.igmp.on_link_down();
        self.mld.on_link_down();
        self.queued = false;
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        self.igmp.digest(digest);
        self.mld.digest(digest);
        digest.count(self.sent.len());
        for at in &self.sent {
            digest.instant(*at);
        }
        digest.bool(self.queued);
        digest.bool(self.nameless);
    }
}

/// What stands in front of a report's records: IPv4 header with Router Alert, IGMP header.
const IGMP_OVERHEAD: usize = 24 + 8;
/// IPv6 header, hop-by-hop options, MLD header.
const MLD_OVERHEAD: usize = 40 + 8 + 8;

const STATION_ALL_HOSTS: EthernetAddress = EthernetAddress::multicast_v4(ALL_HOSTS);
const STATION_ALL_NODES: EthernetAddress = EthernetAddress::multicast_v6(ALL_NODES);

/// The hardware address that a group maps to.
fn station_of(group: IpAddr) -> EthernetAddress {
    match group {
        IpAddr::V4(group) => EthernetAddress::multicast_v4(group),
        IpAddr::V6(group) => EthernetAddress::multicast_v6(group),
    }
}

/// The groups that every host is in, without a word about it.
pub(crate) fn is_of_all_hosts(group: IpAddr) -> bool {
    match group {
        IpAddr::V4(group) => group == ALL_HOSTS,
        IpAddr::V6(group) => group == ALL_NODES || group == ALL_NODES_INTERFACE,
    }
}
