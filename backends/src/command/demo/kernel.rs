//! The Linux kernel as the other side: its own sockets, and a raw one for pings.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, ipproto, recv, sendto, socket_with};
use tickwire_core::wire::icmpv4::{self, Icmpv4Header, Icmpv4Message};
use tickwire_core::wire::icmpv6::{Icmpv6Header, Icmpv6Message};
use tickwire_core::wire::ipv4::Ipv4Packet;

use super::side::{Connection, Datagrams, PATIENCE, Side};

/// The data of an echo request: 56 bytes, as ping(8) sends.
pub(super) const ECHO_DATA: [u8; 56] = *b"tickwire: what is sent here comes back as it was, or not";

/// The kernel of the namespace that this thread is in.
pub(super) struct Kernel;

impl Side for Kernel {
    fn ping(&self, to: IpAddr, count: u16) -> io::Result<Vec<Duration>> {
        let id = std::process::id() as u16;
        let socket = raw_socket(to)?;
        (1..=count).map(|seq| echo(&socket, to, id, seq)).collect()
    }

    fn connect(&self, to: SocketAddr) -> io::Result<Box<dyn Connection>> {
        let stream = TcpStream::connect_timeout(&to, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Box::new(stream))
    }

    fn datagrams(&self, to: SocketAddr) -> io::Result<Box<dyn Datagrams>> {
        let any: IpAddr = if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let socket = UdpSocket::bind((any, 0))?;
        socket.connect(to)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        Ok(Box::new(socket))
    }
}

fn raw_socket(to: IpAddr) -> io::Result<OwnedFd> {
    let (family, protocol) = match to {
        IpAddr::V4(_) => (AddressFamily::INET, ipproto::ICMP),
        IpAddr::V6(_) => (AddressFamily::INET6, ipproto::ICMPV6),
    };
    let socket = socket_with(family, SocketType::RAW, SocketFlags::CLOEXEC, Some(protocol))?;
    set_socket_timeout(&socket, Timeout::Recv, Some(PATIENCE))?;
    Ok(socket)
}

/// One echo request and the wait for its reply.
fn echo(socket: &OwnedFd, to: IpAddr, id: u16, seq: u16) -> io::Result<Duration> {
    let mut message = Vec::with_capacity(64);
    match to {
        IpAddr::V4(_) => Icmpv4Header::EchoRequest { id, seq }.emit(&mut message),
        // The kernel computes the checksum of what a raw ICMPv6 socket sends (RFC 3542 section 3.1).
        IpAddr::V6(_) => Icmpv6Header::EchoRequest { id, seq }.emit(&mut message),
    }
    message.extend_from_slice(&ECHO_DATA);
    if to.is_ipv4() {
        icmpv4::fill_checksum(&mut message);
    }
    let began = Instant::now();
    sendto(socket, &message, SendFlags::empty(), &SocketAddr::new(to, 0))?;
    let mut buf = [0; 2048];
    loop {
        let (_, len) = recv(socket, &mut buf[..], RecvFlags::empty())?;
        let elapsed = began.elapsed();
        let received = buf.get(..len).unwrap_or_default();
        if is_reply(to, received, id, seq) {
            return Ok(elapsed);
        }
        if elapsed > PATIENCE {
            return Err(io::ErrorKind::TimedOut.into());
        }
    }
}

/// A raw IPv4 socket gives the whole packet (raw(7)), a raw IPv6 one the message only.
fn is_reply(from: IpAddr, received: &[u8], id: u16, seq: u16) -> bool {
    match from {
        IpAddr::V4(from) => Ipv4Packet::parse(received).is_ok_and(|packet| {
            packet.src() == from
                && Icmpv4Message::parse(packet.payload()).is_ok_and(|message| {
                    message.header() == Icmpv4Header::EchoReply { id, seq } && message.payload() == ECHO_DATA
                })
        }),
        IpAddr::V6(_) => Icmpv6Message::parse(received).is_ok_and(|message| {
            message.header() == Icmpv6Header::EchoReply { id, seq } && message.payload() == ECHO_DATA
        }),
    }
}
