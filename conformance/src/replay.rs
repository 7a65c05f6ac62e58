//! A case run: inbound frames at their captured times into a stack on virtual time, and what leaves
//! it held against the outbound ones, in order, up to the first difference.

use std::fmt;

use tickwire_core::Instant;
use tickwire_sim::capture::{CapturedFrame, Direction};
use tickwire_sim::segment::InitialSeqs;
use tickwire_sim::{HostId, Seed, Step, World};

use crate::case::{Case, CaseError};
use crate::choices::Choices;
use crate::compare::Comparison;

/// How many frames before a difference are shown.
const CONTEXT_LINES: usize = 6;

/// Where the stack and the case first differ. Printed in the notation, expected beside got:
///
/// ```text
/// tcp-passive-open differs at its frame 6
///            0.300000000 < P. 1:7(6) ack 1 win 65535
///   expected 0.300000000 > . 1:1(0) ack 7 win 65535
///   got      0.300000000 > . 1:1(0) ack 1 win 65535
///   wrong    ack is 1, expected 7
///   decided by RFC 9293 section 3.10.7.4 (seventh check)
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The case.
    pub case: String,
    /// The sections that decide.
    pub rfc: Vec<String>,
    /// The number, in the capture from 0, of the frame that should have left; `None` if all had.
    pub frame: Option<usize>,
    /// The frames that passed before, as lines.
    pub before: Vec<String>,
    /// What should have left, as a line.
    pub expected: Option<String>,
    /// What left, as a line.
    pub got: Option<String>,
    /// What is wrong with it.
    pub wrong: Vec<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.frame {
            Some(frame) => writeln!(f, "{} differs at its frame {frame}", self.case)?,
            None => writeln!(f, "{} differs at its end", self.case)?,
        }
        for line in &self.before {
            writeln!(f, "           {line}")?;
        }
        if self.expected.is_some() || self.got.is_some() {
            writeln!(f, "  expected {}", self.expected.as_deref().unwrap_or("nothing"))?;
            writeln!(f, "  got      {}", self.got.as_deref().unwrap_or("nothing"))?;
        }
        for wrong in &self.wrong {
            writeln!(f, "  wrong    {wrong}")?;
        }
        write!(f, "  decided by {}", self.rfc.join("\n             "))
    }
}

/// Replays a case. `Ok(None)`: the stack did all that the case demands, and nothing else.
///
/// # Errors
///
/// [`CaseError::Host`]: the stack refuses the interface that the case describes.
pub fn replay(case: &Case, seed: Seed) -> Result<Option<Difference>, CaseError> {
    let mut world = World::new(seed);
    let host = world.add_host(case.description.host()).map_err(CaseError::Host)?;
    for application in &case.description.applications {
        world.start(host, application.steps.iter().cloned().map(Step::from).collect::<Vec<_>>());
    }
    let mut replay = Replay::new(case, world, host);
    let result = replay.run();
    Ok(result.err().map(|difference| *difference))
}

struct Replay<'a> {
    case: &'a Case,
    world: World,
    host: HostId,
    choices: Choices,
    captured_seqs: InitialSeqs,
    replayed_seqs: InitialSeqs,
    /// The next captured frame that is to leave.
    expected_next: usize,
    /// How many entries of the world's trace were looked at.
    passed_next: usize,
    /// What has passed so far, as lines.
    lines: Vec<String>,
}

impl<'a> Replay<'a> {
    fn new(case: &'a Case, world: World, host: HostId) -> Replay<'a> {
        Replay {
            case,
            world,
            host,
            choices: Choices::default(),
            captured_seqs: InitialSeqs::default(),
            replayed_seqs: InitialSeqs::default(),
            expected_next: 0,
            passed_next: 0,
            lines: Vec::new(),
        }
    }

    fn run(&mut self) -> Result<(), Box<Difference>> {
        let case = self.case;
        let mut last = Instant::ZERO;
        for frame in &case.capture.frames {
            last = Instant::from_nanos(frame.unix_nanos);
            if frame.direction == Some(Direction::Inbound) {
                self.run_until(last)?;
                let bytes = self.choices.applied(&frame.data);
                self.captured_seqs.observe(&frame.data);
                self.world.inject(last, self.host, bytes.into());
            }
        }
        let end = last + case.description.compare.within();
        self.run_until(end)?;
        if let Some((_, expected)) = self.expected() {
            return Err(self.missing(expected, end));
        }
        let failures: Vec<String> = self.world.failures().iter().map(ToString::to_string).collect();
        if failures.is_empty() { Ok(()) } else { Err(self.difference(None, None, failures)) }
    }

    /// Lets time pass until `at`, and holds what left against what was to leave.
    fn run_until(&mut self, at: Instant) -> Result<(), Box<Difference>> {
        // Whether anything is left to happen afterwards is not the case's matter.
        let _ = self.world.run_until(at);
        while let Some(passed) = self.world.trace().frames().get(self.passed_next).cloned() {
            self.passed_next += 1;
            self.replayed_seqs.observe(&passed.frame);
            match passed.direction {
                Direction::Inbound => {
                    let line = self.replayed_seqs.line(&passed.frame, "< ", false);
                    self.lines.push(format!("{} {line}", passed.at));
                }
                Direction::Outbound => self.left(passed.at, &passed.frame)?,
            }
        }
        match self.expected() {
            Some((_, expected)) if expected_at(expected) + self.case.description.compare.within() < at => {
                Err(self.missing(expected, at))
            }
            _ => Ok(()),
        }
    }

    /// The captured frame that is to leave next.
    fn expected(&self) -> Option<(usize, &'a CapturedFrame)> {
        let frames = self.case.capture.frames.iter().enumerate().skip(self.expected_next);
        frames.into_iter().find(|(_, frame)| frame.direction == Some(Direction::Outbound))
    }

    /// A frame left at `at`.
    fn left(&mut self, at: Instant, frame: &[u8]) -> Result<(), Box<Difference>> {
        let got = format!("{at} {}", self.replayed_seqs.line(frame, "> ", false));
        let Some((number, expected)) = self.expected() else {
            return Err(self.difference(None, Some(got), vec!["nothing was to leave".to_owned()]));
        };
        self.captured_seqs.observe(&expected.data);
        self.choices.learn(&expected.data, frame);
        let comparison = Comparison {
            compare: &self.case.description.compare,
            choices: &self.choices,
            captured_seqs: &self.captured_seqs,
            replayed_seqs: &self.replayed_seqs,
        };
        let mut wrong = comparison.differences(&expected.data, frame);
        let due = expected_at(expected);
        let off = at.since(due).max(due.since(at));
        if off > self.case.description.compare.within() {
            let when = if at > due { "late" } else { "early" };
            wrong.push(format!("it is {} ns {when}", off.as_nanos()));
        }
        if !wrong.is_empty() {
            let expected = self.expected_line(expected);
            return Err(self.difference(Some(expected), Some(got), wrong));
        }
        self.lines.push(got);
        self.expected_next = number + 1;
        Ok(())
    }

    fn expected_line(&self, expected: &CapturedFrame) -> String {
        format!("{} {}", expected_at(expected), self.captured_seqs.line(&expected.data, "> ", false))
    }

    fn missing(&mut self, expected: &CapturedFrame, until: Instant) -> Box<Difference> {
        self.captured_seqs.observe(&expected.data);
        let expected = self.expected_line(expected);
        let wrong = format!("nothing left until {until}");
        self.difference(Some(expected), None, vec![wrong])
    }

    fn difference(&self, expected: Option<String>, got: Option<String>, wrong: Vec<String>) -> Box<Difference> {
        Box::new(Difference {
            case: self.case.name.clone(),
            rfc: self.case.description.rfc.clone(),
            frame: self.expected().map(|(number, _)| number),
            before: self.lines[self.lines.len().saturating_sub(CONTEXT_LINES)..].to_vec(),
            expected,
            got,
            wrong,
        })
    }
}

fn expected_at(frame: &CapturedFrame) -> Instant {
    Instant::from_nanos(frame.unix_nanos)
}
