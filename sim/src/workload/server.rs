//! The server of a TCP workload: accepts whatever connects, and has its talk with each.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use tickwire_core::TcpHandle;
use tickwire_core::socket::{ListenOptions, ListenerHandle};

use super::endpoint::{Endpoint, Progress};
use super::ledger::Ledger;
use super::talk::Talk;
use crate::application::{Scope, Socket};
use crate::oracle::Oracle;

/// What a server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerPlan {
    /// Where it listens.
    pub local: SocketAddr,
    /// What is said on each connection.
    pub talk: Talk,
    /// The key of the streams, which the clients have too.
    pub key: u64,
}

/// A server at work.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) plan: ServerPlan,
    listener: Option<ListenerHandle>,
    stopped: bool,
    pub(crate) live: BTreeMap<TcpHandle, Endpoint>,
    pub(crate) ledger: Ledger,
}

impl Server {
    pub(crate) fn new(plan: ServerPlan) -> Server {
        Server { plan, listener: None, stopped: false, live: BTreeMap::new(), ledger: Ledger::default() }
    }

    pub(crate) fn advance(&mut self, woken: Option<Socket>, scope: &mut Scope<'_>) {
        self.ledger.now = scope.now;
        match woken {
            Some(Socket::Tcp(handle)) => self.serve(handle, scope),
            Some(_) => self.accept(scope),
            None if self.listener.is_none() && !self.stopped => self.listen(scope),
            None => {}
        }
    }

    fn listen(&mut self, scope: &mut Scope<'_>) {
        match scope.stack.tcp_listen(self.plan.local, ListenOptions::default()) {
            Ok(listener) => {
                self.listener = Some(listener);
                scope.own(Socket::Listener(listener));
            }
            Err(error) => {
                self.stopped = true;
                self.ledger.fail(Oracle::Cause, format!("cannot listen on {}: {error}", self.plan.local));
            }
        }
    }

    fn accept(&mut self, scope: &mut Scope<'_>) {
        let Some(listener) = self.listener else { return };
        while let Ok(Some(handle)) = scope.stack.tcp_accept(scope.now, listener) {
            self.ledger.opened += 1;
            self.live.insert(handle, Endpoint::server(self.plan.key, scope.now));
            scope.own(Socket::Tcp(handle));
            // What arrived before it was accepted has been told to nobody.
            self.serve(handle, scope);
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
        self.listener = None;
    }

    /// Resets what is left and listens no more.
    pub(crate) fn stop(&mut self, scope: &mut Scope<'_>) {
        self.stopped = true;
        for handle in std::mem::take(&mut self.live).into_keys() {
            scope.abort(handle);
        }
        if let Some(listener) = self.listener.take() {
            scope.disown(Socket::Listener(listener));
            // It is there: nobody else closes it.
            let _ = scope.stack.tcp_listener_close(scope.now, listener);
        }
    }
}
