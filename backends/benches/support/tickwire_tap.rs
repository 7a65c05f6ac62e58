//! tickwire's programs on a TAP: services in the product's own loop, lock and wake-up included,
//! turned by the program's one thread.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tickwire_backends::driver::{Context, Loop, Service};
use tickwire_backends::recording::Recording;
use tickwire_backends::tap::Tap as TapDevice;
use tickwire_core::config::{Config, InterfaceAddress, TcpSettings};
use tickwire_core::event::Event;
use tickwire_core::socket::{ListenOptions, TcpHandle};
use tickwire_core::tcp::How;
use tickwire_core::wire::ethernet::EthernetAddress;

use super::APPLICATION_BUFFER;
use super::kernel::Meter;
use super::programs::{BULK_PORT, ECHO_PORT, TICKWIRE, TapPrograms};
use super::tap::{STACK, STACK_MAC, Tap};

pub(crate) const PROGRAMS: TapPrograms = TapPrograms { name: TICKWIRE, sink, source, echo };

/// The same, with every call on the stack recorded to a file in the directory for temporary ones.
pub(crate) const RECORDED: TapPrograms = TapPrograms {
    name: "tickwire, recorded",
    sink: |tap| sink_by(&Recorder::Running, tap),
    source: |tap| source_by(&Recorder::Running, tap),
    echo: |tap| echo_by(&Recorder::Running, tap),
};

/// Whether calls are recorded.
enum Recorder {
    Off,
    Running,
}

impl Recorder {
    /// Runs `turn` on a loop until it says that it is over; then all is written.
    fn run(&self, turn: impl FnOnce(&mut Loop) -> io::Result<()>) -> io::Result<()> {
        let Recorder::Running = self else {
            return turn(&mut Loop::new(Config::default(), None).map_err(io::Error::other)?);
        };
        let path = std::env::temp_dir().join(format!("tickwire-bench-{}.twr", std::process::id()));
        let (recording, writer) = Recording::create(&path, |_| {}).map_err(io::Error::other)?;
        let mut turns = Loop::recorded(Config::default(), None, recording).map_err(io::Error::other)?;
        let ended = turn(&mut turns);
        turns.handle().end_recording();
        let written = writer.finish().map_err(io::Error::other);
        std::fs::remove_file(&path)?;
        let summary = written?;
        eprintln!("  {} calls, {} MB", summary.calls, summary.bytes / 1_000_000);
        ended
    }
}

fn sink(tap: &Tap) -> io::Result<Meter> {
    sink_by(&Recorder::Off, tap)
}

fn source(tap: &Tap) -> io::Result<()> {
    source_by(&Recorder::Off, tap)
}

fn echo(tap: &Tap) -> io::Result<()> {
    echo_by(&Recorder::Off, tap)
}

/// Buffers of the bulk connection, each way.
const BULK_BUFFER: u32 = 1024 * 1024;

fn sink_by(recorder: &Recorder, tap: &Tap) -> io::Result<Meter> {
    let mut buffer = vec![0; APPLICATION_BUFFER];
    let (mut bytes, mut begun, mut elapsed) = (0, None, Duration::ZERO);
    let meter = Arc::new(Mutex::new(Meter { bytes: 0, elapsed }));
    let result = Arc::clone(&meter);
    serve(recorder, tap, BULK_PORT, BULK_BUFFER, move |context, handle| {
        loop {
            let mut socket = context.stack.tcp(handle).map_err(io::Error::other)?;
            match socket.recv(context.now, &mut buffer) {
                Ok(0) => {
                    elapsed = begun.map_or(elapsed, |begun: Instant| begun.elapsed());
                    *meter.lock().map_err(|_| io::ErrorKind::Other)? = Meter { bytes, elapsed };
                    socket.shutdown(context.now, How::Write);
                    return Ok(());
                }
                Ok(length) => {
                    begun.get_or_insert_with(Instant::now);
                    bytes += length as u64;
                }
                Err(_) => return Ok(()),
            }
        }
    })?;
    let meter = result.lock().map_err(|_| io::ErrorKind::Other)?;
    Ok(Meter { bytes: meter.bytes, elapsed: meter.elapsed })
}

fn source_by(recorder: &Recorder, tap: &Tap) -> io::Result<()> {
    let data = vec![0x5a; APPLICATION_BUFFER];
    serve(recorder, tap, BULK_PORT, BULK_BUFFER, move |context, handle| {
        let mut socket = context.stack.tcp(handle).map_err(io::Error::other)?;
        while socket.send(context.now, &data).is_ok_and(|length| length > 0) {}
        Ok(())
    })
}

fn echo_by(recorder: &Recorder, tap: &Tap) -> io::Result<()> {
    serve(recorder, tap, ECHO_PORT, APPLICATION_BUFFER as u32, |context, handle| {
        let mut socket = context.stack.tcp(handle).map_err(io::Error::other)?;
        let mut byte = [0; 1];
        loop {
            match socket.recv(context.now, &mut byte) {
                Ok(0) => {
                    socket.shutdown(context.now, How::Write);
                    return Ok(());
                }
                Ok(_) => _ = socket.send(context.now, &byte),
                Err(_) => return Ok(()),
            }
        }
    })
}

/// Serves one connection on `port`: `application` is called for each of its events.
fn serve(
    recorder: &Recorder,
    tap: &Tap,
    port: u16,
    buffer: u32,
    application: impl FnMut(&mut Context<'_>, TcpHandle) -> io::Result<()> + Send + 'static,
) -> io::Result<()> {
    let device = TapDevice::from_fd("tap7", tap.descriptor()?, 1500).map_err(io::Error::other)?;
    let addresses = [InterfaceAddress::v4(STACK, 24)];
    recorder.run(|turns| {
        turns.add_device(device, EthernetAddress(STACK_MAC), &addresses).map_err(io::Error::other)?;
        let ended = Arc::new(Mutex::new(false));
        turns.add_service(Box::new(OneConnection { port, buffer, application, ended: Arc::clone(&ended) }))?;
        while !*ended.lock().map_err(|_| io::ErrorKind::Other)? {
            turns.turn(None).map_err(io::Error::other)?;
        }
        Ok(())
    })
}

/// A service for one connection.
struct OneConnection<A> {
    port: u16,
    buffer: u32,
    application: A,
    ended: Arc<Mutex<bool>>,
}

impl<A: FnMut(&mut Context<'_>, TcpHandle) -> io::Result<()> + Send> Service for OneConnection<A> {
    fn start(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let settings = TcpSettings {
            send_buffer: self.buffer,
            receive_buffer: self.buffer,
            no_delay: true,
            ..TcpSettings::default()
        };
        let options = ListenOptions { backlog: 1, settings: Some(settings), dual_stack: false };
        let local = SocketAddr::from((Ipv4Addr::UNSPECIFIED, self.port));
        context.tcp_listen(local, options).map(drop).map_err(io::Error::other)
    }

    fn on_event(&mut self, context: &mut Context<'_>, event: Event) {
        let handle = match event {
            Event::Listener(listener) => context.tcp_accept(listener).ok().flatten(),
            Event::Tcp(handle, _) => Some(handle),
            Event::Udp(..) | Event::Address { .. } | Event::Configuration(_) => None,
        };
        let Some(handle) = handle else { return };
        let failed = (self.application)(context, handle).is_err();
        // TIME-WAIT is over for a program that serves one connection.
        let over = context.tcp(handle).is_ok_and(|socket| {
            use tickwire_core::tcp::State;
            matches!(socket.state(), State::Closed | State::TimeWait)
        });
        if (over || failed)
            && let Ok(mut ended) = self.ended.lock()
        {
            *ended = true;
        }
    }
}
