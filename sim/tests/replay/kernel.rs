//! A stack on a TAP interface, with the kernel as its peer: what it did is played again.
//!
//! Where no namespace or TAP can be had, the test says so and passes, unless `TICKWIRE_REQUIRE_TAP=1`.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::thread;
use std::time::Duration;

use tickwire_backends::driver::{Driver, Loop, StackHandle};
use tickwire_backends::net;
use tickwire_backends::net_setup::{Ip, enter_network_namespace};
use tickwire_backends::tap::Tap;
use tickwire_core::wire::ethernet::EthernetAddress;
use tickwire_core::{Config, InterfaceAddress, InterfaceConfig};

use super::pair::{PATIENCE, v4, v6};
use super::support::{Recorded, Recorder};

const BULK: usize = 8 << 20;

/// The stack on `tap7` (`.2`), recorded; the kernel is `.1`. It verifies its addresses first, and looks for
/// routers and DHCP servers, of which there are none.
fn on_tap() -> Result<(Recorder, Driver), Box<dyn std::error::Error>> {
    enter_network_namespace()?;
    let ip = Ip::default();
    let tap = Tap::open("tap7", 1500)?;
    ip.link_up("lo")?;
    ip.link_up("tap7")?;
    ip.add_address("tap7", v4(1), 24)?;
    ip.add_address("tap7", v6(1), 64)?;
    let (recorder, mut turns): (Recorder, Loop) = Recorder::start(Config::default());
    let interface = turns.add_interface(tap, |capabilities| InterfaceConfig {
        ipv6_autoconfiguration: true,
        ..InterfaceConfig::new(
            EthernetAddress([2, 0, 0, 0, 0, 2]),
            capabilities,
            [InterfaceAddress { address: v4(2), prefix_len: 24 }, InterfaceAddress { address: v6(2), prefix_len: 64 }],
        )
    })?;
    turns.handle().with(|stack, now| {
        let config = stack.config().dhcpv4.clone();
        stack.dhcpv4_start(now, interface, config)
    })?;
    Ok((recorder, Driver::spawn(turns)?))
}

/// Runs `traffic` on a thread in a namespace of its own.
fn in_lab(traffic: impl FnOnce(&StackHandle) + Send) -> Option<Recorded> {
    let in_namespace = || match on_tap() {
        Ok((recorder, driver)) => {
            let handle = driver.handle();
            wait_for_addresses(&handle);
            traffic(&handle);
            Some(recorder.finish(driver))
        }
        Err(error) if std::env::var_os("TICKWIRE_REQUIRE_TAP").is_some_and(|required| required == "1") => {
            panic!("a TAP in a namespace is required: {error}")
        }
        Err(error) => {
            println!("skipped: {error}");
            None
        }
    };
    thread::scope(|scope| scope.spawn(in_namespace).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
}

/// Until both fixed addresses were shown to be nobody else's.
fn wait_for_addresses(handle: &StackHandle) {
    let is_usable = |address: IpAddr| {
        let assigned = |interface: tickwire_core::stack::InterfaceInfo<'_>| {
            let mut own = interface.addresses.iter();
            own.any(|own| own.address == address && own.state == tickwire_core::AddressState::Preferred)
        };
        handle.with(|stack, _| stack.interfaces().any(assigned))
    };
    for _ in 0..1000 {
        if is_usable(v4(2)) && is_usable(v6(2)) {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("the addresses are ours within 10 s");
}

fn ping(to: IpAddr, len: &str) {
    let mut command = Command::new("ping");
    command.args(["-n", "-c", "2", "-i", "0.2", "-W", "5", "-s", len, &to.to_string()]);
    let output = command.output().expect("iputils");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

fn pump(mut from: impl std::io::Read, bytes: usize) {
    let copied = std::io::copy(&mut from, &mut std::io::sink()).expect("connected");
    assert_eq!(copied, bytes as u64);
}

/// Pings, fragments, TCP in bulk both ways with either side listening, UDP, a port that is closed.
#[test]
fn all_that_the_kernel_has_a_stack_do_is_done_again() {
    let recorded = in_lab(|stack| {
        for to in [v4(2), v6(2)] {
            ping(to, "56");
            ping(to, "4000");
        }
        let data = vec![0x5a; BULK];
        // The kernel connects and sends; the stack sends back.
        let listener = net::TcpListener::bind(stack, (v4(2), 7)).expect("a free port");
        thread::scope(|scope| {
            scope.spawn(|| {
                let (mut stream, _) = listener.accept().expect("the kernel connects");
                pump(&stream, BULK);
                stream.write_all(&data).expect("connected");
            });
            let mut stream = TcpStream::connect((v4(2), 7)).expect("it listens");
            stream.write_all(&data).expect("connected");
            stream.shutdown(Shutdown::Write).expect("connected");
            pump(&stream, BULK);
        });
        // The stack connects and sends.
        let kernel = TcpListener::bind((v6(1), 9)).expect("a free port");
        thread::scope(|scope| {
            scope.spawn(|| pump(kernel.accept().expect("the stack connects").0, BULK));
            let mut stream = net::TcpStream::connect(stack, SocketAddr::new(v6(1), 9)).expect("it listens");
            stream.write_all(&data).expect("connected");
        });
        let far = UdpSocket::bind((v4(1), 0)).expect("a port");
        far.set_read_timeout(Some(PATIENCE)).expect("not zero");
        let near = net::UdpSocket::bind(stack, (v4(2), 53)).expect("a port");
        for len in [1, 1472, 8000] {
            far.send_to(&vec![3; len], (v4(2), 53)).expect("sent");
            let mut buffer = vec![0; 9000];
            let (received, from) = near.recv_from(&mut buffer).expect("received");
            near.send_to(&buffer[..received], from).expect("sent");
            assert_eq!(far.recv(&mut buffer).expect("echoed"), len);
        }
        TcpStream::connect((v4(2), 81)).expect_err("nobody listens");
    });
    if let Some(recorded) = recorded {
        let frames = recorded.check();
        assert!(frames.len() > 500, "{} frames", frames.len());
    }
}

/// The interface goes down and comes up, a route and an address are set, connections time out.
#[test]
fn commands_while_it_runs_are_done_again() {
    let recorded = in_lab(|stack| {
        let Some(interface) = stack.with(|stack, _| stack.interfaces().next().map(|own| own.id)) else { return };
        stack.with(|stack, now| {
            let other = InterfaceAddress { address: v4(9), prefix_len: 24 };
            stack.add_address(now, interface, other).expect("room");
            let gateway = v4(1);
            stack.add_route(tickwire_core::Route::via(v4(0), 0, gateway, interface)).expect("room");
            stack.set_link(now, interface, false).expect("it is there");
            stack.set_link(now, interface, true).expect("it is there");
        });
        wait_for_addresses(stack);
        let listener = net::TcpListener::bind(stack, (v4(2), 7)).expect("a free port");
        let mut client = TcpStream::connect((v4(2), 7)).expect("it listens");
        let (mut server, _) = listener.accept().expect("it connected");
        client.write_all(b"hello").expect("connected");
        assert_eq!(server.read(&mut [0; 9]).expect("sent"), 5);
        // Nobody acknowledges what is sent now.
        Ip::default().link_down("tap7").expect("it is there");
        server.write_all(&[1; 10_000]).expect("room");
        thread::sleep(Duration::from_millis(900));
        Ip::default().link_up("tap7").expect("it is there");
        let unreachable = SocketAddr::new(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 77).into(), 9);
        let failed = net::TcpStream::connect_timeout(stack, &unreachable, Duration::from_secs(1));
        failed.expect_err("nobody is there");
    });
    if let Some(recorded) = recorded {
        recorded.check();
    }
}
