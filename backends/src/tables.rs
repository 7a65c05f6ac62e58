//! What a stack knows of itself: interfaces, addresses, neighbors, routers, routes and leases as lines for
//! people; these, counters, drops and sockets as JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use tickwire_core::socket::{FilterMode, SourceFilter};
use tickwire_core::stack::Dhcpv4Info;
use tickwire_core::{Dhcpv6Info, Dhcpv6Lease, Instant, InterfaceId, Route, Stack, Target, Traffic};

/// Seconds from `now`; `None` if there is no end.
fn left(until: Option<Instant>, now: Instant) -> Option<u64> {
    until.map(|until| until.since(now).as_secs())
}

/// The same for people.
fn told(until: Option<Instant>, now: Instant) -> String {
    until.map_or_else(|| "forever".to_owned(), |until| format!("{} s", until.since(now).as_secs()))
}

/// The tables, a line per entry.
pub fn lines(stack: &Stack, now: Instant) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    for interface in stack.interfaces() {
        let number = interface.id.index();
        let _ = writeln!(
            out,
            "interface {number} mac {} mtu {} {}",
            interface.hardware_address,
            interface.capabilities.mtu,
            if interface.up { "up" } else { "down" }
        );
        let Traffic { frames_received, bytes_received, frames_sent, bytes_sent } = interface.traffic;
        let _ = writeln!(
            out,
            "  received {frames_received} frames, {bytes_received} bytes; sent {frames_sent} frames, {bytes_sent} bytes"
        );
        for (reason, count) in stack.interface_drops(interface.id).filter(|(_, count)| *count > 0) {
            let _ = writeln!(out, "  dropped {count} {}", reason.name());
        }
        for own in interface.addresses {
            let _ = writeln!(
                out,
                "  address {}/{} {} {} preferred {} valid {}",
                own.address,
                own.prefix_len,
                own.state.name(),
                own.origin.name(),
                told(own.preferred_until, now),
                told(own.valid_until, now),
            );
        }
        if let Some(info) = stack.dhcpv4(interface.id) {
            dhcpv4_lines(&info, now, &mut out);
        }
        if let Some(info) = stack.dhcpv6(interface.id) {
            dhcpv6_lines(&info, now, &mut out);
        }
        link_group_lines(stack, interface.id, now, &mut out);
    }
    for router in stack.default_routers() {
        let until = told(router.until, now);
        let _ = writeln!(out, "router {} interface {} for {until}", router.address, router.interface.index());
    }
    for known in stack.prefixes() {
        let number = known.interface.index();
        let on_link = if known.on_link { " on-link" } else { "" };
        let autonomous = if known.autonomous { " autonomous" } else { "" };
        let _ = writeln!(out, "prefix {}/{} interface {number}{on_link}{autonomous}", known.prefix, known.prefix_len);
    }
    for joined in stack.groups() {
        let number = joined.interface.index();
        let (sockets, filter) = (joined.sockets, filter_line(&joined.filter));
        let _ = writeln!(out, "group {} interface {number} sockets {sockets} {filter}", joined.group);
    }
    for route in stack.routes() {
        let _ = writeln!(out, "route {}", route_line(route));
    }
    for neighbor in stack.neighbors() {
        let hardware = neighbor.hardware_address.map_or_else(|| "unknown".to_owned(), |address| address.to_string());
        let number = neighbor.interface.index();
        let _ = writeln!(out, "neighbor {} interface {number} is-at {hardware} {:?}", neighbor.address, neighbor.state);
    }
    out
}

fn route_line(route: &Route) -> String {
    let to = match route.target {
        Target::Interface(id) => format!("interface {}", id.index()),
        Target::Gateway(gateway, id) => format!("via {gateway} interface {}", id.index()),
        Target::Blackhole => "blackhole".to_owned(),
        Target::Unreachable => "unreachable".to_owned(),
        Target::Prohibit => "prohibit".to_owned(),
    };
    format!("{}/{} {to} metric {} table {}", route.prefix, route.prefix_len, route.metric, route.table)
}

fn dhcpv4_lines(info: &Dhcpv4Info<'_>, now: Instant, out: &mut String) {
    let _ = write!(out, "  dhcpv4 {}", info.state.name());
    if let Some(lease) = info.lease {
        let _ = write!(
            out,
            " {}/{} server {} renew {} rebind {} expires {}",
            lease.address,
            lease.prefix_len,
            lease.server,
            told(lease.renew_at, now),
            told(lease.rebind_at, now),
            told(lease.expires_at, now),
        );
    }
    out.push('\n');
    let Some(settings) = info.settings else { return };
    for server in &settings.dns_servers {
        let _ = writeln!(out, "    name server {server}");
    }
    for domain in settings.domain.iter().chain(&settings.search) {
        let _ = writeln!(out, "    domain {domain}");
    }
    for server in &settings.ntp_servers {
        let _ = writeln!(out, "    time server {server}");
    }
}

fn dhcpv6_lines(info: &Dhcpv6Info, now: Instant, out: &mut String) {
    let server = info.server.as_ref().map(|server| format!(" server {server}")).unwrap_or_default();
    let _ = writeln!(
        out,
        "  dhcpv6 {} duid {} iaid {}{server} renew {} rebind {}",
        info.state.name(),
        info.duid,
        info.iaid,
        told(info.renew_at, now),
        told(info.rebind_at, now),
    );
    for (kind, leases) in [("address", &info.addresses), ("prefix", &info.prefixes)] {
        for Dhcpv6Lease { prefix, prefix_len, preferred_until, valid_until } in leases {
            let (preferred, valid) = (told(*preferred_until, now), told(*valid_until, now));
            let _ = writeln!(out, "    {kind} {prefix}/{prefix_len} preferred {preferred} valid {valid}");
        }
    }
    for server in &info.dns_servers {
        let _ = writeln!(out, "    name server {server}");
    }
    for domain in &info.domains {
        let _ = writeln!(out, "    domain {domain}");
    }
}

/// What the hosts of an interface's link listen to, where we ask them.
fn link_group_lines(stack: &Stack, id: InterfaceId, now: Instant, out: &mut String) {
    for (protocol, ipv6) in PROTOCOLS {
        let Some(info) = stack.querier(id, ipv6) else { continue };
        let _ = match info.other {
            Some((other, until)) => writeln!(out, "  querier {protocol} {other} for {}", told(Some(until), now)),
            None if info.querying => writeln!(out, "  querier {protocol} ourselves"),
            None => writeln!(out, "  querier {protocol} none"),
        };
    }
    for info in stack.link_groups().filter(|info| info.interface == id) {
        let (filter, until) = (filter_line(&info.filter), told(info.until, now));
        let _ = writeln!(out, "  link group {} {filter} version {} for {until}", info.group, info.version);
    }
}

/// The protocols that tell of groups, and whether they are IPv6's.
const PROTOCOLS: [(&str, bool); 2] = [("igmp", false), ("mld", true)];

const fn mode_name(filter: &SourceFilter) -> &'static str {
    match filter.mode() {
        FilterMode::Include => "include",
        FilterMode::Exclude => "exclude",
    }
}

fn filter_line(filter: &SourceFilter) -> String {
    let sources: Vec<String> = filter.sources().iter().map(ToString::to_string).collect();
    format!("{} {{{}}}", mode_name(filter), sources.join(","))
}

fn filter(filter: &SourceFilter) -> Value {
    json!({
        "mode": mode_name(filter),
        "sources": filter.sources().iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn queriers(stack: &Stack, id: InterfaceId, now: Instant) -> Value {
    let all = PROTOCOLS.into_iter().filter_map(|(protocol, ipv6)| {
        let info = stack.querier(id, ipv6)?;
        Some(json!({
            "protocol": protocol,
            "querying": info.querying,
            "other": info.other.map(|(other, _)| other.to_string()),
            "other_seconds": left(info.other.map(|(_, until)| until), now),
        }))
    });
    all.collect()
}

fn link_groups(stack: &Stack, id: InterfaceId, now: Instant) -> Value {
    let all = stack.link_groups().filter(|info| info.interface == id).map(|info| {
        json!({
            "group": info.group.to_string(),
            "filter": filter(&info.filter),
            "version": info.version,
            "seconds": left(info.until, now),
        })
    });
    all.collect()
}

/// The interfaces, with what each has.
pub fn interfaces(stack: &Stack, now: Instant) -> Value {
    let all = stack.interfaces().map(|interface| {
        json!({
            "hardware_address": interface.hardware_address.to_string(),
            "mtu": interface.capabilities.mtu,
            "up": interface.up,
            "traffic": {
                "frames_received": interface.traffic.frames_received,
                "bytes_received": interface.traffic.bytes_received,
                "frames_sent": interface.traffic.frames_sent,
                "bytes_sent": interface.traffic.bytes_sent,
            },
            "drops": stack.interface_drops(interface.id).map(|(why, count)| (why.name().to_owned(), count.into()))
                .collect::<Map<String, Value>>(),
            "addresses": interface.addresses.iter().map(|own| json!({
                "address": own.address.to_string(),
                "prefix_len": own.prefix_len,
                "state": own.state.name(),
                "origin": own.origin.name(),
                "preferred_seconds": left(own.preferred_until, now),
                "valid_seconds": left(own.valid_until, now),
            })).collect::<Vec<_>>(),
            "dhcpv4": stack.dhcpv4(interface.id).map(|info| dhcpv4(&info, now)),
            "dhcpv6": stack.dhcpv6(interface.id).map(|info| dhcpv6(&info, now)),
            "queriers": queriers(stack, interface.id, now),
            "link_groups": link_groups(stack, interface.id, now),
            "router_name_servers": stack.router_name_servers(interface.id).map(|it| it.to_string()).collect::<Vec<_>>(),
            "router_search_domains": stack.router_search_domains(interface.id).map(ToString::to_string).collect::<Vec<_>>(),
        })
    });
    all.collect()
}

fn dhcpv4(info: &Dhcpv4Info<'_>, now: Instant) -> Value {
    let texts = |list: &[std::net::Ipv4Addr]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
    json!({
        "state": info.state.name(),
        "client_id": info.client_id.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat(),
        "lease": info.lease.map(|lease| json!({
            "address": lease.address.to_string(),
            "prefix_len": lease.prefix_len,
            "server": lease.server.to_string(),
            "usable": lease.usable,
            "renew_seconds": left(lease.renew_at, now),
            "rebind_seconds": left(lease.rebind_at, now),
            "valid_seconds": left(lease.expires_at, now),
        })),
        "settings": info.settings.map(|settings| json!({
            "name_servers": texts(&settings.dns_servers),
            "time_servers": texts(&settings.ntp_servers),
            "domain": settings.domain,
            "search": settings.search,
            "mtu": settings.mtu,
        })),
        "transmissions": info.transmissions,
    })
}

fn dhcpv6(info: &Dhcpv6Info, now: Instant) -> Value {
    let leases = |leases: &[Dhcpv6Lease]| -> Vec<Value> {
        let each = leases.iter().map(|lease| {
            json!({
                "prefix": lease.prefix.to_string(),
                "prefix_len": lease.prefix_len,
                "preferred_seconds": left(lease.preferred_until, now),
                "valid_seconds": left(lease.valid_until, now),
            })
        });
        each.collect()
    };
    json!({
        "state": info.state.name(),
        "duid": info.duid.to_string(),
        "iaid": info.iaid,
        "server": info.server.as_ref().map(ToString::to_string),
        "addresses": leases(&info.addresses),
        "prefixes": leases(&info.prefixes),
        "renew_seconds": left(info.renew_at, now),
        "rebind_seconds": left(info.rebind_at, now),
        "refresh_seconds": left(info.refresh_at, now),
        "name_servers": info.dns_servers.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "domains": info.domains.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

/// The default routers of all interfaces.
pub fn routers(stack: &Stack, now: Instant) -> Value {
    let all = stack.default_routers().map(|router| {
        json!({
            "address": router.address.to_string(),
            "interface": router.interface.index(),
            "seconds": left(router.until, now),
            "failed": router.failed,
        })
    });
    all.collect()
}

/// The prefixes that routers have told.
pub fn prefixes(stack: &Stack) -> Value {
    let all = stack.prefixes().map(|known| {
        json!({
            "prefix": known.prefix.to_string(),
            "prefix_len": known.prefix_len,
            "interface": known.interface.index(),
            "on_link": known.on_link,
            "autonomous": known.autonomous,
        })
    });
    all.collect()
}

/// The groups that the interfaces are in.
pub fn groups(stack: &Stack) -> Value {
    let all = stack.groups().map(|joined| {
        json!({
            "group": joined.group.to_string(),
            "interface": joined.interface.index(),
            "sockets": joined.sockets,
            "filter": filter(&joined.filter),
        })
    });
    all.collect()
}

/// The routes.
pub fn routes(stack: &Stack) -> Value {
    let all = stack.routes().map(|route| {
        json!({
            "prefix": route.prefix.to_string(),
            "prefix_len": route.prefix_len,
            "target": match route.target {
                Target::Interface(_) => "interface",
                Target::Gateway(..) => "gateway",
                Target::Blackhole => "blackhole",
                Target::Unreachable => "unreachable",
                Target::Prohibit => "prohibit",
            },
            "gateway": route.gateway().map(|gateway| gateway.to_string()),
            "interface": route.interface().map(InterfaceId::index),
            "metric": route.metric,
            "table": route.table,
        })
    });
    all.collect()
}

/// The neighbors of all interfaces.
pub fn neighbors(stack: &Stack) -> Value {
    let all = stack.neighbors().map(|neighbor| {
        json!({
            "address": neighbor.address.to_string(),
            "interface": neighbor.interface.index(),
            "state": format!("{:?}", neighbor.state).to_lowercase(),
            "hardware_address": neighbor.hardware_address.map(|address| address.to_string()),
        })
    });
    all.collect()
}

/// All that the stack knows of itself, as `tickwire run --stats` has it.
pub fn stats(stack: &Stack) -> Value {
    let depths = stack.queue_depths();
    let (mut states, mut received, mut unsent, mut orphans) = (BTreeMap::new(), 0, 0, 0);
    for entry in stack.tcp_sockets() {
        *states.entry(entry.state.name()).or_insert(0) += 1;
        received += entry.received;
        unsent += entry.unsent;
        orphans += usize::from(!entry.owned);
    }
    let drops: Map<String, Value> = stack.drops().map(|(why, count)| (why.name().to_owned(), count.into())).collect();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "uptime_seconds": stack.latest().since(Instant::ZERO).as_secs_f64(),
        "interfaces": interfaces(stack, stack.latest()),
        "routers": routers(stack, stack.latest()),
        "prefixes": prefixes(stack),
        "groups": groups(stack),
        "routes": routes(stack),
        "neighbors": neighbors(stack),
        "counters": by_layer(stack.counters()),
        "drops": drops,
        "sockets": {
            "tcp": states.values().sum::<usize>(),
            "tcp_states": states,
            "tcp_orphans": orphans,
            "tcp_listeners": stack.tcp_listeners().count(),
            "udp": stack.udp_sockets().count(),
        },
        "buffer_bytes": { "tcp_received": received, "tcp_unsent": unsent },
        "queue_depths": {
            "control": depths.control,
            "ready": depths.ready,
            "transit": depths.transit,
            "parked": depths.parked,
            "events": depths.events,
        },
    })
}

/// `tcp.resets_sent` becomes `resets_sent` under `tcp`.
fn by_layer(counters: impl Iterator<Item = (&'static str, u64)>) -> Value {
    let mut layers: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
    for (name, count) in counters {
        let (layer, counter) = name.split_once('.').unwrap_or(("stack", name));
        layers.entry(layer).or_default().insert(counter, count);
    }
    json!(layers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_sorted_into_layers() {
        let counters = [("tcp.resets_sent", 3), ("arp.received", 1), ("tcp.acks_sent", 2)];
        assert_eq!(
            by_layer(counters.into_iter()),
            json!({ "arp": { "received": 1 }, "tcp": { "acks_sent": 2, "resets_sent": 3 } })
        );
    }
}
