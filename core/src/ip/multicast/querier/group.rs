//! What a router knows of one group on one link (RFC 3376 section 6.2, RFC 3810 section 7.2): a filter mode,
//! its timer, and a timer per source.
//!
//! In the RFCs' words: in INCLUDE mode all sources are in the set A. In EXCLUDE mode a source whose timer
//! runs is in the set X, and is forwarded; one without a timer is in the set Y, and is not.

use alloc::vec::Vec;
use core::net::IpAddr;

use super::{OutgoingQuery, Times};
use crate::digest::Digest;
use crate::ip::multicast::filter::{FilterMode, SourceFilter};
use crate::time::Instant;
use crate::wire::membership::{RecordKind, Version};

/// A source of a group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source {
    pub(super) address: IpAddr,
    /// The source timer; `None` once it has expired.
    pub(super) until: Option<Instant>,
    /// In how many more queries it is asked about.
    queries_left: u8,
}

/// A group that hosts of the link listen to.
#[derive(Clone, Debug)]
pub(crate) struct RouterGroup {
    pub(crate) address: IpAddr,
    /// The group timer: while it runs, the filter mode is EXCLUDE.
    pub(super) exclude_until: Option<Instant>,
    /// By address.
    pub(super) sources: Vec<Source>,
    /// How many more queries about the group are sent.
    queries_left: u8,
    /// When the next queries about the group and its sources are due.
    query_due: Option<Instant>,
    /// Until when hosts that speak version 1, or 2, count as present (RFC 3376 section 7.3.2).
    older: [Option<Instant>; 2],
    /// The earliest of its timers: looked for only when one of them has moved, or a report about one group
    /// would cost a look at the sources of all.
    due: Option<Instant>,
}

/// What a report makes the querier ask.
#[derive(Debug, Default)]
struct Doubts {
    group: bool,
    sources: Vec<IpAddr>,
}

impl RouterGroup {
    pub(super) fn new(address: IpAddr) -> RouterGroup {
        RouterGroup {
            address,
            exclude_until: None,
            sources: Vec::new(),
            queries_left: 0,
            query_due: None,
            older: [None; 2],
            due: None,
        }
    }

    /// Whether nobody listens: the record is to be deleted.
    pub(super) fn is_empty(&self) -> bool {
        self.exclude_until.is_none() && self.sources.is_empty()
    }

    /// Whether packets of `source` are wanted on the link (RFC 3376 section 6.3).
    pub(crate) fn wants(&self, source: IpAddr) -> bool {
        match self.sources.binary_search_by_key(&source, |known| known.address) {
            Ok(at) => self.sources.get(at).is_some_and(|known| known.until.is_some()),
            Err(_) => self.exclude_until.is_some(),
        }
    }

    /// Whose packets are wanted, as a filter: in EXCLUDE mode all but those of Y.
    pub(crate) fn filter(&self) -> SourceFilter {
        let is_listed = |source: &&Source| source.until.is_some() != (self.mode() == FilterMode::Exclude);
        let listed = self.sources.iter().filter(is_listed).map(|source| source.address);
        match self.mode() {
            FilterMode::Include => SourceFilter::include(listed),
            FilterMode::Exclude => SourceFilter::exclude(listed),
        }
    }

    fn mode(&self) -> FilterMode {
        if self.exclude_until.is_some() { FilterMode::Exclude } else { FilterMode::Include }
    }

    /// When nobody will be taken to listen any more, unless it is reported again.
    pub(crate) fn until(&self) -> Option<Instant> {
        self.sources.iter().filter_map(|source| source.until).chain(self.exclude_until).max()
    }

    /// The group compatibility mode: the oldest version that its members speak (RFC 3376 section 7.3.2).
    pub(crate) fn version(&self, newest: Version) -> Version {
        match self.older {
            [Some(_), _] => 1,
            [None, Some(_)] => 2,
            [None, None] => newest,
        }
    }

    /// A host speaks an older version.
    pub(super) fn on_older_host(&mut self, version: Version, until: Instant) {
        if let Some(present) = usize::from(version).checked_sub(1).and_then(|at| self.older.get_mut(at)) {
            *present = Some(until);
        }
        self.find_due();
    }

    /// A host tells of the group (RFC 3376 section 6.4, RFC 3810 section 7.4: the tables). Returns how many sources there
    /// was no room for.
    pub(super) fn on_record(
        &mut self,
        kind: RecordKind,
        told: &[IpAddr],
        times: &Times,
        queries: &mut Vec<OutgoingQuery>,
    ) -> u64 {
        let group_timer = self.exclude_until;
        let gmi = Some(times.membership_end);
        let mut doubts = Doubts::default();
        let refused = match (kind, group_timer) {
            (RecordKind::IsInclude | RecordKind::Allow, _) => self.set(told, gmi, times),
            (RecordKind::IsExclude, None) => self.become_exclude(told, times),
            (RecordKind::ToExclude, None) => {
                let refused = self.become_exclude(told, times);
                doubts.sources = self.listed(told, true);
                refused
            }
            (RecordKind::Block, None) => {
                doubts.sources = self.listed(told, true);
                0
            }
            (RecordKind::ToInclude, None) => {
                doubts.sources = self.unnamed(told);
                self.set(told, gmi, times)
            }
            (RecordKind::IsExclude, Some(_)) => self.stay_exclude(told, gmi, times),
            (RecordKind::ToExclude, Some(_)) => {
                let refused = self.stay_exclude(told, group_timer, times);
                doubts.sources = self.listed(told, true);
                refused
            }
            (RecordKind::Block, Some(_)) => {
                let refused = self.add_missing(told, group_timer, times);
                doubts.sources = self.listed(told, true);
                refused
            }
            (RecordKind::ToInclude, Some(_)) => {
                doubts = Doubts { group: true, sources: self.unnamed(told) };
                self.set(told, gmi, times)
            }
        };
        if times.querying {
            self.ask(&doubts, times, queries);
        }
        self.find_due();
        refused
    }

    /// `(B) = until`, whether the sources are known or not.
    fn set(&mut self, told: &[IpAddr], until: Option<Instant>, times: &Times) -> u64 {
        for source in told {
            if let Ok(at) = self.position(*source)
                && let Some(known) = self.sources.get_mut(at)
            {
                known.until = until;
            }
        }
        self.add_missing(told, until, times)
    }

    /// Those that are not known yet, with this timer; returns how many found no room.
    fn add_missing(&mut self, told: &[IpAddr], until: Option<Instant>, times: &Times) -> u64 {
        let mut refused = 0;
        for address in told {
            match self.position(*address) {
                Err(at) if self.sources.len() < times.sources_max => {
                    self.sources.insert(at, Source { address: *address, until, queries_left: 0 });
                }
                Err(_) => refused += 1,
                Ok(_) => {}
            }
        }
        refused
    }

    /// INCLUDE (A) becomes EXCLUDE (A*B, B-A); the group timer starts.
    fn become_exclude(&mut self, told: &[IpAddr], times: &Times) -> u64 {
        self.sources.retain(|source| told.contains(&source.address));
        self.exclude_until = Some(times.membership_end);
        self.add_missing(told, None, times)
    }

    /// EXCLUDE (X, Y) becomes EXCLUDE (A-Y, Y*A), A-X-Y with this timer; the group timer starts anew.
    fn stay_exclude(&mut self, told: &[IpAddr], until: Option<Instant>, times: &Times) -> u64 {
        self.sources.retain(|source| told.contains(&source.address));
        self.exclude_until = Some(times.membership_end);
        self.add_missing(told, until, times)
    }

    fn position(&self, source: IpAddr) -> Result<usize, usize> {
        self.sources.binary_search_by_key(&source, |known| known.address)
    }

    /// The sources with a running timer, or without one, that stand in `told`.
    fn listed(&self, told: &[IpAddr], running: bool) -> Vec<IpAddr> {
        let wanted = |source: &&Source| source.until.is_some() == running && told.contains(&source.address);
        self.sources.iter().filter(wanted).map(|source| source.address).collect()
    }

    /// The sources with a running timer that do not stand in `told`: A-B, X-A.
    fn unnamed(&self, told: &[IpAddr]) -> Vec<IpAddr> {
        let wanted = |source: &&Source| source.until.is_some() && !told.contains(&source.address);
        self.sources.iter().filter(wanted).map(|source| source.address).collect()
    }

    /// RFC 3376 section 6.6.3, RFC 3810 section 7.6.3: timers are lowered, and a query leaves at once. One about the
    /// group that is still being repeated begins anew.
    fn ask(&mut self, doubts: &Doubts, times: &Times, queries: &mut Vec<OutgoingQuery>) {
        let mut at_once = false;
        if doubts.group {
            self.lower_group(times);
            at_once |= self.queries_left == 0;
            self.queries_left = times.last_member_count;
        }
        for source in &mut self.sources {
            let in_doubt = doubts.sources.contains(&source.address);
            if in_doubt && source.until.is_some_and(|until| until > times.last_member_end) {
                source.queries_left = times.last_member_count;
                source.until = Some(times.last_member_end);
                at_once = true;
            }
        }
        if at_once {
            self.send_queries(times, queries);
        }
    }

    fn lower_group(&mut self, times: &Times) {
        self.exclude_until = self.exclude_until.map(|until| until.min(times.last_member_end));
    }

    /// A query without the S flag was heard (RFC 3376 section 6.6.1, RFC 3810 section 7.6.1).
    pub(super) fn on_query(&mut self, sources: &[IpAddr], times: &Times) {
        if sources.is_empty() {
            self.lower_group(times);
        }
        for source in self.sources.iter_mut().filter(|source| sources.contains(&source.address)) {
            source.until = source.until.map(|until| until.min(times.last_member_end));
        }
        self.find_due();
    }

    /// The queries about the group that are due now: with the S flag where the timers show that others
    /// still listen.
    fn send_queries(&mut self, times: &Times, queries: &mut Vec<OutgoingQuery>) {
        let group = Some(self.address);
        if self.queries_left > 0 {
            self.queries_left -= 1;
            let suppress = self.exclude_until.is_some_and(|until| until > times.last_member_end);
            queries.push(times.query(group, suppress, Vec::new()));
        }
        let (mut kept, mut doubted) = (Vec::new(), Vec::new());
        for source in self.sources.iter_mut().filter(|source| source.queries_left > 0) {
            source.queries_left -= 1;
            let is_kept = source.until.is_some_and(|until| until > times.last_member_end);
            if is_kept { kept.push(source.address) } else { doubted.push(source.address) }
        }
        for (suppress, sources) in [(true, kept), (false, doubted)] {
            if !sources.is_empty() {
                queries.push(times.query(group, suppress, sources));
            }
        }
        let more = self.queries_left > 0 || self.sources.iter().any(|source| source.queries_left > 0);
        self.query_due = more.then_some(times.next_query);
    }

    /// We are not the querier any more.
    pub(super) fn cease(&mut self) {
        self.queries_left = 0;
        self.query_due = None;
        for source in &mut self.sources {
            source.queries_left = 0;
        }
        self.find_due();
    }

    /// What was due happens (RFC 3376 sections 6.2.2, 6.2.3 and 6.5): source timers end, then the group timer.
    pub(super) fn advance(&mut self, now: Instant, times: &Times, queries: &mut Vec<OutgoingQuery>) {
        let ended = |until: Option<Instant>| until.is_some_and(|until| until <= now);
        for present in &mut self.older {
            *present = present.filter(|until| *until > now);
        }
        for source in self.sources.iter_mut().filter(|source| ended(source.until)) {
            source.until = None;
        }
        if ended(self.exclude_until) {
            self.exclude_until = None;
        }
        if self.exclude_until.is_none() {
            self.sources.retain(|source| source.until.is_some());
        }
        if ended(self.query_due) {
            self.send_queries(times, queries);
        }
        self.find_due();
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.due
    }

    fn find_due(&mut self) {
        let sources = self.sources.iter().filter_map(|source| source.until);
        let others = [self.exclude_until, self.query_due, self.older[0], self.older[1]];
        self.due = sources.chain(others.into_iter().flatten()).min();
    }

    pub(super) fn digest(&self, digest: &mut Digest) {
        digest.address(self.address);
        digest.option(self.exclude_until, Digest::instant);
        digest.count(self.sources.len());
        for source in &self.sources {
            digest.address(source.address);
            digest.option(source.until, Digest::instant);
            digest.u8(source.queries_left);
        }
        digest.u8(self.queries_left);
        digest.option(self.query_due, Digest::instant);
        for until in self.older {
            digest.option(until, Digest::instant);
        }
    }
}
