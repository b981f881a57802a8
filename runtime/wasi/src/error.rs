//! The ends of a call: an error code for the guest, or the end of the program. Errors of the host
//! become error codes here.

use std::io;

use rustix::io::Errno as HostErrno;

use crate::abi::{Errno, Signal};

/// The end of a program by one of its calls. The engine's glue makes an error of it that ends the
/// program's execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ending {
    /// `proc_exit`, with the exit code.
    #[error("the program has exited with code {0}")]
    Exit(u32),
    /// `proc_raise` of a signal that terminates a process.
    #[error("the program has raised the signal {}", .0.name())]
    Raised(Signal),
    /// A call that waited when the deadline of the options passed.
    #[error("the deadline has passed while a call waited")]
    Deadline,
}

/// The reason why a call does not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    Errno(Errno),
    Ending(Ending),
}

/// The result of a call.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

impl From<Errno> for Failure {
    fn from(errno: Errno) -> Failure {
        Failure::Errno(errno)
    }
}

impl From<Ending> for Failure {
    fn from(ending: Ending) -> Failure {
        Failure::Ending(ending)
    }
}

impl From<HostErrno> for Failure {
    fn from(errno: HostErrno) -> Failure {
        Failure::Errno(errno.into())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Errno(error.into())
    }
}

impl From<io::Error> for Errno {
    /// An error without a number of the system is one of the sandbox: a path leads out of it.
    fn from(error: io::Error) -> Errno {
        if let Some(errno) = HostErrno::from_io_error(&error) {
            return errno.into();
        }
        match error.kind() {
            io::ErrorKind::PermissionDenied => Errno::Perm,
            io::ErrorKind::NotFound => Errno::NoEnt,
            io::ErrorKind::AlreadyExists => Errno::Exist,
            io::ErrorKind::InvalidInput => Errno::Inval,
            io::ErrorKind::InvalidData => Errno::IlSeq,
            io::ErrorKind::NotADirectory => Errno::NotDir,
            io::ErrorKind::IsADirectory => Errno::IsDir,
            io::ErrorKind::Unsupported => Errno::NotSup,
            _other => Errno::Io,
        }
    }
}

impl From<HostErrno> for Errno {
    fn from(errno: HostErrno) -> Errno {
        let row = HOST.iter().find(|(host, _)| *host == errno);
        row.map_or(Errno::Io, |(_, guest)| *guest)
    }
}

/// The error codes of the host and of preview 1. `io` stands for all others.
const HOST: &[(HostErrno, Errno)] = &[
    (HostErrno::TOOBIG, Errno::TooBig),
    (HostErrno::ACCESS, Errno::Acces),
    (HostErrno::ADDRINUSE, Errno::AddrInUse),
    (HostErrno::ADDRNOTAVAIL, Errno::AddrNotAvail),
    (HostErrno::AFNOSUPPORT, Errno::AfNoSupport),
    (HostErrno::AGAIN, Errno::Again),
    (HostErrno::ALREADY, Errno::Already),
    (HostErrno::BADF, Errno::BadF),
    (HostErrno::BADMSG, Errno::BadMsg),
    (HostErrno::BUSY, Errno::Busy),
    (HostErrno::CANCELED, Errno::Canceled),
    (HostErrno::CHILD, Errno::Child),
    (HostErrno::CONNABORTED, Errno::ConnAborted),
    (HostErrno::CONNREFUSED, Errno::ConnRefused),
    (HostErrno::CONNRESET, Errno::ConnReset),
    (HostErrno::DEADLK, Errno::DeadLk),
    (HostErrno::DESTADDRREQ, Errno::DestAddrReq),
    (HostErrno::DOM, Errno::Dom),
    (HostErrno::DQUOT, Errno::DQuot),
    (HostErrno::EXIST, Errno::Exist),
    (HostErrno::FAULT, Errno::Fault),
    (HostErrno::FBIG, Errno::FBig),
    (HostErrno::HOSTUNREACH, Errno::HostUnreach),
    (HostErrno::IDRM, Errno::IdRm),
    (HostErrno::ILSEQ, Errno::IlSeq),
    (HostErrno::INPROGRESS, Errno::InProgress),
    (HostErrno::INTR, Errno::Intr),
    (HostErrno::INVAL, Errno::Inval),
    (HostErrno::IO, Errno::Io),
    (HostErrno::ISCONN, Errno::IsConn),
    (HostErrno::ISDIR, Errno::IsDir),
    (HostErrno::LOOP, Errno::Loop),
    (HostErrno::MFILE, Errno::MFile),
    (HostErrno::MLINK, Errno::MLink),
    (HostErrno::MSGSIZE, Errno::MsgSize),
    (HostErrno::MULTIHOP, Errno::Multihop),
    (HostErrno::NAMETOOLONG, Errno::NameTooLong),
    (HostErrno::NETDOWN, Errno::NetDown),
    (HostErrno::NETRESET, Errno::NetReset),
    (HostErrno::NETUNREACH, Errno::NetUnreach),
    (HostErrno::NFILE, Errno::NFile),
    (HostErrno::NOBUFS, Errno::NoBufs),
    (HostErrno::NODEV, Errno::NoDev),
    (HostErrno::NOENT, Errno::NoEnt),
    (HostErrno::NOEXEC, Errno::NoExec),
    (HostErrno::NOLCK, Errno::NoLck),
    (HostErrno::NOLINK, Errno::NoLink),
    (HostErrno::NOMEM, Errno::NoMem),
    (HostErrno::NOMSG, Errno::NoMsg),
    (HostErrno::NOPROTOOPT, Errno::NoProtoOpt),
    (HostErrno::NOSPC, Errno::NoSpc),
    (HostErrno::NOSYS, Errno::NoSys),
    (HostErrno::NOTCONN, Errno::NotConn),
    (HostErrno::NOTDIR, Errno::NotDir),
    (HostErrno::NOTEMPTY, Errno::NotEmpty),
    (HostErrno::NOTRECOVERABLE, Errno::NotRecoverable),
    (HostErrno::NOTSOCK, Errno::NotSock),
    (HostErrno::NOTSUP, Errno::NotSup),
    (HostErrno::NOTTY, Errno::NotTy),
    (HostErrno::NXIO, Errno::Nxio),
    (HostErrno::OVERFLOW, Errno::Overflow),
    (HostErrno::OWNERDEAD, Errno::OwnerDead),
    (HostErrno::PERM, Errno::Perm),
    (HostErrno::PIPE, Errno::Pipe),
    (HostErrno::PROTO, Errno::Proto),
    (HostErrno::PROTONOSUPPORT, Errno::ProtoNoSupport),
    (HostErrno::PROTOTYPE, Errno::Prototype),
    (HostErrno::RANGE, Errno::Range),
    (HostErrno::ROFS, Errno::RoFs),
    (HostErrno::SPIPE, Errno::SPipe),
    (HostErrno::SRCH, Errno::Srch),
    (HostErrno::STALE, Errno::Stale),
    (HostErrno::TIMEDOUT, Errno::TimedOut),
    (HostErrno::TXTBSY, Errno::TxtBsy),
    (HostErrno::XDEV, Errno::XDev),
];
