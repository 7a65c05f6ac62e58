//! Faults of a random scenario, and when they begin.

use arbitrary::{Result, Unstructured};

use super::features::Features;
use super::millis;
use crate::fault::DRIFT_MAX_PPM;
use crate::scenario::{FaultSpec, Scenario, What};

/// Draws the faults.
pub(super) fn trouble(u: &mut Unstructured<'_>, features: &Features, scenario: &mut Scenario) -> Result<()> {
    let kinds: [(bool, &[What]); 7] = [
        (features.cuts, &[What::Cut, What::CutAToB, What::CutBToA]),
        (features.crashes, &[What::Crash]),
        (features.pauses, &[What::Pause]),
        (features.clocks, &[What::ClockDrift, What::ClockJump, What::ClockStall, What::WallClockBack]),
        (features.interfaces, &[What::InterfaceDown]),
        (features.full_devices, &[What::DeviceFull]),
        (features.conflicts, &[What::AddressConflict]),
    ];
    for (has, kinds) in kinds {
        if !has {
            continue;
        }
        for _ in 0..u.int_in_range(1..=3)? {
            let what = *u.choose(kinds)?;
            let fault = fault(u, what, features, scenario)?;
            scenario.fault.push(fault);
        }
    }
    Ok(())
}

fn fault(u: &mut Unstructured<'_>, what: What, features: &Features, scenario: &Scenario) -> Result<FaultSpec> {
    let heal = scenario.heal.as_millis() as u64;
    let mut fault = FaultSpec::new(millis(u, 1, heal)?, what);
    fault.lasts = Some(millis(u, 5, if features.long { heal } else { 15_000 })?);
    if what.is_of_link() {
        fault.link = Some(u.choose(&scenario.link)?.name.clone());
        return Ok(fault);
    }
    // What only forwards has no connections to lose: let it be the hosts, mostly.
    let host = u.choose(&scenario.host)?;
    let interface = u.choose_index(host.interfaces.len())?;
    fault.host = Some(match what {
        What::InterfaceDown | What::AddressConflict => format!("{}.{interface}", host.name),
        _ => host.name.clone(),
    });
    match what {
        What::ClockJump | What::WallClockBack => {
            (fault.by, fault.lasts) = (Some(millis(u, 1, if features.long { 2_000_000 } else { 30_000 })?), None);
        }
        What::ClockDrift => fault.ppm = Some(u.int_in_range(-DRIFT_MAX_PPM..=DRIFT_MAX_PPM)?),
        _ => {}
    }
    Ok(fault)
}
