//! Configuration that is no lease: name servers, domains, and for how long they hold.

use alloc::vec::Vec;
use core::net::Ipv6Addr;

use super::lease::after;
use crate::digest::Digest;
use crate::time::{Duration, Instant};
use crate::wire::dhcpv6::{Dhcpv6Option, Dhcpv6Options};
use crate::wire::domain_name::DomainName;

/// `IRT_DEFAULT` and `IRT_MINIMUM` (RFC 8415 section 7.6), in seconds.
const REFRESH_DEFAULT: u32 = 86_400;
const REFRESH_MIN: u32 = 600;

/// What the last Reply has told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Information {
    pub(super) dns_servers: Vec<Ipv6Addr>,
    pub(super) domains: Vec<DomainName>,
    /// When it is asked for again by itself; `None` if that comes with the leases, or never.
    pub(super) refresh_at: Option<Instant>,
}

impl Information {
    /// What a Reply tells; of each list at most `limit` entries. Returns also how many there were beyond.
    pub(super) fn parse(options: Dhcpv6Options<'_>, limit: usize) -> (Information, u64) {
        let mut information = Information::default();
        let mut refused = 0;
        for option in options.iter() {
            match option {
                Dhcpv6Option::DnsServers(servers) => {
                    let usable = |server: &Ipv6Addr| !server.is_unspecified() && !server.is_multicast();
                    for server in servers.addresses().filter(usable) {
                        refused += push(&mut information.dns_servers, server, limit);
                    }
                }
                // What cannot be read ends the list.
                Dhcpv6Option::DomainList(mut names) => {
                    while let Ok((name, rest)) = DomainName::parse_wire(names) {
                        refused += push(&mut information.domains, name, limit);
                        names = rest;
                    }
                }
                _ => {}
            }
        }
        (information, refused)
    }

    /// Section 21.23: when a client without leases asks again.
    pub(super) fn refresh_at(options: Dhcpv6Options<'_>, now: Instant) -> Option<Instant> {
        let told = |option| if let Dhcpv6Option::InformationRefreshTime(time) = option { Some(time) } else { None };
        after(now, options.find(told).unwrap_or(REFRESH_DEFAULT).max(REFRESH_MIN))
    }

    pub(super) fn digest(&self, digest: &mut Digest) {
        digest.count(self.dns_servers.len());
        self.dns_servers.iter().for_each(|server| digest.address((*server).into()));
        digest.count(self.domains.len());
        self.domains.iter().for_each(|name| digest.counted(name.as_str().as_bytes()));
        digest.option(self.refresh_at, Digest::instant);
    }
}

/// Returns 1 if there was no room, else 0.
fn push<T>(list: &mut Vec<T>, item: T, limit: usize) -> u64 {
    let full = list.len() >= limit;
    if !full {
        list.push(item);
    }
    u64::from(full)
}

/// The bounds that a server may set for its clients' patience (sections 21.24 and 21.25): `SOL_MAX_RT` and
/// `INF_MAX_RT`; others than 60 to 86,400 seconds are ignored.
pub(super) fn max_timeouts(options: Dhcpv6Options<'_>) -> (Option<Duration>, Option<Duration>) {
    let valid = |seconds: u32| ((60..=86_400).contains(&seconds)).then(|| Duration::from_secs(seconds.into()));
    let sol = options.find(|option| if let Dhcpv6Option::SolMaxRt(value) = option { valid(value) } else { None });
    let inf = options.find(|option| if let Dhcpv6Option::InfMaxRt(value) = option { valid(value) } else { None });
    (sol, inf)
}
