//! Medians, interleaved runs, the table and the bars.

use std::io;
use std::process::ExitCode;

/// Figures of one contestant in one case, one per run.
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    /// At least one figure, in any order.
    pub(crate) fn new(mut figures: Vec<f64>) -> Self {
        figures.sort_by(f64::total_cmp);
        Self(figures)
    }

    /// The median; of an even number the lower of the two in the middle.
    pub(crate) fn median(&self) -> f64 {
        self.0[(self.0.len() - 1) / 2]
    }

    fn range(&self) -> (f64, f64) {
        (self.0[0], self.0[self.0.len() - 1])
    }
}

/// The exit code of a program: 1 with the reason on stderr if something failed.
pub(crate) fn conclude(outcome: io::Result<ExitCode>) -> ExitCode {
    outcome.unwrap_or_else(|error| {
        eprintln!("{error}");
        ExitCode::FAILURE
    })
}

/// Lets the contestants take turns, `runs` times each (A B A B ...), so that a slow minute of the
/// machine falls on all of them. Returns the samples in the contestants' order.
pub(crate) fn interleave<C>(
    contestants: &[C],
    runs: usize,
    mut run: impl FnMut(&C) -> io::Result<f64>,
) -> io::Result<Vec<Samples>> {
    let mut figures = vec![Vec::with_capacity(runs); contestants.len()];
    for _ in 0..runs {
        for (contestant, figures) in contestants.iter().zip(&mut figures) {
            figures.push(run(contestant)?);
        }
    }
    Ok(figures.into_iter().map(Samples::new).collect())
}

/// What a ratio has to hold.
#[derive(Clone, Copy)]
pub(crate) enum Bar {
    AtLeast(f64),
    AtMost(f64),
}

impl Bar {
    fn holds(self, ratio: f64) -> bool {
        match self {
            Self::AtLeast(bar) => ratio >= bar,
            Self::AtMost(bar) => ratio <= bar,
        }
    }
}

struct Row {
    case: String,
    stack: String,
    samples: Samples,
    ratio: Option<f64>,
    bar: Option<Bar>,
}

/// The table that a program prints at its end.
pub(crate) struct Table {
    title: String,
    unit: &'static str,
    ratio_to: &'static str,
    rows: Vec<Row>,
}

impl Table {
    /// An empty table. `ratio_to` names what the column of ratios divides by.
    pub(crate) fn new(title: String, unit: &'static str, ratio_to: &'static str) -> Self {
        Self { title, unit, ratio_to, rows: Vec::new() }
    }

    /// Adds a row. `reference` is the median that the ratio divides by; the bar is on that ratio.
    pub(crate) fn row(&mut self, case: &str, stack: &str, samples: Samples, reference: Option<f64>, bar: Option<Bar>) {
        let ratio = reference.map(|reference| samples.median() / reference);
        self.rows.push(Row { case: case.into(), stack: stack.into(), samples, ratio, bar });
    }

    /// Prints the table. With `enforce`, the exit code is 1 unless there are bars and all hold.
    pub(crate) fn finish(self, enforce: bool) -> ExitCode {
        println!("{}", self.title);
        println!(
            "  {:<32} {:<14} {:>9}  {:>19}  {:>5}  bar     (ratio to {})",
            "", "", self.unit, "lowest .. highest", "ratio", self.ratio_to
        );
        for row in &self.rows {
            let (low, high) = row.samples.range();
            let ratio = row.ratio.map_or(String::new(), |ratio| format!("{ratio:.2}"));
            println!(
                "  {:<32} {:<14} {:>9.3}  {:>8.3} .. {:>7.3}  {ratio:>5}  {}",
                row.case,
                row.stack,
                row.samples.median(),
                low,
                high,
                verdict(row),
            );
        }
        let missed = self.rows.iter().filter(|row| !holds(row)).count();
        let bars = self.rows.iter().filter(|row| row.bar.is_some()).count();
        match (enforce, bars, missed) {
            (true, 0, _) => {
                eprintln!("--bar: no row here has a bar, nothing was held against one");
                ExitCode::FAILURE
            }
            (true, _, 1..) => {
                eprintln!("--bar: {missed} of {bars} bars missed");
                ExitCode::FAILURE
            }
            _ => ExitCode::SUCCESS,
        }
    }
}

fn holds(row: &Row) -> bool {
    match (row.bar, row.ratio) {
        (None, _) => true,
        (Some(bar), Some(ratio)) => bar.holds(ratio),
        (Some(_), None) => false,
    }
}

fn verdict(row: &Row) -> String {
    let word = if holds(row) { "holds" } else { "MISSED" };
    match row.bar {
        None => String::new(),
        Some(Bar::AtLeast(bar)) => format!(">= {bar:.2} {word}"),
        Some(Bar::AtMost(bar)) => format!("<= {bar:.2} {word}"),
    }
}
