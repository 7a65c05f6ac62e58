//! IPv4 options: what becomes of a packet for those it carries, and which ones a socket may send.

use bytes::Bytes;
use core::net::IpAddr;

use super::Stack;
use crate::error::{DropReason, IpOptionsError};
use crate::frame::Frame;
use crate::ip::input::Received;
use crate::ip::options::OptionClass;
use crate::ip::packet::ErrorKind;
use crate::wire::ipv4::{self, Ipv4Packet};
use crate::wire::ipv4_options::IpOptions;

impl Stack {
    /// Options are counted and passed over, whatever they are (RFC 1122 section 3.2.1.8), unless the
    /// configuration says that a packet is dropped for them (RFC 7126 section 4). Source routes are dropped, but
    /// for those that end here where `source_routes` is on. An error is owed for a malformed option (RFC 1122
    /// section 3.2.2.5), and for a route that goes on.
    pub(super) fn check_options(
        &mut self,
        packet: &Ipv4Packet<'_>,
        source_routes: bool,
    ) -> Result<(), (DropReason, Option<ErrorKind>)> {
        let policy = self.config.ip.drop_options;
        for (at, option) in packet.options().enumerate() {
            let Ok(option) = option else {
                let pointer = u32::from(packet.malformed_option().unwrap_or_default());
                return Err((DropReason::Ipv4Option, Some(ErrorKind::ParameterProblem { code: 0, pointer })));
            };
            let class = OptionClass::of(option.kind);
            self.count_option(class);
            if option.is_source_route() {
                let owed = (source_routes && !option.is_route_complete()).then_some(ErrorKind::SourceRouteFailed);
                if !source_routes || owed.is_some() {
                    return Err((DropReason::Ipv4SourceRoute, owed));
                }
            }
            if policy.drops(class) {
                return Err((DropReason::Ipv4OptionRefused, None));
            }
            let same = |other: &Result<ipv4::Ipv4Option<'_>, _>| {
                other.is_ok_and(|other| other.appears_once_as() == option.appears_once_as())
            };
            if option.appears_once_as().is_some() && packet.options().take(at).any(|other| same(&other)) {
                return Err((DropReason::Ipv4OptionRepeated, None));
            }
        }
        Ok(())
    }

    fn count_option(&mut self, class: OptionClass) {
        let counters = &mut self.counters;
        *match class {
            OptionClass::SourceRoute => &mut counters.options_source_route,
            OptionClass::RecordRoute => &mut counters.options_record_route,
            OptionClass::Timestamp => &mut counters.options_timestamp,
            OptionClass::RouterAlert => &mut counters.options_router_alert,
            OptionClass::QuickStart => &mut counters.options_quick_start,
            OptionClass::Security => &mut counters.options_security,
            OptionClass::Experiment => &mut counters.options_experiment,
            OptionClass::Obsolete => &mut counters.options_obsolete,
            OptionClass::Unknown => &mut counters.options_unknown,
        } += 1;
    }

    /// The options of the packet's IPv4 header, as they came.
    pub(super) fn options_of(&mut self, frame: &Frame, received: &Received) -> Bytes {
        match received.src {
            IpAddr::V4(_) => self.keep(frame, received.packet.start + ipv4::HEADER_LEN..received.upper.start),
            IpAddr::V6(_) => Bytes::new(),
        }
    }

    /// The options of the reply to an echo request (RFC 1122 section 3.2.2.6).
    pub(super) fn options_of_reply(&mut self, frame: &Frame, received: &Received) -> IpOptions {
        if !self.config.ip.echo_options {
            return IpOptions::NONE;
        }
        IpOptions::to_carry_on(&self.options_of(frame, received))
    }

    /// Whether sockets may send these options: source routes only by configuration (RFC 7126 section 4.3).
    pub(crate) fn may_send(&self, options: &IpOptions) -> Result<(), IpOptionsError> {
        let refused = !self.config.ip.source_routes && options.source_route().is_some();
        if refused { Err(IpOptionsError::SourceRoute) } else { Ok(()) }
    }
}
