//! The DHCPv6 client (RFC 8415): addresses, delegated prefixes and configuration from servers.
//!
//! ```text
//!              begin                                    link changed, restart
//!                | no leases            leases |          |
//!                v                             v          v
//!   +------> Solicit --- Reply (rapid) ---> [bound] <-- Confirm, or Rebind (Verify) if prefixes are held
//!   |            | Advertise                 ^ | T1         | NotOnLink: leases dropped, Solicit
//!   |            v                           | v
//!   +-------- Request ------ Reply ----------+ Renew --- T2 ---> Rebind --- all leases end ---> Solicit
//!    no answer                               +---- Reply ----------+
//! ```
//!
//! All associations of an interface, one of addresses (IA_NA) and one of prefixes (IA_PD), go through one
//! exchange at a time (section 18.1). Decline and Release go on beside it. A client that wants neither
//! asks for information only.
//!
//! The client is pure data. It is told of time (`Dhcpv6Client::on_timeout`) and messages
//! (`Dhcpv6Client::on_message`), and collects `Action`s; `stack/dhcpv6` performs them.
//!
//! | module | what |
//! |---|---|
//! | this file | the client: what is wanted, what is held, what is due |
//! | `exchange` | one exchange and its retransmissions (section 15) |
//! | `input` | messages that arrive, checked (section 16), and what follows from them |
//! | `message` | messages that leave |
//! | `offer` | Advertise messages, best first |
//! | `lease` | leases, T1 and T2 |
//! | `information` | name servers and domains |
//! | `reconfigure`, `md5` | authentication of Reconfigure (section 20.4) |
//! | `duid` | [`Duid`] |
//! | `status` | what the client shows of itself, and what it keeps across a restart |

use alloc::vec::Vec;
use core::net::Ipv6Addr;
use smallvec::SmallVec;

mod duid;
mod exchange;
mod information;
mod input;
mod lease;
mod md5;
mod message;
mod offer;
mod reconfigure;
mod status;

pub use duid::Duid;
pub use lease::Dhcpv6Lease;
pub use status::{Dhcpv6Info, Dhcpv6State};

use crate::digest::Digest;
use crate::rng::RandomStream;
use crate::time::{Duration, Instant};
use exchange::{Due, Exchange, Purpose, Resource};
use information::Information;
use lease::{Association, earlier};
use offer::Offers;
use reconfigure::ReconfigureKey;

/// The time over which the rate of messages is measured (section 14.1).
const RATE_PERIOD: Duration = Duration::from_secs(20);

/// What a client asks servers for. The default is configuration only, without leases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Dhcpv6Request {
    /// Addresses (IA_NA).
    pub addresses: bool,
    /// Delegated prefixes (IA_PD), of that length if possible; 0 leaves it to the server.
    pub prefixes: Option<u8>,
}

/// What the configuration says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) rapid_commit: bool,
    pub(crate) reconfigure: bool,
    /// Messages sent per [`RATE_PERIOD`], at least 1.
    pub(crate) rate: u32,
    /// Offers kept.
    pub(crate) offers: usize,
    /// Leases held per association, and entries per list of information.
    pub(crate) leases: usize,
}

/// The moment, and where randomness comes from.
pub(crate) struct Env<'a> {
    pub(crate) now: Instant,
    pub(crate) random: &'a mut RandomStream,
}

impl Env<'_> {
    /// A time from 0 to `whole`, evenly distributed.
    fn fraction(&mut self, whole: Duration) -> Duration {
        let nanos = u128::from(self.random.next_u32()) * whole.as_nanos() / u128::from(u32::MAX);
        Duration::from_nanos(nanos as u64)
    }

    /// `base` and RAND times `of`, RAND evenly distributed from -0.1 to 0.1 (section 15).
    fn randomized(&mut self, base: Duration, of: Duration) -> Duration {
        base.saturating_sub(of / 10) + self.fraction(of / 5)
    }
}

/// What the stack has to do for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Send the message of this transaction.
    Send(u32),
    /// Give the interface this address, or new lifetimes.
    Assign { address: Ipv6Addr, preferred_until: Option<Instant>, valid_until: Option<Instant> },
    /// Take it away.
    Withdraw(Ipv6Addr),
    /// A prefix is ours to hand out from now on, or still.
    Delegate { prefix: Ipv6Addr, prefix_len: u8 },
    /// It is not ours any more.
    Undelegate { prefix: Ipv6Addr, prefix_len: u8 },
    /// Name servers, domains or prefixes have changed.
    Configured,
}

/// What was counted since it was last asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    /// Messages that had to wait for the rate limit.
    pub(crate) postponed: u64,
    /// Leases, offers and entries of lists for which there was no room.
    pub(crate) refused: u64,
}

/// The client of one interface.
#[derive(Clone, Debug)]
pub(crate) struct Dhcpv6Client {
    settings: Settings,
    duid: Duid,
    /// The number of both associations: their number spaces are separate (section 21.21).
    iaid: u32,
    wants: Dhcpv6Request,
    /// Whether it has begun: there is a link, and an address to send from.
    begun: bool,
    /// Whether it is to end once its Release is done.
    ends: bool,
    /// The server that the leases are from.
    server: Option<Duid>,
    addresses: Association,
    prefixes: Association,
    exchange: Option<Exchange>,
    /// Release and Decline: they go on beside the rest.
    partings: SmallVec<[Exchange; 1]>,
    offers: Offers,
    information: Information,
    sol_max_rt: Option<Duration>,
    inf_max_rt: Option<Duration>,
    key: Option<ReconfigureKey>,
    /// When the bucket of the rate limit is empty again.
    bucket: Option<Instant>,
    actions: Vec<Action>,
    tally: Tally,
}

impl Dhcpv6Client {
    pub(crate) fn new(settings: Settings, duid: Duid, iaid: u32, wants: Dhcpv6Request) -> Dhcpv6Client {
        Dhcpv6Client {
            settings,
            duid,
            iaid,
            wants,
            begun: false,
            ends: false,
            server: None,
            addresses: Association::default(),
            prefixes: Association::default(),
            exchange: None,
            partings: SmallVec::new(),
            offers: Offers::default(),
            information: Information::default(),
            sol_max_rt: None,
            inf_max_rt: None,
            key: None,
            bucket: None,
            actions: Vec::new(),
            tally: Tally::default(),
        }
    }

    /// What is to be done, in this order; the list is empty then.
    pub(crate) fn take_actions(&mut self) -> Vec<Action> {
        core::mem::take(&mut self.actions)
    }

    /// What was counted since the last time.
    pub(crate) fn take_tally(&mut self) -> Tally {
        core::mem::take(&mut self.tally)
    }

    /// Whether it has been told to give its leases back.
    pub(crate) fn ends(&self) -> bool {
        self.ends
    }

    /// Whether nothing is left to do: its Release is done.
    pub(crate) fn is_over(&self) -> bool {
        self.ends && self.partings.is_empty()
    }

    /// There is an address to send from. Leases of before a restart are checked, not asked for anew.
    pub(crate) fn begin(&mut self, env: &mut Env<'_>) {
        if !self.begun && !self.ends {
            self.begun = true;
            self.check_link(env);
        }
    }

    /// The link has gone down: nothing can be asked until it begins again. Leases are kept.
    pub(crate) fn on_link_down(&mut self) {
        self.begun = false;
        self.exchange = None;
        self.offers = Offers::default();
    }

    /// More is wanted than before; less is not taken back.
    pub(crate) fn want(&mut self, env: &mut Env<'_>, wants: Dhcpv6Request) {
        let before = self.wants;
        self.wants.addresses |= wants.addresses;
        self.wants.prefixes = self.wants.prefixes.or(wants.prefixes);
        if self.wants == before || !self.begun {
            return;
        }
        if self.has_leases() {
            self.renew(env);
        } else {
            self.discover(env);
        }
    }

    /// Section 18.2.12: the link may be another one.
    pub(crate) fn check_link(&mut self, env: &mut Env<'_>) {
        if !self.begun {
            return;
        }
        let purpose = if !self.prefixes.leases.is_empty() {
            Purpose::Verify
        } else if !self.addresses.leases.is_empty() {
            Purpose::Confirm
        } else {
            return self.discover(env);
        };
        self.start(env, purpose, None, None);
    }

    /// Gives all leases back, and ends.
    pub(crate) fn release(&mut self, env: &mut Env<'_>) {
        self.ends = true;
        self.exchange = None;
        let resources: SmallVec<[Resource; 2]> = self.resources().collect();
        self.drop_leases();
        self.information = Information::default();
        self.part(env, Purpose::Release, resources);
    }

    /// Another host has an address that a server gave us (section 18.2.8); the interface has it no more.
    pub(crate) fn on_conflict(&mut self, env: &mut Env<'_>, address: Ipv6Addr) {
        let resource = Resource { delegated: false, prefix: address, prefix_len: 128 };
        let Some(at) = self.addresses.find(resource) else { return };
        self.addresses.leases.remove(at);
        self.part(env, Purpose::Decline, SmallVec::from_iter([resource]));
        if !self.has_leases() {
            self.exchange = None;
        }
        self.resume(env);
    }

    /// When it has something to do next.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let leases = self.addresses.leases.iter().chain(&self.prefixes.leases).filter_map(|lease| lease.valid_until);
        let exchanges = self.exchanges().map(|exchange| exchange.due);
        let extension = earlier(self.renew_at(), self.rebind_at()).filter(|_| self.may_extend());
        let refresh = self.information.refresh_at.filter(|_| self.exchange.is_none() && self.begun);
        leases.chain(exchanges).chain(extension).chain(refresh).min()
    }

    /// What is due happens.
    pub(crate) fn on_timeout(&mut self, env: &mut Env<'_>) {
        self.expire(env);
        self.on_partings_due(env);
        if self.exchange.as_ref().is_some_and(|exchange| exchange.due <= env.now) {
            self.on_exchange_due(env);
        } else if !self.extend_if_due(env)
            && self.exchange.is_none()
            && self.information.refresh_at.is_some_and(|at| at <= env.now)
        {
            self.information.refresh_at = None;
            self.start(env, Purpose::Inform, None, None);
        }
    }

    /// Sections 18.2.4 and 18.2.5, if it is time; whether it is.
    fn extend_if_due(&mut self, env: &mut Env<'_>) -> bool {
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= env.now);
        let (renew, rebind) = (is_due(self.renew_at()), is_due(self.rebind_at()));
        if !self.may_extend() || !(renew || rebind) {
            return false;
        }
        if rebind {
            self.start(env, Purpose::Rebind, None, None);
        } else {
            self.renew(env);
        }
        true
    }

    /// T1 and T2 are of no account while leases are being asked for or extended already.
    fn may_extend(&self) -> bool {
        let is_free = self.exchange.as_ref().is_none_or(|exchange| exchange.purpose == Purpose::Inform);
        is_free && self.begun && self.has_leases()
    }

    /// Section 18.2.4: the earliest T1 and T2 of all associations.
    fn renew_at(&self) -> Option<Instant> {
        earlier(self.addresses.renew_at, self.prefixes.renew_at)
    }

    fn rebind_at(&self) -> Option<Instant> {
        earlier(self.addresses.rebind_at, self.prefixes.rebind_at)
    }

    fn has_leases(&self) -> bool {
        !self.addresses.leases.is_empty() || !self.prefixes.leases.is_empty()
    }

    fn wants_leases(&self) -> bool {
        self.wants != Dhcpv6Request::default()
    }

    fn resources(&self) -> impl Iterator<Item = Resource> + '_ {
        let addresses = self.addresses.leases.iter().map(|lease| lease.resource(false));
        addresses.chain(self.prefixes.leases.iter().map(|lease| lease.resource(true)))
    }

    fn exchanges(&self) -> impl Iterator<Item = &Exchange> {
        self.exchange.iter().chain(&self.partings)
    }

    /// Begins an exchange in place of the one that there is; what is due at once leaves.
    fn start(&mut self, env: &mut Env<'_>, purpose: Purpose, server: Option<Duid>, ends: Option<Instant>) {
        self.exchange = Some(Exchange::new(env, purpose, server, ends));
        self.transmit_if_due(env);
    }

    fn transmit_if_due(&mut self, env: &mut Env<'_>) {
        let (sol, inf) = (self.sol_max_rt, self.inf_max_rt);
        let Some(exchange) = self.exchange.as_mut().filter(|exchange| exchange.due <= env.now) else { return };
        let mrt = match exchange.purpose {
            Purpose::Solicit => sol,
            Purpose::Inform => inf,
            _ => None,
        };
        if let Some(at) = postponed(&mut self.bucket, env.now, self.settings.rate) {
            self.tally.postponed += 1;
            exchange.wait_until(at);
        } else {
            exchange.on_sent(env, mrt);
            self.actions.push(Action::Send(exchange.transaction));
        }
    }

    /// The search for servers begins, or the asking for information if no more is wanted.
    fn discover(&mut self, env: &mut Env<'_>) {
        self.offers = Offers::default();
        let purpose = if self.wants_leases() { Purpose::Solicit } else { Purpose::Inform };
        self.start(env, purpose, None, None);
    }

    /// Section 18.2.4.
    fn renew(&mut self, env: &mut Env<'_>) {
        let (server, ends) = (self.server.clone(), self.rebind_at());
        self.start(env, Purpose::Renew, server, ends);
    }

    /// Section 18.2.2: asks the next best server for what it has offered.
    fn request_offer(&mut self, env: &mut Env<'_>) {
        match self.offers.take_best() {
            Some(offer) => self.request(env, offer.server, offer.resources),
            None => self.discover(env),
        }
    }

    fn request(&mut self, env: &mut Env<'_>, server: Duid, resources: SmallVec<[Resource; 2]>) {
        let mut exchange = Exchange::new(env, Purpose::Request, Some(server), None);
        exchange.resources = resources;
        self.exchange = Some(exchange);
        self.transmit_if_due(env);
    }

    /// Begins to tell the server which leases we don't hold any more.
    fn part(&mut self, env: &mut Env<'_>, purpose: Purpose, resources: SmallVec<[Resource; 2]>) {
        let Some(server) = self.server.clone().filter(|_| !resources.is_empty()) else { return };
        if self.partings.len() >= self.settings.leases {
            self.tally.refused += 1;
            return;
        }
        let mut exchange = Exchange::new(env, purpose, Some(server), None);
        exchange.resources = resources;
        self.partings.push(exchange);
        self.on_partings_due(env);
    }

    fn on_partings_due(&mut self, env: &mut Env<'_>) {
        let before = self.partings.len();
        let (actions, bucket, tally) = (&mut self.actions, &mut self.bucket, &mut self.tally);
        let rate = self.settings.rate;
        self.partings.retain(|exchange| {
            if exchange.due > env.now {
                return true;
            }
            if exchange.on_due(env.now) == Due::Fail {
                return false;
            }
            if let Some(at) = postponed(bucket, env.now, rate) {
                tally.postponed += 1;
                exchange.wait_until(at);
            } else {
                exchange.on_sent(env, None);
                actions.push(Action::Send(exchange.transaction));
            }
            true
        });
        if self.partings.len() < before {
            self.resume(env);
        }
    }

    /// Without leases, and with nothing left to tell a server, the search begins anew.
    fn resume(&mut self, env: &mut Env<'_>) {
        let idle = self.exchange.is_none() && self.partings.is_empty() && !self.has_leases();
        if idle && self.begun && !self.ends && self.wants_leases() {
            self.discover(env);
        }
    }

    fn on_exchange_due(&mut self, env: &mut Env<'_>) {
        let Some(exchange) = &self.exchange else { return };
        match (exchange.purpose, exchange.on_due(env.now)) {
            // Section 18.2.1: the first timeout has passed, in which offers were collected.
            (Purpose::Solicit, _) if !self.offers.is_empty() => self.request_offer(env),
            // Section 18.2.10.3: nobody said otherwise.
            (Purpose::Confirm, _) if exchange.not_on_link => self.start_over(env),
            (_, Due::Send) => self.transmit_if_due(env),
            // Sections 18.2.3 and 18.2.12: no answer, so the leases are used as they are.
            (Purpose::Confirm | Purpose::Verify, Due::Fail) => self.keep_leases(env),
            (Purpose::Renew, Due::Fail) => self.start(env, Purpose::Rebind, None, None),
            (Purpose::Request, Due::Fail) if self.has_leases() => self.start(env, Purpose::Rebind, None, None),
            (_, Due::Fail) => self.request_offer(env),
        }
    }

    /// The leases are of this link, as far as anybody knows. T1 or T2 may have passed meanwhile.
    fn keep_leases(&mut self, env: &mut Env<'_>) {
        self.exchange = None;
        self.adopt();
        self.actions.push(Action::Configured);
        self.extend_if_due(env);
    }

    /// Leases whose time is over are gone; without any, the search begins anew (section 18.2.5).
    fn expire(&mut self, env: &mut Env<'_>) {
        let now = env.now;
        let had_leases = self.has_leases();
        self.addresses.leases.retain(|lease| lease.is_valid(now));
        let actions = &mut self.actions;
        self.prefixes.leases.retain(|lease| {
            let valid = lease.is_valid(now);
            if !valid {
                let (prefix, prefix_len) = (lease.prefix, lease.prefix_len);
                actions.extend([Action::Undelegate { prefix, prefix_len }, Action::Configured]);
            }
            valid
        });
        for association in [&mut self.addresses, &mut self.prefixes] {
            if association.leases.is_empty() {
                *association = Association::default();
            }
        }
        if had_leases && !self.has_leases() {
            self.server = None;
            let asks = self.exchange.as_ref().map(|exchange| exchange.purpose);
            if !matches!(asks, Some(Purpose::Solicit | Purpose::Request)) {
                self.exchange = None;
                self.resume(env);
            }
        }
    }

    /// All leases are dropped, and the search begins anew.
    fn start_over(&mut self, env: &mut Env<'_>) {
        self.drop_leases();
        self.discover(env);
    }

    fn drop_leases(&mut self) {
        let held: Vec<Resource> = self.resources().collect();
        for Resource { delegated, prefix, prefix_len } in held {
            let action = if delegated { Action::Undelegate { prefix, prefix_len } } else { Action::Withdraw(prefix) };
            self.actions.push(action);
            if delegated {
                self.actions.push(Action::Configured);
            }
        }
        self.addresses = Association::default();
        self.prefixes = Association::default();
    }

    /// The leases are in use from now on, or still, with the lifetimes that they have now.
    fn adopt(&mut self) {
        for lease in &self.addresses.leases {
            let (preferred_until, valid_until) = (lease.preferred_until, lease.valid_until);
            self.actions.push(Action::Assign { address: lease.prefix, preferred_until, valid_until });
        }
        for lease in &self.prefixes.leases {
            self.actions.push(Action::Delegate { prefix: lease.prefix, prefix_len: lease.prefix_len });
        }
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        self.duid.digest(digest);
        digest.u32(self.iaid);
        digest.bool(self.wants.addresses);
        digest.option(self.wants.prefixes, Digest::u8);
        digest.bool(self.begun);
        digest.bool(self.ends);
        digest.option(self.server.as_ref(), |digest, server| server.digest(digest));
        self.addresses.digest(digest);
        self.prefixes.digest(digest);
        digest.count(self.exchanges().count());
        digest.bool(self.exchange.is_some());
        self.exchanges().for_each(|exchange| exchange.digest(digest));
        self.offers.digest(digest);
        self.information.digest(digest);
        for value in [self.sol_max_rt, self.inf_max_rt] {
            digest.option(value, |digest, value| digest.u64(value.as_secs()));
        }
        digest.option(self.key.as_ref(), |digest, key| key.digest(digest));
        digest.option(self.bucket, Digest::instant);
    }
}

/// Section 14.1: takes a message's worth from the bucket of `rate` messages per [`RATE_PERIOD`]; if it is
/// empty, returns when it is not.
fn postponed(bucket: &mut Option<Instant>, now: Instant, rate: u32) -> Option<Instant> {
    let each = RATE_PERIOD / rate.max(1);
    let full_at = bucket.map_or(now, |at| at.max(now)) + each;
    let earliest = full_at - RATE_PERIOD;
    if earliest > now {
        return Some(earliest);
    }
    *bucket = Some(full_at);
    None
}
