//! One group on one interface: who listens, and what is still to be told about it.

use alloc::vec::Vec;
use core::net::IpAddr;

use super::filter::{FilterMode, SourceFilter};
use crate::digest::Digest;
use crate::socket::UdpHandle;
use crate::time::Instant;
use crate::wire::membership::{GroupRecord, RecordKind};

/// A socket that listens to a group.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    /// The port that the socket is bound to: a datagram's listeners are looked up by it.
    pub(crate) port: u16,
    pub(crate) socket: UdpHandle,
    pub(crate) filter: SourceFilter,
}

/// A group that is listened to, or of whose leaving the routers are still being told.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) address: IpAddr,
    /// The stack itself listens, as to the solicited-node groups of its addresses.
    pub(crate) own: bool,
    /// By port and socket.
    listeners: Vec<Listener>,
    /// How many more reports tell the filter mode (RFC 3376 section 5.1); in the older versions, how
    /// many more unsolicited reports are to be sent.
    pub(super) mode_reports: u8,
    /// Sources with how many more reports tell what became of them.
    changed: Vec<(IpAddr, u8)>,
    /// When the next report about a change is due.
    pub(super) change_due: Option<Instant>,
    /// When the answer to a query about this group is due.
    pub(super) response_due: Option<Instant>,
    /// The sources that were asked about; none if all of the group is to be told.
    asked: Vec<IpAddr>,
    /// Older versions: the last to have reported the group was this host (RFC 2236 section 3).
    pub(super) last_reporter: bool,
}

impl Group {
    pub(super) fn new(address: IpAddr) -> Group {
        Group {
            address,
            own: false,
            listeners: Vec::new(),
            mode_reports: 0,
            changed: Vec::new(),
            change_due: None,
            response_due: None,
            asked: Vec::new(),
            last_reporter: false,
        }
    }

    /// Whether anybody listens.
    pub(crate) fn is_listened(&self) -> bool {
        self.own || !self.listeners.is_empty()
    }

    /// The interface's filter for the group (RFC 3376 section 3.2).
    pub(crate) fn filter(&self) -> SourceFilter {
        if self.own {
            return SourceFilter::ALL;
        }
        SourceFilter::merged(&self.listeners.iter().map(|listener| &listener.filter))
    }

    /// The sockets on `port` that listen.
    pub(crate) fn listeners(&self, port: u16) -> &[Listener] {
        let start = self.listeners.partition_point(|listener| listener.port < port);
        let end = self.listeners.partition_point(|listener| listener.port <= port);
        self.listeners.get(start..end).unwrap_or_default()
    }

    /// How many sockets listen.
    pub(crate) fn listeners_len(&self) -> usize {
        self.listeners.len()
    }

    fn position(&self, port: u16, socket: UdpHandle) -> Result<usize, usize> {
        self.listeners.binary_search_by_key(&(port, socket), |listener| (listener.port, listener.socket))
    }

    /// The filter of a socket that listens.
    pub(crate) fn filter_of(&self, port: u16, socket: UdpHandle) -> Option<&SourceFilter> {
        self.listeners.get(self.position(port, socket).ok()?).map(|listener| &listener.filter)
    }

    /// Sets a socket's filter; returns the one that it had.
    pub(super) fn set(&mut self, port: u16, socket: UdpHandle, filter: SourceFilter) -> SourceFilter {
        match self.position(port, socket) {
            Ok(at) if filter.is_none() => self.listeners.remove(at).filter,
            Ok(at) => match self.listeners.get_mut(at) {
                Some(listener) => core::mem::replace(&mut listener.filter, filter),
                None => SourceFilter::NONE,
            },
            Err(at) => {
                if !filter.is_none() {
                    self.listeners.insert(at, Listener { port, socket, filter });
                }
                SourceFilter::NONE
            }
        }
    }

    /// Notes what routers are to be told after the filter has changed (RFC 3376 section 5.1), in
    /// `robustness` reports. Beyond `most` sources the whole filter is told instead.
    pub(super) fn owe_change(&mut self, before: &SourceFilter, after: &SourceFilter, robustness: u8, most: usize) {
        if before.mode() != after.mode() {
            self.mode_reports = robustness;
            self.changed.clear();
            return;
        }
        for source in before.differences(after) {
            self.changed.retain(|(other, _)| *other != source);
            self.changed.push((source, robustness));
        }
        if self.changed.len() > most {
            self.mode_reports = robustness;
            self.changed.clear();
        }
    }

    /// Whether another report about a change is owed.
    pub(super) fn owes_change(&self) -> bool {
        self.mode_reports > 0 || !self.changed.is_empty()
    }

    /// The records of the next report about a change, which is thereby counted as sent (RFC 3376
    /// section 5.1, the two tables at its end).
    pub(super) fn take_change(&mut self) -> Vec<GroupRecord> {
        let filter = self.filter();
        let mut records = Vec::new();
        if self.mode_reports > 0 {
            self.mode_reports -= 1;
            let kind = match filter.mode() {
                FilterMode::Include => RecordKind::ToInclude,
                FilterMode::Exclude => RecordKind::ToExclude,
            };
            records.push(GroupRecord { kind, group: self.address, sources: filter.sources().to_vec() });
        } else {
            for (kind, wanted) in [(RecordKind::Allow, true), (RecordKind::Block, false)] {
                let told = self.changed.iter().map(|(source, _)| *source);
                let sources: Vec<IpAddr> = told.filter(|source| filter.accepts(*source) == wanted).collect();
                if !sources.is_empty() {
                    records.push(GroupRecord { kind, group: self.address, sources });
                }
            }
        }
        for (_, left) in &mut self.changed {
            *left = left.saturating_sub(1);
        }
        self.changed.retain(|(_, left)| *left > 0);
        records
    }

    /// Notes that a query has asked about the group, or about `sources` of it, and schedules the answer
    /// (RFC 3376 section 5.2, rules 3 to 5). Beyond `most` sources all of the group is told.
    pub(super) fn owe_response(&mut self, due: Instant, sources: impl Iterator<Item = IpAddr>, most: usize) {
        let pending = self.response_due.is_some();
        self.response_due = Some(self.response_due.map_or(due, |earlier| earlier.min(due)));
        if pending && self.asked.is_empty() {
            return;
        }
        let before = self.asked.len();
        for source in sources {
            if self.asked.len() > most {
                break;
            }
            if !self.asked.contains(&source) {
                self.asked.push(source);
            }
        }
        let about_all = self.asked.len() == before && before == 0;
        if about_all || self.asked.len() > most {
            self.asked.clear();
        }
    }

    /// The whole group is asked about, whatever sources were before (rule 4).
    pub(super) fn owe_whole_response(&mut self, due: Instant) {
        self.asked.clear();
        self.owe_response(due, core::iter::empty(), 0);
    }

    /// The current-state record of an answer; `None` if there is nothing to tell.
    pub(super) fn take_response(&mut self) -> Option<GroupRecord> {
        self.response_due = None;
        let asked = core::mem::take(&mut self.asked);
        let filter = self.filter();
        if filter.is_none() {
            return None;
        }
        if asked.is_empty() {
            return Some(self.current_state());
        }
        let sources: Vec<IpAddr> = asked.into_iter().filter(|source| filter.accepts(*source)).collect();
        (!sources.is_empty()).then_some(GroupRecord { kind: RecordKind::IsInclude, group: self.address, sources })
    }

    /// The current-state record of the whole group.
    pub(super) fn current_state(&self) -> GroupRecord {
        let filter = self.filter();
        let kind = match filter.mode() {
            FilterMode::Include => RecordKind::IsInclude,
            FilterMode::Exclude => RecordKind::IsExclude,
        };
        GroupRecord { kind, group: self.address, sources: filter.sources().to_vec() }
    }

    /// Nothing is owed any more, neither an answer nor a repetition (RFC 3376 section 7.2.1).
    pub(super) fn cancel(&mut self) {
        self.mode_reports = 0;
        self.changed.clear();
        self.change_due = None;
        self.response_due = None;
        self.asked.clear();
    }

    pub(super) fn digest(&self, digest: &mut Digest) {
        digest.address(self.address);
        digest.bool(self.own);
        digest.count(self.listeners.len());
        for listener in &self.listeners {
            digest.u16(listener.port);
            digest.handle(listener.socket);
            listener.filter.digest(digest);
        }
        digest.u8(self.mode_reports);
        digest.count(self.changed.len());
        for (source, left) in &self.changed {
            digest.address(*source);
            digest.u8(*left);
        }
        digest.option(self.change_due, Digest::instant);
        digest.option(self.response_due, Digest::instant);
        digest.count(self.asked.len());
        for source in &self.asked {
            digest.address(*source);
        }
        digest.bool(self.last_reporter);
    }
}
