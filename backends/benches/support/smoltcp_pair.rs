//! smoltcp at one end of the virtual link.

use std::net::Ipv4Addr;
use std::time::Duration;

use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::tcp;
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, IpCidr};

use super::pair::{Endpoint, Host, Wire};
use super::{FRAME_MAX, RX_BATCH};

/// First of the ephemeral ports (RFC 6335 section 6).
const EPHEMERAL: u16 = 49_152;

/// A buffer for one frame, reused without being cleared.
pub(crate) struct FrameBuffer {
    data: Box<[u8; FRAME_MAX]>,
    length: usize,
}

impl AsRef<[u8]> for FrameBuffer {
    fn as_ref(&self) -> &[u8] {
        &self.data[..self.length]
    }
}

/// One stack with its sockets.
pub(crate) struct Smoltcp {
    iface: Interface,
    sockets: SocketSet<'static>,
    listener: Option<SocketHandle>,
    port_next: u16,
}

impl Endpoint for Smoltcp {
    type Frame = FrameBuffer;
    type Socket = SocketHandle;

    fn new(host: Host) -> Self {
        let (mut incoming, mut outgoing) = (Wire::new(), Wire::new());
        let mut end = LinkEnd { incoming: &mut incoming, outgoing: &mut outgoing, left: 0 };
        let config = Config::new(EthernetAddress(host.mac).into());
        let mut iface = Interface::new(config, &mut end, Instant::ZERO);
        iface.update_ip_addrs(|addresses| {
            addresses.push(IpCidr::new(host.address.into(), 24)).expect("room for one address");
        });
        Self { iface, sockets: SocketSet::new(vec![]), listener: None, port_next: EPHEMERAL }
    }

    fn listen(&mut self, port: u16, buffer: usize) {
        let mut socket = socket(buffer);
        socket.listen(port).expect("a new socket can listen");
        self.listener = Some(self.sockets.add(socket));
    }

    fn connect(&mut self, _now: Duration, to: Ipv4Addr, port: u16, buffer: usize) -> SocketHandle {
        let mut socket = socket(buffer);
        let local = self.port_next;
        self.port_next += 1;
        socket.connect(self.iface.context(), (to, port), local).expect("a new socket can connect");
        self.sockets.add(socket)
    }

    fn accept(&mut self, _now: Duration) -> Option<SocketHandle> {
        let handle = self.listener?;
        let socket = self.sockets.get::<tcp::Socket<'_>>(handle);
        (socket.state() == tcp::State::Established).then(|| {
            self.listener = None;
            handle
        })
    }

    fn send(&mut self, _now: Duration, socket: SocketHandle, data: &[u8]) -> usize {
        let socket = self.sockets.get_mut::<tcp::Socket<'_>>(socket);
        // Before the handshake is over nothing can be sent.
        socket.send_slice(data).unwrap_or(0)
    }

    fn recv(&mut self, _now: Duration, socket: SocketHandle, data: &mut [u8]) -> usize {
        let socket = self.sockets.get_mut::<tcp::Socket<'_>>(socket);
        socket.recv_slice(data).expect("an open connection")
    }

    fn exchange(&mut self, now: Duration, incoming: &mut Wire<FrameBuffer>, outgoing: &mut Wire<FrameBuffer>) {
        let now = Instant::from_micros(now.as_micros() as i64);
        let mut end = LinkEnd { incoming, outgoing, left: RX_BATCH };
        self.iface.poll(now, &mut end, &mut self.sockets);
    }
}

fn socket(buffer: usize) -> tcp::Socket<'static> {
    let buffer = || tcp::SocketBuffer::new(vec![0; buffer]);
    tcp::Socket::new(buffer(), buffer())
}

/// One end of the link, as smoltcp sees a device; gives `left` more frames.
struct LinkEnd<'a> {
    incoming: &'a mut Wire<FrameBuffer>,
    outgoing: &'a mut Wire<FrameBuffer>,
    left: usize,
}

impl Device for LinkEnd<'_> {
    type RxToken<'t>
        = Received<'t>
    where
        Self: 't;
    type TxToken<'t>
        = Sender<'t>
    where
        Self: 't;

    fn receive(&mut self, _now: Instant) -> Option<(Received<'_>, Sender<'_>)> {
        self.left = self.left.checked_sub(1)?;
        let frame = self.incoming.take()?;
        let received = Received { frame, spare: &mut self.incoming.spare };
        Some((received, Sender { wire: self.outgoing }))
    }

    fn transmit(&mut self, _now: Instant) -> Option<Sender<'_>> {
        Some(Sender { wire: self.outgoing })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = FRAME_MAX;
        capabilities
    }
}

struct Received<'a> {
    frame: FrameBuffer,
    spare: &'a mut Vec<FrameBuffer>,
}

impl RxToken for Received<'_> {
    #[inline]
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, process: F) -> R {
        let result = process(self.frame.as_ref());
        self.spare.push(self.frame);
        result
    }
}

struct Sender<'a> {
    wire: &'a mut Wire<FrameBuffer>,
}

impl TxToken for Sender<'_> {
    #[inline]
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, fill: F) -> R {
        let mut frame =
            self.wire.spare.pop().unwrap_or_else(|| FrameBuffer { data: Box::new([0; FRAME_MAX]), length: 0 });
        frame.length = length;
        let result = fill(&mut frame.data[..length]);
        self.wire.put(frame);
        result
    }
}
