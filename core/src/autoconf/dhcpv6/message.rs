//! From what an exchange is about to the message that leaves: built at emission, so elapsed time and
//! leases are those of that moment (RFC 8415 sections 18.2.1 to 18.2.8).

use alloc::vec::Vec;
use core::net::Ipv6Addr;

use super::Dhcpv6Client;
use super::exchange::{Exchange, Purpose, Resource};
use crate::time::Instant;
use crate::wire::dhcpv6::{
    Dhcpv6Message, Dhcpv6Option, Dhcpv6Options, IaAddress, IaPrefix, IdentityAssociation, List, code,
};

/// What is asked for in all messages that get configuration (section 21.7), and with Information-request.
const WANTED: [u16; 3] = [code::DNS_SERVERS, code::DOMAIN_LIST, code::SOL_MAX_RT];
const WANTED_INFORMATION: [u16; 4] =
    [code::DNS_SERVERS, code::DOMAIN_LIST, code::INFORMATION_REFRESH_TIME, code::INF_MAX_RT];

impl Dhcpv6Client {
    /// The message of an exchange as it is at `now`; `None` if the exchange has ended meanwhile.
    pub(crate) fn message(&self, now: Instant, transaction: u32) -> Option<Vec<u8>> {
        let exchange = self.exchanges().find(|exchange| exchange.transaction == transaction)?;
        let mut out = Vec::new();
        Dhcpv6Message::emit_header(exchange.purpose.message(), transaction, &mut out);
        Dhcpv6Option::ClientId(self.duid.bytes()).emit(&mut out);
        if let Some(server) = &exchange.server {
            Dhcpv6Option::ServerId(server.bytes()).emit(&mut out);
        }
        Dhcpv6Option::ElapsedTime(exchange.elapsed(now)).emit(&mut out);
        if exchange.purpose == Purpose::Solicit && self.settings.rapid_commit {
            Dhcpv6Option::RapidCommit.emit(&mut out);
        }
        let wanted = match exchange.purpose {
            Purpose::Confirm | Purpose::Release | Purpose::Decline => &[][..],
            Purpose::Inform => &WANTED_INFORMATION,
            _ => &WANTED,
        };
        let codes: Vec<u8> = wanted.iter().flat_map(|code| code.to_be_bytes()).collect();
        if let Some(codes) = List::parse(&codes) {
            if self.settings.reconfigure {
                Dhcpv6Option::ReconfigureAccept.emit(&mut out);
            }
            Dhcpv6Option::OptionRequest(codes).emit(&mut out);
        }
        self.emit_associations(now, exchange, &mut out);
        Some(out)
    }

    fn emit_associations(&self, now: Instant, exchange: &Exchange, out: &mut Vec<u8>) {
        let own = || {
            [(false, &self.addresses), (true, &self.prefixes)].into_iter().flat_map(|(delegated, association)| {
                let valid = association.leases.iter().filter(|lease| lease.is_valid(now));
                valid.map(move |lease| lease.resource(delegated))
            })
        };
        let resources: Vec<Resource> = match exchange.purpose {
            Purpose::Confirm | Purpose::Renew | Purpose::Rebind | Purpose::Verify => own().collect(),
            _ => exchange.resources.to_vec(),
        };
        for (delegated, wanted) in [(false, self.wants.addresses), (true, self.wants.prefixes.is_some())] {
            let mut leases = Vec::new();
            for resource in resources.iter().filter(|resource| resource.delegated == delegated) {
                emit_lease(resource, &mut leases);
            }
            let asks = match exchange.purpose {
                Purpose::Solicit | Purpose::Request | Purpose::Renew | Purpose::Rebind | Purpose::Verify => wanted,
                _ => false,
            };
            let wants_len = asks && delegated && leases.is_empty();
            if let Some(prefix_len) = self.wants.prefixes.filter(|len| *len > 0 && wants_len) {
                // Section 18.2.4: the length that we would like.
                emit_lease(&Resource { delegated, prefix: Ipv6Addr::UNSPECIFIED, prefix_len }, &mut leases);
            }
            let Some(options) = Dhcpv6Options::parse(&leases).filter(|_| asks || !leases.is_empty()) else { continue };
            let ia = IdentityAssociation { iaid: self.iaid, t1: 0, t2: 0, options };
            if delegated { Dhcpv6Option::IaPd(ia).emit(out) } else { Dhcpv6Option::IaNa(ia).emit(out) }
        }
    }
}

/// A lease as a client writes it: its lifetimes are the server's affair (sections 21.6 and 21.22).
fn emit_lease(resource: &Resource, out: &mut Vec<u8>) {
    let (preferred, valid, options) = (0, 0, Dhcpv6Options::default());
    let Resource { delegated, prefix, prefix_len } = *resource;
    if delegated {
        Dhcpv6Option::IaPrefix(IaPrefix { preferred, valid, prefix_len, prefix, options }).emit(out);
    } else {
        Dhcpv6Option::IaAddress(IaAddress { address: prefix, preferred, valid, options }).emit(out);
    }
}
