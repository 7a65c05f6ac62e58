//! The boundary between the driver and whatever carries frames: the trait [`Device`].
//!
//! A device is shared: the driver thread receives from it outside the driver's lock while a socket
//! call transmits to it inside, so its methods take `&self`. Nothing else calls them concurrently:
//! there is one receiver and one transmitter at a time.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::event::PollFlags;
use tickwire_core::config::Medium;
use tickwire_core::frame::{Capabilities, Frame, TxBatch};

use crate::pool::Pool;

/// Carries frames, or bare packets, between a stack and a network.
pub trait Device: Send + Sync {
    /// The device's name, as a capture and error messages show it.
    fn name(&self) -> &str;

    /// What its frames look like: Ethernet, unless the device says otherwise.
    fn medium(&self) -> Medium {
        Medium::Ethernet
    }

    /// What the device can do.
    fn capabilities(&self) -> Capabilities;

    /// What the driver waits on: readable when there is something to receive.
    fn fd(&self) -> BorrowedFd<'_>;

    /// The condition of [`fd`](Device::fd) that tells that a device which refused a frame takes
    /// frames again. Writability, unless the device says otherwise.
    fn writable(&self) -> PollFlags {
        PollFlags::OUT
    }

    /// Appends up to `max` received frames to `frames`, in buffers of `pool`, and returns how
    /// many. Never blocks. Fewer than `max` means that nothing more was there.
    ///
    /// # Errors
    ///
    /// The device is gone or broken for good (a removed interface gives `EBADFD`). What was
    /// received before the error stands in `frames`.
    fn receive(&self, pool: &mut Pool, frames: &mut Vec<Frame>, max: usize) -> io::Result<usize>;

    /// Sends the batch's frames from number `from` on and returns how many the device took. Never
    /// blocks. Fewer than there were means that it would have to wait: the caller keeps the rest
    /// until the device is [writable](Device::writable). A frame that the device refuses for a
    /// reason of its own (it is not up, the frame is too long) counts as taken, and as
    /// [`DeviceCounters::tx_refused`].
    ///
    /// # Errors
    ///
    /// The device is gone or broken for good.
    fn transmit(&self, batch: &TxBatch, from: usize) -> io::Result<usize>;

    /// What has passed so far.
    fn counters(&self) -> DeviceCounters;
}

/// What has passed through a device since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeviceCounters {
    /// Frames received.
    pub rx_frames: u64,
    /// Frames sent.
    pub tx_frames: u64,
    /// Frames that the device did not take and that are lost: a TAP that is not up (`EIO`), a frame
    /// longer than the device's MTU, no kernel memory for it.
    pub tx_refused: u64,
    /// How often the device had no room and the rest of a batch had to wait.
    pub tx_waits: u64,
}

/// [`DeviceCounters`] that a device writes and anyone reads. Updated once per batch.
#[derive(Debug, Default)]
pub(crate) struct CounterCells {
    rx_frames: AtomicU64,
    tx_frames: AtomicU64,
    tx_refused: AtomicU64,
    tx_waits: AtomicU64,
}

impl CounterCells {
    pub(crate) fn add_received(&self, frames: usize) {
        if frames > 0 {
            self.rx_frames.fetch_add(frames as u64, Ordering::Relaxed);
        }
    }

    pub(crate) fn add_sent(&self, sent: u64, refused: u64, waited: bool) {
        self.tx_frames.fetch_add(sent, Ordering::Relaxed);
        if refused > 0 {
            self.tx_refused.fetch_add(refused, Ordering::Relaxed);
        }
        if waited {
            self.tx_waits.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn read(&self) -> DeviceCounters {
        DeviceCounters {
            rx_frames: self.rx_frames.load(Ordering::Relaxed),
            tx_frames: self.tx_frames.load(Ordering::Relaxed),
            tx_refused: self.tx_refused.load(Ordering::Relaxed),
            tx_waits: self.tx_waits.load(Ordering::Relaxed),
        }
    }
}
