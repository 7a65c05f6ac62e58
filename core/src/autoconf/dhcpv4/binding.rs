//! A lease as it is kept across restarts.

use alloc::boxed::Box;
use core::net::Ipv4Addr;

use super::settings::{Dhcpv4Settings, is_host};
use super::{Lease, LeaseTimes};
use crate::config::InterfaceAddress;
use crate::digest::Digest;
use crate::time::{Duration, Instant};
use crate::wire::ethernet::EthernetAddress;

/// What a DHCPv4 server has given an interface. Times are how long it is until then; `None` for never.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Dhcpv4Binding {
    /// The interface's number.
    pub interface: u16,
    /// The address.
    pub address: Ipv4Addr,
    /// The length of its subnet's prefix, 1 to 32.
    pub prefix_len: u8,
    /// The server.
    pub server: Ipv4Addr,
    /// The server's hardware address, or that of the relay agent on our link.
    pub station: EthernetAddress,
    /// The router's hardware address, by which the network is known again (RFC 4436); `None` if unknown.
    pub router_station: Option<EthernetAddress>,
    /// Until T1.
    pub renew: Option<Duration>,
    /// Until T2.
    pub rebind: Option<Duration>,
    /// How long the lease lasts.
    pub valid: Option<Duration>,
    /// What came with it.
    pub settings: Dhcpv4Settings,
}

impl Dhcpv4Binding {
    /// `lease` as it is at `now`.
    pub(crate) fn save(lease: &Lease, interface: u16, router: Option<EthernetAddress>, now: Instant) -> Dhcpv4Binding {
        let until = |at: Option<Instant>| at.map(|at| at.since(now));
        Dhcpv4Binding {
            interface,
            address: lease.address,
            prefix_len: lease.prefix_len,
            server: lease.server,
            station: lease.station,
            router_station: router.or(lease.router_station),
            renew: until(lease.times.t1),
            rebind: until(lease.times.t2),
            valid: until(lease.times.expires),
            settings: lease.settings.clone(),
        }
    }

    /// The lease, at `now`; `None` if it has expired, or if no host could have the address.
    pub(crate) fn restore(self, now: Instant) -> Option<Box<Lease>> {
        let own = InterfaceAddress::v4(self.address, self.prefix_len);
        let after = |time: Option<Duration>| time.map(|time| now + time);
        let times = LeaseTimes { t1: after(self.renew), t2: after(self.rebind), expires: after(self.valid) };
        let is_whole = is_host(self.address) && own.is_valid() && !self.is_over();
        is_whole.then(|| {
            Box::new(Lease {
                address: self.address,
                prefix_len: self.prefix_len,
                server: self.server,
                station: self.station,
                times,
                router_station: self.router_station,
                settings: self.settings,
            })
        })
    }

    /// Time has passed.
    pub(crate) fn pass(&mut self, elapsed: Duration) {
        for time in [&mut self.renew, &mut self.rebind, &mut self.valid].into_iter().flatten() {
            *time = time.saturating_sub(elapsed);
        }
    }

    /// Whether the lease has expired.
    pub(crate) fn is_over(&self) -> bool {
        self.valid == Some(Duration::ZERO)
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.u16(self.interface);
        digest.bytes(&self.address.octets());
        digest.u8(self.prefix_len);
        digest.bytes(&self.server.octets());
        digest.bytes(&self.station.0);
        digest.option(self.router_station, |digest, station| digest.bytes(&station.0));
        for time in [self.renew, self.rebind, self.valid] {
            digest.option(time, |digest, time| digest.u64(time.as_nanos() as u64));
        }
        self.settings.digest(digest);
    }
}
