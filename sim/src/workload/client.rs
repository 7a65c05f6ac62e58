//! The client of a TCP workload: opens connections, one after the other or several at once, and has its
//! talk on each.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use tickwire_core::socket::ConnectOptions;
use tickwire_core::time::Duration;
use tickwire_core::{Instant, TcpHandle};

use super::endpoint::{Endpoint, Progress};
use super::ledger::Ledger;
use super::talk::Talk;
use crate::application::{Scope, Socket};
use crate::oracle::Oracle;

/// What a client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientPlan {
    /// Whom it connects to.
    pub remote: SocketAddr,
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
    pub(crate) live: BTreeMap<TcpHandle, Endpoint>,
    pub(crate) ledger: Ledger,
}

impl Client {
    pub(crate) fn new(plan: ClientPlan) -> Client {
        Client { plan, begins: None, live: BTreeMap::new(), ledger: Ledger::default() }
    }

    /// Whether all connections were opened and none is left.
    pub(crate) fn is_done(&self) -> bool {
        self.ledger.opened == self.plan.connections && self.live.is_empty()
    }

    pub(crate) fn advance(&mut self, woken: Option<Socket>, scope: &mut Scope<'_>) {
        self.ledger.now = scope.now;
        if let Some(Socket::Tcp(handle)) = woken {
            self.serve(handle, scope);
        }
        let begins = *self.begins.get_or_insert(scope.now + self.plan.delay);
        if begins > scope.now {
            scope.wake_at(begins, None);
            return;
        }
        while self.live.len() < self.plan.parallel.max(1) as usize && self.ledger.opened < self.plan.connections {
            self.open(scope);
        }
    }

    fn open(&mut self, scope: &mut Scope<'_>) {
        let number = self.ledger.opened;
        self.ledger.opened += 1;
        match scope.stack.tcp_connect(scope.now, self.plan.remote, ConnectOptions::default()) {
            Ok(handle) => {
                self.live.insert(handle, Endpoint::client(self.plan.key, number, scope.now));
                scope.own(Socket::Tcp(handle));
            }
            Err(error) => {
                self.ledger.judge(Oracle::Cause);
                self.ledger.fail(Oracle::Cause, format!("connection {number} could not be opened: {error}"));
                self.ledger.lost += 1;
            }
        }
    }

    fn serve(&mut self, handle: TcpHandle, scope: &mut Scope<'_>) {
        let Some(endpoint) = self.live.get_mut(&handle) else { return };
        let before = (endpoint.sent, endpoint.received);
        let progress = endpoint.advance(&self.plan.talk, scope.stack, handle, scope.now, &mut self.ledger);
        self.ledger.sent += endpoint.sent - before.0;
        self.ledger.received += endpoint.received - before.1;
        scope.settle(handle, endpoint, progress, &mut self.ledger);
        if progress != Progress::Going {
            self.live.remove(&handle);
        }
    }

    /// Its host has crashed.
    pub(crate) fn crash(&mut self) {
        self.ledger.crashed += self.live.len() as u64;
        self.live.clear();
    }

    /// Resets what is left and opens no more.
    pub(crate) fn stop(&mut self, scope: &mut Scope<'_>) {
        self.plan.connections = self.ledger.opened;
        for handle in std::mem::take(&mut self.live).into_keys() {
            scope.abort(handle);
        }
    }
}
