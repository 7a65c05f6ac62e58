//! A snapshot goes on as the simulation does that it was taken of, copied or run once more.

use std::time::Duration;

use tickwire_sim::asynchronous::Snapshot;
use tickwire_sim::bytes::Bytes;
use tickwire_sim::fault::Fault;
use tickwire_sim::link::{Delay, Loss, Stage};
use tickwire_sim::{Ended, Instant, Link, Simulation, Step};

use crate::{LIMIT, Pair, SERVER, ask, pair, serve};

fn lossy() -> Link {
    let delay = Stage::Delay(Delay::constant(Duration::from_millis(5)));
    Link::symmetric(vec![Stage::Loss(Loss::Bernoulli { ppm: 20_000 }), delay])
}

/// Applications that are data, or code.
fn transfer(scripted: bool) -> Simulation {
    Simulation::made_by(move || {
        let Pair { sim, server, client } = pair(lossy());
        let mut sim = sim.without_tokio_time();
        let data = vec![7; 300_000];
        if scripted {
            let (data, world) = (Bytes::from(data), sim.world_mut());
            world.start(server, vec![Step::Listen(SERVER), Step::Expect(data.clone()), Step::Close]);
            world.start(client, vec![Step::Connect(SERVER), Step::Send(data), Step::Close]);
        } else {
            sim.start(server, serve);
            sim.start(client, move |host| ask(host, data.clone()));
        }
        sim
    })
}

/// The hash at the end.
fn finish(mut sim: Simulation) -> u128 {
    assert_eq!(sim.run_until(LIMIT), Ended::Quiescent);
    assert_eq!(sim.failures(), []);
    sim.world().hash()
}

#[rstest::rstest]
#[case::copied(true, "Copy")]
#[case::run_once_more(false, "Replay")]
fn a_snapshot_goes_on_as_the_original(#[case] scripted: bool, #[case] way: &str) {
    let expected = finish(transfer(scripted));
    let mut sim = transfer(scripted);
    let mut snapshots: Vec<Snapshot> = Vec::new();
    // In the middle of whatever happens, and between.
    for events in [0, 1, 17, 60] {
        assert_eq!(sim.run_events(events, LIMIT), events);
        snapshots.push(sim.snapshot().unwrap());
    }
    let at = sim.world().now() + Duration::from_nanos(12_345);
    let _ = sim.run_until(at);
    snapshots.push(sim.snapshot().unwrap());
    assert_eq!(finish(sim), expected);
    for snapshot in snapshots {
        assert!(format!("{snapshot:?}").starts_with(way), "{snapshot:?}");
        let restored = snapshot.restore().unwrap();
        let again = restored.snapshot().map(|again| again.restore().unwrap());
        assert_eq!(finish(restored), expected);
        if let Some(again) = again {
            assert_eq!(finish(again), expected);
        }
    }
}

#[test]
fn what_was_done_from_outside_is_not_in_it_and_is_told() {
    let mut sim = transfer(false);
    let _ = sim.run_until(Instant::from_millis(100));
    let host = sim.world().hosts().next().unwrap();
    sim.world_mut().schedule(Instant::ZERO, Fault::Pause(host, Duration::from_millis(50)));
    let _ = sim.run_until(Instant::from_millis(200));
    let error = sim.snapshot().unwrap().restore().unwrap_err();
    assert_eq!(error.at, Instant::from_millis(200));
}

#[test]
fn programs_that_nobody_can_make_again_have_none() {
    let Pair { mut sim, server, .. } = pair(lossy());
    assert!(sim.snapshot().is_some());
    sim.start(server, serve);
    assert!(sim.snapshot().is_none());
}
