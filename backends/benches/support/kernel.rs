//! The other end of the TAP: blocking sockets of the kernel, in threads of their own.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::exit;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::net::sockopt::{self, Timeout};
use rustix::net::{AddressFamily, SocketType, connect, ipproto, socket};

/// Bytes that arrived at the receiving application, between the first and the last.
pub(crate) struct Meter {
    pub(crate) bytes: u64,
    pub(crate) elapsed: Duration,
}

impl Meter {
    /// Gbit/s of payload.
    pub(crate) fn rate_gbps(&self) -> f64 {
        self.bytes as f64 * 8.0 / self.elapsed.as_nanos() as f64
    }
}

/// Runs the kernel's side in a thread. If it fails, the whole program ends with the reason: the
/// stack on the other side would wait for ever.
pub(crate) fn spawn<T: Send + 'static>(peer: impl FnOnce() -> io::Result<T> + Send + 'static) -> JoinHandle<T> {
    thread::spawn(move || {
        peer().unwrap_or_else(|error| {
            eprintln!("the kernel's side: {error}");
            exit(1)
        })
    })
}

/// A connection from the kernel with CUBIC, set before the handshake: a socket that was ever under
/// the system's default BBR keeps that one's pacing.
pub(crate) fn dial(address: Ipv4Addr, port: u16) -> io::Result<TcpStream> {
    let fd = socket(AddressFamily::INET, SocketType::STREAM, Some(ipproto::TCP))?;
    sockopt::set_tcp_congestion(&fd, "cubic")?;
    // Also limits connect(): a stack that does not answer is an error, not a program that hangs.
    let patience = Some(Duration::from_secs(10));
    sockopt::set_socket_timeout(&fd, Timeout::Send, patience)?;
    sockopt::set_socket_timeout(&fd, Timeout::Recv, patience)?;
    connect(&fd, &SocketAddr::from((address, port)))?;
    Ok(TcpStream::from(fd))
}

/// Sends for `run_time`, ends its direction and waits until the stack has ended the other.
pub(crate) fn source(mut stream: TcpStream, run_time: Duration) -> io::Result<()> {
    let data = vec![0x5a; 256 * 1024];
    let begun = Instant::now();
    while begun.elapsed() < run_time {
        stream.write_all(&data)?;
    }
    stream.shutdown(Shutdown::Write)?;
    match stream.read(&mut [0; 64]) {
        Ok(0) => Ok(()),
        Ok(_) => Err(io::Error::other("the sink sent data")),
        Err(error) => Err(error),
    }
}

/// Reads for `run_time` from the first byte on, then drops the connection with data unread, which
/// resets it (RFC 2525 section 2.17).
pub(crate) fn sink(mut stream: TcpStream, run_time: Duration) -> io::Result<Meter> {
    let mut buffer = vec![0; 256 * 1024];
    read_some(&mut stream, &mut buffer)?;
    let begun = Instant::now();
    let mut bytes = 0;
    while begun.elapsed() < run_time {
        bytes += read_some(&mut stream, &mut buffer)? as u64;
    }
    Ok(Meter { bytes, elapsed: begun.elapsed() })
}

fn read_some(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    match stream.read(buffer)? {
        0 => Err(ErrorKind::UnexpectedEof.into()),
        length => Ok(length),
    }
}

/// Sends one byte and waits for it to come back, for `run_time`; nanoseconds of each round trip.
pub(crate) fn round_trips(mut stream: TcpStream, run_time: Duration) -> io::Result<Vec<u64>> {
    const WARM_UP: usize = 1_000;
    stream.set_nodelay(true)?;
    let mut byte = [0x5a];
    for _ in 0..WARM_UP {
        stream.write_all(&byte)?;
        stream.read_exact(&mut byte)?;
    }
    let mut trips = Vec::with_capacity(1 << 20);
    let begun = Instant::now();
    let mut last = begun;
    while last - begun < run_time {
        stream.write_all(&byte)?;
        stream.read_exact(&mut byte)?;
        let now = Instant::now();
        trips.push((now - last).as_nanos() as u64);
        last = now;
    }
    Ok(trips)
}

/// Echoes what one connection sends, until that ends its direction.
pub(crate) fn echo(listener: &TcpListener) -> io::Result<()> {
    let (mut stream, _) = listener.accept()?;
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            length => stream.write_all(&buffer[..length])?,
        }
    }
}
