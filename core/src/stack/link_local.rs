//! IPv4 link-local addresses at work (RFC 3927).

use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::{NewAddress, Stack};
use crate::autoconf::link_local::LinkLocal;
use crate::error::LinkLocalError;
use crate::event::AddressChange;
use crate::ip::own_address::AddressOrigin;
use crate::link::InterfaceId;
use crate::record::Call;
use crate::time::Instant;

/// 169.254/16 "MUST NOT be subnetted" (section 2.8).
const PREFIX_LEN: u8 = 16;

impl Stack {
    /// Lets an interface find itself an IPv4 link-local address (RFC 3927). The first that is tried is
    /// `remembered`, else the one of [`Identity::link_locals`](crate::Identity::link_locals), which it had last
    /// time. [`Event::Address`](crate::Event::Address) tells which one it has become;
    /// where it turns out to be another host's, another is found. What is so already stays so.
    ///
    /// # Errors
    ///
    /// [`LinkLocalError`]: no such interface, or its table of addresses is full.
    pub fn start_link_local(
        &mut self,
        now: Instant,
        id: InterfaceId,
        remembered: Option<Ipv4Addr>,
    ) -> Result<(), LinkLocalError> {
        self.record(|_| Call::StartLinkLocal { now, interface: id, remembered });
        self.advance(now);
        self.seek_link_local(id, remembered)
    }

    /// What [`Stack::start_link_local`] does, at the latest time seen.
    pub(super) fn seek_link_local(
        &mut self,
        id: InterfaceId,
        remembered: Option<Ipv4Addr>,
    ) -> Result<(), LinkLocalError> {
        let noted = SocketAddr::new(remembered.unwrap_or(Ipv4Addr::UNSPECIFIED).into(), id.0);
        self.commanded("link_local.start", noted);
        let interface = self.interfaces.get_mut(id.index()).ok_or(LinkLocalError::NoInterface)?;
        if interface.autoconf.link_local.is_some() {
            return Ok(());
        }
        let remembered = remembered.or_else(|| self.identity.link_local(id.0));
        interface.autoconf.link_local = Some(LinkLocal::new(interface.hardware_address, remembered));
        if self.try_link_local(id) {
            return Ok(());
        }
        if let Some(interface) = self.interfaces.get_mut(id.index()) {
            interface.autoconf.link_local = None;
        }
        Err(LinkLocalError::LimitReached)
    }

    /// Takes the link-local address from an interface, or ends the search for one; `false` if there is neither.
    pub fn stop_link_local(&mut self, now: Instant, id: InterfaceId) -> bool {
        self.record(|_| Call::StopLinkLocal { now, interface: id });
        self.advance(now);
        self.leave_link_local(id)
    }

    /// What [`Stack::stop_link_local`] does, at the latest time seen.
    pub(super) fn leave_link_local(&mut self, id: InterfaceId) -> bool {
        self.commanded("link_local.stop", SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), id.0));
        let Some(interface) = self.interfaces.get_mut(id.index()) else { return false };
        let Some(link_local) = interface.autoconf.link_local.take() else { return false };
        self.withdraw_address(id, IpAddr::V4(link_local.candidate()), Some(AddressChange::Removed));
        true
    }

    /// Probes for the next candidate; `false` if there is no room for an address.
    fn try_link_local(&mut self, id: InterfaceId) -> bool {
        let Some(interface) = self.interfaces.get(id.index()) else { return false };
        let Some(link_local) = &interface.autoconf.link_local else { return false };
        let new = NewAddress {
            address: IpAddr::V4(link_local.candidate()),
            prefix_len: PREFIX_LEN,
            origin: AddressOrigin::LinkLocal,
            preferred_until: None,
            valid_until: None,
        };
        self.assign_address(id, new).is_ok()
    }

    /// The candidate, or the address in use, is another host's: the next is tried (section 2.2.1), seldom
    /// where this happens over and over.
    pub(super) fn on_link_local_conflict(&mut self, id: InterfaceId) {
        let Some(link_local) =
            self.interfaces.get_mut(id.index()).and_then(|interface| interface.autoconf.link_local.as_mut())
        else {
            return;
        };
        link_local.on_conflict();
        // The one before has left its place.
        self.try_link_local(id);
    }
}
