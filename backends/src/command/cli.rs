//! What can be typed. Every option's help gives its unit, range and default; every mistake is
//! answered with the option, the value, and what would be right.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand, ValueEnum};
use tickwire_core::Seed;
use tickwire_core::config::InterfaceAddress;
use tickwire_core::wire::ethernet::EthernetAddress;

use super::configure::{Ip4, Ip6};
use super::options::{Setting, setting};
use super::services::ServiceSpec;

const ABOUT: &str = "\
A TCP/IP stack beside the kernel's: on a TAP interface it is one more host on the
link, with addresses, sockets and services of its own.

With no command it gives the demonstration (tickwire demo).";

const EXAMPLES: &str = "\
Examples:
  tickwire                  the demonstration: needs no set-up, changes nothing
  sudo tickwire run --ip4 192.0.2.2/24 --kernel 192.0.2.1/24 --service http
                            then, in another terminal: curl http://192.0.2.2/
  tickwire run --help       all about running it";

/// The command line.
#[derive(Debug, Parser)]
#[command(name = "tickwire", version, about = ABOUT, after_help = EXAMPLES, max_term_width = 80)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the stack on a TAP interface until Ctrl-C
    #[command(long_about = RUN_ABOUT, after_help = RUN_EXAMPLES)]
    Run(Box<RunOptions>),
    /// Have the kernel talk to the stack, and show what came of it (under 20 s)
    #[command(long_about = DEMO_ABOUT)]
    Demo(DemoOptions),
    /// List all options for --option, with ranges, defaults and sources
    Options,
}

const RUN_ABOUT: &str = "\
Run the stack on a TAP interface until Ctrl-C.

It attaches to the interface if there is one of that name, and creates it if not
(as root, or with CAP_NET_ADMIN); then it goes away with tickwire. Once all
addresses can be used, a line that starts with \"ready \" and names them is
written to standard output. SIGUSR1 has interfaces, addresses, leases, routers,
routes and neighbors written there. SIGINT (Ctrl-C) or SIGTERM closes all
connections, in at most 2 s.";

const RUN_EXAMPLES: &str = "\
Examples:
  Try it on this machine, as root:
    tickwire run --ip4 192.0.2.2/24 --kernel 192.0.2.1/24 \\
                 --service echo --service http
    curl http://192.0.2.2/        (in another terminal)

  Without being root, on an interface that root made for you once:
    sudo ip tuntap add dev tap7 mode tap user $USER
    sudo ip addr add 192.0.2.1/24 dev tap7
    sudo ip link set dev tap7 up
    tickwire run --ip4 192.0.2.2/24 --service http:8080

  Addresses from the network's routers and DHCPv6 servers, kept over a restart:
    tickwire run --tap tap7 --ip4 dhcp --ip6 slaac --state host.json

  Both families, a default gateway each, everything recorded:
    tickwire run --tap tap7 --ip4 192.0.2.2/24 --gw4 192.0.2.1 \\
                 --ip6 2001:db8::2/64 --gw6 2001:db8::1 --pcap tickwire.pcapng

Services (default ports; TCP, and UDP where said):
  echo     7      sends back what it gets (also UDP)
  discard  9      throws it away (also UDP)
  daytime  13     date and time in UTC (also UDP)
  chargen  19     printable characters without end (also UDP)
  http     80     a page with live counters; /stats gives them as JSON
  source   19000  sends until the peer closes; source=BYTES that many
  stall    19001  accepts and never reads";

const DEMO_ABOUT: &str = "\
Have the kernel talk to the stack, and show what came of it.

In a network namespace of its own (nothing on this machine changes) the kernel
gets 192.0.2.1 and 2001:db8::1 on one side of tap7, the stack 192.0.2.2 and
2001:db8::2 on the other. Sockets on the kernel's side ping it, send 64 MiB each
way over UDP and TCP, fetch a page, knock on closed ports and hold 100
connections at once. It takes under 20 s. The exit code is 0 only if all of it
held.

It needs root, or else user namespaces and access to /dev/net/tun. With neither,
two stacks talk to each other in memory instead; TICKWIRE_REQUIRE_TAP=1 in the
environment makes that a failure.";

// Not doc comments: clippy would have code marks in them, which the help would show.
const IP4_HELP: &str = "How the stack gets IPv4 addresses: dhcp (from a server; while none answers, a \
                        link-local one), link-local, or an address with its prefix length (0 to 32), as in \
                        192.0.2.2/24; may be given several times";
const IP6_HELP: &str = "How the stack gets IPv6 addresses: slaac (what routers tell, and DHCPv6 if they say \
                        so), dhcp (DHCPv6, whatever routers say), or an address with its prefix length (0 to \
                        128), as in 2001:db8::2/64; may be given several times";
const GW6_HELP: &str = "The IPv6 router to everywhere else, as in 2001:db8::1 or fe80::1 [default: none]";
const OPTION_HELP: &str = "Set an option of the stack, as in tcp.ack_delay_ms=25; may be given several times. \
                           `tickwire options` lists them all";

/// `tickwire run`.
#[derive(Debug, Args)]
pub(crate) struct RunOptions {
    /// The TAP interface, a name of 1 to 15 bytes
    #[arg(long, value_name = "NAME", default_value = "tap7")]
    pub(crate) tap: String,

    #[arg(long, help = IP4_HELP, value_name = "dhcp|link-local|ADDR/LEN")]
    pub(crate) ip4: Vec<Ip4>,

    /// The IPv4 router to everywhere else, as in 192.0.2.1; in one of the
    /// networks of --ip4 [default: none]
    #[arg(long, value_name = "ADDR", value_parser = gateway::<Ipv4Addr>, requires = "ip4")]
    pub(crate) gw4: Option<Ipv4Addr>,

    #[arg(long, help = IP6_HELP, value_name = "slaac|dhcp|ADDR/LEN")]
    pub(crate) ip6: Vec<Ip6>,

    #[arg(long, help = GW6_HELP, value_name = "ADDR", value_parser = gateway::<Ipv6Addr>, requires = "ip6")]
    pub(crate) gw6: Option<Ipv6Addr>,

    /// The stack's hardware address, an individual one, as in 02:00:00:00:00:02
    /// [default: a random one, or what follows from --seed]
    #[arg(long, value_name = "MAC", value_parser = hardware_address)]
    pub(crate) mac: Option<EthernetAddress>,

    /// The largest packet, in bytes, 576 to 65521 (at least 1280 with --ip6)
    /// [default: the interface's, 1500 for a new one]
    #[arg(long, value_name = "BYTES", value_parser = mtu)]
    pub(crate) mtu: Option<u16>,

    /// A service to run, on its own port or on PORT (1 to 65535); see below;
    /// may be given several times [default: none; the stack answers pings]
    #[arg(long = "service", value_name = "NAME[:PORT]")]
    pub(crate) services: Vec<ServiceSpec>,

    /// An address for the kernel's side of the interface, as in 192.0.2.1/24;
    /// may be given several times [default: none]
    #[arg(long, value_name = "ADDR/LEN", value_parser = interface_address)]
    pub(crate) kernel: Vec<InterfaceAddress>,

    /// Record all frames to this file, in the format pcapng (Wireshark)
    #[arg(long, value_name = "FILE")]
    pub(crate) pcap: Option<PathBuf>,

    /// Record every call on the stack to this file, for `tickwire-sim replay`.
    /// It holds the seed and all data: keep it to yourself (its mode is 0600)
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,

    /// Write counters, sockets and memory as JSON to this file, at the end and
    /// on SIGUSR1
    #[arg(long, value_name = "FILE")]
    pub(crate) stats: Option<PathBuf>,

    /// Keep in this file who the host is: its hardware address, the secret of
    /// its IPv6 addresses, DUID and leases [default: a new host at every start]
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,

    #[arg(long = "option", help = OPTION_HELP, value_name = "NAME=VALUE", value_parser = setting)]
    pub(crate) settings: Vec<Setting>,

    /// How an IPv4 address is probed for before it is used: fast (one probe,
    /// 300 ms) or rfc5227 (4 to 7 s) [default: fast]
    #[arg(long, value_name = "PACE", value_parser = ["fast", "rfc5227"])]
    pub(crate) acd: Option<String>,

    /// Where all randomness comes from: 1 to 64 hexadecimal digits. For
    /// experiments: who knows it can guess sequence numbers [default: random]
    #[arg(long, value_name = "HEX", value_parser = seed)]
    pub(crate) seed: Option<Seed>,

    /// Print each `ip` command before it is run, to standard error
    #[arg(long, short)]
    pub(crate) verbose: bool,
}

impl RunOptions {
    /// What no single option can know: whether they fit each other.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.ip4.is_empty() && self.ip6.is_empty() {
            return Err(
                "the stack has no address; give it one or more, as in --ip4 dhcp, --ip4 192.0.2.2/24, --ip6 slaac or --ip6 2001:db8::2/64"
                    .to_owned(),
            );
        }
        let fixed_v4: Vec<_> = self.ip4.iter().filter_map(|ip4| ip4.address()).collect();
        let fixed_v6 = self.ip6.iter().filter_map(|ip6| ip6.address()).collect();
        for (option, gateway, addresses) in
            [("--gw4", self.gw4.map(IpAddr::from), &fixed_v4), ("--gw6", self.gw6.map(IpAddr::from), &fixed_v6)]
        {
            let Some(gateway) = gateway else { continue };
            let link_local = matches!(gateway, IpAddr::V6(gateway) if gateway.is_unicast_link_local());
            if !link_local && !addresses.iter().any(|own| own.is_on_link(gateway) && own.address != gateway) {
                if addresses.is_empty() {
                    let right = if gateway.is_ipv4() {
                        "none, for the server tells it; or an --ip4 ADDR/LEN in whose network it is"
                    } else {
                        "a link-local address, as in fe80::1"
                    };
                    return Err(format!("{option} {gateway} is no neighbor: right would be {right}"));
                }
                let networks: Vec<String> =
                    addresses.iter().map(|own| format!("{}/{}", own.address, own.prefix_len)).collect();
                return Err(format!(
                    "{option} {gateway} is no neighbor: right would be another address in the network of {}",
                    networks.join(" or ")
                ));
            }
        }
        if let Some(mtu) = self.mtu.filter(|mtu| *mtu < 1280 && !self.ip6.is_empty()) {
            return Err(format!("--mtu {mtu} is too small for --ip6: right would be at least 1280"));
        }
        for (at, spec) in self.services.iter().enumerate() {
            if let Some(other) = self.services.iter().take(at).find(|other| other.port == spec.port) {
                let (name, other) = (spec.to_string(), other.to_string());
                return Err(format!(
                    "--service {name}: port {} is taken by {other}; give one of them another port, as in {}:{}",
                    spec.port,
                    name.split(':').next().unwrap_or_default(),
                    spec.port.saturating_add(1000),
                ));
            }
        }
        Ok(())
    }
}

/// `tickwire demo`.
#[derive(Debug, Default, Args)]
pub(crate) struct DemoOptions {
    /// Where to record the frames [default: tickwire-demo.pcapng in the
    /// directory for temporary files]
    #[arg(long, value_name = "FILE")]
    pub(crate) pcap: Option<PathBuf>,

    /// Print each `ip` command before it is run, to standard error
    #[arg(long, short)]
    pub(crate) verbose: bool,

    /// What this process is to try: set when the demonstration starts itself.
    #[arg(long, value_name = "STAGE", hide = true)]
    pub(crate) stage: Option<Stage>,
}

/// A way to a kernel, or to something like it, in the order in which they are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stage {
    Root,
    User,
    Memory,
}

pub(crate) fn interface_address_v4(text: &str) -> Result<InterfaceAddress, String> {
    prefixed::<Ipv4Addr>(text, "IPv4", 32, "192.0.2.2/24")
}

pub(crate) fn interface_address_v6(text: &str) -> Result<InterfaceAddress, String> {
    prefixed::<Ipv6Addr>(text, "IPv6", 128, "2001:db8::2/64")
}

fn interface_address(text: &str) -> Result<InterfaceAddress, String> {
    if text.contains(':') {
        prefixed::<Ipv6Addr>(text, "IPv6", 128, "2001:db8::1/64")
    } else {
        prefixed::<Ipv4Addr>(text, "IPv4", 32, "192.0.2.1/24")
    }
}

fn prefixed<A: FromStr + Into<IpAddr>>(
    text: &str,
    family: &str,
    bits: u8,
    example: &str,
) -> Result<InterfaceAddress, String> {
    let Some((address, len)) = text.split_once('/') else {
        return Err(format!("no prefix length; right would be an address with one, as in {example}"));
    };
    let address: IpAddr = address
        .parse::<A>()
        .map_err(|_| format!("\"{address}\" is no {family} address; right would be one as in {example}"))?
        .into();
    let prefix_len = len
        .parse()
        .ok()
        .filter(|len| *len <= bits)
        .ok_or_else(|| format!("\"{len}\" is no prefix length; right would be 0 to {bits}, as in {example}"))?;
    if address.is_unspecified() || address.is_multicast() || address.is_loopback() {
        return Err(format!("no host on a link can have {address}; right would be a unicast address as in {example}"));
    }
    Ok(InterfaceAddress { address, prefix_len })
}

fn gateway<A: FromStr>(text: &str) -> Result<A, String> {
    text.parse().map_err(|_| {
        let family =
            if size_of::<A>() == 4 { "IPv4 address, as in 192.0.2.1" } else { "IPv6 address, as in 2001:db8::1" };
        format!("right would be an {family} (without a prefix length)")
    })
}

fn hardware_address(text: &str) -> Result<EthernetAddress, String> {
    let address: EthernetAddress = text.parse().map_err(|error| format!("{error}"))?;
    if !address.is_unicast() {
        return Err("no station can have it; right would be an individual address, as in 02:00:00:00:00:02".to_owned());
    }
    Ok(address)
}

fn mtu(text: &str) -> Result<u16, String> {
    // A TAP's frame, its header included, is at most 65,535 bytes long.
    text.parse()
        .ok()
        .filter(|mtu| (576..=65_521).contains(mtu))
        .ok_or_else(|| "right would be a number of bytes from 576 to 65521".to_owned())
}

/// Digits as of a number: `2a` is 31 bytes of zero and one of 0x2a.
fn seed(text: &str) -> Result<Seed, String> {
    let wrong = || "right would be 1 to 64 hexadecimal digits, as in 2a".to_owned();
    if text.is_empty() || text.len() > 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    let padded = format!("{text:0>64}");
    let mut bytes = [0; 32];
    for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = padded.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()).ok_or_else(wrong)?;
    }
    Ok(Seed(bytes))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_fits_a_terminal() {
        let mut command = Cli::command();
        command.build();
        let mut pages = vec![command.render_long_help().to_string(), command.render_help().to_string()];
        for sub in command.get_subcommands_mut() {
            pages.push(sub.render_long_help().to_string());
            pages.push(sub.render_help().to_string());
        }
        for line in pages.iter().flat_map(|page| page.lines()) {
            assert!(line.chars().count() <= 80 && line.is_ascii(), "{line}");
        }
    }

    #[test]
    fn seeds_are_numbers() {
        let mut bytes = [0; 32];
        bytes[30..].copy_from_slice(&[0x01, 0x2a]);
        assert_eq!(seed("12A"), Ok(Seed(bytes)));
        assert_eq!(seed(&"f".repeat(64)), Ok(Seed([0xff; 32])));
        for wrong in ["", "0x1", "-1", "+1", "é", &"f".repeat(65)] {
            assert!(seed(wrong).is_err(), "{wrong}");
        }
    }
}
