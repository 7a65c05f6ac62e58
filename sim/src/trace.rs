//! Every frame that passed an interface, and what became of it on the link: as lines in the notation,
//! and as pcapng.
//!
//! ```text
//! 0.000000000 client > 192.0.2.2:40000 > 192.0.2.1:7 tcp S 0:0(0) win 65535 <mss 1460>
//! 0.005000000 server < 192.0.2.2:40000 > 192.0.2.1:7 tcp S 0:0(0) win 65535 <mss 1460>
//! ```
//!
//! A frame that a link dropped says so where it was sent; one that a link changed, where it arrived.

use std::fmt::Write as _;
use std::io::Write;

use bytes::Bytes;
use smallvec::SmallVec;
use tickwire_backends::capture::{CaptureError, CapturedFrame, write_frames};
use tickwire_core::Instant;
use tickwire_core::provenance::Provenance;

pub use tickwire_backends::capture::Direction;

use crate::fault::Fault;
use crate::link::Fate;
use crate::segment::InitialSeqs;
use crate::world::Port;

/// A frame that passed an interface. On a link a frame passes two: the sender's, then the receiver's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// Its number: larger than that of every frame before. Verdicts and links name a frame by it.
    pub number: u64,
    /// When.
    pub at: Instant,
    /// Which interface.
    pub port: Port,
    /// Into the stack or out of it.
    pub direction: Direction,
    /// The frame's bytes.
    pub frame: Bytes,
    /// Of a frame that left, which frame, timer or call of its stack caused it.
    pub provenance: Option<Provenance>,
    /// What became of it on the link: of a frame that left, how it or its copies were dropped; of one
    /// that arrived, how it came.
    pub fates: SmallVec<[Fate; 1]>,
    /// It arrived, but the host was down or had no room for it.
    pub lost: bool,
}

impl Passed {
    /// The comment of its packet in a capture: what caused a frame that left; what the link did, unless
    /// that is only what it does to every frame.
    fn comment(&self) -> Option<String> {
        let cause = self.provenance.map(|provenance| provenance.describe(self.at).to_string());
        let fates = self.fates.iter().filter(|fate| !fate.is_calm()).map(ToString::to_string);
        let lost = self.lost.then(|| LOST.to_owned());
        let parts: Vec<String> = cause.into_iter().chain(fates).chain(lost).collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

/// What is said of a frame that arrived and was not taken.
const LOST: &str = "lost: the host is down or has no room";

/// What passed, in the order in which it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The names of the nodes, by their numbers.
    pub(crate) nodes: Vec<String>,
    /// The ports, in the order in which they were added: the interface numbers of a capture.
    pub(crate) ports: Vec<Port>,
    /// Whether frames are kept.
    pub(crate) keep: bool,
    /// How many frames there were, kept or not.
    count: u64,
    passed: Vec<Passed>,
    /// What was done to hosts and links, and when.
    pub(crate) faults: Vec<(Instant, Fault)>,
}

impl Default for Trace {
    fn default() -> Trace {
        Trace { nodes: Vec::new(), ports: Vec::new(), keep: true, count: 0, passed: Vec::new(), faults: Vec::new() }
    }
}

impl Trace {
    /// The frames.
    pub fn frames(&self) -> &[Passed] {
        &self.passed
    }

    /// How many frames there were, kept or not.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The faults that befell hosts and links, and when.
    pub fn faults(&self) -> &[(Instant, Fault)] {
        &self.faults
    }

    /// The nodes' names, by their numbers.
    pub fn nodes(&self) -> &[String] {
        &self.nodes
    }

    /// The number of the next frame.
    pub(crate) fn next_number(&self) -> u64 {
        self.count
    }

    /// A frame passes; it is told by its number what is to be kept of it.
    #[inline]
    pub(crate) fn pass(&mut self, passed: impl FnOnce(u64) -> Passed) {
        if self.keep {
            self.passed.push(passed(self.count));
        }
        self.count += 1;
    }

    /// A line per frame: time in seconds, node, direction (`>` out of the stack, `<` into it) and the
    /// frame in the notation. Sequence numbers count from the initial ones. What a link dropped or
    /// changed is followed by ` # link: ...`.
    pub fn lines(&self) -> String {
        let mut seqs = InitialSeqs::default();
        let mut text = String::new();
        for Passed { at, port, direction, frame, fates, lost, .. } in &self.passed {
            seqs.observe(frame);
            let prefix = match direction {
                Direction::Inbound => "< ",
                Direction::Outbound => "> ",
            };
            let name = self.name(*port);
            // Writing to a String does not fail.
            let _ = write!(text, "{at} {name} {}", seqs.line(frame, prefix, true));
            for fate in fates.iter().filter(|fate| fate.is_fault()) {
                let _ = write!(text, " # {fate}");
            }
            if *lost {
                let _ = write!(text, " # {LOST}");
            }
            text.push('\n');
        }
        text
    }

    /// Takes note of how a frame was dropped. Its name on the link is its number here.
    pub(crate) fn dropped(&mut self, fate: Fate) {
        if let Ok(at) = self.passed.binary_search_by_key(&fate.frame, |passed| passed.number) {
            self.passed[at].fates.push(fate);
        }
    }

    /// Writes a pcapng capture with every interface of the world; time 0 stands as 1970 in it.
    ///
    /// # Errors
    ///
    /// [`CaptureError::Sink`]: `sink` could not be written.
    pub fn write_capture(&self, sink: impl Write) -> Result<(), CaptureError> {
        let names: Vec<String> = self.ports.iter().map(|port| self.name(*port)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let frames: Vec<CapturedFrame> = self.passed.iter().map(|passed| self.captured(passed)).collect();
        write_frames(sink, &names, &frames)
    }

    /// The node's name, with the interface's number where it has several.
    fn name(&self, port: Port) -> String {
        let node = self.nodes.get(port.node.index()).map_or("", String::as_str);
        let several = self.ports.iter().filter(|other| other.node == port.node).count() > 1;
        if several { format!("{node}.{}", port.interface) } else { node.to_owned() }
    }

    fn captured(&self, passed: &Passed) -> CapturedFrame {
        let interface = self.ports.iter().position(|port| *port == passed.port).unwrap_or_default();
        CapturedFrame {
            unix_nanos: passed.at.as_nanos(),
            interface: interface as u32,
            direction: Some(passed.direction),
            data: passed.frame.clone(),
            original_len: passed.frame.len() as u32,
            comment: passed.comment(),
        }
    }
}
