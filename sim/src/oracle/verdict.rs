//! What the oracles say: verdicts, and how often each judged.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use tickwire_core::Instant;
use tickwire_core::config::Medium;
use tickwire_core::wire::notation::{Notation, Relative};

use super::Sighting;
use super::name::{Oracle, Switches};
use crate::trace::Direction;

/// Verdicts that are kept in full, per tap; what comes on top is only counted.
pub const VERDICTS: usize = 64;

/// A frame, by its number in the trace or capture and its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The frame's number.
    pub number: u64,
    /// When it passed.
    pub at: Instant,
    /// Its place among the frames that the tap has seen: its number may be smaller than that of one before it,
    /// if it had to wait for its host.
    pub(super) order: u64,
}

impl Mark {
    /// A frame that is told about, and not compared with others.
    pub(crate) const fn new(number: u64, at: Instant) -> Mark {
        Mark { number, at, order: 0 }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "frame {} at {}", self.number, self.at)
    }
}

/// A TCP connection as one of its hosts names it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FlowKey {
    /// The local port above the remote one.
    ports: u32,
    remote: u128,
    local: u128,
}

impl FlowKey {
    /// Of the connection between two ends.
    pub(crate) fn of(local: SocketAddr, remote: SocketAddr) -> FlowKey {
        let bits = |end: SocketAddr| match end.ip() {
            IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
            IpAddr::V6(address) => address.to_bits(),
        };
        FlowKey::new((bits(local), local.port()), (bits(remote), remote.port()))
    }

    pub(super) fn new(local: (u128, u16), remote: (u128, u16)) -> FlowKey {
        FlowKey { ports: u32::from(local.1) << 16 | u32::from(remote.1), remote: remote.0, local: local.0 }
    }

    /// The end at the tap.
    pub fn local(&self) -> SocketAddr {
        SocketAddr::new(Ipv6Addr::from_bits(self.local).to_canonical(), (self.ports >> 16) as u16)
    }

    /// The other end.
    pub fn remote(&self) -> SocketAddr {
        SocketAddr::new(Ipv6Addr::from_bits(self.remote).to_canonical(), self.ports as u16)
    }

    /// The connection as the other end names it.
    pub(super) fn turned(&self) -> FlowKey {
        FlowKey { ports: self.ports.rotate_left(16), remote: self.local, local: self.remote }
    }

    /// Whether its packets are IPv4.
    pub(super) fn is_ipv4(&self) -> bool {
        self.remote >> 32 == 0xffff
    }
}

impl fmt::Debug for FlowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for FlowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} > {}", self.local(), self.remote())
    }
}

/// A rule that a host has broken. Printed:
///
/// ```text
/// right-edge (RFC 9293 SHLD-14, RFC 7323 section 2.4)
///   flow     192.0.2.2:40000 > 192.0.2.1:80
///   frame 7 at 0.105000000 > . 1:1(0) ack 101 win 400
///   after    frame 5 at 0.100000000
///   expected a right edge of at least 601
///   found    501
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whose rule.
    pub oracle: Oracle,
    /// The connection, as the host that sent it names it; `None` if the rule is about packets.
    pub flow: Option<FlowKey>,
    /// The frame that broke it.
    pub frame: Mark,
    /// That frame in the notation, sequence numbers counted from the initial ones.
    pub line: String,
    /// The frame before it that it contradicts.
    pub earlier: Option<Mark>,
    /// What should have been.
    pub expected: String,
    /// What was instead.
    pub found: String,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} ({})", self.oracle, self.oracle.section())?;
        if let Some(flow) = self.flow {
            writeln!(f, "  flow     {flow}")?;
        }
        writeln!(f, "  {} {}", self.frame, self.line)?;
        if let Some(earlier) = self.earlier {
            writeln!(f, "  after    {earlier}")?;
        }
        write!(f, "  expected {}\n  found    {}", self.expected, self.found)
    }
}

/// How often an oracle had something to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Tally {
    /// Frames that it judged.
    pub judged: u64,
    /// Frames that it would have judged, had it seen more.
    pub abstained: u64,
    /// Frames that broke its rule.
    pub failed: u64,
}

impl Tally {
    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Tally) -> Tally {
        Tally {
            judged: self.judged + other.judged,
            abstained: self.abstained + other.abstained,
            failed: self.failed + other.failed,
        }
    }
}

/// Where the oracles put what they find.
#[derive(Clone, Debug)]
pub(super) struct Bench {
    pub(super) switches: Switches,
    /// The place of the frame at hand among all that were seen.
    pub(super) order: u64,
    pub(super) tallies: [Tally; Oracle::ALL.len()],
    /// Found in the frame at hand: to be completed and kept.
    pub(super) found: Vec<Finding>,
    pub(super) verdicts: Vec<Verdict>,
}

/// What an oracle knows of a verdict; the rest is the frame's.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub(super) oracle: Oracle,
    pub(super) earlier: Option<Mark>,
    pub(super) expected: String,
    pub(super) found: String,
}

impl Bench {
    pub(super) fn new(switches: Switches) -> Bench {
        Bench {
            switches,
            order: 0,
            tallies: [Tally::default(); Oracle::ALL.len()],
            found: Vec::new(),
            verdicts: Vec::new(),
        }
    }

    /// Whether the oracle is switched on; if so, the frame counts as judged.
    #[inline]
    pub(super) fn judges(&mut self, oracle: Oracle) -> bool {
        let on = self.switches.contains(oracle);
        self.tallies[oracle as usize].judged += u64::from(on);
        on
    }

    #[inline]
    pub(super) fn abstains(&mut self, oracle: Oracle) {
        self.tallies[oracle as usize].abstained += u64::from(self.switches.contains(oracle));
    }

    #[cold]
    pub(super) fn fail(&mut self, oracle: Oracle, earlier: Option<Mark>, expected: String, found: String) {
        self.tallies[oracle as usize].failed += 1;
        self.found.push(Finding { oracle, earlier, expected, found });
    }

    /// Completes what was found about a connection after a frame; `line` tells what it looks like.
    pub(super) fn keep_about(&mut self, mark: Mark, flow: FlowKey, line: &str) {
        for Finding { oracle, earlier, expected, found } in self.found.drain(..) {
            if self.verdicts.len() < VERDICTS {
                let (frame, line) = (mark, line.to_owned());
                self.verdicts.push(Verdict { oracle, flow: Some(flow), frame, line, earlier, expected, found });
            }
        }
    }

    /// Completes what was found about a frame.
    pub(super) fn keep(&mut self, sighting: &Sighting<'_>, flow: Option<(FlowKey, Relative)>) {
        for finding in self.found.drain(..) {
            if self.verdicts.len() >= VERDICTS {
                continue;
            }
            let about_packets = matches!(
                finding.oracle,
                Oracle::Lengths
                    | Oracle::Checksums
                    | Oracle::Fragments
                    | Oracle::Identification
                    | Oracle::Reachability
                    | Oracle::Verification
                    | Oracle::DhcpRenewal
            );
            let key = flow.map(|(key, _)| key).filter(|_| !about_packets);
            let relative = flow.map_or(Relative::default(), |(_, relative)| relative);
            let prefix = if sighting.direction == Direction::Outbound { "> " } else { "< " };
            let notation = Notation { prefix, relative, full: key.is_none() };
            let line = match sighting.medium {
                Medium::Ethernet => notation.frame(sighting.frame),
                Medium::Ip | Medium::Loopback => notation.packet(sighting.frame),
            };
            self.verdicts.push(Verdict {
                oracle: finding.oracle,
                flow: key,
                frame: Mark { number: sighting.number, at: sighting.at, order: self.order },
                line: line.to_string(),
                earlier: finding.earlier,
                expected: finding.expected,
                found: finding.found,
            });
        }
    }
}
