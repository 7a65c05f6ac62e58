//! The receiving side of one interface.

use std::io;
use std::sync::Arc;

use tickwire_core::frame::Frame;
use tickwire_core::link::InterfaceId;

use super::DriverError;
use super::rhythm::Rhythm;
use crate::device::Device;
use crate::pool::Pool;

/// A frame longer than this is taken for part of a bulk transfer, of which more follows.
const ALONE_LEN_MAX: usize = 512;

/// A device, and what is received from it next.
pub(super) struct Inlet {
    pub(super) interface: InterfaceId,
    pub(super) device: Arc<dyn Device>,
    pool: Pool,
    /// There may be something to receive: the last batch was full, or the device said so.
    pub(super) ready: bool,
    rhythm: Rhythm,
}

impl Inlet {
    pub(super) fn new(interface: InterfaceId, device: Arc<dyn Device>, pool: Pool) -> Inlet {
        Inlet { interface, device, pool, ready: true, rhythm: Rhythm::default() }
    }

    /// Receives a batch of at most `rx_batch` frames, and finds out whether there may be more.
    pub(super) fn receive(&mut self, frames: &mut Vec<Frame>, rx_batch: usize) -> Result<(), DriverError> {
        let alone = self.rhythm.is_alone();
        let max = if alone { 1 } else { rx_batch };
        let received = self.take(frames, max)?;
        self.ready = received == max && !alone;
        self.rhythm.note(received == 1 && is_short(frames), alone);
        Ok(())
    }

    /// Receives a frame before it is waited for, where that has paid lately. Tells whether one was there.
    pub(super) fn receive_early(&mut self, frames: &mut Vec<Frame>) -> Result<bool, DriverError> {
        if !self.rhythm.is_early() {
            return Ok(false);
        }
        let there = self.take(frames, 1)? == 1;
        self.rhythm.note_early(there);
        if there {
            self.rhythm.note(is_short(frames), true);
        }
        Ok(there)
    }

    fn take(&mut self, frames: &mut Vec<Frame>, max: usize) -> Result<usize, DriverError> {
        let gone = |source: io::Error| DriverError::Device { name: self.device.name().to_owned(), source };
        self.device.receive(&mut self.pool, frames, max).map_err(gone)
    }
}

fn is_short(frames: &[Frame]) -> bool {
    frames.last().is_some_and(|frame| frame.data.len() <= ALONE_LEN_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pair;
    use tickwire_core::config::{Config, InterfaceConfig};
    use tickwire_core::frame::TxBatch;
    use tickwire_core::{Instant, Seed, Stack};

    #[test]
    fn a_lone_frame_is_looked_for_early_while_that_pays() {
        let (west, east) = pair::pair(1500).expect("eventfds");
        let mut stack = Stack::new(Config::default(), Seed([1; 32]));
        let interface = stack.add_interface(Instant::ZERO, InterfaceConfig::loopback()).expect("the first one");
        let mut inlet = Inlet::new(interface, Arc::new(east), Pool::new(1514));
        let mut frames = Vec::new();
        let mut batch = TxBatch::new();
        batch.push(&[7; 60], []);
        let come = || assert_eq!(west.transmit(&batch, 0).expect("room"), 1);
        for _ in 0..4 {
            come();
            assert!(!inlet.receive_early(&mut frames).expect("a device"));
            inlet.receive(&mut frames, 16).expect("a device");
        }
        come();
        assert!(inlet.receive_early(&mut frames).expect("a device"));
        assert_eq!(frames.len(), 5);
        // Twice in vain is enough.
        for _ in 0..2 {
            assert!(!inlet.receive_early(&mut frames).expect("a device"));
        }
        come();
        assert!(!inlet.receive_early(&mut frames).expect("a device"));
        inlet.receive(&mut frames, 16).expect("a device");
        assert_eq!(frames.len(), 6);
    }
}
