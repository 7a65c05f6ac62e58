//! IPv4 options on their way out, and what becomes of those that arrive (RFC 791 section 3.1, RFC 1122
//! section 3.2.1.8, RFC 7126 section 4).

use core::net::{IpAddr, Ipv4Addr};

use crate::time::Instant;
use crate::wire::ipv4::Ipv4Option;
use crate::wire::ipv4_options::{IpOptions, OPTIONS_MAX, spans};

/// Of which options a packet is dropped for them; default none of these, for a host ignores what it does not
/// understand (RFC 1122 section 3.2.1.8). RFC 7126 section 4 recommends to filters in front of many hosts
/// which ones to drop. Source routes are [`IpConfig::source_routes`](crate::config::IpConfig::source_routes).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DroppedOptions {
    /// Record Route (RFC 7126 section 4.5).
    pub record_route: bool,
    /// Timestamp (section 4.7).
    pub timestamp: bool,
    /// Router Alert (section 4.8), with which most queriers' IGMP messages come.
    pub router_alert: bool,
    /// Quick-Start (section 4.21).
    pub quick_start: bool,
    /// Security labels: basic, extended, commercial (sections 4.12 to 4.14).
    pub security: bool,
    /// Experiments after RFC 3692 (section 4.22).
    pub experiments: bool,
    /// What is obsolete, or never was more than an attempt (sections 4.6, 4.9 to 4.11, 4.15 to 4.20).
    pub obsolete: bool,
    /// Any other (section 4.23).
    pub unknown: bool,
}

/// What kind of option a packet carries, as far as there is advice on it (RFC 7126 section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OptionClass {
    SourceRoute,
    RecordRoute,
    Timestamp,
    RouterAlert,
    QuickStart,
    Security,
    Experiment,
    Obsolete,
    Unknown,
}

impl OptionClass {
    pub(crate) const fn of(kind: u8) -> OptionClass {
        match kind {
            Ipv4Option::LOOSE_SOURCE_ROUTE | Ipv4Option::STRICT_SOURCE_ROUTE => OptionClass::SourceRoute,
            Ipv4Option::RECORD_ROUTE => OptionClass::RecordRoute,
            Ipv4Option::TIMESTAMP => OptionClass::Timestamp,
            Ipv4Option::ROUTER_ALERT => OptionClass::RouterAlert,
            // RFC 4782 section 3.1.
            25 => OptionClass::QuickStart,
            // RFC 1108 sections 2 and 3, FIPS 188.
            Ipv4Option::SECURITY | 133 | 134 => OptionClass::Security,
            // RFC 4727 section 2.5.
            30 | 94 | 158 | 222 => OptionClass::Experiment,
            // Stream identifier, MTU probe and reply, traceroute, VISA, EIP, address extension, directed
            // multi-destination delivery, dynamic packet state, upstream multicast.
            Ipv4Option::STREAM_ID | 11 | 12 | 82 | 142 | 145 | 147 | 149 | 151 | 152 => OptionClass::Obsolete,
            _ => OptionClass::Unknown,
        }
    }
}

impl DroppedOptions {
    /// Whether a packet with an option of this class is dropped.
    pub(crate) const fn drops(self, class: OptionClass) -> bool {
        match class {
            OptionClass::SourceRoute => false,
            OptionClass::RecordRoute => self.record_route,
            OptionClass::Timestamp => self.timestamp,
            OptionClass::RouterAlert => self.router_alert,
            OptionClass::QuickStart => self.quick_start,
            OptionClass::Security => self.security,
            OptionClass::Experiment => self.experiments,
            OptionClass::Obsolete => self.obsolete,
            OptionClass::Unknown => self.unknown,
        }
    }
}

/// The options of a packet as it leaves: routes and timestamps have their first entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LeavingOptions {
    bytes: [u8; OPTIONS_MAX],
    len: usize,
    /// Whom the header names as destination, where a source route puts a hop before it.
    pub(crate) first_hop: Option<Ipv4Addr>,
}

impl LeavingOptions {
    /// `options` on a packet from `src` to `dst`, or on a fragment of it; `None` if it carries none.
    #[inline]
    pub(crate) fn new(
        options: &IpOptions,
        is_first: bool,
        (src, dst): (IpAddr, IpAddr),
        now: Instant,
    ) -> Option<LeavingOptions> {
        match (src, dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) if !options.is_empty() => {
                let leaving = LeavingOptions { bytes: [0; OPTIONS_MAX], len: 0, first_hop: None };
                leaving.filled(options.as_bytes(), is_first, (src, dst), now)
            }
            _ => None,
        }
    }

    /// Later fragments carry the options that are to be copied, and no padding between them.
    fn filled(
        mut self,
        options: &[u8],
        is_first: bool,
        (src, dst): (Ipv4Addr, Ipv4Addr),
        now: Instant,
    ) -> Option<LeavingOptions> {
        if is_first {
            self.bytes.get_mut(..options.len())?.copy_from_slice(options);
            self.len = options.len();
        }
        for (start, option) in spans(options) {
            let kind = *option.first()?;
            if !is_first && !IpOptions::is_copied(kind) {
                continue;
            }
            let start = if is_first { start } else { self.len };
            let place = self.bytes.get_mut(start..start + option.len())?;
            place.copy_from_slice(option);
            match kind {
                Ipv4Option::RECORD_ROUTE => {
                    // One that is full stays as it is (RFC 791 section 3.1).
                    append(place, &src.octets());
                }
                Ipv4Option::TIMESTAMP => record_time(place, src, now),
                Ipv4Option::LOOSE_SOURCE_ROUTE | Ipv4Option::STRICT_SOURCE_ROUTE => {
                    self.first_hop = set_out(place, dst);
                }
                _ => {}
            }
            self.len = self.len.max(start + option.len());
        }
        self.len = self.len.next_multiple_of(4);
        (self.len > 0).then_some(self)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// A multiple of 4.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }
}

/// Writes `entry` where the pointer of the option says, and moves that on; `false` if there is no room.
fn append(option: &mut [u8], entry: &[u8]) -> bool {
    let at = option.get(2).map_or(0, |pointer| usize::from(pointer.saturating_sub(1)));
    let Some(place) = option.get_mut(at..at + entry.len()) else { return false };
    place.copy_from_slice(entry);
    if let Some(pointer) = option.get_mut(2) {
        *pointer += entry.len() as u8;
    }
    true
}

/// RFC 1122 section 3.2.1.8 (e): who sends a timestamp option puts the first time into it, unless another address
/// is prescribed there. Midnight is not known here, of which the highest bit tells (RFC 791 section 3.1).
fn record_time(option: &mut [u8], address: Ipv4Addr, now: Instant) {
    const NOT_SINCE_MIDNIGHT: u32 = 1 << 31;
    let millis = (now.as_nanos() / 1_000_000) as u32 | NOT_SINCE_MIDNIGHT;
    let (address, time) = (address.octets(), millis.to_be_bytes());
    let mut stamp = [0; 8];
    stamp[..4].copy_from_slice(&address);
    stamp[4..].copy_from_slice(&time);
    let Some(&flags) = option.get(3) else { return };
    let at = option.get(2).map_or(0, |pointer| usize::from(pointer.saturating_sub(1)));
    let recorded = match flags & 0x0f {
        0 => append(option, &time),
        3 if option.get(at..at + 4) != Some(&address) => true,
        1 | 3 => append(option, &stamp),
        _ => true,
    };
    // How many could not record theirs, in four bits.
    if let Some(overflow) = option.get_mut(3).filter(|_| !recorded && flags < 0xf0) {
        *overflow += 0x10;
    }
}

/// The first hop leaves the list, and the destination enters it at its end (RFC 1122 section 3.2.1.8 (c)).
fn set_out(option: &mut [u8], dst: Ipv4Addr) -> Option<Ipv4Addr> {
    let route = option.get_mut(3..)?;
    let first = *route.first_chunk::<4>()?;
    route.copy_within(4.., 0);
    *route.last_chunk_mut::<4>()? = dst.octets();
    Some(first.into())
}
