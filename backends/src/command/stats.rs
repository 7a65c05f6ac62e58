//! What `--stats` writes and `/stats` tells: counters by layer, drops by reason, sockets, buffers,
//! queues, memory.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use tickwire_backends::driver::StackHandle;
use tickwire_core::{Instant, Stack};

use super::tables;

/// What the stack itself knows.
pub(crate) fn of_stack(stack: &Stack) -> Value {
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
        "interfaces": tables::interfaces(stack, stack.latest()),
        "routers": tables::routers(stack, stack.latest()),
        "prefixes": tables::prefixes(stack),
        "groups": tables::groups(stack),
        "routes": tables::routes(stack),
        "neighbors": tables::neighbors(stack),
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

/// All of it: the stack, its devices, the process. Takes the driver's lock; not for its own thread.
pub(crate) fn of_driver(handle: &StackHandle) -> Value {
    let mut stats = handle.with(|stack, _| of_stack(stack));
    let kept = handle.frames_kept();
    let devices = handle.device_counters().into_iter().zip(kept).map(|((name, counters), kept)| {
        json!({
            "name": name,
            "rx_frames": counters.rx_frames,
            "tx_frames": counters.tx_frames,
            "tx_refused": counters.tx_refused,
            "tx_waits": counters.tx_waits,
            "tx_queued": kept,
        })
    });
    stats["devices"] = devices.collect();
    stats["process"] = process();
    stats
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

/// This process's memory, in bytes, as /proc/self/status has it (proc(5)).
fn process() -> Value {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    json!({
        "id": std::process::id(),
        "resident_bytes": kibibytes(&status, "VmRSS:"),
        "resident_bytes_max": kibibytes(&status, "VmHWM:"),
        "virtual_bytes": kibibytes(&status, "VmSize:"),
    })
}

/// The field `name` of /proc/self/status in bytes; `None` if it is not there.
fn kibibytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

/// Writes `stats` to `path` so that a reader sees the old file or the new one, never half of one: to
/// a new file beside it, which is then renamed.
pub(crate) fn write(path: &Path, stats: &Value) -> io::Result<()> {
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let beside: PathBuf = path.with_file_name(name);
    let written = File::create(&beside)
        .and_then(|mut file| writeln!(file, "{stats:#}").and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        // What is left of the attempt; that it may not even be there is no further error.
        let _ = std::fs::remove_file(&beside);
    }
    written
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

    #[test]
    fn memory_is_read_in_bytes() {
        let status = "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
        assert_eq!((kibibytes(status, "VmRSS:"), kibibytes(status, "VmSize:")), (Some(1024 * 1024), None));
        assert!(process()["resident_bytes"].as_u64().is_none_or(|bytes| bytes > 0));
    }

    #[test]
    fn a_file_is_replaced_whole_and_nothing_is_left_beside_it() {
        let folder = std::env::temp_dir().join(format!("tickwire-stats-{}", std::process::id()));
        std::fs::create_dir(&folder).expect("a folder of this test's own");
        let path = folder.join("stats.json");
        for round in 0..2 {
            write(&path, &json!({ "round": round })).expect("written");
            let text = std::fs::read_to_string(&path).expect("it is there");
            assert_eq!(serde_json::from_str::<Value>(&text).expect("JSON"), json!({ "round": round }));
        }
        assert_eq!(std::fs::read_dir(&folder).expect("it is there").count(), 1);
        assert!(write(&folder.join("no/such/folder"), &json!({})).is_err());
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
