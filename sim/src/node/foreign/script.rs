//! The steps of an application on a foreign host.

use std::fmt;
use std::net::SocketAddr;

use bytes::Bytes;
use smoltcp::iface::{Interface, SocketHandle, SocketSet};
use smoltcp::socket::{AnySocket as _, Socket, tcp};
use smoltcp::wire::{IpEndpoint, IpListenEndpoint};
use tickwire_core::Instant;

use crate::node::Standing;
use crate::script::Step;

/// The first of the ephemeral ports (RFC 6335 section 6).
const EPHEMERAL: u16 = 49_152;

/// A script at work.
pub(super) struct Script {
    steps: Vec<Step>,
    /// The step that is being done.
    step: usize,
    /// Bytes of the step that were dealt with.
    bytes_done: usize,
    socket: Option<SocketHandle>,
    wakes_at: Option<Instant>,
    /// Why it cannot go on, and whether that is for what has arrived.
    failure: Option<(bool, String)>,
}

/// Why a step is not done.
enum Stop {
    Blocked,
    /// What has arrived is not what was expected.
    Spoiled(String),
    Failed(String),
}

impl Stop {
    fn because(what: impl fmt::Display) -> Stop {
        Stop::Failed(what.to_string())
    }
}

/// What a step works with.
struct Place<'a> {
    now: Instant,
    buffer: usize,
    interface: &'a mut Interface,
    sockets: &'a mut SocketSet<'static>,
}

impl Script {
    pub(super) fn new(steps: Vec<Step>) -> Script {
        Script { steps, step: 0, bytes_done: 0, socket: None, wakes_at: None, failure: None }
    }

    /// The step that it is at, and what keeps it there; `None` if all are done.
    pub(super) fn failure(&self) -> Option<(usize, String)> {
        let step = self.steps.get(self.step)?;
        let what = self.failure.as_ref().map_or("still waiting", |(_, what)| what);
        Some((self.step, format!("{step}: {what}")))
    }

    pub(super) fn standing(&self) -> Standing {
        match (self.failure(), &self.failure) {
            (None, _) => Standing::Done,
            (Some((_, what)), None) => Standing::Waits(what),
            (Some((_, what)), Some((true, _))) => Standing::Spoiled(what),
            (Some((_, what)), Some((false, _))) => Standing::Failed(what),
        }
    }

    /// Resets its connection.
    pub(super) fn stop(self, sockets: &mut SocketSet<'static>) {
        if let Some(handle) = self.socket {
            sockets.get_mut::<tcp::Socket<'static>>(handle).abort();
        }
    }

    pub(super) fn wakes_at(&self) -> Option<Instant> {
        self.wakes_at
    }

    /// Does as many steps as can be done. Returns whether anything was done.
    pub(super) fn advance(
        &mut self,
        now: Instant,
        buffer: usize,
        interface: &mut Interface,
        sockets: &mut SocketSet<'static>,
    ) -> bool {
        let mut place = Place { now, buffer, interface, sockets };
        let before = (self.step, self.bytes_done, self.socket);
        while let (Some(step), None) = (self.steps.get(self.step).cloned(), &self.failure) {
            match self.perform(&step, &mut place) {
                Ok(()) => {
                    self.step += 1;
                    self.bytes_done = 0;
                }
                Err(Stop::Blocked) => break,
                Err(Stop::Spoiled(what)) => self.failure = Some((true, what)),
                Err(Stop::Failed(what)) => self.failure = Some((false, what)),
            }
        }
        before != (self.step, self.bytes_done, self.socket)
    }

    fn perform(&mut self, step: &Step, place: &mut Place<'_>) -> Result<(), Stop> {
        match step {
            Step::Listen(local) => self.listen(*local, place),
            Step::Connect(remote) => self.connect(*remote, place),
            Step::Send(data) => self.send(data, place),
            Step::Expect(data) => self.expect(data, place),
            Step::ExpectEnd => match self.socket(place)?.recv(|bytes| (0, bytes.len())) {
                Err(tcp::RecvError::Finished) => Ok(()),
                Err(error) => Err(Stop::because(error)),
                Ok(0) => Err(Stop::Blocked),
                Ok(bytes) => Err(Stop::Spoiled(format!("{bytes} bytes more"))),
            },
            Step::Shutdown => {
                self.socket(place)?.close();
                Ok(())
            }
            Step::Close => {
                self.socket(place)?.close();
                self.socket = None;
                Ok(())
            }
            Step::Abort => {
                self.socket(place)?.abort();
                self.socket = None;
                Ok(())
            }
            Step::Wait(duration) => match *self.wakes_at.get_or_insert(place.now + *duration) {
                at if at > place.now => Err(Stop::Blocked),
                _ => {
                    self.wakes_at = None;
                    Ok(())
                }
            },
            _ => Err(Stop::because("a foreign host speaks TCP only")),
        }
    }

    fn socket<'a>(&self, place: &'a mut Place<'_>) -> Result<&'a mut tcp::Socket<'static>, Stop> {
        let handle = self.socket.ok_or_else(|| Stop::because("the script has no TCP connection"))?;
        Ok(place.sockets.get_mut::<tcp::Socket<'static>>(handle))
    }

    fn open(&mut self, place: &mut Place<'_>) -> SocketHandle {
        let buffer = || tcp::SocketBuffer::new(vec![0; place.buffer]);
        let handle = place.sockets.add(tcp::Socket::new(buffer(), buffer()));
        self.socket = Some(handle);
        handle
    }

    fn listen(&mut self, local: SocketAddr, place: &mut Place<'_>) -> Result<(), Stop> {
        if self.socket.is_none() {
            let handle = self.open(place);
            let addr = Some(local.ip()).filter(|ip| !ip.is_unspecified()).map(Into::into);
            let endpoint = IpListenEndpoint { addr, port: local.port() };
            place.sockets.get_mut::<tcp::Socket<'static>>(handle).listen(endpoint).map_err(Stop::because)?;
        }
        match self.socket(place)?.state() {
            tcp::State::Listen | tcp::State::SynReceived => Err(Stop::Blocked),
            _ => Ok(()),
        }
    }

    fn connect(&mut self, remote: SocketAddr, place: &mut Place<'_>) -> Result<(), Stop> {
        if self.socket.is_none() {
            let port = free_port(place.sockets);
            let handle = self.open(place);
            let remote = IpEndpoint::new(remote.ip().into(), remote.port());
            let socket = place.sockets.get_mut::<tcp::Socket<'static>>(handle);
            socket.connect(place.interface.context(), remote, port).map_err(Stop::because)?;
        }
        match self.socket(place)?.state() {
            tcp::State::SynSent | tcp::State::SynReceived => Err(Stop::Blocked),
            tcp::State::Closed => Err(Stop::because("closed")),
            _ => Ok(()),
        }
    }

    fn send(&mut self, data: &Bytes, place: &mut Place<'_>) -> Result<(), Stop> {
        while self.bytes_done < data.len() {
            match self.socket(place)?.send_slice(&data[self.bytes_done..]).map_err(Stop::because)? {
                0 => return Err(Stop::Blocked),
                sent => self.bytes_done += sent,
            }
        }
        Ok(())
    }

    fn expect(&mut self, data: &Bytes, place: &mut Place<'_>) -> Result<(), Stop> {
        while self.bytes_done < data.len() {
            let wanted = &data[self.bytes_done..];
            let received = self.socket(place)?.recv(|bytes| {
                let len = bytes.len().min(wanted.len());
                let same = bytes[..len] == wanted[..len];
                (len, (len, same))
            });
            match received {
                Ok((0, _)) => return Err(Stop::Blocked),
                Ok((len, true)) => self.bytes_done += len,
                Ok((len, false)) => {
                    let (from, to) = (self.bytes_done, self.bytes_done + len);
                    return Err(Stop::Spoiled(format!("of bytes {from} to {to} some are others")));
                }
                Err(error) => return Err(Stop::Failed(format!("{error} after {} bytes", self.bytes_done))),
            }
        }
        Ok(())
    }
}

fn connections<'a>(sockets: &'a SocketSet<'static>) -> impl Iterator<Item = (SocketHandle, &'a tcp::Socket<'static>)> {
    sockets.iter().filter_map(|(handle, socket)| tcp::Socket::downcast(socket).map(|socket| (handle, socket)))
}

/// The first ephemeral port that no socket has.
fn free_port(sockets: &SocketSet<'static>) -> u16 {
    let taken =
        |port| connections(sockets).any(|(_, socket)| socket.local_endpoint().is_some_and(|local| local.port == port));
    (EPHEMERAL..=u16::MAX).find(|port| !taken(*port)).unwrap_or(EPHEMERAL)
}

/// Forgets closed sockets that no script owns.
pub(super) fn bury(sockets: &mut SocketSet<'static>, scripts: &[Script]) {
    let owned = |handle| scripts.iter().any(|script| script.socket == Some(handle));
    let over = |(handle, socket): &(SocketHandle, &tcp::Socket<'static>)| {
        socket.state() == tcp::State::Closed && socket.remote_endpoint().is_none() && !owned(*handle)
    };
    let over: Vec<SocketHandle> = connections(sockets).filter(over).map(|(handle, _)| handle).collect();
    for handle in over {
        let _: Socket<'static> = sockets.remove(handle);
    }
}
