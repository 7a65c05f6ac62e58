//! The built-in services: handlers of socket events that run inside the driver, on its thread.
//!
//! | module | job |
//! |---|---|
//! | this file | which services there are, and how `--service` names them |
//! | `stream` | what all TCP services share: accepting, closing, releasing |
//! | `datagram` | what all UDP services share |
//! | `classic` | echo, discard, daytime, chargen (RFC 862, 863, 867, 864) |
//! | `source` | source and stall: for measuring and for trying out flow control |
//! | `http` | a page with live counters |
//! | `page` | what that page looks like |
//! | `calendar` | the date in UTC |

mod calendar;
mod classic;
mod datagram;
mod http;
mod page;
mod source;
mod stream;

use std::fmt;
use std::io;
use std::str::FromStr;
use std::time::Duration;

use tickwire_backends::driver::{Loop, Service};

use datagram::DatagramService;
use stream::StreamService;

/// A kind of service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Echo,
    Discard,
    Daytime,
    Chargen,
    Http,
    Source,
    Stall,
}

impl Kind {
    pub(crate) const ALL: [Kind; 7] =
        [Kind::Echo, Kind::Discard, Kind::Daytime, Kind::Chargen, Kind::Http, Kind::Source, Kind::Stall];

    const fn name(self) -> &'static str {
        match self {
            Kind::Echo => "echo",
            Kind::Discard => "discard",
            Kind::Daytime => "daytime",
            Kind::Chargen => "chargen",
            Kind::Http => "http",
            Kind::Source => "source",
            Kind::Stall => "stall",
        }
    }

    const fn default_port(self) -> u16 {
        match self {
            Kind::Echo => 7,
            Kind::Discard => 9,
            Kind::Daytime => 13,
            Kind::Chargen => 19,
            Kind::Http => 80,
            Kind::Source => 19_000,
            Kind::Stall => 19_001,
        }
    }
}

/// A service to run, as `--service NAME[=BYTES][:PORT]` asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ServiceSpec {
    pub(crate) kind: Kind,
    pub(crate) port: u16,
    /// For `source`: how many bytes it sends before it closes; `None` until the peer closes.
    pub(crate) bytes: Option<u64>,
}

impl From<Kind> for ServiceSpec {
    fn from(kind: Kind) -> ServiceSpec {
        ServiceSpec { kind, port: kind.default_port(), bytes: None }
    }
}

impl fmt::Display for ServiceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())?;
        if let Some(bytes) = self.bytes {
            write!(f, "={bytes}")?;
        }
        write!(f, ":{}", self.port)
    }
}

impl FromStr for ServiceSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<ServiceSpec, String> {
        let (rest, port) = match text.split_once(':') {
            Some((rest, port)) => (rest, Some(port)),
            None => (text, None),
        };
        let (name, bytes) = match rest.split_once('=') {
            Some((name, bytes)) => (name, Some(bytes)),
            None => (rest, None),
        };
        let names = Kind::ALL.map(Kind::name).join(", ");
        let kind = Kind::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| format!("there is no service \"{name}\"; right would be one of {names}"))?;
        let mut spec = ServiceSpec::from(kind);
        if let Some(port) = port {
            spec.port = port.parse().ok().filter(|port| *port > 0).ok_or_else(|| {
                format!("\"{port}\" is no port; right would be 1 to 65535, as in {name}:{}", kind.default_port())
            })?;
        }
        if let Some(bytes) = bytes {
            if kind != Kind::Source {
                return Err(format!("{name} takes no number of bytes; only source does, as in source=1000000"));
            }
            let parsed = bytes.parse().map_err(|_| {
                format!("\"{bytes}\" is no number of bytes; right would be a whole number, as in source=1000000")
            })?;
            spec.bytes = Some(parsed);
        }
        Ok(spec)
    }
}

/// Every service on its own port, as the demo runs them.
pub(crate) fn all() -> Vec<ServiceSpec> {
    Kind::ALL.into_iter().map(ServiceSpec::from).collect()
}

/// Starts the services in `turns`. Its devices must have been added before, for the UDP services
/// answer from the address that they were asked at.
pub(crate) fn start(turns: &mut Loop, specs: &[ServiceSpec]) -> Result<(), (ServiceSpec, io::Error)> {
    let unix_offset = turns.handle().unix_offset();
    for spec in specs {
        for service in handlers(*spec, unix_offset) {
            turns.add_service(service).map_err(|error| (*spec, error))?;
        }
    }
    Ok(())
}

/// The handlers of one service: one for TCP, and one for UDP if it speaks that.
fn handlers(spec: ServiceSpec, unix_offset: Duration) -> Vec<Box<dyn Service>> {
    let ServiceSpec { kind, port, bytes } = spec;
    match kind {
        Kind::Echo => vec![
            Box::new(StreamService::new(port, classic::Echo)),
            Box::new(DatagramService::new(port, classic::EchoDatagram)),
        ],
        Kind::Discard => vec![
            Box::new(StreamService::new(port, classic::Discard)),
            Box::new(DatagramService::new(port, classic::Discard)),
        ],
        Kind::Daytime => vec![
            Box::new(StreamService::new(port, classic::Daytime { unix_offset })),
            Box::new(DatagramService::new(port, classic::Daytime { unix_offset })),
        ],
        Kind::Chargen => vec![
            Box::new(StreamService::new(port, classic::Chargen::new())),
            Box::new(DatagramService::new(port, classic::Chargen::new())),
        ],
        Kind::Http => vec![Box::new(StreamService::new(port, http::Http::default()))],
        Kind::Source => vec![Box::new(StreamService::new(port, source::Source::new(bytes)))],
        Kind::Stall => vec![Box::new(StreamService::new(port, source::Stall))],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_ports_and_bytes_are_read() {
        let spec = |kind, port, bytes| Ok(ServiceSpec { kind, port, bytes });
        assert_eq!("echo".parse(), spec(Kind::Echo, 7, None));
        assert_eq!("http:8080".parse(), spec(Kind::Http, 8080, None));
        assert_eq!("source=5".parse(), spec(Kind::Source, 19_000, Some(5)));
        assert_eq!("source=5:1".parse(), spec(Kind::Source, 1, Some(5)));
        for spec in all() {
            assert_eq!(spec.to_string().parse(), Ok(spec));
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_what_would_be_right() {
        let error = |text: &str| text.parse::<ServiceSpec>().expect_err("it is wrong");
        assert!(error("ehco").contains("\"ehco\"") && error("ehco").contains("echo, discard"));
        assert!(error("echo:0").contains("\"0\"") && error("echo:0").contains("1 to 65535"));
        assert!(error("echo:65536").contains("65536"));
        assert!(error("echo=5").contains("only source"));
        assert!(error("source=x").contains("\"x\""));
    }
}
