//! From the stack's errors to `io::Error`, with the number that Linux would give.

use std::io;

use rustix::io::Errno;
use tickwire_core::error::{
    BindError, ConnectError, IpOptionsError, ListenError, MembershipError, RecvError, SendError, SocketError,
    StaleHandle, UdpConnectError, UdpSendError,
};

/// What Linux calls the errors of a socket.
pub(crate) trait AsErrno {
    fn errno(&self) -> Errno;

    fn io(&self) -> io::Error {
        self.errno().into()
    }
}

impl AsErrno for StaleHandle {
    fn errno(&self) -> Errno {
        Errno::BADF
    }
}

impl AsErrno for SocketError {
    fn errno(&self) -> Errno {
        match self {
            SocketError::Refused => Errno::CONNREFUSED,
            SocketError::Reset => Errno::CONNRESET,
            SocketError::Aborted => Errno::CONNABORTED,
            SocketError::TimedOut => Errno::TIMEDOUT,
            SocketError::HostUnreachable => Errno::HOSTUNREACH,
            SocketError::NetworkUnreachable => Errno::NETUNREACH,
            SocketError::ProtocolUnreachable => Errno::NOPROTOOPT,
            SocketError::Prohibited => Errno::ACCESS,
            SocketError::ProtocolError => Errno::PROTO,
            SocketError::MessageTooLong => Errno::MSGSIZE,
            SocketError::AddressLost => Errno::ADDRNOTAVAIL,
            _ => Errno::IO,
        }
    }
}

impl AsErrno for ListenError {
    fn errno(&self) -> Errno {
        match self {
            ListenError::AddressInUse | ListenError::PortsExhausted => Errno::ADDRINUSE,
            ListenError::AddressNotAvailable => Errno::ADDRNOTAVAIL,
            ListenError::SourceRoute => Errno::PERM,
            _ => Errno::NOBUFS,
        }
    }
}

impl AsErrno for BindError {
    fn errno(&self) -> Errno {
        match self {
            BindError::AddressInUse | BindError::PortsExhausted => Errno::ADDRINUSE,
            BindError::AddressNotAvailable => Errno::ADDRNOTAVAIL,
            _ => Errno::NOBUFS,
        }
    }
}

impl AsErrno for ConnectError {
    fn errno(&self) -> Errno {
        match self {
            ConnectError::NoRoute | ConnectError::BadDestination => Errno::NETUNREACH,
            ConnectError::Unreachable => Errno::HOSTUNREACH,
            ConnectError::Prohibited => Errno::ACCESS,
            ConnectError::SourceRoute => Errno::PERM,
            ConnectError::AddressNotAvailable | ConnectError::PortsExhausted => Errno::ADDRNOTAVAIL,
            ConnectError::AddressInUse => Errno::ADDRINUSE,
            _ => Errno::NOBUFS,
        }
    }
}

impl AsErrno for IpOptionsError {
    fn errno(&self) -> Errno {
        match self {
            IpOptionsError::Stale => Errno::BADF,
            IpOptionsError::SourceRoute => Errno::PERM,
            _ => Errno::INVAL,
        }
    }
}

impl AsErrno for SendError {
    fn errno(&self) -> Errno {
        match self {
            SendError::Stale => Errno::BADF,
            SendError::NotConnected => Errno::NOTCONN,
            SendError::Closed => Errno::PIPE,
            SendError::Reset => Errno::CONNRESET,
            _ => Errno::IO,
        }
    }
}

impl AsErrno for RecvError {
    fn errno(&self) -> Errno {
        match self {
            RecvError::Stale => Errno::BADF,
            RecvError::WouldBlock => Errno::AGAIN,
            RecvError::NotConnected => Errno::NOTCONN,
            RecvError::Reset => Errno::CONNRESET,
            _ => Errno::IO,
        }
    }
}

impl AsErrno for UdpSendError {
    fn errno(&self) -> Errno {
        match self {
            UdpSendError::Stale => Errno::BADF,
            UdpSendError::NoDestination => Errno::DESTADDRREQ,
            UdpSendError::BadDestination => Errno::INVAL,
            UdpSendError::BroadcastNotAllowed | UdpSendError::Prohibited => Errno::ACCESS,
            UdpSendError::NoRoute => Errno::NETUNREACH,
            UdpSendError::Unreachable => Errno::HOSTUNREACH,
            UdpSendError::MessageTooLong => Errno::MSGSIZE,
            UdpSendError::WouldBlock => Errno::AGAIN,
            _ => Errno::NOBUFS,
        }
    }
}

impl AsErrno for MembershipError {
    fn errno(&self) -> Errno {
        match self {
            MembershipError::Stale => Errno::BADF,
            MembershipError::NotAGroup | MembershipError::BadSource | MembershipError::WrongMode => Errno::INVAL,
            MembershipError::NoInterface => Errno::NODEV,
            MembershipError::AlreadyMember => Errno::ADDRINUSE,
            MembershipError::NotMember => Errno::ADDRNOTAVAIL,
            _ => Errno::NOBUFS,
        }
    }
}

impl AsErrno for UdpConnectError {
    fn errno(&self) -> Errno {
        match self {
            UdpConnectError::Stale => Errno::BADF,
            UdpConnectError::BadDestination => Errno::INVAL,
            UdpConnectError::Unreachable => Errno::HOSTUNREACH,
            UdpConnectError::Prohibited => Errno::ACCESS,
            _ => Errno::NETUNREACH,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_numbers_are_the_system_s() {
        let refused = SocketError::Refused.io();
        assert_eq!((refused.kind(), refused.raw_os_error()), (io::ErrorKind::ConnectionRefused, Some(111)));
        assert_eq!(SocketError::Reset.io().kind(), io::ErrorKind::ConnectionReset);
        assert_eq!(SocketError::TimedOut.io().kind(), io::ErrorKind::TimedOut);
        assert_eq!(SendError::Closed.io().kind(), io::ErrorKind::BrokenPipe);
        assert_eq!(RecvError::WouldBlock.io().kind(), io::ErrorKind::WouldBlock);
        assert_eq!(ListenError::AddressInUse.io().kind(), io::ErrorKind::AddrInUse);
        assert_eq!(BindError::AddressNotAvailable.io().kind(), io::ErrorKind::AddrNotAvailable);
        assert_eq!(ConnectError::NoRoute.io().kind(), io::ErrorKind::NetworkUnreachable);
    }
}
