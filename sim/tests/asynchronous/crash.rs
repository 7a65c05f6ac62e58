//! A crash ends every task of a host, and the next life knows none of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tickwire_sim::asynchronous::HostHandle;
use tickwire_sim::asynchronous::net::TcpStream;
use tickwire_sim::fault::Fault;
use tickwire_sim::{Ended, Instant, time};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{LIMIT, Outcome, Pair, SERVER, near, pair, seconds, serve};

/// Tasks that live, by the life of their host, and what they did.
#[derive(Default)]
struct Census {
    lives: AtomicUsize,
    alive: [AtomicUsize; 2],
    ticks: [AtomicUsize; 2],
}

impl Census {
    fn read(counts: &[AtomicUsize; 2]) -> [usize; 2] {
        counts.each_ref().map(|count| count.load(Ordering::Relaxed))
    }
}

/// Counts a task while it lives.
struct Alive(Arc<Census>, usize);

impl Alive {
    fn new(census: &Arc<Census>, life: usize) -> Alive {
        census.alive[life].fetch_add(1, Ordering::Relaxed);
        Alive(Arc::clone(census), life)
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.alive[self.1].fetch_sub(1, Ordering::Relaxed);
    }
}

/// Three tasks beside the echo: one waits by the host's clock, one by tokio's, one for a peer.
async fn busy(host: HostHandle, census: Arc<Census>) -> Outcome {
    let life = census.lives.fetch_add(1, Ordering::Relaxed);
    let alive = Alive::new(&census, life);
    let counting = Arc::clone(&census);
    tokio::spawn(async move {
        let _alive = alive;
        loop {
            time::sleep(Duration::from_millis(10)).await;
            counting.ticks[life].fetch_add(1, Ordering::Relaxed);
        }
    });
    let alive = Alive::new(&census, life);
    tokio::spawn(async move {
        let _alive = alive;
        tokio::time::sleep(Duration::from_hours(1)).await;
    });
    let alive = Alive::new(&census, life);
    let waiting = host.clone();
    tokio::spawn(async move {
        let _alive = alive;
        // Nobody has this address.
        TcpStream::connect(&waiting, ([192, 0, 2, 99], 7)).await
    });
    serve(host).await
}

/// One byte there and back; what went wrong otherwise.
async fn ping(stream: &mut TcpStream<HostHandle>) -> std::io::Result<u8> {
    stream.write_all(b"x").await?;
    stream.read_u8().await
}

#[test]
fn no_task_of_the_first_life_is_alive_in_the_second() {
    let Pair { mut sim, server, client } = pair(near());
    let census = Arc::new(Census::default());
    let counted = Arc::clone(&census);
    sim.start(server, move |host| busy(host, Arc::clone(&counted)));
    sim.start(client, |host| async move {
        let mut stream = TcpStream::connect(&host, SERVER).await?;
        assert_eq!(ping(&mut stream).await?, b'x');
        time::sleep_until(seconds(3)).await;
        // The second life knows nothing of the connection (RFC 9293 section 3.5.1).
        assert_eq!(ping(&mut stream).await.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
        let mut stream = TcpStream::connect(&host, SERVER).await?;
        assert_eq!(ping(&mut stream).await?, b'x');
        Ok(())
    });
    sim.world_mut().schedule(seconds(1), Fault::Crash(server));
    sim.world_mut().schedule(seconds(2), Fault::Restart(server));

    let _ = sim.run_until(seconds(1) - Duration::from_nanos(1));
    assert_eq!((Census::read(&census.alive), Census::read(&census.ticks)), ([3, 0], [99, 0]));
    assert_eq!(sim.running(server), 1);
    let _ = sim.run_until(seconds(2) - Duration::from_nanos(1));
    assert_eq!((Census::read(&census.alive), Census::read(&census.ticks)), ([0, 0], [99, 0]));
    assert_eq!(sim.running(server), 0);
    let _ = sim.run_until(seconds(4));
    assert_eq!((Census::read(&census.alive), Census::read(&census.ticks)), ([0, 3], [99, 200]));
    assert_eq!((sim.failures(), sim.running(server), sim.running(client)), (vec![], 1, 0));
}

#[test]
fn a_program_started_while_its_host_is_down_begins_with_the_next_life() {
    let Pair { sim, server, .. } = pair(near());
    let mut sim = sim.without_tokio_time();
    sim.world_mut().schedule(seconds(1), Fault::Crash(server));
    sim.world_mut().schedule(seconds(3), Fault::Restart(server));
    let _ = sim.run_until(seconds(2));
    sim.start(server, |_| async {
        assert_eq!(time::now(), seconds(3));
        Ok(())
    });
    assert_eq!(sim.running(server), 1);
    assert_eq!(sim.run_until(LIMIT), Ended::Quiescent);
    assert_eq!((sim.failures(), sim.running(server)), (vec![], 0));
}

/// Tokio's timers go by whole milliseconds of the host's clock, not of its life.
#[test]
fn tokio_s_timers_keep_to_the_clock_in_a_later_life() {
    let Pair { mut sim, server, .. } = pair(near());
    sim.start(server, |_| async {
        if time::now() > seconds(1) {
            tokio::time::sleep(Duration::from_millis(1)).await;
            assert_eq!(time::now(), Instant::from_millis(2002));
        }
        Ok(())
    });
    sim.world_mut().schedule(Instant::from_nanos(2_000_500_007), Fault::Restart(server));
    let _ = sim.run_until(seconds(3));
    assert_eq!((sim.failures(), sim.running(server)), (vec![], 0));
}
