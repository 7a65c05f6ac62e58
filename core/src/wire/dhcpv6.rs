//! DHCPv6 messages and options between client and server (RFC 8415 sections 8 and 21).
//!
//! ```text
//!  0               1               2               3
//! +---------------+-----------------------------------------------+
//! |   msg-type    |                transaction-id                 |
//! +---------------+---------------+-------------------------------+
//! |          option-code          |          option-len           |
//! +-------------------------------+-------------------------------+
//! |  option-data; in IA_NA, IA_PD, IAADDR and IAPREFIX it ends in |
//! |  options again                                                |
//! +---------------------------------------------------------------+
//! ```
//!
//! An option whose data is not as its section says is [`Dhcpv6Option::Malformed`]: a receiver goes on as
//! if it were not there, as it does with unknown ones (section 16), and so one bad option does not cost
//! the others. Only a length that leads out of the message makes the whole unreadable.

use bytes::BufMut;
use core::fmt;
use core::net::Ipv6Addr;

use super::cursor::Fields;
use crate::error::DropReason;

/// The port that clients listen on (section 7.2).
pub const CLIENT_PORT: u16 = 546;
/// The port that servers and relay agents listen on (section 7.2).
pub const SERVER_PORT: u16 = 547;
/// `All_DHCP_Relay_Agents_and_Servers` (section 7.1).
pub const ALL_SERVERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 1, 2);
/// A lifetime, T1 or T2 without end (section 7.7).
pub const INFINITY: u32 = u32::MAX;
/// The longest DUID: 128 bytes behind its type (section 11.1).
pub const DUID_MAX: usize = 130;

const HEADER_LEN: usize = 4;
const OPTION_HEADER_LEN: usize = 4;
/// IAID, T1, T2.
const IA_LEN: usize = 12;
const ADDRESS_LEN: usize = 24;
const PREFIX_LEN: usize = 25;
const AUTHENTICATION_LEN: usize = 11;

/// Option codes (section 24 and the IANA registry).
pub mod code {
    /// Client Identifier (section 21.2).
    pub const CLIENT_ID: u16 = 1;
    /// Server Identifier (section 21.3).
    pub const SERVER_ID: u16 = 2;
    /// Identity Association for Non-temporary Addresses (section 21.4).
    pub const IA_NA: u16 = 3;
    /// IA Address (section 21.6).
    pub const IA_ADDRESS: u16 = 5;
    /// Option Request (section 21.7).
    pub const OPTION_REQUEST: u16 = 6;
    /// Preference (section 21.8).
    pub const PREFERENCE: u16 = 7;
    /// Elapsed Time (section 21.9).
    pub const ELAPSED_TIME: u16 = 8;
    /// Authentication (section 21.11).
    pub const AUTHENTICATION: u16 = 11;
    /// Server Unicast (section 21.12).
    pub const SERVER_UNICAST: u16 = 12;
    /// Status Code (section 21.13).
    pub const STATUS: u16 = 13;
    /// Rapid Commit (section 21.14).
    pub const RAPID_COMMIT: u16 = 14;
    /// Reconfigure Message (section 21.19).
    pub const RECONFIGURE_MESSAGE: u16 = 19;
    /// Reconfigure Accept (section 21.20).
    pub const RECONFIGURE_ACCEPT: u16 = 20;
    /// DNS recursive name servers (RFC 3646 section 3).
    pub const DNS_SERVERS: u16 = 23;
    /// Domain search list (RFC 3646 section 4).
    pub const DOMAIN_LIST: u16 = 24;
    /// Identity Association for Prefix Delegation (section 21.21).
    pub const IA_PD: u16 = 25;
    /// IA Prefix (section 21.22).
    pub const IA_PREFIX: u16 = 26;
    /// Information Refresh Time (section 21.23).
    pub const INFORMATION_REFRESH_TIME: u16 = 32;
    /// `SOL_MAX_RT` (section 21.24).
    pub const SOL_MAX_RT: u16 = 82;
    /// `INF_MAX_RT` (section 21.25).
    pub const INF_MAX_RT: u16 = 83;
}

macro_rules! message_types {
    ($($(#[doc = $doc:literal])+ $variant:ident = $number:literal, $name:literal;)+) => {
        /// The type of a message (section 7.3); those between relay agents and servers are none of a client's.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
        #[repr(u8)]
        pub enum MessageType {
            $($(#[doc = $doc])+ $variant = $number,)+
        }

        impl MessageType {
            /// The type of that number, if a client or server knows it.
            pub const fn from_number(number: u8) -> Option<MessageType> {
                match number {
                    $($number => Some(MessageType::$variant),)+
                    _ => None,
                }
            }

            /// The name, as it stands in the notation.
            pub const fn name(self) -> &'static str {
                match self {
                    $(MessageType::$variant => $name,)+
                }
            }
        }
    };
}

message_types! {
    /// A client looks for servers.
    Solicit = 1, "solicit";
    /// A server offers.
    Advertise = 2, "advertise";
    /// A client asks one server for what it offered.
    Request = 3, "request";
    /// A client asks whether its addresses still fit the link.
    Confirm = 4, "confirm";
    /// A client asks the server that gave its leases to extend them.
    Renew = 5, "renew";
    /// A client asks any server to extend its leases.
    Rebind = 6, "rebind";
    /// A server answers.
    Reply = 7, "reply";
    /// A client gives leases back.
    Release = 8, "release";
    /// A client tells that addresses are in use by others.
    Decline = 9, "decline";
    /// A server asks a client to renew, rebind or ask for information.
    Reconfigure = 10, "reconfigure";
    /// A client asks for configuration only.
    InformationRequest = 11, "information-request";
}

/// A status code (section 21.13).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct Status(pub u16);

impl Status {
    /// All is well; also where there is no such option.
    pub const SUCCESS: Status = Status(0);
    /// Failure without a reason.
    pub const UNSPEC_FAIL: Status = Status(1);
    /// The server has no addresses for the IA.
    pub const NO_ADDRS_AVAIL: Status = Status(2);
    /// The server knows no such binding.
    pub const NO_BINDING: Status = Status(3);
    /// The address does not fit the link.
    pub const NOT_ON_LINK: Status = Status(4);
    /// The message is to be sent to the group.
    pub const USE_MULTICAST: Status = Status(5);
    /// The server has no prefixes for the IA.
    pub const NO_PREFIX_AVAIL: Status = Status(6);
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Status::SUCCESS => f.write_str("Success"),
            Status::UNSPEC_FAIL => f.write_str("UnspecFail"),
            Status::NO_ADDRS_AVAIL => f.write_str("NoAddrsAvail"),
            Status::NO_BINDING => f.write_str("NoBinding"),
            Status::NOT_ON_LINK => f.write_str("NotOnLink"),
            Status::USE_MULTICAST => f.write_str("UseMulticast"),
            Status::NO_PREFIX_AVAIL => f.write_str("NoPrefixAvail"),
            Status(other) => write!(f, "{other}"),
        }
    }
}

/// A received message.
#[derive(Clone, Copy, Debug)]
pub struct Dhcpv6Message<'a> {
    /// Its type.
    pub kind: MessageType,
    /// Which exchange it belongs to: 24 bits.
    pub transaction: u32,
    /// Its options, in the order of the wire.
    pub options: Dhcpv6Options<'a>,
}

impl<'a> Dhcpv6Message<'a> {
    /// A view of a UDP datagram's payload.
    ///
    /// Errors: [`DropReason::Dhcpv6Truncated`] (no header, or an option that leads out of the message),
    /// [`DropReason::Dhcpv6Type`].
    pub fn parse(bytes: &'a [u8]) -> Result<Dhcpv6Message<'a>, DropReason> {
        let (header, options) = bytes.split_first_chunk::<HEADER_LEN>().ok_or(DropReason::Dhcpv6Truncated)?;
        let kind = MessageType::from_number(header[0]).ok_or(DropReason::Dhcpv6Type)?;
        let options = Dhcpv6Options::parse(options).ok_or(DropReason::Dhcpv6Truncated)?;
        Ok(Dhcpv6Message { kind, transaction: header.u32_at::<0>() & 0x00ff_ffff, options })
    }

    /// Appends the header: type and transaction (its low 24 bits). The options follow with
    /// [`Dhcpv6Option::emit`].
    pub fn emit_header(kind: MessageType, transaction: u32, out: &mut impl BufMut) {
        out.put_u32(u32::from(kind as u8) << 24 | transaction & 0x00ff_ffff);
    }
}

/// Options, one behind the other: of a message, or those that another option ends in. That their
/// lengths fit has been seen to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Dhcpv6Options<'a> {
    bytes: &'a [u8],
}

impl<'a> Dhcpv6Options<'a> {
    /// The options in `bytes`; `None` if a length leads beyond their end.
    pub fn parse(bytes: &'a [u8]) -> Option<Dhcpv6Options<'a>> {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = split_option(rest)?.2;
        }
        Some(Dhcpv6Options { bytes })
    }

    /// The bytes.
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The options, read.
    pub fn iter(&self) -> impl Iterator<Item = Dhcpv6Option<'a>> + use<'a> {
        let mut rest = self.bytes;
        core::iter::from_fn(move || {
            let (code, data, after) = split_option(rest)?;
            rest = after;
            Some(Dhcpv6Option::parse(code, data))
        })
    }

    /// The first that `choose` takes.
    pub fn find<T>(&self, choose: impl FnMut(Dhcpv6Option<'a>) -> Option<T>) -> Option<T> {
        self.iter().find_map(choose)
    }

    /// The server's DUID.
    pub fn server_id(&self) -> Option<&'a [u8]> {
        self.find(|option| if let Dhcpv6Option::ServerId(duid) = option { Some(duid) } else { None })
    }

    /// The client's DUID.
    pub fn client_id(&self) -> Option<&'a [u8]> {
        self.find(|option| if let Dhcpv6Option::ClientId(duid) = option { Some(duid) } else { None })
    }

    /// The status; [`Status::SUCCESS`] if there is no such option (section 21.13).
    pub fn status(&self) -> Status {
        self.find(|option| if let Dhcpv6Option::Status { status, .. } = option { Some(status) } else { None })
            .unwrap_or(Status::SUCCESS)
    }
}

/// Code, data, and what follows.
fn split_option(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let (header, rest) = bytes.split_first_chunk::<OPTION_HEADER_LEN>()?;
    let (data, rest) = rest.split_at_checked(usize::from(header.u16_at::<2>()))?;
    Some((header.u16_at::<0>(), data, rest))
}

/// An identity association: IA_NA or IA_PD (sections 21.4 and 21.21).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdentityAssociation<'a> {
    /// Which of the client's it is.
    pub iaid: u32,
    /// When to ask the server that gave the leases again, in seconds; 0: when the client likes.
    pub t1: u32,
    /// When to ask any server, in seconds; 0: when the client likes.
    pub t2: u32,
    /// The leases, and a status.
    pub options: Dhcpv6Options<'a>,
}

/// An address of an IA_NA (section 21.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IaAddress<'a> {
    /// The address.
    pub address: Ipv6Addr,
    /// Its preferred lifetime in seconds.
    pub preferred: u32,
    /// Its valid lifetime in seconds.
    pub valid: u32,
    /// A status.
    pub options: Dhcpv6Options<'a>,
}

/// A prefix of an IA_PD (section 21.22).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IaPrefix<'a> {
    /// Its preferred lifetime in seconds.
    pub preferred: u32,
    /// Its valid lifetime in seconds.
    pub valid: u32,
    /// Its length in bits, 0 to 128.
    pub prefix_len: u8,
    /// The prefix.
    pub prefix: Ipv6Addr,
    /// A status.
    pub options: Dhcpv6Options<'a>,
}

/// Authentication (section 21.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authentication<'a> {
    /// The protocol; 3: reconfiguration key (section 20.4).
    pub protocol: u8,
    /// The algorithm; 1: HMAC-MD5.
    pub algorithm: u8,
    /// The method of replay detection; 0: a counter that only grows (section 20.3).
    pub rdm: u8,
    /// The counter.
    pub replay: u64,
    /// What protocol and algorithm say.
    pub information: &'a [u8],
}

/// One option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dhcpv6Option<'a> {
    /// The client's DUID, 3 to [`DUID_MAX`] bytes.
    ClientId(&'a [u8]),
    /// The server's DUID, 3 to [`DUID_MAX`] bytes.
    ServerId(&'a [u8]),
    /// Addresses.
    IaNa(IdentityAssociation<'a>),
    /// Delegated prefixes.
    IaPd(IdentityAssociation<'a>),
    /// An address, inside an IA_NA.
    IaAddress(IaAddress<'a>),
    /// A prefix, inside an IA_PD.
    IaPrefix(IaPrefix<'a>),
    /// The codes of options that the client wants.
    OptionRequest(List<'a, 2>),
    /// The server's preference.
    Preference(u8),
    /// Since the exchange began, in hundredths of a second; 0xffff: or longer.
    ElapsedTime(u16),
    /// Authentication.
    Authentication(Authentication<'a>),
    /// An address at which the server takes messages.
    ServerUnicast(Ipv6Addr),
    /// How it went.
    Status {
        /// The code.
        status: Status,
        /// Text for people, UTF-8.
        message: &'a [u8],
    },
    /// Two messages instead of four.
    RapidCommit,
    /// What a Reconfigure asks for: a message type.
    ReconfigureMessage(u8),
    /// Reconfigure is welcome.
    ReconfigureAccept,
    /// DNS servers.
    DnsServers(List<'a, 16>),
    /// Domains to search, each in the wire form of names (RFC 1035 section 3.1).
    DomainList(&'a [u8]),
    /// For how long information holds, in seconds.
    InformationRefreshTime(u32),
    /// The bound on the time between two Solicits, in seconds.
    SolMaxRt(u32),
    /// The bound on the time between two Information-requests, in seconds.
    InfMaxRt(u32),
    /// An option that this client does not use.
    Other {
        /// Its code.
        code: u16,
        /// Its data.
        data: &'a [u8],
    },
    /// An option whose data is not as its section says.
    Malformed {
        /// Its code.
        code: u16,
        /// Its data.
        data: &'a [u8],
    },
}

/// A list of values of `LEN` bytes each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct List<'a, const LEN: usize>(&'a [u8]);

impl<'a, const LEN: usize> List<'a, LEN> {
    /// The values in `bytes`; `None` if there are none, or if the last is incomplete.
    pub const fn parse(bytes: &'a [u8]) -> Option<List<'a, LEN>> {
        if bytes.is_empty() || !bytes.len().is_multiple_of(LEN) { None } else { Some(List(bytes)) }
    }

    fn values(&self) -> impl Iterator<Item = [u8; LEN]> + use<'a, LEN> {
        self.0.as_chunks::<LEN>().0.iter().copied()
    }
}

impl List<'_, 2> {
    /// The codes.
    pub fn codes(&self) -> impl Iterator<Item = u16> {
        self.values().map(u16::from_be_bytes)
    }
}

impl List<'_, 16> {
    /// The addresses.
    pub fn addresses(&self) -> impl Iterator<Item = Ipv6Addr> {
        self.values().map(Ipv6Addr::from_octets)
    }
}

impl<'a> Dhcpv6Option<'a> {
    /// The option of that code and data. It always is one: [`Dhcpv6Option::Malformed`] in the worst case.
    pub fn parse(code: u16, data: &'a [u8]) -> Dhcpv6Option<'a> {
        Dhcpv6Option::known(code, data).unwrap_or(Dhcpv6Option::Malformed { code, data })
    }

    fn known(code: u16, data: &'a [u8]) -> Option<Dhcpv6Option<'a>> {
        let is_duid = (3..=DUID_MAX).contains(&data.len());
        let number = || data.try_into().ok().map(u32::from_be_bytes);
        Some(match code {
            code::CLIENT_ID => Dhcpv6Option::ClientId(is_duid.then_some(data)?),
            code::SERVER_ID => Dhcpv6Option::ServerId(is_duid.then_some(data)?),
            code::IA_NA => Dhcpv6Option::IaNa(IdentityAssociation::parse(data)?),
            code::IA_PD => Dhcpv6Option::IaPd(IdentityAssociation::parse(data)?),
            code::IA_ADDRESS => Dhcpv6Option::IaAddress(IaAddress::parse(data)?),
            code::IA_PREFIX => Dhcpv6Option::IaPrefix(IaPrefix::parse(data)?),
            code::OPTION_REQUEST => Dhcpv6Option::OptionRequest(List::parse(data)?),
            code::PREFERENCE => Dhcpv6Option::Preference(u8::from_be_bytes(data.try_into().ok()?)),
            code::ELAPSED_TIME => Dhcpv6Option::ElapsedTime(u16::from_be_bytes(data.try_into().ok()?)),
            code::AUTHENTICATION => Dhcpv6Option::Authentication(Authentication::parse(data)?),
            code::SERVER_UNICAST => Dhcpv6Option::ServerUnicast(Ipv6Addr::from_octets(data.try_into().ok()?)),
            code::STATUS => {
                let (status, message) = data.split_first_chunk::<2>()?;
                Dhcpv6Option::Status { status: Status(status.u16_at::<0>()), message }
            }
            code::RAPID_COMMIT => data.is_empty().then_some(Dhcpv6Option::RapidCommit)?,
            code::RECONFIGURE_MESSAGE => Dhcpv6Option::ReconfigureMessage(u8::from_be_bytes(data.try_into().ok()?)),
            code::RECONFIGURE_ACCEPT => data.is_empty().then_some(Dhcpv6Option::ReconfigureAccept)?,
            code::DNS_SERVERS => Dhcpv6Option::DnsServers(List::parse(data)?),
            code::DOMAIN_LIST => Dhcpv6Option::DomainList(data),
            code::INFORMATION_REFRESH_TIME => Dhcpv6Option::InformationRefreshTime(number()?),
            code::SOL_MAX_RT => Dhcpv6Option::SolMaxRt(number()?),
            code::INF_MAX_RT => Dhcpv6Option::InfMaxRt(number()?),
            code => Dhcpv6Option::Other { code, data },
        })
    }

    /// Appends code, length and data. Nothing is appended if the data is longer than 65,535 bytes.
    pub fn emit(&self, out: &mut impl BufMut) {
        match *self {
            Dhcpv6Option::ClientId(duid) => emit(code::CLIENT_ID, &[duid], out),
            Dhcpv6Option::ServerId(duid) => emit(code::SERVER_ID, &[duid], out),
            Dhcpv6Option::IaNa(ia) => ia.emit(code::IA_NA, out),
            Dhcpv6Option::IaPd(ia) => ia.emit(code::IA_PD, out),
            Dhcpv6Option::IaAddress(address) => address.emit(out),
            Dhcpv6Option::IaPrefix(prefix) => prefix.emit(out),
            Dhcpv6Option::OptionRequest(codes) => emit(code::OPTION_REQUEST, &[codes.0], out),
            Dhcpv6Option::Preference(value) => emit(code::PREFERENCE, &[&[value]], out),
            Dhcpv6Option::ElapsedTime(value) => emit(code::ELAPSED_TIME, &[&value.to_be_bytes()], out),
            Dhcpv6Option::Authentication(authentication) => authentication.emit(out),
            Dhcpv6Option::ServerUnicast(address) => emit(code::SERVER_UNICAST, &[&address.octets()], out),
            Dhcpv6Option::Status { status, message } => emit(code::STATUS, &[&status.0.to_be_bytes(), message], out),
            Dhcpv6Option::RapidCommit => emit(code::RAPID_COMMIT, &[], out),
            Dhcpv6Option::ReconfigureMessage(kind) => emit(code::RECONFIGURE_MESSAGE, &[&[kind]], out),
            Dhcpv6Option::ReconfigureAccept => emit(code::RECONFIGURE_ACCEPT, &[], out),
            Dhcpv6Option::DnsServers(servers) => emit(code::DNS_SERVERS, &[servers.0], out),
            Dhcpv6Option::DomainList(names) => emit(code::DOMAIN_LIST, &[names], out),
            Dhcpv6Option::InformationRefreshTime(value) => {
                emit(code::INFORMATION_REFRESH_TIME, &[&value.to_be_bytes()], out);
            }
            Dhcpv6Option::SolMaxRt(value) => emit(code::SOL_MAX_RT, &[&value.to_be_bytes()], out),
            Dhcpv6Option::InfMaxRt(value) => emit(code::INF_MAX_RT, &[&value.to_be_bytes()], out),
            Dhcpv6Option::Other { code, data } | Dhcpv6Option::Malformed { code, data } => emit(code, &[data], out),
        }
    }
}

/// Appends an option whose data is `parts`, one behind the other.
fn emit(code: u16, parts: &[&[u8]], out: &mut impl BufMut) {
    let Ok(len) = u16::try_from(parts.iter().map(|part| part.len()).sum::<usize>()) else { return };
    out.put_u16(code);
    out.put_u16(len);
    for part in parts {
        out.put_slice(part);
    }
}

impl<'a> IdentityAssociation<'a> {
    fn parse(data: &'a [u8]) -> Option<IdentityAssociation<'a>> {
        let (fixed, options) = data.split_first_chunk::<IA_LEN>()?;
        Some(IdentityAssociation {
            iaid: fixed.u32_at::<0>(),
            t1: fixed.u32_at::<4>(),
            t2: fixed.u32_at::<8>(),
            options: Dhcpv6Options::parse(options)?,
        })
    }

    fn emit(&self, code: u16, out: &mut impl BufMut) {
        let (iaid, t1, t2) = (self.iaid.to_be_bytes(), self.t1.to_be_bytes(), self.t2.to_be_bytes());
        emit(code, &[&iaid, &t1, &t2, self.options.bytes], out);
    }
}

impl<'a> IaAddress<'a> {
    fn parse(data: &'a [u8]) -> Option<IaAddress<'a>> {
        let (fixed, options) = data.split_first_chunk::<ADDRESS_LEN>()?;
        Some(IaAddress {
            address: Ipv6Addr::from_octets(fixed.array_at::<0, 16>()),
            preferred: fixed.u32_at::<16>(),
            valid: fixed.u32_at::<20>(),
            options: Dhcpv6Options::parse(options)?,
        })
    }

    fn emit(&self, out: &mut impl BufMut) {
        let (preferred, valid) = (self.preferred.to_be_bytes(), self.valid.to_be_bytes());
        emit(code::IA_ADDRESS, &[&self.address.octets(), &preferred, &valid, self.options.bytes], out);
    }
}

impl<'a> IaPrefix<'a> {
    fn parse(data: &'a [u8]) -> Option<IaPrefix<'a>> {
        let (fixed, options) = data.split_first_chunk::<PREFIX_LEN>()?;
        Some(IaPrefix {
            preferred: fixed.u32_at::<0>(),
            valid: fixed.u32_at::<4>(),
            prefix_len: Some(fixed[8]).filter(|len| *len <= 128)?,
            prefix: Ipv6Addr::from_octets(fixed.array_at::<9, 16>()),
            options: Dhcpv6Options::parse(options)?,
        })
    }

    fn emit(&self, out: &mut impl BufMut) {
        let (preferred, valid) = (self.preferred.to_be_bytes(), self.valid.to_be_bytes());
        let prefix = self.prefix.octets();
        emit(code::IA_PREFIX, &[&preferred, &valid, &[self.prefix_len], &prefix, self.options.bytes], out);
    }
}

impl<'a> Authentication<'a> {
    fn parse(data: &'a [u8]) -> Option<Authentication<'a>> {
        let (fixed, information) = data.split_first_chunk::<AUTHENTICATION_LEN>()?;
        let [protocol, algorithm, rdm, ..] = *fixed;
        let replay = u64::from_be_bytes(fixed.array_at::<3, 8>());
        Some(Authentication { protocol, algorithm, rdm, replay, information })
    }

    fn emit(&self, out: &mut impl BufMut) {
        let fixed = [self.protocol, self.algorithm, self.rdm];
        emit(code::AUTHENTICATION, &[&fixed, &self.replay.to_be_bytes(), self.information], out);
    }
}
