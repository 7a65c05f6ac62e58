//! The echo service of this crate, one source, on a TAP beside the kernel and in a simulation.
#![cfg(target_os = "linux")]

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::thread;
use std::time::Duration;

use tickwire_backends::driver::{Driver, Loop};
use tickwire_backends::net_setup::{Ip, enter_network_namespace};
use tickwire_backends::tap::Tap;
use tickwire_core::wire::ethernet::EthernetAddress;
use tickwire_core::{Config, InterfaceAddress};
use tickwire_examples::service::{ask, serve};
use tickwire_sim::{Ended, Host, Instant, Link, Seed, Simulation, World};

const KERNEL: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(SERVER), 7);

/// More than both ends hold.
fn text() -> String {
    let lines: Vec<String> = (0..200_000).map(|line| line.to_string()).collect();
    lines.join("\n")
}

#[test]
fn in_a_simulation() {
    let mut world = World::new(Seed([1; 32]));
    let server = world.add_host(Host::new("server", 2, &[InterfaceAddress::v4(SERVER, 24)])).unwrap();
    let client = world.add_host(Host::new("client", 1, &[InterfaceAddress::v4(KERNEL, 24)])).unwrap();
    world.connect(server, client, Link::constant(Duration::from_millis(1)));
    let mut sim = Simulation::new(world).without_tokio_time();
    sim.start(server, async |host| Ok(serve(host, ADDRESS).await?));
    sim.start(client, async |host| {
        assert!(ask(host, ADDRESS, &text()).await? == text());
        Ok(())
    });
    assert_eq!(sim.run_until(Instant::from_millis(600_000)), Ended::Quiescent);
    assert_eq!((sim.failures(), sim.running(client)), (vec![], 0));
}

/// On a thread of its own, whose namespace is gone when it ends.
#[test]
fn on_a_tap() {
    let tested = thread::spawn(|| match lab() {
        Ok(driver) => serve_the_kernel(&driver),
        Err(reason) if std::env::var_os("TICKWIRE_REQUIRE_TAP").is_some_and(|value| value == "1") => {
            panic!("a TAP in a namespace is required: {reason}")
        }
        Err(reason) => println!("skipped: {reason}"),
    });
    if let Err(panic) = tested.join() {
        std::panic::resume_unwind(panic);
    }
}

/// A stack on `tap7` in a namespace of this thread's own.
fn lab() -> Result<Driver, Box<dyn std::error::Error>> {
    enter_network_namespace()?;
    let tap = Tap::open("tap7", 1500)?;
    let ip = Ip::default();
    ip.link_up("tap7")?;
    ip.add_address("tap7", KERNEL.into(), 24)?;
    let mut turns = Loop::new(Config::default(), None)?;
    turns.add_device(tap, EthernetAddress([2, 0, 0, 0, 0, 2]), &[InterfaceAddress::v4(SERVER, 24)])?;
    Ok(Driver::spawn(turns)?)
}

fn serve_the_kernel(driver: &Driver) {
    let tokio = tokio::runtime::Builder::new_current_thread().build().expect("no threads");
    tokio.block_on(async {
        let serving = tokio::spawn(serve(driver.handle(), ADDRESS));
        // The service listens once it has run for the first time.
        tokio::task::yield_now().await;
        // A thread of this one's is in its namespace.
        let (done, answered) = tokio::sync::oneshot::channel();
        thread::spawn(move || done.send(ask_as_the_kernel(&text())));
        assert!(answered.await.expect("the kernel was served") == text());
        assert!(!serving.is_finished());
        serving.abort();
    });
}

/// The same question, by the kernel's sockets.
fn ask_as_the_kernel(text: &str) -> String {
    let stream = std::net::TcpStream::connect(ADDRESS).expect("it listens");
    let mut answer = String::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            (&stream).write_all(text.as_bytes()).expect("connected");
            stream.shutdown(Shutdown::Write).expect("connected");
        });
        (&stream).read_to_string(&mut answer).expect("echoed");
    });
    answer
}
