//! The groups that a datagram socket listens to, and how it sends to groups: the calls of std's
//! `UdpSocket`, and those for single sources.
//!
//! An interface is named by one of its IPv4 addresses (`0.0.0.0` leaves the choice to the stack), or by
//! its number counted from 1 (0 leaves the choice), as std does it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rustix::io::Errno;
use tickwire_core::error::MembershipError;
use tickwire_core::{Instant, InterfaceId, Stack};

use super::udp_socket::{Bound, UdpSocket};
use crate::sockets::{AsErrno as _, udp};

/// The core's view of a socket.
type View<'a> = tickwire_core::UdpSocket<'a>;

impl UdpSocket {
    /// Joins `group` on the interface with the address `interface`; `0.0.0.0` leaves the choice to the stack.
    ///
    /// # Errors
    ///
    /// `InvalidInput` if it is no group; `ENODEV` if no interface has the address; `AddrInUse` if it is
    /// joined already; `ENOBUFS` beyond the stack's limits.
    pub fn join_multicast_v4(&self, group: &Ipv4Addr, interface: &Ipv4Addr) -> io::Result<()> {
        self.on_group_v4(*interface, |socket, now, id| socket.join_group(now, id, (*group).into()))
    }

    /// Joins `group` on the interface with the number `interface`, counted from 1; 0 leaves the choice to
    /// the stack. Errors as [`UdpSocket::join_multicast_v4`].
    pub fn join_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.on_group_v6(interface, |socket, now, id| socket.join_group(now, id, (*group).into()))
    }

    /// Leaves `group`, joined by [`UdpSocket::join_multicast_v4`] or for single sources.
    ///
    /// # Errors
    ///
    /// `AddrNotAvailable` if it is not joined.
    pub fn leave_multicast_v4(&self, group: &Ipv4Addr, interface: &Ipv4Addr) -> io::Result<()> {
        self.on_group_v4(*interface, |socket, now, id| socket.leave_group(now, id, (*group).into()))
    }

    /// Leaves `group`. Errors as [`UdpSocket::leave_multicast_v4`].
    pub fn leave_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.on_group_v6(interface, |socket, now, id| socket.leave_group(now, id, (*group).into()))
    }

    /// Joins `group` for datagrams of `source` (source-specific multicast); for further ones by further calls.
    ///
    /// # Errors
    ///
    /// As [`UdpSocket::join_multicast_v4`]; `InvalidInput` also if the group is joined for all sources.
    pub fn join_source_v4(&self, group: &Ipv4Addr, source: &Ipv4Addr, interface: &Ipv4Addr) -> io::Result<()> {
        self.on_group_v4(*interface, |socket, now, id| socket.join_source(now, id, (*group).into(), (*source).into()))
    }

    /// As [`UdpSocket::join_source_v4`], for IPv6.
    pub fn join_source_v6(&self, group: &Ipv6Addr, source: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.on_group_v6(interface, |socket, now, id| socket.join_source(now, id, (*group).into(), (*source).into()))
    }

    /// Leaves `group` for one source; with the last one, altogether. Errors as [`UdpSocket::leave_multicast_v4`].
    pub fn leave_source_v4(&self, group: &Ipv4Addr, source: &Ipv4Addr, interface: &Ipv4Addr) -> io::Result<()> {
        self.on_group_v4(*interface, |socket, now, id| socket.leave_source(now, id, (*group).into(), (*source).into()))
    }

    /// As [`UdpSocket::leave_source_v4`], for IPv6.
    pub fn leave_source_v6(&self, group: &Ipv6Addr, source: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.on_group_v6(interface, |socket, now, id| socket.leave_source(now, id, (*group).into(), (*source).into()))
    }

    /// Refuses the datagrams of `source` in a group that is joined for all.
    ///
    /// # Errors
    ///
    /// `AddrNotAvailable` if the group is not joined; `AddrInUse` if the source is blocked already.
    pub fn block_source(&self, group: IpAddr, source: IpAddr) -> io::Result<()> {
        self.on_group(|_| Ok(None), |socket, now, id| socket.block_source(now, id, group, source))
    }

    /// Undoes [`UdpSocket::block_source`].
    ///
    /// # Errors
    ///
    /// `AddrNotAvailable` if the source is not blocked.
    pub fn unblock_source(&self, group: IpAddr, source: IpAddr) -> io::Result<()> {
        self.on_group(|_| Ok(None), |socket, now, id| socket.unblock_source(now, id, group, source))
    }

    /// By which interface datagrams to groups leave: the one with this address; `0.0.0.0` leaves the choice
    /// to the stack. Errors: `ENODEV`.
    pub fn set_multicast_if_v4(&self, interface: &Ipv4Addr) -> io::Result<()> {
        self.on_group_v4(*interface, |socket, _, id| socket.set_multicast_interface(id))
    }

    /// By which interface datagrams to groups leave, by number. Errors: `ENODEV`.
    pub fn set_multicast_if_v6(&self, interface: u32) -> io::Result<()> {
        self.on_group_v6(interface, |socket, _, id| socket.set_multicast_interface(id))
    }

    /// The time to live of datagrams to groups, 0 to 255; 1 unless it is set. With 0 they don't leave the host.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for any other value.
    pub fn set_multicast_ttl_v4(&self, ttl: u32) -> io::Result<()> {
        let hops = u8::try_from(ttl).map_err(|_| io::Error::from(Errno::INVAL))?;
        self.view(|socket| {
            socket.set_multicast_hops(hops);
            Ok(())
        })
    }

    /// The time to live of datagrams to groups.
    pub fn multicast_ttl_v4(&self) -> io::Result<u32> {
        self.view(|socket| Ok(socket.multicast_hops().into()))
    }

    /// Whether datagrams to groups are heard by members on this stack, this socket included; true unless
    /// it is set. One setting for both families.
    pub fn set_multicast_loop_v4(&self, looped: bool) -> io::Result<()> {
        self.view(|socket| {
            socket.set_multicast_loop(looped);
            Ok(())
        })
    }

    /// Whether datagrams to groups are heard by members on this stack.
    pub fn multicast_loop_v4(&self) -> io::Result<bool> {
        self.view(|socket| Ok(socket.multicast_loop()))
    }

    /// As [`UdpSocket::set_multicast_loop_v4`].
    pub fn set_multicast_loop_v6(&self, looped: bool) -> io::Result<()> {
        self.set_multicast_loop_v4(looped)
    }

    /// As [`UdpSocket::multicast_loop_v4`].
    pub fn multicast_loop_v6(&self) -> io::Result<bool> {
        self.multicast_loop_v4()
    }

    fn on_group_v4(
        &self,
        interface: Ipv4Addr,
        step: impl FnOnce(&mut View<'_>, Instant, Option<InterfaceId>) -> Result<(), MembershipError>,
    ) -> io::Result<()> {
        let named = |stack: &Stack| {
            let mut interfaces = stack.interfaces();
            let found = interfaces.find(|other| other.addresses.iter().any(|own| own.address == IpAddr::V4(interface)));
            found.map(|other| Some(other.id)).ok_or(MembershipError::NoInterface)
        };
        self.on_group(|stack| if interface.is_unspecified() { Ok(None) } else { named(stack) }, step)
    }

    fn on_group_v6(
        &self,
        interface: u32,
        step: impl FnOnce(&mut View<'_>, Instant, Option<InterfaceId>) -> Result<(), MembershipError>,
    ) -> io::Result<()> {
        let named = |stack: &Stack, index: u32| {
            let found = stack.interfaces().find(|other| other.id.index() == index as usize);
            found.map(|other| Some(other.id)).ok_or(MembershipError::NoInterface)
        };
        self.on_group(|stack| interface.checked_sub(1).map_or(Ok(None), |index| named(stack, index)), step)
    }

    fn on_group(
        &self,
        interface: impl FnOnce(&Stack) -> Result<Option<InterfaceId>, MembershipError>,
        step: impl FnOnce(&mut View<'_>, Instant, Option<InterfaceId>) -> Result<(), MembershipError>,
    ) -> io::Result<()> {
        let Bound { blocking, handle } = &*self.0;
        blocking.call(|stack, _, now| {
            let interface = interface(stack).map_err(|error| error.io())?;
            step(&mut udp::socket(stack, *handle)?, now, interface).map_err(|error| error.io())
        })
    }
}
