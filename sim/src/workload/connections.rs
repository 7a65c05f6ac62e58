//! The connections of one side of a TCP workload that are neither complete nor lost.

use std::collections::BTreeMap;

use tickwire_core::TcpHandle;

use super::endpoint::{Endpoint, Progress};
use super::ledger::Ledger;
use super::talk::Talk;
use crate::application::{Scope, Socket};

/// Endpoints by their handles.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connections(BTreeMap<TcpHandle, Endpoint>);

impl Connections {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// A connection has begun.
    pub(super) fn add(&mut self, handle: TcpHandle, endpoint: Endpoint, scope: &mut Scope<'_>) {
        self.0.insert(handle, endpoint);
        scope.own(Socket::Tcp(handle));
    }

    /// Goes on with the talk on a connection, as far as that can be.
    pub(super) fn serve(&mut self, handle: TcpHandle, talk: &Talk, scope: &mut Scope<'_>, ledger: &mut Ledger) {
        let Some(endpoint) = self.0.get_mut(&handle) else { return };
        let before = (endpoint.sent, endpoint.received);
        let progress = endpoint.advance(talk, scope.stack, handle, scope.now, ledger);
        ledger.sent += endpoint.sent - before.0;
        ledger.received += endpoint.received - before.1;
        if endpoint.received > before.1 {
            ledger.last = Some(scope.world);
        }
        scope.settle(handle, endpoint, progress, ledger);
        if progress != Progress::Going {
            self.0.remove(&handle);
        }
    }

    /// The host has crashed.
    pub(super) fn crash(&mut self, ledger: &mut Ledger) {
        ledger.crashed += self.0.len() as u64;
        self.0.clear();
    }

    /// Resets them.
    pub(super) fn abort(&mut self, scope: &mut Scope<'_>) {
        for handle in std::mem::take(&mut self.0).into_keys() {
            scope.abort(handle);
        }
    }
}
