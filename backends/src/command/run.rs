//! `tickwire run`: the stack on a TAP interface until a signal.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::IpAddr;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use siphasher::sip::SipHasher24;
use tickwire_backends::driver::{Driver, Loop, StackHandle, random_hardware_address};
use tickwire_backends::net_setup::Ip;
use tickwire_backends::tables;
use tickwire_core::config::{Config, InterfaceAddress, InterfaceConfig};
use tickwire_core::wire::ethernet::EthernetAddress;
use tickwire_core::{Dhcpv6Request, InterfaceId, Route, Seed};

use super::cli::RunOptions;
use super::configure::{Ip4, Ip6, Missing, Wanted};
use super::files::Files;
use super::interface::{self, Opened, how_to_connect};
use super::notice::{self, Notice, Sentinel};
use super::state::{self, State};
use super::{Failure, services, stats};

/// How long connections may take to close, so that all is over within 2 s of the signal.
const CLOSE_WITHIN: Duration = Duration::from_millis(1500);

/// Runs until a signal; `Err` if it could not start, or if the interface was taken away.
pub(crate) fn run(options: &RunOptions) -> Result<(), Failure> {
    let (sender, notices) = notice::channel_of_signals().map_err(|error| Failure::step("catch signals", error))?;
    let kept = options.state.as_deref().map(state::load).transpose()?.flatten();
    let opened = open(options)?;
    let hardware_address = hardware_address(options, kept.as_ref())?;
    let (mut turns, files) = new_loop(options, kept)?;
    let (created, mtu) = (opened.created, opened.mtu);
    let interface = add_interface(&mut turns, options, opened, hardware_address, sender.clone())?;
    notice::watch_link(&options.tap, sender)
        .map_err(|error| Failure::new(format!("{}: cannot watch it: {error}", options.tap)))?;
    let driver = Driver::spawn(turns).map_err(|error| Failure::new(error.to_string()))?;
    let handle = driver.handle();
    if created && options.kernel.is_empty() {
        eprintln!("tickwire: created {}; it goes away with tickwire{}", options.tap, how_to_connect(&options.tap));
    }
    let mut running =
        Running { options, handle: handle.clone(), interface, hardware_address, mtu, up: true, ready: false };
    running.attend(&notices)?;
    let ended = driver.shutdown(CLOSE_WITHIN);
    running.write_stats()?;
    running.save_state()?;
    running.release_leases();
    files.finish(&handle)?;
    match ended {
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::new(error.to_string())),
    }
}

/// A stack that runs, and what is to be told of it.
struct Running<'a> {
    options: &'a RunOptions,
    handle: StackHandle,
    interface: InterfaceId,
    hardware_address: EthernetAddress,
    mtu: u16,
    /// Whether the kernel has said that the interface is up.
    up: bool,
    /// Whether the `ready` line has been written.
    ready: bool,
}

impl Running<'_> {
    /// Acts on notices until one says that it is over.
    fn attend(&mut self, notices: &Receiver<Notice>) -> Result<(), Failure> {
        let began = Instant::now();
        loop {
            let next_look = if self.ready { None } else { self.look(began.elapsed())? };
            let notice = match next_look {
                None => notices.recv().unwrap_or(Notice::Ended),
                Some(patience) => match notices.recv_timeout(patience) {
                    Err(RecvTimeoutError::Timeout) => continue,
                    other => other.unwrap_or(Notice::Ended),
                },
            };
            match notice {
                Notice::Interfaces => self.complain(self.save_state()),
                Notice::Stats => {
                    self.complain(self.print_tables());
                    self.complain(self.write_stats());
                }
                Notice::Link(up) => self.set_link(up)?,
                Notice::Stop | Notice::Ended => return Ok(()),
            }
        }
    }

    /// The kernel says whether the interface is up: addresses, leases and routers are looked after.
    fn set_link(&mut self, up: bool) -> Result<(), Failure> {
        if std::mem::replace(&mut self.up, up) == up {
            return Ok(());
        }
        eprintln!("tickwire: {} is {}", self.options.tap, if up { "up again" } else { "down" });
        let interface = self.interface;
        self.handle
            .with(|stack, now| stack.set_link(now, interface, up))
            .map_err(|error| Failure::new(format!("{}: {error}", self.options.tap)))
    }

    /// A disk that is full now is no reason to end; at the end it is one to say so.
    #[allow(clippy::unused_self, reason = "it is said on behalf of what runs")]
    fn complain(&self, outcome: Result<(), Failure>) {
        if let Err(failure) = outcome {
            eprintln!("tickwire: {failure}");
        }
    }

    /// Writes the `ready` line if all addresses can be used; returns when to look again, if that is not
    /// only when something has happened.
    fn look(&mut self, since: Duration) -> Result<Option<Duration>, Failure> {
        let fixed_v6 = self.options.ip6.iter().filter_map(|ip6| ip6.address());
        let fixed = self.options.ip4.iter().filter_map(|ip4| ip4.address()).chain(fixed_v6).collect();
        let wanted = Wanted { fixed, ip4: self.options.ip4.clone(), ip6: self.options.ip6.clone() };
        match self.handle.with(|stack, _| wanted.addresses(stack, since)) {
            Ok(addresses) => {
                self.announce(&addresses)?;
                self.ready = true;
                self.complain(self.save_state());
                Ok(None)
            }
            Err(Missing::Wait) => Ok(wanted.next_look(since)),
            Err(Missing::Taken(address)) => Err(Failure::new(format!(
                "another host on {} has the address {address}; right would be one that nobody has",
                self.options.tap
            ))),
        }
    }

    /// The line by which who started us knows that the addresses can be used.
    fn announce(&self, addresses: &[InterfaceAddress]) -> Result<(), Failure> {
        let mut line = format!("ready {}", self.options.tap);
        for InterfaceAddress { address, prefix_len } in addresses {
            // Writing to a string cannot fail.
            let _ = write!(line, " {address}/{prefix_len}");
        }
        print(&format!("{line} mac {} mtu {}\n", self.hardware_address, self.mtu))
    }

    fn print_tables(&self) -> Result<(), Failure> {
        print(&self.handle.with(|stack, now| tables::lines(stack, now)))
    }

    fn write_stats(&self) -> Result<(), Failure> {
        let Some(path) = self.options.stats.as_deref() else { return Ok(()) };
        stats::write(path, &stats::of_driver(&self.handle))
            .map_err(|error| Failure::new(format!("--stats {}: {error}", path.display())))
    }

    /// A host that is another one at its next start gives its address back. The connections are over.
    fn release_leases(&self) {
        if self.options.state.is_some() {
            return;
        }
        self.handle.with(|stack, now| {
            let interfaces: Vec<_> = stack.interfaces().map(|own| own.id).collect();
            for interface in interfaces {
                // An interface without a client has nothing to give back.
                let _ = stack.dhcpv4_release(now, interface);
                let _ = stack.dhcpv6_release(now, interface);
            }
        });
    }

    fn save_state(&self) -> Result<(), Failure> {
        let Some(path) = self.options.state.as_deref() else { return Ok(()) };
        let identity = self.handle.with(|stack, now| stack.export_identity(now));
        state::save(path, &State { hardware_address: self.hardware_address, identity })
            .map_err(|error| Failure::new(format!("--state {}: {error}", path.display())))
    }
}

fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::step("write to standard output", error))
}

fn open(options: &RunOptions) -> Result<Opened, Failure> {
    let announce: Option<fn(&str)> = options.verbose.then_some(|command| eprintln!("+ {command}"));
    let ip = Ip { announce, dry_run: false };
    interface::Wanted { name: &options.tap, mtu: options.mtu, kernel: &options.kernel, ip }.open()
}

fn new_loop(options: &RunOptions, kept: Option<State>) -> Result<(Loop, Files), Failure> {
    let mut config = Config { identity: kept.map(|state| state.identity), ..Config::default() };
    for setting in &options.settings {
        setting.apply(&mut config).map_err(|error| Failure::new(format!("--option {error}")))?;
    }
    if let Some(pace) = &options.acd {
        tickwire_core::options::set(&mut config, "address.acd", pace)
            .map_err(|error| Failure::new(format!("--acd {error}")))?;
    }
    Files::new_loop(options, config)
}

/// The address given, or the one that the host had at its last start, or a random one; with a seed
/// given, one that follows from it.
fn hardware_address(options: &RunOptions, kept: Option<&State>) -> Result<EthernetAddress, Failure> {
    match (options.mac, kept, &options.seed) {
        (Some(address), _, _) => Ok(address),
        (None, Some(state), _) => Ok(state.hardware_address),
        (None, None, Some(seed)) => Ok(hardware_address_of(seed)),
        (None, None, None) => random_hardware_address().map_err(|error| Failure::step("get entropy", error)),
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
) -> Result<InterfaceId, Failure> {
    let fixed_v4 = options.ip4.iter().filter_map(|ip4| ip4.address());
    let addresses = fixed_v4.chain(options.ip6.iter().filter_map(|ip6| ip6.address()));
    let ipv6_autoconfiguration = options.ip6.iter().any(|ip6| ip6.address().is_none());
    let interface = turns
        .add_interface(opened.tap, |capabilities| InterfaceConfig {
            ipv6_autoconfiguration,
            ..InterfaceConfig::new(hardware_address, capabilities, addresses)
        })
        .map_err(|error| Failure::new(error.to_string()))?;
    turns.add_loopback().map_err(|error| Failure::new(error.to_string()))?;
    configure_ipv4(turns, options, interface)?;
    if options.ip6.contains(&Ip6::Dhcp) {
        let request = Dhcpv6Request { addresses: true, prefixes: None };
        turns
            .handle()
            .with(|stack, now| {
                let prefixes = stack.config().dhcpv6.prefix_delegation;
                stack.dhcpv6_start(now, interface, Dhcpv6Request { prefixes, ..request })
            })
            .map_err(|error| Failure::new(format!("--ip6 dhcp: {error}")))?;
    }
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
        .map_err(|(spec, error)| Failure::new(format!("--service {spec}: {error}")))?;
    Ok(interface)
}

/// What `--ip4` says beside addresses. The link-local address first: it is then not DHCP's to take away.
fn configure_ipv4(turns: &Loop, options: &RunOptions, interface: InterfaceId) -> Result<(), Failure> {
    turns.handle().with(|stack, now| {
        if options.ip4.contains(&Ip4::LinkLocal) {
            stack
                .start_link_local(now, interface, None)
                .map_err(|error| Failure::new(format!("--ip4 link-local: {error}")))?;
        }
        if options.ip4.contains(&Ip4::Dhcp) {
            let config = stack.config().dhcpv4.clone();
            stack.dhcpv4_start(now, interface, config).map_err(|error| Failure::new(format!("--ip4 dhcp: {error}")))?;
        }
        Ok(())
    })
}
