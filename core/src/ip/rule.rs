//! Policy rules: which tables a packet's way is looked for in.

use alloc::vec::Vec;
use core::net::IpAddr;

use super::address;
use super::route::Query;
use crate::digest::Digest;
use crate::link::InterfaceId;

/// A policy rule. It names a table for the packets that fit all that it asks for; with nothing asked for,
/// for all. If the table has no route for a packet, the next rule that fits is followed, and after the
/// last one the main table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Rule {
    /// Rules are followed from the smallest priority to the largest.
    pub priority: u32,
    /// The packet's source address lies in this prefix. A packet whose source is still to be chosen fits none.
    pub source: Option<(IpAddr, u8)>,
    /// The socket is bound to this interface, or the forwarded packet came in on it.
    pub interface: Option<InterfaceId>,
    /// The socket has this mark.
    pub mark: Option<u32>,
    /// The table to look in.
    pub table: u32,
}

impl Rule {
    /// A rule for all packets.
    pub const fn new(priority: u32, table: u32) -> Rule {
        Rule { priority, source: None, interface: None, mark: None, table }
    }

    /// Whether the prefix fits its family.
    pub(crate) fn is_valid(&self) -> bool {
        self.source.is_none_or(|(prefix, len)| len <= if prefix.is_ipv4() { 32 } else { 128 })
    }

    fn fits(&self, query: &Query) -> bool {
        let source = |(prefix, len)| query.src.is_some_and(|src| address::contains(prefix, len, src));
        let interface = |interface| query.interface == Some(interface) || query.arrived_on == Some(interface);
        self.source.is_none_or(source)
            && self.interface.is_none_or(interface)
            && self.mark.is_none_or(|mark| mark == query.mark)
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.u32(self.priority);
        digest.option(self.source, |digest, (prefix, len)| {
            digest.address(prefix);
            digest.u8(len);
        });
        digest.option(self.interface, |digest, interface| digest.u16(interface.0));
        digest.option(self.mark, Digest::u32);
        digest.u32(self.table);
    }
}

/// The rules, in the order in which they are followed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules(Vec<Rule>);

impl Rules {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.0.iter()
    }

    pub(crate) fn contains(&self, rule: &Rule) -> bool {
        self.0.contains(rule)
    }

    /// Of one priority the first added comes first.
    pub(super) fn add(&mut self, rule: Rule) {
        self.0.insert(self.0.partition_point(|other| other.priority <= rule.priority), rule);
    }

    pub(super) fn remove(&mut self, rule: &Rule) -> bool {
        let before = self.0.len();
        self.0.retain(|other| other != rule);
        self.0.len() < before
    }

    /// Drops the rules about an interface that is gone.
    pub(crate) fn forget(&mut self, interface: InterfaceId) {
        self.0.retain(|rule| rule.interface != Some(interface));
    }

    pub(super) fn tables_for(&self, query: &Query) -> impl Iterator<Item = u32> {
        self.0.iter().filter(|rule| rule.fits(query)).map(|rule| rule.table)
    }
}
