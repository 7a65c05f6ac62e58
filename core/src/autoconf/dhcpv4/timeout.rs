//! What is due when.

use super::start::retransmission;
use super::{Action, Actions, Dhcpv4Client, Dhcpv4State, Env, REBOOT_TRIES, RENEW_MIN, REQUEST_TRIES};
use crate::time::Instant;

impl Dhcpv4Client {
    /// When [`Dhcpv4Client::on_timeout`] has something to do next.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let times = self.lease.as_ref().filter(|_| self.is_held()).map(|lease| lease.times);
        let next = times.and_then(|times| match self.state {
            // Who asks for more time asks from the address: it has to be verified first (RFC 5227 section 2.1).
            Dhcpv4State::Bound if self.usable => times.t1,
            Dhcpv4State::Renewing => times.t2,
            _ => times.expires,
        });
        let again = self.exchange.as_ref().map(|exchange| exchange.again_at);
        let offer = self.offer.as_ref().map(|(_, until)| *until);
        let fallback = self.fallback_at.filter(|_| self.needs_fallback());
        [next, again, offer, self.wait_until, fallback].into_iter().flatten().min()
    }

    /// Whether a link-local address would help: not while a new address is being checked for conflicts.
    fn needs_fallback(&self) -> bool {
        !self.usable && !self.link_local && !self.assigned
    }

    /// Something may be due: of several things that are, one is done, and the deadline is then past.
    pub(crate) fn on_timeout(&mut self, env: &mut Env<'_>) -> Actions {
        let mut actions = Actions::new();
        if self.deadline().is_none_or(|at| at > env.now) {
            return actions;
        }
        if self.is_held() && self.lease.as_ref().is_some_and(|lease| lease.is_over(env.now)) {
            self.on_expiry(env, &mut actions);
        } else if self.fallback_at.is_some_and(|at| at <= env.now) && self.needs_fallback() {
            self.fall_back(&mut actions);
        } else if self.offer.as_ref().is_some_and(|(_, until)| *until <= env.now) {
            self.take_best_offer(env, &mut actions);
        } else if self.wait_until.is_some_and(|at| at <= env.now) {
            self.wait_until = None;
            self.begin(env, &mut actions);
        } else {
            self.on_silence(env, &mut actions);
        }
        actions
    }

    /// RFC 2131 section 4.4.5: the network is left at once, and everything begins again.
    fn on_expiry(&mut self, env: &mut Env<'_>, actions: &mut Actions) {
        let Some(lease) = self.lease.take() else { return };
        env.counters.dhcpv4_expired += 1;
        self.forget(lease, actions);
        self.exchange = None;
        self.state = Dhcpv4State::Init;
        self.begin(env, actions);
    }

    /// T1, T2, or no answer for so long that it is asked again.
    fn on_silence(&mut self, env: &mut Env<'_>, actions: &mut Actions) {
        let transmissions = self.exchange.as_ref().map_or(0, |exchange| exchange.transmissions);
        match self.state {
            Dhcpv4State::Bound => {
                self.asking_since = env.now;
                self.extend(Dhcpv4State::Renewing, env, actions);
            }
            Dhcpv4State::Renewing => {
                let t2 = self.lease.as_ref().and_then(|lease| lease.times.t2);
                let over = t2.is_some_and(|t2| t2 <= env.now);
                self.extend(if over { Dhcpv4State::Rebinding } else { Dhcpv4State::Renewing }, env, actions);
            }
            Dhcpv4State::Rebinding => self.extend(Dhcpv4State::Rebinding, env, actions),
            Dhcpv4State::Requesting if transmissions >= REQUEST_TRIES => {
                self.lease = None;
                env.counters.dhcpv4_unanswered += 1;
                self.restart(env, actions);
            }
            Dhcpv4State::Rebooting if transmissions >= REBOOT_TRIES => self.keep_former(env, actions),
            // RFC 2131 section 4.4.3: defaults have to do.
            Dhcpv4State::Informing if transmissions >= REQUEST_TRIES => {
                self.exchange = None;
                env.counters.dhcpv4_unanswered += 1;
                actions.push(Action::Tell);
            }
            _ => self.retransmit(env, actions),
        }
    }

    /// The same message again, later each time. A discovery tells how long it goes on already; the
    /// seconds of a request stay those of the discovery (RFC 2131 section 3.1, 3).
    fn retransmit(&mut self, env: &mut Env<'_>, actions: &mut Actions) {
        let secs = self.secs(env.now);
        let Some(exchange) = &mut self.exchange else { return };
        exchange.again_at = env.now + retransmission(exchange.transmissions, env.random);
        if self.state != Dhcpv4State::Requesting {
            exchange.secs = secs;
        }
        env.counters.dhcpv4_retransmitted += 1;
        self.transmit(actions);
    }

    /// RFC 2131 section 4.4.5: asks for more time, and again after half of what is left until T2, or until
    /// the end, but not within a minute. Each request has a number of its own, so that the lease counts
    /// from the one that was answered.
    fn extend(&mut self, state: Dhcpv4State, env: &mut Env<'_>, actions: &mut Actions) {
        env.counters.dhcpv4_retransmitted += u64::from(self.state == state);
        self.state = state;
        self.ask(None, env, actions);
        let times = self.lease.as_ref().map(|lease| lease.times);
        let until = times.and_then(|times| if state == Dhcpv4State::Renewing { times.t2 } else { times.expires });
        if let (Some(exchange), Some(until)) = (&mut self.exchange, until) {
            exchange.again_at = env.now + (until.since(env.now) / 2).max(RENEW_MIN);
        }
    }

    /// RFC 2131 section 3.2 (3): nobody answers, and the lease of earlier lasts. Its address is used, and
    /// checked for conflicts as a new one is.
    fn keep_former(&mut self, env: &mut Env<'_>, actions: &mut Actions) {
        self.exchange = None;
        self.state = Dhcpv4State::Bound;
        env.counters.dhcpv4_unanswered += 1;
        if !core::mem::replace(&mut self.assigned, true) {
            actions.push(Action::Assign);
        }
    }
}
