//! `tickwire-sim replay`: a recording, played to some place.
//!
//! | module | job |
//! |---|---|
//! | this file | the options, playing to a place and what is printed there |
//! | `interactive` | `--interactive`: forward and back by commands |

mod interactive;

use std::fs::File;
use std::io::{BufReader, BufWriter, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use tickwire_backends::recording::Reader;
use tickwire_backends::tables;
use tickwire_core::Instant;

use super::run::write_out;
use crate::replay::{Describer, End, Recapture, Replay, ReplayError, describe_stack};
use crate::report::Recorded;

type FileReplay = Replay<BufReader<File>>;

pub(super) const ABOUT: &str = "\
Take a stack that ran on a real interface through all that it did, again.

FILE is what `tickwire run --record FILE` wrote: every call on the stack, with its
time and its arguments. The stack is built anew from them, and must answer each
call as it did then: the same frames to the byte, the same events and deadlines,
and every 1024 calls the same state. The first call that it answers otherwise is
named, and the exit code is 1.

Without --at, --call or --back it is played to its end. Where it stops, --state
prints the stack: interfaces, leases, routes, neighbors, sockets with their
windows and timers, counters. A file that was cut off (a program that was killed,
a full disk) is played up to there.";

pub(super) const EXAMPLES: &str = "\
Examples:
  Record a stack on a real interface, then play that again:
    tickwire run --tap tap7 --ip4 dhcp --service http --record run.twr
    tickwire-sim replay run.twr

  The stack as it was at 3.217 s, and the calls of the last ms before:
    tickwire-sim replay run.twr --at 3.217s --state
    tickwire-sim replay run.twr --from 3.216s --at 3.217s --calls

  Five calls before it ended (or before it panicked), to look around from there:
    tickwire-sim replay run.twr --back 5 --interactive

  Its frames, for Wireshark; and all of it as one page, for people:
    tickwire-sim replay run.twr --pcap run.pcapng
    tickwire-sim replay run.twr --report run.html";

/// `tickwire-sim replay`.
#[derive(Args)]
pub(super) struct Options {
    /// The recording
    file: PathBuf,
    /// Stop before the first call after this time, as in 3.217s or 250ms, since
    /// the stack was made
    #[arg(long, value_name = "TIME", value_parser = time, conflicts_with = "call")]
    at: Option<Instant>,
    /// Stop before call number N, counted from 0
    #[arg(long, value_name = "N")]
    call: Option<u64>,
    /// Then go back N calls
    #[arg(long, value_name = "N")]
    back: Option<u64>,
    /// Print the stack's state where it stops
    #[arg(long)]
    state: bool,
    /// Print it as JSON, as `tickwire run --stats` does
    #[arg(long)]
    json: bool,
    /// Print every call, and what came of it
    #[arg(long)]
    calls: bool,
    /// Print calls from this time on only
    #[arg(long, value_name = "TIME", value_parser = time, requires = "calls")]
    from: Option<Instant>,
    /// Write the frames received and emitted to this file, in the format pcapng
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
    /// Write a report (HTML) of what was played into this file: its frames and calls,
    /// graphs of its connections, and what the oracles say of them
    #[arg(long, value_name = "OUT.html")]
    report: Option<PathBuf>,
    /// Where it stops, read commands: forward, back, state; `help` lists them
    #[arg(long, short)]
    interactive: bool,
}

/// A time as it is typed: a number with a unit, or seconds.
fn time(text: &str) -> Result<Instant, String> {
    let wrong = || "right would be a time as in 3.217s, 250ms or 12us".to_owned();
    let units = [("ns", 1), ("us", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000), ("", 1_000_000_000)];
    let unit = units.into_iter().find_map(|(unit, nanos)| text.strip_suffix(unit).map(|number| (number, nanos)));
    let (number, unit_nanos) = unit.ok_or_else(wrong)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let is_number = |digits: &str| digits.bytes().all(|digit| digit.is_ascii_digit());
    if whole.is_empty() || fraction.len() > 9 || !is_number(whole) || !is_number(fraction) {
        return Err(wrong());
    }
    let billionths: u64 = format!("{fraction:0<9}").parse().map_err(|_| wrong())?;
    let nanos = whole.parse::<u64>().ok().and_then(|whole| whole.checked_mul(unit_nanos)).ok_or_else(wrong)?;
    let part = u128::from(billionths) * u128::from(unit_nanos) / 1_000_000_000;
    nanos.checked_add(part as u64).map(Instant::from_nanos).ok_or_else(wrong)
}

pub(super) fn run(options: &Options) -> Result<ExitCode, String> {
    let file = options.file.display();
    let reader = Reader::open(&options.file).map_err(|error| format!("{file}: {error}"))?;
    let mut replay = if options.report.is_some() { Replay::examining(reader) } else { Replay::new(reader) };
    if replay.program() != env!("CARGO_PKG_VERSION") {
        eprintln!(
            "tickwire-sim: {file}: recorded by tickwire {}, this is {}: it may answer otherwise",
            replay.program(),
            env!("CARGO_PKG_VERSION")
        );
    }
    let mut recorded = options.report.is_some().then(Recorded::default);
    let played = play(&mut replay, options, recorded.as_mut())?;
    let mut code = ExitCode::SUCCESS;
    if let Err(error) = &played {
        eprintln!("tickwire-sim: {file}: {error}");
        code = ExitCode::FAILURE;
    }
    if let (Some(path), Some(mut recorded)) = (&options.report, recorded) {
        if let Err(error) = &played {
            recorded.add_trouble("replay", error.to_string());
        }
        let page = recorded.html(&format!("Recording {file}"), &replay);
        std::fs::write(path, page).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    if let Some(place) = place_after(&replay, options, &played) {
        replay.go_to(place).map_err(|error| format!("{file}: {error}"))?;
    }
    write_out(&summary(&replay))?;
    if options.state {
        write_out(&describe_stack(replay.stack()))?;
    }
    if options.json {
        write_out(&format!("{:#}\n", tables::stats(replay.stack())))?;
    }
    if options.interactive {
        interactive::converse(&mut replay, std::io::stdin().lock())?;
    }
    Ok(code)
}

/// Plays up to the place that `--at` or `--call` names, or to the end.
fn play(
    replay: &mut FileReplay,
    options: &Options,
    mut recorded: Option<&mut Recorded>,
) -> Result<Result<(), ReplayError>, String> {
    let mut capture = match &options.pcap {
        None => None,
        Some(path) => {
            let failed = |error: &dyn std::fmt::Display| format!("cannot write {}: {error}", path.display());
            let file = File::create(path).map_err(|error| failed(&error))?;
            Some((Recapture::new(BufWriter::new(file)).map_err(|error| failed(&error))?, failed))
        }
    };
    let mut describer = Describer::default();
    let mut out = std::io::stdout().lock();
    let ended = loop {
        let is_there = options.call.is_some_and(|call| replay.calls() >= call)
            || options.at.is_some_and(|at| replay.next_instant().is_some_and(|next| next > at));
        if is_there {
            break Ok(());
        }
        let step = match replay.step() {
            Ok(Some(step)) => step,
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        };
        if let Some((capture, failed)) = &mut capture {
            capture.add(replay, &step).map_err(|error| failed(&error))?;
        }
        if let Some(recorded) = &mut recorded {
            recorded.add(replay, &step);
        }
        if options.calls {
            let lines = describer.lines(replay, &step);
            let is_wanted = options.from.is_none_or(|from| step.at >= from);
            if is_wanted && out.write_all(lines.as_bytes()).is_err() {
                // Who closes the pipe early has read enough.
                break Ok(());
            }
        }
    };
    if let Some((capture, failed)) = capture {
        capture.finish().map_err(|error| failed(&error))?;
    }
    Ok(ended)
}

/// Where to go after that: back, as was asked for; out of a panic, whose state nobody can look at, in any case.
fn place_after(replay: &FileReplay, options: &Options, played: &Result<(), ReplayError>) -> Option<u64> {
    match (options.back, played) {
        (Some(back), _) => Some(replay.calls().saturating_sub(back)),
        (None, Err(ReplayError::Panicked { number, .. })) => Some(*number),
        (None, _) => None,
    }
}

/// Where the replay is, in a line, and how the recording ends if that is here.
fn summary(replay: &FileReplay) -> String {
    let place = format!("call {} at {} s", replay.calls(), replay.stack().latest());
    match replay.end() {
        None => format!("{place}\n"),
        Some(End::Whole) => format!("{place}: the end; every call was answered as recorded\n"),
        Some(End::Overflow) => format!("{place}: the recording ends early, for too many calls came at once\n"),
        Some(End::Cut { within: None, .. }) => {
            format!("{place}: the recording is cut off here, between two records\n")
        }
        Some(End::Cut { within: Some(position), len }) => format!(
            "{place}: the recording is cut off here, within record {} that begins at byte {}, at byte {}\n",
            position.record,
            position.at,
            len.unwrap_or_default()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_to_the_nanosecond() {
        let read = |text| time(text).map(Instant::as_nanos);
        assert_eq!(read("3.217s"), Ok(3_217_000_000));
        assert_eq!(read("3.000000001"), Ok(3_000_000_001));
        assert_eq!(read("250ms"), Ok(250_000_000));
        assert_eq!(read("1.5us"), Ok(1_500));
        assert_eq!(read("7ns"), Ok(7));
        for wrong in ["", "s", "-1s", "1.2.3s", "1e3", "99999999999999s", "1.0000000001s", ".5s"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }
}
