//! The group member's side of IGMP and MLD on one interface (RFC 3376 sections 5 and 7.2, RFC 3810
//! sections 6 and 8.2; RFC 2236 and 2710 where an older querier is present). The two protocols are
//! one machine; they differ in their versions and in the groups that are never reported.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};

use super::filter::SourceFilter;
use super::group::Group;
use crate::config::{Limits, MulticastConfig};
use crate::digest::Digest;
use crate::ip::address::{ALL_HOSTS, ALL_NODES};
use crate::rng::RandomStream;
use crate::socket::UdpHandle;
use crate::time::{Duration, Instant};
use crate::wire::membership::{GroupRecord, Query, RecordKind, Version};

/// The query interval before a querier has told its own (RFC 3376 section 8.2, RFC 3810 section 9.2).
const QUERY_INTERVAL: Duration = Duration::from_secs(125);
/// Between the unsolicited reports of IGMPv2 and MLDv1 (RFC 2236 section 8.10, RFC 2710 section 7.10).
const OLDER_REPORT_INTERVAL: Duration = Duration::from_secs(10);
/// Sources in one record, at most: a record of either family fits every packet. `Limits::group_sources`
/// is no larger, so only records that may be split ever are (RFC 3376 section 4.2.16).
const SOURCES_PER_RECORD: usize = 64;

/// Which of the two protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Igmp,
    Mld,
}

impl Protocol {
    pub(crate) const fn newest(self) -> Version {
        match self {
            Protocol::Igmp => 3,
            Protocol::Mld => 2,
        }
    }
}

/// What every step of the machine needs.
pub(crate) struct Context<'a> {
    pub(crate) now: Instant,
    pub(crate) config: &'a MulticastConfig,
    pub(crate) limits: &'a Limits,
    pub(crate) random: &'a mut RandomStream,
}

impl Context<'_> {
    /// An instant drawn from the time up to `most` from now, now excluded.
    fn within(&mut self, most: Duration) -> Instant {
        let micros = u32::try_from(most.as_micros()).unwrap_or(u32::MAX).max(1);
        self.now + Duration::from_micros(u64::from(self.random.below(micros)) + 1)
    }
}

/// Why a filter was not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    Groups,
    Sources,
}

/// A message to be sent.
#[derive(Clone, Debug)]
pub(crate) enum Outgoing {
    Records(Vec<GroupRecord>),
    Report { version: Version, group: IpAddr },
    Leave { group: IpAddr },
}

/// What has come due and waits for a packet.
#[derive(Clone, Debug)]
enum Told {
    Record(GroupRecord),
    Report(Version, IpAddr),
    Leave(IpAddr),
}

/// The machine.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    protocol: Protocol,
    /// Whether there is anybody to be told of groups.
    reported: bool,
    /// By address.
    groups: Vec<Group>,
    /// The querier's robustness variable and query interval, once it has told them.
    robustness: Option<u8>,
    interval: Option<Duration>,
    /// When the answer to a general query is due.
    general_due: Option<Instant>,
    /// Until when a querier of an older version counts as present: version 1, version 2.
    older: [Option<Instant>; 2],
    told: VecDeque<Told>,
}

impl Member {
    pub(crate) fn new(protocol: Protocol, reported: bool) -> Member {
        Member {
            protocol,
            reported,
            groups: Vec::new(),
            robustness: None,
            interval: None,
            general_due: None,
            older: [None; 2],
            told: VecDeque::new(),
        }
    }

    /// The groups, by address; those that were left but not yet told as often as they should included.
    pub(crate) fn groups(&self) -> &[Group] {
        &self.groups
    }

    pub(crate) fn group(&self, address: IpAddr) -> Option<&Group> {
        self.groups.get(self.position(address).ok()?)
    }

    fn position(&self, address: IpAddr) -> Result<usize, usize> {
        self.groups.binary_search_by_key(&address, |group| group.address)
    }

    /// The version that is spoken: the host compatibility mode (RFC 3376 section 7.2.1).
    pub(crate) fn version(&self, config: &MulticastConfig) -> Version {
        let forced = match self.protocol {
            Protocol::Igmp => config.igmp_version,
            Protocol::Mld => config.mld_version,
        };
        forced.unwrap_or(match self.older {
            [Some(_), _] => 1,
            [None, Some(_)] => 2,
            [None, None] => self.protocol.newest(),
        })
    }

    fn robustness(&self, config: &MulticastConfig) -> u8 {
        self.robustness.unwrap_or(config.robustness)
    }

    /// A socket's filter for a group is set: `IPMulticastListen` (RFC 3376 section 2).
    pub(crate) fn listen(
        &mut self,
        context: &mut Context<'_>,
        address: IpAddr,
        (port, socket): (u16, UdpHandle),
        filter: SourceFilter,
    ) -> Result<(), Full> {
        let most = usize::from(context.limits.group_sources);
        if filter.sources().len() > most {
            return Err(Full::Sources);
        }
        let group = self.group_to_change(context, address)?;
        let before = group.filter();
        let restored = group.set(port, socket, filter);
        let after = group.filter();
        if after.sources().len() > most {
            group.set(port, socket, restored);
            self.drop_silent(address);
            return Err(Full::Sources);
        }
        self.on_change(context, address, &before, &after);
        Ok(())
    }

    /// The stack itself listens to exactly these groups. They count against no limit: each belongs to
    /// an address, and those are limited.
    pub(crate) fn listen_self(&mut self, context: &mut Context<'_>, wanted: &[IpAddr]) {
        let left = self.groups.iter().filter(|group| group.own && !wanted.contains(&group.address));
        let left: Vec<IpAddr> = left.map(|group| group.address).collect();
        let changes = left.into_iter().map(|group| (group, false)).chain(wanted.iter().map(|group| (*group, true)));
        for (address, own) in changes {
            let at = self.position(address).unwrap_or_else(|at| {
                self.groups.insert(at, Group::new(address));
                at
            });
            let Some(group) = self.groups.get_mut(at) else { continue };
            let before = group.filter();
            group.own = own;
            let after = group.filter();
            self.on_change(context, address, &before, &after);
        }
    }

    fn group_to_change(&mut self, context: &Context<'_>, address: IpAddr) -> Result<&mut Group, Full> {
        if self.position(address).is_err() {
            let most = usize::from(context.limits.groups);
            let count = |groups: &[Group]| groups.iter().filter(|group| !group.own).count();
            if count(&self.groups) >= most {
                // Groups that were left make room: their leaving has been told once.
                self.groups.retain(Group::is_listened);
            }
            if count(&self.groups) >= most {
                return Err(Full::Groups);
            }
        }
        let at = self.position(address).unwrap_or_else(|at| {
            self.groups.insert(at, Group::new(address));
            at
        });
        self.groups.get_mut(at).ok_or(Full::Groups)
    }

    /// Forgets the group if nobody listens and nothing is left to be told.
    fn drop_silent(&mut self, address: IpAddr) {
        if let Ok(at) = self.position(address)
            && self.groups.get(at).is_some_and(|group| !group.is_listened() && group.change_due.is_none())
        {
            self.groups.remove(at);
        }
    }

    /// RFC 3376 section 5.1, RFC 3810 section 6.1; for the older versions RFC 2236 section 3.
    fn on_change(&mut self, context: &Context<'_>, address: IpAddr, before: &SourceFilter, after: &SourceFilter) {
        let version = self.version(context.config);
        let robustness = self.robustness(context.config);
        let Some(group) = self.position(address).ok().and_then(|at| self.groups.get_mut(at)) else { return };
        if self.reported && before != after && is_reported(address, context.config) {
            let now = context.now;
            if version == self.protocol.newest() {
                group.owe_change(before, after, robustness, 2 * usize::from(context.limits.group_sources));
                group.change_due = group.owes_change().then_some(now);
            } else if before.is_none() {
                group.mode_reports = robustness;
                group.change_due = Some(now);
            } else if after.is_none() {
                // IGMPv1 has no message for leaving; otherwise the last to have reported tells it.
                let tells = group.last_reporter && !(self.protocol == Protocol::Igmp && version == 1);
                group.cancel();
                group.change_due = tells.then_some(now);
            }
        }
        self.drop_silent(address);
    }

    /// A query has arrived (RFC 3376 section 5.2, RFC 3810 section 6.2). Its packet has been checked.
    pub(crate) fn on_query(&mut self, context: &mut Context<'_>, query: &Query<'_>) {
        let spoken = self.version(context.config);
        let newest = self.protocol.newest();
        if query.version == newest {
            // RFC 3376 section 4.1.6: zero tells nothing.
            self.robustness = Some(query.robustness).filter(|robustness| *robustness > 0);
            self.interval = Some(query.interval).filter(|interval| !interval.is_zero());
        } else if query.group.is_none() || query.version == 1 {
            let interval = self.interval.unwrap_or(QUERY_INTERVAL);
            let timeout = interval * u32::from(self.robustness(context.config)) + query.max_response;
            if let Some(until) = self.older.get_mut(usize::from(query.version) - 1) {
                *until = Some(context.now + timeout);
            }
            if self.version(context.config) != spoken {
                self.cancel();
            }
        }
        // The group in a query of IGMPv1 means nothing (RFC 1112 appendix I).
        let group = query.group.filter(|_| query.version > 1 || self.protocol == Protocol::Mld);
        let due = context.within(query.max_response);
        if self.version(context.config) < newest {
            self.schedule_older(context, group, due);
        } else {
            self.schedule(context, query, group, due);
        }
    }

    /// The rules of RFC 3376 section 5.2, in their order.
    fn schedule(&mut self, context: &Context<'_>, query: &Query<'_>, group: Option<IpAddr>, due: Instant) {
        if self.general_due.is_some_and(|general| general < due) {
            return;
        }
        let reports = |group: &Group| group.is_listened() && is_reported(group.address, context.config);
        let Some(address) = group else {
            if self.groups.iter().any(reports) {
                self.general_due = Some(due);
            }
            return;
        };
        let Some(group) = self.position(address).ok().and_then(|at| self.groups.get_mut(at)) else { return };
        if !reports(group) {
            return;
        }
        if query.sources.is_empty() {
            group.owe_whole_response(due);
        } else {
            group.owe_response(due, query.sources.iter(), usize::from(context.limits.group_sources));
        }
    }

    /// RFC 2236 section 3, RFC 2710 section 4: a timer per group, shortened but never prolonged.
    fn schedule_older(&mut self, context: &mut Context<'_>, about: Option<IpAddr>, latest: Instant) {
        let most = latest.since(context.now);
        for group in &mut self.groups {
            let asked = about.is_none_or(|address| address == group.address);
            if asked && group.is_listened() && is_reported(group.address, context.config) {
                // Each group has a delay of its own, all within what the query allows.
                let due = if about.is_some() { latest } else { context.within(most) };
                group.owe_whole_response(due);
            }
        }
    }

    /// Somebody else has reported a group in the manner of the older versions: while those are spoken,
    /// our own report is not needed. Whether it concerned us.
    pub(crate) fn on_report(&mut self, config: &MulticastConfig, address: IpAddr) -> bool {
        if self.version(config) == self.protocol.newest() {
            return false;
        }
        let Some(group) = self.position(address).ok().and_then(|at| self.groups.get_mut(at)) else { return false };
        if !group.is_listened() {
            return false;
        }
        group.cancel();
        group.last_reporter = false;
        true
    }

    /// All groups are told anew: the link came up, or an address to tell them from has become available (RFC
    /// 3810 section 5.2.13).
    pub(crate) fn announce(&mut self, context: &Context<'_>) {
        let robustness = self.robustness(context.config);
        for group in self.groups.iter_mut().filter(|_| self.reported) {
            if group.is_listened() && is_reported(group.address, context.config) {
                group.mode_reports = robustness;
                group.change_due = Some(context.now);
            }
        }
    }

    /// "Whenever a host changes its compatibility mode, it cancels all its pending response and
    /// retransmission timers" (RFC 3376 section 7.2.1).
    fn cancel(&mut self) {
        self.general_due = None;
        self.told.clear();
        self.groups.retain(Group::is_listened);
        for group in &mut self.groups {
            group.cancel();
        }
    }

    /// Whoever asked is not heard any more, and nothing can be told.
    pub(crate) fn on_link_down(&mut self) {
        self.cancel();
        self.older = [None; 2];
        self.robustness = None;
        self.interval = None;
    }

    /// When the next report is due; long ago if one waits for a packet.
    pub(crate) fn report_due(&self) -> Option<Instant> {
        if !self.told.is_empty() {
            return Some(Instant::ZERO);
        }
        let of_groups = self.groups.iter().flat_map(|group| [group.change_due, group.response_due]).flatten();
        of_groups.chain(self.general_due).min()
    }

    /// When a querier of an older version will count as gone.
    pub(crate) fn older_due(&self) -> Option<Instant> {
        self.older.into_iter().flatten().min()
    }

    /// Queriers of older versions from which nothing was heard any more are gone.
    pub(crate) fn expire_older(&mut self, now: Instant, config: &MulticastConfig) {
        let spoken = self.version(config);
        for until in &mut self.older {
            *until = until.filter(|until| *until > now);
        }
        if self.version(config) != spoken {
            self.cancel();
        }
    }

    /// The next message that is due, in a packet with room for `room` bytes of records.
    pub(crate) fn next_message(&mut self, context: &mut Context<'_>, room: usize) -> Option<Outgoing> {
        if self.told.is_empty() {
            self.collect(context);
        }
        let mut records = Vec::new();
        let mut used = 0;
        while let Some(Told::Record(record)) = self.told.front() {
            used += record.wire_len();
            if used > room && !records.is_empty() {
                break;
            }
            if let Some(Told::Record(record)) = self.told.pop_front() {
                records.push(record);
            }
        }
        if !records.is_empty() {
            return Some(Outgoing::Records(records));
        }
        Some(match self.told.pop_front()? {
            Told::Record(record) => Outgoing::Records(alloc::vec![record]),
            Told::Report(version, group) => Outgoing::Report { version, group },
            Told::Leave(group) => Outgoing::Leave { group },
        })
    }

    /// Turns what is due into what is told, changes before answers.
    fn collect(&mut self, context: &mut Context<'_>) {
        let version = self.version(context.config);
        let is_newest = version == self.protocol.newest();
        for at in 0..self.groups.len() {
            let Some(group) = self.groups.get_mut(at) else { break };
            if is_newest {
                collect_records(group, context, &mut self.told);
            } else {
                collect_reports(group, context, version, &mut self.told);
            }
        }
        if self.general_due.is_some_and(|due| due <= context.now) {
            self.general_due = None;
            let reported = |group: &&Group| group.is_listened() && is_reported(group.address, context.config);
            for group in self.groups.iter().filter(reported) {
                tell(&mut self.told, group.current_state());
            }
        }
        self.groups.retain(|group| group.is_listened() || group.change_due.is_some());
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.count(self.groups.len());
        for group in &self.groups {
            group.digest(digest);
        }
        digest.option(self.robustness, Digest::u8);
        digest.option(self.interval, |digest, interval| digest.u64(interval.as_secs()));
        digest.option(self.general_due, Digest::instant);
        for until in self.older {
            digest.option(until, Digest::instant);
        }
        digest.count(self.told.len());
        for told in &self.told {
            let (kind, group, sources): (_, _, &[IpAddr]) = match told {
                Told::Record(record) => (record.kind.number(), record.group, &record.sources),
                Told::Report(version, group) => (0x10 | version, *group, &[]),
                Told::Leave(group) => (0x20, *group, &[]),
            };
            digest.u8(kind);
            digest.address(group);
            digest.count(sources.len());
            for source in sources {
                digest.address(*source);
            }
        }
    }
}

/// What is due of a group, as records.
fn collect_records(group: &mut Group, context: &mut Context<'_>, told: &mut VecDeque<Told>) {
    if group.change_due.is_some_and(|due| due <= context.now) {
        for record in group.take_change() {
            tell(told, record);
        }
        let again = context.within(context.config.unsolicited_report_interval);
        group.change_due = group.owes_change().then_some(again);
    }
    if group.response_due.is_some_and(|due| due <= context.now)
        && let Some(record) = group.take_response()
    {
        tell(told, record);
    }
}

/// What is due of a group, in the manner of the older versions.
fn collect_reports(group: &mut Group, context: &mut Context<'_>, version: Version, told: &mut VecDeque<Told>) {
    let changed = group.change_due.is_some_and(|due| due <= context.now);
    let asked = group.response_due.is_some_and(|due| due <= context.now);
    if !group.is_listened() {
        if changed {
            group.change_due = None;
            told.push_back(Told::Leave(group.address));
        }
        return;
    }
    if changed {
        group.mode_reports = group.mode_reports.saturating_sub(1);
        group.change_due = (group.mode_reports > 0).then(|| context.within(OLDER_REPORT_INTERVAL));
    }
    if changed || asked {
        // One report answers whatever was asked meanwhile.
        group.response_due = None;
        group.last_reporter = true;
        told.push_back(Told::Report(version, group.address));
    }
}

/// Queues a record, in pieces that fit a packet (RFC 3376 section 4.2.16).
fn tell(told: &mut VecDeque<Told>, record: GroupRecord) {
    if record.sources.len() <= SOURCES_PER_RECORD {
        return told.push_back(Told::Record(record));
    }
    let GroupRecord { kind, group, sources } = record;
    let pieces = if matches!(kind, RecordKind::IsExclude | RecordKind::ToExclude) { 1 } else { usize::MAX };
    for piece in sources.chunks(SOURCES_PER_RECORD).take(pieces) {
        told.push_back(Told::Record(GroupRecord { kind, group, sources: piece.to_vec() }));
    }
}

/// Whether routers are told of a group: never of the one that all hosts are in (RFC 3376 section 5), nor
/// of those that don't leave the node (RFC 3810 section 6).
fn is_reported(group: IpAddr, config: &MulticastConfig) -> bool {
    match group {
        IpAddr::V4(group) => group != ALL_HOSTS && (config.link_local_reports || !is_local_network_control(group)),
        IpAddr::V6(group) => {
            let scope = group.octets()[1] & 0xf;
            group != ALL_NODES && scope > 1 && (config.link_local_reports || scope > 2)
        }
    }
}

/// `224.0.0.0/24`, which no router forwards (RFC 5771 section 4).
fn is_local_network_control(group: Ipv4Addr) -> bool {
    group.octets()[..3] == [224, 0, 0]
}
