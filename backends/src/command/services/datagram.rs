//! What all UDP services share: one socket per address of ours, so that the answer comes from the
//! address that was asked (RFC 1122 section 4.1.3.5).

use std::io;
use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use tickwire_backends::driver::{Context, Service};
use tickwire_core::Instant;
use tickwire_core::error::BindError;
use tickwire_core::event::Event;
use tickwire_core::socket::{UdpHandle, UdpOptions};

/// Ports below this one get no answer: that is where services live, and two of them that answer
/// each other would never stop, once a forged datagram has started them.
const CLIENT_PORT_MIN: u16 = 1024;

/// What a UDP service answers.
pub(super) trait Answer: Send {
    /// The answer to a datagram that arrived at `now`; `None` for none.
    fn answer(&mut self, now: Instant, request: Bytes) -> Option<Bytes>;
}

/// A UDP service on one port.
pub(super) struct DatagramService<A> {
    port: u16,
    answer: A,
    /// A socket for each address that is in use.
    sockets: Vec<(IpAddr, UdpHandle)>,
}

impl<A: Answer> DatagramService<A> {
    pub(super) fn new(port: u16, answer: A) -> DatagramService<A> {
        DatagramService { port, answer, sockets: Vec::new() }
    }

    /// Has a socket for each address that can be used, and for no other.
    fn follow_addresses(&mut self, context: &mut Context<'_>) -> Result<(), BindError> {
        let all = context.stack.interfaces().flat_map(|interface| interface.addresses.iter());
        let usable: Vec<IpAddr> = all.filter(|own| own.state.is_assigned()).map(|own| own.address).collect();
        let (kept, gone) = self.sockets.drain(..).partition(|(address, _)| usable.contains(address));
        self.sockets = kept;
        let gone: Vec<(IpAddr, UdpHandle)> = gone;
        for (_, handle) in gone {
            // A handle that is stale already is let go of.
            let _ = context.udp_release(handle);
        }
        for address in usable {
            if self.sockets.iter().all(|(bound, _)| *bound != address) {
                let handle = context.udp_bind(SocketAddr::new(address, self.port), UdpOptions::default())?;
                self.sockets.push((address, handle));
            }
        }
        Ok(())
    }

    fn serve(&mut self, context: &mut Context<'_>, handle: UdpHandle) {
        let now = context.now;
        let Ok(mut socket) = context.udp(handle) else { return };
        while let Some(received) = socket.recv() {
            if received.from.port() < CLIENT_PORT_MIN {
                continue;
            }
            if let Some(data) = self.answer.answer(now, received.data) {
                // An answer that cannot be sent now is lost, as any datagram may be.
                let _ = socket.send(now, &data, Some(received.from));
            }
        }
    }
}

impl<A: Answer> Service for DatagramService<A> {
    fn start(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        context.watch_interfaces();
        self.follow_addresses(context).map_err(io::Error::other)
    }

    fn on_event(&mut self, context: &mut Context<'_>, event: Event) {
        match event {
            Event::Udp(handle, _) => self.serve(context, handle),
            Event::Address { .. } => {
                // The port was free at the start, and nobody else is served beside us: what is left is
                // that all sockets are taken, and then this address goes without the service.
                let _ = self.follow_addresses(context);
            }
            _ => {}
        }
    }
}
