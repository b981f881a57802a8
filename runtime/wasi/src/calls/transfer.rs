//! Bytes between descriptors and buffers of the guest, in chunks of a bounded size.
//!
//! A regular file is read and written until the buffers are done, or the file is. Anything else is
//! read once, and written until it takes no more. What has been transferred before an error counts;
//! the error is then left to the next call.

use std::fs::File;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno as HostErrno;

use crate::abi::{Errno, FdFlags, FileType, Rights};
use crate::context::Wasi;
use crate::descriptor::{Descriptor, READ, Resource, WRITE};
use crate::error::{Ending, Outcome};
use crate::guest::{Buffers, CHUNK_BYTES, Guest};

/// The time after which a wait looks at the deadline again.
const TICK: Duration = Duration::from_millis(100);

impl Wasi {
    /// Reads from a descriptor into buffers, and writes the number of bytes.
    pub(crate) fn fd_read(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        iovs: u32,
        iovs_len: u32,
        read: u32,
    ) -> Outcome {
        let deadline = self.deadline;
        let descriptor = self.descriptors.with_mut(fd, READ)?;
        let mut buffers = guest.buffers(iovs, iovs_len)?;
        let place = guest.place(read)?;
        let done = match &mut descriptor.resource {
            Resource::Input(bytes, at) => {
                let len = buffers.left().min((bytes.len() - *at) as u64) as usize;
                buffers.fill(guest, &bytes[*at..*at + len])?;
                *at += len;
                len as u64
            }
            Resource::Host(file) => {
                let is_regular = descriptor.file_type == FileType::RegularFile;
                if !is_regular && buffers.left() > 0 {
                    wait(file, PollFlags::IN, descriptor.flags, deadline)?;
                }
                let source = |chunk: &mut [u8], _| rustix::io::read(&*file, chunk);
                read_all(guest, &mut buffers, is_regular, source)?
            }
            Resource::Directory(_) => return Err(Errno::IsDir.into()),
            Resource::Output(_) | Resource::Lost => return Err(Errno::BadF.into()),
        };
        guest.put(place, (done as u32).to_le_bytes())?;
        Ok(())
    }

    /// Reads from a place of a file; the offset of the descriptor stays.
    pub(crate) fn fd_pread(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        iovs: u32,
        iovs_len: u32,
        offset: u64,
        read: u32,
    ) -> Outcome {
        let file = self.descriptors.file(fd, READ | Rights::FD_SEEK)?;
        let mut buffers = guest.buffers(iovs, iovs_len)?;
        let place = guest.place(read)?;
        check_offset(offset, buffers.left())?;
        let source = |chunk: &mut [u8], done| rustix::io::pread(file, chunk, offset + done);
        let done = read_all(guest, &mut buffers, true, source)?;
        guest.put(place, (done as u32).to_le_bytes())?;
        Ok(())
    }

    /// Writes buffers to a descriptor, and writes the number of bytes.
    pub(crate) fn fd_write(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        iovs: u32,
        iovs_len: u32,
        written: u32,
    ) -> Outcome {
        let deadline = self.deadline;
        let descriptor = self.descriptors.with_mut(fd, WRITE)?;
        let mut buffers = guest.buffers(iovs, iovs_len)?;
        let place = guest.place(written)?;
        let done = match &descriptor.resource {
            Resource::Output(captured) => {
                let len = buffers.left();
                while buffers.left() > 0 {
                    captured.push(&buffers.take(guest)?);
                }
                len
            }
            Resource::Lost => buffers.left(),
            Resource::Host(file) => {
                let is_regular = descriptor.file_type == FileType::RegularFile;
                let flags = descriptor.flags;
                let sink = |chunk: &[u8], _| {
                    if is_regular {
                        return Ok(rustix::io::write(file, chunk)?);
                    }
                    wait(file, PollFlags::OUT, flags, deadline)?;
                    // A pipe that can take something may not take all at once without waiting.
                    let len = match flags.contains(FdFlags::NONBLOCK) || deadline.is_some() {
                        true => chunk.len().min(PIPE_BYTES),
                        false => chunk.len(),
                    };
                    Ok(rustix::io::write(file, &chunk[..len])?)
                };
                let done = write_all(guest, &mut buffers, sink)?;
                synchronise(descriptor, file)?;
                done
            }
            Resource::Directory(_) => return Err(Errno::IsDir.into()),
            Resource::Input(..) => return Err(Errno::BadF.into()),
        };
        guest.put(place, (done as u32).to_le_bytes())?;
        Ok(())
    }

    /// Writes to a place of a file; the offset of the descriptor stays. As Linux does, a file that
    /// is open for appending grows by it, whatever the place.
    pub(crate) fn fd_pwrite(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        iovs: u32,
        iovs_len: u32,
        offset: u64,
        written: u32,
    ) -> Outcome {
        let file = self.descriptors.file(fd, WRITE | Rights::FD_SEEK)?;
        let mut buffers = guest.buffers(iovs, iovs_len)?;
        let place = guest.place(written)?;
        check_offset(offset, buffers.left())?;
        let sink = |chunk: &[u8], done| Ok(rustix::io::pwrite(file, chunk, offset + done)?);
        let done = write_all(guest, &mut buffers, sink)?;
        synchronise(self.descriptors.get(fd)?, file)?;
        guest.put(place, (done as u32).to_le_bytes())?;
        Ok(())
    }
}

/// The bytes that a pipe takes at once if it can take any.
const PIPE_BYTES: usize = 4096;

/// Checks that offsets of a transfer are those of a file.
fn check_offset(offset: u64, len: u64) -> Result<(), Errno> {
    match offset.checked_add(len) {
        Some(end) if i64::try_from(end).is_ok() => Ok(()),
        Some(_) | None => Err(Errno::Inval),
    }
}

/// Makes durable what has been written, if the flags of a descriptor ask for it.
fn synchronise(descriptor: &Descriptor, file: &File) -> Result<(), Errno> {
    if descriptor.file_type != FileType::RegularFile {
        return Ok(());
    }
    if descriptor.flags.intersects(FdFlags::SYNC | FdFlags::RSYNC) {
        rustix::fs::fsync(file)?;
    } else if descriptor.flags.contains(FdFlags::DSYNC) {
        rustix::fs::fdatasync(file)?;
    }
    Ok(())
}

/// Fills buffers from a source, which is given the number of bytes that it has read before.
pub(crate) fn read_all(
    guest: &mut Guest<'_>,
    buffers: &mut Buffers,
    until_full: bool,
    mut source: impl FnMut(&mut [u8], u64) -> Result<usize, HostErrno>,
) -> Outcome<u64> {
    let mut chunk = vec![0; buffers.left().min(CHUNK_BYTES as u64) as usize];
    let mut done = 0;
    loop {
        let len = buffers.left().min(chunk.len() as u64) as usize;
        let read = match source(&mut chunk[..len], done) {
            Ok(read) => read,
            Err(HostErrno::INTR) => continue,
            Err(_) if done > 0 => return Ok(done),
            Err(error) => return Err(error.into()),
        };
        buffers.fill(guest, &chunk[..read])?;
        done += read as u64;
        if read < len || buffers.left() == 0 || !until_full {
            return Ok(done);
        }
    }
}

/// Empties buffers into a sink, which is given the number of bytes that it has taken before.
pub(crate) fn write_all(
    guest: &mut Guest<'_>,
    buffers: &mut Buffers,
    mut sink: impl FnMut(&[u8], u64) -> Outcome<usize>,
) -> Outcome<u64> {
    let mut done = 0;
    loop {
        let chunk = buffers.take(guest)?;
        let mut rest = chunk.as_slice();
        loop {
            match sink(rest, done) {
                Ok(written) => {
                    rest = &rest[written..];
                    done += written as u64;
                }
                Err(failure) if failure == Errno::Intr.into() => {}
                Err(failure) if done == 0 || failure == Ending::Deadline.into() => {
                    return Err(failure);
                }
                Err(_) => return Ok(done),
            }
            if rest.is_empty() {
                break;
            }
        }
        if buffers.left() == 0 {
            return Ok(done);
        }
    }
}

/// Waits until a pipe, device or socket is ready. A descriptor that does not block is not waited
/// for.
pub(crate) fn wait(
    file: &File,
    ready: PollFlags,
    flags: FdFlags,
    deadline: Option<Instant>,
) -> Outcome {
    let does_block = !flags.contains(FdFlags::NONBLOCK);
    loop {
        let tick = match (does_block, deadline) {
            (false, _) => Some(Duration::ZERO),
            (true, Some(deadline)) => Some(TICK.min(deadline - Instant::now())),
            (true, None) => None,
        };
        let tick = tick.and_then(|tick| Timespec::try_from(tick).ok());
        let mut polled = [PollFd::new(file, ready)];
        match poll(&mut polled, tick.as_ref()) {
            Ok(0) if !does_block => return Err(Errno::Again.into()),
            Ok(0) => {}
            Ok(_) => return Ok(()),
            Err(HostErrno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            return Err(Ending::Deadline.into());
        }
    }
}
