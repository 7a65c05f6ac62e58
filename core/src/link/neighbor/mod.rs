//! The neighbor cache of one interface, for ARP and Neighbor Discovery alike: the states of
//! RFC 4861 section 7.3.2. What waits for a neighbor that is not resolved yet is parked (`park`).
//!
//! What strangers send can neither take an entry over nor push one out that is in use: `contest` asks
//! the hardware address that we know before it believes another, `evict` chooses what has to go.
//! Questions and the digest are in `inspect`.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::IpAddr;
use smallvec::SmallVec;

use crate::config::Limits;
use crate::ip::packet::Packet;
use crate::keyed::{HashKey, KeyedMap};
use crate::rng::RandomStream;
use crate::socket::TcpHandle;
use crate::time::{Duration, Instant};
use crate::wire::ethernet::EthernetAddress;

mod contest;
mod evict;
mod inspect;
mod park;

pub(crate) use park::Waiting;

/// Between solicitations, where no router says otherwise (RFC 4861 section 10, `RETRANS_TIMER`).
pub(crate) const RETRANS_TIMER: Duration = Duration::from_secs(1);
/// Solicitations before a neighbor counts as unreachable (RFC 4861 section 10, `MAX_MULTICAST_SOLICIT`, `MAX_UNICAST_SOLICIT`).
const MAX_SOLICIT: u8 = 3;
/// Between the solicitations of an unreachable neighbor, at most (RFC 7048 section 5, `MAX_RETRANS_TIMER`).
const MAX_RETRANS_TIMER: Duration = Duration::from_mins(1);
/// By how much that time grows (RFC 7048 section 5, `BACKOFF_MULTIPLE`).
const BACKOFF_MULTIPLE: u32 = 3;
/// How long a confirmation holds, where no router says otherwise (RFC 4861 section 10, `REACHABLE_TIME`).
const REACHABLE_TIME: Duration = Duration::from_secs(30);
/// How long upper layers are given to confirm a stale neighbor (RFC 4861 section 10, `DELAY_FIRST_PROBE_TIME`).
const DELAY_FIRST_PROBE_TIME: Duration = Duration::from_secs(5);
/// Solicitations of the address that we know, before another's claim to be that neighbor is believed.
const CONFIRM_SOLICIT: u8 = 2;
/// Between these, and after the last.
const CONFIRM_TIMER: Duration = Duration::from_millis(500);
/// For so long after a confirmation, no other hardware address is even considered.
const TRUST_TIME: Duration = Duration::from_secs(1);
/// An entry that a socket of ours has used within this time is not evicted.
const IN_USE_TIME: Duration = REACHABLE_TIME;
/// The state of an entry (RFC 4861 section 7.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NeighborState {
    /// Being resolved: the hardware address is not known yet.
    Incomplete,
    /// Confirmed less than the reachable time ago.
    Reachable,
    /// Known, unconfirmed for long; used, and probed soon after use.
    Stale,
    /// Used while stale: waiting for a hint from the upper layer before probing.
    Delay,
    /// Being probed by unicast solicitations.
    Probe,
    /// Set by a command: neither probed nor replaced nor evicted.
    Permanent,
    /// It did not answer (RFC 7048): still used, and asked for by multicast, ever more rarely.
    Unreachable,
}

/// An entry of the cache: a slot and the generation that tells a reused slot from its predecessor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NeighborId {
    slot: u16,
    generation: u32,
}

/// On whose behalf a neighbor is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A socket of ours.
    Local,
    /// An answer to a remote host.
    Answer,
}

/// What a lookup found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resolution {
    /// The hardware address; `started` if the look-up has set a deadline.
    Known { hardware: EthernetAddress, started: Option<NeighborId> },
    /// Not known: park on this entry.
    Unresolved(NeighborId),
    /// The cache is full of neighbors that must not be evicted.
    Full,
}

/// A solicitation to send: to everybody, or to the one address that is to be confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Solicit {
    pub(crate) target: IpAddr,
    pub(crate) unicast: Option<EthernetAddress>,
}

/// What follows from what a neighbor has told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Learned {
    /// The hardware address is the entry's.
    pub(crate) accepted: bool,
    /// What had been waiting on the entry.
    pub(crate) waiting: Waiting,
    /// A solicitation that is due.
    pub(crate) solicit: Option<(NeighborId, Solicit)>,
}

#[derive(Clone, Debug)]
struct Neighbor {
    address: IpAddr,
    generation: u32,
    state: NeighborState,
    /// Meaningful in every state but INCOMPLETE.
    hardware: EthernetAddress,
    /// Until when a REACHABLE entry is so; judged on use.
    reachable_until: Instant,
    /// It has been REACHABLE with this hardware address, and has answered since whenever it was asked.
    confirmed: Option<Instant>,
    solicited: u8,
    /// When DELAY ends, or the next solicitation is due.
    due: Option<Instant>,
    /// The heap entry that stands for this neighbor.
    armed: Option<Instant>,
    /// When it was last looked up in order to send to it.
    used_at: Option<Instant>,
    /// Looked up since it was last solicited while UNREACHABLE.
    used: bool,
    /// A hardware address that somebody else claims the neighbor to have, while the one that we know is
    /// asked whether it is still there.
    contender: Option<EthernetAddress>,
    origin: Origin,
    sockets: SmallVec<[TcpHandle; 4]>,
    packets: VecDeque<Packet>,
}

impl Neighbor {
    /// The hardware address that we know has shown that it is there.
    fn on_confirmed(&mut self, now: Instant, reachable_until: Instant) {
        if self.state != NeighborState::Permanent {
            self.state = NeighborState::Reachable;
        }
        self.confirmed = Some(now);
        self.reachable_until = reachable_until;
        self.solicited = 0;
        self.due = None;
        self.contender = None;
    }
}

/// The cache.
#[derive(Clone)]
pub(crate) struct NeighborCache {
    slots: Vec<Option<Neighbor>>,
    free: Vec<u16>,
    index: KeyedMap<IpAddr, u16>,
    /// The one last sent to: it is looked at before anything is hashed.
    last: Option<NeighborId>,
    /// The slot that was evicted last.
    hand: usize,
    generation: u32,
    /// Entries with parked packets, oldest first; apart for local sockets and for answers.
    parked_local: VecDeque<NeighborId>,
    parked_answers: VecDeque<NeighborId>,
    evicted: Evicted,
    contested: u64,
    /// What routers say of IPv6 neighbors.
    retrans_timer: Duration,
    reachable_time: ReachableTime,
}

/// How long a confirmation of an IPv6 neighbor holds (RFC 4861 section 6.3.2).
#[derive(Clone, Copy, Debug)]
struct ReachableTime {
    /// `BaseReachableTime`; `None` while no router has told one.
    base: Option<Duration>,
    /// `ReachableTime`: half to one and a half times the base.
    random: Duration,
}

impl Neighbor {
    /// Something is sent to it.
    #[inline]
    fn on_used(&mut self, now: Instant, origin: Origin) {
        self.used_at = Some(now);
        self.used = true;
        if origin == Origin::Local {
            self.origin = origin;
        }
    }
}

/// What had to go for newer entries.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evicted {
    pub(crate) neighbors: u64,
    /// Packets that were waiting for them.
    pub(crate) packets: usize,
    /// Connections that were waiting for them, opened by strangers.
    pub(crate) sockets: Vec<TcpHandle>,
}

impl NeighborCache {
    pub(crate) fn new(key: HashKey) -> NeighborCache {
        NeighborCache {
            slots: Vec::new(),
            free: Vec::new(),
            index: KeyedMap::new(key),
            last: None,
            hand: 0,
            generation: 0,
            parked_local: VecDeque::new(),
            parked_answers: VecDeque::new(),
            evicted: Evicted::default(),
            contested: 0,
            retrans_timer: RETRANS_TIMER,
            reachable_time: ReachableTime { base: None, random: REACHABLE_TIME },
        }
    }

    /// Sets the time between solicitations of IPv6 neighbors (`RetransTimer`).
    pub(crate) fn set_retrans_timer(&mut self, retrans_timer: Duration) {
        self.retrans_timer = retrans_timer;
    }

    /// Sets the base of the reachable time of IPv6 neighbors; a new random time follows from a new base
    /// (RFC 4861 section 6.3.4).
    pub(crate) fn set_base_reachable_time(&mut self, base: Duration, random: &mut RandomStream) {
        if self.reachable_time.base != Some(base) {
            let random = base / 2 + (base / (1 << 16)) * random.below(1 << 16);
            self.reachable_time = ReachableTime { base: Some(base), random };
        }
    }

    /// `RetransTimer`, as routers say or by default.
    pub(crate) fn ipv6_retrans_timer(&self) -> Duration {
        self.retrans_timer
    }

    fn retrans_timer(&self, address: IpAddr) -> Duration {
        if address.is_ipv6() { self.retrans_timer } else { RETRANS_TIMER }
    }

    fn reachable_until(&self, now: Instant, address: IpAddr) -> Instant {
        now + if address.is_ipv6() { self.reachable_time.random } else { REACHABLE_TIME }
    }

    /// Whether a neighbor is in use or has been found reachable: what it says of itself displaces others.
    pub(crate) fn is_trusted(&self, address: IpAddr) -> bool {
        let slot = self.index.get(&address).and_then(|&slot| self.slots.get(slot as usize)?.as_ref());
        slot.is_some_and(|neighbor| neighbor.confirmed.is_some() || neighbor.state == NeighborState::Delay)
    }

    /// Starts to ask a neighbor whether it is reachable, if it is known and nobody asks yet.
    pub(crate) fn probe(&mut self, now: Instant, address: IpAddr) -> Option<(NeighborId, Solicit)> {
        let id = self.find(address)?;
        let neighbor = self.entry(id).filter(|neighbor| neighbor.state == NeighborState::Stale)?;
        neighbor.state = NeighborState::Probe;
        neighbor.solicited = 0;
        self.solicit(now, id).map(|solicit| (id, solicit))
    }

    /// Forgets a neighbor that nobody has used.
    pub(crate) fn forget_unused(&mut self, address: IpAddr) {
        let Some(id) = self.find(address) else { return };
        if self.entry(id).is_some_and(|neighbor| neighbor.state == NeighborState::Stale && neighbor.used_at.is_none()) {
            self.remove(id);
        }
    }

    /// Whether the entry is UNREACHABLE.
    pub(crate) fn is_unreachable(&self, id: NeighborId) -> bool {
        let slot = self.slots.get(id.slot as usize).and_then(Option::as_ref);
        slot.is_some_and(|entry| entry.generation == id.generation && entry.state == NeighborState::Unreachable)
    }

    /// The address of an entry.
    pub(crate) fn address(&self, id: NeighborId) -> Option<IpAddr> {
        let neighbor = self.slots.get(id.slot as usize)?.as_ref()?;
        (neighbor.generation == id.generation).then_some(neighbor.address)
    }

    fn entry(&mut self, id: NeighborId) -> Option<&mut Neighbor> {
        self.slots.get_mut(id.slot as usize)?.as_mut().filter(|neighbor| neighbor.generation == id.generation)
    }

    /// As [`NeighborCache::find`], where the same neighbor is to be expected again.
    fn find_again(&mut self, address: IpAddr) -> Option<NeighborId> {
        if let Some(last) = self.last
            && self.entry(last).is_some_and(|neighbor| neighbor.address == address)
        {
            return Some(last);
        }
        self.last = self.find(address);
        self.last
    }

    fn find(&self, address: IpAddr) -> Option<NeighborId> {
        let slot = *self.index.get(&address)?;
        let generation = self.slots.get(slot as usize)?.as_ref()?.generation;
        Some(NeighborId { slot, generation })
    }

    /// The hardware address of a neighbor that can be sent to without further ado: all that is to be done
    /// for nearly every packet.
    #[inline]
    pub(crate) fn reachable(&mut self, now: Instant, address: IpAddr, origin: Origin) -> Option<EthernetAddress> {
        let neighbor = self.entry(self.last?).filter(|neighbor| neighbor.address == address)?;
        match neighbor.state {
            NeighborState::Reachable if neighbor.reachable_until <= now => return None,
            NeighborState::Reachable | NeighborState::Delay | NeighborState::Probe | NeighborState::Permanent => {}
            NeighborState::Incomplete | NeighborState::Stale | NeighborState::Unreachable => return None,
        }
        neighbor.on_used(now, origin);
        Some(neighbor.hardware)
    }

    /// Looks `address` up in order to send to it. The first lookup of an unknown neighbor, and the
    /// first use of a stale one, start what the RFC asks for; a solicitation that is due is returned.
    pub(crate) fn resolve(
        &mut self,
        now: Instant,
        address: IpAddr,
        origin: Origin,
        limits: &Limits,
    ) -> (Resolution, Option<Solicit>) {
        let Some(id) = self.find_again(address) else {
            return match self.insert(
                address,
                NeighborState::Incomplete,
                EthernetAddress::UNSPECIFIED,
                now,
                origin,
                limits,
            ) {
                Some(id) => (Resolution::Unresolved(id), self.solicit(now, id)),
                None => (Resolution::Full, None),
            };
        };
        let Some(neighbor) = self.entry(id) else { return (Resolution::Full, None) };
        neighbor.on_used(now, origin);
        if neighbor.state == NeighborState::Reachable && neighbor.reachable_until <= now {
            neighbor.state = NeighborState::Stale;
        }
        match neighbor.state {
            NeighborState::Incomplete => (Resolution::Unresolved(id), None),
            NeighborState::Stale => {
                neighbor.state = NeighborState::Delay;
                neighbor.due = Some(now + DELAY_FIRST_PROBE_TIME);
                (Resolution::Known { hardware: neighbor.hardware, started: Some(id) }, None)
            }
            // RFC 7048 section 3: asked for again only while it is used.
            NeighborState::Unreachable if neighbor.due.is_none() => {
                let hardware = neighbor.hardware;
                (Resolution::Known { hardware, started: Some(id) }, self.solicit(now, id))
            }
            NeighborState::Reachable
            | NeighborState::Delay
            | NeighborState::Probe
            | NeighborState::Unreachable
            | NeighborState::Permanent => (Resolution::Known { hardware: neighbor.hardware, started: None }, None),
        }
    }

    /// Counts a solicitation as sent and sets the time of the next.
    fn solicit(&mut self, now: Instant, id: NeighborId) -> Option<Solicit> {
        let address = self.address(id)?;
        let retrans_timer = self.retrans_timer(address);
        let neighbor = self.entry(id)?;
        neighbor.solicited += 1;
        let mut backoff = 1;
        if neighbor.state == NeighborState::Unreachable {
            backoff = BACKOFF_MULTIPLE.saturating_pow(u32::from(neighbor.solicited.saturating_sub(MAX_SOLICIT)));
            neighbor.used = false;
        }
        let wait = match neighbor.contender {
            Some(_) => CONFIRM_TIMER,
            None => retrans_timer.saturating_mul(backoff).min(MAX_RETRANS_TIMER.max(retrans_timer)),
        };
        neighbor.due = Some(now + wait);
        let unicast = (neighbor.state == NeighborState::Probe).then_some(neighbor.hardware);
        Some(Solicit { target: neighbor.address, unicast })
    }

    fn insert(
        &mut self,
        address: IpAddr,
        state: NeighborState,
        hardware: EthernetAddress,
        now: Instant,
        origin: Origin,
        limits: &Limits,
    ) -> Option<NeighborId> {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None if self.slots.len() < limits.neighbors as usize => {
                self.slots.push(None);
                (self.slots.len() - 1) as u16
            }
            None => self.evict(now)?,
        };
        self.generation = self.generation.wrapping_add(1);
        let neighbor = Neighbor {
            address,
            generation: self.generation,
            state,
            hardware,
            reachable_until: now,
            confirmed: None,
            solicited: 0,
            due: None,
            armed: None,
            used_at: (state == NeighborState::Incomplete).then_some(now),
            used: false,
            contender: None,
            origin,
            sockets: SmallVec::new(),
            packets: VecDeque::new(),
        };
        *self.slots.get_mut(slot as usize)? = Some(neighbor);
        self.index.insert(address, slot);
        Some(NeighborId { slot, generation: self.generation })
    }

    /// What was evicted since the last call.
    pub(crate) fn take_evicted(&mut self) -> Evicted {
        core::mem::take(&mut self.evicted)
    }

    /// Forgets all neighbors but those that commands have set, and gives back what waited for them.
    pub(crate) fn flush(&mut self) -> Waiting {
        let mut all = Waiting::default();
        for (slot, place) in (0..).zip(&mut self.slots) {
            let Some(neighbor) = place.take_if(|neighbor| neighbor.state != NeighborState::Permanent) else { continue };
            self.index.remove(&neighbor.address);
            self.free.push(slot);
            all.sockets.extend(neighbor.sockets);
            all.packets.extend(neighbor.packets);
        }
        self.last = None;
        self.parked_local.clear();
        self.parked_answers.clear();
        all
    }

    /// A solicited answer arrived: the neighbor is REACHABLE (RFC 4861 section 7.2.5), unless it comes
    /// from elsewhere than the neighbor that we know.
    pub(crate) fn confirm(&mut self, now: Instant, address: IpAddr, hardware: EthernetAddress) -> Learned {
        let Some(id) = self.find(address) else { return Learned::default() };
        let reachable_until = self.reachable_until(now, address);
        let Some(neighbor) = self.entry(id) else { return Learned::default() };
        if neighbor.is_live(now) && neighbor.hardware != hardware {
            return self.contest(now, id, hardware);
        }
        neighbor.hardware = hardware;
        neighbor.on_confirmed(now, reachable_until);
        Learned { waiting: self.release(id), accepted: true, solicit: None }
    }

    /// The neighbor told its hardware address without being asked: a request or solicitation of its
    /// own, or a gratuitous announcement. The entry becomes STALE if that is news (RFC 4861 section 7.2.3);
    /// where it is in use, the address that we know is asked first. One that does not exist is made only
    /// if `create`, which a packet addressed to us justifies.
    pub(crate) fn learn(
        &mut self,
        now: Instant,
        address: IpAddr,
        hardware: EthernetAddress,
        create: bool,
        limits: &Limits,
    ) -> Learned {
        let Some(id) = self.find(address) else {
            if create {
                self.insert(address, NeighborState::Stale, hardware, now, Origin::Answer, limits);
            }
            return Learned::default();
        };
        let Some(neighbor) = self.entry(id) else { return Learned::default() };
        if neighbor.is_live(now) && neighbor.hardware != hardware {
            return self.contest(now, id, hardware);
        }
        if neighbor.state == NeighborState::Incomplete || neighbor.hardware != hardware {
            neighbor.hardware = hardware;
            neighbor.state = NeighborState::Stale;
            neighbor.confirmed = None;
            neighbor.solicited = 0;
            neighbor.due = None;
        }
        Learned { waiting: self.release(id), accepted: true, solicit: None }
    }

    /// Somebody told another hardware address without the right to replace ours (RFC 4861 section
    /// 7.2.5, I a): it is used on, and will be probed.
    pub(crate) fn doubt(&mut self, address: IpAddr) {
        let Some(neighbor) = self.find(address).and_then(|id| self.entry(id)) else { return };
        if neighbor.state == NeighborState::Reachable {
            neighbor.state = NeighborState::Stale;
        }
    }

    /// The upper layer made progress through this neighbor (RFC 4861 section 7.3.1).
    pub(crate) fn on_progress(&mut self, now: Instant, address: IpAddr) {
        let Some(id) = self.find_again(address) else { return };
        let reachable_until = self.reachable_until(now, address);
        let Some(neighbor) = self.entry(id) else { return };
        if !matches!(neighbor.state, NeighborState::Incomplete | NeighborState::Permanent) {
            neighbor.on_confirmed(now, reachable_until);
        }
    }

    /// What is to be done at a deadline of the entry: a solicitation, or nothing more.
    pub(crate) fn on_timeout(&mut self, now: Instant, id: NeighborId) -> Expiry {
        let Some(neighbor) = self.entry(id) else { return Expiry::Nothing };
        if neighbor.due.is_none_or(|due| due > now) {
            return Expiry::Nothing;
        }
        if neighbor.state == NeighborState::Delay {
            neighbor.state = NeighborState::Probe;
        }
        if neighbor.contender.is_some() && neighbor.solicited >= CONFIRM_SOLICIT {
            neighbor.give_way();
            return Expiry::Moved;
        }
        if neighbor.solicited < MAX_SOLICIT {
            return self.solicit(now, id).map_or(Expiry::Nothing, Expiry::Solicit);
        }
        // RFC 7048 section 3: an IPv6 neighbor that has been known is not given up so soon.
        let known = neighbor.state != NeighborState::Incomplete;
        if known && neighbor.address.is_ipv6() && neighbor.solicited < 2 * MAX_SOLICIT {
            let fresh = neighbor.state == NeighborState::Probe;
            neighbor.state = NeighborState::Unreachable;
            neighbor.confirmed = None;
            if fresh || neighbor.used {
                return self.solicit(now, id).map_or(Expiry::Nothing, Expiry::Solicit);
            }
            neighbor.due = None;
            return Expiry::Nothing;
        }
        let address = neighbor.address;
        Expiry::Failed(address, self.remove(id))
    }

    /// Removes an entry; returns what waited for it.
    fn remove(&mut self, id: NeighborId) -> Waiting {
        let Some(address) = self.entry(id).map(|neighbor| neighbor.address) else { return Waiting::default() };
        let waiting = self.release(id);
        self.index.remove(&address);
        if let Some(slot) = self.slots.get_mut(id.slot as usize) {
            *slot = None;
            self.free.push(id.slot);
        }
        waiting
    }

    /// The entry's deadline; `None` also for an entry that is gone.
    pub(crate) fn deadline(&self, id: NeighborId) -> Option<Instant> {
        self.slots.get(id.slot as usize)?.as_ref().filter(|neighbor| neighbor.generation == id.generation)?.due
    }

    /// Where the timer heap notes the entry that stands for this neighbor.
    pub(crate) fn armed(&mut self, id: NeighborId) -> Option<&mut Option<Instant>> {
        self.entry(id).map(|neighbor| &mut neighbor.armed)
    }

    /// The entry of an address.
    pub(crate) fn id(&self, address: IpAddr) -> Option<NeighborId> {
        self.find(address)
    }
}

/// What a neighbor's deadline brought.
#[allow(clippy::large_enum_variant, reason = "it is returned and taken apart at once")]
#[derive(Clone, Debug)]
pub(crate) enum Expiry {
    /// The entry is gone, or its deadline has moved.
    Nothing,
    /// A further solicitation is due.
    Solicit(Solicit),
    /// The hardware address that we knew does not answer any more, and another has taken its place.
    Moved,
    /// The neighbor does not answer; the entry is gone and this had been waiting for it.
    Failed(IpAddr, Waiting),
}
