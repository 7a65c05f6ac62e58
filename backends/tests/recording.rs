//! Recordings as a driver writes them: what ends one and what does not, and the bytes of each record.
#![cfg(target_os = "linux")]

mod support;

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use support::ip4;
use tickwire_backends::driver::{Context, Driver, DriverError, Loop, Service};
use tickwire_backends::net::{TcpListener, TcpStream};
use tickwire_backends::pair::{PairDevice, pair};
use tickwire_backends::recording::{Reader, Record, Recording, RecordingError, RecordingWriter};
use tickwire_core::record::{Call, ENTRIES_MAX, Entry};
use tickwire_core::wire::ethernet::EthernetAddress;
use tickwire_core::{Config, Event, InterfaceAddress, ListenOptions, Seed};

/// A file of a test's own; it goes with this.
struct TempFile(PathBuf);

impl TempFile {
    fn new() -> TempFile {
        static FILES: AtomicU32 = AtomicU32::new(0);
        let number = FILES.fetch_add(1, Ordering::Relaxed);
        TempFile(std::env::temp_dir().join(format!("tickwire-recording-{}-{number}", std::process::id())))
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        // It may never have been made.
        let _ = std::fs::remove_file(&self.0);
    }
}

fn recorded(
    device: PairDevice,
    path: &Path,
    on_failure: impl FnOnce(&io::Error) + Send + 'static,
) -> (Loop, RecordingWriter) {
    let (recording, writer) = Recording::create(path, on_failure).expect("a file");
    let mut turns = Loop::recorded(Config::default(), Some(Seed([3; 32])), recording).expect("an eventfd");
    let addresses = [InterfaceAddress { address: ip4(2), prefix_len: 24 }];
    turns.add_device(device, EthernetAddress([2, 0, 0, 0, 0, 2]), &addresses).expect("a valid interface");
    (turns, writer)
}

/// `hello` there and back by way of the recorded host.
fn echo(west: &Driver, east: &Driver, port: u16) {
    let listener = TcpListener::bind(&east.handle(), (ip4(2), port)).expect("a free port");
    let mut client = TcpStream::connect(&west.handle(), SocketAddr::new(ip4(2), port)).expect("it listens");
    let (mut server, _) = listener.accept().expect("it connected");
    let mut line = [0; 5];
    client.write_all(b"hello").expect("connected");
    server.read_exact(&mut line).expect("sent");
    server.write_all(&line).expect("connected");
    client.read_exact(&mut line).expect("echoed");
    assert_eq!(&line, b"hello");
}

fn west(device: PairDevice) -> Driver {
    Driver::spawn(support::host(device, 1)).expect("a thread")
}

fn records(path: &Path) -> Vec<Record> {
    let mut reader = Reader::open(path).expect("a recording");
    std::iter::from_fn(|| reader.next_record().expect("whole")).collect()
}

/// The disk is full: it is said at once, and the stack goes on as if nothing were.
#[test]
fn a_full_disk_ends_the_recording_and_nothing_else() {
    let (near, far) = pair(1500).expect("eventfds");
    let west = west(near);
    let said = Arc::new(Mutex::new(None));
    let told = Arc::clone(&said);
    let on_failure = move |error: &io::Error| *told.lock().expect("no panic") = Some(error.kind());
    let (turns, writer) = recorded(far, Path::new("/dev/full"), on_failure);
    let east = Driver::spawn(turns).expect("a thread");
    for port in 1..20 {
        echo(&west, &east, port);
    }
    let kind = (0..500).find_map(|_| {
        thread::sleep(Duration::from_millis(10));
        *said.lock().expect("no panic")
    });
    assert_eq!(kind, Some(ErrorKind::StorageFull));
    echo(&west, &east, 79);
    east.handle().end_recording();
    match writer.finish() {
        Err(RecordingError::Write { path, source }) => {
            assert_eq!((path.to_str(), source.kind()), (Some("/dev/full"), ErrorKind::StorageFull));
        }
        other => panic!("{other:?}"),
    }
    echo(&west, &east, 80);
}

#[test]
fn too_many_calls_at_once_end_the_recording_and_nothing_else() {
    let (near, far) = pair(1500).expect("eventfds");
    let (west, file) = (west(near), TempFile::new());
    let (turns, writer) = recorded(far, &file.0, |error| panic!("there is room: {error}"));
    let east = Driver::spawn(turns).expect("a thread");
    echo(&west, &east, 7);
    east.handle().with(|stack, _| {
        for _ in 0..ENTRIES_MAX {
            stack.poll_event();
        }
    });
    echo(&west, &east, 8);
    east.handle().end_recording();
    let ended = writer.finish().expect_err("it is not whole").to_string();
    assert!(ended.ends_with("ends early: more than 262144 calls within one of the driver's"), "{ended}");
    assert_eq!(records(&file.0).last(), Some(&Record::Entry(Entry::Overflow)));
}

struct Panics(Arc<AtomicBool>);

impl Service for Panics {
    fn start(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        context.tcp_listen(SocketAddr::new(ip4(2), 7), ListenOptions::default()).map(drop).map_err(io::Error::other)
    }

    fn on_event(&mut self, context: &mut Context<'_>, event: Event) {
        if let Event::Listener(listener) = event {
            let _ = context.tcp_accept(listener);
            self.0.store(true, Ordering::Release);
            panic!("on purpose");
        }
    }
}

/// After a panic on the driver's thread the call before it is in the file.
#[test]
fn a_panic_does_not_take_the_last_call_along() {
    let (near, far) = pair(1500).expect("eventfds");
    let (west, file) = (west(near), TempFile::new());
    let (mut turns, writer) = recorded(far, &file.0, |error| panic!("there is room: {error}"));
    let panicked = Arc::new(AtomicBool::new(false));
    turns.add_service(Box::new(Panics(Arc::clone(&panicked)))).expect("a free port");
    let east = Driver::spawn(turns).expect("a thread");
    let _client = TcpStream::connect(&west.handle(), SocketAddr::new(ip4(2), 7)).expect("it listens");
    while !panicked.load(Ordering::Acquire) || !east.is_finished() {
        thread::sleep(Duration::from_millis(1));
    }
    let handle = east.handle();
    assert!(matches!(east.shutdown(Duration::ZERO), Err(DriverError::Panicked)));
    handle.end_recording();
    writer.finish().expect("written");
    let records = records(&file.0);
    let is_accept = |record: &Record| matches!(record, Record::Entry(Entry::Call(Call::TcpAccept { .. })));
    assert!(records.iter().any(is_accept));
    assert!(matches!(records.last(), Some(Record::End { .. })));
}

/// Who kills the program finds nearly all of it in the file, though it was never ended.
#[test]
fn a_running_recording_is_in_the_file_soon() {
    let (near, far) = pair(1500).expect("eventfds");
    let (west, file) = (west(near), TempFile::new());
    let (turns, writer) = recorded(far, &file.0, |error| panic!("there is room: {error}"));
    let east = Driver::spawn(turns).expect("a thread");
    echo(&west, &east, 7);
    let has_data = |record: &Record| format!("{record:?}").contains("hello");
    for _ in 0..500 {
        if Reader::open(&file.0).is_ok() && records(&file.0).iter().any(has_data) {
            east.handle().end_recording();
            writer.finish().expect("written");
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("it is in the file within 5 s");
}

#[test]
fn an_unwritable_path_is_told() {
    let refused = Recording::create(Path::new("/no/such/folder/run.twr"), |_| {}).expect_err("no folder");
    let said = refused.to_string();
    assert!(said.starts_with("cannot write the recording /no/such/folder/run.twr: "), "{said}");
}
