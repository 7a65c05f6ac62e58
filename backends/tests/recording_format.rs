//! The bytes of recordings do not change unnoticed: a file that was written must be read as what it is, or
//! refused for its version.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tickwire_backends::recording::{PREFACE_LEN, Record, Start, VERSION, write_records};
use tickwire_core::frame::RxMeta;
use tickwire_core::record::{Call, Emitted, Entry, Outcome, TcpCall, UdpCall};
use tickwire_core::socket::{SourceFilter, TcpHandle, UdpHandle};
use tickwire_core::tcp::How;
use tickwire_core::wire::ethernet::EthernetAddress;
use tickwire_core::*;
use twox_hash::XxHash3_64;

const NOW: Instant = Instant::from_millis(1234);
const V4: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));
const HARDWARE: EthernetAddress = EthernetAddress([2, 0, 0, 0, 0, 1]);

/// One of each call on a socket.
fn socket_calls() -> (Vec<TcpCall>, Vec<UdpCall>) {
    let (now, interface, group, source) = (NOW, None, IpAddr::from([224, 0, 0, 9]), V4);
    let data = bytes::Bytes::from_static(b"data");
    let tcp = vec![
        TcpCall::Send { now, data: data.clone() },
        TcpCall::SendBytes { now, data: data.clone() },
        TcpCall::Recv { now, max: 300 },
        TcpCall::RecvBytes { now, max: 300 },
        TcpCall::Peek { max: 300 },
        TcpCall::Shutdown { now, how: How::Write },
        TcpCall::Close { now },
        TcpCall::Abort { now },
        TcpCall::TakeError,
        TcpCall::SetSettings { now, settings: Box::default() },
    ];
    let filter = SourceFilter::include([V4]);
    let udp = vec![
        UdpCall::Connect { peer: Some(SocketAddr::new(V6, 7)) },
        UdpCall::Send { now, data, to: Some(SocketAddr::new(V4, 7)) },
        UdpCall::Recv,
        UdpCall::TakeError,
        UdpCall::RecvError,
        UdpCall::SetBroadcast { allowed: true },
        UdpCall::SetDontFragment { dont_fragment: true },
        UdpCall::SetMark { mark: 300 },
        UdpCall::SetHopLimit { hop_limit: Some(9) },
        UdpCall::SetIpOptions { options: IpOptions::NONE },
        UdpCall::SetTrafficClass { traffic_class: 200 },
        UdpCall::ListenToGroup { now, interface, group, filter },
        UdpCall::JoinGroup { now, interface, group },
        UdpCall::LeaveGroup { now, interface, group },
        UdpCall::JoinSource { now, interface, group, source },
        UdpCall::LeaveSource { now, interface, group, source },
        UdpCall::BlockSource { now, interface, group, source },
        UdpCall::UnblockSource { now, interface, group, source },
        UdpCall::SetMulticastInterface { interface },
        UdpCall::SetMulticastHops { hops: 9 },
        UdpCall::SetMulticastLoop { looped: true },
    ];
    (tcp, udp)
}

/// One of each call.
fn calls() -> Vec<Call> {
    let (now, address, interface) = (NOW, V4, first_interface());
    let (handle, listener) = (TcpHandle::default(), ListenerHandle::default());
    let frame = Frame { data: bytes::Bytes::from_static(b"frame"), meta: RxMeta::default() };
    let own = InterfaceAddress { address, prefix_len: 24 };
    let config = InterfaceConfig::new(HARDWARE, Capabilities::plain(1500), [own]);
    let (route, rule) = (Route::via(V4, 0, V4, interface), Rule::new(1, 300));
    let policy = AddressPolicy { prefix: Ipv6Addr::LOCALHOST, prefix_len: 128, precedence: 50, label: 0 };
    let mut calls = vec![
        Call::HandleFrame { now, interface, frame },
        Call::HandleTimeout { now },
        Call::PollEvent,
        Call::PollTransmit { now, interface },
        Call::PollTimeout,
        Call::NextTimer,
        Call::TcpListen { local: SocketAddr::new(V4, 7), options: Box::default() },
        Call::TcpAccept { now, listener },
        Call::TcpListenerClose { now, listener },
        Call::TcpConnect { now, remote: SocketAddr::new(V6, 7), options: Box::default() },
        Call::TcpAbortAll { now },
        Call::TcpRelease { now, handle },
        Call::UdpBind { local: SocketAddr::new(V4, 7), options: UdpOptions::default() },
        Call::UdpRelease { handle: UdpHandle::default() },
        Call::Reseed { seed: Seed([9; 32]) },
        Call::AddInterface { now, config: Box::new(config) },
        Call::RemoveInterface { now, interface },
        Call::SetLink { now, interface, up: true },
        Call::SetMtu { now, interface, mtu: 1500 },
        Call::SetHardwareAddress { now, interface, hardware: HARDWARE },
        Call::AddAddress { now, interface, address: own },
        Call::RemoveAddress { now, interface, address },
        Call::AddNeighbor { now, interface, address, hardware: HARDWARE },
        Call::RemoveNeighbor { now, interface, address },
        Call::AddRoute { route },
        Call::RemoveRoute { route },
        Call::AddRule { rule },
        Call::RemoveRule { rule },
        Call::SetPolicies { policies: vec![policy] },
        Call::StartLinkLocal { now, interface, remembered: Some(Ipv4Addr::LOCALHOST) },
        Call::StopLinkLocal { now, interface },
        Call::Dhcpv4Start { now, interface, config: Box::default() },
        Call::Dhcpv4Release { now, interface },
        Call::Dhcpv4Inform { now, interface, config: Box::default() },
        Call::Dhcpv6Start { now, interface, request: Dhcpv6Request::default() },
        Call::Dhcpv6Release { now, interface },
        Call::Dhcpv6CheckLink { now, interface },
        Call::Advertise { now, interface, config: Box::default() },
        Call::CeaseAdvertising { now, interface },
        Call::SetQuerier { now, interface, on: true },
    ];
    let (tcp, udp) = socket_calls();
    calls.extend(tcp.into_iter().map(|call| Call::Tcp { handle, call }));
    calls.extend(udp.into_iter().map(|call| Call::Udp { handle: UdpHandle::default(), call }));
    calls
}

/// Numbers of interfaces are a stack's to give.
fn first_interface() -> InterfaceId {
    let mut stack = Stack::new(Config::default(), Seed([1; 32]));
    stack.add_interface(NOW, InterfaceConfig::loopback()).expect("the first")
}

fn records() -> Vec<Record> {
    let start = Start { config: Config::default(), seed: Seed([1; 32]), unix_offset: Duration::from_secs(1) };
    let outcomes = [
        Outcome::Dropped(DropReason::ALL[9]),
        Outcome::Emitted(Emitted { frames: 1, bytes: 300, digest: 5 }),
        Outcome::Event(Event::Tcp(TcpHandle::default(), Readiness::READABLE)),
        Outcome::Wakeup(NOW),
    ];
    let mut records = vec![Record::Start(Box::new(start)), Record::Interface(first_interface(), "tap7".to_owned())];
    records.extend(calls().into_iter().map(|call| Record::Entry(Entry::Call(call))));
    records.extend(outcomes.map(|outcome| Record::Entry(Entry::Outcome(outcome))));
    records.extend([Entry::Digest(5), Entry::Overflow].map(Record::Entry));
    records.push(Record::End { digest: 5 });
    records
}

/// Whoever changes what a record is made of raises `recording::VERSION`, and then the numbers here. (Where only
/// the value of a default has changed, the version stays: files of before are still read.)
#[test]
fn a_change_of_the_bytes_is_a_new_version() {
    let records = records();
    // One of each call: what a file may hold is all looked at.
    let names = |records: &[Record]| {
        let mut names: Vec<String> = records.iter().map(|record| format!("{record:?}")).collect();
        names.sort();
        names.dedup();
        names.len()
    };
    assert_eq!((records.len(), names(&records)), (80, 80));
    let mut bytes = Vec::new();
    write_records(&mut bytes, &records).expect("memory");
    let digest = format!("{:016x}", XxHash3_64::oneshot(&bytes[PREFACE_LEN..]));
    assert_eq!((VERSION, bytes.len(), digest.as_str()), (2, 2406, "525a9c099c1c16e2"));
}

/// All of it comes back as it was.
#[test]
fn what_is_written_is_read() {
    let records = records();
    let mut bytes = Vec::new();
    write_records(&mut bytes, &records).expect("memory");
    let mut reader = tickwire_backends::recording::Reader::new(std::io::Cursor::new(bytes)).expect("a recording");
    assert_eq!(Record::Start(Box::new(reader.start().clone())), records[0]);
    for record in &records[1..] {
        assert_eq!(reader.next_record().expect("whole").as_ref(), Some(record));
    }
    assert_eq!(reader.next_record().expect("whole"), None);
}
