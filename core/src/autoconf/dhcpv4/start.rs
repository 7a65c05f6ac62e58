//! Begin and stop; the link goes and comes; the address is ready, or another host has it.

use alloc::boxed::Box;
use core::net::Ipv4Addr;
use smallvec::smallvec;

use super::{
    Action, Actions, DECLINE_WAIT, Destination, Dhcpv4Client, Dhcpv4State, Env, Exchange, Lease, Outgoing,
    RETRANSMIT_FIRST, RETRANSMIT_MAX, RETRANSMIT_RANDOM,
};
use crate::rng::RandomStream;
use crate::time::{Duration, Instant};
use crate::wire::dhcpv4::Dhcpv4Kind;
use crate::wire::ethernet::EthernetAddress;

impl Dhcpv4Client {
    /// Begins to seek a lease: the former one if it still lasts. The first message leaves at once; the 1
    /// to 10 s that RFC 2131 section 4.4.1 would have a client wait are for machines that wake together.
    pub(crate) fn start(&mut self, link_up: bool, env: &mut Env<'_>) -> Actions {
        self.link_up = link_up;
        self.restarts = 0;
        self.state = Dhcpv4State::Init;
        if self.lease.as_ref().is_some_and(|lease| !lease.is_over(env.now)) {
            self.state = Dhcpv4State::InitReboot;
        } else {
            self.lease = None;
        }
        let mut actions = Actions::new();
        self.begin(env, &mut actions);
        actions
    }

    /// Begins to ask for settings for an address that was set by hand (RFC 2131 section 4.4.3).
    pub(crate) fn inform(&mut self, address: Ipv4Addr, link_up: bool, env: &mut Env<'_>) -> Actions {
        self.link_up = link_up;
        self.inform_address = address;
        self.state = Dhcpv4State::Informing;
        let mut actions = Actions::new();
        self.begin(env, &mut actions);
        actions
    }

    /// The lease is given back (RFC 2131 section 4.4.6), and nothing more is asked for.
    pub(crate) fn release(&mut self, env: &mut Env<'_>) -> Actions {
        let mut actions = Actions::new();
        if self.is_held()
            && self.assigned
            && let Some(lease) = self.lease.take()
        {
            actions.push(Action::Send(Outgoing {
                kind: Dhcpv4Kind::Release,
                xid: env.random.next_u32(),
                secs: 0,
                ciaddr: lease.address,
                requested: None,
                server: Some(lease.server),
                to: Destination::Through(lease.server, lease.station),
            }));
            self.forget(lease, &mut actions);
        }
        self.stop(&mut actions);
        actions
    }

    fn stop(&mut self, actions: &mut Actions) {
        if self.link_local {
            actions.push(Action::LinkLocal(false));
        }
        let (config, client_id) = (self.config.clone(), core::mem::take(&mut self.client_id));
        let (server, since) = (self.former_server, self.asking_since);
        *self = Dhcpv4Client::new(config, self.hardware_address, client_id, None, server, since);
        actions.push(Action::Tell);
    }

    /// The link has come up: a network attachment event. The lease is looked after anew (RFC 4436).
    pub(crate) fn on_link_up(&mut self, env: &mut Env<'_>) -> Actions {
        let mut actions = Actions::new();
        if !self.link_up && self.is_running() {
            self.link_up = true;
            self.restarts = 0;
            self.wait_until = None;
            self.begin(env, &mut actions);
        }
        self.link_up = true;
        actions
    }

    /// The link has gone down: nothing can be asked. A lease that lasts is kept, with its address.
    /// `router` is the hardware address of its router, if it is known.
    pub(crate) fn on_link_down(&mut self, router: Option<EthernetAddress>) -> Actions {
        let mut actions = Actions::new();
        if let (Some(lease), Some(_)) = (&mut self.lease, router) {
            lease.router_station = router;
        }
        self.link_up = false;
        self.exchange = None;
        self.offer = None;
        self.wait_until = None;
        self.fallback_at = None;
        let held = self.is_held();
        self.state = match self.state {
            state @ (Dhcpv4State::Stopped | Dhcpv4State::Informing | Dhcpv4State::Informed) => state,
            _ if held => Dhcpv4State::InitReboot,
            _ => {
                self.lease = None;
                Dhcpv4State::Init
            }
        };
        // RFC 3927 section 1.9 and RFC 4436 section 2.3: a claim to a link-local address ends with the link.
        if core::mem::take(&mut self.link_local) {
            actions.push(Action::LinkLocal(false));
        }
        actions
    }

    /// Asks what the state wants to know, if there is a link to ask on.
    pub(super) fn begin(&mut self, env: &mut Env<'_>, actions: &mut Actions) {
        if !self.link_up {
            return;
        }
        self.asking_since = env.now;
        match self.state {
            Dhcpv4State::Informing | Dhcpv4State::Informed => {
                self.state = Dhcpv4State::Informing;
                self.ask(None, env, actions);
            }
            Dhcpv4State::InitReboot => {
                self.want_fallback(env, actions);
                self.state = Dhcpv4State::Rebooting;
                self.ask(None, env, actions);
                actions.extend(self.router_test());
            }
            _ => {
                self.want_fallback(env, actions);
                self.discover(env, actions);
            }
        }
    }

    /// RFC 4436 section 2.1: the router by its known hardware address, with the address that is to be
    /// confirmed. Not tested where there is no router to ask.
    fn router_test(&self) -> Option<Action> {
        let lease = self.lease.as_ref().filter(|_| self.config.detect_attachment)?;
        let router = lease.gateway()?;
        Some(Action::TestRouter { router, station: lease.router_station?, source: lease.address })
    }

    pub(super) fn discover(&mut self, env: &mut Env<'_>, actions: &mut Actions) {
        self.state = Dhcpv4State::Selecting;
        self.wait_until = None;
        self.ask(None, env, actions);
    }

    /// Opens a question and sends its first message; `answering` takes over number and seconds from the
    /// question that was answered by an offer.
    pub(super) fn ask(&mut self, answering: Option<Exchange>, env: &mut Env<'_>, actions: &mut Actions) {
        let (xid, secs) = match answering {
            Some(exchange) => (exchange.xid, exchange.secs),
            None => (env.random.next_u32(), self.secs(env.now)),
        };
        let again_at = env.now + retransmission(0, env.random);
        self.exchange = Some(Exchange { xid, since: env.now, secs, transmissions: 0, again_at });
        self.transmit(actions);
    }

    /// Sends the open question's message once more. RFC 2131 table 5.
    pub(super) fn transmit(&mut self, actions: &mut Actions) {
        let Some(exchange) = &mut self.exchange else { return };
        exchange.transmissions = exchange.transmissions.saturating_add(1);
        let lease = self.lease.as_deref();
        let address = lease.map(|lease| lease.address);
        let unset = Ipv4Addr::UNSPECIFIED;
        let broadcast = Destination::Broadcast;
        let (kind, ciaddr, requested, server, to) = match self.state {
            Dhcpv4State::Selecting => (Dhcpv4Kind::Discover, unset, self.config.requested_address, None, broadcast),
            Dhcpv4State::Requesting => {
                (Dhcpv4Kind::Request, unset, address, lease.map(|lease| lease.server), broadcast)
            }
            Dhcpv4State::Rebooting => (Dhcpv4Kind::Request, unset, address, None, broadcast),
            Dhcpv4State::Renewing => {
                let to = lease.map_or(broadcast, |lease| Destination::Server(lease.server));
                (Dhcpv4Kind::Request, address.unwrap_or(unset), None, None, to)
            }
            Dhcpv4State::Rebinding => (Dhcpv4Kind::Request, address.unwrap_or(unset), None, None, broadcast),
            Dhcpv4State::Informing => (Dhcpv4Kind::Inform, self.inform_address, None, None, broadcast),
            _ => return,
        };
        let (xid, secs) = (exchange.xid, exchange.secs);
        actions.push(Action::Send(Outgoing { kind, xid, secs, ciaddr, requested, server, to }));
    }

    pub(super) fn secs(&self, now: Instant) -> u16 {
        u16::try_from(now.since(self.asking_since).as_secs()).unwrap_or(u16::MAX)
    }

    /// The lease is lost or refused: everything from the beginning, at once the first time and then with
    /// the pauses of retransmissions, so that a server that refuses all is not asked without end.
    pub(super) fn restart(&mut self, env: &mut Env<'_>, actions: &mut Actions) {
        let restarts = self.restarts;
        self.restarts = restarts.saturating_add(1);
        self.exchange = None;
        self.offer = None;
        self.asking_since = env.now;
        match restarts.checked_sub(1) {
            None => self.discover(env, actions),
            Some(earlier) => {
                self.state = Dhcpv4State::Init;
                self.wait_until = Some(env.now + retransmission(earlier, env.random));
            }
        }
        self.want_fallback(env, actions);
    }

    /// From now on a link-local address is wanted if nobody answers in time.
    pub(super) fn want_fallback(&mut self, env: &Env<'_>, actions: &mut Actions) {
        if self.usable || self.link_local {
            return;
        }
        match self.fallback_at {
            None => self.fallback_at = self.config.link_local_after.map(|after| env.now + after),
            Some(at) if at <= env.now => self.fall_back(actions),
            Some(_) => {}
        }
    }

    pub(super) fn fall_back(&mut self, actions: &mut Actions) {
        self.fallback_at = None;
        self.link_local = true;
        actions.push(Action::LinkLocal(true));
    }

    /// What was done for a lease is undone.
    pub(super) fn forget(&mut self, lease: Box<Lease>, actions: &mut Actions) {
        if core::mem::take(&mut self.assigned) {
            actions.push(Action::Undo { lease, address: true });
            actions.push(Action::Tell);
        }
        self.usable = false;
    }

    /// No conflict was found: the lease's address can be used.
    pub(crate) fn on_address_ready(&mut self, address: Ipv4Addr) -> Actions {
        let Some(lease) = self.lease.as_ref().filter(|lease| lease.address == address && self.assigned) else {
            return Actions::new();
        };
        self.former_server = Some(lease.server);
        self.usable = true;
        self.restarts = 0;
        self.fallback_at = None;
        let mut actions: Actions = smallvec![Action::Configure, Action::Tell];
        if core::mem::take(&mut self.link_local) {
            actions.push(Action::LinkLocal(false));
        }
        actions
    }

    /// Another host has the lease's address: the server is told, and after a pause it all begins again
    /// (RFC 2131 section 3.1, 5). The address is gone already.
    pub(crate) fn on_address_conflict(&mut self, address: Ipv4Addr, env: &mut Env<'_>) -> Actions {
        let mut actions = Actions::new();
        if !self.assigned || self.lease.as_ref().is_none_or(|lease| lease.address != address) {
            return actions;
        }
        let Some(lease) = self.lease.take() else { return actions };
        actions.push(Action::Send(Outgoing {
            kind: Dhcpv4Kind::Decline,
            xid: env.random.next_u32(),
            secs: 0,
            ciaddr: Ipv4Addr::UNSPECIFIED,
            requested: Some(lease.address),
            server: Some(lease.server),
            to: Destination::Broadcast,
        }));
        env.counters.dhcpv4_declined += 1;
        self.forget(lease, &mut actions);
        self.exchange = None;
        self.state = Dhcpv4State::Init;
        self.wait_until = Some(env.now + DECLINE_WAIT);
        self.want_fallback(env, &mut actions);
        actions
    }

    /// The known router answers from the hardware address that it had: this is the network that the lease
    /// is for, and its address can be used while servers are still asked (RFC 4436 section 2.1).
    pub(crate) fn on_router_answer(&mut self, router: Ipv4Addr, station: EthernetAddress) -> Actions {
        let known = self
            .lease
            .as_ref()
            .is_some_and(|lease| lease.gateway() == Some(router) && lease.router_station == Some(station));
        if self.state != Dhcpv4State::Rebooting || !known || self.assigned {
            return Actions::new();
        }
        self.assigned = true;
        smallvec![Action::Assign]
    }
}

/// The delay before transmission number `earlier + 2` (RFC 2131 section 4.1): 4, 8, 16, 32 and then 64 s,
/// each with up to a second more or less.
pub(super) fn retransmission(earlier: u8, random: &mut RandomStream) -> Duration {
    let base = (RETRANSMIT_FIRST * (1 << earlier.min(4))).min(RETRANSMIT_MAX);
    let span = 2 * RETRANSMIT_RANDOM.as_micros() as u32;
    base.saturating_sub(RETRANSMIT_RANDOM) + Duration::from_micros(random.below(span + 1).into())
}
