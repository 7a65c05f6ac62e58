//! The frames received and emitted, as pcapng: what `tickwire run --pcap` would have written beside the
//! recording.

use std::io::{Read, Seek, Write};

use bytes::Bytes;
use tickwire_backends::capture::{CaptureError, CaptureFile, CapturedFrame, Direction};
use tickwire_core::record::Call;
use tickwire_core::{Instant, InterfaceId};

use super::{Emission, Replay, Step};

/// A capture that is made from steps.
pub struct Recapture<W: Write> {
    file: CaptureFile<W>,
    /// Interfaces described so far; a stack numbers its own from 0 on.
    described: usize,
    frames: u64,
}

impl<W: Write> Recapture<W> {
    /// Begins it.
    ///
    /// # Errors
    ///
    /// [`CaptureError::Sink`], as of all that follows.
    pub fn new(sink: W) -> Result<Recapture<W>, CaptureError> {
        Ok(Recapture { file: CaptureFile::new(sink)?, described: 0, frames: 0 })
    }

    /// Adds the frames of a step that `replay` has just made.
    pub fn add<R: Read + Seek>(&mut self, replay: &Replay<R>, step: &Step) -> Result<(), CaptureError> {
        match &step.call {
            Call::AddInterface { .. } => {
                let described = self.described;
                for own in replay.stack().interfaces().filter(|own| own.id.index() >= described) {
                    self.file.add_interface(replay.name(own.id), own.medium)?;
                    self.described += 1;
                }
                Ok(())
            }
            Call::HandleFrame { now, interface, frame } if interface.index() < self.described => {
                let (at, data) = (unix(replay, *now), frame.data.clone());
                let serial = replay.stack().next_serial().saturating_sub(1);
                self.write(at, *interface, Direction::Inbound, data, Some(format!("frame {serial}")))
            }
            Call::PollTransmit { now, interface } => {
                let at = unix(replay, *now);
                step.emitted.iter().try_for_each(|Emission { data, provenance }| {
                    let comment = provenance.map(|provenance| provenance.describe(step.at).to_string());
                    self.write(at, *interface, Direction::Outbound, data.clone(), comment)
                })
            }
            _ => Ok(()),
        }
    }

    fn write(
        &mut self,
        unix_nanos: u64,
        interface: InterfaceId,
        direction: Direction,
        data: Bytes,
        comment: Option<String>,
    ) -> Result<(), CaptureError> {
        self.frames += 1;
        let (interface, original_len) = (interface.index() as u32, data.len() as u32);
        let direction = Some(direction);
        self.file.add(&CapturedFrame { unix_nanos, interface, direction, data, original_len, comment })
    }

    /// Ends it; returns how many frames there are.
    pub fn finish(self) -> Result<u64, CaptureError> {
        self.file.finish()?;
        Ok(self.frames)
    }
}

fn unix<R: Read + Seek>(replay: &Replay<R>, at: Instant) -> u64 {
    u64::try_from(replay.unix_offset().as_nanos()).unwrap_or(u64::MAX).saturating_add(at.as_nanos())
}
