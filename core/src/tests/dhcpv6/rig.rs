//! An interface with a link-local address, and servers.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::Ipv6Addr;
use core::time::Duration;

use crate::autoconf::dhcpv6::{Dhcpv6Info, Dhcpv6Request, Dhcpv6State};
use crate::config::Dhcpv6Config;
use crate::tests::rig::{OUR_MAC, PEER_MAC, Rig, ethernet, socket, udp_packet};
use crate::wire::dhcpv6::{
    Dhcpv6Message, Dhcpv6Option, Dhcpv6Options, IaAddress, IaPrefix, IdentityAssociation, List, MessageType, Status,
};
use crate::wire::ethernet::EthernetAddress;
use crate::{Capabilities, Config, Identity, InterfaceAddress, InterfaceConfig, Limits, Verdict};

pub(super) const LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 2);
pub(super) const LEASED: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x100);
pub(super) const OTHER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x200);
pub(super) const PREFIX: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xff, 0, 0, 0, 0, 0);
pub(super) const NAME_SERVER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x53);
/// The hardware address of a host after its restart.
pub(super) const NEW_MAC: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 9]);
/// DUID-LL of the rig's hardware address.
pub(super) const CLIENT: [u8; 10] = [0, 3, 0, 1, 2, 0, 0, 0, 0, 2];
/// The low four bytes of it.
pub(super) const IAID: u32 = 2;
/// A server's DUID.
pub(super) const ONE: [u8; 4] = [0, 2, 0, 1];
/// Another's.
pub(super) const TWO: [u8; 4] = [0, 2, 0, 2];

pub(super) const ADDRESSES: Dhcpv6Request = Dhcpv6Request { addresses: true, prefixes: None };
pub(super) const BOTH: Dhcpv6Request = Dhcpv6Request { addresses: true, prefixes: Some(56) };

pub(super) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A rig whose client runs.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) rig: Rig,
    /// The transaction of the last message sent.
    pub(super) transaction: u32,
    /// Its hardware address.
    station: EthernetAddress,
}

impl Client {
    /// A client that has been started, with four messages rather than two.
    pub(super) fn new(request: Dhcpv6Request) -> Client {
        Client::with(Dhcpv6Config { rapid_commit: false, ..Dhcpv6Config::default() }, Limits::default(), request)
    }

    pub(super) fn with(dhcpv6: Dhcpv6Config, limits: Limits, request: Dhcpv6Request) -> Client {
        let config = Config { checks: true, dhcpv6, limits, ..Config::default() };
        Client::on(Rig::with(config, Capabilities::plain(1500)), request)
    }

    /// One on an interface that has no link-local address yet.
    pub(super) fn on(mut rig: Rig, request: Dhcpv6Request) -> Client {
        let (now, id) = (rig.now, rig.interface);
        rig.stack.dhcpv6_start(now, id, request).unwrap();
        assert_eq!(rig.pass(seconds(5)), "", "without a link-local address nothing is sent");
        rig.stack.add_address(rig.now, id, InterfaceAddress::v6(LINK_LOCAL, 64)).unwrap();
        Client { rig, transaction: 0, station: OUR_MAC }
    }

    /// One on an interface that verifies its addresses before it uses them.
    pub(super) fn verifying(request: Dhcpv6Request) -> Client {
        let dhcpv6 = Dhcpv6Config { rapid_commit: false, ..Dhcpv6Config::default() };
        let interface = InterfaceConfig::new(OUR_MAC, Capabilities::plain(1500), []);
        let rig = Rig::with_interface(Config { checks: true, dhcpv6, ..Config::default() }, interface);
        let mut client = Client::on(rig, request);
        while client.info().state == Dhcpv6State::Waiting {
            client.rig.pass(Duration::from_millis(100));
        }
        client
    }

    /// One that has got `LEASED` for 100 s (T1 50 s, T2 80 s) from `ONE`, just now.
    pub(super) fn bound(request: Dhcpv6Request) -> Client {
        let mut client = Client::new(request);
        client.bind();
        client
    }

    /// It gets `LEASED`.
    pub(super) fn bind(&mut self) {
        self.obtain(&lease(LEASED, 60, 100));
        self.rig.events();
    }

    /// One that has got `LEASED` and `PREFIX`, with the times of [`Client::bound`].
    pub(super) fn bound_to_both() -> Client {
        let mut client = Client::new(BOTH);
        client.obtain(&[lease(LEASED, 60, 100), delegation(60, 100)].concat());
        client
    }

    /// It asks, and `ONE` gives it these associations.
    pub(super) fn obtain(&mut self, associations: &[u8]) {
        self.pass(seconds(1));
        self.advertise(&ONE, Some(255), associations);
        self.sent();
        self.reply(&ONE, associations);
    }

    /// The same host after a restart with that identity, and another hardware address and seed.
    pub(super) fn restarted(identity: Identity, request: Dhcpv6Request) -> Client {
        let dhcpv6 = Dhcpv6Config { rapid_commit: false, ..Dhcpv6Config::default() };
        let config = Config { checks: true, dhcpv6, identity: Some(identity), ..Config::default() };
        let interface = InterfaceConfig::new(NEW_MAC, Capabilities::plain(1500), []).unverified();
        let rig = Rig::with_interface(config, interface);
        Client { station: NEW_MAC, ..Client::on(rig, request) }
    }

    /// Time passes; what was sent meanwhile.
    pub(super) fn pass(&mut self, duration: Duration) -> String {
        let lines = self.rig.pass(duration);
        self.note(&lines);
        lines
    }

    /// What is sent now.
    pub(super) fn sent(&mut self) -> String {
        let lines = self.rig.sent();
        self.note(&lines);
        lines
    }

    fn note(&mut self, lines: &str) {
        if let Some((_, rest)) = lines.rsplit_once("xid ") {
            self.transaction = u32::from_str_radix(&rest[..6], 16).unwrap();
        }
    }

    /// A message of a server arrives, in answer to the last one sent.
    pub(super) fn receive(&mut self, kind: MessageType, options: &[Dhcpv6Option<'_>]) -> Verdict {
        let message = message(kind, self.transaction, options);
        self.receive_bytes(&message)
    }

    pub(super) fn receive_bytes(&mut self, message: &[u8]) -> Verdict {
        let packet = udp_packet(socket("[fe80::1]:547"), socket("[fe80::2]:546"), message);
        self.rig.receive(&ethernet(self.station, PEER_MAC, &packet))
    }

    pub(super) fn advertise(&mut self, server: &[u8], preference: Option<u8>, ias: &[u8]) {
        assert_eq!(self.hear_advertise(server, preference, ias), Verdict::Accepted);
    }

    pub(super) fn reply(&mut self, server: &[u8], rest: &[u8]) {
        assert_eq!(self.hear_reply(server, rest), Verdict::Accepted);
    }

    pub(super) fn hear_advertise(&mut self, server: &[u8], preference: Option<u8>, ias: &[u8]) -> Verdict {
        let mut options = Vec::from([Dhcpv6Option::ClientId(&CLIENT), Dhcpv6Option::ServerId(server)]);
        options.extend(preference.map(Dhcpv6Option::Preference));
        options.extend(parsed(ias));
        self.receive(MessageType::Advertise, &options)
    }

    pub(super) fn hear_reply(&mut self, server: &[u8], rest: &[u8]) -> Verdict {
        let mut options = Vec::from([Dhcpv6Option::ClientId(&CLIENT), Dhcpv6Option::ServerId(server)]);
        options.extend(parsed(rest));
        self.receive(MessageType::Reply, &options)
    }

    pub(super) fn info(&self) -> Dhcpv6Info {
        self.rig.stack.dhcpv6(self.rig.interface).unwrap()
    }

    pub(super) fn has(&self, address: Ipv6Addr) -> bool {
        self.info().addresses.iter().any(|lease| lease.prefix == address)
            && self.rig.stack.interfaces().any(|own| own.addresses.iter().any(|own| own.address == address))
    }
}

fn parsed(bytes: &[u8]) -> impl Iterator<Item = Dhcpv6Option<'_>> {
    Dhcpv6Options::parse(bytes).unwrap().iter()
}

pub(super) fn message(kind: MessageType, transaction: u32, options: &[Dhcpv6Option<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    Dhcpv6Message::emit_header(kind, transaction, &mut bytes);
    for option in options {
        option.emit(&mut bytes);
    }
    bytes
}

pub(super) fn emitted(option: Dhcpv6Option<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    option.emit(&mut bytes);
    bytes
}

/// An IA_NA with these times and options.
pub(super) fn ia_na(t1: u32, t2: u32, options: &[u8]) -> Vec<u8> {
    let options = Dhcpv6Options::parse(options).unwrap();
    emitted(Dhcpv6Option::IaNa(IdentityAssociation { iaid: IAID, t1, t2, options }))
}

/// An IA_PD with these times and options.
pub(super) fn ia_pd(t1: u32, t2: u32, options: &[u8]) -> Vec<u8> {
    let options = Dhcpv6Options::parse(options).unwrap();
    emitted(Dhcpv6Option::IaPd(IdentityAssociation { iaid: IAID, t1, t2, options }))
}

pub(super) fn address(address: Ipv6Addr, preferred: u32, valid: u32) -> Vec<u8> {
    emitted(Dhcpv6Option::IaAddress(IaAddress { address, preferred, valid, options: Dhcpv6Options::default() }))
}

pub(super) fn prefix(preferred: u32, valid: u32) -> Vec<u8> {
    let options = Dhcpv6Options::default();
    emitted(Dhcpv6Option::IaPrefix(IaPrefix { preferred, valid, prefix_len: 56, prefix: PREFIX, options }))
}

/// An IA_NA with one address, T1 half and T2 four fifths of the valid lifetime.
pub(super) fn lease(leased: Ipv6Addr, preferred: u32, valid: u32) -> Vec<u8> {
    ia_na(valid / 2, valid / 10 * 8, &address(leased, preferred, valid))
}

/// An IA_PD with one prefix, its times as `lease`'s.
pub(super) fn delegation(preferred: u32, valid: u32) -> Vec<u8> {
    ia_pd(valid / 2, valid / 10 * 8, &prefix(preferred, valid))
}

pub(super) fn status(status: Status) -> Vec<u8> {
    emitted(Dhcpv6Option::Status { status, message: b"" })
}

pub(super) fn name_servers(count: u8) -> Vec<u8> {
    let mut addresses = Vec::new();
    for number in 0..count {
        addresses.extend(Ipv6Addr::from_bits(NAME_SERVER.to_bits() + u128::from(number)).octets());
    }
    emitted(Dhcpv6Option::DnsServers(List::parse(&addresses).unwrap()))
}

/// The times of the messages in what [`Client::pass`] returns, in milliseconds.
pub(super) fn times(lines: &str) -> Vec<u64> {
    lines.lines().map(|line| line.trim_start_matches('+').split_once("ms ").unwrap().0.parse().unwrap()).collect()
}
