//! Asynchronous sockets on two stacks in one process, over the memory pair: on a runtime with one thread and on
//! one with several.
#![cfg(all(target_os = "linux", feature = "tokio"))]

mod support;

use std::future::Future;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use rstest::rstest;
use support::{Hosts, ip4, ip6, pattern};
use tickwire_backends::async_net::{OwnedReadHalf, OwnedWriteHalf, TcpListener, TcpStream, UdpSocket};
use tickwire_backends::driver::StackHandle;
use tickwire_core::socket::UdpOptions;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy};
use tokio::time::{sleep, timeout};

/// More than anything here takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

type Stream = TcpStream<StackHandle>;

/// Threads of the runtime beside the test's own.
#[derive(Clone, Copy)]
enum Runtime {
    Current,
    Several,
}

/// Runs `test` with two hosts, which must then end without a failure.
fn run<F: Future<Output = ()>>(runtime: Runtime, test: impl FnOnce(StackHandle, StackHandle) -> F) {
    let mut builder = match runtime {
        Runtime::Current => tokio::runtime::Builder::new_current_thread(),
        Runtime::Several => tokio::runtime::Builder::new_multi_thread(),
    };
    let tokio = builder.worker_threads(3).enable_time().build().expect("threads");
    let hosts = Hosts::start();
    let test = test(hosts.west(), hosts.east());
    tokio.block_on(async { timeout(PATIENCE, test).await }).expect("it ends");
    drop(tokio);
    hosts.shutdown();
}

/// A connected pair of streams: the client's on `west`, the server's on `east`.
async fn connected(west: &StackHandle, east: &StackHandle, port: u16) -> (Stream, Stream) {
    let listener = TcpListener::bind(east, (ip4(2), port)).expect("a free port");
    let client = TcpStream::connect(west, (ip4(2), port)).await.expect("it listens");
    let (server, from) = listener.accept().await.expect("it connected");
    assert_eq!(from, client.local_addr().expect("connected"));
    (client, server)
}

#[test]
fn they_are_send_sync_and_unpin() {
    fn is<T: Send + Sync + Unpin + 'static>() {}
    fn reads<T: AsyncRead + Unpin + Send>() {}
    fn writes<T: AsyncWrite + Unpin + Send>() {}
    fn sends<T: Send>(_: T) {}
    is::<TcpListener<StackHandle>>();
    is::<UdpSocket<StackHandle>>();
    is::<Stream>();
    is::<OwnedReadHalf<StackHandle>>();
    is::<OwnedWriteHalf<StackHandle>>();
    reads::<Stream>();
    reads::<OwnedReadHalf<StackHandle>>();
    writes::<Stream>();
    writes::<OwnedWriteHalf<StackHandle>>();
    // What is never called is compiled.
    let _ = |stack: &StackHandle, listener: &TcpListener<StackHandle>, socket: &UdpSocket<StackHandle>| {
        sends(TcpStream::connect(stack, (ip4(2), 7)));
        sends(listener.accept());
        sends(socket.recv_from(&mut []));
        sends(socket.send_to(&[], (ip4(2), 7)));
    };
}

#[rstest]
#[case::current(Runtime::Current)]
#[case::several(Runtime::Several)]
fn echo_over_both_families(#[case] runtime: Runtime) {
    run(runtime, |west, east| async move {
        for server in [SocketAddr::new(ip4(2), 7), SocketAddr::new(ip6(2), 7)] {
            let listener = TcpListener::bind(&east, server).expect("a free port");
            assert_eq!(listener.local_addr().expect("bound"), server);
            let echo = tokio::spawn(async move {
                let (mut stream, _) = listener.accept().await.expect("a client");
                let (mut reading, mut writing) = stream.split();
                copy(&mut reading, &mut writing).await.expect("echoed")
            });
            let mut client = TcpStream::connect(&west, server).await.expect("it listens");
            assert_eq!(client.peer_addr().expect("connected"), server);
            client.set_nodelay(true).expect("connected");
            assert!(client.nodelay().expect("connected"));
            client.write_all(b"hello, wire").await.expect("connected");
            client.shutdown().await.expect("connected");
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.expect("echoed");
            assert_eq!((answer.as_str(), echo.await.expect("no panic")), ("hello, wire", 11));
        }
    });
}

/// Writes the test data in pieces of `size`, then ends the direction.
async fn write_pattern(mut writing: impl AsyncWrite + Unpin, data: &[u8], size: usize) {
    for chunk in data.chunks(size) {
        writing.write_all(chunk).await.expect("connected");
    }
    writing.shutdown().await.expect("connected");
}

/// Reads to the end into buffers of `size`: it must be `data`.
async fn assert_pattern(mut reading: impl AsyncRead + Unpin, data: &[u8], size: usize) {
    let (mut seen, mut buf) = (0, vec![0; size]);
    loop {
        let len = reading.read(&mut buf).await.expect("it goes on or ends");
        assert_eq!(Some(&buf[..len]), data.get(seen..seen + len), "at {seen}");
        seen += len;
        if len == 0 {
            return assert_eq!(seen, data.len(), "the length of the stream");
        }
    }
}

#[rstest]
#[case::current(Runtime::Current, 1000)]
#[case::several(Runtime::Several, 1000)]
#[case::large(Runtime::Several, 200_000)]
fn bulk_both_ways(#[case] runtime: Runtime, #[case] size: usize) {
    run(runtime, |west, east| async move {
        let data = pattern(4 << 20);
        let (client, server) = connected(&west, &east, 9).await;
        let (client_reads, client_writes) = client.into_split();
        let (server_reads, server_writes) = server.into_split();
        tokio::join!(
            write_pattern(client_writes, &data, size),
            assert_pattern(server_reads, &data, size / 3),
            write_pattern(server_writes, &data, size / 3),
            assert_pattern(client_reads, &data, size),
        );
    });
}

#[rstest]
#[case::current(Runtime::Current)]
#[case::several(Runtime::Several)]
fn many_connections_at_once(#[case] runtime: Runtime) {
    const CONNECTIONS: usize = 200;
    run(runtime, |west, east| async move {
        let listener = TcpListener::bind(&east, (ip4(2), 7)).expect("a free port");
        let serving = tokio::spawn(async move {
            for _ in 0..CONNECTIONS {
                let (stream, _) = listener.accept().await.expect("a client");
                tokio::spawn(async move {
                    let (mut reading, mut writing) = stream.into_split();
                    copy(&mut reading, &mut writing).await
                });
            }
        });
        let clients: Vec<_> = (0..CONNECTIONS)
            .map(|number| {
                let west = west.clone();
                tokio::spawn(async move {
                    let data = pattern(10_000 + number as u64);
                    let mut client = TcpStream::connect(&west, (ip4(2), 7)).await.expect("it listens");
                    let (reading, writing) = client.split();
                    tokio::join!(write_pattern(writing, &data, 1500), assert_pattern(reading, &data, 700));
                })
            })
            .collect();
        for client in clients {
            client.await.expect("no panic");
        }
        serving.await.expect("no panic");
    });
}

/// Polls a future once, and drops it.
async fn once<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    std::future::poll_fn(|context| {
        Poll::Ready(match future.as_mut().poll(context) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        })
    })
    .await
}

#[rstest]
#[case::current(Runtime::Current)]
#[case::several(Runtime::Several)]
fn cancelled_reads_and_writes_lose_and_repeat_nothing(#[case] runtime: Runtime) {
    run(runtime, |west, east| async move {
        let data = pattern(2 << 20);
        let (mut client, mut server) = connected(&west, &east, 9).await;
        let writing = async {
            let (mut offset, mut turns) = (0, 0_u64);
            while offset < data.len() {
                let chunk = &data[offset..data.len().min(offset + 70_001)];
                turns += 1;
                let written = match turns % 3 {
                    0 => once(client.write(chunk)).await,
                    1 => timeout(Duration::from_millis(1), client.write(chunk)).await.ok(),
                    _ => tokio::select! {
                        biased;
                        written = client.write(chunk) => Some(written),
                        () = tokio::task::yield_now() => None,
                    },
                };
                match written {
                    Some(written) => offset += written.expect("connected"),
                    None if turns % 5 == 0 => client.writable().await.expect("connected"),
                    None => tokio::task::yield_now().await,
                }
            }
            client.shutdown().await.expect("connected");
        };
        let reading = async {
            let (mut offset, mut turns, mut buf) = (0, 0_u64, vec![0; 3001]);
            loop {
                turns += 1;
                let read = match turns % 3 {
                    0 => once(server.read(&mut buf)).await,
                    1 => timeout(Duration::from_micros(10), server.read(&mut buf)).await.ok(),
                    _ => tokio::select! {
                        read = server.read(&mut buf) => Some(read),
                        () = tokio::task::yield_now() => None,
                    },
                };
                let Some(read) = read else {
                    if turns % 5 == 0 {
                        server.readable().await.expect("connected");
                    }
                    tokio::task::yield_now().await;
                    continue;
                };
                let len = read.expect("connected");
                assert_eq!(Some(&buf[..len]), data.get(offset..offset + len), "at {offset}");
                offset += len;
                if len == 0 {
                    return assert_eq!(offset, data.len());
                }
            }
        };
        tokio::join!(writing, reading);
    });
}

#[rstest]
#[case::current(Runtime::Current)]
#[case::several(Runtime::Several)]
fn cancelled_accepts_and_connects_lose_nothing(#[case] runtime: Runtime) {
    const CONNECTIONS: u8 = 50;
    run(runtime, |west, east| async move {
        let listener = TcpListener::bind(&east, (ip4(2), 7)).expect("a free port");
        let clients = async {
            let mut open = Vec::new();
            for number in 0..CONNECTIONS {
                // It has begun when it is dropped, and leaves no socket behind. Nobody answers there.
                assert!(once(TcpStream::connect(&west, (ip4(200), 1000))).await.is_none());
                let mut stream = TcpStream::connect(&west, (ip4(2), 7)).await.expect("it listens");
                stream.write_all(&[number]).await.expect("connected");
                open.push(stream);
            }
            open
        };
        let server = async {
            let (mut seen, mut turns) = (Vec::new(), 0);
            while seen.len() < usize::from(CONNECTIONS) {
                turns += 1;
                let accepted = match turns % 2 {
                    0 => once(listener.accept()).await,
                    _ => timeout(Duration::from_micros(100), listener.accept()).await.ok(),
                };
                let Some(accepted) = accepted else {
                    tokio::task::yield_now().await;
                    continue;
                };
                let (mut stream, _) = accepted.expect("it listens");
                seen.push(stream.read_u8().await.expect("connected"));
            }
            seen
        };
        let (open, mut seen) = tokio::join!(clients, server);
        seen.sort_unstable();
        assert_eq!(seen, (0..CONNECTIONS).collect::<Vec<_>>());
        drop(open);
        assert!(!west.with(|stack, _| stack.tcp_sockets().any(|entry| entry.remote.port() == 1000)));
    });
}

#[rstest]
#[case::current(Runtime::Current)]
#[case::several(Runtime::Several)]
fn several_tasks_wait_for_one_socket(#[case] runtime: Runtime) {
    const TASKS: u8 = 20;
    run(runtime, |west, east| async move {
        let listener = std::sync::Arc::new(TcpListener::bind(&east, (ip4(2), 7)).expect("a free port"));
        let tasks: Vec<_> = (0..TASKS)
            .map(|_| {
                let listener = listener.clone();
                tokio::spawn(async move { listener.accept().await.expect("it listens").0.read_u8().await })
            })
            .collect();
        for number in 0..TASKS {
            let mut client = TcpStream::connect(&west, (ip4(2), 7)).await.expect("it listens");
            client.write_u8(number).await.expect("connected");
        }
        let mut seen = Vec::new();
        for task in tasks {
            seen.push(task.await.expect("no panic").expect("sent"));
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..TASKS).collect::<Vec<_>>());
    });
}

#[test]
fn each_half_ends_by_itself() {
    run(Runtime::Current, |west, east| async move {
        let (client, server) = connected(&west, &east, 9).await;
        let (mut client_reads, client_writes) = client.into_split();
        // As with tokio's: dropping the half that writes is a FIN.
        drop(client_writes);
        let (mut server_reads, mut server_writes) = server.into_split();
        assert_eq!(server_reads.read(&mut [0]).await.expect("the end"), 0);
        drop(server_reads);
        server_writes.write_all(b"still here").await.expect("the other half is open");
        server_writes.shutdown().await.expect("connected");
        let error = server_writes.write(b"x").await.expect_err("it was shut down");
        assert_eq!((error.kind(), error.raw_os_error()), (ErrorKind::BrokenPipe, Some(32)));
        let mut seen = String::new();
        client_reads.read_to_string(&mut seen).await.expect("sent");
        assert_eq!(seen, "still here");
        // What has ended can be shut down again.
        server_writes.shutdown().await.expect("nothing to do");
    });
}

#[test]
fn halves_of_one_connection_are_reunited() {
    run(Runtime::Current, |west, east| async move {
        let (client, mut server) = connected(&west, &east, 9).await;
        let (other, _server) = connected(&west, &east, 10).await;
        let (reading, writing) = client.into_split();
        let (other_reading, other_writing) = other.into_split();
        let error = reading.reunite(other_writing).expect_err("they are of two");
        let mut client = error.0.reunite(writing).expect("they are of one");
        error.1.reunite(other_reading).expect("they are of one");
        client.write_all(b"x").await.expect("no FIN was sent");
        assert_eq!(server.read_u8().await.expect("sent"), b'x');
    });
}

#[test]
fn a_reset_is_told_once_and_wakes_both_halves() {
    run(Runtime::Several, |west, east| async move {
        let (client, server) = connected(&west, &east, 9).await;
        let (mut reading, mut writing) = client.into_split();
        let reading = tokio::spawn(async move { reading.read(&mut [0]).await });
        let writing = tokio::spawn(async move {
            let data = vec![0; 100_000];
            loop {
                if let Err(error) = writing.write_all(&data).await {
                    break error;
                }
            }
        });
        while server.peek(&mut [0]).await.expect("it goes on") == 0 {}
        sleep(Duration::from_millis(20)).await;
        // Its unread data makes it a reset.
        drop(server);
        let read = reading.await.expect("no panic").map_err(|error| error.kind());
        let written = writing.await.expect("no panic").kind();
        let told_one = [(Err(ErrorKind::ConnectionReset), ErrorKind::BrokenPipe), (Ok(0), ErrorKind::ConnectionReset)];
        assert!(told_one.contains(&(read, written)), "{read:?} {written:?}");
    });
}

#[test]
fn errors_have_the_kinds_of_the_blocking_ones() {
    run(Runtime::Current, |west, east| async move {
        for address in [ip4(2), ip6(2)] {
            let error = TcpStream::connect(&west, (address, 1)).await.expect_err("nobody listens");
            assert_eq!((error.kind(), error.raw_os_error()), (ErrorKind::ConnectionRefused, Some(111)));
        }
        let error = TcpStream::connect(&west, ([198, 51, 100, 1], 80)).await.expect_err("no route");
        assert_eq!(error.kind(), ErrorKind::NetworkUnreachable);
        let error = TcpStream::connect(&west, ([192, 0, 2, 200], 80)).await.expect_err("no such host");
        assert_eq!(error.kind(), ErrorKind::HostUnreachable);
        let listener = TcpListener::bind(&east, (ip4(2), 7)).expect("a free port");
        assert_eq!(TcpListener::bind(&east, (ip4(2), 7)).expect_err("taken").kind(), ErrorKind::AddrInUse);
        drop(listener);
        TcpListener::bind(&east, (ip4(2), 7)).expect("free again");
        let elsewhere = TcpListener::bind(&east, ([192, 0, 2, 99], 7)).expect_err("not its address");
        assert_eq!(elsewhere.kind(), ErrorKind::AddrNotAvailable);
        let (client, _server) = connected(&west, &east, 9).await;
        let error = client.try_read(&mut [0]).expect_err("nothing was sent");
        assert_eq!((error.kind(), error.raw_os_error()), (ErrorKind::WouldBlock, Some(11)));
        assert_eq!(client.set_ttl(0).expect_err("no octet").kind(), ErrorKind::InvalidInput);
        client.set_ttl(3).expect("connected");
        assert_eq!(client.ttl().expect("connected"), 3);
        assert!(client.take_error().expect("connected").is_none());
    });
}

#[test]
fn writable_waits_for_room_also_where_a_write_just_fitted() {
    run(Runtime::Current, |west, east| async move {
        let (client, mut server) = connected(&west, &east, 9).await;
        let room =
            |stack: &StackHandle| stack.with(|stack, _| stack.tcp(client.connection()).expect("open").send_capacity());
        let mut sent = 0;
        loop {
            let left = room(&west);
            if left == 0 {
                // Nothing more is on its way that could make room.
                sleep(Duration::from_millis(50)).await;
                if room(&west) == 0 {
                    break;
                }
                continue;
            }
            assert_eq!(client.try_write(&vec![7; left]).expect("there is room"), left);
            sent += left;
        }
        assert!(once(client.writable()).await.is_none());
        let reading = tokio::spawn(async move {
            let mut buf = vec![0; sent];
            server.read_exact(&mut buf).await.map(|_| server)
        });
        client.writable().await.expect("connected");
        assert!(client.try_write(b"x").is_ok());
        reading.await.expect("no panic").expect("all arrived");
    });
}

#[rstest]
#[case::current(Runtime::Current)]
#[case::several(Runtime::Several)]
fn datagrams_over_both_families(#[case] runtime: Runtime) {
    run(runtime, |west, east| async move {
        for (west_ip, east_ip) in [(ip4(1), ip4(2)), (ip6(1), ip6(2))] {
            let server = UdpSocket::bind(&east, (east_ip, 53)).expect("a free port");
            let client = UdpSocket::bind(&west, (west_ip, 0)).expect("a free port");
            let echo = tokio::spawn(async move {
                let mut buf = [0; 2000];
                for _ in 0..100 {
                    let (len, from) = server.recv_from(&mut buf).await.expect("it arrives");
                    assert_eq!(server.send_to(&buf[..len], from).await.expect("queued"), len);
                }
            });
            client.connect((east_ip, 53)).expect("it has a route");
            assert_eq!(client.peer_addr().expect("connected").port(), 53);
            for number in 0..100 {
                let question = pattern(number * 14);
                client.send(&question).await.expect("queued");
                // Given up, a receive takes nothing.
                once(client.readable()).await;
                let mut buf = [0; 2000];
                let (len, from) = client.recv_from(&mut buf).await.expect("it arrives");
                assert_eq!((&buf[..len], from.ip()), (&question[..], east_ip));
            }
            echo.await.expect("no panic");
        }
        let lonely = UdpSocket::bind(&west, (ip4(1), 0)).expect("a free port");
        assert_eq!(lonely.try_recv_from(&mut [0]).expect_err("nothing").kind(), ErrorKind::WouldBlock);
        assert_eq!(lonely.send(b"x").await.expect_err("not connected").raw_os_error(), Some(89));
        lonely.connect((ip4(2), 1)).expect("it has a route");
        lonely.send(b"anyone?").await.expect("queued");
        lonely.readable().await.expect("an error");
        assert_eq!(lonely.recv(&mut [0]).await.expect_err("refused").kind(), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn datagrams_wait_for_room() {
    run(Runtime::Current, |west, east| async move {
        let server = UdpSocket::bind(&east, (ip4(2), 9)).expect("a free port");
        let options = UdpOptions { dual_stack: true, ..UdpOptions::default() };
        let client = UdpSocket::bind_with(&west, (ip4(1), 0), options).expect("a free port");
        // The neighbor is not known yet: all of it waits for the answer.
        let mut refused = 0;
        for _ in 0..1000 {
            match client.try_send_to(&[0; 1400], (ip4(2), 9)) {
                Ok(_) => {}
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::WouldBlock);
                    refused += 1;
                    client.writable().await.expect("it leaves");
                }
            }
            if refused == 3 {
                break;
            }
        }
        client.send_to(&[1; 1400], (ip4(2), 9)).await.expect("queued");
        server.readable().await.expect("something arrived");
    });
}

#[test]
fn the_end_of_the_driver_ends_every_wait() {
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().expect("threads");
    let hosts = Hosts::start();
    let (west, east) = (hosts.west(), hosts.east());
    let (mut client, server) = tokio.block_on(connected(&west, &east, 9));
    let listener = TcpListener::bind(&west, (ip4(1), 9)).expect("a free port");
    let socket = UdpSocket::bind(&west, (ip4(1), 9)).expect("a free port");
    let tasks = [
        tokio.spawn(async move { client.read(&mut [0]).await.map(|_| ()) }),
        tokio.spawn(async move { listener.accept().await.map(|_| ()) }),
        tokio.spawn(async move { socket.recv(&mut [0]).await.map(|_| ()) }),
    ];
    std::thread::sleep(Duration::from_millis(20));
    hosts.shutdown_west(Duration::ZERO);
    for task in tasks {
        let ended: io::Result<()> =
            tokio.block_on(async { timeout(PATIENCE, task).await }).expect("in time").expect("no panic");
        assert_eq!(ended.expect_err("it ended").kind(), ErrorKind::NetworkDown);
    }
    assert_eq!(TcpListener::bind(&west, (ip4(1), 10)).expect_err("it ended").kind(), ErrorKind::NetworkDown);
    drop(server);
}

#[test]
fn they_work_without_tokio_s_runtime() {
    let hosts = Hosts::start();
    let listener = TcpListener::bind(&hosts.east(), (ip4(2), 7)).expect("a free port");
    let west = hosts.west();
    let mut connecting = Box::pin(TcpStream::connect(&west, (ip4(2), 7)));
    let mut context = Context::from_waker(Waker::noop());
    let mut client = loop {
        if let Poll::Ready(client) = connecting.as_mut().poll(&mut context) {
            break client.expect("it listens");
        }
        std::thread::yield_now();
    };
    // The server is established a moment later, by the client's ACK.
    let (_server, from) = loop {
        if let Poll::Ready(accepted) = listener.poll_accept(&mut context) {
            break accepted.expect("it listens");
        }
        std::thread::yield_now();
    };
    assert_eq!(from, client.local_addr().expect("connected"));
    assert!(pin!(client.write(b"x")).poll(&mut context).is_ready());
    hosts.shutdown();
}
