//! One connection of a whole stack, and the peer's side of its wire.
//!
//! Lines are relative to both initial sequence numbers: a SYN is 0, the first byte 1. Timestamps of the
//! stack are relative to its SYN's. Text is a pattern of the sequence number, checked wherever it
//! comes out. The peer answers address resolution by itself and that traffic is not told.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use bytes::Bytes;
use core::net::{IpAddr, SocketAddr};
use core::num::NonZeroU16;

use crate::error::{RecvError, SocketError};
use crate::frame::RxMeta;
use crate::tcp::seq::SeqNumber;
use crate::tcp::{How, State, TcpInfo};
use crate::tests::rig::*;
use crate::wire::arp::ArpOperation;
use crate::wire::ethernet::{EtherType, EthernetFrame};
use crate::wire::icmpv6::Icmpv6Message;
use crate::wire::ipv4::{IpProtocol, Ipv4Packet};
use crate::wire::ipv6::Ipv6Packet;
use crate::wire::ndp;
use crate::wire::notation::{self, Notation, Relative};
use crate::wire::tcp::{TcpFlags, TcpSegment};
use crate::{
    Capabilities, Config, ConnectOptions, Duration, Event, ListenOptions, ListenerHandle, Readiness, TcpHandle,
    TcpSettings, Verdict,
};

/// What the peer's SYN says where a test does not care.
pub(super) const PLAIN: &str = "<mss 1000>";
pub(super) const SACK: &str = "<mss 1000,sackOK>";
/// The time between our SYN and its acknowledgment, so the RTO begins at 100 + 4 * 50 ms (RFC 6298 section 2.2).
pub(super) const RTT: Duration = Duration::from_millis(100);

/// The byte at offset `at` of either stream.
fn pattern(at: u32) -> u8 {
    (at % 251) as u8
}

/// What a rig is made of.
#[derive(Clone)]
pub(super) struct Setup {
    pub(super) config: Config,
    pub(super) settings: TcpSettings,
    pub(super) capabilities: Capabilities,
    /// Options of the peer's SYN or SYN-ACK.
    pub(super) options: &'static str,
    /// The window of all that the peer sends in the handshake.
    pub(super) window: u16,
    pub(super) backlog: u32,
    pub(super) ipv6: bool,
    /// Our initial sequence number; what the stack chooses if there is none.
    pub(super) iss: Option<u32>,
    /// The peer's.
    pub(super) irs: u32,
}

impl Default for Setup {
    fn default() -> Setup {
        Setup {
            config: Config { checks: true, ..Config::default() },
            settings: TcpSettings::default(),
            capabilities: Capabilities::plain(1500),
            options: PLAIN,
            window: 65_535,
            backlog: 128,
            ipv6: false,
            iss: None,
            irs: 4_000_000_000,
        }
    }
}

impl Setup {
    pub(super) fn options(options: &'static str) -> Setup {
        Setup { options, ..Setup::default() }
    }

    /// A rig without a connection.
    pub(super) fn idle(self) -> TcpRig {
        let [us, peer] = if self.ipv6 {
            [IpAddr::V6(OUR_V6), IpAddr::V6(PEER_V6)]
        } else {
            [IpAddr::V4(OUR_V4), IpAddr::V4(PEER_V4)]
        };
        let rig = Rig::with(self.config.clone(), self.capabilities);
        let mut rig = TcpRig {
            rig,
            us: SocketAddr::new(us, 50_000),
            peer: SocketAddr::new(peer, 40_000),
            iss: None,
            irs: SeqNumber(self.irs),
            tsval: 0,
            handle: None,
            listener: None,
            peer_answers: true,
            written: 0,
            read: 0,
            setup: self,
        };
        rig.set_clock_for_iss();
        rig
    }

    /// The same without the timestamps option, whose value would differ from line to line.
    pub(super) fn without_timestamps(mut self) -> Setup {
        self.config.tcp.timestamps = false;
        self
    }

    /// A rig with a listener on our port.
    pub(super) fn listening(self) -> TcpRig {
        let mut rig = self.idle();
        rig.listen();
        rig
    }

    /// A rig in ESTABLISHED, opened by us.
    pub(super) fn active(self) -> TcpRig {
        let mut rig = self.idle();
        rig.connect();
        rig.sent();
        rig.rig.now += RTT;
        let (window, options) = (rig.setup.window, rig.setup.options);
        rig.take(&format!("S. 0:0(0) ack 1 win {window} {options}"));
        assert_eq!(rig.state(), State::Established);
        rig.sent();
        rig
    }

    /// A rig in ESTABLISHED, opened by the peer.
    pub(super) fn passive(self) -> TcpRig {
        let mut rig = self.listening();
        let (window, options) = (rig.setup.window, rig.setup.options);
        rig.take(&format!("S 0:0(0) win {window} {options}"));
        rig.sent();
        rig.rig.now += RTT;
        let timestamps = if options.contains("TS") { " <TS val 100 ecr 0>" } else { "" };
        rig.take(&format!(". 1:1(0) ack 1 win {window}{timestamps}"));
        rig.accept();
        assert_eq!((rig.state(), rig.sent()), (State::Established, String::new()));
        rig
    }
}

#[derive(Clone)]
pub(super) struct TcpRig {
    pub(super) rig: Rig,
    pub(super) us: SocketAddr,
    pub(super) peer: SocketAddr,
    /// Ours, once a SYN of ours was seen.
    iss: Option<SeqNumber>,
    irs: SeqNumber,
    /// The TSval of our SYN.
    tsval: u32,
    handle: Option<TcpHandle>,
    listener: Option<ListenerHandle>,
    /// Whether the peer's station answers address resolution.
    pub(super) peer_answers: bool,
    written: u32,
    read: u32,
    setup: Setup,
}

impl TcpRig {
    /// Waits until the clock of RFC 6528 gives the initial sequence number that is wanted: 4 us a tick.
    fn set_clock_for_iss(&mut self) {
        let Some(wanted) = self.setup.iss else { return };
        let mut trial = self.clone();
        trial.connect();
        trial.sent();
        let ticks = wanted.wrapping_sub(trial.iss.unwrap().0);
        self.rig.now += Duration::from_micros(4) * ticks;
    }

    pub(super) fn listen(&mut self) {
        let options = ListenOptions {
            backlog: self.setup.backlog,
            settings: Some(self.setup.settings.clone()),
            ..ListenOptions::default()
        };
        self.listener = Some(self.rig.stack.tcp_listen(self.us, options).unwrap());
    }

    pub(super) fn connect(&mut self) {
        let options = ConnectOptions { local: Some(self.us), settings: Some(self.setup.settings.clone()) };
        self.handle = Some(self.rig.stack.tcp_connect(self.rig.now, self.peer, options).unwrap());
    }

    /// Whether there was a connection to accept.
    pub(super) fn accept(&mut self) -> bool {
        let accepted = self.rig.stack.tcp_accept(self.rig.now, self.listener.unwrap()).unwrap();
        self.handle = accepted.or(self.handle);
        accepted.is_some()
    }

    /// Another connection begins: the next SYN of ours sets what its lines are relative to.
    pub(super) fn renew(&mut self, irs_offset: u32) {
        self.irs += irs_offset;
        self.iss = None;
    }

    /// The streams of another connection begin.
    pub(super) fn restart_pattern(&mut self) {
        (self.written, self.read) = (0, 0);
    }

    /// How far our present initial sequence number is above `other`'s.
    pub(super) fn iss_above(&self, other: &TcpRig) -> u32 {
        self.iss.unwrap().0.wrapping_sub(other.iss.unwrap().0)
    }

    /// The peer sends a segment; its text is the pattern. What is longer than the MTU comes as a
    /// super-segment that the device has merged.
    pub(super) fn rx(&mut self, line: &str) -> Verdict {
        let packet = self.packet(line);
        let merged = packet.len() > usize::from(self.setup.capabilities.mtu);
        let meta = RxMeta { segment_size: NonZeroU16::new(1000).filter(|_| merged), ..RxMeta::default() };
        self.rig.receive_with(&ethernet(OUR_MAC, PEER_MAC, &packet), meta)
    }

    /// The same, of a segment that is to be accepted.
    pub(super) fn take(&mut self, line: &str) {
        assert_eq!(self.rx(line), Verdict::Accepted, "{line}");
    }

    pub(super) fn packet(&self, line: &str) -> Vec<u8> {
        let relative = Relative { seq: self.irs, ack: self.iss.unwrap_or_default() };
        let mut segment = notation::parse(line, self.peer.port(), self.us.port(), relative).unwrap();
        if let Some(timestamps) = segment.options.timestamps.as_mut()
            && segment.header.flags.contains(TcpFlags::ACK)
        {
            timestamps.echo = timestamps.echo.wrapping_add(self.tsval);
        }
        let first = (segment.header.seq - self.irs.0).0.wrapping_sub(1);
        let text: Vec<u8> = (0..segment.payload_len).map(|at| pattern(first.wrapping_add(at))).collect();
        segment.to_packet(self.peer.ip(), self.us.ip(), &text)
    }

    /// A packet of ours as it would be quoted in an ICMP error: a segment that begins at `seq`.
    pub(super) fn own_packet(&self, seq: u32) -> Vec<u8> {
        let relative = Relative { seq: self.iss.unwrap(), ack: self.irs };
        let line = format!(". {seq}:{seq}(0) ack 1 win 1000");
        let segment = notation::parse(&line, self.us.port(), self.peer.port(), relative).unwrap();
        segment.to_packet(self.us.ip(), self.peer.ip(), b"")
    }

    /// The peer's station answers address resolution at last.
    pub(super) fn answer_resolution(&mut self) {
        self.peer_answers = true;
        let reply = arp(ArpOperation::Reply, PEER_MAC, PEER_V4, OUR_MAC, OUR_V4, OUR_MAC);
        assert_eq!(self.rig.receive(&reply), Verdict::Accepted);
    }

    /// What the stack sends now, a line each.
    pub(super) fn sent(&mut self) -> String {
        let mut lines = Vec::new();
        loop {
            let frames = self.rig.frames();
            if frames.is_empty() {
                return lines.join("\n");
            }
            for frame in frames {
                if !self.peer_answers || !self.resolve(&frame) {
                    lines.push(self.line(&frame));
                }
            }
        }
    }

    /// Answers an ARP request or neighbor solicitation for the peer.
    fn resolve(&mut self, frame: &[u8]) -> bool {
        let view = EthernetFrame::parse(frame).unwrap();
        let solicits = |payload| {
            let packet = Ipv6Packet::parse(payload).unwrap();
            packet.next_header() == IpProtocol::ICMPV6
                && Icmpv6Message::parse(packet.payload()).unwrap().bytes()[0] == ndp::NEIGHBOR_SOLICITATION
        };
        let answer = match view.ethertype() {
            EtherType::Arp => arp(ArpOperation::Reply, PEER_MAC, PEER_V4, OUR_MAC, OUR_V4, OUR_MAC),
            EtherType::Ipv6 if solicits(view.payload()) => {
                let mut message = Vec::new();
                let advertisement = ndp::NeighborAdvertisement {
                    router: false,
                    solicited: true,
                    overrides: true,
                    target: PEER_V6,
                    target_link_layer: Some(PEER_MAC),
                };
                advertisement.emit(&mut message);
                ethernet(OUR_MAC, PEER_MAC, &icmpv6_packet(PEER_V6, OUR_V6, 255, message))
            }
            _ => return false,
        };
        assert_eq!(self.rig.receive(&answer), Verdict::Accepted);
        true
    }

    /// A frame's line. Its text must be the pattern.
    pub(super) fn line(&mut self, frame: &[u8]) -> String {
        let view = EthernetFrame::parse(frame).unwrap();
        let upper = match view.ethertype() {
            EtherType::Ipv4 => Ipv4Packet::parse(view.payload()).ok().map(|packet| packet.payload().to_vec()),
            EtherType::Ipv6 => Ipv6Packet::parse(view.payload()).ok().map(|packet| packet.payload().to_vec()),
            _ => None,
        };
        if let Some(segment) = upper.as_deref().and_then(|upper| TcpSegment::parse(upper).ok()) {
            self.look_at(&segment);
        }
        let relative = Relative { seq: self.iss.unwrap_or_default(), ack: self.irs };
        let line = Notation { prefix: "> ", relative, full: false }.frame(frame).to_string();
        self.with_relative_tsval(&line)
    }

    fn look_at(&mut self, segment: &TcpSegment<'_>) {
        if segment.flags().contains(TcpFlags::SYN) && self.iss.is_none() {
            self.iss = Some(segment.seq());
            self.tsval = segment.options().timestamps.map_or(0, |timestamps| timestamps.value);
        }
        let Some(iss) = self.iss.filter(|_| !segment.payload().is_empty()) else { return };
        let first = (segment.seq() - iss.0).0.wrapping_sub(1);
        let expected = |at: usize| pattern(first.wrapping_add(at as u32));
        let wrong = segment.payload().iter().enumerate().find(|&(at, byte)| *byte != expected(at));
        assert_eq!(wrong, None, "text at {first}");
    }

    fn with_relative_tsval(&self, line: &str) -> String {
        let Some((before, rest)) = line.split_once("TS val ") else { return line.to_string() };
        let (value, after) = rest.split_once(' ').unwrap();
        let value: u32 = value.parse().unwrap();
        format!("{before}TS val {} {after}", value.wrapping_sub(self.tsval))
    }

    /// Time passes; what is sent meanwhile comes back with the milliseconds after which it was.
    pub(super) fn pass(&mut self, millis: u64) -> String {
        let (start, end) = (self.rig.now, self.rig.now + Duration::from_millis(millis));
        let mut lines = Vec::new();
        loop {
            self.rig.events();
            let sent = self.sent();
            let elapsed = self.rig.now.since(start).as_millis();
            lines.extend(sent.lines().map(|line| format!("+{elapsed}ms {line}")));
            match self.rig.stack.poll_timeout().map(|wakeup| wakeup.at) {
                Some(at) if at <= end => self.rig.run_to(at),
                _ => break,
            }
        }
        self.rig.now = end;
        lines.join("\n")
    }

    /// The milliseconds after which something was sent within the next `millis`, and what, the same
    /// line each time.
    pub(super) fn times(&mut self, millis: u64) -> (Vec<u64>, String) {
        let told = self.pass(millis);
        let mut times = Vec::new();
        let mut line = "";
        for entry in told.lines() {
            let (time, rest) = entry.split_once("ms ").unwrap();
            times.push(time[1..].parse().unwrap());
            assert!(line.is_empty() || line == rest, "{line} and {rest}");
            line = rest;
        }
        (times, line.to_string())
    }

    /// The application sends `len` bytes.
    pub(super) fn write(&mut self, len: u32) {
        assert_eq!(self.try_write(len), len);
    }

    /// How much of `len` bytes the application gets rid of.
    pub(super) fn try_write(&mut self, len: u32) -> u32 {
        let data: Vec<u8> = (self.written..self.written + len).map(pattern).collect();
        let (now, handle) = (self.rig.now, self.handle.unwrap());
        let taken = self.rig.stack.tcp(handle).unwrap().send(now, &data).unwrap() as u32;
        self.written += taken;
        taken
    }

    /// The same as `write`, without a copy.
    pub(super) fn write_bytes(&mut self, len: u32) {
        let data: Bytes = (self.written..self.written + len).map(pattern).collect();
        let (now, handle) = (self.rig.now, self.handle.unwrap());
        assert_eq!(self.rig.stack.tcp(handle).unwrap().send_bytes(now, data), Ok(len as usize));
        self.written += len;
    }

    /// The application receives at most `len` bytes, which must be the pattern, and returns how many it got.
    pub(super) fn read(&mut self, len: usize) -> Result<usize, RecvError> {
        let mut out = alloc::vec![0; len];
        let (now, handle) = (self.rig.now, self.handle.unwrap());
        let got = self.rig.stack.tcp(handle).unwrap().recv(now, &mut out)?;
        for byte in &out[..got] {
            assert_eq!(*byte, pattern(self.read), "text received at {}", self.read);
            self.read += 1;
        }
        Ok(got)
    }

    pub(super) fn shutdown(&mut self, how: How) {
        let (now, handle) = (self.rig.now, self.handle.unwrap());
        self.rig.stack.tcp(handle).unwrap().shutdown(now, how);
    }

    pub(super) fn close(&mut self) {
        let (now, handle) = (self.rig.now, self.handle.unwrap());
        self.rig.stack.tcp(handle).unwrap().close(now);
    }

    pub(super) fn abort(&mut self) {
        let (now, handle) = (self.rig.now, self.handle.unwrap());
        self.rig.stack.tcp(handle).unwrap().abort(now);
    }

    /// The application gives its handle back.
    pub(super) fn release(&mut self) {
        self.rig.stack.tcp_release(self.rig.now, self.handle.unwrap()).unwrap();
    }

    pub(super) fn state(&mut self) -> State {
        self.rig.stack.tcp(self.handle.unwrap()).unwrap().state()
    }

    pub(super) fn info(&mut self) -> TcpInfo {
        self.rig.stack.tcp(self.handle.unwrap()).unwrap().info().unwrap()
    }

    pub(super) fn error(&mut self) -> Option<SocketError> {
        self.rig.stack.tcp(self.handle.unwrap()).unwrap().take_error()
    }

    pub(super) fn set(&mut self, change: impl FnOnce(&mut TcpSettings)) {
        let (now, handle) = (self.rig.now, self.handle.unwrap());
        let mut socket = self.rig.stack.tcp(handle).unwrap();
        let mut settings = socket.settings().unwrap().clone();
        change(&mut settings);
        socket.set_settings(now, settings).unwrap();
    }

    /// What the connection's application is told now.
    pub(super) fn readiness(&mut self) -> Readiness {
        let handle = self.handle;
        self.rig
            .events()
            .into_iter()
            .filter_map(|event| match event {
                Event::Tcp(of, readiness) if Some(of) == handle => Some(readiness),
                _ => None,
            })
            .collect()
    }

    /// How many connections the stack holds.
    pub(super) fn connections(&self) -> usize {
        self.rig.stack.tcp_sockets().count()
    }
}
