//! A Linux TUN interface as a [`Device`]: bare IP packets, without a link header and without neighbors.
//!
//! It is opened, read and written as a [`Tap`] is, one packet per system call and without a prefix
//! (`IFF_NO_PI`); the stack's interface on it is of [`Medium::Ip`].

use std::io;
use std::os::fd::BorrowedFd;

use tickwire_core::config::Medium;
use tickwire_core::frame::{Capabilities, Frame, TxBatch};
use tun_tap::Mode;

use crate::device::{Device, DeviceCounters};
use crate::pool::Pool;
use crate::tap::{Tap, TapError};

/// An attached TUN interface.
#[derive(Debug)]
pub struct Tun(Tap);

impl Tun {
    /// Attaches to the TUN interface `name`, creating it if it does not exist. `mtu` is what the
    /// stack is to assume (68 to 65,535 bytes); the kernel's side has to be set to the same.
    ///
    /// # Errors
    ///
    /// [`TapError`], each with its remedy.
    pub fn open(name: &str, mtu: u16) -> Result<Tun, TapError> {
        Tap::open_as(name, mtu, Mode::Tun).map(Tun)
    }
}

impl Device for Tun {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn medium(&self) -> Medium {
        Medium::Ip
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    fn fd(&self) -> BorrowedFd<'_> {
        self.0.fd()
    }

    fn receive(&self, pool: &mut Pool, frames: &mut Vec<Frame>, max: usize) -> io::Result<usize> {
        self.0.receive(pool, frames, max)
    }

    fn transmit(&self, batch: &TxBatch, from: usize) -> io::Result<usize> {
        self.0.transmit(batch, from)
    }

    fn counters(&self) -> DeviceCounters {
        self.0.counters()
    }
}
