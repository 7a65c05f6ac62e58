//! `tickwire run` on a TAP, against the kernel of a namespace of the test's own.
//!
//! Where no namespace or TAP can be had, a test says so and passes, unless `TICKWIRE_REQUIRE_TAP=1`.
#![cfg(target_os = "linux")]

mod command;

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use command::{
    PATIENCE, Running, STACK_V4, assert_replays, connect, datagrams, in_namespace, ping, read_all, requires_tap, stack,
    tickwire,
};
use rustix::process::Signal;
use serde_json::Value;
use tickwire_backends::capture::read_frames;
use tickwire_backends::net_setup::Ip;
use tickwire_backends::recording::{Reader, Record};

/// A file of one test's own, removed at the end.
struct TempFile(PathBuf);

impl TempFile {
    fn new(name: &str) -> TempFile {
        TempFile(std::env::temp_dir().join(format!("tickwire-run-{}-{name}", std::process::id())))
    }

    fn text(&self) -> &str {
        self.0.to_str().expect("a plain path")
    }

    /// Waits until `holds` is true of the JSON in it.
    fn wait_for_json(&self, holds: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        let mut last = String::new();
        while began.elapsed() < PATIENCE {
            if let Ok(text) = std::fs::read_to_string(&self.0) {
                // Written atomically: whatever is there is whole.
                let value: Value = serde_json::from_str(&text).expect("JSON");
                if holds(&value) {
                    return value;
                }
                last = text;
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("not so in time: {last}");
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn the_ready_line_names_interface_and_addresses() {
    in_namespace(|| {
        let running = Running::start(&["--mac", "02:00:00:00:00:02"]);
        assert_eq!(running.ready, "ready tap7 192.0.2.2/24 2001:db8::2/64 mac 02:00:00:00:00:02 mtu 1500");
        running.stop();
    });
}

#[test]
fn a_seed_decides_the_hardware_address() {
    in_namespace(|| {
        let mut lines = Vec::new();
        for seed in ["2a", "2A", "2b"] {
            let running = Running::start(&["--seed", seed]);
            lines.push(running.ready.clone());
            running.stop();
        }
        assert_eq!(lines[0], lines[1]);
        assert_ne!(lines[0], lines[2]);
    });
}

#[test]
fn an_interface_that_is_there_is_attached_to_and_stays() {
    in_namespace(|| {
        let ip = Ip::default();
        ip.add_tap("mine0", "root").expect("root in this namespace");
        ip.set_mtu("mine0", 1400).expect("it is there");
        ip.link_up("mine0").expect("it is there");
        let running = Running::start(&["--tap", "mine0"]);
        assert!(running.ready.starts_with("ready mine0 ") && running.ready.ends_with(" mtu 1400"), "{}", running.ready);
        running.stop();
        ip.delete_link("mine0").expect("it outlives tickwire");
    });
}

#[test]
fn what_may_not_be_done_is_answered_with_what_to_type() {
    in_namespace(|| {
        let nobody = 65_534;
        let spawned = tickwire()
            .args(["run", "--ip4", "192.0.2.2/24"])
            .uid(nobody)
            .gid(nobody)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let output = match spawned {
            Ok(child) => child.wait_with_output().expect("it ends"),
            Err(error) => {
                println!("skipped: another user cannot run the command where it was built ({error})");
                return;
            }
        };
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        for command in [
            "sudo ip tuntap add dev tap7 mode tap user $USER",
            "sudo ip link set dev tap7 up",
            "sudo ip link add name br0 type bridge",
            "sudo ip link set dev tap7 master br0",
        ] {
            assert!(stderr.contains(command), "{command} is missing: {stderr}");
        }
    });
}

#[test]
fn a_removed_interface_ends_it_with_an_error() {
    in_namespace(|| {
        let running = Running::start(&[]);
        Ip::default().delete_link("tap7").expect("it is there");
        let (status, stderr) = running.wait();
        assert_eq!(status.code(), Some(1), "{stderr}");
        assert!(stderr.contains("tap7") && stderr.contains("gone"), "{stderr}");
    });
}

#[test]
fn commands_are_shown_if_asked_for() {
    in_namespace(|| {
        let running = Running::start(&["--verbose"]);
        running.signal(Signal::INT);
        let (status, stderr) = running.wait();
        assert!(status.success());
        for command in ["+ ip link set dev tap7 up", "+ ip addr add 192.0.2.1/24 dev tap7"] {
            assert!(stderr.contains(command), "{command} is missing: {stderr}");
        }
    });
}

#[test]
fn echo() {
    in_namespace(|| {
        let running = Running::start(&["--service", "echo", "--service", "echo:7007"]);
        for (to, port) in stack().into_iter().flat_map(|to| [(to, 7), (to, 7007)]) {
            let data: Vec<u8> = (0..3_000_000_u32).map(|at| ((at * 7) >> 3) as u8).collect();
            let stream = connect(to, port);
            let echoed = thread::scope(|scope| {
                scope.spawn(|| {
                    (&stream).write_all(&data).expect("sent");
                    stream.shutdown(Shutdown::Write).expect("open");
                });
                read_all(&stream)
            });
            assert!(echoed == data, "what came back from {to}:{port} is not what was sent");

            let socket = datagrams(to, port);
            for len in [0, 1, 1400] {
                socket.send(&data[..len]).expect("sent");
                let mut buf = [0; 2000];
                assert_eq!(socket.recv(&mut buf).expect("an answer"), len);
                assert_eq!(buf[..len], data[..len]);
            }
        }
        running.stop();
    });
}

#[test]
fn discard() {
    in_namespace(|| {
        let running = Running::start(&["--service", "discard"]);
        for to in stack() {
            let mut stream = connect(to, 9);
            stream.write_all(&vec![1; 3_000_000]).expect("taken");
            stream.shutdown(Shutdown::Write).expect("open");
            assert_eq!(read_all(&stream), b"");
            let socket = datagrams(to, 9);
            socket.set_read_timeout(Some(Duration::from_millis(50))).expect("valid");
            socket.send(b"nothing").expect("sent");
            assert_eq!(socket.recv(&mut [0; 8]).expect_err("no answer").kind(), ErrorKind::WouldBlock);
        }
        running.stop();
    });
}

#[test]
fn daytime() {
    in_namespace(|| {
        let running = Running::start(&["--service", "daytime"]);
        for to in stack() {
            let line = String::from_utf8(read_all(&connect(to, 13))).expect("text");
            assert!(line.ends_with("-UTC\r\n") && line.matches(", ").count() == 2, "{line:?}");
            let socket = datagrams(to, 13);
            socket.send(b"").expect("sent");
            let mut buf = [0; 100];
            let len = socket.recv(&mut buf).expect("an answer");
            assert!(buf[..len].ends_with(b"-UTC\r\n"));
        }
        running.stop();
    });
}

#[test]
fn chargen() {
    in_namespace(|| {
        let running = Running::start(&["--service", "chargen"]);
        for to in stack() {
            let mut stream = connect(to, 19);
            let mut text = vec![0; 74 * 2000];
            stream.read_exact(&mut text).expect("without end");
            let lines: Vec<&[u8]> = text.chunks(74).collect();
            assert!(lines.iter().all(|line| line.ends_with(b"\r\n")));
            assert!(lines.windows(2).all(|two| two[0][1..72] == two[1][..71]), "each line starts one further");
            drop(stream);
            let socket = datagrams(to, 19);
            socket.send(&[0; 100]).expect("sent");
            assert_eq!(socket.recv(&mut [0; 1000]).expect("an answer"), 100);
        }
        running.stop();
    });
}

#[test]
fn http() {
    in_namespace(|| {
        let running = Running::start(&["--service", "http:8080"]);
        let request = |to, text: &str| {
            let mut stream = connect(to, 8080);
            stream.write_all(text.as_bytes()).expect("sent");
            String::from_utf8(read_all(&stream)).expect("text")
        };
        for to in stack() {
            let page = request(to, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
            assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.contains("<title>tickwire"), "{page}");
            assert!(page.contains("frames.received"), "{page}");
            let json = request(to, "GET /stats HTTP/1.1\r\nHost: x\r\n\r\n");
            let (_, body) = json.split_once("\r\n\r\n").expect("a head");
            let stats: Value = serde_json::from_str(body).expect("JSON");
            assert!(stats["counters"]["frames"]["received"].as_u64() > Some(0), "{stats}");
            assert!(request(to, "GET /no HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404 "));
            assert!(request(to, "PUT / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405 "));
            assert!(request(to, &format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(9000))).starts_with("HTTP/1.1 431 "));
        }
        running.stop();
    });
}

#[test]
fn source() {
    in_namespace(|| {
        let running = Running::start(&["--service", "source=5000000", "--service", "source:19002"]);
        for to in stack() {
            let all = read_all(&connect(to, 19_000));
            assert_eq!(all.len(), 5_000_000);
            assert!(all.iter().enumerate().all(|(at, octet)| usize::from(*octet) == at % 251));

            let mut stream = connect(to, 19_002);
            stream.read_exact(&mut vec![0; 10_000_000]).expect("without end");
            stream.shutdown(Shutdown::Write).expect("open");
            read_all(&stream);
        }
        running.stop();
    });
}

#[test]
fn stall() {
    in_namespace(|| {
        let running = Running::start(&["--service", "stall"]);
        for to in stack() {
            let mut stream = connect(to, 19_001);
            stream.set_write_timeout(Some(Duration::from_millis(300))).expect("valid");
            let block = vec![0; 1 << 20];
            let refused = (0..64).find_map(|_| stream.write_all(&block).err()).expect("its window closes");
            assert_eq!(refused.kind(), ErrorKind::WouldBlock, "{refused}");
        }
        // With both connections stalled.
        running.stop();
    });
}

#[test]
fn open_connections_are_closed_in_an_orderly_way() {
    in_namespace(|| {
        let running = Running::start(&["--service", "echo"]);
        let mut streams: Vec<_> = stack().into_iter().map(|to| connect(to, 7)).collect();
        for stream in &mut streams {
            stream.write_all(b"hello").expect("sent");
            stream.read_exact(&mut [0; 5]).expect("echoed");
        }
        running.signal(Signal::TERM);
        let began = Instant::now();
        for stream in &streams {
            assert_eq!(read_all(stream), b"", "an end, not a reset");
        }
        drop(streams);
        let (status, stderr) = running.wait();
        assert!(status.success(), "{stderr}");
        assert!(began.elapsed() < Duration::from_secs(2));
    });
}

#[test]
fn it_ends_in_time_also_if_a_peer_does_not_close() {
    in_namespace(|| {
        let running = Running::start(&["--service", "echo"]);
        let stream = connect(stack()[0], 7);
        running.stop();
        drop(stream);
    });
}

#[test]
fn statistics_are_written_on_sigusr1_and_at_the_end() {
    in_namespace(|| {
        let file = TempFile::new("stats.json");
        let running = Running::start(&["--service", "echo", "--stats", file.text()]);
        let mut stream = connect(stack()[0], 7);
        stream.write_all(b"hello").expect("sent");
        stream.read_exact(&mut [0; 5]).expect("echoed");
        assert!(!file.0.exists());
        running.signal(Signal::USR1);
        let stats = file.wait_for_json(|stats| stats["sockets"]["tcp_states"]["ESTABLISHED"] == 1);
        let at_least_one = |path: &str| {
            assert!(stats.pointer(path).and_then(Value::as_u64) > Some(0), "{path}: {stats:#}");
        };
        for path in [
            "/counters/frames/received",
            "/counters/ipv4/received",
            "/counters/arp/received",
            "/devices/0/rx_frames",
            "/devices/0/tx_frames",
            "/sockets/tcp_listeners",
            "/sockets/udp",
            "/process/resident_bytes",
        ] {
            at_least_one(path);
        }
        for path in ["/drops/tcp.checksum", "/buffer_bytes/tcp_unsent", "/queue_depths/control", "/devices/0/tx_queued"]
        {
            assert!(stats.pointer(path).is_some_and(Value::is_u64), "{path}: {stats:#}");
        }
        drop(stream);
        running.stop();
        file.wait_for_json(|stats| stats["sockets"]["tcp_listeners"] == 0);
    });
}

#[test]
fn calls_are_recorded_for_the_owner_only() {
    in_namespace(|| {
        let file = TempFile::new("run.twr");
        let running = Running::start(&["--service", "daytime", "--record", file.text()]);
        read_all(&connect(stack()[0], 13));
        running.stop();
        let mode = std::fs::metadata(&file.0).expect("it was written").permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);
        let mut reader = Reader::open(&file.0).expect("a recording");
        let first = reader.next_record().expect("whole");
        assert!(matches!(&first, Some(Record::Interface(_, name)) if name == "tap7"), "{first:?}");
        assert_replays(file.text());
    });
}

#[test]
fn frames_are_recorded() {
    in_namespace(|| {
        let file = TempFile::new("capture.pcapng");
        let running = Running::start(&["--service", "daytime", "--pcap", file.text()]);
        read_all(&connect(stack()[0], 13));
        running.stop();
        let captured = read_frames(std::fs::File::open(&file.0).expect("it was written")).expect("pcapng");
        assert_eq!(captured.interfaces[&0].name.as_deref(), Some("tap7"));
        // At least: ARP both ways, SYN, SYN-ACK, ACK, data, the closing.
        assert!(captured.frames.len() >= 8, "{}", captured.frames.len());
    });
}

#[test]
fn the_demonstration_holds() {
    let file = TempFile::new("demo.pcapng");
    let began = Instant::now();
    let output = tickwire().args(["demo", "--pcap", file.text()]).output().expect("the command that was built");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stdout}{stderr}");
    assert!(began.elapsed() < Duration::from_secs(20), "it took {:?}", began.elapsed());
    assert!(stdout.contains("all of it held") && stdout.contains(file.text()) && stdout.contains(STACK_V4), "{stdout}");
    assert!(stdout.lines().all(|line| line.chars().count() <= 80 || line.contains(file.text())), "{stdout}");
    assert!(!requires_tap() || stdout.contains("on tap7"), "{stdout}");
    let captured = read_frames(std::fs::File::open(&file.0).expect("it was written")).expect("pcapng");
    assert!(captured.frames.len() > 1000);
}

#[test]
fn the_demonstration_holds_between_two_stacks_in_memory() {
    let file = TempFile::new("memory.pcapng");
    let output = tickwire()
        .args(["demo", "--stage", "memory", "--pcap", file.text()])
        .output()
        .expect("the command that was built");
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && stdout.contains("two stacks over the memory pair"), "{stdout}");
}

/// Interfaces, addresses with states and lifetimes, groups, routes and neighbors, on SIGUSR1.
#[test]
fn tables_are_printed_on_a_signal() {
    in_namespace(|| {
        let mut running = Running::start(&["--mac", "02:00:00:00:00:02", "--option", "querier.enabled=true"]);
        let [v4, _] = stack();
        assert!(ping(v4));
        running.signal(Signal::USR1);
        let mut lines = Vec::new();
        while lines.last().is_none_or(|line: &String| !line.starts_with("neighbor 192.0.2.1 ")) {
            lines.push(running.next_line());
        }
        for expected in [
            "interface 0 mac 02:00:00:00:00:02 mtu 1500 up",
            "group ff02::1:ff00:2 interface 0 sockets 0 exclude {}",
            "  address 192.0.2.2/24 preferred static preferred forever valid forever",
            "  address 2001:db8::2/64 preferred static preferred forever valid forever",
            "  querier igmp ourselves",
            "route 192.0.2.0/24 interface 0 metric 0 table 254",
        ] {
            assert!(lines.iter().any(|line| line == expected), "{expected} is missing: {lines:#?}");
        }
        running.stop();
    });
}

/// `ready` waits until the addresses can be used: in the pace of RFC 5227, for 4 to 7 s.
#[test]
fn ready_waits_for_the_addresses() {
    in_namespace(|| {
        let began = Instant::now();
        let running = Running::start(&["--acd", "rfc5227"]);
        let [v4, v6] = stack();
        assert!(ping(v4) && ping(v6));
        assert!((4.0..7.5).contains(&began.elapsed().as_secs_f64()), "{:?}", began.elapsed());
        running.stop();
    });
}

/// An address that the kernel's end has already cannot be ours.
#[test]
fn an_address_of_another_host_is_refused() {
    in_namespace(|| {
        let ip = Ip::default();
        ip.add_tap("tap7", "root").expect("root in this namespace");
        ip.link_up("tap7").expect("it is there");
        ip.add_address("tap7", "192.0.2.2".parse().expect("an address"), 24).expect("it is there");
        let output = tickwire().args(["run", "--ip4", "192.0.2.2/24"]).output().expect("the command that was built");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains("192.0.2.2") && stderr.contains("another host"), "{stderr}");
    });
}

/// The same host after a restart: hardware address, and the IPv6 address that follows from the secret. A
/// damaged file is reported and set aside.
#[test]
fn the_state_is_kept() {
    use std::os::unix::fs::PermissionsExt as _;
    in_namespace(|| {
        let state = TempFile::new("state.json");
        let arguments = [&command::ADDRESSES[..], &["--state", state.text()]].concat();
        let first = Running::start_with(&arguments);
        let line = first.ready.clone();
        first.stop();
        let mode = std::fs::metadata(&state.0).expect("it was written").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let second = Running::start_with(&arguments);
        assert_eq!(second.ready, line);
        second.stop();
        std::fs::write(&state.0, "{").expect("it is ours");
        let third = Running::start_with(&arguments);
        assert_ne!(third.ready, line);
        third.signal(Signal::TERM);
        let (status, stderr) = third.wait();
        assert!(status.success() && stderr.contains("state.json") && stderr.contains("not JSON"), "{stderr}");
        let aside = format!("{}.damaged", state.text());
        assert_eq!(std::fs::read_to_string(&aside).expect("it was set aside"), "{");
        std::fs::remove_file(aside).expect("it is ours");
    });
}

/// The option reaches the wire: a packet's hop limit.
#[test]
fn options_are_set() {
    in_namespace(|| {
        let running = Running::start(&["--option", "ip.hop_limit=9"]);
        let output = std::process::Command::new("ping").args(["-n", "-c", "1", STACK_V4]).output().expect("installed");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains("ttl=9"), "{text}");
        running.stop();
    });
}
