//! The name servers and search domains that routers have told (RFC 8106).

use alloc::vec::Vec;
use core::net::Ipv6Addr;

use super::lifetime;
use super::routers::PROBATION;
use crate::digest::Digest;
use crate::time::Instant;
use crate::wire::domain_name::DomainName;

/// Something that a router has told, and until when it may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told<T> {
    pub(crate) value: T,
    router: Ipv6Addr,
    learned: Instant,
    /// `None` for ever.
    until: Option<Instant>,
}

/// A bounded list of things told, in the order of their coming.
#[derive(Clone, Debug)]
pub(crate) struct ToldList<T>(Vec<Told<T>>);

impl<T> Default for ToldList<T> {
    fn default() -> ToldList<T> {
        ToldList(Vec::new())
    }
}

/// What one option has changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) changed: bool,
    /// Values for which there was no place.
    pub(crate) refused: u64,
}

impl<T: PartialEq> ToldList<T> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|told| &told.value)
    }

    /// RFC 8106 section 6.2: new ones are added, known ones get their new lifetime, and one of 0 ends them.
    /// Where there is no room, the oldest of a router that is not trusted goes.
    pub(crate) fn tell(
        &mut self,
        now: Instant,
        router: Ipv6Addr,
        seconds: u32,
        values: impl Iterator<Item = T>,
        max: usize,
        is_trusted: impl Fn(Ipv6Addr) -> bool,
    ) -> Change {
        let mut change = Change::default();
        for value in values {
            let known = self.0.iter().position(|told| told.value == value);
            match (known, seconds) {
                (Some(at), 0) => {
                    self.0.remove(at);
                    change.changed = true;
                }
                (Some(at), _) => {
                    if let Some(told) = self.0.get_mut(at) {
                        told.until = lifetime::end(now, seconds);
                    }
                }
                (None, 0) => {}
                (None, _) => {
                    if self.0.len() >= max {
                        let replaceable =
                            |told: &Told<T>| now.since(told.learned) >= PROBATION && !is_trusted(told.router);
                        let Some(at) = self.0.iter().position(replaceable) else {
                            change.refused += 1;
                            continue;
                        };
                        self.0.remove(at);
                    }
                    self.0.push(Told { value, router, learned: now, until: lifetime::end(now, seconds) });
                    change.changed = true;
                }
            }
        }
        change
    }

    pub(crate) fn expire(&mut self, now: Instant) -> bool {
        let before = self.0.len();
        self.0.retain(|told| !lifetime::is_over(told.until, now));
        self.0.len() < before
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.0.iter().filter_map(|told| told.until).min()
    }

    fn digest(&self, digest: &mut Digest, value: impl Fn(&mut Digest, &T)) {
        digest.count(self.0.len());
        for told in &self.0 {
            value(digest, &told.value);
            digest.address(told.router.into());
            digest.instant(told.learned);
            digest.option(told.until, Digest::instant);
        }
    }
}

/// What the routers of one link have told about names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Resolvers {
    pub(crate) servers: ToldList<Ipv6Addr>,
    pub(crate) domains: ToldList<DomainName>,
}

impl Resolvers {
    /// What is over goes; whether there was anything.
    pub(crate) fn expire(&mut self, now: Instant) -> bool {
        let servers = self.servers.expire(now);
        self.domains.expire(now) || servers
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        lifetime::earlier(self.servers.deadline(), self.domains.deadline())
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        self.servers.digest(digest, |digest, server| digest.address((*server).into()));
        self.domains.digest(digest, |digest, domain| digest.counted(domain.as_str().as_bytes()));
    }
}
