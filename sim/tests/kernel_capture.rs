//! The wire oracles over a capture of the stack and the kernel talking to each other: neither breaks a rule.
//!
//! Where no namespace or TAP can be had, the test says so and passes, unless `TICKWIRE_REQUIRE_TAP=1`.
#![cfg(target_os = "linux")]

use std::error::Error;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::thread;
use std::time::Duration;

use tickwire_backends::capture::{Capture, CaptureWriter, Captured, Direction, read_frames};
use tickwire_backends::driver::{Driver, Loop};
use tickwire_backends::net::TcpListener;
use tickwire_backends::net_setup::{Ip, enter_network_namespace};
use tickwire_backends::tap::Tap;
use tickwire_core::wire::ethernet::EthernetAddress;
use tickwire_core::{Config, InterfaceAddress};
use tickwire_sim::oracle::{Oracle, Settings, WireOracles};

const PATIENCE: Duration = Duration::from_mins(1);
const BYTES: usize = 4 << 20;

/// Bulk both ways over both families, the kernel as client; returns what the stack's tap saw.
fn talk(file: &Path) -> Captured {
    let (driver, writer) = match set_up(file) {
        Ok(lab) => lab,
        Err(reason) if std::env::var_os("TICKWIRE_REQUIRE_TAP").is_some_and(|value| value == "1") => {
            panic!("a TAP in a namespace is required: {reason}")
        }
        Err(reason) => {
            println!("skipped: {reason}");
            return Captured::default();
        }
    };
    for address in ["192.0.2.2", "2001:db8::2"] {
        let address: IpAddr = address.parse().expect("an address");
        let listener = TcpListener::bind(&driver.handle(), (address, 9)).expect("a free port");
        let client = TcpStream::connect_timeout(&SocketAddr::new(address, 9), PATIENCE).expect("it listens");
        client.set_read_timeout(Some(PATIENCE)).expect("not zero");
        let (mut server, _) = listener.accept().expect("it connected");
        thread::scope(|scope| {
            scope.spawn(|| {
                (&client).write_all(&vec![1; BYTES]).expect("connected");
                client.shutdown(Shutdown::Write).expect("connected");
            });
            scope.spawn(|| {
                let mut all = Vec::new();
                (&client).read_to_end(&mut all).expect("connected");
                assert_eq!(all.len(), BYTES);
            });
            let mut all = vec![0; BYTES];
            server.read_exact(&mut all).expect("connected");
            server.write_all(&all).expect("connected");
            drop(server);
        });
    }
    driver.handle().end_capture();
    let summary = writer.finish().expect("written");
    driver.shutdown(PATIENCE).expect("it drove to the end");
    assert_eq!(summary.lost, 0);
    read_frames(std::fs::File::open(file).expect("it was written")).expect("pcapng")
}

/// The kernel is `.1`, the stack `.2`.
fn set_up(file: &Path) -> Result<(Driver, CaptureWriter), Box<dyn Error>> {
    enter_network_namespace()?;
    let tap = Tap::open("tap7", 1500)?;
    let ip = Ip::default();
    ip.link_up("tap7")?;
    ip.add_address("tap7", "192.0.2.1".parse()?, 24)?;
    ip.add_address("tap7", "2001:db8::1".parse()?, 64)?;
    let mut turns = Loop::new(Config::default(), None)?;
    let (capture, writer) = Capture::create(file, turns.handle().unix_offset())?;
    turns.set_capture(capture);
    let addresses = [("192.0.2.2", 24), ("2001:db8::2", 64)];
    let addresses = addresses
        .map(|(address, prefix_len)| InterfaceAddress { address: address.parse().expect("an address"), prefix_len });
    turns.add_device(tap, EthernetAddress([2, 0, 0, 0, 0, 2]), &addresses)?;
    Ok((Driver::spawn(turns)?, writer))
}

/// Times are those of a busy machine: an acknowledgment may wait for its thread, and so may the reading of
/// what the kernel sent.
fn judge(captured: &Captured, foreign: bool) -> WireOracles {
    let mut oracles = WireOracles::new(Settings { foreign, ..Settings::default() });
    oracles.switch(Oracle::DelayedAck, false);
    oracles.switch(Oracle::Backoff, false);
    oracles.observe_capture(captured);
    oracles
}

#[test]
fn the_stack_and_the_kernel_keep_the_rules() {
    let file = std::env::temp_dir().join(format!("tickwire-oracles-{}.pcapng", std::process::id()));
    let captured = {
        let file = file.clone();
        thread::spawn(move || talk(&file)).join()
    };
    let _ = std::fs::remove_file(&file);
    let mut captured = captured.expect("they talk");
    if captured.frames.is_empty() {
        return;
    }
    let stack = judge(&captured, false);
    assert_eq!(stack.verdicts(), [], "the stack");
    // The other end of the cable: what one sends the other receives.
    for frame in &mut captured.frames {
        frame.direction = frame.direction.map(|direction| match direction {
            Direction::Inbound => Direction::Outbound,
            Direction::Outbound => Direction::Inbound,
        });
    }
    let kernel = judge(&captured, true);
    assert_eq!(kernel.verdicts(), [], "the kernel");
    for oracles in [&stack, &kernel] {
        for oracle in [Oracle::AckMonotone, Oracle::RightEdge, Oracle::Window, Oracle::Mss, Oracle::Timestamps] {
            assert!(oracles.tally(oracle).judged > 50, "{oracle}: {:?}", oracles.tally(oracle));
        }
    }
}
