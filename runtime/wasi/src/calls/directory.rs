//! The functions of open directories: preopened names, entries.
//!
//! The entries of a directory are read when a program asks for the first one, and kept, so that
//! cookies stay what they were while the directory changes. They are in the order of their names.

use std::os::unix::ffi::OsStrExt;

use cap_fs_ext::DirEntryExt;

use crate::abi::{Errno, FileStat, FileType, Rights, dirent, prestat};
use crate::context::Wasi;
use crate::descriptor::{Directory, Resource, file_stat, type_of};
use crate::error::Outcome;
use crate::guest::Guest;
use crate::steady::FileView;

/// The entries of a directory; the cookie of an entry is its index.
#[derive(Debug)]
pub(crate) struct Listing(Vec<Listed>);

/// An entry of a directory.
#[derive(Debug)]
struct Listed {
    inode: u64,
    file_type: FileType,
    name: Vec<u8>,
}

impl Listing {
    fn read(directory: &Directory, files: &mut FileView) -> Result<Listing, Errno> {
        let own = files.show(file_stat(&directory.dir.dir_metadata()?));
        let dots = [(b".".to_vec(), own.inode), (b"..".to_vec(), 0)];
        let mut entries: Vec<(Listed, FileStat)> = Vec::new();
        for entry in directory.dir.entries()? {
            let entry = entry?;
            // An entry may go away while the directory is read.
            let (Ok(metadata), Ok(file_type)) = (entry.full_metadata(), entry.file_type()) else {
                continue;
            };
            let listed = Listed {
                inode: 0,
                file_type: type_of(file_type),
                name: entry.file_name().as_bytes().to_vec(),
            };
            entries.push((listed, file_stat(&metadata)));
        }
        entries.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
        let entries = entries.into_iter().map(|(listed, stat)| Listed {
            inode: files.show(stat).inode,
            ..listed
        });
        let dots = dots.into_iter().map(|(name, inode)| Listed {
            inode,
            file_type: FileType::Directory,
            name,
        });
        Ok(Listing(dots.chain(entries).collect()))
    }
}

impl Wasi {
    /// Writes the length of the name of a preopened directory.
    pub(crate) fn fd_prestat_get(&mut self, guest: &mut Guest<'_>, fd: u32, out: u32) -> Outcome {
        let len = preopened(self, fd)?.len() as u32;
        let place = guest.place(out)?;
        Ok(guest.put_record(place, prestat(len))?)
    }

    /// Writes the name of a preopened directory.
    pub(crate) fn fd_prestat_dir_name(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        path: u32,
        path_len: u32,
    ) -> Outcome {
        let name = preopened(self, fd)?;
        if (path_len as usize) < name.len() {
            return Err(Errno::NameTooLong.into());
        }
        Ok(guest.write(path, name.as_bytes())?)
    }

    /// Writes entries of a directory from a cookie on, as many as there is room for. The last one
    /// may be cut off; if the buffer is not full, the last one
    /// is in it.
    pub(crate) fn fd_readdir(
        &mut self,
        guest: &mut Guest<'_>,
        fd: u32,
        buf: u32,
        buf_len: u32,
        cookie: u64,
        used: u32,
    ) -> Outcome {
        let descriptor = self.descriptors.get_mut(fd)?;
        let base = descriptor.base;
        let Resource::Directory(directory) = &mut descriptor.resource else {
            return Err(Errno::NotDir.into());
        };
        if !base.contains(Rights::FD_READDIR) {
            return Err(Errno::NotCapable.into());
        }
        guest.region(buf, buf_len)?;
        let place = guest.place(used)?;
        if cookie == 0 || directory.listing.is_none() {
            directory.listing = Some(Listing::read(directory, &mut self.files)?);
        }
        let entries = directory.listing.as_ref().map_or(&[][..], |it| &it.0[..]);
        let first = usize::try_from(cookie).unwrap_or(usize::MAX);
        let mut done = 0;
        for (n, entry) in entries.iter().enumerate().skip(first) {
            let next = n as u64 + 1;
            let name_len = entry.name.len() as u32;
            let head = dirent(next, entry.inode, name_len, entry.file_type).0;
            for part in [&head[..], &entry.name] {
                let part = &part[..part.len().min((buf_len - done) as usize)];
                guest.write(buf + done, part)?;
                done += part.len() as u32;
            }
            if done == buf_len {
                break;
            }
        }
        Ok(guest.put(place, done.to_le_bytes())?)
    }
}

/// The name of a preopened directory.
fn preopened(wasi: &Wasi, fd: u32) -> Result<&str, Errno> {
    match &wasi.descriptors.get(fd)?.resource {
        Resource::Directory(directory) => directory.preopened.as_deref().ok_or(Errno::BadF),
        Resource::Host(_) | Resource::Input(..) | Resource::Output(_) | Resource::Lost => {
            Err(Errno::BadF)
        }
    }
}
