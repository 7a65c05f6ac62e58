//! A foreign host: smoltcp as the other end, so that an error that our stack would make alike on both sides of
//! a connection shows. It has one Ethernet interface and runs scripts of TCP steps.
//!
//! smoltcp cannot be cloned, but it is a state machine as ours is: a clone is made by giving a new one all that
//! the old one was ever given. Its clock counts microseconds, rounded up.
//!
//! Its frames are judged by the wire oracles as those of a foreign stack. Judged as one of ours, smoltcp 0.14 would
//! break rules of them: it forgets a FIN that arrives beyond a hole, and acknowledges it only when it is sent again (RFC
//! 9293 SHLD-31 would keep it); it takes no text with an acknowledgment that was overtaken; it counts SND.NXT back when
//! it sends again. It does not learn the MTU of a path, and it sends no timestamps: it asks a function without an
//! argument for them, which knows no virtual clock.
//!
//! | module | job |
//! |---|---|
//! | `device` | frames in, frames out |
//! | `script` | the steps of an application, on its sockets |

mod device;
mod script;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bytes::Bytes;
use smoltcp::iface::{Config, Interface, SocketSet};
use smoltcp::wire::{HardwareAddress, IpCidr};
use tickwire_core::Instant;
use tickwire_core::time::Duration;
use tickwire_core::wire::ethernet::EthernetAddress;

use self::device::Device;
use self::script::Script;
use super::{Outbox, Standing};
use crate::oracle::{Settings, Switches};
use crate::script::Step;

/// The least RTO of smoltcp 0.14.
const RTO_MIN: Duration = Duration::from_secs(1);

/// How its frames are judged.
pub(crate) fn settings(switches: Switches) -> Settings {
    Settings { foreign: true, rto_min: RTO_MIN, switches, ..Settings::default() }
}

/// What a foreign host is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignConfig {
    /// Its hardware address.
    pub hardware: EthernetAddress,
    /// Its IPv4 address and how many bits of it are the network's.
    pub v4: Option<(Ipv4Addr, u8)>,
    /// Its IPv6 address and how many bits of it are the network's.
    pub v6: Option<(Ipv6Addr, u8)>,
    /// Routers that lead everywhere else, one of each family.
    pub gateways: Vec<IpAddr>,
    /// What its sequence numbers follow from.
    pub seed: u64,
    /// Bytes that each socket has room for, in either direction: at most 2^30.
    pub buffer: usize,
    /// What it does, from the moment that it is added to a world: each script owns one socket at a time. Only
    /// the steps about TCP are known to it, and [`Step::Wait`].
    pub scripts: Vec<Vec<Step>>,
}

impl ForeignConfig {
    /// A host with one address of each family, no router, 256 KiB per socket and direction, and no script.
    pub fn new(hardware: EthernetAddress, v4: (Ipv4Addr, u8), v6: (Ipv6Addr, u8)) -> ForeignConfig {
        let (v4, v6) = (Some(v4), Some(v6));
        ForeignConfig { hardware, v4, v6, gateways: Vec::new(), seed: 0, buffer: 1 << 18, scripts: Vec::new() }
    }
}

/// What a foreign host was given.
#[derive(Clone, Debug)]
enum Given {
    Frame(Bytes),
    Turn,
    Stop,
}

/// A foreign host at work.
pub struct Foreign {
    config: ForeignConfig,
    /// All that it was ever given.
    given: Vec<(Instant, Given)>,
    interface: Interface,
    sockets: SocketSet<'static>,
    device: Device,
    scripts: Vec<Script>,
    deadline: Option<Instant>,
}

impl Clone for Foreign {
    fn clone(&self) -> Foreign {
        let mut clone = Foreign::new(self.config.clone());
        for (now, given) in &self.given {
            match given {
                Given::Frame(frame) => clone.receive(*now, frame.clone(), &mut Outbox::new()),
                Given::Turn => clone.expire(*now, &mut Outbox::new()),
                Given::Stop => clone.stop(*now),
            }
        }
        clone
    }
}

impl fmt::Debug for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Foreign { config, given, deadline, .. } = self;
        let mut debug = f.debug_struct("Foreign");
        debug.field("config", config).field("given", &given.len()).field("deadline", deadline).finish_non_exhaustive()
    }
}

impl Foreign {
    /// A host that has done nothing yet.
    ///
    /// # Panics
    ///
    /// If its hardware address is a group's.
    pub fn new(config: ForeignConfig) -> Foreign {
        let mut device = Device::default();
        let mut settings = Config::new(HardwareAddress::Ethernet(smoltcp::wire::EthernetAddress(config.hardware.0)));
        settings.random_seed = config.seed;
        let mut interface = Interface::new(settings, &mut device, smoltcp::time::Instant::ZERO);
        let addresses = config.v4.map(|(address, len)| IpCidr::new(address.into(), len));
        let addresses = addresses.into_iter().chain(config.v6.map(|(address, len)| IpCidr::new(address.into(), len)));
        interface.update_ip_addrs(|own| {
            // There is room for two.
            own.extend(addresses.take(own.capacity()));
        });
        for gateway in &config.gateways {
            let routes = interface.routes_mut();
            // There is room for one of each family, as there is for more of them here.
            match gateway {
                IpAddr::V4(gateway) => drop(routes.add_default_ipv4_route(*gateway)),
                IpAddr::V6(gateway) => drop(routes.add_default_ipv6_route(*gateway)),
            }
        }
        let scripts = config.scripts.iter().cloned().map(Script::new).collect();
        let (given, sockets) = (Vec::new(), SocketSet::new(Vec::new()));
        Foreign { config, given, interface, sockets, device, scripts, deadline: Some(Instant::ZERO) }
    }

    /// Where a script stands.
    pub fn script(&self, number: usize) -> Option<Standing> {
        self.scripts.get(number).map(Script::standing)
    }

    /// Ends all scripts: connections that are left are reset with its next turn, which is due at once.
    pub(crate) fn stop(&mut self, now: Instant) {
        self.given.push((now, Given::Stop));
        for script in self.scripts.drain(..) {
            script.stop(&mut self.sockets);
        }
        self.deadline = Some(now);
    }

    /// Scripts that could not go on or have not finished: number, step, what happened.
    pub fn failures(&self) -> impl Iterator<Item = (usize, usize, String)> + '_ {
        self.scripts.iter().enumerate().filter_map(|(number, script)| {
            let (step, what) = script.failure()?;
            Some((number, step, what))
        })
    }

    pub(crate) fn receive(&mut self, now: Instant, frame: Bytes, out: &mut Outbox) {
        self.given.push((now, Given::Frame(frame.clone())));
        self.device.receive(frame);
        self.turn(now, out);
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    pub(crate) fn expire(&mut self, now: Instant, out: &mut Outbox) {
        if self.deadline.is_none_or(|at| at > now) {
            return;
        }
        self.given.push((now, Given::Turn));
        self.turn(now, out);
    }

    fn turn(&mut self, now: Instant, out: &mut Outbox) {
        // The first that is not earlier: what waits a second then waits no less.
        let micros = now.as_nanos().div_ceil(1_000);
        let time = smoltcp::time::Instant::from_micros_const(micros.cast_signed());
        loop {
            self.interface.poll(time, &mut self.device, &mut self.sockets);
            let mut progress = false;
            for script in &mut self.scripts {
                progress |= script.advance(now, self.config.buffer, &mut self.interface, &mut self.sockets);
            }
            if !progress {
                break;
            }
        }
        script::bury(&mut self.sockets, &self.scripts);
        out.extend(self.device.sent().map(|frame| (0, frame)));
        // What smoltcp wants to do at once it could not do just now: in the next microsecond.
        let poll_at = self.interface.poll_at(time, &self.sockets);
        let polled = poll_at.map(|at| at.total_micros().cast_unsigned().max(micros + 1) * 1_000);
        let wakes = self.scripts.iter().filter_map(Script::wakes_at).min();
        self.deadline = polled.map(Instant::from_nanos).into_iter().chain(wakes).min();
    }
}
