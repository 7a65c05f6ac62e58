//! The orderly end: close what is open, wait for the peers, reset what is left.

use std::time::Duration;

use tickwire_core::socket::TcpHandle;
use tickwire_core::stack::TcpEntry;
use tickwire_core::tcp::State as TcpState;
use tickwire_core::{Instant, Stack};

use super::DriverError;
use super::service::Context;
use super::state::State;
use super::turn::Loop;

/// Turns after the last reset, so that it gets out also if a device is slow: at 1 ms each.
const LAST_TURNS: u32 = 50;

/// How the connections of a driver ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShutdownReport {
    /// Connections that were closed, with the peer's agreement.
    pub closed: usize,
    /// Connections that were reset because their time was up.
    pub reset: usize,
}

impl Loop {
    /// Stops listening, closes all connections, and turns until their peers have closed too, at
    /// most for `within`; then resets what is left. All socket calls fail with `ENETDOWN` from here on.
    ///
    /// # Errors
    ///
    /// As [`Loop::turn`].
    pub fn shutdown(&mut self, within: Duration) -> Result<ShutdownReport, DriverError> {
        self.close_all();
        self.shared.end_calls();
        let open = self.open_connections().len();
        let until = self.now() + within;
        let stragglers = loop {
            let left = until.since(self.now());
            let connections = self.open_connections();
            if left.is_zero() || connections.is_empty() {
                break connections;
            }
            self.turn(Some(left))?;
        };
        self.handle().with(Stack::tcp_abort_all);
        for _ in 0..LAST_TURNS {
            if self.shared.lock().is_drained() {
                break;
            }
            self.turn(Some(Duration::from_millis(1)))?;
        }
        Ok(ShutdownReport { closed: open.saturating_sub(stragglers.len()), reset: stragglers.len() })
    }

    fn close_all(&mut self) {
        let services = &mut self.services;
        let handle = super::StackHandle { shared: std::sync::Arc::clone(&self.shared) };
        handle.call(|state, now| {
            let State { stack, owners, .. } = state;
            for (number, service) in services.iter_mut().enumerate() {
                service.stop(&mut Context { stack, now, owners, service: number });
            }
            state.close_sockets(now);
        });
    }

    fn open_connections(&self) -> Vec<TcpHandle> {
        self.shared.lock().open_connections()
    }
}

impl State {
    fn close_sockets(&mut self, now: Instant) {
        for listener in self.waiters.listeners().chain(self.owners.listeners.keys()) {
            // A stale handle is of a listener that is closed already.
            let _ = self.stack.tcp_listener_close(now, listener);
        }
        for connection in self.open_connections() {
            if let Ok(mut socket) = self.stack.tcp(connection) {
                socket.close(now);
            }
        }
    }

    /// Connections that their peer may still expect something of, those that were released included.
    /// TIME-WAIT is over for the peer.
    fn open_connections(&self) -> Vec<TcpHandle> {
        let open = |entry: &TcpEntry| !matches!(entry.state, TcpState::Closed | TcpState::TimeWait);
        self.stack.tcp_sockets().filter(open).map(|entry| entry.handle).collect()
    }

    /// Whether all that there was to send has left.
    fn is_drained(&self) -> bool {
        !self.is_blocked() && self.stack.interfaces_ready().next().is_none()
    }
}
