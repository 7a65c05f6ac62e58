//! What the other side does with the stack, and how each is judged. Every figure is measured.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use tickwire_core::tcp::State;

use super::side::{Connection, PATIENCE, Side};
use super::stage::Lab;
use super::{STACK, STACK_V4, STACK_V6};
use crate::command::figures::{grouped, time};

/// Echo requests per family.
pub(super) const PINGS: u16 = 20;
/// One-byte round trips.
const ROUND_TRIPS: usize = 1000;
/// Connections that are open at once.
const CONNECTIONS: usize = 100;
/// What each of them sends and gets back, in bytes.
const CONNECTION_BYTES: usize = 16 * 1024;
/// A port that no service has (RFC 6335 section 6: unassigned).
const CLOSED_PORT: u16 = 4;

/// Something to do, and what the table calls it.
pub(super) struct Task {
    pub(super) name: &'static str,
    pub(super) family: &'static str,
    pub(super) does: Box<Does>,
}

/// Does it; `Err` says why it did not hold.
type Does = dyn Fn(&Lab) -> Result<Outcome, String>;

/// What came of it.
pub(super) struct Outcome {
    pub(super) result: String,
    pub(super) figure: String,
}

/// All tasks but the bulk transfers.
pub(super) fn all() -> Vec<Task> {
    let mut tasks = Vec::new();
    tasks.extend(both("ping", ping));
    tasks.extend(both("TCP, one byte and back", round_trips));
    tasks.extend(both("HTTP GET /", page));
    tasks.extend(both("TCP to a closed port", refused_stream));
    tasks.extend(both("UDP to a closed port", refused_datagram));
    tasks.push(Task { name: "100 connections at once", family: "both", does: Box::new(connections) });
    tasks
}

/// The same task over IPv4 and IPv6.
pub(super) fn both(name: &'static str, does: fn(&dyn Side, IpAddr) -> Result<Outcome, String>) -> Vec<Task> {
    let families = [("IPv4", IpAddr::V4(STACK_V4)), ("IPv6", IpAddr::V6(STACK_V6))];
    families
        .into_iter()
        .map(|(family, to)| Task { name, family, does: Box::new(move |lab: &Lab| does(&*lab.side, to)) })
        .collect()
}

/// What was being done when an error came.
pub(super) fn at(step: &str) -> impl Fn(io::Error) -> String {
    move |error| format!("{step}: {error}")
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn ping(side: &dyn Side, to: IpAddr) -> Result<Outcome, String> {
    let times = side.ping(to, PINGS).map_err(at("no reply"))?;
    let result = format!("{} of {PINGS} answered", times.len());
    Ok(Outcome { result, figure: format!("{} median", time(median(times))) })
}

fn round_trips(side: &dyn Side, to: IpAddr) -> Result<Outcome, String> {
    let stream = side.connect(SocketAddr::new(to, 7)).map_err(at("connect"))?;
    let mut times = Vec::with_capacity(ROUND_TRIPS);
    for round in 0..ROUND_TRIPS {
        let (sent, mut received) = ([round as u8], [0]);
        let began = Instant::now();
        stream.write_all(&sent).map_err(at("send"))?;
        stream.read_exact(&mut received).map_err(at("receive"))?;
        times.push(began.elapsed());
        if received != sent {
            return Err(format!("byte {round} came back as another"));
        }
    }
    finish(&*stream)?;
    let result = format!("{} round trips", grouped(ROUND_TRIPS as u64));
    Ok(Outcome { result, figure: format!("{} median", time(median(times))) })
}

/// Ends our direction; the echo service must then end its own, with nothing more in it.
pub(super) fn finish(stream: &dyn Connection) -> Result<(), String> {
    stream.finish().map_err(at("close"))?;
    match stream.read(&mut [0; 1]).map_err(at("wait for the end"))? {
        0 => Ok(()),
        _ => Err("more came back than was sent".to_owned()),
    }
}

fn page(side: &dyn Side, to: IpAddr) -> Result<Outcome, String> {
    let began = Instant::now();
    let stream = side.connect(SocketAddr::new(to, 80)).map_err(at("connect"))?;
    let host = if to.is_ipv4() { to.to_string() } else { format!("[{to}]") };
    let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).map_err(at("send"))?;
    let (mut response, mut buf) = (Vec::new(), [0; 4096]);
    loop {
        match stream.read(&mut buf).map_err(at("receive"))? {
            0 => break,
            count => response.extend_from_slice(&buf[..count]),
        }
    }
    let elapsed = began.elapsed();
    let response = String::from_utf8(response).map_err(|_| "the response is no text".to_owned())?;
    let (head, body) = response.split_once("\r\n\r\n").ok_or("the response has no end of its head")?;
    let status = head.lines().next().unwrap_or_default().trim_start_matches("HTTP/1.1 ");
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    if status != "200 OK" || length != Some(&body.len().to_string()) || !body.contains("<title>tickwire") {
        return Err(format!("not the page: {status}, {} bytes", body.len()));
    }
    Ok(Outcome { result: format!("200 OK, {} bytes", grouped(body.len() as u64)), figure: time(elapsed) })
}

/// A connection to a port where nobody listens must be answered by a reset (RFC 9293 section 3.5.2).
fn refused_stream(side: &dyn Side, to: IpAddr) -> Result<Outcome, String> {
    let began = Instant::now();
    match side.connect(SocketAddr::new(to, CLOSED_PORT)) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            Ok(Outcome { result: "refused, by a reset".to_owned(), figure: time(began.elapsed()) })
        }
        Err(error) => Err(format!("refused is what it should be: {error}")),
        Ok(_) => Err("it was accepted".to_owned()),
    }
}

/// A datagram to a port that no socket is bound to must be answered by an ICMP error (RFC 1122
/// section 4.1.3.1, RFC 4443 section 3.1).
fn refused_datagram(side: &dyn Side, to: IpAddr) -> Result<Outcome, String> {
    let socket = side.datagrams(SocketAddr::new(to, CLOSED_PORT)).map_err(at("socket"))?;
    let began = Instant::now();
    socket.send(b"is somebody there?").map_err(at("send"))?;
    match socket.recv(&mut [0; 64]) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            Ok(Outcome { result: "refused, by ICMP".to_owned(), figure: time(began.elapsed()) })
        }
        Err(error) => Err(format!("refused is what it should be: {error}")),
        Ok(_) => Err("it was answered".to_owned()),
    }
}

/// Opens all of them, sends on all, and only then reads: so they are open at once, which is also
/// counted in the stack.
fn connections(lab: &Lab) -> Result<Outcome, String> {
    let began = Instant::now();
    let mut streams = Vec::with_capacity(CONNECTIONS);
    for number in 0..CONNECTIONS {
        let to = SocketAddr::new(STACK[number % STACK.len()], 7);
        let stream = lab.side.connect(to).map_err(at(&format!("connection {number}")))?;
        let data: Vec<u8> = (0..CONNECTION_BYTES).map(|at| (at * 31 + number * 7) as u8).collect();
        stream.write_all(&data).map_err(at("send"))?;
        streams.push((stream, data));
    }
    let open = established(lab);
    if open < CONNECTIONS {
        return Err(format!("only {open} of {CONNECTIONS} are established in the stack"));
    }
    for (stream, data) in &streams {
        let mut echoed = vec![0; data.len()];
        stream.read_exact(&mut echoed).map_err(at("receive"))?;
        if echoed != *data {
            return Err("what came back is not what was sent".to_owned());
        }
        finish(&**stream)?;
    }
    let result = format!("{open} open, {} KiB back on each", CONNECTION_BYTES / 1024);
    Ok(Outcome { result, figure: time(began.elapsed()) })
}

/// Connections to the echo service that are established in the stack. The last of them may still be
/// on its way: our side is established one segment earlier than the stack's.
fn established(lab: &Lab) -> usize {
    let began = Instant::now();
    loop {
        let open = lab.stack().with(|stack, _| {
            let ours = stack.tcp_sockets().filter(|entry| entry.local.port() == 7);
            ours.filter(|entry| entry.state == State::Established).count()
        });
        if open >= CONNECTIONS || began.elapsed() > PATIENCE {
            return open;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}
