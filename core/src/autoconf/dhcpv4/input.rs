//! What a message means to the client (RFC 2131 section 4.4).

use alloc::boxed::Box;
use smallvec::smallvec;

use super::lease::server_id;
use super::settings::{Dhcpv4Settings, read};
use super::{Action, Actions, Dhcpv4Client, Dhcpv4State, Env, Lease, V6ONLY_WAIT_MIN};
use crate::error::DropReason;
use crate::time::Duration;
use crate::wire::dhcpv4::{Dhcpv4Kind, Dhcpv4Message, Dhcpv4Op, option};
use crate::wire::ethernet::EthernetAddress;

impl Dhcpv4Client {
    /// A message has come from `station`.
    ///
    /// Errors: [`DropReason::Dhcpv4NotOurs`], [`DropReason::Dhcpv4Unexpected`], [`DropReason::Dhcpv4Unusable`].
    pub(crate) fn on_message(
        &mut self,
        message: &Dhcpv4Message<'_>,
        station: EthernetAddress,
        env: &mut Env<'_>,
    ) -> Result<Actions, DropReason> {
        let exchange = self.exchange.as_ref().ok_or(DropReason::Dhcpv4Unexpected)?;
        let header = message.header();
        // RFC 6842 section 3: an identifier that comes back has to be ours.
        let is_other = message.option(option::CLIENT_ID).is_some_and(|id| *id != *self.client_id);
        if message.op() != Dhcpv4Op::Reply
            || header.xid != exchange.xid
            || header.chaddr != self.hardware_address
            || is_other
        {
            return Err(DropReason::Dhcpv4NotOurs);
        }
        let since = exchange.since;
        match (message.kind(), self.state) {
            (Some(Dhcpv4Kind::Offer), Dhcpv4State::Selecting) => {
                // It counts from a request that is yet to be sent (RFC 2131 section 4.4.1).
                let offer = Lease::read(message, station, env.now, env)?;
                Ok(self.on_offer(message, offer, env))
            }
            (Some(Dhcpv4Kind::Ack), Dhcpv4State::Selecting) => {
                let committed = self.config.rapid_commit && message.option(option::RAPID_COMMIT).is_some();
                committed.then_some(()).ok_or(DropReason::Dhcpv4Unexpected)?;
                let lease = Lease::read(message, station, since, env)?;
                if lease.is_over(env.now) {
                    // The search was longer than the lease: that it was given to our first message is not said.
                    let offer = Lease::read(message, station, env.now, env)?;
                    return Ok(self.on_offer(message, offer, env));
                }
                Ok(self.accept(lease, env))
            }
            (Some(Dhcpv4Kind::Ack), Dhcpv4State::Informing) => {
                self.informed = Some(Dhcpv4Settings::read(message, env));
                self.exchange = None;
                self.state = Dhcpv4State::Informed;
                Ok(smallvec![Action::Tell])
            }
            (Some(Dhcpv4Kind::Ack), state) => {
                let lease = Lease::read(message, station, since, env)?;
                if lease.is_over(env.now) {
                    // It counts from the request, and the answer was longer on its way.
                    return Err(DropReason::Dhcpv4Unusable);
                }
                self.is_expected(&lease).then_some(()).ok_or(DropReason::Dhcpv4Unexpected)?;
                if state == Dhcpv4State::Rebooting
                    && let Some(wait) = self.ipv6_only(message, env)
                {
                    return Ok(self.do_without(wait, env));
                }
                Ok(self.accept(lease, env))
            }
            (Some(Dhcpv4Kind::Nak), state) if state != Dhcpv4State::Selecting && state != Dhcpv4State::Informing => {
                let server = read(message, option::SERVER_ID, env, server_id).ok_or(DropReason::Dhcpv4Unusable)?;
                let chosen = self.lease.as_ref().is_some_and(|lease| lease.server == server);
                if !chosen && matches!(state, Dhcpv4State::Requesting | Dhcpv4State::Renewing) {
                    return Err(DropReason::Dhcpv4Unexpected);
                }
                Ok(self.on_refusal(env))
            }
            _ => Err(DropReason::Dhcpv4Unexpected),
        }
    }

    /// Whether an acknowledgment is of the address that was asked for, and from one who may give it: when
    /// a server was asked by name, from that server.
    fn is_expected(&self, lease: &Lease) -> bool {
        let named = matches!(self.state, Dhcpv4State::Requesting | Dhcpv4State::Renewing);
        self.lease
            .as_ref()
            .is_some_and(|asked| asked.address == lease.address && (!named || asked.server == lease.server))
    }

    /// The first offer is taken; with a former server known, and time to wait for it, its offer.
    fn on_offer(&mut self, message: &Dhcpv4Message<'_>, offer: Box<Lease>, env: &mut Env<'_>) -> Actions {
        let mut actions = Actions::new();
        if let Some(wait) = self.ipv6_only(message, env) {
            return self.do_without(wait, env);
        }
        let wait = self.config.former_server_wait;
        let is_best = self.former_server.is_none_or(|former| former == offer.server) || wait.is_zero();
        if is_best {
            self.take_offer(offer, env, &mut actions);
        } else if self.offer.is_none() {
            self.offer = Some((offer, env.now + wait));
        }
        actions
    }

    pub(super) fn take_best_offer(&mut self, env: &mut Env<'_>, actions: &mut Actions) {
        if let Some((offer, _)) = self.offer.take() {
            self.take_offer(offer, env, actions);
        }
    }

    fn take_offer(&mut self, offer: Box<Lease>, env: &mut Env<'_>, actions: &mut Actions) {
        self.offer = None;
        self.lease = Some(offer);
        self.state = Dhcpv4State::Requesting;
        let answering = self.exchange.take();
        self.ask(answering, env, actions);
    }

    /// The lease is ours, or goes on.
    fn accept(&mut self, mut lease: Box<Lease>, env: &mut Env<'_>) -> Actions {
        let mut actions = Actions::new();
        self.exchange = None;
        self.offer = None;
        self.state = Dhcpv4State::Bound;
        env.counters.dhcpv4_acknowledged += 1;
        let before = self.lease.take();
        let Some(before) = before.filter(|_| self.assigned) else {
            self.lease = Some(lease);
            self.assigned = true;
            actions.push(Action::Assign);
            return actions;
        };
        if before.settings.routers == lease.settings.routers {
            lease.router_station = before.router_station;
        }
        // Another mask makes it another address to the interface.
        let is_same = before.prefix_len == lease.prefix_len;
        let configure = self.usable && is_same && before.settings != lease.settings;
        self.lease = Some(lease);
        if !is_same || configure {
            actions.push(Action::Undo { lease: before, address: !is_same });
        }
        self.usable &= is_same;
        actions.push(Action::Assign);
        if configure {
            actions.push(Action::Configure);
        }
        actions.push(Action::Tell);
        actions
    }

    /// A server refuses: the address is given up at once (RFC 2131 section 3.2 (3), 4.4.5).
    fn on_refusal(&mut self, env: &mut Env<'_>) -> Actions {
        let mut actions = Actions::new();
        env.counters.dhcpv4_refused += 1;
        if let Some(lease) = self.lease.take() {
            self.forget(lease, &mut actions);
        }
        self.restart(env, &mut actions);
        actions
    }

    /// RFC 8925 section 3.2: for how long the network would have us do without IPv4, if we can.
    fn ipv6_only(&self, message: &Dhcpv4Message<'_>, env: &mut Env<'_>) -> Option<Duration> {
        if !self.config.ipv6_only_capable {
            return None;
        }
        let seconds =
            read(message, option::IPV6_ONLY_PREFERRED, env, |value| value.try_into().ok().map(u32::from_be_bytes))?;
        Some(Duration::from_secs(seconds.into()).max(V6ONLY_WAIT_MIN))
    }

    /// Nothing more is asked for that long, or until the link comes up anew.
    fn do_without(&mut self, wait: Duration, env: &mut Env<'_>) -> Actions {
        let mut actions = Actions::new();
        env.counters.dhcpv4_ipv6_only += 1;
        if let Some(lease) = self.lease.take() {
            self.forget(lease, &mut actions);
        }
        self.exchange = None;
        self.offer = None;
        self.fallback_at = None;
        self.state = Dhcpv4State::Init;
        self.wait_until = Some(env.now + wait);
        actions
    }
}
