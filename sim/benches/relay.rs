//! What the relay does to frames, seen from outside: the bars of throughput, delay, rate and loss.
//!
//! ```text
//!    west (TAP, this program) - bridge - relay-a  [tickwire-sim relay]  relay-b - bridge - east (TAP, this program)
//! ```
//!
//! All of it is in a network namespace of the program's own. Frames carry a number and the time at which they
//! were written at one end; the time at which they are read at the other is noted. The relay has the first
//! processor, the program the last. A frame that was written or read while the program itself was kept from
//! running tells nothing about the relay: where delays are measured it is set aside, and counted. As root:
//!
//!     cargo bench -p tickwire-sim --bench relay [-- --bar]
//!
//! `--bar` exits with 1 if a bar is missed.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::fd::AsFd as _;
use std::process::{Child, ChildStdout, Command, Stdio, exit};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use tickwire_backends::device::Device as _;
use tickwire_backends::net_setup::{Ip, NetSetupError, enter_network_namespace};
use tickwire_backends::pool::Pool;
use tickwire_backends::tap::Tap;

/// Frame bytes and what Ethernet adds to them: a full one occupies 1,538.
const FULL: usize = 1_514;
const ON_WIRE: u64 = 24;

/// Stations that nobody else is, and a type for experiments (IEEE 802 section 9.2.3).
const HEADERS: [[u8; 14]; 2] =
    [[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5], [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5]];

/// Longer than this no pass of the measuring loop takes, unless the program is kept from running.
const STALL_NANOS: u64 = 100_000;

/// From here on it is waited without sleeping.
const WAKE_UP_NANOS: u64 = 80_000;

/// How long frames may be on their way after the last was written.
const DRAIN: Duration = Duration::from_millis(300);

/// How often delays are measured: an odd number, of which one is in the middle.
const DELAY_ROUNDS: u64 = 9;

/// The two ends.
struct Bed {
    taps: [Tap; 2],
    pools: [Pool; 2],
}

impl Bed {
    fn set_up(ip: &Ip) -> Result<Bed, Box<dyn std::error::Error>> {
        fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1")?;
        let side = |end: &str, relay: &str, bridge: &str| -> Result<Tap, Box<dyn std::error::Error>> {
            let tap = Tap::open(end, 1500)?;
            ip.add_tap(relay, "root")?;
            ip.add_bridge(bridge)?;
            for device in [end, relay] {
                ip.join_bridge(device, bridge)?;
                ip.link_up(device)?;
            }
            Ok(tap)
        };
        let taps = [side("west", "relay-a", "br-west")?, side("east", "relay-b", "br-east")?];
        let pools = taps.each_ref().map(Tap::pool);
        Ok(Bed { taps, pools })
    }

    /// Until a frame can be read, or for so long.
    fn wait(&self, longest: Duration) -> std::io::Result<()> {
        let timeout = Timespec { tv_sec: 0, tv_nsec: longest.subsec_nanos().into() };
        poll(&mut self.taps.each_ref().map(|tap| PollFd::from_borrowed_fd(tap.fd(), PollFlags::IN)), Some(&timeout))?;
        Ok(())
    }
}

/// `tickwire-sim relay`, running.
struct Running {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Running {
    fn start(link: &str, seed: u64, cpu: usize) -> std::io::Result<Running> {
        let file = std::env::temp_dir().join(format!("tickwire-relay-{}.toml", std::process::id()));
        fs::write(&file, link)?;
        let mut child = Command::new(env!("CARGO_BIN_EXE_tickwire-sim"))
            .args(["relay", "--tap", "relay-a", "--tap", "relay-b", "--seed", &seed.to_string(), "--link"])
            .arg(&file)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut set = CpuSet::new();
        set.set(cpu);
        sched_setaffinity(Some(Pid::from_child(&child)), &set)?;
        let mut output = BufReader::new(child.stdout.take().ok_or(std::io::ErrorKind::BrokenPipe)?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        fs::remove_file(&file)?;
        if !line.starts_with("ready") {
            return Err(std::io::Error::other("the relay did not start"));
        }
        Ok(Running { child, output })
    }

    /// Processor time used so far, in ticks of 10 ms.
    fn ticks(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let fields: Vec<u64> = after_name.split_whitespace().map(|field| field.parse().unwrap_or(0)).collect();
        fields.get(11).copied().unwrap_or(0) + fields.get(12).copied().unwrap_or(0)
    }

    /// Ends it; what it says about itself.
    fn finish(mut self) -> std::io::Result<String> {
        kill_process(Pid::from_child(&self.child), Signal::INT)?;
        let mut text = String::new();
        self.output.read_to_string(&mut text)?;
        self.child.wait()?;
        Ok(text)
    }
}

/// What is sent at either end.
#[derive(Clone, Copy)]
struct Load {
    /// Frame bytes.
    len: usize,
    /// Between two frames of one end.
    gap_nanos: u64,
    duration: Duration,
    both_ways: bool,
}

/// A frame that came out.
struct Passed {
    written: u64,
    read: u64,
}

/// What became of a load, by the end that it was written at.
struct Outcome {
    written: [u64; 2],
    passed: [Vec<Passed>; 2],
    /// From when to when the program stood still.
    stalls: Vec<(u64, u64)>,
    /// Processor time of the relay, in millionths of one core.
    core_ppm: u64,
    said: String,
}

impl Outcome {
    /// Whether the program stood still when the frame was written, or read.
    fn is_doubtful(&self, frame: &Passed) -> bool {
        let within = |at: u64| {
            let next = self.stalls.partition_point(|(_, end)| *end < at);
            self.stalls.get(next).is_some_and(|(start, _)| *start <= at)
        };
        within(frame.written) || within(frame.read)
    }
}

fn run(bed: &mut Bed, link: &str, seed: u64, load: Load, cpu: usize) -> std::io::Result<Outcome> {
    let relay = Running::start(link, seed, cpu)?;
    let mut frames = HEADERS.map(|header| {
        let mut frame = header.to_vec();
        frame.resize(load.len, 0);
        frame
    });
    let mut outcome = Outcome {
        written: [0; 2],
        passed: [Vec::new(), Vec::new()],
        stalls: Vec::new(),
        core_ppm: 0,
        said: String::new(),
    };
    let ends: &[usize] = if load.both_ways { &[0, 1] } else { &[0] };
    let (origin, ticks) = (Instant::now(), relay.ticks());
    let nanos = || origin.elapsed().as_nanos() as u64;
    let stop = load.duration.as_nanos() as u64;
    let mut received = Vec::new();
    let mut last = nanos();
    while last < stop + DRAIN.as_nanos() as u64 {
        for &end in ends {
            let now = nanos();
            if now < stop && now >= outcome.written[end] * load.gap_nanos {
                frames[end][14..22].copy_from_slice(&now.to_le_bytes());
                if rustix::io::write(bed.taps[end].fd().as_fd(), &frames[end]).is_ok() {
                    outcome.written[end] += 1;
                }
            }
        }
        for end in [0, 1] {
            bed.taps[end].receive(&mut bed.pools[end], &mut received, 16)?;
            let read = nanos();
            for frame in received.drain(..) {
                let header = &HEADERS[1 - end];
                if frame.data.starts_with(header)
                    && let Some(written) = frame.data[14..].first_chunk()
                {
                    outcome.passed[1 - end].push(Passed { written: u64::from_le_bytes(*written), read });
                }
            }
        }
        let now = nanos();
        if now - last > STALL_NANOS {
            outcome.stalls.push((last, now));
        }
        let next = ends.iter().map(|end| outcome.written[*end] * load.gap_nanos).min().unwrap_or(stop);
        let idle = if next < stop { next } else { stop + DRAIN.as_nanos() as u64 }.saturating_sub(now);
        if idle > WAKE_UP_NANOS {
            bed.wait(Duration::from_nanos(idle - WAKE_UP_NANOS))?;
        }
        last = nanos();
    }
    outcome.core_ppm = (relay.ticks() - ticks) * 10_000_000_000_000 / nanos();
    outcome.said = relay.finish()?;
    Ok(outcome)
}

/// Counts bars that are missed.
struct Bars(u32);

impl Bars {
    fn row(&mut self, what: &str, measured: &str, bar: &str, held: bool) {
        self.0 += u32::from(!held);
        println!("| {what} | {measured} | {bar} | {} |", if held { "held" } else { "MISSED" });
    }

    /// It kept up, or says that it did not.
    fn note(said: &str) {
        said.lines().filter(|line| line.contains("FELL BEHIND") || line.contains("refused")).for_each(|line| {
            println!("|   | {} | | |", line.trim());
        });
    }
}

/// Bits per second on the wire between the first and the last frame that came out.
fn rate(passed: &[Passed], len: usize) -> u64 {
    let (Some(first), Some(last)) = (passed.first(), passed.last()) else { return 0 };
    let bits = (passed.len() as u64 - 1) * (len as u64 + ON_WIRE) * 8;
    bits * 1_000_000 / ((last.read - first.read) / 1_000).max(1)
}

const GIGABIT: &str = r#"
[[both]]
rate.bps = "1Gbit/s"
rate.room = "1MiB"
[[both]]
delay.law.constant = "1ms"
"#;

fn throughput(bed: &mut Bed, bars: &mut Bars, cpu: usize) -> std::io::Result<()> {
    let load = Load { len: FULL, gap_nanos: 12_304, duration: Duration::from_secs(5), both_ways: true };
    let outcome = run(bed, GIGABIT, 1, load, cpu)?;
    for (end, way) in ["a to b", "b to a"].into_iter().enumerate() {
        let offered = outcome.written[end] * (FULL as u64 + ON_WIRE) * 8 / load.duration.as_secs();
        let passed = &outcome.passed[end];
        let lost = outcome.written[end] - passed.len() as u64;
        let measured = format!(
            "{} Mbit/s of {} offered, {lost} of {} frames lost",
            rate(passed, FULL) / 1_000_000,
            offered / 1_000_000,
            outcome.written[end]
        );
        let held = rate(passed, FULL) >= 990_000_000 && lost * 1_000 <= outcome.written[end];
        bars.row(&format!("1 Gbit/s both ways, {way}"), &measured, "1 Gbit/s", held);
    }
    println!("|   | the relay used {} % of one core | | |", outcome.core_ppm / 10_000);
    Bars::note(&outcome.said);
    Ok(())
}

/// What one round showed of one way: how far from the link's 10 ms the frames came out.
struct Errors {
    median_micros: u64,
    p99_micros: u64,
    frames: usize,
    set_aside: usize,
}

impl Errors {
    fn of(outcome: &Outcome, end: usize) -> Errors {
        let passed = &outcome.passed[end];
        let clear = passed.iter().filter(|frame| !outcome.is_doubtful(frame));
        let mut errors: Vec<u64> = clear.map(|frame| (frame.read - frame.written).abs_diff(10_000_000)).collect();
        errors.sort_unstable();
        let at = |percent: usize| errors.get(errors.len() * percent / 100).copied().unwrap_or(u64::MAX) / 1_000;
        Errors {
            median_micros: at(50),
            p99_micros: at(99),
            frames: errors.len(),
            set_aside: passed.len() - errors.len(),
        }
    }
}

/// What the machine does without a relay: how often, in a second, a program that only looks at the clock is kept from
/// it on the processor that the relay will have.
fn machine(cpu: usize) -> std::io::Result<()> {
    let own = sched_getaffinity(None)?;
    let mut relays = CpuSet::new();
    relays.set(cpu);
    sched_setaffinity(None, &relays)?;
    let (begin, mut last) = (Instant::now(), Instant::now());
    let (mut stalls, mut longest) = (0, Duration::ZERO);
    while begin.elapsed() < Duration::from_secs(1) {
        let now = Instant::now();
        let gap = now - last;
        stalls += u32::from(gap.as_nanos() > STALL_NANOS.into());
        longest = longest.max(gap);
        last = now;
    }
    sched_setaffinity(None, &own)?;
    let micros = longest.as_micros();
    println!(
        "|   | without a relay its processor was away for over 100 us {stalls} times in 1 s, at most {micros} us | | |"
    );
    Ok(())
}

/// Several rounds, since the host of a virtual machine takes processors away, and what else runs on it is not asked
/// to leave inside of a system call. The middle one is held against the bar, and the row has them all.
fn delay(bed: &mut Bed, bars: &mut Bars, cpu: usize, load: Load, what: &str) -> std::io::Result<()> {
    machine(cpu)?;
    let mut rounds = Vec::new();
    for seed in 0..DELAY_ROUNDS {
        rounds.push(run(bed, "[[both]]\ndelay.law.constant = '10ms'\n", seed, load, cpu)?);
    }
    for (end, way) in ["a to b", "b to a"].into_iter().enumerate() {
        let mut errors: Vec<Errors> = rounds.iter().map(|outcome| Errors::of(outcome, end)).collect();
        errors.sort_by_key(|errors| errors.p99_micros);
        let middle = &errors[errors.len() / 2];
        let p99s: Vec<String> = errors.iter().map(|errors| errors.p99_micros.to_string()).collect();
        let measured = format!(
            "median {} us, p99 {} us ({} frames, {} set aside); p99 of each round: {}",
            middle.median_micros,
            middle.p99_micros,
            middle.frames,
            middle.set_aside,
            p99s.join(", ")
        );
        let held = middle.median_micros <= 50 && middle.p99_micros <= 300;
        bars.row(&format!("10 ms, {what}, {way}: error"), &measured, "50 us, 300 us", held);
    }
    let behind = rounds.iter().filter(|outcome| outcome.said.contains("FELL BEHIND")).count();
    println!("|   | in {behind} of {DELAY_ROUNDS} rounds it says that it fell behind | | |");
    Ok(())
}

fn rates(bed: &mut Bed, bars: &mut Bars, cpu: usize) -> std::io::Result<()> {
    for mbit in [10, 100] {
        let link = format!("[[both]]\nrate.bps = '{mbit}Mbit/s'\nrate.room = '100frames'\n");
        // Half as much again is offered.
        let gap_nanos = (FULL as u64 + ON_WIRE) * 8 * 1_000 / mbit * 2 / 3;
        let load = Load { len: FULL, gap_nanos, duration: Duration::from_secs(3), both_ways: true };
        let outcome = run(bed, &link, 1, load, cpu)?;
        for (end, way) in ["a to b", "b to a"].into_iter().enumerate() {
            let found = rate(&outcome.passed[end], FULL);
            let off_ppm = found.abs_diff(mbit * 1_000_000) / mbit;
            let measured = format!("{}.{:03} Mbit/s", found / 1_000_000, found / 1_000 % 1_000);
            bars.row(&format!("{mbit} Mbit/s, {way}"), &measured, "1 %", off_ppm <= 10_000);
        }
        Bars::note(&outcome.said);
    }
    Ok(())
}

fn losses(bed: &mut Bed, bars: &mut Bars, cpu: usize) -> std::io::Result<()> {
    for percent in [1, 10] {
        let link = format!("[[both]]\nloss.bernoulli = '{percent}%'\n");
        let load = Load { len: 100, gap_nanos: 50_000, duration: Duration::from_secs(4), both_ways: true };
        let outcome = run(bed, &link, 1, load, cpu)?;
        for (end, way) in ["a to b", "b to a"].into_iter().enumerate() {
            let written = outcome.written[end];
            let lost = written - outcome.passed[end].len() as u64;
            // (k - n p)^2 <= 9 n p (1 - p), times 10,000.
            let off = (lost * 100).abs_diff(written * percent);
            let held = off * off <= 9 * written * percent * (100 - percent);
            bars.row(&format!("{percent} % lost, {way}"), &format!("{lost} of {written}"), "3 sigma", held);
        }
        Bars::note(&outcome.said);
    }
    Ok(())
}

fn measure(bed: &mut Bed, bars: &mut Bars, cpu: usize) -> std::io::Result<()> {
    println!("| what | measured | bar | |\n|---|---|---|---|");
    throughput(bed, bars, cpu)?;
    let light = Load { len: 200, gap_nanos: 1_000_000, duration: Duration::from_secs(1), both_ways: true };
    delay(bed, bars, cpu, light, "1,000 frames/s")?;
    let heavy = Load { len: FULL, gap_nanos: 61_520, ..light };
    delay(bed, bars, cpu, heavy, "200 Mbit/s")?;
    rates(bed, bars, cpu)?;
    losses(bed, bars, cpu)
}

fn set_up() -> Result<(Bed, usize), Box<dyn std::error::Error>> {
    let allowed = sched_getaffinity(None)?;
    let mut cpus = (0..CpuSet::MAX_CPU).filter(|cpu| allowed.is_set(*cpu));
    let first = cpus.next().unwrap_or(0);
    let mut last = CpuSet::new();
    last.set(cpus.next_back().unwrap_or(first));
    sched_setaffinity(None, &last)?;
    rustix::process::setpriority_process(None, -20)?;
    rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1))?;
    enter_network_namespace().map_err(|error: NetSetupError| error.to_string())?;
    Ok((Bed::set_up(&Ip::default())?, first))
}

fn main() {
    let (mut bed, cpu) = set_up().unwrap_or_else(|error| {
        eprintln!("setting up the interfaces: {error}");
        exit(1)
    });
    let mut bars = Bars(0);
    measure(&mut bed, &mut bars, cpu).unwrap_or_else(|error| {
        eprintln!("measuring: {error}");
        exit(1)
    });
    if bars.0 > 0 && std::env::args().any(|word| word == "--bar") {
        exit(1);
    }
}
