//! What the client shows of itself, and what it keeps across a restart.

use alloc::vec::Vec;
use core::net::Ipv6Addr;

use super::exchange::Purpose;
use super::lease::Association;
use super::{Dhcpv6Client, Dhcpv6Lease, Duid};
use crate::identity::{Dhcpv6Binding, SavedAssociation, SavedLease};
use crate::time::{Duration, Instant};
use crate::wire::domain_name::DomainName;

/// What a DHCPv6 client is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dhcpv6State {
    /// It waits for the interface's link-local address.
    Waiting,
    /// It looks for servers.
    Soliciting,
    /// It asks one server for what it has offered.
    Requesting,
    /// It asks whether its leases of before still fit the link.
    Confirming,
    /// It has leases.
    Bound,
    /// It asks the server that gave its leases to extend them.
    Renewing,
    /// It asks any server to extend its leases.
    Rebinding,
    /// It asks for configuration only.
    Informing,
    /// It has configuration, and no leases.
    Informed,
    /// It gives its leases back.
    Releasing,
}

impl Dhcpv6State {
    /// The state's name, in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Dhcpv6State::Waiting => "waiting",
            Dhcpv6State::Soliciting => "soliciting",
            Dhcpv6State::Requesting => "requesting",
            Dhcpv6State::Confirming => "confirming",
            Dhcpv6State::Bound => "bound",
            Dhcpv6State::Renewing => "renewing",
            Dhcpv6State::Rebinding => "rebinding",
            Dhcpv6State::Informing => "informing",
            Dhcpv6State::Informed => "informed",
            Dhcpv6State::Releasing => "releasing",
        }
    }
}

/// A DHCPv6 client as seen from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dhcpv6Info {
    /// What it is doing.
    pub state: Dhcpv6State,
    /// By what servers know it.
    pub duid: Duid,
    /// Which association it is, of addresses and of prefixes alike.
    pub iaid: u32,
    /// The server that its leases are from.
    pub server: Option<Duid>,
    /// Addresses; whether the interface has them, its address table tells.
    pub addresses: Vec<Dhcpv6Lease>,
    /// Delegated prefixes: for the application to hand out.
    pub prefixes: Vec<Dhcpv6Lease>,
    /// T1; `None` for never.
    pub renew_at: Option<Instant>,
    /// T2; `None` for never.
    pub rebind_at: Option<Instant>,
    /// DNS recursive name servers, best first (RFC 3646).
    pub dns_servers: Vec<Ipv6Addr>,
    /// Domains to search, in the order of the search (RFC 3646).
    pub domains: Vec<DomainName>,
    /// When a client without leases asks for its configuration again; `None` for never.
    pub refresh_at: Option<Instant>,
}

impl Dhcpv6Client {
    /// What it shows of itself.
    pub(crate) fn info(&self) -> Dhcpv6Info {
        Dhcpv6Info {
            state: self.state(),
            duid: self.duid.clone(),
            iaid: self.iaid,
            server: self.server.clone(),
            addresses: self.addresses.leases.to_vec(),
            prefixes: self.prefixes.leases.to_vec(),
            renew_at: self.renew_at(),
            rebind_at: self.rebind_at(),
            dns_servers: self.information.dns_servers.clone(),
            domains: self.information.domains.clone(),
            refresh_at: self.information.refresh_at,
        }
    }

    /// What is to be kept for the next start of interface number `interface`; `None` without leases.
    pub(crate) fn binding(&self, now: Instant, interface: u16) -> Option<Dhcpv6Binding> {
        let (addresses, prefixes) = (saved(&self.addresses, now), saved(&self.prefixes, now));
        let server = self.server.clone().filter(|_| !self.ends)?;
        let binding = Dhcpv6Binding { interface, server, addresses, prefixes };
        (!binding.is_empty()).then_some(binding)
    }

    /// Takes up what was kept at the last start; its times count from `began`. It is not used before a
    /// server has confirmed it, or none has answered.
    pub(crate) fn restore(&mut self, now: Instant, began: Instant, mut binding: Dhcpv6Binding) {
        binding.pass(now.since(began));
        if binding.is_empty() {
            return;
        }
        self.server = Some(binding.server);
        self.addresses = restored(&binding.addresses, now, self.settings.leases);
        self.prefixes = restored(&binding.prefixes, now, self.settings.leases);
    }

    fn state(&self) -> Dhcpv6State {
        match &self.exchange {
            _ if self.ends => Dhcpv6State::Releasing,
            _ if !self.begun => Dhcpv6State::Waiting,
            None if self.has_leases() => Dhcpv6State::Bound,
            None if self.wants_leases() => Dhcpv6State::Soliciting,
            None => Dhcpv6State::Informed,
            Some(exchange) => match exchange.purpose {
                Purpose::Solicit => Dhcpv6State::Soliciting,
                Purpose::Request => Dhcpv6State::Requesting,
                Purpose::Confirm | Purpose::Verify => Dhcpv6State::Confirming,
                Purpose::Renew => Dhcpv6State::Renewing,
                Purpose::Rebind => Dhcpv6State::Rebinding,
                Purpose::Inform => Dhcpv6State::Informing,
                Purpose::Release | Purpose::Decline => Dhcpv6State::Releasing,
            },
        }
    }
}

fn saved(association: &Association, now: Instant) -> SavedAssociation {
    let left = |until: Option<Instant>| until.map(|until| until.since(now));
    let valid = association.leases.iter().filter(|lease| lease.is_valid(now));
    let leases = valid.map(|lease| SavedLease {
        prefix: lease.prefix,
        prefix_len: lease.prefix_len,
        preferred: left(lease.preferred_until),
        valid: left(lease.valid_until),
    });
    SavedAssociation {
        leases: leases.collect(),
        renew: left(association.renew_at),
        rebind: left(association.rebind_at),
    }
}

fn restored(saved: &SavedAssociation, now: Instant, limit: usize) -> Association {
    let after = |time: Option<Duration>| time.map(|time| now + time);
    let leases = saved.leases.iter().take(limit).map(|lease| Dhcpv6Lease {
        prefix: lease.prefix,
        prefix_len: lease.prefix_len,
        preferred_until: after(lease.preferred),
        valid_until: after(lease.valid),
    });
    Association { leases: leases.collect(), renew_at: after(saved.renew), rebind_at: after(saved.rebind) }
}
