//! Fragments that overlap.

use std::net::SocketAddr;
use std::time::Duration;

use rstest::rstest;
use tickwire_core::DropReason;
use tickwire_core::wire::ethernet::EthernetAddress;
use tickwire_sim::Step;
use tickwire_sim::node::adversary::{Forgery, Overlap, Shape};
use tickwire_sim::node::frames::Stations;

use super::{ADVERSARY, address, data, lan};

/// RFC 5722 section 4 (and here for IPv4 too): of a packet whose fragments overlap nothing is delivered. Another
/// one, in the middle of them and from the same source, is.
#[rstest]
fn nothing_of_it_is_delivered(
    #[values(Shape::Across, Shape::Within, Shape::Again)] shape: Shape,
    #[values(false, true)] ipv6: bool,
) {
    let mut lan = lan();
    let [to, from] = [1, 2].map(|host| SocketAddr::new(address(ipv6, host), 7));
    let stations = Stations { src: ADVERSARY, dst: EthernetAddress([2, 0, 0, 0, 0, 1]) };
    let forger = lan.forge(Forgery::Overlap(Overlap { stations, from, to, shape }), Duration::from_millis(10), 20);
    let datagram = data(4_000, 1);
    lan.world
        .start(lan.victim, vec![Step::Bind(to), Step::ExpectFrom(datagram.clone()), Step::Reply(datagram.clone())]);
    let ask = [Step::Wait(Duration::from_millis(95)), Step::Bind(from), Step::SendTo(to, datagram.clone())];
    lan.world.start(lan.peer, [&ask[..], &[Step::ExpectFrom(datagram)]].concat());
    lan.finish();
    assert!(lan.sent(forger) >= 40);
    assert_eq!(lan.dropped(lan.victim, DropReason::FragmentOverlap), 20);
    assert_eq!(lan.counted(lan.victim, "ip.reassembled"), 1);
}
