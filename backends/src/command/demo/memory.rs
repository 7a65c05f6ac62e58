//! A second stack as the other side, over the memory pair: where no kernel can be had.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tickwire_backends::driver::{Driver, DriverError, Loop, random_hardware_address};
use tickwire_backends::net::{TcpStream, UdpSocket};
use tickwire_backends::pair::PairDevice;
use tickwire_core::Config;

use super::side::{Connection, Datagrams, PATIENCE, Side};
use super::{PEER_ADDRESSES, STACK, probe, tasks};

/// The second stack.
pub(super) struct Memory {
    driver: Driver,
    /// What the probe measured before the stack took over its end of the link.
    pings: BTreeMap<IpAddr, Vec<Duration>>,
}

impl Memory {
    /// Pings the other end by hand, then puts a stack on this one.
    pub(super) fn start(device: PairDevice) -> Result<Memory, String> {
        let hardware_address = random_hardware_address().map_err(|error| format!("get entropy: {error}"))?;
        let mut pings = BTreeMap::new();
        for to in STACK {
            let times = probe::ping(&device, hardware_address, to, tasks::PINGS);
            pings.insert(to, times.map_err(|error| format!("ping {to}: {error}"))?);
        }
        let start = || -> Result<Driver, DriverError> {
            let mut turns = Loop::new(Config::default(), None)?;
            turns.add_device(device, hardware_address, &PEER_ADDRESSES)?;
            Driver::spawn(turns)
        };
        let driver = start().map_err(|error| format!("start the second stack: {error}"))?;
        Ok(Memory { driver, pings })
    }
}

impl Side for Memory {
    fn ping(&self, to: IpAddr, count: u16) -> io::Result<Vec<Duration>> {
        let times = self.pings.get(&to).ok_or(io::ErrorKind::HostUnreachable)?;
        Ok(times.iter().take(count.into()).copied().collect())
    }

    fn connect(&self, to: SocketAddr) -> io::Result<Box<dyn Connection>> {
        let stream = TcpStream::connect_timeout(&self.driver.handle(), &to, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Box::new(stream))
    }

    fn datagrams(&self, to: SocketAddr) -> io::Result<Box<dyn Datagrams>> {
        let any: IpAddr = if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let socket = UdpSocket::bind(&self.driver.handle(), (any, 0))?;
        socket.connect(to)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        Ok(Box::new(socket))
    }
}
