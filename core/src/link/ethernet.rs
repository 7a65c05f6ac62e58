//! Which Ethernet frames are for us (RFC 894, RFC 1112 section 6.4, RFC 2464).

use super::Interface;
use crate::error::DropReason;
use crate::wire::ethernet::EthernetFrame;

impl Interface {
    /// Whether the frame's addresses let it in: sent to us by an individual station other than us.
    /// Groups are filtered again, exactly, by their IP address: several share a hardware address.
    pub(crate) fn admit(&self, frame: &EthernetFrame<'_>) -> Result<(), DropReason> {
        let dst = frame.dst();
        let hears_group = || self.groups.hears_station(dst) || (self.queriers.is_some() && dst.is_multicast());
        if dst != self.hardware_address && !dst.is_broadcast() && !hears_group() {
            return Err(DropReason::EthernetNotOurs);
        }
        let src = frame.src();
        if src.is_multicast() || src == self.hardware_address {
            return Err(DropReason::EthernetSource);
        }
        Ok(())
    }
}
