//! The numbers and layouts of preview 1: error codes, rights, flags, file types, records.
//!
//! Each is one table. The order of the rows is that of the witx, from which the numbers follow.
//! `tests/witx.rs` holds the tables against the witx itself.

#![allow(
    missing_docs,
    reason = "the names are those of the witx, which describes them"
)]

use bitflags::bitflags;

/// An enumeration whose numbers ascend from zero, with the names of the witx.
macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident: $repr:ident { $($variant:ident $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr($repr)]
        pub enum $name { $($variant),* }

        impl $name {
            /// All, in the order of their numbers.
            pub const ALL: &[$name] = &[$($name::$variant),*];

            /// The name in the witx.
            pub fn name(self) -> &'static str {
                match self { $($name::$variant => $text),* }
            }

            /// The number.
            pub fn number(self) -> $repr {
                self as $repr
            }

            /// The one with a number.
            pub fn from_number(number: u64) -> Option<$name> {
                $name::ALL.get(usize::try_from(number).ok()?).copied()
            }
        }
    };
}

numbered! {
    /// The error codes (`errno`).
    Errno: u16 {
        Success "success", TooBig "2big", Acces "acces", AddrInUse "addrinuse",
        AddrNotAvail "addrnotavail", AfNoSupport "afnosupport", Again "again", Already "already",
        BadF "badf", BadMsg "badmsg", Busy "busy", Canceled "canceled", Child "child",
        ConnAborted "connaborted", ConnRefused "connrefused", ConnReset "connreset",
        DeadLk "deadlk", DestAddrReq "destaddrreq", Dom "dom", DQuot "dquot", Exist "exist",
        Fault "fault", FBig "fbig", HostUnreach "hostunreach", IdRm "idrm", IlSeq "ilseq",
        InProgress "inprogress", Intr "intr", Inval "inval", Io "io", IsConn "isconn",
        IsDir "isdir", Loop "loop", MFile "mfile", MLink "mlink", MsgSize "msgsize",
        Multihop "multihop", NameTooLong "nametoolong", NetDown "netdown", NetReset "netreset",
        NetUnreach "netunreach", NFile "nfile", NoBufs "nobufs", NoDev "nodev", NoEnt "noent",
        NoExec "noexec", NoLck "nolck", NoLink "nolink", NoMem "nomem", NoMsg "nomsg",
        NoProtoOpt "noprotoopt", NoSpc "nospc", NoSys "nosys", NotConn "notconn",
        NotDir "notdir", NotEmpty "notempty", NotRecoverable "notrecoverable",
        NotSock "notsock", NotSup "notsup", NotTy "notty", Nxio "nxio", Overflow "overflow",
        OwnerDead "ownerdead", Perm "perm", Pipe "pipe", Proto "proto",
        ProtoNoSupport "protonosupport", Prototype "prototype", Range "range", RoFs "rofs",
        SPipe "spipe", Srch "srch", Stale "stale", TimedOut "timedout", TxtBsy "txtbsy",
        XDev "xdev", NotCapable "notcapable",
    }
}

numbered! {
    /// The clocks (`clockid`).
    Clock: u32 {
        Realtime "realtime", Monotonic "monotonic", ProcessCpu "process_cputime_id",
        ThreadCpu "thread_cputime_id",
    }
}

numbered! {
    /// The type of a file (`filetype`).
    FileType: u8 {
        Unknown "unknown", BlockDevice "block_device", CharacterDevice "character_device",
        Directory "directory", RegularFile "regular_file", SocketDatagram "socket_dgram",
        SocketStream "socket_stream", SymbolicLink "symbolic_link",
    }
}

numbered! {
    /// The place that an offset is relative to (`whence`).
    Whence: u8 { Set "set", Current "cur", End "end" }
}

numbered! {
    /// The use that a program will make of a file (`advice`).
    Advice: u8 {
        Normal "normal", Sequential "sequential", Random "random", WillNeed "willneed",
        DontNeed "dontneed", NoReuse "noreuse",
    }
}

numbered! {
    /// The signals (`signal`).
    Signal: u8 {
        None "none", Hup "hup", Int "int", Quit "quit", Ill "ill", Trap "trap", Abrt "abrt",
        Bus "bus", Fpe "fpe", Kill "kill", Usr1 "usr1", Segv "segv", Usr2 "usr2", Pipe "pipe",
        Alrm "alrm", Term "term", Chld "chld", Cont "cont", Stop "stop", Tstp "tstp",
        Ttin "ttin", Ttou "ttou", Urg "urg", Xcpu "xcpu", Xfsz "xfsz", Vtalrm "vtalrm",
        Prof "prof", Winch "winch", Poll "poll", Pwr "pwr", Sys "sys",
    }
}

numbered! {
    /// The type of an event (`eventtype`).
    EventType: u8 { Clock "clock", FdRead "fd_read", FdWrite "fd_write" }
}

bitflags! {
    /// The actions that a descriptor allows (`rights`).
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Rights: u64 {
        const FD_DATASYNC = 1 << 0;
        const FD_READ = 1 << 1;
        const FD_SEEK = 1 << 2;
        const FD_FDSTAT_SET_FLAGS = 1 << 3;
        const FD_SYNC = 1 << 4;
        const FD_TELL = 1 << 5;
        const FD_WRITE = 1 << 6;
        const FD_ADVISE = 1 << 7;
        const FD_ALLOCATE = 1 << 8;
        const PATH_CREATE_DIRECTORY = 1 << 9;
        const PATH_CREATE_FILE = 1 << 10;
        const PATH_LINK_SOURCE = 1 << 11;
        const PATH_LINK_TARGET = 1 << 12;
        const PATH_OPEN = 1 << 13;
        const FD_READDIR = 1 << 14;
        const PATH_READLINK = 1 << 15;
        const PATH_RENAME_SOURCE = 1 << 16;
        const PATH_RENAME_TARGET = 1 << 17;
        const PATH_FILESTAT_GET = 1 << 18;
        const PATH_FILESTAT_SET_SIZE = 1 << 19;
        const PATH_FILESTAT_SET_TIMES = 1 << 20;
        const FD_FILESTAT_GET = 1 << 21;
        const FD_FILESTAT_SET_SIZE = 1 << 22;
        const FD_FILESTAT_SET_TIMES = 1 << 23;
        const PATH_SYMLINK = 1 << 24;
        const PATH_REMOVE_DIRECTORY = 1 << 25;
        const PATH_UNLINK_FILE = 1 << 26;
        const POLL_FD_READWRITE = 1 << 27;
        const SOCK_SHUTDOWN = 1 << 28;
        const SOCK_ACCEPT = 1 << 29;
    }

    /// The state of a descriptor (`fdflags`).
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct FdFlags: u16 {
        const APPEND = 1 << 0;
        const DSYNC = 1 << 1;
        const NONBLOCK = 1 << 2;
        const RSYNC = 1 << 3;
        const SYNC = 1 << 4;
    }

    /// The way in which a file is opened (`oflags`).
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct OpenFlags: u16 {
        const CREAT = 1 << 0;
        const DIRECTORY = 1 << 1;
        const EXCL = 1 << 2;
        const TRUNC = 1 << 3;
    }

    /// The way in which a path is resolved (`lookupflags`).
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct LookupFlags: u32 {
        const SYMLINK_FOLLOW = 1 << 0;
    }

    /// The times that are set (`fstflags`).
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct TimeFlags: u16 {
        const ATIM = 1 << 0;
        const ATIM_NOW = 1 << 1;
        const MTIM = 1 << 2;
        const MTIM_NOW = 1 << 3;
    }

    /// The way in which a message is received (`riflags`).
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct ReceiveFlags: u16 {
        const RECV_PEEK = 1 << 0;
        const RECV_WAITALL = 1 << 1;
    }

    /// The way in which a message was received (`roflags`).
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct ReceivedFlags: u16 {
        const RECV_DATA_TRUNCATED = 1 << 0;
    }

    /// The way in which a message is sent (`siflags`), without a flag so far.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct SendFlags: u16 {}

    /// The directions in which a socket is shut down (`sdflags`).
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct ShutdownFlags: u8 {
        const RD = 1 << 0;
        const WR = 1 << 1;
    }

    /// The meaning of the time of a clock subscription (`subclockflags`).
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct SubclockFlags: u16 {
        const SUBSCRIPTION_CLOCK_ABSTIME = 1 << 0;
    }

    /// The state of a descriptor that is ready (`eventrwflags`).
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct ReadyFlags: u16 {
        const FD_READWRITE_HANGUP = 1 << 0;
    }
}

/// A record in guest memory: bytes at fixed places, the rest zero.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<const SIZE: usize>(pub(crate) [u8; SIZE]);

impl<const SIZE: usize> Record<SIZE> {
    /// A record of zeros.
    pub(crate) fn new() -> Record<SIZE> {
        Record([0; SIZE])
    }

    /// The record with a field's bytes.
    pub(crate) fn with(mut self, offset: usize, bytes: &[u8]) -> Record<SIZE> {
        self.0[offset..offset + bytes.len()].copy_from_slice(bytes);
        self
    }
}

/// The attributes of a descriptor (`fdstat`).
pub(crate) fn fdstat(
    file_type: FileType,
    flags: FdFlags,
    base: Rights,
    inheriting: Rights,
) -> Record<24> {
    Record::new()
        .with(0, &[file_type.number()])
        .with(2, &flags.bits().to_le_bytes())
        .with(8, &base.bits().to_le_bytes())
        .with(16, &inheriting.bits().to_le_bytes())
}

/// The attributes of a file (`filestat`).
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileStat {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) file_type: FileType,
    pub(crate) links: u64,
    pub(crate) size: u64,
    pub(crate) accessed: u64,
    pub(crate) modified: u64,
    pub(crate) changed: u64,
    /// The time of creation, which programs do not see; 0 if it is not known.
    pub(crate) created: u64,
}

impl FileStat {
    pub(crate) fn record(&self) -> Record<64> {
        Record::new()
            .with(0, &self.device.to_le_bytes())
            .with(8, &self.inode.to_le_bytes())
            .with(16, &[self.file_type.number()])
            .with(24, &self.links.to_le_bytes())
            .with(32, &self.size.to_le_bytes())
            .with(40, &self.accessed.to_le_bytes())
            .with(48, &self.modified.to_le_bytes())
            .with(56, &self.changed.to_le_bytes())
    }
}

/// A directory entry (`dirent`), without its name.
pub(crate) fn dirent(next: u64, inode: u64, name_bytes: u32, file_type: FileType) -> Record<24> {
    Record::new()
        .with(0, &next.to_le_bytes())
        .with(8, &inode.to_le_bytes())
        .with(16, &name_bytes.to_le_bytes())
        .with(20, &[file_type.number()])
}

/// The description of a preopened directory (`prestat`).
pub(crate) fn prestat(name_bytes: u32) -> Record<8> {
    Record::new().with(4, &name_bytes.to_le_bytes())
}

/// The size of a `subscription`.
pub(crate) const SUBSCRIPTION_BYTES: u32 = 48;
/// The size of an `event`.
pub(crate) const EVENT_BYTES: u32 = 32;

/// A request to be told of an event (`subscription`).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subscription {
    pub(crate) userdata: u64,
    pub(crate) event: Result<SubscribedEvent, Errno>,
}

/// The event that a subscription is about (`subscription_u`).
#[derive(Clone, Copy, Debug)]
pub(crate) enum SubscribedEvent {
    Clock {
        clock: Clock,
        nanoseconds: u64,
        flags: SubclockFlags,
    },
    Ready {
        event_type: EventType,
        fd: u32,
    },
}

impl Subscription {
    /// The subscription in a record. An event type that does not exist makes the whole call fail;
    /// a clock or flag that does not exist is the error of the event.
    pub(crate) fn read(record: &[u8; SUBSCRIPTION_BYTES as usize]) -> Result<Subscription, Errno> {
        let word = |at: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&record[at..at + 8]);
            u64::from_le_bytes(bytes)
        };
        let half = |at: usize| word(at) as u32;
        let event_type = EventType::from_number(record[8].into()).ok_or(Errno::Inval)?;
        let event = match event_type {
            EventType::Clock => clock_event(half(16), word(24), word(40) as u16),
            EventType::FdRead | EventType::FdWrite => Ok(SubscribedEvent::Ready {
                event_type,
                fd: half(16),
            }),
        };
        let userdata = word(0);
        Ok(Subscription { userdata, event })
    }

    /// The type of the event.
    pub(crate) fn event_type(&self) -> EventType {
        match self.event {
            Ok(SubscribedEvent::Ready { event_type, .. }) => event_type,
            Ok(SubscribedEvent::Clock { .. }) | Err(_) => EventType::Clock,
        }
    }
}

fn clock_event(clock: u32, nanoseconds: u64, flags: u16) -> Result<SubscribedEvent, Errno> {
    Ok(SubscribedEvent::Clock {
        clock: Clock::from_number(clock.into()).ok_or(Errno::Inval)?,
        nanoseconds,
        flags: SubclockFlags::from_bits(flags).ok_or(Errno::Inval)?,
    })
}

/// An event that has occurred (`event`).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    pub(crate) userdata: u64,
    pub(crate) error: Errno,
    pub(crate) event_type: EventType,
    pub(crate) bytes: u64,
    pub(crate) flags: ReadyFlags,
}

impl Event {
    pub(crate) fn record(&self) -> Record<{ EVENT_BYTES as usize }> {
        Record::new()
            .with(0, &self.userdata.to_le_bytes())
            .with(8, &self.error.number().to_le_bytes())
            .with(10, &[self.event_type.number()])
            .with(16, &self.bytes.to_le_bytes())
            .with(24, &self.flags.bits().to_le_bytes())
    }
}
