//! `tickwire-sim relay` between a bridge with `tap7` and a namespace: the set-up of the README.
//!
//! ```text
//!    stack on tap7 (.2) - br0 (the kernel's .1) - relay-a  [relay]  relay-b (.9, in a namespace of its own)
//! ```
//!
//! Where no namespace or TAP can be had, the test says so and passes, unless `TICKWIRE_REQUIRE_TAP=1`.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tickwire_backends::driver::{Driver, Loop};
use tickwire_backends::net::TcpListener;
use tickwire_backends::net_setup::{Ip, enter_network_namespace};
use tickwire_backends::tap::Tap;
use tickwire_core::wire::ethernet::EthernetAddress;
use tickwire_core::{Config, InterfaceAddress};

const LINK: &str = "\
[[both]]
delay.law.constant = '20ms'
[[b-to-a]]
loss.ordinals = [40]
";
const STACK: &str = "192.0.2.2";
const FAR: &str = "192.0.2.9";
const PATIENCE: Duration = Duration::from_secs(30);

/// A file of its own for each caller.
fn file(text: &str) -> PathBuf {
    static FILES: AtomicU32 = AtomicU32::new(0);
    let number = FILES.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("tickwire-{}-{number}.toml", std::process::id()));
    fs::write(&path, text).unwrap();
    path
}

fn tickwire_sim(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tickwire-sim"));
    command.args(arguments);
    command
}

/// A relay that is ready.
struct Running {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Running {
    fn start(link: &str) -> Running {
        let path = file(link);
        let mut command = tickwire_sim(&["relay", "--tap", "relay-a", "--tap", "relay-b", "--link"]);
        let piped = command.arg(&path).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().expect("it is built");
        let mut output = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        output.read_line(&mut line).expect("text");
        assert_eq!(line, "ready relay-a <-> relay-b\n");
        fs::remove_file(path).unwrap();
        Running { child, output }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    /// Ends it; what it said on standard output, and on standard error.
    fn finish(mut self) -> (String, String) {
        self.signal(Signal::INT);
        let (mut said, mut complained) = (String::new(), String::new());
        self.output.read_to_string(&mut said).expect("text");
        self.child.stderr.take().expect("piped").read_to_string(&mut complained).expect("text");
        assert!(self.child.wait().expect("ours").success());
        (said, complained)
    }
}

/// `tap7` with a stack on it, and the relay's near end, on a bridge.
fn near() -> Result<Driver, Box<dyn std::error::Error>> {
    enter_network_namespace()?;
    fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1")?;
    let ip = Ip::default();
    let tap = Tap::open("tap7", 1500)?;
    ip.add_tap("relay-a", "root")?;
    ip.add_bridge("br0")?;
    for device in ["tap7", "relay-a"] {
        ip.join_bridge(device, "br0")?;
        ip.link_up(device)?;
    }
    ip.add_address("br0", IpAddr::from([192, 0, 2, 1]), 24)?;
    let mut turns = Loop::new(Config::default(), None)?;
    let address = InterfaceAddress { address: STACK.parse()?, prefix_len: 24 };
    turns.add_device(tap, EthernetAddress([2, 0, 0, 0, 0, 2]), &[address])?;
    Ok(Driver::spawn(turns)?)
}

/// A thread in a namespace of its own, to which `relay-b` is moved; it runs `job` there.
fn in_far_namespace<R: Send>(job: impl FnOnce() -> R + Send) -> R {
    let (told, id) = mpsc::channel();
    let (moved, ready) = mpsc::channel();
    thread::scope(|scope| {
        let far = scope.spawn(move || {
            enter_network_namespace().expect("root");
            told.send(rustix::thread::gettid().as_raw_nonzero().to_string()).expect("waited for");
            ready.recv().expect("it is moved");
            let ip = Ip::default();
            ip.add_address("relay-b", FAR.parse().expect("an address"), 24).expect("it is here");
            ip.link_up("relay-b").expect("it is here");
            job()
        });
        let id = id.recv().expect("the thread is there");
        Ip::default().run(&["link", "set", "dev", "relay-b", "netns", &id]).expect("it is there");
        moved.send(()).expect("waited for");
        far.join().expect("the job ended")
    })
}

/// One ping, and its round trip in microseconds.
fn ping(to: &str) -> Option<u64> {
    let output = Command::new("ping").args(["-n", "-c", "1", "-W", "2", to]).output().expect("iputils");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (_, time) = text.split_once("time=")?;
    let (millis, fraction) = time.split_once(' ')?.0.split_once('.').unwrap_or((time.split_once(' ')?.0, "0"));
    let micros = format!("{fraction:0<3}");
    Some(millis.parse::<u64>().ok()? * 1_000 + micros.get(..3)?.parse::<u64>().ok()?)
}

/// Echoes what one client sends.
fn echo(driver: &Driver) -> thread::JoinHandle<()> {
    let listener = TcpListener::bind(&driver.handle(), (STACK.parse::<IpAddr>().unwrap(), 7)).expect("a free port");
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut buffer = vec![0; 16 << 10];
        while let Ok(len @ 1..) = stream.read(&mut buffer) {
            stream.write_all(&buffer[..len]).expect("connected");
        }
    })
}

fn transfer() {
    let at = SocketAddr::new(STACK.parse().unwrap(), 7);
    let mut stream = TcpStream::connect_timeout(&at, PATIENCE).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("not zero");
    let sent: Vec<u8> = (0..100_000_u32).map(|at| (at / 7) as u8).collect();
    let mut writer = stream.try_clone().expect("a descriptor");
    let text = sent.clone();
    let writing = thread::spawn(move || writer.write_all(&text).expect("connected"));
    let mut back = vec![0; sent.len()];
    stream.read_exact(&mut back).expect("all comes back");
    writing.join().expect("written");
    assert!(back == sent);
}

/// Runs `test` in a namespace, on a thread of its own; the namespace is gone when that ends.
fn in_lab(test: impl FnOnce(Driver) + Send) {
    thread::scope(|scope| {
        scope.spawn(|| match near() {
            Ok(driver) => test(driver),
            Err(reason) if std::env::var_os("TICKWIRE_REQUIRE_TAP").is_some_and(|value| value == "1") => {
                panic!("a TAP in a namespace is required: {reason}")
            }
            Err(reason) => println!("skipped: {reason}"),
        });
    });
}

#[test]
fn a_namespace_behind_a_modelled_link() {
    in_lab(|driver| {
        let relay = Running::start(LINK);
        let echo = echo(&driver);
        in_far_namespace(|| {
            // Each ping takes 20 ms there and 20 ms back; the first resolves an address before.
            ping(STACK);
            let least = (0..5).filter_map(|_| ping(STACK)).min().expect("an answer");
            assert!((40_000..60_000).contains(&least), "{least} us");
            let kernel = ping("192.0.2.1").expect("the bridge's own address");
            assert!(kernel >= 40_000, "{kernel} us");
            transfer();
        });
        echo.join().expect("it ended");
        let (said, _) = relay.finish();
        let lines: Vec<&str> = said.lines().collect();
        assert!(lines[0].starts_with("relayed for "), "{said}");
        assert!(lines.iter().any(|line| line.starts_with("relay-a -> relay-b: ")), "{said}");
        let back = lines.iter().position(|line| line.starts_with("relay-b -> relay-a: ")).expect("both ways");
        assert!(lines[back + 1..].contains(&"    1 dropped: listed to be lost"), "{said}");
    });
}

/// Stopped for longer than the kernel's queue lasts, the relay says what it did not do.
#[test]
fn a_relay_that_falls_behind_says_so() {
    in_lab(|_driver| {
        let relay = Running::start("[[both]]\ndelay.law.constant = '1ms'");
        let socket = std::net::UdpSocket::bind("192.0.2.1:0").expect("our address");
        // Nobody has this address: the neighbor is set by hand, and each datagram goes into relay-a.
        let to = ["neigh", "add", FAR, "lladdr", "02:00:00:00:00:09", "dev", "br0"];
        Ip::default().run(&to).expect("root");
        socket.send_to(b"first", (FAR, 9)).expect("sent");
        thread::sleep(Duration::from_millis(50));
        relay.signal(Signal::STOP);
        let frames = 3_000;
        (0..frames).for_each(|_| {
            // The kernel may have no room: what it took and dropped counts.
            let _ = socket.send_to(&[0; 100], (FAR, 9));
        });
        thread::sleep(Duration::from_millis(1_200));
        relay.signal(Signal::CONT);
        thread::sleep(Duration::from_millis(1_300));
        let (said, complained) = relay.finish();
        assert!(complained.contains("falling behind: relay-a -> relay-b: "), "{complained}");
        let unread = |text: &str| -> u64 {
            let (before, _) = text.split_once(" not read in time").expect("it says so");
            before.rsplit(' ').next().expect("a number").parse().expect("a number")
        };
        assert!(said.contains("FELL BEHIND: "), "{said}");
        assert!(unread(&said) > 0 && unread(&said) < frames, "{said}");
    });
}

fn complaint(output: &Output) -> String {
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn mistakes_are_answered_with_what_would_be_right() {
    let run = |arguments: &[&str]| complaint(&tickwire_sim(arguments).output().expect("it is built"));
    let good = file("preset = 'lan'");
    let bad = file("[[both]]\ndelay.law.constant = 'soon'");
    let (good_name, bad_name) = (good.to_str().unwrap(), bad.to_str().unwrap());
    let one = run(&["relay", "--tap", "relay-a", "--link", good_name]);
    assert!(one.contains("--tap is given 1 times") && one.contains("--tap A --tap B"), "{one}");
    let wrong = run(&["relay", "--tap", "a", "--tap", "b", "--link", bad_name]);
    assert!(
        wrong.contains(bad_name) && wrong.contains("line 2") && wrong.contains("\"soon\" is no duration"),
        "{wrong}"
    );
    let none = run(&["relay", "--tap", "a", "--tap", "b", "--link", "/nowhere.toml"]);
    assert!(none.contains("cannot read /nowhere.toml"), "{none}");
    let seed = run(&["relay", "--tap", "a", "--tap", "b", "--link", good_name, "--seed", "x"]);
    assert!(seed.contains("--seed") && seed.contains("invalid digit"), "{seed}");
    for path in [good, bad] {
        fs::remove_file(path).unwrap();
    }
}

/// `--seconds` ends it without a signal.
#[test]
fn it_ends_by_itself() {
    in_lab(|_driver| {
        let began = Instant::now();
        let path = file("");
        let mut command = tickwire_sim(&["relay", "--tap", "relay-a", "--tap", "relay-b", "--seconds", "1", "--link"]);
        let output = command.arg(&path).output().expect("it is built");
        fs::remove_file(path).unwrap();
        assert!(output.status.success());
        assert!((Duration::from_secs(1)..Duration::from_secs(5)).contains(&began.elapsed()));
        assert!(String::from_utf8_lossy(&output.stdout).contains("relayed for 1.0"));
    });
}
