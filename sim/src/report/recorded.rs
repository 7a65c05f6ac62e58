//! The report of a recording: what one stack saw, call by call.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use bytes::Bytes;
use maud::{Markup, html};
use smallvec::SmallVec;
use tickwire_core::config::Medium;
use tickwire_core::record::{Call, Outcome};
use tickwire_core::time::Duration;
use tickwire_core::{Instant, InterfaceConfig, InterfaceId, Stack};

use super::flow::flows;
use super::matter::{Inscription, Matter, Remark, Subject, Trouble, Wire};
use super::page::{Parts, page};
use super::quantity::{grouped, seconds};
use crate::oracle::white_box::WhiteBox;
use crate::oracle::{FlowKey, Mark, Oracle, Settings, Sighting, Switches, Verdict, WireOracles};
use crate::replay::{Emission, Replay, Step, call_text, describe_stack, framed};
use crate::trace::{Direction, Passed, Trace};
use crate::world::{Details, HostId, NodeId, Port};

/// Bytes of frames that are kept for the report; oracles judge those that come on top, too.
pub const BYTES_MAX: usize = 256 << 20;
/// Calls between two frames that are told.
const CALLS_MAX: usize = 12;
/// A stack that is called so much later than it has asked for was kept from working.
const LATE: Duration = Duration::from_millis(100);
/// The node of the stack; those of its interfaces follow.
const STACK: HostId = HostId(0);

/// A recording, as it is played: each step of a [`Replay`] is added. The replay must be one that examines
/// ([`Replay::examining`]), else states and congestion windows are missing.
#[derive(Debug)]
pub struct Recorded {
    trace: Trace,
    details: Details,
    wires: Vec<Wire>,
    /// The name of each interface, and what it was set to.
    names: Vec<String>,
    interfaces: Vec<InterfaceConfig>,
    /// From the first interface on.
    judges: Option<Box<Judges>>,
    remarks: Vec<Remark>,
    notes: BTreeMap<u64, String>,
    troubles: Vec<Trouble>,
    /// When the stack has asked to be called at the latest.
    due: Option<Instant>,
    bytes: usize,
    left_out: u64,
}

/// The oracles.
#[derive(Debug)]
struct Judges {
    wire: WireOracles,
    white_box: WhiteBox,
}

impl Default for Recorded {
    fn default() -> Recorded {
        let mut trace = Trace::default();
        trace.nodes.push("stack".to_owned());
        Recorded {
            trace,
            details: Details::default(),
            wires: Vec::new(),
            names: Vec::new(),
            interfaces: Vec::new(),
            judges: None,
            remarks: Vec::new(),
            notes: BTreeMap::new(),
            troubles: Vec::new(),
            due: None,
            bytes: 0,
            left_out: 0,
        }
    }
}

impl Recorded {
    /// Adds a step that `replay` has just made.
    pub fn add<R: Read + Seek>(&mut self, replay: &Replay<R>, step: &Step) {
        self.notice_delay(step);
        let passed = |number: u64, interface: &InterfaceId, direction: Direction, frame: &Bytes| {
            let (port, frame, fates) = (Port::new(STACK, interface.index()), frame.clone(), SmallVec::new());
            Passed { number, at: step.at, port, direction, frame, provenance: None, fates, lost: false }
        };
        match &step.call {
            Call::HandleFrame { interface, frame, .. } => {
                let number = replay.stack().next_serial().saturating_sub(1);
                self.pass(passed(number, interface, Direction::Inbound, &frame.data));
                let dropped = step.outcomes.iter().find_map(|outcome| match outcome {
                    Outcome::Dropped(reason) => Some(format!("dropped by the stack: {}", reason.name())),
                    _ => None,
                });
                self.notes.extend(dropped.filter(|_| self.left_out == 0).map(|told| (number, told)));
            }
            Call::PollTransmit { interface, .. } => {
                let first = replay.stack().next_serial().saturating_sub(step.emitted.len() as u64);
                for (number, Emission { data, provenance }) in (first..).zip(&step.emitted) {
                    let provenance = *provenance;
                    let sent = passed(number, interface, Direction::Outbound, data);
                    self.pass(Passed { provenance, ..sent });
                }
            }
            Call::PollEvent | Call::PollTimeout | Call::NextTimer | Call::HandleTimeout { .. } => {}
            call => {
                if let Call::AddInterface { config, .. } = call {
                    self.add_interface(replay, config);
                }
                let now = step.at;
                let told =
                    call_text(call).replace(&format!("now: {now}, "), "").replace(&format!(" {{ now: {now} }}"), "");
                self.remark(now, told);
            }
        }
        self.examine(replay.stack(), step);
    }

    /// Adds something that went wrong.
    pub fn add_trouble(&mut self, name: &str, text: String) {
        self.troubles.push(Trouble { name: name.to_owned(), text, frames: Vec::new() });
    }

    /// The page, with the stack as it is where `replay` stands.
    pub fn html<R: Read + Seek>(&self, title: &str, replay: &Replay<R>) -> String {
        let verdicts = self.judges.iter().flat_map(|judges| {
            let verdicts: Vec<Verdict> = [judges.wire.verdicts(), judges.white_box.verdicts()].concat();
            verdicts.into_iter().map(|verdict| (self.trace.nodes()[0].clone(), verdict))
        });
        let tallies = self.judges.iter().flat_map(|judges| {
            let Judges { wire, white_box } = judges.as_ref();
            Oracle::ALL.iter().map(|oracle| (*oracle, wire.tally(*oracle).plus(white_box.tally(*oracle))))
        });
        let stack = replay.stack();
        let own = stack.interfaces().filter(|own| own.medium != Medium::Loopback);
        let own = own.flat_map(|own| own.addresses).map(|own| own.address.to_string());
        let own: Vec<String> = own.filter(|address| !address.starts_with("fe80:")).collect();
        let told = |lines: Vec<String>| Inscription { lines, ..Inscription::default() };
        let mut nodes = vec![told(own)];
        nodes.resize(self.trace.nodes().len(), told(vec!["all that is beyond it".to_owned()]));
        // What is known of the other side is what passes the wire.
        let mirrored = self.wires.iter().map(|wire| (wire.ends[0], HostId(wire.ends[1].node.index()))).collect();
        let flows = flows(&self.trace, &[STACK], &mirrored);
        let subject = Subject {
            title: title.to_owned(),
            trace: &self.trace,
            details: Some(&self.details),
            nodes,
            hosts: vec![STACK],
            wires: self.wires.clone(),
            verdicts: verdicts.collect(),
            failures: self.troubles.clone(),
            tallies: tallies.collect(),
            faults: Vec::new(),
            remarks: self.remarks.clone(),
            notes: self.notes.clone(),
        };
        let matter = Matter::new(subject, flows);
        let parts = Parts {
            facts: self.facts(replay, &matter),
            sums: html! {},
            network: self.network(stack),
            rest: html! {
                h2 id="stack" { "The stack where the replay stops" }
                pre.scroll tabindex="0" { (describe_stack(stack)) }
            },
        };
        page(&matter, &parts)
    }

    fn facts<R: Read + Seek>(&self, replay: &Replay<R>, matter: &Matter<'_>) -> Markup {
        html! {
            span { "recorded by tickwire " b { (replay.program()) } }
            span { b { (grouped(replay.calls())) } " calls in " b { (format!("{:.3}", seconds(replay.stack().latest()))) } " s" }
            span { b { (grouped(self.trace.count() + self.left_out)) } " frames" }
            span { "the last one shown at " b { (format!("{:.3}", seconds(matter.end))) } " s" }
            @if self.left_out > 0 {
                span.bad { (grouped(self.left_out)) " frames were judged and are not shown: there are too many of them" }
            }
        }
    }

    fn network(&self, stack: &Stack) -> Markup {
        html! {
            table.figures {
                tr {
                    th { "interface" } th { "hardware address" } th.number { "MTU" } th { "addresses" }
                    th.number { "frames in" } th.number { "bytes in" } th.number { "frames out" } th.number { "bytes out" }
                    th.number { "dropped" }
                }
                @for own in stack.interfaces() {
                    tr {
                        td { (self.name(own.id)) @if !own.up { " (down)" } }
                        td { @if own.medium == Medium::Ethernet { (own.hardware_address) } }
                        td.number { (own.capabilities.mtu) }
                        td { @for address in own.addresses { (address.address) "/" (address.prefix_len) br; } }
                        td.number { (grouped(own.traffic.frames_received)) }
                        td.number { (grouped(own.traffic.bytes_received)) }
                        td.number { (grouped(own.traffic.frames_sent)) }
                        td.number { (grouped(own.traffic.bytes_sent)) }
                        td.number { (grouped(stack.interface_drops(own.id).map(|(_, count)| count).sum())) }
                    }
                }
            }
        }
    }

    fn name(&self, interface: InterfaceId) -> &str {
        self.names.get(interface.index()).map_or("?", String::as_str)
    }

    fn add_interface<R: Read + Seek>(&mut self, replay: &Replay<R>, config: &InterfaceConfig) {
        let known = self.names.len();
        for own in replay.stack().interfaces().filter(|own| own.id.index() >= known) {
            let (port, name) = (Port::new(STACK, own.id.index()), replay.name(own.id).to_owned());
            self.trace.ports.push(port);
            self.names.push(name.clone());
            self.interfaces.push(config.clone());
            // Nothing ever passes a loopback interface.
            if own.medium != Medium::Loopback {
                let ends = [port, Port::new(NodeId(self.trace.nodes.len()), 0)];
                self.wires.push(Wire { name: name.clone(), link: None, ends });
                self.trace.nodes.push(name);
            }
        }
        let config = replay.stack().config();
        let settings = Settings::of(config, &self.interfaces, Switches::ALL);
        match &mut self.judges {
            Some(judges) => judges.wire.set(settings),
            none => *none = Some(Box::new(Judges::new(settings, config.tcp.challenge_acks_per_second))),
        }
    }

    /// A frame passes an interface.
    fn pass(&mut self, passed: Passed) {
        let Passed { number, at, direction, .. } = passed;
        let medium = self.interfaces.get(passed.port.interface).map_or(Medium::Ethernet, |config| config.medium);
        if let Some(judges) = &mut self.judges {
            judges.wire.observe(Sighting { number, at, medium, direction, frame: &passed.frame });
        }
        self.bytes += passed.frame.len();
        if self.bytes > BYTES_MAX {
            self.left_out += 1;
        } else {
            let frame = framed(medium, &passed.frame);
            self.trace.pass(|_| Passed { frame, ..passed });
        }
    }

    /// A call is made: those of the same time are told together.
    fn remark(&mut self, at: Instant, line: String) {
        let place = self.trace.frames().len();
        let since_the_frame = self.remarks.iter().rev().take_while(|remark| remark.place == place);
        let told: usize = since_the_frame.map(|remark| remark.lines.len()).sum();
        match self.remarks.last_mut() {
            Some(last) if told == CALLS_MAX => {
                last.lines.pop();
                last.lines.push("and more".to_owned());
            }
            Some(last) if last.place == place && last.at == at => last.lines.push(line),
            _ => self.remarks.push(Remark { place, at, lines: vec![line], fault: None }),
        }
    }

    /// What the step has made of connections.
    fn examine(&mut self, stack: &Stack, step: &Step) {
        let mark = Mark::new(stack.next_serial().saturating_sub(1), step.at);
        for seen in &step.examined {
            if let Some(judges) = &mut self.judges {
                let offered = judges.wire.offered(FlowKey::of(seen.examination.local, seen.examination.remote));
                judges.white_box.observe(&seen.examination, mark, offered);
            }
            self.details.keep(STACK, seen);
        }
    }

    /// What the stack does too late because nobody called it is no fault of its own.
    fn notice_delay(&mut self, step: &Step) {
        let is_late = step.call.now().zip(self.due).is_some_and(|(now, due)| now > due + LATE);
        if let (true, Some(judges)) = (is_late, &mut self.judges) {
            judges.wire.disturbed();
        }
        if is_late || matches!(step.call, Call::PollTimeout) {
            self.due = step.outcomes.iter().find_map(|outcome| match outcome {
                Outcome::Wakeup(at) => Some(*at),
                _ => None,
            });
        }
    }
}

impl Judges {
    fn new(settings: Settings, challenge_acks: u32) -> Judges {
        let white_box = WhiteBox::new(settings.switches, challenge_acks);
        Judges { wire: WireOracles::new(settings), white_box }
    }
}
