//! smoltcp's programs on a TAP, as a careful user of it would write them: frames are read into and
//! built in one buffer each that stays in the cache, nothing is allocated or copied on the way.

use std::io;
use std::time::Duration;

use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::tcp::{RecvError, Socket, SocketBuffer};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, IpCidr};

use super::kernel::Meter;
use super::programs::{BULK_PORT, ECHO_PORT, TapPrograms};
use super::tap::{STACK, STACK_MAC, Tap};
use super::{APPLICATION_BUFFER, FRAME_MAX, RX_BATCH};

pub(crate) const PROGRAMS: TapPrograms = TapPrograms { name: "smoltcp 0.14", sink, source, echo };

/// Buffers of the bulk connection, each way.
const BULK_BUFFER: usize = 1024 * 1024;

fn sink(tap: &Tap) -> io::Result<Meter> {
    let mut buffer = vec![0; APPLICATION_BUFFER];
    let mut bytes = 0;
    let mut begun = None;
    let mut elapsed = Duration::ZERO;
    serve(tap, BULK_PORT, BULK_BUFFER, |socket| {
        let mut progress = false;
        loop {
            match socket.recv_slice(&mut buffer) {
                Ok(0) | Err(RecvError::InvalidState) => return progress,
                Ok(length) => {
                    begun.get_or_insert_with(std::time::Instant::now);
                    bytes += length as u64;
                    progress = true;
                }
                Err(RecvError::Finished) => {
                    if let Some(begun) = begun.take() {
                        elapsed = begun.elapsed();
                        socket.close();
                        progress = true;
                    }
                    return progress;
                }
            }
        }
    })?;
    Ok(Meter { bytes, elapsed })
}

fn source(tap: &Tap) -> io::Result<()> {
    let data = vec![0x5a; APPLICATION_BUFFER];
    serve(tap, BULK_PORT, BULK_BUFFER, |socket| {
        let mut progress = false;
        while socket.can_send() {
            progress |= socket.send_slice(&data).is_ok_and(|length| length > 0);
        }
        progress
    })
}

fn echo(tap: &Tap) -> io::Result<()> {
    serve(tap, ECHO_PORT, APPLICATION_BUFFER, |socket| {
        // As TCP_NODELAY on the kernel's side.
        socket.set_nagle_enabled(false);
        let mut progress = false;
        while socket.can_recv() && socket.can_send() {
            let mut byte = [0; 1];
            let length = socket.recv_slice(&mut byte).unwrap_or(0);
            progress |= socket.send_slice(&byte[..length]).is_ok();
        }
        if !socket.may_recv() && socket.may_send() && socket.is_active() {
            socket.close();
            progress = true;
        }
        progress
    })
}

/// Serves one connection on `port`. `application` uses the socket and says whether it did anything.
fn serve(tap: &Tap, port: u16, buffer: usize, mut application: impl FnMut(&mut Socket<'_>) -> bool) -> io::Result<()> {
    let begun = std::time::Instant::now();
    let clock = || Instant::from_micros(begun.elapsed().as_micros() as i64);
    let mut device = TapDevice::new(tap);
    let (mut iface, mut sockets, handle) = stack(&mut device, port, buffer);
    let mut connected = false;
    loop {
        let now = clock();
        device.begin_batch();
        iface.poll(now, &mut device, &mut sockets);
        let socket = sockets.get_mut::<Socket<'_>>(handle);
        if application(socket) {
            iface.poll_egress(now, &mut device, &mut sockets);
        }
        if let Some(error) = device.error.take() {
            return Err(error);
        }
        let socket = sockets.get_mut::<Socket<'_>>(handle);
        connected |= socket.may_send();
        // TIME-WAIT is over for a program that serves one connection.
        if connected && (!socket.is_active() || socket.state() == smoltcp::socket::tcp::State::TimeWait) {
            return Ok(());
        }
        if device.drained {
            let delay = iface.poll_delay(now, &sockets);
            if delay != Some(smoltcp::time::Duration::ZERO) {
                tap.wait(delay.map(Into::into))?;
            }
        }
    }
}

fn stack(device: &mut TapDevice<'_>, port: u16, buffer: usize) -> (Interface, SocketSet<'static>, SocketHandle) {
    let config = Config::new(EthernetAddress(STACK_MAC).into());
    let mut iface = Interface::new(config, device, Instant::ZERO);
    iface.update_ip_addrs(|addresses| {
        addresses.push(IpCidr::new(STACK.into(), 24)).expect("room for one address");
    });
    let buffer = || SocketBuffer::new(vec![0; buffer]);
    let mut socket = Socket::new(buffer(), buffer());
    socket.listen(port).expect("a new socket can listen");
    let mut sockets = SocketSet::new(vec![]);
    let handle = sockets.add(socket);
    (iface, sockets, handle)
}

/// The TAP, as smoltcp sees a device.
struct TapDevice<'a> {
    tap: &'a Tap,
    rx: Box<[u8; FRAME_MAX]>,
    tx: Box<[u8; FRAME_MAX]>,
    /// Frames that may still be read in this batch.
    left: usize,
    /// The last read found nothing.
    drained: bool,
    /// What a read or a write said that was not "nothing there"; smoltcp has no way to pass it on.
    error: Option<io::Error>,
}

impl<'a> TapDevice<'a> {
    fn new(tap: &'a Tap) -> Self {
        let buffer = || Box::new([0; FRAME_MAX]);
        Self { tap, rx: buffer(), tx: buffer(), left: 0, drained: false, error: None }
    }

    fn begin_batch(&mut self) {
        self.left = RX_BATCH;
        self.drained = false;
    }
}

impl Device for TapDevice<'_> {
    type RxToken<'t>
        = Received<'t>
    where
        Self: 't;
    type TxToken<'t>
        = Sender<'t>
    where
        Self: 't;

    #[inline]
    fn receive(&mut self, _now: Instant) -> Option<(Received<'_>, Sender<'_>)> {
        self.left = self.left.checked_sub(1)?;
        match self.tap.read(&mut self.rx[..]) {
            Ok(Some(length)) => {
                let sender = Sender { tap: self.tap, tx: &mut self.tx, error: &mut self.error };
                Some((Received(&self.rx[..length]), sender))
            }
            Ok(None) => {
                self.drained = true;
                None
            }
            Err(error) => {
                self.error = Some(error);
                None
            }
        }
    }

    #[inline]
    fn transmit(&mut self, _now: Instant) -> Option<Sender<'_>> {
        Some(Sender { tap: self.tap, tx: &mut self.tx, error: &mut self.error })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = FRAME_MAX;
        capabilities
    }
}

struct Received<'a>(&'a [u8]);

impl RxToken for Received<'_> {
    #[inline]
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, process: F) -> R {
        process(self.0)
    }
}

struct Sender<'a> {
    tap: &'a Tap,
    tx: &'a mut [u8; FRAME_MAX],
    error: &'a mut Option<io::Error>,
}

impl TxToken for Sender<'_> {
    #[inline]
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, fill: F) -> R {
        let frame = &mut self.tx[..length];
        let result = fill(frame);
        if let Err(error) = self.tap.write(frame) {
            *self.error = Some(error);
        }
        result
    }
}
