//! HTTP services on axum and hyper, as they are, run in a simulation, and every run is the same.

use std::future::IntoFuture as _;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::map_response;
use axum::response::Response;
use bytes::Bytes;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tickwire_examples::http::{Client, router};
use tickwire_examples::simulated::{SERVER, hosts, simulation};
use tickwire_sim::asynchronous::net::{TcpListener, TcpStream};
use tickwire_sim::asynchronous::{HostHandle, Timer};
use tickwire_sim::{Ended, Instant, Seed, Simulation, determinism, time};
use tokio::io::AsyncReadExt as _;

const LIMIT: Instant = Instant::from_millis(600_000);

/// What was captured at both hosts.
fn capture(seed: u8) -> Vec<u8> {
    let mut sim = simulation(Seed([seed; 32])).unwrap();
    assert_eq!(sim.run_until(LIMIT), Ended::Quiescent);
    assert_eq!(sim.failures(), []);
    let lost = sim.world().trace().lines().matches(" # link").count();
    assert!(lost > 5, "2 % of some 1,000 frames are lost, not {lost}");
    let mut capture = Vec::new();
    sim.world().trace().write_capture(&mut capture).unwrap();
    capture
}

#[test]
fn two_runs_from_one_seed_have_one_capture() {
    let first = capture(1);
    assert!(first == capture(1));
    assert!(first != capture(2));
}

#[test]
fn the_program_says_so() {
    let output = Command::new(env!("CARGO_BIN_EXE_simulated_http")).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(printed.contains("bytes of captures, the same\n"), "{printed}");
}

/// Hyper waits 10 s for the head of a request, from when it first looks for one, by the clock that it is given.
#[test]
fn a_timeout_of_hyper_s_is_exact() {
    let (mut sim, server, client) = hosts(Seed([1; 32])).unwrap();
    sim.start(server, async |host| {
        // The first to connect is let go when its time is up.
        let listener = TcpListener::bind(&host, SERVER)?;
        let (stream, _) = listener.accept().await?;
        let mut http = http1::Builder::new();
        http.timer(Timer).header_read_timeout(Duration::from_nanos(10_000_000_001));
        let began = time::now();
        let service = TowerToHyperService::new(router());
        let error = http.serve_connection(TokioIo::new(stream), service).await.unwrap_err();
        assert!(error.is_timeout());
        assert_eq!(time::now().since(began), Duration::from_nanos(10_000_000_001));
        Ok(())
    });
    sim.start(client, async |host| {
        let mut stream = TcpStream::connect(&host, SERVER).await?;
        let _ = stream.read(&mut [0]).await;
        Ok(())
    });
    assert_eq!(sim.run_until(LIMIT), Ended::Quiescent);
    assert_eq!((sim.failures(), sim.running(server)), (vec![], 0));
}

/// Where axum's own loop accepts.
struct Accepting(TcpListener<HostHandle>);

impl axum::serve::Listener for Accepting {
    type Io = TcpStream<HostHandle>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        self.0.accept().await.expect("it listens as long as its host lives")
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// `axum::serve` with `router`; every other simulation made runs on a machine so slow that a second of its own clock
/// passes before a response.
fn served(router: fn() -> Router) -> impl FnMut() -> Simulation {
    let runs = AtomicU32::new(0);
    move || {
        let is_slow = runs.fetch_add(1, Ordering::Relaxed) % 2 == 1;
        let (mut sim, server, client) = hosts(Seed([1; 32])).unwrap();
        sim.start(server, move |host| async move {
            let router = router().layer(map_response(move |response: Response| async move {
                if is_slow {
                    std::thread::sleep(Duration::from_millis(1100));
                }
                // Hyper looks at the system's clock whenever its connection goes on.
                tokio::task::yield_now().await;
                response
            }));
            axum::serve(Accepting(TcpListener::bind(&host, SERVER)?), router).into_future().await?;
            Ok(())
        });
        sim.start(client, async |host| {
            let mut client = Client::connect(&host, SERVER).await?;
            let (status, _) = client.request(Method::GET, "/", Bytes::new()).await?;
            assert_eq!(status, StatusCode::OK);
            Ok(())
        });
        sim
    }
}

/// Hyper takes the date from the system's clock.
#[test]
fn a_date_header_of_hyper_s_is_found() {
    let divergence = determinism::check(served(router), LIMIT).unwrap_err();
    let frames = divergence.frames.unwrap();
    for frame in &frames {
        assert!(frame.contains(" server > 192.0.2.1:80 > 192.0.2.2:") && frame.contains(" tcp P. 1:"), "{frame}");
    }
}

/// One of the service's own, from the host's clock, is left alone.
#[test]
fn a_date_header_of_the_host_s_time_is_the_same_in_every_run() {
    async fn date(mut response: Response) -> Response {
        let date = httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + time::unix_time());
        response.headers_mut().insert(header::DATE, HeaderValue::from_str(&date).expect("letters and digits"));
        response
    }
    let dated = || router().layer(map_response(date));
    assert!(determinism::check(served(dated), LIMIT).is_ok());
}
