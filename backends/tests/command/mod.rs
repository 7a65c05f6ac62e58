//! What the tests of the command have in common: a namespace of one's own, and `tickwire run` in it.
//!
//! - [`peer`]: servers of others, which it is tested against
//! - [`bridge`]: a bridge that it is a port of
#![allow(dead_code, reason = "each test program uses its part")]

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tickwire_backends::net_setup::{Ip, NetSetupError, enter_network_namespace};
use tickwire_backends::recording::{Reader, Record};
use tickwire_core::record::Entry;
use tickwire_core::{Stack, TxBatch};

pub(crate) mod bridge;
pub(crate) mod peer;

/// No single wait takes longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// The stack's addresses, and the arguments that set them.
pub(crate) const STACK_V4: &str = "192.0.2.2";
pub(crate) const STACK_V6: &str = "2001:db8::2";
pub(crate) const ADDRESSES: [&str; 8] =
    ["--ip4", "192.0.2.2/24", "--ip6", "2001:db8::2/64", "--kernel", "192.0.2.1/24", "--kernel", "2001:db8::1/64"];

pub(crate) fn stack() -> [IpAddr; 2] {
    [STACK_V4, STACK_V6].map(|address| address.parse().expect("an address"))
}

pub(crate) fn tickwire() -> Command {
    Command::new(env!("CARGO_BIN_EXE_tickwire"))
}

/// Whether a machine without a TAP makes a test fail.
pub(crate) fn requires_tap() -> bool {
    std::env::var_os("TICKWIRE_REQUIRE_TAP").is_some_and(|value| value == "1")
}

/// Runs `test` on a thread in a network namespace of its own, which goes away with the thread and
/// the processes that it started. Skips, and says so, where none can be had.
pub(crate) fn in_namespace(test: impl FnOnce() + Send) {
    thread::scope(|scope| {
        let inside = scope.spawn(|| match prepare() {
            Ok(()) => test(),
            Err(reason) if requires_tap() => panic!("a TAP in a namespace is required: {reason}"),
            Err(reason) => println!("skipped: {reason}"),
        });
        if let Err(panic) = inside.join() {
            std::panic::resume_unwind(panic);
        }
    });
}

fn prepare() -> Result<(), NetSetupError> {
    enter_network_namespace()?;
    let ip = Ip::default();
    ip.link_up("lo")?;
    // A try of what `tickwire` will do: a TAP, and an IPv6 address on it.
    ip.add_tap("probe0", "root")?;
    ip.link_up("probe0")?;
    ip.add_address("probe0", "2001:db8:1::1".parse().expect("an address"), 64)?;
    ip.delete_link("probe0")
}

/// A `tickwire run` that has said that it is ready. Ended by its process id if a test forgets it.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    pub(crate) ready: String,
    stderr: Receiver<String>,
}

impl Running {
    /// Starts it with the addresses, and waits until it is ready.
    pub(crate) fn start(arguments: &[&str]) -> Running {
        Running::start_with(&[&ADDRESSES, arguments].concat())
    }

    pub(crate) fn start_with(arguments: &[&str]) -> Running {
        Running::start_within(arguments, PATIENCE)
    }

    /// Starts it, and waits for so long until it is ready.
    pub(crate) fn start_within(arguments: &[&str], patience: Duration) -> Running {
        let mut child = tickwire()
            .arg("run")
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command that was built");
        let (stdout, mut stderr) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
        let (line_sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = line_sender.send(line);
            }
        });
        let (text_sender, text) = channel();
        thread::spawn(move || {
            let mut all = String::new();
            let _ = stderr.read_to_string(&mut all);
            let _ = text_sender.send(all);
        });
        let mut running = Running { child, lines, ready: String::new(), stderr: text };
        match running.lines.recv_timeout(patience) {
            Ok(line) => running.ready = line,
            Err(error) => {
                panic!("not ready, {error}: {}", running.stderr.recv_timeout(PATIENCE).unwrap_or_default())
            }
        }
        running
    }

    /// The hardware address that its `ready` line names.
    pub(crate) fn hardware_address(&self) -> &str {
        self.ready.split(' ').skip_while(|word| *word != "mac").nth(1).expect("it names one")
    }

    /// The next line of its standard output.
    pub(crate) fn next_line(&mut self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("another line")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    /// Waits until it has ended; what it wrote to standard error comes with its status.
    pub(crate) fn wait(mut self) -> (ExitStatus, String) {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().expect("it is ours") {
                return (status, self.stderr.recv_timeout(PATIENCE).unwrap_or_default());
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("it did not end");
    }

    /// SIGTERM, the exit code 0, and all within 2 s.
    pub(crate) fn stop(self) {
        let began = Instant::now();
        self.signal(Signal::TERM);
        let (status, stderr) = self.wait();
        assert!(status.success(), "{status}: {stderr}");
        assert!(began.elapsed() < Duration::from_secs(2), "it took {:?}", began.elapsed());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A connection of the kernel's to the stack, all its calls bounded in time.
pub(crate) fn connect(to: IpAddr, port: u16) -> TcpStream {
    let stream = TcpStream::connect_timeout(&SocketAddr::new(to, port), PATIENCE).expect("accepted");
    stream.set_read_timeout(Some(PATIENCE)).expect("valid");
    stream.set_write_timeout(Some(PATIENCE)).expect("valid");
    stream
}

/// A UDP socket of the kernel's, connected to the stack.
pub(crate) fn datagrams(to: IpAddr, port: u16) -> UdpSocket {
    let socket = UdpSocket::bind((if to.is_ipv4() { "0.0.0.0" } else { "::" }, 0)).expect("a free port");
    socket.connect((to, port)).expect("it has a route");
    socket.set_read_timeout(Some(PATIENCE)).expect("valid");
    socket
}

/// All that comes until the peer ends its direction.
pub(crate) fn read_all(mut stream: &TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).expect("the peer closes");
    all
}

/// Whether the stack answers the program `ping` (iputils), which is told the interface for link-local
/// addresses.
pub(crate) fn ping(to: IpAddr) -> bool {
    let link_local = matches!(to, IpAddr::V6(address) if address.is_unicast_link_local());
    let to = if link_local { format!("{to}%tap7") } else { to.to_string() };
    let output =
        Command::new("ping").args(["-n", "-c", "1", "-W", "2", &to]).output().expect("iputils-ping is installed");
    output.status.success()
}

/// What a run recorded in `file` is done again, call by call, and each is answered as it was.
pub(crate) fn assert_replays(file: &str) {
    let mut reader = Reader::open(Path::new(file)).expect("a recording");
    let start = reader.start().clone();
    let mut stack = Stack::new(start.config, start.seed);
    stack.start_recording(0);
    let (mut recorded, mut again, mut batch) = (Vec::new(), Vec::new(), TxBatch::new());
    let end = loop {
        match reader.next_record().expect("whole") {
            Some(Record::Entry(entry)) => {
                if let Entry::Call(call) = &entry {
                    call.clone().apply(&mut stack, &mut batch);
                    batch.clear();
                }
                recorded.push(entry);
            }
            Some(Record::End { digest }) => break digest,
            Some(_) => {}
            None => panic!("{file} has an end"),
        }
    };
    stack.take_recorded(&mut again);
    let differs = recorded.iter().zip(&again).position(|(first, second)| first != second);
    assert_eq!(differs.map(|at| (at, &recorded[at], &again[at])), None);
    assert_eq!((recorded.len(), end), (again.len(), stack.digest()));
    assert!(recorded.len() > 50, "{} entries", recorded.len());
}
