//! The DHCPv4 client (RFC 2131): a server's side of the wire, and the whole stack on virtual time.
//!
//! | file | topic |
//! |---|---|
//! | `lease` | from the first message to a lease, and its end: sections 3.1, 4.4.1, 4.4.6; RFC 4039 |
//! | `silence` | lost messages: section 4.1 |
//! | `extend` | renewing, rebinding, expiry: section 4.4.5 |
//! | `reboot` | a lease of earlier: INIT-REBOOT, section 3.2; RFC 4436 |
//! | `refusal` | NAK in each state, and addresses that others have |
//! | `settings` | options: RFC 2132, 3396, 3442, 3397; RFC 2131 section 4.4.3 (INFORM); RFC 8925 |
//! | `hostile` | messages for others, of others, and of no use |

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;

use super::rig::*;
use crate::wire::dhcpv4::{Dhcpv4Header, Dhcpv4Kind, Dhcpv4Message, Dhcpv4Op};
use crate::wire::ethernet::EthernetAddress;
use crate::{AddressSettings, Capabilities, Config, Dhcpv4Config, Dhcpv4State, Verdict};

mod extend;
mod hostile;
mod lease;
mod reboot;
mod refusal;
mod settings;
mod silence;

/// The server, at the peer's station.
const SERVER: Ipv4Addr = PEER_V4;
const LEASED: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 50);

type Options<'a> = &'a [(u8, &'a [u8])];

/// What makes an answer one that can be used: server, mask, an hour.
const USUAL: [(u8, &[u8]); 4] =
    [(54, &[192, 0, 2, 1]), (1, &[255, 255, 255, 0]), (51, &[0, 0, 14, 16]), (3, &[192, 0, 2, 1])];

/// A message that the client has sent.
#[derive(Clone, Debug)]
struct Sent {
    header: Dhcpv4Header,
    line: String,
}

/// A host without an IPv4 address, whose client has not started.
struct Host {
    rig: Rig,
    /// The last message sent.
    last: Option<Dhcpv4Header>,
}

impl Host {
    fn new() -> Host {
        Host { rig: Rig::bare(AddressSettings::default()), last: None }
    }

    /// The same, configured otherwise, and without conflict detection.
    fn with(config: Config) -> Host {
        let mut rig = Rig::with(config, Capabilities::plain(1500));
        rig.stack.remove_address(rig.now, rig.interface, OUR_V4.into()).unwrap();
        rig.stack.remove_address(rig.now, rig.interface, OUR_V6.into()).unwrap();
        Host { rig, last: None }
    }

    /// A host whose client has just sent its first message.
    fn started() -> Host {
        Host::started_with(Dhcpv4Config { link_local_after: None, ..Dhcpv4Config::default() })
    }

    fn started_with(config: Dhcpv4Config) -> Host {
        let mut host = Host::new();
        host.start(config);
        host
    }

    fn start(&mut self, config: Dhcpv4Config) {
        self.rig.stack.dhcpv4_start(self.rig.now, self.rig.interface, config).unwrap();
        let sent = self.sent();
        assert_eq!(sent.len(), 1, "one message, at once: {sent:?}");
    }

    /// A host with a lease of an hour on 192.0.2.50.
    fn bound() -> Host {
        Host::bound_with(&USUAL)
    }

    fn bound_with(options: Options<'_>) -> Host {
        let mut host = Host::started();
        assert_eq!(host.answer(Dhcpv4Kind::Offer, LEASED, options), Verdict::Accepted);
        assert_eq!(host.sent().len(), 1);
        assert_eq!(host.answer(Dhcpv4Kind::Ack, LEASED, options), Verdict::Accepted);
        host.settle();
        assert_eq!(host.state(), Dhcpv4State::Bound);
        host
    }

    /// Lets conflict detection come to its end, and what it sends go.
    fn settle(&mut self) {
        self.rig.pass(Duration::from_millis(500));
        assert!(self.has_address(), "the lease's address can be used");
    }

    fn state(&self) -> Dhcpv4State {
        self.rig.stack.dhcpv4(self.rig.interface).unwrap().state
    }

    fn has_address(&self) -> bool {
        self.addresses().contains(&"192.0.2.50/24".to_string())
    }

    /// The addresses in use.
    fn addresses(&self) -> Vec<String> {
        let own = self.rig.stack.interfaces().next().unwrap().addresses.iter();
        own.filter(|own| own.state.is_assigned())
            .map(|own| alloc::format!("{}/{}", own.address, own.prefix_len))
            .collect()
    }

    fn routes(&self) -> Vec<String> {
        let line = |route: &crate::Route| {
            let gateway = route.gateway().map_or(String::new(), |gateway| alloc::format!(" via {gateway}"));
            alloc::format!("{}/{}{gateway}", route.prefix, route.prefix_len)
        };
        self.rig.stack.routes().map(line).collect()
    }

    /// What the client sends now; ARP and the like are left out.
    fn sent(&mut self) -> Vec<Sent> {
        let sent: Vec<Sent> = self.rig.frames().iter().filter_map(|frame| sent(frame)).collect();
        self.last = sent.last().map(|sent| sent.header).or(self.last);
        sent
    }

    /// The one message that the client sends now.
    fn sent_one(&mut self) -> String {
        let sent = self.sent();
        assert_eq!(sent.len(), 1, "{sent:?}");
        sent[0].line.clone()
    }

    /// What the client sends during `duration`, with the seconds after which it does.
    fn during(&mut self, duration: Duration) -> Vec<(f64, Sent)> {
        let (start, end) = (self.rig.now, self.rig.now + duration);
        let mut all = Vec::new();
        loop {
            self.rig.events();
            let at = self.rig.now.since(start).as_secs_f64();
            all.extend(self.sent().into_iter().map(|sent| (at, sent)));
            match self.rig.stack.poll_timeout() {
                Some(wakeup) if wakeup.cause == crate::Cause::Undrained => {}
                Some(wakeup) if wakeup.at <= end => self.rig.run_to(wakeup.at),
                _ => break,
            }
        }
        self.rig.now = end;
        all
    }

    /// The server answers the last message, to the client's station alone.
    fn answer(&mut self, kind: Dhcpv4Kind, yiaddr: Ipv4Addr, options: Options<'_>) -> Verdict {
        let bytes = self.reply(kind, yiaddr, options);
        self.deliver(&bytes)
    }

    /// An answer to the last message.
    fn reply(&self, kind: Dhcpv4Kind, yiaddr: Ipv4Addr, options: Options<'_>) -> Vec<u8> {
        let last = self.last.expect("something was sent");
        let header = Dhcpv4Header { op: Dhcpv4Op::Reply, yiaddr, secs: 0, ciaddr: Ipv4Addr::UNSPECIFIED, ..last };
        let kind = [kind as u8];
        let mut bytes = Vec::new();
        header.emit(core::iter::once((53, &kind[..])).chain(options.iter().copied()), &mut bytes);
        bytes
    }

    fn deliver(&mut self, message: &[u8]) -> Verdict {
        self.deliver_to(message, OUR_MAC, LEASED)
    }

    fn deliver_to(&mut self, message: &[u8], station: EthernetAddress, dst: Ipv4Addr) -> Verdict {
        let port = |address: Ipv4Addr, port| SocketAddr::new(address.into(), port);
        let packet = udp_packet(port(SERVER, 67), port(dst, 68), message);
        self.rig.receive(&ethernet(station, PEER_MAC, &packet))
    }
}

fn sent(frame: &[u8]) -> Option<Sent> {
    let packet = frame.get(14..)?;
    let is_dhcp = frame.get(12..14)? == [8, 0] && packet.get(9) == Some(&17) && packet.get(20..24)? == [0, 68, 0, 67];
    let message = Dhcpv4Message::parse(packet.get(28..)?).ok().filter(|_| is_dhcp)?;
    let notation = crate::wire::notation::Notation { full: true, ..Default::default() };
    let xid = alloc::format!(" xid {:08x}", message.xid());
    let line = notation.frame(frame).to_string().replace(&xid, "");
    Some(Sent { header: message.header(), line: brief(&line) })
}

/// A message's line without what is the same in all of them.
fn brief(line: &str) -> String {
    let Some((head, options)) = line.split_once(" <") else { return line.to_string() };
    let tell = |option: &&str| !["client ", "max ", "wants "].iter().any(|same| option.starts_with(same));
    let options: Vec<&str> = options.trim_end_matches('>').split(", ").filter(tell).collect();
    if options.is_empty() { head.to_string() } else { alloc::format!("{head} <{}>", options.join(", ")) }
}
