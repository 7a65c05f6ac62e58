//! Programs meet the network, scripts and each other; they end, fail and panic.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::time::Duration;

use tickwire_backends::sockets::Handle as _;
use tickwire_sim::asynchronous::HostHandle;
use tickwire_sim::asynchronous::net::{TcpListener, TcpStream, UdpSocket};
use tickwire_sim::bytes::Bytes;
use tickwire_sim::link::{Delay, Loss, Stage};
use tickwire_sim::{Ended, Link, Simulation, Step, determinism};
use tokio::io::AsyncReadExt as _;

use crate::{LIMIT, Pair, SERVER, ask, near, pair, seconds, serve};

fn data(len: usize) -> Vec<u8> {
    (0..len as u32).map(|at| (at.wrapping_mul(0x9e37_79b1) >> 24) as u8).collect()
}

/// A server, and a client whose `len` bytes come back.
fn echo(link: Link, len: usize) -> Pair {
    let Pair { sim, server, client } = pair(link);
    let mut sim = sim.without_tokio_time();
    sim.start(server, serve);
    sim.start(client, move |host| ask(host, data(len)));
    Pair { sim, server, client }
}

#[test]
fn an_echo_comes_back_and_the_run_ends() {
    let Pair { mut sim, server, client } = echo(near(), 1 << 20);
    assert_eq!(sim.run_until(LIMIT), Ended::Quiescent);
    assert_eq!(sim.failures(), []);
    assert_eq!((sim.running(server), sim.running(client)), (1, 0));
    assert!(sim.world().trace().frames().len() > 1_500, "a mebibyte each way is 725 full segments each way");
}

#[test]
fn two_runs_are_alike_also_with_loss() {
    let stages =
        vec![Stage::Loss(Loss::Bernoulli { ppm: 20_000 }), Stage::Delay(Delay::constant(Duration::from_millis(5)))];
    let lossy = || Link::symmetric(stages.clone());
    let hash = determinism::check(|| echo(lossy(), 200_000).sim, LIMIT).unwrap();
    let Pair { mut sim, .. } = echo(lossy(), 200_000);
    assert_eq!(sim.run_until(LIMIT), Ended::Quiescent);
    assert_eq!((sim.failures(), sim.world().hash()), (vec![], hash));
    assert!(sim.world().trace().lines().contains("# link"), "2 % of some 300 frames are lost");
}

/// A program serves a script, and a script serves a program.
#[test]
fn programs_and_scripts_meet() {
    let line = Bytes::from_static(b"hello\n");
    let Pair { sim, server, client } = pair(near());
    let mut sim = sim.without_tokio_time();
    sim.start(server, serve);
    let ask_back = line.clone();
    sim.start(server, move |host| {
        let line = ask_back.clone();
        async move {
            let mut stream = TcpStream::connect(&host, ([192, 0, 2, 2], 9)).await?;
            let mut buf = vec![0; line.len()];
            stream.read_exact(&mut buf).await?;
            assert_eq!(buf, line);
            Ok(())
        }
    });
    let world = sim.world_mut();
    world.start(
        client,
        vec![
            Step::Connect(SERVER),
            Step::Send(line.clone()),
            Step::Expect(line.clone()),
            Step::Shutdown,
            Step::ExpectEnd,
            Step::Close,
        ],
    );
    world.start(
        client,
        vec![Step::Listen("192.0.2.2:9".parse().unwrap()), Step::Send(line), Step::ExpectEnd, Step::Close],
    );
    assert_eq!(sim.run_until(LIMIT), Ended::Quiescent);
    assert_eq!(sim.failures(), []);
    assert_eq!(sim.running(server), 1);
}

#[test]
fn datagrams_go_both_ways() {
    let Pair { sim, server, client } = pair(near());
    let mut sim = sim.without_tokio_time();
    sim.start(server, |host| async move {
        let socket = UdpSocket::bind(&host, SERVER)?;
        let mut buf = [0; 100];
        let (len, from) = socket.recv_from(&mut buf).await?;
        socket.send_to(&buf[..len], from).await?;
        Ok(())
    });
    sim.start(client, |host| async move {
        let socket = UdpSocket::bind(&host, ([0, 0, 0, 0], 0))?;
        socket.connect(SERVER)?;
        socket.send(b"hello").await?;
        let mut buf = [0; 100];
        assert_eq!(socket.recv(&mut buf).await?, 5);
        Ok(())
    });
    assert_eq!(sim.run_until(LIMIT), Ended::Quiescent);
    assert_eq!((sim.failures(), sim.running(server), sim.running(client)), (vec![], 0, 0));
}

#[test]
fn an_error_is_a_failure_of_its_program() {
    let Pair { sim, client, .. } = pair(near());
    let mut sim = sim.without_tokio_time();
    sim.start(client, |_| async { Ok(()) });
    sim.start(client, |host| ask(host, vec![1]));
    assert_eq!(sim.run_until(LIMIT), Ended::Quiescent);
    let failures: Vec<String> = sim.failures().iter().map(ToString::to_string).collect();
    assert_eq!(failures, ["client: program 1: Connection refused (os error 111)"]);
}

/// What the panic of a run said.
fn panic_of(mut sim: Simulation) -> String {
    let panic = catch_unwind(AssertUnwindSafe(|| sim.run_until(LIMIT))).unwrap_err();
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap()
}

#[test]
fn the_panic_of_a_program_is_the_simulation_s() {
    let Pair { mut sim, client, .. } = pair(near());
    sim.start(client, |_| async { panic!("what was expected did not come") });
    assert_eq!(panic_of(sim), "what was expected did not come");
}

/// A defect that a check of the stack's finds is not lost in a task that nobody waits for.
#[test]
fn a_panic_in_the_stack_is_the_simulation_s_also_in_a_task() {
    let Pair { mut sim, client, .. } = pair(near());
    sim.start(client, |host| async move {
        tokio::spawn(async move { host.enter(|_, _, _| panic!("a rule of the stack's is broken")) });
        Ok(())
    });
    assert_eq!(panic_of(sim), "client: a call into the stack has panicked in a task");
}

#[test]
fn a_panic_of_another_task_is_its_own() {
    let Pair { mut sim, client, .. } = pair(near());
    sim.start(client, |_| async {
        assert!(tokio::spawn(async { panic!("by itself") }).await.unwrap_err().is_panic());
        Ok(())
    });
    let _ = sim.run_until(seconds(1));
    assert_eq!((sim.failures(), sim.running(client)), (vec![], 0));
}

#[test]
fn a_blocking_call_is_refused() {
    let Pair { mut sim, client, .. } = pair(near());
    sim.start(client, |_| async { Ok(tokio::task::spawn_blocking(|| ()).await?) });
    let said = panic_of(sim);
    assert!(said.starts_with("client: spawn_blocking, and what is made of it"), "{said}");
}

/// In a task of its own it is that task's end, as every panic is.
#[test]
fn a_refused_blocking_call_ends_its_task_only() {
    let Pair { mut sim, client, .. } = pair(near());
    sim.start(client, |_| async {
        let task = tokio::spawn(async { tokio::task::spawn_blocking(|| 1).await });
        assert!(task.await.unwrap_err().is_panic());
        Ok(())
    });
    let _ = sim.run_until(seconds(1));
    assert_eq!((sim.failures(), sim.running(client)), (vec![], 0));
}

#[test]
fn a_socket_is_of_no_use_to_a_thread_or_after_the_run() {
    let (to_test, from_host) = mpsc::channel();
    let Pair { sim, server, .. } = pair(near());
    let mut sim = sim.without_tokio_time();
    sim.start(server, move |host: HostHandle| {
        let to_test = to_test.clone();
        async move {
            let socket = UdpSocket::bind(&host, SERVER)?;
            let called = std::thread::spawn(move || (socket.try_send_to(b"x", SERVER).unwrap_err(), socket));
            let (error, socket) = called.join().unwrap();
            assert_eq!(error.kind(), std::io::ErrorKind::NetworkDown);
            let clock = std::thread::spawn(|| tickwire_sim::time::now());
            assert!(clock.join().is_err());
            assert_eq!(socket.local_addr()?, SERVER);
            to_test.send(TcpListener::bind(&host, SERVER)?)?;
            Ok(())
        }
    });
    assert_eq!(sim.run_until(LIMIT), Ended::Quiescent);
    assert_eq!(sim.failures(), []);
    let error = from_host.recv().unwrap().local_addr();
    assert!(error.is_ok_and(|address| address == SERVER), "the address is known without the stack");
}
