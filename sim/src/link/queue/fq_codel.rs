//! FQ-CoDel (RFC 8290): a line for each flow, each under the control of its own `CoDel`, served by
//! deficit round robin, new flows before old ones.

use std::collections::{BTreeMap, VecDeque};
use std::hash::Hasher as _;

use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;
use tickwire_core::wire::ethernet::{self, EtherType, EthernetFrame};
use tickwire_core::wire::ipv4::IpProtocol;

use super::codel::{CoDel, Control};
use super::fifo::Line;
use super::{Backlog, Room};
use crate::link::direction::{Passing, Scope};
use crate::link::fate::Cause;
use crate::link::pattern::upper_layer;

/// What FQ-CoDel is set to. The defaults are those of RFC 8290 and of tc-fq_codel(8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct FqCoDel {
    /// What each flow's line is under. As ever, but marking.
    pub codel: CoDel,
    /// Lines, over which flows are spread by a hash; 0 is taken as 1. 1,024.
    pub flows: u16,
    /// Bytes that a flow may send before it is the next one's turn; 0 is taken as 1. 1,514.
    pub quantum: u32,
}

impl Default for FqCoDel {
    /// The figures of RFC 8290, marking.
    fn default() -> FqCoDel {
        FqCoDel { codel: CoDel { ecn: true, ..CoDel::default() }, flows: 1_024, quantum: 1_514 }
    }
}

/// A full queue drops half of its longest line at once, but no more frames than this
/// (RFC 8290 section 4.1).
const DROP_BATCH_MAX: u64 = 64;

/// A line and its turn.
#[derive(Clone, Debug, Default)]
struct Flow {
    line: Line,
    control: Control,
    /// Bytes that it may still send in its turn.
    deficit: i64,
    /// It is in one of the lists.
    listed: bool,
}

/// FQ-CoDel at work.
#[derive(Clone, Debug)]
pub(in crate::link) struct FairQueue {
    config: FqCoDel,
    room: Room,
    flows: BTreeMap<u16, Flow>,
    new: VecDeque<u16>,
    old: VecDeque<u16>,
    /// Of all lines.
    backlog: Backlog,
}

impl FairQueue {
    pub(super) fn new(config: FqCoDel, room: Room) -> FairQueue {
        FairQueue {
            config,
            room,
            flows: BTreeMap::new(),
            new: VecDeque::new(),
            old: VecDeque::new(),
            backlog: Backlog::default(),
        }
    }

    pub(super) fn enqueue(&mut self, passing: Passing, scope: &mut Scope<'_>) {
        let number = (flow_hash(&passing.data) % u64::from(self.config.flows.max(1))) as u16;
        let quantum = self.quantum();
        let flow = self.flows.entry(number).or_default();
        self.backlog.add(&passing.data);
        flow.line.push(passing);
        if !flow.listed {
            flow.listed = true;
            flow.deficit = quantum;
            self.new.push_back(number);
        }
        while !self.room.holds(self.backlog) {
            self.drop_from_longest(scope);
        }
    }

    /// Half of the bytes of the line with most of them, from its head on.
    fn drop_from_longest(&mut self, scope: &mut Scope<'_>) {
        let by_bytes = |flow: &&mut Flow| flow.line.backlog().bytes;
        // Of equals the first.
        let Some(flow) = self.flows.values_mut().rev().max_by_key(by_bytes) else { return };
        let half = flow.line.backlog().bytes / 2;
        for _ in 0..DROP_BATCH_MAX {
            let Some(oldest) = flow.line.pop() else { return };
            self.backlog.remove(&oldest.data);
            scope.drop(oldest, Cause::LongestFlow);
            if flow.line.backlog().bytes <= half {
                return;
            }
        }
    }

    /// RFC 8290 section 4.2.
    pub(super) fn dequeue(&mut self, scope: &mut Scope<'_>) -> Option<Passing> {
        let quantum = self.quantum();
        loop {
            let is_new = !self.new.is_empty();
            let list = if is_new { &mut self.new } else { &mut self.old };
            let number = list.pop_front()?;
            let flow = self.flows.get_mut(&number)?;
            if flow.deficit <= 0 {
                flow.deficit += quantum;
                self.old.push_back(number);
                continue;
            }
            let before = flow.line.backlog();
            let passing = flow.control.dequeue(&self.config.codel, &mut flow.line, scope);
            self.backlog = self.backlog.less(before).plus(flow.line.backlog());
            if let Some(passing) = passing {
                flow.deficit = flow.deficit.saturating_sub_unsigned(passing.data.len() as u64);
                list.push_front(number);
                return Some(passing);
            }
            if is_new {
                self.old.push_back(number);
            } else {
                flow.listed = false;
            }
        }
    }

    fn quantum(&self) -> i64 {
        self.config.quantum.max(1).into()
    }

    pub(super) fn frames(&self) -> usize {
        self.backlog.frames as usize
    }
}

/// By addresses, protocol and ports; of a fragment by the former only, of what is no IP
/// packet by the Ethernet header. The hash has no secret: which flows share a line follows from what
/// they are, in each run.
fn flow_hash(frame: &[u8]) -> u64 {
    let mut hasher = SipHasher13::new();
    let ethertype = EthernetFrame::parse(frame).map(|frame| frame.ethertype());
    let addresses = match ethertype {
        Ok(EtherType::Ipv4) => frame.get(ethernet::HEADER_LEN + 12..ethernet::HEADER_LEN + 20),
        Ok(EtherType::Ipv6) => frame.get(ethernet::HEADER_LEN + 8..ethernet::HEADER_LEN + 40),
        _ => None,
    };
    let (Some(addresses), Some(upper)) = (addresses, upper_layer(frame)) else {
        hasher.write(frame.get(..ethernet::HEADER_LEN).unwrap_or_default());
        return hasher.finish();
    };
    hasher.write(addresses);
    hasher.write_u8(upper.protocol.0);
    if !upper.fragment && matches!(upper.protocol, IpProtocol::TCP | IpProtocol::UDP) {
        hasher.write(frame.get(upper.offset..upper.offset + 4).unwrap_or_default());
    }
    hasher.finish()
}
