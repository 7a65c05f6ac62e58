//! What the tests have in common: two hosts on a memory pair, and data that tells where it belongs.
//!
//! - [`lab`]: a stack on a TAP beside the kernel
//! - [`far`]: a host of the kernel's in a namespace of its own
#![allow(dead_code, reason = "each test program uses its part")]

#[cfg(target_os = "linux")]
pub(crate) mod far;
#[cfg(target_os = "linux")]
pub(crate) mod lab;

use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown};
use std::thread;
use std::time::Duration;

use tickwire_backends::driver::{Driver, Loop, ShutdownReport, StackHandle};
use tickwire_backends::pair::{self, PairDevice};
use tickwire_core::wire::ethernet::EthernetAddress;
use tickwire_core::{Config, InterfaceAddress, Seed};

/// Two hosts on one link, each with both families: west is `.1`, east is `.2`.
pub(crate) struct Hosts {
    west: Driver,
    east: Driver,
}

pub(crate) fn ip4(host: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, host])
}

pub(crate) fn ip6(host: u16) -> IpAddr {
    IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, host])
}

/// A loop with host number `host` on `device`.
pub(crate) fn host(device: PairDevice, host: u8) -> Loop {
    let mut turns = Loop::new(Config::default(), Some(Seed([host; 32]))).expect("an eventfd");
    let addresses = [
        InterfaceAddress { address: ip4(host), prefix_len: 24 },
        InterfaceAddress { address: ip6(host.into()), prefix_len: 64 },
    ];
    let hardware_address = EthernetAddress([2, 0, 0, 0, 0, host]);
    turns.add_device(device, hardware_address, &addresses).expect("a valid interface");
    turns
}

impl Hosts {
    pub(crate) fn start() -> Hosts {
        let (west, east) = pair::pair(1500).expect("eventfds");
        Hosts {
            west: Driver::spawn(host(west, 1)).expect("a thread"),
            east: Driver::spawn(host(east, 2)).expect("a thread"),
        }
    }

    pub(crate) fn west(&self) -> StackHandle {
        self.west.handle()
    }

    pub(crate) fn east(&self) -> StackHandle {
        self.east.handle()
    }

    /// Ends both; neither may have failed.
    pub(crate) fn shutdown(self) {
        self.west.shutdown(Duration::from_millis(200)).expect("the driver ran to its end");
        self.east.shutdown(Duration::ZERO).expect("the driver ran to its end");
    }

    /// Ends west while east goes on.
    pub(crate) fn shutdown_west(self, within: Duration) -> ShutdownReport {
        let report = self.west.shutdown(within).expect("the driver ran to its end");
        // East is left to run until the process ends: streams on it are still looked at.
        std::mem::forget(self.east);
        report
    }
}

/// The byte at `offset` of the test data: neighbours differ, and so do places 256, 1460 or 65,536 apart.
fn byte_at(offset: u64) -> u8 {
    (offset.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8
}

/// The first `len` bytes of the test data.
pub(crate) fn pattern(len: u64) -> Vec<u8> {
    (0..len).map(byte_at).collect()
}

/// Writes the first `len` bytes of the test data, in writes of various sizes.
pub(crate) fn write_pattern(mut stream: impl Write, len: u64) -> io::Result<()> {
    let mut offset = 0;
    let mut chunk = Vec::new();
    while offset < len {
        let size = (1 + offset % 100_003).min(len - offset);
        chunk.clear();
        chunk.extend((offset..offset + size).map(byte_at));
        stream.write_all(&chunk)?;
        offset += size;
    }
    Ok(())
}

/// Reads to the end of the stream, which must be the first `len` bytes of the test data.
pub(crate) fn assert_pattern(mut stream: impl Read, len: u64) {
    let mut offset = 0;
    let mut buf = vec![0; 64 * 1024];
    loop {
        let count = stream.read(&mut buf).expect("the stream goes on or ends");
        if count == 0 {
            assert_eq!(offset, len, "the length of the stream");
            return;
        }
        for byte in &buf[..count] {
            assert_eq!(*byte, byte_at(offset), "at {offset}");
            offset += 1;
        }
    }
}

/// A connected stream of either side: the kernel's, or the stack's.
pub(crate) trait Stream: Sync {
    fn writer(&self) -> impl Write;
    fn reader(&self) -> impl Read;
    fn write_timeout(&self, timeout: Duration) -> io::Result<()>;
    fn shutdown_write(&self) -> io::Result<()>;
}

macro_rules! stream {
    ($stream:ty) => {
        impl Stream for $stream {
            fn writer(&self) -> impl Write {
                self
            }

            fn reader(&self) -> impl Read {
                self
            }

            fn write_timeout(&self, timeout: Duration) -> io::Result<()> {
                self.set_write_timeout(Some(timeout))
            }

            fn shutdown_write(&self) -> io::Result<()> {
                self.shutdown(Shutdown::Write)
            }
        }
    };
}

stream!(std::net::TcpStream);
stream!(tickwire_backends::net::TcpStream);

/// Sends the first `len` bytes of the test data from one end to the other, to the end of the stream.
pub(crate) fn transfer(from: &impl Stream, to: &impl Stream, len: u64) {
    thread::scope(|scope| {
        scope.spawn(|| {
            write_pattern(from.writer(), len).expect("connected");
            from.shutdown_write().expect("connected");
        });
        assert_pattern(to.reader(), len);
    });
}
