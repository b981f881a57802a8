//! The functions of open files, whatever they are: attributes, offsets, sizes, times.

use rustix::fs::{
    Advice as HostAdvice, FallocateFlags, OFlags, SeekFrom, Timespec, Timestamps, UTIME_NOW,
    UTIME_OMIT, fadvise, fallocate, fcntl_getfl, fcntl_setfl, fdatasync, fsync, ftruncate,
    futimens, seek,
};

use crate::abi::{Advice, Errno, FdFlags, FileType, Rights, TimeFlags, Whence, fdstat};
use crate::context::Wasi;
use crate::descriptor::Resource;
use crate::error::Outcome;
use crate::guest::Guest;

impl Wasi {
    /// Tells the system of the use that will be made of a part of a file.
    pub(crate) fn fd_advise(
        &mut self,
        _: &mut Guest<'_>,
        fd: u32,
        offset: u64,
        len: u64,
        advice: Advice,
    ) -> Outcome {
        let file = self.descriptors.file(fd, Rights::FD_ADVISE)?;
        signed(offset)?;
        signed(len)?;
        let advice = match advice {
            Advice::Normal => HostAdvice::Normal,
            Advice::Sequential => HostAdvice::Sequential,
            Advice::Random => HostAdvice::Random,
            Advice::WillNeed => HostAdvice::WillNeed,
            Advice::DontNeed => HostAdvice::DontNeed,
            Advice::NoReuse => HostAdvice::NoReuse,
        };
        // A length of zero is the rest of the file.
        fadvise(file, offset, std::num::NonZeroU64::new(len), advice)?;
        Ok(())
    }

    /// Gives a part of a file room on the disk; the file grows if the part lies beyond its end.
    pub(crate) fn fd_allocate(
        &mut self,
        _: &mut Guest<'_>,
        fd: u32,
        offset: u64,
        len: u64,
    ) -> Outcome {
        let file = self.descriptors.file(fd, Rights::FD_ALLOCATE)?;
        let end = offset.checked_add(len).ok_or(Errno::FBig)?;
        if len == 0 || i64::try_from(offset).is_err() {
            return Err(Errno::Inval.into());
        }
        if i64::try_from(end).is_err() {
            return Err(Errno::FBig.into());
        }
        fallocate(file, FallocateFlags::empty(), offset, len)?;
        Ok(())
    }

    /// Closes a descriptor.
    pub(crate) fn fd_close(&mut self, _: &mut Guest<'_>, fd: u32) -> Outcome {
        Ok(self.descriptors.close(fd)?)
    }

    /// Makes the data of a file durable.
    pub(crate) fn fd_datasync(&mut self, _: &mut Guest<'_>, fd: u32) -> Outcome {
        let descriptor = self.descriptors.with(fd, Rights::FD_DATASYNC)?;
        match &descriptor.resource {
            Resource::Host(file) => fdatasync(file)?,
            Resource::Directory(directory) => fdatasync(directory.readable()?)?,
            Resource::Input(..) | Resource::Output(_) | Resource::Lost => {}
        }
        Ok(())
    }

    /// Makes the data and the attributes of a file durable.
    pub(crate) fn fd_sync(&mut self, _: &mut Guest<'_>, fd: u32) -> Outcome {
        let descriptor = self.descriptors.with(fd, Rights::FD_SYNC)?;
        match &descriptor.resource {
            Resource::Host(file) => fsync(file)?,
            Resource::Directory(directory) => fsync(directory.readable()?)?,
            Resource::Input(..) | Resource::Output(_) | Resource::Lost => {}
        }
        Ok(())
    }

    /// Writes the attributes of a descriptor.
    pub(crate) fn fd_fdstat_get(&mut self, guest: &mut Guest<'_>, fd: u32, stat: u32) -> Outcome {
        let it = self.descriptors.get(fd)?;
        let place = guest.place(stat)?;
        let record = fdstat(it.file_type, it.flags, it.base, it.inheriting);
        Ok(guest.put_record(place, record)?)
    }

    /// Sets the flags of a descriptor. The host's own descriptor has the flag for appending only;
    /// we see to the others, for a stream may be shared with other programs.
    pub(crate) fn fd_fdstat_set_flags(
        &mut self,
        _: &mut Guest<'_>,
        fd: u32,
        flags: FdFlags,
    ) -> Outcome {
        let right = Rights::FD_FDSTAT_SET_FLAGS;
        let descriptor = self.descriptors.with_mut(fd, right)?;
        if let Resource::Host(file) = &descriptor.resource
            && descriptor.file_type == FileType::RegularFile
        {
            let mut of_host = fcntl_getfl(file)?;
            of_host.set(OFlags::APPEND, flags.contains(FdFlags::APPEND));
            fcntl_setfl(file, of_host)?;
        }
        descriptor.flags = flags;
        Ok(())
    }

    /// Takes rights from a descriptor.
    pub(crate) fn fd_fdstat_set_rights(
        &mut self,
        _: &mut Guest<'_>,
        fd: u32,
        base: Rights,
        inheriting: Rights,
    ) -> Outcome {
        let descriptor = self.descriptors.get_mut(fd)?;
        if !descriptor.base.contains(base) || !descriptor.inheriting.contains(inheriting) {
            return Err(Errno::NotCapable.into());
        }
        descriptor.base = base;
        descriptor.inheriting = inheriting;
        Ok(())
    }

    /// Writes the attributes of an open file.
    pub(crate) fn fd_filestat_get(&mut self, guest: &mut Guest<'_>, fd: u32, stat: u32) -> Outcome {
        let descriptor = self.descriptors.with(fd, Rights::FD_FILESTAT_GET)?;
        let place = guest.place(stat)?;
        let shown = self.files.show(descriptor.stat()?);
        Ok(guest.put_record(place, shown.record())?)
    }

    /// Sets the size of a file; what is added is zero.
    pub(crate) fn fd_filestat_set_size(
        &mut self,
        _: &mut Guest<'_>,
        fd: u32,
        size: u64,
    ) -> Outcome {
        let right = Rights::FD_FILESTAT_SET_SIZE;
        let file = self.descriptors.file(fd, right)?;
        signed(size)?;
        ftruncate(file, size)?;
        Ok(())
    }

    /// Sets times of an open file.
    pub(crate) fn fd_filestat_set_times(
        &mut self,
        _: &mut Guest<'_>,
        fd: u32,
        atim: u64,
        mtim: u64,
        flags: TimeFlags,
    ) -> Outcome {
        let right = Rights::FD_FILESTAT_SET_TIMES;
        let descriptor = self.descriptors.with(fd, right)?;
        let (accessed, modified) = times(atim, mtim, flags)?;
        let times = Timestamps {
            last_access: timespec(accessed),
            last_modification: timespec(modified),
        };
        match &descriptor.resource {
            Resource::Host(file) => futimens(file, &times)?,
            Resource::Directory(directory) => futimens(directory.readable()?, &times)?,
            Resource::Input(..) | Resource::Output(_) | Resource::Lost => {
                return Err(Errno::NotSup.into());
            }
        }
        Ok(())
    }

    /// Gives a descriptor the number of another one, which is closed.
    pub(crate) fn fd_renumber(&mut self, _: &mut Guest<'_>, fd: u32, to: u32) -> Outcome {
        Ok(self.descriptors.renumber(fd, to)?)
    }

    /// Moves the offset of a descriptor, and writes the new one.
    pub(crate) fn fd_seek(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        offset: i64,
        whence: Whence,
        new: u32,
    ) -> Outcome {
        let descriptor = self.descriptors.get(fd)?;
        let only_tells = whence == Whence::Current && offset == 0;
        let may_tell = only_tells && descriptor.base.contains(Rights::FD_TELL);
        if !may_tell {
            descriptor.check(Rights::FD_SEEK)?;
        }
        let file = self.descriptors.file(fd, Rights::empty())?;
        let place = guest.place(new)?;
        let to = match whence {
            Whence::Set => SeekFrom::Start(u64::try_from(offset).map_err(|_| Errno::Inval)?),
            Whence::Current => SeekFrom::Current(offset),
            Whence::End => SeekFrom::End(offset),
        };
        Ok(guest.put(place, seek(file, to)?.to_le_bytes())?)
    }

    /// Writes the offset of a descriptor. The right to move it is enough.
    pub(crate) fn fd_tell(&mut self, guest: &mut Guest<'_>, fd: u32, offset: u32) -> Outcome {
        let descriptor = self.descriptors.get(fd)?;
        if !descriptor.base.contains(Rights::FD_SEEK) {
            descriptor.check(Rights::FD_TELL)?;
        }
        let file = self.descriptors.file(fd, Rights::empty())?;
        let place = guest.place(offset)?;
        let at = seek(file, SeekFrom::Current(0))?;
        Ok(guest.put(place, at.to_le_bytes())?)
    }
}

/// Refuses a number that a file's offsets do not have.
fn signed(number: u64) -> Result<(), Errno> {
    i64::try_from(number).map(drop).map_err(|_| Errno::Inval)
}

/// A time that is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NewTime {
    Kept,
    Now,
    At(u64),
}

/// The times of access and of modification that are asked for.
pub(crate) fn times(atim: u64, mtim: u64, flags: TimeFlags) -> Result<(NewTime, NewTime), Errno> {
    let time = |at: TimeFlags, now: TimeFlags, time: u64| match (
        flags.contains(at),
        flags.contains(now),
    ) {
        (true, true) => Err(Errno::Inval),
        (true, false) => Ok(NewTime::At(time)),
        (false, true) => Ok(NewTime::Now),
        (false, false) => Ok(NewTime::Kept),
    };
    let accessed = time(TimeFlags::ATIM, TimeFlags::ATIM_NOW, atim)?;
    let modified = time(TimeFlags::MTIM, TimeFlags::MTIM_NOW, mtim)?;
    Ok((accessed, modified))
}

fn timespec(time: NewTime) -> Timespec {
    let (seconds, nanoseconds) = match time {
        NewTime::Kept => (0, UTIME_OMIT as u64),
        NewTime::Now => (0, UTIME_NOW as u64),
        NewTime::At(time) => (time / 1_000_000_000, time % 1_000_000_000),
    };
    Timespec {
        tv_sec: seconds as _,
        tv_nsec: nanoseconds as _,
    }
}
