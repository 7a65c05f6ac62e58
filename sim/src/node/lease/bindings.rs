//! Who has which address, and until when.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

use tickwire_core::Instant;

/// Addresses that are remembered, at most: so many of a pool, and so many beside it.
pub(super) const POOL_MAX: usize = 4_096;

/// An address that somebody has, had, or is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Binding {
    /// Whose it is; nobody's if it was found to be in use.
    client: Vec<u8>,
    /// Offered only.
    offered: bool,
    /// Until when; `None` for ever.
    ends: Option<Instant>,
}

impl Binding {
    fn is_over(&self, now: Instant) -> bool {
        self.ends.is_some_and(|ends| ends <= now)
    }
}

/// The addresses of a pool, and who has them. One that was somebody's stays recorded as his until there is no other
/// to give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bindings {
    pool: RangeInclusive<u32>,
    /// Those of the pool that are not given: the server's and the router's.
    kept: Vec<u32>,
    /// Those of the pool.
    given: BTreeMap<u32, Binding>,
    /// Those that were taken over from other servers.
    beside: BTreeMap<u32, Binding>,
    /// The address of each client: it has one.
    by_client: BTreeMap<Vec<u8>, u32>,
}

impl Bindings {
    pub(super) fn new([first, last]: [Ipv4Addr; 2], kept: &[Option<Ipv4Addr>]) -> Bindings {
        let first = first.to_bits();
        let last = last.to_bits().min(first.saturating_add(POOL_MAX as u32 - 1));
        let kept = kept.iter().flatten().map(|address| address.to_bits()).collect();
        let (given, beside) = (BTreeMap::new(), BTreeMap::new());
        Bindings { pool: first..=last, kept, given, beside, by_client: BTreeMap::new() }
    }

    fn is_given(&self, address: u32) -> bool {
        self.pool.contains(&address) && !self.kept.contains(&address)
    }

    fn binding(&self, address: u32) -> Option<&Binding> {
        self.given.get(&address).or_else(|| self.beside.get(&address))
    }

    /// Where an address is recorded.
    fn record(&mut self, address: u32) -> &mut BTreeMap<u32, Binding> {
        if self.pool.contains(&address) { &mut self.given } else { &mut self.beside }
    }

    /// What a client has, had or is offered.
    fn own(&self, client: &[u8]) -> Option<(u32, &Binding)> {
        let address = *self.by_client.get(client)?;
        Some((address, self.binding(address)?))
    }

    /// Whether an address of the pool is nobody's at `now`.
    pub(super) fn is_free(&self, now: Instant, address: Ipv4Addr) -> bool {
        let address = address.to_bits();
        self.is_given(address) && self.given.get(&address).is_none_or(|binding| binding.is_over(now))
    }

    /// Whether an address, of the pool or not, is nobody's, and there is room to remember whose it is then.
    pub(super) fn may_take_over(&self, now: Instant, address: Ipv4Addr) -> bool {
        let address = address.to_bits();
        let has_room = || self.pool.contains(&address) || self.beside.len() < POOL_MAX;
        !self.kept.contains(&address) && self.binding(address).map_or_else(has_room, |binding| binding.is_over(now))
    }

    /// Whether an address is, was or is offered to be a client's.
    pub(super) fn is_of(&self, address: Ipv4Addr, client: &[u8]) -> bool {
        self.by_client.get(client) == Some(&address.to_bits())
    }

    /// Whether a client has an address at `now`, or had it last.
    pub(super) fn has_had(&self, address: Ipv4Addr, client: &[u8]) -> bool {
        self.own(client).is_some_and(|(own, binding)| own == address.to_bits() && !binding.offered)
    }

    /// Whether a client has any address at `now`.
    pub(super) fn has_any(&self, now: Instant, client: &[u8]) -> bool {
        self.own(client).is_some_and(|(_, binding)| !binding.offered && !binding.is_over(now))
    }

    /// The address to be offered to a client (RFC 2131 section 4.3.1).
    pub(super) fn choose(&self, now: Instant, client: &[u8], wish: Option<Ipv4Addr>) -> Option<Ipv4Addr> {
        let own = self.by_client.get(client).map(|address| Ipv4Addr::from_bits(*address));
        let wish = wish.filter(|wish| self.is_free(now, *wish));
        own.or(wish).or_else(|| {
            // Both go up: the first that is not the next on record is not on it.
            let mut recorded = self.given.keys();
            let new = self.pool.clone().find(|address| self.is_given(*address) && recorded.next() != Some(address));
            let over = self.given.iter().filter(|(_, binding)| binding.is_over(now));
            let longest = || over.min_by_key(|(_, binding)| binding.ends).map(|(address, _)| *address);
            new.or_else(longest).map(Ipv4Addr::from_bits)
        })
    }

    /// An address is kept for a client until it has answered the last offer; a lease that it has goes on.
    pub(super) fn offer(&mut self, address: Ipv4Addr, client: Vec<u8>, now: Instant, until: Instant) {
        if !(self.is_of(address, &client) && self.has_any(now, &client)) {
            self.bind(address.to_bits(), Binding { client, offered: true, ends: Some(until) });
        }
    }

    /// A client has taken the offer of another server.
    pub(super) fn withdraw_offer(&mut self, client: &[u8]) {
        if let Some((address, Binding { offered: true, .. })) = self.own(client) {
            self.record(address).remove(&address);
            self.by_client.remove(client);
        }
    }

    /// An address is a client's until `ends`, and no other is.
    pub(super) fn lease(&mut self, address: Ipv4Addr, client: Vec<u8>, ends: Option<Instant>) {
        self.bind(address.to_bits(), Binding { client, offered: false, ends });
    }

    /// Records an address as a client's: whoever had it has none, and what the client had is nobody's.
    fn bind(&mut self, address: u32, binding: Binding) {
        let client = binding.client.clone();
        if let Some(before) = self.record(address).insert(address, binding) {
            self.by_client.remove(&before.client);
        }
        if client.is_empty() {
            return;
        }
        if let Some(other) = self.by_client.insert(client, address) {
            self.record(other).remove(&other);
        }
    }

    /// A client gives an address back. Returns whether it had it.
    pub(super) fn release(&mut self, address: Ipv4Addr, client: &[u8], now: Instant) -> bool {
        if !self.has_had(address, client) {
            return false;
        }
        let address = address.to_bits();
        let own = self.record(address).get_mut(&address);
        own.is_some_and(|own| {
            let had = !own.is_over(now);
            own.ends = Some(now);
            had
        })
    }
}
