//! What waits goes on at its nanosecond; tokio's own timers fire at whole milliseconds.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tickwire_sim::asynchronous::net::UdpSocket;
use tickwire_sim::fault::Fault;
use tickwire_sim::time::{self, Elapsed};
use tickwire_sim::{Ended, Instant};

use crate::{LIMIT, Outcome, Pair, SERVER, near, pair, seconds};

/// Instants that a program notes, in nanoseconds.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<u64>>>);

impl Notes {
    fn now(&self) {
        self.0.lock().unwrap().push(time::now().as_nanos());
    }

    fn taken(&self) -> Vec<u64> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Runs a program on the client for as long as `limit`, and returns what it noted.
fn noted<F: Future<Output = Outcome> + Send + 'static>(
    limit: Instant,
    program: impl Fn(Notes) -> F + 'static,
) -> Vec<u64> {
    let Pair { mut sim, client, .. } = pair(near());
    let notes = Notes::default();
    let taken = notes.clone();
    sim.start(client, move |_| program(notes.clone()));
    let _ = sim.run_until(limit);
    assert_eq!((sim.failures(), sim.running(client)), (vec![], 0));
    taken.taken()
}

#[test]
fn sleeps_are_exact_to_the_nanosecond() {
    let notes = noted(seconds(2), |notes| async move {
        time::sleep(Duration::ZERO).await;
        notes.now();
        time::sleep(Duration::from_nanos(1)).await;
        notes.now();
        time::sleep(Duration::from_nanos(1_234_567_890)).await;
        notes.now();
        time::sleep_until(Instant::from_nanos(1_300_000_001)).await;
        notes.now();
        time::sleep_until(Instant::from_nanos(5)).await;
        notes.now();
        Ok(())
    });
    assert_eq!(notes, [0, 1, 1_234_567_891, 1_300_000_001, 1_300_000_001]);
}

#[test]
fn without_tokio_s_clock_a_run_ends_with_the_last_timer() {
    let Pair { sim, client, .. } = pair(near());
    let mut sim = sim.without_tokio_time();
    sim.start(client, |_| async {
        time::sleep(Duration::from_hours(24)).await;
        Ok(())
    });
    assert_eq!(sim.run_until(seconds(100_000)), Ended::Quiescent);
    assert_eq!((sim.world().now(), sim.running(client)), (seconds(86_400), 0));
}

#[test]
fn an_interval_ticks_at_once_and_keeps_its_ticks() {
    let notes = noted(seconds(2), |notes| async move {
        let mut interval = time::interval(Duration::from_nanos(333_333_333));
        for _ in 0..2 {
            interval.tick().await;
            notes.now();
        }
        time::sleep(Duration::from_millis(800)).await;
        // Two ticks were missed: at 666,666,666 and 999,999,999.
        for due in [666_666_666, 999_999_999, 1_333_333_332] {
            assert_eq!(interval.tick().await, Instant::from_nanos(due));
            notes.now();
        }
        Ok(())
    });
    assert_eq!(notes, [0, 333_333_333, 1_133_333_333, 1_133_333_333, 1_333_333_332]);
}

#[test]
fn a_timeout_ends_what_is_late_and_only_that() {
    let notes = noted(seconds(2), |notes| async move {
        let late = time::sleep(Duration::from_nanos(1001));
        assert_eq!(time::timeout(Duration::from_micros(1), late).await, Err(Elapsed));
        notes.now();
        let just_then = time::sleep(Duration::from_micros(1));
        assert_eq!(time::timeout(Duration::from_micros(1), just_then).await, Ok(()));
        notes.now();
        Ok(())
    });
    assert_eq!(notes, [1000, 2000]);
}

#[test]
fn a_sleep_that_is_reset_or_dropped_wakes_nobody_at_its_old_time() {
    let notes = noted(seconds(2), |notes| async move {
        let mut sleep = Box::pin(time::sleep(Duration::from_millis(10)));
        drop(time::timeout(Duration::from_nanos(1), time::sleep(Duration::from_secs(1))));
        assert!(time::timeout(Duration::from_millis(1), sleep.as_mut()).await.is_err());
        sleep.reset(Instant::from_nanos(20_000_003));
        sleep.as_mut().await;
        assert!(sleep.is_elapsed());
        notes.now();
        Ok(())
    });
    assert_eq!(notes, [20_000_003]);
}

/// Tokio's wheel has slots of a millisecond, and rounds up.
#[test]
fn tokio_s_timers_fire_at_the_next_whole_millisecond() {
    let notes = noted(seconds(2), |notes| async move {
        time::sleep(Duration::from_nanos(1_234_567)).await;
        tokio::time::sleep(Duration::from_nanos(1)).await;
        notes.now();
        time::sleep(Duration::from_nanos(234_567)).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
        notes.now();
        assert!(tokio::time::timeout(Duration::from_millis(3), std::future::pending::<()>()).await.is_err());
        notes.now();
        // Beyond what one slot of the wheel's first levels holds.
        tokio::time::sleep(Duration::from_millis(700)).await;
        notes.now();
        Ok(())
    });
    assert_eq!(notes, [2_000_000, 8_000_000, 11_000_000, 711_000_000]);
}

/// A timer of tokio's is pending all the while: nothing but the world moves tokio's clock.
#[test]
fn tokio_s_clock_shows_the_host_s_time() {
    let Pair { mut sim, server, client } = pair(near());
    sim.start(server, |host| async move {
        let socket = UdpSocket::bind(&host, SERVER)?;
        let began = tokio::time::Instant::now();
        let waiting = tokio::spawn(tokio::time::sleep(Duration::from_secs(3)));
        let mut buf = [0; 10];
        for _ in 0..5 {
            socket.recv_from(&mut buf).await?;
            assert_eq!(began.elapsed(), time::now().since(Instant::ZERO));
        }
        assert_eq!(time::now(), Instant::from_nanos(4 * 100_000_007 + 5_000_000));
        waiting.await?;
        assert_eq!(time::now(), seconds(3));
        Ok(())
    });
    sim.start(client, |host| async move {
        // Resolves the neighbor beforehand, so that each datagram leaves when it is sent.
        let socket = UdpSocket::bind(&host, ([0, 0, 0, 0], 0))?;
        socket.send_to(b"x", SERVER).await?;
        for _ in 0..4 {
            time::sleep(Duration::from_nanos(100_000_007)).await;
            socket.send_to(b"x", SERVER).await?;
        }
        Ok(())
    });
    let _ = sim.run_until(seconds(5));
    assert_eq!((sim.failures(), sim.running(server), sim.running(client)), (vec![], 0, 0));
}

/// A host whose clock gains a tenth sleeps 909,090,910 ns of the world when it sleeps for a second: one less and
/// its clock would show 999,999,999 ns. Then it shows 1,000,000,001.
#[test]
fn programs_go_by_their_host_s_clocks() {
    let Pair { sim, client, .. } = pair(near());
    let mut sim = sim.without_tokio_time();
    let wall = Duration::from_secs;
    sim.world_mut().schedule(Instant::ZERO, Fault::ClockDrift(client, 100_000));
    sim.world_mut().schedule(Instant::from_millis(500), Fault::WallClockBack(client, Duration::from_hours(1)));
    sim.start(client, move |_| async move {
        // 2020-01-01T00:00:00Z.
        assert_eq!(time::unix_time(), wall(1_577_836_800));
        time::sleep(Duration::from_secs(1)).await;
        assert_eq!(time::now(), Instant::from_nanos(1_000_000_001));
        assert_eq!(time::unix_time(), wall(1_577_836_801 - 3600) + Duration::from_nanos(1));
        Ok(())
    });
    assert_eq!(sim.run_until(LIMIT), Ended::Quiescent);
    assert_eq!((sim.failures(), sim.world().now()), (vec![], Instant::from_nanos(909_090_910)));
}
