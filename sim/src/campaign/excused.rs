//! What random scenarios do not reach, or hardly ever, why, and which tests have it instead.

use std::collections::BTreeMap;

use super::coverage::cell_name;
use crate::oracle::white_box::Cells;

/// Why something need not be reached; `None` if it must be.
pub(super) fn reason(name: &str) -> Option<&'static str> {
    let listed = EXCUSED.iter().find(|(_, names)| names.contains(&name)).map(|(reason, _)| *reason);
    listed.or_else(|| left_out(name))
}

/// The cells that cannot be reached, and why.
pub(super) fn impossible() -> BTreeMap<String, &'static str> {
    let cells = Cells::default();
    let impossible = cells
        .iter()
        .filter_map(|(state, event, _)| event.is_impossible(state).map(|reason| (cell_name(state, event), reason)));
    impossible.collect()
}

/// Why this program has nothing of it.
fn left_out(name: &str) -> Option<&'static str> {
    let foreign = !cfg!(feature = "smoltcp") && name == "node foreign";
    foreign.then_some("this program was built without foreign hosts (feature `smoltcp`)")
}

/// Reasons, and what is so for each.
const EXCUSED: [(&str, &[&str]); 20] = [
    ("what is fair depends on who shares: scenario files say so, and the tests run those", &["oracle jain"]),
    (
        "the DHCP servers of random scenarios make no mistakes, and none is a rogue: who attacks a host must know its \
         address; sim/tests/adversaries and core's tests of DHCP have it",
        &[
            "adversary rogue-dhcp",
            "drop Dhcpv4Truncated",
            "drop Dhcpv4Format",
            "drop Dhcpv4Option",
            "drop Dhcpv4Unusable",
        ],
    ),
    (
        "the hosts of random scenarios ask no DHCPv6 servers; core's tests of DHCPv6 have it",
        &[
            "drop Dhcpv6Truncated",
            "drop Dhcpv6Type",
            "drop Dhcpv6NotOurs",
            "drop Dhcpv6Unexpected",
            "drop Dhcpv6Unusable",
            "drop Dhcpv6Reconfigure",
        ],
    ),
    (
        "few hosts are kept from working just as a lease ends and somebody asks for them; core/src/tests/dhcpv4/extend.rs has it",
        &["drop NeighborWithdrawn"],
    ),
    ("no link brings a host its own solicitations back; core/src/tests/dad.rs has it", &["drop NdpLooped"]),
    (
        "a world's devices hand over no such frame; core/src/tests/{ethernet,interface,media}.rs have it",
        &["drop InterfaceUnknown", "drop InterfaceLoopback", "drop FrameTooLong"],
    ),
    (
        "no adversary sits beside a router of random scenarios; core/src/tests/forward.rs has it",
        &[
            "drop ForwardMartian",
            "drop ForwardScope",
            "drop ForwardReversePath",
            "drop ForwardHopLimit",
            "drop ForwardTooBig",
            "drop ForwardMerged",
            "drop ForwardQueueFull",
        ],
    ),
    (
        "random scenarios have no routes that discard; core/src/tests/policy.rs has it",
        &["drop RouteBlackhole", "drop RouteUnreachable", "drop RouteProhibited"],
    ),
    ("nobody quotes a live flow of random scenarios falsely; core/src/tests/path_mtu.rs has it", &["drop IcmpTooBig"]),
    (
        "random scenarios have no groups but those of all hosts, and sinks that read at once; \
         core/src/tests/{multicast,udp}.rs have it",
        &["drop UdpSourceFiltered", "drop UdpQueueFull"],
    ),
    (
        "by default no option of IPv4 is refused as such; core/src/tests/ip_options.rs has it",
        &["drop Ipv4OptionRefused"],
    ),
    (
        "no random scenario has so many fragments, or connections; core/src/tests/{reassembly,limits}.rs have it",
        &["drop FragmentLimit", "drop TcpTableFull"],
    ),
    (
        "no whole packet is put together of fragments that has another fragment header; core/src/tests/reassembly.rs",
        &["drop FragmentNested"],
    ),
    (
        "applications of random scenarios read to the end; core/src/tcp/tests/{states,frames/close}.rs have it",
        &["drop TcpAfterClose"],
    ),
    (
        "applications of random scenarios abort only when the run is over; core/src/tcp/tests/{hostile,frames/reset}.rs have it",
        &[
            "tcp CLOSED x call Abort",
            "tcp SYN-SENT x call Abort",
            "tcp SYN-RECEIVED x call Abort",
            "tcp FIN-WAIT-1 x call Abort",
            "tcp CLOSE-WAIT x call Abort",
            "tcp CLOSING x call Abort",
            "tcp LAST-ACK x call Abort",
            "tcp TIME-WAIT x call Abort",
        ],
    ),
    (
        "applications of random scenarios wait until they are connected, and send nothing once they have closed; \
         core/src/tcp/tests/hostile.rs does anything in any state",
        &[
            "tcp SYN-SENT x call Send",
            "tcp SYN-SENT x call Receive",
            "tcp SYN-SENT x call Close",
            "tcp SYN-RECEIVED x call Send",
            "tcp SYN-RECEIVED x call Receive",
            "tcp SYN-RECEIVED x call Close",
            "tcp FIN-WAIT-1 x call Send",
            "tcp FIN-WAIT-1 x call Close",
            "tcp LAST-ACK x call Send",
            "tcp LAST-ACK x call Close",
            "tcp CLOSING x call Send",
            "tcp FIN-WAIT-2 x call Send",
            "tcp FIN-WAIT-2 x call Close",
            "tcp TIME-WAIT x call Send",
        ],
    ),
    (
        "who injects segments has an established connection in mind; core/src/tcp/tests/hostile.rs does anything in any state",
        &[
            "tcp SYN-SENT x segment Syn",
            "tcp SYN-SENT x segment Fin",
            "tcp SYN-SENT x segment None",
            "tcp SYN-RECEIVED x segment SynAck",
            "tcp ESTABLISHED x segment None",
            "tcp FIN-WAIT-1 x segment None",
            "tcp FIN-WAIT-2 x segment None",
            "tcp FIN-WAIT-2 x segment SynAck",
            "tcp CLOSE-WAIT x segment None",
            "tcp CLOSE-WAIT x segment SynAck",
            "tcp CLOSING x segment None",
            "tcp CLOSING x segment Syn",
            "tcp CLOSING x segment SynAck",
            "tcp LAST-ACK x segment None",
            "tcp LAST-ACK x segment SynAck",
            "tcp TIME-WAIT x segment None",
            "tcp TIME-WAIT x segment Syn",
            "tcp TIME-WAIT x segment SynAck",
        ],
    ),
    (
        "random scenarios set no linger time, and applications keep their handles to the end; \
         core/src/tcp/tests/frames/close.rs has it",
        &[
            "tcp FIN-WAIT-1 x timer Linger",
            "tcp FIN-WAIT-2 x timer Linger",
            "tcp FIN-WAIT-2 x timer FinWait2",
            "tcp CLOSING x timer Linger",
            "tcp LAST-ACK x timer Linger",
        ],
    ),
    (
        "few devices take no frame just as a FIN, or its acknowledgment, is to leave; core/src/tcp/tests/hostile.rs does \
         anything in any state",
        &[
            "tcp FIN-WAIT-1 x timer KeepAlive",
            "tcp CLOSE-WAIT x timer DelayedAck",
            "tcp CLOSING x timer DelayedAck",
            "tcp CLOSING x timer KeepAlive",
        ],
    ),
    (
        "few networks fail for minutes just while a connection closes; core/src/tcp/tests/frames/timeout.rs has it",
        &[
            "tcp FIN-WAIT-1 x timer UserTimeout",
            "tcp CLOSE-WAIT x timer UserTimeout",
            "tcp CLOSING x timer UserTimeout",
            "tcp LAST-ACK x timer UserTimeout",
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::coverage::reachable;

    #[test]
    fn only_what_can_be_reached_is_excused() {
        let reachable: Vec<String> = reachable().collect();
        for name in EXCUSED.iter().flat_map(|(_, names)| *names) {
            assert!(reachable.iter().any(|reachable| reachable == name), "{name}");
        }
    }

    #[test]
    fn what_cannot_be_is_excused_by_what_it_is() {
        let impossible = impossible();
        assert!(impossible.contains_key("tcp TIME-WAIT x timer DelayedAck"));
        assert!(impossible.contains_key("tcp LISTEN x segment Ack"));
        for must in ["tcp LISTEN x segment Syn", "tcp ESTABLISHED x timer Retransmission", "drop Ipv4Checksum"] {
            assert_eq!((reason(must), impossible.get(must)), (None, None));
        }
    }
}
