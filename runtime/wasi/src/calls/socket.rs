//! The functions of sockets, which a program gets from the host or by accepting connections.

use std::fs::File;

use rustix::event::PollFlags;
use rustix::io::Errno as HostErrno;
use rustix::net::{RecvFlags, SendFlags as HostSendFlags, Shutdown, SocketFlags};

use super::transfer::{read_all, wait, write_all};
use crate::abi::{
    Errno, FdFlags, FileType, ReceiveFlags, ReceivedFlags, Rights, SendFlags, ShutdownFlags,
};
use crate::context::Wasi;
use crate::descriptor::{Descriptor, READ, Resource, WRITE};
use crate::error::Outcome;
use crate::guest::{CHUNK_BYTES, Guest};

impl Wasi {
    /// Accepts a connection, and writes the number of its descriptor.
    pub(crate) fn sock_accept(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        flags: FdFlags,
        accepted: u32,
    ) -> Outcome {
        let listener = socket(self, fd, Rights::SOCK_ACCEPT)?;
        if !FdFlags::NONBLOCK.contains(flags) {
            return Err(Errno::Inval.into());
        }
        let place = guest.place(accepted)?;
        self.descriptors.check_room()?;
        wait(listener.file, PollFlags::IN, listener.flags, self.deadline)?;
        let accepted = rustix::net::accept_with(listener.file, SocketFlags::CLOEXEC)?;
        let mut descriptor = Descriptor::host(File::from(accepted), Rights::all())?;
        descriptor.flags = flags;
        descriptor.base &= self.descriptors.get(fd)?.inheriting;
        let number = self.descriptors.add(descriptor)?;
        Ok(guest.put(place, number.to_le_bytes())?)
    }

    /// Receives a message, and writes the number of bytes and the flags.
    pub(crate) fn sock_recv(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        iovs: u32,
        iovs_len: u32,
        flags: ReceiveFlags,
        received: u32,
        received_flags: u32,
    ) -> Outcome {
        let socket = socket(self, fd, READ)?;
        let deadline = self.deadline;
        let mut buffers = guest.buffers(iovs, iovs_len)?;
        let (place, flags_place) = (guest.place(received)?, guest.place(received_flags)?);
        let peeks = flags.contains(ReceiveFlags::RECV_PEEK);
        let waits = flags.contains(ReceiveFlags::RECV_WAITALL) && socket.is_stream;
        let mut of_host = RecvFlags::DONTWAIT;
        of_host.set(RecvFlags::PEEK, peeks);
        of_host.set(RecvFlags::TRUNC, !socket.is_stream);
        let mut is_truncated = false;
        let mut done = 0;
        loop {
            wait(socket.file, PollFlags::IN, socket.flags, deadline)?;
            let source = |chunk: &mut [u8], _| {
                let len = chunk.len();
                let (_, whole) = rustix::net::recv(socket.file, chunk, of_host)?;
                is_truncated |= whole > len;
                Ok(whole.min(len))
            };
            match read_all(guest, &mut buffers, false, source) {
                Ok(0) => break,
                Ok(read) => done += read,
                // Another reader was faster.
                Err(failure) if failure == Errno::Again.into() => continue,
                Err(_) if done > 0 => break,
                Err(failure) => return Err(failure),
            }
            if !waits || peeks || buffers.left() == 0 {
                break;
            }
        }
        let mut flags = ReceivedFlags::empty();
        flags.set(ReceivedFlags::RECV_DATA_TRUNCATED, is_truncated);
        guest.put(place, (done as u32).to_le_bytes())?;
        Ok(guest.put(flags_place, flags.bits().to_le_bytes())?)
    }

    /// Sends a message, and writes the number of bytes.
    pub(crate) fn sock_send(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        iovs: u32,
        iovs_len: u32,
        _: SendFlags,
        sent: u32,
    ) -> Outcome {
        let socket = socket(self, fd, WRITE)?;
        let deadline = self.deadline;
        let mut buffers = guest.buffers(iovs, iovs_len)?;
        let place = guest.place(sent)?;
        if !socket.is_stream && buffers.left() > CHUNK_BYTES as u64 {
            return Err(Errno::MsgSize.into());
        }
        let of_host = HostSendFlags::DONTWAIT | HostSendFlags::NOSIGNAL;
        let sink = |chunk: &[u8], _| loop {
            wait(socket.file, PollFlags::OUT, socket.flags, deadline)?;
            match rustix::net::send(socket.file, chunk, of_host) {
                Err(HostErrno::AGAIN) if !socket.flags.contains(FdFlags::NONBLOCK) => {}
                sent => return Ok(sent?),
            }
        };
        let done = write_all(guest, &mut buffers, sink)?;
        Ok(guest.put(place, (done as u32).to_le_bytes())?)
    }

    /// Shuts a connection down, in one direction or both.
    pub(crate) fn sock_shutdown(
        &mut self,
        _: &mut Guest<'_>,
        fd: u32,
        how: ShutdownFlags,
    ) -> Outcome {
        let socket = socket(self, fd, Rights::SOCK_SHUTDOWN)?;
        let reads = how.contains(ShutdownFlags::RD);
        let how = match (reads, how.contains(ShutdownFlags::WR)) {
            (true, true) => Shutdown::Both,
            (true, false) => Shutdown::Read,
            (false, true) => Shutdown::Write,
            (false, false) => return Err(Errno::Inval.into()),
        };
        Ok(rustix::net::shutdown(socket.file, how)?)
    }
}

/// The socket of a descriptor.
struct Socket<'a> {
    file: &'a File,
    flags: FdFlags,
    is_stream: bool,
}

/// The socket of a descriptor, if it is one and has all of these rights.
fn socket(wasi: &Wasi, fd: u32, rights: Rights) -> Result<Socket<'_>, Errno> {
    let descriptor = wasi.descriptors.get(fd)?;
    let is_stream = match descriptor.file_type {
        FileType::SocketStream => true,
        FileType::SocketDatagram => false,
        FileType::Unknown
        | FileType::BlockDevice
        | FileType::CharacterDevice
        | FileType::Directory
        | FileType::RegularFile
        | FileType::SymbolicLink => return Err(Errno::NotSock),
    };
    descriptor.check(rights)?;
    match &descriptor.resource {
        Resource::Host(file) => Ok(Socket {
            file,
            flags: descriptor.flags,
            is_stream,
        }),
        Resource::Directory(_) | Resource::Input(..) | Resource::Output(_) | Resource::Lost => {
            Err(Errno::NotSock)
        }
    }
}
