//! `tickwire-sim relay`: a modelled link between two real interfaces.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clap::Args;
use signal_hook::consts::{SIGINT, SIGTERM};
use tickwire_backends::link_watch::LinkWatch;
use tickwire_backends::net_setup::Ip;
use tickwire_backends::pool::Pool;
use tickwire_backends::tap::Tap;

use super::seed::seed;
use crate::link::Link;
use crate::relay::Relay;

pub(super) const ABOUT: &str = "\
Join two TAP interfaces by a modelled link, in real time.

What the kernel sends on the first TAP goes through the link's stages from a to b
and comes out of the second, and the other way round. Rates, queues, delays,
losses, duplicates, corruption, outages: all that a link of the simulator can do,
from the same description. The nth frame of a direction has the same luck in each
run with one seed.

It attaches to the interfaces, or creates them (as root), and brings them up. The
line \"ready ...\" on standard output says that frames pass from now on. It ends
after --seconds, or with SIGINT (Ctrl-C) or SIGTERM, and then says what it did.
Where it cannot keep up, so that the link is not what it is said to be, it says so
on standard error, once a second, and at the end.";

pub(super) const EXAMPLES: &str = "\
Examples:
  A link file, 20 ms each way and 1 % lost on the way to b:
    [[both]]
    delay.law.constant = \"20ms\"
    [[a-to-b]]
    loss.bernoulli = \"1%\"

  Between a bridge and a network namespace, so that what is in the one reaches
  the other only by the link (as root):
    ip netns add far
    ip link add br0 type bridge && ip link set br0 up
    ip tuntap add dev relay-a mode tap && ip link set relay-a master br0 up
    ip tuntap add dev relay-b mode tap && ip link set relay-b up
    tickwire-sim relay --tap relay-a --tap relay-b --link slow.toml &
    ip link set relay-b netns far      # the relay keeps it: it holds its descriptor
    ip -n far addr add 192.0.2.9/24 dev relay-b && ip -n far link set relay-b up";

/// The least nice of all (setpriority(2)).
const HIGHEST_PRIORITY: i32 = -20;

/// `tickwire-sim relay`.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// The TAP interfaces at the link's ends: given twice, a and then b
    #[arg(long, value_name = "NAME", required = true)]
    tap: Vec<String>,

    /// The link, as TOML
    #[arg(long, value_name = "FILE")]
    link: PathBuf,

    /// All that is random follows from this number
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,

    /// Ends after so many seconds [default: with a signal]
    #[arg(long, value_name = "NUMBER")]
    seconds: Option<u32>,

    /// The longest packet, in bytes without the Ethernet header: no less than the MTU of either interface
    #[arg(long, value_name = "BYTES", default_value_t = 1500, value_parser = clap::value_parser!(u16).range(68..=65_521))]
    mtu: u16,
}

/// Relays until told to stop.
pub(super) fn run(options: &Options) -> Result<ExitCode, String> {
    let [a, b] = options.tap.as_slice() else {
        let given = options.tap.len();
        return Err(format!("--tap is given {given} times; right would be twice: --tap A --tap B"));
    };
    let link = read(&options.link)?;
    let ends = [open(a, options.mtu)?, open(b, options.mtu)?];
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        let registered = signal_hook::flag::register(signal, Arc::clone(&stop));
        registered.map_err(|error| format!("cannot handle signals: {error}"))?;
    }
    // Who else wants the processor is to wait for the relay: where that is not allowed, it takes its turn.
    let _ = rustix::process::setpriority_process(None, HIGHEST_PRIORITY);
    let mut relay = Relay::new(ends, link, &seed(options.seed));
    println!("ready {a} <-> {b}");
    let duration = options.seconds.map(|seconds| Duration::from_secs(seconds.into()));
    let outcome = relay.run(duration, &stop, |report| {
        eprintln!("tickwire-sim: falling behind: {}", report.behind_line());
    });
    print!("{}", relay.report());
    outcome.map_err(|error| format!("cannot go on between {a} and {b}: {error}"))?;
    Ok(ExitCode::SUCCESS)
}

fn read(file: &PathBuf) -> Result<Link, String> {
    let name = file.display();
    let text = fs::read_to_string(file).map_err(|error| format!("cannot read {name}: {error}"))?;
    text.parse().map_err(|error| format!("{name}: {error}"))
}

/// Attaches to a TAP, and brings it up unless it is.
fn open(name: &str, mtu: u16) -> Result<(Tap, Pool), String> {
    let tap = Tap::open(name, mtu).map_err(|error| error.to_string())?;
    let is_up = LinkWatch::open(name).and_then(|mut watch| watch.wait());
    if !is_up.map_err(|error| format!("{name}: cannot see whether it is up: {error}"))? {
        Ip::default().link_up(name).map_err(|error| format!("{name}: cannot bring it up: {error}"))?;
    }
    let pool = tap.pool();
    Ok((tap, pool))
}
