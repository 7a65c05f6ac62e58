//! The multicast router's side of IGMP and MLD on one interface (RFC 3376 sections 6 and 7.3, RFC 3810 sections 7
//! and 8.3; RFC 2236 and 2710 where older hosts are present). The two protocols are one machine.
//!
//! - [`config`]: how often is asked
//! - [`group`]: what is known of one group: the state tables
//!
//! This file holds the rest: who asks, the general queries, and the table of groups.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv6Addr};

use crate::config::Limits;
use crate::digest::Digest;
use crate::ip::multicast::is_of_all_hosts;
use crate::ip::multicast::member::Protocol;
use crate::time::{Duration, Instant};
use crate::wire::membership::{GroupRecordView, Message, Query, RecordKind, Version};

pub(crate) mod config;
pub(crate) mod group;

use config::QuerierConfig;
use group::RouterGroup;

/// A query to be sent.
#[derive(Clone, Debug)]
pub(crate) struct OutgoingQuery {
    pub(crate) protocol: Protocol,
    /// Our address as a router.
    pub(crate) source: IpAddr,
    pub(crate) version: Version,
    pub(crate) max_response: Duration,
    /// `None` asks about all groups.
    pub(crate) group: Option<IpAddr>,
    pub(crate) suppress: bool,
    pub(crate) robustness: u8,
    pub(crate) interval: Duration,
    pub(crate) sources: Vec<IpAddr>,
}

impl OutgoingQuery {
    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.address(self.source);
        digest.u8(self.version);
        digest.u64(self.max_response.as_nanos() as u64);
        digest.option(self.group, Digest::address);
        digest.bool(self.suppress);
        digest.u8(self.robustness);
        digest.u64(self.interval.as_secs());
        digest.count(self.sources.len());
        for source in &self.sources {
            digest.address(*source);
        }
    }
}

/// The times of RFC 3376 section 8, from now.
#[derive(Clone, Debug)]
pub(crate) struct Times {
    /// When the Group Membership Interval ends (section 8.4).
    pub(crate) membership_end: Instant,
    /// When the Last Member Query Time ends (section 8.10).
    pub(crate) last_member_end: Instant,
    /// When a query about a group is repeated.
    pub(crate) next_query: Instant,
    pub(crate) last_member_count: u8,
    pub(crate) sources_max: usize,
    /// Whether we ask about groups that are left.
    pub(crate) querying: bool,
    /// A query with nothing in it yet.
    template: OutgoingQuery,
}

impl Times {
    pub(crate) fn query(&self, group: Option<IpAddr>, suppress: bool, sources: Vec<IpAddr>) -> OutgoingQuery {
        OutgoingQuery { group, suppress, sources, ..self.template.clone() }
    }
}

/// What every step needs, and what comes of it.
pub(crate) struct Env<'a> {
    pub(crate) now: Instant,
    pub(crate) config: &'a QuerierConfig,
    pub(crate) limits: &'a Limits,
    pub(crate) queries: Vec<OutgoingQuery>,
    pub(crate) groups_refused: u64,
    pub(crate) sources_refused: u64,
    pub(crate) older_queries: u64,
}

/// Another router that asks, because its address is lower.
#[derive(Clone, Copy, Debug)]
struct OtherQuerier {
    address: IpAddr,
    /// The Other Querier Present timer.
    until: Instant,
    /// Its robustness variable and query interval, which hold for us too (RFC 3376 sections 4.1.6 and 4.1.7).
    robustness: Option<u8>,
    interval: Option<Duration>,
}

/// The machine.
#[derive(Clone, Debug)]
pub(crate) struct Querier {
    protocol: Protocol,
    /// Our address as a router; without one, or without a link, nothing is asked.
    source: Option<IpAddr>,
    other: Option<OtherQuerier>,
    /// How many more general queries follow each other closely (RFC 3376 section 8.7).
    startup_left: u8,
    /// When the next general query is due, while it is we who ask.
    general_due: Option<Instant>,
    /// By address.
    groups: Vec<RouterGroup>,
}

impl Querier {
    pub(crate) const fn new(protocol: Protocol) -> Querier {
        Querier { protocol, source: None, other: None, startup_left: 0, general_due: None, groups: Vec::new() }
    }

    pub(crate) fn groups(&self) -> &[RouterGroup] {
        &self.groups
    }

    /// Our address as a router.
    pub(crate) fn source(&self) -> Option<IpAddr> {
        self.source
    }

    /// The router that asks in our place, and until when.
    pub(crate) fn other(&self) -> Option<(IpAddr, Instant)> {
        self.other.map(|other| (other.address, other.until))
    }

    /// Whether it is we who ask.
    pub(crate) fn is_querying(&self) -> bool {
        self.source.is_some() && self.other.is_none()
    }

    /// Whether packets of `source` to `group` are wanted on the link.
    pub(crate) fn wants(&self, group: IpAddr, source: IpAddr) -> bool {
        let at = self.groups.binary_search_by_key(&group, |known| known.address);
        at.ok().and_then(|at| self.groups.get(at)).is_some_and(|known| known.wants(source))
    }

    fn robustness(&self, config: &QuerierConfig) -> u8 {
        self.other.and_then(|other| other.robustness).unwrap_or(config.robustness)
    }

    fn interval(&self, config: &QuerierConfig) -> Duration {
        self.other.and_then(|other| other.interval).unwrap_or(config.query_interval)
    }

    fn times(&self, env: &Env<'_>) -> Times {
        let Env { now, config, limits, .. } = *env;
        let (robustness, interval) = (self.robustness(config), self.interval(config));
        let version = config.version(self.protocol);
        let last_member_count = config.last_member_query_count.unwrap_or(robustness);
        let last = config.last_member_query_interval;
        Times {
            membership_end: now + interval * u32::from(robustness) + response_interval(config),
            last_member_end: now + last * u32::from(last_member_count),
            next_query: now + last,
            last_member_count,
            sources_max: usize::from(limits.router_group_sources),
            // IGMPv1 knows general queries only.
            querying: self.is_querying() && (version > 1 || self.protocol == Protocol::Mld),
            template: OutgoingQuery {
                protocol: self.protocol,
                source: self.source.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
                version,
                max_response: last,
                group: None,
                suppress: false,
                robustness,
                interval: config.query_interval,
                sources: Vec::new(),
            },
        }
    }

    /// The address to ask from is another, or there is none: then whoever listened or asked is not heard any more.
    pub(crate) fn speak_from(&mut self, env: &Env<'_>, source: Option<IpAddr>) {
        if self.source == source {
            return;
        }
        let began = self.source.is_none();
        self.source = source;
        if source.is_none() {
            self.groups.clear();
            self.other = None;
            self.general_due = None;
        } else if began {
            self.startup_left = env.config.startup_query_count.unwrap_or(env.config.robustness);
            self.general_due = Some(env.now);
        }
    }

    /// A message that has been checked, from `src`.
    pub(crate) fn on_message(&mut self, env: &mut Env<'_>, src: IpAddr, message: &Message<'_>) {
        match message {
            Message::Query(query) => self.on_query(env, src, query),
            Message::Records(records) => {
                for record in records.iter() {
                    self.on_record(env, &record);
                }
            }
            Message::Report { version, group } => {
                self.tell(env, *group, Some(*version), RecordKind::IsExclude, &[]);
            }
            Message::Leave { group } => self.tell(env, *group, None, RecordKind::ToInclude, &[]),
        }
    }

    /// RFC 3376 section 6.6, RFC 3810 section 7.6: the router with the lowest address asks; what another asks lowers our
    /// timers as it does its own.
    fn on_query(&mut self, env: &mut Env<'_>, src: IpAddr, query: &Query<'_>) {
        env.older_queries += u64::from(query.version < env.config.version(self.protocol));
        // A switch that has no address of its own asks from 0.0.0.0, and is no router (RFC 4541 section 2.1.1).
        if src.is_unspecified() || self.source.is_none() {
            return;
        }
        if self.source.is_some_and(|ours| is_lower(src, ours)) {
            let is_newest = query.version == self.protocol.newest();
            let mut other = OtherQuerier {
                address: src,
                until: env.now,
                robustness: Some(query.robustness).filter(|robustness| is_newest && *robustness > 0),
                interval: Some(query.interval).filter(|interval| is_newest && !interval.is_zero()),
            };
            let robustness = other.robustness.unwrap_or(env.config.robustness);
            let interval = other.interval.unwrap_or(env.config.query_interval);
            // RFC 3376 section 8.5.
            other.until = env.now + interval * u32::from(robustness) + response_interval(env.config) / 2;
            self.other = Some(other);
            self.general_due = None;
            self.groups.iter_mut().for_each(RouterGroup::cease);
        }
        if let Some(group) = query.group.filter(|_| !query.suppress) {
            let times = self.times(env);
            let sources: Vec<IpAddr> = query.sources.iter().collect();
            if let Some(known) = self.group_mut(group) {
                known.on_query(&sources, &times);
            }
        }
    }

    fn on_record(&mut self, env: &mut Env<'_>, record: &GroupRecordView<'_>) {
        // RFC 3376 section 4.2.12: of a type that is not known.
        let Some(kind) = record.kind else { return };
        let is_source = |source: &IpAddr| !source.is_multicast() && !source.is_unspecified();
        let mut sources: Vec<IpAddr> = record.sources.iter().filter(is_source).collect();
        sources.sort_unstable();
        sources.dedup();
        self.tell(env, record.group, None, kind, &sources);
    }

    fn group_mut(&mut self, address: IpAddr) -> Option<&mut RouterGroup> {
        let at = self.groups.binary_search_by_key(&address, |known| known.address).ok()?;
        self.groups.get_mut(at)
    }

    /// A host tells of a group, in an `older` version if one is named.
    fn tell(
        &mut self,
        env: &mut Env<'_>,
        address: IpAddr,
        older: Option<Version>,
        kind: RecordKind,
        sources: &[IpAddr],
    ) {
        if self.source.is_none() || !address.is_multicast() || is_of_all_hosts(address) {
            return;
        }
        let times = self.times(env);
        let is_known = self.group_mut(address).is_some();
        let listens = matches!(kind, RecordKind::IsExclude | RecordKind::ToExclude)
            || (kind != RecordKind::Block && !sources.is_empty());
        if !is_known && (!listens || !self.make_room(address, env)) {
            return;
        }
        let (protocol, newest) = (self.protocol, self.protocol.newest());
        let Some(group) = self.group_mut(address) else { return };
        if let Some(version) = older {
            group.on_older_host(version, times.membership_end);
        }
        // RFC 3376 section 7.3.2: what older hosts, which hear no sources, could not answer is not believed.
        let spoken = group.version(newest);
        let (kind, sources) = match kind {
            RecordKind::Block if spoken < newest => return,
            RecordKind::ToInclude if spoken == 1 && protocol == Protocol::Igmp => return,
            RecordKind::ToExclude if spoken < newest => (kind, &[][..]),
            _ => (kind, sources),
        };
        env.sources_refused += group.on_record(kind, sources, &times, &mut env.queries);
        if group.is_empty() {
            self.groups.retain(|group| group.address != address);
        }
    }

    /// Makes an empty record of a group; `false` if there is no room. Groups that no router forwards
    /// give way to those that are.
    fn make_room(&mut self, address: IpAddr, env: &mut Env<'_>) -> bool {
        if self.groups.len() >= usize::from(env.limits.router_groups) {
            env.groups_refused += 1;
            let stays = self.groups.iter().position(|group| !is_forwardable(group.address));
            match stays.filter(|_| is_forwardable(address)) {
                Some(at) => {
                    self.groups.remove(at);
                }
                None => return false,
            }
        }
        if let Err(at) = self.groups.binary_search_by_key(&address, |known| known.address) {
            self.groups.insert(at, RouterGroup::new(address));
        }
        true
    }

    /// What was due happens.
    pub(crate) fn advance(&mut self, env: &mut Env<'_>) {
        if self.other.is_some_and(|other| other.until <= env.now) {
            // RFC 3376 section 6.6.2: nobody asks any more.
            self.other = None;
            self.general_due = Some(env.now);
        }
        let times = self.times(env);
        for group in self.groups.iter_mut().filter(|group| group.deadline().is_some_and(|due| due <= env.now)) {
            group.advance(env.now, &times, &mut env.queries);
        }
        self.groups.retain(|group| !group.is_empty());
        if self.is_querying() && self.general_due.is_some_and(|due| due <= env.now) {
            let max_response = response_interval(env.config);
            env.queries.push(OutgoingQuery { max_response, ..times.query(None, false, Vec::new()) });
            self.startup_left = self.startup_left.saturating_sub(1);
            let startup = env.config.startup_query_interval.unwrap_or(env.config.query_interval / 4);
            let interval = if self.startup_left > 0 { startup } else { env.config.query_interval };
            self.general_due = Some(env.now + interval);
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        let groups = self.groups.iter().filter_map(RouterGroup::deadline);
        groups.chain(self.general_due).chain(self.other.map(|other| other.until)).min()
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.option(self.source, Digest::address);
        digest.option(self.other, |digest, other| {
            digest.address(other.address);
            digest.instant(other.until);
            digest.option(other.robustness, Digest::u8);
            digest.option(other.interval, |digest, interval| digest.u64(interval.as_secs()));
        });
        digest.u8(self.startup_left);
        digest.option(self.general_due, Digest::instant);
        digest.count(self.groups.len());
        for group in &self.groups {
            group.digest(digest);
        }
    }
}

/// RFC 3376 section 8.3: less than the interval between queries, however they were set.
fn response_interval(config: &QuerierConfig) -> Duration {
    config.response_interval.min(config.query_interval.saturating_sub(Duration::from_millis(100)))
}

/// Whether the router at `theirs` is to ask rather than the one at `ours`. IPv6 compares interface
/// identifiers (RFC 3810 section 7.6.2).
fn is_lower(theirs: IpAddr, ours: IpAddr) -> bool {
    match (theirs, ours) {
        (IpAddr::V6(theirs), IpAddr::V6(ours)) => (theirs.to_bits() as u64) < ours.to_bits() as u64,
        (theirs, ours) => theirs < ours,
    }
}

/// Whether routers carry the group's packets from one link to another: not of the local network control
/// block (RFC 5771 section 4), nor of interface-local and link-local scope (RFC 4291 section 2.7).
pub(crate) fn is_forwardable(group: IpAddr) -> bool {
    match group {
        IpAddr::V4(group) => group.octets()[..3] != [224, 0, 0],
        IpAddr::V6(group) => group.octets()[1] & 0xf > 2,
    }
}

#[cfg(test)]
mod tests;
