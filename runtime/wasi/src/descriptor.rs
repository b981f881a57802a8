//! The descriptors of a program: a number, an open file of the host or of memory, and rights.
//!
//! Invariant: rights only shrink. A descriptor never has a right that does not apply to the type of
//! its file, nor one that the directory that it was opened through does not hand on.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::{Arc, Mutex};
use std::time::UNIX_EPOCH;

use cap_fs_ext::FileTypeExt;
use cap_std::fs::{Dir, Metadata, MetadataExt};
use rustix::net::SocketType;
use rustix::net::sockopt::{socket_acceptconn, socket_type};

use crate::abi::{Errno, FdFlags, FileStat, FileType, Rights};
use crate::calls::directory::Listing;

/// The file or stream of a descriptor.
#[derive(Debug)]
pub(crate) enum Resource {
    /// A file, device, pipe or socket of the host.
    Host(File),
    /// A directory of the host.
    Directory(Directory),
    /// Bytes that are read, and the number of those that have been.
    Input(Arc<[u8]>, usize),
    /// Bytes that are written are kept.
    Output(Captured),
    /// Bytes that are written are lost.
    Lost,
}

/// A directory, below which paths are resolved.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) dir: Dir,
    /// The name under which a program finds it, if it has been opened before the program began.
    pub(crate) preopened: Option<String>,
    /// The entries as they were when they were last read from the first one on.
    pub(crate) listing: Option<Listing>,
}

impl Directory {
    /// The directory opened for reading: `cap-std` has opened it for resolving paths only.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(crate) fn readable(&self) -> Result<File, Errno> {
        Ok(self.dir.open(".")?.into_std())
    }
}

/// Bytes that a program has written, which the host can look at.
#[derive(Clone, Debug, Default)]
pub struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    /// The bytes.
    pub fn bytes(&self) -> Vec<u8> {
        self.lock().clone()
    }

    /// The bytes since they were last taken.
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.lock())
    }

    pub(crate) fn push(&self, bytes: &[u8]) {
        self.lock().extend_from_slice(bytes);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(|broken| broken.into_inner())
    }
}

/// A descriptor.
#[derive(Debug)]
pub(crate) struct Descriptor {
    pub(crate) resource: Resource,
    pub(crate) file_type: FileType,
    pub(crate) flags: FdFlags,
    pub(crate) base: Rights,
    pub(crate) inheriting: Rights,
}

/// Rights of a stream that is read and of one that is written.
pub(crate) const READ: Rights = Rights::FD_READ;
pub(crate) const WRITE: Rights = Rights::FD_WRITE;
/// Rights of whatever is not a directory.
const ANY: Rights = Rights::FD_FDSTAT_SET_FLAGS
    .union(Rights::FD_FILESTAT_GET)
    .union(Rights::POLL_FD_READWRITE);
const STREAM: Rights = ANY.union(READ).union(WRITE);
const SYNCED: Rights = Rights::FD_DATASYNC.union(Rights::FD_SYNC);
const PLACED: Rights = Rights::FD_SEEK.union(Rights::FD_TELL);
const REGULAR: Rights = STREAM
    .union(SYNCED)
    .union(PLACED)
    .union(Rights::FD_ADVISE)
    .union(Rights::FD_ALLOCATE)
    .union(Rights::FD_FILESTAT_SET_SIZE)
    .union(Rights::FD_FILESTAT_SET_TIMES);
const DIRECTORY: Rights = SYNCED
    .union(Rights::FD_FDSTAT_SET_FLAGS)
    .union(Rights::PATH_CREATE_DIRECTORY)
    .union(Rights::PATH_CREATE_FILE)
    .union(Rights::PATH_LINK_SOURCE)
    .union(Rights::PATH_LINK_TARGET)
    .union(Rights::PATH_OPEN)
    .union(Rights::FD_READDIR)
    .union(Rights::PATH_READLINK)
    .union(Rights::PATH_RENAME_SOURCE)
    .union(Rights::PATH_RENAME_TARGET)
    .union(Rights::PATH_FILESTAT_GET)
    .union(Rights::PATH_FILESTAT_SET_SIZE)
    .union(Rights::PATH_FILESTAT_SET_TIMES)
    .union(Rights::FD_FILESTAT_GET)
    .union(Rights::FD_FILESTAT_SET_TIMES)
    .union(Rights::PATH_SYMLINK)
    .union(Rights::PATH_REMOVE_DIRECTORY)
    .union(Rights::PATH_UNLINK_FILE);
const SOCKET: Rights = STREAM.union(Rights::SOCK_SHUTDOWN);
const LISTENER: Rights = ANY.union(Rights::SOCK_ACCEPT);

/// The rights that apply to a type of file.
pub(crate) fn applicable(file_type: FileType) -> Rights {
    match file_type {
        FileType::Directory => DIRECTORY,
        FileType::RegularFile | FileType::BlockDevice => REGULAR,
        FileType::SocketDatagram | FileType::SocketStream => SOCKET.union(LISTENER),
        FileType::CharacterDevice | FileType::Unknown | FileType::SymbolicLink => {
            STREAM.union(SYNCED)
        }
    }
}

/// The rights that a directory can hand on. Programs ask for all that there are, and get those that
/// apply.
pub(crate) const INHERITABLE: Rights = Rights::all();
/// The rights for which a file has to be open for writing.
pub(crate) const NEED_WRITE: Rights = WRITE
    .union(Rights::FD_ALLOCATE)
    .union(Rights::FD_FILESTAT_SET_SIZE);
/// The rights of a preopened directory that is not to be changed.
pub(crate) const READ_ONLY: Rights = READ
    .union(PLACED)
    .union(ANY)
    .union(Rights::FD_ADVISE)
    .union(Rights::PATH_OPEN)
    .union(Rights::FD_READDIR)
    .union(Rights::PATH_READLINK)
    .union(Rights::PATH_FILESTAT_GET);

impl Descriptor {
    /// A descriptor of a directory with all rights that apply.
    pub(crate) fn directory(dir: Dir, preopened: Option<String>) -> Descriptor {
        Descriptor {
            resource: Resource::Directory(Directory {
                dir,
                preopened,
                listing: None,
            }),
            file_type: FileType::Directory,
            flags: FdFlags::empty(),
            base: DIRECTORY,
            inheriting: INHERITABLE,
        }
    }

    /// A descriptor of an open file of the host, with rights among those that apply.
    ///
    /// # Errors
    /// If the system does not say what it is.
    pub(crate) fn host(file: File, rights: Rights) -> Result<Descriptor, Errno> {
        let file_type = type_of_file(&file)?;
        let is_listener = matches!(file_type, FileType::SocketStream)
            && socket_acceptconn(&file).unwrap_or(false);
        let base = match file_type {
            _ if is_listener => LISTENER,
            FileType::SocketStream | FileType::SocketDatagram => SOCKET,
            other => applicable(other) & rights,
        };
        Ok(Descriptor {
            resource: Resource::Host(file),
            file_type,
            flags: FdFlags::empty(),
            base,
            inheriting: match is_listener {
                true => SOCKET,
                false => Rights::empty(),
            },
        })
    }

    /// A descriptor of a standard stream that the host has.
    pub(crate) fn stream(file: File, direction: Rights) -> Result<Descriptor, Errno> {
        Descriptor::host(file, ANY | PLACED | SYNCED | direction)
    }

    /// A descriptor of a standard stream in memory.
    pub(crate) fn in_memory(resource: Resource, direction: Rights) -> Descriptor {
        Descriptor {
            resource,
            file_type: FileType::Unknown,
            flags: FdFlags::empty(),
            base: ANY | direction,
            inheriting: Rights::empty(),
        }
    }

    /// Checks that the descriptor has all of these rights.
    pub(crate) fn check(&self, rights: Rights) -> Result<(), Errno> {
        match self.base.contains(rights) {
            true => Ok(()),
            false => Err(Errno::NotCapable),
        }
    }

    /// The attributes of the file.
    pub(crate) fn stat(&self) -> Result<FileStat, Errno> {
        match &self.resource {
            Resource::Host(file) => {
                let stat = file_stat(&Metadata::from_file(file)?);
                let file_type = self.file_type;
                Ok(FileStat { file_type, ..stat })
            }
            Resource::Directory(directory) => Ok(file_stat(&directory.dir.dir_metadata()?)),
            Resource::Input(..) | Resource::Output(_) | Resource::Lost => Ok(FileStat {
                device: 0,
                inode: 0,
                file_type: self.file_type,
                links: 0,
                size: 0,
                accessed: 0,
                modified: 0,
                changed: 0,
                created: 0,
            }),
        }
    }
}

/// The attributes in metadata of the host.
pub(crate) fn file_stat(metadata: &Metadata) -> FileStat {
    let created = metadata.created().ok().map(|time| time.into_std());
    let created = created.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let time = |seconds: i64, nanoseconds: i64| {
        let seconds = u64::try_from(seconds).unwrap_or(0);
        seconds
            .saturating_mul(1_000_000_000)
            .saturating_add(u64::try_from(nanoseconds).unwrap_or(0))
    };
    FileStat {
        device: metadata.dev(),
        inode: metadata.ino(),
        file_type: type_of(metadata.file_type()),
        links: metadata.nlink(),
        size: metadata.size(),
        accessed: time(metadata.atime(), metadata.atime_nsec()),
        modified: time(metadata.mtime(), metadata.mtime_nsec()),
        changed: time(metadata.ctime(), metadata.ctime_nsec()),
        created: created.map_or(0, |it| it.as_nanos() as u64),
    }
}

/// The type of a file by that of the host. Preview 1 has no type for pipes.
pub(crate) fn type_of(file_type: cap_std::fs::FileType) -> FileType {
    if file_type.is_dir() {
        FileType::Directory
    } else if file_type.is_file() {
        FileType::RegularFile
    } else if file_type.is_symlink() {
        FileType::SymbolicLink
    } else if file_type.is_char_device() {
        FileType::CharacterDevice
    } else if file_type.is_block_device() {
        FileType::BlockDevice
    } else if file_type.is_socket() {
        FileType::SocketStream
    } else {
        FileType::Unknown
    }
}

/// The type of an open file, in which kinds of sockets are told apart.
fn type_of_file(file: &File) -> Result<FileType, Errno> {
    let found = type_of(Metadata::from_file(file)?.file_type());
    if found != FileType::SocketStream {
        return Ok(found);
    }
    Ok(match socket_type(file)? {
        SocketType::DGRAM => FileType::SocketDatagram,
        _ => FileType::SocketStream,
    })
}

/// The descriptors by number.
#[derive(Debug)]
pub(crate) struct Descriptors {
    open: BTreeMap<u32, Descriptor>,
    max: usize,
}

impl Descriptors {
    pub(crate) fn new(max: usize) -> Descriptors {
        let open = BTreeMap::new();
        Descriptors { open, max }
    }

    /// Adds a descriptor under the least number that is free.
    pub(crate) fn add(&mut self, descriptor: Descriptor) -> Result<u32, Errno> {
        self.check_room()?;
        let mut free = 0;
        for &number in self.open.keys() {
            if number != free {
                break;
            }
            free += 1;
        }
        self.open.insert(free, descriptor);
        Ok(free)
    }

    /// Checks that there is room for one more.
    pub(crate) fn check_room(&self) -> Result<(), Errno> {
        match self.open.len() < self.max {
            true => Ok(()),
            false => Err(Errno::MFile),
        }
    }

    pub(crate) fn get(&self, fd: u32) -> Result<&Descriptor, Errno> {
        self.open.get(&fd).ok_or(Errno::BadF)
    }

    pub(crate) fn get_mut(&mut self, fd: u32) -> Result<&mut Descriptor, Errno> {
        self.open.get_mut(&fd).ok_or(Errno::BadF)
    }

    /// The descriptor, if it has all of these rights.
    pub(crate) fn with(&self, fd: u32, rights: Rights) -> Result<&Descriptor, Errno> {
        let descriptor = self.get(fd)?;
        descriptor.check(rights)?;
        Ok(descriptor)
    }

    pub(crate) fn with_mut(&mut self, fd: u32, rights: Rights) -> Result<&mut Descriptor, Errno> {
        let descriptor = self.get_mut(fd)?;
        descriptor.check(rights)?;
        Ok(descriptor)
    }

    /// The open file of the host, if the descriptor is of one and has all of these rights.
    pub(crate) fn file(&self, fd: u32, rights: Rights) -> Result<&File, Errno> {
        match &self.with(fd, rights)?.resource {
            Resource::Host(file) => Ok(file),
            Resource::Directory(_) => Err(Errno::IsDir),
            Resource::Input(..) | Resource::Output(_) | Resource::Lost => Err(Errno::SPipe),
        }
    }

    /// The directory, if the descriptor is of one and has all of these rights.
    pub(crate) fn directory(&self, fd: u32, rights: Rights) -> Result<&Directory, Errno> {
        let descriptor = self.get(fd)?;
        match &descriptor.resource {
            Resource::Directory(directory) => {
                descriptor.check(rights)?;
                Ok(directory)
            }
            Resource::Host(_) | Resource::Input(..) | Resource::Output(_) | Resource::Lost => {
                Err(Errno::NotDir)
            }
        }
    }

    pub(crate) fn close(&mut self, fd: u32) -> Result<(), Errno> {
        self.open.remove(&fd).map(drop).ok_or(Errno::BadF)
    }

    /// Gives a descriptor the number of another one, which is closed.
    pub(crate) fn renumber(&mut self, from: u32, to: u32) -> Result<(), Errno> {
        self.get(to)?;
        self.get(from)?;
        if let Some(descriptor) = self.open.remove(&from) {
            self.open.insert(to, descriptor);
        }
        Ok(())
    }
}
