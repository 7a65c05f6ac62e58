//! Every setting of a [`Config`] by its dotted name: to list, to read, to set from text.
//!
//! ```
//! use tickwire_core::{Config, options};
//!
//! let mut config = Config::default();
//! options::set(&mut config, "tcp.ack_delay_ms", "25")?;
//! assert_eq!(options::value(&config, "tcp.ack_delay_ms")?.to_string(), "25");
//!
//! let wrong = options::set(&mut config, "tcp.ack_delay_ms", "900").unwrap_err();
//! assert_eq!(wrong.to_string(), "tcp.ack_delay_ms is 900; it must be from 0 to 499 (milliseconds)");
//! # Ok::<(), options::OptionError>(())
//! ```

use alloc::string::{String, ToString};
use core::fmt;
use core::ops::RangeInclusive;

use crate::config::{Acd, Config, Dad, Defense, ReversePath};
use crate::time::Duration;
use crate::wire::ndp_router::RouterPreference;

/// The type of an option, with its range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Switch,
    /// A whole number within the range.
    Number(RangeInclusive<u64>),
    /// A whole number of milliseconds within the range.
    Milliseconds(RangeInclusive<u64>),
    /// A whole number within the range, or `none`.
    Optional(RangeInclusive<u64>),
    /// A whole number of milliseconds within the range, or `none`.
    OptionalMilliseconds(RangeInclusive<u64>),
    /// One of these words.
    Choice(&'static [&'static str]),
}

/// A value of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// Of a [`Kind::Switch`].
    Switch(bool),
    /// Of a number, or of a time in milliseconds.
    Number(u64),
    /// Of an optional one that is not set.
    None,
    /// Of a [`Kind::Choice`].
    Choice(&'static str),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Switch(on) => write!(f, "{on}"),
            Value::Number(number) => write!(f, "{number}"),
            Value::None => f.write_str("none"),
            Value::Choice(word) => f.write_str(word),
        }
    }
}

/// An option: its name, what it may be, where its default comes from, and how it stands in a [`Config`].
pub struct OptionEntry {
    /// The dotted name. Times end in `_ms`.
    pub name: &'static str,
    /// The type and range.
    pub kind: Kind,
    /// The RFC section, or `as Linux`, or `own` for a bound of ours.
    pub source: &'static str,
    read: fn(&Config) -> Value,
    write: fn(&mut Config, Value),
}

impl fmt::Debug for OptionEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OptionEntry")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

/// Why an option was not read or set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptionError {
    /// There is no option of this name.
    UnknownName(String),
    /// The value is not one that the option can have.
    BadValue {
        /// The option.
        name: &'static str,
        /// What was given.
        value: String,
        /// What it may be.
        kind: Kind,
    },
}

impl fmt::Display for OptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OptionError::UnknownName(name) => write!(f, "there is no option {name}; options::all() lists them"),
            OptionError::BadValue { name, value, kind } => write!(f, "{name} is {value}; it must be {kind}"),
        }
    }
}

impl core::error::Error for OptionError {}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Switch => f.write_str("true or false"),
            Kind::Number(range) => write!(f, "from {} to {}", range.start(), range.end()),
            Kind::Milliseconds(range) => write!(f, "from {} to {} (milliseconds)", range.start(), range.end()),
            Kind::Optional(range) => write!(f, "from {} to {}, or none", range.start(), range.end()),
            Kind::OptionalMilliseconds(range) => {
                write!(f, "from {} to {} (milliseconds), or none", range.start(), range.end())
            }
            Kind::Choice(words) => {
                f.write_str("one of")?;
                words
                    .iter()
                    .enumerate()
                    .try_for_each(|(at, word)| write!(f, "{} {word}", if at > 0 { "," } else { "" }))
            }
        }
    }
}

impl Kind {
    fn parse(&self, text: &str) -> Option<Value> {
        match self {
            Kind::Switch => text.parse().ok().map(Value::Switch),
            Kind::Choice(words) => words.iter().find(|word| **word == text).map(|word| Value::Choice(word)),
            Kind::Optional(_) | Kind::OptionalMilliseconds(_) if text == "none" => Some(Value::None),
            Kind::Number(range)
            | Kind::Milliseconds(range)
            | Kind::Optional(range)
            | Kind::OptionalMilliseconds(range) => {
                text.parse().ok().filter(|number| range.contains(number)).map(Value::Number)
            }
        }
    }
}

/// How a field of a [`Config`] is read and written as a [`Value`].
trait Field {
    fn read(&self) -> Value;
    fn write(&mut self, value: Value);
}

impl Field for bool {
    fn read(&self) -> Value {
        Value::Switch(*self)
    }

    fn write(&mut self, value: Value) {
        if let Value::Switch(on) = value {
            *self = on;
        }
    }
}

impl Field for Duration {
    fn read(&self) -> Value {
        Value::Number(self.as_millis() as u64)
    }

    fn write(&mut self, value: Value) {
        if let Value::Number(millis) = value {
            *self = Duration::from_millis(millis);
        }
    }
}

/// A setting that is one of a few words.
macro_rules! choice_fields {
    ($($name:ident $words:ident: $($variant:ident = $word:literal),+;)+) => {
        $(
            const $words: &[&str] = &[$($word),+];

            impl Field for $name {
                fn read(&self) -> Value {
                    Value::Choice(match self {
                        $($name::$variant => $word,)+
                    })
                }

                fn write(&mut self, value: Value) {
                    match value {
                        $(Value::Choice($word) => *self = $name::$variant,)+
                        _ => {}
                    }
                }
            }
        )+
    };
}

choice_fields! {
    ReversePath REVERSE_PATH_WORDS: Off = "off", Loose = "loose", Strict = "strict";
    Acd ACD_WORDS: Off = "off", Fast = "fast", Rfc5227 = "rfc5227";
    Defense DEFENSE_WORDS: Never = "never", Once = "once", Always = "always";
    RouterPreference PREFERENCE_WORDS: Low = "low", Medium = "medium", High = "high";
    Dad DAD_WORDS: Off = "off", Normal = "normal", Optimistic = "optimistic", Enhanced = "enhanced";
}

macro_rules! number_fields {
    ($($number:ty),+) => {
        $(impl Field for $number {
            fn read(&self) -> Value {
                Value::Number(u64::from(*self))
            }

            fn write(&mut self, value: Value) {
                if let Value::Number(number) = value {
                    *self = number as $number;
                }
            }
        })+
    };
}
number_fields!(u8, u16, u32);

impl<F: Field + Default> Field for Option<F> {
    fn read(&self) -> Value {
        self.as_ref().map_or(Value::None, Field::read)
    }

    fn write(&mut self, value: Value) {
        *self = (value != Value::None).then(|| {
            let mut field = F::default();
            field.write(value);
            field
        });
    }
}

macro_rules! options {
    ($($name:literal: $($field:ident).+, $kind:expr, $source:literal;)+) => {
        static OPTIONS: &[OptionEntry] = &[$(OptionEntry {
            name: $name,
            kind: $kind,
            source: $source,
            read: |config| config.$($field).+.read(),
            write: |config, value| config.$($field).+.write(value),
        },)+];
    };
}

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
const YEAR_MS: u64 = 365 * DAY_MS;
const U32_MAX: u64 = u32::MAX as u64;

options! {
    "ip.hop_limit": hop_limit, Kind::Number(1..=255), "RFC 1122 section 3.2.1.7";
    "router.forwarding": router.forwarding, Kind::Switch, "RFC 1812 section 5";
    "router.reverse_path": router.reverse_path, Kind::Choice(REVERSE_PATH_WORDS), "RFC 3704 section 2";
    "router.redirects": router.redirects, Kind::Switch, "RFC 1812 section 5.2.7.2";
    "ip.flow_labels": ip.flow_labels, Kind::Switch, "RFC 6437 section 3";
    "ip.source_routes": ip.source_routes, Kind::Switch, "RFC 7126 section 4.3";
    "ip.echo_options": ip.echo_options, Kind::Switch, "RFC 1122 section 3.2.2.6";
    "ip.drop_options.record_route": ip.drop_options.record_route, Kind::Switch, "RFC 7126 section 4.5";
    "ip.drop_options.timestamp": ip.drop_options.timestamp, Kind::Switch, "RFC 7126 section 4.7";
    "ip.drop_options.router_alert": ip.drop_options.router_alert, Kind::Switch, "RFC 7126 section 4.8";
    "ip.drop_options.quick_start": ip.drop_options.quick_start, Kind::Switch, "RFC 7126 section 4.21";
    "ip.drop_options.security": ip.drop_options.security, Kind::Switch, "RFC 7126 sections 4.12 to 4.14";
    "ip.drop_options.experiments": ip.drop_options.experiments, Kind::Switch, "RFC 7126 section 4.22";
    "ip.drop_options.obsolete": ip.drop_options.obsolete, Kind::Switch, "RFC 7126 sections 4.6, 4.9 to 4.11, 4.15 to 4.20";
    "ip.drop_options.unknown": ip.drop_options.unknown, Kind::Switch, "RFC 7126 section 4.23";
    "ip.redirects": ip.redirects, Kind::Switch, "own; RFC 1122 section 3.2.2.2, RFC 4861 section 8.3";
    "ip.path_mtu_raise_ms": ip.path_mtu_raise, Kind::OptionalMilliseconds(300_000..=100 * DAY_MS), "RFC 8201 section 4";
    "ip.reassembly_timeout_ms": reassembly_timeout, Kind::Milliseconds(1_000..=120_000), "RFC 8200 section 4.5, RFC 1122 section 3.3.2";
    "ip.weak_host": weak_host, Kind::Switch, "RFC 1122 section 3.3.4.2";
    "address.acd": address.acd, Kind::Choice(ACD_WORDS), "RFC 5227 section 1.1; fast is own";
    "address.defense": address.defense, Kind::Choice(DEFENSE_WORDS), "RFC 5227 section 2.4";
    "address.dad": address.dad, Kind::Choice(DAD_WORDS), "RFC 4862 section 5.4, RFC 4429, RFC 7527";
    "address.dad_transmits": address.dad_transmits, Kind::Number(0..=255), "RFC 4862 section 5.1";
    "address.prefer_temporary": prefer_temporary, Kind::Switch, "RFC 6724 section 5 rule 7";
    "stack.rx_batch": rx_batch, Kind::Number(1..=1024), "own";
    "stack.checks": checks, Kind::Switch, "own";
    "stack.examine": examine, Kind::Switch, "own";
    "nd.solicitation_delay_ms": nd.solicitation_delay, Kind::Milliseconds(0..=1000), "RFC 4861 section 6.3.7";
    "slaac.eui64": slaac.eui64, Kind::Switch, "RFC 8064";
    "slaac.temporary_addresses": slaac.temporary_addresses, Kind::Switch, "RFC 8981";
    "slaac.temporary_valid_ms": slaac.temporary_valid_lifetime, Kind::Milliseconds(60_000..=YEAR_MS), "RFC 8981 section 3.8";
    "slaac.temporary_preferred_ms": slaac.temporary_preferred_lifetime, Kind::Milliseconds(30_000..=YEAR_MS), "RFC 8981 section 3.8";
    "querier.enabled": querier.enabled, Kind::Switch, "RFC 3376 section 6, RFC 3810 section 7";
    "querier.robustness": querier.robustness, Kind::Number(1..=7), "RFC 3376 section 8.1, RFC 3810 section 9.1";
    "querier.query_interval_ms": querier.query_interval, Kind::Milliseconds(1_000..=31_744_000), "RFC 3376 section 8.2, RFC 3810 section 9.2";
    "querier.response_interval_ms": querier.response_interval, Kind::Milliseconds(100..=3_174_400), "RFC 3376 section 8.3, RFC 3810 section 9.3";
    "querier.startup_query_interval_ms": querier.startup_query_interval, Kind::OptionalMilliseconds(100..=31_744_000), "RFC 3376 section 8.6, RFC 3810 section 9.6";
    "querier.startup_query_count": querier.startup_query_count, Kind::Optional(1..=255), "RFC 3376 section 8.7, RFC 3810 section 9.7";
    "querier.last_member_query_interval_ms": querier.last_member_query_interval, Kind::Milliseconds(100..=3_174_400), "RFC 3376 section 8.8, RFC 3810 section 9.8";
    "querier.last_member_query_count": querier.last_member_query_count, Kind::Optional(1..=255), "RFC 3376 section 8.9, RFC 3810 section 9.9";
    "querier.igmp_version": querier.igmp_version, Kind::Number(1..=3), "RFC 3376 section 7.3.1";
    "querier.mld_version": querier.mld_version, Kind::Number(1..=2), "RFC 3810 section 8.3.1";
    "ra.send": send_advertisements, Kind::Switch, "RFC 4861 section 6.2.1";
    "ra.max_interval_ms": advertise.max_interval, Kind::Milliseconds(4_000..=1_800_000), "RFC 4861 section 6.2.1";
    "ra.min_interval_ms": advertise.min_interval, Kind::OptionalMilliseconds(3_000..=1_350_000), "RFC 4861 section 6.2.1";
    "ra.router_lifetime_ms": advertise.router_lifetime, Kind::OptionalMilliseconds(0..=9_000_000), "RFC 4861 section 6.2.1";
    "ra.preference": advertise.preference, Kind::Choice(PREFERENCE_WORDS), "RFC 4191 section 2.2";
    "ra.hop_limit": advertise.hop_limit, Kind::Number(0..=255), "RFC 4861 section 6.2.1";
    "ra.mtu": advertise.mtu, Kind::Optional(1_280..=65_535), "RFC 4861 section 6.2.1";
    "ra.reachable_time_ms": advertise.reachable_time, Kind::Milliseconds(0..=3_600_000), "RFC 4861 section 6.2.1";
    "ra.retrans_timer_ms": advertise.retrans_timer, Kind::Milliseconds(0..=U32_MAX), "RFC 4861 section 6.2.1";
    "ra.managed": advertise.managed, Kind::Switch, "RFC 4861 section 6.2.1";
    "ra.other": advertise.other, Kind::Switch, "RFC 4861 section 6.2.1";
    "ra.resolver_lifetime_ms": advertise.resolver_lifetime, Kind::OptionalMilliseconds(0..=100 * DAY_MS), "RFC 8106 section 5.1";
    "icmp.errors_per_second": icmp_errors_per_second, Kind::Number(0..=1_000_000), "RFC 4443 section 2.4 (f)";
    "icmp.errors_burst": icmp_errors_burst, Kind::Number(1..=255), "as Linux";
    "icmp.source_interval_ms": icmp_source_interval, Kind::Milliseconds(0..=DAY_MS), "as Linux";
    "icmp.group_echoes_per_second": group_echoes_per_second, Kind::Number(0..=1_000_000), "own";
    "dhcpv6.follow_routers": dhcpv6.follow_routers, Kind::Switch, "RFC 4861 section 4.2";
    "dhcpv6.rapid_commit": dhcpv6.rapid_commit, Kind::Switch, "RFC 8415 section 21.14";
    "dhcpv6.prefix_delegation": dhcpv6.prefix_delegation, Kind::Optional(0..=64), "RFC 8415 section 6.3";
    "dhcpv6.reconfigure": dhcpv6.reconfigure, Kind::Switch, "RFC 8415 section 20.4";
    "dhcpv6.messages_per_20s": dhcpv6.messages_per_20s, Kind::Number(1..=1_000_000), "RFC 8415 section 14.1";
    "tcp.resets_per_second": resets_per_second, Kind::Number(0..=1_000_000), "own";
    "tcp.rto_min_ms": tcp.rto_min, Kind::Milliseconds(1..=60_000), "as Linux; RFC 6298 section 2.4";
    "tcp.rto_max_ms": tcp.rto_max, Kind::Milliseconds(60_000..=DAY_MS), "RFC 6298 section 2.5";
    "tcp.rto_initial_ms": tcp.rto_initial, Kind::Milliseconds(1..=60_000), "RFC 6298 section 2.1";
    "tcp.ack_delay_ms": tcp.ack_delay, Kind::Milliseconds(0..=499), "RFC 9293 MUST-40";
    "tcp.msl_ms": tcp.msl, Kind::Milliseconds(1..=240_000), "as Linux; RFC 9293 section 3.4.2";
    "tcp.retransmit_timeout_ms": tcp.retransmit_timeout, Kind::Milliseconds(100_000..=DAY_MS), "RFC 9293 SHLD-11";
    "tcp.syn_timeout_ms": tcp.syn_timeout, Kind::Milliseconds(1_000..=DAY_MS), "RFC 9293 MUST-23";
    "tcp.fin_wait_2_timeout_ms": tcp.fin_wait_2_timeout, Kind::Milliseconds(1_000..=DAY_MS), "as Linux";
    "tcp.initial_sequence": tcp.initial_sequence, Kind::Optional(0..=u32::MAX as u64), "own; for tests";
    "tcp.challenge_acks_per_second": tcp.challenge_acks_per_second, Kind::Number(0..=1_000_000), "RFC 5961 section 7";
    "tcp.window_scaling": tcp.window_scaling, Kind::Switch, "RFC 7323 section 2";
    "tcp.timestamps": tcp.timestamps, Kind::Switch, "RFC 7323 section 3";
    "tcp.sack": tcp.sack, Kind::Switch, "RFC 2018";
    "tcp.socket.send_buffer": tcp.socket.send_buffer, Kind::Number(1..=1 << 30), "own";
    "tcp.socket.receive_buffer": tcp.socket.receive_buffer, Kind::Number(1..=1 << 30), "own";
    "tcp.socket.no_delay": tcp.socket.no_delay, Kind::Switch, "RFC 9293 MUST-17";
    "tcp.socket.keep_alive_ms": tcp.socket.keep_alive, Kind::OptionalMilliseconds(1..=100 * DAY_MS), "RFC 9293 MUST-25 to MUST-28";
    "tcp.socket.user_timeout_ms": tcp.socket.user_timeout, Kind::OptionalMilliseconds(1..=DAY_MS), "RFC 9293 section 3.8.3";
    "tcp.socket.linger_ms": tcp.socket.linger, Kind::OptionalMilliseconds(0..=DAY_MS), "as SO_LINGER";
    "tcp.socket.hop_limit": tcp.socket.hop_limit, Kind::Optional(1..=255), "RFC 9293 MUST-49";
    "tcp.socket.dscp": tcp.socket.dscp, Kind::Number(0..=63), "RFC 2474 section 3";
    "tcp.socket.mss_max": tcp.socket.mss_max, Kind::Optional(48..=65_535), "RFC 9293 section 3.7.1";
    "dhcpv4.rapid_commit": dhcpv4.rapid_commit, Kind::Switch, "RFC 4039";
    "dhcpv4.former_server_wait_ms": dhcpv4.former_server_wait, Kind::Milliseconds(0..=60_000), "RFC 2131 section 4.4.1";
    "dhcpv4.link_local_after_ms": dhcpv4.link_local_after, Kind::OptionalMilliseconds(0..=DAY_MS), "own; RFC 3927 section 1.9";
    "dhcpv4.ipv6_only_capable": dhcpv4.ipv6_only_capable, Kind::Switch, "RFC 8925";
    "dhcpv4.detect_attachment": dhcpv4.detect_attachment, Kind::Switch, "RFC 4436";
    "tcp.socket.mark": tcp.socket.mark, Kind::Number(0..=U32_MAX), "as SO_MARK";
    "multicast.robustness": multicast.robustness, Kind::Number(1..=7), "RFC 3376 section 8.1, RFC 3810 section 9.1";
    "multicast.unsolicited_report_interval_ms": multicast.unsolicited_report_interval, Kind::Milliseconds(1..=60_000), "RFC 3376 section 8.11, RFC 3810 section 9.11";
    "multicast.reports_per_second": multicast.reports_per_second, Kind::Number(1..=255), "own";
    "multicast.link_local_reports": multicast.link_local_reports, Kind::Switch, "as Linux";
    "multicast.router_alert_required": multicast.router_alert_required, Kind::Switch, "RFC 3376 section 9.1";
    "multicast.igmp_version": multicast.igmp_version, Kind::Optional(1..=3), "as Linux; RFC 3376 section 7.2.1";
    "multicast.mld_version": multicast.mld_version, Kind::Optional(1..=2), "as Linux; RFC 3810 section 8.2.1";
    "limits.interfaces": limits.interfaces, Kind::Number(1..=65_535), "own";
    "limits.addresses": limits.addresses, Kind::Number(1..=65_535), "own";
    "limits.address_events": limits.address_events, Kind::Number(1..=65_535), "own";
    "limits.address_policies": limits.address_policies, Kind::Number(9..=65_535), "own";
    "limits.dhcpv6_offers": limits.dhcpv6_offers, Kind::Number(1..=65_535), "own";
    "limits.dhcpv6_leases": limits.dhcpv6_leases, Kind::Number(1..=65_535), "own";
    "limits.routes": limits.routes, Kind::Number(1..=U32_MAX), "own";
    "limits.forward_queue": limits.forward_queue, Kind::Number(1..=65_535), "own";
    "limits.rules": limits.rules, Kind::Number(0..=65_535), "own";
    "limits.tcp_sockets": limits.tcp_sockets, Kind::Number(1..=U32_MAX), "own";
    "limits.syn_queue": limits.syn_queue, Kind::Number(1..=U32_MAX), "own";
    "limits.listeners": limits.listeners, Kind::Number(1..=U32_MAX), "own";
    "limits.udp_sockets": limits.udp_sockets, Kind::Number(1..=U32_MAX), "own";
    "limits.udp_receive": limits.udp_receive, Kind::Number(320..=U32_MAX), "own";
    "limits.udp_send": limits.udp_send, Kind::Number(320..=U32_MAX), "own";
    "limits.neighbors": limits.neighbors, Kind::Number(1..=65_535), "own";
    "limits.default_routers": limits.default_routers, Kind::Number(2..=64), "RFC 4861 section 6.3.4";
    "limits.prefixes": limits.prefixes, Kind::Number(1..=64), "own";
    "limits.router_routes": limits.router_routes, Kind::Number(1..=64), "own";
    "limits.name_servers": limits.name_servers, Kind::Number(3..=64), "RFC 8106 section 5.3.1";
    "limits.search_domains": limits.search_domains, Kind::Number(3..=64), "RFC 8106 section 5.3.1";
    "limits.neighbors_parked": limits.neighbors_parked, Kind::Number(17..=65_535), "own";
    "limits.neighbor_queue": limits.neighbor_queue, Kind::Number(1..=255), "RFC 4861 section 7.2.2";
    "limits.control_queue": limits.control_queue, Kind::Number(1..=65_535), "own";
    "limits.dhcpv4_entries": limits.dhcpv4_entries, Kind::Number(1..=65_535), "own";
    "limits.answer_bytes": limits.answer_bytes, Kind::Number(65_575..=U32_MAX), "own";
    "limits.orphans": limits.orphans, Kind::Number(0..=U32_MAX), "own";
    "limits.tcp_ranges": limits.tcp_ranges, Kind::Number(1..=65_535), "own";
    "limits.redirects": limits.redirects, Kind::Number(1..=U32_MAX), "own";
    "limits.path_mtus": limits.path_mtus, Kind::Number(1..=U32_MAX), "own";
    "limits.udp_destinations": limits.udp_destinations, Kind::Number(0..=65_535), "own";
    "limits.udp_errors": limits.udp_errors, Kind::Number(0..=65_535), "own";
    "limits.icmp_sources": limits.icmp_sources, Kind::Number(1..=65_535), "own";
    "limits.ipv6_options": limits.ipv6_options, Kind::Number(0..=255), "RFC 8504 section 5.3";
    "limits.ipv6_padding": limits.ipv6_padding, Kind::Number(7..=255), "RFC 8504 section 5.3";
    "limits.reassembly": limits.reassembly, Kind::Number(524_288..=U32_MAX), "own";
    "limits.fragments_per_packet": limits.fragments_per_packet, Kind::Number(1..=8_192), "own";
    "limits.small_fragments_per_packet": limits.small_fragments_per_packet, Kind::Number(1..=8_192), "own";
    "limits.groups": limits.groups, Kind::Number(1..=65_535), "own";
    "limits.group_sources": limits.group_sources, Kind::Number(1..=64), "own";
    "limits.router_groups": limits.router_groups, Kind::Number(1..=65_535), "own";
    "limits.router_group_sources": limits.router_group_sources, Kind::Number(1..=64), "own";
    "limits.memberships": limits.memberships, Kind::Number(1..=65_535), "own";
    "limits.ipv6_extension_headers": limits.ipv6_extension_headers, Kind::Number(1..=255), "RFC 8504 section 5.3";
}

/// Every option.
pub fn all() -> &'static [OptionEntry] {
    OPTIONS
}

fn find(name: &str) -> Result<&'static OptionEntry, OptionError> {
    OPTIONS.iter().find(|option| option.name == name).ok_or_else(|| OptionError::UnknownName(name.to_string()))
}

/// The value of the option `name`.
pub fn value(config: &Config, name: &str) -> Result<Value, OptionError> {
    find(name).map(|option| (option.read)(config))
}

/// Sets the option `name` from text.
pub fn set(config: &mut Config, name: &str, text: &str) -> Result<(), OptionError> {
    let option = find(name)?;
    let bad_value = || OptionError::BadValue { name: option.name, value: text.to_string(), kind: option.kind.clone() };
    (option.write)(config, option.kind.parse(text).ok_or_else(bad_value)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_a_value_that_can_be_set() {
        for option in all() {
            let mut config = Config::default();
            let default = value(&config, option.name).unwrap();
            set(&mut config, option.name, &default.to_string()).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(config, Config::default(), "{}", option.name);
        }
    }

    #[test]
    fn a_set_value_is_read_back() {
        let mut config = Config::default();
        for (name, text) in [
            ("tcp.sack", "false"),
            ("tcp.socket.linger_ms", "0"),
            ("tcp.socket.mss_max", "none"),
            ("ip.hop_limit", "1"),
        ] {
            set(&mut config, name, text).unwrap();
            assert_eq!(value(&config, name).unwrap().to_string(), text);
        }
        assert_eq!(config.tcp.socket.linger, Some(Duration::ZERO));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let mut config = Config::default();
        assert_eq!(
            set(&mut config, "tcp.sak", "true").unwrap_err().to_string(),
            "there is no option tcp.sak; options::all() lists them"
        );
        assert_eq!(
            set(&mut config, "tcp.sack", "1").unwrap_err().to_string(),
            "tcp.sack is 1; it must be true or false"
        );
        assert_eq!(
            set(&mut config, "tcp.socket.mss_max", "20").unwrap_err().to_string(),
            "tcp.socket.mss_max is 20; it must be from 48 to 65535, or none"
        );
        assert_eq!(config, Config::default());
    }
}
