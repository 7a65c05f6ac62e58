//! Router discovery against radvd, and neighbor discovery against the kernel, which is the router.
//!
//! Where there is no radvd, no namespace or no TAP, a test says so and passes, unless
//! `TICKWIRE_REQUIRE_PEERS=1`.

use std::fs;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tickwire_backends::driver::{Driver, Loop, StackHandle};
use tickwire_backends::net_setup::{Ip, enter_network_namespace};
use tickwire_backends::tap::Tap;
use tickwire_core::wire::ethernet::EthernetAddress;
use tickwire_core::wire::ndp_router::RouterPreference;
use tickwire_core::{Config, InterfaceConfig, SlaacConfig, Stack};

const PATIENCE: Duration = Duration::from_secs(20);
const PREFIX: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0);
const KERNEL: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1);

const CONFIGURATION: &str = "
interface tap7 {
    AdvSendAdvert on;
    MinRtrAdvInterval 3;
    MaxRtrAdvInterval 4;
    AdvDefaultPreference high;
    AdvLinkMTU 1400;
    AdvCurHopLimit 77;
    AdvOtherConfigFlag on;
    prefix 2001:db8:1::/64 { AdvOnLink on; AdvAutonomous on; };
    route 2001:db8:9::/48 { AdvRoutePreference low; };
    RDNSS 2001:db8:1::53 { };
    DNSSL example.net { };
};
";

/// radvd, until dropped.
struct Radvd {
    child: Child,
    folder: PathBuf,
}

impl Radvd {
    fn start() -> Result<Radvd, String> {
        let folder = std::env::temp_dir().join(format!("tickwire-radvd-{}-{:?}", std::process::id(), Instant::now()));
        let folder = PathBuf::from(folder.to_string_lossy().replace([' ', '{', '}', ':', ','], "_"));
        fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        let path = |name: &str| folder.join(name).to_string_lossy().into_owned();
        fs::write(path("radvd.conf"), CONFIGURATION).map_err(|error| error.to_string())?;
        let child = Command::new("radvd")
            .args(["-n", "-m", "stderr", "-C", &path("radvd.conf"), "-p", &path("radvd.pid")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("cannot run radvd (apt install radvd): {error}"))?;
        Ok(Radvd { child, folder })
    }

    /// Asks it to end: its last words withdraw the router.
    fn stop(mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
        self.child.wait().expect("it is our child");
    }
}

impl Drop for Radvd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The kernel as router on one end of a TAP, a stack that configures itself on the other.
struct Lab {
    driver: Driver,
    radvd: Radvd,
}

impl Lab {
    /// Runs `test` in a namespace, on a thread of its own, or says why it cannot.
    fn run(slaac: SlaacConfig, test: impl FnOnce(Lab) + Send) {
        thread::scope(|scope| {
            let inside = scope.spawn(|| match Lab::start(slaac) {
                Ok(lab) => test(lab),
                Err(reason) if std::env::var_os("TICKWIRE_REQUIRE_PEERS").is_some_and(|v| v == "1") => {
                    panic!("peers are required: {reason}")
                }
                Err(reason) => println!("skipped: {reason}"),
            });
            if let Err(panic) = inside.join() {
                std::panic::resume_unwind(panic);
            }
        });
    }

    fn start(slaac: SlaacConfig) -> Result<Lab, String> {
        let text = |error: &dyn std::fmt::Display| error.to_string();
        enter_network_namespace().map_err(|error| text(&error))?;
        // The kernel's end needs no detection of its own, and has to be a router for radvd to speak.
        for (name, value) in [("default/accept_dad", "0"), ("all/forwarding", "1"), ("default/forwarding", "1")] {
            let path = format!("/proc/sys/net/ipv6/conf/{name}");
            fs::write(&path, value).map_err(|error| format!("cannot write {path}: {error}"))?;
        }
        let tap = Tap::open("tap7", 1500).map_err(|error| text(&error))?;
        let ip = Ip::default();
        ip.link_up("lo").map_err(|error| text(&error))?;
        ip.link_up("tap7").map_err(|error| text(&error))?;
        ip.add_address("tap7", IpAddr::V6(KERNEL), 64).map_err(|error| text(&error))?;
        let config = Config { slaac, ..Config::default() };
        let mut turns = Loop::new(config, None).map_err(|error| text(&error))?;
        turns
            .add_interface(tap, |capabilities| InterfaceConfig {
                ipv6_autoconfiguration: true,
                ..InterfaceConfig::new(EthernetAddress([2, 0, 0, 0, 0, 2]), capabilities, [])
            })
            .expect("a valid interface");
        let radvd = Radvd::start()?;
        Ok(Lab { driver: Driver::spawn(turns).expect("a thread"), radvd })
    }

    fn stack(&self) -> StackHandle {
        self.driver.handle()
    }
}

/// Waits until `question` has an answer.
fn until<R>(stack: &StackHandle, what: &str, question: impl Fn(&Stack) -> Option<R>) -> R {
    let start = Instant::now();
    loop {
        if let Some(answer) = stack.with(|stack, _| question(stack)) {
            return answer;
        }
        assert!(start.elapsed() < PATIENCE, "no {what} within {PATIENCE:?}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// The addresses that the stack has of the prefix and that can be used.
fn formed(stack: &Stack) -> Vec<Ipv6Addr> {
    let all = stack.interfaces().flat_map(|interface| interface.addresses.iter());
    all.filter(|own| own.state.is_assigned())
        .filter_map(|own| match own.address {
            IpAddr::V6(address) if address.segments()[..4] == PREFIX.segments()[..4] => Some(address),
            _ => None,
        })
        .collect()
}

/// Whether the stack answers the kernel at an address: a reset to a port where nobody listens.
fn answers(address: Ipv6Addr) -> bool {
    let attempt = TcpStream::connect_timeout(&SocketAddr::new(IpAddr::V6(address), 9), Duration::from_secs(5));
    attempt.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused)
}

#[test]
fn what_radvd_tells_is_understood() {
    Lab::run(SlaacConfig::default(), |lab| {
        let stack = lab.stack();
        let start = Instant::now();
        let address = until(&stack, "address", |stack| formed(stack).first().copied());
        let ready = start.elapsed();
        assert!(ready < Duration::from_secs(3), "an address after {ready:?}");
        assert!(answers(address));
        stack.with(|stack, _| {
            let id = stack.interfaces().next().expect("there is one").id;
            let router = stack.default_routers().next().expect("there is one");
            assert_eq!(router.preference, RouterPreference::High);
            let route = stack.router_routes().next().expect("there is one");
            assert_eq!((route.prefix, route.prefix_len), (Ipv6Addr::new(0x2001, 0xdb8, 9, 0, 0, 0, 0, 0), 48));
            assert_eq!(route.preference, RouterPreference::Low);
            let prefix = stack.prefixes().next().expect("there is one");
            assert_eq!((prefix.prefix, prefix.on_link, prefix.autonomous), (PREFIX, true, true));
            let servers: Vec<_> = stack.router_name_servers(id).collect();
            assert_eq!(servers, [Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0x53)]);
            let domains: Vec<_> = stack.router_search_domains(id).map(ToString::to_string).collect();
            assert_eq!(domains, ["example.net"]);
            let flags = stack.managed_flags(id).expect("told");
            assert_eq!((flags.managed, flags.other), (false, true));
        });
        // The kernel answers our question whether it is reachable.
        until(&stack, "trust", |stack| stack.default_routers().next().filter(|router| router.trusted));
    });
}

#[test]
fn a_router_goes_and_returns() {
    Lab::run(SlaacConfig { temporary_addresses: true, ..SlaacConfig::default() }, |lab| {
        let stack = lab.stack();
        until(&stack, "stable and temporary address", |stack| (formed(stack).len() == 2).then_some(()));
        let Lab { driver, radvd } = lab;
        radvd.stop();
        until(&stack, "withdrawal", |stack| stack.default_routers().next().is_none().then_some(()));
        let radvd = Radvd::start().expect("it was started before");
        until(&stack, "return", |stack| stack.default_routers().next());
        let addresses = stack.with(|stack, _| formed(stack));
        assert_eq!(addresses.len(), 2, "the addresses have lived on");
        assert!(addresses.into_iter().all(answers));
        drop(radvd);
        driver.shutdown(Duration::ZERO).expect("the driver ran to its end");
    });
}
