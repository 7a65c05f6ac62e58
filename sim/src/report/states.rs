//! The states of connections over time.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use svg::node::element::{Anchor, Group, Line, Rectangle, Text, Title};
use tickwire_core::Instant;
use tickwire_core::socket::TcpHandle;
use tickwire_core::tcp::State;

use super::graph::{RIGHT, WIDTH};
use super::matter::Matter;
use super::quantity::{seconds, tick, ticks};
use crate::HostId;

/// Connections, counted at each of their ends, whose states are shown: the first ones.
pub const CONNECTIONS_MAX: usize = 40;

/// The height of a row, and where the bars begin: in pixels.
const ROW: u32 = 22;
const LEFT: u32 = 380;
/// Bars as wide as this say what state they are.
const NAMED: f64 = 90.0;

/// One end of a connection.
type Key = (HostId, SocketAddr, SocketAddr, TcpHandle);

/// The states of one end, each with when it began.
type Timeline = Vec<(Instant, State)>;

/// The timelines, in the order in which they began, and how many there are of them all.
fn timelines(matter: &Matter<'_>) -> (Vec<(Key, Timeline)>, usize) {
    let mut timelines: BTreeMap<Key, Timeline> = BTreeMap::new();
    for host in matter.subject.hosts.iter().copied() {
        for seen in matter.subject.details.map_or(&[][..], |details| details.examined(host)) {
            let connection = &seen.examination;
            let key = (host, connection.local, connection.remote, connection.handle);
            let timeline = timelines.entry(key).or_default();
            if timeline.last().is_none_or(|(_, state)| *state != connection.state) {
                timeline.push((seen.at, connection.state));
            }
        }
    }
    let mut timelines: Vec<(Key, Timeline)> = timelines.into_iter().collect();
    timelines.sort_by_key(|(key, timeline)| (timeline.first().map(|(at, _)| *at), *key));
    let all = timelines.len();
    timelines.truncate(CONNECTIONS_MAX);
    (timelines, all)
}

/// Which color of the style sheet a state has.
fn class(state: State) -> &'static str {
    match state {
        State::SynSent | State::SynReceived => "state opening",
        State::Established => "state open",
        State::TimeWait => "state waiting",
        State::Closed => "state closed",
        _ => "state closing",
    }
}

/// The drawing, and how many ends of connections it leaves out; `None` if nothing was kept.
pub(super) fn drawing(matter: &Matter<'_>) -> Option<(String, usize)> {
    let (timelines, all) = timelines(matter);
    if timelines.is_empty() {
        return None;
    }
    let left_out = all - timelines.len();
    let height = (timelines.len() as u32 + 2) * ROW + 30;
    let axis = Axis { end: seconds(matter.end).max(1e-6), bottom: height - 40 };
    let mut document =
        svg::Document::new().set("class", "states").set("viewBox", (0, 0, WIDTH, height)).add(axis.drawing());
    document = document.set("role", "group").set("aria-label", "states of connections over time");
    for (row, (key, timeline)) in (1_u32..).zip(&timelines) {
        document = document.add(bars(matter, &axis, row * ROW, key, timeline));
    }
    Some((document.add(axis.moments(matter)).to_string(), left_out))
}

fn bars(matter: &Matter<'_>, axis: &Axis, y: u32, key: &Key, timeline: &Timeline) -> Group {
    let (host, local, remote, _) = key;
    let name = format!("{} {local} > {remote}", matter.node(host.index()));
    let mut group = Group::new().add(Text::new(name).set("class", "who").set("x", LEFT - 10).set("y", y + 14));
    for (place, (at, state)) in timeline.iter().enumerate() {
        let until = timeline.get(place + 1).map(|(at, _)| *at);
        if *state == State::Closed {
            continue;
        }
        let (from, to) = (axis.x(*at), axis.x(until.unwrap_or(matter.end)));
        let width = (to - from).max(1.0);
        let ended = until.map_or("the end".to_owned(), |until| format!("{until} s"));
        let bar = Rectangle::new()
            .set("class", class(*state))
            .set("x", format!("{from:.1}"))
            .set("y", y)
            .set("width", format!("{width:.1}"))
            .set("height", ROW - 4)
            .add(Title::new(format!("{state} from {at} s to {ended}")));
        group = group.add(bar);
        if width >= NAMED {
            let x = format!("{:.1}", from + 5.0);
            group = group.add(Text::new(state.to_string()).set("class", "name").set("x", x).set("y", y + 13));
        }
    }
    group
}

/// The axis of time, from 0.
struct Axis {
    end: f64,
    bottom: u32,
}

impl Axis {
    fn x(&self, at: Instant) -> f64 {
        self.place(seconds(at).min(self.end))
    }

    fn place(&self, at: f64) -> f64 {
        f64::from(LEFT) + at / self.end * f64::from(WIDTH - LEFT - RIGHT)
    }

    fn upright(&self, class: &str, at: f64) -> Line {
        let x = format!("{:.1}", self.place(at));
        Line::new().set("class", class).set("x1", x.clone()).set("x2", x).set("y1", ROW - 4).set("y2", self.bottom)
    }

    fn drawing(&self) -> Group {
        let numbers = ticks(0.0, self.end, 10.0);
        let mut group = Group::new();
        for number in numbers {
            let x = format!("{:.1}", self.place(number));
            let told = Text::new(tick(number, self.end)).set("class", "tick").set("x", x).set("y", self.bottom + 16);
            group = group.add(self.upright("grid", number)).add(told);
        }
        let middle = (LEFT + WIDTH - RIGHT) / 2;
        group.add(Text::new("time, s").set("class", "tick").set("x", middle).set("y", self.bottom + 34))
    }

    fn moments(&self, matter: &Matter<'_>) -> Group {
        let mut group = Group::new();
        let mut free_from = 0.0;
        for moment in &matter.moments {
            let at = seconds(moment.at);
            if at > self.end {
                continue;
            }
            let class = if moment.is_verdict { "verdict-mark" } else { "fault-mark" };
            group = group.add(self.upright(class, at));
            if self.place(at) >= free_from {
                let x = format!("{:.1}", self.place(at) - 6.0);
                let name = Text::new(moment.name.clone()).set("class", class).set("x", x).set("y", 12);
                let name = name.add(Title::new(moment.what.clone()));
                group = group.add(Anchor::new().set("href", moment.target()).add(name));
                free_from = self.place(at) + 24.0;
            }
        }
        group
    }
}
