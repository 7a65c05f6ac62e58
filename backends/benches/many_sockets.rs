//! Cost per segment of one busy connection beside idle ones. See README.md.

#[path = "support/mod.rs"]
mod support;

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use support::args::Args;
use support::namespace::{Core, allowed, pin};
use support::pair::{Connection, Endpoint, Pair};
use support::programs::TICKWIRE;
use support::report::{Bar, Samples, Table, conclude};
use support::smoltcp_pair::Smoltcp;
use support::tickwire_pair::Tickwire;

/// A stack, how many idle connections it is asked to hold, and what it must keep to.
struct Contestant {
    name: &'static str,
    idle: usize,
    bar: Option<Bar>,
    setup: fn(usize) -> Box<dyn Busy>,
}

/// smoltcp visits every socket on every poll: connecting n costs n squared, so that it gets a tenth.
const CONTESTANTS: &[Contestant] = &[
    Contestant { name: "smoltcp 0.14", idle: 1_000, bar: None, setup: setup::<Smoltcp> },
    Contestant { name: TICKWIRE, idle: 10_000, bar: Some(Bar::AtMost(1.3)), setup: setup::<Tickwire> },
];

/// Buffers of the busy connection and of an idle one, each way.
const BUSY_BUFFER: usize = 64 * 1024;
const IDLE_BUFFER: usize = 64;

/// Segments of one run.
const BULK_SEGMENTS: u64 = 20_000;
const SINGLE_SEGMENTS: u64 = 2_000;

/// One busy connection of a stack, beside however many idle ones.
trait Busy {
    /// Nanoseconds per segment in a stream.
    fn bulk_ns(&mut self) -> f64;
    /// Nanoseconds per segment if each is read before the next is sent.
    fn one_by_one_ns(&mut self) -> f64;
}

struct Loaded<E: Endpoint> {
    pair: Pair<E>,
    busy: Connection<E::Socket>,
}

impl<E: Endpoint> Busy for Loaded<E> {
    fn bulk_ns(&mut self) -> f64 {
        self.pair.bulk(&self.busy, BULK_SEGMENTS * 1460).per_segment_ns()
    }

    fn one_by_one_ns(&mut self) -> f64 {
        self.pair.one_by_one(&self.busy, SINGLE_SEGMENTS).per_segment_ns()
    }
}

fn setup<E: Endpoint + 'static>(idle: usize) -> Box<dyn Busy>
where
    E::Frame: 'static,
    E::Socket: 'static,
{
    let mut pair = Pair::<E>::new();
    for _ in 0..idle {
        pair.connect(IDLE_BUFFER);
    }
    let busy = pair.connect(BUSY_BUFFER);
    pair.bulk(&busy, BULK_SEGMENTS / 10 * 1460);
    Box::new(Loaded { pair, busy })
}

fn main() -> ExitCode {
    conclude(compare())
}

fn compare() -> io::Result<ExitCode> {
    let args = Args::parse(7, Duration::ZERO);
    let cores = allowed()?;
    pin(&cores, Core::Last)?;
    let mut table = Table::new(
        format!(
            "many_sockets: ns per segment of one busy connection, idle established ones beside it \
             at both ends, {} runs in turns",
            args.runs
        ),
        "ns",
        "none idle",
    );
    for contestant in CONTESTANTS {
        measure(&mut table, contestant, args.runs);
    }
    Ok(table.finish(args.bar))
}

type Measured = fn(&mut dyn Busy) -> f64;

fn measure(table: &mut Table, contestant: &Contestant, runs: usize) {
    let Contestant { name, idle, bar, setup } = *contestant;
    let mut alone = setup(0);
    let mut crowded = setup(idle);
    let cases: [(&str, Measured, Option<Bar>); 2] =
        [("stream", |busy| busy.bulk_ns(), bar), ("one by one", |busy| busy.one_by_one_ns(), None)];
    for (case, figure, bar) in cases {
        let (mut alone_ns, mut crowded_ns) = (Vec::new(), Vec::new());
        for _ in 0..runs {
            alone_ns.push(figure(&mut *alone));
            crowded_ns.push(figure(&mut *crowded));
        }
        let alone = Samples::new(alone_ns);
        let reference = Some(alone.median());
        table.row(&format!("{case}, none idle"), name, alone, reference, None);
        let label = format!("{case}, {idle} idle");
        table.row(&label, name, Samples::new(crowded_ns), reference, bar);
    }
}
