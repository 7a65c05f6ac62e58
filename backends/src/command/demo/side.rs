//! The other side of the link, which talks to the stack: what the tasks need of it.

use std::io;
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use tickwire_backends::net;

/// No single wait takes longer: if nothing comes for so long, nothing will.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// A host that has sockets and can ping.
pub(super) trait Side {
    /// The round-trip times of `count` echo requests, one after another; an error if one of them is
    /// not answered.
    fn ping(&self, to: IpAddr, count: u16) -> io::Result<Vec<Duration>>;

    /// Opens a connection, without Nagle's algorithm; all its calls wait at most [`PATIENCE`].
    fn connect(&self, to: SocketAddr) -> io::Result<Box<dyn Connection>>;

    /// Opens a connected UDP socket; all its calls wait at most [`PATIENCE`].
    fn datagrams(&self, to: SocketAddr) -> io::Result<Box<dyn Datagrams>>;
}

/// A TCP connection, whose directions two threads may use.
pub(super) trait Connection: Send + Sync {
    fn read(&self, buf: &mut [u8]) -> io::Result<usize>;
    fn write_all(&self, data: &[u8]) -> io::Result<()>;
    /// Ends the writing direction.
    fn finish(&self) -> io::Result<()>;

    /// Fills `buf`, or fails.
    fn read_exact(&self, buf: &mut [u8]) -> io::Result<()> {
        let mut at = 0;
        while at < buf.len() {
            match self.read(&mut buf[at..])? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => at += count,
            }
        }
        Ok(())
    }
}

/// A connected UDP socket.
pub(super) trait Datagrams {
    fn send(&self, data: &[u8]) -> io::Result<()>;
    fn recv(&self, buf: &mut [u8]) -> io::Result<usize>;
    fn set_patience(&self, patience: Duration) -> io::Result<()>;
}

/// The system's sockets and ours have the same methods: that is the point of ours.
macro_rules! sockets {
    ($stream:ty, $datagrams:ty) => {
        impl Connection for $stream {
            fn read(&self, buf: &mut [u8]) -> io::Result<usize> {
                io::Read::read(&mut &*self, buf)
            }

            fn write_all(&self, data: &[u8]) -> io::Result<()> {
                io::Write::write_all(&mut &*self, data)
            }

            fn finish(&self) -> io::Result<()> {
                self.shutdown(Shutdown::Write)
            }
        }

        impl Datagrams for $datagrams {
            fn send(&self, data: &[u8]) -> io::Result<()> {
                <$datagrams>::send(self, data).map(drop)
            }

            fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
                <$datagrams>::recv(self, buf)
            }

            fn set_patience(&self, patience: Duration) -> io::Result<()> {
                self.set_read_timeout(Some(patience))
            }
        }
    };
}

sockets!(TcpStream, UdpSocket);
sockets!(net::TcpStream, net::UdpSocket);

/// Whether an error says that the time is up.
pub(super) fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}
