//! An idle driver sleeps: no tick, no CPU time.
#![cfg(target_os = "linux")]

mod support;

use std::fs;
use std::io::{Read as _, Write as _};
use std::time::Duration;

use support::{Hosts, ip4};
use tickwire_backends::net::{TcpListener, TcpStream};

/// Nanoseconds on a processor, and times scheduled, of all threads of drivers (`/proc/PID/task/TID/schedstat`).
fn driver_threads() -> (u64, u64) {
    let mut sums = (0, 0);
    for task in fs::read_dir("/proc/self/task").expect("procfs").map(|task| task.expect("procfs").path()) {
        // A thread that ended in between has no files any more.
        let Ok(name) = fs::read_to_string(task.join("comm")) else { continue };
        if name.trim() != "tickwire-driver" {
            continue;
        }
        let stat = fs::read_to_string(task.join("schedstat")).expect("CONFIG_SCHED_INFO");
        let fields: Vec<u64> = stat.split_whitespace().map(|field| field.parse().expect("a number")).collect();
        sums = (sums.0 + fields[0], sums.1 + fields[2]);
    }
    sums
}

// One test only: it looks at all drivers of the process.
#[test]
fn two_drivers_with_an_idle_connection_sleep() {
    let hosts = Hosts::start();
    let listener = TcpListener::bind(&hosts.east(), (ip4(2), 7)).expect("a free port");
    let mut client = TcpStream::connect(&hosts.west(), (ip4(2), 7)).expect("it listens");
    let (mut server, _) = listener.accept().expect("it connected");
    client.write_all(b"x").expect("connected");
    server.read_exact(&mut [0]).expect("sent");
    // Until the last delayed acknowledgment is out, and the groups of the addresses have been reported twice
    // (RFC 3810 section 9.11).
    std::thread::sleep(Duration::from_millis(2500));
    let (nanos, scheduled) = driver_threads();
    std::thread::sleep(Duration::from_secs(1));
    let (nanos_later, scheduled_later) = driver_threads();
    assert!(nanos > 0, "the drivers have been seen at work");
    assert_eq!(scheduled_later - scheduled, 0, "times woken in a second");
    assert_eq!(nanos_later - nanos, 0, "nanoseconds of CPU time in a second");
    hosts.shutdown();
}
