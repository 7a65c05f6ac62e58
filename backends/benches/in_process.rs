//! Cost per frame of two stacks in one process. See README.md.

#[path = "support/mod.rs"]
mod support;

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use support::args::Args;
use support::namespace::{Core, allowed, pin};
use support::pair::{Cost, Endpoint, Pair};
use support::programs::TICKWIRE;
use support::report::{Bar, Samples, Table, conclude};
use support::smoltcp_pair::Smoltcp;
use support::tickwire_pair::Tickwire;

/// A stack and its run.
struct Contestant {
    name: &'static str,
    run: fn() -> Cost,
}

/// The first is what the ratios divide by.
const CONTESTANTS: &[Contestant] =
    &[Contestant { name: "smoltcp 0.14", run: run::<Smoltcp> }, Contestant { name: TICKWIRE, run: run::<Tickwire> }];

/// What one run transfers, after a warm-up of a sixteenth of it.
const BYTES: u64 = 512 * 1024 * 1024;

/// Buffers of the sockets, each way.
const SOCKET_BUFFER: usize = 64 * 1024;

fn main() -> ExitCode {
    conclude(measure())
}

fn measure() -> io::Result<ExitCode> {
    let args = Args::parse(7, Duration::ZERO);
    let cores = allowed()?;
    pin(&cores, Core::Last)?;
    let contestants: Vec<_> = CONTESTANTS.iter().filter(|contestant| args.wants(contestant.name)).collect();
    let Some(first) = contestants.first() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "--only: no contestant has this name"));
    };
    let mut costs: Vec<Vec<Cost>> = contestants.iter().map(|_| Vec::new()).collect();
    for _ in 0..args.runs {
        for (contestant, costs) in contestants.iter().zip(&mut costs) {
            costs.push((contestant.run)());
        }
    }
    let mut table = Table::new(
        format!(
            "in_process: two stacks on a virtual link, {} MiB one way, copying calls, 64 KiB \
             buffers, MSS 1460, checksums on, {} runs in turns",
            BYTES >> 20,
            args.runs
        ),
        "",
        first.name,
    );
    for (case, figure, bar) in FIGURES {
        let samples = |costs: &[Cost]| Samples::new(costs.iter().map(figure).collect());
        let reference = samples(&costs[0]).median();
        for (contestant, costs) in contestants.iter().zip(&costs) {
            let bar = bar.filter(|_| contestant.name == TICKWIRE && args.only.is_none());
            table.row(case, contestant.name, samples(costs), Some(reference), bar);
        }
    }
    Ok(table.finish(args.bar))
}

type Figure = fn(&Cost) -> f64;

/// The bar is on the first; the others tell whether it was reached by sending more frames.
const FIGURES: [(&str, Figure, Option<Bar>); 3] = [
    ("ns per frame, both directions", Cost::per_frame_ns, Some(Bar::AtMost(0.8))),
    ("ns per 1460 bytes of data", Cost::per_segment_ns, None),
    ("frames per 1460 bytes of data", Cost::frames_per_segment, None),
];

fn run<E: Endpoint>() -> Cost {
    let mut pair = Pair::<E>::new();
    let connection = pair.connect(SOCKET_BUFFER);
    pair.bulk(&connection, BYTES / 16);
    pair.bulk(&connection, BYTES)
}
