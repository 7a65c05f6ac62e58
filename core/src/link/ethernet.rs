//! Which Ethernet frames are for us (RFC 894, RFC 1112 section 6.4, RFC 2464).

use super::Interface;
use crate::error::DropReason;
use crate::wire::ethernet::{EthernetAddress, EthernetFrame};

impl Interface {
    /// Whether the frame's addresses let it in: sent to us by an individual station other than us.
    /// Groups are filtered again, exactly, by their IP address.
    pub(crate) fn admit(&self, frame: &EthernetFrame<'_>) -> Result<(), DropReason> {
        let dst = frame.dst();
        if dst != self.hardware_address && !hears_group(dst) {
            return Err(DropReason::EthernetNotOurs);
        }
        let src = frame.src();
        if src.is_multicast() || src == self.hardware_address {
            return Err(DropReason::EthernetSource);
        }
        Ok(())
    }
}

/// Broadcast, and the group addresses that IPv4 and IPv6 multicast map to.
fn hears_group(dst: EthernetAddress) -> bool {
    dst.is_broadcast()
        || matches!(dst.0, [0x01, 0x00, 0x5e, low, ..] if low < 0x80)
        || matches!(dst.0, [0x33, 0x33, ..])
}
