//! The device of a foreign host: what arrived, and what it has sent.

use std::collections::VecDeque;

use bytes::Bytes;
use smoltcp::phy::{self, DeviceCapabilities, Medium};
use smoltcp::time::Instant;

/// Header, and an MTU of 1500.
const FRAME_MAX: usize = 14 + 1_500;

/// Frames in, frames out.
#[derive(Default)]
pub(super) struct Device {
    received: VecDeque<Bytes>,
    sent: Vec<Bytes>,
}

impl Device {
    pub(super) fn receive(&mut self, frame: Bytes) {
        self.received.push_back(frame);
    }

    /// What was sent since this was asked last.
    pub(super) fn sent(&mut self) -> impl Iterator<Item = Bytes> + '_ {
        self.sent.drain(..)
    }
}

impl phy::Device for Device {
    type RxToken<'a> = Received;
    type TxToken<'a> = Sender<'a>;

    fn receive(&mut self, _now: Instant) -> Option<(Received, Sender<'_>)> {
        let frame = self.received.pop_front()?;
        Some((Received(frame), Sender(&mut self.sent)))
    }

    fn transmit(&mut self, _now: Instant) -> Option<Sender<'_>> {
        Some(Sender(&mut self.sent))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = FRAME_MAX;
        capabilities
    }
}

pub(super) struct Received(Bytes);

impl phy::RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

pub(super) struct Sender<'a>(&'a mut Vec<Bytes>);

impl phy::TxToken for Sender<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut frame = vec![0; len];
        let result = f(&mut frame);
        self.0.push(frame.into());
        result
    }
}
