//! What `--stats` writes and `/stats` tells: what the stack knows of itself, its devices, memory.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tickwire_backends::driver::StackHandle;
use tickwire_backends::tables;

/// All of it: the stack, its devices, the process. Takes the driver's lock; not for its own thread.
pub(crate) fn of_driver(handle: &StackHandle) -> Value {
    let mut stats = handle.with(|stack, _| tables::stats(stack));
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
