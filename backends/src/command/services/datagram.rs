//! What all UDP services share: one socket per address of ours, so that the answer comes from the
//! address that was asked (RFC 1122 section 4.1.3.5).

use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use tickwire_backends::driver::{Context, Service};
use tickwire_core::Instant;
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
}

impl<A: Answer> DatagramService<A> {
    pub(super) fn new(port: u16, answer: A) -> DatagramService<A> {
        DatagramService { port, answer }
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
        let interfaces = context.stack.interfaces();
        let addresses: Vec<_> = interfaces.flat_map(|i| i.addresses.iter().map(|own| own.address)).collect();
        for address in addresses {
            let local = SocketAddr::new(address, self.port);
            context.udp_bind(local, UdpOptions::default()).map_err(io::Error::other)?;
        }
        Ok(())
    }

    fn on_event(&mut self, context: &mut Context<'_>, event: Event) {
        if let Event::Udp(handle, _) = event {
            self.serve(context, handle);
        }
    }
}
