//! What servers have given: addresses and delegated prefixes with their lifetimes, per identity
//! association (RFC 8415 section 12).

use core::net::Ipv6Addr;
use smallvec::SmallVec;

use super::exchange::Resource;
use crate::digest::Digest;
use crate::time::{Duration, Instant};
use crate::wire::dhcpv6::{Dhcpv6Option, INFINITY, IdentityAssociation, Status};

/// An address or a delegated prefix that a server has given, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dhcpv6Lease {
    /// The address, or the prefix (the bits beyond its length are 0).
    pub prefix: Ipv6Addr,
    /// 128 for an address.
    pub prefix_len: u8,
    /// When nothing new should use it any more; `None` for never.
    pub preferred_until: Option<Instant>,
    /// When it ends; `None` for never.
    pub valid_until: Option<Instant>,
}

impl Dhcpv6Lease {
    pub(super) fn is_valid(&self, now: Instant) -> bool {
        self.valid_until.is_none_or(|until| until > now)
    }

    fn is(&self, resource: Resource) -> bool {
        (self.prefix, self.prefix_len) == (resource.prefix, resource.prefix_len)
    }

    pub(super) fn resource(&self, delegated: bool) -> Resource {
        Resource { delegated, prefix: self.prefix, prefix_len: self.prefix_len }
    }
}

/// A lease as a server has written it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) resource: Resource,
    /// In seconds; 0 takes it back.
    preferred: u32,
    valid: u32,
}

impl Grant {
    /// The grants in an IA; those that no client can use are left out.
    pub(super) fn all<'a>(ia: &IdentityAssociation<'a>, delegated: bool) -> impl Iterator<Item = Grant> + use<'a> {
        ia.options.iter().filter_map(move |option| Grant::parse(&option, delegated))
    }

    fn parse(option: &Dhcpv6Option<'_>, delegated: bool) -> Option<Grant> {
        let (resource, preferred, valid, status) = match option {
            Dhcpv6Option::IaAddress(own) if !delegated => {
                let resource = Resource { delegated, prefix: own.address, prefix_len: 128 };
                (resource, own.preferred, own.valid, own.options.status())
            }
            Dhcpv6Option::IaPrefix(own) if delegated => {
                let mask = u128::MAX.checked_shl(128 - u32::from(own.prefix_len)).unwrap_or(0);
                let prefix = Ipv6Addr::from_bits(own.prefix.to_bits() & mask);
                let resource = Resource { delegated, prefix, prefix_len: own.prefix_len };
                (resource, own.preferred, own.valid, own.options.status())
            }
            _ => return None,
        };
        // Sections 21.6 and 21.22: such leases are discarded.
        let plausible = preferred <= valid && status == Status::SUCCESS && is_assignable(resource);
        plausible.then_some(Grant { resource, preferred, valid })
    }

    /// Whether it gives something, rather than taking it back.
    pub(super) const fn is_given(&self) -> bool {
        self.valid > 0
    }

    fn lease(&self, now: Instant) -> Dhcpv6Lease {
        Dhcpv6Lease {
            prefix: self.resource.prefix,
            prefix_len: self.resource.prefix_len,
            preferred_until: after(now, self.preferred),
            valid_until: after(now, self.valid),
        }
    }
}

/// Whether a server can mean it: a unicast address or prefix that is not for one link or one host only.
fn is_assignable(resource: Resource) -> bool {
    let prefix = resource.prefix;
    resource.prefix_len > 0
        && !prefix.is_unspecified()
        && !prefix.is_loopback()
        && !prefix.is_multicast()
        && !prefix.is_unicast_link_local()
}

/// Section 7.7: seconds from now, or never.
pub(super) fn after(now: Instant, seconds: u32) -> Option<Instant> {
    (seconds != INFINITY).then(|| now + Duration::from_secs(seconds.into()))
}

/// An identity association: IA_NA or IA_PD.
#[derive(Clone, Debug, Default)]
pub(super) struct Association {
    pub(super) leases: SmallVec<[Dhcpv6Lease; 2]>,
    /// T1: when the server that gave the leases is asked to extend them; `None` for never.
    pub(super) renew_at: Option<Instant>,
    /// T2: when any server is asked; `None` for never.
    pub(super) rebind_at: Option<Instant>,
}

impl Association {
    pub(super) fn find(&mut self, resource: Resource) -> Option<usize> {
        self.leases.iter().position(|lease| lease.is(resource))
    }

    /// Section 18.2.10.1: adds or updates a lease; `false` if that would make more than `limit`.
    pub(super) fn put(&mut self, now: Instant, grant: &Grant, limit: usize) -> bool {
        let lease = grant.lease(now);
        let full = self.leases.len() >= limit;
        match self.leases.iter_mut().find(|lease| lease.is(grant.resource)) {
            Some(known) => *known = lease,
            None if full => return false,
            None => self.leases.push(lease),
        }
        true
    }

    /// T1 and T2 of a reply that came now; where the server leaves them to the client (0, section
    /// 14.2), half and four fifths of the shortest preferred lifetime, as servers are told to choose.
    pub(super) fn set_times(&mut self, now: Instant, ia: &IdentityAssociation<'_>) {
        let shortest = self
            .leases
            .iter()
            .map(|lease| lease.preferred_until.filter(|until| *until > now).or(lease.valid_until))
            .min_by_key(|until| until.map_or(u64::MAX, Instant::as_nanos))
            .flatten();
        let part = |tenths: u32| shortest.map(|until| now + (until.since(now) * tenths / 10).max(MIN_WAIT));
        let renew_at = after(now, ia.t1);
        self.rebind_at = match ia.t2 {
            0 => part(8).map(|at| renew_at.map_or(at, |renew_at| at.max(renew_at))),
            t2 => after(now, t2),
        };
        self.renew_at = if ia.t1 == 0 { earlier(part(5), self.rebind_at) } else { renew_at };
    }

    pub(super) fn digest(&self, digest: &mut Digest) {
        digest.count(self.leases.len());
        for lease in &self.leases {
            digest.address(lease.prefix.into());
            digest.u8(lease.prefix_len);
            digest.option(lease.preferred_until, Digest::instant);
            digest.option(lease.valid_until, Digest::instant);
        }
        digest.option(self.renew_at, Digest::instant);
        digest.option(self.rebind_at, Digest::instant);
    }
}

/// Section 14.2: a client that chooses the time must not choose "at once".
const MIN_WAIT: Duration = Duration::from_secs(1);

/// The earlier of two instants, where `None` is never.
pub(super) fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    [one, other].into_iter().flatten().min()
}
