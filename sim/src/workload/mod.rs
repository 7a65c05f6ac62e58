//! Workloads: applications whose bytes follow from a key, so that everything that arrives is verified where it
//! arrives, and whose course is a value that can be printed, cloned and shrunk.
//!
//! A TCP workload is a [`Talk`] between a client ([`ClientPlan`]) and a server ([`ServerPlan`]): bulk streams in one
//! or both directions, requests and responses, or many short connections. A UDP workload is a source
//! ([`SourcePlan`]) and a sink ([`SinkPlan`]). Each end keeps a [`Ledger`], and judges as it goes:
//!
//! - [`StreamBytes`](crate::oracle::Oracle::StreamBytes): each byte is the one that was sent at its place
//! - [`StreamEnd`](crate::oracle::Oracle::StreamEnd): a stream ends behind its last byte
//! - [`OneError`](crate::oracle::Oracle::OneError): a lost connection tells why, once
//! - [`DatagramBytes`](crate::oracle::Oracle::DatagramBytes): each datagram is one of those sent
//!
//! | module | what |
//! |---|---|
//! | `steps` | a talk as the steps of a script |
//! | `stream` | [`Stream`]: bytes that follow from a key |
//! | `talk` | [`Talk`]: who says how much, and when |
//! | `connections` | those of one side that go on |
//! | `endpoint` | one end of a connection |
//! | `client` | connections, one after the other or several at once |
//! | `server` | whatever connects |
//! | `datagram` | UDP |
//! | `ledger` | [`Ledger`]: what became of it |

mod client;
mod connections;
mod datagram;
mod endpoint;
mod ledger;
mod server;
mod steps;
mod stream;
mod talk;

use tickwire_core::TcpHandle;

pub use client::ClientPlan;
pub use datagram::{SinkPlan, SourcePlan};
pub use ledger::{Finding, KEPT, Ledger, Loss};
pub use server::ServerPlan;
pub use stream::{Mismatch, Stream};
pub use talk::{Closes, SlowReader, Talk};

pub(crate) use client::Client;
pub(crate) use datagram::{Sink, Source};
pub(crate) use server::Server;
pub(crate) use steps::steps;
pub(crate) use talk::Side;

use crate::application::{Scope, Socket};
use endpoint::{Endpoint, Progress};

impl Scope<'_> {
    /// Does with the socket what its end's progress asks for.
    fn settle(&mut self, handle: TcpHandle, endpoint: &Endpoint, progress: Progress, ledger: &mut Ledger) {
        match progress {
            Progress::Going => {
                if let Some(at) = endpoint.wakes_at() {
                    self.wake_at(at, Some(Socket::Tcp(handle)));
                }
                return;
            }
            Progress::Complete => ledger.completed += 1,
            Progress::Lost(error) => {
                let socket = self.stack.tcp(handle).ok();
                let ends = socket.map(|socket| (socket.local(), socket.remote()));
                let (local, remote) = ends.unwrap_or_default();
                let Endpoint { opened, moved, .. } = *endpoint;
                ledger.lose(Loss { local, remote, error, at: self.now, opened, moved });
            }
        }
        self.disown(Socket::Tcp(handle));
        if let Ok(mut socket) = self.stack.tcp(handle) {
            socket.close(self.now);
        }
        // A socket that is stale has been found so already.
        let _ = self.stack.tcp_release(self.now, handle);
    }

    /// Resets a connection and lets go of it.
    fn abort(&mut self, handle: TcpHandle) {
        self.disown(Socket::Tcp(handle));
        if let Ok(mut socket) = self.stack.tcp(handle) {
            socket.abort(self.now);
        }
        // A socket that is stale is gone already.
        let _ = self.stack.tcp_release(self.now, handle);
    }
}
