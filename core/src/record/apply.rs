//! From a call's value to the call itself. What the calls return is not looked at: what matters of it is
//! among the outcomes that the stack notes, and the rest shows in its digest.

use alloc::vec;

use super::{Call, TcpCall, UdpCall};
use crate::frame::TxBatch;
use crate::socket::{TcpSocket, UdpSocket};
use crate::stack::Stack;

impl Call {
    /// Makes the call. Frames that it has the stack build are appended to `batch`.
    pub fn apply(self, stack: &mut Stack, batch: &mut TxBatch) {
        match self {
            Call::HandleFrame { now, interface, frame } => _ = stack.handle_frame(now, interface, frame),
            Call::HandleTimeout { now } => stack.handle_timeout(now),
            Call::PollEvent => _ = stack.poll_event(),
            Call::PollTransmit { now, interface } => _ = stack.poll_transmit(now, interface, batch),
            Call::PollTimeout => _ = stack.poll_timeout(),
            Call::NextTimer => _ = stack.next_timer(),
            Call::Tcp { handle, call } => _ = stack.tcp(handle).map(|mut socket| call.apply(&mut socket)),
            Call::Udp { handle, call } => _ = stack.udp(handle).map(|mut socket| call.apply(&mut socket)),
            Call::TcpListen { local, options } => _ = stack.tcp_listen(local, *options),
            Call::TcpAccept { now, listener } => _ = stack.tcp_accept(now, listener),
            Call::TcpListenerClose { now, listener } => _ = stack.tcp_listener_close(now, listener),
            Call::TcpConnect { now, remote, options } => _ = stack.tcp_connect(now, remote, *options),
            Call::TcpAbortAll { now } => stack.tcp_abort_all(now),
            Call::TcpRelease { now, handle } => _ = stack.tcp_release(now, handle),
            Call::UdpBind { local, options } => _ = stack.udp_bind(local, options),
            Call::UdpRelease { handle } => _ = stack.udp_release(handle),
            command => command.command(stack),
        }
    }

    /// A command about interfaces, addresses and routes.
    fn command(self, stack: &mut Stack) {
        match self {
            Call::Reseed { seed } => stack.reseed(&seed),
            Call::AddInterface { now, config } => _ = stack.add_interface(now, *config),
            Call::RemoveInterface { now, interface } => _ = stack.remove_interface(now, interface),
            Call::SetLink { now, interface, up } => _ = stack.set_link(now, interface, up),
            Call::SetMtu { now, interface, mtu } => _ = stack.set_mtu(now, interface, mtu),
            Call::SetHardwareAddress { now, interface, hardware } => {
                _ = stack.set_hardware_address(now, interface, hardware);
            }
            Call::AddAddress { now, interface, address } => _ = stack.add_address(now, interface, address),
            Call::RemoveAddress { now, interface, address } => _ = stack.remove_address(now, interface, address),
            Call::AddNeighbor { now, interface, address, hardware } => {
                _ = stack.add_neighbor(now, interface, address, hardware);
            }
            Call::RemoveNeighbor { now, interface, address } => _ = stack.remove_neighbor(now, interface, address),
            Call::AddRoute { route } => _ = stack.add_route(route),
            Call::RemoveRoute { route } => _ = stack.remove_route(&route),
            Call::AddRule { rule } => _ = stack.add_rule(rule),
            Call::RemoveRule { rule } => _ = stack.remove_rule(&rule),
            Call::SetPolicies { policies } => _ = stack.set_policies(&policies),
            configuration => configuration.configure(stack),
        }
    }

    /// A command about what configures itself, or others.
    fn configure(self, stack: &mut Stack) {
        match self {
            Call::StartLinkLocal { now, interface, remembered } => {
                _ = stack.start_link_local(now, interface, remembered);
            }
            Call::StopLinkLocal { now, interface } => _ = stack.stop_link_local(now, interface),
            Call::Dhcpv4Start { now, interface, config } => _ = stack.dhcpv4_start(now, interface, *config),
            Call::Dhcpv4Release { now, interface } => _ = stack.dhcpv4_release(now, interface),
            Call::Dhcpv4Inform { now, interface, config } => _ = stack.dhcpv4_inform(now, interface, *config),
            Call::Dhcpv6Start { now, interface, request } => _ = stack.dhcpv6_start(now, interface, request),
            Call::Dhcpv6Release { now, interface } => _ = stack.dhcpv6_release(now, interface),
            Call::Dhcpv6CheckLink { now, interface } => _ = stack.dhcpv6_check_link(now, interface),
            Call::Advertise { now, interface, config } => _ = stack.advertise(now, interface, *config),
            Call::CeaseAdvertising { now, interface } => _ = stack.cease_advertising(now, interface),
            Call::SetQuerier { now, interface, on } => _ = stack.set_querier(now, interface, on),
            _ => {}
        }
    }
}

impl TcpCall {
    fn apply(self, socket: &mut TcpSocket<'_>) {
        // What is recorded asks for one byte more than there is, at the most.
        let room = |max: u32, there: usize| vec![0; (max as usize).min(there + 1)];
        let there = socket.received_len();
        match self {
            TcpCall::Send { now, data } => _ = socket.send(now, &data),
            TcpCall::SendBytes { now, data } => _ = socket.send_bytes(now, data),
            TcpCall::Recv { now, max } => _ = socket.recv(now, &mut room(max, there)),
            TcpCall::RecvBytes { now, max } => _ = socket.recv_bytes(now, max as usize),
            TcpCall::Peek { max } => _ = socket.peek(&mut room(max, there)),
            TcpCall::Shutdown { now, how } => socket.shutdown(now, how),
            TcpCall::Close { now } => socket.close(now),
            TcpCall::Abort { now } => socket.abort(now),
            TcpCall::TakeError => _ = socket.take_error(),
            TcpCall::SetSettings { now, settings } => _ = socket.set_settings(now, *settings),
        }
    }
}

impl UdpCall {
    fn apply(self, socket: &mut UdpSocket<'_>) {
        match self {
            UdpCall::Connect { peer } => _ = socket.connect(peer),
            UdpCall::Send { now, data, to } => _ = socket.send(now, &data, to),
            UdpCall::Recv => _ = socket.recv(),
            UdpCall::TakeError => _ = socket.take_error(),
            UdpCall::RecvError => _ = socket.recv_error(),
            UdpCall::SetBroadcast { allowed } => socket.set_broadcast(allowed),
            UdpCall::SetDontFragment { dont_fragment } => socket.set_dont_fragment(dont_fragment),
            UdpCall::SetMark { mark } => socket.set_mark(mark),
            UdpCall::SetHopLimit { hop_limit } => socket.set_hop_limit(hop_limit),
            UdpCall::SetIpOptions { options } => _ = socket.set_ip_options(options),
            UdpCall::SetTrafficClass { traffic_class } => socket.set_traffic_class(traffic_class),
            UdpCall::ListenToGroup { now, interface, group, filter } => {
                _ = socket.listen_to_group(now, interface, group, filter);
            }
            UdpCall::JoinGroup { now, interface, group } => _ = socket.join_group(now, interface, group),
            UdpCall::LeaveGroup { now, interface, group } => _ = socket.leave_group(now, interface, group),
            UdpCall::JoinSource { now, interface, group, source } => {
                _ = socket.join_source(now, interface, group, source);
            }
            UdpCall::LeaveSource { now, interface, group, source } => {
                _ = socket.leave_source(now, interface, group, source);
            }
            UdpCall::BlockSource { now, interface, group, source } => {
                _ = socket.block_source(now, interface, group, source);
            }
            UdpCall::UnblockSource { now, interface, group, source } => {
                _ = socket.unblock_source(now, interface, group, source);
            }
            UdpCall::SetMulticastInterface { interface } => _ = socket.set_multicast_interface(interface),
            UdpCall::SetMulticastHops { hops } => socket.set_multicast_hops(hops),
            UdpCall::SetMulticastLoop { looped } => socket.set_multicast_loop(looped),
        }
    }
}
