//! Faults, as they are written.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tickwire_core::Instant;

use super::names::Names;
use super::text::ScenarioError;
use crate::fault::{DRIFT_MAX_PPM, Fault};
use crate::link::text as quantity;
use crate::{HostId, LinkId, Partition, Port, World};

/// A fault that begins at a time. What it takes beside that depends on what it is: see [`What`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultSpec {
    /// When.
    #[serde(with = "quantity::duration")]
    pub at: Duration,
    /// What goes wrong.
    pub what: What,
    /// The link that it befalls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The host that it befalls; for an interface, with its number behind a dot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// How long it lasts; until everything is healed, if not said.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "quantity::optional_duration")]
    pub lasts: Option<Duration>,
    /// By how much a clock is set.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "quantity::optional_duration")]
    pub by: Option<Duration>,
    /// How much a clock gains (loses, if negative), in parts per million.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ppm: Option<i32>,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// A `link` is cut in both directions.
    Cut,
    /// A `link` is cut from its first end to its second.
    CutAToB,
    /// A `link` is cut from its second end to its first.
    CutBToA,
    /// A `host` loses power; it starts again when the fault ends, and its workload begins again.
    Crash,
    /// A `host` does nothing while its clock runs on.
    Pause,
    /// The clock of a `host` gains or loses `ppm`.
    ClockDrift,
    /// The clock of a `host` jumps forward, `by` so much.
    ClockJump,
    /// The clock of a `host` stands still.
    ClockStall,
    /// The wall clock of a `host` is set back, `by` so much.
    WallClockBack,
    /// An interface of a `host` is down.
    InterfaceDown,
    /// The devices of a `host` take no frames.
    DeviceFull,
    /// Another host claims the addresses of an interface of a `host`. One that verifies its addresses (`verified`)
    /// does what its option `address.defense` says, and may give them up.
    AddressConflict,
}

impl What {
    /// All of them.
    pub const ALL: [What; 12] = [
        What::Cut,
        What::CutAToB,
        What::CutBToA,
        What::Crash,
        What::Pause,
        What::ClockDrift,
        What::ClockJump,
        What::ClockStall,
        What::WallClockBack,
        What::InterfaceDown,
        What::DeviceFull,
        What::AddressConflict,
    ];

    /// Whether it befalls a link, and not a host.
    pub const fn is_of_link(self) -> bool {
        matches!(self, What::Cut | What::CutAToB | What::CutBToA)
    }

    /// Its name, as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            What::Cut => "cut",
            What::CutAToB => "cut-a-to-b",
            What::CutBToA => "cut-b-to-a",
            What::Crash => "crash",
            What::Pause => "pause",
            What::ClockDrift => "clock-drift",
            What::ClockJump => "clock-jump",
            What::ClockStall => "clock-stall",
            What::WallClockBack => "wall-clock-back",
            What::InterfaceDown => "interface-down",
            What::DeviceFull => "device-full",
            What::AddressConflict => "address-conflict",
        }
    }
}

impl FaultSpec {
    /// A fault that lasts from a time until everything is healed, and befalls nobody yet.
    pub fn new(at: Duration, what: What) -> FaultSpec {
        FaultSpec { at, what, link: None, host: None, lasts: None, by: None, ppm: None }
    }

    /// When it begins and ends, which is by `heal`.
    pub(super) fn span(&self, heal: Duration) -> (Duration, Duration) {
        let begins = self.at.min(heal);
        let ends = self.lasts.map_or(heal, |lasts| self.at.saturating_add(lasts).min(heal)).max(begins);
        (begins, ends)
    }

    /// Has it befall the world, and end by `heal`.
    pub(super) fn schedule(
        &self,
        world: &mut World,
        names: &Names<'_>,
        place: usize,
        heal: Duration,
    ) -> Result<(), ScenarioError> {
        let (begins, ends) = self.span(heal);
        let (fault, end) = self.fault(names, place, ends.saturating_sub(begins))?;
        world.schedule(Instant::ZERO + begins, fault);
        if let Some(end) = end {
            world.schedule(Instant::ZERO + ends, end);
        }
        Ok(())
    }

    /// The fault, and what ends it if it does not end by itself after `lasts`.
    fn fault(&self, names: &Names<'_>, place: usize, lasts: Duration) -> Result<(Fault, Option<Fault>), ScenarioError> {
        let partition = |partition| {
            let link = self.link(names, place)?;
            Ok((Fault::Partition(link, partition), Some(Fault::Partition(link, Partition::None))))
        };
        if self.what.is_of_link() {
            return match self.what {
                What::CutAToB => partition(Partition::AToB),
                What::CutBToA => partition(Partition::BToA),
                _ => partition(Partition::Both),
            };
        }
        let (host, interface) = self.interface(names, place)?;
        Ok(match self.what {
            What::Crash => (Fault::Crash(host), Some(Fault::Restart(host))),
            What::Pause => (Fault::Pause(host, lasts), None),
            What::ClockDrift => (Fault::ClockDrift(host, self.ppm(place)?), Some(Fault::ClockDrift(host, 0))),
            What::ClockJump => (Fault::ClockJump(host, self.by(place)?), None),
            What::ClockStall => (Fault::ClockStall(host, lasts), None),
            What::WallClockBack => (Fault::WallClockBack(host, self.by(place)?), None),
            What::InterfaceDown => {
                let port = Port::new(host, interface);
                (Fault::InterfaceDown(port), Some(Fault::InterfaceUp(port)))
            }
            What::AddressConflict => (Fault::AddressConflict(Port::new(host, interface), lasts), None),
            _ => (Fault::DeviceFull(host, lasts), None),
        })
    }

    fn wrong(&self, place: usize, field: &str, what: &str) -> ScenarioError {
        ScenarioError::at(format!("fault.{place}.{field}"), format!("{} {what}", self.what.name()))
    }

    fn link(&self, names: &Names<'_>, place: usize) -> Result<LinkId, ScenarioError> {
        let link = self.link.as_deref().filter(|_| self.host.is_none());
        let link = link.ok_or_else(|| self.wrong(place, "what", "needs `link`, and no `host`"))?;
        names.link(&format!("fault.{place}.link"), link)
    }

    fn interface(&self, names: &Names<'_>, place: usize) -> Result<(HostId, usize), ScenarioError> {
        let host = self.host.as_deref().filter(|_| self.link.is_none());
        let host = host.ok_or_else(|| self.wrong(place, "what", "needs `host`, and no `link`"))?;
        names.interface(&format!("fault.{place}.host"), host)
    }

    fn by(&self, place: usize) -> Result<Duration, ScenarioError> {
        self.by.ok_or_else(|| self.wrong(place, "by", "needs `by`, as in by = \"10s\""))
    }

    fn ppm(&self, place: usize) -> Result<i32, ScenarioError> {
        let ppm = self.ppm.filter(|ppm| ppm.unsigned_abs() <= DRIFT_MAX_PPM.unsigned_abs());
        let right = || format!("needs `ppm`, from -{DRIFT_MAX_PPM} to {DRIFT_MAX_PPM}");
        ppm.ok_or_else(|| self.wrong(place, "ppm", &right()))
    }
}
