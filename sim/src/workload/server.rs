//! The server of a TCP workload: accepts whatever connects, and has its talk with each.

use std::net::SocketAddr;

use tickwire_core::error::ListenError;
use tickwire_core::socket::{ListenOptions, ListenerHandle};

use super::connections::Connections;
use super::endpoint::Endpoint;
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
    pub(crate) live: Connections,
    pub(crate) ledger: Ledger,
}

impl Server {
    pub(crate) fn new(plan: ServerPlan) -> Server {
        Server { plan, listener: None, stopped: false, live: Connections::default(), ledger: Ledger::default() }
    }

    pub(crate) fn advance(&mut self, woken: Option<Socket>, scope: &mut Scope<'_>) {
        self.ledger.now = scope.now;
        match woken {
            Some(Socket::Tcp(handle)) => self.live.serve(handle, &self.plan.talk, scope, &mut self.ledger),
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
            // It is still being verified, or was given up: an event will tell.
            Err(ListenError::AddressNotAvailable) => {}
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
            self.ledger.began.get_or_insert(scope.world);
            self.live.add(handle, Endpoint::server(self.plan.key, scope.now), scope);
            // What arrived before it was accepted has been told to nobody.
            self.live.serve(handle, &self.plan.talk, scope, &mut self.ledger);
        }
    }

    /// Its host has crashed.
    pub(crate) fn crash(&mut self) {
        self.live.crash(&mut self.ledger);
        self.listener = None;
    }

    /// Resets what is left and listens no more.
    pub(crate) fn stop(&mut self, scope: &mut Scope<'_>) {
        self.stopped = true;
        self.live.abort(scope);
        if let Some(listener) = self.listener.take() {
            scope.disown(Socket::Listener(listener));
            // It is there: nobody else closes it.
            let _ = scope.stack.tcp_listener_close(scope.now, listener);
        }
    }
}
