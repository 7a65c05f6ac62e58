//! A device that breaks ends the loop, and with it whoever waits.
#![cfg(target_os = "linux")]

use std::io::{self, ErrorKind};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rustix::event::{EventfdFlags, eventfd};
use rustix::io::Errno;
use tickwire_backends::device::{Device, DeviceCounters};
use tickwire_backends::driver::{DriverError, Loop};
use tickwire_backends::net::TcpListener;
use tickwire_backends::pool::Pool;
use tickwire_core::Config;
use tickwire_core::frame::{Capabilities, Frame, TxBatch};
use tickwire_core::wire::ethernet::EthernetAddress;

/// Always readable; fails once it is told to.
struct Fragile {
    fd: OwnedFd,
    broken: Arc<AtomicBool>,
}

impl Device for Fragile {
    fn name(&self) -> &'static str {
        "fragile0"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::plain(1500)
    }

    fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    fn receive(&self, _pool: &mut Pool, _frames: &mut Vec<Frame>, _max: usize) -> io::Result<usize> {
        if self.broken.load(Ordering::Relaxed) { Err(Errno::BADFD.into()) } else { Ok(0) }
    }

    fn transmit(&self, batch: &TxBatch, from: usize) -> io::Result<usize> {
        Ok(batch.len() - from)
    }

    fn counters(&self) -> DeviceCounters {
        DeviceCounters::default()
    }
}

fn fragile() -> (Loop, Arc<AtomicBool>) {
    let broken = Arc::new(AtomicBool::new(false));
    let fd = eventfd(1, EventfdFlags::NONBLOCK).expect("an eventfd");
    let mut turns = Loop::new(Config::default(), None).expect("an eventfd and entropy");
    let device = Fragile { fd, broken: Arc::clone(&broken) };
    turns.add_device(device, EthernetAddress([2, 0, 0, 0, 0, 1]), &[]).expect("a valid interface");
    (turns, broken)
}

/// A thread that waits on a listener, for what ended its wait.
fn waiting(turns: &Loop) -> thread::JoinHandle<io::Error> {
    let listener = TcpListener::bind(&turns.handle(), "0.0.0.0:7").expect("a free port");
    let waiting = thread::spawn(move || listener.accept().map(drop).expect_err("nobody connects"));
    thread::sleep(Duration::from_millis(50));
    assert!(!waiting.is_finished());
    waiting
}

#[test]
fn a_loop_turned_by_hand_that_fails_ends_blocked_calls() {
    let (mut turns, broken) = fragile();
    turns.turn(None).expect("all is well");
    let waiting = waiting(&turns);
    broken.store(true, Ordering::Relaxed);
    let error = turns.turn(None).expect_err("the device is gone");
    assert!(matches!(error, DriverError::Device { name, .. } if name == "fragile0"));
    assert_eq!(waiting.join().expect("no panic").kind(), ErrorKind::NetworkDown);
    assert!(!turns.handle().is_running());
}

/// A device that the stack refuses is not waited for: it is readable too, and has no interface.
#[test]
fn a_device_that_is_refused_is_forgotten() {
    let (mut turns, _) = fragile();
    let fd = eventfd(1, EventfdFlags::NONBLOCK).expect("an eventfd");
    let device = Fragile { fd, broken: Arc::new(AtomicBool::new(false)) };
    let group = EthernetAddress([3, 0, 0, 0, 0, 1]);
    assert!(matches!(turns.add_device(device, group, &[]), Err(DriverError::Interface { .. })));
    for _ in 0..3 {
        turns.turn(Some(Duration::ZERO)).expect("all is well");
    }
}

#[test]
fn dropping_a_loop_ends_blocked_calls() {
    let (turns, _) = fragile();
    let waiting = waiting(&turns);
    drop(turns);
    assert_eq!(waiting.join().expect("no panic").kind(), ErrorKind::NetworkDown);
}
