//! From a segment to its connection, and what follows from any call on a connection.

use alloc::boxed::Box;
use bytes::Buf;
use core::hash::BuildHasher;
use core::net::SocketAddr;

use super::receive::is_vouched;
use super::{ISN_TICK_NANOS, Stack};
use crate::config::TcpSettings;
use crate::error::DropReason;
use crate::event::Readiness;
use crate::frame::Frame;
use crate::ip::address::is_destination;
use crate::ip::input::Received;
use crate::ip::output::PacketHeader;
use crate::ip::packet::Body;
use crate::ip::route::{Hop, Query, Refusal};
use crate::keyed::HashKey;
use crate::link::{InterfaceId, Ready};
use crate::offload;
use crate::provenance::Queued;
use crate::socket::demux::Flow;
use crate::socket::table::{Owner, TcpSlot};
use crate::socket::{ListenerHandle, TcpHandle};
use crate::tcp::seq::SeqNumber;
use crate::tcp::{Arrival, Env, Judgement, Open, Reset, Segment, State, Tcb, reset_for};
use crate::wire::ipv4::IpProtocol;
use crate::wire::ipv4_options::IpOptions;
use crate::wire::tcp::TcpSegment;
use crate::wire::{ipv4, ipv6, tcp};
use core::net::IpAddr;
use slotmap::SlotMap;

/// Examinations that are kept until somebody takes them.
const EXAMINATIONS: usize = 4096;

/// The segment size that a peer takes which told none (RFC 9293 MUST-15).
const MSS_DEFAULT_V4: u16 = 536;
const MSS_DEFAULT_V6: u16 = 1220;

impl Stack {
    pub(super) fn receive_tcp(
        &mut self,
        id: InterfaceId,
        frame: &mut Frame,
        received: &Received,
    ) -> Result<(), DropReason> {
        if !received.may_be_answered() {
            return Err(DropReason::TcpNotUnicast);
        }
        let bytes = frame.data.get(received.upper.clone()).ok_or(DropReason::TcpTruncated)?;
        let view = TcpSegment::parse(bytes)?;
        if !is_vouched(frame) && !view.verify_checksum(pseudo_header(received, bytes.len())) {
            return Err(DropReason::TcpChecksum);
        }
        let header = view.header();
        if header.src_port == 0 || header.dst_port == 0 {
            return Err(DropReason::TcpPort);
        }
        let options = view.options();
        let text_at = received.upper.start + view.header_len();
        frame.data.truncate(received.upper.end);
        frame.data.advance(text_at);
        let mut segment = Segment { header, options: &options, text: &mut frame.data };
        let flow = Flow {
            local: received.dst,
            local_port: header.dst_port,
            remote: received.src,
            remote_port: header.src_port,
        };
        if self.config.examine {
            self.examined_segment = Some((self.occasion.trigger, segment.header.flags));
        }
        self.deliver_segment(id, flow, &mut segment)
    }

    #[inline]
    fn deliver_segment(&mut self, id: InterfaceId, flow: Flow, segment: &mut Segment<'_>) -> Result<(), DropReason> {
        let Some(handle) = self.sockets.demux.flows.find(&flow) else {
            return self.segment_without_connection(id, flow, segment);
        };
        let Some((slot, mut env)) = self.connection(handle) else { return Err(DropReason::TcpNoSocket) };
        let arrival = slot.tcb.on_segment(&mut env, segment);
        match arrival {
            Arrival::Accepted => {
                self.settle_tcp(handle);
                Ok(())
            }
            Arrival::Dropped(reason) => {
                self.settle_tcp(handle);
                Err(reason)
            }
            Arrival::Reopen => self.reopen(id, handle, flow, segment),
        }
    }

    /// A SYN that may end TIME-WAIT, if a listener takes it: else a stranger's SYN would only undo
    /// what TIME-WAIT protects, and is answered as in any other synchronized state.
    #[cold]
    fn reopen(
        &mut self,
        id: InterfaceId,
        handle: TcpHandle,
        flow: Flow,
        segment: &Segment<'_>,
    ) -> Result<(), DropReason> {
        let listener = self.sockets.demux.listeners.find(flow.local, flow.local_port, id).filter(|&listener| {
            let slot = self.sockets.listeners.get(listener);
            slot.is_some_and(|slot| slot.listener.on_segment(&self.config.limits, segment) == Judgement::Open)
        });
        let Some((slot, mut env)) = self.connection(handle) else { return Err(DropReason::TcpNoSocket) };
        let Some(listener) = listener else {
            slot.tcb.refuse_reopening(&mut env);
            self.settle_tcp(handle);
            return Err(DropReason::TcpChallenged);
        };
        let last = slot.tcb.snd_nxt();
        self.end_early(handle);
        self.open_passively(id, listener, flow, segment, Some(last))
    }

    /// RFC 9293 section 3.10.7.1 (CLOSED) and 3.10.7.2 (LISTEN).
    #[inline(never)]
    fn segment_without_connection(
        &mut self,
        id: InterfaceId,
        flow: Flow,
        segment: &Segment<'_>,
    ) -> Result<(), DropReason> {
        let Some(listener) = self.sockets.demux.listeners.find(flow.local, flow.local_port, id) else {
            let reason =
                if reset_for(segment).is_some() { DropReason::TcpNoSocket } else { DropReason::TcpResetNoSocket };
            self.owe_reset(id, flow, reset_for(segment));
            return Err(reason);
        };
        let Some(slot) = self.sockets.listeners.get(listener) else { return Err(DropReason::TcpNoSocket) };
        match slot.listener.on_segment(&self.config.limits, segment) {
            Judgement::Drop(reason) => Err(reason),
            Judgement::Reset(reset, reason) => {
                self.owe_reset(id, flow, Some(reset));
                Err(reason)
            }
            Judgement::OpenIfRoom if !self.recycle_half_open(listener) => Err(DropReason::TcpBacklog),
            Judgement::Open | Judgement::OpenIfRoom => self.open_passively(id, listener, flow, segment, None),
        }
    }

    /// `last` is SND.NXT of a connection between the same ends whose TIME-WAIT this one cuts short: the
    /// new initial sequence number has to be larger (RFC 9293 MAY-2).
    fn open_passively(
        &mut self,
        id: InterfaceId,
        listener: ListenerHandle,
        flow: Flow,
        segment: &Segment<'_>,
        last: Option<SeqNumber>,
    ) -> Result<(), DropReason> {
        if !self.make_room_for_connection() {
            return Err(DropReason::TcpTableFull);
        }
        let Some(mut settings) = self.sockets.listeners.get(listener).map(|slot| slot.listener.settings.clone()) else {
            return Err(DropReason::TcpNoSocket);
        };
        if flow.remote.is_ipv6() {
            settings.ip_options = IpOptions::NONE;
        }
        if crate::ip::address::is_link_local(flow.remote) {
            // The peer's address means it on this link only (RFC 4007 section 6).
            settings.interface = Some(id);
        }
        let mut open = self.opening(id, &flow, &settings);
        open.iss = last.map_or(open.iss, |last| open.iss.max(last + 1));
        let tcb = Tcb::accept(&mut self.env(), open, segment);
        let handle = self.insert_connection(tcb, flow, Owner::SynQueue(listener));
        let tcp = &self.sockets.tcp;
        if let Some(slot) = self.sockets.listeners.get_mut(listener) {
            slot.listener.on_opened(handle, |handle| is_queued(tcp, handle, listener));
        }
        self.settle_tcp(handle);
        Ok(())
    }

    /// A SYN has come to a full SYN queue: the oldest half-open connection goes, if its SYN-ACK had to be sent again
    /// (RFC 4987 section 3.4). A crowd that answers keeps its places, a flood that does not holds them for an RTO.
    fn recycle_half_open(&mut self, listener: ListenerHandle) -> bool {
        let tcp = &self.sockets.tcp;
        let Some(slot) = self.sockets.listeners.get_mut(listener) else { return false };
        let oldest = slot.listener.oldest_opened(|handle| is_queued(tcp, handle, listener));
        let silent = oldest.filter(|&handle| tcp.get(handle).is_some_and(|slot| slot.tcb.info().backoff > 0));
        let Some(handle) = silent else { return false };
        slot.listener.on_refused();
        self.counters.half_open_recycled += 1;
        self.free_flow(handle);
        self.remove_connection(handle);
        true
    }

    /// What a new connection starts from: its initial sequence number (RFC 6528), its timestamp
    /// offset (RFC 7323 section 5.4), and the segment sizes of its interface and family.
    pub(super) fn opening<'a>(&self, id: InterfaceId, flow: &Flow, settings: &'a TcpSettings) -> Open<'a> {
        let clock = (self.now.as_nanos() / ISN_TICK_NANOS) as u32;
        let is_v4 = flow.local.is_ipv4();
        let mtu = self.interfaces.get(id.index()).map_or(ipv6::MIN_MTU as u16, |interface| interface.mtu(!is_v4));
        let hash = hash_flow(&self.secrets.isn, flow);
        let offset = self.config.tcp.initial_sequence.map_or(hash, |first| first.wrapping_add(hash & 0xffff));
        Open {
            iss: SeqNumber(clock.wrapping_add(offset)),
            timestamp_offset: hash_flow(&self.secrets.timestamp, flow),
            mss_local: mtu.saturating_sub(tcp_headers(is_v4)),
            mss_default: if is_v4 { MSS_DEFAULT_V4 } else { MSS_DEFAULT_V6 },
            settings,
        }
    }

    pub(super) fn insert_connection(&mut self, tcb: Tcb, flow: Flow, owner: Owner) -> TcpHandle {
        let flow_label = self.flow_label(IpProtocol::TCP, &flow);
        let slot = TcpSlot {
            tcb,
            flow,
            flow_label,
            owner,
            hop: None,
            path_until: None,
            dont_fragment: true,
            queued: false,
            parked: false,
            armed: None,
            unarmed: false,
            pending: Readiness::empty(),
            in_time_wait: false,
        };
        let handle = self.sockets.tcp.insert(Box::new(slot));
        self.sockets.demux.flows.insert(flow, handle);
        handle
    }

    /// Whether one more connection fits; the oldest orphan in TIME-WAIT goes if need be.
    pub(super) fn make_room_for_connection(&mut self) -> bool {
        while self.sockets.tcp.len() >= self.config.limits.tcp_sockets as usize {
            let Some(handle) = self.sockets.time_wait.pop_front() else { return false };
            if self
                .sockets
                .tcp
                .get(handle)
                .is_some_and(|slot| slot.owner == Owner::Orphan && slot.tcb.state() == State::TimeWait)
            {
                self.remove_connection(handle);
                self.counters.time_wait_evicted += 1;
            }
        }
        true
    }

    /// A connection in TIME-WAIT ends before its time, for a new one between the same ends.
    fn end_early(&mut self, handle: TcpHandle) {
        let Some((slot, mut env)) = self.connection(handle) else { return };
        let flow = slot.flow;
        slot.tcb.end_time_wait(&mut env);
        self.settle_tcp(handle);
        self.sockets.demux.flows.remove(&flow);
    }

    /// The connection and what its calls need from the stack.
    pub(crate) fn connection(&mut self, handle: TcpHandle) -> Option<(&mut TcpSlot, Env<'_>)> {
        let slot = self.sockets.tcp.get_mut(handle)?;
        let env = Env {
            now: self.now,
            config: &self.config.tcp,
            limits: &self.config.limits,
            chunks: &mut self.chunks,
            counters: &mut self.tcp_counters,
        };
        Some((slot, env))
    }

    /// What a connection that is not in the table yet needs from the stack.
    pub(super) fn env(&mut self) -> Env<'_> {
        Env {
            now: self.now,
            config: &self.config.tcp,
            limits: &self.config.limits,
            chunks: &mut self.chunks,
            counters: &mut self.tcp_counters,
        }
    }

    pub(super) fn on_tcp_timeout(&mut self, handle: TcpHandle) {
        if let Some((slot, mut env)) = self.connection(handle) {
            slot.tcb.on_timeout(&mut env);
            self.settle_tcp(handle);
        }
    }

    /// The neighbor that the connection waited for does not answer, or there is no entry to be had
    /// for it. If that does not end the connection, the segment which waited is as good as lost: the
    /// retransmission timeout takes over, and R2 is the end.
    pub(super) fn on_tcp_unreachable(&mut self, handle: TcpHandle, reason: DropReason) {
        let Some((slot, mut env)) = self.connection(handle) else { return };
        slot.parked = false;
        slot.tcb.on_unreachable(&mut env);
        let segment_size = slot.tcb.segment_size();
        let lost = slot.tcb.wants_transmit(&env) && slot.tcb.next_segment(&mut env, segment_size).is_some();
        if lost {
            self.drops.count(reason);
        }
        self.settle_tcp(handle);
    }

    pub(super) fn unpark_tcp(&mut self, handle: TcpHandle) {
        if let Some(slot) = self.sockets.tcp.get_mut(handle) {
            slot.parked = false;
            self.settle_tcp(handle);
        }
    }

    /// What follows from any call on a connection: a reset that is owed, edges for the application,
    /// a place on the ready ring, a timer, the end.
    pub(crate) fn settle_tcp(&mut self, handle: TcpHandle) {
        if self.config.checks {
            self.check_tcp(handle);
        }
        let Some((slot, env)) = self.connection(handle) else { return };
        let wants_transmit = !slot.parked && !slot.queued && slot.tcb.wants_transmit(&env);
        let (state, edges) = (slot.tcb.state(), slot.tcb.take_readiness());
        let is_late = slot.tcb.may_be_due_before(slot.armed) && !core::mem::replace(&mut slot.unarmed, true);
        // After most calls there is nothing more to do, which is found out while the slot is at hand.
        let progress = slot.tcb.take_forward_progress();
        let reset = slot.tcb.take_reset().map(|reset| (slot.flow, reset));
        let goes_on = slot.owner == Owner::Application && !matches!(state, State::Closed | State::TimeWait);
        let is_told = goes_on && slot.pending.contains(edges);
        if let Some((flow, reset)) = reset {
            self.owe_own_reset(handle, flow, reset);
        }
        if progress {
            self.confirm_next_hop(handle);
        }
        if wants_transmit {
            self.make_ready(handle);
        }
        if is_late {
            self.arm_later(handle);
        }
        if !is_told {
            self.settle_owner(handle, state, edges);
        }
    }

    /// Holds a connection to its invariants, and keeps what it looks like if that is asked for.
    #[inline(never)]
    fn check_tcp(&mut self, handle: TcpHandle) {
        let Some(slot) = self.sockets.tcp.get(handle) else { return };
        let ends = [slot.flow.local_addr(), slot.flow.remote_addr()];
        // Not a fact from the wire: an invariant of ours is broken, and going on would hide where.
        assert_eq!(slot.tcb.check(), Ok(()), "connection {} - {}", ends[0], ends[1]);
        if !self.config.examine {
            return;
        }
        if self.examinations.len() < EXAMINATIONS {
            let brought = self.examined_segment.filter(|(trigger, _)| *trigger == self.occasion.trigger);
            let segment = brought.map(|(_, flags)| flags);
            self.examinations.push(slot.tcb.examine(handle, ends, self.occasion, segment));
        } else {
            self.counters.examinations_missed += 1;
        }
    }

    /// RFC 4861 section 7.3.1: acknowledged data shows that the next hop is reachable.
    fn confirm_next_hop(&mut self, handle: TcpHandle) {
        let Some((_, hop)) = self.sockets.tcp.get(handle).and_then(|slot| slot.hop) else { return };
        if let Some(interface) = self.interfaces.get_mut(hop.interface.index()) {
            interface.neighbors.on_progress(self.now, hop.next_hop);
        }
    }

    fn settle_owner(&mut self, handle: TcpHandle, state: State, edges: Readiness) {
        let Some(slot) = self.sockets.tcp.get_mut(handle) else { return };
        match slot.owner {
            Owner::SynQueue(listener) if state == State::Closed => {
                if let Some(listener) = self.sockets.listeners.get_mut(listener) {
                    listener.listener.on_refused();
                }
                self.remove_connection(handle);
            }
            // Its listener was closed: nobody will ever accept it.
            Owner::SynQueue(listener) if !self.sockets.listeners.contains_key(listener) => self.reset_unowned(handle),
            Owner::SynQueue(listener) if state != State::SynReceived => {
                slot.owner = Owner::AcceptQueue(listener);
                slot.pending |= edges;
                if let Some(slot) = self.sockets.listeners.get_mut(listener) {
                    slot.listener.on_established(handle);
                }
                self.announce_listener(listener);
            }
            Owner::AcceptQueue(_) => slot.pending |= edges,
            Owner::Application => self.announce_tcp(handle, edges),
            Owner::Orphan if state == State::Closed => self.remove_connection(handle),
            Owner::SynQueue(_) | Owner::Orphan => {}
        }
        match state {
            State::Closed => self.free_flow(handle),
            State::TimeWait => self.note_time_wait(handle),
            _ => {}
        }
    }

    /// Nobody will ever accept the connection: it is reset.
    pub(super) fn reset_unowned(&mut self, handle: TcpHandle) {
        let Some((slot, mut env)) = self.connection(handle) else { return };
        slot.tcb.abort(&mut env);
        slot.owner = Owner::Orphan;
        self.on_orphaned(handle);
        self.settle_tcp(handle);
    }

    /// The ends of a closed connection may be used again, though its handle is still held.
    fn free_flow(&mut self, handle: TcpHandle) {
        let Some(flow) = self.sockets.tcp.get(handle).map(|slot| slot.flow) else { return };
        if self.sockets.demux.flows.get(&flow) == Some(handle) {
            self.sockets.demux.flows.remove(&flow);
        }
    }

    fn note_time_wait(&mut self, handle: TcpHandle) {
        let Some(slot) = self.sockets.tcp.get_mut(handle) else { return };
        if !core::mem::replace(&mut slot.in_time_wait, true) && slot.owner == Owner::Orphan {
            self.sockets.orphans -= 1;
            self.sockets.queue_time_wait(handle);
        }
    }

    /// A connection has lost its owner: it counts as an orphan, or as one in TIME-WAIT, which may be
    /// evicted.
    pub(super) fn on_orphaned(&mut self, handle: TcpHandle) {
        match self.sockets.tcp.get(handle) {
            Some(slot) if slot.in_time_wait => self.sockets.queue_time_wait(handle),
            Some(_) => self.sockets.orphans += 1,
            None => {}
        }
    }

    /// Takes a connection out of the table; its handle is stale from here on.
    pub(super) fn remove_connection(&mut self, handle: TcpHandle) {
        self.free_flow(handle);
        if let Some(mut slot) = self.sockets.tcp.remove(handle) {
            if slot.owner == Owner::Orphan && !slot.in_time_wait {
                self.sockets.orphans -= 1;
            }
            slot.tcb.release_buffers(&mut self.chunks);
            if let Some((_, hop)) = slot.hop.filter(|_| slot.parked)
                && let Some(interface) = self.interfaces.get_mut(hop.interface.index())
            {
                interface.neighbors.unpark_socket(hop.next_hop, handle);
            }
        }
    }

    /// The next hop of a connection, asked of the routes only when they, our addresses or the path's MTU
    /// have changed; none if its local address is not ours any more.
    pub(super) fn hop_of(&mut self, handle: TcpHandle) -> Result<Hop, Refusal> {
        let slot = self.sockets.tcp.get(handle).ok_or(Refusal::NoRoute)?;
        let generation = self.routes.generation() + self.path_mtus.generation() + self.redirects.generation();
        if let Some((seen, hop)) = slot.hop
            && seen == generation
            && slot.path_until.is_none_or(|until| self.now < until)
        {
            return Ok(hop);
        }
        let settings = slot.tcb.settings();
        let first_hop = settings.ip_options.first_hop().map(IpAddr::V4);
        let query = Query {
            src: Some(slot.flow.local),
            interface: settings.interface,
            mark: settings.mark,
            ports: (slot.flow.local_port, slot.flow.remote_port),
            ..Query::to(first_hop.unwrap_or(slot.flow.remote))
        };
        let hop = self.way(&query)?.hop;
        let path = self.path(hop.interface, query.dst);
        if let Some(slot) = self.sockets.tcp.get_mut(handle) {
            slot.hop = Some((generation, hop));
            slot.path_until = path.until;
            // Errors about a packet that is routed by its source name another destination.
            slot.dont_fragment = path.dont_fragment && first_hop.is_none();
            slot.tcb.set_path(path.mtu.saturating_sub(tcp_headers(query.dst.is_ipv4())));
        }
        Ok(hop)
    }

    /// Puts a connection on the ready ring of the interface that its route names.
    pub(super) fn make_ready(&mut self, handle: TcpHandle) {
        let hop = match self.hop_of(handle) {
            Ok(hop) => hop,
            Err(refusal) => return self.on_no_route(handle, refusal),
        };
        let Some(slot) = self.sockets.tcp.get_mut(handle) else { return };
        if let Some(interface) = self.interfaces.get_mut(hop.interface.index()) {
            slot.queued = true;
            interface.ready.push_back(Queued { what: Ready::Tcp(handle), occasion: self.occasion });
            interface.drop_gone(&self.sockets);
        }
    }

    /// There is no way to the peer: as if its neighbor did not answer. What would be sent now is lost,
    /// and sent again by the retransmission timeout, when there may be a route.
    #[cold]
    fn on_no_route(&mut self, handle: TcpHandle, refusal: Refusal) {
        let Some((slot, mut env)) = self.connection(handle) else { return };
        slot.tcb.on_unreachable(&mut env);
        let mut lost = 0;
        while slot.tcb.wants_transmit(&env) && slot.tcb.next_segment(&mut env, offload::TURN_MAX).is_some() {
            lost += 1;
        }
        for _ in 0..lost {
            self.drops.count(DropReason::from(refusal));
        }
        self.settle_tcp(handle);
    }

    /// A reset in answer to a segment that belongs to no connection: limited, for strangers cause it.
    pub(super) fn owe_reset(&mut self, id: InterfaceId, flow: Flow, reset: Option<Reset>) {
        let Some(reset) = reset else { return };
        if !self.limits.resets.admit(self.now) {
            return self.drop_on(id, DropReason::RateLimited);
        }
        self.queue_reset(id, flow, reset);
    }

    /// A reset of one of our connections: the peer must learn of it.
    #[cold]
    fn owe_own_reset(&mut self, handle: TcpHandle, flow: Flow, reset: Reset) {
        if let Ok(hop) = self.hop_of(handle) {
            self.queue_reset(hop.interface, flow, reset);
        }
    }

    fn queue_reset(&mut self, id: InterfaceId, flow: Flow, reset: Reset) {
        let body =
            Body::TcpReset { src_port: flow.local_port, dst_port: flow.remote_port, seq: reset.seq, ack: reset.ack };
        if let Err(reason) = self.answer(id, Some(flow.local), flow.remote, body) {
            self.drop_on(id, reason);
        }
    }

    /// Whether a connection may be opened to `remote`: a unicast address and a port (RFC 9293 MUST-46).
    pub(super) fn is_connectable(&self, remote: SocketAddr) -> bool {
        let broadcast = |address| self.interfaces.iter().any(|interface| interface.is_broadcast(address));
        let unicast = is_destination(remote.ip())
            && match remote.ip() {
                IpAddr::V4(address) => !address.is_multicast() && !broadcast(address),
                IpAddr::V6(address) => !address.is_multicast(),
            };
        unicast && remote.port() != 0
    }
}

impl Stack {
    /// The label of a flow's IPv6 packets: a keyed hash of its two ends, so that it can't be foretold
    /// (RFC 6437 section 3); 0, not labeled, for IPv4 and where the configuration says so.
    pub(super) fn flow_label(&self, protocol: IpProtocol, flow: &Flow) -> u32 {
        if flow.local.is_ipv4() || !self.config.ip.flow_labels {
            return 0;
        }
        let hash = self.secrets.flow_label.hash_one((protocol, flow)) as u32;
        (hash & ipv6::FLOW_LABEL_MASK).max(1)
    }
}

/// The fixed headers of a segment, in bytes.
const fn tcp_headers(is_v4: bool) -> u16 {
    (if is_v4 { ipv4::HEADER_LEN } else { ipv6::HEADER_LEN } + tcp::HEADER_LEN) as u16
}

fn hash_flow(key: &HashKey, flow: &Flow) -> u32 {
    key.hash_one(flow) as u32
}

fn pseudo_header(received: &Received, len: usize) -> crate::wire::checksum::Sum {
    PacketHeader::new(received.src, received.dst, IpProtocol::TCP).pseudo_header(len)
}

/// Whether a connection is in a listener's SYN queue.
fn is_queued(tcp: &SlotMap<TcpHandle, Box<TcpSlot>>, handle: TcpHandle, listener: ListenerHandle) -> bool {
    tcp.get(handle).is_some_and(|slot| slot.owner == Owner::SynQueue(listener))
}
