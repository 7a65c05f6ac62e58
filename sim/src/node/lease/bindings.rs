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
    of: BTreeMap<u32, Binding>,
}

impl Bindings {
    pub(super) fn new([first, last]: [Ipv4Addr; 2], kept: &[Option<Ipv4Addr>]) -> Bindings {
        let first = first.to_bits();
        let last = last.to_bits().min(first.saturating_add(POOL_MAX as u32 - 1));
        let kept = kept.iter().flatten().map(|address| address.to_bits()).collect();
        Bindings { pool: first..=last, kept, of: BTreeMap::new() }
    }

    fn is_given(&self, address: u32) -> bool {
        self.pool.contains(&address) && !self.kept.contains(&address)
    }

    /// Whether an address of the pool is nobody's at `now`.
    pub(super) fn is_free(&self, now: Instant, address: Ipv4Addr) -> bool {
        let address = address.to_bits();
        self.is_given(address) && self.of.get(&address).is_none_or(|binding| binding.is_over(now))
    }

    /// Whether an address, of the pool or not, is nobody's, and there is room to remember whose it is then.
    pub(super) fn may_take_over(&self, now: Instant, address: Ipv4Addr) -> bool {
        let address = address.to_bits();
        let free = self.of.get(&address).map_or(self.of.len() < 2 * POOL_MAX, |binding| binding.is_over(now));
        free && !self.kept.contains(&address)
    }

    /// Whether an address is, was or is offered to be a client's.
    pub(super) fn is_of(&self, address: Ipv4Addr, client: &[u8]) -> bool {
        self.of.get(&address.to_bits()).is_some_and(|binding| binding.client == client)
    }

    /// Whether a client has an address at `now`, or had it last.
    pub(super) fn has_had(&self, address: Ipv4Addr, client: &[u8]) -> bool {
        self.of.get(&address.to_bits()).is_some_and(|own| own.client == client && !own.offered)
    }

    /// Whether a client has any address at `now`.
    pub(super) fn has_any(&self, now: Instant, client: &[u8]) -> bool {
        self.of.values().any(|own| own.client == client && !own.offered && !own.is_over(now))
    }

    /// The address to be offered to a client (RFC 2131 section 4.3.1).
    pub(super) fn choose(&self, now: Instant, client: &[u8], wish: Option<Ipv4Addr>) -> Option<Ipv4Addr> {
        let mut own = self.of.iter().filter(|(_, binding)| binding.client == client);
        let own = own.next().map(|(address, _)| Ipv4Addr::from_bits(*address));
        let wish = wish.filter(|wish| self.is_free(now, *wish));
        own.or(wish).or_else(|| {
            let new = self.pool.clone().find(|address| self.is_given(*address) && !self.of.contains_key(address));
            let over = self.of.iter().filter(|(address, binding)| self.is_given(**address) && binding.is_over(now));
            let longest = || over.min_by_key(|(_, binding)| binding.ends).map(|(address, _)| *address);
            new.or_else(longest).map(Ipv4Addr::from_bits)
        })
    }

    /// An address is kept for a client until it has answered; a lease that it has goes on.
    pub(super) fn offer(&mut self, address: Ipv4Addr, client: Vec<u8>, now: Instant, until: Instant) {
        let has = self.of.get(&address.to_bits()).is_some_and(|own| own.client == client && !own.is_over(now));
        if !has {
            self.of.insert(address.to_bits(), Binding { client, offered: true, ends: Some(until) });
        }
    }

    /// A client has taken the offer of another server.
    pub(super) fn withdraw_offer(&mut self, client: &[u8]) {
        self.of.retain(|_, binding| !(binding.offered && binding.client == client));
    }

    /// An address is a client's until `ends`, and no other is.
    pub(super) fn lease(&mut self, address: Ipv4Addr, client: Vec<u8>, ends: Option<Instant>) {
        if !client.is_empty() {
            self.of.retain(|_, binding| binding.client != client);
        }
        self.of.insert(address.to_bits(), Binding { client, offered: false, ends });
    }

    /// A client gives an address back. Returns whether it had it.
    pub(super) fn release(&mut self, address: Ipv4Addr, client: &[u8], now: Instant) -> bool {
        let own = self.of.get_mut(&address.to_bits()).filter(|own| own.client == client && !own.offered);
        own.is_some_and(|own| {
            let had = !own.is_over(now);
            own.ends = Some(now);
            had
        })
    }
}
