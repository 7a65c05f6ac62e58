//! The client of a TCP workload: opens connections, one after the other or several at once, and has its
//! talk on each.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tickwire_core::Instant;
use tickwire_core::socket::ConnectOptions;
use tickwire_core::time::Duration;

use super::connections::Connections;
use super::endpoint::Endpoint;
use super::ledger::Ledger;
use super::talk::Talk;
use crate::application::{Scope, Socket};

/// How long a client waits before it tries again to open a connection that could not be opened.
const RETRY: Duration = Duration::from_secs(1);

/// What a client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientPlan {
    /// Whom it connects to.
    pub remote: SocketAddr,
    /// The port that it connects from; `None`: its stack chooses.
    pub local_port: Option<u16>,
    /// What is said on each connection.
    pub talk: Talk,
    /// How many connections, in all.
    pub connections: u64,
    /// How many at once; at least 1.
    pub parallel: u32,
    /// When it begins: so long after it was started.
    pub delay: Duration,
    /// The key of the streams, which the server has too.
    pub key: u64,
}

/// A client at work.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) plan: ClientPlan,
    begins: Option<Instant>,
    pub(crate) live: Connections,
    pub(crate) ledger: Ledger,
}

impl Client {
    pub(crate) fn new(plan: ClientPlan) -> Client {
        Client { plan, begins: None, live: Connections::default(), ledger: Ledger::default() }
    }

    /// Whether all connections were opened and none is left.
    pub(crate) fn is_done(&self) -> bool {
        self.ledger.opened == self.plan.connections && self.live.is_empty()
    }

    pub(crate) fn advance(&mut self, woken: Option<Socket>, scope: &mut Scope<'_>) {
        self.ledger.now = scope.now;
        if let Some(Socket::Tcp(handle)) = woken {
            self.live.serve(handle, &self.plan.talk, scope, &mut self.ledger);
        }
        let begins = *self.begins.get_or_insert(scope.now + self.plan.delay);
        if begins > scope.now {
            scope.wake_at(begins, None);
            return;
        }
        let now = scope.now;
        while self.live.len() < self.plan.parallel.max(1) as usize
            && self.ledger.opened < self.plan.connections
            && self.begins.is_some_and(|begins| begins <= now)
        {
            self.open(scope);
        }
    }

    fn open(&mut self, scope: &mut Scope<'_>) {
        let number = self.ledger.opened;
        let any: IpAddr =
            if self.plan.remote.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let local = self.plan.local_port.map(|port| SocketAddr::new(any, port));
        let options = ConnectOptions { local, ..ConnectOptions::default() };
        let connected = scope.stack.tcp_connect(scope.now, self.plan.remote, options);
        if let Ok(handle) = connected {
            self.ledger.opened += 1;
            self.ledger.began.get_or_insert(scope.world);
            self.live.add(handle, Endpoint::client(self.plan.key, number, scope.now), scope);
        } else {
            // Interfaces may be down, or the port in use: it tries again.
            self.begins = Some(scope.now + RETRY);
            scope.wake_at(scope.now + RETRY, None);
        }
    }

    /// Its host has crashed.
    pub(crate) fn crash(&mut self) {
        self.live.crash(&mut self.ledger);
    }

    /// Resets what is left and opens no more.
    pub(crate) fn stop(&mut self, scope: &mut Scope<'_>) {
        self.plan.connections = self.ledger.opened;
        self.live.abort(scope);
    }
}
