//! What is for ourselves: a packet that leaves by the loopback interface arrives there, without a device,
//! within the same call of [`Stack::poll_transmit`]. It waits in the queues of every other interface until
//! then, the bounded control queue and the ready ring.

use bytes::Bytes;

use super::Stack;
use crate::frame::{Frame, RxChecksum, RxMeta, TxBatch};
use crate::link::{Interface, InterfaceId};

impl Stack {
    /// One round: at most [`TxBatch::FRAMES_MAX`] packets. What they cause to be sent is for the next one.
    pub(super) fn loop_back(&mut self, id: InterfaceId) {
        let mut batch = TxBatch::new();
        self.fill(id, &mut batch);
        for frame in batch.frames() {
            self.trace.sent(self.now, "looped", id.0, frame.head, frame.len());
            self.counters.packets_looped += 1;
            self.note_looped(id, frame.head.len() as u64);
            // Each in memory of its own: one that is kept must not hold the whole batch.
            let data = Bytes::copy_from_slice(frame.head);
            let meta = RxMeta { checksum: RxChecksum::Verified, segment_size: None };
            if let Err(reason) = self.receive_bare(id, &mut Frame { data, meta }) {
                self.drop_on(id, reason);
            }
        }
    }
    /// What leaves a loopback interface comes in there.
    fn note_looped(&mut self, id: InterfaceId, bytes: u64) {
        if let Some(Interface { traffic, .. }) = self.interfaces.get_mut(id.index()) {
            traffic.frames_sent += 1;
            traffic.bytes_sent += bytes;
            traffic.frames_received += 1;
            traffic.bytes_received += bytes;
        }
    }
}
