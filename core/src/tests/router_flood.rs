//! Floods of router advertisements: what is in use stays, what is new finds only the places that are free.

use alloc::format;
use core::time::Duration;

use super::rig::*;
use super::routers::*;
use crate::wire::ndp_options::{RouteInformation, RouterOption};
use crate::wire::ndp_router::{RouterAdvertisementHeader, RouterPreference};
use crate::{Config, Verdict};

/// One advertisement of a flood: another router and prefix each, and a preference that outbids all.
fn attack(rig: &mut Rig, n: u16) {
    let header = RouterAdvertisementHeader { preference: RouterPreference::High, ..header() };
    let prefix = prefix(&format!("2001:db8:{n:x}::"));
    let route = RouteInformation {
        prefix: ip(&format!("2001:db8:{n:x}:8000::")),
        prefix_len: 64,
        preference: RouterPreference::High,
        lifetime: 1800,
    };
    assert_eq!(
        rig.advertise_as(n, &header, &[RouterOption::Prefix(prefix), RouterOption::Route(route)]),
        Verdict::Accepted
    );
}

/// A rig whose router, number 1, has been found reachable.
fn settled() -> Rig {
    let mut rig = autoconfigured(Config::default());
    rig.pass(Duration::from_secs(3));
    rig.advertise(1, &[RouterOption::Prefix(prefix("2001:db8:1::"))]);
    rig.discard();
    rig.router_answers(1);
    rig.pass(Duration::from_secs(3));
    rig
}

/// The bar: two seconds of thousands of routers leave at most 8 and 16 prefixes, and ping alive.
#[test]
fn two_seconds_of_router_advertisements() {
    let mut rig = settled();
    let ours = rig.addresses_of("2001:db8:1::")[0];
    let mut replies = 0;
    for n in 0..5_000 {
        rig.pass(Duration::from_micros(400));
        attack(&mut rig, 100 + n);
        if n % 100 == 0 {
            assert_eq!(rig.receive(&ping(1, ours)), Verdict::Accepted);
        }
        replies += rig.sent().matches("echo reply").count();
        assert!(rig.stack.default_routers().count() <= 8);
        assert!(rig.stack.prefixes().count() <= 16);
        assert!(rig.stack.router_routes().count() <= 16);
        assert!(rig.addresses_v6().len() <= 16);
        assert!(rig.stack.routes().count() <= 8 + 16 + 16 + 2);
    }
    assert_eq!(replies, 50);
    assert_eq!(rig.default_routers()[0], 1);
    assert_eq!(rig.addresses_of("2001:db8:1::"), [ours]);
    assert_eq!(rig.next_hop("[2001:db8:ffff::1]:7"), Some(station(1)));
    assert_eq!(rig.counter("ndp.routers_refused"), 5_000 - 7);
    assert_eq!(rig.counter("ndp.prefixes_refused"), 5_000 - 15);
    assert_eq!(rig.counter("ndp.routes_refused"), 5_000 - 16);
    // The neighbor cache holds the routers that found a place in a list, and no more.
    assert!(rig.stack.neighbors().count() <= 8 + 16);
}

/// What the flood has left goes for what comes later; the router in use stays whatever comes.
#[test]
fn later_routers_take_the_place_of_those_that_never_answered() {
    let mut rig = settled();
    for n in 0..500 {
        attack(&mut rig, 100 + n);
    }
    rig.pass(Duration::from_secs(6));
    assert_eq!(rig.default_routers().len(), 8);
    rig.advertise(2, &[RouterOption::Prefix(prefix("2001:db8:2::"))]);
    assert!(rig.default_routers().contains(&1) && rig.default_routers().contains(&2));
    assert_eq!((rig.counter("ndp.routers_evicted"), rig.counter("ndp.prefixes_evicted")), (1, 1));
    assert_eq!(rig.addresses_of("2001:db8:2::").len(), 1);
    for n in 0..5_000 {
        rig.pass(Duration::from_millis(20));
        attack(&mut rig, 1_000 + n);
    }
    assert_eq!(rig.default_routers()[0], 1);
    assert_eq!(rig.addresses_of("2001:db8:1::").len(), 1);
}

/// Routers that have been found reachable are not replaced, however many they are and whoever comes.
#[test]
fn reachable_routers_are_never_replaced() {
    let mut rig = autoconfigured(Config::default());
    rig.pass(Duration::from_secs(3));
    for n in 1..=8 {
        rig.advertise(n, &[]);
        rig.pass(Duration::from_millis(1_100));
        rig.router_answers(n);
    }
    rig.pass(Duration::from_secs(10));
    for n in 0..100 {
        attack(&mut rig, 100 + n);
    }
    assert_eq!(rig.default_routers(), [1, 2, 3, 4, 5, 6, 7, 8]);
}
