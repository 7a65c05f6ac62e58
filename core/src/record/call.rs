//! The calls on a stack and its sockets, as values with the methods' names and arguments.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use bytes::Bytes;

use crate::autoconf::advertise::config::AdvertiseConfig;
use crate::autoconf::dhcpv4::config::Dhcpv4Config;
use crate::autoconf::dhcpv6::Dhcpv6Request;
use crate::config::{InterfaceAddress, InterfaceConfig, TcpSettings};
use crate::frame::Frame;
use crate::ip::route::Route;
use crate::ip::rule::Rule;
use crate::ip::selection::AddressPolicy;
use crate::link::InterfaceId;
use crate::rng::Seed;
use crate::socket::{ConnectOptions, ListenOptions, ListenerHandle, SourceFilter, TcpHandle, UdpHandle, UdpOptions};
use crate::tcp::How;
use crate::time::Instant;
use crate::wire::ethernet::EthernetAddress;
use crate::wire::ipv4_options::IpOptions;

/// A call on a [`Stack`](crate::Stack), or on a socket of it. The fields are the method's arguments.
#[allow(missing_docs, reason = "each variant is documented where the method of its name is")]
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Call {
    HandleFrame {
        now: Instant,
        interface: InterfaceId,
        frame: Frame,
    },
    HandleTimeout {
        now: Instant,
    },
    PollEvent,
    /// The batch has room for [`TxBatch::FRAMES_MAX`](crate::TxBatch::FRAMES_MAX) more frames, always.
    PollTransmit {
        now: Instant,
        interface: InterfaceId,
    },
    PollTimeout,
    NextTimer,
    Tcp {
        handle: TcpHandle,
        call: TcpCall,
    },
    Udp {
        handle: UdpHandle,
        call: UdpCall,
    },
    TcpListen {
        local: SocketAddr,
        options: Box<ListenOptions>,
    },
    TcpAccept {
        now: Instant,
        listener: ListenerHandle,
    },
    TcpListenerClose {
        now: Instant,
        listener: ListenerHandle,
    },
    TcpConnect {
        now: Instant,
        remote: SocketAddr,
        options: Box<ConnectOptions>,
    },
    TcpAbortAll {
        now: Instant,
    },
    TcpRelease {
        now: Instant,
        handle: TcpHandle,
    },
    UdpBind {
        local: SocketAddr,
        options: UdpOptions,
    },
    UdpRelease {
        handle: UdpHandle,
    },
    Reseed {
        seed: Seed,
    },
    AddInterface {
        now: Instant,
        config: Box<InterfaceConfig>,
    },
    RemoveInterface {
        now: Instant,
        interface: InterfaceId,
    },
    SetLink {
        now: Instant,
        interface: InterfaceId,
        up: bool,
    },
    SetMtu {
        now: Instant,
        interface: InterfaceId,
        mtu: u16,
    },
    SetHardwareAddress {
        now: Instant,
        interface: InterfaceId,
        hardware: EthernetAddress,
    },
    AddAddress {
        now: Instant,
        interface: InterfaceId,
        address: InterfaceAddress,
    },
    RemoveAddress {
        now: Instant,
        interface: InterfaceId,
        address: IpAddr,
    },
    AddNeighbor {
        now: Instant,
        interface: InterfaceId,
        address: IpAddr,
        hardware: EthernetAddress,
    },
    RemoveNeighbor {
        now: Instant,
        interface: InterfaceId,
        address: IpAddr,
    },
    AddRoute {
        route: Route,
    },
    RemoveRoute {
        route: Route,
    },
    AddRule {
        rule: Rule,
    },
    RemoveRule {
        rule: Rule,
    },
    SetPolicies {
        policies: Vec<AddressPolicy>,
    },
    StartLinkLocal {
        now: Instant,
        interface: InterfaceId,
        remembered: Option<Ipv4Addr>,
    },
    StopLinkLocal {
        now: Instant,
        interface: InterfaceId,
    },
    Dhcpv4Start {
        now: Instant,
        interface: InterfaceId,
        config: Box<Dhcpv4Config>,
    },
    Dhcpv4Release {
        now: Instant,
        interface: InterfaceId,
    },
    Dhcpv4Inform {
        now: Instant,
        interface: InterfaceId,
        config: Box<Dhcpv4Config>,
    },
    Dhcpv6Start {
        now: Instant,
        interface: InterfaceId,
        request: Dhcpv6Request,
    },
    Dhcpv6Release {
        now: Instant,
        interface: InterfaceId,
    },
    Dhcpv6CheckLink {
        now: Instant,
        interface: InterfaceId,
    },
    Advertise {
        now: Instant,
        interface: InterfaceId,
        config: Box<AdvertiseConfig>,
    },
    CeaseAdvertising {
        now: Instant,
        interface: InterfaceId,
    },
    SetQuerier {
        now: Instant,
        interface: InterfaceId,
        on: bool,
    },
}

/// A call on a [`TcpSocket`](crate::TcpSocket).
#[allow(missing_docs, reason = "each variant is documented where the method of its name is")]
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum TcpCall {
    /// Of what was offered as much as there is room for, and one byte more if that was not all: what is
    /// refused makes no difference but that it was.
    Send {
        now: Instant,
        data: Bytes,
    },
    /// As `Send`.
    SendBytes {
        now: Instant,
        data: Bytes,
    },
    /// Room for `max` bytes, at most for one more than there is to receive.
    Recv {
        now: Instant,
        max: u32,
    },
    /// As `Recv`.
    RecvBytes {
        now: Instant,
        max: u32,
    },
    /// As `Recv`.
    Peek {
        max: u32,
    },
    Shutdown {
        now: Instant,
        how: How,
    },
    Close {
        now: Instant,
    },
    Abort {
        now: Instant,
    },
    TakeError,
    SetSettings {
        now: Instant,
        settings: Box<TcpSettings>,
    },
}

/// A call on a [`UdpSocket`](crate::UdpSocket).
#[allow(missing_docs, reason = "each variant is documented where the method of its name is")]
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum UdpCall {
    Connect { peer: Option<SocketAddr> },
    Send { now: Instant, data: Bytes, to: Option<SocketAddr> },
    Recv,
    TakeError,
    RecvError,
    SetBroadcast { allowed: bool },
    SetDontFragment { dont_fragment: bool },
    SetMark { mark: u32 },
    SetHopLimit { hop_limit: Option<u8> },
    SetIpOptions { options: IpOptions },
    SetTrafficClass { traffic_class: u8 },
    ListenToGroup { now: Instant, interface: Option<InterfaceId>, group: IpAddr, filter: SourceFilter },
    JoinGroup { now: Instant, interface: Option<InterfaceId>, group: IpAddr },
    LeaveGroup { now: Instant, interface: Option<InterfaceId>, group: IpAddr },
    JoinSource { now: Instant, interface: Option<InterfaceId>, group: IpAddr, source: IpAddr },
    LeaveSource { now: Instant, interface: Option<InterfaceId>, group: IpAddr, source: IpAddr },
    BlockSource { now: Instant, interface: Option<InterfaceId>, group: IpAddr, source: IpAddr },
    UnblockSource { now: Instant, interface: Option<InterfaceId>, group: IpAddr, source: IpAddr },
    SetMulticastInterface { interface: Option<InterfaceId> },
    SetMulticastHops { hops: u8 },
    SetMulticastLoop { looped: bool },
}

impl Call {
    /// The instant that the call was given; `None` for one that takes none.
    pub fn now(&self) -> Option<Instant> {
        match self {
            Call::HandleFrame { now, .. }
            | Call::HandleTimeout { now }
            | Call::PollTransmit { now, .. }
            | Call::TcpAccept { now, .. }
            | Call::TcpListenerClose { now, .. }
            | Call::TcpConnect { now, .. }
            | Call::TcpAbortAll { now }
            | Call::TcpRelease { now, .. }
            | Call::AddInterface { now, .. }
            | Call::RemoveInterface { now, .. }
            | Call::SetLink { now, .. }
            | Call::SetMtu { now, .. }
            | Call::SetHardwareAddress { now, .. }
            | Call::AddAddress { now, .. }
            | Call::RemoveAddress { now, .. }
            | Call::AddNeighbor { now, .. }
            | Call::RemoveNeighbor { now, .. }
            | Call::StartLinkLocal { now, .. }
            | Call::StopLinkLocal { now, .. }
            | Call::Dhcpv4Start { now, .. }
            | Call::Dhcpv4Release { now, .. }
            | Call::Dhcpv4Inform { now, .. }
            | Call::Dhcpv6Start { now, .. }
            | Call::Dhcpv6Release { now, .. }
            | Call::Dhcpv6CheckLink { now, .. }
            | Call::Advertise { now, .. }
            | Call::CeaseAdvertising { now, .. }
            | Call::SetQuerier { now, .. } => Some(*now),
            Call::Tcp { call, .. } => call.now(),
            Call::Udp { call, .. } => call.now(),
            Call::PollEvent
            | Call::PollTimeout
            | Call::NextTimer
            | Call::TcpListen { .. }
            | Call::UdpBind { .. }
            | Call::UdpRelease { .. }
            | Call::Reseed { .. }
            | Call::AddRoute { .. }
            | Call::RemoveRoute { .. }
            | Call::AddRule { .. }
            | Call::RemoveRule { .. }
            | Call::SetPolicies { .. } => None,
        }
    }
}

impl TcpCall {
    /// As [`Call::now`].
    pub fn now(&self) -> Option<Instant> {
        match self {
            TcpCall::Send { now, .. }
            | TcpCall::SendBytes { now, .. }
            | TcpCall::Recv { now, .. }
            | TcpCall::RecvBytes { now, .. }
            | TcpCall::Shutdown { now, .. }
            | TcpCall::Close { now }
            | TcpCall::Abort { now }
            | TcpCall::SetSettings { now, .. } => Some(*now),
            TcpCall::Peek { .. } | TcpCall::TakeError => None,
        }
    }
}

impl UdpCall {
    /// As [`Call::now`].
    pub fn now(&self) -> Option<Instant> {
        match self {
            UdpCall::Send { now, .. }
            | UdpCall::ListenToGroup { now, .. }
            | UdpCall::JoinGroup { now, .. }
            | UdpCall::LeaveGroup { now, .. }
            | UdpCall::JoinSource { now, .. }
            | UdpCall::LeaveSource { now, .. }
            | UdpCall::BlockSource { now, .. }
            | UdpCall::UnblockSource { now, .. } => Some(*now),
            _ => None,
        }
    }
}
