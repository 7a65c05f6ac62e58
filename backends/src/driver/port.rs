//! The sending side of one interface: its device, and the batch that the device has not taken yet.

use std::fmt;
use std::io;
use std::sync::Arc;

use tickwire_core::frame::TxBatch;

use crate::device::Device;

pub(crate) struct Port {
    pub(crate) device: Arc<dyn Device>,
    batch: TxBatch,
    /// Frames of the batch that the device took.
    taken: usize,
    /// The driver waits for the device to take frames.
    pub(crate) awaited: bool,
}

impl fmt::Debug for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Port").field("device", &self.device.name()).field("kept", &self.kept()).finish_non_exhaustive()
    }
}

impl Port {
    pub(crate) fn new(device: Arc<dyn Device>) -> Port {
        Port { device, batch: TxBatch::new(), taken: 0, awaited: false }
    }

    /// The empty batch, to be filled; `None` while the device has not taken the last one.
    pub(crate) fn batch(&mut self) -> Option<&mut TxBatch> {
        self.batch.is_empty().then_some(&mut self.batch)
    }

    /// Whether the device refused frames that are kept here: it is to be waited for.
    pub(crate) fn is_blocked(&self) -> bool {
        !self.batch.is_empty()
    }

    /// Frames that wait for the device.
    pub(crate) fn kept(&self) -> usize {
        self.batch.len() - self.taken
    }

    /// Offers the device what it has not taken yet.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        if self.batch.is_empty() {
            return Ok(());
        }
        self.taken += self.device.transmit(&self.batch, self.taken)?;
        if self.taken >= self.batch.len() {
            self.batch.clear();
            self.taken = 0;
        }
        Ok(())
    }
}
