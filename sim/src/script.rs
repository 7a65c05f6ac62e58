//! Applications as data: a script is a list of steps, each done before the next begins. It owns one
//! socket at a time. Being data, it can be cloned with its world, printed, and shrunk.

use std::fmt;
use std::net::SocketAddr;

use bytes::Bytes;
use tickwire_core::error::{RecvError, UdpSendError};
use tickwire_core::socket::{ConnectOptions, ListenOptions, TcpHandle, UdpHandle, UdpOptions};
use tickwire_core::tcp::{How, State};
use tickwire_core::time::Duration;
use tickwire_core::{Instant, Stack};

use crate::application::Socket;

/// What an application does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Listens on an address and waits for one TCP connection, which is the script's from then on. The
    /// listener is closed.
    Listen(SocketAddr),
    /// Opens a TCP connection and waits until it is established.
    Connect(SocketAddr),
    /// Hands bytes to TCP, as fast as the send buffer takes them.
    Send(Bytes),
    /// Receives exactly these bytes. Others fail the script.
    Expect(Bytes),
    /// Waits for the end of the stream: the peer's FIN. Data before it fails the script.
    ExpectEnd,
    /// Closes the direction of sending: a FIN behind what was sent.
    Shutdown,
    /// Closes the connection and lets go of it; the stack finishes it alone.
    Close,
    /// Resets the connection.
    Abort,
    /// Opens a UDP socket on an address; port 0 is an ephemeral one.
    Bind(SocketAddr),
    /// Sends a datagram.
    SendTo(SocketAddr, Bytes),
    /// Receives a datagram of exactly these bytes. Others fail the script.
    ExpectFrom(Bytes),
    /// Sends a datagram to the sender of the last one received.
    Reply(Bytes),
    /// Does nothing for so long.
    Wait(Duration),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Listen(local) => write!(f, "listen {local}"),
            Step::Connect(remote) => write!(f, "connect {remote}"),
            Step::Send(data) => write!(f, "send {} bytes", data.len()),
            Step::Expect(data) => write!(f, "expect {} bytes", data.len()),
            Step::ExpectEnd => f.write_str("expect the end"),
            Step::Shutdown => f.write_str("shutdown"),
            Step::Close => f.write_str("close"),
            Step::Abort => f.write_str("abort"),
            Step::Bind(local) => write!(f, "bind {local}"),
            Step::SendTo(to, data) => write!(f, "send {} bytes to {to}", data.len()),
            Step::ExpectFrom(data) => write!(f, "expect a datagram of {} bytes", data.len()),
            Step::Reply(data) => write!(f, "reply {} bytes", data.len()),
            Step::Wait(duration) => write!(f, "wait {} ns", duration.as_nanos()),
        }
    }
}

/// How far a script got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It waits for its socket.
    Blocked,
    /// It waits for a time.
    Until(Instant),
    /// All steps are done.
    Done,
    /// It could not go on.
    Failed(String),
}

/// Why a step is not done.
enum Stop {
    Blocked,
    Until(Instant),
    Failed(String),
}

impl Stop {
    fn because(error: impl fmt::Display) -> Stop {
        Stop::Failed(error.to_string())
    }
}

/// A running script.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    steps: Vec<Step>,
    /// The step that is being done.
    pub(crate) step: usize,
    /// Bytes of the step that were dealt with.
    bytes_done: usize,
    pub(crate) socket: Option<Socket>,
    /// Who sent the last datagram.
    sender: Option<SocketAddr>,
    wakes_at: Option<Instant>,
}

impl Script {
    pub(crate) fn new(steps: Vec<Step>) -> Script {
        Script { steps, step: 0, bytes_done: 0, socket: None, sender: None, wakes_at: None }
    }

    /// What was still to do is lost: its host has crashed.
    pub(crate) fn crash(&mut self) {
        self.steps.truncate(self.step);
        self.socket = None;
    }

    /// The step that is being done; `None` once all are.
    pub(crate) fn current(&self) -> Option<&Step> {
        self.steps.get(self.step)
    }

    /// Does as many steps as can be done at `now`.
    pub(crate) fn advance(&mut self, stack: &mut Stack, now: Instant) -> Progress {
        while let Some(step) = self.steps.get(self.step).cloned() {
            match self.perform(&step, stack, now) {
                Ok(()) => {
                    self.step += 1;
                    self.bytes_done = 0;
                }
                Err(Stop::Blocked) => return Progress::Blocked,
                Err(Stop::Until(at)) => return Progress::Until(at),
                Err(Stop::Failed(what)) => return Progress::Failed(format!("{step}: {what}")),
            }
        }
        Progress::Done
    }

    fn perform(&mut self, step: &Step, stack: &mut Stack, now: Instant) -> Result<(), Stop> {
        match step {
            Step::Listen(local) => self.listen(*local, stack, now),
            Step::Connect(remote) => self.connect(*remote, stack, now),
            Step::Send(data) => self.send(data, stack, now),
            Step::Expect(data) => self.expect(data, stack, now),
            Step::ExpectEnd => self.expect_end(stack, now),
            Step::Shutdown => {
                let handle = self.tcp()?;
                stack.tcp(handle).map_err(Stop::because)?.shutdown(now, How::Write);
                Ok(())
            }
            Step::Close => {
                let handle = self.tcp()?;
                stack.tcp(handle).map_err(Stop::because)?.close(now);
                self.socket = None;
                stack.tcp_release(now, handle).map_err(Stop::because)
            }
            Step::Abort => {
                let handle = self.tcp()?;
                stack.tcp(handle).map_err(Stop::because)?.abort(now);
                self.socket = None;
                stack.tcp_release(now, handle).map_err(Stop::because)
            }
            Step::Bind(local) => {
                let handle = stack.udp_bind(*local, UdpOptions::default()).map_err(Stop::because)?;
                self.socket = Some(Socket::Udp(handle));
                Ok(())
            }
            Step::SendTo(to, data) => self.send_to(*to, data, stack, now),
            Step::ExpectFrom(data) => self.expect_from(data, stack),
            Step::Reply(data) => {
                let to = self.sender.ok_or_else(|| Stop::because("no datagram was received"))?;
                self.send_to(to, data, stack, now)
            }
            Step::Wait(duration) => match *self.wakes_at.get_or_insert(now + *duration) {
                at if at > now => Err(Stop::Until(at)),
                _ => {
                    self.wakes_at = None;
                    Ok(())
                }
            },
        }
    }

    fn tcp(&self) -> Result<TcpHandle, Stop> {
        match self.socket {
            Some(Socket::Tcp(handle)) => Ok(handle),
            _ => Err(Stop::because("the script has no TCP connection")),
        }
    }

    fn udp(&self) -> Result<UdpHandle, Stop> {
        match self.socket {
            Some(Socket::Udp(handle)) => Ok(handle),
            _ => Err(Stop::because("the script has no UDP socket")),
        }
    }

    fn listen(&mut self, local: SocketAddr, stack: &mut Stack, now: Instant) -> Result<(), Stop> {
        let listener = match self.socket {
            Some(Socket::Listener(listener)) => listener,
            _ => stack.tcp_listen(local, ListenOptions::default()).map_err(Stop::because)?,
        };
        self.socket = Some(Socket::Listener(listener));
        let accepted = stack.tcp_accept(now, listener).map_err(Stop::because)?;
        self.socket = Some(Socket::Tcp(accepted.ok_or(Stop::Blocked)?));
        stack.tcp_listener_close(now, listener).map_err(Stop::because)
    }

    fn connect(&mut self, remote: SocketAddr, stack: &mut Stack, now: Instant) -> Result<(), Stop> {
        let handle = match self.socket {
            Some(Socket::Tcp(handle)) => handle,
            _ => stack.tcp_connect(now, remote, ConnectOptions::default()).map_err(Stop::because)?,
        };
        self.socket = Some(Socket::Tcp(handle));
        let mut socket = stack.tcp(handle).map_err(Stop::because)?;
        match socket.state() {
            State::SynSent | State::SynReceived => Err(Stop::Blocked),
            State::Closed => Err(socket.take_error().map_or_else(|| Stop::because("closed"), Stop::because)),
            _ => Ok(()),
        }
    }

    fn send(&mut self, data: &Bytes, stack: &mut Stack, now: Instant) -> Result<(), Stop> {
        let mut socket = stack.tcp(self.tcp()?).map_err(Stop::because)?;
        while self.bytes_done < data.len() {
            match socket.send(now, &data[self.bytes_done..]).map_err(Stop::because)? {
                0 => return Err(Stop::Blocked),
                sent => self.bytes_done += sent,
            }
        }
        Ok(())
    }

    fn expect(&mut self, data: &Bytes, stack: &mut Stack, now: Instant) -> Result<(), Stop> {
        let mut socket = stack.tcp(self.tcp()?).map_err(Stop::because)?;
        while self.bytes_done < data.len() {
            let wanted = &data[self.bytes_done..];
            let received = match socket.recv_bytes(now, wanted.len()) {
                Ok(received) => received,
                Err(RecvError::WouldBlock) => return Err(Stop::Blocked),
                Err(error) => return Err(Stop::because(error)),
            };
            if received.is_empty() {
                return Err(Stop::Failed(format!("the stream ended after {} bytes", self.bytes_done)));
            }
            if received != wanted[..received.len()]
                && let Some(at) = received.iter().zip(wanted).position(|(got, wanted)| got != wanted)
            {
                let (offset, wanted, got) = (self.bytes_done + at, wanted[at], received[at]);
                return Err(Stop::Failed(format!("byte {offset} is 0x{got:02x}, expected 0x{wanted:02x}")));
            }
            self.bytes_done += received.len();
        }
        Ok(())
    }

    fn expect_end(&mut self, stack: &mut Stack, now: Instant) -> Result<(), Stop> {
        let mut socket = stack.tcp(self.tcp()?).map_err(Stop::because)?;
        match socket.recv_bytes(now, usize::from(u16::MAX)) {
            Ok(received) if received.is_empty() => Ok(()),
            Ok(received) => Err(Stop::Failed(format!("{} bytes more", received.len()))),
            Err(RecvError::WouldBlock) => Err(Stop::Blocked),
            Err(error) => Err(Stop::because(error)),
        }
    }

    fn send_to(&mut self, to: SocketAddr, data: &Bytes, stack: &mut Stack, now: Instant) -> Result<(), Stop> {
        let mut socket = stack.udp(self.udp()?).map_err(Stop::because)?;
        match socket.send(now, data, Some(to)) {
            Err(UdpSendError::WouldBlock) => Err(Stop::Blocked),
            result => result.map_err(Stop::because),
        }
    }

    fn expect_from(&mut self, data: &Bytes, stack: &mut Stack) -> Result<(), Stop> {
        let mut socket = stack.udp(self.udp()?).map_err(Stop::because)?;
        if let Some(error) = socket.take_error() {
            return Err(Stop::because(error));
        }
        let received = socket.recv().ok_or(Stop::Blocked)?;
        self.sender = Some(received.from);
        if received.data == *data {
            return Ok(());
        }
        Err(Stop::Failed(format!("a datagram of {} other bytes from {}", received.data.len(), received.from)))
    }
}
