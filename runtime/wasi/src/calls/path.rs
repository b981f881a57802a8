//! The functions of paths. `cap-std` resolves them below the directory that they are relative to.

use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cap_fs_ext::{
    DirExt, FollowSymlinks, OpenOptionsFollowExt, OpenOptionsMaybeDirExt, SystemTimeSpec,
};
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

use super::file::{NewTime, times};
use crate::abi::{Clock, Errno, FdFlags, FileType, LookupFlags, OpenFlags, Rights, TimeFlags};
use crate::context::Wasi;
use crate::descriptor::{Descriptor, NEED_WRITE, READ, applicable, file_stat};
use crate::error::Outcome;
use crate::guest::Guest;

/// A request to open a file.
struct Opening {
    path: String,
    follow: FollowSymlinks,
    oflags: OpenFlags,
    base: Rights,
}

impl Wasi {
    /// Creates a directory.
    pub(crate) fn path_create_directory(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        path: u32,
        path_len: u32,
    ) -> Outcome {
        let right = Rights::PATH_CREATE_DIRECTORY;
        let directory = self.descriptors.directory(fd, right)?;
        Ok(directory.dir.create_dir(guest.path(path, path_len)?)?)
    }

    /// Writes the attributes of a file.
    pub(crate) fn path_filestat_get(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        flags: LookupFlags,
        path: u32,
        path_len: u32,
        stat: u32,
    ) -> Outcome {
        let right = Rights::PATH_FILESTAT_GET;
        let directory = self.descriptors.directory(fd, right)?;
        let path = guest.path(path, path_len)?;
        let place = guest.place(stat)?;
        let metadata = match flags.contains(LookupFlags::SYMLINK_FOLLOW) {
            true => directory.dir.metadata(path)?,
            false => directory.dir.symlink_metadata(path)?,
        };
        let shown = self.files.show(file_stat(&metadata));
        Ok(guest.put_record(place, shown.record())?)
    }

    /// Sets times of a file.
    pub(crate) fn path_filestat_set_times(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        flags: LookupFlags,
        path: u32,
        path_len: u32,
        atim: u64,
        mtim: u64,
        time_flags: TimeFlags,
    ) -> Outcome {
        let right = Rights::PATH_FILESTAT_SET_TIMES;
        let directory = self.descriptors.directory(fd, right)?;
        let path = guest.path(path, path_len)?;
        let (accessed, modified) = times(atim, mtim, time_flags)?;
        let now = self
            .clocks
            .are_fixed()
            .then(|| self.clocks.now(Clock::Realtime));
        let (accessed, modified) = (time_spec(accessed, now), time_spec(modified, now));
        match flags.contains(LookupFlags::SYMLINK_FOLLOW) {
            true => directory.dir.set_times(path, accessed, modified)?,
            false => directory.dir.set_symlink_times(path, accessed, modified)?,
        }
        Ok(())
    }

    /// Creates a hard link. Symbolic links are not followed: as other engines do, we refuse to.
    pub(crate) fn path_link(
        &mut self,
        guest: &mut Guest<'_>,
        old_fd: u32,
        old_flags: LookupFlags,
        old_path: u32,
        old_path_len: u32,
        new_fd: u32,
        new_path: u32,
        new_path_len: u32,
    ) -> Outcome {
        let old = self
            .descriptors
            .directory(old_fd, Rights::PATH_LINK_SOURCE)?;
        let new = self
            .descriptors
            .directory(new_fd, Rights::PATH_LINK_TARGET)?;
        if old_flags.contains(LookupFlags::SYMLINK_FOLLOW) {
            return Err(Errno::Inval.into());
        }
        let old_path = guest.path(old_path, old_path_len)?;
        let new_path = guest.path(new_path, new_path_len)?;
        Ok(old.dir.hard_link(old_path, &new.dir, new_path)?)
    }

    /// Opens a file or a directory, and writes the number of the descriptor.
    pub(crate) fn path_open(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        dirflags: LookupFlags,
        path: u32,
        path_len: u32,
        oflags: OpenFlags,
        base: Rights,
        inheriting: Rights,
        flags: FdFlags,
        opened: u32,
    ) -> Outcome {
        let (needed, needed_inheriting) = needed_rights(oflags, flags);
        let directory = self.descriptors.directory(fd, needed)?;
        let handed_on = self.descriptors.get(fd)?.inheriting;
        if !handed_on.contains(base | inheriting | needed_inheriting) {
            return Err(Errno::NotCapable.into());
        }
        let opening = Opening {
            path: guest.path(path, path_len)?,
            follow: match dirflags.contains(LookupFlags::SYMLINK_FOLLOW) {
                true => FollowSymlinks::Yes,
                false => FollowSymlinks::No,
            },
            oflags,
            base,
        };
        let place = guest.place(opened)?;
        self.descriptors.check_room()?;
        let file = open(&directory.dir, &opening)?;
        let descriptor = describe(file, base, inheriting, flags)?;
        if oflags.contains(OpenFlags::DIRECTORY) && descriptor.file_type != FileType::Directory {
            return Err(Errno::NotDir.into());
        }
        let number = self.descriptors.add(descriptor)?;
        Ok(guest.put(place, number.to_le_bytes())?)
    }

    /// Writes the contents of a symbolic link, as many bytes as there is room for. A link that
    /// leads out of the directory is not told.
    pub(crate) fn path_readlink(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        path: u32,
        path_len: u32,
        buf: u32,
        buf_len: u32,
        used: u32,
    ) -> Outcome {
        let right = Rights::PATH_READLINK;
        let directory = self.descriptors.directory(fd, right)?;
        let path = guest.path(path, path_len)?;
        guest.region(buf, buf_len)?;
        let place = guest.place(used)?;
        let target = directory.dir.read_link(path)?;
        let target = target.as_os_str().as_bytes();
        let target = &target[..target.len().min(buf_len as usize)];
        guest.write(buf, target)?;
        Ok(guest.put(place, (target.len() as u32).to_le_bytes())?)
    }

    /// Removes an empty directory.
    pub(crate) fn path_remove_directory(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        path: u32,
        path_len: u32,
    ) -> Outcome {
        let right = Rights::PATH_REMOVE_DIRECTORY;
        let directory = self.descriptors.directory(fd, right)?;
        let path = guest.path(path, path_len)?;
        // Only a directory is removed: a slash at the end says nothing more, and cap-std refuses
        // it.
        let name = path.trim_end_matches('/');
        Ok(directory
            .dir
            .remove_dir(if name.is_empty() { &path } else { name })?)
    }

    /// Renames a file or a directory.
    pub(crate) fn path_rename(
        &mut self,
        guest: &mut Guest<'_>,
        old_fd: u32,
        old_path: u32,
        old_path_len: u32,
        new_fd: u32,
        new_path: u32,
        new_path_len: u32,
    ) -> Outcome {
        let source = Rights::PATH_RENAME_SOURCE;
        let target = Rights::PATH_RENAME_TARGET;
        let old = self.descriptors.directory(old_fd, source)?;
        let new = self.descriptors.directory(new_fd, target)?;
        let old_path = guest.path(old_path, old_path_len)?;
        let new_path = guest.path(new_path, new_path_len)?;
        // A slash at the end is of a directory; cap-std does not look at it here.
        if old_path.ends_with('/') || new_path.ends_with('/') {
            let source = old.dir.symlink_metadata(old_path.trim_end_matches('/'))?;
            if !source.is_dir() {
                return Err(Errno::NotDir.into());
            }
        }
        Ok(old.dir.rename(old_path, &new.dir, new_path)?)
    }

    /// Creates a symbolic link. Absolute contents are refused: they would lead out.
    pub(crate) fn path_symlink(
        &mut self,
        guest: &mut Guest<'_>,
        old_path: u32,
        old_path_len: u32,
        fd: u32,
        new_path: u32,
        new_path_len: u32,
    ) -> Outcome {
        let directory = self.descriptors.directory(fd, Rights::PATH_SYMLINK)?;
        let old_path = guest.path(old_path, old_path_len)?;
        let new_path = guest.path(new_path, new_path_len)?;
        Ok(DirExt::symlink(&directory.dir, old_path, new_path)?)
    }

    /// Removes a file that is not a directory.
    pub(crate) fn path_unlink_file(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        path: u32,
        path_len: u32,
    ) -> Outcome {
        let right = Rights::PATH_UNLINK_FILE;
        let directory = self.descriptors.directory(fd, right)?;
        Ok(directory.dir.remove_file(guest.path(path, path_len)?)?)
    }
}

/// The rights that the directory must have, and those that it must hand on, to open a file so.
fn needed_rights(oflags: OpenFlags, flags: FdFlags) -> (Rights, Rights) {
    let mut needed = Rights::PATH_OPEN;
    needed.set(Rights::PATH_CREATE_FILE, oflags.contains(OpenFlags::CREAT));
    needed.set(
        Rights::PATH_FILESTAT_SET_SIZE,
        oflags.contains(OpenFlags::TRUNC),
    );
    let mut handed_on = Rights::empty();
    handed_on.set(Rights::FD_DATASYNC, flags.contains(FdFlags::DSYNC));
    handed_on.set(
        Rights::FD_SYNC,
        flags.intersects(FdFlags::SYNC | FdFlags::RSYNC),
    );
    (needed, handed_on)
}

/// Opens a file below a directory. To create or to truncate a file, the host opens it for writing;
/// the guest's rights say whether it can be written to.
fn open(dir: &Dir, opening: &Opening) -> Result<File, Errno> {
    let oflags = opening.oflags;
    let changes = OpenFlags::CREAT | OpenFlags::TRUNC;
    if oflags.contains(OpenFlags::DIRECTORY) && oflags.intersects(changes) {
        return Err(Errno::Inval);
    }
    let writes = opening.base.intersects(NEED_WRITE);
    match open_with(dir, opening, oflags, writes || oflags.intersects(changes)) {
        // The file is there, and cannot be written to: it need not be.
        Err(error)
            if error.kind() == io::ErrorKind::PermissionDenied
                && error.raw_os_error().is_some()
                && !writes
                && oflags == OpenFlags::CREAT =>
        {
            Ok(open_with(dir, opening, OpenFlags::empty(), false)?)
        }
        opened => Ok(opened?),
    }
}

fn open_with(dir: &Dir, opening: &Opening, oflags: OpenFlags, writes: bool) -> io::Result<File> {
    let creates = oflags.contains(OpenFlags::CREAT);
    let reads = opening.base.intersects(READ | Rights::FD_READDIR) || !writes;
    // Opening a pipe does not wait for its other end. The host's flag for directories is not set:
    // where cap-std walks a path by itself, links would have the wrong error with it.
    let of_host = OFlags::NONBLOCK | OFlags::NOCTTY;
    let mut options = OpenOptions::new();
    options
        .read(reads)
        .write(writes)
        .create(creates)
        .create_new(creates && oflags.contains(OpenFlags::EXCL))
        .truncate(oflags.contains(OpenFlags::TRUNC))
        .custom_flags(of_host.bits().cast_signed())
        .follow(opening.follow)
        .maybe_dir(true);
    Ok(dir.open_with(&opening.path, &options)?.into_std())
}

/// The descriptor of a file that has been opened, with the rights among those asked for that apply.
fn describe(
    file: File,
    base: Rights,
    inheriting: Rights,
    flags: FdFlags,
) -> Result<Descriptor, Errno> {
    let mut of_host = fcntl_getfl(&file)?;
    of_host.remove(OFlags::NONBLOCK);
    let mut descriptor = Descriptor::host(file.try_clone()?, base)?;
    match descriptor.file_type {
        FileType::Directory => {
            descriptor = Descriptor::directory(Dir::from_std_file(file), None);
            descriptor.base = base & applicable(FileType::Directory);
            descriptor.inheriting = inheriting;
        }
        FileType::RegularFile => {
            of_host.set(OFlags::APPEND, flags.contains(FdFlags::APPEND));
            fcntl_setfl(&file, of_host)?;
        }
        FileType::Unknown
        | FileType::BlockDevice
        | FileType::CharacterDevice
        | FileType::SocketDatagram
        | FileType::SocketStream
        | FileType::SymbolicLink => fcntl_setfl(&file, of_host)?,
    }
    descriptor.flags = flags;
    Ok(descriptor)
}

/// A time that is set, with the present time where clocks are made.
fn time_spec(time: NewTime, now: Option<u64>) -> Option<SystemTimeSpec> {
    let at = |time: u64| -> SystemTime { UNIX_EPOCH + Duration::from_nanos(time) };
    let absolute =
        |time: u64| SystemTimeSpec::Absolute(cap_std::time::SystemTime::from_std(at(time)));
    match (time, now) {
        (NewTime::Kept, _) => None,
        (NewTime::Now, None) => Some(SystemTimeSpec::SymbolicNow),
        (NewTime::Now, Some(now)) => Some(absolute(now)),
        (NewTime::At(time), _) => Some(absolute(time)),
    }
}
