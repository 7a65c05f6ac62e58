//! IPv4 options between the stack on a TAP and the kernel (RFC 791 section 3.1, RFC 1122 sections 3.2.2.6, 4.1.3.2
//! and 4.2.3.8).
//!
//! Where no namespace or TAP can be had, a test says so and passes, unless `TICKWIRE_REQUIRE_TAP=1`.

use std::net::{self, Shutdown};
use std::process::Command;
use std::thread;

use crate::support::lab::{Lab, PATIENCE};
use crate::support::{assert_pattern, ip4, pattern, write_pattern};
use tickwire_backends::net::{TcpStream, UdpSocket};
use tickwire_core::socket::ConnectOptions;
use tickwire_core::{Config, IpOptions, TcpSettings, options};

/// Record Route with room for three addresses, and Timestamp with room for two times.
const RECORD_ROUTE: [u8; 15] = [7, 15, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const TIMESTAMP: [u8; 12] = [68, 12, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const BULK: u64 = 1 << 20;

fn counter(lab: &Lab, name: &str) -> u64 {
    lab.stack().with(|stack, _| stack.counters().find(|(other, _)| *other == name).expect("a counter").1)
}

/// The kernel takes a connection whose segments carry options, and puts those that it got with the SYN into its own.
#[test]
fn a_connection_with_options() {
    Lab::run(|lab| {
        let listener = net::TcpListener::bind((ip4(1), 0)).expect("a free port");
        let ip_options = IpOptions::new(&[&RECORD_ROUTE[..], &TIMESTAMP].concat()).expect("well formed");
        let settings = Some(TcpSettings { ip_options, ..TcpSettings::default() });
        let to = listener.local_addr().expect("bound");
        let options = ConnectOptions { settings, ..ConnectOptions::default() };
        let client = TcpStream::connect_with(&lab.stack(), to, options, Some(PATIENCE)).expect("it listens");
        let (server, _) = listener.accept().expect("it connected");
        server.set_read_timeout(Some(PATIENCE)).expect("not zero");
        assert!(counter(&lab, "ipv4.options.record_route") > 0, "the kernel answers with the route");
        assert!(counter(&lab, "ipv4.options.timestamp") > 0, "and with the times");
        thread::scope(|scope| {
            scope.spawn(|| {
                write_pattern(&client, BULK).expect("connected");
                client.set_ip_options(&[]).expect("connected");
                client.shutdown(Shutdown::Write).expect("connected");
            });
            assert_pattern(&server, BULK);
        });
        assert_eq!(client.set_ip_options(&[7, 3, 9]).expect_err("malformed").raw_os_error(), Some(22), "EINVAL");
        let refused = client.set_ip_options(&[131, 7, 4, 192, 0, 2, 1]).expect_err("not allowed");
        assert_eq!(refused.raw_os_error(), Some(1), "EPERM");
    });
}

/// The kernel puts fragments with options together; what it says of a closed port goes on with them.
#[test]
fn datagrams_with_options() {
    Lab::run(|lab| {
        let kernel = net::UdpSocket::bind((ip4(1), 0)).expect("a free port");
        kernel.set_read_timeout(Some(PATIENCE)).expect("not zero");
        let to = kernel.local_addr().expect("bound");
        let stack = UdpSocket::bind(&lab.stack(), (ip4(2), 0)).expect("a free port");
        stack.set_ip_options(&[&RECORD_ROUTE[..], &TIMESTAMP].concat()).expect("well formed");
        stack.set_read_timeout(Some(PATIENCE)).expect("not zero");
        let mut buf = vec![0; 70_000];
        for len in [100, 1400, 1480, 20_000] {
            let data = pattern(len);
            stack.send_to(&data, to).expect("it has a route");
            let (count, _) = kernel.recv_from(&mut buf).expect("it arrives");
            assert!(buf[..count] == data, "{len} bytes");
        }
        drop(kernel);
        stack.connect(to).expect("it has a route");
        stack.send(b"anybody?").expect("it has a route");
        let refused = stack.recv(&mut buf).expect_err("nobody listens");
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
        assert!(counter(&lab, "ipv4.options.record_route") > 0, "the kernel's error carries the route on");
    });
}

/// The kernel's ping with Record Route and with timestamps, which replies carry back by option only.
#[test]
fn the_kernel_s_ping_learns_the_route() {
    let mut config = Config::default();
    options::set(&mut config, "ip.echo_options", "true").expect("there is such an option");
    for (config, carried) in [(config, true), (Config::default(), false)] {
        Lab::run_with(config, |_lab| {
            for (option, shows) in [(&["-R"][..], "RR:"), (&["-T", "tsonly"], "TS:")] {
                let ping =
                    Command::new("ping").args(["-n", "-c", "1", "-W", "10"]).args(option).arg("192.0.2.2").output();
                match ping {
                    Ok(output) => {
                        let text = String::from_utf8_lossy(&output.stdout).into_owned();
                        assert!(text.contains("1 received"), "{text}");
                        assert_eq!(text.contains(shows), carried, "{text}");
                        assert!(option != ["-R"] || !carried || text.matches("192.0.2.2").count() > 3, "{text}");
                    }
                    Err(error) => println!("skipped: cannot run ping: {error}"),
                }
            }
        });
    }
}
