//! What the client sends: described when it is decided, encoded when it leaves.

use alloc::vec::Vec;
use core::net::Ipv4Addr;
use smallvec::SmallVec;

use super::Dhcpv4Client;
use super::config::Dhcpv4Config;
use crate::digest::Digest;
use crate::wire::dhcpv4::{Dhcpv4Header, Dhcpv4Kind, Dhcpv4Op, option};
use crate::wire::ethernet::EthernetAddress;

/// What is asked for. RFC 3442: the classless routes stand before the routers and the classful routes.
const PARAMETERS: [u8; 12] = [
    option::SUBNET_MASK,
    option::CLASSLESS_ROUTE,
    option::ROUTER,
    option::STATIC_ROUTE,
    option::DNS_SERVER,
    option::DOMAIN_NAME,
    option::DOMAIN_SEARCH,
    option::INTERFACE_MTU,
    option::NTP_SERVER,
    option::LEASE_TIME,
    option::RENEWAL_TIME,
    option::REBINDING_TIME,
];
/// The last of [`PARAMETERS`] are about leases, which one who has an address does not ask for (RFC 2131
/// section 4.4.3).
const LEASE_PARAMETERS: usize = 3;

/// A message to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outgoing {
    pub(crate) kind: Dhcpv4Kind,
    pub(crate) xid: u32,
    pub(crate) secs: u16,
    /// Our address, once it can be used: it is then the packet's source too.
    pub(crate) ciaddr: Ipv4Addr,
    pub(crate) requested: Option<Ipv4Addr>,
    pub(crate) server: Option<Ipv4Addr>,
    pub(crate) to: Destination,
}

/// Where a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// To 255.255.255.255.
    Broadcast,
    /// To the server, as any other packet.
    Server(Ipv4Addr),
    /// To the server through this station: our address is going away, and ARP with it.
    Through(Ipv4Addr, EthernetAddress),
}

impl Outgoing {
    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.u8(self.kind as u8);
        digest.u32(self.xid);
        digest.u16(self.secs);
        digest.bytes(&self.ciaddr.octets());
        digest.option(self.requested, |digest, address| digest.bytes(&address.octets()));
        digest.option(self.server, |digest, address| digest.bytes(&address.octets()));
        match self.to {
            Destination::Broadcast => digest.u8(0),
            Destination::Server(server) => {
                digest.u8(1);
                digest.bytes(&server.octets());
            }
            Destination::Through(server, station) => {
                digest.u8(2);
                digest.bytes(&server.octets());
                digest.bytes(&station.0);
            }
        }
    }
}

impl Dhcpv4Client {
    /// Encodes a message, a UDP datagram's payload. `mtu` is what our interface takes, in bytes of the
    /// packet. Tables 3 and 5 of RFC 2131 say which option goes with which message.
    pub(crate) fn encode(&self, outgoing: &Outgoing, mtu: u16, out: &mut Vec<u8>) {
        let header = Dhcpv4Header {
            op: Dhcpv4Op::Request,
            xid: outgoing.xid,
            secs: outgoing.secs,
            // We hear what is sent to our station before we have an address (RFC 2131 section 4.1).
            broadcast: false,
            ciaddr: outgoing.ciaddr,
            yiaddr: Ipv4Addr::UNSPECIFIED,
            siaddr: Ipv4Addr::UNSPECIFIED,
            giaddr: Ipv4Addr::UNSPECIFIED,
            chaddr: self.hardware_address,
        };
        let kind = [outgoing.kind as u8];
        let requested = outgoing.requested.map(|address| address.octets());
        let server = outgoing.server.map(|address| address.octets());
        let max_size = mtu.to_be_bytes();
        let parameters = parameters(&self.config, outgoing.kind);
        let asks = !matches!(outgoing.kind, Dhcpv4Kind::Decline | Dhcpv4Kind::Release);
        let rapid_commit = outgoing.kind == Dhcpv4Kind::Discover && self.config.rapid_commit;

        let mut options: SmallVec<[(u8, &[u8]); 9]> = SmallVec::new();
        options.push((option::MESSAGE_TYPE, &kind));
        options.push((option::CLIENT_ID, &self.client_id));
        options.extend(requested.as_ref().map(|address| (option::REQUESTED_ADDRESS, &address[..])));
        options.extend(server.as_ref().map(|address| (option::SERVER_ID, &address[..])));
        if asks {
            options.extend(self.config.host_name.as_ref().map(|name| (option::HOST_NAME, name.as_bytes())));
            options.push((option::MAX_MESSAGE_SIZE, &max_size));
            options.push((option::PARAMETER_LIST, &parameters));
        }
        if rapid_commit {
            options.push((option::RAPID_COMMIT, &[]));
        }
        header.emit(options, out);
    }
}

fn parameters(config: &Dhcpv4Config, kind: Dhcpv4Kind) -> SmallVec<[u8; 16]> {
    let wanted = if kind == Dhcpv4Kind::Inform { PARAMETERS.len() - LEASE_PARAMETERS } else { PARAMETERS.len() };
    let mut list = SmallVec::from_slice(PARAMETERS.get(..wanted).unwrap_or_default());
    // RFC 8925 section 3.2: only from a host that can do without IPv4, and never when it has an address.
    if config.ipv6_only_capable && kind != Dhcpv4Kind::Inform {
        list.push(option::IPV6_ONLY_PREFERRED);
    }
    list
}
