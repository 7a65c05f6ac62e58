//! An HTTP service on axum and hyper, unmodified, in a simulation: four clients over real TCP, on a link that loses one
//! frame in fifty, run twice from one seed. The two runs are the same, frame by frame.
//!
//! `cargo run -p tickwire-examples --bin simulated_http [SEED]`, with a seed from 0 to 255.
#![forbid(unsafe_code)]

use std::error::Error;
use std::time::Instant;

use tickwire_examples::simulated::simulation;
use tickwire_sim::link::Fate;
use tickwire_sim::{Ended, Seed, Simulation};

/// In simulated time; longer than it takes.
const LIMIT: tickwire_sim::Instant = tickwire_sim::Instant::from_millis(600_000);

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let seed = std::env::args().nth(1).map_or(Ok(1), |seed| seed.parse::<u8>())?;
    let [first, second] = [run(seed)?, run(seed)?];
    println!("{} bytes of captures, {}", first.len(), if first == second { "the same" } else { "not the same" });
    if first == second { Ok(()) } else { Err("two runs from one seed differ".into()) }
}

/// Runs it to its end; returns what was captured at both hosts.
fn run(seed: u8) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
    let mut sim = simulation(Seed([seed; 32]))?;
    let began = Instant::now();
    let ended = sim.run_until(LIMIT);
    let failures = sim.failures();
    if ended != Ended::Quiescent || !failures.is_empty() {
        return Err(format!("{ended:?}, {failures:?}").into());
    }
    report(&sim, began);
    let mut capture = Vec::new();
    sim.world().trace().write_capture(&mut capture)?;
    Ok(capture)
}

fn report(sim: &Simulation, began: Instant) {
    let frames = sim.world().trace().frames();
    let lost = frames.iter().filter(|passed| passed.fates.iter().any(Fate::is_fault)).count();
    let (simulated, took) = (sim.world().now(), began.elapsed().as_millis());
    println!("{} frames passed an interface, {lost} were lost; {simulated} s in {took} ms", frames.len());
}
