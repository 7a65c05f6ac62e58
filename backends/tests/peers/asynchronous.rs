//! Asynchronous sockets on a TAP, against the kernel's.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener as KernelListener, TcpStream as KernelStream};
use std::thread;

use crate::support::lab::{Lab, PATIENCE};
use crate::support::{assert_pattern, ip4, ip6, write_pattern};
use tickwire_backends::async_net::{TcpListener, TcpStream, UdpSocket};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};

/// A runtime with one thread, the caller's, as a host has it in the simulator.
fn block_on<F: Future>(future: F) -> F::Output {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("no threads");
    tokio.block_on(async { tokio::time::timeout(PATIENCE, future).await }).expect("it ends")
}

#[test]
fn the_kernel_is_served() {
    const BYTES: u64 = 8 << 20;
    Lab::run(|lab| {
        for address in [SocketAddr::new(ip4(2), 7), SocketAddr::new(ip6(2), 7)] {
            let listener = TcpListener::bind(&lab.stack(), address).expect("a free port");
            thread::scope(|scope| {
                // A thread of this one's is in its namespace.
                let client = scope.spawn(move || {
                    let stream = KernelStream::connect(address).expect("it listens");
                    thread::scope(|scope| {
                        scope.spawn(|| {
                            write_pattern(&stream, BYTES).expect("connected");
                            stream.shutdown(Shutdown::Write).expect("connected");
                        });
                        assert_pattern(&stream, BYTES);
                    });
                });
                let echoed = block_on(async {
                    let (mut stream, _) = listener.accept().await.expect("a client");
                    let (mut reading, mut writing) = stream.split();
                    let echoed = copy(&mut reading, &mut writing).await.expect("connected");
                    writing.shutdown().await.expect("connected");
                    echoed
                });
                client.join().expect("all came back");
                assert_eq!(echoed, BYTES);
            });
        }
    });
}

#[test]
fn the_kernel_is_asked() {
    Lab::run(|lab| {
        let kernel = KernelListener::bind((ip4(1), 7)).expect("a free port");
        let datagrams = std::net::UdpSocket::bind((ip4(1), 53)).expect("a free port");
        // A thread of this one's is in its namespace.
        let answering = thread::spawn(move || {
            let (mut stream, _) = kernel.accept().expect("a client");
            let mut question = Vec::new();
            stream.read_to_end(&mut question).expect("connected");
            question.reverse();
            stream.write_all(&question).expect("connected");
            drop(stream);
            let mut buf = [0; 100];
            let (len, from) = datagrams.recv_from(&mut buf).expect("it arrives");
            datagrams.send_to(&buf[..len], from).expect("queued");
        });
        block_on(async {
            let mut stream = TcpStream::connect(&lab.stack(), (ip4(1), 7)).await.expect("it listens");
            stream.write_all(b"stressed").await.expect("connected");
            stream.shutdown().await.expect("connected");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.expect("connected");
            assert_eq!(answer, "desserts");
            let socket = UdpSocket::bind(&lab.stack(), (ip4(2), 0)).expect("a free port");
            socket.send_to(b"hello", (ip4(1), 53)).await.expect("queued");
            let mut buf = [0; 100];
            let (len, from) = socket.recv_from(&mut buf).await.expect("it arrives");
            assert_eq!((&buf[..len], from), (&b"hello"[..], SocketAddr::new(ip4(1), 53)));
        });
        answering.join().expect("it was asked");
        let refused = block_on(TcpStream::connect(&lab.stack(), (ip4(1), 1))).expect_err("nobody listens");
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    });
}
