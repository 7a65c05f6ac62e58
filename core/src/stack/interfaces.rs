//! What an operator or a driver says about an interface while the stack runs: that its link went down or
//! came up, that it is gone.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::Stack;
use crate::error::{DropReason, InterfaceError};
use crate::link::{InterfaceId, Ready};
use crate::record::Call;
use crate::time::Instant;

impl Stack {
    /// The link of an interface went down (no carrier, or the operator's wish) or came up. While it is
    /// down, frames from it are dropped, its routes are not used, and its neighbors are forgotten: what
    /// waited for them goes another way, if there is one. Addresses and leases are kept, what routers have
    /// told too, and connections wait.
    ///
    /// When it comes up it may be another link. Addresses are verified anew (RFC 5227 section 2.1, RFC 4862
    /// section 5.3), leases are confirmed (RFC 4436, RFC 2131 section 3.2, RFC 8415 section 18.2.12), routers
    /// are solicited (RFC 4861 section 6.3.7), and groups reported. The first router that tells prefixes
    /// shows whether the link is another one (RFC 6059): then what the former routers told is
    /// forgotten, with the addresses formed from it. What is so already stays so.
    ///
    /// # Errors
    ///
    /// [`InterfaceError::NoInterface`].
    pub fn set_link(&mut self, now: Instant, id: InterfaceId, up: bool) -> Result<(), InterfaceError> {
        self.record(|_| Call::SetLink { now, interface: id, up });
        self.advance(now);
        self.change_link(id, up)
    }

    /// What [`Stack::set_link`] does, at the latest time seen.
    fn change_link(&mut self, id: InterfaceId, up: bool) -> Result<(), InterfaceError> {
        self.commanded(if up { "interface.up" } else { "interface.down" }, numbered(id));
        let interface = self.interfaces.get_mut(id.index()).ok_or(InterfaceError::NoInterface)?;
        if core::mem::replace(&mut interface.up, up) == up {
            return Ok(());
        }
        self.routes.invalidate();
        self.on_dhcpv4_link(id, up);
        self.settle_router(id);
        if up {
            self.verify_addresses_again(id);
            self.announce_groups(id);
            self.solicit_routers_again(id);
            self.advance_announcement(id);
            self.arm_interface(id);
            self.begin_dhcpv6(id);
        } else {
            if let Some(interface) = self.interfaces.get_mut(id.index()) {
                interface.autoconf.on_link_down();
            }
            self.with_dhcpv6(id, |client, _| client.on_link_down());
            self.empty_queues(id);
            self.redirects.forget_link(id);
            // Nobody is known to be reachable any more.
            self.settle_routers(id);
        }
        Ok(())
    }

    /// Takes an interface away, with its addresses, its routes, the rules about it and its neighbors. Its
    /// number is not given again: sockets that are bound to it find no way. Connections from its addresses
    /// end, as [`Stack::remove_address`] says.
    pub fn remove_interface(&mut self, now: Instant, id: InterfaceId) -> Result<(), InterfaceError> {
        self.record(|_| Call::RemoveInterface { now, interface: id });
        self.advance(now);
        self.commanded("interface.remove", numbered(id));
        let interface = self.interfaces.get(id.index()).ok_or(InterfaceError::NoInterface)?;
        let addresses: Vec<_> = interface.addresses.iter().map(|own| own.address).collect();
        for address in addresses {
            self.end_users_of(address);
            self.withdraw_address(id, address, None);
        }
        self.change_link(id, false)?;
        self.routes.remove(|route| route.interface() == Some(id));
        self.routes.rules.forget(id);
        self.interfaces.remove(id.index());
        Ok(())
    }

    /// What waits to leave by the interface finds another way, or is lost: messages and answers are, and
    /// packets that wait for a neighbor; sockets ask their routes again.
    fn empty_queues(&mut self, id: InterfaceId) {
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return };
        interface.groups.on_link_down();
        let (control, ready) = (core::mem::take(&mut interface.control), core::mem::take(&mut interface.ready));
        let transit = core::mem::take(&mut interface.transit);
        let waiting = interface.neighbors.flush();
        for _ in 0..control.len() + transit.len() + waiting.packets.len() {
            self.drop_on(id, DropReason::InterfaceDown);
        }
        for packet in &waiting.packets {
            self.on_packet_undeliverable(id, packet);
        }
        for handle in waiting.sockets {
            self.unpark_tcp(handle);
        }
        for ready in ready {
            match ready.what {
                Ready::Tcp(handle) => {
                    if let Some(slot) = self.sockets.tcp.get_mut(handle) {
                        slot.queued = false;
                        self.settle_tcp(handle);
                    }
                }
                Ready::Udp(handle) => {
                    if let Some(slot) = self.sockets.udp.get_mut(handle) {
                        slot.queued = false;
                        self.make_udp_ready(handle);
                    }
                }
            }
        }
    }
}

/// What the trace notes of a command about an interface.
pub(super) fn numbered(id: InterfaceId) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), id.0)
}
