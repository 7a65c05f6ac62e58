//! One exchange of messages: what is asked of whom, and when it is asked again (RFC 8415 section 15).

use core::net::Ipv6Addr;
use smallvec::SmallVec;

use super::Env;
use super::duid::Duid;
use crate::digest::Digest;
use crate::time::{Duration, Instant};
use crate::wire::dhcpv6::MessageType;

const SECOND: Duration = Duration::from_secs(1);

/// The parameters of a retransmission (section 15), but for MRD.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameters {
    /// The first timeout.
    pub(super) irt: Duration,
    /// The longest timeout; zero: there is none.
    pub(super) mrt: Duration,
    /// The most transmissions; 0: there is no limit.
    pub(super) mrc: u32,
}

/// The values of section 7.6, as sections 18.2.1 to 18.2.8 assign them.
impl Parameters {
    pub(super) const SOL_MAX_RT: Duration = Duration::from_hours(1);
    pub(super) const INF_MAX_RT: Duration = Duration::from_hours(1);
    /// The first message of a Solicit, Confirm or Information-request waits for up to this long.
    pub(super) const MAX_DELAY: Duration = SECOND;
    pub(super) const CNF_MAX_RD: Duration = Duration::from_secs(10);

    const REQUEST: Parameters = Parameters { irt: SECOND, mrt: Duration::from_secs(30), mrc: 10 };
    const CONFIRM: Parameters = Parameters { irt: SECOND, mrt: Duration::from_secs(4), mrc: 0 };
    const EXTEND: Parameters = Parameters { irt: Duration::from_secs(10), mrt: Duration::from_mins(10), mrc: 0 };
    const PART: Parameters = Parameters { irt: SECOND, mrt: Duration::ZERO, mrc: 4 };
}

/// What an exchange is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Solicit,
    Request,
    Confirm,
    Renew,
    Rebind,
    /// A Rebind that asks whether delegated prefixes still hold, as fast as a Confirm (section 18.2.12).
    Verify,
    Inform,
    Release,
    Decline,
}

impl Purpose {
    pub(super) const fn message(self) -> MessageType {
        match self {
            Purpose::Solicit => MessageType::Solicit,
            Purpose::Request => MessageType::Request,
            Purpose::Confirm => MessageType::Confirm,
            Purpose::Renew => MessageType::Renew,
            Purpose::Rebind | Purpose::Verify => MessageType::Rebind,
            Purpose::Inform => MessageType::InformationRequest,
            Purpose::Release => MessageType::Release,
            Purpose::Decline => MessageType::Decline,
        }
    }

    /// Sections 18.2.1, 18.2.3 and 18.2.6: clients that start together must not ask together.
    const fn is_delayed(self) -> bool {
        matches!(self, Purpose::Solicit | Purpose::Confirm | Purpose::Verify | Purpose::Inform)
    }

    const fn parameters(self) -> Parameters {
        match self {
            Purpose::Solicit => Parameters { irt: SECOND, mrt: Parameters::SOL_MAX_RT, mrc: 0 },
            Purpose::Inform => Parameters { irt: SECOND, mrt: Parameters::INF_MAX_RT, mrc: 0 },
            Purpose::Request => Parameters::REQUEST,
            Purpose::Confirm | Purpose::Verify => Parameters::CONFIRM,
            Purpose::Renew | Purpose::Rebind => Parameters::EXTEND,
            Purpose::Release | Purpose::Decline => Parameters::PART,
        }
    }
}

/// An address (of 128 bits) or a delegated prefix, without its lifetimes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Resource {
    pub(super) delegated: bool,
    pub(super) prefix: Ipv6Addr,
    pub(super) prefix_len: u8,
}

/// An exchange that has begun and not ended.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub(super) purpose: Purpose,
    /// The transaction id, 24 random bits.
    pub(super) transaction: u32,
    /// The server that it is for; all of them if `None`.
    pub(super) server: Option<Duid>,
    /// What is asked for or given back, where that is not simply all that the client has.
    pub(super) resources: SmallVec<[Resource; 2]>,
    /// Of a Confirm: a server has said that the addresses don't fit the link.
    pub(super) not_on_link: bool,
    /// When the next message leaves, or the exchange fails.
    pub(super) due: Instant,
    /// How many messages have been sent.
    pub(super) sent: u32,
    parameters: Parameters,
    /// When it fails whatever has been sent: MRD.
    ends: Option<Instant>,
    first_sent: Option<Instant>,
    timeout: Duration,
}

/// What is to be done when an exchange is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Send,
    Fail,
}

impl Exchange {
    pub(super) fn new(env: &mut Env<'_>, purpose: Purpose, server: Option<Duid>, ends: Option<Instant>) -> Exchange {
        let delay = if purpose.is_delayed() { env.fraction(Parameters::MAX_DELAY) } else { Duration::ZERO };
        Exchange {
            purpose,
            transaction: env.random.next_u32() & 0x00ff_ffff,
            server,
            resources: SmallVec::new(),
            not_on_link: false,
            due: env.now + delay,
            sent: 0,
            parameters: purpose.parameters(),
            ends,
            first_sent: None,
            timeout: Duration::ZERO,
        }
    }

    /// Section 15: what is due now that the timeout has passed.
    pub(super) fn on_due(&self, now: Instant) -> Due {
        let over = self.ends.is_some_and(|ends| ends <= now);
        let exhausted = self.parameters.mrc != 0 && self.sent >= self.parameters.mrc;
        if over || exhausted { Due::Fail } else { Due::Send }
    }

    /// Section 15: a message leaves; when the next one does. `mrt` is MRT where a server has set it.
    pub(super) fn on_sent(&mut self, env: &mut Env<'_>, mrt: Option<Duration>) {
        let mrt = mrt.unwrap_or(self.parameters.mrt);
        if self.first_sent.is_none() {
            self.first_sent = Some(env.now);
            if matches!(self.purpose, Purpose::Confirm | Purpose::Verify) {
                self.ends = Some(env.now + Parameters::CNF_MAX_RD);
            }
        }
        self.timeout = if self.sent == 0 {
            let irt = self.parameters.irt;
            // Section 18.2.1: the first timeout of a Solicit is strictly greater than IRT.
            if self.purpose == Purpose::Solicit {
                irt + env.fraction(irt / 10).max(Duration::from_nanos(1))
            } else {
                env.randomized(irt, irt)
            }
        } else {
            env.randomized(self.timeout * 2, self.timeout)
        };
        if !mrt.is_zero() && self.timeout > mrt {
            self.timeout = env.randomized(mrt, mrt);
        }
        self.sent = self.sent.saturating_add(1);
        self.wait_until(env.now + self.timeout);
    }

    /// Nothing is due before `at`, or before the exchange's end.
    pub(super) fn wait_until(&mut self, at: Instant) {
        self.due = self.ends.map_or(at, |ends| at.min(ends));
    }

    /// Section 21.9: hundredths of a second since the first message.
    pub(super) fn elapsed(&self, now: Instant) -> u16 {
        let since = self.first_sent.map_or(Duration::ZERO, |first| now.since(first));
        u16::try_from(since.as_millis() / 10).unwrap_or(u16::MAX)
    }

    pub(super) fn digest(&self, digest: &mut Digest) {
        digest.u8(self.purpose as u8);
        digest.u32(self.transaction);
        digest.option(self.server.as_ref(), |digest, server| server.digest(digest));
        digest.count(self.resources.len());
        for resource in &self.resources {
            digest.bool(resource.delegated);
            digest.address(resource.prefix.into());
            digest.u8(resource.prefix_len);
        }
        digest.bool(self.not_on_link);
        digest.instant(self.due);
        digest.u32(self.sent);
        digest.option(self.ends, Digest::instant);
        digest.option(self.first_sent, Digest::instant);
        digest.u64(self.timeout.as_nanos() as u64);
    }
}
