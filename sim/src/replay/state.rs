//! A stack's state, as lines.

use std::fmt::Write as _;

use tickwire_backends::tables;
use tickwire_core::tcp::TcpInfo;
use tickwire_core::{Duration, Stack};

/// What a stack is like: interfaces, addresses, routes and neighbors as `tickwire run` prints them, then
/// sockets, queues, counters that are not 0, and what it waits for.
pub fn describe_stack(stack: &Stack) -> String {
    let mut text = tables::lines(stack, stack.latest());
    // Questions about a connection are asked through a view that could change it.
    let mut asked = stack.clone();
    // Writing to a String does not fail.
    for local in stack.tcp_listeners() {
        let _ = writeln!(text, "tcp listener {local}");
    }
    for entry in stack.tcp_sockets() {
        let owner = if entry.owned { "" } else { " released" };
        let _ = writeln!(text, "tcp {} > {} {}{owner}", entry.local, entry.remote, entry.state.name());
        let _ = writeln!(text, "  unread {} unsent {} rto {}", entry.received, entry.unsent, millis(Some(entry.rto)));
        if let Some(info) = asked.tcp(entry.handle).ok().and_then(|socket| socket.info()) {
            let _ = writeln!(text, "  {}", info_line(&info));
        }
    }
    for entry in stack.udp_sockets() {
        let peer = entry.peer.map(|peer| format!(" > {peer}")).unwrap_or_default();
        let _ = writeln!(text, "udp {}{peer} unread {} unsent {}", entry.local, entry.received, entry.unsent);
    }
    let depths = stack.queue_depths();
    let _ = writeln!(
        text,
        "queues control {} ready {} transit {} parked {} events {}",
        depths.control, depths.ready, depths.transit, depths.parked, depths.events
    );
    for (name, count) in stack.counters().filter(|(_, count)| *count > 0) {
        let _ = writeln!(text, "counter {name} {count}");
    }
    for (reason, count) in stack.drops().filter(|(_, count)| *count > 0) {
        let _ = writeln!(text, "dropped {count} {}", reason.name());
    }
    let _ = match asked.poll_timeout() {
        Some(wakeup) => writeln!(text, "wakes up at {} for {:?}", wakeup.at, wakeup.cause),
        None => writeln!(text, "waits for frames and calls only"),
    };
    let _ = writeln!(text, "digest {:016x}", stack.digest());
    text
}

fn info_line(info: &TcpInfo) -> String {
    let ssthresh = if info.ssthresh == u32::MAX { "none".to_owned() } else { info.ssthresh.to_string() };
    format!(
        "cwnd {} ssthresh {ssthresh} in flight {} snd.wnd {} rcv.wnd {} mss {} srtt {} rttvar {} backoff {}",
        info.cwnd,
        info.in_flight,
        info.snd_wnd,
        info.rcv_wnd,
        info.snd_mss,
        millis(info.srtt),
        millis(info.rttvar),
        info.backoff
    )
}

/// In milliseconds, to the microsecond.
fn millis(time: Option<Duration>) -> String {
    let Some(time) = time else { return "unknown".to_owned() };
    let micros = time.as_micros();
    format!("{}.{:03} ms", micros / 1000, micros % 1000)
}
