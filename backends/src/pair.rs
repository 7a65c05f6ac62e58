//! Two devices in memory, connected back to back: what one transmits the other receives.
//!
//! Each direction is a bounded queue of contiguous frames. An eventfd per device stands for what a
//! network interface's descriptor tells: that something came in, or that there is room again.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::event::PollFlags;
use tickwire_core::frame::{Capabilities, Frame, RxChecksum, RxMeta, TxBatch, TxChecksum, TxFrame};

use crate::device::{CounterCells, Device, DeviceCounters};
use crate::pool::Pool;
use crate::signal::Signal;

/// Frames that one direction holds, unless [`pair_with`] says otherwise.
pub const QUEUE_FRAMES: usize = 1024;

/// One end of a connected pair.
#[derive(Debug)]
pub struct PairDevice {
    name: String,
    capabilities: Capabilities,
    inbound: Arc<Direction>,
    outbound: Arc<Direction>,
    counters: CounterCells,
}

/// What flows towards one end.
#[derive(Debug)]
struct Direction {
    queue: Mutex<Queue>,
    /// Raised for the receiving end.
    arrived: Signal,
}

#[derive(Debug)]
struct Queue {
    frames: VecDeque<Frame>,
    frames_max: usize,
    pool: Pool,
    /// The receiving end found the queue empty and is to be told of the next frame.
    receiver_waits: bool,
    /// The sending end found the queue full and is to be told of room.
    sender_waits: bool,
    /// The receiving end's device was dropped.
    receiver_gone: bool,
    /// The eventfd is readable.
    raised: bool,
}

/// Two connected devices without offload, each direction holding [`QUEUE_FRAMES`] frames.
///
/// # Errors
///
/// No eventfd could be had (`EMFILE`, `ENFILE`).
pub fn pair(mtu: u16) -> io::Result<(PairDevice, PairDevice)> {
    pair_with(Capabilities::plain(mtu), QUEUE_FRAMES)
}

/// Two connected devices of the given capabilities, each direction holding `frames_max` frames.
/// Checksums that are left to the device stay partial and are marked so at the receiver.
///
/// # Errors
///
/// No eventfd could be had (`EMFILE`, `ENFILE`).
pub fn pair_with(capabilities: Capabilities, frames_max: usize) -> io::Result<(PairDevice, PairDevice)> {
    let payload_max = capabilities.gso_max_bytes.max(u32::from(capabilities.mtu)) as usize;
    let direction = || -> io::Result<Arc<Direction>> {
        let queue = Queue {
            frames: VecDeque::with_capacity(frames_max),
            frames_max,
            pool: Pool::new(payload_max + LINK_OVERHEAD),
            receiver_waits: true,
            sender_waits: false,
            receiver_gone: false,
            raised: false,
        };
        Ok(Arc::new(Direction { queue: Mutex::new(queue), arrived: Signal::new()? }))
    };
    let (east, west) = (direction()?, direction()?);
    let end = |name: &str, inbound: &Arc<Direction>, outbound: &Arc<Direction>| PairDevice {
        name: name.to_owned(),
        capabilities,
        inbound: Arc::clone(inbound),
        outbound: Arc::clone(outbound),
        counters: CounterCells::default(),
    };
    Ok((end("pair0", &west, &east), end("pair1", &east, &west)))
}

/// An Ethernet header with one VLAN tag, and the headers of a super-segment beyond its payload.
const LINK_OVERHEAD: usize = 18 + 120;

impl Direction {
    /// Tells the receiving end. Under the queue's lock, so that no lowering falls in between.
    fn raise(&self, queue: &mut Queue) {
        if !std::mem::replace(&mut queue.raised, true) {
            self.arrived.raise();
        }
    }

    /// Has the receiving end wait for the next frame.
    fn lower(&self, queue: &mut Queue) {
        queue.receiver_waits = true;
        if std::mem::take(&mut queue.raised) {
            self.arrived.lower();
        }
    }

    /// The queue is consistent between any two statements that may panic, so a poisoned lock is used on.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn push(&mut self, frame: TxFrame<'_>) {
        let parts = std::iter::once(frame.head).chain(frame.slices.iter().map(|slice| &slice[..]));
        let checksum = match frame.transmit.checksum {
            TxChecksum::Complete => RxChecksum::Unverified,
            TxChecksum::Partial { start, offset } => RxChecksum::Partial { start, offset },
        };
        let meta = RxMeta { checksum, segment_size: frame.transmit.segment_size };
        let data = self.pool.gather(parts);
        self.frames.push_back(Frame { data, meta });
    }
}

impl Device for PairDevice {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    fn fd(&self) -> BorrowedFd<'_> {
        self.inbound.arrived.as_fd()
    }

    /// The eventfd is readable for both: a frame arrived, there is room again.
    fn writable(&self) -> PollFlags {
        PollFlags::IN
    }

    fn receive(&self, _pool: &mut Pool, frames: &mut Vec<Frame>, max: usize) -> io::Result<usize> {
        let mut queue = self.inbound.lock();
        let count = max.min(queue.frames.len());
        frames.extend(queue.frames.drain(..count));
        if queue.frames.is_empty() {
            self.inbound.lower(&mut queue);
        }
        let sender_waits = count > 0 && std::mem::take(&mut queue.sender_waits);
        drop(queue);
        if sender_waits {
            // The sender's own eventfd is the one of the other direction.
            self.outbound.raise(&mut self.outbound.lock());
        }
        self.counters.add_received(count);
        Ok(count)
    }

    fn transmit(&self, batch: &TxBatch, from: usize) -> io::Result<usize> {
        let mut queue = self.outbound.lock();
        if queue.receiver_gone {
            let refused = batch.len().saturating_sub(from);
            drop(queue);
            self.counters.add_sent(0, refused as u64, false);
            return Ok(refused);
        }
        let mut taken = 0;
        let mut waited = false;
        for frame in batch.frames().skip(from) {
            if queue.frames.len() >= queue.frames_max {
                queue.sender_waits = true;
                waited = true;
                break;
            }
            queue.push(frame);
            taken += 1;
        }
        if taken > 0 && std::mem::take(&mut queue.receiver_waits) {
            self.outbound.raise(&mut queue);
        }
        drop(queue);
        self.counters.add_sent(taken as u64, 0, waited);
        Ok(taken)
    }

    fn counters(&self) -> DeviceCounters {
        self.counters.read()
    }
}

/// The other end's frames go nowhere from here on, and it does not wait for room.
impl Drop for PairDevice {
    fn drop(&mut self) {
        let mut queue = self.inbound.lock();
        queue.receiver_gone = true;
        queue.frames.clear();
        let sender_waits = std::mem::take(&mut queue.sender_waits);
        drop(queue);
        if sender_waits {
            self.outbound.raise(&mut self.outbound.lock());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use rustix::event::{PollFd, Timespec, poll};

    fn batch(frames: &[(&[u8], &[u8])]) -> TxBatch {
        let mut batch = TxBatch::new();
        for (head, slice) in frames {
            let slice = (!slice.is_empty()).then(|| Bytes::copy_from_slice(slice));
            batch.push(head, slice);
        }
        batch
    }

    fn readable(device: &PairDevice) -> bool {
        let mut fds = [PollFd::from_borrowed_fd(device.fd(), PollFlags::IN)];
        poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).expect("poll") == 1
    }

    #[test]
    fn frames_arrive_contiguous_and_in_order() {
        let (east, west) = pair(1500).expect("eventfd");
        assert!(!readable(&west));
        assert_eq!(east.transmit(&batch(&[(b"one", b""), (b"tw", b"o")]), 0).expect("transmit"), 2);
        assert!(readable(&west) && !readable(&east));

        let (mut pool, mut frames) = (Pool::new(1514), Vec::new());
        assert_eq!(west.receive(&mut pool, &mut frames, 1).expect("receive"), 1);
        assert!(readable(&west), "one frame is left");
        assert_eq!(west.receive(&mut pool, &mut frames, 16).expect("receive"), 1);
        assert!(!readable(&west));
        assert_eq!(frames.iter().map(|f| &f.data[..]).collect::<Vec<_>>(), [&b"one"[..], b"two"]);
        assert_eq!((east.counters().tx_frames, west.counters().rx_frames), (2, 2));
    }

    #[test]
    fn a_full_queue_refuses_and_tells_of_room() {
        let (east, west) = pair_with(Capabilities::plain(1500), 2).expect("eventfd");
        let three = batch(&[(b"a", b""), (b"b", b""), (b"c", b"")]);
        assert_eq!(east.transmit(&three, 0).expect("transmit"), 2);
        assert_eq!(east.transmit(&three, 2).expect("transmit"), 0);
        assert!(!readable(&east));

        let (mut pool, mut frames) = (Pool::new(1514), Vec::new());
        assert_eq!(west.receive(&mut pool, &mut frames, 1).expect("receive"), 1);
        assert!(readable(&east), "there is room again");
        assert_eq!(east.transmit(&three, 2).expect("transmit"), 1);
        assert_eq!(east.receive(&mut pool, &mut frames, 16).expect("receive"), 0);
        assert!(!readable(&east));
        assert_eq!(east.counters(), DeviceCounters { tx_frames: 3, tx_waits: 2, ..DeviceCounters::default() });
    }

    #[test]
    fn frames_to_a_dropped_end_are_refused_and_counted() {
        let (east, west) = pair_with(Capabilities::plain(1500), 1).expect("eventfd");
        let two = batch(&[(b"a", b""), (b"b", b"")]);
        assert_eq!(east.transmit(&two, 0).expect("transmit"), 1);
        drop(west);
        assert!(readable(&east), "who waited for room is told");
        assert_eq!(east.transmit(&two, 1).expect("transmit"), 1);
        assert_eq!(east.counters().tx_refused, 1);
    }
}
