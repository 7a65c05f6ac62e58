//! `tickwire run`: the stack on a TAP interface until a signal.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::IpAddr;
use std::path::Path;
use std::sync::mpsc::Sender;
use std::time::Duration;

use siphasher::sip::SipHasher24;
use tickwire_backends::capture::{Capture, CaptureWriter};
use tickwire_backends::driver::{Driver, Loop, StackHandle, random_hardware_address};
use tickwire_backends::net_setup::Ip;
use tickwire_core::config::{Config, InterfaceAddress};
use tickwire_core::wire::ethernet::EthernetAddress;
use tickwire_core::{Route, Seed};

use super::cli::RunOptions;
use super::interface::{Opened, Wanted, how_to_connect};
use super::notice::{self, Notice, Sentinel};
use super::{Failure, services, stats};

/// How long connections may take to close, so that all is over within 2 s of the signal.
const CLOSE_WITHIN: Duration = Duration::from_millis(1500);

/// Runs until a signal; `Err` if it could not start, or if the interface was taken away.
pub(crate) fn run(options: &RunOptions) -> Result<(), Failure> {
    let (sender, notices) = notice::channel_of_signals().map_err(|error| Failure::step("catch signals", error))?;
    let opened = open(options)?;
    let (mut turns, capture) = new_loop(options)?;
    let hardware_address = hardware_address(options)?;
    let (created, mtu) = (opened.created, opened.mtu);
    add_interface(&mut turns, options, opened, hardware_address, sender)?;
    let driver = Driver::spawn(turns).map_err(|error| Failure::new(error.to_string()))?;
    let handle = driver.handle();
    if created && options.kernel.is_empty() {
        eprintln!("tickwire: created {}; it goes away with tickwire{}", options.tap, how_to_connect(&options.tap));
    }
    announce(options, hardware_address, mtu)?;
    for notice in notices {
        match notice {
            // A disk that is full now is no reason to end; at the end it is one to say so.
            Notice::Stats => {
                if let Err(failure) = write_stats(options.stats.as_deref(), &handle) {
                    eprintln!("tickwire: {failure}");
                }
            }
            Notice::Stop | Notice::Ended => break,
        }
    }
    let ended = driver.shutdown(CLOSE_WITHIN);
    write_stats(options.stats.as_deref(), &handle)?;
    finish_capture(capture, &handle)?;
    match ended {
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::new(error.to_string())),
    }
}

fn open(options: &RunOptions) -> Result<Opened, Failure> {
    let announce: Option<fn(&str)> = options.verbose.then_some(|command| eprintln!("+ {command}"));
    let ip = Ip { announce, dry_run: false };
    Wanted { name: &options.tap, mtu: options.mtu, kernel: &options.kernel, ip }.open()
}

fn new_loop(options: &RunOptions) -> Result<(Loop, Option<CaptureWriter>), Failure> {
    let mut turns = Loop::new(Config::default(), options.seed.clone()).map_err(|e| Failure::new(e.to_string()))?;
    let mut writer = None;
    if let Some(path) = &options.pcap {
        let (capture, capture_writer) = Capture::create(path, turns.handle().unix_offset())
            .map_err(|error| Failure::new(format!("--pcap: {error}")))?;
        turns.set_capture(capture);
        writer = Some(capture_writer);
    }
    Ok((turns, writer))
}

/// The address given, or a random one; with a seed given, one that follows from it.
fn hardware_address(options: &RunOptions) -> Result<EthernetAddress, Failure> {
    match (options.mac, &options.seed) {
        (Some(address), _) => Ok(address),
        (None, Some(seed)) => Ok(hardware_address_of(seed)),
        (None, None) => random_hardware_address().map_err(|error| Failure::step("get entropy", error)),
    }
}

/// An individual, locally administered address (IEEE 802 section 8.2) that does not give the seed away.
fn hardware_address_of(seed: &Seed) -> EthernetAddress {
    let mut key = [0; 16];
    key.copy_from_slice(&seed.0[..16]);
    let hash = SipHasher24::new_with_key(&key).hash(&[&seed.0[16..], b"hardware address"].concat());
    let [first, second, third, fourth, fifth, sixth, ..] = hash.to_le_bytes();
    EthernetAddress([(first & 0xfc) | 0x02, second, third, fourth, fifth, sixth])
}

fn add_interface(
    turns: &mut Loop,
    options: &RunOptions,
    opened: Opened,
    hardware_address: EthernetAddress,
    sender: Sender<Notice>,
) -> Result<(), Failure> {
    let addresses: Vec<InterfaceAddress> = options.ip4.iter().chain(&options.ip6).copied().collect();
    let interface =
        turns.add_device(opened.tap, hardware_address, &addresses).map_err(|error| Failure::new(error.to_string()))?;
    let defaults = [
        ("--gw4", options.gw4.map(IpAddr::from), IpAddr::from([0; 4])),
        ("--gw6", options.gw6.map(IpAddr::from), IpAddr::from([0; 16])),
    ];
    for (option, gateway, prefix) in defaults {
        let Some(gateway) = gateway else { continue };
        let route = Route::via(prefix, 0, gateway, interface);
        turns
            .handle()
            .with(|stack, _| stack.add_route(route))
            .map_err(|error| Failure::new(format!("{option} {gateway}: {error}")))?;
    }
    turns.add_service(Box::new(Sentinel(sender))).map_err(|error| Failure::step("start", error))?;
    services::start(turns, &options.services)
        .map_err(|(spec, error)| Failure::new(format!("--service {spec}: {error}")))
}

/// The line by which who started us knows that the addresses can be used.
fn announce(options: &RunOptions, hardware_address: EthernetAddress, mtu: u16) -> Result<(), Failure> {
    let mut line = format!("ready {}", options.tap);
    for InterfaceAddress { address, prefix_len } in options.ip4.iter().chain(&options.ip6) {
        // Writing to a string cannot fail.
        let _ = write!(line, " {address}/{prefix_len}");
    }
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line} mac {hardware_address} mtu {mtu}")
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::step("write to standard output", error))
}

fn write_stats(path: Option<&Path>, handle: &StackHandle) -> Result<(), Failure> {
    let Some(path) = path else { return Ok(()) };
    stats::write(path, &stats::of_driver(handle))
        .map_err(|error| Failure::new(format!("--stats {}: {error}", path.display())))
}

/// Waits until the capture is written.
fn finish_capture(writer: Option<CaptureWriter>, handle: &StackHandle) -> Result<(), Failure> {
    let Some(writer) = writer else { return Ok(()) };
    handle.end_capture();
    let summary = writer.finish().map_err(|error| Failure::new(format!("--pcap: {error}")))?;
    let lost = if summary.lost > 0 { format!(", {} lost", summary.lost) } else { String::new() };
    eprintln!("tickwire: {}: {} frames{lost}", summary.path.display(), summary.written);
    Ok(())
}
