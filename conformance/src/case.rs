//! A case: its folder read.

use std::fs::{self, File};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;
use tickwire_core::time::Duration;
use tickwire_core::wire::ethernet::EthernetAddress;
use tickwire_core::{Capabilities, Config, InterfaceAddress, InterfaceConfig};
use tickwire_sim::capture::{CaptureError, Captured, read_frames};
use tickwire_sim::{Host, Step};

use crate::compare::Compare;
use crate::script::{ScriptEnds, ScriptError};

/// Why a case is none.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CaseError {
    /// A file is not there or cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// `case.toml` is not as a case's should be.
    #[error("{path}: {source}")]
    Description {
        /// The file.
        path: PathBuf,
        /// Where and what.
        source: Box<toml::de::Error>,
    },
    /// `case.pcapng` cannot be read.
    #[error("{path}: {source}")]
    Capture {
        /// The file.
        path: PathBuf,
        /// Where and what.
        source: CaptureError,
    },
    /// `case.script` cannot be read.
    #[error("{path}: {source}")]
    Script {
        /// The file.
        path: PathBuf,
        /// Where and what.
        source: ScriptError,
    },
    /// A frame of the capture does not say whether it goes into the stack or out of it.
    #[error("frame {0} of the capture has no direction")]
    NoDirection(usize),
    /// A frame of the capture is earlier than the one before it.
    #[error("frame {0} of the capture is earlier than the one before it")]
    OutOfOrder(usize),
    /// The stack refuses the interface that is described.
    #[error("the stack refuses the host: {0}")]
    Host(tickwire_sim::world::HostError),
}

/// A case.
#[derive(Clone, Debug)]
pub struct Case {
    /// The folder's name.
    pub name: String,
    /// What `case.toml` says.
    pub description: Description,
    /// The frames.
    pub capture: Captured,
}

/// `case.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// What the case shows, in a sentence.
    pub shows: String,
    /// The RFC sections that decide the expectation.
    pub rfc: Vec<String>,
    /// Where the frames come from.
    pub provenance: String,
    /// The stack.
    pub stack: StackDescription,
    /// The ends that `case.script` speaks of.
    pub script: ScriptEnds,
    /// The applications that use the stack.
    #[serde(default, rename = "application")]
    pub applications: Vec<ApplicationDescription>,
    /// What is compared.
    #[serde(default)]
    pub compare: Compare,
}

/// The stack of a case: the default configuration, with one interface.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StackDescription {
    /// Its hardware address.
    #[serde(deserialize_with = "from_text")]
    pub hardware_address: EthernetAddress,
    /// Its addresses, with the lengths of their prefixes.
    pub addresses: Vec<AddressText>,
}

/// An address with the length of its prefix, as in `192.0.2.2/24`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct AddressText(pub InterfaceAddress);

impl TryFrom<String> for AddressText {
    type Error = String;

    fn try_from(text: String) -> Result<AddressText, String> {
        let error = || format!("\"{text}\" is no address with a prefix length, as in 192.0.2.2/24");
        let (address, prefix_len) = text.split_once('/').ok_or_else(error)?;
        let address: IpAddr = address.parse().map_err(|_| error())?;
        let prefix_len = prefix_len.parse().map_err(|_| error())?;
        Ok(AddressText(InterfaceAddress { address, prefix_len }))
    }
}

/// An application: its steps, each done before the next begins.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplicationDescription {
    /// The steps.
    pub steps: Vec<StepDescription>,
}

/// A step, as [`Step`] documents it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepDescription {
    /// `{ listen = "192.0.2.2:7" }`
    Listen(SocketAddr),
    /// `{ connect = "192.0.2.1:7" }`
    Connect(SocketAddr),
    /// `{ send = "text" }`
    Send(String),
    /// `{ expect = "text" }`
    Expect(String),
    /// `"expect_end"`
    ExpectEnd,
    /// `"shutdown"`
    Shutdown,
    /// `"close"`
    Close,
    /// `"abort"`
    Abort,
    /// `{ wait_ms = 1000 }`
    WaitMs(u64),
}

impl From<StepDescription> for Step {
    fn from(step: StepDescription) -> Step {
        match step {
            StepDescription::Listen(local) => Step::Listen(local),
            StepDescription::Connect(remote) => Step::Connect(remote),
            StepDescription::Send(text) => Step::Send(text.into()),
            StepDescription::Expect(text) => Step::Expect(text.into()),
            StepDescription::ExpectEnd => Step::ExpectEnd,
            StepDescription::Shutdown => Step::Shutdown,
            StepDescription::Close => Step::Close,
            StepDescription::Abort => Step::Abort,
            StepDescription::WaitMs(millis) => Step::Wait(Duration::from_millis(millis)),
        }
    }
}

/// Reads a value from its text.
pub(crate) fn from_text<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

impl Description {
    /// Reads the `case.toml` of `folder`.
    ///
    /// # Errors
    ///
    /// [`CaseError::Read`], [`CaseError::Description`].
    pub fn read(folder: &Path) -> Result<Description, CaseError> {
        let path = folder.join("case.toml");
        let text = read(&path)?;
        toml::from_str(&text).map_err(|source| CaseError::Description { path, source: Box::new(source) })
    }

    /// The host that the case describes.
    pub(crate) fn host(&self) -> Host {
        let interface = InterfaceConfig::new(
            self.stack.hardware_address,
            Capabilities::plain(1500),
            self.stack.addresses.iter().map(|text| text.0),
        )
        .unverified();
        let (config, interfaces) = (Config::default(), vec![interface]);
        Host { name: "stack".to_owned(), config, interfaces, routes: Vec::new(), leases: Vec::new() }
    }
}

impl Case {
    /// Reads the case in `folder`.
    ///
    /// # Errors
    ///
    /// [`CaseError`] says which file is not as it should be.
    pub fn read(folder: &Path) -> Result<Case, CaseError> {
        let description = Description::read(folder)?;
        let path = folder.join("case.pcapng");
        let file = File::open(&path).map_err(|source| CaseError::Read { path: path.clone(), source })?;
        let capture = read_frames(file).map_err(|source| CaseError::Capture { path, source })?;
        for (number, frame) in capture.frames.iter().enumerate() {
            if frame.direction.is_none() {
                return Err(CaseError::NoDirection(number));
            }
            if number > 0 && frame.unix_nanos < capture.frames[number - 1].unix_nanos {
                return Err(CaseError::OutOfOrder(number));
            }
        }
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Case { name, description, capture })
    }
}

pub(crate) fn read(path: &Path) -> Result<String, CaseError> {
    fs::read_to_string(path).map_err(|source| CaseError::Read { path: path.to_owned(), source })
}
